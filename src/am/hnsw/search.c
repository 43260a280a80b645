/*
 * search.c
 *	  The nodes nearest to a query, found by following the graph.
 *
 * A beam search: of the ef nearest nodes so far, the nearest whose neighbours
 * were not looked at yet is expanded, until there is none.  What falls out of
 * the beam, or never gets into it, is kept in reserve, for when more are asked
 * for.  Of a filter, sieve.c tells what comes into the beam, and how wide it is.
 *
 * Neighbours are looked at in batches: which of them are new is found out
 * first, their rows are prefetched, and then looked at without a lock, as a
 * node's row does not change, and mostly without a pin.  If the slot is given to
 * another node meanwhile, what is read may be half of either, and the search
 * goes where it need not; but what is returned was read under a lock.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memdebug.h"

#include "am/hnsw/entry.h"
#include "am/hnsw/sieve.h"
#include "point/point.h"
#include "scan/select.h"

/* A node that has a distance, but of which nothing else is known yet. */
typedef struct Reached
{
	float		distance;
	uint32		node;
	int32		place;			/* in expanded, or NEW */
} Reached;

#define NEW (-1)
#define NO_RESULT (-2)			/* expanded, but without rows */

struct VdbHnswSearch
{
	const VdbHnsw *hnsw;
	VdbAmQuery	query;
	float		base;
	VdbQuantTables tables;		/* for entries */
	void	   *tables_memory;
	VdbHnswCounts counts;
	bool		begun;			/* at the entries */
	bool		walked;			/* all of these were offered */
	ItemPointerData left_out;	/* row of a node that leads nowhere, or invalid */
	const VdbAmFilter *filter;	/* NULL: all nodes are results */
	bool		sifting;		/* only what passes comes into the beam */
	bool		yields;			/* exact distances are better */
	VdbHnswSieve sieve;
	VdbHnswEntryList entries;	/* of filtered searches */
	VdbHnswRows rows;			/* of a node */

	VdbHnswMet	met;

	Reached	   *beam;			/* ascending */
	uint32		beam_room;
	uint32		nbeam;
	uint32		ef;

	VdbHnswFound *expanded;
	uint32		expanded_room;
	uint32		nexpanded;
	VdbHnswFound *found;
	uint32		found_room;

	Reached	   *reserve;		/* not in the beam, and not returned */
	Size		nreserve;
	Size		reserve_room;

	/* a batch */
	Relation	index;			/* while entries are walked over */
	uint32		nbatch;
	uint32		nodes[VDB_HNSW_SIEVED];
	BlockNumber blocks[VDB_HNSW_SIEVED];
	const char *seen[VDB_HNSW_SIEVED];	/* where they were seen, or NULL */
	float		distances[VDB_HNSW_SIEVED];
	uint32		list[VDB_HNSW_MAX_NEIGHBOURS];	/* of a node, with a filter */
};

VdbHnswSearch *
vdb_hnsw_search_create(const VdbHnsw *hnsw)
{
	VdbHnswSearch *search = palloc0(sizeof(VdbHnswSearch));

	search->hnsw = hnsw;
	search->sieve.hnsw = hnsw;
	search->sieve.met = &search->met;
	search->sieve.counts = &search->counts;
	vdb_am_query_create(&search->query, &hnsw->space);
	if (hnsw->coded)
		search->tables_memory = palloc(vdb_quant_tables_size(hnsw->code_dim));
	vdb_hnsw_met_create(&search->met);
	search->beam_room = 128;
	search->beam = palloc(search->beam_room * sizeof(Reached));
	search->expanded_room = 256;
	search->expanded = palloc(search->expanded_room * sizeof(VdbHnswFound));
	search->found_room = 128;
	search->found = palloc(search->found_room * sizeof(VdbHnswFound));
	search->reserve_room = 4096;
	search->reserve = palloc(search->reserve_room * sizeof(Reached));
	return search;
}

VdbAmQuery *
vdb_hnsw_search_query(VdbHnswSearch *search)
{
	return &search->query;
}

VdbHnswCounts *
vdb_hnsw_search_counts(VdbHnswSearch *search)
{
	return &search->counts;
}

Size
vdb_hnsw_search_memory(const VdbHnswSearch *search)
{
	return vdb_hnsw_met_memory(&search->met) + search->beam_room * sizeof(Reached) +
		(search->expanded_room + search->found_room) * sizeof(VdbHnswFound) +
		search->reserve_room * sizeof(Reached);
}

