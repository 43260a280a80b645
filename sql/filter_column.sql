-- Columns after the vector, to filter by: what there is, what is refused, which
-- conditions they are for.

-- of each type as much as codes tell
SELECT c.opcintype::regtype, f.opfname AS family, c.opcname, c.opcdefault,
       (SELECT string_agg(o.amopopr::regoper || CASE WHEN amoprighttype <> amoplefttype THEN amoprighttype::regtype::text ELSE '' END, ' '
                          ORDER BY amoprighttype <> amoplefttype, amoprighttype::regtype::text COLLATE "C", amopstrategy)
        FROM pg_amop AS o WHERE o.amopfamily = f.oid AND o.amoplefttype = c.opcintype) AS operators
FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = c.opcmethod JOIN pg_opfamily AS f ON f.oid = c.opcfamily
WHERE a.amname = 'hnsw' AND NOT EXISTS (SELECT FROM pg_amproc AS p WHERE p.amprocfamily = f.oid)
ORDER BY c.opcintype::regtype::text COLLATE "C";
-- the same for the other methods
SELECT a.amname, count(*) FROM pg_amop AS o JOIN pg_opfamily AS f ON f.oid = o.amopfamily JOIN pg_am AS a ON a.oid = f.opfmethod
WHERE a.amname IN ('hnsw', 'ivf', 'ivfflat') AND o.amoppurpose = 's' GROUP BY 1 ORDER BY 1;

CREATE TYPE column_mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE column_test (id int, v vector(3), tenant int, published timestamptz, price numeric, mood column_mood,
                          title varchar(20), tags text[], key uuid, public boolean, j json, w vector(3), b bit(3));
INSERT INTO column_test
SELECT i, ARRAY[random(), random(), random()], i % 10, '2020-01-01'::timestamptz + i * interval '1 day', i / 7.0,
       ('{sad,ok,happy}'::column_mood[])[1 + i % 3], 'title ' || i % 5, ARRAY['tag ' || i % 4, 'tag ' || i % 9],
       md5((i % 100)::text)::uuid, i % 2 = 0
FROM generate_series(1, 1000) AS i;
INSERT INTO column_test (id, v) SELECT i, ARRAY[random(), random(), random()] FROM generate_series(1001, 1020) AS i;
INSERT INTO column_test (id, tenant) SELECT i, i % 10 FROM generate_series(1021, 1040) AS i;
ANALYZE column_test;

-- refused
CREATE INDEX ON column_test USING hnsw (tenant);
CREATE INDEX ON column_test USING hnsw (tenant, v vector_l2_ops);
CREATE INDEX ON column_test USING hnsw (v vector_l2_ops, w vector_l2_ops);
CREATE INDEX ON column_test USING ivf (v, b bit_hamming_ops);
CREATE INDEX ON column_test USING hnsw (v vector_l2_ops) INCLUDE (tenant);
CREATE INDEX ON column_test USING hnsw (v vector_l2_ops, j);
CREATE INDEX ON column_test USING hnsw (v vector_l2_ops, tenant DESC);
CREATE INDEX ON column_test USING hnsw (v vector_l2_ops, tenant text_ops);
CREATE UNIQUE INDEX ON column_test USING hnsw (v vector_l2_ops, tenant);

-- operator classes that cannot be: no hash function; not the hash function's equality
CREATE OPERATOR CLASS column_box_ops FOR TYPE box USING hnsw AS OPERATOR 3 = (box, box);
CREATE OPERATOR CLASS column_near_ops FOR TYPE text USING hnsw AS OPERATOR 3 ~~ (text, text);
CREATE OPERATOR CLASS column_order_ops FOR TYPE text USING hnsw AS OPERATOR 1 < (text, text);
CREATE OPERATOR CLASS column_strategy_ops FOR TYPE text USING hnsw AS OPERATOR 3 = (text, text), OPERATOR 8 ~ (text, text);
SELECT opcname, amvalidate(oid) FROM pg_opclass WHERE opcname ~ '^column_.*_ops$' ORDER BY opcname;
CREATE TABLE column_box (v vector(3), b box, t text, i int);
CREATE INDEX ON column_box USING hnsw (v vector_l2_ops, b column_box_ops);
CREATE INDEX ON column_box USING hnsw (v vector_l2_ops, t column_near_ops);
CREATE INDEX ON column_box USING hnsw (v vector_l2_ops, t column_order_ops);
DROP TABLE column_box;
DROP OPERATOR FAMILY column_box_ops USING hnsw CASCADE;
DROP OPERATOR FAMILY column_near_ops USING hnsw CASCADE;
DROP OPERATOR FAMILY column_order_ops USING hnsw CASCADE;
DROP OPERATOR FAMILY column_strategy_ops USING hnsw CASCADE;

