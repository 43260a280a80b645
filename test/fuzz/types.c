/*
 * fuzz.c
 *	  The types: what is fuzzed, and what has to be true of it.
 */
#include "value.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/varbit.h"

#include "types/number.h"

DECLARE(accum, combine)
DECLARE(bit, hamming_distance)
DECLARE(bit, jaccard_distance)
DECLARE(vector, to_halfvec)
DECLARE(vector, to_int8vec)
DECLARE(vector, to_sparsevec)
DECLARE(vector, from_sparsevec)
DECLARE(halfvec, to_vector)
DECLARE(halfvec, to_sparsevec)
DECLARE(halfvec, from_sparsevec)
DECLARE(int8vec, to_vector)
DECLARE(int8vec, to_int4)

/* The casts that have a typmod as their second argument. */
static const struct
{
	int			from,
				to;
	PGFunction	function;
}			casts[] = {
	{VECTOR, HALFVEC, vdb_vector_to_halfvec},
	{VECTOR, INT8VEC, vdb_vector_to_int8vec},
	{VECTOR, SPARSEVEC, vdb_vector_to_sparsevec},
	{SPARSEVEC, VECTOR, vdb_vector_from_sparsevec},
	{HALFVEC, VECTOR, vdb_halfvec_to_vector},
	{HALFVEC, SPARSEVEC, vdb_halfvec_to_sparsevec},
	{SPARSEVEC, HALFVEC, vdb_halfvec_from_sparsevec},
	{INT8VEC, VECTOR, vdb_int8vec_to_vector},
};

/* vdb_type_parse_float() against strtof(). */
static void
fuzz_number(Input in)
{
	char	   *text = fuzz_alloc(in.left + 1);
	char	   *stop;
	const char *end;
	float		expected,
				got;
	int			error;

	take(&in, text, in.left + 1);
	text[strcspn(text, "|")] = '\0';
	end = vdb_type_parse_float(text, text + strlen(text), &got, &error);
	if (isspace((unsigned char) text[0]))
	{
		CHECK(end == NULL && error == VDB_PARSE_SYNTAX);
		return;
	}
	errno = 0;
	expected = strtof(text, &stop);
	if (fuzz_fault("number") && strstr(text, "e7") != NULL)
		expected = nextafterf(expected, 0);
	if (stop == text)
		CHECK(end == NULL && error == VDB_PARSE_SYNTAX);
	else if (isnan(expected))
		CHECK(end == NULL && error == VDB_PARSE_NAN);
	else if (isinf(expected))
		CHECK(end == NULL && error == (errno == ERANGE ? VDB_PARSE_RANGE : VDB_PARSE_INFINITE));
	else
	{
		CHECK(end == stop);
		CHECK(memcmp(&got, &expected, sizeof(got)) == 0);
	}
}

/*
 * Text, or two of them with | between.  What stands between two ~ is
 * repeated as often as the second byte says.
 */
static void
fuzz_text(Input in)
{
	int32		typmod;
	const Type *type = &types[take_type(&in, NTYPES, &typmod)];
	int			count = take_count(&in, 0, PG_INT32_MAX);
	size_t		length = in.left;
	char	   *raw = fuzz_alloc(length + 1);
	Datum		values[2];
	int			nvalues = 0;

	take(&in, raw, length + 1);
	for (char *next = raw; next != NULL && nvalues < 2;)
	{
		char	   *part = next;
		char	   *bar = strchr(part, '|');
		bool		good;
		Datum		again;
		char	   *text,
				   *to,
				   *first,
				   *second;

		next = bar == NULL ? NULL : bar + 1;
		if (bar != NULL)
			*bar = '\0';
		first = strchr(part, '~');
		second = first == NULL ? NULL : strchr(first + 1, '~');
		if (second == NULL || second - first > 16)
			text = part;
		else
		{
			to = text = fuzz_alloc(strlen(part) + (size_t) count * (second - first) + 1);
			to += sprintf(to, "%.*s", (int) (first - part), part);
			for (int i = 0; i < count; i++)
				to += sprintf(to, "%.*s", (int) (second - first - 1), first + 1);
			strcpy(to, second + 1);
		}
		/* nothing after the end is readable */
		to = fuzz_alloc(strlen(text) + 1);
		strcpy(to, text);
		fuzz_soft_errors = true;
		good = CALL(&again, type->in, CStringGetDatum(to), 0, Int32GetDatum(typmod));
		fuzz_soft_errors = false;
		CHECK(CALL(&values[nvalues], type->in, CStringGetDatum(to), 0, Int32GetDatum(typmod)) == good);
		if (!good)
			return;
		CHECK(same_bytes(again, values[nvalues]));
		CHECK(typmod == -1 || dim_of(type, values[nvalues]) == typmod);
		check_value(type, values[nvalues]);
		nvalues++;
	}
	if (nvalues == 2)
		check_pair(type, values[0], values[1]);
}

