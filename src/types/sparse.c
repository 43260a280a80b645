/*
 * sparse.c
 *	  sparsevec: input, output, casts, and how to get at one.
 *
 * Text is {1:1.5,3:2}/5: index from 1, value, and the number of dimensions.
 * Binary is int32 dim, nnz and 0, then the indexes from 0, then the values.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "types/convert.h"
#include "types/io.h"
#include "types/number.h"
#include "types/types.h"

#define TYPE_NAME "sparsevec"

VdbSparsevec *
vdb_type_sparse_new(int dim, int nnz)
{
	Size		size = VDB_SPARSEVEC_SIZE(nnz);
	VdbSparsevec *v = palloc(size);

	SET_VARSIZE(v, size);
	v->dim = dim;
	v->nnz = nnz;
	v->unused = 0;
	return v;
}

VdbSparseArg
vdb_type_sparse_arg(Datum datum)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(datum);
	VdbSparsevec *v;
	VdbSparseArg arg;

	if (VARATT_IS_EXTERNAL(stored))
		stored = vdb_heap_detoast(stored);
	/* with a header of four bytes, so that the indexes are aligned */
	v = (VdbSparsevec *) pg_detoast_datum(stored);
	if (unlikely(VARSIZE(v) < VDB_SPARSEVEC_SIZE(0) ||
				 v->dim < 1 || v->dim > VDB_SPARSEVEC_MAX_DIM ||
				 v->nnz < 0 || v->nnz > VDB_SPARSEVEC_MAX_NNZ || v->nnz > v->dim ||
				 VARSIZE(v) != VDB_SPARSEVEC_SIZE(v->nnz)))
		vdb_type_damaged(TYPE_NAME, VARSIZE(v));
	arg.dim = v->dim;
	arg.v.index = v->index;
	arg.v.value = VDB_SPARSEVEC_VALUES(v);
	arg.v.nnz = v->nnz;
	arg.detoasted = (struct varlena *) v;
	return arg;
}

/*
 * An index of a stored value.  Reading the value has checked its length only:
 * whoever is not content with any number asks here.
 */
static int32
stored_index(const VdbSparseArg *v, size_t i)
{
	int32		index = v->v.index[i];

	if (unlikely(index < 0 || index >= v->dim))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("damaged value of type %s", TYPE_NAME),
				 errdetail("Element %zu has index %lld, of %d dimensions.", i + 1, (long long) index + 1, v->dim)));
	return index;
}

void
vdb_type_sparse_to_floats(const VdbSparseArg *v, float *x)
{
	memset(x, 0, v->dim * sizeof(float));
	for (size_t i = 0; i < v->v.nnz; i++)
		x[stored_index(v, i)] = v->v.value[i];
}

static bool
check_nnz(int64 nnz, struct Node *escontext)
{
	if (nnz > VDB_SPARSEVEC_MAX_NNZ)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more than %d non-zero elements", VDB_SPARSEVEC_MAX_NNZ)));
	return true;
}

/* ---- text ---- */

typedef struct Element
{
	int32		index;			/* from 0 */
	float		value;
} Element;

static int
compare_elements(const void *a, const void *b)
{
	int32		x = ((const Element *) a)->index,
				y = ((const Element *) b)->index;

	return x < y ? -1 : x > y;
}

/* A whole number, without a sign wider than int64 needs; NULL if there is none. */
static const char *
parse_integer(const char *p, int64 *value)
{
	bool		negative = *p == '-';
	const char *digits;

	if (negative || *p == '+')
		p++;
	*value = 0;
	for (digits = p; *p >= '0' && *p <= '9'; p++)
		if (*value < PG_INT32_MAX)
			*value = *value * 10 + (*p - '0');
	if (negative)
		*value = -*value;
	return p == digits ? NULL : p;
}

/*
 * index:value pairs up to the closing brace, zeroes left out.  Returns where
 * the brace is, NULL after a soft error.
 */
static const char *
read_pairs(const char *input, const char *p, const char *end, Element *elements,
		   int *nnz, struct Node *escontext)
{
	int			position = 0;

	*nnz = 0;
	for (;;)
	{
		const char *start,
				   *stop;
		int64		index;
		float		value;
		int			error;

		position++;
		p = vdb_type_skip_space(p);
		start = p;
		p = parse_integer(p, &index);
		if (p == NULL || *(p = vdb_type_skip_space(p)) != ':')
		{
			vdb_type_syntax_error(TYPE_NAME, input,
								  psprintf("Element %d must have the form index:value.", position),
								  escontext);
			return NULL;
		}
		if (index < 1 || index > VDB_SPARSEVEC_MAX_DIM)
			ereturn(escontext, NULL,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("sparsevec index out of bounds"),
					 errdetail("Index %s is not from 1 to the number of dimensions.", pnstrdup(start, Min(p - start, 40)))));
		p = vdb_type_skip_space(p + 1);
		start = p;
		p = vdb_type_parse_float(p, end, &value, &error);
		if (p == NULL)
		{
			vdb_type_number_error(TYPE_NAME, input, start, position, error, escontext);
			return NULL;
		}
		if (value != 0)
		{
			if (!check_nnz((int64) *nnz + 1, escontext))
				return NULL;
			elements[*nnz].index = (int32) (index - 1);
			elements[*nnz].value = value;
			(*nnz)++;
		}
		stop = p;
		p = vdb_type_skip_space(p);
		if (*p == '}')
			return p;
		if (*p != ',')
		{
			vdb_type_junk_error(TYPE_NAME, input, start, stop, '}', position, escontext);
			return NULL;
		}
		p++;
	}
}

