/*
 * link.c
 *	  Edges to a node, given to it by its neighbours one at a time.
 *
 * What to change is found out without a lock, from copies of slots, and done
 * under one if they are the same still.
 *
 * No edge X -> Y goes unless there is a W with X -> W and W -> Y, and W's page
 * is locked, too, while that is so: by induction, what could be reached before
 * can be reached after.  In the heuristic that chooses neighbours an edge goes
 * because some W is nearer to both, so such a W there mostly is.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/hnsw/entry.h"
#include "am/hnsw/link.h"
#include "point/point.h"

/* Plans that came to nothing because others were faster, at most. */
#define TRIES 5

struct VdbHnswLinker
{
	const VdbHnsw *hnsw;
	VdbAmQuery	pair;			/* a node, that others are compared with */
	VdbHnswSlot *from;			/* copy of the slot that is to lead to the target */
	char	   *slots;			/* copies of its neighbours' */
	VdbHnswNear *near;
	const void **rows;
	float	   *distances;
	char	   *candidates;		/* rows to choose neighbours from */
	uint32		ncandidates;	/* that there is room for */
};

/* How a node's list is to change. */
typedef struct Change
{
	uint32		at;				/* the place in its list */
	uint32		dropped;		/* what is there now, or VDB_HNSW_NONE: it grows */

	/*
	 * What leads to that as well; itself, if it is no node any more; or
	 * VDB_HNSW_NONE: the node to be.
	 */
	uint32		witness;
} Change;

typedef enum Outcome
{
	LINKED,
	REFUSED,
	AGAIN						/* somebody was faster */
} Outcome;

VdbHnswLinker *
vdb_hnsw_linker_create(const VdbHnsw *hnsw)
{
	VdbHnswLinker *linker = palloc0(sizeof(VdbHnswLinker));
	uint32		most = hnsw->neighbours + 1;

	linker->hnsw = hnsw;
	vdb_am_query_create(&linker->pair, &hnsw->space);
	linker->from = palloc(hnsw->slot_size);
	linker->slots = palloc((Size) most * hnsw->slot_size);
	linker->near = palloc(Max(most, VDB_HNSW_MAX_EF) * sizeof(VdbHnswNear));
	linker->rows = palloc(most * sizeof(void *));
	linker->distances = palloc(most * sizeof(float));
	return linker;
}

/*
 * By inner product the longest vectors are the nearest of all others, too, and
 * one of them leaves no other to be chosen.  Who is led to by it alone is hardly
 * found where its list is full.  (A build attaches such nodes at its end.)
 */
static uint32
least_neighbours(const VdbHnsw *hnsw)
{
	return hnsw->space.kind->metric == VDB_IP ? hnsw->meta.m / 2 : 0;
}

uint32
vdb_hnsw_choose_neighbours(VdbHnswLinker *linker, Relation index, const VdbHnswFound *found,
						   uint32 n, uint32 *list)
{
	const VdbHnsw *hnsw = linker->hnsw;
	uint32		row_size = hnsw->space.row_size;

	n = Min(n, VDB_HNSW_MAX_EF);
	if (n > linker->ncandidates)
	{
		if (linker->candidates != NULL)
			pfree(linker->candidates);
		linker->ncandidates = Max(n, hnsw->meta.ef_construction);
		linker->candidates = MemoryContextAllocHuge(GetMemoryChunkContext(linker),
													(Size) linker->ncandidates * row_size);
	}
	for (uint32 i = 0; i < n; i++)
	{
		char	   *row = linker->candidates + (Size) i * row_size;
		Buffer		buffer;

		memcpy(row, vdb_hnsw_row(hnsw, vdb_hnsw_pin(hnsw, index, found[i].node, &buffer)),
			   row_size);
		vdb_page_unpin(buffer);
		linker->near[i] = (VdbHnswNear) {found[i].distance, found[i].node, row};
	}
	n = vdb_hnsw_choose(&linker->pair, linker->near, n, hnsw->meta.m, least_neighbours(hnsw));
	for (uint32 i = 0; i < n; i++)
		list[i] = linker->near[i].node;
	return n;
}

/* ---- plans ---- */

static bool
has(const uint32 *list, uint32 count, uint32 node)
{
	for (uint32 i = 0; i < count; i++)
		if (list[i] == node)
			return true;
	return false;
}

static VdbHnswSlot *
neighbour(VdbHnswLinker *linker, uint32 i)
{
	return (VdbHnswSlot *) (linker->slots + (Size) i * linker->hnsw->slot_size);
}

static int
compare_near(const void *a, const void *b)
{
	float		x = ((const VdbHnswNear *) a)->distance;
	float		y = ((const VdbHnswNear *) b)->distance;

	return x < y ? -1 : x > y;
}

