/*
 * scan.h
 *	  A search: what scan.c and candidate.c share.
 */
#ifndef VDB_IVF_SCAN_H
#define VDB_IVF_SCAN_H

#include "am/common/exact.h"
#include "am/common/filter.h"
#include "am/ivf/ivf.h"
#include "scan/select.h"

/*
 * Candidates kept at first.  The first search for ten rows needs some 60 of 768 dimensions, and
 * 170 of 128, whose bounds are wider.
 */
#define FIRST_KEEP 192
#define FIRST_KEEP_WIDE 128		/* from WIDE dimensions on */
#define WIDE 256

/* They are thinned out to so many when there are this many times more. */
#define SPARE 3

typedef enum Stage
{
	STAGE_LISTS,				/* in order of distance */
	STAGE_ANY,					/* all rows, when no distance can order them */
	STAGE_FAR,					/* all rows, by their exact distances */
	STAGE_ZEROS,				/* zero vectors */
	STAGE_NULLS,				/* rows without a vector */
	STAGE_DONE
} Stage;

/* A list looked at. */
typedef struct Visited
{
	VdbIvfNear	near;
	float		taken;			/* entries with a lower bound are refined */
	uint32		loose;			/* its first of VdbIvfScan.loose */
	uint32		nloose;
	uint64		tested;			/* before it, as in VdbIvfScan */
	uint64		passed;
} Visited;

/* Lanes of a lead page that were loose when it was looked at first. */
typedef struct Loose
{
	BlockNumber lead;
	uint32		lanes[VDB_IVF_MAX_BLOCKS];
} Loose;

/* An entry that may be near. */
typedef struct Candidate
{
	float		lower;			/* bound of its distance, metric of the codes */
	uint32		list;			/* of the lists looked at */
	ItemPointerData tid;
	uint16		lane;
	BlockNumber row;			/* the page of its vector, if that is on one */
	BlockNumber lead;			/* its lead page */
} Candidate;

struct VdbIvfScan
{
	MemoryContext context;		/* of all this */
	Oid			index;
	RelFileNumber file;			/* REINDEX makes another */
	const VdbIvf *ivf;
	VdbIvfState state;			/* when the search began */
	Stage		stage;
	bool		null_query;
	bool		standby;

	VdbAmColumns columns;
	VdbAmFilter filter;
	uint64		tested;			/* entries against the filter, and of these */
	uint64		passed;

	VdbAmQuery	query;
	VdbQuantTables tables;		/* for the directory */
	void	   *tables_memory;
	VdbQuantTables codes;		/* for lists: the same but for product codes */
	void	   *codes_memory;
	float	   *lut;

	/* lists looked at */
	VdbIvfRoute *route;
	Visited    *lists;
	uint32		nlists;
	uint32		list_room;
	uint32		probes;			/* to look at before the first row */
	uint32		max_probes;
	bool		more_lists;
	double		target;			/* recall that the search widens for, or 0 */
	uint64		settled;		/* rows that it was found wide enough for */

	uint64		entries;		/* lanes looked at */
	Loose	   *loose;
	uint32		nloose;
	uint32		loose_room;

	/*
	 * Candidates: entries of the lists looked at that are not taken, and whose
	 * bound is below limit.  Those before next are refined, and all whose
	 * bound is below refined.
	 */
	Candidate  *candidates;
	uint32		ncandidates;
	uint32		candidate_room;
	uint32		keep;
	uint32		next;
	float		refined;
	float		limit;
	float	   *numbers;		/* to select from */
	uint32	   *which;			/* candidates, to move */
	double		bound;			/* operator's distance of what is not refined */

	VdbAmLastScan total;		/* of this scan, before it began anew */

	VdbScanQueue queue;
	VdbAmExact	exact;
	uint64		returned;		/* of the lists, until now */
	uint64		given;			/* of any kind */

	/* row ids without order */
	BlockNumber next_block;
	VdbPageChain chain;
	ItemPointerData *tids;
	uint32		ntids;
	uint32		next_tid;

	void	   *copy;			/* a row that is on several pages */
};

/* Whether an entry passes the filter, which is active. */
static inline bool
vdb_ivf_passes(VdbIvfScan *so, const ItemPointerData *tid, const char *codes)
{
	bool		passes = vdb_am_filter_passes(&so->filter, tid, codes);

	so->tested++;
	so->passed += passes;
	return passes;
}

/* ---- width.c ---- */

/*
 * How many lists more a filtered search is to look at for the rows that it has
 * returned, and a few that may follow.  To be asked again until it is 0.
 */
extern uint32 vdb_ivf_widen(VdbIvfScan *so);

/* The same of a search without a filter. */
extern uint32 vdb_ivf_widen_for_rows(VdbIvfScan *so);

/* ---- candidate.c ---- */

/* Looks at so many lists more, or as many as there are. */
extern void vdb_ivf_visit_lists(VdbIvfScan *so, Relation index, uint32 count);

/*
 * The row of a candidate, in its page, with *buffer pinned, or in memory, with
 * InvalidBuffer.
 */
extern const void *vdb_ivf_candidate_row(VdbIvfScan *so, Relation index, const Candidate *c,
										 Buffer *buffer);

/* The next row of the lists, in order of distance; false if there is none. */
extern bool vdb_ivf_next_of_lists(VdbIvfScan *so, Relation index, Relation heap,
								  VdbScanFound *found);

#endif							/* VDB_IVF_SCAN_H */
