/*
 * kernel.h
 *	  Distance kernels: raw pointers and lengths in, numbers out.
 *
 * This is all the rest of vecdb sees of the kernels.  They know nothing of
 * PostgreSQL: no memory is allocated, nothing is raised, nothing is aligned.
 *
 * vdb_kernel holds the functions of one instruction set, empty until
 * vdb_kernel_select() fills it: the extension selects the best set of the CPU
 * when it is loaded.
 */
#ifndef VDB_KERNEL_H
#define VDB_KERNEL_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/gemm.h"

/* What a vector's elements are. */
typedef enum VdbElem
{
	VDB_F32,					/* float */
	VDB_F16,					/* IEEE 754 binary16, held in uint16_t */
	VDB_I8,						/* int8_t */
	VDB_BIT						/* bits, 8 to a byte; unused last bits are 0 */
} VdbElem;

#define VDB_NELEM (VDB_BIT + 1)

/*
 * Metrics.  Every one is a distance: the smaller, the nearer.
 *
 * F32, F16 and I8 have the first four, BIT the last two; the entries of the
 * tables below are NULL for what does not exist.
 */
typedef enum VdbMetric
{
	VDB_L2SQ,					/* squared Euclidean distance */
	VDB_IP,						/* inner product, negated */
	VDB_COSINE,					/* 1 - cosine similarity, in [0, 2] */
	VDB_L1,						/* taxicab distance */
	VDB_HAMMING,				/* number of bits that differ */
	VDB_JACCARD					/* 1 - |a and b| / |a or b|; 1 if they share none */
} VdbMetric;

#define VDB_NMETRIC (VDB_JACCARD + 1)

/*
 * The most elements a kernel takes: 255^2 * 32768 is the largest int8 sum
 * that a signed 32-bit accumulator holds.  (Bits and sparse vectors have no
 * such limit.)
 */
#define VDB_KERNEL_MAX_DIM 32768

/*
 * Distance of two vectors of dim elements (bits, for VDB_BIT).
 *
 * I8 and BIT are exact.  F32 and F16 accumulate in float: a result beyond
 * float's range is infinite or NaN.  vdb_dist() below mends that.
 */
typedef double (*VdbDistPair) (const void *a, const void *b, size_t dim);

/*
 * Distances of one query to many rows, out[i] that of rows[i].  Rows need not
 * be next to each other; what comes later in the array is prefetched.
 */
typedef void (*VdbDistMany) (const void *query, const void *const *rows,
							 size_t nrows, size_t dim, float *out);

/* A sparse vector: ascending indexes, and a value for each. */
typedef struct VdbSparse
{
	const int32_t *index;
	const float *value;
	size_t		nnz;
} VdbSparse;

typedef double (*VdbDistSparse) (const VdbSparse *a, const VdbSparse *b);

/*
 * Block scans: 32 vectors of 4-bit codes at once, each code an index into a
 * table of 16 bytes (André, Kermarrec and Le Scouarnec, "Quicker ADC", IEEE
 * TPAMI 2021).  What the codes and the sums mean is quant's business.
 *
 * A table's codes are 16 bytes: byte 2i + h has vector 8h + i in its low half
 * and vector 16 + 8h + i in its high half (i < 8, h < 2), so that the sums of
 * even and of odd bytes come out in the order of the vectors.
 *
 * Tables come in runs of 16, the last of which may be shorter.  The largest
 * entries of tables t, t + 4, t + 8 and t + 12 of a run add up to at most 255:
 * four looked-up values are added in 8 bits, which costs a third of widening
 * each of them.
 */
#define VDB_BLOCK 32			/* vectors of a block */
#define VDB_TABLE 16			/* bytes of a table, and of its codes */
#define VDB_TABLE_RUN 16		/* tables of a run */

/* Numbers of a block's vectors; each kind is VDB_BLOCK floats. */
#define VDB_BLOCK_ADD 0
#define VDB_BLOCK_RESCALE 32
#define VDB_BLOCK_ERROR 64
#define VDB_BLOCK_FACTORS 96

typedef struct VdbBlockScan
{
	const uint8_t *tables;		/* ntables of VDB_TABLE bytes */
	size_t		ntables;		/* a multiple of 4, at most 65536 */
	float		step;			/* a vector's sum of entries S stands for */
	float		bias;			/* the value v = step * S + bias */
	float		base;			/* estimate = base + add + rescale * v */
	float		error_scale;	/* lower = estimate - error_scale * error */
	float		error_floor;	/* - error_floor * |rescale| */
	float		limit;			/* the bit of a vector is lower < limit */
} VdbBlockScan;

