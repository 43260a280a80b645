/*
 * cluster.h
 *	  k-means: training centroids, and finding the nearest of them.
 *
 * Rows and centroids are arrays of floats, one vector after the other; the
 * distance is the square of the Euclidean one.  For inner product and cosine,
 * train with `spherical`: centroids then have unit length, and the nearest by
 * this distance is the one with the largest inner product, whatever the row's
 * length.
 *
 * No memory is allocated but the stacks of threads, some 20 kB used of each.
 * Every function that needs some is given it, aligned to 8 bytes, and another
 * function tells how much: never more is touched, so the sum of these sizes
 * and of the caller's arrays is a hard bound.  The instruction set (kernel.h)
 * must not be changed between asking for a size and the end of the work.
 *
 * Results do not depend on the number of threads.
 */
#ifndef VDB_CLUSTER_H
#define VDB_CLUSTER_H

#include "kernel/kernel.h"

typedef enum VdbKmStatus
{
	VDB_KM_OK,
	VDB_KM_STOPPED,				/* the interrupt callback said so */
	VDB_KM_TOO_FEW,				/* fewer rows than centroids asked for */
	VDB_KM_INVALID				/* a count is 0, or beyond the limits below */
} VdbKmStatus;

/* Counts and dimensions fit in 31 bits, with room for sums of two. */
#define VDB_KM_MAX_COUNT ((size_t) 1 << 30)

/*
 * How to work: with how many threads, at most (0 is 1), and what to call in
 * the meantime.  Both callbacks may be NULL, are called only by the thread
 * that called in, and may not jump out of it.
 */
typedef struct VdbKmControl
{
	int			threads;

	/* Called every few ms; if true, all threads end within some 10 ms. */
	bool		(*interrupt) (void *arg);

	/* done of total, in a unit that is even in time, about every 100 ms. */
	void		(*progress) (void *arg, uint64_t done, uint64_t total);

	void	   *arg;
} VdbKmControl;

/*
 * Work on items 0 to n - 1, in any order, by a control's threads: for what goes
 * with clustering.  thread is less than the number of threads.  Interrupts are
 * heard of between items, so these should take some ms at most.
 */
typedef void (*VdbKmEach) (void *arg, size_t item, int thread);

extern VdbKmStatus vdb_km_each(size_t n, VdbKmEach each, void *arg, const VdbKmControl *control);

/*
 * The same while the caller does something else: the control's threads but one
 * work from begin on, and finish joins in and waits for them.  A team has one
 * such work at a time, none at first; to finish none is no error.  Whoever takes
 * away what the threads use, the team's own memory included, abandons it before.
 */
typedef struct VdbKmTeam VdbKmTeam;

extern size_t vdb_km_team_size(void);
extern VdbKmTeam *vdb_km_team(void *memory);
extern void vdb_km_begin(VdbKmTeam *team, size_t n, VdbKmEach each, void *arg,
						 const VdbKmControl *control);
extern VdbKmStatus vdb_km_finish(VdbKmTeam *team);
extern void vdb_km_abandon(VdbKmTeam *team);

/* Processors that threads can run on at once. */
extern int	vdb_km_processors(void);

/*
 * Centroids, in one or two levels.  With ntops > 0, those numbered first[t] up
 * to first[t + 1] - 1 are what the top centroid t was split into (none, maybe),
 * and rows look only at those of the tops nearest to them.
 */
typedef struct VdbKmBook
{
	size_t		dim;
	size_t		k;
	const float *centroids;		/* k x dim */
	size_t		ntops;			/* 0: one level */
	const float *tops;			/* ntops x dim */
	const uint32_t *first;		/* ntops + 1 */
	bool		coarse;			/* one level: find the nearest in 8 bits where that
								 * is faster, which may be another one that is as
								 * near up to a thousandth of the length */
} VdbKmBook;

/* A book as assignment wants it.  The book's arrays need to stay. */
typedef struct VdbKmPacked
{
	VdbKmBook	book;
	VdbGemm		gemm;
	float		scale;			/* see gemm.h */
	size_t		probes;			/* tops whose centroids a row looks at */
	float	   *shift;
	float	   *panels;			/* of the centroids, new panels for each top */
	float	   *top_panels;
	uint32_t   *panel;			/* first panel of each top, ntops + 1 */
} VdbKmPacked;

/* Bytes for packing k centroids in two levels, or one if ntops is 0. */
extern size_t vdb_km_pack_size(size_t k, size_t ntops, size_t dim);

