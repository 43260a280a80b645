-- hnsw indexes of tables that change: what a scan finds then.

SET client_min_messages = warning;
SET jit = off;
SET hnsw.ef_search = 1000;

CREATE FUNCTION made(seed int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real) FROM generate_series(1, d) i$$;

/*
 * What is wrong with an index scan of the whole table, or NULL: it has to
 * return the rows of a sequential scan, each once, and nine of the ten nearest
 * before all others; where exact, in the same order of distances.
 */
CREATE FUNCTION differs(tab text, op text, query text, exact boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    q text := format('SELECT array_agg(d), array_agg(id) FROM (SELECT id, v %1$s %2$s AS d FROM %3$s ORDER BY v %1$s %2$s) x', op, query, tab);
    a float8[]; b float8[]; a_ids int[]; b_ids int[]; plan json; bad int;
BEGIN
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    EXECUTE q INTO a, a_ids;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_indexscan = on;
    EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO plan;
    IF plan::text NOT LIKE '%Index Scan%' THEN RETURN 'no index scan'; END IF;
    EXECUTE q INTO b, b_ids;
    IF (SELECT array_agg(i ORDER BY i) FROM unnest(a_ids) i) IS DISTINCT FROM (SELECT array_agg(i ORDER BY i) FROM unnest(b_ids) i) THEN
        RETURN format('%s rows, by index %s, or others', cardinality(a), cardinality(b));
    END IF;
    SELECT count(*) INTO bad FROM unnest(b[1:10]) y WHERE y > a[least(10, cardinality(a))] + 2e-6;
    IF bad > 1 THEN RETURN bad || ' of ten wrong'; END IF;
    SELECT count(*) INTO bad FROM unnest(a, b) AS t(x, y)
        WHERE (x IS NULL) <> (y IS NULL) OR (x = 'NaN') <> (y = 'NaN') OR exact AND x <> 'NaN' AND abs(x - y) > 2e-6;
    IF bad > 0 THEN RETURN bad || ' in another order'; END IF;
    RETURN NULL;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END$$;

-- NULLs and zero vectors: in place of vectors, and as queries
CREATE TABLE odd (id int, v vector(3));
CREATE VIEW wrong AS SELECT * FROM (SELECT op, q, differs('odd', op, q) AS difference
    FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) op, unnest(ARRAY['''[1,2,3]''', '''[0,0,0]''', '(SELECT NULL::vector)']) q) x
    WHERE difference IS NOT NULL;
CREATE FUNCTION odd_rows(first int, last int) RETURNS TABLE (id int, v vector) LANGUAGE sql AS
    $$SELECT i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '[0,0,0]' ELSE made(i, 3)::vector END FROM generate_series(first, last) i$$;
CREATE INDEX odd_before ON odd USING hnsw (v vector_cosine_ops);
INSERT INTO odd SELECT * FROM odd_rows(1, 600);
CREATE INDEX odd_l2 ON odd USING hnsw (v vector_l2_ops);
CREATE INDEX odd_cosine ON odd USING hnsw (v vector_cosine_ops);
CREATE INDEX odd_ip ON odd USING hnsw (v vector_ip_ops) WITH (quantizer = none);
CREATE INDEX odd_l1 ON odd USING hnsw (v vector_l1_ops) WITH (m = 4);
SELECT op, differs('odd', op, '''[1,2,3]''', true) FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) op;
SELECT * FROM wrong;
DROP INDEX odd_cosine;
SELECT * FROM wrong;
-- the order of what has no distance: zeros, then NULLs
SET enable_seqscan = off;
SELECT what, count(*), min(n), max(n) FROM (
    SELECT CASE WHEN v IS NULL THEN 'null' WHEN vector_norm(v) = 0 THEN 'zero' ELSE 'other' END AS what, row_number() OVER () AS n
    FROM (SELECT v FROM odd ORDER BY v <=> '[1,2,3]') x) y GROUP BY 1 ORDER BY 3;
RESET enable_seqscan;

