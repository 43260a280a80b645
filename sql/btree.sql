-- btree indexes, sorts, DISTINCT, merge joins, min and max by row.

SET enable_seqscan = off;
SET enable_bitmapscan = off;

CREATE TABLE ordered (id int, v vector(2), h halfvec(2), s sparsevec(2));
INSERT INTO ordered SELECT row_number() OVER (), v, v, v FROM
    (SELECT ARRAY[x, y]::vector AS v FROM generate_series(-5, 5) AS x, generate_series(-5, 5) AS y ORDER BY (x * 7 + y * 3) % 11, y) AS t;
INSERT INTO ordered VALUES (200, NULL, NULL, NULL), (201, '[0,0]', '[0,0]', '{}/2'), (202, '[-0,0]', '[-0,0]', '{}/2');
CREATE INDEX ordered_v ON ordered (v);
CREATE INDEX ordered_h ON ordered (h);
CREATE INDEX ordered_s ON ordered (s);

SELECT v FROM ordered ORDER BY v LIMIT 3;
SELECT v FROM ordered ORDER BY v DESC NULLS LAST LIMIT 3;
SELECT h FROM ordered ORDER BY h LIMIT 3;
SELECT s FROM ordered ORDER BY s LIMIT 3;
SELECT count(*) FROM ordered WHERE v = '[0,0]';
SELECT count(*) FROM ordered WHERE h = '[0,0]';
SELECT count(*) FROM ordered WHERE s = '{}/2';
SELECT v FROM ordered WHERE v > '[4,3]' AND v < '[5,-3]' ORDER BY v;
SELECT h FROM ordered WHERE h >= '[4,3]' AND h <= '[5,-4]' ORDER BY h;
SELECT s FROM ordered WHERE s >= '[4,3]'::vector AND s <= '[5,-4]'::vector ORDER BY s;
SELECT count(*) FROM ordered WHERE v <> '[1,1]';
SELECT count(*) FROM ordered WHERE v IN ('[1,1]', '[2,2]', '[9,9]');
SELECT count(*) FROM ordered WHERE v IS NULL;
SELECT count(*) FROM ordered WHERE v > '[3]';
SELECT count(*) FROM ordered WHERE v < '[-4]' OR v > '[4,5,6]';

-- the index and a sort agree with the arrays' order
SELECT count(*), count(*) FILTER (WHERE a.n = b.n) AS same
FROM (SELECT id, row_number() OVER (ORDER BY v, id) AS n FROM ordered WHERE v IS NOT NULL) AS a
JOIN (SELECT id, row_number() OVER (ORDER BY v::real[], id) AS n FROM ordered WHERE v IS NOT NULL) AS b USING (id);
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_seqscan = on;
SELECT count(*), count(*) FILTER (WHERE a.n = b.n) AS same
FROM (SELECT id, row_number() OVER (ORDER BY s DESC, id) AS n FROM ordered WHERE v IS NOT NULL) AS a
JOIN (SELECT id, row_number() OVER (ORDER BY v::real[] DESC, id) AS n FROM ordered WHERE v IS NOT NULL) AS b USING (id);
RESET enable_indexscan;
RESET enable_indexonlyscan;

SELECT count(DISTINCT v), count(DISTINCT h), count(DISTINCT s) FROM ordered;
SELECT v = '[0,0]' AS zero, count(*) FROM ordered GROUP BY v HAVING count(*) > 1;
SET enable_nestloop = off;
SELECT count(*) FROM ordered AS a JOIN ordered AS b ON a.v = b.v;
RESET enable_nestloop;
SELECT v FROM ordered EXCEPT SELECT h::vector FROM ordered WHERE h < '[5,5]' ORDER BY 1;

-- unique
DELETE FROM ordered WHERE id = 202;
CREATE UNIQUE INDEX ordered_unique ON ordered (v);
DELETE FROM ordered WHERE id > 200;
CREATE UNIQUE INDEX ordered_unique ON ordered (v);
INSERT INTO ordered (v) VALUES ('[3,-2]');
INSERT INTO ordered (v) VALUES ('[3,-2.5]');
INSERT INTO ordered (v) VALUES ('[-0,-0]') ON CONFLICT (v) DO NOTHING;
SELECT count(*) FROM ordered;
RESET enable_seqscan;
RESET enable_bitmapscan;
DROP TABLE ordered;

-- vectors of several lengths, a prefix first
SELECT v FROM (VALUES ('[1,2]'::vector), ('[1]'), ('[1,2,0]'), ('[1,-2]'), ('[1,2,-1]')) AS t(v) ORDER BY v;
SELECT v FROM (VALUES ('{2:2}/2'::sparsevec), ('{}/1'), ('{}/3'), ('{2:-2}/3'), ('{3:-1}/3')) AS t(v) ORDER BY v;
-- differences past the first elements
SELECT count(*) FILTER (WHERE a < b) AS lt, count(*) FILTER (WHERE a::halfvec < b::halfvec) AS halfvec_lt, count(*) FILTER (WHERE a::sparsevec < b::sparsevec) AS sparsevec_lt, count(*)
FROM (SELECT array_fill(1, ARRAY[600])::vector AS a, array_agg(CASE WHEN i = n THEN 2 ELSE 1 END ORDER BY i)::vector AS b
      FROM generate_series(1, 600) AS i, generate_series(1, 600, 13) AS n GROUP BY n) AS t;
