/*
 * scan.c
 *	  What the scans of all access methods begin with, and return.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "utils/rel.h"

#include "am/common/check.h"
#include "am/common/handler.h"
#include "am/common/scan.h"
#include "heap/heap.h"
#include "point/point.h"

IndexScanDesc
vdb_am_scan_begin(Relation index, int nkeys, int norderbys,
				  void (*counts) (IndexScanDesc scan, VdbAmLastScan *counts))
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	VdbAmScan  *begun = palloc0(sizeof(VdbAmScan));

	begun->part = VDB_AM_ALL;
	begun->counts = counts;
	scan->opaque = begun;
	vdb_heap_search_begins();
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	return scan;
}

bool
vdb_am_is_ours(Oid am)
{
	IndexAmRoutine *routine = GetIndexAmRoutineByAmId(am, true);
	bool		ours = routine != NULL && routine->amvalidate == vdb_am_validate;

	if (routine != NULL)
		pfree(routine);
	return ours;
}

void
vdb_am_scan_check_tid(IndexScanDesc scan, ItemPointer tid)
{
	if (unlikely(!vdb_am_check_is_possible(tid)))
		ereport(ERROR,
				errcode(ERRCODE_INDEX_CORRUPTED),
				errmsg("index \"%s\" is damaged: it has a row id that no row can have",
					   RelationGetRelationName(scan->indexRelation)),
				errhint("REINDEX INDEX makes it anew from the table."));
}

bool
vdb_am_scan_give(IndexScanDesc scan, ItemPointer tid, bool null, double distance)
{
	vdb_am_scan_check_tid(scan, tid);
	scan->xs_heaptid = *tid;
	/* see filter.h */
	scan->xs_recheck = scan->numberOfKeys > 0 && !VDB_FAULT("am-no-recheck");
	scan->xs_recheckorderby = false;
	if (!scan->xs_orderbynulls[0] && !FLOAT8PASSBYVAL)
		pfree(DatumGetPointer(scan->xs_orderbyvals[0]));
	scan->xs_orderbynulls[0] = null;
	scan->xs_orderbyvals[0] = null ? (Datum) 0 : Float8GetDatum(distance);
	return true;
}
