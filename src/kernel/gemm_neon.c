/*
 * gemm_neon.c
 *	  Blocks of rows against centroids, for 64-bit ARM.
 *
 * Tiles of 6 rows by 4 registers: 24 accumulators of the 32 registers.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_NEON
#include <arm_neon.h>
#include <string.h>

VDB_INLINE float32x4_t
load_gemm(const float *p)
{
	return vld1q_f32(p);
}

VDB_INLINE float32x4_t
fma_gemm(float32x4_t acc, float32x4_t x, float32x4_t y)
{
	return vfmaq_f32(acc, x, y);
}

VDB_INLINE float32x4_t
load_first(const float *p, size_t n)
{
	float		first[4] = {0};

	memcpy(first, p, n * sizeof(float));
	return vld1q_f32(first);
}

VDB_INLINE float32x4_t
all_gemm(float x)
{
	return vdupq_n_f32(x);
}

VDB_INLINE uint32x4_t
count_gemm(uint32_t first)
{
	static const uint32_t lanes[4] = {0, 1, 2, 3};

	return vaddq_u32(vdupq_n_u32(first), vld1q_u32(lanes));
}

VDB_INLINE void
keep_gemm(float32x4_t *best, uint32x4_t *at, float32x4_t v, uint32x4_t i)
{
	uint32x4_t	less = vcltq_f32(v, *best);

	*best = vbslq_f32(less, v, *best);
	*at = vbslq_u32(less, i, *at);
}

VDB_INLINE unsigned
below_gemm(float32x4_t v, float32x4_t limit)
{
	static const uint32_t bits[4] = {1, 2, 4, 8};

	return vaddvq_u32(vandq_u32(vcltq_f32(v, limit), vld1q_u32(bits)));
}

VDB_INLINE void
store_lanes_gemm(float32x4_t v, float *out)
{
	vst1q_f32(out, v);
}

VDB_INLINE void
store_index_gemm(uint32x4_t v, uint32_t *out)
{
	vst1q_u32(out, v);
}

VDB_INLINE void
shift_gemm(const float *from, float scale, const float *shift, size_t n, float *to)
{
	vst1q_f32(to, vsubq_f32(vmulq_n_f32(load_first(from, n), scale), load_first(shift, n)));
}

#define BODY(name) name##_gemm_neon
#define VEC float32x4_t
#define IVEC uint32x4_t
#define LANES 4
#define ROWS 6
#define VECS 4
#define OP(name) name##_gemm
#include "kernel/gemm_body.h"

const VdbGemm vdb_gemm_neon = GEMM_TABLE(neon, 16);

#endif
