/*
 * factors.c
 *	  The factors of a RaBitQ code of any number of bits.
 */
#include "quant/factors.h"

/* <centre + origin, residual> */
double
vdb_quant_centre_product(size_t dim, const float *residual, const float *centre,
						 const float *origin)
{
	double		sum = 0;

	for (size_t i = 0; i < dim; i++)
		sum += residual[i] * ((double) centre[i] + (origin == NULL ? 0 : origin[i]));
	return sum;
}

static float
within_float(double x)
{
	return x > FLT_MAX ? FLT_MAX : x < -FLT_MAX ? -FLT_MAX : (float) x;
}

/*
 * With z the query minus the centre, <z, r> is estimated as <z, y> times
 * rr / ry, which has no bias (RaBitQ, theorem 3.2).  A code without error has
 * rr * yy = ry^2; a residual of zero has one that needs no estimate.
 */
void
vdb_quant_factors(size_t dim, VdbMetric metric, const VdbQuantSums *sums,
				  VdbQuantRowFactors *factors)
{
	double		weight = metric == VDB_IP ? 1 : 2;	/* of <z, r> */
	double		ratio = sums->ry > 0 ? sums->rr / sums->ry : 0;
	double		spread = sums->ry > 0 ? sums->rr * sums->yy / (sums->ry * sums->ry) - 1 : 0;

	factors->add = within_float((metric == VDB_IP ? -sums->cr : sums->rr) + weight * ratio * sums->cy);
	factors->rescale = within_float(-weight * ratio);
	factors->error = within_float(weight * sqrt(sums->rr * (spread > 0 ? spread : 0) /
										  (dim > 1 ? (double) dim - 1 : 1)));
}
