/*
 * build.c
 *	  CREATE INDEX: learn from a sample, assign all rows to lists and encode
 *	  them, sort them by list, write list after list.
 *
 * Nobody sees the index until the build is done, so pages are written without
 * WAL and logged whole at the end.
 *
 * Memory: maintenance_work_mem is the budget for everything here.  The sample
 * and what trains on it are gone when rows are assigned, so these are two sums,
 * learn_memory() and assign_memory(), of which the larger has to fit.
 */
#include "postgres.h"

#include <math.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "commands/defrem.h"
#include "commands/progress.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "am/common/options.h"
#include "am/ivf/build.h"
#include "point/point.h"

/* Rows that centres are trained on, for each list. */
#define SAMPLE_PER_LIST 32
#define MAX_SAMPLE 400000

/*
 * Bytes of a batch of rows, the least number of rows, and how many of them a
 * thread assigns at a time.
 */
#define BATCH_BYTES (4 * 1024 * 1024)
#define LEAST_BATCH 4
#define NBATCHES 2
#define ITEM_ROWS 48

/* What PostgreSQL's sort takes at least, and what is small here. */
#define LEAST_SORT (256 * 1024)
#define SMALL_CHANGE (64 * 1024)

/* Columns of the sort. */
enum
{
	COLUMN_KEY = 1, COLUMN_ENTRY, NCOLUMNS = COLUMN_ENTRY
};

/* What the sort's key is: the list, then the order of the table. */
#define KEY(list, number) ((int64) (list) << 40 | (number))
#define KEY_LIST(key) ((uint32) ((key) >> 40))

/*
 * An entry on its way through the sort, as a bytea.  After what is encoded come
 * the filter columns' codes.
 */
typedef struct Entry
{
	int32		header;			/* varlena */
	ItemPointerData tid;
	uint16		unused;
	char		encoded[FLEXIBLE_ARRAY_MEMBER];
} Entry;

/* Rows on their way to their lists. */
typedef struct Batch
{
	uint32		n;
	char	   *raw;
	float	   *rotated;
	uint32	   *lists;
	bool	   *nowhere;		/* zero vectors, under cosine */
	char	   *entries;		/* Entry each */
} Batch;

/*
 * What assigns and encodes.  While one batch is filled from the table, threads
 * work on the other.  All that they look at is in the build's memory context,
 * which waits for them before it goes, however the build ends.
 */
typedef struct Assignment
{
	VdbIvfBuild *build;
	Batch		batches[NBATCHES];
	Batch	   *filling;
	Batch	   *working;		/* by the team, or nothing */
	uint32		max;			/* rows of a batch */
	Size		raw_size;		/* of a vector as it is in the table */
	Size		entry_size;
	Size		codes_at;		/* in an entry's encoded */
	char	   *codes;			/* of a row without a vector */
	Tuplesortstate *sort;
	TupleTableSlot *slot;

	/* for the threads */
	VdbKmTeam  *team;
	MemoryContextCallback before_reset;
	const VdbIvf *ivf;
	const float *centres;
	VdbKmPacked packed;			/* if there is more than one list */
	float	   *scratch;		/* 2 x dim for each thread */
	char	   *work;			/* for each thread: */
	Size		work_size;
	volatile bool stopped;
} Assignment;

/* ---- progress and interrupts ---- */

void
vdb_ivf_build_phase(VdbIvfBuild *build, int64 phase, int64 total)
{
	const int	params[] = {
		PROGRESS_CREATEIDX_SUBPHASE, PROGRESS_CREATEIDX_TUPLES_TOTAL,
		PROGRESS_CREATEIDX_TUPLES_DONE,
	};
	const int64 values[] = {phase, total, 0};

	build->total = total;
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

void
vdb_ivf_build_progress(VdbIvfBuild *build, int64 done)
{
	/* The total may be a guess. */
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, Min(done, build->total));
}

static void
tell_progress(void *arg, uint64_t done, uint64_t total)
{
	VdbIvfBuild *build = arg;

	vdb_ivf_build_progress(build, (double) build->total * done / Max(total, 1));
}

