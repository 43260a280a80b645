/*
 * scan.c
 *	  Rows in order of distance, for as long as somebody asks for more.
 *
 * First the graph is followed, ef nodes at a time, wider each time; when that
 * would take longer than to look at all nodes, or more memory than it may have,
 * all nodes are looked at instead (sweep.c).  At the end come the rows that no
 * distance can order: zero vectors under cosine (NaN sorts after all numbers),
 * then NULLs.
 *
 * Of a row the index knows a lower bound that cannot fail; it comes out in order of
 * its distance in the table (am/common/exact.c).
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "am/common/exact.h"
#include "am/common/options.h"
#include "am/common/scan.h"
#include "am/hnsw/hnsw.h"
#include "heap/heap.h"
#include "point/point.h"
#include "scan/select.h"

const double vdb_hnsw_recalls[VDB_HNSW_NRECALLS] = {
	0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1
};

/* A search is so wide where nothing else is known: pgvector's default. */
#define USUAL_EF 40

/* Wider each time that more rows are wanted, up to so many nodes. */
#define MORE_EF 2
#define MOST_EF 4096

/*
 * The last of those that a search has found are not all that is so near.  So beyond
 * the first few rows no more come out than one for so many nodes found: the others
 * wait for what a wider search finds between them.  For more nodes where many were
 * asked for: whoever tests rows above the scan, and takes few of them, looks for
 * what is at the border of all that was found, where most is missed.
 */
#define FIRST_ROWS 20
#define FOUND_FOR_ROW 2
#define MANY_ROWS 128
#define FOUND_FOR_MANY 4

/* So many rows of the table are fetched into the CPU's caches: those of LIMIT 10. */
#define AHEAD 12

/* All nodes are looked at when the graph has led to so large a part of them. */
#define SWEEP_SHARE 4

/* Nodes of a first pass over all of them; each has as many times more. */
#define FIRST_SWEEP 1024
#define MORE_SWEEP 8

/* With a filter, for each that the search was to find. */
#define FILTERED_SWEEP 4

typedef enum Stage
{
	STAGE_GRAPH,				/* in order of distance */
	STAGE_SWEEP,				/* the same, of all nodes that are left */
	STAGE_ANY,					/* all rows, when no distance can order them */
	STAGE_FAR,					/* all rows, by their exact distances */
	STAGE_ZEROS,				/* zero vectors */
	STAGE_NULLS,				/* rows without a vector */
	STAGE_DONE
} Stage;

typedef struct VdbHnswScan
{
	MemoryContext context;		/* of all this */
	MemoryContext sweeping;		/* of sweep */
	Oid			index;
	RelFileNumber file;			/* REINDEX makes another */
	const VdbHnsw *hnsw;
	VdbAmColumns columns;
	VdbAmFilter filter;			/* what is returned passes it */
	VdbHnswSearch *search;
	VdbAmQuery *query;
	Stage		stage;
	bool		null_query;

	uint32		width;			/* by the settings */
	uint32		ef;				/* of the next search */
	VdbAmIterative iterative;
	uint32	   *returned;		/* nodes, until there is a sweep */
	uint32		nreturned;
	uint32		returned_room;
	VdbHnswSweep *sweep;
	uint32		sweep_most;
	VdbAmLastScan total;		/* of this scan, before it began anew */
	VdbScanQueue queue;
	VdbAmExact	exact;
	double		last;			/* distance returned */
	uint64		given;			/* rows */

	VdbHnswRows rows;			/* of a node, or without order */
	uint32		next_row;
	void	   *row;			/* a copy */
} VdbHnswScan;

uint32
vdb_hnsw_ef(const VdbHnswState *state)
{
	int			ef = vdb_am_hnsw_ef_search();
	uint32		width;

	if (ef > 0)
		return ef;
	if (state->measured_k == 0)
		return USUAL_EF;
	width = vdb_am_width(vdb_hnsw_recalls, state->efs, VDB_HNSW_NRECALLS, vdb_am_target_recall);
	return Max(Min(width, MOST_EF), 1);
}

