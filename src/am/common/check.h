/*
 * check.h
 *	  Is an index sound?  What the checks of all access methods share.
 *
 * Pages are copied, and looked at in memory.  Whatever is found there is
 * nothing to rely on, and a problem is told, not raised.
 */
#ifndef VDB_AM_CHECK_H
#define VDB_AM_CHECK_H

#include "access/genam.h"

#include "am/common/filter.h"
#include "am/common/space.h"
#include "page/page.h"

/* Is called for each problem, with its block or InvalidBlockNumber. */
typedef void (*VdbAmProblem) (void *arg, BlockNumber block, const char *what);

/* A row id, and where it is in the index. */
typedef struct VdbAmCheckEntry
{
	ItemPointerData tid;
	uint16		place;			/* on its page: the method's number */
	BlockNumber block;
	uint32		group;			/* the method's: what it is part of */
	bool		seen;			/* the table has such a row */
} VdbAmCheckEntry;

typedef struct VdbAmCheck
{
	Relation	index;
	VdbAmProblem problem;
	void	   *arg;
	uint64		nproblems;
	BufferAccessStrategy strategy;

	/* which blocks something has led to */
	BlockNumber nblocks;
	uint8	   *reached;

	VdbAmCheckEntry *entries;
	uint64		nentries;
	uint64		entry_room;
} VdbAmCheck;

/* What it takes is allocated in the current context. */
extern void vdb_am_check_begin(VdbAmCheck *check, Relation index, VdbAmProblem problem,
							   void *arg);
extern void vdb_am_check_end(VdbAmCheck *check);

/* Tells of a problem. */
extern void vdb_am_check_report(VdbAmCheck *check, BlockNumber block, const char *format,...)
			pg_attribute_printf(3, 4);

/* Is there such a block?  (The file may have grown.) */
extern bool vdb_am_check_in_file(VdbAmCheck *check, BlockNumber block);

/*
 * Notes that a page leads to another one; false, and a problem, if it must not
 * be followed: every page has one that leads to it.
 */
extern bool vdb_am_check_reach(VdbAmCheck *check, BlockNumber from, BlockNumber block);

/* Copies a page, which must be one of ours; false, and a problem, if it is not. */
extern bool vdb_am_check_fetch(VdbAmCheck *check, BlockNumber block, Page page);

/* Both, of a page that has to be of a kind. */
extern bool vdb_am_check_fetch_kind(VdbAmCheck *check, BlockNumber from, BlockNumber block,
									uint16 kind, Page page);

/*
 * Reads a chain of pages of floats, to which the metapage leads; false if one
 * is missing, or not finite.  page: memory for one.
 */
extern bool vdb_am_check_floats(VdbAmCheck *check, BlockNumber block, uint16 kind, float *to,
								uint32 count, const char *name, Page page);

/* Can a table have such a row id? */
extern bool vdb_am_check_is_possible(ItemPointer tid);

/* Notes a row id. */
extern void vdb_am_check_add(VdbAmCheck *check, ItemPointer tid, BlockNumber block, uint32 place,
							 uint32 group);

/* ---- check_rows.c ---- */

/* Tells of row ids that were noted twice. */
extern void vdb_am_check_twice(VdbAmCheck *check);

/*
 * Holds the entries that were noted against the rows of the table, which the
 * caller has locked: each is there, and once.  compare is called for each entry
 * with its row's value and the codes of its filter columns, in a memory context
 * of its own.
 */
typedef void (*VdbAmCompare) (void *arg, const VdbAmCheckEntry *entry, Datum value, bool isnull,
							  const char *codes);
extern void vdb_am_check_rows(VdbAmCheck *check, Relation heap, VdbAmCompare compare, void *arg);

/* Where a row belongs: in order of distance, or without one. */
typedef enum VdbAmBelongs
{
	VDB_AM_BELONGS_ORDERED,
	VDB_AM_BELONGS_ZERO,		/* a zero vector, under cosine */
	VDB_AM_BELONGS_NULL
} VdbAmBelongs;

/*
 * Is the row of an entry where it belongs by its value?  True if it has a vector
 * to be compared: in vector, and as floats, of length 1 under cosine.  name is
 * what the ordered ones are with: "a list".
 */
extern bool vdb_am_check_value(VdbAmCheck *check, const VdbAmSpace *space,
							   const VdbAmCheckEntry *entry, VdbAmBelongs is, const char *name,
							   Datum value, bool isnull, VdbAmVector *vector, float *floats);

/*
 * Is a vector's place as far from what its row of codes stands for as that says?
 * centre may be NULL, for zero; scratch has dim floats.
 */
extern bool vdb_am_check_is_near(const VdbAmSpace *space, const void *row, const float *centre,
								 const float *rotated, float *scratch);

/* Are the numbers of a row numbers?  floats has dim. */
extern bool vdb_am_check_is_sound(const VdbAmSpace *space, const void *row, float *floats);

#endif							/* VDB_AM_CHECK_H */
