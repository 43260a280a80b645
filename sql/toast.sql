-- Vectors out of the row, in every form that PostgreSQL stores them in and in
-- every order of reading.  Each row has the sum of its elements beside it.

CREATE TABLE far (id int PRIMARY KEY, n int, total float8, v vector, h halfvec, s sparsevec);
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO far SELECT id, n, sum(x), array_agg(x ORDER BY i), array_agg(x ORDER BY i), array_agg(x ORDER BY i)
    FROM generate_series(first, last) AS id, LATERAL (SELECT 1 + id * 7919 % 29 * 211 AS n) AS size, generate_series(1, n) AS i,
         LATERAL (SELECT CASE WHEN i = 1 THEN 2 * id ELSE (id * i + i * i) % 17 END AS x) AS e GROUP BY id, n
$$;
SELECT fill(1, 60);
-- compressed, in the row or not
ALTER TABLE far ALTER v SET STORAGE EXTENDED, ALTER h SET STORAGE EXTENDED, ALTER s SET STORAGE EXTENDED;
SELECT fill(61, 90);
ALTER TABLE far ALTER v SET STORAGE MAIN, ALTER h SET STORAGE MAIN;
SELECT fill(91, 110);
ALTER TABLE far ALTER v SET STORAGE EXTERNAL, ALTER h SET STORAGE EXTERNAL, ALTER s SET STORAGE EXTERNAL;
-- updated with the rest of the row, alone, and gone
UPDATE far SET total = total + n, v = v + array_fill(1, ARRAY[n])::vector, h = h + array_fill(1, ARRAY[n])::halfvec,
       s = (s::vector + array_fill(1, ARRAY[n])::vector)::sparsevec WHERE id % 5 = 0;
UPDATE far SET id = id + 1000 WHERE id % 7 = 0;
DELETE FROM far WHERE id % 6 = 1;
VACUUM far;
SELECT fill(111, 130);
SELECT count(*) FROM far;

CREATE VIEW checks AS SELECT id, v <+> array_fill(0, ARRAY[n])::vector = total AS v, h <+> array_fill(0, ARRAY[n])::halfvec = total AS h,
       s <+> ('{}/' || n)::sparsevec = total AS s, vector_dims(v) = n AND vector_dims(h) = n AS dims FROM far;
SELECT count(*) FILTER (WHERE v) AS v, count(*) FILTER (WHERE h) AS h, count(*) FILTER (WHERE s) AS s, count(*) FILTER (WHERE dims) AS dims FROM checks;
-- not in the order they were stored in; several at once
SET enable_seqscan = off;
SELECT count(*) FILTER (WHERE v AND h AND s) FROM (SELECT * FROM checks ORDER BY id DESC) AS t;
SELECT count(*) FILTER (WHERE v AND h AND s) FROM checks WHERE id IN (SELECT i * 37 % 131 FROM generate_series(1, 130) AS i);
RESET enable_seqscan;
SELECT count(*) AS pairs, count(*) FILTER (WHERE (a.v = b.v) = (a.id = b.id)) AS same, count(*) FILTER (WHERE a.v <-> b.v = 0) AS zero
FROM far AS a JOIN far AS b USING (n);
SELECT count(*) FILTER (WHERE a.v <#> b.v = -(SELECT sum(x * y) FROM unnest(a.v::real[]::float8[], b.v::real[]::float8[]) AS e(x, y))) AS same, count(*)
FROM far AS a JOIN far AS b ON a.n = b.n OR a.id = b.id;
SELECT count(*) = (SELECT count(*) FROM far) AS sorted FROM (SELECT row_number() OVER (ORDER BY v) AS a, row_number() OVER (ORDER BY v::real[]) AS b FROM far) AS t WHERE a = b;

-- two cursors in turn, through changes
BEGIN;
DECLARE up CURSOR FOR SELECT id, v, h FROM checks WHERE id < 20 ORDER BY id;
DECLARE down CURSOR FOR SELECT id, v, s FROM checks WHERE id < 20 ORDER BY id DESC;
FETCH 2 FROM up;
FETCH 2 FROM down;
DELETE FROM far WHERE id < 10;
FETCH 2 FROM up;
FETCH 2 FROM down;
ROLLBACK;

-- in a variable, a record, an array
DO $$
DECLARE
    kept vector;
    r record;
    list vector[];
BEGIN
    SELECT v INTO kept FROM far WHERE id = 3;
    SELECT v, total, n INTO r FROM far WHERE id = 4;
    SELECT array_agg(v ORDER BY id) INTO list FROM far WHERE id IN (3, 4);
    DELETE FROM far WHERE id IN (3, 4);
    ASSERT list[1] = kept AND list[2] = r.v;
    ASSERT r.v <+> array_fill(0, ARRAY[r.n])::vector = r.total;
    ASSERT NOT EXISTS (SELECT FROM far WHERE id = 3);
END $$;

-- in parallel, and a copy of the table
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE far SET (parallel_workers = 2);
SELECT count(*) FILTER (WHERE v) AS v, count(*) FILTER (WHERE h) AS h, count(*) FILTER (WHERE s) AS s FROM checks;
CREATE TABLE near AS SELECT * FROM far;
SELECT count(*) AS same FROM far JOIN near USING (id) WHERE far.v <-> near.v = 0 AND far.h = near.h AND far.s <+> near.s = 0;
DROP TABLE near;
DROP VIEW checks;
DROP TABLE far;
DROP FUNCTION fill;
