-- Exact search: the k nearest rows, with ties, nulls, and everything else that
-- a query may have around them.  (No plans here: what comes out is the same
-- with an index or without.)

CREATE TABLE items (id int PRIMARY KEY, category int, v vector(2), h halfvec(2), s sparsevec(2), b bit(4));
INSERT INTO items SELECT i, i % 3, v, v, v, b FROM (VALUES
    (1, ARRAY[0, 0]::vector, B'0000'),
    (2, ARRAY[1, 0]::vector, B'0001'),
    (3, ARRAY[0, 1]::vector, B'0010'),
    (4, ARRAY[3, 4]::vector, B'1111'),
    (5, ARRAY[-3, -4]::vector, B'1100'),
    (6, ARRAY[6, 8]::vector, B'1101'),
    (7, NULL, NULL)) AS t(i, v, b);

SELECT id, v <-> '[0,0]' AS d FROM items ORDER BY d, id;
SELECT id, v <#> '[1,1]' AS d FROM items ORDER BY d, id;
SELECT id, v <=> '[3,4]' AS d FROM items ORDER BY d, id;
SELECT id, v <+> '[0,0]' AS d FROM items ORDER BY d, id;
SELECT id FROM items ORDER BY h <-> '[0,0]', id LIMIT 4;
SELECT id FROM items ORDER BY s <-> '{}/2', id LIMIT 4;
SELECT id FROM items ORDER BY b <~> B'1111', id LIMIT 4;
SELECT id FROM items ORDER BY b <%> B'1111', id LIMIT 4;

-- nulls come last, or where they are put; ties by another column
SELECT id FROM items ORDER BY v <-> '[0,0]' DESC, id LIMIT 3;
SELECT id FROM items ORDER BY v <-> '[0,0]' DESC NULLS LAST, id DESC LIMIT 3;
SELECT id FROM items ORDER BY v <-> NULL, id LIMIT 2;
SELECT id FROM items ORDER BY v <-> '[0,0]', id FETCH FIRST 2 ROWS WITH TIES;
SELECT count(*) FROM (SELECT id FROM items WHERE v IS NOT NULL ORDER BY v <-> '[0,0]' FETCH FIRST 2 ROWS WITH TIES) AS t;
SELECT id FROM items ORDER BY v <-> '[0,0]', id LIMIT 2 OFFSET 4;
SELECT id FROM items ORDER BY v <-> '[0,0]' LIMIT 0;

-- filters
SELECT id FROM items WHERE category = 1 ORDER BY v <-> '[3,4]', id;
SELECT id FROM items WHERE v <-> '[0,0]' < 5 ORDER BY id;
SELECT id FROM items WHERE v <-> '[0,0]' BETWEEN 1 AND 5 ORDER BY id;
SELECT id FROM items WHERE id <> 4 ORDER BY v <-> (SELECT v FROM items WHERE id = 4), id LIMIT 3;
SELECT category, count(*), min(v <-> '[0,0]') AS nearest FROM items GROUP BY category ORDER BY category;
SELECT DISTINCT ON (category) category, id FROM items WHERE v IS NOT NULL ORDER BY category, v <-> '[9,9]', id;

-- an empty table, a table of nulls
CREATE TABLE empty (LIKE items);
SELECT id FROM empty ORDER BY v <-> '[0,0]' LIMIT 5;
SELECT min(v <-> '[0,0]'), avg(v) FROM empty;
INSERT INTO empty (id) VALUES (1), (2);
SELECT id, v <-> '[0,0]' AS d FROM empty ORDER BY d, id LIMIT 5;
DROP TABLE empty;

-- subqueries, joins, LATERAL, WITH
SELECT q.id AS query, n.id, n.d
FROM (SELECT id, v FROM items WHERE id IN (1, 4, 7)) AS q,
     LATERAL (SELECT id, v <-> q.v AS d FROM items WHERE id <> q.id ORDER BY d, id LIMIT 2) AS n
ORDER BY q.id, n.d, n.id;
SELECT id, (SELECT b.id FROM items AS b WHERE b.id <> a.id ORDER BY a.v <-> b.v, b.id LIMIT 1) AS nearest FROM items AS a ORDER BY id;
WITH near AS MATERIALIZED (SELECT id, v <-> '[0,0]' AS d FROM items ORDER BY d, id LIMIT 3)
SELECT * FROM near WHERE d > 0 ORDER BY id DESC;
SELECT a.id, b.id FROM items AS a JOIN items AS b ON a.v <-> b.v = 5 ORDER BY 1, 2;
SELECT id FROM items WHERE id IN (SELECT id FROM items ORDER BY v <-> '[0,0]', id LIMIT 3) ORDER BY id;
(SELECT id FROM items ORDER BY v <-> '[0,0]', id LIMIT 1) UNION ALL (SELECT id FROM items ORDER BY v <-> '[6,8]', id LIMIT 1);
SELECT array_agg(id ORDER BY v <-> '[0,0]', id) FROM items;
SELECT id, rank() OVER (ORDER BY v <-> '[0,0]') FROM items ORDER BY 2, 1;

-- prepared, with plans for one value and for any
PREPARE nearest(vector, int) AS SELECT id FROM items ORDER BY v <-> $1, id LIMIT $2;
SET plan_cache_mode = force_custom_plan;
EXECUTE nearest('[0,0]', 2);
EXECUTE nearest('[3,4]', 1);
SET plan_cache_mode = force_generic_plan;
EXECUTE nearest('[0,0]', 2);
EXECUTE nearest('[6,8]', 2);
EXECUTE nearest(NULL, 2);
EXECUTE nearest('[6,8,9]', 2);
RESET plan_cache_mode;
DEALLOCATE nearest;
PREPARE untyped AS SELECT id FROM items ORDER BY h <-> $1, id LIMIT 2;
EXECUTE untyped('[6,8]');
DEALLOCATE untyped;

-- cursors, back and forth
BEGIN;
DECLARE near SCROLL CURSOR FOR SELECT id FROM items ORDER BY v <-> '[0,0]', id;
FETCH 2 FROM near;
FETCH 2 FROM near;
FETCH BACKWARD 1 FROM near;
COMMIT;

-- after changes
DELETE FROM items WHERE id = 1;
UPDATE items SET v = '[0.5,0]' WHERE id = 6;
SELECT id FROM items ORDER BY v <-> '[0,0]', id LIMIT 3;

-- expressions
SELECT id FROM items ORDER BY subvector(v, 1, 1) <-> '[3]', id LIMIT 2;
SELECT id FROM items ORDER BY binary_quantize(v)::bit(2) <~> binary_quantize('[1,1]'::vector), id LIMIT 3;
SELECT id FROM items ORDER BY v::halfvec(2) <#> '[1,1]', id LIMIT 2;
SELECT id FROM items ORDER BY 1 - (v <=> '[1,0]') DESC NULLS LAST, id LIMIT 2;
SELECT v <-> '[1,2,3]' FROM items;
DROP TABLE items;
