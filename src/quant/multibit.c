/*
 * multibit.c
 *	  RaBitQ with several bits per dimension, a vector a row.
 *
 * Gao et al., "Practical and Asymptotically Optimal Quantization of
 * High-Dimensional Vectors in Euclidean Space for Approximate Nearest
 * Neighbor Search" (SIGMOD 2025, arXiv 2409.09913): the code is the vector of
 * the grid that has the smallest angle with the residual, whatever its length.
 * Element i of the code is u, from 0 to 2^B - 1, and stands for
 * y = u - (2^B - 1) / 2.
 *
 * The query is in integers of 15 bits: its rounding is a hundredth of that of
 * the codes, and an inner product is a few instructions, exact, and the same
 * on every CPU.
 */
#include <math.h>
#include <string.h>

#include "quant/factors.h"
#include "quant/quant.h"
#include "quant/sixteen.h"

static int
bits_of(VdbQuantBits bits)
{
	return 8 >> bits;
}

/* Bytes of the codes, up to the factors. */
static size_t
codes_size(size_t dim, VdbQuantBits bits)
{
	if (bits == VDB_QUANT_8BITS)
		return (dim + 3) / 4 * 4;
	return (dim + VDB_WEIGHT_PAD - 1) / VDB_WEIGHT_PAD * VDB_WEIGHT_PAD * bits_of(bits) / 8;
}

size_t
vdb_quant_row_size(size_t dim, VdbQuantBits bits)
{
	return codes_size(dim, bits) + sizeof(VdbQuantRowFactors);
}

const VdbQuantRowFactors *
vdb_quant_row_factors(size_t dim, VdbQuantBits bits, const void *row)
{
	return (const void *) ((const char *) row + codes_size(dim, bits));
}

/* The code of one element. */
static inline int
round_to_grid(float r, float scale, int bits)
{
	int			half = 1 << (bits - 1);
	float		x = fabsf(r) * scale;
	int			magnitude = x < (float) (half - 1) ? (int) x : half - 1;

	return r > 0 ? half + magnitude : half - 1 - magnitude;
}

/*
 * Squared cosine of the residual and its code for a scale, times <r, r>.
 * Sixteen sums side by side, in loops that compilers make vectors of.
 */
static double
fit(size_t dim, const float *residual, float scale, int bits)
{
	int			limit = (1 << (bits - 1)) - 1;
	float		dot[16] = {0},
				square[16] = {0};
	double		ry = 0,
				yy = 0;

	for (size_t i = 0; i < dim; i += 16)
	{
		float		tail[16];
		const float *r = vdb_quant_sixteen(residual, i, dim, tail);

		for (int k = 0; k < 16; k++)
		{
			float		magnitude = fabsf(r[k]);
			int			over = (int) (magnitude * scale) - limit;
			float		y = (float) (limit + (over & over >> 31)) + 0.5f;	/* no branch */

			dot[k] += magnitude * y;
			square[k] += y * y;
		}
	}
	for (int k = 0; k < 16; k++)
	{
		ry += dot[k];
		yy += square[k];
	}

	/* the zeroes that filled up the last sixteen */
	yy -= (double) ((16 - dim % 16) % 16) / 4;
	return ry * ry / yy;
}

/*
 * The scale that makes the best code.  With 8 bits nothing is gained by
 * cutting off the largest elements; with fewer, the ends of the grid are best
 * put at a half of the largest element, or less, so these are tried in turn.
 * With one, all scales give the same code.
 */
static float
best_scale(size_t dim, const float *residual, int bits)
{
	float		largest,
				total,
				widest,
				best;
	double		best_fit = -1;

	vdb_quant_magnitudes(dim, residual, &largest, &total);
	if (!(largest >= 1e-35f))
		return 0;				/* the scale might be beyond float */
	widest = (float) (1 << (bits - 1)) / largest;
	if (bits == 8 || bits == 1)
		return widest;
	best = widest;
	for (int i = 0; i <= 16; i++)
	{
		float		scale = widest * (1 + (float) i / 8);
		double		f = fit(dim, residual, scale, bits);

		if (f > best_fit)
		{
			best_fit = f;
			best = scale;
		}
	}
	return best;
}

static void
put_code(uint8_t *codes, size_t i, int bits, int code)
{
	size_t		bytes = VDB_WEIGHT_PAD * bits / 8;	/* of a run */
	size_t		in_run = i % VDB_WEIGHT_PAD;

	codes[i / VDB_WEIGHT_PAD * bytes + in_run % bytes] |= (uint8_t) (code << (in_run / bytes * bits));
}