/* Does a row of those collected pass? */
static inline bool
row_passes(const VdbHnswScan *so, uint32 i)
{
	return vdb_am_filter_passes(&so->filter, &so->rows.tids[i],
								vdb_hnsw_rows_codes(so->hnsw, &so->rows, i));
}

/* ---- rows in order ---- */

/* The bound of a node's row; searches of the graph know it. */
static double
bound_of(VdbHnswScan *so, Relation index, uint32 node)
{
	VdbAmQuery *query = so->query;
	Buffer		buffer;
	VdbHnswSlot *slot = vdb_hnsw_pin(so->hnsw, index, node, &buffer);
	double		bound = vdb_am_query_bound(query, vdb_am_query_base(query), query->length,
										   vdb_hnsw_row(so->hnsw, slot));

	vdb_page_unpin(buffer);
	return bound;
}

/*
 * A node's rows go into the queue, with a bound of their distance.  The first one
 * passed, under a lock, if it is the only one.
 */
static void
queue_node(VdbHnswScan *so, Relation index, const VdbHnswFound *found, double bound)
{
	const VdbHnsw *hnsw = so->hnsw;
	VdbAmQuery *query = so->query;

	vdb_hnsw_search_counts(so->search)->bounds++;
	if (found->more == VDB_HNSW_NONE && ItemPointerIsValid(&found->tid))
	{
		ItemPointerData tid = found->tid;

		vdb_scan_queue_push(&so->queue, bound, &tid);
		return;
	}
	so->rows.count = 0;
	if (vdb_hnsw_collect(hnsw, index, found->node, so->row, &so->rows) && so->rows.count > 0)
	{
		double		key = vdb_am_query_bound(query, vdb_am_query_base(query), query->length,
											 so->row);

		for (uint32 i = 0; i < so->rows.count; i++)
			if (row_passes(so, i))
				vdb_scan_queue_push(&so->queue, key, &so->rows.tids[i]);
	}
}

static void
note_returned(VdbHnswScan *so, uint32 node)
{
	if (so->nreturned == so->returned_room)
	{
		so->returned_room *= 2;
		so->returned = repalloc_huge(so->returned, so->returned_room * sizeof(uint32));
	}
	so->returned[so->nreturned++] = node;
}

static void
create_sweep(VdbHnswScan *so, Relation index)
{
	MemoryContext old = MemoryContextSwitchTo(so->sweeping);

	so->sweep = vdb_hnsw_sweep_create(so->hnsw, index, &so->filter,
									  vdb_hnsw_search_counts(so->search));
	MemoryContextSwitchTo(old);
}

/* A filtered search may well have begun with a sweep, for a few rows. */
static uint32
first_sweep(const VdbHnswScan *so)
{
	return so->filter.active ? Min(so->width * FILTERED_SWEEP, FIRST_SWEEP) : FIRST_SWEEP;
}

/* From now on all nodes are looked at but those whose rows were returned. */
static void
begin_sweep(VdbHnswScan *so, Relation index)
{
	create_sweep(so, index);
	for (uint32 i = 0; i < so->nreturned; i++)
		vdb_hnsw_sweep_skip(so->sweep, so->returned[i]);
	so->sweep_most = first_sweep(so);
	VDB_PAUSE("hnsw-scan-sweeps");
	so->stage = STAGE_SWEEP;
}

/* Would it be dearer to follow the graph further than to look at all nodes? */
static bool
is_time_to_sweep(const VdbHnswScan *so, Relation index)
{
	uint64		nodes = (uint64) RelationGetNumberOfBlocks(index) * so->hnsw->per_page;

	return vdb_hnsw_search_counts(so->search)->distances * SWEEP_SHARE > nodes ||
		vdb_hnsw_search_memory(so->search) + so->returned_room * sizeof(uint32) >
		vdb_am_hnsw_scan_memory();
}

