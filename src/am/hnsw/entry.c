/*
 * entry.c
 *	  Entries: the nodes where searches begin, a sample of all.
 *
 * A chain of pages with blocks of 32 codes, which a search scans whole.  It is
 * what the upper levels are in a hierarchical graph, but read in order; and as
 * the sample is random, every part of the graph that matters has some of it.
 *
 * Who changes entries has the state page locked exclusively.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "am/hnsw/entry.h"
#include "point/point.h"

/*
 * So many entries for each root of the number of nodes.  A lane of codes costs
 * a hundredth of a node, so there are more of them.
 */
#define CODED_PER_ROOT 2
#define PLAIN_PER_ROOT 1
#define FEWEST 32

/* Bits of lanes that hold an entry. */
static uint32
used_lanes(const uint32 *nodes)
{
	uint32		used = 0;

	for (int lane = 0; lane < VDB_BLOCK; lane++)
		used |= (uint32) (nodes[lane] != VDB_HNSW_NONE) << lane;
	return used;
}

uint32
vdb_hnsw_entries_wanted(const VdbHnsw *hnsw, double nodes)
{
	double		wanted = sqrt(nodes) * (hnsw->coded ? CODED_PER_ROOT : PLAIN_PER_ROOT);

	return Max(wanted, FEWEST);
}

static void
init_page(const VdbHnsw *hnsw, Page page)
{
	for (uint32 i = 0; i < hnsw->blocks; i++)
	{
		if (hnsw->coded)
			vdb_quant_block_init(hnsw->code_dim, vdb_hnsw_entry_block(hnsw, page, i));
		memset(vdb_hnsw_entry_nodes(hnsw, page, i), 0xff, VDB_BLOCK * sizeof(uint32));
	}
}

static void
check_page(const VdbHnsw *hnsw, Relation index, Buffer buffer)
{
	if (vdb_page_size(BufferGetPage(buffer)) < hnsw->blocks * hnsw->stride)
		vdb_page_corrupted(index, BufferGetBlockNumber(buffer), "it ends before its blocks do");
}

/* A page of entries with an empty lane, locked exclusively; or Invalid. */
static Buffer
find_room(const VdbHnsw *hnsw, Relation index, BlockNumber block, uint32 *lane)
{
	VdbPageChain chain = {0};

	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;

		vdb_page_follow(&chain, index, block);
		buffer = vdb_page_read_exclusive(index, block, VDB_HNSW_ENTRIES);
		check_page(hnsw, index, buffer);
		for (uint32 i = 0; i < hnsw->blocks; i++)
		{
			uint32		used = used_lanes(vdb_hnsw_entry_nodes(hnsw, BufferGetPage(buffer), i));

			if (used != PG_UINT32_MAX)
			{
				*lane = i * VDB_BLOCK + __builtin_ctz(~used);
				return buffer;
			}
		}
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
	}
	return InvalidBuffer;
}

static void
fill_lane(const VdbHnsw *hnsw, Page page, uint32 lane, uint32 node, const float *rotated)
{
	uint32		i = lane / VDB_BLOCK;

	if (hnsw->coded)
	{
		float	   *zero = palloc0(hnsw->code_dim * sizeof(float));

		vdb_quant_block_encode(hnsw->code_dim, hnsw->space.coded_metric, rotated, zero, NULL,
							   vdb_hnsw_entry_block(hnsw, page, i), lane % VDB_BLOCK);
		pfree(zero);
	}
	vdb_hnsw_entry_nodes(hnsw, page, i)[lane % VDB_BLOCK] = node;
}

Buffer
vdb_hnsw_entry_edit(const VdbHnsw *hnsw, Relation index, VdbEdit *edit, VdbHnswState *state,
					uint32 node, const float *rotated)
{
	uint32		lane = 0;
	Buffer		buffer = find_room(hnsw, index, state->entries, &lane);
	Page		page;

	if (BufferIsValid(buffer))
		page = vdb_edit_page(edit, buffer);
	else
	{
		BlockNumber block;

		page = vdb_edit_new(edit, VDB_HNSW_ENTRIES, hnsw->blocks * hnsw->stride, &block);
		init_page(hnsw, page);
		vdb_page_opaque(page)->next = state->entries;
		state->entries = block;
	}
	fill_lane(hnsw, page, lane, node, rotated);
	state->nentries++;
	return buffer;
}

