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
 * to list: beyond twice as many lists there are about half as many.  So what was
 * not looked at has no more of them than the second half of what was, unless
 * more of the entries pass from list to list, as when the rows that pass are far
 * from the query.  It has fewer of the ones that count, because more are looked
 * at here, some of them further away.
 *
 * Without a filter, more rows than ten are as far away as ten are among so many
 * times fewer.  Who tests rows above the scan asks for many.
 */
#include "postgres.h"

#include <math.h>

#include "am/ivf/scan.h"

/* Neighbours to be found by their probes, as these were measured. */
#define NEIGHBOURS 10

/* So many of the nearest entries are looked at for each row: fewer are too much chance. */
#define NEAREST_PER_ROW 3

/* Of the nearest, so many times the share that may be missing may be in the second half. */
#define LATE 3

/*
 * Without a filter the probes are for so many rows.  Further lists are for so many
 * times more at least, and for most if as many were asked for: whoever tests rows
 * above the scan, and takes few of them, looks for what is at the border of all that
 * was found, where most is missed.
 */
#define FIRST_ROWS (2 * NEIGHBOURS)
#define LEAST_AHEAD 2
#define MOST_AHEAD 32
#define ROWS_FOR_AHEAD 16

double
vdb_ivf_lists_for_share(const VdbIvfState *state, double probes, double share)
{
	double		lists = Max(state->nlists, 1);
	double		most = Max((double) state->rows / NEIGHBOURS, 2);
	double		others = Min(1 / share, most);

	probes = Min(probes, lists);
	return Min(lists, probes * pow(others, log(lists / probes) / log(most)));
}

/*
 * How much more of the entries pass in the second half of the lists than in the
 * first one: as much more may pass in those that follow.
 */
static double
growth(const VdbIvfScan *so)
{
	const Visited *half = &so->lists[so->nlists / 2];
	double		first = (half->passed + 1.0) / (half->tested + 1.0);
	double		second = (so->passed - half->passed + 1.0) / (so->tested - half->tested + 1.0);

	return Max(second / first, 1);
}

/* Are too many of the nearest candidates in the second half of the lists looked at? */
static bool
are_late(VdbIvfScan *so, uint32 nearest)
{
	const Candidate *c = so->candidates;
	uint32		early = 0;
	uint32		late = 0;
	float		limit;

	for (uint32 i = 0; i < so->ncandidates; i++)
		so->numbers[i] = c[i].lower;
	if (!vdb_scan_cut(so->numbers, so->ncandidates, nearest, &limit))
		limit = vdb_scan_nth(so->numbers, so->ncandidates, nearest);
	for (uint32 i = 0; i < so->ncandidates; i++)
	{
		early += c[i].lower < limit && c[i].list < so->nlists / 2;
		late += c[i].lower < limit && c[i].list >= so->nlists / 2;
	}
	return late * growth(so) > LATE * (1 - so->target) * (early + late);
}

uint32
vdb_ivf_widen(VdbIvfScan *so)
{
	uint64		rows;
	uint32		nearest,
				lists;

	if (so->given < so->settled)
		return 0;
	if (so->passed == 0)
		return so->nlists / 2 + 1;
	lists = vdb_ivf_lists_for_share(&so->state, so->probes, (double) so->passed / so->tested);
	if (so->nlists < lists)
		return Min(lists - so->nlists, so->nlists);
	rows = Max(2 * so->given, NEIGHBOURS);
	nearest = Min(NEAREST_PER_ROW * rows, so->keep);
	if (so->ncandidates <= nearest || are_late(so, nearest))
		return so->nlists / 8 + 1;
	so->settled = rows;
	return 0;
}

uint32
vdb_ivf_widen_for_rows(VdbIvfScan *so)
{
	uint64		ahead = Min(Max(so->given / ROWS_FOR_AHEAD, LEAST_AHEAD), MOST_AHEAD);
	uint64		rows = 2 * ahead * so->given;
	uint32		lists;

	if (so->given < FIRST_ROWS || ahead * so->given < so->settled)
		return 0;
	lists = vdb_ivf_lists_for_share(&so->state, so->probes, (double) NEIGHBOURS / rows);
	if (so->nlists < lists)
		return lists - so->nlists;
	so->settled = rows;
	return 0;
}