/* Has the scan had all that the settings allow? */
static bool
is_enough(const VdbHnswScan *so)
{
	VdbHnswCounts *counts = vdb_hnsw_search_counts(so->search);

	return so->iterative == VDB_AM_ITERATIVE_OFF || VDB_FAULT("hnsw-ends-early") ||
		counts->distances > (uint64) vdb_am_hnsw_max_scan_tuples();
}

/* More nodes into the queue, or a sweep where the graph has no more to give. */
static void
more_of_graph(VdbHnswScan *so, IndexScanDesc scan)
{
	Relation	index = scan->indexRelation;
	bool		first = so->ef == so->width;
	VdbHnswFound *found;
	uint32		n,
				nahead;

	if (!first && is_time_to_sweep(so, index))
	{
		begin_sweep(so, index);
		return;
	}
	n = vdb_hnsw_search_more(so->search, index, so->ef, &found);
	so->ef = Min(Max(so->ef * MORE_EF, so->width + 1), MOST_EF);
	VDB_PAUSE("hnsw-scan-found");
	nahead = Min(n, AHEAD);
	for (uint32 i = 0; i < nahead; i++)
		vdb_heap_prefetch_pointer(scan->heapRelation, &found[i].tid);
	for (uint32 i = 0; i < n; i++)
	{
		queue_node(so, index, &found[i], found[i].bound);
		note_returned(so, found[i].node);
	}
	for (uint32 i = 0; i < nahead; i++)
		vdb_heap_prefetch_row(scan->heapRelation, &found[i].tid);
	if (vdb_hnsw_search_yields(so->search))
	{
		vdb_am_scan(scan)->yielded = true;
		so->stage = STAGE_DONE;
	}
	else if (n == 0)
		begin_sweep(so, index);
}

static bool
more_of_sweep(VdbHnswScan *so, Relation index)
{
	MemoryContext old = MemoryContextSwitchTo(so->sweeping);
	Size		room = vdb_am_hnsw_scan_memory() / (2 * (sizeof(VdbHnswFound) + sizeof(float)));
	uint32		most = Max(Min(so->sweep_most, room), first_sweep(so));
	VdbHnswFound *found;
	uint32		n = vdb_hnsw_sweep_nearest(so->sweep, index, so->query, most, &found);

	MemoryContextSwitchTo(old);
	VDB_PAUSE("hnsw-scan-swept");
	for (uint32 i = 0; i < n; i++)
		queue_node(so, index, &found[i], bound_of(so, index, found[i].node));
	so->sweep_most = Min((uint64) most * MORE_SWEEP, PG_INT32_MAX);
	return n > 0;
}

/* Is what the queue has sure enough to go out? */
static bool
is_ahead(const VdbHnswScan *so)
{
	uint64		found = so->given * (so->given < MANY_ROWS ? FOUND_FOR_ROW : FOUND_FOR_MANY);

	return so->stage != STAGE_GRAPH || so->given < FIRST_ROWS || is_enough(so) ||
		found < so->nreturned;
}

/* The next row in order; false if there is none. */
static bool
search_in_order(VdbHnswScan *so, IndexScanDesc scan, VdbScanFound *found)
{
	for (;;)
	{
		if (so->queue.count > 0 && is_ahead(so))
		{
			*found = vdb_scan_queue_pop(&so->queue);
			return true;
		}
		/* What was found goes out before more is looked for. */
		if (so->queue.count == 0 && so->exact.queue.count > 0)
		{
			found->key = INFINITY;
			ItemPointerSetInvalid(&found->tid);
			return true;
		}
		if (so->nreturned > 0 && is_enough(so))
		{
			so->stage = STAGE_DONE;
			return false;
		}
		if (so->stage == STAGE_GRAPH)
			more_of_graph(so, scan);
		else if (so->stage == STAGE_DONE || !more_of_sweep(so, scan->indexRelation))
			return false;
		CHECK_FOR_INTERRUPTS();
	}
}

