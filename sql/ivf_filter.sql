-- Filters on columns of ivf and ivfflat indexes against sequential scans.
SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION made(seed int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8 + seed * i * 0.37::float8)::real) FROM generate_series(1, d) i$$;
-- of 20 rows, one has no vector, and one a zero vector
CREATE FUNCTION filter_rows(first int, last int)
RETURNS TABLE (id int, tenant int, day date, name text, tags int[], rare bool, v vector) LANGUAGE sql AS $$
    SELECT i, nullif(i % 13, 0), '2024-01-01'::date + i % 100, CASE WHEN i % 7 > 0 THEN 'name ' || i % 50 END,
        CASE WHEN i % 5 > 0 THEN ARRAY[i % 3, i % 11, NULL] END, i % 997 = 7,
        CASE i % 20 WHEN 0 THEN NULL WHEN 1 THEN array_fill(0, ARRAY[16]) ELSE made(i, 16) END::vector
    FROM generate_series(first, last) i$$;
CREATE TABLE filter_t (id int, tenant int, day date, name text, tags int[], rare bool, v vector(16));
INSERT INTO filter_t SELECT * FROM filter_rows(1, 3000);
ANALYZE filter_t;

-- How a condition's rows come in order, and which; ids only where there is no limit.
CREATE FUNCTION filter_found(condition text, op text, query text, lim text, OUT d float8[], OUT ids int[]) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT array_agg(d), array_agg(id) FROM (SELECT id, v %1$s (SELECT %2$L::vector) AS d FROM filter_t WHERE %3$s ORDER BY v %1$s (SELECT %2$L::vector) LIMIT %4$s) x',
                   op, query, condition, lim) INTO d, ids;
END$$;
/*
 * What is wrong with an index scan, or NULL: another number of rows than the
 * sequential scan, or other rows, or, where exact, another order.
 */
