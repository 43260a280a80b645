/*
 * build.c
 *	  CREATE INDEX: read the table into memory, make a graph of its rows there,
 *	  and write that.
 *
 * Nobody sees the index until the build is done, so pages are written without
 * WAL and logged whole at the end.
 *
 * Memory: maintenance_work_mem is the budget for everything here.  What does not
 * fit into it goes to a file, and a graph of it is made part by part (parts.c).
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "am/hnsw/build.h"
#include "point/point.h"

/* The part of the graph's time in which its recall is measured. */
#define MEASURE_SHARE 0.05

/* ---- progress and interrupts ---- */

void
vdb_hnsw_build_phase(VdbHnswBuild *build, int64 phase, int64 total)
{
	const int	params[] = {
		PROGRESS_CREATEIDX_SUBPHASE, PROGRESS_CREATEIDX_TUPLES_TOTAL,
		PROGRESS_CREATEIDX_TUPLES_DONE,
	};
	const int64 values[] = {phase, total, 0};

	build->total = build->step = total;
	build->done = 0;
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

void
vdb_hnsw_build_progress(VdbHnswBuild *build, int64 done)
{
	/* The total may be a guess. */
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, Min(done, build->total));
}

static void
tell_progress(void *arg, uint64_t done, uint64_t total)
{
	VdbHnswBuild *build = arg;

	vdb_hnsw_build_progress(build, build->done + (double) build->step * done / Max(total, 1));
}

static bool
is_interrupted(void *arg)
{
	/* Not for what does not end the statement: it can wait. */
	return QueryCancelPending || ProcDiePending;
}

void
vdb_hnsw_build_check(VdbKmStatus status)
{
	CHECK_FOR_INTERRUPTS();
	if (status != VDB_KM_OK)
		elog(ERROR, "the threads of a build failed: %d", (int) status);
}

char *
vdb_hnsw_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case VDB_HNSW_PHASE_SAMPLE:
			return "sampling table";
		case VDB_HNSW_PHASE_LOAD:
			return "loading tuples";
		case VDB_HNSW_PHASE_GRAPH:
			return "building graph";
		case VDB_HNSW_PHASE_CONNECT:
			return "connecting graph";
		case VDB_HNSW_PHASE_MEASURE:
			return "measuring recall";
		case VDB_HNSW_PHASE_WRITE:
			return "writing graph";
		case VDB_HNSW_PHASE_PARTS:
			return "partitioning tuples";
		case VDB_HNSW_PHASE_LOG:
			return "writing WAL";
		default:
			return NULL;
	}
}

/* ---- the graph ---- */

/*
 * Gives back to the system what has been freed: malloc() may keep holes in the
 * midst of what is in use, and the next phase does not fit them.
 */
void
vdb_hnsw_build_return_memory(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* In the graph, whether it was reached, and the order that it is written in. */
Size
vdb_hnsw_build_node_memory(const VdbHnswBuild *build)
{
	return vdb_hnsw_graph_node_memory(build->hnsw, build->control.threads) + 1 + sizeof(uint32);
}

static double
seconds_since(instr_time begin)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, begin);
	return INSTR_TIME_GET_DOUBLE(now);
}

/* Makes a graph of all that was read, and writes it. */
static void
finish_graph(VdbHnswBuild *build)
{
	VdbHnswHeap *heap = &build->table;
	VdbHnswGraph *graph = &build->graph;
	uint32	   *order;
	instr_time	begin;

	INSTR_TIME_SET_CURRENT(begin);
	if (heap->table != NULL)
		pfree(heap->table);
	heap->table = NULL;
	vdb_hnsw_build_return_memory();
	vdb_hnsw_graph_create(graph, build->hnsw, heap->rows, heap->stride, heap->n,
						  vdb_hnsw_entries_wanted(build->hnsw, heap->n),
						  Max(VDB_HNSW_MEASURED_EF, build->meta.ef_construction),
						  build->control.threads, build->meta.seed);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_GRAPH, heap->n);
	vdb_hnsw_build_check(vdb_hnsw_graph_fill(graph, &build->control));
	order = palloc_extended(Max(heap->n, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_CONNECT, 0);
	vdb_hnsw_graph_connect(graph, order);
	vdb_hnsw_build_phase(build, VDB_HNSW_PHASE_MEASURE, 0);
	vdb_hnsw_build_check(vdb_hnsw_graph_measure(graph, MEASURE_SHARE * seconds_since(begin),
												build->meta.seed, build->efs, &build->control));
	vdb_hnsw_graph_order(graph, order);
	/* Where a node is near has been used: its place comes there. */
	vdb_hnsw_write_graph(build, order, graph->home);
	pfree(order);
	vdb_hnsw_graph_free(graph);
}

/* ---- the whole ---- */

static void
build_pages(VdbHnswBuild *build)
{
	build->hnsw = vdb_hnsw_describe(vdb_am_kind(build->index), &build->meta);
	vdb_am_columns_open(build->index, &build->columns);
	build->budget = (Size) maintenance_work_mem * 1024;
	build->control.threads = Min(max_parallel_maintenance_workers + 1, vdb_km_processors());
	build->control.interrupt = is_interrupted;
	build->control.progress = tell_progress;
	build->control.arg = build;
	vdb_hnsw_learn(build);
	VDB_PAUSE("hnsw-build-learnt");
	vdb_hnsw_load(build);
	VDB_PAUSE("hnsw-build-loaded");
	if (build->spill != NULL)
		vdb_hnsw_build_parts(build);
	else if (build->seen > 0)
		finish_graph(build);
	VDB_PAUSE("hnsw-build-written");
}

IndexBuildResult *
vdb_hnsw_build(Relation heap, Relation index, IndexInfo *info)
{
	IndexBuildResult *result = palloc(sizeof(IndexBuildResult));
	VdbHnswBuild build = {.heap = heap,.index = index,.info = info};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	vdb_page_build_until(index, context);
	vdb_hnsw_init_meta(index, &build.meta);
	pg_prng_seed(&build.random, build.meta.seed);
	vdb_hnsw_write_empty(index, MAIN_FORKNUM, &build.meta);
	if (RelationGetNumberOfBlocks(heap) > 0)
		build_pages(&build);
	vdb_hnsw_build_phase(&build, VDB_HNSW_PHASE_LOG, 0);
	vdb_page_log_all(index, MAIN_FORKNUM);
	VDB_PAUSE("hnsw-build-logged");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	result->heap_tuples = build.heap_rows;
	result->index_tuples = build.seen;
	return result;
}

/*
 * The init fork of an unlogged index is an index without rows: the first that
 * is inserted gives it its scale.
 */
void
vdb_hnsw_build_empty(Relation index)
{
	VdbHnswMeta meta;

	vdb_hnsw_init_meta(index, &meta);
	vdb_hnsw_write_empty(index, INIT_FORKNUM, &meta);
}
