/*
 * hnsw.h
 *	  The parts of the graph access method, to each other.
 */
#ifndef VDB_HNSW_H
#define VDB_HNSW_H

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "am/common/check.h"
#include "am/common/filter.h"
#include "am/common/last.h"
#include "am/common/space.h"
#include "am/hnsw/hnsw_format.h"
#include "page/page.h"

/* The most neighbours of a node: 2 m. */
#define VDB_HNSW_MAX_NEIGHBOURS 200

/* The most nodes that neighbours are chosen from. */
#define VDB_HNSW_MAX_EF 1000

/* An index, as far as it does not change. */
typedef struct VdbHnsw
{
	VdbHnswMeta meta;
	VdbAmSpace	space;
	uint32		neighbours;		/* of a node, at most: 2 m or a few less */
	uint32		codes_size;		/* bytes of a row's codes of filter columns */
	uint32		list_at;		/* in a slot */
	uint32		row_at;			/* in a slot */
	uint32		slot_size;
	uint32		per_page;		/* slots */
	uint64		page_share;		/* 2^64 over these: multiplying takes less than dividing */
	uint32		bucket_tids;	/* row ids of a bucket, at most */

	/* entries */
	bool		coded;			/* with codes of a bit per dimension */
	uint32		code_dim;		/* dimensions that they cover */
	uint32		block_size;		/* of a VdbQuantBlock */
	uint32		stride;			/* from block to block */
	uint32		blocks;			/* of a page */
} VdbHnsw;

/* ---- index.c ---- */

/* What the metapage says, in memory of the caller's. */
extern VdbHnsw *vdb_hnsw_open(Relation index);

/*
 * Whether that is still what the metapage says: TRUNCATE may have built the
 * index anew in the same file.
 */
extern bool vdb_hnsw_is_same(Relation index, const VdbHnsw *hnsw);

/*
 * The same of an index to be, with an origin of zeroes, which the caller may
 * fill in.
 */
extern VdbHnsw *vdb_hnsw_describe(const VdbAmKind *kind, const VdbHnswMeta *meta);

/*
 * A metapage for a new index with its options, with a seed and without scale
 * and origin; errors for what does not fit.
 */
extern void vdb_hnsw_init_meta(Relation index, VdbHnswMeta *meta);

/* What is wrong with a metapage, or NULL; and may another version have made it? */
extern const char *vdb_hnsw_meta_problem(Relation index, const VdbHnswMeta *meta);
extern bool vdb_hnsw_is_readable(const VdbHnswMeta *meta);

/* Writes the first two pages of an index, of a fork that is empty. */
extern void vdb_hnsw_write_empty(Relation index, ForkNumber fork, const VdbHnswMeta *meta);

/*
 * Writes meta, state, and an origin (which meta.origin then leads to) of an
 * index being built, over what vdb_hnsw_write_empty() wrote in the main fork.
 */
extern void vdb_hnsw_write_built(Relation index, VdbHnswMeta *meta, const VdbHnswState *state,
								 const float *origin);

/* The scale of the first vector that comes into an empty index. */
extern void vdb_hnsw_begin(Relation index, const VdbHnsw *hnsw, const float *floats);

/* The power of two that brings a length to about 1. */
extern float vdb_hnsw_scale_of(double length);

extern void vdb_hnsw_read_state(Relation index, VdbHnswState *state);

/* Has searches be so wide from now on, for each of vdb_hnsw_recalls. */
extern void vdb_hnsw_set_efs(Relation index, uint32 k, const uint32 *efs);

/* ---- node.c: slots ---- */

static inline BlockNumber
vdb_hnsw_block(const VdbHnsw *hnsw, uint32 node)
{
	/* That is less than (node + 1) / per_page, but by less than 2^-31. */
	return ((unsigned __int128) hnsw->page_share * ((uint64) node + 1)) >> 64;
}

static inline uint32
vdb_hnsw_number(const VdbHnsw *hnsw, BlockNumber block, uint32 slot)
{
	return block * hnsw->per_page + slot;
}

static inline VdbHnswNodes *
vdb_hnsw_nodes(Page page)
{
	return (VdbHnswNodes *) vdb_page_contents(page);
}

/* Where a slot begins, in a page's contents. */
static inline uint32
vdb_hnsw_slot_at(const VdbHnsw *hnsw, uint32 slot)
{
	return sizeof(VdbHnswNodes) + slot * hnsw->slot_size;
}