static bool
is_interrupted(void *arg)
{
	/* Not for what does not end the statement: it can wait. */
	return QueryCancelPending || ProcDiePending;
}

void
vdb_ivf_build_check(VdbKmStatus status)
{
	CHECK_FOR_INTERRUPTS();
	if (status != VDB_KM_OK)
		elog(ERROR, "k-means failed: %d", (int) status);
}

/* ---- memory ---- */

/* What is needed at any time: work memory of threads, rows being read, ... */
static Size
common_memory(const VdbIvfBuild *build, int threads)
{
	const VdbIvf *ivf = build->ivf;
	Size		floats = ivf->space.dim * sizeof(float);

	return SMALL_CHANGE + floats * (2 * threads + 4) +
		2 * vdb_am_bytes(ivf->space.kind, ivf->space.dim) +
		vdb_ivf_writer_memory(ivf, &ivf->list) + vdb_ivf_list_work(ivf) +
		vdb_ivf_codebook_memory(ivf, threads);
}

/* Whole cache lines, so that threads keep to their own. */
Size
vdb_ivf_assign_work(uint32 dim, uint32 nlists, uint32 ntops)
{
	return TYPEALIGN(64, vdb_km_assign_size(nlists, ntops, dim, 1, 1));
}

/* Of what finds the nearest list. */
static Size
route_memory(Size dim, uint32 nlists, Size ntops, int threads)
{
	return vdb_km_pack_size(nlists, ntops, dim) + threads * vdb_ivf_assign_work(dim, nlists, ntops);
}

static Size
centres_memory(const VdbIvfBuild *build, uint32 nlists, int threads)
{
	Size		dim = build->ivf->space.dim;
	Size		ntops = vdb_km_tops(nlists);
	Size		size = (nlists + ntops) * (dim * sizeof(float) + sizeof(BlockNumber));

	if (nlists > 1)
		size += route_memory(dim, nlists, ntops, threads);
	return size;
}

/* For a sample of n rows. */
static Size
learn_memory(const VdbIvfBuild *build, uint32 nlists, Size n, int threads)
{
	Size		dim = build->ivf->space.dim;
	Size		train = 0;
	VdbKmTraining training = {.n = n, .dim = dim, .k = nlists};

	if (nlists > 1)
	{
		vdb_km_train_defaults(&training);
		/* The centres are packed once more when this is gone. */
		train = vdb_km_train_size(&training, threads);
		train -= Min(train, route_memory(dim, nlists, training.ntops, threads));
		train = Max(train, vdb_ivf_probes_memory(dim, nlists, threads));
	}
	return common_memory(build, threads) + centres_memory(build, nlists, threads) + train +
		n * dim * sizeof(float);
}

static Size
entry_size(const VdbIvf *ivf)
{
	return offsetof(Entry, encoded) + vdb_ivf_encoded_size(ivf, &ivf->list) +
		TYPEALIGN(4, ivf->meta.codes_size);
}

/* Of a row in a batch. */
static Size
row_memory(const VdbIvfBuild *build)
{
	const VdbIvf *ivf = build->ivf;

	return vdb_am_bytes(ivf->space.kind, ivf->space.dim) + ivf->space.dim * sizeof(float) +
		entry_size(ivf) + sizeof(uint32) + sizeof(bool);
}

/* Without the batch and the sort. */
static Size
assign_memory(const VdbIvfBuild *build, uint32 nlists, int threads)
{
	return common_memory(build, threads) + centres_memory(build, nlists, threads);
}

