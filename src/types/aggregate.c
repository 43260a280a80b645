/*
 * aggregate.c
 *	  sum and avg of the dense types.
 *
 * The state is an array of double precision: the number of rows, then a sum
 * for each dimension; only the number before the first row.  It is a type of
 * SQL, so that anyone may call these functions: each checks what it gets.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"

#include "types/types.h"

/* The state's values, after a check that it is one; its dimensions in *dim. */
static double *
state_values(ArrayType *state, int *dim)
{
	if (ARR_NDIM(state) != 1 || ARR_DIMS(state)[0] < 1 ||
		ARR_DIMS(state)[0] - 1 > VDB_MAX_DIM ||
		ARR_HASNULL(state) || ARR_ELEMTYPE(state) != FLOAT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("invalid aggregate state"),
				 errdetail("It must be a one-dimensional array of at most %d elements without nulls.", VDB_MAX_DIM + 1)));
	*dim = ARR_DIMS(state)[0] - 1;
	return (double *) ARR_DATA_PTR(state);
}

static ArrayType *
new_state(int dim)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + (Size) (dim + 1) * sizeof(double);
	ArrayType  *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->ndim = 1;
	state->dataoffset = 0;
	state->elemtype = FLOAT8OID;
	ARR_DIMS(state)[0] = dim + 1;
	ARR_LBOUND(state)[0] = 1;
	return state;
}

static Datum
dense_accum(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	bool		in_aggregate = AggCheckCallContext(fcinfo, NULL) != 0;
	ArrayType  *state = PG_GETARG_ARRAYTYPE_P(0);
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(1));
	int			dim;
	double	   *values = state_values(state, &dim);
	ArrayType  *result = state;
	float		buf[VDB_CHUNK];

	if (dim == 0)
	{
		double		count = values[0];

		dim = v.dim;
		result = new_state(dim);
		values = (double *) ARR_DATA_PTR(result);
		values[0] = count;
	}
	else if (dim != v.dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", dim, v.dim)));
	else if (!in_aggregate)
	{
		/* called as a plain function: the argument is not ours to change */
		result = PG_GETARG_ARRAYTYPE_P_COPY(0);
		values = (double *) ARR_DATA_PTR(result);
	}

	values[0] += 1;
	for (int i = 0; i < dim; i += VDB_CHUNK)
	{
		int			n = Min(dim - i, VDB_CHUNK);
		const float *x = type->widen(v.x, i, n, buf);
		double	   *sums = values + 1 + i;

		for (int j = 0; j < n; j++)
			sums[j] += x[j];
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

VDB_DENSE_SQL(accum, dense_accum);

/* Adds two states; the same for all types. */
VDB_FUNCTION_INFO_V1(vdb_accum_combine);
Datum
vdb_accum_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *a = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *b = PG_GETARG_ARRAYTYPE_P(1);
	int			adim,
				bdim;
	double	   *avalues = state_values(a, &adim);
	double	   *bvalues = state_values(b, &bdim);
	ArrayType  *result;
	double	   *values;

	if (adim != 0 && bdim != 0 && adim != bdim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", adim, bdim)));
	result = new_state(Max(adim, bdim));
	values = (double *) ARR_DATA_PTR(result);
	for (int i = 0; i <= Max(adim, bdim); i++)
		values[i] = (i <= adim ? avalues[i] : 0) + (i <= bdim ? bvalues[i] : 0);
	PG_RETURN_ARRAYTYPE_P(result);
}

/*
 * sum or avg out of a state; NULL for no rows.  The sums of int8 vectors are
 * no int8, so their result is a vector.
 */
static Datum
finish(const VdbDenseType *type, bool average, FunctionCallInfo fcinfo)
{
	const VdbDenseType *result_type = type->elem == VDB_I8 ? &vdb_type_vector : type;
	int			dim;
	double	   *values = state_values(PG_GETARG_ARRAYTYPE_P(0), &dim);
	double		divisor = average ? values[0] : 1;
	float		limit = type->elem == VDB_F16 ? VDB_HALF_OVERFLOW : INFINITY;
	VdbDense   *result;
	float	   *x;

	if (values[0] == 0)
		PG_RETURN_NULL();
	vdb_type_check_dim(type->name, dim, VDB_MAX_DIM, NULL);
	x = palloc(dim * sizeof(float));
	for (int i = 0; i < dim; i++)
	{
		double		value = values[i + 1] / divisor;

		x[i] = (float) value;
		/* infinity and NaN, which only a made-up state has, are for narrow */
		if (unlikely(fabs(value) <= DBL_MAX && fabsf(x[i]) >= limit))
			float_overflow_error();
	}
	result = vdb_type_dense_new(result_type, dim);
	result_type->narrow(x, dim, result->x, 0);
	PG_RETURN_POINTER(result);
}

static Datum
dense_sum(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	return finish(type, false, fcinfo);
}

static Datum
dense_avg(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	return finish(type, true, fcinfo);
}

VDB_DENSE_SQL(sum, dense_sum);
VDB_DENSE_SQL(avg, dense_avg);