-- rows that come, change and go
INSERT INTO odd SELECT * FROM odd_rows(601, 800);
UPDATE odd SET v = made(id + 9000, 3)::vector WHERE id % 3 = 0;
UPDATE odd SET id = id;
DELETE FROM odd WHERE id % 4 = 0;
SELECT * FROM wrong;
VACUUM odd;
SELECT * FROM wrong;
INSERT INTO odd SELECT * FROM odd_rows(5001, 5400);
SELECT * FROM wrong;
BEGIN;
DELETE FROM odd WHERE id % 2 = 0;
INSERT INTO odd SELECT * FROM odd_rows(6001, 6200);
SAVEPOINT s;
INSERT INTO odd SELECT * FROM odd_rows(7001, 7100);
ROLLBACK TO s;
SELECT * FROM wrong;
ROLLBACK;
SELECT * FROM wrong;
VACUUM odd;
SELECT * FROM wrong;
-- none left, and room is used again
DELETE FROM odd;
VACUUM odd;
SELECT * FROM wrong;
SELECT pg_relation_size('odd_l2') AS before \gset
INSERT INTO odd SELECT * FROM odd_rows(1, 500);
SELECT pg_relation_size('odd_l2') <= :before AS used_again;
SELECT * FROM wrong;
-- over and over
DO $$BEGIN
    FOR round IN 1..5 LOOP
        UPDATE odd SET v = made(id + round * 1000, 3)::vector WHERE id % 5 = round - 1;
        DELETE FROM odd WHERE id % 37 = round;
        INSERT INTO odd SELECT * FROM odd_rows(10000 * round, 10000 * round + 40);
    END LOOP;
END$$;
VACUUM odd;
SELECT * FROM wrong;

-- made anew
REINDEX TABLE odd;
SELECT * FROM wrong;
REINDEX INDEX CONCURRENTLY odd_l2;
CREATE INDEX CONCURRENTLY odd_more ON odd USING hnsw (v vector_ip_ops) WITH (quantizer = sq8);
DROP INDEX odd_ip;
SELECT * FROM wrong;
VACUUM FULL odd;
SELECT * FROM wrong;
ALTER TABLE odd ALTER v TYPE vector(2) USING subvector(v, 1, 2);
ALTER TABLE odd ALTER v TYPE vector(3) USING v || '[1]';
SELECT * FROM wrong;
TRUNCATE odd;
SELECT * FROM wrong;
INSERT INTO odd SELECT * FROM odd_rows(1, 100);
SELECT * FROM wrong;
-- in one transaction, in the same file
BEGIN;
TRUNCATE odd;
SELECT * FROM wrong;
INSERT INTO odd SELECT * FROM odd_rows(1, 50);
SELECT * FROM wrong;
TRUNCATE odd;
INSERT INTO odd SELECT * FROM odd_rows(51, 120);
SELECT * FROM wrong;
ROLLBACK;
SELECT * FROM wrong;
DROP VIEW wrong;
DROP TABLE odd;

-- the same vector thousands of times, and some others
CREATE TABLE same (id int, v vector(5));
INSERT INTO same SELECT i, CASE i % 100 WHEN 0 THEN made(i, 5)::vector WHEN 1 THEN '[5,4,3,2,1]' ELSE '[1,2,3,4,5]' END FROM generate_series(1, 5000) i;
CREATE INDEX same_l2 ON same USING hnsw (v vector_l2_ops);
CREATE INDEX same_cosine ON same USING hnsw (v vector_cosine_ops) WITH (quantizer = none);
CREATE VIEW wrong AS SELECT * FROM (SELECT op, q, differs('same', op, q, true) AS difference
    FROM unnest(ARRAY['<->', '<=>']) op, unnest(ARRAY['''[1,2,3,4,5]''', '''[5,4,3,2,1]''', '''[1,1,1,1,1]''']) q) x WHERE difference IS NOT NULL;
SELECT * FROM wrong;
INSERT INTO same SELECT i, '[1,2,3,4,5]' FROM generate_series(5001, 7000) i;
SELECT * FROM wrong;
-- what is near is found beside thousands that are equal
SET enable_seqscan = off;
SET hnsw.ef_search = 40;
SELECT count(*) FROM (SELECT DISTINCT v FROM (SELECT v FROM same ORDER BY v <-> '[1,2,3,4,5]' LIMIT 7000) x) y;
SELECT count(*) FROM (SELECT id FROM same WHERE v <> '[1,2,3,4,5]' ORDER BY v <-> '[1,2,3,4,5]' LIMIT 60) x;
SET hnsw.ef_search = 1000;
RESET enable_seqscan;
DELETE FROM same WHERE id % 7 > 0;
VACUUM same;
SELECT * FROM wrong;
DELETE FROM same WHERE v = '[1,2,3,4,5]';
VACUUM same;
SELECT * FROM wrong;
INSERT INTO same SELECT i, '[1,2,3,4,5]' FROM generate_series(8001, 9000) i;
SELECT * FROM wrong;
DROP VIEW wrong;
DROP TABLE same;

