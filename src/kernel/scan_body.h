/*
 * scan_body.h
 *	  The block scans, for one instruction set.
 *
 * Included once for each, with these defined by the including file (and
 * undefined at the end of this one):
 *
 *	BODY(name)		the name of a function here
 *	VEC				type of a register of bytes
 *	TABLES			tables (of 16 bytes) in a VEC: 1, 2 or 4
 *	FVEC			type of a register of floats
 *	LANES			floats in an FVEC
 *	OP(name)		the name of one of these functions:
 *
 *	VEC OP(load)(const uint8_t *p)			any address
 *	VEC OP(zero)(void)
 *	VEC OP(low)(VEC codes)					the lower and the upper half of
 *	VEC OP(high)(VEC codes)					each byte
 *	VEC OP(lookup)(VEC table, VEC index)	in each 16 bytes by themselves
 *	VEC OP(add8)(VEC a, VEC b)
 *	VEC OP(add16)(VEC a, VEC b)
 *	VEC OP(odd)(VEC a)						upper byte of each 16 bits
 *	void OP(fold)(VEC a, VEC b, VEC c, VEC d, FVEC *sums)
 *											adds to sums, 32 floats, the 8
 *											16-bit sums over the 16-byte
 *											pieces of a - (b << 8), then of b,
 *											c - (d << 8) and d
 *	FVEC OP(fload)(const float *p)
 *	void OP(fstore)(float *p, FVEC x)
 *	FVEC OP(fset)(float x)
 *	FVEC OP(fadd)(FVEC a, FVEC b)
 *	FVEC OP(fma)(FVEC a, FVEC b, FVEC c)	a * b + c
 *	FVEC OP(fnma)(FVEC a, FVEC b, FVEC c)	c - a * b
 *	FVEC OP(fabs)(FVEC a)
 *	uint32_t OP(fless)(FVEC a, FVEC b)		a bit per lane, lane 0 lowest
 */

#define NSUMS (VDB_BLOCK / LANES)

/* VECs of a run of tables; each belongs to one of CHAINS that add in 8 bits. */
#define CHAINS (4 / TABLES)

/* As many tables as 16-bit sums over all pieces and chains can take. */
#define SEGMENT (64 * VDB_TABLE_RUN)

/*
 * Looks up nsteps (1 to 4) tables in each chain and adds what is found to the
 * 16-bit sums: of the even bytes, spoilt by the odd ones, and of the odd ones.
 */
VDB_INLINE void
BODY(run) (const uint8_t *codes, const uint8_t *tables, int nsteps,
		   VEC *a, VEC *b, VEC *c, VEC *d)
{
	for (int chain = 0; chain < CHAINS; chain++)
	{
		size_t		at = (size_t) chain * sizeof(VEC);
		VEC			code = OP(load)(codes + at);
		VEC			table = OP(load)(tables + at);
		VEC			low = OP(lookup)(table, OP(low)(code));
		VEC			high = OP(lookup)(table, OP(high)(code));

#pragma GCC unroll 4
		for (int step = 1; step < nsteps; step++)
		{
			at += CHAINS * sizeof(VEC);
			code = OP(load)(codes + at);
			table = OP(load)(tables + at);
			low = OP(add8)(low, OP(lookup)(table, OP(low)(code)));
			high = OP(add8)(high, OP(lookup)(table, OP(high)(code)));
		}
		*a = OP(add16)(*a, low);
		*b = OP(add16)(*b, OP(odd)(low));
		*c = OP(add16)(*c, high);
		*d = OP(add16)(*d, OP(odd)(high));
	}
}

/* The sums of one block: at most 255 for each 4 tables, so exact in a float. */
VDB_INLINE void
BODY(sums) (const VdbBlockScan *scan, const uint8_t *codes, FVEC *sums)
{
	const uint8_t *tables = scan->tables;
	size_t		left = scan->ntables;

	for (int i = 0; i < NSUMS; i++)
		sums[i] = OP(fset)(0);
	while (left > 0)
	{
		size_t		n = left < SEGMENT ? left : SEGMENT;
		VEC			a = OP(zero)(),
					b = OP(zero)(),
					c = OP(zero)(),
					d = OP(zero)();

		left -= n;
		for (; n >= VDB_TABLE_RUN; n -= VDB_TABLE_RUN)
		{
			BODY(run) (codes, tables, 4, &a, &b, &c, &d);
			codes += VDB_TABLE_RUN * VDB_TABLE;
			tables += VDB_TABLE_RUN * VDB_TABLE;
		}
		if (n > 0)				/* the last run, a shorter one */
			BODY(run) (codes, tables, (int) (n / 4), &a, &b, &c, &d);
		OP(fold)(a, b, c, d, sums);
	}
}

static void
BODY(scan_factors) (const VdbBlockScan *scan, const uint8_t *codes,
					const float *factors, size_t stride, size_t nblocks,
					float *estimate, float *lower, uint32_t *below)
{
	for (size_t block = 0; block < nblocks; block++)
	{
		FVEC		sums[NSUMS];
		uint32_t	mask = 0;

		BODY(sums) (scan, codes, sums);
		for (int i = 0; i < NSUMS; i++)
		{
			FVEC		value = OP(fma)(sums[i], OP(fset)(scan->step), OP(fset)(scan->bias));
			FVEC		rescale = OP(fload)(factors + VDB_BLOCK_RESCALE + i * LANES);
			FVEC		at = OP(fadd)(OP(fload)(factors + VDB_BLOCK_ADD + i * LANES), OP(fset)(scan->base));
			FVEC		least;

			at = OP(fma)(rescale, value, at);
			least = OP(fnma)(OP(fload)(factors + VDB_BLOCK_ERROR + i * LANES), OP(fset)(scan->error_scale), at);
			least = OP(fnma)(OP(fabs)(rescale), OP(fset)(scan->error_floor), least);
			OP(fstore)(estimate + i * LANES, at);
			OP(fstore)(lower + i * LANES, least);
			mask |= OP(fless)(least, OP(fset)(scan->limit)) << (i * LANES);
		}
		*below++ = mask;
		estimate += VDB_BLOCK;
		lower += VDB_BLOCK;
		codes += stride;
		factors = (const float *) (const void *) ((const char *) factors + stride);
	}
}

static void
BODY(scan_plain) (const VdbBlockScan *scan, const uint8_t *codes,
				  size_t stride, size_t nblocks, float *estimate,
				  uint32_t *below)
{
	for (size_t block = 0; block < nblocks; block++)
	{
		FVEC		sums[NSUMS];
		uint32_t	mask = 0;

		BODY(sums) (scan, codes, sums);
		for (int i = 0; i < NSUMS; i++)
		{
			FVEC		at = OP(fma)(sums[i], OP(fset)(scan->step), OP(fset)(scan->bias + scan->base));

			OP(fstore)(estimate + i * LANES, at);
			mask |= OP(fless)(at, OP(fset)(scan->limit)) << (i * LANES);
		}
		*below++ = mask;
		estimate += VDB_BLOCK;
		codes += stride;
	}
}

#undef BODY
#undef VEC
#undef TABLES
#undef FVEC
#undef LANES
#undef OP
#undef NSUMS
#undef CHAINS
#undef SEGMENT
