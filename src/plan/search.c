/*
 * search.c
 *	  Rows through the index, which looks only at those of the bitmap.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "utils/rel.h"

#include "compat/compat.h"
#include "plan/plan.h"

/* The index's rows of the part that it is the turn of. */
static void
begin_part(VdbPlanScan *scan)
{
	vdb_am_scan(scan->scan)->part = list_nth_int(scan->parts, scan->part);
	index_rescan(scan->scan, scan->keys, scan->nkeys, scan->orderbys, scan->norderbys);
}

void
vdb_plan_search_begin(VdbPlanScan *scan)
{
	ScanState  *ss = &scan->css.ss;

	if (scan->scan == NULL)
		scan->scan = VDB_COMPAT_BEGIN_INDEX_SCAN(ss->ss_currentRelation, scan->index,
												 ss->ps.state->es_snapshot, scan->nkeys,
												 scan->norderbys);
	vdb_am_scan(scan->scan)->within = scan->tids;
	begin_part(scan);
}

/* Do those that follow have larger distances than are wanted? */
static bool
is_far(VdbPlanScan *scan, TupleTableSlot *slot)
{
	ExprContext *context = scan->css.ss.ps.ps_ExprContext;

	if (scan->stop == NULL)
		return false;
	context->ecxt_scantuple = slot;
	if (ExecQual(scan->stop, context))
		return false;
	InstrCountFiltered1(&scan->css.ss.ps, 1);
	return true;
}

TupleTableSlot *
vdb_plan_search_next(VdbPlanScan *scan)
{
	TupleTableSlot *slot = scan->css.ss.ss_ScanTupleSlot;

	while (scan->part < list_length(scan->parts))
	{
		if (index_getnext_slot(scan->scan, ForwardScanDirection, slot) && !is_far(scan, slot))
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
