/*
 * query.c
 *	  A vector that distances are computed to: estimates of rows, and bounds
 *	  that cannot fail, but for rows of few bits.
 *
 * A row whose distance in the table is below its bound comes out too late.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "am/common/space.h"

/* Relative error of sums of floats, with room to spare. */
#define ROUNDING 4e-6

/* ---- the query ---- */

void
vdb_am_query_create(VdbAmQuery *query, const VdbAmSpace *space)
{
	memset(query, 0, sizeof(*query));
	query->space = space;
	query->elements = palloc(vdb_am_bytes(space->kind, space->dim));
	query->floats = palloc(space->dim * sizeof(float));
	query->rotated = palloc(space->dim * sizeof(float));
	if (space->kind->sparse)
	{
		query->sparse_index = palloc(2 * space->dim * sizeof(int32));
		query->sparse_value = palloc(2 * space->dim * sizeof(float));
	}
	query->weights_memory = palloc(vdb_quant_weights_size(space->dim));
}

void
vdb_am_query_elements(VdbAmQuery *query, const void *elements)
{
	const VdbAmSpace *space = query->space;

	memcpy(query->elements, elements, vdb_am_bytes(space->kind, space->dim));
	if (space->kind->sparse)
		vdb_am_to_sparse(query->elements, space->dim, query->sparse_index,
						 query->sparse_value, &query->sparse);
}

void
vdb_am_query_take(VdbAmQuery *query, Datum datum)
{
	const VdbAmSpace *space = query->space;
	VdbAmVector vector;

	vdb_am_vector(space->kind, datum, &vector);
	vdb_am_check_dim(space->kind, space->dim, vector.dim);
	vdb_am_query_elements(query, vector.elements);
	vdb_am_vector_free(&vector);
}

bool
vdb_am_query_place(VdbAmQuery *query)
{
	return vdb_am_rotate(query->space, query->elements, query->floats, query->rotated);
}

void
vdb_am_query_place_floats(VdbAmQuery *query)
{
	if (query->space->rows == VDB_AM_ROWS_SQ8)
		vdb_quant_unrotate(&query->space->rotation, query->rotated, query->floats);
}

/* How far from the middle of their grid the codes of rabitq rows are, at most. */
static inline double
reach(const VdbAmSpace *space)
{
	static const double reaches[] = {
		[VDB_QUANT_8BITS] = 127.5,
		[VDB_QUANT_4BITS] = 7.5,
		[VDB_QUANT_2BITS] = 1.5,
		[VDB_QUANT_1BIT] = 0.5,
	};

	return reaches[space->bits];
}

/* What codes are compared with. */
static inline const float *
coded(const VdbAmQuery *query)
{
	return query->space->rows == VDB_AM_ROWS_SQ8 ? query->floats : query->rotated;
}

static void
make_weights(VdbAmQuery *query)
{
	uint32		dim = query->space->dim;

	vdb_quant_weights_init(&query->weights, dim, coded(query), query->weights_memory);
	query->most = sqrt(Max(dim - 1.0, 1));
	/* a query too small for a step counts as zero */
	query->rounded = reach(query->space) * (query->weights.step > 0 ?
											0.502 * query->weights.step * dim :
											sqrt(dim) * query->length);
}

void
vdb_am_query_aim(VdbAmQuery *query)
{
	if (vdb_am_is_plain(query->space))
		return;
	query->length = vdb_dist_norm(VDB_F32, coded(query), query->space->dim);
	make_weights(query);
}

/*
 * What a rabitq row stands for is longer than the vector, by an error at a right
 * angle to it; that one's length is known, and with it estimates have no bias.
 */
static bool
aim_at_codes(VdbAmQuery *query, const void *row)
{
	const VdbAmSpace *space = query->space;
	float		add = vdb_quant_row_factors(space->dim, space->bits, row)->add;

	/* far, or of a damaged row */
	if (!(add > VDB_AM_NO_BOUND && add <= 4 * VDB_AM_FAR * VDB_AM_FAR))
		return false;
	query->length = space->coded_metric == VDB_IP ? 0 : sqrt(Max(add, 0));
	vdb_quant_weights_of_row(&query->weights, space->dim, space->bits, space->coded_metric, row,
							 query->weights_memory);
	return true;
}

