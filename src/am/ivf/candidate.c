/*
 * candidate.c
 *	  Entries that may be near: finding them by their codes, and putting them in
 *	  order by their rows.
 *
 * A candidate is noted with its row id, and its row is read later without a
 * lock.  If the lane has been emptied and filled anew meanwhile, what is read is
 * another vector's; but then vacuum has found the row dead for every snapshot,
 * and PostgreSQL will drop it.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memdebug.h"

#include "am/ivf/scan.h"
#include "heap/heap.h"
#include "point/point.h"

/*
 * How wide the bounds from a bit per dimension are, in standard deviations.
 * At 1.9, the value of the RaBitQ paper, one neighbour in 500 of sift128 is
 * never found; wider bounds refine more candidates.
 */
#define EPSILON 2.2f

/* Candidates kept, more each time that they are used up. */
#define MORE_KEEP 8

/* Candidates refined at a time, or this part of them if there are many. */
#define BATCH 32
#define BATCH_PART 32

/* Bytes that a prefetch fetches. */
#define CACHE_LINE 64

/* Bytes of a page's blocks to be fetched before it is looked at. */
#define FETCH_AHEAD 2048

/* Rows looked at while the next are fetched. */
#define LOOKS 8

/* Rows of the table that are fetched ahead. */
#define AHEAD 16

/* Look at so many entries for every row returned. */
#define ENTRIES_PER_ROW 16

/* Keeps those with the lowest bounds. */
static void
drop_candidates(VdbIvfScan *so)
{
	Candidate  *c = so->candidates;
	uint32		n = so->next;

	for (uint32 i = so->next; i < so->ncandidates; i++)
		so->numbers[i - so->next] = c[i].lower;
	if (!vdb_scan_cut(so->numbers, so->ncandidates - so->next, so->keep, &so->limit))
		so->limit = vdb_scan_nth(so->numbers, so->ncandidates - so->next, so->keep);
	/* Without a branch: nobody could guess it. */
	for (uint32 i = so->next; i < so->ncandidates; i++)
	{
		bool		stays = c[i].lower < so->limit;

		c[n] = c[i];
		n += stays;
	}
	so->ncandidates = n;
}

/* Whether a lane has an entry that the search is for. */
static inline bool
is_wanted(VdbIvfScan *so, VdbIvfLead *lead, uint32 lane)
{
	const VdbIvfShape *shape = &so->ivf->list;
	ItemPointer tid = vdb_ivf_tid(shape, lead, lane);

	return ItemPointerIsValid(tid) &&
		(!so->filter.active || vdb_ivf_passes(so, tid, vdb_ivf_codes(shape, lead, lane)));
}

/* Notes an entry of a lead page that is locked. */
static inline void
add_candidate(VdbIvfScan *so, uint32 list, VdbIvfLead *lead, BlockNumber block, uint32 lane,
			  float lower)
{
	const VdbIvfShape *shape = &so->ivf->list;
	ItemPointer tid = vdb_ivf_tid(shape, lead, lane);
	Candidate  *c;

	if (!ItemPointerIsValid(tid) || lower < so->lists[list].taken)
		return;
	if (so->ncandidates == so->candidate_room)
	{
		so->candidate_room *= 2;
		so->candidates = repalloc_huge(so->candidates,
									   so->candidate_room * sizeof(Candidate));
		so->numbers = repalloc_huge(so->numbers, so->candidate_room * sizeof(float));
		so->which = repalloc_huge(so->which, so->candidate_room * sizeof(uint32));
	}
	c = &so->candidates[so->ncandidates++];
	c->lower = lower;
	c->list = list;
	c->tid = *tid;
	c->lane = lane;
	c->row = shape->rows_per_page > 0 ? lead->rows[lane / shape->rows_per_page] :
		InvalidBlockNumber;
	c->lead = block;
	if (so->ncandidates - so->next >= SPARE * so->keep)
		drop_candidates(so);
}

/*
 * Entries whose codes are not in blocks yet: their rows serve as well.
 */