/* Has the beam only nodes that pass? */
static inline bool
is_sifting(const VdbHnswSearch *search)
{
	return unlikely(search->sifting);
}

/* ---- distances ---- */

/* The distance of one node, whose page is read. */
static float
estimate_one(VdbHnswSearch *search, Relation index, uint32 node)
{
	Buffer		buffer;
	const void *row = vdb_hnsw_row(search->hnsw, vdb_hnsw_pin(search->hnsw, index, node, &buffer));
	float		distance;

	vdb_am_query_many(&search->query, search->base, &row, 1, &distance);
	vdb_page_unpin(buffer);
	return distance;
}

/* Where the rows of nodes of the batch were seen, or NULL; they are fetched. */
static void
look_for(VdbHnswSearch *search, Relation index, uint32 first, uint32 end)
{
	const VdbHnsw *hnsw = search->hnsw;

	for (uint32 i = first; i < end; i++)
		search->blocks[i] = vdb_hnsw_block(hnsw, search->nodes[i]);
	vdb_page_see(index, end - first, search->blocks + first, search->seen + first);
	for (uint32 i = first; i < end; i++)
		if (likely(search->seen[i] != NULL))
		{
			search->seen[i] += vdb_hnsw_node_at(hnsw, search->nodes[i]) + hnsw->row_at;
			vdb_page_fetch(search->seen[i], hnsw->space.row_size);
		}
}

/* Distances of nodes of the batch whose rows are where they were seen; others have none now. */
static void
estimate_seen(VdbHnswSearch *search, Relation index, uint32 first, uint32 end)
{
	const void *rows[VDB_HNSW_LOOKS];
	float		distances[VDB_HNSW_LOOKS];
	uint32		which[VDB_HNSW_LOOKS];
	uint32		n = 0;

	for (uint32 i = first; i < end; i++)
	{
		which[n] = i;
		rows[n] = search->seen[i];
		n += rows[n] != NULL;
	}
	/* Checkers of memory are told that no pins are needed. */
	for (uint32 i = 0; i < n; i++)
		VALGRIND_MAKE_MEM_DEFINED(rows[i], search->hnsw->space.row_size);
	vdb_am_query_many(&search->query, search->base, rows, n, distances);
	for (uint32 i = 0; i < n; i++)
		search->distances[which[i]] = distances[i];
	vdb_page_check_seen(index, end - first, search->blocks + first, search->seen + first);
}

/* Distances of those from first on that were not seen, whose pages are read together. */
static void
estimate_elsewhere(VdbHnswSearch *search, Relation index, uint32 first, uint32 end)
{
	for (uint32 i = first; i < end; i++)
		if (search->seen[i] == NULL)
			vdb_page_ask(index, search->blocks[i]);
	for (uint32 i = first; i < end; i++)
		if (search->seen[i] == NULL)
			search->distances[i] = estimate_one(search, index, search->nodes[i]);
}

/* Begins to fetch the rows of the first n nodes of the batch. */
static void
look_for_batch(VdbHnswSearch *search, Relation index, uint32 n)
{
	look_for(search, index, 0, Min(n, VDB_HNSW_LOOKS));
}

/* After that: their distances. */
static void
estimate(VdbHnswSearch *search, Relation index, uint32 n)
{
	for (uint32 i = 0; i < n; i += VDB_HNSW_LOOKS)
	{
		uint32		next = Min(n, i + VDB_HNSW_LOOKS);

		look_for(search, index, next, Min(n, next + VDB_HNSW_LOOKS));
		estimate_seen(search, index, i, next);
	}
	for (uint32 i = 0; i < n; i++)
		if (unlikely(search->seen[i] == NULL))
		{
			estimate_elsewhere(search, index, i, n);
			break;
		}
	search->counts.distances += n;
}

/* ---- the beam ---- */

static inline void
make_reserve(VdbHnswSearch *search, uint32 n)
{
	if (search->nreserve + n > search->reserve_room)
	{
		search->reserve_room *= 2;
		search->reserve = repalloc_huge(search->reserve, search->reserve_room * sizeof(Reached));
	}
}

static inline void
keep(VdbHnswSearch *search, const Reached *item)
{
	make_reserve(search, 1);
	search->reserve[search->nreserve++] = *item;
}

/*
 * Those of the batch that are not near enough for the beam go to the reserve;
 * returns how many are left.  As this cannot be foreseen, without a jump.
 */
