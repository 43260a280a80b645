/*
 * gemm_avx512.c
 *	  Blocks of rows against centroids, for x86 with AVX-512 F, BW, DQ and VL.
 *
 * Tiles of 12 rows by 2 registers: 24 accumulators of the 32 registers, and
 * centroids are used 12 times when they come from the second cache.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>
#include <string.h>

VDB_KERNEL_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,popcnt")

VDB_INLINE __m512
load_gemm(const float *p)
{
	return _mm512_loadu_ps(p);
}

VDB_INLINE __m512
fma_gemm(__m512 acc, __m512 x, __m512 y)
{
	return _mm512_fmadd_ps(x, y, acc);
}

VDB_INLINE __m512
all_gemm(float x)
{
	return _mm512_set1_ps(x);
}

VDB_INLINE __m512i
count_gemm(uint32_t first)
{
	return _mm512_add_epi32(_mm512_set1_epi32((int) first),
							_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

VDB_INLINE void
keep_gemm(__m512 *best, __m512i *at, __m512 v, __m512i i)
{
	__mmask16	less = _mm512_cmp_ps_mask(v, *best, _CMP_LT_OQ);

	*best = _mm512_mask_mov_ps(*best, less, v);
	*at = _mm512_mask_mov_epi32(*at, less, i);
}

VDB_INLINE unsigned
below_gemm(__m512 v, __m512 limit)
{
	return _mm512_cmp_ps_mask(v, limit, _CMP_LT_OQ);
}

VDB_INLINE void
store_lanes_gemm(__m512 v, float *out)
{
	_mm512_storeu_ps(out, v);
}

VDB_INLINE void
store_index_gemm(__m512i v, uint32_t *out)
{
	_mm512_storeu_si512(out, v);
}

VDB_INLINE void
shift_gemm(const float *from, float scale, const float *shift, size_t n, float *to)
{
	__mmask16	lanes = (__mmask16) ((1U << n) - 1);

	_mm512_storeu_ps(to, _mm512_fmsub_ps(_mm512_maskz_loadu_ps(lanes, from), _mm512_set1_ps(scale),
										 _mm512_maskz_loadu_ps(lanes, shift)));
}

#define BODY(name) name##_gemm_avx512
#define VEC __m512
#define IVEC __m512i
#define LANES 16
#define ROWS 12
#define VECS 2
#define OP(name) name##_gemm
#include "kernel/gemm_body.h"

const VdbGemm vdb_gemm_avx512 = GEMM_TABLE(avx512, 32);

VDB_KERNEL_TARGET_END
#endif
