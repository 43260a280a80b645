/*
 * vacuum.c
 *	  Row ids of dead rows leave their lanes, which later inserts use again;
 *	  and lists that have become too small or too large are made anew.
 *
 * A page is changed under its exclusive lock by one edit.  A scan that has
 * noted a lane has noted its row id, too, and what that leads to is for
 * PostgreSQL's snapshot to decide, so neither scans here nor on a standby need
 * to be waited for.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "storage/indexfsm.h"

#include "am/ivf/ivf.h"
#include "compat/compat.h"
#include "point/point.h"

/* A page with this part of its lanes empty is for inserts to fill. */
#define ROOM_SHARE 4

typedef struct VacuumState
{
	Relation	index;
	const VdbIvf *ivf;
	IndexBulkDeleteResult *result;
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	VdbIvfListCount *lists;
	uint32		nlists;
} VacuumState;

/* A list by its number; NULL if there is none. */
static VdbIvfListCount *
find_list(VacuumState *vs, uint32 number)
{
	uint32		low = 0,
				high = vs->nlists;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (vs->lists[middle].list.number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < vs->nlists && vs->lists[low].list.number == number ? &vs->lists[low] : NULL;
}

/* PostgreSQL is not asked about what no row has: only damage leaves that. */
static bool
is_dead(VacuumState *vs, ItemPointer tid)
{
	if (VDB_FAULT("ivf-live-row-dies") && ItemPointerGetOffsetNumber(tid) == 3)
		return true;
	if (VDB_FAULT("ivf-dead-row-stays") && ItemPointerGetOffsetNumber(tid) == 3)
		return false;
	return !ItemPointerIsValid(tid) ||
		(vs->callback != NULL && vs->callback(tid, vs->callback_state));
}

/* Empties the lanes of dead rows. */
static void
vacuum_lead(VacuumState *vs, VdbIvfListCount *list, Buffer buffer)
{
	const VdbIvfShape *shape = &vs->ivf->list;
	VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));
	uint32		dead[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
	uint32		ndead = 0;
	uint32		live = 0;		/* what the page says is not relied on */
	VdbEdit		edit;

	for (uint32 lane = 0; lane < shape->lanes; lane++)
	{
		ItemPointer tid = vdb_ivf_tid(shape, lead, lane);

		if (!ItemPointerIsValid(tid))
			continue;
		if (is_dead(vs, tid))
			dead[ndead++] = lane;
		else
			live++;
	}
	if (ndead > 0)
	{
		vdb_ivf_nblocks(shape, vs->index, buffer);
		vdb_edit_begin(&edit, vs->index, false);
		lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
		for (uint32 i = 0; i < ndead; i++)
		{
			uint32		n = dead[i] / VDB_BLOCK;

			if (shape->coded)
				vdb_quant_block_clear(shape->code_dim,
									  (VdbQuantBlock *) vdb_ivf_block(shape, lead, n),
									  dead[i] % VDB_BLOCK);
			lead->loose[n] &= ~((uint32) 1 << dead[i] % VDB_BLOCK);
			memset(vdb_ivf_tid(shape, lead, dead[i]), 0, sizeof(ItemPointerData));
		}
		lead->live = live;
		vdb_edit_finish(&edit);
		vs->result->tuples_removed += ndead;
	}
	vs->result->num_index_tuples += live;
	list->live += live;
	list->dead += ndead;
	if (live <= shape->lanes - shape->lanes / ROOM_SHARE && list->room == InvalidBlockNumber)
		list->room = BufferGetBlockNumber(buffer);
}

/* Moves a row id to before where it is, or not at all. */
static void
move_tid(const VdbIvf *ivf, VdbIvfTids *tids, uint32 from, uint32 to)
{
	if (from == to)
		return;
	tids->tids[to] = tids->tids[from];
	memcpy(vdb_ivf_tids_codes(ivf, tids, to), vdb_ivf_tids_codes(ivf, tids, from),
		   VDB_FAULT("ivf-codes-stay") ? 0 : ivf->meta.codes_size);
}

static void
vacuum_tids(VacuumState *vs, Buffer buffer)
{
	VdbIvfTids *tids = (VdbIvfTids *) vdb_page_contents(BufferGetPage(buffer));
	const VdbIvf *ivf = vs->ivf;
	uint32	   *kept = palloc(ivf->tids_per_page * sizeof(uint32));
	uint32		count = Min(tids->count, ivf->tids_per_page);
	uint32		n = 0;
	VdbEdit		edit;

	for (uint32 i = 0; i < count; i++)
		if (!is_dead(vs, &tids->tids[i]))
			kept[n++] = i;
	if (n < count)
	{
		vdb_edit_begin(&edit, vs->index, false);
		tids = (VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, buffer));
		for (uint32 i = 0; i < n; i++)
			move_tid(ivf, tids, kept[i], i);
		memset(&tids->tids[n], 0, (count - n) * sizeof(ItemPointerData));
		tids->count = n;
		vdb_edit_finish(&edit);
		vs->result->tuples_removed += count - n;
	}
	vs->result->num_index_tuples += n;
	pfree(kept);
}

