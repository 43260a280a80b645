/*
 * check.c
 *	  Compares the kernels of every instruction set that this CPU has with
 *	  plain sums in long double, written here.
 *
 * Prints TAP.  Vectors end where the readable memory ends, and begin at any
 * address, so that a read past the end or an aligned load is a crash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/half.h"
#include "kernel/kernel.h"
#include "tap.h"

/* Fewer where the CPU is slow, an emulated one say. */
#ifndef MAX_DIM
#define MAX_DIM 4099
#endif
#define MAX_SETS 8
#define NROWS 7					/* odd: the many-row form takes four at a time */

static const char *const elem_names[] = {"f32", "f16", "i8", "bit"};
static const char *const metric_names[] = {"l2sq", "ip", "cosine", "l1", "hamming", "jaccard"};

static size_t
elem_bytes(VdbElem elem, size_t dim)
{
	switch (elem)
	{
		case VDB_F32:
			return dim * 4;
		case VDB_F16:
			return dim * 2;
		case VDB_I8:
			return dim;
		default:
			return (dim + 7) / 8;
	}
}

static double
get(VdbElem elem, const void *v, size_t i)
{
	float		f;
	uint16_t	h;

	switch (elem)
	{
		case VDB_F32:
			memcpy(&f, (const char *) v + i * 4, 4);
			return f;
		case VDB_F16:
			memcpy(&h, (const char *) v + i * 2, 2);
			return vdb_half_to_float(h);
		case VDB_I8:
			return ((const int8_t *) v)[i];
		default:
			return (((const uint8_t *) v)[i / 8] >> (7 - i % 8)) & 1;
	}
}

static void
put(VdbElem elem, void *v, size_t i, double x)
{
	float		f = (float) x;
	uint16_t	h = vdb_float_to_half(f);

	switch (elem)
	{
		case VDB_F32:
			memcpy((char *) v + i * 4, &f, 4);
			break;
		case VDB_F16:
			memcpy((char *) v + i * 2, &h, 2);
			break;
		case VDB_I8:
			((int8_t *) v)[i] = (int8_t) x;
			break;
		default:
			if (i % 8 == 0)
				((uint8_t *) v)[i / 8] = 0;
			((uint8_t *) v)[i / 8] |= (uint8_t) ((x > 0) << (7 - i % 8));
	}
}

static void
fill(VdbElem elem, void *v, size_t dim)
{
	for (size_t i = 0; i < dim; i++)
		put(elem, v, i, elem == VDB_I8 ? (double) (int) (random_bits() % 256) - 128 : random_unit());
}

/* All that the metrics are made of, in long double. */
typedef struct Sums
{
	long double dot,
				aa,
				bb,
				l2,
				l1,
				size;			/* of the products, for the tolerance */
	long		differ,
				both,
				either;
	long double unit;			/* how far float accumulators may be off */
} Sums;

static Sums
sums_of(VdbElem elem, const void *a, const void *b, size_t dim)
{
	Sums		s = {0};

	for (size_t i = 0; i < dim; i++)
	{
		long double x = get(elem, a, i),
					y = get(elem, b, i);

		s.dot += x * y;
		s.size += fabsl(x * y);
		s.aa += x * x;
		s.bb += y * y;
		s.l2 += (x - y) * (x - y);
		s.l1 += fabsl(x - y);
		s.differ += x != y;
		s.both += x != 0 && y != 0;
		s.either += x != 0 || y != 0;
	}

	/*
	 * Each lane adds at most dim / 4 terms, each with a rounding of 2^-24 of
	 * the sum so far (Higham, Accuracy and Stability of Numerical Algorithms,
	 * 4.2).  Integers are exact.
	 */
	if (elem == VDB_F32 || elem == VDB_F16)
		s.unit = ((long double) dim / 4 + 8) * 0x1p-24L;
	return s;
}

