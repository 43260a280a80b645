/*
 * route.c
 *	  Which lists are near a vector.
 *
 * The directory is a list itself, of the lists' centres: its codes find those
 * that may be near, and the centres themselves, half-precision floats, put
 * them in order.  A list's centre is by definition what these floats say.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"

#include "am/ivf/ivf.h"
#include "scan/select.h"

/*
 * How wide the bounds of centres are, in standard deviations.  The list that a row
 * belongs to has to be the nearest: they hold with a probability of about 0.9999.
 * Of the lists that a search looks at, some of the last may as well be others.
 */
#define EPSILON 1.9f
#define EPSILON_SEARCH 0.8f

typedef struct Refined
{
	float		key;			/* what they are in order of */
	VdbIvfNear	near;
} Refined;

/* What is remembered of a lane of the directory. */
typedef struct Lane
{
	BlockNumber head;
	uint32		number;
	float		square;
} Lane;

struct VdbIvfRoute
{
	const VdbIvf *ivf;
	Relation	index;
	VdbIvfOrder order;
	const float *query;
	float	   *centre;			/* of a list just looked at */
	void	   *copy;			/* its row, if that is on several pages */
	uint32		expect;

	/*
	 * The directory's lead pages, and their lanes as they were: of lists that
	 * are not there in this version the bound is infinite.
	 */
	uint32		nlists;			/* that are there in this version */
	uint32		npages;
	uint32		page_room;
	BlockNumber *pages;
	Lane	   *lanes;
	float	   *lower;
	float	   *estimate;		/* and scratch */
	uint32	   *which;
	float		bound;			/* of those not refined */

	/* refined: in order from next on */
	Refined    *refined;
	uint32		nrefined;
	uint32		next;
};

/* Makes room for so many lead pages of the directory. */
static void
need_pages(VdbIvfRoute *route, uint32 pages)
{
	Size		n;

	if (pages <= route->page_room)
		return;
	route->page_room = Max(pages, route->page_room + route->page_room / 2);
	n = (Size) route->page_room * route->ivf->directory.lanes;
	route->pages = repalloc_huge(route->pages, route->page_room * sizeof(BlockNumber));
	route->lanes = repalloc_huge(route->lanes, n * sizeof(Lane));
	route->lower = repalloc_huge(route->lower, n * sizeof(float));
	route->estimate = repalloc_huge(route->estimate, n * sizeof(float));
	route->which = repalloc_huge(route->which, n * sizeof(uint32));
	route->refined = repalloc_huge(route->refined, n * sizeof(Refined));
}

VdbIvfRoute *
vdb_ivf_route_create(const VdbIvf *ivf, Relation index)
{
	VdbIvfRoute *route = palloc0(sizeof(VdbIvfRoute));

	route->ivf = ivf;
	route->index = index;
	route->expect = 1;
	route->centre = palloc(ivf->space.dim * sizeof(float));
	route->copy = palloc(ivf->directory.row_size);
	route->pages = palloc(1);
	route->lanes = palloc(1);
	route->lower = palloc(1);
	route->estimate = palloc(1);
	route->which = palloc(1);
	route->refined = palloc(1);
	need_pages(route, 16);
	return route;
}

void
vdb_ivf_route_reuse(VdbIvfRoute *route, Relation index)
{
	route->index = index;
}

void
vdb_ivf_route_expect(VdbIvfRoute *route, uint32 lists)
{
	route->expect = lists;
}

/*
 * Notes a lead page's lists, and makes their bounds infinite where the list is
 * not there in this version.
 */
