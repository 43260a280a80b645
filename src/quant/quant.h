/*
 * quant.h
 *	  Codes for vectors: encode, and estimate distances from codes.
 *
 * Pure C: no memory is allocated and nothing is raised.  The caller gives
 * memory, of a size that a function here tells, aligned to 4 bytes.  README.md
 * has the formulas; every "rotated" vector below went through the same
 * vdb_quant_rotate().
 *
 * Vectors, centres and queries may be relative to an origin (the mean of the
 * data, say): distances do not change, and inner products take it as an
 * argument when encoding.  Cosine distance is L2 or inner product of vectors
 * that the caller has normalised.
 *
 * Inputs must be finite.  The results are finite while the squares of
 * lengths and their product with the centre's length stay within float.
 */
#ifndef VDB_QUANT_H
#define VDB_QUANT_H

#include "kernel/kernel.h"
#include "quant/quant_format.h"

/* ---- rotate.c: a random orthogonal transform ---- */

typedef struct VdbQuantRotation
{
	size_t		dim;
	size_t		span;			/* largest power of two up to dim */
	size_t		words;			/* of signs in a round */
	float		scale;			/* 1 / sqrt(span) */
	const uint32_t *signs;
} VdbQuantRotation;

extern size_t vdb_quant_rotation_size(size_t dim);
extern void vdb_quant_rotation_init(VdbQuantRotation *rotation, size_t dim,
									uint64_t seed, void *memory);

/* from and to have dim floats, and may be the same. */
extern void vdb_quant_rotate(const VdbQuantRotation *rotation,
							 const float *from, float *to);
extern void vdb_quant_unrotate(const VdbQuantRotation *rotation,
							   const float *from, float *to);

/* ---- rabitq.c: a bit per dimension, in blocks of 32 ---- */

/* Bytes of a VdbQuantBlock. */
extern size_t vdb_quant_block_size(size_t dim);

/* Makes every lane, or one, empty. */
extern void vdb_quant_block_init(size_t dim, VdbQuantBlock *block);
extern void vdb_quant_block_clear(size_t dim, VdbQuantBlock *block, int lane);

extern void vdb_quant_block_copy(size_t dim, VdbQuantBlock *to, int to_lane,
								 const VdbQuantBlock *from, int from_lane);

/*
 * Puts a vector in a lane.  residual is the rotated vector minus centre; the
 * rotated centre is relative to the origin; the rotated origin matters for
 * VDB_IP alone, and NULL is zero.  metric: VDB_L2SQ or VDB_IP.
 */
extern void vdb_quant_block_encode(size_t dim, VdbMetric metric,
								   const float *residual, const float *centre,
								   const float *origin, VdbQuantBlock *block,
								   int lane);

/*
 * The same apart from a block: bit i % 8 of byte i / 8 is dimension i's, and
 * zeroes fill up 16 dimensions.  Not a format: it does not go to disk.
 */
extern size_t vdb_quant_bits_size(size_t dim);
extern void vdb_quant_bits_encode(size_t dim, VdbMetric metric,
								  const float *residual, const float *centre,
								  const float *origin, uint8_t *bits,
								  VdbQuantRowFactors *factors);

/* Puts such bits in a lane, or in all lanes of a block at once. */
extern void vdb_quant_block_put(size_t dim, const uint8_t *bits,
								const VdbQuantRowFactors *factors,
								VdbQuantBlock *block, int lane);
extern void vdb_quant_block_fill(size_t dim, const uint8_t *const *bits,
								 const VdbQuantRowFactors *const *factors,
								 VdbQuantBlock *block);

/* What a query needs for blocks: made once, whatever the number of lists. */
typedef struct VdbQuantTables
{
	VdbBlockScan scan;
	float		noise;			/* of a value, from the tables' rounding */
} VdbQuantTables;

/* Bytes of memory for the tables. */
extern size_t vdb_quant_tables_size(size_t dim);