-- made, and told of
CREATE INDEX column_index ON column_test USING hnsw (v vector_l2_ops, tenant, published, price, mood, title, tags, key, public, (id % 10));
SELECT pg_get_indexdef('column_index'::regclass);
\d column_index
SELECT a.attname, p.name, pg_index_column_has_property('column_index', a.attnum, p.name)
FROM pg_attribute AS a, unnest('{asc,orderable,distance_orderable,returnable,search_array,search_nulls}'::text[]) WITH ORDINALITY AS p(name, n)
WHERE a.attrelid = 'column_index'::regclass AND a.attnum IN (1, 2, 7) ORDER BY a.attnum, p.n;

-- what is tested where
SET enable_seqscan = off;
CREATE FUNCTION column_plan(condition text) RETURNS TABLE(line text) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off AS $$
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT id FROM column_test WHERE ' || condition || ' ORDER BY v <-> ''[0,0,0]'' LIMIT 50' LOOP
        IF line ~ '(Cond|Filter): ' THEN
            line := trim(line);
            RETURN NEXT;
        END IF;
    END LOOP;
END$$;
SELECT * FROM column_plan('tenant = 3 AND published >= ''2021-01-01Z'' AND price < 50 AND mood = ''ok''');
SELECT * FROM column_plan('title = ''title 1'' AND tags @> ''{tag 1}'' AND key = ''cfcd2084-95d5-65ef-66e7-dff9f98764da''');
SELECT * FROM column_plan('tags && ''{tag 1}'' AND tags = ''{tag 1,tag 2}''');
SELECT * FROM column_plan('tenant BETWEEN 3::int8 AND 5::int2 AND id % 10 = 4');
SELECT * FROM column_plan('tenant IS NULL AND published IS NOT NULL');
SELECT * FROM column_plan('v IS NOT NULL');
SELECT * FROM column_plan('5 > tenant');
SELECT * FROM column_plan('tenant IN (1, 2, 3)');
SELECT * FROM column_plan('title IN (''title 1'', ''title 2'') AND tenant < ANY (''{1,2}'')');
SELECT * FROM column_plan('''tag 1'' = ANY (tags)');
SELECT * FROM column_plan('public');
SELECT * FROM column_plan('NOT public');
SELECT * FROM column_plan('public IS TRUE');
SELECT * FROM column_plan('public IS FALSE');
-- not what codes tell
SELECT * FROM column_plan('tenant <> 3');
SELECT * FROM column_plan('tenant NOT IN (1, 2)');
SELECT * FROM column_plan('public IS NOT TRUE');
SELECT * FROM column_plan('title < ''title 3''');
SELECT * FROM column_plan('mood > ''sad''');
SELECT * FROM column_plan('price = 3.5::float8');
SELECT * FROM column_plan('tags <@ ''{tag 1}''');
SELECT * FROM column_plan('''tag 1'' = ALL (tags)');
SELECT * FROM column_plan('''tag 1'' < ANY (tags)');
SELECT * FROM column_plan('title = ANY (tags)');
SELECT * FROM column_plan('''tag 1'' COLLATE "C" = ANY (tags)');
SELECT * FROM column_plan('published > ''2021-01-01''::date');
SELECT * FROM column_plan('title = ''title 1'' COLLATE "C"');
SELECT * FROM column_plan('tenant = (random() * 10)::int');

-- rows that a condition lets through: as many through the index, and the same
CREATE FUNCTION column_same(condition text, OUT rows int, OUT same boolean) LANGUAGE plpgsql AS $$
DECLARE
    through int[];
    without int[];
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true);
    EXECUTE 'SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM column_test WHERE ' || condition || ' ORDER BY v <-> ''[0,0,0]'') AS t' INTO through;
    PERFORM set_config('enable_seqscan', 'on', true);
    PERFORM set_config('enable_indexscan', 'off', true);
    EXECUTE 'SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM column_test WHERE ' || condition || ' ORDER BY v <-> ''[0,0,0]'') AS t' INTO without;
    PERFORM set_config('enable_indexscan', 'on', true);
    PERFORM set_config('enable_seqscan', 'off', true);
    rows := coalesce(cardinality(without), 0);
    same := through IS NOT DISTINCT FROM without;
END$$;
CREATE TABLE column_condition (n serial, condition text);
INSERT INTO column_condition (condition) VALUES
    ('tenant = 3'), ('tenant = 3 AND tenant = 4'), ('tenant > 3 AND tenant < 4'), ('tenant > 3 AND tenant <= 4'), ('tenant >= 3 AND tenant < 7 AND tenant > 2 AND tenant <= 5'),
    ('tenant IS NULL'), ('tenant IS NOT NULL'), ('tenant IS NULL AND tenant = 3'), ('tenant IS NULL AND tenant IS NOT NULL'), ('tenant = 99'),
    ('tenant IN (1)'), ('tenant IN (1, 2, 3)'), ('tenant IN (1, 5, 9)'), ('tenant IN (1, 5, 9, 1, 5, NULL)'), ('tenant IN (1, 5, 9) AND tenant IN (5, 6, 9)'),
    ('tenant IN (1, 5, 9) AND tenant > 5'), ('tenant IN (1, 5) AND tenant > 5'), ('tenant = ANY (''{}'')'), ('tenant = ANY (''{NULL}''::int[])'),
    ('tenant = ANY (''{3,4294967299}''::int8[])'), ('tenant = ANY (''{4294967299}''::int8[])'),
    ('tenant < ANY (''{1,2,NULL}'')'), ('tenant <= ANY (''{1,2}'')'), ('tenant > ANY (''{8,7}'')'), ('tenant >= ANY (''{9,8}'')'), ('tenant > ANY (''{}'')'),
    ('tenant < 4294967296'), ('tenant > -4294967296'), ('tenant < -4294967296'), ('tenant = 4294967299'),
    ('published < ''2020-02-01Z'''), ('published BETWEEN ''2020-02-01Z'' AND ''2020-03-01Z'''), ('published > ''infinity'''), ('published IS NULL'),
    ('price < 10'), ('price > 140'), ('price = 1'), ('price IN (1, 2, 3)'), ('price <= 1 AND price >= 1'), ('price < 1 AND price > 1'),
    ('mood = ''sad'''), ('mood IN (''ok'', ''sad'')'), ('mood IS NULL'),
    ('title = ''title 3'''), ('title IN (''title 3'', ''no title'', ''title 4'')'), ('title = ''no title'''), ('title = ANY (''{}'')'),
    ('tags @> ''{tag 1}'''), ('tags @> ''{tag 1,tag 5}'''), ('tags @> ''{}'''), ('tags @> ''{NULL}'''), ('tags @> ''{no tag}'''),
    ('tags && ''{tag 1,tag 5}'''), ('tags && ''{}'''), ('tags && ''{NULL}'''), ('tags && ''{NULL,tag 1}'''), ('tags && ''{tag 1}'' AND tags && ''{tag 8}'' AND tags @> ''{tag 8}'''),
    ('''tag 5'' = ANY (tags)'), ('''tag 5'' = ANY (tags) AND ''tag 1'' = ANY (tags)'), ('(SELECT ''tag 5'') = ANY (tags)'), ('(SELECT NULL::text) = ANY (tags)'),
    ('tags = ''{tag 1,tag 5}'''), ('tags IS NULL'), ('tags IS NOT NULL'), ('tags IS NULL AND tags @> ''{}'''),
    ('key = ''cfcd2084-95d5-65ef-66e7-dff9f98764da'''), ('key > ''80000000-0000-0000-0000-000000000000'''), ('key IN (md5(''1'')::uuid, md5(''2'')::uuid, md5(''x'')::uuid)'),
    ('key < ''00000000-0000-0000-0000-000000000000'''), ('key > ''ffffffff-ffff-ffff-ffff-ffffffffffff'''), ('key IS NULL'),
    ('public'), ('NOT public'), ('public IS TRUE'), ('public IS FALSE'), ('public IS NULL'), ('public IN (true, false)'), ('public > false'), ('public >= false'), ('public < false'),
    ('id % 10 = 4'), ('v IS NULL'), ('v IS NOT NULL'), ('v IS NULL AND tenant = 3'), ('v IS NOT NULL AND tenant IS NULL'),
    ('tenant = 3 AND public IS FALSE AND published > ''2020-06-01Z'' AND price < 100 AND tags && ''{tag 1,tag 3,tag 5}'''),
    ('tenant = 3 OR tenant = 5'), ('tenant = (SELECT 3)'), ('tenant = (SELECT NULL::int)'), ('tenant = ANY ((SELECT ''{3,NULL}''::int[])::int[])'), ('tenant = ANY ((SELECT NULL::int[])::int[])'),
    ('tenant IN (SELECT i FROM generate_series(3, 4) AS i)'), ('tenant < (SELECT 3)');
SELECT condition, rows, same FROM column_condition, column_same(condition) ORDER BY n;
-- rows that the index returned and the condition took away again: none where
-- codes tell all
CREATE FUNCTION column_removed(condition text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) SELECT id FROM column_test WHERE ' || condition || ' ORDER BY v <-> ''[0,0,0]''' INTO plan;
    RETURN jsonb_path_query_first(plan, '$.**."Rows Removed by Index Recheck"');
END$$;
SET enable_indexscan = on;
SELECT condition, column_removed(condition) FROM unnest(ARRAY[
    'tenant < 5', 'tenant IS NULL', 'tenant > 3 AND tenant <= 7', 'tenant IN (1, 3, 5)', 'tenant < 3.5::float8::int8', 'tenant IS NOT NULL',
    'published < ''2021-01-01Z''', 'mood = ''sad''', 'mood IN (''sad'', ''ok'')', 'key < ''80000000-0000-0000-0000-000000000000''', 'public', 'NOT public',
    'title IS NULL', 'tags IS NOT NULL', 'price IS NULL', 'price < 1', 'price <= 1']) AS condition;

