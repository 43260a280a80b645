/*
 * node.c
 *	  The filtered scan to PostgreSQL: path, plan, and execution.
 *
 * Below it are the plans of an index scan, which says what to search for and is
 * never executed as such, and of a bitmap.  All conditions of the table are the
 * scan's own, and tested of each row that it returns: whatever the bitmap and
 * the index let through is right.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "executor/nodeIndexscan.h"
#include "nodes/makefuncs.h"
#include "optimizer/restrictinfo.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "am/common/explain.h"
#include "compat/custom.h"
#include "compat/pathkey.h"
#include "plan/plan.h"
#include "point/point.h"

static const CustomPathMethods path_methods;
static const CustomScanMethods scan_methods;
static const CustomExecMethods exec_methods;

/* ---- path and plan ---- */

/*
 * The order of the index scan below where none is asked for.  Its plan is only
 * made of a path that has one for its distance; nobody else looks at it.
 */
static List *
own_order(void)
{
	PathKey    *pathkey = makeNode(PathKey);

	pathkey->pk_opfamily = vdb_plan_float_family();
	VDB_COMPAT_SET_ASCENDING(pathkey);
	return list_make1(pathkey);
}

CustomPath *
vdb_plan_node_path(RelOptInfo *rel, IndexPath *index, BitmapHeapPath *bitmap, List *parts,
				   List *stops, const VdbPlanWork *work)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = rel->consider_parallel && index->path.parallel_safe &&
		(bitmap == NULL || bitmap->path.parallel_safe);
	path->path.rows = index->path.rows;
	path->path.pathkeys = index->path.pathkeys;
	if (index->path.pathkeys == NIL)
		index->path.pathkeys = own_order();
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(index);
	if (bitmap != NULL)
		path->custom_paths = lappend(path->custom_paths, bitmap);
	path->custom_private = list_make3(stops, parts, vdb_plan_put_work(work));
	path->methods = &path_methods;
	return path;
}

/* A scan's plan, without what decides whether it is executed at all: that is above. */
static Plan *
without_gate(Plan *plan)
{
	return IsA(plan, Result) ? outerPlan(plan) : plan;
}

static Plan *
plan_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
		  List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *index = without_gate(linitial(custom_plans));

	/* The conditions are this scan's. */
	castNode(IndexScan, index)->scan.plan.qual = NIL;
	scan->custom_plans = list_make1(index);
	if (list_length(custom_plans) > 1)
		scan->custom_plans = lappend(scan->custom_plans,
									 outerPlan(without_gate(lsecond(custom_plans))));
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = extract_actual_clauses(clauses, false);
	if (VDB_FAULT("plan-no-conditions"))
		scan->scan.plan.qual = NIL;
	if (VDB_FAULT("plan-no-policy"))
		scan->scan.plan.qual = list_delete_first(scan->scan.plan.qual);
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->custom_exprs = linitial(path->custom_private);
	scan->custom_private = list_copy_tail(path->custom_private, 1);
	scan->methods = &scan_methods;
	return (Plan *) scan;
}

static Node *
create_state(CustomScan *plan)
{
	VdbPlanScan *scan = (VdbPlanScan *) newNode(sizeof(VdbPlanScan), T_CustomScanState);

	scan->css.methods = &exec_methods;
	VDB_COMPAT_CUSTOM_CREATED(&scan->css);
	return (Node *) scan;
}

/* ---- execution ---- */

static void
open_index(VdbPlanScan *scan, EState *estate)
{
	PlanState  *ps = &scan->css.ss.ps;
	IndexScan  *plan = scan->plan;

	scan->index = index_open(plan->indexid,
							 exec_rt_fetch(plan->scan.scanrelid, estate)->rellockmode);
	ExecIndexBuildScanKeys(ps, scan->index, plan->indexqual, false, &scan->keys, &scan->nkeys,
						   &scan->runtime, &scan->nruntime, NULL, NULL);
	ExecIndexBuildScanKeys(ps, scan->index, plan->indexorderby, true, &scan->orderbys,
						   &scan->norderbys, &scan->runtime, &scan->nruntime, NULL, NULL);
	scan->runtime_context = CreateExprContext(estate);
	scan->tids_context = AllocSetContextCreate(estate->es_query_cxt, "rows of a bitmap",
											   ALLOCSET_SMALL_SIZES);
}