static void
scan_loose(VdbIvfScan *so, Relation index, uint32 list, VdbIvfLead *lead, BlockNumber block,
		   const uint32 *loose)
{
	const VdbAmSpace *space = &so->ivf->space;
	const VdbIvfShape *shape = &so->ivf->list;
	const VdbIvfNear *near = &so->lists[list].near;
	Buffer		buffer = InvalidBuffer;

	for (uint32 i = 0; i < shape->nblocks; i++)
		for (uint32 bits = loose[i]; bits != 0; bits &= bits - 1)
		{
			uint32		lane = i * VDB_BLOCK + pg_rightmost_one_pos32(bits);
			const void *row;
			float		lower;

			if (!is_wanted(so, lead, lane))
				continue;
			row = vdb_ivf_row(shape, index, lead, lane, &buffer, so->copy);
			vdb_quant_row_many(&so->query.weights, space->bits, near->base, &row, 1, &lower);
			lower -= EPSILON * near->gap *
				vdb_quant_row_factors(space->dim, space->bits, row)->error;
			if (lower < so->limit)
				add_candidate(so, list, lead, block, lane, lower);
		}
	if (BufferIsValid(buffer))
		vdb_page_unpin(buffer);
}

/* Remembers which lanes of a page are loose. */
static void
note_loose(VdbIvfScan *so, uint32 list, VdbIvfLead *lead, BlockNumber block)
{
	if (so->nloose == so->loose_room)
	{
		so->loose_room *= 2;
		so->loose = repalloc_huge(so->loose, so->loose_room * sizeof(Loose));
	}
	so->loose[so->nloose].lead = block;
	memcpy(so->loose[so->nloose++].lanes, lead->loose, sizeof(lead->loose));
	so->lists[list].nloose++;
}

/*
 * Of the lanes of a block, those with entries that the search is for.  Without a
 * branch for each: nobody could guess it.
 */
static uint32
wanted_lanes(VdbIvfScan *so, VdbIvfLead *lead, uint32 block, uint32 lanes)
{
	uint32		wanted = 0;

	for (; lanes != 0; lanes &= lanes - 1)
	{
		uint32		lane = pg_rightmost_one_pos32(lanes);

		wanted |= (uint32) is_wanted(so, lead, block * VDB_BLOCK + lane) << lane;
	}
	return wanted;
}

/* Begins to fetch what entries are tested by, which is between the blocks' codes. */
static void
prefetch_tested(const VdbIvfShape *shape, VdbIvfLead *lead, uint32 nblocks)
{
	for (uint32 i = 0; i < nblocks; i++)
	{
		const char *at = vdb_ivf_block(shape, lead, i) + shape->block_size;
		const char *end = vdb_ivf_block(shape, lead, i) + shape->stride;

		for (; at < end; at += CACHE_LINE)
			__builtin_prefetch(at);
	}
}

/*
 * Bounds of a page's entries, and which of those that are not loose may become
 * candidates: before bounds are known if there is no limit, as nothing else would
 * keep an entry out then.
 */
static void
scan_blocks(VdbIvfScan *so, VdbIvfLead *lead, uint32 nblocks, const uint32 *loose,
			float *estimate, float *lower, uint32 *lanes)
{
	const VdbIvfShape *shape = &so->ivf->list;
	bool		early = so->filter.active && so->limit == INFINITY;

	if (so->filter.active)
		prefetch_tested(shape, lead, nblocks);
	if (!early)
		vdb_quant_block_scan(&so->codes, (VdbQuantBlock *) vdb_ivf_block(shape, lead, 0),
							 shape->stride, nblocks, so->limit, estimate, lower, lanes);
	for (uint32 i = 0; i < nblocks; i++)
	{
		uint32		below;

		lanes[i] = (early ? PG_UINT32_MAX : lanes[i]) & ~loose[i];
		if (so->filter.active)
			lanes[i] = wanted_lanes(so, lead, i, lanes[i]);
		if (early && lanes[i] != 0)
			vdb_quant_block_scan(&so->codes, (VdbQuantBlock *) vdb_ivf_block(shape, lead, i),
								 shape->stride, 1, so->limit, estimate + i * VDB_BLOCK,
								 lower + i * VDB_BLOCK, &below);
	}
}

