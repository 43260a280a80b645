/*
 * insert.c
 *	  A row more: find its neighbours, and have them lead to it.
 *
 * The node and the first edge that leads to it are one WAL record, so that
 * after a crash it can be reached; the other edges follow one by one.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/hnsw/link.h"
#include "point/point.h"

/* A search this wide finds the node of a vector that is there already. */
#define EF_UNCHANGED 8

/* Searches for a node that is to lead to one out of reach. */
#define RELINK_TRIES 4

/* What the inserts of a statement share. */
typedef struct InsertState
{
	MemoryContext context;		/* of all this */
	Oid			index;
	RelFileNumber file;
	const VdbHnsw *hnsw;
	VdbHnswSearch *search;
	VdbAmQuery *query;
	VdbHnswLinker *linker;
	VdbAmColumns columns;
	char	   *codes;			/* of the row that is inserted */
	MemoryContext encoding;		/* of making these */
	VdbHnswSlot *slot;			/* the node to be */
	VdbHnswFound *near;			/* that neighbours are chosen from */
	float	   *scratch;
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
	MemoryContext context = AllocSetContextCreate(parent, "hnsw insert",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	InsertState *state = palloc0(sizeof(InsertState));

	state->context = context;
	state->index = RelationGetRelid(index);
	state->file = VDB_COMPAT_RELNUMBER(index);
	state->hnsw = vdb_hnsw_open(index);
	state->search = vdb_hnsw_search_create(state->hnsw);
	state->query = vdb_hnsw_search_query(state->search);
	state->linker = vdb_hnsw_linker_create(state->hnsw);
	vdb_am_columns_open(index, &state->columns);
	state->codes = palloc(state->hnsw->codes_size);
	state->encoding = AllocSetContextCreate(context, "hnsw insert codes",
											ALLOCSET_SMALL_SIZES);
	state->slot = palloc0(state->hnsw->slot_size);
	state->near = palloc((EF_UNCHANGED + state->hnsw->meta.ef_construction) *
						 sizeof(VdbHnswFound));
	state->scratch = palloc(state->hnsw->space.dim * sizeof(float));
	MemoryContextSwitchTo(old);
	return state;
}

/* Keeps the state of a statement that ends, in whatever way. */
static void
keep_state(void *arg)
{
	InsertState *state = arg;

	if (state->hnsw->meta.scale == 0 ||
		MemoryContextMemAllocated(state->context, true) > KEPT_BYTES)
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
take_state(Relation index, MemoryContext statement)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(statement,
															 sizeof(MemoryContextCallback));
	InsertState *state = kept;

	if (state != NULL && state->index == RelationGetRelid(index) &&
		state->file == VDB_COMPAT_RELNUMBER(index) && vdb_hnsw_is_same(index, state->hnsw))
		kept = NULL;
	else
	{
		/* An error before it is whole takes it along. */
		state = create_state(index, statement);
		MemoryContextSetParent(state->context, TopMemoryContext);
	}
	callback->func = keep_state;
	callback->arg = state;
	MemoryContextRegisterResetCallback(statement, callback);
	return state;
}

/* ---- equal rows ---- */

/*
 * The node among those found that has the same row, if there is one.  Its
 * distance is that of the row to the last bit.
 */
static bool
add_to_equal(InsertState *state, Relation index, const VdbHnswFound *found, uint32 n,
			 ItemPointer tid)
{
	const VdbHnsw *hnsw = state->hnsw;
	const void *row = vdb_hnsw_row(hnsw, state->slot);
	float		own;

	vdb_am_query_many(state->query, vdb_am_query_base(state->query), &row, 1, &own);
	for (uint32 i = 0; i < n; i++)
		if (found[i].distance == own &&
			vdb_hnsw_add_tid(hnsw, index, found[i].node, row, tid, state->codes))
			return true;
	return false;
}

/* ---- edges ---- */

/* Makes the slot of the row, but for its neighbours. */
static void
fill_slot(InsertState *state, ItemPointer tid)
{
	const VdbHnsw *hnsw = state->hnsw;
	void	   *row = vdb_hnsw_row(hnsw, state->slot);

	memset(state->slot, 0, hnsw->slot_size);
	state->slot->state = VDB_HNSW_NODE;
	state->slot->tid = *tid;
	state->slot->more = VDB_HNSW_NONE;
	memcpy(vdb_hnsw_codes(state->slot), state->codes, hnsw->codes_size);
	if (vdb_am_is_plain(&hnsw->space))
		memcpy(row, state->query->elements, hnsw->space.row_size);
	else
		vdb_am_row_encode(&hnsw->space, state->query->rotated, NULL, 0, state->scratch, row);
}

/* Has the nodes of the target's list lead to it, from the one at first on. */
static void
link_back(InsertState *state, Relation index, const VdbHnswTarget *target, uint32 first)
{
	for (uint32 i = 0; i < target->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		VDB_PAUSE("hnsw-insert-edge");
		if (i != first && !VDB_FAULT("hnsw-no-back-edges") && !VDB_FAULT("hnsw-no-edges"))
			vdb_hnsw_link(state->linker, index, target->list[i], target);
	}
}

/* Should the node that is made now be an entry? */
static bool
is_entry_wanted(const VdbHnsw *hnsw, Relation index)
{
	VdbHnswState now;
	double		slots = (double) RelationGetNumberOfBlocks(index) * hnsw->per_page;

	vdb_hnsw_read_state(index, &now);
	return now.nentries < vdb_hnsw_entries_wanted(hnsw, slots);
}

/* Makes the node of the slot, with edges from it and to it. */
static void
make_node(InsertState *state, Relation index, const VdbHnswFound *found, uint32 n)
{
	const VdbHnsw *hnsw = state->hnsw;
	VdbHnswSlot *slot = state->slot;
	VdbHnswTarget target = {
		.node = VDB_HNSW_NONE,
		.row = vdb_hnsw_row(hnsw, slot),
		.list = vdb_hnsw_list(hnsw, slot),
	};
	uint32		first = 0;
	bool		linked = false;

	target.count = vdb_hnsw_choose_neighbours(state->linker, index, found, n,
											  vdb_hnsw_list(hnsw, slot));
	slot->count = target.count;
	if (VDB_FAULT("hnsw-twice-a-neighbour") && target.count > 1)
		vdb_hnsw_list(hnsw, slot)[1] = target.list[0];
	VDB_PAUSE("hnsw-insert-chosen");
	while (first < target.count && !linked)
		linked = vdb_hnsw_link_new(state->linker, index, target.list[first++], &target, slot);
	if (!linked)
		vdb_hnsw_make_entry(hnsw, index, &target, slot, state->query->rotated);
	VDB_PAUSE("hnsw-insert-made");
	if (linked && is_entry_wanted(hnsw, index))
		vdb_hnsw_entry_add(hnsw, index, false, target.node, state->query->rotated);
	link_back(state, index, &target, linked ? first - 1 : target.count);
}

/* Puts nodes found later among those found before, in order of distance. */
static uint32
merge(VdbHnswFound *near, uint32 n, const VdbHnswFound *found, uint32 nfound)
{
	uint32		total = n + nfound;

	for (uint32 at = total; nfound > 0;)
		near[--at] = n > 0 && near[n - 1].distance > found[nfound - 1].distance ?
			near[--n] : found[--nfound];
	return total;
}

/* Inserts the row of a query that is ready. */
static void
insert_row(InsertState *state, Relation index, ItemPointer tid, bool unchanged)
{
	VdbHnswFound *found;
	uint32		near = 0,
				n;

	fill_slot(state, tid);
	vdb_hnsw_search_begin(state->search, index);
	VDB_PAUSE("hnsw-insert-begun");
	/* An UPDATE of filter columns alone is not told from an INSERT. */
	if (unchanged || state->columns.n > 0)
	{
		near = vdb_hnsw_search_more(state->search, index, EF_UNCHANGED, &found);
		if (add_to_equal(state, index, found, near, tid))
			return;
		memcpy(state->near, found, near * sizeof(VdbHnswFound));
	}
	/* On from there, not anew. */
	n = vdb_hnsw_search_more(state->search, index, state->hnsw->meta.ef_construction, &found);
	VDB_PAUSE("hnsw-insert-found");
	if (!add_to_equal(state, index, found, n, tid))
		make_node(state, index, state->near, merge(state->near, near, found, n));
}

/* ---- the access method's function ---- */

static void
encode_columns(InsertState *state, const Datum *values, const bool *isnull)
{
	MemoryContext old;

	if (state->columns.n == 0 || VDB_FAULT("hnsw-no-codes"))
		return;
	old = MemoryContextSwitchTo(state->encoding);
	vdb_am_columns_encode(&state->columns, values, isnull, state->codes);
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->encoding);
}

