-- vecdb.simd.  Which instruction sets there are depends on the CPU, so what is
-- shown of them here does not.

LOAD 'vecdb';
SELECT name, vartype, context, boot_val, min_val FROM pg_settings WHERE name LIKE 'vecdb.%' ORDER BY name;
SET vecdb.simd = scalar;
SHOW vecdb.simd;
SET vecdb.simd = 'Scalar';
SHOW vecdb.simd;
SET vecdb.simd = auto;
SELECT current_setting('vecdb.simd') <> 'auto' AS says_which;
SET vecdb.simd = 'mmx';
SET vecdb.simd = '';
SET vecdb.simd = 'avx';
SET vecdb.no_such_setting = 1;
SELECT current_setting('vecdb.simd') <> 'auto' AS unchanged;

-- Each instruction set that this CPU has is taken, each other refused with the
-- code of a wrong value; and all give the same distances.
CREATE TABLE paths (name text, taken boolean, code text, results text);
CREATE FUNCTION results() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', n, a <-> b, a <#> b, a <=> a, a <+> b, vector_norm(a),
               ah <-> bh, ah <#> bh, ah <=> ah, ah <+> bh, l2_norm(ah),
               ai <-> bi, ai <#> bi, ai <=> bi, ai <+> bi, l2_norm(ai),
               asp <-> bsp, asp <#> bsp, asp <=> bsp, asp <+> bsp, l2_norm(asp),
               binary_quantize(a) <~> binary_quantize(b), binary_quantize(a) <%> binary_quantize(b),
               md5(ah::vector::text), md5((a || '[0.1,0.33,65519,1e-7]')::halfvec::text)), E'\n' ORDER BY n)
    FROM (SELECT n, a, b, a::halfvec AS ah, b::halfvec AS bh, a::int8vec AS ai, b::int8vec AS bi, a::sparsevec AS asp, b::sparsevec AS bsp
          FROM (SELECT n, array_agg(i * n % 17 - 8 ORDER BY i)::vector AS a, array_agg(i * 7 % 19 - 9 ORDER BY i)::vector AS b
                FROM generate_series(2, 140) AS n, generate_series(1, n) AS i GROUP BY n) AS t) AS t
$$;
DO $$
DECLARE
    path text;
BEGIN
    FOREACH path IN ARRAY ARRAY['scalar', 'avx2', 'avx512', 'avx512vnni', 'avx512vpopcnt', 'neon'] LOOP
        BEGIN
            PERFORM set_config('vecdb.simd', path, false);
            INSERT INTO paths VALUES (path, current_setting('vecdb.simd') = path, NULL, results());
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO paths VALUES (path, false, SQLSTATE);
        END;
    END LOOP;
END $$;
SELECT name, taken, length(results) > 10000 AS results FROM paths WHERE name = 'scalar';
SELECT bool_and(taken OR code = '22023') AS taken_or_refused, count(*) AS paths,
       bool_and(results = (SELECT results FROM paths WHERE name = 'scalar')) AS same FROM paths;
-- the best is the last of those taken
RESET vecdb.simd;
SELECT current_setting('vecdb.simd') = (SELECT name FROM paths WHERE taken ORDER BY array_position(ARRAY['scalar', 'avx2', 'avx512', 'avx512vnni', 'avx512vpopcnt', 'neon'], name) DESC LIMIT 1) AS best;

-- for a transaction, for a function
BEGIN;
SET LOCAL vecdb.simd = scalar;
SHOW vecdb.simd;
ROLLBACK;
CREATE FUNCTION which() RETURNS text LANGUAGE sql SET vecdb.simd = scalar AS $$SELECT current_setting('vecdb.simd')$$;
SELECT which();
DROP FUNCTION which, results;
DROP TABLE paths;

-- only superusers change it
CREATE ROLE regress_vecdb_user;
SET ROLE regress_vecdb_user;
SET vecdb.simd = scalar;
SELECT current_setting('vecdb.simd') <> '' AS readable;
RESET ROLE;
DROP ROLE regress_vecdb_user;
