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

/* What a length of 1 is in the error of factors. */
static float
error_unit(const VdbIvf *ivf)
{
	return (ivf->coded_metric == VDB_IP ? 1 : 2) / sqrt(ivf->dim > 1 ? ivf->dim - 1.0 : 1);
}

/*
 * A code over the first dimensions only: what the rest adds to the distance
 * is exact but for an inner product, which is 0 on average, and the bound
 * widens by its standard deviation.
 */
static void
add_rest(const VdbIvf *ivf, const VdbIvfShape *shape, const float *residual,
		 const float *centre, VdbQuantRowFactors *factors)
{
	uint32		n = ivf->dim - shape->code_dim;
	const float *rest = residual + shape->code_dim;
	double		square = vdb_dist_square(VDB_F32, rest, n);
	double		spread = square / n;
	float		error = factors->error;

	if (ivf->coded_metric == VDB_L2SQ)
	{
		factors->add += square;
		spread *= 4;
	}
	else
		factors->add += vdb_dist(VDB_F32, VDB_IP, rest, centre + shape->code_dim, n);
	factors->error = sqrt(error * error + spread);
}

/*
 * A code of what an older code stands for, which is off by so much in a random
 * direction: on average it is further away, by the square of that.
 */
static void
add_error(const VdbIvf *ivf, double error, VdbQuantRowFactors *factors)
{
	double		deviation = error * error_unit(ivf);

	if (ivf->coded_metric == VDB_L2SQ)
		factors->add -= error * error;
	factors->error = sqrt((double) factors->error * factors->error + deviation * deviation);
}

double
vdb_ivf_sq8_error(const VdbIvf *ivf, const VdbQuantSq8Factors *factors)
{
	double		scale = fabsf(factors->scale);
	double		most = 127.5 * scale + fabsf(factors->middle);	/* of an element */
	double		weight = ivf->coded_metric == VDB_IP ? 1 : 2;

	/* Half a step, and the roundings of the grid and of rotating back. */
	return sqrt(ivf->dim) * (0.5 * scale + 6e-6 * most) / weight;
}

/* Its row does not depend on the list.  scratch has dim floats. */
static void
encode_sq8(const VdbIvf *ivf, const float *rotated, float *scratch, void *row)
{
	VdbQuantSq8Factors *factors = (VdbQuantSq8Factors *) vdb_quant_sq8_factors(ivf->dim, row);

	vdb_quant_unrotate(&ivf->rotation, rotated, scratch);
	vdb_quant_sq8_encode(ivf->dim, ivf->coded_metric, scratch, row);
	if (vdb_ivf_is_far(rotated))
	{
		factors->add = 10 * VDB_IVF_NO_BOUND;
		factors->scale = factors->middle = 0;
	}
}

static bool
decode_sq8(const VdbIvf *ivf, const void *row, float *rotated, float *error)
{
	const VdbQuantSq8Factors *factors = vdb_quant_sq8_factors(ivf->dim, row);

	*error = vdb_ivf_sq8_error(ivf, factors);
	vdb_quant_sq8_decode(ivf->dim, ivf->coded_metric, row, rotated);
	vdb_quant_rotate(&ivf->rotation, rotated, rotated);
	return factors->add > VDB_IVF_NO_BOUND;
}

/* The factors of a vector that codes cannot hold: it may be anywhere. */
static void
no_bound(VdbQuantRowFactors *factors)
{
	factors->add = 10 * VDB_IVF_NO_BOUND;
	factors->rescale = factors->error = 0;
}

/* The row of a vector that is far, or not, with this residual. */
static void
encode_row(const VdbIvf *ivf, bool far, const float *residual, const float *centre, float error,
		   void *row)
{
	VdbQuantRowFactors *factors = (VdbQuantRowFactors *)
		vdb_quant_row_factors(ivf->dim, vdb_ivf_bits(ivf), row);

	vdb_quant_row_encode(ivf->dim, vdb_ivf_bits(ivf), ivf->coded_metric, residual, centre, NULL,
						 row);
	factors->error += error * error_unit(ivf);
	if (far)
		no_bound(factors);
}

void
vdb_ivf_encode_row(const VdbIvf *ivf, const float *rotated, const float *centre, float error,
				   float *scratch, void *row)
{
	if (ivf->meta.coding == VDB_IVF_SQ8)
	{
		encode_sq8(ivf, rotated, scratch, row);
		return;
	}
	for (uint32 i = 0; i < ivf->dim; i++)
		scratch[i] = rotated[i] - centre[i];
	encode_row(ivf, vdb_ivf_is_far(rotated), scratch, centre, error, row);
}

/* What stands for all that is far. */
static bool
decode_far(const VdbIvf *ivf, float *rotated, float *error)
{
	memset(rotated, 0, ivf->dim * sizeof(float));
	rotated[0] = VDB_IVF_FAR;
	*error = 0;
	return false;
}

bool
vdb_ivf_decode(const VdbIvf *ivf, const void *row, const float *centre, float *rotated,
			   float *error)
{
	const VdbQuantRowFactors *factors;

	if (ivf->meta.coding == VDB_IVF_SQ8 && decode_sq8(ivf, row, rotated, error))
		return true;
	factors = vdb_quant_row_factors(ivf->dim, vdb_ivf_bits(ivf), row);
	if (ivf->meta.coding == VDB_IVF_SQ8 || factors->add <= VDB_IVF_NO_BOUND)
		return decode_far(ivf, rotated, error);
	vdb_quant_row_decode(ivf->dim, vdb_ivf_bits(ivf), ivf->coded_metric, row, rotated);
	for (uint32 i = 0; i < ivf->dim; i++)
		rotated[i] += centre[i];
	/* and what rounding to floats adds */
	*error = factors->error / error_unit(ivf) +
		3e-7 * vdb_dist_norm(VDB_F32, rotated, ivf->dim);
	/* Of a damaged row: no vector, so it may be anywhere. */
	if (!(*error >= 0 && *error < VDB_IVF_FAR))
		return decode_far(ivf, rotated, error);
	return true;
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
		encode_sq8(ivf, rotated, scratch, to);
	if (!shape->coded)
		return;

	far = vdb_ivf_is_far(rotated);
	if (centre == NULL)
		centre = memset(scratch + ivf->dim, 0, ivf->dim * sizeof(float));
	for (uint32 i = 0; i < ivf->dim; i++)
		scratch[i] = rotated[i] - centre[i];

	/* what fills it up, too, so that equal entries have equal bytes */
	memset(bits, 0, row_at(shape) - bits_at());
	if (shape->product)
		vdb_quant_pq4_encode(&ivf->pq, ivf->coded_metric, scratch, centre, NULL,
							 scratch + ivf->dim, bits, factors);
	else
		vdb_quant_bits_encode(shape->code_dim, ivf->coded_metric, scratch, centre, NULL, bits,
							  factors);
	if (far)
		no_bound(factors);
	else
	{
		if (shape->code_dim < ivf->dim && !shape->product)
			add_rest(ivf, shape, scratch, centre, factors);
		if (error > 0)
			add_error(ivf, error, factors);
	}
	if (row != NULL)
		return;
	encode_row(ivf, far, scratch, centre, error, to);
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
