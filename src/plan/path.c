/*
 * path.c
 *	  Offers the planner filtered scans.
 *
 * For each index of vecdb, and each distance that the query orders by or limits:
 * with the bitmap that PostgreSQL would use for the table's conditions; and
 * without, where the plain index scan would not do.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_am_d.h"
#include "catalog/pg_class_d.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/spccache.h"

#include "am/common/cost.h"
#include "compat/pathkey.h"
#include "plan/clauses.h"
#include "plan/plan.h"

bool		vdb_plan_enable_filtered_scan = true;

/* To find a page of the table in memory, in units of cpu_operator_cost. */
#define COST_OF_PAGE 50.0

/* Relative to the cost of a plain scan of the index that is otherwise the same. */
#define BETTER_THAN_PLAIN 0.98

static set_rel_pathlist_hook_type previous;

/* What is known of a table while paths are made for it. */
typedef struct Offer
{
	PlannerInfo *root;
	RelOptInfo *rel;
	bool		asked;			/* for its bitmap */
	BitmapHeapPath *bitmap;
} Offer;

/* A way to scan an index. */
typedef struct Search
{
	IndexOptInfo *index;
	VdbPlanOrder order;
	List	   *pathkeys;		/* that it has; NIL if any order will do */
	List	   *parts;
	List	   *stops;			/* conditions beyond which there is nothing */
	bool		plain;			/* an index scan can do it */
} Search;

/* ---- what is asked for ---- */

/* The rows without a distance come before the others, or after. */
static List *
parts_for(bool nans_first, bool nulls_first)
{
	List	   *parts = list_make1_int(VDB_AM_NUMBERS);

	parts = nans_first ? lcons_int(VDB_AM_NANS, parts) : lappend_int(parts, VDB_AM_NANS);
	return nulls_first ? lcons_int(VDB_AM_NULLS, parts) : lappend_int(parts, VDB_AM_NULLS);
}

/* Does the index have the first of the orders that the query asks for? */
static bool
match_order(PlannerInfo *root, RelOptInfo *rel, Search *search)
{
	PathKey    *pathkey;
	VdbCompatMembers walk;
	EquivalenceMember *member;
	bool		descending;

	if (root->query_pathkeys == NIL)
		return false;
	pathkey = linitial_node(PathKey, root->query_pathkeys);
	if (pathkey->pk_opfamily != vdb_plan_float_family() || pathkey->pk_eclass->ec_has_volatile)
		return false;
	descending = VDB_COMPAT_IS_DESCENDING(pathkey);
	vdb_compat_members_begin(&walk, pathkey->pk_eclass, rel->relids);
	while ((member = vdb_compat_members_next(&walk)) != NULL)
	{
		VdbPlanOrder order;

		if (!bms_equal(member->em_relids, rel->relids) ||
			!vdb_plan_match(search->index, (Node *) member->em_expr, &order) ||
			order.falls != descending)
			continue;
		search->order = order;
		search->pathkeys = list_make1(pathkey);
		search->plain = !search->order.wrapped && !pathkey->pk_nulls_first;
		search->parts = search->plain || (!descending && !pathkey->pk_nulls_first) ?
			list_make1_int(VDB_AM_ALL) : parts_for(descending, pathkey->pk_nulls_first);
		return true;
	}
	return false;
}

/*
 * Conditions beyond which there is nothing: on the search's distance, or, if it
 * has none yet, on one of the index.  They are tested before the others are.
 */
static void
match_limits(RelOptInfo *rel, Search *search)
{
	ListCell   *cell;

	foreach(cell, rel->baserestrictinfo)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, cell);
		VdbPlanOrder order;

		if (condition->pseudoconstant || !restriction_is_securely_promotable(condition, rel) ||
			!vdb_plan_match_limit(search->index, condition, &order))
			continue;
		if (search->order.distance == NULL)
			search->order = order;
		else if (!equal(order.distance, search->order.distance))
			continue;
		search->stops = lappend(search->stops, condition->clause);
		/* NaN is larger than all numbers, and what falls does not reject it. */
		if (order.falls && list_length(search->parts) == 1)
			search->parts = parts_for(false, false);
		search->plain = false;
	}
}

/* ---- paths ---- */