void
vdb_ivf_build_fit(VdbIvfBuild *build, double rows, bool guess)
{
	int			asked = vdb_am_ivf_options(build->index).lists;
	uint32		nlists = asked > 0 ? asked :
		Max(1, Min(VDB_AM_MAX_LISTS, vdb_ivf_auto_lists(build->ivf, rows)));
	Size		of_row = build->ivf->space.dim * sizeof(float) + 4 * sizeof(uint32);
	Size		least = 0;
	int			threads = Min(max_parallel_maintenance_workers + 1, vdb_km_processors());

	nlists = Max(1, Min(nlists, rows));
	for (;;)
	{
		/* No centres without as many rows, and twice that make them better. */
		Size		rows_least = Min(nlists * (asked > 0 ? 1 : 2), Max(rows, 1));
		Size		learn = learn_memory(build, nlists, 0, threads);

		least = Max(learn + rows_least * of_row,
					assign_memory(build, nlists, threads) + NBATCHES * LEAST_BATCH * row_memory(build) +
					LEAST_SORT);
		if (least <= build->budget || (guess && nlists == 1 && threads == 1))
		{
			Size		room = build->budget > learn ? (build->budget - learn) / of_row : 0;

			build->nlists = nlists;
			build->control.threads = threads;
			build->max_sample = Max(rows_least, Min(room, Min(MAX_SAMPLE, (Size) nlists * SAMPLE_PER_LIST)));
			return;
		}
		if (threads > 1)
			threads = 1;
		else if (nlists > 1 && (asked == 0 || guess))
			nlists = Max(1, nlists * 0.9);
		else
			break;
	}
	ereport(ERROR,
			errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("memory required is %zu kB, maintenance_work_mem is %d kB",
				   (least + 1023) / 1024, maintenance_work_mem),
			asked > 0 ? errhint("Increase maintenance_work_mem, or ask for fewer lists.") :
			errhint("Increase maintenance_work_mem."));
}

/*
 * Gives back to the system what has been freed: malloc() may keep holes in the
 * midst of what is in use, and the next phase does not fit them.
 */
static void
return_memory(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* ---- assigning ---- */

static void
rotate_rows(const Assignment *assignment, Batch *batch, uint32 from, uint32 to)
{
	const VdbIvf *ivf = assignment->ivf;

	for (uint32 i = from; i < to; i++)
	{
		float	   *row = batch->rotated + (Size) i * ivf->space.dim;

		batch->lists[i] = 0;
		batch->nowhere[i] = !vdb_am_rotate(&ivf->space, batch->raw + i * assignment->raw_size,
										   row, row);
		if (batch->nowhere[i])
			memset(row, 0, ivf->space.dim * sizeof(float));
	}
}

static void
encode_rows(const Assignment *assignment, Batch *batch, uint32 from, uint32 to, float *scratch)
{
	const VdbIvf *ivf = assignment->ivf;

	for (uint32 i = from; i < to; i++)
		vdb_ivf_encode(ivf, &ivf->list, batch->rotated + (Size) i * ivf->space.dim,
					   assignment->centres + (Size) batch->lists[i] * ivf->space.dim, 0,
					   vdb_am_is_plain(&ivf->space) ? batch->raw + i * assignment->raw_size : NULL,
					   scratch, ((Entry *) (batch->entries + i * assignment->entry_size))->encoded);
}

/* A thread's work: some rows of a batch, from what the table has to entries. */
static void
assign_rows(void *arg, size_t item, int thread)
{
	static const VdbKmControl control = {.threads = 1,.interrupt = is_interrupted};
	Assignment *assignment = arg;
	Batch	   *batch = assignment->working;
	Size		dim = assignment->ivf->space.dim;
	uint32		from = item * ITEM_ROWS;
	uint32		to = Min(from + ITEM_ROWS, batch->n);

	rotate_rows(assignment, batch, from, to);
	if (assignment->packed.book.k > 1 &&
		vdb_km_assign(&assignment->packed, batch->rotated + from * dim, to - from, 1,
					  batch->lists + from, NULL, &control,
					  assignment->work + thread * assignment->work_size) != VDB_KM_OK)
	{
		assignment->stopped = true;
		return;
	}
	encode_rows(assignment, batch, from, to, assignment->scratch + thread * 2 * dim);
}

/* Gives a batch's entries to the sort. */
static void
sort_batch(Assignment *assignment, Batch *batch)
{
	VdbIvfBuild *build = assignment->build;

	for (uint32 i = 0; i < batch->n; i++)
	{
		TupleTableSlot *slot = assignment->slot;
		Entry	   *entry = (Entry *) (batch->entries + i * assignment->entry_size);

		if (batch->nowhere[i])
		{
			vdb_ivf_tids_add(build->ivf, build->index, build->meta.zeros, build->building,
							 &entry->tid, entry->encoded + assignment->codes_at);
			continue;
		}
		SET_VARSIZE(entry, assignment->entry_size);
		ExecClearTuple(slot);
		slot->tts_values[COLUMN_KEY - 1] = Int64GetDatum(KEY(batch->lists[i], build->placed++));
		slot->tts_values[COLUMN_ENTRY - 1] = PointerGetDatum(entry);
		slot->tts_isnull[COLUMN_KEY - 1] = slot->tts_isnull[COLUMN_ENTRY - 1] = false;
		ExecStoreVirtualTuple(slot);
		tuplesort_puttupleslot(assignment->sort, slot);
	}
	batch->n = 0;
}

/*
 * Has the team work on the batch that has been filled, and gives the one that it
 * had to the sort, to be filled next.
 */
static void
flush_batch(Assignment *assignment)
{
	VdbIvfBuild *build = assignment->build;
	VdbKmControl control = build->control;
	Batch	   *full = assignment->filling;
	Batch	   *done = assignment->working;
	VdbKmStatus status = vdb_km_finish(assignment->team);

	control.progress = NULL;
	vdb_ivf_build_check(assignment->stopped ? VDB_KM_STOPPED : status);
	assignment->working = full;
	assignment->filling = done;
	vdb_km_begin(assignment->team, (full->n + ITEM_ROWS - 1) / ITEM_ROWS, assign_rows, assignment,
				 &control);
	sort_batch(assignment, done);
	vdb_ivf_build_progress(build, build->seen);
	CHECK_FOR_INTERRUPTS();
}

static void
assign_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Assignment *assignment = arg;
	VdbIvfBuild *build = assignment->build;
	Batch	   *batch = assignment->filling;
	const VdbIvf *ivf = build->ivf;
	VdbAmVector vector;
	Entry	   *entry;

	build->seen++;
	if (isnull[0])
	{
		vdb_am_columns_encode(&build->columns, values, isnull, assignment->codes);
		vdb_ivf_tids_add(ivf, index, build->meta.nulls, build->building, tid, assignment->codes);
		return;
	}
	vdb_am_vector(ivf->space.kind, values[0], &vector);
	vdb_am_check_dim(ivf->space.kind, ivf->space.dim, vector.dim);
	memcpy(batch->raw + batch->n * assignment->raw_size, vector.elements, assignment->raw_size);
	vdb_am_vector_free(&vector);
	entry = (Entry *) (batch->entries + batch->n * assignment->entry_size);
	entry->tid = *tid;
	vdb_am_columns_encode(&build->columns, values, isnull, entry->encoded + assignment->codes_at);
	if (++batch->n == assignment->max)
		flush_batch(assignment);
}

