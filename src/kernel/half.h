/*
 * half.h
 *	  IEEE 754 binary16, converted one at a time in integer arithmetic.
 */
#ifndef VDB_HALF_H
#define VDB_HALF_H

#include <stdint.h>
#include <string.h>

/* The half at an address of any alignment. */
static inline uint16_t
vdb_half_at(const uint16_t *p)
{
	uint16_t	h;

	memcpy(&h, p, sizeof(h));
	return h;
}

static inline float
vdb_half_to_float(uint16_t h)
{
	uint32_t	sign = (uint32_t) (h & 0x8000) << 16;
	uint32_t	exponent = (h >> 10) & 0x1f;
	uint32_t	fraction = h & 0x3ff;
	uint32_t	bits;
	float		f;

	if (exponent == 0)
	{
		/* zero or subnormal: a multiple of 2^-24, exact in float */
		f = (float) fraction * 0x1p-24f;
		return sign ? -f : f;
	}
	if (exponent == 31)
		bits = sign | 0x7f800000 | fraction << 13;
	else
		bits = sign | (exponent + 112) << 23 | fraction << 13;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* To nearest, ties to even; what is too large becomes infinity. */
static inline uint16_t
vdb_float_to_half(float f)
{
	uint32_t	bits;
	uint16_t	sign;

	memcpy(&bits, &f, sizeof(bits));
	sign = (bits >> 16) & 0x8000;
	bits &= 0x7fffffff;
	if (bits > 0x7f800000)
		return sign | 0x7e00;	/* NaN */
	if (bits >= 0x47800000)
		return sign | 0x7c00;	/* 65536 and up, infinity */
	if (bits < 0x38800000)
	{
		/*
		 * Below 2^-14, so subnormal: next to 0.5, float's unit in the last
		 * place is 2^-24, so the addition does the rounding.
		 */
		float		magnitude;

		memcpy(&magnitude, &bits, sizeof(bits));
		magnitude += 0.5f;
		memcpy(&bits, &magnitude, sizeof(bits));
		return sign | (uint16_t) (bits - 0x3f000000);
	}
	/* a carry out of the fraction goes into the exponent, as it should */
	return sign | (uint16_t) ((bits - (112U << 23) + 0xfff + ((bits >> 13) & 1)) >> 13);
}

#endif							/* VDB_HALF_H */