static inline VdbHnswSlot *
vdb_hnsw_slot(const VdbHnsw *hnsw, Page page, uint32 slot)
{
	return (VdbHnswSlot *) (vdb_page_contents(page) + vdb_hnsw_slot_at(hnsw, slot));
}

/* Where the slot of a node begins, in its page's contents. */
static inline uint32
vdb_hnsw_node_at(const VdbHnsw *hnsw, uint32 node)
{
	return vdb_hnsw_slot_at(hnsw, node - vdb_hnsw_block(hnsw, node) * hnsw->per_page);
}

/* The codes of a node's first row. */
static inline char *
vdb_hnsw_codes(const VdbHnswSlot *slot)
{
	return (char *) (slot + 1);
}

static inline uint32 *
vdb_hnsw_list(const VdbHnsw *hnsw, const VdbHnswSlot *slot)
{
	return (uint32 *) ((char *) slot + hnsw->list_at);
}

/* Fetches a slot up to its row, for whoever is going to read its list. */
static inline void
vdb_hnsw_prefetch_list(const VdbHnsw *hnsw, Relation index, uint32 node)
{
	vdb_page_prefetch(index, vdb_hnsw_block(hnsw, node), vdb_hnsw_node_at(hnsw, node),
					  hnsw->row_at);
}

static inline char *
vdb_hnsw_row(const VdbHnsw *hnsw, const VdbHnswSlot *slot)
{
	return (char *) slot + hnsw->row_at;
}

static inline ItemPointer
vdb_hnsw_tids(const VdbHnswSlot *bucket)
{
	return (ItemPointer) (bucket + 1);
}

/* The codes of a bucket's row. */
static inline char *
vdb_hnsw_bucket_codes(const VdbHnsw *hnsw, const VdbHnswSlot *bucket, uint32 i)
{
	return (char *) (vdb_hnsw_tids(bucket) + hnsw->bucket_tids) + i * hnsw->codes_size;
}

/*
 * The slot of a number, on a page pinned and locked (share or exclusive), or
 * pinned only: then its row, which does not change while it is a node, may be
 * looked at, but nothing else.  Errors for numbers that lead nowhere.
 */
extern VdbHnswSlot *vdb_hnsw_read(const VdbHnsw *hnsw, Relation index, uint32 node,
								  Buffer *buffer);
extern VdbHnswSlot *vdb_hnsw_read_exclusive(const VdbHnsw *hnsw, Relation index, uint32 node,
											Buffer *buffer);
extern VdbHnswSlot *vdb_hnsw_pin(const VdbHnsw *hnsw, Relation index, uint32 node,
								 Buffer *buffer);

/* An error if numbers do not go as far as the slots of a block. */
extern void vdb_hnsw_check_block(const VdbHnsw *hnsw, Relation index, BlockNumber block);

/* A copy of a whole slot, slot_size bytes, made under a lock. */
extern void vdb_hnsw_copy(const VdbHnsw *hnsw, Relation index, uint32 node, VdbHnswSlot *copy);

/*
 * A change that makes a slot: of a page with a free one, and of what leads to
 * the new slot: another slot, or the state page.  All are locked exclusively
 * from begin to finish or cancel, and change together.
 *
 * Pages are locked in ascending order, the state page first: that is the order
 * of all who lock more than one page of nodes.
 */
typedef struct VdbHnswPlace
{
	Relation	index;
	const VdbHnsw *hnsw;
	uint32		node;			/* the new slot's number */
	VdbHnswSlot *slot;			/* zeroes, to be filled in; slot_size bytes */
	VdbHnswSlot *other;			/* the other slot, to be changed up to its row */
	VdbHnswState *state;		/* the state, to be changed; or NULL */
	const VdbHnswSlot *witness; /* to look at; or NULL */

	bool		fresh;			/* the page is a new one */
	bool		edited;			/* the change is an edit, as that of a new page is: */
	VdbEdit		edit;
	Page		page;
	Buffer		buffer;			/* of the slot, but for a fresh page's */
	Buffer		other_buffer;	/* may be the same; or InvalidBuffer */
	Buffer		witness_buffer; /* so, too */
	Buffer		state_buffer;	/* or InvalidBuffer */
	uint32		other_node;
	uint32		witness_node;
} VdbHnswPlace;

