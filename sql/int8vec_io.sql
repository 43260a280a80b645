-- int8vec: errors, casts, sum and avg, order, type modifiers, binary input.

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


-- text
SELECT wrong($$$$, 'int8vec');
SELECT wrong($$  $$, 'int8vec');
SELECT wrong($$1,2$$, 'int8vec');
SELECT wrong($$[$$, 'int8vec');
SELECT wrong($$[1$$, 'int8vec');
SELECT wrong($$[1,$$, 'int8vec');
SELECT wrong($$[1,2$$, 'int8vec');
SELECT wrong($$[]$$, 'int8vec');
SELECT wrong($$[ ]$$, 'int8vec');
SELECT wrong($$[,]$$, 'int8vec');
SELECT wrong($$[1,]$$, 'int8vec');
SELECT wrong($$[1,,2]$$, 'int8vec');
SELECT wrong($$[,1]$$, 'int8vec');
SELECT wrong($$[1 2]$$, 'int8vec');
SELECT wrong($$[1]]$$, 'int8vec');
SELECT wrong($$[1]x$$, 'int8vec');
SELECT wrong($$[[1]]$$, 'int8vec');
SELECT wrong($${1}$$, 'int8vec');
SELECT wrong($$(1)$$, 'int8vec');
SELECT wrong($$x[1]$$, 'int8vec');
SELECT wrong($$[a]$$, 'int8vec');
SELECT wrong($$[1,a]$$, 'int8vec');
SELECT wrong($$[1a]$$, 'int8vec');
SELECT wrong($$[1-2]$$, 'int8vec');
SELECT wrong($$[--1]$$, 'int8vec');
SELECT wrong($$[+-1]$$, 'int8vec');
SELECT wrong($$[- 1]$$, 'int8vec');
SELECT wrong($$[+]$$, 'int8vec');
SELECT wrong($$[-]$$, 'int8vec');
SELECT wrong($$[.]$$, 'int8vec');
SELECT wrong($$[e1]$$, 'int8vec');
SELECT wrong($$[.e1]$$, 'int8vec');
SELECT wrong($$[1e]$$, 'int8vec');
SELECT wrong($$[1e+]$$, 'int8vec');
SELECT wrong($$[1.2.3]$$, 'int8vec');
SELECT wrong($$[0x]$$, 'int8vec');
SELECT wrong($$[0xg]$$, 'int8vec');
SELECT wrong($$[1_000]$$, 'int8vec');
SELECT wrong($$[1,2;3]$$, 'int8vec');
SELECT wrong($$["1"]$$, 'int8vec');
SELECT wrong($$[null]$$, 'int8vec');
SELECT wrong($$[1.0]$$, 'int8vec');
SELECT wrong($$[.5]$$, 'int8vec');
SELECT wrong($$[1e1]$$, 'int8vec');
SELECT wrong($$[0x10]$$, 'int8vec');
SELECT wrong($$[nan]$$, 'int8vec');
SELECT wrong($$[inf]$$, 'int8vec');
SELECT wrong($$[128]$$, 'int8vec');
SELECT wrong($$[0,-129]$$, 'int8vec');
SELECT wrong($$[99999999999999999999]$$, 'int8vec');
SELECT wrong('[1,2]', 'int8vec(3)');
SELECT wrong('[' || repeat('1,', 16000) || '1]', 'int8vec');

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


SELECT received('\x0003000001807f', 'int8vec');
SELECT received('\x0003000001807f', 'int8vec(3)');
SELECT err($$received('\x', 'int8vec')$$);
SELECT err($$received('\x000300000180', 'int8vec')$$);
SELECT err($$received('\x0003000001807f00', 'int8vec')$$);
SELECT err($$received('\x00000000', 'int8vec')$$);
SELECT err($$received('\x3e810000', 'int8vec')$$);
SELECT err($$received('\x0001000101', 'int8vec')$$);
SELECT err($$received('\x0001000001', 'int8vec(2)')$$);

-- casts
SELECT ARRAY[1,-128,127]::int8vec, ARRAY[1,-128,127]::int2[]::int8vec, ARRAY[1,2]::int8vec(2);
SELECT '[1,-128,127]'::int8vec::vector, '[1,-128,127]'::int8vec::real[], '[1,-128,127]'::int8vec::int[];
-- rounds to the nearest, ties to even
SELECT '[0.4,0.5,0.6,1.5,2.5,-0.5,-1.5,-127.6,-128.5,127.4]'::vector::int8vec;
SELECT err($$'[0,127.5]'::vector::int8vec$$);
SELECT err($$'[-128.6]'::vector::int8vec$$);
SELECT err($$'[1e38]'::vector::int8vec$$);
SELECT err($$'{128}'::int[]::int8vec$$);
SELECT err($$'{1,-129}'::int2[]::int8vec$$);
SELECT err($$'{}'::int[]::int8vec$$);
SELECT err($$'{1,NULL}'::int[]::int8vec$$);
SELECT err($$'{{1}}'::int[]::int8vec$$);
SELECT err($$array_fill(0, ARRAY[16001])::int8vec$$);
SELECT err($$'[1,2]'::vector::int8vec(3)$$);
SELECT err($$'[1,2]'::int8vec::vector(3)$$);
SELECT err($$'[1,2]'::int8vec::int8vec(3)$$);
SELECT count(*) AS same FROM generate_series(-128, 127) AS i
WHERE ('[' || i || ']')::int8vec::vector::int8vec = ARRAY[i]::int8vec AND ARRAY[i]::int8vec::text = '[' || i || ']' AND ARRAY[i]::int8vec::int[] = ARRAY[i];
CREATE TABLE assigned (i int8vec(2), v vector(2), r real[], n int[]);
INSERT INTO assigned VALUES ('[1,2]'::vector, '[1,2]'::int8vec, '[1,2]'::int8vec, '[1,2]'::int8vec);
INSERT INTO assigned VALUES (ARRAY[3,4], '[1,2]'::vector, NULL, NULL);
SELECT * FROM assigned;
SELECT err($$NULL::int8vec(0)$$);
SELECT err($$NULL::int8vec(16001)$$);
SELECT err($$NULL::int8vec(1, 2)$$);
DROP TABLE assigned;

-- sum and avg are vectors
SELECT sum(v), avg(v), pg_typeof(sum(v)), pg_typeof(avg(v)) FROM (VALUES ('[127,-128,1]'::int8vec), (NULL), ('[127,-128,2]')) AS t(v);
SELECT sum(v), avg(v) FROM (VALUES (NULL::int8vec)) AS t(v);
SELECT sum(array_fill(127, ARRAY[300])::int8vec) = array_fill(127000, ARRAY[300])::vector AS sum FROM generate_series(1, 1000);
SELECT err($$sum(v) FROM (VALUES ('[1,2]'::int8vec), ('[3]')) AS t(v)$$);

-- order
CREATE TABLE ordered (id int, v int8vec(2));
INSERT INTO ordered SELECT (x + 5) * 11 + y + 5, ARRAY[x, y] FROM generate_series(-5, 5) AS x, generate_series(-5, 5) AS y;
INSERT INTO ordered VALUES (200, NULL);
CREATE UNIQUE INDEX ON ordered (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*), count(*) FILTER (WHERE id = n - 1) AS same FROM (SELECT id, row_number() OVER (ORDER BY v) AS n FROM ordered WHERE v IS NOT NULL) AS t;
SELECT count(*) FILTER (WHERE v < '[0,0]') AS lt, count(*) FILTER (WHERE v <= '[0,0]') AS le, count(*) FILTER (WHERE v = '[0,0]') AS eq,
       count(*) FILTER (WHERE v >= '[0,0]') AS ge, count(*) FILTER (WHERE v > '[0,0]') AS gt FROM ordered;
SELECT id FROM ordered WHERE v = '[2,-3]';
SELECT count(*) FROM ordered WHERE v > '[4]';
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT id FROM ordered ORDER BY v <-> '[5,4]', id LIMIT 4;
DROP TABLE ordered;

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
