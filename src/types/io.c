/*
 * io.c
 *	  Text and binary input and output of the dense types, and their typmods.
 *
 * Text is [1,2,3], with white space anywhere but inside a number.  Binary is
 * int16 dim, int16 0, then the elements, in network byte order.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "types/io.h"
#include "types/types.h"

/* How much of a bad input an error message shows. */
#define SHOWN_LENGTH 40

/* Where what was meant as a number ends, for error messages. */
#define NUMBER_ENDS ",]}/ \t\n\v\f\r"

static char *
clipped(const char *input, int max)
{
	int			length = strlen(input);

	if (length <= max)
		return pstrdup(input);
	return psprintf("%s...", pnstrdup(input, pg_mbcliplen(input, length, max)));
}

void
vdb_type_syntax_error(const char *type_name, const char *input, const char *detail,
					  struct Node *escontext)
{
	/* errdetail_internal, because the detail is already put together */
	ereturn(escontext,,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", type_name,
					clipped(input, SHOWN_LENGTH * 4)),
			 errdetail_internal("%s", detail)));
}

void
vdb_type_number_error(const char *type_name, const char *input, const char *at,
					  int position, int error, struct Node *escontext)
{
	char	   *number = pnstrdup(at, strcspn(at, NUMBER_ENDS));

	number = clipped(number, SHOWN_LENGTH);
	switch (error)
	{
		case VDB_PARSE_RANGE:
			ereturn(escontext,,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%s\" is out of range for type %s", number, type_name),
					 errdetail("It is element %d.", position)));
		case VDB_PARSE_NAN:
			ereturn(escontext,,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("NaN not allowed in %s", type_name),
					 errdetail("It is element %d.", position)));
		case VDB_PARSE_INFINITE:
			ereturn(escontext,,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("infinite value not allowed in %s", type_name),
					 errdetail("It is element %d.", position)));
		default:
			if (number[0] == '\0')
				vdb_type_syntax_error(type_name, input,
									  psprintf("Element %d is missing.", position), escontext);
			else
				vdb_type_syntax_error(type_name, input,
									  psprintf("Element %d, \"%s\", is not a number.", position, number),
									  escontext);
	}
}

void
vdb_type_junk_error(const char *type_name, const char *input, const char *at,
					const char *end, char closing, int position,
					struct Node *escontext)
{
	const char *detail;

	if (strcspn(at, NUMBER_ENDS) > end - at)
	{
		vdb_type_number_error(type_name, input, at, position, VDB_PARSE_SYNTAX, escontext);
		return;
	}
	if (*vdb_type_skip_space(end) == '\0')
		detail = psprintf("There is no closing \"%c\".", closing);
	else
		detail = psprintf("Element %d must be followed by \",\" or \"%c\".", position, closing);
	vdb_type_syntax_error(type_name, input, detail, escontext);
}

/* As many elements as the text can have, commas plus one, within the limit. */
static int
count_elements(const char *p, const char *end)
{
	int			n = 1;

	for (; p < end; p++)
		n += *p == ',';
	return Min(n, VDB_MAX_DIM);
}

/*
 * The elements after the opening bracket.  Returns where the closing one is,
 * or NULL after a soft error; their number in v->dim.
 */
static const char *
read_elements(const VdbDenseType *type, const char *input, const char *p,
			  const char *end, VdbDense *v, struct Node *escontext)
{
	int			dim = 0;

	for (;;)
	{
		const char *start,
				   *stop;
		int			error;

		p = vdb_type_skip_space(p);
		if (unlikely(dim == VDB_MAX_DIM))
		{
			vdb_type_check_dim(type->name, (int64) dim + 1, VDB_MAX_DIM, escontext);
			return NULL;
		}
		start = p;
		p = type->parse(p, end, v->x, dim, &error);
		if (unlikely(p == NULL))
		{
			vdb_type_number_error(type->name, input, start, dim + 1, error, escontext);
			return NULL;
		}
		dim++;
		if (likely(*p == ','))
		{
			p++;
			continue;
		}
		stop = p;
		p = vdb_type_skip_space(p);
		if (*p == ']')
			break;
		if (*p != ',')
		{
			vdb_type_junk_error(type->name, input, start, stop, ']', dim, escontext);
			return NULL;
		}
		p++;
	}
	v->dim = (int16) dim;
	return p;
}

