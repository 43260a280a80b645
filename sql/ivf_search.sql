-- Scans of ivf and ivfflat indexes against sequential scans.

SET client_min_messages = warning;
SET ivf.probes = 1000000;
SET ivfflat.probes = 32768;

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
CREATE FUNCTION try_all(type text, nrows int, size float8 DEFAULT 1, middle float8 DEFAULT 0, lists int DEFAULT 7) RETURNS TABLE (index text, difference text) LANGUAGE plpgsql AS $$
DECLARE
    base text := split_part(type, '(', 1);
    d int := substring(type from '\d+(?=\))')::int;
    o record;
BEGIN
    EXECUTE format('CREATE TABLE try (id int, v %s)', type);
    EXECUTE format('INSERT INTO try SELECT i, literal(%1$L, made(i, %2$s, %3$s, %4$s))::%1$s FROM generate_series(1, %5$s) i', type, d, size, middle, nrows);
    FOR o IN SELECT am, c.opcname, c.op, quantizer
        FROM unnest(ARRAY['ivf', 'ivfflat']) am, unnest(ARRAY['auto', 'none', 'rabitq', 'sq8', 'pq']) quantizer,
            (SELECT opcname, a.amname, op.oprname AS op, opcintype FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod
             JOIN pg_amop ao ON ao.amopfamily = opcfamily JOIN pg_operator op ON op.oid = ao.amopopr) c
        WHERE c.amname = am AND c.opcintype = base::regtype AND (quantizer IN ('auto', 'none') OR c.op IN ('<->', '<#>', '<=>') AND base <> 'bit')
        ORDER BY 1, 2, 4
    LOOP
        index := format('%s %s %s', o.am, o.opcname, o.quantizer);
        BEGIN
            EXECUTE format('CREATE INDEX try_index ON try USING %s (v %s) WITH (lists = %s, quantizer = %s)', o.am, o.opcname, lists, o.quantizer);
            FOR seed IN 1..3 LOOP
                -- one of the rows, and others
                difference := differs('try', o.op, quote_literal(literal(type, made(CASE seed WHEN 1 THEN 17 ELSE seed * 7001 END, d, size, middle))) || '::' || type,
                    o.quantizer IN ('none', 'sq8') OR o.am = 'ivfflat' AND o.quantizer = 'auto' OR base = 'bit' OR o.op = '<+>');
                EXIT WHEN difference IS NOT NULL;
            END LOOP;
            DROP INDEX try_index;
        EXCEPTION WHEN others THEN difference := sqlerrm;
        END;
        RETURN NEXT;
    END LOOP;
    DROP TABLE try;
END$$;

-- every operator class
SELECT * FROM try_all('vector(16)', 300);
SELECT * FROM try_all('halfvec(16)', 300);
SELECT * FROM try_all('int8vec(16)', 300);
SELECT * FROM try_all('bit(80)', 300);

-- dimensions: what differs
SELECT d, t.* FROM unnest(ARRAY[1, 2, 3, 7, 31, 33, 128]) d, try_all(format('vector(%s)', d), 150) t WHERE difference IS NOT NULL;
SELECT d, t.* FROM unnest(ARRAY[1, 2, 7, 33]) d, try_all(format('halfvec(%s)', d), 150) t WHERE difference IS NOT NULL;
SELECT d, t.* FROM unnest(ARRAY[1, 2, 7, 33]) d, try_all(format('int8vec(%s)', d), 150) t WHERE difference IS NOT NULL;
SELECT d, t.* FROM unnest(ARRAY[1, 2, 9, 129]) d, try_all(format('bit(%s)', d), 150) t WHERE difference IS NOT NULL;

-- sizes: huge, tiny, far from zero
SELECT s, t.* FROM unnest(ARRAY[1e-38, 1e-20, 1e6, 1e15, 3e38]) s, try_all('vector(8)', 150, s) t WHERE difference IS NOT NULL;
SELECT m, t.* FROM unnest(ARRAY[100, 1e6, 1e37]) m, try_all('vector(8)', 150, m * 1e-5, m) t WHERE difference IS NOT NULL;
SELECT s, t.* FROM unnest(ARRAY[1e-6, 65000]) s, try_all('halfvec(8)', 150, s) t WHERE difference IS NOT NULL;

