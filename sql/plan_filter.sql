-- Filtered scans, over a bitmap of the table's conditions, against sequential scans.

SET client_min_messages = warning;
SET jit = off;
SET hnsw.ef_search = 1000;
SET ivf.probes = 32768;
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233 + seed * i * 0.37)::real)::vector FROM generate_series(1, 8) i$$;

-- NULLs and zero vectors, a few of each
CREATE TABLE items (id int PRIMARY KEY, kind int, tags int[], doc jsonb, place int, v vector(8));
INSERT INTO items SELECT i, i % 50, ARRAY[i % 7, i % 11], jsonb_build_object('a', i % 20), i,
    CASE WHEN i % 53 = 0 THEN NULL WHEN i % 47 = 0 THEN '[0,0,0,0,0,0,0,0]' ELSE made(i) END
    FROM generate_series(1, 900) i;
CREATE INDEX items_kind ON items (kind);
CREATE INDEX items_tags ON items USING gin (tags);
CREATE INDEX items_doc ON items USING gin (doc);
CREATE INDEX items_place ON items USING brin (place) WITH (pages_per_range = 1);
CREATE INDEX items_v ON items USING hnsw (v vector_cosine_ops);
VACUUM ANALYZE items;

-- what is executed of a query, of the filtered scans in it
CREATE FUNCTION executed(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT json) ' || query INTO plan;
    RETURN coalesce((SELECT string_agg(coalesce(node ->> 'Strategy', 'not executed') || CASE WHEN node ? 'Lossy Blocks' THEN ', lossy' ELSE '' END, ', ') FROM jsonb_path_query(plan, 'strict $.** ? (@."Custom Plan Provider" == "VecdbFilteredScan")') node), 'no filtered scan');
END$$;

