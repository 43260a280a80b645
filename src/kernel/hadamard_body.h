/*
 * hadamard_body.h
 *	  The parts of a rotation, for one instruction set.
 *
 * Included once for each, with these defined by the including file (and
 * undefined at the end of this one):
 *
 *	BODY(name)		the name of a function here
 *	VEC				type of a register of floats
 *	LANES			floats in a VEC, a power of two of at most 32
 *	OP(name)		the name of one of these functions:
 *
 *	VEC OP(load)(const float *p)
 *	void OP(store)(float *p, VEC x)
 *	VEC OP(set)(float x)
 *	VEC OP(add)(VEC a, VEC b)
 *	VEC OP(sub)(VEC a, VEC b)
 *	VEC OP(mul)(VEC a, VEC b)
 *	VEC OP(flip)(VEC x, uint32_t bits)	changes the signs where a bit is set
 *	VEC OP(inside)(VEC x)				the transform of the LANES elements
 *
 * Additions and their order are those of the scalar code, so the results are
 * the same bits.
 */

/* Registers that are transformed without a store between. */
#define GROUP (8 * LANES)

static void
BODY(flip) (float *x, const uint32_t *bits, size_t n)
{
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
		OP(store)(x + i, OP(flip)(OP(load)(x + i), bits[i / 32] >> (i % 32)));
	for (; i < n; i++)
		if (bits[i / 32] >> (i % 32) & 1)
			x[i] = -x[i];
}

static void
BODY(butterfly) (float *a, float *b, size_t n, float scale)
{
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
	{
		VEC			x = OP(load)(a + i),
					y = OP(load)(b + i);

		OP(store)(a + i, OP(mul)(OP(add)(x, y), OP(set)(scale)));
		OP(store)(b + i, OP(mul)(OP(sub)(x, y), OP(set)(scale)));
	}
	if (i < n)
		vdb_butterfly_scalar(a + i, b + i, n - i, scale);
}

#define PAIR(i, j) \
	do { \
		VEC			x_ = v[i]; \
		v[i] = OP(add)(x_, v[j]); \
		v[j] = OP(sub)(x_, v[j]); \
	} while (0)

/* All strides below GROUP, in registers. */
VDB_INLINE void
BODY(group) (float *x, VEC scale)
{
	VEC			v[8];

	for (int i = 0; i < 8; i++)
		v[i] = OP(inside)(OP(load)(x + i * LANES));
	for (int i = 0; i < 8; i += 2)
		PAIR(i, i + 1);
	for (int i = 0; i < 8; i += 4)
	{
		PAIR(i, i + 2);
		PAIR(i + 1, i + 3);
	}
	for (int i = 0; i < 4; i++)
		PAIR(i, i + 4);
	for (int i = 0; i < 8; i++)
		OP(store)(x + i * LANES, OP(mul)(v[i], scale));
}

/* Strides of s and 2 s over 4 s elements. */
VDB_INLINE void
BODY(two_strides) (float *x, size_t s, VEC scale)
{
	for (size_t i = 0; i < s; i += LANES)
	{
		VEC			v[4];

		for (int k = 0; k < 4; k++)
			v[k] = OP(load)(x + i + k * s);
		PAIR(0, 1);
		PAIR(2, 3);
		PAIR(0, 2);
		PAIR(1, 3);
		for (int k = 0; k < 4; k++)
			OP(store)(x + i + k * s, OP(mul)(v[k], scale));
	}
}

static void
BODY(hadamard) (float *x, size_t n, float scale)
{
	size_t		s = GROUP;

	if (n < GROUP)
	{
		/* small enough for any way to do */
		if (n < LANES)
		{
			vdb_hadamard_scalar(x, n, scale);
			return;
		}
		for (size_t i = 0; i < n; i += LANES)
			OP(store)(x + i, OP(mul)(OP(inside)(OP(load)(x + i)), OP(set)(n == LANES ? scale : 1.0f)));
		s = LANES;
	}
	else
		for (size_t i = 0; i < n; i += GROUP)
			BODY(group) (x + i, OP(set)(n == GROUP ? scale : 1.0f));

	for (; 4 * s <= n; s *= 4)
		for (size_t i = 0; i < n; i += 4 * s)
			BODY(two_strides) (x + i, s, OP(set)(4 * s == n ? scale : 1.0f));
	if (s < n)
		BODY(butterfly) (x, x + s, s, scale);
}

#undef PAIR
#undef GROUP
#undef BODY
#undef VEC
#undef LANES
#undef OP
