-- Scans of hnsw indexes against sequential scans.

SET client_min_messages = warning;
SET jit = off;
SET hnsw.ef_search = 1000;

-- d elements from a seed, of some size and around some middle
CREATE FUNCTION made(seed int, d int, size float8 DEFAULT 1, middle float8 DEFAULT 0) RETURNS real[] LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg((middle + size * sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8))::real) FROM generate_series(1, d) i$$;

-- a literal of the type: whole numbers for int8vec, bits for bit
CREATE FUNCTION literal(type text, elements real[]) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$SELECT CASE split_part(type, '(', 1)
        WHEN 'int8vec' THEN '[' || (SELECT string_agg(round(x * 100)::text, ',') FROM unnest(elements) x) || ']'
        WHEN 'bit' THEN (SELECT string_agg((x > 0)::int::text, '') FROM unnest(elements) x)
        ELSE '[' || array_to_string(elements, ',') || ']' END$$;

/*
 * What is wrong with an index scan of all rows of the table, or NULL: another
 * number of rows than the sequential scan, rows twice, no index scan at all;
 * another order of distances, where exact, or else too few of the ten nearest.
 */
CREATE FUNCTION differs(tab text, op text, query text, exact boolean DEFAULT false, lim text DEFAULT 'ALL') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    q text := format('SELECT array_agg(d), array_agg(id) FROM (SELECT id, v %1$s %2$s AS d FROM %3$s ORDER BY v %1$s %2$s LIMIT %4$s) x', op, query, tab, lim);
    a float8[]; b float8[]; ids int[]; plan json; bad int; last float8;
BEGIN
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    EXECUTE q INTO a, ids;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_indexscan = on;
    EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO plan;
    IF plan::text NOT LIKE '%Index Scan%' THEN RETURN 'no index scan'; END IF;
    EXECUTE q INTO b, ids;
    IF cardinality(a) IS DISTINCT FROM cardinality(b) THEN
        RETURN format('%s rows, by index %s', cardinality(a), cardinality(b));
    END IF;
    IF (SELECT count(DISTINCT i) FROM unnest(ids) i) <> cardinality(ids) THEN RETURN 'rows twice'; END IF;
    IF exact THEN
        SELECT count(*) INTO bad FROM unnest(a, b) AS t(x, y)
            WHERE (x IS NULL) <> (y IS NULL) OR (x = 'NaN') <> (y = 'NaN')
            OR (x <> 'NaN' AND x <> y AND abs(x - y) > 1e-5 * (abs(x) + abs(y)) + 2e-6);
        IF bad > 0 THEN RETURN bad || ' in another order'; END IF;
    ELSE
        last := a[least(10, cardinality(a))];
        SELECT count(*) INTO bad FROM unnest(b[1:10]) y WHERE y > last + abs(last) * 1e-5 + 2e-6;
        IF bad > 1 THEN RETURN bad || ' of ten wrong'; END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END$$;

/* Every operator class of a type, with every quantizer that it has. */
CREATE FUNCTION try_all(type text, nrows int, size float8 DEFAULT 1, middle float8 DEFAULT 0, options text DEFAULT 'm = 8', exact boolean DEFAULT true) RETURNS TABLE (index text, difference text) LANGUAGE plpgsql AS $$
DECLARE
    base text := split_part(type, '(', 1);
    d int := substring(type from '\d+(?=\))')::int;
    o record;
BEGIN
    EXECUTE format('CREATE TABLE try (id int, v %s)', type);
    EXECUTE format('INSERT INTO try SELECT i, literal(%1$L, made(i, %2$s, %3$s, %4$s))::%1$s FROM generate_series(1, %5$s) i', type, d, size, middle, nrows);
    FOR o IN SELECT c.opcname, c.op, quantizer
        FROM unnest(ARRAY['auto', 'none', 'rabitq', 'sq8']) quantizer,
            (SELECT opcname, op.oprname AS op, opcintype FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod
             JOIN pg_amop ao ON ao.amopfamily = opcfamily JOIN pg_operator op ON op.oid = ao.amopopr WHERE a.amname = 'hnsw') c
        WHERE c.opcintype = base::regtype AND (quantizer IN ('auto', 'none') OR c.op IN ('<->', '<#>', '<=>') AND base <> 'bit')
        ORDER BY 1, 3
    LOOP
        index := format('%s %s', o.opcname, o.quantizer);
        BEGIN
            EXECUTE format('CREATE INDEX try_index ON try USING hnsw (v %s) WITH (%s, quantizer = %s)', o.opcname, options, o.quantizer);
            FOR seed IN 1..3 LOOP
                -- one of the rows, and others
                difference := differs('try', o.op, quote_literal(literal(type, made(CASE seed WHEN 1 THEN 17 ELSE seed * 7001 END, d, size, middle))) || '::' || type, exact);
                EXIT WHEN difference IS NOT NULL;
            END LOOP;
            DROP INDEX try_index;
        EXCEPTION WHEN others THEN difference := sqlerrm;
        END;
        RETURN NEXT;
    END LOOP;
    DROP TABLE try;
