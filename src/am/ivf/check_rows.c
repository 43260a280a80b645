/*
 * check_rows.c
 *	  Does an index have the rows of its table, each once, and their vectors?
 *
 * The entries, which check.c has gathered, are sorted by row id and held
 * against a scan of the table as CREATE INDEX does it: that evaluates
 * expressions and predicates, and knows about HOT chains.  What it does not
 * come upon may be a dead row that vacuum has not seen yet; then its line
 * pointer is still in use.
 *
 * The vector of an entry is looked at only if no problem was found in its list.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/ivf/check.h"
#include "heap/heap.h"

typedef struct RowCheck
{
	VdbIvfCheck *check;
	MemoryContext context;		/* of a row */
	float	   *floats;
	float	   *rotated;
	float	   *decoded;
	float	   *centre;
	void	   *copy;			/* of a row on several pages */
} RowCheck;

#define report vdb_ivf_check_report

static int
compare_entries(const void *a, const void *b)
{
	VdbIvfCheckEntry *x = unconstify(void *, a);
	VdbIvfCheckEntry *y = unconstify(void *, b);

	CHECK_FOR_INTERRUPTS();
	return ItemPointerCompare(&x->tid, &y->tid);
}

/* The first entry with that row id, or NULL. */
static VdbIvfCheckEntry *
find_entry(VdbIvfCheck *check, ItemPointer tid)
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

/* ---- vectors ---- */

/* The centre of a list. */
static void
read_centre(RowCheck *rc, const VdbIvfCheckList *list)
{
	VdbIvfCheck *check = rc->check;
	Buffer		row = InvalidBuffer;
	Buffer		buffer = vdb_ivf_read_lead(check->index, list->entry_block, VDB_IVF_DIRECTORY);
	const void *halves = vdb_ivf_row(&check->ivf->directory, check->index,
									 vdb_ivf_lead(BufferGetPage(buffer)), list->entry_lane, &row,
									 rc->copy);

	vdb_kernel.f16_to_f32(halves, rc->centre, check->ivf->space.dim);
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	vdb_page_release(buffer);
}

/* Is a vector, rotated, as far from what its codes stand for as they say? */
static bool
is_near(RowCheck *rc, const void *row)
{
	const VdbIvf *ivf = rc->check->ivf;
	float		error;
	double		distance,
				slack;

	if (!vdb_am_row_decode(&ivf->space, row, rc->centre, rc->decoded, &error))
		return vdb_am_is_far(rc->rotated);
	if (vdb_am_is_far(rc->rotated))
		return false;
	distance = sqrt(vdb_dist(VDB_F32, VDB_L2SQ, rc->rotated, rc->decoded, ivf->space.dim));
	/* what the rounding of floats adds */
	slack = 4e-6 * (vdb_dist_norm(VDB_F32, rc->rotated, ivf->space.dim) +
					vdb_dist_norm(VDB_F32, rc->centre, ivf->space.dim)) + 1e-18;
	return distance <= error * 1.001 + slack;
}

/* An entry of a list, and the table's vector. */
static void
compare_vector(RowCheck *rc, const VdbIvfCheckEntry *entry, const void *elements)
{
	VdbIvfCheck *check = rc->check;
	const VdbIvf *ivf = check->ivf;
	const VdbIvfCheckList *list = &check->lists[entry->list];
	Buffer		row = InvalidBuffer;
	Buffer		buffer;
	const void *found;
	bool		same;

	if (!list->sound || !check->directory_sound)
		return;
	if (!vdb_am_is_plain(&ivf->space))
	{
		read_centre(rc, list);
		vdb_am_place(&ivf->space, rc->floats, rc->rotated);
	}
	buffer = vdb_ivf_read_lead(check->index, entry->block, list->info.number);
	found = vdb_ivf_row(&ivf->list, check->index, vdb_ivf_lead(BufferGetPage(buffer)), entry->lane,
						&row, rc->copy);
	same = vdb_am_is_plain(&ivf->space) ? memcmp(found, elements, ivf->list.row_size) == 0 :
		is_near(rc, found);
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	vdb_page_release(buffer);
	if (!same)
		report(check, entry->block, "lane %u has another vector than row (%u,%u) of the table",
			   entry->lane, ItemPointerGetBlockNumber(&entry->tid),
			   ItemPointerGetOffsetNumber(&entry->tid));
}

