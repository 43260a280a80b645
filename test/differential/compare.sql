-- What runs a query by indexes and by the table alone, and compares.
CREATE EXTENSION vecdb;
CREATE ROLE reader;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN grade AS int CHECK (VALUE >= -3);

-- Indexes that do not find exactly the nearest whatever the settings: a bound
-- from few bits can fail, and a graph of many nodes is not searched as a whole.
CREATE TABLE inexact (name text);
CREATE FUNCTION note_indexes() RETURNS void LANGUAGE sql AS $$
    DELETE FROM inexact;
    INSERT INTO inexact SELECT relname FROM pg_class c JOIN pg_am a ON a.oid = relam, vecdb_index_info(c.oid) i
        WHERE relkind = 'i' AND amname IN ('hnsw', 'ivf', 'ivfflat') AND (method = 'hnsw' AND nodes + dead_nodes > 900
            OR quantizer = 'pq' OR method <> 'hnsw' AND quantizer = 'rabitq');
$$;
-- An error for who lets it see a row that is hidden.
CREATE FUNCTION peek(visible bool) RETURNS bool STABLE COST 0.0001 LANGUAGE plpgsql AS $$
BEGIN
    IF visible IS NOT TRUE THEN
        RAISE 'a hidden row was seen';
    END IF;
    RETURN true;
END $$;

-- The rows of a query that gives g (a group), d (a distance) and r (a row),
-- the plan, and what went wrong.  All it does is undone, settings included.
--   loop, wrap    as it is, or in an aggregate, where workers may help
--   prepared      by a generic plan, for each of the arguments
--   cursor        with a change between one row and the next
--   scroll        with a cursor that goes back
CREATE TYPE answer AS (gs text[], ds float8[], rs text[], plan text, failed text);
CREATE FUNCTION answer(query text, how text, settings text[], types text, arguments text[], change text)
RETURNS answer LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    a answer;
    gs text[] := '{}';
    ds float8[] := '{}';
    rs text[] := '{}';
    plan text := '';
    line text;
    one record;
    again text[];
    c refcursor;
    argument text;
    nth int := 0;
    what text;
BEGIN
    BEGIN
        FOREACH line IN ARRAY settings LOOP
            PERFORM set_config(split_part(line, '=', 1), split_part(line, '=', 2), true);
        END LOOP;
        IF how = 'prepared' THEN
            PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
            FOR line IN SELECT name FROM pg_prepared_statements LOOP
                EXECUTE 'DEALLOCATE ' || quote_ident(line);
            END LOOP;
            EXECUTE 'PREPARE p' || types || ' AS ' || query;
        END IF;
        FOREACH argument IN ARRAY arguments LOOP
            nth := nth + 1;
            what := CASE WHEN how = 'prepared' THEN 'EXECUTE p' || argument ELSE query END;
            IF plan = '' THEN
                -- cursors begin fast
                FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || CASE how WHEN 'cursor' THEN 'DECLARE x NO SCROLL CURSOR FOR '
                        WHEN 'scroll' THEN 'DECLARE x SCROLL CURSOR FOR ' ELSE '' END || what LOOP
                    plan := plan || line || E'\n';
                END LOOP;
            END IF;
            IF how = 'wrap' THEN
                EXECUTE 'SELECT array_agg(g), array_agg(d), array_agg(r) FROM (' || what || ') x' INTO gs, ds, rs;
            ELSIF how IN ('cursor', 'scroll') THEN
                IF how = 'scroll' THEN
                    OPEN c SCROLL FOR EXECUTE what;
                ELSE
                    OPEN c NO SCROLL FOR EXECUTE what;
                END IF;
                LOOP
                    FETCH c INTO one;
                    EXIT WHEN NOT FOUND;
                    gs := gs || one.g::text;
                    ds := ds || one.d::float8;
                    rs := rs || one.r::text;
                    IF how = 'cursor' AND cardinality(rs) = 3 AND change <> '' THEN
                        EXECUTE change;
                    END IF;
                END LOOP;
                -- (What else there is need not be able to.)
                IF how = 'scroll' AND plan ~ 'Order By:|Custom Scan' THEN
                    again := '{}';
                    LOOP
                        FETCH PRIOR FROM c INTO one;
                        EXIT WHEN NOT FOUND;
                        again := one.r::text || again;
                    END LOOP;
                    IF again <> rs THEN
                        RAISE 'other rows backwards: %', again;
                    END IF;
                END IF;
                CLOSE c;
            ELSE
                FOR one IN EXECUTE what LOOP
                    gs := gs || (CASE WHEN how = 'prepared' THEN nth || ' ' ELSE '' END || one.g);
                    ds := ds || one.d::float8;
                    rs := rs || one.r::text;
                END LOOP;
            END IF;
        END LOOP;
        RAISE 'done' USING errcode = 'V0000';
    EXCEPTION
        WHEN SQLSTATE 'V0000' THEN
            NULL;
        WHEN query_canceled OR OTHERS THEN
            a.failed := SQLSTATE || ': ' || SQLERRM;
    END;
    a.gs := coalesce(gs, '{}');
    a.ds := coalesce(ds, '{}');
    a.rs := coalesce(rs, '{}');
    a.plan := plan;
    RETURN a;
