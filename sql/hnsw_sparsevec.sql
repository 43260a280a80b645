-- hnsw indexes on sparsevec against sequential scans.

SET client_min_messages = warning;
SET jit = off;
SET hnsw.ef_search = 1000;

-- d dimensions, nnz of them not zero, from a seed
CREATE FUNCTION made(seed int, d int, nnz int, size float8 DEFAULT 1) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS
    $$SELECT ('{' || coalesce(string_agg(i || ':' || (size * sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8))::real, ','), '') || '}/' || d)::sparsevec
      FROM (SELECT DISTINCT 1 + (seed * 7919 + j * j * 31 + j * 104729) % d AS i FROM generate_series(1::bigint, nnz) j) x$$;

/*
 * What is wrong with an index scan of the table, or NULL.  Where exact, it has
 * to return the same distances as a sequential scan, to the last bit and in the
 * same order; else the same rows, and all but one of the ten smallest distances
 * not much later.  (Equal rows have the same code, and are missed together.)
 */
CREATE FUNCTION differs(tab text, op text, query text, exact boolean, lim text DEFAULT 'ALL') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    q text := format('SELECT array_agg(d), array_agg(id) FROM (SELECT id, v %1$s %2$s AS d FROM %3$s ORDER BY v %1$s %2$s LIMIT %4$s) x', op, query, tab, lim);
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
    IF cardinality(a) IS DISTINCT FROM cardinality(b) THEN
        RETURN format('%s rows, by index %s', cardinality(a), cardinality(b));
    END IF;
    IF lim = 'ALL' AND EXISTS (SELECT * FROM unnest(a_ids, a) EXCEPT ALL SELECT * FROM unnest(b_ids, b)) THEN RETURN 'other rows'; END IF;
    IF exact AND a IS DISTINCT FROM b THEN RETURN 'another order'; END IF;
    IF NOT exact THEN
        SELECT count(*) INTO bad FROM (SELECT DISTINCT d FROM unnest(a) d ORDER BY d LIMIT 10) x WHERE array_position(b, d) > array_position(a, d) + 100;
        IF bad > 1 THEN RETURN bad || ' of ten late'; END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END$$;

/* Every operator class with every quantizer that it has, for each of the queries. */
CREATE FUNCTION try_all(queries sparsevec[], skip text DEFAULT '^$') RETURNS TABLE (index text, difference text) LANGUAGE plpgsql AS $$
DECLARE
    o record;
    query sparsevec;
BEGIN
    FOR o IN SELECT c.*, quantizer
        FROM unnest(ARRAY['auto', 'none', 'rabitq', 'sq8']) quantizer,
            (VALUES ('sparsevec_l2_ops', '<->'), ('sparsevec_ip_ops', '<#>'), ('sparsevec_cosine_ops', '<=>'), ('sparsevec_l1_ops', '<+>')) c(name, op)
        WHERE (quantizer IN ('auto', 'none') OR op <> '<+>') AND name || ' ' || quantizer !~ skip
        ORDER BY 1, 3
    LOOP
        index := format('%s %s', o.name, o.quantizer);
        BEGIN
            EXECUTE format('CREATE INDEX try_index ON try USING hnsw (v %s) WITH (quantizer = %s)', o.name, o.quantizer);
            FOREACH query IN ARRAY queries LOOP
                difference := differs('try', o.op, format('%L::sparsevec', query), true);
                EXIT WHEN difference IS NOT NULL;
            END LOOP;
            DROP INDEX try_index;
        EXCEPTION WHEN others THEN difference := sqlerrm;
        END;
        RETURN NEXT;
    END LOOP;
END$$;

-- every operator class: as many elements as they come, none too, and NULLs
CREATE TABLE try (id int, v sparsevec(60));
INSERT INTO try SELECT i, CASE WHEN i % 11 > 0 THEN made(i, 60, i % 25) END FROM generate_series(1, 400) i;
SELECT * FROM try_all(ARRAY[made(17, 60, 17), made(7001, 60, 30), made(7002, 60, 1), '{}/60']);
SELECT count(*), count(v), count(*) FILTER (WHERE v = '{}/60') FROM try;

