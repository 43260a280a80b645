/*
 * backend.c
 *	  As much of a PostgreSQL backend as the types need, for fuzzing.
 *
 * Each function does what the backend's function of that name does, as far as
 * the types can tell; errors go to the PG_TRY() that they were raised in.
 */
#include "backend.h"

#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "heap/heap.h"

/* The sanitizers know those of the C library, not PostgreSQL's own. */
#undef vsnprintf
#undef snprintf
#undef fprintf
#undef vfprintf

int			fuzz_sqlstate;
bool		fuzz_soft_errors;
bool		fuzz_in_aggregate;

void
fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	abort();
}

#ifdef VDB_FUZZ_SELFTEST
bool
fuzz_fault(const char *name)
{
	const char *fault = getenv("VDB_FUZZ_FAULT");

	return fault != NULL && strcmp(fault, name) == 0;
}
#endif

/* ---- errors ---- */

sigjmp_buf *PG_exception_stack = NULL;
ErrorContextCallback *error_context_stack = NULL;
volatile uint32 CritSectionCount = 0;

static char message[1024];

bool
errstart(int elevel, const char *domain)
{
	if (elevel < ERROR)
		return false;
	CHECK(elevel == ERROR && CritSectionCount == 0 && PG_exception_stack != NULL);
	fuzz_sqlstate = ERRCODE_INTERNAL_ERROR;
	message[0] = '\0';
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int sqlerrcode)
{
	fuzz_sqlstate = sqlerrcode;
	return 0;
}

/* All of an error's texts are made, to see that they can be. */
#define TEXT(name, to) \
	int \
	name(const char *fmt,...) \
	{ \
		char		text[sizeof(message)]; \
		va_list		args; \
		\
		va_start(args, fmt); \
		vsnprintf(to, sizeof(message), fmt, args); \
		va_end(args); \
		(void) text; \
		return 0; \
	} \
	extern int	no_such_variable

TEXT(errmsg, message);
TEXT(errmsg_internal, message);
TEXT(errdetail, text);
TEXT(errdetail_internal, text);
TEXT(errhint, text);

void
pg_re_throw(void)
{
	siglongjmp(*PG_exception_stack, 1);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	/* elog() is for what cannot happen */
	if (fuzz_sqlstate == ERRCODE_INTERNAL_ERROR)
	{
		fprintf(stderr, "%s\n", message);
		fuzz_fail("an internal error was raised", filename, lineno);
	}
	pg_re_throw();
}

ErrorData *
CopyErrorData(void)
{
	ErrorData  *error = palloc0(sizeof(ErrorData));

	error->elevel = ERROR;
	error->sqlerrcode = fuzz_sqlstate;
	error->message = pstrdup(message);
	return error;
}

void
FreeErrorData(ErrorData *edata)
{
	pfree(edata->message);
	pfree(edata);
}

void
FlushErrorState(void)
{
}

const char *
fuzz_message(void)
{
	return message;
}

#if PG_VERSION_NUM >= 160000
bool
errsave_start(struct Node *context, const char *domain)
{
	if (context == NULL || !IsA(context, ErrorSaveContext))
		return errstart(ERROR, domain);
	((ErrorSaveContext *) context)->error_occurred = true;
	return false;
}

void
errsave_finish(struct Node *context, const char *filename, int lineno, const char *funcname)
{
	errfinish(filename, lineno, funcname);
}
#endif

void
ExceptionalCondition(const char *conditionName,
#if PG_VERSION_NUM < 160000
					 const char *errorType,
#endif
					 const char *fileName, int lineNumber)
{
	fuzz_fail(conditionName, fileName, lineNumber);
}

void
float_overflow_error(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("overflow")));
}

void
float_underflow_error(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("underflow")));
}

/* ---- calls ---- */

bool
fuzz_call(PGFunction function, const Datum *args, int nargs, Datum *result, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, FUZZ_MAX_ARGS);
	struct Node *context = NULL;
	volatile bool raised = false;

#if PG_VERSION_NUM >= 160000
	ErrorSaveContext save = {T_ErrorSaveContext};

	if (fuzz_soft_errors)
		context = (struct Node *) &save;
