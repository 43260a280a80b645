/*
 * sq8.c
 *	  Scalar quantization: 8 bits per dimension, without rotation.
 *
 * Every vector has a grid of its own, from its least to its largest element
 * (the locally-adaptive quantization of Aguerrebere et al., "Similarity search
 * in the blink of an eye with compressed indices", VLDB 2023, arXiv
 * 2304.04759, whose mean is the caller's origin).  Ranges per dimension,
 * trained on the data, were no better on real sets (README.md), and vectors
 * that come later may be outside of them.
 */
#include <string.h>

#include "quant/quant.h"

static size_t
codes_size(size_t dim)
{
	return (dim + 3) / 4 * 4;
}

size_t
vdb_quant_sq8_size(size_t dim)
{
	return codes_size(dim) + sizeof(VdbQuantSq8Factors);
}

const VdbQuantSq8Factors *
vdb_quant_sq8_factors(size_t dim, const void *row)
{
	return (const void *) ((const char *) row + codes_size(dim));
}

void
vdb_quant_sq8_encode(size_t dim, VdbMetric metric, const float *vector, void *row)
{
	double		weight = metric == VDB_IP ? -1 : -2;	/* of <q, x> */
	uint8_t    *codes = row;
	float		low = vector[0],
				high = vector[0];
	double		step,
				scale;
	double		square = 0;
	VdbQuantSq8Factors factors;

	for (size_t i = 1; i < dim; i++)
	{
		low = vector[i] < low ? vector[i] : low;
		high = vector[i] > high ? vector[i] : high;
	}
	step = ((double) high - low) / 255;
	scale = step > 0 ? 1 / step : 0;
	memset(codes, 0, codes_size(dim));
	for (size_t i = 0; i < dim; i++)
	{
		double		x;

		codes[i] = (uint8_t) ((vector[i] - (double) low) * scale + 0.5);
		x = low + step * codes[i];
		square += x * x;
	}
	factors.add = metric == VDB_IP ? 0 : square < FLT_MAX ? (float) square : FLT_MAX;
	factors.scale = (float) (weight * step);
	factors.middle = (float) (weight * (low + step * 127.5));
	memcpy(codes + codes_size(dim), &factors, sizeof(factors));
}

void
vdb_quant_sq8_decode(size_t dim, VdbMetric metric, const void *row, float *vector)
{
	const uint8_t *codes = row;
	float		weight = metric == VDB_IP ? -1 : -0.5f;
	VdbQuantSq8Factors f;

	memcpy(&f, codes + codes_size(dim), sizeof(f));
	for (size_t i = 0; i < dim; i++)
		vector[i] = weight * (f.middle + f.scale * ((float) codes[i] - 127.5f));
}

void
vdb_quant_sq8_many(const VdbQuantWeights *weights, float base,
				   const void *const *rows, size_t nrows, float *estimate)
{
	enum
	{
		chunk = 128
	};
	size_t		codes = codes_size(weights->dim);
	double		middle = 127.5 * weights->sum;
	float		total = (float) (weights->step * weights->sum);

	for (size_t start = 0; start < nrows; start += chunk)
	{
		size_t		n = nrows - start < chunk ? nrows - start : chunk;
		int32_t		dots[chunk];

		vdb_kernel.dot_many[VDB_CODE8] (&weights->weights, rows + start, n, weights->dim, dots);
		for (size_t i = 0; i < n; i++)
		{
			const VdbQuantSq8Factors *f = (const void *) ((const char *) rows[start + i] + codes);
			float		dot = weights->step * (float) (dots[i] - middle);

			estimate[start + i] = base + f->add + f->scale * dot + f->middle * total;
		}
	}
}
