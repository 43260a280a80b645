/*
 * space.h
 *	  The space in which an index compares vectors, and the rows that it holds
 *	  them in.
 *
 * A vector's place in the space is relative to an origin, scaled and rotated;
 * under cosine it was given length 1 before.  A row is what is stored of a
 * vector, in full or with 8, 4, 2 or 1 bits per dimension.  A query estimates
 * distances to rows, and bounds them from below by what cannot fail, or with few bits
 * seldom does.
 */
#ifndef VDB_AM_SPACE_H
#define VDB_AM_SPACE_H

#include "am/common/kind.h"
#include "kernel/kernel.h"
#include "quant/quant.h"

/* What rows hold; the values go to disk. */
typedef enum VdbAmRows
{
	VDB_AM_ROWS_PLAIN = 1,		/* the vector as the table has it */
	VDB_AM_ROWS_RABITQ = 2,		/* 8, 4, 2 or 1 bits per dimension, rotated */
	VDB_AM_ROWS_SQ8 = 3			/* 8 bits per dimension, without rotation */
} VdbAmRows;

/* All that is true of an index's vectors for as long as the index lives. */
typedef struct VdbAmSpace
{
	const VdbAmKind *kind;
	uint32		dim;
	VdbAmRows	rows;
	VdbQuantBits bits;			/* of rabitq rows */
	float		sure;			/* deviations that their bounds are wide */
	VdbMetric	coded_metric;	/* of codes: VDB_L2SQ, or VDB_IP */
	bool		normalized;		/* vectors are scaled to length 1 for codes */
	float		scale;			/* a power of two: see vdb_am_place() */
	uint32		row_size;		/* bytes of a row */
	VdbQuantRotation rotation;
	const float *origin;		/* not rotated, dim floats; zero for VDB_IP */
} VdbAmSpace;

/* Bytes of a row. */
extern uint32 vdb_am_row_size(const VdbAmKind *kind, uint32 dim, VdbAmRows rows,
							  VdbQuantBits bits);

/* Whether rows are vectors as the table has them. */
static inline bool
vdb_am_is_plain(const VdbAmSpace *space)
{
	return space->rows == VDB_AM_ROWS_PLAIN;
}

/*
 * So many standard deviations are never exceeded: the probability is below
 * 2 exp(-VDB_AM_SURE^2 / 2) = 4e-22.
 */
#define VDB_AM_SURE 10

/* Whether bounds of rows cannot fail. */
static inline bool
vdb_am_is_sure(const VdbAmSpace *space)
{
	return space->sure >= VDB_AM_SURE;
}

/* Bytes that a space keeps its signs and its origin in, aligned as palloc() does. */
extern Size vdb_am_space_memory(uint32 dim);

/*
 * Makes a space with an origin of zeroes in memory, which the caller may fill
 * in.  vdb_am_space_move() has it point to a copy of that memory.
 */
extern void vdb_am_space_init(VdbAmSpace *space, const VdbAmKind *kind, uint32 dim,
							  VdbAmRows rows, VdbQuantBits bits, float scale, uint64 seed,
							  void *memory);
extern void vdb_am_space_move(VdbAmSpace *space, void *memory);

/* The version of a format of rows (VDB_QUANT_..._VERSION), for the metapage. */
extern uint8 vdb_am_row_version(VdbAmRows rows);

/* ---- places ---- */

/*
 * A vector's elements as floats, of length 1 under cosine; false if it has no
 * direction but needs one.
 */
extern bool vdb_am_floats(const VdbAmSpace *space, const void *elements, float *floats);

/*
 * Such floats as codes want them: relative to the origin, times the scale, and
 * rotated.  The scale brings the data to a length of about 1, so that neither
 * squares nor half-precision centres leave their range.
 *
 * What is further than VDB_AM_FAR then has no place among the codes: it
 * becomes a vector of that length, and vdb_am_is_far().  floats is changed.
 */
extern void vdb_am_place(const VdbAmSpace *space, float *floats, float *rotated);

#define VDB_AM_FAR 1e15f

static inline bool
vdb_am_is_far(const float *rotated)
{
	return rotated[0] >= VDB_AM_FAR;
}

/* Both.  floats and rotated have dim floats. */
extern bool vdb_am_rotate(const VdbAmSpace *space, const void *elements, float *floats,
						  float *rotated);

/* ---- rows ---- */

/* An estimate below this bounds nothing: the row of a vector that is far. */
#define VDB_AM_NO_BOUND (-1e37f)

/* The factors of a vector that codes cannot hold: it may be anywhere. */
extern void vdb_am_no_bound(VdbQuantRowFactors *factors);

/* What a length of 1 is in the error of factors. */
extern float vdb_am_error_unit(const VdbAmSpace *space);

