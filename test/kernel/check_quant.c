/*
 * check_quant.c
 *	  Compares what codes need of every instruction set that this CPU has
 *	  with the scalar code, and checks what src/quant promises of estimates,
 *	  bounds and rotations.
 *
 * Prints TAP.  Codes end where the readable memory ends, at addresses that
 * are multiples of 4 and no more.
 */
#include <string.h>

#include "quant/quant.h"
#include "tap.h"

/* Fewer where the CPU is slow, an emulated one say. */
#ifndef MAX_DIM
#define MAX_DIM 4099
#endif
#define MAX_SETS 8

static const size_t dims[] = {384, 768, 1024, 1536, 3072, 4099, 16000};

#define NDIMS (sizeof(dims) / sizeof(dims[0]))

/* Dimension number i: 1 to 300, then those above; 0 at the end. */
static size_t
dim_at(size_t i)
{
	size_t		small = MAX_DIM < 300 ? MAX_DIM : 300;

	if (i < small)
		return i + 1;
	return i - small < NDIMS && (MAX_DIM >= 1000 || i - small < 1) ? dims[i - small] : 0;
}

static double
random_normal(void)
{
	double		sum = 0;

	for (int i = 0; i < 12; i++)
		sum += random_unit();
	return sum / 2;
}

static void
random_bytes(void *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *) to)[i] = (uint8_t) (random_bits() >> 32);
}

static void *
allocate(size_t n)
{
	void	   *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		exit(2);
	return p;
}

static bool
close_to(double got, double want, double tolerance)
{
	return got == want || fabs(got - want) <= tolerance;
}

/* Tables whose four of a lane add up to 255 at most; worst: exactly, always. */
static void
random_tables(uint8_t *tables, size_t ntables, bool worst)
{
	for (size_t t = 0; t < ntables; t++)
		for (int i = 0; i < VDB_TABLE; i++)
			tables[t * VDB_TABLE + i] = worst ? (t / 4 % 4 == 0 ? 255 : 0) : (uint8_t) (random_bits() % 64);
}

#define NBLOCKS 3

/* Scans of one number of tables against the scalar ones. */
static bool
same_scan(const VdbKernels *k, size_t ntables, const uint8_t *end, size_t bytes,
		  const VdbBlockScan *scan)
{
	float		estimate[2][NBLOCKS * VDB_BLOCK],
				lower[2][NBLOCKS * VDB_BLOCK];
	uint32_t	below[2][NBLOCKS];
	const float *factors = (const float *) (const void *) (end - NBLOCKS * bytes);
	const uint8_t *codes = (const uint8_t *) (factors + VDB_BLOCK_FACTORS);
	bool		ok = true;

	vdb_kernel_scalar.scan_factors(scan, codes, factors, bytes, NBLOCKS, estimate[0], lower[0], below[0]);
	k->scan_factors(scan, codes, factors, bytes, NBLOCKS, estimate[1], lower[1], below[1]);
	for (int i = 0; i < NBLOCKS * VDB_BLOCK; i++)
	{
		float		sum = estimate[0][i];

		/* exact where it must be: plain sums come next */
		ok = ok && close_to(estimate[1][i], sum, 1e-5 * (1 + fabs(sum))) &&
			close_to(lower[1][i], lower[0][i], 1e-5 * (1 + fabs(lower[0][i])));
		ok = ok && (below[1][i / VDB_BLOCK] >> i % VDB_BLOCK & 1) == (lower[1][i] < scan->limit);
	}
	vdb_kernel_scalar.scan_plain(scan, codes, bytes, NBLOCKS, estimate[0], below[0]);
	k->scan_plain(scan, codes, bytes, NBLOCKS, estimate[1], below[1]);
	ok = ok && memcmp(estimate[0], estimate[1], sizeof(estimate[0])) == 0 &&
		memcmp(below[0], below[1], sizeof(below[0])) == 0;
	if (!ok)
		printf("# %s: %zu tables\n", k->name, ntables);
	return ok;
}

static void
check_scan(const VdbKernels *k)
{
	size_t		most = (16000 + 15) / 16 * 4;
	uint8_t    *end = guarded(NBLOCKS * vdb_quant_block_size(16000) + 64);
	uint8_t    *table_end = guarded(most * VDB_TABLE + 64);
	bool		ok = true,
				worst_ok = true;

	for (size_t i = 0; dim_at(i) > 0; i++)
	{
		size_t		dim = dim_at(i),
					ntables = (dim + 15) / 16 * 4,
					bytes = vdb_quant_block_size(dim);
		uint8_t    *codes = end - NBLOCKS * bytes - i % 4 * 4;
		VdbBlockScan scan = {.tables = table_end - ntables * VDB_TABLE - i % 5, .ntables = ntables, .step = 1};

		random_bytes(codes, NBLOCKS * bytes);
		for (int b = 0; b < NBLOCKS; b++)
			for (int f = 0; f < VDB_BLOCK_FACTORS; f++)
			{
				float		x = (float) random_unit();

				memcpy(codes + b * bytes + f * 4, &x, 4);
			}
		/* sums without scale are exact, so equal; the limit splits them */
		random_tables((uint8_t *) scan.tables, ntables, false);
		scan.limit = (float) ntables * 32;
		scan.error_scale = 3;
		scan.error_floor = 2;
		ok = ok && same_scan(k, ntables, codes + NBLOCKS * bytes, bytes, &scan);
		random_tables((uint8_t *) scan.tables, ntables, true);
		worst_ok = worst_ok && same_scan(k, ntables, codes + NBLOCKS * bytes, bytes, &scan);
	}
	result(ok, k->name, "block scans, all dimensions");
	result(worst_ok, k->name, "block scans, the largest sums");
}

