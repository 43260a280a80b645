-- What has to hold in the catalogs whatever vecdb contains; after the
-- first queries each says what breaks a rule, and so returns no row.
CREATE TEMP VIEW members AS
    SELECT classid, objid
    FROM pg_depend
    WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
      AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vecdb');
CREATE TEMP VIEW functions AS
    SELECT p.* FROM pg_proc p
    JOIN members ON classid = 'pg_proc'::regclass AND objid = p.oid;
CREATE TEMP VIEW operators AS
    SELECT o.* FROM pg_operator o
    JOIN members ON classid = 'pg_operator'::regclass AND objid = o.oid;

-- The views above see the extension.
SELECT typname, typlen, typalign, typstorage FROM pg_type
JOIN members ON classid = 'pg_type'::regclass AND objid = pg_type.oid
WHERE typelem = 0 ORDER BY 1;
SELECT count(*) > 100 AS many_functions FROM functions;
SELECT count(*) > 50 AS many_operators FROM operators;

-- Everything is in the schema of the extension.
SELECT proname FROM functions
WHERE pronamespace <> (SELECT extnamespace FROM pg_extension
                       WHERE extname = 'vecdb');

-- Every parallel plan may use every function that does not change anything.
SELECT oid::regprocedure, proparallel FROM functions
WHERE proparallel <> 's' AND provolatile <> 'v';

-- Only C functions, whose symbols are vecdb's own, aggregates, and one that
-- writes SQL in SQL.
SELECT p.oid::regprocedure, l.lanname, p.prosrc FROM functions p
JOIN pg_language l ON l.oid = prolang
WHERE CASE l.lanname WHEN 'c' THEN prosrc NOT LIKE 'vdb\_%'
                     WHEN 'internal' THEN prokind <> 'a'
                     ELSE p.proname <> 'vecdb_replace_pgvector' END;
SELECT oid::regprocedure, prosecdef, proconfig FROM functions
WHERE prosecdef OR proconfig IS NOT NULL AND proname <> 'vecdb_replace_pgvector';

-- Every type is sent and received in binary; those with a length have it
-- typed and shown.
SELECT typname FROM pg_type
JOIN members ON classid = 'pg_type'::regclass AND objid = pg_type.oid
WHERE typelem = 0
  AND (typsend = 0 OR typreceive = 0 OR typarray = 0
       OR typmodin = 0 AND typtype = 'b');

-- Comparisons that return a boolean say what they are the opposite of, can
-- be swapped, and estimate how many rows they let through.
SELECT oid::regoperator, oprcom::regoperator, oprnegate::regoperator,
       oprrest, oprjoin
FROM operators
WHERE oprresult = 'boolean'::regtype
  AND (oprcom = 0 OR oprnegate = 0 OR oprrest = 0 OR oprjoin = 0);

-- Distances are the same both ways.
SELECT oid::regoperator FROM operators
WHERE oprresult = 'float8'::regtype AND oprcom <> oid;

-- Commutators and negators point at each other.
SELECT o.oid::regoperator FROM operators o
JOIN pg_operator c ON c.oid = o.oprcom
WHERE c.oprcom <> o.oid OR c.oprresult <> o.oprresult;
SELECT o.oid::regoperator FROM operators o
JOIN pg_operator n ON n.oid = o.oprnegate
WHERE n.oprnegate <> o.oid;

-- The function behind an operator is immutable, strict and known to be so.
SELECT o.oid::regoperator, p.oid::regprocedure FROM operators o
JOIN pg_proc p ON p.oid = o.oprcode
WHERE p.provolatile <> 'i' OR NOT p.proisstrict;

-- Casts go through functions that are immutable.
SELECT c.castsource::regtype, c.casttarget::regtype FROM pg_cast c
JOIN members ON classid = 'pg_cast'::regclass AND objid = c.oid
LEFT JOIN pg_proc p ON p.oid = c.castfunc
WHERE c.castfunc <> 0 AND p.provolatile <> 'i';

-- Aggregates can be computed in parallel.
SELECT a.aggfnoid FROM pg_aggregate a
JOIN functions f ON f.oid = a.aggfnoid
WHERE a.aggcombinefn = 0;

-- Operator classes are complete.
SELECT o.opcname FROM pg_opclass o
JOIN members ON classid = 'pg_opclass'::regclass AND objid = o.oid
WHERE NOT amvalidate(o.oid);

-- It comes and goes in a schema of the user's choice.  (What other tests have
-- left behind is not of interest.)
SET client_min_messages = warning;
DROP EXTENSION vecdb CASCADE;
CREATE SCHEMA elsewhere;
CREATE EXTENSION vecdb SCHEMA elsewhere;
SELECT elsewhere.l2_distance('[0,0]'::elsewhere.vector, '[3,4]');
SELECT '[0,0]'::elsewhere.vector OPERATOR(elsewhere.<->) '[3,4]';
SELECT '[1,2]'::elsewhere.vector;
DROP EXTENSION vecdb;
SELECT count(*) FROM pg_type WHERE typname LIKE '%vec%' AND typnamespace <> 'pg_catalog'::regnamespace;
DROP SCHEMA elsewhere;
CREATE EXTENSION vecdb;
