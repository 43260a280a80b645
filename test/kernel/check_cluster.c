/*
 * check_cluster.c
 *	  Checks of k-means: its kernels, assignment, training.
 *
 * Prints TAP.  Work memory is exactly as large as the functions say, and ends
 * where the readable memory ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check_cluster.h"
#include "cluster/cluster.h"

/* A slow CPU gets smaller data, and more time. */
#define SLOW (MAX_DIM < 4000)

static int	ntests = 0;
static int	nfailed = 0;

void
result(bool ok, const char *what)
{
	ntests++;
	nfailed += !ok;
	printf("%s %d - %s\n", ok ? "ok" : "not ok", ntests, what);
	fflush(stdout);
}

double
random_unit(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (double) ((state * 2685821657736338717ULL) >> 11) / 9007199254740992.0 * 2 - 1;
}

static size_t
pages(size_t bytes)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

void *
guarded(size_t bytes)
{
	size_t		size = pages(bytes);
	char	   *p = mmap(NULL, size + pages(1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + size, pages(1), PROT_NONE) != 0)
	{
		perror("mmap");
		exit(2);
	}
	return p + size - bytes;
}

void
unguard(void *p, size_t bytes)
{
	munmap((char *) p + bytes - pages(bytes), pages(bytes) + pages(1));
}

/* ---- data ---- */

/* n rows around nclusters points far from each other. */
static float *
make_clusters(size_t n, size_t dim, size_t nclusters, double noise)
{
	float	   *centers = malloc(nclusters * dim * sizeof(float));
	float	   *rows = malloc(n * dim * sizeof(float));

	for (size_t i = 0; i < nclusters * dim; i++)
		centers[i] = (float) random_unit();
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < dim; j++)
			rows[i * dim + j] = centers[i % nclusters * dim + j] + (float) (random_unit() * noise);
	free(centers);
	return rows;
}

static double
distance(const float *a, const float *b, size_t dim)
{
	double		sum = 0;

	for (size_t i = 0; i < dim; i++)
		sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	return sum;
}

bool
finite_all(const float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(fabsf(v[i]) <= FLT_MAX))
			return false;
	return true;
}

/* ---- training, with guarded memory ---- */

typedef struct Trained
{
	VdbKmStatus status;
	VdbKmReport report;
	float	   *centroids;
	float	   *tops;
	uint32_t   *first;
} Trained;

static VdbKmTraining
training_of(const float *rows, size_t n, size_t dim, size_t k)
{
	VdbKmTraining t = {.rows = rows, .n = n, .dim = dim, .k = k};

	vdb_km_train_defaults(&t);
	return t;
}

static Trained
train(const VdbKmTraining *t, const VdbKmControl *control)
{
	size_t		bytes = vdb_km_train_size(t, control != NULL ? control->threads : 1);
	void	   *work = guarded(bytes);
	Trained		result = {
		.centroids = malloc(t->k * t->dim * sizeof(float)),
		.tops = malloc((t->ntops + 1) * t->dim * sizeof(float)),
		.first = malloc((t->ntops + 1) * sizeof(uint32_t)),
	};

	result.status = vdb_km_train(t, result.centroids, result.tops, result.first, &result.report, control, work);
	unguard(work, bytes);
	return result;
}

static void
forget(Trained *t)
{
	free(t->centroids);
	free(t->tops);
	free(t->first);
}

/* Assigns with guarded memory. */
static VdbKmStatus
assign(const VdbKmBook *book, const float *rows, size_t n, size_t few, uint32_t *index,
	   float *dist, const VdbKmControl *control)
{
	size_t		pack = vdb_km_pack_size(book->k, book->ntops, book->dim);
	size_t		bytes = vdb_km_assign_size(book->k, book->ntops, book->dim, few,
										   control != NULL ? control->threads : 1);
	void	   *memory = guarded(pack),
			   *work = guarded(bytes);
	VdbKmPacked packed;
	VdbKmStatus status;

	vdb_km_pack(&packed, book, memory);
	status = vdb_km_assign(&packed, rows, n, few, index, dist, control, work);
	unguard(memory, pack);
	unguard(work, bytes);
	return status;
}

