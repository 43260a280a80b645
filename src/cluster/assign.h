/*
 * assign.h
 *	  Assignment as training uses it: cluster.h has the one for callers.
 */
#ifndef VDB_CLUSTER_ASSIGN_H
#define VDB_CLUSTER_ASSIGN_H

#include "cluster/run.h"

/* Multiply-adds between two looks at the clock: some ms, at the slowest. */
#define VDB_KM_STEP ((size_t) 1 << 23)

/* Work memory of assignment. */
typedef struct VdbKmScratch
{
	float	   *blocks;			/* of rows, one a thread */
	float	   *ranks;			/* of a block, one a thread */
	size_t		block_floats;
	size_t		ranks_floats;

	/* for two levels only: a chunk of rows with their probes, as pairs */
	size_t		chunk;			/* rows */
	uint32_t   *pair_top;		/* chunk x probes */
	uint32_t   *pair_order;		/* pairs, by top */
	uint32_t   *pair_index;		/* chunk x probes x few */
	float	   *pair_rank;
	size_t	   *top_start;		/* of pair_order, ntops + 1 */
	size_t	   *top_item;		/* first item of each top, ntops + 1 */
} VdbKmScratch;

/* One assignment. */
typedef struct VdbKmAssign
{
	const VdbKmPacked *packed;
	const VdbKmScratch *scratch;
	VdbKmRows	rows;
	size_t		few;
	double		unit;			/* what distances are multiplied with */
	uint32_t   *index;
	float	   *dist;			/* or NULL */
} VdbKmAssign;

extern size_t vdb_km_probes(size_t ntops);

/* Centroids that a row is compared with: the unit of progress. */
static inline uint64_t
vdb_km_row_cost(size_t k, size_t ntops)
{
	return ntops == 0 ? k : ntops + vdb_km_probes(ntops) * k / ntops;
}

extern void vdb_km_take_pack(VdbKmArena *arena, VdbKmPacked *packed, size_t k, size_t ntops,
							 size_t dim);
extern void vdb_km_take_scratch(VdbKmArena *arena, VdbKmScratch *scratch, size_t ntops,
								size_t dim, size_t few, int threads);

/*
 * Packs into what vdb_km_take_pack() has taken, on several threads.  extra is
 * NULL or has a summand for the distance to each centroid, which assignment
 * goes by but does not return.
 */
extern bool vdb_km_fill_pack(VdbKmRun *run, VdbKmPacked *packed, const VdbKmBook *book,
							 const double *extra);

extern bool vdb_km_assign_rows(VdbKmRun *run, const VdbKmAssign *assign);

/* The same in two levels. */
extern bool vdb_km_assign_tree(VdbKmRun *run, const VdbKmAssign *assign);

/* The parts that both have in common. */
extern bool vdb_km_scan(VdbKmRun *run, int thread, const VdbKmPacked *packed, const float *block,
						size_t nrows, const float *panels, size_t npanels, uint32_t first,
						size_t few, float *rank, uint32_t *index);
extern void vdb_km_finish_row(VdbKmRun *run, int thread, const VdbKmAssign *assign, size_t i);

#endif							/* VDB_CLUSTER_ASSIGN_H */
