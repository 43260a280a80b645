/*
 * met.h
 *	  The nodes that a search has met: a hash table of their numbers.
 */
#ifndef VDB_HNSW_MET_H
#define VDB_HNSW_MET_H

#include "am/hnsw/hnsw_format.h"

/* What a filtered search knows of a node that it has met. */
typedef enum VdbHnswMark
{
	VDB_HNSW_FAILS,				/* it does not pass, or was not tested yet */
	VDB_HNSW_BRIDGED,			/* nor does it, and its neighbours were met */
	VDB_HNSW_PASSES
} VdbHnswMark;

typedef struct VdbHnswMet
{
	uint32	   *nodes;			/* VDB_HNSW_NONE where free */
	uint8	   *marks;			/* of the same places: VdbHnswMark */
	uint32		room;			/* places in use, a power of two */
	uint32		allocated;
	uint32		count;
} VdbHnswMet;

/* In the current context. */
extern void vdb_hnsw_met_create(VdbHnswMet *met);

/* Nothing was met. */
extern void vdb_hnsw_met_reset(VdbHnswMet *met);

/* Twice the room, at least. */
extern void vdb_hnsw_met_grow(VdbHnswMet *met);

extern Size vdb_hnsw_met_memory(const VdbHnswMet *met);

/* The place of a node, or where it would be. */
static inline uint32
vdb_hnsw_met_place(const VdbHnswMet *met, uint32 node)
{
	uint32		at = (node * 0x9e3779b1u) & (met->room - 1);

	/* Zero where the node is, or nothing: one jump, which is guessed right mostly. */
	while ((uint64) (met->nodes[at] ^ node) * (met->nodes[at] ^ VDB_HNSW_NONE) != 0)
		at = (at + 1) & (met->room - 1);
	return at;
}

/* Notes that a node was met; false if it had been before. */
static inline bool
vdb_hnsw_meet(VdbHnswMet *met, uint32 node)
{
	uint32		at = vdb_hnsw_met_place(met, node);

	if (met->nodes[at] == node)
		return false;
	met->nodes[at] = node;
	if (++met->count > met->room / 2)
		vdb_hnsw_met_grow(met);
	return true;
}

/* Has places stay where they are while so many more nodes are met. */
static inline void
vdb_hnsw_met_reserve(VdbHnswMet *met, uint32 count)
{
	if (met->count + count > met->room / 2)
		vdb_hnsw_met_grow(met);
}

/*
 * The same for many nodes, for which there is room: most of the time goes by
 * guessing wrong whether they were met, so nothing is decided by that.  Adds 1
 * to *fresh if the node was not met; returns its place.
 */
static inline uint32
vdb_hnsw_meet_placed(VdbHnswMet *met, uint32 node, uint32 *fresh)
{
	uint32		at = vdb_hnsw_met_place(met, node);
	uint32		is_new = met->nodes[at] == VDB_HNSW_NONE;

	met->nodes[at] = node;
	met->count += is_new;
	*fresh += is_new;
	return at;
}

/* The mark of a node that was met. */
static inline uint8 *
vdb_hnsw_mark(const VdbHnswMet *met, uint32 node)
{
	return &met->marks[vdb_hnsw_met_place(met, node)];
}

#endif							/* VDB_HNSW_MET_H */
