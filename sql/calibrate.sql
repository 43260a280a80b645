-- vecdb_calibrate, and searches by recall.
SET client_min_messages = warning;
SET enable_seqscan = off;

CREATE FUNCTION made(seed int, dim int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
$$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real)
  FROM generate_series(1, dim) i$$;

CREATE TABLE items (id int, v vector(8));
CREATE INDEX items_hnsw ON items USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8);
CREATE TABLE others (id int, v vector(8));
CREATE INDEX others_ivf ON others USING ivf (v vector_l2_ops) WITH (lists = 10);

-- nothing to measure: no rows, then no more than k
SELECT * FROM vecdb_calibrate('items_hnsw');
SELECT * FROM vecdb_calibrate('others_ivf');
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(1, 10) i;
INSERT INTO others SELECT * FROM items;
INSERT INTO items VALUES (0, NULL);
SELECT * FROM vecdb_calibrate('items_hnsw');
SELECT * FROM vecdb_calibrate('others_ivf');
SELECT ef_95 FROM vecdb_index_info('items_hnsw');
SELECT recall, width FROM vecdb_calibrate('items_hnsw', 9);
SELECT ef_90, ef_95, ef_99 FROM vecdb_index_info('items_hnsw');

-- more: as many rows as there are recalls, rising, and stored
INSERT INTO items SELECT i, made(i, 8) FROM generate_series(11, 3000) i;
TRUNCATE others;
INSERT INTO others SELECT * FROM items;
REINDEX TABLE others;
CREATE VIEW curves AS
    SELECT x.*, lag(x.width) OVER (PARTITION BY index ORDER BY recall) AS before
    FROM (SELECT 'items_hnsw' AS index, * FROM vecdb_calibrate('items_hnsw')
          UNION ALL SELECT 'others_ivf', * FROM vecdb_calibrate('others_ivf', k => 5)) x;
SELECT index, array_agg(recall ORDER BY recall), bool_and(width >= coalesce(before, 1)) AS rising, max(width) > min(width) AS different FROM curves GROUP BY index ORDER BY index;
CREATE TABLE curve AS SELECT * FROM vecdb_calibrate('items_hnsw');
SELECT width = ef_95 AS stored FROM curve, vecdb_index_info('items_hnsw') WHERE recall = 0.95;
DROP TABLE curve;
CREATE TABLE curve AS SELECT * FROM vecdb_calibrate('others_ivf');
SELECT width = probes_99 AS stored FROM curve, vecdb_index_info('others_ivf') WHERE recall = 0.99;
SELECT * FROM vecdb_index_check('items_hnsw', true);
SELECT * FROM vecdb_index_check('others_ivf', true);

-- settings are as before
SHOW hnsw.ef_search;
SHOW ivf.probes;

-- a search takes the width of its recall, one in between between
CREATE FUNCTION width(wanted text, target text) RETURNS bigint LANGUAGE plpgsql AS
$$BEGIN
    PERFORM set_config('vecdb.target_recall', target, false);
    EXECUTE format('SELECT id FROM %I ORDER BY v <-> %L LIMIT 1', wanted, made(5000, 8)::vector);
    RETURN (SELECT coalesce(ef, probes) FROM vecdb_last_scan());
END$$;
SELECT width('items', '0.95') = ef_95 AS same, width('items', '0.92') BETWEEN ef_90 AND ef_95 AS between, width('items', '0.5') <= ef_90 AS least
FROM vecdb_index_info('items_hnsw');
SELECT width('others', '0.95') = probes_95 AS same, width('others', '0.92') BETWEEN probes_90 AND probes_95 AS between, width('others', '0.5') <= probes_90 AS least
FROM vecdb_index_info('others_ivf');

-- ivf.recall goes before
SET ivf.recall = 0.99;
SELECT width('others', '0.9') = probes_99 AS same FROM vecdb_index_info('others_ivf');
SET ivf.recall = 0;
SELECT width('others', '0.9') = probes_90 AS same FROM vecdb_index_info('others_ivf');
SET ivf.recall = 0.3;
SET ivf.recall = -0.1;
RESET ivf.recall;
RESET vecdb.target_recall;

-- every type and distance
CREATE TABLE kinds (id int, v vector(8), h halfvec(8), b bit(64), s sparsevec(8), q int8vec(8));
INSERT INTO kinds SELECT i, f, f::halfvec, binary_quantize(made(i, 64)::vector)::bit(64), f::sparsevec, (f * '[100,100,100,100,100,100,100,100]')::int8vec
FROM (SELECT i, made(i, 8)::vector AS f FROM generate_series(1, 200) i) t;
CREATE INDEX ON kinds USING hnsw (v vector_cosine_ops);
CREATE INDEX ON kinds USING hnsw (v vector_ip_ops);
CREATE INDEX ON kinds USING hnsw (h halfvec_l1_ops);
CREATE INDEX ON kinds USING hnsw (b bit_jaccard_ops);
CREATE INDEX ON kinds USING hnsw (s sparsevec_l2_ops);
CREATE INDEX ON kinds USING hnsw (q int8vec_l2_ops);
CREATE INDEX ON kinds USING ivf (v vector_ip_ops);
CREATE INDEX ON kinds USING ivf (b bit_hamming_ops);
CREATE INDEX ON kinds USING ivf (s sparsevec_cosine_ops);
SELECT indexrelid::regclass, count(*), min(width) > 0 AS widths FROM pg_index, vecdb_calibrate(indexrelid, 5) WHERE indrelid = 'kinds'::regclass GROUP BY indexrelid ORDER BY indexrelid::regclass::text;

-- what cannot be
CREATE INDEX items_flat ON items USING ivfflat (v vector_l2_ops);
CREATE INDEX items_id ON items (id);
SELECT * FROM vecdb_calibrate('items');
SELECT * FROM vecdb_calibrate('items_id');
SELECT * FROM vecdb_calibrate('items_flat');
SELECT * FROM vecdb_calibrate('items_hnsw', 0);
SELECT * FROM vecdb_calibrate('items_hnsw', 1001);
SELECT * FROM vecdb_calibrate(NULL);
SELECT * FROM vecdb_calibrate(0);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'items_hnsw'::regclass;
SELECT * FROM vecdb_calibrate('items_hnsw');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'items_hnsw'::regclass;

-- only who owns it, and its expression as the owner does it
CREATE ROLE regress_calibrate_owner;
CREATE ROLE regress_calibrate_other;
CREATE FUNCTION whoever(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN IF current_user <> 'regress_calibrate_owner' THEN RAISE 'as %', current_user; END IF; RETURN v; END$$;
GRANT CREATE ON SCHEMA public TO regress_calibrate_owner;
CREATE TABLE owned AS SELECT * FROM items WHERE id < 200;
ALTER TABLE owned OWNER TO regress_calibrate_owner;
GRANT SELECT ON owned TO regress_calibrate_other;
SET ROLE regress_calibrate_owner;
CREATE INDEX owned_v ON owned USING hnsw ((whoever(v)::vector(8)) vector_l2_ops);
SELECT count(*) FROM vecdb_calibrate('owned_v');
SET ROLE regress_calibrate_other;
SELECT count(*) FROM vecdb_calibrate('owned_v');
RESET ROLE;
SELECT count(*), current_user <> 'regress_calibrate_owner' AS myself FROM vecdb_calibrate('owned_v');

REVOKE CREATE ON SCHEMA public FROM regress_calibrate_owner;
DROP VIEW curves;
DROP TABLE items, others, kinds, owned, curve;
DROP FUNCTION made, width(text, text), whoever;
DROP ROLE regress_calibrate_owner, regress_calibrate_other;
