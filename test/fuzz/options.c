/*
 * options.c
 *	  Options of an index, in all combinations with what it is over, and
 *	  settings: what is accepted has to work.
 *
 * An input is text: what the index is over (letters), the number of dimensions,
 * its options, and settings, with | between.
 */
#include "input.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "utils/memutils.h"

#include "am/common/options.h"
#include "am/common/scan.h"
#include "index.h"
#include "pages.h"
#include "settings.h"
#include "world.h"

/* Rows that are inserted. */
#define ROWS 3

static const Oid column_types[] = {InvalidOid, INT4OID, BOOLOID, UUIDOID, TEXTOID, INT4ARRAYOID};

/* The letters: access method, kind, columns. */
static void
take_table(const char *text, FuzzTable *table, FuzzKind *kind)
{
	static const char *const ams[] = {"hnsw", "ivf", "ivfflat"};
	unsigned char letters[2 + FUZZ_MAX_COLUMNS] = {0};

	memcpy(letters, text, strnlen(text, sizeof(letters)));
	*kind = fuzz_kinds[letters[1] % FUZZ_NKINDS];
	table->am = ams[letters[0] % lengthof(ams)];
	table->kind = kind->kind;
	table->distance = kind->distance;
	table->ncolumns = 1;
	for (int i = 2; i < 1 + FUZZ_MAX_COLUMNS; i++)
	{
		Oid			type = column_types[letters[i] % lengthof(column_types)];

		if (type != InvalidOid)
			table->columns[table->ncolumns++] = type;
	}
}

static FuzzRow *
make_rows(const FuzzTable *table, const FuzzKind *kind)
{
	FuzzRow    *rows = palloc0(FUZZ_MAX_ROWS * sizeof(FuzzRow));
	float	   *x = palloc0(table->dim * sizeof(float));

	for (int row = 0; row < ROWS; row++)
	{
		x[0] = x[table->dim - 1] = row;
		rows[row].values[0] = fuzz_vector(kind->type, x, table->dim);
		for (int i = 1; i < table->ncolumns; i++)
			rows[row].values[i] = fuzz_value(table->columns[i], row);
	}
	return rows;
}

/* What is not right is refused when options are checked, or when an index is made. */
static bool
is_refused(void)
{
	CHECK(fuzz_sqlstate == ERRCODE_INVALID_PARAMETER_VALUE ||
		  fuzz_sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED);
	return false;
}

static bool
open_table(const FuzzTable *table)
{
	volatile bool done = false;

	PG_TRY();
	{
		fuzz_open(table);
		done = true;
	}
	PG_CATCH();
	{
		done = is_refused();
	}
	PG_END_TRY();
	return done;
}

/* An option's value, or what it is by default, is within its limits. */
static void
check_options(const FuzzTable *table)
{
	if (strcmp(table->am, "hnsw") == 0)
	{
		VdbAmHnswOptions options = vdb_am_hnsw_options(fuzz_index);

		CHECK(options.m >= VDB_AM_MIN_M && options.m <= VDB_AM_MAX_M);
		CHECK(options.ef_construction >= 2 * options.m && options.ef_construction <= VDB_AM_MAX_EF);
		CHECK(options.quantizer != VDB_AM_QUANTIZER_PQ);
		CHECK(vdb_am_quantizer_name(options.quantizer) != NULL);
	}
	else
	{
		VdbAmIvfOptions options = vdb_am_ivf_options(fuzz_index);

		CHECK(options.lists >= 0 && options.lists <= VDB_AM_MAX_LISTS);
		CHECK(options.bits == 0 || options.bits == 1 || options.bits == 2 || options.bits == 4 || options.bits == 8);
		CHECK(vdb_am_quantizer_name(options.quantizer) != NULL);
	}
}

static void
use_index(void)
{
	FuzzSearch	search = {.query = fuzz_rows[1].values[0],.part = VDB_AM_ALL,.rows = PG_INT32_MAX,.times = 2};

	/* Of many dimensions the file may be too long. */
	if (!fuzz_insert(ROWS, false))
		return;
	CHECK(fuzz_search(&search));
	CHECK(fuzz_check(true));
	fuzz_live[0] = false;
	CHECK(fuzz_vacuum(true));
	CHECK(fuzz_census());
	CHECK(fuzz_check(true));
}

static void
apply_settings(char *text)
{
	while (text != NULL)
	{
		char	   *setting = strsep(&text, ",");
		char	   *value = strchr(setting, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		fuzz_set(setting, value);
	}
	CHECK(vdb_am_hnsw_ef_search() >= 0 && vdb_am_hnsw_ef_search() <= VDB_AM_MAX_EF);
	CHECK(vdb_am_hnsw_max_scan_tuples() >= 1);
	CHECK(vdb_am_ivf_probes >= 0 && vdb_am_ivf_probes <= VDB_AM_MAX_LISTS);
	CHECK(vdb_am_ivf_recall == 0 || (vdb_am_ivf_recall >= 0.5 && vdb_am_ivf_recall <= 1));
	CHECK(vdb_am_target_recall >= 0.5 && vdb_am_target_recall <= 1);
	CHECK(vdb_am_ivfflat_probes() >= 1 && vdb_am_ivfflat_max_probes() >= 1);
}

/* Options that a catalog of another version has are no error, whatever they are. */
static void
read_options(const FuzzTable *table)
{
	fuzz_routine(table->am)->amoptions(CStringGetDatum(table->options), false);
}

void
fuzz_options_prepare(void)
{
	fuzz_settings_create();
	fuzz_buffers_create();
}

void
fuzz_options(Input in)
{
	char	   *text = fuzz_alloc(in.left + 1);
	char	   *parts[4];
	FuzzTable	table = {0};
	FuzzKind	kind;

	take(&in, text, in.left + 1);
	for (int i = 0; i < lengthof(parts); i++)
		parts[i] = text == NULL ? (char *) "" : strsep(&text, "|");
	take_table(parts[0], &table, &kind);
	/* many more than there can be, now and then; else what is fast */
	table.dim = strtol(parts[1], NULL, 10) % 70000;
	table.options = parts[2];
	fuzz_reset_all();
	read_options(&table);
	if (!open_table(&table))
		return;
	check_options(&table);
	apply_settings(*parts[3] == '\0' ? NULL : parts[3]);

	fuzz_sound = true;
	fuzz_unseen = fuzz_standby = fuzz_all_gone = false;
	fuzz_refusable = true;
	fuzz_nrows = fuzz_heap_blocks = 0;
	if (fuzz_build())
	{
		fuzz_refusable = false;
		fuzz_heap_blocks = 1;
		fuzz_rows = make_rows(&table, &kind);
		use_index();
	}
	fuzz_refusable = false;
}
