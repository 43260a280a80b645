-- hnsw indexes with filter columns: the codes of a row go where its row id goes.
SET client_min_messages = warning;
SET jit = off;

CREATE FUNCTION made(seed int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real) FROM generate_series(1, d) i$$;
-- of ten rows, one has no vector, one a zero vector, and three have the same
CREATE FUNCTION column_rows(first int, last int)
RETURNS TABLE (id int, tenant int, day date, name text, tags int[], v vector) LANGUAGE sql AS $$
    SELECT i, nullif(i % 13, 0), '2024-01-01'::date + i % 100, CASE WHEN i % 7 > 0 THEN 'name ' || i % 50 END,
        CASE WHEN i % 5 > 0 THEN ARRAY[i % 3, i % 11, NULL] END,
        CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '[0,0,0,0]' WHEN 2 THEN '[1,2,3,4]' WHEN 3 THEN '[1,2,3,4]' WHEN 4 THEN '[1,2,3,4]'
            ELSE made(i, 4)::vector END
    FROM generate_series(first, last) i$$;
-- What is wrong with indexes: their checks compare the codes of all rows with the table's.
CREATE FUNCTION column_problems(VARIADIC indexes text[]) RETURNS TABLE (index text, lost bigint, problem text) LANGUAGE sql AS $$
    SELECT x, i.unreachable, c.problem
    FROM unnest(indexes) x CROSS JOIN vecdb_index_info(x::regclass) i LEFT JOIN vecdb_index_check(x::regclass, true) c ON true
    WHERE i.unreachable > 0 OR c.problem IS NOT NULL$$;

CREATE TABLE column_t (id int, tenant int, day date, name text, tags int[], v vector(4));
CREATE INDEX column_empty ON column_t USING hnsw (v vector_l2_ops, tenant, day);
INSERT INTO column_t SELECT * FROM column_rows(1, 2000);
CREATE INDEX column_int ON column_t USING hnsw (v vector_cosine_ops, tenant);
CREATE INDEX column_four ON column_t USING hnsw (v vector_l2_ops, tenant, day, name, tags) WITH (m = 4);
CREATE INDEX column_plain ON column_t USING hnsw (v vector_cosine_ops, name, (id % 5 = 0)) WITH (quantizer = none);
CREATE INDEX column_l1 ON column_t USING hnsw (v vector_l1_ops, (id::smallint), tags) WHERE id % 3 > 0;
SET max_parallel_maintenance_workers = 0;
SET maintenance_work_mem = '1MB';
CREATE INDEX column_sq8 ON column_t USING hnsw (v vector_ip_ops, day, (id::bigint)) WITH (quantizer = sq8);
RESET maintenance_work_mem;
RESET max_parallel_maintenance_workers;
SELECT x AS index, i.rows, i.null_rows, i.zero_rows
    FROM unnest(ARRAY['column_empty', 'column_int', 'column_four', 'column_plain', 'column_l1', 'column_sq8']) x, vecdb_index_info(x::regclass) i;
CREATE VIEW wrong AS SELECT * FROM column_problems('column_empty', 'column_int', 'column_four', 'column_plain', 'column_l1', 'column_sq8');
SELECT * FROM wrong;

