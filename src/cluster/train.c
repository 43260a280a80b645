/*
 * train.c
 *	  Training: in one level, or in two where centroids are many.
 *
 * In two levels, sqrt(k) tops are trained, the rows of each are clustered by
 * themselves, into a share of the k centroids as large as its share of the
 * rows, and then all centroids go through iterations of Lloyd's algorithm
 * together, in which a row looks below the tops nearest to it.
 */
#include "cluster/lloyd.h"

#include <string.h>

/* Rows for training each top, and iterations of each stage of two levels. */
#define ROWS_A_TOP 256
#define TOP_ITERATIONS 10
#define JOINT_ITERATIONS 3

/* Multiply-adds of an iteration that are not worth a second thread. */
#define SMALL_WORK 3e8

/*
 * All iterations but the last so many look at one row of so many only, if each
 * centroid has enough: where centroids go at first, few rows tell as well.
 */
#define LATE_ITERATIONS 2
#define EARLY_PART 4
#define EARLY_LEAST 6

/* Up to this many centroids one level is quick enough: README.md. */
#define FLAT_MAX 4000

void
vdb_km_train_defaults(VdbKmTraining *training)
{
	training->spherical = false;
	training->coarse = false;
	training->ntops = vdb_km_tops(training->k);
	training->seeding = VDB_KM_SEED_RANDOM;
	training->iterations = 10;
	training->tolerance = 0.001;
	training->balance = 0.05;
	training->seed = 1;
}

size_t
vdb_km_tops(size_t k)
{
	return k <= FLAT_MAX ? 0 : (size_t) (sqrt((double) k) + 0.5);
}

/* The arrays of a training. */
typedef struct Job
{
	const VdbKmTraining *training;
	VdbKmRun   *run;
	VdbKmArena *arena;
	float	   *centroids;
	float	   *tops;
	uint32_t   *first;
	uint32_t   *pick;			/* two levels: rows by top */
	uint32_t   *top_start;		/* of each in pick, ntops + 1 */
} Job;

static void
take_distinct(VdbKmArena *arena, size_t k, uint32_t **table, uint32_t **found)
{
	*table = vdb_km_take(arena, vdb_km_distinct_table(k), sizeof(uint32_t));
	*found = vdb_km_take(arena, k, sizeof(uint32_t));
}

static void
take_job(VdbKmArena *arena, Job *job, const VdbKmTraining *training)
{
	job->pick = NULL;
	job->top_start = NULL;
	if (training->ntops > 0)
	{
		job->pick = vdb_km_take(arena, training->n, sizeof(uint32_t));
		job->top_start = vdb_km_take(arena, training->ntops + 1, sizeof(uint32_t));
	}
}

/* The stages use the same memory one after the other; the largest come first. */
size_t
vdb_km_train_size(const VdbKmTraining *training, int threads)
{
	VdbKmArena	arena = {0};
	VdbKmLloyd	lloyd;
	uint32_t   *table,
			   *found;
	Job			job;
	size_t		mark;

	take_job(&arena, &job, training);
	mark = arena.used;
	vdb_km_take(&arena, training->n / EARLY_PART, sizeof(uint32_t));
	vdb_km_take_lloyd(&arena, &lloyd, training->n, training->k, training->ntops, training->dim,
					  threads > 1 ? threads : 1);
	arena.used = mark;
	take_distinct(&arena, training->k, &table, &found);
	return arena.peak;
}

static void
start_lloyd(const Job *job, VdbKmLloyd *lloyd, const VdbKmRows *rows, size_t k, uint64_t seed)
{
	memset(lloyd, 0, sizeof(*lloyd));
	lloyd->run = job->run;
	lloyd->rows = *rows;
	lloyd->spherical = job->training->spherical;
	lloyd->coarse = job->training->coarse;
	lloyd->tolerance = job->training->tolerance;
	lloyd->balance = job->training->balance;
	lloyd->random = seed;
	lloyd->unit = vdb_km_unit(rows);
	lloyd->k = k;
}

/* Makes each distinct row a centroid, zero ones only if there are no others. */
static void
put_distinct(VdbKmLloyd *lloyd, const uint32_t *found, size_t nfound)
{
	size_t		dim = lloyd->rows.dim;

	lloyd->k = 0;
	for (size_t i = 0; i < nfound; i++)
	{
		const float *row = vdb_km_row(&lloyd->rows, found[i]);

		if (lloyd->spherical && nfound > 1 && vdb_dist_square(VDB_F32, row, dim) == 0)
			continue;
		vdb_km_put_centroid(lloyd, row, lloyd->k++);
	}
}