-- what the filtered scan tells of it
CREATE FUNCTION counted(query text) RETURNS TABLE (strategy text, loops int, bitmap_loops int, rows_in_bitmap int, distances int, removed int) LANGUAGE plpgsql AS $$
DECLARE plan jsonb; node jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT json) ' || query INTO plan;
    node := jsonb_path_query_first(plan, 'strict $.** ? (@."Custom Plan Provider" == "VecdbFilteredScan")');
    RETURN QUERY SELECT node ->> 'Strategy', (node ->> 'Actual Loops')::int, (node #>> '{Plans,0,Actual Loops}')::int, (node ->> 'Rows in Bitmap')::int, (node ->> 'Distances Computed')::int, (node ->> 'Rows Removed by Filter')::int;
END$$;

/*
 * What a query of columns id and d returns by filtered scans of each strategy, if
 * not what it does without; and how these did it.  Rows that are as far away as others may be any.
 */
CREATE FUNCTION compared(query text) RETURNS TABLE (strategy text, difference text) LANGUAGE plpgsql AS $$
DECLARE
    q text := format('SELECT array_agg(round(d::numeric, 5)), array_agg(id) FROM (%s) x', query);
    a float8[]; b float8[]; ids int[]; other_ids int[];
BEGIN
    SET LOCAL vecdb.enable_filtered_scan = off;
    SET LOCAL enable_indexscan = off;
    EXECUTE q INTO a, ids;
    SET LOCAL vecdb.enable_filtered_scan = on;
    SET LOCAL enable_indexscan = on;
    FOR i IN 1..2 LOOP
        PERFORM set_config('vecdb.filtered_scan_strategy', CASE i WHEN 1 THEN 'exact' ELSE 'search' END, true);
        EXECUTE q INTO b, other_ids;
        difference := CASE WHEN cardinality(b) IS DISTINCT FROM cardinality(a) THEN format('%s rows for %s', cardinality(b), cardinality(a))
            WHEN a <> b THEN format('distances %s for %s', b[1:10], a[1:10])
            WHEN query !~ 'LIMIT' AND NOT ids @> other_ids THEN 'other rows'
            WHEN (SELECT count(DISTINCT id) FROM unnest(other_ids) id) <> cardinality(other_ids) THEN 'rows twice' END;
        strategy := executed(query);
        RETURN NEXT;
    END LOOP;
    SET LOCAL vecdb.filtered_scan_strategy = auto;
END$$;

-- every kind of index, alone and with others
SELECT c, x.* FROM unnest(ARRAY['kind = 7', 'kind < 5', 'kind IN (3, 4)', 'kind <> 4 AND kind > 30', 'tags @> ''{3}''', 'tags && ''{3,4}''', 'doc @> ''{"a": 3}''', 'place < 300',
    'kind = 7 OR tags @> ''{5,6}''', 'kind < 20 AND tags @> ''{5}''', 'kind < 20 AND id % 2 = 0', 'kind = 7 AND v IS NULL', 'kind = 1000', 'id IN (1, 2, 3, 4)']) c,
    compared('SELECT id, v <=> made(5000) AS d FROM items WHERE ' || c || ' ORDER BY v <=> made(5000) LIMIT 5') x;

-- all rows, those without a distance last
SELECT c, x.* FROM unnest(ARRAY['kind < 10', 'tags @> ''{3}''']) c, compared('SELECT id, v <=> made(5000) AS d FROM items WHERE ' || c || ' ORDER BY v <=> made(5000)') x WHERE difference IS NOT NULL;
SELECT x.* FROM compared('SELECT id, v <=> made(5000) AS d FROM items WHERE kind < 20 ORDER BY v <=> made(5000) LIMIT 10 OFFSET 40') x;
-- what has no distance to anything
SELECT q, x.* FROM unnest(ARRAY['''[0,0,0,0,0,0,0,0]''', 'NULL']) q, compared(format('SELECT id, v <=> %s::vector AS d FROM items WHERE kind < 10 ORDER BY v <=> %1$s::vector LIMIT 30', q)) x;

-- the plan; more orders than one
SET vecdb.filtered_scan_strategy = exact;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE kind = 7 OR tags @> '{5,6}' ORDER BY v <=> '[1,2,3,4,5,6,7,8]', id LIMIT 5;
SELECT * FROM counted('SELECT id FROM items WHERE kind = 7 AND id > 100 ORDER BY v <=> ''[1,2,3,4,5,6,7,8]'' LIMIT 5');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
-- no bitmap, or none that is wanted
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE id % 7 = 3 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
RESET enable_bitmapscan;
SET vecdb.enable_filtered_scan = off;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
RESET vecdb.enable_filtered_scan;
-- what must be evaluated once for each row
SELECT executed('SELECT id FROM items WHERE kind = 7 AND random() < 2 ORDER BY v <=> ''[1,2,3,4,5,6,7,8]'' LIMIT 5');
-- a row's other columns, and those that PostgreSQL gives it
SELECT items.* IS NOT NULL AS whole, ctid IS NOT NULL AS placed, tableoid::regclass FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 2;
-- conditions that are subqueries, or of the query and not of rows
SELECT x.* FROM compared('SELECT id, v <=> made(5000) AS d FROM items i WHERE kind < 10 AND EXISTS (SELECT FROM items o WHERE o.id = i.id + 1 OFFSET 0) ORDER BY v <=> made(5000) LIMIT 5') x;
SELECT x.* FROM compared('SELECT id, v <=> made(5000) AS d FROM items WHERE kind = (SELECT min(kind) FROM items WHERE id > 10) AND id NOT IN (SELECT place FROM items WHERE place < 200) ORDER BY v <=> made(5000) LIMIT 5') x;
SELECT x.* FROM compared('SELECT id, v <=> made(5000) AS d FROM items WHERE kind < 10 AND current_setting(''vecdb.simd'') <> '''' ORDER BY v <=> made(5000) LIMIT 5') x;
SET vecdb.filtered_scan_strategy = exact;
EXPLAIN (COSTS OFF) SELECT id, (SELECT count(*) FROM items o WHERE o.id < items.id) AS n FROM items WHERE kind < 10 AND current_setting('vecdb.simd') <> '' ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;

-- of two indexes that PostgreSQL combines to read fewer pages, the one that is enough
CREATE TABLE wide (id int, few int, many int, pad text, v vector(8));
ALTER TABLE wide ALTER pad SET STORAGE plain;
INSERT INTO wide SELECT i, i * 31 % 50, i * 17 % 7, repeat('x', 1500), made(i) FROM generate_series(1, 4000) i;
CREATE INDEX wide_few ON wide (few);
CREATE INDEX wide_many ON wide (many);
CREATE INDEX wide_v ON wide USING hnsw (v vector_cosine_ops);
VACUUM ANALYZE wide;
SET vecdb.filtered_scan_strategy = exact;
EXPLAIN (COSTS OFF) SELECT id FROM wide WHERE few = 7 AND many < 4 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
SET vecdb.enable_filtered_scan = off;
SET enable_indexscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM wide WHERE few = 7 AND many < 4 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
RESET enable_indexscan;
RESET vecdb.enable_filtered_scan;
RESET vecdb.filtered_scan_strategy;
SELECT x.* FROM compared('SELECT id, v <=> made(5000) AS d FROM wide WHERE few = 7 AND many < 4 ORDER BY v <=> made(5000) LIMIT 5') x;
SELECT x.* FROM compared('SELECT id, v <=> made(5000) AS d FROM wide WHERE few = 7 AND many = 3 ORDER BY v <=> made(5000) LIMIT 100') x;
DROP TABLE wide;
SET vecdb.filtered_scan_strategy = exact;

-- joins; for each row of another table, with conditions of that row, and without
SELECT x.* FROM compared('SELECT i.id, i.v <=> made(5000) AS d FROM items i JOIN items o ON o.id = i.id + 1 WHERE i.kind < 10 AND o.kind > 5 ORDER BY i.v <=> made(5000) LIMIT 5') x;
SELECT x.* FROM compared('SELECT q.id * 1000 + n.id AS id, n.d FROM (SELECT * FROM items WHERE id < 30) q, LATERAL (SELECT id, v <=> q.v AS d FROM items WHERE kind = q.kind ORDER BY v <=> q.v LIMIT 3) n ORDER BY q.id, n.d LIMIT 1000') x;
SELECT x.* FROM compared('SELECT q.id * 1000 + n.id AS id, n.d FROM (SELECT * FROM items WHERE id < 30) q, LATERAL (SELECT id, v <=> q.v AS d FROM items WHERE kind = 7 ORDER BY v <=> q.v LIMIT 3) n ORDER BY q.id, n.d LIMIT 1000') x;
SET vecdb.filtered_scan_strategy = exact;
-- the bitmap is made once
SELECT * FROM counted('SELECT q.id, n.id FROM (SELECT * FROM items WHERE id < 10 OFFSET 0) q, LATERAL (SELECT id FROM items WHERE kind = 7 ORDER BY v <=> q.v LIMIT 3) n');

-- prepared for any values
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(vector, int) AS SELECT id FROM items WHERE kind = $2 ORDER BY v <=> $1 LIMIT 3;
EXPLAIN (COSTS OFF) EXECUTE nearest('[1,2,3,4,5,6,7,8]', 7);
CREATE TABLE prepared AS EXECUTE nearest('[1,2,3,4,5,6,7,8]', 7);
SELECT array_agg(id) = ARRAY(SELECT id FROM items WHERE kind + 0 = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 3) AS same FROM prepared;
EXECUTE nearest('[1,2,3,4,5,6,7,8]', NULL);
DEALLOCATE nearest;
RESET plan_cache_mode;
DROP TABLE prepared;

-- cursors, backward where they may; what is changed under them
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]';
MOVE 5 FROM c;
FETCH 1 FROM c \gset fifth_
UPDATE items SET kind = 8 WHERE kind = 7;
INSERT INTO items VALUES (2000, 7, '{}', '{}', 2000, '[1,2,3,4,5,6,7,8]');
MOVE ALL FROM c;
MOVE ABSOLUTE 6 FROM c;
FETCH RELATIVE 0 FROM c \gset again_
SELECT :fifth_id = :again_id AS same;
SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]';
ROLLBACK;

-- to be locked, updated and deleted
BEGIN;
SELECT count(*) FROM (SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 3 FOR UPDATE) x;
UPDATE items SET kind = 1000 WHERE id IN (SELECT id FROM items WHERE kind = 7 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 3);
SELECT count(*) FROM items WHERE kind = 1000;
DELETE FROM items WHERE ctid IN (SELECT ctid FROM items WHERE kind = 1000 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 2);
SELECT count(*) FROM items WHERE kind = 1000;
COMMIT;

-- rows that were updated in place, and not
UPDATE items SET place = place + 1 WHERE id % 3 = 0;
UPDATE items SET kind = kind + 1 WHERE id % 5 = 0;
DELETE FROM items WHERE id % 13 = 0;
SELECT c, x.* FROM unnest(ARRAY['kind = 7', 'kind < 25', 'place < 300']) c, compared('SELECT id, v <=> made(5000) AS d FROM items WHERE ' || c || ' ORDER BY v <=> made(5000) LIMIT 20') x;
VACUUM items;
SELECT c, x.* FROM unnest(ARRAY['kind = 7', 'kind < 25', 'place < 300']) c, compared('SELECT id, v <=> made(5000) AS d FROM items WHERE ' || c || ' ORDER BY v <=> made(5000) LIMIT 20') x;

-- the other access methods
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v vector_cosine_ops) WITH (quantizer = none);
SELECT c, x.* FROM unnest(ARRAY['kind = 7', 'kind < 25']) c, compared('SELECT id, v <=> made(5000) AS d FROM items WHERE ' || c || ' ORDER BY v <=> made(5000) LIMIT 20') x;
DROP INDEX items_v;
-- partial, and over an expression
CREATE INDEX items_v ON items USING hnsw ((v::halfvec(8)) halfvec_l2_ops) WHERE id > 100;
SELECT c, x.* FROM unnest(ARRAY['kind = 7 AND id > 200', 'kind < 25 AND id > 100']) c, compared('SELECT id, v::halfvec(8) <-> made(5000)::halfvec AS d FROM items WHERE ' || c || ' ORDER BY v::halfvec(8) <-> made(5000)::halfvec LIMIT 20') x;
DROP TABLE items;

-- partitions, and inheritance
CREATE TABLE parted (id int, kind int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (400);
CREATE TABLE parted_2 (v vector(8), id int, gone int, kind int);
ALTER TABLE parted_2 DROP gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (400) TO (1000);
INSERT INTO parted SELECT i, i % 20, made(i) FROM generate_series(1, 900) i;
CREATE INDEX ON parted (kind);
CREATE INDEX ON parted USING hnsw (v vector_l2_ops);
ANALYZE parted;
SELECT x.* FROM compared('SELECT id, v <-> made(5000) AS d FROM parted WHERE kind < 3 ORDER BY v <-> made(5000) LIMIT 20') x;
SELECT x.* FROM compared('SELECT id, v <-> made(5000) AS d FROM (SELECT id, kind, v FROM parted_1 UNION ALL SELECT id, kind, v FROM parted_2) x WHERE kind < 3 ORDER BY v <-> made(5000) LIMIT 20') x;
SET vecdb.filtered_scan_strategy = exact;
EXPLAIN (COSTS OFF) SELECT id FROM parted WHERE kind = 3 ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT 20;
DROP TABLE parted;

-- a bitmap that has no room for rows, but for pages
CREATE TABLE wide (id int, kind int, v vector(8), filler text) WITH (fillfactor = 10);
INSERT INTO wide SELECT i, i % 5, made(i), repeat('x', 300) FROM generate_series(1, 6000) i;
CREATE INDEX ON wide (kind);
CREATE INDEX ON wide USING hnsw (v vector_l2_ops);
VACUUM ANALYZE wide;
SET work_mem = '64kB';
SELECT x.* FROM compared('SELECT id, v <-> made(5000) AS d FROM wide WHERE kind = 3 ORDER BY v <-> made(5000) LIMIT 20') x;
RESET work_mem;
DROP TABLE wide;

-- by what it costs: of few long rows the distances, of more a search, which sorts no more than these
RESET vecdb.filtered_scan_strategy;
SET hnsw.ef_search = 40;
CREATE TABLE long (place int, v vector(768));
INSERT INTO long SELECT i * 1237 % 5000, (made(i)::real[] || array_fill(0::real, ARRAY[760]))::vector FROM generate_series(1, 5000) i;
CREATE INDEX long_place ON long (place);
CREATE INDEX long_v ON long USING hnsw (v vector_l2_ops);
VACUUM ANALYZE long;
SELECT n, executed(format('SELECT place FROM long WHERE place < %s ORDER BY v <-> (SELECT v FROM long WHERE place = 2500) LIMIT 10', n)) FROM unnest(ARRAY[20, 50, 300]) n;
DROP TABLE long;
DROP FUNCTION compared, counted, executed, made;
