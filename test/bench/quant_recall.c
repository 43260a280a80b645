/*
 * quant_recall.c
 *	  How well each code orders the vectors of a real set.
 *
 *	quant_recall FILE f32|u8 DIM VECTORS QUERIES LISTS [WIDTH OF BOUND]
 *
 * FILE has rows of DIM elements (an .npy header of 128 bytes is skipped with
 * a ':' after the name).  The last QUERIES of the first VECTORS rows are the
 * queries, the others the data, in LISTS lists around centres from a few
 * rounds of k-means.  Recall is of the nearest 10 by L2 distance, ties
 * counted in favour: how many are among the first 10, 20, 40, 100 by the
 * estimate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/lanes.h"
#include "quant/quant.h"

#define K 10

static size_t dim,
			n,
			nqueries,
			nlists;
static float *data,
		   *queries,
		   *centres;
static int *list_of;
static double *truth;			/* of the current query */
static double bound;			/* the distance of neighbour K */

static float *
row(float *of, size_t i)
{
	return of + i * dim;
}

static void
read_rows(char *path, bool bytes, size_t count)
{
	size_t		skip = 0;
	FILE	   *f;

	if (path[strlen(path) - 1] == ':')
	{
		path[strlen(path) - 1] = 0;
		skip = 128;
	}
	f = fopen(path, "rb");
	data = malloc(count * dim * sizeof(float));
	if (f == NULL || fseek(f, (long) skip, SEEK_SET) != 0)
		exit(2);
	for (size_t i = 0; i < count * dim; i++)
	{
		unsigned char byte;

		if (bytes ? fread(&byte, 1, 1, f) != 1 : fread(&data[i], 4, 1, f) != 1)
			exit(2);
		if (bytes)
			data[i] = byte;
	}
	fclose(f);
}

/* The nearest of k centres, of which element e of centre c is at e + c * step. */
static size_t
nearest(const float *x, size_t width, const float *c, size_t k, size_t step)
{
	size_t		best = 0;
	double		least = INFINITY;

	for (size_t i = 0; i < k; i++)
	{
		double		d = vdb_kernel.pair[VDB_F32][VDB_L2SQ] (x, c + i * step, width);

		if (d < least)
		{
			least = d;
			best = i;
		}
	}
	return best;
}

/* Lloyd's rounds over at most 20,000 vectors, pieces of width floats each. */
static void
k_means(const float *x, size_t count, size_t step, size_t width, size_t k, float *c)
{
	size_t		skip = count / 20000 + 1;
	double	   *sums = malloc(k * width * sizeof(double));
	size_t	   *members = malloc(k * sizeof(size_t));

	for (size_t i = 0; i < k; i++)
		memcpy(c + i * width, x + i * 7919 % count * step, width * sizeof(float));
	for (int round = 0; round < 8; round++)
	{
		memset(sums, 0, k * width * sizeof(double));
		memset(members, 0, k * sizeof(size_t));
		for (size_t i = 0; i < count; i += skip)
		{
			size_t		to = nearest(x + i * step, width, c, k, width);

			members[to]++;
			for (size_t e = 0; e < width; e++)
				sums[to * width + e] += x[i * step + e];
		}
		for (size_t i = 0; i < k * width; i++)
			if (members[i / width] > 0)
				c[i] = (float) (sums[i] / (double) members[i / width]);
	}
	free(sums);
	free(members);
}

/* Subtracts the mean of the data, rotates, and makes the lists. */
static void
prepare(bool rotated)
{
	static float *original;
	double	   *mean = calloc(dim, sizeof(double));
	VdbQuantRotation rotation;

	if (original == NULL)
	{
		original = malloc((n + nqueries) * dim * sizeof(float));
		memcpy(original, data, (n + nqueries) * dim * sizeof(float));
	}
	vdb_quant_rotation_init(&rotation, dim, 1, malloc(vdb_quant_rotation_size(dim)));
	for (size_t i = 0; i < n * dim; i++)
		mean[i % dim] += original[i] / (double) n;
	for (size_t i = 0; i < n + nqueries; i++)
	{
		for (size_t e = 0; e < dim; e++)
			data[i * dim + e] = original[i * dim + e] - (float) mean[e];
		if (rotated)
			vdb_quant_rotate(&rotation, row(data, i), row(data, i));
	}
	queries = row(data, n);
	centres = malloc(nlists * dim * sizeof(float));
	k_means(data, n, dim, dim, nlists, centres);
	list_of = malloc(n * sizeof(int));
	for (size_t i = 0; i < n; i++)
		list_of[i] = (int) nearest(row(data, i), dim, centres, nlists, dim);
	free(mean);
}

typedef struct Ranked
{
	float		estimate;
	double		truth;
} Ranked;

static int
by_estimate(const void *a, const void *b)
{
	float		x = ((const Ranked *) a)->estimate,
				y = ((const Ranked *) b)->estimate;

	return (x > y) - (x < y);
}

static int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

#define NDEPTHS 4
static const size_t depths[NDEPTHS] = {10, 20, 40, 100};

