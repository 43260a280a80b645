-- What CREATE EXTENSION vecdb puts into the catalogs, one line for each type,
-- function, operator, cast and operator class, as in pgvector_surface.txt.
WITH member AS (
    SELECT d.classid, d.objid
    FROM pg_depend AS d
    JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
    WHERE e.extname = 'vecdb' AND d.deptype = 'e'
)
SELECT 'type ' || t.typname || ' storage=' || t.typstorage::text || ' align=' || t.typalign::text || ' len=' || t.typlen
FROM pg_type AS t JOIN member ON objid = t.oid AND classid = 'pg_type'::regclass
WHERE t.typtype = 'b' AND t.typelem = 0
UNION ALL
SELECT 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') -> '
    || format_type(p.prorettype, NULL) || ' '
    || CASE WHEN p.prokind = 'a' THEN 'aggregate '
            ELSE CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END
                || CASE WHEN p.proisstrict THEN ' strict' ELSE '' END || ' ' END
    || 'parallel=' || p.proparallel::text
FROM pg_proc AS p JOIN member ON objid = p.oid AND classid = 'pg_proc'::regclass
UNION ALL
SELECT 'operator ' || o.oprname || '(' || format_type(o.oprleft, NULL) || ',' || format_type(o.oprright, NULL)
    || ') -> ' || format_type(o.oprresult, NULL) || ' = ' || p.proname
    || coalesce(' commutator ' || c.oprname, '') || coalesce(' negator ' || n.oprname, '')
FROM pg_operator AS o JOIN member ON objid = o.oid AND classid = 'pg_operator'::regclass
JOIN pg_proc AS p ON p.oid = o.oprcode
LEFT JOIN pg_operator AS c ON c.oid = o.oprcom
LEFT JOIN pg_operator AS n ON n.oid = o.oprnegate
UNION ALL
SELECT 'cast ' || format_type(c.castsource, NULL) || ' -> ' || format_type(c.casttarget, NULL) || ' '
    || CASE c.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'assignment' ELSE 'explicit' END
FROM pg_cast AS c JOIN member ON objid = c.oid AND classid = 'pg_cast'::regclass
UNION ALL
SELECT 'opclass ' || a.amname || ' ' || oc.opcname || ' for ' || format_type(oc.opcintype, NULL)
    || CASE WHEN oc.opcdefault THEN ' default' ELSE '' END || ': '
    || (SELECT string_agg(op.oprname || '(' || format_type(ao.amoplefttype, NULL) || ','
                          || format_type(ao.amoprighttype, NULL) || ')', ', ' ORDER BY ao.amopstrategy)
        FROM pg_amop AS ao JOIN pg_operator AS op ON op.oid = ao.amopopr
        WHERE ao.amopfamily = oc.opcfamily)
FROM pg_opclass AS oc JOIN member ON objid = oc.oid AND classid = 'pg_opclass'::regclass
JOIN pg_am AS a ON a.oid = oc.opcmethod
