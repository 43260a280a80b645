/*
 * check.h
 *	  The parts of a check of an index, to each other.
 */
#ifndef VDB_IVF_CHECK_H
#define VDB_IVF_CHECK_H

#include "am/common/check.h"
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

/*
 * The group of a row id (VdbAmCheckEntry) is a place in VdbIvfCheck.lists, or
 * one of these; its own place is a lane.
 */
#define VDB_IVF_CHECK_ZEROS (PG_UINT32_MAX - 1)
#define VDB_IVF_CHECK_NULLS PG_UINT32_MAX

typedef struct VdbIvfCheck
{
	VdbAmCheck	common;
	VdbIvf	   *ivf;
	VdbIvfState state;
	Page		page;			/* copies: of what is being looked at */
	Page		row_page;
	bool		deep;			/* row ids are noted, to compare with the table's */

	/* the directory's lists, in order of their numbers */
	bool		directory_sound;
	VdbIvfCheckList *lists;
	uint32		nlists;
	uint32		list_room;
} VdbIvfCheck;

/* By their numbers. */
extern int	vdb_ivf_check_compare_lists(const void *a, const void *b);

/* check_others.c: looks at the blocks that are not reached. */
extern void vdb_ivf_check_others(VdbIvfCheck *check);

/* check_rows.c: compares the entries with the table, which the caller has locked. */
extern void vdb_ivf_check_rows(VdbIvfCheck *check, Relation heap);

#endif							/* VDB_IVF_CHECK_H */
