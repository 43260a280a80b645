/*
 * check.c
 *	  Checks that all types share, with the errors that users see.
 *
 * Codes and primary messages are those of pgvector, which clients match on.
 */
#include "postgres.h"

#include <math.h>

#include "utils/array.h"

#include "types/types.h"

bool
vdb_type_check_dim(const char *type_name, int64 dim, int64 max, struct Node *escontext)
{
	if (dim < 1)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", type_name)));
	if (dim > max)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %lld dimensions", type_name, (long long) max)));
	return true;
}

bool
vdb_type_check_typmod(int32 typmod, int dim, struct Node *escontext)
{
	if (typmod != -1 && typmod != dim)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", typmod, dim)));
	return true;
}

/* Are n elements finite?  Their positions, for the message, are from first on. */
bool
vdb_type_check_finite(const char *type_name, const float *x, int n, int first,
					  struct Node *escontext)
{
	bool		finite = true;

	/* without a branch in it, the loop is one of vector instructions */
	for (int i = 0; i < n; i++)
		finite &= fabsf(x[i]) <= FLT_MAX;
	if (likely(finite))
		return true;

	for (int i = 0; i < n; i++)
	{
		if (isnan(x[i]))
			ereturn(escontext, false,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("NaN not allowed in %s", type_name),
					 errdetail("It is element %d.", first + i + 1)));
		if (isinf(x[i]))
			ereturn(escontext, false,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("infinite value not allowed in %s", type_name),
					 errdetail("It is element %d.", first + i + 1)));
	}
	pg_unreachable();
}

int32
vdb_type_typmod_in(const char *type_name, ArrayType *modifiers, int max)
{
	int			n;
	int32	   *values = ArrayGetIntegerTypmods(modifiers, &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier"),
				 errhint("The only modifier of type %s is its number of dimensions.", type_name)));
	if (values[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1", type_name)));
	if (values[0] > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d", type_name, max)));
	return values[0];
}

void
vdb_type_dim_mismatch(const char *type_name, int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different %s dimensions %d and %d", type_name, a, b)));
}

void
vdb_type_damaged(const char *type_name, Size size)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("damaged value of type %s", type_name),
			 errdetail("Its length, %zu bytes, does not fit its header.", size)));
}
