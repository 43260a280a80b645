/*
 * check_gemm.c
 *	  Compares blocks of rows against centroids, of one instruction set, with
 *	  sums in long double.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_cluster.h"

#define MAX_K 130
#define FEW 5

/* Of the dimensions and counts of a range, this part where all take long. */
#define STEP (MAX_DIM < 1000 ? 7 : 1)

typedef struct Shape
{
	size_t		nrows,
				k,
				dim;
} Shape;

/* Ranks in long double, and how far float may be off. */
static void
expect(const Shape *s, const float *row, const float *centroids, float scale,
	   const float *shift, long double *ranks, long double *tolerance)
{
	*tolerance = 0;
	for (size_t c = 0; c < s->k; c++)
	{
		long double rank = 0,
					size = 0;

		for (size_t i = 0; i < s->dim; i++)
		{
			long double x = (long double) row[i] * scale - shift[i],
						y = (long double) centroids[c * s->dim + i] * scale - shift[i];

			rank += y * y - 2 * x * y;
			size += y * y + 2 * fabsl(x * y);
		}
		ranks[c] = rank;
		if (size > *tolerance)
			*tolerance = size;
	}

	/* one sum of all, each step rounded (Higham, 4.2), and rounded operands */
	*tolerance *= ((long double) s->dim + 8) * 0x1p-24L;
}

static int
compare(const void *a, const void *b)
{
	long double x = *(const long double *) a,
				y = *(const long double *) b;

	return x < y ? -1 : x > y;
}

/* Are these the nearest few of a row? */
static bool
right(const Shape *s, const long double *ranks, long double tolerance, size_t few,
	  const float *rank, const uint32_t *index)
{
	long double sorted[MAX_K];

	memcpy(sorted, ranks, s->k * sizeof(long double));
	qsort(sorted, s->k, sizeof(long double), compare);
	for (size_t i = 0; i < few; i++)
	{
		if (i >= s->k)
		{
			if (index[i] != VDB_GEMM_NONE || rank[i] != INFINITY)
				return false;
			continue;
		}
		if (index[i] < 1000 || index[i] >= 1000 + s->k || (i > 0 && rank[i] < rank[i - 1]) ||
			fabsl(rank[i] - ranks[index[i] - 1000]) > tolerance || fabsl(rank[i] - sorted[i]) > tolerance)
			return false;
		for (size_t j = 0; j < i; j++)
			if (index[j] == index[i])
				return false;
	}
	return true;
}

static bool
check_shape(const VdbKernels *k, const Shape *s)
{
	const VdbGemm *gemm = &k->gemm;
	size_t		panel_floats = vdb_gemm_panels(gemm, s->k) * vdb_gemm_panel_floats(gemm, s->dim);
	float	   *panels = guarded(panel_floats * sizeof(float));
	float	   *block = guarded(vdb_gemm_block_floats(s->dim) * sizeof(float));
	float	   *shift = malloc(s->dim * sizeof(float));
	float	   *centroids = malloc(s->k * s->dim * sizeof(float));
	const float *rows[VDB_GEMM_BLOCK];
	float	   *memory[VDB_GEMM_BLOCK];
	float		scale = s->k % 3 == 0 ? 0.5f : 2;
	float		rank[VDB_GEMM_BLOCK * FEW];
	uint32_t	index[VDB_GEMM_BLOCK * FEW];
	bool		ok = true;

	for (size_t i = 0; i < s->dim; i++)
		shift[i] = (float) random_unit() * (float) (s->k % 2);
	for (size_t i = 0; i < s->k * s->dim; i++)
		centroids[i] = (float) random_unit();
	for (size_t r = 0; r < s->nrows; r++)
	{
		/* every other row one float away from the end, so at any address */
		memory[r] = guarded((s->dim + r % 2) * sizeof(float));
		rows[r] = memory[r];
		for (size_t i = 0; i < s->dim; i++)
			memory[r][i] = (float) random_unit();
	}
	vdb_gemm_pack(gemm, centroids, s->k, s->dim, scale, shift, NULL, panels);
	gemm->pack_rows(rows, s->nrows, s->dim, scale, shift, block);
	for (size_t few = 0; few <= FEW && ok; few += few == 1 ? FEW - 1 : 1)
	{
		for (size_t i = 0; i < VDB_GEMM_BLOCK * FEW; i++)
		{
			rank[i] = INFINITY;
			index[i] = VDB_GEMM_NONE;
		}

		/* in two parts, where there are several panels */
		for (size_t part = 0, n = vdb_gemm_panels(gemm, s->k), half = (n + 1) / 2; part < n; part += half)
		{
			const float *at = panels + part * vdb_gemm_panel_floats(gemm, s->dim);
			size_t		count = n - part < half ? n - part : half;
			uint32_t	first = 1000 + (uint32_t) (part * gemm->width);

			if (few == 0)
				gemm->nearest(block, s->nrows, s->dim, at, count, first, rank, index);
			else
				gemm->nearest_few(block, s->nrows, s->dim, at, count, first, few, rank, index);
		}
		for (size_t r = 0; r < s->nrows && ok; r++)
		{
			long double ranks[MAX_K],
						tolerance;
			size_t		each = few == 0 ? 1 : few;

			expect(s, rows[r], centroids, scale, shift, ranks, &tolerance);
			ok = right(s, ranks, tolerance, each, rank + r * each, index + r * each);
		}
		if (!ok)
			printf("# %s rows %zu k %zu dim %zu few %zu\n", k->name, s->nrows, s->k, s->dim, few);
	}
	for (size_t r = 0; r < s->nrows; r++)
		unguard(memory[r], (s->dim + r % 2) * sizeof(float));
	unguard(panels, panel_floats * sizeof(float));
	unguard(block, vdb_gemm_block_floats(s->dim) * sizeof(float));
	free(shift);
	free(centroids);
	return ok;
}