static void
begin_sort(Assignment *assignment, Size memory)
{
	TupleDesc	desc = CreateTemplateTupleDesc(NCOLUMNS);
	AttrNumber	keys[] = {COLUMN_KEY};
	Oid			operators[] = {Int8LessOperator};
	Oid			collations[] = {InvalidOid};
	bool		nulls_first[] = {false};

	TupleDescInitEntry(desc, COLUMN_KEY, "key", INT8OID, -1, 0);
	TupleDescInitEntry(desc, COLUMN_ENTRY, "entry", BYTEAOID, -1, 0);
	assignment->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	assignment->sort = tuplesort_begin_heap(desc, 1, keys, operators, collations, nulls_first,
									   memory / 1024, NULL, TUPLESORT_NONE);
}

static void
abandon_team(void *team)
{
	vdb_km_abandon(team);
}

/* Makes the batches and what the threads need, in the current memory context. */
static Assignment *
create_assignment(VdbIvfBuild *build, uint32 max)
{
	Assignment *assignment = palloc0(sizeof(Assignment));
	const VdbIvf *ivf = build->ivf;
	Size		threads = build->control.threads;

	assignment->build = build;
	assignment->max = max;
	assignment->raw_size = vdb_am_bytes(ivf->space.kind, ivf->space.dim);
	assignment->entry_size = entry_size(ivf);
	assignment->codes_at = vdb_ivf_encoded_size(ivf, &ivf->list);
	assignment->codes = palloc(ivf->meta.codes_size + 1);
	for (int i = 0; i < NBATCHES; i++)
	{
		Batch	   *batch = &assignment->batches[i];

		batch->raw = palloc_extended(max * assignment->raw_size, MCXT_ALLOC_HUGE);
		batch->rotated = palloc_extended((Size) max * ivf->space.dim * sizeof(float),
										 MCXT_ALLOC_HUGE);
		batch->entries = palloc_extended(max * assignment->entry_size, MCXT_ALLOC_HUGE);
		batch->lists = palloc(max * sizeof(uint32));
		batch->nowhere = palloc(max * sizeof(bool));
	}
	assignment->filling = &assignment->batches[0];
	assignment->working = &assignment->batches[1];

	assignment->ivf = ivf;
	assignment->centres = build->centres;
	assignment->packed = build->packed;
	assignment->scratch = palloc_extended(threads * 2 * ivf->space.dim * sizeof(float),
										  MCXT_ALLOC_HUGE);
	assignment->work = build->work;
	assignment->work_size = build->work_size;
	assignment->team = vdb_km_team(palloc(vdb_km_team_size()));
	assignment->before_reset.func = abandon_team;
	assignment->before_reset.arg = assignment->team;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &assignment->before_reset);
	return assignment;
}

