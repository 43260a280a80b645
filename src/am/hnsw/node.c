/*
 * node.c
 *	  Slots: finding one, making one, and the buckets of rows that share a node.
 *
 * Whoever locks several pages does so in this order: the state page, then
 * pages of nodes by ascending block, then a page that is new to the file.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/hnsw/hnsw.h"
#include "point/point.h"

/* ---- finding ---- */

static VdbHnswSlot *
slot_of(const VdbHnsw *hnsw, Relation index, Buffer buffer, uint32 node)
{
	Page		page = BufferGetPage(buffer);
	uint32		slot = node % hnsw->per_page;

	if (unlikely(vdb_page_size(page) < vdb_hnsw_slot_at(hnsw, slot + 1)))
		vdb_page_corrupted(index, BufferGetBlockNumber(buffer), "it ends before its slots do");
	return vdb_hnsw_slot(hnsw, page, slot);
}

/* Neighbours of a damaged slot are not read beyond its end. */
static void
check_count(const VdbHnsw *hnsw, Relation index, Buffer buffer, const VdbHnswSlot *slot)
{
	uint32		most = slot->state == VDB_HNSW_BUCKET ? hnsw->bucket_tids : hnsw->neighbours;

	if (unlikely(slot->count > most))
		vdb_page_corrupted(index, BufferGetBlockNumber(buffer),
						   "a slot holds more than there is room for");
}

VdbHnswSlot *
vdb_hnsw_read(const VdbHnsw *hnsw, Relation index, uint32 node, Buffer *buffer)
{
	VdbHnswSlot *slot;

	*buffer = vdb_page_read(index, vdb_hnsw_block(hnsw, node), VDB_HNSW_NODES);
	slot = slot_of(hnsw, index, *buffer, node);
	check_count(hnsw, index, *buffer, slot);
	return slot;
}

VdbHnswSlot *
vdb_hnsw_read_exclusive(const VdbHnsw *hnsw, Relation index, uint32 node, Buffer *buffer)
{
	VdbHnswSlot *slot;

	*buffer = vdb_page_read_exclusive(index, vdb_hnsw_block(hnsw, node), VDB_HNSW_NODES);
	slot = slot_of(hnsw, index, *buffer, node);
	check_count(hnsw, index, *buffer, slot);
	return slot;
}

VdbHnswSlot *
vdb_hnsw_pin(const VdbHnsw *hnsw, Relation index, uint32 node, Buffer *buffer)
{
	*buffer = vdb_page_pin(index, vdb_hnsw_block(hnsw, node), VDB_HNSW_NODES);
	return slot_of(hnsw, index, *buffer, node);
}

void
vdb_hnsw_copy(const VdbHnsw *hnsw, Relation index, uint32 node, VdbHnswSlot *copy)
{
	Buffer		buffer;

	memcpy(copy, vdb_hnsw_read(hnsw, index, node, &buffer), hnsw->slot_size);
	vdb_page_release(buffer);
}

void
vdb_hnsw_read_two(const VdbHnsw *hnsw, Relation index, uint32 a, uint32 b,
				  Buffer *a_buffer, Buffer *b_buffer, VdbHnswSlot **a_slot, VdbHnswSlot **b_slot)
{
	BlockNumber a_block = vdb_hnsw_block(hnsw, a);
	BlockNumber b_block = vdb_hnsw_block(hnsw, b);

	if (a_block > b_block)
	{
		vdb_hnsw_read_two(hnsw, index, b, a, b_buffer, a_buffer, b_slot, a_slot);
		return;
	}
	*a_slot = vdb_hnsw_read_exclusive(hnsw, index, a, a_buffer);
	if (a_block < b_block)
	{
		*b_slot = vdb_hnsw_read_exclusive(hnsw, index, b, b_buffer);
		return;
	}
	*b_buffer = *a_buffer;
	*b_slot = slot_of(hnsw, index, *a_buffer, b);
	check_count(hnsw, index, *a_buffer, *b_slot);
}

void
vdb_hnsw_release_two(Buffer a, Buffer b)
{
	vdb_page_release(a);
	if (b != a)
		vdb_page_release(b);
}

/* ---- making ---- */

static void
release_place(VdbHnswPlace *place)
{
	if (BufferIsValid(place->buffer))
		vdb_page_release(place->buffer);
	if (BufferIsValid(place->other_buffer) && place->other_buffer != place->buffer)
		vdb_page_release(place->other_buffer);
	if (BufferIsValid(place->witness_buffer) && place->witness_buffer != place->buffer &&
		place->witness_buffer != place->other_buffer)
		vdb_page_release(place->witness_buffer);
	if (BufferIsValid(place->state_buffer))
		vdb_page_release(place->state_buffer);
	place->buffer = place->other_buffer = place->witness_buffer = place->state_buffer =
		InvalidBuffer;
}

