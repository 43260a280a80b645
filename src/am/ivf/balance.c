/*
 * balance.c
 *	  Lists made anew as rows come and go: large ones are split, small ones
 *	  merged, and the borders between neighbours drawn again.
 *
 * A change takes some lists, the large one and neighbours, say, and makes
 * others of all their entries.  The directory has versions, so that everybody
 * sees either the old lists or the new ones:
 *
 * 1. The state page says that a change is under way.
 * 2. The old lists are marked as dying with the next version, and closed: an
 *	  insert that finds one closed waits.
 * 3. The new lists are written, and entered in the directory, born with the
 *	  next version.
 * 4. The state page takes the next version.  A scan has read the version when
 *	  it began, and goes on with the old lists.
 * 5. When no snapshot is left that is as old, the old lists' pages are free.
 *
 * Whoever finds a change under way that nobody is working on, because of an
 * error or a crash, undoes it.
 *
 * Entries move by what the index has of them: a row of codes stands for a
 * vector nearby, which is encoded for the new centre; the row's error becomes
 * the sum of both.  (Rows of few bits move by the table's vectors: renew.c.)
 * Rows that do not depend on a centre stay as they are.
 *
 * Locks: the guard of block 0 keeps changes away while vacuum goes through all
 * pages (an entry might move to where it has been already); the guard of the
 * state page is that of one change.
 *
 * The idea of splitting and merging lists in place is LIRE's (Xu et al.,
 * "SPFresh: Incremental In-Place Update for Billion-Scale Vector Search", SOSP
 * 2023).
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "access/xact.h"
#include "commands/vacuum.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/common/options.h"
#include "am/ivf/ivf.h"
#include "cluster/cluster.h"
#include "point/point.h"

/* No smaller lists on purpose. */
#define LEAST_TARGET 32

/* A list is split when it is so many times as large as it should be, ... */
#define SPLIT_AT 2.5
/* ... and neighbours with it that will soon have to be; */
#define SPLIT_WITH 1.6
/* it is merged when it is so much smaller. */
#define MERGE_AT 0.25

/*
 * With a list that has lost most of its rows so many lists' worth is made
 * anew, up to a number of rows: the more, the fewer rows lie at a border that
 * stays as it is, and so are in a list that is not the nearest.
 */
#define REMAKE 64
#define MAX_REMAKE 32768

/* Neighbours looked at: by an insert that splits a list, and by vacuum. */
#define SPLIT_NEIGHBOURS 16
#define NEIGHBOURS 128

/* Lists made at a time, at most, and rows that their centres are trained on. */
#define MAX_PARTS 256
#define SAMPLE_PER_PART 64

/* The largest half-precision float. */
#define HALF_MAX 65504.0f

/* Bytes of rows dealt out at a time. */
#define BATCH_BYTES (1024 * 1024)

/* Where the number of lists to look at is measured. */
#define PROBE_ROWS 200
#define PROBE_NEIGHBOURS 10

/* How much of what is missing to a recall of 1 is asked for besides: codes lose some. */
#define MARGIN 0.2

typedef struct Balance
{
	Relation	index;
	const VdbIvf *ivf;
	VdbIvfState state;
	double		target;			/* entries that a list should have */
	uint32		fresh;			/* lists from this number on are of this vacuum */
	VdbIvfRoute *route;
	VdbIvfRenew *renew;
	VdbQuantTables tables;
	void	   *tables_memory;
	pg_prng_state random;
	void	   *work;			/* of list.c */
	float	   *floats;
	float	   *rotated;
	float	   *centre;			/* of the list being read */
	uint64		changed;		/* lists that are no more */

	/* rows being read */
	float	   *rows;
	float	   *errors;
	char	   *copies;			/* as they are in the index, unless relative to a centre */
	ItemPointerData *tids;
	char	   *codes;			/* of filter columns */
	uint32		nrows;
	uint32		max_rows;
	uint64		seen;

	/* the new lists */
	uint32		nparts;
	float	   *centres;
	VdbIvfWriter **writers;
	float	   *scratch;
	void	   *encoded;
	VdbKmPacked packed;
	void	   *assign_work;
	uint32	   *which;
} Balance;

static bool
is_interrupted(void *arg)
{
	return QueryCancelPending || ProcDiePending;
}

static const VdbKmControl control = {.threads = 1,.interrupt = is_interrupted};

