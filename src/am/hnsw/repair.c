/*
 * repair.c
 *	  Vacuum: dead nodes leave the lists of others.
 *
 * Where a list has dead nodes, those behind them are candidates for their
 * places, of which some are chosen as an insert does it, and they are asked to
 * lead back.  Edges to live nodes stay, but for those that an insert could
 * replace, too: what could be reached over live nodes before can be reached
 * afterwards.
 */
#include "postgres.h"

#include "commands/vacuum.h"

#include "am/hnsw/link.h"
#include "am/hnsw/vacuum.h"
#include "compat/compat.h"
#include "point/point.h"

/*
 * Behind dead nodes may be others that are dead, too.  They are followed while
 * there are fewer candidates than this times the places of a list.
 */
#define ENOUGH 2

/* A list that is repaired. */
typedef struct Repair
{
	VdbHnswVacuum *v;
	uint32		node;
	VdbHnswSlot *slot;			/* a copy of its slot */
	VdbAmQuery	query;
	VdbHnswSlot *other;			/* of one behind */

	/* what the list has, without what is of no use */
	uint32		own[VDB_HNSW_MAX_NEIGHBOURS];
	uint32		nown;
	uint32	   *dead;			/* nodes, in the order in which they are followed */
	uint32		ndead;
	uint32		dead_room;

	/* candidates: own ones first, and copies of their slots */
	VdbHnswNear *near;
	char	   *copies;
	uint32		n;
	uint32		room;

	VdbHnswLinker *linker;
} Repair;

