/*
 * explain.c
 *	  What EXPLAIN (ANALYZE) tells of a scan of an index of vecdb.
 */
#include "postgres.h"

#include "am/common/explain.h"
#include "am/common/scan.h"

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

void
vdb_am_explain(ExplainState *es, IndexScanDesc scan)
{
	VdbAmLastScan counts;

	if (vdb_am_scan(scan)->state == NULL)
		return;
	vdb_am_scan(scan)->counts(scan, &counts);
	tell(es, &counts);
}
