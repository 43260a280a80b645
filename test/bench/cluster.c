/*
 * cluster.c
 *	  How long k-means takes, and how good it is.
 *
 *	cluster DATA.npy [NAME=VALUE...]
 *
 * DATA.npy holds uint8 or float32 vectors.  Prints one line of NAME=VALUE with
 * what was asked and found: seconds for training on the sample and for
 * assigning all vectors, the mean distance of each, the largest list over the
 * mean.  queries=FILE.npy adds the recall of the ten nearest at equal shares of
 * the vectors compared.  test/bench/run-cluster builds and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cluster/cluster.h"

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void *
need(void *p)
{
	if (p == NULL)
	{
		perror("cluster");
		exit(2);
	}
	return p;
}

/* A .npy file of two dimensions, as floats. */
static float *
read_npy(const char *name, size_t *n, size_t *dim)
{
	FILE	   *f = need(fopen(name, "rb"));
	unsigned char head[10];
	char		text[4096] = {0};
	bool		bytes;
	float	   *v;

	if (fread(head, 1, 10, f) != 10 || fread(text, 1, head[8] + head[9] * 256U, f) < 10 ||
		sscanf(need(strstr(text, "'shape': (")), "'shape': (%zu, %zu", n, dim) != 2)
		exit(2);
	bytes = strstr(text, "'|u1'") != NULL;
	if (!bytes && strstr(text, "'<f4'") == NULL)
		exit(2);
	v = need(malloc(*n * *dim * sizeof(float)));
	if (fread(v, bytes ? 1 : 4, *n * *dim, f) != *n * *dim)
		exit(2);
	for (size_t i = bytes ? *n * *dim : 0; i-- > 0;)
		v[i] = ((unsigned char *) v)[i];
	fclose(f);
	return v;
}

typedef struct Options
{
	size_t		k,
				sample,
				n;
	int			threads;
	const char *queries;
} Options;

static void
parse(int argc, char **argv, Options *o, VdbKmTraining *t)
{
	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 2; i < argc; i++)
		{
			const char *value = need(strchr(argv[i], '='));
			size_t		length = (size_t) (value++ - argv[i]);

#define IS(name) (length == strlen(name) && strncmp(argv[i], name, length) == 0)
			if (IS("k"))
				t->k = o->k = strtoul(value, NULL, 10);
			else if (IS("sample"))
				o->sample = strtoul(value, NULL, 10);
			else if (IS("n"))
				o->n = strtoul(value, NULL, 10);
			else if (IS("threads"))
				o->threads = atoi(value);
			else if (IS("iterations"))
				t->iterations = atoi(value);
			else if (IS("tolerance"))
				t->tolerance = atof(value);
			else if (IS("balance"))
				t->balance = atof(value);
			else if (IS("seed"))
				t->seed = strtoul(value, NULL, 10);
			else if (IS("tops"))
				t->ntops = strtoul(value, NULL, 10);
			else if (IS("random"))
				t->seeding = atoi(value) ? VDB_KM_SEED_RANDOM : VDB_KM_SEED_SPREAD;
			else if (IS("spherical"))
				t->spherical = atoi(value) != 0;
			else if (IS("queries"))
				o->queries = value;
			else if (IS("simd"))
				vdb_kernel_select(atoi(value));
			else
				exit(2);
		}
		if (pass == 0)
			vdb_km_train_defaults(t);
	}
}

/*
 * Recall of the ten nearest when whole lists are searched, the nearest first,
 * until a share of the vectors has been compared (the last list in part).
 */
static void
print_recall(const char *file, const float *rows, size_t n, size_t dim, const float *centroids,
			 size_t k, const uint32_t *list, const uint32_t *counts)
{
	static const double shares[] = {0.005, 0.01, 0.02, 0.05};
	size_t		nq,
				qdim;
	float	   *queries = read_npy(file, &nq, &qdim);
	uint32_t   *order = need(malloc(k * sizeof(uint32_t))),
			   *index = need(malloc(10 * sizeof(uint32_t)));
	double	   *before = need(malloc(k * sizeof(double)));
	void	   *work = need(malloc(vdb_km_nearest_size(n > k ? n : k, 10) + vdb_km_nearest_size(k, k)));
	double		found[4] = {0};

	nq = nq < 500 ? nq : 500;
	for (size_t q = 0; q < nq; q++)
	{
		double		sum = 0;

		vdb_km_nearest(VDB_L2SQ, queries + q * dim, rows, n, dim, 10, index, NULL, work);
		vdb_km_nearest(VDB_L2SQ, queries + q * dim, centroids, k, dim, k, order, NULL, work);
		for (size_t i = 0; i < k; i++)
		{
			before[order[i]] = sum;
			sum += counts[order[i]];
		}
		for (int s = 0; s < 4; s++)
			for (int i = 0; i < 10; i++)
			{
				double		part = (shares[s] * (double) n - before[list[index[i]]]) / counts[list[index[i]]];

				found[s] += part < 0 ? 0 : part > 1 ? 1 : part;
			}
	}
	for (int s = 0; s < 4; s++)
		printf(" recall@%g%%=%.4f", shares[s] * 100, found[s] / (double) nq / 10);
}

