/*
 * check_nearest.c
 *	  Checks of the nearest centroids of one query.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_cluster.h"
#include "cluster/cluster.h"

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
