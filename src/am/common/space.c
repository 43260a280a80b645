/*
 * space.c
 *	  Where vectors are in the space of codes, and rows of codes.
 *
 * Neither needs a page, so that both can be done anywhere: by the threads of a
 * build, or before pages are locked.
 */
#include "postgres.h"

#include <math.h>

#include "am/common/space.h"

/* ---- the space ---- */

static Size
signs_size(uint32 dim)
{
	return MAXALIGN(vdb_quant_rotation_size(dim));
}

Size
vdb_am_space_memory(uint32 dim)
{
	return signs_size(dim) + dim * sizeof(float);
}

void
vdb_am_space_move(VdbAmSpace *space, void *memory)
{
	space->rotation.signs = memory;
	space->origin = (float *) ((char *) memory + signs_size(space->dim));
}

uint32
vdb_am_row_size(const VdbAmKind *kind, uint32 dim, VdbAmRows rows, VdbQuantBits bits)
{
	switch (rows)
	{
		case VDB_AM_ROWS_PLAIN:
			return vdb_am_bytes(kind, dim);
		case VDB_AM_ROWS_SQ8:
			return vdb_quant_sq8_size(dim);
		default:
			return vdb_quant_row_size(dim, bits);
	}
}

void
vdb_am_space_init(VdbAmSpace *space, const VdbAmKind *kind, uint32 dim, VdbAmRows rows,
				  VdbQuantBits bits, float scale, uint64 seed, void *memory)
{
	memset(space, 0, sizeof(*space));
	space->kind = kind;
	space->dim = dim;
	space->rows = rows;
	space->bits = bits;
	space->sure = VDB_AM_SURE;
	space->coded_metric = kind->metric == VDB_IP ? VDB_IP : VDB_L2SQ;
	space->normalized = kind->metric == VDB_COSINE;
	space->scale = scale;
	space->row_size = vdb_am_row_size(kind, dim, rows, bits);
	memset(memory, 0, vdb_am_space_memory(dim));
	vdb_quant_rotation_init(&space->rotation, dim, seed, memory);
	vdb_am_space_move(space, memory);
}

uint8
vdb_am_row_version(VdbAmRows rows)
{
	return rows == VDB_AM_ROWS_SQ8 ? VDB_QUANT_SQ8_VERSION : VDB_QUANT_ROW_VERSION;
}

/* ---- places ---- */

/* In runs that are known to be of 16, for compilers to make vectors of. */
static void
multiply(float *x, uint32 n, double factor)
{
	uint32		i = 0;

	for (; i + 16 <= n; i += 16)
		for (int k = 0; k < 16; k++)
			x[i + k] *= factor;
	for (; i < n; i++)
		x[i] *= factor;
}

bool
vdb_am_floats(const VdbAmSpace *space, const void *elements, float *floats)
{
	vdb_am_to_floats(space->kind, elements, space->dim, floats);
	if (space->normalized)
	{
		double		norm = vdb_dist_norm(VDB_F32, floats, space->dim);

		if (!(norm > 0))
			return false;
		multiply(floats, space->dim, 1 / norm);
	}
	return true;
}

/* What stands for all that is far. */
static void
make_far(const VdbAmSpace *space, float *rotated)
{
	memset(rotated, 0, space->dim * sizeof(float));
	rotated[0] = VDB_AM_FAR;
}

void
vdb_am_place(const VdbAmSpace *space, float *floats, float *rotated)
{
	double		scale = space->scale;

	/* Before the rotation: its rounding is in proportion to the length. */
	for (uint32 i = 0; i < space->dim; i++)
		floats[i] = ((double) floats[i] - space->origin[i]) * scale;
	vdb_quant_rotate(&space->rotation, floats, rotated);
	if (!(vdb_dist_square(VDB_F32, rotated, space->dim) < (double) VDB_AM_FAR * VDB_AM_FAR))
		make_far(space, rotated);
}

bool
vdb_am_rotate(const VdbAmSpace *space, const void *elements, float *floats, float *rotated)
{
	if (!vdb_am_floats(space, elements, floats))
		return false;
	vdb_am_place(space, floats, rotated);
	return true;
}

/* ---- rows ---- */

float
vdb_am_error_unit(const VdbAmSpace *space)
{
	return (space->coded_metric == VDB_IP ? 1 : 2) /
		sqrt(space->dim > 1 ? space->dim - 1.0 : 1);
}

void
vdb_am_no_bound(VdbQuantRowFactors *factors)
{
	factors->add = 10 * VDB_AM_NO_BOUND;
	factors->rescale = factors->error = 0;
}

