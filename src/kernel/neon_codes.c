/*
 * neon_codes.c
 *	  What codes need, for 64-bit ARM.
 */
#include <string.h>

#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_NEON
#include <arm_neon.h>

/* ---- block scans ---- */

VDB_INLINE uint8x16_t
load_scan(const uint8_t *p)
{
	return vld1q_u8(p);
}

VDB_INLINE uint8x16_t
zero_scan(void)
{
	return vdupq_n_u8(0);
}

VDB_INLINE uint8x16_t
low_scan(uint8x16_t codes)
{
	return vandq_u8(codes, vdupq_n_u8(0x0f));
}

VDB_INLINE uint8x16_t
high_scan(uint8x16_t codes)
{
	return vshrq_n_u8(codes, 4);
}

VDB_INLINE uint8x16_t
lookup_scan(uint8x16_t table, uint8x16_t index)
{
	return vqtbl1q_u8(table, index);
}

VDB_INLINE uint8x16_t
add8_scan(uint8x16_t a, uint8x16_t b)
{
	return vaddq_u8(a, b);
}

VDB_INLINE uint8x16_t
add16_scan(uint8x16_t a, uint8x16_t b)
{
	return vreinterpretq_u8_u16(vaddq_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
}

VDB_INLINE uint8x16_t
odd_scan(uint8x16_t a)
{
	return vreinterpretq_u8_u16(vshrq_n_u16(vreinterpretq_u16_u8(a), 8));
}

VDB_INLINE void
widen_scan(uint16x8_t v, float32x4_t *sums)
{
	sums[0] = vaddq_f32(sums[0], vcvtq_f32_u32(vmovl_u16(vget_low_u16(v))));
	sums[1] = vaddq_f32(sums[1], vcvtq_f32_u32(vmovl_high_u16(v)));
}

VDB_INLINE void
fold_scan(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d, float32x4_t *sums)
{
	uint16x8_t	odd = vreinterpretq_u16_u8(b),
				odd2 = vreinterpretq_u16_u8(d);

	widen_scan(vsubq_u16(vreinterpretq_u16_u8(a), vshlq_n_u16(odd, 8)), sums);
	widen_scan(odd, sums + 2);
	widen_scan(vsubq_u16(vreinterpretq_u16_u8(c), vshlq_n_u16(odd2, 8)), sums + 4);
	widen_scan(odd2, sums + 6);
}

VDB_INLINE float32x4_t
fload_scan(const float *p)
{
	return vld1q_f32(p);
}

VDB_INLINE void
fstore_scan(float *p, float32x4_t x)
{
	vst1q_f32(p, x);
}

VDB_INLINE float32x4_t
fset_scan(float x)
{
	return vdupq_n_f32(x);
}

VDB_INLINE float32x4_t
fadd_scan(float32x4_t a, float32x4_t b)
{
	return vaddq_f32(a, b);
}

VDB_INLINE float32x4_t
fma_scan(float32x4_t a, float32x4_t b, float32x4_t c)
{
	return vfmaq_f32(c, a, b);
}

VDB_INLINE float32x4_t
fnma_scan(float32x4_t a, float32x4_t b, float32x4_t c)
{
	return vfmsq_f32(c, a, b);
}

VDB_INLINE float32x4_t
fabs_scan(float32x4_t a)
{
	return vabsq_f32(a);
}

VDB_INLINE uint32_t
fless_scan(float32x4_t a, float32x4_t b)
{
	static const uint32_t bits[4] = {1, 2, 4, 8};

	return vaddvq_u32(vandq_u32(vcltq_f32(a, b), vld1q_u32(bits)));
}

#define BODY(name) name##_neon
#define VEC uint8x16_t
#define TABLES 1
#define FVEC float32x4_t
#define LANES 4
#define OP(name) name##_scan
#include "kernel/scan_body.h"

/* ---- inner products with codes, widened to 16 bits ---- */

typedef struct Weights
{
	const int16_t *at;
} Weights;

typedef struct Codes
{
	uint8x16_t	part[4];
} Codes;

VDB_INLINE Weights
weights_dot(const VdbWeights *weights, size_t i)
{
	return (Weights) {weights->whole + i};
}

VDB_INLINE Codes
unpack_dot(const uint8_t *p, int bits)
{
	uint8x16_t	low = vdupq_n_u8(0x03);
	uint8x16_t	v;

	if (bits == 1)
	{
		uint8x8_t	eight = vld1_u8(p);
		uint8x16_t	bit = vdupq_n_u8(0x01);

		/* of each byte the lowest two bits, then the next two */
		v = vcombine_u8(eight, vshr_n_u8(eight, 1));
		return (Codes) {{vandq_u8(v, bit), vandq_u8(vshrq_n_u8(v, 2), bit),
				vandq_u8(vshrq_n_u8(v, 4), bit), vandq_u8(vshrq_n_u8(v, 6), bit)}};
	}
	v = vld1q_u8(p);
	if (bits == 8)
		return (Codes) {{v, vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}};
	if (bits == 4)
		return (Codes) {{low_scan(v), low_scan(vld1q_u8(p + 16)), high_scan(v), high_scan(vld1q_u8(p + 16))}};
	return (Codes) {{vandq_u8(v, low), vandq_u8(vshrq_n_u8(v, 2), low),
			vandq_u8(vshrq_n_u8(v, 4), low), vshrq_n_u8(v, 6)}};
}

VDB_INLINE Codes
tail_dot(const uint8_t *p, size_t n)
{
	uint8_t		tail[64] = {0};

	memcpy(tail, p, n);
	return unpack_dot(tail, 8);
}

VDB_INLINE int32x4_t
zero_dot(void)
{
	return vdupq_n_s32(0);
}

VDB_INLINE int32x4_t
dot_dot(int32x4_t acc, Weights q, Codes c)
{
	for (int i = 0; i < 4; i++)
	{
		int16x8_t	low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(c.part[i])));
		int16x8_t	high = vreinterpretq_s16_u16(vmovl_high_u8(c.part[i]));
		int16x8_t	first = vld1q_s16(q.at + 16 * i),
					second = vld1q_s16(q.at + 16 * i + 8);

		acc = vmlal_s16(acc, vget_low_s16(first), vget_low_s16(low));
		acc = vmlal_high_s16(acc, first, low);
		acc = vmlal_s16(acc, vget_low_s16(second), vget_low_s16(high));
		acc = vmlal_high_s16(acc, second, high);
	}
	return acc;
}

