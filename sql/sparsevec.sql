-- sparsevec: text, operators, functions.  The numbers are such that every sum is
-- exact in float: all instruction sets give the same digits.

-- text
SELECT '{1:1.5,3:-2}/5'::sparsevec;
SELECT E' \t\n{ 1 :\t1.5\r\n, 3:+2e0 }\f/\x0b 5 '::sparsevec;
SELECT '{}/3'::sparsevec, ' { } / 3'::sparsevec;
SELECT '{5:5,1:1,3:3}/5'::sparsevec;
SELECT '{1:0,2:1,3:-0,4:1e-50,5:1e-45}/5'::sparsevec;
SELECT '{1:0x10,2:.5,3:1.,4:100e-2,+5:3.4028235e38}/5'::sparsevec;
SELECT '{1:1,1000000000:2}/1000000000'::sparsevec;
SELECT sparsevec_send('{1:1,3:-2.5}/5');
SELECT '{1:1}/3'::sparsevec(3);
SELECT NULL::sparsevec;

-- order: as of the dense vectors they stand for
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
       sparsevec_cmp(a, b) AS cmp,
       sparsevec_cmp(a, b) = vector_cmp(a::vector, b::vector) AS as_dense
FROM (VALUES ('{1:1,2:2,3:3}/3'::sparsevec, '{1:1,2:2,3:3}/3'::sparsevec),
             ('{1:1,2:2}/3', '{1:1,2:2}/4'),
             ('{1:1,2:2}/3', '{1:1,3:2}/3'),
             ('{2:-1}/3', '{3:-1}/3'),
             ('{2:-1}/3', '{}/3'),
             ('{}/3', '{2:-1}/3'),
             ('{3:-1}/3', '{2:-1}/3'),
             ('{}/3', '{2:1}/3'),
             ('{2:1}/3', '{}/3'),
             ('{}/3', '{}/4'),
             ('{}/3', '{4:-1}/4'),
             ('{3:1}/3', '{4:1}/4'),
             ('{1:2}/2', '{1:1,3:5}/3'),
             ('{1:1}/1', NULL)) AS pairs(a, b);

-- distances
SELECT l2_distance('{}/2'::sparsevec, '{1:3,2:4}/2'), '{}/2'::sparsevec <-> '{1:3,2:4}/2' AS operator;
SELECT '{1:3}/2'::sparsevec <-> '{2:4}/2';
SELECT '{1:3,2:4}/2'::sparsevec <-> '{}/2';
SELECT '{}/2'::sparsevec <-> '{}/2';
SELECT sparsevec_l2_squared_distance('{1:1,4:2}/9', '{4:5,9:1}/9');
SELECT inner_product('{1:1,2:2}/2'::sparsevec, '{1:3,2:4}/2'), '{1:1,2:2}/2'::sparsevec <#> '{1:3,2:4}/2' AS operator,
       sparsevec_negative_inner_product('{1:1,2:2}/2', '{1:3,2:4}/2');
SELECT '{1:1,3:3}/4'::sparsevec <#> '{2:2,4:4}/4';
SELECT '{1:1,3:3,5:5}/9'::sparsevec <#> '{3:2,4:7,5:-1,9:1}/9';
SELECT l1_distance('{}/2'::sparsevec, '{1:3,2:-4}/2'), '{}/2'::sparsevec <+> '{1:3,2:-4}/2' AS operator;
SELECT '{1:1,3:3,5:5}/9'::sparsevec <+> '{3:2,4:7,5:-1,9:1}/9';
SELECT cosine_distance('{1:1,2:2}/2'::sparsevec, '{1:2,2:4}/2'), '{1:1,2:2}/2'::sparsevec <=> '{1:2,2:4}/2' AS operator;
SELECT '{1:1}/2'::sparsevec <=> '{2:2}/2';
SELECT '{1:1,2:1}/2'::sparsevec <=> '{1:-1,2:-1}/2';
SELECT '{1:3,5:4}/5'::sparsevec <=> '{1:4,5:3}/5';
SELECT '{1:1}/2'::sparsevec <=> '{}/2';
SELECT '{}/2'::sparsevec <=> '{}/2';
SELECT '{1:1}/2'::sparsevec <-> '{1:3}/1';
SELECT '{1:1}/2'::sparsevec <#> '{1:3}/1';
SELECT '{1:1}/2'::sparsevec <=> '{1:3}/1';
SELECT '{1:1}/2'::sparsevec <+> '{1:3}/1';
SELECT sparsevec_l2_squared_distance('{1:1}/2', '{1:3}/1');
SELECT sparsevec_negative_inner_product('{1:1}/2', '{1:3}/1');
SELECT '{1:1}/2'::sparsevec <-> NULL, NULL <=> '{1:1}/2'::sparsevec;

-- beyond what float sums can hold: 2^127 and 2^-127
SELECT '{1:170141183460469231731687303715884105728}/2'::sparsevec <-> '{1:-170141183460469231731687303715884105728}/2' = 2 ^ 128::float8;
SELECT '{1:170141183460469231731687303715884105728}/2'::sparsevec <#> '{1:170141183460469231731687303715884105728}/2' = -(2 ^ 254::float8);
SELECT '{1:170141183460469231731687303715884105728}/2'::sparsevec <+> '{1:-170141183460469231731687303715884105728}/2' = 2 ^ 128::float8;
SELECT '{1:170141183460469231731687303715884105728}/2'::sparsevec <=> '{1:-170141183460469231731687303715884105728}/2';
SELECT '{2:5.877471754111437539843683e-39}/2'::sparsevec <-> '{}/2' = 2 ^ (-127)::float8;