static bool
is_in(const uint32 *numbers, uint32 n, uint32 number)
{
	for (uint32 i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* ---- what is there ---- */

static void
add_dead(Repair *r, uint32 node)
{
	if (is_in(r->dead, r->ndead, node))
		return;
	if (r->ndead == r->dead_room)
	{
		r->dead_room *= 2;
		r->dead = repalloc(r->dead, r->dead_room * sizeof(uint32));
	}
	r->dead[r->ndead++] = node;
}

/* A candidate, if it is a node that lives. */
static bool
add_near(Repair *r, uint32 node)
{
	const VdbHnsw *hnsw = r->v->hnsw;
	VdbHnswSlot *copy;

	if (node == r->node)
		return false;
	for (uint32 i = 0; i < r->n; i++)
		if (r->near[i].node == node)
			return false;
	if (r->n == r->room)
		return false;			/* there are enough of them */
	copy = (VdbHnswSlot *) (r->copies + r->n * MAXALIGN(hnsw->slot_size));
	vdb_hnsw_copy(hnsw, r->v->index, node, copy);
	if (copy->state != VDB_HNSW_NODE)
		return false;
	r->near[r->n].node = node;
	r->near[r->n++].row = vdb_hnsw_row(hnsw, copy);
	return true;
}

/* The list's own nodes, and those behind the dead ones. */
static void
gather(Repair *r)
{
	VdbHnswVacuum *v = r->v;
	const VdbHnsw *hnsw = v->hnsw;
	uint32		enough = ENOUGH * hnsw->neighbours;

	r->n = r->ndead = r->nown = 0;
	for (uint32 i = 0; i < r->slot->count; i++)
	{
		uint32		node = vdb_hnsw_list(hnsw, r->slot)[i];

		if (vdb_hnsw_bit(&v->dead, node))
			add_dead(r, node);
		else if (add_near(r, node))
			r->own[r->nown++] = node;
	}
	for (uint32 i = 0; i < r->ndead; i++)
	{
		/* all that the list itself has are looked at, and then as many as it takes */
		if (r->n >= enough && i >= r->slot->count)
			break;
		vdb_hnsw_copy(hnsw, v->index, r->dead[i], r->other);
		if (r->other->state != VDB_HNSW_DEAD)
			continue;
		for (uint32 j = 0; j < r->other->count; j++)
		{
			uint32		node = vdb_hnsw_list(hnsw, r->other)[j];

			if (!vdb_hnsw_bit(&v->dead, node))
				add_near(r, node);
			else if (r->n < enough)
				add_dead(r, node);
		}
	}
}

/* ---- what to choose ---- */

static int
compare_near(const void *a, const void *b)
{
	const VdbHnswNear *x = a;
	const VdbHnswNear *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* Puts the candidates into ascending order of distance. */
static void
sort_near(Repair *r)
{
	const void **rows;
	float	   *distances;

	/* What is far has no distances: the nodes stay as they are. */
	if (r->n == 0 || !vdb_am_query_row(&r->query, vdb_hnsw_row(r->v->hnsw, r->slot)))
	{
		for (uint32 i = 0; i < r->n; i++)
			r->near[i].distance = 0;
		return;
	}
	rows = palloc(r->n * sizeof(void *));
	distances = palloc(r->n * sizeof(float));
	for (uint32 i = 0; i < r->n; i++)
		rows[i] = r->near[i].row;
	vdb_am_query_many(&r->query, vdb_am_query_base(&r->query), rows, r->n, distances);
	for (uint32 i = 0; i < r->n; i++)
		r->near[i].distance = distances[i];
	qsort(r->near, r->n, sizeof(VdbHnswNear), compare_near);
	pfree(rows);
	pfree(distances);
}

/*
 * Has an own node that was not chosen be so, in the place of the furthest that
 * is not an own one.  As there are no more own ones than places, there is one.
 */
static uint32
force(Repair *r, uint32 chosen, uint32 most, uint32 which)
{
	VdbHnswNear forced = r->near[which];
	uint32		at = chosen;

	if (chosen < most)
		chosen++;
	else
		do
			at--;
		while (is_in(r->own, r->nown, r->near[at].node));
	r->near[which] = r->near[at];
	r->near[at] = forced;
	return chosen;
}

/*
 * Those to be in the list come first: as many as it had, so that it keeps the
 * room that it had for inserts.
 */
static uint32
choose(Repair *r)
{
	uint32		most = r->slot->count;
	uint32		chosen;

	sort_near(r);
	chosen = vdb_hnsw_choose(&r->query, r->near, r->n, most, most);
	for (uint32 i = chosen; i < r->n; i++)
		if (is_in(r->own, r->nown, r->near[i].node))
			chosen = force(r, chosen, most, i);
	return chosen;
}

/* ---- what to write ---- */

/*
 * Is what the new list leaves out still no node?  Its slot may have been given
 * to one meanwhile, for which others take us for a witness (link.c): which they
 * look at with our page locked.
 */
static bool
has_come_back(Repair *r)
{
	VdbHnswVacuum *v = r->v;

	for (uint32 i = 0; i < r->slot->count; i++)
	{
		uint32		node = vdb_hnsw_list(v->hnsw, r->slot)[i];
		Buffer		buffer;
		bool		back;

		if (node == r->node || vdb_hnsw_bit(&v->dead, node) || is_in(r->own, r->nown, node))
			continue;
		back = vdb_hnsw_pin(v->hnsw, v->index, node, &buffer)->state == VDB_HNSW_NODE;
		vdb_page_unpin(buffer);
		if (back)
			return true;
	}
	return false;
}

/* Writes the new list; false if the old one is not what it was any more. */
static bool
write_list(Repair *r, uint32 chosen)
{
	const VdbHnsw *hnsw = r->v->hnsw;
	uint32		list[VDB_HNSW_MAX_NEIGHBOURS];
	uint8		count = chosen;
	Buffer		buffer;
	VdbHnswSlot *slot = vdb_hnsw_read_exclusive(hnsw, r->v->index, r->node, &buffer);
	bool		same = slot->state == VDB_HNSW_NODE && slot->count == r->slot->count &&
		memcmp(vdb_hnsw_list(hnsw, slot), vdb_hnsw_list(hnsw, r->slot),
			   slot->count * sizeof(uint32)) == 0 && !has_come_back(r);

	if (same)
	{
		VdbPatch	patch;

		for (uint32 i = 0; i < chosen; i++)
			list[i] = r->near[i].node;
		vdb_patch_begin(&patch, r->v->index);
		vdb_patch_put(&patch, buffer, &slot->count, &count, sizeof(count));
		if (chosen > 0)
			vdb_patch_put(&patch, buffer, vdb_hnsw_list(hnsw, slot), list,
						  chosen * sizeof(uint32));
		vdb_patch_finish(&patch);
	}
	vdb_page_release(buffer);
	return same;
}

/*
 * Its new neighbours lead to it, too, as they do to one that is inserted: some of
 * those that died did.
 */
static void
link_back(Repair *r, uint32 chosen)
{
	uint32		list[VDB_HNSW_MAX_NEIGHBOURS];
	VdbHnswTarget target = {
		.node = r->node,
		.row = vdb_hnsw_row(r->v->hnsw, r->slot),
		.list = list,
		.count = chosen,
	};

	for (uint32 i = 0; i < chosen; i++)
		list[i] = r->near[i].node;
	for (uint32 i = 0; i < chosen; i++)
		if (!is_in(r->own, r->nown, list[i]))
			vdb_hnsw_link(r->linker, r->v->index, list[i], &target);
}

static void
repair(Repair *r, uint32 node)
{
	uint32		chosen;

	r->node = node;
	do
	{
		vdb_hnsw_copy(r->v->hnsw, r->v->index, node, r->slot);
		if (r->slot->state != VDB_HNSW_NODE)
			return;
		gather(r);
		chosen = choose(r);
		VDB_PAUSE("hnsw-vacuum-gathered");
	} while (!write_list(r, chosen));
	link_back(r, chosen);
}

/* Whether a list has something to be taken away, by what vacuum knows. */
static bool
needs_repair(VdbHnswVacuum *v, uint32 node, const VdbHnswSlot *slot)
{
	const uint32 *list = vdb_hnsw_list(v->hnsw, slot);

	for (uint32 i = 0; i < Min(slot->count, v->hnsw->neighbours); i++)
		if (list[i] == node || vdb_hnsw_bit(&v->dead, list[i]) || is_in(list, i, list[i]))
			return true;
	return false;
}

/* Nodes of a page whose lists need it; returns how many. */
static uint32
find_slots(VdbHnswVacuum *v, BlockNumber block, uint32 *nodes)
{
	const VdbHnsw *hnsw = v->hnsw;
	Buffer		buffer;
	Page		page;
	uint32		n = 0;

	/* An exclusive lock is more than is needed, but it is for one page of the pass. */
	if (!vdb_page_try(v->index, block, v->strategy, &buffer))
		return 0;
	page = BufferGetPage(buffer);
	if (vdb_page_opaque(page)->kind == VDB_HNSW_NODES &&
		vdb_page_size(page) >= vdb_hnsw_slot_at(hnsw, hnsw->per_page))
		for (uint32 i = 0; i < hnsw->per_page; i++)
		{
			const VdbHnswSlot *slot = vdb_hnsw_slot(hnsw, page, i);
			uint32		node = vdb_hnsw_number(hnsw, block, i);

			if (slot->state == VDB_HNSW_NODE && needs_repair(v, node, slot))
				nodes[n++] = node;
		}
	vdb_page_release(buffer);
	return n;
}

void
vdb_hnsw_vacuum_repair(VdbHnswVacuum *v)
{
	const VdbHnsw *hnsw = v->hnsw;
	uint32	   *nodes = palloc(hnsw->per_page * sizeof(uint32));
	Repair		r = {
		.v = v,
		.slot = palloc(hnsw->slot_size),
		.other = palloc(hnsw->slot_size),
		.dead_room = hnsw->neighbours,
		.dead = palloc(hnsw->neighbours * sizeof(uint32)),
		/* own ones, and so many behind dead ones */
		.room = (1 + 2 * ENOUGH) * hnsw->neighbours,
	};
	/* Inserts have lists grow on pages that are new, too. */
	BlockNumber blocks = vdb_page_count(v->index);

	r.linker = vdb_hnsw_linker_create(hnsw);
	vdb_am_query_create(&r.query, &hnsw->space);
	r.near = palloc(r.room * sizeof(VdbHnswNear));
	r.copies = palloc(r.room * MAXALIGN(hnsw->slot_size));
	for (BlockNumber block = VDB_HNSW_STATEPAGE + 1; block < blocks; block++)
	{
		uint32		n;

		VDB_COMPAT_VACUUM_DELAY();
		n = find_slots(v, block, nodes);
		for (uint32 i = 0; i < n; i++)
		{
			repair(&r, nodes[i]);
			VDB_COMPAT_VACUUM_DELAY();
		}
	}
}
