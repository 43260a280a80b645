-- ivf indexes with filter columns: the codes of a row go where its row id goes.
SET client_min_messages = warning;
SET jit = off;

CREATE FUNCTION made(seed int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real) FROM generate_series(1, d) i$$;
-- of ten rows, one has no vector, and one a zero vector
CREATE FUNCTION column_rows(first int, last int)
RETURNS TABLE (id int, tenant int, day date, name text, tags int[], v vector) LANGUAGE sql AS $$
    SELECT i, nullif(i % 13, 0), '2024-01-01'::date + i % 100, CASE WHEN i % 7 > 0 THEN 'name ' || i % 50 END,
        CASE WHEN i % 5 > 0 THEN ARRAY[i % 3, i % 11, NULL] END,
        CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN array_fill(0, ARRAY[16]) ELSE made(i, 16) END::vector
    FROM generate_series(first, last) i$$;
-- What is wrong with indexes: their checks compare the codes of all rows with the table's.
CREATE FUNCTION column_problems(VARIADIC indexes text[]) RETURNS TABLE (index text, problem text) LANGUAGE sql AS $$
    SELECT x, c.problem FROM unnest(indexes) x CROSS JOIN vecdb_index_check(x::regclass, true) c$$;

CREATE TABLE column_t (id int, tenant int, day date, name text, tags int[], v vector(16));
CREATE INDEX column_empty ON column_t USING ivf (v vector_l2_ops, tenant, day);
INSERT INTO column_t SELECT * FROM column_rows(1, 2000);
CREATE INDEX column_int ON column_t USING ivf (v vector_cosine_ops, tenant) WITH (lists = 3);
CREATE INDEX column_four ON column_t USING ivf (v vector_l2_ops, tenant, day, name, tags);
CREATE INDEX column_pq ON column_t USING ivf (v vector_ip_ops, tags, day) WITH (quantizer = pq, bits = 4);
CREATE INDEX column_plain ON column_t USING ivf (v vector_cosine_ops, name, (id % 5 = 0)) WITH (quantizer = none, lists = 3);
CREATE INDEX column_flat ON column_t USING ivfflat (v vector_l2_ops, (id::smallint), tags) WITH (lists = 3) WHERE id % 3 > 0;
SET max_parallel_maintenance_workers = 0;
SET maintenance_work_mem = '1MB';
CREATE INDEX column_sq8 ON column_t USING ivf (v vector_ip_ops, day, (id::bigint)) WITH (quantizer = sq8, lists = 3);
RESET maintenance_work_mem;
RESET max_parallel_maintenance_workers;
-- larger than they should be, for inserts and vacuum to split
ALTER INDEX column_int RESET (lists);
ALTER INDEX column_plain RESET (lists);
ALTER INDEX column_flat RESET (lists);
ALTER INDEX column_sq8 RESET (lists);
SELECT x AS index, i.rows, i.null_rows, i.zero_rows
    FROM unnest(ARRAY['column_empty', 'column_int', 'column_four', 'column_pq', 'column_plain', 'column_flat', 'column_sq8']) x,
        vecdb_index_info(x::regclass) i;
CREATE VIEW wrong AS
    SELECT * FROM column_problems('column_empty', 'column_int', 'column_four', 'column_pq', 'column_plain', 'column_flat', 'column_sq8');
SELECT * FROM wrong;

-- rows that come, change and go; lists are split and merged meanwhile
INSERT INTO column_t SELECT * FROM column_rows(2001, 5000);
SELECT * FROM wrong;
UPDATE column_t SET tenant = tenant + 1, name = 'other ' || id % 9, tags = tags || id WHERE id % 2 = 0;
UPDATE column_t SET day = NULL WHERE id % 4 = 1;
SELECT * FROM wrong;
BEGIN;
UPDATE column_t SET tenant = -id;
ROLLBACK;
DELETE FROM column_t WHERE id % 3 = 0;
SELECT * FROM wrong;
VACUUM column_t;
SELECT * FROM wrong;
INSERT INTO column_t SELECT * FROM column_rows(5001, 6000);
DELETE FROM column_t WHERE id % 8 > 0;
VACUUM column_t;
SELECT * FROM wrong;
INSERT INTO column_t SELECT * FROM column_rows(6001, 7000);
VACUUM column_t;
SELECT * FROM wrong;
SELECT x AS index, i.version > 0 AS lists_made_anew
    FROM unnest(ARRAY['column_empty', 'column_int', 'column_plain', 'column_flat', 'column_sq8']) x, vecdb_index_info(x::regclass) i;
