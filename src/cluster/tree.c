/*
 * tree.c
 *	  Assignment in two levels.
 *
 * Each row of a chunk is paired with the tops nearest to it.  The pairs are
 * sorted by top, so that the rows of a top are compared with its centroids as
 * blocks, and then the best of a row's pairs is taken.
 */
#include "cluster/assign.h"

/* A chunk of the rows, and where it begins. */
typedef struct Chunk
{
	const VdbKmAssign *assign;
	size_t		start;
	size_t		n;
} Chunk;

static const float *
pack_block(const Chunk *chunk, const size_t *at, size_t n, int thread)
{
	const VdbKmPacked *packed = chunk->assign->packed;
	const VdbKmScratch *scratch = chunk->assign->scratch;
	float	   *block = scratch->blocks + (size_t) thread * scratch->block_floats;
	const float *rows[VDB_GEMM_BLOCK];

	for (size_t i = 0; i < n; i++)
		rows[i] = vdb_km_row(&chunk->assign->rows, chunk->start + at[i]);
	packed->gemm.pack_rows(rows, n, packed->book.dim, packed->scale, packed->shift, block);
	return block;
}

/* The nearest tops of a block of rows. */
static void
find_tops(VdbKmRun *run, void *arg, size_t item, int thread)
{
	const Chunk *chunk = arg;
	const VdbKmPacked *packed = chunk->assign->packed;
	const VdbKmScratch *scratch = chunk->assign->scratch;
	size_t		start = item * VDB_GEMM_BLOCK;
	size_t		n = chunk->n - start < VDB_GEMM_BLOCK ? chunk->n - start : VDB_GEMM_BLOCK;
	float	   *rank = scratch->ranks + (size_t) thread * scratch->ranks_floats;
	uint32_t   *top = scratch->pair_top + start * packed->probes;
	size_t		at[VDB_GEMM_BLOCK];

	for (size_t i = 0; i < n; i++)
		at[i] = start + i;
	for (size_t i = 0; i < n * packed->probes; i++)
	{
		rank[i] = INFINITY;
		top[i] = VDB_GEMM_NONE;
	}
	vdb_km_scan(run, thread, packed, pack_block(chunk, at, n, thread), n, packed->top_panels,
				vdb_gemm_panels(&packed->gemm, packed->book.ntops), 0, packed->probes, rank, top);
}

/* Sorts the pairs by top, and counts the blocks they make. */
static size_t
sort_pairs(const Chunk *chunk)
{
	const VdbKmScratch *scratch = chunk->assign->scratch;
	size_t		ntops = chunk->assign->packed->book.ntops;
	size_t		npairs = chunk->n * chunk->assign->packed->probes;
	size_t	   *start = scratch->top_start;
	size_t		items = 0,
				sum = 0;

	/* counts, then the end of each top, then, counted down, its start */
	for (size_t t = 0; t <= ntops; t++)
		start[t] = 0;
	for (size_t i = 0; i < npairs; i++)
		if (scratch->pair_top[i] != VDB_GEMM_NONE)
			start[scratch->pair_top[i]]++;
	for (size_t t = 0; t < ntops; t++)
	{
		scratch->top_item[t] = items;
		items += (start[t] + VDB_GEMM_BLOCK - 1) / VDB_GEMM_BLOCK;
		start[t] = sum += start[t];
	}
	start[ntops] = sum;
	scratch->top_item[ntops] = items;
	for (size_t i = npairs; i-- > 0;)
		if (scratch->pair_top[i] != VDB_GEMM_NONE)
			scratch->pair_order[--start[scratch->pair_top[i]]] = (uint32_t) i;
	return items;
}

