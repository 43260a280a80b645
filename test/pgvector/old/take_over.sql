-- A database with pgvector :version, which has vector only, becomes one with
-- vecdb.  What has to be so is asserted; it stops at the first thing that is not.
CREATE EXTENSION vector;
SELECT set_config('test.version', :'version', false);
DO $$ BEGIN
    ASSERT (SELECT extversion FROM pg_extension WHERE extname = 'vector')
        = current_setting('test.version');
END $$;

CREATE FUNCTION made(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT ARRAY[sin(i), cos(i * 3), sin(i * 7), i % 5]::vector$$;
CREATE TABLE items (id int PRIMARY KEY, v vector(4), many vector[],
    n float8 GENERATED ALWAYS AS (vector_norm(v)) STORED);
INSERT INTO items SELECT i, made(i), ARRAY[made(i)] FROM generate_series(1, 2000) i;
CREATE INDEX items_l2 ON items USING hnsw (v vector_l2_ops) WITH (m = 8);
CREATE INDEX items_cosine ON items USING hnsw (v vector_cosine_ops) WHERE id < 1500;
CREATE INDEX items_flat ON items USING ivfflat (v vector_ip_ops) WITH (lists = 10);
CREATE INDEX items_tree ON items (v);
CREATE TABLE parts (id int, v vector(4)) PARTITION BY RANGE (id);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (1000) TO (3000);
INSERT INTO parts SELECT id, v FROM items;
CREATE INDEX ON parts USING hnsw (v vector_l2_ops);
CREATE VIEW seen AS SELECT id, v <-> '[1,1,1,1]' AS d, l2_distance(v, '[1,2,3,4]') FROM items;
CREATE VIEW totals AS SELECT avg(v), sum(v) FROM items;

CREATE PROCEDURE as_before(what text) LANGUAGE plpgsql AS $$
DECLARE
    plan text := '';
    line text;
    found int[];
    right_ones int[];
BEGIN
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_sort = off;
    SET LOCAL hnsw.ef_search = 200;
    FOR line IN EXPLAIN SELECT id FROM items ORDER BY v <-> '[.1,.1,.1,2]' LIMIT 10 LOOP
        plan := plan || line;
    END LOOP;
    ASSERT plan LIKE '%items_l2%', what || ': ' || plan;
    found := ARRAY(SELECT id FROM items ORDER BY v <-> '[.1,.1,.1,2]' LIMIT 10);
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_sort = on;
    SET LOCAL enable_indexscan = off;
    right_ones := ARRAY(SELECT id FROM items ORDER BY v <-> '[.1,.1,.1,2]' LIMIT 10);
    ASSERT (SELECT count(*) >= 9 FROM unnest(found) f WHERE f = ANY (right_ones)),
        what || ': ' || found::text || right_ones::text;
    ASSERT (SELECT sum(d) + sum(l2_distance) FROM seen) BETWEEN 14343 AND 14344,
        what || ': ' || (SELECT sum(d) + sum(l2_distance) FROM seen);
    ASSERT (SELECT vector_dims(avg) = 4 AND vector_norm(sum) BETWEEN 3999 AND 4001 FROM totals),
        what || ': ' || (SELECT vector_norm(sum) FROM totals);
    ASSERT (SELECT every(v = made(id) AND many[1] = v AND abs(n - vector_norm(v)) < 1e-6)
            FROM items), what;
    RESET enable_seqscan;
    RESET enable_sort;
    RESET enable_indexscan;
END $$;

CALL as_before('before');
CREATE TABLE was AS SELECT 'items'::regclass::oid AS items, 'vector'::regtype::oid AS type,
    pg_relation_filenode('items') AS file, pg_relation_filenode('items_l2') AS index;

-- Half-way, and back.
BEGIN;
CREATE EXTENSION vecdb VERSION 'pgvector';
ROLLBACK;
CALL as_before('rolled back');

CREATE EXTENSION vecdb VERSION 'pgvector';
CALL as_before('taken over');
DO $$ BEGIN
    ASSERT (SELECT items = 'items'::regclass AND type = 'vector'::regtype
        AND file = pg_relation_filenode('items') AND index = pg_relation_filenode('items_l2')
        FROM was), 'in place';
    ASSERT 3 = (SELECT count(*) FROM pg_class c JOIN pg_am a ON a.oid = relam
        WHERE relname LIKE 'items%' AND amname ~ '^pgvector'), 'by the old indexes';
END $$;
INSERT INTO items SELECT i, made(i), ARRAY[made(i)] FROM generate_series(2001, 2050) i;
DELETE FROM items WHERE id > 2000;
VACUUM items;
CALL as_before('changed');

SELECT vecdb_replace_pgvector(true) \gexec
DROP EXTENSION vector;
\connect
CALL as_before('replaced');
DO $$ BEGIN
    ASSERT 6 = (SELECT count(*) FROM pg_class c JOIN pg_am a ON a.oid = relam
        WHERE amname IN ('hnsw', 'ivfflat') AND relkind IN ('i', 'I')), 'indexes';
    ASSERT (SELECT count(*) = 0 FROM pg_class c JOIN pg_am a ON a.oid = relam,
        vecdb_index_check(c.oid, true) WHERE amname IN ('hnsw', 'ivfflat') AND relkind = 'i'), 'sound';
    -- and what those versions did not have
    ASSERT '[1,2]'::halfvec <-> '[1,3]' = 1;
    ASSERT '{1:1}/3'::sparsevec <#> '{1:2}/3' = -2;
END $$;
SELECT 'taken over from ' || :'version';