-- vectors are found as ever
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.probes = 32768;
SELECT count(*) = (SELECT count(*) FROM column_t) AS all_found FROM (SELECT id FROM column_t ORDER BY v <-> made(5, 16)::vector) x;
SELECT id FROM column_t ORDER BY v <-> made(6005, 16)::vector LIMIT 1;
SELECT id FROM column_t ORDER BY v <=> made(6007, 16)::vector LIMIT 1;
RESET enable_seqscan;
RESET enable_sort;
RESET ivf.probes;

-- made anew
REINDEX TABLE column_t;
SELECT * FROM wrong;
REINDEX INDEX CONCURRENTLY column_four;
CREATE INDEX CONCURRENTLY column_more ON column_t USING ivf (v vector_l2_ops, name, id);
SELECT * FROM column_problems('column_four', 'column_more');
DROP INDEX column_more;
VACUUM FULL column_t;
ALTER TABLE column_t ALTER tenant TYPE bigint USING tenant * 1000000007::bigint;
ALTER TABLE column_t ALTER name TYPE varchar(30);
SELECT * FROM wrong;
BEGIN;
TRUNCATE column_t;
INSERT INTO column_t SELECT * FROM column_rows(1, 50);
TRUNCATE column_t;
INSERT INTO column_t SELECT * FROM column_rows(51, 120);
SELECT * FROM wrong;
ROLLBACK;
TRUNCATE column_t;
SELECT * FROM wrong;
INSERT INTO column_t SELECT * FROM column_rows(1, 100);
SELECT * FROM wrong;
DROP VIEW wrong;
DROP TABLE column_t;

-- chains of rows without a vector, and of zero vectors, over several pages
CREATE TABLE column_chain (id int, u uuid, v vector(3));
INSERT INTO column_chain SELECT i, md5(i::text)::uuid, CASE WHEN i % 2 = 0 THEN '[0,0,0]'::vector END FROM generate_series(1, 3000) i;
CREATE INDEX column_chain_v ON column_chain USING ivf (v vector_cosine_ops, u, id, (id % 7 = 0));
INSERT INTO column_chain SELECT i, md5(i::text)::uuid, CASE WHEN i % 2 = 0 THEN '[0,0,0]'::vector END FROM generate_series(3001, 5000) i;
SELECT rows, null_rows, zero_rows FROM vecdb_index_info('column_chain_v');
SELECT * FROM column_problems('column_chain_v');
SELECT pg_relation_size('column_chain_v') AS size \gset
DELETE FROM column_chain WHERE id % 5 < 2;
VACUUM column_chain;
SELECT * FROM column_problems('column_chain_v');
INSERT INTO column_chain SELECT i, NULL, CASE WHEN i % 2 = 0 THEN '[0,0,0]'::vector END FROM generate_series(5001, 7000) i;
SELECT * FROM column_problems('column_chain_v');
SELECT pg_relation_size('column_chain_v') = :size AS same;
DROP TABLE column_chain;

-- unlogged, temporary and partitioned tables, and other types
CREATE TABLE column_part (id int, half halfvec(3), bits bit(20), sparse sparsevec(9)) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE column_part_1 PARTITION OF column_part FOR VALUES FROM (0) TO (500);
CREATE TABLE column_part_2 PARTITION OF column_part FOR VALUES FROM (500) TO (2000);
CREATE INDEX column_half ON column_part USING ivf (half halfvec_l2_ops, id);
CREATE INDEX column_bits ON column_part USING ivfflat (bits bit_hamming_ops, id, (md5(id::text)::uuid));
CREATE INDEX column_sparse ON column_part USING ivf (sparse sparsevec_l2_ops, (id / 7.0), (id > 100));
INSERT INTO column_part SELECT i, made(i % 300, 3)::halfvec, i::bit(20), format('{1:%s,5:2}/9', i)::sparsevec FROM generate_series(1, 900) i;
UPDATE column_part SET id = id + 1000 WHERE id % 10 = 1 AND id < 500;
SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'column_part__';
SELECT * FROM column_problems(VARIADIC ARRAY(SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid::regclass::text LIKE 'column_part__'));
DROP TABLE column_part;
CREATE TEMPORARY TABLE column_temp (id int, v vector(3)) ON COMMIT DELETE ROWS;
CREATE INDEX column_temp_v ON column_temp USING ivf (v vector_l2_ops, id);
BEGIN;
INSERT INTO column_temp SELECT i, made(i, 3)::vector FROM generate_series(1, 400) i;
SELECT * FROM column_problems('column_temp_v');
COMMIT;
INSERT INTO column_temp SELECT i, made(i, 3)::vector FROM generate_series(1, 400) i;
SELECT * FROM column_problems('column_temp_v');
DROP TABLE column_temp;