static void
free_batches(Assignment *assignment)
{
	for (int i = 0; i < NBATCHES; i++)
	{
		pfree(assignment->batches[i].raw);
		pfree(assignment->batches[i].rotated);
		pfree(assignment->batches[i].entries);
	}
}

/* Assigns and encodes all rows of the table; they come out of the sort. */
static Assignment *
assign_all(VdbIvfBuild *build)
{
	Size		used = assign_memory(build, build->nlists, build->control.threads);
	Size		left = build->budget > used ? build->budget - used : 0;
	uint32		max = Max(LEAST_BATCH, Min(BATCH_BYTES, left / 4 / NBATCHES) / row_memory(build));
	Assignment *assignment = create_assignment(build, max);

	used = NBATCHES * max * row_memory(build);
	left = left > used ? left - used : 0;
	/* Long entries are allocated one by one, and the merge cannot use the holes. */
	if (assignment->entry_size > BLCKSZ)
		left /= 2;
	begin_sort(assignment, left);
	vdb_ivf_build_phase(build, VDB_IVF_PHASE_ASSIGN, build->rows);
	build->heap_rows = table_index_build_scan(build->heap, build->index, build->info, true, false,
											  assign_row, assignment, NULL);
	/* the one that is being filled, and the one before it */
	for (int i = 0; i < NBATCHES; i++)
		flush_batch(assignment);
	free_batches(assignment);
	return_memory();
	vdb_ivf_build_phase(build, VDB_IVF_PHASE_SORT, build->placed);
	tuplesort_performsort(assignment->sort);
	return assignment;
}

/* ---- writing ---- */

/* Writes all lists, in order; heads[i] becomes the first page of list i. */
static void
write_lists(Assignment *assignment, BlockNumber *heads)
{
	VdbIvfBuild *build = assignment->build;
	const VdbIvf *ivf = build->ivf;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(assignment->slot->tts_tupleDescriptor,
													&TTSOpsMinimalTuple);
	bool		more = tuplesort_gettupleslot(assignment->sort, true, false, slot, NULL);
	int64		done = 0;

	vdb_ivf_build_phase(build, VDB_IVF_PHASE_WRITE, build->placed);
	for (uint32 list = 0; list < build->nlists; list++)
	{
		VdbIvfWriter *writer = vdb_ivf_writer_begin(ivf, &ivf->list, build->index,
													build->building, list);

		for (; more; more = tuplesort_gettupleslot(assignment->sort, true, false, slot, NULL))
		{
			ItemPointerData tid;
			const char *data;

			slot_getallattrs(slot);
			if (KEY_LIST(DatumGetInt64(slot->tts_values[COLUMN_KEY - 1])) != list)
				break;
			/* A short entry has got a short header, and any address. */
			data = VARDATA_ANY(DatumGetPointer(slot->tts_values[COLUMN_ENTRY - 1]));
			memcpy(&tid, data, sizeof(tid));
			data += offsetof(Entry, encoded) - offsetof(Entry, tid);
			vdb_ivf_writer_add(writer, &tid, data + assignment->codes_at, data);
			if (++done % 256 == 0)
				vdb_ivf_build_progress(build, done);
			CHECK_FOR_INTERRUPTS();
		}
		heads[list] = vdb_ivf_writer_end(writer);
	}
	vdb_ivf_build_progress(build, done);
	ExecDropSingleTupleTableSlot(slot);
}