/*
 * Entries of a lead page of codes.  Whether one has been taken, its bound says:
 * so that has to be the same each time.  What was loose is looked at as if it
 * still were, though an insert may have put it into a block; *noted counts the
 * list's pages with such lanes.
 */
static void
scan_coded(VdbIvfScan *so, Relation index, uint32 list, bool again, VdbIvfLead *lead,
		   uint32 nblocks, BlockNumber block, uint32 *noted)
{
	const Visited *visited = &so->lists[list];
	float		estimate[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
	float		lower[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
	uint32		lanes[VDB_IVF_MAX_BLOCKS];
	uint32		loose[VDB_IVF_MAX_BLOCKS];
	uint32		any = 0;

	memcpy(loose, lead->loose, sizeof(loose));
	if (again && *noted < visited->nloose && so->loose[visited->loose + *noted].lead == block)
	{
		for (uint32 i = 0; i < nblocks; i++)
			loose[i] |= so->loose[visited->loose + *noted].lanes[i];
		(*noted)++;
	}
	for (uint32 i = 0; i < nblocks; i++)
		any |= loose[i];
	if (!again && any != 0)
		note_loose(so, list, lead, block);

	scan_blocks(so, lead, nblocks, loose, estimate, lower, lanes);
	for (uint32 i = 0; i < nblocks; i++)
		for (uint32 bits = lanes[i]; bits != 0; bits &= bits - 1)
		{
			uint32		lane = i * VDB_BLOCK + pg_rightmost_one_pos32(bits);

			if (lower[lane] < so->limit)
				add_candidate(so, list, lead, block, lane, lower[lane]);
		}
	if (any != 0)
		scan_loose(so, index, list, lead, block, loose);
}

/*
 * Entries of a lead page of plain vectors: their bounds are their distances, or
 * for sparse ones almost; or of rows of sq8.
 */
static void
scan_plain(VdbIvfScan *so, Relation index, uint32 list, VdbIvfLead *lead, uint32 nblocks,
		   BlockNumber block)
{
	const VdbIvfShape *shape = &so->ivf->list;
	Buffer		buffer = InvalidBuffer;
	uint32		step = Max(shape->rows_per_page, 1);
	uint32		end = nblocks * VDB_BLOCK;

	for (uint32 first = 0; first < end; first += step)
	{
		const void *rows[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
		float		d[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
		uint32		lanes[VDB_BLOCK * VDB_IVF_MAX_BLOCKS];
		uint32		n = 0;

		for (uint32 lane = first; lane < Min(first + step, end); lane++)
			if (is_wanted(so, lead, lane))
			{
				lanes[n] = lane;
				rows[n++] = vdb_ivf_row(shape, index, lead, lane, &buffer, so->copy);
			}
		vdb_am_query_bounds(&so->query, rows, n, d);
		for (uint32 i = 0; i < n; i++)
			if (d[i] < so->limit)
				add_candidate(so, list, lead, block, lanes[i], d[i]);
	}
	if (BufferIsValid(buffer))
		vdb_page_unpin(buffer);
}

/* Looks at the entries of a list, for the first time or again. */
static void
scan_list(VdbIvfScan *so, Relation index, uint32 list, bool again)
{
	const VdbIvfShape *shape = &so->ivf->list;
	const VdbIvfNear *near = &so->lists[list].near;
	uint32		noted = 0;
	VdbPageChain chain = {0};

	if (!again)
	{
		so->lists[list].loose = so->nloose;
		so->lists[list].tested = so->tested;
		so->lists[list].passed = so->passed;
		so->lists[list].nloose = 0;
	}
	vdb_quant_tables_aim(&so->codes, near->base, near->gap, EPSILON);
	for (BlockNumber block = near->head; block != InvalidBlockNumber;)
	{
		Buffer		buffer;
		VdbIvfLead *lead;
		uint32		nblocks;
		BlockNumber next;

		vdb_page_follow(&chain, index, block);
		buffer = vdb_ivf_read_lead(index, block, near->number);
		lead = vdb_ivf_lead(BufferGetPage(buffer));
		nblocks = vdb_ivf_nblocks(shape, index, buffer);
		next = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_prefetch(index, next, shape->blocks_at, FETCH_AHEAD);
		if (shape->coded)
			scan_coded(so, index, list, again, lead, nblocks, block, &noted);
		else
			scan_plain(so, index, list, lead, nblocks, block);
		vdb_page_release(buffer);
		block = next;
		VDB_PAUSE("ivf-scan-page");
		CHECK_FOR_INTERRUPTS();
	}
}

void
vdb_ivf_visit_lists(VdbIvfScan *so, Relation index, uint32 count)
{
	uint32		first = so->nlists;

	count = Min(count, so->max_probes - so->nlists);
	vdb_ivf_route_expect(so->route, count);
	while (so->nlists < first + count)
	{
		if (so->nlists == so->list_room)
		{
			so->list_room *= 2;
			so->lists = repalloc_huge(so->lists, so->list_room * sizeof(Visited));
		}
		if (!vdb_ivf_route_next(so->route, &so->lists[so->nlists].near))
			break;
		so->lists[so->nlists++].taken = -INFINITY;
	}
	so->more_lists = so->nlists == first + count && so->nlists < so->max_probes &&
		!VDB_FAULT("ivf-ends-early");
	/* What is new may lie below what is refined, and have others dropped. */
	for (uint32 i = 0; i < first; i++)
		so->lists[i].taken = Max(so->lists[i].taken, so->refined);
	so->refined = -INFINITY;
	for (uint32 i = first; i < so->nlists; i++)
	{
		if (i + 1 < so->nlists)
			vdb_page_prefetch(index, so->lists[i + 1].near.head, so->ivf->list.blocks_at,
							  FETCH_AHEAD);
		so->entries += so->ivf->list.lanes;
		scan_list(so, index, i, false);
	}
	so->bound = -INFINITY;
}

/* Looks at the same lists again, for candidates that were dropped. */
static void
visit_again(VdbIvfScan *so, Relation index)
{
	so->keep *= MORE_KEEP;
	so->ncandidates = so->next = 0;
	for (uint32 i = 0; i < so->nlists; i++)
		so->lists[i].taken = Max(so->lists[i].taken, so->limit);
	so->bound = vdb_am_operator_distance(&so->ivf->space, so->limit);
	so->limit = INFINITY;
	VDB_PAUSE("ivf-scan-again");
	for (uint32 i = 0; i < so->nlists; i++)
		scan_list(so, index, i, true);
}

/*
 * Moves the next few candidates, those with the lowest bounds, before all
 * others; returns where they end.
 */
static uint32
next_batch(VdbIvfScan *so)
{
	Candidate  *c = so->candidates;
	uint32		n = so->ncandidates - so->next;
	uint32		batch = Max(BATCH, n / BATCH_PART);
	uint32		end = so->next;
	uint32		taken = 0;
	float		limit,
				lowest;			/* of those that stay */

	if (n <= batch)
	{
		so->refined = so->limit;
		so->bound = vdb_am_operator_distance(&so->ivf->space, so->limit);
		return so->ncandidates;
	}
	for (uint32 i = 0; i < n; i++)
		so->numbers[i] = c[so->next + i].lower;
	if (vdb_scan_cut(so->numbers, n, batch, &limit))
		/* It may lie above all of them, and so above what was dropped. */
		lowest = limit = Min(limit, so->limit);
	else
	{
		/* which may be -infinity */
		lowest = vdb_scan_nth(so->numbers, n, batch);
		limit = nextafterf(lowest, INFINITY);
	}
	/* First which, without a branch that nobody could guess. */
	for (uint32 i = so->next; i < so->ncandidates; i++)
	{
		so->which[taken] = i;
		taken += c[i].lower < limit;
	}
	for (uint32 i = 0; i < taken; i++)
	{
		Candidate	swap = c[end];

		c[end++] = c[so->which[i]];
		c[so->which[i]] = swap;
	}
	so->refined = limit;
	so->bound = vdb_am_operator_distance(&so->ivf->space, lowest);
	return end;
}

/*
 * The vector of a candidate: see the top of this file.
 *
 * On the primary its page is there for as long as this scan's snapshot; on a
 * standby it may have been put to another use, and again, by what is replayed:
 * so there it is looked at under a lock.
 */
const void *
vdb_ivf_candidate_row(VdbIvfScan *so, Relation index, const Candidate *c, Buffer *buffer)
{
	const VdbIvfShape *shape = &so->ivf->list;
	Buffer		lead;
	const void *row;

	uint32		number = so->lists[c->list].near.number;

	if (shape->rows_per_page > 0)
	{
		const char *at;

		if (!so->standby)
		{
			*buffer = vdb_page_pin(index, c->row, VDB_IVF_ROWS);
			if (unlikely(vdb_page_opaque(BufferGetPage(*buffer))->next != number))
				vdb_page_corrupted(index, c->row, "it belongs to another list");
			return vdb_page_contents(BufferGetPage(*buffer)) +
				c->lane % shape->rows_per_page * shape->row_size;
		}
		*buffer = vdb_page_read(index, c->row, VDB_IVF_ROWS);
		if (vdb_page_opaque(BufferGetPage(*buffer))->next != number)
			vdb_page_lost(index, c->row, "it belongs to another list");
		at = vdb_page_contents(BufferGetPage(*buffer)) +
			c->lane % shape->rows_per_page * shape->row_size;
		memcpy(so->copy, at, shape->row_size);
		vdb_page_release(*buffer);
		*buffer = InvalidBuffer;
		return so->copy;
	}
	*buffer = InvalidBuffer;
	lead = vdb_ivf_read_lead(index, c->lead, number);
	row = vdb_ivf_row(shape, index, vdb_ivf_lead(BufferGetPage(lead)), c->lane, buffer, so->copy);
	vdb_page_release(lead);
	return row;
}

/* The bound of a candidate, of which the row's page is read. */
static double
bound_of(VdbIvfScan *so, Relation index, const Candidate *c)
{
	const VdbIvfNear *near = &so->lists[c->list].near;
	Buffer		buffer;
	const void *row = vdb_ivf_candidate_row(so, index, c, &buffer);
	double		bound = vdb_am_query_bound(&so->query, near->base, near->gap, row);

	if (BufferIsValid(buffer))
		vdb_page_unpin(buffer);
	return bound;
}

/* A candidate's row in the contents of its page. */
static inline const char *
row_in(const VdbIvfShape *shape, const Candidate *c, const char *contents)
{
	return contents + c->lane % shape->rows_per_page * shape->row_size;
}

/* Where the pages of candidates' rows were seen, or NULL; the rows are fetched. */
static void
look_for_rows(const VdbIvfShape *shape, Relation index, const Candidate *c, uint32 n,
			  BlockNumber *blocks, const char **seen)
{
	for (uint32 i = 0; i < n; i++)
		blocks[i] = c[i].row;
	vdb_page_see(index, n, blocks, seen);
	for (uint32 i = 0; i < n; i++)
		if (likely(seen[i] != NULL))
		{
			vdb_page_fetch(row_in(shape, &c[i], seen[i]), shape->row_size);
			__builtin_prefetch(vdb_page_seen_opaque(seen[i]));
		}
}

/*
 * The bounds of candidates whose rows are where they were seen; of the others, and
 * on a standby of all, seen is NULL now.
 */
static void
bounds_of_seen(VdbIvfScan *so, Relation index, const Candidate *c, uint32 n,
			   const BlockNumber *blocks, const char **seen, double *bounds)
{
	const VdbIvfShape *shape = &so->ivf->list;

	for (uint32 i = 0; i < n; i++)
	{
		const VdbIvfNear *near = &so->lists[c[i].list].near;
		const VdbPageOpaque *opaque;

		if (seen[i] == NULL)
			continue;
		/* Checkers of memory are told that no pins are needed. */
		VALGRIND_MAKE_MEM_DEFINED(seen[i], BLCKSZ - MAXALIGN(SizeOfPageHeaderData));
		opaque = vdb_page_seen_opaque(seen[i]);
		if (!so->standby && opaque->kind == VDB_IVF_ROWS && opaque->next == near->number)
			bounds[i] = vdb_am_query_bound(&so->query, near->base, near->gap,
										   row_in(shape, &c[i], seen[i]));
		else
			seen[i] = NULL;
	}
	vdb_page_check_seen(index, n, blocks, seen);
}

/* Bounds of the candidates from next to end, into the queue. */
static void
refine_coded(VdbIvfScan *so, Relation index, uint32 end)
{
	const VdbIvfShape *shape = &so->ivf->list;
	bool		looks = shape->rows_per_page > 0;
	BlockNumber blocks[2][LOOKS];
	const char *seen[2][LOOKS] = {{NULL}};
	uint32		turn = 0;

	if (looks)
		look_for_rows(shape, index, &so->candidates[so->next], Min(LOOKS, end - so->next),
					  blocks[turn], seen[turn]);
	for (; so->next < end; turn = 1 - turn)
	{
		const Candidate *c = &so->candidates[so->next];
		double		bounds[LOOKS];
		uint32		n = Min(LOOKS, end - so->next);

		if (looks)
		{
			if (so->next + n < end)
				look_for_rows(shape, index, c + n, Min(LOOKS, end - so->next - n),
							  blocks[1 - turn], seen[1 - turn]);
			bounds_of_seen(so, index, c, n, blocks[turn], seen[turn], bounds);
		}
		for (uint32 i = 0; i < n; i++)
		{
			if (unlikely(seen[turn][i] == NULL))
				bounds[i] = bound_of(so, index, &c[i]);
			vdb_scan_queue_push(&so->queue, bounds[i], &so->candidates[so->next++].tid);
		}
	}
}

/* Refines the next candidates. */
static void
refine_more(VdbIvfScan *so, Relation index)
{
	uint32		end = next_batch(so);

	VDB_PAUSE("ivf-scan-refines");
	if (so->ivf->list.coded)
		refine_coded(so, index, end);
	for (; so->next < end; so->next++)
	{
		Candidate  *c = &so->candidates[so->next];

		vdb_scan_queue_push(&so->queue, vdb_am_operator_distance(&so->ivf->space, c->lower),
							&c->tid);
	}
	CHECK_FOR_INTERRUPTS();
}

/* Begins to fetch the rows of the table that come out next. */
static void
fetch_ahead(const VdbIvfScan *so, Relation heap)
{
	const ItemPointerData *tids[AHEAD];
	uint32		n = 0;

	for (uint32 i = 0; i < so->queue.count && n < AHEAD; i++)
		if (so->queue.items[i].key <= so->bound)
		{
			tids[n] = &so->queue.items[i].tid;
			vdb_heap_prefetch_pointer(heap, tids[n++]);
		}
	for (uint32 i = 0; i < n; i++)
		vdb_heap_prefetch_row(heap, tids[i]);
}

/* How many lists to look at before the next row; 0: enough were. */
static uint32
lists_wanted(VdbIvfScan *so)
{
	uint32		lists;

	if (!so->more_lists)
		return 0;
	if (so->nlists < so->probes)
		return so->probes - so->nlists;
	if (so->target > 0 && so->filter.active)
		return vdb_ivf_widen(so);
	if (so->target > 0 && (lists = vdb_ivf_widen_for_rows(so)) > 0)
		return lists;
	/* Rows that wait for their turn, many where bounds are wide, do not count. */
	return (so->returned - so->exact.queue.count) * ENTRIES_PER_ROW > so->entries ?
		so->nlists / 2 + 1 : 0;
}

bool
vdb_ivf_next_of_lists(VdbIvfScan *so, Relation index, Relation heap, VdbScanFound *found)
{
	for (;;)
	{
		uint32		lists = lists_wanted(so);

		if (lists > 0)
			vdb_ivf_visit_lists(so, index, lists);
		else if (so->queue.count > 0 && so->queue.items[0].key <= so->bound)
		{
			*found = vdb_scan_queue_pop(&so->queue);
			so->returned++;
			return true;
		}
		else if (so->next < so->ncandidates)
		{
			refine_more(so, index);
			fetch_ahead(so, heap);
		}
		else if (so->limit < INFINITY)
			visit_again(so, index);
		else if (so->more_lists)
			vdb_ivf_visit_lists(so, index, so->nlists / 2 + 1);
		else if (so->bound < INFINITY)
			so->bound = INFINITY;
		else
			return false;
	}
}