/* The nearest centroids of one top for a block of the rows paired with it. */
static void
scan_top(VdbKmRun *run, void *arg, size_t item, int thread)
{
	const Chunk *chunk = arg;
	const VdbKmPacked *packed = chunk->assign->packed;
	const VdbKmScratch *scratch = chunk->assign->scratch;
	size_t		few = chunk->assign->few;
	float	   *rank = scratch->ranks + (size_t) thread * scratch->ranks_floats;
	uint32_t   *index = (uint32_t *) rank + VDB_GEMM_BLOCK * few;
	size_t		low = 0,
				high = packed->book.ntops,
				start,
				n;
	size_t		at[VDB_GEMM_BLOCK];

	/* the last top whose first item is not after this one */
	while (high - low > 1)
	{
		size_t		middle = (low + high) / 2;

		if (scratch->top_item[middle] <= item)
			low = middle;
		else
			high = middle;
	}
	start = scratch->top_start[low] + (item - scratch->top_item[low]) * VDB_GEMM_BLOCK;
	n = scratch->top_start[low + 1] - start;
	if (n > VDB_GEMM_BLOCK)
		n = VDB_GEMM_BLOCK;
	for (size_t i = 0; i < n; i++)
		at[i] = scratch->pair_order[start + i] / packed->probes;
	for (size_t i = 0; i < n * few; i++)
	{
		rank[i] = INFINITY;
		index[i] = VDB_GEMM_NONE;
	}
	if (!vdb_km_scan(run, thread, packed, pack_block(chunk, at, n, thread), n,
					 packed->panels + packed->panel[low] * vdb_gemm_panel_floats(&packed->gemm, packed->book.dim),
					 packed->panel[low + 1] - packed->panel[low], packed->book.first[low],
					 few, rank, index))
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < few; j++)
		{
			size_t		pair = (size_t) scratch->pair_order[start + i] * few + j;

			scratch->pair_rank[pair] = rank[i * few + j];
			scratch->pair_index[pair] = index[i * few + j];
		}
}

/* The best of the pairs of a block of rows. */
static void
merge_pairs(VdbKmRun *run, void *arg, size_t item, int thread)
{
	const Chunk *chunk = arg;
	const VdbKmAssign *assign = chunk->assign;
	const VdbKmScratch *scratch = assign->scratch;
	size_t		few = assign->few;
	size_t		each = assign->packed->probes * few;
	size_t		end = (item + 1) * VDB_GEMM_BLOCK < chunk->n ? (item + 1) * VDB_GEMM_BLOCK : chunk->n;

	for (size_t r = item * VDB_GEMM_BLOCK; r < end; r++)
	{
		uint32_t   *index = assign->index + (chunk->start + r) * few;
		float	   *rank = scratch->ranks + (size_t) thread * scratch->ranks_floats;

		for (size_t j = 0; j < few; j++)
		{
			rank[j] = INFINITY;
			index[j] = VDB_GEMM_NONE;
		}
		for (size_t pair = r * each; pair < (r + 1) * each; pair++)
		{
			float		v = scratch->pair_rank[pair];
			size_t		j = few;

			if (scratch->pair_top[pair / few] == VDB_GEMM_NONE || !(v < rank[few - 1]))
				continue;
			for (j = few - 1; j > 0 && v < rank[j - 1]; j--)
			{
				rank[j] = rank[j - 1];
				index[j] = index[j - 1];
			}
			rank[j] = v;
			index[j] = scratch->pair_index[pair];
		}
		vdb_km_finish_row(run, thread, assign, chunk->start + r);
	}
	vdb_km_advance(run, (end - item * VDB_GEMM_BLOCK) *
				   vdb_km_row_cost(assign->packed->book.k, assign->packed->book.ntops));
}

bool
vdb_km_assign_tree(VdbKmRun *run, const VdbKmAssign *assign)
{
	size_t		most = assign->scratch->chunk;

	for (size_t start = 0; start < assign->rows.n; start += most)
	{
		size_t		n = assign->rows.n - start < most ? assign->rows.n - start : most;
		size_t		blocks = (n + VDB_GEMM_BLOCK - 1) / VDB_GEMM_BLOCK;
		Chunk		chunk = {assign, start, n};

		if (!vdb_km_parallel(run, blocks, find_tops, &chunk) ||
			!vdb_km_parallel(run, sort_pairs(&chunk), scan_top, &chunk) ||
			!vdb_km_parallel(run, blocks, merge_pairs, &chunk))
			return false;
	}
	return true;
}
