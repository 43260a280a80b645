-- vecdb_index_info, vecdb_index_check, vecdb_recall.
SET client_min_messages = warning;

CREATE FUNCTION made(seed int, dim int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
$$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real)
  FROM generate_series(1, dim) i$$;

-- what is wrong with an index, compared with its table, too
CREATE FUNCTION wrong(index regclass) RETURNS SETOF text LANGUAGE sql AS
$$SELECT format('%s: block %s: %s', index, block, problem) FROM vecdb_index_check(index, true)$$;

-- nothing was scanned yet
SELECT * FROM vecdb_last_scan();

-- nothing in it
CREATE TABLE items (id int, v vector(8));
CREATE INDEX items_l2 ON items USING ivf (v vector_l2_ops);
SELECT method, quantizer, dimensions, metric, rows, zero_rows, null_rows, lists, empty_lists, smallest_list, average_list, largest_list,
       imbalance, drift, loose_entries, empty_lanes, retired_lists, retired_pages, free_pages, pages, bytes, bytes_per_row, version
FROM vecdb_index_info('items_l2');
SELECT * FROM vecdb_index_check('items_l2');
SELECT wrong('items_l2');
SELECT vecdb_recall('items_l2');
DROP INDEX items_l2;

-- rows, zeroes and nulls
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(1, 600) i;
INSERT INTO items SELECT i, CASE WHEN i % 2 = 0 THEN array_fill(0, ARRAY[8])::vector END FROM generate_series(601, 620) i;
CREATE INDEX items_l2 ON items USING ivf (v vector_l2_ops) WITH (lists = 6);
CREATE INDEX items_cosine ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 6);
SELECT method, quantizer, dimensions, metric, rows, zero_rows, null_rows, lists, empty_lists, smallest_list > 0 AS smallest, largest_list > smallest_list AS largest,
       round(average_list) AS average, imbalance BETWEEN 1 AND 3 AS imbalance, drift < 0.5 AS drift, loose_entries, empty_lanes > 0 AS lanes,
       retired_lists, retired_pages, free_pages, pages > 10 AS pages, bytes = pages * current_setting('block_size')::int AS bytes,
       abs(bytes_per_row * rows - bytes) < 1 AS bytes_per_row, version, probes_90 <= probes_95 AND probes_95 <= probes_99 AND probes_99 <= lists AS probes
FROM (SELECT 'items_l2'::regclass UNION ALL SELECT 'items_cosine') AS i(i), vecdb_index_info(i);
SELECT * FROM vecdb_index_check('items_l2') UNION ALL SELECT * FROM vecdb_index_check('items_cosine');
SELECT wrong('items_l2') UNION ALL SELECT wrong('items_cosine');

-- all lists are looked at, or none but the nearest
SET ivf.probes = 1000;
SET ivfflat.probes = 1000;
SELECT vecdb_recall('items_l2', 50, 5), vecdb_recall('items_cosine', k => 3) AS flat;
SET ivf.probes = 1;
SELECT vecdb_recall('items_l2', 50, 100) BETWEEN 0.3 AND 1 AS one_list;
RESET ivf.probes;
RESET ivfflat.probes;

-- inserts, with lists that split; deletes, and what vacuum makes of them
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(1000, 4000) i;
SELECT loose_entries > 0 AS loose, rows, null_rows FROM vecdb_index_info('items_l2');
SELECT wrong('items_l2') UNION ALL SELECT wrong('items_cosine');
DELETE FROM items WHERE id % 3 <> 0;
SELECT rows FROM vecdb_index_info('items_l2');
SELECT wrong('items_l2') UNION ALL SELECT wrong('items_cosine');
VACUUM items;
SELECT rows BETWEEN 1206 AND 3620 AS rows, zero_rows < 10 AS zeroes, null_rows < 10 AS nulls, empty_lanes > 0 AS lanes FROM (SELECT 'items_l2'::regclass UNION ALL SELECT 'items_cosine') AS i(i), vecdb_index_info(i);
SELECT wrong('items_l2') UNION ALL SELECT wrong('items_cosine');
UPDATE items SET v = made(id + 7, 8) WHERE id % 2 = 0;
UPDATE items SET id = -id;
DELETE FROM items WHERE id < -500;
VACUUM items;
SELECT wrong('items_l2') UNION ALL SELECT wrong('items_cosine');
VACUUM items;
SELECT wrong('items_l2') UNION ALL SELECT wrong('items_cosine');
SELECT vecdb_recall('items_l2', 1000, 5) > 0.8 AS recall;

-- within a transaction that has changed things, and not
BEGIN;
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(5000, 5100) i;
SAVEPOINT s;
DELETE FROM items WHERE id > 5050;
SELECT wrong('items_l2');
ROLLBACK TO s;
SELECT wrong('items_cosine');
ROLLBACK;
SELECT wrong('items_l2') UNION ALL SELECT wrong('items_cosine');
BEGIN READ ONLY;
SELECT count(*) FROM vecdb_index_check('items_l2');
COMMIT;