/* Of equal centroids the first; centroids without a rank are passed over. */
static bool
check_odd_ranks(const VdbKernels *k)
{
	enum
	{
		n = 100
	};
	float		centroids[n],
				shift = 0,
				row = 3;
	const float *rows[1] = {&row};
	float	   *panels = malloc(vdb_gemm_panels(&k->gemm, n) * vdb_gemm_panel_floats(&k->gemm, 1) * sizeof(float));
	float	   *block = malloc(vdb_gemm_block_floats(1) * sizeof(float));
	float		rank = INFINITY,
				few[3] = {INFINITY, INFINITY, INFINITY};
	uint32_t	index = VDB_GEMM_NONE,
				indexes[3] = {VDB_GEMM_NONE, VDB_GEMM_NONE, VDB_GEMM_NONE};
	bool		ok;

	for (int i = 0; i < n; i++)
		centroids[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : 1;
	vdb_gemm_pack(&k->gemm, centroids, n, 1, 1, &shift, NULL, panels);
	k->gemm.pack_rows(rows, 1, 1, 1, &shift, block);
	k->gemm.nearest(block, 1, 1, panels, vdb_gemm_panels(&k->gemm, n), 0, &rank, &index);
	k->gemm.nearest_few(block, 1, 1, panels, vdb_gemm_panels(&k->gemm, n), 0, 3, few, indexes);
	ok = index == 2 && rank == -5 && indexes[0] == 2 && indexes[1] == 5 && indexes[2] == 8;

	rank = INFINITY;
	index = VDB_GEMM_NONE;
	row = NAN;
	k->gemm.pack_rows(rows, 1, 1, 1, &shift, block);
	k->gemm.nearest(block, 1, 1, panels, vdb_gemm_panels(&k->gemm, n), 0, &rank, &index);
	ok = ok && index == VDB_GEMM_NONE && rank == INFINITY;
	free(panels);
	free(block);
	return ok;
}

/*
 * In 8 bits: the nearest is as near as the true one up to what rounding does,
 * and its rank is right up to the same.
 */
static bool
check_coarse(const VdbKernels *k, size_t nrows, size_t n, size_t dim)
{
	const VdbGemm *gemm = &k->coarse;
	Shape		s = {nrows, n, dim};
	size_t		panel_floats = vdb_gemm_panels(gemm, n) * vdb_gemm_panel_floats(gemm, dim);
	float	   *panels = guarded(panel_floats * sizeof(float));
	float	   *block = guarded(vdb_gemm_block_floats(dim) * sizeof(float));
	float	   *centroids = malloc(n * dim * sizeof(float)),
			   *memory = guarded(nrows * dim * sizeof(float)),
			   *shift = malloc(dim * sizeof(float));
	const float *rows[VDB_GEMM_BLOCK];
	float		rank[VDB_GEMM_BLOCK];
	uint32_t	index[VDB_GEMM_BLOCK];
	bool		ok = vdb_gemm_panel_floats(gemm, dim) <= vdb_gemm_panel_floats(&k->gemm, dim) &&
		gemm->width <= k->gemm.width;

	for (size_t i = 0; i < dim; i++)
		shift[i] = (float) random_unit();
	for (size_t i = 0; i < n * dim; i++)
		centroids[i] = (float) random_unit();
	for (size_t i = 0; i < nrows * dim; i++)
		memory[i] = i / dim == 2 ? shift[i % dim] / 2 : (float) random_unit();
	for (size_t r = 0; r < nrows; r++)
	{
		rows[r] = memory + r * dim;
		rank[r] = INFINITY;
		index[r] = VDB_GEMM_NONE;
	}
	vdb_gemm_pack(gemm, centroids, n, dim, 2, shift, NULL, panels);
	gemm->pack_rows(rows, nrows, dim, 2, shift, block);
	gemm->nearest(block, nrows, dim, panels, vdb_gemm_panels(gemm, n), 0, rank, index);
	for (size_t r = 0; r < nrows && ok; r++)
	{
		long double ranks[MAX_K],
					tolerance,
					least = INFINITY;

		expect(&s, rows[r], centroids, 2, shift, ranks, &tolerance);
		for (size_t c = 0; c < n; c++)
			least = ranks[c] < least ? ranks[c] : least;

		/* elements up to 2, steps of 2 / 127 at most: errors add up as random ones */
		tolerance += 6 * sqrt((double) dim) * 2 * 2 / 127;
		ok = index[r] < n && fabsl(rank[r] - ranks[index[r]]) < tolerance &&
			ranks[index[r]] - least < tolerance;
	}
	if (!ok)
		printf("# %s coarse, rows %zu k %zu dim %zu\n", k->name, nrows, n, dim);
	unguard(memory, nrows * dim * sizeof(float));
	unguard(panels, panel_floats * sizeof(float));
	unguard(block, vdb_gemm_block_floats(dim) * sizeof(float));
	free(centroids);
	free(shift);
	return ok;
}

void
check_gemm(const VdbKernels *k)
{
	static const size_t dims[] = {128, 255, 256, 257, 384, 513, 768, 1536, 4099, 16000};
	char		what[100];
	bool		ok = true;

	for (size_t dim = 1; dim <= 70; dim += STEP)
		for (size_t i = 0; i < 3; i++)
			ok = check_shape(k, &(Shape) {1 + (dim * 7 + i * 17) % VDB_GEMM_BLOCK, 1 + (dim * 13 + i * 31) % MAX_K, dim}) && ok;
	for (size_t nrows = 1; nrows <= VDB_GEMM_BLOCK; nrows += STEP)
		ok = check_shape(k, &(Shape) {nrows, 1 + nrows % 40, 19}) && ok;
	for (size_t n = 1; n <= MAX_K; n += STEP)
		ok = check_shape(k, &(Shape) {3, n, 21}) && ok;
	for (size_t i = 0; i < 10 && dims[i] <= MAX_DIM; i++)
	{
		ok = check_shape(k, &(Shape) {VDB_GEMM_BLOCK, 33, dims[i]}) && ok;
		ok = check_shape(k, &(Shape) {7, 70, dims[i]}) && ok;
	}
	snprintf(what, sizeof(what), "%s, the nearest centroids of blocks, all shapes", k->name);
	result(ok, what);
	snprintf(what, sizeof(what), "%s, the nearest centroids where ranks are equal, infinite or NaN", k->name);
	result(check_odd_ranks(k), what);
	if (k->coarse.width == 0)
		return;
	ok = true;
	for (size_t nrows = 1; nrows <= VDB_GEMM_BLOCK; nrows += STEP)
		ok = check_coarse(k, nrows, 1 + nrows * 37 % MAX_K, VDB_GEMM_COARSE_DIM + nrows) && ok;
	for (size_t i = 0; i < 10 && dims[i] <= MAX_DIM; i++)
		ok = check_coarse(k, 17, 70, dims[i]) && ok;
	snprintf(what, sizeof(what), "%s, the nearest centroids in 8 bits", k->name);
	result(ok, what);
}
