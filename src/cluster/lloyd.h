/*
 * lloyd.h
 *	  The parts of training.
 */
#ifndef VDB_CLUSTER_LLOYD_H
#define VDB_CLUSTER_LLOYD_H

#include "cluster/assign.h"

/* One run of Lloyd's algorithm: vdb_km_take_lloyd() gives the arrays. */
typedef struct VdbKmLloyd
{
	VdbKmRun   *run;
	VdbKmRows	rows;
	bool		spherical;
	bool		coarse;
	double		tolerance;
	double		balance;
	uint64_t	random;
	double		unit;			/* brings the squares of rows near 1 */

	size_t		k;				/* gets less if lists stay empty */
	float	   *centroids;
	size_t		ntops;			/* as in VdbKmBook */
	float	   *tops;
	uint32_t   *first;

	VdbKmPacked packed;
	VdbKmScratch scratch;
	uint32_t   *index;			/* of the centroid of each row */
	float	   *dist;			/* to it, scaled */
	uint32_t   *order;			/* rows sorted by centroid */
	uint32_t   *start;			/* of each list in order, k + 1 */
	VdbKmItem  *bad;			/* k: lists by the sum of distances, negated */
	double	   *extra;			/* k: handicaps of the lists */
	double	   *sums;			/* dim for each thread */
} VdbKmLloyd;

extern void vdb_km_take_lloyd(VdbKmArena *arena, VdbKmLloyd *lloyd, size_t n, size_t k,
							  size_t ntops, size_t dim, int threads);

/*
 * Assigns the rows to the centroids, and reports on the lists; false if
 * stopped.
 */
extern bool vdb_km_measure(VdbKmLloyd *lloyd, VdbKmReport *report, bool handicaps);

/* Improves the centroids; false if stopped. */
extern bool vdb_km_lloyd(VdbKmLloyd *lloyd, int iterations, VdbKmReport *report);

/* Sorts items by the list each is in: start has nlists + 1 elements. */
extern void vdb_km_group(const uint32_t *list, size_t n, size_t nlists, uint32_t *start,
						 uint32_t *order);

/* What is common to rows' lengths, as a factor for squares. */
extern double vdb_km_unit(const VdbKmRows *rows);

/* Copies a row as a centroid. */
extern void vdb_km_put_centroid(const VdbKmLloyd *lloyd, const float *row, size_t centroid);

/* Divides by the length, if there is one; false for a zero vector. */
extern bool vdb_km_normalize(float *x, size_t dim);

/* The first centroids; false if stopped. */
extern bool vdb_km_seed(VdbKmLloyd *lloyd, VdbKmSeeding seeding);

/* Elements of the table that vdb_km_distinct() needs. */
extern size_t vdb_km_distinct_table(size_t limit);

/*
 * Puts the distinct rows' positions into found, up to limit of them; returns
 * how many there are, or limit + 1 if more.  Stops early when told to.
 */
extern size_t vdb_km_distinct(VdbKmRun *run, const VdbKmRows *rows, size_t limit,
							  uint32_t *table, uint32_t *found);

#endif							/* VDB_CLUSTER_LLOYD_H */
