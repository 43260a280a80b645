-- Casts: arrays to vectors, vectors to arrays, one type to another.

-- from arrays
SELECT ARRAY[1,2,3]::vector, ARRAY[1.5,-2.25]::vector, ARRAY[1.5,-2.25]::real[]::vector, ARRAY[1.5,-2.25]::float8[]::vector;
SELECT ARRAY[1,2,3]::halfvec, ARRAY[1.5,-2.25]::halfvec, ARRAY[1.5,-2.25]::real[]::halfvec, ARRAY[1.5,-2.25]::float8[]::halfvec;
SELECT ARRAY[1,0,3]::sparsevec, ARRAY[1.5,0,-2.25]::sparsevec, ARRAY[1.5,0,-2.25]::real[]::sparsevec, ARRAY[1.5,0,-2.25]::float8[]::sparsevec;
SELECT ARRAY[2147483647,-2147483648,16777217]::vector;
SELECT ARRAY[0.1,1e-50,-0.0]::float8[]::vector;
SELECT ARRAY[0.1,1e-44,123456789.123456789]::numeric[]::vector;
SELECT ARRAY[0,0]::sparsevec, '{0,-0,1e-50}'::float8[]::sparsevec;
SELECT '[5:7]={1,2,3}'::int[]::vector;
SELECT '{{1,2,3}}'::int[]::vector;
SELECT '{}'::int[]::vector;
SELECT '{1,NULL}'::int[]::vector;
SELECT '{NULL}'::real[]::halfvec;
SELECT '{NULL}'::real[]::sparsevec;
SELECT '{NaN}'::real[]::vector;
SELECT '{Infinity}'::real[]::vector;
SELECT '{-Infinity}'::float8[]::vector;
SELECT '{NaN}'::numeric[]::vector;
SELECT '{NaN}'::real[]::sparsevec;
SELECT '{Infinity}'::real[]::halfvec;
SELECT '{1e39}'::float8[]::vector;
SELECT '{1,-1e300}'::float8[]::sparsevec;
SELECT '{1e39}'::numeric[]::vector;
SELECT '{65519,-65504}'::int[]::halfvec;
SELECT '{65520}'::int[]::halfvec;
SELECT '{1e39}'::float8[]::halfvec;
SELECT vector_dims(array_fill(0, ARRAY[16000])::vector), vector_dims(array_fill(0, ARRAY[16000])::halfvec);
SELECT array_fill(0, ARRAY[16001])::vector;
SELECT array_fill(0, ARRAY[16001])::halfvec;
SELECT array_fill(0, ARRAY[16001])::sparsevec;
SELECT array_to_vector(ARRAY[1,2], 2, true), array_to_halfvec(ARRAY[1,2], -1, false), array_to_sparsevec(ARRAY[1,2], 2, true);
SELECT array_to_vector(ARRAY[1,2], 3, true);

-- to arrays
SELECT '[1.5,-0,3e38]'::vector::real[], '[1.5,-0,65504]'::halfvec::real[];
SELECT vector_to_float4('[1,2]', -1, false), halfvec_to_float4('[1,2]', -1, false);
SELECT array_length('[1,2,3]'::vector::real[], 1), ('[1,2,3]'::vector::real[])[2];

-- among the types
SELECT '[1,2.5,-3]'::vector::halfvec, '[1,2.5,-3]'::halfvec::vector;
SELECT '[0.1,65519.996,1e-8,-1e-8,5.9604645e-8]'::vector::halfvec;
SELECT '[1,65520]'::vector::halfvec;
SELECT '[-1e38]'::vector::halfvec;
SELECT '[0,1.5,-0,-2]'::vector::sparsevec, '[0,1.5,-0,-2]'::halfvec::sparsevec;
SELECT '{2:1.5,4:-2}/4'::sparsevec::vector, '{2:1.5,4:-2}/4'::sparsevec::halfvec, '{}/2'::sparsevec::vector;
SELECT '{2:65520}/2'::sparsevec::halfvec;
SELECT vector_dims('{}/16000'::sparsevec::vector), vector_dims('{}/16000'::sparsevec::halfvec);
SELECT '{}/16001'::sparsevec::vector;
SELECT '{}/16001'::sparsevec::halfvec;
SELECT array_fill(1, ARRAY[16000])::vector::sparsevec::vector = array_fill(1, ARRAY[16000])::vector AS same;

-- every half is a float: there and back
SELECT count(*) AS halves, count(DISTINCT v) AS different, count(*) FILTER (WHERE v::vector::halfvec = v AND v::text::halfvec = v
       AND halfvec_send(v::vector::halfvec) = halfvec_send(v)
       AND v::vector::text = v::text AND v::real[]::halfvec = v) AS same
FROM (SELECT ('[' || CASE WHEN e = 0 THEN f * 2 ^ (-24)::float8 ELSE (1024 + f) * 2 ^ (e - 25)::float8 END * s || ']')::halfvec AS v
      FROM generate_series(0, 30) AS e, generate_series(0, 1023, 7) AS f, (VALUES (1), (-1)) AS sign(s)) AS halves;

-- on assignment all of them are made
CREATE TABLE casts (v vector, h halfvec, s sparsevec, a real[]);
INSERT INTO casts VALUES ('[1,2]'::vector, '[1,2]'::vector, '[1,2]'::vector, '[1,2]'::vector);
INSERT INTO casts VALUES ('[1,2]'::halfvec, '[1,2]'::halfvec, '[1,2]'::halfvec, '[1,2]'::halfvec);
INSERT INTO casts VALUES ('{1:1,2:2}/2'::sparsevec, '{1:1,2:2}/2'::sparsevec, '{1:1,2:2}/2'::sparsevec, NULL);
INSERT INTO casts VALUES (ARRAY[1,2], ARRAY[1,2], ARRAY[1,2], ARRAY[1,2]);
INSERT INTO casts VALUES (ARRAY[1.0,2], ARRAY[1.0,2], ARRAY[1.0,2], ARRAY[1.0,2]);
SELECT * FROM casts;
DROP TABLE casts;

-- in expressions a vector becomes a real[], halfvec or sparsevec, and a
-- halfvec a sparsevec, by itself
CREATE FUNCTION takes_real(real[]) RETURNS int LANGUAGE sql AS 'SELECT cardinality($1)';
CREATE FUNCTION takes_halfvec(halfvec) RETURNS int LANGUAGE sql AS 'SELECT vector_dims($1)';
CREATE FUNCTION takes_sparsevec(sparsevec) RETURNS float8 LANGUAGE sql AS 'SELECT l2_norm($1)';
SELECT takes_real('[1,2]'::vector), takes_halfvec('[1,2]'::vector), takes_sparsevec('[3,4]'::vector), takes_sparsevec('[3,4]'::halfvec);
SELECT takes_real('[1,2]'::halfvec);
SELECT takes_halfvec('{}/2'::sparsevec);
SELECT takes_halfvec(ARRAY[1,2]);
SELECT takes_sparsevec(ARRAY[1,2]);
DROP FUNCTION takes_real, takes_halfvec, takes_sparsevec;
SELECT '[1,2]'::vector <-> '[1,3]'::halfvec, '[1,2]'::halfvec <-> '[1,3]'::vector, '[1,2]'::vector <-> '{1:1,2:3}/2'::sparsevec;
SELECT '[1,2]'::vector <-> ARRAY[1,3];
SELECT '[1,2]'::vector <-> ARRAY[1,3]::vector;
SELECT '[1,2]'::vector = ARRAY[1,2]::real[];