static uint32
pick_near(VdbHnswSearch *search, uint32 n)
{
	bool		full = search->nbeam == search->ef;
	float		limit = full ? search->beam[search->nbeam - 1].distance : 0;
	Reached    *reserve;
	uint32		near = 0;

	make_reserve(search, n);
	reserve = search->reserve + search->nreserve;
	for (uint32 i = 0; i < n; i++)
	{
		/* of a slot that changes while it is looked at */
		float		distance = isnan(search->distances[i]) ? INFINITY : search->distances[i];
		uint32		node = search->nodes[i];
		bool		far = full & !(distance < limit);

		*reserve = (Reached) {distance, node, NEW};
		reserve += far;
		search->distances[near] = distance;
		search->nodes[near] = node;
		near += !far;
	}
	search->nreserve = reserve - search->reserve;
	return near;
}

/*
 * Puts a node where it belongs in the beam, or into the reserve; returns its
 * place, ef if it got none.
 */
static inline uint32
offer(VdbHnswSearch *search, float distance, uint32 node)
{
	Reached	   *beam = search->beam;
	uint32		low = 0;
	Reached		item = {distance, node, NEW};

	if (search->nbeam == search->ef && !(distance < beam[search->nbeam - 1].distance))
	{
		keep(search, &item);
		return search->ef;
	}
	/* Without a jump, which is guessed wrong every other time: so compilers are told. */
	for (uint32 n = search->nbeam; n > 0;)
	{
		uint32		half = (n + 1) / 2;

		low = __builtin_expect_with_probability(beam[low + half - 1].distance <= distance, 1, 0.5) ?
			low + half : low;
		n -= half;
	}
	if (search->nbeam == search->ef && beam[--search->nbeam].place != NO_RESULT)
		keep(search, &beam[search->nbeam]);
	memmove(beam + low + 1, beam + low, (search->nbeam - low) * sizeof(Reached));
	beam[low] = item;
	search->nbeam++;
	return low;
}

/* Distances of a batch that is looked for, and its nodes into the beam; the first place. */
static uint32
offer_looked(VdbHnswSearch *search, Relation index, uint32 n)
{
	uint32		first = search->ef;

	estimate(search, index, n);
	n = pick_near(search, n);
	for (uint32 i = 0; i < n; i++)
	{
		uint32		place = offer(search, search->distances[i], search->nodes[i]);

		first = Min(first, place);
	}
	return first;
}

static uint32
offer_batch(VdbHnswSearch *search, Relation index, uint32 n)
{
	look_for_batch(search, index, n);
	return offer_looked(search, index, n);
}

void
vdb_hnsw_search_leave_out(VdbHnswSearch *search, ItemPointer tid)
{
	search->left_out = *tid;
}

/* Is it the node of that row, and of no other? */
static inline bool
is_left_out(VdbHnswSearch *search, const VdbHnswSlot *slot)
{
	ItemPointerData tid = slot->tid;

	return unlikely(ItemPointerIsValid(&search->left_out)) && slot->more == VDB_HNSW_NONE &&
		ItemPointerEquals(&tid, &search->left_out);
}

/* Nodes with buckets come into the beam untested: does any of their rows pass? */
static bool
has_passing_row(VdbHnswSearch *search, Relation index, uint32 node)
{
	search->rows.count = 0;
	vdb_hnsw_collect(search->hnsw, index, node, NULL, &search->rows);
	for (uint32 i = 0; i < search->rows.count; i++)
		if (vdb_am_filter_passes(search->filter, &search->rows.tids[i],
								 vdb_hnsw_rows_codes(search->hnsw, &search->rows, i)))
			return true;
	return false;
}

static void
note_expanded(VdbHnswSearch *search, Reached *item, const VdbHnswSlot *slot)
{
	/* It passed when it was looked at; now it is locked. */
	if (slot->state == VDB_HNSW_DEAD ||
		(unlikely(search->filter != NULL) && !vdb_hnsw_may_pass(search->filter, slot)))
	{
		item->place = NO_RESULT;
		return;
	}
	if (search->nexpanded == search->expanded_room)
	{
		search->expanded_room *= 2;
		search->expanded = repalloc_huge(search->expanded,
										 search->expanded_room * sizeof(VdbHnswFound));
	}
	item->place = search->nexpanded;
	search->expanded[search->nexpanded++] = (VdbHnswFound)
	{
		.distance = item->distance,.node = item->node,.tid = slot->tid,.more = slot->more,
			.bound = vdb_am_query_bound(&search->query, search->base, search->query.length,
										vdb_hnsw_row(search->hnsw, slot))
	};
}

