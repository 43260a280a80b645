-- What filter columns keep of values, against what SQL says of them: every
-- operator, with constants at all edges.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE code_mood AS ENUM ('sad', 'ok', 'happy', 'never');
CREATE DOMAIN code_small AS int CHECK (VALUE > -100);
CREATE DOMAIN code_list AS int[];
CREATE COLLATION code_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
RESET client_min_messages;
SELECT setseed(0.5) IS NOT NULL AS seeded;

-- A table with a column of a type: values at the edges, made ones, NULLs.
CREATE FUNCTION code_fill(type text, edges text, made text) RETURNS void LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    DROP TABLE IF EXISTS code_test;
    EXECUTE format('CREATE TABLE code_test (id serial, v vector(2), c %s)', type);
    EXECUTE format('INSERT INTO code_test (v, c) SELECT ARRAY[random(), random()], x::text::%s FROM unnest(%L::text[]) AS x', type, edges);
    EXECUTE format('INSERT INTO code_test (v, c) SELECT ARRAY[random(), random()], (%s)::text::%s FROM generate_series(1, 60) AS i', made, type);
    INSERT INTO code_test (v) SELECT ARRAY[random(), random()] FROM generate_series(1, 5);
    INSERT INTO code_test (v, c) SELECT NULL, c FROM code_test WHERE id % 2 = 0;
    INSERT INTO code_test (v, c) SELECT '[1,1]', c FROM code_test WHERE id % 2 = 1;
END$$;

