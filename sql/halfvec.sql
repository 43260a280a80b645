-- halfvec: text, operators, functions.  The numbers are such that every sum is
-- exact in float: all instruction sets give the same digits.

-- text
SELECT '[1,2,3]'::halfvec;
SELECT E' \t\n[ 1 ,\t-2.5\r\n, +3e0 ]\f\x0b'::halfvec;
SELECT '[1.,.5,-.25,1e2,1E+2,100e-2,0x10,00012]'::halfvec;
SELECT '[0,-0,0.0,-0e10,1e-50,-1e-50]'::halfvec;
SELECT '[65504,-65504,65519.996,0.00006103515625,0.000060975551605224609375,5.9604645e-8]'::halfvec;
-- half of the smallest is a tie, which goes to the even one, zero
SELECT '[2.98023223876953125e-8,-2.98023223876953125e-8,2.9802326e-8,8.940696716308594e-8]'::halfvec;
SELECT '[0.1,0.333,2047,2048,2049,2050,2051,4098,0x10.8p1]'::halfvec;
SELECT '[1.00048828125,1.00048840045928955078125,1.00146484375]'::halfvec;
SELECT '[65520]'::halfvec;
SELECT '[1,-65520]'::halfvec;
SELECT '[1e39]'::halfvec;
SELECT halfvec_send('[1,-2.5,0,-0]');
SELECT '[1,2,3]'::halfvec(3);
SELECT NULL::halfvec;

-- order
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
       halfvec_cmp(a, b) AS cmp
FROM (VALUES ('[1,2,3]'::halfvec, '[1,2,3]'::halfvec),
             ('[1,2,3]', '[1,2,4]'),
             ('[1,2,4]', '[1,2,3]'),
             ('[1,2]', '[1,2,3]'),
             ('[1,3]', '[1,2,3]'),
             ('[1,2,3]', '[1,2]'),
             ('[-1]', '[1]'),
             ('[0]', '[-0]'),
             ('[1]', NULL)) AS pairs(a, b);

-- arithmetic
SELECT '[1,2,3]'::halfvec + '[4,5,6]';
SELECT '[1,2,3]'::halfvec - '[4,5,6]';
SELECT '[1,2,3]'::halfvec * '[4,5,-6]';
SELECT '[1,2,3]'::halfvec || '[4]';
SELECT '[65504]'::halfvec + '[15]', '[65504]'::halfvec - '[-15]';
SELECT '[65504]'::halfvec + '[16]';
SELECT '[65504]'::halfvec - '[-16]';
SELECT '[-65504]'::halfvec - '[65504]';
SELECT '[1000]'::halfvec * '[100]';
SELECT '[1e-4]'::halfvec * '[1e-5]';
SELECT '[1,0,-0,1e-3]'::halfvec * '[0,0,1,1e-3]';
SELECT '[2048]'::halfvec + '[1]', '[2048]'::halfvec + '[3]';
SELECT '[1,2]'::halfvec + '[1]';
SELECT '[1,2]'::halfvec - '[1]';
SELECT '[1,2]'::halfvec * '[1]';
SELECT halfvec_add('[1,2]', '[10,20]'), halfvec_sub('[1,2]', '[10,20]'),
       halfvec_mul('[1,2]', '[10,20]'), halfvec_concat('[1,2]', '[10,20]');

-- distances
SELECT l2_distance('[0,0]'::halfvec, '[3,4]'), '[0,0]'::halfvec <-> '[3,4]' AS operator;
SELECT '[0,0]'::halfvec <-> '[0,1]';
SELECT '[1,2]'::halfvec <-> '[1,2]';
SELECT halfvec_l2_squared_distance('[0,0]', '[3,4]');
SELECT inner_product('[1,2]'::halfvec, '[3,4]'), '[1,2]'::halfvec <#> '[3,4]' AS operator,
       halfvec_negative_inner_product('[1,2]', '[3,4]');
