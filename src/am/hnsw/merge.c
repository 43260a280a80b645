/*
 * merge.c
 *	  A part of the nodes of a build that does not fit into memory: its graph is
 *	  made there, and joined with what is on pages.
 *
 * A node's slot has the neighbours of those of its parts that were here before.
 * With those of this one they may be too many; then they are chosen from, as a
 * list in memory is that is full.
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"

#include "am/hnsw/merge.h"

/* Of the budget, what is left for sorts. */
#define SORTS_SHARE 4

/* Nodes of a part, at least, whatever the budget is. */
#define LEAST_ROOM 64

/* Bytes of a node in the table of hashes. */
#define HASH_BYTES 16

uint32
vdb_hnsw_part_room(const VdbHnswBuild *build)
{
	Size		of_node = build->hnsw->space.row_size + sizeof(uint32) +
		Max(HASH_BYTES, vdb_hnsw_build_node_memory(build));
	Size		of_graph = vdb_hnsw_graph_memory(build->hnsw, build->control.threads);
	Size		budget = build->budget - build->budget / SORTS_SHARE;

	return Max(LEAST_ROOM, budget > of_graph ? (budget - of_graph) / of_node : 0);
}

void
vdb_hnsw_part_begin(VdbHnswPart *part, VdbHnswBuild *build, uint64 members)
{
	part->build = build;
	part->n = 0;
	part->room = Max(1, Min(members, vdb_hnsw_part_room(build)));
	part->nodes = palloc_extended(part->room * sizeof(uint32), MCXT_ALLOC_HUGE);
	part->rows = vdb_hnsw_graph_allocate((Size) part->room * build->hnsw->space.row_size);
	part->table_size = pg_nextpower2_32(2 * part->room);
	part->table = palloc_extended(part->table_size * sizeof(uint32),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

void
vdb_hnsw_part_forget_rows(VdbHnswPart *part)
{
	pfree(part->rows);
	pfree(part->table);
}

static char *
row_of(const VdbHnswPart *part, uint32 place)
{
	return part->rows + (Size) place * part->build->hnsw->space.row_size;
}

/* ---- equal rows ---- */

/* Where a row belongs in the table. */
static uint32 *
find_row(const VdbHnswPart *part, const char *row)
{
	uint32		size = part->build->hnsw->space.row_size;
	uint32		hash = hash_bytes((const unsigned char *) row, size);

	for (;; hash++)
	{
		uint32	   *at = &part->table[hash & (part->table_size - 1)];

		if (*at == 0 || memcmp(row_of(part, *at - 1), row, size) == 0)
			return at;
	}
}

/* A slot becomes free: its row id is with another node. */
static void
free_slot(VdbHnswBuild *build, uint32 node)
{
	const VdbHnsw *hnsw = build->hnsw;
	Buffer		buffer;
	VdbHnswSlot *slot = vdb_hnsw_read_exclusive(hnsw, build->index, node, &buffer);
	VdbEdit		edit;
	Page		page;

	vdb_edit_begin(&edit, build->index, true);
	page = vdb_edit_page(&edit, buffer);
	memset(slot, 0, hnsw->slot_size);
	vdb_hnsw_nodes(page)->nfree++;
	vdb_edit_finish(&edit);
	vdb_page_release(buffer);
	vdb_hnsw_bit_clear(&build->nodes, node);
	build->nnodes--;
	vdb_hnsw_offer(build->index, vdb_hnsw_block(hnsw, node));
}

void
vdb_hnsw_part_add(VdbHnswPart *part, uint32 node)
{
	VdbHnswBuild *build = part->build;
	const VdbHnsw *hnsw = build->hnsw;
	VdbHnswSlot *slot = palloc(hnsw->slot_size);
	const char *row = vdb_hnsw_row(hnsw, slot);

	CHECK_FOR_INTERRUPTS();
	vdb_hnsw_copy(hnsw, build->index, node, slot);
	if (slot->state == VDB_HNSW_NODE)
	{
		uint32	   *at = find_row(part, row);

		/* It has no other row ids yet: these come here. */
		if (*at != 0 && slot->count == 0 && slot->more == VDB_HNSW_NONE)
		{
			vdb_hnsw_add_tid(hnsw, build->index, part->nodes[*at - 1], row, &slot->tid,
							 vdb_hnsw_codes(slot));
			free_slot(build, node);
		}
		else
		{
			memcpy(row_of(part, part->n), row, hnsw->space.row_size);
			part->nodes[part->n++] = node;
			*at = part->n;
		}
	}
	pfree(slot);
}

/* ---- lists ---- */

/* What joining lists takes. */
typedef struct Merge
{
	const VdbHnswPart *part;
	const VdbHnswGraph *graph;
	VdbAmQuery	query;
	uint32		n;
	uint32		list[2 * VDB_HNSW_MAX_NEIGHBOURS];
	const void *rows[2 * VDB_HNSW_MAX_NEIGHBOURS];	/* NULL: on pages */
	float		distances[2 * VDB_HNSW_MAX_NEIGHBOURS];
	VdbHnswNear near[2 * VDB_HNSW_MAX_NEIGHBOURS];
	char	   *copies;			/* of rows that are on pages */
} Merge;

/* A neighbour from another part, which may be of this one, too. */
static const void *
find_or_copy(const Merge *merge, uint32 i)
{
	const VdbHnswPart *part = merge->part;
	const VdbHnsw *hnsw = part->build->hnsw;
	char	   *copy = merge->copies + (Size) i * hnsw->space.row_size;
	uint32		low = 0,
				high = part->n;
	Buffer		buffer;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (part->nodes[middle] < merge->list[i])
			low = middle + 1;
		else
			high = middle;
	}
	if (low < part->n && part->nodes[low] == merge->list[i])
		return row_of(part, low);
	memcpy(copy, vdb_hnsw_row(hnsw, vdb_hnsw_pin(hnsw, part->build->index, merge->list[i],
												 &buffer)), hnsw->space.row_size);
	vdb_page_unpin(buffer);
	return copy;
}

/* The list has more neighbours than there is room for: some are chosen. */
static void
choose_from(Merge *merge, uint32 place)
{
	uint32		most = merge->part->build->hnsw->neighbours;
	float		base;

	if (!vdb_am_query_row(&merge->query, row_of(merge->part, place)))
	{
		merge->n = most;
		return;
	}
	for (uint32 i = 0; i < merge->n; i++)
		if (merge->rows[i] == NULL)
			merge->rows[i] = find_or_copy(merge, i);
	base = vdb_am_query_base(&merge->query);
	vdb_am_query_many(&merge->query, base, merge->rows, merge->n, merge->distances);
	for (uint32 i = 0; i < merge->n; i++)
	{
		float		distance = merge->distances[i] > -INFINITY ? merge->distances[i] : INFINITY;
		uint32		at = i;

		for (; at > 0 && merge->near[at - 1].distance > distance; at--)
			merge->near[at] = merge->near[at - 1];
		merge->near[at] = (VdbHnswNear) {distance, merge->list[i], merge->rows[i]};
	}
	merge->n = vdb_hnsw_choose(&merge->query, merge->near, merge->n, most, 0);
	for (uint32 i = 0; i < merge->n; i++)
		merge->list[i] = merge->near[i].node;
}

/* The neighbours that a slot has, and those that the graph has found. */
static void
join_lists(Merge *merge, const VdbHnswSlot *slot, uint32 place)
{
	const VdbHnsw *hnsw = merge->part->build->hnsw;
	const uint32 *before = vdb_hnsw_list(hnsw, slot);
	const uint32 *found = vdb_hnsw_graph_list(merge->graph, place);

	for (merge->n = 0; merge->n < slot->count; merge->n++)
	{
		merge->list[merge->n] = before[merge->n];
		merge->rows[merge->n] = NULL;
	}
	for (uint32 i = 1; i <= found[0]; i++)
	{
		uint32		node = merge->part->nodes[found[i]];
		uint32		at = 0;

		while (at < slot->count && before[at] != node)
			at++;
		if (at < slot->count)
			continue;
		merge->list[merge->n] = node;
		merge->rows[merge->n++] = vdb_hnsw_graph_row(merge->graph, found[i]);
	}
	if (merge->n > hnsw->neighbours)
		choose_from(merge, place);
}

static void
merge_part(const VdbHnswPart *part, const VdbHnswGraph *graph)
{
	const VdbHnsw *hnsw = part->build->hnsw;
	Relation	index = part->build->index;
	Merge	   *merge = palloc(sizeof(Merge));

	merge->part = part;
	merge->graph = graph;
	merge->copies = palloc(hnsw->neighbours * hnsw->space.row_size);
	vdb_am_query_create(&merge->query, &hnsw->space);
	for (uint32 i = 0; i < part->n; i++)
	{
		Buffer		buffer;
		VdbHnswSlot *slot = vdb_hnsw_read_exclusive(hnsw, index, part->nodes[i], &buffer);
		VdbEdit		edit;

		join_lists(merge, slot, i);
		vdb_edit_begin(&edit, index, true);
		vdb_edit_page(&edit, buffer);
		slot->count = merge->n;
		memcpy(vdb_hnsw_list(hnsw, slot), merge->list, merge->n * sizeof(uint32));
		vdb_edit_finish(&edit);
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- the graph ---- */

void
vdb_hnsw_part_finish(VdbHnswPart *part)
{
	VdbHnswBuild *build = part->build;
	VdbHnswGraph *graph = &build->graph;
	uint32	   *queue;

	pfree(part->table);
	if (part->n == 0)
		return;
	vdb_hnsw_graph_create(graph, build->hnsw, part->rows, build->hnsw->space.row_size, part->n,
						  vdb_hnsw_entries_wanted(build->hnsw, part->n),
						  build->meta.ef_construction, build->control.threads, build->meta.seed);
	vdb_hnsw_build_check(vdb_hnsw_graph_fill(graph, &build->control));
	queue = palloc_extended(part->n * sizeof(uint32), MCXT_ALLOC_HUGE);
	vdb_hnsw_graph_connect(graph, queue);
	merge_part(part, graph);
}
