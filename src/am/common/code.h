/*
 * code.h
 *	  Codes of filter columns, as numbers.
 *
 * A value's raw code is a number in the order of its type's values.  What the
 * index keeps is the raw code, but 1 where that is 0, which is NULL's: so the
 * two least raw codes are kept as one.
 */
#ifndef VDB_AM_CODE_H
#define VDB_AM_CODE_H

#include "am/common/filter.h"

/* Of 16 bytes; of shorter codes hi is 0. */
typedef struct VdbAmCode
{
	uint64		hi;
	uint64		lo;
} VdbAmCode;

/* Where a constant is among the raw codes of a column. */
typedef struct VdbAmPlace
{
	VdbAmCode	at;				/* the least code that is not before it */
	bool		exact;			/* the code is the constant's own */
	bool		beyond;			/* all codes are before it, and at is none */
} VdbAmPlace;

static inline int
vdb_am_code_compare(VdbAmCode a, VdbAmCode b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

static inline VdbAmCode
vdb_am_code_next(VdbAmCode code)
{
	return (VdbAmCode) {code.hi + (code.lo == PG_UINT64_MAX), code.lo + 1};
}

static inline VdbAmCode
vdb_am_code_previous(VdbAmCode code)
{
	return (VdbAmCode) {code.hi - (code.lo == 0), code.lo - 1};
}

/* The greatest code of some bytes. */
static inline VdbAmCode
vdb_am_code_greatest(int width)
{
	if (width > sizeof(uint64))
		return (VdbAmCode) {PG_UINT64_MAX, PG_UINT64_MAX};
	return (VdbAmCode) {0, PG_UINT64_MAX >> (64 - 8 * width)};
}

/* What the index keeps for a raw code. */
static inline VdbAmCode
vdb_am_code_kept(VdbAmCode raw)
{
	raw.lo += (raw.hi | raw.lo) == 0;
	return raw;
}

/* Of sets, the bit that all but NULL have. */
#define VDB_AM_SET_BIT (UINT64CONST(1) << 63)

/* May values that are not the same have the same raw code? */
static inline bool
vdb_am_code_shared(const VdbAmColumn *column)
{
	return column->coding == VDB_AM_CODE_NUMERIC || column->coding == VDB_AM_CODE_HASH ||
		column->coding == VDB_AM_CODE_SET;
}

/* Are raw codes in the order of their values? */
static inline bool
vdb_am_code_ordered(const VdbAmColumn *column)
{
	return column->coding <= VDB_AM_CODE_BYTES;
}

/* The raw code of a value of the column, which is not NULL. */
extern VdbAmCode vdb_am_code(const VdbAmColumn *column, Datum value);

/*
 * Where a constant of a type (the column's: 0) is, which is compared with the
 * column by a function.  False: codes do not tell.
 */
extern bool vdb_am_code_place(const VdbAmColumn *column, Oid type, Oid function, Datum value,
							  VdbAmPlace *place);

#endif							/* VDB_AM_CODE_H */