/* Fetches the list of the node that is expanded next, unless a nearer one comes. */
static void
prefetch_next(const VdbHnswSearch *search, Relation index, uint32 place)
{
	while (place < search->nbeam && search->beam[place].place != NEW)
		place++;
	if (place < search->nbeam)
		vdb_hnsw_prefetch_list(search->hnsw, index, search->beam[place].node);
}

/*
 * The neighbours of a node that is locked that the search has not met, to the
 * batch; when sifting all of them, to a list.  Returns how many.
 */
static uint32
take_list(VdbHnswSearch *search, const VdbHnswSlot *slot)
{
	const uint32 *list = vdb_hnsw_list(search->hnsw, slot);
	uint32		n = 0;

	if (is_sifting(search))
	{
		memcpy(search->list, list, slot->count * sizeof(uint32));
		return slot->count;
	}
	vdb_hnsw_met_reserve(&search->met, slot->count);
	for (uint32 i = 0; i < slot->count; i++)
	{
		search->nodes[n] = list[i];
		vdb_hnsw_meet_placed(&search->met, list[i], &n);
	}
	return n;
}

/*
 * Looks at the neighbours of a node of the beam; returns the first place in the
 * beam that has changed.
 */
static uint32
expand(VdbHnswSearch *search, Relation index, uint32 place)
{
	Reached	   *item = &search->beam[place];
	Buffer		buffer;
	const VdbHnswSlot *slot = vdb_hnsw_read(search->hnsw, index, item->node, &buffer);
	uint32		more = slot->more;
	uint32		n;
	uint32		first;

	if (slot->state == VDB_HNSW_FREE || slot->state == VDB_HNSW_BUCKET ||
		is_left_out(search, slot))
	{
		/* An edge that was left behind by a node that is gone, or as good as that. */
		vdb_page_release(buffer);
		search->nbeam--;
		memmove(item, item + 1, (search->nbeam - place) * sizeof(Reached));
		return place;
	}
	n = take_list(search, slot);
	/* There is something else to do while their rows come. */
	if (!is_sifting(search))
		look_for_batch(search, index, n);
	prefetch_next(search, index, place + 1);
	note_expanded(search, item, slot);
	vdb_page_release(buffer);
	search->counts.nodes++;
	if (unlikely(search->filter != NULL) && more != VDB_HNSW_NONE &&
		item->place != NO_RESULT && !has_passing_row(search, index, item->node))
		item->place = NO_RESULT;
	if (is_sifting(search))
	{
		n = vdb_hnsw_sieve_list(&search->sieve, index, search->list, n, search->nodes);
		look_for_batch(search, index, n);
	}
	else if (unlikely(search->filter != NULL))
	{
		search->counts.tested++;
		search->counts.passed += item->place != NO_RESULT;
	}
	first = offer_looked(search, index, n);
	return Min(first, place + 1);
}

static void
offer_entry(void *arg, uint32 node)
{
	VdbHnswSearch *search = arg;

	if (vdb_hnsw_meet(&search->met, node))
		search->nodes[search->nbatch++] = node;
	if (search->nbatch == VDB_HNSW_MAX_NEIGHBOURS)
	{
		offer_batch(search, search->index, search->nbatch);
		search->nbatch = 0;
	}
}

/* Offers all entries, from which all nodes can be reached. */
static void
offer_entries(VdbHnswSearch *search, Relation index)
{
	search->index = index;
	search->nbatch = 0;
	vdb_hnsw_entries_walk(search->hnsw, index, offer_entry, search);
	offer_batch(search, index, search->nbatch);
	search->walked = true;
}

/* The distances of entries that have no codes. */
static void
estimate_entries(VdbHnswSearch *search, Relation index)
{
	VdbHnswEntryList *entries = &search->entries;

	for (uint32 i = 0; i < entries->count; i += VDB_HNSW_SIEVED)
	{
		uint32		n = Min(entries->count - i, VDB_HNSW_SIEVED);

		memcpy(search->nodes, entries->nodes + i, n * sizeof(uint32));
		look_for_batch(search, index, n);
		estimate(search, index, n);
		memcpy(entries->estimates + i, search->distances, n * sizeof(float));
	}
}

/* Offers what passes around a node that does not, as if that were in the beam. */
static void
begin_beside(VdbHnswSearch *search, Relation index, uint32 node)
{
	Buffer		buffer;
	const VdbHnswSlot *slot = vdb_hnsw_read(search->hnsw, index, node, &buffer);
	uint32		n = slot->state == VDB_HNSW_NODE || slot->state == VDB_HNSW_DEAD ?
		take_list(search, slot) : 0;

	vdb_page_release(buffer);
	n = vdb_hnsw_sieve_list(&search->sieve, index, search->list, n, search->nodes);
	offer_batch(search, index, n);
}

