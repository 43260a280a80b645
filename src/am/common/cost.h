/*
 * cost.h
 *	  What a scan of an index costs, for the planner.
 */
#ifndef VDB_AM_COST_H
#define VDB_AM_COST_H

#include "nodes/pathnodes.h"

/* Work in the index, apart from ordering what was found. */
typedef struct VdbAmWork
{
	double		pages;			/* read from the index */
	double		seeks;			/* how many of them do not follow the one before */
	double		rows;			/* looked at and put into order */
	Cost		cpu;			/* to look at them, in the planner's units */
} VdbAmWork;

/*
 * The work of looking at a fraction of the index's rows and the pages that
 * they are on: cpu_per_row for each, with that many seeks.
 */
extern VdbAmWork vdb_am_fraction(const IndexOptInfo *index, double fraction, double seeks,
								 Cost cpu_per_row);

/* The share of the index's rows that the conditions on filter columns let pass. */
extern double vdb_am_share(PlannerInfo *root, const IndexPath *path);

/*
 * The body of an amcostestimate, whose last parameters are the same.  The
 * method says how much it does until it can return the first row, and to
 * return them all; what else a scan costs is added here.
 */
extern void vdb_am_cost(PlannerInfo *root, IndexPath *path, double loop_count,
						const VdbAmWork *first, const VdbAmWork *all,
						Cost *startup_cost, Cost *total_cost, Selectivity *selectivity,
						double *correlation, double *pages);

#endif							/* VDB_AM_COST_H */
