/*
 * table.h
 *	  A table and its only index, as PostgreSQL describes them, for fuzzing.
 */
#ifndef VDB_FUZZ_TABLE_H
#define VDB_FUZZ_TABLE_H

#include "buffers.h"

#include "access/amapi.h"

/* The most columns of an index, and the rows of a table. */
#define FUZZ_MAX_COLUMNS 4
#define FUZZ_MAX_ROWS 256
#define FUZZ_ROWS_PER_PAGE 20

typedef struct FuzzRow
{
	Datum		values[FUZZ_MAX_COLUMNS];
	bool		nulls[FUZZ_MAX_COLUMNS];
} FuzzRow;

/* A table, and what its index is over. */
typedef struct FuzzTable
{
	const char *am;
	PGFunction	kind;			/* the support function of the vector's operator class */
	PGFunction	distance;
	const char *options;		/* name=value,... */
	int32		dim;
	bool		expression;		/* the index is over one, not over a column */
	int			ncolumns;		/* the vector, and columns to filter by */
	Oid			columns[FUZZ_MAX_COLUMNS];	/* types; the vector's does not matter */
	const FuzzRow *rows;
} FuzzTable;

extern Relation fuzz_heap;
extern const FuzzRow *fuzz_rows;

/* The operator's function. */
extern PGFunction fuzz_distance;

/* Rows that there are, or were; and which of them are there now. */
extern int	fuzz_nrows;
extern bool fuzz_live[FUZZ_MAX_ROWS];

/* Makes fuzz_heap and fuzz_index those of a table, as if just opened. */
extern void fuzz_open(const FuzzTable *table);

extern IndexAmRoutine *fuzz_routine(const char *am);

/* A row's id, and the row that is or was there, or -1. */
extern void fuzz_tid(int row, ItemPointer tid);
extern int	fuzz_row(ItemPointer tid);

/* Can what a transaction retired be used again? */
extern bool fuzz_all_gone;

#endif							/* VDB_FUZZ_TABLE_H */