bool
vdb_am_query_row(VdbAmQuery *query, const void *row)
{
	const VdbAmSpace *space = query->space;

	switch (space->rows)
	{
		case VDB_AM_ROWS_PLAIN:
			vdb_am_query_elements(query, row);
			return true;
		case VDB_AM_ROWS_SQ8:
			if (!(vdb_quant_sq8_factors(space->dim, row)->add > VDB_AM_NO_BOUND))
				return false;
			/* As it is, without rotating it twice. */
			vdb_quant_sq8_decode(space->dim, space->coded_metric, row, query->floats);
			query->length = vdb_dist_norm(VDB_F32, query->floats, space->dim);
			/* Of a damaged row: no numbers. */
			if (!(query->length <= 2 * VDB_AM_FAR))
				return false;
			make_weights(query);
			return true;
		default:
			return aim_at_codes(query, row);
	}
}

/* ---- estimates ---- */

float
vdb_am_query_base(const VdbAmQuery *query)
{
	return query->space->coded_metric == VDB_IP ? 0 : query->length * query->length;
}

/*
 * What the operator for sparse vectors rounds by, at most.  Its sums are longer
 * than those of the others: each element of either vector is added to one of
 * four floats or more, which rounds by half an epsilon of the sum of magnitudes.
 */
static inline double
sparse_rounding(const VdbAmSpace *space)
{
	return (space->dim / 2 + 16) * (double) FLT_EPSILON;
}

/*
 * Distances of sparse vectors, as the operator adds them up: what dense kernels
 * say may be more than that.  Rounded down.
 */
static void
sparse_distances(VdbAmQuery *query, const void *const *rows, uint32 n, float *out)
{
	const VdbAmSpace *space = query->space;

	for (uint32 i = 0; i < n; i++)
	{
		VdbSparse	row;
		double		d;

		vdb_am_to_sparse(rows[i], space->dim, query->sparse_index + space->dim,
						 query->sparse_value + space->dim, &row);
		/* the row first, as in the operator: its sum depends on it */
		d = vdb_dist_sparse(space->kind->metric, &row, &query->sparse);
		out[i] = d;
		if (out[i] > d)
			out[i] = nextafterf(out[i], -INFINITY);
	}
}

/* Distances to plain rows. */
static void
plain_distances(VdbAmQuery *query, const void *const *rows, uint32 n, float *out)
{
	const VdbAmKind *kind = query->space->kind;

	if (kind->sparse)
	{
		sparse_distances(query, rows, n, out);
		return;
	}
	vdb_kernel.many[kind->elem][kind->metric] (query->elements, rows, n, query->space->dim, out);
	if (kind->elem != VDB_F32)
		return;
	/* Beyond float's range: PostgreSQL finds its place. */
	for (uint32 i = 0; i < n; i++)
		if (!vdb_dist_trusted(kind->metric, out[i]))
			out[i] = -INFINITY;
}

void
vdb_am_query_many(VdbAmQuery *query, float base, const void *const *rows, uint32 n,
				  float *estimate)
{
	const VdbAmSpace *space = query->space;

	switch (space->rows)
	{
		case VDB_AM_ROWS_PLAIN:
			plain_distances(query, rows, n, estimate);
			return;
		case VDB_AM_ROWS_SQ8:
			vdb_quant_sq8_many(&query->weights, vdb_am_query_base(query), rows, n, estimate);
			break;
		default:
			vdb_quant_row_many(&query->weights, space->bits, base, rows, n, estimate);
	}
	for (uint32 i = 0; i < n; i++)
		if (!(estimate[i] > VDB_AM_NO_BOUND && estimate[i] <= FLT_MAX))
			estimate[i] = -INFINITY;
}

/* The operator's distance from that of the codes. */
static double
from_coded(const VdbAmSpace *space, double d)
{
	d /= (double) space->scale * space->scale;
	switch (space->kind->metric)
	{
		case VDB_L2SQ:
			return sqrt(Max(d, 0));
		case VDB_COSINE:
			/* Vectors of length 1: 1 - <a, b> = |a - b|^2 / 2. */
			return Max(d, 0) / 2;
		default:
			return d;
	}
}

double
vdb_am_operator_distance(const VdbAmSpace *space, float estimate)
{
	/* what follows -INFINITY, too, of which there is no root */
	if (isinf(estimate) || estimate == -FLT_MAX)
		return estimate;
	return vdb_am_is_plain(space) ? vdb_am_from_metric(space->kind, estimate) :
		from_coded(space, estimate);
}

/* ---- bounds ---- */

/*
 * Bounds that cannot fail, from rows of sq8.  What such a row stands for, s, is
 * off by e, of which the length is known: |q - o| >= |q - s| - |e|, and
 * <q, o> <= <q, s> + |q||e|.  Roundings: see coded_bound(); they are less than
 * so much for each unit of the row's factors.
 */
