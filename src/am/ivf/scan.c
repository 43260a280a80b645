/*
 * scan.c
 *	  Rows in order of distance, for as long as somebody asks for more.
 *
 * Lists are looked at from the nearest on.  Of each, the codes give a lower
 * bound for every entry; those with the lowest are kept as candidates, and
 * refined by their 8, 4 or 2 bits per dimension; and those come out whose place no
 * other entry can take.  How many rows will be asked for is not known: when
 * the candidates are used up, the same lists are looked at again for more of
 * them, and then further lists follow.  At the end come the rows that no
 * distance can order: zero vectors under cosine (NaN sorts after all numbers),
 * then NULLs.
 *
 * What PostgreSQL gets with a row of 8 bits is a lower bound that cannot fail;
 * it computes the distance itself and puts rows in order by that.
 *
 * A candidate is noted with its row id, and its 8 bits are read later without
 * a lock.  If the lane has been emptied and filled anew meanwhile, what is
 * read is another vector's; but then vacuum has found the row dead for every
 * snapshot, and PostgreSQL will drop it.
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "am/common/options.h"
#include "am/ivf/ivf.h"
#include "heap/heap.h"
#include "scan/select.h"

/*
 * How wide the bounds from a bit per dimension are, in standard deviations.
 * At 1.9, the value of the RaBitQ paper, one neighbour in 500 of sift128 is
 * never found; wider bounds refine more candidates.
 */
#define EPSILON 2.2f

/* Relative error of sums of floats, with room to spare. */
#define ROUNDING 4e-6

/*
 * So many standard deviations are never exceeded: the probability is below
 * 2 exp(-SURE^2 / 2) = 4e-22.
 */
#define SURE 10

/*
 * Candidates kept at first, and how many times more each time that they are
 * used up.  The first search for ten rows needs some 60 of 768 dimensions, and
 * 170 of 128, whose bounds are wider.
 */
#define FIRST_KEEP 192
#define FIRST_KEEP_WIDE 128		/* from WIDE dimensions on */
#define WIDE 256
#define MORE_KEEP 8

/* They are thinned out to so many when there are this many times more. */
#define SPARE 3

/* Candidates refined at a time. */
#define BATCH 32

/* Look at so many entries for every row returned. */
#define ENTRIES_PER_ROW 16

typedef enum Stage
{
	STAGE_LISTS,				/* in order of distance */
	STAGE_ANY,					/* all rows, when no distance can order them */
	STAGE_FAR,					/* all rows, for PostgreSQL to order */
	STAGE_ZEROS,				/* zero vectors */
	STAGE_NULLS,				/* rows without a vector */
	STAGE_DONE
} Stage;

/* A list looked at. */
typedef struct Visited
{
	VdbIvfNear	near;
	float		taken;			/* entries with a lower bound are refined */
	uint32		loose;			/* its first of VdbIvfScan.loose */
	uint32		nloose;
} Visited;

/* Lanes of a lead page that were loose when it was looked at first. */
typedef struct Loose
{
	BlockNumber lead;
	uint32		lanes[VDB_IVF_MAX_BLOCKS];
} Loose;

/* An entry that may be near. */
typedef struct Candidate
{
	float		lower;			/* bound of its distance, metric of the codes */
	uint32		list;			/* of the lists looked at */
	ItemPointerData tid;
	uint16		lane;
	BlockNumber row;			/* the page of its vector, if that is on one */
	BlockNumber lead;			/* its lead page */
} Candidate;

struct VdbIvfScan
{
	MemoryContext context;		/* of all this */
	Oid			index;
	RelFileNumber file;			/* REINDEX makes another */
	const VdbIvf *ivf;
	VdbIvfState state;			/* when the search began */
	Stage		stage;
	bool		null_query;
	bool		standby;

	/* the query */
	void	   *elements;
	float	   *floats;
	float	   *rotated;
	double		length;			/* of rotated */
	float	   *zeros;			/* where there is no centre */
	int32	   *sparse_index;	/* of sparse kinds: the query's, then a row's */
	float	   *sparse_value;
	VdbSparse	sparse;			/* the query */
	VdbQuantTables tables;		/* for the directory */
	void	   *tables_memory;
	VdbQuantTables codes;		/* for lists: the same but for product codes */
	void	   *codes_memory;
	float	   *lut;
	VdbQuantWeights weights;
	void	   *weights_memory;
	double		most;			/* deviations that an error can have */
	double		rounded;		/* by rounding the query, times rescale */

	/* lists looked at */
	VdbIvfRoute *route;
	Visited    *lists;
	uint32		nlists;
	uint32		list_room;
	uint32		probes;			/* to look at before the first row */
	uint32		max_probes;
	bool		more_lists;

	uint64		entries;		/* lanes looked at */
	Loose	   *loose;
	uint32		nloose;
	uint32		loose_room;

	/*
	 * Candidates: entries of the lists looked at that are not taken, and whose
	 * bound is below limit.  Those before next are refined, and all whose
	 * bound is below refined.
	 */
	Candidate  *candidates;
	uint32		ncandidates;
	uint32		candidate_room;
	uint32		keep;
	uint32		next;
	float		refined;
	float		limit;
	float	   *numbers;		/* to select from */
	uint32	   *which;			/* candidates, to move */
	double		bound;			/* operator's distance of what is not refined */

	VdbScanQueue queue;
	uint64		returned;

	/* row ids without order */
	BlockNumber next_block;
	VdbPageChain chain;
	ItemPointerData *tids;
	uint32		ntids;
	uint32		next_tid;

	void	   *copy;			/* a row that is on several pages */
};

/* ---- candidates ---- */

