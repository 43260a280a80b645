/*
 * scan.c
 *	  Rows in order of distance, for as long as somebody asks for more.
 *
 * Lists are looked at from the nearest on.  Of each, the codes give a lower
 * bound for every entry; the entries with the lowest are refined by their 8
 * bits per dimension, and those come out whose place no other entry can take.
 * How many rows will be asked for is not known, so nothing is left out: bounds
 * of all entries looked at are kept, and when they are used up more lists
 * follow.  At the end come the rows that no distance can order: zero vectors
 * under cosine (NaN sorts after all numbers), then NULLs.
 *
 * What PostgreSQL gets with a row of 8 bits is a lower bound that cannot fail;
 * it computes the distance itself and puts rows in order by that.
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/float.h"

#include "am/common/options.h"
#include "am/ivf/ivf.h"
#include "scan/select.h"

/* Bounds from a bit per dimension hold with a probability of about 0.9999. */
#define EPSILON 1.9f

/* Entries refined at first; twice as many each time after, up to a limit. */
#define FIRST_BATCH 48
#define LAST_BATCH 65536

/* Look at so many entries for every row returned. */
#define ENTRIES_PER_ROW 16

typedef enum Stage
{
	STAGE_LISTS,				/* in order of distance */
	STAGE_ANY,					/* all rows, when no distance can order them */
	STAGE_ZEROS,				/* zero vectors */
	STAGE_NULLS,				/* rows without a vector */
	STAGE_DONE
} Stage;

typedef struct ScanPage
{
	BlockNumber block;			/* a lead page */
	uint32		list;			/* of lists */
} ScanPage;

typedef struct VdbIvfScan
{
	const VdbIvf *ivf;
	Stage		stage;
	bool		null_query;

	/* the query */
	void	   *elements;
	float	   *floats;
	float	   *rotated;
	float	   *zeros;			/* where there is no centre */
	VdbQuantTables tables;
	void	   *tables_memory;
	VdbQuantWeights weights;
	void	   *weights_memory;

	/* lists looked at */
	VdbIvfRoute *route;
	VdbIvfNear *lists;
	uint32		nlists;
	uint32		list_room;
	uint32		probes;			/* to look at before the first row */
	uint32		max_probes;
	bool		more_lists;

	/* entries looked at: of page p those from p * lanes on */
	ScanPage   *pages;
	uint32		npages;
	uint32		page_room;
	float	   *lower;			/* metric of the codes; infinite when taken */
	float	   *scratch;
	uint32	   *which;
	double		bound;			/* operator's distance of those not taken */
	uint32		batch;

	VdbScanQueue queue;
	uint64		returned;

	/* row ids without order */
	BlockNumber next_block;
	BlockNumber nblocks;
	ItemPointerData *tids;
	uint32		ntids;
	uint32		next_tid;

	void	   *copy;			/* a row that is on several pages */
} VdbIvfScan;

/* ---- the lists' entries ---- */

static void
need_pages(VdbIvfScan *so, uint32 pages)
{
	Size		n;

	if (pages <= so->page_room)
		return;
	so->page_room = Max(pages, so->page_room * 2);
	n = (Size) so->page_room * so->ivf->list.lanes;
	so->pages = repalloc_huge(so->pages, so->page_room * sizeof(ScanPage));
	so->lower = repalloc_huge(so->lower, n * sizeof(float));
	so->scratch = repalloc_huge(so->scratch, n * sizeof(float));
	so->which = repalloc_huge(so->which, n * sizeof(uint32));
}

/* Distances of the entries of a plain lead page. */
static void
scan_plain(VdbIvfScan *so, Relation index, VdbIvfLead *lead, float *out)
{
	const VdbIvf *ivf = so->ivf;
	const VdbIvfShape *shape = &ivf->list;
	VdbDistMany many = vdb_kernel.many[ivf->kind->elem][ivf->kind->metric];
	Buffer		buffer = InvalidBuffer;
	uint32		step = Max(shape->rows_per_page, 1);

	for (uint32 lane = 0; lane < shape->lanes; lane += step)
	{
		const void *rows[VDB_BLOCK * 8];
		float		d[VDB_BLOCK * 8];
		uint32		lanes[VDB_BLOCK * 8];
		uint32		n = 0;

		for (uint32 i = lane; i < Min(lane + step, shape->lanes); i++)
		{
			out[i] = INFINITY;
			if (!ItemPointerIsValid(vdb_ivf_tid(shape, lead, i)))
				continue;
			lanes[n] = i;
			rows[n++] = vdb_ivf_row(shape, index, lead, i, &buffer, so->copy);
		}
		if (n == 0)
			continue;
		many(so->elements, rows, n, ivf->dim, d);
		for (uint32 i = 0; i < n; i++)
		{
			/* Beyond float's range, or NaN: as far as can be, but not lost. */
			out[lanes[i]] = d[i] < FLT_MAX ? d[i] : FLT_MAX;
		}
	}
	if (BufferIsValid(buffer))
		vdb_page_unpin(buffer);
}

