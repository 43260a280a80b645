/*
 * measure.c
 *	  How wide searches of a new graph have to be to find what is nearest.
 *
 * Nodes stand for queries, as if they were not in the graph themselves.
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "portability/instr_time.h"

#include "am/hnsw/graph.h"

#define MOST_QUERIES 200
#define MOST_NEIGHBOURS VDB_HNSW_MEASURED_K
#define CHUNK 64

/* Widths tried: each is a sixth more than the one before. */
#define MOST_WIDTHS 48

/* Two hits as near as that are one. */
#define SAME 1e-6f

typedef struct Measure
{
	VdbHnswGraph *graph;
	const VdbKmControl *control;
	uint32		k;
	uint32		queries[MOST_QUERIES];
	float		furthest[MOST_QUERIES]; /* of the nearest k; NAN: leave it out */
	uint32		begin;			/* queries dealt with */
	uint32		nwidths;
	uint32		widths[MOST_WIDTHS];
	uint16		found[MOST_QUERIES][MOST_WIDTHS];
} Measure;

/* How far the nearest k are. */
static void
find_nearest(void *arg, size_t item, int thread)
{
	Measure    *measure = arg;
	const VdbHnswGraph *graph = measure->graph;
	VdbAmQuery *query = &graph->workers[thread].query;
	uint32		q = measure->begin + item;
	float		near[MOST_NEIGHBOURS];
	float		base;

	for (uint32 i = 0; i < measure->k; i++)
		near[i] = INFINITY;
	measure->furthest[q] = NAN;
	if (!vdb_am_query_row(query, vdb_hnsw_graph_row(graph, measure->queries[q])))
		return;
	base = vdb_am_query_base(query);
	for (uint32 from = 0; from < graph->n; from += CHUNK)
	{
		uint32		count = Min(CHUNK, graph->n - from);
		const void *rows[CHUNK];
		float		d[CHUNK];

		/* Only looks at flags, so any thread may. */
		if (from % (64 * CHUNK) == 0 && measure->control->interrupt(measure->control->arg))
			return;
		for (uint32 i = 0; i < count; i++)
			rows[i] = vdb_hnsw_graph_row(graph, from + i);
		vdb_am_query_many(query, base, rows, count, d);
		for (uint32 i = 0; i < count; i++)
		{
			uint32		j = measure->k - 1;

			if (!(d[i] < near[j]) || !(d[i] > -INFINITY) || from + i == measure->queries[q])
				continue;
			for (; j > 0 && d[i] < near[j - 1]; j--)
				near[j] = near[j - 1];
			near[j] = d[i];
		}
	}
	if (near[measure->k - 1] < INFINITY)
		measure->furthest[q] = near[measure->k - 1];
}

/* How many of them searches find, the wider ones all of what a narrow one did. */
static void
count_found(void *arg, size_t q, int thread)
{
	Measure    *measure = arg;
	VdbHnswWorker *worker = &measure->graph->workers[thread];
	float		limit = measure->furthest[q] + SAME * fabsf(measure->furthest[q]);
	uint32		found = 0;

	for (uint32 w = 0; w < measure->nwidths; w++)
	{
		if (found < measure->k && !isnan(limit))
		{
			uint32		now = 0;

			vdb_hnsw_graph_search(measure->graph, worker, measure->queries[q],
								  measure->widths[w]);
			while (now < worker->nhits && now < measure->k && worker->hits[now].distance <= limit)
				now++;
			found = Max(found, now);
		}
		measure->found[q][w] = found;
	}
}

/* As many queries as there is time for, but for a first round. */
static VdbKmStatus
find_all_nearest(Measure *measure, uint32 *nqueries, double seconds)
{
	instr_time	begin;

	INSTR_TIME_SET_CURRENT(begin);
	for (measure->begin = 0; measure->begin < *nqueries;)
	{
		uint32		count = Min(*nqueries - measure->begin, 8 * (uint32) measure->graph->threads);
		VdbKmStatus status = vdb_km_each(count, find_nearest, measure, measure->control);
		instr_time	now;

		if (status != VDB_KM_OK)
			return status;
		measure->begin += count;
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, begin);
		if (INSTR_TIME_GET_DOUBLE(now) >= seconds)
			*nqueries = measure->begin;
	}
	return VDB_KM_OK;
}

VdbKmStatus
vdb_hnsw_graph_measure(VdbHnswGraph *graph, double seconds, uint64 seed, uint32 *efs,
					   const VdbKmControl *control)
{
	Measure    *measure = palloc0(sizeof(Measure));
	uint32		nqueries = Min(MOST_QUERIES, graph->n);
	uint64		total = 0;
	pg_prng_state random;
	VdbKmStatus status;
	int			i = 0;

	measure->graph = graph;
	measure->control = control;
	measure->k = Min(MOST_NEIGHBOURS, graph->n - Min(graph->n, 1));
	pg_prng_seed(&random, seed);
	for (uint32 q = 0; q < nqueries; q++)
		measure->queries[q] = pg_prng_uint64_range(&random, 0, graph->n - 1);
	for (double width = VDB_HNSW_MEASURED_K;
		 width <= graph->workers[0].max_hits && measure->nwidths < MOST_WIDTHS; width *= 7.0 / 6)
		measure->widths[measure->nwidths++] = width;
	if (measure->k == 0)
		nqueries = 0;
	status = find_all_nearest(measure, &nqueries, seconds);
	if (status == VDB_KM_OK)
		status = vdb_km_each(nqueries, count_found, measure, control);
	for (uint32 q = 0; q < nqueries; q++)
		total += isnan(measure->furthest[q]) ? 0 : measure->k;
	for (uint32 w = 0; w < measure->nwidths; w++)
	{
		uint64		found = 0;

		for (uint32 q = 0; q < nqueries; q++)
			found += measure->found[q][w];
		while (i < VDB_HNSW_NRECALLS && found >= vdb_hnsw_recalls[i] * total)
			efs[i++] = measure->widths[w];
	}
	while (i < VDB_HNSW_NRECALLS)
		efs[i++] = measure->widths[measure->nwidths - 1];
	pfree(measure);
	return status;
}
