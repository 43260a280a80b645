/*
 * gemm.c
 *	  The panels of centroids, and the reference for what is done with them.
 *
 * The reference has registers of one double, as scalar.c has.
 */
#include "kernel/kernel_isa.h"

#include <string.h>

/* A centroid of a coarse panel; NULL fills up the last panel. */
static void
pack_coarse(const float *c, size_t width, size_t lane, size_t dim, float scale,
			const float *shift, float extra, float *panel)
{
	uint8_t    *codes = (uint8_t *) (panel + 2 * width);
	float		largest = 0,
				step,
				inverse;
	double		square = c == NULL ? INFINITY : extra;

	for (size_t i = 0; i < dim && c != NULL; i++)
	{
		float		x = fabsf(c[i] * scale - shift[i]);

		largest = x > largest ? x : largest;
	}
	step = largest / 127;
	inverse = step > 0 ? 127 / largest : 0;
	for (size_t i = 0; i < vdb_gemm_coarse_groups(dim) * 4; i++)
	{
		float		x = i < dim && c != NULL ? (c[i] * scale - shift[i]) * inverse : 0;
		int			code = (int) (x + (x < 0 ? -0.5f : 0.5f));

		codes[(i / 4 * width + lane) * 4 + i % 4] = (uint8_t) (code + 128);

		/* of what the code stands for: then near ranks are off by less */
		square += (double) (code * step) * (code * step);
	}
	panel[lane] = (float) square;
	panel[width + lane] = -2 * step;
}

void
vdb_gemm_pack(const VdbGemm *gemm, const float *centroids, size_t n, size_t dim,
			  float scale, const float *shift, const float *extra, float *panels)
{
	size_t		width = gemm->width;

	for (size_t first = 0; first < n; first += width)
	{
		float	   *panel = panels + first / width * vdb_gemm_panel_floats(gemm, dim);

		for (size_t lane = 0; lane < width; lane++)
		{
			const float *c = centroids + (first + lane) * dim;
			double		square = INFINITY;

			if (gemm->coarse)
			{
				pack_coarse(first + lane < n ? c : NULL, width, lane, dim, scale, shift,
							extra != NULL && first + lane < n ? extra[first + lane] : 0, panel);
				continue;
			}
			if (first + lane < n)
			{
				square = extra != NULL ? extra[first + lane] : 0;
				for (size_t i = 0; i < dim; i++)
				{
					float		x = c[i] * scale - shift[i];

					square += (double) x * x;
					panel[(i + 1) * width + lane] = -2 * x;
				}
			}
			else
				for (size_t i = 0; i < dim; i++)
					panel[(i + 1) * width + lane] = 0;
			panel[lane] = (float) square;
		}
	}
}

VDB_INLINE double
load_scalar(const float *p)
{
	return *p;
}

VDB_INLINE double
all_scalar(float x)
{
	return x;
}

VDB_INLINE double
fma_scalar(double acc, double x, double y)
{
	return acc + x * y;
}

VDB_INLINE uint32_t
count_scalar(uint32_t first)
{
	return first;
}

VDB_INLINE void
keep_scalar(double *best, uint32_t *at, double v, uint32_t i)
{
	if (v < *best)
	{
		*best = v;
		*at = i;
	}
}

VDB_INLINE unsigned
below_scalar(double v, double limit)
{
	return v < limit;
}

VDB_INLINE void
shift_scalar(const float *from, float scale, const float *shift, size_t n, float *to)
{
	(void) n;
	*to = *from * scale - *shift;
}

#define store_lanes_scalar(v, out) (*(out) = (float) (v))
#define store_index_scalar(v, out) (*(out) = (v))

#define BODY(name) name##_gemm_scalar
#define VEC double
#define IVEC uint32_t
#define LANES 1
#define ROWS 4
#define VECS 4
#define OP(name) name##_scalar
#include "kernel/gemm_body.h"

const VdbGemm vdb_gemm_scalar = GEMM_TABLE(scalar, 4);
