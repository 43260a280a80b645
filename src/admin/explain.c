/*
 * explain.c
 *	  What EXPLAIN (ANALYZE) tells of an index scan, where PostgreSQL lets us.
 */
#include "postgres.h"

#include "admin/admin.h"
#include "compat/compat.h"

#if VDB_COMPAT_EXPLAINS_NODES

#include "nodes/execnodes.h"

#include "am/common/explain.h"
#include "am/common/scan.h"

static explain_per_node_hook_type previous;

static void
explain_node(PlanState *planstate, List *ancestors, const char *relationship,
			 const char *plan_name, ExplainState *es)
{
	IndexScanDesc scan;

	if (previous != NULL)
		previous(planstate, ancestors, relationship, plan_name, es);
	if (!es->analyze || !IsA(planstate, IndexScanState))
		return;
	scan = ((IndexScanState *) planstate)->iss_ScanDesc;
	if (scan == NULL)
		return;
	if (vdb_am_is_ours(scan->indexRelation->rd_rel->relam))
		vdb_am_explain(es, scan);
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
