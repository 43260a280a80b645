/*
 * quant.c
 *	  How fast the codes are: scans of blocks, rows, preparation, encoding.
 *
 * Nanoseconds a vector (or a call, for what a query or a vector takes), the
 * best of several tries, for data that fits the L2 cache and data that does
 * not.  The results of a scan are part of it: estimates, bounds, bits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quant/quant.h"

/* Many short tries: on a busy machine, some of them go undisturbed. */
#define MIN_TRIES 5
#define MIN_TRY 0.0005
#define MIN_SECONDS 0.15

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Nanoseconds of a unit of which call does units, the best of several tries. */
#define BEST(units, call) \
	({ \
		double best_ = 1e9; \
		double begin_ = now(); \
		size_t times_ = 1; \
		for (int try_ = 0; try_ < MIN_TRIES || now() - begin_ < MIN_SECONDS; try_++) \
		{ \
			double t_; \
			for (;; times_ *= 2) \
			{ \
				t_ = now(); \
				for (size_t n_ = 0; n_ < times_; n_++) \
					call; \
				t_ = now() - t_; \
				if (t_ > MIN_TRY) \
					break; \
			} \
			t_ /= (double) times_ * (double) (units); \
			if (t_ < best_) \
				best_ = t_; \
		} \
		best_ * 1e9; \
	})

static float
uniform(void)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return (float) (seed >> 8) / (1 << 24) * 2 - 1;
}

static float *
floats(size_t n)
{
	float	   *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);

	for (size_t i = 0; i < n; i++)
		p[i] = uniform();
	return p;
}

/* Blocks of nvectors, as many whole ones as fit. */
static void
blocks(const char *place, size_t dim, size_t nvectors, const VdbQuantTables *prepared)
{
	VdbQuantTables tables = *prepared;
	size_t		size = vdb_quant_block_size(dim);
	size_t		n = nvectors / VDB_BLOCK;
	char	   *memory = aligned_alloc(64, (n * size + 63) / 64 * 64);
	float	   *estimate = floats(n * VDB_BLOCK),
			   *lower = floats(n * VDB_BLOCK);
	uint32_t   *below = calloc(n, sizeof(uint32_t));
	double		page;

	for (size_t i = 0; i < n * size; i++)
		memory[i] = (char) (i * 2654435761U >> 13);
	for (size_t b = 0; b < n; b++)
		for (int f = 0; f < VDB_BLOCK_FACTORS; f++)
			((float *) (void *) (memory + b * size))[f] = uniform();
	page = BEST(n * VDB_BLOCK, {
		for (size_t b = 0; b < n; b += 4)
			vdb_quant_block_scan(&tables, (void *) (memory + b * size), size, n - b < 4 ? n - b : 4, 0, estimate, lower, below);
	});
	printf("%5zu %-7s rabitq scan %7.2f  in calls of 4 blocks %7.2f", dim, place,
		   BEST(n * VDB_BLOCK, vdb_quant_block_scan(&tables, (void *) memory, size, n, 0, estimate, lower, below)), page);

	/* as many 4-bit codes of a product quantizer, without factors */
	size -= sizeof(VdbQuantBlock);
	tables.scan.limit = -1e9f;
	printf("  pq4 scan, m = %zu %7.2f\n", tables.scan.ntables,
		   BEST(n * VDB_BLOCK, vdb_kernel.scan_plain(&tables.scan, (uint8_t *) memory, size, n, estimate, below)));
	free(memory);
	free(estimate);
	free(lower);
	free(below);
}

static void
rows(const char *place, size_t dim, size_t nvectors, const VdbQuantWeights *weights, bool shuffled)
{
	printf("%5zu %-7s rows", dim, place);
	for (int bits = VDB_QUANT_8BITS; bits <= VDB_QUANT_2BITS; bits++)
	{
		size_t		size = vdb_quant_row_size(dim, bits);
		char	   *memory = aligned_alloc(64, (nvectors * size + 63) / 64 * 64);
		const void **pointers = malloc(nvectors * sizeof(void *));
		float	   *out = floats(nvectors);

		memset(memory, 1, nvectors * size);
		for (size_t i = 0; i < nvectors; i++)
			pointers[i] = memory + i * size;
		for (size_t i = nvectors; shuffled && i > 1; i--)
		{
			size_t		other = i * 2654435761U % i;
			const void *swap = pointers[i - 1];

			pointers[i - 1] = pointers[other];
			pointers[other] = swap;
		}
		printf("  %d bits %7.2f", 8 >> bits,
			   BEST(nvectors, vdb_quant_row_many(weights, bits, 1, pointers, nvectors, out)));
		free(memory);
		free(pointers);
		free(out);
	}
	printf("\n");
}

