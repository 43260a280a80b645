-- Orders of what grows, or falls, with a distance: as a sort has them.

SET client_min_messages = warning;
SET jit = off;
SET hnsw.ef_search = 1000;
SET ivf.probes = 32768;

CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233 + seed * i * 0.37)::real)::vector FROM generate_series(1, 8) i$$;

CREATE TABLE items (id int PRIMARY KEY, kind int, v vector(8));
INSERT INTO items SELECT i, i % 10, CASE WHEN i % 53 = 0 THEN NULL WHEN i % 47 = 0 THEN '[0,0,0,0,0,0,0,0]' ELSE made(i) END FROM generate_series(1, 900) i;
CREATE INDEX items_kind ON items (kind);
CREATE INDEX items_cosine ON items USING hnsw (v vector_cosine_ops);
CREATE INDEX items_l2 ON items USING ivf (v vector_l2_ops) WITH (quantizer = none);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (quantizer = none);
VACUUM ANALYZE items;

/* By which index a query in that order is executed, and what is wrong with it. */
CREATE FUNCTION ordered(what text, direction text, condition text DEFAULT 'true', lim text DEFAULT '40', strategy text DEFAULT 'auto') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    query text := format('SELECT id, %1$s AS d FROM items WHERE %2$s ORDER BY %1$s %3$s LIMIT %4$s', what, condition, direction, lim);
    q text := format('SELECT array_agg(round(d::numeric, 5)), array_agg(id) FROM (%s) x', query);
    a float8[]; b float8[]; ids int[]; plan jsonb; node jsonb;
BEGIN
    SET LOCAL enable_indexscan = off;
    EXECUTE q INTO a, ids;
    SET LOCAL enable_indexscan = on;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_sort = off;
    PERFORM set_config('vecdb.filtered_scan_strategy', strategy, true);
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    node := jsonb_path_query_first(plan, 'strict $.** ? (@."Index Name" like_regex "items_")');
    EXECUTE q INTO b, ids;
    RETURN CASE WHEN plan::text LIKE '%Sort%' OR node IS NULL THEN 'sorted' ELSE (node ->> 'Node Type') || ' ' || (node ->> 'Index Name') END ||
        CASE WHEN cardinality(b) IS DISTINCT FROM cardinality(a) THEN format(', but %s rows for %s', cardinality(b), cardinality(a))
        WHEN (SELECT count(DISTINCT id) FROM unnest(ids) id) <> cardinality(ids) THEN ', but rows twice'
        WHEN a <> b THEN format(', but %s for %s', b[1:30], a[1:30]) ELSE '' END;
END$$;

-- forms; distances that are NULL and NaN at either end
SELECT form, ordered(form, 'ASC'), ordered(form, 'DESC') AS descending FROM unnest(ARRAY[
    'v <=> made(5000)', '1 - (v <=> made(5000))', '1 + (v <=> made(5000))', '(v <=> made(5000)) - 1', '(v <=> made(5000)) * -1', '-(v <=> made(5000))', '-1 * -(v <=> made(5000))',
    '1 / (1 + (v <=> made(5000)))', '-2 / (1 + 3 * (v <=> made(5000)))', '(v <=> made(5000)) / 2', '(v <=> made(5000)) / -2', '(2 - (v <=> made(5000))) / 2',
    'cosine_distance(v, made(5000))', '1 - cosine_distance(made(5000), v)',
    'v <-> made(5000)', '1 / (1 + (v <-> made(5000)))', '1 - l2_distance(v, made(5000))', '100 * (1 - (made(5000) <-> v))',
    'v <#> made(5000)', '(v <#> made(5000)) * -1', '-(made(5000) <#> v)', '1 + (v <#> made(5000))']) form;
SELECT form, direction, ordered(form, direction) FROM unnest(ARRAY['1 - (v <=> made(5000))', '1 + (v <=> made(5000))', '1 / (1 + (v <-> made(5000)))', 'v <=> made(5000)']) form,
    unnest(ARRAY['ASC NULLS FIRST', 'DESC NULLS LAST', 'DESC NULLS FIRST']) direction;
-- to the last row
SELECT form, ordered(form, 'DESC', lim => '30 OFFSET 870'), ordered(form, 'DESC NULLS LAST', lim => '30 OFFSET 870') AS nulls_last
    FROM unnest(ARRAY['1 - (v <=> made(5000))', '1 / (1 + (v <-> made(5000)))', '-(v <#> made(5000))']) form;
-- over a bitmap
SELECT form, direction, strategy, ordered(form, direction, 'kind < 3', '200', strategy) FROM unnest(ARRAY['1 - (v <=> made(5000))', '1 + (v <=> made(5000))', '-(v <#> made(5000))']) form,
    unnest(ARRAY['ASC', 'DESC', 'DESC NULLS LAST', 'ASC NULLS FIRST']) direction, unnest(ARRAY['exact', 'search']) strategy;
