-- Filtered scans that try rows in the order of the index before they make a bitmap.

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET hnsw.ef_search = 40;
SET ivf.probes = 10;

-- rows along a line: what has a high place is far from its beginning
CREATE TABLE line (id int PRIMARY KEY, place int, other int, touched int DEFAULT 0, v vector(3)) WITH (fillfactor = 50);
INSERT INTO line SELECT i, i, i * 7919 % 6000, 0, ARRAY[i, sin(i), cos(i)]::real[]::vector FROM generate_series(1, 6000) i;
CREATE INDEX line_place ON line (place);
CREATE INDEX line_other ON line (other);
CREATE INDEX line_v ON line USING hnsw (v vector_l2_ops);
VACUUM ANALYZE line;

-- how a query is executed, whether rows were tried, and whether the rows are those of a sequential scan
CREATE FUNCTION streamed(query text) RETURNS TABLE (strategy text, tried bool, right_rows bool) LANGUAGE plpgsql AS $$
DECLARE plan jsonb; node jsonb; a int[]; b int[];
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT json) ' || query INTO plan;
    node := jsonb_path_query_first(plan, 'strict $.** ? (@."Custom Plan Provider" == "VecdbFilteredScan")');
    EXECUTE format('SELECT array_agg(id) FROM (%s) x', query) INTO a;
    SET LOCAL enable_indexscan = off;
    SET LOCAL vecdb.enable_filtered_scan = off;
    EXECUTE format('SELECT array_agg(id) FROM (%s) x', query) INTO b;
    SET LOCAL vecdb.enable_filtered_scan = on;
    SET LOCAL enable_indexscan = on;
    RETURN QUERY SELECT node ->> 'Strategy', (node ->> 'Rows Tried')::int > 0, a IS NOT DISTINCT FROM b;
END$$;

-- near the query, anywhere, and far from it; so few that the bitmap is cheaper from the beginning
SELECT c, s.* FROM unnest(ARRAY['place < 3000', 'other < 3000', 'place > 4000', 'place > 4000 AND other < 5000', 'place = 4000', 'place < 3000 AND id % 3 = 1']) c,
    streamed('SELECT id FROM line WHERE ' || c || ' ORDER BY v <-> ''[0,0,0]'' LIMIT 5') s;
-- more rows than a search finds at first; all that there are
SELECT right_rows FROM streamed('SELECT id FROM line WHERE place < 3000 ORDER BY v <-> ''[0,0,0]'' LIMIT 100') s;
SELECT right_rows FROM streamed('SELECT id FROM line WHERE place < 3000 ORDER BY v <-> ''[0,0,0]'' LIMIT 10 OFFSET 40') s;
SELECT s.* FROM streamed('SELECT id FROM line WHERE place < 3000 AND touched = 1 ORDER BY v <-> ''[0,0,0]'' LIMIT 10') s;
-- without a limit, or with a strategy, none is tried
SELECT count(*) FROM streamed('SELECT id FROM line WHERE place < 3000 ORDER BY v <-> ''[0,0,0]''') s WHERE tried;
SET vecdb.filtered_scan_strategy = search;
SELECT strategy, tried FROM streamed('SELECT id FROM line WHERE place < 3000 ORDER BY v <-> ''[0,0,0]'' LIMIT 5') s;
RESET vecdb.filtered_scan_strategy;
-- up to a distance; a descending order; expressions of the distance
SELECT s.* FROM streamed('SELECT id FROM line WHERE place < 3000 AND v <-> ''[0,0,0]'' < 8 ORDER BY v <-> ''[0,0,0]'' LIMIT 20') s;
SELECT s.* FROM streamed('SELECT id FROM line WHERE place < 3000 ORDER BY 1 / (1 + (v <-> ''[0,0,0]'')) DESC NULLS LAST LIMIT 5') s;

-- who asks for more than the limit says: a join that drops most of the rows
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT array_agg(id) FROM (SELECT a.id FROM line a JOIN line b ON b.id = a.id + 1 AND b.other % 4 = 0 WHERE a.place < 3000 ORDER BY a.v <-> '[0,0,0]' LIMIT 5) x;
SELECT array_agg(id) FROM (SELECT a.id FROM line a JOIN line b ON b.id = a.id + 1 AND b.other % 4 = 0 WHERE a.place + 0 < 3000 ORDER BY a.v <-> '[0,0,0]' LIMIT 5) x;
RESET enable_hashjoin;
RESET enable_mergejoin;
-- for each row of another table: tried anew for each, or the bitmap that is there
SELECT q.id, array_agg(n.id ORDER BY n.id) FROM (VALUES (100), (200), (5000), (300)) q(id), LATERAL (SELECT id FROM line WHERE place < 3000 ORDER BY v <-> ARRAY[q.id, 0, 0]::vector LIMIT 3) n GROUP BY 1 ORDER BY 1;
SELECT q.id, array_agg(n.id ORDER BY n.id) FROM (VALUES (100), (200), (5000), (300)) q(id), LATERAL (SELECT id FROM line WHERE place < q.id + 2 AND other > 10 ORDER BY v <-> ARRAY[q.id, 0, 0]::vector LIMIT 3) n GROUP BY 1 ORDER BY 1;

