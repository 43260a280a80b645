/*
 * handler.c
 *	  The access methods ivf and ivfflat to PostgreSQL, and what they cost.
 */
#include "postgres.h"

#include "access/genam.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"

#include "am/common/cost.h"
#include "am/common/handler.h"
#include "am/common/options.h"
#include "am/ivf/build.h"
#include "am/ivf/ivf.h"

/*
 * Looking at an entry is a small part of an operator's work: a few bytes of a
 * block of 32, or a distance of elements that are at hand.
 */
#define CODED_SHARE 0.1
#define PLAIN_SHARE 1.0

/* To test an entry against a filter. */
#define TEST_SHARE 0.3

/*
 * A search for what passes a filter looks at more lists than the share that
 * passes says, until it knows that that is enough.
 */
#define UNTIL_SURE 1.3

/* Lists that a search looks at before its first row. */
static double
first_lists(const VdbIvf *ivf, const VdbIvfState *state, double share)
{
	double		probes = vdb_ivf_probes(ivf, state, NULL);

	if (share < 1 && vdb_ivf_target(ivf) > 0)
		return UNTIL_SURE * vdb_ivf_lists_for_share(state, probes, share);
	return probes;
}

static void
cost(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup_cost,
	 Cost *total_cost, Selectivity *selectivity, double *correlation, double *pages)
{
	Relation	index = index_open(path->indexinfo->indexoid, NoLock);
	VdbIvf	   *ivf = vdb_ivf_open(index);
	VdbIvfState state = {.nlists = 1};
	double		lists,
				probes;
	double		share = vdb_am_share(root, path);
	Cost		row = cpu_operator_cost * (ivf->list.coded ? CODED_SHARE : PLAIN_SHARE * share);
	VdbAmWork	first,
				all;

	if (ivf->meta.state != InvalidBlockNumber)
		vdb_ivf_read_state(index, ivf, &state);
	lists = Max(state.nlists, 1);
	probes = Min(first_lists(ivf, &state, share), lists);
	if (path->indexclauses != NIL)
		row += TEST_SHARE * cpu_operator_cost;
	first = vdb_am_fraction(path->indexinfo, probes / lists, probes, row);
	all = vdb_am_fraction(path->indexinfo, 1, lists, row);
	index_close(index, NoLock);
	pfree(ivf);
	vdb_am_cost(root, path, loop_count, &first, &all, startup_cost, total_cost, selectivity,
				correlation, pages);
}

static Datum
handler(void)
{
	IndexAmRoutine *routine = vdb_am_routine();

	routine->ambuild = vdb_ivf_build;
	routine->ambuildempty = vdb_ivf_build_empty;
	routine->aminsert = vdb_ivf_insert;
	routine->ambulkdelete = vdb_ivf_bulk_delete;
	routine->amvacuumcleanup = vdb_ivf_vacuum_cleanup;
	routine->amcostestimate = cost;
	routine->amoptions = vdb_am_ivf_reloptions;
	routine->ambuildphasename = vdb_ivf_phase_name;
	routine->ambeginscan = vdb_ivf_begin_scan;
	routine->amrescan = vdb_ivf_rescan;
	routine->amgettuple = vdb_ivf_get_tuple;
	routine->amendscan = vdb_ivf_end_scan;
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
