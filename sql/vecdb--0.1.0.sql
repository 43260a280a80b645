-- vecdb 0.1.0: types, operators, functions, casts, access methods and operator
-- classes.
--
-- Every name is qualified with the extension's schema, so that the script
-- means the same whatever is in the search path.

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION vecdb" to load this file. \quit

-- ----------------------------------------------------------------------
-- type vector: float elements
-- ----------------------------------------------------------------------

CREATE TYPE @extschema@.vector;

CREATE FUNCTION @extschema@.vector_in(cstring, oid, integer) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_out(@extschema@.vector) RETURNS cstring
    AS 'MODULE_PATHNAME', 'vdb_vector_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_typmod_in(cstring[]) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_vector_typmod_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_recv(internal, oid, integer) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_send(@extschema@.vector) RETURNS bytea
    AS 'MODULE_PATHNAME', 'vdb_vector_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE @extschema@.vector (
    INPUT = @extschema@.vector_in,
    OUTPUT = @extschema@.vector_out,
    TYPMOD_IN = @extschema@.vector_typmod_in,
    RECEIVE = @extschema@.vector_recv,
    SEND = @extschema@.vector_send,
    STORAGE = external
);

-- ----------------------------------------------------------------------
-- type halfvec: half-precision elements
-- ----------------------------------------------------------------------

CREATE TYPE @extschema@.halfvec;

CREATE FUNCTION @extschema@.halfvec_in(cstring, oid, integer) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_out(@extschema@.halfvec) RETURNS cstring
    AS 'MODULE_PATHNAME', 'vdb_halfvec_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_typmod_in(cstring[]) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_halfvec_typmod_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_recv(internal, oid, integer) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_send(@extschema@.halfvec) RETURNS bytea
    AS 'MODULE_PATHNAME', 'vdb_halfvec_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE @extschema@.halfvec (
    INPUT = @extschema@.halfvec_in,
    OUTPUT = @extschema@.halfvec_out,
    TYPMOD_IN = @extschema@.halfvec_typmod_in,
    RECEIVE = @extschema@.halfvec_recv,
    SEND = @extschema@.halfvec_send,
    STORAGE = external
);

-- ----------------------------------------------------------------------
-- type int8vec: signed 8-bit integers
-- ----------------------------------------------------------------------

CREATE TYPE @extschema@.int8vec;

CREATE FUNCTION @extschema@.int8vec_in(cstring, oid, integer) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_out(@extschema@.int8vec) RETURNS cstring
    AS 'MODULE_PATHNAME', 'vdb_int8vec_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_typmod_in(cstring[]) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_int8vec_typmod_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_recv(internal, oid, integer) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_send(@extschema@.int8vec) RETURNS bytea
    AS 'MODULE_PATHNAME', 'vdb_int8vec_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE @extschema@.int8vec (
    INPUT = @extschema@.int8vec_in,
    OUTPUT = @extschema@.int8vec_out,
    TYPMOD_IN = @extschema@.int8vec_typmod_in,
    RECEIVE = @extschema@.int8vec_recv,
    SEND = @extschema@.int8vec_send,
    STORAGE = external
);

-- ----------------------------------------------------------------------
-- type sparsevec: float elements, zeroes left out
-- ----------------------------------------------------------------------

CREATE TYPE @extschema@.sparsevec;

CREATE FUNCTION @extschema@.sparsevec_in(cstring, oid, integer) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_out(@extschema@.sparsevec) RETURNS cstring
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_typmod_in(cstring[]) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_typmod_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_recv(internal, oid, integer) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_send(@extschema@.sparsevec) RETURNS bytea
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE @extschema@.sparsevec (
    INPUT = @extschema@.sparsevec_in,
    OUTPUT = @extschema@.sparsevec_out,
    TYPMOD_IN = @extschema@.sparsevec_typmod_in,
    RECEIVE = @extschema@.sparsevec_recv,
    SEND = @extschema@.sparsevec_send,
    STORAGE = external
);