-- partitions, unlogged and temporary tables, COPY
CREATE TABLE part (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (500);
CREATE UNLOGGED TABLE part_2 PARTITION OF part FOR VALUES FROM (500) TO (2000);
CREATE INDEX part_v ON part USING hnsw (v vector_l2_ops);
INSERT INTO part SELECT i, made(i, 3)::vector FROM generate_series(1, 900) i;
SELECT differs('part', '<->', '''[1,2,3]''', true);
CREATE TABLE part_3 (id int, v vector(3));
INSERT INTO part_3 SELECT i, made(i, 3)::vector FROM generate_series(2000, 2100) i;
ALTER TABLE part ATTACH PARTITION part_3 FOR VALUES FROM (2000) TO (3000);
UPDATE part SET id = id + 1000 WHERE id % 10 = 1 AND id < 500;
COPY part FROM stdin;
100	[0.5,0.5,0.5]
600	\N
2500	[0,0,0]
\.
SELECT differs('part', '<->', '''[1,2,3]''', true);
DROP TABLE part;
CREATE TEMPORARY TABLE passing (id int, v halfvec(3));
INSERT INTO passing SELECT i, made(i, 3)::halfvec FROM generate_series(1, 400) i;
CREATE INDEX ON passing USING hnsw (v halfvec_l2_ops);
INSERT INTO passing SELECT i, made(i, 3)::halfvec FROM generate_series(401, 800) i;
DELETE FROM passing WHERE id % 2 = 0;
VACUUM passing;
SELECT differs('passing', '<->', '''[1,2,3]''', true);
DROP TABLE passing;

-- what an index cannot have fails, and leaves it as it was
CREATE TABLE strict (id int, v vector(3), any_v vector);
INSERT INTO strict SELECT i, made(i, 3)::vector, made(i, 3)::vector FROM generate_series(1, 100) i;
CREATE INDEX ON strict USING hnsw (v vector_l2_ops);
CREATE INDEX ON strict USING hnsw ((any_v::vector(3)) vector_l2_ops);
INSERT INTO strict VALUES (101, '[1,2]', NULL);
INSERT INTO strict VALUES (101, NULL, '[1,2]');
UPDATE strict SET any_v = '[1,2,3,4]' WHERE id = 7;
SELECT differs('strict', '<->', '''[1,2,3]''', true);
DROP TABLE strict;

-- more rows than a search has at once
CREATE TABLE more (id int, v vector(12));
INSERT INTO more SELECT i, made(i, 12)::vector FROM generate_series(1, 3000) i;
CREATE INDEX more_v ON more USING hnsw (v vector_l2_ops);
SET hnsw.ef_search = 100;
SELECT seed, differs('more', '<->', quote_literal(made(seed, 12)::vector)) FROM unnest(ARRAY[17, 100001, 100002, 100003]) seed;
DELETE FROM more WHERE id % 3 = 0;
VACUUM more;
INSERT INTO more SELECT i, made(i, 12)::vector FROM generate_series(3001, 4500) i;
SELECT seed, differs('more', '<->', quote_literal(made(seed, 12)::vector)) FROM unnest(ARRAY[17, 100001, 100002, 100003]) seed;
-- the table's and the index's number of rows
VACUUM ANALYZE more;
SELECT relname, reltuples FROM pg_class WHERE relname IN ('more', 'more_v') ORDER BY 1;
DROP TABLE more;
DROP FUNCTION differs, odd_rows, made;

-- searches of an empty index, one after another in one scan
CREATE TABLE nothing (id int, v vector(3));
CREATE INDEX ON nothing USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT count(x.id) FROM generate_series(1, 5) i, LATERAL (SELECT id FROM nothing ORDER BY v <-> ARRAY[i, i, 1]::vector(3) LIMIT 1) x;
RESET enable_seqscan;
DROP TABLE nothing;
