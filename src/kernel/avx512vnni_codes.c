/*
 * avx512vnni_codes.c
 *	  What AVX-512 VNNI adds for codes: bytes times bytes, in 32 bits.
 *
 * vpdpbusd wants an unsigned and a signed byte, hence a query in two parts:
 * two instructions for 64 codes, against six in 16 bits.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>

VDB_KERNEL_TARGET("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,popcnt")

#include "kernel/avx512_codes_ops.h"

typedef struct Parts
{
	__m512i		high,
				low;
} Parts;

VDB_INLINE Parts
weights_parts(const VdbWeights *weights, size_t i)
{
	return (Parts) {_mm512_loadu_si512(weights->high + i), _mm512_loadu_si512(weights->low + i)};
}

/* The two sums go in two accumulators, put together at the end. */
VDB_INLINE Parts
zero_parts(void)
{
	return (Parts) {_mm512_setzero_si512(), _mm512_setzero_si512()};
}

VDB_INLINE Parts
dot_parts(Parts acc, Parts q, __m512i c)
{
	return (Parts) {_mm512_dpbusd_epi32(acc.high, c, q.high), _mm512_dpbusd_epi32(acc.low, c, q.low)};
}

/* 128 times a sum may wrap around: the total does not. */
VDB_INLINE __m512i
whole_parts(Parts a)
{
	return _mm512_add_epi32(_mm512_slli_epi32(a.high, 7), a.low);
}

VDB_INLINE void
sum4_parts(Parts a, Parts b, Parts c, Parts d, int32_t *out)
{
	sum4_dot(whole_parts(a), whole_parts(b), whole_parts(c), whole_parts(d), out);
}

#define unpack_parts unpack_dot
#define tail_parts tail_dot

#define BODY(name) name##_avx512vnni
#define QUERY Parts
#define CODES __m512i
#define ACC Parts
#define OP(name) name##_parts
#include "kernel/dot_body.h"

void
vdb_kernel_put_avx512vnni_codes(VdbKernels *kernels)
{
	put_dot_avx512vnni(kernels);
}

VDB_KERNEL_TARGET_END
#endif