/* Takes a page without free slots out of the chain of those with some. */
static void
skip_full(Relation index, BlockNumber block)
{
	Buffer		state_buffer = vdb_page_read_exclusive(index, VDB_HNSW_STATEPAGE,
													   VDB_HNSW_STATE);
	VdbHnswState *state = (VdbHnswState *) vdb_page_contents(BufferGetPage(state_buffer));
	Buffer		buffer = vdb_page_read_exclusive(index, block, VDB_HNSW_NODES);
	Page		page = BufferGetPage(buffer);

	/* Somebody else may have done so, or made room. */
	if (state->room == block && vdb_hnsw_nodes(page)->nfree == 0)
	{
		VdbPatch	patch;
		VdbHnswNodes nodes = {.nfree = 0,.chained = 0};
		BlockNumber next = vdb_page_opaque(page)->next;
		BlockNumber none = InvalidBlockNumber;

		vdb_patch_begin(&patch, index);
		vdb_patch_put(&patch, state_buffer, &state->room, &next, sizeof(next));
		vdb_patch_put(&patch, buffer, vdb_hnsw_nodes(page), &nodes, sizeof(nodes));
		vdb_patch_put(&patch, buffer, &vdb_page_opaque(page)->next, &none, sizeof(none));
		vdb_patch_finish(&patch);
	}
	vdb_page_release(buffer);
	vdb_page_release(state_buffer);
}

void
vdb_hnsw_offer(Relation index, BlockNumber block)
{
	Buffer		state_buffer = vdb_page_read_exclusive(index, VDB_HNSW_STATEPAGE,
													   VDB_HNSW_STATE);
	VdbHnswState *state = (VdbHnswState *) vdb_page_contents(BufferGetPage(state_buffer));
	Buffer		buffer = vdb_page_read_exclusive(index, block, VDB_HNSW_NODES);
	Page		page = BufferGetPage(buffer);
	VdbHnswNodes nodes = *vdb_hnsw_nodes(page);
	BlockNumber next = state->room;

	if (nodes.nfree > 0 && !nodes.chained)
	{
		VdbPatch	patch;

		nodes.chained = true;
		vdb_patch_begin(&patch, index);
		vdb_patch_put(&patch, buffer, vdb_hnsw_nodes(page), &nodes, sizeof(nodes));
		vdb_patch_put(&patch, buffer, &vdb_page_opaque(page)->next, &next, sizeof(next));
		vdb_patch_put(&patch, state_buffer, &state->room, &block, sizeof(block));
		vdb_patch_finish(&patch);
	}
	vdb_page_release(buffer);
	vdb_page_release(state_buffer);
}

static BlockNumber
block_of(const VdbHnswPlace *place, uint32 node)
{
	return node == VDB_HNSW_NONE ? InvalidBlockNumber : vdb_hnsw_block(place->hnsw, node);
}

/* Locks the pages of nodes, of which two may be one, in ascending order. */
static void
lock_pages(VdbHnswPlace *place, BlockNumber room)
{
	const BlockNumber blocks[] = {room, block_of(place, place->other_node),
	block_of(place, place->witness_node)};
	Buffer	   *buffers[] = {&place->buffer, &place->other_buffer, &place->witness_buffer};

	for (BlockNumber least = 0;;)
	{
		BlockNumber next = InvalidBlockNumber;
		Buffer		buffer;

		for (int i = 0; i < lengthof(blocks); i++)
			if (blocks[i] >= least)
				next = Min(next, blocks[i]);
		if (next == InvalidBlockNumber)
			return;
		buffer = vdb_page_read_exclusive(place->index, next, VDB_HNSW_NODES);
		for (int i = 0; i < lengthof(blocks); i++)
			if (blocks[i] == next)
				*buffers[i] = buffer;
		least = next + 1;
	}
}

