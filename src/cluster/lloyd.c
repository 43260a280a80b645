/*
 * lloyd.c
 *	  Lloyd's algorithm: assign the rows, move the centroids, and again.
 *
 * The mean of a list is made by one thread, from its rows in their order, so
 * that the number of threads makes no difference.
 */
#include "cluster/lloyd.h"

#include <string.h>

/* Rounds after the last iteration for filling lists that came out empty. */
#define MORE_ROUNDS 8

/* Lists of less than this part of the mean get no further help. */
#define LEAST_SIZE 0.1

void
vdb_km_take_lloyd(VdbKmArena *arena, VdbKmLloyd *lloyd, size_t n, size_t k, size_t ntops,
				  size_t dim, int threads)
{
	vdb_km_take_pack(arena, &lloyd->packed, k, ntops, dim);
	vdb_km_take_scratch(arena, &lloyd->scratch, ntops, dim, 1, threads);
	lloyd->index = vdb_km_take(arena, n, sizeof(uint32_t));
	lloyd->dist = vdb_km_take(arena, n, sizeof(float));
	lloyd->order = vdb_km_take(arena, n, sizeof(uint32_t));
	lloyd->start = vdb_km_take(arena, k + 1, sizeof(uint32_t));
	lloyd->bad = vdb_km_take(arena, k, sizeof(VdbKmItem));
	lloyd->extra = vdb_km_take(arena, k, sizeof(double));
	lloyd->sums = vdb_km_take(arena, (size_t) threads * dim, sizeof(double));
}

void
vdb_km_group(const uint32_t *list, size_t n, size_t nlists, uint32_t *start, uint32_t *order)
{
	uint32_t	sum = 0;

	/* counts, then the end of each list, then, counted down, its start */
	memset(start, 0, (nlists + 1) * sizeof(uint32_t));
	for (size_t i = 0; i < n; i++)
		start[list[i]]++;
	for (size_t c = 0; c < nlists; c++)
		start[c] = sum += start[c];
	start[nlists] = sum;
	for (size_t i = n; i-- > 0;)
		order[--start[list[i]]] = (uint32_t) i;
}

/* A thousand rows are enough to know the order of magnitude. */
double
vdb_km_unit(const VdbKmRows *rows)
{
	size_t		step = rows->n / 1024 + 1;
	double		longest = 0;
	int			exponent;

	for (size_t i = 0; i < rows->n; i += step)
	{
		double		square = vdb_dist_square(VDB_F32, vdb_km_row(rows, i), rows->dim);

		if (square > longest)
			longest = square;
	}
	exponent = longest > 0 ? ilogb(longest) : 0;
	return ldexp(1, -exponent);
}

bool
vdb_km_normalize(float *x, size_t dim)
{
	double		norm = vdb_dist_norm(VDB_F32, x, dim);

	if (!(norm > 0))
		return false;
	for (size_t i = 0; i < dim; i++)
		x[i] = (float) (x[i] / norm);
	return true;
}

void
vdb_km_put_centroid(const VdbKmLloyd *lloyd, const float *row, size_t centroid)
{
	size_t		dim = lloyd->rows.dim;
	float	   *c = lloyd->centroids + centroid * dim;

	memcpy(c, row, dim * sizeof(float));
	if (lloyd->spherical)
		vdb_km_normalize(c, dim);
}

/* Adds up rows; four at a time, since the sums are twice as wide as a row. */
static void
add_rows(const VdbKmRows *rows, const uint32_t *order, size_t n, double *sum)
{
	size_t		dim = rows->dim,
				r = 0;

	for (; r + 4 <= n; r += 4)
	{
		const float *a = vdb_km_row(rows, order[r]),
				   *b = vdb_km_row(rows, order[r + 1]),
				   *c = vdb_km_row(rows, order[r + 2]),
				   *d = vdb_km_row(rows, order[r + 3]);

		for (size_t i = 0; i < dim; i++)
			sum[i] += ((double) a[i] + b[i]) + ((double) c[i] + d[i]);
	}
	for (; r < n; r++)
	{
		const float *a = vdb_km_row(rows, order[r]);

		for (size_t i = 0; i < dim; i++)
			sum[i] += a[i];
	}
}

