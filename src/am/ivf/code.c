/*
 * code.c
 *	  Entries of lists, encoded, apart from pages.
 *
 * Encoding is most of what a list's entry costs and needs no page, so that it
 * can be done anywhere: by the threads of a build, or before pages are locked.
 */
#include "postgres.h"

#include <math.h>

#include "am/ivf/ivf.h"

/* Where the bits are, and the row. */
static inline Size
bits_at(void)
{
	return sizeof(VdbQuantRowFactors);
}

static inline Size
row_at(const VdbIvfShape *shape)
{
	return shape->coded ?
		bits_at() + TYPEALIGN(4, vdb_quant_bits_size(shape->code_dim)) : 0;
}

Size
vdb_ivf_encoded_size(const VdbIvf *ivf, const VdbIvfShape *shape)
{
	return TYPEALIGN(4, row_at(shape) + shape->row_size);
}

/* In runs that are known to be of 16, for compilers to make vectors of. */
static void
subtract(const float *restrict a, const float *restrict b, uint32 n, float *restrict to)
{
	uint32		i = 0;

	for (; i + 16 <= n; i += 16)
		for (int k = 0; k < 16; k++)
			to[i + k] = a[i + k] - b[i + k];
	for (; i < n; i++)
		to[i] = a[i] - b[i];
}

/*
 * A code over the first dimensions only is one of the whole residual by a vector
 * that is 0 in the rest: factors that are fit to the whole make an estimate
 * without bias (quant/README.md).  Without them what is near would seem further
 * away, as its rest points to where the query's does.
 */
static void
fit_whole(const VdbIvf *ivf, const VdbIvfShape *shape, const float *residual,
		  const float *centre, VdbQuantRowFactors *factors)
{
	uint32		n = shape->code_dim;
	uint32		dim = ivf->space.dim;
	bool		l2 = ivf->space.coded_metric == VDB_L2SQ;
	double		weight = l2 ? 2 : 1;
	double		part = vdb_dist_square(VDB_F32, residual, n);
	double		whole = part + vdb_dist_square(VDB_F32, residual + n, dim - n);
	double		exact_part = l2 ? part : vdb_dist(VDB_F32, VDB_IP, residual, centre, n);
	double		exact = l2 ? whole : vdb_dist(VDB_F32, VDB_IP, residual, centre, dim);
	double		ratio = part > 0 ? whole / part : 0;
	double		error = factors->error / weight;
	double		spread = part > 0 ? (error * error * (n - 1) / part + 1) * ratio - 1 : dim;

	if (spread >= dim - 1)
	{
		/* It tells nothing. */
		ratio = 0;
		spread = dim - 1;
	}
	factors->add = exact + ratio * (factors->add - exact_part);
	factors->rescale *= ratio;
	factors->error = weight * sqrt(whole * spread / (dim - 1));
}

/*
 * A code of what an older code stands for, which is off by so much in a random
 * direction: on average it is further away, by the square of that.
 */
static void
add_error(const VdbIvf *ivf, double error, VdbQuantRowFactors *factors)
{
	double		deviation = error * vdb_am_error_unit(&ivf->space);

	if (ivf->space.coded_metric == VDB_L2SQ)
		factors->add -= error * error;
	factors->error = sqrt((double) factors->error * factors->error + deviation * deviation);
}

void
vdb_ivf_encode(const VdbIvf *ivf, const VdbIvfShape *shape, const float *rotated,
			   const float *centre, float error, const void *row, float *scratch, void *encoded)
{
	VdbQuantRowFactors *factors = encoded;
	uint8	   *bits = (uint8 *) encoded + bits_at();
	char	   *to = (char *) encoded + row_at(shape);
	bool		far;

	if (row != NULL)
		memcpy(to, row, shape->row_size);
	else if (!shape->coded)
		vdb_am_row_encode(&ivf->space, rotated, NULL, 0, scratch, to);
	if (!shape->coded)
		return;

	far = vdb_am_is_far(rotated);
	if (centre == NULL)
		centre = memset(scratch + ivf->space.dim, 0, ivf->space.dim * sizeof(float));
	subtract(rotated, centre, ivf->space.dim, scratch);

	/* what fills it up, too, so that equal entries have equal bytes */
	memset(bits, 0, row_at(shape) - bits_at());
	if (shape->product)
		vdb_quant_pq4_encode(&ivf->pq, ivf->space.coded_metric, scratch, centre, NULL,
							 scratch + ivf->space.dim, bits, factors);
	else
		vdb_quant_bits_encode(shape->code_dim, ivf->space.coded_metric, scratch, centre, NULL,
							  bits, factors);
	if (far)
		vdb_am_no_bound(factors);
	else
	{
		if (shape->code_dim < ivf->space.dim && !shape->product)
			fit_whole(ivf, shape, scratch, centre, factors);
		if (error > 0)
			add_error(ivf, error, factors);
	}
	if (row == NULL)
		vdb_am_row_encode_residual(&ivf->space, far, scratch, centre, error, to);
}

void
vdb_ivf_encoded_lane(const VdbIvf *ivf, const VdbIvfShape *shape, const void *encoded,
					 VdbQuantBlock *block, uint32 lane)
{
	Assert(shape->coded);
	vdb_quant_block_put(shape->code_dim, (const uint8 *) encoded + bits_at(), encoded, block,
						lane);
}

void
vdb_ivf_encoded_block(const VdbIvf *ivf, const VdbIvfShape *shape, const void *const *encoded,
					  VdbQuantBlock *block)
{
	const uint8 *bits[VDB_BLOCK];
	const VdbQuantRowFactors *factors[VDB_BLOCK];

	Assert(shape->coded);
	for (int lane = 0; lane < VDB_BLOCK; lane++)
	{
		factors[lane] = encoded[lane];
		bits[lane] = (const uint8 *) encoded[lane] + bits_at();
	}
	vdb_quant_block_fill(shape->code_dim, bits, factors, block);
}

const void *
vdb_ivf_encoded_row(const VdbIvf *ivf, const VdbIvfShape *shape, const void *encoded)
{
	return (const char *) encoded + row_at(shape);
}
