/*
 * order.c
 *	  Distances in expressions: 1 - (v <=> q), and the like.
 *
 * What grows, or falls, with a distance has the order of the index, or the
 * reverse.  Rounding does no harm: sums, products and quotients with a constant
 * are rounded to the same number, or to numbers in the same order.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/stratnum.h"
#include "catalog/pg_type_d.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "am/common/kind.h"
#include "plan/plan.h"

Oid
vdb_plan_float_family(void)
{
	return lookup_type_cache(FLOAT8OID, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
}

/* Is it the same for all rows of a scan? */
static bool
is_constant(Node *expr)
{
	return !contain_var_clause(expr) && !contain_volatile_functions(expr);
}

/* Its number, if planning knows it. */
static bool
is_number(Node *expr, double *number)
{
	Const	   *c = (Const *) expr;

	if (!IsA(expr, Const) || c->constisnull || c->consttype != FLOAT8OID)
		return false;
	*number = DatumGetFloat8(c->constvalue);
	return isfinite(*number);
}

/* The operator of an index's distance that this function computes. */
static Oid
operator_of(const IndexOptInfo *index, Oid function)
{
	Oid			type = index->opcintype[0];
	Oid			operator = get_opfamily_member(index->opfamily[0], type, type,
											   VDB_AM_DISTANCE_STRATEGY);

	return OidIsValid(operator) && get_opcode(operator) == function ? operator : InvalidOid;
}

/* Inner products can be less than 0; the other distances cannot. */
static double
least_distance(const IndexOptInfo *index)
{
	Relation	relation = index_open(index->indexoid, NoLock);
	VdbMetric	metric = vdb_am_kind(relation)->metric;

	index_close(relation, NoLock);
	return metric == VDB_IP ? -INFINITY : 0;
}

/* The distance itself: an operator, or its function. */
static bool
match_distance(const IndexOptInfo *index, Node *expr, VdbPlanOrder *order)
{
	Oid			operator = InvalidOid;
	Oid			collation;
	List	   *args;
	Node	   *left,
			   *right;

	if (IsA(expr, OpExpr))
	{
		OpExpr	   *op = (OpExpr *) expr;

		operator = operator_of(index, get_opcode(op->opno));
		args = op->args;
		collation = op->inputcollid;
	}
	else if (IsA(expr, FuncExpr))
	{
		FuncExpr   *func = (FuncExpr *) expr;

		operator = operator_of(index, func->funcid);
		args = func->args;
		collation = func->inputcollid;
	}
	if (!OidIsValid(operator))
		return false;
	left = linitial(args);
	right = lsecond(args);
	if (!match_index_to_operand(left, 0, unconstify(IndexOptInfo *, index)))
	{
		/* Distances are the same from either side. */
		left = lsecond(args);
		right = linitial(args);
		if (!match_index_to_operand(left, 0, unconstify(IndexOptInfo *, index)))
			return false;
	}
	if (!is_constant(right))
		return false;
	order->distance = (OpExpr *) make_opclause(operator, FLOAT8OID, false, (Expr *) left,
											   (Expr *) right, InvalidOid, collation);
	set_opfuncid(order->distance);
	order->falls = false;
	order->wrapped = IsA(expr, FuncExpr);
	order->least = least_distance(index);
	order->most = INFINITY;
	return true;
}

static void
turn(VdbPlanOrder *order)
{
	double		least = order->least;

	order->falls = !order->falls;
	order->least = -order->most;
	order->most = -least;
}

/* order + number, which is NULL where planning does not know it. */
static void
shift(VdbPlanOrder *order, const double *number)
{
	order->least = number != NULL ? order->least + *number : -INFINITY;
	order->most = number != NULL ? order->most + *number : INFINITY;
}

/* order * number */
static bool
scale(VdbPlanOrder *order, double number)
{
	if (number == 0)
		return false;
	if (number < 0)
		turn(order);
	order->least *= fabs(number);
	order->most *= fabs(number);
	return true;
}

/* number / order: falls from where order is positive on. */
static bool
divide(VdbPlanOrder *order, double number)
{
	if (number == 0 || order->least <= 0)
		return false;
	order->falls = !order->falls;
	order->most = 1 / order->least;
	order->least = 0;
	return scale(order, number);
}

/* A binary operator of float8, of what matches and a constant. */
static bool
match_arithmetic(const IndexOptInfo *index, OpExpr *op, VdbPlanOrder *order)
{
	Node	   *left = linitial(op->args);
	Node	   *right = lsecond(op->args);
	bool		reversed = !is_constant(right);
	Node	   *constant = reversed ? left : right;
	double		number = 0;
	bool		known = is_number(constant, &number);

	if (!is_constant(constant) || !vdb_plan_match(index, reversed ? right : left, order))
		return false;
	order->wrapped = true;
	switch (op->opfuncid)
	{
		case F_FLOAT8PL:
			shift(order, known ? &number : NULL);
			return true;
		case F_FLOAT8MI:
			if (reversed)
				turn(order);
			else
				number = -number;
			shift(order, known ? &number : NULL);
			return true;
		case F_FLOAT8MUL:
			return known && scale(order, number);
		case F_FLOAT8DIV:
			if (reversed)
				return known && divide(order, number);
			return known && number != 0 && scale(order, 1 / number);
		default:
			return false;
	}
}

bool
vdb_plan_match(const IndexOptInfo *index, Node *expr, VdbPlanOrder *order)
{
	OpExpr	   *op = (OpExpr *) expr;

	if (match_distance(index, expr, order))
		return true;
	if (!IsA(expr, OpExpr))
		return false;
	set_opfuncid(op);
	switch (op->opfuncid)
	{
		case F_FLOAT8UM:
			if (!vdb_plan_match(index, linitial(op->args), order))
				return false;
			order->wrapped = true;
			turn(order);
			return true;
		case F_FLOAT8PL:
		case F_FLOAT8MI:
		case F_FLOAT8MUL:
		case F_FLOAT8DIV:
			return match_arithmetic(index, op, order);
		default:
			return false;
	}
}

bool
vdb_plan_match_limit(const IndexOptInfo *index, RestrictInfo *condition, VdbPlanOrder *order)
{
	OpExpr	   *op = (OpExpr *) condition->clause;
	Node	   *limit;
	int			strategy;

	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return false;
	strategy = get_op_opfamily_strategy(op->opno, vdb_plan_float_family());
	if (strategy == 0 || strategy == BTEqualStrategyNumber)
		return false;
	if (vdb_plan_match(index, linitial(op->args), order))
		limit = lsecond(op->args);
	else if (vdb_plan_match(index, lsecond(op->args), order))
	{
		limit = linitial(op->args);
		strategy = BTGreaterStrategyNumber + BTLessStrategyNumber - strategy;
	}
	else
		return false;
	return is_constant(limit) && order->falls == (strategy > BTEqualStrategyNumber);
}