-- numbers of lists
SELECT n, t.* FROM unnest(ARRAY[0, 1, 1000, 1000000]) n, try_all('vector(4)', 100, lists => n) t WHERE difference IS NOT NULL;

-- many dimensions: rows on pages of their own, and on several
CREATE FUNCTION try_long(type text, am text, quantizer text, nrows int DEFAULT 40) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d int := substring(type from '\d+(?=\))')::int;
    difference text;
BEGIN
    EXECUTE format('CREATE TABLE long (id int, v %s)', type);
    EXECUTE format('INSERT INTO long SELECT i, literal(%1$L, made(i, %2$s))::%1$s FROM generate_series(1, %3$s) i', type, d, nrows);
    EXECUTE format('CREATE INDEX ON long USING %s (v %s) WITH (lists = 3, quantizer = %s)', am, CASE WHEN type LIKE 'bit%' THEN 'bit_hamming_ops' ELSE split_part(type, '(', 1) || '_l2_ops' END, quantizer);
    EXECUTE format('INSERT INTO long SELECT i, literal(%1$L, made(i, %2$s))::%1$s FROM generate_series(%3$s, %4$s) i', type, d, nrows + 1, nrows + 3);
    DELETE FROM long WHERE id = 5;
    difference := differs('long', CASE WHEN type LIKE 'bit%' THEN '<~>' ELSE '<->' END, quote_literal(literal(type, made(7001, d))) || '::' || type);
    DROP TABLE long;
    RETURN difference;
END$$;
SELECT d, am, q, try_long(format('vector(%s)', d), am, q)
FROM unnest(ARRAY[384, 768, 1536, 1900, 2000, 3072, 8200, 12300, 16000]) d, (VALUES ('ivf', 'rabitq'), ('ivfflat', 'none')) x(am, q);
SELECT d, q, try_long(format('vector(%s)', d), 'ivf', q) FROM unnest(ARRAY[768, 2000, 12300]) d, unnest(ARRAY['rabitq, bits = 2', 'sq8', 'pq']) q;
SELECT d, try_long(format('halfvec(%s)', d), 'ivfflat', 'none') FROM unnest(ARRAY[2000, 4100, 16000]) d;
SELECT d, try_long(format('int8vec(%s)', d), 'ivfflat', 'none') FROM unnest(ARRAY[8200, 16000]) d;
SELECT d, try_long(format('bit(%s)', d), 'ivf', 'none') FROM unnest(ARRAY[17000, 64000]) d;

-- NULL and zero vectors, NULL and zero queries
CREATE TABLE odd (id int, v vector(3));
INSERT INTO odd SELECT i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '[0,0,0]' ELSE made(i, 3)::vector END FROM generate_series(1, 3000) i;
CREATE INDEX odd_l2 ON odd USING ivf (v vector_l2_ops);
CREATE INDEX odd_cosine ON odd USING ivf (v vector_cosine_ops);
CREATE INDEX odd_ip ON odd USING ivfflat (v vector_ip_ops) WITH (lists = 20);
SELECT op, q, differs('odd', op, q, true) FROM unnest(ARRAY['<#>']) op, unnest(ARRAY['''[1,2,3]''', '''[0,0,0]''']) q;
SELECT op, q, differs('odd', op, q, q <> '''[1,2,3]''') FROM unnest(ARRAY['<=>']) op, unnest(ARRAY['''[1,2,3]''', '''[0,0,0]''']) q;
SELECT op, q, differs('odd', op, q) FROM unnest(ARRAY['<->']) op, unnest(ARRAY['''[1,2,3]''', '''[0,0,0]''']) q;

-- the order of what has no distance: zeros, then NULLs
SET enable_seqscan = off;
SELECT what, count(*), min(n), max(n) FROM (
    SELECT CASE WHEN v IS NULL THEN 'null' WHEN vector_norm(v) = 0 THEN 'zero' ELSE 'other' END AS what, row_number() OVER () AS n
    FROM (SELECT v FROM odd ORDER BY v <=> '[1,2,3]') x) y GROUP BY 1 ORDER BY 3;