/* A free slot of the page that is locked; false if it has none. */
static bool
find_free(VdbHnswPlace *place, BlockNumber block)
{
	const VdbHnsw *hnsw = place->hnsw;
	Page		page = BufferGetPage(place->buffer);

	if (vdb_hnsw_nodes(page)->nfree == 0)
		return false;
	slot_of(hnsw, place->index, place->buffer, hnsw->per_page - 1);
	for (uint32 slot = 0; slot < hnsw->per_page; slot++)
		if (vdb_hnsw_slot(hnsw, page, slot)->state == VDB_HNSW_FREE)
		{
			place->node = vdb_hnsw_number(hnsw, block, slot);
			return true;
		}
	vdb_page_corrupted(place->index, block, "it has fewer free slots than it counts");
}

static void
copy_state(VdbHnswPlace *place)
{
	place->state = palloc(sizeof(VdbHnswState));
	memcpy(place->state, vdb_page_contents(BufferGetPage(place->state_buffer)),
		   sizeof(VdbHnswState));
}

/*
 * Tries to lock what the place needs, with that page of slots, or none for a
 * new one.  False if meanwhile the page has become another one, or is full.
 */
static bool
try_place(VdbHnswPlace *place, BlockNumber room, bool state)
{
	place->fresh = room == InvalidBlockNumber;
	if (state || place->fresh)
	{
		place->state_buffer = vdb_page_read_exclusive(place->index, VDB_HNSW_STATEPAGE,
													  VDB_HNSW_STATE);
		copy_state(place);
		if (place->state->room != room)
			return false;
	}
	lock_pages(place, room);
	return place->fresh || find_free(place, room);
}

void
vdb_hnsw_check_block(const VdbHnsw *hnsw, Relation index, BlockNumber block)
{
	if (block > VDB_HNSW_ZEROS / hnsw->per_page - 1)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("index \"%s\" cannot have more than %u nodes",
					   RelationGetRelationName(index), VDB_HNSW_ZEROS));
}

/* A new page of slots, the first of which is the place. */
static void
begin_fresh(VdbHnswPlace *place)
{
	const VdbHnsw *hnsw = place->hnsw;
	BlockNumber block;

	vdb_edit_begin(&place->edit, place->index, false);
	place->page = vdb_edit_new(&place->edit, VDB_HNSW_NODES,
							   vdb_hnsw_slot_at(hnsw, hnsw->per_page), &block);
	vdb_hnsw_check_block(hnsw, place->index, block);
	place->node = vdb_hnsw_number(hnsw, block, 0);
	vdb_hnsw_nodes(place->page)->nfree = hnsw->per_page - 1;
	vdb_hnsw_nodes(place->page)->chained = true;
	place->edited = true;
}

void
vdb_hnsw_place_begin(VdbHnswPlace *place, const VdbHnsw *hnsw, Relation index, uint32 other,
					 uint32 witness, bool state)
{
	memset(place, 0, sizeof(*place));
	place->index = index;
	place->hnsw = hnsw;
	place->other_node = other;
	place->witness_node = witness;
	for (;;)
	{
		VdbHnswState now;

		vdb_hnsw_read_state(index, &now);
		VDB_PAUSE("hnsw-insert-room");
		if (try_place(place, now.room, state))
			break;
		release_place(place);
		if (place->state != NULL)
			pfree(place->state);
		place->state = NULL;
		VDB_PAUSE("hnsw-insert-full");
		if (now.room != InvalidBlockNumber)
			skip_full(index, now.room);
		CHECK_FOR_INTERRUPTS();
	}
	if (place->fresh)
		begin_fresh(place);
	place->slot = palloc0(hnsw->slot_size);
	if (other != VDB_HNSW_NONE)
	{
		VdbHnswSlot *slot = slot_of(hnsw, index, place->other_buffer, other);

		check_count(hnsw, index, place->other_buffer, slot);
		place->other = palloc(hnsw->slot_size);
		memcpy(place->other, slot, hnsw->slot_size);
	}
	if (witness != VDB_HNSW_NONE)
	{
		place->witness = slot_of(hnsw, index, place->witness_buffer, witness);
		check_count(hnsw, index, place->witness_buffer, place->witness);
	}
}

static void
free_place(VdbHnswPlace *place)
{
	release_place(place);
	pfree(place->slot);
	if (place->other != NULL)
		pfree(place->other);
	if (place->state != NULL)
		pfree(place->state);
}

VdbEdit *
vdb_hnsw_place_edit(VdbHnswPlace *place)
{
	if (!place->edited)
	{
		vdb_edit_begin(&place->edit, place->index, false);
		place->page = vdb_edit_page(&place->edit, place->buffer);
		vdb_hnsw_nodes(place->page)->nfree--;
		place->edited = true;
	}
	return &place->edit;
}