static long double
expected(const Sums *s, VdbMetric metric, long double *tolerance)
{
	switch (metric)
	{
		case VDB_L2SQ:
			*tolerance = s->unit * s->l2 * 2;
			return s->l2;
		case VDB_IP:
			*tolerance = s->unit * s->size;
			return -s->dot;
		case VDB_COSINE:
			*tolerance = s->unit * 3 + 1e-15L;
			return 1 - s->dot / sqrtl(s->aa * s->bb);
		case VDB_L1:
			*tolerance = s->unit * s->l1;
			return s->l1;
		case VDB_HAMMING:
			*tolerance = 0;
			return s->differ;
		default:
			*tolerance = 1e-15L;
			return s->both == 0 ? 1 : 1 - (long double) s->both / s->either;
	}
}

static bool
near(long double got, long double want, long double tolerance)
{
	if (isnan(want))
		return isnan(got);
	return fabsl(got - want) <= tolerance;
}

static bool
check_row(const VdbKernels *k, VdbElem elem, VdbMetric metric, const Sums *s,
		  double pair, float many, size_t dim)
{
	long double tolerance;
	long double want = expected(s, metric, &tolerance);

	if (near(pair, want, tolerance) &&
		near(many, want, tolerance + fabsl(want) * 0x1p-23L))
		return true;
	printf("# %s %s %s dim %zu: pair %.9g many %.9g expected %.9Lg within %.3Lg\n", k->name,
		   elem_names[elem], metric_names[metric], dim, pair, many, want, tolerance);
	return false;
}

/* Every dimension, at the end of memory and at odd addresses. */
static void
check_dense(const VdbKernels *sets, int nsets, VdbElem elem)
{
	size_t		bytes = elem_bytes(elem, MAX_DIM);
	uint8_t    *qend = guarded(bytes);
	uint8_t    *ends[NROWS];
	const void *rows[NROWS];
	bool		failed[MAX_SETS][VDB_NMETRIC] = {{false}};

	for (int r = 0; r < NROWS; r++)
		ends[r] = guarded(bytes + NROWS);

	for (size_t dim = 1; dim <= MAX_DIM; dim++)
	{
		size_t		n = elem_bytes(elem, dim);
		uint8_t    *q = qend - n;
		int			nrows = 1 + (int) (dim % NROWS);
		Sums		sums[NROWS];

		fill(elem, q, dim);
		for (int r = 0; r < nrows; r++)
		{
			/* rows 1, 3 and 5 a few bytes before the very end */
			uint8_t    *row = ends[r] - n - (r % 2 ? r : 0);

			fill(elem, row, dim);
			rows[r] = row;
			sums[r] = sums_of(elem, q, row, dim);
		}
		for (int set = 0; set < nsets; set++)
			for (int metric = 0; metric < VDB_NMETRIC; metric++)
			{
				float		out[NROWS + 1];

				if (sets[set].pair[elem][metric] == NULL)
					continue;
				out[nrows] = 12345;
				sets[set].many[elem][metric] (q, rows, nrows, dim, out);
				if (out[nrows] != 12345)
					failed[set][metric] = true;
				for (int r = 0; r < nrows; r++)
					if (!check_row(&sets[set], elem, metric, &sums[r],
								   sets[set].pair[elem][metric] (q, rows[r], dim), out[r], dim))
						failed[set][metric] = true;
			}
	}
	for (int set = 0; set < nsets; set++)
		for (int metric = 0; metric < VDB_NMETRIC; metric++)
			if (sets[set].pair[elem][metric] != NULL)
			{
				char		what[64];

				snprintf(what, sizeof(what), "%s %s, dimensions 1 to %d", elem_names[elem],
						 metric_names[metric], MAX_DIM);
				result(!failed[set][metric], sets[set].name, what);
			}
}

