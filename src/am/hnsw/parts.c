/*
 * parts.c
 *	  CREATE INDEX of more rows than memory has room for.
 *
 * Centroids of a sample part the space.  Each node belongs to the two or three
 * parts whose centroids are nearest, so that parts overlap; a graph of each is
 * made in memory, and its lists are joined with those that its nodes have from
 * their other parts (merge.c).  Subramanya et al., "DiskANN: Fast Accurate
 * Billion-point Nearest Neighbor Search on a Single Node" (NeurIPS 2019).
 *
 * A node's slot is written before there are any lists, to a page of the part
 * that it is nearest to, and then its number stands for it.  Which nodes belong
 * to a part is told by a sort of their numbers.  A part that is larger than was
 * thought is parted itself, in the same way, but that slots are there.
 */
#include "postgres.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "commands/progress.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "am/hnsw/merge.h"
#include "am/hnsw/vacuum.h"
#include "compat/compat.h"

/* Parts that a node belongs to: of so many or more, three. */
#define LEAST_OVERLAP 2
#define MOST_OVERLAP 3
#define MANY_PARTS 20

/* How full memory is with a part of mean size. */
#define FILL 0.6

/* Rows of the sample for each part: wanted, and the fewest. */
#define SAMPLE_PER_PART 64
#define LEAST_PER_PART 8

/* What is so often parted is alike: any part will do. */
#define MOST_LEVELS 3

/* Bytes of a batch, rows of it at least, and rows that a thread takes at a time. */
#define BATCH_BYTES (4 * 1024 * 1024)
#define LEAST_BATCH 8
#define ITEM 32

/* Of the budget: a sort, on the first level; and what is least for one. */
#define SORT_SHARE 8
#define LEAST_SORT 64
#define MOST_SORT (64 * 1024)

/* Where the slots of a part are written. */
typedef struct Place
{
	uint32		next;			/* number of the next slot */
	uint32		left;			/* slots that the page has, from that on */
} Place;

/* How the space is parted, and the nodes of each part. */
typedef struct Parts
{
	VdbHnswBuild *build;
	VdbHnswTruth *truth;
	int			level;
	uint32		n;
	uint32		overlap;		/* parts of a node */
	float	   *centroids;		/* NULL: rows are spread by their hashes */
	VdbKmPacked packed;
	void	   *packed_memory;
	void	   *work;

	Tuplesortstate *sort;		/* KEY() of all memberships */
	uint64	   *members;		/* of each part */
	uint64		nmembers;		/* of all */
	bool		more;			/* there is a next one: */
	int64		next;
} Parts;

#define KEY(part, node) ((int64) (part) << 32 | (node))
#define KEY_PART(key) ((uint32) ((key) >> 32))

/* Rows on their way to their parts. */
typedef struct Batch
{
	VdbHnswBuild *build;
	uint32		n;
	uint32		max;
	char	   *rows;
	uint32	   *nodes;
	ItemPointerData *tids;		/* of what comes from the file, as codes */
	char	   *codes;
	float	   *floats;
	uint32	   *nearest;		/* of each as many parts as they overlap */
} Batch;

static Size
floats_size(const VdbHnswBuild *build)
{
	return build->hnsw->space.dim * sizeof(float);
}

/* ---- the file ---- */

void
vdb_hnsw_spill(VdbHnswBuild *build, char *row, ItemPointerData *tid, char *codes)
{
	const VdbHnsw *hnsw = build->hnsw;

	BufFileWrite(build->spill, row, hnsw->space.row_size);
	BufFileWrite(build->spill, tid, sizeof(*tid));
	if (hnsw->codes_size > 0)
		BufFileWrite(build->spill, codes, hnsw->codes_size);
	build->nspilled++;
}

static void
read_bytes(BufFile *file, void *to, Size size)
{
	if (BufFileRead(file, to, size) != size)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not read from temporary file of an index build"));
}

static void
read_spilled(VdbHnswBuild *build, void *row, ItemPointerData *tid, char *codes)
{
	read_bytes(build->spill, row, build->hnsw->space.row_size);
	read_bytes(build->spill, tid, sizeof(*tid));
	if (build->hnsw->codes_size > 0)
		read_bytes(build->spill, codes, build->hnsw->codes_size);
}

static void
rewind_spilled(VdbHnswBuild *build)
{
	if (BufFileSeek(build->spill, 0, 0, SEEK_SET) != 0)
		elog(ERROR, "could not rewind temporary file of an index build");
}

