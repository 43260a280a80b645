/*
 * write.c
 *	  A graph in memory becomes pages: nodes, then the buckets of rows that share
 *	  one, then the entries.
 *
 * Slots are filled one after the other, on pages one after the other, so that
 * numbers are known before anything is written.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/hnsw/build.h"

typedef struct Writer
{
	const VdbHnsw *hnsw;
	Relation	index;
	uint32		base;			/* number of the first slot */
	uint32		used;			/* slots given out */
	uint32		buckets;		/* of nodes, so far */
	VdbEdit		edit;
	Page		page;			/* or NULL */
} Writer;

static uint32
number_of(const Writer *writer, uint32 place)
{
	return writer->base + place;
}

/* The page that is written is full. */
static void
end_page(Writer *writer)
{
	if (writer->page != NULL)
		vdb_edit_finish(&writer->edit);
	writer->page = NULL;
}

/* The next slot, all zero. */
static VdbHnswSlot *
next_slot(Writer *writer)
{
	const VdbHnsw *hnsw = writer->hnsw;
	uint32		slot = writer->used++ % hnsw->per_page;

	if (slot == 0)
	{
		BlockNumber expected = vdb_hnsw_block(hnsw, number_of(writer, writer->used - 1));
		BlockNumber block;

		end_page(writer);
		CHECK_FOR_INTERRUPTS();
		vdb_edit_begin(&writer->edit, writer->index, true);
		writer->page = vdb_edit_new(&writer->edit, VDB_HNSW_NODES,
									vdb_hnsw_slot_at(hnsw, hnsw->per_page), &block);
		if (block != expected)
			elog(ERROR, "page %u of index \"%s\" is page %u", expected,
				 RelationGetRelationName(writer->index), block);
	}
	return vdb_hnsw_slot(hnsw, writer->page, slot);
}

static uint32
buckets_for(const VdbHnsw *hnsw, uint32 rows)
{
	return (rows + hnsw->bucket_tids - 1) / hnsw->bucket_tids;
}

/* Rows of a node beside its first. */
static uint32
count_extras(const VdbHnswHeap *heap, uint32 node)
{
	uint32		count = 0;

	for (uint32 at = heap->more[node]; at != VDB_HNSW_NONE; at = heap->next[at])
		count++;
	return count;
}

static void
write_node(Writer *writer, const VdbHnswBuild *build, const uint32 *place, uint32 node)
{
	const VdbHnsw *hnsw = writer->hnsw;
	const uint32 *list = vdb_hnsw_graph_list(&build->graph, node);
	VdbHnswSlot *slot = next_slot(writer);
	uint32		buckets = buckets_for(hnsw, count_extras(&build->table, node));

	slot->state = VDB_HNSW_NODE;
	slot->count = list[0];
	slot->tid = build->table.tids[node];
	slot->more = VDB_HNSW_NONE;
	if (buckets > 0)
		slot->more = number_of(writer, build->table.n + writer->buckets);
	writer->buckets += buckets;
	memcpy(vdb_hnsw_codes(slot), build->table.codes + (Size) node * hnsw->codes_size,
		   hnsw->codes_size);
	for (uint32 i = 0; i < list[0]; i++)
		vdb_hnsw_list(hnsw, slot)[i] = number_of(writer, place[list[i + 1]]);
	memcpy(vdb_hnsw_row(hnsw, slot), vdb_hnsw_graph_row(&build->graph, node),
		   hnsw->space.row_size);
}

/* Puts a row that was collected into a bucket. */
static void
put_row(const VdbHnsw *hnsw, VdbHnswSlot *bucket, uint32 i, const VdbHnswRows *rows, uint32 from)
{
	vdb_hnsw_tids(bucket)[i] = rows->tids[from];
	if (hnsw->codes_size > 0)
		memcpy(vdb_hnsw_bucket_codes(hnsw, bucket, i), vdb_hnsw_rows_codes(hnsw, rows, from),
			   hnsw->codes_size);
}

/* A bucket with room for row ids, the first of which are those; left is after them. */
static VdbHnswSlot *
next_bucket(Writer *writer, uint32 rows, uint32 *left)
{
	VdbHnswSlot *slot = next_slot(writer);

	slot->state = VDB_HNSW_BUCKET;
	slot->count = Min(rows, writer->hnsw->bucket_tids);
	*left = rows - slot->count;
	slot->more = *left > 0 ? number_of(writer, writer->used) : VDB_HNSW_NONE;
	return slot;
}

