/*
 * census.c
 *	  What there is in an index: rows, nodes, edges, and what they do not reach.
 *
 * All pages are read once, and then again as edges lead to them, while others
 * insert and vacuum: numbers may be off by what happens meanwhile.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/hnsw/reach.h"

typedef struct Counting
{
	Relation	index;
	const VdbHnsw *hnsw;
	VdbHnswCensus *census;
	VdbHnswBits nodes;
	VdbHnswReach reach;
	BlockNumber blocks;			/* that there are, as far as is known */
	Buffer		buffer;
} Counting;

static void
count_slots(Counting *c, BlockNumber block, Page page)
{
	const VdbHnsw *hnsw = c->hnsw;
	VdbHnswCensus *census = c->census;

	for (uint32 i = 0; i < hnsw->per_page; i++)
	{
		const VdbHnswSlot *slot = vdb_hnsw_slot(hnsw, page, i);

		switch (slot->state)
		{
			case VDB_HNSW_NODE:
				vdb_hnsw_bit_set(&c->nodes, vdb_hnsw_number(hnsw, block, i));
				census->nodes++;
				census->rows += ItemPointerIsValid(&slot->tid);
				census->edges += slot->count;
				break;
			case VDB_HNSW_DEAD:
				census->dead++;
				break;
			case VDB_HNSW_BUCKET:
				census->buckets++;
				census->rows += slot->count;
				break;
			default:
				census->free_slots++;
		}
	}
}

static void
count_pages(Counting *c)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	Page		page = palloc(BLCKSZ);

	for (BlockNumber block = 0; block < c->blocks; block++)
	{
		char	   *why;

		CHECK_FOR_INTERRUPTS();
		why = vdb_page_copy(c->index, block, strategy, page);
		if (why != NULL)
			vdb_page_corrupted(c->index, block, why);
		if (PageIsNew(page))
		{
			c->census->free_pages++;
			continue;
		}
		if (!vdb_page_is_ours(page))
			vdb_page_corrupted(c->index, block, "it is no page of this index");
		if (vdb_page_opaque(page)->kind == VDB_PAGE_FREE)
			c->census->free_pages++;
		if (vdb_page_opaque(page)->kind != VDB_HNSW_NODES)
			continue;
		if (vdb_page_size(page) < vdb_hnsw_slot_at(c->hnsw, c->hnsw->per_page))
			vdb_page_corrupted(c->index, block, "it ends before its slots");
		count_slots(c, block, page);
	}
	pfree(page);
	FreeAccessStrategy(strategy);
}

/* Rows of a chain that is with no node. */
static uint64
count_unordered(Counting *c, uint32 owner)
{
	VdbHnswRows rows = {0};

	vdb_hnsw_collect(c->hnsw, c->index, owner, NULL, &rows);
	vdb_hnsw_rows_free(&rows);
	return rows.count;
}

/* ---- what is reached ---- */

/* Searches pass by what is no node; an edge beyond the file is damage. */
static bool
may_follow(void *arg, BlockNumber from, uint32 node)
{
	Counting   *c = arg;
	BlockNumber block = vdb_hnsw_block(c->hnsw, node);

	if (block >= c->blocks)
		c->blocks = RelationGetNumberOfBlocks(c->index);
	if (block >= c->blocks)
		vdb_page_corrupted(c->index, from, "an edge leads beyond the end of the file");
	return true;
}

static Page
read_page(void *arg, BlockNumber block)
{
	Counting   *c = arg;

	c->buffer = vdb_page_read(c->index, block, VDB_HNSW_NODES);
	if (vdb_page_size(BufferGetPage(c->buffer)) < vdb_hnsw_slot_at(c->hnsw, c->hnsw->per_page))
		vdb_page_corrupted(c->index, block, "it ends before its slots");
	return BufferGetPage(c->buffer);
}

static void
release_page(void *arg)
{
	vdb_page_release(((Counting *) arg)->buffer);
}

static void
count_entry(void *arg, uint32 node)
{
	Counting   *c = arg;

	c->census->entries++;
	vdb_hnsw_reach_from(&c->reach, VDB_HNSW_STATEPAGE, node);
}

static void
count_unreachable(Counting *c)
{
	c->reach.hnsw = c->hnsw;
	c->reach.dead = true;
	c->reach.may = may_follow;
	c->reach.read = read_page;
	c->reach.done = release_page;
	c->reach.arg = c;
	vdb_hnsw_entries_walk(c->hnsw, c->index, count_entry, c);
	vdb_hnsw_reach_search(&c->reach);
	for (uint32 node = vdb_hnsw_bits_next(&c->nodes, 0); node != VDB_HNSW_NO_BIT;
		 node = vdb_hnsw_bits_next(&c->nodes, node + 1))
		c->census->unreachable += !vdb_hnsw_bit(&c->reach.reached, node);
	vdb_hnsw_reach_free(&c->reach);
}

void
vdb_hnsw_census(Relation index, VdbHnswCensus *census)
{
	Counting	c = {.index = index,.hnsw = vdb_hnsw_open(index),.census = census};

	memset(census, 0, sizeof(*census));
	census->meta = c.hnsw->meta;
	vdb_hnsw_read_state(index, &census->state);
	census->pages = c.blocks = RelationGetNumberOfBlocks(index);
	count_pages(&c);
	census->zeros = count_unordered(&c, VDB_HNSW_ZEROS);
	census->nulls = count_unordered(&c, VDB_HNSW_NULLS);
	count_unreachable(&c);
	vdb_hnsw_bits_free(&c.nodes);
}
