/*
 * kernel_isa.h
 *	  What the files of the instruction sets and the dispatcher share.
 *
 * Each instruction set is one file, with one function that puts its kernels
 * over those already in the table.  A file for another architecture, or one
 * that the compiler cannot build, is empty.
 */
#ifndef VDB_KERNEL_ISA_H
#define VDB_KERNEL_ISA_H

#include "kernel/kernel.h"

#if defined(__x86_64__)
#define VDB_KERNEL_X86 1
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define VDB_KERNEL_NEON 1
#endif

/*
 * VDB_KERNEL_TARGET("avx2,fma") lets what follows in the file use those
 * instructions, and the compiler too: nothing above it may be a function that
 * runs on any CPU.  In the file rather than in the Makefile, so that any
 * build of the file is right.
 */
#define VDB_PRAGMA(x) _Pragma(#x)
#if defined(__clang__)
#define VDB_KERNEL_TARGET(features) \
	VDB_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define VDB_KERNEL_TARGET_END VDB_PRAGMA(clang attribute pop)
#else
#define VDB_KERNEL_TARGET(features) VDB_PRAGMA(GCC target(features))
#define VDB_KERNEL_TARGET_END
#endif

#define VDB_INLINE static inline __attribute__((always_inline))

/* How much of a row to prefetch: the hardware sees the rest coming. */
#define VDB_PREFETCH_BYTES 512

/*
 * Cosine distance from sums made in float: NaN near the ends of float's
 * range, where they may be spoilt, so that vdb_dist() asks the reference.
 */
VDB_INLINE double
vdb_cosine_from_float(double dot, double aa, double bb)
{
	if (!(aa > 1e-30 && aa < 1e37 && bb > 1e-30 && bb < 1e37))
		return NAN;
	return vdb_dist_cosine(dot, aa, bb);
}

/* Tells a loop's trip count to the compiler, which then keeps arrays that it
 * runs over in registers. */
#if defined(__clang__)
#define VDB_UNROLL VDB_PRAGMA(clang loop unroll(full))
#else
#define VDB_UNROLL VDB_PRAGMA(GCC unroll 16)
#endif

/* Blocks of rows against centroids: gemm.c has the reference. */
extern const VdbGemm vdb_gemm_scalar;
extern const VdbGemm vdb_gemm_avx2;
extern const VdbGemm vdb_gemm_avx512;
extern const VdbGemm vdb_gemm_neon;
extern const VdbGemm vdb_gemm_coarse_avx512vnni;

extern void vdb_kernel_put_avx2(VdbKernels *kernels);
extern void vdb_kernel_put_avx512(VdbKernels *kernels);
extern void vdb_kernel_put_avx512vnni(VdbKernels *kernels);
extern void vdb_kernel_put_avx512vpopcnt(VdbKernels *kernels);
extern void vdb_kernel_put_neon(VdbKernels *kernels);

/* What codes need, in files of their own, put by the functions above. */
extern void vdb_kernel_put_avx2_codes(VdbKernels *kernels);
extern void vdb_kernel_put_avx512_codes(VdbKernels *kernels);
extern void vdb_kernel_put_avx512vnni_codes(VdbKernels *kernels);
extern void vdb_kernel_put_neon_codes(VdbKernels *kernels);

extern void vdb_scan_factors_scalar(const VdbBlockScan *scan, const uint8_t *codes,
									const float *factors, size_t stride,
									size_t nblocks, float *estimate, float *lower,
									uint32_t *below);
extern void vdb_scan_plain_scalar(const VdbBlockScan *scan, const uint8_t *codes,
								  size_t stride, size_t nblocks, float *estimate,
								  uint32_t *below);
extern void vdb_dot8_scalar(const VdbWeights *weights, const void *const *rows,
							size_t nrows, size_t dim, int32_t *out);
extern void vdb_dot4_scalar(const VdbWeights *weights, const void *const *rows,
							size_t nrows, size_t dim, int32_t *out);
extern void vdb_dot2_scalar(const VdbWeights *weights, const void *const *rows,
							size_t nrows, size_t dim, int32_t *out);
extern void vdb_dot1_scalar(const VdbWeights *weights, const void *const *rows,
							size_t nrows, size_t dim, int32_t *out);
extern void vdb_flip_scalar(float *x, const uint32_t *bits, size_t n);
extern void vdb_butterfly_scalar(float *a, float *b, size_t n, float scale);
extern void vdb_hadamard_scalar(float *x, size_t n, float scale);

#endif							/* VDB_KERNEL_ISA_H */
