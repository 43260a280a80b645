-- The extension in a schema that is in no search path, with objects of the same
-- names, which raise errors, in one that is.

DROP EXTENSION IF EXISTS vecdb CASCADE;
CREATE SCHEMA other;
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.trap() RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE DOMAIN hostile.vector AS text CHECK (hostile.trap() = 1);
CREATE DOMAIN hostile.halfvec AS text CHECK (hostile.trap() = 1);
CREATE DOMAIN hostile.sparsevec AS text CHECK (hostile.trap() = 1);
CREATE FUNCTION hostile.l2_distance(anyelement, anyelement) RETURNS float8 LANGUAGE sql AS 'SELECT hostile.trap()::float8';
CREATE FUNCTION hostile.vector_cmp(anyelement, anyelement) RETURNS int LANGUAGE sql AS 'SELECT hostile.trap()';
CREATE FUNCTION hostile.sqrt(float8) RETURNS float8 LANGUAGE sql AS 'SELECT hostile.trap()::float8';
CREATE FUNCTION hostile.sum(float8[]) RETURNS float8 LANGUAGE sql AS 'SELECT hostile.trap()::float8';
CREATE FUNCTION hostile.eq(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT hostile.trap() = 1';
CREATE FUNCTION hostile.distance(anyelement, anyelement) RETURNS float8 LANGUAGE sql AS 'SELECT hostile.trap()::float8';
CREATE OPERATOR hostile.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.eq);
CREATE OPERATOR hostile.< (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.eq);
CREATE OPERATOR hostile.<-> (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.distance);

SET search_path = hostile, pg_catalog;
CREATE EXTENSION vecdb SCHEMA other;
SELECT n.nspname, pg_catalog.count(*) > 100 AS many FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid AND e.extname OPERATOR(pg_catalog.=) 'vecdb'
JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) d.objid JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass GROUP BY n.nspname;
SELECT '[1,2]'::other.vector OPERATOR(other.<->) '[1,3]' AS d;
SELECT '[1,2]' <-> '[1,3]'::other.vector;

-- with nothing in the path
SET search_path = '';
SELECT '[1,2]'::other.vector OPERATOR(other.<->) '[4,6]' AS l2, '[1,2]'::other.halfvec OPERATOR(other.<#>) '[4,6]' AS ip,
       '{1:1}/2'::other.sparsevec OPERATOR(other.<+>) '{2:1}/2' AS l1, '[3,4]'::other.int8vec OPERATOR(other.<=>) '[3,4]' AS cosine,
       B'1100' OPERATOR(other.<~>) B'1010' AS hamming, B'1100' OPERATOR(other.<%>) B'1110' OPERATOR(pg_catalog.<) 0.4 AS jaccard;
SELECT ARRAY[1,2]::other.vector::other.halfvec::other.sparsevec, '[1,2]'::other.vector::real[], ARRAY[1,2]::other.vector(2)::other.int8vec;
SELECT other.sum(v), other.avg(v), other.avg(v::other.halfvec), other.sum(v::other.int8vec) FROM (VALUES ('[1,2]'::other.vector), ('[3,5]')) AS t(v);
CREATE TABLE other.placed (id int, v other.vector(2), h other.halfvec, s other.sparsevec);
INSERT INTO other.placed SELECT i, ARRAY[i % 7, i], ARRAY[i % 7, i], ARRAY[i % 7, i] FROM generate_series(1, 100) AS i;
INSERT INTO other.placed VALUES (0, '[1,2,3]');
CREATE INDEX ON other.placed (v);
CREATE INDEX ON other.placed (h other.halfvec_ops DESC);
CREATE INDEX ON other.placed (s);
SET enable_seqscan = off;
SELECT id FROM other.placed WHERE v OPERATOR(other.=) '[3,10]';
SELECT id FROM other.placed WHERE v OPERATOR(other.>) '[6,70]' ORDER BY v;
SELECT id FROM other.placed WHERE h OPERATOR(other.<) '[0,20]' ORDER BY h;
SELECT id FROM other.placed ORDER BY v OPERATOR(other.<->) '[3,3]', id LIMIT 3;
SELECT count(DISTINCT v), count(DISTINCT s) FROM other.placed;
RESET enable_seqscan;

-- the hostile ones first
SET search_path = hostile, pg_catalog;
SELECT id FROM other.placed WHERE v OPERATOR(other.=) '[3,10]'::other.vector;
SELECT pg_catalog.count(*) FROM (SELECT DISTINCT v FROM other.placed) AS t;
SELECT other.sum(v), other.avg(h) FROM other.placed;
SELECT id FROM other.placed ORDER BY v OPERATOR(other.<->) '[3,3]'::other.vector, id LIMIT 3;
INSERT INTO other.placed VALUES (0, '[1,2]'::other.halfvec, '[1,2]'::other.vector, '[1,2]'::other.vector);
REINDEX TABLE other.placed;

RESET search_path;
-- it stays where it is
ALTER EXTENSION vecdb SET SCHEMA public;
DROP TABLE other.placed;
SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
DROP EXTENSION vecdb;
DROP SCHEMA other;
CREATE EXTENSION vecdb;
SELECT '[1,2]'::vector <-> '[1,3]';
