/*
 * filter.h
 *	  Filter columns of an index, and which rows a scan is for.
 *
 * An index's first column is a vector; those after it are there to be filtered
 * by: of each row the index keeps a code for every such column, of a fixed
 * width, so that a search can tell without the table which rows are wanted.
 *
 * Codes are unsigned numbers in the order of their values, or hashes, where a
 * type has no other code of fixed width.  Code 0 is NULL's, and may be that of
 * another value as well.  So a code may say less than the value; never does a
 * filter miss a row, and PostgreSQL is told to recheck those that come out.  That
 * costs little, and a damaged or stale page shows nobody a row that a condition,
 * a policy of row security say, hides.
 */
#ifndef VDB_AM_FILTER_H
#define VDB_AM_FILTER_H

#include "access/skey.h"
#include "utils/rel.h"

#include "scan/tids.h"

/* The strategies of filter columns' operators; the values go to the catalog. */
#define VDB_AM_LESS 1
#define VDB_AM_LESS_EQUAL 2
#define VDB_AM_EQUAL 3
#define VDB_AM_GREATER_EQUAL 4
#define VDB_AM_GREATER 5
#define VDB_AM_OVERLAPS 6		/* arrays: && */
#define VDB_AM_CONTAINS 7		/* arrays: @> */

/* How a value becomes a code; the values go to disk (see columns_mark). */
typedef enum VdbAmCoding
{
	VDB_AM_CODE_BOOL = 1,		/* 1 byte */
	VDB_AM_CODE_INT = 2,		/* integers, "char", oid, date, times: as wide as they are */
	VDB_AM_CODE_FLOAT = 3,		/* float4, float8: as wide as they are */
	VDB_AM_CODE_NUMERIC = 4,	/* 8 bytes: of the nearest float8 */
	VDB_AM_CODE_BYTES = 5,		/* uuid: 16 bytes */
	VDB_AM_CODE_OID = 6,		/* enums: 4 bytes, equal or not */
	VDB_AM_CODE_HASH = 7,		/* all else that has one: 4 bytes, equal or not */
	VDB_AM_CODE_SET = 8			/* arrays: 8 bytes, a bit for the hash of each element */
} VdbAmCoding;

typedef struct VdbAmColumn
{
	VdbAmCoding coding;
	uint16		width;			/* bytes of a code */
	uint16		at;				/* in a row's codes */
	Oid			type;			/* that the operator class is for */
	Oid			collation;
	FmgrInfo	hash;			/* of values, or of elements, where codes need it */
	Oid			hash_family;	/* of values: that the function is of */
	int16		elem_len;		/* of arrays: of their elements */
	bool		elem_byval;
	char		elem_align;
} VdbAmColumn;

typedef struct VdbAmColumns
{
	uint32		n;
	uint32		size;			/* bytes of a row's codes; 0 without columns */
	uint32		mark;			/* tells layouts apart: goes to disk */
	VdbAmColumn *column;
} VdbAmColumns;

/*
 * An index's filter columns, in the current context.  Errors for a type that
 * has no code, with a hint what to do.  Without columns nothing is allocated.
 */
extern void vdb_am_columns_open(Relation index, VdbAmColumns *columns);

/*
 * Are an index's filter columns, with the codes that they have now, those of its
 * metapage?  And the error where they are not.
 */
extern bool vdb_am_columns_are(Relation index, uint32 size, uint32 mark);
extern void vdb_am_columns_check(Relation index, uint32 size, uint32 mark);

/*
 * The codes of an index row, as PostgreSQL gives it: all its columns, the
 * vector, which is not looked at, first.  codes has room for columns->size
 * bytes, of any alignment.
 */
extern void vdb_am_columns_encode(const VdbAmColumns *columns, const Datum *values,
								  const bool *isnull, char *codes);

/* A condition on one column; of the filter's own. */
typedef struct VdbAmTest VdbAmTest;

/*
 * The rows that a scan is for.  A condition that codes tell nothing of is left to
 * whoever looks again.
 */
typedef struct VdbAmFilter
{
	bool		active;			/* not all rows pass */
	bool		nothing;		/* none does */
	uint32		ntests;
	VdbAmTest  *tests;
	const VdbScanTids *within;	/* only these rows, or NULL */
	MemoryContext context;		/* of the tests */
} VdbAmFilter;

/* Begins as zeroes but for the context, which is the filter's alone, and is reset. */
extern void vdb_am_filter_set(VdbAmFilter *filter, const VdbAmColumns *columns,
							  const ScanKeyData *keys, int nkeys, const VdbScanTids *within);

/* Do a row's codes pass?  They may be any bytes. */
extern bool vdb_am_filter_codes(const VdbAmFilter *filter, const char *codes);

/* May a row be wanted? */
static inline bool
vdb_am_filter_passes(const VdbAmFilter *filter, const ItemPointerData *tid, const char *codes)
{
	if (!filter->active)
		return true;
	if (filter->within != NULL && !vdb_scan_tids_has(filter->within, tid))
		return false;
	return filter->ntests == 0 || vdb_am_filter_codes(filter, codes);
}

#endif							/* VDB_AM_FILTER_H */
