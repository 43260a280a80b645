/*
 * exact.h
 *	  Rows in order of their exact distances, from rows in order of bounds.
 *
 * PostgreSQL can do this itself: an index that says that its distances are
 * lower bounds has the executor put rows in order.  But rows that have been
 * through its queue have no ctid (measured with 17 and 18), so that FOR UPDATE
 * fails on them; and they are copied twice.
 */
#ifndef VDB_AM_EXACT_H
#define VDB_AM_EXACT_H

#include "access/genam.h"

#include "am/common/fetch.h"
#include "scan/select.h"

/* Of one scan: begins as zeroes. */
typedef struct VdbAmExact
{
	VdbAmFetch	fetch;
	MemoryContext context;		/* of one row; NULL until the first */
	VdbScanQueue queue;			/* rows by their exact distances */
	double		bound;			/* of the row that came last */
	bool		ended;			/* no more come */
} VdbAmExact;

/*
 * The next row in order of bounds; false if there is none.  One without a row id
 * says that what there is may be returned, up to its bound, before more is looked
 * for.
 */
typedef bool (*VdbAmNext) (IndexScanDesc scan, VdbScanFound *found);

/*
 * The next row that the scan's snapshot shows, in order of the operator's
 * distance, which is its key.  False if there is none.
 */
extern bool vdb_am_exact_next(VdbAmExact *exact, IndexScanDesc scan, VdbAmNext next,
							  VdbScanFound *found);

/* Begins anew, for another query. */
extern void vdb_am_exact_reset(VdbAmExact *exact);

/* Gives back what it has; it may begin again afterwards. */
extern void vdb_am_exact_end(VdbAmExact *exact);

#endif							/* VDB_AM_EXACT_H */
