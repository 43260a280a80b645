/*
 * truth.c
 *	  How wide searches have to be of a graph that was made part by part: nodes
 *	  stand for queries, what is nearest to them is found while parts are in
 *	  memory, and in the end they are searched for on pages.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "am/hnsw/merge.h"

#define MOST_QUERIES 100
#define LEAST_QUERIES 16
#define CHUNK 64

/* Their rows take so much of the budget. */
#define BUDGET_SHARE 64

/* Each width is so much more than the one before. */
#define WIDER (7.0 / 6)

/* Two distances as near as that are one. */
#define SAME 1e-6f

typedef struct Near
{
	float		distance;
	uint32		node;
} Near;

struct VdbHnswTruth
{
	const VdbHnsw *hnsw;
	uint32		n;
	uint32		nodes[MOST_QUERIES];
	char	   *rows;
	Near		near[MOST_QUERIES][VDB_HNSW_MEASURED_K];	/* ascending */
	const VdbHnswPart *part;	/* that is looked through */
	VdbAmQuery *queries;		/* of each thread */
};

static const char *
row_of(const VdbHnswTruth *truth, uint32 q)
{
	return truth->rows + (Size) q * truth->hnsw->space.row_size;
}

VdbHnswTruth *
vdb_hnsw_truth_create(VdbHnswBuild *build)
{
	const VdbHnsw *hnsw = build->hnsw;
	Size		row_size = hnsw->space.row_size;
	VdbHnswTruth *truth = palloc(sizeof(VdbHnswTruth));
	uint32		wanted = Max(LEAST_QUERIES, Min(MOST_QUERIES,
												build->budget / BUDGET_SHARE / row_size));
	uint64		left = build->nnodes;

	truth->hnsw = hnsw;
	truth->n = 0;
	truth->rows = palloc(wanted * row_size);
	truth->queries = palloc(build->control.threads * sizeof(VdbAmQuery));
	for (int i = 0; i < build->control.threads; i++)
		vdb_am_query_create(&truth->queries[i], &hnsw->space);
	for (uint32 node = vdb_hnsw_bits_next(&build->nodes, 0); node != VDB_HNSW_NO_BIT;
		 node = vdb_hnsw_bits_next(&build->nodes, node + 1))
	{
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		if (pg_prng_double(&build->random) * left-- >= wanted)
			continue;
		memcpy(truth->rows + truth->n * row_size,
			   vdb_hnsw_row(hnsw, vdb_hnsw_pin(hnsw, build->index, node, &buffer)), row_size);
		vdb_page_unpin(buffer);
		for (int i = 0; i < VDB_HNSW_MEASURED_K; i++)
			truth->near[truth->n][i] = (Near) {INFINITY, VDB_HNSW_NONE};
		truth->nodes[truth->n++] = node;
		wanted--;
	}
	return truth;
}

/* ---- what is nearest ---- */

/* A node that may have been seen before, in its other part. */
static void
note(Near *near, float distance, uint32 node)
{
	uint32		at = VDB_HNSW_MEASURED_K - 1;

	for (int i = 0; i < VDB_HNSW_MEASURED_K; i++)
		if (near[i].node == node)
			return;
	for (; at > 0 && distance < near[at - 1].distance; at--)
		near[at] = near[at - 1];
	near[at] = (Near) {distance, node};
}