static VdbKmBook
book_of(const Trained *t, size_t dim)
{
	return (VdbKmBook) {dim, t->report.k, t->centroids, t->report.ntops, t->tops, t->first};
}

/* ---- checks ---- */

static bool
check_assign_shape(size_t n, size_t k, size_t dim, size_t few, double offset, const VdbKmControl *control)
{
	float	   *rows = guarded(n * dim * sizeof(float)),
			   *centroids = guarded(k * dim * sizeof(float));
	uint32_t   *index = guarded(n * few * sizeof(uint32_t));
	float	   *dist = guarded(n * few * sizeof(float));
	VdbKmBook	book = {.dim = dim, .k = k, .centroids = centroids};
	bool		ok;

	for (size_t i = 0; i < n * dim; i++)
		rows[i] = (float) (random_unit() + offset);
	for (size_t i = 0; i < k * dim; i++)
		centroids[i] = (float) (random_unit() + offset);
	ok = assign(&book, rows, n, few, index, dist, control) == VDB_KM_OK;
	for (size_t r = 0; r < n && ok; r++)
		for (size_t i = 0; i < few && ok; i++)
		{
			double		d = dist[r * few + i];
			size_t		nearer = 0;

			ok = index[r * few + i] < k && (i == 0 || d >= dist[r * few + i - 1]) &&
				fabs(distance(rows + r * dim, centroids + index[r * few + i] * dim, dim) - d) <= d * 1e-5;
			for (size_t c = 0; c < k; c++)
				nearer += distance(rows + r * dim, centroids + c * dim, dim) < d * (1 - 1e-4);
			ok = ok && nearer <= i;
		}
	if (!ok)
		printf("# n %zu k %zu dim %zu few %zu offset %g\n", n, k, dim, few, offset);
	unguard(rows, n * dim * sizeof(float));
	unguard(centroids, k * dim * sizeof(float));
	unguard(index, n * few * sizeof(uint32_t));
	unguard(dist, n * few * sizeof(float));
	return ok;
}

static void
check_assign(const VdbKmControl *control)
{
	bool		ok = true;

	for (size_t dim = 1; dim <= 70; dim += SLOW ? 23 : 1)
		ok = check_assign_shape(1 + dim * 3, 1 + dim * 5 % 97, dim, 1, 0, control) && ok;
	ok = check_assign_shape(500, 100, 20, 3, 0, control) && ok;
	ok = check_assign_shape(100, 40, 260, 40, 0, control) && ok;
	ok = check_assign_shape(50, 20, SLOW ? 300 : 4099, 1, 0, control) && ok;

	/* digits that |x|^2 - 2<x,c> + |c|^2 would have lost */
	ok = check_assign_shape(200, 50, 30, 1, 1000, control) && ok;
	result(ok, "assignment, against all distances");
}

/* Lists must not depend on a factor that is a power of two, however large. */
static void
check_scale(const VdbKmControl *control)
{
	static const int exponents[] = {60, 63, 64, 100, 120, -60, -80, -100};
	enum
	{
		n = 600,
		dim = 12,
		k = 10
	};
	float	   *rows = make_clusters(n, dim, k, 0.1),
			   *scaled = malloc(n * dim * sizeof(float));
	VdbKmTraining t = training_of(rows, n, dim, k);
	Trained		want = train(&t, control);
	uint32_t	lists[2][n];
	VdbKmBook	book = book_of(&want, dim);
	bool		ok = want.status == VDB_KM_OK && assign(&book, rows, n, 1, lists[0], NULL, control) == VDB_KM_OK;

	for (size_t e = 0; e < sizeof(exponents) / sizeof(exponents[0]) && ok; e++)
	{
		Trained		got;

		for (size_t i = 0; i < n * dim; i++)
			scaled[i] = ldexpf(rows[i], exponents[e]);
		t.rows = scaled;
		got = train(&t, control);
		book = book_of(&got, dim);
		ok = got.status == VDB_KM_OK && got.report.k == want.report.k && finite_all(got.centroids, got.report.k * dim) &&
			assign(&book, scaled, n, 1, lists[1], NULL, control) == VDB_KM_OK &&
			memcmp(lists[0], lists[1], sizeof(lists[0])) == 0;
		if (!ok)
			printf("# times 2^%d\n", exponents[e]);
		forget(&got);
	}
	result(ok, "training, magnitudes whose squares are beyond float");
	forget(&want);
	free(rows);
	free(scaled);
}

