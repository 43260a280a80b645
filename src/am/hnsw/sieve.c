/*
 * sieve.c
 *	  Nodes that pass a filter: where they are, and what leads from one to the next.
 *
 * A search that is to find those that pass follows all nodes at first, as any
 * other, and goes on until enough of the nearest pass.  If few do it asks the
 * entries, a random sample, what that means: that few pass at all, and to go on
 * would be dearer than to test all nodes in the order of pages; or that those that
 * pass are elsewhere, and it has to look for them there.
 *
 * That is sifting: only nodes that pass come into the beam.  Others are bridges:
 * where too few of a node's neighbours pass, the neighbours of those that do not
 * are tested as well, without any distance, until enough pass.  (ACORN of Patel et
 * al., SIGMOD 2024, does so for all of a query; here each node's surroundings
 * decide.)
 *
 * A node is tested by a look at the beginning of its slot, mostly without a pin,
 * as its distance is estimated: what is read may be wrong where the slot changes
 * meanwhile.  Who returns rows tests them again, under a lock.
 */
#include "postgres.h"

#include <math.h>

#include "utils/memdebug.h"

#include "am/hnsw/entry.h"
#include "am/hnsw/sieve.h"

/* ---- tests ---- */

static bool
passes(const VdbHnswSieve *sieve, const VdbHnswSlot *slot)
{
	return slot->state == VDB_HNSW_NODE && vdb_hnsw_may_pass(sieve->filter, slot);
}

static void
prefetch(const VdbHnswSieve *sieve, Relation index, uint32 node)
{
	const VdbHnsw *hnsw = sieve->hnsw;

	vdb_page_prefetch_look(index, vdb_hnsw_block(hnsw, node),
						   vdb_hnsw_node_at(hnsw, node), hnsw->list_at);
}

static bool
test_pinned(VdbHnswSieve *sieve, Relation index, uint32 node)
{
	Buffer		buffer;
	bool		result = passes(sieve, vdb_hnsw_pin(sieve->hnsw, index, node, &buffer));

	vdb_page_unpin(buffer);
	return result;
}

static bool
test(VdbHnswSieve *sieve, Relation index, uint32 node)
{
	const VdbHnsw *hnsw = sieve->hnsw;
	BlockNumber block = vdb_hnsw_block(hnsw, node);
	const char *contents;

	vdb_page_see(index, 1, &block, &contents);
	vdb_page_check_seen(index, 1, &block, &contents);
	if (unlikely(contents == NULL))
		return test_pinned(sieve, index, node);
	contents += vdb_hnsw_node_at(hnsw, node);
	/* Checkers of memory are told that no pin is needed. */
	VALGRIND_MAKE_MEM_DEFINED(contents, hnsw->list_at);
	return passes(sieve, (const VdbHnswSlot *) contents);
}

/* Notes the nodes of a list that were not met before. */
static void
meet_list(VdbHnswSieve *sieve, const uint32 *list, uint32 count)
{
	uint32		n = sieve->nfresh;

	for (uint32 i = 0; i < count; i++)
	{
		sieve->fresh[n] = list[i];
		sieve->places[n] = vdb_hnsw_meet_placed(sieve->met, list[i], &sieve->nfresh);
		n = sieve->nfresh;
	}
}

/* Tests the nodes just met; those that pass come to passed.  Returns how many. */
static uint32
test_fresh(VdbHnswSieve *sieve, Relation index, uint32 *passed)
{
	const uint32 *nodes = sieve->fresh;
	uint32		n = sieve->nfresh;
	uint32		count = 0;

	for (uint32 i = 0; i < Min(n, VDB_HNSW_LOOKS); i++)
		prefetch(sieve, index, nodes[i]);
	for (uint32 i = 0; i < n; i++)
	{
		bool		good;

		if (i + VDB_HNSW_LOOKS < n)
			prefetch(sieve, index, nodes[i + VDB_HNSW_LOOKS]);
		good = test(sieve, index, nodes[i]);
		sieve->met->marks[sieve->places[i]] = good ? VDB_HNSW_PASSES : VDB_HNSW_FAILS;
		passed[count] = nodes[i];
		count += good;
	}
	sieve->counts->tested += n;
	sieve->counts->passed += count;
	sieve->nfresh = 0;
	return count;
}