/* ---- parting the space ---- */

/* Where a row is; false for one that is far. */
static bool
locate(const VdbHnswBuild *build, const void *row, float *floats)
{
	const VdbAmSpace *space = &build->hnsw->space;
	float		error;

	if (vdb_am_is_plain(space))
		return vdb_am_floats(space, row, floats);
	return vdb_am_row_decode(space, row, NULL, floats, &error);
}

/*
 * Parts for so many nodes; returns how many rows to learn them from.  What is
 * parted again belongs to others, too.
 */
static uint32
choose_size(Parts *parts, uint64 nodes)
{
	const VdbHnswBuild *build = parts->build;
	double		of_part = FILL * vdb_hnsw_part_room(build);
	uint64		room = build->budget / 2 / floats_size(build);
	uint64		wanted = LEAST_OVERLAP * nodes / of_part + 1;
	uint32		nsample;

	parts->overlap = LEAST_OVERLAP;
	if (parts->level == 0 && wanted >= MANY_PARTS)
	{
		parts->overlap = MOST_OVERLAP;
		wanted = MOST_OVERLAP * nodes / of_part + 1;
	}
	nsample = Min(nodes, Max(Min(room, SAMPLE_PER_PART * wanted), 4 * LEAST_PER_PART));
	if (parts->level < MOST_LEVELS)
		wanted = Min(wanted, nsample / LEAST_PER_PART);
	parts->n = Max(wanted, MOST_OVERLAP);
	return nsample;
}

/* Learns centroids from a sample, which is freed, if there are some in it. */
static void
learn(Parts *parts, float *sample, uint32 nsample)
{
	VdbHnswBuild *build = parts->build;
	uint32		dim = build->hnsw->space.dim;
	VdbKmTraining training = {.rows = sample,.n = nsample,.dim = dim,.k = parts->n};
	VdbKmControl control = build->control;
	VdbKmReport report;
	VdbKmBook	book = {.dim = dim};
	void	   *memory;

	if (nsample < parts->n)
	{
		pfree(sample);
		return;
	}
	control.progress = NULL;
	vdb_km_train_defaults(&training);
	training.ntops = 0;
	training.seed = build->meta.seed;
	parts->centroids = palloc_extended(parts->n * floats_size(build), MCXT_ALLOC_HUGE);
	memory = palloc_extended(vdb_km_train_size(&training, control.threads), MCXT_ALLOC_HUGE);
	vdb_hnsw_build_check(vdb_km_train(&training, parts->centroids, NULL, NULL, &report, &control,
									  memory));
	pfree(memory);
	pfree(sample);
	if (report.k < parts->overlap)
	{
		pfree(parts->centroids);
		parts->centroids = NULL;
		return;
	}
	parts->n = book.k = report.k;
	book.centroids = parts->centroids;
	parts->packed_memory = palloc_extended(vdb_km_pack_size(book.k, 0, dim), MCXT_ALLOC_HUGE);
	vdb_km_pack(&parts->packed, &book, parts->packed_memory);
	parts->work = palloc_extended(vdb_km_assign_size(book.k, 0, dim, parts->overlap,
													 control.threads),
								  MCXT_ALLOC_HUGE);
}

static void
begin_parts(Parts *parts)
{
	int			memory = parts->build->budget / 1024 / (SORT_SHARE << Min(parts->level, 8));

	parts->members = palloc0(parts->n * sizeof(uint64));
	parts->sort = tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false,
										Max(Min(memory, MOST_SORT), LEAST_SORT), NULL,
										TUPLESORT_NONE);
}

static void
add_member(Parts *parts, uint32 part, uint32 node)
{
	tuplesort_putdatum(parts->sort, Int64GetDatum(KEY(part, node)), false);
	parts->members[part]++;
	parts->nmembers++;
}

static void
next_member(Parts *parts)
{
	Datum		value;
	bool		isnull;

	parts->more = VDB_COMPAT_SORT_DATUM(parts->sort, &value, &isnull);
	if (parts->more)
		parts->next = DatumGetInt64(value);
}

/* All members were added: from now on they are read, and no centroid is needed. */
static void
end_adding(Parts *parts)
{
	if (parts->centroids != NULL)
	{
		pfree(parts->centroids);
		pfree(parts->packed_memory);
		pfree(parts->work);
	}
	tuplesort_performsort(parts->sort);
	next_member(parts);
}

