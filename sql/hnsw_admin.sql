-- vecdb_index_info, vecdb_index_check and vecdb_recall of hnsw indexes.
SET client_min_messages = warning;
SET hnsw.ef_search = 100;

CREATE FUNCTION made(seed int, dim int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
$$SELECT array_agg((sin(seed * 12.9898::float8 + i * 78.233::float8) + sin(seed * i * 0.731::float8 + seed % 17 * i))::real)
  FROM generate_series(1, dim) i$$;

-- what is wrong with an index, compared with its table, too
CREATE FUNCTION wrong(index regclass) RETURNS SETOF text LANGUAGE sql AS
$$SELECT format('%s: block %s: %s', index, block, problem) FROM vecdb_index_check(index, true)$$;

-- nothing in it
CREATE TABLE items (id int, v vector(8));
CREATE INDEX items_l2 ON items USING hnsw (v vector_l2_ops);
CREATE INDEX items_cosine ON items USING hnsw (v vector_cosine_ops) WITH (m = 5, ef_construction = 30, quantizer = sq8);
CREATE INDEX items_l1 ON items USING hnsw (v vector_l1_ops) WITH (m = 8);
CREATE VIEW indexes AS SELECT * FROM (VALUES ('items_l2'::regclass), ('items_cosine'), ('items_l1')) AS i(i), vecdb_index_info(i);
SELECT method, quantizer, dimensions, metric, rows, zero_rows, null_rows, free_pages, pages > 1 AS pages, bytes = pages * current_setting('block_size')::int AS bytes, bytes_per_row,
       m, ef_construction, nodes, dead_nodes, buckets, entries, edges, average_degree, unreachable
FROM indexes;
SELECT lists, empty_lists, smallest_list, average_list, largest_list, imbalance, drift, loose_entries, empty_lanes, retired_lists, retired_pages, version,
       probes_90, probes_95, probes_99
FROM vecdb_index_info('items_l2');
SELECT wrong(i) FROM indexes;
SELECT vecdb_recall('items_l2');

-- rows, zeroes and nulls, and many of the same vector
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(1, 600) i;
INSERT INTO items SELECT i, CASE WHEN i % 2 = 0 THEN array_fill(0, ARRAY[8])::vector END FROM generate_series(601, 620) i;
INSERT INTO items SELECT i, made(1, 8) FROM generate_series(621, 820) i;
CREATE VIEW counts AS SELECT i, rows, zero_rows, null_rows, nodes, dead_nodes, buckets > 1 AS buckets, free_slots > 0 AS free, entries BETWEEN 1 AND nodes AS entries,
       edges >= nodes AS edges, average_degree BETWEEN 1 AND 2 * m AS degree, unreachable FROM indexes;
SELECT * FROM counts;
SELECT wrong(i) FROM indexes;
REINDEX TABLE items;
SELECT * FROM counts;
SELECT wrong(i) FROM indexes;
SELECT i, vecdb_recall(i, 100, 5) > 0.95 AS recall FROM indexes;

-- deletes, and what vacuum makes of them
DELETE FROM items WHERE id % 3 <> 0;
SELECT i, rows, nodes FROM indexes;
SELECT wrong(i) FROM indexes;
VACUUM items;
SELECT i, rows BETWEEN 273 AND 820 AS rows, zero_rows <= 10 AS zeroes, null_rows <= 10 AS nulls, nodes BETWEEN 201 AND 601 AS nodes, dead_nodes, unreachable FROM indexes;
SELECT wrong(i) FROM indexes;
SELECT i, vecdb_recall(i, 100, 5) > 0.9 AS recall FROM indexes;

-- all that share a node but one, and the one that was there first
DELETE FROM items WHERE id BETWEEN 621 AND 800 OR id > 810;
VACUUM items;
SELECT wrong(i) FROM indexes;
SET enable_seqscan = off;
SELECT id FROM items WHERE v = made(1, 8)::vector ORDER BY id;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> made(1, 8)::vector LIMIT 3) x WHERE id > 600;
RESET enable_seqscan;

-- slots are used again
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(1000, 1299) i;
SELECT i, nodes BETWEEN 501 AND 901 AS nodes, unreachable FROM indexes;
SELECT wrong(i) FROM indexes;
UPDATE items SET v = made(id + 7, 8) WHERE id % 2 = 0;
UPDATE items SET id = -id;
VACUUM items;
SELECT wrong(i) FROM indexes;

-- nothing is left, and something comes again
DELETE FROM items;
VACUUM items;
SELECT i, rows < 2000 AS rows, zero_rows <= nodes + 10 AS zeroes, dead_nodes, entries <= nodes AS entries, unreachable FROM indexes;
SELECT wrong(i) FROM indexes;
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(1, 300) i;
SELECT i, rows >= 300 AS rows, nodes >= 300 AS nodes, unreachable FROM indexes;
SELECT wrong(i) FROM indexes;

-- an expression, a predicate, and other types
CREATE TABLE kinds (id int, b bit(64), h halfvec(30), s sparsevec(40), a real[]);
INSERT INTO kinds SELECT i, (SELECT string_agg((x > 0)::int::text, '')::bit(64) FROM unnest(made(i, 64)) x), made(i, 30)::halfvec,
       (array_fill(0, ARRAY[i % 20]) || made(i, 20) || array_fill(0, ARRAY[20 - i % 20]))::vector::sparsevec, made(i, 12) FROM generate_series(1, 400) i;
CREATE INDEX ON kinds USING hnsw (b bit_hamming_ops);
CREATE INDEX ON kinds USING hnsw (b bit_jaccard_ops) WHERE id % 3 > 0;
CREATE INDEX ON kinds USING hnsw (h halfvec_ip_ops);
CREATE INDEX ON kinds USING hnsw (h halfvec_l2_ops) WITH (quantizer = none);
CREATE INDEX ON kinds USING hnsw (s sparsevec_cosine_ops);
CREATE INDEX ON kinds USING hnsw ((a::vector(12)) vector_l2_ops) WHERE id % 3 > 0;
DELETE FROM kinds WHERE id % 4 = 1;
UPDATE kinds SET h = made(id + 5, 30)::halfvec WHERE id % 4 = 2;
VACUUM kinds;
SELECT count(*), bool_and(rows BETWEEN 190 AND 520) AS rows, sum(unreachable) AS unreachable, sum(dead_nodes) AS dead FROM pg_index, vecdb_index_info(indexrelid) WHERE indrelid = 'kinds'::regclass;
SELECT wrong(indexrelid) FROM pg_index WHERE indrelid = 'kinds'::regclass;
SELECT bool_and(vecdb_recall(indexrelid, 30) > 0.8) AS recall FROM pg_index WHERE indrelid = 'kinds'::regclass;

DROP VIEW counts, indexes;
DROP TABLE items, kinds;
DROP FUNCTION wrong, made;