static void
write_directory(VdbIvfBuild *build, const BlockNumber *heads)
{
	const VdbIvf *ivf = build->ivf;
	uint16	   *halves = palloc0(ivf->directory.row_size);
	void	   *work = palloc(vdb_ivf_list_work(ivf));

	build->meta.directory = vdb_ivf_list_create(&ivf->directory, build->index, build->building,
												VDB_IVF_DIRECTORY);
	for (uint32 list = 0; list < build->nlists; list++)
	{
		const float *centre = build->centres + (Size) list * ivf->space.dim;
		VdbIvfListInfo info = {
			.number = build->first_number + list,
			.died = VDB_IVF_LIVES,
			.square = vdb_dist_square(VDB_F32, centre, ivf->space.dim),
		};
		VdbIvfEntry entry = {.rotated = centre,.row = halves,.info = &info};

		ItemPointerSet(&entry.tid, heads[list], 1);
		vdb_kernel.f32_to_f16(centre, halves, ivf->space.dim);
		vdb_ivf_list_add(ivf, &ivf->directory, build->index, build->building,
						 build->meta.directory, VDB_IVF_DIRECTORY, &entry, work, NULL);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- the whole ---- */

static uint8
resolve_coding(Relation index, const VdbAmKind *kind)
{
	VdbAmQuantizer quantizer = vdb_am_ivf_options(index).quantizer;
	bool		can_code = kind->type != NULL &&
		(kind->metric == VDB_L2SQ || kind->metric == VDB_IP || kind->metric == VDB_COSINE);

	switch (quantizer)
	{
		case VDB_AM_QUANTIZER_AUTO:
			if (strcmp(get_am_name(index->rd_rel->relam), "ivfflat") == 0)
				return VDB_IVF_PLAIN;
			return can_code ? VDB_IVF_RABITQ : VDB_IVF_PLAIN;
		case VDB_AM_QUANTIZER_NONE:
			return VDB_IVF_PLAIN;
		default:
			break;
	}
	if (!can_code)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("quantizer \"%s\" does not support this operator class",
					   vdb_am_quantizer_name(quantizer)),
				errhint("Leave the option out, or use quantizer = none."));
	return quantizer == VDB_AM_QUANTIZER_SQ8 ? VDB_IVF_SQ8 :
		quantizer == VDB_AM_QUANTIZER_PQ ? VDB_IVF_PQ : VDB_IVF_RABITQ;
}

/* VdbQuantBits of the rows beside codes. */
static uint8
resolve_bits(Relation index, uint8 coding)
{
	int			bits = vdb_am_ivf_options(index).bits;

	if (bits != 0 && coding != VDB_IVF_RABITQ && coding != VDB_IVF_PQ)
		vdb_am_no_bits(VDB_AM_QUANTIZER_NONE);
	return bits == 1 ? VDB_QUANT_1BIT : bits == 2 ? VDB_QUANT_2BITS :
		bits == 4 ? VDB_QUANT_4BITS : VDB_QUANT_8BITS;
}

static void
init_meta(Relation index, const VdbAmKind *kind, const VdbAmColumns *columns, uint64 seed,
		  VdbIvfMeta *meta)
{
	if (columns->size > VDB_IVF_MAX_CODES)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("filter columns take %u bytes of a row, the most is %d", columns->size,
					   VDB_IVF_MAX_CODES),
				errhint("Leave some of them out: an index of their own is combined with this one."));
	memset(meta, 0, sizeof(*meta));
	meta->magic = VDB_IVF_MAGIC;
	meta->dim = vdb_am_index_dim(index, VDB_MAX_DIM);
	meta->elem = kind->elem;
	meta->metric = kind->metric;
	meta->coding = resolve_coding(index, kind);
	meta->bits = resolve_bits(index, meta->coding);
	meta->version = meta->bits == VDB_QUANT_1BIT ? VDB_IVF_VERSION : VDB_IVF_VERSION_BEFORE_1BIT;
	meta->rotation = VDB_QUANT_ROTATION_VERSION;
	meta->block = VDB_QUANT_BLOCK_VERSION;
	meta->row = vdb_am_row_version(vdb_ivf_rows(meta->coding));
	meta->flat = strcmp(get_am_name(index->rd_rel->relam), "ivfflat") == 0;
	meta->seed = seed;
	meta->scale = 1;
	meta->state = meta->directory = meta->origin = InvalidBlockNumber;
	meta->zeros = meta->nulls = meta->codebook = InvalidBlockNumber;
	meta->product = meta->coding == VDB_IVF_PQ ? VDB_QUANT_PQ_VERSION : 0;
	meta->codes_size = columns->size;
	meta->columns_mark = columns->mark;
}

