/*
 * dense.c
 *	  What the dense types are: their elements, and a new vector of them.
 */
#include "postgres.h"

#include <math.h>

#include "port/pg_bswap.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "types/number.h"
#include "types/types.h"

/* ---- vector: float ---- */

static const char *
parse_f32(const char *p, const char *end, void *x, int i, int *error)
{
	return vdb_type_parse_float(p, end, (float *) x + i, error);
}

static char *
format_f32(const void *x, int i, char *to)
{
	float		f;

	/* x may have any alignment */
	memcpy(&f, (const char *) x + i * sizeof(f), sizeof(f));
	return to + float_to_shortest_decimal_bufn(f, to);
}

static void
swap_f32(const void *from, void *to, int n)
{
	for (int i = 0; i < n; i++)
	{
		uint32		bits;

		memcpy(&bits, (const char *) from + i * sizeof(bits), sizeof(bits));
		bits = pg_hton32(bits);
		memcpy((char *) to + i * sizeof(bits), &bits, sizeof(bits));
	}
}

static const float *
widen_f32(const void *x, int i, int n, float *buf)
{
	const char *from = (const char *) x + i * sizeof(float);

	if ((uintptr_t) from % sizeof(float) == 0)
		return (const float *) from;
	memcpy(buf, from, n * sizeof(float));
	return buf;
}

static void
narrow_f32(const float *from, int n, void *x, int i)
{
	vdb_type_check_finite("vector", from, n, i, NULL);
	memcpy((float *) x + i, from, n * sizeof(float));
}

const VdbDenseType vdb_type_vector = {
	.name = "vector",
	.elem = VDB_F32,
	.elem_size = sizeof(float),
	.max_text = FLOAT_SHORTEST_DECIMAL_LEN,
	.parse = parse_f32,
	.format = format_f32,
	.swap = swap_f32,
	.widen = widen_f32,
	.narrow = narrow_f32,
};

/* ---- halfvec: binary16 ---- */

static inline bool
half_is_infinite(uint16 h)
{
	return (h & 0x7fff) == 0x7c00;
}

/* As pgvector does it, through float, so that both read the same. */
static const char *
parse_f16(const char *p, const char *end, void *x, int i, int *error)
{
	float		f;
	uint16	   *h = (uint16 *) x + i;

	p = vdb_type_parse_float(p, end, &f, error);
	if (p == NULL)
		return NULL;
	vdb_kernel.f32_to_f16(&f, h, 1);
	if (half_is_infinite(*h))
	{
		*error = VDB_PARSE_RANGE;
		return NULL;
	}
	return p;
}

static char *
format_f16(const void *x, int i, char *to)
{
	float		f;

	vdb_kernel.f16_to_f32((const uint16 *) x + i, &f, 1);
	return to + float_to_shortest_decimal_bufn(f, to);
}

static void
swap_f16(const void *from, void *to, int n)
{
	for (int i = 0; i < n; i++)
	{
		uint16		bits;

		memcpy(&bits, (const char *) from + i * sizeof(bits), sizeof(bits));
		bits = pg_hton16(bits);
		memcpy((char *) to + i * sizeof(bits), &bits, sizeof(bits));
	}
}

static const float *
widen_f16(const void *x, int i, int n, float *buf)
{
	vdb_kernel.f16_to_f32((const uint16 *) x + i, buf, n);
	return buf;
}

static void
narrow_f16(const float *from, int n, void *x, int i)
{
	uint16	   *to = (uint16 *) x + i;

	vdb_kernel.f32_to_f16(from, to, n);
	for (int j = 0; j < n; j++)
		if (unlikely((to[j] & 0x7c00) == 0x7c00))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%g\" is out of range for type halfvec", from[j]),
					 errdetail("It is element %d. A halfvec holds values from -65504 to 65504.", i + j + 1)));
}

const VdbDenseType vdb_type_halfvec = {
	.name = "halfvec",
	.elem = VDB_F16,
	.elem_size = sizeof(uint16),
	.max_text = FLOAT_SHORTEST_DECIMAL_LEN,
	.parse = parse_f16,
	.format = format_f16,
	.swap = swap_f16,
	.widen = widen_f16,
	.narrow = narrow_f16,
};

/* ---- int8vec: signed 8-bit integers ---- */

static const char *
parse_i8(const char *p, const char *end, void *x, int i, int *error)
{
	bool		negative = *p == '-';
	int			value = 0;
	const char *digits;

	if (negative || *p == '+')
		p++;
	for (digits = p; *p >= '0' && *p <= '9'; p++)
		if (value <= 128)
			value = value * 10 + (*p - '0');
	if (negative)
		value = -value;
	*error = VDB_PARSE_SYNTAX;
	if (p == digits)
		return NULL;
	*error = VDB_PARSE_RANGE;
	if (value < PG_INT8_MIN || value > PG_INT8_MAX)
		return NULL;
	((int8 *) x)[i] = (int8) value;
	return p;
}

static char *
format_i8(const void *x, int i, char *to)
{
	return to + pg_itoa(((const int8 *) x)[i], to);
}

static void
swap_i8(const void *from, void *to, int n)
{
	memcpy(to, from, n);
}

static const float *
widen_i8(const void *x, int i, int n, float *buf)
{
	const int8 *from = (const int8 *) x + i;

	for (int j = 0; j < n; j++)
		buf[j] = from[j];
	return buf;
}

static void
narrow_i8(const float *from, int n, void *x, int i)
{
	int8	   *to = (int8 *) x + i;

	for (int j = 0; j < n; j++)
	{
		float		rounded = rintf(from[j]);

		if (unlikely(!(rounded >= PG_INT8_MIN && rounded <= PG_INT8_MAX)))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%g\" is out of range for type int8vec", from[j]),
					 errdetail("It is element %d. An int8vec holds integers from -128 to 127.", i + j + 1)));
		to[j] = (int8) rounded;
	}
}

const VdbDenseType vdb_type_int8vec = {
	.name = "int8vec",
	.elem = VDB_I8,
	.elem_size = sizeof(int8),
	.max_text = 4,
	.parse = parse_i8,
	.format = format_i8,
	.swap = swap_i8,
	.widen = widen_i8,
	.narrow = narrow_i8,
};

VdbDense *
vdb_type_dense_new(const VdbDenseType *type, int dim)
{
	Size		size = offsetof(VdbDense, x) + (Size) dim * type->elem_size;
	VdbDense   *v = palloc(size);

	SET_VARSIZE(v, size);
	v->dim = (int16) dim;
	v->unused = 0;
	return v;
}