-- what does not have the order of a distance, or not for sure
SELECT form, ordered(form, direction) FROM unnest(ARRAY['(v <=> made(5000)) * 0', '(v <=> made(5000)) * (v <=> made(5000))', 'abs((v <#> made(5000)))', '1 / (1 + (v <#> made(5000)))',
    '1 / ((v <=> made(5000)) - 0.0001)', 'id - (v <=> made(5000))', '(v <=> made(5000)) + random()', 'v <=> v', 'v <+> made(5000)', 'round((v <=> made(5000))::numeric, 2)']) form, unnest(ARRAY['ASC', 'DESC']) direction
    WHERE ordered(form, direction) !~ '^sorted' ;
SELECT ordered('1 / (1 + (v <#> made(5000)))', 'ASC'), ordered('(v <=> made(5000)) * 0', 'ASC');
-- vectors that have no distance to anything
SELECT q, form, ordered(format(form, q), 'DESC') FROM unnest(ARRAY['''[0,0,0,0,0,0,0,0]''']) q, unnest(ARRAY['1 - (v <=> %s)', '-(v <#> %s)']) form;

-- the plan; with further orders, and in a join
SET enable_seqscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id, 1 - (v <=> '[1,2,3,4,5,6,7,8]') AS similarity FROM items ORDER BY similarity DESC LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY 1 - (v <=> '[1,2,3,4,5,6,7,8]') DESC, id LIMIT 5;
EXPLAIN (COSTS OFF) SELECT q.id, n.id FROM (SELECT * FROM items WHERE id < 4 OFFSET 0) q, LATERAL (SELECT id FROM items ORDER BY 1 - (v <=> q.v) DESC NULLS LAST LIMIT 3) n;
SELECT count(*), count(*) FILTER (WHERE q.id = n.id) AS same FROM (SELECT * FROM items WHERE id < 40 OFFSET 0) q, LATERAL (SELECT id FROM items ORDER BY 1 / (1 + (v <-> q.v)) DESC NULLS LAST LIMIT 1) n;
-- a constant that planning does not know may be added, but not multiplied by
SET plan_cache_mode = force_generic_plan;
PREPARE plus(vector, float8) AS SELECT id FROM items ORDER BY $2 - (v <=> $1) DESC LIMIT 3;
PREPARE times(vector, float8) AS SELECT id FROM items ORDER BY $2 * (v <=> $1) LIMIT 3;
EXPLAIN (COSTS OFF) EXECUTE plus('[1,2,3,4,5,6,7,8]', 3);
RESET enable_seqscan;
RESET enable_sort;
EXPLAIN (COSTS OFF) EXECUTE times('[1,2,3,4,5,6,7,8]', 3);
RESET plan_cache_mode;
DEALLOCATE ALL;
SET enable_seqscan = off;
SET enable_sort = off;
-- of partitions
CREATE TABLE parted (id int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (400);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (400) TO (1000);
CREATE INDEX ON parted USING hnsw (v vector_cosine_ops);
INSERT INTO parted SELECT id, v FROM items;
EXPLAIN (COSTS OFF) SELECT id FROM parted ORDER BY 1 - (v <=> '[1,2,3,4,5,6,7,8]') DESC NULLS LAST LIMIT 5;
SELECT ARRAY(SELECT id FROM parted ORDER BY 1 - (v <=> made(5000)) DESC NULLS LAST LIMIT 20) = ARRAY(SELECT id FROM items ORDER BY 1 - (v <=> made(5000)) DESC NULLS LAST LIMIT 20) AS same;
-- a worker does not have the row of an outer query that an index scan is in order of
CREATE TABLE few AS SELECT id, v FROM items WHERE id < 40;
ANALYZE few, parted;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET enable_bitmapscan = off;
CREATE FUNCTION nearest_of_each(OUT scans int, OUT appends int, OUT rows int) LANGUAGE plpgsql AS $$
DECLARE
    query text := 'SELECT q.id, n.id FROM few q, LATERAL (SELECT p.v <=> q.v, p.id FROM parted p WHERE p.id <> 7 OR p.id IN (SELECT id FROM few) ORDER BY p.v <=> q.v LIMIT 3) n';
    line text;
BEGIN
    scans := 0;
    appends := 0;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        scans := scans + (line LIKE '%Index Scan%parted%')::int;
        appends := appends + (line LIKE '%Parallel Append%')::int;
    END LOOP;
    EXECUTE format('SELECT count(*) FROM (%s) x', query) INTO rows;
END$$;
SELECT * FROM nearest_of_each();
DROP FUNCTION nearest_of_each;
DROP TABLE few;
DROP TABLE parted;
DROP TABLE items;
DROP FUNCTION ordered, made;
