-- Conditions on distances, up to which the index is read; row security.

SET client_min_messages = warning;
SET jit = off;
SET hnsw.ef_search = 1000;
SET ivf.probes = 32768;
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233 + seed * i * 0.37)::real)::vector FROM generate_series(1, 8) i$$;

CREATE TABLE items (id int PRIMARY KEY, kind int, v vector(8));
INSERT INTO items SELECT i, i % 10, CASE WHEN i % 53 = 0 THEN NULL WHEN i % 47 = 0 THEN '[0,0,0,0,0,0,0,0]' ELSE made(i) END FROM generate_series(1, 900) i;
CREATE INDEX items_kind ON items (kind);
CREATE INDEX items_cosine ON items USING hnsw (v vector_cosine_ops);
CREATE INDEX items_l2 ON items USING ivf (v vector_l2_ops) WITH (quantizer = none);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (quantizer = none);
VACUUM ANALYZE items;

/*
 * What a query with such a condition stops at, and what is wrong with its rows.
 */
CREATE FUNCTION limited(condition text, ordering text DEFAULT '', strategy text DEFAULT 'auto') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    query text := format('SELECT id, v FROM items WHERE %s %s', condition, ordering);
    q text := format('SELECT array_agg(id) FROM (%s) x', query);
    a int[]; b int[]; plan jsonb; node jsonb;
BEGIN
    SET LOCAL enable_indexscan = off;
    EXECUTE q INTO a;
    SET LOCAL enable_indexscan = on;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_sort = off;
    IF strategy = 'auto' THEN SET LOCAL enable_bitmapscan = off; END IF;
    PERFORM set_config('vecdb.filtered_scan_strategy', strategy, true);
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    node := jsonb_path_query_first(plan, 'strict $.** ? (@."Custom Plan Provider" == "VecdbFilteredScan")');
    EXECUTE q INTO b;
    SET LOCAL enable_bitmapscan = on;
    RETURN coalesce((node ->> 'Index Name') || CASE WHEN plan::text LIKE '%Bitmap%' THEN ' with a bitmap' ELSE '' END || CASE WHEN node ? 'Stop After' THEN '' ELSE ' to the end' END, 'no filtered scan') ||
        CASE WHEN cardinality(b) IS DISTINCT FROM cardinality(a) THEN format(', but %s rows for %s', cardinality(b), cardinality(a))
        WHEN (SELECT count(DISTINCT id) FROM unnest(b) id) <> cardinality(b) THEN ', but rows twice'
        WHEN ordering !~ 'LIMIT' AND NOT b @> a THEN ', but other rows' ELSE '' END;
END$$;

-- forms, either way round, with and without an order; NULL and NaN
SELECT form, limited(form), limited(form, 'ORDER BY v <=> made(5000)') AS ordered, limited(form, 'ORDER BY 1 - (v <=> made(5000)) DESC LIMIT 50') AS falling
    FROM unnest(ARRAY['v <=> made(5000) < 0.5', 'v <=> made(5000) <= 0.5', '0.5 > v <=> made(5000)', '0.5 >= (made(5000) <=> v)', 'v <=> made(5000) BETWEEN 0.2 AND 0.6',
    '1 - (v <=> made(5000)) > 0.5', '0.5 <= 1 - (v <=> made(5000))', 'cosine_distance(v, made(5000)) < 0.5', '1 - cosine_distance(v, made(5000)) >= 0.5',
    '(v <=> made(5000)) * 2 + 1 < 2', '1 / (1 + (v <=> made(5000))) > 0.7', 'v <=> made(5000) < ''NaN''', 'v <=> made(5000) < -1', '1 - (v <=> made(5000)) > -5',
    'v <=> made(5000) < (SELECT 0.5::float8)', 'v <=> made(5000) < 0.5 AND 1 - (v <=> made(5000)) > 0.6 AND v <=> made(5000) > 0.1', 'v <=> made(5000) < NULL']) form;
SELECT form, limited(form), limited(form, 'ORDER BY v <-> made(5000)') AS ordered FROM unnest(ARRAY['v <-> made(5000) < 2', '1 / (1 + (v <-> made(5000))) > 0.3', 'l2_distance(v, made(5000)) <= 2']) form;
SELECT form, limited(form), limited(form, 'ORDER BY v <#> made(5000)') AS ordered FROM unnest(ARRAY['v <#> made(5000) < -1', '(v <#> made(5000)) * -1 > 1', '-(v <#> made(5000)) >= 1']) form;
-- beyond a distance, and equal to one
SELECT form, limited(form) FROM unnest(ARRAY['v <=> made(5000) > 0.5', 'v <=> made(5000) = 0.5', 'v <=> made(5000) <> 0.5', '1 - (v <=> made(5000)) < 0.5', 'v <=> v < 0.5', 'v <=> made(id) < 0.5']) form;
-- of one distance in order of another
SELECT limited('v <=> made(5000) < 0.5', 'ORDER BY v <-> made(5000)');
-- with a bitmap of other conditions
SELECT form, strategy, limited(form || ' AND kind IN (3, 4)', '', strategy), limited(form || ' AND kind < 3', 'ORDER BY v <=> made(5000)', strategy) AS ordered
    FROM unnest(ARRAY['v <=> made(5000) < 0.5', '1 - (v <=> made(5000)) > 0.5']) form, unnest(ARRAY['exact', 'search']) strategy;
