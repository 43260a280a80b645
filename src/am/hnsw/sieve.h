/*
 * sieve.h
 *	  Nodes that pass a filter, and what leads from one to the next.
 */
#ifndef VDB_HNSW_SIEVE_H
#define VDB_HNSW_SIEVE_H

#include "am/hnsw/entry.h"
#include "am/hnsw/met.h"

/*
 * So many nodes, at most, come of one node's neighbours: as many as a list has
 * room for are looked for, and the last list that was read has as many again.
 */
/* Looked at together, while the next so many are prefetched. */
#define VDB_HNSW_LOOKS 16

/* One look in so many is a pin, so that PostgreSQL keeps the index's pages. */
#define VDB_HNSW_PIN_EVERY 16

#define VDB_HNSW_SIEVED (2 * VDB_HNSW_MAX_NEIGHBOURS + VDB_HNSW_LOOKS + 1)

typedef struct VdbHnswSieve
{
	const VdbHnsw *hnsw;
	const VdbAmFilter *filter;	/* NULL: all nodes pass, and nothing is asked */
	VdbHnswMet *met;			/* the search's */
	VdbHnswCounts *counts;
	uint32		target;			/* nodes that pass, to be found around one */
	uint64		most_tests;		/* a sweep is better than more */
	uint32		looks;			/* so far */

	/* nodes that were just met, and their places in met */
	uint32		nfresh;
	uint32		fresh[VDB_HNSW_LOOKS + VDB_HNSW_MAX_NEIGHBOURS + 1];
	uint32		places[VDB_HNSW_LOOKS + VDB_HNSW_MAX_NEIGHBOURS + 1];
} VdbHnswSieve;

/* A filtered search begins at so many entries that pass. */
#define VDB_HNSW_PASSING_STARTS 8

/* Where a filtered search begins: places in a VdbHnswEntryList, nearest first. */
typedef struct VdbHnswStarts
{
	uint32		npassing;
	uint32		nfailing;
	uint32		passing[VDB_HNSW_PASSING_STARTS];
	uint32		failing[VDB_HNSW_STARTS];
} VdbHnswStarts;

/*
 * Tests all entries, for which pass the nearest of these, and which are bridges
 * of those nearest to the query.  False: so few nodes pass that a sweep is better.
 */
extern bool vdb_hnsw_sieve_begin(VdbHnswSieve *sieve, Relation index,
								 const VdbHnswEntryList *entries, uint32 ef,
								 VdbHnswStarts *starts);

/*
 * Of the nodes of a list, and if few of them pass of those behind the others,
 * those that pass and were not met before, to nodes; returns how many.
 */
extern uint32 vdb_hnsw_sieve_list(VdbHnswSieve *sieve, Relation index, const uint32 *list,
								  uint32 count, uint32 *nodes);

/* Has a search tested as many nodes as it is good for? */
static inline bool
vdb_hnsw_sieve_is_full(const VdbHnswSieve *sieve)
{
	return sieve->counts->tested > sieve->most_tests;
}

#endif							/* VDB_HNSW_SIEVE_H */