static void
note_lanes(VdbIvfRoute *route, uint32 version, VdbIvfLead *lead, uint32 page)
{
	const VdbIvfShape *shape = &route->ivf->directory;
	Lane	   *lanes = route->lanes + (Size) page * shape->lanes;
	float	   *lower = route->lower + (Size) page * shape->lanes;

	for (uint32 i = 0; i < shape->lanes; i++)
	{
		ItemPointer tid = vdb_ivf_tid(shape, lead, i);
		VdbIvfListInfo *info = vdb_ivf_info(shape, lead, i);

		if (!ItemPointerIsValid(tid) || !vdb_ivf_lives(info, version))
		{
			lanes[i].head = InvalidBlockNumber;
			lower[i] = INFINITY;
			continue;
		}
		route->nlists++;
		lanes[i].head = ItemPointerGetBlockNumberNoCheck(tid);
		lanes[i].number = info->number;
		lanes[i].square = info->square;
		/* Beyond float's range: to be looked at. */
		if (!(lower[i] < INFINITY))
			lower[i] = -FLT_MAX;
		/* |q - c|^2 less |q|^2 */
		if (route->order == VDB_IVF_BY_GAP && route->ivf->space.coded_metric == VDB_IP)
			lower[i] = 2 * lower[i] + info->square;
	}
}

void
vdb_ivf_route_begin(VdbIvfRoute *route, uint32 version, VdbIvfOrder order, const float *query,
					VdbQuantTables *tables)
{
	const VdbIvfShape *shape = &route->ivf->directory;
	BlockNumber block = route->ivf->meta.directory;
	VdbPageChain chain = {0};

	route->order = order;
	route->query = query;
	route->nlists = route->npages = route->nrefined = route->next = 0;
	route->bound = -INFINITY;
	if (order != VDB_IVF_ANY)
	{
		double		square = vdb_dist_square(VDB_F32, query, route->ivf->space.dim);

		vdb_quant_tables_aim(tables, route->ivf->space.coded_metric == VDB_IP ? 0 : square,
							 sqrt(square), order == VDB_IVF_BY_GAP ? EPSILON : EPSILON_SEARCH);
	}
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		VdbIvfLead *lead;
		float	   *lower;
		uint32		below[VDB_IVF_MAX_BLOCKS];

		vdb_page_follow(&chain, route->index, block);
		buffer = vdb_ivf_read_lead(route->index, block, VDB_IVF_DIRECTORY);
		lead = vdb_ivf_lead(BufferGetPage(buffer));
		need_pages(route, route->npages + 1);
		lower = route->lower + (Size) route->npages * shape->lanes;
		if (order == VDB_IVF_ANY)
			memset(lower, 0, shape->lanes * sizeof(float));
		else
			vdb_quant_block_scan(tables, (VdbQuantBlock *) vdb_ivf_block(shape, lead, 0),
								 shape->stride, vdb_ivf_nblocks(shape, route->index, buffer),
								 INFINITY, route->estimate, lower, below);
		note_lanes(route, version, lead, route->npages);
		route->pages[route->npages++] = block;
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
}

void
vdb_ivf_route_check(VdbIvfRoute *route, const VdbIvfState *state)
{
	/* A standby may have replayed that lists of an old version are no more. */
	if (route->nlists != state->nlists)
		vdb_page_lost(route->index, route->ivf->meta.directory,
					  psprintf("it has %u lists where %u belong", route->nlists, state->nlists));
}

/* The centre of a lane of a lead page of the directory. */
static void
read_centre(VdbIvfRoute *route, VdbIvfLead *lead, uint32 lane, Buffer *row, float *centre)
{
	const void *halves = vdb_ivf_row(&route->ivf->directory, route->index, lead, lane, row,
									 route->copy);

	vdb_kernel.f16_to_f32(halves, centre, route->ivf->space.dim);
}

/* Locks the lead page that has an ordinal. */
static Buffer
read_ordinal(VdbIvfRoute *route, uint32 ordinal)
{
	return vdb_ivf_read_lead(route->index, route->pages[ordinal / route->ivf->directory.lanes],
							 VDB_IVF_DIRECTORY);
}

/* The lane may have been given to another list, on a standby. */
static void
check_lane(VdbIvfRoute *route, Buffer buffer, uint32 ordinal)
{
	const VdbIvfShape *shape = &route->ivf->directory;
	VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));

	if (vdb_ivf_info(shape, lead, ordinal % shape->lanes)->number != route->lanes[ordinal].number)
		vdb_page_lost(route->index, BufferGetBlockNumber(buffer), "a list is not in its place");
}

