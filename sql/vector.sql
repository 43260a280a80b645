-- vector: text, operators, functions.  The numbers are such that every sum is
-- exact in float: all instruction sets give the same digits.

-- text
SELECT '[1,2,3]'::vector;
SELECT E' \t\n[ 1 ,\t-2.5\r\n, +3e0 ]\f\x0b'::vector;
SELECT '[1.,.5,-.25,1e2,1E+2,100e-2,0x10,00012]'::vector;
SELECT '[0,-0,0.0,-0e10,1e-50,-1e-50]'::vector;
SELECT '[1e-45,1.17549435e-38,3.4028235e38,-3.4028235e38]'::vector;
SELECT '[0.1,16777216,16777217,123456789,1e7,1e15,1e16,0.0001,0.00001]'::vector;
SELECT '[1.00000011920928955078125,1.000000059604644775390625,1.00000005960464477539062500001]'::vector;
SELECT vector_send('[1,-2.5,0,-0]');
SELECT '[1,2,3]'::vector(3);
SELECT NULL::vector;

-- order
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
       vector_cmp(a, b) AS cmp
FROM (VALUES ('[1,2,3]'::vector, '[1,2,3]'::vector),
             ('[1,2,3]', '[1,2,4]'),
             ('[1,2,4]', '[1,2,3]'),
             ('[1,2]', '[1,2,3]'),
             ('[1,3]', '[1,2,3]'),
             ('[1,2,3]', '[1,2]'),
             ('[-1]', '[1]'),
             ('[0]', '[-0]'),
             ('[1]', NULL)) AS pairs(a, b);

-- arithmetic
SELECT '[1,2,3]'::vector + '[4,5,6]';
SELECT '[1,2,3]'::vector - '[4,5,6]';
SELECT '[1,2,3]'::vector * '[4,5,-6]';
SELECT '[1,2,3]'::vector || '[4]';
SELECT '[3e38]'::vector + '[3e38]';
SELECT '[3e38]'::vector - '[-3e38]';
SELECT '[1e37]'::vector * '[100]';
SELECT '[1e-37]'::vector * '[1e-37]';
SELECT '[1,0,-0,1e-20]'::vector * '[0,0,1,1e-20]';
SELECT '[1,2]'::vector + '[1]';
SELECT '[1,2]'::vector - '[1]';
SELECT '[1,2]'::vector * '[1]';
SELECT vector_add('[1,2]', '[10,20]'), vector_sub('[1,2]', '[10,20]'),
       vector_mul('[1,2]', '[10,20]'), vector_concat('[1,2]', '[10,20]');

-- distances
SELECT l2_distance('[0,0]'::vector, '[3,4]'), '[0,0]'::vector <-> '[3,4]' AS operator;
SELECT '[0,0]'::vector <-> '[0,1]';
SELECT '[1,2]'::vector <-> '[1,2]';
SELECT vector_l2_squared_distance('[0,0]', '[3,4]');
SELECT inner_product('[1,2]'::vector, '[3,4]'), '[1,2]'::vector <#> '[3,4]' AS operator,
       vector_negative_inner_product('[1,2]', '[3,4]');
SELECT l1_distance('[0,0]'::vector, '[3,-4]'), '[0,0]'::vector <+> '[3,-4]' AS operator;
SELECT cosine_distance('[1,2]'::vector, '[2,4]'), '[1,2]'::vector <=> '[2,4]' AS operator;
SELECT '[1,0]'::vector <=> '[0,2]';
SELECT '[1,1]'::vector <=> '[-1,-1]';
SELECT '[3,4]'::vector <=> '[4,3]';
SELECT '[1,2]'::vector <=> '[0,0]';
SELECT vector_spherical_distance('[1,0]', '[1,0]'), vector_spherical_distance('[1,0]', '[0,1]'),
       vector_spherical_distance('[1,0]', '[-1,0]'), vector_spherical_distance('[2,0]', '[2,0]'),
       vector_spherical_distance('[2,0]', '[-2,0]');
SELECT '[1,2]'::vector <-> '[3]';
SELECT '[1,2]'::vector <#> '[3]';
SELECT '[1,2]'::vector <=> '[3]';
SELECT '[1,2]'::vector <+> '[3]';
SELECT vector_l2_squared_distance('[1,2]', '[3]');
SELECT vector_negative_inner_product('[1,2]', '[3]');
SELECT vector_spherical_distance('[1,2]', '[3]');
SELECT '[1,2]'::vector <-> NULL, NULL <=> '[1,2]'::vector;

-- beyond what float sums can hold: 2^127 and 2^-127
SELECT '[170141183460469231731687303715884105728]'::vector <-> '[-170141183460469231731687303715884105728]' = 2 ^ 128::float8;
SELECT '[170141183460469231731687303715884105728]'::vector <#> '[170141183460469231731687303715884105728]' = -(2 ^ 254::float8);
SELECT '[170141183460469231731687303715884105728]'::vector <+> '[-170141183460469231731687303715884105728]' = 2 ^ 128::float8;
SELECT '[170141183460469231731687303715884105728]'::vector <=> '[-170141183460469231731687303715884105728]';
SELECT '[5.877471754111437539843683e-39]'::vector <-> '[0]' = 2 ^ (-127)::float8;
SELECT '[5.877471754111437539843683e-39]'::vector <=> '[5.877471754111437539843683e-39]';
SELECT abs(('[1e-22,2e-22]'::vector <=> '[2e-22,1e-22]') - 0.2) < 1e-6 AS small;
SELECT abs(('[1e19,2e19]'::vector <=> '[2e19,1e19]') - 0.2) < 1e-6 AS large;

