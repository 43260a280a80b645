/*
 * neon.c
 *	  Kernels for 64-bit ARM, all of which have NEON.
 */
#include "kernel/half.h"
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_NEON
#include <arm_neon.h>

/* ---- float, and half widened to float ---- */

VDB_INLINE float32x4_t
zero_f32(void)
{
	return vdupq_n_f32(0);
}

VDB_INLINE float32x4_t
add_f32(float32x4_t a, float32x4_t b)
{
	return vaddq_f32(a, b);
}

VDB_INLINE double
sum_f32(float32x4_t a)
{
	return vaddvq_f32(a);
}

VDB_INLINE void
sum4_f32(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d, float *out)
{
	vst1q_f32(out, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}

VDB_INLINE float32x4_t
l2sq_f32(float32x4_t acc, float32x4_t x, float32x4_t y)
{
	float32x4_t d = vsubq_f32(x, y);

	return vfmaq_f32(acc, d, d);
}

VDB_INLINE float32x4_t
ip_f32(float32x4_t acc, float32x4_t x, float32x4_t y)
{
	return vfmaq_f32(acc, x, y);
}

VDB_INLINE float32x4_t
l1_f32(float32x4_t acc, float32x4_t x, float32x4_t y)
{
	return vaddq_f32(acc, vabdq_f32(x, y));
}

VDB_INLINE double
cosine_f32(double dot, double aa, double bb)
{
	return vdb_cosine_from_float(dot, aa, bb);
}

VDB_INLINE float32x4_t
load_f32(const float *p)
{
	return vld1q_f32(p);
}

VDB_INLINE float32x4_t
load_tail_f32(const float *p, size_t n)
{
	float		tail[4] = {0};

	memcpy(tail, p, n * sizeof(float));
	return vld1q_f32(tail);
}

#define BODY(name) name##_f32_neon
#define ELEM float
#define VEC float32x4_t
#define ACC float32x4_t
#define LANES 4
#define OP(name) name##_f32
#include "kernel/dense_body.h"

VDB_INLINE float32x4_t
load_f16(const uint16_t *p)
{
	return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

VDB_INLINE float32x4_t
load_tail_f16(const uint16_t *p, size_t n)
{
	uint16_t	tail[4] = {0};

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

#define BODY(name) name##_f16_neon
#define ELEM uint16_t
#define VEC float32x4_t
#define ACC float32x4_t
#define LANES 4
#define OP(name) name##_f16
#include "kernel/dense_body.h"

/* ---- int8, widened to 16 bits; sums in 32 bits ---- */

VDB_INLINE int32x4_t
zero_i8(void)
{
	return vdupq_n_s32(0);
}

VDB_INLINE int32x4_t
add_i8(int32x4_t a, int32x4_t b)
{
	return vaddq_s32(a, b);
}

VDB_INLINE double
sum_i8(int32x4_t a)
{
	return vaddvq_s32(a);
}

VDB_INLINE void
sum4_i8(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, float *out)
{
	vst1q_f32(out, vcvtq_f32_s32(vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d))));
}

VDB_INLINE int32x4_t
ip_i8(int32x4_t acc, int16x8_t x, int16x8_t y)
{
	acc = vmlal_s16(acc, vget_low_s16(x), vget_low_s16(y));
	return vmlal_high_s16(acc, x, y);
}

VDB_INLINE int32x4_t
l2sq_i8(int32x4_t acc, int16x8_t x, int16x8_t y)
{
	int16x8_t	d = vsubq_s16(x, y);

	return ip_i8(acc, d, d);
}

VDB_INLINE int32x4_t
l1_i8(int32x4_t acc, int16x8_t x, int16x8_t y)
{
	return vpadalq_s16(acc, vabdq_s16(x, y));
}

VDB_INLINE double
cosine_i8(double dot, double aa, double bb)
{
	return vdb_dist_cosine(dot, aa, bb);
}

VDB_INLINE int16x8_t
load_i8(const int8_t *p)
{
	return vmovl_s8(vld1_s8(p));
}

VDB_INLINE int16x8_t
load_tail_i8(const int8_t *p, size_t n)
{
	int8_t		tail[8] = {0};

	memcpy(tail, p, n);
	return load_i8(tail);
}

#define BODY(name) name##_i8_neon
#define ELEM int8_t
#define VEC int16x8_t
#define ACC int32x4_t
#define LANES 8
#define OP(name) name##_i8
#include "kernel/dense_body.h"

/* ---- bits ---- */

VDB_INLINE uint8x16_t
zero_bits(void)
{
	return vdupq_n_u8(0);
}

VDB_INLINE uint8x16_t
and_bits(uint8x16_t a, uint8x16_t b)
{
	return vandq_u8(a, b);
}

VDB_INLINE uint8x16_t
or_bits(uint8x16_t a, uint8x16_t b)
{
	return vorrq_u8(a, b);
}

VDB_INLINE uint8x16_t
xor_bits(uint8x16_t a, uint8x16_t b)
{
	return veorq_u8(a, b);
}

VDB_INLINE uint8x16_t
count_bits(uint8x16_t acc, uint8x16_t v)
{
	uint64x2_t	counts = vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(vcntq_u8(v))));

	return vreinterpretq_u8_u64(vaddq_u64(vreinterpretq_u64_u8(acc), counts));
}

VDB_INLINE uint64_t
sum_bits(uint8x16_t a)
{
	return vaddvq_u64(vreinterpretq_u64_u8(a));
}

VDB_INLINE uint8x16_t
load_bits(const uint8_t *p)
{
	return vld1q_u8(p);
}

VDB_INLINE uint8x16_t
load_tail_bits(const uint8_t *p, size_t n)
{
	uint8_t		tail[16] = {0};

	memcpy(tail, p, n);
	return vld1q_u8(tail);
}

#define BODY(name) name##_bit_neon
#define VEC uint8x16_t
#define VBYTES 16
#define OP(name) name##_bits
#include "kernel/bit_body.h"

/* ---- conversions ---- */

static void
f16_to_f32_neon(const uint16_t *from, float *to, size_t n)
{
	size_t		i = 0;

	for (; i + 4 <= n; i += 4)
		vst1q_f32(to + i, load_f16(from + i));
	for (; i < n; i++)
		to[i] = vdb_half_to_float(vdb_half_at(from + i));
}

static void
f32_to_f16_neon(const float *from, uint16_t *to, size_t n)
{
	size_t		i = 0;

	for (; i + 4 <= n; i += 4)
		vst1_u16(to + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(from + i))));
	for (; i < n; i++)
		to[i] = vdb_float_to_half(from[i]);
}

/* Sparse vectors keep the scalar merge: four lanes do not pay for all pairs. */
void
vdb_kernel_put_neon(VdbKernels *kernels)
{
	put_f32_neon(kernels, VDB_F32);
	put_f16_neon(kernels, VDB_F16);
	put_i8_neon(kernels, VDB_I8);
	put_bit_neon(kernels);
	kernels->f16_to_f32 = f16_to_f32_neon;
	kernels->f32_to_f16 = f32_to_f16_neon;
	vdb_kernel_put_neon_codes(kernels);
	kernels->gemm = vdb_gemm_neon;
}

#endif
