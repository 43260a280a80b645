/*
 * types.h
 *	  What the rest of vecdb may do with vectors.
 *
 * The dense types (vector, halfvec, int8vec) differ only by their elements:
 * each is described by a VdbDenseType, and every function over them is
 * written once, against that.
 */
#ifndef VDB_TYPES_H
#define VDB_TYPES_H

#include "fmgr.h"
#include "utils/array.h"

#include "compat/compat.h"
#include "heap/heap.h"
#include "kernel/kernel.h"
#include "types/types_format.h"

/* Elements are worked on as floats, this many at a time. */
#define VDB_CHUNK 256

typedef struct VdbDenseType
{
	const char *name;			/* SQL name */
	VdbElem		elem;
	int			elem_size;		/* bytes */
	int			max_text;		/* longest text of an element */

	/*
	 * Reads a number at p, which ends before end, into element i of x;
	 * returns where it ended.  NULL where there is no number or it does not
	 * fit: then *error says which.
	 */
	const char *(*parse) (const char *p, const char *end, void *x, int i, int *error);

	/* Writes element i as text, returns the end. */
	char	   *(*format) (const void *x, int i, char *to);

	/* Between machine and network order. */
	void		(*swap) (const void *from, void *to, int n);

	/*
	 * n <= VDB_CHUNK elements of x from i on, as floats: in buf, or where
	 * they are.
	 */
	const float *(*widen) (const void *x, int i, int n, float *buf);

	/*
	 * The other way.  Rounds to nearest; what is beyond the type's range (or
	 * not a number) is an error, raised with the element's position.
	 */
	void		(*narrow) (const float *from, int n, void *x, int i);
} VdbDenseType;

/* Rounds to infinity as a binary16, what is less to 65504 or less. */
#define VDB_HALF_OVERFLOW 65520.0f

/* What parse says of what it could not read. */
#define VDB_PARSE_SYNTAX 1		/* not a number */
#define VDB_PARSE_RANGE 2		/* a number beyond the type's range */
#define VDB_PARSE_NAN 3
#define VDB_PARSE_INFINITE 4

extern const VdbDenseType vdb_type_vector;
extern const VdbDenseType vdb_type_halfvec;
extern const VdbDenseType vdb_type_int8vec;

/* A dense vector to read.  x has any alignment. */
typedef struct VdbDenseArg
{
	int			dim;
	const void *x;
	struct varlena *detoasted;	/* what x points into */
} VdbDenseArg;

/* A sparse vector to read, aligned. */
typedef struct VdbSparseArg
{
	int			dim;
	VdbSparse	v;
	struct varlena *detoasted;	/* what v points into */
} VdbSparseArg;

/* Raises the error for a stored value that its header does not fit. */
pg_noreturn extern void vdb_type_damaged(const char *type_name, Size size);

/* The vector in a datum, detoasted where need be, its header checked. */
static inline VdbDenseArg
vdb_type_dense_arg(const VdbDenseType *type, Datum datum)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(datum);
	VdbDenseArg arg;
	Size		size;
	int16		dim;

	if (unlikely(VARATT_IS_EXTERNAL(v) || VARATT_IS_COMPRESSED(v)))
		v = vdb_heap_detoast(v);
	size = VARSIZE_ANY_EXHDR(v);
	if (unlikely(size < VDB_DENSE_HEADER))
		vdb_type_damaged(type->name, size);
	memcpy(&dim, VARDATA_ANY(v), sizeof(dim));
	if (unlikely(dim < 1 || dim > VDB_MAX_DIM ||
				 size != VDB_DENSE_HEADER + (Size) dim * type->elem_size))
		vdb_type_damaged(type->name, size);
	arg.dim = dim;
	arg.x = VARDATA_ANY(v) + VDB_DENSE_HEADER;
	arg.detoasted = v;
	return arg;
}

extern VdbSparseArg vdb_type_sparse_arg(Datum datum);

/* All its elements, the zeroes too: v->dim floats. */
extern void vdb_type_sparse_to_floats(const VdbSparseArg *v, float *x);

/* Frees what reading the datum allocated; needed only in contexts that live long. */
static inline void
vdb_type_arg_done(struct varlena *detoasted, Datum datum)
{
	if ((Pointer) detoasted != DatumGetPointer(datum))
		pfree(detoasted);
}

/* A vector to fill; elements are not initialized. */
extern VdbDense *vdb_type_dense_new(const VdbDenseType *type, int dim);
extern VdbSparsevec *vdb_type_sparse_new(int dim, int nnz);

/*
 * Checks of what comes from outside.  With an escontext that takes soft
 * errors they return false; without, they raise.
 */
extern bool vdb_type_check_dim(const char *type_name, int64 dim, int64 max,
							   struct Node *escontext);
extern bool vdb_type_check_typmod(int32 typmod, int dim, struct Node *escontext);
extern bool vdb_type_check_finite(const char *type_name, const float *x, int n,
								  int first, struct Node *escontext);

/* Typmod of a type with one modifier, its number of dimensions. */
extern int32 vdb_type_typmod_in(const char *type_name, ArrayType *modifiers, int max);

/* Raises the error for vectors of two different dimensions. */
pg_noreturn extern void vdb_type_dim_mismatch(const char *type_name, int a, int b);

static inline void
vdb_type_check_same_dim(const char *type_name, int a, int b)
{
	if (unlikely(a != b))
		vdb_type_dim_mismatch(type_name, a, b);
}

/*
 * Defines the SQL-callable functions vdb_vector_verb, vdb_halfvec_verb and
 * vdb_int8vec_verb, which call function(type, fcinfo).  Where function is
 * inline, each gets its own copy, made for its type.
 */
#define VDB_DENSE_SQL(verb, function) \
	VDB_TYPE_SQL(vector, verb, function) \
	VDB_TYPE_SQL(halfvec, verb, function) \
	VDB_TYPE_SQL(int8vec, verb, function) \
	extern int	no_such_variable

#define VDB_TYPE_SQL(type, verb, function) \
	VDB_FUNCTION_INFO_V1(vdb_##type##_##verb); \
	Datum \
	vdb_##type##_##verb(PG_FUNCTION_ARGS) \
	{ \
		return function(&vdb_type_##type, fcinfo); \
	}

#endif							/* VDB_TYPES_H */
