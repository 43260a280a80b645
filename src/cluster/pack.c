/*
 * pack.c
 *	  Centroids as the kernel wants them: scaled, shifted, in panels.
 */
#include "cluster/assign.h"

/* Tops that a row looks below: README.md has what this costs and brings. */
#define PROBES 16

size_t
vdb_km_probes(size_t ntops)
{
	return ntops < PROBES ? ntops : PROBES;
}

/* Panels of k centroids, of which each top begins a new one. */
static size_t
most_panels(size_t k, size_t ntops)
{
	return vdb_gemm_panels(&vdb_kernel.gemm, k) + ntops;
}

void
vdb_km_take_pack(VdbKmArena *arena, VdbKmPacked *packed, size_t k, size_t ntops, size_t dim)
{
	size_t		panel = vdb_gemm_panel_floats(&vdb_kernel.gemm, dim);

	packed->shift = vdb_km_take_floats(arena, dim);
	packed->panels = vdb_km_take_floats(arena, most_panels(k, ntops) * panel);
	packed->top_panels = NULL;
	packed->panel = NULL;
	if (ntops > 0)
	{
		packed->top_panels = vdb_km_take_floats(arena, most_panels(ntops, 0) * panel);
		packed->panel = vdb_km_take(arena, ntops + 1, sizeof(uint32_t));
	}
}

size_t
vdb_km_pack_size(size_t k, size_t ntops, size_t dim)
{
	VdbKmArena	arena = {0};
	VdbKmPacked packed;

	vdb_km_take_pack(&arena, &packed, k, ntops, dim);
	return arena.peak;
}

/*
 * A power of two that makes the longest centroid about 1 long, and the mean of
 * the centroids so scaled.  Powers that are no normal floats are left out.
 * False if stopped.
 */
static bool
choose_scale(VdbKmRun *run, VdbKmPacked *packed)
{
	const VdbKmBook *book = &packed->book;
	double		longest = 0;
	int			exponent = 0;

	for (size_t c = 0; c < book->k; c++)
	{
		double		square = vdb_dist_square(VDB_F32, book->centroids + c * book->dim, book->dim);

		if (square > longest)
			longest = square;
		if (c % 64 == 63 && vdb_km_stopped(run, 0))
			return false;
	}
	if (longest > 0)
		exponent = -ilogb(sqrt(longest));
	packed->scale = ldexpf(1, exponent > 120 ? 120 : exponent < -120 ? -120 : exponent);

	/* the sums stay near k at most, so float does for a point to go by */
	for (size_t i = 0; i < book->dim; i++)
		packed->shift[i] = 0;
	for (size_t c = 0; c < book->k; c++)
	{
		for (size_t i = 0; i < book->dim; i++)
			packed->shift[i] += book->centroids[c * book->dim + i] * packed->scale;
		if (c % 64 == 63 && vdb_km_stopped(run, 0))
			return false;
	}
	for (size_t i = 0; i < book->dim; i++)
		packed->shift[i] /= (float) book->k;
	return true;
}

typedef struct PackJob
{
	VdbKmPacked *packed;
	const double *extra;
} PackJob;

/* The centroids of one top, or a stretch of them if there is one level. */
static void
pack_part(VdbKmPacked *packed, size_t first, size_t n, const double *extra, float *panels)
{
	size_t		dim = packed->book.dim;
	size_t		width = packed->gemm.width;
	double		unit = (double) packed->scale * packed->scale;

	for (size_t at = 0; at < n; at += width)
	{
		float		summands[VDB_GEMM_MAX_WIDTH];
		size_t		part = n - at < width ? n - at : width;

		for (size_t i = 0; extra != NULL && i < part; i++)
			summands[i] = (float) (extra[first + at + i] * unit);
		vdb_gemm_pack(&packed->gemm, packed->book.centroids + (first + at) * dim, part, dim,
					  packed->scale, packed->shift, extra != NULL ? summands : NULL, panels);
		panels += vdb_gemm_panel_floats(&packed->gemm, dim);
	}
}

static void
pack_item(VdbKmRun *run, void *arg, size_t item, int thread)
{
	PackJob    *job = arg;
	VdbKmPacked *packed = job->packed;
	const VdbKmBook *book = &packed->book;
	size_t		width = packed->gemm.width;
	size_t		panel = vdb_gemm_panel_floats(&packed->gemm, book->dim);

	(void) run;
	(void) thread;
	if (book->ntops > 0)
		pack_part(packed, book->first[item], book->first[item + 1] - book->first[item],
				  job->extra, packed->panels + packed->panel[item] * panel);
	else
		pack_part(packed, item * width, book->k - item * width < width ? book->k - item * width : width,
				  job->extra, packed->panels + item * panel);
}

bool
vdb_km_fill_pack(VdbKmRun *run, VdbKmPacked *packed, const VdbKmBook *book, const double *extra)
{
	PackJob		job = {packed, extra};

	packed->book = *book;
	packed->gemm = vdb_kernel.gemm;
	/* its panels are smaller, so memory for the others holds them */
	if (book->coarse && book->ntops == 0 && book->dim >= VDB_GEMM_COARSE_DIM &&
		vdb_kernel.coarse.width > 0 && vdb_kernel.coarse.width <= vdb_kernel.gemm.width)
		packed->gemm = vdb_kernel.coarse;
	packed->probes = vdb_km_probes(book->ntops);
	if (!choose_scale(run, packed))
		return false;
	if (book->ntops == 0)
		return vdb_km_parallel(run, vdb_gemm_panels(&packed->gemm, book->k), pack_item, &job);

	packed->panel[0] = 0;
	for (size_t t = 0; t < book->ntops; t++)
		packed->panel[t + 1] = packed->panel[t] +
			(uint32_t) vdb_gemm_panels(&packed->gemm, book->first[t + 1] - book->first[t]);
	vdb_gemm_pack(&packed->gemm, book->tops, book->ntops, book->dim, packed->scale, packed->shift,
				  NULL, packed->top_panels);
	return vdb_km_parallel(run, book->ntops, pack_item, &job);
}

void
vdb_km_pack(VdbKmPacked *packed, const VdbKmBook *book, void *memory)
{
	VdbKmArena	arena = {.base = memory};
	VdbKmRun	run;

	vdb_km_take_pack(&arena, packed, book->k, book->ntops, book->dim);
	vdb_km_start(&run, NULL, 0);
	vdb_km_fill_pack(&run, packed, book, NULL);
}
