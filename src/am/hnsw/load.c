/*
 * load.c
 *	  From the table to memory: rows are encoded, and those that are equal share
 *	  a node.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/tableam.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/common/sample.h"
#include "am/hnsw/build.h"

/* Rows that the origin and the scale are learnt from, at most. */
#define SAMPLE 4096

/* Bytes of the vectors that are encoded at a time, and how many at least. */
#define BATCH_BYTES (4 * 1024 * 1024)
#define LEAST_BATCH 8
#define ITEM 32

/* Bytes of a node in the table of hashes, as long as that is needed. */
#define HASH_BYTES 16

/* NULLs between one look at what they take and the next. */
#define CHECK_NULLS 4096

typedef struct Batch
{
	VdbHnswBuild *build;
	uint32		n;
	uint32		max;
	Size		raw_size;		/* of a vector as it is in the table */
	char	   *raw;
	char	   *rows;
	ItemPointerData *tids;
	char	   *codes;
	uint32	   *hashes;
	bool	   *nowhere;		/* zero vectors, under cosine */
	float	   *scratch;		/* 3 x dim for each thread */
	MemoryContext context;		/* of a row's columns that are encoded */
} Batch;

/* ---- the origin ---- */

static void
sample_progress(void *arg, int64 seen)
{
	vdb_hnsw_build_progress(arg, seen);
}

/* The mean, and the scale that goes with it. */
static void
place_origin(VdbHnswBuild *build, const float *floats, uint32 n)
{
	VdbAmSpace *space = &build->hnsw->space;
	float	   *origin = (float *) space->origin;
	uint32		dim = space->dim;
	double	   *sum = palloc0(dim * sizeof(double));
	double		square = 0;

	for (uint32 i = 0; i < n && space->coded_metric != VDB_IP; i++)
		for (uint32 j = 0; j < dim; j++)
			sum[j] += floats[(Size) i * dim + j];
	for (uint32 j = 0; j < dim; j++)
		origin[j] = sum[j] / n;
	pfree(sum);
	for (uint32 i = 0; i < n; i++)
		square += vdb_dist(VDB_F32, VDB_L2SQ, floats + (Size) i * dim, origin, dim);
	space->scale = build->meta.scale = vdb_hnsw_scale_of(sqrt(square / n));
	build->hnsw->meta.scale = space->scale;
}

void
vdb_hnsw_learn(VdbHnswBuild *build)
{
	VdbAmSpace *space = &build->hnsw->space;
	Size		of_row = space->dim * sizeof(float);
	VdbAmSample sample = {.space = space,.heap = build->heap,.index = build->index};

	sample.max = Max(64, Min(SAMPLE, build->budget / 4 / of_row));
	sample.info = build->info;
	sample.random = &build->random;
	sample.progress = sample_progress;
	sample.arg = build;
	sample.floats = palloc_extended(sample.max * of_row, MCXT_ALLOC_HUGE);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_SAMPLE, vdb_am_sample_rows(&sample));
	build->rows = vdb_am_sample(&sample);
	if (!build->hnsw->coded)
	{
		/* nothing is placed; a scale says that there is something */
		if (sample.n > 0)
			build->meta.scale = build->hnsw->meta.scale = 1;
	}
	else if (sample.n > 0)
		place_origin(build, sample.floats, sample.n);
	pfree(sample.floats);
}

/* A table whose sample had no vector has one: it says what the scale is. */
static void
learn_from(VdbHnswBuild *build, const void *elements)
{
	VdbAmSpace *space = &build->hnsw->space;
	float	   *floats = palloc(space->dim * sizeof(float));

	if (!build->hnsw->coded)
		build->meta.scale = build->hnsw->meta.scale = 1;
	else if (vdb_am_floats(space, elements, floats))
		place_origin(build, floats, 1);
	pfree(floats);
}

/* ---- nodes ---- */

static inline uint32
hash_row(const VdbHnswBuild *build, const char *row)
{
	return hash_bytes((const unsigned char *) row, build->hnsw->space.row_size);
}

