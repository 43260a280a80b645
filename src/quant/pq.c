/*
 * pq.c
 *	  Product quantization.
 *
 * Jégou, Douze and Schmid, "Product quantization for nearest neighbor search"
 * (IEEE TPAMI 2011).  Codes of 4 bits are scanned in blocks of 32 with tables
 * of bytes: André, Kermarrec and Le Scouarnec, "Quicker ADC" (2021).
 */
#include <string.h>

#include "quant/factors.h"
#include "quant/lanes.h"
#include "quant/quant.h"

/*
 * Distances of a piece of a vector to all centroids of it.  Sixteen sums side
 * by side, in loops that compilers make vectors of.
 */
static void
piece_distances(const VdbQuantPq *pq, VdbMetric metric, size_t piece,
				const float *vector, float *distances)
{
	size_t		end = vdb_quant_pq_start(pq, piece + 1);

	for (size_t start = 0; start < pq->ncentroids; start += 16)
	{
		float		sums[16] = {0};

		for (size_t i = vdb_quant_pq_start(pq, piece); i < end; i++)
		{
			const float *centroid = pq->codebook + i * pq->ncentroids + start;
			float		x = vector[i];

			if (metric == VDB_IP)
				for (int k = 0; k < 16; k++)
					sums[k] -= x * centroid[k];
			else
				for (int k = 0; k < 16; k++)
					sums[k] += (x - centroid[k]) * (x - centroid[k]);
		}
		memcpy(distances + start, sums, sizeof(sums));
	}
}

/*
 * The first of the least distances.  As integers, which for floats that are
 * not negative have the same order, and need no branch.
 */
static size_t
first_least(const float *distances, size_t n)
{
	int32_t		bits[256];
	int32_t		least[16];
	size_t		at = 0;

	memcpy(bits, distances, n * sizeof(float));
	memcpy(least, bits, sizeof(least));
	for (size_t start = 16; start < n; start += 16)
		for (int k = 0; k < 16; k++)
		{
			int32_t		less = bits[start + k] - least[k];

			least[k] += less & less >> 31;
		}
	for (int k = 1; k < 16; k++)
		least[0] = least[k] < least[0] ? least[k] : least[0];
	while (bits[at] != least[0])
		at++;
	return at;
}

void
vdb_quant_pq_encode(const VdbQuantPq *pq, const float *vector, uint8_t *code)
{
	for (size_t piece = 0; piece < pq->m; piece++)
	{
		float		distances[256];

		piece_distances(pq, VDB_L2SQ, piece, vector, distances);
		code[piece] = (uint8_t) first_least(distances, pq->ncentroids);
	}
}

void
vdb_quant_pq_lut(const VdbQuantPq *pq, VdbMetric metric, const float *query,
				 float *lut)
{
	for (size_t piece = 0; piece < pq->m; piece++)
		piece_distances(pq, metric, piece, query, lut + piece * pq->ncentroids);
}

/* Four codes at a time hide the latency of the additions. */
void
vdb_quant_pq8_many(const VdbQuantPq *pq, const float *lut, float base,
				   const uint8_t *const *codes, size_t ncodes, float *estimate)
{
	for (size_t r = 0; r < ncodes; r += 4)
	{
		size_t		n = ncodes - r < 4 ? ncodes - r : 4;
		const uint8_t *a = codes[r],
				   *b = codes[r + (n > 1 ? 1 : 0)],
				   *c = codes[r + (n > 2 ? 2 : 0)],
				   *d = codes[r + (n > 3 ? 3 : 0)];
		const float *table = lut;
		float		sums[4] = {base, base, base, base};

		for (size_t k = r + 4; k < r + 8 && k < ncodes; k++)
			for (size_t i = 0; i < pq->m; i += 64)
				__builtin_prefetch(codes[k] + i);
		for (size_t i = 0; i < pq->m; i++, table += 256)
		{
			sums[0] += table[a[i]];
			sums[1] += table[b[i]];
			sums[2] += table[c[i]];
			sums[3] += table[d[i]];
		}
		memcpy(estimate + r, sums, n * sizeof(float));
	}
}

static size_t
ntables(const VdbQuantPq *pq)
{
	return (pq->m + 3) / 4 * 4;
}

size_t
vdb_quant_pq4_block_size(const VdbQuantPq *pq)
{
	return ntables(pq) * VDB_TABLE;
}

void
vdb_quant_pq4_put(const VdbQuantPq *pq, const uint8_t *code, uint8_t *block,
				  int lane)
{
	for (size_t piece = 0; piece < pq->m; piece++)
		vdb_quant_put_code(block, piece, lane, code[piece]);
}

