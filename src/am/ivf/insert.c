/*
 * insert.c
 *	  A row more: find its list, append its codes.
 */
#include "postgres.h"

#include "access/itup.h"

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
create_state(Relation index, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	InsertState *state = palloc(sizeof(InsertState));
	VdbIvf	   *ivf = vdb_ivf_open(index);

	if (ivf->meta.directory == InvalidBlockNumber)
	{
		vdb_ivf_complete(index);
		ivf = vdb_ivf_open(index);
	}
	state->ivf = ivf;
	state->floats = palloc(ivf->dim * sizeof(float));
	state->rotated = palloc(ivf->dim * sizeof(float));
	state->centre = palloc(ivf->dim * sizeof(float));
	state->tables_memory = palloc(vdb_quant_tables_size(ivf->list.code_dim));
	state->route = vdb_ivf_route_create(ivf, index);
	state->work = palloc(vdb_ivf_list_work(ivf));
	MemoryContextSwitchTo(old);
	return state;
}

bool
vdb_ivf_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap,
			   IndexUniqueCheck check, bool unchanged, IndexInfo *info)
{
	InsertState *state = info->ii_AmCache;
	const VdbIvf *ivf;
	VdbAmVector vector;
	VdbIvfEntry entry;
	VdbIvfNear	near;

	if (state == NULL)
		info->ii_AmCache = state = create_state(index, info->ii_Context);
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
		vdb_quant_tables_init(&state->tables, ivf->list.code_dim, state->rotated,
							  state->tables_memory);
		vdb_ivf_route_begin(state->route, state->rotated, &state->tables);
		if (!vdb_ivf_route_home(state->route, &near, state->centre))
			vdb_page_corrupted(index, ivf->meta.directory, "it has no lists");
		entry.tid = *tid;
		entry.rotated = state->rotated;
		entry.centre = state->centre;
		entry.row = ivf->list.coded ? NULL : vector.elements;
		vdb_ivf_list_add(ivf, &ivf->list, index, false, near.head, &entry, state->work);
	}
	else
		vdb_ivf_tids_add(index, ivf->meta.zeros, false, tid);
	vdb_am_vector_free(&vector);
	return false;
}
