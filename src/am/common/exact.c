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
#include "utils/memutils.h"

#include "am/common/exact.h"
#include "am/common/scan.h"
#include "heap/heap.h"
#include "point/point.h"

/* In the context of the scan. */
static void
begin(VdbAmExact *exact, IndexScanDesc scan)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(scan));

	vdb_am_fetch_begin(&exact->fetch, scan->indexRelation, scan->heapRelation);
	exact->context = AllocSetContextCreate(CurrentMemoryContext, "distance of a row",
										   ALLOCSET_SMALL_SIZES);
	vdb_scan_queue_init(&exact->queue);
	exact->bound = -INFINITY;
	MemoryContextSwitchTo(old);
}

/* Puts a row into the queue, if there is one for the snapshot. */
static void
queue_row(VdbAmExact *exact, IndexScanDesc scan, ItemPointer tid)
{
	ScanKey		key = scan->orderByData;
	bool		isnull;

	vdb_am_scan_check_tid(scan, tid);
	if (vdb_am_fetch_row(&exact->fetch, tid, scan->xs_snapshot))
	{
		MemoryContext old = MemoryContextSwitchTo(exact->context);
		Datum		value = vdb_am_fetch_vector(&exact->fetch, &isnull);
		double		distance = isnull ? INFINITY :
			DatumGetFloat8(FunctionCall2Coll(&key->sk_func, key->sk_collation, value,
											 key->sk_argument));

		MemoryContextSwitchTo(old);
		vdb_heap_note(scan->heapRelation, exact->fetch.slot);
		vdb_scan_queue_push(&exact->queue, distance, tid);
		MemoryContextReset(exact->context);
	}
	ExecClearTuple(exact->fetch.slot);
}

bool
vdb_am_exact_next(VdbAmExact *exact, IndexScanDesc scan, VdbAmNext next, VdbScanFound *found)
{
	if (exact->context == NULL)
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
	if (exact->context != NULL)
		table_index_fetch_reset(exact->fetch.rows);
}

void
vdb_am_exact_end(VdbAmExact *exact)
{
	if (exact->context == NULL)
		return;
	vdb_am_fetch_end(&exact->fetch);
	MemoryContextDelete(exact->context);
	pfree(exact->queue.items);
	memset(exact, 0, sizeof(*exact));
}