/* Puts the neighbours of a full list, and the target, in order of distance. */
static bool
order_neighbours(VdbHnswLinker *linker, Relation index, const VdbHnswTarget *target)
{
	const VdbHnsw *hnsw = linker->hnsw;
	const VdbHnswSlot *from = linker->from;
	uint32		n = from->count;

	for (uint32 i = 0; i < n; i++)
	{
		vdb_hnsw_copy(hnsw, index, vdb_hnsw_list(hnsw, from)[i], neighbour(linker, i));
		linker->rows[i] = vdb_hnsw_row(hnsw, neighbour(linker, i));
	}
	linker->rows[n] = target->row;
	if (!vdb_am_query_row(&linker->pair, vdb_hnsw_row(hnsw, from)))
		return false;
	vdb_am_query_many(&linker->pair, vdb_am_query_base(&linker->pair), linker->rows, n + 1,
					  linker->distances);
	for (uint32 i = 0; i <= n; i++)
		linker->near[i] = (VdbHnswNear)
	{
		linker->distances[i], i < n ? vdb_hnsw_list(hnsw, from)[i] : VDB_HNSW_NONE,
			linker->rows[i]
	};
	qsort(linker->near, n + 1, sizeof(VdbHnswNear), compare_near);
	return true;
}

/*
 * Is there, among the neighbours and the target, one that leads to the
 * neighbour at that place of the list?
 */
static bool
find_witness(VdbHnswLinker *linker, const VdbHnswTarget *target, uint32 at, Change *plan)
{
	const VdbHnsw *hnsw = linker->hnsw;
	const VdbHnswSlot *from = linker->from;
	uint32		node = vdb_hnsw_list(hnsw, from)[at];

	plan->at = at;
	plan->dropped = node;
	/* of a target that others see already it has to be looked at again */
	plan->witness = target->node;
	if (has(target->list, target->count, node))
		return true;
	for (uint32 i = 0; i < from->count; i++)
		if (i != at && neighbour(linker, i)->state == VDB_HNSW_NODE &&
			has(vdb_hnsw_list(hnsw, neighbour(linker, i)), neighbour(linker, i)->count, node))
		{
			plan->witness = vdb_hnsw_list(hnsw, from)[i];
			return true;
		}
	return false;
}

/* Which edge of a full list goes; false if none can. */
static bool
plan_exchange(VdbHnswLinker *linker, Relation index, const VdbHnswTarget *target, Change *plan)
{
	const VdbHnswSlot *from = linker->from;
	uint32		n = from->count + 1;
	uint32		chosen;

	/* An edge to what is no node any more serves nobody. */
	if (!order_neighbours(linker, index, target))
		return false;
	for (uint32 i = 0; i < from->count; i++)
		if (neighbour(linker, i)->state != VDB_HNSW_NODE &&
			neighbour(linker, i)->state != VDB_HNSW_DEAD)
		{
			uint32		gone = vdb_hnsw_list(linker->hnsw, from)[i];

			*plan = (Change) {i, gone, gone};
			return true;
		}
	chosen = vdb_hnsw_choose(&linker->pair, linker->near, n, n, 0);
	/* Those that were not chosen come last, the furthest at the end. */
	for (uint32 i = n; i-- > chosen;)
	{
		uint32		node = linker->near[i].node;

		if (node == VDB_HNSW_NONE)
			continue;
		for (uint32 at = 0; at < from->count; at++)
			if (vdb_hnsw_list(linker->hnsw, from)[at] == node &&
				find_witness(linker, target, at, plan))
				return true;
	}
	return false;
}

/*
 * What to do so that the node, of which there is a copy, leads to the target.
 * Of a list that is full, a target that is not chosen itself is refused,
 * unless it has to be.
 */
static bool
make_plan(VdbHnswLinker *linker, Relation index, const VdbHnswTarget *target, Change *plan)
{
	const VdbHnswSlot *from = linker->from;

	if (from->state != VDB_HNSW_NODE)
		return false;
	if (from->count < linker->hnsw->neighbours)
	{
		*plan = (Change) {from->count, VDB_HNSW_NONE, VDB_HNSW_NONE};
		return true;
	}
	return plan_exchange(linker, index, target, plan);
}

/* Is the slot as the plan was made for? */
static bool
is_same(const VdbHnswLinker *linker, const VdbHnswSlot *slot)
{
	const VdbHnsw *hnsw = linker->hnsw;

	return slot->state == VDB_HNSW_NODE && slot->count == linker->from->count &&
		memcmp(vdb_hnsw_list(hnsw, slot), vdb_hnsw_list(hnsw, linker->from),
			   slot->count * sizeof(uint32)) == 0;
}

/*
 * Is what the plan drops still not needed?  The witness is locked, as somebody
 * else may be about to drop its edge, with our edge as the witness; and as a
 * slot that was free may be a node by now, which others take us for a witness of.
 */
static bool
is_needless(const VdbHnswLinker *linker, const Change *plan, const VdbHnswSlot *witness)
{
	if (plan->witness == VDB_HNSW_NONE)
		return true;
	if (plan->witness == plan->dropped)
		return witness->state != VDB_HNSW_NODE && witness->state != VDB_HNSW_DEAD;
	return witness->state == VDB_HNSW_NODE &&
		has(vdb_hnsw_list(linker->hnsw, witness), witness->count, plan->dropped);
}

/* ---- changes ---- */

