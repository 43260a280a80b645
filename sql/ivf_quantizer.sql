-- Lists that are split and merged, with each quantizer: what is found then.

SET client_min_messages = warning;
SET ivf.probes = 1000000;

CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(sin((seed % 23 + 1) * 12.9898::float8 + i * 78.233::float8 + (seed % 23) * i * 0.37::float8)
        + 0.4 * sin(seed * 3.1::float8 + i * 7.7::float8 + seed * i * 0.61::float8))::vector
    FROM generate_series(1, 40) i$$;

/*
 * What is wrong with an index scan of all rows, or NULL.  A bit of 40 dimensions, made
 * anew from a bit, says little.
 */
CREATE FUNCTION differs(tab text, op text, query vector, at_least int, exact boolean) RETURNS text LANGUAGE plpgsql AS $$
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
    IF n < at_least THEN RETURN n || ' of ten'; END IF;
    SELECT count(*) INTO n FROM unnest(x, y) AS t(e, f) WHERE abs(e - f) > 1e-5 * (abs(e) + abs(f));
    IF exact AND n > 0 THEN RETURN n || ' in another order'; END IF;
    RETURN NULL;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END$$;

-- the lists of an index grow from one
CREATE TABLE tables AS SELECT 'items_' || n AS tab, options FROM
    unnest(ARRAY['quantizer = none', 'quantizer = sq8', 'quantizer = rabitq', 'bits = 4', 'bits = 2', 'quantizer = pq', 'quantizer = pq, bits = 2', 'bits = 1', 'quantizer = pq, bits = 1']) WITH ORDINALITY AS o(options, n);
CREATE VIEW wrong AS SELECT * FROM (
    SELECT options, op, seed, differs(tab, op, made(seed), CASE WHEN options LIKE '%bits = 1' THEN 6 ELSE 9 END, options LIKE ANY (ARRAY['% none', '% sq8'])) AS difference
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
DROP TABLE tables, rows;
DROP PROCEDURE each;
DROP FUNCTION differs, made;
