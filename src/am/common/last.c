/*
 * last.c
 *	  What the last index scan of this backend did, for vecdb_last_scan().
 */
#include "postgres.h"

#include "am/common/last.h"

VdbAmLastScan vdb_am_last_scan;

void
vdb_am_add_scan(VdbAmLastScan *total, const VdbAmLastScan *scan)
{
	total->index = scan->index;
	total->graph = scan->graph;
	total->width = scan->width;
	total->nodes += scan->nodes;
	total->entries += scan->entries;
	total->distances += scan->distances;
	total->bounds += scan->bounds;
	total->rows += scan->rows;
	total->sweeps += scan->sweeps;
	total->tested += scan->tested;
	total->passed += scan->passed;
	total->bridged += scan->bridged;
}
