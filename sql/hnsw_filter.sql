-- Searches for what filter columns let pass.
SET client_min_messages = warning;
SET enable_seqscan = off;
-- vectors in 20 clusters, the same each time
CREATE FUNCTION made(seed int, dim int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
$$SELECT array_agg((sin((seed % 20) * 12.9898::float8 + i * 78.233::float8) +
                    0.4 * sin(seed * 7.77::float8 + i * 3.1::float8 + seed * i * 0.37::float8))::real)
  FROM generate_series(1, dim) i$$;
CREATE TABLE items (id int, v vector(8), tenant int, day date, label text, tags int[]);
INSERT INTO items SELECT i, made(i, 8)::vector, i * 7919 % 1000, date '2024-01-01' + i % 20,
    'label ' || i % 7, ARRAY[i % 11, i % 13] FROM generate_series(1, 4000) i;
-- many rows with one vector, rows without one, and with no value in other columns
INSERT INTO items SELECT i, made(77, 8)::vector, i % 500, date '2025-01-01' + i % 10, NULL, '{}'
    FROM generate_series(4001, 4600) i;
INSERT INTO items SELECT i, NULL, i % 10, NULL, 'none', NULL FROM generate_series(4601, 4640) i;
CREATE INDEX items_graph ON items USING hnsw (v vector_l2_ops, tenant, day, label, tags);
ANALYZE items;

-- What is wrong with the rows that the index gives, beside those of a sequential scan.
CREATE FUNCTION wrong(condition text, how_many int DEFAULT NULL, query real[] DEFAULT made(7, 8))
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    body text := format('(SELECT array_agg(id) ids, array_agg(d) ds FROM (SELECT id, v <-> %L::vector d
        FROM items WHERE %s ORDER BY v <-> %L::vector LIMIT %s) x)', query::vector, condition, query::vector, how_many);
    found record;
    right_ record;
BEGIN
    IF how_many IS NULL THEN body := replace(body, 'LIMIT', ''); END IF;
    EXECUTE body INTO found;
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true);
    EXECUTE body INTO right_;
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true);
    IF coalesce(cardinality(found.ids), 0) <> coalesce(cardinality(right_.ids), 0) THEN
        RETURN format('%s rows, not %s', cardinality(found.ids), cardinality(right_.ids));
    ELSIF how_many IS NULL AND array(SELECT unnest(found.ds) ORDER BY 1) <> array(SELECT unnest(right_.ds) ORDER BY 1)
        OR how_many IS NOT NULL AND found.ds IS DISTINCT FROM right_.ds THEN
        RETURN 'other distances';
    ELSIF (SELECT count(DISTINCT i) FROM unnest(found.ids) i) <> coalesce(cardinality(found.ids), 0) THEN
        RETURN 'a row twice';
    ELSIF how_many IS NULL AND NOT (found.ids <@ right_.ids AND found.ids @> right_.ids) THEN
        RETURN 'other rows';
    END IF;
    RETURN NULL;
END$$;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE tenant = 7 ORDER BY v <-> made(7, 8)::vector LIMIT 10;
CREATE TABLE conditions (condition text);
INSERT INTO conditions VALUES ('true'), ('tenant = 7'), ('tenant = 100000'), ('tenant < 500'), ('tenant BETWEEN 10 AND 19'),
    ('tenant IN (1, 2, 3, 999)'), ('tenant IS NULL'), ('tenant IS NOT NULL'), ('tenant > 5 AND tenant < 3'),
    ('tenant = NULL'), ('day = ''2024-01-08'''), ('day <> ''2024-01-08'''), ('day >= ''2025-01-01'''),
    ('day IS NULL'), ('day < ''2024-01-03'' AND tenant < 100'), ('label = ''label 3'''), ('label = ''none'''),
    ('label IS NULL AND tenant = 3'), ('label = ANY (''{label 1,label 2}'')'), ('tags && ''{3}'''), ('tags @> ''{3,4}'''),
    ('tags @> ''{}'' AND day > ''2025-01-05'''), ('tags IS NULL'), ('tenant = 8 OR tenant = 9'),
    ('tenant = 10 AND label = ''label 5'' AND tags && ''{1,2,3,4}'''), ('id % 2 = 0 AND tenant < 50');

-- all rows, and the nearest in order, when a search is as wide as may be
SET hnsw.ef_search = 1000;
SELECT * FROM (SELECT condition, wrong(condition) FROM conditions) x WHERE wrong IS NOT NULL;
SELECT * FROM (SELECT condition, wrong(condition, 10) FROM conditions) x WHERE wrong IS NOT NULL;
-- near many rows that are one node, and far from everything
SELECT * FROM (SELECT condition, wrong(condition, 10, made(77, 8)) FROM conditions) x WHERE wrong IS NOT NULL;
SELECT * FROM (SELECT condition, wrong(condition, 50, array_fill(100::real, '{8}')) FROM conditions) x WHERE wrong IS NOT NULL;
-- all the rows, however narrow
SET hnsw.ef_search = 1;
SELECT * FROM (SELECT condition, wrong(condition) FROM conditions) x WHERE wrong NOT IN ('other distances');
SELECT * FROM (SELECT condition, wrong(condition, 10) FROM conditions) x WHERE wrong NOT IN ('other distances');
SET hnsw.scan_mem_multiplier = 1;
SELECT * FROM (SELECT condition, wrong(condition, 2000) FROM conditions) x WHERE wrong NOT IN ('other distances');
RESET hnsw.scan_mem_multiplier;
RESET hnsw.ef_search;

