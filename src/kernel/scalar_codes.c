/*
 * scalar_codes.c
 *	  What codes need, in plain C, for any CPU: the reference for the others.
 */
#include <string.h>

#include "kernel/kernel_isa.h"

/* Sums of looked-up entries, exact, of the 32 vectors of a block. */
static void
sum_block(const VdbBlockScan *scan, const uint8_t *codes, uint32_t *sums)
{
	memset(sums, 0, VDB_BLOCK * sizeof(uint32_t));
	for (size_t t = 0; t < scan->ntables; t++)
	{
		const uint8_t *table = scan->tables + t * VDB_TABLE;

		for (int byte = 0; byte < VDB_TABLE; byte++)
		{
			uint8_t		code = codes[t * VDB_TABLE + byte];
			int			vector = byte % 2 * 8 + byte / 2;

			sums[vector] += table[code & 15];
			sums[vector + 16] += table[code >> 4];
		}
	}
}

void
vdb_scan_factors_scalar(const VdbBlockScan *scan, const uint8_t *codes,
						const float *factors, size_t stride, size_t nblocks,
						float *estimate, float *lower, uint32_t *below)
{
	for (size_t b = 0; b < nblocks; b++)
	{
		uint32_t	sums[VDB_BLOCK];

		sum_block(scan, codes, sums);
		below[b] = 0;
		for (int i = 0; i < VDB_BLOCK; i++)
		{
			float		value = scan->step * (float) sums[i] + scan->bias;
			float		rescale = factors[VDB_BLOCK_RESCALE + i];
			float		at = factors[VDB_BLOCK_ADD + i] + scan->base + rescale * value;
			float		least = at - (factors[VDB_BLOCK_ERROR + i] * scan->error_scale +
									  fabsf(rescale) * scan->error_floor);

			estimate[b * VDB_BLOCK + i] = at;
			lower[b * VDB_BLOCK + i] = least;
			below[b] |= (uint32_t) (least < scan->limit) << i;
		}
		codes += stride;
		factors = (const float *) (const void *) ((const char *) factors + stride);
	}
}

void
vdb_scan_plain_scalar(const VdbBlockScan *scan, const uint8_t *codes,
					  size_t stride, size_t nblocks, float *estimate,
					  uint32_t *below)
{
	for (size_t b = 0; b < nblocks; b++)
	{
		uint32_t	sums[VDB_BLOCK];

		sum_block(scan, codes, sums);
		below[b] = 0;
		for (int i = 0; i < VDB_BLOCK; i++)
		{
			float		at = scan->step * (float) sums[i] + (scan->bias + scan->base);

			estimate[b * VDB_BLOCK + i] = at;
			below[b] |= (uint32_t) (at < scan->limit) << i;
		}
		codes += stride;
	}
}

VDB_INLINE void
dot(const VdbWeights *weights, const void *const *rows, size_t nrows,
	size_t dim, int32_t *out, int bits)
{
	size_t		bytes = VDB_WEIGHT_PAD * bits / 8;	/* of a run */

	for (size_t r = 0; r < nrows; r++)
	{
		const uint8_t *row = rows[r];
		int32_t		sum = 0;

		for (size_t i = 0; i < dim; i++)
		{
			size_t		run = i / VDB_WEIGHT_PAD,
						in_run = i % VDB_WEIGHT_PAD;
			unsigned	byte = row[run * bytes + in_run % bytes];

			sum += weights->whole[i] * (int32_t) (byte >> (in_run / bytes * bits) & ((1U << bits) - 1));
		}
		out[r] = sum;
	}
}

void
vdb_dot8_scalar(const VdbWeights *weights, const void *const *rows,
				size_t nrows, size_t dim, int32_t *out)
{
	dot(weights, rows, nrows, dim, out, 8);
}

void
vdb_dot4_scalar(const VdbWeights *weights, const void *const *rows,
				size_t nrows, size_t dim, int32_t *out)
{
	dot(weights, rows, nrows, dim, out, 4);
}

void
vdb_dot2_scalar(const VdbWeights *weights, const void *const *rows,
				size_t nrows, size_t dim, int32_t *out)
{
	dot(weights, rows, nrows, dim, out, 2);
}

void
vdb_dot1_scalar(const VdbWeights *weights, const void *const *rows,
				size_t nrows, size_t dim, int32_t *out)
{
	dot(weights, rows, nrows, dim, out, 1);
}

void
vdb_flip_scalar(float *x, const uint32_t *bits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bits[i / 32] >> (i % 32) & 1)
			x[i] = -x[i];
}

void
vdb_butterfly_scalar(float *a, float *b, size_t n, float scale)
{
	for (size_t i = 0; i < n; i++)
	{
		float		x = a[i],
					y = b[i];

		a[i] = (x + y) * scale;
		b[i] = (x - y) * scale;
	}
}

/* Strides from small to large, an order that the other sets keep. */
void
vdb_hadamard_scalar(float *x, size_t n, float scale)
{
	for (size_t stride = 1; stride < n; stride *= 2)
		for (size_t i = 0; i < n; i += 2 * stride)
			vdb_butterfly_scalar(x + i, x + i + stride, stride,
								 stride * 2 < n ? 1.0f : scale);
	if (n == 1)
		x[0] *= scale;
}