/* A message, with as many zeroes after it as the second byte says. */
static void
fuzz_binary(Input in)
{
	int32		typmod;
	const Type *type = &types[take_type(&in, NTYPES, &typmod)];
	int			zeroes = take_count(&in, 0, PG_INT32_MAX) * 4;
	size_t		length = in.left + zeroes;
	char	   *bytes = fuzz_alloc(length);
	Datum		value;
	bool		ok;

	take(&in, bytes, length);
	value = receive(type, bytes, length, typmod, &ok);
	if (!ok)
		return;
	CHECK(typmod == -1 || dim_of(type, value) == typmod);
	check_value(type, value);
}

/* Casts from arrays, to arrays, and among the types. */
static void
fuzz_cast(Input in)
{
	static const Oid element_types[] = {INT2OID, INT4OID, FLOAT4OID, FLOAT8OID, NUMERICOID, INT8OID};
	int32		typmod;
	int			from = take_type(&in, NTYPES, &typmod);
	uint8_t		how = take_byte(&in);
	Datum		value,
				other;

	if (how % 2 == 0)
		value = take_value(&in, &types[from], 0);
	else
	{
		ArrayType  *array = take_array(&in, element_types[how / 2 % lengthof(element_types)], 2);

		if (!CALL(&value, types[from].from_array, PointerGetDatum(array), Int32GetDatum(typmod), BoolGetDatum(false)))
			return;
		CHECK(ARR_NDIM(array) == 1 && ARR_DIMS(array)[0] == dim_of(&types[from], value));
	}
	check_value(&types[from], value);

	for (int i = 0; i < lengthof(casts); i++)
		if (casts[i].from == from &&
			CALL(&other, casts[i].function, packed(value), Int32GetDatum(typmod), BoolGetDatum(false)))
		{
			CHECK(dim_of(&types[casts[i].to], other) == dim_of(&types[from], value));
			check_value(&types[casts[i].to], other);
		}
	if (types[from].dense != NULL)
	{
		other = MUST(types[from].to_float4, packed(value));
		CHECK(same_bytes(MUST(types[from].from_array, other, Int32GetDatum(-1), BoolGetDatum(false)), value));
	}
	if (from == INT8VEC)
	{
		other = MUST(vdb_int8vec_to_int4, packed(value));
		CHECK(same_bytes(MUST(types[from].from_array, other, Int32GetDatum(-1), BoolGetDatum(false)), value));
	}
}

/* An array of texts, as a type's modifiers come; bits of how say what is odd of it. */
static ArrayType *
take_modifiers(Input *in, uint8_t how)
{
	int			ndim = how % 8 == 7 ? 0 : how % 8 == 6 ? 2 : 1;
	bool		nulls = how / 8 % 8 == 7;
	Size		header;
	ArrayType  *array;
	char	   *text = fuzz_alloc(in->left + 1);
	size_t		length = in->left;
	int			n = 1;

	take(in, text, length + 1);
	length = strlen(text);
	for (size_t i = 0; i < length; i++)
		if (text[i] == ',')
		{
			text[i] = '\0';
			n++;
		}
	header = nulls ? ARR_OVERHEAD_WITHNULLS(ndim, n) : ARR_OVERHEAD_NONULLS(ndim);
	array = fuzz_alloc(header + length + 1);
	memset(array, 0, header);
	SET_VARSIZE(array, header + length + 1);
	array->ndim = ndim;
	array->dataoffset = nulls ? header : 0;
	array->elemtype = how / 64 == 3 ? TEXTOID : CSTRINGOID;
	for (int i = 0; i < ndim; i++)
	{
		ARR_DIMS(array)[i] = i == 0 ? n : 1;
		ARR_LBOUND(array)[i] = 1;
	}
	memcpy(ARR_DATA_PTR(array), text, length + 1);
	return array;
}

/*
 * Modifiers as a user writes them, and those that a catalog has, which may be any
 * number: a value that is accepted has so many dimensions, and stays as it is.
 */