/*
 * A page.  One of a list that the directory does not have was left by a crash,
 * or an error, and serves again; a list that has died is for nobody to change.
 */
static void
vacuum_page(VacuumState *vs, BlockNumber block, BufferAccessStrategy strategy)
{
	Buffer		buffer;
	Page		page;
	uint16		kind;
	uint32		number = VDB_IVF_DIRECTORY;
	VdbIvfListCount *list = NULL;

	if (!vdb_page_try(vs->index, block, strategy, &buffer))
		return;
	page = BufferGetPage(buffer);
	kind = vdb_page_opaque(page)->kind;
	if (kind == VDB_IVF_LEAD)
		number = vdb_ivf_lead(page)->list;
	else if (kind == VDB_IVF_ROWS)
		number = vdb_page_opaque(page)->next;
	else if (kind == VDB_IVF_TIDS)
		vacuum_tids(vs, buffer);

	if (number != VDB_IVF_DIRECTORY)
		list = find_list(vs, number);
	if (kind == VDB_IVF_LEAD && list != NULL && list->lives)
		vacuum_lead(vs, list, buffer);
	vdb_page_release(buffer);
	if (number != VDB_IVF_DIRECTORY && list == NULL)
		vdb_page_free(vs->index, block, kind);
}

/* Tells the lists where they have room. */
static void
set_targets(VacuumState *vs)
{
	for (uint32 i = 0; i < vs->nlists; i++)
		if (vs->lists[i].lives && vs->lists[i].room != InvalidBlockNumber)
		{
			vdb_ivf_list_aim(vs->index, vs->lists[i].list.head, vs->lists[i].room);
			VDB_COMPAT_VACUUM_DELAY();
		}
	vdb_ivf_tids_aim(vs->ivf, vs->index, vs->ivf->meta.zeros);
	vdb_ivf_tids_aim(vs->ivf, vs->index, vs->ivf->meta.nulls);
}

/* Goes through all pages.  The caller has the guard. */
static void
vacuum_pages(VacuumState *vs, BufferAccessStrategy strategy)
{
	BlockNumber blocks;

	vs->lists = vdb_ivf_all_lists(vs->index, vs->ivf, &vs->nlists);
	blocks = vdb_page_count(vs->index);
	for (BlockNumber block = 0; block < blocks; block++)
	{
		VDB_COMPAT_VACUUM_DELAY();
		VDB_PAUSE("ivf-vacuum-page");
		vacuum_page(vs, block, strategy);
	}
	VDB_PAUSE("ivf-vacuum-pages");
	set_targets(vs);
	VDB_PAUSE("ivf-vacuum-aimed");
	vdb_ivf_balance(vs->index, vs->ivf, vs->lists, vs->nlists);
	pfree(vs->lists);
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

	if (result == NULL)
		result = palloc0(sizeof(IndexBulkDeleteResult));
	vs.result = result;
	result->num_index_tuples = 0;
	if (vs.ivf->meta.directory == InvalidBlockNumber)
		return result;

	vdb_ivf_guard(info->index, vs.ivf);
	vacuum_pages(&vs, info->strategy);
	vdb_ivf_unguard(info->index);
	return result;
}

/* When there was nothing to delete. */
static void
clean_up(IndexVacuumInfo *info, const VdbIvf *ivf)
{
	IndexBulkDeleteResult ignored = {0};
	VacuumState vs = {.index = info->index,.ivf = ivf,.result = &ignored};
	VdbIvfState state;

	vdb_ivf_guard(info->index, ivf);
	vdb_ivf_read_state(info->index, ivf, &state);
	if (state.leaks)
		vacuum_pages(&vs, info->strategy);
	else
		vdb_ivf_balance(info->index, ivf, NULL, 0);
	vdb_ivf_unguard(info->index);
}

IndexBulkDeleteResult *
vdb_ivf_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *result)
{
	if (info->analyze_only)
		return result;
	if (result == NULL)
	{
		const VdbIvf *ivf = vdb_ivf_open(info->index);

		/* Nothing was deleted, so the table's number of rows is the index's. */
		result = palloc0(sizeof(IndexBulkDeleteResult));
		result->num_index_tuples = info->num_heap_tuples;
		result->estimated_count = info->estimated_count;
		if (ivf->meta.directory != InvalidBlockNumber)
			clean_up(info, ivf);
	}
	result->num_pages = RelationGetNumberOfBlocks(info->index);
	IndexFreeSpaceMapVacuum(info->index);
	return result;
}