#define NROWS 7

static void
check_dot(const VdbKernels *k, VdbCodeBits width, int bits)
{
	uint8_t    *ends[NROWS];
	const void *rows[NROWS];
	bool		ok = true;
	char		what[64];

	for (int r = 0; r < NROWS; r++)
		ends[r] = guarded(16384);
	for (size_t i = 0; dim_at(i) > 0; i++)
		for (int worst = 0; worst < 3; worst++)
		{
			size_t		dim = dim_at(i),
						bytes = bits == 8 ? dim : (dim + 63) / 64 * 8 * bits;
			float	   *query = allocate(dim * sizeof(float));
			void	   *memory = allocate(vdb_quant_weights_size(dim));
			VdbQuantWeights w;
			int32_t		got[NROWS + 1],
						want[NROWS];
			size_t		nrows = 1 + i % NROWS;

			for (size_t e = 0; e < dim; e++)
				query[e] = worst == 0 ? (float) random_unit() : worst == 1 ? 1 : e % 2 ? 1 : -1;
			vdb_quant_weights_init(&w, dim, query, memory);
			for (size_t r = 0; r < nrows; r++)
			{
				uint8_t    *row = ends[r] - bytes - (r % 2 ? r : 0);

				if (worst)
					memset(row, r % 3 == 0 ? 255 : 0, bytes);
				else
					random_bytes(row, bytes);
				rows[r] = row;
			}
			got[nrows] = 12345;
			vdb_kernel_scalar.dot_many[width] (&w.weights, rows, nrows, dim, want);
			k->dot_many[width] (&w.weights, rows, nrows, dim, got);
			if (memcmp(got, want, nrows * sizeof(int32_t)) != 0 || got[nrows] != 12345)
			{
				printf("# %s: %d bits, dim %zu\n", k->name, bits, dim);
				ok = false;
			}
			/* the worst is no overflow: all ones times all codes at 255 */
			if (worst == 1 && want[0] != (int64_t) ((1 << bits) - 1) * (int64_t) w.sum)
				ok = false;
			free(query);
			free(memory);
		}
	snprintf(what, sizeof(what), "codes of %d bits, all dimensions", bits);
	result(ok, k->name, what);
}

/* Codes of residuals: the reference's to the bit, sums too. */
static void
check_encode(const VdbKernels *k)
{
	bool		ok = true;

	for (size_t runs = 0; runs < 70; runs++)
	{
		size_t		n = runs * VDB_ENCODE_RUN;
		float	   *residual = allocate((n + 1) * sizeof(float)),
				   *centre = allocate((n + 1) * sizeof(float));
		uint8_t    *want = allocate(n + 1),
				   *got = allocate(n + 1);
		VdbEncodeSums want_sums = {.yy = {1}},
					got_sums = {.yy = {1}};

		for (size_t i = 0; i < n; i++)
		{
			/* zeroes, and some that the scale takes beyond the grid */
			residual[i] = i % 17 == 3 ? 0 : (float) random_normal();
			centre[i] = (float) random_normal();
		}
		want[n] = got[n] = 77;
		vdb_kernel_scalar.encode_bytes(residual, centre, runs, 50, want, &want_sums);
		k->encode_bytes(residual, centre, runs, 50, got, &got_sums);
		ok = ok && memcmp(got, want, n + 1) == 0 && got[n] == 77;
		vdb_kernel_scalar.encode_bits(residual, centre, runs, want, &want_sums);
		k->encode_bits(residual, centre, runs, got, &got_sums);
		ok = ok && memcmp(got, want, n + 1) == 0 &&
			memcmp(&got_sums, &want_sums, sizeof(want_sums)) == 0;
		for (size_t i = 0; i < n; i++)
			ok = ok && (got[i / 8] >> i % 8 & 1) == (residual[i] > 0);
		free(residual);
		free(centre);
		free(want);
		free(got);
	}
	result(ok, k->name, "codes of residuals, the same bits");
}

static uint64_t
checksum(const float *x, size_t n)
{
	uint64_t	hash = UINT64_C(0xcbf29ce484222325);	/* FNV-1a */

	for (size_t i = 0; i < n; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &x[i], 4);
		hash = (hash ^ bits) * UINT64_C(0x100000001b3);
	}
	return hash;
}

/*
 * What seed 1 makes of 1, 2, 3, ...: on disk by now, so these never change.
 */
static const struct
{
	size_t		dim;
	uint64_t	sum;
}			pinned[] = {
#include "pinned_rotations.h"
};

