/*
 * measure.c
 *	  What part of the true neighbours of some rows searches find.
 *
 * The table is read twice: rows are drawn at random, and then every row is
 * compared with all of these, which gives the distance of the k-th nearest.
 * Each of the rows is then searched for through the index, at the settings of
 * the session; what is found counts if it is no further than that, so that it
 * does not matter which of several rows at the same distance are found.  The
 * row itself counts on neither side.
 *
 * All of that sees the same snapshot.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "admin/measure.h"
#include "am/common/kind.h"
#include "am/hnsw/hnsw.h"
#include "compat/compat.h"

/* A row to search for, and how far its nearest k are. */
typedef struct Sample
{
	ItemPointerData tid;
	Datum		value;
	VdbAmVector vector;
	VdbSparse	sparse;
	double	   *nearest;		/* a heap, the furthest first */
	uint32		count;
} Sample;

struct VdbAdminMeasure
{
	VdbAdminIndex *admin;
	const VdbAmKind *kind;
	int16		typlen;
	bool		typbyval;
	IndexInfo  *info;
	Snapshot	snapshot;
	MemoryContext context;		/* of the samples */
	MemoryContext row_context;

	Sample	   *samples;
	uint32		nsamples;
	uint32		want;
	uint32		k;
	uint64		seen;
	pg_prng_state random;
	int32	   *sparse_index;	/* of a row */
	float	   *sparse_value;
};

/* ---- distances ---- */

static void
to_sparse(VdbAdminMeasure *r, const VdbAmVector *vector, int32 *index, float *value, VdbSparse *out)
{
	vdb_am_to_sparse(vector->elements, vector->dim, index, value, out);
}

/* A row's vector; false if it has none, or one that no distance can order. */
static bool
read_vector(VdbAdminMeasure *r, Datum value, VdbAmVector *vector, VdbSparse *sparse)
{
	vdb_am_vector(r->kind, value, vector);
	if (r->nsamples > 0)
		vdb_am_check_dim(r->kind, r->samples[0].vector.dim, vector->dim);
	if (r->kind->sparse)
	{
		if (r->sparse_index == NULL)
		{
			r->sparse_index = MemoryContextAlloc(r->context, vector->dim * sizeof(int32));
			r->sparse_value = MemoryContextAlloc(r->context, vector->dim * sizeof(float));
		}
		to_sparse(r, vector, r->sparse_index, r->sparse_value, sparse);
	}
	return r->kind->metric != VDB_COSINE ||
		vdb_dist_square(r->kind->elem, vector->elements, vector->dim) > 0;
}

static double
distance(VdbAdminMeasure *r, const VdbAmVector *row, const VdbSparse *sparse, const Sample *sample)
{
	if (r->kind->sparse)
		return vdb_am_distance(r->kind, sparse, &sample->sparse, row->dim);
	return vdb_am_distance(r->kind, row->elements, sample->vector.elements, row->dim);
}

/* Keeps a distance if it is one of the least k. */
static void
keep(double *heap, uint32 *count, uint32 k, double d)
{
	uint32		i;

	if (isnan(d) || (*count == k && d >= heap[0]))
		return;
	if (*count < k)
	{
		for (i = (*count)++; i > 0 && heap[(i - 1) / 2] < d; i = (i - 1) / 2)
			heap[i] = heap[(i - 1) / 2];
		heap[i] = d;
		return;
	}
	for (i = 0;;)
	{
		uint32		child = 2 * i + 1;

		if (child + 1 < k && heap[child + 1] > heap[child])
			child++;
		if (child >= k || heap[child] <= d)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = d;
}

/* ---- the table ---- */

/* Goes through the rows that the index should have, as the snapshot sees them. */
static void
scan_table(VdbAdminMeasure *r, IndexBuildCallback callback)
{
	TableScanDesc scan = table_beginscan_strat(r->admin->heap, r->snapshot, 0, NULL, true, true);

	table_index_build_scan(r->admin->heap, r->admin->index, r->info, true, false, callback, r,
						   scan);
}

/* Each row with the same probability. */
static void
draw_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	VdbAdminMeasure *r = arg;
	uint64		place = r->seen;
	Sample	   *sample;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (isnull[0])
		return;
	r->seen++;
	if (place >= r->want)
		place = pg_prng_uint64_range(&r->random, 0, place);
	if (place >= r->want)
		return;
	sample = &r->samples[place];
	if (place == r->nsamples)
		r->nsamples++;
	else
		pfree(DatumGetPointer(sample->value));
	sample->tid = *tid;
	/* as it is stored: its value is read when it is known to stay */
	old = MemoryContextSwitchTo(r->context);
	sample->value = datumCopy(values[0], r->typbyval, r->typlen);
	MemoryContextSwitchTo(old);
}

