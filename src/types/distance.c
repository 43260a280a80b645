/*
 * distance.c
 *	  Distances and norms of the dense types, and distances of bit strings.
 *
 * These run once for each row of an exact search, so each SQL function gets
 * its own copy with type and metric known to the compiler.
 */
#include "postgres.h"

#include <math.h>

#include "utils/varbit.h"

#include "types/types.h"

/* How much of the next row to fetch; the hardware sees the rest coming. */
#define PREFETCH_BYTES 1024

/*
 * Fetches into the cache what lies one row of such vectors below this one: on
 * a page of a table, that is the next row of a sequential scan.  It arrives
 * while the executor is at work between the two calls.  Where it is something
 * else, nothing is lost but the fetch.
 */
static inline void
prefetch_next_row(VdbDenseArg v, Datum datum, Size bytes)
{
	Size		length = Min(bytes + 64, PREFETCH_BYTES);
	const char *next = (const char *) v.x - bytes - 64;

	if ((Pointer) v.detoasted == DatumGetPointer(datum) && bytes <= BLCKSZ / 2)
		for (Size i = 0; i < length; i += 64)
			__builtin_prefetch(next + i);
}

static inline double
compute(const VdbDenseType *type, VdbMetric metric, FunctionCallInfo fcinfo)
{
	/* an argument where the last call's was is the query, not a row */
	static const void *last_a = NULL,
			   *last_b = NULL;
	VdbDenseArg a = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	VdbDenseArg b = vdb_type_dense_arg(type, PG_GETARG_DATUM(1));
	Size		bytes = (Size) a.dim * type->elem_size;
	double		d;

	vdb_type_check_same_dim(type->name, a.dim, b.dim);
	d = vdb_dist(type->elem, metric, a.x, b.x, a.dim);
	if (a.x != last_a)
		prefetch_next_row(a, PG_GETARG_DATUM(0), bytes);
	if (b.x != last_b)
		prefetch_next_row(b, PG_GETARG_DATUM(1), bytes);
	last_a = a.x;
	last_b = b.x;
	return d;
}

static inline double
distance(const VdbDenseType *type, VdbMetric metric, FunctionCallInfo fcinfo)
{
	/* Reading a vector takes longer than all the rest: see heap/known.c. */
	bool		worth = unlikely(vdb_heap_searches > 0) &&
		(VARATT_IS_EXTERNAL(PG_GETARG_POINTER(0)) || VARATT_IS_EXTERNAL(PG_GETARG_POINTER(1)));
	VdbHeapKnown known;
	double		d;

	if (worth && vdb_heap_recall(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
								 type->elem << 8 | metric, &known))
		return known.number;
	d = compute(type, metric, fcinfo);
	if (worth)
		vdb_heap_remember(&known, d);
	return d;
}

static inline Datum
l2_distance(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_FLOAT8(sqrt(distance(type, VDB_L2SQ, fcinfo)));
}

/* For indexes, which need no root to compare. */
static inline Datum
l2_squared_distance(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_FLOAT8(distance(type, VDB_L2SQ, fcinfo));
}

static inline Datum
inner_product(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_FLOAT8(-distance(type, VDB_IP, fcinfo));
}

static inline Datum
negative_inner_product(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_FLOAT8(distance(type, VDB_IP, fcinfo));
}

/* NaN where one of them is zero. */
static inline Datum
cosine_distance(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_FLOAT8(distance(type, VDB_COSINE, fcinfo));
}

static inline Datum
l1_distance(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_FLOAT8(distance(type, VDB_L1, fcinfo));
}

/* Angle between two vectors of length 1, in units of pi. */
static inline Datum
spherical_distance(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	double		cosine = -distance(type, VDB_IP, fcinfo);

	if (cosine > 1)
		cosine = 1;
	else if (cosine < -1)
		cosine = -1;
	PG_RETURN_FLOAT8(acos(cosine) / M_PI);
}

static Datum
l2_norm(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));

	PG_RETURN_FLOAT8(vdb_dist_norm(type->elem, v.x, v.dim));
}

VDB_DENSE_SQL(l2_distance, l2_distance);
VDB_DENSE_SQL(l2_squared_distance, l2_squared_distance);
VDB_DENSE_SQL(inner_product, inner_product);
VDB_DENSE_SQL(negative_inner_product, negative_inner_product);
VDB_DENSE_SQL(cosine_distance, cosine_distance);
VDB_DENSE_SQL(l1_distance, l1_distance);
VDB_DENSE_SQL(spherical_distance, spherical_distance);
VDB_DENSE_SQL(l2_norm, l2_norm);

/* ---- bit ---- */

/* The length in bits is stored beside that in bytes: do they agree? */
static inline void
check_bits(const VarBit *v)
{
	if (unlikely(VARSIZE(v) < VARBITHDRSZ + VARHDRSZ || VARBITLEN(v) < 0 ||
				 VARSIZE(v) != VARBITTOTALLEN((Size) VARBITLEN(v))))
		vdb_type_damaged("bit", VARSIZE(v));
}

static inline double
bit_distance(VdbMetric metric, FunctionCallInfo fcinfo)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);

	check_bits(a);
	check_bits(b);
	if (unlikely(VARBITLEN(a) != VARBITLEN(b)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different bit lengths %d and %d", VARBITLEN(a), VARBITLEN(b))));
	return vdb_dist(VDB_BIT, metric, VARBITS(a), VARBITS(b), VARBITLEN(a));
}

VDB_FUNCTION_INFO_V1(vdb_bit_hamming_distance);
Datum
vdb_bit_hamming_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(bit_distance(VDB_HAMMING, fcinfo));
}

VDB_FUNCTION_INFO_V1(vdb_bit_jaccard_distance);
Datum
vdb_bit_jaccard_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(bit_distance(VDB_JACCARD, fcinfo));
}
