/*
 * kernel.c
 *	  How near the distance kernels are to what the machine can do.
 *
 * For each element type, metric, dimension and place of the data (L1, L2,
 * memory, and memory in random order of the rows) it prints the time of a distance and the fraction of the roof: the
 * larger of two times that no kernel can beat on this machine, both measured
 * here, in turn with the kernels:
 *
 *	- reading the bytes of the row, with loads that feed nothing else;
 *	- the arithmetic, in registers: two operations a float for L2 (subtract,
 *	  multiply-add), one for the inner product, two for cosine.
 *
 * Build for the machine it runs on: test/bench/run-kernel does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/half.h"
#include "kernel/kernel.h"

typedef float Register __attribute__((vector_size(64)));
typedef float Vec __attribute__((vector_size(64), aligned(4), may_alias));

#define NTRIES 7

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* What is kept in cache, in the order of the rows. */
typedef struct Data
{
	const char *place;
	char	   *rows;
	const void **pointers;
	size_t		nrows;
	size_t		row_bytes;
	char	   *query;
	float	   *out;
	size_t		dim;
} Data;

static volatile float sink;

/* Eight registers by name: the compiler keeps an array of them in memory. */
#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define DECLARE(k) Register s##k = {0};
#define SINK(k) sink += s##k[0];

/* Reads each row once, and does as little with it as keeps the loads. */
static void
read_rows(const Data *d)
{
	EIGHT(DECLARE)
	for (size_t r = 0; r < d->nrows; r++)
	{
		const char *row = d->pointers[r];
		size_t		i = 0;

#define READ(k) s##k += *(const Vec *) (row + i + 64 * k);
		for (; i + 512 <= d->row_bytes; i += 512)
		{
			EIGHT(READ)
		}
		for (; i + 64 <= d->row_bytes; i += 64)
			READ(0)
	}
	EIGHT(SINK)
}

/* n multiply-adds of registers, none waiting for another. */
static __attribute__((noinline)) void
multiply_add(size_t n)
{
	Register	x = {1.0f},
				y = {0.5f};

	EIGHT(DECLARE)
#define MULTIPLY_ADD(k) s##k = s##k * x + y; __asm__ volatile("" : "+v"(s##k));
	for (size_t i = 0; i < n; i += 8)
	{
		EIGHT(MULTIPLY_ADD)
	}
	EIGHT(SINK)
}

static void
many(const Data *d, VdbElem elem, VdbMetric metric)
{
	vdb_kernel.many[elem][metric] (d->query, d->pointers, d->nrows, d->dim, d->out);
	sink += d->out[0];
}

static void
pairs(const Data *d, VdbElem elem, VdbMetric metric)
{
	double		sum = 0;

	for (size_t r = 0; r < d->nrows; r++)
		sum += vdb_kernel.pair[elem][metric] (d->query, d->pointers[r], d->dim);
	sink += (float) sum;
}

/* Seconds a row, the best of several tries of at least 20 ms each. */
#define BEST(best, nrows, call) \
	do { \
		size_t times = 1; \
		double t = 0; \
		for (; (t = now(), ({ for (size_t n_ = 0; n_ < times; n_++) call; }), now() - t) < 0.02; times *= 2) \
			; \
		t = now(); \
		for (size_t n_ = 0; n_ < times; n_++) \
			call; \
		t = (now() - t) / (double) times / (double) (nrows); \
		if (t < (best)) \
			(best) = t; \
	} while (0)

static void
fill(VdbElem elem, void *to, size_t dim, unsigned seed)
{
	for (size_t i = 0; i < dim; i++)
	{
		float		f;

		seed = seed * 1103515245 + 12345;
		f = (float) ((int) (seed >> 16 & 0xff) - 128) / 128;
		if (elem == VDB_F32)
			((float *) to)[i] = f;
		else if (elem == VDB_F16)
			((uint16_t *) to)[i] = vdb_float_to_half(f);
		else
			((int8_t *) to)[i] = (int8_t) (f * 128);
	}
}