static void
check_status(VdbKmStatus status)
{
	CHECK_FOR_INTERRUPTS();
	if (status != VDB_KM_OK)
		elog(ERROR, "k-means failed: %d", (int) status);
}

/* ---- before a change, and after it ---- */

/* Undoes a change that was begun, and not ended. */
static void
undo(Balance *b)
{
	uint32		n;
	VdbIvfLane	   *lanes = vdb_ivf_directory_read(b->index, b->ivf, &n);

	for (uint32 i = 0; i < n; i++)
	{
		VdbIvfLane	   *lane = &lanes[i];

		if (lane->info.born > b->state.version)
		{
			vdb_ivf_directory_remove(b->index, b->ivf, lane->list.ordinal);
			vdb_ivf_list_free(&b->ivf->list, b->index, lane->list.head, lane->list.number);
		}
		else if (lane->info.died != VDB_IVF_LIVES && lane->info.died > b->state.version)
		{
			vdb_ivf_list_close(b->index, lane->list.head, false, 0);
			vdb_ivf_directory_set(b->index, b->ivf, lane->list.ordinal, VDB_IVF_LIVES, InvalidFullTransactionId);
		}
	}
	b->state.busy = 0;
	/* What was written of lists that are not in the directory, vacuum finds. */
	b->state.leaks = 1;
	vdb_ivf_write_state(b->index, b->ivf, false, &b->state);
	pfree(lanes);
}

/*
 * Gives back the pages of lists that nobody can see any more.  When a list
 * died is noted after the fact: until then it is visible to those who come.
 */
static void
free_retired(Balance *b)
{
	FullTransactionId now = ReadNextFullTransactionId();
	bool		freed = false;
	uint32		n;
	VdbIvfLane	   *lanes = vdb_ivf_directory_read(b->index, b->ivf, &n);

	for (uint32 i = 0; i < n; i++)
	{
		VdbIvfLane	   *lane = &lanes[i];
		FullTransactionId retired = FullTransactionIdFromU64
			(lane->info.retired_low | (uint64) lane->info.retired_high << 32);

		if (lane->info.died > b->state.version)
			continue;
		if (!FullTransactionIdIsValid(retired))
			vdb_ivf_directory_set(b->index, b->ivf, lane->list.ordinal, lane->info.died, now);
		else if (GlobalVisCheckRemovableFullXid(NULL, retired) || VDB_FAULT("ivf-early-reuse"))
		{
			vdb_ivf_directory_remove(b->index, b->ivf, lane->list.ordinal);
			VDB_PAUSE("ivf-split-removed");
			vdb_ivf_list_free(&b->ivf->list, b->index, lane->list.head, lane->list.number);
			freed = true;
		}
		CHECK_FOR_INTERRUPTS();
	}
	pfree(lanes);
	if (freed)
		vdb_page_offer(b->index);
}

/* Takes the lock of a change, and makes sure that none is half done. */
static void
lock_changes(Balance *b)
{
	VDB_PAUSE("ivf-split-guards");
	vdb_page_guard(b->index, b->ivf->meta.state);
	vdb_ivf_read_state(b->index, b->ivf, &b->state);
	if (b->state.busy)
		undo(b);
}

static void
unlock_changes(Balance *b)
{
	vdb_page_unguard(b->index, b->ivf->meta.state);
}

/*
 * Entries that a list should have: a search looks at the centres and at some
 * lists, and takes least time if there is about as much of both.
 */
static double
target_size(Balance *b)
{
	const VdbIvfShape *shape = &b->ivf->list;
	BlockNumber blocks = RelationGetNumberOfBlocks(b->index);
	double		rows = b->state.rows;
	int			lists = vdb_am_ivf_options(b->index).lists;

	/* What has come since they were counted, by the file's growth. */
	if (blocks > b->state.blocks)
		rows += 0.75 * (blocks - b->state.blocks) * shape->lanes / (1 + shape->nrow_pages);
	return Max(LEAST_TARGET, rows / (lists > 0 ? lists : vdb_ivf_auto_lists(b->ivf, Max(rows, 1))));
}