-- values out of line, and rows on several pages
CREATE TABLE column_long (id int, name text, tags text[], v vector(3), wide vector(2500));
ALTER TABLE column_long ALTER name SET STORAGE external, ALTER tags SET STORAGE external;
INSERT INTO column_long SELECT i, repeat(i::text, 3000), ARRAY[repeat('x', 4000), i::text], made(i, 3)::vector, made(i, 2500)::vector FROM generate_series(1, 60) i;
CREATE INDEX column_long_v ON column_long USING ivf (v vector_l2_ops, name, tags);
CREATE INDEX column_long_wide ON column_long USING ivf (wide vector_l2_ops, name, tags, id);
CREATE INDEX column_long_flat ON column_long USING ivf (wide vector_ip_ops, tags, id) WITH (quantizer = none);
INSERT INTO column_long SELECT i, repeat(i::text, 3000), ARRAY[repeat('x', 4000), i::text], made(i, 3)::vector, made(i, 2500)::vector FROM generate_series(61, 150) i;
UPDATE column_long SET name = repeat('y', 5000) || id WHERE id % 2 = 0;
DELETE FROM column_long WHERE id % 3 = 0;
VACUUM column_long;
SELECT * FROM column_problems('column_long_v', 'column_long_wide', 'column_long_flat');
DROP TABLE column_long;

-- what they take: their bytes and a tenth; of 768 dimensions 736 are in blocks, which leaves room for two with 16 bytes
CREATE TABLE column_size (id int, big bigint, day date, name text, v vector(384), wide vector(768));
INSERT INTO column_size SELECT i, i, '2024-01-01'::date + i, i::text, made(i, 384)::vector, made(i, 768)::vector FROM generate_series(1, 960) i;
CREATE FUNCTION column_size(columns text, bytes int) RETURNS TABLE (narrow bool, wide bool) LANGUAGE plpgsql AS $$
DECLARE
    size bigint[] = '{}';
    c text;
BEGIN
    FOREACH c IN ARRAY ARRAY['v vector_l2_ops', 'v vector_l2_ops, ' || columns, 'wide vector_l2_ops', 'wide vector_l2_ops, ' || columns] LOOP
        EXECUTE 'CREATE INDEX column_size_i ON column_size USING ivf (' || c || ') WITH (lists = 1)';
        size = size || pg_relation_size('column_size_i');
        DROP INDEX column_size_i;
    END LOOP;
    RETURN QUERY SELECT size[2] <= (size[1] + 960 * bytes) * 1.1, size[4] <= (size[3] + 960 * bytes) * 1.1;
END$$;
SELECT c.*, s.* FROM (VALUES ('id', 4), ('big, day', 12), ('name', 4), ('id, big, day', 16), ('id, big, day, name', 20)) c(columns, bytes),
    column_size(columns, bytes) s;
DROP FUNCTION column_size;
-- in those that are not in blocks, too, rows are told apart
CREATE INDEX column_size_i ON column_size USING ivf (wide vector_l2_ops, id, big, day, name);
SELECT * FROM column_problems('column_size_i');
SET enable_seqscan = off;
SET ivf.probes = 32768;
SELECT id FROM column_size ORDER BY wide <-> made(77, 768)::vector LIMIT 1;
DROP TABLE column_size;

-- there is a limit
CREATE TABLE column_many (u uuid, v vector(3));
CREATE INDEX column_most ON column_many USING ivf (v vector_l2_ops, u, u, u, u, u, u, u, u);
CREATE INDEX ON column_many USING ivf (v vector_l2_ops, u, u, u, u, u, u, u, u, (u IS NULL));
INSERT INTO column_many SELECT md5(i::text)::uuid, made(i, 3)::vector FROM generate_series(1, 500) i;
SELECT * FROM column_problems('column_most');
REINDEX TABLE column_many;
SELECT * FROM column_problems('column_most');
DROP TABLE column_many;
DROP FUNCTION column_problems, column_rows, made;
