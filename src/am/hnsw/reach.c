/*
 * reach.c
 *	  Vacuum: whatever lives can be reached.
 *
 * From the entries, along the lists, over live nodes only: dead ones are about
 * to go.  There is no queue.  Nodes that were come upon have a bit until their
 * list is read, and the pages are gone over, in the order of the file, for as
 * long as there are such bits: no page is read more often than it has nodes,
 * and mostly far less.
 *
 * A node that is not reached gets an edge, and the search goes on from it, so
 * that a whole island of them costs one edge.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "common/pg_prng.h"

#include "am/hnsw/vacuum.h"
#include "compat/compat.h"

typedef struct Reach
{
	VdbHnswVacuum *v;
	VdbHnswBits reached;
	VdbHnswBits pending;		/* of these, the ones whose lists were not read yet */
	uint64		npending;
	BlockNumber blocks;			/* that there are, as far as is known */
} Reach;

/* ---- entries ---- */

/* Entries that there are, and how many of them live. */
typedef struct Entries
{
	VdbHnswVacuum *v;
	VdbHnswBits nodes;
	uint64		live;
} Entries;

static void
note_entry(void *arg, uint32 node)
{
	Entries    *e = arg;

	if (!vdb_hnsw_bit(&e->v->dead, node) && vdb_hnsw_bit_set(&e->nodes, node))
		e->live++;
}

/* Makes a live node an entry. */
static void
add_entry(VdbHnswVacuum *v, uint32 node, VdbHnswSlot *copy, float *floats, float *rotated)
{
	const VdbHnsw *hnsw = v->hnsw;
	const void *row = vdb_hnsw_row(hnsw, copy);
	float		error;

	vdb_hnsw_copy(hnsw, v->index, node, copy);
	if (copy->state != VDB_HNSW_NODE)
		return;
	if (hnsw->coded && vdb_am_is_plain(&hnsw->space))
		vdb_am_rotate(&hnsw->space, row, floats, rotated);
	else if (hnsw->coded)
		vdb_am_row_decode(&hnsw->space, row, NULL, rotated, &error);
	vdb_hnsw_entry_add(hnsw, v->index, false, node, rotated);
}

void
vdb_hnsw_vacuum_entries(VdbHnswVacuum *v)
{
	const VdbHnsw *hnsw = v->hnsw;
	Entries		e = {.v = v};
	uint64		wanted = vdb_hnsw_entries_wanted(hnsw, v->nlive);
	uint64		left = v->nlive;
	uint64		missing;
	VdbHnswSlot *copy = palloc(hnsw->slot_size);
	float	   *floats = palloc(hnsw->space.dim * sizeof(float));
	float	   *rotated = palloc(hnsw->space.dim * sizeof(float));

	vdb_hnsw_entries_walk(hnsw, v->index, note_entry, &e);
	missing = wanted > e.live ? wanted - e.live : 0;
	/* Each with the same probability, so that exactly so many are taken. */
	for (uint32 node = vdb_hnsw_bits_next(&v->live, 0);
		 node != VDB_HNSW_NO_BIT && missing > 0;
		 node = vdb_hnsw_bits_next(&v->live, node + 1))
	{
		if (pg_prng_double(&pg_global_prng_state) * left-- >= missing ||
			vdb_hnsw_bit(&e.nodes, node))
			continue;
		add_entry(v, node, copy, floats, rotated);
		missing--;
		VDB_COMPAT_VACUUM_DELAY();
	}
	pfree(copy);
	pfree(floats);
	pfree(rotated);
}

/* ---- the search ---- */

static void
come_upon(Reach *r, uint32 node)
{
	BlockNumber block = vdb_hnsw_block(r->v->hnsw, node);

	if (vdb_hnsw_bit(&r->v->dead, node))
		return;
	/* A damaged number must not have the bits grow to half a gigabyte. */
	if (block >= r->blocks)
		r->blocks = vdb_page_count(r->v->index);
	if (block >= r->blocks)
		vdb_page_corrupted(r->v->index, block, "a list leads to it, but it is not there");
	if (vdb_hnsw_bit_set(&r->reached, node))
	{
		vdb_hnsw_bit_set(&r->pending, node);
		r->npending++;
	}
}

static void
come_upon_entry(void *arg, uint32 node)
{
	come_upon(arg, node);
}

/* Reads the lists of the nodes of a page, which may lead to others of it. */
static void
read_lists(Reach *r, BlockNumber block)
{
	const VdbHnsw *hnsw = r->v->hnsw;
	Buffer		buffer = vdb_page_read(r->v->index, block, VDB_HNSW_NODES);
	Page		page = BufferGetPage(buffer);
	bool		again;

	do
	{
		again = false;
		for (uint32 slot = 0; slot < hnsw->per_page; slot++)
		{
			const VdbHnswSlot *s = vdb_hnsw_slot(hnsw, page, slot);

			if (!vdb_hnsw_bit_clear(&r->pending, vdb_hnsw_number(hnsw, block, slot)))
				continue;
			r->npending--;
			/* It may be free, or a bucket: an edge that nobody took away. */
			if (s->state != VDB_HNSW_NODE)
				continue;
			again = true;
			for (uint32 i = 0; i < Min(s->count, hnsw->neighbours); i++)
				if (vdb_hnsw_list(s)[i] != VDB_HNSW_NONE)
					come_upon(r, vdb_hnsw_list(s)[i]);
		}
	} while (again);
	vdb_page_release(buffer);
}

static void
search(Reach *r)
{
	while (r->npending > 0)
	{
		uint32		node = vdb_hnsw_bits_next(&r->pending, 0);

		while (node != VDB_HNSW_NO_BIT)
		{
			BlockNumber block = vdb_hnsw_block(r->v->hnsw, node);

			VDB_COMPAT_VACUUM_DELAY();
			read_lists(r, block);
			node = vdb_hnsw_bits_next(&r->pending, vdb_hnsw_number(r->v->hnsw, block + 1, 0));
		}
	}
}

static bool
is_reached(void *arg, uint32 node)
{
	Reach	   *r = arg;

	return vdb_hnsw_bit(&r->reached, node);
}

void
vdb_hnsw_vacuum_reach(VdbHnswVacuum *v)
{
	Reach		r = {.v = v};

	vdb_hnsw_entries_walk(v->hnsw, v->index, come_upon_entry, &r);
	search(&r);
	for (uint32 node = vdb_hnsw_bits_next(&v->live, 0); node != VDB_HNSW_NO_BIT;
		 node = vdb_hnsw_bits_next(&v->live, node + 1))
	{
		if (vdb_hnsw_bit(&r.reached, node))
			continue;
		vdb_hnsw_relink(v->hnsw, v->index, node, is_reached, &r);
		come_upon(&r, node);
		search(&r);
	}
	pfree(r.reached.words);
	pfree(r.pending.words);
}
