/*
 * check_chains.c
 *	  Chains of buckets, and that of pages with free slots.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/hnsw/check.h"

#define report(check, ...) vdb_am_check_report(&(check)->common, __VA_ARGS__)

/* The chain of pages changes at its beginning; so often it is looked at again. */
#define TRIES 5

/* ---- buckets ---- */

/* The row ids of a bucket, which is in check->node_page. */
static void
check_bucket(VdbHnswCheck *check, uint32 bucket, VdbHnswSlot *s, uint32 owner)
{
	BlockNumber block = vdb_hnsw_block(check->hnsw, bucket);
	uint32		slot = bucket % check->hnsw->per_page;

	if (s->count > check->hnsw->bucket_tids)
	{
		report(check, block, "slot %u cannot have %u row ids", slot, s->count);
		return;
	}
	for (uint32 i = 0; i < s->count; i++)
		if (vdb_am_check_is_possible(&vdb_hnsw_tids(s)[i]))
			vdb_am_check_add(&check->common, &vdb_hnsw_tids(s)[i], block, slot, owner);
		else
			report(check, block, "slot %u has an impossible row id", slot);
}

static void
follow(VdbHnswCheck *check, BlockNumber from, uint32 bucket, uint32 owner)
{
	while (bucket != VDB_HNSW_NONE)
	{
		BlockNumber block = vdb_hnsw_block(check->hnsw, bucket);
		VdbHnswSlot *s = vdb_hnsw_check_slot(check, from, bucket, check->node_page);

		if (s == NULL)
			return;
		if (s->state != VDB_HNSW_BUCKET)
		{
			report(check, from, "a chain of row ids leads to slot %u of block %u, which has none",
				   bucket % check->hnsw->per_page, block);
			return;
		}
		if (!vdb_hnsw_bit_set(&check->owned, bucket))
		{
			report(check, from,
				   "a chain of row ids leads to slot %u of block %u, which another one leads to, too",
				   bucket % check->hnsw->per_page, block);
			return;
		}
		check_bucket(check, bucket, s, owner);
		from = block;
		bucket = s->more;
	}
}

/* The chain of a node. */
static void
follow_node(VdbHnswCheck *check, uint32 node)
{
	VdbHnswSlot *s = vdb_hnsw_check_slot(check, VDB_HNSW_STATEPAGE, node, check->node_page);

	if (s != NULL)
		follow(check, vdb_hnsw_block(check->hnsw, node), s->more, node);
}

/* Nodes that are newer than the pass over all pages. */
static void
follow_new(VdbHnswCheck *check)
{
	const VdbHnsw *hnsw = check->hnsw;

	for (uint32 block = vdb_hnsw_bits_next(&check->pages, 0); block != VDB_HNSW_NO_BIT;
		 block = vdb_hnsw_bits_next(&check->pages, block + 1))
	{
		CHECK_FOR_INTERRUPTS();
		if (vdb_page_copy(check->common.index, block, check->common.strategy, check->page) != NULL)
			continue;
		for (uint32 slot = 0; slot < hnsw->per_page; slot++)
		{
			VdbHnswSlot *s = vdb_hnsw_slot(hnsw, check->page, slot);
			uint32		node = vdb_hnsw_number(hnsw, block, slot);

			if (s->state == VDB_HNSW_NODE && s->more != VDB_HNSW_NONE &&
				vdb_hnsw_bit_set(&check->owners, node))
				follow(check, block, s->more, node);
		}
	}
}

/* The first bucket, from a number on, that was seen, but led to by no chain. */
static uint32
next_lost(VdbHnswCheck *check, uint32 bucket)
{
	do
		bucket = vdb_hnsw_bits_next(&check->buckets, bucket);
	while (bucket != VDB_HNSW_NO_BIT && vdb_hnsw_bit(&check->owned, bucket) && ++bucket);
	return bucket;
}

void
vdb_hnsw_check_buckets(VdbHnswCheck *check)
{
	VdbHnswState state = check->state;

	for (uint32 node = vdb_hnsw_bits_next(&check->owners, 0); node != VDB_HNSW_NO_BIT;
		 node = vdb_hnsw_bits_next(&check->owners, node + 1))
		follow_node(check, node);
	/* As they are now: what was seen since is in them. */
	if (vdb_page_copy(check->common.index, VDB_HNSW_STATEPAGE, check->common.strategy,
					  check->page) == NULL && vdb_page_is_ours(check->page))
		memcpy(&state, vdb_page_contents(check->page), sizeof(state));
	follow(check, VDB_HNSW_STATEPAGE, state.nulls, VDB_HNSW_NULLS);
	follow(check, VDB_HNSW_STATEPAGE, state.zeros, VDB_HNSW_ZEROS);

	if (next_lost(check, 0) == VDB_HNSW_NO_BIT)
		return;
	follow_new(check);
	for (uint32 bucket = next_lost(check, 0); bucket != VDB_HNSW_NO_BIT;
		 bucket = next_lost(check, bucket + 1))
		report(check, vdb_hnsw_block(check->hnsw, bucket), "nothing leads to the row ids of slot %u",
			   bucket % check->hnsw->per_page);
}

/* ---- pages with room ---- */

/*
 * Walks the chain, and notes what is in it; returns what is wrong, or NULL, and
 * where.
 */
static const char *
walk_room(VdbHnswCheck *check, VdbHnswBits *seen, BlockNumber *where)
{
	Relation	index = check->common.index;
	Page		page = check->page;
	BlockNumber block;

	*where = VDB_HNSW_STATEPAGE;
	if (vdb_page_copy(index, VDB_HNSW_STATEPAGE, check->common.strategy, page) != NULL)
		return "it cannot be read";
	block = ((VdbHnswState *) vdb_page_contents(page))->room;
	while (block != InvalidBlockNumber)
	{
		CHECK_FOR_INTERRUPTS();
		if (!vdb_am_check_in_file(&check->common, block))
			return "the chain of pages with room leads beyond the end of the file";
		if (!vdb_hnsw_bit_set(seen, block))
			return "the chain of pages with room leads back to where it was";
		if (vdb_page_copy(index, block, check->common.strategy, page) != NULL ||
			!vdb_page_is_ours(page) || vdb_page_opaque(page)->kind != VDB_HNSW_NODES)
			return "the chain of pages with room leads to one without nodes";
		if (!vdb_hnsw_nodes(page)->chained)
			return "the chain of pages with room leads to one that is not marked so";
		*where = block;
		block = vdb_page_opaque(page)->next;
	}
	/* Those that were marked, and are so still, have to be there. */
	for (block = vdb_hnsw_bits_next(&check->chained, 0); block != VDB_HNSW_NO_BIT;
		 block = vdb_hnsw_bits_next(&check->chained, block + 1))
		if (!vdb_hnsw_bit(seen, block) &&
			vdb_page_copy(index, block, check->common.strategy, page) == NULL &&
			vdb_page_is_ours(page) && vdb_hnsw_nodes(page)->chained)
		{
			*where = block;
			return "it is not in the chain of pages with room, though it is marked so";
		}
	return NULL;
}

void
vdb_hnsw_check_room(VdbHnswCheck *check)
{
	const char *what = NULL;
	BlockNumber where = VDB_HNSW_STATEPAGE;

	for (int i = 0; i < TRIES; i++)
	{
		VdbHnswBits seen = {0};

		what = walk_room(check, &seen, &where);
		vdb_hnsw_bits_free(&seen);
		if (what == NULL)
			return;
	}
	report(check, where, "%s", what);
}
