-- Lists that are split and merged, with each quantizer: what is found then.

SET client_min_messages = warning;
SET ivf.probes = 1000000;

CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(sin((seed % 23 + 1) * 12.9898::float8 + i * 78.233::float8 + (seed % 23) * i * 0.37::float8)
        + 0.4 * sin(seed * 3.1::float8 + i * 7.7::float8 + seed * i * 0.61::float8))::vector
    FROM generate_series(1, 40) i$$;

-- What is wrong with an index scan of all rows, or NULL.
CREATE FUNCTION differs(tab text, op text, query vector, exact boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    q text := format('SELECT array_agg(id), array_agg(d) FROM (SELECT id, v %1$s %2$L AS d FROM %3$s ORDER BY v %1$s %2$L) x', op, query, tab);
    a int[]; b int[]; x float8[]; y float8[]; plan json; n int;
BEGIN
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    EXECUTE q INTO a, x;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_indexscan = on;
    EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO plan;
    IF plan::text NOT LIKE '%Index Scan%' THEN RETURN 'no index scan'; END IF;
    EXECUTE q INTO b, y;
    IF (SELECT array_agg(i ORDER BY i) FROM unnest(a) i) IS DISTINCT FROM (SELECT array_agg(i ORDER BY i) FROM unnest(b) i) THEN
        RETURN format('%s rows, by index %s, or others', cardinality(a), cardinality(b));
    END IF;
    SELECT count(*) INTO n FROM unnest(a[1:10]) i WHERE i = ANY (b[1:20]);
    IF n < 9 THEN RETURN n || ' of ten'; END IF;
    SELECT count(*) INTO n FROM unnest(x, y) AS t(e, f) WHERE abs(e - f) > 1e-5 * (abs(e) + abs(f));
    IF exact AND n > 0 THEN RETURN n || ' in another order'; END IF;
    RETURN NULL;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END$$;

-- the lists of an index grow from one
CREATE TABLE tables AS SELECT 'items_' || n AS tab, options FROM
    unnest(ARRAY['quantizer = none', 'quantizer = sq8', 'quantizer = rabitq', 'bits = 4', 'bits = 2', 'quantizer = pq', 'quantizer = pq, bits = 2', 'bits = 1', 'quantizer = pq, bits = 1']) WITH ORDINALITY AS o(options, n);
CREATE VIEW wrong AS SELECT * FROM (
    SELECT options, op, seed, differs(tab, op, made(seed), options LIKE ANY (ARRAY['% none', '% sq8'])) AS difference
    FROM tables, unnest(ARRAY['<->', '<#>', '<=>']) op, unnest(ARRAY[17, 100001, 100010]) seed) x
    WHERE difference IS NOT NULL;
CREATE PROCEDURE each(command text) LANGUAGE plpgsql AS $$
DECLARE t record;
BEGIN
    FOR t IN SELECT * FROM tables LOOP
        EXECUTE format(command, t.tab, t.options);
    END LOOP;
END$$;
CALL each('CREATE TABLE %1$s (id int, v vector(40))');
CALL each('CREATE INDEX ON %1$s USING ivf (v vector_l2_ops) WITH (%2$s)');
CALL each('CREATE INDEX ON %1$s USING ivf (v vector_ip_ops) WITH (%2$s)');
CALL each('CREATE INDEX ON %1$s USING ivf (v vector_cosine_ops) WITH (%2$s)');
CREATE TABLE rows AS SELECT i AS id, made(i) AS v FROM generate_series(1, 3000) i;
CALL each('INSERT INTO %1$s SELECT * FROM rows');
SELECT * FROM wrong;

-- and become few again
CALL each('DELETE FROM %1$s WHERE id %% 20 > 0');
SELECT 'VACUUM ' || string_agg(tab, ', ' ORDER BY tab) FROM tables \gexec
SELECT * FROM wrong;
CALL each('INSERT INTO %1$s SELECT id + 10000, v FROM rows WHERE id < 500');
SELECT * FROM wrong;

-- an index of many rows, from one that had few
CALL each('REINDEX TABLE %1$s');
CALL each('INSERT INTO %1$s SELECT id + 20000, v FROM rows');
SELECT * FROM wrong;
CALL each('DROP TABLE %1$s');
DROP VIEW wrong;
DROP TABLE tables;
DROP FUNCTION differs;

-- With few bits lists are made anew of the table's vectors, out of line or not, if the
-- index is of them or of an expression: what has grown has as many rows looked at as what
-- was built at once.  Rows are updated, deleted and rolled back meanwhile.
CREATE TABLE tables AS SELECT format('items_%s_%s', bits, kind) AS tab, *
    FROM unnest(ARRAY[4, 2, 1]) bits, unnest(ARRAY['line', 'toast', 'half']) kind,
        LATERAL (SELECT CASE kind WHEN 'half' THEN '(v::halfvec(40))' ELSE 'v' END AS expression,
            CASE kind WHEN 'half' THEN 'halfvec_l2_ops' ELSE 'vector_l2_ops' END || ') WITH (bits = ' || bits AS options) x;
CREATE FUNCTION looked_at(tab text, expression text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE before float8 := pg_stat_get_xact_blocks_fetched(tab::regclass);
BEGIN
    SET LOCAL enable_seqscan = off;
    FOR seed IN 1..20 LOOP
        EXECUTE format('SELECT FROM %I ORDER BY %s <-> made(%s) LIMIT 10', tab, expression, seed * 100 + 100000);
    END LOOP;
    RETURN (pg_stat_get_xact_blocks_fetched(tab::regclass) - before) / 20;
END$$;
CREATE PROCEDURE fill(tab text) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0..14 LOOP
        EXECUTE format('INSERT INTO %s SELECT * FROM rows WHERE id %% 15 = %s', tab, i);
        EXECUTE format('DELETE FROM %s WHERE id %% 150 = %s', tab, i);
        BEGIN
            EXECUTE format('INSERT INTO %s SELECT -id, v FROM rows WHERE id %% 15 = %s', tab, i);
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
        EXECUTE format('UPDATE %s SET v = made(id + 7) WHERE id %% 150 = %s', tab, i + 15);
        COMMIT;
    END LOOP;
END$$;
CALL each('CREATE TABLE %1$s (id int, v vector(40)) WITH (toast_tuple_target = 128)');
SELECT format('ALTER TABLE %I ALTER v SET STORAGE %s', tab, CASE kind WHEN 'toast' THEN 'external' ELSE 'plain' END) FROM tables \gexec
SELECT format('CREATE INDEX %s_v ON %1$s USING ivf (%s %s)', tab, expression, options) FROM tables \gexec
SELECT format('CALL fill(%L)', tab) FROM tables \gexec
SELECT 'VACUUM ' || string_agg(tab, ', ' ORDER BY tab) FROM tables \gexec
CREATE TABLE after AS SELECT tab, expression, looked_at(tab, expression) AS grown FROM tables;
CALL each('REINDEX TABLE %1$s');
SELECT * FROM (SELECT *, looked_at(tab, expression) AS anew FROM after) x WHERE grown NOT BETWEEN 0.5 * anew AND 1.3 * anew;
SELECT tab, finding FROM tables, vecdb_index_check(tab || '_v', true) finding;
CALL each('DROP TABLE %1$s');
DROP TABLE tables, after, rows;
DROP PROCEDURE each, fill;
DROP FUNCTION looked_at, made;