END$$;

-- every operator class is in hnsw_opclass; dimensions: what differs (on a line, few
-- vectors are the nearest by inner product, and not all can be reached from these)
SELECT d, t.* FROM unnest(ARRAY[1, 2, 3, 7, 31, 33, 128]) d, try_all(format('vector(%s)', d), 150, exact => d > 1) t WHERE difference IS NOT NULL;
SELECT d, t.* FROM unnest(ARRAY[1, 2, 7, 33]) d, try_all(format('halfvec(%s)', d), 150, exact => d > 1) t WHERE difference IS NOT NULL;
SELECT d, t.* FROM unnest(ARRAY[1, 2, 7, 33]) d, try_all(format('int8vec(%s)', d), 150, exact => d > 1) t WHERE difference IS NOT NULL;
SELECT d, t.* FROM unnest(ARRAY[1, 2, 9, 129]) d, try_all(format('bit(%s)', d), 150) t WHERE difference IS NOT NULL;

-- sizes: huge, tiny, far from zero
SELECT s, t.* FROM unnest(ARRAY[1e-38, 1e-20, 1e6, 1e15, 3e38]) s, try_all('vector(8)', 150, s) t WHERE difference IS NOT NULL;
SELECT m, t.* FROM unnest(ARRAY[100, 1e6, 1e37]) m, try_all('vector(8)', 150, m * 1e-5, m) t WHERE difference IS NOT NULL;
SELECT s, t.* FROM unnest(ARRAY[1e-6, 65000]) s, try_all('halfvec(8)', 150, s) t WHERE difference IS NOT NULL;

-- neighbours: few and many
SELECT o, t.* FROM unnest(ARRAY['m = 2, ef_construction = 4', 'm = 100, ef_construction = 200']) o, try_all('vector(4)', 300, options => o, exact => o LIKE 'm = 100%') t WHERE difference IS NOT NULL;

-- many dimensions: a node of a page of its own
CREATE FUNCTION try_long(type text, quantizer text, nrows int DEFAULT 40) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d int := substring(type from '\d+(?=\))')::int;
    difference text;
BEGIN
    EXECUTE format('CREATE TABLE long (id int, v %s)', type);
    EXECUTE format('INSERT INTO long SELECT i, literal(%1$L, made(i, %2$s))::%1$s FROM generate_series(1, %3$s) i', type, d, nrows);
    EXECUTE format('CREATE INDEX ON long USING hnsw (v %s) WITH (quantizer = %s)', CASE WHEN type LIKE 'bit%' THEN 'bit_hamming_ops' ELSE split_part(type, '(', 1) || '_l2_ops' END, quantizer);
    EXECUTE format('INSERT INTO long SELECT i, literal(%1$L, made(i, %2$s))::%1$s FROM generate_series(%3$s, %4$s) i', type, d, nrows + 1, nrows + 3);
    DELETE FROM long WHERE id = 5;
    difference := differs('long', CASE WHEN type LIKE 'bit%' THEN '<~>' ELSE '<->' END, quote_literal(literal(type, made(7001, d))) || '::' || type, true);
    DROP TABLE long;
    RETURN difference;
END$$;
SELECT d, try_long(format('vector(%s)', d), 'rabitq') FROM unnest(ARRAY[384, 768, 1536, 1900, 2000, 3072, 7900, 8200, 12300, 16000]) d;
SELECT d, q, try_long(format('vector(%s)', d), q) FROM (VALUES (384, 'none'), (1536, 'none'), (2000, 'none'), (1536, 'sq8'), (7900, 'sq8')) x(d, q);
SELECT d, q, try_long(format('halfvec(%s)', d), q) FROM (VALUES (2000, 'none'), (4000, 'none'), (16000, 'auto')) x(d, q);
SELECT d, q, try_long(format('int8vec(%s)', d), q) FROM (VALUES (2000, 'none'), (8000, 'none'), (16000, 'auto')) x(d, q);
SELECT d, try_long(format('bit(%s)', d), 'none') FROM unnest(ARRAY[17000, 64000]) d;

