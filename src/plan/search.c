/*
 * search.c
 *	  Rows through the index, which looks only at those of the bitmap.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "compat/compat.h"
#include "plan/plan.h"

/*
 * Rows come nearly in order: those that the search has missed at first come late.
 * So it does not end at the first row that is too far away, but after as many as
 * have not been, and this many at least.
 */
#define ENOUGH_TOO_FAR 64

/* The index's rows of the part that it is the turn of. */
static void
begin_part(VdbPlanScan *scan)
{
	scan->too_far = 0;
	vdb_am_scan(scan->scan)->part = list_nth_int(scan->parts, scan->part);
	index_rescan(scan->scan, scan->keys, scan->nkeys, scan->orderbys, scan->norderbys);
}

VdbAmScan *
vdb_plan_search_open(VdbPlanScan *scan)
{
	ScanState  *ss = &scan->css.ss;

	if (scan->scan == NULL)
		scan->scan = VDB_COMPAT_BEGIN_INDEX_SCAN(ss->ss_currentRelation, scan->index,
												 ss->ps.state->es_snapshot, scan->nkeys,
												 scan->norderbys);
	return vdb_am_scan(scan->scan);
}

void
vdb_plan_search_begin(VdbPlanScan *scan, double yield_rows)
{
	VdbAmScan  *search = vdb_plan_search_open(scan);

	search->within = scan->tids;
	search->yield_rows = yield_rows;
	scan->near_enough = 0;
	begin_part(scan);
}

static bool
is_near_enough(VdbPlanScan *scan, TupleTableSlot *slot)
{
	ExprContext *context = scan->css.ss.ps.ps_ExprContext;

	if (scan->stop == NULL)
		return true;
	ResetExprContext(context);
	context->ecxt_scantuple = slot;
	if (ExecQual(scan->stop, context))
	{
		scan->near_enough++;
		return true;
	}
	scan->too_far++;
	InstrCountFiltered1(&scan->css.ss.ps, 1);
	return false;
}

/* The next row of the part that it is the turn of. */
static bool
next_of_part(VdbPlanScan *scan, TupleTableSlot *slot)
{
	while (scan->too_far < Max(scan->near_enough, ENOUGH_TOO_FAR))
	{
		if (!index_getnext_slot(scan->scan, ForwardScanDirection, slot))
			return false;
		if (is_near_enough(scan, slot))
			return true;
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

TupleTableSlot *
vdb_plan_search_next(VdbPlanScan *scan)
{
	TupleTableSlot *slot = scan->css.ss.ss_ScanTupleSlot;

	while (scan->part < list_length(scan->parts))
	{
		if (next_of_part(scan, slot))
			return slot;
		if (++scan->part < list_length(scan->parts))
			begin_part(scan);
	}
	return ExecClearTuple(slot);
}

void
vdb_plan_search_end(VdbPlanScan *scan)
{
	if (scan->scan != NULL)
		index_endscan(scan->scan);
}