/* Puts the nearest entries into the beam. */
static void
begin_at_entries(VdbHnswSearch *search, Relation index)
{
	VdbHnswState state;

	vdb_hnsw_read_state(index, &state);
	if (search->hnsw->coded)
	{
		VdbHnswEntries entries;

		search->counts.entries += vdb_hnsw_entries_nearest(search->hnsw, index, state.entries,
														   &search->tables, &entries);
		for (uint32 i = 0; i < entries.count; i++)
			vdb_hnsw_meet(&search->met, search->nodes[i] = entries.nodes[i]);
		offer_batch(search, index, entries.count);
	}
	else
		offer_entries(search, index);
	search->begun = true;
}

/* All entries, which are tested, to know about how many nodes pass. */
static void
survey_entries(VdbHnswSearch *search, Relation index)
{
	VdbHnswState state;

	vdb_hnsw_read_state(index, &state);
	search->counts.entries += vdb_hnsw_entries_all(search->hnsw, index, state.entries,
												   &search->tables, &search->entries);
	if (!search->hnsw->coded)
		estimate_entries(search, index);
	vdb_hnsw_sieve_survey(&search->sieve, index, &search->entries);
}

/*
 * Begins anew, with only nodes that pass in the beam: the nearest entries of
 * these, which may be far away, and what passes around the nearest of all.
 */
static void
begin_sifting(VdbHnswSearch *search, Relation index)
{
	const VdbHnswStarts *starts = &search->sieve.starts;

	vdb_hnsw_sieve_starts(&search->sieve, index, &search->entries);
	vdb_hnsw_met_reset(&search->met);
	search->nbeam = search->nexpanded = 0;
	search->nreserve = 0;
	search->sifting = true;
	for (uint32 i = 0; i < starts->npassing; i++)
	{
		vdb_hnsw_meet(&search->met, search->nodes[i] = starts->passing[i]);
		*vdb_hnsw_mark(&search->met, search->nodes[i]) = VDB_HNSW_PASSES;
	}
	offer_batch(search, index, starts->npassing);
	for (uint32 i = 0; i < starts->nfailing; i++)
		begin_beside(search, index, starts->failing[i]);
}

/* ---- the whole ---- */

void
vdb_hnsw_search_begin(VdbHnswSearch *search, Relation index)
{
	const VdbHnsw *hnsw = search->hnsw;

	vdb_hnsw_met_reset(&search->met);
	search->nbeam = search->nexpanded = 0;
	search->nreserve = 0;
	search->begun = search->walked = false;
	ItemPointerSetInvalid(&search->left_out);
	search->filter = NULL;
	search->sifting = search->yields = false;
	memset(&search->counts, 0, sizeof(search->counts));
	search->base = vdb_am_query_base(&search->query);
	if (hnsw->coded)
	{
		vdb_quant_tables_init(&search->tables, hnsw->code_dim, search->query.rotated,
							  search->tables_memory);
		vdb_quant_tables_aim(&search->tables, search->base, search->query.length, 0);
	}
}

void
vdb_hnsw_search_filter(VdbHnswSearch *search, Relation index, const VdbAmFilter *filter,
					   double yield_rows)
{
	if (!filter->active)
		return;
	search->filter = filter;
	vdb_hnsw_sieve_begin(&search->sieve, index, filter, yield_rows);
}

bool
vdb_hnsw_search_yields(const VdbHnswSearch *search)
{
	return search->yields;
}

static int
compare_items(const void *a, const void *b)
{
	float		x = ((const Reached *) a)->distance;
	float		y = ((const Reached *) b)->distance;

	return x < y ? -1 : x > y;
}

/* The nearest of the reserve come to the end of the beam. */
static void
refill(VdbHnswSearch *search)
{
	Size		n = search->nreserve;
	Size		left = 0;
	uint32		before = search->nbeam;
	uint32		most = search->ef - before;
	float		limit = INFINITY;

	if (n > most && most > 0)
	{
		float	   *numbers = palloc_extended(n * sizeof(float), MCXT_ALLOC_HUGE);

		for (Size i = 0; i < n; i++)
			numbers[i] = search->reserve[i].distance;
		limit = vdb_scan_nth(numbers, n, most - 1);
		pfree(numbers);
	}
	for (Size i = 0; i < n; i++)
		if (search->reserve[i].distance <= limit && search->nbeam < search->ef)
			search->beam[search->nbeam++] = search->reserve[i];
		else
			search->reserve[left++] = search->reserve[i];
	search->nreserve = left;
	qsort(search->beam + before, search->nbeam - before, sizeof(Reached), compare_items);
}