static void
check_rotation(const VdbKernels *k)
{
	bool		orthogonal = true,
				inverse = true,
				mixed = true,
				same = true;

	vdb_kernel = *k;
	for (size_t i = 0; dim_at(i) > 0; i++)
	{
		size_t		dim = dim_at(i);
		float	   *x = allocate(dim * sizeof(float)),
				   *y = allocate(dim * sizeof(float)),
				   *rx = allocate(dim * sizeof(float)),
				   *ry = allocate(dim * sizeof(float));
		void	   *memory = allocate(vdb_quant_rotation_size(dim));
		VdbQuantRotation rotation;
		double		xx = 0,
					xy = 0,
					rxx = 0,
					rxy = 0;

		vdb_quant_rotation_init(&rotation, dim, random_bits(), memory);
		for (size_t e = 0; e < dim; e++)
		{
			x[e] = (float) random_unit();
			y[e] = (float) random_unit();
		}
		vdb_quant_rotate(&rotation, x, rx);
		vdb_quant_rotate(&rotation, y, ry);
		for (size_t e = 0; e < dim; e++)
		{
			xx += (double) x[e] * x[e];
			xy += (double) x[e] * y[e];
			rxx += (double) rx[e] * rx[e];
			rxy += (double) rx[e] * ry[e];
		}
		orthogonal = orthogonal && close_to(rxx, xx, 1e-5 * xx) && close_to(rxy, xy, 1e-5 * xx);

		/* a single element goes to both halves, whatever the dimension */
		memset(y, 0, dim * sizeof(float));
		y[random_bits() % dim] = 1;
		vdb_quant_rotate(&rotation, y, y);
		xy = 0;
		for (size_t e = 0; e < dim / 2; e++)
			xy += (double) y[e] * y[e];
		mixed = mixed && (dim < 100 || (xy > 0.2 && xy < 0.8));
		vdb_quant_unrotate(&rotation, rx, rx);
		for (size_t e = 0; e < dim; e++)
			inverse = inverse && close_to(rx[e], x[e], 1e-5);
		free(x);
		free(y);
		free(rx);
		free(ry);
		free(memory);
	}
	for (size_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++)
	{
		size_t		dim = pinned[i].dim;
		float	   *x = allocate(dim * sizeof(float));
		void	   *memory = allocate(vdb_quant_rotation_size(dim));
		VdbQuantRotation rotation;

		vdb_quant_rotation_init(&rotation, dim, 1, memory);
		for (size_t e = 0; e < dim; e++)
			x[e] = (float) (e + 1);
		vdb_quant_rotate(&rotation, x, x);
		if (checksum(x, dim) != pinned[i].sum)
		{
			printf("# {%zu, UINT64_C(0x%016llx)},\n", dim, (unsigned long long) checksum(x, dim));
			same = false;
		}
		free(x);
		free(memory);
	}
	result(orthogonal, k->name, "rotation, orthogonal");
	result(inverse, k->name, "rotation, there and back");
	result(mixed, k->name, "rotation, both halves");
	result(same, k->name, "rotation, the bits of old");
}

/* Vectors around a centre, a query, and all that is made of them. */
typedef struct Sample
{
	size_t		dim;
	VdbMetric	metric;
	VdbQuantRotation rotation;
	float	   *centre,			/* rotated, relative to the origin */
			   *origin,
			   *query,
			   *vector,
			   *residual;
	VdbQuantBlock *block;
	VdbQuantTables tables;
	VdbQuantWeights weights;
	float		base,
				gap;
	void	   *memory[3];
	double		truth[VDB_BLOCK];
	float		estimate[VDB_BLOCK],
				lower[VDB_BLOCK];
	uint32_t	below;
} Sample;

static void
begin(Sample *s, size_t dim, VdbMetric metric)
{
	s->dim = dim;
	s->metric = metric;
	s->memory[0] = allocate(vdb_quant_rotation_size(dim));
	s->memory[1] = allocate(vdb_quant_tables_size(dim));
	s->memory[2] = allocate(vdb_quant_weights_size(dim));
	s->centre = allocate(dim * 4);
	s->origin = allocate(dim * 4);
	s->query = allocate(dim * 4);
	s->vector = allocate(dim * 4);
	s->residual = allocate(dim * 4);
	s->block = allocate(vdb_quant_block_size(dim));
	vdb_quant_rotation_init(&s->rotation, dim, random_bits(), s->memory[0]);
	vdb_quant_block_init(dim, s->block);
}

static void
end(Sample *s)
{
	for (int i = 0; i < 3; i++)
		free(s->memory[i]);
	free(s->centre);
	free(s->origin);
	free(s->query);
	free(s->vector);
	free(s->residual);
	free(s->block);
}

/* Centre and query, of which half is noise; sparse: most elements are 0. */
static void
draw_query(Sample *s, double scale, bool sparse)
{
	double		square = 0,
				dot = 0;

	for (size_t i = 0; i < s->dim; i++)
	{
		bool		zero = sparse && i % 8 != 0;

		s->origin[i] = (float) (scale * random_normal() * 0.5);
		s->centre[i] = zero ? 0 : (float) (scale * random_normal());
		s->query[i] = zero ? 0 : s->centre[i] + (float) (scale * random_normal());
	}
	vdb_quant_rotate(&s->rotation, s->origin, s->origin);
	vdb_quant_rotate(&s->rotation, s->centre, s->centre);
	vdb_quant_rotate(&s->rotation, s->query, s->query);
	for (size_t i = 0; i < s->dim; i++)
	{
		double		d = s->query[i] - s->centre[i];

		square += d * d;
		dot += ((double) s->query[i] + s->origin[i]) * ((double) s->centre[i] + s->origin[i]);
	}
	s->gap = (float) sqrt(square);
	s->base = (float) (s->metric == VDB_IP ? -dot : square);
	vdb_quant_tables_init(&s->tables, s->dim, s->query, s->memory[1]);
	vdb_quant_tables_aim(&s->tables, s->base, s->gap, 1.9f);
	vdb_quant_weights_init(&s->weights, s->dim, s->query, s->memory[2]);
}