-- LIMIT and OFFSET, a filter, a cursor, LATERAL with its rescans
CREATE TABLE few (id int, v vector(3));
INSERT INTO few SELECT i, made(i, 3)::vector FROM generate_series(1, 900) i;
CREATE INDEX few_l2 ON few USING hnsw (v vector_l2_ops);
SELECT differs('few', '<->', '''[1,2,3]''', true, '7');
SELECT differs('few', '<->', '''[1,2,3]''', true, '0');
SELECT differs('few', '<->', '''[1,2,3]''', true, '50 OFFSET 800');
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM few WHERE id % 100 = 7 ORDER BY v <-> '[1,2,3]' LIMIT 20) x;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM few ORDER BY v <-> '[0.1,0.2,0.3]';
FETCH 1 FROM c \gset first_
MOVE 700 FROM c;
MOVE ABSOLUTE 1 FROM c;
INSERT INTO few VALUES (4000, '[0.1,0.2,0.3]');
FETCH RELATIVE 0 FROM c \gset again_
SELECT :first_id = :again_id AS same;
MOVE ALL FROM c;
SELECT id FROM few ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 1;
ROLLBACK;
SELECT count(*), count(DISTINCT q.id), bool_and(near.n = 1 AND near.same) FROM (SELECT id, v FROM few WHERE id % 30 = 2) q,
    LATERAL (SELECT count(*) AS n, bool_and(o.v = q.v) AS same FROM (SELECT v FROM few ORDER BY v <-> q.v LIMIT 1) o) near;
-- two scans of one index at a time
SELECT count(*), bool_and(a = b) FROM (SELECT a.id AS a, (SELECT b.id FROM few b ORDER BY b.v <-> a.v LIMIT 1) AS b FROM few a ORDER BY a.v <-> '[1,0,0]' LIMIT 300) x;
PREPARE nearest(vector) AS SELECT count(*) FROM (SELECT id FROM few ORDER BY v <-> $1 LIMIT 5) x;
EXECUTE nearest('[1,2,3]');
EXECUTE nearest(NULL);
EXECUTE nearest('[1,2]');
-- the width of the search by itself, or as small as can be
SET hnsw.ef_search = auto;
SELECT differs('few', '<->', '''[1,2,3]''', lim => '10');
SET vecdb.target_recall = 1;
SELECT differs('few', '<->', '''[1,2,3]''', lim => '10');
RESET vecdb.target_recall;
SET hnsw.ef_search = 1;
SELECT count(*) FROM (SELECT id FROM few ORDER BY v <-> '[1,2,3]' LIMIT 10) x;
SET hnsw.ef_search = 1000;
-- what the scan did
SELECT count(*) FROM (SELECT id FROM few ORDER BY v <-> '[1,2,3]' LIMIT 10) x;
SELECT index, ef, probes, nodes >= 10 AS nodes, lists, distances >= 10 AS distances, bounds >= 10 AS bounds, rows >= 10 AS rows, sweeps FROM vecdb_last_scan();
RESET enable_seqscan;
DROP TABLE few;

-- an index of an empty table; sizes that it could not foresee; a domain
CREATE DOMAIN embedding AS vector(3);
CREATE TABLE empty (id int, v embedding);
CREATE INDEX empty_l2 ON empty USING hnsw (v vector_l2_ops);
CREATE INDEX empty_ip ON empty USING hnsw (v vector_ip_ops);
CREATE INDEX empty_cosine ON empty USING hnsw (v vector_cosine_ops);
CREATE INDEX empty_l1 ON empty USING hnsw (v vector_l1_ops);
SELECT op, differs('empty', op, '''[1,2,3]''', true) FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;
INSERT INTO empty SELECT i, made(i, 3, 10 ^ (i % 76 - 38))::vector FROM generate_series(1, 500) i;
SELECT op, differs('empty', op, '''[1,2,3]''', true) FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;
SELECT op, q, differs('empty', op, q, true) FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, unnest(ARRAY['''[1e38,2e38,3e38]''', '''[1e-38,0,0]''', '''[1e17,-1e17,0]''']) q WHERE differs('empty', op, q, true) IS NOT NULL;
DROP TABLE empty;
DROP DOMAIN embedding;

