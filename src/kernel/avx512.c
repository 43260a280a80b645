/*
 * avx512.c
 *	  Kernels for x86 with AVX-512 F, BW, DQ and VL (Skylake-X 2017, Zen 4).
 *
 * Tails are masked loads, which touch no memory past the mask.
 */
#include "kernel/half.h"
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>

VDB_KERNEL_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,popcnt")

#include "kernel/avx512_ops.h"

/* ---- float, and half widened to float ---- */

VDB_INLINE __m512
zero_f32(void)
{
	return _mm512_setzero_ps();
}

VDB_INLINE __m512
add_f32(__m512 a, __m512 b)
{
	return _mm512_add_ps(a, b);
}

VDB_INLINE double
sum_f32(__m512 a)
{
	return _mm512_reduce_add_ps(a);
}

VDB_INLINE __m256
fold_f32(__m512 a)
{
	return _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
}

VDB_INLINE void
sum4_f32(__m512 a, __m512 b, __m512 c, __m512 d, float *out)
{
	__m256		s = _mm256_hadd_ps(_mm256_hadd_ps(fold_f32(a), fold_f32(b)),
								   _mm256_hadd_ps(fold_f32(c), fold_f32(d)));

	_mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
}

VDB_INLINE __m512
l2sq_f32(__m512 acc, __m512 x, __m512 y)
{
	__m512		d = _mm512_sub_ps(x, y);

	return _mm512_fmadd_ps(d, d, acc);
}

VDB_INLINE __m512
ip_f32(__m512 acc, __m512 x, __m512 y)
{
	return _mm512_fmadd_ps(x, y, acc);
}

VDB_INLINE __m512
l1_f32(__m512 acc, __m512 x, __m512 y)
{
	return _mm512_add_ps(acc, _mm512_abs_ps(_mm512_sub_ps(x, y)));
}

VDB_INLINE double
cosine_f32(double dot, double aa, double bb)
{
	return vdb_cosine_from_float(dot, aa, bb);
}

VDB_INLINE __mmask16
first_lanes(size_t n)
{
	return (__mmask16) ((1U << n) - 1);
}

VDB_INLINE __m512
load_f32(const float *p)
{
	return _mm512_loadu_ps(p);
}

VDB_INLINE __m512
load_tail_f32(const float *p, size_t n)
{
	return _mm512_maskz_loadu_ps(first_lanes(n), p);
}

#define BODY(name) name##_f32_avx512
#define ELEM float
#define VEC __m512
#define ACC __m512
#define LANES 16
#define OP(name) name##_f32
#include "kernel/dense_body.h"

VDB_INLINE __m512
load_f16(const uint16_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p));
}

VDB_INLINE __m512
load_tail_f16(const uint16_t *p, size_t n)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}

#define zero_f16 zero_f32
#define add_f16 add_f32
#define sum_f16 sum_f32
#define sum4_f16 sum4_f32
#define l2sq_f16 l2sq_f32
#define ip_f16 ip_f32
#define l1_f16 l1_f32
#define cosine_f16 cosine_f32

#define BODY(name) name##_f16_avx512
#define ELEM uint16_t
#define VEC __m512
#define ACC __m512
#define LANES 16
#define OP(name) name##_f16
#include "kernel/dense_body.h"

/* ---- int8, widened to 16 bits; sums of pairs in 32 bits ---- */

VDB_INLINE __m512i
l2sq_i8(__m512i acc, __m512i x, __m512i y)
{
	__m512i		d = _mm512_sub_epi16(x, y);

	return _mm512_add_epi32(acc, _mm512_madd_epi16(d, d));
}

VDB_INLINE __m512i
ip_i8(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_add_epi32(acc, _mm512_madd_epi16(x, y));
}

VDB_INLINE __m512i
l1_i8(__m512i acc, __m512i x, __m512i y)
{
	__m512i		d = _mm512_abs_epi16(_mm512_sub_epi16(x, y));

	return _mm512_add_epi32(acc, _mm512_madd_epi16(d, _mm512_set1_epi16(1)));
}

#define BODY(name) name##_i8_avx512
#define ELEM int8_t
#define VEC __m512i
#define ACC __m512i
#define LANES 32
#define OP(name) name##_i8
#include "kernel/dense_body.h"

/* ---- bits, counted by looking up half bytes, as in avx2.c ---- */

VDB_INLINE __m512i
count_bits(__m512i acc, __m512i v)
{
	const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3,
																1, 2, 2, 3, 2, 3, 3, 4));
	const __m512i low = _mm512_set1_epi8(0x0f);
	__m512i		counts = _mm512_add_epi8(_mm512_shuffle_epi8(table, _mm512_and_si512(v, low)),
										 _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(v, 4), low)));

	return _mm512_add_epi64(acc, _mm512_sad_epu8(counts, _mm512_setzero_si512()));
}

#define BODY(name) name##_bit_avx512
#define VEC __m512i
#define VBYTES 64
#define OP(name) name##_bits
#include "kernel/bit_body.h"

/* ---- sparse ---- */

VDB_INLINE __m512i
load_index_sparse(const int32_t *p, size_t n, int32_t pad)
{
	if (n >= 16)
		return _mm512_loadu_si512(p);
	return _mm512_mask_loadu_epi32(_mm512_set1_epi32(pad), first_lanes(n), p);
}

VDB_INLINE __m512
load_value_sparse(const float *p, size_t n)
{
	return n >= 16 ? load_f32(p) : load_tail_f32(p, n);
}

VDB_INLINE __m512i
rotate_index_sparse(__m512i v)
{
	return _mm512_alignr_epi32(v, v, 1);
}

VDB_INLINE __m512
rotate_value_sparse(__m512 v)
{
	return _mm512_castsi512_ps(rotate_index_sparse(_mm512_castps_si512(v)));
}

VDB_INLINE __mmask16
equal_sparse(__m512i a, __m512i b)
{
	return _mm512_cmpeq_epi32_mask(a, b);
}

VDB_INLINE __m512
keep_sparse(unsigned mask, __m512 v)
{
	return _mm512_maskz_mov_ps((__mmask16) mask, v);
}

#define zero_sparse zero_f32
#define sum_sparse sum_f32
#define l2sq_sparse l2sq_f32
#define ip_sparse ip_f32
#define l1_sparse l1_f32

#define BODY(name) name##_sparse_avx512
#define IVEC __m512i
#define VEC __m512
#define MASK __mmask16
#define LANES 16
#define OP(name) name##_sparse
#include "kernel/sparse_body.h"

void
vdb_kernel_put_avx512(VdbKernels *kernels)
{
	put_f32_avx512(kernels, VDB_F32);
	put_f16_avx512(kernels, VDB_F16);
	put_i8_avx512(kernels, VDB_I8);
	put_bit_avx512(kernels);
	put_sparse_avx512(kernels);
	vdb_kernel_put_avx512_codes(kernels);
	kernels->gemm = vdb_gemm_avx512;
}

VDB_KERNEL_TARGET_END
#endif