/* Assigns all vectors, says how it went, and counts the lists. */
static void
assign_all(const VdbKmBook *book, const float *rows, size_t n, int threads,
		   uint32_t *list, uint32_t *counts)
{
	size_t		pack_bytes = vdb_km_pack_size(book->k, book->ntops, book->dim);
	char	   *work = need(malloc(pack_bytes + vdb_km_assign_size(book->k, book->ntops, book->dim, 1, threads)));
	float	   *dist = need(malloc(n * sizeof(float)));
	VdbKmPacked packed;
	size_t		largest = 0;
	double		sum = 0,
				started;

	/* memory that has not been touched costs time */
	memset(list, 1, n * sizeof(uint32_t));
	memset(dist, 1, n * sizeof(float));
	started = now();
	vdb_km_pack(&packed, book, work);
	if (vdb_km_assign(&packed, rows, n, 1, list, dist, &(VdbKmControl) {.threads = threads},
					  work + pack_bytes) != VDB_KM_OK)
		exit(1);
	printf(" assign_s=%.3f", now() - started);
	for (size_t i = 0; i < n; i++)
	{
		sum += dist[i];
		counts[list[i]]++;
	}
	for (size_t c = 0; c < book->k; c++)
		largest = counts[c] > largest ? counts[c] : largest;
	printf(" objective=%.6g max/mean=%.2f", sum / (double) n,
		   (double) largest * (double) book->k / (double) n);
	free(work);
	free(dist);
}

int
main(int argc, char **argv)
{
	Options		o = {.k = 600, .sample = 60000, .threads = 1};
	VdbKmTraining t = {.k = 600};
	VdbKmReport report;
	VdbKmControl control = {0};
	size_t		n,
				dim,
				size;
	float	   *rows,
			   *centroids,
			   *tops;
	uint32_t   *first,
			   *list,
			   *counts;
	void	   *work;
	double		started,
				trained;

	if (argc < 2)
		return 2;
	vdb_kernel_select(vdb_kernel_best());
	parse(argc, argv, &o, &t);
	rows = read_npy(argv[1], &n, &dim);
	n = o.n > 0 && o.n < n ? o.n : n;
	t.rows = rows;
	t.dim = dim;

	/* the sample: rows at even steps, next to each other */
	t.n = o.sample < n ? o.sample : n;
	if (t.n < n)
	{
		float	   *sample = need(malloc(t.n * dim * sizeof(float)));

		for (size_t i = 0; i < t.n; i++)
			memcpy(sample + i * dim, rows + i * n / t.n * dim, dim * sizeof(float));
		t.rows = sample;
	}
	control.threads = o.threads;
	centroids = need(malloc(t.k * dim * sizeof(float)));
	tops = need(malloc((t.ntops + 1) * dim * sizeof(float)));
	first = need(malloc((t.ntops + 1) * sizeof(uint32_t)));
	size = vdb_km_train_size(&t, o.threads);
	work = need(malloc(size));
	memset(work, 1, size);
	started = now();
	if (vdb_km_train(&t, centroids, tops, first, &report, &control, work) != VDB_KM_OK)
		return 1;
	trained = now() - started;
	free(work);
	printf("isa=%s n=%zu dim=%zu sample=%zu k=%zu tops=%zu threads=%d iterations=%d train_s=%.3f "
		   "train_mb=%.1f sample_objective=%.6g", vdb_kernel.name, n, dim, t.n, report.k, report.ntops,
		   o.threads, report.iterations, trained, (double) size / 1e6, report.objective);

	list = need(malloc(n * sizeof(uint32_t)));
	counts = need(calloc(report.k, sizeof(uint32_t)));
	assign_all(&(VdbKmBook) {dim, report.k, centroids, report.ntops, tops, first}, rows, n, o.threads,
			   list, counts);
	if (o.queries != NULL)
		print_recall(o.queries, rows, n, dim, centroids, report.k, list, counts);
	printf("\n");
	return 0;
}