-- ----------------------------------------------------------------------
-- what a distance costs, for the planner
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.vecdb_vector_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_plan_vector_support'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vecdb_halfvec_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_plan_halfvec_support'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vecdb_int8vec_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_plan_int8vec_support'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vecdb_sparsevec_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_plan_sparsevec_support'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vecdb_bit_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_plan_bit_support'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- ----------------------------------------------------------------------
-- distances
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.l2_distance(@extschema@.vector, @extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_l2_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_vector_support;

CREATE FUNCTION @extschema@.inner_product(@extschema@.vector, @extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_vector_support;

CREATE FUNCTION @extschema@.cosine_distance(@extschema@.vector, @extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_cosine_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_vector_support;

CREATE FUNCTION @extschema@.l1_distance(@extschema@.vector, @extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_l1_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_vector_support;

CREATE FUNCTION @extschema@.l2_distance(@extschema@.halfvec, @extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_l2_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_halfvec_support;

CREATE FUNCTION @extschema@.inner_product(@extschema@.halfvec, @extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_halfvec_support;

CREATE FUNCTION @extschema@.cosine_distance(@extschema@.halfvec, @extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_cosine_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_halfvec_support;

CREATE FUNCTION @extschema@.l1_distance(@extschema@.halfvec, @extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_l1_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_halfvec_support;

CREATE FUNCTION @extschema@.l2_distance(@extschema@.int8vec, @extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_l2_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_int8vec_support;

CREATE FUNCTION @extschema@.inner_product(@extschema@.int8vec, @extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_int8vec_support;

CREATE FUNCTION @extschema@.cosine_distance(@extschema@.int8vec, @extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_cosine_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_int8vec_support;

CREATE FUNCTION @extschema@.l1_distance(@extschema@.int8vec, @extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_l1_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_int8vec_support;

CREATE FUNCTION @extschema@.l2_distance(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_l2_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_sparsevec_support;

CREATE FUNCTION @extschema@.inner_product(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_sparsevec_support;

CREATE FUNCTION @extschema@.cosine_distance(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_cosine_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_sparsevec_support;

CREATE FUNCTION @extschema@.l1_distance(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_l1_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_sparsevec_support;

CREATE FUNCTION @extschema@.hamming_distance(bit, bit) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_bit_hamming_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_bit_support;

CREATE FUNCTION @extschema@.jaccard_distance(bit, bit) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_bit_jaccard_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_bit_support;

-- For operators and indexes.

CREATE FUNCTION @extschema@.vector_l2_squared_distance(@extschema@.vector, @extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_l2_squared_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_vector_support;

CREATE FUNCTION @extschema@.vector_negative_inner_product(@extschema@.vector, @extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_negative_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_vector_support;

CREATE FUNCTION @extschema@.vector_spherical_distance(@extschema@.vector, @extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_spherical_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_vector_support;

CREATE FUNCTION @extschema@.halfvec_l2_squared_distance(@extschema@.halfvec, @extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_l2_squared_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_halfvec_support;

CREATE FUNCTION @extschema@.halfvec_negative_inner_product(@extschema@.halfvec, @extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_negative_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_halfvec_support;

CREATE FUNCTION @extschema@.halfvec_spherical_distance(@extschema@.halfvec, @extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_spherical_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_halfvec_support;

CREATE FUNCTION @extschema@.int8vec_l2_squared_distance(@extschema@.int8vec, @extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_l2_squared_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_int8vec_support;

CREATE FUNCTION @extschema@.int8vec_negative_inner_product(@extschema@.int8vec, @extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_negative_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_int8vec_support;

CREATE FUNCTION @extschema@.int8vec_spherical_distance(@extschema@.int8vec, @extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_spherical_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_int8vec_support;

CREATE FUNCTION @extschema@.sparsevec_l2_squared_distance(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_l2_squared_distance'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_sparsevec_support;

CREATE FUNCTION @extschema@.sparsevec_negative_inner_product(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_negative_inner_product'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SUPPORT @extschema@.vecdb_sparsevec_support;

-- ----------------------------------------------------------------------
-- functions of one vector
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.vector_dims(@extschema@.vector) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_vector_dims'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_dims(@extschema@.halfvec) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_halfvec_dims'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_dims(@extschema@.int8vec) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_int8vec_dims'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_norm(@extschema@.vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_vector_l2_norm'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.l2_norm(@extschema@.halfvec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_halfvec_l2_norm'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.l2_norm(@extschema@.int8vec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_int8vec_l2_norm'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.l2_norm(@extschema@.sparsevec) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_l2_norm'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.l2_normalize(@extschema@.vector) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_l2_normalize'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.l2_normalize(@extschema@.halfvec) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_l2_normalize'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.l2_normalize(@extschema@.int8vec) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_int8vec_l2_normalize'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.l2_normalize(@extschema@.sparsevec) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_l2_normalize'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.binary_quantize(@extschema@.vector) RETURNS bit
    AS 'MODULE_PATHNAME', 'vdb_vector_binary_quantize'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.binary_quantize(@extschema@.halfvec) RETURNS bit
    AS 'MODULE_PATHNAME', 'vdb_halfvec_binary_quantize'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.binary_quantize(@extschema@.int8vec) RETURNS bit
    AS 'MODULE_PATHNAME', 'vdb_int8vec_binary_quantize'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.subvector(@extschema@.vector, integer, integer) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_subvector'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.subvector(@extschema@.halfvec, integer, integer) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_subvector'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.subvector(@extschema@.int8vec, integer, integer) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_subvector'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- ----------------------------------------------------------------------
-- arithmetic and order, through the operators below
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.vector_add(@extschema@.vector, @extschema@.vector) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_add'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_sub(@extschema@.vector, @extschema@.vector) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_sub'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_mul(@extschema@.vector, @extschema@.vector) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_mul'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_concat(@extschema@.vector, @extschema@.vector) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_concat'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_add(@extschema@.halfvec, @extschema@.halfvec) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_add'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_sub(@extschema@.halfvec, @extschema@.halfvec) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_sub'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_mul(@extschema@.halfvec, @extschema@.halfvec) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_mul'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_concat(@extschema@.halfvec, @extschema@.halfvec) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_concat'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_add(@extschema@.int8vec, @extschema@.int8vec) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_add'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_sub(@extschema@.int8vec, @extschema@.int8vec) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_sub'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_mul(@extschema@.int8vec, @extschema@.int8vec) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_mul'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_concat(@extschema@.int8vec, @extschema@.int8vec) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_concat'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_lt(@extschema@.vector, @extschema@.vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_vector_lt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_le(@extschema@.vector, @extschema@.vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_vector_le'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_eq(@extschema@.vector, @extschema@.vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_vector_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_ne(@extschema@.vector, @extschema@.vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_vector_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_ge(@extschema@.vector, @extschema@.vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_vector_ge'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_gt(@extschema@.vector, @extschema@.vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_vector_gt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_cmp(@extschema@.vector, @extschema@.vector) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_vector_cmp'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_lt(@extschema@.halfvec, @extschema@.halfvec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_halfvec_lt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_le(@extschema@.halfvec, @extschema@.halfvec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_halfvec_le'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_eq(@extschema@.halfvec, @extschema@.halfvec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_halfvec_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_ne(@extschema@.halfvec, @extschema@.halfvec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_halfvec_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_ge(@extschema@.halfvec, @extschema@.halfvec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_halfvec_ge'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_gt(@extschema@.halfvec, @extschema@.halfvec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_halfvec_gt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_cmp(@extschema@.halfvec, @extschema@.halfvec) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_halfvec_cmp'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_lt(@extschema@.int8vec, @extschema@.int8vec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_int8vec_lt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_le(@extschema@.int8vec, @extschema@.int8vec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_int8vec_le'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_eq(@extschema@.int8vec, @extschema@.int8vec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_int8vec_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_ne(@extschema@.int8vec, @extschema@.int8vec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_int8vec_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_ge(@extschema@.int8vec, @extschema@.int8vec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_int8vec_ge'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_gt(@extschema@.int8vec, @extschema@.int8vec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_int8vec_gt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_cmp(@extschema@.int8vec, @extschema@.int8vec) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_int8vec_cmp'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_lt(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_lt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_le(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_le'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_eq(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_ne(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_ge(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_ge'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_gt(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_gt'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.sparsevec_cmp(@extschema@.sparsevec, @extschema@.sparsevec) RETURNS integer
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_cmp'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- ----------------------------------------------------------------------
-- aggregates: the state is the number of rows, then a sum per dimension
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.vector_accum(double precision[], @extschema@.vector) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vdb_vector_accum'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_combine(double precision[], double precision[]) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vdb_accum_combine'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_sum(double precision[]) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_sum'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.vector_avg(double precision[]) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_avg'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE @extschema@.sum(@extschema@.vector) (
    SFUNC = @extschema@.vector_accum,
    STYPE = double precision[],
    FINALFUNC = @extschema@.vector_sum,
    COMBINEFUNC = @extschema@.vector_combine,
    INITCOND = '{0}',
    PARALLEL = safe
);

CREATE AGGREGATE @extschema@.avg(@extschema@.vector) (
    SFUNC = @extschema@.vector_accum,
    STYPE = double precision[],
    FINALFUNC = @extschema@.vector_avg,
    COMBINEFUNC = @extschema@.vector_combine,
    INITCOND = '{0}',
    PARALLEL = safe
);

CREATE FUNCTION @extschema@.halfvec_accum(double precision[], @extschema@.halfvec) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vdb_halfvec_accum'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_combine(double precision[], double precision[]) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vdb_accum_combine'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_sum(double precision[]) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_sum'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.halfvec_avg(double precision[]) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_avg'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE @extschema@.sum(@extschema@.halfvec) (
    SFUNC = @extschema@.halfvec_accum,
    STYPE = double precision[],
    FINALFUNC = @extschema@.halfvec_sum,
    COMBINEFUNC = @extschema@.halfvec_combine,
    INITCOND = '{0}',
    PARALLEL = safe
);

CREATE AGGREGATE @extschema@.avg(@extschema@.halfvec) (
    SFUNC = @extschema@.halfvec_accum,
    STYPE = double precision[],
    FINALFUNC = @extschema@.halfvec_avg,
    COMBINEFUNC = @extschema@.halfvec_combine,
    INITCOND = '{0}',
    PARALLEL = safe
);

CREATE FUNCTION @extschema@.int8vec_accum(double precision[], @extschema@.int8vec) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vdb_int8vec_accum'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_combine(double precision[], double precision[]) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vdb_accum_combine'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_sum(double precision[]) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_int8vec_sum'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.int8vec_avg(double precision[]) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_int8vec_avg'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE @extschema@.sum(@extschema@.int8vec) (
    SFUNC = @extschema@.int8vec_accum,
    STYPE = double precision[],
    FINALFUNC = @extschema@.int8vec_sum,
    COMBINEFUNC = @extschema@.int8vec_combine,
    INITCOND = '{0}',
    PARALLEL = safe
);

CREATE AGGREGATE @extschema@.avg(@extschema@.int8vec) (
    SFUNC = @extschema@.int8vec_accum,
    STYPE = double precision[],
    FINALFUNC = @extschema@.int8vec_avg,
    COMBINEFUNC = @extschema@.int8vec_combine,
    INITCOND = '{0}',
    PARALLEL = safe
);

-- ----------------------------------------------------------------------
-- casts: the functions take the typmod, and whether the cast is explicit
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.vector(@extschema@.vector, integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_enforce_typmod'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.vector AS @extschema@.vector)
    WITH FUNCTION @extschema@.vector(@extschema@.vector, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.halfvec(@extschema@.halfvec, integer, boolean) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_enforce_typmod'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.halfvec AS @extschema@.halfvec)
    WITH FUNCTION @extschema@.halfvec(@extschema@.halfvec, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.int8vec(@extschema@.int8vec, integer, boolean) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_enforce_typmod'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.int8vec AS @extschema@.int8vec)
    WITH FUNCTION @extschema@.int8vec(@extschema@.int8vec, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.sparsevec(@extschema@.sparsevec, integer, boolean) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_enforce_typmod'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.sparsevec AS @extschema@.sparsevec)
    WITH FUNCTION @extschema@.sparsevec(@extschema@.sparsevec, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.vector_to_halfvec(@extschema@.vector, integer, boolean) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_vector_to_halfvec'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.vector AS @extschema@.halfvec)
    WITH FUNCTION @extschema@.vector_to_halfvec(@extschema@.vector, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.halfvec_to_vector(@extschema@.halfvec, integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_halfvec_to_vector'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.halfvec AS @extschema@.vector)
    WITH FUNCTION @extschema@.halfvec_to_vector(@extschema@.halfvec, integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.vector_to_sparsevec(@extschema@.vector, integer, boolean) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_vector_to_sparsevec'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.vector AS @extschema@.sparsevec)
    WITH FUNCTION @extschema@.vector_to_sparsevec(@extschema@.vector, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.sparsevec_to_vector(@extschema@.sparsevec, integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_from_sparsevec'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.sparsevec AS @extschema@.vector)
    WITH FUNCTION @extschema@.sparsevec_to_vector(@extschema@.sparsevec, integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.halfvec_to_sparsevec(@extschema@.halfvec, integer, boolean) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_to_sparsevec'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.halfvec AS @extschema@.sparsevec)
    WITH FUNCTION @extschema@.halfvec_to_sparsevec(@extschema@.halfvec, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.sparsevec_to_halfvec(@extschema@.sparsevec, integer, boolean) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_from_sparsevec'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.sparsevec AS @extschema@.halfvec)
    WITH FUNCTION @extschema@.sparsevec_to_halfvec(@extschema@.sparsevec, integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.int8vec_to_vector(@extschema@.int8vec, integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_int8vec_to_vector'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.int8vec AS @extschema@.vector)
    WITH FUNCTION @extschema@.int8vec_to_vector(@extschema@.int8vec, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.vector_to_int8vec(@extschema@.vector, integer, boolean) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_vector_to_int8vec'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.vector AS @extschema@.int8vec)
    WITH FUNCTION @extschema@.vector_to_int8vec(@extschema@.vector, integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.vector_to_float4(@extschema@.vector, integer, boolean) RETURNS real[]
    AS 'MODULE_PATHNAME', 'vdb_vector_to_float4'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.vector AS real[])
    WITH FUNCTION @extschema@.vector_to_float4(@extschema@.vector, integer, boolean) AS IMPLICIT;

CREATE FUNCTION @extschema@.halfvec_to_float4(@extschema@.halfvec, integer, boolean) RETURNS real[]
    AS 'MODULE_PATHNAME', 'vdb_halfvec_to_float4'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.halfvec AS real[])
    WITH FUNCTION @extschema@.halfvec_to_float4(@extschema@.halfvec, integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.int8vec_to_int4(@extschema@.int8vec, integer, boolean) RETURNS integer[]
    AS 'MODULE_PATHNAME', 'vdb_int8vec_to_int4'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.int8vec AS integer[])
    WITH FUNCTION @extschema@.int8vec_to_int4(@extschema@.int8vec, integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.int8vec_to_float4(@extschema@.int8vec, integer, boolean) RETURNS real[]
    AS 'MODULE_PATHNAME', 'vdb_int8vec_to_float4'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (@extschema@.int8vec AS real[])
    WITH FUNCTION @extschema@.int8vec_to_float4(@extschema@.int8vec, integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_vector(integer[], integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (integer[] AS @extschema@.vector)
    WITH FUNCTION @extschema@.array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_vector(real[], integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (real[] AS @extschema@.vector)
    WITH FUNCTION @extschema@.array_to_vector(real[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_vector(double precision[], integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (double precision[] AS @extschema@.vector)
    WITH FUNCTION @extschema@.array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_vector(numeric[], integer, boolean) RETURNS @extschema@.vector
    AS 'MODULE_PATHNAME', 'vdb_vector_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (numeric[] AS @extschema@.vector)
    WITH FUNCTION @extschema@.array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_halfvec(integer[], integer, boolean) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (integer[] AS @extschema@.halfvec)
    WITH FUNCTION @extschema@.array_to_halfvec(integer[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_halfvec(real[], integer, boolean) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (real[] AS @extschema@.halfvec)
    WITH FUNCTION @extschema@.array_to_halfvec(real[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_halfvec(double precision[], integer, boolean) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (double precision[] AS @extschema@.halfvec)
    WITH FUNCTION @extschema@.array_to_halfvec(double precision[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_halfvec(numeric[], integer, boolean) RETURNS @extschema@.halfvec
    AS 'MODULE_PATHNAME', 'vdb_halfvec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (numeric[] AS @extschema@.halfvec)
    WITH FUNCTION @extschema@.array_to_halfvec(numeric[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_sparsevec(integer[], integer, boolean) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (integer[] AS @extschema@.sparsevec)
    WITH FUNCTION @extschema@.array_to_sparsevec(integer[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_sparsevec(real[], integer, boolean) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (real[] AS @extschema@.sparsevec)
    WITH FUNCTION @extschema@.array_to_sparsevec(real[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_sparsevec(double precision[], integer, boolean) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (double precision[] AS @extschema@.sparsevec)
    WITH FUNCTION @extschema@.array_to_sparsevec(double precision[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_sparsevec(numeric[], integer, boolean) RETURNS @extschema@.sparsevec
    AS 'MODULE_PATHNAME', 'vdb_sparsevec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (numeric[] AS @extschema@.sparsevec)
    WITH FUNCTION @extschema@.array_to_sparsevec(numeric[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_int8vec(smallint[], integer, boolean) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (smallint[] AS @extschema@.int8vec)
    WITH FUNCTION @extschema@.array_to_int8vec(smallint[], integer, boolean) AS ASSIGNMENT;

CREATE FUNCTION @extschema@.array_to_int8vec(integer[], integer, boolean) RETURNS @extschema@.int8vec
    AS 'MODULE_PATHNAME', 'vdb_int8vec_from_array'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (integer[] AS @extschema@.int8vec)
    WITH FUNCTION @extschema@.array_to_int8vec(integer[], integer, boolean) AS ASSIGNMENT;

-- ----------------------------------------------------------------------
-- operators
-- ----------------------------------------------------------------------

CREATE OPERATOR @extschema@.<-> (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.l2_distance,
    COMMUTATOR = OPERATOR(@extschema@.<->)
);

CREATE OPERATOR @extschema@.<#> (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_negative_inner_product,
    COMMUTATOR = OPERATOR(@extschema@.<#>)
);

CREATE OPERATOR @extschema@.<=> (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.cosine_distance,
    COMMUTATOR = OPERATOR(@extschema@.<=>)
);

CREATE OPERATOR @extschema@.<+> (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.l1_distance,
    COMMUTATOR = OPERATOR(@extschema@.<+>)
);

CREATE OPERATOR @extschema@.<-> (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.l2_distance,
    COMMUTATOR = OPERATOR(@extschema@.<->)
);

CREATE OPERATOR @extschema@.<#> (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_negative_inner_product,
    COMMUTATOR = OPERATOR(@extschema@.<#>)
);

CREATE OPERATOR @extschema@.<=> (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.cosine_distance,
    COMMUTATOR = OPERATOR(@extschema@.<=>)
);

CREATE OPERATOR @extschema@.<+> (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.l1_distance,
    COMMUTATOR = OPERATOR(@extschema@.<+>)
);

CREATE OPERATOR @extschema@.<-> (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.l2_distance,
    COMMUTATOR = OPERATOR(@extschema@.<->)
);

CREATE OPERATOR @extschema@.<#> (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_negative_inner_product,
    COMMUTATOR = OPERATOR(@extschema@.<#>)
);

CREATE OPERATOR @extschema@.<=> (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.cosine_distance,
    COMMUTATOR = OPERATOR(@extschema@.<=>)
);

CREATE OPERATOR @extschema@.<+> (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.l1_distance,
    COMMUTATOR = OPERATOR(@extschema@.<+>)
);

CREATE OPERATOR @extschema@.<-> (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.l2_distance,
    COMMUTATOR = OPERATOR(@extschema@.<->)
);

CREATE OPERATOR @extschema@.<#> (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.sparsevec_negative_inner_product,
    COMMUTATOR = OPERATOR(@extschema@.<#>)
);

CREATE OPERATOR @extschema@.<=> (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.cosine_distance,
    COMMUTATOR = OPERATOR(@extschema@.<=>)
);

CREATE OPERATOR @extschema@.<+> (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.l1_distance,
    COMMUTATOR = OPERATOR(@extschema@.<+>)
);

CREATE OPERATOR @extschema@.<~> (
    LEFTARG = bit,
    RIGHTARG = bit,
    FUNCTION = @extschema@.hamming_distance,
    COMMUTATOR = OPERATOR(@extschema@.<~>)
);

CREATE OPERATOR @extschema@.<%> (
    LEFTARG = bit,
    RIGHTARG = bit,
    FUNCTION = @extschema@.jaccard_distance,
    COMMUTATOR = OPERATOR(@extschema@.<%>)
);

CREATE OPERATOR @extschema@.+ (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_add,
    COMMUTATOR = OPERATOR(@extschema@.+)
);

CREATE OPERATOR @extschema@.- (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_sub
);

CREATE OPERATOR @extschema@.* (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_mul,
    COMMUTATOR = OPERATOR(@extschema@.*)
);

CREATE OPERATOR @extschema@.|| (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_concat
);

CREATE OPERATOR @extschema@.+ (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_add,
    COMMUTATOR = OPERATOR(@extschema@.+)
);

CREATE OPERATOR @extschema@.- (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_sub
);

CREATE OPERATOR @extschema@.* (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_mul,
    COMMUTATOR = OPERATOR(@extschema@.*)
);

CREATE OPERATOR @extschema@.|| (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_concat
);

CREATE OPERATOR @extschema@.+ (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_add,
    COMMUTATOR = OPERATOR(@extschema@.+)
);

CREATE OPERATOR @extschema@.- (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_sub
);

CREATE OPERATOR @extschema@.* (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_mul,
    COMMUTATOR = OPERATOR(@extschema@.*)
);

CREATE OPERATOR @extschema@.|| (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_concat
);

CREATE OPERATOR @extschema@.< (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_lt,
    COMMUTATOR = OPERATOR(@extschema@.>),
    NEGATOR = OPERATOR(@extschema@.>=),
    RESTRICT = pg_catalog.scalarltsel,
    JOIN = pg_catalog.scalarltjoinsel
);

CREATE OPERATOR @extschema@.<= (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_le,
    COMMUTATOR = OPERATOR(@extschema@.>=),
    NEGATOR = OPERATOR(@extschema@.>),
    RESTRICT = pg_catalog.scalarlesel,
    JOIN = pg_catalog.scalarlejoinsel
);

CREATE OPERATOR @extschema@.= (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_eq,
    COMMUTATOR = OPERATOR(@extschema@.=),
    NEGATOR = OPERATOR(@extschema@.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel
);

CREATE OPERATOR @extschema@.<> (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_ne,
    COMMUTATOR = OPERATOR(@extschema@.<>),
    NEGATOR = OPERATOR(@extschema@.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);

CREATE OPERATOR @extschema@.>= (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_ge,
    COMMUTATOR = OPERATOR(@extschema@.<=),
    NEGATOR = OPERATOR(@extschema@.<),
    RESTRICT = pg_catalog.scalargesel,
    JOIN = pg_catalog.scalargejoinsel
);

CREATE OPERATOR @extschema@.> (
    LEFTARG = @extschema@.vector,
    RIGHTARG = @extschema@.vector,
    FUNCTION = @extschema@.vector_gt,
    COMMUTATOR = OPERATOR(@extschema@.<),
    NEGATOR = OPERATOR(@extschema@.<=),
    RESTRICT = pg_catalog.scalargtsel,
    JOIN = pg_catalog.scalargtjoinsel
);

CREATE OPERATOR @extschema@.< (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_lt,
    COMMUTATOR = OPERATOR(@extschema@.>),
    NEGATOR = OPERATOR(@extschema@.>=),
    RESTRICT = pg_catalog.scalarltsel,
    JOIN = pg_catalog.scalarltjoinsel
);

CREATE OPERATOR @extschema@.<= (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_le,
    COMMUTATOR = OPERATOR(@extschema@.>=),
    NEGATOR = OPERATOR(@extschema@.>),
    RESTRICT = pg_catalog.scalarlesel,
    JOIN = pg_catalog.scalarlejoinsel
);

CREATE OPERATOR @extschema@.= (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_eq,
    COMMUTATOR = OPERATOR(@extschema@.=),
    NEGATOR = OPERATOR(@extschema@.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel
);

CREATE OPERATOR @extschema@.<> (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_ne,
    COMMUTATOR = OPERATOR(@extschema@.<>),
    NEGATOR = OPERATOR(@extschema@.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);

CREATE OPERATOR @extschema@.>= (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_ge,
    COMMUTATOR = OPERATOR(@extschema@.<=),
    NEGATOR = OPERATOR(@extschema@.<),
    RESTRICT = pg_catalog.scalargesel,
    JOIN = pg_catalog.scalargejoinsel
);

CREATE OPERATOR @extschema@.> (
    LEFTARG = @extschema@.halfvec,
    RIGHTARG = @extschema@.halfvec,
    FUNCTION = @extschema@.halfvec_gt,
    COMMUTATOR = OPERATOR(@extschema@.<),
    NEGATOR = OPERATOR(@extschema@.<=),
    RESTRICT = pg_catalog.scalargtsel,
    JOIN = pg_catalog.scalargtjoinsel
);

CREATE OPERATOR @extschema@.< (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_lt,
    COMMUTATOR = OPERATOR(@extschema@.>),
    NEGATOR = OPERATOR(@extschema@.>=),
    RESTRICT = pg_catalog.scalarltsel,
    JOIN = pg_catalog.scalarltjoinsel
);

CREATE OPERATOR @extschema@.<= (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_le,
    COMMUTATOR = OPERATOR(@extschema@.>=),
    NEGATOR = OPERATOR(@extschema@.>),
    RESTRICT = pg_catalog.scalarlesel,
    JOIN = pg_catalog.scalarlejoinsel
);

CREATE OPERATOR @extschema@.= (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_eq,
    COMMUTATOR = OPERATOR(@extschema@.=),
    NEGATOR = OPERATOR(@extschema@.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel
);

CREATE OPERATOR @extschema@.<> (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_ne,
    COMMUTATOR = OPERATOR(@extschema@.<>),
    NEGATOR = OPERATOR(@extschema@.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);

CREATE OPERATOR @extschema@.>= (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_ge,
    COMMUTATOR = OPERATOR(@extschema@.<=),
    NEGATOR = OPERATOR(@extschema@.<),
    RESTRICT = pg_catalog.scalargesel,
    JOIN = pg_catalog.scalargejoinsel
);

CREATE OPERATOR @extschema@.> (
    LEFTARG = @extschema@.int8vec,
    RIGHTARG = @extschema@.int8vec,
    FUNCTION = @extschema@.int8vec_gt,
    COMMUTATOR = OPERATOR(@extschema@.<),
    NEGATOR = OPERATOR(@extschema@.<=),
    RESTRICT = pg_catalog.scalargtsel,
    JOIN = pg_catalog.scalargtjoinsel
);

CREATE OPERATOR @extschema@.< (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.sparsevec_lt,
    COMMUTATOR = OPERATOR(@extschema@.>),
    NEGATOR = OPERATOR(@extschema@.>=),
    RESTRICT = pg_catalog.scalarltsel,
    JOIN = pg_catalog.scalarltjoinsel
);

CREATE OPERATOR @extschema@.<= (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.sparsevec_le,
    COMMUTATOR = OPERATOR(@extschema@.>=),
    NEGATOR = OPERATOR(@extschema@.>),
    RESTRICT = pg_catalog.scalarlesel,
    JOIN = pg_catalog.scalarlejoinsel
);

CREATE OPERATOR @extschema@.= (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.sparsevec_eq,
    COMMUTATOR = OPERATOR(@extschema@.=),
    NEGATOR = OPERATOR(@extschema@.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel
);

CREATE OPERATOR @extschema@.<> (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.sparsevec_ne,
    COMMUTATOR = OPERATOR(@extschema@.<>),
    NEGATOR = OPERATOR(@extschema@.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);

CREATE OPERATOR @extschema@.>= (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.sparsevec_ge,
    COMMUTATOR = OPERATOR(@extschema@.<=),
    NEGATOR = OPERATOR(@extschema@.<),
    RESTRICT = pg_catalog.scalargesel,
    JOIN = pg_catalog.scalargejoinsel
);

CREATE OPERATOR @extschema@.> (
    LEFTARG = @extschema@.sparsevec,
    RIGHTARG = @extschema@.sparsevec,
    FUNCTION = @extschema@.sparsevec_gt,
    COMMUTATOR = OPERATOR(@extschema@.<),
    NEGATOR = OPERATOR(@extschema@.<=),
    RESTRICT = pg_catalog.scalargtsel,
    JOIN = pg_catalog.scalargtjoinsel
);

-- ----------------------------------------------------------------------
-- btree operator classes
-- ----------------------------------------------------------------------

CREATE OPERATOR CLASS @extschema@.vector_ops
    DEFAULT FOR TYPE @extschema@.vector USING btree AS
    OPERATOR 1 @extschema@.<,
    OPERATOR 2 @extschema@.<=,
    OPERATOR 3 @extschema@.=,
    OPERATOR 4 @extschema@.>=,
    OPERATOR 5 @extschema@.>,
    FUNCTION 1 @extschema@.vector_cmp(@extschema@.vector, @extschema@.vector);

CREATE OPERATOR CLASS @extschema@.halfvec_ops
    DEFAULT FOR TYPE @extschema@.halfvec USING btree AS
    OPERATOR 1 @extschema@.<,
    OPERATOR 2 @extschema@.<=,
    OPERATOR 3 @extschema@.=,
    OPERATOR 4 @extschema@.>=,
    OPERATOR 5 @extschema@.>,
    FUNCTION 1 @extschema@.halfvec_cmp(@extschema@.halfvec, @extschema@.halfvec);

CREATE OPERATOR CLASS @extschema@.int8vec_ops
    DEFAULT FOR TYPE @extschema@.int8vec USING btree AS
    OPERATOR 1 @extschema@.<,
    OPERATOR 2 @extschema@.<=,
    OPERATOR 3 @extschema@.=,
    OPERATOR 4 @extschema@.>=,
    OPERATOR 5 @extschema@.>,
    FUNCTION 1 @extschema@.int8vec_cmp(@extschema@.int8vec, @extschema@.int8vec);

CREATE OPERATOR CLASS @extschema@.sparsevec_ops
    DEFAULT FOR TYPE @extschema@.sparsevec USING btree AS
    OPERATOR 1 @extschema@.<,
    OPERATOR 2 @extschema@.<=,
    OPERATOR 3 @extschema@.=,
    OPERATOR 4 @extschema@.>=,
    OPERATOR 5 @extschema@.>,
    FUNCTION 1 @extschema@.sparsevec_cmp(@extschema@.sparsevec, @extschema@.sparsevec);

-- ----------------------------------------------------------------------
-- what the operator classes of the index access methods are over
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.vecdb_am_vector_l2(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_vector_l2'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_vector_ip(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_vector_ip'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_vector_cosine(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_vector_cosine'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_vector_l1(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_vector_l1'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_halfvec_l2(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_halfvec_l2'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_halfvec_ip(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_halfvec_ip'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_halfvec_cosine(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_halfvec_cosine'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_halfvec_l1(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_halfvec_l1'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_int8vec_l2(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_int8vec_l2'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_int8vec_ip(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_int8vec_ip'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_int8vec_cosine(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_int8vec_cosine'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_int8vec_l1(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_int8vec_l1'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_sparsevec_l2(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_sparsevec_l2'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_sparsevec_ip(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_sparsevec_ip'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_sparsevec_cosine(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_sparsevec_cosine'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_sparsevec_l1(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_sparsevec_l1'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_bit_hamming(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_bit_hamming'
    LANGUAGE C;

CREATE FUNCTION @extschema@.vecdb_am_bit_jaccard(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_bit_jaccard'
    LANGUAGE C;

-- ----------------------------------------------------------------------
-- access method ivf: lists of vectors that are near each other
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.ivfhandler(internal) RETURNS index_am_handler
    AS 'MODULE_PATHNAME', 'vdb_ivf_handler'
    LANGUAGE C;

CREATE ACCESS METHOD ivf TYPE INDEX HANDLER @extschema@.ivfhandler;

COMMENT ON ACCESS METHOD ivf IS 'inverted file index for vectors';

CREATE OPERATOR CLASS @extschema@.vector_l2_ops
    DEFAULT FOR TYPE @extschema@.vector USING ivf AS
    OPERATOR 1 @extschema@.<-> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_l2(internal);

CREATE OPERATOR CLASS @extschema@.vector_ip_ops
    FOR TYPE @extschema@.vector USING ivf AS
    OPERATOR 1 @extschema@.<#> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_ip(internal);

CREATE OPERATOR CLASS @extschema@.vector_cosine_ops
    FOR TYPE @extschema@.vector USING ivf AS
    OPERATOR 1 @extschema@.<=> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_cosine(internal);

CREATE OPERATOR CLASS @extschema@.vector_l1_ops
    FOR TYPE @extschema@.vector USING ivf AS
    OPERATOR 1 @extschema@.<+> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_l1(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_l2_ops
    DEFAULT FOR TYPE @extschema@.halfvec USING ivf AS
    OPERATOR 1 @extschema@.<-> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_l2(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_ip_ops
    FOR TYPE @extschema@.halfvec USING ivf AS
    OPERATOR 1 @extschema@.<#> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_ip(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_cosine_ops
    FOR TYPE @extschema@.halfvec USING ivf AS
    OPERATOR 1 @extschema@.<=> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_l1_ops
    FOR TYPE @extschema@.halfvec USING ivf AS
    OPERATOR 1 @extschema@.<+> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_l1(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_l2_ops
    DEFAULT FOR TYPE @extschema@.int8vec USING ivf AS
    OPERATOR 1 @extschema@.<-> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_l2(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_ip_ops
    FOR TYPE @extschema@.int8vec USING ivf AS
    OPERATOR 1 @extschema@.<#> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_ip(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_cosine_ops
    FOR TYPE @extschema@.int8vec USING ivf AS
    OPERATOR 1 @extschema@.<=> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_l1_ops
    FOR TYPE @extschema@.int8vec USING ivf AS
    OPERATOR 1 @extschema@.<+> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_l1(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_l2_ops
    DEFAULT FOR TYPE @extschema@.sparsevec USING ivf AS
    OPERATOR 1 @extschema@.<-> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_l2(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_ip_ops
    FOR TYPE @extschema@.sparsevec USING ivf AS
    OPERATOR 1 @extschema@.<#> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_ip(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_cosine_ops
    FOR TYPE @extschema@.sparsevec USING ivf AS
    OPERATOR 1 @extschema@.<=> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_l1_ops
    FOR TYPE @extschema@.sparsevec USING ivf AS
    OPERATOR 1 @extschema@.<+> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_l1(internal);

CREATE OPERATOR CLASS @extschema@.bit_hamming_ops
    FOR TYPE pg_catalog.bit USING ivf AS
    OPERATOR 1 @extschema@.<~> (pg_catalog.bit, pg_catalog.bit) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_bit_hamming(internal);

CREATE OPERATOR CLASS @extschema@.bit_jaccard_ops
    FOR TYPE pg_catalog.bit USING ivf AS
    OPERATOR 1 @extschema@.<%> (pg_catalog.bit, pg_catalog.bit) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_bit_jaccard(internal);

-- Of the columns after the vector, which are there to be filtered by.

CREATE OPERATOR CLASS @extschema@.bool_ops
    DEFAULT FOR TYPE pg_catalog.bool USING ivf AS
    OPERATOR 1 pg_catalog.< (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 2 pg_catalog.<= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 3 pg_catalog.= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 4 pg_catalog.>= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 5 pg_catalog.> (pg_catalog.bool, pg_catalog.bool);

CREATE OPERATOR FAMILY @extschema@.integer_ops USING ivf;

CREATE OPERATOR CLASS @extschema@.int2_ops
    DEFAULT FOR TYPE pg_catalog.int2 USING ivf FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int2);

CREATE OPERATOR CLASS @extschema@.int4_ops
    DEFAULT FOR TYPE pg_catalog.int4 USING ivf FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int4);

CREATE OPERATOR CLASS @extschema@.int8_ops
    DEFAULT FOR TYPE pg_catalog.int8 USING ivf FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int8);

ALTER OPERATOR FAMILY @extschema@.integer_ops USING ivf ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int4);

CREATE OPERATOR FAMILY @extschema@.float_ops USING ivf;

CREATE OPERATOR CLASS @extschema@.float4_ops
    DEFAULT FOR TYPE pg_catalog.float4 USING ivf FAMILY @extschema@.float_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 3 pg_catalog.= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 5 pg_catalog.> (pg_catalog.float4, pg_catalog.float4);

CREATE OPERATOR CLASS @extschema@.float8_ops
    DEFAULT FOR TYPE pg_catalog.float8 USING ivf FAMILY @extschema@.float_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 3 pg_catalog.= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 5 pg_catalog.> (pg_catalog.float8, pg_catalog.float8);

ALTER OPERATOR FAMILY @extschema@.float_ops USING ivf ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 3 pg_catalog.= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 5 pg_catalog.> (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 1 pg_catalog.< (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 3 pg_catalog.= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 5 pg_catalog.> (pg_catalog.float8, pg_catalog.float4);

CREATE OPERATOR CLASS @extschema@.numeric_ops
    DEFAULT FOR TYPE pg_catalog.numeric USING ivf AS
    OPERATOR 1 pg_catalog.< (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 2 pg_catalog.<= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 3 pg_catalog.= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 4 pg_catalog.>= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 5 pg_catalog.> (pg_catalog.numeric, pg_catalog.numeric);

CREATE OPERATOR FAMILY @extschema@.datetime_ops USING ivf;

CREATE OPERATOR CLASS @extschema@.date_ops
    DEFAULT FOR TYPE pg_catalog.date USING ivf FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.date, pg_catalog.date),
    OPERATOR 2 pg_catalog.<= (pg_catalog.date, pg_catalog.date),
    OPERATOR 3 pg_catalog.= (pg_catalog.date, pg_catalog.date),
    OPERATOR 4 pg_catalog.>= (pg_catalog.date, pg_catalog.date),
    OPERATOR 5 pg_catalog.> (pg_catalog.date, pg_catalog.date);

CREATE OPERATOR CLASS @extschema@.timestamp_ops
    DEFAULT FOR TYPE pg_catalog.timestamp USING ivf FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamp, pg_catalog.timestamp);

CREATE OPERATOR CLASS @extschema@.timestamptz_ops
    DEFAULT FOR TYPE pg_catalog.timestamptz USING ivf FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamptz, pg_catalog.timestamptz);

ALTER OPERATOR FAMILY @extschema@.datetime_ops USING ivf ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 2 pg_catalog.<= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 3 pg_catalog.= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 4 pg_catalog.>= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 5 pg_catalog.> (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamp, pg_catalog.date);

CREATE OPERATOR CLASS @extschema@.time_ops
    DEFAULT FOR TYPE pg_catalog.time USING ivf AS
    OPERATOR 1 pg_catalog.< (pg_catalog.time, pg_catalog.time),
    OPERATOR 2 pg_catalog.<= (pg_catalog.time, pg_catalog.time),
    OPERATOR 3 pg_catalog.= (pg_catalog.time, pg_catalog.time),
    OPERATOR 4 pg_catalog.>= (pg_catalog.time, pg_catalog.time),
    OPERATOR 5 pg_catalog.> (pg_catalog.time, pg_catalog.time);

CREATE OPERATOR CLASS @extschema@.uuid_ops
    DEFAULT FOR TYPE pg_catalog.uuid USING ivf AS
    OPERATOR 1 pg_catalog.< (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 2 pg_catalog.<= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 3 pg_catalog.= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 4 pg_catalog.>= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 5 pg_catalog.> (pg_catalog.uuid, pg_catalog.uuid);

CREATE OPERATOR CLASS @extschema@.char_ops
    DEFAULT FOR TYPE pg_catalog."char" USING ivf AS
    OPERATOR 1 pg_catalog.< (pg_catalog."char", pg_catalog."char"),
    OPERATOR 2 pg_catalog.<= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 3 pg_catalog.= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 4 pg_catalog.>= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 5 pg_catalog.> (pg_catalog."char", pg_catalog."char");

CREATE OPERATOR CLASS @extschema@.oid_ops
    DEFAULT FOR TYPE pg_catalog.oid USING ivf AS
    OPERATOR 1 pg_catalog.< (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 2 pg_catalog.<= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 3 pg_catalog.= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 4 pg_catalog.>= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 5 pg_catalog.> (pg_catalog.oid, pg_catalog.oid);

CREATE OPERATOR CLASS @extschema@.enum_ops
    DEFAULT FOR TYPE pg_catalog.anyenum USING ivf AS
    OPERATOR 3 pg_catalog.= (pg_catalog.anyenum, pg_catalog.anyenum);

CREATE OPERATOR FAMILY @extschema@.text_ops USING ivf;

CREATE OPERATOR CLASS @extschema@.text_ops
    DEFAULT FOR TYPE pg_catalog.text USING ivf FAMILY @extschema@.text_ops AS
    OPERATOR 3 pg_catalog.= (pg_catalog.text, pg_catalog.text);

CREATE OPERATOR CLASS @extschema@.name_ops
    DEFAULT FOR TYPE pg_catalog.name USING ivf FAMILY @extschema@.text_ops AS
    OPERATOR 3 pg_catalog.= (pg_catalog.name, pg_catalog.name);

ALTER OPERATOR FAMILY @extschema@.text_ops USING ivf ADD
    OPERATOR 3 pg_catalog.= (pg_catalog.text, pg_catalog.name),
    OPERATOR 3 pg_catalog.= (pg_catalog.name, pg_catalog.text);

CREATE OPERATOR CLASS @extschema@.bpchar_ops
    DEFAULT FOR TYPE pg_catalog.bpchar USING ivf AS
    OPERATOR 3 pg_catalog.= (pg_catalog.bpchar, pg_catalog.bpchar);

CREATE OPERATOR CLASS @extschema@.bytea_ops
    DEFAULT FOR TYPE pg_catalog.bytea USING ivf AS
    OPERATOR 3 pg_catalog.= (pg_catalog.bytea, pg_catalog.bytea);

CREATE OPERATOR CLASS @extschema@.timetz_ops
    DEFAULT FOR TYPE pg_catalog.timetz USING ivf AS
    OPERATOR 3 pg_catalog.= (pg_catalog.timetz, pg_catalog.timetz);

CREATE OPERATOR CLASS @extschema@.interval_ops
    DEFAULT FOR TYPE pg_catalog.interval USING ivf AS
    OPERATOR 3 pg_catalog.= (pg_catalog.interval, pg_catalog.interval);

CREATE OPERATOR CLASS @extschema@.inet_ops
    DEFAULT FOR TYPE pg_catalog.inet USING ivf AS
    OPERATOR 3 pg_catalog.= (pg_catalog.inet, pg_catalog.inet);

CREATE OPERATOR CLASS @extschema@.array_ops
    DEFAULT FOR TYPE pg_catalog.anyarray USING ivf AS
    OPERATOR 3 pg_catalog.= (pg_catalog.anyarray, pg_catalog.anyarray),
    OPERATOR 6 pg_catalog.&& (pg_catalog.anyarray, pg_catalog.anyarray),
    OPERATOR 7 pg_catalog.@> (pg_catalog.anyarray, pg_catalog.anyarray);

-- ----------------------------------------------------------------------
-- access method ivfflat: ivf under the name that clients of pgvector use
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.ivfflathandler(internal) RETURNS index_am_handler
    AS 'MODULE_PATHNAME', 'vdb_ivfflat_handler'
    LANGUAGE C;

CREATE ACCESS METHOD ivfflat TYPE INDEX HANDLER @extschema@.ivfflathandler;

COMMENT ON ACCESS METHOD ivfflat IS 'inverted file index for vectors, kept as they are unless told otherwise';

-- What pgvector's operator classes say of their types by.  Those here have no
-- use for them; they return what the default one of the type says.

CREATE FUNCTION @extschema@.ivfflat_halfvec_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_halfvec_l2'
    LANGUAGE C;

CREATE FUNCTION @extschema@.ivfflat_bit_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_bit_hamming'
    LANGUAGE C;

CREATE OPERATOR CLASS @extschema@.vector_l2_ops
    DEFAULT FOR TYPE @extschema@.vector USING ivfflat AS
    OPERATOR 1 @extschema@.<-> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_l2(internal);

CREATE OPERATOR CLASS @extschema@.vector_ip_ops
    FOR TYPE @extschema@.vector USING ivfflat AS
    OPERATOR 1 @extschema@.<#> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_ip(internal);

CREATE OPERATOR CLASS @extschema@.vector_cosine_ops
    FOR TYPE @extschema@.vector USING ivfflat AS
    OPERATOR 1 @extschema@.<=> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_cosine(internal);

CREATE OPERATOR CLASS @extschema@.vector_l1_ops
    FOR TYPE @extschema@.vector USING ivfflat AS
    OPERATOR 1 @extschema@.<+> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_l1(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_l2_ops
    FOR TYPE @extschema@.halfvec USING ivfflat AS
    OPERATOR 1 @extschema@.<-> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_l2(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_ip_ops
    FOR TYPE @extschema@.halfvec USING ivfflat AS
    OPERATOR 1 @extschema@.<#> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_ip(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_cosine_ops
    FOR TYPE @extschema@.halfvec USING ivfflat AS
    OPERATOR 1 @extschema@.<=> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_l1_ops
    FOR TYPE @extschema@.halfvec USING ivfflat AS
    OPERATOR 1 @extschema@.<+> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_l1(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_l2_ops
    DEFAULT FOR TYPE @extschema@.int8vec USING ivfflat AS
    OPERATOR 1 @extschema@.<-> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_l2(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_ip_ops
    FOR TYPE @extschema@.int8vec USING ivfflat AS
    OPERATOR 1 @extschema@.<#> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_ip(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_cosine_ops
    FOR TYPE @extschema@.int8vec USING ivfflat AS
    OPERATOR 1 @extschema@.<=> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_l1_ops
    FOR TYPE @extschema@.int8vec USING ivfflat AS
    OPERATOR 1 @extschema@.<+> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_l1(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_l2_ops
    DEFAULT FOR TYPE @extschema@.sparsevec USING ivfflat AS
    OPERATOR 1 @extschema@.<-> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_l2(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_ip_ops
    FOR TYPE @extschema@.sparsevec USING ivfflat AS
    OPERATOR 1 @extschema@.<#> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_ip(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_cosine_ops
    FOR TYPE @extschema@.sparsevec USING ivfflat AS
    OPERATOR 1 @extschema@.<=> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_l1_ops
    FOR TYPE @extschema@.sparsevec USING ivfflat AS
    OPERATOR 1 @extschema@.<+> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_l1(internal);

CREATE OPERATOR CLASS @extschema@.bit_hamming_ops
    FOR TYPE pg_catalog.bit USING ivfflat AS
    OPERATOR 1 @extschema@.<~> (pg_catalog.bit, pg_catalog.bit) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_bit_hamming(internal);

CREATE OPERATOR CLASS @extschema@.bit_jaccard_ops
    FOR TYPE pg_catalog.bit USING ivfflat AS
    OPERATOR 1 @extschema@.<%> (pg_catalog.bit, pg_catalog.bit) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_bit_jaccard(internal);

-- Of the columns after the vector, which are there to be filtered by.

CREATE OPERATOR CLASS @extschema@.bool_ops
    DEFAULT FOR TYPE pg_catalog.bool USING ivfflat AS
    OPERATOR 1 pg_catalog.< (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 2 pg_catalog.<= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 3 pg_catalog.= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 4 pg_catalog.>= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 5 pg_catalog.> (pg_catalog.bool, pg_catalog.bool);

CREATE OPERATOR FAMILY @extschema@.integer_ops USING ivfflat;

CREATE OPERATOR CLASS @extschema@.int2_ops
    DEFAULT FOR TYPE pg_catalog.int2 USING ivfflat FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int2);

CREATE OPERATOR CLASS @extschema@.int4_ops
    DEFAULT FOR TYPE pg_catalog.int4 USING ivfflat FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int4);

CREATE OPERATOR CLASS @extschema@.int8_ops
    DEFAULT FOR TYPE pg_catalog.int8 USING ivfflat FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int8);

ALTER OPERATOR FAMILY @extschema@.integer_ops USING ivfflat ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int4);

CREATE OPERATOR FAMILY @extschema@.float_ops USING ivfflat;

CREATE OPERATOR CLASS @extschema@.float4_ops
    DEFAULT FOR TYPE pg_catalog.float4 USING ivfflat FAMILY @extschema@.float_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 3 pg_catalog.= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 5 pg_catalog.> (pg_catalog.float4, pg_catalog.float4);

CREATE OPERATOR CLASS @extschema@.float8_ops
    DEFAULT FOR TYPE pg_catalog.float8 USING ivfflat FAMILY @extschema@.float_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 3 pg_catalog.= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 5 pg_catalog.> (pg_catalog.float8, pg_catalog.float8);

ALTER OPERATOR FAMILY @extschema@.float_ops USING ivfflat ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 3 pg_catalog.= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 5 pg_catalog.> (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 1 pg_catalog.< (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 3 pg_catalog.= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 5 pg_catalog.> (pg_catalog.float8, pg_catalog.float4);

CREATE OPERATOR CLASS @extschema@.numeric_ops
    DEFAULT FOR TYPE pg_catalog.numeric USING ivfflat AS
    OPERATOR 1 pg_catalog.< (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 2 pg_catalog.<= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 3 pg_catalog.= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 4 pg_catalog.>= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 5 pg_catalog.> (pg_catalog.numeric, pg_catalog.numeric);

CREATE OPERATOR FAMILY @extschema@.datetime_ops USING ivfflat;

CREATE OPERATOR CLASS @extschema@.date_ops
    DEFAULT FOR TYPE pg_catalog.date USING ivfflat FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.date, pg_catalog.date),
    OPERATOR 2 pg_catalog.<= (pg_catalog.date, pg_catalog.date),
    OPERATOR 3 pg_catalog.= (pg_catalog.date, pg_catalog.date),
    OPERATOR 4 pg_catalog.>= (pg_catalog.date, pg_catalog.date),
    OPERATOR 5 pg_catalog.> (pg_catalog.date, pg_catalog.date);

CREATE OPERATOR CLASS @extschema@.timestamp_ops
    DEFAULT FOR TYPE pg_catalog.timestamp USING ivfflat FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamp, pg_catalog.timestamp);

CREATE OPERATOR CLASS @extschema@.timestamptz_ops
    DEFAULT FOR TYPE pg_catalog.timestamptz USING ivfflat FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamptz, pg_catalog.timestamptz);

ALTER OPERATOR FAMILY @extschema@.datetime_ops USING ivfflat ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 2 pg_catalog.<= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 3 pg_catalog.= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 4 pg_catalog.>= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 5 pg_catalog.> (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamp, pg_catalog.date);

CREATE OPERATOR CLASS @extschema@.time_ops
    DEFAULT FOR TYPE pg_catalog.time USING ivfflat AS
    OPERATOR 1 pg_catalog.< (pg_catalog.time, pg_catalog.time),
    OPERATOR 2 pg_catalog.<= (pg_catalog.time, pg_catalog.time),
    OPERATOR 3 pg_catalog.= (pg_catalog.time, pg_catalog.time),
    OPERATOR 4 pg_catalog.>= (pg_catalog.time, pg_catalog.time),
    OPERATOR 5 pg_catalog.> (pg_catalog.time, pg_catalog.time);

CREATE OPERATOR CLASS @extschema@.uuid_ops
    DEFAULT FOR TYPE pg_catalog.uuid USING ivfflat AS
    OPERATOR 1 pg_catalog.< (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 2 pg_catalog.<= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 3 pg_catalog.= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 4 pg_catalog.>= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 5 pg_catalog.> (pg_catalog.uuid, pg_catalog.uuid);

CREATE OPERATOR CLASS @extschema@.char_ops
    DEFAULT FOR TYPE pg_catalog."char" USING ivfflat AS
    OPERATOR 1 pg_catalog.< (pg_catalog."char", pg_catalog."char"),
    OPERATOR 2 pg_catalog.<= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 3 pg_catalog.= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 4 pg_catalog.>= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 5 pg_catalog.> (pg_catalog."char", pg_catalog."char");

CREATE OPERATOR CLASS @extschema@.oid_ops
    DEFAULT FOR TYPE pg_catalog.oid USING ivfflat AS
    OPERATOR 1 pg_catalog.< (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 2 pg_catalog.<= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 3 pg_catalog.= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 4 pg_catalog.>= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 5 pg_catalog.> (pg_catalog.oid, pg_catalog.oid);

CREATE OPERATOR CLASS @extschema@.enum_ops
    DEFAULT FOR TYPE pg_catalog.anyenum USING ivfflat AS
    OPERATOR 3 pg_catalog.= (pg_catalog.anyenum, pg_catalog.anyenum);

CREATE OPERATOR FAMILY @extschema@.text_ops USING ivfflat;

CREATE OPERATOR CLASS @extschema@.text_ops
    DEFAULT FOR TYPE pg_catalog.text USING ivfflat FAMILY @extschema@.text_ops AS
    OPERATOR 3 pg_catalog.= (pg_catalog.text, pg_catalog.text);

CREATE OPERATOR CLASS @extschema@.name_ops
    DEFAULT FOR TYPE pg_catalog.name USING ivfflat FAMILY @extschema@.text_ops AS
    OPERATOR 3 pg_catalog.= (pg_catalog.name, pg_catalog.name);

ALTER OPERATOR FAMILY @extschema@.text_ops USING ivfflat ADD
    OPERATOR 3 pg_catalog.= (pg_catalog.text, pg_catalog.name),
    OPERATOR 3 pg_catalog.= (pg_catalog.name, pg_catalog.text);

CREATE OPERATOR CLASS @extschema@.bpchar_ops
    DEFAULT FOR TYPE pg_catalog.bpchar USING ivfflat AS
    OPERATOR 3 pg_catalog.= (pg_catalog.bpchar, pg_catalog.bpchar);

CREATE OPERATOR CLASS @extschema@.bytea_ops
    DEFAULT FOR TYPE pg_catalog.bytea USING ivfflat AS
    OPERATOR 3 pg_catalog.= (pg_catalog.bytea, pg_catalog.bytea);

CREATE OPERATOR CLASS @extschema@.timetz_ops
    DEFAULT FOR TYPE pg_catalog.timetz USING ivfflat AS
    OPERATOR 3 pg_catalog.= (pg_catalog.timetz, pg_catalog.timetz);

CREATE OPERATOR CLASS @extschema@.interval_ops
    DEFAULT FOR TYPE pg_catalog.interval USING ivfflat AS
    OPERATOR 3 pg_catalog.= (pg_catalog.interval, pg_catalog.interval);

CREATE OPERATOR CLASS @extschema@.inet_ops
    DEFAULT FOR TYPE pg_catalog.inet USING ivfflat AS
    OPERATOR 3 pg_catalog.= (pg_catalog.inet, pg_catalog.inet);

CREATE OPERATOR CLASS @extschema@.array_ops
    DEFAULT FOR TYPE pg_catalog.anyarray USING ivfflat AS
    OPERATOR 3 pg_catalog.= (pg_catalog.anyarray, pg_catalog.anyarray),
    OPERATOR 6 pg_catalog.&& (pg_catalog.anyarray, pg_catalog.anyarray),
    OPERATOR 7 pg_catalog.@> (pg_catalog.anyarray, pg_catalog.anyarray);

-- ----------------------------------------------------------------------
-- access method hnsw: a graph in which vectors lead to near ones
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.hnswhandler(internal) RETURNS index_am_handler
    AS 'MODULE_PATHNAME', 'vdb_hnsw_handler'
    LANGUAGE C;

CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER @extschema@.hnswhandler;

COMMENT ON ACCESS METHOD hnsw IS 'graph index for vectors';

-- As for ivfflat: names of pgvector's without a use here.

CREATE FUNCTION @extschema@.hnsw_halfvec_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_halfvec_l2'
    LANGUAGE C;

CREATE FUNCTION @extschema@.hnsw_bit_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_bit_hamming'
    LANGUAGE C;

CREATE FUNCTION @extschema@.hnsw_sparsevec_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vdb_am_kind_sparsevec_l2'
    LANGUAGE C;

CREATE OPERATOR CLASS @extschema@.vector_l2_ops
    FOR TYPE @extschema@.vector USING hnsw AS
    OPERATOR 1 @extschema@.<-> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_l2(internal);

CREATE OPERATOR CLASS @extschema@.vector_ip_ops
    FOR TYPE @extschema@.vector USING hnsw AS
    OPERATOR 1 @extschema@.<#> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_ip(internal);

CREATE OPERATOR CLASS @extschema@.vector_cosine_ops
    FOR TYPE @extschema@.vector USING hnsw AS
    OPERATOR 1 @extschema@.<=> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_cosine(internal);

CREATE OPERATOR CLASS @extschema@.vector_l1_ops
    FOR TYPE @extschema@.vector USING hnsw AS
    OPERATOR 1 @extschema@.<+> (@extschema@.vector, @extschema@.vector) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_vector_l1(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_l2_ops
    FOR TYPE @extschema@.halfvec USING hnsw AS
    OPERATOR 1 @extschema@.<-> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_l2(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_ip_ops
    FOR TYPE @extschema@.halfvec USING hnsw AS
    OPERATOR 1 @extschema@.<#> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_ip(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_cosine_ops
    FOR TYPE @extschema@.halfvec USING hnsw AS
    OPERATOR 1 @extschema@.<=> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.halfvec_l1_ops
    FOR TYPE @extschema@.halfvec USING hnsw AS
    OPERATOR 1 @extschema@.<+> (@extschema@.halfvec, @extschema@.halfvec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_halfvec_l1(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_l2_ops
    DEFAULT FOR TYPE @extschema@.int8vec USING hnsw AS
    OPERATOR 1 @extschema@.<-> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_l2(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_ip_ops
    FOR TYPE @extschema@.int8vec USING hnsw AS
    OPERATOR 1 @extschema@.<#> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_ip(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_cosine_ops
    FOR TYPE @extschema@.int8vec USING hnsw AS
    OPERATOR 1 @extschema@.<=> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.int8vec_l1_ops
    FOR TYPE @extschema@.int8vec USING hnsw AS
    OPERATOR 1 @extschema@.<+> (@extschema@.int8vec, @extschema@.int8vec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_int8vec_l1(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_l2_ops
    FOR TYPE @extschema@.sparsevec USING hnsw AS
    OPERATOR 1 @extschema@.<-> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_l2(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_ip_ops
    FOR TYPE @extschema@.sparsevec USING hnsw AS
    OPERATOR 1 @extschema@.<#> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_ip(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_cosine_ops
    FOR TYPE @extschema@.sparsevec USING hnsw AS
    OPERATOR 1 @extschema@.<=> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_cosine(internal);

CREATE OPERATOR CLASS @extschema@.sparsevec_l1_ops
    FOR TYPE @extschema@.sparsevec USING hnsw AS
    OPERATOR 1 @extschema@.<+> (@extschema@.sparsevec, @extschema@.sparsevec) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_sparsevec_l1(internal);

CREATE OPERATOR CLASS @extschema@.bit_hamming_ops
    FOR TYPE pg_catalog.bit USING hnsw AS
    OPERATOR 1 @extschema@.<~> (pg_catalog.bit, pg_catalog.bit) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_bit_hamming(internal);

CREATE OPERATOR CLASS @extschema@.bit_jaccard_ops
    FOR TYPE pg_catalog.bit USING hnsw AS
    OPERATOR 1 @extschema@.<%> (pg_catalog.bit, pg_catalog.bit) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 @extschema@.vecdb_am_bit_jaccard(internal);

-- Of the columns after the vector, which are there to be filtered by.

CREATE OPERATOR CLASS @extschema@.bool_ops
    DEFAULT FOR TYPE pg_catalog.bool USING hnsw AS
    OPERATOR 1 pg_catalog.< (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 2 pg_catalog.<= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 3 pg_catalog.= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 4 pg_catalog.>= (pg_catalog.bool, pg_catalog.bool),
    OPERATOR 5 pg_catalog.> (pg_catalog.bool, pg_catalog.bool);

CREATE OPERATOR FAMILY @extschema@.integer_ops USING hnsw;

CREATE OPERATOR CLASS @extschema@.int2_ops
    DEFAULT FOR TYPE pg_catalog.int2 USING hnsw FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int2);

CREATE OPERATOR CLASS @extschema@.int4_ops
    DEFAULT FOR TYPE pg_catalog.int4 USING hnsw FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int4);

CREATE OPERATOR CLASS @extschema@.int8_ops
    DEFAULT FOR TYPE pg_catalog.int8 USING hnsw FAMILY @extschema@.integer_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int8);

ALTER OPERATOR FAMILY @extschema@.integer_ops USING hnsw ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int4),
    OPERATOR 1 pg_catalog.< (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int2, pg_catalog.int8),
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int2),
    OPERATOR 1 pg_catalog.< (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 3 pg_catalog.= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 5 pg_catalog.> (pg_catalog.int4, pg_catalog.int8),
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int2),
    OPERATOR 1 pg_catalog.< (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 3 pg_catalog.= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.int8, pg_catalog.int4),
    OPERATOR 5 pg_catalog.> (pg_catalog.int8, pg_catalog.int4);

CREATE OPERATOR FAMILY @extschema@.float_ops USING hnsw;

CREATE OPERATOR CLASS @extschema@.float4_ops
    DEFAULT FOR TYPE pg_catalog.float4 USING hnsw FAMILY @extschema@.float_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 3 pg_catalog.= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float4, pg_catalog.float4),
    OPERATOR 5 pg_catalog.> (pg_catalog.float4, pg_catalog.float4);

CREATE OPERATOR CLASS @extschema@.float8_ops
    DEFAULT FOR TYPE pg_catalog.float8 USING hnsw FAMILY @extschema@.float_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 3 pg_catalog.= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float8, pg_catalog.float8),
    OPERATOR 5 pg_catalog.> (pg_catalog.float8, pg_catalog.float8);

ALTER OPERATOR FAMILY @extschema@.float_ops USING hnsw ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 3 pg_catalog.= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 5 pg_catalog.> (pg_catalog.float4, pg_catalog.float8),
    OPERATOR 1 pg_catalog.< (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 2 pg_catalog.<= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 3 pg_catalog.= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 4 pg_catalog.>= (pg_catalog.float8, pg_catalog.float4),
    OPERATOR 5 pg_catalog.> (pg_catalog.float8, pg_catalog.float4);

CREATE OPERATOR CLASS @extschema@.numeric_ops
    DEFAULT FOR TYPE pg_catalog.numeric USING hnsw AS
    OPERATOR 1 pg_catalog.< (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 2 pg_catalog.<= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 3 pg_catalog.= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 4 pg_catalog.>= (pg_catalog.numeric, pg_catalog.numeric),
    OPERATOR 5 pg_catalog.> (pg_catalog.numeric, pg_catalog.numeric);

CREATE OPERATOR FAMILY @extschema@.datetime_ops USING hnsw;

CREATE OPERATOR CLASS @extschema@.date_ops
    DEFAULT FOR TYPE pg_catalog.date USING hnsw FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.date, pg_catalog.date),
    OPERATOR 2 pg_catalog.<= (pg_catalog.date, pg_catalog.date),
    OPERATOR 3 pg_catalog.= (pg_catalog.date, pg_catalog.date),
    OPERATOR 4 pg_catalog.>= (pg_catalog.date, pg_catalog.date),
    OPERATOR 5 pg_catalog.> (pg_catalog.date, pg_catalog.date);

CREATE OPERATOR CLASS @extschema@.timestamp_ops
    DEFAULT FOR TYPE pg_catalog.timestamp USING hnsw FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamp, pg_catalog.timestamp),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamp, pg_catalog.timestamp);

CREATE OPERATOR CLASS @extschema@.timestamptz_ops
    DEFAULT FOR TYPE pg_catalog.timestamptz USING hnsw FAMILY @extschema@.datetime_ops AS
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamptz, pg_catalog.timestamptz),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamptz, pg_catalog.timestamptz);

ALTER OPERATOR FAMILY @extschema@.datetime_ops USING hnsw ADD
    OPERATOR 1 pg_catalog.< (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 2 pg_catalog.<= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 3 pg_catalog.= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 4 pg_catalog.>= (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 5 pg_catalog.> (pg_catalog.date, pg_catalog.timestamp),
    OPERATOR 1 pg_catalog.< (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 2 pg_catalog.<= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 3 pg_catalog.= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 4 pg_catalog.>= (pg_catalog.timestamp, pg_catalog.date),
    OPERATOR 5 pg_catalog.> (pg_catalog.timestamp, pg_catalog.date);

CREATE OPERATOR CLASS @extschema@.time_ops
    DEFAULT FOR TYPE pg_catalog.time USING hnsw AS
    OPERATOR 1 pg_catalog.< (pg_catalog.time, pg_catalog.time),
    OPERATOR 2 pg_catalog.<= (pg_catalog.time, pg_catalog.time),
    OPERATOR 3 pg_catalog.= (pg_catalog.time, pg_catalog.time),
    OPERATOR 4 pg_catalog.>= (pg_catalog.time, pg_catalog.time),
    OPERATOR 5 pg_catalog.> (pg_catalog.time, pg_catalog.time);

CREATE OPERATOR CLASS @extschema@.uuid_ops
    DEFAULT FOR TYPE pg_catalog.uuid USING hnsw AS
    OPERATOR 1 pg_catalog.< (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 2 pg_catalog.<= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 3 pg_catalog.= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 4 pg_catalog.>= (pg_catalog.uuid, pg_catalog.uuid),
    OPERATOR 5 pg_catalog.> (pg_catalog.uuid, pg_catalog.uuid);

CREATE OPERATOR CLASS @extschema@.char_ops
    DEFAULT FOR TYPE pg_catalog."char" USING hnsw AS
    OPERATOR 1 pg_catalog.< (pg_catalog."char", pg_catalog."char"),
    OPERATOR 2 pg_catalog.<= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 3 pg_catalog.= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 4 pg_catalog.>= (pg_catalog."char", pg_catalog."char"),
    OPERATOR 5 pg_catalog.> (pg_catalog."char", pg_catalog."char");

CREATE OPERATOR CLASS @extschema@.oid_ops
    DEFAULT FOR TYPE pg_catalog.oid USING hnsw AS
    OPERATOR 1 pg_catalog.< (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 2 pg_catalog.<= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 3 pg_catalog.= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 4 pg_catalog.>= (pg_catalog.oid, pg_catalog.oid),
    OPERATOR 5 pg_catalog.> (pg_catalog.oid, pg_catalog.oid);

CREATE OPERATOR CLASS @extschema@.enum_ops
    DEFAULT FOR TYPE pg_catalog.anyenum USING hnsw AS
    OPERATOR 3 pg_catalog.= (pg_catalog.anyenum, pg_catalog.anyenum);

CREATE OPERATOR FAMILY @extschema@.text_ops USING hnsw;

CREATE OPERATOR CLASS @extschema@.text_ops
    DEFAULT FOR TYPE pg_catalog.text USING hnsw FAMILY @extschema@.text_ops AS
    OPERATOR 3 pg_catalog.= (pg_catalog.text, pg_catalog.text);

CREATE OPERATOR CLASS @extschema@.name_ops
    DEFAULT FOR TYPE pg_catalog.name USING hnsw FAMILY @extschema@.text_ops AS
    OPERATOR 3 pg_catalog.= (pg_catalog.name, pg_catalog.name);

ALTER OPERATOR FAMILY @extschema@.text_ops USING hnsw ADD
    OPERATOR 3 pg_catalog.= (pg_catalog.text, pg_catalog.name),
    OPERATOR 3 pg_catalog.= (pg_catalog.name, pg_catalog.text);

CREATE OPERATOR CLASS @extschema@.bpchar_ops
    DEFAULT FOR TYPE pg_catalog.bpchar USING hnsw AS
    OPERATOR 3 pg_catalog.= (pg_catalog.bpchar, pg_catalog.bpchar);

CREATE OPERATOR CLASS @extschema@.bytea_ops
    DEFAULT FOR TYPE pg_catalog.bytea USING hnsw AS
    OPERATOR 3 pg_catalog.= (pg_catalog.bytea, pg_catalog.bytea);

CREATE OPERATOR CLASS @extschema@.timetz_ops
    DEFAULT FOR TYPE pg_catalog.timetz USING hnsw AS
    OPERATOR 3 pg_catalog.= (pg_catalog.timetz, pg_catalog.timetz);

CREATE OPERATOR CLASS @extschema@.interval_ops
    DEFAULT FOR TYPE pg_catalog.interval USING hnsw AS
    OPERATOR 3 pg_catalog.= (pg_catalog.interval, pg_catalog.interval);

CREATE OPERATOR CLASS @extschema@.inet_ops
    DEFAULT FOR TYPE pg_catalog.inet USING hnsw AS
    OPERATOR 3 pg_catalog.= (pg_catalog.inet, pg_catalog.inet);

CREATE OPERATOR CLASS @extschema@.array_ops
    DEFAULT FOR TYPE pg_catalog.anyarray USING hnsw AS
    OPERATOR 3 pg_catalog.= (pg_catalog.anyarray, pg_catalog.anyarray),
    OPERATOR 6 pg_catalog.&& (pg_catalog.anyarray, pg_catalog.anyarray),
    OPERATOR 7 pg_catalog.@> (pg_catalog.anyarray, pg_catalog.anyarray);

-- ----------------------------------------------------------------------
-- looking after indexes: for the index's owner
-- ----------------------------------------------------------------------

CREATE FUNCTION @extschema@.vecdb_index_info(
        index regclass,
        OUT method text, OUT quantizer text, OUT dimensions integer, OUT metric text,
        OUT rows bigint, OUT zero_rows bigint, OUT null_rows bigint,
        OUT lists bigint, OUT empty_lists bigint,
        OUT smallest_list bigint, OUT average_list double precision, OUT largest_list bigint,
        OUT imbalance double precision, OUT drift double precision,
        OUT loose_entries bigint, OUT empty_lanes bigint,
        OUT retired_lists bigint, OUT retired_pages bigint, OUT free_pages bigint,
        OUT pages bigint, OUT bytes bigint, OUT bytes_per_row double precision,
        OUT version bigint,
        OUT probes_90 bigint, OUT probes_95 bigint, OUT probes_99 bigint,
        OUT m bigint, OUT ef_construction bigint,
        OUT nodes bigint, OUT dead_nodes bigint, OUT buckets bigint, OUT free_slots bigint,
        OUT entries bigint, OUT edges bigint, OUT average_degree double precision,
        OUT unreachable bigint,
        OUT ef_90 bigint, OUT ef_95 bigint, OUT ef_99 bigint)
    AS 'MODULE_PATHNAME', 'vdb_admin_index_info'
    LANGUAGE C VOLATILE STRICT;

CREATE FUNCTION @extschema@.vecdb_index_check(index regclass, deep boolean DEFAULT false,
        OUT block bigint, OUT problem text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'vdb_admin_index_check'
    LANGUAGE C VOLATILE STRICT;

CREATE FUNCTION @extschema@.vecdb_recall(index regclass, sample integer DEFAULT 100,
        k integer DEFAULT 10)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'vdb_admin_recall'
    LANGUAGE C VOLATILE STRICT;

CREATE FUNCTION @extschema@.vecdb_calibrate(index regclass, k integer DEFAULT 10,
        OUT recall double precision, OUT width integer)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'vdb_admin_calibrate'
    LANGUAGE C VOLATILE STRICT;

-- Also for whoever may select from the table.

CREATE FUNCTION @extschema@.vecdb_prewarm(index regclass)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'vdb_admin_prewarm'
    LANGUAGE C VOLATILE STRICT;

-- For everybody, about their session.

CREATE FUNCTION @extschema@.vecdb_last_scan(
        OUT index regclass, OUT ef bigint, OUT probes bigint, OUT nodes bigint, OUT lists bigint,
        OUT entries bigint, OUT distances bigint, OUT bounds bigint, OUT rows bigint,
        OUT sweeps bigint, OUT tested bigint, OUT passed bigint, OUT bridged bigint)
    AS 'MODULE_PATHNAME', 'vdb_admin_last_scan'
    LANGUAGE C VOLATILE;

-- ----------------------------------------------------------------------
-- coming from pgvector
-- ----------------------------------------------------------------------

-- The statements that replace pgvector's indexes, after VERSION 'pgvector', by
-- vecdb's of the same names: to be run one by one, by psql's \gexec say.
-- Each index serves until the last statement about it.
CREATE FUNCTION @extschema@.vecdb_replace_pgvector(concurrent boolean DEFAULT false)
    RETURNS SETOF text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE old AS (
        SELECT c.oid, c.relkind, c.relname::text, quote_ident(n.nspname) AS place,
            format('vecdb_%s', c.oid) AS temporary,
            substr(pg_get_indexdef(c.oid),
                   length('CREATE INDEX ' || quote_ident(c.relname)) + 1) AS definition,
            coalesce(t.spcname, '') AS tablespace, h.inhparent AS parent,
            obj_description(c.oid, 'pg_class') AS comment
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_am a ON a.oid = c.relam
        LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
        LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
        WHERE a.amname IN ('pgvector_hnsw', 'pgvector_ivfflat')
            AND c.relkind IN ('i', 'I') AND NOT pg_is_other_temp_schema(n.oid)
    ),
    -- An index, and those of the partitions below it.
    tree AS (
        SELECT old.*, oid AS root, 0 AS depth FROM old WHERE parent IS NULL
        UNION ALL
        SELECT old.*, tree.root, tree.depth + 1 FROM tree JOIN old ON old.parent = tree.oid
    ),
    step AS (
        -- What an attempt before this one may have left.
        SELECT root, 1 AS step, depth, oid, 0 AS part,
            format('DROP INDEX %s.%s', place, temporary) AS statement
        FROM tree WHERE to_regclass(format('%s.%s', place, temporary)) IS NOT NULL
        UNION ALL
        SELECT root, 2, -depth, oid, 0, format('SET default_tablespace = %L', tablespace)
        FROM tree WHERE tablespace <> current_setting('default_tablespace')
        UNION ALL
        SELECT root, 2, -depth, oid, 1, format('CREATE INDEX %s%s%s',
            CASE WHEN concurrent AND relkind = 'i' THEN 'CONCURRENTLY ' ELSE '' END, temporary,
            regexp_replace(definition, ' USING pgvector_(hnsw|ivfflat) ', ' USING \1 '))
        FROM tree
        UNION ALL
        SELECT root, 2, -depth, oid, 2, format('SET default_tablespace = %L',
            current_setting('default_tablespace'))
        FROM tree WHERE tablespace <> current_setting('default_tablespace')
        UNION ALL
        SELECT root, 3, -depth, oid, 0, format('ALTER INDEX %s.vecdb_%s ATTACH PARTITION %s.%s',
            (SELECT p.place FROM old p WHERE p.oid = tree.parent), parent, place, temporary)
        FROM tree WHERE parent IS NOT NULL
        UNION ALL
        SELECT root, 4, 0, root, 0, string_agg(change, '; ' ORDER BY depth, oid, part)
        FROM (
            SELECT root, depth, oid, 0 AS part, format('DROP INDEX %s.%I', place, relname)
                AS change
            FROM tree WHERE parent IS NULL
            UNION ALL
            SELECT root, depth, oid, 1, format('ALTER INDEX %s.%s RENAME TO %I', place,
                temporary, relname)
            FROM tree
            UNION ALL
            SELECT root, depth, oid, 2, format('COMMENT ON INDEX %s.%I IS %L', place, relname,
                comment)
            FROM tree WHERE comment IS NOT NULL
            UNION ALL
            SELECT root, depth, tree.oid, 2, format(
                'ALTER INDEX %s.%I ALTER COLUMN %s SET STATISTICS %s', place, relname, attnum,
                attstattarget)
            FROM tree JOIN pg_attribute ON attrelid = tree.oid
            WHERE attnum > 0 AND attstattarget >= 0
        ) change GROUP BY root
    )
    SELECT statement FROM step ORDER BY root, step, depth, oid, part
    $$;