/*
 * Estimates and lower bounds of nblocks blocks of 32, and for each block the
 * bits of the vectors whose lower bound is below the limit, vector 0 lowest.
 * Both codes and factors of the next block are stride bytes further on, and
 * aligned to 4 bytes or better.  estimate and lower have 32 floats a block.
 */
typedef void (*VdbScanFactors) (const VdbBlockScan *scan, const uint8_t *codes,
								const float *factors, size_t stride,
								size_t nblocks, float *estimate, float *lower,
								uint32_t *below);

/* The same without factors: estimate = base + v, which is also the bound. */
typedef void (*VdbScanPlain) (const VdbBlockScan *scan, const uint8_t *codes,
							  size_t stride, size_t nblocks, float *estimate,
							  uint32_t *below);

/*
 * A query in integers, for inner products with unsigned codes: its value is
 * 128 * high + low, from -16384 to 16383, low from 0 to 127.  The arrays are
 * filled up with zeroes to a multiple of VDB_WEIGHT_PAD, and the sum of the
 * magnitudes is at most VDB_WEIGHT_SUM, so that no product is beyond int32.
 */
#define VDB_WEIGHT_PAD 64
#define VDB_WEIGHT_MAX 16383
#define VDB_WEIGHT_SUM (INT32_MAX / 255)

typedef struct VdbWeights
{
	const int16_t *whole;
	const int8_t *high;
	const int8_t *low;
} VdbWeights;

/*
 * Inner products of the weights with many rows of codes of 8, 4, 2 or 1 bits,
 * exact.  Rows have any alignment.  Packing of 4, 2 and 1 bits: each run of 64
 * elements has 64 / n of its bits' pieces of n = 2, 4 or 8 elements to a byte, of
 * which piece p (lowest bits first) is element p * (64 / n) + byte; the last
 * run is filled up with zeroes to whole 64 elements.
 */
typedef void (*VdbDotMany) (const VdbWeights *weights, const void *const *rows,
							size_t nrows, size_t dim, int32_t *out);

typedef enum VdbCodeBits
{
	VDB_CODE8,
	VDB_CODE4,
	VDB_CODE2,
	VDB_CODE1
} VdbCodeBits;

#define VDB_NCODEBITS (VDB_CODE1 + 1)

/*
 * Codes of residuals, in runs of 16 dimensions.  A code of a byte is what it
 * stands for, y, plus 127.5; y is the residual times scale, rounded to halves and
 * at most 127.5.  One of a bit stands for y = 1 or, where it is 0, -1; yy is not
 * added up for it.  What each run adds to the sums over r (residual), y and c
 * (centre) goes to lanes, which the caller adds up.
 */
#define VDB_ENCODE_RUN 16
#define VDB_ENCODE_LANES 8

typedef struct VdbEncodeSums
{
	double		rr[VDB_ENCODE_LANES];
	double		ry[VDB_ENCODE_LANES];
	double		yy[VDB_ENCODE_LANES];
	double		cy[VDB_ENCODE_LANES];
} VdbEncodeSums;

typedef struct VdbKernels
{
	const char *name;			/* of the instruction set, as in the setting */

	VdbDistPair pair[VDB_NELEM][VDB_NMETRIC];
	VdbDistMany many[VDB_NELEM][VDB_NMETRIC];

	/* L2SQ, IP and L1; cosine follows from IP and the norms of the values */
	VdbDistSparse sparse[VDB_NMETRIC];

	/* conversions of n elements; to half, nearest even, may give infinity */
	void		(*f16_to_f32) (const uint16_t *from, float *to, size_t n);
	void		(*f32_to_f16) (const float *from, uint16_t *to, size_t n);

	/* block scans, and inner products with codes */
	VdbScanFactors scan_factors;
	VdbScanPlain scan_plain;
	VdbDotMany	dot_many[VDB_NCODEBITS];

	/*
	 * The parts of a rotation, all in place; the same bits from every set.
	 * flip changes the sign of x[i] where bit i % 32 of bits[i / 32] is set.
	 * butterfly makes a[i] and b[i] their sum and difference, times scale.
	 * hadamard is the Walsh-Hadamard transform of n = 2^k elements, in natural
	 * order, times scale.
	 */
	void		(*flip) (float *x, const uint32_t *bits, size_t n);
	void		(*butterfly) (float *a, float *b, size_t n, float scale);
	void		(*hadamard) (float *x, size_t n, float scale);

	/* codes of residuals; the same bits from every set */
	void		(*encode_bytes) (const float *residual, const float *centre, size_t runs,
								 float scale, uint8_t *codes, VdbEncodeSums *sums);
	void		(*encode_bits) (const float *residual, const float *centre, size_t runs,
								uint8_t *bits, VdbEncodeSums *sums);

	VdbGemm		gemm;			/* blocks of rows against many centroids */
	VdbGemm		coarse;			/* the same in 8 bits, or of width 0 */
} VdbKernels;

