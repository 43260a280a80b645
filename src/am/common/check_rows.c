/*
 * check_rows.c
 *	  Does an index have the rows of its table, each once?
 *
 * The entries, which the check has gathered, are sorted by row id and held
 * against a scan of the table as CREATE INDEX does it: that evaluates
 * expressions and predicates, and knows about HOT chains.  What it does not
 * come upon may be a dead row that vacuum has not seen yet; then its line
 * pointer is still in use.
 */
#include "postgres.h"

#include <math.h>

#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/common/check.h"
#include "heap/heap.h"

typedef struct RowCheck
{
	VdbAmCheck *check;
	VdbAmCompare compare;
	void	   *arg;
	MemoryContext context;		/* of a row */
	VdbAmColumns columns;
	char	   *codes;			/* of a row */
} RowCheck;

#define report vdb_am_check_report

static int
compare_entries(const void *a, const void *b)
{
	VdbAmCheckEntry *x = unconstify(void *, a);
	VdbAmCheckEntry *y = unconstify(void *, b);

	CHECK_FOR_INTERRUPTS();
	return ItemPointerCompare(&x->tid, &y->tid);
}

static void
sort_entries(VdbAmCheck *check)
{
	if (check->nentries > 0)
		qsort(check->entries, check->nentries, sizeof(VdbAmCheckEntry), compare_entries);
}

/* The first entry with that row id, or NULL. */
static VdbAmCheckEntry *
find_entry(VdbAmCheck *check, ItemPointer tid)
{
	uint64		low = 0,
				high = check->nentries;

	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (ItemPointerCompare(&check->entries[middle].tid, tid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < check->nentries && ItemPointerEquals(&check->entries[low].tid, tid) ?
		&check->entries[low] : NULL;
}

/* A row of the table, from its scan. */
static void
check_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	RowCheck   *rc = arg;
	VdbAmCheckEntry *entry = find_entry(rc->check, tid);
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (entry == NULL)
	{
		/* What was dead when the index was built need not be there. */
		if (alive)
			report(rc->check, InvalidBlockNumber, "row (%u,%u) of the table is missing",
				   ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid));
		return;
	}
	entry->seen = true;
	old = MemoryContextSwitchTo(rc->context);
	vdb_am_columns_encode(&rc->columns, values, isnull, rc->codes);
	rc->compare(rc->arg, entry, values[0], isnull[0], rc->codes);
	MemoryContextSwitchTo(old);
	MemoryContextReset(rc->context);
}

static bool
is_twice(VdbAmCheck *check, uint64 i)
{
	VdbAmCheckEntry *entry = &check->entries[i];

	if (i == 0 || !ItemPointerEquals(&entry[-1].tid, &entry->tid))
		return false;
	report(check, entry->block, "row (%u,%u) is there twice: at block %u, too",
		   ItemPointerGetBlockNumber(&entry->tid), ItemPointerGetOffsetNumber(&entry->tid),
		   entry[-1].block);
	return true;
}

void
vdb_am_check_twice(VdbAmCheck *check)
{
	sort_entries(check);
	for (uint64 i = 0; i < check->nentries; i++)
		is_twice(check, i);
}

/* Entries that are there twice, and those of rows that the table does not have. */
static void
check_entries(VdbAmCheck *check, Relation heap)
{
	for (uint64 i = 0; i < check->nentries; i++)
	{
		VdbAmCheckEntry *entry = &check->entries[i];

		CHECK_FOR_INTERRUPTS();
		if (!is_twice(check, i) && !entry->seen && !vdb_heap_may_be_row(heap, &entry->tid))
			report(check, entry->block, "lane %u leads to row (%u,%u), which the table does not have",
				   entry->place, ItemPointerGetBlockNumber(&entry->tid),
				   ItemPointerGetOffsetNumber(&entry->tid));
	}
}

