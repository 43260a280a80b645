/*
 * check.c
 *	  Is an index sound?
 *
 * All pages are gone through once, in the order of the file, and what each has
 * is checked by itself.  Bits are kept of what there is; then chains and edges
 * are followed, over copies of pages that are made anew.
 *
 * Inserts go on meanwhile.  They only add: what one number leads to is there
 * when it is looked at after the number.  So where the bits say that something
 * is missing, a page is looked at again, and a search that did not come upon
 * all nodes is repeated.  Vacuum, which moves things, is kept out by its guard.
 * One that was left by a crash or an error stays as it is, for the next: dead
 * nodes, entries of them, empty buckets, and edges to slots that are free are
 * no problem.
 *
 * On a standby there are no guards: what is replayed meanwhile may look like
 * damage.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/hnsw/check.h"

#define report(check, ...) vdb_am_check_report(&(check)->common, __VA_ARGS__)

/* ---- numbers ---- */

/* A page that was not there, or not in use, when all were gone through. */
static bool
look_again(VdbHnswCheck *check, BlockNumber block)
{
	Page		page = check->spare_page;

	if (vdb_page_copy(check->common.index, block, check->common.strategy, page) != NULL ||
		!vdb_page_is_ours(page) || vdb_page_opaque(page)->kind != VDB_HNSW_NODES ||
		vdb_page_size(page) < vdb_hnsw_slot_at(check->hnsw, check->hnsw->per_page))
		return false;
	vdb_hnsw_bit_set(&check->pages, block);
	return true;
}

bool
vdb_hnsw_check_number(VdbHnswCheck *check, BlockNumber from, uint32 node)
{
	BlockNumber block = vdb_hnsw_block(check->hnsw, node);

	if (vdb_hnsw_bit(&check->pages, block))
		return true;
	if (!vdb_am_check_in_file(&check->common, block))
		report(check, from, "it leads to block %u, beyond the end of the file", block);
	else if (vdb_hnsw_bit(&check->told, block))
		return false;
	else if (look_again(check, block))
		return true;
	else
	{
		vdb_hnsw_bit_set(&check->told, block);
		report(check, from, "it leads to block %u, which has no nodes", block);
	}
	return false;
}

VdbHnswSlot *
vdb_hnsw_check_slot(VdbHnswCheck *check, BlockNumber from, uint32 node, Page page)
{
	if (!vdb_hnsw_check_number(check, from, node))
		return NULL;
	CHECK_FOR_INTERRUPTS();
	/* What is wrong with the page has been told. */
	if (vdb_page_copy(check->common.index, vdb_hnsw_block(check->hnsw, node),
					  check->common.strategy, page) != NULL)
		return NULL;
	return vdb_hnsw_slot(check->hnsw, page, node % check->hnsw->per_page);
}

/* ---- slots ---- */

/* The neighbours of a node, as far as it can be told from its page. */
static void
check_list(VdbHnswCheck *check, BlockNumber block, uint32 slot, const VdbHnswSlot *s)
{
	uint32		node = vdb_hnsw_number(check->hnsw, block, slot);
	const uint32 *list = vdb_hnsw_list(check->hnsw, s);

	if (s->count > check->hnsw->neighbours)
	{
		report(check, block, "slot %u cannot have %u neighbours", slot, s->count);
		return;
	}
	for (uint32 i = 0; i < s->count; i++)
	{
		if (list[i] == node)
			report(check, block, "slot %u has itself as a neighbour", slot);
		for (uint32 j = 0; j < i; j++)
			if (list[j] == list[i])
			{
				report(check, block, "slot %u has neighbour %u twice", slot, list[i]);
				break;
			}
	}
}

static void
check_node(VdbHnswCheck *check, BlockNumber block, uint32 slot, VdbHnswSlot *s)
{
	uint32		node = vdb_hnsw_number(check->hnsw, block, slot);

	vdb_hnsw_bit_set(&check->nodes, node);
	if (s->more != VDB_HNSW_NONE)
		vdb_hnsw_bit_set(&check->owners, node);
	if (vdb_am_check_is_possible(&s->tid))
		vdb_am_check_add(&check->common, &s->tid, block, slot, node);
	else if (ItemPointerIsValid(&s->tid))
		report(check, block, "slot %u has an impossible row id", slot);
	else if (s->more == VDB_HNSW_NONE)
		report(check, block, "slot %u is a node without rows", slot);
	check_list(check, block, slot, s);
	if (!vdb_am_check_is_sound(&check->hnsw->space, vdb_hnsw_row(check->hnsw, s), check->floats))
		report(check, block, "slot %u has a vector of impossible numbers", slot);
}

