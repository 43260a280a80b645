/*
 * exact.c
 *	  Rows in order of their exact distances, from rows in order of bounds.
 *
 * As the executor does it: a row comes out when its distance is no more than
 * the bound of the row that came last, and so than all that are still to come.
 * The distance is what the operator's own function says, of the row as the
 * snapshot sees it.
 */
#include "postgres.h"

#include <math.h>

#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "utils/memutils.h"

#include "am/common/exact.h"
#include "am/common/scan.h"
#include "heap/heap.h"
#include "point/point.h"

/* In the context of the scan. */
static void
begin(VdbAmExact *exact, IndexScanDesc scan)
{
	Relation	index = scan->indexRelation;
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(scan));

	exact->fetch = table_index_fetch_begin(scan->heapRelation);
	exact->slot = table_slot_create(scan->heapRelation, NULL);
	exact->context = AllocSetContextCreate(CurrentMemoryContext, "distance of a row",
										   ALLOCSET_SMALL_SIZES);
	vdb_scan_queue_init(&exact->queue);
	exact->bound = -INFINITY;
	if (index->rd_index->indkey.values[0] == 0)
	{
		exact->info = BuildIndexInfo(index);
		exact->estate = CreateExecutorState();
		GetPerTupleExprContext(exact->estate)->ecxt_scantuple = exact->slot;
	}
	MemoryContextSwitchTo(old);
}

/* What the index has of the row in the slot. */
static Datum
indexed_value(VdbAmExact *exact, Relation index, bool *isnull)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	if (exact->info == NULL)
		return slot_getattr(exact->slot, index->rd_index->indkey.values[0], isnull);
	ResetPerTupleExprContext(exact->estate);
	FormIndexDatum(exact->info, exact->slot, exact->estate, values, nulls);
	*isnull = nulls[0];
	return values[0];
}

/* Puts a row into the queue, if there is one for the snapshot. */
static void
queue_row(VdbAmExact *exact, IndexScanDesc scan, ItemPointer tid)
{
	ScanKey		key = scan->orderByData;
	ItemPointerData at = *tid;
	bool		call_again = false;
	bool		isnull;

	vdb_am_scan_check_tid(scan, tid);
	if (table_index_fetch_tuple(exact->fetch, &at, scan->xs_snapshot, exact->slot, &call_again,
								NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(exact->context);
		Datum		value = indexed_value(exact, scan->indexRelation, &isnull);
		double		distance = isnull ? INFINITY :
			DatumGetFloat8(FunctionCall2Coll(&key->sk_func, key->sk_collation, value,
											 key->sk_argument));

		MemoryContextSwitchTo(old);
		vdb_heap_note(scan->heapRelation, exact->slot);
		vdb_scan_queue_push(&exact->queue, distance, tid);
		MemoryContextReset(exact->context);
	}
	ExecClearTuple(exact->slot);
}

bool
vdb_am_exact_next(VdbAmExact *exact, IndexScanDesc scan, VdbAmNext next, VdbScanFound *found)
{
	if (exact->fetch == NULL)
		begin(exact, scan);
	for (;;)
	{
		if (exact->queue.count > 0 &&
			(exact->ended || VDB_FAULT("am-too-tight") || exact->queue.items[0].key <= exact->bound))
		{
			*found = vdb_scan_queue_pop(&exact->queue);
			return true;
		}
		if (exact->ended)
			return false;
		if (next(scan, found))
		{
			exact->bound = found->key;
			if (ItemPointerIsValid(&found->tid))
				queue_row(exact, scan, &found->tid);
		}
		else
			exact->ended = true;
	}
}

void
vdb_am_exact_reset(VdbAmExact *exact)
{
	exact->queue.count = 0;
	exact->bound = -INFINITY;
	exact->ended = false;
	if (exact->fetch != NULL)
		table_index_fetch_reset(exact->fetch);
}

void
vdb_am_exact_end(VdbAmExact *exact)
{
	if (exact->fetch == NULL)
		return;
	table_index_fetch_end(exact->fetch);
	ExecDropSingleTupleTableSlot(exact->slot);
	if (exact->estate != NULL)
		FreeExecutorState(exact->estate);
	MemoryContextDelete(exact->context);
	pfree(exact->queue.items);
	memset(exact, 0, sizeof(*exact));
}
