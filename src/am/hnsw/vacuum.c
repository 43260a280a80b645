/*
 * vacuum.c
 *	  Dead rows leave the index, and the nodes that have none any more leave the
 *	  graph.
 *
 * All pages are gone through once: dead row ids go, and nodes without others
 * are marked as dead.  Searches still pass through those.  Then, while they do:
 *
 *	1. relink.c sees to it that whatever lives can be reached from an entry that
 *	   lives without them;
 *	2. repair.c takes the edges to them away, list by list, and puts edges to
 *	   what was behind them in their place;
 *	3. they are entries no longer;
 *	4. their slots become free.
 *
 * In this order nothing is out of reach at any time, wherever it ends: by an
 * error, a cancel, or a crash.  What is left then is dead nodes, which the next
 * vacuum finds; PostgreSQL comes again with the same dead rows, because it has
 * not freed them in the table.
 *
 * Inserts go on beside.  One that read a node's slot before it died may still
 * add an edge to it, behind our back; such an edge leads to a free slot one
 * day, or to another node, and is a detour at worst.
 *
 * One vacuum works on an index at a time, and no check: they share a guard.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "storage/indexfsm.h"
#include "utils/memutils.h"

#include "am/hnsw/vacuum.h"
#include "compat/compat.h"
#include "point/point.h"

/*
 * Without dead rows all is verified when the index has grown by this part of
 * its pages.
 */
#define GROWN_SHARE 20

static bool
is_dead(VdbHnswVacuum *v, ItemPointer tid)
{
	return !ItemPointerIsValid(tid) ||
		(VDB_FAULT("hnsw-live-row-dies") && ItemPointerGetOffsetNumber(tid) == 3) ||
		(v->callback != NULL && v->callback(tid, v->callback_state));
}

/* ---- first, page by page: dead row ids ---- */

/* An edit of one page that begins when there is something to change. */
typedef struct PageEdit
{
	VdbEdit		edit;
	Buffer		buffer;
	Page		page;			/* to read, and, once it has begun, to write */
	bool		begun;
} PageEdit;

static VdbHnswSlot *
writable(VdbHnswVacuum *v, PageEdit *e, uint32 slot)
{
	if (!e->begun)
	{
		vdb_edit_begin(&e->edit, v->index, false);
		e->page = vdb_edit_page(&e->edit, e->buffer);
		e->begun = true;
	}
	return vdb_hnsw_slot(v->hnsw, e->page, slot);
}

static void
vacuum_node(VdbHnswVacuum *v, PageEdit *e, uint32 slot, uint32 node)
{
	VdbHnswSlot *s = vdb_hnsw_slot(v->hnsw, e->page, slot);

	if (s->more != VDB_HNSW_NONE)
		vdb_hnsw_bit_set(&v->bucketed, node);
	if (!is_dead(v, &s->tid) || VDB_FAULT("hnsw-dead-row-stays"))
		v->result->num_index_tuples++;
	else if (s->more != VDB_HNSW_NONE)
		v->chains = true;		/* one from its buckets takes its place */
	else
	{
		s = writable(v, e, slot);
		s->state = VDB_HNSW_DEAD;
		ItemPointerSetInvalid(&s->tid);
		v->result->tuples_removed++;
		vdb_hnsw_bit_set(&v->dead, node);
		v->ndead++;
	}
}

static void
vacuum_bucket(VdbHnswVacuum *v, PageEdit *e, uint32 slot)
{
	const VdbHnsw *hnsw = v->hnsw;
	VdbHnswSlot *s = vdb_hnsw_slot(hnsw, e->page, slot);
	uint32		count = Min(s->count, hnsw->bucket_tids);
	uint32		kept = 0;

	for (uint32 i = 0; i < count; i++)
	{
		/* Those before it may have been moved: there is a page to write to. */
		ItemPointer tid = &vdb_hnsw_tids(s)[i];

		if (is_dead(v, tid))
			s = writable(v, e, slot);
		else
		{
			if (kept < i)
			{
				vdb_hnsw_tids(s)[kept] = *tid;
				memcpy(vdb_hnsw_bucket_codes(hnsw, s, kept), vdb_hnsw_bucket_codes(hnsw, s, i),
					   VDB_FAULT("hnsw-codes-stay") ? 0 : hnsw->codes_size);
			}
			kept++;
		}
	}
	v->result->tuples_removed += count - kept;
	v->result->num_index_tuples += kept;
	if (kept < count)
		s->count = kept;
	v->chains |= kept == 0;
}

