/*
 * vacuum.h
 *	  The parts of vacuum, to each other.
 */
#ifndef VDB_HNSW_VACUUM_H
#define VDB_HNSW_VACUUM_H

#include "am/hnsw/bits.h"
#include "am/hnsw/hnsw.h"

typedef struct VdbHnswVacuum
{
	Relation	index;
	const VdbHnsw *hnsw;
	IndexBulkDeleteResult *result;
	IndexBulkDeleteCallback callback;	/* NULL: there is nothing to delete */
	void	   *callback_state;
	BufferAccessStrategy strategy;
	BlockNumber blocks;			/* that there were when it began */

	/* nodes, by number */
	VdbHnswBits dead;
	VdbHnswBits live;			/* when the last of those had died */
	VdbHnswBits bucketed;		/* with buckets */
	uint64		nlive;
	uint64		ndead;

	VdbHnswBits room;			/* pages with free slots that inserts do not find */
	bool		chains;			/* some chain of buckets has to be looked at */
} VdbHnswVacuum;

/* ---- relink.c ---- */

/* Makes nodes entries until there are as many live ones as there should be. */
extern void vdb_hnsw_vacuum_entries(VdbHnswVacuum *v);

/*
 * Has every live node be reached from the live entries without a dead node in
 * between: what is not gets an edge.
 */
extern void vdb_hnsw_vacuum_reach(VdbHnswVacuum *v);

/* ---- repair.c ---- */

/* Takes the edges to dead nodes away, and puts others in their place. */
extern void vdb_hnsw_vacuum_repair(VdbHnswVacuum *v);

#endif							/* VDB_HNSW_VACUUM_H */