/* Codes of 8 bits. */
static void
encode_bytes(size_t dim, const float *residual, const float *centre, float scale,
			 uint8_t *codes, VdbQuantSums *sums)
{
	size_t		whole = dim / VDB_ENCODE_RUN * VDB_ENCODE_RUN;
	VdbEncodeSums lanes = {0};

	vdb_kernel.encode_bytes(residual, centre, whole / VDB_ENCODE_RUN, scale, codes, &lanes);
	if (whole < dim)
	{
		float		r_tail[VDB_ENCODE_RUN],
					c_tail[VDB_ENCODE_RUN];
		uint8_t		last[VDB_ENCODE_RUN];

		vdb_kernel.encode_bytes(vdb_quant_sixteen(residual, whole, dim, r_tail),
								vdb_quant_sixteen(centre, whole, dim, c_tail),
								1, scale, last, &lanes);
		memcpy(codes + whole, last, dim - whole);
		/* the zeroes that filled it up: each stands for a half */
		sums->yy -= (double) (VDB_ENCODE_RUN - (dim - whole)) / 4;
	}
	memset(codes + dim, 0, codes_size(dim, VDB_QUANT_8BITS) - dim);
	for (int l = 0; l < VDB_ENCODE_LANES; l++)
	{
		sums->rr += lanes.rr[l];
		sums->ry += lanes.ry[l];
		sums->yy += lanes.yy[l];
		sums->cy += lanes.cy[l];
	}
}

static void
encode_fewer(size_t dim, int bits, const float *residual, const float *centre, float scale,
			 uint8_t *codes, VdbQuantSums *sums)
{
	memset(codes, 0, (dim + VDB_WEIGHT_PAD - 1) / VDB_WEIGHT_PAD * VDB_WEIGHT_PAD * (size_t) bits / 8);
	for (size_t i = 0; i < dim; i++)
	{
		double		r = residual[i];
		int			code = round_to_grid(residual[i], scale, bits);
		double		y = code - ((1 << bits) - 1) * 0.5;

		put_code(codes, i, bits, code);
		sums->rr += r * r;
		sums->ry += r * y;
		sums->yy += y * y;
		sums->cy += centre[i] * y;
	}
}

void
vdb_quant_row_encode(size_t dim, VdbQuantBits width, VdbMetric metric,
					 const float *residual, const float *centre,
					 const float *origin, void *row)
{
	int			bits = bits_of(width);
	float		scale = best_scale(dim, residual, bits);
	uint8_t    *codes = row;
	VdbQuantSums sums = {0};
	VdbQuantRowFactors factors;

	if (bits == 8)
		encode_bytes(dim, residual, centre, scale, codes, &sums);
	else
		encode_fewer(dim, bits, residual, centre, scale, codes, &sums);
	if (metric == VDB_IP)
		sums.cr = vdb_quant_centre_product(dim, residual, centre, origin);
	vdb_quant_factors(dim, metric, &sums, &factors);
	memcpy(codes + codes_size(dim, width), &factors, sizeof(factors));
}

static int
get_code(const uint8_t *codes, size_t i, int bits)
{
	size_t		bytes = VDB_WEIGHT_PAD * bits / 8;	/* of a run */
	size_t		in_run = i % VDB_WEIGHT_PAD;

	return codes[i / VDB_WEIGHT_PAD * bytes + in_run % bytes] >> (in_run / bytes * bits) &
		((1 << bits) - 1);
}

void
vdb_quant_row_decode(size_t dim, VdbQuantBits width, VdbMetric metric, const void *row,
					 float *residual)
{
	int			bits = bits_of(width);
	float		middle = ((1 << bits) - 1) * 0.5f;
	const uint8_t *codes = row;
	float		scale = vdb_quant_row_factors(dim, width, row)->rescale * (metric == VDB_IP ? -1 : -0.5f);

	for (size_t i = 0; i < dim; i++)
		residual[i] = scale * ((bits == 8 ? codes[i] : get_code(codes, i, bits)) - middle);
}

static size_t
padded(size_t dim)
{
	return (dim + VDB_WEIGHT_PAD - 1) / VDB_WEIGHT_PAD * VDB_WEIGHT_PAD;
}

size_t
vdb_quant_weights_size(size_t dim)
{
	return padded(dim) * (sizeof(int16_t) + 2);
}