static void
look_through(void *arg, size_t q, int thread)
{
	VdbHnswTruth *truth = arg;
	const VdbHnswPart *part = truth->part;
	Size		row_size = truth->hnsw->space.row_size;
	VdbAmQuery *query = &truth->queries[thread];
	Near	   *near = truth->near[q];
	float		base;

	if (!vdb_am_query_row(query, row_of(truth, q)))
		return;
	base = vdb_am_query_base(query);
	for (uint32 from = 0; from < part->n; from += CHUNK)
	{
		uint32		count = Min(CHUNK, part->n - from);
		const void *rows[CHUNK];
		float		d[CHUNK];

		/* Only looks at flags, so any thread may. */
		if (from % (64 * CHUNK) == 0 && part->build->control.interrupt(part->build))
			return;
		for (uint32 i = 0; i < count; i++)
			rows[i] = part->rows + (from + i) * row_size;
		vdb_am_query_many(query, base, rows, count, d);
		for (uint32 i = 0; i < count; i++)
			if (d[i] < near[VDB_HNSW_MEASURED_K - 1].distance && d[i] > -INFINITY &&
				part->nodes[from + i] != truth->nodes[q])
				note(near, d[i], part->nodes[from + i]);
	}
}

void
vdb_hnsw_truth_see(VdbHnswTruth *truth, const VdbHnswPart *part)
{
	VdbKmControl control = part->build->control;

	control.progress = NULL;
	truth->part = part;
	vdb_hnsw_build_check(vdb_km_each(truth->n, look_through, truth, &control));
}

/* ---- what searches find ---- */

/* Of the nearest k nodes to a query, so many are among the ef that a search finds. */
static uint32
count_found(const VdbHnswTruth *truth, VdbHnswSearch *search, Relation index, uint32 q,
			uint32 ef)
{
	const VdbHnsw *hnsw = truth->hnsw;
	VdbAmQuery *query = vdb_hnsw_search_query(search);
	float		limit = truth->near[q][VDB_HNSW_MEASURED_K - 1].distance;
	VdbHnswFound *found;
	Buffer		buffer;
	ItemPointerData tid = vdb_hnsw_pin(hnsw, index, truth->nodes[q], &buffer)->tid;
	uint32		n;
	uint32		count = 0;

	vdb_page_unpin(buffer);
	/* Where it is, and then distances as they were. */
	if (!vdb_hnsw_query_of_row(hnsw, query, row_of(truth, q)) ||
		!vdb_am_query_row(query, row_of(truth, q)))
		return 0;
	vdb_hnsw_search_begin(search, index);
	vdb_hnsw_search_leave_out(search, &tid);
	n = vdb_hnsw_search_more(search, index, ef, &found);
	while (count < Min(n, VDB_HNSW_MEASURED_K) &&
		   found[count].distance <= limit + SAME * fabsf(limit))
		count++;
	return count;
}

void
vdb_hnsw_truth_measure(const VdbHnswTruth *truth, Relation index)
{
	uint32		efs[VDB_HNSW_NRECALLS];
	VdbHnswSearch *search = vdb_hnsw_search_create(truth->hnsw);
	uint32		best[MOST_QUERIES] = {0};
	uint32		total = 0,
				found = 0;
	double		width = VDB_HNSW_MEASURED_K;

	for (uint32 q = 0; q < truth->n; q++)
		if (truth->near[q][VDB_HNSW_MEASURED_K - 1].distance < INFINITY)
			total += VDB_HNSW_MEASURED_K;
	for (int i = 0; i < VDB_HNSW_NRECALLS; i++)
	{
		for (; found < vdb_hnsw_recalls[i] * total && width <= VDB_HNSW_MEASURED_EF;
			 width *= WIDER)
		{
			found = 0;
			for (uint32 q = 0; q < truth->n; q++)
			{
				CHECK_FOR_INTERRUPTS();
				/* what a narrow one has found, wider ones do */
				if (best[q] < VDB_HNSW_MEASURED_K &&
					truth->near[q][VDB_HNSW_MEASURED_K - 1].distance < INFINITY)
					best[q] = Max(best[q], count_found(truth, search, index, q, width));
				found += best[q];
			}
		}
		efs[i] = found >= vdb_hnsw_recalls[i] * total ? Max(width / WIDER, VDB_HNSW_MEASURED_K) :
			VDB_HNSW_MEASURED_EF;
	}
	if (total > 0)
		vdb_hnsw_set_efs(index, VDB_HNSW_MEASURED_K, efs);
}
