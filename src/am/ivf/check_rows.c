/*
 * check_rows.c
 *	  Are the vectors of the table in an index's lists?
 *
 * The vector of an entry is looked at only if no problem was found in its list.
 */
#include "postgres.h"

#include "am/ivf/check.h"

typedef struct RowCheck
{
	VdbIvfCheck *check;
	float	   *floats;
	float	   *rotated;
	float	   *decoded;
	float	   *centre;
	void	   *copy;			/* of a row on several pages */
} RowCheck;

#define report(check, ...) vdb_am_check_report(&(check)->common, __VA_ARGS__)

/* ---- vectors ---- */

/* The centre of a list. */
static void
read_centre(RowCheck *rc, const VdbIvfCheckList *list)
{
	VdbIvfCheck *check = rc->check;
	Buffer		row = InvalidBuffer;
	Buffer		buffer = vdb_ivf_read_lead(check->common.index, list->entry_block,
										   VDB_IVF_DIRECTORY);
	const void *halves = vdb_ivf_row(&check->ivf->directory, check->common.index,
									 vdb_ivf_lead(BufferGetPage(buffer)), list->entry_lane, &row,
									 rc->copy);

	vdb_kernel.f16_to_f32(halves, rc->centre, check->ivf->space.dim);
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	vdb_page_release(buffer);
}

/* Was no problem found where an entry is? */
static bool
is_sound(VdbIvfCheck *check, const VdbAmCheckEntry *entry)
{
	return entry->group >= VDB_IVF_CHECK_ZEROS ||
		(check->lists[entry->group].sound && check->directory_sound);
}

/* An entry of a list, and the table's vector. */
static void
compare_vector(RowCheck *rc, const VdbAmCheckEntry *entry, const void *elements)
{
	VdbIvfCheck *check = rc->check;
	const VdbIvf *ivf = check->ivf;
	const VdbIvfCheckList *list = &check->lists[entry->group];
	Buffer		row = InvalidBuffer;
	Buffer		buffer;
	const void *found;
	bool		same;

	if (!vdb_am_is_plain(&ivf->space))
	{
		read_centre(rc, list);
		vdb_am_place(&ivf->space, rc->floats, rc->rotated);
	}
	buffer = vdb_ivf_read_lead(check->common.index, entry->block, list->info.number);
	found = vdb_ivf_row(&ivf->list, check->common.index, vdb_ivf_lead(BufferGetPage(buffer)),
						entry->place, &row, rc->copy);
	same = vdb_am_is_plain(&ivf->space) ? memcmp(found, elements, ivf->list.row_size) == 0 :
		vdb_am_check_is_near(&ivf->space, found, rc->centre, rc->rotated, rc->decoded);
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	vdb_page_release(buffer);
	if (!same)
		report(check, entry->block, "lane %u has another vector than row (%u,%u) of the table",
			   entry->place, ItemPointerGetBlockNumber(&entry->tid),
			   ItemPointerGetOffsetNumber(&entry->tid));
}

/* The codes of an entry's filter columns, and those of the table's row. */
static void
compare_codes(VdbIvfCheck *check, const VdbAmCheckEntry *entry, const char *codes)
{
	const VdbIvf *ivf = check->ivf;
	Relation	index = check->common.index;
	Buffer		buffer;
	const char *found;
	bool		same;

	if (entry->group >= VDB_IVF_CHECK_ZEROS)
	{
		buffer = vdb_page_read(index, entry->block, VDB_IVF_TIDS);
		found = vdb_ivf_tids_codes(ivf, (VdbIvfTids *) vdb_page_contents(BufferGetPage(buffer)),
								   entry->place);
	}
	else
	{
		buffer = vdb_ivf_read_lead(index, entry->block, check->lists[entry->group].info.number);
		found = vdb_ivf_codes(&ivf->list, vdb_ivf_lead(BufferGetPage(buffer)), entry->place);
	}
	same = memcmp(found, codes, ivf->meta.codes_size) == 0;
	vdb_page_release(buffer);
	if (!same)
		report(check, entry->block, "lane %u has other filter columns than row (%u,%u) of the table",
			   entry->place, ItemPointerGetBlockNumber(&entry->tid),
			   ItemPointerGetOffsetNumber(&entry->tid));
}

static void
compare_value(void *arg, const VdbAmCheckEntry *entry, Datum value, bool isnull,
			  const char *codes)
{
	RowCheck   *rc = arg;
	VdbAmBelongs is = entry->group == VDB_IVF_CHECK_NULLS ? VDB_AM_BELONGS_NULL :
		entry->group == VDB_IVF_CHECK_ZEROS ? VDB_AM_BELONGS_ZERO : VDB_AM_BELONGS_ORDERED;
	bool		sound = is_sound(rc->check, entry);
	VdbAmVector vector;

	if (vdb_am_check_value(&rc->check->common, &rc->check->ivf->space, entry, is, "a list", value,
						   isnull, &vector, rc->floats) && sound)
		compare_vector(rc, entry, vector.elements);
	if (rc->check->ivf->meta.codes_size > 0 && sound)
		compare_codes(rc->check, entry, codes);
}

void
vdb_ivf_check_rows(VdbIvfCheck *check, Relation heap)
{
	const VdbIvf *ivf = check->ivf;
	RowCheck	rc = {
		.check = check,
		.floats = palloc(ivf->space.dim * sizeof(float)),
		.rotated = palloc(ivf->space.dim * sizeof(float)),
		.decoded = palloc(ivf->space.dim * sizeof(float)),
		.centre = palloc(ivf->space.dim * sizeof(float)),
		.copy = palloc(Max(ivf->list.row_size, ivf->directory.row_size)),
	};

	vdb_am_check_rows(&check->common, heap, compare_value, &rc);
}
