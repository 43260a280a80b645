/*
 * learn.c
 *	  What a build learns from a sample of the table: the origin and the scale,
 *	  the lists' centres, how many lists a search has to look at, and the
 *	  codebook of product codes.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "am/common/sample.h"
#include "am/ivf/build.h"

/* Where the probes for each recall are measured: rows, and neighbours of each. */
#define PROBE_ROWS 200
#define PROBE_NEIGHBOURS 10

/* Rounds of k-means: see README.md. */
#define ITERATIONS 6

/* ---- sampling ---- */

static void
tell_sampled(void *arg, int64 seen)
{
	vdb_ivf_build_progress(arg, seen);
}

/*
 * How many rows there are decides how many are wanted, and is known at the
 * end.  If it turns out that too few were offered, all is done once more.
 */
void
vdb_ivf_learn_sample(VdbIvfBuild *build)
{
	const VdbAmSpace *space = &build->ivf->space;
	VdbAmSample sample = {.space = space,.heap = build->heap,.index = build->index};
	double		rows = vdb_am_table_rows(build->heap);

	vdb_ivf_build_fit(build, rows, true);
	build->sample = palloc_extended((Size) build->max_sample * space->dim * sizeof(float),
									MCXT_ALLOC_HUGE);
	sample.info = build->info;
	sample.random = &build->random;
	sample.progress = tell_sampled;
	sample.arg = build;
	sample.floats = build->sample;
	sample.share = 1.5 * build->max_sample / Max(rows, 1);
	for (;;)
	{
		BlockNumber all = RelationGetNumberOfBlocks(build->heap);
		uint32		want;

		sample.max = build->max_sample;
		vdb_ivf_build_phase(build, VDB_IVF_PHASE_SAMPLE,
							rows * Min(1, (double) sample.max / Max(all, 1)));
		build->rows = rows = vdb_am_sample(&sample);
		build->nsample = sample.n;
		vdb_ivf_build_fit(build, rows, false);
		want = Min(build->max_sample, sample.max);
		if (sample.share >= 1 || build->nsample >= 0.75 * want)
		{
			build->max_sample = want;
			break;
		}
		build->max_sample = sample.max;
		sample.share = 1.5 * want / Max(sample.seen, 1);
	}
	build->nlists = Max(1, Min(build->nlists, build->nsample));
}

/* ---- the origin ---- */

static void
place_rows(void *arg, size_t item, int thread)
{
	VdbIvfBuild *build = arg;
	uint32		end = Min((item + 1) * 64, build->nsample);

	for (uint32 i = item * 64; i < end; i++)
	{
		float	   *row = build->sample + (Size) i * build->ivf->space.dim;

		vdb_am_place(&build->ivf->space, row, row);
	}
}

/*
 * Makes the sample's mean the origin (not for inner product, whose queries are
 * not relative to anything), chooses the scale (by a first vector where there
 * is no table), and puts the sample in place.
 */