/* The first iterations, of which there are at least some; false if stopped. */
static bool
train_early(VdbKmLloyd *lloyd, uint32_t *pick, int iterations, VdbKmReport *report)
{
	VdbKmRows	all = lloyd->rows;
	size_t		k = lloyd->k;
	bool		ok;

	lloyd->rows.pick = pick;
	lloyd->rows.n = all.n / EARLY_PART;
	for (size_t i = 0; i < lloyd->rows.n; i++)
	{
		/* Any of so many: rows may come in a regular order. */
		uint32_t	row = (uint32_t) (i * EARLY_PART + vdb_km_random(&lloyd->random) % EARLY_PART);

		pick[i] = all.pick != NULL ? all.pick[row] : row;
	}
	ok = vdb_km_lloyd(lloyd, iterations, report);
	lloyd->rows = all;
	/* Lists that stayed empty get rows of all of them. */
	lloyd->k = k;
	return ok;
}

/*
 * One level, of some of the rows.  Threads wait for each other several times
 * an iteration, which costs much when others use the processors, too.
 */
static bool
train_rows(Job *job, const VdbKmRows *rows, size_t k, float *centroids, int iterations,
		   uint64_t seed, VdbKmReport *report)
{
	size_t		mark = job->arena->used;
	int			threads = job->run->threads;
	VdbKmLloyd	lloyd;
	uint32_t   *table,
			   *found,
			   *early;
	size_t		nfound;
	bool		ok;

	if ((double) rows->n * (double) k * (double) rows->dim < SMALL_WORK)
		job->run->threads = 1;
	start_lloyd(job, &lloyd, rows, k, seed);
	lloyd.centroids = centroids;
	take_distinct(job->arena, k, &table, &found);
	nfound = vdb_km_distinct(job->run, rows, k, table, found);
	if (job->run->stop)
		return false;			/* and nothing is used any more */
	if (nfound <= k)
		put_distinct(&lloyd, found, nfound);
	job->arena->used = mark;

	early = vdb_km_take(job->arena, rows->n / EARLY_PART, sizeof(uint32_t));
	vdb_km_take_lloyd(job->arena, &lloyd, rows->n, k, 0, rows->dim, job->run->threads);
	report->iterations = 0;
	if (nfound <= k)
		ok = vdb_km_measure(&lloyd, report, false);
	else
	{
		ok = vdb_km_seed(&lloyd, job->training->seeding);
		if (iterations > LATE_ITERATIONS && rows->n / EARLY_PART >= k * EARLY_LEAST)
		{
			ok = ok && train_early(&lloyd, early, iterations - LATE_ITERATIONS, report);
			iterations = LATE_ITERATIONS;
		}
		ok = ok && vdb_km_lloyd(&lloyd, iterations, report);
	}
	job->arena->used = mark;
	job->run->threads = threads;
	return ok;
}

/* Trains the tops on a part of the sample, any of its rows. */
static bool
train_tops(Job *job, size_t *ntops)
{
	const VdbKmTraining *training = job->training;
	size_t		want = training->ntops * ROWS_A_TOP;
	uint64_t	random = training->seed;
	VdbKmReport report;
	VdbKmRows	rows = {.base = training->rows, .n = training->n, .dim = training->dim};

	if (want < training->n)
	{
		rows.pick = job->pick;
		rows.n = 0;
		for (size_t i = 0; rows.n < want; i++)
			if (vdb_km_random_unit(&random) * (double) (training->n - i) < (double) (want - rows.n))
				job->pick[rows.n++] = (uint32_t) i;
	}
	if (!train_rows(job, &rows, training->ntops, job->tops, TOP_ITERATIONS, random, &report))
		return false;
	*ntops = report.k;
	return true;
}

/* Sorts all rows by the top nearest to them. */
static bool
assign_tops(Job *job, size_t ntops)
{
	const VdbKmTraining *training = job->training;
	size_t		mark = job->arena->used;
	VdbKmPacked packed;
	VdbKmScratch scratch;
	VdbKmBook	book = {.dim = training->dim, .k = ntops, .centroids = job->tops};
	VdbKmAssign assign = {
		.packed = &packed,
		.scratch = &scratch,
		.rows = {.base = training->rows, .n = training->n, .dim = training->dim},
		.few = 1,
	};
	bool		ok;

	vdb_km_take_pack(job->arena, &packed, ntops, 0, training->dim);
	vdb_km_take_scratch(job->arena, &scratch, 0, training->dim, 1, job->run->threads);
	assign.index = vdb_km_take(job->arena, training->n, sizeof(uint32_t));
	ok = vdb_km_fill_pack(job->run, &packed, &book, NULL) &&
		vdb_km_assign_rows(job->run, &assign);
	if (ok)
		vdb_km_group(assign.index, training->n, ntops, job->top_start, job->pick);
	job->arena->used = mark;
	return ok;
}

