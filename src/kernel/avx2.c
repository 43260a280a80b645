/*
 * avx2.c
 *	  Kernels for x86 with AVX2, FMA and F16C (Haswell 2013, Zen 2017).
 */
#include "kernel/half.h"
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>

VDB_KERNEL_TARGET("avx2,fma,f16c,popcnt")

/* ---- float, and half widened to float ---- */

VDB_INLINE __m256
zero_f32(void)
{
	return _mm256_setzero_ps();
}

VDB_INLINE __m256
add_f32(__m256 a, __m256 b)
{
	return _mm256_add_ps(a, b);
}

VDB_INLINE double
sum_f32(__m256 a)
{
	__m128		s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	s = _mm_add_ss(s, _mm_movehdup_ps(s));
	return _mm_cvtss_f32(s);
}

VDB_INLINE void
sum4_f32(__m256 a, __m256 b, __m256 c, __m256 d, float *out)
{
	__m256		s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));

	_mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
}

VDB_INLINE __m256
l2sq_f32(__m256 acc, __m256 x, __m256 y)
{
	__m256		d = _mm256_sub_ps(x, y);

	return _mm256_fmadd_ps(d, d, acc);
}

VDB_INLINE __m256
ip_f32(__m256 acc, __m256 x, __m256 y)
{
	return _mm256_fmadd_ps(x, y, acc);
}

VDB_INLINE __m256
l1_f32(__m256 acc, __m256 x, __m256 y)
{
	return _mm256_add_ps(acc, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_sub_ps(x, y)));
}

VDB_INLINE double
cosine_f32(double dot, double aa, double bb)
{
	return vdb_cosine_from_float(dot, aa, bb);
}

/* A mask of the first n of eight lanes. */
VDB_INLINE __m256i
first_lanes(size_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int) n),
							  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

VDB_INLINE __m256
load_f32(const float *p)
{
	return _mm256_loadu_ps(p);
}

VDB_INLINE __m256
load_tail_f32(const float *p, size_t n)
{
	return _mm256_maskload_ps(p, first_lanes(n));
}

#define BODY(name) name##_f32_avx2
#define ELEM float
#define VEC __m256
#define ACC __m256
#define LANES 8
#define OP(name) name##_f32
#include "kernel/dense_body.h"

VDB_INLINE __m256
load_f16(const uint16_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p));
}

VDB_INLINE __m256
load_tail_f16(const uint16_t *p, size_t n)
{
	uint16_t	tail[8] = {0};

	memcpy(tail, p, n * sizeof(uint16_t));
	return load_f16(tail);
}

#define zero_f16 zero_f32
#define add_f16 add_f32
#define sum_f16 sum_f32
#define sum4_f16 sum4_f32
#define l2sq_f16 l2sq_f32
#define ip_f16 ip_f32
#define l1_f16 l1_f32
#define cosine_f16 cosine_f32

#define BODY(name) name##_f16_avx2
#define ELEM uint16_t
#define VEC __m256
#define ACC __m256
#define LANES 8
#define OP(name) name##_f16
#include "kernel/dense_body.h"

/* ---- int8, widened to 16 bits; sums of pairs in 32 bits ---- */

VDB_INLINE __m256i
zero_i8(void)
{
	return _mm256_setzero_si256();
}

VDB_INLINE __m256i
add_i8(__m256i a, __m256i b)
{
	return _mm256_add_epi32(a, b);
}

VDB_INLINE double
sum_i8(__m256i a)
{
	__m128i		s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));

	s = _mm_add_epi32(s, _mm_unpackhi_epi64(s, s));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 1));
	return _mm_cvtsi128_si32(s);
}

VDB_INLINE void
sum4_i8(__m256i a, __m256i b, __m256i c, __m256i d, float *out)
{
	__m256i		s = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));

	_mm_storeu_ps(out, _mm_cvtepi32_ps(_mm_add_epi32(_mm256_castsi256_si128(s),
													 _mm256_extracti128_si256(s, 1))));
}

VDB_INLINE __m256i
l2sq_i8(__m256i acc, __m256i x, __m256i y)
{
	__m256i		d = _mm256_sub_epi16(x, y);

	return _mm256_add_epi32(acc, _mm256_madd_epi16(d, d));
}

VDB_INLINE __m256i
ip_i8(__m256i acc, __m256i x, __m256i y)
{
	return _mm256_add_epi32(acc, _mm256_madd_epi16(x, y));
}

VDB_INLINE __m256i
l1_i8(__m256i acc, __m256i x, __m256i y)
{
	__m256i		d = _mm256_abs_epi16(_mm256_sub_epi16(x, y));

	return _mm256_add_epi32(acc, _mm256_madd_epi16(d, _mm256_set1_epi16(1)));
}

VDB_INLINE double
cosine_i8(double dot, double aa, double bb)
{
	return vdb_dist_cosine(dot, aa, bb);
}

VDB_INLINE __m256i
load_i8(const int8_t *p)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *) p));
}

