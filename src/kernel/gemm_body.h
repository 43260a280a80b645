/*
 * gemm_body.h
 *	  Blocks of rows against panels of centroids, for one instruction set.
 *
 * Included once for each, with these defined by the including file (and
 * undefined at the end of this one):
 *
 *	BODY(name)		the name of a function here, e.g. name##_gemm_avx2
 *	VEC, IVEC		types of a register of floats, and of as many uint32_t
 *	LANES			floats in a VEC
 *	ROWS, VECS		rows of a tile, and registers to a row of it: ROWS * VECS
 *					accumulators, besides VECS + 1 registers of operands.
 *					ROWS divides VDB_GEMM_BLOCK; a panel is VECS * LANES wide
 *	OP(name)		the name of one of these functions:
 *
 *	VEC OP(load)(const float *p)
 *	VEC OP(all)(float x)					x in all lanes
 *	VEC OP(fma)(VEC acc, VEC x, VEC y)		acc + x * y
 *	IVEC OP(count)(uint32_t first)			first, first + 1, ...
 *	void OP(keep)(VEC *best, IVEC *at, VEC v, IVEC i)
 *											v and i for best and at in the lanes
 *											where v is less, not so NaN
 *	unsigned OP(below)(VEC v, VEC limit)	a bit for each lane that is less
 *	OP(store_lanes)(VEC v, float *out), OP(store_index)(IVEC v, uint32_t *out)
 *	void OP(shift)(const float *from, float scale, const float *shift,
 *				   size_t n, float *to)		from * scale - shift, of n <= LANES
 *											floats, reading no further
 *
 * gemm.h says what the functions do.
 */

#ifndef GEMM_TABLE
#define GEMM_TABLE(isa, panel_width) { \
	.width = (panel_width), \
	.pack_rows = pack_rows_gemm_##isa, \
	.nearest = nearest_gemm_##isa, \
	.nearest_few = nearest_few_gemm_##isa}
#endif

_Static_assert(VDB_GEMM_BLOCK % ROWS == 0, "a block is whole tiles");
_Static_assert(VECS * LANES <= VDB_GEMM_MAX_WIDTH, "a panel is not too wide");

static void
BODY(pack_rows) (const float *const *rows, size_t nrows, size_t dim,
				 float scale, const float *shift, float *block)
{
	size_t		most = vdb_gemm_depth(dim);
	size_t		whole = (nrows + ROWS - 1) / ROWS * ROWS;

	for (size_t start = 0; start < dim; start += most)
	{
		size_t		depth = dim - start < most ? dim - start : most;

		for (size_t r = 0; r < nrows; r++)
			for (size_t i = 0; i < depth; i += LANES)
				OP(shift)(rows[r] + start + i, scale, shift + start + i,
						  depth - i < LANES ? depth - i : LANES,
						  block + r * VDB_GEMM_STRIDE + i);

		/* the last tile is computed whole */
		for (size_t r = nrows; r < whole; r++)
			memset(block + r * VDB_GEMM_STRIDE, 0, depth * sizeof(float));
		block += VDB_GEMM_BLOCK * VDB_GEMM_STRIDE;
	}
}

/*
 * Adds to a tile of sums, ROWS rows of VECS registers each, the products of
 * depth dimensions.  The tile starts with the panel's summands, if given.
 */
VDB_INLINE void
BODY(tile) (const float *rows, const float *panel, size_t depth,
			const float *summands, VEC *tile)
{
	VEC			acc[ROWS][VECS];

	VDB_UNROLL
	for (int r = 0; r < ROWS; r++)
	{
		VDB_UNROLL
		for (int v = 0; v < VECS; v++)
			acc[r][v] = summands != NULL ? OP(load)(summands + v * LANES) : tile[r * VECS + v];
	}
	for (size_t i = 0; i < depth; i++)
	{
		VEC			c[VECS];

		VDB_UNROLL
		for (int v = 0; v < VECS; v++)
			c[v] = OP(load)(panel + i * (VECS * LANES) + v * LANES);
		VDB_UNROLL
		for (int r = 0; r < ROWS; r++)
		{
			VEC			x = OP(all)(rows[r * VDB_GEMM_STRIDE + i]);

			VDB_UNROLL
			for (int v = 0; v < VECS; v++)
				acc[r][v] = OP(fma)(acc[r][v], x, c[v]);
		}
	}
	VDB_UNROLL
	for (int r = 0; r < ROWS; r++)
	{
		VDB_UNROLL
		for (int v = 0; v < VECS; v++)
			tile[r * VECS + v] = acc[r][v];
	}
}

