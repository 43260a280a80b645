/*
 * table.c
 *	  A table and its only index, as PostgreSQL describes them, for fuzzing:
 *	  relations, catalogs, rows, the executor.
 */
#include "table.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type_d.h"
#include "commands/defrem.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sampling.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "common/hashfn.h"
#include "types/types.h"

Relation	fuzz_heap;
int			fuzz_nrows;
bool		fuzz_live[FUZZ_MAX_ROWS];
bool		fuzz_all_gone;

int			work_mem = 4096;
int			maintenance_work_mem = 65536;
int			max_parallel_maintenance_workers = 0;
int			effective_cache_size = 524288;
double		cpu_operator_cost = 0.0025;
double		cpu_index_tuple_cost = 0.005;

TransactionId CheckXidAlive = InvalidTransactionId;
bool		bsysscan = false;

static const FuzzTable *table;
const FuzzRow *fuzz_rows;
PGFunction	fuzz_distance;

/* ---- relations ---- */

static FormData_pg_class index_class = {.relkind = RELKIND_INDEX,.relpersistence = RELPERSISTENCE_PERMANENT};
static FormData_pg_class heap_class = {.relkind = RELKIND_RELATION,.relpersistence = RELPERSISTENCE_PERMANENT};
static FmgrInfo kind_proc;
static Oid	families[FUZZ_MAX_COLUMNS] = {1, 1, 1, 1};
static Oid	collations[FUZZ_MAX_COLUMNS];
static Oid	input_types[FUZZ_MAX_COLUMNS];
static Form_pg_index index_form;
static TupleDesc columns;

/* Since 18 there are two descriptions of each column, the second a shorter one. */
#define DESC_SIZE(natts) \
	(sizeof(struct TupleDescData) + 2 * (natts) * sizeof(FormData_pg_attribute))

/* The types of elements, and those that are for all of their kind. */
static Oid
input_type(Oid type)
{
	return type == INT4ARRAYOID ? ANYARRAYOID : type;
}

static void
describe(RelationData *relation, FormData_pg_class *class, const char *name)
{
	memset(relation, 0, sizeof(*relation));
	strcpy(NameStr(class->relname), name);
	relation->rd_rel = class;
	relation->rd_att = columns;
	relation->rd_isvalid = true;
	relation->rd_refcnt = 1;
	VDB_COMPAT_RELNUMBER(relation) = 1;
}

Oid
IndexGetRelation(Oid indexId, bool missing_ok)
{
	return fuzz_heap->rd_id;
}

Relation
table_open(Oid relationId, LOCKMODE lockmode)
{
	return fuzz_heap;
}

void
table_close(Relation relation, LOCKMODE lockmode)
{
}

/* ---- rows ---- */

int32
ItemPointerCompare(ItemPointer arg1, ItemPointer arg2)
{
	BlockNumber a = ItemPointerGetBlockNumberNoCheck(arg1),
				b = ItemPointerGetBlockNumberNoCheck(arg2);

	if (a != b)
		return a < b ? -1 : 1;
	return (int32) ItemPointerGetOffsetNumberNoCheck(arg1) -
		(int32) ItemPointerGetOffsetNumberNoCheck(arg2);
}

bool
ItemPointerEquals(ItemPointer pointer1, ItemPointer pointer2)
{
	return ItemPointerCompare(pointer1, pointer2) == 0;
}

void
fuzz_tid(int row, ItemPointer tid)
{
	ItemPointerSet(tid, row / FUZZ_ROWS_PER_PAGE, row % FUZZ_ROWS_PER_PAGE + 1);
}

int
fuzz_row(ItemPointer tid)
{
	uint32		block = ItemPointerGetBlockNumberNoCheck(tid);
	uint32		offset = ItemPointerGetOffsetNumberNoCheck(tid);

	if (block >= FUZZ_MAX_ROWS || offset < 1 || offset > FUZZ_ROWS_PER_PAGE ||
		block * FUZZ_ROWS_PER_PAGE + offset > fuzz_nrows)
		return -1;
	return block * FUZZ_ROWS_PER_PAGE + offset - 1;
}

bool
vdb_heap_may_be_row(Relation heap, ItemPointer tid)
{
	CHECK(heap == fuzz_heap);
	return fuzz_row(tid) >= 0;
}

void
vdb_heap_search_begins(void)
{
}

/* Rows are in no buffers. */
void
vdb_heap_note(Relation heap, const TupleTableSlot *slot)
{
}

void
vdb_heap_prefetch_pointer(Relation heap, const ItemPointerData *tid)
{
}

void
vdb_heap_prefetch_row(Relation heap, const ItemPointerData *tid)
{
}