void
vdb_hnsw_entry_add(const VdbHnsw *hnsw, Relation index, bool building, uint32 node,
				   const float *rotated)
{
	Buffer		state_buffer = vdb_page_read_exclusive(index, VDB_HNSW_STATEPAGE,
													   VDB_HNSW_STATE);
	Buffer		buffer;
	VdbEdit		edit;
	Page		page;

	vdb_edit_begin(&edit, index, building);
	page = vdb_edit_page(&edit, state_buffer);
	buffer = vdb_hnsw_entry_edit(hnsw, index, &edit, (VdbHnswState *) vdb_page_contents(page),
								 node, rotated);
	vdb_edit_finish(&edit);
	if (BufferIsValid(buffer))
		vdb_page_release(buffer);
	vdb_page_release(state_buffer);
}

/* Takes entries off a page; returns how many there are afterwards. */
static uint32
remove_from_page(const VdbHnsw *hnsw, Relation index, Buffer buffer,
				 bool (*gone) (void *arg, uint32 node), void *arg)
{
	uint32		left = 0;
	bool		changed = false;
	VdbEdit		edit;
	Page		page;

	vdb_edit_begin(&edit, index, false);
	page = vdb_edit_page(&edit, buffer);
	for (uint32 i = 0; i < hnsw->blocks; i++)
	{
		uint32	   *nodes = vdb_hnsw_entry_nodes(hnsw, page, i);

		for (uint32 lane = 0; lane < VDB_BLOCK; lane++)
		{
			if (nodes[lane] == VDB_HNSW_NONE)
				continue;
			if (!gone(arg, nodes[lane]))
			{
				left++;
				continue;
			}
			nodes[lane] = VDB_HNSW_NONE;
			if (hnsw->coded)
				vdb_quant_block_clear(hnsw->code_dim, vdb_hnsw_entry_block(hnsw, page, i), lane);
			changed = true;
		}
	}
	if (changed)
		vdb_edit_finish(&edit);
	else
		vdb_edit_cancel(&edit);
	return left;
}

uint32
vdb_hnsw_entries_remove(const VdbHnsw *hnsw, Relation index,
						bool (*gone) (void *arg, uint32 node), void *arg)
{
	Buffer		state_buffer = vdb_page_read_exclusive(index, VDB_HNSW_STATEPAGE,
													   VDB_HNSW_STATE);
	VdbHnswState *state = (VdbHnswState *) vdb_page_contents(BufferGetPage(state_buffer));
	VdbPageChain chain = {0};
	uint32		left = 0;

	for (BlockNumber block = state->entries; block != InvalidBlockNumber;)
	{
		Buffer		buffer;

		vdb_page_follow(&chain, index, block);
		buffer = vdb_page_read_exclusive(index, block, VDB_HNSW_ENTRIES);
		check_page(hnsw, index, buffer);
		left += remove_from_page(hnsw, index, buffer, gone, arg);
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
	}
	if (left != state->nentries)
	{
		VdbPatch	patch;

		vdb_patch_begin(&patch, index);
		vdb_patch_put(&patch, state_buffer, &state->nentries, &left, sizeof(left));
		vdb_patch_finish(&patch);
	}
	vdb_page_release(state_buffer);
	return left;
}

/* Reads a page of entries; returns the next one. */
static BlockNumber
read_page(const VdbHnsw *hnsw, Relation index, BlockNumber block, VdbPageChain *chain,
		  Buffer *buffer)
{
	BlockNumber next;

	vdb_page_follow(chain, index, block);
	*buffer = vdb_page_read(index, block, VDB_HNSW_ENTRIES);
	check_page(hnsw, index, *buffer);
	next = vdb_page_opaque(BufferGetPage(*buffer))->next;
	vdb_page_prefetch(index, next, 0, 256);
	return next;
}