VDB_INLINE __m256i
load_tail_i8(const int8_t *p, size_t n)
{
	int8_t		tail[16] = {0};

	memcpy(tail, p, n);
	return load_i8(tail);
}

#define BODY(name) name##_i8_avx2
#define ELEM int8_t
#define VEC __m256i
#define ACC __m256i
#define LANES 16
#define OP(name) name##_i8
#include "kernel/dense_body.h"

/*
 * ---- bits, counted by looking up half bytes ----
 *
 * Muła, Kurz and Lemire, "Faster Population Counts Using AVX2 Instructions"
 * (The Computer Journal, 2018).
 */

VDB_INLINE __m256i
zero_bits(void)
{
	return _mm256_setzero_si256();
}

VDB_INLINE __m256i
and_bits(__m256i a, __m256i b)
{
	return _mm256_and_si256(a, b);
}

VDB_INLINE __m256i
or_bits(__m256i a, __m256i b)
{
	return _mm256_or_si256(a, b);
}

VDB_INLINE __m256i
xor_bits(__m256i a, __m256i b)
{
	return _mm256_xor_si256(a, b);
}

VDB_INLINE __m256i
count_bits(__m256i acc, __m256i v)
{
	const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3,
																	 1, 2, 2, 3, 2, 3, 3, 4));
	const __m256i low = _mm256_set1_epi8(0x0f);
	__m256i		counts = _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(v, low)),
										 _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));

	return _mm256_add_epi64(acc, _mm256_sad_epu8(counts, _mm256_setzero_si256()));
}

VDB_INLINE uint64_t
sum_bits(__m256i a)
{
	__m128i		s = _mm_add_epi64(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));

	return (uint64_t) _mm_cvtsi128_si64(s) + (uint64_t) _mm_extract_epi64(s, 1);
}

VDB_INLINE __m256i
load_bits(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *) p);
}

VDB_INLINE __m256i
load_tail_bits(const uint8_t *p, size_t n)
{
	uint8_t		tail[32] = {0};

	memcpy(tail, p, n);
	return load_bits(tail);
}

#define BODY(name) name##_bit_avx2
#define VEC __m256i
#define VBYTES 32
#define OP(name) name##_bits
#include "kernel/bit_body.h"

/* ---- sparse ---- */

VDB_INLINE __m256i
load_index_sparse(const int32_t *p, size_t n, int32_t pad)
{
	__m256i		mask;

	if (n >= 8)
		return _mm256_loadu_si256((const __m256i *) p);
	mask = first_lanes(n);
	return _mm256_blendv_epi8(_mm256_set1_epi32(pad), _mm256_maskload_epi32(p, mask), mask);
}

VDB_INLINE __m256
load_value_sparse(const float *p, size_t n)
{
	return n >= 8 ? load_f32(p) : load_tail_f32(p, n);
}

VDB_INLINE __m256i
rotate_index_sparse(__m256i v)
{
	return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0));
}

VDB_INLINE __m256
rotate_value_sparse(__m256 v)
{
	return _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0));
}

VDB_INLINE unsigned
equal_sparse(__m256i a, __m256i b)
{
	return (unsigned) _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)));
}

VDB_INLINE __m256
keep_sparse(unsigned mask, __m256 v)
{
	const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
	__m256i		lanes = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int) mask), bits), bits);

	return _mm256_and_ps(v, _mm256_castsi256_ps(lanes));
}

#define zero_sparse zero_f32
#define sum_sparse sum_f32
#define l2sq_sparse l2sq_f32
#define ip_sparse ip_f32
#define l1_sparse l1_f32

#define BODY(name) name##_sparse_avx2
#define IVEC __m256i
#define VEC __m256
#define MASK unsigned
#define LANES 8
#define OP(name) name##_sparse
#include "kernel/sparse_body.h"

/* ---- conversions ---- */

static void
f16_to_f32_avx2(const uint16_t *from, float *to, size_t n)
{
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(to + i, load_f16(from + i));
	for (; i < n; i++)
		to[i] = vdb_half_to_float(vdb_half_at(from + i));
}

static void
f32_to_f16_avx2(const float *from, uint16_t *to, size_t n)
{
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		_mm_storeu_si128((__m128i *) (to + i),
						 _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
	for (; i < n; i++)
		to[i] = vdb_float_to_half(from[i]);
}

void
vdb_kernel_put_avx2(VdbKernels *kernels)
{
	put_f32_avx2(kernels, VDB_F32);
	put_f16_avx2(kernels, VDB_F16);
	put_i8_avx2(kernels, VDB_I8);
	put_bit_avx2(kernels);
	put_sparse_avx2(kernels);
	kernels->f16_to_f32 = f16_to_f32_avx2;
	kernels->f32_to_f16 = f32_to_f16_avx2;
	vdb_kernel_put_avx2_codes(kernels);
	kernels->gemm = vdb_gemm_avx2;
}

VDB_KERNEL_TARGET_END
#endif