-- LIMIT and OFFSET, a filter, a cursor, LATERAL with its rescans
SELECT differs('odd', '<->', '''[1,2,3]''', lim => '7');
SELECT differs('odd', '<->', '''[1,2,3]''', lim => '0');
SELECT differs('odd', '<->', '''[1,2,3]''', lim => '50 OFFSET 2000');
SELECT count(*) FROM (SELECT id FROM odd WHERE id % 100 = 7 ORDER BY v <-> '[1,2,3]' LIMIT 20) x;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT v <-> '[1,2,3]' < 0.2 FROM odd ORDER BY v <-> '[1,2,3]';
FETCH 1 FROM c;
MOVE 2000 FROM c;
FETCH 1 FROM c;
MOVE ABSOLUTE 1 FROM c;
INSERT INTO odd VALUES (4000, '[1,2,3]');
FETCH 1 FROM c;
MOVE ALL FROM c;
ROLLBACK;
SELECT count(*), count(DISTINCT q.id), bool_and(near.n = 1 AND near.same) FROM (SELECT id, v FROM odd WHERE id % 30 = 2) q,
    LATERAL (SELECT count(*) AS n, bool_and(o.v = q.v) AS same FROM (SELECT v FROM odd ORDER BY v <-> q.v LIMIT 1) o) near;
-- two scans of one index at a time
SELECT count(*) FROM (SELECT a.id, (SELECT b.id FROM odd b ORDER BY b.v <-> a.v LIMIT 1) AS b FROM odd a ORDER BY a.v <-> '[1,0,0]' LIMIT 300) x;
PREPARE nearest(vector) AS SELECT count(*) FROM (SELECT id FROM odd ORDER BY v <-> $1 LIMIT 5) x;
EXECUTE nearest('[1,2,3]');
EXECUTE nearest(NULL);
EXECUTE nearest('[1,2]');
RESET enable_seqscan;