static void
free_parts(Parts *parts)
{
	tuplesort_end(parts->sort);
	pfree(parts->members);
}

/* ---- batches ---- */

static void
create_batch(Batch *batch, VdbHnswBuild *build)
{
	Size		row_size = build->hnsw->space.row_size;
	Size		codes_size = build->hnsw->codes_size;
	Size		of_row = row_size + codes_size + floats_size(build) + sizeof(ItemPointerData) +
		(1 + MOST_OVERLAP) * sizeof(uint32);

	batch->build = build;
	batch->n = 0;
	batch->max = Max(LEAST_BATCH, Min(BATCH_BYTES, build->budget / 16) / of_row);
	batch->rows = palloc_extended(batch->max * row_size, MCXT_ALLOC_HUGE);
	batch->floats = palloc_extended(batch->max * floats_size(build), MCXT_ALLOC_HUGE);
	batch->codes = palloc_extended(batch->max * codes_size, MCXT_ALLOC_HUGE);
	batch->nodes = palloc(batch->max * sizeof(uint32));
	batch->tids = palloc(batch->max * sizeof(ItemPointerData));
	batch->nearest = palloc(batch->max * MOST_OVERLAP * sizeof(uint32));
}

static void
free_batch(Batch *batch)
{
	pfree(batch->rows);
	pfree(batch->floats);
	pfree(batch->codes);
	pfree(batch->nodes);
	pfree(batch->tids);
	pfree(batch->nearest);
}

static char *
batch_row(const Batch *batch, uint32 i)
{
	return batch->rows + (Size) i * batch->build->hnsw->space.row_size;
}

static void
locate_rows(void *arg, size_t item, int thread)
{
	Batch	   *batch = arg;

	for (uint32 i = item * ITEM; i < Min((item + 1) * ITEM, batch->n); i++)
		locate(batch->build, batch_row(batch, i),
			   batch->floats + (Size) i * batch->build->hnsw->space.dim);
}

/* The parts that the rows of a batch belong to. */
static void
assign_batch(const Parts *parts, Batch *batch)
{
	VdbKmControl control = batch->build->control;

	control.progress = NULL;
	if (parts->centroids != NULL)
	{
		vdb_hnsw_build_check(vdb_km_each((batch->n + ITEM - 1) / ITEM, locate_rows, batch,
										 &control));
		vdb_hnsw_build_check(vdb_km_assign(&parts->packed, batch->floats, batch->n,
										   parts->overlap, batch->nearest, NULL, &control,
										   parts->work));
		return;
	}
	/* Rows that are equal have to meet. */
	for (uint32 i = 0; i < batch->n; i++)
	{
		uint32		hash = hash_bytes((unsigned char *) batch_row(batch, i),
									  batch->build->hnsw->space.row_size);

		for (uint32 j = 0; j < parts->overlap; j++)
			batch->nearest[parts->overlap * i + j] = (hash + j) % parts->n;
	}
}

static void
add_batch(Parts *parts, const Batch *batch)
{
	for (uint32 i = 0; i < parts->overlap * batch->n; i++)
		add_member(parts, batch->nearest[i], batch->nodes[i / parts->overlap]);
}

/* ---- slots ---- */

/* Makes the slot of a row of the batch, without neighbours yet; returns its number. */
static uint32
write_slot(VdbHnswBuild *build, Place *place, const Batch *batch, uint32 i)
{
	const VdbHnsw *hnsw = build->hnsw;
	VdbEdit		edit;
	Buffer		buffer = InvalidBuffer;
	Page		page;
	VdbHnswSlot *slot;

	vdb_edit_begin(&edit, build->index, true);
	if (place->left == 0)
	{
		BlockNumber block;

		page = vdb_edit_new(&edit, VDB_HNSW_NODES, vdb_hnsw_slot_at(hnsw, hnsw->per_page), &block);
		vdb_hnsw_check_block(hnsw, build->index, block);
		place->next = vdb_hnsw_number(hnsw, block, 0);
		place->left = hnsw->per_page;
	}
	else
	{
		buffer = vdb_page_read_exclusive(build->index, vdb_hnsw_block(hnsw, place->next),
										 VDB_HNSW_NODES);
		page = vdb_edit_page(&edit, buffer);
	}
	slot = vdb_hnsw_slot(hnsw, page, place->next % hnsw->per_page);
	slot->state = VDB_HNSW_NODE;
	slot->tid = batch->tids[i];
	slot->more = VDB_HNSW_NONE;
	memcpy(vdb_hnsw_codes(slot), batch->codes + (Size) i * hnsw->codes_size, hnsw->codes_size);
	memcpy(vdb_hnsw_row(hnsw, slot), batch_row(batch, i), hnsw->space.row_size);
	vdb_edit_finish(&edit);
	if (BufferIsValid(buffer))
		vdb_page_release(buffer);
	place->left--;
	return place->next++;
}

