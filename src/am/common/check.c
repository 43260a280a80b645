/*
 * check.c
 *	  Pages of an index that is checked.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/common/check.h"

void
vdb_am_check_report(VdbAmCheck *check, BlockNumber block, const char *format,...)
{
	char		what[512];
	va_list		args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	check->nproblems++;
	check->problem(check->arg, block, what);
}

#define report vdb_am_check_report

/* The file may have grown. */
static void
look_at_size(VdbAmCheck *check)
{
	BlockNumber n = RelationGetNumberOfBlocks(check->index);

	if (n <= check->nblocks && check->reached != NULL)
		return;
	if (check->reached == NULL)
		check->reached = palloc_extended(Max(n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	else
	{
		check->reached = repalloc_huge(check->reached, n);
		memset(check->reached + check->nblocks, 0, n - check->nblocks);
	}
	check->nblocks = n;
}

void
vdb_am_check_begin(VdbAmCheck *check, Relation index, VdbAmProblem problem, void *arg)
{
	memset(check, 0, sizeof(*check));
	check->index = index;
	check->problem = problem;
	check->arg = arg;
	check->strategy = GetAccessStrategy(BAS_BULKREAD);
	look_at_size(check);
}

void
vdb_am_check_end(VdbAmCheck *check)
{
	FreeAccessStrategy(check->strategy);
}

bool
vdb_am_check_in_file(VdbAmCheck *check, BlockNumber block)
{
	if (block >= check->nblocks)
		look_at_size(check);
	return block < check->nblocks;
}

bool
vdb_am_check_reach(VdbAmCheck *check, BlockNumber from, BlockNumber block)
{
	if (block == InvalidBlockNumber)
	{
		report(check, from, "a reference leads nowhere");
		return false;
	}
	if (!vdb_am_check_in_file(check, block))
	{
		report(check, from, "it leads to block %u, beyond the end of the file", block);
		return false;
	}
	if (check->reached[block])
	{
		report(check, from, "it leads to block %u, which something else leads to, too", block);
		return false;
	}
	check->reached[block] = 1;
	return true;
}

bool
vdb_am_check_fetch(VdbAmCheck *check, BlockNumber block, Page page)
{
	char	   *why;

	CHECK_FOR_INTERRUPTS();
	why = vdb_page_copy(check->index, block, check->strategy, page);
	if (why != NULL)
		report(check, block, "it cannot be read: %s", why);
	else if (PageIsNew(page))
		report(check, block, "it is all zeroes");
	else if (!vdb_page_is_ours(page))
		report(check, block, "it is no page of this index");
	else
		return true;
	return false;
}

bool
vdb_am_check_fetch_kind(VdbAmCheck *check, BlockNumber from, BlockNumber block, uint16 kind,
						Page page)
{
	if (!vdb_am_check_reach(check, from, block) || !vdb_am_check_fetch(check, block, page))
		return false;
	if (vdb_page_opaque(page)->kind == kind)
		return true;
	report(check, block, "its kind is %u where %u belongs", vdb_page_opaque(page)->kind, kind);
	return false;
}

bool
vdb_am_check_floats(VdbAmCheck *check, BlockNumber block, uint16 kind, float *to, uint32 count,
					const char *name, Page page)
{
	BlockNumber from = 0;
	bool		good = true;

	while (count > 0)
	{
		uint32		n = Min(count, VDB_PAGE_SPACE / sizeof(float));

		if (!vdb_am_check_fetch_kind(check, from, block, kind, page))
			return false;
		if (vdb_page_size(page) < n * sizeof(float))
			report(check, block, "it ends before its floats");
		memcpy(to, vdb_page_contents(page), n * sizeof(float));
		for (uint32 i = 0; i < n; i++)
			if (!isfinite(to[i]))
			{
				report(check, block, "the %s is no vector", name);
				good = false;
				break;
			}
		to += n;
		count -= n;
		from = block;
		block = vdb_page_opaque(page)->next;
	}
	return good;
}

bool
vdb_am_check_is_possible(ItemPointer tid)
{
	return ItemPointerIsValid(tid) &&
		ItemPointerGetBlockNumberNoCheck(tid) != InvalidBlockNumber &&
		ItemPointerGetOffsetNumberNoCheck(tid) <= MaxOffsetNumber;
}

void
vdb_am_check_add(VdbAmCheck *check, ItemPointer tid, BlockNumber block, uint32 place,
				 uint32 group)
{
	VdbAmCheckEntry *entry;

	if (check->nentries == check->entry_room)
	{
		check->entry_room = Max(1024, 2 * check->entry_room);
		check->entries = check->entries == NULL ?
			palloc_extended(check->entry_room * sizeof(VdbAmCheckEntry), MCXT_ALLOC_HUGE) :
			repalloc_huge(check->entries, check->entry_room * sizeof(VdbAmCheckEntry));
	}
	entry = &check->entries[check->nentries++];
	entry->tid = *tid;
	entry->block = block;
	entry->place = place;
	entry->group = group;
	entry->seen = false;
}
