/*
 * factors.h
 *	  The factors of a code, from the sums that encoding makes; README.md has
 *	  the derivation.
 */
#ifndef VDB_QUANT_FACTORS_H
#define VDB_QUANT_FACTORS_H

#include "quant/quant_format.h"

/* r: rotated residual, c: rotated centre, y: what the code stands for. */
typedef struct VdbQuantSums
{
	double		rr;				/* <r, r> */
	double		ry;				/* <r, y> */
	double		yy;				/* <y, y> */
	double		cy;				/* <c, y> */
	double		cr;				/* <c + origin, r>, for VDB_IP */
} VdbQuantSums;

extern double vdb_quant_centre_product(size_t dim, const float *residual,
									   const float *centre, const float *origin);
extern void vdb_quant_factors(size_t dim, VdbMetric metric,
							  const VdbQuantSums *sums,
							  VdbQuantRowFactors *factors);

#endif							/* VDB_QUANT_FACTORS_H */