-- The rows that a condition lets through, in order of a distance: through the
-- index, and not.
CREATE FUNCTION code_rows(condition text, through_index boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    PERFORM set_config('enable_seqscan', CASE WHEN through_index THEN 'off' ELSE 'on' END, true);
    PERFORM set_config('enable_indexscan', CASE WHEN through_index THEN 'on' ELSE 'off' END, true);
    EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM (SELECT id FROM code_test WHERE %s ORDER BY v <-> ''[0,0]'') AS t', condition) INTO answer;
    RETURN answer;
END$$;

-- Is a condition one that the index tests?
CREATE FUNCTION code_tested(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true);
    PERFORM set_config('enable_indexscan', 'on', true);
    FOR line IN EXECUTE format('EXPLAIN SELECT id FROM code_test WHERE %s ORDER BY v <-> ''[0,0]''', condition) LOOP
        IF line LIKE '%Index Cond:%' THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END$$;

-- All operators with all constants of a type: how many conditions the index did
-- not test, and how many gave other rows than they should.
CREATE FUNCTION code_compare(method text, operators text, type text, constants text DEFAULT NULL,
                             OUT untested int, OUT wrong int) LANGUAGE plpgsql AS $$
DECLARE
    operator text;
    constant text;
    condition text;
    tested boolean;
BEGIN
    untested := 0;
    wrong := 0;
    EXECUTE format('CREATE INDEX code_index ON code_test USING %s (v vector_l2_ops, c)', method);
    FOREACH operator IN ARRAY string_to_array(operators, ' ') LOOP
        tested := NULL;
        FOR constant IN SELECT unnest(constants::text[]) UNION SELECT c::text FROM code_test WHERE constants IS NULL AND id <= 26 LOOP
            condition := format('c %s %L::%s', operator, constant, type);
            tested := coalesce(tested, code_tested(condition));
            untested := untested + (NOT tested)::int;
            IF code_rows(condition, true) IS DISTINCT FROM code_rows(condition, false) THEN
                wrong := wrong + 1;
                RAISE NOTICE 'wrong: % through %', condition, method;
            END IF;
        END LOOP;
    END LOOP;
    FOREACH condition IN ARRAY '{c IS NULL,c IS NOT NULL}'::text[] LOOP
        untested := untested + (NOT code_tested(condition))::int;
        wrong := wrong + (code_rows(condition, true) IS DISTINCT FROM code_rows(condition, false))::int;
    END LOOP;
    DROP INDEX code_index;
END$$;
CREATE FUNCTION code_both(operators text, type text, constants text DEFAULT NULL,
                          OUT untested bigint, OUT wrong bigint) LANGUAGE sql AS
    $$SELECT sum(c.untested), sum(c.wrong) FROM unnest('{hnsw,ivf}'::text[]) AS method, code_compare(method, operators, type, constants) AS c$$;

-- numbers
SELECT code_fill('int2', '{-32768,-32767,-32766,-1,0,1,32766,32767}', '(random() * 65535)::int - 32768');
SELECT * FROM code_both('< <= = >= >', 'int2');
SELECT * FROM code_both('< <= = >= >', 'int4', '{-2147483648,-32770,-32769,-32768,-32767,-32766,-32765,0,32766,32767,32768,2147483647}');
SELECT * FROM code_both('< <= = >= >', 'int8', '{-9223372036854775808,-4294967297,-32769,-32768,-32767,-32766,0,65536,32767,32768,9223372036854775807}');
SELECT code_fill('int4', '{-2147483648,-2147483647,-2147483646,-32769,-1,0,1,32768,2147483646,2147483647}', '(random() * 20)::int - 10');
SELECT * FROM code_both('< <= = >= >', 'int4');
SELECT * FROM code_both('< <= = >= >', 'int2', '{-32768,-1,0,32767}');
SELECT * FROM code_both('< <= = >= >', 'int8', '{-9223372036854775808,-4294967296,-2147483650,-2147483649,-2147483648,-2147483647,-2147483646,0,2147483646,2147483647,2147483648,4294967296,9223372036854775807}');
SELECT code_fill('int8', '{-9223372036854775808,-9223372036854775807,-9223372036854775806,-4294967296,0,4294967296,9223372036854775806,9223372036854775807}', '(random() * 1e18)::int8 - 500000000000000000');
SELECT * FROM code_both('< <= = >= >', 'int8');
SELECT * FROM code_both('< <= = >= >', 'int4', '{-2147483648,-1,0,2147483647}');
SELECT * FROM code_both('< <= = >= >', 'int2', '{-32768,-1,0,32767}');
SELECT code_fill('float4', '{-infinity,-3.4028235e38,-1,-1.1754944e-38,-1e-45,-0,0,1e-45,1.1754944e-38,0.1,1,3.4028235e38,infinity,NaN}', 'random() * 4 - 2');
SELECT * FROM code_both('< <= = >= >', 'float4');
SELECT * FROM code_both('< <= = >= >', 'float8', '{-infinity,-1e300,-3.4028235e38,-3.40282346638528859811704183484516925e38,-1,-1e-45,-1e-46,-1e-300,-0,0,1e-300,1e-45,7e-46,0.1,0.100000001490116119384765625,1,1.00000000001,0.99999999999,3.4028234e38,3.40282346638528859811704183484516925e38,3.4028235677973366e38,3.41e38,1e300,infinity,NaN}');
SELECT code_fill('float8', '{-infinity,-1.7976931348623157e308,-1,-2.2250738585072014e-308,-5e-324,-0,0,5e-324,0.1,0.100000001490116119384765625,1,1e300,1.7976931348623157e308,infinity,NaN}', 'random() * 4 - 2');
SELECT * FROM code_both('< <= = >= >', 'float8');
SELECT * FROM code_both('< <= = >= >', 'float4', '{-infinity,-3.4028235e38,-1e-45,-0,0,0.1,1,3.4028235e38,infinity,NaN}');
SELECT code_fill('numeric', '{-infinity,-1e400,-1e308,-1,-1e-400,0,0.0,1e-400,1e-320,0.1,0.10000000000000000001,0.1000000000000000055511151231257827,9007199254740992,9007199254740993,9007199254740994,1.797693134862315708e308,1e309,1e400,infinity,NaN}', '(random() * 100)::numeric(10,8)');
SELECT * FROM code_both('< <= = >= >', 'numeric');
SELECT code_fill('bool', '{f,t}', 'i % 2 = 0');
SELECT * FROM code_both('< <= >= >', 'bool');
SELECT code_fill('"char"', '{"",a,b,z,\\001,\\177,\\200,\\376,\\377}', 'chr(97 + i % 26)');
SELECT * FROM code_both('< <= = >= >', '"char"');
SELECT code_fill('oid', '{0,1,2,3,2147483647,2147483648,4294967294,4294967295}', '(random() * 4294967295)::int8');
SELECT * FROM code_both('< <= = >= >', 'oid');
SELECT code_fill('uuid', '{00000000-0000-0000-0000-000000000000,00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002,00000000-0000-0000-7fff-ffffffffffff,00000000-0000-0000-ffff-ffffffffffff,00000000-0000-0001-0000-000000000000,80000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-0000-000000000000,ffffffff-ffff-ffff-ffff-fffffffffffe,ffffffff-ffff-ffff-ffff-ffffffffffff}', 'gen_random_uuid()');
SELECT * FROM code_both('< <= = >= >', 'uuid');

-- times
SET datestyle = 'ISO, YMD';
SET intervalstyle = postgres;
SELECT code_fill('date', '{-infinity,"4714-11-24 BC","4714-11-25 BC",1999-12-31,2000-01-01,2000-01-02,294276-12-30,294276-12-31,294277-01-01,5874897-12-30,5874897-12-31,infinity}', '''2000-01-01''::date + (random() * 4 - 2)::int');
SELECT * FROM code_both('< <= = >= >', 'date');
SELECT * FROM code_both('< <= = >= >', 'timestamp', '{-infinity,"4714-11-24 00:00:00 BC","4714-11-24 00:00:00.000001 BC","1999-12-31 00:00:00","1999-12-31 23:59:59.999999","2000-01-01 00:00:00","2000-01-01 00:00:00.000001","294276-12-31 00:00:00","294276-12-31 23:59:59.999999",infinity}');
SELECT code_fill('timestamp', '{-infinity,"4714-11-24 00:00:00 BC","4714-11-24 00:00:00.000001 BC","1999-12-31 00:00:00","1999-12-31 23:59:59.999999","2000-01-01 00:00:00","2000-01-01 00:00:00.000001","294276-12-31 00:00:00","294276-12-31 23:59:59.999999",infinity}', '''2000-01-01''::timestamp + (random() * 4 - 2) * interval ''1 day''');
SELECT * FROM code_both('< <= = >= >', 'timestamp');
SELECT * FROM code_both('< <= = >= >', 'date', '{-infinity,"4714-11-24 BC","4714-11-25 BC",1999-12-31,2000-01-01,2000-01-02,294276-12-31,294277-01-01,5874897-12-31,infinity}');
SELECT code_fill('timestamptz', '{-infinity,"4714-11-24 00:00:00+00 BC","1999-12-31 23:59:59.999999+00","2000-01-01 00:00:00+00","294276-12-31 23:59:59.999999+00",infinity}', '''2000-01-01''::timestamptz + (random() * 4 - 2) * interval ''1 day''');
SELECT * FROM code_both('< <= = >= >', 'timestamptz');
SELECT code_fill('time', '{00:00,00:00:00.000001,12:00,23:59:59.999999,24:00}', 'random() * interval ''1 day''');
SELECT * FROM code_both('< <= = >= >', 'time');
SELECT code_fill('timetz', '{00:00+00,01:00+01,23:00-01,12:00+00,13:00+01,24:00+00}', '''12:00+00''::timetz + (random() * 4)::int * interval ''1 hour''');
SELECT * FROM code_both('=', 'timetz');
SELECT code_fill('interval', '{0,"1 day","24:00","1 mon","30 days","29 days 24:00","-1 mon"}', '(random() * 40)::int * interval ''1 day''');
SELECT * FROM code_both('=', 'interval');

-- what has no order, or none that codes keep
SELECT code_fill('code_mood', '{sad,ok,happy}', '(''{sad,ok,happy}''::text[])[1 + i % 3]');
SELECT * FROM code_both('=', 'code_mood', '{sad,ok,happy,never}');
SELECT code_fill('text', '{"",a,A," a","a ",é}', 'chr(97 + i % 26) || repeat(''x'', i * 100)');
SELECT * FROM code_both('=', 'text');
SELECT * FROM code_both('=', 'varchar', '{"",a,A,é}');
SELECT code_fill('text COLLATE "C"', '{"",a,A," a","a ",é}', 'chr(97 + i % 26) || repeat(''x'', i * 100)');
SELECT * FROM code_both('=', 'name', '{"",a,A,é}');
SELECT code_fill('varchar(4000)', '{"",a,A," a","a "}', 'chr(97 + i % 26) || repeat(''x'', i * 50)');
SELECT * FROM code_both('=', 'varchar');
SELECT code_fill('text COLLATE code_blind', '{"",a,A,b,B,é,É}', 'chr(97 + i % 26)');
SELECT * FROM code_both('=', 'text', '{"",a,A,b,B,É,é,z,Z}');
SELECT code_fill('char(4)', '{"",a,A," a","a ",é}', 'chr(97 + i % 26)');
SELECT * FROM code_both('=', 'bpchar');
SELECT * FROM code_both('=', 'bpchar', '{"a    ","A","é  "}');
SELECT code_fill('name', '{"",a,A," a","a ",é}', 'chr(97 + i % 26)');
SELECT * FROM code_both('=', 'name');
SELECT * FROM code_both('=', 'text', '{"",a,A," a","a ",é,z}');
SELECT code_fill('bytea', '{"",\\x00,\\x0000,\\xff}', 'sha256(i::text::bytea)');
SELECT * FROM code_both('=', 'bytea');
SELECT code_fill('inet', '{10.0.0.1,10.0.0.1/8,10.0.0.1/32,::1,::ffff:10.0.0.1}', '''10.0.0.0''::inet + i');
SELECT * FROM code_both('=', 'inet');
SELECT code_fill('cidr', '{10.0.0.0/8,10.0.0.0/16,::/0}', 'host(''10.0.0.0''::inet + i)');
SELECT * FROM code_both('=', 'cidr');
SELECT code_fill('int[]', '{"{}","{NULL}","{1}","{1,NULL}","{1,1}","{1,2}","{2,1}","{{1,2},{2,1}}","[0:1]={1,2}"}', 'ARRAY[i % 7, i % 11]');
SELECT * FROM code_both('= && @>', 'int[]');
SELECT code_fill('text[]', '{"{}","{NULL}","{a}","{a,NULL}","{a,b}","{b,a}","{A}"}', 'ARRAY[chr(97 + i % 7), repeat(''y'', i * 50)]');
SELECT * FROM code_both('= && @>', 'text[]');
SELECT code_fill('float8[]', '{"{}","{0}","{-0}","{NaN}","{NaN,1}"}', 'ARRAY[i % 7, i % 11]');
SELECT * FROM code_both('= && @>', 'float8[]');
SELECT code_fill('code_small', '{-99,0,2147483647}', '(random() * 20)::int - 10');
SELECT * FROM code_both('< <= = >= >', 'int4');
SELECT code_fill('code_list', '{"{}","{NULL}","{1}"}', 'ARRAY[i % 7, i % 11]');
SELECT * FROM code_both('= && @>', 'int[]');

-- a type that a user makes an operator class for
SELECT code_fill('citext', '{"",a,A,b,é,É}', 'chr(65 + i % 26)');
CREATE OPERATOR CLASS code_citext_ops DEFAULT FOR TYPE citext USING hnsw AS OPERATOR 3 = (citext, citext);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'code_citext_ops';
SELECT * FROM code_compare('hnsw', '=', 'citext');
CREATE OPERATOR CLASS code_range_ops DEFAULT FOR TYPE anyrange USING hnsw AS OPERATOR 3 = (anyrange, anyrange);
SELECT code_fill('int4range', '{empty,"(,)","[1,2)","[1,1]"}', 'int4range(i, i + 5)');
SELECT * FROM code_compare('hnsw', '=', 'int4range');

DROP TABLE code_test;
DROP FUNCTION code_fill, code_rows, code_tested, code_compare, code_both;
DROP OPERATOR FAMILY code_citext_ops USING hnsw CASCADE;
DROP OPERATOR FAMILY code_range_ops USING hnsw CASCADE;
DROP DOMAIN code_small, code_list;
DROP TYPE code_mood;
DROP COLLATION code_blind;
DROP EXTENSION citext;
