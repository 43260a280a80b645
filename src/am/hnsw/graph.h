/*
 * graph.h
 *	  A graph in plain memory, as a build makes it, with threads.
 *
 * Threads touch nothing but this memory.  Nodes are numbered from 0; their
 * numbers on pages come later.
 */
#ifndef VDB_HNSW_GRAPH_H
#define VDB_HNSW_GRAPH_H

#include "am/hnsw/hnsw.h"
#include "cluster/cluster.h"

/* A node that a search has found; the highest bit is its own. */
typedef struct VdbHnswHit
{
	float		distance;
	uint32		node;
} VdbHnswHit;

#define VDB_HNSW_EXPANDED 0x80000000u
#define VDB_HNSW_MAX_NODES 0x7fffffffu

/* What a thread works with. */
typedef struct VdbHnswWorker
{
	VdbAmQuery	query;			/* that a search is for */
	VdbAmQuery	other;			/* to choose with */
	float		base;			/* of query */
	uint8	   *visited;		/* of each node: round if it was found */
	uint8		round;
	uint32		nhits;			/* ascending */
	uint32		max_hits;
	VdbHnswHit *hits;
	VdbHnswNear *near;			/* room for max_hits, and a list twice */
	VdbQuantTables tables;
	void	   *tables_memory;
	uint32		entry;			/* the nearest, of graph->entries */
} VdbHnswWorker;

typedef struct VdbHnswGraph
{
	const VdbHnsw *hnsw;
	uint32		m;				/* neighbours chosen for a new node */
	uint32		most;			/* neighbours of a node */
	uint32		ef;				/* nodes they are chosen from */
	uint32		n;
	char	   *rows;			/* of stride bytes */
	Size		stride;
	uint32	   *lists;			/* of each node: how many, and the neighbours */
	uint8	   *locks;
	uint32	   *home;			/* of each node: the entry near it */

	uint32		nentries;
	uint32		max_entries;
	uint32	   *entries;		/* nodes */
	char	   *blocks;			/* their codes, 32 to a VdbQuantBlock, or NULL */

	int			threads;
	VdbHnswWorker *workers;
} VdbHnswGraph;

static inline const char *
vdb_hnsw_graph_row(const VdbHnswGraph *graph, uint32 node)
{
	return graph->rows + graph->stride * node;
}

static inline uint32 *
vdb_hnsw_graph_list(const VdbHnswGraph *graph, uint32 node)
{
	return graph->lists + (Size) (graph->most + 1) * node;
}

/* ---- graph.c ---- */

/* Memory for much, to be read at random: not zeroed. */
extern void *vdb_hnsw_graph_allocate(Size size);

/* Bytes of a node, but for its row; and of all besides. */
extern Size vdb_hnsw_graph_node_memory(const VdbHnsw *hnsw, int threads);
extern Size vdb_hnsw_graph_memory(const VdbHnsw *hnsw, int threads);

/*
 * A graph of n rows without edges, with entries; in the current context.
 * Searches find the nearest max_ef at most.
 */
extern void vdb_hnsw_graph_create(VdbHnswGraph *graph, const VdbHnsw *hnsw, char *rows, Size stride,
								  uint32 n, uint32 nentries, uint32 max_ef, int threads,
								  uint64 seed);

/* Frees all but the rows. */
extern void vdb_hnsw_graph_free(VdbHnswGraph *graph);

/* Gives all nodes their neighbours. */
extern VdbKmStatus vdb_hnsw_graph_fill(VdbHnswGraph *graph, const VdbKmControl *control);

/*
 * Finds the nearest ef nodes to one, by way of the graph, as if it was not
 * there: worker->hits.  False for a vector that is far.
 */
extern bool vdb_hnsw_graph_search(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 node,
								  uint32 ef);

/* Makes a node an entry. */
extern void vdb_hnsw_graph_add_entry(VdbHnswGraph *graph, uint32 node);

/* Where a node is, in worker->query.rotated; false if it is far. */
extern bool vdb_hnsw_graph_place(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 node);

/* ---- connect.c ---- */

/*
 * Makes all nodes reachable; returns how many were not.  queue has room for all
 * nodes.  Interrupts may raise errors.
 */
extern uint32 vdb_hnsw_graph_connect(VdbHnswGraph *graph, uint32 *queue);

/* Nodes in an order in which those near each other are mostly near each other. */
extern void vdb_hnsw_graph_order(VdbHnswGraph *graph, uint32 *order);

/* ---- measure.c ---- */

/* Rows asked for. */
#define VDB_HNSW_MEASURED_K 10

/* The widest search that is measured. */
#define VDB_HNSW_MEASURED_EF 1200

/*
 * The widths of searches for each recall, measured in about that time, or a
 * little more if that is too little.
 */
extern VdbKmStatus vdb_hnsw_graph_measure(VdbHnswGraph *graph, double seconds, uint64 seed,
										  uint32 *efs, const VdbKmControl *control);

#endif							/* VDB_HNSW_GRAPH_H */