-- rows that come, change and go
INSERT INTO column_t SELECT * FROM column_rows(2001, 2500);
SELECT * FROM wrong;
-- filter columns alone: rows join the nodes that there are
SELECT nodes FROM vecdb_index_info('column_empty') \gset
UPDATE column_t SET tenant = tenant + 1, name = 'other ' || id % 9, tags = tags || id WHERE id % 2 = 0;
SELECT nodes < :nodes + 50 AS few_new FROM vecdb_index_info('column_empty');
SELECT * FROM wrong;
UPDATE column_t SET day = NULL WHERE id % 4 = 1;
DELETE FROM column_t WHERE id % 3 = 0;
SELECT * FROM wrong;
VACUUM column_t;
SELECT * FROM wrong;
-- row ids move in buckets, and from them to nodes: what they have tells rows apart
UPDATE column_t SET tenant = id, name = id::text WHERE v = '[1,2,3,4]';
DELETE FROM column_t WHERE v = '[1,2,3,4]' AND id % 4 < 2;
VACUUM column_t;
SELECT * FROM wrong;
DELETE FROM column_t WHERE v = '[1,2,3,4]' AND id < 1800;
VACUUM column_t;
DELETE FROM column_t WHERE v IS NULL AND id % 7 < 4 OR v = '[0,0,0,0]' AND id % 7 > 4;
VACUUM column_t;
SELECT * FROM wrong;
INSERT INTO column_t SELECT * FROM column_rows(3001, 4000);
BEGIN;
UPDATE column_t SET tenant = -id;
ROLLBACK;
SELECT * FROM wrong;
VACUUM column_t;
SELECT * FROM wrong;

-- made anew
REINDEX TABLE column_t;
SELECT * FROM wrong;
REINDEX INDEX CONCURRENTLY column_four;
CREATE INDEX CONCURRENTLY column_more ON column_t USING hnsw (v vector_l2_ops, name, id);
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

-- thousands of rows of one node, all with codes of their own
CREATE TABLE column_same (id int, at timestamptz, v vector(5));
INSERT INTO column_same SELECT i, '2024-01-01 00:00+00'::timestamptz + i * interval '1 minute', '[5,4,3,2,1]' FROM generate_series(1, 3000) i;
CREATE INDEX column_same_v ON column_same USING hnsw (v vector_l2_ops, id, at);
INSERT INTO column_same SELECT i, NULL, '[5,4,3,2,1]' FROM generate_series(3001, 5000) i;
SELECT nodes FROM vecdb_index_info('column_same_v');
SELECT * FROM column_problems('column_same_v');
DELETE FROM column_same WHERE id % 11 <> 5;
VACUUM column_same;
SELECT * FROM column_problems('column_same_v');
INSERT INTO column_same SELECT i, 'infinity', '[5,4,3,2,1]' FROM generate_series(5001, 6000) i;
SELECT * FROM column_problems('column_same_v');
DROP TABLE column_same;
-- buckets with as many rows as they can count
CREATE TABLE column_many (id int, v vector(1000));
INSERT INTO column_many SELECT i, array_fill(1, ARRAY[1000])::vector FROM generate_series(1, 900) i;
CREATE INDEX column_many_v ON column_many USING hnsw (v vector_l2_ops, id) WITH (quantizer = none);
INSERT INTO column_many SELECT i, array_fill(1, ARRAY[1000])::vector FROM generate_series(901, 1500) i;
SELECT nodes FROM vecdb_index_info('column_many_v');
SELECT * FROM column_problems('column_many_v');
DELETE FROM column_many WHERE id % 5 < 3;
VACUUM column_many;
SELECT * FROM column_problems('column_many_v');
DROP TABLE column_many;

-- unlogged, temporary and partitioned tables, and other types
CREATE TABLE column_part (id int, half halfvec(3), bits bit(20), sparse sparsevec(9)) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE column_part_1 PARTITION OF column_part FOR VALUES FROM (0) TO (500);
CREATE TABLE column_part_2 PARTITION OF column_part FOR VALUES FROM (500) TO (2000);
CREATE INDEX column_half ON column_part USING hnsw (half halfvec_l2_ops, id);
CREATE INDEX column_bits ON column_part USING hnsw (bits bit_hamming_ops, id, (md5(id::text)::uuid));
CREATE INDEX column_sparse ON column_part USING hnsw (sparse sparsevec_l2_ops, (id / 7.0), (id > 100));
INSERT INTO column_part SELECT i, made(i % 300, 3)::halfvec, i::bit(20), format('{1:%s,5:2}/9', i)::sparsevec FROM generate_series(1, 900) i;
UPDATE column_part SET id = id + 1000 WHERE id % 10 = 1 AND id < 500;
SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'column_part__';
SELECT * FROM column_problems(VARIADIC ARRAY(SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid::regclass::text LIKE 'column_part__'));
DROP TABLE column_part;
CREATE TEMPORARY TABLE column_temp (id int, v vector(3));
CREATE INDEX column_temp_v ON column_temp USING hnsw (v vector_l2_ops, id);
INSERT INTO column_temp SELECT i, made(i, 3)::vector FROM generate_series(1, 400) i;
DELETE FROM column_temp WHERE id % 2 = 0;
VACUUM column_temp;
SELECT * FROM column_problems('column_temp_v');
DROP TABLE column_temp;