static void
vacuum_slots(VdbHnswVacuum *v, Buffer buffer)
{
	const VdbHnsw *hnsw = v->hnsw;
	BlockNumber block = BufferGetBlockNumber(buffer);
	PageEdit	e = {.buffer = buffer,.page = BufferGetPage(buffer)};
	bool		chained = vdb_hnsw_nodes(e.page)->chained != 0;
	uint32		nfree = 0;

	/* An edit makes what lies beyond the page's end zeroes. */
	if (vdb_page_size(e.page) < vdb_hnsw_slot_at(hnsw, hnsw->per_page))
		vdb_page_corrupted(v->index, block, "it ends before its slots");
	for (uint32 slot = 0; slot < hnsw->per_page; slot++)
	{
		uint32		node = vdb_hnsw_number(hnsw, block, slot);

		switch (vdb_hnsw_slot(hnsw, e.page, slot)->state)
		{
			case VDB_HNSW_FREE:
				nfree++;
				break;
			case VDB_HNSW_NODE:
				vacuum_node(v, &e, slot, node);
				break;
			case VDB_HNSW_DEAD:
				/* left by a vacuum that did not come to its end */
				vdb_hnsw_bit_set(&v->dead, node);
				v->ndead++;
				break;
			case VDB_HNSW_BUCKET:
				vacuum_bucket(v, &e, slot);
				break;
			default:
				vdb_page_corrupted(v->index, block, "a slot has an impossible state");
		}
	}
	if (e.begun)
		vdb_edit_finish(&e.edit);
	if (nfree > 0 && !chained)
		vdb_hnsw_bit_set(&v->room, block);
	if (nfree == hnsw->per_page)
		v->result->pages_free++;
}

static void
vacuum_pages(VdbHnswVacuum *v)
{
	v->blocks = vdb_page_count(v->index);
	for (BlockNumber block = VDB_HNSW_STATEPAGE + 1; block < v->blocks; block++)
	{
		Buffer		buffer;

		VDB_COMPAT_VACUUM_DELAY();
		VDB_PAUSE("hnsw-vacuum-page");
		if (!vdb_page_try(v->index, block, v->strategy, &buffer))
			continue;
		if (vdb_page_opaque(BufferGetPage(buffer))->kind == VDB_HNSW_NODES)
			vacuum_slots(v, buffer);
		vdb_page_release(buffer);
	}
}

/* ---- chains of buckets ---- */

/* A chain of buckets, and what leads to the bucket in it that is looked at. */
typedef struct Chain
{
	uint32		owner;			/* a node, VDB_HNSW_NULLS, or VDB_HNSW_ZEROS */
	uint32		from;			/* the owner, or the bucket before */
} Chain;

static BlockNumber
block_of(VdbHnswVacuum *v, uint32 slot)
{
	return slot == VDB_HNSW_NULLS || slot == VDB_HNSW_ZEROS ? VDB_HNSW_STATEPAGE :
		vdb_hnsw_block(v->hnsw, slot);
}

static VdbHnswSlot *
slot_of(VdbHnswVacuum *v, Page page, uint32 slot)
{
	return vdb_hnsw_slot(v->hnsw, page, slot % v->hnsw->per_page);
}

/* Where an owner or a bucket says what is next, on its page. */
static uint32 *
link_of(VdbHnswVacuum *v, Page page, uint32 slot)
{
	VdbHnswState *state = (VdbHnswState *) vdb_page_contents(page);

	return slot == VDB_HNSW_NULLS ? &state->nulls : slot == VDB_HNSW_ZEROS ? &state->zeros :
		&slot_of(v, page, slot)->more;
}

/* That takes a bucket off the chain, or moves a row id: see VdbHnswSlot. */
static void
count_version(VdbHnswVacuum *v, Page page, uint32 owner)
{
	if (owner == VDB_HNSW_NULLS || owner == VDB_HNSW_ZEROS)
		((VdbHnswState *) vdb_page_contents(page))->version++;
	else
		slot_of(v, page, owner)->version++;
}

