/*
 * route.c
 *	  Which lists are near a vector.
 *
 * The directory is a list itself, of the lists' centres: its codes find those
 * that may be near, and the centres themselves, half-precision floats, put
 * them in order.  A list's centre is by definition what these floats say.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "am/ivf/ivf.h"
#include "scan/select.h"

/* Bounds hold with a probability of about 0.9999. */
#define EPSILON 1.9f

typedef struct Refined
{
	float		key;			/* what they are in order of */
	VdbIvfNear	near;
} Refined;

struct VdbIvfRoute
{
	const VdbIvf *ivf;
	Relation	index;
	const float *query;
	float	   *centre;			/* of a list just looked at */
	void	   *copy;			/* its row, if that is on several pages */
	uint32		expect;

	/* the directory's lead pages, and the bounds of their lanes */
	uint32		npages;
	uint32		page_room;
	BlockNumber *pages;
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
	Size		n = (Size) pages * route->ivf->directory.lanes;

	if (pages <= route->page_room)
		return;
	route->page_room = pages;
	route->pages = repalloc_huge(route->pages, pages * sizeof(BlockNumber));
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
	route->centre = palloc(ivf->dim * sizeof(float));
	route->copy = palloc(ivf->directory.row_size);
	route->pages = palloc(1);
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

void
vdb_ivf_route_begin(VdbIvfRoute *route, const float *query, VdbQuantTables *tables)
{
	const VdbIvfShape *shape = &route->ivf->directory;
	double		square = vdb_dist_square(VDB_F32, query, route->ivf->dim);
	BlockNumber block = route->ivf->meta.directory;

	route->query = query;
	route->npages = route->nrefined = route->next = 0;
	route->bound = -INFINITY;
	vdb_quant_tables_aim(tables, route->ivf->coded_metric == VDB_IP ? 0 : square,
						 sqrt(square), EPSILON);
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer = vdb_page_read(route->index, block, VDB_IVF_LEAD);
		VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));
		uint32		below[VDB_IVF_MAX_BLOCKS];

		need_pages(route, route->npages + 1);
		vdb_quant_block_scan(tables, (VdbQuantBlock *) vdb_ivf_block(shape, lead, 0),
							 shape->stride, shape->nblocks, INFINITY, route->estimate,
							 route->lower + (Size) route->npages * shape->lanes, below);
		route->pages[route->npages++] = block;
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The centre of a lane of a lead page of the directory. */
static void
read_centre(VdbIvfRoute *route, VdbIvfLead *lead, uint32 lane, Buffer *row, float *centre)
{
	const void *halves = vdb_ivf_row(&route->ivf->directory, route->index, lead, lane, row,
									 route->copy);

	vdb_kernel.f16_to_f32(halves, centre, route->ivf->dim);
}

static Refined
refine(VdbIvfRoute *route, VdbIvfLead *lead, uint32 page, uint32 lane, Buffer *row)
{
	const VdbIvf *ivf = route->ivf;
	Refined		r;
	double		square;

	read_centre(route, lead, lane, row, route->centre);
	square = vdb_dist(VDB_F32, VDB_L2SQ, route->query, route->centre, ivf->dim);
	r.near.gap = sqrt(square);
	r.near.base = ivf->coded_metric == VDB_L2SQ ? square :
		vdb_dist(VDB_F32, VDB_IP, route->query, route->centre, ivf->dim);
	r.near.ordinal = page * ivf->directory.lanes + lane;
	r.near.head = ItemPointerGetBlockNumberNoCheck(vdb_ivf_tid(&ivf->directory, lead, lane));
	r.key = r.near.base;
	return r;
}

static int
compare_refined(const void *a, const void *b)
{
	float		x = ((const Refined *) a)->key;
	float		y = ((const Refined *) b)->key;

	return x < y ? -1 : x > y;
}

/* Looks at the centres of the next few that may be near. */
static void
refine_more(VdbIvfRoute *route)
{
	const VdbIvfShape *shape = &route->ivf->directory;
	uint32		n = vdb_scan_take_smallest(route->lower, route->npages * shape->lanes,
										   route->expect + route->expect / 2 + 8,
										   route->estimate, route->which, &route->bound);
	uint32		left = route->nrefined - route->next;
	Buffer		row = InvalidBuffer;

	memmove(route->refined, route->refined + route->next, left * sizeof(Refined));
	route->nrefined = left;
	route->next = 0;
	for (uint32 i = 0; i < n;)
	{
		uint32		page = route->which[i] / shape->lanes;
		Buffer		buffer = vdb_page_read(route->index, route->pages[page], VDB_IVF_LEAD);
		VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));

		for (; i < n && route->which[i] / shape->lanes == page; i++)
			route->refined[route->nrefined++] =
				refine(route, lead, page, route->which[i] % shape->lanes, &row);
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	qsort(route->refined, route->nrefined, sizeof(Refined), compare_refined);
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

bool
vdb_ivf_route_home(VdbIvfRoute *route, VdbIvfNear *near, float *centre)
{
	VdbIvfNear	other;
	uint32		page;
	Buffer		buffer;
	Buffer		row = InvalidBuffer;

	/*
	 * The build puts a row where the centre is nearest, also for inner
	 * product, whose order of lists is another.
	 */
	vdb_ivf_route_expect(route, route->ivf->coded_metric == VDB_IP ? PG_INT32_MAX : 1);
	if (!vdb_ivf_route_next(route, near))
		return false;
	if (route->ivf->coded_metric == VDB_IP)
		while (vdb_ivf_route_next(route, &other))
			if (other.gap < near->gap)
				*near = other;

	page = near->ordinal / route->ivf->directory.lanes;
	buffer = vdb_page_read(route->index, route->pages[page], VDB_IVF_LEAD);
	read_centre(route, vdb_ivf_lead(BufferGetPage(buffer)),
				near->ordinal % route->ivf->directory.lanes, &row, centre);
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	vdb_page_release(buffer);
	return true;
}
