-- Every operator class of hnsw, with every quantizer, against sequential scans.

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
CREATE FUNCTION try_all(type text, nrows int, size float8 DEFAULT 1, middle float8 DEFAULT 0, options text DEFAULT 'm = 8') RETURNS TABLE (index text, difference text) LANGUAGE plpgsql AS $$
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
                difference := differs('try', o.op, quote_literal(literal(type, made(CASE seed WHEN 1 THEN 17 ELSE seed * 7001 END, d, size, middle))) || '::' || type, true);
                EXIT WHEN difference IS NOT NULL;
            END LOOP;
            DROP INDEX try_index;
        EXCEPTION WHEN others THEN difference := sqlerrm;
        END;
        RETURN NEXT;
    END LOOP;
    DROP TABLE try;
END$$;

SELECT * FROM try_all('vector(16)', 300);
SELECT * FROM try_all('halfvec(16)', 300);
SELECT * FROM try_all('int8vec(16)', 300);
SELECT * FROM try_all('bit(80)', 300);

-- equal vectors
CREATE FUNCTION try_equal(type text) RETURNS TABLE (class text, difference text) LANGUAGE plpgsql AS $$
DECLARE
    base text := split_part(type, '(', 1);
    d int := substring(type from '\d+(?=\))')::int;
    o record;
BEGIN
    EXECUTE format('CREATE TABLE try (id int, v %s)', type);
    EXECUTE format('INSERT INTO try SELECT i, literal(%1$L, made(i %% 3, %2$s))::%1$s FROM generate_series(1, 400) i', type, d);
    FOR o IN SELECT opcname, op.oprname AS op FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod
             JOIN pg_amop ao ON ao.amopfamily = opcfamily JOIN pg_operator op ON op.oid = ao.amopopr
             WHERE a.amname = 'hnsw' AND opcintype = base::regtype ORDER BY 1
    LOOP
        class := o.opcname;
        EXECUTE format('CREATE INDEX try_index ON try USING hnsw (v %s)', class);
        EXECUTE format('INSERT INTO try SELECT i, literal(%1$L, made(i %% 4, %2$s))::%1$s FROM generate_series(401, 600) i', type, d);
        difference := differs('try', o.op, quote_literal(literal(type, made(2, d))) || '::' || type, true);
        DROP INDEX try_index;
        DELETE FROM try WHERE id > 400;
        RETURN NEXT;
    END LOOP;
    DROP TABLE try;
END$$;
SELECT type, t.* FROM unnest(ARRAY['vector(16)', 'halfvec(16)', 'int8vec(16)', 'bit(80)']) type, try_equal(type) t;
DROP FUNCTION try_all, try_equal, differs, literal, made;
