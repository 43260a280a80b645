/*
 * handler.c
 *	  The access method hnsw to PostgreSQL, and what it costs.
 */
#include "postgres.h"

#include "access/genam.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"

#include "am/common/cost.h"
#include "am/common/handler.h"
#include "am/common/options.h"
#include "am/hnsw/sieve.h"

/* Of a node's neighbours, those that the search has not met before. */
#define UNMET_SHARE 0.45

/* In units of cpu_operator_cost: a lane of a block; a row, with its page. */
#define COST_OF_LANE 0.1
#define COST_OF_ROW 10.0
#define COST_PER_KB 3.0

/* To test a row in the order of pages: by filter columns; by a set of rows. */
#define COST_OF_TEST 1.8
#define COST_OF_TEST_WITHIN 2.5

/*
 * A search for ef rows, of which such a share passes: all entries, and the
 * neighbours of the nodes that are expanded.
 */
static VdbAmWork
search_work(PlannerInfo *root, const IndexOptInfo *index, const VdbHnsw *hnsw,
			const VdbHnswState *state, double share, Cost row)
{
	double		tuples = Max(index->tuples, 1);
	double		pages = Max(index->pages, 1);
	double		ef = vdb_hnsw_sieve_expanded(vdb_hnsw_ef(state), share);
	double		rows = Min(ef * hnsw->neighbours * UNMET_SHARE, tuples);
	VdbAmWork	work = {0};

	if (!hnsw->coded)
		rows = Min(rows + state->nentries, tuples);
	/* a page for each row, but those that are the same */
	work.pages = vdb_am_uncached(index) * index_pages_fetched(rows, index->pages, pages, root);
	work.seeks = work.pages;
	work.cpu = rows * row;
	if (hnsw->coded)
		work.cpu += state->nentries * COST_OF_LANE * cpu_operator_cost;
	work.pages = Min(Max(work.pages, 1), pages);
	work.rows = Min(ef, tuples);	/* the others are not put into order */
	return work;
}

/* All rows in the order of pages; with a filter they are tested first. */
static VdbAmWork
sweep_work(const IndexPath *path, double share, bool filtered, Cost row)
{
	double		test = path->indexclauses != NIL ? COST_OF_TEST : COST_OF_TEST_WITHIN;
	Cost		per_row = filtered ? test * cpu_operator_cost + share * row : row;

	return vdb_am_fraction(path->indexinfo, 1, path->indexinfo->pages, per_row);
}

/*
 * What a search with a filter does where it would have to go far: it looks near the
 * query, and sweeps, where it keeps about as many rows as a search.
 */
static VdbAmWork
far_work(const VdbAmWork *sweep, const VdbAmWork *near)
{
	return (VdbAmWork)
	{
		.pages = near->pages + sweep->pages,.seeks = near->seeks + sweep->seeks,
			.rows = near->rows,.cpu = near->cpu + sweep->cpu
	};
}

static void
cost(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup_cost,
	 Cost *total_cost, Selectivity *selectivity, double *correlation, double *pages)
{
	const IndexOptInfo *info = path->indexinfo;
	Relation	index = index_open(info->indexoid, NoLock);
	VdbHnsw    *hnsw = vdb_hnsw_open(index);
	VdbHnswState state;
	Cost		row = cpu_operator_cost *
		(COST_OF_ROW + COST_PER_KB * hnsw->space.row_size / 1024);
	double		share = vdb_am_share(root, path);
	bool		filtered = vdb_am_is_filtered(path);
	VdbAmWork	first,
				all;

	vdb_hnsw_read_state(index, &state);
	first = search_work(root, info, hnsw, &state, share, row);
	all = sweep_work(path, share, filtered, row);
	if (filtered)
	{
		VdbAmWork	near = search_work(root, info, hnsw, &state, 1, row);
		VdbAmWork	far = far_work(&all, &near);

		if (far.cpu < first.cpu)
			first = far;
	}
	index_close(index, NoLock);
	pfree(hnsw);
	vdb_am_cost(root, path, loop_count, &first, &all, startup_cost, total_cost, selectivity,
				correlation, pages);
}

VDB_FUNCTION_INFO_V1(vdb_hnsw_handler);
Datum
vdb_hnsw_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *routine = vdb_am_routine();

	routine->ambuild = vdb_hnsw_build;
	routine->ambuildempty = vdb_hnsw_build_empty;
	routine->aminsert = vdb_hnsw_insert;
	routine->ambulkdelete = vdb_hnsw_bulk_delete;
	routine->amvacuumcleanup = vdb_hnsw_vacuum_cleanup;
	routine->amcostestimate = cost;
	routine->amoptions = vdb_am_hnsw_reloptions;
	routine->ambuildphasename = vdb_hnsw_phase_name;
	routine->ambeginscan = vdb_hnsw_begin_scan;
	routine->amrescan = vdb_hnsw_rescan;
	routine->amgettuple = vdb_hnsw_get_tuple;
	routine->amendscan = vdb_hnsw_end_scan;
	PG_RETURN_POINTER(routine);
}
