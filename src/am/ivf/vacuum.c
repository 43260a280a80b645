/*
 * vacuum.c
 *	  Row ids of dead rows leave their lanes, which later inserts use again.
 *
 * A page is changed under its exclusive lock by one edit.  A scan that has
 * noted a lane looks again at its row id before it uses it, and what a row id
 * leads to is for PostgreSQL's snapshot to decide, so neither scans here nor
 * on a standby need to be waited for.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "storage/indexfsm.h"

#include "am/ivf/ivf.h"
#include "compat/compat.h"

/* A page with this part of its lanes empty is for inserts to fill. */
#define ROOM_SHARE 4

typedef struct VacuumState
{
	Relation	index;
	const VdbIvf *ivf;
	IndexBulkDeleteResult *result;
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	BlockNumber *room;			/* of each list, a page with room, or invalid */
	uint32		nlists;
} VacuumState;

/* Empties the lanes of dead rows. */
static void
vacuum_lead(VacuumState *vs, Buffer buffer)
{
	const VdbIvfShape *shape = &vs->ivf->list;
	VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));
	uint32		list = lead->list;
	uint32		dead[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
	uint32		ndead = 0;
	uint32		live;
	VdbEdit		edit;

	for (uint32 lane = 0; lane < shape->lanes; lane++)
	{
		ItemPointer tid = vdb_ivf_tid(shape, lead, lane);

		if (ItemPointerIsValid(tid) && vs->callback(tid, vs->callback_state))
			dead[ndead++] = lane;
	}
	live = lead->live - ndead;
	if (ndead > 0)
	{
		vdb_edit_begin(&edit, vs->index, false);
		lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
		for (uint32 i = 0; i < ndead; i++)
		{
			if (shape->coded)
				vdb_quant_block_clear(shape->code_dim, (VdbQuantBlock *)
									  vdb_ivf_block(shape, lead, dead[i] / VDB_BLOCK),
									  dead[i] % VDB_BLOCK);
			memset(vdb_ivf_tid(shape, lead, dead[i]), 0, sizeof(ItemPointerData));
		}
		lead->live = live;
		vdb_edit_finish(&edit);
		vs->result->tuples_removed += ndead;
	}
	vs->result->num_index_tuples += live;
	if (live <= shape->lanes - shape->lanes / ROOM_SHARE && list < vs->nlists &&
		vs->room[list] == InvalidBlockNumber)
		vs->room[list] = BufferGetBlockNumber(buffer);
}

static void
vacuum_tids(VacuumState *vs, Buffer buffer)
{
	VdbIvfTids *tids = (VdbIvfTids *) vdb_page_contents(BufferGetPage(buffer));
	ItemPointerData *kept = palloc(VDB_IVF_TIDS_PER_PAGE * sizeof(ItemPointerData));
	uint32		count = Min(tids->count, VDB_IVF_TIDS_PER_PAGE);
	uint32		n = 0;
	VdbEdit		edit;

	for (uint32 i = 0; i < count; i++)
		if (!vs->callback(&tids->tids[i], vs->callback_state))
			kept[n++] = tids->tids[i];
	if (n < count)
	{
		vdb_edit_begin(&edit, vs->index, false);
		tids = (VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, buffer));
		memset(tids->tids, 0, count * sizeof(ItemPointerData));
		memcpy(tids->tids, kept, n * sizeof(ItemPointerData));
		tids->count = n;
		vdb_edit_finish(&edit);
		vs->result->tuples_removed += count - n;
	}
	vs->result->num_index_tuples += n;
	pfree(kept);
}

/* Tells the lists where they have room. */
static void
set_targets(VacuumState *vs)
{
	const VdbIvfShape *shape = &vs->ivf->directory;
	BlockNumber block = vs->ivf->meta.directory;
	uint32		first = 0;

	while (block != InvalidBlockNumber)
	{
		Buffer		buffer = vdb_page_read(vs->index, block, VDB_IVF_LEAD);
		VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));
		BlockNumber *heads = palloc(shape->lanes * sizeof(BlockNumber));

		for (uint32 lane = 0; lane < shape->lanes; lane++)
		{
			ItemPointer tid = vdb_ivf_tid(shape, lead, lane);

			heads[lane] = ItemPointerIsValid(tid) ?
				ItemPointerGetBlockNumberNoCheck(tid) : InvalidBlockNumber;
		}
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);

		for (uint32 lane = 0; lane < shape->lanes && first + lane < vs->nlists; lane++)
			if (heads[lane] != InvalidBlockNumber &&
				vs->room[first + lane] != InvalidBlockNumber)
			{
				Buffer		head = vdb_page_read_exclusive(vs->index, heads[lane],
														   VDB_IVF_LEAD);
				VdbEdit		edit;

				if (vdb_ivf_lead(BufferGetPage(head))->target != vs->room[first + lane])
				{
					vdb_edit_begin(&edit, vs->index, false);
					vdb_ivf_lead(vdb_edit_page(&edit, head))->target = vs->room[first + lane];
					vdb_edit_finish(&edit);
				}
				vdb_page_release(head);
			}
		first += shape->lanes;
		pfree(heads);
		VDB_COMPAT_VACUUM_DELAY();
	}
}

IndexBulkDeleteResult *
vdb_ivf_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *result,
					IndexBulkDeleteCallback callback, void *state)
{
	VacuumState vs = {
		.index = info->index,
		.ivf = vdb_ivf_open(info->index),
		.callback = callback,
		.callback_state = state,
	};
	BlockNumber blocks = RelationGetNumberOfBlocks(info->index);

	if (result == NULL)
		result = palloc0(sizeof(IndexBulkDeleteResult));
	vs.result = result;
	result->num_index_tuples = 0;
	vs.nlists = vs.ivf->meta.nlists;
	vs.room = palloc(vs.nlists * sizeof(BlockNumber));
	for (uint32 i = 0; i < vs.nlists; i++)
		vs.room[i] = InvalidBlockNumber;

	for (BlockNumber block = 0; block < blocks; block++)
	{
		Buffer		buffer;

		VDB_COMPAT_VACUUM_DELAY();
		if (!vdb_page_try(info->index, block, info->strategy, &buffer))
			continue;
		switch (vdb_page_opaque(BufferGetPage(buffer))->kind)
		{
			case VDB_IVF_LEAD:
				if (vdb_ivf_lead(BufferGetPage(buffer))->list != VDB_IVF_DIRECTORY)
					vacuum_lead(&vs, buffer);
				break;
			case VDB_IVF_TIDS:
				vacuum_tids(&vs, buffer);
				break;
		}
		vdb_page_release(buffer);
	}
	set_targets(&vs);
	pfree(vs.room);
	return result;
}

IndexBulkDeleteResult *
vdb_ivf_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *result)
{
	if (info->analyze_only)
		return result;
	if (result == NULL)
	{
		/* Nothing was deleted, so the table's number of rows is the index's. */
		result = palloc0(sizeof(IndexBulkDeleteResult));
		result->num_index_tuples = info->num_heap_tuples;
		result->estimated_count = info->estimated_count;
	}
	result->num_pages = RelationGetNumberOfBlocks(info->index);
	IndexFreeSpaceMapVacuum(info->index);
	return result;
}
