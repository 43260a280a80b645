/*
 * insert.c
 *	  A row more: find its list, append its codes.
 */
#include "postgres.h"

#include "access/itup.h"
#include "miscadmin.h"

#include "am/ivf/ivf.h"

/* What the inserts of a statement share. */
typedef struct InsertState
{
	const VdbIvf *ivf;
	float	   *floats;
	float	   *rotated;
	float	   *centre;
	VdbQuantTables tables;
	void	   *tables_memory;
	VdbIvfRoute *route;
	void	   *work;
} InsertState;

static InsertState *
create_state(Relation index, MemoryContext context, Datum first, bool isnull)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	InsertState *state = palloc(sizeof(InsertState));
	VdbIvf	   *ivf = vdb_ivf_open(index);

	if (ivf->meta.directory == InvalidBlockNumber)
	{
		vdb_ivf_complete(index, first, isnull);
		ivf = vdb_ivf_open(index);
	}
	state->ivf = ivf;
	state->floats = palloc(ivf->dim * sizeof(float));
	state->rotated = palloc(ivf->dim * sizeof(float));
	state->centre = palloc(ivf->dim * sizeof(float));
	state->tables_memory = palloc(vdb_quant_tables_size(ivf->directory.code_dim));
	state->route = vdb_ivf_route_create(ivf, index);
	vdb_ivf_route_expect(state->route, 1);
	state->work = palloc(vdb_ivf_list_work(ivf));
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
		info->ii_AmCache = state = create_state(index, info->ii_Context, values[0], isnull[0]);
	ivf = state->ivf;
	if (isnull[0])
	{
		vdb_ivf_tids_add(index, ivf->meta.nulls, false, tid);
		return false;
	}
	vdb_am_vector(ivf->kind, values[0], &vector);
	vdb_am_check_dim(ivf->kind, ivf->dim, vector.dim);
	if (vdb_ivf_rotate(ivf, vector.elements, state->floats, state->rotated))
	{
		vdb_quant_tables_init(&state->tables, ivf->directory.code_dim, state->rotated,
							  state->tables_memory);
		entry.tid = *tid;
		entry.rotated = state->rotated;
		entry.centre = state->centre;
		entry.row = vdb_ivf_is_plain(ivf) ? vector.elements : NULL;
		for (;;)
		{
			find_list(state, index, &near);
			if (vdb_ivf_list_add(ivf, &ivf->list, index, false, near.head, near.number, &entry,
								 state->work, &pages))
				break;
			vdb_ivf_wait(index, ivf);
			CHECK_FOR_INTERRUPTS();
		}
		if (pages > 0)
			vdb_ivf_grown(index, ivf, &near, pages);
	}
	else
		vdb_ivf_tids_add(index, ivf->meta.zeros, false, tid);
	vdb_am_vector_free(&vector);
	return false;
}