END $$;

-- Rows as one text each, sorted.  (What is added to a distance makes -0 0.)
CREATE FUNCTION sorted(a answer, with_r bool, with_d bool) RETURNS text[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(x ORDER BY x), '{}')
    FROM (SELECT concat_ws(' | ', g, CASE WHEN with_d THEN coalesce((d + 0.0)::text, 'NULL') END,
                CASE WHEN with_r THEN r END) COLLATE "C" x
            FROM unnest(a.gs, a.ds, a.rs) u(g, d, r)) y;
$$;
CREATE FUNCTION missing(a text[], b text[]) RETURNS text[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(x ORDER BY x), '{}')
    FROM (SELECT unnest(a) x EXCEPT ALL SELECT unnest(b)) y;
$$;
CREATE FUNCTION shown(a text[]) RETURNS text LANGUAGE sql AS $$
    SELECT cardinality(a) || ' ' || a[1:12]::text;
$$;

-- The distances of each group, in order.
CREATE FUNCTION distances(a answer) RETURNS float8[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(d ORDER BY g COLLATE "C", d), '{}') FROM unnest(a.gs, a.ds) u(g, d);
$$;

-- How two answers may differ, by what kind of query it is:
--   rows       the same rows
--   ordered    the same rows, in the same order but for ties
--   top        the same distances in the same order, of rows that are in "every"
--   groups     the same distances in each group, of rows that are in "every"
--   summary    what r says is the same, and what d says, which is about distances
--   ranked     the same rows, of which r says what their order is
-- and by how it was found.  Where it is not exact, by settings or by its index,
-- distances may be others: as many rows, and of "every".  So with part, but the
-- search may end before it has seen all rows, by what was set, or by a distance
-- that it did not expect.
CREATE FUNCTION differ(kind text, search text, a answer, b answer, every answer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    exact bool := search = 'exact';
    part bool := search = 'part';
    full_a text[] := sorted(a, true, true);
    full_b text[] := sorted(b, true, true);
BEGIN
    IF a.failed IS DISTINCT FROM b.failed THEN
        RETURN format('one fails: %s, %s', coalesce(a.failed, 'no'), coalesce(b.failed, 'no'));
    ELSIF a.failed IS NOT NULL THEN
        RETURN NULL;
    ELSIF kind = 'summary' OR kind = 'ranked' AND search <> 'exact' THEN
        IF NOT part AND sorted(a, kind = 'summary', false) <> sorted(b, kind = 'summary', false)
            OR exact AND distances(a) <> distances(b) THEN
            RETURN format('%s, %s', shown(full_a), shown(full_b));
        END IF;
        RETURN NULL;
    ELSIF part THEN
        NULL;
    ELSIF kind IN ('rows', 'ordered', 'ranked') THEN
        IF full_a <> full_b THEN
            RETURN format('too many: %s, missing: %s', shown(missing(full_a, full_b)), shown(missing(full_b, full_a)));
        END IF;
    ELSIF sorted(a, false, false) <> sorted(b, false, false)
        OR exact AND distances(a) <> distances(b) THEN
        RETURN format('%s rows, %s rows; distances too many: %s, missing: %s', cardinality(a.rs), cardinality(b.rs),
            shown(missing(sorted(a, false, exact), sorted(b, false, exact))),
            shown(missing(sorted(b, false, exact), sorted(a, false, exact))));
    END IF;
    IF exact AND kind IN ('ordered', 'top') AND a.ds <> b.ds THEN
        RETURN format('another order: %s, %s', shown(a.ds::text[]), shown(b.ds::text[]));
    END IF;
    full_a := missing(full_a, full_b);
    IF part THEN
        -- where nothing was search, an outer join has a row without r
        full_a := ARRAY(SELECT x FROM unnest(full_a) x WHERE x !~ 'NULL$');
    END IF;
    IF full_a <> '{}' AND missing(full_a, sorted(every, true, true)) <> '{}' THEN
        RETURN format('rows that are none: %s', shown(missing(full_a, sorted(every, true, true))));
    END IF;
    RETURN NULL;
END $$;

-- One comparison: a line of numbers and words, and after them, where there is
-- a difference, what it is.  search is how a scan was set: exact, approximate or
-- part; radius says that the query has a distance that ends it.
CREATE FUNCTION compare(number int, kind text, how text, query text, every_query text, search text,
    radius bool, index_settings text[], table_settings text[], types text, arguments text[], change text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a answer := answer(query, how, index_settings, types, arguments, change);
    b answer;
    every answer;
    plain_how text := CASE how WHEN 'prepared' THEN how ELSE 'loop' END;
    custom bool := a.plan ~ 'Custom Scan';
    wrong text;
    near int := 0;
BEGIN
    b := answer(query, plain_how, table_settings, types, arguments, '');
    IF b.plan ~ 'Custom Scan|Order By:' THEN
        RAISE 'what is compared with uses an index: %', b.plan;
    END IF;
    every := b;
    IF every_query <> '' AND a.failed IS NULL AND sorted(a, true, true) <> sorted(b, true, true) THEN
        every := answer(every_query, plain_how, table_settings, types, arguments, '');
    END IF;
    IF search = 'exact' AND EXISTS (SELECT FROM inexact WHERE a.plan ~ ('\m' || name || '\M')) THEN
        search := 'approximate';
    END IF;
    IF search = 'approximate' AND radius AND custom THEN
        search := 'part';
    END IF;
    wrong := differ(kind, search, a, b, every);
    IF search IN ('approximate', 'part') THEN
        near := cardinality(b.ds) - cardinality(missing(sorted(b, false, true), sorted(a, false, true)));
    END IF;
    RETURN concat_ws('|', number, kind, how, search,
            CASE WHEN a.plan ~ 'Order By:|Custom Scan' THEN 'index' ELSE 'other' END,
            CASE WHEN custom THEN 'custom' ELSE '-' END,
            CASE WHEN a.plan ~ 'Index Cond:[^\n]*\n *Order By:' THEN 'cond' ELSE '-' END,
            cardinality(b.rs), near, coalesce(a.failed, '-'),
            CASE WHEN wrong IS NULL THEN 'same' ELSE 'DIFFERENT' END)
        || CASE WHEN wrong IS NULL THEN '' ELSE E'\n' || wrong || E'\n' || a.plan || '.' END;
END $$;
