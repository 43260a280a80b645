/*
 * merge.h
 *	  A part of the nodes of a build that does not fit into memory: its graph.
 */
#ifndef VDB_HNSW_MERGE_H
#define VDB_HNSW_MERGE_H

#include "am/hnsw/build.h"

/* Nodes whose slots are written, and copies of their rows. */
typedef struct VdbHnswPart
{
	VdbHnswBuild *build;
	uint32		n;
	uint32		room;
	uint32	   *nodes;			/* their numbers, ascending */
	char	   *rows;
	uint32	   *table;			/* by their rows' hashes: 1 more than their places
								 * here, 0 for none */
	uint32		table_size;		/* a power of two */
} VdbHnswPart;

/* Nodes of a part, at most. */
extern uint32 vdb_hnsw_part_room(const VdbHnswBuild *build);

/* In the current context, which is to be deleted with it. */
extern void vdb_hnsw_part_begin(VdbHnswPart *part, VdbHnswBuild *build, uint64 members);

/*
 * Adds a node, unless it is gone: if another one of the part has the same row
 * and it has no edges yet, it goes, and the other one has its row ids.
 */
extern void vdb_hnsw_part_add(VdbHnswPart *part, uint32 node);

/* Frees all but the numbers. */
extern void vdb_hnsw_part_forget_rows(VdbHnswPart *part);

/* Makes a graph of them, and joins its lists with those on pages. */
extern void vdb_hnsw_part_finish(VdbHnswPart *part);

/* ---- truth.c: how wide searches have to be ---- */

typedef struct VdbHnswTruth VdbHnswTruth;

/* Chooses queries among the nodes; in the current context. */
extern VdbHnswTruth *vdb_hnsw_truth_create(VdbHnswBuild *build);

/* Looks for what is nearest to them in a part, before that is finished. */
extern void vdb_hnsw_truth_see(VdbHnswTruth *truth, const VdbHnswPart *part);

/* When all parts were seen and can be searched: has searches be as wide as it takes. */
extern void vdb_hnsw_truth_measure(const VdbHnswTruth *truth, Relation index);

#endif							/* VDB_HNSW_MERGE_H */