/* Reads the vectors of the rows drawn; those without a direction are left out. */
static void
read_samples(VdbAdminMeasure *r)
{
	uint32		drawn = r->nsamples;

	r->nsamples = 0;
	for (uint32 i = 0; i < drawn; i++)
	{
		Sample		sample = r->samples[i];
		VdbSparse	sparse;

		if (!read_vector(r, sample.value, &sample.vector, &sparse))
			continue;
		if (r->kind->sparse)
		{
			int32	   *index = palloc(sample.vector.dim * sizeof(int32));
			float	   *value = palloc(sample.vector.dim * sizeof(float));

			to_sparse(r, &sample.vector, index, value, &sample.sparse);
		}
		sample.nearest = palloc(r->k * sizeof(double));
		sample.count = 0;
		r->samples[r->nsamples++] = sample;
	}
}

static void
compare_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	VdbAdminMeasure *r = arg;
	VdbAmVector vector;
	VdbSparse	sparse;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(r->row_context);
	if (read_vector(r, values[0], &vector, &sparse))
		for (uint32 i = 0; i < r->nsamples; i++)
		{
			Sample	   *sample = &r->samples[i];

			if (!ItemPointerEquals(tid, &sample->tid))
				keep(sample->nearest, &sample->count, r->k,
					 distance(r, &vector, &sparse, sample));
		}
	MemoryContextSwitchTo(old);
	MemoryContextReset(r->row_context);
}

/* ---- the index ---- */

static void
make_key(VdbAdminMeasure *r, ScanKey key)
{
	Relation	index = r->admin->index;
	Oid			type = index->rd_opcintype[0];
	Oid			operator = get_opfamily_member(index->rd_opfamily[0], type, type,
											   VDB_AM_DISTANCE_STRATEGY);

	if (!OidIsValid(operator))
		elog(ERROR, "index \"%s\" has no distance", RelationGetRelationName(index));
	ScanKeyEntryInitialize(key, SK_ORDER_BY, 1, VDB_AM_DISTANCE_STRATEGY, type,
						   index->rd_indcollation[0], get_opcode(operator), (Datum) 0);
}

/*
 * How many of the nearest that a search finds are no further than the true
 * ones.  As in the executor, a row comes out when the index says that those to
 * come are no nearer.
 */