static void
clear_slot(TupleTableSlot *slot)
{
	slot->tts_nvalid = 0;
	slot->tts_flags |= TTS_FLAG_EMPTY;
}

SnapshotData SnapshotSelfData;

const TupleTableSlotOps TTSOpsBufferHeapTuple = {.clear = clear_slot};
const TupleTableSlotOps TTSOpsVirtual = {.clear = clear_slot};
const TupleTableSlotOps TTSOpsMinimalTuple = {.clear = clear_slot};

TupleTableSlot *
MakeSingleTupleTableSlot(TupleDesc tupdesc, const TupleTableSlotOps *tts_ops)
{
	TupleTableSlot *slot = palloc0(sizeof(TupleTableSlot));

	*(const TupleTableSlotOps **) &slot->tts_ops = tts_ops;
	slot->tts_tupleDescriptor = tupdesc;
	slot->tts_values = palloc0(tupdesc->natts * sizeof(Datum));
	slot->tts_isnull = palloc0(tupdesc->natts * sizeof(bool));
	clear_slot(slot);
	return slot;
}

void
ExecDropSingleTupleTableSlot(TupleTableSlot *slot)
{
	pfree(slot->tts_values);
	pfree(slot->tts_isnull);
	pfree(slot);
}

TupleTableSlot *
ExecStoreVirtualTuple(TupleTableSlot *slot)
{
	slot->tts_nvalid = slot->tts_tupleDescriptor->natts;
	slot->tts_flags &= ~TTS_FLAG_EMPTY;
	return slot;
}

TupleTableSlot *
table_slot_create(Relation relation, List **reglist)
{
	return MakeSingleTupleTableSlot(columns, &TTSOpsVirtual);
}

static IndexFetchTableData *
fetch_begin(Relation rel)
{
	IndexFetchTableData *fetch = palloc0(sizeof(IndexFetchTableData));

	fetch->rel = rel;
	return fetch;
}

static void
fetch_reset(IndexFetchTableData *fetch)
{
}

static void
fetch_end(IndexFetchTableData *fetch)
{
	pfree(fetch);
}

static bool
fetch_tuple(IndexFetchTableData *fetch, ItemPointer tid, Snapshot snapshot,
			TupleTableSlot *slot, bool *call_again, bool *all_dead)
{
	int			row = fuzz_row(tid);

	clear_slot(slot);
	if (row < 0 || !fuzz_live[row])
		return false;
	memcpy(slot->tts_values, fuzz_rows[row].values, columns->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, fuzz_rows[row].nulls, columns->natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	return true;
}

static double
build_scan(Relation heap, Relation index, IndexInfo *info, bool allow_sync, bool anyvisible,
		   bool progress, BlockNumber start, BlockNumber blocks, IndexBuildCallback callback,
		   void *state, TableScanDesc scan)
{
	double		count = 0;

	for (int row = 0; row < fuzz_nrows; row++)
	{
		FuzzRow		copy = fuzz_rows[row];
		ItemPointerData tid;

		CHECK_FOR_INTERRUPTS();
		fuzz_tid(row, &tid);
		if (!fuzz_live[row] || ItemPointerGetBlockNumber(&tid) < start ||
			ItemPointerGetBlockNumber(&tid) - start >= blocks)
			continue;
		callback(index, &tid, copy.values, copy.nulls, true, state);
		count++;
	}
	return count;
}

static const TableAmRoutine table_routine = {
	.type = T_TableAmRoutine,
	.index_fetch_begin = fetch_begin,
	.index_fetch_reset = fetch_reset,
	.index_fetch_end = fetch_end,
	.index_fetch_tuple = fetch_tuple,
	.index_build_range_scan = build_scan,
};

void
estimate_rel_size(Relation rel, int32 *attr_widths, BlockNumber *pages, double *tuples,
				  double *allvisfrac)
{
	*pages = fuzz_heap_blocks;
	*tuples = fuzz_nrows;
	*allvisfrac = 1;
}

BlockNumber
BlockSampler_Init(BlockSampler bs, BlockNumber nblocks, int samplesize, uint32 randseed)
{
	bs->N = nblocks;
	bs->n = samplesize;
	bs->t = bs->m = 0;
	return samplesize;
}

bool
BlockSampler_HasMore(BlockSampler bs)
{
	return bs->t < bs->N && bs->m < bs->n;
}

BlockNumber
BlockSampler_Next(BlockSampler bs)
{
	bs->m++;
	return bs->t++;
}

/* ---- the executor, for indexes on expressions ---- */

IndexInfo *
BuildIndexInfo(Relation index)
{
	IndexInfo  *info = makeNode(IndexInfo);

	info->ii_NumIndexAttrs = info->ii_NumIndexKeyAttrs = columns->natts;
	info->ii_Context = CurrentMemoryContext;
	return info;
}

EState *
CreateExecutorState(void)
{
	return makeNode(EState);
}

ExprContext *
MakePerTupleExprContext(EState *estate)
{
	ExprContext *context = makeNode(ExprContext);

	context->ecxt_per_tuple_memory = AllocSetContextCreate(CurrentMemoryContext, "tuple",
														   ALLOCSET_SMALL_SIZES);
	return estate->es_per_tuple_exprcontext = context;
}

void
FreeExecutorState(EState *estate)
{
	MemoryContextDelete(estate->es_per_tuple_exprcontext->ecxt_per_tuple_memory);
	pfree(estate->es_per_tuple_exprcontext);
	pfree(estate);
}

void
FormIndexDatum(IndexInfo *indexInfo, TupleTableSlot *slot, EState *estate, Datum *values,
			   bool *isnull)
{
	memcpy(values, slot->tts_values, columns->natts * sizeof(Datum));
	memcpy(isnull, slot->tts_isnull, columns->natts * sizeof(bool));
}

/* ---- the catalogs ---- */

Datum
FunctionCall1Coll(FmgrInfo *flinfo, Oid collation, Datum arg1)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, flinfo, 1, collation, NULL, NULL);
	fcinfo->args[0].value = arg1;
	fcinfo->args[0].isnull = false;
	return flinfo->fn_addr(fcinfo);
}

