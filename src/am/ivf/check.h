/*
 * check.h
 *	  The parts of a check of an index, to each other.
 */
#ifndef VDB_IVF_CHECK_H
#define VDB_IVF_CHECK_H

#include "am/ivf/ivf.h"

/* A list that the directory has. */
typedef struct VdbIvfCheckList
{
	VdbIvfListInfo info;
	BlockNumber head;
	BlockNumber entry_block;	/* where the directory has it */
	uint32		entry_lane;
	bool		lives;
	bool		sound;			/* no problem was found in it */
} VdbIvfCheckList;

/* An entry of the index: a row id, and where it is. */
typedef struct VdbIvfCheckEntry
{
	ItemPointerData tid;
	uint16		lane;
	BlockNumber block;
	uint32		list;			/* of VdbIvfCheck.lists, or: */
	bool		seen;			/* the table has such a row */
} VdbIvfCheckEntry;

#define VDB_IVF_CHECK_ZEROS (PG_UINT32_MAX - 1)
#define VDB_IVF_CHECK_NULLS PG_UINT32_MAX

typedef struct VdbIvfCheck
{
	Relation	index;
	VdbIvf	   *ivf;
	VdbIvfState state;
	VdbIvfProblem problem;
	void	   *arg;
	uint64		nproblems;
	BufferAccessStrategy strategy;
	Page		page;			/* copies: of what is being looked at */
	Page		row_page;

	/* which blocks a chain has led to */
	BlockNumber nblocks;
	uint8	   *reached;

	/* the directory's lists, in order of their numbers */
	bool		directory_sound;
	VdbIvfCheckList *lists;
	uint32		nlists;
	uint32		list_room;

	/* entries, to compare with the table's rows */
	bool		deep;
	VdbIvfCheckEntry *entries;
	uint64		nentries;
	uint64		entry_room;
} VdbIvfCheck;

/* Tells of a problem. */
extern void vdb_ivf_check_report(VdbIvfCheck *check, BlockNumber block, const char *format,...)
			pg_attribute_printf(3, 4);

/* Is there such a block?  (The file may have grown.) */
extern bool vdb_ivf_check_in_file(VdbIvfCheck *check, BlockNumber block);

/* By their numbers. */
extern int	vdb_ivf_check_compare_lists(const void *a, const void *b);

/* check_others.c: looks at the blocks that are not reached. */
extern void vdb_ivf_check_others(VdbIvfCheck *check);

/* check_rows.c: compares the entries with the table, which the caller has locked. */
extern void vdb_ivf_check_rows(VdbIvfCheck *check, Relation heap);

#endif							/* VDB_IVF_CHECK_H */