/* Fills the metapage, which is block 0. */
static void
write_meta(Relation index, bool building, const VdbIvfMeta *meta)
{
	Buffer		buffer = vdb_page_read_exclusive(index, VDB_IVF_METAPAGE, VDB_IVF_META);
	VdbEdit		edit;

	vdb_edit_begin(&edit, index, building);
	memcpy(vdb_page_contents(vdb_edit_page(&edit, buffer)), meta, sizeof(*meta));
	vdb_edit_finish(&edit);
	vdb_page_release(buffer);
}

/* The metapage to be, still empty: block 0. */
static void
make_metapage(Relation index)
{
	VdbEdit		edit;
	BlockNumber block;

	vdb_edit_begin(&edit, index, true);
	vdb_edit_new(&edit, VDB_IVF_META, sizeof(VdbIvfMeta), &block);
	vdb_edit_finish(&edit);
	Assert(block == VDB_IVF_METAPAGE);
}

/* Learns from the table, and writes its rows; heads has room for each list. */
static BlockNumber *
build_lists(VdbIvfBuild *build)
{
	Assignment *assignment;
	BlockNumber *heads;

	vdb_ivf_learn_sample(build);
	vdb_ivf_learn_origin(build);
	vdb_ivf_learn_centres(build);
	vdb_ivf_learn_probes(build);
	if (build->ivf->list.product)
		vdb_ivf_learn_codebook(build);
	pfree(build->sample);
	return_memory();
	heads = palloc_extended(build->nlists * sizeof(BlockNumber), MCXT_ALLOC_HUGE);
	assignment = assign_all(build);
	write_lists(assignment, heads);
	tuplesort_end(assignment->sort);
	return heads;
}

