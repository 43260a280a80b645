/*
 * ivf.h
 *	  The parts of the inverted-file access method, to each other.
 */
#ifndef VDB_IVF_H
#define VDB_IVF_H

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "am/common/check.h"
#include "am/common/filter.h"
#include "am/common/last.h"
#include "am/common/space.h"
#include "am/ivf/ivf_format.h"
#include "kernel/kernel.h"
#include "page/page.h"
#include "quant/quant.h"

/*
 * Where things are on the pages of a list.  (A list of 16,000-dimensional
 * vectors has blocks over the first code_dim dimensions only, because a block
 * has to fit on a page.)
 */
typedef struct VdbIvfShape
{
	bool		coded;			/* has blocks of codes */
	bool		product;		/* product codes: code_dim is 4 x pieces */
	bool		directory;		/* has VdbIvfListInfo */
	uint32		code_dim;		/* dimensions that the blocks cover */
	uint32		codes_size;		/* bytes of an entry's filter columns */
	uint32		block_size;		/* bytes of a block's codes and factors */
	uint32		stride;			/* from block to block: that and what follows */
	uint32		nblocks;		/* of a lead page, at most */
	uint32		lanes;			/* 32 times that */
	uint32		blocks_at;		/* first block, in the page's contents */
	uint32		row_size;		/* bytes of a vector on a row page */
	uint32		rows_per_page;	/* 0 if a row takes several pages: */
	uint32		pages_per_row;
	uint32		nrow_pages;		/* of a lead page */
} VdbIvfShape;

/* An index, as far as it does not change. */
typedef struct VdbIvf
{
	VdbIvfMeta	meta;			/* as it was when this was made */
	VdbAmSpace	space;
	VdbIvfShape list;
	VdbIvfShape directory;
	VdbQuantPq	pq;				/* of product codes */
	uint32		tids_per_page;	/* of a chain of row ids */
} VdbIvf;

/* Floats of the codebook. */
static inline uint32
vdb_ivf_codebook_size(const VdbIvf *ivf)
{
	return ivf->pq.dim * ivf->pq.ncentroids;
}

/* ---- index.c ---- */

/* The recalls that VdbIvfState.probes is for. */
extern const double vdb_ivf_recalls[VDB_IVF_NRECALLS];

/*
 * What the metapage says, in memory of the caller's.  (The relcache entry
 * keeps it, but may forget it at any time.)
 */
extern VdbIvf *vdb_ivf_open(Relation index);

/*
 * Whether that is still what the metapage says: TRUNCATE may have built the
 * index anew in the same file.
 */
extern bool vdb_ivf_is_same(Relation index, const VdbIvf *ivf);

/* The same of an index to be, with an origin and a codebook of zeroes. */
extern VdbIvf *vdb_ivf_describe(const VdbAmKind *kind, const VdbIvfMeta *meta);

/* Lists for so many rows, if the user does not say. */
extern double vdb_ivf_auto_lists(const VdbIvf *ivf, double rows);

/* What is wrong with a metapage, or NULL; and may another version have made it? */
extern const char *vdb_ivf_meta_problem(Relation index, const VdbIvfMeta *meta);
extern bool vdb_ivf_is_readable(const VdbIvfMeta *meta);

/* What the rows of a VdbIvfCoding are. */
extern VdbAmRows vdb_ivf_rows(uint8 coding);

/* The metapage as it is now, checked. */
extern void vdb_ivf_read_meta(Relation index, VdbIvfMeta *meta);

/* The recall that a search is to have; 0 if the settings say how many lists it takes. */
extern double vdb_ivf_target(const VdbIvf *ivf);

/* Lists to look at before the first row, and at most (which may be NULL), as
 * the settings say. */
extern uint32 vdb_ivf_probes(const VdbIvf *ivf, const VdbIvfState *state, uint32 *most);

/* The state page.  Only who holds the guard of changes (balance.c) writes it. */
extern BlockNumber vdb_ivf_make_state(Relation index, bool building);
extern void vdb_ivf_read_state(Relation index, const VdbIvf *ivf, VdbIvfState *state);
extern void vdb_ivf_write_state(Relation index, const VdbIvf *ivf, bool building,
								const VdbIvfState *state);

/* ---- code.c: entries apart from pages ---- */

/*
 * An encoded entry is one flat piece of memory, aligned to 4 bytes: the
 * factors of its lane, the bits of its code filled up to 4 bytes (neither if
 * the list is plain), and its row.  It holds for as long as its list's centre
 * does.
 */
