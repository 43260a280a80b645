/*
 * clauses.h
 *	  Conditions on filter columns that PostgreSQL leaves to be tested outside
 *	  of the index.
 */
#ifndef VDB_PLAN_CLAUSES_H
#define VDB_PLAN_CLAUSES_H

#include "nodes/pathnodes.h"

/*
 * The conditions that an index can test (IndexClauses): those of clauses,
 * which PostgreSQL has found, and those that it has left out.
 */
extern List *vdb_plan_all_clauses(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index,
								  List *clauses);

/* Offers scans in an order that test such conditions, beside those that do not. */
extern void vdb_plan_offer_clauses(PlannerInfo *root, RelOptInfo *rel);

#endif							/* VDB_PLAN_CLAUSES_H */