/* Looks at the entries of the next list; false if there is none. */
static bool
visit_list(VdbIvfScan *so, Relation index)
{
	const VdbIvfShape *shape = &so->ivf->list;
	VdbIvfNear	near;
	BlockNumber block;

	if (so->nlists >= so->max_probes || !vdb_ivf_route_next(so->route, &near, NULL))
		return so->more_lists = false;
	if (so->nlists == so->list_room)
	{
		so->list_room *= 2;
		so->lists = repalloc_huge(so->lists, so->list_room * sizeof(VdbIvfNear));
	}
	so->lists[so->nlists] = near;
	vdb_quant_tables_aim(&so->tables, near.base, near.gap, EPSILON);

	for (block = near.head; block != InvalidBlockNumber;)
	{
		Buffer		buffer = vdb_page_read(index, block, VDB_IVF_LEAD);
		VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));
		uint32		below[8];
		float	   *lower;

		need_pages(so, so->npages + 1);
		lower = so->lower + (Size) so->npages * shape->lanes;
		if (shape->coded)
			vdb_quant_block_scan(&so->tables,
								 (VdbQuantBlock *) vdb_ivf_block(shape, lead, 0),
								 shape->stride, shape->nblocks, INFINITY, so->scratch,
								 lower, below);
		else
			scan_plain(so, index, lead, lower);
		so->pages[so->npages].block = block;
		so->pages[so->npages++].list = so->nlists;
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	so->nlists++;
	so->bound = -INFINITY;
	return true;
}

/* The operator's distance from that of the codes. */
static double
from_coded(const VdbIvf *ivf, double d)
{
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

/*
 * A lower bound of an entry's distance that cannot fail, from its 8 bits: the
 * row's error is that of a direction at random, a sqrt(dim - 1)th of the
 * longest.  The query's own rounding to integers, half a step of 2^-14 of its
 * largest element, and that of floats come on top.
 */
static double
refined_bound(VdbIvfScan *so, const VdbIvfNear *near, const void *row)
{
	const VdbIvf *ivf = so->ivf;
	const VdbQuantRowFactors *factors = vdb_quant_row_factors(ivf->dim, VDB_QUANT_8BITS, row);
	float		estimate;
	double		length,
				slack;

	vdb_quant_row_many(&so->weights, VDB_QUANT_8BITS, near->base, &row, 1, &estimate);
	/* about the length of the residual */
	length = near->gap + sqrt(ivf->coded_metric == VDB_L2SQ ? Max(estimate, 0) : 0);
	slack = so->weights.step * sqrt(ivf->dim) * length + 1e-5 * (fabs(near->base) + fabs(estimate));
	return from_coded(ivf, estimate - factors->error * sqrt(ivf->dim) * near->gap - slack);
}

/* Refines the entries with the lowest bounds. */
static void
refine_more(VdbIvfScan *so, Relation index)
{
	const VdbIvf *ivf = so->ivf;
	const VdbIvfShape *shape = &ivf->list;
	Buffer		row = InvalidBuffer;
	float		bound;
	uint32		n = vdb_scan_take_smallest(so->lower, so->npages * shape->lanes, so->batch,
										   so->scratch, so->which, &bound);

	for (uint32 i = 0; i < n;)
	{
		uint32		page = so->which[i] / shape->lanes;
		Buffer		buffer = vdb_page_read(index, so->pages[page].block, VDB_IVF_LEAD);
		VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));

		for (; i < n && so->which[i] / shape->lanes == page; i++)
		{
			uint32		lane = so->which[i] % shape->lanes;
			ItemPointer tid = vdb_ivf_tid(shape, lead, lane);
			double		key;

			/* Vacuum may have taken it since. */
			if (!ItemPointerIsValid(tid))
				continue;
			if (shape->coded)
				key = refined_bound(so, &so->lists[so->pages[page].list],
									vdb_ivf_row(shape, index, lead, lane, &row, so->copy));
			else
				key = vdb_am_from_metric(ivf->kind, so->scratch[i]);
			vdb_scan_queue_push(&so->queue, key, tid);
		}
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	so->batch = Min(so->batch * 2, LAST_BATCH);
	so->bound = bound == INFINITY ? INFINITY :
		shape->coded ? from_coded(ivf, bound) : vdb_am_from_metric(ivf->kind, bound);
}

