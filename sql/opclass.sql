-- Operator classes of the index access methods.

-- what there is
SELECT a.amname, c.opcname, c.opcintype::regtype, c.opcdefault, o.amopopr::regoperator, o.amopstrategy, o.amoppurpose,
       s.opfname AS sort, p.amproc::regprocedure, p.amprocnum
FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = c.opcmethod
JOIN pg_amop AS o ON o.amopfamily = c.opcfamily JOIN pg_opfamily AS s ON s.oid = o.amopsortfamily
JOIN pg_amproc AS p ON p.amprocfamily = c.opcfamily
WHERE a.amname IN ('ivf', 'ivfflat', 'hnsw')
ORDER BY 1, opcintype::regtype::text COLLATE "C", 2;
SELECT amname, amhandler, amtype, obj_description(oid, 'pg_am') FROM pg_am WHERE amname IN ('ivf', 'ivfflat', 'hnsw') ORDER BY 1;

-- all are valid; one method has what the others have
SELECT count(*), bool_and(amvalidate(c.oid)) FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = c.opcmethod WHERE a.amname IN ('ivf', 'ivfflat', 'hnsw');
SELECT opcname FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = c.opcmethod WHERE a.amname IN ('ivf', 'ivfflat', 'hnsw') GROUP BY 1 HAVING count(*) <> 3;

-- what the methods can do
SELECT a.amname, p.name, pg_indexam_has_property(a.oid, p.name)
FROM pg_am AS a, unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include']) AS p(name)
WHERE a.amname IN ('ivf', 'ivfflat', 'hnsw') ORDER BY 1, 2;
CREATE TABLE opclass_test (v vector(2), i int, b bit(2));
CREATE UNIQUE INDEX ON opclass_test USING ivf (v);
CREATE INDEX ON opclass_test USING ivf (v, v);
CREATE INDEX ON opclass_test USING ivf (v) INCLUDE (i);
CREATE INDEX ON opclass_test USING ivf (v DESC);
CREATE INDEX ON opclass_test USING ivf (v NULLS FIRST);
CREATE INDEX ON opclass_test USING ivf (i);
CREATE INDEX ON opclass_test USING ivf (b);
CREATE INDEX ON opclass_test USING ivf (v halfvec_l2_ops);
CREATE INDEX ON opclass_test USING ivf (v vector_hamming_ops);
DROP TABLE opclass_test;

-- what amvalidate finds
CREATE FUNCTION valid(name text) RETURNS boolean LANGUAGE sql AS
    $$SELECT amvalidate(c.oid) FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = c.opcmethod WHERE a.amname = 'ivf' AND c.opcname = name$$;
CREATE OPERATOR CLASS good_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecdb_am_vector_l2(internal);
SELECT valid('good_ops');
CREATE OPERATOR CLASS no_function_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops;
SELECT valid('no_function_ops');
CREATE OPERATOR CLASS no_operator_ops FOR TYPE vector USING ivf AS
    FUNCTION 1 vecdb_am_vector_l2(internal);
SELECT valid('no_operator_ops');
CREATE OPERATOR CLASS search_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 = (vector, vector), FUNCTION 1 vecdb_am_vector_l2(internal);
SELECT valid('search_ops');
CREATE OPERATOR CLASS strategy_ops FOR TYPE vector USING ivf AS
    OPERATOR 2 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecdb_am_vector_l2(internal);
SELECT valid('strategy_ops');
CREATE OPERATOR CLASS two_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 <#> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 vecdb_am_vector_l2(internal);
SELECT valid('two_ops');
CREATE OPERATOR CLASS sort_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY integer_ops, FUNCTION 1 vecdb_am_vector_l2(internal);
SELECT valid('sort_ops');
CREATE OPERATOR CLASS signature_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 (vector, vector) vector_dims(vector);
SELECT valid('signature_ops');
CREATE OPERATOR CLASS storage_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecdb_am_vector_l2(internal), STORAGE halfvec;
CREATE OPERATOR CLASS number_ops FOR TYPE vector USING ivf AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 2 vecdb_am_vector_l2(internal);
DROP OPERATOR FAMILY good_ops USING ivf CASCADE;
DROP OPERATOR FAMILY no_function_ops USING ivf CASCADE;
DROP OPERATOR FAMILY no_operator_ops USING ivf CASCADE;
DROP OPERATOR FAMILY search_ops USING ivf CASCADE;
DROP OPERATOR FAMILY strategy_ops USING ivf CASCADE;
DROP OPERATOR FAMILY two_ops USING ivf CASCADE;
DROP OPERATOR FAMILY sort_ops USING ivf CASCADE;
DROP OPERATOR FAMILY signature_ops USING ivf CASCADE;
DROP FUNCTION valid;

-- support functions are not for users
DO $$
BEGIN
    PERFORM vecdb_am_vector_l2(NULL);
    RAISE 'it can be called';
EXCEPTION WHEN undefined_function OR feature_not_supported THEN
END$$;