static void
begin(CustomScanState *node, EState *estate, int eflags)
{
	VdbPlanScan *scan = (VdbPlanScan *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;

	scan->plan = linitial(plan->custom_plans);
	scan->parts = linitial(plan->custom_private);
	scan->work = vdb_plan_get_work(lsecond(plan->custom_private));
	VDB_COMPAT_CUSTOM_BEGINS(node, estate);
	if (list_length(plan->custom_plans) > 1)
	{
		scan->bitmap = ExecInitNode(lsecond(plan->custom_plans), estate, eflags);
		node->custom_ps = list_make1(scan->bitmap);
	}
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	scan->stop = ExecInitQual(plan->custom_exprs, &node->ss.ps);
	open_index(scan, estate);
}

static void
make_tids(VdbPlanScan *scan)
{
	TIDBitmap  *bitmap = (TIDBitmap *) MultiExecProcNode(scan->bitmap);
	MemoryContext old = MemoryContextSwitchTo(scan->tids_context);

	if (bitmap == NULL || !IsA(bitmap, TIDBitmap))
		elog(ERROR, "unrecognized result from subplan");
	scan->tids = vdb_scan_tids_create(bitmap,
									  RelationGetNumberOfBlocks(scan->css.ss.ss_currentRelation));
	MemoryContextSwitchTo(old);
	tbm_free(bitmap);
}

/* Rows of the bitmap, as many as there may be. */
static double
matches(const VdbPlanScan *scan)
{
	const VdbScanTids *tids = scan->tids;

	return tids->count + tids->lossy * (scan->work.tuples / Max(tids->nblocks, 1));
}

/* By the rows of the bitmap. */
static void
begin_bitmap(VdbPlanScan *scan)
{
	if (scan->tids == NULL)
		make_tids(scan);
	scan->way = vdb_plan_way(&scan->work, matches(scan));
	scan->part = 0;
	if (scan->way == VDB_PLAN_EXACT)
		vdb_plan_near_begin(scan);
	else
		vdb_plan_search_begin(scan, 0);
}

/* All that is known only when the first row is asked for. */
static void
begin_rows(VdbPlanScan *scan)
{
	if (scan->nruntime > 0)
	{
		ResetExprContext(scan->runtime_context);
		ExecIndexEvalRuntimeKeys(scan->runtime_context, scan->runtime, scan->nruntime);
	}
	scan->part = 0;
	scan->begun = true;
	if (scan->bitmap == NULL)
	{
		scan->way = VDB_PLAN_SEARCH;
		vdb_plan_search_begin(scan, 0);
		return;
	}
	/* A bitmap that is there costs nothing any more. */
	scan->way = VDB_PLAN_STREAM;
	if (scan->tids != NULL || !vdb_plan_may_stream(&scan->work) || !vdb_plan_stream_begin(scan))
		begin_bitmap(scan);
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	VdbPlanScan *scan = (VdbPlanScan *) ss;

	if (!scan->begun)
		begin_rows(scan);
	switch (scan->way)
	{
		case VDB_PLAN_EXACT:
			return vdb_plan_near_next(scan);
		case VDB_PLAN_STREAM:
			return vdb_plan_stream_next(scan);
		default:
			return vdb_plan_search_next(scan);
	}
}

/* A row's later version: all there is to recheck are conditions, which ExecScan() does. */
static bool
recheck(ScanState *ss, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
execute(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck);
}

static void
rescan(CustomScanState *node)
{
	VdbPlanScan *scan = (VdbPlanScan *) node;

	ExecScanReScan(&node->ss);
	scan->begun = false;
	if (scan->bitmap == NULL)
		return;
	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(scan->bitmap, node->ss.ps.chgParam);
	/* It is executed anew only if its conditions are others. */
	if (scan->bitmap->chgParam != NULL && scan->tids != NULL)
	{
		scan->tids = NULL;
		MemoryContextReset(scan->tids_context);
	}
}

static void
end(CustomScanState *node)
{
	VdbPlanScan *scan = (VdbPlanScan *) node;

	vdb_plan_search_end(scan);
	vdb_plan_near_end(scan);
	if (scan->bitmap != NULL)
		ExecEndNode(scan->bitmap);
	if (scan->index != NULL)
		index_close(scan->index, NoLock);
}

/* ---- EXPLAIN ---- */

static void
explain_conditions(VdbPlanScan *scan, const char *label, List *conditions, List *ancestors,
				   ExplainState *es)
{
	List	   *context;

	if (conditions == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, scan->css.ss.ps.plan, ancestors);
	ExplainPropertyText(label,
						deparse_expression((Node *) make_ands_explicit(conditions), context,
										   es->verbose, false),
						es);
}

static void
explain(CustomScanState *node, List *ancestors, ExplainState *es)
{
	VdbPlanScan *scan = (VdbPlanScan *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;

	ExplainPropertyText("Index Name", get_rel_name(scan->plan->indexid), es);
	explain_conditions(scan, "Index Cond", scan->plan->indexqualorig, ancestors, es);
	explain_conditions(scan, "Order By", scan->plan->indexorderbyorig, ancestors, es);
	explain_conditions(scan, "Stop After", plan->custom_exprs, ancestors, es);
	if (!es->analyze || !scan->begun)
		return;
	ExplainPropertyText("Strategy",
						scan->way == VDB_PLAN_EXACT ? "exact distances" :
						scan->way == VDB_PLAN_STREAM ? "index order" : "search", es);
	if (scan->stream.tried > 0)
		ExplainPropertyUInteger("Rows Tried", NULL, scan->stream.tried, es);
	if (scan->tids != NULL)
	{
		ExplainPropertyUInteger("Rows in Bitmap", NULL, scan->tids->count, es);
		if (scan->tids->lossy > 0)
			ExplainPropertyUInteger("Lossy Blocks", NULL, scan->tids->lossy, es);
	}
	if (scan->exact > 0)
		ExplainPropertyUInteger("Distances Computed", NULL, scan->exact, es);
	if (scan->scan != NULL)
		vdb_am_explain(es, scan->scan);
}

static const CustomPathMethods path_methods = {
	.CustomName = "VecdbFilteredScan",
	.PlanCustomPath = plan_path,
};

static const CustomScanMethods scan_methods = {
	.CustomName = "VecdbFilteredScan",
	.CreateCustomScanState = create_state,
};

static const CustomExecMethods exec_methods = {
	.CustomName = "VecdbFilteredScan",
	.BeginCustomScan = begin,
	.ExecCustomScan = execute,
	.EndCustomScan = end,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain,
};

void
vdb_plan_node_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
}
