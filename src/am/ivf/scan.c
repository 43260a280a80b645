/*
 * scan.c
 *	  Rows in order of distance, for as long as somebody asks for more.
 *
 * Lists are looked at from the nearest on.  Of each, the codes give a lower
 * bound for every entry; those with the lowest are kept as candidates, and
 * refined by their 8, 4, 2 or 1 bits per dimension; and those come out whose place no
 * other entry can take.  How many rows will be asked for is not known: when
 * the candidates are used up, the same lists are looked at again for more of
 * them, and then further lists follow.  At the end come the rows that no
 * distance can order: zero vectors under cosine (NaN sorts after all numbers),
 * then NULLs.
 *
 * Of a row of 8 bits the index knows a lower bound that cannot fail, of one of fewer a
 * bound that seldom does; it comes out in order of its distance in the table
 * (am/common/exact.c).
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "am/common/options.h"
#include "am/common/scan.h"
#include "am/ivf/scan.h"
#include "heap/heap.h"
#include "point/point.h"

/* ---- rows without order ---- */

static bool
is_wanted(VdbIvfScan *so, ItemPointer tid, const char *codes)
{
	return !so->filter.active || vdb_ivf_passes(so, tid, codes);
}

/* Copies the row ids of a lead page. */
static void
take_lead(VdbIvfScan *so, Page page)
{
	VdbIvfLead *lead = vdb_ivf_lead(page);

	for (uint32 lane = 0; lane < so->ivf->list.lanes; lane++)
	{
		ItemPointer tid = vdb_ivf_tid(&so->ivf->list, lead, lane);

		if (ItemPointerIsValid(tid) &&
			is_wanted(so, tid, vdb_ivf_codes(&so->ivf->list, lead, lane)))
			so->tids[so->ntids++] = *tid;
	}
}