VDB_INLINE void
sum4_dot(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, int32_t *out)
{
	vst1q_s32(out, vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)));
}

#define BODY(name) name##_neon
#define QUERY Weights
#define CODES Codes
#define ACC int32x4_t
#define OP(name) name##_dot
#include "kernel/dot_body.h"

/* ---- rotation ---- */

VDB_INLINE float32x4_t
flip_rotate(float32x4_t x, uint32_t bits)
{
	static const int32_t by[4] = {31, 30, 29, 28};
	uint32x4_t	sign = vshlq_u32(vdupq_n_u32(bits), vld1q_s32(by));

	sign = vandq_u32(sign, vdupq_n_u32(0x80000000U));
	return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x), sign));
}

VDB_INLINE float32x4_t
inside_rotate(float32x4_t x)
{
	x = vaddq_f32(vrev64q_f32(x), flip_rotate(x, 0xa));
	return vaddq_f32(vextq_f32(x, x, 2), flip_rotate(x, 0xc));
}

#define load_rotate fload_scan
#define store_rotate fstore_scan
#define set_rotate fset_scan
#define add_rotate fadd_scan
#define sub_rotate(a, b) vsubq_f32(a, b)
#define mul_rotate(a, b) vmulq_f32(a, b)

#define BODY(name) name##_neon
#define VEC float32x4_t
#define LANES 4
#define OP(name) name##_rotate
#include "kernel/hadamard_body.h"

/* ---- codes ---- */

#define BODY(name) name##_neon
#include "kernel/encode_body.h"

void
vdb_kernel_put_neon_codes(VdbKernels *kernels)
{
	kernels->scan_factors = scan_factors_neon;
	kernels->scan_plain = scan_plain_neon;
	put_dot_neon(kernels);
	kernels->flip = flip_neon;
	kernels->butterfly = butterfly_neon;
	kernels->hadamard = hadamard_neon;
	kernels->encode_bytes = encode_bytes_neon;
	kernels->encode_bits = encode_bits_neon;
}

#endif
