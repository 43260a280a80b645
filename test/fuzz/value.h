/*
 * value.h
 *	  The types' functions, values made of an input, and what has to be true of
 *	  them.
 */
#ifndef VDB_FUZZ_VALUE_H
#define VDB_FUZZ_VALUE_H

#include "input.h"

#include "utils/array.h"

#include "types/types.h"

/* ---- the functions ---- */

/* Those of all four types, and those of the dense ones. */
#define TYPE_VERBS(x, type) \
	x(type, in) x(type, out) x(type, recv) x(type, send) \
	x(type, typmod_in) x(type, enforce_typmod) x(type, from_array) \
	x(type, lt) x(type, le) x(type, eq) x(type, ne) x(type, ge) x(type, gt) x(type, cmp) \
	x(type, l2_distance) x(type, l2_squared_distance) x(type, inner_product) \
	x(type, negative_inner_product) x(type, cosine_distance) x(type, l1_distance) \
	x(type, l2_norm) x(type, l2_normalize)
#define DENSE_VERBS(x, type) \
	x(type, spherical_distance) x(type, add) x(type, sub) x(type, mul) x(type, concat) \
	x(type, dims) x(type, subvector) x(type, binary_quantize) x(type, to_float4) \
	x(type, accum) x(type, sum) x(type, avg)

#define DECLARE(type, verb) extern Datum vdb_##type##_##verb(PG_FUNCTION_ARGS);
#define MEMBER(type, verb) PGFunction verb;

typedef struct Type
{
	const VdbDenseType *dense;	/* NULL for sparsevec */
	TYPE_VERBS(MEMBER, )
	DENSE_VERBS(MEMBER, )
} Type;

enum
{
	VECTOR,
	HALFVEC,
	INT8VEC,
	SPARSEVEC,
	NTYPES
};

extern const Type types[NTYPES];

/* Calls a function; false after an error. */
#define CALL(result, function, ...) \
	call(result, function, (Datum[]) {__VA_ARGS__}, lengthof(((Datum[]) {__VA_ARGS__})))

/* ... that cannot fail. */
#define MUST(function, ...) must(function, (Datum[]) {__VA_ARGS__}, lengthof(((Datum[]) {__VA_ARGS__})))

#define MUST_FLOAT8(...) DatumGetFloat8(MUST(__VA_ARGS__))
#define MUST_BOOL(...) DatumGetBool(MUST(__VA_ARGS__))
#define MUST_INT32(...) DatumGetInt32(MUST(__VA_ARGS__))

extern bool call(Datum *result, PGFunction function, const Datum *args, int nargs);
extern Datum must(PGFunction function, const Datum *args, int nargs);

/* ---- the input ---- */

/* The first byte says which type, which instruction set, and whether -1 is the typmod. */
extern int	take_type(Input *in, int ntypes, int32 *typmod);

/* A number of elements or repetitions: mostly small, now and then about a limit. */
extern int	take_count(Input *in, int min, int max);

/* A good value of a type, of dim dimensions if that is not 0. */
extern Datum take_value(Input *in, const Type *type, int dim);

/* An array as PostgreSQL makes them, of any type, shape and nulls. */
extern ArrayType *take_array(Input *in, Oid element_type, int max_dims);

/* A stored value of any bytes: short header or long, at any address that has. */
extern Datum take_stored(Input *in, size_t size);

/* The same value as it may stand in a row: short header, odd address. */
extern Datum packed(Datum v);

/* What recv makes of a message. */
extern Datum receive(const Type *type, const void *bytes, size_t n, int32 typmod, bool *ok);

extern int	dim_of(const Type *type, Datum v);
extern bool same_bytes(Datum a, Datum b);

/* ---- what has to be true ---- */

/* The value is well formed. */
extern void check_format(const Type *type, Datum datum);

/* ... and comes back from all that it can be turned into. */
extern void check_value(const Type *type, Datum v);

/* Two values of a type have an order, and distances if their dimensions agree. */
extern void check_pair(const Type *type, Datum a, Datum b);

#endif							/* VDB_FUZZ_VALUE_H */
