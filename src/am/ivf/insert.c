/*
 * insert.c
 *	  A row more: find its list, append its codes.
 */
#include "postgres.h"

#include "access/itup.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/ivf/ivf.h"
#include "point/point.h"

/* What the inserts of a statement share. */
typedef struct InsertState
{
	MemoryContext context;		/* of all this */
	Oid			index;
	RelFileNumber file;
	const VdbIvf *ivf;
	float	   *floats;
	float	   *rotated;
	float	   *centre;
	VdbQuantTables tables;
	void	   *tables_memory;
	VdbIvfRoute *route;
	void	   *work;
	VdbAmColumns columns;		/* of the statement */
	char	   *codes;			/* of a row */
} InsertState;

/*
 * The state of the last statement, kept for the next one of the same index:
 * making it anew costs as much as an insert.
 */
static InsertState *kept;

/* More memory than this is not kept. */
#define KEPT_BYTES (1024 * 1024)

static InsertState *
create_state(Relation index, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "ivf insert",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	InsertState *state = palloc(sizeof(InsertState));
	const VdbIvf *ivf = vdb_ivf_open(index);

	state->context = context;
	state->index = RelationGetRelid(index);
	state->file = VDB_COMPAT_RELNUMBER(index);
	state->ivf = ivf;
	state->floats = palloc(ivf->space.dim * sizeof(float));
	state->rotated = palloc(ivf->space.dim * sizeof(float));
	state->centre = palloc(ivf->space.dim * sizeof(float));
	state->tables_memory = palloc(vdb_quant_tables_size(ivf->directory.code_dim));
	state->route = vdb_ivf_route_create(ivf, index);
	vdb_ivf_route_expect(state->route, 1);
	state->work = palloc(vdb_ivf_list_work(ivf));
	state->codes = palloc(ivf->meta.codes_size + 1);
	MemoryContextSwitchTo(old);
	return state;
}

/* Keeps the state of a statement that ends, in whatever way. */
static void
keep_state(void *arg)
{
	InsertState *state = arg;

	if (MemoryContextMemAllocated(state->context, true) > KEPT_BYTES)
	{
		MemoryContextDelete(state->context);
		return;
	}
	if (kept != NULL)
		MemoryContextDelete(kept->context);
	kept = state;
}

/* State for a statement, whose memory is that context. */
static InsertState *
take_state(Relation index, MemoryContext statement, Datum first, bool isnull)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(statement,
															 sizeof(MemoryContextCallback));
	InsertState *state = kept;
	MemoryContext old;

	VDB_PAUSE("ivf-insert-begun");
	if (!vdb_ivf_is_complete(index))
		vdb_ivf_complete(index, first, isnull);
	if (state != NULL && state->index == RelationGetRelid(index) &&
		state->file == VDB_COMPAT_RELNUMBER(index) && vdb_ivf_is_same(index, state->ivf))
	{
		kept = NULL;
		vdb_ivf_route_reuse(state->route, index);
	}
	else
	{
		/* An error before it is whole takes it along. */
		state = create_state(index, statement);
		MemoryContextSetParent(state->context, TopMemoryContext);
	}
	callback->func = keep_state;
	callback->arg = state;
	MemoryContextRegisterResetCallback(statement, callback);
	old = MemoryContextSwitchTo(statement);
	vdb_am_columns_open(index, &state->columns);
	MemoryContextSwitchTo(old);
	return state;
}

/* Finds the list that the state's vector belongs to, and its centre. */
static void
find_list(InsertState *state, Relation index, VdbIvfNear *near)
{
	const VdbIvf *ivf = state->ivf;
	VdbIvfState lists;

	vdb_ivf_read_state(index, ivf, &lists);
	vdb_ivf_route_begin(state->route, lists.version, VDB_IVF_BY_GAP, state->rotated,
						&state->tables);
	vdb_ivf_route_check(state->route, &lists);
	if (!vdb_ivf_route_next(state->route, near))
		vdb_page_corrupted(index, ivf->meta.directory, "it has no lists");
	vdb_ivf_route_centre(state->route, near, state->centre);
}

bool
vdb_ivf_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap,
			   IndexUniqueCheck check, bool unchanged, IndexInfo *info)
{
	InsertState *state = info->ii_AmCache;
	const VdbIvf *ivf;
	VdbAmVector vector;
	VdbIvfEntry entry = {0};
	VdbIvfNear	near;
	uint32		pages = 0;

	if (state == NULL)
		info->ii_AmCache = state = take_state(index, info->ii_Context, values[0], isnull[0]);
	ivf = state->ivf;
	vdb_am_columns_encode(&state->columns, values, isnull, state->codes);
	if (VDB_FAULT("ivf-no-concurrent-rows") && info->ii_Concurrent)
		return false;
	if (isnull[0])
	{
		vdb_ivf_tids_add(ivf, index, ivf->meta.nulls, false, tid, state->codes);
		return false;
	}
	vdb_am_vector(ivf->space.kind, values[0], &vector);
	vdb_am_check_dim(ivf->space.kind, ivf->space.dim, vector.dim);
	if (vdb_am_rotate(&ivf->space, vector.elements, state->floats, state->rotated))
	{
		vdb_quant_tables_init(&state->tables, ivf->directory.code_dim, state->rotated,
							  state->tables_memory);
		entry.tid = *tid;
		entry.rotated = state->rotated;
		entry.centre = state->centre;
		entry.codes = state->codes;
		entry.row = vdb_am_is_plain(&ivf->space) ? vector.elements : NULL;
		for (;;)
		{
			find_list(state, index, &near);
			VDB_PAUSE("ivf-insert-routed");
			if (vdb_ivf_list_add(ivf, &ivf->list, index, false, near.head, near.number, &entry,
								 state->work, &pages))
				break;
			VDB_PAUSE("ivf-insert-waits");
			vdb_ivf_wait(index, ivf, &near);
			CHECK_FOR_INTERRUPTS();
		}
		VDB_PAUSE("ivf-insert-added");
		if (pages > 0)
			vdb_ivf_grown(index, heap, ivf, &near, pages);
	}
	else
		vdb_ivf_tids_add(ivf, index, ivf->meta.zeros, false, tid, state->codes);
	vdb_am_vector_free(&vector);
	return false;
}