-- rows that come, change, and go
INSERT INTO odd SELECT i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '[0,0,0]' ELSE made(i, 3)::vector END FROM generate_series(3001, 4000) i;
UPDATE odd SET v = made(id + 9000, 3)::vector WHERE id % 3 = 0;
DELETE FROM odd WHERE id % 4 = 0;
SELECT op, differs('odd', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
VACUUM odd;
SELECT op, differs('odd', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
INSERT INTO odd SELECT i, made(i, 3)::vector FROM generate_series(5001, 6000) i;
SELECT op, differs('odd', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
DELETE FROM odd;
VACUUM odd;
SELECT op, differs('odd', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
-- room is used again
SELECT pg_relation_size('odd_l2') AS before \gset
INSERT INTO odd SELECT i, made(i, 3)::vector FROM generate_series(1, 2000) i;
SELECT pg_relation_size('odd_l2') <= :before AS used_again;
SELECT op, differs('odd', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
REINDEX TABLE odd;
SELECT op, differs('odd', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
REINDEX INDEX CONCURRENTLY odd_l2;
SELECT differs('odd', '<->', '''[1,2,3]''');
TRUNCATE odd;
SELECT differs('odd', '<->', '''[1,2,3]''');
INSERT INTO odd SELECT i, made(i, 3)::vector FROM generate_series(1, 100) i;
SELECT differs('odd', '<->', '''[1,2,3]''');
DROP TABLE odd;

-- an index of an empty table; sizes that it could not foresee; a domain
CREATE DOMAIN embedding AS vector(3);
CREATE TABLE empty (id int, v embedding);
CREATE INDEX empty_l2 ON empty USING ivf (v vector_l2_ops);
CREATE INDEX empty_ip ON empty USING ivf (v vector_ip_ops);
CREATE INDEX empty_cosine ON empty USING ivf (v vector_cosine_ops);
CREATE INDEX empty_l1 ON empty USING ivfflat (v vector_l1_ops);
SELECT op, differs('empty', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;
INSERT INTO empty SELECT i, made(i, 3, 10 ^ (i % 76 - 38))::vector FROM generate_series(1, 500) i;
SELECT op, differs('empty', op, '''[1,2,3]''') FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;
SELECT op, q, differs('empty', op, q) FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op, unnest(ARRAY['''[1e38,2e38,3e38]''', '''[1e-38,0,0]''', '''[1e17,-1e17,0]''']) q WHERE differs('empty', op, q) IS NOT NULL;
DROP TABLE empty;
DROP DOMAIN embedding;

-- all equal
CREATE TABLE same (id int, v vector(5));
INSERT INTO same SELECT i, '[1,2,3,4,5]' FROM generate_series(1, 1000) i;
CREATE INDEX same_l2 ON same USING ivf (v vector_l2_ops) WITH (lists = 50);
CREATE INDEX same_cosine ON same USING ivfflat (v vector_cosine_ops) WITH (lists = 50);
INSERT INTO same SELECT i, '[1,2,3,4,5]' FROM generate_series(1001, 1100) i;
SELECT op, q, differs('same', op, q) FROM unnest(ARRAY['<->', '<=>']) op, unnest(ARRAY['''[1,2,3,4,5]''', '''[5,4,3,2,1]''']) q;
DROP TABLE same;

-- expressions, predicates, partitions, temporary and unlogged tables
CREATE TABLE part (id int, v vector(3), any_v vector) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (500);
CREATE UNLOGGED TABLE part_2 PARTITION OF part FOR VALUES FROM (500) TO (2000);
CREATE INDEX ON part USING ivf (v vector_l2_ops);
INSERT INTO part SELECT i, made(i, 3)::vector, made(i, 3 + i % 2)::vector FROM generate_series(1, 1000) i;
SELECT differs('part', '<->', '''[1,2,3]''');
CREATE INDEX ON part_1 USING ivf ((any_v::vector(4)) vector_cosine_ops) WHERE vector_dims(any_v) = 4;
SET enable_seqscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM part_1 WHERE vector_dims(any_v) = 4 ORDER BY any_v::vector(4) <=> '[1,2,3,4]' LIMIT 3;
SELECT count(*), sum(id % 2) FROM (SELECT id FROM part_1 WHERE vector_dims(any_v) = 4 ORDER BY any_v::vector(4) <=> '[1,2,3,4]') x;
RESET enable_sort;
RESET enable_seqscan;
-- the table's number of rows, not the index's
SELECT reltuples FROM pg_class WHERE relname = 'part_1';
DROP TABLE part;
CREATE TEMPORARY TABLE temp_odd (id int, v halfvec(3));
INSERT INTO temp_odd SELECT i, made(i, 3)::halfvec FROM generate_series(1, 500) i;
CREATE INDEX ON temp_odd USING ivf (v halfvec_l2_ops);
INSERT INTO temp_odd SELECT i, made(i, 3)::halfvec FROM generate_series(501, 1000) i;
DELETE FROM temp_odd WHERE id % 2 = 0;
VACUUM temp_odd;
SELECT differs('temp_odd', '<->', '''[1,2,3]''');
DROP TABLE temp_odd;

-- settings: how many rows come
CREATE TABLE flat (id int, v vector(2));
INSERT INTO flat SELECT i, made(i, 2)::vector FROM generate_series(1, 1000) i;
CREATE INDEX ON flat USING ivfflat (v vector_l2_ops) WITH (lists = 20);
SET enable_seqscan = off;
SET ivfflat.probes = 1;
SELECT count(*) FROM (SELECT id FROM flat ORDER BY v <-> '[1,1]') x;
SET ivfflat.iterative_scan = off;
SELECT count(*) BETWEEN 1 AND 500 FROM (SELECT id FROM flat ORDER BY v <-> '[1,1]') x;
SET ivfflat.probes = 20;
SELECT count(*) FROM (SELECT id FROM flat ORDER BY v <-> '[1,1]') x;
SET ivfflat.iterative_scan = relaxed_order;
SET ivfflat.probes = 1;
SET ivfflat.max_probes = 2;
SELECT count(*) BETWEEN 1 AND 500 FROM (SELECT id FROM flat ORDER BY v <-> '[1,1]') x;
RESET ivfflat.max_probes;
RESET enable_seqscan;
DROP TABLE flat;

-- TRUNCATE of a table of this transaction builds the index anew in its file
BEGIN;
CREATE TABLE again (id int, v vector(3));
CREATE INDEX ON again USING ivf (v vector_l2_ops) WITH (lists = 4);
INSERT INTO again SELECT i, made(i, 3)::vector FROM generate_series(1, 300) i;
SELECT differs('again', '<->', '''[1,2,3]''');
TRUNCATE again;
INSERT INTO again SELECT i, made(i, 3, 1000)::vector FROM generate_series(1, 200) i;
SELECT differs('again', '<->', '''[1,2,3]''');
ROLLBACK;

-- errors
CREATE TABLE wrong (id int, v vector(3), any_v vector, s sparsevec(9));
CREATE INDEX ON wrong USING ivf (v vector_l1_ops) WITH (quantizer = rabitq);
CREATE INDEX ON wrong USING ivf (v vector_l1_ops) WITH (quantizer = sq8);
CREATE INDEX ON wrong USING ivf (v vector_l1_ops) WITH (quantizer = pq);
CREATE INDEX ON wrong USING ivf (any_v vector_l2_ops);
CREATE INDEX ON wrong USING ivf (s);
CREATE INDEX ON wrong USING ivf (v vector_l2_ops);
SET enable_seqscan = off;
SELECT id FROM wrong ORDER BY v <-> '[1,2]';
INSERT INTO wrong VALUES (1, '[1,2]');
DROP TABLE wrong;
DROP FUNCTION try_all, try_long, differs, literal, made;

-- rows in order have their ctid: to be locked, and to be deleted by
CREATE TABLE placed (id int, v vector(8));
INSERT INTO placed SELECT i, (SELECT array_agg(sin(i * j)) FROM generate_series(1, 8) j)::vector
FROM generate_series(1, 300) i;
CREATE INDEX placed_v ON placed USING ivf (v vector_l2_ops);
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

-- plain rows come out in order to the last bit: the sums of the operator are not those of the search
CREATE TABLE close (v vector(8));
INSERT INTO close SELECT (SELECT array_agg(round(sin(i * j * 0.7)::numeric, 2)) FROM generate_series(1, 8) j)::vector
FROM generate_series(1, 2000) i;
CREATE FUNCTION late(method text, ops text, operator text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('CREATE INDEX close_v ON close USING %s (v %s) WITH (quantizer = none)', method, ops);
    EXECUTE format('SELECT count(*) FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v %1$s %2$L AS d FROM close ORDER BY v %1$s %2$L OFFSET 0) o) x WHERE d < before',
                   operator, '[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8]') INTO n;
    DROP INDEX close_v;
    RETURN n;
END $$;
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.probes = 1000000;
SELECT late('ivf', 'vector_' || ops || '_ops', operator)
FROM (VALUES ('l2', '<->'), ('l1', '<+>'), ('ip', '<#>'), ('cosine', '<=>')) m (ops, operator);
RESET enable_seqscan;
RESET enable_sort;
RESET ivf.probes;
DROP FUNCTION late;
DROP TABLE close;

-- 600 rows just above the 40 candidates that are left when more than one list is looked at: all come
CREATE TABLE near (v vector(2));
INSERT INTO near SELECT CASE WHEN i <= 20 THEN '[1,0]' WHEN i <= 40 THEN '[10,0]' WHEN i <= 640 THEN '[10.01,0]' ELSE '[1000,0]' END::vector
FROM generate_series(1, 690) i;
CREATE INDEX near_v ON near USING ivf (v vector_l2_ops) WITH (quantizer = none, lists = 2);
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.probes = 1;
SELECT v, count(*) FROM (SELECT v FROM near ORDER BY v <-> '[0,0]') x GROUP BY v ORDER BY v;
RESET enable_seqscan;
RESET enable_sort;
RESET ivf.probes;
DROP TABLE near;
