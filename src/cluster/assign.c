/*
 * assign.c
 *	  The nearest centroids of many rows.
 *
 * A block of rows at a time is copied into its thread's scratch memory and
 * compared with all panels there, a few at a time so as to hear of interrupts.
 */
#include "cluster/assign.h"

/*
 * Pairs that the rows of a chunk should have with each top, in two levels, and
 * bounds of the rows in it: threads wait for each other after each.
 */
#define PAIRS_A_TOP (4 * VDB_GEMM_BLOCK)
#define LEAST_CHUNK 16384
#define MOST_CHUNK 131072

void
vdb_km_take_scratch(VdbKmArena *arena, VdbKmScratch *scratch, size_t ntops, size_t dim,
					size_t few, int threads)
{
	size_t		most = few;

	*scratch = (VdbKmScratch) {0};
	if (ntops > 0)
	{
		size_t		probes = vdb_km_probes(ntops);
		size_t		chunk = PAIRS_A_TOP * ntops / probes;

		most = probes > few ? probes : few;
		scratch->chunk = chunk < LEAST_CHUNK ? LEAST_CHUNK : chunk > MOST_CHUNK ? MOST_CHUNK : chunk;
		scratch->pair_top = vdb_km_take(arena, scratch->chunk * probes, sizeof(uint32_t));
		scratch->pair_order = vdb_km_take(arena, scratch->chunk * probes, sizeof(uint32_t));
		scratch->pair_index = vdb_km_take(arena, scratch->chunk * probes * few, sizeof(uint32_t));
		scratch->pair_rank = vdb_km_take(arena, scratch->chunk * probes * few, sizeof(float));
		scratch->top_start = vdb_km_take(arena, ntops + 1, sizeof(size_t));
		scratch->top_item = vdb_km_take(arena, ntops + 1, sizeof(size_t));
	}

	/* whole cache lines, so that threads keep to their own */
	scratch->block_floats = vdb_gemm_block_floats(dim);
	scratch->ranks_floats = (VDB_GEMM_BLOCK * most * 2 + 15) / 16 * 16;
	scratch->blocks = vdb_km_take_floats(arena, (size_t) threads * scratch->block_floats);
	scratch->ranks = vdb_km_take_floats(arena, (size_t) threads * scratch->ranks_floats);
}

size_t
vdb_km_assign_size(size_t k, size_t ntops, size_t dim, size_t few, int threads)
{
	VdbKmArena	arena = {0};
	VdbKmScratch scratch;

	(void) k;
	vdb_km_take_scratch(&arena, &scratch, ntops, dim, few, threads > 1 ? threads : 1);
	return arena.peak;
}

/* The nearest among some panels for a block of rows; false if stopped. */
bool
vdb_km_scan(VdbKmRun *run, int thread, const VdbKmPacked *packed, const float *block,
			size_t nrows, const float *panels, size_t npanels, uint32_t first,
			size_t few, float *rank, uint32_t *index)
{
	const VdbGemm *gemm = &packed->gemm;
	size_t		dim = packed->book.dim;
	size_t		floats = vdb_gemm_panel_floats(gemm, dim);
	size_t		step = VDB_KM_STEP / (nrows * floats) + 1;

	for (size_t p = 0; p < npanels; p += step)
	{
		size_t		n = npanels - p < step ? npanels - p : step;

		if (few == 1)
			gemm->nearest(block, nrows, dim, panels + p * floats, n,
						  first + (uint32_t) (p * gemm->width), rank, index);
		else
			gemm->nearest_few(block, nrows, dim, panels + p * floats, n,
							  first + (uint32_t) (p * gemm->width), few, rank, index);
		if (vdb_km_stopped(run, thread))
			return false;
	}
	return true;
}

/*
 * The exact nearest, in double: for rows so much longer than the centroids
 * that ranks are beyond float's range.
 */
static void
search_all(VdbKmRun *run, int thread, const VdbKmAssign *assign, const float *row, uint32_t *index)
{
	const VdbKmBook *book = &assign->packed->book;
	size_t		nfound = 0;

	/* one after the other, each beyond the one before: no memory needed */
	while (nfound < assign->few)
	{
		double		best = INFINITY;
		uint32_t	at = 0;

		for (size_t c = 0; c < book->k; c++)
		{
			bool		taken = false;
			double		d;

			if (c % 64 == 63 && vdb_km_stopped(run, thread))
				return;
			for (size_t i = 0; i < nfound; i++)
				taken = taken || index[i] == c;
			if (taken)
				continue;
			d = vdb_dist(VDB_F32, VDB_L2SQ, row, book->centroids + c * book->dim, book->dim);
			if (d < best)
			{
				best = d;
				at = (uint32_t) c;
			}
		}
		index[nfound++] = at;
	}
}