#endif
	InitFunctionCallInfoData(*fcinfo, NULL, nargs, InvalidOid, context, NULL);
	for (int i = 0; i < nargs; i++)
	{
		fcinfo->args[i].value = args[i];
		fcinfo->args[i].isnull = false;
	}
	PG_TRY();
	{
		*result = function(fcinfo);
		*isnull = fcinfo->isnull;
	}
	PG_CATCH();
	{
		raised = true;
	}
	PG_END_TRY();
	if (raised)
		return false;
#if PG_VERSION_NUM >= 160000
	if (save.error_occurred)
	{
		CHECK(*isnull);
		return false;
	}
#endif
	return true;
}

Datum
DirectFunctionCall1Coll(PGFunction func, Oid collation, Datum arg1)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, collation, NULL, NULL);
	fcinfo->args[0].value = arg1;
	fcinfo->args[0].isnull = false;
	return func(fcinfo);
}

int
AggCheckCallContext(FunctionCallInfo fcinfo, MemoryContext *aggcontext)
{
	return fuzz_in_aggregate ? AGG_CONTEXT_AGGREGATE : 0;
}

/* ---- stored values: plain ones, with headers of one and of four bytes ---- */

struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	CHECK(VARATT_IS_1B(datum) ? !VARATT_IS_1B_E(datum) : VARATT_IS_4B_U(datum));
	return datum;
}

struct varlena *
pg_detoast_datum_copy(struct varlena *datum)
{
	Size		size = VARSIZE_ANY_EXHDR(pg_detoast_datum_packed(datum));
	struct varlena *copy = palloc(VARHDRSZ + size);

	SET_VARSIZE(copy, VARHDRSZ + size);
	memcpy(VARDATA(copy), VARDATA_ANY(datum), size);
	return copy;
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return VARATT_IS_4B_U(datum) ? datum : pg_detoast_datum_copy(datum);
}

/* Toasted values are not made here. */
struct varlena *
vdb_heap_detoast(struct varlena *value)
{
	fuzz_fail("a plain value was taken for a toasted one", __FILE__, __LINE__);
}

/* No index is searched, so no distance is remembered. */
int			vdb_heap_searches = 0;

bool
vdb_heap_recall(Datum a, Datum b, uint32 what, VdbHeapKnown *known)
{
	fuzz_fail("a distance was looked up without a search", __FILE__, __LINE__);
}

void
vdb_heap_remember(VdbHeapKnown *known, double number)
{
	fuzz_fail("a distance was remembered without a search", __FILE__, __LINE__);
}

/* ---- messages ---- */

void
initStringInfo(StringInfo str)
{
	str->data = palloc(1);
	str->data[0] = '\0';
	str->len = 0;
	str->maxlen = 1;
	str->cursor = 0;
}

void
enlargeStringInfo(StringInfo str, int needed)
{
	CHECK(needed >= 0 && (Size) needed < MaxAllocSize - (Size) str->len);
	needed += str->len + 1;
	if (needed <= str->maxlen)
		return;
	str->data = repalloc(str->data, needed);
	str->maxlen = needed;
}

void
pq_begintypsend(StringInfo buf)
{
	initStringInfo(buf);
	enlargeStringInfo(buf, VARHDRSZ);
	memset(buf->data, 0, VARHDRSZ);
	buf->len = VARHDRSZ;
}

bytea *
pq_endtypsend(StringInfo buf)
{
	CHECK(buf->len < buf->maxlen);
	SET_VARSIZE(buf->data, buf->len);
	return (bytea *) buf->data;
}

const char *
pq_getmsgbytes(StringInfo msg, int datalen)
{
	const char *result = msg->data + msg->cursor;

	if (datalen < 0 || datalen > msg->len - msg->cursor)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("insufficient data left in message")));
	msg->cursor += datalen;
	return result;
}

unsigned int
pq_getmsgint(StringInfo msg, int b)
{
	const unsigned char *bytes = (const unsigned char *) pq_getmsgbytes(msg, b);
	unsigned int result = 0;

	for (int i = 0; i < b; i++)
		result = result << 8 | bytes[i];
	return result;
}

/* ---- text ---- */

int
pg_ltoa(int32 value, char *a)
{
	char		text[16];
	int			length = snprintf(text, sizeof(text), "%d", value);

	if (fuzz_fault("digits") && value == 77)
		text[0] = '6';
	memcpy(a, text, length + 1);
	return length;
}

