/*
 * check_split.c
 *	  Checks of the nearest centroids of one query, and of splitting a list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_cluster.h"
#include "cluster/cluster.h"

/* ---- one query ---- */

void
check_nearest(void)
{
	static const size_t ks[] = {1, 2, 17, 255, 256, 257, 1000, 5000};
	enum
	{
		dim = 10
	};
	bool		ok = true;

	for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++)
		for (int kind = 0; kind < 3; kind++)
		{
			size_t		k = ks[i];
			size_t		ps[] = {1, k < 10 ? k : 10, k / 3 + 1, k};
			float	   *rows = guarded(k * dim * sizeof(float));
			float		query[dim];
			VdbMetric	metric = kind == 1 ? VDB_IP : VDB_L2SQ;

			for (size_t j = 0; j < k * dim; j++)
				rows[j] = kind == 2 ? (float) ((int) (random_unit() * 2)) * 1e25f : (float) random_unit();
			for (size_t j = 0; j < dim; j++)
				query[j] = (float) random_unit();
			for (int pi = 0; pi < 4; pi++)
			{
				size_t		p = ps[pi];
				size_t		bytes = vdb_km_nearest_size(k, p);
				void	   *work = guarded(bytes);
				uint32_t   *index = guarded(p * sizeof(uint32_t));
				float	   *dist = guarded(p * sizeof(float));
				size_t		nearer = 0;

				vdb_km_nearest(metric, query, rows, k, dim, p, index, dist, work);
				for (size_t j = 0; j < p; j++)
				{
					float		d = (float) vdb_dist(VDB_F32, metric, query, rows + index[j] * dim, dim);

					ok = ok && index[j] < k && (d == dist[j] || fabsf(d - dist[j]) <= 1e-5f * (fabsf(d) + 1)) &&
						(j == 0 || dist[j] > dist[j - 1] || (dist[j] == dist[j - 1] && index[j] > index[j - 1]));
				}
				for (size_t c = 0; c < k; c++)
					nearer += (float) vdb_dist(VDB_F32, metric, query, rows + c * dim, dim) < dist[p - 1] - 1e-5f;
				ok = ok && nearer < p;
				if (!ok)
					printf("# k %zu p %zu kind %d\n", k, p, kind);
				unguard(work, bytes);
				unguard(index, p * sizeof(uint32_t));
				unguard(dist, p * sizeof(float));
			}
			unguard(rows, k * dim * sizeof(float));
		}
	result(ok, "the nearest centroids of one query");
}

/* ---- splitting ---- */

static bool
split_well(const float *const *rows, size_t n, size_t dim, bool spherical)
{
	size_t		bytes = vdb_km_split_size(n, dim);
	void	   *work = guarded(bytes);
	uint8_t    *side = guarded(2 * n);
	float	   *centroids = malloc(4 * dim * sizeof(float));
	size_t		ones = 0,
				least = n / 4 > 0 ? n / 4 : 1;
	bool		ok = vdb_km_split(rows, n, dim, spherical, 7, side, centroids, NULL, work) == VDB_KM_OK &&
		vdb_km_split(rows, n, dim, spherical, 7, side + n, centroids + 2 * dim, NULL, work) == VDB_KM_OK &&
		memcmp(side, side + n, n) == 0 && memcmp(centroids, centroids + 2 * dim, 2 * dim * sizeof(float)) == 0 &&
		finite_all(centroids, 2 * dim);

	for (size_t i = 0; i < n; i++)
	{
		ok = ok && side[i] <= 1;
		ones += side[i];
	}
	unguard(work, bytes);
	unguard(side, 2 * n);
	free(centroids);
	return ok && ones >= least && n - ones >= least;
}

void
check_split(void)
{
	enum
	{
		most = 2000,
		dim = 11
	};
	static const size_t counts[] = {2, 3, 4, 5, 7, 8, 50, 333, most};
	float	   *rows = malloc(most * dim * sizeof(float));
	const float *pointers[most];
	bool		ok = true;

	for (int kind = 0; kind < 5; kind++)
		for (size_t i = 0; i < 9; i++)
			for (int spherical = 0; spherical < 2; spherical++)
			{
				for (size_t r = 0; r < most; r++)
				{
					pointers[r] = rows + r * dim;
					for (size_t j = 0; j < dim; j++)
						rows[r * dim + j] = kind == 0 ? (float) random_unit() : kind == 1 ? 3 :
							kind == 2 ? (r == 1 ? 5 : 1) : kind == 3 ? (float) random_unit() * 1e30f : 0;
				}
				ok = ok && split_well(pointers, counts[i], dim, spherical);
				if (!ok)
					printf("# kind %d n %zu spherical %d\n", kind, counts[i], spherical);
			}
	result(ok, "splitting, neither side empty or too small");

	/* two clusters of unequal size come apart */
	ok = true;
	{
		size_t		bytes = vdb_km_split_size(most, dim);
		void	   *work = malloc(bytes);
		uint8_t		side[most];
		float		centroids[2 * dim];

		for (size_t r = 0; r < most; r++)
			for (size_t j = 0; j < dim; j++)
				rows[r * dim + j] = (float) (random_unit() + (r % 3 == 0 ? 4 : 0));
		for (uint64_t seed = 0; seed < 10; seed++)
		{
			ok = ok && vdb_km_split(pointers, most, dim, false, seed, side, centroids, NULL, work) == VDB_KM_OK;
			for (size_t r = 0; r < most; r++)
				ok = ok && side[r] == side[r % 3 == 0 ? 0 : 1] && side[0] != side[1];
		}
		ok = ok && vdb_km_split(pointers, 1, dim, false, 0, side, centroids, NULL, work) == VDB_KM_INVALID;
		free(work);
	}
	result(ok, "splitting, two clusters come apart");
	free(rows);
}