void
vdb_quant_weights_init(VdbQuantWeights *weights, size_t dim, const float *query,
					   void *memory)
{
	int16_t    *whole = memory;
	int8_t	   *high = (int8_t *) (whole + padded(dim));
	int8_t	   *low = high + padded(dim);
	float		largest,
				total,
				step,
				scale;
	int32_t		sum = 0;

	memset(memory, 0, vdb_quant_weights_size(dim));
	memset(weights, 0, sizeof(*weights));
	weights->weights = (VdbWeights) {whole, high, low};
	weights->dim = dim;
	vdb_quant_magnitudes(dim, query, &largest, &total);

	/* Of a query that is too large, or no number, neither is any estimate. */
	if (!isfinite(total))
	{
		weights->step = NAN;
		return;
	}
	/* each element within range, and the sum too after rounding up */
	step = (float) fmax((double) largest / VDB_WEIGHT_MAX,
						1.0001 * total / (VDB_WEIGHT_SUM - (double) dim));
	if (!(step >= FLT_MIN))
		return;
	weights->step = step;
	scale = 1 / step;
	for (size_t i = 0; i < dim; i += 16)
	{
		float		tail[16];
		int32_t		w[16];

		vdb_quant_round(vdb_quant_sixteen(query, i, dim, tail), scale, w);
		for (int k = 0; k < 16; k++)
		{
			whole[i + k] = (int16_t) w[k];
			high[i + k] = (int8_t) (w[k] >> 7);
			low[i + k] = (int8_t) (w[k] & 127);
			sum += w[k];
		}
	}
	weights->sum = sum;
}

/*
 * A code u stands for half a step times 2 u - (2^B - 1), which is odd: doubled,
 * codes of B bits are integers around zero.
 */
void
vdb_quant_weights_of_row(VdbQuantWeights *weights, size_t dim, VdbQuantBits width,
						 VdbMetric metric, const void *row, void *memory)
{
	int16_t    *whole = memory;
	int8_t	   *high = (int8_t *) (whole + padded(dim));
	int8_t	   *low = high + padded(dim);
	const uint8_t *codes = row;
	int			bits = bits_of(width);
	int			most = (1 << bits) - 1;
	int32_t		sum = 0;

	*weights = (VdbQuantWeights) {.weights = {whole, high, low},.dim = dim};
	weights->step = vdb_quant_row_factors(dim, width, row)->rescale *
		(metric == VDB_IP ? -0.5f : -0.25f);
	/* the last run is filled up with zeroes */
	memset(whole + padded(dim) - VDB_WEIGHT_PAD, 0, VDB_WEIGHT_PAD * sizeof(int16_t));
	memset(high + padded(dim) - VDB_WEIGHT_PAD, 0, VDB_WEIGHT_PAD);
	memset(low + padded(dim) - VDB_WEIGHT_PAD, 0, VDB_WEIGHT_PAD);
	for (size_t i = 0; i < dim; i += 16)
	{
		size_t		n = dim - i < 16 ? dim - i : 16;
		int16_t		w[16] = {0};

		if (bits == 8 && n == 16)
			for (int k = 0; k < 16; k++)
				w[k] = (int16_t) (2 * codes[i + k] - 255);
		else
			for (size_t k = 0; k < n; k++)
				w[k] = (int16_t) (2 * (bits == 8 ? codes[i + k] : get_code(codes, i + k, bits)) -
								  most);
		for (int k = 0; k < 16; k++)
		{
			whole[i + k] = w[k];
			high[i + k] = (int8_t) (w[k] >> 7);
			low[i + k] = (int8_t) (w[k] & 127);
			sum += w[k];
		}
	}
	weights->sum = sum;
}

void
vdb_quant_row_many(const VdbQuantWeights *weights, VdbQuantBits width,
				   float base, const void *const *rows, size_t nrows,
				   float *estimate)
{
	enum
	{
		chunk = 128
	};
	VdbDotMany	dot_many = vdb_kernel.dot_many[width];
	size_t		codes = codes_size(weights->dim, width);
	double		middle = ((1 << bits_of(width)) - 1) * 0.5 * weights->sum;

	for (size_t start = 0; start < nrows; start += chunk)
	{
		size_t		n = nrows - start < chunk ? nrows - start : chunk;
		int32_t		dots[chunk];

		dot_many(&weights->weights, rows + start, n, weights->dim, dots);
		for (size_t i = 0; i < n; i++)
		{
			const VdbQuantRowFactors *f = (const void *) ((const char *) rows[start + i] + codes);

			estimate[start + i] = base + f->add + f->rescale * weights->step * (float) (dots[i] - middle);
		}
	}
}
