/*
 * explain.c
 *	  What EXPLAIN (ANALYZE) tells of an index scan, where PostgreSQL lets us.
 */
#include "postgres.h"

#include "admin/admin.h"
#include "compat/compat.h"

#if VDB_COMPAT_EXPLAINS_NODES

#include "access/relscan.h"
#include "commands/explain.h"
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#include "nodes/execnodes.h"

#include "am/common/scan.h"

static explain_per_node_hook_type previous;

/* A number of a scan: as in vecdb_last_scan(). */
static void
add(ExplainState *es, const char *name, uint64 number, bool always)
{
	if (number > 0 || always)
		ExplainPropertyUInteger(name, NULL, number, es);
}

static void
tell(ExplainState *es, const VdbAmLastScan *counts)
{
	add(es, counts->graph ? "Search Width" : "Probes", counts->width, false);
	add(es, counts->graph ? "Nodes Visited" : "Lists Visited", counts->nodes, true);
	add(es, "Entries Scanned", counts->entries, false);
	add(es, "Distances Estimated", counts->distances, false);
	add(es, "Rows Bounded", counts->bounds, false);
	add(es, "Index Sweeps", counts->sweeps, false);
	add(es, "Filter Tested", counts->tested, false);
	add(es, "Filter Passed", counts->passed, counts->tested > 0);
	add(es, "Nodes Bridged", counts->bridged, false);
}

static void
explain_node(PlanState *planstate, List *ancestors, const char *relationship,
			 const char *plan_name, ExplainState *es)
{
	VdbAmLastScan counts;
	IndexScanDesc scan;

	if (previous != NULL)
		previous(planstate, ancestors, relationship, plan_name, es);
	if (!es->analyze || !IsA(planstate, IndexScanState))
		return;
	scan = ((IndexScanState *) planstate)->iss_ScanDesc;
	if (scan == NULL)
		return;
	if (!vdb_am_is_ours(scan->indexRelation->rd_rel->relam) || vdb_am_scan(scan)->state == NULL)
		return;
	vdb_am_scan(scan)->counts(scan, &counts);
	tell(es, &counts);
}

void
vdb_admin_init(void)
{
	previous = explain_per_node_hook;
	explain_per_node_hook = explain_node;
}

#else

void
vdb_admin_init(void)
{
}

#endif
