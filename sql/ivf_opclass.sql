-- Every operator class of ivf and ivfflat with every quantizer: index scans
-- against sequential scans, while rows come, change and go.

SET client_min_messages = warning;
SET ivf.probes = 1000000;
SET ivfflat.probes = 32768;

-- a value of the type from a seed: NULL for some, zero for others
CREATE FUNCTION made(type text, seed int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN seed % 11 = 0 THEN NULL
        WHEN type LIKE 'bit%' THEN string_agg((x > 0)::int::text, '' ORDER BY i)
        WHEN type LIKE 'sparsevec%' THEN '{' || coalesce(string_agg(i || ':' || x, ',') FILTER (WHERE (seed + i) % 3 = 0), '') || '}/24'
        WHEN type LIKE 'int8vec%' THEN '[' || string_agg(round(100 * x)::text, ',' ORDER BY i) || ']'
        ELSE '[' || string_agg(x::real::text, ',' ORDER BY i) || ']' END
    FROM (SELECT i, CASE WHEN seed % 13 = 0 THEN 0 ELSE sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8) END AS x
          FROM generate_series(1, 24) i) e$$;

-- a table for each type and quantizer, so that no operator has two indexes
CREATE TABLE tables AS
    SELECT split_part(type, '(', 1) || '_' || am || '_' || quantizer || coalesce('_' || bits, '') AS tab, type, am, quantizer, bits
    FROM unnest(ARRAY['vector(24)', 'halfvec(24)', 'int8vec(24)', 'bit(24)', 'sparsevec(24)']) type,
        (VALUES ('ivf', 'none', NULL), ('ivf', 'rabitq', 8), ('ivf', 'rabitq', 4), ('ivf', 'rabitq', 2), ('ivf', 'rabitq', 1), ('ivf', 'sq8', NULL), ('ivf', 'pq', 8), ('ivf', 'pq', 4), ('ivf', 'auto', NULL), ('ivfflat', 'auto', NULL)) m(am, quantizer, bits)
    WHERE type <> 'bit(24)' OR quantizer IN ('none', 'auto');
CREATE TABLE indexes AS
    SELECT t.*, c.opcname, o.oprname, t.quantizer IN ('none', 'sq8') OR am = 'ivfflat' OR type = 'bit(24)' OR oprname = '<+>' AS exact
    FROM tables t JOIN pg_am a ON amname = am JOIN pg_opclass c ON opcmethod = a.oid AND opcintype = split_part(type, '(', 1)::regtype
        JOIN pg_amop ao ON amopfamily = opcfamily JOIN pg_operator o ON o.oid = amopopr
    WHERE oprname <> '<+>' OR quantizer IN ('none', 'auto');
SELECT am, quantizer, bits, count(DISTINCT tab) AS tables, count(*) AS indexes FROM indexes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

/*
 * What is wrong with an index scan of all rows, or NULL.  Where exact, the
 * order of distances is that of a sequential scan, but for rounding; else all
 * but one of the ten smallest are not much later.  (Equal rows have the same
 * code, and are missed together.)
 */
CREATE FUNCTION differs(tab text, op text, query text, exact boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    q text := format('SELECT array_agg(d), array_agg(id) FROM (SELECT id, v %1$s %2$s AS d FROM %3$s ORDER BY v %1$s %2$s) x', op, query, tab);
    a float8[]; b float8[]; a_ids int[]; b_ids int[]; plan json; bad int;
BEGIN
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    EXECUTE q INTO a, a_ids;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_indexscan = on;
    EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO plan;
    IF plan::text NOT LIKE '%Index Scan%' THEN RETURN 'no index scan'; END IF;
    EXECUTE q INTO b, b_ids;
    IF cardinality(a) IS DISTINCT FROM cardinality(b) THEN RETURN format('%s rows, by index %s', cardinality(a), cardinality(b)); END IF;
    IF EXISTS (SELECT * FROM unnest(a_ids, a) EXCEPT ALL SELECT * FROM unnest(b_ids, b)) THEN RETURN 'other rows'; END IF;
    IF exact THEN
        SELECT count(*) INTO bad FROM unnest(a, b) AS t(x, y)
            WHERE x IS DISTINCT FROM y AND coalesce(abs(x - y) > 1e-5 * (abs(x) + abs(y)) + 2e-6, true);
        IF bad > 0 THEN RETURN bad || ' in another order'; END IF;
    ELSE
        SELECT count(*) INTO bad FROM (SELECT DISTINCT d FROM unnest(a) d ORDER BY d LIMIT 10) x WHERE array_position(b, d) > array_position(a, d) + 100;
        IF bad > 1 THEN RETURN bad || ' of ten late'; END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END$$;

-- a row's own vector, another, zero, and NULL
CREATE VIEW wrong AS
    SELECT * FROM (
        SELECT tab, oprname, seed, differs(tab, oprname, format('(SELECT %L::%s)', made(type, seed), type), exact) AS difference
        FROM indexes, unnest(ARRAY[17, 7001, 1300, 1100]) seed) x
    WHERE difference IS NOT NULL;

CREATE PROCEDURE each(command text) LANGUAGE plpgsql AS $$
DECLARE t record;
BEGIN
    FOR t IN SELECT * FROM tables LOOP
        EXECUTE format(command, t.tab, t.type);
    END LOOP;
END$$;

CALL each('CREATE TABLE %1$s (id int, v %2$s)');
CALL each('INSERT INTO %1$s SELECT i, made(%2$L, i)::%2$s FROM generate_series(1, 200) i');
DO $$DECLARE i record;
BEGIN
    FOR i IN SELECT * FROM indexes LOOP
        EXECUTE format('CREATE INDEX ON %s USING %s (v %s) WITH (quantizer = %s, lists = 6%s)', i.tab, i.am, i.opcname, i.quantizer, ', bits = ' || i.bits);
    END LOOP;
END$$;
SELECT * FROM wrong;
CALL each('INSERT INTO %1$s SELECT i, made(%2$L, i)::%2$s FROM generate_series(201, 300) i');
SELECT * FROM wrong;
CALL each('UPDATE %1$s SET v = made(%2$L, id + 5000)::%2$s WHERE id %% 3 = 0');
SELECT * FROM wrong;
CALL each('DELETE FROM %1$s WHERE id %% 5 < 2');
SELECT * FROM wrong;
SELECT 'VACUUM ' || string_agg(tab, ', ' ORDER BY tab) FROM tables \gexec
SELECT * FROM wrong;
CALL each('INSERT INTO %1$s SELECT i, made(%2$L, i)::%2$s FROM generate_series(301, 450) i');
SELECT * FROM wrong;
CALL each('REINDEX TABLE %1$s');
SELECT * FROM wrong;
CALL each('TRUNCATE %1$s');
CALL each('INSERT INTO %1$s SELECT i, made(%2$L, i)::%2$s FROM generate_series(1, 60) i');
SELECT * FROM wrong;
CALL each('DROP TABLE %1$s');
DROP VIEW wrong;
DROP TABLE tables, indexes;
DROP PROCEDURE each;
DROP FUNCTION differs, made;
