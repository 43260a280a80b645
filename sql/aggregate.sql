-- sum and avg.

SELECT sum(v), avg(v) FROM (VALUES ('[1,2,3]'::vector), ('[3,5,8]')) AS t(v);
SELECT sum(v), avg(v) FROM (VALUES ('[1,2,3]'::vector), (NULL), ('[3,5,8]')) AS t(v);
SELECT sum(v), avg(v) FROM (VALUES (NULL::vector)) AS t(v);
SELECT sum(v), avg(v) FROM (VALUES ('[1,2,3]'::vector)) AS t(v) WHERE false;
SELECT sum(v), avg(v) FROM (VALUES ('[1,2,3]'::halfvec), ('[3,5,8]'), (NULL)) AS t(v);
SELECT sum(v), avg(v) FROM (VALUES (NULL::halfvec)) AS t(v);
SELECT sum(v) FROM (VALUES ('[1,2]'::vector), ('[3]')) AS t(v);
SELECT avg(v) FROM (VALUES ('[1,2]'::vector), ('[3]')) AS t(v);
SELECT sum(v) FROM (VALUES ('[1,2]'::halfvec), ('[3]')) AS t(v);
SELECT avg(v) FROM (VALUES ('[1,2]'::halfvec), ('[3]')) AS t(v);

-- avg of what overflows as a sum
SELECT avg(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]')) AS t(v);
SELECT sum(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]')) AS t(v);
SELECT avg(v) FROM (VALUES ('[65504]'::halfvec), ('[65504]')) AS t(v);
SELECT sum(v) FROM (VALUES ('[65504]'::halfvec), ('[65504]')) AS t(v);
-- back within range at the end
SELECT sum(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]'), ('[-3e38]')) AS t(v);
-- a sum whose terms are below its unit in the last place: 2^24 and a thousand ones
SELECT sum(v) = '[16778216]' AS exact FROM (SELECT '[16777216]'::vector AS v UNION ALL SELECT '[1]' FROM generate_series(1, 1000)) AS t;

-- groups, DISTINCT, FILTER, windows
CREATE TABLE aggregated (id int, g int, v vector(3), h halfvec(3));
INSERT INTO aggregated SELECT i, i % 3, ARRAY[i, -i, 1], ARRAY[i, -i, 1] FROM generate_series(1, 300) AS i;
SELECT g, sum(v), avg(v), sum(h), avg(h) FROM aggregated GROUP BY g ORDER BY g;
SELECT sum(DISTINCT subvector(v, 3, 1)), sum(v) FILTER (WHERE id <= 3) FROM aggregated;
SELECT id, sum(v) OVER (ORDER BY id) AS running, avg(v) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS moving
FROM aggregated WHERE id <= 4 ORDER BY id;
SELECT id, sum(h) OVER w AS running, avg(h) OVER w FROM aggregated WHERE id <= 3 WINDOW w AS (ORDER BY id) ORDER BY id;
SELECT sum(v), avg(v) FROM aggregated GROUP BY GROUPING SETS ((g), ()) ORDER BY 1;

-- in parallel
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE aggregated SET (parallel_workers = 2);
SELECT sum(v), avg(v), sum(h), avg(h) FROM aggregated;
SELECT sum(v), avg(v) FROM aggregated WHERE id < 0;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE aggregated;

-- many dimensions
SELECT sum(v) = array_fill(6, ARRAY[16000])::vector AS sum, avg(v) = array_fill(2, ARRAY[16000])::vector AS avg
FROM (SELECT array_fill(i, ARRAY[16000])::vector AS v FROM generate_series(1, 3) AS i) AS t;

-- the functions that they are made of
SELECT vector_accum('{0}', '[1,2,3]');
SELECT vector_accum('{1,1,2,3}', '[10,20,30]');
SELECT vector_accum('{1,1,2,3}', '[10,20]');
SELECT vector_accum('{}', '[1]');
SELECT vector_accum('{{0}}', '[1]');
SELECT vector_accum('{0,NULL}', '[1]');
SELECT vector_combine('{0}', '{0}'), vector_combine('{0}', '{1,5}'), vector_combine('{1,5}', '{0}'), vector_combine('{1,5}', '{2,7}');
SELECT vector_combine('{1,1}', '{1,1,2}');
SELECT vector_combine('{}', '{0}');
SELECT vector_avg('{0}'), vector_avg('{2,5,-5}');
SELECT vector_avg('{}');
SELECT vector_avg('{1}');
SELECT vector_avg('{{1,2}}');
SELECT vector_avg('{1,NaN}');
SELECT vector_avg('{1,Infinity}');
SELECT vector_avg('{1,NULL}');
SELECT halfvec_accum('{0}', '[1,2,3]'), halfvec_combine('{1,5}', '{2,7}'), halfvec_avg('{2,5,-5}');
SELECT halfvec_avg('{1,65520}');