-- as long as they get
SELECT a <-> b = sqrt(4 * 16000::float8) AS l2, a <#> b AS ip, a <+> b AS l1, a <=> b AS cosine,
       vector_dims(a), vector_dims(a + b), vector_norm(b) = sqrt(9 * 16000::float8) AS norm,
       a < b AS lt, a + a + a = b AS sum
FROM (SELECT array_fill(1, ARRAY[16000])::vector AS a, array_fill(3, ARRAY[16000])::vector AS b) AS v;
SELECT vector_dims(array_fill(1, ARRAY[15999])::vector || '[1]'::vector);
SELECT array_fill(1, ARRAY[15999])::vector || '[1,2]'::vector;

-- every length, so that every loop and every tail is taken:
-- 1 + 2 + ... + n = n (n + 1) / 2, and so on
SELECT count(*) AS lengths, sum(n) AS total,
       count(*) FILTER (WHERE a <#> ones = -(n * (n + 1) / 2)) AS ip,
       count(*) FILTER (WHERE a <+> zeroes = n * (n + 1) / 2) AS l1,
       count(*) FILTER (WHERE vector_l2_squared_distance(a, ones) = (n - 1) * n * (2 * n - 1) / 6) AS l2,
       count(*) FILTER (WHERE vector_norm(ones) = sqrt(n::float8)) AS norm,
       count(*) FILTER (WHERE abs((a <=> ones) - (1 - n * (n + 1) / 2 / sqrt(n * (n * (n + 1) * (2 * n + 1) / 6)::float8))) < 1e-12) AS cosine,
       count(*) FILTER (WHERE a + a - a = a AND a * ones = a AND a - a = zeroes) AS arithmetic
FROM (SELECT n, array_agg(i ORDER BY i)::vector AS a, array_fill(1, ARRAY[n])::vector AS ones,
             array_fill(0, ARRAY[n])::vector AS zeroes
      FROM generate_series(1, 300) AS n, generate_series(1, n) AS i GROUP BY n) AS v;

-- functions
SELECT vector_dims('[1,2,3]'::vector), vector_norm('[3,4]'), vector_norm('[0,1]'), vector_norm('[0]');
SELECT vector_norm('[170141183460469231731687303715884105728]') = 2 ^ 127::float8;
SELECT l2_normalize('[3,4]'::vector);
SELECT l2_normalize('[3,0]'::vector);
SELECT l2_normalize('[0,0.1]'::vector);
SELECT l2_normalize('[0,0]'::vector);
SELECT l2_normalize('[3e38]'::vector);
SELECT l2_normalize('[-1e-45]'::vector);
SELECT l2_normalize('[3e38,1e-37]'::vector);
SELECT binary_quantize('[1,0,-1]'::vector);
SELECT binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'::vector);
SELECT binary_quantize('[-0,1e-45]'::vector);
SELECT n, binary_quantize(array_agg(i % 3 - 1 ORDER BY i)::vector) = string_agg(CASE WHEN i % 3 = 2 THEN '1' ELSE '0' END, '' ORDER BY i)::varbit AS same
FROM (VALUES (7), (8), (9), (255), (256), (257), (513)) AS l(n), generate_series(1, n) AS i GROUP BY n ORDER BY n;
SELECT subvector('[1,2,3,4,5]'::vector, 1, 3);
SELECT subvector('[1,2,3,4,5]'::vector, 3, 2);
SELECT subvector('[1,2,3,4,5]'::vector, 5, 1);
SELECT subvector('[1,2,3,4,5]'::vector, -1, 3);
SELECT subvector('[1,2,3,4,5]'::vector, 3, 9);
SELECT subvector('[1,2,3,4,5]'::vector, 3, 2147483647);
SELECT subvector('[1,2,3,4,5]'::vector, -2147483644, 2147483647);
SELECT subvector('[1,2,3,4,5]'::vector, 1, 0);
SELECT subvector('[1,2,3,4,5]'::vector, 3, -1);
SELECT subvector('[1,2,3,4,5]'::vector, -1, 2);
SELECT subvector('[1,2,3,4,5]'::vector, 6, 1);
SELECT subvector('[1,2,3,4,5]'::vector, 2147483647, 10);
SELECT subvector('[1,2,3,4,5]'::vector, -2147483648, -2147483648);

-- storage: short and long, compressed and not, in the row and out of it
CREATE TABLE vectors (id int, v vector);
SELECT attstorage FROM pg_attribute WHERE attrelid = 'vectors'::regclass AND attname = 'v';
INSERT INTO vectors VALUES (1, '[1,2,3]'), (2, NULL);
INSERT INTO vectors SELECT 3, array_agg(i) FROM generate_series(1, 3000) AS i;
ALTER TABLE vectors ALTER v SET STORAGE EXTENDED;
INSERT INTO vectors VALUES (4, array_fill(7, ARRAY[16000]));
ALTER TABLE vectors ALTER v SET STORAGE MAIN;
INSERT INTO vectors VALUES (5, array_fill(7, ARRAY[16000]));
ALTER TABLE vectors ALTER v SET STORAGE PLAIN;
INSERT INTO vectors SELECT 6, array_agg(i) FROM generate_series(1, 1500) AS i;
SELECT id, vector_dims(v), v <-> v AS self, v <+> v - v AS l1, v < subvector(v, 1, 2) AS lt,
       pg_column_size(v) < 4 * vector_dims(v) AS compressed
FROM vectors ORDER BY id;
SELECT a.id, b.id, a.v < b.v AS lt, a.v = b.v AS eq FROM vectors AS a, vectors AS b
WHERE a.id IN (1, 3, 4) AND b.id IN (1, 5, 6) ORDER BY 1, 2;
DROP TABLE vectors;
