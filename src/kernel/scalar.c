/*
 * scalar.c
 *	  Kernels in plain C, for any CPU: the reference for all the others.
 *
 * The bodies with a "register" of one double: right wherever the result is
 * within double's range, whatever the elements.
 */
#include "kernel/half.h"
#include "kernel/kernel_isa.h"

VDB_INLINE double
zero_scalar(void)
{
	return 0;
}

VDB_INLINE double
add_scalar(double a, double b)
{
	return a + b;
}

VDB_INLINE double
sum_scalar(double a)
{
	return a;
}

VDB_INLINE void
sum4_scalar(double a, double b, double c, double d, float *out)
{
	out[0] = (float) a;
	out[1] = (float) b;
	out[2] = (float) c;
	out[3] = (float) d;
}

VDB_INLINE double
l2sq_scalar(double acc, double x, double y)
{
	return acc + (x - y) * (x - y);
}

VDB_INLINE double
ip_scalar(double acc, double x, double y)
{
	return acc + x * y;
}

VDB_INLINE double
l1_scalar(double acc, double x, double y)
{
	return acc + fabs(x - y);
}

VDB_INLINE double
cosine_scalar(double dot, double aa, double bb)
{
	return vdb_dist_cosine(dot, aa, bb);
}

/* By copy: the addresses have any alignment. */
VDB_INLINE double
load_f32(const float *p)
{
	float		f;

	memcpy(&f, p, sizeof(f));
	return f;
}

VDB_INLINE double
load_f16(const uint16_t *p)
{
	return vdb_half_to_float(vdb_half_at(p));
}

VDB_INLINE double
load_i8(const int8_t *p)
{
	return *p;
}

#define load_scalar(p) \
	_Generic((p), const float *: load_f32, const uint16_t *: load_f16, const int8_t *: load_i8) (p)
#define load_tail_scalar(p, n) load_scalar(p)

#define BODY(name) name##_f32_scalar
#define ELEM float
#define VEC double
#define ACC double
#define LANES 1
#define OP(name) name##_scalar
#include "kernel/dense_body.h"

#define BODY(name) name##_f16_scalar
#define ELEM uint16_t
#define VEC double
#define ACC double
#define LANES 1
#define OP(name) name##_scalar
#include "kernel/dense_body.h"

#define BODY(name) name##_i8_scalar
#define ELEM int8_t
#define VEC double
#define ACC double
#define LANES 1
#define OP(name) name##_scalar
#include "kernel/dense_body.h"

/* Bits, eight bytes at a time. */
VDB_INLINE uint64_t
load_bits_scalar(const uint8_t *p)
{
	uint64_t	v;

	memcpy(&v, p, sizeof(v));
	return v;
}

VDB_INLINE uint64_t
load_tail_bits_scalar(const uint8_t *p, size_t n)
{
	uint64_t	v = 0;

	memcpy(&v, p, n);
	return v;
}

VDB_INLINE uint64_t
count_bits_scalar(uint64_t acc, uint64_t v)
{
	return acc + (uint64_t) __builtin_popcountll(v);
}

#define zero_bits_scalar() ((uint64_t) 0)
#define and_bits_scalar(a, b) ((a) & (b))
#define or_bits_scalar(a, b) ((a) | (b))
#define xor_bits_scalar(a, b) ((a) ^ (b))
#define sum_bits_scalar(acc) (acc)

#define BODY(name) name##_bit_scalar
#define VEC uint64_t
#define VBYTES 8
#define OP(name) name##_bits_scalar
#include "kernel/bit_body.h"

/* A merge without registers: each index once, in order. */
VDB_INLINE double
merge(VdbMetric metric, const VdbSparse *a, const VdbSparse *b)
{
	size_t		i = 0,
				j = 0;
	double		sum = 0;

	while (i < a->nnz || j < b->nnz)
	{
		bool		has_a = j >= b->nnz || (i < a->nnz && a->index[i] <= b->index[j]);
		bool		has_b = i >= a->nnz || (j < b->nnz && b->index[j] <= a->index[i]);
		double		x = has_a ? a->value[i] : 0;
		double		y = has_b ? b->value[j] : 0;

		if (metric == VDB_L2SQ)
			sum = l2sq_scalar(sum, x, y);
		else if (metric == VDB_IP)
			sum = ip_scalar(sum, x, y);
		else
			sum = l1_scalar(sum, x, y);
		i += has_a;
		j += has_b;
	}
	return metric == VDB_IP ? -sum : sum;
}

static double
l2sq_sparse_scalar(const VdbSparse *a, const VdbSparse *b)
{
	return merge(VDB_L2SQ, a, b);
}

static double
ip_sparse_scalar(const VdbSparse *a, const VdbSparse *b)
{
	return merge(VDB_IP, a, b);
}

static double
l1_sparse_scalar(const VdbSparse *a, const VdbSparse *b)
{
	return merge(VDB_L1, a, b);
}

static void
f16_to_f32_scalar(const uint16_t *from, float *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = vdb_half_to_float(vdb_half_at(from + i));
}

static void
f32_to_f16_scalar(const float *from, uint16_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = vdb_float_to_half(from[i]);
}

#define DENSE_PAIR(elem) { \
	[VDB_L2SQ] = l2sq_##elem##_scalar, \
	[VDB_IP] = ip_##elem##_scalar, \
	[VDB_COSINE] = cosine_##elem##_scalar, \
	[VDB_L1] = l1_##elem##_scalar}
#define DENSE_MANY(elem) { \
	[VDB_L2SQ] = l2sq_many_##elem##_scalar, \
	[VDB_IP] = ip_many_##elem##_scalar, \
	[VDB_COSINE] = cosine_many_##elem##_scalar, \
	[VDB_L1] = l1_many_##elem##_scalar}

#define BODY(name) name##_scalar
#include "kernel/encode_body.h"

const VdbKernels vdb_kernel_scalar = {
	.name = "scalar",
	.pair = {
		[VDB_F32] = DENSE_PAIR(f32),
		[VDB_F16] = DENSE_PAIR(f16),
		[VDB_I8] = DENSE_PAIR(i8),
		[VDB_BIT] = {
			[VDB_HAMMING] = hamming_bit_scalar,
			[VDB_JACCARD] = jaccard_bit_scalar,
		},
	},
	.many = {
		[VDB_F32] = DENSE_MANY(f32),
		[VDB_F16] = DENSE_MANY(f16),
		[VDB_I8] = DENSE_MANY(i8),
		[VDB_BIT] = {
			[VDB_HAMMING] = hamming_many_bit_scalar,
			[VDB_JACCARD] = jaccard_many_bit_scalar,
		},
	},
	.sparse = {
		[VDB_L2SQ] = l2sq_sparse_scalar,
		[VDB_IP] = ip_sparse_scalar,
		[VDB_L1] = l1_sparse_scalar,
	},
	.f16_to_f32 = f16_to_f32_scalar,
	.f32_to_f16 = f32_to_f16_scalar,
	.scan_factors = vdb_scan_factors_scalar,
	.scan_plain = vdb_scan_plain_scalar,
	.dot_many = {
		[VDB_CODE8] = vdb_dot8_scalar,
		[VDB_CODE4] = vdb_dot4_scalar,
		[VDB_CODE2] = vdb_dot2_scalar,
		[VDB_CODE1] = vdb_dot1_scalar,
	},
	.flip = vdb_flip_scalar,
	.butterfly = vdb_butterfly_scalar,
	.hadamard = vdb_hadamard_scalar,
	.encode_bytes = encode_bytes_scalar,
	.encode_bits = encode_bits_scalar,
};