SELECT l1_distance('[0,0]'::halfvec, '[3,-4]'), '[0,0]'::halfvec <+> '[3,-4]' AS operator;
SELECT cosine_distance('[1,2]'::halfvec, '[2,4]'), '[1,2]'::halfvec <=> '[2,4]' AS operator;
SELECT '[1,0]'::halfvec <=> '[0,2]';
SELECT '[1,1]'::halfvec <=> '[-1,-1]';
SELECT '[3,4]'::halfvec <=> '[4,3]';
SELECT '[1,2]'::halfvec <=> '[0,0]';
SELECT halfvec_spherical_distance('[1,0]', '[1,0]'), halfvec_spherical_distance('[1,0]', '[0,1]'),
       halfvec_spherical_distance('[1,0]', '[-1,0]'), halfvec_spherical_distance('[2,0]', '[2,0]'),
       halfvec_spherical_distance('[2,0]', '[-2,0]');
SELECT '[1,2]'::halfvec <-> '[3]';
SELECT '[1,2]'::halfvec <#> '[3]';
SELECT '[1,2]'::halfvec <=> '[3]';
SELECT '[1,2]'::halfvec <+> '[3]';
SELECT halfvec_l2_squared_distance('[1,2]', '[3]');
SELECT halfvec_negative_inner_product('[1,2]', '[3]');
SELECT halfvec_spherical_distance('[1,2]', '[3]');
SELECT '[1,2]'::halfvec <-> NULL, NULL <=> '[1,2]'::halfvec;

-- at the ends of the range
SELECT '[65504]'::halfvec <-> '[-65504]', '[65504]'::halfvec <#> '[65504]', '[65504]'::halfvec <+> '[-65504]';
SELECT '[65504]'::halfvec <=> '[-65504]';
SELECT '[5.9604645e-8]'::halfvec <-> '[0]' = 2 ^ (-24)::float8, '[5.9604645e-8]'::halfvec <=> '[5.9604645e-8]';

-- as long as they get
SELECT a <-> b = sqrt(4 * 16000::float8) AS l2, a <#> b AS ip, a <+> b AS l1, a <=> b AS cosine,
       vector_dims(a), vector_dims(a + b), l2_norm(b) = sqrt(9 * 16000::float8) AS norm,
       a < b AS lt, a + a + a = b AS sum
FROM (SELECT array_fill(1, ARRAY[16000])::halfvec AS a, array_fill(3, ARRAY[16000])::halfvec AS b) AS v;
SELECT vector_dims(array_fill(1, ARRAY[15999])::halfvec || '[1]'::halfvec);
SELECT array_fill(1, ARRAY[15999])::halfvec || '[1,2]'::halfvec;