static Balance *
create_balance(Relation index, Relation heap, const VdbIvf *ivf)
{
	Balance    *b = palloc0(sizeof(Balance));

	b->index = index;
	b->ivf = ivf;
	b->route = vdb_ivf_route_create(ivf, index);
	b->renew = vdb_ivf_renew_begin(ivf, index, heap);
	b->tables_memory = palloc(vdb_quant_tables_size(ivf->directory.code_dim));
	b->work = palloc(vdb_ivf_list_work(ivf));
	b->floats = palloc(ivf->space.dim * sizeof(float));
	b->rotated = palloc(ivf->space.dim * sizeof(float));
	b->centre = palloc(ivf->space.dim * sizeof(float));
	pg_prng_seed(&b->random, pg_prng_uint64(&pg_global_prng_state));
	return b;
}

void
vdb_ivf_wait(Relation index, const VdbIvf *ivf, const VdbIvfNear *list)
{
	Balance		b = {.index = index,.ivf = ivf};

	lock_changes(&b);
	/* Else whoever waits for it would wait forever. */
	if (list != NULL && vdb_ivf_directory_has(index, ivf, list, b.state.version) &&
		vdb_ivf_list_is_closed(index, list->head, list->number))
		vdb_page_corrupted(index, list->head, "the list is closed, and nothing takes its place");
	unlock_changes(&b);
}

void
vdb_ivf_guard(Relation index, const VdbIvf *ivf)
{
	vdb_page_guard(index, VDB_IVF_METAPAGE);
	vdb_ivf_wait(index, ivf, NULL);
}

void
vdb_ivf_unguard(Relation index)
{
	vdb_page_unguard(index, VDB_IVF_METAPAGE);
}

/* ---- reading the old lists ---- */

/* A row of the list whose centre b->centre is, rotated; false if it is far. */
static bool
read_row(Balance *b, const void *row, float *rotated, float *error)
{
	if (!vdb_am_is_plain(&b->ivf->space))
		return vdb_am_row_decode(&b->ivf->space, row, b->centre, rotated, error);
	*error = 0;
	vdb_am_rotate(&b->ivf->space, row, b->floats, rotated);
	return !vdb_am_is_far(rotated);
}

/* Reads a list's centre, and calls a function for its entries. */
static void
walk(Balance *b, const VdbIvfNear *list, VdbIvfVisit visit)
{
	vdb_ivf_route_centre(b->route, list, b->centre);
	vdb_ivf_list_walk(&b->ivf->list, b->index, list->head, list->number, visit, b, b->work);
}

static void
sample_row(void *arg, ItemPointer tid, const char *codes, const void *row)
{
	Balance    *b = arg;
	uint64		place = b->seen;
	float		error;

	if (place >= b->max_rows)
	{
		place = pg_prng_uint64_range(&b->random, 0, place);
		if (place >= b->max_rows)
		{
			b->seen++;
			return;
		}
	}
	/* One that is far is no example. */
	if (read_row(b, row, b->rows + place * b->ivf->space.dim, &error))
	{
		b->tids[place] = *tid;
		b->nrows = Max(b->nrows, place + 1);
		b->seen++;
	}
}

/* Puts the table's vectors in place of what the rows read stand for; errors may be NULL. */
static void
renew_rows(Balance *b, float *errors)
{
	for (uint32 i = 0; i < b->nrows && b->renew != NULL; i++)
		if (vdb_ivf_renew(b->renew, &b->tids[i], b->rows + (Size) i * b->ivf->space.dim) &&
			errors != NULL)
			errors[i] = 0;
}

/* Makes room for so many rows. */
static void
need_rows(Balance *b, Size n)
{
	Size		dim = b->ivf->space.dim;

	b->rows = palloc_extended(n * dim * sizeof(float), MCXT_ALLOC_HUGE);
	b->tids = palloc_extended(n * sizeof(ItemPointerData), MCXT_ALLOC_HUGE);
	b->max_rows = n;
	b->nrows = b->seen = 0;
}