/* Rows of all magnitudes together, and rows far longer than all centroids. */
static void
check_mixed(const VdbKmControl *control)
{
	static const float values[] = {0, 1, -1, 1e19f, -1e19f, 3e38f, -3e38f, 1e-30f, 1e-45f, 7e18f, FLT_MAX, -FLT_MAX};
	enum
	{
		n = 500,
		dim = 5,
		k = 20
	};
	float	   *rows = malloc(n * dim * sizeof(float));
	bool		ok = true;

	for (int spherical = 0; spherical < 2; spherical++)
		for (size_t two = 0; two < 2; two++)
		{
			VdbKmTraining t;
			Trained		got;

			for (size_t i = 0; i < n * dim; i++)
				rows[i] = values[(size_t) ((random_unit() + 1) * 6) % 12];
			t = training_of(rows, n, dim, k);
			t.spherical = spherical;
			t.ntops = two ? 4 : 0;
			got = train(&t, control);
			ok = ok && got.status == VDB_KM_OK && got.report.k > 0 && finite_all(got.centroids, got.report.k * dim);
			forget(&got);
		}
	result(ok, "training, rows of all magnitudes");

	ok = true;
	for (size_t i = 0; i < k * dim; i++)
		rows[i] = (float) random_unit() * 1e-20f;
	for (size_t i = 0; i < k * dim; i++)
		rows[k * dim + i] = (float) random_unit() * 1e30f;
	{
		VdbKmBook	book = {.dim = dim, .k = k, .centroids = rows};
		uint32_t	index[k * 3];
		float		dist[k * 3];

		ok = assign(&book, rows + k * dim, k, 3, index, dist, control) == VDB_KM_OK;
		for (size_t i = 0; i < k * 3; i++)
			ok = ok && index[i] < k && !isnan(dist[i]);
	}
	result(ok, "assignment, rows far longer than the centroids");
	free(rows);
}

static void
check_synthetic(const VdbKmControl *control)
{
	enum
	{
		n = 4000,
		dim = 16,
		k = 20
	};
	float	   *rows = make_clusters(n, dim, k, 0.02);
	int			found = 0;
	bool		ok = true;

	for (size_t i = 0; i < n; i++)
	{
		double		norm = sqrt(distance(rows + i * dim, (float[dim]) {0}, dim));

		for (size_t j = 0; j < dim; j++)
			rows[i * dim + j] = (float) (rows[i * dim + j] / norm);
	}
	for (uint64_t seed = 0; seed < 20; seed++)
	{
		VdbKmTraining t = training_of(rows, n, dim, k);
		Trained		got;

		t.spherical = seed % 2 == 0;
		t.seeding = VDB_KM_SEED_SPREAD;
		t.tolerance = 0;
		t.iterations = 30;
		t.seed = seed;
		got = train(&t, control);
		ok = ok && got.status == VDB_KM_OK && got.report.k == k;
		for (size_t c = 0; c < k && t.spherical; c++)
			ok = ok && fabs(distance(got.centroids + c * dim, (float[dim]) {0}, dim) - 1) < 1e-5;

		/* two of the twenty in one list at most; the noise is small */
		ok = ok && got.report.largest <= 2 * n / k && got.report.objective < 0.12;
		found += got.report.largest == n / k && got.report.objective < 1e-3;
		forget(&got);
	}
	printf("# %d of 20 times all clusters\n", found);
	result(ok && found >= 5, "training, finds separate clusters");
	free(rows);
}