/* True distances in place of ranks, and the order that goes with them. */
void
vdb_km_finish_row(VdbKmRun *run, int thread, const VdbKmAssign *assign, size_t i)
{
	const VdbKmBook *book = &assign->packed->book;
	const float *row = vdb_km_row(&assign->rows, i);
	size_t		few = assign->few;
	uint32_t   *index = assign->index + i * few;
	float	   *dist = assign->dist != NULL ? assign->dist + i * few : NULL;

	if (index[few - 1] == VDB_GEMM_NONE)
	{
		search_all(run, thread, assign, row, index);
		if (vdb_km_stopped(run, thread))
			return;
	}
	if (dist == NULL)
		return;
	for (size_t j = 0; j < few; j++)
	{
		uint32_t	c = index[j];
		float		d = (float) (vdb_dist(VDB_F32, VDB_L2SQ, row, book->centroids + c * book->dim,
										  book->dim) * assign->unit);
		size_t		to = j;

		for (; to > 0 && d < dist[to - 1]; to--)
		{
			dist[to] = dist[to - 1];
			index[to] = index[to - 1];
		}
		dist[to] = d;
		index[to] = c;
	}
}

static void
assign_block(VdbKmRun *run, void *arg, size_t item, int thread)
{
	const VdbKmAssign *assign = arg;
	const VdbKmPacked *packed = assign->packed;
	const VdbKmScratch *scratch = assign->scratch;
	size_t		start = item * VDB_GEMM_BLOCK;
	size_t		n = assign->rows.n - start < VDB_GEMM_BLOCK ? assign->rows.n - start : VDB_GEMM_BLOCK;
	float	   *block = scratch->blocks + (size_t) thread * scratch->block_floats;
	float	   *rank = scratch->ranks + (size_t) thread * scratch->ranks_floats;
	uint32_t   *index = assign->index + start * assign->few;
	const float *rows[VDB_GEMM_BLOCK];

	for (size_t i = 0; i < n; i++)
		rows[i] = vdb_km_row(&assign->rows, start + i);
	for (size_t i = 0; i < n * assign->few; i++)
	{
		rank[i] = INFINITY;
		index[i] = VDB_GEMM_NONE;
	}
	packed->gemm.pack_rows(rows, n, packed->book.dim, packed->scale, packed->shift, block);
	if (!vdb_km_scan(run, thread, packed, block, n, packed->panels,
					 vdb_gemm_panels(&packed->gemm, packed->book.k), 0, assign->few, rank, index))
		return;
	for (size_t i = 0; i < n; i++)
		vdb_km_finish_row(run, thread, assign, start + i);
	vdb_km_advance(run, n * vdb_km_row_cost(packed->book.k, packed->book.ntops));
}

bool
vdb_km_assign_rows(VdbKmRun *run, const VdbKmAssign *assign)
{
	if (assign->packed->book.ntops > 0)
		return vdb_km_assign_tree(run, assign);
	return vdb_km_parallel(run, (assign->rows.n + VDB_GEMM_BLOCK - 1) / VDB_GEMM_BLOCK,
						   assign_block, (void *) assign);
}

VdbKmStatus
vdb_km_assign(const VdbKmPacked *packed, const float *rows, size_t n, size_t few,
			  uint32_t *index, float *dist, const VdbKmControl *control, void *work)
{
	VdbKmArena	arena = {.base = work};
	VdbKmScratch scratch;
	VdbKmRun	run;
	VdbKmAssign assign = {
		.packed = packed,
		.scratch = &scratch,
		.rows = {.base = rows, .n = n, .dim = packed->book.dim},
		.few = few,
		.unit = 1,
		.index = index,
		.dist = dist,
	};

	if (few == 0 || few > packed->book.k || (few > 1 && packed->gemm.coarse))
		return VDB_KM_INVALID;
	vdb_km_start(&run, control, n * vdb_km_row_cost(packed->book.k, packed->book.ntops));
	vdb_km_take_scratch(&arena, &scratch, packed->book.ntops, packed->book.dim, few, run.threads);
	return vdb_km_assign_rows(&run, &assign) ? VDB_KM_OK : VDB_KM_STOPPED;
}
