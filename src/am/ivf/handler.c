/*
 * handler.c
 *	  Stands in for the access methods ivf and ivfflat: no index can be built.
 */
#include "postgres.h"

#include "am/common/cost.h"
#include "am/common/handler.h"
#include "am/common/kind.h"
#include "am/common/options.h"
#include "compat/compat.h"

pg_noreturn static void
not_implemented(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("this access method cannot build an index yet")));
}

static IndexBuildResult *
build(Relation heap, Relation index, struct IndexInfo *info)
{
	vdb_am_index_dim(index);
	vdb_am_ivf_options(index);
	not_implemented();
}

static void
buildempty(Relation index)
{
	not_implemented();
}

static bool
insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap,
	   IndexUniqueCheck unique, bool unchanged, struct IndexInfo *info)
{
	not_implemented();
}

static IndexBulkDeleteResult *
bulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
		   IndexBulkDeleteCallback callback, void *state)
{
	not_implemented();
}

static IndexBulkDeleteResult *
vacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	not_implemented();
}

static void
costestimate(PlannerInfo *root, IndexPath *path, double loop_count,
			 Cost *startup_cost, Cost *total_cost, Selectivity *selectivity,
			 double *correlation, double *pages)
{
	VdbAmWork	first = vdb_am_fraction(path->indexinfo, 0.01, 10, 0.005);
	VdbAmWork	all = vdb_am_fraction(path->indexinfo, 1, 1000, 0.005);

	vdb_am_cost(root, path, loop_count, &first, &all, startup_cost, total_cost, selectivity,
				correlation, pages);
}

static IndexScanDesc
beginscan(Relation index, int nkeys, int norderbys)
{
	not_implemented();
}

static void
rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	not_implemented();
}

static bool
gettuple(IndexScanDesc scan, ScanDirection direction)
{
	not_implemented();
}

static void
endscan(IndexScanDesc scan)
{
	not_implemented();
}

static Datum
handler(void)
{
	IndexAmRoutine *routine = vdb_am_routine();

	routine->ambuild = build;
	routine->ambuildempty = buildempty;
	routine->aminsert = insert;
	routine->ambulkdelete = bulkdelete;
	routine->amvacuumcleanup = vacuumcleanup;
	routine->amcostestimate = costestimate;
	routine->amoptions = vdb_am_ivf_reloptions;
	routine->ambeginscan = beginscan;
	routine->amrescan = rescan;
	routine->amgettuple = gettuple;
	routine->amendscan = endscan;
	PG_RETURN_POINTER(routine);
}

VDB_FUNCTION_INFO_V1(vdb_ivf_handler);
Datum
vdb_ivf_handler(PG_FUNCTION_ARGS)
{
	return handler();
}

VDB_FUNCTION_INFO_V1(vdb_ivfflat_handler);
Datum
vdb_ivfflat_handler(PG_FUNCTION_ARGS)
{
	return handler();
}