/* query: rotated, relative to the origin. */
extern void vdb_quant_tables_init(VdbQuantTables *tables, size_t dim,
								  const float *query, void *memory);

/*
 * Turns to the vectors of one centre.  base: the squared distance of query
 * and centre for L2, minus their inner product for VDB_IP (without origin).
 * gap: their distance, not squared.  A true distance is below its bound with
 * a probability that epsilon, 1.9 say, decides.
 */
static inline void
vdb_quant_tables_aim(VdbQuantTables *tables, float base, float gap, float epsilon)
{
	tables->scan.base = base;
	tables->scan.error_scale = epsilon * gap;
	tables->scan.error_floor = epsilon * tables->noise;
}

/*
 * Estimates and lower bounds, 32 a block, of nblocks blocks that are stride
 * bytes apart, and a bit for each lane whose bound is below limit.
 */
static inline void
vdb_quant_block_scan(VdbQuantTables *tables, const VdbQuantBlock *blocks,
					 size_t stride, size_t nblocks, float limit,
					 float *estimate, float *lower, uint32_t *below)
{
	tables->scan.limit = limit;
	vdb_kernel.scan_factors(&tables->scan, blocks->codes, blocks->add, stride,
							nblocks, estimate, lower, below);
}

/* ---- multibit.c: 8, 4, 2 or 1 bits per dimension, in rows ---- */

/* Bytes of a row, its factors included. */
extern size_t vdb_quant_row_size(size_t dim, VdbQuantBits bits);

extern const VdbQuantRowFactors *vdb_quant_row_factors(size_t dim,
													   VdbQuantBits bits,
													   const void *row);

/* Arguments as for vdb_quant_block_encode(). */
extern void vdb_quant_row_encode(size_t dim, VdbQuantBits bits, VdbMetric metric,
								 const float *residual, const float *centre,
								 const float *origin, void *row);

/*
 * The residual that a row stands for.  It differs from the one that was
 * encoded at a right angle, by the error of the row's factors times
 * sqrt(dim - 1), and for VDB_L2SQ half of that.
 */
extern void vdb_quant_row_decode(size_t dim, VdbQuantBits bits, VdbMetric metric,
								 const void *row, float *residual);

/* What a query needs for rows, of any width: made once. */
typedef struct VdbQuantWeights
{
	VdbWeights	weights;
	size_t		dim;
	float		step;			/* a weight of 1 stands for */
	double		sum;			/* of the weights */
} VdbQuantWeights;

/* Bytes of memory for the weights. */
extern size_t vdb_quant_weights_size(size_t dim);

/* query: rotated, relative to the origin. */
extern void vdb_quant_weights_init(VdbQuantWeights *weights, size_t dim,
								   const float *query, void *memory);

/*
 * The same for what a row of codes stands for, as it is: codes are integers
 * already, so that nothing is rounded and little is to do.
 */
extern void vdb_quant_weights_of_row(VdbQuantWeights *weights, size_t dim, VdbQuantBits bits,
									 VdbMetric metric, const void *row, void *memory);

/*
 * Estimated distances of nrows rows of one centre, anywhere in memory, whose
 * base is that of vdb_quant_tables_aim().
 */
extern void vdb_quant_row_many(const VdbQuantWeights *weights, VdbQuantBits bits,
							   float base, const void *const *rows,
							   size_t nrows, float *estimate);

/* ---- sq8.c: 8 bits per dimension, without rotation ---- */

/* Bytes of a row, its factors included. */
extern size_t vdb_quant_sq8_size(size_t dim);

extern const VdbQuantSq8Factors *vdb_quant_sq8_factors(size_t dim, const void *row);

/* vector: relative to the origin.  metric: VDB_L2SQ or VDB_IP. */
extern void vdb_quant_sq8_encode(size_t dim, VdbMetric metric,
								 const float *vector, void *row);

/* The vector that a row stands for; metric is that of encoding. */
extern void vdb_quant_sq8_decode(size_t dim, VdbMetric metric, const void *row,
								 float *vector);