/* Has inserts find what the last page of a part has left. */
static void
offer_rest(VdbHnswBuild *build, const Place *place)
{
	BlockNumber block = vdb_hnsw_block(build->hnsw, place->next);
	Buffer		buffer;
	VdbEdit		edit;

	if (place->left == 0)
		return;
	buffer = vdb_page_read_exclusive(build->index, block, VDB_HNSW_NODES);
	vdb_edit_begin(&edit, build->index, true);
	vdb_hnsw_nodes(vdb_edit_page(&edit, buffer))->nfree = place->left;
	vdb_edit_finish(&edit);
	vdb_page_release(buffer);
	vdb_hnsw_offer(build->index, block);
}

/* ---- what was spilled ---- */

static void
sample_spilled(VdbHnswBuild *build, float *sample, uint32 *nsample)
{
	char	   *row = palloc(build->hnsw->space.row_size);
	char	   *codes = palloc(build->hnsw->codes_size + 1);
	ItemPointerData tid;
	uint32		wanted = *nsample;
	uint32		n = 0;

	/* Each with the same probability, so that exactly so many are taken. */
	rewind_spilled(build);
	for (uint64 left = build->nspilled; wanted > 0; left--)
	{
		read_spilled(build, row, &tid, codes);
		if (pg_prng_double(&build->random) * left < wanted)
		{
			n += locate(build, row, sample + (Size) n * build->hnsw->space.dim);
			wanted--;
		}
		CHECK_FOR_INTERRUPTS();
	}
	*nsample = n;
	pfree(row);
	pfree(codes);
}

/* Writes all slots, and says where they belong. */
static void
part_spilled(Parts *parts)
{
	VdbHnswBuild *build = parts->build;
	Place	   *places = palloc0(parts->n * sizeof(Place));
	Batch		batch;

	create_batch(&batch, build);
	rewind_spilled(build);
	for (uint64 done = 0; done < build->nspilled; done += batch.n)
	{
		for (batch.n = 0; batch.n < Min(batch.max, build->nspilled - done); batch.n++)
			read_spilled(build, batch_row(&batch, batch.n), &batch.tids[batch.n],
						 batch.codes + (Size) batch.n * build->hnsw->codes_size);
		assign_batch(parts, &batch);
		for (uint32 i = 0; i < batch.n; i++)
		{
			uint32		node = write_slot(build, &places[batch.nearest[parts->overlap * i]],
										  &batch, i);

			vdb_hnsw_bit_set(&build->nodes, node);
			build->nnodes++;
			batch.nodes[i] = node;
		}
		add_batch(parts, &batch);
		vdb_hnsw_build_progress(build, done);
		CHECK_FOR_INTERRUPTS();
	}
	for (uint32 i = 0; i < parts->n; i++)
		offer_rest(build, &places[i]);
	free_batch(&batch);
	pfree(places);
	BufFileClose(build->spill);
}

/* ---- a part that is too large ---- */

static void build_each(Parts *parts);

static bool
has_member(const Parts *parts, uint32 part)
{
	return parts->more && KEY_PART(parts->next) == part;
}

static void
flush_nodes(Parts *parts, Batch *batch)
{
	assign_batch(parts, batch);
	add_batch(parts, batch);
	batch->n = 0;
	CHECK_FOR_INTERRUPTS();
}

/* A node that has its slot is to be a member of these parts. */
static void
add_node(Parts *parts, Batch *batch, uint32 node)
{
	const VdbHnsw *hnsw = batch->build->hnsw;
	Buffer		buffer;
	const VdbHnswSlot *slot = vdb_hnsw_read(hnsw, batch->build->index, node, &buffer);

	if (slot->state == VDB_HNSW_NODE)
	{
		memcpy(batch_row(batch, batch->n), vdb_hnsw_row(hnsw, slot), hnsw->space.row_size);
		batch->nodes[batch->n++] = node;
	}
	vdb_page_release(buffer);
	if (batch->n == batch->max)
		flush_nodes(parts, batch);
}