static void
draw_vector(Sample *s, int lane, double scale, bool sparse)
{
	for (size_t i = 0; i < s->dim; i++)
		s->residual[i] = sparse && i % 8 != 0 ? 0 : (float) (scale * random_normal());
	vdb_quant_rotate(&s->rotation, s->residual, s->residual);
	s->truth[lane] = 0;
	for (size_t i = 0; i < s->dim; i++)
	{
		double		o = (double) s->residual[i] + s->centre[i],
					q = s->query[i];

		s->truth[lane] += s->metric == VDB_IP ? -(o + s->origin[i]) * (q + s->origin[i]) : (o - q) * (o - q);
	}
}

/* Estimates have no bias, and few truths are outside their bounds. */
static void
check_bounds(const VdbKernels *k, size_t dim, VdbMetric metric, bool sparse)
{
	Sample		s;
	size_t		count = 0,
				below = 0,
				above = 0;
	double		bias = 0,
				size = 0,
				error[VDB_NCODEBITS] = {0};
	char		what[96];

	vdb_kernel = *k;
	begin(&s, dim, metric);
	for (int round = 0; round < (int) (20000 / dim) + 40; round++)
	{
		draw_query(&s, 1, sparse);
		for (int lane = 0; lane < VDB_BLOCK; lane++)
		{
			draw_vector(&s, lane, 0.5 + lane / 32.0, sparse);
			vdb_quant_block_encode(dim, metric, s.residual, s.centre, s.origin, s.block, lane);
			for (int width = 0; width < VDB_NCODEBITS; width++)
			{
				void	   *row = allocate(vdb_quant_row_size(dim, width));
				float		estimate;

				vdb_quant_row_encode(dim, width, metric, s.residual, s.centre, s.origin, row);
				vdb_quant_row_many(&s.weights, width, s.base, (const void *const *) &row, 1, &estimate);
				error[width] += fabs(estimate - s.truth[lane]);
				free(row);
			}
		}
		vdb_quant_block_scan(&s.tables, s.block, vdb_quant_block_size(dim), 1, INFINITY,
							 s.estimate, s.lower, &s.below);
		for (int lane = 0; lane < VDB_BLOCK; lane++)
		{
			double		slack = 1e-5 * fabs(s.truth[lane]);

			count++;
			below += s.truth[lane] < s.lower[lane] - slack;
			above += s.truth[lane] > 2 * s.estimate[lane] - s.lower[lane] + slack;
			bias += s.estimate[lane] - s.truth[lane];
			size += s.estimate[lane] - s.lower[lane];
		}
	}
	printf("# %s dim %zu%s: below the bound %.2f %%, above %.2f %%; of the width: bias %.4f, errors of 8, 4, 2, 1 bits %.4f %.4f %.4f %.4f\n",
		   metric == VDB_IP ? "ip" : "l2", dim, sparse ? " sparse" : "",
		   100.0 * (double) below / (double) count, 100.0 * (double) above / (double) count,
		   bias / size, error[0] / size, error[1] / size, error[2] / size, error[3] / size);

	/* a normal error is beyond 1.9 deviations in 2.9 % to each side */
	snprintf(what, sizeof(what), "bounds, %s, dim %zu%s", metric == VDB_IP ? "ip" : "l2", dim, sparse ? ", sparse" : "");
	result((double) below < 0.04 * (double) count && (double) above < 0.04 * (double) count &&
		   fabs(bias) < 0.05 * size &&
		   error[0] < 0.02 * size && error[1] < 0.15 * size && error[2] < 0.4 * size &&
		   error[3] < 0.6 * size, k->name, what);
	end(&s);
}

