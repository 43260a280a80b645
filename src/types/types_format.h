/*
 * types_format.h
 *	  How vectors are stored, which is also what dumps and indexes of other
 *	  versions hold: it does not change.
 *
 * The layouts of vector, halfvec and sparsevec, in memory and on the wire,
 * are those of pgvector.
 */
#ifndef VDB_TYPES_FORMAT_H
#define VDB_TYPES_FORMAT_H

/*
 * vector, halfvec and int8vec.  Stored as it stands, except that PostgreSQL
 * may give a short one a varlena header of one byte: then nothing after it is
 * aligned.
 */
typedef struct VdbDense
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	int16		dim;			/* number of elements, at least 1 */
	int16		unused;			/* 0 */
	char		x[FLEXIBLE_ARRAY_MEMBER];	/* dim elements: float, binary16 or
											 * int8, in machine byte order */
} VdbDense;

StaticAssertDecl(offsetof(VdbDense, x) == 8, "dense vectors have 8 bytes of header");

/* What comes between the varlena header, of either length, and the elements. */
#define VDB_DENSE_HEADER (offsetof(VdbDense, x) - VARHDRSZ)

/*
 * sparsevec.  nnz indexes follow, from 0, ascending, then nnz floats, none of
 * them zero.
 */
typedef struct VdbSparsevec
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	int32		dim;			/* number of dimensions, at least 1 */
	int32		nnz;			/* number of non-zero elements */
	int32		unused;			/* 0 */
	int32		index[FLEXIBLE_ARRAY_MEMBER];
} VdbSparsevec;

StaticAssertDecl(offsetof(VdbSparsevec, index) == 16, "sparse vectors have 16 bytes of header");

#define VDB_SPARSEVEC_SIZE(nnz) \
	(offsetof(VdbSparsevec, index) + (Size) (nnz) * (sizeof(int32) + sizeof(float)))
#define VDB_SPARSEVEC_VALUES(v) ((float *) ((v)->index + (v)->nnz))

/* Limits, the same as pgvector's, so that data can go either way. */
#define VDB_MAX_DIM 16000
#define VDB_SPARSEVEC_MAX_DIM 1000000000
#define VDB_SPARSEVEC_MAX_NNZ 16000

#endif							/* VDB_TYPES_FORMAT_H */