static uint32
search(VdbAdminMeasure *r, IndexScanDesc scan, ScanKey key, TupleTableSlot *slot,
	   EState *estate, Sample *sample, bool leave_out)
{
	double	   *found = palloc(r->k * sizeof(double));
	uint32		nfound = 0;
	uint32		good = 0;
	ItemPointer tid;

	key->sk_argument = sample->value;
	index_rescan(scan, NULL, 0, key, 1);
	if (leave_out)
		vdb_hnsw_scan_leave_out(scan, &sample->tid);
	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		ItemPointerData root = *tid;
		double		bound = DatumGetFloat8(scan->xs_orderbyvals[0]);
		Datum		values[INDEX_MAX_KEYS];
		bool		isnull[INDEX_MAX_KEYS];
		VdbAmVector vector;
		VdbSparse	sparse;
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		/* What comes now has no distance. */
		if (scan->xs_orderbynulls[0] || isnan(bound) ||
			(nfound == r->k && bound >= found[0]))
			break;
		if (ItemPointerEquals(&root, &sample->tid) || !index_fetch_heap(scan, slot))
			continue;
		old = MemoryContextSwitchTo(r->row_context);
		FormIndexDatum(r->info, slot, estate, values, isnull);
		if (!isnull[0] && read_vector(r, values[0], &vector, &sparse))
			keep(found, &nfound, r->k, distance(r, &vector, &sparse, sample));
		MemoryContextSwitchTo(old);
		MemoryContextReset(r->row_context);
		ResetPerTupleExprContext(estate);
	}
	for (uint32 i = 0; i < nfound; i++)
		good += found[i] <= sample->nearest[0];
	pfree(found);
	return Min(good, sample->count);
}

double
vdb_admin_measure_search(VdbAdminMeasure *r, bool leave_out)
{
	EState	   *estate = CreateExecutorState();
	TupleTableSlot *slot = table_slot_create(r->admin->heap, NULL);
	IndexScanDesc scan;
	ScanKeyData key;
	double		good = 0,
				all = 0;
	MemoryContext old = MemoryContextSwitchTo(r->context);

	make_key(r, &key);
	GetPerTupleExprContext(estate)->ecxt_scantuple = slot;
	scan = VDB_COMPAT_BEGIN_INDEX_SCAN(r->admin->heap, r->admin->index, r->snapshot, 0, 1);
	for (uint32 i = 0; i < r->nsamples; i++)
	{
		Sample	   *sample = &r->samples[i];

		if (sample->count == 0)
			continue;
		good += search(r, scan, &key, slot, estate, sample, leave_out);
		all += sample->count;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	/* It was in there. */
	r->info->ii_ExpressionsState = NIL;
	MemoryContextSwitchTo(old);
	return all > 0 ? good / all : NAN;
}

bool
vdb_admin_measure_is_full(const VdbAdminMeasure *r)
{
	for (uint32 i = 0; i < r->nsamples; i++)
		if (r->samples[i].count == r->k)
			return true;
	return false;
}

VdbAdminMeasure *
vdb_admin_measure_begin(VdbAdminIndex *admin, uint32 sample, uint32 k)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecdb recall",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VdbAdminMeasure *r = palloc0(sizeof(VdbAdminMeasure));

	r->admin = admin;
	r->want = sample;
	r->k = k;
	r->context = context;
	r->row_context = AllocSetContextCreate(context, "vecdb recall of a row",
										   ALLOCSET_DEFAULT_SIZES);
	r->kind = vdb_am_kind(admin->index);
	get_typlenbyval(TupleDescAttr(RelationGetDescr(admin->index), 0)->atttypid, &r->typlen,
					&r->typbyval);
	r->info = BuildIndexInfo(admin->index);
	r->info->ii_Concurrent = true;	/* what the snapshot sees, not all there is */
	r->snapshot = RegisterSnapshot(GetActiveSnapshot());
	r->samples = palloc0(r->want * sizeof(Sample));
	pg_prng_seed(&r->random, pg_prng_uint64(&pg_global_prng_state));

	vdb_admin_become_owner(admin);
	scan_table(r, draw_row);
	read_samples(r);
	if (r->nsamples > 0)
		scan_table(r, compare_row);
	MemoryContextSwitchTo(old);
	return r;
}

void
vdb_admin_measure_end(VdbAdminMeasure *r)
{
	vdb_admin_become_self(r->admin);
	UnregisterSnapshot(r->snapshot);
	MemoryContextDelete(r->context);
}

int
vdb_admin_number(int value, const char *name, int most)
{
	if (value < 1 || value > most)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must be between 1 and %d", name, most));
	return value;
}