/* The same of product codes, in blocks with factors. */
static void
check_product(const VdbKernels *k, size_t dim, VdbMetric metric, bool sparse)
{
	Sample		s;
	VdbQuantPq	pq = {dim, (dim + 7) / 8 * 4, 16, NULL};
	float	   *codebook = allocate(dim * 16 * sizeof(float)),
			   *lut = allocate(pq.m * 16 * sizeof(float)),
			   *scratch = allocate(dim * sizeof(float));
	VdbQuantBlock *block = allocate(vdb_quant_block_size(4 * pq.m));
	uint8_t    *bits = allocate(vdb_quant_bits_size(4 * pq.m));
	void	   *memory = allocate(vdb_quant_tables_size(4 * pq.m));
	VdbQuantTables tables;
	size_t		count = 0,
				below = 0,
				above = 0;
	double		bias = 0,
				size = 0;
	bool		empty = true;
	char		what[96];

	vdb_kernel = *k;
	begin(&s, dim, metric);
	for (size_t i = 0; i < dim * 16; i++)
		codebook[i] = (float) random_normal();
	pq.codebook = codebook;
	for (int round = 0; round < (int) (20000 / dim) + 40; round++)
	{
		vdb_quant_block_init(4 * pq.m, block);
		draw_query(&s, 1, sparse);
		for (int lane = 0; lane < VDB_BLOCK - 1; lane++)
		{
			VdbQuantRowFactors factors;

			draw_vector(&s, lane, 0.5 + lane / 32.0, sparse);
			vdb_quant_pq4_encode(&pq, metric, s.residual, s.centre, s.origin, scratch, bits, &factors);
			vdb_quant_block_put(4 * pq.m, bits, &factors, block, lane);
		}
		vdb_quant_pq4_query(&tables, &pq, s.query, lut, memory);
		vdb_quant_tables_aim(&tables, s.base, s.gap, 1.9f);
		vdb_quant_block_scan(&tables, block, vdb_quant_block_size(4 * pq.m), 1, INFINITY,
							 s.estimate, s.lower, &s.below);
		empty = empty && isinf(s.estimate[VDB_BLOCK - 1]) && isinf(s.lower[VDB_BLOCK - 1]);
		for (int lane = 0; lane < VDB_BLOCK - 1; lane++)
		{
			double		slack = 1e-5 * fabs(s.truth[lane]);

			count++;
			below += s.truth[lane] < s.lower[lane] - slack;
			above += s.truth[lane] > 2 * s.estimate[lane] - s.lower[lane] + slack;
			bias += s.estimate[lane] - s.truth[lane];
			size += s.estimate[lane] - s.lower[lane];
		}
	}
	printf("# product, %s dim %zu%s: below the bound %.2f %%, above %.2f %%; bias %.4f of the width\n",
		   metric == VDB_IP ? "ip" : "l2", dim, sparse ? " sparse" : "",
		   100.0 * (double) below / (double) count, 100.0 * (double) above / (double) count,
		   bias / size);
	snprintf(what, sizeof(what), "product bounds, %s, dim %zu%s", metric == VDB_IP ? "ip" : "l2", dim, sparse ? ", sparse" : "");
	result((double) below < 0.04 * (double) count && (double) above < 0.04 * (double) count &&
		   fabs(bias) < 0.05 * size && empty, k->name, what);
	end(&s);
	free(codebook);
	free(lut);
	free(scratch);
	free(block);
	free(bits);
	free(memory);
}

/* A vector with some structure, rotated; kinds 0 to 5. */
static void
draw_kind(const VdbQuantRotation *rotation, int kind, float *x)
{
	size_t		dim = rotation->dim;
	size_t		at = (size_t) (random_bits() >> 32) % dim;

	for (size_t i = 0; i < dim; i++)
		x[i] = kind == 0 ? (float) random_normal() :
			kind == 1 ? (float) (i == at) :
			kind == 2 ? (float) (i % 8 == at % 8 ? random_normal() : 0) :
			kind == 3 ? (float) (random_bits() >> 63) :
			kind == 4 ? (float) (i < at ? 1 : -1) :
			(float) ((random_bits() >> 32) % 50 == 0);
	x[at] += 1e-3f;
	vdb_quant_rotate(rotation, x, x);
}

/*
 * What 8 bits leave out is a direction at random, whatever the vector and
 * whatever it is multiplied with: its product with a vector is normal, of the
 * deviation that the code's error says.  Bounds that must never fail are ten
 * deviations wide.
 */
static void
check_errors(const VdbKernels *k, size_t dim)
{
	enum
	{
		kinds = 6, others = 12
	};
	float	   *vector = allocate(dim * 4),
			   *zero = allocate(dim * 4),
			   *other = allocate(dim * 4),
			   *left = allocate(dim * 4);
	void	   *row = allocate(vdb_quant_row_size(dim, VDB_QUANT_8BITS));
	void	   *memory = allocate(vdb_quant_rotation_size(dim));
	double		largest = 0,
				squares = 0,
				wrong = 0;
	size_t		count = 0;
	char		what[96];

	vdb_kernel = *k;
	memset(zero, 0, dim * 4);
	for (int round = 0; round < kinds * 150; round++)
	{
		VdbQuantRotation rotation;
		const VdbQuantRowFactors *factors;
		double		length = 0,
					size = 0;

		vdb_quant_rotation_init(&rotation, dim, random_bits(), memory);
		draw_kind(&rotation, round % kinds, vector);
		vdb_quant_row_encode(dim, VDB_QUANT_8BITS, VDB_L2SQ, vector, zero, NULL, row);
		factors = vdb_quant_row_factors(dim, VDB_QUANT_8BITS, row);
		for (size_t i = 0; i < dim; i++)
		{
			left[i] = (float) (-factors->rescale / 2 * (((uint8_t *) row)[i] - 127.5) - vector[i]);
			length += (double) left[i] * left[i];
			size += (double) vector[i] * vector[i];
		}
		/* what is about as short as the roundings of floats is no matter */
		wrong = fmax(wrong, fabs(factors->error * sqrt((double) dim - 1) / 2 - sqrt(length)) /
					 (sqrt(length) + 1e-4 * sqrt(size)));
		for (int i = 0; i < kinds * others; i++)
		{
			double		product = 0,
						square = 0,
						deviations;

			draw_kind(&rotation, i % kinds, other);
			/* the last ones near the vector itself */
			for (size_t j = 0; j < dim; j++)
			{
				if (i >= kinds * others / 2)
					other[j] = vector[j] + 0.3f * other[j];
				product += (double) other[j] * left[j];
				square += (double) other[j] * other[j];
			}
			deviations = product / sqrt(square * length / ((double) dim - 1));
			largest = fmax(largest, fabs(deviations));
			squares += deviations * deviations;
			count++;
		}
	}
	printf("# errors of 8 bits, dim %zu: deviation %.3f of what is expected, largest of %zu %.2f; length off by %.1e\n",
		   dim, sqrt(squares / (double) count), count, largest, wrong);
	snprintf(what, sizeof(what), "errors of 8 bits, dim %zu", dim);
	result(squares < 1.1 * (double) count && largest < 6.5 && wrong < 1e-3, k->name, what);
	free(vector);
	free(zero);
	free(other);
	free(left);
	free(row);
	free(memory);
}