-- what differs elsewhere: dimensions
TRUNCATE try;
ALTER TABLE try ALTER v TYPE sparsevec(1);
INSERT INTO try SELECT i, made(i, 1, i % 3) FROM generate_series(1, 100) i;
SELECT * FROM try_all(ARRAY[made(17, 1, 1), '{}/1']) WHERE difference IS NOT NULL;
TRUNCATE try;
ALTER TABLE try ALTER v TYPE sparsevec(2);
INSERT INTO try SELECT i, made(i, 2, i % 4) FROM generate_series(1, 100) i;
SELECT * FROM try_all(ARRAY[made(17, 2, 1), made(7001, 2, 2)]) WHERE difference IS NOT NULL;
TRUNCATE try;
ALTER TABLE try ALTER v TYPE sparsevec(2500);
INSERT INTO try SELECT i, made(i, 2500, CASE WHEN i % 20 = 0 THEN 2500 ELSE i END) FROM generate_series(1, 100) i;
SELECT * FROM try_all(ARRAY[made(17, 2500, 17), made(7001, 2500, 100), made(7002, 2500, 2500)], 'l1|none') WHERE difference IS NOT NULL;
TRUNCATE try;
ALTER TABLE try ALTER v TYPE sparsevec(16000);
INSERT INTO try SELECT i, made(i, 16000, CASE WHEN i % 10 = 0 THEN 16000 ELSE i * 10 END) FROM generate_series(1, 30) i;
SELECT * FROM try_all(ARRAY[made(17, 16000, 170), made(7001, 16000, 16000)], 'l1|none|sq8') WHERE difference IS NOT NULL;

-- sums that round the same way each time: a bound must not be above them
TRUNCATE try;
INSERT INTO try SELECT i, array_fill((0.1 + (i % 4) * 1e-7)::real, ARRAY[16000])::sparsevec FROM generate_series(1, 12) i;
INSERT INTO try SELECT i, (array_fill(0, ARRAY[8000]) || array_fill(0.3::real, ARRAY[8000]))::sparsevec FROM generate_series(13, 16) i;
SELECT * FROM try_all(ARRAY[array_fill(0.3::real, ARRAY[16000])::sparsevec, array_fill(0.7::real, ARRAY[16000])::sparsevec,
    (array_fill(0.1::real, ARRAY[8000]) || array_fill(0, ARRAY[8000]))::sparsevec], 'l1|none|sq8') WHERE difference IS NOT NULL;

-- sizes: huge and tiny
ALTER TABLE try ALTER v TYPE sparsevec(9) USING '{}/9';
CREATE FUNCTION try_size(size float8) RETURNS TABLE (index text, difference text) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE try;
    INSERT INTO try SELECT i, made(i, 9, i % 9, size) FROM generate_series(1, 150) i;
    RETURN QUERY SELECT * FROM try_all(ARRAY[made(17, 9, 8, size), made(7001, 9, 5, size), made(7002, 9, 5)]);
END$$;
SELECT s, t.* FROM unnest(ARRAY[1e-38, 1e-20, 1e6, 1e15, 3e38]) s, try_size(s) t WHERE difference IS NOT NULL;

-- rows that come, change and go; what has no order
DROP TABLE try;
CREATE TABLE items (id int, v sparsevec(40));
INSERT INTO items SELECT i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '{}/40' ELSE made(i, 40, i % 7 + 1) END FROM generate_series(1, 600) i;
CREATE INDEX items_l2 ON items USING hnsw (v sparsevec_l2_ops);
CREATE INDEX items_cosine ON items USING hnsw (v sparsevec_cosine_ops);
CREATE INDEX items_ip ON items USING hnsw (v sparsevec_ip_ops) WITH (quantizer = none);
CREATE INDEX items_l1 ON items USING hnsw (v sparsevec_l1_ops) WITH (m = 8);
CREATE VIEW checked AS
    SELECT op, number, differs('items', op, format('%L::sparsevec', query), true) AS difference
    FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, (VALUES (1, made(7, 40, 7)), (2, made(7001, 40, 4)), (3, '{}/40')) q(number, query);
SELECT count(*), count(difference) FROM checked;
SELECT what, count(*), min(n), max(n) FROM (
    SELECT CASE WHEN v IS NULL THEN 'null' WHEN l2_norm(v) = 0 THEN 'zero' ELSE 'other' END AS what, row_number() OVER () AS n
    FROM (SELECT v FROM items ORDER BY v <=> made(7, 40, 7)) x) y GROUP BY 1 ORDER BY 3;