/* An index without rows has one list, whose centre is zero. */
static BlockNumber *
build_no_lists(VdbIvfBuild *build)
{
	BlockNumber *heads = palloc(sizeof(BlockNumber));

	build->nlists = 1;
	build->centres = palloc_extended(build->ivf->space.dim * sizeof(float),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	vdb_ivf_learn_origin(build);
	vdb_ivf_learn_probes(build);
	if (build->ivf->list.product)
		vdb_ivf_learn_codebook(build);
	heads[0] = vdb_ivf_writer_end(vdb_ivf_writer_begin(build->ivf, &build->ivf->list, build->index,
													   build->building, build->first_number));
	return heads;
}

/* All that comes after the metapage, and then what it says. */
static void
build_pages(VdbIvfBuild *build)
{
	BlockNumber *heads;

	/* There is nothing to learn from: the first insert will do this. */
	if (build->heap != NULL && RelationGetNumberOfBlocks(build->heap) == 0)
	{
		write_meta(build->index, build->building, &build->meta);
		return;
	}
	build->ivf = vdb_ivf_describe(vdb_am_kind(build->index), &build->meta);
	build->budget = (Size) maintenance_work_mem * 1024;
	build->control.interrupt = is_interrupted;
	build->control.progress = tell_progress;
	build->control.arg = build;
	build->meta.state = vdb_ivf_make_state(build->index, build->building);
	build->meta.zeros = vdb_ivf_tids_create(build->index, build->building);
	build->meta.nulls = vdb_ivf_tids_create(build->index, build->building);
	heads = build->heap != NULL ? build_lists(build) : build_no_lists(build);
	VDB_PAUSE("ivf-build-listed");
	build->meta.origin = vdb_page_write_floats(build->index, build->building, VDB_IVF_FLOATS,
											   build->ivf->space.origin, build->ivf->space.dim);
	if (build->ivf->list.product)
		build->meta.codebook = vdb_page_write_floats(build->index, build->building,
													 VDB_IVF_FLOATS, build->ivf->pq.codebook,
													 vdb_ivf_codebook_size(build->ivf));
	write_directory(build, heads);
	vdb_page_build_done(build->index);
	VDB_PAUSE("ivf-build-directory");
	build->state.nlists = build->state.measured = build->nlists;
	build->state.next_number = build->first_number + build->nlists;
	build->state.rows = build->placed;
	build->state.blocks = RelationGetNumberOfBlocks(build->index);
	build->ivf->meta = build->meta;
	vdb_ivf_write_state(build->index, build->ivf, build->building, &build->state);
	write_meta(build->index, build->building, &build->meta);
}

static void
run_build(VdbIvfBuild *build)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "ivf build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	build_pages(build);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static uint64
new_seed(void)
{
	return pg_prng_uint64(&pg_global_prng_state);
}

IndexBuildResult *
vdb_ivf_build(Relation heap, Relation index, IndexInfo *info)
{
	IndexBuildResult *result = palloc(sizeof(IndexBuildResult));
	VdbIvfBuild build = {.heap = heap, .index = index, .info = info, .building = true};

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	vdb_am_columns_open(index, &build.columns);
	init_meta(index, vdb_am_kind(index), &build.columns, new_seed(), &build.meta);
	pg_prng_seed(&build.random, build.meta.seed);
	vdb_page_build_ahead(index);
	make_metapage(index);
	run_build(&build);
	vdb_ivf_build_phase(&build, VDB_IVF_PHASE_LOG, 0);
	vdb_page_log_all(index, MAIN_FORKNUM);
	VDB_PAUSE("ivf-build-logged");
	result->heap_tuples = build.heap_rows;
	result->index_tuples = build.seen;
	return result;
}

/*
 * The init fork of an unlogged index has a metapage only; what is copied from
 * it after a crash is completed by the first insert.
 */
void
vdb_ivf_build_empty(Relation index)
{
	VdbAmColumns columns;
	VdbIvfMeta	meta;

	vdb_am_columns_open(index, &columns);
	init_meta(index, vdb_am_kind(index), &columns, new_seed(), &meta);
	vdb_page_write_init(index, VDB_IVF_META, &meta, sizeof(meta));
}

void
vdb_ivf_complete(Relation index, Datum first, bool isnull)
{
	VdbIvfBuild build = {.index = index, .first = isnull ? NULL : DatumGetPointer(first)};

	vdb_page_guard(index, VDB_IVF_METAPAGE);
	vdb_ivf_read_meta(index, &build.meta);
	/* Somebody else may have been faster. */
	if (build.meta.directory == InvalidBlockNumber)
	{
		/*
		 * If an error or a crash left this half done, there are pages of a
		 * list already: to vacuum they must not be those of the new one.
		 */
		build.first_number = RelationGetNumberOfBlocks(index);
		run_build(&build);
	}
	vdb_page_unguard(index, VDB_IVF_METAPAGE);
}

char *
vdb_ivf_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case VDB_IVF_PHASE_SAMPLE:
			return "sampling table";
		case VDB_IVF_PHASE_TRAIN:
			return "performing k-means";
		case VDB_IVF_PHASE_PROBES:
			return "measuring recall";
		case VDB_IVF_PHASE_ASSIGN:
			return "assigning tuples";
		case VDB_IVF_PHASE_SORT:
			return "sorting tuples";
		case VDB_IVF_PHASE_WRITE:
			return "loading tuples";
		case VDB_IVF_PHASE_LOG:
			return "writing WAL";
		default:
			return NULL;
	}
}
