/*
 * compare.c
 *	  The order of the dense types, for btree indexes, DISTINCT and sorts.
 *
 * Element by element; where one ends first, the shorter is the smaller.
 */
#include "postgres.h"

#include "types/types.h"

static inline int
compare(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg a = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	VdbDenseArg b = vdb_type_dense_arg(type, PG_GETARG_DATUM(1));
	int			dim = Min(a.dim, b.dim);
	int			result = 0;
	float		abuf[VDB_CHUNK],
				bbuf[VDB_CHUNK];

	for (int i = 0; i < dim && result == 0; i += VDB_CHUNK)
	{
		int			n = Min(dim - i, VDB_CHUNK);
		const float *x = type->widen(a.x, i, n, abuf);
		const float *y = type->widen(b.x, i, n, bbuf);
		int			j = 0;

		while (j < n && x[j] == y[j])
			j++;
		if (j < n)
			result = x[j] < y[j] ? -1 : 1;
	}
	if (result == 0)
		result = a.dim < b.dim ? -1 : a.dim > b.dim;

	/* a btree's build compares many times before it frees anything */
	vdb_type_arg_done(a.detoasted, PG_GETARG_DATUM(0));
	vdb_type_arg_done(b.detoasted, PG_GETARG_DATUM(1));
	return result;
}

static Datum
dense_cmp(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_INT32(compare(type, fcinfo));
}

#define COMPARISON(verb, op) \
	static Datum \
	dense_##verb(const VdbDenseType *type, FunctionCallInfo fcinfo) \
	{ \
		PG_RETURN_BOOL(compare(type, fcinfo) op 0); \
	} \
	VDB_DENSE_SQL(verb, dense_##verb)

COMPARISON(lt, <);
COMPARISON(le, <=);
COMPARISON(eq, ==);
COMPARISON(ne, !=);
COMPARISON(ge, >=);
COMPARISON(gt, >);

VDB_DENSE_SQL(cmp, dense_cmp);
