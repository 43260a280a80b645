-- Decimal text to float, against PostgreSQL's own input of real: for each text
-- the same bits, or both out of range.  (What is too small for a float is zero
-- here and an error there.)  The random numbers are always the same.

CREATE TABLE numbers (kind text, t text);
SELECT setseed(0.5);
-- integers and decimals of 1 to 20 digits
INSERT INTO numbers SELECT 'decimal',
    CASE WHEN random() < 0.3 THEN '-' WHEN random() < 0.1 THEN '+' ELSE '' END
    || CASE WHEN random() < 0.2 THEN repeat('0', (random() * 12)::int) ELSE '' END
    || CASE WHEN point = 0 THEN d WHEN point >= length(d) THEN d || '.' ELSE substr(d, 1, length(d) - point) || '.' || substr(d, length(d) - point + 1) END
FROM (SELECT substr(lpad((random() * 1e10)::bigint::text, 10, '7') || lpad((random() * 1e10)::bigint::text, 10, '3'), 1, 1 + i % 20) AS d,
             (random() * 22)::int AS point FROM generate_series(1, 6000) AS i OFFSET 0) AS r;
-- with exponents, from far too small to far too large
INSERT INTO numbers SELECT 'exponent', (random() * 20 - 10)::text || CASE WHEN random() < 0.5 THEN 'e' ELSE 'E+' END || (random() * 45)::int
FROM generate_series(1, 2000);
INSERT INTO numbers SELECT 'exponent', round((random() * 20 - 10)::numeric, (random() * 19)::int)::text || 'e-' || (random() * 50)::int
FROM generate_series(1, 3000);
INSERT INTO numbers SELECT 'exponent', (random() * 1e18)::bigint || '00000e' || (random() * 90 - 75)::int FROM generate_series(1, 1000);
-- any float, as PostgreSQL writes it, and with more digits
CREATE TABLE floats AS SELECT i, sign * (1 + fraction / 8388608.0::float8) * 2 ^ exponent AS x, 2 ^ (exponent - 23) AS step FROM
    (SELECT i, CASE WHEN random() < 0.5 THEN -1 ELSE 1 END AS sign, (random() * 8388607)::int AS fraction, (random() * 252 - 126)::int AS exponent
     FROM generate_series(1, 2000) AS i OFFSET 0) AS r;
INSERT INTO numbers SELECT 'float', x::real::text FROM floats;
INSERT INTO numbers SELECT 'float', x::text FROM floats;
INSERT INTO numbers SELECT 'float', x::numeric::text FROM floats WHERE i % 4 = 0;
-- half-way between two floats, exactly, and a little to each side
CREATE FUNCTION halfway(n int, e int) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN e >= 0 THEN (2 * n::numeric + 1) * 2::numeric ^ e ELSE trim_scale((2 * n::numeric + 1) * 5::numeric ^ -e * ('1e' || e)::numeric) END$$;
INSERT INTO numbers SELECT 'midpoint', m || suffix FROM
    (SELECT halfway(8388608 + (random() * 8388607)::int, (random() * 60 - 50)::int)::text AS m FROM generate_series(1, 500)) AS r,
    LATERAL (SELECT CASE WHEN m LIKE '%.%' THEN '' ELSE '.' END || s AS suffix FROM (VALUES (''), ('1'), ('000000000000000000000001')) AS v(s)) AS suffixes;
INSERT INTO numbers SELECT 'midpoint', m - ('1e-' || scale(m) + 1 + i % 20)::numeric FROM
    (SELECT i, halfway(8388608 + (random() * 8388607)::int, (random() * 60 - 50)::int) AS m FROM generate_series(1, 500) AS i) AS r;