static void
add_recall(const float *estimate, double *recall)
{
	Ranked	   *ranked = malloc(n * sizeof(Ranked));

	for (size_t i = 0; i < n; i++)
		ranked[i] = (Ranked) {estimate[i], truth[i]};
	qsort(ranked, n, sizeof(Ranked), by_estimate);
	for (int d = 0; d < NDEPTHS; d++)
	{
		size_t		hits = 0;

		for (size_t i = 0; i < depths[d]; i++)
			hits += ranked[i].truth <= bound;
		recall[d] += (double) (hits < K ? hits : K) / K / (double) nqueries;
	}
	free(ranked);
}

static void
true_distances(const float *query)
{
	double	   *sorted = malloc(n * sizeof(double));

	for (size_t i = 0; i < n; i++)
		sorted[i] = truth[i] = vdb_kernel.pair[VDB_F32][VDB_L2SQ] (query, row(data, i), dim);
	qsort(sorted, n, sizeof(double), by_value);
	bound = sorted[K - 1] * (1 + 1e-6);
	free(sorted);
}

static void
print(const char *name, const double *recall)
{
	printf("%-22s", name);
	for (int d = 0; d < NDEPTHS; d++)
		printf("  in %3zu: %.4f", depths[d], recall[d]);
	printf("\n");
	fflush(stdout);
}

/* The estimate of a vector of a block with the query in floats. */
static float
exact_estimate(const VdbQuantBlock *block, size_t lane, const float *query, float base)
{
	double		dot = 0;

	for (size_t e = 0; e < dim; e++)
	{
		unsigned	code = vdb_quant_get_code(block->codes, e / 4, (int) lane);

		dot += query[e] * (code >> e % 4 & 1 ? 0.5 : -0.5);
	}
	return base + block->add[lane] + block->rescale[lane] * (float) dot;
}

/* RaBitQ: residuals to the centres, of 1, 8, 4 and 2 bits. */
static void
run_rabitq(float epsilon)
{
	size_t		nblocks = n / VDB_BLOCK + 1,
				size = vdb_quant_block_size(dim);
	char	   *blocks = malloc(nblocks * size);
	char	   *rows[VDB_NCODEBITS];
	float	   *residual = malloc(dim * sizeof(float)),
			   *estimate = malloc(n * sizeof(float));
	void	   *memory[2] = {malloc(vdb_quant_tables_size(dim)), malloc(vdb_quant_weights_size(dim))};
	double		recall[2 + VDB_NCODEBITS][NDEPTHS] = {{0}};
	size_t		below = 0,
				above = 0,
				lost = 0;

	for (int bits = 0; bits < VDB_NCODEBITS; bits++)
		rows[bits] = malloc(n * vdb_quant_row_size(dim, bits));
	for (size_t b = 0; b < nblocks; b++)
		vdb_quant_block_init(dim, (void *) (blocks + b * size));
	for (size_t i = 0; i < n; i++)
	{
		float	   *c = row(centres, list_of[i]);

		for (size_t e = 0; e < dim; e++)
			residual[e] = data[i * dim + e] - c[e];
		vdb_quant_block_encode(dim, VDB_L2SQ, residual, c, NULL, (void *) (blocks + i / VDB_BLOCK * size), i % VDB_BLOCK);
		for (int bits = 0; bits < VDB_NCODEBITS; bits++)
			vdb_quant_row_encode(dim, bits, VDB_L2SQ, residual, c, NULL, rows[bits] + i * vdb_quant_row_size(dim, bits));
	}
	for (size_t q = 0; q < nqueries; q++)
	{
		VdbQuantTables tables;
		VdbQuantWeights weights;

		true_distances(row(queries, q));
		vdb_quant_tables_init(&tables, dim, row(queries, q), memory[0]);
		vdb_quant_weights_init(&weights, dim, row(queries, q), memory[1]);
		for (int code = 0; code <= VDB_NCODEBITS + 1; code++)
		{
			for (size_t i = 0; i < n; i++)
			{
				float		base = (float) vdb_kernel.pair[VDB_F32][VDB_L2SQ] (row(queries, q), row(centres, list_of[i]), dim);

				if (code == 0)
				{
					float		all[VDB_BLOCK],
								lower[VDB_BLOCK];
					uint32_t	bits;
					size_t		lane = i % VDB_BLOCK;

					vdb_quant_tables_aim(&tables, base, sqrtf(base), epsilon);
					vdb_quant_block_scan(&tables, (void *) (blocks + i / VDB_BLOCK * size), size, 1, 0, all, lower, &bits);
					estimate[i] = all[lane];
					below += truth[i] < lower[lane];
					above += truth[i] > 2 * all[lane] - lower[lane];
					lost += truth[i] <= bound && lower[lane] > bound;
				}
				else if (code == VDB_NCODEBITS + 1)
					estimate[i] = exact_estimate((void *) (blocks + i / VDB_BLOCK * size), i % VDB_BLOCK, row(queries, q), base);
				else
				{
					const void *one = rows[code - 1] + i * vdb_quant_row_size(dim, code - 1);

					vdb_quant_row_many(&weights, code - 1, base, &one, 1, &estimate[i]);
				}
			}
			add_recall(estimate, recall[code]);
		}
	}
	print("rabitq 1 bit", recall[0]);
	print("  with floats", recall[VDB_NCODEBITS + 1]);
	print("rabitq 2 bits", recall[3]);
	print("rabitq 4 bits", recall[2]);
	print("rabitq 8 bits", recall[1]);
	printf("epsilon %.2f: truth below the bound %.2f %%, above the other %.2f %%; of the nearest %d, bounded out %.2f %%\n",
		   epsilon, 100.0 * (double) below / (double) (n * nqueries), 100.0 * (double) above / (double) (n * nqueries),
		   K, 100.0 * (double) lost / (double) (K * nqueries));
}