/*
 * Trains the centroids of each top: as many as bring the sum to its share of
 * the rows so far.  A top with few distinct rows leaves some to the next one,
 * which takes no more than twice its own.
 */
static bool
split_tops(Job *job, size_t ntops)
{
	const VdbKmTraining *training = job->training;
	double		ratio = (double) training->k / (double) training->n;
	uint64_t	begin = job->run->done;
	size_t		made = 0;

	for (size_t t = 0; t < ntops; t++)
	{
		size_t		end = (size_t) ((double) job->top_start[t + 1] * ratio + 0.5);
		VdbKmRows	rows = {
			.base = training->rows,
			.pick = job->pick + job->top_start[t],
			.n = job->top_start[t + 1] - job->top_start[t],
			.dim = training->dim,
		};
		size_t		own = (size_t) ((double) rows.n * ratio) + 1;
		size_t		share = end > made ? end - made : 1;
		VdbKmReport report;

		job->first[t] = (uint32_t) made;
		share = share < 2 * own ? share : 2 * own;
		share = share < rows.n ? share : rows.n;
		share = share < training->k - made ? share : training->k - made;
		if (share > 0)
		{
			if (!train_rows(job, &rows, share, job->centroids + made * training->dim,
							training->iterations, training->seed + t + 1, &report))
				return false;
			made += report.k;
		}
		job->run->done = begin + (uint64_t) job->top_start[t + 1] *
			(training->k / ntops) * (uint64_t) (training->iterations + 2);
	}
	job->first[ntops] = (uint32_t) made;
	return true;
}

/* Comparisons of a row and a centroid that a training may take. */
static uint64_t
total_work(const VdbKmTraining *training)
{
	uint64_t	n = training->n,
				passes = (uint64_t) training->iterations + 2,
				k = training->k,
				ntops = training->ntops;

	if (ntops == 0)
		return n * k * passes;
	return ntops * ROWS_A_TOP * ntops * (TOP_ITERATIONS + 2) + n * ntops +
		n * (k / ntops) * passes + n * vdb_km_row_cost(k, ntops) * (JOINT_ITERATIONS + 1);
}

static bool
train_two_levels(Job *job, VdbKmReport *report)
{
	const VdbKmTraining *training = job->training;
	VdbKmRows	rows = {.base = training->rows, .n = training->n, .dim = training->dim};
	VdbKmLloyd	lloyd;
	size_t		ntops;

	if (!train_tops(job, &ntops))
		return false;
	job->run->done = (uint64_t) training->ntops * ROWS_A_TOP * training->ntops * (TOP_ITERATIONS + 2);
	if (!assign_tops(job, ntops) || !split_tops(job, ntops))
		return false;
	start_lloyd(job, &lloyd, &rows, job->first[ntops], training->seed + ntops + 1);
	lloyd.centroids = job->centroids;
	lloyd.ntops = report->ntops = ntops;
	lloyd.tops = job->tops;
	lloyd.first = job->first;
	vdb_km_take_lloyd(job->arena, &lloyd, rows.n, training->k, training->ntops, rows.dim,
					  job->run->threads);
	return vdb_km_lloyd(&lloyd, JOINT_ITERATIONS, report);
}

static bool
in_range(size_t count)
{
	return count > 0 && count <= VDB_KM_MAX_COUNT;
}

VdbKmStatus
vdb_km_train(const VdbKmTraining *training, float *centroids, float *tops, uint32_t *first,
			 VdbKmReport *report, const VdbKmControl *control, void *work)
{
	VdbKmArena	arena = {.base = work};
	VdbKmRun	run;
	Job			job = {
		.training = training,
		.run = &run,
		.arena = &arena,
		.centroids = centroids,
		.tops = tops,
		.first = first,
	};
	VdbKmRows	rows = {.base = training->rows, .n = training->n, .dim = training->dim};
	bool		ok;

	if (!in_range(training->n) || !in_range(training->dim) || !in_range(training->k) ||
		training->ntops > training->k || training->iterations < 0 ||
		(training->ntops > 0 && (tops == NULL || first == NULL)))
		return VDB_KM_INVALID;
	if (training->k > training->n)
		return VDB_KM_TOO_FEW;
	memset(report, 0, sizeof(*report));
	vdb_km_start(&run, control, total_work(training));
	take_job(&arena, &job, training);
	if (training->ntops > 0)
		ok = train_two_levels(&job, report);
	else
		ok = train_rows(&job, &rows, training->k, centroids, training->iterations,
						training->seed, report);
	if (!ok)
		return VDB_KM_STOPPED;
	if (run.control->progress != NULL)
		run.control->progress(run.control->arg, run.total, run.total);
	return VDB_KM_OK;
}
