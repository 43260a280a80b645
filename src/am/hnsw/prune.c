/*
 * prune.c
 *	  Which of the nodes near a node become its neighbours.
 */
#include "postgres.h"

#include <math.h>

#include "am/hnsw/hnsw.h"

/* Nodes looked at; what is further is not chosen. */
#define MOST_LOOKED_AT 1280

/* Rows compared at a time. */
#define CHUNK 128

/*
 * Drops all after the one just chosen that are nearer to it than to the node
 * itself: they are reached by way of it.  A choice is compared with all that are
 * left at once, as its weights are made but once then.
 */
static void
drop_near(VdbAmQuery *query, const VdbHnswNear *near, uint32 n, uint32 chosen, bool *dropped)
{
	const void *rows[CHUNK];
	uint32		which[CHUNK];
	float		distance[CHUNK];
	float		base;

	/* a vector that is far is near to none */
	if (!vdb_am_query_row(query, near[chosen].row))
		return;
	base = vdb_am_query_base(query);
	for (uint32 at = chosen + 1; at < n;)
	{
		uint32		count = 0;

		for (; at < n && count < CHUNK; at++)
			if (!dropped[at])
			{
				which[count] = at;
				rows[count++] = near[at].row;
			}
		vdb_am_query_many(query, base, rows, count, distance);
		/* what is not a number bounds nothing, see there, and drops nothing */
		for (uint32 i = 0; i < count; i++)
			if (distance[i] < near[which[i]].distance && distance[i] > -INFINITY)
				dropped[which[i]] = true;
	}
}

uint32
vdb_hnsw_choose(VdbAmQuery *query, VdbHnswNear *near, uint32 n, uint32 most,
				uint32 least)
{
	bool		dropped[MOST_LOOKED_AT];
	uint32		chosen = 0;
	uint32		end;
	uint32		kept = 0;

	n = Min(n, MOST_LOOKED_AT);
	memset(dropped, 0, n * sizeof(bool));
	for (end = 0; end < n && chosen < most; end++)
		if (!dropped[end] && ++chosen < most)
			drop_near(query, near, n, end, dropped);
	memset(dropped + end, 1, (n - end) * sizeof(bool));
	for (uint32 i = 0; i < n && chosen < least; i++)
		if (dropped[i])
		{
			dropped[i] = false;
			chosen++;
		}
	/* Others change places with them, so that all are still there. */
	for (uint32 i = 0; kept < chosen; i++)
		if (!dropped[i])
		{
			VdbHnswNear this = near[i];

			near[i] = near[kept];
			near[kept++] = this;
		}
	return chosen;
}