static void
fuzz_typmod(Input in)
{
	const Type *type = &types[take_type(&in, NTYPES, NULL)];
	uint8_t		how = take_byte(&in);
	int32		typmod = take_int32(&in);
	Datum		value = take_value(&in, type, 0),
				none = ObjectIdGetDatum(InvalidOid),
				stored,
				result;
	int			dim = dim_of(type, value);
	bool		fits;

	if (CALL(&result, type->typmod_in, PointerGetDatum(take_modifiers(&in, how))))
	{
		CHECK(DatumGetInt32(result) >= 1);
		CHECK(DatumGetInt32(result) <= (type->dense == NULL ? VDB_SPARSEVEC_MAX_DIM : VDB_MAX_DIM));
		typmod = DatumGetInt32(result);
	}
	else if (how & 1)
		typmod = how & 2 ? dim : -1;
	fits = typmod == -1 || typmod == dim;
	stored = Int32GetDatum(typmod);
	for (int explicitly = 0; explicitly < 2; explicitly++)
	{
		CHECK(CALL(&result, type->enforce_typmod, packed(value), stored, BoolGetDatum(explicitly)) == fits);
		CHECK(CALL(&result, type->enforce_typmod, value, stored, BoolGetDatum(explicitly)) == fits);
		CHECK(!fits || same_bytes(result, value));
	}
	CHECK(CALL(&result, type->in, MUST(type->out, value), none, stored) == fits);
	CHECK(!fits || same_bytes(result, value));
	if (type->dense != NULL)
	{
		CHECK(CALL(&result, type->from_array, MUST(type->to_float4, value), stored, BoolGetDatum(false)) == fits);
		CHECK(!fits || same_bytes(result, value));
	}
	for (int i = 0; i < lengthof(casts); i++)
		if (&types[casts[i].from] == type &&
			CALL(&result, casts[i].function, packed(value), stored, BoolGetDatum(false)))
			CHECK(fits && dim_of(&types[casts[i].to], result) == dim);
}

static void
check_state(Datum datum)
{
	ArrayType  *state = DatumGetArrayTypeP(datum);

	CHECK(ARR_NDIM(state) == 1 && ARR_ELEMTYPE(state) == FLOAT8OID && !ARR_HASNULL(state));
	CHECK(ARR_DIMS(state)[0] >= 1 && ARR_DIMS(state)[0] <= VDB_MAX_DIM + 1);
	CHECK(VARSIZE(state) == ARR_OVERHEAD_NONULLS(1) + ARR_DIMS(state)[0] * sizeof(float8));
}

/* The aggregates' functions, called with states that are none, too. */
static void
fuzz_aggregate(Input in)
{
	static const Oid element_types[] = {FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, INT4OID, INT8OID};
	int			number = take_type(&in, INT8VEC + 1, NULL);
	const Type *type = &types[number];
	const Type *result_type = &types[number == INT8VEC ? VECTOR : number];
	uint8_t		steps = take_byte(&in);
	ArrayType  *first = take_array(&in, element_types[steps % lengthof(element_types)], 2);
	Datum		state = PointerGetDatum(first),
				next;

	fuzz_in_aggregate = false;
	for (int step = 0; step < 6; step++)
	{
		char	   *before = memcpy(fuzz_alloc(VARSIZE(DatumGetPointer(state))), DatumGetPointer(state), VARSIZE(DatumGetPointer(state)));
		Datum		v = packed(take_value(&in, type, ARR_NDIM(DatumGetArrayTypeP(state)) == 1 && steps & 64 ?
										  Min(Max(ARR_DIMS(DatumGetArrayTypeP(state))[0] - 1, 1), VDB_MAX_DIM) : 0));
		bool		isnull;

		fuzz_in_aggregate = (steps & 1 << step) != 0;
		if (step % 3 == 2 ? !CALL(&next, vdb_accum_combine, state, PointerGetDatum(first)) :
			!CALL(&next, type->accum, state, v))
			break;
		check_state(next);
		/* what is not the aggregate's own is not changed */
		if (!fuzz_in_aggregate || step % 3 == 2)
			CHECK(memcmp(before, DatumGetPointer(state), VARSIZE(before)) == 0);
		for (int i = 0; i < 2; i++)
			if (fuzz_call(i == 0 ? type->sum : type->avg, &next, 1, &v, &isnull) && !isnull)
				check_format(result_type, v);
		state = next;
	}
	/* what was not accepted is not a state for the final functions either */
	for (int i = 0; i < 2; i++)
	{
		bool		isnull;

		if (fuzz_call(i == 0 ? type->sum : type->avg, &state, 1, &next, &isnull) && !isnull)
			check_format(result_type, next);
	}
}

