-- Every error that malformed text, arrays, binary input or a wrong number of
-- dimensions gives: its SQLSTATE and all it says.

\pset format unaligned
\pset tuples_only on

-- What error an expression raises.
CREATE FUNCTION err(expression text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text;
BEGIN
    EXECUTE 'SELECT ' || expression;
    RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT state || ': ' || message;
    IF detail <> '' THEN RETURN NEXT 'DETAIL: ' || detail; END IF;
    IF hint <> '' THEN RETURN NEXT 'HINT: ' || hint; END IF;
END $$;

-- An input that is wrong.
CREATE TABLE inputs (input text, type text);
CREATE FUNCTION wrong(input text, type text) RETURNS SETOF text LANGUAGE sql AS $$
    INSERT INTO inputs VALUES (input, type);
    SELECT err(format('%L::%s', input, type));
$$;

-- vector: text
SELECT wrong($$$$, 'vector');
SELECT wrong($$  $$, 'vector');
SELECT wrong($$1,2$$, 'vector');
SELECT wrong($$[$$, 'vector');
SELECT wrong($$[1$$, 'vector');
SELECT wrong($$[1,$$, 'vector');
SELECT wrong($$[1,2$$, 'vector');
SELECT wrong($$[]$$, 'vector');
SELECT wrong($$[ ]$$, 'vector');
SELECT wrong($$[,]$$, 'vector');
SELECT wrong($$[1,]$$, 'vector');
SELECT wrong($$[1,,2]$$, 'vector');
SELECT wrong($$[,1]$$, 'vector');
SELECT wrong($$[1 2]$$, 'vector');
SELECT wrong($$[1]]$$, 'vector');
SELECT wrong($$[1]x$$, 'vector');
SELECT wrong($$[[1]]$$, 'vector');
SELECT wrong($${1}$$, 'vector');
SELECT wrong($$(1)$$, 'vector');
SELECT wrong($$x[1]$$, 'vector');
SELECT wrong($$[a]$$, 'vector');
SELECT wrong($$[1,a]$$, 'vector');
SELECT wrong($$[1a]$$, 'vector');
SELECT wrong($$[1-2]$$, 'vector');
SELECT wrong($$[--1]$$, 'vector');
SELECT wrong($$[+-1]$$, 'vector');
SELECT wrong($$[- 1]$$, 'vector');
SELECT wrong($$[+]$$, 'vector');
SELECT wrong($$[-]$$, 'vector');
SELECT wrong($$[.]$$, 'vector');
SELECT wrong($$[e1]$$, 'vector');
SELECT wrong($$[.e1]$$, 'vector');
SELECT wrong($$[1e]$$, 'vector');
SELECT wrong($$[1e+]$$, 'vector');
SELECT wrong($$[1.2.3]$$, 'vector');
SELECT wrong($$[0x]$$, 'vector');
SELECT wrong($$[0xg]$$, 'vector');
SELECT wrong($$[1_000]$$, 'vector');
SELECT wrong($$[1,2;3]$$, 'vector');
SELECT wrong($$["1"]$$, 'vector');
SELECT wrong($$[null]$$, 'vector');
SELECT wrong($$[nan]$$, 'vector');
SELECT wrong($$[NaN]$$, 'vector');
SELECT wrong($$[1,-nan]$$, 'vector');
SELECT wrong($$[nan(1)]$$, 'vector');
SELECT wrong($$[inf]$$, 'vector');
SELECT wrong($$[Infinity]$$, 'vector');
SELECT wrong($$[1,-inf]$$, 'vector');
SELECT wrong($$[infinityx]$$, 'vector');
SELECT wrong($$[+Inf,1]$$, 'vector');
SELECT wrong($$[1e39]$$, 'vector');
SELECT wrong($$[1,2,-4e38]$$, 'vector');
SELECT wrong($$[3.4028236e38]$$, 'vector');
SELECT wrong($$[1e400]$$, 'vector');
SELECT wrong($$[123456789012345678901234567890123456789012]$$, 'vector');
SELECT wrong('[1,2]', 'vector(3)');
SELECT wrong('[' || repeat('1,', 16000) || '1]', 'vector');
SELECT wrong('[' || repeat('x', 1000) || ']', 'vector');
SELECT wrong('[1]' || repeat('ß', 1000), 'vector');

-- halfvec: text
SELECT wrong($$$$, 'halfvec');
SELECT wrong($$  $$, 'halfvec');
SELECT wrong($$1,2$$, 'halfvec');
SELECT wrong($$[$$, 'halfvec');
SELECT wrong($$[1$$, 'halfvec');
SELECT wrong($$[1,$$, 'halfvec');
SELECT wrong($$[1,2$$, 'halfvec');
SELECT wrong($$[]$$, 'halfvec');
SELECT wrong($$[ ]$$, 'halfvec');
SELECT wrong($$[,]$$, 'halfvec');
SELECT wrong($$[1,]$$, 'halfvec');
SELECT wrong($$[1,,2]$$, 'halfvec');
SELECT wrong($$[,1]$$, 'halfvec');
SELECT wrong($$[1 2]$$, 'halfvec');
SELECT wrong($$[1]]$$, 'halfvec');
SELECT wrong($$[1]x$$, 'halfvec');
SELECT wrong($$[[1]]$$, 'halfvec');
SELECT wrong($${1}$$, 'halfvec');
SELECT wrong($$(1)$$, 'halfvec');
SELECT wrong($$x[1]$$, 'halfvec');
SELECT wrong($$[a]$$, 'halfvec');
SELECT wrong($$[1,a]$$, 'halfvec');
SELECT wrong($$[1a]$$, 'halfvec');
SELECT wrong($$[1-2]$$, 'halfvec');
SELECT wrong($$[--1]$$, 'halfvec');
SELECT wrong($$[+-1]$$, 'halfvec');
SELECT wrong($$[- 1]$$, 'halfvec');
SELECT wrong($$[+]$$, 'halfvec');
SELECT wrong($$[-]$$, 'halfvec');
SELECT wrong($$[.]$$, 'halfvec');
SELECT wrong($$[e1]$$, 'halfvec');
SELECT wrong($$[.e1]$$, 'halfvec');
SELECT wrong($$[1e]$$, 'halfvec');
SELECT wrong($$[1e+]$$, 'halfvec');
SELECT wrong($$[1.2.3]$$, 'halfvec');
SELECT wrong($$[0x]$$, 'halfvec');
SELECT wrong($$[0xg]$$, 'halfvec');
SELECT wrong($$[1_000]$$, 'halfvec');
SELECT wrong($$[1,2;3]$$, 'halfvec');
SELECT wrong($$["1"]$$, 'halfvec');
SELECT wrong($$[null]$$, 'halfvec');
SELECT wrong($$[nan]$$, 'halfvec');
SELECT wrong($$[NaN]$$, 'halfvec');
SELECT wrong($$[1,-nan]$$, 'halfvec');
SELECT wrong($$[nan(1)]$$, 'halfvec');
SELECT wrong($$[inf]$$, 'halfvec');
SELECT wrong($$[Infinity]$$, 'halfvec');
SELECT wrong($$[1,-inf]$$, 'halfvec');
SELECT wrong($$[infinityx]$$, 'halfvec');
SELECT wrong($$[+Inf,1]$$, 'halfvec');
SELECT wrong($$[1e39]$$, 'halfvec');
SELECT wrong($$[1,2,-4e38]$$, 'halfvec');
SELECT wrong($$[3.4028236e38]$$, 'halfvec');
SELECT wrong($$[1e400]$$, 'halfvec');
SELECT wrong($$[123456789012345678901234567890123456789012]$$, 'halfvec');
SELECT wrong($$[65520]$$, 'halfvec');
SELECT wrong($$[1,-70000]$$, 'halfvec');
SELECT wrong($$[1e10]$$, 'halfvec');
SELECT wrong('[1,2]', 'halfvec(3)');
SELECT wrong('[' || repeat('1,', 16000) || '1]', 'halfvec');
SELECT wrong('[' || repeat('x', 1000) || ']', 'halfvec');
SELECT wrong('[1]' || repeat('ß', 1000), 'halfvec');

-- sparsevec: text
SELECT wrong($$$$, 'sparsevec');
SELECT wrong($$  $$, 'sparsevec');
SELECT wrong($${$$, 'sparsevec');
SELECT wrong($${}$$, 'sparsevec');
SELECT wrong($${}/$$, 'sparsevec');
SELECT wrong($${}/x$$, 'sparsevec');
SELECT wrong($${}/0$$, 'sparsevec');
SELECT wrong($${}/-1$$, 'sparsevec');
SELECT wrong($${}/1000000001$$, 'sparsevec');
SELECT wrong($${}/99999999999999999999$$, 'sparsevec');
SELECT wrong($${}/3x$$, 'sparsevec');
SELECT wrong($${}/3 4$$, 'sparsevec');
SELECT wrong($${}/3.5$$, 'sparsevec');
SELECT wrong($${}//3$$, 'sparsevec');
SELECT wrong($${} 3$$, 'sparsevec');
SELECT wrong($$[1]/1$$, 'sparsevec');
SELECT wrong($$x{}/1$$, 'sparsevec');
SELECT wrong($${1}/3$$, 'sparsevec');
SELECT wrong($${1:}/3$$, 'sparsevec');
SELECT wrong($${1:1$$, 'sparsevec');
SELECT wrong($${1:1}$$, 'sparsevec');
SELECT wrong($${1:1,$$, 'sparsevec');
SELECT wrong($${1:1,}/3$$, 'sparsevec');
SELECT wrong($${,1:1}/3$$, 'sparsevec');
SELECT wrong($${1:1,,2:2}/3$$, 'sparsevec');
SELECT wrong($${1:1 2:2}/3$$, 'sparsevec');
SELECT wrong($${:1}/3$$, 'sparsevec');
SELECT wrong($${a:1}/3$$, 'sparsevec');
SELECT wrong($${1:a}/3$$, 'sparsevec');
SELECT wrong($${1:1a}/3$$, 'sparsevec');
SELECT wrong($${1.5:1}/3$$, 'sparsevec');
SELECT wrong($${1=1}/3$$, 'sparsevec');
SELECT wrong($${1:1;2:2}/3$$, 'sparsevec');
SELECT wrong($${1:1}}/3$$, 'sparsevec');
SELECT wrong($${{1:1}}/3$$, 'sparsevec');
SELECT wrong($${+:1}/3$$, 'sparsevec');
SELECT wrong($${0:1}/3$$, 'sparsevec');
SELECT wrong($${-1:1}/3$$, 'sparsevec');
SELECT wrong($${4:1}/3$$, 'sparsevec');
SELECT wrong($${1:1,4:1}/3$$, 'sparsevec');
SELECT wrong($${2147483648:1}/3$$, 'sparsevec');
SELECT wrong($${9999999999999999999999:1}/3$$, 'sparsevec');
SELECT wrong($${1000000001:1}/3$$, 'sparsevec');
SELECT wrong($${1:1,1:2}/3$$, 'sparsevec');
SELECT wrong($${3:1,1:2,3:3}/3$$, 'sparsevec');
SELECT wrong($${1:nan}/3$$, 'sparsevec');
SELECT wrong($${1:inf}/3$$, 'sparsevec');
SELECT wrong($${2:1,1:-inf}/3$$, 'sparsevec');
SELECT wrong($${1:1e39}/3$$, 'sparsevec');
SELECT wrong($${1:-4e38}/3$$, 'sparsevec');
SELECT wrong($${1:0,1:1}/3$$, 'sparsevec');
SELECT wrong($${0:0}/3$$, 'sparsevec');
SELECT wrong($${4:0}/3$$, 'sparsevec');
SELECT wrong($${1:1e-50,1:1}/3$$, 'sparsevec');
SELECT wrong('{1:1}/2', 'sparsevec(3)');
SELECT wrong((SELECT '{' || string_agg(i || ':1', ',') || '}/20000' FROM generate_series(1, 16001) AS i), 'sparsevec');

-- dimensions that differ
SELECT err($$'[1,2]'::vector <-> '[1]'$$);
SELECT err($$'[1,2]'::vector + '[1]'$$);
SELECT err($$'[1,2]'::halfvec <=> '[1]'$$);
SELECT err($$'{}/2'::sparsevec <#> '{}/1'$$);
SELECT err($$B'1' <~> B'11'$$);
SELECT err($$B'1' <%> B'11'$$);
SELECT err($$sum(v) FROM (VALUES ('[1,2]'::vector), ('[3]')) AS t(v)$$);
SELECT err($$'[1,2]'::vector::vector(3)$$);
SELECT err($$'[1,2]'::halfvec::halfvec(3)$$);
SELECT err($$'{}/2'::sparsevec::sparsevec(3)$$);
SELECT err($$'[1,2]'::vector::halfvec(3)$$);

-- arrays
SELECT err($$'{}'::int[]::vector$$);
SELECT err($$'{}'::int[]::sparsevec$$);
SELECT err($$'{{1}}'::int[]::vector$$);
SELECT err($$'{{1}}'::real[]::halfvec$$);
SELECT err($$'{1,NULL}'::int[]::vector$$);
SELECT err($$'{1,NULL}'::real[]::sparsevec$$);
SELECT err($$'{NaN}'::real[]::vector$$);
SELECT err($$'{1,Infinity}'::float8[]::halfvec$$);
SELECT err($$'{1,-Infinity}'::numeric[]::sparsevec$$);
SELECT err($$'{1e39}'::float8[]::vector$$);
SELECT err($$'{1e39}'::numeric[]::vector$$);
SELECT err($$'{0,70000}'::int[]::halfvec$$);
SELECT err($$array_fill(0, ARRAY[16001])::vector$$);

-- casts among the types, arithmetic, aggregates
SELECT err($$'[0,70000]'::vector::halfvec$$);
SELECT err($$'{2:70000}/2'::sparsevec::halfvec$$);
SELECT err($$'{}/16001'::sparsevec::vector$$);
SELECT err($$'[3e38]'::vector + '[3e38]'$$);
SELECT err($$'[3e38]'::vector - '[-3e38]'$$);
SELECT err($$'[3e38]'::vector * '[2]'$$);
SELECT err($$'[1e-38]'::vector * '[1e-38]'$$);
SELECT err($$'[65504]'::halfvec + '[65504]'$$);
SELECT err($$'[1e-5]'::halfvec * '[1e-5]'$$);
SELECT err($$sum(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]')) AS t(v)$$);
SELECT err($$sum(v) FROM (VALUES ('[65504]'::halfvec), ('[65504]')) AS t(v)$$);
SELECT err($$array_fill(0, ARRAY[16000])::vector || '[1]'$$);
SELECT err($$subvector('[1]'::vector, 2, 1)$$);
SELECT err($$subvector('[1]'::halfvec, 1, 0)$$);
SELECT err($$vector_accum('{}', '[1]')$$);

-- type modifiers
SELECT err($$NULL::vector(0)$$);
SELECT err($$NULL::vector(16001)$$);
SELECT err($$NULL::vector(1, 2)$$);
SELECT err($$NULL::halfvec(0)$$);
SELECT err($$NULL::halfvec(16001)$$);
SELECT err($$NULL::sparsevec(0)$$);
SELECT err($$NULL::sparsevec(1000000001)$$);

-- Binary input, as a client sends it: what has the value of these bytes?  The
-- bytes become a file in COPY's binary format, which COPY then reads.
CREATE FUNCTION received(bytes bytea, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file constant text := 'pg_stat_tmp/vecdb_errors.copy';
    value text;
BEGIN
    PERFORM lo_from_bytea(1, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) || int2send(1::int2)
        || int4send(length(bytes)) || bytes || int2send((-1)::int2));
    PERFORM lo_export(1, file), lo_unlink(1);
    EXECUTE format('CREATE TEMPORARY TABLE received (v %s) ON COMMIT DROP', type);
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
    SELECT v FROM received INTO value;
    DROP TABLE received;
    RETURN value;
END $$;

SELECT received('\x000200003f800000c0200000', 'vector');
SELECT received('\x000200003f800000c0200000', 'vector(2)');
SELECT received('\x000200008000000000000001', 'vector');
SELECT received('\x000200003c00fbff', 'halfvec');
SELECT received('\x00000005000000020000000000000000000000043f800000c0200000', 'sparsevec');
SELECT received('\x000000050000000000000000', 'sparsevec(5)');
SELECT err($$received('\x', 'vector')$$);
SELECT err($$received('\x00', 'vector')$$);
SELECT err($$received('\x0001', 'vector')$$);
SELECT err($$received('\x00010000', 'vector')$$);
SELECT err($$received('\x000100003f8000', 'vector')$$);
SELECT err($$received('\x000100003f80000000', 'vector')$$);
SELECT err($$received('\x00000000', 'vector')$$);
SELECT err($$received('\xffff00003f800000', 'vector')$$);
SELECT err($$received('\x3e810000', 'vector')$$);
SELECT err($$received('\x7fff0000', 'vector')$$);
SELECT err($$received('\x000100013f800000', 'vector')$$);
SELECT err($$received('\x0001ffff3f800000', 'vector')$$);
SELECT err($$received('\x000200003f8000007fc00000', 'vector')$$);
SELECT err($$received('\x000200003f8000007f800000', 'vector')$$);
SELECT err($$received('\x00010000ff800000', 'vector')$$);
SELECT err($$received('\x000100003f800000', 'vector(2)')$$);
SELECT err($$received('\x', 'halfvec')$$);
SELECT err($$received('\x000100003c', 'halfvec')$$);
SELECT err($$received('\x000100003c0000', 'halfvec')$$);
SELECT err($$received('\x00000000', 'halfvec')$$);
SELECT err($$received('\x3e810000', 'halfvec')$$);
SELECT err($$received('\x000100013c00', 'halfvec')$$);
SELECT err($$received('\x000200003c007e00', 'halfvec')$$);
SELECT err($$received('\x000200003c007c00', 'halfvec')$$);
SELECT err($$received('\x00010000fc00', 'halfvec')$$);
SELECT err($$received('\x000100003c00', 'halfvec(2)')$$);
SELECT err($$received('\x', 'sparsevec')$$);
SELECT err($$received('\x0000000500000001', 'sparsevec')$$);
SELECT err($$received('\x00000005000000010000000000000000', 'sparsevec')$$);
SELECT err($$received('\x000000050000000100000000000000003f80000000', 'sparsevec')$$);
SELECT err($$received('\x000000000000000000000000', 'sparsevec')$$);
SELECT err($$received('\xffffffff0000000000000000', 'sparsevec')$$);
SELECT err($$received('\x3b9aca010000000000000000', 'sparsevec')$$);
SELECT err($$received('\x00000005ffffffff00000000', 'sparsevec')$$);
SELECT err($$received('\x00000001000000020000000000000000000000013f8000003f800000', 'sparsevec')$$);
SELECT err($$received('\x3b9aca0000003e8100000000', 'sparsevec')$$);
SELECT err($$received('\x000000057fffffff00000000', 'sparsevec')$$);
SELECT err($$received('\x000000050000000100000001000000003f800000', 'sparsevec')$$);
SELECT err($$received('\x000000050000000100000000000000053f800000', 'sparsevec')$$);
SELECT err($$received('\x000000050000000100000000ffffffff3f800000', 'sparsevec')$$);
SELECT err($$received('\x00000005000000020000000000000001000000013f8000003f800000', 'sparsevec')$$);
SELECT err($$received('\x00000005000000020000000000000002000000013f8000003f800000', 'sparsevec')$$);
SELECT err($$received('\x0000000500000001000000000000000000000000', 'sparsevec')$$);
SELECT err($$received('\x0000000500000001000000000000000080000000', 'sparsevec')$$);
SELECT err($$received('\x000000050000000100000000000000007fc00000', 'sparsevec')$$);
SELECT err($$received('\x00000005000000010000000000000000ff800000', 'sparsevec')$$);
SELECT err($$received('\x000000050000000000000000', 'sparsevec(4)')$$);

-- Where PostgreSQL has soft errors, 16 and later, they are the same as the hard
-- ones: are there many, are all the same, and those that are not.
CREATE FUNCTION hard_and_soft() RETURNS TABLE (input text, type text, hard text, soft text) LANGUAGE plpgsql AS $$
BEGIN
    FOR input, type IN SELECT * FROM inputs LOOP
        SELECT string_agg(e, E'\n') INTO hard FROM err(format('%L::%s', input, type)) AS e;
        soft := hard;
        IF current_setting('server_version_num')::int >= 160000 THEN
            EXECUTE 'SELECT coalesce(concat_ws(E''\n'', sql_error_code || '': '' || message, ''DETAIL: '' || detail, ''HINT: '' || hint), ''none'')
                     FROM pg_input_error_info($1, $2)' INTO soft USING input, type;
            IF soft = '' THEN soft := 'no error'; END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT count(*) FILTER (WHERE hard <> 'no error') > 30 AS many, count(*) FILTER (WHERE soft = hard) = count(*) AS same FROM hard_and_soft();
SELECT * FROM hard_and_soft() WHERE soft IS DISTINCT FROM hard;

COPY (SELECT) TO PROGRAM 'cat >/dev/null; rm pg_stat_tmp/vecdb_errors.copy';
DROP FUNCTION err, wrong, received, hard_and_soft;
DROP TABLE inputs;
