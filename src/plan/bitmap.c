/*
 * bitmap.c
 *	  What PostgreSQL's planner makes of a table's conditions.
 *
 * It knows which indexes, combined how, tell best which rows a table's
 * conditions are true of.  But the bitmap scan that it has made may be gone by
 * the time that a hook is asked, because another path was cheaper.  So it is
 * asked to make paths again, of indexes for which no other path is possible.
 */
#include "postgres.h"

#include "optimizer/paths.h"

#include "plan/clauses.h"
#include "plan/plan.h"

/* The paths that PostgreSQL makes of some indexes; those that there are stay. */
static List *
paths_of(PlannerInfo *root, RelOptInfo *rel, List *indexes)
{
	List	   *pathlist = rel->pathlist;
	List	   *partial_pathlist = rel->partial_pathlist;
	List	   *indexlist = rel->indexlist;
	List	   *paths;

	rel->pathlist = rel->partial_pathlist = NIL;
	rel->indexlist = indexes;
	create_index_paths(root, rel);
	paths = rel->pathlist;
	rel->pathlist = pathlist;
	rel->partial_pathlist = partial_pathlist;
	rel->indexlist = indexlist;
	return paths;
}

BitmapHeapPath *
vdb_plan_bitmap(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *indexes = NIL;
	ListCell   *cell;

	/* Copies that have nothing but bitmaps to offer. */
	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		if (index->amhasgetbitmap)
		{
			IndexOptInfo *copy = palloc(sizeof(IndexOptInfo));

			*copy = *index;
			copy->amhasgettuple = copy->amcanparallel = false;
			indexes = lappend(indexes, copy);
		}
	}
	if (indexes == NIL)
		return NULL;
	foreach(cell, paths_of(root, rel, indexes))
	{
		Path	   *path = lfirst(cell);

		if (IsA(path, BitmapHeapPath) && path->param_info == NULL)
			return (BitmapHeapPath *) path;
	}
	return NULL;
}

List *
vdb_plan_index_clauses(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index)
{
	List	   *clauses = NIL;
	ListCell   *cell;

	if (index->nkeycolumns == 1)
		return NIL;
	foreach(cell, paths_of(root, rel, list_make1(index)))
	{
		Path	   *path = lfirst(cell);

		if (IsA(path, IndexPath) && path->param_info == NULL)
		{
			clauses = ((IndexPath *) path)->indexclauses;
			break;
		}
	}
	return vdb_plan_all_clauses(root, rel, index, clauses);
}
