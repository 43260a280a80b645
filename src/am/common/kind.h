/*
 * kind.h
 *	  What an index is over: the type of its vectors, and their distance.
 *
 * An operator class names its kind by its only support function, which
 * returns a pointer to one of the descriptions here.
 */
#ifndef VDB_AM_KIND_H
#define VDB_AM_KIND_H

#include "utils/rel.h"

#include "types/types.h"

/* Vectors' only support function: (internal) returns internal, a VdbAmKind. */
#define VDB_AM_KIND_PROC 1

/* Vectors' only operator: the distance to order by. */
#define VDB_AM_DISTANCE_STRATEGY 1

/* The most bits of a bit string in an index, as in pgvector. */
#define VDB_AM_BIT_MAX_DIM 64000

typedef struct VdbAmKind
{
	const char *name;			/* of the SQL type, for messages */
	const VdbDenseType *type;	/* of sparsevec: vector; NULL for bit */
	VdbElem		elem;			/* of sparsevec: of its values */
	VdbMetric	metric;			/* of the kernels: VDB_L2SQ where SQL has L2 */
	bool		sparse;
	int			max_dim;		/* most dimensions that an index takes */
} VdbAmKind;

/* A vector in an index column's value, dense. */
typedef struct VdbAmVector
{
	int			dim;
	const void *elements;		/* of any alignment; NULL for a sparse vector of
								 * more dimensions than a dense one has */
	void	   *copy;			/* what elements points into if not the datum, or NULL */
} VdbAmVector;

/*
 * What the index's first column is over; an error if that is no vector.  Only
 * the first call for a relcache entry looks it up.
 */
extern const VdbAmKind *vdb_am_kind(Relation index);

/*
 * The vector in a datum that is not NULL, detoasted in the current context
 * where need be, its header checked.  A sparse one is given its zeroes.
 */
extern void vdb_am_vector(const VdbAmKind *kind, Datum datum, VdbAmVector *vector);
extern void vdb_am_vector_free(VdbAmVector *vector);

/* Bytes of a dense vector's elements; bits fill whole bytes. */
static inline Size
vdb_am_bytes(const VdbAmKind *kind, int dim)
{
	return kind->type != NULL ? (Size) dim * kind->type->elem_size : ((Size) dim + 7) / 8;
}

/* The elements of a dense vector as dim floats; bits are 0 and 1. */
extern void vdb_am_to_floats(const VdbAmKind *kind, const void *elements, int dim, float *out);

/*
 * What the distance operator returns, from what the kernel for kind->metric
 * does: they differ where the kernel leaves out the root.
 */
static inline double
vdb_am_from_metric(const VdbAmKind *kind, double d)
{
	return kind->metric == VDB_L2SQ ? sqrt(d) : d;
}

/*
 * The distance of two vectors of dim elements (for sparse kinds, of two
 * VdbSparse), the same double that the SQL operator returns.
 */
extern double vdb_am_distance(const VdbAmKind *kind, const void *a, const void *b, int dim);

/*
 * A dense vector of dim floats as a sparse one again, as it was.  index and
 * value have room for dim elements and keep them.
 */
extern void vdb_am_to_sparse(const float *x, int dim, int32 *index, float *value, VdbSparse *out);

/*
 * Number of dimensions of the index's first column.  Raises an error where the
 * column's type does not tell, or tells more than an index takes; of sparse
 * vectors, it takes most_sparse dimensions.
 */
extern int	vdb_am_index_dim(Relation index, int most_sparse);

/*
 * Whether an index of so many dimensions can be of its first column: damage is
 * told from that.  ALTER TABLE keeps an index when the column's type says nothing
 * any more, or a varbit becomes longer.
 */
extern bool vdb_am_dim_fits(Relation index, uint32 dim);

/*
 * Raises the error of the SQL operator for a vector of another number of
 * dimensions than the index has.  The type of the column keeps them out,
 * unless it is varbit, whose modifier is only an upper bound; a query may have
 * any.
 */
extern void vdb_am_check_dim(const VdbAmKind *kind, int index_dim, int dim);

#endif							/* VDB_AM_KIND_H */
