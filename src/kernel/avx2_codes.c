/*
 * avx2_codes.c
 *	  What codes need, for x86 with AVX2 and FMA.
 */
#include <string.h>

#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>

VDB_KERNEL_TARGET("avx2,fma,f16c,popcnt")

/* ---- block scans ---- */

VDB_INLINE __m256i
load_scan(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *) p);
}

VDB_INLINE __m256i
zero_scan(void)
{
	return _mm256_setzero_si256();
}

VDB_INLINE __m256i
low_scan(__m256i codes)
{
	return _mm256_and_si256(codes, _mm256_set1_epi8(0x0f));
}

VDB_INLINE __m256i
high_scan(__m256i codes)
{
	return _mm256_and_si256(_mm256_srli_epi16(codes, 4), _mm256_set1_epi8(0x0f));
}

VDB_INLINE __m256i
lookup_scan(__m256i table, __m256i index)
{
	return _mm256_shuffle_epi8(table, index);
}

VDB_INLINE __m256i
add8_scan(__m256i a, __m256i b)
{
	return _mm256_add_epi8(a, b);
}

VDB_INLINE __m256i
add16_scan(__m256i a, __m256i b)
{
	return _mm256_add_epi16(a, b);
}

VDB_INLINE __m256i
odd_scan(__m256i a)
{
	return _mm256_srli_epi16(a, 8);
}

VDB_INLINE void
widen_scan(__m128i v, __m256 *sum)
{
	*sum = _mm256_add_ps(*sum, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(v)));
}

VDB_INLINE void
fold_scan(__m256i a, __m256i b, __m256i c, __m256i d, __m256 *sums)
{
	__m256i		even = _mm256_sub_epi16(a, _mm256_slli_epi16(b, 8));
	__m256i		even2 = _mm256_sub_epi16(c, _mm256_slli_epi16(d, 8));

	even = _mm256_add_epi16(_mm256_permute2x128_si256(even, b, 0x20), _mm256_permute2x128_si256(even, b, 0x31));
	even2 = _mm256_add_epi16(_mm256_permute2x128_si256(even2, d, 0x20), _mm256_permute2x128_si256(even2, d, 0x31));
	widen_scan(_mm256_castsi256_si128(even), &sums[0]);
	widen_scan(_mm256_extracti128_si256(even, 1), &sums[1]);
	widen_scan(_mm256_castsi256_si128(even2), &sums[2]);
	widen_scan(_mm256_extracti128_si256(even2, 1), &sums[3]);
}

VDB_INLINE __m256
fload_scan(const float *p)
{
	return _mm256_loadu_ps(p);
}

VDB_INLINE void
fstore_scan(float *p, __m256 x)
{
	_mm256_storeu_ps(p, x);
}

VDB_INLINE __m256
fset_scan(float x)
{
	return _mm256_set1_ps(x);
}

VDB_INLINE __m256
fadd_scan(__m256 a, __m256 b)
{
	return _mm256_add_ps(a, b);
}

VDB_INLINE __m256
fma_scan(__m256 a, __m256 b, __m256 c)
{
	return _mm256_fmadd_ps(a, b, c);
}

VDB_INLINE __m256
fnma_scan(__m256 a, __m256 b, __m256 c)
{
	return _mm256_fnmadd_ps(a, b, c);
}

VDB_INLINE __m256
fabs_scan(__m256 a)
{
	return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

VDB_INLINE uint32_t
fless_scan(__m256 a, __m256 b)
{
	return (uint32_t) _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

#define BODY(name) name##_avx2
#define VEC __m256i
#define TABLES 2
#define FVEC __m256
#define LANES 8
#define OP(name) name##_scan
#include "kernel/scan_body.h"

/* ---- inner products with codes, in pairs of 16 bits ---- */

typedef struct Weights
{
	const int16_t *at;
} Weights;

typedef struct Codes
{
	__m256i		first,			/* of 64 bytes */
				second;
} Codes;

VDB_INLINE Weights
weights_dot(const VdbWeights *weights, size_t i)
{
	return (Weights) {weights->whole + i};
}

VDB_INLINE Codes
unpack_dot(const uint8_t *p, int bits)
{
	__m256i		v;

	if (bits == 8)
		return (Codes) {load_scan(p), load_scan(p + 32)};
	if (bits == 4)
	{
		v = load_scan(p);
		return (Codes) {low_scan(v), high_scan(v)};
	}
	if (bits == 1)
	{
		v = _mm256_broadcastq_epi64(_mm_loadu_si64(p));
		return (Codes) {_mm256_and_si256(_mm256_srlv_epi64(v, _mm256_setr_epi64x(0, 1, 2, 3)), _mm256_set1_epi8(0x01)),
			_mm256_and_si256(_mm256_srlv_epi64(v, _mm256_setr_epi64x(4, 5, 6, 7)), _mm256_set1_epi8(0x01))};
	}
	v = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *) p));
	v = _mm256_srlv_epi64(v, _mm256_setr_epi64x(0, 0, 2, 2));
	return (Codes) {_mm256_and_si256(v, _mm256_set1_epi8(0x03)),
		_mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x03))};
}