-- below the normal floats; sqrt(2) * 10^-45 and so on, about the smallest
INSERT INTO numbers SELECT 'subnormal', (random() * 12000)::int || 'e-' || 41 + i % 8 FROM generate_series(1, 1000) AS i;
INSERT INTO numbers SELECT 'subnormal', round((random() * 15)::numeric, 1 + i % 17) || 'e-' || 37 + i % 9 FROM generate_series(1, 1000) AS i;
INSERT INTO numbers SELECT 'subnormal', '0.' || repeat('0', 36 + i % 8) || (random() * 1e9)::int FROM generate_series(1, 500) AS i;
-- about the largest
INSERT INTO numbers SELECT 'large', (3.4028234 + i * 0.00000000037)::text || 'e38' FROM generate_series(1, 800) AS i;
INSERT INTO numbers SELECT 'large', trunc(3.4028234e38::numeric + i * 1.03e28, 0)::text FROM generate_series(0, 800) AS i;
INSERT INTO numbers VALUES ('large', '340282356779733661637539395458142568447'), ('large', '340282356779733661637539395458142568448'),
    ('large', '-340282356779733661637539395458142568448.0'), ('large', '3.4028235677973366163753939545814256844799999e38'),
    ('zero', '0'), ('zero', '-0'), ('zero', '0e99999999999'), ('zero', '-0.000e-999'), ('zero', '.0'), ('zero', '0.'),
    ('zero', '00000000000000000000000000000000000000000000000000000000000.0000000000000000000000000000000000000000000000'),
    ('zeroes', '0000000000000000000000000000000000000000000000000000000000000000000000000000001.5'),
    ('zeroes', '0.0000000000000000000000000000000000000000000000000000000000000000000015e70'),
    ('zeroes', '15000000000000000000000000000000000000000000000000000000000000000000000e-70'),
    ('zeroes', '1.500000000000000000000000000000000000000000000000000000000000000000000'),
    ('zeroes', '1.000000059604644775390625000000000000000000000000000000000000000000000001'),
    ('zeroes', '16777217'), ('zeroes', '16777217.0000000000000000000000000000000000000000000001'), ('zeroes', '9007199254740993'),
    ('zeroes', '1e00000000000000000000000000000000001'), ('zeroes', '123456789012345678'), ('zeroes', '1234567890123456789'), ('zeroes', '99999999999999999999');

-- Each text alone, then in the middle and at the end of others: the parser
-- reads ahead where there is room.
CREATE FUNCTION check_number(t text, OUT expected bytea, OUT got bytea) LANGUAGE plpgsql AS $$
DECLARE
    v vector;
BEGIN
    BEGIN
        expected := float4send(t::real);
    EXCEPTION WHEN numeric_value_out_of_range THEN
        -- real's own error does not say which end it was
        IF abs(t::numeric) < 1 THEN
            expected := float4send(CASE WHEN t LIKE '-%' THEN '-0'::real ELSE 0 END);
        END IF;
    END;
    BEGIN
        v := '[' || t || ',1,' || t || ',0.12345678901234567,' || t || ' , -1.5e1,' || t || ']';
        got := float4send((v::real[])[1]);
        IF got <> float4send((v::real[])[3]) OR got <> float4send((v::real[])[5]) OR got <> float4send((v::real[])[7])
            OR (v::real[])[2] <> 1 OR (v::real[])[4] <> 0.12345678901234567::real OR (v::real[])[6] <> -15
            OR got <> float4send((('[' || t || ']')::vector::real[])[1])
            OR (got NOT IN ('\x00000000', '\x80000000') AND float4send((('{2:' || t || '}/3')::sparsevec::vector::real[])[2]) <> got)
            OR vector_send(v::text::vector) <> vector_send(v) THEN
            got := '\x';
        END IF;
    EXCEPTION WHEN numeric_value_out_of_range THEN
        NULL;
    END;
END $$;

SELECT kind, count(*) > 0 AS some, count(*) FILTER (WHERE expected IS NOT NULL) > 0 AS floats,
       count(*) FILTER (WHERE expected IS DISTINCT FROM got) AS wrong
FROM numbers, check_number(t) GROUP BY kind ORDER BY kind;
SELECT kind, t, expected, got FROM numbers, check_number(t) WHERE expected IS DISTINCT FROM got LIMIT 10;
-- does the check find what is wrong?  Are all kinds of results among them?
SELECT count(DISTINCT expected) > 15000 AS different, count(*) FILTER (WHERE expected IS NULL) > 500 AS too_large,
       count(*) FILTER (WHERE expected IN ('\x00000000', '\x80000000')) > 100 AS zero,
       count(*) FILTER (WHERE expected < '\x00800000' AND expected > '\x00000000') > 500 AS subnormal
FROM numbers, check_number(t);
DROP FUNCTION check_number, halfway;
DROP TABLE numbers, floats;
