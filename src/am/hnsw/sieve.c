/*
 * sieve.c
 *	  Nodes that pass a filter, and what leads from one to the next.
 *
 * A filtered search has only nodes that pass in its beam.  Others are bridges:
 * where too few of a node's neighbours pass, the neighbours of those that do
 * not are looked at as well, without any distance, until as many pass as a
 * search goes well with.  So where the filter lets most nodes pass, the graph is
 * what it is without one, and where it lets few pass, nodes that pass are
 * neighbours over two edges.  (ACORN of Patel et al., SIGMOD 2024, decides that
 * once for a query; here each node's surroundings decide.)
 *
 * A node is tested by a look at the beginning of its slot, mostly without a pin,
 * as its distance is estimated: what is read may be wrong where the slot changes
 * meanwhile.  Who returns rows tests them again, under a lock.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/hnsw/entry.h"
#include "am/hnsw/sieve.h"
/* Entries that are tested to know about how many nodes pass. */
#define SAMPLE 64

/* Entries near the query of which enough pass to begin at, mostly. */
#define NEAR 16

/*
 * Of fewer than that share too few are within two edges of each other.  What a
 * search tests around one node, at most, and how much dearer a test is there than
 * one in the order of pages.
 */
#define LEAST_SHARE 0.025
#define TWO_EDGES 300
#define SEARCH_TEST 3

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
						   vdb_hnsw_slot_at(hnsw, node % hnsw->per_page), hnsw->list_at);
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
	const char *contents = vdb_page_look(index, vdb_hnsw_block(hnsw, node));

	if (unlikely(contents == NULL))
		return test_pinned(sieve, index, node);
	return passes(sieve, (const VdbHnswSlot *)
				  (contents + vdb_hnsw_slot_at(hnsw, node % hnsw->per_page)));
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
		bool		passes;

		if (i + VDB_HNSW_LOOKS < n)
			prefetch(sieve, index, nodes[i + VDB_HNSW_LOOKS]);
		passes = test(sieve, index, nodes[i]);
		sieve->met->marks[sieve->places[i]] = passes ? VDB_HNSW_PASSES : VDB_HNSW_FAILS;
		passed[count] = nodes[i];
		count += passes;
	}
	sieve->counts->tested += n;
	sieve->counts->passed += count;
	sieve->nfresh = 0;
	return count;
}

/* ---- bridges ---- */

static void
prefetch_list(const VdbHnswSieve *sieve, Relation index, uint32 node)
{
	const VdbHnsw *hnsw = sieve->hnsw;

	vdb_page_prefetch(index, vdb_hnsw_block(hnsw, node),
					  vdb_hnsw_slot_at(hnsw, node % hnsw->per_page), hnsw->row_at);
}

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

	for (uint32 i = 0; i < nbridges && already + n < sieve->target; i++)
	{
		if (sieve->nfresh == 0)
			vdb_hnsw_met_reserve(sieve->met, VDB_HNSW_LOOKS + VDB_HNSW_MAX_NEIGHBOURS);
		if (i + 1 < nbridges)
			prefetch_list(sieve, index, bridges[i + 1]);
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
	if (passing >= sieve->target || nbridges == 0)
		return n;
	return n + cross_all(sieve, index, bridges, nbridges, passing, nodes + n);
}

/* ---- where it begins ---- */

/* Puts an entry where it belongs among the nearest of its kind. */
static void
note_start(const VdbHnswEntryList *entries, uint32 entry, uint32 most, uint32 *count,
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

/* Tests entries in the order of the list, and takes what passes for a start. */
static uint32
test_entries(VdbHnswSieve *sieve, Relation index, const VdbHnswEntryList *entries, uint32 n,
			 VdbHnswStarts *starts)
{
	uint32		passed = 0;

	for (uint32 i = 0; i < n; i++)
	{
		if (i + VDB_HNSW_LOOKS < n)
			prefetch(sieve, index, entries->nodes[i + VDB_HNSW_LOOKS]);
		if (!test(sieve, index, entries->nodes[i]))
			continue;
		passed++;
		if (starts != NULL)
			note_start(entries, i, VDB_HNSW_PASSING_STARTS, &starts->npassing, starts->passing);
	}
	sieve->counts->tested += n;
	sieve->counts->passed += passed;
	return passed;
}

/* Tests the nearest entries; those of the very nearest that do not pass are bridges. */
static void
test_nearest(VdbHnswSieve *sieve, Relation index, const VdbHnswEntryList *entries,
			 VdbHnswStarts *starts)
{
	uint32		nearest[NEAR];
	uint32		n = 0;

	for (uint32 i = 0; i < entries->count; i++)
		note_start(entries, i, NEAR, &n, nearest);
	for (uint32 i = 0; i < n; i++)
		prefetch(sieve, index, entries->nodes[nearest[i]]);
	for (uint32 i = 0; i < n; i++)
	{
		if (!test(sieve, index, entries->nodes[nearest[i]]))
		{
			if (i < VDB_HNSW_STARTS)
				starts->failing[starts->nfailing++] = nearest[i];
		}
		else if (starts->npassing < VDB_HNSW_PASSING_STARTS)
			starts->passing[starts->npassing++] = nearest[i];
	}
	sieve->counts->tested += n;
	sieve->counts->passed += starts->npassing;
}

bool
vdb_hnsw_sieve_begin(VdbHnswSieve *sieve, Relation index, const VdbHnswEntryList *entries,
					 uint32 ef, VdbHnswStarts *starts)
{
	double		nodes = (double) RelationGetNumberOfBlocks(index) * sieve->hnsw->per_page;
	uint32		n = entries->count;
	uint32		passed;
	double		share;

	sieve->target = sieve->hnsw->neighbours;
	sieve->most_tests = nodes / SEARCH_TEST;
	starts->npassing = starts->nfailing = 0;
	test_nearest(sieve, index, entries, starts);
	if (starts->npassing >= VDB_HNSW_STARTS)
		passed = test_entries(sieve, index, entries, n = Min(n, SAMPLE), NULL);
	else
	{
		starts->npassing = 0;
		passed = test_entries(sieve, index, entries, n, starts);
	}
	share = (passed + 1.0) / (n + 2);
	return share > LEAST_SHARE &&
		ef * Min(sieve->target / share, TWO_EDGES) < sieve->most_tests;
}