-- the other methods; many columns, in other orders
DROP INDEX column_index;
CREATE INDEX column_index ON column_test USING ivf (v, public, tenant, key, published, price, mood, title, tags, tenant, (id % 10));
SELECT condition, rows, same FROM column_condition, column_same(condition) WHERE NOT same ORDER BY n;
DROP INDEX column_index;
CREATE INDEX column_index ON column_test USING ivfflat (v, tags, title, tenant, published) WITH (lists = 3);
SELECT condition, rows, same FROM column_condition, column_same(condition) WHERE NOT same ORDER BY n;
DROP INDEX column_index;

-- constants that are known only as it runs, for each row of another table
CREATE INDEX column_index ON column_test USING hnsw (v vector_l2_ops, tenant, title, tags);
SET enable_indexscan = on;
PREPARE by_tenant(int, text) AS SELECT count(*) FROM (SELECT id FROM column_test WHERE tenant = $1 AND title = $2 ORDER BY v <-> '[0,0,0]' LIMIT 30) AS t;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_tenant(3, 'title 3');
EXECUTE by_tenant(3, 'title 4');
EXECUTE by_tenant(NULL, 'title 4');
EXECUTE by_tenant(4, 'title 4');
PREPARE by_tenants(int[], text[]) AS SELECT count(*) FROM (SELECT id FROM column_test WHERE tenant = ANY ($1) AND tags && $2 ORDER BY v <-> '[0,0,0]' LIMIT 1000) AS t;
EXECUTE by_tenants('{1,2,3}', '{tag 1}');
EXECUTE by_tenants('{1,NULL}', '{tag 1,tag 2}');
EXECUTE by_tenants(NULL, '{tag 1}');
EXECUTE by_tenants('{}', '{tag 1}');
SELECT count(*) FROM column_test WHERE tenant IN (1, 2, 3) AND tags && '{tag 1}';
SELECT count(*) FROM column_test WHERE tenant = 1 AND tags && '{tag 1,tag 2}';
RESET plan_cache_mode;
SELECT s.tenant, s.tag, count(t.id), bool_and(t.tenant = s.tenant AND s.tag = ANY (t.tags))
FROM (VALUES (1, 'tag 1'), (2, 'tag 2'), (NULL, 'tag 1'), (3, NULL), (5, 'tag 1')) AS s(tenant, tag)
LEFT JOIN LATERAL (SELECT * FROM column_test AS t WHERE t.tenant = s.tenant AND t.tags @> ARRAY[s.tag] ORDER BY v <-> '[1,1,1]' LIMIT 7) AS t ON true
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT s.tenant, s.tag, count(t.id)
FROM (VALUES (1, 'tag 1'), (2, 'tag 2'), (NULL, 'tag 1'), (3, NULL), (5, 'tag 1')) AS s(tenant, tag)
LEFT JOIN column_test AS t ON t.tenant = s.tenant AND t.tags @> ARRAY[s.tag]
GROUP BY 1, 2 ORDER BY 1, 2;

-- another type of the column is another index
ALTER TABLE column_test ALTER tenant TYPE int8;
SELECT condition, rows, same FROM column_condition, column_same(condition) WHERE condition LIKE 'tenant%' AND NOT same ORDER BY n;
ALTER TABLE column_test ALTER tenant TYPE json USING to_json(tenant);

DROP TABLE column_test, column_condition;
DROP FUNCTION column_plan, column_same, column_removed;
DROP TYPE column_mood;