/* Are the elements' indexes different, and within dim? */
static bool
check_indexes(const int32 *index, int nnz, int dim, struct Node *escontext)
{
	for (int i = 0; i < nnz; i++)
	{
		if (index[i] < 0 || index[i] >= dim)
			ereturn(escontext, false,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("sparsevec index out of bounds"),
					 errdetail("Index %lld is not from 1 to the number of dimensions, %d.", (long long) index[i] + 1, dim)));
		if (i > 0 && index[i] == index[i - 1])
			ereturn(escontext, false,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("sparsevec indices must not contain duplicates"),
					 errdetail("Index %d occurs more than once.", index[i] + 1)));
		if (i > 0 && index[i] < index[i - 1])
			ereturn(escontext, false,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("sparsevec indices must be in ascending order"),
					 errdetail("Element %d has index %d, the one before it %d.", i + 1, index[i] + 1, index[i - 1] + 1)));
	}
	return true;
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_in);
Datum
vdb_sparsevec_in(PG_FUNCTION_ARGS)
{
	const char *input = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	struct Node *escontext = fcinfo->context;
	const char *end = input + strlen(input);
	const char *p = vdb_type_skip_space(input);
	int			npairs = 1;
	int			nnz = 0;
	int64		dim;
	Element    *elements;
	VdbSparsevec *v;

	if (*p != '{')
	{
		vdb_type_syntax_error(TYPE_NAME, input, "Vector contents must start with \"{\".", escontext);
		PG_RETURN_NULL();
	}
	for (const char *q = p; q < end; q++)
		npairs += *q == ',';
	elements = palloc(Min(npairs, VDB_SPARSEVEC_MAX_NNZ) * sizeof(Element));
	p = vdb_type_skip_space(p + 1);
	if (*p != '}')
	{
		p = read_pairs(input, p, end, elements, &nnz, escontext);
		if (p == NULL)
			PG_RETURN_NULL();
	}
	p = vdb_type_skip_space(p + 1);
	if (*p == '/')
		p = parse_integer(vdb_type_skip_space(p + 1), &dim);
	else
		p = NULL;
	if (p == NULL)
	{
		vdb_type_syntax_error(TYPE_NAME, input,
							  "After \"}\" must come \"/\" and the number of dimensions.", escontext);
		PG_RETURN_NULL();
	}
	p = vdb_type_skip_space(p);
	if (*p != '\0')
	{
		vdb_type_syntax_error(TYPE_NAME, input, "Junk after the number of dimensions.", escontext);
		PG_RETURN_NULL();
	}
	if (!vdb_type_check_dim(TYPE_NAME, dim, VDB_SPARSEVEC_MAX_DIM, escontext) ||
		!vdb_type_check_typmod(typmod, (int) dim, escontext))
		PG_RETURN_NULL();

	qsort(elements, nnz, sizeof(Element), compare_elements);
	v = vdb_type_sparse_new((int) dim, nnz);
	for (int i = 0; i < nnz; i++)
	{
		v->index[i] = elements[i].index;
		VDB_SPARSEVEC_VALUES(v)[i] = elements[i].value;
	}
	if (!check_indexes(v->index, nnz, v->dim, escontext))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(v);
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_out);
Datum
vdb_sparsevec_out(PG_FUNCTION_ARGS)
{
	VdbSparseArg v = vdb_type_sparse_arg(PG_GETARG_DATUM(0));

	/* index, colon, value, comma; braces, slash, dimensions, end */
	char	   *output = palloc(v.v.nnz * (10 + 1 + FLOAT_SHORTEST_DECIMAL_LEN + 1) + 3 + 10 + 1);
	char	   *to = output;

	*to++ = '{';
	for (size_t i = 0; i < v.v.nnz; i++)
	{
		if (i > 0)
			*to++ = ',';
		to += pg_ltoa(stored_index(&v, i) + 1, to);
		*to++ = ':';
		to += float_to_shortest_decimal_bufn(v.v.value[i], to);
	}
	*to++ = '}';
	*to++ = '/';
	to += pg_ltoa(v.dim, to);
	*to = '\0';
	PG_RETURN_CSTRING(output);
}

/* ---- binary ---- */

