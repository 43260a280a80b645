-- Distances of bit strings, PostgreSQL's own type.

SELECT hamming_distance(B'111', B'110'), B'111' <~> B'110' AS operator;
SELECT B'111' <~> B'111', B'111' <~> B'000', B'' <~> B'';
SELECT B'111' <~> B'11';
SELECT jaccard_distance(B'1111', B'1110'), B'1111' <%> B'1110' AS operator;
SELECT B'1111' <%> B'1111', B'1111' <%> B'0000', B'1100' <%> B'1000', B'1100' <%> B'0011';
-- none in common, not even in the union
SELECT B'0000' <%> B'0000', B'' <%> B'';
SELECT B'1111' <%> B'11';
SELECT B'1' <~> NULL, NULL <%> B'1';

-- varbit casts to bit
SELECT '1010'::bit(4) <~> '0101'::bit(4), '1010'::varbit <~> '0101'::varbit;

-- every length, so that every loop and every tail is taken
SELECT count(*) AS lengths, sum(n) AS total,
       count(*) FILTER (WHERE a <~> b = differ) AS hamming,
       count(*) FILTER (WHERE a <%> b = CASE WHEN shared = 0 THEN 1 ELSE 1 - shared::float8 / either END) AS jaccard,
       count(*) FILTER (WHERE a <~> a = 0 AND a <~> ~a = n) AS self
FROM (SELECT n, string_agg(x::text, '' ORDER BY i)::varbit AS a, string_agg(y::text, '' ORDER BY i)::varbit AS b,
             sum(x # y) AS differ, sum(x & y) AS shared, sum(x | y) AS either
      FROM generate_series(1, 700) AS n, generate_series(1, n) AS i,
           LATERAL (SELECT i * i % 7 % 2 AS x, (i * (i + n)) % 11 % 2 AS y) AS xy
      GROUP BY n) AS v;

-- long ones, out of the row
SELECT repeat('10', 500000)::varbit <~> repeat('01', 500000)::varbit AS hamming,
       repeat('10', 500000)::varbit <%> repeat('11', 500000)::varbit AS jaccard;
CREATE TABLE bits (id int, b bit(64));
INSERT INTO bits SELECT i, (repeat('0', 64 - i) || repeat('1', i))::bit(64) FROM generate_series(1, 20) AS i;
INSERT INTO bits VALUES (21, NULL), (22, repeat('0', 64)::bit(64));
SELECT id, b <~> repeat('0', 64)::bit(64) AS d FROM bits ORDER BY d, id LIMIT 4;
SELECT id, b <%> (repeat('0', 54) || repeat('1', 10))::bit(64) AS d FROM bits ORDER BY d, id LIMIT 3;
SELECT id, b <~> '1'::bit(64) AS d FROM bits ORDER BY d DESC, id LIMIT 2;
DROP TABLE bits;
