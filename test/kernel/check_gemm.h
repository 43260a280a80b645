/*
 * check_gemm.h
 *	  What check_gemm.c and check_cluster.c share.
 */
#ifndef VDB_CHECK_GEMM_H
#define VDB_CHECK_GEMM_H

#include "kernel/kernel.h"

/* Fewer where the CPU is slow, an emulated one say. */
#ifndef MAX_DIM
#define MAX_DIM 16000
#endif

/* Prints a line of TAP. */
extern void result(bool ok, const char *what);

/* A number in [-1, 1), the same everywhere. */
extern double random_unit(void);

/* Bytes that end where the readable memory ends, but for rounding to 8. */
extern void *guarded(size_t bytes);
extern void unguard(void *p, size_t bytes);

extern void check_gemm(const VdbKernels *k);

#endif							/* VDB_CHECK_GEMM_H */
