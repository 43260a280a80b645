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
#include "am/hnsw/hnsw.h"
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

/* The row that is returned, column by column. */
#define NCOLUMNS 39

typedef struct Row
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS];
	int			n;
} Row;

static void
put(Row *row, Datum value)
{
	Assert(row->n < NCOLUMNS);
	row->values[row->n++] = value;
}

static void
put_text(Row *row, const char *string)
{
	put(row, CStringGetTextDatum(string));
}

static void
put_count(Row *row, uint64 count)
{
	put(row, Int64GetDatum(count));
}

/* NaN where there is no such number. */
static void
put_number(Row *row, double number)
{
	row->nulls[row->n] = isnan(number);
	put(row, Float8GetDatum(number));
}

/* Columns that do not apply. */
static void
put_nulls(Row *row, int n)
{
	while (n-- > 0)
	{
		row->nulls[row->n] = true;
		put(row, (Datum) 0);
	}
}

static void
put_size(Row *row, uint64 free_pages, uint64 pages, uint64 rows)
{
	put_count(row, free_pages);
	put_count(row, pages);
	put_count(row, pages * BLCKSZ);
	put_number(row, rows == 0 ? get_float8_nan() : (double) pages * BLCKSZ / rows);
}

static uint32
probes_for(const VdbIvfCensus *census, double recall)
{
	for (int i = 0; i < VDB_IVF_NRECALLS; i++)
		if (vdb_ivf_recalls[i] >= recall)
			return census->state.probes[i];
	return census->lists;
}

static void
put_ivf(Row *row, Relation index)
{
	VdbIvfCensus census;
	uint64		all;

	vdb_ivf_census(index, &census);
	all = census.rows + census.zeros + census.nulls;
	put_text(row, quantizer_name(census.meta.coding));
	put(row, Int32GetDatum(census.meta.dim));
	put_text(row, metric_name(census.meta.metric));
	put_count(row, all);
	put_count(row, census.zeros);
	put_count(row, census.nulls);
	put_count(row, census.lists);
	put_count(row, census.empty_lists);
	put_count(row, census.smallest);
	put_number(row, census.lists == 0 ? get_float8_nan() :
			   census.rows / (double) census.lists);
	put_count(row, census.largest);
	put_number(row, census.rows == 0 ? get_float8_nan() : census.imbalance);
	put_number(row, census.drift);
	put_count(row, census.loose);
	put_count(row, census.empty_lanes);
	put_count(row, census.retired_lists);
	put_count(row, census.retired_pages);
	put_size(row, census.free_pages, census.pages, all);
	put_count(row, census.state.version);
	put_count(row, probes_for(&census, 0.9));
	put_count(row, probes_for(&census, 0.95));
	put_count(row, probes_for(&census, 0.99));
	put_nulls(row, 13);
}

/* How wide searches are for a recall, or NULL if nothing was measured. */
static void
put_ef(Row *row, const VdbHnswState *state, double recall)
{
	int			i = 0;

	while (i < VDB_HNSW_NRECALLS - 1 && vdb_hnsw_recalls[i] < recall)
		i++;
	if (state->measured_k == 0)
		put_nulls(row, 1);
	else
		put_count(row, state->efs[i]);
}

static void
put_hnsw(Row *row, Relation index)
{
	VdbHnswCensus census;

	vdb_hnsw_census(index, &census);
	put_text(row, vdb_am_quantizer_name(census.meta.rows == VDB_AM_ROWS_PLAIN ?
										VDB_AM_QUANTIZER_NONE :
										census.meta.rows == VDB_AM_ROWS_SQ8 ?
										VDB_AM_QUANTIZER_SQ8 : VDB_AM_QUANTIZER_RABITQ));
	put(row, Int32GetDatum(census.meta.dim));
	put_text(row, metric_name(census.meta.metric));
	put_count(row, census.rows);
	put_count(row, census.zeros);
	put_count(row, census.nulls);
	put_nulls(row, 11);
	put_size(row, census.free_pages, census.pages, census.rows);
	put_nulls(row, 4);
	put_count(row, census.meta.m);
	put_count(row, census.meta.ef_construction);
	put_count(row, census.nodes);
	put_count(row, census.dead);
	put_count(row, census.buckets);
	put_count(row, census.free_slots);
	put_count(row, census.entries);
	put_count(row, census.edges);
	put_number(row, census.nodes == 0 ? get_float8_nan() :
			   census.edges / (double) census.nodes);
	put_count(row, census.unreachable);
	put_ef(row, &census.state, 0.9);
	put_ef(row, &census.state, 0.95);
	put_ef(row, &census.state, 0.99);
}

/* vecdb_index_info(regclass): one row, of which doc/admin.md tells. */
VDB_FUNCTION_INFO_V1(vdb_admin_index_info);
Datum
vdb_admin_index_info(PG_FUNCTION_ARGS)
{
	VdbAdminIndex admin;
	TupleDesc	columns;
	Row			row = {.n = 0};

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE ||
		columns->natts != NCOLUMNS)
		elog(ERROR, "vecdb_index_info does not return what the library does");
	vdb_admin_open(&admin, PG_GETARG_OID(0), AccessShareLock);
	put_text(&row, get_am_name(admin.index->rd_rel->relam));
	if (vdb_hnsw_is_index(admin.index))
		put_hnsw(&row, admin.index);
	else
		put_ivf(&row, admin.index);
	Assert(row.n == NCOLUMNS);
	vdb_admin_close(&admin);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), row.values,
													  row.nulls)));
}