static Datum
dense_in(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	const char *input = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	struct Node *escontext = fcinfo->context;
	const char *end = input + strlen(input);
	const char *p = vdb_type_skip_space(input);
	VdbDense   *v;

	if (*p != '[')
	{
		vdb_type_syntax_error(type->name, input, "Vector contents must start with \"[\".", escontext);
		PG_RETURN_NULL();
	}
	p = vdb_type_skip_space(p + 1);
	if (*p == ']')
	{
		vdb_type_check_dim(type->name, 0, VDB_MAX_DIM, escontext);
		PG_RETURN_NULL();
	}
	v = vdb_type_dense_new(type, count_elements(p, end));
	p = read_elements(type, input, p, end, v, escontext);
	if (p == NULL)
		PG_RETURN_NULL();
	p = vdb_type_skip_space(p + 1);
	if (*p != '\0')
	{
		vdb_type_syntax_error(type->name, input, "Junk after closing right brace.", escontext);
		PG_RETURN_NULL();
	}
	if (!vdb_type_check_typmod(typmod, v->dim, escontext))
		PG_RETURN_NULL();
	SET_VARSIZE(v, offsetof(VdbDense, x) + (Size) v->dim * type->elem_size);
	PG_RETURN_POINTER(v);
}

static Datum
dense_out(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	char	   *output = palloc((Size) v.dim * (type->max_text + 1) + 2);
	char	   *to = output;

	*to++ = '[';
	for (int i = 0; i < v.dim; i++)
	{
		if (i > 0)
			*to++ = ',';
		to = type->format(v.x, i, to);
	}
	*to++ = ']';
	*to = '\0';
	PG_RETURN_CSTRING(output);
}

static Datum
dense_recv(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			dim = (int16) pq_getmsgint(message, sizeof(int16));
	int			unused = (int16) pq_getmsgint(message, sizeof(int16));
	VdbDense   *v;
	const char *elements;
	float		buf[VDB_CHUNK];

	vdb_type_check_dim(type->name, dim, VDB_MAX_DIM, NULL);
	vdb_type_check_typmod(typmod, dim, NULL);
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected unused to be 0, not %d", unused)));
	elements = pq_getmsgbytes(message, dim * type->elem_size);
	v = vdb_type_dense_new(type, dim);
	type->swap(elements, v->x, dim);

	/* Any eight bits are an int8; the other types have NaN and infinity. */
	if (type->elem != VDB_I8)
		for (int i = 0; i < dim; i += VDB_CHUNK)
		{
			int			n = Min(dim - i, VDB_CHUNK);

			vdb_type_check_finite(type->name, type->widen(v->x, i, n, buf), n, i, NULL);
		}
	PG_RETURN_POINTER(v);
}

static Datum
dense_send(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));
	int			bytes = v.dim * type->elem_size;
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendint16(&message, v.dim);
	pq_sendint16(&message, 0);
	enlargeStringInfo(&message, bytes);
	type->swap(v.x, message.data + message.len, v.dim);
	message.len += bytes;
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

static Datum
dense_typmod_in(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_INT32(vdb_type_typmod_in(type->name, PG_GETARG_ARRAYTYPE_P(0), VDB_MAX_DIM));
}

/* The cast of a type to itself, which enforces the typmod of a column. */
static Datum
dense_enforce_typmod(const VdbDenseType *type, FunctionCallInfo fcinfo)
{
	VdbDenseArg v = vdb_type_dense_arg(type, PG_GETARG_DATUM(0));

	vdb_type_check_typmod(PG_GETARG_INT32(1), v.dim, NULL);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

VDB_DENSE_SQL(in, dense_in);
VDB_DENSE_SQL(out, dense_out);
VDB_DENSE_SQL(recv, dense_recv);
VDB_DENSE_SQL(send, dense_send);
VDB_DENSE_SQL(typmod_in, dense_typmod_in);
VDB_DENSE_SQL(enforce_typmod, dense_enforce_typmod);