static bool
next_in_order(VdbHnswScan *so, IndexScanDesc scan, VdbScanFound *found)
{
	MemoryContext old = MemoryContextSwitchTo(so->context);
	bool		result = search_in_order(so, scan, found);

	MemoryContextSwitchTo(old);
	return result;
}

/* ---- rows without order ---- */

/* The next of rows collected that passes; false if there is none. */
static bool
next_collected(VdbHnswScan *so, ItemPointer tid)
{
	while (so->next_row < so->rows.count)
	{
		uint32		i = so->next_row++;

		*tid = so->rows.tids[i];
		if (row_passes(so, i))
			return true;
	}
	return false;
}

/* The next row of any node. */
static bool
next_of_any(VdbHnswScan *so, Relation index, ItemPointer tid)
{
	while (!next_collected(so, tid))
	{
		MemoryContext old = MemoryContextSwitchTo(so->sweeping);
		VdbHnswFound *found;
		uint32		n;
		bool		more = vdb_hnsw_sweep_page(so->sweep, index, &n, &found);

		MemoryContextSwitchTo(so->context);
		so->rows.count = so->next_row = 0;
		for (uint32 i = 0; i < n; i++)
			vdb_hnsw_collect(so->hnsw, index, found[i].node, NULL, &so->rows);
		MemoryContextSwitchTo(old);
		if (!more)
			return false;
	}
	return true;
}

static void
enter_stage(VdbHnswScan *so, Relation index, Stage stage)
{
	MemoryContext old = MemoryContextSwitchTo(so->context);

	so->stage = stage;
	so->rows.count = so->next_row = 0;
	if (stage == STAGE_ANY || stage == STAGE_FAR)
		create_sweep(so, index);
	else if (stage == STAGE_ZEROS)
		vdb_hnsw_collect(so->hnsw, index, VDB_HNSW_ZEROS, NULL, &so->rows);
	else if (stage == STAGE_NULLS)
		vdb_hnsw_collect(so->hnsw, index, VDB_HNSW_NULLS, NULL, &so->rows);
	MemoryContextSwitchTo(old);
}

/* ---- the state of a scan ---- */

/*
 * The state of the last scan, kept for the next one of the same index: making
 * it anew costs a tenth of a search.
 */
static VdbHnswScan *kept;

/* More memory than this is not kept. */
#define KEPT_BYTES (1024 * 1024)

static VdbHnswScan *
create(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw scan",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VdbHnswScan	   *so = palloc0(sizeof(VdbHnswScan));

	so->context = context;
	so->sweeping = AllocSetContextCreate(context, "hnsw sweep", ALLOCSET_DEFAULT_SIZES);
	so->index = RelationGetRelid(index);
	so->file = VDB_COMPAT_RELNUMBER(index);
	so->hnsw = vdb_hnsw_open(index);
	vdb_am_columns_open(index, &so->columns);
	so->filter.context = AllocSetContextCreate(context, "hnsw filter", ALLOCSET_SMALL_SIZES);
	so->search = vdb_hnsw_search_create(so->hnsw);
	so->query = vdb_hnsw_search_query(so->search);
	so->returned_room = 256;
	so->returned = palloc(so->returned_room * sizeof(uint32));
	so->row = palloc(so->hnsw->space.row_size);
	vdb_scan_queue_init(&so->queue);
	MemoryContextSwitchTo(old);
	return so;
}

/* State for a scan: what was kept, if it fits, in the current context. */
static VdbHnswScan *
take_state(Relation index)
{
	VdbHnswScan	   *so = kept;

	if (so == NULL || so->index != RelationGetRelid(index) ||
		so->file != VDB_COMPAT_RELNUMBER(index) || !vdb_hnsw_is_same(index, so->hnsw))
		return create(index);
	kept = NULL;
	memset(&so->total, 0, sizeof(so->total));
	MemoryContextSetParent(so->context, CurrentMemoryContext);
	return so;
}