-- vectors that have no distance to anything
SELECT q, limited(format('v <=> %s < 0.5', q)), limited(format('1 - (v <=> %s) > 0.5', q)) AS falling FROM unnest(ARRAY['''[0,0,0,0,0,0,0,0]''::vector']) q;

-- the plan
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE v <=> '[1,2,3,4,5,6,7,8]' < 0.2 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE 1 - (v <=> '[1,2,3,4,5,6,7,8]') >= 0.8;
SELECT made(5000) AS query \gset
CREATE FUNCTION removed(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT json) ' || query INTO plan;
    RETURN jsonb_path_query_first(plan, 'strict $.** ? (@."Custom Plan Provider" == "VecdbFilteredScan")') ->> 'Rows Removed by Filter';
END$$;
-- not all rows, but some more
SELECT removed(format('SELECT id FROM items WHERE v <-> %L < 0 ORDER BY v <-> %1$L LIMIT 5', :'query'));
DROP FUNCTION removed;
-- what is changed must be all
RESET enable_seqscan;
EXPLAIN (COSTS OFF) DELETE FROM items WHERE v <=> '[1,2,3,4,5,6,7,8]' < 0.2;
SET enable_seqscan = off;
-- a limit that is known only when it is executed, and for each row of another table
SET plan_cache_mode = force_generic_plan;
PREPARE near(vector, float8) AS SELECT count(*) FROM items WHERE v <=> $1 < $2;
EXPLAIN (COSTS OFF) EXECUTE near('[1,2,3,4,5,6,7,8]', 0.2);
EXECUTE near('[1,2,3,4,5,6,7,8]', NULL);
EXECUTE near(NULL, 0.2);
SELECT count(*) AS expected FROM items WHERE abs(v <=> made(5000)) < 0.3 \gset
EXECUTE near(:'query', 0.3) \gset
SELECT :count = :expected AS same;
DEALLOCATE near;
RESET plan_cache_mode;
SELECT count(*), bool_and(n.n = n.expected) FROM (SELECT * FROM items WHERE id < 20 OFFSET 0) q,
    LATERAL (SELECT (SELECT count(*) FROM (SELECT id FROM items WHERE v <=> q.v < q.kind / 20.0 ORDER BY v <=> q.v) x) AS n, (SELECT count(*) FROM items WHERE abs(v <=> q.v) < q.kind / 20.0) AS expected) n;
RESET enable_seqscan;
DROP TABLE items;
DROP FUNCTION limited;

-- row security: nothing of a hidden row is given to what might tell
CREATE TABLE owned (id int, owner text, kind int, v vector);
INSERT INTO owned SELECT i, CASE WHEN i % 4 = 0 THEN 'regress_vecdb_reader' ELSE 'other' END, i % 20, made(i) FROM generate_series(1, 800) i;
CREATE INDEX owned_owner ON owned (owner);
CREATE INDEX owned_kind ON owned (kind);
CREATE INDEX owned_v ON owned USING hnsw ((v::vector(8)) vector_l2_ops);
VACUUM ANALYZE owned;
CREATE ROLE regress_vecdb_reader;
GRANT SELECT, UPDATE ON owned TO regress_vecdb_reader;
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON owned USING (owner = current_user);
CREATE FUNCTION tell(int) RETURNS boolean STABLE LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'told of %', $1 % 4; RETURN true; END$$;
CREATE VIEW barred WITH (security_barrier) AS SELECT * FROM owned WHERE kind = 4;
GRANT SELECT ON barred TO regress_vecdb_reader;
SET client_min_messages = notice;
SET ROLE regress_vecdb_reader;
SET enable_seqscan = off;
SET vecdb.filtered_scan_strategy = exact;
EXPLAIN (COSTS OFF) SELECT id FROM owned WHERE kind = 4 AND tell(id) ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
SELECT count(*) FROM (SELECT id FROM owned WHERE kind = 4 AND tell(id) AND id < 100 ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 3) x;
SET vecdb.filtered_scan_strategy = search;
SELECT count(*) FROM (SELECT id FROM owned WHERE kind = 4 AND tell(id) AND id < 100 ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 3) x;
-- a distance may tell by its errors: not before it is known whose row it is
EXPLAIN (COSTS OFF) SELECT id FROM owned WHERE v::vector(8) <-> '[1,1,1,1,1,1,1,1]' < 2 ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
RESET ROLE;
EXPLAIN (COSTS OFF) SELECT id FROM owned WHERE v::vector(8) <-> '[1,1,1,1,1,1,1,1]' < 2 ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
-- as many rows as there are
SET ROLE regress_vecdb_reader;
SET vecdb.filtered_scan_strategy = exact;
SELECT count(*), count(*) FILTER (WHERE owner = current_user) AS own FROM (SELECT * FROM owned ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 300) x;
SET vecdb.filtered_scan_strategy = search;
SELECT count(*), count(*) FILTER (WHERE owner = current_user) AS own FROM (SELECT * FROM owned ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 300) x;
EXPLAIN (COSTS OFF) SELECT id FROM barred WHERE tell(id) ORDER BY v::vector(8) <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
SELECT count(*) FROM barred WHERE v::vector(8) <-> '[1,1,1,1,1,1,1,1]' < 100;
RESET ROLE;
DROP VIEW barred;
DROP TABLE owned;
DROP FUNCTION tell, made;
DROP ROLE regress_vecdb_reader;