/* The pages of a chain's owner, of what leads to a bucket, and of the bucket. */
typedef struct Locked
{
	int			n;
	BlockNumber blocks[3];
	Buffer		buffers[3];
} Locked;

static Buffer
buffer_of(VdbHnswVacuum *v, Locked *locked, uint32 slot)
{
	for (int i = 0; i < locked->n; i++)
		if (locked->blocks[i] == block_of(v, slot))
			return locked->buffers[i];
	return InvalidBuffer;
}

/* Locks them in ascending order, as everybody does; the state's is the first. */
static void
lock_chain(VdbHnswVacuum *v, Chain chain, uint32 bucket, Locked *locked)
{
	BlockNumber blocks[3] = {block_of(v, chain.owner), block_of(v, chain.from),
	block_of(v, bucket)};

	locked->n = 0;
	for (BlockNumber least = 0;; least = locked->blocks[locked->n - 1] + 1)
	{
		BlockNumber next = InvalidBlockNumber;

		for (int i = 0; i < 3; i++)
			if (blocks[i] >= least)
				next = Min(next, blocks[i]);
		if (next == InvalidBlockNumber)
			return;
		locked->blocks[locked->n] = next;
		locked->buffers[locked->n++] =
			vdb_page_read_exclusive(v->index, next, next == VDB_HNSW_STATEPAGE ?
									VDB_HNSW_STATE : VDB_HNSW_NODES);
	}
}

static void
unlock_chain(Locked *locked)
{
	for (int i = locked->n - 1; i >= 0; i--)
		vdb_page_release(locked->buffers[i]);
}

/* Takes an empty bucket out of its chain; false if it is not there, or not empty. */
static bool
unlink_bucket(VdbHnswVacuum *v, Chain chain, uint32 bucket)
{
	Locked		locked;
	Buffer		owner,
				from,
				buffer;
	VdbHnswSlot *slot;
	VdbEdit		edit;
	bool		good;

	lock_chain(v, chain, bucket, &locked);
	owner = buffer_of(v, &locked, chain.owner);
	from = buffer_of(v, &locked, chain.from);
	buffer = buffer_of(v, &locked, bucket);
	slot = slot_of(v, BufferGetPage(buffer), bucket);
	good = *link_of(v, BufferGetPage(from), chain.from) == bucket &&
		slot->state == VDB_HNSW_BUCKET && slot->count == 0;
	if (good)
	{
		Page		page;

		vdb_edit_begin(&edit, v->index, false);
		page = vdb_edit_page(&edit, buffer);
		slot = slot_of(v, page, bucket);
		*link_of(v, vdb_edit_page(&edit, from), chain.from) = slot->more;
		count_version(v, vdb_edit_page(&edit, owner), chain.owner);
		slot->state = VDB_HNSW_FREE;
		vdb_hnsw_nodes(page)->nfree++;
		if (!vdb_hnsw_nodes(page)->chained)
			vdb_hnsw_bit_set(&v->room, block_of(v, bucket));
		vdb_edit_finish(&edit);
	}
	unlock_chain(&locked);
	return good;
}

/*
 * Gives a node whose first row is dead the last row of a bucket in its place;
 * false if the bucket has none (any more).
 */
static bool
promote(VdbHnswVacuum *v, uint32 node, uint32 bucket)
{
	Chain		chain = {.owner = node,.from = node};
	Locked		locked;
	Buffer		node_buffer,
				buffer;
	VdbHnswSlot *slot;
	VdbEdit		edit;
	bool		good;

	lock_chain(v, chain, bucket, &locked);
	node_buffer = buffer_of(v, &locked, node);
	buffer = buffer_of(v, &locked, bucket);
	slot = slot_of(v, BufferGetPage(buffer), bucket);
	good = slot->state == VDB_HNSW_BUCKET && slot->count > 0;
	if (good && slot->count > v->hnsw->bucket_tids)
		vdb_page_corrupted(v->index, block_of(v, bucket),
						   "a bucket has an impossible number of row ids");
	if (good)
	{
		const VdbHnsw *hnsw = v->hnsw;
		VdbHnswSlot *first;
		Page		page;

		vdb_edit_begin(&edit, v->index, false);
		page = vdb_edit_page(&edit, node_buffer);
		first = slot_of(v, page, node);
		slot = slot_of(v, vdb_edit_page(&edit, buffer), bucket);
		first->tid = vdb_hnsw_tids(slot)[--slot->count];
		memcpy(vdb_hnsw_codes(first), vdb_hnsw_bucket_codes(hnsw, slot, slot->count),
			   hnsw->codes_size);
		count_version(v, page, node);
		vdb_edit_finish(&edit);
		v->result->tuples_removed++;
	}
	unlock_chain(&locked);
	return good;
}