static void
sq8_bounds(VdbAmQuery *query, const void *const *rows, uint32 n, float *out)
{
	const VdbAmSpace *space = query->space;
	VdbMetric	metric = space->kind->metric;
	bool		ip = metric == VDB_IP;
	double		unit = (double) space->scale * space->scale;	/* 1, of the codes */
	double		length = query->length;
	double		root = sqrt(space->dim);
	float		base = vdb_am_query_base(query);
	const VdbQuantSq8Factors one_scale = {.scale = 1},
				one_middle = {.middle = 1};
	float		error_scale = vdb_am_sq8_error(space, &one_scale);
	float		error_middle = vdb_am_sq8_error(space, &one_middle);
	double		of_element = query->weights.step > 0 ? 0.502 * query->weights.step * space->dim :
		length * root;			/* it counts as zero */
	double		of_middle = 2 * ROUNDING * fabs(query->weights.step * query->weights.sum);
	double		of_estimate = ROUNDING;
	double		least = FLT_MIN + 2 * ROUNDING * base +
		(ip ? unit * FLT_MIN * space->dim : metric == VDB_COSINE ? unit * 2 * ROUNDING : 0);
	float		slack_scale,
				slack_middle,
				slack_estimate,
				slack;

	if (ip)
		of_element += ROUNDING * length * root;
	if (space->kind->sparse)
	{
		if (ip)
			of_element += sparse_rounding(space) * length * root;
		else if (metric == VDB_COSINE)
			least += 8 * sparse_rounding(space) * unit;
		else
			of_estimate += sparse_rounding(space);
	}
	slack_scale = 127.5 * of_element;
	slack_middle = of_element + of_middle;
	slack_estimate = of_estimate;
	slack = least;

	vdb_quant_sq8_many(&query->weights, base, rows, n, out);
	for (uint32 i = 0; i < n; i++)
	{
		const VdbQuantSq8Factors *f = vdb_quant_sq8_factors(space->dim, rows[i]);
		float		scale = fabsf(f->scale);
		float		middle = fabsf(f->middle);
		float		error = error_scale * scale + error_middle * middle;
		float		lower = out[i] - slack - slack_scale * scale - slack_middle * middle -
			slack_estimate * (fabsf(out[i]) + 2 * fabsf(f->add));

		if (!(out[i] > VDB_AM_NO_BOUND))
			out[i] = -INFINITY;
		else if (ip)
			out[i] = lower - (float) length * error;
		else
		{
			lower = sqrtf(Max(lower, 0)) - error;
			out[i] = Max(lower, 0) * Max(lower, 0);
		}
	}
}

/*
 * Bounds that cannot fail, from plain rows: the operator may add in another
 * order than the kernel for many rows.
 */
static void
plain_bounds(VdbAmQuery *query, const void *const *rows, uint32 n, float *out)
{
	const VdbAmKind *kind = query->space->kind;
	uint32		dim = query->space->dim;
	double		length;

	plain_distances(query, rows, n, out);
	if (kind->sparse)
		return;					/* rounded down */
	length = kind->metric == VDB_IP ? vdb_dist_norm(kind->elem, query->elements, dim) : 0;
	for (uint32 i = 0; i < n; i++)
	{
		double		unit = kind->metric == VDB_COSINE ? 2 : fabsf(out[i]);

		if (kind->metric == VDB_IP)
			unit = length * vdb_dist_norm(kind->elem, rows[i], dim) + FLT_MIN * dim;
		if (isinf(out[i]))
			continue;
		out[i] -= ROUNDING * unit + FLT_MIN;
		if (kind->metric != VDB_IP)
			out[i] = Max(out[i], 0);
	}
}

void
vdb_am_query_bounds(VdbAmQuery *query, const void *const *rows, uint32 n, float *lower)
{
	Assert(query->space->rows != VDB_AM_ROWS_RABITQ);
	if (query->space->rows == VDB_AM_ROWS_SQ8)
		sq8_bounds(query, rows, n, lower);
	else
		plain_bounds(query, rows, n, lower);
}

/*
 * By how much the operator for sparse vectors may be below their distance, on
 * the scale of the codes.
 */
