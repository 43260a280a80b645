/*
 * fetch.c
 *	  Rows of the table that an index has led to, and what the index has of them.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "utils/rel.h"

#include "am/common/fetch.h"

void
vdb_am_fetch_begin(VdbAmFetch *fetch, Relation index, Relation heap)
{
	memset(fetch, 0, sizeof(*fetch));
	fetch->index = index;
	fetch->rows = table_index_fetch_begin(heap);
	fetch->slot = table_slot_create(heap, NULL);
	if (index->rd_index->indkey.values[0] == 0)
	{
		fetch->info = BuildIndexInfo(index);
		fetch->estate = CreateExecutorState();
		GetPerTupleExprContext(fetch->estate)->ecxt_scantuple = fetch->slot;
	}
}

bool
vdb_am_fetch_row(VdbAmFetch *fetch, const ItemPointerData *tid, Snapshot snapshot)
{
	ItemPointerData at = *tid;
	bool		call_again = false;

	return table_index_fetch_tuple(fetch->rows, &at, snapshot, fetch->slot, &call_again, NULL);
}

Datum
vdb_am_fetch_vector(VdbAmFetch *fetch, bool *isnull)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	if (fetch->info == NULL)
		return slot_getattr(fetch->slot, fetch->index->rd_index->indkey.values[0], isnull);
	ResetPerTupleExprContext(fetch->estate);
	FormIndexDatum(fetch->info, fetch->slot, fetch->estate, values, nulls);
	*isnull = nulls[0];
	return values[0];
}

void
vdb_am_fetch_end(VdbAmFetch *fetch)
{
	table_index_fetch_end(fetch->rows);
	ExecDropSingleTupleTableSlot(fetch->slot);
	if (fetch->estate != NULL)
		FreeExecutorState(fetch->estate);
}
