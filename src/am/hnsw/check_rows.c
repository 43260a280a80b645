/*
 * check_rows.c
 *	  Are the rows of the table with their nodes?
 */
#include "postgres.h"

#include "am/hnsw/check.h"

#define report(check, ...) vdb_am_check_report(&(check)->common, __VA_ARGS__)

/* A node's row, and the table's vector, whose floats are in check->floats. */
static void
compare_vector(VdbHnswCheck *check, const VdbAmCheckEntry *entry, const void *elements)
{
	const VdbHnsw *hnsw = check->hnsw;
	const VdbAmSpace *space = &hnsw->space;
	VdbHnswSlot *s = vdb_hnsw_check_slot(check, entry->block, entry->group, check->node_page);
	const void *row;
	bool		same;

	/* What is wrong with its numbers has been told. */
	if (s == NULL || s->state != VDB_HNSW_NODE)
		return;
	row = vdb_hnsw_row(hnsw, s);
	if (vdb_am_is_plain(space))
		same = memcmp(row, elements, space->row_size) == 0;
	else
	{
		vdb_am_place(space, check->floats, check->rotated);
		same = vdb_am_check_is_near(space, row, NULL, check->rotated, check->scratch);
	}
	if (!same)
		report(check, vdb_hnsw_block(hnsw, entry->group),
			   "slot %u has another vector than row (%u,%u) of the table",
			   entry->group % hnsw->per_page, ItemPointerGetBlockNumber(&entry->tid),
			   ItemPointerGetOffsetNumber(&entry->tid));
}

/* The codes of a row id in a slot; NULL if it is not there. */
static const char *
codes_of(const VdbHnsw *hnsw, VdbHnswSlot *s, ItemPointerData tid)
{
	if (s->state == VDB_HNSW_NODE)
		return ItemPointerEquals(&s->tid, &tid) ? vdb_hnsw_codes(s) : NULL;
	if (s->state != VDB_HNSW_BUCKET)
		return NULL;
	for (uint32 i = 0; i < Min(s->count, hnsw->bucket_tids); i++)
		if (ItemPointerEquals(&vdb_hnsw_tids(s)[i], &tid))
			return vdb_hnsw_bucket_codes(hnsw, s, i);
	return NULL;
}

/* The codes that are with a row id, and those of the table's row. */
static void
compare_codes(VdbHnswCheck *check, const VdbAmCheckEntry *entry, const char *codes)
{
	const VdbHnsw *hnsw = check->hnsw;
	VdbHnswSlot *s = vdb_hnsw_check_slot(check, entry->block,
										 vdb_hnsw_number(hnsw, entry->block, entry->place),
										 check->node_page);
	const char *found = s == NULL ? NULL : codes_of(hnsw, s, entry->tid);

	/* What is not there (on a standby) has been taken away meanwhile. */
	if (found != NULL && memcmp(found, codes, hnsw->codes_size) != 0)
		report(check, entry->block, "slot %u has other filter columns than row (%u,%u) of the table",
			   entry->place, ItemPointerGetBlockNumber(&entry->tid),
			   ItemPointerGetOffsetNumber(&entry->tid));
}

static void
compare_value(void *arg, const VdbAmCheckEntry *entry, Datum value, bool isnull,
			  const char *codes)
{
	VdbHnswCheck *check = arg;
	VdbAmBelongs is = entry->group == VDB_HNSW_NULLS ? VDB_AM_BELONGS_NULL :
		entry->group == VDB_HNSW_ZEROS ? VDB_AM_BELONGS_ZERO : VDB_AM_BELONGS_ORDERED;
	VdbAmVector vector;

	if (vdb_am_check_value(&check->common, &check->hnsw->space, entry, is, "a node", value, isnull,
						   &vector, check->floats))
		compare_vector(check, entry, vector.elements);
	if (check->hnsw->codes_size > 0)
		compare_codes(check, entry, codes);
}

void
vdb_hnsw_check_rows(VdbHnswCheck *check, Relation heap)
{
	vdb_am_check_rows(&check->common, heap, compare_value, check);
}