/* The mean of a list, and how bad the list is. */
static void
move_centroid(VdbKmRun *run, void *arg, size_t list, int thread)
{
	VdbKmLloyd *lloyd = arg;
	size_t		dim = lloyd->rows.dim;
	double	   *sum = lloyd->sums + (size_t) thread * dim;
	float	   *c = lloyd->centroids + list * dim;
	uint32_t	start = lloyd->start[list],
				end = lloyd->start[list + 1];
	double		bad = 0,
				norm = 0;

	memset(sum, 0, dim * sizeof(double));
	for (uint32_t r = start; r < end; r += 64)
	{
		add_rows(&lloyd->rows, lloyd->order + r, end - r < 64 ? end - r : 64, sum);
		if (end - r > 64 && vdb_km_stopped(run, thread))
			return;
	}
	for (uint32_t r = start; r < end; r++)
		bad += lloyd->dist[lloyd->order[r]];
	lloyd->bad[list] = (VdbKmItem) {-bad, (uint32_t) list};
	if (start == end)
		return;
	if (lloyd->spherical)
	{
		for (size_t i = 0; i < dim; i++)
			norm += sum[i] * sum[i];
		norm = sqrt(norm);

		/* rows that cancel out leave it where it is */
		if (!(norm > 0))
			return;
	}
	else
		norm = end - start;
	for (size_t i = 0; i < dim; i++)
		c[i] = (float) (sum[i] / norm);
}

/* Each top moves to the mean of what it was split into. */
static void
move_top(VdbKmRun *run, void *arg, size_t top, int thread)
{
	VdbKmLloyd *lloyd = arg;
	size_t		dim = lloyd->rows.dim;
	double	   *sum = lloyd->sums + (size_t) thread * dim;
	double		n = 0;

	(void) run;
	memset(sum, 0, dim * sizeof(double));
	for (uint32_t c = lloyd->first[top]; c < lloyd->first[top + 1]; c++)
	{
		double		weight = lloyd->start[c + 1] - lloyd->start[c];

		for (size_t i = 0; i < dim; i++)
			sum[i] += weight * lloyd->centroids[c * dim + i];
		n += weight;
	}
	if (n == 0)
		return;
	for (size_t i = 0; i < dim; i++)
		lloyd->tops[top * dim + i] = (float) (sum[i] / n);
	if (lloyd->spherical)
		vdb_km_normalize(lloyd->tops + top * dim, dim);
}

/*
 * A row of a list, in proportion to its distance, as in k-means++: one in a
 * dense part far from the mean rather than the farthest, which may be alone.
 */
static const float *
far_row(VdbKmLloyd *lloyd, const VdbKmItem *bad)
{
	double		left = vdb_km_random_unit(&lloyd->random) * -bad->key;
	const float *row = NULL;

	for (uint32_t r = lloyd->start[bad->id]; r < lloyd->start[bad->id + 1]; r++)
	{
		const float *this = vdb_km_row(&lloyd->rows, lloyd->order[r]);
		double		d = lloyd->dist[lloyd->order[r]];

		if (!(d > 0) || (lloyd->spherical && vdb_dist_square(VDB_F32, this, lloyd->rows.dim) == 0))
			continue;
		row = this;
		left -= d;
		if (left < 0)
			break;
	}
	return row;
}

/*
 * Empty lists get a row from the worst lists, one from each so that they are
 * not equal, out of the same top.
 */
static void
fill_lists(VdbKmLloyd *lloyd, uint32_t begin, uint32_t end)
{
	uint32_t	donor = begin;
	bool		sorted = false;

	for (uint32_t list = begin; list < end; list++)
	{
		const float *row = NULL;

		if (lloyd->start[list] != lloyd->start[list + 1])
			continue;
		if (!sorted)
			vdb_km_sort(lloyd->bad + begin, end - begin);
		sorted = true;
		while (row == NULL && donor < end && lloyd->bad[donor].key < 0)
			row = far_row(lloyd, &lloyd->bad[donor++]);
		if (row == NULL)
			break;
		vdb_km_put_centroid(lloyd, row, list);
	}
}

/* Leaves out the centroids of empty lists. */
static void
drop_lists(VdbKmLloyd *lloyd)
{
	size_t		dim = lloyd->rows.dim;
	uint32_t	kept = 0;
	size_t		top = 0;

	for (uint32_t list = 0; list < lloyd->k; list++)
	{
		for (; top < lloyd->ntops && lloyd->first[top] <= list; top++)
			lloyd->first[top] = kept;
		if (lloyd->start[list] == lloyd->start[list + 1])
			continue;
		memmove(lloyd->centroids + kept * dim, lloyd->centroids + list * dim, dim * sizeof(float));
		kept++;
	}
	for (; lloyd->ntops > 0 && top <= lloyd->ntops; top++)
		lloyd->first[top] = kept;
	lloyd->k = kept;
}