-- expressions and predicates
CREATE TABLE part (id int, any_v vector);
INSERT INTO part SELECT i, made(i, 3 + i % 2)::vector FROM generate_series(1, 499) i;
CREATE INDEX part_4 ON part USING hnsw ((any_v::vector(4)) vector_cosine_ops) WHERE vector_dims(any_v) = 4;
SET enable_seqscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM part WHERE vector_dims(any_v) = 4 ORDER BY any_v::vector(4) <=> '[1,2,3,4]' LIMIT 3;
SELECT count(*), sum(id % 2) FROM (SELECT id FROM part WHERE vector_dims(any_v) = 4 ORDER BY any_v::vector(4) <=> '[1,2,3,4]') x;
-- the table's number of rows, not the index's
SELECT reltuples FROM pg_class WHERE relname = 'part';
DROP TABLE part;

-- what it can be scanned for: in order of its distance, and for nothing else
CREATE TABLE plain (id int, v vector(3));
CREATE INDEX ON plain USING hnsw (v vector_l2_ops);
EXPLAIN (COSTS OFF) SELECT id FROM plain ORDER BY v <-> '[1,2,3]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM plain ORDER BY '[1,2,3]' <-> v LIMIT 3;
RESET enable_sort;
RESET enable_seqscan;
EXPLAIN (COSTS OFF) SELECT id FROM plain ORDER BY v <=> '[1,2,3]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM plain ORDER BY v <-> '[1,2,3]' DESC LIMIT 3;
EXPLAIN (COSTS OFF) SELECT count(*) FROM plain;
DROP TABLE plain;

-- the planner: an index for the nearest; none for all, for a selective filter, or for a small table
CREATE FUNCTION plan(tab text, lim text, filter text DEFAULT 'true') RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json) SELECT id FROM %s WHERE %s ORDER BY v <-> array_fill(0.1::real, ARRAY[64])::vector LIMIT %s', tab, filter, lim) INTO plan;
    RETURN (SELECT string_agg(node ->> 0, ', ') FROM jsonb_path_query(plan, 'strict $.**."Node Type"') node);
END$$;
CREATE TABLE planned (id int, kind int, v vector(64));
INSERT INTO planned SELECT i, i % 500, made(i, 64)::vector FROM generate_series(1, 3000) i;
CREATE INDEX ON planned USING hnsw (v vector_l2_ops);
CREATE INDEX ON planned (kind);
CREATE TABLE little AS SELECT * FROM planned LIMIT 10;
CREATE INDEX ON little USING hnsw (v vector_l2_ops);
VACUUM ANALYZE planned, little;
SELECT plan('planned', '10');
SELECT plan('planned', 'ALL');
SELECT plan('planned', '10', 'kind < 250');
SELECT plan('planned', '10', 'kind = 7');
SELECT plan('little', '3');
DROP TABLE planned, little;
DROP FUNCTION try_all, try_long, differs, plan, literal, made;

-- rows in order have their ctid: to be locked, and to be deleted by
CREATE TABLE placed (id int, v vector(8));
INSERT INTO placed SELECT i, (SELECT array_agg(sin(i * j)) FROM generate_series(1, 8) j)::vector
FROM generate_series(1, 300) i;
CREATE INDEX placed_v ON placed USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT count(*), count(*) FILTER (WHERE p.id = o.id) AS right
FROM (SELECT ctid, id FROM placed ORDER BY v <-> (SELECT v FROM placed WHERE id = 7) LIMIT 20) o
JOIN placed p ON p.ctid = o.ctid;
BEGIN;
SELECT id FROM placed ORDER BY v <-> (SELECT v FROM placed WHERE id = 7) LIMIT 1 FOR UPDATE;
DELETE FROM placed WHERE ctid IN
    (SELECT ctid FROM placed ORDER BY v <-> (SELECT v FROM placed WHERE id = 7) LIMIT 2);
SELECT count(*), count(*) FILTER (WHERE id = 7) AS nearest FROM placed;
ROLLBACK;
DROP TABLE placed;
RESET enable_seqscan;