static void
insert_vector(InsertState **state, Relation index, IndexInfo *info, Datum *values, bool *isnull,
			  ItemPointer tid, bool unchanged)
{
	VdbAmQuery *query = (*state)->query;

	vdb_am_query_take(query, values[0]);
	if (!vdb_am_query_place(query))
	{
		vdb_hnsw_add_unordered((*state)->hnsw, index, false, tid, (*state)->codes);
		return;
	}
	if ((*state)->hnsw->meta.scale == 0)
	{
		/* This is the first vector, or was when the state was made. */
		vdb_am_floats(&(*state)->hnsw->space, query->elements, query->floats);
		VDB_PAUSE("hnsw-insert-first");
		vdb_hnsw_begin(index, (*state)->hnsw, query->floats);
		info->ii_AmCache = *state = take_state(index, info->ii_Context);
		query = (*state)->query;
		vdb_am_query_take(query, values[0]);
		vdb_am_query_place(query);
		encode_columns(*state, values, isnull);
	}
	vdb_am_query_aim(query);
	insert_row(*state, index, tid, unchanged);
}

bool
vdb_hnsw_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap,
				IndexUniqueCheck check, bool unchanged, IndexInfo *info)
{
	InsertState *state = info->ii_AmCache;
	MemoryContext old;

	if (state == NULL)
		info->ii_AmCache = state = take_state(index, info->ii_Context);
	old = MemoryContextSwitchTo(state->context);
	encode_columns(state, values, isnull);
	if (VDB_FAULT("hnsw-twice-a-null") && isnull[0])
		vdb_hnsw_add_unordered(state->hnsw, index, true, tid, state->codes);
	if (VDB_FAULT("hnsw-no-concurrent-rows") && info->ii_Concurrent)
		return false;
	if (isnull[0] && VDB_FAULT("hnsw-no-nulls"))
		return false;
	if (isnull[0])
		vdb_hnsw_add_unordered(state->hnsw, index, true, tid, state->codes);
	else
		insert_vector(&state, index, info, values, isnull, tid, unchanged);
	MemoryContextSwitchTo(old);
	return false;
}