/* Any of some nodes. */
static void
learn_from_nodes(Parts *parts, const uint32 *nodes, uint32 n, uint32 nsample)
{
	VdbHnswBuild *build = parts->build;
	const VdbHnsw *hnsw = build->hnsw;
	float	   *sample = palloc_extended(nsample * floats_size(build), MCXT_ALLOC_HUGE);
	uint32		taken = 0;

	for (uint32 i = 0; i < nsample; i++)
	{
		uint32		node = nodes[pg_prng_uint64_range(&build->random, 0, n - 1)];
		Buffer		buffer;

		taken += locate(build, vdb_hnsw_row(hnsw, vdb_hnsw_pin(hnsw, build->index, node, &buffer)),
						sample + (Size) taken * hnsw->space.dim);
		vdb_page_unpin(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	learn(parts, sample, taken);
}

/* Parts what did not fit: what was read of it, and what is still to come. */
static void
part_again(Parts *outer, uint32 part, const uint32 *nodes, uint32 n)
{
	VdbHnswBuild *build = outer->build;
	Parts		parts = {.build = build,.truth = outer->truth,.level = outer->level + 1};
	uint32		nsample = choose_size(&parts, outer->members[part]);
	Batch		batch;

	if (parts.level < MOST_LEVELS)
		learn_from_nodes(&parts, nodes, n, nsample);
	begin_parts(&parts);
	create_batch(&batch, build);
	for (uint32 i = 0; i < n; i++)
		add_node(&parts, &batch, nodes[i]);
	for (; has_member(outer, part); next_member(outer))
		add_node(&parts, &batch, (uint32) outer->next);
	flush_nodes(&parts, &batch);
	free_batch(&batch);
	end_adding(&parts);
	/* There is more to do than was thought. */
	build->total += parts.nmembers - outer->members[part];
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, build->total);
	build_each(&parts);
	free_parts(&parts);
}

/* ---- all of them ---- */

/* The graphs of parts, one after the other. */
static void
build_each(Parts *parts)
{
	for (uint32 i = 0; i < parts->n; i++)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw build part",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);
		VdbHnswPart part;

		vdb_hnsw_part_begin(&part, parts->build, parts->members[i]);
		for (; has_member(parts, i) && part.n < part.room; next_member(parts))
			vdb_hnsw_part_add(&part, (uint32) parts->next);
		parts->build->step = parts->members[i];
		if (!has_member(parts, i))
		{
			vdb_hnsw_truth_see(parts->truth, &part);
			vdb_hnsw_part_finish(&part);
			parts->build->done += parts->members[i];
		}
		else
		{
			vdb_hnsw_part_forget_rows(&part);
			part_again(parts, i, part.nodes, part.n);
		}
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		vdb_hnsw_build_return_memory();
	}
}

/* What searches begin at; that they come to all nodes; and how wide they have to be. */
static void
finish_parts(VdbHnswBuild *build, const VdbHnswTruth *truth)
{
	VdbHnswVacuum v = {
		.index = build->index,
		.hnsw = build->hnsw,
		.live = build->nodes,
		.nlive = build->nnodes,
	};
	VdbHnswState state;

	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_CONNECT, 0);
	vdb_hnsw_read_state(build->index, &state);
	vdb_hnsw_write_built(build->index, &build->meta, &state, build->hnsw->space.origin);
	vdb_hnsw_vacuum_entries(&v);
	vdb_hnsw_vacuum_reach(&v);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_MEASURE, 0);
	vdb_hnsw_truth_measure(truth, build->index);
}

void
vdb_hnsw_build_parts(VdbHnswBuild *build)
{
	Parts		parts = {.build = build};
	uint32		nsample;
	float	   *sample;

	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_PARTS, build->nspilled);
	nsample = choose_size(&parts, build->nspilled);
	sample = palloc_extended(nsample * floats_size(build), MCXT_ALLOC_HUGE);
	sample_spilled(build, sample, &nsample);
	learn(&parts, sample, nsample);
	begin_parts(&parts);
	part_spilled(&parts);
	end_adding(&parts);
	vdb_hnsw_build_return_memory();
	parts.truth = vdb_hnsw_truth_create(build);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_GRAPH, parts.nmembers);
	build_each(&parts);
	free_parts(&parts);
	finish_parts(build, parts.truth);
}
