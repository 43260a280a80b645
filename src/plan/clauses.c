/*
 * clauses.c
 *	  Conditions on filter columns that PostgreSQL leaves to be tested outside
 *	  of the index, though it can test them.
 *
 * Until 16 it does not have a scan in some order test "column IN (...)", which
 * b-trees could not do without losing their order.  And until 15 a bool column
 * by itself is a condition only to its own access methods.  What is matched
 * here as well, in the versions that do it, is found to be there already.
 *
 * "value = ANY (column)" is to no version what it is, "column @> ARRAY[value]".
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
#include "utils/typcache.h"

#include "am/common/scan.h"
#include "plan/clauses.h"

/* The condition that is tested in place of one on a column. */
static List *
in_its_place(PlannerInfo *root, Oid operator, Node *column, Node *constant, Oid collation)
{
	Expr	   *clause = make_opclause(operator, BOOLOID, false, (Expr *) column,
									   (Expr *) constant, InvalidOid, collation);

	set_opfuncid((OpExpr *) clause);
	return list_make1(make_simple_restrictinfo(root, clause));
}

/* column OPERATOR ANY (values) */
static List *
match_any(PlannerInfo *root, IndexOptInfo *index, int column, RestrictInfo *condition)
{
	ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) condition->clause;

	if (match_index_to_operand(linitial(any->args), column, index) &&
		op_in_opfamily(any->opno, index->opfamily[column]) &&
		is_pseudo_constant_for_index(root, lsecond(any->args), index))
		return list_make1(condition);
	return NIL;
}

/* value = ANY (column): the column contains it, by the equality that sets go by */
static List *
match_element(PlannerInfo *root, IndexOptInfo *index, int column, const ScalarArrayOpExpr *any)
{
	Node	   *array = lsecond(any->args);
	Node	   *value = linitial(any->args);
	Oid			type = exprType(array);
	ArrayExpr  *values;

	if (!match_index_to_operand(array, column, index) ||
		!op_in_opfamily(OID_ARRAY_CONTAINS_OP, index->opfamily[column]) ||
		!is_pseudo_constant_for_index(root, value, index) ||
		exprType(value) != get_base_element_type(type) ||
		any->opno != lookup_type_cache(exprType(value), TYPECACHE_EQ_OPR)->eq_opr)
		return NIL;
	values = makeNode(ArrayExpr);
	values->array_typeid = get_array_type(exprType(value));
	values->array_collid = any->inputcollid;
	values->element_typeid = exprType(value);
	values->elements = list_make1(value);
	values->location = -1;
	return in_its_place(root, OID_ARRAY_CONTAINS_OP, array,
						eval_const_expressions(root, (Node *) values), any->inputcollid);
}

static List *
match_array(PlannerInfo *root, IndexOptInfo *index, int column, RestrictInfo *condition)
{
	const ScalarArrayOpExpr *any = (const ScalarArrayOpExpr *) condition->clause;
	Oid			collation = index->indexcollations[column];
	List	   *quals;

	if (!any->useOr || (OidIsValid(collation) && collation != any->inputcollid))
		return NIL;
	quals = match_any(root, index, column, condition);
	return quals != NIL ? quals : match_element(root, index, column, any);
}

/* column, NOT column, column IS TRUE, column IS FALSE */
static List *
match_bool(PlannerInfo *root, IndexOptInfo *index, int column, Node *clause)
{
	bool		value = true;

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
	return in_its_place(root, BooleanEqualOperator, clause, makeBoolConst(value, false),
						InvalidOid);
}

static IndexClause *
match(PlannerInfo *root, IndexOptInfo *index, RestrictInfo *condition)
{
	for (int column = 1; column < index->nkeycolumns; column++)
	{
		Node	   *clause = (Node *) condition->clause;
		List	   *quals = IsA(clause, ScalarArrayOpExpr) ?
			match_array(root, index, column, condition) :
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