/*
 * other: a number, or VDB_HNSW_NONE; witness: of a node that has to stay as it is
 * meanwhile, or VDB_HNSW_NONE; state: whether the state page changes.
 */
extern void vdb_hnsw_place_begin(VdbHnswPlace *place, const VdbHnsw *hnsw, Relation index,
								 uint32 other, uint32 witness, bool state);

/* Has the change be an edit, to which pages can be added; with state only. */
extern VdbEdit *vdb_hnsw_place_edit(VdbHnswPlace *place);
extern void vdb_hnsw_place_finish(VdbHnswPlace *place);
extern void vdb_hnsw_place_cancel(VdbHnswPlace *place);

/* Two slots (which may be on one page) locked exclusively, in the right order. */
extern void vdb_hnsw_read_two(const VdbHnsw *hnsw, Relation index, uint32 a, uint32 b,
							  Buffer *a_buffer, Buffer *b_buffer,
							  VdbHnswSlot **a_slot, VdbHnswSlot **b_slot);
extern void vdb_hnsw_release_two(Buffer a, Buffer b);

/* Has a page with free slots found by inserts (vacuum); nothing is locked. */
extern void vdb_hnsw_offer(Relation index, BlockNumber block);

/*
 * Adds a row id, with its codes, to the buckets of a node.  False if the slot
 * is not (any more) a node with that row.
 */
extern bool vdb_hnsw_add_tid(const VdbHnsw *hnsw, Relation index, uint32 node, const void *row,
							 ItemPointer tid, const char *codes);

/* Adds a row id, with its codes, to the NULLs, or to the zeros. */
extern void vdb_hnsw_add_unordered(const VdbHnsw *hnsw, Relation index, bool null,
								   ItemPointer tid, const char *codes);

/* Row ids that were collected, in memory of the context of the first call. */
typedef struct VdbHnswRows
{
	ItemPointerData *tids;
	char	   *codes;			/* codes_size bytes of each; NULL without codes */
	uint32		count;
	uint32		room;
} VdbHnswRows;

extern void vdb_hnsw_rows_add(const VdbHnsw *hnsw, VdbHnswRows *rows, const ItemPointerData *tid,
							  const char *codes);
extern void vdb_hnsw_rows_free(VdbHnswRows *rows);

/* Codes of a row that was collected; NULL without codes. */
static inline char *
vdb_hnsw_rows_codes(const VdbHnsw *hnsw, const VdbHnswRows *rows, uint32 i)
{
	return rows->codes == NULL ? NULL : rows->codes + (Size) i * hnsw->codes_size;
}

/*
 * All row ids of a node, or of VDB_HNSW_NULLS or VDB_HNSW_ZEROS, instead of
 * what rows had: as they were at one moment.  row, if it is not NULL, gets a
 * copy of the node's row as it was then.  False if it is not a node.
 */
#define VDB_HNSW_NULLS (VDB_HNSW_NONE - 1)
#define VDB_HNSW_ZEROS (VDB_HNSW_NONE - 2)

extern bool vdb_hnsw_collect(const VdbHnsw *hnsw, Relation index, uint32 owner, void *row,
							 VdbHnswRows *rows);

/* ---- entry.c: where searches begin ---- */

/* How many entries an index of so many nodes should have. */
extern uint32 vdb_hnsw_entries_wanted(const VdbHnsw *hnsw, double nodes);

/*
 * Adds an entry, whose place is rotated (not looked at where entries have no
 * codes).  Nothing is locked.
 */
extern void vdb_hnsw_entry_add(const VdbHnsw *hnsw, Relation index, bool building, uint32 node,
							   const float *rotated);

/*
 * The same in an edit that has the state page already, whose new contents are
 * state.  Returns a page that is to be given up after it, or InvalidBuffer.
 */
extern Buffer vdb_hnsw_entry_edit(const VdbHnsw *hnsw, Relation index, VdbEdit *edit,
								  VdbHnswState *state, uint32 node, const float *rotated);

/*
 * Takes off entries of nodes for which gone() is true; returns how many there
 * are afterwards.
 */
extern uint32 vdb_hnsw_entries_remove(const VdbHnsw *hnsw, Relation index,
									  bool (*gone) (void *arg, uint32 node), void *arg);