VDB_FUNCTION_INFO_V1(vdb_sparsevec_recv);
Datum
vdb_sparsevec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int32		dim = (int32) pq_getmsgint(message, sizeof(int32));
	int32		nnz = (int32) pq_getmsgint(message, sizeof(int32));
	int32		unused = (int32) pq_getmsgint(message, sizeof(int32));
	VdbSparsevec *v;
	float	   *values;

	vdb_type_check_dim(TYPE_NAME, dim, VDB_SPARSEVEC_MAX_DIM, NULL);
	vdb_type_check_typmod(PG_GETARG_INT32(2), dim, NULL);
	check_nnz(nnz, NULL);
	if (nnz < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("sparsevec cannot have negative number of elements")));
	if (nnz > dim)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more elements than dimensions"),
				 errdetail("It has %d elements and %d dimensions.", nnz, dim)));
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected unused to be 0, not %d", unused)));

	v = vdb_type_sparse_new(dim, nnz);
	values = VDB_SPARSEVEC_VALUES(v);
	vdb_type_vector.swap(pq_getmsgbytes(message, nnz * sizeof(int32)), v->index, nnz);
	vdb_type_vector.swap(pq_getmsgbytes(message, nnz * sizeof(float)), values, nnz);
	check_indexes(v->index, nnz, dim, NULL);
	vdb_type_check_finite(TYPE_NAME, values, nnz, 0, NULL);
	for (int i = 0; i < nnz; i++)
		if (values[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("binary representation of sparsevec cannot contain zero values"),
					 errdetail("It is element %d.", i + 1)));
	PG_RETURN_POINTER(v);
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_send);
Datum
vdb_sparsevec_send(PG_FUNCTION_ARGS)
{
	VdbSparseArg v = vdb_type_sparse_arg(PG_GETARG_DATUM(0));
	int			bytes = v.v.nnz * sizeof(int32);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendint32(&message, v.dim);
	pq_sendint32(&message, v.v.nnz);
	pq_sendint32(&message, 0);
	enlargeStringInfo(&message, 2 * bytes);
	vdb_type_vector.swap(v.v.index, message.data + message.len, v.v.nnz);
	vdb_type_vector.swap(v.v.value, message.data + message.len + bytes, v.v.nnz);
	message.len += 2 * bytes;
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* ---- typmod ---- */

VDB_FUNCTION_INFO_V1(vdb_sparsevec_typmod_in);
Datum
vdb_sparsevec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(vdb_type_typmod_in(TYPE_NAME, PG_GETARG_ARRAYTYPE_P(0), VDB_SPARSEVEC_MAX_DIM));
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_enforce_typmod);
Datum
vdb_sparsevec_enforce_typmod(PG_FUNCTION_ARGS)
{
	vdb_type_check_typmod(PG_GETARG_INT32(1), vdb_type_sparse_arg(PG_GETARG_DATUM(0)).dim, NULL);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* ---- casts ---- */

static VdbSparsevec *
from_floats(const float *x, int dim)
{
	int			nnz = 0;
	VdbSparsevec *v;
	float	   *values;

	for (int i = 0; i < dim; i++)
		nnz += x[i] != 0;
	check_nnz(nnz, NULL);
	v = vdb_type_sparse_new(dim, nnz);
	values = VDB_SPARSEVEC_VALUES(v);
	nnz = 0;
	for (int i = 0; i < dim; i++)
		if (x[i] != 0)
		{
			v->index[nnz] = i;
			values[nnz++] = x[i];
		}
	return v;
}

VDB_FUNCTION_INFO_V1(vdb_sparsevec_from_array);
Datum
vdb_sparsevec_from_array(PG_FUNCTION_ARGS)
{
	int			dim;
	float	   *x = vdb_type_array_to_floats(TYPE_NAME, PG_GETARG_ARRAYTYPE_P(0),
											 PG_GETARG_INT32(1), VDB_SPARSEVEC_MAX_DIM, &dim);

	PG_RETURN_POINTER(from_floats(x, dim));
}

static Datum
from_dense(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	float	   *x = palloc(v.dim * sizeof(float));

	vdb_type_check_typmod(PG_GETARG_INT32(1), v.dim, NULL);
	for (int i = 0; i < v.dim; i += VDB_CHUNK)
	{
		int			n = Min(v.dim - i, VDB_CHUNK);
		const float *from = type->widen(v.x, i, n, x + i);

		if (from != x + i)
			memcpy(x + i, from, n * sizeof(float));
	}
	PG_RETURN_POINTER(from_floats(x, v.dim));
}

VDB_TYPE_SQL(vector, to_sparsevec, from_dense)
VDB_TYPE_SQL(halfvec, to_sparsevec, from_dense)

static Datum
to_dense(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbSparseArg v = vdb_type_sparse_arg(PG_GETARG_DATUM(0));
	VdbDense   *result;
	float	   *x;

	vdb_type_check_dim(type->name, v.dim, VDB_MAX_DIM, NULL);
	vdb_type_check_typmod(PG_GETARG_INT32(1), v.dim, NULL);
	x = palloc(v.dim * sizeof(float));
	vdb_type_sparse_to_floats(&v, x);
	result = vdb_type_dense_new(type, v.dim);
	type->narrow(x, v.dim, result->x, 0);
	PG_RETURN_POINTER(result);
}

VDB_TYPE_SQL(vector, from_sparsevec, to_dense)
VDB_TYPE_SQL(halfvec, from_sparsevec, to_dense)
