/*
 * near.c
 *	  Rows of the bitmap in order of their exact distances.
 *
 * All rows are read, in the order of the table, some of them fetched into the
 * CPU's caches ahead, and of those that meet the conditions the distance is kept,
 * with the row id.  A row is read again when it is its turn.  Conditions come first:
 * the distance of a row that row security hides is never computed.
 */
#include "postgres.h"

#include <math.h>

#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "heap/heap.h"
#include "plan/plan.h"

/* What leads to so many rows is fetched together, and each row so many before its turn. */
#define TOGETHER 32
#define AHEAD 4

static void
create(VdbPlanScan *scan)
{
	VdbPlanNear *near = &scan->near;
	ScanState  *ss = &scan->css.ss;
	OpExpr	   *distance = linitial_node(OpExpr, scan->plan->indexorderbyorig);
	MemoryContext old = MemoryContextSwitchTo(ss->ps.state->es_query_cxt);

	near->fetch = table_index_fetch_begin(ss->ss_currentRelation);
	near->context = AllocSetContextCreate(CurrentMemoryContext, "rows by distance",
										  ALLOCSET_DEFAULT_SIZES);
	near->value = ExecInitExpr(linitial(distance->args), &ss->ps);
	MemoryContextSwitchTo(old);
}

/* The row of the scan's snapshot at this place, into the scan's slot. */
static bool
fetch_row(VdbPlanScan *scan, const ItemPointerData *tid)
{
	ScanState  *ss = &scan->css.ss;
	ItemPointerData at = *tid;
	bool		call_again = false;

	return table_index_fetch_tuple(scan->near.fetch, &at, ss->ps.state->es_snapshot,
								   ss->ss_ScanTupleSlot, &call_again, NULL);
}

/* The distance of the row in the context, and which part it belongs to. */
static VdbAmPart
distance_of(VdbPlanScan *scan, ExprContext *context, double *distance)
{
	ScanKey		key = scan->orderbys;
	MemoryContext old = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
	bool		isnull;
	Datum		value = ExecEvalExpr(scan->near.value, context, &isnull);

	*distance = 0;
	isnull |= (key->sk_flags & SK_ISNULL) != 0;
	if (!isnull)
		*distance = DatumGetFloat8(FunctionCall2Coll(&key->sk_func, key->sk_collation, value,
													 key->sk_argument));
	MemoryContextSwitchTo(old);
	if (isnull)
		return VDB_AM_NULLS;
	scan->exact++;
	return isnan(*distance) ? VDB_AM_NANS : VDB_AM_NUMBERS;
}

/* Keeps a row if it meets the conditions. */
static void
keep_row(VdbPlanScan *scan, const ItemPointerData *tid)
{
	PlanState  *ps = &scan->css.ss.ps;
	ExprContext *context = ps->ps_ExprContext;
	ItemPointerData at = *tid;
	double		distance;
	VdbAmPart	part;

	ResetExprContext(context);
	context->ecxt_scantuple = scan->css.ss.ss_ScanTupleSlot;
	if (!ExecQual(ps->qual, context))
	{
		InstrCountFiltered1(ps, 1);
		return;
	}
	part = distance_of(scan, context, &distance);
	vdb_scan_queue_push(&scan->near.rows[part], part == VDB_AM_NUMBERS ? distance : 0, &at);
}

/* The next rows of the bitmap, after *last; none at the end. */
static uint32
next_rows(VdbPlanScan *scan, ItemPointer last, ItemPointerData *tids)
{
	Relation	heap = scan->css.ss.ss_currentRelation;
	uint32		n = 0;

	while (n < TOGETHER && vdb_scan_tids_next(scan->tids, last))
	{
		vdb_heap_prefetch_pointer(heap, last);
		tids[n++] = *last;
	}
	for (uint32 i = 0; i < Min(n, AHEAD); i++)
		vdb_heap_prefetch_row(heap, &tids[i]);
	return n;
}

/* Reads rows, and keeps those that meet the conditions. */
static void
read_rows(VdbPlanScan *scan, const ItemPointerData *tids, uint32 n)
{
	Relation	heap = scan->css.ss.ss_currentRelation;

	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i + AHEAD < n)
			vdb_heap_prefetch_row(heap, &tids[i + AHEAD]);
		if (!fetch_row(scan, &tids[i]))
			continue;
		vdb_heap_note(heap, scan->css.ss.ss_ScanTupleSlot);
		keep_row(scan, &tids[i]);
	}
}

void
vdb_plan_near_begin(VdbPlanScan *scan)
{
	VdbPlanNear *near = &scan->near;
	ItemPointerData last;
	ItemPointerData tids[TOGETHER];
	uint32		n;
	MemoryContext old;

	if (near->fetch == NULL)
		create(scan);
	MemoryContextReset(near->context);
	old = MemoryContextSwitchTo(near->context);
	for (int i = 0; i < VDB_AM_NPARTS; i++)
		vdb_scan_queue_init(&near->rows[i]);
	vdb_scan_tids_first(&last);
	while ((n = next_rows(scan, &last, tids)) > 0)
		read_rows(scan, tids, n);
	MemoryContextSwitchTo(old);
}

/* The next row in order; false if there is none. */
static bool
pop(VdbPlanScan *scan, VdbScanFound *found)
{
	for (; scan->part < list_length(scan->parts); scan->part++)
	{
		int			part = list_nth_int(scan->parts, scan->part);
		int			first = part == VDB_AM_ALL ? 0 : part;
		int			end = part == VDB_AM_ALL ? VDB_AM_NPARTS : part + 1;

		for (int i = first; i < end; i++)
			if (scan->near.rows[i].count > 0)
			{
				*found = vdb_scan_queue_pop(&scan->near.rows[i]);
				return true;
			}
	}
	return false;
}

TupleTableSlot *
vdb_plan_near_next(VdbPlanScan *scan)
{
	TupleTableSlot *slot = scan->css.ss.ss_ScanTupleSlot;
	VdbScanFound found;

	while (pop(scan, &found))
		if (fetch_row(scan, &found.tid))
			return slot;
	return ExecClearTuple(slot);
}

void
vdb_plan_near_end(VdbPlanScan *scan)
{
	if (scan->near.fetch != NULL)
		table_index_fetch_end(scan->near.fetch);
}