-- an expression, a predicate, a domain, an unlogged and a temporary table
CREATE INDEX items_some ON items USING ivf ((v::halfvec(8)) halfvec_ip_ops) WITH (lists = 3) WHERE id % 2 = 0;
CREATE DOMAIN eight AS vector(8);
CREATE UNLOGGED TABLE fleeting (v eight);
CREATE INDEX fleeting_v ON fleeting USING ivf (v vector_l2_ops);
INSERT INTO fleeting SELECT v FROM items;
CREATE TEMP TABLE passing AS SELECT * FROM items;
CREATE INDEX passing_v ON passing USING ivfflat (v vector_l1_ops);
INSERT INTO passing SELECT * FROM items;
UPDATE items SET id = id + 1;
SELECT wrong('items_some') UNION ALL SELECT wrong('fleeting_v') UNION ALL SELECT wrong('passing_v');
SELECT vecdb_recall('items_some') > 0.5 AS some, vecdb_recall('passing_v') > 0.5 AS passing;
SELECT method, quantizer, metric, dimensions FROM vecdb_index_info('passing_v');

-- every operator class and quantizer, of few and of many dimensions
CREATE TABLE kinds (id int, v vector(60), h halfvec(60), i int8vec(60), s sparsevec(60), b bit(60), wide vector(3000), sparse sparsevec(2500));
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS
$$INSERT INTO kinds SELECT n, v, v::halfvec, (SELECT array_agg((x * 100)::int) FROM unnest(v::real[]) x)::vector::int8vec, v::sparsevec,
         binary_quantize(v), made(n, 3000)::vector, made(n, 2500)::vector::sparsevec
  FROM (SELECT n, made(n, 60)::vector(60) AS v FROM generate_series(first, last) n) t$$;
SELECT fill(1, 150);
DO $$
DECLARE
    method text;
    of record;
BEGIN
    FOR of IN SELECT a.amname, c.opcname, t.typname FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod JOIN pg_type t ON t.oid = c.opcintype
              WHERE a.amname IN ('ivf', 'ivfflat') AND EXISTS (SELECT FROM pg_amop o WHERE o.amopfamily = c.opcfamily AND o.amoppurpose = 'o') ORDER BY 1, 2 LOOP
        EXECUTE format('CREATE INDEX %I ON kinds USING %I (%I %I) WITH (lists = 4)', 'kinds_' || of.amname || '_' || of.opcname, of.amname,
            CASE of.typname WHEN 'sparsevec' THEN 's' ELSE left(of.typname, 1) END, of.opcname);
    END LOOP;
END$$;
CREATE INDEX kinds_wide ON kinds USING ivf (wide vector_l2_ops) WITH (lists = 2);
CREATE INDEX kinds_wide_ip ON kinds USING ivf (wide vector_ip_ops) WITH (lists = 2);
CREATE INDEX kinds_wide_flat ON kinds USING ivfflat (wide vector_cosine_ops) WITH (lists = 2);
CREATE INDEX kinds_sparse ON kinds USING ivf (sparse sparsevec_cosine_ops) WITH (lists = 2);
SELECT wrong(indexrelid) FROM pg_index WHERE indrelid = 'kinds'::regclass;
SELECT fill(200, 400);
INSERT INTO kinds (id) SELECT 1000;
INSERT INTO kinds SELECT 1001, array_fill(0, ARRAY[60])::vector, array_fill(0, ARRAY[60])::vector, array_fill(0, ARRAY[60])::vector, array_fill(0, ARRAY[60])::vector::sparsevec, 0::bit(60);
SELECT wrong(indexrelid) FROM pg_index WHERE indrelid = 'kinds'::regclass;
DELETE FROM kinds WHERE id % 2 = 0;
VACUUM kinds;
SELECT fill(500, 560);
SELECT wrong(indexrelid) FROM pg_index WHERE indrelid = 'kinds'::regclass;
SELECT count(*), bool_and(rows BETWEEN 230 AND 420) AS rows FROM pg_index, vecdb_index_info(indexrelid) WHERE indrelid = 'kinds'::regclass;
SET ivf.probes = 100;
SET ivfflat.probes = 100;
SELECT indexrelid::regclass, r FROM pg_index, vecdb_recall(indexrelid, 20, 5) AS r WHERE indrelid = 'kinds'::regclass AND r < 0.96;
RESET ivf.probes;
RESET ivfflat.probes;

