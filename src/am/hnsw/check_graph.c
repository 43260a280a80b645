/*
 * check_graph.c
 *	  Entries, and what can be reached from them.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "am/hnsw/check.h"
#include "am/hnsw/entry.h"
#include "am/hnsw/reach.h"

#define report(check, ...) vdb_am_check_report(&(check)->common, __VA_ARGS__)

/*
 * A search beside inserts may fail to come upon a node, to which another path
 * has come to lead meanwhile, or which is about to be an entry: so often it is
 * repeated.
 */
#define TRIES 3

/* So many nodes out of reach are told of one by one. */
#define MOST_TOLD 100

/* ---- pages of entries ---- */

static void
add_lane(VdbHnswCheck *check, uint32 node, BlockNumber block, uint32 lane)
{
	if (check->nlanes == check->lane_room)
	{
		check->lane_room = Max(256, 2 * check->lane_room);
		check->lanes = check->lanes == NULL ?
			palloc(check->lane_room * sizeof(VdbHnswCheckLane)) :
			repalloc_huge(check->lanes, check->lane_room * sizeof(VdbHnswCheckLane));
	}
	check->lanes[check->nlanes++] = (VdbHnswCheckLane) {node, block, lane};
}

/* A lane's place in its block: empty where it has to be, and not where not. */
static void
check_factors(VdbHnswCheck *check, BlockNumber block, const VdbQuantBlock *codes, uint32 lane,
			  bool used)
{
	uint32		n = lane % VDB_BLOCK;
	bool		empty = codes->add[n] == INFINITY && codes->rescale[n] == 0 &&
		codes->error[n] == 0;

	if (!used && !empty)
		report(check, block, "lane %u is not used, but its block has something there", lane);
	else if (used && empty)
		report(check, block, "lane %u is missing in its block", lane);
	else if (used && (!isfinite(codes->add[n]) || !isfinite(codes->rescale[n]) ||
					  !(codes->error[n] >= 0 && codes->error[n] < INFINITY)))
		report(check, block, "lane %u has impossible factors", lane);
}

void
vdb_hnsw_check_entries(VdbHnswCheck *check)
{
	const VdbHnsw *hnsw = check->hnsw;
	BlockNumber from = VDB_HNSW_STATEPAGE;
	BlockNumber block = check->state.entries;

	while (block != InvalidBlockNumber)
	{
		Size		size = hnsw->blocks * hnsw->stride;

		if (!vdb_am_check_fetch_kind(&check->common, from, block, VDB_HNSW_ENTRIES, check->page))
			return;
		if (vdb_page_size(check->page) != size)
			report(check, block, "its size is %u where %u belongs",
				   (uint32) vdb_page_size(check->page), (uint32) size);
		if (vdb_page_size(check->page) < size)
			return;
		for (uint32 lane = 0; lane < hnsw->blocks * VDB_BLOCK; lane++)
		{
			uint32		i = lane / VDB_BLOCK;
			uint32		node = vdb_hnsw_entry_nodes(hnsw, check->page, i)[lane % VDB_BLOCK];

			if (hnsw->coded)
				check_factors(check, block, vdb_hnsw_entry_block(hnsw, check->page, i), lane,
							  node != VDB_HNSW_NONE);
			if (node != VDB_HNSW_NONE)
				add_lane(check, node, block, lane);
		}
		from = block;
		block = vdb_page_opaque(check->page)->next;
	}
}

/* ---- where they lead ---- */

/* The dimensions, of 4, in which the only lanes of two blocks differ. */
static uint8
differences(const VdbQuantBlock *a, const VdbQuantBlock *b, uint32 group)
{
	uint8		bits = 0;

	for (uint32 i = group * VDB_TABLE; i < (group + 1) * VDB_TABLE; i++)
		bits |= a->codes[i] ^ b->codes[i];
	return (bits | bits >> 4) & 15;
}

/*
 * Can the code of a lane, whose page is in check->page, be that of a row?  It
 * may have been made of the vector, which is up to error away from what the row
 * stands for: where a sign differs, by no less than what the row has there.
 */
static bool
has_code(VdbHnswCheck *check, uint32 lane, const void *row)
{
	const VdbHnsw *hnsw = check->hnsw;
	const VdbAmSpace *space = &hnsw->space;
	VdbQuantBlock *is = palloc(hnsw->block_size);
	VdbQuantBlock *belongs = palloc(hnsw->block_size);
	float	   *zero = palloc0(hnsw->code_dim * sizeof(float));
	float		error = 0;
	bool		known;
	double		square = 0;

	vdb_quant_block_init(hnsw->code_dim, is);
	vdb_quant_block_init(hnsw->code_dim, belongs);
	vdb_quant_block_copy(hnsw->code_dim, is, 0,
						 vdb_hnsw_entry_block(hnsw, check->page, lane / VDB_BLOCK),
						 lane % VDB_BLOCK);
	if (vdb_am_is_plain(space))
		known = vdb_am_rotate(space, row, check->floats, check->rotated);
	else
		known = vdb_am_row_decode(space, row, NULL, check->rotated, &error);
	vdb_quant_block_encode(hnsw->code_dim, space->coded_metric, check->rotated, zero, NULL,
						   belongs, 0);
	for (uint32 i = 0; i < hnsw->code_dim; i++)
		if (differences(is, belongs, i / 4) >> i % 4 & 1)
			square += (double) check->rotated[i] * check->rotated[i];
	pfree(is);
	pfree(belongs);
	pfree(zero);
	/* Of a vector that is far nothing can be told. */
	return !known || vdb_am_is_far(check->rotated) ||
		sqrt(square) <= error * 1.001 +
		4e-6 * vdb_dist_norm(VDB_F32, check->rotated, space->dim) + 1e-18;
}