/*
 * Distances of the query of the weights to what the rows stand for.  base:
 * the square of the query's length for L2; minus the inner product of query
 * and origin for VDB_IP, for which the query is not relative to the origin.
 */
extern void vdb_quant_sq8_many(const VdbQuantWeights *weights, float base,
							   const void *const *rows, size_t nrows,
							   float *estimate);

/* ---- pq.c: product quantization, with codebooks of 256 or 16 centroids ---- */

/*
 * A vector is m pieces of dim / m elements, the first dim % m of which have
 * one more.  A code has for each the nearest of ncentroids centroids.
 *
 * codebook has dim * ncentroids floats: for each dimension, its value in
 * every centroid of the piece that it belongs to.  The caller trains it.
 */
typedef struct VdbQuantPq
{
	size_t		dim;
	size_t		m;				/* pieces, 1 to dim */
	size_t		ncentroids;		/* 16 or 256 */
	const float *codebook;
} VdbQuantPq;

/* The first dimension of a piece; that of piece m is dim. */
static inline size_t
vdb_quant_pq_start(const VdbQuantPq *pq, size_t piece)
{
	size_t		longer = pq->dim % pq->m;

	return piece * (pq->dim / pq->m) + (piece < longer ? piece : longer);
}

/* code: m bytes, the number of a centroid each. */
extern void vdb_quant_pq_encode(const VdbQuantPq *pq, const float *vector,
								uint8_t *code);

/*
 * lut: m * ncentroids floats, what each centroid adds to the distance.
 * metric: VDB_L2SQ or VDB_IP.
 */
extern void vdb_quant_pq_lut(const VdbQuantPq *pq, VdbMetric metric,
							 const float *query, float *lut);

/* Distances, plus base, of codes of 256 centroids, anywhere in memory. */
extern void vdb_quant_pq8_many(const VdbQuantPq *pq, const float *lut, float base,
							   const uint8_t *const *codes, size_t ncodes,
							   float *estimate);

/*
 * Blocks of 32 codes of 16 centroids: bytes of a block (no factors, and so no
 * empty lanes: the caller masks them), and putting a code into a lane of a
 * block that began as zeroes.
 */
extern size_t vdb_quant_pq4_block_size(const VdbQuantPq *pq);
extern void vdb_quant_pq4_put(const VdbQuantPq *pq, const uint8_t *code,
							  uint8_t *block, int lane);

/* Tables of a block scan from a lut; as many bytes of memory as a block. */
extern void vdb_quant_pq4_tables(const VdbQuantPq *pq, const float *lut,
								 VdbBlockScan *scan, void *memory);

/*
 * Codes of 16 centroids in the place of the bits of rabitq.c, with its factors:
 * what a code stands for is the y of README.md.  They go into a VdbQuantBlock
 * of 4 m dimensions, 4 bits a piece.  The codebook is of residuals that have
 * the length sqrt(dim).
 *
 * Arguments as for vdb_quant_bits_encode(); scratch has dim floats.
 */
extern void vdb_quant_pq4_encode(const VdbQuantPq *pq, VdbMetric metric, const float *residual,
								 const float *centre, const float *origin, float *scratch,
								 uint8_t *bits, VdbQuantRowFactors *factors);

/*
 * What a query needs for such blocks.  lut has 16 m floats, memory has
 * vdb_quant_tables_size(4 m) bytes.
 */
extern void vdb_quant_pq4_query(VdbQuantTables *tables, const VdbQuantPq *pq, const float *query,
								float *lut, void *memory);

/* Distances, plus base, and bits, as vdb_quant_block_scan() has them. */
static inline void
vdb_quant_pq4_scan(VdbBlockScan *scan, float base, const uint8_t *blocks,
				   size_t stride, size_t nblocks, float limit,
				   float *estimate, uint32_t *below)
{
	scan->base = base;
	scan->limit = limit;
	vdb_kernel.scan_plain(scan, blocks, stride, nblocks, estimate, below);
}

#endif							/* VDB_QUANT_H */