/* Trains the centres of the new lists on the rows of the old ones. */
static void
train(Balance *b, const VdbIvfNear *lists, uint32 nlists, uint32 parts)
{
	Size		dim = b->ivf->space.dim;
	VdbKmTraining training;
	VdbKmReport report;
	uint16	   *halves;
	void	   *work;

	need_rows(b, parts * SAMPLE_PER_PART);
	for (uint32 i = 0; i < nlists; i++)
		walk(b, &lists[i], sample_row);
	renew_rows(b, NULL);
	b->centres = palloc_extended(parts * dim * sizeof(float), MCXT_ALLOC_HUGE);
	if (b->nrows == 0)
	{
		/* Nothing, or what is far: the old centre is as good as any. */
		memcpy(b->centres, b->centre, dim * sizeof(float));
		b->nparts = 1;
	}
	else
	{
		vdb_km_train_defaults(&training);
		training.rows = b->rows;
		training.n = b->nrows;
		training.dim = dim;
		training.k = Min(parts, b->nrows);
		training.spherical = false;
		training.ntops = 0;
		training.seed = pg_prng_uint64(&b->random);
		work = palloc_extended(vdb_km_train_size(&training, control.threads), MCXT_ALLOC_HUGE);
		check_status(vdb_km_train(&training, b->centres, NULL, NULL, &report, &control, work));
		pfree(work);
		b->nparts = report.k;
	}
	pfree(b->rows);
	pfree(b->tids);

	/* A centre is what its half-precision floats say, none of them infinite. */
	halves = palloc_extended(b->nparts * dim * sizeof(uint16), MCXT_ALLOC_HUGE);
	for (Size i = 0; i < b->nparts * dim; i++)
		b->centres[i] = Max(-HALF_MAX, Min(HALF_MAX, b->centres[i]));
	vdb_kernel.f32_to_f16(b->centres, halves, b->nparts * dim);
	vdb_kernel.f16_to_f32(halves, b->centres, b->nparts * dim);
	pfree(halves);
}

/* ---- writing the new lists ---- */

/* Begins to write the new lists. */
static void
begin_lists(Balance *b, uint32 number)
{
	const VdbIvf *ivf = b->ivf;
	VdbKmBook	book = {.dim = ivf->space.dim,.k = b->nparts,.centroids = b->centres};

	b->writers = palloc(b->nparts * sizeof(VdbIvfWriter *));
	for (uint32 i = 0; i < b->nparts; i++)
		b->writers[i] = vdb_ivf_writer_begin(ivf, &ivf->list, b->index, false, number + i);
	vdb_km_pack(&b->packed, &book,
				palloc_extended(vdb_km_pack_size(b->nparts, 0, ivf->space.dim), MCXT_ALLOC_HUGE));
	b->assign_work = palloc_extended(vdb_km_assign_size(b->nparts, 0, ivf->space.dim, 1,
														control.threads), MCXT_ALLOC_HUGE);
}

/*
 * Ends them, and enters them in the directory.  A crash before that leaves
 * pages for vacuum to find.
 */
static void
end_lists(Balance *b, uint32 number)
{
	const VdbIvf *ivf = b->ivf;
	uint16	   *halves = palloc0(ivf->directory.row_size);

	for (uint32 i = 0; i < b->nparts; i++)
	{
		const float *centre = b->centres + (Size) i * ivf->space.dim;
		VdbIvfListInfo info = {
			.number = number + i,
			.born = b->state.version + 1,
			.died = VDB_IVF_LIVES,
			.square = vdb_dist_square(VDB_F32, centre, ivf->space.dim),
		};
		VdbIvfEntry entry = {.rotated = centre,.row = halves,.info = &info};
		BlockNumber head = vdb_ivf_writer_end(b->writers[i]);

		ItemPointerSet(&entry.tid, head, 1);
		vdb_kernel.f32_to_f16(centre, halves, ivf->space.dim);
		vdb_ivf_list_add(ivf, &ivf->directory, b->index, false, ivf->meta.directory,
						 VDB_IVF_DIRECTORY, &entry, b->work, NULL);
	}
}

/* Puts the rows read into their lists. */
static void
deal_out(Balance *b)
{
	const VdbIvf *ivf = b->ivf;
	Size		dim = ivf->space.dim;

	if (b->nrows == 0)
		return;
	renew_rows(b, b->errors);
	check_status(vdb_km_assign(&b->packed, b->rows, b->nrows, 1, b->which, NULL, &control,
							   b->assign_work));
	for (uint32 i = 0; i < b->nrows; i++)
	{
		uint32		part = b->which[i];

		vdb_ivf_encode(ivf, &ivf->list, b->rows + i * dim, b->centres + part * dim, b->errors[i],
					   ivf->list.coded ? NULL : b->copies + (Size) i * ivf->list.row_size,
					   b->scratch, b->encoded);
		vdb_ivf_writer_add(b->writers[part], &b->tids[i], b->codes + i * ivf->list.codes_size,
						   b->encoded);
		CHECK_FOR_INTERRUPTS();
	}
	b->nrows = 0;
}