/* Conditions that the index does not test, and that are not of its distance. */
static bool
has_other_conditions(const Offer *offer, const Search *search, List *index_clauses)
{
	ListCell   *cell;

	foreach(cell, offer->rel->baserestrictinfo)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, cell);
		bool		tested = false;
		ListCell   *other;

		if (condition->pseudoconstant || list_member(search->stops, condition->clause))
			continue;
		foreach(other, index_clauses)
			tested |= lfirst_node(IndexClause, other)->rinfo == condition;
		if (!tested)
			return true;
	}
	return false;
}

/*
 * PostgreSQL asks of the conditions of a scan, and of what it returns, whether workers
 * can work it out, but not of what an index is scanned in order of: which may be the
 * distance to a row of an outer query, which they do not have.  (As part of an Append
 * such a scan came to a worker, and crashed it.)
 */
static void
keep_from_workers(PlannerInfo *root, IndexPath *path)
{
	if (!is_parallel_safe(root, (Node *) path->indexorderbys))
		path->path.parallel_safe = false;
}

/* The same for the index scans that there are of indexes of ours. */
static void
keep_scans_from_workers(PlannerInfo *root, RelOptInfo *rel)
{
	ListCell   *cell;

	foreach(cell, rel->pathlist)
	{
		IndexPath  *path = lfirst(cell);

		if (IsA(path, IndexPath) && vdb_am_is_ours(path->indexinfo->relam))
			keep_from_workers(root, path);
	}
}

/* The bitmap of the table's conditions, or NULL; looked for once. */
static BitmapHeapPath *
bitmap_of(Offer *offer)
{
	if (!offer->asked && enable_bitmapscan)
		offer->bitmap = vdb_plan_bitmap(offer->root, offer->rel);
	offer->asked = true;
	return offer->bitmap;
}

static IndexPath *
index_path(const Offer *offer, const Search *search, List *index_clauses)
{
	IndexPath  *path = create_index_path(offer->root, search->index, index_clauses,
										 list_make1(search->order.distance), list_make1_int(0),
										 search->pathkeys, ForwardScanDirection, false, NULL, 1,
										 false);

	keep_from_workers(offer->root, path);
	return path;
}

/* What a row costs that is at hand: its conditions, and its distance. */
static Cost
row_cost(const Offer *offer, const Search *search)
{
	QualCost	distance;

	cost_qual_eval_node(&distance, (Node *) search->order.distance, offer->root);
	return cpu_tuple_cost + offer->rel->baserestrictcost.per_tuple + distance.per_tuple;
}

/*
 * To get at a page of the table.  As an index is, a table that is used is taken to
 * be in memory as far as there is room.
 */
static Cost
page_cost(const RelOptInfo *rel)
{
	double		random_page_cost_;
	double		cached = Min(effective_cache_size / Max((double) rel->pages, 1), 1);

	get_tablespace_page_costs(rel->reltablespace, &random_page_cost_, NULL);
	return COST_OF_PAGE * cpu_operator_cost + (1 - cached) * random_page_cost_;
}

/*
 * What the planner charges for pages of b-trees in a bitmap, as far as these are
 * taken to be in memory as well.
 */
static Cost
cached_cost(Path *path)
{
	Cost		cost = 0;

	if (IsA(path, IndexPath))
	{
		const IndexPath *part = (const IndexPath *) path;
		const IndexOptInfo *index = part->indexinfo;
		double		random_page_cost_;

		get_tablespace_page_costs(index->reltablespace, &random_page_cost_, NULL);
		if (index->relam == BTREE_AM_OID)
			cost = part->indexselectivity * index->pages * (1 - vdb_am_uncached(index)) *
				Max(random_page_cost_ - COST_OF_PAGE * cpu_operator_cost, 0);
	}
	else
	{
		List	   *parts = IsA(path, BitmapAndPath) ? ((BitmapAndPath *) path)->bitmapquals :
			castNode(BitmapOrPath, path)->bitmapquals;
		ListCell   *cell;

		foreach(cell, parts)
			cost += cached_cost(lfirst(cell));
	}
	return cost;
}

static VdbPlanWork
work_of(const Offer *offer, const Search *search, const IndexPath *index)
{
	const RelOptInfo *rel = offer->rel;

	return (VdbPlanWork)
	{
		.tuples = Max(rel->tuples, 1),.limit = offer->root->limit_tuples,.pages = rel->pages,
			.page = page_cost(rel),.row = row_cost(offer, search),
			.first = index->path.startup_cost,.all = index->indextotalcost
	};
}