static int
compare_lanes(const void *a, const void *b)
{
	const VdbHnswCheckLane *x = a;
	const VdbHnswCheckLane *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return x->lane < y->lane ? -1 : x->lane > y->lane;
}

static void
check_lane(VdbHnswCheck *check, const VdbHnswCheckLane *lane)
{
	VdbHnswSlot *s = vdb_hnsw_check_slot(check, lane->block, lane->node, check->node_page);

	if (s == NULL)
		return;
	/* Vacuum takes entries of dead nodes off before these are free. */
	if (s->state != VDB_HNSW_NODE && s->state != VDB_HNSW_DEAD)
		report(check, lane->block, "lane %u leads to slot %u of block %u, which is no node",
			   lane->lane, lane->node % check->hnsw->per_page,
			   vdb_hnsw_block(check->hnsw, lane->node));
	else if (check->hnsw->coded && !check->placeless &&
			 vdb_am_check_is_sound(&check->hnsw->space, vdb_hnsw_row(check->hnsw, s),
								   check->floats) &&
			 vdb_page_copy(check->common.index, lane->block, check->common.strategy,
						   check->page) == NULL &&
			 !has_code(check, lane->lane, vdb_hnsw_row(check->hnsw, s)))
		report(check, lane->block, "lane %u has another place than its node", lane->lane);
}

void
vdb_hnsw_check_lanes(VdbHnswCheck *check)
{
	if (check->nlanes > 0)
		qsort(check->lanes, check->nlanes, sizeof(VdbHnswCheckLane), compare_lanes);
	for (uint64 i = 0; i < check->nlanes; i++)
	{
		VdbHnswCheckLane *lane = &check->lanes[i];

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && lane[-1].node == lane->node)
			report(check, lane->block, "lanes %u and %u (of block %u) lead to the same node",
				   lane->lane, lane[-1].lane, lane[-1].block);
		else
			check_lane(check, lane);
	}
}

/* ---- what is reached ---- */

static bool
may_follow(void *arg, BlockNumber from, uint32 node)
{
	return vdb_hnsw_check_number(arg, from, node);
}

static Page
copy_page(void *arg, BlockNumber block)
{
	VdbHnswCheck *check = arg;

	/* What is wrong with it has been told. */
	return vdb_page_copy(check->common.index, block, check->common.strategy,
						 check->node_page) == NULL ? check->node_page : NULL;
}

static void
copied(void *arg)
{
}

/* Begins at all entries, as they are now.  What is wrong with them has been told. */
static void
begin_at_entries(VdbHnswCheck *check, VdbHnswReach *reach)
{
	const VdbHnsw *hnsw = check->hnsw;
	Page		page = check->page;
	BlockNumber block;

	if (vdb_page_copy(check->common.index, VDB_HNSW_STATEPAGE, check->common.strategy, page) != NULL)
		return;
	block = ((VdbHnswState *) vdb_page_contents(page))->entries;
	for (BlockNumber steps = 0; steps <= check->common.nblocks; steps++)
	{
		if (!vdb_am_check_in_file(&check->common, block) ||
			vdb_page_copy(check->common.index, block, check->common.strategy, page) != NULL ||
			!vdb_page_is_ours(page) || vdb_page_opaque(page)->kind != VDB_HNSW_ENTRIES ||
			vdb_page_size(page) < hnsw->blocks * hnsw->stride)
			return;
		for (uint32 lane = 0; lane < hnsw->blocks * VDB_BLOCK; lane++)
		{
			uint32		node = vdb_hnsw_entry_nodes(hnsw, page, lane / VDB_BLOCK)[lane % VDB_BLOCK];

			if (node != VDB_HNSW_NONE)
				vdb_hnsw_reach_from(reach, block, node);
		}
		block = vdb_page_opaque(page)->next;
	}
}

/* Takes off the bits of nodes that a search comes upon. */
static void
take_reached(VdbHnswCheck *check, VdbHnswBits *missing)
{
	VdbHnswReach reach = {
		.hnsw = check->hnsw,
		.dead = true,			/* as searches do */
		.may = may_follow,
		.read = copy_page,
		.done = copied,
		.arg = check,
	};

	begin_at_entries(check, &reach);
	vdb_hnsw_reach_search(&reach);
	for (uint64 i = 0; i < Min(missing->nwords, reach.reached.nwords); i++)
		missing->words[i] &= ~reach.reached.words[i];
	vdb_hnsw_reach_free(&reach);
}

void
vdb_hnsw_check_reach(VdbHnswCheck *check)
{
	VdbHnswBits *missing = &check->nodes;	/* which are not looked at after that */
	uint64		n = 0;

	for (int i = 0; i < TRIES && vdb_hnsw_bits_next(missing, 0) != VDB_HNSW_NO_BIT; i++)
		take_reached(check, missing);
	for (uint32 node = vdb_hnsw_bits_next(missing, 0); node != VDB_HNSW_NO_BIT;
		 node = vdb_hnsw_bits_next(missing, node + 1))
		if (n++ < MOST_TOLD)
			report(check, vdb_hnsw_block(check->hnsw, node), "no edges lead to slot %u",
				   node % check->hnsw->per_page);
	if (n > MOST_TOLD)
		report(check, InvalidBlockNumber, "no edges lead to " UINT64_FORMAT " nodes more",
			   n - MOST_TOLD);
}
