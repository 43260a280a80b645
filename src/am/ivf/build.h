/*
 * build.h
 *	  A build: its phases, and what its parts share.
 */
#ifndef VDB_IVF_BUILD_H
#define VDB_IVF_BUILD_H

#include "common/pg_prng.h"
#include "utils/tuplesort.h"

#include "am/ivf/ivf.h"
#include "cluster/cluster.h"

/*
 * Phases, as pg_stat_progress_create_index shows them; 1 is PostgreSQL's
 * "initializing".
 */
#define VDB_IVF_PHASE_SAMPLE 2
#define VDB_IVF_PHASE_TRAIN 3
#define VDB_IVF_PHASE_PROBES 4
#define VDB_IVF_PHASE_ASSIGN 5
#define VDB_IVF_PHASE_SORT 6
#define VDB_IVF_PHASE_WRITE 7
#define VDB_IVF_PHASE_LOG 8

extern char *vdb_ivf_phase_name(int64 phase);

typedef struct VdbIvfBuild
{
	Relation	heap;			/* NULL for an index without rows */
	Relation	index;
	IndexInfo  *info;
	VdbAmColumns columns;
	bool		building;		/* nobody sees the index yet */
	VdbIvf	   *ivf;
	VdbIvfMeta	meta;
	VdbIvfState state;
	Pointer		first;			/* without a table: the first vector */
	pg_prng_state random;
	VdbKmControl control;
	int64		total;			/* of the phase, for its progress */

	Size		budget;			/* bytes that all of this may take */
	double		heap_rows;		/* of the table */
	int64		seen;			/* all rows of the index */
	int64		placed;			/* rows with a place in a list */

	/* the sample: vectors as lists have them, once the origin is known */
	float	   *sample;
	uint32		nsample;
	uint32		max_sample;
	double		rows;			/* with a vector, in the table: an estimate */

	/* lists: centres, and what assigns to them */
	uint32		nlists;
	uint32		first_number;	/* of the first list */
	float	   *centres;		/* as on disk */
	VdbKmPacked packed;			/* if there is more than one */
	char	   *work;			/* for each thread: */
	Size		work_size;
} VdbIvfBuild;

/* ---- build.c ---- */

/* Begins a phase of so many rows, 0 if that is not known. */
extern void vdb_ivf_build_phase(VdbIvfBuild *build, int64 phase, int64 total);
extern void vdb_ivf_build_progress(VdbIvfBuild *build, int64 done);

/* Deals with an interrupt, which is why k-means' functions may have stopped. */
extern void vdb_ivf_build_check(VdbKmStatus status);

/*
 * Chooses the number of lists and the most rows of a sample for so many rows
 * with a vector, within the budget; an error if that cannot be.
 */
extern void vdb_ivf_build_fit(VdbIvfBuild *build, double rows, bool guess);

/* Bytes that a thread needs to find the nearest of so many lists. */
extern Size vdb_ivf_assign_work(uint32 dim, uint32 nlists, uint32 ntops);

/* Bytes that vdb_ivf_learn_probes() takes. */
extern Size vdb_ivf_probes_memory(uint32 dim, uint32 nlists, int threads);

/* Bytes that vdb_ivf_learn_codebook() takes. */
extern Size vdb_ivf_codebook_memory(const VdbIvf *ivf, int threads);

/* ---- learn.c: what the table is like, from a sample ---- */

extern void vdb_ivf_learn_sample(VdbIvfBuild *build);
extern void vdb_ivf_learn_origin(VdbIvfBuild *build);
extern void vdb_ivf_learn_centres(VdbIvfBuild *build);
extern void vdb_ivf_learn_probes(VdbIvfBuild *build);

/* The last: it changes the sample. */
extern void vdb_ivf_learn_codebook(VdbIvfBuild *build);

#endif							/* VDB_IVF_BUILD_H */