/* ---- bridges ---- */

/* Meets the neighbours of a node that does not pass. */
static void
cross(VdbHnswSieve *sieve, Relation index, uint32 bridge)
{
	Buffer		buffer;
	const VdbHnswSlot *slot = vdb_hnsw_read(sieve->hnsw, index, bridge, &buffer);

	if (slot->state == VDB_HNSW_NODE || slot->state == VDB_HNSW_DEAD)
		meet_list(sieve, vdb_hnsw_list(sieve->hnsw, slot), slot->count);
	vdb_page_release(buffer);
	sieve->counts->bridged++;
}

/* Over one bridge after the other until enough pass, of which so many did already. */
static uint32
cross_all(VdbHnswSieve *sieve, Relation index, const uint32 *bridges, uint32 nbridges,
		  uint32 already, uint32 *nodes)
{
	uint32		n = 0;

	for (uint32 i = 0; i < nbridges && already + n < sieve->hnsw->neighbours; i++)
	{
		if (sieve->nfresh == 0)
			vdb_hnsw_met_reserve(sieve->met, VDB_HNSW_LOOKS + VDB_HNSW_MAX_NEIGHBOURS);
		if (i + 1 < nbridges)
			vdb_hnsw_prefetch_list(sieve->hnsw, index, bridges[i + 1]);
		*vdb_hnsw_mark(sieve->met, bridges[i]) = VDB_HNSW_BRIDGED;
		cross(sieve, index, bridges[i]);
		if (sieve->nfresh >= VDB_HNSW_LOOKS || i + 1 == nbridges)
			n += test_fresh(sieve, index, nodes + n);
	}
	return n;
}

uint32
vdb_hnsw_sieve_list(VdbHnswSieve *sieve, Relation index, const uint32 *list, uint32 count,
					uint32 *nodes)
{
	uint32		bridges[VDB_HNSW_MAX_NEIGHBOURS + 1];
	uint32		nbridges = 0;
	uint32		passing = 0;
	uint32		n;

	vdb_hnsw_met_reserve(sieve->met, count);
	meet_list(sieve, list, count);
	n = test_fresh(sieve, index, nodes);
	for (uint32 i = 0; i < count; i++)
	{
		VdbHnswMark mark = *vdb_hnsw_mark(sieve->met, list[i]);

		passing += mark == VDB_HNSW_PASSES;
		bridges[nbridges] = list[i];
		nbridges += mark == VDB_HNSW_FAILS;
	}
	if (passing >= sieve->hnsw->neighbours || nbridges == 0)
		return n;
	return n + cross_all(sieve, index, bridges, nbridges, passing, nodes + n);
}

/* ---- entries ---- */

/* So many are enough to know about how many nodes pass, if so many of them do. */
#define SAMPLE 128
#define SAMPLE_PASSED 8

/* Puts an entry where it belongs among the nearest so far. */
static void
note_near(const VdbHnswEntryList *entries, uint32 entry, uint32 most, uint32 *count,
		  uint32 *nearest)
{
	const float *estimates = entries->estimates;
	uint32		i = *count;

	if (i == most && !(estimates[entry] < estimates[nearest[i - 1]]))
		return;
	if (i == most)
		i--;
	else
		(*count)++;
	for (; i > 0 && estimates[nearest[i - 1]] > estimates[entry]; i--)
		nearest[i] = nearest[i - 1];
	nearest[i] = entry;
}

