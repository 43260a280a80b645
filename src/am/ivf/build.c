/*
 * build.c
 *	  CREATE INDEX: sample the table, train the lists' centres, sort all rows
 *	  by list, write list after list.
 *
 * Nobody sees the index until the build is done, so pages are written without
 * WAL and logged whole at the end.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "commands/defrem.h"
#include "commands/progress.h"
#include "common/pg_prng.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "am/common/options.h"
#include "am/ivf/build.h"
#include "am/ivf/ivf.h"
#include "cluster/cluster.h"

/* Rows assigned to lists at a time. */
#define BATCH_BYTES (4 * 1024 * 1024)

/* Rows that centres are trained on, for each list. */
#define SAMPLE_PER_LIST 64
#define MAX_SAMPLE 400000

/* Where the probes for each recall are measured: rows, and neighbours of each. */
#define PROBE_ROWS 200
#define PROBE_NEIGHBOURS 10

/* Columns of the sort. */
enum
{
	COLUMN_LIST = 1, COLUMN_TID, COLUMN_VECTOR, NCOLUMNS = COLUMN_VECTOR
};

typedef struct Build
{
	Relation	heap;			/* NULL for an index without rows */
	Relation	index;
	IndexInfo  *info;
	bool		building;		/* nobody sees the index yet */
	VdbIvf	   *ivf;
	VdbIvfMeta	meta;
	pg_prng_state random;
	int			threads;
	int64		total;			/* rows with a place in a list */
	int64		seen;			/* all rows of the index */
	double		heap_rows;		/* of the table */

	/* the sample: rotated rows, relative to the origin once that is known */
	float	   *sample;
	uint32		nsample;
	uint32		max_sample;
	int64		candidates;		/* rows that might have been in it */

	/* centres, and what assigns to them */
	uint32		nlists;
	float	   *centres;
	VdbKmPacked packed;
	void	   *work;

	/* rows on their way to their lists */
	float	   *floats;
	float	   *batch;			/* rotated */
	char	   *elements;		/* as they are in the table, of plain lists */
	ItemPointerData *tids;
	uint32	   *lists;
	uint32		nbatch;
	uint32		max_batch;
	Tuplesortstate *sort;
	TupleTableSlot *slot;
} Build;

static void
phase(int64 number)
{
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, number);
}

static bool
is_interrupted(void *arg)
{
	/* Not for what does not end the statement: it can wait. */
	return QueryCancelPending || ProcDiePending;
}

static const VdbKmControl *
control(Build *build)
{
	static VdbKmControl c;

	c.threads = build->threads;
	c.interrupt = is_interrupted;
	return &c;
}

/* What k-means returned: it stops when there is something to process. */
static void
check_status(VdbKmStatus status)
{
	CHECK_FOR_INTERRUPTS();
	if (status != VDB_KM_OK)
		elog(ERROR, "k-means failed: %d", (int) status);
}

/* ---- sampling ---- */

/*
 * Keeps a random sample of all rows seen so far (Vitter, "Random Sampling with
 * a Reservoir", ACM TOMS 1985, algorithm R).
 */
static void
sample_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Build	   *build = arg;
	uint32		dim = build->ivf->dim;
	int64		place = build->candidates;
	VdbAmVector vector;

	if (isnull[0])
		return;
	build->candidates++;
	if (place >= build->max_sample)
	{
		place = pg_prng_uint64_range(&build->random, 0, place);
		if (place >= build->max_sample)
			return;
	}
	vdb_am_vector(build->ivf->kind, values[0], &vector);
	vdb_am_check_dim(build->ivf->kind, dim, vector.dim);
	if (vdb_ivf_floats(build->ivf, vector.elements, build->floats))
	{
		memcpy(build->sample + place * dim, build->floats, dim * sizeof(float));
		build->nsample = Max(build->nsample, place + 1);
	}
	else
		build->candidates--;
	vdb_am_vector_free(&vector);
}

/* Lists for so many rows, if the user does not say. */
static uint32
auto_lists(double rows)
{
	return Max(1, Min(VDB_AM_MAX_LISTS, 2 * sqrt(rows)));
}

