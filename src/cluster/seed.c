/*
 * seed.c
 *	  The first centroids, and samples without enough distinct rows for them.
 */
#include "cluster/lloyd.h"

#include <string.h>

/* The share of the centroids that are any rows: the others follow from them. */
#define BLIND_SHARE 32

/* A round adds one to this many, but just one where there are to be few. */
#define GROWTH 4
#define ONE_BY_ONE 64

/* Takes row i as a centroid, or the next that has a direction if it needs one. */
static void
take_row(VdbKmLloyd *lloyd, size_t i, size_t centroid)
{
	size_t		n = lloyd->rows.n;
	size_t		tries = lloyd->spherical ? n : 1;

	for (; tries > 1; tries--, i = i + 1 < n ? i + 1 : 0)
		if (vdb_dist_square(VDB_F32, vdb_km_row(&lloyd->rows, i), lloyd->rows.dim) > 0)
			break;
	vdb_km_put_centroid(lloyd, vdb_km_row(&lloyd->rows, i), centroid);
}

/*
 * Any count rows, each set as likely as any other (Knuth, The Art of Computer
 * Programming, 3.4.2, algorithm S).
 */
static void
take_any(VdbKmLloyd *lloyd, size_t count, size_t centroid)
{
	size_t		n = lloyd->rows.n;

	for (size_t i = 0; count > 0; i++)
		if (vdb_km_random_unit(&lloyd->random) * (double) (n - i) < (double) count)
		{
			take_row(lloyd, i, centroid++);
			count--;
		}
}

/*
 * Up to count rows in proportion to their distance from the centroids so far,
 * one from each of count even parts of the sum of the distances; returns how
 * many.  (Where in the part is random: rows may come in a regular order.)
 */
static size_t
take_far(VdbKmLloyd *lloyd, size_t count, size_t centroid)
{
	size_t		taken = 0;
	double		sum = 0,
				passed = 0,
				step,
				next;
	size_t		parts = 0;

	for (size_t i = 0; i < lloyd->rows.n; i++)
		sum += lloyd->dist[i];
	if (!(sum > 0 && sum <= DBL_MAX))
		return 0;
	step = sum / (double) count;
	next = vdb_km_random_unit(&lloyd->random) * step;
	for (size_t i = 0; i < lloyd->rows.n && taken < count; i++)
	{
		passed += lloyd->dist[i];
		if (passed <= next)
			continue;
		take_row(lloyd, i, centroid + taken++);
		while (next < passed && parts < count)
			next = ((double) ++parts + vdb_km_random_unit(&lloyd->random)) * step;
	}
	return taken;
}

/* Lowers the distances of all rows to that of the nearest new centroid. */
static bool
lower_distances(VdbKmLloyd *lloyd, size_t centroid, size_t count)
{
	VdbKmBook	book = {
		.dim = lloyd->rows.dim,
		.k = count,
		.centroids = lloyd->centroids + centroid * lloyd->rows.dim,
	};
	float	   *dist = (float *) lloyd->order;	/* not in use yet */
	VdbKmAssign assign = {
		.packed = &lloyd->packed,
		.scratch = &lloyd->scratch,
		.rows = lloyd->rows,
		.few = 1,
		.unit = lloyd->unit,
		.index = lloyd->index,
		.dist = dist,
	};

	if (!vdb_km_fill_pack(lloyd->run, &lloyd->packed, &book, NULL) ||
		!vdb_km_assign_rows(lloyd->run, &assign))
		return false;
	for (size_t i = 0; i < lloyd->rows.n; i++)
		if (dist[i] < lloyd->dist[i])
			lloyd->dist[i] = dist[i];
	return true;
}

/*
 * Each round adds some to the centroids, which so know most of what they
 * are to keep away from; all rounds together compare each row with each
 * centroid once.
 */
bool
vdb_km_seed(VdbKmLloyd *lloyd, VdbKmSeeding seeding)
{
	size_t		have = 0;
	size_t		add = lloyd->k / BLIND_SHARE + 1;

	if (seeding == VDB_KM_SEED_RANDOM)
	{
		take_any(lloyd, lloyd->k, 0);
		return true;
	}
	for (size_t i = 0; i < lloyd->rows.n; i++)
		lloyd->dist[i] = INFINITY;
	while (have < lloyd->k)
	{
		if (add > lloyd->k - have)
			add = lloyd->k - have;
		if (have > 0)
			add = take_far(lloyd, add, have);

		/* distances of 0 or infinity say nothing: let the lists be filled later */
		if (have == 0 || add == 0)
		{
			add = add > 0 ? add : lloyd->k - have;
			take_any(lloyd, add, have);
		}
		if (have + add < lloyd->k && !lower_distances(lloyd, have, add))
			return false;
		have += add;
		add = lloyd->k <= ONE_BY_ONE ? 1 : have / GROWTH + 1;
	}
	return true;
}

/* FNV-1a over words, mixed at the end; 0.0 and -0.0 are equal. */
static uint64_t
hash_row(const float *row, size_t dim)
{
	uint64_t	hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < dim; i++)
	{
		float		x = row[i] + 0.0f;
		uint32_t	bits;

		memcpy(&bits, &x, sizeof(bits));
		hash = (hash ^ bits) * 0x100000001b3ULL;
	}
	return vdb_km_random(&hash);
}

static bool
equal_rows(const float *a, const float *b, size_t dim)
{
	for (size_t i = 0; i < dim; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

size_t
vdb_km_distinct_table(size_t limit)
{
	size_t		size = 4;

	while (size < 2 * limit)
		size *= 2;
	return size;
}

size_t
vdb_km_distinct(VdbKmRun *run, const VdbKmRows *rows, size_t limit, uint32_t *table,
				uint32_t *found)
{
	size_t		mask = vdb_km_distinct_table(limit) - 1;
	size_t		count = 0;

	memset(table, 0xff, (mask + 1) * sizeof(uint32_t));
	for (size_t i = 0; i < rows->n; i++)
	{
		const float *row = vdb_km_row(rows, i);
		size_t		at = hash_row(row, rows->dim) & mask;

		if (i % 64 == 63 && vdb_km_stopped(run, 0))
			break;
		while (table[at] != UINT32_MAX && !equal_rows(row, vdb_km_row(rows, table[at]), rows->dim))
			at = (at + 1) & mask;
		if (table[at] != UINT32_MAX)
			continue;
		if (count == limit)
			return limit + 1;
		table[at] = (uint32_t) i;
		found[count++] = (uint32_t) i;
	}
	return count;
}
