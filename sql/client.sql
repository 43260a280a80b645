-- Details that clients of pgvector lean on.  It is the same with pgvector.

-- settings in a session that has not loaded the library, quoted and not
\c -
SET "hnsw.ef_search" = "40";
SET hnsw.iterative_scan TO 'strict_order';
SET "hnsw.max_scan_tuples" = '12345';
SET hnsw.scan_mem_multiplier = 2.5;
SET ivfflat.probes = '7';
SET "ivfflat"."max_probes" = 9;
SET SESSION "ivfflat.iterative_scan" = "relaxed_order";
SELECT current_setting('hnsw.ef_search'), current_setting('hnsw.no_such_setting', true);
SELECT '[1]'::vector;
SHOW "hnsw.ef_search";
SELECT name, setting, context FROM pg_settings WHERE name ~ '^(hnsw|ivfflat)\.(ef_search|iterative_scan|max_probes|max_scan_tuples|probes|scan_mem_multiplier)$' ORDER BY name;
RESET "hnsw.max_scan_tuples";
SET "ivfflat.probes" TO DEFAULT;
SHOW ivfflat.probes;
SET "hnsw.ef_search" = "0";
SET "hnsw.iterative_scan" = 'sometimes';

-- wrong ones are found out when it is loaded
\c -
SET hnsw.ef_search = 0;
SET ivfflat.probes = 3;
SELECT '[1]'::vector;
SELECT current_setting('hnsw.ef_search') <> '0' AS reset, current_setting('ivfflat.probes');
\c -
SET ivfflat.iterative_scan = strict_order;
SELECT '[1]'::vector;
SELECT current_setting('ivfflat.iterative_scan') <> 'strict_order' AS reset;

-- in a transaction in which it is loaded
\c -
BEGIN;
SET LOCAL hnsw.ef_search = 200;
SELECT set_config('ivfflat.probes', '5', true);
SELECT '[1]'::vector;
SHOW hnsw.ef_search;
SHOW ivfflat.probes;
SAVEPOINT s;
SET LOCAL hnsw.ef_search = 300;
ROLLBACK TO s;
SHOW hnsw.ef_search;
COMMIT;
SELECT current_setting('hnsw.ef_search') <> '200' AS reset;
SHOW ivfflat.probes;

-- with the connection, of a role, of a database
\c -reuse-previous=on "options='-c hnsw.ef_search=55 -chnsw.iterative_scan=relaxed_order -c ivfflat.probes=3'"
SELECT '[1]'::vector;
SHOW hnsw.ef_search;
SHOW hnsw.iterative_scan;
SHOW ivfflat.probes;
CREATE ROLE regress_vecdb_client LOGIN;
SELECT current_user AS superuser, current_database() AS database \gset
ALTER ROLE regress_vecdb_client SET hnsw.ef_search = 66;
ALTER DATABASE :"database" SET hnsw.ef_search = 77;
ALTER DATABASE :"database" SET "ivfflat.probes" = '8';
\c -reuse-previous=on "options='' user=regress_vecdb_client"
SET "hnsw.max_scan_tuples" = 100;
SELECT '[1]'::vector;
SHOW hnsw.ef_search;
SHOW ivfflat.probes;
SHOW hnsw.max_scan_tuples;
ALTER ROLE CURRENT_USER SET hnsw.ef_search = 88;
\c -
SELECT '[1]'::vector;
SHOW hnsw.ef_search;
\c - :superuser
ALTER DATABASE :"database" RESET ALL;
DROP ROLE regress_vecdb_client;

-- types by their names, as clients look them up
SELECT to_regtype('vector'), to_regtype('halfvec(3)'), to_regtype('_vector'), to_regtype('sparsevec[]'), to_regtype('no_such_vector');
SELECT typname, typcategory, typstorage, typlen, typdelim, typarray = to_regtype('_' || typname) AS has_array,
       typsend <> 0 AND typreceive <> 0 AS has_binary, typmodin <> 0 AS has_typmod
FROM pg_type WHERE oid IN ('vector'::regtype, 'halfvec'::regtype, 'sparsevec'::regtype) ORDER BY typname;
CREATE TABLE client (id bigserial PRIMARY KEY, meta jsonb, v vector(3), large vector(1536), h halfvec(4000), s sparsevec(100000), any_v vector, many vector(2)[]);
SELECT attname, format_type(atttypid, atttypmod), atttypmod FROM pg_attribute WHERE attrelid = 'client'::regclass AND attnum > 2 ORDER BY attnum;
SELECT column_name, data_type, udt_name, character_maximum_length FROM information_schema.columns WHERE table_name = 'client' AND ordinal_position > 2 ORDER BY ordinal_position;
SELECT format_type('vector'::regtype, 3), format_type('vector'::regtype, -1), format_type('vector'::regtype, NULL), 'vector(3)'::regtype;
SELECT ARRAY['[1,2]', '[3,4]']::vector[], '{"[1,2]","[3,4]"}'::vector(2)[], ('{"[1,2]",NULL}'::_vector)[1], pg_typeof('{}'::halfvec[]);
SELECT '{"[1,2,3]"}'::vector(2)[];
SELECT unnest('{"{1:1}/3","{2:2}/3"}'::sparsevec[]);
SELECT v FROM (VALUES ('[1]'::vector), ('[2]'), ('[3]')) t(v) WHERE v = ANY ('{[1],[3]}'::vector[]);