Datum
FunctionCall2Coll(FmgrInfo *flinfo, Oid collation, Datum arg1, Datum arg2)
{
	LOCAL_FCINFO(fcinfo, 2);

	InitFunctionCallInfoData(*fcinfo, flinfo, 2, collation, NULL, NULL);
	fcinfo->args[0].value = arg1;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = arg2;
	fcinfo->args[1].isnull = false;
	return flinfo->fn_addr(fcinfo);
}

static Datum
hash_integer(PG_FUNCTION_ARGS)
{
	return hash_uint32(PG_GETARG_INT32(0));
}

static Datum
hash_text(PG_FUNCTION_ARGS)
{
	struct varlena *text = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

/* Functions are called as their types are. */
void
fmgr_info(Oid functionId, FmgrInfo *finfo)
{
	memset(finfo, 0, sizeof(*finfo));
	finfo->fn_oid = functionId;
	finfo->fn_addr = functionId == TEXTOID ? hash_text : hash_integer;
}

TypeCacheEntry *
lookup_type_cache(Oid type_id, int flags)
{
	TypeCacheEntry *entry = palloc0(sizeof(TypeCacheEntry));

	entry->type_id = entry->hash_proc = type_id;
	entry->hash_opf = 1;
	return entry;
}

RegProcedure
index_getprocid(Relation irel, AttrNumber attnum, uint16 procnum)
{
	return attnum == 1 ? 1 : InvalidOid;
}

FmgrInfo *
index_getprocinfo(Relation irel, AttrNumber attnum, uint16 procnum)
{
	CHECK(attnum == 1);
	return &kind_proc;
}

char *
get_am_name(Oid amOid)
{
	return pstrdup(table->am);
}

char *
format_type_be(Oid type_oid)
{
	return psprintf("%u", type_oid);
}

Oid
getBaseType(Oid typid)
{
	return typid;
}

Oid
getBaseTypeAndTypmod(Oid typid, int32 *typmod)
{
	return typid;
}

Oid
get_element_type(Oid typid)
{
	return typid == INT4ARRAYOID ? INT4OID : InvalidOid;
}

Oid
get_base_element_type(Oid typid)
{
	return get_element_type(typid);
}

bool
type_is_enum(Oid typid)
{
	return false;
}

Oid
get_opfamily_member(Oid opfamily, Oid lefttype, Oid righttype, int16 strategy)
{
	return 1;
}

Oid
get_opfamily_proc(Oid opfamily, Oid lefttype, Oid righttype, int16 procnum)
{
	return lefttype;
}

RegProcedure
get_opcode(Oid opno)
{
	return 1;
}

bool
op_in_opfamily(Oid opno, Oid opfamily)
{
	return true;
}

Datum
numeric_float8_no_overflow(PG_FUNCTION_ARGS)
{
	fuzz_fail("there are no columns of that type", __FILE__, __LINE__);
}

/* ---- transactions ---- */

FullTransactionId
ReadNextFullTransactionId(void)
{
	return FullTransactionIdFromU64(1000);
}

bool
GlobalVisCheckRemovableFullXid(Relation rel, FullTransactionId fxid)
{
	return fuzz_all_gone && U64FromFullTransactionId(fxid) <= 1000;
}

BufferAccessStrategy
GetAccessStrategy(BufferAccessStrategyType btype)
{
	return NULL;
}

void
FreeAccessStrategy(BufferAccessStrategy strategy)
{
}

void
pgstat_progress_update_param(int index, int64 val)
{
}

void
pgstat_progress_update_multi_param(int nparam, const int *index, const int64 *val)
{
}

/* ---- sorting: by the first column, an int8; the second is a bytea ---- */

struct Tuplesortstate
{
	int			n;
	int			room;
	int			next;
	struct Pair
	{
		int64		key;
		struct varlena *value;
	}		   *pairs;
};

TupleDesc
CreateTemplateTupleDesc(int natts)
{
	TupleDesc	desc = palloc0(DESC_SIZE(natts));

	desc->natts = natts;
	return desc;
}

void
TupleDescInitEntry(TupleDesc desc, AttrNumber attributeNumber, const char *attributeName,
				   Oid oidtypeid, int32 typmod, int attdim)
{
}

Tuplesortstate *
tuplesort_begin_heap(TupleDesc tupDesc, int nkeys, AttrNumber *attNums, Oid *sortOperators,
					 Oid *sortCollations, bool *nullsFirstFlags, int workMem,
					 SortCoordinate coordinate, int sortopt)
{
	return palloc0(sizeof(Tuplesortstate));
}

void
tuplesort_puttupleslot(Tuplesortstate *state, TupleTableSlot *slot)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(slot->tts_values[1]);

	if (state->n == state->room)
	{
		state->room = 2 * state->room + 16;
		state->pairs = state->pairs == NULL ? palloc(state->room * sizeof(struct Pair)) :
			repalloc(state->pairs, state->room * sizeof(struct Pair));
	}
	state->pairs[state->n].key = DatumGetInt64(slot->tts_values[0]);
	state->pairs[state->n++].value = memcpy(palloc(VARSIZE(value)), value, VARSIZE(value));
}

