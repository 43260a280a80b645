/*
 * check.h
 *	  The parts of a check of an index, to each other.
 */
#ifndef VDB_HNSW_CHECK_H
#define VDB_HNSW_CHECK_H

#include "am/common/check.h"
#include "am/hnsw/bits.h"
#include "am/hnsw/hnsw.h"

/*
 * The group of a row id (VdbAmCheckEntry) is the node that it is with, or
 * VDB_HNSW_NULLS, or VDB_HNSW_ZEROS; its place is a slot.
 */

/* A lane of the entries. */
typedef struct VdbHnswCheckLane
{
	uint32		node;
	BlockNumber block;
	uint32		lane;			/* on the page */
} VdbHnswCheckLane;

typedef struct VdbHnswCheck
{
	VdbAmCheck	common;
	VdbHnsw    *hnsw;
	VdbHnswState state;
	Page		page;			/* copies of pages */
	Page		node_page;
	Page		spare_page;
	float	   *floats;			/* dim each */
	float	   *rotated;
	float	   *scratch;
	bool		placeless;		/* no vector's place is known: the origin is damaged */
	bool		deep;

	/* by number, as they were when all pages were gone through */
	VdbHnswBits nodes;
	VdbHnswBits buckets;
	VdbHnswBits owners;			/* nodes with buckets */
	VdbHnswBits owned;			/* buckets that a chain led to */

	/* by block */
	VdbHnswBits pages;			/* of nodes */
	VdbHnswBits chained;		/* of them, those that are marked as such */
	VdbHnswBits told;			/* of which is known that they are not pages of nodes */

	VdbHnswCheckLane *lanes;
	uint64		nlanes;
	uint64		lane_room;
} VdbHnswCheck;

/*
 * Copies the page of a number that a block has, and returns its slot there; or
 * NULL, and a problem, if that is no page of nodes.
 */
extern VdbHnswSlot *vdb_hnsw_check_slot(VdbHnswCheck *check, BlockNumber from, uint32 node,
										Page page);

/* The same without copying: whether the page is one of nodes. */
extern bool vdb_hnsw_check_number(VdbHnswCheck *check, BlockNumber from, uint32 node);

/* ---- check_chains.c ---- */

/* Chains of buckets, whose row ids are noted, and that of pages with room. */
extern void vdb_hnsw_check_buckets(VdbHnswCheck *check);
extern void vdb_hnsw_check_room(VdbHnswCheck *check);

/* ---- check_graph.c ---- */

/* The pages of entries; and then, when all pages were gone through, where they lead. */
extern void vdb_hnsw_check_entries(VdbHnswCheck *check);
extern void vdb_hnsw_check_lanes(VdbHnswCheck *check);

/* What cannot be reached from them. */
extern void vdb_hnsw_check_reach(VdbHnswCheck *check);

/* ---- check_rows.c ---- */

/* Compares the row ids with the table, which the caller has locked. */
extern void vdb_hnsw_check_rows(VdbHnswCheck *check, Relation heap);

#endif							/* VDB_HNSW_CHECK_H */