static void
take_sample(Build *build, Size memory)
{
	uint32		dim = build->ivf->dim;
	BlockNumber pages;
	double		rows,
				all_visible;

	/* A guess is enough here: it bounds the sample from above. */
	estimate_rel_size(build->heap, NULL, &pages, &rows, &all_visible);
	build->max_sample = Min(MAX_SAMPLE, memory / (dim * sizeof(float)));
	rows = vdb_am_ivf_options(build->index).lists > 0 ?
		vdb_am_ivf_options(build->index).lists : auto_lists(rows * 2);
	build->max_sample = Max(1024, Min(build->max_sample, rows * SAMPLE_PER_LIST));
	build->sample = palloc_extended((Size) build->max_sample * dim * sizeof(float),
									MCXT_ALLOC_HUGE);
	phase(VDB_IVF_PHASE_SAMPLE);
	table_index_build_scan(build->heap, build->index, build->info, true, false, sample_row,
						   build, NULL);
}

/*
 * Makes the sample's mean the origin (not for inner product, whose queries are
 * not relative to anything), chooses the scale, and puts the sample in place.
 */
static void
set_origin(Build *build)
{
	VdbIvf	   *ivf = build->ivf;
	uint32		dim = ivf->dim;
	float	   *origin = (float *) ivf->origin;
	double	   *sum = palloc0(dim * sizeof(double));
	double		square = 0;
	uint32		n = build->nsample;

	for (uint32 i = 0; i < n && ivf->coded_metric != VDB_IP; i++)
		for (uint32 j = 0; j < dim; j++)
			sum[j] += build->sample[(Size) i * dim + j];
	for (uint32 j = 0; j < dim && n > 0; j++)
		origin[j] = sum[j] / n;
	pfree(sum);
	for (uint32 i = 0; i < n; i++)
		for (uint32 j = 0; j < dim; j++)
		{
			double		x = build->sample[(Size) i * dim + j] - (double) origin[j];

			square += x * x;
		}
	if (square > 0)
	{
		int			exponent = ilogb(sqrt(square / n));

		build->meta.scale = ldexp(1, -Max(Min(exponent, 126), -126));
	}
	ivf->meta.scale = build->meta.scale;
	for (uint32 i = 0; i < n; i++)
	{
		float	   *row = build->sample + (Size) i * dim;

		vdb_ivf_place(ivf, row, row);
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

/*
 * A random choice of n rows of the sample becomes its beginning: it may be in
 * the order of the table.
 */
static void
shuffle(Build *build, uint32 n)
{
	Size		size = build->ivf->dim * sizeof(float);

	for (uint32 i = 0; i < n; i++)
	{
		uint32		j = pg_prng_uint64_range(&build->random, i, build->nsample - 1);
		float	   *a = build->sample + (Size) i * build->ivf->dim;
		float	   *b = build->sample + (Size) j * build->ivf->dim;

		memcpy(build->floats, a, size);
		memmove(a, b, size);
		memcpy(b, build->floats, size);
	}
}

/* ---- training ---- */

/* Stores centres as half-precision floats, and takes them for what they are. */
static void
round_centres(Build *build)
{
	Size		n = (Size) build->nlists * build->ivf->dim;
	uint16	   *halves = palloc_extended(n * sizeof(uint16), MCXT_ALLOC_HUGE);

	vdb_kernel.f32_to_f16(build->centres, halves, n);
	vdb_kernel.f16_to_f32(halves, build->centres, n);
	pfree(halves);
}

static void
train(Build *build)
{
	uint32		dim = build->ivf->dim;
	int			asked = vdb_am_ivf_options(build->index).lists;
	VdbKmTraining training;
	VdbKmReport report;
	VdbKmBook	book = {0};
	uint32		n;
	void	   *work;

	build->nlists = asked > 0 ? asked : auto_lists(build->candidates);
	build->nlists = Max(1, Min(build->nlists, build->nsample));
	n = Min(build->nsample, build->nlists * SAMPLE_PER_LIST);
	shuffle(build, n < build->nsample ? n : Min(n, PROBE_ROWS));
	build->nsample = n;
	build->centres = palloc_extended((Size) build->nlists * dim * sizeof(float),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (build->nsample > 0)
	{
		phase(VDB_IVF_PHASE_TRAIN);
		vdb_km_train_defaults(&training);
		training.rows = build->sample;
		training.n = build->nsample;
		training.dim = dim;
		training.k = build->nlists;
		training.spherical = false;
		training.ntops = 0;
		training.seed = build->meta.seed;
		work = palloc_extended(vdb_km_train_size(&training, build->threads), MCXT_ALLOC_HUGE);
		check_status(vdb_km_train(&training, build->centres, NULL, NULL, &report,
								  control(build), work));
		pfree(work);
		build->nlists = report.k;
		round_centres(build);
	}
	book.dim = dim;
	book.k = build->nlists;
	book.centroids = build->centres;
	vdb_km_pack(&build->packed, &book,
				palloc_extended(vdb_km_pack_size(build->nlists, 0, dim), MCXT_ALLOC_HUGE));
	build->work = palloc_extended(vdb_km_assign_size(build->nlists, 0, dim, 1, build->threads),
								  MCXT_ALLOC_HUGE);
}

/*
 * How many lists hold the neighbours of a row: for each recall, the number of
 * nearest lists that have that part of the neighbours.  Rows of the sample
 * stand for queries, and the sample for the table; as its rows are further
 * apart, the answer errs on the safe side.
 */
static void
measure_probes(Build *build)
{
	uint32		dim = build->ivf->dim;
	uint32		n = build->nsample;
	uint32		queries = Min(PROBE_ROWS, n);
	uint32		k = Min(PROBE_NEIGHBOURS, n - Min(n, 1));
	VdbMetric	metric = build->ivf->coded_metric;
	float	   *d = palloc_extended(n * sizeof(float), MCXT_ALLOC_HUGE);
	const void **rows = palloc_extended(n * sizeof(void *), MCXT_ALLOC_HUGE);
	uint32	   *lists = palloc_extended(n * sizeof(uint32), MCXT_ALLOC_HUGE);
	uint32	   *order = palloc(build->nlists * sizeof(uint32));
	uint32	   *rank = palloc(build->nlists * sizeof(uint32));
	uint64	   *found = palloc0(build->nlists * sizeof(uint64));
	void	   *work = palloc(vdb_km_nearest_size(build->nlists, build->nlists));
	uint64		total = (uint64) queries * k;
	uint64		sum = 0;
	int			i = 0;

	for (uint32 r = 0; r < n; r++)
		rows[r] = build->sample + (Size) r * dim;
	if (n > 0)
		check_status(vdb_km_assign(&build->packed, build->sample, n, 1, lists, NULL,
								   control(build), build->work));
	for (uint32 q = 0; q < queries && k > 0; q++)
	{
		for (uint32 r = 0; r < n; r += 4096)
		{
			vdb_kernel.many[VDB_F32][metric] (rows[q], rows + r, Min(4096, n - r), dim, d + r);
			CHECK_FOR_INTERRUPTS();
		}
		d[q] = INFINITY;
		vdb_km_nearest(metric, rows[q], build->centres, build->nlists, dim, build->nlists,
					   order, NULL, work);
		for (uint32 l = 0; l < build->nlists; l++)
			rank[order[l]] = l;
		for (uint32 j = 0; j < k; j++)
		{
			uint32		best = 0;

			for (uint32 r = 1; r < n; r++)
				if (d[r] < d[best])
					best = r;
			d[best] = INFINITY;
			found[rank[lists[best]]]++;
		}
		CHECK_FOR_INTERRUPTS();
	}
	for (uint32 l = 0; l < build->nlists; l++)
	{
		sum += found[l];
		while (i < VDB_IVF_NRECALLS && sum >= vdb_ivf_recalls[i] * total)
			build->meta.probes[i++] = l + 1;
	}
	while (i < VDB_IVF_NRECALLS)
		build->meta.probes[i++] = build->nlists;
	pfree(d);
	pfree(rows);
	pfree(lists);
}

/* ---- assigning ---- */

/* Finds the lists of the batch's rows, and gives the rows to the sort. */
static void
flush_batch(Build *build)
{
	uint32		dim = build->ivf->dim;
	Size		size = build->ivf->list.coded ? dim * sizeof(float) : build->ivf->list.row_size;
	bytea	   *value = palloc(VARHDRSZ + size);

	if (build->nbatch > 0)
		check_status(vdb_km_assign(&build->packed, build->batch, build->nbatch, 1,
								   build->lists, NULL, control(build), build->work));
	SET_VARSIZE(value, VARHDRSZ + size);
	for (uint32 i = 0; i < build->nbatch; i++)
	{
		TupleTableSlot *slot = build->slot;

		memcpy(VARDATA(value), build->ivf->list.coded ?
			   (char *) (build->batch + (Size) i * dim) : build->elements + i * size, size);
		ExecClearTuple(slot);
		slot->tts_values[COLUMN_LIST - 1] = Int32GetDatum(build->lists[i]);
		slot->tts_values[COLUMN_TID - 1] = PointerGetDatum(&build->tids[i]);
		slot->tts_values[COLUMN_VECTOR - 1] = PointerGetDatum(value);
		memset(slot->tts_isnull, 0, NCOLUMNS * sizeof(bool));
		ExecStoreVirtualTuple(slot);
		tuplesort_puttupleslot(build->sort, slot);
	}
	build->nbatch = 0;
	pfree(value);
}

static void
assign_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Build	   *build = arg;
	const VdbIvf *ivf = build->ivf;
	VdbAmVector vector;

	build->seen++;
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, build->seen);
	if (isnull[0])
	{
		vdb_ivf_tids_add(index, build->meta.nulls, build->building, tid);
		return;
	}
	vdb_am_vector(ivf->kind, values[0], &vector);
	vdb_am_check_dim(ivf->kind, ivf->dim, vector.dim);
	if (vdb_ivf_rotate(ivf, vector.elements, build->floats,
					   build->batch + (Size) build->nbatch * ivf->dim))
	{
		if (!ivf->list.coded)
			memcpy(build->elements + (Size) build->nbatch * ivf->list.row_size,
				   vector.elements, ivf->list.row_size);
		build->tids[build->nbatch++] = *tid;
		build->total++;
	}
	else
		vdb_ivf_tids_add(index, build->meta.zeros, build->building, tid);
	vdb_am_vector_free(&vector);
	if (build->nbatch == build->max_batch)
		flush_batch(build);
}

static void
begin_sort(Build *build)
{
	TupleDesc	desc = CreateTemplateTupleDesc(NCOLUMNS);
	AttrNumber	keys[] = {COLUMN_LIST, COLUMN_TID};
	Oid			operators[] = {Int4LessOperator, TIDLessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false};

	TupleDescInitEntry(desc, COLUMN_LIST, "list", INT4OID, -1, 0);
	TupleDescInitEntry(desc, COLUMN_TID, "tid", TIDOID, -1, 0);
	TupleDescInitEntry(desc, COLUMN_VECTOR, "vector", BYTEAOID, -1, 0);
	build->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	build->sort = tuplesort_begin_heap(desc, 2, keys, operators, collations, nulls_first,
									   maintenance_work_mem / 2, NULL, TUPLESORT_NONE);
}

static void
assign_all(Build *build)
{
	const VdbIvf *ivf = build->ivf;

	build->max_batch = Max(64, BATCH_BYTES / (ivf->dim * sizeof(float)));
	build->batch = palloc((Size) build->max_batch * ivf->dim * sizeof(float));
	if (!ivf->list.coded)
		build->elements = palloc_extended((Size) build->max_batch * ivf->list.row_size,
										  MCXT_ALLOC_HUGE);
	build->tids = palloc(build->max_batch * sizeof(ItemPointerData));
	build->lists = palloc(build->max_batch * sizeof(uint32));
	begin_sort(build);
	phase(VDB_IVF_PHASE_ASSIGN);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, build->candidates);
	build->heap_rows = table_index_build_scan(build->heap, build->index, build->info, true, true,
											  assign_row, build, NULL);
	flush_batch(build);
	tuplesort_performsort(build->sort);
}

