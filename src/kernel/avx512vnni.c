/*
 * avx512vnni.c
 *	  What AVX-512 VNNI adds (Cascade Lake 2019, Ice Lake, Zen 4): int8 sums
 *	  in one instruction instead of two.
 *
 * The 16-bit form, vpdpwssd, because the 8-bit one wants an unsigned side.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <immintrin.h>

VDB_KERNEL_TARGET("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,popcnt")

#include "kernel/avx512_ops.h"

VDB_INLINE __m512i
l2sq_i8(__m512i acc, __m512i x, __m512i y)
{
	__m512i		d = _mm512_sub_epi16(x, y);

	return _mm512_dpwssd_epi32(acc, d, d);
}

VDB_INLINE __m512i
ip_i8(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_dpwssd_epi32(acc, x, y);
}

VDB_INLINE __m512i
l1_i8(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_dpwssd_epi32(acc, _mm512_abs_epi16(_mm512_sub_epi16(x, y)),
							   _mm512_set1_epi16(1));
}

#define BODY(name) name##_i8_avx512vnni
#define ELEM int8_t
#define VEC __m512i
#define ACC __m512i
#define LANES 32
#define OP(name) name##_i8
#include "kernel/dense_body.h"

void
vdb_kernel_put_avx512vnni(VdbKernels *kernels)
{
	put_i8_avx512vnni(kernels, VDB_I8);
	vdb_kernel_put_avx512vnni_codes(kernels);
	kernels->coarse = vdb_gemm_coarse_avx512vnni;
}

VDB_KERNEL_TARGET_END
#endif