static void
run_sq8(void)
{
	size_t		size = vdb_quant_sq8_size(dim);
	char	   *rows = malloc(n * size);
	float	   *estimate = malloc(n * sizeof(float));
	void	   *memory = malloc(vdb_quant_weights_size(dim));
	double		recall[NDEPTHS] = {0};

	for (size_t i = 0; i < n; i++)
		vdb_quant_sq8_encode(dim, VDB_L2SQ, row(data, i), rows + i * size);
	for (size_t q = 0; q < nqueries; q++)
	{
		VdbQuantWeights weights;

		true_distances(row(queries, q));
		vdb_quant_weights_init(&weights, dim, row(queries, q), memory);
		for (size_t i = 0; i < n; i++)
		{
			const void *one = rows + i * size;

			vdb_quant_sq8_many(&weights, 0, &one, 1, &estimate[i]);
		}
		add_recall(estimate, recall);
	}
	print("sq8", recall);
}

/* Product codes of the vectors; with 16 centroids, by floats and by tables. */
static void
run_pq(size_t m, size_t ncentroids)
{
	float	   *codebook = malloc(dim * ncentroids * sizeof(float)),
			   *piece = malloc(dim * ncentroids * sizeof(float)),
			   *lut = malloc(m * ncentroids * sizeof(float)),
			   *estimate = malloc(n * sizeof(float));
	VdbQuantPq	pq = {dim, m, ncentroids, codebook};
	uint8_t    *codes = malloc(n * m);
	size_t		size = vdb_quant_pq4_block_size(&pq);
	uint8_t    *blocks = calloc(n / VDB_BLOCK + 1, size);
	void	   *memory = malloc(size);
	double		recall[2][NDEPTHS] = {{0}};
	char		name[64];

	for (size_t p = 0; p < m; p++)
	{
		size_t		start = vdb_quant_pq_start(&pq, p),
					width = vdb_quant_pq_start(&pq, p + 1) - start;

		k_means(data + start, n, dim, width, ncentroids, piece);
		for (size_t e = 0; e < width; e++)
			for (size_t c = 0; c < ncentroids; c++)
				codebook[(start + e) * ncentroids + c] = piece[c * width + e];
	}
	for (size_t i = 0; i < n; i++)
	{
		vdb_quant_pq_encode(&pq, row(data, i), codes + i * m);
		if (ncentroids == 16)
			vdb_quant_pq4_put(&pq, codes + i * m, blocks + i / VDB_BLOCK * size, i % VDB_BLOCK);
	}
	for (size_t q = 0; q < nqueries; q++)
	{
		true_distances(row(queries, q));
		vdb_quant_pq_lut(&pq, VDB_L2SQ, row(queries, q), lut);
		for (size_t i = 0; i < n; i++)
		{
			estimate[i] = 0;
			for (size_t p = 0; p < m; p++)
				estimate[i] += lut[p * ncentroids + codes[i * m + p]];
		}
		add_recall(estimate, recall[0]);
		if (ncentroids == 16)
		{
			VdbBlockScan scan;

			vdb_quant_pq4_tables(&pq, lut, &scan, memory);
			for (size_t i = 0; i < n; i++)
			{
				float		all[VDB_BLOCK];
				uint32_t	bits;

				vdb_quant_pq4_scan(&scan, 0, blocks + i / VDB_BLOCK * size, size, 1, 0, all, &bits);
				estimate[i] = all[i % VDB_BLOCK];
			}
			add_recall(estimate, recall[1]);
		}
	}
	snprintf(name, sizeof(name), "pq %zu x %zu", m, ncentroids);
	print(name, recall[0]);
	if (ncentroids == 16)
		print("  by tables of bytes", recall[1]);
}

int
main(int argc, char **argv)
{
	if (argc < 7)
		return 2;
	dim = strtoul(argv[3], NULL, 10);
	nqueries = strtoul(argv[5], NULL, 10);
	n = strtoul(argv[4], NULL, 10) - nqueries;
	nlists = strtoul(argv[6], NULL, 10);
	truth = malloc(n * sizeof(double));
	vdb_kernel_select(vdb_kernel_best());
	read_rows(argv[1], strcmp(argv[2], "u8") == 0, n + nqueries);
	prepare(true);
	run_rabitq(argc > 7 ? strtof(argv[7], NULL) : 1.9f);
	prepare(false);
	run_sq8();
	run_pq(dim / 4, 16);
	run_pq(dim / 8, 256);
	return 0;
}