/* Distances, order, arithmetic and slices of good values. */
static void
fuzz_operate(Input in)
{
	const Type *type = &types[take_type(&in, NTYPES, NULL)];
	uint8_t		how = take_byte(&in);
	int32		start = take_int32(&in),
				count = take_int32(&in);
	Datum		a = take_value(&in, type, 0),
				b = take_value(&in, type, how & 1 ? dim_of(type, a) : 0),
				c;
	int			dim = dim_of(type, a);
	int64		from,
				to;
	Datum		distance;

	check_value(type, a);
	check_pair(type, a, b);
	if (CALL(&c, type->l2_normalize, packed(a)))
	{
		const Type *result_type = type->dense != NULL && type->dense->elem == VDB_I8 ? &types[VECTOR] : type;
		double		norm = MUST_FLOAT8(result_type->l2_norm, c);

		check_format(result_type, c);
		/* halves near zero have few digits */
		if (result_type->dense == NULL || result_type->dense->elem == VDB_F32)
			CHECK(MUST_FLOAT8(type->l2_norm, a) > 0 ? fabs(norm - 1) < 1e-3 : norm == 0);
	}
	if (type->dense == NULL)
		return;

	if (CALL(&c, type->add, packed(a), b))
		check_format(type, c);
	if (CALL(&c, type->sub, a, packed(b)))
		check_format(type, c);
	if (CALL(&c, type->mul, packed(a), packed(b)))
		check_format(type, c);
	CHECK(MUST_INT32(type->dims, packed(a)) == dim);

	if (how & 128)
	{
		start = start % (dim + 2);
		count = count % (dim + 2);
	}
	from = Max(start, 1);
	to = Min((int64) start + Max(count, 0), (int64) dim + 1);
	if (CALL(&c, type->subvector, packed(a), Int32GetDatum(start), Int32GetDatum(count)))
	{
		check_format(type, c);
		CHECK(dim_of(type, c) == to - from);
		CHECK(memcmp(((VdbDense *) DatumGetPointer(c))->x,
					 ((VdbDense *) DatumGetPointer(a))->x + (from - 1) * type->dense->elem_size,
					 (to - from) * type->dense->elem_size) == 0);
	}
	else
		CHECK(to <= from);

	if (CALL(&c, type->concat, packed(a), packed(b)))
	{
		check_format(type, c);
		CHECK(same_bytes(MUST(type->subvector, c, Int32GetDatum(1), Int32GetDatum(dim)), a));
		CHECK(same_bytes(MUST(type->subvector, c, Int32GetDatum(dim + 1), Int32GetDatum(PG_INT32_MAX)), b));
	}
	else
		CHECK(dim + dim_of(type, b) > VDB_MAX_DIM);

	c = MUST(type->binary_quantize, packed(a));
	CHECK(VARBITLEN(DatumGetVarBitP(c)) == dim && VARSIZE(DatumGetVarBitP(c)) == VARBITTOTALLEN(dim));
	CHECK(dim % 8 == 0 || (VARBITS(DatumGetVarBitP(c))[dim / 8] & (0xff >> dim % 8)) == 0);
	b = MUST(type->binary_quantize, b);
	if (CALL(&distance, vdb_bit_hamming_distance, c, packed(b)))
		CHECK(DatumGetFloat8(distance) >= 0 && DatumGetFloat8(distance) <= dim);
}

/* Damaged values through whatever reads one: any result will do. */
static void
fuzz_stored(Input in)
{
	int			number = take_type(&in, NTYPES + 1, NULL);
	const Type *type = &types[number % NTYPES];
	size_t		size = take_count(&in, 0, PG_INT32_MAX) * 4 + take_byte(&in) % 8;
	Datum		a = take_stored(&in, size),
				b = take_stored(&in, size),
				minus = Int32GetDatum(-1),
				c;

	if (number == NTYPES)
	{
		CALL(&c, vdb_bit_hamming_distance, a, b);
		CALL(&c, vdb_bit_jaccard_distance, a, b);
		return;
	}

	CALL(&c, type->out, a);
	CALL(&c, type->send, a);
	CALL(&c, type->enforce_typmod, a, minus, BoolGetDatum(false));
	CALL(&c, type->l2_norm, a);
	CALL(&c, type->l2_normalize, a);
	CALL(&c, type->lt, a, b);
	CALL(&c, type->cmp, a, a);
	CALL(&c, type->l2_distance, a, b);
	CALL(&c, type->inner_product, a, b);
	CALL(&c, type->cosine_distance, a, a);
	CALL(&c, type->l1_distance, a, b);
	for (int i = 0; i < lengthof(casts); i++)
		if (casts[i].from == number)
			CALL(&c, casts[i].function, a, minus, BoolGetDatum(false));
	if (type->dense == NULL)
		return;
	CALL(&c, type->spherical_distance, a, b);
	CALL(&c, type->add, a, b);
	CALL(&c, type->sub, a, b);
	CALL(&c, type->mul, a, a);
	CALL(&c, type->concat, a, b);
	CALL(&c, type->dims, a);
	CALL(&c, type->subvector, a, Int32GetDatum(2), Int32GetDatum(3));
	CALL(&c, type->binary_quantize, a);
	CALL(&c, type->to_float4, a);
	if (number == INT8VEC)
		CALL(&c, vdb_int8vec_to_int4, a);
}

const Target fuzz_targets[] = {
	{"number", fuzz_number},
	{"text", fuzz_text},
	{"binary", fuzz_binary},
	{"cast", fuzz_cast},
	{"typmod", fuzz_typmod},
	{"aggregate", fuzz_aggregate},
	{"operate", fuzz_operate},
	{"stored", fuzz_stored},
	{NULL}
};
