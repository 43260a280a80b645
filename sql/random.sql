-- Random vectors of every type, always the same: text and binary there and
-- back, arithmetic and distances against the same in double precision, worked
-- out in SQL from the elements.

SELECT setseed(0.25);
-- n dimensions, elements of a common scale; a tenth of them zero
CREATE TABLE arrays AS SELECT id, n, array_agg(x ORDER BY i) AS x, array_agg(y ORDER BY i) AS y,
       array_agg(round(hx::numeric) ORDER BY i)::float8[] AS ix, array_agg(round(hy::numeric) ORDER BY i)::float8[] AS iy, array_agg(hx ORDER BY i) AS hx, array_agg(hy ORDER BY i) AS hy
FROM (SELECT id, n, i, CASE WHEN random() < 0.1 THEN 0 ELSE (random() * 2 - 1) * scale END::real::float8 AS x,
             CASE WHEN random() < 0.1 THEN 0 ELSE (random() * 2 - 1) * scale END::real::float8 AS y,
             CASE WHEN random() < 0.1 THEN 0 ELSE random() * 255 - 127.9 END AS hx,
             CASE WHEN random() < 0.1 THEN 0 ELSE random() * 255 - 127.9 END AS hy
      FROM (SELECT id, 1 + (id * 7919 % 97) AS n, 10.0::float8 ^ (id % 31 - 15) AS scale FROM generate_series(1, 1500) AS id) AS sizes,
           generate_series(1, n) AS i OFFSET 0) AS r
GROUP BY id, n;

-- What the answers are to be: those of the elements as stored, in double.
CREATE FUNCTION expected(a float8[], b float8[], OUT l2 float8, OUT ip float8, OUT cosine float8, OUT l1 float8, OUT norm float8, OUT size float8) LANGUAGE sql IMMUTABLE AS $$
    SELECT sqrt(sum((x - y) ^ 2)), -sum(x * y),
           CASE WHEN sum(x * x) = 0 OR sum(y * y) = 0 THEN 'NaN' ELSE 1 - sum(x * y) / sqrt(sum(x * x) * sum(y * y)) END,
           sum(abs(x - y)), sqrt(sum(x * x)), sqrt(sum(x * x) * sum(y * y))
    FROM unnest(a, b) AS e(x, y)
