/*
 * split.c
 *	  One list in two, when it has grown too long.
 *
 * Lloyd's algorithm with two centroids, of which each may lose at most three
 * quarters of the rows: those that are the least nearer to one centroid than
 * to the other go over first (as in balanced k-means, Malinen and Fränti,
 * S+SSPR 2014, but with room to move).
 */
#include "cluster/run.h"
#include "cluster/lloyd.h"

#include <string.h>

#define ITERATIONS 12

typedef struct Split
{
	const float *const *rows;
	size_t		n;
	size_t		dim;
	bool		spherical;
	uint8_t    *side;
	float	   *centroids;
	VdbKmItem  *leans;			/* n: how much nearer to the second side */
	double	   *sums;			/* 2 x dim */
	VdbKmRun	run;
} Split;

static void
take_split(VdbKmArena *arena, Split *split, size_t n, size_t dim)
{
	split->leans = vdb_km_take(arena, n, sizeof(VdbKmItem));
	split->sums = vdb_km_take(arena, 2 * dim, sizeof(double));
}

size_t
vdb_km_split_size(size_t n, size_t dim)
{
	VdbKmArena	arena = {0};
	Split		split;

	take_split(&arena, &split, n, dim);
	return arena.peak;
}

/* Begins with any row, and one in proportion to the distance from it. */
static bool
seed(Split *split, uint64_t random)
{
	const float *first = split->rows[vdb_km_random(&random) % split->n];
	const float *second = first;
	double		sum = 0;

	for (size_t i = 0; i < split->n; i++)
	{
		split->leans[i].key = vdb_dist(VDB_F32, VDB_L2SQ, first, split->rows[i], split->dim);
		sum += split->leans[i].key;
		if (i % 64 == 63 && vdb_km_stopped(&split->run, 0))
			return false;
	}
	sum *= vdb_km_random_unit(&random);
	for (size_t i = 0; i < split->n && sum >= 0; i++)
		if (split->leans[i].key > 0)
		{
			second = split->rows[i];
			sum -= split->leans[i].key;
		}
	memcpy(split->centroids, first, split->dim * sizeof(float));
	memcpy(split->centroids + split->dim, second, split->dim * sizeof(float));
	return true;
}

/* Deals the rows out; returns how many changed sides, or SIZE_MAX if stopped. */
static size_t
deal(Split *split)
{
	size_t		least = split->n / 4 > 0 ? split->n / 4 : 1;
	size_t		cut = 0,
				changed = 0;

	for (size_t i = 0; i < split->n; i++)
	{
		double		a = vdb_dist(VDB_F32, VDB_L2SQ, split->rows[i], split->centroids, split->dim);
		double		b = vdb_dist(VDB_F32, VDB_L2SQ, split->rows[i], split->centroids + split->dim, split->dim);

		split->leans[i] = (VdbKmItem) {a - b, (uint32_t) i};
		cut += a < b;
		if (i % 64 == 63 && vdb_km_stopped(&split->run, 0))
			return SIZE_MAX;
	}
	vdb_km_sort(split->leans, split->n);
	cut = cut < least ? least : cut > split->n - least ? split->n - least : cut;
	for (size_t i = 0; i < split->n; i++)
	{
		uint8_t		side = i >= cut;

		changed += split->side[split->leans[i].id] != side;
		split->side[split->leans[i].id] = side;
	}
	return changed;
}

static void
move(Split *split)
{
	size_t		dim = split->dim;
	double		norms[2] = {0};

	memset(split->sums, 0, 2 * dim * sizeof(double));
	for (size_t i = 0; i < split->n; i++)
	{
		double	   *sum = split->sums + split->side[i] * dim;

		for (size_t j = 0; j < dim; j++)
			sum[j] += split->rows[i][j];
		norms[split->side[i]]++;
	}
	for (int side = 0; side < 2; side++)
	{
		double	   *sum = split->sums + side * dim;

		if (split->spherical)
		{
			norms[side] = 0;
			for (size_t j = 0; j < dim; j++)
				norms[side] += sum[j] * sum[j];
			norms[side] = sqrt(norms[side]);
			if (!(norms[side] > 0))
				continue;
		}
		for (size_t j = 0; j < dim; j++)
			split->centroids[side * dim + j] = (float) (sum[j] / norms[side]);
	}
}

VdbKmStatus
vdb_km_split(const float *const *rows, size_t n, size_t dim, bool spherical, uint64_t random,
			 uint8_t *side, float *centroids, const VdbKmControl *control, void *work)
{
	VdbKmArena	arena = {.base = work};
	Split		split = {
		.rows = rows,
		.n = n,
		.dim = dim,
		.spherical = spherical,
		.side = side,
		.centroids = centroids,
	};

	if (n < 2 || n > VDB_KM_MAX_COUNT || dim == 0)
		return VDB_KM_INVALID;
	take_split(&arena, &split, n, dim);
	vdb_km_start(&split.run, control, 0);
	if (!seed(&split, random))
		return VDB_KM_STOPPED;
	if (spherical)
		for (int i = 0; i < 2; i++)
			vdb_km_normalize(centroids + (size_t) i * dim, dim);
	memset(side, 2, n);
	for (int i = 0; i < ITERATIONS; i++)
	{
		size_t		changed = deal(&split);

		if (changed == SIZE_MAX)
			return VDB_KM_STOPPED;
		if (changed == 0)
			break;
		move(&split);
	}
	return VDB_KM_OK;
}