/* Is each list of the sample used, and each centroid another? */
static bool
lists_used(const Trained *t, const float *rows, size_t n, size_t dim, const VdbKmControl *control)
{
	uint32_t   *index = malloc(n * sizeof(uint32_t)),
			   *counts = calloc(t->report.k, sizeof(uint32_t));
	VdbKmBook	book = book_of(t, dim);
	bool		ok = assign(&book, rows, n, 1, index, NULL, control) == VDB_KM_OK;

	for (size_t i = 0; i < n && ok; i++)
		counts[index[i]]++;
	for (size_t c = 0; c < t->report.k && ok; c++)
		ok = counts[c] > 0;
	free(index);
	free(counts);
	return ok;
}

static void
check_few_distinct(const VdbKmControl *control)
{
	enum
	{
		n = 3000,
		dim = 9
	};
	float	   *rows = malloc(n * dim * sizeof(float));
	bool		ok = true;

	for (size_t distinct = 1; distinct <= 50; distinct += 7)
		for (size_t two = 0; two < 2; two++)
		{
			VdbKmTraining t = training_of(rows, n, dim, 50);
			Trained		got;

			for (size_t i = 0; i < n * dim; i++)
				rows[i] = i < distinct * dim ? (float) random_unit() : rows[i % (distinct * dim)];
			t.ntops = two ? 7 : 0;
			got = train(&t, control);
			ok = ok && got.status == VDB_KM_OK && got.report.k == distinct &&
				got.report.objective == 0 && lists_used(&got, rows, n, dim, control);
			if (!ok)
				printf("# distinct %zu tops %zu: k %zu objective %g\n", distinct, t.ntops, got.report.k,
					   got.report.objective);
			forget(&got);
		}
	result(ok, "training, fewer distinct rows than centroids");

	/* nine tenths are one row; and steps that shrink, so that lists run empty */
	for (int kind = 0; kind < 2; kind++)
	{
		VdbKmTraining t = training_of(rows, n, dim, 100);
		Trained		got;

		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < dim; j++)
				rows[i * dim + j] = i % 10 != 0 ? 1 : kind == 0 ? (float) random_unit() :
					j == 0 ? powf(0.97f, (float) i / 10) : 1;
		for (int random = 0; random < 2; random++)
		{
			t.seeding = random ? VDB_KM_SEED_RANDOM : VDB_KM_SEED_SPREAD;
			got = train(&t, control);
			ok = ok && got.status == VDB_KM_OK && got.report.k >= (kind ? 90 : 100) &&
				lists_used(&got, rows, n, dim, control);
			if (!ok)
				printf("# kind %d seeding %d: k %zu\n", kind, random, got.report.k);
			forget(&got);
		}
	}
	result(ok, "training, no list is empty though most rows are equal");
	free(rows);
}

static void
check_limits(const VdbKmControl *control)
{
	enum
	{
		n = 300,
		dim = 7
	};
	float	   *rows = make_clusters(n, dim, 300, 0);
	VdbKmTraining t = training_of(rows, n, dim, 1);
	Trained		got = train(&t, control);
	double		mean = 0;
	bool		ok = got.status == VDB_KM_OK && got.report.k == 1 && got.report.largest == n;

	for (size_t i = 0; i < n; i++)
		mean += rows[i * dim] / n;
	result(ok && fabs(got.centroids[0] - mean) < 1e-5, "training, one centroid is the mean");
	forget(&got);

	t.k = n;
	got = train(&t, control);
	result(got.status == VDB_KM_OK && got.report.k == n && got.report.objective == 0, "training, a centroid a row");
	forget(&got);

	t.k = n + 1;
	got = train(&t, control);
	ok = got.status == VDB_KM_TOO_FEW;
	forget(&got);
	t.k = 10;
	t.ntops = 11;
	got = train(&t, control);
	ok = ok && got.status == VDB_KM_INVALID;
	forget(&got);
	t.ntops = 0;
	t.dim = 0;
	ok = ok && vdb_km_train(&t, NULL, NULL, NULL, NULL, NULL, NULL) == VDB_KM_INVALID;
	t.dim = dim;
	t.k = 0;
	ok = ok && vdb_km_train(&t, NULL, NULL, NULL, NULL, NULL, NULL) == VDB_KM_INVALID;
	t.k = t.n = 0;
	ok = ok && vdb_km_train(&t, NULL, NULL, NULL, NULL, NULL, NULL) == VDB_KM_INVALID;
	result(ok, "training, counts out of range");
	free(rows);
}