static void
deal_row(void *arg, ItemPointer tid, const char *codes, const void *row)
{
	Balance    *b = arg;
	Size		i = b->nrows++;

	if (VDB_FAULT("ivf-split-loses-rows") && ItemPointerGetOffsetNumber(tid) == 3)
	{
		b->nrows--;
		return;
	}
	read_row(b, row, b->rows + i * b->ivf->space.dim, &b->errors[i]);
	if (!b->ivf->list.coded)
		memcpy(b->copies + i * b->ivf->list.row_size, row, b->ivf->list.row_size);
	memcpy(b->codes + i * b->ivf->list.codes_size, codes, b->ivf->list.codes_size);
	b->tids[i] = *tid;
}

/* A page's worth of entries at a time, so that no lock is held meanwhile. */
static void
deal_list(Balance *b, const VdbIvfNear *list)
{
	VdbPageChain chain = {0};

	vdb_ivf_route_centre(b->route, list, b->centre);
	for (BlockNumber block = list->head; block != InvalidBlockNumber;)
	{
		vdb_page_follow(&chain, b->index, block);
		block = vdb_ivf_list_walk_page(&b->ivf->list, b->index, block, list->number, deal_row, b,
									   b->work);
		if (b->nrows + b->ivf->list.lanes > b->max_rows)
			deal_out(b);
	}
}

static void
write_lists(Balance *b, const VdbIvfNear *lists, uint32 nlists)
{
	const VdbIvf *ivf = b->ivf;

	need_rows(b, Max(ivf->list.lanes, BATCH_BYTES / (ivf->space.dim * sizeof(float))));
	b->scratch = palloc(2 * ivf->space.dim * sizeof(float));
	b->encoded = palloc(vdb_ivf_encoded_size(ivf, &ivf->list));
	b->errors = palloc(b->max_rows * sizeof(float));
	b->codes = palloc(b->max_rows * ivf->list.codes_size + 1);
	b->which = palloc(b->max_rows * sizeof(uint32));
	if (!ivf->list.coded)
		b->copies = palloc_extended((Size) b->max_rows * ivf->list.row_size, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < nlists; i++)
		deal_list(b, &lists[i]);
	deal_out(b);
}

/* ---- a change ---- */

static void
close_list(Balance *b, const VdbIvfNear *list)
{
	vdb_ivf_directory_set(b->index, b->ivf, list->ordinal, b->state.version + 1, InvalidFullTransactionId);
	vdb_ivf_list_close(b->index, list->head, true, 0);
}

static void
reopen_list(Balance *b, const VdbIvfNear *list, uint32 whole)
{
	vdb_ivf_list_close(b->index, list->head, false, whole);
	vdb_ivf_directory_set(b->index, b->ivf, list->ordinal, VDB_IVF_LIVES, InvalidFullTransactionId);
}

/* Of lists that were empty before they were closed, those that are not stay. */
static uint32
reopen_used(Balance *b, VdbIvfNear *lists, uint32 nlists)
{
	uint32		n = 0;

	for (uint32 i = 0; i < nlists; i++)
		if (vdb_ivf_list_count(&b->ivf->list, b->index, lists[i].head, lists[i].number) == 0)
			lists[n++] = lists[i];
		else
			reopen_list(b, &lists[i], 0);
	return n;
}

/*
 * Makes parts new lists of some old ones, or none of lists that are empty.
 * The caller has the lock of changes, and b->route has the lists.
 */