CREATE FUNCTION filter_differs(condition text, op text, query text, lim text, exact bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a record; b record; plan json; bad int;
BEGIN
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    SELECT * INTO a FROM filter_found(condition, op, query, lim);
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_sort = off;
    SET LOCAL enable_indexscan = on;
    EXECUTE format('EXPLAIN (FORMAT json) SELECT id FROM filter_t WHERE %s ORDER BY v %s (SELECT %L::vector) LIMIT %s', condition, op, query, lim) INTO plan;
    IF plan::text NOT LIKE '%filter_i%' THEN RETURN 'no index scan'; END IF;
    SELECT * INTO b FROM filter_found(condition, op, query, lim);
    IF cardinality(a.ids) IS DISTINCT FROM cardinality(b.ids) THEN
        RETURN format('%s rows, by index %s', cardinality(a.ids), cardinality(b.ids));
    END IF;
    IF lim = 'ALL' AND (SELECT array_agg(x ORDER BY x) FROM unnest(a.ids) x) IS DISTINCT FROM (SELECT array_agg(x ORDER BY x) FROM unnest(b.ids) x) THEN
        RETURN 'other rows';
    END IF;
    EXECUTE format('SELECT count(*) FROM filter_t WHERE id = ANY ($1) AND (%s)', condition) INTO bad USING b.ids;
    IF bad <> coalesce(cardinality(b.ids), 0) THEN RETURN 'rows that do not pass'; END IF;
    IF exact THEN
        SELECT count(*) INTO bad FROM unnest(a.d, b.d) AS t(x, y)
            WHERE (x IS NULL) <> (y IS NULL) OR (x = 'NaN') <> (y = 'NaN') OR (x <> 'NaN' AND x <> y AND abs(x - y) > 1e-5);
        IF bad > 0 THEN RETURN bad || ' in another order'; END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END$$;
CREATE TABLE filter_conditions AS SELECT * FROM (VALUES
    ('tenant = 3'), ('tenant <> 3 AND tenant >= 2'), ('tenant BETWEEN 3 AND 9'), ('tenant > 11'), ('tenant IN (1, 5, 12, 77)'),
    ('tenant IS NULL'), ('tenant IS NOT NULL'), ('tenant = 14'), ('tenant > 5 AND tenant < 4'), ('tenant < 3000000000::int8'),
    ('day = ''2024-02-01'''), ('day >= ''2024-03-01'' AND day < ''2024-03-10'''), ('name = ''name 17'''), ('name IS NULL'),
    ('name IN (''name 1'', ''name 2'', ''nobody'')'), ('tags && ARRAY[7]'), ('tags @> ARRAY[1, 4]'), ('tags @> ''{}'''), ('tags IS NULL'),
    ('rare'), ('NOT rare'), ('tenant = 3 AND day = ''2024-01-21'''), ('tenant = 3 AND day > ''2024-02-01'' AND name = ''name 3'' AND NOT rare'),
    ('tenant = 4 AND id % 2 = 0')) x(condition);

-- every quantizer: all rows that pass come, and those that exact ones find in order
CREATE FUNCTION filter_try(am text, opclass text, op text, options text, exact bool)
RETURNS TABLE (condition text, query text, lim text, difference text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX filter_i ON filter_t USING %s (v %s, tenant, day, name, tags, rare) WITH (%s)', am, opclass, options);
    -- a vector, none, one that is zero, and one that is far away
    RETURN QUERY SELECT c.condition, q.q, l.l, d FROM filter_conditions c,
        (VALUES (made(7, 16)::text), (NULL), (array_fill(0, ARRAY[16])::text), (array_fill(1e18, ARRAY[16])::text)) r(r),
        LATERAL (SELECT translate(r.r, '{}', '[]')) q(q), unnest(ARRAY['ALL', '12']) l(l),
        LATERAL (SELECT filter_differs(c.condition, op, q.q, l.l, exact AND q.q IS NOT NULL AND l.l <> 'ALL')) d(d)
        WHERE d IS NOT NULL ORDER BY 1, 2, 3;
    DROP INDEX filter_i;
END$$;
SET ivf.probes = 1000000;
SET ivfflat.probes = 32768;
SELECT * FROM filter_try('ivf', 'vector_l2_ops', '<->', 'lists = 20', false);
SELECT * FROM filter_try('ivf', 'vector_cosine_ops', '<=>', 'lists = 20', false);
SELECT * FROM filter_try('ivf', 'vector_ip_ops', '<#>', 'lists = 20, bits = 4', false);
SELECT * FROM filter_try('ivf', 'vector_l2_ops', '<->', 'lists = 20, bits = 1', false);
SELECT * FROM filter_try('ivf', 'vector_l2_ops', '<->', 'lists = 5, quantizer = pq', false);
SELECT * FROM filter_try('ivf', 'vector_cosine_ops', '<=>', 'lists = 20, quantizer = sq8', true);
SELECT * FROM filter_try('ivf', 'vector_l1_ops', '<+>', 'lists = 20', true);
SELECT * FROM filter_try('ivfflat', 'vector_l2_ops', '<->', 'lists = 20', true);
SELECT * FROM filter_try('ivfflat', 'vector_cosine_ops', '<=>', 'lists = 1', true);
-- as many rows as are asked for, however few lists are looked at first
SET ivf.probes = 1;
SELECT * FROM filter_try('ivf', 'vector_l2_ops', '<->', 'lists = 50', false);
RESET ivf.probes;
SELECT * FROM filter_try('ivf', 'vector_l2_ops', '<->', 'lists = 50', false);
SELECT * FROM filter_try('ivf', 'vector_cosine_ops', '<=>', 'lists = 50, quantizer = none', false);
SET ivf.recall = 0.5;
SELECT * FROM filter_try('ivf', 'vector_ip_ops', '<#>', 'lists = 50, quantizer = sq8', false);
RESET ivf.recall;

-- rows that came after the build, some of them in no block yet; that changed; that went
CREATE INDEX filter_i ON filter_t USING ivf (v vector_l2_ops, tenant, day, name, tags, rare) WITH (lists = 20);
CREATE VIEW filter_wrong AS
    SELECT condition, lim, d AS difference FROM filter_conditions, unnest(ARRAY['ALL', '7']) lim,
        LATERAL (SELECT filter_differs(condition, '<->', translate(made(8, 16)::text, '{}', '[]'), lim, false)) d(d)
    WHERE d IS NOT NULL ORDER BY 1, 2;
INSERT INTO filter_t SELECT * FROM filter_rows(3001, 3333);
SELECT * FROM filter_wrong;
UPDATE filter_t SET tenant = tenant + 1, tags = NULL, day = day + 1 WHERE id % 3 = 0;
SELECT * FROM filter_wrong;
DELETE FROM filter_t WHERE id % 4 = 0;
SELECT * FROM filter_wrong;
VACUUM filter_t;
SELECT * FROM filter_wrong;
INSERT INTO filter_t SELECT * FROM filter_rows(3334, 4000);
SELECT * FROM filter_wrong;

-- a scan that begins anew with other conditions, and none; what a scan has tested
SET enable_seqscan = off;
SET enable_sort = off;
SELECT t, (SELECT array_agg(x.tenant) FROM (SELECT tenant FROM filter_t WHERE tenant = t ORDER BY v <-> made(9, 16)::vector LIMIT 3) x)
FROM unnest(ARRAY[5, NULL, 99, 2]) t;
SET plan_cache_mode = force_generic_plan;
PREPARE filter_one(int) AS SELECT tenant FROM filter_t WHERE tenant = $1 ORDER BY v <-> made(9, 16)::vector LIMIT 2;
EXECUTE filter_one(3);
EXECUTE filter_one(NULL);
EXECUTE filter_one(4);
PREPARE filter_any(int[]) AS SELECT count(*) FROM (SELECT 1 FROM filter_t WHERE tenant = ANY ($1) ORDER BY v <-> made(9, 16)::vector) x;
EXECUTE filter_any('{}');
EXECUTE filter_any(NULL);
EXECUTE filter_any('{NULL, 3}');
RESET plan_cache_mode;
SELECT count(*) FROM (SELECT 1 FROM filter_t WHERE tenant > 5 AND tenant < 4 ORDER BY v <-> made(9, 16)::vector) x;
SELECT tested, passed, lists FROM vecdb_last_scan();
SELECT count(*) FROM (SELECT 1 FROM filter_t WHERE tenant = 3 AND tags @> '{1}' ORDER BY v <-> made(9, 16)::vector LIMIT 5) x;
SELECT tested >= passed AS tested, passed >= rows AS passed, rows >= 5 AS rows, lists > 0 AS lists FROM vecdb_last_scan();
SELECT count(*) FROM (SELECT 1 FROM filter_t ORDER BY v <-> made(9, 16)::vector LIMIT 5) x;
SELECT tested, passed FROM vecdb_last_scan();
DROP INDEX filter_i;

-- ivfflat looks at ivfflat.probes lists, whatever passes, or goes on as it is told
CREATE INDEX filter_i ON filter_t USING ivfflat (v vector_l2_ops, tenant, rare) WITH (lists = 50);
SET ivfflat.probes = 1;
SET ivfflat.iterative_scan = off;
SELECT count(*) < (SELECT count(*) FROM filter_t WHERE tenant < 13) AS few FROM (SELECT 1 FROM filter_t WHERE tenant < 13 ORDER BY v <-> made(9, 16)::vector) x;
SELECT lists FROM vecdb_last_scan();
SET ivfflat.iterative_scan = relaxed_order;
SELECT count(*) FROM (SELECT 1 FROM filter_t WHERE tenant = 3 ORDER BY v <-> made(9, 16)::vector LIMIT 30) x;
SELECT count(*) = (SELECT count(*) FROM filter_t WHERE tenant < 13) AS "all" FROM (SELECT 1 FROM filter_t WHERE tenant < 13 ORDER BY v <-> made(9, 16)::vector) x;
SET ivfflat.max_probes = 2;
SELECT count(*) < (SELECT count(*) FROM filter_t WHERE tenant < 13) AS few FROM (SELECT 1 FROM filter_t WHERE tenant < 13 ORDER BY v <-> made(9, 16)::vector) x;
SELECT lists FROM vecdb_last_scan();
RESET ivfflat.max_probes;
RESET ivfflat.iterative_scan;
DROP INDEX filter_i;

-- an index that nothing was put in; one that begins empty and is truncated
CREATE TABLE filter_none (v vector(3), tenant int);
CREATE INDEX filter_none_i ON filter_none USING ivf (v vector_l2_ops, tenant);
SELECT * FROM filter_none WHERE tenant = 1 ORDER BY v <-> '[1,2,3]';
INSERT INTO filter_none SELECT ARRAY[i, 1, 2]::vector, i % 4 FROM generate_series(1, 40) i;
SELECT * FROM filter_none WHERE tenant = 1 ORDER BY v <-> '[1,2,3]' LIMIT 3;
TRUNCATE filter_none;
SELECT * FROM filter_none WHERE tenant = 1 ORDER BY v <-> '[1,2,3]';

DROP TABLE filter_none;
DROP VIEW filter_wrong;
DROP FUNCTION filter_try, filter_differs, filter_found, filter_rows;
DROP TABLE filter_t, filter_conditions;
DROP FUNCTION made;
