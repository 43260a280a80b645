/*
 * connect.c
 *	  Every node of a new graph can be reached from the entries; and the order
 *	  that nodes are written in.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "am/hnsw/graph.h"

/* A tour of so many entries is found; it takes the square of that. */
#define MOST_TOURED 8192
#define CHUNK 128

/* Full lists that are looked at for an edge that is not needed. */
#define MOST_REPLACED 4

typedef struct Reach
{
	VdbHnswGraph *graph;
	uint8	   *reached;
	uint32	   *queue;
	uint32		loose;			/* nodes before this one have no room */
	uint32	   *last;			/* of each entry: see attach_to_last() */
	uint32		nlasts;
} Reach;

/* Everything that a node leads to. */
static void
spread(Reach *reach, uint32 from)
{
	uint32		head = 0,
				tail = 0;

	reach->queue[tail++] = from;
	reach->reached[from] = 1;
	while (head < tail)
	{
		const uint32 *list = vdb_hnsw_graph_list(reach->graph, reach->queue[head++]);

		for (uint32 i = 0; i < list[0]; i++)
			if (!reach->reached[list[i + 1]])
			{
				reach->reached[list[i + 1]] = 1;
				reach->queue[tail++] = list[i + 1];
			}
		if (head % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

static bool
leads_to(const uint32 *list, uint32 node)
{
	for (uint32 i = 0; i < list[0]; i++)
		if (list[i + 1] == node)
			return true;
	return false;
}

/* A node that was reached leads to another one, if its list has room. */
static bool
add_if_room(Reach *reach, uint32 from, uint32 to)
{
	uint32	   *list = vdb_hnsw_graph_list(reach->graph, from);

	if (!reach->reached[from] || list[0] >= reach->graph->most)
		return false;
	list[++list[0]] = to;
	return true;
}

/*
 * The same of a full list, in place of the last neighbour that another one of
 * its neighbours leads to as well.
 */
static bool
add_in_place(Reach *reach, uint32 from, uint32 to)
{
	const VdbHnswGraph *graph = reach->graph;
	uint32	   *list = vdb_hnsw_graph_list(graph, from);

	if (!reach->reached[from])
		return false;
	for (uint32 i = list[0]; i > 0; i--)
		for (uint32 j = 1; j <= list[0]; j++)
			if (j != i && leads_to(vdb_hnsw_graph_list(graph, list[j]), list[i]))
			{
				list[i] = to;
				return true;
			}
	return false;
}

/* Its neighbours lead there: the nearest with room, or one of the nearest. */
static bool
attach_to_neighbours(Reach *reach, uint32 node)
{
	const uint32 *list = vdb_hnsw_graph_list(reach->graph, node);

	for (uint32 i = 1; i <= list[0]; i++)
		if (add_if_room(reach, list[i], node))
			return true;
	for (uint32 i = 1; i <= Min(list[0], MOST_REPLACED); i++)
		if (add_in_place(reach, list[i], node))
			return true;
	return false;
}

/*
 * The one before that was as hard to attach leads there, of those with the same
 * entry: by inner product there may be many that none is near to.
 */
static bool
attach_to_last(Reach *reach, uint32 node)
{
	uint32		home = reach->graph->home[node];
	uint32		last = home < reach->nlasts ? reach->last[home] : VDB_HNSW_NONE;

	if (home < reach->nlasts)
		reach->last[home] = node;
	return last != VDB_HNSW_NONE && add_if_room(reach, last, node);
}

/* A node that searches find leads there. */
static bool
attach_to_found(Reach *reach, uint32 node)
{
	VdbHnswGraph *graph = reach->graph;
	VdbHnswWorker *worker = &graph->workers[0];

	if (!vdb_hnsw_graph_search(graph, worker, node, graph->ef))
		return false;
	for (uint32 i = 0; i < worker->nhits; i++)
		if (add_if_room(reach, worker->hits[i].node, node))
			return true;
	for (uint32 i = 0; i < Min(worker->nhits, MOST_REPLACED); i++)
		if (add_in_place(reach, worker->hits[i].node, node))
			return true;
	return false;
}

/* It is as near to any other, if it is far: one with room. */
static bool
attach_to_any(Reach *reach, uint32 node)
{
	for (; reach->loose < reach->graph->n; reach->loose++)
		if (add_if_room(reach, reach->loose, node))
			return true;
	return false;
}

static void
attach(Reach *reach, uint32 node)
{
	bool		is_lone = vdb_hnsw_graph_list(reach->graph, node)[0] == 0;

	if (!attach_to_neighbours(reach, node) && !attach_to_last(reach, node) &&
		!attach_to_found(reach, node) && !(is_lone && attach_to_any(reach, node)))
		vdb_hnsw_graph_add_entry(reach->graph, node);
}

uint32
vdb_hnsw_graph_connect(VdbHnswGraph *graph, uint32 *queue)
{
	Reach		reach = {.graph = graph,.queue = queue};
	uint32		count = 0;

	reach.nlasts = graph->nentries;
	reach.last = palloc_extended(Max(reach.nlasts, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	memset(reach.last, 0xff, reach.nlasts * sizeof(uint32));
	reach.reached = palloc_extended(Max(graph->n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < graph->nentries; i++)
		if (!reach.reached[graph->entries[i]])
			spread(&reach, graph->entries[i]);
	for (uint32 node = 0; node < graph->n; node++)
		if (!reach.reached[node])
		{
			attach(&reach, node);
			spread(&reach, node);
			count++;
			CHECK_FOR_INTERRUPTS();
		}
	pfree(reach.reached);
	pfree(reach.last);
	return count;
}

/* ---- order ---- */

/* Distances from one entry to others, which are numbers of entries. */
static uint32
nearest_entry(VdbHnswGraph *graph, uint32 from, const uint32 *others, uint32 n)
{
	VdbAmQuery *query = &graph->workers[0].query;
	float		best = INFINITY;
	uint32		found = 0;

	if (!vdb_am_query_row(query, vdb_hnsw_graph_row(graph, graph->entries[from])))
		return 0;
	for (uint32 at = 0; at < n; at += CHUNK)
	{
		uint32		count = Min(CHUNK, n - at);
		const void *rows[CHUNK];
		float		distance[CHUNK];

		for (uint32 i = 0; i < count; i++)
			rows[i] = vdb_hnsw_graph_row(graph, graph->entries[others[at + i]]);
		vdb_am_query_many(query, vdb_am_query_base(query), rows, count, distance);
		for (uint32 i = 0; i < count; i++)
			if (distance[i] < best && distance[i] > -INFINITY)
			{
				best = distance[i];
				found = at + i;
			}
	}
	return found;
}

/* Entries in an order in which neighbours are near, from one to the nearest left. */
static void
tour(VdbHnswGraph *graph, uint32 *order)
{
	for (uint32 i = 0; i < graph->nentries; i++)
		order[i] = i;
	for (uint32 i = 1; i + 1 < graph->nentries && graph->nentries <= MOST_TOURED; i++)
	{
		uint32		next = i + nearest_entry(graph, order[i - 1], order + i, graph->nentries - i);
		uint32		this = order[next];

		order[next] = order[i];
		order[i] = this;
		CHECK_FOR_INTERRUPTS();
	}
}

void
vdb_hnsw_graph_order(VdbHnswGraph *graph, uint32 *order)
{
	uint32	   *entries = palloc_extended(Max(graph->nentries, 1) * sizeof(uint32),
										  MCXT_ALLOC_HUGE);
	uint32	   *begin = palloc_extended((graph->nentries + 1) * sizeof(uint32),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32		at = 0;

	for (uint32 i = 0; i < graph->nentries; i++)
		graph->home[graph->entries[i]] = i;
	for (uint32 node = 0; node < graph->n; node++)
		begin[graph->home[node]]++;
	tour(graph, entries);
	for (uint32 i = 0; i < graph->nentries; i++)
	{
		uint32		count = begin[entries[i]];

		begin[entries[i]] = at;
		at += count;
	}
	for (uint32 node = 0; node < graph->n; node++)
		order[begin[graph->home[node]]++] = node;
	pfree(entries);
	pfree(begin);
}