-- rows that were updated in place, and under the cursor that reads them
UPDATE line SET touched = 1 WHERE id < 20;
SELECT s.* FROM streamed('SELECT id FROM line WHERE place < 3000 ORDER BY v <-> ''[0,0,0]'' LIMIT 10') s;
BEGIN;
DECLARE c CURSOR FOR SELECT id, touched FROM line WHERE place < 3000 ORDER BY v <-> '[0,0,0]' LIMIT 4;
FETCH 1 FROM c;
UPDATE line SET touched = 2 WHERE id < 20;
DELETE FROM line WHERE id = 3;
FETCH ALL FROM c;
SELECT id, touched FROM line WHERE place < 3000 ORDER BY v <-> '[0,0,0]' LIMIT 4;
ROLLBACK;
BEGIN;
SELECT id FROM line WHERE place < 3000 ORDER BY v <-> '[0,0,0]' LIMIT 2 FOR UPDATE;
UPDATE line SET place = 10000 WHERE id IN (SELECT id FROM line WHERE place < 3000 ORDER BY v <-> '[0,0,0]' LIMIT 2);
SELECT id FROM line WHERE place < 3000 ORDER BY v <-> '[0,0,0]' LIMIT 2;
ROLLBACK;

-- what row security hides is tested for first, and not shown to other conditions
CREATE FUNCTION seen(int) RETURNS bool LANGUAGE plpgsql COST 1 AS $$BEGIN IF $1 % 2 = 0 THEN RAISE 'a hidden row was shown'; END IF; RETURN true; END$$;
CREATE ROLE stream_reader;
GRANT SELECT ON line TO stream_reader;
ALTER TABLE line ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON line USING (id % 2 = 1);
SET ROLE stream_reader;
SELECT id FROM line WHERE place < 3000 AND seen(id) ORDER BY v <-> '[0,0,0]' LIMIT 4;
RESET ROLE;
DROP POLICY odd ON line;
ALTER TABLE line DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON line FROM stream_reader;
DROP ROLE stream_reader;

-- The index tests the condition: its search yields to exact distances if what is near the
-- query does not meet it.
CREATE TABLE long (id int PRIMARY KEY, place int, other int, v vector(203));
INSERT INTO long SELECT i, i, i * 7919 % 20000, (ARRAY[i, sin(i), cos(i)] || array_fill(0.5, ARRAY[200]))::real[]::vector FROM generate_series(1, 20000) i ORDER BY md5(i::text);
CREATE INDEX long_place ON long (place);
CREATE INDEX long_other ON long (other);
CREATE INDEX long_v ON long USING hnsw (v vector_l2_ops, place, other);
VACUUM ANALYZE long;
SET hnsw.ef_search = 16;
CREATE VIEW query AS SELECT (ARRAY[0, 0, 0] || array_fill(0.5, ARRAY[200]))::real[]::vector AS v;
SELECT c, s.* FROM unnest(ARRAY['place < 200', 'other < 200', 'place > 19800', 'place < 200 AND id % 2 = 1', 'other < 10000', 'place = 4000']) c,
    streamed('SELECT id FROM long WHERE ' || c || ' ORDER BY v <-> (SELECT v FROM query) LIMIT 5') s;
SELECT right_rows FROM streamed('SELECT id FROM long WHERE place < 200 ORDER BY v <-> (SELECT v FROM query) LIMIT 100') s;
SELECT right_rows FROM streamed('SELECT id FROM long WHERE place < 200 ORDER BY v <-> (SELECT v FROM query) LIMIT 150 OFFSET 100') s;
-- who asks for more than the limit, when the search no longer may
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT array_agg(id) FROM (SELECT a.id FROM long a JOIN long b ON b.id = a.id + 1 AND b.other % 40 = 0 WHERE a.place < 200 ORDER BY a.v <-> (SELECT v FROM query) LIMIT 5) x;
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT q.id, array_agg(n.id ORDER BY n.id) FROM (VALUES (100), (190), (5000), (15000)) q(id), LATERAL (SELECT id FROM long WHERE place < 200 ORDER BY v <-> (ARRAY[q.id, 0, 0] || array_fill(0.5, ARRAY[200]))::real[]::vector LIMIT 3) n GROUP BY 1 ORDER BY 1;
RESET hnsw.ef_search;
DROP VIEW query;
DROP TABLE long;

-- the other access method
DROP INDEX line_v;
CREATE INDEX line_v ON line USING ivf (v vector_l2_ops) WITH (quantizer = none, lists = 40);
SELECT c, s.* FROM unnest(ARRAY['place < 3000', 'other < 3000', 'place > 4000', 'place = 4000']) c,
    streamed('SELECT id FROM line WHERE ' || c || ' ORDER BY v <-> ''[0,0,0]'' LIMIT 5') s;
DROP TABLE line;
DROP FUNCTION streamed, seen;