VDB_INLINE Codes
tail_dot(const uint8_t *p, size_t n)
{
	uint8_t		tail[64] = {0};

	memcpy(tail, p, n);
	return unpack_dot(tail, 8);
}

VDB_INLINE __m256i
zero_dot(void)
{
	return _mm256_setzero_si256();
}

VDB_INLINE __m256i
dot16(__m256i acc, const int16_t *q, __m128i codes)
{
	__m256i		weights = _mm256_loadu_si256((const __m256i *) q);

	return _mm256_add_epi32(acc, _mm256_madd_epi16(weights, _mm256_cvtepu8_epi16(codes)));
}

VDB_INLINE __m256i
dot_dot(__m256i acc, Weights q, Codes c)
{
	acc = dot16(acc, q.at, _mm256_castsi256_si128(c.first));
	acc = dot16(acc, q.at + 16, _mm256_extracti128_si256(c.first, 1));
	acc = dot16(acc, q.at + 32, _mm256_castsi256_si128(c.second));
	return dot16(acc, q.at + 48, _mm256_extracti128_si256(c.second, 1));
}

VDB_INLINE void
sum4_dot(__m256i a, __m256i b, __m256i c, __m256i d, int32_t *out)
{
	__m256i		s = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));

	_mm_storeu_si128((__m128i *) out, _mm_add_epi32(_mm256_castsi256_si128(s),
													_mm256_extracti128_si256(s, 1)));
}

#define BODY(name) name##_avx2
#define QUERY Weights
#define CODES Codes
#define ACC __m256i
#define OP(name) name##_dot
#include "kernel/dot_body.h"

/* ---- rotation ---- */

VDB_INLINE __m256
flip_rotate(__m256 x, uint32_t bits)
{
	__m256i		sign = _mm256_sllv_epi32(_mm256_set1_epi32((int) bits),
										 _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24));

	sign = _mm256_and_si256(sign, _mm256_set1_epi32(INT32_MIN));
	return _mm256_xor_ps(x, _mm256_castsi256_ps(sign));
}

#define STEP(swapped, upper) \
	x = _mm256_add_ps(swapped, flip_rotate(x, upper))

VDB_INLINE __m256
inside_rotate(__m256 x)
{
	STEP(_mm256_permute_ps(x, 0xb1), 0xaa);
	STEP(_mm256_permute_ps(x, 0x4e), 0xcc);
	STEP(_mm256_permute2f128_ps(x, x, 0x01), 0xf0);
	return x;
}

#define load_rotate fload_scan
#define store_rotate fstore_scan
#define set_rotate fset_scan
#define add_rotate fadd_scan
#define sub_rotate(a, b) _mm256_sub_ps(a, b)
#define mul_rotate(a, b) _mm256_mul_ps(a, b)

#define BODY(name) name##_avx2
#define VEC __m256
#define LANES 8
#define OP(name) name##_rotate
#include "kernel/hadamard_body.h"

/* ---- codes ---- */

#define BODY(name) name##_avx2
#include "kernel/encode_body.h"

void
vdb_kernel_put_avx2_codes(VdbKernels *kernels)
{
	kernels->scan_factors = scan_factors_avx2;
	kernels->scan_plain = scan_plain_avx2;
	put_dot_avx2(kernels);
	kernels->flip = flip_avx2;
	kernels->butterfly = butterfly_avx2;
	kernels->hadamard = hadamard_avx2;
	kernels->encode_bytes = encode_bytes_avx2;
	kernels->encode_bits = encode_bits_avx2;
}

VDB_KERNEL_TARGET_END
#endif