static const char *
place_name(uint32 list)
{
	return list == VDB_IVF_CHECK_NULLS ? "those without a vector" :
		list == VDB_IVF_CHECK_ZEROS ? "the zero vectors" : "a list";
}

static void
compare_value(RowCheck *rc, const VdbIvfCheckEntry *entry, Datum value, bool isnull)
{
	VdbIvfCheck *check = rc->check;
	const VdbIvf *ivf = check->ivf;
	/* any list is as good as the first */
	uint32		is = entry->list < VDB_IVF_CHECK_ZEROS ? 0 : entry->list;
	uint32		belongs = VDB_IVF_CHECK_NULLS;
	VdbAmVector vector = {0};

	if (!isnull)
	{
		vdb_am_vector(ivf->space.kind, value, &vector);
		if (vector.dim != ivf->space.dim)
		{
			report(check, entry->block, "row (%u,%u) of the table has %d dimensions, the index %u",
				   ItemPointerGetBlockNumber(&entry->tid),
				   ItemPointerGetOffsetNumber(&entry->tid), vector.dim, ivf->space.dim);
			return;
		}
		belongs = vdb_am_floats(&ivf->space, vector.elements, rc->floats) ? 0 : VDB_IVF_CHECK_ZEROS;
	}
	if (is != belongs)
		report(check, entry->block, "row (%u,%u) is with %s, but belongs to %s",
			   ItemPointerGetBlockNumber(&entry->tid), ItemPointerGetOffsetNumber(&entry->tid),
			   place_name(is), place_name(belongs));
	else if (entry->list < VDB_IVF_CHECK_ZEROS)
		compare_vector(rc, entry, vector.elements);
}

/* ---- rows ---- */

/* A row of the table, from its scan. */
static void
check_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	RowCheck   *rc = arg;
	VdbIvfCheck *check = rc->check;
	VdbIvfCheckEntry *entry = find_entry(check, tid);
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (entry == NULL)
	{
		/* What was dead when the index was built need not be there. */
		if (alive)
			report(check, InvalidBlockNumber, "row (%u,%u) of the table is missing",
				   ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid));
		return;
	}
	entry->seen = true;
	old = MemoryContextSwitchTo(rc->context);
	compare_value(rc, entry, values[0], isnull[0]);
	MemoryContextSwitchTo(old);
	MemoryContextReset(rc->context);
}

/* Entries that are there twice, and those of rows that the table does not have. */
static void
check_entries(VdbIvfCheck *check, Relation heap)
{
	for (uint64 i = 0; i < check->nentries; i++)
	{
		VdbIvfCheckEntry *entry = &check->entries[i];
		BlockNumber block = ItemPointerGetBlockNumber(&entry->tid);
		OffsetNumber offset = ItemPointerGetOffsetNumber(&entry->tid);

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && ItemPointerEquals(&entry[-1].tid, &entry->tid))
			report(check, entry->block, "row (%u,%u) is there twice: at block %u, too", block,
				   offset, entry[-1].block);
		else if (!entry->seen && !vdb_heap_may_be_row(heap, &entry->tid))
			report(check, entry->block, "lane %u leads to row (%u,%u), which the table does not have",
				   entry->lane, block, offset);
	}
}

void
vdb_ivf_check_rows(VdbIvfCheck *check, Relation heap)
{
	const VdbIvf *ivf = check->ivf;
	IndexInfo  *info = BuildIndexInfo(check->index);
	RowCheck	rc = {
		.check = check,
		.context = AllocSetContextCreate(CurrentMemoryContext, "ivf check of a row",
										 ALLOCSET_DEFAULT_SIZES),
		.floats = palloc(ivf->space.dim * sizeof(float)),
		.rotated = palloc(ivf->space.dim * sizeof(float)),
		.decoded = palloc(ivf->space.dim * sizeof(float)),
		.centre = palloc(ivf->space.dim * sizeof(float)),
		.copy = palloc(Max(ivf->list.row_size, ivf->directory.row_size)),
	};

	if (check->nentries > 0)
		qsort(check->entries, check->nentries, sizeof(VdbIvfCheckEntry), compare_entries);
	/* On a standby nobody can lock the table: what a snapshot sees. */
	info->ii_Concurrent = RecoveryInProgress();
	table_index_build_scan(heap, check->index, info, false, false, check_row, &rc, NULL);
	check_entries(check, heap);
	MemoryContextDelete(rc.context);
}