void
vdb_ivf_learn_origin(VdbIvfBuild *build)
{
	VdbIvf	   *ivf = build->ivf;
	uint32		dim = ivf->space.dim;
	float	   *origin = (float *) ivf->space.origin;
	double	   *sum = palloc0(dim * sizeof(double));
	double		square = 0;
	uint32		n = build->nsample;

	for (uint32 i = 0; i < n && ivf->space.coded_metric != VDB_IP; i++)
	{
		for (uint32 j = 0; j < dim; j++)
			sum[j] += build->sample[(Size) i * dim + j];
		if (i % 64 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	for (uint32 j = 0; j < dim && n > 0; j++)
		origin[j] = sum[j] / n;
	pfree(sum);
	for (uint32 i = 0; i < n; i++)
	{
		square += vdb_dist(VDB_F32, VDB_L2SQ, build->sample + (Size) i * dim, origin, dim);
		if (i % 64 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (build->first != NULL)
	{
		VdbAmVector vector;
		float	   *floats = palloc(dim * sizeof(float));

		vdb_am_vector(ivf->space.kind, PointerGetDatum(build->first), &vector);
		vdb_am_check_dim(ivf->space.kind, dim, vector.dim);
		if (vdb_am_floats(&ivf->space, vector.elements, floats))
			square = vdb_dist_square(VDB_F32, floats, dim);
		vdb_am_vector_free(&vector);
		pfree(floats);
		n = 1;
	}
	if (square > 0)
	{
		int			exponent = ilogb(sqrt(square / n));

		build->meta.scale = ldexp(1, -Max(Min(exponent, 126), -126));
	}
	ivf->meta.scale = ivf->space.scale = build->meta.scale;
	vdb_ivf_build_check(vdb_km_each((build->nsample + 63) / 64, place_rows, build,
									&build->control));
}

/* ---- centres ---- */

/*
 * A random choice of n rows of the sample becomes its beginning: it may be in
 * the order of the table.
 */
static void
shuffle(VdbIvfBuild *build, uint32 n)
{
	Size		size = build->ivf->space.dim * sizeof(float);
	float	   *other = palloc(size);

	for (uint32 i = 0; i < n; i++)
	{
		uint32		j = pg_prng_uint64_range(&build->random, i, build->nsample - 1);
		float	   *a = build->sample + (Size) i * build->ivf->space.dim;
		float	   *b = build->sample + (Size) j * build->ivf->space.dim;

		memcpy(other, a, size);
		memmove(a, b, size);
		memcpy(b, other, size);
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(other);
}

/* Stores centres as half-precision floats, and takes them for what they are. */
static void
round_centres(VdbIvfBuild *build)
{
	uint32		dim = build->ivf->space.dim;
	uint16	   *halves = palloc(dim * sizeof(uint16));

	for (uint32 list = 0; list < build->nlists; list++)
	{
		float	   *centre = build->centres + (Size) list * dim;

		vdb_kernel.f32_to_f16(centre, halves, dim);
		vdb_kernel.f16_to_f32(halves, centre, dim);
	}
	pfree(halves);
}

static void
mean_centre(VdbIvfBuild *build)
{
	uint32		dim = build->ivf->space.dim;

	for (uint32 i = 0; i < build->nsample; i++)
		for (uint32 j = 0; j < dim; j++)
			build->centres[j] += build->sample[(Size) i * dim + j] / build->nsample;
}

void
vdb_ivf_learn_centres(VdbIvfBuild *build)
{
	uint32		dim = build->ivf->space.dim;
	VdbKmTraining training;
	VdbKmReport report;
	VdbKmBook	book = {0};
	float	   *tops = NULL;
	uint32	   *first = NULL;
	void	   *work;

	if (build->max_sample < build->nsample)
	{
		shuffle(build, build->max_sample);
		build->nsample = build->max_sample;
	}
	build->centres = palloc_extended((Size) build->nlists * dim * sizeof(float),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (build->nlists == 1)
	{
		mean_centre(build);
		round_centres(build);
		return;
	}
	vdb_ivf_build_phase(build, VDB_IVF_PHASE_TRAIN, build->nsample);
	training.rows = build->sample;
	training.n = build->nsample;
	training.dim = dim;
	training.k = build->nlists;
	vdb_km_train_defaults(&training);
	training.seed = build->meta.seed;
	training.coarse = true;
	training.iterations = ITERATIONS;
	if (training.ntops > 0)
	{
		tops = palloc_extended(training.ntops * dim * sizeof(float), MCXT_ALLOC_HUGE);
		first = palloc((training.ntops + 1) * sizeof(uint32));
	}
	work = palloc_extended(vdb_km_train_size(&training, build->control.threads), MCXT_ALLOC_HUGE);
	vdb_ivf_build_check(vdb_km_train(&training, build->centres, tops, first, &report,
									 &build->control, work));
	pfree(work);
	build->nlists = report.k;
	round_centres(build);

	book.dim = dim;
	book.k = build->nlists;
	book.centroids = build->centres;
	book.coarse = true;
	book.ntops = report.ntops;
	book.tops = tops;
	book.first = first;
	vdb_km_pack(&build->packed, &book,
				palloc_extended(vdb_km_pack_size(book.k, book.ntops, dim), MCXT_ALLOC_HUGE));
	build->work_size = vdb_ivf_assign_work(dim, book.k, book.ntops);
	build->work = palloc_extended(build->control.threads * build->work_size, MCXT_ALLOC_HUGE);
}

/* ---- probes ---- */

/* Rows compared at a time, and queries that a thread deals with at a time. */
#define PROBE_CHUNK 8
#define PROBE_GROUP 25

typedef struct Neighbour
{
	float		d;
	uint32		row;
} Neighbour;

typedef struct Probes
{
	VdbIvfBuild *build;
	uint32		queries[PROBE_ROWS];	/* rows of the sample */
	uint32		nqueries;
	uint32		k;				/* neighbours of each */
	Neighbour	near[PROBE_ROWS][PROBE_NEIGHBOURS]; /* ascending */
	uint32		lists[PROBE_ROWS][PROBE_NEIGHBOURS];
	uint32		rank[PROBE_ROWS][PROBE_NEIGHBOURS];
	float	   *distances;		/* to all centres, for each thread */
} Probes;

Size
vdb_ivf_probes_memory(uint32 dim, uint32 nlists, int threads)
{
	return sizeof(Probes) + (Size) threads * nlists * sizeof(float) +
		(Size) PROBE_NEIGHBOURS * dim * sizeof(float);
}

/*
 * The nearest rows of some queries.  Distances are less the query's square: a
 * product takes half the time of a sum of squares, and the mean of all rows is
 * at the origin, where it is as good.
 */
static void
find_neighbours(void *arg, size_t item, int thread)
{
	Probes	   *probes = arg;
	const VdbIvf *ivf = probes->build->ivf;
	const float *sample = probes->build->sample;
	uint32		n = probes->build->nsample;
	uint32		begin = item * PROBE_GROUP;
	uint32		end = Min(begin + PROBE_GROUP, probes->nqueries);
	bool		l2 = ivf->space.coded_metric == VDB_L2SQ;

	for (uint32 q = begin; q < end; q++)
		for (uint32 j = 0; j < probes->k; j++)
			probes->near[q][j] = (Neighbour) {INFINITY, 0};
	for (uint32 from = 0; from < n; from += PROBE_CHUNK)
	{
		uint32		count = Min(PROBE_CHUNK, n - from);
		const void *rows[PROBE_CHUNK];
		float		squares[PROBE_CHUNK];
		float		d[PROBE_CHUNK];

		/* Only looks at flags, so any thread may. */
		if (probes->build->control.interrupt(NULL))
			return;
		for (uint32 i = 0; i < count; i++)
		{
			rows[i] = sample + (Size) (from + i) * ivf->space.dim;
			squares[i] = l2 ? vdb_dist_square(VDB_F32, rows[i], ivf->space.dim) : 0;
		}
		for (uint32 q = begin; q < end; q++)
		{
			Neighbour  *near = probes->near[q];

			vdb_kernel.many[VDB_F32][VDB_IP]
				(sample + (Size) probes->queries[q] * ivf->space.dim, rows, count,
				 ivf->space.dim, d);
			for (uint32 i = 0; i < count; i++)
			{
				uint32		j = probes->k - 1;

				d[i] = squares[i] + 2 * d[i];

				if (!(d[i] < near[j].d) || from + i == probes->queries[q])
					continue;
				for (; j > 0 && d[i] < near[j - 1].d; j--)
					near[j] = near[j - 1];
				near[j] = (Neighbour) {d[i], from + i};
			}
		}
	}
}

/* Which lists the neighbours of a query are in, by their distance from it. */
static void
rank_lists(void *arg, size_t q, int thread)
{
	Probes	   *probes = arg;
	const VdbIvf *ivf = probes->build->ivf;
	uint32		nlists = probes->build->nlists;
	float	   *d = probes->distances + (Size) thread * nlists;

	for (uint32 from = 0; from < nlists; from += PROBE_CHUNK)
	{
		uint32		count = Min(PROBE_CHUNK, nlists - from);
		const void *centres[PROBE_CHUNK];

		for (uint32 i = 0; i < count; i++)
			centres[i] = probes->build->centres + (Size) (from + i) * ivf->space.dim;
		vdb_kernel.many[VDB_F32][ivf->space.coded_metric]
			(probes->build->sample + (Size) probes->queries[q] * ivf->space.dim, centres, count,
			 ivf->space.dim, d + from);
	}
	for (uint32 j = 0; j < probes->k; j++)
	{
		float		own = d[probes->lists[q][j]];
		uint32		nearer = 0;

		for (uint32 list = 0; list < nlists; list++)
			nearer += d[list] < own;
		probes->rank[q][j] = nearer;
	}
}

/* The lists of all neighbours, a query's at a time. */
static void
find_lists(Probes *probes)
{
	VdbIvfBuild *build = probes->build;
	Size		size = build->ivf->space.dim * sizeof(float);
	float	   *rows = palloc_extended(probes->k * size, MCXT_ALLOC_HUGE);

	for (uint32 q = 0; q < probes->nqueries; q++)
	{
		for (uint32 j = 0; j < probes->k; j++)
			memcpy((char *) rows + j * size,
				   (char *) build->sample + probes->near[q][j].row * size, size);
		vdb_ivf_build_check(vdb_km_assign(&build->packed, rows, probes->k, 1, probes->lists[q],
										  NULL, &build->control, build->work));
	}
	pfree(rows);
}

/*
 * How many lists hold the neighbours of a row: for each recall, the number of
 * nearest lists that have that part of the neighbours.  Rows of the sample
 * stand for queries, and the sample for the table; as its rows are further
 * apart, the answer errs on the safe side.
 */
void
vdb_ivf_learn_probes(VdbIvfBuild *build)
{
	Probes	   *probes = palloc(sizeof(Probes));
	uint32		n = build->nsample;
	uint64		total;
	uint64		sum = 0;
	uint32	   *found = palloc0(build->nlists * sizeof(uint32));
	int			i = 0;

	probes->build = build;
	probes->nqueries = build->nlists > 1 && n > 1 ? Min(PROBE_ROWS, n) : 0;
	probes->k = Min(PROBE_NEIGHBOURS, n - Min(n, 1));
	total = (uint64) probes->nqueries * probes->k;
	if (probes->nqueries > 0)
	{
		VdbKmControl control = build->control;

		for (uint32 q = 0; q < probes->nqueries; q++)
			probes->queries[q] = pg_prng_uint64_range(&build->random, 0, n - 1);
		vdb_ivf_build_phase(build, VDB_IVF_PHASE_PROBES, probes->nqueries);
		probes->distances = palloc_extended((Size) control.threads * build->nlists * sizeof(float),
											MCXT_ALLOC_HUGE);
		vdb_ivf_build_check(vdb_km_each((probes->nqueries + PROBE_GROUP - 1) / PROBE_GROUP,
										find_neighbours, probes, &control));
		/* too little at a time to be worth telling */
		build->control.progress = NULL;
		build->control.threads = 1;
		find_lists(probes);
		build->control = control;
		control.progress = NULL;
		vdb_ivf_build_check(vdb_km_each(probes->nqueries, rank_lists, probes, &control));
		pfree(probes->distances);
	}
	for (uint32 q = 0; q < probes->nqueries; q++)
		for (uint32 j = 0; j < probes->k; j++)
			found[probes->rank[q][j]]++;
	for (uint32 list = 0; list < build->nlists; list++)
	{
		sum += found[list];
		while (i < VDB_IVF_NRECALLS && sum >= vdb_ivf_recalls[i] * total)
			build->state.probes[i++] = list + 1;
	}
	while (i < VDB_IVF_NRECALLS)
		build->state.probes[i++] = build->nlists;
	pfree(found);
	pfree(probes);
}

/* ---- the codebook of product codes ---- */

/* Rows that it is trained on, and the least that tell more than chance. */
#define CODEBOOK_ROWS 2048
#define CODEBOOK_LEAST 1024

typedef struct Codebook
{
	VdbIvfBuild *build;
	uint32		n;				/* residuals, from the sample's beginning on */
	bool		chance;			/* there are none */
	char	   *memory;			/* of each thread */
	Size		thread_memory;
	volatile int failed;
} Codebook;

/* Dimensions of the longest piece. */
static Size
longest_piece(const VdbQuantPq *pq)
{
	return (pq->dim + pq->m - 1) / pq->m;
}

static VdbKmTraining
piece_training(const VdbQuantPq *pq, uint32 n, Size length, uint64 seed)
{
	VdbKmTraining training = {.n = n,.dim = length,.k = pq->ncentroids};

	vdb_km_train_defaults(&training);
	training.seed = seed;
	return training;
}

/* Of a thread: rows of a piece, centroids, and the work of training. */
static Size
piece_memory(const VdbQuantPq *pq)
{
	Size		length = longest_piece(pq);
	VdbKmTraining training = piece_training(pq, CODEBOOK_ROWS, length, 0);
	VdbKmTraining shorter = piece_training(pq, CODEBOOK_ROWS, Max(length, 2) - 1, 0);

	return MAXALIGN((CODEBOOK_ROWS + pq->ncentroids) * length * sizeof(float)) +
		MAXALIGN(Max(vdb_km_train_size(&training, 1), vdb_km_train_size(&shorter, 1)));
}

Size
vdb_ivf_codebook_memory(const VdbIvf *ivf, int threads)
{
	return ivf->list.product ? threads * piece_memory(&ivf->pq) +
		vdb_ivf_codebook_size(ivf) * sizeof(float) : 0;
}

/* The residuals of some of the sample's rows, of length sqrt(dim), in its place. */
static uint32
sample_residuals(VdbIvfBuild *build)
{
	Size		dim = build->ivf->space.dim;
	uint32		n = Min(build->nsample, CODEBOOK_ROWS);
	uint32	   *lists = palloc0(Max(n, 1) * sizeof(uint32));
	uint32		kept = 0;
	VdbKmControl control = build->control;

	control.progress = NULL;
	for (uint32 i = 0; i < n; i++)
		memmove(build->sample + i * dim,
				build->sample + (Size) ((uint64) i * build->nsample / n) * dim, dim * sizeof(float));
	if (n > 0 && build->nlists > 1)
		vdb_ivf_build_check(vdb_km_assign(&build->packed, build->sample, n, 1, lists, NULL,
										  &control, build->work));
	for (uint32 i = 0; i < n; i++)
	{
		const float *row = build->sample + i * dim;
		const float *centre = build->centres + lists[i] * dim;
		float	   *to = build->sample + kept * dim;
		double		square = vdb_dist(VDB_F32, VDB_L2SQ, row, centre, dim);
		double		scale = sqrt(dim / square);

		if (vdb_am_is_far(row) || !(square > FLT_MIN))
			continue;
		for (Size j = 0; j < dim; j++)
			to[j] = (row[j] - centre[j]) * scale;
		kept++;
	}
	pfree(lists);
	return kept;
}

/* Fills in a piece's part of the codebook. */
static void
train_piece(void *arg, size_t piece, int thread)
{
	Codebook   *book = arg;
	const VdbIvfBuild *build = book->build;
	const VdbQuantPq *pq = &build->ivf->pq;
	Size		start = vdb_quant_pq_start(pq, piece);
	Size		length = vdb_quant_pq_start(pq, piece + 1) - start;
	uint32		n = book->chance ? CODEBOOK_ROWS : book->n;
	VdbKmTraining training = piece_training(pq, n, length, build->meta.seed + piece);
	float	   *rows = (float *) (book->memory + thread * book->thread_memory);
	float	   *centroids = rows + (Size) CODEBOOK_ROWS * length;
	void	   *work = (char *) rows +
		MAXALIGN((CODEBOOK_ROWS + pq->ncentroids) * longest_piece(pq) * sizeof(float));
	const VdbKmControl control = {.threads = 1};
	VdbKmReport report;

	if (book->chance)
	{
		pg_prng_state random;

		pg_prng_seed(&random, build->meta.seed);
		for (Size i = 0; i < n * length; i++)
			rows[i] = sqrt(-2 * log(1 - pg_prng_double(&random))) *
				cos(2 * M_PI * pg_prng_double(&random));
	}
	else
		for (uint32 i = 0; i < n; i++)
			memcpy(rows + i * length, build->sample + (Size) i * pq->dim + start,
				   length * sizeof(float));
	training.rows = rows;
	if (vdb_km_train(&training, centroids, NULL, NULL, &report, &control, work) != VDB_KM_OK ||
		report.k == 0)
	{
		book->failed = 1;
		return;
	}
	for (Size i = 0; i < length; i++)
		for (Size k = 0; k < pq->ncentroids; k++)
			((float *) pq->codebook)[(start + i) * pq->ncentroids + k] =
				centroids[Min(k, report.k - 1) * length + i];
}

/* Without residuals, pieces that are as long have the same part. */
static void
train_by_chance(Codebook *book)
{
	const VdbQuantPq *pq = &book->build->ivf->pq;
	float	   *codebook = (float *) pq->codebook;
	Size		of_dim = pq->ncentroids * sizeof(float);

	train_piece(book, 0, 0);
	train_piece(book, pq->m - 1, 0);
	for (Size piece = 1; piece + 1 < pq->m; piece++)
	{
		Size		start = vdb_quant_pq_start(pq, piece);
		Size		length = vdb_quant_pq_start(pq, piece + 1) - start;
		Size		from = length == longest_piece(pq) ? 0 : vdb_quant_pq_start(pq, pq->m - 1);

		memcpy(codebook + start * pq->ncentroids, codebook + from * pq->ncentroids,
			   length * of_dim);
	}
}

/*
 * Trains a codebook on the sample's residuals.  If these are too few, as in an
 * index of an empty table, it is one for vectors of random directions, which
 * residuals are not far from once they are rotated.
 */
void
vdb_ivf_learn_codebook(VdbIvfBuild *build)
{
	const VdbQuantPq *pq = &build->ivf->pq;
	VdbKmControl control = build->control;
	Codebook	book = {.build = build,.thread_memory = piece_memory(pq)};

	control.progress = NULL;
	control.threads = Max(control.threads, 1);
	book.n = sample_residuals(build);
	book.chance = book.n < CODEBOOK_LEAST;
	book.memory = palloc_extended(control.threads * book.thread_memory, MCXT_ALLOC_HUGE);
	if (book.chance)
		train_by_chance(&book);
	else
		vdb_ivf_build_check(vdb_km_each(pq->m, train_piece, &book, &control));
	if (book.failed)
		elog(ERROR, "no codebook could be trained");
	pfree(book.memory);
}
