/*
 * value.c
 *	  The types' functions, values made of an input, and what has to be true of
 *	  them.
 */
#include "value.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* ---- the functions ---- */

#define INITIALIZE(type, verb) .verb = vdb_##type##_##verb,

TYPE_VERBS(DECLARE, vector)
TYPE_VERBS(DECLARE, halfvec)
TYPE_VERBS(DECLARE, int8vec)
TYPE_VERBS(DECLARE, sparsevec)
DENSE_VERBS(DECLARE, vector)
DENSE_VERBS(DECLARE, halfvec)
DENSE_VERBS(DECLARE, int8vec)

const Type types[NTYPES] = {
	{&vdb_type_vector, TYPE_VERBS(INITIALIZE, vector) DENSE_VERBS(INITIALIZE, vector)},
	{&vdb_type_halfvec, TYPE_VERBS(INITIALIZE, halfvec) DENSE_VERBS(INITIALIZE, halfvec)},
	{&vdb_type_int8vec, TYPE_VERBS(INITIALIZE, int8vec) DENSE_VERBS(INITIALIZE, int8vec)},
	{NULL, TYPE_VERBS(INITIALIZE, sparsevec)},
};

bool
call(Datum *result, PGFunction function, const Datum *args, int nargs)
{
	bool		isnull;

	if (!fuzz_call(function, args, nargs, result, &isnull))
		return false;
	/* sum and avg of nothing alone are null, and they are called differently */
	CHECK(!isnull);
	return true;
}

Datum
must(PGFunction function, const Datum *args, int nargs)
{
	Datum		result;

	CHECK(call(&result, function, args, nargs));
	return result;
}

/* ---- the input ---- */

/* The first byte says which type, which instruction set, and whether -1 is the typmod. */
int
take_type(Input *in, int ntypes, int32 *typmod)
{
	uint8_t		byte = take_byte(in);

	/* letters and digits, too, for seeds that can be read */
	fuzz_take_kernel(byte / 16 % fuzz_nkernels);
	if (typmod != NULL)
		*typmod = byte & 8 ? 3 : -1;
	return byte % 8 % ntypes;
}

/* A number of elements or repetitions: mostly small, now and then about a limit. */
int
take_count(Input *in, int min, int max)
{
	static const int limits[] = {VDB_MAX_DIM, VDB_MAX_DIM - 1, VDB_MAX_DIM + 1};
	uint8_t		byte = take_byte(in);
	int			count = byte % 40;

	/* about a limit takes long, and is not to be hit upon too often */
	if (byte == 255)
	{
		byte = take_byte(in);
		count = byte < 253 ? VDB_CHUNK - 1 + byte % 3 : limits[byte - 253];
	}
	/* (Max and Min would evaluate what they are given twice) */
	return count < min ? min : count > max ? max : count;
}