/* Keeps the state of a scan that ends, or gives it back. */
static void
keep_state(VdbHnswScan *so)
{
	MemoryContextReset(so->sweeping);
	if (so->hnsw->meta.scale == 0 ||
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

/* What a scan has done since it began, or began anew. */
static VdbAmLastScan
counted(const VdbHnswScan *so)
{
	const VdbHnswCounts *counts = vdb_hnsw_search_counts(so->search);

	return (VdbAmLastScan)
	{
		.index = so->index,.graph = true,.width = so->width,.nodes = counts->nodes,
			.entries = counts->entries,.distances = counts->distances,.bounds = counts->bounds,
			.rows = so->given,.sweeps = counts->sweeps,.tested = counts->tested,
			.passed = counts->passed,.bridged = counts->bridged
	};
}

/* Tells vecdb_last_scan(). */
static void
note_last(VdbHnswScan *so)
{
	vdb_am_last_scan = counted(so);
	vdb_am_add_scan(&so->total, &vdb_am_last_scan);
}

/* Ends a scan's use of its state. */
static void
end_state(VdbHnswScan *so)
{
	vdb_am_exact_end(&so->exact);
	note_last(so);
	keep_state(so);
}

static void
counts_of(IndexScanDesc scan, VdbAmLastScan *counts)
{
	const VdbHnswScan *so = vdb_am_scan(scan)->state;
	VdbAmLastScan now = counted(so);

	*counts = so->total;
	vdb_am_add_scan(counts, &now);
}

/* ---- the access method's functions ---- */

static void
reset(VdbHnswScan *so)
{
	MemoryContextReset(so->sweeping);
	so->sweep = NULL;
	so->ef = so->width = 0;
	so->nreturned = 0;
	so->queue.count = 0;
	so->rows.count = so->next_row = 0;
	so->last = -INFINITY;
	vdb_am_exact_reset(&so->exact);
	so->given = 0;
	memset(vdb_hnsw_search_counts(so->search), 0, sizeof(VdbHnswCounts));
}

/* What to do for a query, which may be such that nothing is near it. */
static void
begin_query(VdbHnswScan *so, Relation index, double yield_rows)
{
	VdbHnswState state;

	vdb_hnsw_read_state(index, &state);
	so->ef = so->width = vdb_hnsw_ef(&state);
	so->iterative = vdb_am_hnsw_iterative();
	if (!vdb_am_query_place(so->query))
	{
		/* Every distance to it is NaN. */
		enter_stage(so, index, STAGE_ANY);
		return;
	}
	if (vdb_am_is_far(so->query->rotated))
	{
		/* What is near there, codes cannot say. */
		enter_stage(so, index, STAGE_FAR);
		return;
	}
	vdb_am_query_aim(so->query);
	vdb_hnsw_search_begin(so->search, index);
	vdb_hnsw_search_filter(so->search, index, &so->filter, yield_rows);
	enter_stage(so, index, STAGE_GRAPH);
}

IndexScanDesc
vdb_hnsw_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = vdb_am_scan_begin(index, nkeys, norderbys, counts_of);

	vdb_am_scan(scan)->can_yield = true;
	return scan;
}

void
vdb_hnsw_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	VdbHnswScan	   *so = vdb_am_scan(scan)->state;

	if (keys != NULL && nkeys > 0)
		memmove(scan->keyData, keys, nkeys * sizeof(ScanKeyData));
	if (orderbys != NULL && norderbys > 0)
		memmove(scan->orderByData, orderbys, norderbys * sizeof(ScanKeyData));
	if (scan->numberOfOrderBys != 1)
		elog(ERROR, "an hnsw index is scanned in order of one distance");
	if (so != NULL && so->hnsw->meta.scale == 0)
	{
		/* the index was empty */
		end_state(so);
		so = NULL;
	}
	if (so == NULL)
		vdb_am_scan(scan)->state = so = take_state(scan->indexRelation);
	else
		note_last(so);

	reset(so);
	vdb_am_scan(scan)->yielded = false;
	vdb_am_filter_set(&so->filter, &so->columns, scan->keyData, scan->numberOfKeys,
					  vdb_am_scan(scan)->within);
	so->null_query = (scan->orderByData->sk_flags & SK_ISNULL) != 0;
	if (so->filter.nothing)
		so->stage = STAGE_DONE;
	else if (vdb_am_scan(scan)->part == VDB_AM_NANS)
		enter_stage(so, scan->indexRelation, STAGE_ZEROS);
	else if (vdb_am_scan(scan)->part == VDB_AM_NULLS)
		enter_stage(so, scan->indexRelation, STAGE_NULLS);
	else if (so->null_query)
		enter_stage(so, scan->indexRelation, STAGE_ANY);
	else
	{
		vdb_am_query_take(so->query, scan->orderByData->sk_argument);
		begin_query(so, scan->indexRelation, vdb_am_scan(scan)->yield_rows);
	}
	pgstat_count_index_scan(scan->indexRelation);
	VDB_COMPAT_COUNT_SEARCH(scan);
}