int
pg_itoa(int16 i, char *a)
{
	return pg_ltoa(i, a);
}

int
pg_mbcliplen(const char *mbstr, int len, int limit)
{
	return Min(len, limit);
}

/* ---- arrays ---- */

void
get_typlenbyvalalign(Oid typid, int16 *typlen, bool *typbyval, char *typalign)
{
	*typlen = typid == INT2OID ? 2 : typid == INT4OID || typid == FLOAT4OID ? 4 :
		typid == NUMERICOID ? -1 : 8;
	*typbyval = *typlen > 0;
	*typalign = *typlen == 2 ? TYPALIGN_SHORT : *typlen == 8 ? TYPALIGN_DOUBLE : TYPALIGN_INT;
}

bool
array_contains_nulls(ArrayType *array)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const bits8 *bitmap = ARR_NULLBITMAP(array);

	for (int i = 0; bitmap != NULL && i < n; i++)
		if ((bitmap[i / 8] & (1 << i % 8)) == 0)
			return true;
	return false;
}

int
ArrayGetNItems(int ndim, const int *dims)
{
	int			n = ndim > 0;

	for (int i = 0; i < ndim; i++)
		n *= dims[i];
	return n;
}

/* Where the caller does not ask for nulls, one is an error. */
void
deconstruct_array(ArrayType *array, Oid elmtype, int elmlen, bool elmbyval, char elmalign,
				  Datum **elemsp, bool **nullsp, int *nelemsp)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const bits8 *bitmap = ARR_NULLBITMAP(array);
	char	   *p = ARR_DATA_PTR(array);

	*elemsp = palloc0(n * sizeof(Datum));
	*nelemsp = n;
	if (nullsp != NULL)
		*nullsp = palloc0(n * sizeof(bool));
	else if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("null array element not allowed in this context")));
	for (int i = 0; i < n; i++)
	{
		if (bitmap != NULL && (bitmap[i / 8] & (1 << i % 8)) == 0)
		{
			(*nullsp)[i] = true;
			continue;
		}
		p = (char *) att_align_pointer(p, elmalign, elmlen, p);
		(*elemsp)[i] = fetch_att(p, elmbyval, elmlen);
		p = att_addlength_pointer(p, elmlen, p);
	}
}

/* Of float4 and int4 only, which is what the types make. */
ArrayType *
construct_array(Datum *elems, int nelems, Oid elmtype, int elmlen, bool elmbyval, char elmalign)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + nelems * sizeof(int32);
	ArrayType  *array = palloc0(size);

	CHECK(elmlen == sizeof(int32) && elmbyval && elmalign == TYPALIGN_INT);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = elmtype;
	ARR_DIMS(array)[0] = nelems;
	ARR_LBOUND(array)[0] = 1;
	for (int i = 0; i < nelems; i++)
		((int32 *) ARR_DATA_PTR(array))[i] = DatumGetInt32(elems[i]);
	return array;
}

static int32
parse_integer(const char *text)
{
	char	   *end;
	long		number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || number != (int32) number)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("out of range")));
	if (end == text || *end != '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("no integer")));
	return (int32) number;
}

int32 *
ArrayGetIntegerTypmods(ArrayType *arr, int *n)
{
	int32	   *result;
	Datum	   *elements;

	if (ARR_ELEMTYPE(arr) != CSTRINGOID || ARR_NDIM(arr) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_ELEMENT_ERROR),
				 errmsg("typmod array must be type cstring[], one-dimensional")));
	deconstruct_array(arr, CSTRINGOID, -2, false, TYPALIGN_CHAR, &elements, NULL, n);
	result = palloc(*n * sizeof(int32));
	for (int i = 0; i < *n; i++)
		result[i] = parse_integer(DatumGetCString(elements[i]));
	return result;
}

/* A numeric is a float here, in a varlena of any alignment. */
Datum
numeric_float4(PG_FUNCTION_ARGS)
{
	struct varlena *number = PG_GETARG_VARLENA_PP(0);
	float4		value;

	CHECK(VARSIZE_ANY_EXHDR(number) == sizeof(value));
	memcpy(&value, VARDATA_ANY(number), sizeof(value));
	PG_RETURN_FLOAT4(value);
}
