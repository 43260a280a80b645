-- CREATE INDEX USING hnsw: what does not fit into memory is inserted, equal rows
-- share a node, and nothing is lost.
SET client_min_messages = warning;
SET enable_seqscan = off;
SET hnsw.iterative_scan = relaxed_order;
SET hnsw.max_scan_tuples = 1000000;

CREATE TABLE hnsw_build (id int, v vector(24));
INSERT INTO hnsw_build
	SELECT i, CASE WHEN i % 50 = 0 THEN NULL
		WHEN i % 51 = 0 THEN (SELECT array_agg(0) FROM generate_series(1, 24))::vector
		ELSE (SELECT array_agg(sin(j * (i % 9000)::float)) FROM generate_series(1, 24) j)::vector
		END
	FROM generate_series(1, 12000) i;

-- What an index holds, and what its check says.
CREATE FUNCTION hnsw_build_look(index regclass, query text)
RETURNS TABLE (rows bigint, nulls bigint, zeros bigint, lost bigint, twice bigint, problems bigint)
LANGUAGE plpgsql AS $$
BEGIN
	SELECT i.rows, i.null_rows, i.zero_rows, i.unreachable INTO rows, nulls, zeros, lost
		FROM vecdb_index_info(index) i;
	EXECUTE 'SELECT count(*) - count(DISTINCT ctid) FROM (' || query || ' OFFSET 0) s' INTO twice;
	SELECT count(*) INTO problems FROM vecdb_index_check(index, true);
	RETURN NEXT;
END $$;

-- all in memory, with and without threads
SET max_parallel_maintenance_workers = 2;
CREATE INDEX hnsw_build_all ON hnsw_build USING hnsw (v vector_cosine_ops);
SELECT * FROM hnsw_build_look('hnsw_build_all',
	'SELECT ctid FROM hnsw_build ORDER BY v <=> (SELECT v FROM hnsw_build WHERE id = 1)');
DROP INDEX hnsw_build_all;
SET max_parallel_maintenance_workers = 0;
CREATE INDEX hnsw_build_one ON hnsw_build USING hnsw (v vector_l2_ops);
SELECT * FROM hnsw_build_look('hnsw_build_one',
	'SELECT ctid FROM hnsw_build ORDER BY v <-> (SELECT v FROM hnsw_build WHERE id = 1)');
DROP INDEX hnsw_build_one;

-- a part of it
SET maintenance_work_mem = '1MB';
CREATE INDEX hnsw_build_part ON hnsw_build USING hnsw (v vector_l2_ops);
SELECT * FROM hnsw_build_look('hnsw_build_part',
	'SELECT ctid FROM hnsw_build ORDER BY v <-> (SELECT v FROM hnsw_build WHERE id = 1)');
DROP INDEX hnsw_build_part;

-- inner product, of vectors of very different lengths: most are nobody's nearest
RESET maintenance_work_mem;
UPDATE hnsw_build SET v = (SELECT array_agg(x * exp(id % 13)) FROM unnest(v::real[]) x)::vector
	WHERE v IS NOT NULL;
CREATE INDEX hnsw_build_ip ON hnsw_build USING hnsw (v vector_ip_ops);
SELECT * FROM hnsw_build_look('hnsw_build_ip',
	'SELECT ctid FROM hnsw_build ORDER BY v <#> (SELECT v FROM hnsw_build WHERE id = 1)');

-- only NULLs, and nothing
DELETE FROM hnsw_build WHERE v IS NOT NULL;
REINDEX INDEX hnsw_build_ip;
SELECT * FROM hnsw_build_look('hnsw_build_ip', 'SELECT ctid FROM hnsw_build');
TRUNCATE hnsw_build;
SELECT * FROM hnsw_build_look('hnsw_build_ip', 'SELECT ctid FROM hnsw_build');

DROP TABLE hnsw_build;
DROP FUNCTION hnsw_build_look;