/* Writes the slot, what leads to it, and what else is in the edit. */
static void
finish_edit(VdbHnswPlace *place)
{
	const VdbHnsw *hnsw = place->hnsw;
	Page		page;

	memcpy(vdb_hnsw_slot(hnsw, place->page, place->node % hnsw->per_page), place->slot,
		   hnsw->slot_size);
	if (place->other != NULL)
	{
		page = vdb_edit_page(&place->edit, place->other_buffer);
		memcpy(vdb_hnsw_slot(hnsw, page, place->other_node % hnsw->per_page), place->other,
			   hnsw->row_at);
	}
	if (place->fresh)
		place->state->room = vdb_hnsw_block(hnsw, place->node);
	page = vdb_edit_page(&place->edit, place->state_buffer);
	memcpy(vdb_page_contents(page), place->state, sizeof(VdbHnswState));
	vdb_edit_finish(&place->edit);
}

/* The same on a page that has slots already. */
static void
finish_patch(VdbHnswPlace *place)
{
	const VdbHnsw *hnsw = place->hnsw;
	Page		page = BufferGetPage(place->buffer);
	VdbHnswNodes nodes = *vdb_hnsw_nodes(page);
	VdbPatch	patch;

	nodes.nfree -= VDB_FAULT("hnsw-free-in-use") ? 0 : 1;
	vdb_patch_begin(&patch, place->index);
	vdb_patch_put(&patch, place->buffer, vdb_hnsw_nodes(page), &nodes, sizeof(nodes));
	vdb_patch_put(&patch, place->buffer,
				  vdb_hnsw_slot(hnsw, page, place->node % hnsw->per_page), place->slot,
				  hnsw->slot_size);
	if (place->other != NULL)
		vdb_patch_put(&patch, place->other_buffer,
					  vdb_hnsw_slot(hnsw, BufferGetPage(place->other_buffer),
									place->other_node % hnsw->per_page),
					  place->other, hnsw->row_at);
	if (place->state != NULL)
		vdb_patch_put(&patch, place->state_buffer,
					  vdb_page_contents(BufferGetPage(place->state_buffer)), place->state,
					  sizeof(VdbHnswState));
	vdb_patch_finish(&patch);
}

void
vdb_hnsw_place_finish(VdbHnswPlace *place)
{
	if (place->edited)
		finish_edit(place);
	else
		finish_patch(place);
	free_place(place);
}

void
vdb_hnsw_place_cancel(VdbHnswPlace *place)
{
	if (place->edited)
		vdb_edit_cancel(&place->edit);
	free_place(place);
}

/* ---- rows that share a node ---- */

/* A new bucket, with one row id, is the first of its chain. */
static void
fill_bucket(VdbHnswPlace *place, ItemPointer tid, const char *codes, uint32 *first)
{
	place->slot->state = VDB_HNSW_BUCKET;
	place->slot->count = 1;
	place->slot->more = *first;
	vdb_hnsw_tids(place->slot)[0] = *tid;
	if (place->hnsw->codes_size > 0)
		memcpy(vdb_hnsw_bucket_codes(place->hnsw, place->slot, 0), codes,
			   place->hnsw->codes_size);
	*first = place->node;
}

/* Adds a row id to a bucket that is locked; false if it is full. */
static bool
add_to_bucket(const VdbHnsw *hnsw, Relation index, Buffer buffer, VdbHnswSlot *bucket,
			  ItemPointer tid, const char *codes)
{
	uint8		count = bucket->count + 1;
	VdbPatch	patch;

	if (bucket->state != VDB_HNSW_BUCKET)
		vdb_page_corrupted(index, BufferGetBlockNumber(buffer),
						   "a chain of row ids leads to what has none");
	if (bucket->count >= hnsw->bucket_tids)
		return false;
	vdb_patch_begin(&patch, index);
	vdb_patch_put(&patch, buffer, &bucket->count, &count, sizeof(count));
	vdb_patch_put(&patch, buffer, &vdb_hnsw_tids(bucket)[bucket->count], tid, sizeof(*tid));
	if (hnsw->codes_size > 0)
		vdb_patch_put(&patch, buffer, vdb_hnsw_bucket_codes(hnsw, bucket, bucket->count), codes,
					  hnsw->codes_size);
	vdb_patch_finish(&patch);
	return true;
}

/* What became of an attempt to add a row id. */
typedef enum Added
{
	ADDED,
	NO_ROOM,					/* in the first bucket, or in none */
	NOT_THERE,					/* the slot is no such node */
	AGAIN						/* somebody was faster */
} Added;

