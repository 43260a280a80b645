/*
 * scan.h
 *	  A scan of an index of vecdb, to those who know no more of it than that.
 */
#ifndef VDB_AM_SCAN_H
#define VDB_AM_SCAN_H

#include "access/genam.h"
#include "access/relscan.h"

#include "am/common/last.h"
#include "scan/tids.h"

/* Which rows a scan returns, by their distances. */
typedef enum VdbAmPart
{
	VDB_AM_NUMBERS,				/* those that have one */
	VDB_AM_NANS,				/* zero vectors, where they have none */
	VDB_AM_NULLS,
	VDB_AM_NPARTS,
	VDB_AM_ALL = VDB_AM_NPARTS	/* in this order */
} VdbAmPart;

/* What every method's scan->opaque points to, from ambeginscan on. */
typedef struct VdbAmScan
{
	const VdbScanTids *within;	/* only these rows, or NULL; set before a rescan */
	VdbAmPart	part;			/* set before a rescan, too */

	/*
	 * A search may yield to exact distances of all rows that pass, where these are
	 * cheaper than what it would have to do: then it returns none.
	 */
	bool		can_yield;		/* set by ambeginscan */
	double		yield_rows;		/* that pass, about; 0: it may not; set before a rescan */
	bool		yielded;
	void		(*counts) (IndexScanDesc scan, VdbAmLastScan *counts);
	void	   *state;			/* the method's own; NULL until the first rescan */
} VdbAmScan;

static inline VdbAmScan *
vdb_am_scan(IndexScanDesc scan)
{
	return scan->opaque;
}

/* An index scan for ambeginscan, in the current context. */
extern IndexScanDesc vdb_am_scan_begin(Relation index, int nkeys, int norderbys,
									   void (*counts) (IndexScanDesc scan,
													   VdbAmLastScan *counts));

/* Is an access method, or an index, of vecdb? */
extern bool vdb_am_is_ours(Oid am);

/*
 * To be asked before the table is: to PostgreSQL's buffers the last block number
 * means a new page, so that what damage left would make the table longer.
 */
extern void vdb_am_scan_check_tid(IndexScanDesc scan, ItemPointer tid);

/* Returns a row whose distance is null, or a number (NaN, too): for amgettuple. */
extern bool vdb_am_scan_give(IndexScanDesc scan, ItemPointer tid, bool null, double distance);

#endif							/* VDB_AM_SCAN_H */
