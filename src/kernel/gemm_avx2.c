/*
 * gemm_avx2.c
 *	  Blocks of rows against centroids, for x86 with AVX2 and FMA.
 *
 * Tiles of 6 rows by 2 registers: 12 accumulators of the 16 registers.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>
#include <string.h>

VDB_KERNEL_TARGET("avx2,fma,f16c,popcnt")

VDB_INLINE __m256
load_gemm(const float *p)
{
	return _mm256_loadu_ps(p);
}

VDB_INLINE __m256
fma_gemm(__m256 acc, __m256 x, __m256 y)
{
	return _mm256_fmadd_ps(x, y, acc);
}

VDB_INLINE __m256
load_first(const float *p, size_t n)
{
	return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int) n),
													_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}

VDB_INLINE __m256
all_gemm(float x)
{
	return _mm256_set1_ps(x);
}

VDB_INLINE __m256i
count_gemm(uint32_t first)
{
	return _mm256_add_epi32(_mm256_set1_epi32((int) first),
							_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

VDB_INLINE void
keep_gemm(__m256 *best, __m256i *at, __m256 v, __m256i i)
{
	__m256		less = _mm256_cmp_ps(v, *best, _CMP_LT_OQ);

	*best = _mm256_blendv_ps(*best, v, less);
	*at = _mm256_blendv_epi8(*at, i, _mm256_castps_si256(less));
}

VDB_INLINE unsigned
below_gemm(__m256 v, __m256 limit)
{
	return (unsigned) _mm256_movemask_ps(_mm256_cmp_ps(v, limit, _CMP_LT_OQ));
}

VDB_INLINE void
store_lanes_gemm(__m256 v, float *out)
{
	_mm256_storeu_ps(out, v);
}

VDB_INLINE void
store_index_gemm(__m256i v, uint32_t *out)
{
	_mm256_storeu_si256((__m256i *) out, v);
}

VDB_INLINE void
shift_gemm(const float *from, float scale, const float *shift, size_t n, float *to)
{
	_mm256_storeu_ps(to, _mm256_fmsub_ps(load_first(from, n), _mm256_set1_ps(scale),
										 load_first(shift, n)));
}

#define BODY(name) name##_gemm_avx2
#define VEC __m256
#define IVEC __m256i
#define LANES 8
#define ROWS 6
#define VECS 2
#define OP(name) name##_gemm
#include "kernel/gemm_body.h"

const VdbGemm vdb_gemm_avx2 = GEMM_TABLE(avx2, 16);

VDB_KERNEL_TARGET_END
#endif
