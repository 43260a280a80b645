/*
 * rabitq.c
 *	  RaBitQ: a bit per dimension, in blocks of 32 vectors.
 *
 * Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a
 * Theoretical Error Bound for Approximate Nearest Neighbor Search" (SIGMOD
 * 2024, arXiv 2405.12497); the formulas with the centre folded into the
 * factors are derived in README.md.  The tables of a block scan are made from
 * the query in integers, so that a table is exact and its rounding is that of
 * the query's elements.
 */
#include <string.h>

#include "quant/factors.h"
#include "quant/lanes.h"
#include "quant/quant.h"
#include "quant/sixteen.h"

/* Tables of a dimension, a multiple of 4. */
static size_t
ntables(size_t dim)
{
	return (dim + 15) / 16 * 4;
}

size_t
vdb_quant_block_size(size_t dim)
{
	return sizeof(VdbQuantBlock) + ntables(dim) * VDB_TABLE;
}

void
vdb_quant_block_init(size_t dim, VdbQuantBlock *block)
{
	memset(block, 0, vdb_quant_block_size(dim));
	for (int lane = 0; lane < VDB_BLOCK; lane++)
		block->add[lane] = INFINITY;
}

void
vdb_quant_block_clear(size_t dim, VdbQuantBlock *block, int lane)
{
	for (size_t t = 0; t < ntables(dim); t++)
		vdb_quant_put_code(block->codes, t, lane, 0);
	block->add[lane] = INFINITY;
	block->rescale[lane] = 0;
	block->error[lane] = 0;
}

void
vdb_quant_block_copy(size_t dim, VdbQuantBlock *to, int to_lane,
					 const VdbQuantBlock *from, int from_lane)
{
	for (size_t t = 0; t < ntables(dim); t++)
		vdb_quant_put_code(to->codes, t, to_lane, vdb_quant_get_code(from->codes, t, from_lane));
	to->add[to_lane] = from->add[from_lane];
	to->rescale[to_lane] = from->rescale[from_lane];
	to->error[to_lane] = from->error[from_lane];
}

/* The bits of sixteen dimensions from i on. */
static inline unsigned
encode_sixteen(size_t dim, size_t i, const float *residual, const float *centre,
			   VdbEncodeSums *sums)
{
	float		r_tail[VDB_ENCODE_RUN],
				c_tail[VDB_ENCODE_RUN];
	uint8_t		bits[2];

	vdb_kernel.encode_bits(vdb_quant_sixteen(residual, i, dim, r_tail),
						   vdb_quant_sixteen(centre, i, dim, c_tail), 1, bits, sums);
	return bits[0] | (unsigned) bits[1] << 8;
}

static void
finish_encode(size_t dim, VdbMetric metric, const float *residual, const float *centre,
			  const float *origin, const VdbEncodeSums *lanes, VdbQuantRowFactors *factors)
{
	VdbQuantSums sums = {.yy = (double) dim / 4};

	/* what the code stands for is a half of 1 or -1 */
	for (int k = 0; k < VDB_ENCODE_LANES; k++)
	{
		sums.rr += lanes->rr[k];
		sums.ry += lanes->ry[k] / 2;
		sums.cy += lanes->cy[k] / 2;
	}
	if (metric == VDB_IP)
		sums.cr = vdb_quant_centre_product(dim, residual, centre, origin);
	vdb_quant_factors(dim, metric, &sums, factors);
}

static void
put_factors(VdbQuantBlock *block, int lane, const VdbQuantRowFactors *factors)
{
	block->add[lane] = factors->add;
	block->rescale[lane] = factors->rescale;
	block->error[lane] = factors->error;
}

void
vdb_quant_block_encode(size_t dim, VdbMetric metric, const float *residual,
					   const float *centre, const float *origin,
					   VdbQuantBlock *block, int lane)
{
	VdbEncodeSums sums = {0};
	VdbQuantRowFactors factors;

	for (size_t i = 0; i < dim; i += 16)
	{
		unsigned	bits = encode_sixteen(dim, i, residual, centre, &sums);

		for (size_t t = i / 4; t < i / 4 + 4; t++, bits >>= 4)
			vdb_quant_put_code(block->codes, t, lane, bits & 15);
	}
	finish_encode(dim, metric, residual, centre, origin, &sums, &factors);
	put_factors(block, lane, &factors);
}

size_t
vdb_quant_bits_size(size_t dim)
{
	return ntables(dim) / 2;
}

void
vdb_quant_bits_encode(size_t dim, VdbMetric metric, const float *residual,
					  const float *centre, const float *origin,
					  uint8_t *bits, VdbQuantRowFactors *factors)
{
	VdbEncodeSums sums = {0};
	size_t		whole = dim / VDB_ENCODE_RUN * VDB_ENCODE_RUN;

	vdb_kernel.encode_bits(residual, centre, whole / VDB_ENCODE_RUN, bits, &sums);
	if (whole < dim)
	{
		unsigned	last = encode_sixteen(dim, whole, residual, centre, &sums);

		bits[whole / 8] = (uint8_t) last;
		bits[whole / 8 + 1] = (uint8_t) (last >> 8);
	}
	finish_encode(dim, metric, residual, centre, origin, &sums, factors);
}

