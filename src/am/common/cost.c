/*
 * cost.c
 *	  What a scan of an index costs, for the planner.
 *
 * A scan begins by reading part of the index, from which the first rows come,
 * and reads on only if more are wanted.  The planner knows of this what the
 * two costs tell it: the one until the first row, and the one until the last.
 * For LIMIT n it takes the first and a share of the way to the other, n of the
 * rows that pass the filters.  So the same two numbers decide how many rows,
 * and how selective a filter, a sequential scan and a sort are better for.
 */
#include "postgres.h"

#include <math.h>

#include "access/amapi.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "am/common/cost.h"
#include "compat/compat.h"

/*
 * Of a path that cannot be: more than everything else, disabled paths in
 * versions that count them by their cost included; but not infinite, because
 * the planner subtracts costs from each other.
 */
#define IMPOSSIBLE 1e100

/*
 * A row more, in units of cpu_operator_cost: to find it in the index, beyond those
 * that the first search has found, and in the table, in memory.
 */
#define COST_OF_MORE 200.0
#define COST_OF_FETCH 100.0

/* The share of rows in the set that a scan keeps to; while that is estimated. */
static double within = 1;

double
vdb_am_uncached(const IndexOptInfo *index)
{
	return index->pages > effective_cache_size ?
		1 - effective_cache_size / (double) index->pages : 0;
}

VdbAmWork
vdb_am_fraction(const IndexOptInfo *index, double fraction, double seeks, Cost cpu_per_row)
{
	VdbAmWork	work;

	fraction = Min(Max(fraction, 0), 1);
	work.pages = vdb_am_uncached(index) * Max(ceil(fraction * index->pages), 1);
	work.seeks = Min(seeks, work.pages);
	work.rows = fraction * Max(index->tuples, 0);
	work.cpu = work.rows * cpu_per_row;
	return work;
}

bool
vdb_am_is_filtered(const IndexPath *path)
{
	return path->indexclauses != NIL || within < 1;
}

double
vdb_am_share(PlannerInfo *root, const IndexPath *path)
{
	List	   *conditions = get_quals_from_indexclauses(path->indexclauses);
	Selectivity share = clauselist_selectivity(root, conditions, path->indexinfo->rel->relid,
											   JOIN_INNER, NULL);

	share *= within;
	return Max(share, 1 / Max(path->indexinfo->tuples, 1));
}

/*
 * Cost of some work, done loop_count times with what the earlier times have
 * left in the cache; of the rows, no more than so many pass the filters.
 */
static Cost
work_cost(PlannerInfo *root, const IndexOptInfo *index, double loop_count, double most_rows,
		  const VdbAmWork *work)
{
	double		random_page_cost_,
				seq_page_cost_;
	double		pages = work->pages;
	double		rows = Max(Min(work->rows, most_rows), 2);
	Cost		cost;

	get_tablespace_page_costs(index->reltablespace, &random_page_cost_, &seq_page_cost_);
	if (loop_count > 1)
		pages = index_pages_fetched(pages * loop_count, index->pages, index->pages, root) /
			loop_count;
	cost = pages * seq_page_cost_;
	if (work->pages > 0)
		cost += work->seeks * (pages / work->pages) * (random_page_cost_ - seq_page_cost_);

	/*
	 * Rows that are returned in order have been put into order, for which the
	 * planner charges a sort this much.  Without it, a scan of the whole
	 * index would look cheaper than a sort of the table.
	 */
	return cost + work->cpu + 2 * cpu_operator_cost * rows * log2(rows);
}

/* A row that is returned has been read, for its distance, to be put in order. */
static Cost
order_cost(PlannerInfo *root, const IndexPath *path)
{
	QualCost	distance;

	cost_qual_eval_node(&distance, linitial(path->indexorderbys), root);
	return (COST_OF_MORE + COST_OF_FETCH) * cpu_operator_cost + distance.per_tuple;
}

void
vdb_am_cost(PlannerInfo *root, IndexPath *path, double loop_count,
			const VdbAmWork *first, const VdbAmWork *all,
			Cost *startup_cost, Cost *total_cost, Selectivity *selectivity,
			double *correlation, double *pages)
{
	GenericCosts generic = {0};
	Cost		operands;
	double		most_rows;

	/*
	 * An index can only be scanned in order of a distance.  Paths without one
	 * are offered for a partial index whose condition the query implies.
	 */
	if (path->indexorderbys == NIL)
	{
		VDB_COMPAT_DISABLE_PATH(&path->path);
		*startup_cost = IMPOSSIBLE;
		*total_cost = IMPOSSIBLE;
		*selectivity = 1;
		*correlation = 0;
		*pages = path->indexinfo->pages;
		return;
	}

	/*
	 * Only the selectivity is of use: of a partial index's condition and of
	 * those on filter columns; and how many of the index's rows that leaves, of
	 * those in the set.
	 */
	genericcostestimate(root, path, loop_count, &generic);
	most_rows = generic.numIndexTuples * within;

	/* the vector to search for and what to filter by, evaluated once */
	operands = index_other_operands_eval_cost(root, path->indexorderbys) +
		index_other_operands_eval_cost(root, get_quals_from_indexclauses(path->indexclauses));
	*startup_cost = operands + work_cost(root, path->indexinfo, loop_count, most_rows, first);
	*total_cost = operands + work_cost(root, path->indexinfo, loop_count, most_rows, all) +
		cpu_index_tuple_cost * Max(path->indexinfo->tuples, 0) +
		order_cost(root, path) * Max(most_rows, 0);
	*total_cost = Max(*total_cost, *startup_cost);
	*selectivity = generic.indexSelectivity;

	/* rows near each other in space are anywhere in the table */
	*correlation = 0;
	*pages = path->indexinfo->pages;
}

Cost
vdb_am_cost_within(PlannerInfo *root, IndexPath *path, double share)
{
	amcostestimate_function estimate = path->indexinfo->amcostestimate;
	Cost		first,
				all;
	Selectivity selectivity;
	double		correlation,
				pages;

	PG_TRY();
	{
		within = share;
		estimate(root, path, 1, &first, &all, &selectivity, &correlation, &pages);
	}
	PG_FINALLY();
	{
		within = 1;
	}
	PG_END_TRY();
	return first;
}