static void
change(Balance *b, VdbIvfNear *lists, uint32 nlists, uint32 parts)
{
	VdbIvfState *state = &b->state;
	uint32		number = state->next_number;
	MemoryContext context,
				old;

	if (state->version >= VDB_IVF_LIVES - 2 || number >= VDB_IVF_DIRECTORY - parts)
		return;					/* REINDEX begins anew */
	context = AllocSetContextCreate(CurrentMemoryContext, "ivf change", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	state->busy = 1;
	state->next_number += parts;
	vdb_ivf_write_state(b->index, b->ivf, false, state);
	VDB_PAUSE("ivf-split-begun");
	for (uint32 i = 0; i < nlists; i++)
		close_list(b, &lists[i]);
	VDB_PAUSE("ivf-split-closed");

	b->nparts = 0;
	if (parts > 0)
		train(b, lists, nlists, parts);
	else
		nlists = reopen_used(b, lists, nlists);
	if (nlists == 1 && b->nparts == 1)
		/* Its rows are all the same.  There is no point in trying again soon. */
		reopen_list(b, &lists[0], vdb_ivf_list_pages(b->index, lists[0].head));
	else
	{
		if (parts > 0)
		{
			VDB_PAUSE("ivf-split-trained");
			begin_lists(b, number);
			write_lists(b, lists, nlists);
			VDB_PAUSE("ivf-split-written");
			end_lists(b, number);
			VDB_PAUSE("ivf-split-entered");
		}
		state->version++;
		state->nlists += b->nparts - nlists;
		b->changed += nlists;
	}
	state->busy = 0;
	vdb_ivf_write_state(b->index, b->ivf, false, state);
	VDB_PAUSE("ivf-split-done");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Begins to look for so many lists near one. */
static void
look_around(Balance *b, const VdbIvfNear *list, uint32 expect)
{
	float	   *centre = b->rotated;

	vdb_ivf_route_begin(b->route, b->state.version, VDB_IVF_ANY, NULL, NULL);
	vdb_ivf_route_centre(b->route, list, centre);
	vdb_quant_tables_init(&b->tables, b->ivf->directory.code_dim, centre, b->tables_memory);
	vdb_ivf_route_expect(b->route, expect);
	vdb_ivf_route_begin(b->route, b->state.version, VDB_IVF_BY_GAP, centre, &b->tables);
}

static uint32
parts_of(Balance *b, double rows)
{
	return Max(1, Min(MAX_PARTS, rint(rows / b->target)));
}

static void
split(Balance *b, const VdbIvfNear *list, uint64 rows)
{
	VdbIvfNear	lists[SPLIT_NEIGHBOURS + 1];
	uint32		n = 0;
	VdbIvfNear	near;

	lists[n++] = *list;
	look_around(b, list, SPLIT_NEIGHBOURS);
	for (int i = 0; i < SPLIT_NEIGHBOURS && vdb_ivf_route_next(b->route, &near); i++)
	{
		uint64		count;

		if (near.number == list->number)
			continue;
		count = vdb_ivf_list_count(&b->ivf->list, b->index, near.head, near.number);
		if (count > SPLIT_WITH * b->target)
		{
			lists[n++] = near;
			rows += count;
		}
	}
	change(b, lists, n, Max(2, parts_of(b, rows)));
}

/*
 * Merges a list with its neighbours, as far as they are small: up to so many
 * rows, of which parts are made as large as they should be.  What this vacuum has
 * made is not made once more, but for the nearest where there is nothing else: the
 * pages of all that is replaced are free only later.
 */
static void
merge(Balance *b, const VdbIvfNear *list, uint64 rows, double most)
{
	VdbIvfNear	lists[NEIGHBOURS + 1];
	uint32		n = 0;
	VdbIvfNear	near;
	VdbIvfNear	nearest;
	uint64		nearest_count = 0;

	lists[n++] = *list;
	look_around(b, list, NEIGHBOURS);
	for (int i = 0; i < NEIGHBOURS && vdb_ivf_route_next(b->route, &near); i++)
	{
		uint64		count;

		if (near.number == list->number)
			continue;
		count = vdb_ivf_list_count(&b->ivf->list, b->index, near.head, near.number);
		if (nearest_count == 0 && count > 0)
		{
			nearest = near;
			nearest_count = count;
		}
		if (rows + count <= most && near.number < b->fresh)
		{
			lists[n++] = near;
			rows += count;
		}
	}
	if (n == 1 && nearest_count > 0)
	{
		lists[n++] = nearest;
		rows += nearest_count;
	}
	if (n > 1)
		change(b, lists, n, parts_of(b, rows));
}

/* ---- how many lists to look at ---- */

typedef struct Example
{
	Balance    *balance;
	uint32		skip;			/* entries before it */
	void	   *row;
	ItemPointerData tid;
	bool		found;
} Example;

static void
take_example(void *arg, ItemPointer tid, const char *codes, const void *row)
{
	Example    *example = arg;
	Balance    *b = example->balance;
	float		error;

	if (example->skip-- != 0)
		return;
	memcpy(example->row, row, b->ivf->list.row_size);
	example->tid = *tid;
	example->found = read_row(b, row, b->rotated, &error);
}

/*
 * Measures anew how many lists hold the neighbours of a row, for rows taken
 * at random: the nearest lists by far more than needed are looked at.
 */
static void
measure(Balance *b)
{
	VdbIvfState *state = &b->state;
	VdbIvfScan *scan = vdb_ivf_probe_create(b->index);
	uint32		n = 0;
	uint32		nlanes;
	VdbIvfLane	   *lanes = vdb_ivf_directory_read(b->index, b->ivf, &nlanes);
	uint32		most;
	uint64	   *found;
	Example		example = {.balance = b,.row = palloc(b->ivf->list.row_size)};
	uint64		total = 0;
	uint64		sum = 0;
	int			r = 0;

	for (uint32 i = 0; i < nlanes; i++)
		if (vdb_ivf_lives(&lanes[i].info, state->version))
			lanes[n++] = lanes[i];
	/* No more than there are: the state's own number may be damaged. */
	most = Min(n, Max(64, 4 * state->probes[5] + 16));
	found = palloc0(most * sizeof(uint64));
	vdb_ivf_route_begin(b->route, state->version, VDB_IVF_ANY, NULL, NULL);
	for (uint32 i = 0; i < PROBE_ROWS && n > 0; i++)
	{
		VdbIvfLane	   *lane = &lanes[pg_prng_uint64_range(&b->random, 0, n - 1)];
		uint32		ranks[PROBE_NEIGHBOURS];
		uint64		entries;
		uint32		k;

		entries = vdb_ivf_list_count(&b->ivf->list, b->index, lane->list.head, lane->list.number);
		if (entries == 0)
			continue;
		example.skip = pg_prng_uint64_range(&b->random, 0, entries - 1);
		example.found = false;
		vdb_ivf_route_centre(b->route, &lane->list, b->centre);
		vdb_ivf_list_walk(&b->ivf->list, b->index, lane->list.head, lane->list.number,
						  take_example, &example, b->work);
		if (!example.found)
			continue;
		if (b->renew != NULL)
			vdb_ivf_renew(b->renew, &example.tid, b->rotated);
		k = vdb_ivf_probe(scan, b->index, example.row, b->rotated, most, PROBE_NEIGHBOURS, ranks);
		for (uint32 j = 0; j < k; j++)
			found[ranks[j]]++;
		total += k;
		CHECK_FOR_INTERRUPTS();
	}
	for (uint32 rank = 0; rank < most; rank++)
	{
		sum += found[rank];
		while (r < VDB_IVF_NRECALLS &&
			   sum >= (vdb_ivf_recalls[r] + MARGIN * (1 - vdb_ivf_recalls[r])) * total)
			state->probes[r++] = rank + 1;
	}
	state->measured = state->nlists;
	vdb_ivf_write_state(b->index, b->ivf, false, state);
}

void
vdb_ivf_set_probes(Relation index, const VdbIvf *ivf, const uint32 *probes)
{
	Balance		b = {.index = index,.ivf = ivf};

	lock_changes(&b);
	memcpy(b.state.probes, probes, sizeof(b.state.probes));
	b.state.measured = b.state.nlists;
	vdb_ivf_write_state(index, ivf, false, &b.state);
	unlock_changes(&b);
}

/* ---- when ---- */

void
vdb_ivf_grown(Relation index, Relation heap, const VdbIvf *ivf, const VdbIvfNear *list,
			  uint32 pages)
{
	double		entries = (pages - 1.0) * ivf->list.lanes;
	MemoryContext context;
	MemoryContext old;
	Balance    *b;
	uint32		n;
	VdbIvfLane	   *lanes;

	if (entries < SPLIT_AT * LEAST_TARGET || !vdb_page_guard_try(index, VDB_IVF_METAPAGE))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "ivf balance", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	b = create_balance(index, heap, ivf);
	lock_changes(b);
	b->target = target_size(b);
	if (entries >= SPLIT_AT * b->target)
	{
		free_retired(b);
		lanes = vdb_ivf_directory_read(index, ivf, &n);
		for (uint32 i = 0; i < n; i++)
			if (lanes[i].list.number == list->number &&
				vdb_ivf_lives(&lanes[i].info, b->state.version))
			{
				uint64		count = vdb_ivf_list_count(&ivf->list, index, list->head, list->number);

				if (count >= SPLIT_AT * b->target)
					split(b, &lanes[i].list, count);
				break;
			}
		if (b->state.nlists > b->state.measured + b->state.measured / 2)
			measure(b);
	}
	unlock_changes(b);
	vdb_page_unguard(index, VDB_IVF_METAPAGE);
	vdb_ivf_renew_end(b->renew);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static int
compare_counts(const void *a, const void *b)
{
	uint32		x = ((const VdbIvfListCount *) a)->list.number;
	uint32		y = ((const VdbIvfListCount *) b)->list.number;

	return x < y ? -1 : x > y;
}

VdbIvfListCount *
vdb_ivf_all_lists(Relation index, const VdbIvf *ivf, uint32 *n)
{
	VdbIvfState state;
	VdbIvfLane	   *lanes = vdb_ivf_directory_read(index, ivf, n);
	VdbIvfListCount *lists = palloc_extended(Max(*n, 1) * sizeof(VdbIvfListCount),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	vdb_ivf_read_state(index, ivf, &state);
	for (uint32 i = 0; i < *n; i++)
	{
		lists[i].list = lanes[i].list;
		lists[i].lives = vdb_ivf_lives(&lanes[i].info, state.version);
		lists[i].room = InvalidBlockNumber;
	}
	qsort(lists, *n, sizeof(VdbIvfListCount), compare_counts);
	pfree(lanes);
	return lists;
}

/* Retires the lists that are empty, but for one. */
static void
drop_empty(Balance *b, VdbIvfListCount *lists, uint32 n)
{
	VdbIvfNear *empty = palloc_extended(Max(n, 1) * sizeof(VdbIvfNear), MCXT_ALLOC_HUGE);
	uint32		nempty = 0;

	for (uint32 i = 0; i < n; i++)
		if (lists[i].lives && lists[i].live == 0 && nempty + 1 < b->state.nlists &&
			vdb_ivf_list_count(&b->ivf->list, b->index, lists[i].list.head, lists[i].list.number) == 0)
			empty[nempty++] = lists[i].list;
	if (nempty > 0)
		change(b, empty, nempty, 0);
	pfree(empty);
}

void
vdb_ivf_balance(Relation index, const VdbIvf *ivf, VdbIvfListCount *lists, uint32 n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "ivf balance",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Balance    *b = create_balance(index, NULL, ivf);
	uint32		tried = 0;

	lock_changes(b);
	free_retired(b);
	b->fresh = b->state.next_number;
	if (lists != NULL)
	{
		b->state.rows = 0;
		for (uint32 i = 0; i < n; i++)
			b->state.rows += lists[i].live;
		b->state.blocks = RelationGetNumberOfBlocks(index);
		b->state.leaks = 0;
		vdb_ivf_write_state(index, ivf, false, &b->state);
		b->target = target_size(b);
		drop_empty(b, lists, n);
	}
	unlock_changes(b);

	for (uint32 i = 0; i < n && lists != NULL; i++)
	{
		uint64		live = lists[i].live;
		/* Most of its rows are gone: the centre is theirs, not that of the others. */
		bool		other = lists[i].dead > live;

		if (!lists[i].lives || live == 0 ||
			(live >= MERGE_AT * b->target && live <= SPLIT_AT * b->target && !other))
			continue;
		lock_changes(b);
		/* What the last few have left serves the next ones, if nobody needs it. */
		if (++tried % 16 == 0)
			free_retired(b);
		if (vdb_ivf_directory_has(index, ivf, &lists[i].list, b->state.version))
		{
			if (live > SPLIT_AT * b->target)
				split(b, &lists[i].list, live);
			else
				merge(b, &lists[i].list, live, other ? Min(REMAKE * b->target, Max(MAX_REMAKE, 2 * b->target)) :
					  b->target);
		}
		unlock_changes(b);
		VDB_COMPAT_VACUUM_DELAY();
	}

	lock_changes(b);
	free_retired(b);
	if (b->changed > b->state.nlists / 10 ||
		b->state.nlists > b->state.measured + b->state.measured / 4 ||
		b->state.nlists < b->state.measured - b->state.measured / 4)
		measure(b);
	unlock_changes(b);
	vdb_ivf_renew_end(b->renew);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
