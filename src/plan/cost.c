/*
 * cost.c
 *	  What a distance costs, for the planner.
 *
 * A constant would be wrong by a factor of a hundred: a comparison of two
 * short vectors takes little longer than one of two integers, but a long
 * vector has to be read from the TOAST table first.  An honest cost lets the
 * planner see when parallel workers pay, and evaluate a filter on another
 * column before a distance.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"

#include "compat/compat.h"

/*
 * In units of cpu_operator_cost, taken to be 10 ns.  Measured on exact
 * searches of 300,000 and more rows; see README.md.
 */
#define COST_OF_CALL 3.0		/* any distance */
#define COST_PER_KB 8.0			/* of a vector that is in the row */
#define COST_OF_TOAST 60.0		/* to find one that is not */
#define COST_PER_TOASTED_KB 30.0

/* Bytes of a stored vector whose type does not tell its dimensions. */
#define USUAL_BYTES 3072

/*
 * Cost of a distance whose arguments have so many bits for each dimension; 0
 * where their size does not follow from the dimensions.
 */
static Datum
support(Node *request, int bits)
{
	SupportRequestCost *cost = (SupportRequestCost *) request;
	List	   *args;
	ListCell   *cell;
	double		operators = COST_OF_CALL;

	if (!IsA(request, SupportRequestCost) || cost->node == NULL)
		PG_RETURN_POINTER(NULL);
	if (IsA(cost->node, OpExpr))
		args = ((OpExpr *) cost->node)->args;
	else if (IsA(cost->node, FuncExpr))
		args = ((FuncExpr *) cost->node)->args;
	else
		PG_RETURN_POINTER(NULL);

	/* Columns have to be read; what else there is, is in memory already. */
	foreach(cell, args)
	{
		Node	   *arg = (Node *) lfirst(cell);
		int32		dim = exprTypmod(arg);
		double		bytes = dim > 0 && bits > 0 ? (double) dim * bits / 8 : USUAL_BYTES;

		if (!IsA(arg, Var))
			continue;
		if (bytes > TOAST_TUPLE_THRESHOLD)
			operators += COST_OF_TOAST + bytes / 1024 * COST_PER_TOASTED_KB;
		else
			operators += bytes / 1024 * COST_PER_KB;
	}
	cost->startup = 0;
	cost->per_tuple = operators * cpu_operator_cost;
	PG_RETURN_POINTER(cost);
}

#define SUPPORT(type, bits) \
	VDB_FUNCTION_INFO_V1(vdb_plan_##type##_support); \
	Datum \
	vdb_plan_##type##_support(PG_FUNCTION_ARGS) \
	{ \
		return support((Node *) PG_GETARG_POINTER(0), bits); \
	} \
	extern int	no_such_variable

SUPPORT(vector, 32);
SUPPORT(halfvec, 16);
SUPPORT(int8vec, 8);
SUPPORT(bit, 1);
SUPPORT(sparsevec, 0);
