-- Indexes of tables that are emptied and filled again.
CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8
          + seed * i * 0.37::float8))::vector
      FROM generate_series(1, 16) i$$;
SET enable_seqscan = off;
SET enable_sort = off;
-- every list, so that what is nearest is found for sure
SET ivf.probes = 32768;
SET ivfflat.probes = 32768;

-- in the same file: what is remembered of a search is of the old index
CREATE TEMP TABLE brief (id int, v vector(16)) ON COMMIT DELETE ROWS;
CREATE INDEX ON brief USING ivf (v vector_l2_ops);
BEGIN;
INSERT INTO brief SELECT i, made(i) FROM generate_series(1, 1000) i;
SELECT id FROM brief ORDER BY v <-> made(5) LIMIT 1;
COMMIT;
BEGIN;
INSERT INTO brief SELECT i, made(i) FROM generate_series(1, 1000) i;
SELECT id FROM brief ORDER BY v <-> made(17) LIMIT 1;
SELECT id FROM brief ORDER BY v <-> made(700) LIMIT 1;
COMMIT;
BEGIN;
CREATE TABLE fresh (id int, v vector(16));
CREATE INDEX ON fresh USING ivfflat (v vector_ip_ops);
INSERT INTO fresh SELECT i, made(i) FROM generate_series(1, 1000) i;
SELECT id, id = (SELECT id FROM fresh ORDER BY (v <#> made(5)) + 0 LIMIT 1) AS right
FROM fresh ORDER BY v <#> made(5) LIMIT 1;
TRUNCATE fresh;
INSERT INTO fresh SELECT i, made(i) FROM generate_series(501, 1500) i;
SELECT id = (SELECT id FROM fresh ORDER BY (v <#> made(700)) + 0 LIMIT 1) AS right
FROM fresh ORDER BY v <#> made(700) LIMIT 1;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM fresh ORDER BY v <#> made(700)) x;
COMMIT;

-- room among rows without a vector is used again
CREATE TABLE empty (id int, v vector(16));
CREATE INDEX empty_v ON empty USING ivf (v vector_l2_ops);
INSERT INTO empty SELECT i, NULL FROM generate_series(1, 5000) i;
SELECT pg_relation_size('empty_v') AS size \gset
DELETE FROM empty;
VACUUM empty;
INSERT INTO empty SELECT i, NULL FROM generate_series(1, 5000) i;
DELETE FROM empty WHERE id % 2 = 0;
VACUUM empty;
INSERT INTO empty SELECT i, NULL FROM generate_series(5001, 7500) i;
SELECT pg_relation_size('empty_v') = :size AS same;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM empty ORDER BY v <-> made(1)) x;

DROP TABLE brief, fresh, empty;
DROP FUNCTION made;