/* What an owner or a bucket says is next. */
static uint32
next_of(VdbHnswVacuum *v, uint32 slot)
{
	Buffer		buffer = vdb_page_read(v->index, block_of(v, slot),
									   block_of(v, slot) == VDB_HNSW_STATEPAGE ?
									   VDB_HNSW_STATE : VDB_HNSW_NODES);
	uint32		next = *link_of(v, BufferGetPage(buffer), slot);

	vdb_page_release(buffer);
	return next;
}

/* A chain's empty buckets leave it. */
static void
shorten(VdbHnswVacuum *v, uint32 owner, VdbHnswSlot *copy)
{
	Chain		chain = {.owner = owner,.from = owner};
	uint32		steps = 0;
	uint32		bucket;

	while ((bucket = next_of(v, chain.from)) != VDB_HNSW_NONE)
	{
		VDB_COMPAT_VACUUM_DELAY();
		VDB_PAUSE("hnsw-vacuum-bucket");
		vdb_hnsw_copy(v->hnsw, v->index, bucket, copy);
		if (copy->state != VDB_HNSW_BUCKET)
			vdb_page_corrupted(v->index, block_of(v, bucket),
							   "a chain of buckets leads to it, but it has none there");
		/* Damage may have made a circle of it: there are no more slots than that. */
		if (steps++ / v->hnsw->per_page > v->blocks)
			vdb_page_corrupted(v->index, block_of(v, bucket), "its chain leads back to it");
		if (copy->count > 0 || !unlink_bucket(v, chain, bucket))
			chain.from = bucket;
	}
}

/* A node whose last row was in its slot is dead; false if it has one again. */
static bool
kill_node(VdbHnswVacuum *v, uint32 node)
{
	Buffer		buffer;
	VdbHnswSlot *slot = vdb_hnsw_read_exclusive(v->hnsw, v->index, node, &buffer);
	bool		good = slot->state == VDB_HNSW_NODE && slot->more == VDB_HNSW_NONE;
	VdbEdit		edit;

	if (good)
	{
		vdb_edit_begin(&edit, v->index, false);
		slot = vdb_hnsw_slot(v->hnsw, vdb_edit_page(&edit, buffer), node % v->hnsw->per_page);
		slot->state = VDB_HNSW_DEAD;
		ItemPointerSetInvalid(&slot->tid);
		vdb_edit_finish(&edit);
		v->result->tuples_removed++;
		vdb_hnsw_bit_set(&v->dead, node);
		v->ndead++;
	}
	vdb_page_release(buffer);
	return good;
}

/*
 * A node with buckets, from which the dead rows are gone.  Inserts may add row
 * ids to them, and buckets in front: then it begins again.
 */
static void
vacuum_chain(VdbHnswVacuum *v, uint32 node, VdbHnswSlot *copy)
{
	for (;;)
	{
		uint32		bucket;

		shorten(v, node, copy);
		vdb_hnsw_copy(v->hnsw, v->index, node, copy);
		if (copy->state != VDB_HNSW_NODE || !is_dead(v, &copy->tid))
			return;
		bucket = copy->more;
		VDB_PAUSE("hnsw-vacuum-promotes");
		if (bucket == VDB_HNSW_NONE ? kill_node(v, node) : promote(v, node, bucket))
		{
			if (bucket != VDB_HNSW_NONE)
				shorten(v, node, copy);
			return;
		}
	}
}