INSERT INTO items SELECT i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '{}/40' ELSE made(i, 40, i % 7 + 1) END FROM generate_series(601, 900) i;
COPY items FROM stdin;
2001	{1:1,40:2}/40
2002	{}/40
2003	\N
\.
SELECT * FROM checked WHERE difference IS NOT NULL;
UPDATE items SET v = made(id + 9000, 40, id % 9) WHERE id % 3 = 0;
DELETE FROM items WHERE id % 4 = 0;
SELECT * FROM checked WHERE difference IS NOT NULL;
VACUUM items;
SELECT * FROM checked WHERE difference IS NOT NULL;
INSERT INTO items SELECT i, made(i, 40, i % 9) FROM generate_series(3001, 3300) i;
SELECT * FROM checked WHERE difference IS NOT NULL;
REINDEX TABLE items;
SELECT * FROM checked WHERE difference IS NOT NULL;
DELETE FROM items;
VACUUM items;
SELECT count(*), count(difference) FROM checked;
INSERT INTO items SELECT i, made(i, 40, i % 9) FROM generate_series(1, 100) i;
SELECT * FROM checked WHERE difference IS NOT NULL;

-- LIMIT, a cursor, LATERAL with its rescans, the operator turned round
SELECT differs('items', '<+>', quote_literal(made(7, 40, 7)), true, '7');
SELECT differs('items', '<+>', quote_literal(made(7, 40, 7)), true, '5 OFFSET 50');
SET enable_seqscan = off;
BEGIN;
DECLARE c CURSOR FOR SELECT v <-> made(7, 40, 7) FROM items ORDER BY v <-> made(7, 40, 7);
FETCH 1 FROM c;
MOVE ALL FROM c;
ROLLBACK;
SELECT count(*), bool_and(near.d = 0) FROM (SELECT id, v FROM items WHERE id % 9 > 0) q,
    LATERAL (SELECT q.v <-> o.v AS d FROM items o ORDER BY q.v <-> o.v LIMIT 1) near;
PREPARE nearest(sparsevec) AS SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> $1 LIMIT 5) x;
EXECUTE nearest('{1:1}/40');
EXECUTE nearest(NULL);
SELECT op, differs('items', op, '(SELECT NULL::sparsevec)', true) FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;

-- what an index does not take
EXECUTE nearest('{1:1}/39');
EXECUTE nearest('{1:1}/16001');
EXECUTE nearest('{1:1}/1000000000');
SELECT id FROM items ORDER BY v <+> '{1:1}/1000000000';
RESET enable_seqscan;
INSERT INTO items VALUES (1, '{1:1}/39');
DROP VIEW checked;
DROP TABLE items;
CREATE TABLE wrong (v sparsevec(3), any_v sparsevec, long_v sparsevec(16001), longest sparsevec(1000000000));
CREATE INDEX ON wrong USING hnsw (any_v sparsevec_l2_ops);
CREATE INDEX ON wrong USING hnsw (long_v sparsevec_l2_ops);
CREATE INDEX ON wrong USING hnsw (longest sparsevec_cosine_ops);
CREATE INDEX ON wrong USING hnsw (v sparsevec_l1_ops) WITH (quantizer = rabitq);
CREATE INDEX ON wrong USING hnsw (v sparsevec_l1_ops) WITH (quantizer = sq8);
CREATE INDEX ON wrong USING hnsw (v);
CREATE INDEX ON wrong USING hnsw (v vector_l2_ops);
CREATE INDEX ON wrong USING hnsw (v sparsevec_hamming_ops);
CREATE INDEX ON wrong USING hnsw ((any_v::sparsevec(3000)) sparsevec_l1_ops);
DROP TABLE wrong;

-- an index of an empty unlogged table; a domain; an expression; a temporary table
CREATE DOMAIN embedding AS sparsevec(20);
CREATE UNLOGGED TABLE try (id int, v embedding, any_v sparsevec);
CREATE INDEX ON try USING hnsw (v sparsevec_l2_ops);
CREATE INDEX ON try USING hnsw ((any_v::sparsevec(20)) sparsevec_ip_ops);
INSERT INTO try SELECT i, made(i, 20, i % 6), made(i, 20, i % 7) FROM generate_series(1, 100) i;
SELECT differs('try', '<->', quote_literal(made(7001, 20, 5)), true);
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM try ORDER BY any_v::sparsevec(20) <#> made(7001, 20, 5)) x;
INSERT INTO try VALUES (0, '{}/20', '{}/21');
RESET enable_seqscan;
DROP TABLE try;
DROP DOMAIN embedding;
CREATE TEMPORARY TABLE try (id int, v sparsevec(20));
CREATE INDEX ON try USING hnsw (v sparsevec_l2_ops);
INSERT INTO try SELECT i, made(i, 20, i % 6) FROM generate_series(1, 100) i;
DELETE FROM try WHERE id % 2 = 0;
VACUUM try;
SELECT differs('try', '<->', quote_literal(made(7001, 20, 5)), true);
DROP TABLE try;
DROP FUNCTION try_all, try_size, differs, made;
