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

/* A row of a bitmap, in a search that looks at all of the index. */
#define SWEEP_SHARE 0.1

/* What a search costs more for each time that it passes over a row. */
#define COST_OF_PASSING 0.1

Cost
vdb_plan_exact_cost(const VdbPlanWork *work, double matches)
{
	return matches * (work->fetch + work->distance) +
		2 * cpu_operator_cost * matches * log2(Max(matches, 2));
}

/*
 * A search for rows that are few among others goes over more of them, but no
 * more than all; and what it returns is fetched.
 */
Cost
vdb_plan_search_cost(const VdbPlanWork *work, double matches)
{
	double		others = work->tuples / Max(matches, 1);
	double		rows = work->limit >= 1 ? Min(work->limit, matches) : matches;
	Cost		search = work->first * (1 + COST_OF_PASSING * Max(others - 1, 0));
	Cost		sweep = work->first + SWEEP_SHARE * work->all;
	double		share = Min(rows / Max(matches, 1), 1);

	return Min(search, sweep) + share * SWEEP_SHARE * work->all +
		rows * (work->fetch + work->distance);
}

VdbPlanWay
vdb_plan_way(const VdbPlanWork *work, double matches)
{
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
	return list_make5(number(work->tuples), number(work->limit), number(work->fetch),
					  number(work->distance), list_make2(number(work->first), number(work->all)));
}

static double
value_of(const List *list, int n)
{
	return DatumGetFloat8(castNode(Const, list_nth(list, n))->constvalue);
}

VdbPlanWork
vdb_plan_get_work(const List *list)
{
	const List *index = list_nth(list, 4);

	return (VdbPlanWork)
	{
		.tuples = value_of(list, 0),.limit = value_of(list, 1),.fetch = value_of(list, 2),
			.distance = value_of(list, 3),.first = value_of(index, 0),.all = value_of(index, 1)
	};
}