static void
check_spherical_zeroes(const VdbKmControl *control)
{
	enum
	{
		n = 400,
		dim = 6
	};
	float	   *rows = make_clusters(n, dim, 30, 0.1);
	VdbKmTraining t = training_of(rows, n, dim, 12);
	Trained		got;
	bool		ok;

	t.spherical = true;
	for (size_t i = 0; i < n; i++)
		if (i % 3 != 0)
			memset(rows + i * dim, 0, dim * sizeof(float));
	got = train(&t, control);
	ok = got.status == VDB_KM_OK && got.report.k == 12;
	for (size_t c = 0; c < got.report.k; c++)
		ok = ok && fabs(distance(got.centroids + c * dim, (float[dim]) {0}, dim) - 1) < 1e-5;
	forget(&got);
	memset(rows, 0, n * dim * sizeof(float));
	got = train(&t, control);
	ok = ok && got.status == VDB_KM_OK && got.report.k == 1 && got.centroids[0] == 0;
	forget(&got);
	result(ok, "training, spherical with rows of zeroes");
	free(rows);
}

static bool
same(const Trained *a, const Trained *b, size_t dim)
{
	return a->status == VDB_KM_OK && b->status == VDB_KM_OK && a->report.k == b->report.k &&
		a->report.ntops == b->report.ntops && a->report.objective == b->report.objective &&
		memcmp(a->centroids, b->centroids, a->report.k * dim * sizeof(float)) == 0 &&
		memcmp(a->tops, b->tops, a->report.ntops * dim * sizeof(float)) == 0 &&
		(a->report.ntops == 0 ||
		 memcmp(a->first, b->first, (a->report.ntops + 1) * sizeof(uint32_t)) == 0);
}

static void
check_threads(void)
{
	size_t		n = SLOW ? 3000 : 20000,
				dim = 24,
				k = SLOW ? 60 : 300;
	float	   *rows = make_clusters(n, dim, 200, 0.4);
	bool		ok = true;

	for (int kind = 0; kind < 6; kind++)
	{
		VdbKmTraining t = training_of(rows, n, dim, k);
		Trained		one,
					other;

		t.spherical = kind % 2 == 1;
		t.ntops = kind >= 4 ? 12 : 0;
		t.balance = kind >= 2 ? 0.05 : 0;
		t.seed = (uint64_t) kind + 5;
		one = train(&t, NULL);
		for (int threads = 2; threads <= 5; threads += 3)
		{
			other = train(&t, &(VdbKmControl) {.threads = threads});
			ok = ok && same(&one, &other, dim);
			forget(&other);
		}
		t.seed++;
		other = train(&t, NULL);
		ok = ok && !same(&one, &other, dim);
		forget(&one);
		forget(&other);
	}
	result(ok, "training, the same with any number of threads, another with another seed");
	free(rows);
}

static void
check_two_levels(const VdbKmControl *control)
{
	size_t		n = SLOW ? 3000 : 30000,
				dim = 16,
				k = SLOW ? 100 : 900;
	float	   *rows = make_clusters(n, dim, 500, 0.3);
	VdbKmTraining t = training_of(rows, n, dim, k);
	Trained		flat,
				two;
	uint32_t   *exact = malloc(n * 3 * sizeof(uint32_t)),
			   *index = malloc(n * 3 * sizeof(uint32_t));
	float	   *dist = malloc(n * 3 * sizeof(float));
	size_t		hits = 0;
	bool		ok;

	flat = train(&t, control);
	t.ntops = (size_t) sqrt((double) k);
	two = train(&t, control);
	ok = two.status == VDB_KM_OK && two.report.k > k * 99 / 100 && two.report.ntops == t.ntops &&
		two.first[0] == 0 && two.first[t.ntops] == two.report.k &&
		two.report.objective < flat.report.objective * 1.05 && lists_used(&two, rows, n, dim, control);
	printf("# objective %g, in one level %g\n", two.report.objective, flat.report.objective);
	if (ok)
	{
		VdbKmBook	book = book_of(&two, dim);

		ok = assign(&book, rows, n, 3, index, dist, control) == VDB_KM_OK;
		book.ntops = 0;
		ok = ok && assign(&book, rows, n, 3, exact, NULL, control) == VDB_KM_OK;
		for (size_t i = 0; i < n * 3 && ok; i++)
		{
			hits += index[i] == exact[i];
			ok = index[i] < book.k && (i % 3 == 0 || dist[i] >= dist[i - 1]);
		}
	}
	printf("# %.4f of the nearest three found\n", (double) hits / (double) n / 3);
	result(ok && hits > n * 3 * 9 / 10, "two levels, about as good as one");
	forget(&flat);
	forget(&two);
	free(rows);
	free(exact);
	free(index);
	free(dist);
}

