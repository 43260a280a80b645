/*
 * dot_body.h
 *	  Inner products of a query in integers with many rows of unsigned codes,
 *	  for one instruction set.
 *
 * Included once for each, with these defined by the including file (and
 * undefined at the end of this one):
 *
 *	BODY(name)		the name of a function here
 *	QUERY, CODES	types of what a run of 64 weights, or of codes, is in
 *	ACC				type of an accumulator
 *	OP(name)		the name of one of these functions:
 *
 *	QUERY OP(weights)(const VdbWeights *weights, size_t i)
 *											64 weights from i on
 *	CODES OP(unpack)(const uint8_t *p, int bits)
 *											64 codes of that width, a constant
 *	CODES OP(tail)(const uint8_t *p, n)		n < 64 bytes, then zeroes; reads
 *											no further
 *	ACC OP(zero)(void)
 *	ACC OP(dot)(ACC acc, QUERY q, CODES c)
 *	void OP(sum4)(ACC a, ACC b, ACC c, ACC d, int32_t *out)
 */

/* The beginnings of the next four rows, and what callers keep behind them. */
VDB_INLINE void
BODY(prefetch) (const void *const *rows, size_t bytes)
{
	size_t		end = bytes < VDB_PREFETCH_BYTES ? bytes : VDB_PREFETCH_BYTES;

	for (int k = 0; k < 4; k++)
		for (size_t i = 0; i < end; i += 64)
			__builtin_prefetch((const char *) rows[k] + i);
}

/*
 * Four rows at a time, so that the query is loaded once for four.  Always
 * inlined with a constant width.
 */
VDB_INLINE void
BODY(dot_many) (int bits, const VdbWeights *weights, const void *const *rows,
				size_t nrows, size_t dim, int32_t *out)
{
	/* codes of 8 bits have a last run that is not filled up */
	size_t		nruns = bits == 8 ? dim / VDB_WEIGHT_PAD : (dim + VDB_WEIGHT_PAD - 1) / VDB_WEIGHT_PAD;
	size_t		run_bytes = VDB_WEIGHT_PAD * bits / 8;

	for (size_t r = 0; r < nrows; r += 4)
	{
		size_t		n = nrows - r < 4 ? nrows - r : 4;
		const uint8_t *a = rows[r],
				   *b = rows[r + (n > 1 ? 1 : 0)],
				   *c = rows[r + (n > 2 ? 2 : 0)],
				   *d = rows[r + (n > 3 ? 3 : 0)];
		ACC			sa = OP(zero)(),
					sb = OP(zero)(),
					sc = OP(zero)(),
					sd = OP(zero)();
		int32_t		sums[4];

		if (r + 8 <= nrows)
			BODY(prefetch) (rows + r + 4, dim * bits / 8 + 16);
		for (size_t run = 0; run < nruns; run++)
		{
			QUERY		q = OP(weights)(weights, run * VDB_WEIGHT_PAD);
			size_t		at = run * run_bytes;

			sa = OP(dot)(sa, q, OP(unpack)(a + at, bits));
			sb = OP(dot)(sb, q, OP(unpack)(b + at, bits));
			sc = OP(dot)(sc, q, OP(unpack)(c + at, bits));
			sd = OP(dot)(sd, q, OP(unpack)(d + at, bits));
		}
		if (bits == 8 && dim % VDB_WEIGHT_PAD != 0)
		{
			size_t		i = nruns * VDB_WEIGHT_PAD;
			QUERY		q = OP(weights)(weights, i);

			sa = OP(dot)(sa, q, OP(tail)(a + i, dim - i));
			sb = OP(dot)(sb, q, OP(tail)(b + i, dim - i));
			sc = OP(dot)(sc, q, OP(tail)(c + i, dim - i));
			sd = OP(dot)(sd, q, OP(tail)(d + i, dim - i));
		}
		OP(sum4)(sa, sb, sc, sd, sums);
		for (size_t k = 0; k < n; k++)
			out[r + k] = sums[k];
	}
}

#define DOT(bits) \
static void \
BODY(dot##bits) (const VdbWeights *weights, const void *const *rows, \
				 size_t nrows, size_t dim, int32_t *out) \
{ \
	BODY(dot_many) (bits, weights, rows, nrows, dim, out); \
}

DOT(8)
DOT(4)
DOT(2)
DOT(1)

VDB_INLINE void
BODY(put_dot) (VdbKernels *kernels)
{
	kernels->dot_many[VDB_CODE8] = BODY(dot8);
	kernels->dot_many[VDB_CODE4] = BODY(dot4);
	kernels->dot_many[VDB_CODE2] = BODY(dot2);
	kernels->dot_many[VDB_CODE1] = BODY(dot1);
}

#undef DOT
#undef BODY
#undef QUERY
#undef CODES
#undef ACC
#undef OP