static Refined
refine(VdbIvfRoute *route, VdbIvfLead *lead, uint32 ordinal, Buffer *row)
{
	const VdbIvf *ivf = route->ivf;
	const Lane *lane = &route->lanes[ordinal];
	Refined		r = {.near = {.ordinal = ordinal, .number = lane->number, .head = lane->head}};
	double		square;

	if (route->order == VDB_IVF_ANY)
		return r;
	read_centre(route, lead, ordinal % ivf->directory.lanes, row, route->centre);
	square = vdb_dist(VDB_F32, VDB_L2SQ, route->query, route->centre, ivf->space.dim);
	/* Neither half-precision floats nor queries are so large. */
	if (!(square <= FLT_MAX))
		vdb_page_corrupted(route->index, route->pages[ordinal / ivf->directory.lanes],
						   "a centre is no vector");
	r.near.gap = sqrt(square);
	r.near.base = ivf->space.coded_metric == VDB_L2SQ ? square :
		vdb_dist(VDB_F32, VDB_IP, route->query, route->centre, ivf->space.dim);
	r.key = r.near.base;
	if (route->order == VDB_IVF_BY_GAP && ivf->space.coded_metric == VDB_IP)
		r.key = 2 * r.key + lane->square;
	return r;
}

#define ST_SORT sort_refined
#define ST_ELEMENT_TYPE Refined
#define ST_COMPARE(a, b) ((a)->key < (b)->key ? -1 : (a)->key > (b)->key)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Begins to fetch the centres of those of which that are on a page, from i on. */
static void
prefetch_centres(VdbIvfRoute *route, VdbIvfLead *lead, uint32 i, uint32 n)
{
	const VdbIvfShape *shape = &route->ivf->directory;
	uint32		page = route->which[i] / shape->lanes;

	if (shape->rows_per_page == 0)
		return;
	for (; i < n && route->which[i] / shape->lanes == page; i++)
	{
		uint32		lane = route->which[i] % shape->lanes;

		vdb_page_prefetch(route->index, lead->rows[lane / shape->rows_per_page],
						  lane % shape->rows_per_page * shape->row_size,
						  Min(shape->row_size, 2048));
	}
}

/* Looks at the centres of the next few that may be near. */
static void
refine_more(VdbIvfRoute *route)
{
	uint32		lanes = route->ivf->directory.lanes;
	uint32		n = vdb_scan_take_smallest(route->lower, route->npages * lanes,
										   route->expect + route->expect / 2 + 8,
										   route->estimate, route->which, &route->bound);
	uint32		left = route->nrefined - route->next;
	Buffer		row = InvalidBuffer;

	memmove(route->refined, route->refined + route->next, left * sizeof(Refined));
	route->nrefined = left;
	route->next = 0;
	for (uint32 i = 0; i < n;)
	{
		uint32		page = route->which[i] / lanes;
		Buffer		buffer = read_ordinal(route, route->which[i]);

		if (route->order != VDB_IVF_ANY)
			prefetch_centres(route, vdb_ivf_lead(BufferGetPage(buffer)), i, n);
		for (; i < n && route->which[i] / lanes == page; i++)
		{
			check_lane(route, buffer, route->which[i]);
			route->refined[route->nrefined++] =
				refine(route, vdb_ivf_lead(BufferGetPage(buffer)), route->which[i], &row);
		}
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	sort_refined(route->refined, route->nrefined);
}

bool
vdb_ivf_route_next(VdbIvfRoute *route, VdbIvfNear *near)
{
	while (route->next == route->nrefined || route->refined[route->next].key > route->bound)
	{
		if (route->bound == INFINITY)
		{
			if (route->next == route->nrefined)
				return false;
			break;
		}
		refine_more(route);
	}
	*near = route->refined[route->next++].near;
	return true;
}

void
vdb_ivf_route_centre(VdbIvfRoute *route, const VdbIvfNear *near, float *centre)
{
	Buffer		buffer = read_ordinal(route, near->ordinal);
	Buffer		row = InvalidBuffer;

	check_lane(route, buffer, near->ordinal);
	read_centre(route, vdb_ivf_lead(BufferGetPage(buffer)),
				near->ordinal % route->ivf->directory.lanes, &row, centre);
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	vdb_page_release(buffer);
}