static void
take_tids(VdbIvfScan *so, Page page)
{
	VdbIvfTids *tids = (VdbIvfTids *) vdb_page_contents(page);

	uint32		count = Min(tids->count, so->ivf->tids_per_page);

	so->ntids = 0;
	for (uint32 i = 0; i < count; i++)
		/* Only damage leaves invalid ones. */
		if (ItemPointerIsValid(&tids->tids[i]) &&
			is_wanted(so, &tids->tids[i], vdb_ivf_tids_codes(so->ivf, tids, i)))
			so->tids[so->ntids++] = tids->tids[i];
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
		VDB_PAUSE("ivf-scan-chain");
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

		vdb_ivf_route_begin(so->route, so->state.version, order, so->query.rotated,
							&so->tables);
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
	vdb_am_columns_open(index, &so->columns);
	so->filter.context = AllocSetContextCreate(context, "ivf filter", ALLOCSET_SMALL_SIZES);
	vdb_am_query_create(&so->query, &ivf->space);
	so->tables_memory = palloc(vdb_quant_tables_size(ivf->directory.code_dim));
	if (ivf->list.product)
	{
		so->codes_memory = palloc(vdb_quant_tables_size(ivf->list.code_dim));
		so->lut = palloc(ivf->pq.m * ivf->pq.ncentroids * sizeof(float));
	}
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
	so->tids = palloc(Max(ivf->tids_per_page, ivf->list.lanes) * sizeof(ItemPointerData));
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
	memset(&so->total, 0, sizeof(so->total));
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

/* What codes need of the query: its place. */
static void
make_tables(VdbIvfScan *so)
{
	const VdbIvf *ivf = so->ivf;

	vdb_quant_tables_init(&so->tables, ivf->directory.code_dim, so->query.rotated,
						  so->tables_memory);
	so->codes = so->tables;
	if (ivf->list.product)
		vdb_quant_pq4_query(&so->codes, &ivf->pq, so->query.rotated, so->lut, so->codes_memory);
	vdb_am_query_aim(&so->query);
}

static void
begin_query(VdbIvfScan *so, Relation index)
{
	so->probes = vdb_ivf_probes(so->ivf, &so->state, &so->max_probes);
	so->more_lists = true;
	so->target = vdb_ivf_target(so->ivf);
	if (!vdb_am_query_place(&so->query))
	{
		/* Every distance to it is NaN. */
		enter_stage(so, index, STAGE_ANY);
		return;
	}
	if (vdb_am_is_far(so->query.rotated))
	{
		/* What is near there, codes cannot say. */
		enter_stage(so, index, STAGE_FAR);
		return;
	}
	make_tables(so);
	begin_route(so, index, VDB_IVF_BY_BASE);
	VDB_PAUSE("ivf-scan-routed");
	enter_stage(so, index, STAGE_LISTS);
}

static void
reset(VdbIvfScan *so)
{
	vdb_am_exact_reset(&so->exact);
	so->nlists = so->ncandidates = so->next = so->nloose = 0;
	so->entries = 0;
	so->keep = so->ivf->space.dim < WIDE ? FIRST_KEEP : FIRST_KEEP_WIDE;
	so->refined = -INFINITY;
	so->limit = INFINITY;
	so->bound = -INFINITY;
	so->queue.count = 0;
	so->probes = so->returned = 0;
	so->given = so->settled = 0;
	so->tested = so->passed = 0;
}

/* What a scan has done since it began, or began anew. */
static VdbAmLastScan
counted(const VdbIvfScan *so)
{
	return (VdbAmLastScan) {
		.index = so->index,
		.width = so->probes,
		.nodes = so->nlists,
		.entries = so->entries,
		.rows = so->given,
		.tested = so->tested,
		.passed = so->passed,
	};
}

/* Tells vecdb_last_scan(). */
static void
report(VdbIvfScan *so)
{
	vdb_am_last_scan = counted(so);
	vdb_am_add_scan(&so->total, &vdb_am_last_scan);
}

static void
counts_of(IndexScanDesc scan, VdbAmLastScan *counts)
{
	const VdbIvfScan *so = vdb_am_scan(scan)->state;
	VdbAmLastScan now = counted(so);

	*counts = so->total;
	vdb_am_add_scan(counts, &now);
}

IndexScanDesc
vdb_ivf_begin_scan(Relation index, int nkeys, int norderbys)
{
	return vdb_am_scan_begin(index, nkeys, norderbys, counts_of);
}

/* Ends a scan's use of its state. */
static void
end_state(VdbIvfScan *so)
{
	vdb_am_exact_end(&so->exact);
	report(so);
	keep_state(so);
}

void
vdb_ivf_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	VdbIvfScan *so = vdb_am_scan(scan)->state;

	if (keys != NULL && nkeys > 0)
		memmove(scan->keyData, keys, nkeys * sizeof(ScanKeyData));
	if (orderbys != NULL && norderbys > 0)
		memmove(scan->orderByData, orderbys, norderbys * sizeof(ScanKeyData));
	if (scan->numberOfOrderBys != 1)
		elog(ERROR, "an ivf index is scanned in order of one distance");
	if (so != NULL && so->ivf->meta.directory == InvalidBlockNumber)
	{
		/* The index was empty, and may have been begun since. */
		end_state(so);
		so = NULL;
	}
	else if (so != NULL)
		report(so);
	if (so == NULL)
		vdb_am_scan(scan)->state = so = take_state(scan->indexRelation);

	reset(so);
	so->null_query = (scan->orderByData->sk_flags & SK_ISNULL) != 0;
	if (!so->null_query)
		vdb_am_query_take(&so->query, scan->orderByData->sk_argument);
	vdb_am_filter_set(&so->filter, &so->columns, scan->keyData, scan->numberOfKeys,
					  vdb_am_scan(scan)->within);
	if (so->ivf->meta.directory == InvalidBlockNumber || so->filter.nothing)
	{
		/* Nothing was ever inserted, or nothing is wanted. */
		enter_stage(so, scan->indexRelation, STAGE_DONE);
		return;
	}
	vdb_ivf_read_state(scan->indexRelation, so->ivf, &so->state);
	so->standby = RecoveryInProgress();
	VDB_PAUSE("ivf-scan-begun");
	if (vdb_am_scan(scan)->part == VDB_AM_NANS)
		enter_stage(so, scan->indexRelation, STAGE_ZEROS);
	else if (vdb_am_scan(scan)->part == VDB_AM_NULLS)
		enter_stage(so, scan->indexRelation, STAGE_NULLS);
	else if (so->null_query)
		enter_stage(so, scan->indexRelation, STAGE_ANY);
	else
		begin_query(so, scan->indexRelation);
	pgstat_count_index_scan(scan->indexRelation);
	VDB_COMPAT_COUNT_SEARCH(scan);
}

