/*
 * sparse_ops.c
 *	  Distances, norms and order of sparsevec.
 */
#include "postgres.h"

#include <math.h>

#include "utils/float.h"

#include "types/types.h"

static double
sparse_distance(VdbMetric metric, FunctionCallInfo fcinfo)
{
	VdbSparseArg a = vdb_type_sparse_arg(PG_GETARG_DATUM(0));
	VdbSparseArg b = vdb_type_sparse_arg(PG_GETARG_DATUM(1));

	vdb_type_check_same_dim("sparsevec", a.dim, b.dim);
	return vdb_dist_sparse(metric, &a.v, &b.v);
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_l2_distance);
Datum
vdb_sparsevec_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(sparse_distance(VDB_L2SQ, fcinfo)));
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_l2_squared_distance);
Datum
vdb_sparsevec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sparse_distance(VDB_L2SQ, fcinfo));
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_inner_product);
Datum
vdb_sparsevec_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-sparse_distance(VDB_IP, fcinfo));
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_negative_inner_product);
Datum
vdb_sparsevec_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sparse_distance(VDB_IP, fcinfo));
}

/* NaN where one of them is zero. */
VDB_FUNCTION_INFO_V1(vdb_sparsevec_cosine_distance);
Datum
vdb_sparsevec_cosine_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sparse_distance(VDB_COSINE, fcinfo));
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_l1_distance);
Datum
vdb_sparsevec_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sparse_distance(VDB_L1, fcinfo));
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_l2_norm);
Datum
vdb_sparsevec_l2_norm(PG_FUNCTION_ARGS)
{
	VdbSparseArg v = vdb_type_sparse_arg(PG_GETARG_DATUM(0));

	PG_RETURN_FLOAT8(vdb_dist_norm(VDB_F32, v.v.value, v.v.nnz));
}

/* A zero vector stays one. */
VDB_FUNCTION_INFO_V1(vdb_sparsevec_l2_normalize);
Datum
vdb_sparsevec_l2_normalize(PG_FUNCTION_ARGS)
{
	VdbSparseArg v = vdb_type_sparse_arg(PG_GETARG_DATUM(0));
	double		norm = vdb_dist_norm(VDB_F32, v.v.value, v.v.nnz);
	float	   *x = palloc(v.v.nnz * sizeof(float));
	int			nnz = 0;
	VdbSparsevec *result;

	/* what underflows to zero is no longer an element */
	for (size_t i = 0; i < v.v.nnz; i++)
	{
		x[i] = (float) (v.v.value[i] / norm);
		nnz += x[i] != 0;
	}
	result = vdb_type_sparse_new(v.dim, nnz);
	nnz = 0;
	for (size_t i = 0; i < v.v.nnz; i++)
		if (x[i] != 0)
		{
			result->index[nnz] = v.v.index[i];
			VDB_SPARSEVEC_VALUES(result)[nnz++] = x[i];
		}
	PG_RETURN_POINTER(result);
}

/* ---- order: as of the dense vectors they stand for ---- */

static int
compare(FunctionCallInfo fcinfo)
{
	VdbSparseArg a = vdb_type_sparse_arg(PG_GETARG_DATUM(0));
	VdbSparseArg b = vdb_type_sparse_arg(PG_GETARG_DATUM(1));
	int			shared = Min(a.dim, b.dim);
	int			result = 0;

	for (size_t i = 0, j = 0; result == 0;)
	{
		int			x = i < a.v.nnz ? a.v.index[i] : shared;
		int			y = j < b.v.nnz ? b.v.index[j] : shared;

		if (Min(x, y) >= shared)
			break;
		if (x < y)
			result = a.v.value[i] < 0 ? -1 : 1;
		else if (x > y)
			result = b.v.value[j] < 0 ? 1 : -1;
		else if (a.v.value[i] != b.v.value[j])
			result = a.v.value[i] < b.v.value[j] ? -1 : 1;
		i += x <= y;
		j += y <= x;
	}
	if (result == 0)
		result = a.dim < b.dim ? -1 : a.dim > b.dim;

	vdb_type_arg_done(a.detoasted, PG_GETARG_DATUM(0));
	vdb_type_arg_done(b.detoasted, PG_GETARG_DATUM(1));
	return result;
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_cmp);
Datum
vdb_sparsevec_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

#define COMPARISON(verb, op) \
	VDB_FUNCTION_INFO_V1(vdb_sparsevec_##verb); \
	Datum \
	vdb_sparsevec_##verb(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare(fcinfo) op 0); \
	} \
	extern int	no_such_variable

COMPARISON(lt, <);
COMPARISON(le, <=);
COMPARISON(eq, ==);
COMPARISON(ne, !=);
COMPARISON(ge, >=);
COMPARISON(gt, >);