static bool
is_node_with(const VdbHnsw *hnsw, const VdbHnswSlot *slot, const void *row)
{
	return slot->state == VDB_HNSW_NODE &&
		memcmp(vdb_hnsw_row(hnsw, slot), row, hnsw->space.row_size) == 0;
}

/* Adds a row id to the first bucket of a node. */
static Added
add_to_first(const VdbHnsw *hnsw, Relation index, uint32 node, uint32 first, const void *row,
			 ItemPointer tid, const char *codes)
{
	Buffer		buffer,
				bucket_buffer;
	VdbHnswSlot *slot,
			   *bucket;
	Added		result;

	vdb_hnsw_read_two(hnsw, index, node, first, &buffer, &bucket_buffer, &slot, &bucket);
	if (!is_node_with(hnsw, slot, row))
		result = NOT_THERE;
	else if (slot->more != first)
		result = AGAIN;
	else
		result = add_to_bucket(hnsw, index, bucket_buffer, bucket, tid, codes) ? ADDED : NO_ROOM;
	vdb_hnsw_release_two(buffer, bucket_buffer);
	return result;
}

/* Adds a row id to a new bucket of a node. */
static Added
add_bucket(const VdbHnsw *hnsw, Relation index, uint32 node, const void *row, ItemPointer tid,
		   const char *codes)
{
	VdbHnswPlace place;

	vdb_hnsw_place_begin(&place, hnsw, index, node, VDB_HNSW_NONE, false);
	if (!is_node_with(hnsw, place.other, row))
	{
		vdb_hnsw_place_cancel(&place);
		return NOT_THERE;
	}
	fill_bucket(&place, tid, codes, &place.other->more);
	vdb_hnsw_place_finish(&place);
	return ADDED;
}

bool
vdb_hnsw_add_tid(const VdbHnsw *hnsw, Relation index, uint32 node, const void *row,
				 ItemPointer tid, const char *codes)
{
	Added		added = AGAIN;

	while (added == AGAIN)
	{
		Buffer		buffer;
		VdbHnswSlot *slot = vdb_hnsw_read(hnsw, index, node, &buffer);
		uint32		first = slot->more;

		vdb_page_release(buffer);
		VDB_PAUSE("hnsw-insert-row-id");
		added = first == VDB_HNSW_NONE ? NO_ROOM :
			add_to_first(hnsw, index, node, first, row, tid, codes);
		VDB_PAUSE("hnsw-insert-bucket");
		if (added == NO_ROOM)
			added = add_bucket(hnsw, index, node, row, tid, codes);
		CHECK_FOR_INTERRUPTS();
	}
	return added == ADDED;
}

/* Adds a row id to the first bucket of NULLs or zeros; false if that is full. */
static bool
add_unordered_to_first(const VdbHnsw *hnsw, Relation index, bool null, ItemPointer tid,
					   const char *codes)
{
	Buffer		state_buffer = vdb_page_read_exclusive(index, VDB_HNSW_STATEPAGE,
													   VDB_HNSW_STATE);
	VdbHnswState *state = (VdbHnswState *) vdb_page_contents(BufferGetPage(state_buffer));
	uint32		first = null ? state->nulls : state->zeros;
	bool		added = false;

	if (first != VDB_HNSW_NONE)
	{
		Buffer		buffer;
		VdbHnswSlot *bucket = vdb_hnsw_read_exclusive(hnsw, index, first, &buffer);

		added = add_to_bucket(hnsw, index, buffer, bucket, tid, codes);
		vdb_page_release(buffer);
	}
	vdb_page_release(state_buffer);
	return added;
}

void
vdb_hnsw_add_unordered(const VdbHnsw *hnsw, Relation index, bool null, ItemPointer tid,
					   const char *codes)
{
	VdbHnswPlace place;

	if (add_unordered_to_first(hnsw, index, null, tid, codes))
		return;
	vdb_hnsw_place_begin(&place, hnsw, index, VDB_HNSW_NONE, VDB_HNSW_NONE, true);
	fill_bucket(&place, tid, codes, null ? &place.state->nulls : &place.state->zeros);
	vdb_hnsw_place_finish(&place);
}

/* ---- collecting them ---- */

/* Has an array that may be NULL hold so many elements. */
static void *
resize(void *array, uint32 room, Size size)
{
	return array == NULL ? palloc_extended(room * size, MCXT_ALLOC_HUGE) :
		repalloc_huge(array, room * size);
}