double
vdb_am_sq8_error(const VdbAmSpace *space, const VdbQuantSq8Factors *factors)
{
	double		scale = fabsf(factors->scale);
	double		most = 127.5 * scale + fabsf(factors->middle);	/* of an element */
	double		weight = space->coded_metric == VDB_IP ? 1 : 2;

	/* Half a step, and the roundings of the grid and of rotating back. */
	return sqrt(space->dim) * (0.5 * scale + 6e-6 * most) / weight;
}

/* Its row does not depend on a centre.  scratch has dim floats. */
static void
encode_sq8(const VdbAmSpace *space, const float *rotated, float *scratch, void *row)
{
	VdbQuantSq8Factors *factors = (VdbQuantSq8Factors *) vdb_quant_sq8_factors(space->dim, row);

	vdb_quant_unrotate(&space->rotation, rotated, scratch);
	vdb_quant_sq8_encode(space->dim, space->coded_metric, scratch, row);
	if (vdb_am_is_far(rotated))
	{
		factors->add = 10 * VDB_AM_NO_BOUND;
		factors->scale = factors->middle = 0;
	}
}

static bool
decode_sq8(const VdbAmSpace *space, const void *row, float *rotated, float *error)
{
	const VdbQuantSq8Factors *factors = vdb_quant_sq8_factors(space->dim, row);

	*error = vdb_am_sq8_error(space, factors);
	vdb_quant_sq8_decode(space->dim, space->coded_metric, row, rotated);
	vdb_quant_rotate(&space->rotation, rotated, rotated);
	return factors->add > VDB_AM_NO_BOUND;
}

/*
 * The vector encoded is what an older code stands for, off by so much from the true
 * one: both errors may point to the same side.  Where bounds must not fail, they allow
 * for the rest.  Else an estimate should not have it: such a vector is further away on
 * average, by the square of what it is off, which is much with few bits.
 */
static void
add_error(const VdbAmSpace *space, double error, VdbQuantRowFactors *factors)
{
	factors->error += error * vdb_am_error_unit(space);
	if (!vdb_am_is_sure(space) && space->coded_metric == VDB_L2SQ)
		factors->add -= error * error;
}

void
vdb_am_row_encode_residual(const VdbAmSpace *space, bool far, const float *residual,
						   const float *centre, float error, void *row)
{
	VdbQuantRowFactors *factors = (VdbQuantRowFactors *)
		vdb_quant_row_factors(space->dim, space->bits, row);

	vdb_quant_row_encode(space->dim, space->bits, space->coded_metric, residual, centre, NULL,
						 row);
	add_error(space, error, factors);
	if (far)
		vdb_am_no_bound(factors);
}

void
vdb_am_row_encode(const VdbAmSpace *space, const float *rotated, const float *centre,
				  float error, float *scratch, void *row)
{
	const float *residual = scratch;

	if (space->rows == VDB_AM_ROWS_SQ8)
	{
		encode_sq8(space, rotated, scratch, row);
		return;
	}
	if (centre == NULL)
	{
		residual = rotated;
		centre = memset(scratch, 0, space->dim * sizeof(float));
	}
	else
		for (uint32 i = 0; i < space->dim; i++)
			scratch[i] = rotated[i] - centre[i];
	vdb_am_row_encode_residual(space, vdb_am_is_far(rotated), residual, centre, error, row);
}

static bool
decode_far(const VdbAmSpace *space, float *rotated, float *error)
{
	make_far(space, rotated);
	*error = 0;
	return false;
}

bool
vdb_am_row_decode(const VdbAmSpace *space, const void *row, const float *centre,
				  float *rotated, float *error)
{
	const VdbQuantRowFactors *factors;

	if (space->rows == VDB_AM_ROWS_SQ8)
		return decode_sq8(space, row, rotated, error) || decode_far(space, rotated, error);
	factors = vdb_quant_row_factors(space->dim, space->bits, row);
	if (factors->add <= VDB_AM_NO_BOUND)
		return decode_far(space, rotated, error);
	vdb_quant_row_decode(space->dim, space->bits, space->coded_metric, row, rotated);
	if (centre != NULL)
		for (uint32 i = 0; i < space->dim; i++)
			rotated[i] += centre[i];
	/* and what rounding to floats adds */
	*error = factors->error / vdb_am_error_unit(space) +
		3e-7 * vdb_dist_norm(VDB_F32, rotated, space->dim);
	/* Of a damaged row: no vector, so it may be anywhere. */
	if (!(*error >= 0 && *error < VDB_AM_FAR))
		return decode_far(space, rotated, error);
	return true;
}