/* ---- for vacuum ---- */

bool
vdb_hnsw_query_of_row(const VdbHnsw *hnsw, VdbAmQuery *query, const void *row)
{
	float		error;

	if (vdb_am_is_plain(&hnsw->space))
	{
		vdb_am_query_elements(query, row);
		if (!vdb_am_query_place(query) || vdb_am_is_far(query->rotated))
			return false;
	}
	else
	{
		if (!vdb_am_row_decode(&hnsw->space, row, NULL, query->rotated, &error))
			return false;
		vdb_am_query_place_floats(query);
	}
	vdb_am_query_aim(query);
	return true;
}

/* Has the nearest node that is good lead to the target; false if none can. */
static bool
link_from_good(InsertState *state, Relation index, const VdbHnswTarget *target,
			   bool (*good) (void *arg, uint32 node), void *arg)
{
	uint32		ef = state->hnsw->meta.ef_construction;
	uint32		n;
	VdbHnswFound *found;

	vdb_hnsw_search_begin(state->search, index);
	/* Wider each time: few may be good where most nodes are about to go. */
	for (int try = 0; try < RELINK_TRIES; try++, ef *= 2)
	{
		n = vdb_hnsw_search_more(state->search, index, ef, &found);
		if (n == 0)
			return false;
		for (uint32 i = 0; i < n; i++)
			if (found[i].node != target->node && good(arg, found[i].node) &&
				vdb_hnsw_link(state->linker, index, found[i].node, target))
				return true;
	}
	return false;
}

void
vdb_hnsw_relink(const VdbHnsw *hnsw, Relation index, uint32 node,
				bool (*good) (void *arg, uint32 node), void *arg)
{
	InsertState *state = create_state(index, CurrentMemoryContext);
	MemoryContext old = MemoryContextSwitchTo(state->context);
	VdbHnswTarget target = {
		.node = node,
		.row = vdb_hnsw_row(hnsw, state->slot),
		.list = vdb_hnsw_list(hnsw, state->slot),
	};
	bool		linked = false;

	vdb_hnsw_copy(hnsw, index, node, state->slot);
	target.count = state->slot->count;
	if (vdb_hnsw_query_of_row(hnsw, state->query, target.row))
		linked = link_from_good(state, index, &target, good, arg);
	else
		memset(state->query->rotated, 0, hnsw->space.dim * sizeof(float));
	if (!linked)
		vdb_hnsw_entry_add(hnsw, index, false, node, state->query->rotated);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(state->context);
}