/* ---- writing ---- */

/* Writes all lists, in order; heads[i] becomes the first page of list i. */
static void
write_lists(Build *build, BlockNumber *heads)
{
	const VdbIvf *ivf = build->ivf;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(build->slot->tts_tupleDescriptor,
													&TTSOpsMinimalTuple);
	bool		more = tuplesort_gettupleslot(build->sort, true, false, slot, NULL);
	void	   *work = palloc(vdb_ivf_list_work(ivf));
	int64		done = 0;

	phase(VDB_IVF_PHASE_WRITE);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, build->total);
	for (uint32 list = 0; list < build->nlists; list++)
	{
		heads[list] = vdb_ivf_list_create(ivf, &ivf->list, build->index, build->building, list);
		for (; more; more = tuplesort_gettupleslot(build->sort, true, false, slot, NULL))
		{
			VdbIvfEntry entry;
			const void *value;

			slot_getallattrs(slot);
			if (DatumGetInt32(slot->tts_values[COLUMN_LIST - 1]) != list)
				break;
			value = VARDATA_ANY(DatumGetPointer(slot->tts_values[COLUMN_VECTOR - 1]));
			entry.tid = *(ItemPointer) DatumGetPointer(slot->tts_values[COLUMN_TID - 1]);
			entry.centre = build->centres + (Size) list * ivf->dim;
			entry.rotated = NULL;
			entry.row = value;
			if (ivf->list.coded)
			{
				memcpy(build->floats, value, ivf->dim * sizeof(float));
				entry.rotated = build->floats;
				entry.row = NULL;
			}
			vdb_ivf_list_add(ivf, &ivf->list, build->index, build->building, heads[list], &entry,
							 work);
			pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, ++done);
			CHECK_FOR_INTERRUPTS();
		}
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void
write_directory(Build *build, const BlockNumber *heads)
{
	const VdbIvf *ivf = build->ivf;
	uint16	   *halves = palloc0(ivf->directory.row_size);
	void	   *work = palloc(vdb_ivf_list_work(ivf));

	build->meta.directory = vdb_ivf_list_create(ivf, &ivf->directory, build->index,
												build->building, VDB_IVF_DIRECTORY);
	for (uint32 list = 0; list < build->nlists; list++)
	{
		VdbIvfEntry entry = {
			.rotated = build->centres + (Size) list * ivf->dim,
			.row = halves,
		};

		ItemPointerSet(&entry.tid, heads[list], 1);
		vdb_kernel.f32_to_f16(entry.rotated, halves, ivf->dim);
		vdb_ivf_list_add(ivf, &ivf->directory, build->index, build->building,
						 build->meta.directory, &entry, work);
	}
}