static void
check_dead(VdbHnswCheck *check, BlockNumber block, uint32 slot, VdbHnswSlot *s)
{
	if (ItemPointerIsValid(&s->tid) || s->more != VDB_HNSW_NONE)
		report(check, block, "slot %u is a dead node with rows", slot);
	check_list(check, block, slot, s);
}

/* A page of slots, which is in check->page. */
static void
check_slots(VdbHnswCheck *check, BlockNumber block)
{
	const VdbHnsw *hnsw = check->hnsw;
	VdbHnswNodes *nodes = vdb_hnsw_nodes(check->page);
	uint32		size = vdb_hnsw_slot_at(hnsw, hnsw->per_page);
	uint32		nfree = 0;

	if (vdb_page_size(check->page) != size)
		report(check, block, "its size is %u where %u belongs",
			   (uint32) vdb_page_size(check->page), size);
	if (vdb_page_size(check->page) < size)
		return;
	vdb_hnsw_bit_set(&check->pages, block);
	for (uint32 slot = 0; slot < hnsw->per_page; slot++)
	{
		VdbHnswSlot *s = vdb_hnsw_slot(hnsw, check->page, slot);

		switch (s->state)
		{
			case VDB_HNSW_FREE:
				nfree++;
				break;
			case VDB_HNSW_NODE:
				check_node(check, block, slot, s);
				break;
			case VDB_HNSW_DEAD:
				check_dead(check, block, slot, s);
				break;
			case VDB_HNSW_BUCKET:
				vdb_hnsw_bit_set(&check->buckets, vdb_hnsw_number(hnsw, block, slot));
				break;
			default:
				report(check, block, "slot %u has an impossible state", slot);
		}
	}
	if (nodes->nfree != nfree)
		report(check, block, "it has %u free slots, not %u as it says", nfree, nodes->nfree);
	if (nodes->chained > 1)
		report(check, block, "it is marked in an impossible way");
	if (nodes->chained)
		vdb_hnsw_bit_set(&check->chained, block);
	else if (vdb_page_opaque(check->page)->next != InvalidBlockNumber)
		report(check, block, "it has a next page with room, but is none itself");
}

/* Is a page of entries that nothing led to a new one? */
static bool
is_new_entries(VdbHnswCheck *check, BlockNumber wanted)
{
	BlockNumber block;

	if (vdb_page_copy(check->common.index, VDB_HNSW_STATEPAGE, check->common.strategy,
					  check->page) != NULL ||
		!vdb_page_is_ours(check->page))
		return false;
	block = ((VdbHnswState *) vdb_page_contents(check->page))->entries;
	for (BlockNumber steps = 0; steps <= check->common.nblocks; steps++)
	{
		if (block == wanted || !vdb_am_check_in_file(&check->common, block))
			return block == wanted;
		if (vdb_page_copy(check->common.index, block, check->common.strategy, check->page) != NULL ||
			!vdb_page_is_ours(check->page))
			return false;
		block = vdb_page_opaque(check->page)->next;
	}
	return false;
}

/* A page that none was seen to lead to: of nodes, or without use. */
static void
check_page(VdbHnswCheck *check, BlockNumber block)
{
	Page		page = check->page;
	char	   *why = vdb_page_copy(check->common.index, block, check->common.strategy, page);

	if (why != NULL)
		report(check, block, "it cannot be read: %s", why);
	else if (PageIsNew(page))
		return;					/* a crash leaves such */
	else if (!vdb_page_is_ours(page))
		report(check, block, "it is no page of this index");
	else if (vdb_page_opaque(page)->kind == VDB_HNSW_NODES)
		check_slots(check, block);
	else if (vdb_page_opaque(page)->kind > VDB_HNSW_FLOATS)
		report(check, block, "its kind is %u, which there is not", vdb_page_opaque(page)->kind);
	else if (vdb_page_opaque(page)->kind != VDB_PAGE_FREE &&
			 !(vdb_page_opaque(page)->kind == VDB_HNSW_ENTRIES && is_new_entries(check, block)))
		report(check, block, "nothing leads to it");
}