static void
run(VdbElem elem, size_t dim, const char *place, size_t bytes, bool shuffled)
{
	static const char *const elems[] = {"f32", "f16", "i8"};
	static const char *const metrics[] = {"l2sq", "ip", "cosine", "l1"};
	static const double operations[] = {2, 1, 2, 2};
	Data		d = {.place = place, .dim = dim};
	double		reading = 1e9,
				adding = 1e9,
				pair[4] = {1e9, 1e9, 1e9, 1e9},
				row[4] = {1e9, 1e9, 1e9, 1e9};

	d.row_bytes = dim * (elem == VDB_F32 ? 4 : elem == VDB_F16 ? 2 : 1);
	d.nrows = bytes / d.row_bytes / 4 * 4;
	d.rows = aligned_alloc(64, (d.nrows * d.row_bytes + 63) / 64 * 64);
	d.pointers = malloc(d.nrows * sizeof(void *));
	d.out = malloc(d.nrows * sizeof(float));
	d.query = aligned_alloc(64, (d.row_bytes + 63) / 64 * 64);
	fill(elem, d.query, dim, 42);
	for (size_t r = 0; r < d.nrows; r++)
	{
		d.pointers[r] = d.rows + r * d.row_bytes;
		fill(elem, d.rows + r * d.row_bytes, dim, (unsigned) r);
	}
	for (size_t r = d.nrows; shuffled && r > 1; r--)
	{
		size_t		other = (r * 2654435761U) % r;
		const void *swap = d.pointers[r - 1];

		d.pointers[r - 1] = d.pointers[other];
		d.pointers[other] = swap;
	}
	for (int try = 0; try < NTRIES; try++)
	{
		BEST(reading, d.nrows, read_rows(&d));
		BEST(adding, 120000, multiply_add(120000));
		for (int m = VDB_L2SQ; m <= VDB_L1; m++)
		{
			BEST(pair[m], d.nrows, pairs(&d, elem, m));
			BEST(row[m], d.nrows, many(&d, elem, m));
		}
	}
	for (int m = VDB_L2SQ; m <= VDB_L1; m++)
	{
		/* integers have other units: for them, only the reading is a roof */
		double		arithmetic = elem == VDB_I8 ? 0 : adding * operations[m] * (double) dim / 16;
		double		roof = arithmetic > reading ? arithmetic : reading;

		printf("%-4s %-6s %5zu %-7s %8.1f %8.1f %8.1f %-10s %5.0f%% %5.0f%% %8.1f\n",
			   elems[elem], metrics[m], dim, place, pair[m] * 1e9, row[m] * 1e9, roof * 1e9,
			   arithmetic > reading ? "arithmetic" : "reading",
			   roof / pair[m] * 100, roof / row[m] * 100, (double) d.row_bytes / row[m] / 1e9);
	}
	fflush(stdout);
	free(d.rows);
	free(d.pointers);
	free(d.out);
	free(d.query);
}

int
main(int argc, char **argv)
{
	static const size_t dims[] = {128, 768, 1536};
	size_t		memory = (argc > 1 ? strtoul(argv[1], NULL, 10) : 256) << 20;

	vdb_kernel_select(vdb_kernel_best());
	printf("instruction set: %s; ns a distance; roof of the many-row form\n", vdb_kernel.name);
	printf("elem metric   dim place       pair     many     roof which       pair   many many GB/s\n");
	for (VdbElem elem = VDB_F32; elem <= VDB_I8; elem++)
		for (int i = 0; i < 3; i++)
		{
			run(elem, dims[i], "L1", 24 << 10, false);
			run(elem, dims[i], "L2", 512 << 10, false);
			run(elem, dims[i], "memory", memory, false);
			run(elem, dims[i], "random", memory, true);
		}
	return 0;
}
