/*
 * avx512_codes_ops.h
 *	  What the inner products with codes of the AVX-512 sets share: 64 codes
 *	  to a register, and sums.
 *
 * Included after VDB_KERNEL_TARGET, so that each file compiles its own.
 */
#ifndef VDB_AVX512_CODES_OPS_H
#define VDB_AVX512_CODES_OPS_H

#include "kernel/kernel_isa.h"

#include <immintrin.h>

VDB_INLINE __m512i
zero_dot(void)
{
	return _mm512_setzero_si512();
}

VDB_INLINE __m512i
unpack_dot(const uint8_t *p, int bits)
{
	__m256i		half;
	__m512i		v;

	if (bits == 8)
		return _mm512_loadu_si512(p);
	if (bits == 4)
	{
		half = _mm256_loadu_si256((const __m256i *) p);
		v = _mm512_inserti64x4(_mm512_castsi256_si512(half), _mm256_srli_epi16(half, 4), 1);
		return _mm512_and_si512(v, _mm512_set1_epi8(0x0f));
	}
	if (bits == 1)
	{
		v = _mm512_broadcastq_epi64(_mm_loadu_si64(p));
		v = _mm512_srlv_epi64(v, _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
		return _mm512_and_si512(v, _mm512_set1_epi8(0x01));
	}
	v = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *) p));
	v = _mm512_srlv_epi64(v, _mm512_setr_epi64(0, 0, 2, 2, 4, 4, 6, 6));
	return _mm512_and_si512(v, _mm512_set1_epi8(0x03));
}

VDB_INLINE __m512i
tail_dot(const uint8_t *p, size_t n)
{
	return _mm512_maskz_loadu_epi8(((__mmask64) 1 << n) - 1, p);
}

VDB_INLINE __m256i
fold_dot(__m512i a)
{
	return _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
}

VDB_INLINE void
sum4_dot(__m512i a, __m512i b, __m512i c, __m512i d, int32_t *out)
{
	__m256i		s = _mm256_hadd_epi32(_mm256_hadd_epi32(fold_dot(a), fold_dot(b)),
									  _mm256_hadd_epi32(fold_dot(c), fold_dot(d)));

	_mm_storeu_si128((__m128i *) out, _mm_add_epi32(_mm256_castsi256_si128(s),
													_mm256_extracti128_si256(s, 1)));
}

#endif							/* VDB_AVX512_CODES_OPS_H */
