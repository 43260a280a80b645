/*
 * sixteen.h
 *	  Loops over floats in sixteens: what the compiler makes vectors of with
 *	  any instruction set, and without a remainder.
 */
#ifndef VDB_QUANT_SIXTEEN_H
#define VDB_QUANT_SIXTEEN_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Sixteen elements from i on: of x, or copied and filled up with zeroes. */
static inline const float *
vdb_quant_sixteen(const float *x, size_t i, size_t dim, float *tail)
{
	if (i + 16 <= dim)
		return x + i;
	memset(tail, 0, 16 * sizeof(float));
	memcpy(tail, x + i, (dim - i) * sizeof(float));
	return tail;
}

/*
 * to = x * scale rounded to nearest, for results below 2^22: adding 1.5 * 2^23
 * leaves the integer in the lowest bits.
 */
static inline void
vdb_quant_round(const float *x, float scale, int32_t *to)
{
	for (int k = 0; k < 16; k++)
	{
		union
		{
			float		f;
			int32_t		i;
		}			y = {x[k] * scale + 12582912.0f};

		to[k] = y.i - 0x4b400000;
	}
}

/* The largest magnitude, and the sum of all. */
static inline void
vdb_quant_magnitudes(size_t dim, const float *x, float *largest, float *total)
{
	float		max[16] = {0},
				sum[16] = {0};

	for (size_t i = 0; i < dim; i += 16)
	{
		float		tail[16];
		const float *y = vdb_quant_sixteen(x, i, dim, tail);

		for (int k = 0; k < 16; k++)
		{
			float		magnitude = fabsf(y[k]);

			max[k] = magnitude > max[k] ? magnitude : max[k];
			sum[k] += magnitude;
		}
	}
	*largest = *total = 0;
	for (int k = 0; k < 16; k++)
	{
		*largest = max[k] > *largest ? max[k] : *largest;
		*total += sum[k];
	}
}

#endif							/* VDB_QUANT_SIXTEEN_H */