/* Calls a function for each entry. */
extern void vdb_hnsw_entries_walk(const VdbHnsw *hnsw, Relation index,
								  void (*visit) (void *arg, uint32 node), void *arg);

/* ---- prune.c: which neighbours to keep ---- */

/* A node that may become a neighbour of another one. */
typedef struct VdbHnswNear
{
	float		distance;		/* to that one, an estimate in the metric of rows */
	uint32		node;
	const void *row;			/* anywhere in memory */
} VdbHnswNear;

/*
 * Chooses up to most of n, which are in ascending order of distance, so that
 * none is nearer to one chosen before it than to the node itself (the heuristic
 * of Malkov and Yashunin, algorithm 4); where these are fewer than least, with the
 * nearest others.  Those chosen come first afterwards, in ascending order;
 * returns how many.  query is overwritten: one of the same space.  Pure
 * computation, for any thread.
 */
extern uint32 vdb_hnsw_choose(VdbAmQuery *query, VdbHnswNear *near, uint32 n, uint32 most,
							  uint32 least);

/* ---- search.c: the nodes nearest to a query ---- */

typedef struct VdbHnswFound
{
	float		distance;		/* estimate */
	uint32		node;
	ItemPointerData tid;		/* the node's first row id; valid but for a dead one */
	uint32		more;			/* its buckets */
	double		bound;			/* of the operator's distance; not of a sweep */
} VdbHnswFound;

/* May a slot, which is a node, have rows that pass?  Of those in buckets nothing is known. */
static inline bool
vdb_hnsw_may_pass(const VdbAmFilter *filter, const VdbHnswSlot *slot)
{
	ItemPointerData tid = slot->tid;

	return slot->more != VDB_HNSW_NONE ||
		vdb_am_filter_passes(filter, &tid, vdb_hnsw_codes(slot));
}

/* What a search remembers. */
typedef struct VdbHnswSearch VdbHnswSearch;

/* Counted since the search began. */
typedef struct VdbHnswCounts
{
	uint64		nodes;			/* whose neighbours were looked at */
	uint64		distances;		/* estimated from rows */
	uint64		entries;		/* lanes of entries */
	uint64		bounds;			/* computed from rows for PostgreSQL */
	uint64		sweeps;			/* passes over all nodes */
	uint64		tested;			/* nodes, against a filter */
	uint64		passed;			/* of these */
	uint64		bridged;		/* nodes that do not pass, whose neighbours were looked at */
} VdbHnswCounts;

/* In the current context.  The query is the caller's to make ready. */
extern VdbHnswSearch *vdb_hnsw_search_create(const VdbHnsw *hnsw);
extern VdbAmQuery *vdb_hnsw_search_query(VdbHnswSearch *search);
extern VdbHnswCounts *vdb_hnsw_search_counts(VdbHnswSearch *search);

/* Begins anew, for the query as it is (placed, and aimed). */
extern void vdb_hnsw_search_begin(VdbHnswSearch *search, Relation index);

/* After that: as if a row, unless others have the same vector, were not there. */
extern void vdb_hnsw_search_leave_out(VdbHnswSearch *search, ItemPointer tid);

/*
 * After that: only nodes that may have rows that pass are found.  If there is another
 * way to exact distances of all that pass, about yield_rows, and it is cheaper, none.
 */
extern void vdb_hnsw_search_filter(VdbHnswSearch *search, Relation index,
								   const VdbAmFilter *filter, double yield_rows);
extern bool vdb_hnsw_search_yields(const VdbHnswSearch *search);

/*
 * Looks for the next ef nodes that nearest to the query that were not found
 * before; returns how many there are, in ascending order of distance, 0 when
 * the graph has no more, or with a filter so few that a sweep is better.  Dead
 * nodes are not among them.  They hold until the next call.
 */
extern uint32 vdb_hnsw_search_more(VdbHnswSearch *search, Relation index, uint32 ef,
								   VdbHnswFound **found);

/* Bytes that it takes. */
extern Size vdb_hnsw_search_memory(const VdbHnswSearch *search);

/* ---- insert.c ---- */

/* Makes a query of what a row stands for; false if nothing is near that. */
extern bool vdb_hnsw_query_of_row(const VdbHnsw *hnsw, VdbAmQuery *query, const void *row);