/* Empty lanes, lanes that move, and vectors that are their centre. */
static void
check_lanes(const VdbKernels *k)
{
	Sample		s;
	VdbQuantBlock *other;
	bool		empty = true,
				moved = true,
				centre = true;

	vdb_kernel = *k;
	for (size_t dim = 1; dim < 140; dim += dim < 20 ? 1 : 13)
	{
		float		estimate[VDB_BLOCK],
					lower[VDB_BLOCK];
		uint32_t	below;

		begin(&s, dim, VDB_L2SQ);
		draw_query(&s, 1, false);
		other = allocate(vdb_quant_block_size(dim));
		vdb_quant_block_init(dim, other);
		for (int lane = 0; lane < VDB_BLOCK; lane += 2)
		{
			draw_vector(&s, lane, lane == 6 ? 0 : 1, false);
			vdb_quant_block_encode(dim, VDB_L2SQ, s.residual, s.centre, NULL, s.block, lane);
			vdb_quant_block_copy(dim, other, VDB_BLOCK - 1 - lane, s.block, lane);
		}
		vdb_quant_block_clear(dim, s.block, 4);
		vdb_quant_block_scan(&s.tables, s.block, 0, 1, FLT_MAX, s.estimate, s.lower, &s.below);
		vdb_quant_block_scan(&s.tables, other, 0, 1, INFINITY, estimate, lower, &below);
		empty = empty && s.below == (0x55555555U & ~(1U << 4)) && below == 0xaaaaaaaaU;
		for (int lane = 0; lane < VDB_BLOCK; lane++)
			if (lane != 4)
				moved = moved && s.estimate[lane] == estimate[VDB_BLOCK - 1 - lane] &&
					s.lower[lane] == lower[VDB_BLOCK - 1 - lane];
		centre = centre && s.estimate[6] == s.base && s.lower[6] == s.base;
		free(other);
		end(&s);
	}
	result(empty, k->name, "empty lanes never win");
	result(moved, k->name, "lanes move");
	result(centre, k->name, "a vector that is its centre");
}

/* Bits apart from a block make the block that encoding into it makes. */
static void
check_bits(const VdbKernels *k)
{
	bool		one = true,
				all = true;

	vdb_kernel = *k;
	for (size_t dim = 1; dim < 800; dim += dim < 20 ? 1 : 91)
	{
		Sample		s;
		size_t		size = vdb_quant_block_size(dim);
		VdbQuantBlock *other = allocate(size);
		uint8_t    *memory = allocate(VDB_BLOCK * vdb_quant_bits_size(dim));
		VdbQuantRowFactors factors[VDB_BLOCK];
		const uint8_t *bits[VDB_BLOCK];
		const VdbQuantRowFactors *pointers[VDB_BLOCK];

		begin(&s, dim, VDB_IP);
		draw_query(&s, 1, false);
		random_bytes(other, size);
		for (int lane = 0; lane < VDB_BLOCK; lane++)
		{
			uint8_t    *to = memory + (size_t) lane * vdb_quant_bits_size(dim);

			draw_vector(&s, lane, 1, false);
			vdb_quant_block_encode(dim, VDB_IP, s.residual, s.centre, s.origin, s.block, lane);
			vdb_quant_bits_encode(dim, VDB_IP, s.residual, s.centre, s.origin, to, &factors[lane]);
			vdb_quant_block_put(dim, to, &factors[lane], other, lane);
			bits[lane] = to;
			pointers[lane] = &factors[lane];
		}
		one = one && memcmp(s.block, other, size) == 0;
		random_bytes(other, size);
		vdb_quant_block_fill(dim, bits, pointers, other);
		all = all && memcmp(s.block, other, size) == 0;
		free(memory);
		free(other);
		end(&s);
	}
	result(one, k->name, "bits put in a lane");
	result(all, k->name, "bits put in all lanes");
}

/* Lengths whose squares are near the ends of float. */
static void
check_extremes(const VdbKernels *k)
{
	static const double scales[] = {0, 1e-45, 1e-38, 1e-30, 1e-19, 1e15, 1e17};
	bool		finite_all = true,
				right = true;

	vdb_kernel = *k;
	for (size_t dim = 1; dim < 600; dim = dim * 2 + 1)
		for (int i = 0; i < 7; i++)
			for (int j = 0; j < 7; j++)
				for (VdbMetric metric = VDB_L2SQ; metric <= VDB_IP; metric++)
				{
					Sample		s;
					void	   *row = allocate(vdb_quant_row_size(dim, VDB_QUANT_8BITS));
					float		estimate;

					begin(&s, dim, metric);
					draw_query(&s, scales[i], false);
					for (int lane = 0; lane < VDB_BLOCK; lane++)
					{
						draw_vector(&s, lane, scales[j], false);
						vdb_quant_block_encode(dim, metric, s.residual, s.centre, s.origin, s.block, lane);
					}
					vdb_quant_row_encode(dim, VDB_QUANT_8BITS, metric, s.residual, s.centre, s.origin, row);
					vdb_quant_row_many(&s.weights, VDB_QUANT_8BITS, s.base, (const void *const *) &row, 1, &estimate);
					vdb_quant_block_scan(&s.tables, s.block, 0, 1, FLT_MAX, s.estimate, s.lower, &s.below);
					finite_all = finite_all && isfinite(estimate);

					/* squares below float's range are lost, no more */
					right = right && close_to(estimate, s.truth[31], (double) dim * FLT_MIN + 0.02 * (double) dim *
											  (scales[i] + scales[j]) * (scales[i] + scales[j]));
					for (int lane = 0; lane < VDB_BLOCK; lane++)
						finite_all = finite_all && isfinite(s.estimate[lane]) && isfinite(s.lower[lane]);
					free(row);
					end(&s);
				}
	result(finite_all, k->name, "extreme lengths, finite");
	result(right, k->name, "extreme lengths, near");
}

