/*
 * fetch.h
 *	  Rows of the table that an index has led to, and what the index has of them.
 */
#ifndef VDB_AM_FETCH_H
#define VDB_AM_FETCH_H

#include "access/relscan.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* Of one pass over an index. */
typedef struct VdbAmFetch
{
	Relation	index;
	IndexFetchTableData *rows;
	TupleTableSlot *slot;		/* the last row */
	IndexInfo  *info;			/* of an index over an expression */
	EState	   *estate;
} VdbAmFetch;

/* Allocates what it needs in the current context. */
extern void vdb_am_fetch_begin(VdbAmFetch *fetch, Relation index, Relation heap);

/* Brings the row of a row id, as a snapshot shows it, if it does, to the slot. */
extern bool vdb_am_fetch_row(VdbAmFetch *fetch, const ItemPointerData *tid, Snapshot snapshot);

/*
 * The vector that the index has of the row in the slot; it holds until the next
 * one is asked for, or the slot is cleared.
 */
extern Datum vdb_am_fetch_vector(VdbAmFetch *fetch, bool *isnull);

extern void vdb_am_fetch_end(VdbAmFetch *fetch);

#endif							/* VDB_AM_FETCH_H */
