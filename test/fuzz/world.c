/*
 * world.c
 *	  Tables and indexes to begin with, made by the library itself.
 */
#include "world.h"

#include "catalog/pg_type_d.h"
#include "common/pg_prng.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/varbit.h"

#include "am/hnsw/hnsw.h"
#include "am/ivf/ivf.h"
#include "index.h"
#include "settings.h"

#undef snprintf

#define DECLARE(type, metric, distance) \
	extern Datum vdb_am_kind_##type##_##metric(PG_FUNCTION_ARGS); \
	extern Datum vdb_##type##_##distance(PG_FUNCTION_ARGS);
#define KIND(type, metric, distance) \
	{#type, vdb_am_kind_##type##_##metric, vdb_##type##_##distance},
#define OF_TYPE(x, type) \
	x(type, l2, l2_distance) x(type, ip, negative_inner_product) \
	x(type, cosine, cosine_distance) x(type, l1, l1_distance)
#define KINDS(x) \
	OF_TYPE(x, vector) OF_TYPE(x, halfvec) OF_TYPE(x, int8vec) OF_TYPE(x, sparsevec) \
	x(bit, hamming, hamming_distance) x(bit, jaccard, jaccard_distance)

KINDS(DECLARE)

extern Datum vdb_vector_in(PG_FUNCTION_ARGS);
extern Datum vdb_halfvec_in(PG_FUNCTION_ARGS);
extern Datum vdb_int8vec_in(PG_FUNCTION_ARGS);
extern Datum vdb_sparsevec_in(PG_FUNCTION_ARGS);

const FuzzKind fuzz_kinds[FUZZ_NKINDS] = {
	KINDS(KIND)
};

static const char *const type_names[] = {"vector", "halfvec", "int8vec", "sparsevec", "bit"};

/* Kinds by their place above. */
enum
{
	VECTOR_L2 = 0, VECTOR_IP = 1, VECTOR_COSINE = 2, VECTOR_L1 = 3, HALFVEC_L2 = 4,
	HALFVEC_COSINE = 6, INT8VEC_L2 = 8, INT8VEC_COSINE = 10, SPARSEVEC_IP = 13,
	SPARSEVEC_COSINE = 14, BIT_HAMMING = 16, BIT_JACCARD = 17
};

/* What there is: rows, of which the last ones come by inserts. */
static const struct
{
	const char *am;
	int			kind;
	int			dim;
	const char *options;
	int			built;
	int			inserted;
	Oid			columns[FUZZ_MAX_COLUMNS - 1];
}			shapes[] = {
	{"hnsw", VECTOR_L2, 8, "m=4,ef_construction=8", 100, 20, {INT4OID}},
	{"hnsw", HALFVEC_COSINE, 5, "quantizer=sq8,m=2,ef_construction=4", 90, 20},
	{"hnsw", BIT_HAMMING, 70, "m=3,ef_construction=6", 90, 20, {BOOLOID, UUIDOID}},
	{"hnsw", SPARSEVEC_IP, 12, "m=4,ef_construction=8", 60, 20, {TEXTOID, INT4ARRAYOID}},
	{"hnsw", INT8VEC_L2, 6, "quantizer=none,m=5,ef_construction=20", 90, 20},
	{"hnsw", VECTOR_L1, 3, "m=100,ef_construction=200", 40, 10, {INT4OID}},
	{"hnsw", VECTOR_COSINE, 1900, "m=2,ef_construction=4", 24, 6},
	{"hnsw", VECTOR_IP, 4, "", 0, 0, {INT4OID}},
	{"ivf", VECTOR_L2, 8, "lists=4", 100, 30, {INT4OID}},
	{"ivf", HALFVEC_COSINE, 5, "lists=3,bits=2", 90, 30},
	{"ivf", VECTOR_COSINE, 8, "quantizer=pq,lists=3,bits=4", 90, 30, {TEXTOID, INT4ARRAYOID}},
	{"ivf", INT8VEC_COSINE, 6, "quantizer=sq8,lists=3", 90, 30},
	{"ivf", BIT_JACCARD, 40, "lists=2", 60, 30, {BOOLOID, UUIDOID}},
	{"ivf", SPARSEVEC_COSINE, 12, "lists=3", 60, 30, {INT4OID}},
	{"ivf", VECTOR_IP, 2100, "quantizer=none,lists=2", 10, 4},
	{"ivfflat", VECTOR_L2, 3, "lists=5", 90, 30, {INT4OID}},
	{"ivfflat", VECTOR_L1, 4, "", 0, 0},
	{"ivf", HALFVEC_L2, 1, "lists=1", 0, 3},
};

FuzzWorld	fuzz_worlds[lengthof(shapes)];
int			fuzz_nworlds = lengthof(shapes);

/* ---- values ---- */

static Datum
bits(const float *x, int dim)
{
	VarBit	   *v = palloc0(VARBITTOTALLEN(dim));

	SET_VARSIZE(v, VARBITTOTALLEN(dim));
	VARBITLEN(v) = dim;
	for (int i = 0; i < dim; i++)
		if (x[i] > 0)
			VARBITS(v)[i / 8] |= 0x80 >> i % 8;
	return PointerGetDatum(v);
}

Datum
fuzz_vector(const char *type, const float *x, int dim)
{
	static const PGFunction in[] = {vdb_vector_in, vdb_halfvec_in, vdb_int8vec_in, vdb_sparsevec_in};
	char	   *text = palloc(24 * dim + 32);
	char	   *to = text;
	bool		sparse = strcmp(type, "sparsevec") == 0;
	Datum		args[3];
	Datum		result;
	bool		isnull;
	int			number = 0;

	if (strcmp(type, "bit") == 0)
		return bits(x, dim);
	while (strcmp(type, type_names[number]) != 0)
		number++;
	*to++ = sparse ? '{' : '[';
	for (int i = 0; i < dim; i++)
		if (!sparse)
			to += sprintf(to, "%s%.3g", i == 0 ? "" : ",",
						  strcmp(type, "int8vec") == 0 ? (double) (int8) x[i] : x[i]);
		else if (x[i] != 0)
			to += sprintf(to, "%s%d:%.3g", to[-1] == '{' ? "" : ",", i + 1, x[i]);
	sprintf(to, sparse ? "}/%d" : "]", dim);
	args[0] = CStringGetDatum(text);
	args[1] = ObjectIdGetDatum(InvalidOid);
	args[2] = Int32GetDatum(-1);
	CHECK(fuzz_call(in[number], args, 3, &result, &isnull) && !isnull);
	pfree(text);
	return result;
}

static Datum
text_value(const char *text)
{
	Size		size = VARHDRSZ + strlen(text);
	struct varlena *v = palloc(size);

	SET_VARSIZE(v, size);
	memcpy(VARDATA(v), text, size - VARHDRSZ);
	return PointerGetDatum(v);
}

Datum
fuzz_value(Oid type, uint32 number)
{
	char		text[32];
	Datum		elements[3] = {Int32GetDatum(number % 7), Int32GetDatum(number % 5), Int32GetDatum(number % 3)};
	char	   *uuid;

	switch (type)
	{
		case BOOLOID:
			return BoolGetDatum(number % 2);
		case INT4OID:
			return Int32GetDatum(number % 10);
		case UUIDOID:
			uuid = palloc0(16);
			uuid[0] = uuid[15] = number % 16;
			return PointerGetDatum(uuid);
		case TEXTOID:
			snprintf(text, sizeof(text), "value %u", number % 8);
			return text_value(text);
		default:
			CHECK(type == INT4ARRAYOID);
			return PointerGetDatum(construct_array(elements, number % 4, INT4OID, sizeof(int32),
												   true, TYPALIGN_INT));
	}
}

/* ---- rows ---- */

/* Some are equal, some are zero, and some are not there. */
static void
make_vector(const FuzzWorld *world, FuzzRow *rows, int row, const char *type,
			pg_prng_state *random)
{
	int			dim = world->table.dim;
	float	   *x = palloc(dim * sizeof(float));

	for (int i = 0; i < dim; i++)
		x[i] = row % 12 == 5 || pg_prng_double(random) < 0.3 ? 0 :
			pg_prng_double(random) * 20 - 10;
	if (row % 6 == 3)
		rows[row].values[0] = rows[row % 30].values[0];
	else
		rows[row].values[0] = fuzz_vector(type, x, dim);
	rows[row].nulls[0] = row % 11 == 7 || rows[row].values[0] == 0;
	pfree(x);
}

static FuzzRow *
make_rows(const FuzzWorld *world, const char *type, pg_prng_state *random)
{
	FuzzRow    *rows = palloc0(FUZZ_MAX_ROWS * sizeof(FuzzRow));

	for (int row = 0; row < FUZZ_MAX_ROWS; row++)
	{
		make_vector(world, rows, row, type, random);
		for (int i = 1; i < world->table.ncolumns; i++)
		{
			rows[row].nulls[i] = row % 9 == i;
			rows[row].values[i] = fuzz_value(world->table.columns[i], pg_prng_uint32(random));
		}
	}
	return rows;
}

/* ---- worlds ---- */

/* Widths are measured by the clock: each time they would be others. */
static void
set_widths(void *unused)
{
	uint32		widths[VDB_HNSW_NRECALLS];

	StaticAssertStmt(VDB_HNSW_NRECALLS == VDB_IVF_NRECALLS, "as many widths");
	for (int i = 0; i < VDB_HNSW_NRECALLS; i++)
		widths[i] = i + 1;
	if (vdb_hnsw_is_index(fuzz_index))
		vdb_hnsw_set_efs(fuzz_index, 10, widths);
	else if (vdb_ivf_is_complete(fuzz_index))
	{
		VdbIvf	   *ivf = vdb_ivf_open(fuzz_index);

		vdb_ivf_guard(fuzz_index, ivf);
		vdb_ivf_set_probes(fuzz_index, ivf, widths);
		vdb_ivf_unguard(fuzz_index);
	}
}

static void
make_world(FuzzWorld *world, int n)
{
	const FuzzKind *kind = &fuzz_kinds[shapes[n].kind];
	pg_prng_state random;

	world->table = (FuzzTable)
	{
		.am = shapes[n].am,.kind = kind->kind,.distance = kind->distance,
			.options = shapes[n].options,.dim = shapes[n].dim,.expression = n % 4 == 1,
			.ncolumns = 1
	};
	for (int i = 0; i < FUZZ_MAX_COLUMNS - 1 && shapes[n].columns[i] != InvalidOid; i++)
		world->table.columns[world->table.ncolumns++] = shapes[n].columns[i];
	pg_prng_seed(&random, n);
	world->table.rows = make_rows(world, kind->type, &random);

	pg_prng_seed(&pg_global_prng_state, n);
	fuzz_nrows = shapes[n].built;
	fuzz_heap_blocks = (fuzz_nrows + FUZZ_ROWS_PER_PAGE - 1) / FUZZ_ROWS_PER_PAGE;
	memset(fuzz_live, true, fuzz_nrows);
	fuzz_sound = true;
	fuzz_open(&world->table);
	CHECK(fuzz_build());
	CHECK(fuzz_insert(shapes[n].inserted, false));
	CHECK(fuzz_run(set_widths, NULL));
	for (int row = 0; row < fuzz_nrows; row++)
		fuzz_live[row] = row % 8 != 1;
	CHECK(fuzz_vacuum(true));
	CHECK(fuzz_check(true));

	world->nblocks = fuzz_nblocks;
	world->pages = palloc(fuzz_nblocks * BLCKSZ);
	for (BlockNumber block = 0; block < fuzz_nblocks; block++)
		memcpy(world->pages + (Size) block * BLCKSZ, fuzz_page(block), BLCKSZ);
	memcpy(world->free, fuzz_free, sizeof(fuzz_free));
	world->nrows = fuzz_nrows;
	memcpy(world->live, fuzz_live, sizeof(fuzz_live));
}

void
fuzz_worlds_create(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	fuzz_settings_create();
	fuzz_buffers_create();
	for (int i = 0; i < fuzz_nworlds; i++)
		make_world(&fuzz_worlds[i], i);
	MemoryContextSwitchTo(old);
}

void
fuzz_world_open(const FuzzWorld *world)
{
	pg_prng_seed(&pg_global_prng_state, 1);
	fuzz_reset_all();
	fuzz_open(&world->table);
	fuzz_nblocks = world->nblocks;
	memcpy(fuzz_free, world->free, sizeof(fuzz_free));
	fuzz_nrows = world->nrows;
	memcpy(fuzz_live, world->live, sizeof(fuzz_live));
	fuzz_heap_blocks = FUZZ_MAX_ROWS / FUZZ_ROWS_PER_PAGE + 1;
	for (BlockNumber block = 0; block < world->nblocks; block++)
		fuzz_put_page(block, world->pages + (Size) block * BLCKSZ);
	fuzz_sound = fuzz_logged = true;
	fuzz_unseen = fuzz_standby = fuzz_all_gone = false;
	fuzz_cancel_after = 0;
}