-- storage
ALTER TABLE client ALTER COLUMN v SET STORAGE PLAIN;
SELECT attname, attstorage FROM pg_attribute WHERE attrelid = 'client'::regclass AND attname IN ('v', 'large') ORDER BY attname;
INSERT INTO client (meta, v)
SELECT jsonb_build_object('kind', CASE i % 4 WHEN 0 THEN 'a' ELSE 'b' END, 'n', i), ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 1000) i;
INSERT INTO client (v) VALUES ('[1,2]');

-- indexes, in the spellings of clients, and as PostgreSQL writes them
CREATE INDEX client_hnsw ON client USING HNSW (v vector_l2_ops) WITH ("m" = '16', "ef_construction" = "64");
CREATE INDEX client_ivf ON client USING "ivfflat" ("v" "vector_cosine_ops") WITH (LISTS = '10');
CREATE INDEX client_cast ON client USING hnsw ((v::halfvec(3)) halfvec_l2_ops);
CREATE INDEX client_bit ON client USING hnsw ((binary_quantize(v)::bit(3)) bit_hamming_ops) WHERE v IS NOT NULL;
CREATE INDEX client_wrong ON client USING hnsw (v vector_l2_ops) WITH ("m" = 'sixteen');
CREATE INDEX client_wrong ON client USING hnsw (v vector_l2_ops) WITH ("M" = 16);
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'client' ORDER BY indexname;
SELECT relname, reloptions FROM pg_class WHERE relname ~ '^client_(hnsw|ivf)$' ORDER BY relname;
SELECT amname, pg_indexam_has_property(oid, 'can_order') AS can_order, pg_indexam_has_property(oid, 'can_unique') AS can_unique, pg_indexam_has_property(oid, 'can_exclude') AS can_exclude
FROM pg_am WHERE amname IN ('hnsw', 'ivfflat') ORDER BY amname;
SELECT DISTINCT amname, phase FROM pg_am, generate_series(1, 20) n, pg_indexam_progress_phasename(pg_am.oid, n) phase
WHERE amname IN ('hnsw', 'ivfflat') AND phase IN ('initializing', 'loading tuples', 'performing k-means', 'assigning tuples') ORDER BY amname, phase;
DROP INDEX client_ivf, client_cast, client_bit;
ANALYZE client;

-- prepared statements, planned once for all
SET enable_seqscan = off;
PREPARE nearest(vector, bigint) AS SELECT id, round((v <-> $1)::numeric, 3) AS distance FROM client ORDER BY v <-> $1 LIMIT $2;
EXECUTE nearest('[3.3,3.1,3.2]', 2);
EXECUTE nearest('[300.3,1.1,3.2]', 2);
EXECUTE nearest('[500.3,1.1,3.2]', 2);
EXECUTE nearest('[700.3,1.1,3.2]', 2);
EXECUTE nearest('[900.3,1.1,3.2]', 2);
EXECUTE nearest('[100.3,1.1,3.2]', 2);
EXECUTE nearest('[1,2]', 2);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS off) EXECUTE nearest('[3.3,3.1,3.2]', 2);
PREPARE three(vector) AS SELECT array_agg(id) FROM (SELECT id FROM client ORDER BY v <-> $1 LIMIT 3) x;
RESET plan_cache_mode;
EXECUTE three('[3.3,3.1,3.2]');
EXECUTE three('[4.3,4.1,4.2]');
EXECUTE three('[5.3,5.1,5.2]');
EXECUTE three('[20.3,6.1,9.2]');
EXECUTE three('[21.3,0.1,10.2]');
EXECUTE three('[22.3,1.1,0.2]');
EXECUTE three('[500.3,3.1,5.2]');
SELECT name, generic_plans > 0 AS generic FROM pg_prepared_statements WHERE name = 'three';
EXPLAIN (COSTS off) EXECUTE three('[3.3,3.1,3.2]');
SET plan_cache_mode = force_generic_plan;
PREPARE by_text(text, text) AS SELECT id FROM client WHERE meta->>'kind' = $2 ORDER BY v <-> $1::vector(3) LIMIT 2;
EXECUTE by_text('[3.3,3.1,3.2]', 'a');
EXPLAIN (COSTS off) EXECUTE by_text('[3.3,3.1,3.2]', 'a');
RESET plan_cache_mode;
DEALLOCATE ALL;

-- conditions on jsonb beside the order
SET hnsw.iterative_scan = strict_order;
SELECT id FROM client WHERE meta @> '{"kind": "a"}' ORDER BY v <-> '[500.3,3.1,5.2]' LIMIT 3;
SELECT id FROM client WHERE meta->>'kind' = 'a' AND (meta->>'n')::int > 600 ORDER BY v <-> '[500.3,3.1,5.2]' LIMIT 3;
SELECT id FROM client WHERE meta ? 'kind' AND NOT meta @> '{"kind": "a"}' AND jsonb_path_match(meta, '$.n < 450') ORDER BY v <-> '[500.3,3.1,5.2]' LIMIT 3;
CREATE INDEX client_meta ON client USING gin (meta jsonb_path_ops);
SELECT id FROM client WHERE meta @> '{"kind": "a"}' ORDER BY v <-> '[500.3,3.1,5.2]' LIMIT 3;
SELECT id FROM client WHERE meta @> '{"n": 77}' ORDER BY v <-> '[500.3,3.1,5.2]' LIMIT 3;
SELECT id FROM client WHERE meta @> '{"kind": "c"}' ORDER BY v <-> '[500.3,3.1,5.2]' LIMIT 3;
DROP TABLE client;
