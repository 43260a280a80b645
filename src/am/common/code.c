/*
 * code.c
 *	  Codes of filter columns, as numbers: of values, and of constants that
 *	  they are compared with, which may be of another type.
 */
#include "postgres.h"

#include <math.h>

#include "access/hash.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "am/common/code.h"

/* The first day whose midnight is later than timestamps can be; none is too early. */
#define END_DAY (TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static bool
is_float(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID;
}

/* A value of a type that is coded as an integer. */
static int64
integer(Oid type, Datum value)
{
	switch (type)
	{
		case CHAROID:
			return (uint8) DatumGetChar(value);
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
		case DATEOID:
			return DatumGetInt32(value);
		case OIDOID:
			return DatumGetObjectId(value);
		default:
			return DatumGetInt64(value);
	}
}

/* The least integer that a column can have. */
static int64
least(const VdbAmColumn *column)
{
	if (column->type == CHAROID || column->type == OIDOID)
		return 0;
	return PG_INT64_MIN >> (64 - 8 * column->width);
}

static VdbAmCode
integer_code(const VdbAmColumn *column, int64 value)
{
	return (VdbAmCode) {0, (uint64) value - (uint64) least(column)};
}

/*
 * The bits of a number are in its order, but for those of negative ones, which
 * are in the opposite one.  As in PostgreSQL, NaN is the greatest, and there
 * is one zero.
 */
static VdbAmCode
float_code(double x, int width)
{
	uint64		sign = UINT64CONST(1) << (8 * width - 1);
	uint64		bits;

	if (isnan(x))
		return vdb_am_code_greatest(width);
	if (x == 0)
		return (VdbAmCode) {0, sign};
	if (width == sizeof(float))
	{
		float		f = (float) x;
		uint32		narrow;

		memcpy(&narrow, &f, sizeof(narrow));
		bits = narrow;
	}
	else
		memcpy(&bits, &x, sizeof(bits));
	if ((bits & sign) == 0)
		return (VdbAmCode) {0, bits | sign};
	return (VdbAmCode) {0, ~bits & vdb_am_code_greatest(width).lo};
}

static double
float_value(Oid type, Datum value)
{
	return type == FLOAT4OID ? DatumGetFloat4(value) : DatumGetFloat8(value);
}

/* Rounding keeps the order, if not strictly; so does infinity for what is too great. */
static double
numeric_value(Datum value)
{
	Numeric		numeric = DatumGetNumeric(value);
	double		x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													   NumericGetDatum(numeric)));

	if ((Pointer) numeric != DatumGetPointer(value))
		pfree(numeric);
	return x;
}

static VdbAmCode
bytes_code(const unsigned char *bytes)
{
	VdbAmCode	code;

	memcpy(&code, bytes, sizeof(code));
	return (VdbAmCode) {pg_ntoh64(code.hi), pg_ntoh64(code.lo)};
}

static VdbAmCode
hash_code(const FmgrInfo *hash, Oid collation, Datum value)
{
	Datum		code = FunctionCall1Coll(unconstify(FmgrInfo *, hash), collation, value);

	return (VdbAmCode) {0, DatumGetUInt32(code)};
}

/* A bit for each element that is not NULL, which no operator on sets finds. */
static VdbAmCode
set_code(const VdbAmColumn *column, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	VdbAmCode	code = {0, VDB_AM_SET_BIT};
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, ARR_ELEMTYPE(array), column->elem_len, column->elem_byval,
					  column->elem_align, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			code.lo |= UINT64CONST(1) <<
				hash_code(&column->hash, column->collation, elements[i]).lo % 63;
	}
	pfree(elements);
	pfree(nulls);
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
	return code;
}

