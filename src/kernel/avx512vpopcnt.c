/*
 * avx512vpopcnt.c
 *	  What AVX-512 VPOPCNTDQ adds (Ice Lake 2019, Zen 4): bits counted by one
 *	  instruction.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>

VDB_KERNEL_TARGET("avx512vpopcntdq,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,popcnt")

#include "kernel/avx512_ops.h"

VDB_INLINE __m512i
count_bits(__m512i acc, __m512i v)
{
	return _mm512_add_epi64(acc, _mm512_popcnt_epi64(v));
}

#define BODY(name) name##_bit_avx512vpopcnt
#define VEC __m512i
#define VBYTES 64
#define OP(name) name##_bits
#include "kernel/bit_body.h"

void
vdb_kernel_put_avx512vpopcnt(VdbKernels *kernels)
{
	put_bit_avx512vpopcnt(kernels);
}

VDB_KERNEL_TARGET_END
#endif
