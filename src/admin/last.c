/*
 * last.c
 *	  vecdb_last_scan(): what the last index scan of this session did.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"

#include "am/common/last.h"
#include "compat/compat.h"

#define NCOLUMNS 13

/*
 * vecdb_last_scan(): one row, of which doc/admin.md tells; all NULL before the
 * first scan.
 */
VDB_FUNCTION_INFO_V1(vdb_admin_last_scan);
Datum
vdb_admin_last_scan(PG_FUNCTION_ARGS)
{
	const VdbAmLastScan *last = &vdb_am_last_scan;
	bool		none = !OidIsValid(last->index);
	bool		no_graph = none || !last->graph;
	bool		no_lists = none || last->graph;
	TupleDesc	columns;
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS];
	int			n = 0;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE ||
		columns->natts != NCOLUMNS)
		elog(ERROR, "vecdb_last_scan does not return what the library does");
	nulls[n] = none;
	values[n++] = ObjectIdGetDatum(last->index);
	nulls[n] = no_graph;
	values[n++] = Int64GetDatum(last->width);
	nulls[n] = no_lists;
	values[n++] = Int64GetDatum(last->width);
	nulls[n] = no_graph;
	values[n++] = Int64GetDatum(last->nodes);
	nulls[n] = no_lists;
	values[n++] = Int64GetDatum(last->nodes);
	nulls[n] = none;
	values[n++] = Int64GetDatum(last->entries);
	nulls[n] = no_graph;
	values[n++] = Int64GetDatum(last->distances);
	nulls[n] = no_graph;
	values[n++] = Int64GetDatum(last->bounds);
	nulls[n] = none;
	values[n++] = Int64GetDatum(last->rows);
	nulls[n] = no_graph;
	values[n++] = Int64GetDatum(last->sweeps);
	nulls[n] = none;
	values[n++] = Int64GetDatum(last->tested);
	nulls[n] = none;
	values[n++] = Int64GetDatum(last->passed);
	nulls[n] = no_graph;
	values[n++] = Int64GetDatum(last->bridged);
	Assert(n == NCOLUMNS);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}