/* Distances to the very vectors that the codes of 8 bits stand for. */
static void
check_sq8(const VdbKernels *k)
{
	bool		right = true,
				near = true;

	vdb_kernel = *k;
	for (size_t i = 0; dim_at(i) > 0; i++)
		for (VdbMetric metric = VDB_L2SQ; metric <= VDB_IP; metric++)
		{
			size_t		dim = dim_at(i);
			float	   *query = allocate(dim * 4),
					   *vector = allocate(dim * 4),
					   *decoded = allocate(dim * 4);
			void	   *row = allocate(vdb_quant_sq8_size(dim)),
					   *memory = allocate(vdb_quant_weights_size(dim));
			VdbQuantWeights weights;
			float		estimate;
			double		truth = 0,
						square = 0,
						step = 2.1 / 255;

			for (size_t e = 0; e < dim; e++)
			{
				query[e] = (float) random_unit();
				vector[e] = i % 10 == 0 ? 0.25f : (float) random_unit();
				square += (double) query[e] * query[e];
			}
			vdb_quant_weights_init(&weights, dim, query, memory);
			vdb_quant_sq8_encode(dim, metric, vector, row);
			vdb_quant_sq8_decode(dim, metric, row, decoded);
			vdb_quant_sq8_many(&weights, metric == VDB_IP ? 0 : (float) square, (const void *const *) &row, 1, &estimate);
			for (size_t e = 0; e < dim; e++)
			{
				near = near && fabs(decoded[e] - vector[e]) <= step / 2;
				truth += metric == VDB_IP ? -(double) query[e] * decoded[e] :
					((double) query[e] - decoded[e]) * ((double) query[e] - decoded[e]);
			}
			/* the query's rounding, and that of floats */
			right = right && close_to(estimate, truth, 2 * weights.step * sqrt(dim) + 1e-6 * (double) dim);
			free(query);
			free(vector);
			free(decoded);
			free(row);
			free(memory);
		}
	result(near, k->name, "sq8, codes near their vectors");
	result(right, k->name, "sq8, distances");
}

/* Weights made of a row: as exact as floats of what both rows stand for. */
static void
check_weights_of_row(const VdbKernels *k, VdbQuantBits bits)
{
	bool		right = true;
	char		what[40];

	vdb_kernel = *k;
	for (size_t i = 0; dim_at(i) > 0; i++)
		for (VdbMetric metric = VDB_L2SQ; metric <= VDB_IP; metric++)
		{
			size_t		dim = dim_at(i);
			float	   *vector = allocate(dim * 4),
					   *zero = allocate(dim * 4),
					   *decoded[2];
			void	   *rows[2],
					   *memory = allocate(vdb_quant_weights_size(dim));
			VdbQuantWeights weights;
			const VdbQuantRowFactors *factors[2];
			float		estimate;
			double		dot = 0,
						squares = 0,
						truth;

			memset(zero, 0, dim * 4);
			memset(memory, 0xa5, vdb_quant_weights_size(dim));
			for (int r = 0; r < 2; r++)
			{
				rows[r] = allocate(vdb_quant_row_size(dim, bits));
				decoded[r] = allocate(dim * 4);
				for (size_t e = 0; e < dim; e++)
					vector[e] = (float) random_normal();
				vdb_quant_row_encode(dim, bits, metric, vector, zero, NULL, rows[r]);
				vdb_quant_row_decode(dim, bits, metric, rows[r], decoded[r]);
				factors[r] = vdb_quant_row_factors(dim, bits, rows[r]);
			}
			for (size_t e = 0; e < dim; e++)
			{
				dot += (double) decoded[0][e] * decoded[1][e];
				squares += (double) decoded[0][e] * decoded[0][e] +
					(double) decoded[1][e] * decoded[1][e];
			}
			vdb_quant_weights_of_row(&weights, dim, bits, metric, rows[0], memory);
			vdb_quant_row_many(&weights, bits, metric == VDB_IP ? 0 : factors[0]->add,
							   (const void *const *) &rows[1], 1, &estimate);
			truth = metric == VDB_IP ? factors[1]->add - dot :
				(double) factors[0]->add + factors[1]->add - 2 * dot;
			right = right && close_to(estimate, truth, 1e-5 * squares);
			for (int r = 0; r < 2; r++)
			{
				free(rows[r]);
				free(decoded[r]);
			}
			free(vector);
			free(zero);
			free(memory);
		}
	snprintf(what, sizeof(what), "weights of a row of %d bits", 8 >> bits);
	result(right, k->name, what);
}

