/*
 * dense_body.h
 *	  The dense distances, for one element type and one instruction set.
 *
 * Included once for each, with these defined by the including file (and
 * undefined at the end of this one):
 *
 *	BODY(name)		the name of a function here, e.g. name##_f32_avx2
 *	ELEM			type of an element in memory
 *	VEC, ACC		types of a register of elements, and of accumulators
 *	LANES			elements in a VEC
 *	OP(name)		the name of one of these functions:
 *
 *	VEC OP(load)(const ELEM *p)				LANES elements
 *	VEC OP(load_tail)(const ELEM *p, n)		n < LANES elements, then zeroes;
 *											reads no further
 *	ACC OP(zero)(void)
 *	ACC OP(add)(ACC a, ACC b)
 *	double OP(sum)(ACC a)					sum of the lanes
 *	void OP(sum4)(ACC a, ACC b, ACC c, ACC d, float *out)
 *											the sums of four, at once
 *	ACC OP(l2sq)(ACC acc, VEC x, VEC y)		acc plus what x and y contribute,
 *	ACC OP(ip)(ACC acc, VEC x, VEC y)		which is 0 where both are 0
 *	ACC OP(l1)(ACC acc, VEC x, VEC y)
 *	double OP(cosine)(double dot, double aa, double bb)
 *
 * The functions with a metric argument are always inlined with a constant.
 */

VDB_INLINE ACC
BODY(step) (VdbMetric metric, ACC acc, VEC x, VEC y)
{
	if (metric == VDB_L2SQ)
		return OP(l2sq)(acc, x, y);
	if (metric == VDB_IP)
		return OP(ip)(acc, x, y);
	return OP(l1)(acc, x, y);
}

VDB_INLINE double
BODY(finish) (VdbMetric metric, ACC acc)
{
	return metric == VDB_IP ? -OP(sum)(acc) : OP(sum)(acc);
}

/* Four accumulators hide the latency of the additions. */
VDB_INLINE double
BODY(pair) (VdbMetric metric, const ELEM *a, const ELEM *b, size_t dim)
{
	ACC			s0 = OP(zero)(),
				s1 = OP(zero)(),
				s2 = OP(zero)(),
				s3 = OP(zero)();
	size_t		i = 0;

	for (; i + 4 * LANES <= dim; i += 4 * LANES)
	{
		s0 = BODY(step) (metric, s0, OP(load)(a + i), OP(load)(b + i));
		s1 = BODY(step) (metric, s1, OP(load)(a + i + LANES), OP(load)(b + i + LANES));
		s2 = BODY(step) (metric, s2, OP(load)(a + i + 2 * LANES), OP(load)(b + i + 2 * LANES));
		s3 = BODY(step) (metric, s3, OP(load)(a + i + 3 * LANES), OP(load)(b + i + 3 * LANES));
	}
	for (; i + LANES <= dim; i += LANES)
		s0 = BODY(step) (metric, s0, OP(load)(a + i), OP(load)(b + i));
	if (i < dim)
		s1 = BODY(step) (metric, s1, OP(load_tail)(a + i, dim - i), OP(load_tail)(b + i, dim - i));
	return BODY(finish) (metric, OP(add)(OP(add)(s0, s1), OP(add)(s2, s3)));
}

/* The beginnings of the next four rows; a line brings its neighbour along. */
VDB_INLINE void
BODY(prefetch) (const void *const *rows)
{
	for (int k = 0; k < 4; k++)
		for (size_t i = 0; i < VDB_PREFETCH_BYTES; i += 128)
			__builtin_prefetch((const char *) rows[k] + i);
}

/*
 * Four rows at a time, so that each register of the query is loaded once for
 * four, with two accumulators a row.  Short vectors take as long to sum up as
 * to compare, so the sums of four rows are made together.
 */