/* Writes the origin's floats to a chain of pages, the last one first. */
static BlockNumber
write_floats(Relation index, bool building, const float *floats, uint32 count)
{
	uint32		per_page = VDB_PAGE_SPACE / sizeof(float);
	BlockNumber next = InvalidBlockNumber;

	for (uint32 at = (count - 1) / per_page * per_page;; at -= per_page)
	{
		VdbEdit		edit;
		BlockNumber block;
		Page		page;

		vdb_edit_begin(&edit, index, building);
		page = vdb_edit_new(&edit, VDB_IVF_FLOATS, VDB_PAGE_SPACE, &block);
		memcpy(vdb_page_contents(page), floats + at, Min(per_page, count - at) * sizeof(float));
		vdb_page_opaque(page)->next = next;
		vdb_edit_finish(&edit);
		next = block;
		if (at == 0)
			return next;
	}
}

/* ---- the whole ---- */

static uint8
resolve_coding(Relation index, const VdbAmKind *kind)
{
	VdbAmQuantizer quantizer = vdb_am_ivf_options(index).quantizer;
	bool		can_code = kind->metric == VDB_L2SQ || kind->metric == VDB_IP ||
		kind->metric == VDB_COSINE;

	switch (quantizer)
	{
		case VDB_AM_QUANTIZER_AUTO:
			if (strcmp(get_am_name(index->rd_rel->relam), "ivfflat") == 0)
				return VDB_IVF_PLAIN;
			return can_code && kind->type != NULL ? VDB_IVF_RABITQ : VDB_IVF_PLAIN;
		case VDB_AM_QUANTIZER_NONE:
			return VDB_IVF_PLAIN;
		case VDB_AM_QUANTIZER_RABITQ:
			if (!can_code || kind->type == NULL)
				ereport(ERROR,
						errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("quantizer \"rabitq\" does not support this operator class"),
						errhint("Leave the option out, or use quantizer = none."));
			return VDB_IVF_RABITQ;
		default:
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("quantizer \"%s\" is not supported yet",
						   vdb_am_quantizer_name(quantizer)),
					errhint("Use auto, none or rabitq."));
	}
}

