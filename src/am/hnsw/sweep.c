/*
 * sweep.c
 *	  All nodes, in the order of pages.
 *
 * For who wants more rows than following the graph is good for: most of the
 * table, or what a filter leaves of it.  A pass costs less than meeting a
 * quarter of the nodes one by one, takes no more memory than it is given, and
 * knows nothing of edges: what is in the index comes out.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "am/hnsw/hnsw.h"
#include "scan/select.h"

/* Rows looked at in one call of the kernels. */
#define BATCH 32

/* Slots of a page that are fetched before they are looked at. */
#define AHEAD 8

/* The bytes of a line of the CPU's caches. */
#define LINE 64

struct VdbHnswSweep
{
	const VdbHnsw *hnsw;
	const VdbAmFilter *filter;
	VdbHnswCounts *counts;
	BlockNumber blocks;			/* when it began: what comes later is not visible */
	BlockNumber next;			/* for vdb_hnsw_sweep_page() */
	uint64	   *returned;		/* a bit for each slot of these */

	VdbHnswFound *found;
	uint32		room;
	uint32		count;
	float	   *numbers;		/* to select from */
	float		limit;			/* what is not below it is not wanted */
	bool		left;			/* nodes were left for the next pass */
};

VdbHnswSweep *
vdb_hnsw_sweep_create(const VdbHnsw *hnsw, Relation index, const VdbAmFilter *filter,
					  VdbHnswCounts *counts)
{
	VdbHnswSweep *sweep = palloc0(sizeof(VdbHnswSweep));

	sweep->hnsw = hnsw;
	sweep->left = true;
	sweep->filter = filter;
	sweep->counts = counts;
	sweep->blocks = RelationGetNumberOfBlocks(index);
	sweep->returned = palloc_extended(((Size) sweep->blocks * hnsw->per_page + 63) / 64 * 8,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return sweep;
}

static inline bool
is_returned(const VdbHnswSweep *sweep, uint32 node)
{
	return (sweep->returned[node / 64] >> node % 64 & 1) != 0;
}

void
vdb_hnsw_sweep_skip(VdbHnswSweep *sweep, uint32 node)
{
	if (vdb_hnsw_block(sweep->hnsw, node) < sweep->blocks)
		sweep->returned[node / 64] |= UINT64CONST(1) << node % 64;
}

/* Is a slot a node that may have rows that pass? */
static inline bool
is_wanted(const VdbHnswSweep *sweep, const VdbHnswSlot *slot)
{
	if (slot->state != VDB_HNSW_NODE)
		return false;
	if (!sweep->filter->active)
		return true;
	sweep->counts->tested++;
	if (!vdb_hnsw_may_pass(sweep->filter, slot))
		return false;
	sweep->counts->passed++;
	return true;
}

static void
make_room(VdbHnswSweep *sweep, uint32 room)
{
	if (room <= sweep->room)
		return;
	if (sweep->found != NULL)
	{
		pfree(sweep->found);
		pfree(sweep->numbers);
	}
	sweep->room = room;
	sweep->found = palloc_extended((Size) room * sizeof(VdbHnswFound), MCXT_ALLOC_HUGE);
	sweep->numbers = palloc_extended((Size) room * sizeof(float), MCXT_ALLOC_HUGE);
}

/* Keeps the nearest most. */
static void
thin_out(VdbHnswSweep *sweep, uint32 most)
{
	uint32		left = 0;
	uint32		equal = most;	/* to the last one, that there is room for */

	if (sweep->count <= most)
		return;
	sweep->left = true;
	for (uint32 i = 0; i < sweep->count; i++)
		sweep->numbers[i] = sweep->found[i].distance;
	sweep->limit = vdb_scan_nth(sweep->numbers, sweep->count, most - 1);
	for (uint32 i = 0; i < sweep->count; i++)
		equal -= sweep->found[i].distance < sweep->limit;
	for (uint32 i = 0; i < sweep->count; i++)
	{
		float		d = sweep->found[i].distance;

		if (d < sweep->limit || (d == sweep->limit && equal > 0 && equal-- != 0))
			sweep->found[left++] = sweep->found[i];
	}
	sweep->count = left;
}

/* Notes those of a batch that may be among the nearest. */
static void
note_batch(VdbHnswSweep *sweep, VdbAmQuery *query, float base, VdbHnswFound *batch,
		   const void **rows, uint32 n, uint32 most)
{
	float		distances[BATCH];

	vdb_am_query_many(query, base, rows, n, distances);
	sweep->counts->distances += n;
	for (uint32 i = 0; i < n; i++)
	{
		if (isnan(distances[i]))
			distances[i] = INFINITY;
		if (!(distances[i] < sweep->limit) && sweep->count >= most)
		{
			sweep->left = true;
			continue;
		}
		if (sweep->count == sweep->room)
			thin_out(sweep, most);
		batch[i].distance = distances[i];
		sweep->found[sweep->count++] = batch[i];
	}
}

/* Begins to fetch what is looked at first of a page. */
static void
prefetch_page(const VdbHnswSweep *sweep, Relation index, BlockNumber block)
{
	const VdbHnsw *hnsw = sweep->hnsw;

	vdb_page_prefetch(index, block, 0, 256);
	if (sweep->filter->active)
		for (uint32 i = 0; i < Min(AHEAD, hnsw->per_page); i++)
			vdb_page_prefetch_look(index, block, vdb_hnsw_slot_at(hnsw, i), hnsw->list_at);
}

/*
 * With a filter little of a page is looked at, which the CPU does not foresee:
 * the slot some places further on, and the row of one that passes.
 */
static inline void
prefetch_slot(const VdbHnswSweep *sweep, const VdbHnswSlot *slot)
{
	if (sweep->filter->active)
		__builtin_prefetch((const char *) slot + AHEAD * sweep->hnsw->slot_size);
}

static inline void
prefetch_row(const VdbHnswSweep *sweep, const char *row)
{
	if (sweep->filter->active)
		for (uint32 at = 0; at < sweep->hnsw->space.row_size; at += LINE)
			__builtin_prefetch(row + at);
}

static void
sweep_page(VdbHnswSweep *sweep, VdbAmQuery *query, float base, Page page, BlockNumber block,
		   uint32 most)
{
	const VdbHnsw *hnsw = sweep->hnsw;
	VdbHnswFound batch[BATCH];
	const void *rows[BATCH];
	uint32		n = 0;

	for (uint32 i = 0; i < hnsw->per_page; i++)
	{
		const VdbHnswSlot *slot = vdb_hnsw_slot(hnsw, page, i);
		uint32		node = vdb_hnsw_number(hnsw, block, i);

		prefetch_slot(sweep, slot);
		if (is_returned(sweep, node) || !is_wanted(sweep, slot))
			continue;
		batch[n].node = node;
		batch[n].tid = slot->tid;
		batch[n].more = slot->more;
		prefetch_row(sweep, rows[n++] = vdb_hnsw_row(hnsw, slot));
		if (n == BATCH)
		{
			note_batch(sweep, query, base, batch, rows, n, most);
			n = 0;
		}
	}
	if (n > 0)
		note_batch(sweep, query, base, batch, rows, n, most);
}

/* Locks a page of nodes, share; false if it is of another kind. */
static bool
read_nodes(VdbHnswSweep *sweep, Relation index, BlockNumber block, Buffer *buffer)
{
	const VdbHnsw *hnsw = sweep->hnsw;

	if (!vdb_page_read_if(index, block, VDB_HNSW_NODES, buffer))
		return false;
	if (vdb_page_size(BufferGetPage(*buffer)) < vdb_hnsw_slot_at(hnsw, hnsw->per_page))
		vdb_page_corrupted(index, block, "it ends before its slots do");
	return true;
}

static int
compare_found(const void *a, const void *b)
{
	float		x = ((const VdbHnswFound *) a)->distance;
	float		y = ((const VdbHnswFound *) b)->distance;

	return x < y ? -1 : x > y;
}

uint32
vdb_hnsw_sweep_nearest(VdbHnswSweep *sweep, Relation index, VdbAmQuery *query, uint32 most,
					   VdbHnswFound **found)
{
	float		base = vdb_am_query_base(query);

	make_room(sweep, 2 * most);
	sweep->count = 0;
	*found = sweep->found;
	if (!sweep->left)
		return 0;
	sweep->left = false;
	sweep->counts->sweeps++;
	sweep->limit = INFINITY;
	for (BlockNumber block = 0; block < sweep->blocks; block++)
	{
		Buffer		buffer;

		prefetch_page(sweep, index, block + 1);
		if (read_nodes(sweep, index, block, &buffer))
		{
			sweep_page(sweep, query, base, BufferGetPage(buffer), block, most);
			vdb_page_release(buffer);
		}
		CHECK_FOR_INTERRUPTS();
	}
	thin_out(sweep, most);
	qsort(sweep->found, sweep->count, sizeof(VdbHnswFound), compare_found);
	for (uint32 i = 0; i < sweep->count; i++)
		vdb_hnsw_sweep_skip(sweep, sweep->found[i].node);
	return sweep->count;
}

bool
vdb_hnsw_sweep_page(VdbHnswSweep *sweep, Relation index, uint32 *n, VdbHnswFound **found)
{
	const VdbHnsw *hnsw = sweep->hnsw;

	make_room(sweep, hnsw->per_page);
	*n = 0;
	*found = sweep->found;
	while (sweep->next < sweep->blocks && *n == 0)
	{
		BlockNumber block = sweep->next++;
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		if (!read_nodes(sweep, index, block, &buffer))
			continue;
		for (uint32 i = 0; i < hnsw->per_page; i++)
		{
			const VdbHnswSlot *slot = vdb_hnsw_slot(hnsw, BufferGetPage(buffer), i);

			if (is_wanted(sweep, slot))
				sweep->found[(*n)++] = (VdbHnswFound)
			{
				.node = vdb_hnsw_number(hnsw, block, i),.tid = slot->tid,.more = slot->more
			};
		}
		vdb_page_release(buffer);
	}
	return *n > 0;
}