static void
apply(const VdbHnsw *hnsw, Relation index, Buffer buffer, VdbHnswSlot *slot, const Change *plan,
	  uint32 node)
{
	uint8		count = Max(slot->count, plan->at + 1);
	VdbPatch	patch;

	vdb_patch_begin(&patch, index);
	vdb_patch_put(&patch, buffer, &slot->count, &count, sizeof(count));
	vdb_patch_put(&patch, buffer, &vdb_hnsw_list(hnsw, slot)[plan->at], &node, sizeof(node));
	vdb_patch_finish(&patch);
}

static Outcome
link_as_planned(VdbHnswLinker *linker, Relation index, uint32 from, const Change *plan,
				uint32 node)
{
	const VdbHnsw *hnsw = linker->hnsw;
	Buffer		buffer,
				witness_buffer = InvalidBuffer;
	VdbHnswSlot *slot,
			   *witness;
	bool		right;

	if (plan->witness == VDB_HNSW_NONE)
	{
		slot = vdb_hnsw_read_exclusive(hnsw, index, from, &buffer);
		right = is_same(linker, slot);
	}
	else
	{
		vdb_hnsw_read_two(hnsw, index, from, plan->witness, &buffer, &witness_buffer, &slot,
						  &witness);
		right = is_same(linker, slot) && is_needless(linker, plan, witness);
	}
	if (right)
		apply(hnsw, index, buffer, slot, plan, node);
	if (BufferIsValid(witness_buffer))
		vdb_hnsw_release_two(buffer, witness_buffer);
	else
		vdb_page_release(buffer);
	return right ? LINKED : AGAIN;
}

bool
vdb_hnsw_link(VdbHnswLinker *linker, Relation index, uint32 from, const VdbHnswTarget *target)
{
	const VdbHnsw *hnsw = linker->hnsw;

	for (int try = 0; try < TRIES; try++)
	{
		Change		plan;

		vdb_hnsw_copy(hnsw, index, from, linker->from);
		if (linker->from->state <= VDB_HNSW_DEAD && linker->from->state != VDB_HNSW_FREE &&
			has(vdb_hnsw_list(hnsw, linker->from), linker->from->count, target->node))
			return true;
		if (!make_plan(linker, index, target, &plan))
			return false;
		VDB_PAUSE("hnsw-insert-replaces");
		if (link_as_planned(linker, index, from, &plan, target->node) == LINKED)
			return true;
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/*
 * A neighbour that was chosen may have died meanwhile, and its slot be the one
 * that the node gets: it is no neighbour of itself.
 */
static void
become(const VdbHnsw *hnsw, VdbHnswPlace *place, VdbHnswTarget *target, VdbHnswSlot *slot)
{
	uint32	   *list = vdb_hnsw_list(hnsw, slot);

	for (uint32 i = 0; i < slot->count; i++)
		if (list[i] == place->node)
			list[i] = list[--slot->count];
	target->node = place->node;
	target->count = slot->count;
	memcpy(place->slot, slot, hnsw->slot_size);
}

/* Writes the node, and the edge to it; one to what its slot was before will do. */
static void
write_new(VdbHnswLinker *linker, VdbHnswPlace *place, const Change *plan)
{
	uint32	   *list = vdb_hnsw_list(linker->hnsw, place->other);

	if (!has(list, place->other->count, place->node) && !VDB_FAULT("hnsw-no-edges"))
	{
		place->other->count = Max(place->other->count, plan->at + 1);
		list[plan->at] = place->node;
	}
	vdb_hnsw_place_finish(place);
}

bool
vdb_hnsw_link_new(VdbHnswLinker *linker, Relation index, uint32 from, VdbHnswTarget *target,
				  VdbHnswSlot *slot)
{
	const VdbHnsw *hnsw = linker->hnsw;

	for (int try = 0; try < TRIES; try++)
	{
		VdbHnswPlace place;
		Change		plan;

		vdb_hnsw_copy(hnsw, index, from, linker->from);
		if (!make_plan(linker, index, target, &plan))
			return false;
		VDB_PAUSE("hnsw-insert-planned");
		vdb_hnsw_place_begin(&place, hnsw, index, from, plan.witness, false);
		if (is_same(linker, place.other) && is_needless(linker, &plan, place.witness))
		{
			become(hnsw, &place, target, slot);
			write_new(linker, &place, &plan);
			return true;
		}
		vdb_hnsw_place_cancel(&place);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

void
vdb_hnsw_make_entry(const VdbHnsw *hnsw, Relation index, VdbHnswTarget *target,
					VdbHnswSlot *slot, const float *rotated)
{
	VdbHnswPlace place;
	Buffer		buffer;

	vdb_hnsw_place_begin(&place, hnsw, index, VDB_HNSW_NONE, VDB_HNSW_NONE, true);
	become(hnsw, &place, target, slot);
	buffer = vdb_hnsw_entry_edit(hnsw, index, vdb_hnsw_place_edit(&place), place.state,
								 place.node, rotated);
	vdb_hnsw_place_finish(&place);
	if (BufferIsValid(buffer))
		vdb_page_release(buffer);
}