void
vdb_am_check_rows(VdbAmCheck *check, Relation heap, VdbAmCompare compare, void *arg)
{
	IndexInfo  *info = BuildIndexInfo(check->index);
	RowCheck	rc = {
		.check = check,
		.compare = compare,
		.arg = arg,
		.context = AllocSetContextCreate(CurrentMemoryContext, "check of a row",
										 ALLOCSET_DEFAULT_SIZES),
	};

	vdb_am_columns_open(check->index, &rc.columns);
	rc.codes = palloc(rc.columns.size + 1);
	sort_entries(check);
	/* On a standby nobody can lock the table: what a snapshot sees. */
	info->ii_Concurrent = RecoveryInProgress();
	table_index_build_scan(heap, check->index, info, false, false, check_row, &rc, NULL);
	check_entries(check, heap);
	MemoryContextDelete(rc.context);
}

static const char *
place_name(VdbAmBelongs place, const char *name)
{
	return place == VDB_AM_BELONGS_NULL ? "those without a vector" :
		place == VDB_AM_BELONGS_ZERO ? "the zero vectors" : name;
}

bool
vdb_am_check_value(VdbAmCheck *check, const VdbAmSpace *space, const VdbAmCheckEntry *entry,
				   VdbAmBelongs is, const char *name, Datum value, bool isnull,
				   VdbAmVector *vector, float *floats)
{
	BlockNumber block = ItemPointerGetBlockNumber(&entry->tid);
	OffsetNumber offset = ItemPointerGetOffsetNumber(&entry->tid);
	VdbAmBelongs belongs = VDB_AM_BELONGS_NULL;

	if (!isnull)
	{
		vdb_am_vector(space->kind, value, vector);
		if (vector->dim != space->dim)
		{
			report(check, entry->block, "row (%u,%u) of the table has %d dimensions, the index %u",
				   block, offset, vector->dim, space->dim);
			return false;
		}
		belongs = vdb_am_floats(space, vector->elements, floats) ? VDB_AM_BELONGS_ORDERED :
			VDB_AM_BELONGS_ZERO;
	}
	if (is != belongs)
		report(check, entry->block, "row (%u,%u) is with %s, but belongs to %s", block, offset,
			   place_name(is, name), place_name(belongs, name));
	return is == belongs && is == VDB_AM_BELONGS_ORDERED;
}

bool
vdb_am_check_is_near(const VdbAmSpace *space, const void *row, const float *centre,
					 const float *rotated, float *scratch)
{
	float		error;
	double		distance,
				slack;

	if (!vdb_am_row_decode(space, row, centre, scratch, &error))
		return vdb_am_is_far(rotated);
	if (vdb_am_is_far(rotated))
		return false;
	distance = sqrt(vdb_dist(VDB_F32, VDB_L2SQ, rotated, scratch, space->dim));
	/* what the rounding of floats adds */
	slack = 4e-6 * (vdb_dist_norm(VDB_F32, rotated, space->dim) +
					(centre != NULL ? vdb_dist_norm(VDB_F32, centre, space->dim) : 0)) + 1e-18;
	return distance <= error * 1.001 + slack;
}

bool
vdb_am_check_is_sound(const VdbAmSpace *space, const void *row, float *floats)
{
	if (space->rows == VDB_AM_ROWS_SQ8)
	{
		const VdbQuantSq8Factors *factors = vdb_quant_sq8_factors(space->dim, row);

		return isfinite(factors->add) && isfinite(factors->scale) && isfinite(factors->middle);
	}
	if (space->rows == VDB_AM_ROWS_RABITQ)
	{
		const VdbQuantRowFactors *factors = vdb_quant_row_factors(space->dim, space->bits, row);

		return isfinite(factors->add) && isfinite(factors->rescale) &&
			factors->error >= 0 && factors->error < INFINITY;
	}
	if (space->kind->elem != VDB_F32 && space->kind->elem != VDB_F16)
		return true;
	vdb_am_to_floats(space->kind, row, space->dim, floats);
	for (uint32 i = 0; i < space->dim; i++)
		if (!isfinite(floats[i]))
			return false;
	return true;
}