/*
 * How much dearer a search is that looks only at rows of the bitmap: by the power of
 * their number, that what the index says of as many as are expected is right.
 */
static double
power_of(const Offer *offer, IndexPath *index, double share)
{
	Cost		within = vdb_am_cost_within(offer->root, index, share);

	return share < 1 ? Max(log(within / index->path.startup_cost) / log(1 / share), 0) : 0;
}

/*
 * That rows of the index can be tested one by one, and what that takes.  Where the
 * index tests all conditions, its search says whether it is worth it to go on, when it
 * has looked near the query.
 */
static void
add_stream(VdbPlanWork *work, const Offer *offer, const Search *search, const IndexPath *index,
		   bool others, Cost other)
{
	work->passing = clamp_row_est(index->indexselectivity * offer->rel->tuples);
	work->next = (index->path.total_cost - index->path.startup_cost) / work->passing;
	work->share = Min(index->path.rows / work->passing, 1);
	work->trial = others ? vdb_plan_trial_cost(work) :
		index_path(offer, search, NIL)->path.startup_cost;
	work->other = other;
}

/*
 * Nearly all of the work comes before the first row, but for rows that are tested
 * one by one, above the index: that is the plain scan of it, which is not as good as
 * this because it cannot give up.  Where the setting asks for a strategy, the scan is to
 * be taken.
 */
static void
cost_bitmap(CustomPath *path, const VdbPlanWork *work, const IndexPath *index, bool others,
			Cost bitmap_cost, double matches)
{
	bool		exact = vdb_plan_way(work, matches) == VDB_PLAN_EXACT;

	if (vdb_plan_strategy != VDB_PLAN_AUTO)
		return;
	if (others && vdb_plan_may_stream(work) && vdb_plan_stream_cost(work) <= work->other)
	{
		path->path.startup_cost = BETTER_THAN_PLAIN * index->path.startup_cost;
		path->path.total_cost = BETTER_THAN_PLAIN * index->path.total_cost;
		return;
	}
	path->path.startup_cost = bitmap_cost + (exact ? vdb_plan_exact_cost(work, matches) :
											 vdb_plan_search_cost(work, matches));
	path->path.total_cost = path->path.startup_cost +
		(exact ? path->path.rows * (work->page + work->row) : 0);
}

/* What it takes to have the rows of a bitmap, and how many there are. */
static Cost
tree_cost(const Offer *offer, const VdbPlanWork *work, Path *bitmap, double *matches)
{
	Cost		cost;
	Selectivity selectivity;

	cost_bitmap_tree_node(bitmap, &cost, &selectivity);
	*matches = clamp_row_est(selectivity * offer->rel->tuples);
	return Max(cost - cached_cost(bitmap), 0) + vdb_plan_tids_cost(work, *matches);
}

/*
 * PostgreSQL makes a bitmap of several others where that saves pages of the table.
 * One of these may be cheaper, as other conditions are tested anyway: if exact
 * distances of all of its rows are, so that it does not matter how many of them
 * meet the others.
 */
static BitmapHeapPath *
one_of_bitmaps(const Offer *offer, const VdbPlanWork *work)
{
	Path	   *all = offer->bitmap->bitmapqual;
	Path	   *best = all;
	double		matches;
	Cost		least;
	ListCell   *cell;

	if (!IsA(all, BitmapAndPath))
		return offer->bitmap;
	least = tree_cost(offer, work, all, &matches);
	least += Min(vdb_plan_exact_cost(work, matches), vdb_plan_search_cost(work, matches));
	foreach(cell, castNode(BitmapAndPath, all)->bitmapquals)
	{
		Cost		cost = tree_cost(offer, work, lfirst(cell), &matches);

		cost += vdb_plan_exact_cost(work, matches);
		if (cost < least)
		{
			best = lfirst(cell);
			least = cost;
		}
	}
	return best == all ? offer->bitmap :
		create_bitmap_heap_path(offer->root, offer->rel, best, NULL, 1, 0);
}

/*
 * What the index tests itself, a bitmap is still better for where it has so few
 * rows that their distances take no time.
 */