/* Values at the ends of the range, through vdb_dist(). */
static void
check_extremes(const VdbKernels *k, VdbElem elem)
{
	static const double floats[] = {0, -0.0, FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_MIN, 0x1p-149, 1, -1, 1e19, 1e-19, 3e-23};
	static const double halves[] = {0, -0.0, 65504, -65504, 0x1p-14, -0x1p-14, 0x1p-24, 1, -1, 300};
	static const double int8s[] = {0, 127, -128, 1, -1};
	const double *values = elem == VDB_F32 ? floats : elem == VDB_F16 ? halves : int8s;
	int			nvalues = elem == VDB_F32 ? 12 : elem == VDB_F16 ? 10 : 5;
	static const size_t dims[] = {1, 2, 3, 15, 16, 17, 100, 1024};
	uint8_t		a[4096],
				b[4096];
	bool		ok = true;
	char		what[64];

	vdb_kernel = *k;
	for (int d = 0; d < 8; d++)
		for (int i = 0; i < nvalues; i++)
			for (int j = 0; j < nvalues; j++)
				for (int metric = VDB_L2SQ; metric <= VDB_L1; metric++)
				{
					size_t		dim = dims[d];
					long double tolerance,
								want;
					Sums		s;
					double		got;

					/* one value all through, or a single one among zeroes */
					for (size_t e = 0; e < dim; e++)
					{
						bool		single = (i + j) % 2 == 1 && e != dim / 2;

						put(elem, a, e, single ? 0 : values[i]);
						put(elem, b, e, single ? 0 : values[j]);
					}
					s = sums_of(elem, a, b, dim);
					want = expected(&s, metric, &tolerance);
					got = vdb_dist(elem, metric, a, b, dim);

					/* products too small for a float are lost, no more */
					if (metric == VDB_IP)
						tolerance += dim * 0x1p-126L;
					if (!near(got, want, tolerance + fabsl(want) * 1e-14L))
					{
						printf("# %s dim %zu of %g and %g: %.17g expected %.17Lg\n", metric_names[metric],
							   dim, values[i], values[j], got, want);
						ok = false;
					}
				}
	snprintf(what, sizeof(what), "%s, extreme values", elem_names[elem]);
	result(ok, k->name, what);
}

/* The largest sums of int8 that the interface allows. */
static void
check_int8_limit(const VdbKernels *k)
{
	int8_t	   *a = malloc(VDB_KERNEL_MAX_DIM),
			   *b = malloc(VDB_KERNEL_MAX_DIM);
	Sums		s;
	bool		ok = true;

	memset(a, 127, VDB_KERNEL_MAX_DIM);
	memset(b, -128, VDB_KERNEL_MAX_DIM);
	s = sums_of(VDB_I8, a, b, VDB_KERNEL_MAX_DIM);
	for (int metric = VDB_L2SQ; metric <= VDB_L1; metric++)
	{
		long double tolerance;
		long double want = expected(&s, metric, &tolerance);

		ok = ok && near(k->pair[VDB_I8][metric] (a, b, VDB_KERNEL_MAX_DIM), want, tolerance);
	}
	result(ok, k->name, "i8, the largest sums");
	free(a);
	free(b);
}

/* A sparse vector of nnz elements out of a range of indexes, at guarded ends. */
static VdbSparse
random_sparse(uint8_t *index_end, uint8_t *value_end, size_t nnz, int32_t stride)
{
	int32_t    *index = (int32_t *) (index_end - nnz * 4);
	float	   *value = (float *) (value_end - nnz * 4);
	int32_t		next = (int32_t) (random_bits() % (uint64_t) stride);

	for (size_t i = 0; i < nnz; i++)
	{
		index[i] = next;
		value[i] = (float) random_unit();
		next += 1 + (int32_t) (random_bits() % (uint64_t) stride);
	}
	if (nnz > 0 && random_bits() % 4 == 0)
		index[nnz - 1] = INT32_MAX;
	return (VdbSparse) {index, value, nnz};
}

