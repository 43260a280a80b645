-- int8vec: text, operators, functions.

-- text
SELECT '[1,2,3]'::int8vec;
SELECT E' \t\n[ 1 ,\t-2\r\n, +3 ]\f\x0b'::int8vec;
SELECT '[127,-128,0,-0,+0,00012]'::int8vec;
SELECT '[128]'::int8vec;
SELECT '[1,-129]'::int8vec;
SELECT '[1000000000000000000000000]'::int8vec;
SELECT '[1.5]'::int8vec;
SELECT '[1e1]'::int8vec;
SELECT int8vec_send('[1,-2,127,-128]');
SELECT '[1,2,3]'::int8vec(3);
SELECT NULL::int8vec;

-- order
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
       int8vec_cmp(a, b) AS cmp
FROM (VALUES ('[1,2,3]'::int8vec, '[1,2,3]'::int8vec),
             ('[1,2,3]', '[1,2,4]'),
             ('[1,2,4]', '[1,2,3]'),
             ('[1,2]', '[1,2,3]'),
             ('[1,3]', '[1,2,3]'),
             ('[1,2,3]', '[1,2]'),
             ('[-1]', '[1]'),
             ('[0]', '[-0]'),
             ('[1]', NULL)) AS pairs(a, b);

-- arithmetic
SELECT '[1,2,3]'::int8vec + '[4,5,6]';
SELECT '[1,2,3]'::int8vec - '[4,5,6]';
SELECT '[1,2,3]'::int8vec * '[4,5,-6]';
SELECT '[1,2,3]'::int8vec || '[4]';
SELECT '[100]'::int8vec + '[27]', '[-100]'::int8vec - '[28]', '[-16]'::int8vec * '[8]';
SELECT '[100]'::int8vec + '[28]';
SELECT '[0,-100]'::int8vec - '[0,29]';
SELECT '[16]'::int8vec * '[8]';
SELECT '[1,2]'::int8vec + '[1]';
SELECT '[1,2]'::int8vec - '[1]';
SELECT '[1,2]'::int8vec * '[1]';
SELECT int8vec_add('[1,2]', '[10,20]'), int8vec_sub('[1,2]', '[10,20]'),
       int8vec_mul('[1,2]', '[10,20]'), int8vec_concat('[1,2]', '[10,20]');

-- distances
SELECT l2_distance('[0,0]'::int8vec, '[3,4]'), '[0,0]'::int8vec <-> '[3,4]' AS operator;
SELECT '[0,0]'::int8vec <-> '[0,1]';
SELECT '[1,2]'::int8vec <-> '[1,2]';
SELECT int8vec_l2_squared_distance('[0,0]', '[3,4]');
SELECT inner_product('[1,2]'::int8vec, '[3,4]'), '[1,2]'::int8vec <#> '[3,4]' AS operator,
       int8vec_negative_inner_product('[1,2]', '[3,4]');
SELECT l1_distance('[0,0]'::int8vec, '[3,-4]'), '[0,0]'::int8vec <+> '[3,-4]' AS operator;
SELECT cosine_distance('[1,2]'::int8vec, '[2,4]'), '[1,2]'::int8vec <=> '[2,4]' AS operator;
SELECT '[1,0]'::int8vec <=> '[0,2]';
SELECT '[1,1]'::int8vec <=> '[-1,-1]';
SELECT '[3,4]'::int8vec <=> '[4,3]';
SELECT '[1,2]'::int8vec <=> '[0,0]';
SELECT int8vec_spherical_distance('[1,0]', '[1,0]'), int8vec_spherical_distance('[1,0]', '[0,1]'),
       int8vec_spherical_distance('[1,0]', '[-1,0]'), int8vec_spherical_distance('[2,0]', '[2,0]'),
       int8vec_spherical_distance('[2,0]', '[-2,0]');
SELECT '[1,2]'::int8vec <-> '[3]';
SELECT '[1,2]'::int8vec <#> '[3]';
SELECT '[1,2]'::int8vec <=> '[3]';
SELECT '[1,2]'::int8vec <+> '[3]';
SELECT int8vec_l2_squared_distance('[1,2]', '[3]');
SELECT int8vec_negative_inner_product('[1,2]', '[3]');
SELECT int8vec_spherical_distance('[1,2]', '[3]');
SELECT '[1,2]'::int8vec <-> NULL, NULL <=> '[1,2]'::int8vec;

-- at the ends of the range
SELECT '[127]'::int8vec <-> '[-128]', '[-128]'::int8vec <#> '[-128]', '[127]'::int8vec <#> '[-128]',
       '[-128]'::int8vec <+> '[127]', '[127]'::int8vec <=> '[-128]', '[-128]'::int8vec <=> '[-128]';

-- as long as they get
SELECT a <-> b = sqrt(4 * 16000::float8) AS l2, a <#> b AS ip, a <+> b AS l1, a <=> b AS cosine,
       vector_dims(a), vector_dims(a + b), l2_norm(b) = sqrt(9 * 16000::float8) AS norm,
       a < b AS lt, a + a + a = b AS sum
FROM (SELECT array_fill(1, ARRAY[16000])::int8vec AS a, array_fill(3, ARRAY[16000])::int8vec AS b) AS v;
SELECT vector_dims(array_fill(1, ARRAY[15999])::int8vec || '[1]'::int8vec);
SELECT array_fill(1, ARRAY[15999])::int8vec || '[1,2]'::int8vec;

