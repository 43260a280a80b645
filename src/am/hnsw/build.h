/*
 * build.h
 *	  A build: its phases, and what its parts share.
 */
#ifndef VDB_HNSW_BUILD_H
#define VDB_HNSW_BUILD_H

#include "common/pg_prng.h"
#include "storage/buffile.h"

#include "am/hnsw/bits.h"
#include "am/hnsw/graph.h"

/*
 * Phases, as pg_stat_progress_create_index shows them; 1 is PostgreSQL's
 * "initializing".
 */
#define VDB_HNSW_PHASE_SAMPLE 2
#define VDB_HNSW_PHASE_LOAD 3
#define VDB_HNSW_PHASE_GRAPH 4
#define VDB_HNSW_PHASE_CONNECT 5
#define VDB_HNSW_PHASE_MEASURE 6
#define VDB_HNSW_PHASE_WRITE 7
#define VDB_HNSW_PHASE_PARTS 8
#define VDB_HNSW_PHASE_LOG 9

/*
 * What was read of the table: nodes, from the first on, and the rows without
 * order.
 */
typedef struct VdbHnswHeap
{
	uint32		n;
	uint32		room;
	Size		stride;
	char	   *rows;
	ItemPointerData *tids;
	char	   *codes;			/* of each node: its first row's */
	uint32	   *more;			/* of each node: its last extra, or VDB_HNSW_NONE */
	VdbHnswRows extras;			/* further rows of nodes */
	uint32	   *next;			/* of each extra: the node's one before, or VDB_HNSW_NONE */
	VdbHnswRows nulls;
	VdbHnswRows zeros;

	/* nodes by their rows' hashes: 1 more than their numbers, 0 for none */
	uint32	   *table;
	uint32		table_size;		/* a power of two */
} VdbHnswHeap;

typedef struct VdbHnswBuild
{
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	VdbHnsw    *hnsw;
	VdbHnswMeta meta;
	VdbAmColumns columns;
	pg_prng_state random;
	VdbKmControl control;
	int64		total;			/* of the phase, for its progress */
	int64		done;			/* before the work that threads are at */
	int64		step;			/* which is so much of the total */

	Size		budget;			/* bytes that all of this may take */
	double		rows;			/* with a vector, in the table: an estimate */
	double		heap_rows;		/* of the table */
	int64		seen;			/* all rows of the index */

	/* what does not fit into memory: a file of rows, with their row ids and codes */
	BufFile    *spill;			/* NULL: all is in memory */
	uint64		nspilled;
	VdbHnswBits nodes;			/* that have slots, by their numbers there */
	uint64		nnodes;

	VdbHnswHeap table;
	VdbHnswGraph graph;
	uint32		efs[VDB_HNSW_NRECALLS];
} VdbHnswBuild;

/* ---- build.c ---- */

/* Begins a phase of so many rows, 0 if that is not known. */
extern void vdb_hnsw_build_phase(VdbHnswBuild *build, int64 phase, int64 total);
extern void vdb_hnsw_build_progress(VdbHnswBuild *build, int64 done);

/* Deals with an interrupt, which is why threads may have stopped. */
extern void vdb_hnsw_build_check(VdbKmStatus status);

/* Gives memory that was freed back to the system. */
extern void vdb_hnsw_build_return_memory(void);

/* Adds up what all nodes take, but for their rows, while there is a graph of them. */
extern Size vdb_hnsw_build_node_memory(const VdbHnswBuild *build);

/* ---- load.c: from the table to memory ---- */

/* Learns the origin and the scale from a sample. */
extern void vdb_hnsw_learn(VdbHnswBuild *build);

/*
 * Reads the table into memory, or, if that becomes full, to build->spill, all of
 * it but the rows without order, which then are in the index.
 */
extern void vdb_hnsw_load(VdbHnswBuild *build);

/* ---- parts.c: more rows than memory has room for ---- */

/* Makes a graph on pages, part by part, of what was spilled. */
extern void vdb_hnsw_build_parts(VdbHnswBuild *build);

/* Puts a row into the file that is to be read by that. */
extern void vdb_hnsw_spill(VdbHnswBuild *build, char *row, ItemPointerData *tid, char *codes);

/* ---- write.c: from memory to pages ---- */

/*
 * Writes nodes in that order, and all that belongs to them; place has room for
 * all nodes.
 */
extern void vdb_hnsw_write_graph(VdbHnswBuild *build, const uint32 *order, uint32 *place);

#endif							/* VDB_HNSW_BUILD_H */