static void
vacuum_chains(VdbHnswVacuum *v)
{
	VdbHnswSlot *copy = palloc(v->hnsw->slot_size);

	if (!v->chains)
		return;
	for (uint32 node = vdb_hnsw_bits_next(&v->bucketed, 0); node != VDB_HNSW_NO_BIT;
		 node = vdb_hnsw_bits_next(&v->bucketed, node + 1))
		vacuum_chain(v, node, copy);
	shorten(v, VDB_HNSW_NULLS, copy);
	shorten(v, VDB_HNSW_ZEROS, copy);
	pfree(copy);
}

/* ---- what lives ---- */

/*
 * Notes all live nodes, when no more die.  Those that were inserted while the
 * pages were gone through may have edges from dead nodes only.  What comes
 * later has an edge from a live one, which an insert makes sure of under a lock.
 */
static void
find_live(VdbHnswVacuum *v)
{
	const VdbHnsw *hnsw = v->hnsw;
	BlockNumber blocks = vdb_page_count(v->index);

	for (BlockNumber block = VDB_HNSW_STATEPAGE + 1; block < blocks; block++)
	{
		Buffer		buffer;
		Page		page;

		VDB_COMPAT_VACUUM_DELAY();
		if (!vdb_page_try(v->index, block, v->strategy, &buffer))
			continue;
		page = BufferGetPage(buffer);
		if (vdb_page_opaque(page)->kind == VDB_HNSW_NODES &&
			vdb_page_size(page) >= vdb_hnsw_slot_at(hnsw, hnsw->per_page))
			for (uint32 i = 0; i < hnsw->per_page; i++)
				if (vdb_hnsw_slot(hnsw, page, i)->state == VDB_HNSW_NODE)
				{
					vdb_hnsw_bit_set(&v->live, vdb_hnsw_number(hnsw, block, i));
					v->nlive++;
				}
		vdb_page_release(buffer);
	}
}

/* ---- last: dead nodes become free ---- */

static bool
is_gone(void *arg, uint32 node)
{
	VdbHnswVacuum *v = arg;

	return vdb_hnsw_bit(&v->dead, node);
}

static void
free_nodes(VdbHnswVacuum *v)
{
	const VdbHnsw *hnsw = v->hnsw;
	uint32		node = vdb_hnsw_bits_next(&v->dead, 0);

	while (node != VDB_HNSW_NO_BIT)
	{
		BlockNumber block = vdb_hnsw_block(hnsw, node);
		Buffer		buffer = vdb_page_read_exclusive(v->index, block, VDB_HNSW_NODES);
		VdbEdit		edit;
		Page		page;

		vdb_edit_begin(&edit, v->index, false);
		page = vdb_edit_page(&edit, buffer);
		for (; node != VDB_HNSW_NO_BIT && vdb_hnsw_block(hnsw, node) == block;
			 node = vdb_hnsw_bits_next(&v->dead, node + 1))
		{
			VdbHnswSlot *slot = vdb_hnsw_slot(hnsw, page, node % hnsw->per_page);

			if (slot->state != VDB_HNSW_DEAD)
				continue;
			slot->state = VDB_HNSW_FREE;
			slot->count = 0;
			vdb_hnsw_nodes(page)->nfree++;
		}
		if (vdb_hnsw_nodes(page)->nfree == hnsw->per_page)
			v->result->pages_free++;
		if (!vdb_hnsw_nodes(page)->chained)
			vdb_hnsw_bit_set(&v->room, block);
		vdb_edit_finish(&edit);
		vdb_page_release(buffer);
		VDB_COMPAT_VACUUM_DELAY();
	}
}

static void
offer_room(VdbHnswVacuum *v)
{
	for (uint32 block = vdb_hnsw_bits_next(&v->room, 0); block != VDB_HNSW_NO_BIT;
		 block = vdb_hnsw_bits_next(&v->room, block + 1))
	{
		vdb_hnsw_offer(v->index, block);
		VDB_COMPAT_VACUUM_DELAY();
	}
}

/* ---- all of it ---- */

