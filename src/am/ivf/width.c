/*
 * width.c
 *	  How many lists a filtered search looks at.
 *
 * The probes that were measured are for the nearest of all rows.  The nearest of
 * those that pass a filter are further away, and in more lists: in a few more,
 * if every other row passes, in most of all lists if it is one in a thousand, or
 * if the rows that pass are far from the query.  How many, two things tell as
 * the search goes on.
 *
 * The share of the entries that pass: if those are like the others, ten of them
 * are as near as 10 / share of all.  With the probes P for ten neighbours, and
 * all L lists for all N rows, P (1 / share)^(log(L / P) / log(N / 10)) lists
 * have those.
 *
 * And where the nearest that were found are.  Neighbours become fewer from list
 * to list: beyond twice as many lists there are about half as many.  So in what
 * was not looked at there are no more than in the second half of what was; in
 * fact fewer, because those counted are further away than the few that the
 * search is for.  That holds whatever the filter has to do with the query.
 */
#include "postgres.h"

#include <math.h>

#include "am/ivf/scan.h"

/* Neighbours to be found by their probes, as these were measured. */
#define NEIGHBOURS 10

/* So many of the nearest entries are looked at for each row: fewer are too much chance. */
#define NEAREST_PER_ROW 4

/* Of the nearest, so many times the share that may be missing may be in the second half. */
#define LATE 3

/* Lists for the share of entries that passed. */
static double
lists_for_share(const VdbIvfScan *so)
{
	double		lists = so->state.nlists;
	double		probes = Min(so->probes, lists);
	double		rows = Max((double) so->state.rows, 2.0 * NEIGHBOURS);
	double		share = (double) so->passed / so->tested;

	return Min(lists, probes * pow(1 / share, log(lists / probes) / log(rows / NEIGHBOURS)));
}

/* Of the nearest candidates, those in the second half of the lists looked at. */
static uint32
count_late(VdbIvfScan *so, uint32 nearest)
{
	uint32		late = 0;
	float		limit;

	for (uint32 i = 0; i < so->ncandidates; i++)
		so->numbers[i] = so->candidates[i].lower;
	limit = vdb_scan_nth(so->numbers, so->ncandidates, nearest);
	for (uint32 i = 0; i < so->ncandidates; i++)
		late += so->candidates[i].lower < limit && so->candidates[i].list >= so->nlists / 2;
	return late;
}

bool
vdb_ivf_is_wide_enough(VdbIvfScan *so)
{
	uint64		rows;
	uint32		nearest;

	if (so->given < so->settled)
		return true;
	rows = Max(2 * so->given, NEIGHBOURS);
	nearest = Min(NEAREST_PER_ROW * rows, so->keep);
	if (so->ncandidates <= nearest || so->nlists < lists_for_share(so) ||
		count_late(so, nearest) > LATE * (1 - so->target) * nearest)
		return false;
	so->settled = rows;
	return true;
}