/* Tests one entry in so many; the nearest of those that pass are starts. */
static uint32
test_entries(VdbHnswSieve *sieve, Relation index, const VdbHnswEntryList *entries, uint32 step)
{
	VdbHnswStarts *starts = &sieve->starts;
	uint32		nearest[VDB_HNSW_PASSING_STARTS];
	uint32		tested = 0;
	uint32		passed = 0;

	starts->npassing = 0;
	for (uint32 i = 0; i < entries->count; i += step)
	{
		if (i + VDB_HNSW_LOOKS * step < entries->count)
			prefetch(sieve, index, entries->nodes[i + VDB_HNSW_LOOKS * step]);
		tested++;
		if (!test(sieve, index, entries->nodes[i]))
			continue;
		passed++;
		note_near(entries, i, VDB_HNSW_PASSING_STARTS, &starts->npassing, nearest);
	}
	for (uint32 i = 0; i < starts->npassing; i++)
		starts->passing[i] = entries->nodes[nearest[i]];
	sieve->counts->tested += tested;
	sieve->counts->passed += passed;
	sieve->share = (passed + 0.5) / (tested + 1);
	return passed;
}

/* Notes the nearest entries that do not pass. */
static void
note_failing(VdbHnswSieve *sieve, Relation index, const VdbHnswEntryList *entries)
{
	VdbHnswStarts *starts = &sieve->starts;
	uint32		nearest[VDB_HNSW_STARTS];
	uint32		n = 0;

	starts->nfailing = 0;
	for (uint32 i = 0; i < entries->count; i++)
		note_near(entries, i, VDB_HNSW_STARTS, &n, nearest);
	for (uint32 i = 0; i < n; i++)
		if (!test(sieve, index, entries->nodes[nearest[i]]))
			starts->failing[starts->nfailing++] = entries->nodes[nearest[i]];
}

void
vdb_hnsw_sieve_survey(VdbHnswSieve *sieve, Relation index, const VdbHnswEntryList *entries)
{
	/* They may be in the order of pages, and near each other. */
	uint32		step = Max(entries->count / SAMPLE, 1);

	if (test_entries(sieve, index, entries, step) < SAMPLE_PASSED && step > 1)
		test_entries(sieve, index, entries, 1);
	sieve->surveyed = true;
}

void
vdb_hnsw_sieve_starts(VdbHnswSieve *sieve, Relation index, const VdbHnswEntryList *entries)
{
	test_entries(sieve, index, entries, 1);
	note_failing(sieve, index, entries);
}

/* ---- how to go on ---- */

/*
 * For ef results of a search without a filter, nodes that have to pass among the
 * nearest: a part of ef however few do, and the others in proportion.
 */
#define PART 0.25

/* Up to so much more where fewer pass near the query than elsewhere. */
#define MOST_PARTS 3

/* Sifting goes where there are few ways, and has to look at more of them. */
#define SIFT_WIDTH 6

/* A beam that is wider takes longer to keep in order than what it is for. */
#define MOST_WIDTH 4096

/* If fewer nodes pass, it matters whether that is so everywhere. */
#define MOST 0.7

/*
 * What things cost, where 1 is a test in the order of pages: a distance there, and
 * one of a row of the table; to expand a node; to do so with crossing; a test in the
 * order of the graph.
 */
#define DISTANCE 3
#define EXACT_DISTANCE 50
#define EXPANSION 100
#define CROSSING 150
#define TEST 3

/* Tests around a node: those that it takes, half of which were done; but not more. */
#define LEAST_TESTS 40
#define MOST_TESTS 150

/*
 * If a smaller share passes, nodes are too seldom within two edges of each
 * other, unless those that pass are together somewhere else.
 */
#define LEAST_SHARE 0.025

/* New nodes that pass for each of ef, if they lead to each other. */
#define FEWEST 4

void
vdb_hnsw_sieve_begin(VdbHnswSieve *sieve, Relation index, const VdbAmFilter *filter,
					 double yield_rows)
{
	sieve->filter = filter;
	sieve->yield_rows = yield_rows;
	sieve->nodes = (double) RelationGetNumberOfBlocks(index) * sieve->hnsw->per_page;
	/* What the planner knows is as good as a survey. */
	sieve->surveyed = yield_rows > 0;
	sieve->share = Min(yield_rows / sieve->nodes, 1);
}

