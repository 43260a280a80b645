-- Options and settings of hnsw: what is taken and what is not.

CREATE TABLE hnsw_option (v vector(3), any_v vector, any_h halfvec, any_i int8vec, h halfvec(3), i int8vec(3), s sparsevec(3),
    b bit(3), long_b bit(64001), var bit varying, wide vector(4000));

-- m and ef_construction, with pgvector's ranges
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m = 1);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m = 101);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m = many);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (ef_construction = 3);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (ef_construction = 1001);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (ef_construction = auto);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 31);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m = 33);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (ef_construction = 10);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m = 16, m = 16);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m);

-- quantizer
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (quantizer = best);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (quantizer = pq);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (quantizer = '');
CREATE INDEX ON hnsw_option USING hnsw (v vector_l1_ops) WITH (quantizer = rabitq);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l1_ops) WITH (quantizer = sq8);
CREATE INDEX ON hnsw_option USING hnsw (b bit_hamming_ops) WITH (quantizer = rabitq);
CREATE INDEX ON hnsw_option USING hnsw (b bit_jaccard_ops) WITH (quantizer = sq8);
CREATE INDEX ON hnsw_option USING hnsw (s sparsevec_l1_ops) WITH (quantizer = rabitq);

-- taken, changed, and told
CREATE INDEX hnsw_option_v ON hnsw_option USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4, quantizer = sq8);
ALTER INDEX hnsw_option_v SET (m = 3);
ALTER INDEX hnsw_option_v SET (ef_construction = 1000);
ALTER INDEX hnsw_option_v SET (m = 100);
ALTER INDEX hnsw_option_v SET (quantizer = pq);
ALTER INDEX hnsw_option_v SET (quantizer = none);
SELECT pg_get_indexdef('hnsw_option_v'::regclass);
ALTER INDEX hnsw_option_v RESET (ef_construction);
ALTER INDEX hnsw_option_v RESET (m, ef_construction, quantizer);
SELECT pg_get_indexdef('hnsw_option_v'::regclass);
DROP INDEX hnsw_option_v;

-- of other methods
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (lists = 100);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (bits = 4);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) WITH (fillfactor = 50);
CREATE INDEX ON hnsw_option USING btree (v) WITH (m = 16);

-- dimensions are needed, and not too many
CREATE INDEX ON hnsw_option USING hnsw (any_v vector_l2_ops);
CREATE INDEX ON hnsw_option USING hnsw (any_h halfvec_ip_ops);
CREATE INDEX ON hnsw_option USING hnsw (any_i int8vec_l2_ops);
CREATE INDEX ON hnsw_option USING hnsw (var bit_hamming_ops);
CREATE INDEX ON hnsw_option USING hnsw ((any_v::halfvec) halfvec_l2_ops);
CREATE INDEX ON hnsw_option USING hnsw (long_b bit_hamming_ops);
-- a row has to fit on a page beside its neighbours
CREATE INDEX ON hnsw_option USING hnsw (wide vector_l2_ops) WITH (quantizer = none);
CREATE INDEX ON hnsw_option USING hnsw (wide vector_l1_ops);
CREATE INDEX ON hnsw_option USING hnsw (wide vector_l1_ops) WITH (m = 100, ef_construction = 200);
CREATE INDEX ON hnsw_option USING hnsw (wide vector_l2_ops);

-- no class is the default, as in pgvector, but for a type that it has not
CREATE INDEX ON hnsw_option USING hnsw (v);
CREATE INDEX ON hnsw_option USING hnsw (h);
CREATE INDEX ON hnsw_option USING hnsw (s);
CREATE INDEX ON hnsw_option USING hnsw (b);
CREATE INDEX ON hnsw_option USING hnsw (i);
CREATE INDEX ON hnsw_option USING hnsw (v halfvec_l2_ops);
CREATE UNIQUE INDEX ON hnsw_option USING hnsw (v vector_l2_ops);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops, v vector_ip_ops);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops) INCLUDE (i);
CREATE INDEX ON hnsw_option USING hnsw (v vector_l2_ops DESC);
DROP TABLE hnsw_option;

-- settings
LOAD 'vecdb';
SELECT name, vartype, context, boot_val, min_val, max_val, enumvals, short_desc, extra_desc FROM pg_settings WHERE name ~ '^hnsw\.|^vecdb.target' ORDER BY name;
SHOW hnsw.ef_search;
SET hnsw.ef_search = 1;
SET hnsw.ef_search = 1000;
SHOW hnsw.ef_search;
SET hnsw.ef_search = '100';
SHOW hnsw.ef_search;
SET hnsw.ef_search = 0;
SET hnsw.ef_search = 1001;
SET hnsw.ef_search = -1;
SET hnsw.ef_search = 'many';
SET hnsw.ef_search = '';
SET hnsw.ef_search = 99999999999999999999;
SET hnsw.ef_search = '10kB';
SHOW hnsw.ef_search;
SET hnsw.ef_search = AUTO;
SHOW hnsw.ef_search;
SELECT set_config('hnsw.ef_search', 200::text, false);
SELECT current_setting('hnsw.ef_search')::int;
RESET hnsw.ef_search;
SHOW hnsw.ef_search;
SET hnsw.iterative_scan = off;
SET hnsw.iterative_scan = relaxed_order;
SET hnsw.iterative_scan = strict_order;
SHOW hnsw.iterative_scan;
SET hnsw.iterative_scan = on;
SET hnsw.max_scan_tuples = 1;
SET hnsw.max_scan_tuples = 20000;
SET hnsw.max_scan_tuples = 0;
SHOW hnsw.max_scan_tuples;
SET hnsw.scan_mem_multiplier = 1000;
SET hnsw.scan_mem_multiplier = 1.5;
SET hnsw.scan_mem_multiplier = 0.9;
SET hnsw.scan_mem_multiplier = 1001;
SHOW hnsw.scan_mem_multiplier;
SET vecdb.target_recall = 0.5;
SET vecdb.target_recall = 1;
SET vecdb.target_recall = 0.4;
SET vecdb.target_recall = 1.1;
SHOW vecdb.target_recall;
SET hnsw.no_such_setting = 1;

-- before the library is loaded a setting is kept for it
\c -
SET hnsw.ef_search = 200;
SET hnsw.iterative_scan = strict_order;
SET vecdb.target_recall = 0.9;
LOAD 'vecdb';
SHOW hnsw.ef_search;
SHOW hnsw.iterative_scan;
SHOW vecdb.target_recall;
-- and what would be wrong is not
\c -
SET hnsw.ef_search = 0;
LOAD 'vecdb';
SHOW hnsw.ef_search;

-- for a transaction, a function, a role
BEGIN;
SET LOCAL hnsw.ef_search = 100;
SHOW hnsw.ef_search;
ROLLBACK;
SHOW hnsw.ef_search;
CREATE FUNCTION which() RETURNS text LANGUAGE sql SET hnsw.ef_search = 80 AS $$SELECT current_setting('hnsw.ef_search')$$;
SELECT which();
DROP FUNCTION which;
CREATE ROLE regress_vecdb_user;
ALTER ROLE regress_vecdb_user SET hnsw.ef_search = 60;
ALTER ROLE regress_vecdb_user SET hnsw.ef_search = 0;
SELECT rolconfig FROM pg_roles WHERE rolname = 'regress_vecdb_user';
SET ROLE regress_vecdb_user;
SET hnsw.ef_search = 300;
SET vecdb.target_recall = 0.99;
SHOW hnsw.ef_search;
RESET ROLE;
DROP ROLE regress_vecdb_user;