static void
offer_bitmap(const Offer *offer, const Search *search, IndexPath *index, bool others)
{
	RelOptInfo *rel = offer->rel;
	VdbPlanWork work = work_of(offer, search, index);
	BitmapHeapPath *bitmap;
	Cost		cost;
	double		all,
				matches;
	CustomPath *path;

	tree_cost(offer, &work, offer->bitmap->bitmapqual, &all);
	work.power = power_of(offer, index, all / work.tuples);
	bitmap = one_of_bitmaps(offer, &work);
	cost = tree_cost(offer, &work, bitmap->bitmapqual, &matches);
	/* A search has to find as many more of its rows as do not meet other conditions. */
	work.first *= matches / all;
	add_stream(&work, offer, search, index, others,
			   cost + Min(vdb_plan_exact_cost(&work, matches),
						  vdb_plan_search_cost(&work, matches)));
	path = vdb_plan_node_path(rel, index, bitmap, search->parts, search->stops, &work);
	cost_bitmap(path, &work, index, others, cost, matches);
	add_path(rel, &path->path);
}

/* The index is read as far as its distances are wanted. */
static void
offer_plain(const Offer *offer, const Search *search, IndexPath *index)
{
	Selectivity share = clauselist_selectivity(offer->root, search->stops, offer->rel->relid,
											   JOIN_INNER, NULL);
	VdbPlanWork none = {0};
	CustomPath *path = vdb_plan_node_path(offer->rel, index, NULL, search->parts,
										  search->stops, &none);

	path->path.startup_cost = index->path.startup_cost;
	path->path.total_cost = index->path.startup_cost +
		share * (index->path.total_cost - index->path.startup_cost);
	add_path(offer->rel, &path->path);
}

static void
offer_search(Offer *offer, const Search *search)
{
	List	   *clauses = vdb_plan_index_clauses(offer->root, offer->rel, search->index);
	bool		others = has_other_conditions(offer, search, clauses);

	if ((others || clauses != NIL) && bitmap_of(offer) != NULL)
		offer_bitmap(offer, search, index_path(offer, search, clauses), others);
	if (!search->plain)
		offer_plain(offer, search, index_path(offer, search, clauses));
}

/* ---- the hook ---- */

static void
offer_index(Offer *offer, IndexOptInfo *index)
{
	Search		search = {.index = index};

	if (!match_order(offer->root, offer->rel, &search))
	{
		/* What changes is what the conditions say, not nearly so. */
		if (offer->root->parse->commandType != CMD_SELECT)
			return;
		search.parts = list_make1_int(VDB_AM_ALL);
	}
	match_limits(offer->rel, &search);
	if (search.order.distance != NULL)
		offer_search(offer, &search);
}

/* Can the index be scanned, and is it one of ours? */
static bool
is_usable(const IndexOptInfo *index)
{
	return index->amcanorderbyop && !index->hypothetical &&
		(index->indpred == NIL || index->predOK) && vdb_am_is_ours(index->relam);
}

/* Is it a table to scan, of the kind that row ids are of? */
static bool
is_table(const RelOptInfo *rel, const RangeTblEntry *rte)
{
	return rte->rtekind == RTE_RELATION && !rte->inh && rte->tablesample == NULL &&
		(rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_MATVIEW) &&
		rel->indexlist != NIL && rel->lateral_relids == NULL;
}

static void
set_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	Offer		offer = {.root = root,.rel = rel};
	ListCell   *cell;

	if (previous != NULL)
		previous(root, rel, rti, rte);
	/* No row is asked for, and PostgreSQL has not counted its pages. */
	if (IS_DUMMY_REL(rel))
		return;
	vdb_plan_offer_clauses(root, rel);
	keep_scans_from_workers(root, rel);
	if (!vdb_plan_enable_filtered_scan || !enable_indexscan || !is_table(rel, rte) ||
		(root->query_pathkeys == NIL && rel->baserestrictinfo == NIL) ||
		contain_volatile_functions((Node *) rel->baserestrictinfo))
		return;
	foreach(cell, rel->indexlist)
		if (is_usable(lfirst(cell)))
			offer_index(&offer, lfirst(cell));
}

void
vdb_plan_init(void)
{
	vdb_plan_node_init();
	previous = set_rel_pathlist_hook;
	set_rel_pathlist_hook = set_rel_pathlist;
}