/*
 * Gives a node that nothing leads to an edge that does (vacuum): finds the
 * nearest nodes of those for which good() is true, and has one of them lead to
 * it, or makes it an entry.
 */
extern void vdb_hnsw_relink(const VdbHnsw *hnsw, Relation index, uint32 node,
							bool (*good) (void *arg, uint32 node), void *arg);

/* ---- scan.c ---- */

/* The recalls that VdbHnswState.efs is for. */
extern const double vdb_hnsw_recalls[VDB_HNSW_NRECALLS];

/* How wide a search is by the settings, and what is measured. */
extern uint32 vdb_hnsw_ef(const VdbHnswState *state);

/* ---- sweep.c: all nodes, in the order of pages ---- */

/* Rows that were returned, and passes over the nodes that are left. */
typedef struct VdbHnswSweep VdbHnswSweep;

/*
 * In the current context, for a query that is ready, and nodes that may have
 * rows that pass; nothing is returned yet.
 */
extern VdbHnswSweep *vdb_hnsw_sweep_create(const VdbHnsw *hnsw, Relation index,
										   const VdbAmFilter *filter, VdbHnswCounts *counts);

/* Has a node left out from now on. */
extern void vdb_hnsw_sweep_skip(VdbHnswSweep *sweep, uint32 node);

/*
 * The nearest most of the nodes that are left, in ascending order of distance;
 * returns how many, 0 if none is left.  They are left out from now on, and hold
 * until the next call.
 */
extern uint32 vdb_hnsw_sweep_nearest(VdbHnswSweep *sweep, Relation index, VdbAmQuery *query,
									 uint32 most, VdbHnswFound **found);

/*
 * All nodes of the page after the last one that was asked for, without
 * distances; false if there is none.
 */
extern bool vdb_hnsw_sweep_page(VdbHnswSweep *sweep, Relation index, uint32 *n,
								VdbHnswFound **found);

/* ---- check.c: is it sound? ---- */

/*
 * Tells of every problem of an index: of its pages, and, if heap is not NULL,
 * of rows that it does not have as the table, which the caller has locked, does.
 */
extern void vdb_hnsw_check(Relation index, Relation heap, VdbAmProblem problem, void *arg);

/* Whether an index is one of this access method. */
extern bool vdb_hnsw_is_index(Relation index);

/* ---- census.c: what there is in an index ---- */

typedef struct VdbHnswCensus
{
	VdbHnswMeta meta;
	VdbHnswState state;
	uint64		rows;			/* all of them; of these, without a node: */
	uint64		zeros;
	uint64		nulls;
	uint64		nodes;			/* that have rows */
	uint64		dead;			/* and those that have none any more */
	uint64		buckets;
	uint64		free_slots;
	uint64		edges;			/* of nodes */
	uint64		unreachable;	/* nodes that no path leads to */
	uint64		entries;
	uint64		free_pages;
	uint64		pages;
} VdbHnswCensus;

/* Reads all pages. */
extern void vdb_hnsw_census(Relation index, VdbHnswCensus *census);

/* ---- the access method's functions ---- */

extern IndexBuildResult *vdb_hnsw_build(Relation heap, Relation index, IndexInfo *info);
extern void vdb_hnsw_build_empty(Relation index);
extern char *vdb_hnsw_phase_name(int64 phase);
extern bool vdb_hnsw_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
							Relation heap, IndexUniqueCheck check, bool unchanged,
							IndexInfo *info);
extern IndexBulkDeleteResult *vdb_hnsw_bulk_delete(IndexVacuumInfo *info,
												   IndexBulkDeleteResult *stats,
												   IndexBulkDeleteCallback callback, void *state);
extern IndexBulkDeleteResult *vdb_hnsw_vacuum_cleanup(IndexVacuumInfo *info,
													  IndexBulkDeleteResult *stats);
extern IndexScanDesc vdb_hnsw_begin_scan(Relation index, int nkeys, int norderbys);
extern void vdb_hnsw_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys,
							int norderbys);

/* After that, for measuring: vdb_hnsw_search_leave_out(). */
extern void vdb_hnsw_scan_leave_out(IndexScanDesc scan, ItemPointer tid);

extern bool vdb_hnsw_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern void vdb_hnsw_end_scan(IndexScanDesc scan);

#endif							/* VDB_HNSW_H */
