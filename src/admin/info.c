/*
 * info.c
 *	  vecdb_index_info(index): what there is in an index.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "admin/admin.h"
#include "am/common/options.h"
#include "am/ivf/ivf.h"
#include "compat/compat.h"

static const char *
quantizer_name(uint8 coding)
{
	return vdb_am_quantizer_name(coding == VDB_IVF_PLAIN ? VDB_AM_QUANTIZER_NONE :
								 coding == VDB_IVF_SQ8 ? VDB_AM_QUANTIZER_SQ8 :
								 coding == VDB_IVF_PQ ? VDB_AM_QUANTIZER_PQ :
								 VDB_AM_QUANTIZER_RABITQ);
}

/* As the operators' functions are named. */
static const char *
metric_name(uint8 metric)
{
	static const char *const names[VDB_NMETRIC] = {
		[VDB_L2SQ] = "l2",
		[VDB_IP] = "ip",
		[VDB_COSINE] = "cosine",
		[VDB_L1] = "l1",
		[VDB_HAMMING] = "hamming",
		[VDB_JACCARD] = "jaccard",
	};

	return metric < VDB_NMETRIC ? names[metric] : "unknown";
}

static uint32
probes_for(const VdbIvfCensus *census, double recall)
{
	for (int i = 0; i < VDB_IVF_NRECALLS; i++)
		if (vdb_ivf_recalls[i] >= recall)
			return census->state.probes[i];
	return census->lists;
}

#define NCOLUMNS 26

/* vecdb_index_info(regclass): one row, of which doc/admin.md tells. */
VDB_FUNCTION_INFO_V1(vdb_admin_index_info);
Datum
vdb_admin_index_info(PG_FUNCTION_ARGS)
{
	VdbAdminIndex admin;
	VdbIvfCensus census;
	TupleDesc	columns;
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {false};
	uint64		all;
	int			n = 0;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE ||
		columns->natts != NCOLUMNS)
		elog(ERROR, "vecdb_index_info does not return what the library does");
	vdb_admin_open(&admin, PG_GETARG_OID(0), AccessShareLock);
	vdb_ivf_census(admin.index, &census);
	all = census.rows + census.zeros + census.nulls;

	values[n++] = CStringGetTextDatum(get_am_name(admin.index->rd_rel->relam));
	values[n++] = CStringGetTextDatum(quantizer_name(census.meta.coding));
	values[n++] = Int32GetDatum(census.meta.dim);
	values[n++] = CStringGetTextDatum(metric_name(census.meta.metric));
	values[n++] = Int64GetDatum(all);
	values[n++] = Int64GetDatum(census.zeros);
	values[n++] = Int64GetDatum(census.nulls);
	values[n++] = Int64GetDatum(census.lists);
	values[n++] = Int64GetDatum(census.empty_lists);
	values[n++] = Int64GetDatum(census.smallest);
	nulls[n] = census.lists == 0;
	values[n++] = Float8GetDatum(census.rows / Max(census.lists, 1.0));
	values[n++] = Int64GetDatum(census.largest);
	nulls[n] = census.rows == 0;
	values[n++] = Float8GetDatum(census.imbalance);
	nulls[n] = isnan(census.drift);
	values[n++] = Float8GetDatum(census.drift);
	values[n++] = Int64GetDatum(census.loose);
	values[n++] = Int64GetDatum(census.empty_lanes);
	values[n++] = Int64GetDatum(census.retired_lists);
	values[n++] = Int64GetDatum(census.retired_pages);
	values[n++] = Int64GetDatum(census.free_pages);
	values[n++] = Int64GetDatum(census.pages);
	values[n++] = Int64GetDatum(census.pages * BLCKSZ);
	nulls[n] = all == 0;
	values[n++] = Float8GetDatum((double) census.pages * BLCKSZ / Max(all, 1));
	values[n++] = Int64GetDatum(census.state.version);
	values[n++] = Int64GetDatum(probes_for(&census, 0.9));
	values[n++] = Int64GetDatum(probes_for(&census, 0.95));
	values[n++] = Int64GetDatum(probes_for(&census, 0.99));
	Assert(n == NCOLUMNS);

	vdb_admin_close(&admin);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}
