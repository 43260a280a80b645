/*
 * check_others.c
 *	  Pages that no chain of an index led to.
 *
 * Some are to be expected: free ones, and those that a crash leaves.  Pages of
 * lists that the directory does not have are found by vacuum, and so are no
 * problem; nor are empty ones, and parts of rows that take several pages.  What
 * is left may have been added to its list after that was walked, which is why
 * the list is walked again.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/ivf/check.h"

#define report(check, ...) vdb_am_check_report(&(check)->common, __VA_ARGS__)

typedef struct Suspect
{
	uint32		list;			/* of check->lists, or as in VdbAmCheckEntry */
	BlockNumber block;
} Suspect;

static int
compare_suspects(const void *a, const void *b)
{
	const Suspect *x = a;
	const Suspect *y = b;

	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return x->block < y->block ? -1 : x->block > y->block;
}

/* Marks the pages of a chain, and their row pages, as far as one can follow. */
static void
walk_again(VdbIvfCheck *check, BlockNumber head, uint16 kind)
{
	const VdbIvfShape *shape = &check->ivf->list;
	BlockNumber block = head;

	for (BlockNumber steps = 0;
		 steps <= check->common.nblocks && vdb_am_check_in_file(&check->common, block); steps++)
	{
		Page		page = check->page;

		if (vdb_page_copy(check->common.index, block, check->common.strategy, page) != NULL ||
			!vdb_page_is_ours(page) || vdb_page_opaque(page)->kind != kind)
			return;
		check->common.reached[block] = 1;
		for (uint32 i = 0; kind == VDB_IVF_LEAD && i < shape->nrow_pages; i++)
			if (vdb_am_check_in_file(&check->common, vdb_ivf_lead(page)->rows[i]))
				check->common.reached[vdb_ivf_lead(page)->rows[i]] = 1;
		block = vdb_page_opaque(page)->next;
		CHECK_FOR_INTERRUPTS();
	}
}

/* The list that a page nothing led to should be in, if that is a problem. */
static bool
is_suspect(VdbIvfCheck *check, Page page, uint32 *list)
{
	VdbIvfCheckList key;
	VdbIvfCheckList *found;

	switch (vdb_page_opaque(page)->kind)
	{
		case VDB_IVF_LEAD:
			if (vdb_ivf_lead(page)->live == 0)
				return false;
			key.info.number = vdb_ivf_lead(page)->list;
			break;
		case VDB_IVF_ROWS:
			/* Of rows over several pages a crash may leave some. */
			if (check->ivf->list.rows_per_page == 0)
				return false;
			key.info.number = vdb_page_opaque(page)->next;
			break;
		case VDB_IVF_TIDS:
			*list = VDB_IVF_CHECK_NULLS;
			return ((VdbIvfTids *) vdb_page_contents(page))->count > 0;
		default:
			return false;
	}
	if (check->nlists == 0)
		return false;
	found = bsearch(&key, check->lists, check->nlists, sizeof(VdbIvfCheckList),
					vdb_ivf_check_compare_lists);
	if (found != NULL)
		*list = found - check->lists;
	return found != NULL;
}

void
vdb_ivf_check_others(VdbIvfCheck *check)
{
	Suspect    *suspects = palloc(sizeof(Suspect));
	uint64		n = 0,
				room = 1;

	for (BlockNumber block = 0; block < check->common.nblocks; block++)
	{
		Suspect		suspect = {.block = block};
		char	   *why;

		if (check->common.reached[block])
			continue;
		CHECK_FOR_INTERRUPTS();
		why = vdb_page_copy(check->common.index, block, check->common.strategy, check->page);
		if (why != NULL)
			report(check, block, "it cannot be read: %s", why);
		else if (PageIsNew(check->page))
			continue;			/* a crash leaves such */
		else if (!vdb_page_is_ours(check->page))
			report(check, block, "it is no page of this index");
		else if (vdb_page_opaque(check->page)->kind > VDB_IVF_STATE)
			report(check, block, "its kind is %u, which there is not",
				   vdb_page_opaque(check->page)->kind);
		else if (is_suspect(check, check->page, &suspect.list))
		{
			if (n == room)
				suspects = repalloc_huge(suspects, (room *= 2) * sizeof(Suspect));
			suspects[n++] = suspect;
		}
	}
	qsort(suspects, n, sizeof(Suspect), compare_suspects);
	for (uint64 i = 0; i < n; i++)
	{
		uint32		list = suspects[i].list;

		if (i == 0 || list != suspects[i - 1].list)
		{
			if (list != VDB_IVF_CHECK_NULLS)
				walk_again(check, check->lists[list].head, VDB_IVF_LEAD);
			else
			{
				walk_again(check, check->ivf->meta.nulls, VDB_IVF_TIDS);
				walk_again(check, check->ivf->meta.zeros, VDB_IVF_TIDS);
			}
		}
		if (check->common.reached[suspects[i].block])
			continue;
		if (list != VDB_IVF_CHECK_NULLS)
			report(check, suspects[i].block, "nothing leads to it, though it is of list %u",
				   check->lists[list].info.number);
		else
			report(check, suspects[i].block, "nothing leads to it, though it has row ids");
	}
	pfree(suspects);
}
