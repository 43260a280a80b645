/*
 * sparse_body.h
 *	  The distances of sparse vectors, for one instruction set.
 *
 * Both index lists ascend, so they are merged, a register of LANES indexes
 * from each side at a time: every index of one is compared with every index
 * of the other, through LANES rotations, and the side with the smaller last
 * index (or both) moves on.  This is the all-pairs step of Schlegel, Willhalm
 * and Lehner, "Fast Sorted-Set Intersection using SIMD Instructions" (ADMS
 * 2011), with masks that remember which elements found a partner: those that
 * did not contribute against zero.
 *
 * Past the end of a list come indexes that match nothing, with zero values,
 * so there is no tail to treat apart.
 *
 * Included with these defined (and undefined at the end of this file):
 *
 *	BODY(name)			the name of a function here, e.g. name##_sparse_avx2
 *	IVEC, VEC, MASK		registers of indexes and values; a bit for each lane
 *	LANES				lanes of them
 *	OP(name)			the name of one of these functions:
 *
 *	IVEC OP(load_index)(const int32_t *p, n, pad)	min(n, LANES), then pad
 *	VEC OP(load_value)(const float *p, n)	min(n, LANES) values, then zeroes
 *	IVEC OP(rotate_index)(IVEC v)			lane i gets what lane i + 1 held
 *	VEC OP(rotate_value)(VEC v)
 *	MASK OP(equal)(IVEC a, IVEC b)			lanes with equal indexes
 *	VEC OP(keep)(MASK mask, VEC v)			lanes outside the mask zeroed
 *
 *	and zero, sum, l2sq, ip and l1 as in dense_body.h.
 */
#define LANE_MASK ((MASK) ((1U << LANES) - 1))

VDB_INLINE VEC
BODY(step) (VdbMetric metric, VEC acc, VEC x, VEC y)
{
	if (metric == VDB_L2SQ)
		return OP(l2sq)(acc, x, y);
	if (metric == VDB_IP)
		return OP(ip)(acc, x, y);
	return OP(l1)(acc, x, y);
}

VDB_INLINE double
BODY(merge) (VdbMetric metric, const VdbSparse *a, const VdbSparse *b)
{
	size_t		i = 0,
				j = 0;
	VEC		sum = OP(zero)();
	IVEC		ai = OP(load_index)(a->index, a->nnz, -1);
	IVEC		bi = OP(load_index)(b->index, b->nnz, -2);
	VEC		av = OP(load_value)(a->value, a->nnz);
	VEC		bv = OP(load_value)(b->value, b->nnz);
	MASK		amet = 0,		/* lanes that found their partner */
				bmet = 0;

	while (i < a->nnz && j < b->nnz)
	{
		int32_t		alast = a->index[i + LANES < a->nnz ? i + LANES - 1 : a->nnz - 1];
		int32_t		blast = b->index[j + LANES < b->nnz ? j + LANES - 1 : b->nnz - 1];
		IVEC		ri = bi;
		VEC		rv = bv;

		for (int r = 0; r < LANES; r++)
		{
			MASK		met = OP(equal)(ai, ri);

			if (met)
			{
				sum = BODY(step) (metric, sum, OP(keep)(met, av), OP(keep)(met, rv));
				amet |= met;
				/* lane l of ri is lane (l + r) mod LANES of bi */
				bmet |= (MASK) (((unsigned) met << r | (unsigned) met >> (LANES - r)) & LANE_MASK);
			}
			ri = OP(rotate_index)(ri);
			rv = OP(rotate_value)(rv);
		}
		if (alast <= blast)
		{
			if (metric != VDB_IP)
				sum = BODY(step) (metric, sum, OP(keep)(~amet & LANE_MASK, av), OP(zero)());
			amet = 0;
			i += LANES;
			if (i < a->nnz)
			{
				ai = OP(load_index)(a->index + i, a->nnz - i, -1);
				av = OP(load_value)(a->value + i, a->nnz - i);
			}
		}
		if (blast <= alast)
		{
			if (metric != VDB_IP)
				sum = BODY(step) (metric, sum, OP(keep)(~bmet & LANE_MASK, bv), OP(zero)());
			bmet = 0;
			j += LANES;
			if (j < b->nnz)
			{
				bi = OP(load_index)(b->index + j, b->nnz - j, -2);
				bv = OP(load_value)(b->value + j, b->nnz - j);
			}
		}
	}

	/* What is left of one side: first the part of it seen above. */
	if (metric != VDB_IP)
	{
		for (; i < a->nnz; i += LANES, amet = 0)
			sum = BODY(step) (metric, sum,
							  OP(keep)(~amet & LANE_MASK, OP(load_value)(a->value + i, a->nnz - i)),
							  OP(zero)());
		for (; j < b->nnz; j += LANES, bmet = 0)
			sum = BODY(step) (metric, sum,
							  OP(keep)(~bmet & LANE_MASK, OP(load_value)(b->value + j, b->nnz - j)),
							  OP(zero)());
	}
	return metric == VDB_IP ? -OP(sum)(sum) : OP(sum)(sum);
}

static double
BODY(l2sq) (const VdbSparse *a, const VdbSparse *b)
{
	return BODY(merge) (VDB_L2SQ, a, b);
}

static double
BODY(ip) (const VdbSparse *a, const VdbSparse *b)
{
	return BODY(merge) (VDB_IP, a, b);
}

static double
BODY(l1) (const VdbSparse *a, const VdbSparse *b)
{
	return BODY(merge) (VDB_L1, a, b);
}

VDB_INLINE void
BODY(put) (VdbKernels *kernels)
{
	kernels->sparse[VDB_L2SQ] = BODY(l2sq);
	kernels->sparse[VDB_IP] = BODY(ip);
	kernels->sparse[VDB_L1] = BODY(l1);
}

#undef LANE_MASK
#undef BODY
#undef IVEC
#undef VEC
#undef MASK
#undef LANES
#undef OP
