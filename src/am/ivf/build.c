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

/* Rows that centres are trained on, for each list. */
#define SAMPLE_PER_LIST 32
#define MAX_SAMPLE 400000

/* Bytes of the rows assigned at a time, and the least number of rows. */
#define BATCH_BYTES (8 * 1024 * 1024)
#define LEAST_BATCH 8

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
	VdbIvfBuild *build;
	uint32		n;
	uint32		max;
	Size		raw_size;		/* of a vector as it is in the table */
	Size		entry_size;
	char	   *raw;
	float	   *rotated;
	uint32	   *lists;
	bool	   *nowhere;		/* zero vectors, under cosine */
	char	   *entries;		/* Entry each */
	Size		codes_at;		/* in an entry's encoded */
	char	   *codes;			/* of a row without a vector */
	float	   *scratch;		/* 2 x dim for each thread */
	Tuplesortstate *sort;
	TupleTableSlot *slot;
} Batch;

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

static Size
centres_memory(const VdbIvfBuild *build, uint32 nlists, int threads)
{
	Size		dim = build->ivf->space.dim;
	Size		ntops = vdb_km_tops(nlists);
	Size		size = (nlists + ntops) * (dim * sizeof(float) + sizeof(BlockNumber));

	if (nlists > 1)
		size += vdb_km_pack_size(nlists, ntops, dim) +
			vdb_km_assign_size(nlists, ntops, dim, 1, threads);
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
		train -= Min(train, vdb_km_pack_size(nlists, training.ntops, dim) +
					 vdb_km_assign_size(nlists, training.ntops, dim, 1, threads));
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

/* Lists for so many rows, if the user does not say. */
static uint32
auto_lists(double rows)
{
	return Max(1, Min(VDB_AM_MAX_LISTS, 2 * sqrt(rows)));
}

void
vdb_ivf_build_fit(VdbIvfBuild *build, double rows, bool guess)
{
	int			asked = vdb_am_ivf_options(build->index).lists;
	uint32		nlists = asked > 0 ? asked : auto_lists(rows);
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
					assign_memory(build, nlists, threads) + LEAST_BATCH * row_memory(build) +
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
rotate_rows(void *arg, size_t item, int thread)
{
	Batch	   *batch = arg;
	const VdbIvf *ivf = batch->build->ivf;
	uint32		end = Min((item + 1) * 32, batch->n);

	for (uint32 i = item * 32; i < end; i++)
	{
		float	   *row = batch->rotated + (Size) i * ivf->space.dim;

		batch->lists[i] = 0;
		batch->nowhere[i] = !vdb_am_rotate(&ivf->space, batch->raw + i * batch->raw_size, row, row);
		if (batch->nowhere[i])
			memset(row, 0, ivf->space.dim * sizeof(float));
	}
}

static void
encode_rows(void *arg, size_t item, int thread)
{
	Batch	   *batch = arg;
	const VdbIvf *ivf = batch->build->ivf;
	uint32		end = Min((item + 1) * 32, batch->n);
	float	   *scratch = batch->scratch + (Size) thread * 2 * ivf->space.dim;

	for (uint32 i = item * 32; i < end; i++)
		vdb_ivf_encode(ivf, &ivf->list, batch->rotated + (Size) i * ivf->space.dim,
					   batch->build->centres + (Size) batch->lists[i] * ivf->space.dim, 0,
					   vdb_am_is_plain(&ivf->space) ? batch->raw + i * batch->raw_size : NULL,
					   scratch, ((Entry *) (batch->entries + i * batch->entry_size))->encoded);
}

/* Gives the batch's rows to the sort, encoded for their lists. */
static void
flush_batch(Batch *batch)
{
	VdbIvfBuild *build = batch->build;
	VdbKmControl control = build->control;
	Size		items = (batch->n + 31) / 32;

	if (batch->n == 0)
		return;
	control.progress = NULL;
	vdb_ivf_build_check(vdb_km_each(items, rotate_rows, batch, &control));
	if (build->nlists > 1)
		vdb_ivf_build_check(vdb_km_assign(&build->packed, batch->rotated, batch->n, 1,
										  batch->lists, NULL, &control, build->work));
	vdb_ivf_build_check(vdb_km_each(items, encode_rows, batch, &control));
	for (uint32 i = 0; i < batch->n; i++)
	{
		TupleTableSlot *slot = batch->slot;
		Entry	   *entry = (Entry *) (batch->entries + i * batch->entry_size);

		if (batch->nowhere[i])
		{
			vdb_ivf_tids_add(build->ivf, build->index, build->meta.zeros, build->building,
							 &entry->tid, entry->encoded + batch->codes_at);
			continue;
		}
		SET_VARSIZE(entry, batch->entry_size);
		ExecClearTuple(slot);
		slot->tts_values[COLUMN_KEY - 1] = Int64GetDatum(KEY(batch->lists[i], build->placed++));
		slot->tts_values[COLUMN_ENTRY - 1] = PointerGetDatum(entry);
		slot->tts_isnull[COLUMN_KEY - 1] = slot->tts_isnull[COLUMN_ENTRY - 1] = false;
		ExecStoreVirtualTuple(slot);
		tuplesort_puttupleslot(batch->sort, slot);
	}
	batch->n = 0;
	vdb_ivf_build_progress(build, build->seen);
	CHECK_FOR_INTERRUPTS();
}

static void
assign_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Batch	   *batch = arg;
	VdbIvfBuild *build = batch->build;
	const VdbIvf *ivf = build->ivf;
	VdbAmVector vector;
	Entry	   *entry;

	build->seen++;
	if (isnull[0])
	{
		vdb_am_columns_encode(&build->columns, values, isnull, batch->codes);
		vdb_ivf_tids_add(ivf, index, build->meta.nulls, build->building, tid, batch->codes);
		return;
	}
	vdb_am_vector(ivf->space.kind, values[0], &vector);
	vdb_am_check_dim(ivf->space.kind, ivf->space.dim, vector.dim);
	memcpy(batch->raw + batch->n * batch->raw_size, vector.elements, batch->raw_size);
	vdb_am_vector_free(&vector);
	entry = (Entry *) (batch->entries + batch->n * batch->entry_size);
	entry->tid = *tid;
	vdb_am_columns_encode(&build->columns, values, isnull, entry->encoded + batch->codes_at);
	if (++batch->n == batch->max)
		flush_batch(batch);
}

static void
begin_sort(Batch *batch, Size memory)
{
	TupleDesc	desc = CreateTemplateTupleDesc(NCOLUMNS);
	AttrNumber	keys[] = {COLUMN_KEY};
	Oid			operators[] = {Int8LessOperator};
	Oid			collations[] = {InvalidOid};
	bool		nulls_first[] = {false};

	TupleDescInitEntry(desc, COLUMN_KEY, "key", INT8OID, -1, 0);
	TupleDescInitEntry(desc, COLUMN_ENTRY, "entry", BYTEAOID, -1, 0);
	batch->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	batch->sort = tuplesort_begin_heap(desc, 1, keys, operators, collations, nulls_first,
									   memory / 1024, NULL, TUPLESORT_NONE);
}

/* Assigns and encodes all rows of the table; they come out of batch->sort. */
static void
assign_all(Batch *batch)
{
	VdbIvfBuild *build = batch->build;
	const VdbIvf *ivf = build->ivf;
	Size		used = assign_memory(build, build->nlists, build->control.threads);
	Size		left = build->budget > used ? build->budget - used : 0;

	batch->max = Max(LEAST_BATCH, Min(BATCH_BYTES, left / 4) / row_memory(build));
	batch->raw_size = vdb_am_bytes(ivf->space.kind, ivf->space.dim);
	batch->entry_size = entry_size(ivf);
	batch->codes_at = vdb_ivf_encoded_size(ivf, &ivf->list);
	batch->codes = palloc(ivf->meta.codes_size + 1);
	batch->raw = palloc_extended(batch->max * batch->raw_size, MCXT_ALLOC_HUGE);
	batch->rotated = palloc_extended((Size) batch->max * ivf->space.dim * sizeof(float),
									 MCXT_ALLOC_HUGE);
	batch->entries = palloc_extended(batch->max * batch->entry_size, MCXT_ALLOC_HUGE);
	batch->lists = palloc(batch->max * sizeof(uint32));
	batch->nowhere = palloc(batch->max * sizeof(bool));
	batch->scratch = palloc_extended((Size) build->control.threads * 2 * ivf->space.dim *
									 sizeof(float), MCXT_ALLOC_HUGE);
	used = batch->max * row_memory(build);
	left = left > used ? left - used : 0;
	/* Long entries are allocated one by one, and the merge cannot use the holes. */
	if (batch->entry_size > BLCKSZ)
		left /= 2;
	begin_sort(batch, left);
	vdb_ivf_build_phase(build, VDB_IVF_PHASE_ASSIGN, build->rows);
	build->heap_rows = table_index_build_scan(build->heap, build->index, build->info, true, false,
											  assign_row, batch, NULL);
	flush_batch(batch);
	pfree(batch->raw);
	pfree(batch->rotated);
	pfree(batch->entries);
	return_memory();
	vdb_ivf_build_phase(build, VDB_IVF_PHASE_SORT, build->placed);
	tuplesort_performsort(batch->sort);
}

/* ---- writing ---- */

/* Writes all lists, in order; heads[i] becomes the first page of list i. */
static void
write_lists(Batch *batch, BlockNumber *heads)
{
	VdbIvfBuild *build = batch->build;
	const VdbIvf *ivf = build->ivf;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(batch->slot->tts_tupleDescriptor,
													&TTSOpsMinimalTuple);
	bool		more = tuplesort_gettupleslot(batch->sort, true, false, slot, NULL);
	int64		done = 0;

	vdb_ivf_build_phase(build, VDB_IVF_PHASE_WRITE, build->placed);
	for (uint32 list = 0; list < build->nlists; list++)
	{
		VdbIvfWriter *writer = vdb_ivf_writer_begin(ivf, &ivf->list, build->index,
													build->building, list);

		for (; more; more = tuplesort_gettupleslot(batch->sort, true, false, slot, NULL))
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
			vdb_ivf_writer_add(writer, &tid, data + batch->codes_at, data);
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
	return bits == 2 ? VDB_QUANT_2BITS : bits == 4 ? VDB_QUANT_4BITS : VDB_QUANT_8BITS;
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
	meta->version = VDB_IVF_VERSION;
	meta->dim = vdb_am_index_dim(index, VDB_MAX_DIM);
	meta->elem = kind->elem;
	meta->metric = kind->metric;
	meta->coding = resolve_coding(index, kind);
	meta->bits = resolve_bits(index, meta->coding);
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
	Batch		batch = {.build = build};
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
	assign_all(&batch);
	write_lists(&batch, heads);
	tuplesort_end(batch.sort);
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
	build->meta.origin = vdb_page_write_floats(build->index, build->building, VDB_IVF_FLOATS,
											   build->ivf->space.origin, build->ivf->space.dim);
	if (build->ivf->list.product)
		build->meta.codebook = vdb_page_write_floats(build->index, build->building,
													 VDB_IVF_FLOATS, build->ivf->pq.codebook,
													 vdb_ivf_codebook_size(build->ivf));
	write_directory(build, heads);
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
	make_metapage(index);
	run_build(&build);
	vdb_ivf_build_phase(&build, VDB_IVF_PHASE_LOG, 0);
	vdb_page_log_all(index, MAIN_FORKNUM);
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