/* A float that is finite, out of bytes. */
static float
take_float(Input *in)
{
	uint32		bits = take_int32(in);
	float		value;

	if ((bits & 0x7f800000) == 0x7f800000)
		bits ^= 0x40000000;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* A good value of a type, of dim dimensions if that is not 0. */
Datum
take_value(Input *in, const Type *type, int dim)
{
	Size		size;

	if (type->dense != NULL)
	{
		VdbDense   *v;

		if (dim == 0)
			dim = take_count(in, 1, VDB_MAX_DIM);
		size = offsetof(VdbDense, x) + (Size) dim * type->dense->elem_size;
		v = fuzz_alloc(size);
		SET_VARSIZE(v, size);
		v->dim = dim;
		v->unused = 0;
		take(in, v->x, (Size) dim * type->dense->elem_size);
		for (int i = 0; i < dim; i++)
		{
			if (type->dense->elem == VDB_F32 && !isfinite(((float *) v->x)[i]))
				((float *) v->x)[i] = i;
			if (type->dense->elem == VDB_F16 && (((uint16 *) v->x)[i] & 0x7c00) == 0x7c00)
				((uint16 *) v->x)[i] ^= 0x4000;
		}
		return PointerGetDatum(v);
	}
	else
	{
		VdbSparsevec *v;
		int			nnz = take_count(in, 0, VDB_SPARSEVEC_MAX_NNZ);
		uint8_t		stride = take_byte(in);

		if (dim == 0)
			dim = stride < 128 ? nnz * (stride + 1) + 1 : VDB_SPARSEVEC_MAX_DIM;
		stride %= 128;
		nnz = Min(nnz, dim / (stride + 1));
		size = VDB_SPARSEVEC_SIZE(nnz);
		v = fuzz_alloc(size);
		SET_VARSIZE(v, size);
		v->dim = dim;
		v->nnz = nnz;
		v->unused = 0;
		for (int i = 0; i < nnz; i++)
		{
			float		value = take_float(in);

			v->index[i] = i * (stride + 1) + take_byte(in) % (stride + 1);
			VDB_SPARSEVEC_VALUES(v)[i] = value != 0 ? value : 1;
		}
		return PointerGetDatum(v);
	}
}

/* An array as PostgreSQL makes them, of any type, shape and nulls. */
ArrayType *
take_array(Input *in, Oid element_type, int max_dims)
{
	int			ndim = take_byte(in) % (max_dims + 1);
	int			dims[MAXDIM];
	int			n = ndim > 0;
	uint8_t		shape = take_byte(in);
	bool		nulls = ndim > 0 && shape % 8 == 0;
	Size		header,
				size;
	ArrayType  *array;
	char	   *p;

	for (int i = 0; i < ndim; i++)
	{
		dims[i] = i == 0 ? take_count(in, 1, PG_INT32_MAX) : 1 + take_byte(in) % 3;
		n *= dims[i];
	}
	header = nulls ? ARR_OVERHEAD_WITHNULLS(ndim, n) : ARR_OVERHEAD_NONULLS(ndim);
	size = header + (Size) n * 8;
	array = fuzz_alloc(size);
	memset(array, 0, size);
	array->ndim = ndim;
	array->dataoffset = nulls ? header : 0;
	array->elemtype = element_type;
	for (int i = 0; i < ndim; i++)
	{
		ARR_DIMS(array)[i] = dims[i];
		ARR_LBOUND(array)[i] = (int8) shape;
	}
	/* a bitmap with no null in it is allowed, and happens */
	if (nulls)
		memset(ARR_NULLBITMAP(array), shape & 128 ? take_byte(in) : 255, (n + 7) / 8);

	p = ARR_DATA_PTR(array);
	for (int i = 0; i < n; i++)
	{
		char		bytes[8];
		int16		length;
		bool		by_value;
		char		align;
		int			size_here;

		if (nulls && (ARR_NULLBITMAP(array)[i / 8] & (1 << i % 8)) == 0)
			continue;
		get_typlenbyvalalign(element_type, &length, &by_value, &align);
		size_here = by_value ? length : 4;
		take(in, bytes, size_here);
		if (!by_value)
		{
			SET_VARSIZE_SHORT(p, VARHDRSZ_SHORT + size_here);
			p++;
		}
		memcpy(p, bytes, size_here);
		p += size_here;
	}
	size = p - (char *) array;
	SET_VARSIZE(array, size);
	/* exactly as large as it is */
	return memcpy(fuzz_alloc(size), array, size);
}

/* A stored value of any bytes: short header or long, at any address that has. */
Datum
take_stored(Input *in, size_t size)
{
	uint8_t		how = take_byte(in);
	char	   *p;

	if (how % 2 == 0 && size + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
	{
		p = (char *) fuzz_alloc(size + VARHDRSZ_SHORT + how / 2 % 4) + how / 2 % 4;
		SET_VARSIZE_SHORT(p, size + VARHDRSZ_SHORT);
		take(in, VARDATA_SHORT(p), size);
	}
	else
	{
		p = (char *) fuzz_alloc(size + VARHDRSZ + how / 2 % 2 * 4) + how / 2 % 2 * 4;
		SET_VARSIZE(p, size + VARHDRSZ);
		take(in, VARDATA(p), size);
	}
	return PointerGetDatum(p);
}

int
dim_of(const Type *type, Datum v)
{
	return type->dense != NULL ? ((VdbDense *) DatumGetPointer(v))->dim :
		((VdbSparsevec *) DatumGetPointer(v))->dim;
}

bool
same_bytes(Datum a, Datum b)
{
	return VARSIZE(DatumGetPointer(a)) == VARSIZE(DatumGetPointer(b)) &&
		memcmp(DatumGetPointer(a), DatumGetPointer(b), VARSIZE(DatumGetPointer(a))) == 0;
}

/* The same value as it may stand in a row: short header, odd address. */
Datum
packed(Datum v)
{
	Size		size = VARSIZE(DatumGetPointer(v)) - VARHDRSZ;
	char	   *p;

	if (size + VARHDRSZ_SHORT > VARATT_SHORT_MAX)
		return v;
	p = (char *) fuzz_alloc(size + VARHDRSZ_SHORT + 1) + 1;
	SET_VARSIZE_SHORT(p, size + VARHDRSZ_SHORT);
	memcpy(VARDATA_SHORT(p), VARDATA(DatumGetPointer(v)), size);
	return PointerGetDatum(p);
}

Datum
receive(const Type *type, const void *bytes, size_t n, int32 typmod, bool *ok)
{
	StringInfoData message;
	Datum		result = 0;

	/* exactly as large as it is */
	message.data = fuzz_alloc(n);
	message.len = message.maxlen = n;
	message.cursor = 0;
	if (n > 0)
		memcpy(message.data, bytes, n);
	*ok = CALL(&result, type->recv, PointerGetDatum(&message), 0, Int32GetDatum(typmod));
	return result;
}

/* ---- what has to be true ---- */

/* The value is well formed. */
void
check_format(const Type *type, Datum datum)
{
	if (type->dense != NULL)
	{
		VdbDense   *v = (VdbDense *) DatumGetPointer(datum);

		CHECK(v->dim >= 1 && v->dim <= VDB_MAX_DIM && v->unused == 0);
		CHECK(VARSIZE(v) == offsetof(VdbDense, x) + (Size) v->dim * type->dense->elem_size);
		for (int i = 0; i < v->dim; i++)
		{
			if (type->dense->elem == VDB_F32)
				CHECK(isfinite(((float *) v->x)[i]));
			if (type->dense->elem == VDB_F16)
				CHECK((((uint16 *) v->x)[i] & 0x7c00) != 0x7c00);
		}
	}
	else
	{
		VdbSparsevec *v = (VdbSparsevec *) DatumGetPointer(datum);

		CHECK(v->dim >= 1 && v->dim <= VDB_SPARSEVEC_MAX_DIM && v->unused == 0);
		CHECK(v->nnz >= 0 && v->nnz <= VDB_SPARSEVEC_MAX_NNZ && v->nnz <= v->dim);
		CHECK(VARSIZE(v) == VDB_SPARSEVEC_SIZE(v->nnz));
		for (int i = 0; i < v->nnz; i++)
		{
			CHECK(v->index[i] >= 0 && v->index[i] < v->dim);
			CHECK(i == 0 || v->index[i] > v->index[i - 1]);
			CHECK(isfinite(VDB_SPARSEVEC_VALUES(v)[i]) && VDB_SPARSEVEC_VALUES(v)[i] != 0);
		}
	}
}

/* The value is well formed, and comes back from all that it can be turned into. */
void
check_value(const Type *type, Datum v)
{
	Datum		p = packed(v);
	int32		dim = dim_of(type, v);
	char	   *text;
	Datum		bytes,
				again;
	bool		ok;

	check_format(type, v);

	text = DatumGetCString(MUST(type->out, v));
	CHECK(same_bytes(MUST(type->in, CStringGetDatum(text), 0, Int32GetDatum(dim)), v));
	CHECK(strcmp(DatumGetCString(MUST(type->out, p)), text) == 0);

	bytes = MUST(type->send, p);
	CHECK(same_bytes(MUST(type->send, v), bytes));
	again = receive(type, VARDATA(DatumGetPointer(bytes)), VARSIZE(DatumGetPointer(bytes)) - VARHDRSZ, dim, &ok);
	CHECK(ok && same_bytes(again, v));

	CHECK(MUST_INT32(type->cmp, v, p) == 0 && MUST_INT32(type->cmp, p, v) == 0);
	CHECK(MUST_FLOAT8(type->l2_distance, v, p) == 0);
	CHECK(MUST_FLOAT8(type->l1_distance, p, v) == 0);
	CHECK(MUST_FLOAT8(type->l2_norm, p) >= 0 && isfinite(MUST_FLOAT8(type->l2_norm, v)));
	CHECK(MUST(type->enforce_typmod, v, Int32GetDatum(dim), BoolGetDatum(false)) == v);
	CHECK(!CALL(&again, type->enforce_typmod, v, Int32GetDatum(dim + 1), BoolGetDatum(false)));
}

/* Equal, but for the order in which a sum may have been made. */
static bool
near(double a, double b, double size)
{
	return a == b || fabs(a - b) <= 1e-3 * size + 1e-37 || (isnan(a) && isnan(b));
}

/* Two values of a type have an order, and distances if their dimensions agree. */
void
check_pair(const Type *type, Datum a, Datum b)
{
	int			cmp = MUST_INT32(type->cmp, a, b);
	double		l2;
	Datum		result;

	CHECK(MUST_INT32(type->cmp, packed(b), packed(a)) == -cmp);
	CHECK(MUST_BOOL(type->lt, a, b) == (cmp < 0) && MUST_BOOL(type->le, a, b) == (cmp <= 0));
	CHECK(MUST_BOOL(type->eq, a, b) == (cmp == 0) && MUST_BOOL(type->ne, a, b) == (cmp != 0));
	CHECK(MUST_BOOL(type->gt, a, b) == (cmp > 0) && MUST_BOOL(type->ge, a, b) == (cmp >= 0));

	if (dim_of(type, a) != dim_of(type, b))
	{
		CHECK(cmp != 0);
		CHECK(!CALL(&result, type->l2_distance, a, b));
		CHECK(!CALL(&result, type->inner_product, a, b));
		return;
	}
	l2 = MUST_FLOAT8(type->l2_distance, a, b);
	CHECK(l2 >= 0 && isfinite(l2) && (l2 == 0) == (cmp == 0));
	CHECK(near(MUST_FLOAT8(type->l2_distance, packed(b), a), l2, l2));
	CHECK(near(MUST_FLOAT8(type->l2_squared_distance, b, a), l2 * l2, l2 * l2));
	for (int i = 0; i < 2; i++)
	{
		PGFunction	function = i == 0 ? type->l1_distance : type->cosine_distance;
		double		d = MUST_FLOAT8(function, a, packed(b));

		/* cosine is not a number for a zero vector */
		CHECK(d >= 0 || (i == 1 && isnan(d)));
		CHECK(i == 0 || !(d > 2));
		CHECK(near(MUST_FLOAT8(function, b, a), d, d + i));
	}
	CHECK(near(MUST_FLOAT8(type->inner_product, a, b),
			   -MUST_FLOAT8(type->negative_inner_product, b, a),
			   MUST_FLOAT8(type->l2_norm, a) * MUST_FLOAT8(type->l2_norm, b)));
	if (type->dense != NULL)
	{
		double		d = MUST_FLOAT8(type->spherical_distance, a, b);

		CHECK(d >= 0 && d <= 1);
	}
}