$$;
-- Near enough?  Errors of float sums are relative to the sum of the terms.
CREATE FUNCTION near(a float8, b float8, size float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT a = b OR abs(a - b) <= 1e-6 * size$$;
SELECT near(1, 1.00001, 1), near(1, 1 + 1e-7, 1), near('NaN', 'NaN', 1), near('NaN', 1, 1);

-- vector
CREATE TABLE pairs AS SELECT id, n, x::vector AS a, y::vector AS b FROM arrays;
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE vector_send(a::text::vector) = vector_send(a)) AS text,
       count(*) FILTER (WHERE a::real[]::vector = a AND vector_send(a::real[]::vector) = vector_send(a)) AS arrays,
       count(*) FILTER (WHERE near(a <-> b, l2, l2)) AS l2,
       count(*) FILTER (WHERE near(a <#> b, ip, size)) AS ip,
       count(*) FILTER (WHERE near(a <=> b, cosine, 1)) AS cosine,
       count(*) FILTER (WHERE near(a <+> b, l1, l1)) AS l1,
       count(*) FILTER (WHERE near(vector_norm(a), norm, norm)) AS norm,
       count(*) FILTER (WHERE (a <-> b, a <#> b, a <=> b, a <+> b) = (b <-> a, b <#> a, b <=> a, b <+> a)) AS symmetric
FROM pairs, expected(a::real[]::float8[], b::real[]::float8[]);
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE vector_send(a + b) = vector_send(sum)) AS add,
       count(*) FILTER (WHERE vector_send(a - b) = vector_send(difference)) AS sub,
       count(*) FILTER (WHERE (a || b)::real[] = a::real[] || b::real[]) AS concat,
       count(*) FILTER (WHERE subvector(a, 1 + n / 3, n / 2 + 1)::real[] = (a::real[])[1 + n / 3 : n / 3 + n / 2 + 1]) AS subvector,
       count(*) FILTER (WHERE sign(vector_cmp(a, b)) = CASE WHEN a::real[] < b::real[] THEN -1 WHEN a::real[] > b::real[] THEN 1 ELSE 0 END) AS cmp,
       count(*) FILTER (WHERE binary_quantize(a) = bits) AS quantize
FROM pairs, LATERAL (SELECT array_agg(x::real + y::real ORDER BY i)::vector AS sum, array_agg(x::real - y::real ORDER BY i)::vector AS difference,
                            string_agg(CASE WHEN x > 0 THEN '1' ELSE '0' END, '' ORDER BY i)::varbit AS bits
                     FROM unnest(a::real[], b::real[]) WITH ORDINALITY AS e(x, y, i)) AS e;
-- products that neither over- nor underflow
SELECT count(*) > 1000 AS many, count(*) = count(*) FILTER (WHERE vector_send(a * b) = vector_send(product)) AS mul
FROM pairs, LATERAL (SELECT array_agg(x::real * y::real ORDER BY i)::vector AS product FROM unnest(a::real[], b::real[]) WITH ORDINALITY AS e(x, y, i)) AS e
WHERE id % 31 BETWEEN 2 AND 28;
SELECT count(*) = count(*) FILTER (WHERE vector_norm(a) = 0 OR abs(vector_norm(l2_normalize(a)) - 1) < 1e-6) AS normalize,
       count(*) = count(*) FILTER (WHERE vector_norm(a) = 0 OR (l2_normalize(a) <=> a) < 1e-6) AS direction FROM pairs;
-- sums of integers are exact in any order
SELECT count(*) AS groups, count(*) FILTER (WHERE s = sums AND m = avgs) AS same
FROM (SELECT n, sum(ix::vector)::real[] AS s, avg(ix::vector)::real[] AS m FROM arrays GROUP BY n) AS got
JOIN (SELECT n, array_agg(s ORDER BY i) AS sums, array_agg(m ORDER BY i) AS avgs
      FROM (SELECT n, i, sum(e)::real AS s, (sum(e) / count(*))::real AS m FROM arrays, unnest(ix) WITH ORDINALITY AS e(e, i) GROUP BY n, i) AS g GROUP BY n) AS expected USING (n);
DROP TABLE pairs;

-- halfvec
CREATE TABLE pairs AS SELECT id, n, hx::halfvec AS a, hy::halfvec AS b, hx FROM arrays;
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE halfvec_send(a::text::halfvec) = halfvec_send(a)) AS text,
       count(*) FILTER (WHERE halfvec_send(a::vector::halfvec) = halfvec_send(a) AND halfvec_send(a::real[]::halfvec) = halfvec_send(a)) AS casts,
       count(*) FILTER (WHERE near(a <-> b, l2, l2)) AS l2,
       count(*) FILTER (WHERE near(a <#> b, ip, size)) AS ip,
       count(*) FILTER (WHERE near(a <=> b, cosine, 1)) AS cosine,
       count(*) FILTER (WHERE near(a <+> b, l1, l1)) AS l1,
       count(*) FILTER (WHERE near(l2_norm(a), norm, norm)) AS norm,
       count(*) FILTER (WHERE halfvec_send(a + b) = halfvec_send((a::vector + b::vector)::halfvec)) AS add,
       count(*) FILTER (WHERE halfvec_send(a - b) = halfvec_send((a::vector - b::vector)::halfvec)) AS sub,
       count(*) FILTER (WHERE halfvec_send(a * b) = halfvec_send((a::vector * b::vector)::halfvec)) AS mul,
       count(*) FILTER (WHERE halfvec_cmp(a, b) = vector_cmp(a::vector, b::vector)) AS cmp
FROM pairs, expected(a::real[]::float8[], b::real[]::float8[]);
-- rounding: the step of a half at x is 2^-10 of the power of two at or below x
SELECT count(*) > 60000 AS many, count(*) = count(*) FILTER (WHERE abs(h - x) <= 2 ^ (floor(log(2, abs(x)::numeric)) - 11)::float8 * 1.001) AS nearest
FROM pairs, unnest(a::real[]::float8[], hx) AS e(h, x) WHERE abs(x) > 0.01;
DROP TABLE pairs;

-- sparsevec
CREATE TABLE pairs AS SELECT id, n, x::sparsevec AS a, y::sparsevec AS b, x::vector AS v, y::vector AS w FROM arrays;
-- and with few elements in common
INSERT INTO pairs SELECT id + 10000, n, x::sparsevec, y::sparsevec, x::vector, y::vector
FROM (SELECT id, n, array_agg(CASE WHEN i * id % 5 = 0 THEN ex ELSE 0 END ORDER BY i) AS x, array_agg(CASE WHEN i * id % 7 < 2 THEN ey ELSE 0 END ORDER BY i) AS y
      FROM arrays, unnest(x, y) WITH ORDINALITY AS e(ex, ey, i) GROUP BY id, n) AS t;
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE sparsevec_send(a::text::sparsevec) = sparsevec_send(a)) AS text,
       count(*) FILTER (WHERE a::vector = v AND sparsevec_send(a::vector::sparsevec) = sparsevec_send(a)) AS casts,
       count(*) FILTER (WHERE near(a <-> b, l2, l2)) AS l2,
       count(*) FILTER (WHERE near(a <#> b, ip, size)) AS ip,
       count(*) FILTER (WHERE near(a <=> b, cosine, 1)) AS cosine,
       count(*) FILTER (WHERE near(a <+> b, l1, l1)) AS l1,
       count(*) FILTER (WHERE near(l2_norm(a), norm, norm)) AS norm,
       count(*) FILTER (WHERE sparsevec_cmp(a, b) = vector_cmp(v, w)) AS cmp,
       count(*) FILTER (WHERE near(l2_normalize(a)::vector <-> l2_normalize(v), 0, 1)) AS normalize
FROM pairs, expected(v::real[]::float8[], w::real[]::float8[]);
DROP TABLE pairs;

-- bit, of the signs
SELECT count(*) AS pairs, count(*) FILTER (WHERE a <~> b = differ) AS hamming,
       count(*) FILTER (WHERE a <%> b = CASE WHEN shared = 0 THEN 1 ELSE 1 - shared / either END) AS jaccard
FROM (SELECT binary_quantize(x::vector) AS a, binary_quantize(y::vector) AS b, x, y FROM arrays) AS t,
     LATERAL (SELECT count(*) FILTER (WHERE (ex > 0) <> (ey > 0)) AS differ, count(*) FILTER (WHERE ex > 0 AND ey > 0)::float8 AS shared,
                     count(*) FILTER (WHERE ex > 0 OR ey > 0)::float8 AS either FROM unnest(x, y) AS e(ex, ey)) AS e;

DROP FUNCTION near, expected;
DROP TABLE arrays;
