/*
 * index.c
 *	  What statements do with an index, for fuzzing.
 */
#include "index.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/index.h"
#include "utils/memutils.h"

#include "am/common/scan.h"
#include "am/hnsw/hnsw.h"
#include "am/ivf/ivf.h"

#undef fprintf

/* More rows than this no index has, whatever is wrong with it. */
#define MOST_FOUND (FUZZ_MAX_BLOCKS * BLCKSZ / 6)

extern Datum vdb_hnsw_handler(PG_FUNCTION_ARGS);
extern Datum vdb_ivf_handler(PG_FUNCTION_ARGS);
extern Datum vdb_ivfflat_handler(PG_FUNCTION_ARGS);

bool		fuzz_sound;
bool		fuzz_refusable;
uint64		fuzz_statements;

IndexAmRoutine *
fuzz_routine(const char *am)
{
	PGFunction	handler = strcmp(am, "hnsw") == 0 ? vdb_hnsw_handler :
		strcmp(am, "ivf") == 0 ? vdb_ivf_handler : vdb_ivfflat_handler;

	return (IndexAmRoutine *) DatumGetPointer(handler(NULL));
}

/* Errors that damage, and what the input asked for, may lead to. */
static bool
is_error_allowed(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_DISK_FULL:
			return true;
		case ERRCODE_INDEX_CORRUPTED:
		case ERRCODE_DATA_CORRUPTED:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_DATA_EXCEPTION:	/* of another number of dimensions */
			return !fuzz_sound;
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			return fuzz_standby && !fuzz_sound;
		case ERRCODE_INVALID_PARAMETER_VALUE:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return fuzz_refusable;
		default:
			return false;
	}
}

