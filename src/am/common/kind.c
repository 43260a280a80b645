/*
 * kind.c
 *	  What an index is over: the type of its vectors, and their distance.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/lsyscache.h"
#include "utils/varbit.h"

#include "am/common/kind.h"
#include "compat/compat.h"

/*
 * Defines the support function vdb_am_kind_type_metric, which returns the
 * kind that the rest describes.
 */
#define KIND(type_, suffix_, ...) \
	VDB_FUNCTION_INFO_V1(vdb_am_kind_##type_##_##suffix_); \
	Datum \
	vdb_am_kind_##type_##_##suffix_(PG_FUNCTION_ARGS) \
	{ \
		static const VdbAmKind kind = {.name = #type_, __VA_ARGS__}; \
\
		PG_RETURN_POINTER(&kind); \
	} \
	extern int	no_such_variable

#define DENSE(type_, suffix_, elem_, metric_) \
	KIND(type_, suffix_, .type = &vdb_type_##type_, .elem = elem_, .metric = metric_, \
		 .max_dim = VDB_MAX_DIM)
#define BITS(suffix_, metric_) \
	KIND(bit, suffix_, .elem = VDB_BIT, .metric = metric_, .max_dim = VDB_AM_BIT_MAX_DIM)
#define SPARSE(suffix_, metric_) \
	KIND(sparsevec, suffix_, .type = &vdb_type_vector, .elem = VDB_F32, .metric = metric_, \
		 .sparse = true, .max_dim = VDB_SPARSEVEC_MAX_DIM)

DENSE(vector, l2, VDB_F32, VDB_L2SQ);
DENSE(vector, ip, VDB_F32, VDB_IP);
DENSE(vector, cosine, VDB_F32, VDB_COSINE);
DENSE(vector, l1, VDB_F32, VDB_L1);
DENSE(halfvec, l2, VDB_F16, VDB_L2SQ);
DENSE(halfvec, ip, VDB_F16, VDB_IP);
DENSE(halfvec, cosine, VDB_F16, VDB_COSINE);
DENSE(halfvec, l1, VDB_F16, VDB_L1);
DENSE(int8vec, l2, VDB_I8, VDB_L2SQ);
DENSE(int8vec, ip, VDB_I8, VDB_IP);
DENSE(int8vec, cosine, VDB_I8, VDB_COSINE);
DENSE(int8vec, l1, VDB_I8, VDB_L1);
BITS(hamming, VDB_HAMMING);
BITS(jaccard, VDB_JACCARD);
SPARSE(l2, VDB_L2SQ);
SPARSE(ip, VDB_IP);
SPARSE(cosine, VDB_COSINE);
SPARSE(l1, VDB_L1);

const VdbAmKind *
vdb_am_kind(Relation index)
{
	FmgrInfo   *proc;

	if (unlikely(!OidIsValid(index_getprocid(index, 1, VDB_AM_KIND_PROC))))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the first column of %s index must be a vector",
						get_am_name(index->rd_rel->relam)),
				 errhint("Columns to filter by come after the vector.")));
	proc = index_getprocinfo(index, 1, VDB_AM_KIND_PROC);
	/* The kind is all that fn_extra of this function is ever used for. */
	if (proc->fn_extra == NULL)
		proc->fn_extra = DatumGetPointer(FunctionCall1(proc, PointerGetDatum(NULL)));
	return (const VdbAmKind *) proc->fn_extra;
}

/* The bits of a bit string, whose header, of either length, may be unaligned. */
static void
bit_vector(struct varlena *v, VdbAmVector *vector)
{
	const Size	header = VARBITHDRSZ;
	Size		size = VARSIZE_ANY_EXHDR(v);
	int32		bits = -1;

	if (likely(size >= header))
		memcpy(&bits, VARDATA_ANY(v), sizeof(bits));
	if (unlikely(bits < 0 || size != header + ((Size) bits + 7) / 8))
		vdb_type_damaged("bit", size);
	vector->dim = bits;
	vector->elements = VARDATA_ANY(v) + header;
}

