/*
 * way.c
 *	  How to find the nearest of the rows of a bitmap, by what it costs.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"

#include "plan/plan.h"

int			vdb_plan_strategy = VDB_PLAN_AUTO;

/* A page in a bitmap, beyond its rows, in units of cpu_operator_cost. */
#define COST_OF_BITMAP_PAGE 20.0

/* To test a row, for more rows than a search finds, in units of cpu_operator_cost. */
#define COST_OF_TEST 1.5

/*
 * The planner knows what share of the rows meets the conditions, but not whether
 * that is so near the query, too.  So rows of the index are tested one by one at
 * first, if that is expected to be cheaper than the bitmap, or if a few of them are a
 * small part of what that takes; and what has come of it decides.
 */
#define TRIAL_PART 0.25

/*
 * Fewer rows tell nothing; and with fewer than enough it must be as many times
 * dearer to be given up.
 */
#define LEAST_TRIED 20
#define ENOUGH_TRIED 60
#define HOPELESS 8

/* So many standard deviations fewer that pass than are expected may be chance. */
#define BY_CHANCE 4

/* The share that is expected counts as so many rows that have passed. */
#define EXPECTED 0.25

/* Of rows here and there: Mackert and Lohman's formula, as for a table in memory. */
static double
pages_of(const VdbPlanWork *work, double rows)
{
	return Min(2 * work->pages * rows / Max(2 * work->pages + rows, 1), work->pages);
}

/* Reading them, in the order of the table. */
static Cost
rows_cost(const VdbPlanWork *work, double rows)
{
	return pages_of(work, rows) * work->page + rows * work->row;
}

Cost
vdb_plan_tids_cost(const VdbPlanWork *work, double matches)
{
	return pages_of(work, matches) * COST_OF_BITMAP_PAGE * cpu_operator_cost;
}

Cost
vdb_plan_exact_cost(const VdbPlanWork *work, double matches)
{
	double		rows = work->limit >= 1 ? Min(work->limit, matches) : matches;

	/* A heap of all of them, from which those come that are asked for. */
	return rows_cost(work, matches) +
		2 * cpu_operator_cost * (2 * matches + rows * log2(Max(matches, 2)));
}

Cost
vdb_plan_search_cost(const VdbPlanWork *work, double matches)
{
	double		most = Min(Max(matches, 1), work->tuples);
	double		rows = work->limit >= 1 ? Min(work->limit, most) : most;
	double		share = most / work->tuples;
	Cost		search = work->first * pow(1 / share, work->power);
	Cost		sweep = COST_OF_TEST * cpu_operator_cost * work->tuples + share * work->all;

	/* More rows are more of the search, or of what is left of the sweep. */
	return search + rows / most * sweep + rows_cost(work, rows);
}

Cost
vdb_plan_stream_cost(const VdbPlanWork *work)
{
	return work->first + work->limit / work->share * work->next;
}

Cost
vdb_plan_trial_cost(const VdbPlanWork *work)
{
	return work->first + LEAST_TRIED * work->next;
}

bool
vdb_plan_may_stream(const VdbPlanWork *work)
{
	return vdb_plan_strategy == VDB_PLAN_AUTO && work->other > 0 && work->limit >= 1 &&
		work->limit * sizeof(ItemPointerData) <= work_mem * 1024.0 &&
		(vdb_plan_stream_cost(work) <= work->other ||
		 work->trial <= TRIAL_PART * work->other);
}

bool
vdb_plan_go_on(const VdbPlanWork *work, double tried, double passed)
{
	double		share = (passed + EXPECTED) / (tried + EXPECTED / work->share);
	Cost		left = (work->limit - passed) / share * work->next;

	if (tried < LEAST_TRIED)
		return true;
	if (vdb_plan_stream_cost(work) <= work->other &&
		passed + BY_CHANCE * sqrt(passed + 1) >= tried * work->share)
		return true;
	return left <= work->other * (tried < ENOUGH_TRIED ? HOPELESS : 1);
}

VdbPlanWay
vdb_plan_way(const VdbPlanWork *work, double matches)
{
	if (vdb_plan_strategy != VDB_PLAN_AUTO)
		return vdb_plan_strategy;
	/* Rows are kept by their distances until they are asked for. */
	if (matches * sizeof(VdbScanFound) > work_mem * 1024.0)
		return VDB_PLAN_SEARCH;
	return vdb_plan_exact_cost(work, matches) <= vdb_plan_search_cost(work, matches) ?
		VDB_PLAN_EXACT : VDB_PLAN_SEARCH;
}

static Const *
number(double value)
{
	return makeConst(FLOAT8OID, -1, InvalidOid, sizeof(float8), Float8GetDatum(value), false,
					 FLOAT8PASSBYVAL);
}

List *
vdb_plan_put_work(const VdbPlanWork *work)
{
	List	   *list = list_make4(number(work->tuples), number(work->limit), number(work->pages),
								  number(work->page));

	list = list_concat(list, list_make3(number(work->row), number(work->first),
										number(work->all)));
	list = list_concat(list, list_make3(number(work->passing), number(work->trial),
										number(work->next)));
	return list_concat(list, list_make3(number(work->share), number(work->other),
										number(work->power)));
}

static double
value_of(const List *list, int n)
{
	return DatumGetFloat8(castNode(Const, list_nth(list, n))->constvalue);
}

VdbPlanWork
vdb_plan_get_work(const List *list)
{
	return (VdbPlanWork)
	{
		.tuples = value_of(list, 0),.limit = value_of(list, 1),.pages = value_of(list, 2),
			.page = value_of(list, 3),.row = value_of(list, 4),.first = value_of(list, 5),
			.all = value_of(list, 6),.passing = value_of(list, 7),.trial = value_of(list, 8),
			.next = value_of(list, 9),.share = value_of(list, 10),.other = value_of(list, 11),
			.power = value_of(list, 12)
	};
}
