/*
 * tids.h
 *	  A set of rows of a table, by their row ids: the rows that a search is for.
 *
 * Made from the bitmap that PostgreSQL makes of a condition, which whoever reads
 * the rows tests once more.  What it is asked most is whether a row is in it, in
 * any order.
 */
#ifndef VDB_SCAN_TIDS_H
#define VDB_SCAN_TIDS_H

#include "nodes/tidbitmap.h"
#include "storage/itemptr.h"

typedef struct VdbScanTids
{
	BlockNumber nblocks;		/* of the table: no row is beyond them */
	uint32		stride;			/* bits of a block: a power of two, 8 at least */
	uint64		count;			/* rows that are known to be in it */
	uint64		lossy;			/* blocks all of whose rows may be in it */
	uint8	   *bits;			/* stride bits for each block */
	uint8	   *whole;			/* a bit for each block: lossy; NULL if none is */
} VdbScanTids;

/* Takes all that is in a bitmap, in the current context; nblocks: of the table. */
extern VdbScanTids *vdb_scan_tids_create(TIDBitmap *bitmap, BlockNumber nblocks);

/* May a row be in it? */
static inline bool
vdb_scan_tids_has(const VdbScanTids *tids, const ItemPointerData *tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);
	uint32		at = ItemPointerGetOffsetNumberNoCheck(tid);
	uint64		bit;

	if (block >= tids->nblocks)
		return false;
	if (tids->whole != NULL && (tids->whole[block / 8] & (1 << block % 8)) != 0)
		return true;
	if (at >= tids->stride)
		return false;
	bit = (uint64) block * tids->stride + at;
	return (tids->bits[bit / 8] & (1 << bit % 8)) != 0;
}

/*
 * The next row after *tid (begin with vdb_scan_tids_first()), in order; of a
 * lossy block come all that there could be.  False if there is none.
 */
extern void vdb_scan_tids_first(ItemPointer tid);
extern bool vdb_scan_tids_next(const VdbScanTids *tids, ItemPointer tid);

#endif							/* VDB_SCAN_TIDS_H */