/* The ranks of all centroids of a panel for the rows of a block. */
static void
BODY(ranks) (const float *block, size_t nrows, size_t dim, const float *panel,
			 VEC *ranks)
{
	const float *summands = panel;
	size_t		most = vdb_gemm_depth(dim);

	panel += VECS * LANES;
	for (size_t start = 0; start < dim; start += most)
	{
		size_t		depth = dim - start < most ? dim - start : most;

		for (size_t r = 0; r < nrows; r += ROWS)
			BODY(tile) (block + r * VDB_GEMM_STRIDE, panel, depth, summands, ranks + r * VECS);
		summands = NULL;
		panel += depth * (VECS * LANES);
		block += VDB_GEMM_BLOCK * VDB_GEMM_STRIDE;
	}
}

/* The least of the lanes, and of equals the lowest index, if less than rank. */
VDB_INLINE void
BODY(least) (VEC best, IVEC at, float *rank, uint32_t *index)
{
	float		v[LANES];
	uint32_t	i[LANES];
	int			least = 0;

	OP(store_lanes)(best, v);
	OP(store_index)(at, i);
	for (int lane = 1; lane < LANES; lane++)
		if (v[lane] < v[least] || (v[lane] == v[least] && i[lane] < i[least]))
			least = lane;
	if (v[least] < *rank)
	{
		*rank = v[least];
		*index = i[least];
	}
}

static void
BODY(nearest) (const float *block, size_t nrows, size_t dim,
			   const float *panels, size_t npanels, uint32_t first,
			   float *rank, uint32_t *index)
{
	VEC			ranks[VDB_GEMM_BLOCK * VECS];
	VEC			best[VDB_GEMM_BLOCK];
	IVEC		at[VDB_GEMM_BLOCK];

	for (size_t r = 0; r < nrows; r++)
	{
		best[r] = OP(all)(INFINITY);
		at[r] = OP(count)(0);
	}
	for (size_t p = 0; p < npanels; p++)
	{
		BODY(ranks) (block, nrows, dim, panels + p * (VECS * LANES) * (dim + 1), ranks);
		for (size_t r = 0; r < nrows; r++)
		{
			VEC			b = best[r];
			IVEC		a = at[r];

			VDB_UNROLL
			for (int v = 0; v < VECS; v++)
				OP(keep)(&b, &a, ranks[r * VECS + v],
						 OP(count)(first + (uint32_t) (p * (VECS * LANES)) + v * LANES));
			best[r] = b;
			at[r] = a;
		}
	}
	for (size_t r = 0; r < nrows; r++)
		BODY(least) (best[r], at[r], rank + r, index + r);
}

/* Puts those of a register that are among the few where they belong. */
VDB_INLINE void
BODY(insert) (VEC v, uint32_t first, unsigned lanes, size_t few, float *rank,
			  uint32_t *index)
{
	float		value[LANES];

	OP(store_lanes)(v, value);
	for (; lanes != 0; lanes &= lanes - 1)
	{
		int			lane = __builtin_ctz(lanes);
		size_t		i = few - 1;

		/* the earlier lanes may have raised the bar */
		if (!(value[lane] < rank[i]))
			continue;
		for (; i > 0 && value[lane] < rank[i - 1]; i--)
		{
			rank[i] = rank[i - 1];
			index[i] = index[i - 1];
		}
		rank[i] = value[lane];
		index[i] = first + (uint32_t) lane;
	}
}

static void
BODY(nearest_few) (const float *block, size_t nrows, size_t dim,
				   const float *panels, size_t npanels, uint32_t first,
				   size_t few, float *rank, uint32_t *index)
{
	VEC			ranks[VDB_GEMM_BLOCK * VECS];

	for (size_t p = 0; p < npanels; p++, first += VECS * LANES)
	{
		BODY(ranks) (block, nrows, dim, panels + p * (VECS * LANES) * (dim + 1), ranks);
		for (size_t r = 0; r < nrows; r++)
			for (int v = 0; v < VECS; v++)
			{
				unsigned	lanes = OP(below)(ranks[r * VECS + v], OP(all)(rank[(r + 1) * few - 1]));

				if (lanes != 0)
					BODY(insert) (ranks[r * VECS + v], first + (uint32_t) v * LANES, lanes,
								  few, rank + r * few, index + r * few);
			}
	}
}

#undef BODY
#undef VEC
#undef IVEC
#undef LANES
#undef ROWS
#undef VECS
#undef OP