/* The operator's distance from that of the codes. */
static double
from_coded(const VdbIvf *ivf, double d)
{
	d /= (double) ivf->meta.scale * ivf->meta.scale;
	switch (ivf->meta.metric)
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

/* The operator's distance that goes with a candidate's bound. */
static double
operator_distance(VdbIvfScan *so, float lower)
{
	/* what follows -INFINITY, too, of which there is no root */
	if (isinf(lower) || lower == -FLT_MAX)
		return lower;
	return vdb_ivf_is_plain(so->ivf) ? vdb_am_from_metric(so->ivf->kind, lower) :
		from_coded(so->ivf, lower);
}

/* Keeps those with the lowest bounds. */
static void
drop_candidates(VdbIvfScan *so)
{
	Candidate  *c = so->candidates;
	uint32		n = so->next;

	for (uint32 i = so->next; i < so->ncandidates; i++)
		so->numbers[i - so->next] = c[i].lower;
	if (!vdb_scan_cut(so->numbers, so->ncandidates - so->next, so->keep, &so->limit))
		so->limit = vdb_scan_nth(so->numbers, so->ncandidates - so->next, so->keep);
	/* Without a branch: nobody could guess it. */
	for (uint32 i = so->next; i < so->ncandidates; i++)
	{
		bool		stays = c[i].lower < so->limit;

		c[n] = c[i];
		n += stays;
	}
	so->ncandidates = n;
}

/* Notes an entry of a lead page that is locked. */
static inline void
add_candidate(VdbIvfScan *so, uint32 list, VdbIvfLead *lead, BlockNumber block, uint32 lane,
			  float lower)
{
	const VdbIvfShape *shape = &so->ivf->list;
	ItemPointer tid = vdb_ivf_tid(shape, lead, lane);
	Candidate  *c;

	if (!ItemPointerIsValid(tid) || lower < so->lists[list].taken)
		return;
	if (so->ncandidates == so->candidate_room)
	{
		so->candidate_room *= 2;
		so->candidates = repalloc_huge(so->candidates,
									   so->candidate_room * sizeof(Candidate));
		so->numbers = repalloc_huge(so->numbers, so->candidate_room * sizeof(float));
		so->which = repalloc_huge(so->which, so->candidate_room * sizeof(uint32));
	}
	c = &so->candidates[so->ncandidates++];
	c->lower = lower;
	c->list = list;
	c->tid = *tid;
	c->lane = lane;
	c->row = shape->rows_per_page > 0 ? lead->rows[lane / shape->rows_per_page] :
		InvalidBlockNumber;
	c->lead = block;
	if (so->ncandidates - so->next >= SPARE * so->keep)
		drop_candidates(so);
}

/*
 * Entries whose codes are not in blocks yet: their rows serve as well.
 */
static void
scan_loose(VdbIvfScan *so, Relation index, uint32 list, VdbIvfLead *lead, BlockNumber block,
		   const uint32 *loose)
{
	const VdbIvf *ivf = so->ivf;
	const VdbIvfShape *shape = &ivf->list;
	const VdbIvfNear *near = &so->lists[list].near;
	Buffer		buffer = InvalidBuffer;

	for (uint32 i = 0; i < shape->nblocks; i++)
		for (uint32 bits = loose[i]; bits != 0; bits &= bits - 1)
		{
			uint32		lane = i * VDB_BLOCK + pg_rightmost_one_pos32(bits);
			const void *row = vdb_ivf_row(shape, index, lead, lane, &buffer, so->copy);
			float		lower;

			vdb_quant_row_many(&so->weights, vdb_ivf_bits(ivf), near->base, &row, 1, &lower);
			lower -= EPSILON * near->gap *
				vdb_quant_row_factors(ivf->dim, vdb_ivf_bits(ivf), row)->error;
			if (lower < so->limit)
				add_candidate(so, list, lead, block, lane, lower);
		}
	if (BufferIsValid(buffer))
		vdb_page_unpin(buffer);
}

/* Remembers which lanes of a page are loose. */
static void
note_loose(VdbIvfScan *so, uint32 list, VdbIvfLead *lead, BlockNumber block)
{
	if (so->nloose == so->loose_room)
	{
		so->loose_room *= 2;
		so->loose = repalloc_huge(so->loose, so->loose_room * sizeof(Loose));
	}
	so->loose[so->nloose].lead = block;
	memcpy(so->loose[so->nloose++].lanes, lead->loose, sizeof(lead->loose));
	so->lists[list].nloose++;
}

/*
 * Entries of a lead page of codes.  Whether one has been taken, its bound says:
 * so that has to be the same each time.  What was loose is looked at as if it
 * still were, though an insert may have put it into a block; *noted counts the
 * list's pages with such lanes.
 */
static void
scan_coded(VdbIvfScan *so, Relation index, uint32 list, bool again, VdbIvfLead *lead,
		   BlockNumber block, uint32 *noted)
{
	const Visited *visited = &so->lists[list];
	const VdbIvfShape *shape = &so->ivf->list;
	float		estimate[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
	float		lower[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
	uint32		below[VDB_IVF_MAX_BLOCKS];
	uint32		loose[VDB_IVF_MAX_BLOCKS];
	uint32		any = 0;

	memcpy(loose, lead->loose, sizeof(loose));
	if (again && *noted < visited->nloose && so->loose[visited->loose + *noted].lead == block)
	{
		for (uint32 i = 0; i < shape->nblocks; i++)
			loose[i] |= so->loose[visited->loose + *noted].lanes[i];
		(*noted)++;
	}
	for (uint32 i = 0; i < shape->nblocks; i++)
		any |= loose[i];
	if (!again && any != 0)
		note_loose(so, list, lead, block);

	vdb_quant_block_scan(&so->codes, (VdbQuantBlock *) vdb_ivf_block(shape, lead, 0),
						 shape->stride, shape->nblocks, so->limit, estimate, lower, below);
	for (uint32 i = 0; i < shape->nblocks; i++)
		for (uint32 bits = below[i] & ~loose[i]; bits != 0; bits &= bits - 1)
		{
			uint32		lane = i * VDB_BLOCK + pg_rightmost_one_pos32(bits);

			if (lower[lane] < so->limit)
				add_candidate(so, list, lead, block, lane, lower[lane]);
		}
	if (any != 0)
		scan_loose(so, index, list, lead, block, loose);
}

/*
 * What the operator for sparse vectors rounds by, at most.  Its sums are longer
 * than those of the others: each element of either vector is added to one of
 * four floats or more, which rounds by half an epsilon of the sum of magnitudes.
 */
static inline double
sparse_rounding(const VdbIvf *ivf)
{
	return (ivf->dim / 2 + 16) * (double) FLT_EPSILON;
}

/*
 * Distances of sparse vectors, as the operator adds them up: what dense kernels
 * say may be more than that.  Rounded down.
 */
static void
sparse_distances(VdbIvfScan *so, const void *const *rows, uint32 n, float *out)
{
	const VdbIvf *ivf = so->ivf;

	for (uint32 i = 0; i < n; i++)
	{
		VdbSparse	row;
		double		d;

		vdb_am_to_sparse(rows[i], ivf->dim, so->sparse_index + ivf->dim,
						 so->sparse_value + ivf->dim, &row);
		/* the row first, as in the operator: its sum depends on it */
		d = vdb_dist_sparse(ivf->kind->metric, &row, &so->sparse);
		out[i] = d;
		if (out[i] > d)
			out[i] = nextafterf(out[i], -INFINITY);
	}
}

/*
 * Bounds that cannot fail, from rows of sq8.  What such a row stands for, s, is
 * off by e, of which the length is known: |q - o| >= |q - s| - |e|, and
 * <q, o> <= <q, s> + |q||e|.  Roundings: see refined_bound(); they are less than
 * so much for each unit of the row's factors.
 */
static void
sq8_bounds(VdbIvfScan *so, const void *const *rows, uint32 n, float *out)
{
	const VdbIvf *ivf = so->ivf;
	bool		ip = ivf->meta.metric == VDB_IP;
	double		unit = (double) ivf->meta.scale * ivf->meta.scale;	/* 1, of the codes */
	double		length = so->length;
	double		root = sqrt(ivf->dim);
	float		base = ip ? 0 : length * length;
	const VdbQuantSq8Factors one_scale = {.scale = 1},
				one_middle = {.middle = 1};
	float		error_scale = vdb_ivf_sq8_error(ivf, &one_scale);
	float		error_middle = vdb_ivf_sq8_error(ivf, &one_middle);
	double		of_element = so->weights.step > 0 ? 0.502 * so->weights.step * ivf->dim :
		length * root;			/* it counts as zero */
	double		of_middle = 2 * ROUNDING * fabs(so->weights.step * so->weights.sum);
	double		of_estimate = ROUNDING;
	double		least = FLT_MIN + 2 * ROUNDING * base +
		(ip ? unit * FLT_MIN * ivf->dim : ivf->meta.metric == VDB_COSINE ? unit * 2 * ROUNDING : 0);
	float		slack_scale,
				slack_middle,
				slack_estimate,
				slack;

	if (ip)
		of_element += ROUNDING * length * root;
	if (ivf->kind->sparse)
	{
		if (ip)
			of_element += sparse_rounding(ivf) * length * root;
		else if (ivf->meta.metric == VDB_COSINE)
			least += 8 * sparse_rounding(ivf) * unit;
		else
			of_estimate += sparse_rounding(ivf);
	}
	slack_scale = 127.5 * of_element;
	slack_middle = of_element + of_middle;
	slack_estimate = of_estimate;
	slack = least;

	vdb_quant_sq8_many(&so->weights, base, rows, n, out);
	for (uint32 i = 0; i < n; i++)
	{
		const VdbQuantSq8Factors *f = vdb_quant_sq8_factors(ivf->dim, rows[i]);
		float		scale = fabsf(f->scale);
		float		middle = fabsf(f->middle);
		float		error = error_scale * scale + error_middle * middle;
		float		lower = out[i] - slack - slack_scale * scale - slack_middle * middle -
			slack_estimate * (fabsf(out[i]) + 2 * fabsf(f->add));

		if (!(out[i] > VDB_IVF_NO_BOUND))
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
 * Entries of a lead page of plain vectors: their bounds are their distances, or
 * for sparse ones almost; or of rows of sq8.
 */
static void
scan_plain(VdbIvfScan *so, Relation index, uint32 list, VdbIvfLead *lead, BlockNumber block)
{
	const VdbIvf *ivf = so->ivf;
	const VdbIvfShape *shape = &ivf->list;
	VdbDistMany many = vdb_kernel.many[ivf->kind->elem][ivf->kind->metric];
	Buffer		buffer = InvalidBuffer;
	uint32		step = Max(shape->rows_per_page, 1);

	for (uint32 first = 0; first < shape->lanes; first += step)
	{
		const void *rows[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
		float		d[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
		uint32		lanes[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
		uint32		n = 0;

		for (uint32 lane = first; lane < Min(first + step, shape->lanes); lane++)
			if (ItemPointerIsValid(vdb_ivf_tid(shape, lead, lane)))
			{
				lanes[n] = lane;
				rows[n++] = vdb_ivf_row(shape, index, lead, lane, &buffer, so->copy);
			}
		if (ivf->meta.coding == VDB_IVF_SQ8)
			sq8_bounds(so, rows, n, d);
		else if (ivf->kind->sparse)
			sparse_distances(so, rows, n, d);
		else
			many(so->elements, rows, n, ivf->dim, d);
		for (uint32 i = 0; i < n; i++)
		{
			/* Beyond float's range: PostgreSQL finds its place. */
			if (vdb_ivf_is_plain(ivf) && ivf->kind->elem == VDB_F32 && !ivf->kind->sparse &&
				!vdb_dist_trusted(ivf->kind->metric, d[i]))
				d[i] = -INFINITY;
			if (d[i] < so->limit)
				add_candidate(so, list, lead, block, lanes[i], d[i]);
		}
	}
	if (BufferIsValid(buffer))
		vdb_page_unpin(buffer);
}

/* Looks at the entries of a list, for the first time or again. */
static void
scan_list(VdbIvfScan *so, Relation index, uint32 list, bool again)
{
	const VdbIvfShape *shape = &so->ivf->list;
	const VdbIvfNear *near = &so->lists[list].near;
	uint32		noted = 0;
	VdbPageChain chain = {0};

	if (!again)
	{
		so->lists[list].loose = so->nloose;
		so->lists[list].nloose = 0;
	}
	vdb_quant_tables_aim(&so->codes, near->base, near->gap, EPSILON);
	for (BlockNumber block = near->head; block != InvalidBlockNumber;)
	{
		Buffer		buffer;
		VdbIvfLead *lead;
		BlockNumber next;

		vdb_page_follow(&chain, index, block);
		buffer = vdb_ivf_read_lead(index, block, near->number);
		lead = vdb_ivf_lead(BufferGetPage(buffer));
		next = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_prefetch(index, next, shape->blocks_at, 256);
		if (shape->coded)
			scan_coded(so, index, list, again, lead, block, &noted);
		else
			scan_plain(so, index, list, lead, block);
		vdb_page_release(buffer);
		block = next;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Looks at so many lists more, or as many as there are. */
static void
visit_lists(VdbIvfScan *so, Relation index, uint32 count)
{
	uint32		first = so->nlists;

	count = Min(count, so->max_probes - so->nlists);
	vdb_ivf_route_expect(so->route, count);
	while (so->nlists < first + count)
	{
		if (so->nlists == so->list_room)
		{
			so->list_room *= 2;
			so->lists = repalloc_huge(so->lists, so->list_room * sizeof(Visited));
		}
		if (!vdb_ivf_route_next(so->route, &so->lists[so->nlists].near))
			break;
		so->lists[so->nlists++].taken = -INFINITY;
	}
	so->more_lists = so->nlists == first + count && so->nlists < so->max_probes;
	/* What is new may lie below what is refined, and have others dropped. */
	for (uint32 i = 0; i < first; i++)
		so->lists[i].taken = Max(so->lists[i].taken, so->refined);
	so->refined = -INFINITY;
	for (uint32 i = first; i < so->nlists; i++)
	{
		if (i + 1 < so->nlists)
			vdb_page_prefetch(index, so->lists[i + 1].near.head, so->ivf->list.blocks_at, 256);
		so->entries += so->ivf->list.lanes;
		scan_list(so, index, i, false);
	}
	so->bound = -INFINITY;
}

/* Looks at the same lists again, for candidates that were dropped. */
static void
visit_again(VdbIvfScan *so, Relation index)
{
	so->keep *= MORE_KEEP;
	so->ncandidates = so->next = 0;
	for (uint32 i = 0; i < so->nlists; i++)
		so->lists[i].taken = Max(so->lists[i].taken, so->limit);
	so->bound = operator_distance(so, so->limit);
	so->limit = INFINITY;
	for (uint32 i = 0; i < so->nlists; i++)
		scan_list(so, index, i, true);
}

/*
 * By how much the operator for sparse vectors may be below their distance, on
 * the scale of the codes.
 */
static double
sparse_slack(const VdbIvfScan *so, const VdbIvfNear *near, float estimate, float rescale)
{
	const VdbIvf *ivf = so->ivf;
	double		rounding = sparse_rounding(ivf);
	double		residual = vdb_ivf_reach(ivf) * sqrt(ivf->dim) * fabs(rescale); /* at most */

	if (ivf->meta.metric == VDB_L2SQ)
		return rounding * fabs(estimate);
	if (ivf->meta.metric == VDB_COSINE)
		return 8 * rounding * ivf->meta.scale * ivf->meta.scale;
	/* Query, centre (at most query and gap) and residual, each by each. */
	return rounding * (so->length + residual) * (so->length + near->gap);
}

/*
 * A lower bound of an entry's distance that cannot fail, from its 8 bits.
 *
 * The entry is a vector o, whose code stands for s.  Of e = s - o is known its
 * length d, that it is orthogonal to o minus the centre, and, as the rotation
 * is random, that it is a random direction besides.  So what the estimate is
 * off by, twice the product of e and q - o for L2 and that of e and q minus
 * the centre for inner products, is at most W d times the length of the other
 * factor: W is 1, by Cauchy-Schwarz, or SURE standard deviations of such a
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
 * holds for both kinds of entries (and, by induction, for codes of codes of
 * codes): see README.md.  The difference is very little.
 *
 * To that come roundings.  The query was rounded to integers, by half a step,
 * which counts for each dimension as much as the code there, 127.5 at most of
 * 8 bits; that is more than the rounding of floats in the query and the vector.  What
 * is left is the rounding of the terms here, and that of the operator, whose
 * sums are of floats, too: PostgreSQL takes a distance below its bound for an
 * error.
 */
static double
refined_bound(VdbIvfScan *so, const VdbIvfNear *near, const void *row)
{
	const VdbIvf *ivf = so->ivf;
	const VdbQuantRowFactors *factors = vdb_quant_row_factors(ivf->dim, vdb_ivf_bits(ivf), row);
	double		deviation = factors->error * (1 + ROUNDING);
	double		length = deviation * so->most;
	double		width = deviation * Min(so->most, SURE);
	float		estimate;
	double		slack,
				lower;

	vdb_quant_row_many(&so->weights, vdb_ivf_bits(ivf), near->base, &row, 1, &estimate);
	if (!(estimate > VDB_IVF_NO_BOUND))
		return -INFINITY;
	slack = ROUNDING * (fabs(near->base) + fabs(factors->add) +
						fabs((double) estimate - near->base - factors->add));
	slack += so->rounded * fabs(factors->rescale) + FLT_MIN;
	if (ivf->kind->sparse)
		slack += sparse_slack(so, near, estimate, factors->rescale);

	if (ivf->meta.metric == VDB_IP)
	{
		double		residual = vdb_ivf_reach(ivf) * sqrt(ivf->dim) * fabs(factors->rescale);

		/* lengths of query, residual and centre: what rounding is relative to */
		slack += ROUNDING * (so->length + residual) * (so->length + near->gap);
		lower = estimate - width * Max(near->gap, so->length) - slack;
		/* The operator loses products below float's range. */
		return from_coded(ivf, lower) - (double) FLT_MIN * ivf->dim;
	}
	/* The error has the factor 2. */
	length /= 2;
	width /= 2;
	if (ivf->meta.metric == VDB_COSINE)
		slack += 2 * ROUNDING * ivf->meta.scale * ivf->meta.scale;
	lower = sqrt(Max(estimate - length * length - slack, 0)) - width;
	lower = Max(lower, 0) / ivf->meta.scale;
	return ivf->meta.metric == VDB_COSINE ? lower * lower / 2 : lower;
}

/*
 * Moves the next few candidates, those with the lowest bounds, before all
 * others; returns where they end.
 */
static uint32
next_batch(VdbIvfScan *so)
{
	Candidate  *c = so->candidates;
	uint32		n = so->ncandidates - so->next;
	uint32		end = so->next;
	uint32		taken = 0;
	float		limit,
				lowest;			/* of those that stay */

	if (n <= BATCH)
	{
		so->refined = so->limit;
		so->bound = operator_distance(so, so->limit);
		return so->ncandidates;
	}
	for (uint32 i = 0; i < n; i++)
		so->numbers[i] = c[so->next + i].lower;
	if (vdb_scan_cut(so->numbers, n, BATCH, &limit))
		lowest = limit;
	else
	{
		/* which may be -infinity */
		lowest = vdb_scan_nth(so->numbers, n, BATCH);
		limit = nextafterf(lowest, INFINITY);
	}
	/* First which, without a branch that nobody could guess. */
	for (uint32 i = so->next; i < so->ncandidates; i++)
	{
		so->which[taken] = i;
		taken += c[i].lower < limit;
	}
	for (uint32 i = 0; i < taken; i++)
	{
		Candidate	swap = c[end];

		c[end++] = c[so->which[i]];
		c[so->which[i]] = swap;
	}
	so->refined = limit;
	so->bound = operator_distance(so, lowest);
	return end;
}

/*
 * The vector of a candidate: see the top of this file.
 *
 * On the primary its page is there for as long as this scan's snapshot; on a
 * standby it may have been put to another use, and again, by what is replayed:
 * so there it is looked at under a lock.
 */
static const void *
candidate_row(VdbIvfScan *so, Relation index, const Candidate *c, Buffer *buffer)
{
	const VdbIvfShape *shape = &so->ivf->list;
	Buffer		lead;
	const void *row;

	uint32		number = so->lists[c->list].near.number;

	if (shape->rows_per_page > 0)
	{
		const char *at;

		if (!so->standby)
		{
			*buffer = vdb_page_pin(index, c->row, VDB_IVF_ROWS);
			if (unlikely(vdb_page_opaque(BufferGetPage(*buffer))->next != number))
				vdb_page_corrupted(index, c->row, "it belongs to another list");
			return vdb_page_contents(BufferGetPage(*buffer)) +
				c->lane % shape->rows_per_page * shape->row_size;
		}
		*buffer = vdb_page_read(index, c->row, VDB_IVF_ROWS);
		if (vdb_page_opaque(BufferGetPage(*buffer))->next != number)
			vdb_page_lost(index, c->row, "it belongs to another list");
		at = vdb_page_contents(BufferGetPage(*buffer)) +
			c->lane % shape->rows_per_page * shape->row_size;
		memcpy(so->copy, at, shape->row_size);
		vdb_page_release(*buffer);
		*buffer = InvalidBuffer;
		return so->copy;
	}
	*buffer = InvalidBuffer;
	lead = vdb_ivf_read_lead(index, c->lead, number);
	row = vdb_ivf_row(shape, index, vdb_ivf_lead(BufferGetPage(lead)), c->lane, buffer, so->copy);
	vdb_page_release(lead);
	return row;
}

/* Refines the next candidates. */
static void
refine_more(VdbIvfScan *so, Relation index)
{
	const VdbIvf *ivf = so->ivf;
	const VdbIvfShape *shape = &ivf->list;
	uint32		end = next_batch(so);

	if (shape->coded && shape->rows_per_page > 0)
		for (uint32 i = so->next; i < end; i++)
			vdb_page_prefetch(index, so->candidates[i].row,
							  so->candidates[i].lane % shape->rows_per_page * shape->row_size,
							  shape->row_size);
	for (; so->next < end; so->next++)
	{
		Candidate  *c = &so->candidates[so->next];
		Buffer		buffer;
		double		key;

		if (shape->coded)
		{
			key = refined_bound(so, &so->lists[c->list].near, candidate_row(so, index, c, &buffer));
			if (BufferIsValid(buffer))
				vdb_page_unpin(buffer);
		}
		else
			key = operator_distance(so, c->lower);
		vdb_scan_queue_push(&so->queue, key, &c->tid);
	}
	CHECK_FOR_INTERRUPTS();
}

/* The next row of the lists, in order of distance; false if there is none. */
static bool
next_of_lists(VdbIvfScan *so, Relation index, VdbScanFound *found)
{
	for (;;)
	{
		if (so->more_lists &&
			(so->nlists < so->probes || so->returned * ENTRIES_PER_ROW > so->entries))
			visit_lists(so, index, Max(so->probes - Min(so->probes, so->nlists),
									   so->nlists / 2 + 1));
		else if (so->queue.count > 0 && so->queue.items[0].key <= so->bound)
		{
			*found = vdb_scan_queue_pop(&so->queue);
			so->returned++;
			return true;
		}
		else if (so->next < so->ncandidates)
			refine_more(so, index);
		else if (so->limit < INFINITY)
			visit_again(so, index);
		else if (so->more_lists)
			visit_lists(so, index, so->nlists / 2 + 1);
		else if (so->bound < INFINITY)
			so->bound = INFINITY;
		else
			return false;
	}
}

/* ---- rows without order ---- */

/* Copies the row ids of a lead page. */
static void
take_lead(VdbIvfScan *so, Page page)
{
	VdbIvfLead *lead = vdb_ivf_lead(page);

	for (uint32 lane = 0; lane < so->ivf->list.lanes; lane++)
	{
		ItemPointer tid = vdb_ivf_tid(&so->ivf->list, lead, lane);

		if (ItemPointerIsValid(tid))
			so->tids[so->ntids++] = *tid;
	}
}

static void
take_tids(VdbIvfScan *so, Page page)
{
	VdbIvfTids *tids = (VdbIvfTids *) vdb_page_contents(page);

	so->ntids = Min(tids->count, VDB_IVF_TIDS_PER_PAGE);
	memcpy(so->tids, tids->tids, so->ntids * sizeof(ItemPointerData));
}

/* The next row id of a chain that begins at next_block. */
static bool
next_of_chain(VdbIvfScan *so, Relation index, ItemPointer tid)
{
	while (so->next_tid == so->ntids)
	{
		Buffer		buffer;

		if (so->next_block == InvalidBlockNumber)
			return false;
		vdb_page_follow(&so->chain, index, so->next_block);
		buffer = vdb_page_read(index, so->next_block, VDB_IVF_TIDS);
		take_tids(so, BufferGetPage(buffer));
		so->next_tid = 0;
		so->next_block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	*tid = so->tids[so->next_tid++];
	return true;
}

/* The next row id of any list. */
static bool
next_of_any(VdbIvfScan *so, Relation index, ItemPointer tid)
{
	while (so->next_tid == so->ntids)
	{
		Buffer		buffer;

		so->ntids = so->next_tid = 0;
		while (so->next_block == InvalidBlockNumber)
		{
			if (!vdb_ivf_route_next(so->route, &so->lists[0].near))
				return false;
			so->next_block = so->lists[0].near.head;
			so->chain.steps = 0;
		}
		vdb_page_follow(&so->chain, index, so->next_block);
		buffer = vdb_ivf_read_lead(index, so->next_block, so->lists[0].near.number);
		take_lead(so, BufferGetPage(buffer));
		so->next_block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	*tid = so->tids[so->next_tid++];
	return true;
}

/*
 * Begins to look for lists.  On the primary the lists of the version are there
 * for as long as the snapshot is.  On a standby what is replayed may have taken
 * them off the directory since the version was read, but only after the next
 * version was written: then that one serves as well.
 */
static void
begin_route(VdbIvfScan *so, Relation index, VdbIvfOrder order)
{
	for (;;)
	{
		VdbIvfState now;

		vdb_ivf_route_begin(so->route, so->state.version, order, so->rotated, &so->tables);
		if (!so->standby)
			break;
		vdb_ivf_read_state(index, so->ivf, &now);
		if (now.version == so->state.version)
			break;
		so->state = now;
	}
	vdb_ivf_route_check(so->route, &so->state);
}

static void
enter_stage(VdbIvfScan *so, Relation index, Stage stage)
{
	so->stage = stage;
	so->ntids = so->next_tid = 0;
	so->chain.steps = 0;
	if (stage == STAGE_ANY || stage == STAGE_FAR)
	{
		so->next_block = InvalidBlockNumber;
		begin_route(so, index, VDB_IVF_ANY);
	}
	else if (stage == STAGE_ZEROS)
		so->next_block = so->ivf->meta.zeros;
	else if (stage == STAGE_NULLS)
		so->next_block = so->ivf->meta.nulls;
}

/* ---- the access method's functions ---- */

IndexScanDesc
vdb_ivf_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);

	scan->opaque = NULL;
	vdb_heap_search_begins();
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	return scan;
}

/*
 * The state of the last scan, kept for the next one of the same index: making
 * it anew costs a tenth of a search.
 */
static VdbIvfScan *kept;

/* More memory than this is not kept. */
#define KEPT_BYTES (1024 * 1024)

static VdbIvfScan *
create(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "ivf scan",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VdbIvf	   *ivf = vdb_ivf_open(index);
	VdbIvfScan *so = palloc0(sizeof(VdbIvfScan));

	so->context = context;
	so->index = RelationGetRelid(index);
	so->file = VDB_COMPAT_RELNUMBER(index);
	so->ivf = ivf;
	so->elements = palloc(vdb_am_bytes(ivf->kind, ivf->dim));
	so->floats = palloc(ivf->dim * sizeof(float));
	if (ivf->kind->sparse)
	{
		so->sparse_index = palloc(2 * ivf->dim * sizeof(int32));
		so->sparse_value = palloc(2 * ivf->dim * sizeof(float));
	}
	so->rotated = palloc(ivf->dim * sizeof(float));
	so->tables_memory = palloc(vdb_quant_tables_size(ivf->directory.code_dim));
	if (ivf->list.product)
	{
		so->codes_memory = palloc(vdb_quant_tables_size(ivf->list.code_dim));
		so->lut = palloc(ivf->pq.m * ivf->pq.ncentroids * sizeof(float));
	}
	so->weights_memory = palloc(vdb_quant_weights_size(ivf->dim));
	so->copy = palloc(ivf->list.row_size);
	so->route = vdb_ivf_route_create(ivf, index);
	so->list_room = 16;
	so->lists = palloc(so->list_room * sizeof(Visited));
	so->loose_room = 16;
	so->loose = palloc(so->loose_room * sizeof(Loose));
	so->candidate_room = SPARE * FIRST_KEEP;
	so->candidates = palloc(so->candidate_room * sizeof(Candidate));
	so->numbers = palloc(so->candidate_room * sizeof(float));
	so->which = palloc(so->candidate_room * sizeof(uint32));
	so->tids = palloc(Max(VDB_IVF_TIDS_PER_PAGE, ivf->list.lanes) * sizeof(ItemPointerData));
	vdb_scan_queue_init(&so->queue);
	MemoryContextSwitchTo(old);
	return so;
}

/* State for a scan: what was kept, if it fits, in the current context. */
static VdbIvfScan *
take_state(Relation index)
{
	VdbIvfScan *so = kept;

	if (so == NULL || so->index != RelationGetRelid(index) ||
		so->file != VDB_COMPAT_RELNUMBER(index) || !vdb_ivf_is_same(index, so->ivf))
		return create(index);
	kept = NULL;
	MemoryContextSetParent(so->context, CurrentMemoryContext);
	vdb_ivf_route_reuse(so->route, index);
	return so;
}

/* Keeps the state of a scan that ends, or gives it back. */
static void
keep_state(VdbIvfScan *so)
{
	if (so->ivf->meta.directory == InvalidBlockNumber ||
		MemoryContextMemAllocated(so->context, true) > KEPT_BYTES)
	{
		MemoryContextDelete(so->context);
		return;
	}
	if (kept != NULL)
		MemoryContextDelete(kept->context);
	MemoryContextSetParent(so->context, TopMemoryContext);
	kept = so;
}

static void
set_elements(VdbIvfScan *so, const void *elements)
{
	const VdbIvf *ivf = so->ivf;

	memcpy(so->elements, elements, vdb_am_bytes(ivf->kind, ivf->dim));
	if (ivf->kind->sparse)
		vdb_am_to_sparse(so->elements, ivf->dim, so->sparse_index, so->sparse_value,
						 &so->sparse);
}

static void
take_query(VdbIvfScan *so, Datum query)
{
	const VdbIvf *ivf = so->ivf;
	VdbAmVector vector;

	vdb_am_vector(ivf->kind, query, &vector);
	vdb_am_check_dim(ivf->kind, ivf->dim, vector.dim);
	set_elements(so, vector.elements);
	vdb_am_vector_free(&vector);
}

/* What codes need of the query: so->rotated, and so->floats. */
static void
make_tables(VdbIvfScan *so)
{
	const VdbIvf *ivf = so->ivf;

	vdb_quant_tables_init(&so->tables, ivf->directory.code_dim, so->rotated, so->tables_memory);
	so->codes = so->tables;
	if (ivf->list.product)
		vdb_quant_pq4_query(&so->codes, &ivf->pq, so->rotated, so->lut, so->codes_memory);
	if (!vdb_ivf_is_plain(ivf))
	{
		vdb_quant_weights_init(&so->weights, ivf->dim,
							   ivf->list.coded ? so->rotated : so->floats, so->weights_memory);
		so->most = sqrt(Max(ivf->dim - 1.0, 1));
		/* a query too small for a step counts as zero */
		so->rounded = vdb_ivf_reach(ivf) * (so->weights.step > 0 ?
											0.502 * so->weights.step * ivf->dim :
											sqrt(ivf->dim) * so->length);
	}
}

static void
begin_query(VdbIvfScan *so, Relation index)
{
	const VdbIvf *ivf = so->ivf;

	so->probes = vdb_ivf_probes(ivf, &so->state, &so->max_probes);
	so->more_lists = true;
	if (!vdb_ivf_rotate(ivf, so->elements, so->floats, so->rotated))
	{
		/* Every distance to it is NaN. */
		enter_stage(so, index, STAGE_ANY);
		return;
	}
	if (vdb_ivf_is_far(so->rotated))
	{
		/* What is near there, codes cannot say. */
		enter_stage(so, index, STAGE_FAR);
		return;
	}
	so->length = vdb_dist_norm(VDB_F32, ivf->list.coded ? so->rotated : so->floats, ivf->dim);
	make_tables(so);
	begin_route(so, index, VDB_IVF_BY_BASE);
	enter_stage(so, index, STAGE_LISTS);
}

static void
reset(VdbIvfScan *so)
{
	so->nlists = so->ncandidates = so->next = so->nloose = 0;
	so->entries = 0;
	so->keep = so->ivf->dim < WIDE ? FIRST_KEEP : FIRST_KEEP_WIDE;
	so->refined = -INFINITY;
	so->limit = INFINITY;
	so->bound = -INFINITY;
	so->queue.count = 0;
	so->returned = 0;
}

void
vdb_ivf_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	VdbIvfScan *so = scan->opaque;

	if (orderbys != NULL && norderbys > 0)
		memmove(scan->orderByData, orderbys, norderbys * sizeof(ScanKeyData));
	if (scan->numberOfOrderBys != 1)
		elog(ERROR, "an ivf index is scanned in order of one distance");
	if (so == NULL || so->ivf->meta.directory == InvalidBlockNumber)
		scan->opaque = so = take_state(scan->indexRelation);

	reset(so);
	so->null_query = (scan->orderByData->sk_flags & SK_ISNULL) != 0;
	if (!so->null_query)
		take_query(so, scan->orderByData->sk_argument);
	if (so->ivf->meta.directory == InvalidBlockNumber)
	{
		/* Nothing was ever inserted. */
		enter_stage(so, scan->indexRelation, STAGE_DONE);
		return;
	}
	vdb_ivf_read_state(scan->indexRelation, so->ivf, &so->state);
	so->standby = RecoveryInProgress();
	if (so->null_query)
		enter_stage(so, scan->indexRelation, STAGE_ANY);
	else
		begin_query(so, scan->indexRelation);
	pgstat_count_index_scan(scan->indexRelation);
}

/* Returns a row whose distance is null, or a number (NaN, too). */
static bool
give(IndexScanDesc scan, ItemPointer tid, bool null, double distance, bool recheck)
{
	scan->xs_heaptid = *tid;
	scan->xs_recheck = false;
	scan->xs_recheckorderby = recheck;
	if (!scan->xs_orderbynulls[0] && !FLOAT8PASSBYVAL)
		pfree(DatumGetPointer(scan->xs_orderbyvals[0]));
	scan->xs_orderbynulls[0] = null;
	scan->xs_orderbyvals[0] = null ? (Datum) 0 : Float8GetDatum(distance);
	return true;
}

bool
vdb_ivf_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	VdbIvfScan *so = scan->opaque;
	Relation	index = scan->indexRelation;
	VdbScanFound found;

	Assert(ScanDirectionIsForward(direction));
	switch (so->stage)
	{
		case STAGE_LISTS:
			if (next_of_lists(so, index, &found))
				return give(scan, &found.tid, false, found.key,
							!vdb_ivf_is_plain(so->ivf) || so->ivf->kind->sparse ||
							found.key == -INFINITY);
			enter_stage(so, index, STAGE_ZEROS);
			break;
		case STAGE_ANY:
			if (next_of_any(so, index, &found.tid))
				return give(scan, &found.tid, so->null_query, get_float8_nan(), false);
			enter_stage(so, index, STAGE_ZEROS);
			break;
		case STAGE_FAR:
			if (next_of_any(so, index, &found.tid))
				return give(scan, &found.tid, false, -INFINITY, true);
			enter_stage(so, index, STAGE_ZEROS);
			break;
		default:
			break;
	}
	if (so->stage == STAGE_ZEROS)
	{
		if (next_of_chain(so, index, &found.tid))
			return give(scan, &found.tid, so->null_query, get_float8_nan(), false);
		enter_stage(so, index, STAGE_NULLS);
	}
	if (so->stage == STAGE_NULLS)
	{
		if (next_of_chain(so, index, &found.tid))
			return give(scan, &found.tid, true, 0, false);
		enter_stage(so, index, STAGE_DONE);
	}
	return false;
}

/* ---- for balance.c ---- */

VdbIvfScan *
vdb_ivf_probe_create(Relation index)
{
	VdbIvfScan *so = create(index);

	vdb_ivf_read_state(index, so->ivf, &so->state);
	so->max_probes = PG_UINT32_MAX;
	return so;
}

typedef struct Ranked
{
	float		distance;
	uint32		rank;			/* of its list */
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	float		x = ((const Ranked *) a)->distance;
	float		y = ((const Ranked *) b)->distance;

	return x < y ? -1 : x > y;
}

uint32
vdb_ivf_probe(VdbIvfScan *so, Relation index, const void *row, const float *rotated,
			  uint32 lists, uint32 k, uint32 *ranks)
{
	const VdbIvf *ivf = so->ivf;
	Ranked	   *found;
	uint32		n;

	reset(so);
	memcpy(so->rotated, rotated, ivf->dim * sizeof(float));
	if (vdb_ivf_is_plain(ivf))
		set_elements(so, row);
	else if (!ivf->list.coded)
		vdb_quant_unrotate(&ivf->rotation, rotated, so->floats);
	so->length = vdb_dist_norm(VDB_F32, ivf->list.coded ? rotated : so->floats, ivf->dim);
	make_tables(so);
	vdb_ivf_route_begin(so->route, so->state.version, VDB_IVF_BY_BASE, so->rotated, &so->tables);
	visit_lists(so, index, lists);
	n = so->ncandidates;
	found = palloc(Max(n, 1) * sizeof(Ranked));
	for (uint32 i = 0; i < n; i++)
	{
		Candidate  *c = &so->candidates[i];

		found[i] = (Ranked) {c->lower, c->list};
		if (ivf->list.coded)
		{
			Buffer		buffer;
			const void *codes = candidate_row(so, index, c, &buffer);

			vdb_quant_row_many(&so->weights, vdb_ivf_bits(ivf), so->lists[c->list].near.base,
							   &codes, 1, &found[i].distance);
			if (BufferIsValid(buffer))
				vdb_page_unpin(buffer);
		}
	}
	qsort(found, n, sizeof(Ranked), compare_ranked);
	/* The nearest is the vector itself. */
	n = Min(n, k + 1);
	for (uint32 i = 1; i < n; i++)
		ranks[i - 1] = found[i].rank;
	pfree(found);
	return n > 0 ? n - 1 : 0;
}

void
vdb_ivf_end_scan(IndexScanDesc scan)
{
	/* Nothing is pinned between calls. */
	if (scan->opaque != NULL)
		keep_state(scan->opaque);
	scan->opaque = NULL;
}