static void
check_sparse(const VdbKernels *k)
{
	enum
	{
		max_nnz = 300
	};
	uint8_t    *ends[4];
	float		dense[2][max_nnz * 2];
	bool		ok = true;

	for (int i = 0; i < 4; i++)
		ends[i] = guarded(max_nnz * 4);
	for (int round = 0; round < 20000 && ok; round++)
	{
		VdbSparse	a = random_sparse(ends[0], ends[1], random_bits() % (round % 10 ? 40 : max_nnz), 1 + round % 7);
		VdbSparse	b = random_sparse(ends[2], ends[3], random_bits() % (round % 10 ? 40 : max_nnz), 1 + round % 5);
		size_t		n = 0;
		Sums		s;

		/* Line the two up by hand, as dense vectors of their union. */
		for (size_t i = 0, j = 0; i < a.nnz || j < b.nnz; n++)
		{
			int64_t		x = i < a.nnz ? a.index[i] : INT64_MAX,
						y = j < b.nnz ? b.index[j] : INT64_MAX;

			dense[0][n] = x <= y ? a.value[i++] : 0;
			dense[1][n] = y <= x ? b.value[j++] : 0;
		}
		s = sums_of(VDB_F32, dense[0], dense[1], n);
		for (int metric = VDB_L2SQ; metric <= VDB_L1; metric++)
		{
			long double tolerance,
						want;

			if (metric == VDB_COSINE)
				continue;
			want = expected(&s, metric, &tolerance);
			if (!near(k->sparse[metric] (&a, &b), want, tolerance))
			{
				printf("# %s nnz %zu and %zu: %.9g expected %.9Lg\n", metric_names[metric], a.nnz, b.nnz,
					   k->sparse[metric] (&a, &b), want);
				ok = false;
			}
		}
	}
	result(ok, k->name, "sparse l2sq, ip, l1");
}

#ifdef __FLT16_MAX__
/* The compiler's own conversion is the judge. */
static void
check_half(const VdbKernels *k)
{
	enum
	{
		n = 65536
	};
	uint16_t   *halves = malloc(n * sizeof(uint16_t) + 2),
			   *back = malloc(n * sizeof(uint16_t) + 2);
	float	   *floats = malloc(n * sizeof(float) + 2);
	bool		ok = true;

	for (int i = 0; i < n; i++)
		halves[i] = (uint16_t) i;
	k->f16_to_f32(halves, floats, n);
	for (int i = 0; i < n; i++)
	{
		_Float16	h;

		memcpy(&h, &halves[i], 2);
		ok = ok && (isnan(floats[i]) ? isnan((float) h) : floats[i] == (float) h);
	}
	result(ok, k->name, "half to float, all of them");

	/* All the way round in odd steps, so next to every half and every tie. */
	ok = true;
	for (uint64_t start = 0; start < (1ULL << 32); start += (uint64_t) n * 1021)
	{
		size_t		count = start % 5 == 0 ? n : n - 3;

		for (size_t i = 0; i < count; i++)
		{
			uint32_t	bits = (uint32_t) (start + i * 1021);

			if (i % 3 == 0)
				bits = (bits & ~0x1fffU) | (uint32_t) (0xfff + i % 4);
			memcpy(&floats[i], &bits, 4);
		}
		k->f32_to_f16(floats, back, count);
		for (size_t i = 0; i < count; i++)
		{
			_Float16	h = (_Float16) floats[i];
			uint16_t	want;

			memcpy(&want, &h, 2);
			if (isnan(floats[i]) ? (back[i] & 0x7fff) <= 0x7c00 : back[i] != want)
			{
				printf("# %a: %04x expected %04x\n", (double) floats[i], back[i], want);
				ok = false;
				break;
			}
		}
	}
	result(ok, k->name, "float to half");
	free(halves);
	free(back);
	free(floats);
}
#endif

int
main(void)
{
	VdbKernels	sets[MAX_SETS];
	int			nsets = 0;

	for (int isa = 0; vdb_kernel_name(isa) != NULL; isa++)
		if (vdb_kernel_get(isa, &sets[nsets]))
			nsets++;
		else
			printf("# this CPU lacks %s\n", vdb_kernel_name(isa));

	for (int elem = 0; elem < VDB_NELEM; elem++)
		check_dense(sets, nsets, elem);
	for (int set = 0; set < nsets; set++)
	{
		check_extremes(&sets[set], VDB_F32);
		check_extremes(&sets[set], VDB_F16);
		check_extremes(&sets[set], VDB_I8);
		check_int8_limit(&sets[set]);
		check_sparse(&sets[set]);
#ifdef __FLT16_MAX__
		check_half(&sets[set]);
#endif
	}
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