/* The next row in order of bounds: of what lists there are, or of all that is. */
static bool
next_bounded(IndexScanDesc scan, VdbScanFound *found)
{
	VdbIvfScan *so = vdb_am_scan(scan)->state;

	if (so->stage == STAGE_LISTS)
		return vdb_ivf_next_of_lists(so, scan->indexRelation, scan->heapRelation, found);
	found->key = -INFINITY;
	return next_of_any(so, scan->indexRelation, &found->tid);
}

static bool
give(IndexScanDesc scan, ItemPointer tid, bool null, double distance)
{
	VdbIvfScan *so = vdb_am_scan(scan)->state;

	so->given++;
	return vdb_am_scan_give(scan, tid, null, distance);
}

/* A stage has no more rows. */
static void
leave_stage(IndexScanDesc scan, Stage next)
{
	enter_stage(vdb_am_scan(scan)->state, scan->indexRelation,
				vdb_am_scan(scan)->part == VDB_AM_ALL ? next : STAGE_DONE);
}

bool
vdb_ivf_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	VdbIvfScan *so = vdb_am_scan(scan)->state;
	Relation	index = scan->indexRelation;
	VdbScanFound found;

	Assert(ScanDirectionIsForward(direction));
	switch (so->stage)
	{
		case STAGE_LISTS:
		case STAGE_FAR:
			if (vdb_am_exact_next(&so->exact, scan, next_bounded, &found))
				return give(scan, &found.tid, false, found.key);
			leave_stage(scan, STAGE_ZEROS);
			break;
		case STAGE_ANY:
			if (next_of_any(so, index, &found.tid))
				return give(scan, &found.tid, so->null_query, get_float8_nan());
			leave_stage(scan, STAGE_ZEROS);
			break;
		default:
			break;
	}
	if (so->stage == STAGE_ZEROS)
	{
		if (next_of_chain(so, index, &found.tid))
			return give(scan, &found.tid, so->null_query, get_float8_nan());
		leave_stage(scan, STAGE_NULLS);
	}
	if (so->stage == STAGE_NULLS)
	{
		if (next_of_chain(so, index, &found.tid))
			return give(scan, &found.tid, true, 0);
		leave_stage(scan, STAGE_DONE);
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
	memcpy(so->query.rotated, rotated, ivf->space.dim * sizeof(float));
	if (vdb_am_is_plain(&ivf->space))
		vdb_am_query_elements(&so->query, row);
	vdb_am_query_place_floats(&so->query);
	make_tables(so);
	vdb_ivf_route_begin(so->route, so->state.version, VDB_IVF_BY_BASE, so->query.rotated,
						&so->tables);
	vdb_ivf_visit_lists(so, index, lists);
	n = so->ncandidates;
	found = palloc(Max(n, 1) * sizeof(Ranked));
	for (uint32 i = 0; i < n; i++)
	{
		Candidate  *c = &so->candidates[i];

		found[i] = (Ranked) {c->lower, c->list};
		if (ivf->list.coded)
		{
			Buffer		buffer;
			const void *codes = vdb_ivf_candidate_row(so, index, c, &buffer);

			vdb_quant_row_many(&so->query.weights, ivf->space.bits,
							   so->lists[c->list].near.base, &codes, 1, &found[i].distance);
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
	VdbIvfScan *so = vdb_am_scan(scan)->state;

	/* Nothing is pinned between calls. */
	if (so != NULL)
		end_state(so);
	pfree(scan->opaque);
	scan->opaque = NULL;
}
