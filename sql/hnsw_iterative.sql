-- Scans of hnsw indexes that are asked for more rows than they look for at once.

SET client_min_messages = warning;
SET jit = off;

CREATE FUNCTION made(seed int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real) FROM generate_series(1, d) i$$;
CREATE TABLE items (id int, kind int, v vector(8));
INSERT INTO items SELECT i, i % 100, made(i, 8)::vector FROM generate_series(1, 3000) i;
INSERT INTO items SELECT i, 100, NULL FROM generate_series(3001, 3020) i;
CREATE INDEX items_l2 ON items USING hnsw (v vector_l2_ops);
CREATE INDEX items_l1 ON items USING hnsw (v vector_l1_ops);
CREATE INDEX items_cosine ON items USING hnsw (v vector_cosine_ops) WITH (quantizer = none);
CREATE INDEX items_ip ON items USING hnsw (v vector_ip_ops) WITH (quantizer = sq8);
SET enable_seqscan = off;
SET enable_sort = off;

/*
 * What the scan returns: rows, different rows, NULLs among them, whether these
 * come last, whether the others are in order, and how many of the ten nearest
 * are among the first ten.
 */
CREATE FUNCTION scanned(op text, query text DEFAULT made(7, 8)::vector::text, lim text DEFAULT 'ALL', filter text DEFAULT 'true', ef text DEFAULT current_setting('hnsw.ef_search'))
    RETURNS TABLE (rows bigint, different bigint, nulls bigint, nulls_last boolean, in_order boolean, nearest bigint) LANGUAGE plpgsql AS $$
DECLARE
    ids int[]; ds float8[]; best float8[];
BEGIN
    PERFORM set_config('hnsw.ef_search', ef, true);
    SET LOCAL enable_sort = on;
    SET LOCAL enable_indexscan = off;
    EXECUTE format('SELECT array_agg(d) FROM (SELECT v %1$s %2$L AS d FROM items WHERE %3$s AND v IS NOT NULL ORDER BY 1 LIMIT 10) x', op, query, filter) INTO best;
    SET LOCAL enable_sort = off;
    SET LOCAL enable_indexscan = on;
    EXECUTE format('SELECT array_agg(id), array_agg(d) FROM (SELECT id, v %1$s %2$L AS d FROM items WHERE %3$s ORDER BY v %1$s %2$L LIMIT %4$s) x', op, query, filter, lim) INTO ids, ds;
    RETURN QUERY SELECT count(*), count(DISTINCT i), count(*) FILTER (WHERE d IS NULL),
        coalesce(min(n) FILTER (WHERE d IS NULL) > max(n) FILTER (WHERE d IS NOT NULL), true),
        bool_and(d >= previous - 1e-6 OR d IS NULL), count(*) FILTER (WHERE n <= 10 AND d <= best[least(10, cardinality(best))] + 1e-6)
        FROM (SELECT i, d, n, lag(d, 1, '-infinity'::float8) OVER (ORDER BY n) AS previous FROM unnest(ids, ds) WITH ORDINALITY AS t(i, d, n)) x;
END$$;

-- all rows, each once, whatever the width of the search
SELECT op, ef, s.rows, different, nulls, nulls_last, nearest >= least(7, ef::int) AS good
FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, unnest(ARRAY['1', '10', '100', '1000']) ef, scanned(op, ef => ef) s;
SET hnsw.ef_search = auto;
SELECT op, s.rows, different, nulls, nulls_last, nearest >= 7 AS good FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, scanned(op) s;
SET hnsw.ef_search = 40;
SELECT s.rows, different, nearest >= 7 AS good FROM scanned('<->', lim => '10') s;
SELECT s.rows, different, nearest >= 7 AS good FROM scanned('<->', lim => '41') s;
SELECT s.rows, different, nearest >= 7 AS good FROM scanned('<->', lim => '2999') s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> made(7, 8)::vector OFFSET 2990 LIMIT 20) x;
-- with little memory
SET work_mem = '64kB';
SELECT op, s.rows, different, nulls, nulls_last, nearest >= 7 AS good FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, scanned(op) s;
SELECT index, sweeps > 0 AS sweeps FROM (SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> made(7, 8)::vector) x) y, vecdb_last_scan();
SET hnsw.scan_mem_multiplier = 10;
SELECT op, s.rows, different, nulls, nulls_last, nearest >= 7 AS good FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, scanned(op) s;
RESET hnsw.scan_mem_multiplier;
RESET work_mem;

-- filters, of many rows and of few
SELECT f, s.rows, different, nearest >= least(s.rows - nulls, 7) AS good FROM unnest(ARRAY['kind < 50', 'kind = 7', 'id = 77', 'id < 0', 'kind = 100']) f, scanned('<->', lim => '20', filter => f) s;
SELECT f, s.rows, different FROM unnest(ARRAY['kind < 50', 'kind = 7', 'id = 77', 'id < 0', 'kind = 100']) f, scanned('<+>', lim => '20', filter => f) s;

-- off: what the first search finds
SET hnsw.iterative_scan = off;
SELECT op, ef, s.rows, different, nulls, in_order FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, unnest(ARRAY['10', '100']) ef, scanned(op, ef => ef) s;
SET hnsw.ef_search = 40;
SELECT s.rows BETWEEN 1 AND 39 AS some FROM scanned('<->', filter => 'kind < 50') s;
SELECT s.rows FROM scanned('<->', lim => '5') s;