VDB_INLINE void
BODY(many) (VdbMetric metric, const ELEM *q, const void *const *rows,
			size_t nrows, size_t dim, float *out)
{
	size_t		r = 0;

	for (; r + 4 <= nrows; r += 4)
	{
		const ELEM *a = rows[r],
				   *b = rows[r + 1],
				   *c = rows[r + 2],
				   *d = rows[r + 3];
		ACC			a0 = OP(zero)(),
					a1 = OP(zero)(),
					b0 = OP(zero)(),
					b1 = OP(zero)(),
					c0 = OP(zero)(),
					c1 = OP(zero)(),
					d0 = OP(zero)(),
					d1 = OP(zero)();
		size_t		i = 0;

		if (r + 8 <= nrows)
			BODY(prefetch) (rows + r + 4);

		for (; i + 2 * LANES <= dim; i += 2 * LANES)
		{
			VEC			x = OP(load)(q + i),
						y = OP(load)(q + i + LANES);

			a0 = BODY(step) (metric, a0, x, OP(load)(a + i));
			b0 = BODY(step) (metric, b0, x, OP(load)(b + i));
			c0 = BODY(step) (metric, c0, x, OP(load)(c + i));
			d0 = BODY(step) (metric, d0, x, OP(load)(d + i));
			a1 = BODY(step) (metric, a1, y, OP(load)(a + i + LANES));
			b1 = BODY(step) (metric, b1, y, OP(load)(b + i + LANES));
			c1 = BODY(step) (metric, c1, y, OP(load)(c + i + LANES));
			d1 = BODY(step) (metric, d1, y, OP(load)(d + i + LANES));
		}
		for (; i < dim; i += LANES)
		{
			bool		whole = i + LANES <= dim;
			VEC			x = whole ? OP(load)(q + i) : OP(load_tail)(q + i, dim - i);

			a0 = BODY(step) (metric, a0, x, whole ? OP(load)(a + i) : OP(load_tail)(a + i, dim - i));
			b0 = BODY(step) (metric, b0, x, whole ? OP(load)(b + i) : OP(load_tail)(b + i, dim - i));
			c0 = BODY(step) (metric, c0, x, whole ? OP(load)(c + i) : OP(load_tail)(c + i, dim - i));
			d0 = BODY(step) (metric, d0, x, whole ? OP(load)(d + i) : OP(load_tail)(d + i, dim - i));
		}
		OP(sum4)(OP(add)(a0, a1), OP(add)(b0, b1), OP(add)(c0, c1), OP(add)(d0, d1), out + r);
		if (metric == VDB_IP)
			for (int k = 0; k < 4; k++)
				out[r + k] = -out[r + k];
	}
	for (; r < nrows; r++)
		out[r] = (float) BODY(pair) (metric, q, rows[r], dim);
}

static double
BODY(l2sq) (const void *a, const void *b, size_t dim)
{
	return BODY(pair) (VDB_L2SQ, a, b, dim);
}

static double
BODY(ip) (const void *a, const void *b, size_t dim)
{
	return BODY(pair) (VDB_IP, a, b, dim);
}

static double
BODY(l1) (const void *a, const void *b, size_t dim)
{
	return BODY(pair) (VDB_L1, a, b, dim);
}

static void
BODY(l2sq_many) (const void *query, const void *const *rows, size_t nrows,
				 size_t dim, float *out)
{
	BODY(many) (VDB_L2SQ, query, rows, nrows, dim, out);
}

static void
BODY(ip_many) (const void *query, const void *const *rows, size_t nrows,
			   size_t dim, float *out)
{
	BODY(many) (VDB_IP, query, rows, nrows, dim, out);
}

static void
BODY(l1_many) (const void *query, const void *const *rows, size_t nrows,
			   size_t dim, float *out)
{
	BODY(many) (VDB_L1, query, rows, nrows, dim, out);
}

