/*
 * bit_body.h
 *	  Hamming and Jaccard distance, for one instruction set.
 *
 * Included with these defined (and undefined at the end of this file):
 *
 *	BODY(name)		the name of a function here, e.g. name##_bit_avx2
 *	VEC				a register, also of 64-bit accumulators
 *	VBYTES			bytes in a VEC
 *	OP(name)		the name of one of these functions:
 *
 *	VEC OP(load)(const uint8_t *p)			VBYTES bytes
 *	VEC OP(load_tail)(const uint8_t *p, n)	n < VBYTES bytes, then zeroes;
 *											reads no further
 *	VEC OP(zero)(void)
 *	VEC OP(and)(VEC a, VEC b)				likewise or, xor
 *	VEC OP(count)(VEC acc, VEC v)			acc plus the numbers of bits set
 *	uint64_t OP(sum)(VEC acc)				sum of the lanes
 */

static double
BODY(hamming) (const void *pa, const void *pb, size_t dim)
{
	const uint8_t *a = pa,
			   *b = pb;
	size_t		bytes = (dim + 7) / 8;
	VEC			s0 = OP(zero)(),
				s1 = OP(zero)();
	size_t		i = 0;

	for (; i + 2 * VBYTES <= bytes; i += 2 * VBYTES)
	{
		s0 = OP(count)(s0, OP(xor)(OP(load)(a + i), OP(load)(b + i)));
		s1 = OP(count)(s1, OP(xor)(OP(load)(a + i + VBYTES), OP(load)(b + i + VBYTES)));
	}
	for (; i + VBYTES <= bytes; i += VBYTES)
		s0 = OP(count)(s0, OP(xor)(OP(load)(a + i), OP(load)(b + i)));
	if (i < bytes)
		s1 = OP(count)(s1, OP(xor)(OP(load_tail)(a + i, bytes - i), OP(load_tail)(b + i, bytes - i)));
	return (double) (OP(sum)(s0) + OP(sum)(s1));
}

static double
BODY(jaccard) (const void *pa, const void *pb, size_t dim)
{
	const uint8_t *a = pa,
			   *b = pb;
	size_t		bytes = (dim + 7) / 8;
	VEC			both = OP(zero)(),
				either = OP(zero)();
	size_t		i = 0;
	uint64_t	nboth;

	for (; i + VBYTES <= bytes; i += VBYTES)
	{
		VEC			x = OP(load)(a + i),
					y = OP(load)(b + i);

		both = OP(count)(both, OP(and)(x, y));
		either = OP(count)(either, OP(or)(x, y));
	}
	if (i < bytes)
	{
		VEC			x = OP(load_tail)(a + i, bytes - i),
					y = OP(load_tail)(b + i, bytes - i);

		both = OP(count)(both, OP(and)(x, y));
		either = OP(count)(either, OP(or)(x, y));
	}
	nboth = OP(sum)(both);
	return nboth == 0 ? 1 : 1 - (double) nboth / (double) OP(sum)(either);
}

/* Rows of bits are short: what costs time is waiting for them. */
static void
BODY(hamming_many) (const void *query, const void *const *rows, size_t nrows,
					size_t dim, float *out)
{
	for (size_t r = 0; r < nrows; r++)
	{
		if (r + 8 < nrows)
			__builtin_prefetch(rows[r + 8]);
		out[r] = (float) BODY(hamming) (query, rows[r], dim);
	}
}

static void
BODY(jaccard_many) (const void *query, const void *const *rows, size_t nrows,
					size_t dim, float *out)
{
	for (size_t r = 0; r < nrows; r++)
	{
		if (r + 8 < nrows)
			__builtin_prefetch(rows[r + 8]);
		out[r] = (float) BODY(jaccard) (query, rows[r], dim);
	}
}

VDB_INLINE void
BODY(put) (VdbKernels *kernels)
{
	kernels->pair[VDB_BIT][VDB_HAMMING] = BODY(hamming);
	kernels->pair[VDB_BIT][VDB_JACCARD] = BODY(jaccard);
	kernels->many[VDB_BIT][VDB_HAMMING] = BODY(hamming_many);
	kernels->many[VDB_BIT][VDB_JACCARD] = BODY(jaccard_many);
}

#undef BODY
#undef VEC
#undef VBYTES
#undef OP