static void
write_extras(Writer *writer, const VdbHnswHeap *heap, uint32 node)
{
	uint32		left = count_extras(heap, node);

	for (uint32 at = heap->more[node]; left > 0;)
	{
		VdbHnswSlot *slot = next_bucket(writer, left, &left);

		for (uint32 i = 0; i < slot->count; i++, at = heap->next[at])
			put_row(writer->hnsw, slot, i, &heap->extras, at);
	}
}

/* Rows without order; returns the first bucket's number. */
static uint32
write_rows(Writer *writer, const VdbHnswRows *rows)
{
	uint32		first = rows->count > 0 ? number_of(writer, writer->used) : VDB_HNSW_NONE;
	uint32		next = 0;

	for (uint32 left = rows->count; left > 0;)
	{
		VdbHnswSlot *slot = next_bucket(writer, left, &left);

		for (uint32 i = 0; i < slot->count; i++)
			put_row(writer->hnsw, slot, i, rows, next++);
	}
	return first;
}

/* The last page is one with room, if it has some. */
static BlockNumber
end_slots(Writer *writer)
{
	uint32		left = (writer->hnsw->per_page - writer->used % writer->hnsw->per_page) %
		writer->hnsw->per_page;
	BlockNumber block = InvalidBlockNumber;

	if (left > 0)
	{
		VdbHnswNodes *nodes = vdb_hnsw_nodes(writer->page);

		nodes->nfree = left;
		nodes->chained = true;
		block = vdb_hnsw_block(writer->hnsw, number_of(writer, writer->used));
	}
	end_page(writer);
	return block;
}

static void
write_entries(VdbHnswBuild *build, const Writer *writer, const uint32 *place)
{
	VdbHnswGraph *graph = &build->graph;
	VdbHnswWorker *worker = &graph->workers[0];

	for (uint32 i = 0; i < graph->nentries; i++)
	{
		uint32		node = graph->entries[i];

		/* of one that is far, this is filled in as well */
		vdb_hnsw_graph_place(graph, worker, node);
		vdb_hnsw_entry_add(writer->hnsw, build->index, true, number_of(writer, place[node]),
						   worker->query.rotated);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Slots in all; an error if numbers do not go so far. */
static void
check_size(VdbHnswBuild *build)
{
	const VdbHnsw *hnsw = build->hnsw;
	const VdbHnswHeap *heap = &build->table;
	double		slots = (double) heap->n + heap->extras.count + heap->nulls.count + heap->zeros.count;

	if (slots + 4.0 * hnsw->per_page >= VDB_HNSW_ZEROS)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("index \"%s\" cannot have more than %u nodes",
					   RelationGetRelationName(build->index), VDB_HNSW_ZEROS));
}

void
vdb_hnsw_write_graph(VdbHnswBuild *build, const uint32 *order, uint32 *place)
{
	const VdbHnswHeap *heap = &build->table;
	Writer		writer = {.hnsw = build->hnsw,.index = build->index};
	VdbHnswState state;
	uint32		nulls,
				zeros;
	BlockNumber room;

	check_size(build);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_WRITE, heap->n);
	writer.base = vdb_hnsw_number(build->hnsw, RelationGetNumberOfBlocks(build->index), 0);
	for (uint32 i = 0; i < heap->n; i++)
		place[order[i]] = i;
	for (uint32 i = 0; i < heap->n; i++)
	{
		write_node(&writer, build, place, order[i]);
		if (i % 256 == 0)
			vdb_hnsw_build_progress(build, i);
	}
	for (uint32 i = 0; i < heap->n; i++)
		write_extras(&writer, heap, order[i]);
	nulls = write_rows(&writer, &heap->nulls);
	zeros = write_rows(&writer, &heap->zeros);
	room = end_slots(&writer);
	write_entries(build, &writer, place);
	vdb_hnsw_read_state(build->index, &state);
	state.room = room;
	state.nulls = nulls;
	state.zeros = zeros;
	state.measured_k = heap->n > 0 ? VDB_HNSW_MEASURED_K : 0;
	memcpy(state.efs, build->efs, sizeof(state.efs));
	vdb_hnsw_write_built(build->index, &build->meta, &state, build->hnsw->space.origin);
	vdb_hnsw_build_progress(build, heap->n);
}