/* How far what a row of sq8 stands for is from the true vector, at most. */
extern double vdb_am_sq8_error(const VdbAmSpace *space, const VdbQuantSq8Factors *factors);

/*
 * The row of codes of a place, relative to a centre (rotated; NULL is zero).
 * error: how far rotated is from the true vector, at most.  Not for plain rows,
 * which are the elements.  scratch has dim floats.  Pure C, for any thread.
 */
extern void vdb_am_row_encode(const VdbAmSpace *space, const float *rotated,
							  const float *centre, float error, float *scratch, void *row);

/*
 * The same of a place minus the centre, which is not NULL, where that is known
 * already; far: vdb_am_is_far() of the place.  Of rabitq rows only.
 */
extern void vdb_am_row_encode_residual(const VdbAmSpace *space, bool far,
									   const float *residual, const float *centre,
									   float error, void *row);

/*
 * What such a row stands for, and how far that is from the true vector at
 * most; false for a vector that is far.  centre: NULL is zero.
 */
extern bool vdb_am_row_decode(const VdbAmSpace *space, const void *row, const float *centre,
							  float *rotated, float *error);

/* ---- queries ---- */

/* A vector that distances are computed to. */
typedef struct VdbAmQuery
{
	const VdbAmSpace *space;
	void	   *elements;		/* as the operator has it; unaligned never */
	float	   *floats;
	float	   *rotated;		/* its place */
	double		length;			/* of what codes are compared with: floats for
								 * sq8, or else rotated */
	int32	   *sparse_index;	/* of sparse kinds: the query's, then a row's */
	float	   *sparse_value;
	VdbSparse	sparse;			/* the query */
	VdbQuantWeights weights;
	void	   *weights_memory;
	double		most;			/* deviations that an error can have */
	double		rounded;		/* by rounding the query, times rescale */
} VdbAmQuery;

/* Allocates what it needs in the current context. */
extern void vdb_am_query_create(VdbAmQuery *query, const VdbAmSpace *space);

/* A datum that is not NULL becomes the query's elements; checks its dimensions. */
extern void vdb_am_query_take(VdbAmQuery *query, Datum datum);

/* Elements as a plain row has them become the query's. */
extern void vdb_am_query_elements(VdbAmQuery *query, const void *elements);

/*
 * The elements' place, in floats and rotated; false, and no place, for a zero
 * vector under cosine.  vdb_am_is_far() of it is for the caller to ask.
 */
extern bool vdb_am_query_place(VdbAmQuery *query);

/* Where only rotated was filled in: floats, if aiming needs them. */
extern void vdb_am_query_place_floats(VdbAmQuery *query);

/*
 * Makes ready for rows, from what is in rotated, or for sq8 in floats.  (For
 * plain rows the elements are enough.)
 */
extern void vdb_am_query_aim(VdbAmQuery *query);

/*
 * Makes ready to be compared with other rows, whose centre is zero, too, from a
 * row: its elements, or what it stands for.  For vdb_am_query_many() with
 * vdb_am_query_base(), not for bounds; and not all of floats and rotated is
 * filled in.  False, and not ready, for a vector that is far.
 */
extern bool vdb_am_query_row(VdbAmQuery *query, const void *row);

/*
 * Estimates of the distances to rows, anywhere in memory, in the metric of the
 * codes: squares for L2 and cosine, negative inner products; of plain rows what
 * kernels say for the kind's metric.  base: see vdb_quant_tables_aim(); it
 * belongs to the centre of rabitq rows, and is not looked at for others.  What
 * is not a trusted number (vdb_dist_trusted()), or bounds nothing, is -INFINITY.
 */
extern void vdb_am_query_many(VdbAmQuery *query, float base, const void *const *rows, uint32 n,
							  float *estimate);

/* base, where the centre of rows is zero: and gap is the query's length. */
extern float vdb_am_query_base(const VdbAmQuery *query);

/*
 * Lower bounds that cannot fail, in the metric of vdb_am_query_many(), of rows
 * that have no centre: of plain rows, and of sq8 rows.
 */
extern void vdb_am_query_bounds(VdbAmQuery *query, const void *const *rows, uint32 n,
								float *lower);

/*
 * A lower bound of the operator's distance to the vector of a row that cannot
 * fail if vdb_am_is_sure(), or else is as wide as the space says.  base as above, and
 * gap: from the query to the centre, not squared.
 */
extern double vdb_am_query_bound(VdbAmQuery *query, float base, float gap, const void *row);

/* The operator's distance that goes with such an estimate, or vdb_am_query_bounds()'s. */
extern double vdb_am_operator_distance(const VdbAmSpace *space, float estimate);

#endif							/* VDB_AM_SPACE_H */