static void
make_room(VdbHnswSearch *search, uint32 ef)
{
	search->ef = ef;
	if (ef + 1 > search->beam_room)
	{
		search->beam_room = ef + 1;
		search->beam = repalloc_huge(search->beam, search->beam_room * sizeof(Reached));
	}
	if (ef > search->found_room)
	{
		search->found_room = ef;
		search->found = repalloc_huge(search->found, ef * sizeof(VdbHnswFound));
	}
}

/* Expands what is in the beam, and what comes into it. */
static void
follow(VdbHnswSearch *search, Relation index)
{
	for (uint32 at = 0; at < search->nbeam;)
	{
		at = search->beam[at].place == NEW ? expand(search, index, at) : at + 1;
		VDB_PAUSE("hnsw-scan-expanded");
		CHECK_FOR_INTERRUPTS();
	}
}

/* The next nodes of the graph into the beam, as many as it has room for. */
static void
fill_beam(VdbHnswSearch *search, Relation index)
{
	if (search->begun)
		refill(search);
	else
		begin_at_entries(search, index);
	follow(search, index);
}

static uint32
count_results(const VdbHnswSearch *search)
{
	uint32		n = 0;

	for (uint32 i = 0; i < search->nbeam; i++)
		n += search->beam[i].place >= 0;
	return n;
}

/*
 * As fill_beam(), with nodes that pass only; false if they do not lead to each
 * other well enough.
 */
static bool
sift(VdbHnswSearch *search, Relation index)
{
	uint64		passed = search->counts.passed;

	if (search->sifting)
		refill(search);
	else
		begin_sifting(search, index);
	follow(search, index);
	return search->nbeam == search->ef &&
		search->counts.passed - passed >= vdb_hnsw_sieve_fewest(search->ef);
}

/*
 * As fill_beam(), until enough of the beam passes for ef results; false if a
 * sweep is better, or what the search may yield to.
 */
static bool
fill_filtered(VdbHnswSearch *search, Relation index, uint32 ef)
{
	uint32		width = search->begun ? ef : vdb_hnsw_sieve_probe(ef);

	while (!search->sifting)
	{
		VdbHnswSieveStep step;

		make_room(search, width);
		fill_beam(search, index);
		if (search->nbeam < width)
			return false;
		step = vdb_hnsw_sieve_step(&search->sieve, ef, width, count_results(search));
		if (step == VDB_HNSW_SIEVE_ASK)
		{
			survey_entries(search, index);
			step = vdb_hnsw_sieve_step(&search->sieve, ef, width, count_results(search));
		}
		if (step == VDB_HNSW_SIEVE_SIFT)
			break;
		if (step != VDB_HNSW_SIEVE_WIDEN)
		{
			search->yields = step == VDB_HNSW_SIEVE_YIELD;
			return step == VDB_HNSW_SIEVE_DONE;
		}
		width = Min(search->sieve.width, 2 * width);
	}
	make_room(search, vdb_hnsw_sieve_width(ef));
	return sift(search, index);
}

uint32
vdb_hnsw_search_more(VdbHnswSearch *search, Relation index, uint32 ef, VdbHnswFound **found)
{
	uint32		width = Max(ef, VDB_HNSW_STARTS);
	uint32		n = 0;

	make_room(search, width);
	do
	{
		if (search->filter == NULL)
			fill_beam(search, index);
		else if (!fill_filtered(search, index, width))
			break;
		/* What the nearest entries lead to is not enough: so do the others. */
		if (search->filter == NULL && search->nbeam < search->ef && !search->walked)
		{
			offer_entries(search, index);
			follow(search, index);
		}
		for (uint32 i = 0; i < search->nbeam; i++)
			if (search->beam[i].place >= 0 && n < ef)
				search->found[n++] = search->expanded[search->beam[i].place];
			else if (search->beam[i].place >= 0)
				keep(search, &search->beam[i]);
		search->nbeam = 0;
	} while (n == 0 && search->nreserve > 0);
	/* What was found is returned, and more of it will be. */
	search->sieve.yield_rows = 0;
	*found = search->found;
	return n;
}