void
vdb_hnsw_rows_add(const VdbHnsw *hnsw, VdbHnswRows *rows, const ItemPointerData *tid,
				  const char *codes)
{
	if (rows->count == rows->room)
	{
		rows->room = Max(2 * rows->room, 64);
		rows->tids = resize(rows->tids, rows->room, sizeof(ItemPointerData));
		if (hnsw->codes_size > 0)
			rows->codes = resize(rows->codes, rows->room, hnsw->codes_size);
	}
	rows->tids[rows->count] = *tid;
	if (hnsw->codes_size > 0)
		memcpy(vdb_hnsw_rows_codes(hnsw, rows, rows->count), codes, hnsw->codes_size);
	rows->count++;
}

void
vdb_hnsw_rows_free(VdbHnswRows *rows)
{
	if (rows->tids != NULL)
		pfree(rows->tids);
	if (rows->codes != NULL)
		pfree(rows->codes);
}

/* What a chain of buckets begins with. */
typedef struct Chain
{
	bool		exists;
	uint32		first;
	uint32		version;
} Chain;

/*
 * The chain of an owner; row, if not NULL, gets a copy of its row, and rows, if
 * not NULL, the row id that is its own.
 */
static void
read_chain(const VdbHnsw *hnsw, Relation index, uint32 owner, void *row, VdbHnswRows *rows,
		   Chain *chain)
{
	if (owner == VDB_HNSW_NULLS || owner == VDB_HNSW_ZEROS)
	{
		VdbHnswState state;

		vdb_hnsw_read_state(index, &state);
		chain->exists = true;
		chain->first = owner == VDB_HNSW_NULLS ? state.nulls : state.zeros;
		chain->version = state.version;
	}
	else
	{
		Buffer		buffer;
		VdbHnswSlot *slot = vdb_hnsw_read(hnsw, index, owner, &buffer);

		chain->exists = slot->state == VDB_HNSW_NODE || slot->state == VDB_HNSW_DEAD;
		chain->first = slot->more;
		chain->version = slot->version;
		if (row != NULL)
			memcpy(row, vdb_hnsw_row(hnsw, slot), hnsw->space.row_size);
		if (rows != NULL && chain->exists && ItemPointerIsValid(&slot->tid))
			vdb_hnsw_rows_add(hnsw, rows, &slot->tid, vdb_hnsw_codes(slot));
		vdb_page_release(buffer);
	}
}

/* Follows a chain; false where it is broken, which a change may have done. */
static bool
follow_chain(const VdbHnsw *hnsw, Relation index, const Chain *chain, VdbHnswRows *rows)
{
	uint32		mark = VDB_HNSW_NONE;
	uint64		steps = 0;

	for (uint32 bucket = chain->first; bucket != VDB_HNSW_NONE;)
	{
		Buffer		buffer;
		VdbHnswSlot *slot = vdb_hnsw_read(hnsw, index, bucket, &buffer);
		bool		right = slot->state == VDB_HNSW_BUCKET && bucket != mark;

		for (uint32 i = 0; i < slot->count && right; i++)
			vdb_hnsw_rows_add(hnsw, rows, &vdb_hnsw_tids(slot)[i],
							  vdb_hnsw_bucket_codes(hnsw, slot, i));
		/* Whatever the length of a circle, the mark is in it some day. */
		if ((steps & (steps + 1)) == 0)
			mark = bucket;
		steps++;
		bucket = slot->more;
		vdb_page_release(buffer);
		if (!right)
			return false;
		VDB_PAUSE("hnsw-scan-bucket");
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

bool
vdb_hnsw_collect(const VdbHnsw *hnsw, Relation index, uint32 owner, void *row, VdbHnswRows *rows)
{
	uint32		before = rows->count;

	for (;;)
	{
		Chain		chain,
					now;
		bool		whole;

		read_chain(hnsw, index, owner, row, rows, &chain);
		if (!chain.exists || chain.first == VDB_HNSW_NONE)
			return chain.exists;
		VDB_PAUSE("hnsw-scan-chain");
		whole = follow_chain(hnsw, index, &chain, rows);
		read_chain(hnsw, index, owner, NULL, NULL, &now);
		if (now.exists && (now.version == chain.version || VDB_FAULT("hnsw-any-version")))
		{
			if (whole)
				return true;
			vdb_page_corrupted(index, owner < VDB_HNSW_ZEROS ? vdb_hnsw_block(hnsw, owner) :
							   VDB_HNSW_STATEPAGE, "a chain of row ids is broken");
		}
		rows->count = before;
	}
}