/* The next row in order of bounds: of the graph, or of all that is. */
static bool
next_bounded(IndexScanDesc scan, VdbScanFound *found)
{
	VdbHnswScan *so = vdb_am_scan(scan)->state;

	if (so->stage == STAGE_FAR)
	{
		found->key = -INFINITY;
		return next_of_any(so, scan->indexRelation, &found->tid);
	}
	return so->stage <= STAGE_SWEEP && next_in_order(so, scan, found);
}

/* The next row in order of distance; strictly so, what came late is left out. */
static bool
next_exact(IndexScanDesc scan, VdbScanFound *found)
{
	VdbHnswScan *so = vdb_am_scan(scan)->state;

	while (vdb_am_exact_next(&so->exact, scan, next_bounded, found))
	{
		if (so->iterative == VDB_AM_ITERATIVE_STRICT && found->key < so->last)
			continue;
		so->last = found->key;
		return true;
	}
	return false;
}

static bool
give(IndexScanDesc scan, ItemPointer tid, bool null, double distance)
{
	VdbHnswScan *so = vdb_am_scan(scan)->state;

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
vdb_hnsw_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	VdbHnswScan	   *so = vdb_am_scan(scan)->state;
	Relation	index = scan->indexRelation;
	VdbScanFound found;
	ItemPointerData tid;

	Assert(ScanDirectionIsForward(direction));
	switch (so->stage)
	{
		case STAGE_GRAPH:
		case STAGE_SWEEP:
		case STAGE_FAR:
			if (next_exact(scan, &found))
				return give(scan, &found.tid, false, found.key);
			if (so->stage != STAGE_DONE)
				leave_stage(scan, STAGE_ZEROS);
			break;
		case STAGE_ANY:
			if (next_of_any(so, index, &tid))
				return give(scan, &tid, so->null_query, get_float8_nan());
			leave_stage(scan, STAGE_ZEROS);
			break;
		default:
			break;
	}
	if (so->stage == STAGE_ZEROS)
	{
		if (next_collected(so, &tid))
			return give(scan, &tid, so->null_query, get_float8_nan());
		leave_stage(scan, STAGE_NULLS);
	}
	if (so->stage == STAGE_NULLS)
	{
		if (next_collected(so, &tid))
			return give(scan, &tid, true, 0);
		leave_stage(scan, STAGE_DONE);
	}
	return false;
}

void
vdb_hnsw_scan_leave_out(IndexScanDesc scan, ItemPointer tid)
{
	VdbHnswScan	   *so = vdb_am_scan(scan)->state;

	vdb_hnsw_search_leave_out(so->search, tid);
}

void
vdb_hnsw_end_scan(IndexScanDesc scan)
{
	VdbHnswScan *so = vdb_am_scan(scan)->state;

	/* Nothing is pinned between calls. */
	if (so != NULL)
		end_state(so);
	pfree(scan->opaque);
	scan->opaque = NULL;
}