bool
fuzz_run(void (*statement) (void *arg), void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	volatile bool raised = false;

	fuzz_statements++;
	fuzz_step_begin();
	PG_TRY();
	{
		statement(arg);
	}
	PG_CATCH();
	{
		raised = true;
		if (!is_error_allowed(fuzz_sqlstate))
		{
			fprintf(stderr, "%s\n", fuzz_message());
			fuzz_fail("an error that it should not have", __FILE__, __LINE__);
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	fuzz_step_end(raised);
	MemoryContextDelete(context);
	fuzz_cancel_after = 0;
	return !raised;
}

/* ---- CREATE INDEX ---- */

static void
build(void *arg)
{
	fuzz_index->rd_indam->ambuild(fuzz_heap, fuzz_index, BuildIndexInfo(fuzz_index));
}

bool
fuzz_build(void)
{
	bool		done;

	fuzz_logged = false;
	fuzz_nblocks = 0;
	memset(fuzz_free, 0, sizeof(fuzz_free));
	fuzz_buffers_begin();
	done = fuzz_run(build, NULL);
	fuzz_logged = true;
	fuzz_buffers_begin();
	return done;
}

/* ---- SELECT ---- */

IndexScanDesc
RelationGetIndexScan(Relation indexRelation, int nkeys, int norderbys)
{
	IndexScanDesc scan = palloc0(sizeof(IndexScanDescData));

	scan->heapRelation = fuzz_heap;
	scan->indexRelation = indexRelation;
	scan->numberOfKeys = nkeys;
	scan->numberOfOrderBys = norderbys;
	scan->keyData = palloc0(Max(nkeys, 1) * sizeof(ScanKeyData));
	scan->orderByData = palloc0(Max(norderbys, 1) * sizeof(ScanKeyData));
	return scan;
}

/* The rows of a scan; of a sound index each once, and in order. */
static void
fetch(IndexScanDesc scan, const FuzzSearch *search)
{
	bool	   *seen = palloc0(FUZZ_MAX_ROWS * sizeof(bool));
	int			found = 0;

	while (found < search->rows &&
		   fuzz_index->rd_indam->amgettuple(scan, ForwardScanDirection))
	{
		int			row = ItemPointerGetBlockNumberNoCheck(&scan->xs_heaptid) *
			FUZZ_ROWS_PER_PAGE + ItemPointerGetOffsetNumberNoCheck(&scan->xs_heaptid) - 1;

		CHECK(++found < MOST_FOUND);
		if (!fuzz_sound)
			continue;
		CHECK(row >= 0 && row < fuzz_nrows && !seen[row]);
		seen[row] = true;
	}
}

static void
search(void *arg)
{
	FuzzSearch *search = arg;
	IndexAmRoutine *am = fuzz_index->rd_indam;
	ScanKeyData order = {.sk_attno = 1,.sk_strategy = 1};
	IndexScanDesc scan;

	order.sk_flags = SK_ORDER_BY | (search->null ? SK_ISNULL : 0);
	order.sk_argument = search->query;
	order.sk_func.fn_addr = fuzz_distance;
	scan = am->ambeginscan(fuzz_index, search->nkeys, 1);
	vdb_am_scan(scan)->within = search->within;
	vdb_am_scan(scan)->part = (VdbAmPart) search->part;
	for (int i = 0; i < search->times; i++)
	{
		am->amrescan(scan, search->keys, search->nkeys, &order, 1);
		fetch(scan, search);
	}
	am->amendscan(scan);
}

bool
fuzz_search(const FuzzSearch *what)
{
	return fuzz_run(search, unconstify(FuzzSearch *, what));
}

/* ---- INSERT ---- */

typedef struct Insert
{
	int			rows;
	bool		unchanged;
} Insert;

static void
insert(void *arg)
{
	Insert	   *insert = arg;
	IndexInfo  *info = BuildIndexInfo(fuzz_index);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "row",
													  ALLOCSET_DEFAULT_SIZES);
	int			first = fuzz_nrows;

	/* Rows that are there before the statement ends are not to be seen. */
	fuzz_nrows += insert->rows;
	memset(&fuzz_live[first], 0, insert->rows * sizeof(bool));
	for (int row = first; row < fuzz_nrows; row++)
	{
		MemoryContext old = MemoryContextSwitchTo(row_context);
		FuzzRow		copy = fuzz_rows[row];
		ItemPointerData tid;

		fuzz_tid(row, &tid);
		fuzz_index->rd_indam->aminsert(fuzz_index, copy.values, copy.nulls, &tid, fuzz_heap,
									   UNIQUE_CHECK_NO, insert->unchanged, info);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	memset(&fuzz_live[first], 1, insert->rows * sizeof(bool));
}

bool
fuzz_insert(int rows, bool unchanged)
{
	Insert		what = {Min(rows, FUZZ_MAX_ROWS - fuzz_nrows), unchanged};

	return fuzz_run(insert, &what);
}

/* ---- VACUUM ---- */

static bool
is_dead(ItemPointer tid, void *state)
{
	int			row = fuzz_row(tid);

	return row >= 0 && !fuzz_live[row];
}

static void
vacuum(void *arg)
{
	IndexVacuumInfo info = {.index = fuzz_index,.num_heap_tuples = fuzz_nrows};
	IndexBulkDeleteResult *result = NULL;

	if (*(bool *) arg)
		result = fuzz_index->rd_indam->ambulkdelete(&info, NULL, is_dead, NULL);
	fuzz_index->rd_indam->amvacuumcleanup(&info, result);
}

bool
fuzz_vacuum(bool deleted)
{
	return fuzz_run(vacuum, &deleted);
}

/* ---- the functions for administrators ---- */

static void
tell(void *arg, BlockNumber block, const char *what)
{
	CHECK(strlen(what) > 0);
	if (!fuzz_sound)
		return;
	fprintf(stderr, "block %u: %s\n", block, what);
	fuzz_fail("a sound index has problems", __FILE__, __LINE__);
}

static void
check(void *arg)
{
	Relation	heap = *(bool *) arg ? fuzz_heap : NULL;

	if (vdb_hnsw_is_index(fuzz_index))
		vdb_hnsw_check(fuzz_index, heap, tell, NULL);
	else
		vdb_ivf_check(fuzz_index, heap, tell, NULL);
}

bool
fuzz_check(bool deep)
{
	return fuzz_run(check, &deep);
}

static void
census(void *arg)
{
	VdbHnswCensus hnsw;
	VdbIvfCensus ivf;

	if (vdb_hnsw_is_index(fuzz_index))
		vdb_hnsw_census(fuzz_index, &hnsw);
	else
		vdb_ivf_census(fuzz_index, &ivf);
}

bool
fuzz_census(void)
{
	return fuzz_run(census, NULL);
}