/* Inner product and both squared norms in one pass. */
static double
BODY(cosine) (const void *pa, const void *pb, size_t dim)
{
	const ELEM *a = pa,
			   *b = pb;
	ACC			ab0 = OP(zero)(),
				ab1 = OP(zero)(),
				aa0 = OP(zero)(),
				aa1 = OP(zero)(),
				bb0 = OP(zero)(),
				bb1 = OP(zero)();
	size_t		i = 0;

	for (; i + 2 * LANES <= dim; i += 2 * LANES)
	{
		VEC			x0 = OP(load)(a + i),
					x1 = OP(load)(a + i + LANES),
					y0 = OP(load)(b + i),
					y1 = OP(load)(b + i + LANES);

		ab0 = OP(ip)(ab0, x0, y0);
		aa0 = OP(ip)(aa0, x0, x0);
		bb0 = OP(ip)(bb0, y0, y0);
		ab1 = OP(ip)(ab1, x1, y1);
		aa1 = OP(ip)(aa1, x1, x1);
		bb1 = OP(ip)(bb1, y1, y1);
	}
	for (; i < dim; i += LANES)
	{
		bool		whole = i + LANES <= dim;
		VEC			x = whole ? OP(load)(a + i) : OP(load_tail)(a + i, dim - i);
		VEC			y = whole ? OP(load)(b + i) : OP(load_tail)(b + i, dim - i);

		ab0 = OP(ip)(ab0, x, y);
		aa0 = OP(ip)(aa0, x, x);
		bb0 = OP(ip)(bb0, y, y);
	}
	return OP(cosine)(OP(sum)(OP(add)(ab0, ab1)), OP(sum)(OP(add)(aa0, aa1)),
						   OP(sum)(OP(add)(bb0, bb1)));
}

static void
BODY(cosine_many) (const void *query, const void *const *rows, size_t nrows,
				   size_t dim, float *out)
{
	const ELEM *q = query;
	double		qq = -BODY(ip) (q, q, dim);
	size_t		r = 0;

	for (; r + 4 <= nrows; r += 4)
	{
		const ELEM *a = rows[r],
				   *b = rows[r + 1],
				   *c = rows[r + 2],
				   *d = rows[r + 3];
		ACC			qa = OP(zero)(),
					qb = OP(zero)(),
					qc = OP(zero)(),
					qd = OP(zero)(),
					aa = OP(zero)(),
					bb = OP(zero)(),
					cc = OP(zero)(),
					dd = OP(zero)();
		float		dots[4],
					norms[4];

		if (r + 8 <= nrows)
			BODY(prefetch) (rows + r + 4);

		for (size_t i = 0; i < dim; i += LANES)
		{
			bool		whole = i + LANES <= dim;
			VEC			x = whole ? OP(load)(q + i) : OP(load_tail)(q + i, dim - i);
			VEC			y = whole ? OP(load)(a + i) : OP(load_tail)(a + i, dim - i);

			qa = OP(ip)(qa, x, y);
			aa = OP(ip)(aa, y, y);
			y = whole ? OP(load)(b + i) : OP(load_tail)(b + i, dim - i);
			qb = OP(ip)(qb, x, y);
			bb = OP(ip)(bb, y, y);
			y = whole ? OP(load)(c + i) : OP(load_tail)(c + i, dim - i);
			qc = OP(ip)(qc, x, y);
			cc = OP(ip)(cc, y, y);
			y = whole ? OP(load)(d + i) : OP(load_tail)(d + i, dim - i);
			qd = OP(ip)(qd, x, y);
			dd = OP(ip)(dd, y, y);
		}
		OP(sum4)(qa, qb, qc, qd, dots);
		OP(sum4)(aa, bb, cc, dd, norms);
		for (int k = 0; k < 4; k++)
			out[r + k] = (float) OP(cosine)(dots[k], qq, norms[k]);
	}
	for (; r < nrows; r++)
		out[r] = (float) BODY(cosine) (q, rows[r], dim);
}

VDB_INLINE void
BODY(put) (VdbKernels *kernels, VdbElem elem)
{
	kernels->pair[elem][VDB_L2SQ] = BODY(l2sq);
	kernels->pair[elem][VDB_IP] = BODY(ip);
	kernels->pair[elem][VDB_COSINE] = BODY(cosine);
	kernels->pair[elem][VDB_L1] = BODY(l1);
	kernels->many[elem][VDB_L2SQ] = BODY(l2sq_many);
	kernels->many[elem][VDB_IP] = BODY(ip_many);
	kernels->many[elem][VDB_COSINE] = BODY(cosine_many);
	kernels->many[elem][VDB_L1] = BODY(l1_many);
}

#undef BODY
#undef ELEM
#undef VEC
#undef ACC
#undef LANES
#undef OP