-- by default: of the nearest 10, for 20 queries, found; rows near it, anywhere, and far from it
CREATE FUNCTION recall(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    body text := 'SELECT array(SELECT (v <-> $1)::numeric(12, 6) FROM items WHERE v IS NOT NULL AND ' || condition || ' ORDER BY v <-> $1 LIMIT 10)';
    found numeric[];
    nearest numeric[];
    hits int := 0;
    wanted int := 0;
BEGIN
    FOR q IN 1..20 LOOP
        EXECUTE replace(body, '$2', q::text) INTO found USING made(q + 20000, 8)::vector;
        PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true);
        EXECUTE replace(body, '$2', q::text) INTO nearest USING made(q + 20000, 8)::vector;
        PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true);
        wanted := wanted + cardinality(nearest);
        hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= nearest[cardinality(nearest)]);
    END LOOP;
    RETURN hits::numeric / wanted;
END$$;
SELECT recall(condition) > 0.8 AS found FROM unnest(ARRAY['tenant < 500', 'tenant < 100', 'tenant < 10', 'tenant = 3',
    'day = date ''2024-01-01'' + $2 % 20', 'day <= date ''2024-01-01'' + $2 % 20', 'day <> date ''2024-01-01'' + $2 % 20',
    'day = date ''2024-01-01'' + ($2 + 10) % 20', 'day = date ''2024-01-01'' + ($2 + 7) % 20 AND tenant < 300']) condition;

-- what was tested
SELECT count(*) FROM (SELECT id FROM items WHERE tenant < 500 ORDER BY v <-> made(7, 8)::vector LIMIT 10) x;
SELECT index, tested >= 10 AS tested, passed >= 10 AS passed, rows >= 10 AS rows FROM vecdb_last_scan();
SELECT count(*) FROM (SELECT id FROM items WHERE tenant = 7 ORDER BY v <-> made(7, 8)::vector) x;
SELECT index, tested >= 4000 AS tested, passed < 700 AS passed, sweeps > 0 AS sweeps FROM vecdb_last_scan();
SELECT count(*) FROM (SELECT id FROM items WHERE tenant < 3 AND tenant > 5 ORDER BY v <-> made(7, 8)::vector) x;
SELECT index, nodes, tested, passed, bridged FROM vecdb_last_scan();
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> made(7, 8)::vector LIMIT 10) x;
SELECT index, tested, passed, bridged FROM vecdb_last_scan();

-- another filter, or none, each time that a scan begins anew
SELECT t, array_length(ids, 1), right_ FROM generate_series(0, 8) t,
    LATERAL (SELECT array_agg(id) AS ids, bool_and(tenant = t) AS right_ FROM (SELECT id, tenant FROM items WHERE tenant = t ORDER BY v <-> made(t, 8)::vector LIMIT 3) x) y;
SELECT q.n, x.n FROM (VALUES (1, NULL::int), (2, 7), (3, 8)) q(n, tenant), LATERAL (SELECT count(*) AS n FROM (SELECT FROM items WHERE tenant = q.tenant ORDER BY v <-> made(7, 8)::vector LIMIT 5) x) x;

-- no direction at all: rows in any order
SELECT count(*) FROM (SELECT id FROM items WHERE tenant = 7 ORDER BY v <-> NULL) x;
SELECT count(*) FROM (SELECT id FROM items WHERE tenant = 7 ORDER BY v <-> '[1e30,0,0,0,0,0,0,0]') x;
SELECT count(*) FROM items WHERE tenant = 7;
SELECT vecdb_index_check('items_graph', true);

-- after changes: rows of a node with many go one by one
DELETE FROM items WHERE id BETWEEN 4001 AND 4300 OR id % 3 = 0;
VACUUM items;
UPDATE items SET tenant = tenant + 1 WHERE id % 5 = 0;
SET hnsw.ef_search = 1000;
SELECT * FROM (SELECT condition, wrong(condition) FROM conditions) x WHERE wrong IS NOT NULL;
SELECT * FROM (SELECT condition, wrong(condition, 10, made(77, 8)) FROM conditions) x WHERE wrong IS NOT NULL;
RESET hnsw.ef_search;

-- zero vectors under cosine, and NULLs, come last, if they pass
DROP INDEX items_graph;
INSERT INTO items SELECT i, '[0,0,0,0,0,0,0,0]', i % 4, '2026-01-01', 'zero', '{1}' FROM generate_series(5001, 5020) i;
CREATE INDEX items_graph ON items USING hnsw (v vector_cosine_ops, tenant, label);
SELECT label, count(*) FROM (SELECT label FROM items WHERE label IN ('zero', 'none', 'label 3') AND tenant = 3 ORDER BY v <=> made(7, 8)::vector) x GROUP BY label ORDER BY label;
SELECT label, count(*) FROM items WHERE label IN ('zero', 'none', 'label 3') AND tenant = 3 GROUP BY label ORDER BY label;

-- a metric whose entries have no codes
DROP INDEX items_graph;
CREATE INDEX items_graph ON items USING hnsw (v vector_l1_ops, tenant);
SELECT bool_and(tenant = 7), count(*) FROM (SELECT tenant FROM items WHERE tenant = 7 AND v IS NOT NULL ORDER BY v <+> made(7, 8)::vector LIMIT 3) x;
SELECT bool_and(tenant < 500), count(*) FROM (SELECT tenant FROM items WHERE tenant < 500 ORDER BY v <+> made(7, 8)::vector LIMIT 30) x;
DROP TABLE items, conditions;
DROP FUNCTION made, wrong, recall;
