/*
 * check_cluster.h
 *	  What the checks of k-means share.
 */
#ifndef VDB_CHECK_CLUSTER_H
#define VDB_CHECK_CLUSTER_H

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

extern bool finite_all(const float *v, size_t n);

extern void check_gemm(const VdbKernels *k);
extern void check_nearest(void);

#endif							/* VDB_CHECK_CLUSTER_H */
