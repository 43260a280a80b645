/*
 * rotate.c
 *	  A random orthogonal transform of any dimension in O(d log d).
 *
 * Four rounds of random signs and a fast Walsh-Hadamard transform (Ailon and
 * Chazelle, "The fast Johnson-Lindenstrauss transform", 2009; several rounds
 * as in Yu et al., "Orthogonal Random Features", 2016).  Where the dimension
 * is no power of two, the transform takes the first 2^k elements in rounds 0
 * and 2, the last 2^k in rounds 1 and 3.  The two spans may share as little
 * as one element (d = 255), so each round then ends with a butterfly between
 * the lower and the upper half, without which a vector that is short in one
 * half stays so (README.md has figures).
 *
 * A seed is on disk with codes that only it can explain: the signs, and the
 * order of all additions, are fixed for good (VDB_QUANT_ROTATION_VERSION).
 */
#include <string.h>

#include "quant/quant.h"

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), number i of a seed. */
static uint64_t
splitmix64(uint64_t seed, uint64_t i)
{
	uint64_t	z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Words of 32 signs in a round, an even number. */
static size_t
words_of(size_t dim)
{
	return (dim + 63) / 64 * 2;
}

size_t
vdb_quant_rotation_size(size_t dim)
{
	return VDB_QUANT_ROTATION_ROUNDS * words_of(dim) * sizeof(uint32_t);
}

void
vdb_quant_rotation_init(VdbQuantRotation *rotation, size_t dim, uint64_t seed,
						void *memory)
{
	uint32_t   *signs = memory;
	size_t		words = words_of(dim);

	for (size_t i = 0; i < VDB_QUANT_ROTATION_ROUNDS * words; i += 2)
	{
		uint64_t	bits = splitmix64(seed, i / 2);

		signs[i] = (uint32_t) bits;
		signs[i + 1] = (uint32_t) (bits >> 32);
	}
	rotation->dim = dim;
	rotation->span = 1;
	while (rotation->span * 2 <= dim)
		rotation->span *= 2;
	rotation->words = words;
	rotation->scale = (float) (1 / sqrt((double) rotation->span));
	rotation->signs = signs;
}

static float *
span_of(const VdbQuantRotation *rotation, float *x, int round)
{
	return round % 2 == 0 ? x : x + rotation->dim - rotation->span;
}

static void
halves(const VdbQuantRotation *rotation, float *x)
{
	size_t		half = rotation->dim / 2;

	/*
	 * At the distance of half a span it would undo the last step of the
	 * transform (d = 2^k + 1, whose spans share all but one element).  An odd
	 * dimension leaves its last element to the transform.
	 */
	if (half != rotation->span / 2)
		vdb_kernel.butterfly(x, x + half, half, 0x1.6a09e6p-1f);
}

void
vdb_quant_rotate(const VdbQuantRotation *rotation, const float *from, float *to)
{
	if (from != to)
		memcpy(to, from, rotation->dim * sizeof(float));
	for (int round = 0; round < VDB_QUANT_ROTATION_ROUNDS; round++)
	{
		vdb_kernel.flip(to, rotation->signs + round * rotation->words, rotation->dim);
		vdb_kernel.hadamard(span_of(rotation, to, round), rotation->span, rotation->scale);
		halves(rotation, to);
	}
}

/* The parts are symmetric, hence their own inverses. */
void
vdb_quant_unrotate(const VdbQuantRotation *rotation, const float *from, float *to)
{
	if (from != to)
		memcpy(to, from, rotation->dim * sizeof(float));
	for (int round = VDB_QUANT_ROTATION_ROUNDS - 1; round >= 0; round--)
	{
		halves(rotation, to);
		vdb_kernel.hadamard(span_of(rotation, to, round), rotation->span, rotation->scale);
		vdb_kernel.flip(to, rotation->signs + round * rotation->words, rotation->dim);
	}
}