extern Size vdb_ivf_encoded_size(const VdbIvf *ivf, const VdbIvfShape *shape);

/*
 * Encodes a vector, as vdb_am_rotate() made it, for a list with that centre
 * (NULL is zero).  row is what to store beside, or NULL: codes of it.  error:
 * how far rotated is from the true vector, at most.  rotated is not looked at
 * for a plain list.  scratch has 2 x dim floats.  Pure C, for any thread.
 */
extern void vdb_ivf_encode(const VdbIvf *ivf, const VdbIvfShape *shape, const float *rotated,
						   const float *centre, float error, const void *row, float *scratch,
						   void *encoded);

/* Puts code and factors into a lane of a block, or those of 32 into all. */
extern void vdb_ivf_encoded_lane(const VdbIvf *ivf, const VdbIvfShape *shape,
								 const void *encoded, VdbQuantBlock *block, uint32 lane);
extern void vdb_ivf_encoded_block(const VdbIvf *ivf, const VdbIvfShape *shape,
								  const void *const *encoded, VdbQuantBlock *block);

/* The row: row_size bytes. */
extern const void *vdb_ivf_encoded_row(const VdbIvf *ivf, const VdbIvfShape *shape,
									   const void *encoded);

/* ---- list.c ---- */

/* A vector on its way into a list. */
typedef struct VdbIvfEntry
{
	ItemPointerData tid;		/* for the directory: block and 1 */
	const float *rotated;		/* for codes */
	const float *centre;		/* of the list, rotated; NULL is zero */
	const void *row;			/* what to store beside, or NULL: codes of it */
	float		error;			/* how far rotated is from the vector, at most */
	const char *codes;			/* of its filter columns, if there are any */
	const VdbIvfListInfo *info; /* for the directory */
} VdbIvfEntry;

/* A new list without entries. */
extern BlockNumber vdb_ivf_list_create(const VdbIvfShape *shape, Relation index, bool building,
									   uint32 number);

/*
 * Adds an entry.  False if the list takes no more: it is made anew.  *pages,
 * which may be NULL, becomes the list's lead pages if there is one more now
 * and it may be time to split, else 0.
 */
extern bool vdb_ivf_list_add(const VdbIvf *ivf, const VdbIvfShape *shape, Relation index,
							 bool building, BlockNumber head, uint32 number,
							 const VdbIvfEntry *entry, void *work, uint32 *pages);

/* Bytes of work memory of vdb_ivf_list_add(), and of vdb_ivf_list_walk(). */
extern Size vdb_ivf_list_work(const VdbIvf *ivf);

/*
 * Calls a function for every entry of a list: with its filter columns' codes and
 * its row, which are valid until the function returns.
 */
typedef void (*VdbIvfVisit) (void *arg, ItemPointer tid, const char *codes, const void *row);
extern void vdb_ivf_list_walk(const VdbIvfShape *shape, Relation index, BlockNumber head,
							  uint32 number, VdbIvfVisit visit, void *arg, void *work);

/* The same for one lead page; returns the next one. */
extern BlockNumber vdb_ivf_list_walk_page(const VdbIvfShape *shape, Relation index,
										  BlockNumber block, uint32 number, VdbIvfVisit visit,
										  void *arg, void *work);

/* Lead pages, and entries, of a list. */
extern uint32 vdb_ivf_list_pages(Relation index, BlockNumber head);
extern uint64 vdb_ivf_list_count(const VdbIvfShape *shape, Relation index, BlockNumber head,
								 uint32 number);

/* Has a list take no more entries, or so again; whole is VdbIvfLead.whole. */
extern void vdb_ivf_list_close(Relation index, BlockNumber head, bool closed, uint32 whole);

/* Whether it takes none. */
extern bool vdb_ivf_list_is_closed(Relation index, BlockNumber head, uint32 number);

/* Has inserts begin to look for room at a page of the list. */
extern void vdb_ivf_list_aim(Relation index, BlockNumber head, BlockNumber block);

/* Gives back the pages of a list that nobody can see. */
extern void vdb_ivf_list_free(const VdbIvfShape *shape, Relation index, BlockNumber head,
							  uint32 number);

/* Locks a lead page of a list, share: an error if it is not of that list. */
extern Buffer vdb_ivf_read_lead(Relation index, BlockNumber block, uint32 number);

/* Bytes of the contents of a lead page with so many blocks. */
static inline uint32
vdb_ivf_lead_size(const VdbIvfShape *shape, uint32 nblocks)
{
	return shape->blocks_at + nblocks * shape->stride;
}

