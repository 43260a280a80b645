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

/*
 * A search for rows that are few among others goes over more of them, this part of
 * all that it would take to meet as many by chance; but no more than over the whole
 * index, to test each row, and to look at those that pass.  In units of
 * cpu_operator_cost.
 */
#define PASSING_PART 0.25
#define COST_OF_TEST 1.5

/* Reading rows here and there, in the order of the table. */
static Cost
rows_cost(const VdbPlanWork *work, double rows)
{
	/* Mackert and Lohman's formula, as the planner has it for a table in memory. */
	double		pages = 2 * work->pages * rows / Max(2 * work->pages + rows, 1);

	return Min(pages, work->pages) * work->page + rows * work->row;
}

Cost
vdb_plan_exact_cost(const VdbPlanWork *work, double matches)
{
	return rows_cost(work, matches) + 2 * cpu_operator_cost * matches * log2(Max(matches, 2));
}

Cost
vdb_plan_search_cost(const VdbPlanWork *work, double matches)
{
	double		most = Min(Max(matches, 1), work->tuples);
	double		rows = work->limit >= 1 ? Min(work->limit, most) : most;
	double		share = most / work->tuples;
	Cost		search = work->first * (PASSING_PART / share + 1 - PASSING_PART);
	Cost		sweep = COST_OF_TEST * cpu_operator_cost * work->tuples + share * work->all;

	/* More rows are more of the search, or of what is left of the sweep. */
	return Min(search, work->first + sweep) + rows / most * sweep + rows_cost(work, rows);
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

	return list_concat(list, list_make3(number(work->row), number(work->first),
										number(work->all)));
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
			.all = value_of(list, 6)
	};
}