-- the largest sums: 255^2, 128^2 and 255, 16000 times
SELECT int8vec_l2_squared_distance(a, b), b <#> b AS ip, a <+> b AS l1, a <=> a AS cosine
FROM (SELECT array_fill(127, ARRAY[16000])::int8vec AS a, array_fill(-128, ARRAY[16000])::int8vec AS b) AS v;

-- every length, so that every loop and every tail is taken
SELECT count(*) AS lengths, sum(n) AS total,
       count(*) FILTER (WHERE (a <#> b, a <+> b, int8vec_l2_squared_distance(a, b), l2_norm(a)) =
                              (-ip, l1, l2, sqrt(aa::float8))) AS exact,
       count(*) FILTER (WHERE abs((a <=> b) - (1 - ip / sqrt(aa::float8 * bb))) < 1e-12) AS cosine,
       count(*) FILTER (WHERE a - a = a * zeroes AND a + zeroes = a AND a || b > a) AS arithmetic
FROM (SELECT n, array_agg(x ORDER BY i)::int8vec AS a, array_agg(y ORDER BY i)::int8vec AS b,
             array_fill(0, ARRAY[n])::int8vec AS zeroes, sum(x * y) AS ip, sum(abs(x - y)) AS l1,
             sum((x - y) ^ 2) AS l2, sum(x * x) AS aa, sum(y * y) AS bb
      FROM generate_series(1, 300) AS n, generate_series(1, n) AS i,
           LATERAL (SELECT i * 37 % 256 - 128 AS x, (i + n) * 101 % 256 - 128 AS y) AS xy
      GROUP BY n) AS v;

-- functions
SELECT vector_dims('[1,2,3]'::int8vec), l2_norm('[3,4]'::int8vec), l2_norm('[0,1]'::int8vec), l2_norm('[0]'::int8vec);
SELECT l2_norm('[-128]'::int8vec);
SELECT l2_normalize('[3,4]'::int8vec);
SELECT l2_normalize('[3,0]'::int8vec);
SELECT l2_normalize('[0,-128]'::int8vec);
SELECT l2_normalize('[0,0]'::int8vec);
SELECT pg_typeof(l2_normalize('[1]'::int8vec));
SELECT binary_quantize('[1,0,-1]'::int8vec);
SELECT binary_quantize('[0,1,-2,-3,4,5,127,-128,8,-9,1]'::int8vec);
SELECT n, binary_quantize(array_agg(i % 3 - 1 ORDER BY i)::int8vec) = string_agg(CASE WHEN i % 3 = 2 THEN '1' ELSE '0' END, '' ORDER BY i)::varbit AS same
FROM (VALUES (7), (8), (9), (255), (256), (257), (513)) AS l(n), generate_series(1, n) AS i GROUP BY n ORDER BY n;
SELECT subvector('[1,2,3,4,5]'::int8vec, 1, 3);
SELECT subvector('[1,2,3,4,5]'::int8vec, 3, 2);
SELECT subvector('[1,2,3,4,5]'::int8vec, 5, 1);
SELECT subvector('[1,2,3,4,5]'::int8vec, -1, 3);
SELECT subvector('[1,2,3,4,5]'::int8vec, 3, 9);
SELECT subvector('[1,2,3,4,5]'::int8vec, 3, 2147483647);
SELECT subvector('[1,2,3,4,5]'::int8vec, -2147483644, 2147483647);
SELECT subvector('[1,2,3,4,5]'::int8vec, 1, 0);
SELECT subvector('[1,2,3,4,5]'::int8vec, 3, -1);
SELECT subvector('[1,2,3,4,5]'::int8vec, -1, 2);
SELECT subvector('[1,2,3,4,5]'::int8vec, 6, 1);
SELECT subvector('[1,2,3,4,5]'::int8vec, 2147483647, 10);
SELECT subvector('[1,2,3,4,5]'::int8vec, -2147483648, -2147483648);

-- storage: short and long, compressed and not, in the row and out of it
CREATE TABLE int8vecs (id int, v int8vec);
SELECT attstorage FROM pg_attribute WHERE attrelid = 'int8vecs'::regclass AND attname = 'v';
INSERT INTO int8vecs VALUES (1, '[1,2,3]'), (2, NULL);
INSERT INTO int8vecs SELECT 3, array_agg(i % 128) FROM generate_series(1, 6000) AS i;
ALTER TABLE int8vecs ALTER v SET STORAGE EXTENDED;
INSERT INTO int8vecs VALUES (4, array_fill(7, ARRAY[16000]));
ALTER TABLE int8vecs ALTER v SET STORAGE MAIN;
INSERT INTO int8vecs VALUES (5, array_fill(7, ARRAY[16000]));
ALTER TABLE int8vecs ALTER v SET STORAGE PLAIN;
INSERT INTO int8vecs SELECT 6, array_agg(i % 128) FROM generate_series(1, 3000) AS i;
SELECT id, vector_dims(v), v <-> v AS self, v <+> v - v AS l1, v < subvector(v, 1, 2) AS lt,
       pg_column_size(v) < vector_dims(v) AS compressed
FROM int8vecs ORDER BY id;
SELECT a.id, b.id, a.v < b.v AS lt, a.v = b.v AS eq FROM int8vecs AS a, int8vecs AS b
WHERE a.id IN (1, 3, 4) AND b.id IN (1, 5, 6) ORDER BY 1, 2;
DROP TABLE int8vecs;
