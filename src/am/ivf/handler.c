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
#include "am/ivf/scan.h"

/*
 * In units of cpu_operator_cost, taken to be 10 ns: a search, apart from its lists;
 * to find a list; an entry of it by its code, or by its vector; and to test one.
 */
#define COST_OF_SEARCH 10000.0
#define COST_OF_LIST 20.0
#define COST_OF_CODE 0.5
#define COST_PER_KB 8.0
#define COST_OF_TEST 0.6

/* Entries that are put into order before the first row comes. */
#define CANDIDATES (SPARE * FIRST_KEEP)

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

/* To look at an entry of which such a share passes. */
static Cost
entry_cost(const VdbIvf *ivf, double share, bool filtered)
{
	double		cost = ivf->list.coded ? COST_OF_CODE :
		share * COST_PER_KB * ivf->space.row_size / 1024;

	return cpu_operator_cost * (cost + (filtered ? COST_OF_TEST : 0));
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
	Cost		entry = entry_cost(ivf, share, vdb_am_is_filtered(path));
	VdbAmWork	first,
				all;

	if (ivf->meta.state != InvalidBlockNumber)
		vdb_ivf_read_state(index, ivf, &state);
	lists = Max(state.nlists, 1);
	probes = Min(first_lists(ivf, &state, share), lists);
	first = vdb_am_fraction(path->indexinfo, probes / lists, probes, entry);
	first.rows = Min(first.rows, CANDIDATES);
	first.cpu += (COST_OF_SEARCH + probes * COST_OF_LIST) * cpu_operator_cost;
	all = vdb_am_fraction(path->indexinfo, 1, lists, entry);
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