/* Room for twice as many nodes; the old table is gone before the new one comes. */
static void
grow_table(VdbHnswBuild *build)
{
	VdbHnswHeap *heap = &build->table;

	if (heap->table != NULL)
		pfree(heap->table);
	heap->table_size = Max(2 * heap->table_size, 1024);
	heap->table = palloc_extended(heap->table_size * sizeof(uint32),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 node = 0; node < heap->n; node++)
	{
		uint32		at = hash_row(build, heap->rows + node * heap->stride);

		while (heap->table[at & (heap->table_size - 1)] != 0)
			at++;
		heap->table[at & (heap->table_size - 1)] = node + 1;
		if (node % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

static void
add_extra(VdbHnswBuild *build, uint32 node, ItemPointer tid, const char *codes)
{
	VdbHnswHeap *heap = &build->table;
	uint32		extra = heap->extras.count;
	uint32		room = heap->extras.room;

	vdb_hnsw_rows_add(build->hnsw, &heap->extras, tid, codes);
	if (heap->extras.room > room)
		heap->next = heap->next == NULL ?
			palloc(heap->extras.room * sizeof(uint32)) :
			repalloc_huge(heap->next, (Size) heap->extras.room * sizeof(uint32));
	heap->next[extra] = heap->more[node];
	heap->more[node] = extra;
}

/* A row becomes a node, or is one of an equal one's. */
static void
add_row(VdbHnswBuild *build, const char *row, uint32 hash, ItemPointer tid, const char *codes)
{
	VdbHnswHeap *heap = &build->table;
	uint32		size = build->hnsw->space.row_size;
	uint32		codes_size = build->hnsw->codes_size;
	uint32		node;

	if (heap->n >= heap->table_size / 2)
		grow_table(build);
	for (;; hash++)
	{
		uint32	   *place = &heap->table[hash & (heap->table_size - 1)];

		if (*place == 0)
		{
			*place = heap->n + 1;
			break;
		}
		if (memcmp(heap->rows + (*place - 1) * heap->stride, row, size) == 0)
		{
			add_extra(build, *place - 1, tid, codes);
			return;
		}
	}
	node = heap->n++;
	memcpy(heap->rows + node * heap->stride, row, size);
	heap->tids[node] = *tid;
	memcpy(heap->codes + (Size) node * codes_size, codes, codes_size);
	heap->more[node] = VDB_HNSW_NONE;
}

/* ---- rows without order ---- */

/* When rows go to the file, these go to where they belong in the index at once. */
static void
add_unordered(VdbHnswBuild *build, bool null, ItemPointer tid, const char *codes)
{
	if (build->spill != NULL)
		vdb_hnsw_add_unordered(build->hnsw, build->index, null, tid, codes);
	else
		vdb_hnsw_rows_add(build->hnsw, null ? &build->table.nulls : &build->table.zeros, tid,
						  codes);
}

static void
spill_unordered(VdbHnswBuild *build, bool null, const VdbHnswRows *rows)
{
	for (uint32 i = 0; i < rows->count; i++)
	{
		add_unordered(build, null, &rows->tids[i], vdb_hnsw_rows_codes(build->hnsw, rows, i));
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- memory ---- */

/* Bytes of a row id with its codes. */
static Size
tid_memory(const VdbHnswBuild *build)
{
	return sizeof(ItemPointerData) + build->hnsw->codes_size;
}

/* Bytes of a node, in the graph and here. */
static Size
node_memory(const VdbHnswBuild *build)
{
	Size		here = build->table.stride + tid_memory(build) + sizeof(uint32);

	/* a table of hashes, or else the graph */
	return here + Max(HASH_BYTES, vdb_hnsw_build_node_memory(build));
}

/* What is not in proportion to the nodes: lists of row ids, and growing once more. */
static Size
other_memory(const VdbHnswBuild *build)
{
	const VdbHnswHeap *heap = &build->table;

	return vdb_hnsw_graph_memory(build->hnsw, build->control.threads) +
		3 * heap->extras.room * (tid_memory(build) + sizeof(uint32)) +
		3 * ((Size) heap->nulls.room + heap->zeros.room) * tid_memory(build);
}

static Size
batch_row_memory(const VdbHnswBuild *build)
{
	return vdb_am_bytes(build->hnsw->space.kind, build->hnsw->space.dim) +
		build->table.stride + tid_memory(build) + sizeof(uint32) + sizeof(bool);
}

/* Is there no room for a batch more? */
static bool
is_full(const Batch *batch)
{
	const VdbHnswBuild *build = batch->build;
	const VdbHnswHeap *heap = &build->table;

	return heap->n + batch->max > heap->room ||
		(heap->n + batch->max) * node_memory(build) + other_memory(build) +
		batch->max * batch_row_memory(build) > build->budget;
}

/*
 * Memory for as many nodes as the budget allows: it is taken from the system
 * as it is used.
 */
static void
allocate_nodes(VdbHnswBuild *build)
{
	VdbHnswHeap *heap = &build->table;
	double		most = ((double) RelationGetNumberOfBlocks(build->heap) + 16) * MaxHeapTuplesPerPage;

	heap->stride = build->hnsw->space.row_size;
	heap->room = Min(Min(most, VDB_HNSW_MAX_NODES), 1024 + build->budget / node_memory(build));
	heap->rows = vdb_hnsw_graph_allocate((Size) heap->room * heap->stride);
	heap->tids = palloc_extended((Size) heap->room * sizeof(ItemPointerData), MCXT_ALLOC_HUGE);
	heap->codes = palloc_extended((Size) heap->room * build->hnsw->codes_size, MCXT_ALLOC_HUGE);
	heap->more = palloc_extended((Size) heap->room * sizeof(uint32), MCXT_ALLOC_HUGE);
}

static void
free_nodes(VdbHnswHeap *heap)
{
	pfree(heap->rows);
	pfree(heap->tids);
	pfree(heap->codes);
	pfree(heap->more);
	vdb_hnsw_rows_free(&heap->extras);
	if (heap->next != NULL)
		pfree(heap->next);
	vdb_hnsw_rows_free(&heap->nulls);
	vdb_hnsw_rows_free(&heap->zeros);
	*heap = (VdbHnswHeap) {.stride = heap->stride};
}

/* ---- the table ---- */

static void
encode_rows(void *arg, size_t item, int thread)
{
	Batch	   *batch = arg;
	const VdbAmSpace *space = &batch->build->hnsw->space;
	uint32		end = Min((item + 1) * ITEM, batch->n);
	float	   *floats = batch->scratch + (Size) thread * 3 * space->dim;
	float	   *rotated = floats + space->dim;

	for (uint32 i = item * ITEM; i < end; i++)
	{
		const char *raw = batch->raw + i * batch->raw_size;
		char	   *row = batch->rows + i * batch->build->table.stride;

		batch->nowhere[i] = false;
		if (!vdb_am_is_plain(space))
		{
			batch->nowhere[i] = !vdb_am_rotate(space, raw, floats, rotated);
			if (!batch->nowhere[i])
				vdb_am_row_encode(space, rotated, NULL, 0, rotated + space->dim, row);
		}
		else
		{
			if (space->normalized)
				batch->nowhere[i] = !vdb_am_floats(space, raw, floats);
			memcpy(row, raw, space->row_size);
		}
		if (!batch->nowhere[i])
			batch->hashes[i] = hash_row(batch->build, row);
	}
}

/* The codes of a row of the batch. */
static char *
codes_of(const Batch *batch, uint32 i)
{
	return batch->codes + (Size) i * batch->build->hnsw->codes_size;
}

static void
encode_columns(Batch *batch, const Datum *values, const bool *isnull, char *codes)
{
	const VdbAmColumns *columns = &batch->build->columns;
	MemoryContext old;

	if (columns->n == 0)
		return;
	old = MemoryContextSwitchTo(batch->context);
	vdb_am_columns_encode(columns, values, isnull, codes);
	MemoryContextSwitchTo(old);
	MemoryContextReset(batch->context);
}

/* To memory, or, since that was full, to the file. */
static void
flush_batch(Batch *batch)
{
	VdbHnswBuild *build = batch->build;
	VdbKmControl control = build->control;

	control.progress = NULL;
	vdb_hnsw_build_check(vdb_km_each((batch->n + ITEM - 1) / ITEM, encode_rows, batch, &control));
	for (uint32 i = 0; i < batch->n; i++)
	{
		char	   *row = batch->rows + i * build->table.stride;
		char	   *codes = codes_of(batch, i);

		if (batch->nowhere[i])
			add_unordered(build, false, &batch->tids[i], codes);
		else if (build->spill != NULL)
			vdb_hnsw_spill(build, row, &batch->tids[i], codes);
		else
			add_row(build, row, batch->hashes[i], &batch->tids[i], codes);
	}
	batch->n = 0;
	vdb_hnsw_build_progress(build, build->seen);
	CHECK_FOR_INTERRUPTS();
}

/* There is no room for more: what there is goes to the file, as all that follows. */
static void
spill_all(Batch *batch)
{
	VdbHnswBuild *build = batch->build;
	VdbHnswHeap *heap = &build->table;
	uint32		codes_size = build->hnsw->codes_size;

	flush_batch(batch);
	if (heap->table != NULL)
		pfree(heap->table);
	heap->table = NULL;
	build->spill = BufFileCreateTemp(false);
	for (uint32 node = 0; node < heap->n; node++)
	{
		char	   *row = heap->rows + node * heap->stride;

		vdb_hnsw_spill(build, row, &heap->tids[node], heap->codes + (Size) node * codes_size);
		for (uint32 at = heap->more[node]; at != VDB_HNSW_NONE; at = heap->next[at])
			vdb_hnsw_spill(build, row, &heap->extras.tids[at],
						   vdb_hnsw_rows_codes(build->hnsw, &heap->extras, at));
		CHECK_FOR_INTERRUPTS();
	}
	spill_unordered(build, true, &heap->nulls);
	spill_unordered(build, false, &heap->zeros);
	free_nodes(heap);
	vdb_hnsw_build_return_memory();
}

static void
load_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Batch	   *batch = arg;
	VdbHnswBuild *build = batch->build;
	const VdbAmSpace *space = &build->hnsw->space;
	VdbAmVector vector;
	char	   *codes;

	build->seen++;
	codes = codes_of(batch, batch->n);
	encode_columns(batch, values, isnull, codes);
	if (isnull[0])
	{
		add_unordered(build, true, tid, codes);
		if (build->spill == NULL && build->table.nulls.count % CHECK_NULLS == 0 && is_full(batch))
			spill_all(batch);
		return;
	}
	vdb_am_vector(space->kind, values[0], &vector);
	vdb_am_check_dim(space->kind, space->dim, vector.dim);
	if (build->meta.scale == 0)
		learn_from(build, vector.elements);
	memcpy(batch->raw + batch->n * batch->raw_size, vector.elements, batch->raw_size);
	batch->tids[batch->n] = *tid;
	vdb_am_vector_free(&vector);
	if (++batch->n < batch->max)
		return;
	flush_batch(batch);
	if (build->spill == NULL && is_full(batch))
		spill_all(batch);
}

static void
begin_batch(Batch *batch)
{
	VdbHnswBuild *build = batch->build;
	uint32		dim = build->hnsw->space.dim;

	batch->raw_size = vdb_am_bytes(build->hnsw->space.kind, dim);
	batch->max = Max(LEAST_BATCH, Min(BATCH_BYTES, build->budget / 16) / batch_row_memory(build));
	batch->raw = palloc_extended(batch->max * batch->raw_size, MCXT_ALLOC_HUGE);
	batch->rows = palloc_extended(batch->max * build->table.stride, MCXT_ALLOC_HUGE);
	batch->tids = palloc(batch->max * sizeof(ItemPointerData));
	batch->codes = palloc_extended((Size) batch->max * build->hnsw->codes_size, MCXT_ALLOC_HUGE);
	batch->hashes = palloc(batch->max * sizeof(uint32));
	batch->nowhere = palloc(batch->max * sizeof(bool));
	batch->scratch = palloc_extended((Size) Max(build->control.threads, 1) * 3 * dim *
									 sizeof(float), MCXT_ALLOC_HUGE);
	batch->context = AllocSetContextCreate(CurrentMemoryContext, "hnsw build row",
										   ALLOCSET_DEFAULT_SIZES);
}

void
vdb_hnsw_load(VdbHnswBuild *build)
{
	Batch		batch = {.build = build};

	allocate_nodes(build);
	begin_batch(&batch);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_LOAD, build->rows);
	build->heap_rows = table_index_build_scan(build->heap, build->index, build->info, true, false,
											  load_row, &batch, NULL);
	flush_batch(&batch);
	pfree(batch.raw);
	pfree(batch.rows);
	pfree(batch.scratch);
}
