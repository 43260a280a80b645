/*
 * heap.h
 *	  Reading tables faster than through the general interfaces.
 */
#ifndef VDB_HEAP_H
#define VDB_HEAP_H

#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

/*
 * The plain value of one that is stored out of line, compressed, or both, as
 * pg_detoast_datum_packed() gives it: allocated in the current context, with
 * a header of either length.
 */
extern struct varlena *vdb_heap_detoast(struct varlena *value);

/* ---- pointer.c ---- */

/*
 * May a row id be that of a row: does the table have its line pointer, in use,
 * and not within a HOT chain?  The row may be dead.
 */
extern bool vdb_heap_may_be_row(Relation heap, ItemPointer tid);

/* ---- ahead.c: rows about to be read, into the CPU's caches ---- */

/* Remembers where the page is of a row that was read. */
extern void vdb_heap_note(Relation heap, const TupleTableSlot *slot);

/*
 * Fetches what leads to a row, and some time later the row, if its page is where
 * it was seen last.
 */
extern void vdb_heap_prefetch_pointer(Relation heap, const ItemPointerData *tid);
extern void vdb_heap_prefetch_row(Relation heap, const ItemPointerData *tid);

/* ---- known.c: what was computed of such values, remembered ---- */

/* How many searches through an index are in progress. */
extern int	vdb_heap_searches;

/* A search begins; it ends with the current memory context. */
extern void vdb_heap_search_begins(void);

/* A number that was, or is to be, computed of two values. */
typedef struct VdbHeapKnown
{
	uint64		stamp;			/* of the one that is not stored out of line */
	Oid			toastrelid;		/* of the other */
	Oid			valueid;
	uint32		what;
	bool		swapped;		/* the second is the one out of line */
	double		number;
} VdbHeapKnown;

/*
 * Is known what was computed of a and b, one of which is stored out of line?
 * what says which computation.  If not, known is for vdb_heap_remember().  To
 * be asked during searches only.
 */
extern bool vdb_heap_recall(Datum a, Datum b, uint32 what, VdbHeapKnown *known);
extern void vdb_heap_remember(VdbHeapKnown *known, double number);

#endif							/* VDB_HEAP_H */