-- values out of line
CREATE TABLE column_long (id int, name text, tags text[], v vector(3));
ALTER TABLE column_long ALTER name SET STORAGE external, ALTER tags SET STORAGE external;
INSERT INTO column_long SELECT i, repeat(i::text, 3000), ARRAY[repeat('x', 4000), i::text], made(i, 3)::vector FROM generate_series(1, 200) i;
CREATE INDEX column_long_v ON column_long USING hnsw (v vector_l2_ops, name, tags);
INSERT INTO column_long SELECT i, repeat(i::text, 3000), ARRAY[repeat('x', 4000), i::text], made(i, 3)::vector FROM generate_series(201, 300) i;
UPDATE column_long SET name = repeat('y', 5000) || id WHERE id % 2 = 0;
SELECT * FROM column_problems('column_long_v');
DROP TABLE column_long;

-- what they take: their bytes, and less than a tenth more
CREATE TABLE column_size (id int, big bigint, day date, name text, v vector(128), w vector(384));
INSERT INTO column_size SELECT i, i, '2024-01-01'::date + i, i::text, made(i, 128)::vector, made(i, 384)::vector FROM generate_series(1, 1000) i;
CREATE FUNCTION column_takes(vector text, columns text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    without bigint;
BEGIN
    EXECUTE format('CREATE INDEX column_size_0 ON column_size USING hnsw (%s vector_l2_ops)', vector);
    EXECUTE format('CREATE INDEX column_size_1 ON column_size USING hnsw (%s vector_l2_ops, %s)', vector, columns);
    without := pg_relation_size('column_size_0');
    without := pg_relation_size('column_size_1') - without;
    DROP INDEX column_size_0, column_size_1;
    RETURN without / 1000.0;
END$$;
-- a page more or less, for entries and what is left of pages, is 8 bytes a row
SELECT vector, columns, column_takes(vector, columns) <= bytes * 1.1 + 16 AS small
    FROM unnest(ARRAY['v', 'w']) vector, (VALUES ('id', 4), ('big, day', 12), ('name', 4), ('big, id, name', 16)) x (columns, bytes);
DROP TABLE column_size;

-- rows that fit without columns only
CREATE TABLE column_wide (id int, day date, v vector(2019));
CREATE INDEX ON column_wide USING hnsw (v vector_l2_ops) WITH (quantizer = none, m = 8);
CREATE INDEX ON column_wide USING hnsw (v vector_l2_ops, id) WITH (quantizer = none, m = 8);
CREATE INDEX ON column_wide USING hnsw (v vector_l2_ops, id, day, (id::text), (id::bigint)) WITH (quantizer = none, m = 8);
CREATE INDEX ON column_wide USING hnsw (v vector_l2_ops, id, day, (id::text), (id::bigint)) WITH (m = 8);
INSERT INTO column_wide SELECT i, '2024-01-01', made(i, 2019)::vector FROM generate_series(1, 50) i;
SELECT * FROM column_problems(VARIADIC ARRAY(SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'column_wide'::regclass));
DROP TABLE column_wide;
DROP FUNCTION column_problems, column_takes, column_rows, made;
