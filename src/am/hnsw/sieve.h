/*
 * sieve.h
 *	  Nodes that pass a filter, and what leads from one to the next.
 */
#ifndef VDB_HNSW_SIEVE_H
#define VDB_HNSW_SIEVE_H

#include "am/hnsw/entry.h"
#include "am/hnsw/met.h"

/* Looked at together, while the next so many are prefetched. */
#define VDB_HNSW_LOOKS 16

/*
 * So many nodes, at most, come of one node's neighbours: as many as a list has
 * room for are looked for, and the last list that was read has as many again.
 */
#define VDB_HNSW_SIEVED (2 * VDB_HNSW_MAX_NEIGHBOURS + VDB_HNSW_LOOKS + 1)

/* Sifting begins at so many entries that pass. */
#define VDB_HNSW_PASSING_STARTS 8

/* Where it begins: entries, nearest first. */
typedef struct VdbHnswStarts
{
	uint32		npassing;
	uint32		nfailing;		/* of the very nearest */
	uint32		passing[VDB_HNSW_PASSING_STARTS];
	uint32		failing[VDB_HNSW_STARTS];
} VdbHnswStarts;

typedef struct VdbHnswSieve
{
	const VdbHnsw *hnsw;
	VdbHnswMet *met;			/* the search's */
	VdbHnswCounts *counts;
	const VdbAmFilter *filter;
	double		nodes;			/* that there are, about */
	uint32		width;			/* of the search, to have enough that pass */
	double		yield_rows;		/* of which exact distances are to be had, or 0 */

	/* what the entries say */
	bool		surveyed;
	double		share;			/* of nodes that pass */
	VdbHnswStarts starts;

	/* nodes that were just met, and their places in met */
	uint32		nfresh;
	uint32		fresh[VDB_HNSW_LOOKS + VDB_HNSW_MAX_NEIGHBOURS + 1];
	uint32		places[VDB_HNSW_LOOKS + VDB_HNSW_MAX_NEIGHBOURS + 1];
} VdbHnswSieve;

/* ---- how to go on ---- */

/* hnsw, met and counts are there already. */
extern void vdb_hnsw_sieve_begin(VdbHnswSieve *sieve, Relation index, const VdbAmFilter *filter,
								 double yield_rows);

/* A filtered search begins so wide. */
extern uint32 vdb_hnsw_sieve_probe(uint32 ef);

typedef enum VdbHnswSieveStep
{
	VDB_HNSW_SIEVE_DONE,		/* enough of the nearest nodes pass */
	VDB_HNSW_SIEVE_ASK,			/* survey the entries, and ask again */
	VDB_HNSW_SIEVE_WIDEN,		/* to sieve->width nodes */
	VDB_HNSW_SIEVE_SIFT,		/* begin anew, with only nodes that pass */
	VDB_HNSW_SIEVE_SWEEP,
	VDB_HNSW_SIEVE_YIELD		/* the distances of all that pass are cheaper */
} VdbHnswSieveStep;

/* For ef results, when so many of the nodes nearest to the query that were expanded pass. */
extern VdbHnswSieveStep vdb_hnsw_sieve_step(VdbHnswSieve *sieve, uint32 ef, uint32 expanded,
											uint32 passed);

/* Tests entries, to know about how many nodes pass. */
extern void vdb_hnsw_sieve_survey(VdbHnswSieve *sieve, Relation index,
								  const VdbHnswEntryList *entries);

/* ---- sifting ---- */

/* Finds out where to begin. */
extern void vdb_hnsw_sieve_starts(VdbHnswSieve *sieve, Relation index,
								  const VdbHnswEntryList *entries);

/*
 * Of the nodes of a list, and if few of them pass of those behind the others,
 * those that pass and were not met before, to nodes, which has room for
 * VDB_HNSW_SIEVED; returns how many.
 */
extern uint32 vdb_hnsw_sieve_list(VdbHnswSieve *sieve, Relation index, const uint32 *list,
								  uint32 count, uint32 *nodes);

/* Nodes that a search for ef results expands, where such a share passes everywhere. */
extern double vdb_hnsw_sieve_expanded(uint32 ef, double share);

/* So wide, for ef results. */
extern uint32 vdb_hnsw_sieve_width(uint32 ef);

/* If a search so wide comes upon fewer new ones that pass, they hardly lead to each other. */
extern uint32 vdb_hnsw_sieve_fewest(uint32 width);

#endif							/* VDB_HNSW_SIEVE_H */