void
vdb_hnsw_entries_walk(const VdbHnsw *hnsw, Relation index,
					  void (*visit) (void *arg, uint32 node), void *arg)
{
	uint32	   *nodes = palloc(hnsw->blocks * VDB_BLOCK * sizeof(uint32));
	VdbPageChain chain = {0};
	VdbHnswState state;

	vdb_hnsw_read_state(index, &state);
	for (BlockNumber block = state.entries; block != InvalidBlockNumber;)
	{
		Buffer		buffer;

		block = read_page(hnsw, index, block, &chain, &buffer);
		for (uint32 i = 0; i < hnsw->blocks; i++)
			memcpy(nodes + i * VDB_BLOCK,
				   vdb_hnsw_entry_nodes(hnsw, BufferGetPage(buffer), i),
				   VDB_BLOCK * sizeof(uint32));
		vdb_page_release(buffer);
		for (uint32 lane = 0; lane < hnsw->blocks * VDB_BLOCK; lane++)
			if (nodes[lane] != VDB_HNSW_NONE)
				visit(arg, nodes[lane]);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(nodes);
}

/* ---- the nearest ---- */

/* Puts an entry where it belongs among the nearest so far. */
static void
note(VdbHnswEntries *entries, float estimate, uint32 node)
{
	uint32		i = entries->count;

	if (i == VDB_HNSW_STARTS)
		i--;
	else
		entries->count++;
	for (; i > 0 && entries->estimates[i - 1] > estimate; i--)
	{
		entries->estimates[i] = entries->estimates[i - 1];
		entries->nodes[i] = entries->nodes[i - 1];
	}
	entries->estimates[i] = estimate;
	entries->nodes[i] = node;
}

static void
scan_page(const VdbHnsw *hnsw, Page page, VdbQuantTables *tables, VdbHnswEntries *entries)
{
	float		estimate[VDB_BLOCK],
				lower[VDB_BLOCK];
	uint32		below;

	for (uint32 i = 0; i < hnsw->blocks; i++)
	{
		const uint32 *nodes = vdb_hnsw_entry_nodes(hnsw, page, i);

		/* bounds are estimates: they are aimed with an epsilon of 0 */
		vdb_quant_block_scan(tables, vdb_hnsw_entry_block(hnsw, page, i), hnsw->stride, 1,
							 entries->count < VDB_HNSW_STARTS ? INFINITY :
							 entries->estimates[VDB_HNSW_STARTS - 1],
							 estimate, lower, &below);
		for (; below != 0; below &= below - 1)
		{
			int			lane = __builtin_ctz(below);

			if (nodes[lane] != VDB_HNSW_NONE &&
				(entries->count < VDB_HNSW_STARTS ||
				 estimate[lane] < entries->estimates[VDB_HNSW_STARTS - 1]))
				note(entries, estimate[lane], nodes[lane]);
		}
	}
}

uint64
vdb_hnsw_entries_nearest(const VdbHnsw *hnsw, Relation index, BlockNumber first,
						 VdbQuantTables *tables, VdbHnswEntries *entries)
{
	VdbPageChain chain = {0};
	uint64		lanes = 0;

	entries->count = 0;
	VDB_PAUSE("hnsw-scan-entries");
	for (BlockNumber block = first; block != InvalidBlockNumber;)
	{
		Buffer		buffer;

		block = read_page(hnsw, index, block, &chain, &buffer);
		scan_page(hnsw, BufferGetPage(buffer), tables, entries);
		lanes += hnsw->blocks * VDB_BLOCK;
		vdb_page_release(buffer);
	}
	return lanes;
}

/* ---- all of them ---- */

static void
make_room(VdbHnswEntryList *list, uint32 room)
{
	if (room <= list->room)
		return;
	list->room = Max(room, 2 * list->room);
	if (list->nodes == NULL)
	{
		list->nodes = palloc(list->room * sizeof(uint32));
		list->estimates = palloc(list->room * sizeof(float));
		return;
	}
	list->nodes = repalloc_huge(list->nodes, list->room * sizeof(uint32));
	list->estimates = repalloc_huge(list->estimates, list->room * sizeof(float));
}

uint64
vdb_hnsw_entries_all(const VdbHnsw *hnsw, Relation index, BlockNumber first,
					 VdbQuantTables *tables, VdbHnswEntryList *list)
{
	VdbPageChain chain = {0};
	uint64		lanes = 0;

	list->count = 0;
	for (BlockNumber block = first; block != InvalidBlockNumber;)
	{
		Buffer		buffer;

		block = read_page(hnsw, index, block, &chain, &buffer);
		make_room(list, list->count + hnsw->blocks * VDB_BLOCK);
		for (uint32 i = 0; i < hnsw->blocks; i++)
		{
			const uint32 *nodes = vdb_hnsw_entry_nodes(hnsw, BufferGetPage(buffer), i);
			float		estimates[VDB_BLOCK] = {0},
						lower[VDB_BLOCK];
			uint32		below;

			if (hnsw->coded)
				vdb_quant_block_scan(tables, vdb_hnsw_entry_block(hnsw, BufferGetPage(buffer), i),
									 hnsw->stride, 1, INFINITY, estimates, lower, &below);
			for (uint32 lane = 0; lane < VDB_BLOCK; lane++)
			{
				if (nodes[lane] == VDB_HNSW_NONE)
					continue;
				list->nodes[list->count] = nodes[lane];
				list->estimates[list->count++] = estimates[lane];
			}
		}
		lanes += hnsw->blocks * VDB_BLOCK;
		vdb_page_release(buffer);
	}
	return lanes;
}