-- what is no index of vecdb's
CREATE INDEX items_id ON items (id);
CREATE TABLE parts (id int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE INDEX parts_v ON parts USING ivf (v vector_l2_ops);
INSERT INTO parts SELECT i, made(i, 8) FROM generate_series(1, 100) i;
SELECT * FROM vecdb_index_info('items');
SELECT * FROM vecdb_index_check('items_id');
SELECT vecdb_recall('parts');
SELECT * FROM vecdb_index_info('parts_v');
SELECT * FROM vecdb_index_check('parts_v', true);
SELECT * FROM vecdb_index_info(0);
SELECT * FROM vecdb_index_check(NULL);
SELECT vecdb_recall('items_l2', 0);
SELECT vecdb_recall('items_l2', 10, 0);
SELECT vecdb_recall('items_l2', 10, 1000000);
SELECT wrong('part_v_idx');
SELECT vecdb_recall('part_v_idx') > 0.5 AS recall;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'items_l2'::regclass;
SELECT * FROM vecdb_index_check('items_l2', true);
SELECT vecdb_recall('items_l2');
SELECT * FROM vecdb_index_check('items_l2');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'items_l2'::regclass;

-- into memory
CREATE INDEX items_graph ON items USING hnsw (v vector_l2_ops);
SELECT vecdb_prewarm(i) = pages AS all, pages > 1 AS some FROM (SELECT 'items_l2'::regclass UNION ALL SELECT 'items_graph') AS i(i), vecdb_index_info(i);
SELECT vecdb_prewarm('passing_v') > 0 AS passing, vecdb_prewarm('fleeting_v') > 0 AS fleeting;
SELECT vecdb_prewarm('items');
SELECT vecdb_prewarm('items_id');
SELECT vecdb_prewarm('parts_v');
SELECT vecdb_prewarm(NULL);
SELECT vecdb_prewarm(0);

-- what the last scan did: of this session, when it ends or begins anew
SET enable_seqscan = off;
CREATE PROCEDURE search(index text, query vector, how_many int) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pg_index SET indisvalid = indexrelid = index::regclass WHERE indrelid = 'items'::regclass AND indexrelid IN ('items_l2'::regclass, 'items_graph'::regclass);
    COMMIT;
    PERFORM id FROM items ORDER BY v <-> query LIMIT how_many;
END$$;
SET ivf.probes = 2;
SET hnsw.ef_search = 50;
CALL search('items_l2', made(7, 8)::vector, 10);
SELECT index, ef, probes, nodes, lists >= 2 AS lists, entries >= 10 AS entries, distances, bounds, rows >= 10 AS rows, sweeps FROM vecdb_last_scan();
CALL search('items_graph', made(7, 8)::vector, 10);
SELECT index, ef, probes, nodes >= 50 AS nodes, lists, entries > 0 AS entries, distances >= 50 AS distances, bounds >= 50 AS bounds, rows BETWEEN 10 AND 50 AS rows, sweeps FROM vecdb_last_scan();
CALL search('items_graph', made(7, 8)::vector, 100000);
SELECT index, ef, rows = (SELECT rows FROM vecdb_index_info('items_graph')) AS all, sweeps > 0 AS sweeps FROM vecdb_last_scan();
SELECT rows AS before FROM vecdb_last_scan() \gset
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> made(8, 8)::vector;
FETCH 1 FROM c \gset
SELECT rows = :before AS before FROM vecdb_last_scan();
CLOSE c;
SELECT rows < :before AS after FROM vecdb_last_scan();
COMMIT;
RESET ivf.probes;
RESET hnsw.ef_search;
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'items_l2'::regclass;
DROP PROCEDURE search;
DROP INDEX items_graph;
SELECT index IS NOT NULL AS was_there FROM vecdb_last_scan();
RESET enable_seqscan;

-- only who owns it may ask
CREATE ROLE regress_admin_owner;
CREATE ROLE regress_admin_member IN ROLE regress_admin_owner;
CREATE ROLE regress_admin_other;
CREATE FUNCTION whoever(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN IF current_user <> 'regress_admin_owner' THEN RAISE 'as %', current_user; END IF; RETURN v; END$$;
GRANT CREATE ON SCHEMA public TO regress_admin_owner;
GRANT SELECT ON items TO regress_admin_other;
CREATE TABLE owned AS SELECT * FROM items;
ALTER TABLE owned OWNER TO regress_admin_owner;
SET ROLE regress_admin_owner;
CREATE INDEX owned_v ON owned USING ivf ((whoever(v)::vector(8)) vector_l2_ops);
SET ROLE regress_admin_other;
SELECT * FROM vecdb_index_info('owned_v');
SELECT * FROM vecdb_index_check('owned_v');
SELECT vecdb_recall('items_l2');
-- or who may read the table, what searches read
SELECT vecdb_prewarm('items_l2') > 0 AS prewarmed;
SELECT vecdb_prewarm('owned_v');
SELECT count(*) FROM vecdb_last_scan();
SET ROLE regress_admin_member;
SELECT rows > 100 AS rows FROM vecdb_index_info('owned_v');
SELECT * FROM vecdb_index_check('owned_v', true);
SELECT vecdb_recall('owned_v') > 0.5 AS recall;
RESET ROLE;
-- a superuser evaluates the expression as its owner
SELECT * FROM vecdb_index_check('owned_v', true);
SELECT vecdb_recall('owned_v') > 0.5 AS recall, current_user <> 'regress_admin_owner' AS myself;

REVOKE CREATE ON SCHEMA public FROM regress_admin_owner;
DROP TABLE items, fleeting, passing, kinds, parts, owned;
DROP DOMAIN eight;
DROP FUNCTION made, wrong, fill, whoever;
DROP ROLE regress_admin_owner, regress_admin_member, regress_admin_other;