/* Product codes: the distances that sums of the lut give. */
static void
check_pq(const VdbKernels *k, size_t ncentroids)
{
	static const size_t ms[] = {1, 3, 4, 7, 16, 33, 64, 65};
	bool		right = true;
	bool		nearest = true;
	char		what[64];

	vdb_kernel = *k;
	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++)
	{
		size_t		dim = ms[i] * 2 + i % 3;
		VdbQuantPq	pq = {dim, ms[i], ncentroids, NULL};
		float	   *codebook = allocate(dim * ncentroids * 4),
				   *lut = allocate(pq.m * ncentroids * 4),
				   *vector = allocate(dim * 4);
		uint8_t    *code = allocate(VDB_BLOCK * pq.m),
				   *block = allocate(vdb_quant_pq4_block_size(&pq));
		const uint8_t *codes[VDB_BLOCK];
		float		estimate[VDB_BLOCK];
		uint32_t	below;
		VdbBlockScan scan = {0};
		void	   *memory = allocate(vdb_quant_pq4_block_size(&pq));

		for (size_t e = 0; e < dim * ncentroids; e++)
			codebook[e] = (float) random_unit();
		pq.codebook = codebook;
		memset(block, 0, vdb_quant_pq4_block_size(&pq));
		for (int lane = 0; lane < VDB_BLOCK; lane++)
		{
			/* the centroids of a code have that code */
			for (size_t piece = 0; piece < pq.m; piece++)
			{
				size_t		centroid = random_bits() % ncentroids;

				for (size_t e = vdb_quant_pq_start(&pq, piece); e < vdb_quant_pq_start(&pq, piece + 1); e++)
					vector[e] = codebook[e * ncentroids + centroid];
				code[lane * pq.m + piece] = (uint8_t) centroid;
			}
			codes[lane] = allocate(pq.m);
			vdb_quant_pq_encode(&pq, vector, (uint8_t *) codes[lane]);
			nearest = nearest && memcmp(codes[lane], code + lane * pq.m, pq.m) == 0;
			if (ncentroids == 16)
				vdb_quant_pq4_put(&pq, codes[lane], block, lane);
		}
		for (size_t e = 0; e < dim; e++)
			vector[e] = (float) random_unit();
		vdb_quant_pq_lut(&pq, i % 2 ? VDB_IP : VDB_L2SQ, vector, lut);
		if (ncentroids == 16)
		{
			vdb_quant_pq4_tables(&pq, lut, &scan, memory);
			vdb_quant_pq4_scan(&scan, 3, block, 0, 1, 4, estimate, &below);
		}
		else
			vdb_quant_pq8_many(&pq, lut, 3, codes, VDB_BLOCK - i % 4, estimate);
		for (int lane = 0; lane < VDB_BLOCK - (int) i % 4; lane++)
		{
			double		truth = 3;

			for (size_t piece = 0; piece < pq.m; piece++)
				truth += lut[piece * ncentroids + codes[lane][piece]];

			/* half a step for each table */
			right = right && close_to(estimate[lane], truth, 1e-5 * (double) dim + scan.step * (double) pq.m * 0.5);
			if (ncentroids == 16)
				right = right && (below >> lane & 1) == (estimate[lane] < 4);
		}
		for (int lane = 0; lane < VDB_BLOCK; lane++)
			free((uint8_t *) codes[lane]);
		free(codebook);
		free(lut);
		free(vector);
		free(code);
		free(block);
		free(memory);
	}
	snprintf(what, sizeof(what), "pq, %zu centroids", ncentroids);
	result(right && nearest, k->name, what);
}

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

	for (int set = 0; set < nsets; set++)
	{
		check_scan(&sets[set]);
		check_dot(&sets[set], VDB_CODE8, 8);
		check_dot(&sets[set], VDB_CODE4, 4);
		check_dot(&sets[set], VDB_CODE2, 2);
		check_dot(&sets[set], VDB_CODE1, 1);
		check_encode(&sets[set]);
		check_rotation(&sets[set]);
		check_lanes(&sets[set]);
		check_bits(&sets[set]);
		check_extremes(&sets[set]);
		check_sq8(&sets[set]);
		check_weights_of_row(&sets[set], VDB_QUANT_8BITS);
		check_weights_of_row(&sets[set], VDB_QUANT_4BITS);
		check_weights_of_row(&sets[set], VDB_QUANT_2BITS);
		check_weights_of_row(&sets[set], VDB_QUANT_1BIT);
		check_pq(&sets[set], 16);
		check_pq(&sets[set], 256);
	}
	check_errors(&sets[nsets - 1], 102);
	check_errors(&sets[nsets - 1], 128);
	check_errors(&sets[nsets - 1], 255);
	if (MAX_DIM >= 1000)
		check_errors(&sets[nsets - 1], 768);
	for (int metric = VDB_L2SQ; metric <= VDB_IP; metric++)
	{
		check_bounds(&sets[nsets - 1], 64, metric, false);
		check_bounds(&sets[nsets - 1], 128, metric, false);
		check_bounds(&sets[nsets - 1], 255, metric, true);
		check_product(&sets[nsets - 1], 128, metric, false);
		check_product(&sets[nsets - 1], 255, metric, true);
		if (MAX_DIM >= 1000)
			check_bounds(&sets[nsets - 1], 768, metric, true);
	}
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
