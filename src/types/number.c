/*
 * number.c
 *	  Decimal text to float, correctly rounded and fast.
 *
 * The digits make an integer m of at most 18 digits, the rest of the text a
 * power of ten e.  m * 10^e in double is within a few units in the last place
 * of the number that was written.  A double has 29 bits more than a float, so
 * rounding it to float gives what rounding the number itself gives, unless
 * the number lies about midway between two floats: then, and in the other
 * rare cases, strtof() decides.  (The same observation, for double and
 * extended precision, is in Clinger, "How to Read Floating Point Numbers
 * Accurately", PLDI 1990.)
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "types/number.h"
#include "types/types.h"

#define MIN_EXPONENT (-64)
#define MAX_EXPONENT 38

static const double powers_of_ten[MAX_EXPONENT - MIN_EXPONENT + 1] = {
	1e-64, 1e-63, 1e-62, 1e-61, 1e-60, 1e-59, 1e-58, 1e-57, 1e-56, 1e-55,
	1e-54, 1e-53, 1e-52, 1e-51, 1e-50, 1e-49, 1e-48, 1e-47, 1e-46, 1e-45,
	1e-44, 1e-43, 1e-42, 1e-41, 1e-40, 1e-39, 1e-38, 1e-37, 1e-36, 1e-35,
	1e-34, 1e-33, 1e-32, 1e-31, 1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25,
	1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15,
	1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5,
	1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5,
	1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25,
	1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35,
	1e36, 1e37, 1e38
};

/* What the fast way below is not sure of. */
static const char *
parse_rare(const char *p, float *result, int *error)
{
	char	   *stop;

	/* strtof() would skip white space and take a sign after it */
	if (isspace((unsigned char) *p))
	{
		*error = VDB_PARSE_SYNTAX;
		return NULL;
	}
	errno = 0;
	*result = strtof(p, &stop);
	if (stop == p)
		*error = VDB_PARSE_SYNTAX;
	else if (isnan(*result))
		*error = VDB_PARSE_NAN;
	else if (isinf(*result))
		*error = errno == ERANGE ? VDB_PARSE_RANGE : VDB_PARSE_INFINITE;
	else
		return stop;
	return NULL;
}

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') <= 9;
}

#ifndef WORDS_BIGENDIAN
/*
 * Takes up to seven digits at the start of the eight bytes at p: *value is
 * made of them, and their number returned.  No branches, because how many
 * there are is what cannot be predicted: hence seven, so that there always is
 * a byte to stop at.
 */
static inline int
take_digits(const char *p, uint64 *value)
{
	uint64		digits,
				others;
	int			n;

	memcpy(&digits, p, sizeof(digits));
	digits ^= UINT64CONST(0x3030303030303030);
	/* the top bit of each byte above 9; a carry spoils only later bytes */
	others = ((digits + UINT64CONST(0x7676767676767676)) | digits) &
		UINT64CONST(0x8080808080808080);
	n = __builtin_ctzll(others | UINT64CONST(0x8000000000000000)) >> 3;

	/* in front of the digits as many zeroes as make eight */
	digits = (digits << 8) << (56 - 8 * n);
	/* eight digits to four pairs, then all four at once by multiplication */
	digits = digits * 10 + (digits >> 8);
	*value = ((digits & UINT64CONST(0x000000ff000000ff)) * UINT64CONST(0x000f424000000064) +
			  ((digits >> 16) & UINT64CONST(0x000000ff000000ff)) * UINT64CONST(0x0000271000000001)) >> 32;
	return n;
}

static const uint64 small_powers[8] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000
};
#endif

const char *
vdb_type_parse_float(const char *p, const char *end, float *result, int *error)
{
	const char *start = p;
	const char *digits;
	bool		negative = *p == '-';
	uint64		mantissa = 0;
	int			exponent = 0;
	int			ndigits;
	double		value;
	float		single;
	uint64		bits;
	uint32		single_bits;

	/* no branch here either: signs are as random as digits */
	p += negative | (*p == '+');

	for (digits = p; is_digit(*p); p++)
	{
		if (p - digits >= 18)
			return parse_rare(start, result, error);
		mantissa = mantissa * 10 + (*p - '0');
	}
	ndigits = p - digits;
	if (*p == '.')
	{
		const char *fraction = ++p;

#ifndef WORDS_BIGENDIAN
		if (ndigits <= 3 && end - p >= 16)
		{
			uint64		first,
						second;
			int			nfirst = take_digits(p, &first);
			int			nsecond = take_digits(p + 7, &second);

			/* the second seven count only if they follow on the first */
			uint64		follows = -(uint64) (nfirst == 7);

			second &= follows;
			nsecond &= (int) follows;
			mantissa = (mantissa * small_powers[nfirst] + first) *
				small_powers[nsecond] + second;
			p += nfirst + nsecond;
		}
#endif
		exponent = fraction - p;
		for (; is_digit(*p); p++)
		{
			/* digits past the 18th do not matter to a float's rounding */
			if (mantissa < UINT64CONST(100000000000000000))
			{
				mantissa = mantissa * 10 + (*p - '0');
				exponent--;
			}
		}
		ndigits += p - fraction;
	}
	if (ndigits == 0)
		return parse_rare(start, result, error);	/* inf, nan, or nothing */
	if (*p == 'e' || *p == 'E')
	{
		const char *q = p + 1;
		bool		down = *q == '-';
		int			e = 0;

		if (down || *q == '+')
			q++;
		if (is_digit(*q))
		{
			for (; is_digit(*q); q++)
				if (e < 10000)
					e = e * 10 + (*q - '0');
			exponent += down ? -e : e;
			p = q;
		}
	}
	else if (*p == 'x' || *p == 'X')
		return parse_rare(start, result, error);

	if (mantissa == 0)
		value = 0;
	else
	{
		if (exponent < MIN_EXPONENT || exponent > MAX_EXPONENT)
			return parse_rare(start, result, error);
		value = (double) (int64) mantissa * powers_of_ten[exponent - MIN_EXPONENT];
		memcpy(&bits, &value, sizeof(bits));
		/* midway between two floats, too large for one, or subnormal */
		if ((bits & 0x1fffffff) - (0x10000000 - 64) <= 128 ||
			value > FLT_MAX || value < FLT_MIN)
			return parse_rare(start, result, error);
	}
	single = (float) value;
	memcpy(&single_bits, &single, sizeof(single_bits));
	single_bits |= (uint32) negative << 31;
	memcpy(result, &single_bits, sizeof(single_bits));
	return p;
}
