/*
 * run.h
 *	  What the files of k-means share: memory, threads, random numbers.
 */
#ifndef VDB_CLUSTER_RUN_H
#define VDB_CLUSTER_RUN_H

#include "cluster/cluster.h"

/* ---- memory: the same code counts and hands out ---- */

typedef struct VdbKmArena
{
	char	   *base;			/* NULL: only count */
	size_t		used;
	size_t		peak;
} VdbKmArena;

/* Room for n things of a size, aligned to 8 bytes; NULL when counting. */
extern void *vdb_km_take(VdbKmArena *arena, size_t n, size_t size);

/* The same for floats, at the beginning of a cache line. */
extern float *vdb_km_take_floats(VdbKmArena *arena, size_t n);

/* ---- threads ---- */

typedef struct VdbKmRun
{
	const VdbKmControl *control;
	int			threads;
	bool		stop;			/* set by the calling thread, read by all */
	uint64_t	done;			/* added to by all */
	uint64_t	shown;			/* the most that progress was told */
	uint64_t	total;
	double		polled;			/* when the callbacks were called */
	double		told;
} VdbKmRun;

typedef void (*VdbKmTask) (VdbKmRun *run, void *arg, size_t item, int thread);

extern void vdb_km_start(VdbKmRun *run, const VdbKmControl *control, uint64_t total);

/*
 * Does items 0 to n - 1, in any order, on several threads; returns false if
 * told to stop.  thread is 0 for the caller's, and less than run->threads.
 */
extern bool vdb_km_parallel(VdbKmRun *run, size_t n, VdbKmTask task, void *arg);

/*
 * True if the work has been told to stop.  To be called by every thread after
 * each ms or so of work: this is where the callbacks are called.
 */
extern bool vdb_km_stopped(VdbKmRun *run, int thread);

extern void vdb_km_advance(VdbKmRun *run, uint64_t work);

/* Threads that a control asks for. */
static inline int
vdb_km_threads(const VdbKmControl *control)
{
	return control != NULL && control->threads > 1 ? control->threads : 1;
}

/* ---- random numbers ---- */

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static inline uint64_t
vdb_km_random(uint64_t *state)
{
	uint64_t	z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A number in [0, 1). */
static inline double
vdb_km_random_unit(uint64_t *state)
{
	return (double) (vdb_km_random(state) >> 11) * 0x1p-53;
}

/* ---- sorting: qsort() may allocate memory ---- */

typedef struct VdbKmItem
{
	double		key;			/* no NaN */
	uint32_t	id;
} VdbKmItem;

/* Sorts by key, then id. */
extern void vdb_km_sort(VdbKmItem *items, size_t n);

/* ---- rows ---- */

/* All rows of an array, or those that pick names. */
typedef struct VdbKmRows
{
	const float *base;
	const uint32_t *pick;		/* NULL: all */
	size_t		n;
	size_t		dim;
} VdbKmRows;

static inline const float *
vdb_km_row(const VdbKmRows *rows, size_t i)
{
	return rows->base + (rows->pick != NULL ? rows->pick[i] : i) * rows->dim;
}

#endif							/* VDB_CLUSTER_RUN_H */
