/*
 * directory.c
 *	  The lists that there are, as balance.c changes them.  (Searches find them
 *	  by route.c, vdb_ivf_list_add() enters them.)
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/ivf/ivf.h"

/* A page of the directory, locked. */
static Buffer
directory_page(Relation index, const VdbIvf *ivf, uint32 number)
{
	BlockNumber block = ivf->meta.directory;

	for (;; number--)
	{
		Buffer		buffer = vdb_page_read_exclusive(index, block, VDB_IVF_LEAD);

		if (number == 0)
			return buffer;
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
	}
}

/* Says when a list dies, and when its pages are free. */
void
vdb_ivf_directory_set(Relation index, const VdbIvf *ivf, uint32 ordinal, uint32 died,
					  FullTransactionId retired)
{
	const VdbIvfShape *shape = &ivf->directory;
	Buffer		buffer = directory_page(index, ivf, ordinal / shape->lanes);
	VdbEdit		edit;
	VdbIvfListInfo *info;

	vdb_edit_begin(&edit, index, false);
	info = vdb_ivf_info(shape, vdb_ivf_lead(vdb_edit_page(&edit, buffer)), ordinal % shape->lanes);
	info->died = died;
	info->retired_low = (uint32) U64FromFullTransactionId(retired);
	info->retired_high = (uint32) (U64FromFullTransactionId(retired) >> 32);
	vdb_edit_finish(&edit);
	vdb_page_release(buffer);
}

/* Whether new lists are put into a page of the directory before that one. */
static bool
has_room_before(Relation index, const VdbIvf *ivf, uint32 number)
{
	BlockNumber block = ivf->meta.directory;
	BlockNumber target = block;

	for (uint32 i = 0; i < number; i++)
	{
		Buffer		buffer = vdb_ivf_read_lead(index, block, VDB_IVF_DIRECTORY);

		if (i == 0)
			target = vdb_ivf_lead(BufferGetPage(buffer))->target;
		if (block == target)
		{
			vdb_page_release(buffer);
			return true;
		}
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
	}
	return false;
}

/* Takes a list off the directory, whose lane serves another one. */
void
vdb_ivf_directory_remove(Relation index, const VdbIvf *ivf, uint32 ordinal)
{
	const VdbIvfShape *shape = &ivf->directory;
	uint32		lane = ordinal % shape->lanes;
	bool		aim = !has_room_before(index, ivf, ordinal / shape->lanes);
	Buffer		buffer = directory_page(index, ivf, ordinal / shape->lanes);
	Buffer		first = InvalidBuffer;
	VdbEdit		edit;
	VdbIvfLead *lead;

	if (aim && BufferGetBlockNumber(buffer) != ivf->meta.directory)
		first = vdb_page_read_exclusive(index, ivf->meta.directory, VDB_IVF_LEAD);
	vdb_edit_begin(&edit, index, false);
	lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
	vdb_quant_block_clear(shape->code_dim,
						  (VdbQuantBlock *) vdb_ivf_block(shape, lead, lane / VDB_BLOCK),
						  lane % VDB_BLOCK);
	memset(vdb_ivf_tid(shape, lead, lane), 0, sizeof(ItemPointerData));
	memset(vdb_ivf_info(shape, lead, lane), 0, sizeof(VdbIvfListInfo));
	lead->live--;
	if (BufferIsValid(first))
		lead = vdb_ivf_lead(vdb_edit_page(&edit, first));
	if (aim)
		lead->target = BufferGetBlockNumber(buffer);
	vdb_edit_finish(&edit);
	if (BufferIsValid(first))
		vdb_page_release(first);
	vdb_page_release(buffer);
}

/* All of them. */
VdbIvfLane *
vdb_ivf_directory_read(Relation index, const VdbIvf *ivf, uint32 *n)
{
	const VdbIvfShape *shape = &ivf->directory;
	uint32		room = shape->lanes;
	VdbIvfLane	   *lanes = palloc(room * sizeof(VdbIvfLane));
	uint32		first = 0;
	VdbPageChain chain = {0};

	*n = 0;
	for (BlockNumber block = ivf->meta.directory; block != InvalidBlockNumber;)
	{
		Buffer		buffer;
		VdbIvfLead *lead;

		vdb_page_follow(&chain, index, block);
		buffer = vdb_ivf_read_lead(index, block, VDB_IVF_DIRECTORY);
		lead = vdb_ivf_lead(BufferGetPage(buffer));
		if (*n + shape->lanes > room)
		{
			room = *n * 2 + shape->lanes;
			lanes = repalloc_huge(lanes, room * sizeof(VdbIvfLane));
		}
		for (uint32 lane = 0; lane < shape->lanes; lane++)
		{
			ItemPointer tid = vdb_ivf_tid(shape, lead, lane);
			VdbIvfLane	   *to = &lanes[*n];

			if (!ItemPointerIsValid(tid))
				continue;
			memset(to, 0, sizeof(*to));
			to->info = *vdb_ivf_info(shape, lead, lane);
			to->list.ordinal = first + lane;
			to->list.number = to->info.number;
			to->list.head = ItemPointerGetBlockNumberNoCheck(tid);
			(*n)++;
		}
		first += shape->lanes;
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	return lanes;
}

/* Whether a list is there in a version. */
bool
vdb_ivf_directory_has(Relation index, const VdbIvf *ivf, const VdbIvfNear *list, uint32 version)
{
	const VdbIvfShape *shape = &ivf->directory;
	Buffer		buffer = directory_page(index, ivf, list->ordinal / shape->lanes);
	VdbIvfListInfo *info = vdb_ivf_info(shape, vdb_ivf_lead(BufferGetPage(buffer)),
										list->ordinal % shape->lanes);
	bool		there = info->number == list->number && vdb_ivf_lives(info, version);

	vdb_page_release(buffer);
	return there;
}
