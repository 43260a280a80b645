/*
 * stream.c
 *	  Rows through the index, which knows nothing of the bitmap, for as long
 *	  as that promises to be cheaper than to make it.
 *
 * Rows are kept until there are as many as are asked for.  If too few of those
 * that come meet the conditions, all that was found is forgotten: so nothing
 * comes twice, and what the bitmap leads to comes in its order.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"

#include "plan/plan.h"

#define FIRST_ROOM 64

static bool
meets_conditions(VdbPlanScan *scan, TupleTableSlot *slot)
{
	PlanState  *ps = &scan->css.ss.ps;
	ExprContext *context = ps->ps_ExprContext;

	ResetExprContext(context);
	context->ecxt_scantuple = slot;
	if (ExecQual(ps->qual, context))
		return true;
	InstrCountFiltered1(ps, 1);
	return false;
}

static void
keep_row(VdbPlanScan *scan, const TupleTableSlot *slot)
{
	VdbPlanStream *stream = &scan->stream;

	if (stream->tids == NULL)
	{
		stream->room = FIRST_ROOM;
		stream->tids = MemoryContextAlloc(scan->css.ss.ps.state->es_query_cxt,
										  stream->room * sizeof(ItemPointerData));
	}
	else if (stream->count == stream->room)
	{
		stream->room *= 2;
		stream->tids = repalloc_huge(stream->tids, stream->room * sizeof(ItemPointerData));
	}
	stream->tids[stream->count++] = slot->tts_tid;
}

bool
vdb_plan_stream_begin(VdbPlanScan *scan)
{
	VdbPlanStream *stream = &scan->stream;
	VdbAmScan  *search = vdb_plan_search_open(scan);
	uint64		tried = 0;
	bool		goes_on = true;

	/* That a trial is cheaper than the search counts on the search to yield. */
	if (scan->work.trial < scan->work.first && !search->can_yield)
		return false;
	stream->count = stream->next = 0;
	vdb_plan_search_begin(scan, scan->work.passing);
	while (goes_on && stream->count < scan->work.limit)
	{
		TupleTableSlot *slot = vdb_plan_search_next(scan);

		if (search->yielded)
			goes_on = false;
		if (TupIsNull(slot) || !goes_on)
			break;
		if (meets_conditions(scan, slot))
			keep_row(scan, slot);
		goes_on = vdb_plan_go_on(&scan->work, ++tried, stream->count);
		CHECK_FOR_INTERRUPTS();
	}
	stream->tried += tried;
	return goes_on;
}

TupleTableSlot *
vdb_plan_stream_next(VdbPlanScan *scan)
{
	VdbPlanStream *stream = &scan->stream;
	ScanState  *ss = &scan->css.ss;

	while (stream->next < stream->count)
		if (table_tuple_fetch_row_version(ss->ss_currentRelation, &stream->tids[stream->next++],
										  ss->ps.state->es_snapshot, ss->ss_ScanTupleSlot))
			return ss->ss_ScanTupleSlot;
	return vdb_plan_search_next(scan);
}