static double
sparse_slack(const VdbAmQuery *query, float gap, float estimate, float rescale)
{
	const VdbAmSpace *space = query->space;
	double		rounding = sparse_rounding(space);
	double		residual = reach(space) * sqrt(space->dim) * fabs(rescale); /* at most */

	if (space->kind->metric == VDB_L2SQ)
		return rounding * fabs(estimate);
	if (space->kind->metric == VDB_COSINE)
		return 8 * rounding * space->scale * space->scale;
	/* Query, centre (at most query and gap) and residual, each by each. */
	return rounding * (query->length + residual) * (query->length + gap);
}

/*
 * A lower bound of the distance to the vector of a rabitq row.
 *
 * The vector is o, and its code stands for s.  Of e = s - o is known its
 * length d, that it is orthogonal to o minus the centre, and, as the rotation
 * is random, that it is a random direction besides.  So what the estimate is
 * off by, twice the product of e and q - o for L2 and that of e and q minus
 * the centre for inner products, is at most W d times the length of the other
 * factor: W is 1, by Cauchy-Schwarz, or space->sure standard deviations of such a
 * product, where that is less.  For L2, with x = |q - o|:
 *
 *		x^2 >= estimate - 2 W d x,	and hence	x >= sqrt(estimate) - W d
 *
 * A code made not of the vector but of what an older code stands for has d, the
 * sum of the lengths of both errors, e and f, in its place.  Then for inner
 * products f meets q itself; and for L2, x^2 is less by |f|^2, too:
 *
 *		x >= sqrt(estimate - d^2) - W d
 *
 * holds for both kinds of rows (and, by induction, for codes of codes of
 * codes): see the README.md of am/ivf.  The difference is very little.
 *
 * With few bits d^2 is a large part of the distance, and a bound that cannot fail says
 * little.  Where bounds may fail (vdb_am_is_sure() of the space), estimates are without
 * such an |f|^2 (space.c), and x >= sqrt(estimate + W^2 d^2) - W d solves the square.
 *
 * To that come roundings.  The query was rounded to integers, by half a step,
 * which counts for each dimension as much as the code there, 127.5 at most of
 * 8 bits; that is more than the rounding of floats in the query and the vector.  What
 * is left is the rounding of the terms here, and that of the operator, whose
 * sums are of floats, too: PostgreSQL takes a distance below its bound for an
 * error.
 */
static double
coded_bound(VdbAmQuery *query, float base, float gap, const void *row)
{
	const VdbAmSpace *space = query->space;
	VdbMetric	metric = space->kind->metric;
	const VdbQuantRowFactors *factors = vdb_quant_row_factors(space->dim, space->bits, row);
	double		deviation = factors->error * (1 + ROUNDING);
	double		length = deviation * query->most;
	double		width = deviation * Min(query->most, space->sure);
	float		estimate;
	double		slack,
				lower;

	vdb_quant_row_many(&query->weights, space->bits, base, &row, 1, &estimate);
	if (!(estimate > VDB_AM_NO_BOUND))
		return -INFINITY;
	slack = ROUNDING * (fabs(base) + fabs(factors->add) +
						fabs((double) estimate - base - factors->add));
	slack += query->rounded * fabs(factors->rescale) + FLT_MIN;
	if (space->kind->sparse)
		slack += sparse_slack(query, gap, estimate, factors->rescale);

	if (metric == VDB_IP)
	{
		double		residual = reach(space) * sqrt(space->dim) * fabs(factors->rescale);

		/* lengths of query, residual and centre: what rounding is relative to */
		slack += ROUNDING * (query->length + residual) * (query->length + gap);
		lower = estimate - width * Max(gap, query->length) - slack;
		/* The operator loses products below float's range. */
		return from_coded(space, lower) - (double) FLT_MIN * space->dim;
	}
	/* The error has the factor 2. */
	length /= 2;
	width /= 2;
	if (metric == VDB_COSINE)
		slack += 2 * ROUNDING * space->scale * space->scale;
	if (vdb_am_is_sure(space))
		lower = sqrt(Max(estimate - length * length - slack, 0)) - width;
	else
		lower = sqrt(Max(estimate + width * width - slack, 0)) - width;
	lower = Max(lower, 0) / space->scale;
	return metric == VDB_COSINE ? lower * lower / 2 : lower;
}

double
vdb_am_query_bound(VdbAmQuery *query, float base, float gap, const void *row)
{
	float		lower;

	if (query->space->rows == VDB_AM_ROWS_RABITQ)
		return coded_bound(query, base, gap, row);
	vdb_am_query_bounds(query, &row, 1, &lower);
	return vdb_am_operator_distance(query->space, lower);
}