VdbAmCode
vdb_am_code(const VdbAmColumn *column, Datum value)
{
	switch (column->coding)
	{
		case VDB_AM_CODE_BOOL:
			/* neither is one of the two that are kept as one */
			return (VdbAmCode) {0, DatumGetBool(value) ? 3 : 2};
		case VDB_AM_CODE_INT:
			return integer_code(column, integer(column->type, value));
		case VDB_AM_CODE_FLOAT:
			return float_code(float_value(column->type, value), column->width);
		case VDB_AM_CODE_NUMERIC:
			return float_code(numeric_value(value), column->width);
		case VDB_AM_CODE_BYTES:
			return bytes_code(DatumGetUUIDP(value)->data);
		case VDB_AM_CODE_OID:
			return (VdbAmCode) {0, DatumGetObjectId(value)};
		case VDB_AM_CODE_HASH:
			return hash_code(&column->hash, column->collation, value);
		case VDB_AM_CODE_SET:
			return set_code(column, value);
	}
	pg_unreachable();
}

/* An integer, which is the constant, or the least one that is not before it. */
static void
integer_place(const VdbAmColumn *column, int64 value, bool exact, VdbAmPlace *place)
{
	uint64		greatest = vdb_am_code_greatest(column->width).lo;
	int64		most = (int64) ((uint64) least(column) + greatest);

	place->beyond = value > most;
	place->exact = exact && value >= least(column) && !place->beyond;
	place->at = value < least(column) ? (VdbAmCode) {0, 0} : integer_code(column, value);
}

/* The day that begins at a timestamp, or the first after it. */
static void
day_place(const VdbAmColumn *column, Timestamp at, VdbAmPlace *place)
{
	int64		day = at / USECS_PER_DAY;
	int64		past = at % USECS_PER_DAY;

	if (TIMESTAMP_IS_NOBEGIN(at))
		integer_place(column, DATEVAL_NOBEGIN, true, place);
	else if (TIMESTAMP_IS_NOEND(at))
		integer_place(column, DATEVAL_NOEND, true, place);
	else
		integer_place(column, day + (past > 0), past == 0, place);
}

/* Where a day begins. */
static void
midnight_place(const VdbAmColumn *column, DateADT day, VdbAmPlace *place)
{
	if (DATE_IS_NOBEGIN(day))
		integer_place(column, DT_NOBEGIN, true, place);
	else if (day >= END_DAY)
		integer_place(column, DT_NOEND, DATE_IS_NOEND(day), place);
	else
		integer_place(column, day * USECS_PER_DAY, true, place);
}

static void
float_place(const VdbAmColumn *column, double x, VdbAmPlace *place)
{
	double		nearest = column->width == sizeof(float) ? (float) x : x;

	place->at = float_code(nearest, column->width);
	place->exact = nearest == x || isnan(x);
	if (nearest < x)
		place->at = vdb_am_code_next(place->at);
}

/*
 * A constant's hash is that of the column's values that are equal to it if the
 * hash functions of both are of one family, as is the operator that is asked.
 */
static bool
hash_place(const VdbAmColumn *column, Oid type, Oid function, Datum value, VdbAmPlace *place)
{
	Oid			equal = get_opfamily_member(column->hash_family, column->type, type,
											HTEqualStrategyNumber);
	Oid			proc = get_opfamily_proc(column->hash_family, type, type, HASHSTANDARD_PROC);
	FmgrInfo	hash;

	if (!OidIsValid(equal) || get_opcode(equal) != function || !OidIsValid(proc))
		return false;
	fmgr_info(proc, &hash);
	place->at = hash_code(&hash, column->collation, value);
	return true;
}

bool
vdb_am_code_place(const VdbAmColumn *column, Oid type, Oid function, Datum value,
				  VdbAmPlace *place)
{
	place->exact = true;
	place->beyond = false;
	if (type == InvalidOid || type == column->type)
		place->at = vdb_am_code(column, value);
	else if (is_integer(column->type) && is_integer(type))
		integer_place(column, integer(type, value), true, place);
	else if (is_float(column->type) && is_float(type))
		float_place(column, float_value(type, value), place);
	else if (column->type == DATEOID && type == TIMESTAMPOID)
		day_place(column, DatumGetTimestamp(value), place);
	else if (column->type == TIMESTAMPOID && type == DATEOID)
		midnight_place(column, DatumGetDateADT(value), place);
	else if (column->coding == VDB_AM_CODE_HASH)
		return hash_place(column, type, function, value, place);
	else
		return false;
	return true;
}