/*
 * The blocks that a lead page has: what is beyond them is empty lanes, which
 * are all zero.  More than there may be if its size is not that of any number.
 */
static inline uint32
vdb_ivf_page_blocks(const VdbIvfShape *shape, Page page)
{
	Size		blocks = vdb_page_size(page) - shape->blocks_at;

	return blocks % shape->stride == 0 ? Min(blocks / shape->stride, shape->nblocks + 1) :
		shape->nblocks + 1;
}

/* The same, with an error in that case. */
extern uint32 vdb_ivf_nblocks(const VdbIvfShape *shape, Relation index, Buffer buffer);

static inline VdbIvfLead *
vdb_ivf_lead(Page page)
{
	return (VdbIvfLead *) vdb_page_contents(page);
}

static inline char *
vdb_ivf_block(const VdbIvfShape *shape, VdbIvfLead *lead, uint32 number)
{
	return (char *) lead + shape->blocks_at + number * shape->stride;
}

static inline ItemPointer
vdb_ivf_tid(const VdbIvfShape *shape, VdbIvfLead *lead, uint32 lane)
{
	return (ItemPointer) (vdb_ivf_block(shape, lead, lane / VDB_BLOCK) + shape->block_size) +
		lane % VDB_BLOCK;
}

/* Of a lane of the directory. */
static inline VdbIvfListInfo *
vdb_ivf_info(const VdbIvfShape *shape, VdbIvfLead *lead, uint32 lane)
{
	return (VdbIvfListInfo *) (vdb_ivf_block(shape, lead, lane / VDB_BLOCK) + shape->block_size +
							   VDB_BLOCK * sizeof(ItemPointerData)) + lane % VDB_BLOCK;
}

/* The filter columns' codes of a lane of a list: codes_size bytes. */
static inline char *
vdb_ivf_codes(const VdbIvfShape *shape, VdbIvfLead *lead, uint32 lane)
{
	return vdb_ivf_block(shape, lead, lane / VDB_BLOCK) + shape->block_size +
		VDB_BLOCK * sizeof(ItemPointerData) + lane % VDB_BLOCK * shape->codes_size;
}

/* Whether a list is there in a version. */
static inline bool
vdb_ivf_lives(const VdbIvfListInfo *info, uint32 version)
{
	return info->born <= version && version < info->died;
}

/* Whether a lane, of which codes are expected, has none yet. */
static inline bool
vdb_ivf_is_loose(const VdbIvfLead *lead, uint32 lane)
{
	return (lead->loose[lane / VDB_BLOCK] >> lane % VDB_BLOCK & 1) != 0;
}

/*
 * The row of a lane of a lead page that the caller has locked.  *buffer is a
 * pinned row page or InvalidBuffer, and stays pinned for the next call; copy
 * has row_size bytes for rows on several pages.
 */
extern const void *vdb_ivf_row(const VdbIvfShape *shape, Relation index, VdbIvfLead *lead,
							   uint32 lane, Buffer *buffer, void *copy);

/* Adds a row id to a chain of them, with its filter columns' codes. */
extern BlockNumber vdb_ivf_tids_create(Relation index, bool building);
extern void vdb_ivf_tids_add(const VdbIvf *ivf, Relation index, BlockNumber head, bool building,
							 ItemPointer tid, const char *codes);

/* Has what is added next begin to look for room at the first page that has some. */
extern void vdb_ivf_tids_aim(const VdbIvf *ivf, Relation index, BlockNumber head);

/* The filter columns' codes of a row id in its page: meta.codes_size bytes. */
static inline char *
vdb_ivf_tids_codes(const VdbIvf *ivf, VdbIvfTids *tids, uint32 n)
{
	return (char *) &tids->tids[ivf->tids_per_page] + n * ivf->meta.codes_size;
}

/* ---- write.c: whole lists ---- */

/* A list being written that nobody sees yet. */
typedef struct VdbIvfWriter VdbIvfWriter;

/* Bytes that a writer takes. */
extern Size vdb_ivf_writer_memory(const VdbIvf *ivf, const VdbIvfShape *shape);

extern VdbIvfWriter *vdb_ivf_writer_begin(const VdbIvf *ivf, const VdbIvfShape *shape,
										  Relation index, bool building, uint32 number);

/* Adds an entry, encoded at any address.  No lock is held in between. */
extern void vdb_ivf_writer_add(VdbIvfWriter *writer, ItemPointer tid, const char *codes,
							   const void *encoded);