/*
 * Packs a book into memory of vdb_km_pack_size().  No callback is called: it
 * takes about as long as copying the centroids five times.
 */
extern void vdb_km_pack(VdbKmPacked *packed, const VdbKmBook *book, void *memory);

/* Bytes of work memory for assigning with this many results a row. */
extern size_t vdb_km_assign_size(size_t k, size_t ntops, size_t dim, size_t few, int threads);

/*
 * The nearest few centroids of each of n rows, in ascending order of distance:
 * index and dist (which may be NULL) have few numbers a row, few <= k.
 *
 * Of equally near ones the lowest number comes first, up to rounding.  A
 * distance beyond float's range is infinite, but the order is still right.  In
 * two levels the answer is approximate, as it is if coarse, with which few has
 * to be 1.  With centroids of unit length, a row
 * of zeroes is equally near to all.
 */
extern VdbKmStatus vdb_km_assign(const VdbKmPacked *packed, const float *rows, size_t n,
								 size_t few, uint32_t *index, float *dist,
								 const VdbKmControl *control, void *work);

typedef enum VdbKmSeeding
{
	VDB_KM_SEED_RANDOM,			/* any rows */
	VDB_KM_SEED_SPREAD			/* in proportion to the distance from earlier ones */
} VdbKmSeeding;

/* What to train.  vdb_km_train_defaults() fills in all but the first four. */
typedef struct VdbKmTraining
{
	const float *rows;			/* the sample: n x dim */
	size_t		n;
	size_t		dim;
	size_t		k;				/* centroids, at most n */
	bool		spherical;		/* centroids of unit length */
	bool		coarse;			/* as in VdbKmBook */
	size_t		ntops;			/* of two levels; 0: one level */
	VdbKmSeeding seeding;
	int			iterations;		/* of Lloyd's, at most */
	double		tolerance;		/* stop when it improves by less than this part */
	double		balance;		/* how much large lists are held back: 0 not,
								 * 0.05 a little, above 0.1 it may not settle */
	uint64_t	seed;
} VdbKmTraining;

/* What came of it. */
typedef struct VdbKmReport
{
	size_t		k;				/* centroids made, the first of the array */
	size_t		ntops;			/* tops made */
	int			iterations;
	double		objective;		/* mean distance of a row to its centroid */
	size_t		largest;		/* rows of the largest list; the mean is n / k */
	size_t		empty;			/* lists of the sample without rows: see below */
} VdbKmReport;

extern void vdb_km_train_defaults(VdbKmTraining *training);

/* Tops for k centroids: 0, one level, up to a few thousand, then about sqrt(k). */
extern size_t vdb_km_tops(size_t k);

extern size_t vdb_km_train_size(const VdbKmTraining *training, int threads);

/*
 * Trains k centroids (k x dim floats) on the sample, and for two levels the
 * tops (ntops x dim) and their first centroids (ntops + 1), else both NULL.
 *
 * No list of the sample is empty at the end.  There are fewer centroids than
 * asked for, as many as report->k says, where lists stayed empty in spite of
 * splitting others, and where the sample has fewer than k distinct rows: each
 * of these then is a centroid, and only lists of rows that are the same up to
 * rounding may be empty.
 *
 * A spherical centroid is zero only if all rows are: a row of zeroes has no
 * direction and pulls nowhere.
 *
 * Lloyd, "Least squares quantization in PCM" (IEEE Trans. Information Theory,
 * 1982); seeding after Arthur and Vassilvitskii, "k-means++: The Advantages of
 * Careful Seeding" (SODA 2007), many at a time as in Bahmani et al., "Scalable
 * K-Means++" (VLDB 2012).
 */
extern VdbKmStatus vdb_km_train(const VdbKmTraining *training, float *centroids,
								float *tops, uint32_t *first, VdbKmReport *report,
								const VdbKmControl *control, void *work);

/* Bytes of work memory for vdb_km_nearest(). */
extern size_t vdb_km_nearest_size(size_t k, size_t p);

/*
 * The nearest p of k centroids for one query, ascending; all of them, sorted,
 * if p is k.  metric is VDB_L2SQ or VDB_IP.  dist may be NULL.
 */
extern void vdb_km_nearest(VdbMetric metric, const float *query, const float *centroids,
						   size_t k, size_t dim, size_t p, uint32_t *index, float *dist,
						   void *work);

#endif							/* VDB_CLUSTER_H */