/* A sparse vector with all its elements, in memory of its own. */
static void
sparse_vector(Datum datum, VdbAmVector *vector)
{
	VdbSparseArg arg = vdb_type_sparse_arg(datum);

	vector->dim = arg.dim;
	vector->copy = NULL;
	if (arg.dim <= VDB_MAX_DIM)
	{
		vector->copy = palloc(arg.dim * sizeof(float));
		vdb_type_sparse_to_floats(&arg, vector->copy);
	}
	vector->elements = vector->copy;
	vdb_type_arg_done(arg.detoasted, datum);
}

void
vdb_am_vector(const VdbAmKind *kind, Datum datum, VdbAmVector *vector)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(datum);

	if (kind->sparse)
	{
		sparse_vector(datum, vector);
		return;
	}
	if (kind->type != NULL)
	{
		VdbDenseArg arg = vdb_type_dense_arg(kind->type, datum);

		vector->dim = arg.dim;
		vector->elements = arg.x;
		v = arg.detoasted;
	}
	else
	{
		if (VARATT_IS_EXTERNAL(v) || VARATT_IS_COMPRESSED(v))
			v = vdb_heap_detoast(v);
		bit_vector(v, vector);
	}
	vector->copy = (Pointer) v != DatumGetPointer(datum) ? v : NULL;
}

void
vdb_am_vector_free(VdbAmVector *vector)
{
	if (vector->copy != NULL)
		pfree(vector->copy);
	vector->copy = NULL;
	vector->elements = NULL;
}

void
vdb_am_to_floats(const VdbAmKind *kind, const void *elements, int dim, float *out)
{
	const uint8 *byte = elements;

	switch (kind->elem)
	{
		case VDB_F32:
			memcpy(out, elements, dim * sizeof(float));
			break;
		case VDB_F16:
			vdb_kernel.f16_to_f32(elements, out, dim);
			break;
		case VDB_I8:
			for (int i = 0; i < dim; i++)
				out[i] = (int8) byte[i];
			break;
		case VDB_BIT:
			/* the first bit is the highest of the first byte */
			for (int i = 0; i < dim; i++)
				out[i] = byte[i / 8] >> (7 - i % 8) & 1;
			break;
	}
}

double
vdb_am_distance(const VdbAmKind *kind, const void *a, const void *b, int dim)
{
	if (kind->sparse)
		return vdb_am_from_metric(kind, vdb_dist_sparse(kind->metric, a, b));
	return vdb_am_from_metric(kind, vdb_dist(kind->elem, kind->metric, a, b, dim));
}

void
vdb_am_to_sparse(const float *x, int dim, int32 *index, float *value, VdbSparse *out)
{
	size_t		nnz = 0;

	/* No branch: nobody can foresee which elements are zero. */
	for (int i = 0; i < dim; i++)
	{
		index[nnz] = i;
		value[nnz] = x[i];
		nnz += x[i] != 0;
	}
	out->index = index;
	out->value = value;
	out->nnz = nnz;
}

bool
vdb_am_dim_fits(Relation index, uint32 dim)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
	int32		typmod = column->atttypmod;

	if (getBaseTypeAndTypmod(column->atttypid, &typmod) == VARBITOID)
		return true;
	return typmod < 1 || dim == typmod;
}

int
vdb_am_index_dim(Relation index, int most_sparse)
{
	const VdbAmKind *kind = vdb_am_kind(index);
	int			most = kind->sparse ? Min(kind->max_dim, most_sparse) : kind->max_dim;
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
	int32		dim = column->atttypmod;

	/* A domain's dimensions are those of the type that it is over. */
	getBaseTypeAndTypmod(column->atttypid, &dim);
	if (dim < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions"),
				 errhint("Give the number of dimensions with the column's type, or index an expression that does: ((column::%s(n))).",
						 kind->name)));
	if (dim > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for %s index",
						most, get_am_name(index->rd_rel->relam))));
	return dim;
}

void
vdb_am_check_dim(const VdbAmKind *kind, int index_dim, int dim)
{
	if (likely(dim == index_dim))
		return;
	if (kind->elem == VDB_BIT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different bit lengths %d and %d", index_dim, dim)));
	vdb_type_dim_mismatch(kind->name, index_dim, dim);
}
