/*
 * clauses.c
 *	  Conditions on filter columns that PostgreSQL leaves to be tested outside
 *	  of the index, though it can test them.
 *
 * Until 16 it does not have a scan in some order test "column IN (...)", which
 * b-trees could not do without losing their order.  And until 15 a bool column
 * by itself is a condition only to its own access methods.  What is matched
 * here as well, in the versions that do it, is found to be there already.
 */
#include "postgres.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"

#include "am/common/scan.h"
#include "plan/clauses.h"

/* The conditions that are tested in place of one on a column, or NIL. */
static List *
match_any(PlannerInfo *root, IndexOptInfo *index, int column, RestrictInfo *condition)
{
	ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) condition->clause;
	Oid			collation = index->indexcollations[column];

	if (any->useOr && match_index_to_operand(linitial(any->args), column, index) &&
		op_in_opfamily(any->opno, index->opfamily[column]) &&
		(!OidIsValid(collation) || collation == any->inputcollid) &&
		is_pseudo_constant_for_index(root, lsecond(any->args), index))
		return list_make1(condition);
	return NIL;
}

/* column, NOT column, column IS TRUE, column IS FALSE */
static List *
match_bool(PlannerInfo *root, IndexOptInfo *index, int column, Node *clause)
{
	bool		value = true;
	Expr	   *equals;

	if (is_notclause(clause))
	{
		value = false;
		clause = (Node *) get_notclausearg(clause);
	}
	else if (IsA(clause, BooleanTest))
	{
		BooleanTest *test = (BooleanTest *) clause;

		if (test->booltesttype != IS_TRUE && test->booltesttype != IS_FALSE)
			return NIL;
		value = test->booltesttype == IS_TRUE;
		clause = (Node *) test->arg;
	}
	if (!op_in_opfamily(BooleanEqualOperator, index->opfamily[column]) ||
		!match_index_to_operand(clause, column, index))
		return NIL;
	equals = make_opclause(BooleanEqualOperator, BOOLOID, false, (Expr *) clause,
						   (Expr *) makeBoolConst(value, false), InvalidOid, InvalidOid);
	return list_make1(make_simple_restrictinfo(root, equals));
}

static IndexClause *
match(PlannerInfo *root, IndexOptInfo *index, RestrictInfo *condition)
{
	for (int column = 1; column < index->nkeycolumns; column++)
	{
		Node	   *clause = (Node *) condition->clause;
		List	   *quals = IsA(clause, ScalarArrayOpExpr) ?
			match_any(root, index, column, condition) :
			match_bool(root, index, column, clause);

		if (quals != NIL)
		{
			IndexClause *matched = makeNode(IndexClause);

			matched->rinfo = condition;
			matched->indexquals = quals;
			matched->lossy = false;
			matched->indexcol = column;
			return matched;
		}
	}
	return NULL;
}

static bool
is_among(const RestrictInfo *condition, List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		if (lfirst_node(IndexClause, cell)->rinfo == condition)
			return true;
	}
	return false;
}

static int
by_column(const ListCell *a, const ListCell *b)
{
	return (int) lfirst_node(IndexClause, a)->indexcol - lfirst_node(IndexClause, b)->indexcol;
}

List *
vdb_plan_all_clauses(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index, List *clauses)
{
	List	   *all = list_copy(clauses);
	ListCell   *cell;

	foreach(cell, index->nkeycolumns > 1 ? rel->baserestrictinfo : NIL)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, cell);
		IndexClause *matched;

		if (condition->pseudoconstant || !restriction_is_securely_promotable(condition, rel) ||
			is_among(condition, clauses))
			continue;
		matched = match(root, index, condition);
		if (matched != NULL)
			all = lappend(all, matched);
	}
	list_sort(all, by_column);
	return all;
}

void
vdb_plan_offer_clauses(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *paths = list_copy(rel->pathlist);	/* from which add_path() may take some */
	ListCell   *cell;

	foreach(cell, paths)
	{
		IndexPath  *path = lfirst(cell);
		List	   *clauses;

		if (!IsA(path, IndexPath) || path->path.param_info != NULL ||
			path->indexorderbys == NIL || !vdb_am_is_ours(path->indexinfo->relam))
			continue;
		clauses = vdb_plan_all_clauses(root, rel, path->indexinfo, path->indexclauses);
		if (list_length(clauses) == list_length(path->indexclauses))
			continue;
		add_path(rel, (Path *)
				 create_index_path(root, path->indexinfo, clauses, path->indexorderbys,
								   path->indexorderbycols, path->path.pathkeys,
								   path->indexscandir, false, NULL, 1, false));
	}
	list_free(paths);
}