static float
smallest(const float *table, float *range)
{
	float		least = table[0],
				most = table[0];

	for (int k = 1; k < 16; k++)
	{
		least = table[k] < least ? table[k] : least;
		most = table[k] > most ? table[k] : most;
	}
	*range = most - least;
	return least;
}

/*
 * Entries are what they are above the least of their table, in steps of which
 * the four tables that are added in 8 bits (kernel.h) have at most 255: 253
 * and a half for each that is rounded up.
 */
void
vdb_quant_pq4_tables(const VdbQuantPq *pq, const float *lut, VdbBlockScan *scan,
					 void *memory)
{
	uint8_t    *tables = memory;
	double		bias = 0;
	float		largest = 0,
				range;
	float		scale;

	memset(memory, 0, vdb_quant_pq4_block_size(pq));
	memset(scan, 0, sizeof(*scan));
	for (size_t run = 0; run < pq->m; run += VDB_TABLE_RUN)
		for (size_t lane = run; lane < run + 4; lane++)
		{
			float		sum = 0;

			for (size_t t = lane; t < run + VDB_TABLE_RUN && t < pq->m; t += 4)
			{
				bias += smallest(lut + t * 16, &range);
				sum += range;
			}
			largest = sum > largest ? sum : largest;
		}
	scan->tables = tables;
	scan->ntables = ntables(pq);
	scan->step = largest / 253;
	scan->bias = (float) bias;
	scale = scan->step >= FLT_MIN ? 1 / scan->step : 0;
	for (size_t t = 0; t < pq->m; t++)
	{
		float		least = smallest(lut + t * 16, &range);

		for (int k = 0; k < 16; k++)
		{
			float		entry = (lut[t * 16 + k] - least) * scale + 0.5f;

			/* What is no number, or too large, is far. */
			tables[t * 16 + k] = entry < 256 ? (uint8_t) entry : 255;
		}
	}
}

/*
 * As the factors fit the code's length to the residual's, only its direction
 * counts: hence the one length of what is looked up.
 */
void
vdb_quant_pq4_encode(const VdbQuantPq *pq, VdbMetric metric, const float *residual,
					 const float *centre, const float *origin, float *scratch, uint8_t *bits,
					 VdbQuantRowFactors *factors)
{
	VdbQuantSums sums = {0};
	double		scale;

	for (size_t i = 0; i < pq->dim; i++)
		sums.rr += (double) residual[i] * residual[i];
	scale = sums.rr > 0 ? sqrt((double) pq->dim / sums.rr) : 0;
	for (size_t i = 0; i < pq->dim; i++)
		scratch[i] = (float) (residual[i] * scale);
	memset(bits, 0, vdb_quant_bits_size(4 * pq->m));
	for (size_t piece = 0; piece < pq->m; piece++)
	{
		size_t		end = vdb_quant_pq_start(pq, piece + 1);
		float		distances[16];
		size_t		code;

		piece_distances(pq, VDB_L2SQ, piece, scratch, distances);
		code = first_least(distances, 16);
		bits[piece / 2] |= (uint8_t) (code << piece % 2 * 4);
		for (size_t i = vdb_quant_pq_start(pq, piece); i < end; i++)
		{
			double		y = pq->codebook[i * 16 + code];

			sums.ry += residual[i] * y;
			sums.yy += y * y;
			sums.cy += centre[i] * y;
		}
	}
	if (metric == VDB_IP)
		sums.cr = vdb_quant_centre_product(pq->dim, residual, centre, origin);
	vdb_quant_factors(pq->dim, metric, &sums, factors);
	/* A code that points elsewhere tells nothing. */
	if (sums.rr > 0 && !(sums.ry > 0))
		factors->error = (float) fmin(FLT_MAX, (metric == VDB_IP ? 1 : 2) * sqrt(sums.rr));
}

void
vdb_quant_pq4_query(VdbQuantTables *tables, const VdbQuantPq *pq, const float *query, float *lut,
					void *memory)
{
	vdb_quant_pq_lut(pq, VDB_IP, query, lut);
	for (size_t i = 0; i < pq->m * 16; i++)
		lut[i] = -lut[i];
	memset(tables, 0, sizeof(*tables));
	vdb_quant_pq4_tables(pq, lut, &tables->scan, memory);
	/* m errors, uniform from -step / 2 to step / 2 */
	tables->noise = (float) (tables->scan.step * sqrt((double) pq->m / 12));
}