/* Writes what is left, frees the writer, and returns the list's first page. */
extern BlockNumber vdb_ivf_writer_end(VdbIvfWriter *writer);

/* ---- route.c: which lists are near ---- */

typedef struct VdbIvfNear
{
	uint32		ordinal;		/* lane of the directory */
	uint32		number;			/* of the list */
	BlockNumber head;			/* its first page */
	float		base;			/* what estimates begin with, see quant.h */
	float		gap;			/* from its centre */
} VdbIvfNear;

/* A search for lists: what it remembers between calls. */
typedef struct VdbIvfRoute VdbIvfRoute;

extern VdbIvfRoute *vdb_ivf_route_create(const VdbIvf *ivf, Relation index);

/* The same index, opened again. */
extern void vdb_ivf_route_reuse(VdbIvfRoute *route, Relation index);

/* In what order lists come. */
typedef enum VdbIvfOrder
{
	VDB_IVF_BY_BASE,			/* for searches */
	VDB_IVF_BY_GAP,				/* for rows to belong to: differs under inner product */
	VDB_IVF_ANY					/* not by distance: the query and tables are not looked at */
} VdbIvfOrder;

/* Begins anew, for a query as vdb_am_rotate() made it. */
extern void vdb_ivf_route_begin(VdbIvfRoute *route, uint32 version, VdbIvfOrder order,
								const float *query, VdbQuantTables *tables);

/*
 * An error unless that found as many lists as there are in that version: one
 * that is not found is not searched.
 */
extern void vdb_ivf_route_check(VdbIvfRoute *route, const VdbIvfState *state);

/* The next list; false if there is none. */
extern bool vdb_ivf_route_next(VdbIvfRoute *route, VdbIvfNear *near);

/* The centre of a list that came, dim floats. */
extern void vdb_ivf_route_centre(VdbIvfRoute *route, const VdbIvfNear *near, float *centre);

/* How many to ask for at a time. */
extern void vdb_ivf_route_expect(VdbIvfRoute *route, uint32 lists);

/* ---- directory.c: lists that there are ---- */

/* A lane of the directory. */
typedef struct VdbIvfLane
{
	VdbIvfNear	list;			/* without distances */
	VdbIvfListInfo info;
} VdbIvfLane;

/* All of them that are used, n. */
extern VdbIvfLane *vdb_ivf_directory_read(Relation index, const VdbIvf *ivf, uint32 *n);

/* Whether a list is there in a version. */
extern bool vdb_ivf_directory_has(Relation index, const VdbIvf *ivf, const VdbIvfNear *list,
								  uint32 version);

/* Says when a list dies, and when its pages are free. */
extern void vdb_ivf_directory_set(Relation index, const VdbIvf *ivf, uint32 ordinal,
								  uint32 died, FullTransactionId retired);

/* Takes a list off; its lane serves another one. */
extern void vdb_ivf_directory_remove(Relation index, const VdbIvf *ivf, uint32 ordinal);

/* ---- renew.c: vectors of the table, in place of what few bits stand for ---- */

typedef struct VdbIvfRenew VdbIvfRenew;

/*
 * For rows that are encoded again; NULL if theirs are bits enough.  The table is
 * NULL in VACUUM, which has it locked.
 */
extern VdbIvfRenew *vdb_ivf_renew_begin(const VdbIvf *ivf, Relation index, Relation heap);

/* Puts the table's vector into rotated; false, and nothing, if it has none there. */
extern bool vdb_ivf_renew(VdbIvfRenew *renew, const ItemPointerData *tid, float *rotated);

extern void vdb_ivf_renew_end(VdbIvfRenew *renew);

/* ---- balance.c: lists made anew as rows come and go ---- */

/*
 * After vdb_ivf_list_add() found that list closed: waits until it can be tried
 * again.  (Without a list: until no change is under way.)
 */
extern void vdb_ivf_wait(Relation index, const VdbIvf *ivf, const VdbIvfNear *list);

/* Splits a list that has grown to so many lead pages, if it is time to. */
extern void vdb_ivf_grown(Relation index, Relation heap, const VdbIvf *ivf,
						  const VdbIvfNear *list, uint32 pages);

/* What vacuum knows of a list. */
typedef struct VdbIvfListCount
{
	VdbIvfNear	list;			/* without distances */
	bool		lives;
	uint64		live;			/* entries */
	uint64		dead;			/* that the pass has removed */
	BlockNumber room;			/* a page with empty lanes */
} VdbIvfListCount;

