/*
 * census.c
 *	  What there is in an index: rows, lists, pages, and how well its lists fit.
 *
 * One pass over all pages, each looked at by itself, while others insert and
 * make lists anew: numbers may be off by what happens meanwhile.  The lists are
 * those of the version at the beginning, which this statement's snapshot keeps.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/float.h"

#include "am/ivf/ivf.h"

/* Lists looked at for the drift. */
#define DRIFT_LISTS 64

typedef struct Counting
{
	Relation	index;
	const VdbIvf *ivf;
	VdbIvfCensus *census;
	VdbIvfListCount *lists;		/* in order of their numbers */
	uint32		nlists;
} Counting;

static int
compare_numbers(const void *a, const void *b)
{
	uint32		x = ((const VdbIvfListCount *) a)->list.number;
	uint32		y = ((const VdbIvfListCount *) b)->list.number;

	return x < y ? -1 : x > y;
}

static VdbIvfListCount *
find_list(Counting *c, uint32 number)
{
	VdbIvfListCount key = {.list.number = number};

	return c->nlists == 0 ? NULL :
		bsearch(&key, c->lists, c->nlists, sizeof(VdbIvfListCount), compare_numbers);
}

static void
count_lead(Counting *c, VdbIvfLead *lead)
{
	const VdbIvfShape *shape = &c->ivf->list;
	VdbIvfListCount *list = find_list(c, lead->list);

	if (lead->list == VDB_IVF_DIRECTORY)
		return;
	if (list == NULL || !list->lives)
	{
		c->census->retired_pages++;
		return;
	}
	list->live += lead->live;
	c->census->empty_lanes += shape->lanes - Min(lead->live, shape->lanes);
	c->census->loose += pg_popcount((const char *) lead->loose, sizeof(lead->loose));
}

static void
count_page(Counting *c, Page page)
{
	VdbIvfListCount *list;

	if (PageIsNew(page) || vdb_page_opaque(page)->kind == VDB_PAGE_FREE)
		c->census->free_pages++;
	else if (vdb_page_opaque(page)->kind == VDB_IVF_LEAD)
		count_lead(c, vdb_ivf_lead(page));
	else if (vdb_page_opaque(page)->kind == VDB_IVF_ROWS &&
			 vdb_page_opaque(page)->next != VDB_IVF_DIRECTORY)
	{
		list = find_list(c, vdb_page_opaque(page)->next);
		c->census->retired_pages += list == NULL || !list->lives;
	}
}

static void
count_pages(Counting *c)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	Page		page = palloc(BLCKSZ);

	for (BlockNumber block = 0; block < c->census->pages; block++)
	{
		char	   *why;

		CHECK_FOR_INTERRUPTS();
		why = vdb_page_copy(c->index, block, strategy, page);
		if (why != NULL)
			vdb_page_corrupted(c->index, block, why);
		if (!PageIsNew(page) && !vdb_page_is_ours(page))
			vdb_page_corrupted(c->index, block, "it is no page of this index");
		count_page(c, page);
	}
	pfree(page);
	FreeAccessStrategy(strategy);
}

/* Row ids of a chain. */
static uint64
count_tids(Relation index, BlockNumber block)
{
	VdbPageChain chain = {0};
	uint64		count = 0;

	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;

		vdb_page_follow(&chain, index, block);
		buffer = vdb_page_read(index, block, VDB_IVF_TIDS);
		count += ((VdbIvfTids *) vdb_page_contents(BufferGetPage(buffer)))->count;
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	return count;
}

static void
count_lists(Counting *c)
{
	VdbIvfCensus *census = c->census;
	double		squares = 0;

	census->smallest = PG_UINT64_MAX;
	for (uint32 i = 0; i < c->nlists; i++)
	{
		uint64		live = c->lists[i].live;

		if (!c->lists[i].lives)
		{
			census->retired_lists++;
			continue;
		}
		census->lists++;
		census->empty_lists += live == 0;
		census->rows += live;
		census->smallest = Min(census->smallest, live);
		census->largest = Max(census->largest, live);
		squares += (double) live * live;
	}
	if (census->lists == 0)
		census->smallest = 0;
	census->imbalance = census->rows == 0 ? 1 :
		census->lists * squares / ((double) census->rows * census->rows);
}