-- every length, so that every loop and every tail is taken:
-- 1 + 2 + ... + n = n (n + 1) / 2, and so on
SELECT count(*) AS lengths, sum(n) AS total,
       count(*) FILTER (WHERE a <#> ones = -(n * (n + 1) / 2)) AS ip,
       count(*) FILTER (WHERE a <+> zeroes = n * (n + 1) / 2) AS l1,
       count(*) FILTER (WHERE halfvec_l2_squared_distance(a, ones) = (n - 1) * n * (2 * n - 1) / 6) AS l2,
       count(*) FILTER (WHERE l2_norm(ones) = sqrt(n::float8)) AS norm,
       count(*) FILTER (WHERE abs((a <=> ones) - (1 - n * (n + 1) / 2 / sqrt(n * (n * (n + 1) * (2 * n + 1) / 6)::float8))) < 1e-12) AS cosine,
       count(*) FILTER (WHERE a + a - a = a AND a * ones = a AND a - a = zeroes) AS arithmetic
FROM (SELECT n, array_agg(i ORDER BY i)::halfvec AS a, array_fill(1, ARRAY[n])::halfvec AS ones,
             array_fill(0, ARRAY[n])::halfvec AS zeroes
      FROM generate_series(1, 300) AS n, generate_series(1, n) AS i GROUP BY n) AS v;

-- functions
SELECT vector_dims('[1,2,3]'::halfvec), l2_norm('[3,4]'::halfvec), l2_norm('[0,1]'::halfvec), l2_norm('[0]'::halfvec);
SELECT l2_norm('[65504]'::halfvec), l2_norm('[5.9604645e-8]'::halfvec) = 2 ^ (-24)::float8;
SELECT l2_normalize('[3,4]'::halfvec);
SELECT l2_normalize('[3,0]'::halfvec);
SELECT l2_normalize('[0,0.1]'::halfvec);
SELECT l2_normalize('[0,0]'::halfvec);
SELECT l2_normalize('[65504]'::halfvec);
SELECT l2_normalize('[-5.9604645e-8]'::halfvec);
SELECT l2_normalize('[65504,5.9604645e-8]'::halfvec);
SELECT binary_quantize('[1,0,-1]'::halfvec);
SELECT binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'::halfvec);
SELECT binary_quantize('[-0,5.9604645e-8]'::halfvec);
SELECT n, binary_quantize(array_agg(i % 3 - 1 ORDER BY i)::halfvec) = string_agg(CASE WHEN i % 3 = 2 THEN '1' ELSE '0' END, '' ORDER BY i)::varbit AS same
FROM (VALUES (7), (8), (9), (255), (256), (257), (513)) AS l(n), generate_series(1, n) AS i GROUP BY n ORDER BY n;
SELECT subvector('[1,2,3,4,5]'::halfvec, 1, 3);
SELECT subvector('[1,2,3,4,5]'::halfvec, 3, 2);
SELECT subvector('[1,2,3,4,5]'::halfvec, 5, 1);
SELECT subvector('[1,2,3,4,5]'::halfvec, -1, 3);
SELECT subvector('[1,2,3,4,5]'::halfvec, 3, 9);
SELECT subvector('[1,2,3,4,5]'::halfvec, 3, 2147483647);
SELECT subvector('[1,2,3,4,5]'::halfvec, -2147483644, 2147483647);
SELECT subvector('[1,2,3,4,5]'::halfvec, 1, 0);
SELECT subvector('[1,2,3,4,5]'::halfvec, 3, -1);
SELECT subvector('[1,2,3,4,5]'::halfvec, -1, 2);
SELECT subvector('[1,2,3,4,5]'::halfvec, 6, 1);
SELECT subvector('[1,2,3,4,5]'::halfvec, 2147483647, 10);
SELECT subvector('[1,2,3,4,5]'::halfvec, -2147483648, -2147483648);

-- storage: short and long, compressed and not, in the row and out of it
CREATE TABLE halfvecs (id int, v halfvec);
SELECT attstorage FROM pg_attribute WHERE attrelid = 'halfvecs'::regclass AND attname = 'v';
INSERT INTO halfvecs VALUES (1, '[1,2,3]'), (2, NULL);
INSERT INTO halfvecs SELECT 3, array_agg(i % 2048) FROM generate_series(1, 3000) AS i;
ALTER TABLE halfvecs ALTER v SET STORAGE EXTENDED;
INSERT INTO halfvecs VALUES (4, array_fill(7, ARRAY[16000]));
ALTER TABLE halfvecs ALTER v SET STORAGE MAIN;
INSERT INTO halfvecs VALUES (5, array_fill(7, ARRAY[16000]));
ALTER TABLE halfvecs ALTER v SET STORAGE PLAIN;
INSERT INTO halfvecs SELECT 6, array_agg(i) FROM generate_series(1, 1500) AS i;
SELECT id, vector_dims(v), v <-> v AS self, v <+> v - v AS l1, v < subvector(v, 1, 2) AS lt,
       pg_column_size(v) < 2 * vector_dims(v) AS compressed
FROM halfvecs ORDER BY id;
SELECT a.id, b.id, a.v < b.v AS lt, a.v = b.v AS eq FROM halfvecs AS a, halfvecs AS b
WHERE a.id IN (1, 3, 4) AND b.id IN (1, 5, 6) ORDER BY 1, 2;
DROP TABLE halfvecs;