/* The next row of the lists, in order of distance; false if there is none. */
static bool
next_of_lists(VdbIvfScan *so, Relation index, VdbScanFound *found)
{
	for (;;)
	{
		while (so->more_lists &&
			   (so->nlists < so->probes ||
				so->returned * ENTRIES_PER_ROW > (uint64) so->npages * so->ivf->list.lanes))
			visit_list(so, index);
		if (so->queue.count > 0 && so->queue.items[0].key <= so->bound)
		{
			*found = vdb_scan_queue_pop(&so->queue);
			so->returned++;
			return true;
		}
		if (so->bound < INFINITY)
			refine_more(so, index);
		else if (so->more_lists)
		{
			/* All that was looked at is used up. */
			uint32		wanted = so->nlists + Max(so->nlists / 2, 1);

			vdb_ivf_route_expect(so->route, wanted - so->nlists);
			while (so->nlists < wanted && visit_list(so, index))
				;
		}
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

/*
 * The next row id of any list: page by page.  (Entries do not move from page
 * to page, and what is inserted behind our back is not for our eyes.)
 */
static bool
next_of_any(VdbIvfScan *so, Relation index, ItemPointer tid)
{
	while (so->next_tid == so->ntids)
	{
		Buffer		buffer;

		so->ntids = so->next_tid = 0;
		if (so->next_block >= so->nblocks)
			return false;
		if (vdb_page_try(index, so->next_block++, NULL, &buffer))
		{
			Page		page = BufferGetPage(buffer);

			if (vdb_page_opaque(page)->kind == VDB_IVF_LEAD &&
				vdb_ivf_lead(page)->list != VDB_IVF_DIRECTORY)
				take_lead(so, page);
			vdb_page_release(buffer);
		}
		CHECK_FOR_INTERRUPTS();
	}
	*tid = so->tids[so->next_tid++];
	return true;
}

static void
enter_stage(VdbIvfScan *so, Relation index, Stage stage)
{
	so->stage = stage;
	so->ntids = so->next_tid = 0;
	if (stage == STAGE_ANY)
	{
		so->next_block = 0;
		so->nblocks = RelationGetNumberOfBlocks(index);
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
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	return scan;
}

static VdbIvfScan *
create(Relation index)
{
	VdbIvf	   *ivf = vdb_ivf_open(index);
	VdbIvfScan *so = palloc0(sizeof(VdbIvfScan));
	uint32		code_dim = ivf->list.code_dim;

	so->ivf = ivf;
	so->elements = palloc(vdb_am_bytes(ivf->kind, ivf->dim));
	so->floats = palloc(ivf->dim * sizeof(float));
	so->rotated = palloc(ivf->dim * sizeof(float));
	so->tables_memory = palloc(vdb_quant_tables_size(code_dim));
	so->weights_memory = palloc(vdb_quant_weights_size(ivf->dim));
	so->copy = palloc(ivf->list.row_size);
	so->route = vdb_ivf_route_create(ivf, index);
	so->list_room = 16;
	so->lists = palloc(so->list_room * sizeof(VdbIvfNear));
	so->pages = palloc(1);
	so->lower = palloc(1);
	so->scratch = palloc(1);
	so->which = palloc(1);
	so->tids = palloc(Max(VDB_IVF_TIDS_PER_PAGE, ivf->list.lanes) * sizeof(ItemPointerData));
	need_pages(so, 16);
	vdb_scan_queue_init(&so->queue);
	return so;
}

static void
begin_query(VdbIvfScan *so, Relation index, Datum query)
{
	const VdbIvf *ivf = so->ivf;
	VdbAmVector vector;

	vdb_am_vector(ivf->kind, query, &vector);
	vdb_am_check_dim(ivf->kind, ivf->dim, vector.dim);
	memcpy(so->elements, vector.elements, vdb_am_bytes(ivf->kind, ivf->dim));
	vdb_am_vector_free(&vector);

	so->probes = vdb_ivf_probes(ivf);
	so->max_probes = PG_UINT32_MAX;
	so->more_lists = true;
	if (!vdb_ivf_rotate(ivf, so->elements, so->floats, so->rotated))
	{
		/* Every distance to it is NaN. */
		enter_stage(so, index, STAGE_ANY);
		return;
	}
	vdb_quant_tables_init(&so->tables, ivf->list.code_dim, so->rotated, so->tables_memory);
	if (ivf->list.coded)
		vdb_quant_weights_init(&so->weights, ivf->dim, so->rotated, so->weights_memory);
	vdb_ivf_route_begin(so->route, so->rotated, &so->tables);
	vdb_ivf_route_expect(so->route, so->probes);
	enter_stage(so, index, STAGE_LISTS);
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
		scan->opaque = so = create(scan->indexRelation);

	so->nlists = so->npages = 0;
	so->bound = INFINITY;
	so->batch = FIRST_BATCH;
	so->queue.count = 0;
	so->returned = 0;
	if (so->ivf->meta.directory == InvalidBlockNumber)
	{
		/* Nothing was ever inserted. */
		enter_stage(so, scan->indexRelation, STAGE_DONE);
		return;
	}
	so->null_query = (scan->orderByData->sk_flags & SK_ISNULL) != 0;
	if (so->null_query)
		enter_stage(so, scan->indexRelation, STAGE_ANY);
	else
		begin_query(so, scan->indexRelation, scan->orderByData->sk_argument);
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
				return give(scan, &found.tid, false, found.key, so->ivf->list.coded);
			enter_stage(so, index, STAGE_ZEROS);
			break;
		case STAGE_ANY:
			if (next_of_any(so, index, &found.tid))
				return give(scan, &found.tid, so->null_query, get_float8_nan(), false);
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

void
vdb_ivf_end_scan(IndexScanDesc scan)
{
	/* Nothing is pinned between calls, and memory goes with its context. */
}
