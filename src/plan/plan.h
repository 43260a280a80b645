/*
 * plan.h
 *	  The filtered scan: what its parts share.
 *
 * A custom scan that returns a table's rows in order of a distance, through an
 * index of vecdb, which does what the plain index scan cannot: look only at rows
 * of a bitmap, end at a distance, and put rows in order of what grows, or falls,
 * with the distance.
 */
#ifndef VDB_PLAN_H
#define VDB_PLAN_H

#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/pathnodes.h"

#include "am/common/scan.h"
#include "scan/select.h"
#include "scan/tids.h"

/* How the rows of a bitmap are found. */
typedef enum VdbPlanWay
{
	VDB_PLAN_AUTO,				/* the cheaper of the others */
	VDB_PLAN_EXACT,				/* the distance of each */
	VDB_PLAN_SEARCH,			/* the index, which looks at these rows only */
	VDB_PLAN_STREAM				/* no bitmap yet: all rows of the index, tested one by one */
} VdbPlanWay;

/* Settings: vecdb.enable_filtered_scan, vecdb.filtered_scan_strategy. */
extern bool vdb_plan_enable_filtered_scan;
extern int	vdb_plan_strategy;

/* Has the planner offer filtered scans; once, when the library is loaded. */
extern void vdb_plan_init(void);

/* ---- order.c: distances in expressions ---- */

/* An expression that grows, or falls, with the distance of an index. */
typedef struct VdbPlanOrder
{
	OpExpr	   *distance;		/* what the index has on the left */
	bool		falls;
	bool		wrapped;		/* it is not just the operator */
	double		least;			/* of what it can be: infinite if unknown */
	double		most;
} VdbPlanOrder;

/* The operators that order distances: float_ops. */
extern Oid	vdb_plan_float_family(void);

/* Is it one of the index's first column? */
extern bool vdb_plan_match(const IndexOptInfo *index, Node *expr, VdbPlanOrder *order);

/* Is the condition on one, such that it holds up to some distance, and not beyond? */
extern bool vdb_plan_match_limit(const IndexOptInfo *index, RestrictInfo *condition,
								 VdbPlanOrder *order);

/* ---- bitmap.c: what PostgreSQL makes of conditions ---- */

/* The bitmap scan that PostgreSQL would use for the table's conditions, or NULL. */
extern BitmapHeapPath *vdb_plan_bitmap(PlannerInfo *root, RelOptInfo *rel);

/* The conditions that the index can test: IndexClauses. */
extern List *vdb_plan_index_clauses(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index);

/* ---- way.c: how to find the rows, by what it costs ---- */

/* What planning knows of the work; in the planner's units. */
typedef struct VdbPlanWork
{
	double		tuples;			/* rows of the table */
	double		limit;			/* rows that are asked for; less than 1: all */
	double		pages;			/* of the table */
	Cost		page;			/* to get at one */
	Cost		row;			/* its conditions and its distance */
	Cost		first;			/* of a search among all rows */
	double		power;			/* of how many times fewer rows there are, to search among them */
	Cost		all;			/* to look at the whole index */

	/* rows of the index one by one, if other is not 0 */
	double		passing;		/* those that the index's own conditions let through */
	Cost		trial;			/* until it is known whether that is the better way */
	Cost		next;			/* one that comes after the first */
	double		share;			/* of them that meet the conditions */
	Cost		other;			/* the whole scan by the bitmap */
} VdbPlanWork;

/* To make the set of rows, beyond what PostgreSQL charges for the bitmap. */
extern Cost vdb_plan_tids_cost(const VdbPlanWork *work, double matches);

extern Cost vdb_plan_exact_cost(const VdbPlanWork *work, double matches);
extern Cost vdb_plan_search_cost(const VdbPlanWork *work, double matches);

/* With rows of the index one by one, until there are as many as are asked for. */
extern Cost vdb_plan_stream_cost(const VdbPlanWork *work);

/* A few of them, which tell whether others meet the conditions. */
extern Cost vdb_plan_trial_cost(const VdbPlanWork *work);