/* Product codes of 256 centroids, a byte for 8 dimensions. */
static void
products(size_t dim)
{
	size_t		n = 4096;
	VdbQuantPq	pq = {dim, dim / 8, 256, floats(dim * 256)};
	uint8_t    *codes = malloc(n * pq.m);
	const uint8_t **pointers = malloc(n * sizeof(void *));
	float	   *lut = floats(pq.m * 256),
			   *query = floats(dim),
			   *out = floats(n);

	for (size_t i = 0; i < n * pq.m; i++)
		codes[i] = (uint8_t) (i * 2654435761U >> 13);
	for (size_t i = 0; i < n; i++)
		pointers[i] = codes + i * pq.m;
	printf("%5zu L2      pq8, m = %zu: scan %7.2f  lut, a query %7.0f  encode, a vector %7.0f\n", dim, pq.m,
		   BEST(n, vdb_quant_pq8_many(&pq, lut, 0, pointers, n, out)),
		   BEST(1, vdb_quant_pq_lut(&pq, VDB_L2SQ, query, lut)),
		   BEST(1, vdb_quant_pq_encode(&pq, query, codes)));
	free(codes);
	free(pointers);
}

int
main(int argc, char **argv)
{
	static const size_t dims[] = {128, 384, 768, 1536};
	size_t		memory = (argc > 1 ? strtoul(argv[1], NULL, 10) : 256) << 20;
	int			isa = argc > 2 ? atoi(argv[2]) : vdb_kernel_best();

	if (!vdb_kernel_select(isa))
		return 2;
	printf("instruction set: %s; ns a vector\n", vdb_kernel.name);
	for (int i = 0; i < 4; i++)
	{
		size_t		dim = dims[i];
		float	   *x = floats(dim),
				   *y = floats(dim),
				   *centre = floats(dim);
		void	   *t = malloc(vdb_quant_tables_size(dim)),
				   *w = malloc(vdb_quant_weights_size(dim));
		VdbQuantBlock *block = malloc(vdb_quant_block_size(dim));
		void	   *row = malloc(vdb_quant_row_size(dim, VDB_QUANT_8BITS));
		VdbQuantRotation rotation;
		VdbQuantTables tables;
		VdbQuantWeights weights;

		vdb_quant_rotation_init(&rotation, dim, 1, malloc(vdb_quant_rotation_size(dim)));
		vdb_quant_block_init(dim, block);
		printf("%5zu a query: rotate %7.0f  tables %7.0f  weights %7.0f\n", dim,
			   BEST(1, vdb_quant_rotate(&rotation, x, y)),
			   BEST(1, vdb_quant_tables_init(&tables, dim, y, t)),
			   BEST(1, vdb_quant_weights_init(&weights, dim, y, w)));
		printf("%5zu a vector: encode in 1 bit %7.0f  2 bits %7.0f  4 bits %7.0f  8 bits %7.0f\n", dim,
			   BEST(1, vdb_quant_block_encode(dim, VDB_L2SQ, y, centre, NULL, block, 3)),
			   BEST(1, vdb_quant_row_encode(dim, VDB_QUANT_2BITS, VDB_L2SQ, y, centre, NULL, row)),
			   BEST(1, vdb_quant_row_encode(dim, VDB_QUANT_4BITS, VDB_L2SQ, y, centre, NULL, row)),
			   BEST(1, vdb_quant_row_encode(dim, VDB_QUANT_8BITS, VDB_L2SQ, y, centre, NULL, row)));
		vdb_quant_tables_aim(&tables, 1, 1, 1.9f);
		blocks("L2", dim, (size_t) (384 << 10) / (dim / 8) / VDB_BLOCK * VDB_BLOCK, &tables);
		blocks("memory", dim, memory / (dim / 8) / VDB_BLOCK * VDB_BLOCK, &tables);
		products(dim);
		rows("L2", dim, (384 << 10) / dim, &weights, false);
		rows("memory", dim, memory / dim, &weights, false);
		rows("random", dim, memory / dim, &weights, true);
		fflush(stdout);
	}
	return 0;
}
