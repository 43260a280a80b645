/*
 * avx512_ops.h
 *	  What the files of the AVX-512 sets share: loads, sums and bit logic.
 *
 * Included after VDB_KERNEL_TARGET, so that each file compiles its own.
 */
#ifndef VDB_AVX512_OPS_H
#define VDB_AVX512_OPS_H

#include "kernel/kernel_isa.h"

#include <immintrin.h>

/* ---- int8, widened to 16 bits; sums of pairs in 32 bits ---- */

VDB_INLINE __m512i
zero_i8(void)
{
	return _mm512_setzero_si512();
}

VDB_INLINE __m512i
add_i8(__m512i a, __m512i b)
{
	return _mm512_add_epi32(a, b);
}

VDB_INLINE double
sum_i8(__m512i a)
{
	return _mm512_reduce_add_epi32(a);
}

VDB_INLINE __m256i
fold_i8(__m512i a)
{
	return _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
}

VDB_INLINE void
sum4_i8(__m512i a, __m512i b, __m512i c, __m512i d, float *out)
{
	__m256i		s = _mm256_hadd_epi32(_mm256_hadd_epi32(fold_i8(a), fold_i8(b)),
									  _mm256_hadd_epi32(fold_i8(c), fold_i8(d)));

	_mm_storeu_ps(out, _mm_cvtepi32_ps(_mm_add_epi32(_mm256_castsi256_si128(s),
													 _mm256_extracti128_si256(s, 1))));
}

VDB_INLINE double
cosine_i8(double dot, double aa, double bb)
{
	return vdb_dist_cosine(dot, aa, bb);
}

VDB_INLINE __m512i
load_i8(const int8_t *p)
{
	return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *) p));
}

VDB_INLINE __m512i
load_tail_i8(const int8_t *p, size_t n)
{
	return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((__mmask32) ((1ULL << n) - 1), p));
}

/* ---- bits; accumulators of 64 bits ---- */

VDB_INLINE __m512i
zero_bits(void)
{
	return _mm512_setzero_si512();
}

VDB_INLINE __m512i
and_bits(__m512i a, __m512i b)
{
	return _mm512_and_si512(a, b);
}

VDB_INLINE __m512i
or_bits(__m512i a, __m512i b)
{
	return _mm512_or_si512(a, b);
}

VDB_INLINE __m512i
xor_bits(__m512i a, __m512i b)
{
	return _mm512_xor_si512(a, b);
}

VDB_INLINE uint64_t
sum_bits(__m512i a)
{
	return (uint64_t) _mm512_reduce_add_epi64(a);
}

VDB_INLINE __m512i
load_bits(const uint8_t *p)
{
	return _mm512_loadu_si512(p);
}

VDB_INLINE __m512i
load_tail_bits(const uint8_t *p, size_t n)
{
	return _mm512_maskz_loadu_epi8(((__mmask64) 1 << n) - 1, p);
}

#endif							/* VDB_AVX512_OPS_H */
