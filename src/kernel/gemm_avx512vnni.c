/*
 * gemm_avx512vnni.c
 *	  Blocks of rows against centroids with 8 bits per dimension, for x86 with
 *	  AVX-512 VNNI: vpdpbusd does 64 multiply-adds, where a float one does 16.
 *
 * The layouts are in gemm.h.  Tiles of 12 rows by 2 registers, as those of
 * gemm_avx512.c.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>
#include <string.h>

VDB_KERNEL_TARGET("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,popcnt")

#define ROWS 12
#define WIDTH 32

_Static_assert(VDB_GEMM_BLOCK % ROWS == 0, "a block is whole tiles");

/* Sixteen elements from i on, scaled and shifted; zeroes beyond the end. */
VDB_INLINE __m512
element(const float *row, size_t i, size_t dim, float scale, const float *shift)
{
	__mmask16	lanes = (__mmask16) (dim - i < 16 ? (1U << (dim - i)) - 1 : 0xffff);

	return _mm512_fmsub_ps(_mm512_maskz_loadu_ps(lanes, row + i), _mm512_set1_ps(scale),
						   _mm512_maskz_loadu_ps(lanes, shift + i));
}

static void
pack_rows(const float *const *rows, size_t nrows, size_t dim, float scale,
		  const float *shift, float *block)
{
	size_t		stride = vdb_gemm_coarse_stride(dim);
	size_t		groups = vdb_gemm_coarse_groups(dim);

	for (size_t r = 0; r < (nrows + ROWS - 1) / ROWS * ROWS; r++)
	{
		VdbGemmCoarseRow *to = (VdbGemmCoarseRow *) (void *) ((char *) block + r * stride);
		__m512		most = _mm512_setzero_ps(),
					inverse;
		__m512i		sum = _mm512_setzero_si512();
		float		largest;

		if (r >= nrows)
		{
			memset(to, 0, sizeof(*to) + groups * 4);
			continue;
		}
		for (size_t i = 0; i < dim; i += 16)
			most = _mm512_max_ps(_mm512_abs_ps(element(rows[r], i, dim, scale, shift)), most);
		largest = _mm512_reduce_max_ps(most);
		to->step = largest / 127;
		inverse = _mm512_set1_ps(largest > 0 && to->step > 0 ? 127 / largest : 0);
		for (size_t i = 0; i < dim; i += 16)
		{
			__m512i		q = _mm512_cvtps_epi32(_mm512_mul_ps(element(rows[r], i, dim, scale, shift), inverse));
			size_t		left = groups * 4 - i;

			sum = _mm512_add_epi32(sum, q);
			_mm512_mask_cvtsepi32_storeu_epi8(to->codes + i, (__mmask16) (left < 16 ? (1U << left) - 1 : 0xffff), q);
		}
		to->start = -128 * _mm512_reduce_add_epi32(sum);
	}
}

/*
 * vpdpbusd: adds products of unsigned bytes with signed ones, four to a sum.
 * gcc 12 copies a sum to another register before each of its intrinsic, and then
 * has too few of them; so this says that it stays where it is.
 */
VDB_INLINE __m512i
add_products(__m512i sum, __m512i unsigned_bytes, __m512i signed_bytes)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
	return sum;
}

/* The ranks of a panel's centroids for ROWS rows. */
VDB_INLINE void
tile(const char *rows, size_t stride, const float *panel, size_t groups, __m512 ranks[ROWS][2])
{
	const char *codes = (const char *) (panel + 2 * WIDTH);
	__m512i		acc[ROWS][2];

	VDB_UNROLL
	for (int r = 0; r < ROWS; r++)
	{
		const VdbGemmCoarseRow *row = (const void *) (rows + r * stride);

		acc[r][0] = acc[r][1] = _mm512_set1_epi32(row->start);
	}
	for (size_t g = 0; g < groups; g++)
	{
		__m512i		c0 = _mm512_loadu_si512(codes + g * 128);
		__m512i		c1 = _mm512_loadu_si512(codes + g * 128 + 64);

		VDB_UNROLL
		for (int r = 0; r < ROWS; r++)
		{
			const VdbGemmCoarseRow *row = (const void *) (rows + r * stride);
			int32_t		four;
			__m512i		x;

			memcpy(&four, row->codes + 4 * g, 4);
			x = _mm512_set1_epi32(four);
			acc[r][0] = add_products(acc[r][0], c0, x);
			acc[r][1] = add_products(acc[r][1], c1, x);
		}
	}
	VDB_UNROLL
	for (int r = 0; r < ROWS; r++)
	{
		const VdbGemmCoarseRow *row = (const void *) (rows + r * stride);
		__m512		step = _mm512_set1_ps(row->step);

		VDB_UNROLL
		for (int v = 0; v < 2; v++)
			ranks[r][v] = _mm512_fmadd_ps(_mm512_mul_ps(step, _mm512_loadu_ps(panel + WIDTH + v * 16)),
										  _mm512_cvtepi32_ps(acc[r][v]),
										  _mm512_loadu_ps(panel + v * 16));
	}
}

static void
nearest(const float *block, size_t nrows, size_t dim, const float *panels, size_t npanels,
		uint32_t first, float *rank, uint32_t *index)
{
	size_t		stride = vdb_gemm_coarse_stride(dim);
	size_t		groups = vdb_gemm_coarse_groups(dim);
	const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m512		best[VDB_GEMM_BLOCK];
	__m512i		at[VDB_GEMM_BLOCK];

	for (size_t r = 0; r < VDB_GEMM_BLOCK; r++)
	{
		best[r] = _mm512_set1_ps(INFINITY);
		at[r] = _mm512_setzero_si512();
	}
	for (size_t p = 0; p < npanels; p++, first += WIDTH)
	{
		const float *panel = panels + p * WIDTH * (2 + groups);
		__m512i		low = _mm512_add_epi32(count, _mm512_set1_epi32((int) first));
		__m512i		high = _mm512_add_epi32(low, _mm512_set1_epi32(16));

		for (size_t begin = 0; begin < nrows; begin += ROWS)
		{
			__m512		ranks[ROWS][2];

			tile((const char *) block + begin * stride, stride, panel, groups, ranks);
			VDB_UNROLL
			for (size_t r = 0; r < ROWS; r++)
			{
				__mmask16	second = _mm512_cmp_ps_mask(ranks[r][1], ranks[r][0], _CMP_LT_OQ);
				__m512		lower = _mm512_mask_mov_ps(ranks[r][0], second, ranks[r][1]);
				__mmask16	less = _mm512_cmp_ps_mask(lower, best[begin + r], _CMP_LT_OQ);

				best[begin + r] = _mm512_mask_mov_ps(best[begin + r], less, lower);
				at[begin + r] = _mm512_mask_mov_epi32(at[begin + r], less,
													  _mm512_mask_mov_epi32(low, second, high));
			}
		}
	}
	for (size_t r = 0; r < nrows; r++)
	{
		float		least = _mm512_reduce_min_ps(best[r]);
		__mmask16	equal = _mm512_cmp_ps_mask(best[r], _mm512_set1_ps(least), _CMP_EQ_OQ);

		if (least < rank[r])
		{
			rank[r] = least;
			index[r] = (uint32_t) _mm512_mask_reduce_min_epi32(equal, at[r]);
		}
	}
}

const VdbGemm vdb_gemm_coarse_avx512vnni = {
	.width = WIDTH,
	.coarse = true,
	.pack_rows = pack_rows,
	.nearest = nearest
};

VDB_KERNEL_TARGET_END
#endif