/* Nodes to expand for enough that pass, where such a share does. */
static double
enough(uint32 ef, double share, double part)
{
	return ef * (part / share + 1 - part);
}

double
vdb_hnsw_sieve_expanded(uint32 ef, double share)
{
	return enough(ef, share, PART);
}

uint32
vdb_hnsw_sieve_probe(uint32 ef)
{
	return Max(ef / 2, 16);
}

uint32
vdb_hnsw_sieve_width(uint32 ef)
{
	return ef * SIFT_WIDTH;
}

uint32
vdb_hnsw_sieve_fewest(uint32 width)
{
	return width * FEWEST;
}

/* What it costs to sift, where such a share of the nodes near the query pass. */
static double
sift_cost(const VdbHnswSieve *sieve, uint32 ef, double near_share)
{
	double		share = sieve->share;
	uint32		width = vdb_hnsw_sieve_width(ef);

	if (share * sieve->nodes < vdb_hnsw_sieve_fewest(width) ||
		(share < LEAST_SHARE && near_share > share / 2))
		return INFINITY;
	return width * (CROSSING + TEST * (LEAST_TESTS +
									   Min(sieve->hnsw->neighbours / share / 2, MOST_TESTS)));
}

/* Of the next nodes, those that will pass: as if one had before, of as many as that should take. */
static double
expected_share(double share, uint32 expanded, uint32 passed)
{
	return (passed + 1) / (expanded + 1 / share);
}

/*
 * Are exact distances of all that pass cheaper than to go on?  How many there are, is
 * known without a survey, which would be part of what this is to save.
 */
static bool
yields(const VdbHnswSieve *sieve, uint32 ef, uint32 expanded, uint32 passed)
{
	double		share = sieve->yield_rows / sieve->nodes;
	double		width;

	if (sieve->yield_rows == 0 || passed >= ef * PART)
		return false;
	width = enough(ef, expected_share(share, expanded, passed), PART);
	return sieve->yield_rows * EXACT_DISTANCE <
		Min((width - expanded) * EXPANSION, sieve->nodes * (1 + DISTANCE * share));
}

VdbHnswSieveStep
vdb_hnsw_sieve_step(VdbHnswSieve *sieve, uint32 ef, uint32 expanded, uint32 passed)
{
	double		near_share = (double) passed / expanded;
	double		part = PART;
	double		width;
	double		widen,
				sift,
				sweep;

	if (yields(sieve, ef, expanded, passed))
		return VDB_HNSW_SIEVE_YIELD;
	if (!sieve->surveyed && near_share < MOST)
		return VDB_HNSW_SIEVE_ASK;
	if (sieve->surveyed)
	{
		near_share = expected_share(sieve->share, expanded, passed);
		part *= Min(Max(sieve->share / near_share, 1), MOST_PARTS);
	}
	if (passed >= ef * (part + (1 - part) * passed / expanded))
		return VDB_HNSW_SIEVE_DONE;
	width = enough(ef, near_share, part);
	width = Max(width, expanded + 8);
	sieve->width = Min(width, PG_INT32_MAX);
	if (!sieve->surveyed)
		return VDB_HNSW_SIEVE_WIDEN;
	widen = width > Max(MOST_WIDTH, 2 * ef) ? INFINITY : (width - expanded) * EXPANSION;
	sift = sift_cost(sieve, ef, near_share);
	sweep = sieve->nodes * (1 + DISTANCE * sieve->share);
	if (sweep <= widen && sweep <= sift)
		return VDB_HNSW_SIEVE_SWEEP;
	return widen <= sift ? VDB_HNSW_SIEVE_WIDEN : VDB_HNSW_SIEVE_SIFT;
}
