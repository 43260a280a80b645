/*
 * avx512_codes.c
 *	  What codes need, for x86 with AVX-512 F, BW, DQ and VL.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>

VDB_KERNEL_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,popcnt")

#include "kernel/avx512_codes_ops.h"

/* ---- block scans ---- */

/* In a register: each use of it would otherwise load it anew. */
VDB_INLINE __m512i
load_scan(const uint8_t *p)
{
	__m512i		v = _mm512_loadu_si512(p);

	__asm__("" : "+v"(v));
	return v;
}

VDB_INLINE __m512i
zero_scan(void)
{
	return _mm512_setzero_si512();
}

VDB_INLINE __m512i
low_scan(__m512i codes)
{
	return _mm512_and_si512(codes, _mm512_set1_epi8(0x0f));
}

VDB_INLINE __m512i
high_scan(__m512i codes)
{
	return _mm512_and_si512(_mm512_srli_epi16(codes, 4), _mm512_set1_epi8(0x0f));
}

VDB_INLINE __m512i
lookup_scan(__m512i table, __m512i index)
{
	return _mm512_shuffle_epi8(table, index);
}

VDB_INLINE __m512i
add8_scan(__m512i a, __m512i b)
{
	return _mm512_add_epi8(a, b);
}

VDB_INLINE __m512i
add16_scan(__m512i a, __m512i b)
{
	return _mm512_add_epi16(a, b);
}

VDB_INLINE __m512i
odd_scan(__m512i a)
{
	return _mm512_srli_epi16(a, 8);
}

/* Sums of the 128-bit pieces of two registers, in two pieces each. */
VDB_INLINE __m512i
fold2_scan(__m512i a, __m512i b)
{
	return _mm512_add_epi16(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xee));
}

VDB_INLINE void
fold_scan(__m512i a, __m512i b, __m512i c, __m512i d, __m512 *sums)
{
	__m512i		x = fold2_scan(_mm512_sub_epi16(a, _mm512_slli_epi16(b, 8)), b);
	__m512i		y = fold2_scan(_mm512_sub_epi16(c, _mm512_slli_epi16(d, 8)), d);
	__m512i		z = _mm512_add_epi16(_mm512_shuffle_i32x4(x, y, 0x88), _mm512_shuffle_i32x4(x, y, 0xdd));

	sums[0] = _mm512_add_ps(sums[0], _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(z))));
	sums[1] = _mm512_add_ps(sums[1], _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(z, 1))));
}

VDB_INLINE __m512
fload_scan(const float *p)
{
	return _mm512_loadu_ps(p);
}

VDB_INLINE void
fstore_scan(float *p, __m512 x)
{
	_mm512_storeu_ps(p, x);
}

VDB_INLINE __m512
fset_scan(float x)
{
	return _mm512_set1_ps(x);
}

VDB_INLINE __m512
fadd_scan(__m512 a, __m512 b)
{
	return _mm512_add_ps(a, b);
}

VDB_INLINE __m512
fma_scan(__m512 a, __m512 b, __m512 c)
{
	return _mm512_fmadd_ps(a, b, c);
}

VDB_INLINE __m512
fnma_scan(__m512 a, __m512 b, __m512 c)
{
	return _mm512_fnmadd_ps(a, b, c);
}

VDB_INLINE __m512
fabs_scan(__m512 a)
{
	return _mm512_abs_ps(a);
}

VDB_INLINE uint32_t
fless_scan(__m512 a, __m512 b)
{
	return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

#define BODY(name) name##_avx512
#define VEC __m512i
#define TABLES 4
#define FVEC __m512
#define LANES 16
#define OP(name) name##_scan
#include "kernel/scan_body.h"

/* ---- inner products with codes, in pairs of 16 bits ---- */

typedef struct Halves
{
	__m512i		first,
				second;
} Halves;

VDB_INLINE Halves
weights_dot(const VdbWeights *weights, size_t i)
{
	return (Halves) {_mm512_loadu_si512(weights->whole + i), _mm512_loadu_si512(weights->whole + i + 32)};
}

VDB_INLINE __m512i
dot_dot(__m512i acc, Halves q, __m512i c)
{
	acc = _mm512_add_epi32(acc, _mm512_madd_epi16(q.first, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(c))));
	return _mm512_add_epi32(acc, _mm512_madd_epi16(q.second, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(c, 1))));
}

#define BODY(name) name##_avx512
#define QUERY Halves
#define CODES __m512i
#define ACC __m512i
#define OP(name) name##_dot
#include "kernel/dot_body.h"

/* ---- rotation ---- */

VDB_INLINE __m512
flip_rotate(__m512 x, uint32_t bits)
{
	__m512i		sign = _mm512_maskz_set1_epi32((__mmask16) bits, INT32_MIN);

	return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(x), sign));
}

#define STEP(swapped, upper) \
	x = _mm512_add_ps(swapped, flip_rotate(x, upper))

VDB_INLINE __m512
inside_rotate(__m512 x)
{
	STEP(_mm512_permute_ps(x, 0xb1), 0xaaaa);
	STEP(_mm512_permute_ps(x, 0x4e), 0xcccc);
	STEP(_mm512_shuffle_f32x4(x, x, 0xb1), 0xf0f0);
	STEP(_mm512_shuffle_f32x4(x, x, 0x4e), 0xff00);
	return x;
}

#define load_rotate fload_scan
#define store_rotate fstore_scan
#define set_rotate fset_scan
#define add_rotate fadd_scan
#define sub_rotate(a, b) _mm512_sub_ps(a, b)
#define mul_rotate(a, b) _mm512_mul_ps(a, b)

#define BODY(name) name##_avx512
#define VEC __m512
#define LANES 16
#define OP(name) name##_rotate
#include "kernel/hadamard_body.h"

/* ---- codes ---- */

#define BODY(name) name##_avx512
#include "kernel/encode_body.h"

void
vdb_kernel_put_avx512_codes(VdbKernels *kernels)
{
	kernels->scan_factors = scan_factors_avx512;
	kernels->scan_plain = scan_plain_avx512;
	put_dot_avx512(kernels);
	kernels->flip = flip_avx512;
	kernels->butterfly = butterfly_avx512;
	kernels->hadamard = hadamard_avx512;
	kernels->encode_bytes = encode_bytes_avx512;
	kernels->encode_bits = encode_bits_avx512;
}

VDB_KERNEL_TARGET_END
#endif
