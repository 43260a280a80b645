/*
 * renew.c
 *	  Vectors of the table, in place of what few bits stand for.
 *
 * A row that moves to a new list is encoded again.  From 8 bits that costs next
 * to nothing; from fewer each time adds as much to its error as the first time,
 * until searches look at everything.  So such a row is made of the table's vector
 * again, if that is there: of a row that lives.
 *
 * Only of such a row is it known that what it has out of line is there, too.  Who
 * deletes it from now on was in progress, or had not begun, when this
 * transaction took the snapshot that it has, and that keeps it from being
 * vacuumed away.  But VACUUM does not wait for the snapshots of VACUUM: there,
 * rows with anything out of line are left as they are.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/common/fetch.h"
#include "am/ivf/ivf.h"

struct VdbIvfRenew
{
	const VdbAmSpace *space;
	Relation	heap;
	bool		opened;			/* here, as VACUUM knows the index only */
	BlockNumber blocks;			/* that the table has at least */
	VdbAmFetch	fetch;
	MemoryContext context;		/* of a row */
	float	   *floats;
};

VdbIvfRenew *
vdb_ivf_renew_begin(const VdbIvf *ivf, Relation index, Relation heap)
{
	const VdbAmSpace *space = &ivf->space;
	VdbIvfRenew *renew;

	if (space->rows != VDB_AM_ROWS_RABITQ || vdb_am_is_sure(space))
		return NULL;
	renew = palloc(sizeof(VdbIvfRenew));
	renew->space = space;
	renew->opened = heap == NULL;
	renew->heap = renew->opened ?
		table_open(IndexGetRelation(RelationGetRelid(index), false), AccessShareLock) : heap;
	renew->blocks = RelationGetNumberOfBlocks(renew->heap);
	renew->floats = palloc(space->dim * sizeof(float));
	renew->context = AllocSetContextCreate(CurrentMemoryContext, "vector of a row",
										   ALLOCSET_SMALL_SIZES);
	vdb_am_fetch_begin(&renew->fetch, index, renew->heap);
	return renew;
}

void
vdb_ivf_renew_end(VdbIvfRenew *renew)
{
	if (renew == NULL)
		return;
	vdb_am_fetch_end(&renew->fetch);
	MemoryContextDelete(renew->context);
	if (renew->opened)
		table_close(renew->heap, NoLock);
}

static bool
has_all_in_line(TupleTableSlot *slot)
{
	return TTS_IS_BUFFERTUPLE(slot) &&
		!HeapTupleHasExternal(((HeapTupleTableSlot *) slot)->tuple);
}

/* The vector of the row in the slot, if it is one that has a place in a list. */
static bool
place_vector(VdbIvfRenew *renew, float *rotated)
{
	const VdbAmSpace *space = renew->space;
	VdbAmVector vector;
	bool		isnull;
	Datum		value = vdb_am_fetch_vector(&renew->fetch, &isnull);

	if (isnull)
		return false;
	vdb_am_vector(space->kind, value, &vector);
	return vector.dim == space->dim &&
		vdb_am_rotate(space, vector.elements, renew->floats, rotated);
}

bool
vdb_ivf_renew(VdbIvfRenew *renew, const ItemPointerData *tid, float *rotated)
{
	TupleTableSlot *slot = renew->fetch.slot;
	bool		done = false;

	CHECK_FOR_INTERRUPTS();
	/* What damage left must not make the table longer. */
	if (ItemPointerGetBlockNumberNoCheck(tid) >= renew->blocks)
		return false;
	if (vdb_am_fetch_row(&renew->fetch, tid, SnapshotSelf) &&
		(!renew->opened || has_all_in_line(slot)))
	{
		MemoryContext old = MemoryContextSwitchTo(renew->context);

		done = place_vector(renew, rotated);
		MemoryContextSwitchTo(old);
		MemoryContextReset(renew->context);
	}
	ExecClearTuple(slot);
	return done;
}