static int
compare_pairs(const void *a, const void *b)
{
	int64		x = ((const struct Pair *) a)->key;
	int64		y = ((const struct Pair *) b)->key;

	return x < y ? -1 : x > y;
}

void
tuplesort_performsort(Tuplesortstate *state)
{
	if (state->n > 0)
		qsort(state->pairs, state->n, sizeof(struct Pair), compare_pairs);
}

bool
tuplesort_gettupleslot(Tuplesortstate *state, bool forward, bool copy, TupleTableSlot *slot,
					   Datum *abbrev)
{
	clear_slot(slot);
	if (state->next == state->n)
		return false;
	slot->tts_values[0] = Int64GetDatum(state->pairs[state->next].key);
	slot->tts_values[1] = PointerGetDatum(state->pairs[state->next++].value);
	ExecStoreVirtualTuple(slot);
	return true;
}

void
tuplesort_end(Tuplesortstate *state)
{
}

/* ---- the relations of a table ---- */

void
fuzz_open(const FuzzTable *of)
{
	static RelationData index;
	static RelationData heap;
	static Oid	id = 100;

	table = of;
	fuzz_rows = of->rows;
	fuzz_distance = of->distance;
	if (columns == NULL)
	{
		columns = calloc(1, DESC_SIZE(FUZZ_MAX_COLUMNS));
		index_form = calloc(1, sizeof(FormData_pg_index) + FUZZ_MAX_COLUMNS * sizeof(int16));
	}
	columns->natts = of->ncolumns;
	for (int i = 0; i < of->ncolumns; i++)
	{
		TupleDescAttr(columns, i)->atttypid = of->columns[i];
		TupleDescAttr(columns, i)->atttypmod = i == 0 ? of->dim : -1;
		index_form->indkey.values[i] = i == 0 && of->expression ? 0 : i + 1;
		input_types[i] = input_type(of->columns[i]);
	}
	index_form->indnatts = index_form->indnkeyatts = of->ncolumns;

	describe(&heap, &heap_class, "heap");
	heap.rd_tableam = &table_routine;
	fuzz_heap = &heap;

	describe(&index, &index_class, "index");
	/* what was kept of an index before is not of this one */
	index.rd_id = id++;
	index.rd_index = index_form;
	index.rd_opfamily = families;
	index.rd_opcintype = input_types;
	index.rd_indcollation = collations;
	index.rd_indexcxt = CurrentMemoryContext;
	index.rd_indam = fuzz_routine(of->am);
	fuzz_index = &index;

	memset(&kind_proc, 0, sizeof(kind_proc));
	kind_proc.fn_addr = of->kind;
	index.rd_options = index.rd_indam->amoptions(PointerGetDatum(of->options), true);
}