/* Is that to be tried first? */
extern bool vdb_plan_may_stream(const VdbPlanWork *work);

/* Is it to go on, when so many of the rows that have come meet the conditions? */
extern bool vdb_plan_go_on(const VdbPlanWork *work, double tried, double passed);

/* The setting's; or the cheaper, of those that memory suffices for. */
extern VdbPlanWay vdb_plan_way(const VdbPlanWork *work, double matches);

/* To and from what a plan can hold. */
extern List *vdb_plan_put_work(const VdbPlanWork *work);
extern VdbPlanWork vdb_plan_get_work(const List *list);

/* ---- node.c: the scan ---- */

/* A path of it, without costs; bitmap may be NULL, and stops be NIL. */
extern CustomPath *vdb_plan_node_path(RelOptInfo *rel, IndexPath *index, BitmapHeapPath *bitmap,
									  List *parts, List *stops, const VdbPlanWork *work);
extern void vdb_plan_node_init(void);

/* Rows with their exact distances, those that have none apart. */
typedef struct VdbPlanNear
{
	IndexFetchTableData *fetch;
	MemoryContext context;		/* of the rows */
	ExprState  *value;			/* what the index has of a row */
	VdbScanQueue rows[VDB_AM_NPARTS];
} VdbPlanNear;

/* Rows that came in the order of the index, and meet the conditions. */
typedef struct VdbPlanStream
{
	ItemPointerData *tids;
	uint32		room;
	uint32		count;
	uint32		next;			/* to be returned */
	uint64		tried;			/* rows that came, of all rescans */
} VdbPlanStream;

typedef struct VdbPlanScan
{
	CustomScanState css;
	IndexScan  *plan;			/* of the index scan, not executed as such */
	VdbPlanWork work;
	List	   *parts;			/* VdbAmPart, in the order they come */
	Relation	index;

	/* Keys of the index scan; in a context of their own, what they compare with. */
	ScanKey		keys;
	int			nkeys;
	ScanKey		orderbys;
	int			norderbys;
	IndexRuntimeKeyInfo *runtime;
	int			nruntime;
	ExprContext *runtime_context;

	PlanState  *bitmap;			/* or NULL */
	MemoryContext tids_context;
	VdbScanTids *tids;			/* NULL until the bitmap is made */
	ExprState  *stop;			/* where it fails, no more numbers follow */

	bool		begun;			/* since the last rescan */
	VdbPlanWay	way;
	int			part;			/* of parts */
	IndexScanDesc scan;			/* NULL until it is needed */
	uint64		near_enough;	/* rows that stop holds for, since the last rescan */
	uint64		too_far;		/* others, of this part */
	VdbPlanNear near;
	VdbPlanStream stream;
	uint64		exact;			/* distances computed, of all rescans */
} VdbPlanScan;

/* ---- search.c: rows through the index ---- */

extern TupleTableSlot *vdb_plan_search_next(VdbPlanScan *scan);
/* Opened, but not begun. */
extern VdbAmScan *vdb_plan_search_open(VdbPlanScan *scan);

/* It may yield to exact distances of about so many rows, if not 0: see VdbAmScan. */
extern void vdb_plan_search_begin(VdbPlanScan *scan, double yield_rows);
extern void vdb_plan_search_end(VdbPlanScan *scan);

/* ---- stream.c: rows through the index, which looks at all of them ---- */

/* Looks for as many rows as are asked for; false if the bitmap is the better way. */
extern bool vdb_plan_stream_begin(VdbPlanScan *scan);
extern TupleTableSlot *vdb_plan_stream_next(VdbPlanScan *scan);

/* ---- near.c: rows of the bitmap by their exact distances ---- */

extern TupleTableSlot *vdb_plan_near_next(VdbPlanScan *scan);
extern void vdb_plan_near_begin(VdbPlanScan *scan);
extern void vdb_plan_near_end(VdbPlanScan *scan);

#endif							/* VDB_PLAN_H */
