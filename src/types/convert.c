/*
 * convert.c
 *	  Casts of the dense types: to and from arrays, and among themselves.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "types/convert.h"
#include "types/types.h"

/* ---- from arrays ---- */

/* A number of an array, as float; infinite where it is too large for one. */
static float
element_to_float(Oid type, Datum element)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(element);
		case INT4OID:
			return DatumGetInt32(element);
		case FLOAT4OID:
			return DatumGetFloat4(element);
		case FLOAT8OID:
			return (float) DatumGetFloat8(element);
		case NUMERICOID:
			return DatumGetFloat4(DirectFunctionCall1(numeric_float4, element));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("unsupported array type")));
	}
}

/*
 * The elements of a one-dimensional array without nulls, as floats; what does
 * not fit into a float is an error.
 */
float *
vdb_type_array_to_floats(const char *type_name, ArrayType *array, int32 typmod,
						 int max_dim, int *dim)
{
	Oid			element_type = ARR_ELEMTYPE(array);
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *elements;
	float	   *x;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D"),
				 errdetail("It has %d dimensions.", ARR_NDIM(array))));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));

	get_typlenbyvalalign(element_type, &length, &by_value, &align);
	deconstruct_array(array, element_type, length, by_value, align, &elements, NULL, dim);
	vdb_type_check_dim(type_name, *dim, max_dim, NULL);
	vdb_type_check_typmod(typmod, *dim, NULL);

	x = palloc((Size) *dim * sizeof(float));
	for (int i = 0; i < *dim; i++)
	{
		x[i] = element_to_float(element_type, elements[i]);
		if (isinf(x[i]) && element_type == FLOAT8OID && !isinf(DatumGetFloat8(elements[i])))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%g\" is out of range for type %s", DatumGetFloat8(elements[i]), type_name),
					 errdetail("It is element %d.", i + 1)));
	}
	vdb_type_check_finite(type_name, x, *dim, 0, NULL);
	return x;
}

static Datum
array_to_dense(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	int			dim;
	float	   *x = vdb_type_array_to_floats(type->name, PG_GETARG_ARRAYTYPE_P(0),
											 PG_GETARG_INT32(1), VDB_MAX_DIM, &dim);
	VdbDense   *result = vdb_type_dense_new(type, dim);

	type->narrow(x, dim, result->x, 0);
	PG_RETURN_POINTER(result);
}

VDB_DENSE_SQL(from_array, array_to_dense);

/* ---- to arrays ---- */

static Datum
dense_to_float4(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	Datum	   *elements = palloc(v.dim * sizeof(Datum));
	float		buf[VDB_CHUNK];

	for (int i = 0; i < v.dim; i += VDB_CHUNK)
	{
		int			n = Min(v.dim - i, VDB_CHUNK);
		const float *x = type->widen(v.x, i, n, buf);

		for (int j = 0; j < n; j++)
			elements[i + j] = Float4GetDatum(x[j]);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, v.dim, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}

VDB_DENSE_SQL(to_float4, dense_to_float4);

VDB_FUNCTION_INFO_V1(vdb_int8vec_to_int4);
Datum
vdb_int8vec_to_int4(PG_FUNCTION_ARGS)
{
	VdbDenseArg v = vdb_type_dense_arg(&vdb_type_int8vec, PG_GETARG_DATUM(0));
	Datum	   *elements = palloc(v.dim * sizeof(Datum));

	for (int i = 0; i < v.dim; i++)
		elements[i] = Int32GetDatum(((const int8 *) v.x)[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, v.dim, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* ---- among the dense types ---- */

/* Rounds where the target is narrower, and refuses what is beyond its range. */
static Datum
dense_to_dense(const VdbDenseType *from, const VdbDenseType *to, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(from, PG_GETARG_DATUM(0));
	VdbDense   *result;
	float		buf[VDB_CHUNK];

	vdb_type_check_typmod(PG_GETARG_INT32(1), v.dim, NULL);
	result = vdb_type_dense_new(to, v.dim);
	for (int i = 0; i < v.dim; i += VDB_CHUNK)
	{
		int			n = Min(v.dim - i, VDB_CHUNK);

		to->narrow(from->widen(v.x, i, n, buf), n, result->x, i);
	}
	PG_RETURN_POINTER(result);
}

#define DENSE_TO_DENSE(from, to) \
	VDB_FUNCTION_INFO_V1(vdb_##from##_to_##to); \
	Datum \
	vdb_##from##_to_##to(PG_FUNCTION_ARGS) \
	{ \
		return dense_to_dense(&vdb_type_##from, &vdb_type_##to, fcinfo); \
	} \
	extern int	no_such_variable

DENSE_TO_DENSE(vector, halfvec);
DENSE_TO_DENSE(vector, int8vec);
DENSE_TO_DENSE(halfvec, vector);
DENSE_TO_DENSE(int8vec, vector);
