-- What an index search remembers of vectors that are out of line: never the
-- distance of another vector, to another query, or by another operator.  Each
-- is compared with that of a copy of the vector, of which nothing is known.

SET client_min_messages = warning;
SET enable_seqscan = off;
SET ivf.probes = 1000000;
CREATE FUNCTION wave(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real)::vector FROM generate_series(1, 600) i$$;
CREATE FUNCTION copy(v vector) RETURNS vector LANGUAGE sql IMMUTABLE AS $$SELECT v::real[]::vector$$;
CREATE TABLE far (id int PRIMARY KEY, v vector(600));
CREATE TABLE other (id int PRIMARY KEY, v vector(600));
ALTER TABLE far ALTER v SET STORAGE EXTERNAL;
ALTER TABLE other ALTER v SET STORAGE EXTERNAL;
INSERT INTO far SELECT i, wave(i) FROM generate_series(1, 400) i;
INSERT INTO other SELECT i, wave(i + 100000) FROM generate_series(1, 400) i;
CREATE INDEX far_v ON far USING ivf (v vector_l2_ops) WITH (lists = 4);
CREATE INDEX other_v ON other USING ivf (v vector_cosine_ops) WITH (lists = 4);
CREATE TABLE queries AS SELECT i, wave(i * 1000) AS q FROM generate_series(1, 9) i;

-- the distances of the operator and others, both ways round
SELECT count(*), count(*) FILTER (WHERE a = copy(v) <-> wave(7) AND b = a AND c = copy(v) <=> wave(7) AND d = copy(v) <#> wave(7)
                                  AND e = copy(v) <+> wave(7) AND f = inner_product(copy(v), wave(7)) AND g = l2_distance(copy(v), wave(8))) AS right
FROM (SELECT v, v <-> wave(7) AS a, wave(7) <-> v AS b, v <=> wave(7) AS c, v <#> wave(7) AS d, v <+> wave(7) AS e,
             inner_product(v, wave(7)) AS f, l2_distance(v, wave(8)) AS g
      FROM far ORDER BY v <-> wave(7) LIMIT 50) x;
CREATE FUNCTION by_index(query text) RETURNS boolean LANGUAGE plpgsql AS
    $$DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan; RETURN plan::text LIKE '%Index Scan%_v%'; END$$;
SELECT by_index('SELECT v <-> wave(7) FROM far ORDER BY v <-> wave(7) LIMIT 50'), by_index('SELECT v <=> wave(7) FROM other ORDER BY v <=> wave(7) LIMIT 4');

-- a query for each row of a join, from two tables in turn, and from one twice
SELECT count(*), count(*) FILTER (WHERE a.d = copy(a.v) <-> q AND b.d = copy(b.v) <=> q AND c.d = copy(c.v) <-> b.v) AS right
FROM queries, LATERAL (SELECT v, v <-> q AS d FROM far ORDER BY v <-> q LIMIT 5) a,
    LATERAL (SELECT v, v <=> q AS d FROM other ORDER BY v <=> q LIMIT 4) b,
    LATERAL (SELECT v, v <-> b.v AS d FROM far ORDER BY v <-> b.v LIMIT 3) c;

-- two searches in turn, and changes meanwhile
BEGIN;
DECLARE a CURSOR FOR SELECT v <-> wave(3) = copy(v) <-> wave(3) AS right FROM far ORDER BY v <-> wave(3);
DECLARE b CURSOR FOR SELECT v <-> wave(4) = copy(v) <-> wave(4) AS right FROM far ORDER BY v <-> wave(4);
FETCH 2 FROM a;
FETCH 2 FROM b;
CREATE TEMP TABLE before AS SELECT id, v <-> wave(3) AS d FROM far ORDER BY v <-> wave(3) LIMIT 10;
UPDATE far SET v = wave(id + 5000) WHERE id < 200;
SELECT count(*), count(*) FILTER (WHERE d = copy(v) <-> wave(3)) AS right, count(*) FILTER (WHERE old) > 0 AS unchanged
FROM (SELECT id, v, v <-> wave(3) AS d, (id, v <-> wave(3)) IN (SELECT id, d FROM before) AS old FROM far ORDER BY v <-> wave(3) LIMIT 50) x;
FETCH 2 FROM a;
FETCH 2 FROM b;
SAVEPOINT s;
UPDATE far SET v = wave(id + 6000) WHERE id > 100;
SELECT count(*), count(*) FILTER (WHERE d = copy(v) <-> wave(3)) AS right FROM (SELECT v, v <-> wave(3) AS d FROM far ORDER BY v <-> wave(3) LIMIT 400) x;
SELECT count(*) FROM far WHERE v <-> vector '[1]' < 1;
ROLLBACK TO s;
SELECT count(*), count(*) FILTER (WHERE d = copy(v) <-> wave(3)) AS right FROM (SELECT v, v <-> wave(3) AS d FROM far ORDER BY v <-> wave(3) LIMIT 400) x;
FETCH 2 FROM a;
TRUNCATE other;
INSERT INTO other SELECT i, wave(i + 200000) FROM generate_series(1, 50) i;
SELECT count(*), count(*) FILTER (WHERE d = copy(v) <=> wave(3)) AS right FROM (SELECT v, v <=> wave(3) AS d FROM other ORDER BY v <=> wave(3) LIMIT 50) x;
FETCH 2 FROM b;
ROLLBACK;

-- searches in functions in a search, some of which fail
CREATE FUNCTION nearest(q vector, fail boolean) RETURNS int LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT id, v, v <-> q AS d FROM far ORDER BY v <-> q LIMIT 3 LOOP
        ASSERT r.d = copy(r.v) <-> q;
        UPDATE far SET v = r.v + q WHERE id = r.id AND fail;
        IF fail AND (SELECT v <-> q <> copy(v) <-> q FROM far WHERE id = r.id) THEN RETURN -1; END IF;
        IF fail THEN RAISE division_by_zero; END IF;
    END LOOP;
    RETURN r.id;
EXCEPTION WHEN division_by_zero THEN RETURN 0;
END $$;
SELECT count(*), count(*) FILTER (WHERE d = copy(v) <-> wave(9)) AS right, count(*) FILTER (WHERE (n > 0) = (id % 2 = 1) AND n >= 0) AS returned
FROM (SELECT id, v, nearest(v, id % 2 = 0) AS n, v <-> wave(9) AS d FROM far ORDER BY v <-> wave(9) LIMIT 30) x;
DROP TABLE far, other, queries;
DROP FUNCTION nearest, by_index, copy, wave;
