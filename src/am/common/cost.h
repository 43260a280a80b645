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
	double		pages;			/* read from the index, beyond what is in memory */
	double		seeks;			/* how many of them do not follow the one before */
	double		rows;			/* looked at and put into order */
	Cost		cpu;			/* to look at them, in the planner's units */
} VdbAmWork;

/*
 * The part of the index that is not in memory.  A search goes all over it, so
 * an index that is used is in memory as far as there is room, as PostgreSQL
 * takes the upper pages of trees to be.
 */
extern double vdb_am_uncached(const IndexOptInfo *index);

/*
 * The work of looking at a fraction of the index's rows and the pages that
 * they are on, of which those count that are not in memory: cpu_per_row for each,
 * with that many seeks.
 */
extern VdbAmWork vdb_am_fraction(const IndexOptInfo *index, double fraction, double seeks,
								 Cost cpu_per_row);

/*
 * Does a scan test rows; and the share of the index's rows that the conditions on
 * filter columns, and what else it is to keep to, let pass.
 */
extern bool vdb_am_is_filtered(const IndexPath *path);
extern double vdb_am_share(PlannerInfo *root, const IndexPath *path);

/* What the first row costs of those of a set, in which are such a share of all. */
extern Cost vdb_am_cost_within(PlannerInfo *root, IndexPath *path, double share);

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
