/*
 * nearest.c
 *	  The nearest centroids of one query.
 *
 * Candidates that are nearer than the p-th of those seen are collected in
 * twice the room; when it is full, the nearest half is kept.  That takes a
 * comparison a centroid, and few moves.
 */
#include "cluster/cluster.h"

#include <string.h>

/* Distances computed at a time. */
#define AT_ONCE 256

/* Room is twice p, and more for a small p, but never more than k needs. */
static size_t
room_for(size_t k, size_t p)
{
	size_t		room = 2 * p > p + 64 ? 2 * p : p + 64;

	return room < k ? room : k;
}

size_t
vdb_km_nearest_size(size_t k, size_t p)
{
	return room_for(k, p) * sizeof(uint64_t);
}

/*
 * A distance and an index as one number that sorts like them: the bits of a
 * positive float sort as they are, those of a negative one backwards.  NaN, of
 * a query beyond float's range, comes last.
 */
static inline uint64_t
key_of(float d, uint32_t index)
{
	uint32_t	bits;

	if (isnan(d))
		d = INFINITY;
	d += 0.0f;
	memcpy(&bits, &d, sizeof(bits));
	bits = bits >> 31 ? ~bits : bits | 0x80000000;
	return (uint64_t) bits << 32 | index;
}

static inline float
distance_of(uint64_t key)
{
	uint32_t	bits = (uint32_t) (key >> 32);
	float		d;

	bits = bits >> 31 ? bits & 0x7fffffff : ~bits;
	memcpy(&d, &bits, sizeof(d));
	return d;
}

/*
 * Parts keys low to high, two at least: what is up to the place returned is
 * not above the pivot, the middle of three; what follows, if anything, is not
 * below.  No two keys are equal.
 */
static size_t
part_keys(uint64_t *keys, size_t low, size_t high)
{
	uint64_t	a = keys[low],
				b = keys[low + (high - low) / 2],
				c = keys[high];
	uint64_t	pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
	size_t		i = low,
				j = high;

	for (;;)
	{
		uint64_t	swap;

		while (keys[i] < pivot)
			i++;
		while (keys[j] > pivot)
			j--;
		if (i >= j)
			return j;
		swap = keys[i];
		keys[i++] = keys[j];
		keys[j--] = swap;
	}
}

/* Moves the p smallest of n keys to the front (Hoare, "Find", CACM 1961). */
static void
select_keys(uint64_t *keys, size_t n, size_t p)
{
	size_t		low = 0,
				high = n - 1;

	while (low < high)
	{
		size_t		middle = part_keys(keys, low, high);

		if (p <= middle)
			high = middle;
		else
			low = middle + 1;
	}
}

/* Quicksort, the larger part in the loop: the stack stays shallow. */
static void
sort_keys(uint64_t *keys, size_t n)
{
	while (n > 16)
	{
		size_t		middle = part_keys(keys, 0, n - 1) + 1;

		if (middle <= n - middle)
		{
			sort_keys(keys, middle);
			keys += middle;
			n -= middle;
		}
		else
		{
			sort_keys(keys + middle, n - middle);
			n = middle;
		}
	}
	for (size_t i = 1; i < n; i++)
	{
		uint64_t	key = keys[i];
		size_t		j = i;

		for (; j > 0 && key < keys[j - 1]; j--)
			keys[j] = keys[j - 1];
		keys[j] = key;
	}
}

void
vdb_km_nearest(VdbMetric metric, const float *query, const float *centroids,
			   size_t k, size_t dim, size_t p, uint32_t *index, float *dist, void *work)
{
	VdbDistMany many = vdb_kernel.many[VDB_F32][metric];
	uint64_t   *keys = work;
	uint64_t	limit = UINT64_MAX;
	size_t		room = room_for(k, p),
				n = 0;
	const void *rows[AT_ONCE];
	float		d[AT_ONCE];

	for (size_t start = 0; start < k; start += AT_ONCE)
	{
		size_t		part = k - start < AT_ONCE ? k - start : AT_ONCE;

		for (size_t i = 0; i < part; i++)
			rows[i] = centroids + (start + i) * dim;
		many(query, rows, part, dim, d);
		for (size_t i = 0; i < part; i++)
		{
			uint64_t	key;

			/* beyond float's range, ask for it in double */
			if (!(fabsf(d[i]) <= FLT_MAX))
				d[i] = (float) vdb_dist(VDB_F32, metric, query, rows[i], dim);
			key = key_of(d[i], (uint32_t) (start + i));
			if (key >= limit)
				continue;
			if (n == room)
			{
				select_keys(keys, n, p);
				n = p;
				limit = 0;
				for (size_t j = 0; j < p; j++)
					limit = keys[j] > limit ? keys[j] : limit;
				if (key >= limit)
					continue;
			}
			keys[n++] = key;
		}
	}
	if (n > p)
		select_keys(keys, n, p);
	sort_keys(keys, p);
	for (size_t i = 0; i < p; i++)
	{
		index[i] = (uint32_t) keys[i];
		if (dist != NULL)
			dist[i] = distance_of(keys[i]);
	}
}
