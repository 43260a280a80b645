/*
 * gemm.h
 *	  Blocks of rows against many centroids at once.
 *
 * The work of k-means: for each of many rows, the nearest of k centroids.  As
 * a product of two matrices it runs at the speed of multiply-adds, because
 * each number that is loaded is used many times; and the n x k matrix of
 * distances is never stored, because the nearest are picked from each tile of
 * it while it is in registers or the first cache.  (Register tiles over packed
 * panels: Goto and van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication", ACM TOMS 2008.)
 *
 * Ranks, not distances: with a scale s and a shift m chosen by the caller,
 * the rank of centroid c for row x is
 *
 *		|sc - m|^2 - 2 <sx - m, sc - m>
 *
 * which is s^2 |x - c|^2 less what does not depend on c.  A scale that brings
 * the longest centroid near 1 keeps the squares in range (a power of two loses
 * nothing), and subtracting a point m amid the scaled centroids keeps digits
 * that data far from the origin would lose.
 * A rank may still be infinite or NaN, for a row that is far longer than all
 * centroids; such a centroid is passed over.
 *
 * Two layouts of floats, both without need of alignment:
 *
 *	- a block of up to VDB_GEMM_BLOCK rows, sx - m, made by pack_rows: cut
 *	  into chunks of equal depth, of at most VDB_GEMM_DEPTH dimensions, that
 *	  the first cache holds;
 *	- panels of `width` centroids each, made by vdb_gemm_pack(): the summands
 *	  |sc - m|^2 of each, then -2(sc - m), dimension by dimension.  The last
 *	  panel is filled up with centroids whose rank is infinite.
 *
 * A coarse one rounds both sides to 8 bits per dimension, each row and each
 * centroid with a step of its own, where the CPU has products of bytes that
 * make it worth it.  A rank is off by some thousandth of |x| |c|: enough for
 * k-means, whose lists have no sharp edges.  Its layouts:
 *
 *	- a block of VdbGemmCoarseRow, vdb_gemm_coarse_stride() bytes apart;
 *	- panels of the summands, then -2 times the steps, then, for each group of
 *	  4 dimensions, 4 bytes of each centroid: the code plus 128.
 */
#ifndef VDB_GEMM_H
#define VDB_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows in a block: a multiple of the rows of every instruction set's tile. */
#define VDB_GEMM_BLOCK 48

/*
 * Dimensions in a chunk, at most, and the floats from one of its rows to the
 * next: the difference keeps the rows of a tile out of each other's way in the
 * cache, and leaves room for a whole register after the last dimension.
 */
#define VDB_GEMM_DEPTH 256
#define VDB_GEMM_STRIDE (VDB_GEMM_DEPTH + 16)

/* Centroids in a panel, at most. */
#define VDB_GEMM_MAX_WIDTH 64

/* The index of no centroid. */
#define VDB_GEMM_NONE UINT32_MAX

typedef struct VdbGemm
{
	uint32_t	width;			/* of the panels that these functions take */
	bool		coarse;			/* then nearest_few is NULL */

	/*
	 * Copies nrows rows of dim floats, times scale and less shift, into a
	 * block of vdb_gemm_block_floats(dim).
	 */
	void		(*pack_rows) (const float *const *rows, size_t nrows, size_t dim,
							  float scale, const float *shift, float *block);

	/*
	 * The nearest of the centroids in npanels panels, the first of which is
	 * number first, for each row of a block.  rank[i] and index[i] hold the
	 * best so far, at the start infinity and VDB_GEMM_NONE; a centroid
	 * replaces it if its rank is less.  Among equals in these panels the
	 * lowest number wins.
	 */
	void		(*nearest) (const float *block, size_t nrows, size_t dim,
							const float *panels, size_t npanels, uint32_t first,
							float *rank, uint32_t *index);

	/*
	 * The nearest few: rank and index have few elements a row, ascending, and
	 * are filled with infinity and VDB_GEMM_NONE at the start.
	 */
	void		(*nearest_few) (const float *block, size_t nrows, size_t dim,
								const float *panels, size_t npanels, uint32_t first,
								size_t few, float *rank, uint32_t *index);
} VdbGemm;

/* Chunks that dim dimensions are cut into, and the depth of all but the last. */
static inline size_t
vdb_gemm_chunks(size_t dim)
{
	return (dim + VDB_GEMM_DEPTH - 1) / VDB_GEMM_DEPTH;
}

static inline size_t
vdb_gemm_depth(size_t dim)
{
	size_t		chunks = vdb_gemm_chunks(dim);

	return (dim + chunks - 1) / chunks;
}

/* Fewer dimensions than this are not for coarse ones. */
#define VDB_GEMM_COARSE_DIM 16

typedef struct VdbGemmCoarseRow
{
	float		step;
	int32_t		start;			/* takes back the 128 in the centroids' codes */
	int8_t		codes[];
} VdbGemmCoarseRow;

/* Groups of 4 dimensions, and bytes from one row of a block to the next. */
static inline size_t
vdb_gemm_coarse_groups(size_t dim)
{
	return (dim + 3) / 4;
}

static inline size_t
vdb_gemm_coarse_stride(size_t dim)
{
	return (sizeof(VdbGemmCoarseRow) + vdb_gemm_coarse_groups(dim) * 4 + 63) / 64 * 64 + 64;
}

/* Floats in a block of rows: coarse ones take less. */
static inline size_t
vdb_gemm_block_floats(size_t dim)
{
	return vdb_gemm_chunks(dim) * VDB_GEMM_BLOCK * VDB_GEMM_STRIDE;
}

/* Panels for n centroids, and floats in one panel. */
static inline size_t
vdb_gemm_panels(const VdbGemm *gemm, size_t n)
{
	return (n + gemm->width - 1) / gemm->width;
}

static inline size_t
vdb_gemm_panel_floats(const VdbGemm *gemm, size_t dim)
{
	return gemm->width * (gemm->coarse ? 2 + vdb_gemm_coarse_groups(dim) : dim + 1);
}

/*
 * Packs n centroids, row after row, into panels.  extra, if not NULL, has a
 * summand for the rank of each, in the scaled unit: a handicap.
 */
extern void vdb_gemm_pack(const VdbGemm *gemm, const float *centroids, size_t n,
						  size_t dim, float scale, const float *shift,
						  const float *extra, float *panels);

#endif							/* VDB_GEMM_H */