static void
init_meta(Relation index, const VdbAmKind *kind, uint64 seed, VdbIvfMeta *meta)
{
	memset(meta, 0, sizeof(*meta));
	meta->magic = VDB_IVF_MAGIC;
	meta->version = VDB_IVF_VERSION;
	meta->dim = vdb_am_index_dim(index, VDB_MAX_DIM);
	meta->elem = kind->elem;
	meta->metric = kind->metric;
	meta->coding = resolve_coding(index, kind);
	meta->rotation = VDB_QUANT_ROTATION_VERSION;
	meta->block = VDB_QUANT_BLOCK_VERSION;
	meta->row = VDB_QUANT_ROW_VERSION;
	meta->flat = strcmp(get_am_name(index->rd_rel->relam), "ivfflat") == 0;
	meta->seed = seed;
	meta->scale = 1;
	meta->directory = meta->origin = meta->zeros = meta->nulls = InvalidBlockNumber;
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

/* All that comes after the metapage, and then what it says. */
static void
build_pages(Build *build)
{
	BlockNumber *heads;

	build->ivf = vdb_ivf_describe(vdb_am_kind(build->index), &build->meta);
	build->floats = palloc(build->ivf->dim * sizeof(float));
	build->threads = max_parallel_maintenance_workers + 1;
	build->meta.zeros = vdb_ivf_tids_create(build->index, build->building);
	build->meta.nulls = vdb_ivf_tids_create(build->index, build->building);

	if (build->heap != NULL)
		take_sample(build, (Size) maintenance_work_mem * 1024 / 2);
	set_origin(build);
	build->meta.origin = write_floats(build->index, build->building, build->ivf->origin,
									  build->ivf->dim);
	train(build);
	measure_probes(build);
	if (build->sample != NULL)
		pfree(build->sample);

	heads = palloc(build->nlists * sizeof(BlockNumber));
	if (build->heap != NULL)
	{
		assign_all(build);
		write_lists(build, heads);
		tuplesort_end(build->sort);
	}
	else
		heads[0] = vdb_ivf_list_create(build->ivf, &build->ivf->list, build->index,
									   build->building, 0);
	write_directory(build, heads);
	build->meta.nlists = build->nlists;
	write_meta(build->index, build->building, &build->meta);
}

static void
run_build(Build *build)
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
	Build		build = {.heap = heap, .index = index, .info = info, .building = true};

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	init_meta(index, vdb_am_kind(index), new_seed(), &build.meta);
	pg_prng_seed(&build.random, build.meta.seed);
	make_metapage(index);
	run_build(&build);
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
	VdbIvfMeta	meta;

	init_meta(index, vdb_am_kind(index), new_seed(), &meta);
	vdb_page_write_init(index, VDB_IVF_META, &meta, sizeof(meta));
}

void
vdb_ivf_complete(Relation index)
{
	Build		build = {.index = index};

	vdb_page_guard(index, VDB_IVF_METAPAGE);
	vdb_ivf_read_meta(index, &build.meta);
	/* Somebody else may have been faster. */
	if (build.meta.directory == InvalidBlockNumber)
		run_build(&build);
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
		case VDB_IVF_PHASE_ASSIGN:
			return "assigning tuples";
		case VDB_IVF_PHASE_WRITE:
			return "loading tuples";
		default:
			return NULL;
	}
}
