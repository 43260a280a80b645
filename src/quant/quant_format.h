/*
 * quant_format.h
 *	  Layouts of codes that go to disk.
 *
 * Little-endian, as the CPU has it.  Everything is aligned to 4 bytes, and no
 * code here or in the kernels relies on more.  Whoever stores these writes the
 * version beside them and checks it when reading: any change here makes a new
 * version.
 */
#ifndef VDB_QUANT_FORMAT_H
#define VDB_QUANT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

/*
 * The rotation that follows from a seed (rotate.c): signs from SplitMix64,
 * four rounds.  A seed on disk is only good with the same version.
 */
#define VDB_QUANT_ROTATION_VERSION 1
#define VDB_QUANT_ROTATION_ROUNDS 4

/* Of VdbQuantBlock. */
#define VDB_QUANT_BLOCK_VERSION 1

/*
 * 32 vectors with a bit per dimension (rabitq.c).
 *
 * An empty lane has an infinite add, and zeroes for the rest: its estimate
 * and its bound are infinite.
 */
typedef struct VdbQuantBlock
{
	float		add[VDB_BLOCK]; /* estimate = base + add + rescale * <s, q> */
	float		rescale[VDB_BLOCK];
	float		error[VDB_BLOCK];	/* half width of the bound for |q - c| = 1
									 * and epsilon = 1 */

	/*
	 * VDB_TABLE bytes for each 4 dimensions, filled up with zeroes to a
	 * multiple of 16 dimensions; kernel.h has the order.  Dimension 4 t + i
	 * is bit i of a vector's half byte in group t.
	 */
	uint8_t		codes[];
} VdbQuantBlock;

_Static_assert(offsetof(VdbQuantBlock, add) == 4 * VDB_BLOCK_ADD, "block: add");
_Static_assert(offsetof(VdbQuantBlock, rescale) == 4 * VDB_BLOCK_RESCALE, "block: rescale");
_Static_assert(offsetof(VdbQuantBlock, error) == 4 * VDB_BLOCK_ERROR, "block: error");
_Static_assert(offsetof(VdbQuantBlock, codes) == 4 * VDB_BLOCK_FACTORS, "block: codes");
_Static_assert(sizeof(VdbQuantBlock) == 384, "block: size");
_Static_assert(_Alignof(VdbQuantBlock) == 4, "block: alignment");

/* Of the rows of VdbQuantBits and VdbQuantRowFactors. */
#define VDB_QUANT_ROW_VERSION 1

/*
 * A vector with 8, 4, 2 or 1 bits per dimension (multibit.c): the codes, packed
 * as kernel.h says and filled up with zeroes to a multiple of 4 bytes, then
 * these.
 */
typedef struct VdbQuantRowFactors
{
	float		add;			/* as in VdbQuantBlock */
	float		rescale;
	float		error;
} VdbQuantRowFactors;

_Static_assert(sizeof(VdbQuantRowFactors) == 12, "row: size");
_Static_assert(_Alignof(VdbQuantRowFactors) == 4, "row: alignment");

/* Widths of a row's codes; the values go to disk. */
typedef enum VdbQuantBits
{
	VDB_QUANT_8BITS = 0,
	VDB_QUANT_4BITS = 1,
	VDB_QUANT_2BITS = 2,
	VDB_QUANT_1BIT = 3
} VdbQuantBits;

_Static_assert((int) VDB_QUANT_8BITS == (int) VDB_CODE8 &&
			   (int) VDB_QUANT_4BITS == (int) VDB_CODE4 &&
			   (int) VDB_QUANT_2BITS == (int) VDB_CODE2 &&
			   (int) VDB_QUANT_1BIT == (int) VDB_CODE1, "bits: the kernels' order");

/* Of the rows of VdbQuantSq8Factors. */
#define VDB_QUANT_SQ8_VERSION 1

/*
 * A vector with 8 bits per dimension, not rotated (sq8.c): a byte for each
 * element, filled up with zeroes to a multiple of 4 bytes, then these.
 */
typedef struct VdbQuantSq8Factors
{
	float		add;			/* the square of the length, 0 for VDB_IP */
	float		scale;			/* a step of the codes, times -2 or -1 */
	float		middle;			/* what code 127.5 stands for, times -2 or -1 */
} VdbQuantSq8Factors;

_Static_assert(sizeof(VdbQuantSq8Factors) == 12, "sq8: size");

/*
 * Product codes (pq.c).  Of 256 centroids: a byte for each of m pieces.  Of
 * 16 centroids: blocks of 32 vectors, VDB_TABLE bytes for each piece in the
 * order of kernel.h, filled up with zeroes to a multiple of 4 pieces.
 */
#define VDB_QUANT_PQ_VERSION 1

#endif							/* VDB_QUANT_FORMAT_H */