/* ---- callbacks ---- */

typedef struct Watch
{
	int			calls,
				stop_at;
	double		cpu,			/* of this thread, when last called */
				longest,
				stopped;
	uint64_t	done,
				total;
	bool		bad;
} Watch;

static double
clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static bool
watch_interrupt(void *arg)
{
	Watch	   *w = arg;
	double		cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);

	if (w->calls++ > 0 && cpu - w->cpu > w->longest)
		w->longest = cpu - w->cpu;
	w->cpu = cpu;
	if (w->stop_at > 0 && w->calls >= w->stop_at)
	{
		w->bad = w->bad || w->stopped > 0;
		w->stopped = clock_of(CLOCK_MONOTONIC);
		return true;
	}
	return false;
}

static void
watch_progress(void *arg, uint64_t done, uint64_t total)
{
	Watch	   *w = arg;

	w->bad = w->bad || done < w->done || done > total || (w->total != 0 && total != w->total);
	w->done = done;
	w->total = total;
}

static void
check_callbacks(int threads)
{
	size_t		n = SLOW ? 3000 : 20000,
				dim = SLOW ? 20 : 300,
				k = SLOW ? 50 : 1000;
	float	   *rows = make_clusters(n, dim, 2000, 0.3);
	bool		ok = true;
	double		limit = SLOW ? 2 : 0.1;
	double		longest = 0;
	char		what[100];

	for (size_t two = 0; two < 2; two++)
		for (int stop_at = 0; stop_at <= 30; stop_at += stop_at < 2 ? 1 : 7)
		{
			Watch		w = {.stop_at = stop_at};
			VdbKmControl control = {threads, watch_interrupt, watch_progress, &w};
			VdbKmTraining t = training_of(rows, n, dim, k);
			Trained		got;

			t.ntops = two ? 20 : 0;
			t.iterations = 4;
			w.cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
			got = train(&t, &control);
			if (got.status == VDB_KM_STOPPED)
			{
				double		took = clock_of(CLOCK_MONOTONIC) - w.stopped;

				ok = ok && stop_at > 0 && took < limit;
				if (took >= limit)
					printf("# took %g s to stop\n", took);
			}
			else
				ok = ok && (stop_at == 0 || w.calls < stop_at) && w.done == w.total && w.total > 0;
			ok = ok && !w.bad && w.calls > 0;
			if (w.longest > longest)
				longest = w.longest;
			forget(&got);
		}
	printf("# longest time between calls: %.1f ms\n", longest * 1e3);
	snprintf(what, sizeof(what), "callbacks with %d threads: often, and an end at once", threads);
	result(ok && (SLOW || longest < 0.05), what);
	free(rows);
}

int
main(void)
{
	VdbKmControl two = {.threads = 2};

	for (int isa = 0; vdb_kernel_name(isa) != NULL; isa++)
	{
		VdbKernels	k;

		if (!vdb_kernel_get(isa, &k))
			continue;
		check_gemm(&k);
		vdb_kernel_select(isa);
		check_assign(&two);
		check_scale(&two);
	}
	check_assign(NULL);
	check_mixed(&two);
	check_synthetic(&two);
	check_few_distinct(&two);
	check_limits(&two);
	check_spherical_zeroes(&two);
	check_threads();
	check_two_levels(&two);
	check_callbacks(1);
	check_callbacks(2);
	check_nearest();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