/* ---- the first pages ---- */

static bool
check_state(VdbHnswCheck *check)
{
	VdbHnswState *state = &check->state;

	if (!vdb_am_check_fetch_kind(&check->common, VDB_HNSW_METAPAGE, VDB_HNSW_STATEPAGE,
								 VDB_HNSW_STATE, check->page))
		return false;
	if (vdb_page_size(check->page) < sizeof(*state))
	{
		report(check, VDB_HNSW_STATEPAGE, "it ends too early");
		return false;
	}
	memcpy(state, vdb_page_contents(check->page), sizeof(*state));
	return true;
}

static bool
check_meta(VdbHnswCheck *check)
{
	const VdbAmKind *kind = vdb_am_kind(check->common.index);
	VdbHnswMeta meta;
	const char *problem;

	if (!vdb_am_check_fetch_kind(&check->common, VDB_HNSW_METAPAGE, VDB_HNSW_METAPAGE,
								 VDB_HNSW_META, check->page))
		return false;
	if (vdb_page_size(check->page) < sizeof(meta))
	{
		report(check, VDB_HNSW_METAPAGE, "it ends too early");
		return false;
	}
	memcpy(&meta, vdb_page_contents(check->page), sizeof(meta));
	problem = vdb_hnsw_meta_problem(check->common.index, &meta);
	if (problem == NULL && !vdb_hnsw_is_readable(&meta))
		problem = "another version of vecdb made it";
	if (problem == NULL &&
		!vdb_am_columns_are(check->common.index, meta.codes_size, meta.columns_mark))
		problem = "it has other filter columns";
	if (problem != NULL)
	{
		report(check, VDB_HNSW_METAPAGE, "%s", problem);
		return false;
	}
	check->hnsw = vdb_hnsw_describe(kind, &meta);
	return true;
}

/* ---- all of it ---- */

static void
check_pages(VdbHnswCheck *check)
{
	VdbAmSpace *space = &check->hnsw->space;
	BlockNumber origin = check->hnsw->meta.origin;

	check->floats = palloc(space->dim * sizeof(float));
	check->rotated = palloc(space->dim * sizeof(float));
	check->scratch = palloc(space->dim * sizeof(float));
	/* Without its origin and its state nothing else would be right. */
	if (origin != InvalidBlockNumber &&
		!vdb_am_check_floats(&check->common, origin, VDB_HNSW_FLOATS, (float *) space->origin,
							 space->dim, "origin", check->page))
	{
		check->placeless = true;
		check->deep = false;
	}
	if (!check_state(check))
	{
		check->deep = false;
		return;
	}
	vdb_hnsw_check_entries(check);
	for (BlockNumber block = 0; block < check->common.nblocks; block++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!check->common.reached[block])
			check_page(check, block);
	}
	vdb_hnsw_check_room(check);
	vdb_hnsw_check_buckets(check);
	vdb_hnsw_check_lanes(check);
	vdb_hnsw_check_reach(check);
}

void
vdb_hnsw_check(Relation index, Relation heap, VdbAmProblem problem, void *arg)
{
	VdbHnswCheck check = {.deep = heap != NULL};
	bool		guarded = !RecoveryInProgress();
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	check.page = palloc(BLCKSZ);
	check.node_page = palloc(BLCKSZ);
	check.spare_page = palloc(BLCKSZ);
	if (guarded)
		vdb_page_guard(index, VDB_HNSW_METAPAGE);
	vdb_am_check_begin(&check.common, index, problem, arg);
	if (check_meta(&check))
	{
		check_pages(&check);
		if (check.deep)
			vdb_hnsw_check_rows(&check, heap);
		else
			vdb_am_check_twice(&check.common);
	}
	if (guarded)
		vdb_page_unguard(index, VDB_HNSW_METAPAGE);
	vdb_am_check_end(&check.common);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

bool
vdb_hnsw_is_index(Relation index)
{
	return index->rd_indam != NULL && index->rd_indam->ambuild == vdb_hnsw_build;
}