static bool
has_grown(VdbHnswVacuum *v)
{
	VdbHnswState state;
	BlockNumber blocks = RelationGetNumberOfBlocks(v->index);

	vdb_hnsw_read_state(v->index, &state);
	return blocks > VDB_HNSW_STATEPAGE + 1 &&
		(state.verified > blocks || blocks - state.verified > blocks / GROWN_SHARE);
}

/* Notes how large the index was when all of it could be reached. */
static void
set_verified(VdbHnswVacuum *v)
{
	Buffer		buffer = vdb_page_read_exclusive(v->index, VDB_HNSW_STATEPAGE, VDB_HNSW_STATE);
	VdbHnswState *state = (VdbHnswState *) vdb_page_contents(BufferGetPage(buffer));
	VdbPatch	patch;

	vdb_patch_begin(&patch, v->index);
	vdb_patch_put(&patch, buffer, &state->verified, &v->blocks, sizeof(v->blocks));
	vdb_patch_finish(&patch);
	vdb_page_release(buffer);
}

/* The caller has the guard. */
static void
vacuum_index(VdbHnswVacuum *v)
{
	bool		grown = has_grown(v);

	vacuum_pages(v);
	VDB_PAUSE("hnsw-vacuum-pages");
	vacuum_chains(v);
	VDB_PAUSE("hnsw-vacuum-chains");
	if (v->ndead > 0 || grown)
	{
		find_live(v);
		VDB_PAUSE("hnsw-vacuum-live");
		vdb_hnsw_vacuum_entries(v);
		VDB_PAUSE("hnsw-vacuum-entries");
		if (!VDB_FAULT("hnsw-no-relink"))
			vdb_hnsw_vacuum_reach(v);
		VDB_PAUSE("hnsw-vacuum-reached");
		set_verified(v);
	}
	if (v->ndead > 0)
	{
		if (!VDB_FAULT("hnsw-no-relink"))
			vdb_hnsw_vacuum_repair(v);
		VDB_PAUSE("hnsw-vacuum-repaired");
		if (!VDB_FAULT("hnsw-stale-entry"))
			vdb_hnsw_entries_remove(v->hnsw, v->index, is_gone, v);
		VDB_PAUSE("hnsw-vacuum-dismissed");
		free_nodes(v);
	}
	VDB_PAUSE("hnsw-vacuum-freed");
	offer_room(v);
}

static void
vacuum_guarded(IndexVacuumInfo *info, IndexBulkDeleteResult *result,
			   IndexBulkDeleteCallback callback, void *callback_state)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw vacuum",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VdbHnswVacuum v = {
		.index = info->index,
		.hnsw = vdb_hnsw_open(info->index),
		.result = result,
		.callback = callback,
		.callback_state = callback_state,
		.strategy = info->strategy,
	};

	vdb_page_guard(info->index, VDB_HNSW_METAPAGE);
	if (callback != NULL || has_grown(&v))
		vacuum_index(&v);
	vdb_page_unguard(info->index, VDB_HNSW_METAPAGE);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

IndexBulkDeleteResult *
vdb_hnsw_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *result,
					 IndexBulkDeleteCallback callback, void *state)
{
	if (result == NULL)
		result = palloc0(sizeof(IndexBulkDeleteResult));
	result->num_index_tuples = 0;
	result->pages_free = 0;
	vacuum_guarded(info, result, callback, state);
	return result;
}

/*
 * When there was nothing to delete, an index that has grown since the last time
 * is read all the same.  That everything can be reached is what inserts keep
 * up, and a build; whatever else there is, is mended here.  So many inserts
 * took some tens of times as long as this takes.  An index that has not grown costs nothing here,
 * however often its table is vacuumed.
 */
IndexBulkDeleteResult *
vdb_hnsw_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *result)
{
	if (info->analyze_only)
		return result;
	if (result == NULL)
	{
		result = palloc0(sizeof(IndexBulkDeleteResult));
		vacuum_guarded(info, result, NULL, NULL);
		/* Nothing was deleted, so the table's number of rows is the index's. */
		result->num_index_tuples = info->num_heap_tuples;
		result->estimated_count = info->estimated_count;
	}
	result->num_pages = RelationGetNumberOfBlocks(info->index);
	IndexFreeSpaceMapVacuum(info->index);
	return result;
}
