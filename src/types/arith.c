/*
 * arith.c
 *	  Arithmetic and slices of the dense types.
 *
 * Worked out in float, a chunk at a time; a result beyond the type's range is
 * an error.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "utils/float.h"
#include "utils/varbit.h"

#include "types/types.h"

typedef enum ArithOp
{
	ARITH_ADD,
	ARITH_SUB,
	ARITH_MUL
} ArithOp;

/* Products of elements that are not zero must not become so. */
static void
check_underflow(const VdbDenseType *type, const float *a, const float *b,
				const VdbDense *result, int i, int n)
{
	float		buf[VDB_CHUNK];
	const float *products = type->widen(result->x, i, n, buf);

	for (int j = 0; j < n; j++)
		if (unlikely(products[j] == 0 && a[j] != 0 && b[j] != 0))
			float_underflow_error();
}

static inline Datum
arith(const VdbDenseType *type, ArithOp op, FunctionCallInfo fcinfo)
{
	VdbDenseArg a = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	VdbDenseArg b = vdb_type_dense_arg(type, PG_GETARG_DATUM(1));
	float		limit = type->elem == VDB_F16 ? VDB_HALF_OVERFLOW : INFINITY;
	VdbDense   *result;
	float		abuf[VDB_CHUNK],
				bbuf[VDB_CHUNK],
				out[VDB_CHUNK];

	vdb_type_check_same_dim(type->name, a.dim, b.dim);
	result = vdb_type_dense_new(type, a.dim);
	for (int i = 0; i < a.dim; i += VDB_CHUNK)
	{
		int			n = Min(a.dim - i, VDB_CHUNK);
		const float *x = type->widen(a.x, i, n, abuf);
		const float *y = type->widen(b.x, i, n, bbuf);
		bool		fits = true;

		for (int j = 0; j < n; j++)
		{
			out[j] = op == ARITH_ADD ? x[j] + y[j] : op == ARITH_SUB ? x[j] - y[j] : x[j] * y[j];
			fits &= fabsf(out[j]) < limit;
		}
		if (unlikely(!fits))
			float_overflow_error();
		type->narrow(out, n, result->x, i);
		if (op == ARITH_MUL)
			check_underflow(type, x, y, result, i, n);
	}
	PG_RETURN_POINTER(result);
}

static inline Datum
dense_add(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	return arith(type, ARITH_ADD, fcinfo);
}

static inline Datum
dense_sub(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	return arith(type, ARITH_SUB, fcinfo);
}

static inline Datum
dense_mul(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	return arith(type, ARITH_MUL, fcinfo);
}

static Datum
dense_dims(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_INT32(vdb_type_dense_arg(type, PG_GETARG_DATUM(0)).dim);
}

static Datum
dense_concat(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg a = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	VdbDenseArg b = vdb_type_dense_arg(type, PG_GETARG_DATUM(1));
	Size		abytes = (Size) a.dim * type->elem_size;
	VdbDense   *result;

	vdb_type_check_dim(type->name, a.dim + b.dim, VDB_MAX_DIM, NULL);
	result = vdb_type_dense_new(type, a.dim + b.dim);
	memcpy(result->x, a.x, abytes);
	memcpy(result->x + abytes, b.x, (Size) b.dim * type->elem_size);
	PG_RETURN_POINTER(result);
}

/*
 * count elements from start (from 1) on; like substring(), what lies outside
 * the vector is left out.
 */
static Datum
dense_subvector(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	int32		start = PG_GETARG_INT32(1);
	int32		count = PG_GETARG_INT32(2);
	int32		end;			/* the first element not to take */
	VdbDense   *result;

	if (count < 1)
		vdb_type_check_dim(type->name, 0, VDB_MAX_DIM, NULL);
	if (pg_add_s32_overflow(start, count, &end) || end > v.dim + 1)
		end = v.dim + 1;
	if (start < 1)
		start = 1;
	vdb_type_check_dim(type->name, (int64) end - start, VDB_MAX_DIM, NULL);
	result = vdb_type_dense_new(type, end - start);
	memcpy(result->x, (const char *) v.x + (Size) (start - 1) * type->elem_size,
		   (Size) (end - start) * type->elem_size);
	PG_RETURN_POINTER(result);
}

/* A zero vector stays one. */
static inline Datum
normalize(const VdbDenseType *type, const VdbDenseType *result_type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	VdbDense   *result = vdb_type_dense_new(result_type, v.dim);
	double		norm = vdb_dist_norm(type->elem, v.x, v.dim);
	float		buf[VDB_CHUNK],
				out[VDB_CHUNK];

	for (int i = 0; i < v.dim; i += VDB_CHUNK)
	{
		int			n = Min(v.dim - i, VDB_CHUNK);
		const float *x = type->widen(v.x, i, n, buf);

		for (int j = 0; j < n; j++)
			out[j] = norm > 0 ? (float) (x[j] / norm) : 0;
		result_type->narrow(out, n, result->x, i);
	}
	PG_RETURN_POINTER(result);
}

/* Integers have no unit vectors to speak of: an int8vec's is a vector. */
static Datum
dense_l2_normalize(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	return normalize(type, type->elem == VDB_I8 ? &vdb_type_vector : type, fcinfo);
}

/* A bit for each element, set where it is positive. */
static Datum
dense_binary_quantize(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	int			size = VARBITTOTALLEN(v.dim);
	VarBit	   *result = palloc0(size);
	float		buf[VDB_CHUNK];

	SET_VARSIZE(result, size);
	VARBITLEN(result) = v.dim;
	for (int i = 0; i < v.dim; i += VDB_CHUNK)
	{
		int			n = Min(v.dim - i, VDB_CHUNK);
		const float *x = type->widen(v.x, i, n, buf);

		/* VDB_CHUNK is a whole number of bytes of bits */
		for (int j = 0; j < n; j++)
			VARBITS(result)[(i + j) / 8] |= (x[j] > 0) << (7 - j % 8);
	}
	PG_RETURN_VARBIT_P(result);
}

VDB_DENSE_SQL(add, dense_add);
VDB_DENSE_SQL(sub, dense_sub);
VDB_DENSE_SQL(mul, dense_mul);
VDB_DENSE_SQL(dims, dense_dims);
VDB_DENSE_SQL(concat, dense_concat);
VDB_DENSE_SQL(subvector, dense_subvector);
VDB_DENSE_SQL(l2_normalize, dense_l2_normalize);
VDB_DENSE_SQL(binary_quantize, dense_binary_quantize);
