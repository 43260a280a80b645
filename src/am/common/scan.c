/*
 * scan.c
 *	  What the scans of all access methods begin with, and return.
 */
#include "postgres.h"

#include "access/amapi.h"

#include "am/common/handler.h"
#include "am/common/scan.h"
#include "heap/heap.h"

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

bool
vdb_am_scan_give(IndexScanDesc scan, ItemPointer tid, bool null, double distance, bool recheck)
{
	scan->xs_heaptid = *tid;
	scan->xs_recheck = recheck;
	scan->xs_recheckorderby = false;
	if (!scan->xs_orderbynulls[0] && !FLOAT8PASSBYVAL)
		pfree(DatumGetPointer(scan->xs_orderbyvals[0]));
	scan->xs_orderbynulls[0] = null;
	scan->xs_orderbyvals[0] = null ? (Datum) 0 : Float8GetDatum(distance);
	return true;
}