extern VdbKernels vdb_kernel;

/* The scalar set, which accumulates in double: the reference for all others. */
extern const VdbKernels vdb_kernel_scalar;

/*
 * Instruction sets, by number from 0 (scalar) up, each including those before
 * it on the same architecture.  vdb_kernel_name() is NULL past the last.
 */
extern const char *vdb_kernel_name(int isa);
extern bool vdb_kernel_supported(int isa);
extern int	vdb_kernel_best(void);

/* Makes vdb_kernel that set; false, and no change, if the CPU lacks it. */
extern bool vdb_kernel_select(int isa);

/* The set without making it current, for tests and benchmarks. */
extern bool vdb_kernel_get(int isa, VdbKernels *kernels);

/*
 * Cosine distance from an inner product and the two squared norms; NaN for a
 * zero vector, for which it is undefined.
 */
static inline double
vdb_dist_cosine(double dot, double aa, double bb)
{
	double		similarity;

	if (!(aa > 0 && bb > 0))
		return NAN;
	similarity = dot / sqrt(aa * bb);

	/* Rounding may leave the range, which clients rely on. */
	if (similarity > 1)
		similarity = 1;
	else if (similarity < -1)
		similarity = -1;
	return 1 - similarity;
}

/* Is d a distance that float accumulators cannot have spoilt? */
static inline bool
vdb_dist_trusted(VdbMetric metric, double d)
{
	if (metric == VDB_L2SQ)
		return d >= FLT_MIN && d <= FLT_MAX;	/* false for NaN */
	return fabs(d) <= FLT_MAX;
}

/*
 * Distance of two vectors, right over the whole range of the element type:
 * where the fast kernel under- or overflowed, the reference answers.  (But for
 * products of elements below float's range, which count as 0: an inner
 * product of 0 is too common to ask twice.)
 */
static inline double
vdb_dist(VdbElem elem, VdbMetric metric, const void *a, const void *b,
		 size_t dim)
{
	double		d = vdb_kernel.pair[elem][metric] (a, b, dim);

	if (!vdb_dist_trusted(metric, d))
		d = vdb_kernel_scalar.pair[elem][metric] (a, b, dim);
	return d;
}

/* Square of a vector's length, right over the whole range of the element type. */
static inline double
vdb_dist_square(VdbElem elem, const void *x, size_t dim)
{
	double		square = -vdb_kernel.pair[elem][VDB_IP] (x, x, dim);

	if (!vdb_dist_trusted(VDB_L2SQ, square))
		square = -vdb_kernel_scalar.pair[elem][VDB_IP] (x, x, dim);
	return square;
}

/* Length of a vector, right over the whole range of the element type. */
static inline double
vdb_dist_norm(VdbElem elem, const void *x, size_t dim)
{
	return sqrt(vdb_dist_square(elem, x, dim));
}

/* Distance of two sparse vectors, right over the whole range of float. */
static inline double
vdb_dist_sparse(VdbMetric metric, const VdbSparse *a, const VdbSparse *b)
{
	double		d;

	if (metric == VDB_COSINE)
	{
		double		aa = vdb_dist_square(VDB_F32, a->value, a->nnz);
		double		bb = vdb_dist_square(VDB_F32, b->value, b->nnz);
		VdbDistSparse ip = vdb_kernel.sparse[VDB_IP];

		/* products that may have been below what float holds */
		if (aa * bb < 1e-60)
			ip = vdb_kernel_scalar.sparse[VDB_IP];
		d = -ip(a, b);
		if (!vdb_dist_trusted(VDB_IP, d))
			d = -vdb_kernel_scalar.sparse[VDB_IP] (a, b);
		return vdb_dist_cosine(d, aa, bb);
	}
	d = vdb_kernel.sparse[metric] (a, b);
	if (!vdb_dist_trusted(metric, d))
		d = vdb_kernel_scalar.sparse[metric] (a, b);
	return d;
}

#endif							/* VDB_KERNEL_H */
