/*
 * link.h
 *	  Edges to a node, given to it by its neighbours one at a time.
 */
#ifndef VDB_HNSW_LINK_H
#define VDB_HNSW_LINK_H

#include "am/hnsw/hnsw.h"

/* What the work needs: memory. */
typedef struct VdbHnswLinker VdbHnswLinker;

/* In the current context. */
extern VdbHnswLinker *vdb_hnsw_linker_create(const VdbHnsw *hnsw);

/* A node that edges are to lead to. */
typedef struct VdbHnswTarget
{
	uint32		node;			/* or VDB_HNSW_NONE: it is still to be made */
	const void *row;
	const uint32 *list;			/* its own neighbours */
	uint32		count;
} VdbHnswTarget;

/*
 * Chooses neighbours for a row from nodes in ascending order of distance to it;
 * returns how many, whose numbers are in list.
 */
extern uint32 vdb_hnsw_choose_neighbours(VdbHnswLinker *linker, Relation index,
										 const VdbHnswFound *found, uint32 n, uint32 *list);

/*
 * Has a node lead to the target, if it is a good neighbour of it: if the
 * node's list is full, for that another edge goes whose end can be reached by
 * two others.  False if there is no such edge: then nothing has changed, and
 * nothing leads from the node to the target.
 */
extern bool vdb_hnsw_link(VdbHnswLinker *linker, Relation index, uint32 from,
						  const VdbHnswTarget *target);

/*
 * The same for a node that is made in the same change: as place->slot, which
 * is written.  target->node becomes its number; one of its neighbours may turn
 * out to be gone.
 */
extern bool vdb_hnsw_link_new(VdbHnswLinker *linker, Relation index, uint32 from,
							  VdbHnswTarget *target, VdbHnswSlot *slot);

/* Makes the target's node, which nothing leads to, an entry in the same change. */
extern void vdb_hnsw_make_entry(const VdbHnsw *hnsw, Relation index, VdbHnswTarget *target,
								VdbHnswSlot *slot, const float *rotated);

#endif							/* VDB_HNSW_LINK_H */