void
vdb_quant_block_put(size_t dim, const uint8_t *bits, const VdbQuantRowFactors *factors,
					VdbQuantBlock *block, int lane)
{
	for (size_t t = 0; t < ntables(dim); t++)
		vdb_quant_put_code(block->codes, t, lane, bits[t / 2] >> t % 2 * 4 & 15);
	put_factors(block, lane, factors);
}

void
vdb_quant_block_fill(size_t dim, const uint8_t *const *bits,
					 const VdbQuantRowFactors *const *factors, VdbQuantBlock *block)
{
	uint8_t    *codes = block->codes;

	for (int lane = 0; lane < VDB_BLOCK; lane++)
		put_factors(block, lane, factors[lane]);

	/* A byte of all lanes at a time has the codes of two tables. */
	for (size_t i = 0; i < ntables(dim) / 2; i++, codes += 2 * VDB_TABLE)
	{
		uint8_t		low[VDB_TABLE],
					high[VDB_TABLE];

		for (int lane = 0; lane < VDB_TABLE; lane++)
		{
			low[vdb_quant_lane_byte(lane)] = bits[lane][i];
			high[vdb_quant_lane_byte(lane)] = bits[lane + VDB_TABLE][i];
		}
		for (int k = 0; k < VDB_TABLE; k++)
		{
			codes[k] = (uint8_t) ((low[k] & 15) | high[k] << 4);
			codes[VDB_TABLE + k] = (uint8_t) (low[k] >> 4 | (high[k] & 240));
		}
	}
}

size_t
vdb_quant_tables_size(size_t dim)
{
	return ntables(dim) * VDB_TABLE;
}

/*
 * The largest sum of magnitudes over the 16 elements whose tables are added
 * in 8 bits: tables t, t + 4, t + 8 and t + 12 of a run.  Not finite if one of
 * the sums is not.
 */
static float
largest_sum(size_t dim, const float *query)
{
	float		largest = 0;

	for (size_t run = 0; run < dim; run += 4 * VDB_TABLE_RUN)
	{
		float		sums[16] = {0};

		for (size_t i = run; i < dim && i < run + 4 * VDB_TABLE_RUN; i += 16)
		{
			float		tail[16];
			const float *q = vdb_quant_sixteen(query, i, dim, tail);

			for (int k = 0; k < 16; k++)
				sums[k] += fabsf(q[k]);
		}
		for (int k = 0; k < 16; k += 4)
		{
			float		sum = (sums[k] + sums[k + 1]) + (sums[k + 2] + sums[k + 3]);

			if (sum > largest || isnan(sum))
				largest = sum;
		}
	}
	return largest;
}

/*
 * The table of 4 weights: entry x is the sum of the weights in x, less that
 * of all that are negative, so from 0 to 255.  Eight entries at
 * once in a 64-bit integer: every byte of the result is in range, so what
 * carries on the way is gone at the end.
 */
static void
fill_table(const int32_t *weights, uint8_t *table)
{
	int32_t		offset = 0;
	uint64_t	half;

	for (int k = 0; k < 4; k++)
		offset -= weights[k] < 0 ? weights[k] : 0;
	half = UINT64_C(0x0101010101010101) * (uint64_t) offset;

	half += UINT64_C(0x0100010001000100) * (uint64_t) (int64_t) weights[0];
	half += UINT64_C(0x0101000001010000) * (uint64_t) (int64_t) weights[1];
	half += UINT64_C(0x0101010100000000) * (uint64_t) (int64_t) weights[2];
	memcpy(table, &half, 8);
	half += UINT64_C(0x0101010101010101) * (uint64_t) (int64_t) weights[3];
	memcpy(table + 8, &half, 8);
}

void
vdb_quant_tables_init(VdbQuantTables *tables, size_t dim, const float *query,
					  void *memory)
{
	uint8_t    *table = memory;
	float		largest = largest_sum(dim, query);

	/* 16 elements, rounded up by at most a half each, fit 255. */
	float		step = largest / (255 - 8);
	float		scale = step >= FLT_MIN ? 1 / step : 0;
	int32_t		magnitudes = 0;

	memset(tables, 0, sizeof(*tables));
	tables->scan.tables = memory;
	tables->scan.ntables = ntables(dim);

	/* Of a query that is too large, or no number, neither is any estimate. */
	if (!isfinite(largest))
	{
		memset(memory, 0, vdb_quant_tables_size(dim));
		tables->scan.step = tables->scan.bias = tables->noise = NAN;
		return;
	}
	for (size_t i = 0; i < dim; i += 16)
	{
		float		tail[16];
		int32_t		weights[16];

		vdb_quant_round(vdb_quant_sixteen(query, i, dim, tail), scale, weights);
		for (int k = 0; k < 16; k++)
			magnitudes += weights[k] < 0 ? -weights[k] : weights[k];
		for (int k = 0; k < 16; k += 4, table += VDB_TABLE)
			fill_table(weights + k, table);
	}
	tables->scan.step = step;

	/* <s, k> = sum of the weights where s > 0, less half of all */
	tables->scan.bias = (float) (-0.5 * step * magnitudes);

	/* dim errors, uniform from -step / 2 to step / 2, times 1/2 or -1/2 */
	tables->noise = (float) (step * sqrt((double) dim / 48));
}