static bool
assign_all(VdbKmLloyd *lloyd, const double *extra)
{
	VdbKmBook	book = {
		.dim = lloyd->rows.dim,
		.k = lloyd->k,
		.centroids = lloyd->centroids,
		.coarse = lloyd->coarse,
		.ntops = lloyd->ntops,
		.tops = lloyd->tops,
		.first = lloyd->first,
	};
	VdbKmAssign assign = {
		.packed = &lloyd->packed,
		.scratch = &lloyd->scratch,
		.rows = lloyd->rows,
		.few = 1,
		.unit = lloyd->unit,
		.index = lloyd->index,
		.dist = lloyd->dist,
	};

	if (!vdb_km_fill_pack(lloyd->run, &lloyd->packed, &book, extra) ||
		!vdb_km_assign_rows(lloyd->run, &assign))
		return false;
	vdb_km_group(lloyd->index, lloyd->rows.n, lloyd->k, lloyd->start, lloyd->order);
	return true;
}

static void
move_all(VdbKmLloyd *lloyd, size_t nempty)
{
	vdb_km_parallel(lloyd->run, lloyd->k, move_centroid, lloyd);
	if (lloyd->ntops > 0)
		vdb_km_parallel(lloyd->run, lloyd->ntops, move_top, lloyd);
	if (nempty == 0 || lloyd->run->stop)
		return;
	if (lloyd->ntops == 0)
		fill_lists(lloyd, 0, (uint32_t) lloyd->k);
	for (size_t t = 0; t < lloyd->ntops; t++)
		fill_lists(lloyd, lloyd->first[t], lloyd->first[t + 1]);
}

/*
 * Handicaps are set for the next time.  A list of e times the mean is held back
 * by a part of the mean distance, so that lists even out a little where that
 * costs next to nothing; half of the handicap is the one before, lest lists
 * grow and shrink in turn.
 */
bool
vdb_km_measure(VdbKmLloyd *lloyd, VdbKmReport *report, bool handicaps)
{
	double		mean = (double) lloyd->rows.n / (double) lloyd->k;
	double		sum = 0;

	if (!assign_all(lloyd, handicaps ? lloyd->extra : NULL))
		return false;
	for (size_t i = 0; i < lloyd->rows.n; i++)
		sum += lloyd->dist[i];
	report->objective = sum / lloyd->unit / (double) lloyd->rows.n;
	report->k = lloyd->k;
	report->largest = 0;
	report->empty = 0;
	for (size_t list = 0; list < lloyd->k; list++)
	{
		size_t		n = lloyd->start[list + 1] - lloyd->start[list];
		double		size = (double) n / mean,
					handicap;

		report->empty += n == 0;
		if (n > report->largest)
			report->largest = n;
		handicap = lloyd->balance * report->objective * log(size > LEAST_SIZE ? size : LEAST_SIZE);
		lloyd->extra[list] = (lloyd->extra[list] + handicap) / 2;
	}
	return true;
}

bool
vdb_km_lloyd(VdbKmLloyd *lloyd, int iterations, VdbKmReport *report)
{
	double		before = INFINITY;
	int			last = -1;		/* the iteration that was to be the last */

	for (size_t list = 0; list < lloyd->k; list++)
		lloyd->extra[list] = 0;

	for (int i = 0;; i++)
	{
		/* the last word is without handicaps, as is assignment */
		bool		handicaps = lloyd->balance > 0 && i > 0 && i < iterations && last < 0;

		if (!vdb_km_measure(lloyd, report, handicaps))
			return false;
		report->iterations = i;

		/* infinite objectives end it too */
		if (last < 0 && (i >= iterations ||
						 !(before - report->objective > lloyd->tolerance * report->objective)))
			last = i;
		if (last >= 0 && !handicaps && (report->empty == 0 || i >= last + MORE_ROUNDS))
			break;
		before = report->objective;
		move_all(lloyd, report->empty);
		if (lloyd->run->stop)
			return false;
	}
	if (report->empty > 0)
		drop_lists(lloyd);
	report->k = lloyd->k;
	return true;
}