/*
 * Keeps changes out, for a pass over all pages: no entry moves, and nothing is
 * half done.  It may take as long as a change.
 */
extern void vdb_ivf_guard(Relation index, const VdbIvf *ivf);
extern void vdb_ivf_unguard(Relation index);

/*
 * Has searches look at so many lists, for each of vdb_ivf_recalls, until lists
 * have changed so much that it is measured anew.
 */
extern void vdb_ivf_set_probes(Relation index, const VdbIvf *ivf, const uint32 *probes);

/* Then: all lists of the directory, in order of their numbers. */
extern VdbIvfListCount *vdb_ivf_all_lists(Relation index, const VdbIvf *ivf, uint32 *n);

/*
 * Then, when a pass has counted the lists' entries (or not: NULL): splits and
 * merges lists, gives their pages back when nobody sees them, and measures
 * anew how many to look at.
 */
extern void vdb_ivf_balance(Relation index, const VdbIvf *ivf, VdbIvfListCount *lists, uint32 n);

/* ---- width.c ---- */

/*
 * Lists to look at, and probably some more, when such a share of all entries, not
 * 0, passes a filter and has nothing to do with the query.
 */
extern double vdb_ivf_lists_for_share(const VdbIvfState *state, double probes, double share);

/* ---- scan.c, for balance.c ---- */

/*
 * Of the lists nearest to a vector of the index, which ones have its nearest k
 * neighbours but for itself: ranks, from 0.  Returns how many there are.
 */
typedef struct VdbIvfScan VdbIvfScan;
extern VdbIvfScan *vdb_ivf_probe_create(Relation index);
extern uint32 vdb_ivf_probe(VdbIvfScan *scan, Relation index, const void *row,
							const float *rotated, uint32 lists, uint32 k, uint32 *ranks);

/* ---- check.c: is an index sound? ---- */

/*
 * Looks at all pages, beside inserts and searches; changes of lists and vacuum
 * wait.  With a table, compares all its rows, too, for which nobody may insert
 * meanwhile: the caller has locked it.
 */
extern void vdb_ivf_check(Relation index, Relation heap, VdbAmProblem problem, void *arg);

/* Is this an index of this access method, by either name? */
extern bool vdb_ivf_is_index(Relation index);

/* ---- census.c: what there is in an index ---- */

typedef struct VdbIvfCensus
{
	VdbIvfMeta	meta;
	VdbIvfState state;			/* zeroes for an index that nothing was put in */
	uint64		rows;			/* in lists, and without a place in one: */
	uint64		zeros;
	uint64		nulls;
	uint32		lists;
	uint32		empty_lists;
	uint64		smallest;		/* entries of a list */
	uint64		largest;
	double		imbalance;		/* 1 when all lists have the same size */
	double		drift;			/* 0 when centres are in the middle; NaN if unknown */
	uint64		loose;			/* entries not in blocks yet */
	uint64		empty_lanes;
	uint32		retired_lists;	/* no more, but for old snapshots */
	uint64		retired_pages;
	uint64		free_pages;
	uint64		pages;
} VdbIvfCensus;

/* Reads all pages. */
extern void vdb_ivf_census(Relation index, VdbIvfCensus *census);

/* ---- the access method's functions ---- */

extern IndexBuildResult *vdb_ivf_build(Relation heap, Relation index, IndexInfo *info);
extern void vdb_ivf_build_empty(Relation index);

/* Whether there is more than a metapage. */
extern bool vdb_ivf_is_complete(Relation index);

/* Completes an index that has a metapage only; its first vector says how long
 * vectors are. */
extern void vdb_ivf_complete(Relation index, Datum first, bool isnull);
extern bool vdb_ivf_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
						   Relation heap, IndexUniqueCheck check, bool unchanged,
						   IndexInfo *info);
extern IndexBulkDeleteResult *vdb_ivf_bulk_delete(IndexVacuumInfo *info,
												  IndexBulkDeleteResult *result,
												  IndexBulkDeleteCallback callback, void *state);
extern IndexBulkDeleteResult *vdb_ivf_vacuum_cleanup(IndexVacuumInfo *info,
													 IndexBulkDeleteResult *result);
extern IndexScanDesc vdb_ivf_begin_scan(Relation index, int nkeys, int norderbys);
extern void vdb_ivf_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys,
						   int norderbys);
extern bool vdb_ivf_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern void vdb_ivf_end_scan(IndexScanDesc scan);

#endif							/* VDB_IVF_H */
