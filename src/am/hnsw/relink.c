/*
 * relink.c
 *	  Vacuum: whatever lives can be reached from the entries that live, along the
 *	  lists, over live nodes only: dead ones are about to go.
 *
 * A node that is not reached gets an edge, and the search goes on from it, so
 * that a whole island of them costs one edge.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "common/pg_prng.h"

#include "am/hnsw/reach.h"
#include "am/hnsw/vacuum.h"
#include "compat/compat.h"
#include "point/point.h"

/*
 * A damaged number must not have bits grow to half a gigabyte.  *blocks is how many
 * blocks there are, as far as is known.
 */
static void
check_number(VdbHnswVacuum *v, BlockNumber *blocks, BlockNumber from, uint32 node)
{
	BlockNumber block = vdb_hnsw_block(v->hnsw, node);

	if (block >= *blocks)
		*blocks = RelationGetNumberOfBlocks(v->index);
	if (block >= *blocks)
		vdb_page_corrupted(v->index, from, "an edge leads beyond the end of the file");
}

/* ---- entries ---- */

/* Entries that there are, and how many of them live. */
typedef struct Entries
{
	VdbHnswVacuum *v;
	BlockNumber blocks;
	VdbHnswBits nodes;
	uint64		live;
} Entries;

static void
note_entry(void *arg, uint32 node)
{
	Entries    *e = arg;

	check_number(e->v, &e->blocks, VDB_HNSW_STATEPAGE, node);
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

/* ---- all that lives ---- */

typedef struct Relink
{
	VdbHnswVacuum *v;
	VdbHnswReach reach;
	BlockNumber blocks;
	Buffer		buffer;
} Relink;

static bool
may_follow(void *arg, BlockNumber from, uint32 node)
{
	Relink	   *r = arg;

	if (vdb_hnsw_bit(&r->v->dead, node))
		return false;
	check_number(r->v, &r->blocks, from, node);
	return true;
}

static Page
read_page(void *arg, BlockNumber block)
{
	Relink	   *r = arg;
	const VdbHnsw *hnsw = r->v->hnsw;

	VDB_COMPAT_VACUUM_DELAY();
	r->buffer = vdb_page_read(r->v->index, block, VDB_HNSW_NODES);
	if (vdb_page_size(BufferGetPage(r->buffer)) < vdb_hnsw_slot_at(hnsw, hnsw->per_page))
		vdb_page_corrupted(r->v->index, block, "it ends before its slots");
	return BufferGetPage(r->buffer);
}

static void
release_page(void *arg)
{
	vdb_page_release(((Relink *) arg)->buffer);
}

static void
begin_at(void *arg, uint32 node)
{
	vdb_hnsw_reach_from(&((Relink *) arg)->reach, VDB_HNSW_STATEPAGE, node);
}

static bool
is_reached(void *arg, uint32 node)
{
	return vdb_hnsw_bit(&((Relink *) arg)->reach.reached, node);
}

void
vdb_hnsw_vacuum_reach(VdbHnswVacuum *v)
{
	Relink		r = {
		.v = v,
		.reach = {
			.hnsw = v->hnsw,
			.may = may_follow,
			.read = read_page,
			.done = release_page,
		},
	};

	r.reach.arg = &r;
	vdb_hnsw_entries_walk(v->hnsw, v->index, begin_at, &r);
	vdb_hnsw_reach_search(&r.reach);
	for (uint32 node = vdb_hnsw_bits_next(&v->live, 0); node != VDB_HNSW_NO_BIT;
		 node = vdb_hnsw_bits_next(&v->live, node + 1))
	{
		if (is_reached(&r, node))
			continue;
		VDB_PAUSE("hnsw-vacuum-relinks");
		vdb_hnsw_relink(v->hnsw, v->index, node, is_reached, &r);
		begin_at(&r, node);
		vdb_hnsw_reach_search(&r.reach);
	}
	vdb_hnsw_reach_free(&r.reach);
}
