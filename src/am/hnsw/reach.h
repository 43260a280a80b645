/*
 * reach.h
 *	  What of a graph can be reached: a search over all of it, without distances.
 */
#ifndef VDB_HNSW_REACH_H
#define VDB_HNSW_REACH_H

#include "am/hnsw/bits.h"
#include "am/hnsw/hnsw.h"

typedef struct VdbHnswReach
{
	/* from the caller: */
	const VdbHnsw *hnsw;
	bool		dead;			/* whether the way may lead over dead nodes */

	/* whether a number that a block has may be followed; once for each edge */
	bool		(*may) (void *arg, BlockNumber from, uint32 node);

	/* a page of nodes, valid until done() is called, or NULL; no error for what
	 * may() let pass */
	Page		(*read) (void *arg, BlockNumber block);
	void		(*done) (void *arg);
	void	   *arg;

	/* what was come upon, free slots and buckets too, to which edges may lead */
	VdbHnswBits reached;
	VdbHnswBits pending;		/* of these, the ones whose lists were not read yet */
	uint64		npending;
} VdbHnswReach;

/* Begins at a number, which a block has (an entry's, say). */
extern void vdb_hnsw_reach_from(VdbHnswReach *reach, BlockNumber from, uint32 node);

/* Goes on until nothing new is come upon. */
extern void vdb_hnsw_reach_search(VdbHnswReach *reach);

extern void vdb_hnsw_reach_free(VdbHnswReach *reach);

#endif							/* VDB_HNSW_REACH_H */