/* ---- drift ---- */

typedef struct Drift
{
	const VdbIvf *ivf;
	float	   *centre;
	float	   *floats;
	float	   *rotated;
	double	   *sum;			/* of the rows relative to the centre */
	double		lengths;		/* of these */
	uint64		count;
} Drift;

static void
add_row(void *arg, ItemPointer tid, const char *codes, const void *row)
{
	Drift	   *d = arg;
	const VdbIvf *ivf = d->ivf;
	float		error;

	if (!vdb_am_is_plain(&ivf->space))
	{
		if (!vdb_am_row_decode(&ivf->space, row, d->centre, d->rotated, &error))
			return;
	}
	else if (!vdb_am_rotate(&ivf->space, row, d->floats, d->rotated) || vdb_am_is_far(d->rotated))
		return;
	for (uint32 i = 0; i < ivf->space.dim; i++)
		d->sum[i] += d->rotated[i] - d->centre[i];
	d->lengths += sqrt(vdb_dist(VDB_F32, VDB_L2SQ, d->rotated, d->centre, ivf->space.dim));
	d->count++;
}

/*
 * How far the middle of a list's rows is from its centre, as a part of their
 * mean distance from it: over some lists, each as often as it has rows.
 */
static double
measure_drift(Counting *c)
{
	const VdbIvf *ivf = c->ivf;
	VdbIvfRoute *route = vdb_ivf_route_create(ivf, c->index);
	void	   *work = palloc(vdb_ivf_list_work(ivf));
	uint32		used = c->census->lists - c->census->empty_lists;
	uint32		seen = 0;
	double		offsets = 0,
				lengths = 0;
	Drift		d = {
		.ivf = ivf,
		.centre = palloc(ivf->space.dim * sizeof(float)),
		.floats = palloc(ivf->space.dim * sizeof(float)),
		.rotated = palloc(ivf->space.dim * sizeof(float)),
		.sum = palloc(ivf->space.dim * sizeof(double)),
	};

	vdb_ivf_route_begin(route, c->census->state.version, VDB_IVF_ANY, NULL, NULL);
	for (uint32 i = 0; i < c->nlists; i++)
	{
		VdbIvfListCount *list = &c->lists[i];
		double		square = 0;

		/* Every so manyth list that has rows. */
		if (!list->lives || list->live == 0 ||
			(uint64) seen++ * DRIFT_LISTS % Max(used, 1) >= DRIFT_LISTS)
			continue;
		memset(d.sum, 0, ivf->space.dim * sizeof(double));
		d.lengths = d.count = 0;
		vdb_ivf_route_centre(route, &list->list, d.centre);
		vdb_ivf_list_walk(&ivf->list, c->index, list->list.head, list->list.number, add_row, &d,
						  work);
		for (uint32 j = 0; j < ivf->space.dim; j++)
			square += d.sum[j] * d.sum[j];
		offsets += sqrt(square);
		lengths += d.lengths;
	}
	return lengths > 0 ? offsets / lengths : get_float8_nan();
}

void
vdb_ivf_census(Relation index, VdbIvfCensus *census)
{
	const VdbIvf *ivf = vdb_ivf_open(index);
	Counting	c = {.index = index,.ivf = ivf,.census = census};
	uint32		version;

	memset(census, 0, sizeof(*census));
	census->meta = ivf->meta;
	census->drift = get_float8_nan();
	census->imbalance = 1;
	census->pages = RelationGetNumberOfBlocks(index);
	if (ivf->meta.directory == InvalidBlockNumber)
		return;
	do
	{
		vdb_ivf_read_state(index, ivf, &census->state);
		version = census->state.version;
		c.lists = vdb_ivf_all_lists(index, ivf, &c.nlists);
		vdb_ivf_read_state(index, ivf, &census->state);
	} while (version != census->state.version);
	count_pages(&c);
	census->zeros = count_tids(index, ivf->meta.zeros);
	census->nulls = count_tids(index, ivf->meta.nulls);
	count_lists(&c);
	census->drift = measure_drift(&c);
}