-- strict: in order, without what comes too late
SET hnsw.iterative_scan = strict_order;
SELECT op, ef, s.rows BETWEEN 100 AND 3020 AS rows, s.rows = different AS different, nulls, nulls_last, in_order, nearest >= least(7, ef::int) AS good
FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, unnest(ARRAY['10', '100', '1000']) ef, scanned(op, ef => ef) s;
SET hnsw.ef_search = 40;
SELECT s.rows, in_order FROM scanned('<->', lim => '10', filter => 'kind < 50') s;

-- no more than so many rows looked at
SET hnsw.iterative_scan = relaxed_order;
SET hnsw.max_scan_tuples = 1;
SELECT s.rows, different FROM scanned('<->') s;
SET hnsw.max_scan_tuples = 1000;
SELECT s.rows BETWEEN 40 AND 2500 AS rows, s.rows = different AS different, nulls FROM scanned('<->') s;
SET hnsw.max_scan_tuples = 1000000;
SELECT s.rows, different, nulls FROM scanned('<->') s;
RESET hnsw.max_scan_tuples;

-- queries that nothing is near to
SELECT q, s.rows, different, nulls FROM unnest(ARRAY['[0,0,0,0,0,0,0,0]', '[1e30,1e30,1e30,1e30,1e30,1e30,1e30,1e30]', '[3e38,0,0,0,0,0,0,-3e38]']) q, scanned('<->', q) s;
SELECT q, s.rows, different, nulls FROM unnest(ARRAY['[0,0,0,0,0,0,0,0]', '[1e30,1e30,1e30,1e30,1e30,1e30,1e30,1e30]']) q, scanned('<=>', q) s;
SELECT count(*), count(DISTINCT id), count(v) FROM (SELECT id, v FROM items ORDER BY v <-> (SELECT NULL::vector)) x;
SELECT count(*) FROM (SELECT id, v FROM items ORDER BY v <=> (SELECT NULL::vector) LIMIT 7) x;

-- a cursor, and what comes beside it
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> made(7, 8)::vector;
FETCH 1 FROM c;
MOVE 50 FROM c;
INSERT INTO items SELECT i, 0, made(i, 8)::vector FROM generate_series(10001, 10300) i;
DELETE FROM items WHERE id BETWEEN 1 AND 300;
MOVE 1000 FROM c;
UPDATE items SET v = made(id + 1, 8)::vector WHERE id BETWEEN 400 AND 500;
MOVE ALL FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM items ORDER BY v <-> made(7, 8)::vector LIMIT 100;
COMMIT;
FETCH 1 FROM c;
MOVE ALL FROM c;
CLOSE c;

-- rescans, which take the settings as they are then
SELECT count(*), sum(n), bool_and(n = different) FROM (SELECT id, v FROM items WHERE id % 300 = 7) q,
    LATERAL (SELECT count(*) AS n, count(DISTINCT id) AS different FROM (SELECT id FROM items o ORDER BY o.v <-> q.v LIMIT 500) x) near;
-- (those that the transaction above inserted are found, too, and left out by PostgreSQL)
PREPARE nearest(vector, int) AS SELECT CASE count(*) WHEN $2 THEN 'all' WHEN 0 THEN 'none' ELSE 'some' END FROM (SELECT id FROM items ORDER BY v <-> $1 LIMIT $2) x;
SET plan_cache_mode = force_generic_plan;
SET hnsw.ef_search = 10;
EXECUTE nearest(made(7, 8)::vector, 200);
SET hnsw.iterative_scan = off;
EXECUTE nearest(made(7, 8)::vector, 200);
SET hnsw.ef_search = 100;
EXECUTE nearest(made(7, 8)::vector, 200);
EXECUTE nearest(NULL, 200);
SET hnsw.iterative_scan = relaxed_order;
EXECUTE nearest(made(7, 8)::vector, 200);
-- two cursors at a time over one index
BEGIN;
DECLARE a CURSOR FOR SELECT id FROM items ORDER BY v <-> made(7, 8)::vector;
DECLARE b CURSOR FOR SELECT id FROM items ORDER BY v <-> made(9, 8)::vector;
FETCH 1 FROM a;
FETCH 1 FROM b;
MOVE 1500 FROM a;
MOVE 1500 FROM b;
MOVE ALL FROM a;
MOVE ALL FROM b;
COMMIT;

-- equal rows come together, and beyond them others
CREATE TABLE equal (id int, v vector(2));
INSERT INTO equal SELECT i, CASE WHEN i % 3 = 0 THEN made(i, 2)::vector ELSE '[1,1]' END FROM generate_series(1, 3000) i;
CREATE INDEX ON equal USING hnsw (v vector_l2_ops);
SET hnsw.ef_search = 10;
SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE n <= 2000 AND v = '[1,1]') FROM (SELECT id, v, row_number() OVER () AS n FROM (SELECT id, v FROM equal ORDER BY v <-> '[1,1]') x) y;
SET hnsw.iterative_scan = off;
SELECT count(*), count(DISTINCT v) FROM (SELECT id, v FROM equal ORDER BY v <-> '[1,1]') x;
DROP TABLE equal;

DROP FUNCTION scanned;
DROP TABLE items;
DROP FUNCTION made;