SELECT abs(('{1:1e-22,2:2e-22}/2'::sparsevec <=> '{1:2e-22,2:1e-22}/2') - 0.2) < 1e-6 AS small;
SELECT abs(('{1:1e19,2:2e19}/2'::sparsevec <=> '{1:2e19,2:1e19}/2') - 0.2) < 1e-6 AS large;

-- against dense vectors: every length, elements in both, in one, in neither
SELECT count(*) AS pairs, sum(n) AS total,
       count(*) FILTER (WHERE a <-> b = a::sparsevec <-> b::sparsevec) AS l2,
       count(*) FILTER (WHERE a <#> b = a::sparsevec <#> b::sparsevec) AS ip,
       count(*) FILTER (WHERE a <+> b = a::sparsevec <+> b::sparsevec) AS l1,
       count(*) FILTER (WHERE abs((a <=> b) - (a::sparsevec <=> b::sparsevec)) < 1e-12) AS cosine,
       count(*) FILTER (WHERE vector_norm(a) = l2_norm(a::sparsevec)) AS norm,
       count(*) FILTER (WHERE vector_cmp(a, b) = sparsevec_cmp(a::sparsevec, b::sparsevec)) AS cmp,
       count(*) FILTER (WHERE l2_normalize(a) = l2_normalize(a::sparsevec)::vector) AS normalize
FROM (SELECT n, array_agg(CASE WHEN i * i % 7 < 3 THEN i % 19 - 9 ELSE 0 END ORDER BY i)::vector + ('[' || repeat('0,', n - 1) || '1]')::vector AS a,
             array_agg(CASE WHEN (i + n) * i % 5 < 3 THEN i % 23 - 11 ELSE 0 END ORDER BY i)::vector + ('[' || repeat('0,', n - 1) || '1]')::vector AS b
      FROM generate_series(1, 200) AS n, generate_series(1, n) AS i GROUP BY n) AS v
WHERE vector_norm(a) > 0 AND vector_norm(b) > 0;

-- as many elements as there can be
SELECT a <-> b = sqrt(4 * 16000::float8) AS l2, a <#> b AS ip, a <+> b AS l1, a <=> b AS cosine, l2_norm(b) = sqrt(9 * 16000::float8) AS norm
FROM (SELECT array_fill(1, ARRAY[16000])::sparsevec AS a, array_fill(3, ARRAY[16000])::sparsevec AS b) AS v;
SELECT a <#> b AS ip, a <+> b AS l1, a = b AS eq, sparsevec_cmp(a, b) AS cmp
FROM (SELECT ('{' || string_agg(i * 2 || ':1', ',' ORDER BY i) || '}/1000000')::sparsevec AS a,
             ('{' || string_agg(i * 3 || ':2', ',' ORDER BY -i) || '}/1000000')::sparsevec AS b
      FROM generate_series(1, 16000) AS i) AS v;

-- functions
SELECT l2_norm('{1:3,2:4}/2'::sparsevec), l2_norm('{2:1}/2'::sparsevec), l2_norm('{}/2'::sparsevec);
SELECT l2_norm('{2:170141183460469231731687303715884105728}/2'::sparsevec) = 2 ^ 127::float8;
SELECT l2_normalize('{1:3,2:4}/2'::sparsevec);
SELECT l2_normalize('{2:0.1}/2'::sparsevec);
SELECT l2_normalize('{}/2'::sparsevec);
SELECT l2_normalize('{1:3e38}/1'::sparsevec);
SELECT l2_normalize('{1:-1e-45}/1'::sparsevec);
SELECT l2_normalize('{1:3e38,2:1e-37}/2'::sparsevec);

-- storage: short and long, compressed and not, in the row and out of it
CREATE TABLE sparsevecs (id int, v sparsevec);
SELECT attstorage FROM pg_attribute WHERE attrelid = 'sparsevecs'::regclass AND attname = 'v';
INSERT INTO sparsevecs VALUES (1, '{1:1}/3'), (2, NULL), (3, '{}/3');
INSERT INTO sparsevecs SELECT 4, array_agg(i % 50 + 1) FROM generate_series(1, 3000) AS i;
ALTER TABLE sparsevecs ALTER v SET STORAGE EXTENDED;
INSERT INTO sparsevecs VALUES (5, array_fill(7, ARRAY[16000]));
ALTER TABLE sparsevecs ALTER v SET STORAGE PLAIN;
INSERT INTO sparsevecs SELECT 6, array_agg(i % 50 + 1) FROM generate_series(1, 900) AS i;
SELECT id, v <-> v AS self, v <#> v AS ip, pg_column_size(v) < 120000 AND v <#> v = -784000 AS compressed
FROM sparsevecs ORDER BY id;
SELECT a.id, b.id, a.v < b.v AS lt, a.v = b.v AS eq FROM sparsevecs AS a, sparsevecs AS b
WHERE a.id <> 2 AND b.id <> 2 AND a.id <= b.id ORDER BY 1, 2;
DROP TABLE sparsevecs;
