-- CREATE INDEX USING hnsw with less memory than the rows need: parts of the graph
-- are made one after the other, and what comes of it is as good as in memory.
SET client_min_messages = warning;
SET enable_seqscan = off;
SET enable_sort = off;
SET vecdb.target_recall = 0.95;

-- Each of 60 places has some 100 rows around it; some rows come twice, one vector
-- often, and some are NULL or zero.
CREATE TABLE hnsw_memory (id int, v vector(64));
CREATE FUNCTION hnsw_memory_made(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(sin(i % 60 * 12.9898::float8 * j + j * j) + sin(i * 78.233::float8 * j) / 2)::vector
	FROM generate_series(1, 64) j
$$;
INSERT INTO hnsw_memory
	SELECT i, CASE WHEN i % 50 = 0 THEN NULL
		WHEN i % 51 = 0 THEN array_fill(0, ARRAY[64])::vector
		WHEN i % 10 = 3 THEN hnsw_memory_made(7)
		WHEN i % 9 = 1 THEN hnsw_memory_made(i - 4000)
		ELSE hnsw_memory_made(i) END
	FROM generate_series(1, 8000) i;
CREATE TABLE hnsw_memory_query AS
	SELECT i AS id, hnsw_memory_made(i) AS v FROM generate_series(100001, 100060) i;

-- How many of the nearest ten rows to all queries an index finds.
CREATE FUNCTION hnsw_memory_found(op text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	nearest text := format('ARRAY(SELECT round((t.v %1$s q.v)::numeric, 4) FROM hnsw_memory t'
		' ORDER BY t.v %1$s q.v LIMIT 10)', op);
	furthest text := format('(SELECT max(d) FROM (SELECT t.v %1$s q.v AS d FROM hnsw_memory t'
		' ORDER BY (t.v %1$s q.v) + 0 LIMIT 10) x)', op);
	found float8;
BEGIN
	EXECUTE format('SELECT avg((SELECT count(*) FROM unnest(%s) d WHERE d <= %s + 0.0001)) / 10'
		' FROM hnsw_memory_query q', nearest, furthest) INTO found;
	RETURN found;
END $$;

-- Builds an index in memory, and with a megabyte, and compares them.
CREATE FUNCTION hnsw_memory_compare(class text, op text, options text DEFAULT '',
	columns text DEFAULT '')
RETURNS TABLE (rows bigint, nulls bigint, zeros bigint, as_many_nodes bool, lost bigint,
	problems bigint, as_good bool)
LANGUAGE plpgsql AS $$
DECLARE
	build text := format('CREATE INDEX hnsw_memory_index ON hnsw_memory USING hnsw (v %s%s) %s',
		class, columns, options);
	in_memory bigint;
	found float8;
BEGIN
	SET LOCAL maintenance_work_mem = '64MB';
	EXECUTE build;
	SELECT i.nodes INTO in_memory FROM vecdb_index_info('hnsw_memory_index') i;
	found := hnsw_memory_found(op);
	DROP INDEX hnsw_memory_index;
	SET LOCAL maintenance_work_mem = '1MB';
	EXECUTE build;
	SELECT i.rows, i.null_rows, i.zero_rows, i.unreachable, i.nodes = in_memory
		INTO rows, nulls, zeros, lost, as_many_nodes
		FROM vecdb_index_info('hnsw_memory_index') i;
	SELECT count(*) INTO problems FROM vecdb_index_check('hnsw_memory_index', true);
	as_good := hnsw_memory_found(op) >= found - 0.01 AND found > 0.9;
	DROP INDEX hnsw_memory_index;
	RETURN NEXT;
END $$;

SELECT * FROM hnsw_memory_compare('vector_l2_ops', '<->');
SELECT * FROM hnsw_memory_compare('vector_cosine_ops', '<=>', 'WITH (m = 24)', ', id');
SELECT * FROM hnsw_memory_compare('vector_ip_ops', '<#>');
SELECT * FROM hnsw_memory_compare('vector_l1_ops', '<+>');
-- many parts, which overlap more, and are parted again
SELECT * FROM hnsw_memory_compare('vector_l2_ops', '<->', 'WITH (quantizer = none, m = 32)');

-- nothing that could be parted: all alike, and NULLs
TRUNCATE hnsw_memory;
INSERT INTO hnsw_memory SELECT i, CASE WHEN i % 3 > 0 THEN array_fill(1, ARRAY[64])::vector END
	FROM generate_series(1, 90000) i;
SET maintenance_work_mem = '1MB';
CREATE INDEX hnsw_memory_index ON hnsw_memory USING hnsw (v vector_l2_ops);
SELECT rows, null_rows, nodes, unreachable FROM vecdb_index_info('hnsw_memory_index');
SELECT * FROM vecdb_index_check('hnsw_memory_index', true);
TRUNCATE hnsw_memory;
INSERT INTO hnsw_memory SELECT i FROM generate_series(1, 60000) i;
REINDEX INDEX hnsw_memory_index;
SELECT rows, null_rows, nodes, unreachable FROM vecdb_index_info('hnsw_memory_index');
SELECT * FROM vecdb_index_check('hnsw_memory_index', true);

DROP TABLE hnsw_memory, hnsw_memory_query;
DROP FUNCTION hnsw_memory_made, hnsw_memory_found, hnsw_memory_compare;
