/*
 * gemm.c
 *	  How near blocks of rows against centroids come to the multiply-adds that
 *	  the processor can do.
 *
 * The roof is measured beside, in turn with the kernels: independent
 * multiply-adds of the widest registers (half of it for AVX2 where those are
 * of AVX-512).  Copying the rows into blocks is part of the time.
 * test/bench/run-cluster --kernel builds it for this machine and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kernel.h"

#define NROWS (40 * VDB_GEMM_BLOCK)
#define NTRIES 15

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX2__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
typedef float Register __attribute__((vector_size(WIDTH * 4)));

#if defined(__aarch64__)
#define IN_REGISTER "+w"
#else
#define IN_REGISTER "+v"
#endif

static volatile float sink;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* Multiply-adds of floats a second; enough at a time to hide their latency. */
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
static __attribute__((noinline)) double
roof(void)
{
	Register	x = {1.0f},
				y = {0.5f};
	double		start = now();

#define DECLARE(k) Register s##k = {0};
#define MULTIPLY_ADD(k) s##k = s##k * x + y; __asm__ volatile("" : IN_REGISTER(s##k));
#define SINK(k) sink += s##k[0];
	TWELVE(DECLARE)
	for (int i = 0; i < 200000; i++)
	{
		TWELVE(MULTIPLY_ADD)
	}
	TWELVE(SINK)
	return 200000.0 * 12 * WIDTH / (now() - start);
}

/* Seconds for the nearest few of all rows; few is 0 for the nearest one. */
static double
run(const VdbGemm *gemm, const float *rows, size_t dim, size_t k, size_t few,
	const float *panels, const float *shift, float *block)
{
	double		start = now();

	for (size_t first = 0; first < NROWS; first += VDB_GEMM_BLOCK)
	{
		const float *pointers[VDB_GEMM_BLOCK];
		float		rank[VDB_GEMM_BLOCK * 8];
		uint32_t	index[VDB_GEMM_BLOCK * 8];

		for (size_t i = 0; i < VDB_GEMM_BLOCK; i++)
			pointers[i] = rows + (first + i) * dim;
		for (size_t i = 0; i < VDB_GEMM_BLOCK * 8; i++)
			rank[i] = INFINITY;
		gemm->pack_rows(pointers, VDB_GEMM_BLOCK, dim, 1, shift, block);
		if (few == 0)
			gemm->nearest(block, VDB_GEMM_BLOCK, dim, panels, vdb_gemm_panels(gemm, k), 0, rank, index);
		else
			gemm->nearest_few(block, VDB_GEMM_BLOCK, dim, panels, vdb_gemm_panels(gemm, k), 0, few, rank, index);
		sink += rank[0];
	}
	return now() - start;
}

static void
measure(const VdbKernels *kernels, size_t dim)
{
	const VdbGemm *gemm = &kernels->gemm;
	size_t		k = dim > 4000 ? 256 : 608;
	float	   *rows = malloc(NROWS * dim * sizeof(float)),
			   *centroids = malloc(k * dim * sizeof(float)),
			   *panels = malloc(vdb_gemm_panels(gemm, k) * vdb_gemm_panel_floats(gemm, dim) * sizeof(float)),
			   *block = malloc(vdb_gemm_block_floats(dim) * sizeof(float)),
			   *shift = calloc(dim, sizeof(float));
	static const size_t fews[] = {0, 4, 8};
	double		best[3] = {0},
				most = 0;

	for (size_t i = 0; i < NROWS * dim; i++)
		rows[i] = (float) rand() / (float) RAND_MAX;
	for (size_t i = 0; i < k * dim; i++)
		centroids[i] = (float) rand() / (float) RAND_MAX;
	vdb_gemm_pack(gemm, centroids, k, dim, 1, shift, NULL, panels);
	for (int try = 0; try < NTRIES; try++)
	{
		double		speed = roof();

		most = speed > most ? speed : most;
		for (int i = 0; i < 3; i++)
		{
			speed = (double) NROWS * (double) k * (double) dim /
				run(gemm, rows, dim, k, fews[i], panels, shift, block);
			best[i] = speed > best[i] ? speed : best[i];
		}
	}
	if (WIDTH == 16 && strcmp(kernels->name, "avx2") == 0)
		most /= 2;
	printf("%-8s %6zu %8.1f %8.1f %6.0f%% %6.0f%% %6.0f%%\n", kernels->name, dim, most / 1e9, best[0] / 1e9,
		   best[0] / most * 100, best[1] / most * 100, best[2] / most * 100);
	fflush(stdout);
	free(rows);
	free(centroids);
	free(panels);
	free(block);
	free(shift);
}

int
main(void)
{
	static const size_t dims[] = {32, 128, 384, 768, 1536, 4099, 16000};

	printf("1e9 multiply-adds a second; part of the roof for the nearest 1, 4, 8\n");
	printf("%-8s %6s %8s %8s %7s %7s %7s\n", "set", "dim", "roof", "nearest", "1", "4", "8");
	for (int isa = 1; vdb_kernel_name(isa) != NULL && isa <= 2; isa++)
	{
		VdbKernels	kernels;

		for (size_t d = 0; d < sizeof(dims) / sizeof(dims[0]) && vdb_kernel_get(isa, &kernels); d++)
			measure(&kernels, dims[d]);
	}
	return 0;
}
