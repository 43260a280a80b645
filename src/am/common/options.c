/*
 * options.c
 *	  What users choose: WITH (...) of an index, and settings.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "utils/guc.h"

#include "am/common/options.h"

/* ---- options of an index ---- */

/* As build_reloptions() makes it. */
typedef struct IvfReloptions
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	int			quantizer;
	int			lists;			/* offset of a string */
	int			bits;
} IvfReloptions;

static relopt_kind ivf_kind;

static relopt_enum_elt_def quantizers[] = {
	{"auto", VDB_AM_QUANTIZER_AUTO},
	{"none", VDB_AM_QUANTIZER_NONE},
	{"sq8", VDB_AM_QUANTIZER_SQ8},
	{"pq", VDB_AM_QUANTIZER_PQ},
	{"rabitq", VDB_AM_QUANTIZER_RABITQ},
	{NULL}
};

const char *
vdb_am_quantizer_name(VdbAmQuantizer quantizer)
{
	for (relopt_enum_elt_def *q = quantizers; q->string_val != NULL; q++)
		if (q->symbol_val == (int) quantizer)
			return q->string_val;
	return NULL;
}

void
vdb_am_no_bits(VdbAmQuantizer quantizer)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("quantizer \"%s\" has no option \"%s\"", vdb_am_quantizer_name(quantizer),
					"bits"),
			 errhint("Leave the option out, or use quantizer = rabitq.")));
}

/* The value of lists = value, -1 where it is not a number. */
static int
parse_lists(const char *value)
{
	int			lists;

	if (pg_strcasecmp(value, "auto") == 0)
		return 0;
	return parse_int(value, &lists, 0, NULL) ? lists : -1;
}

/*
 * Checks lists, with the messages of an integer option.  It is a string to
 * PostgreSQL, so that it can be auto as well as a number.
 */
static void
validate_lists(const char *value)
{
	int			unused;

	if (value == NULL)
		return;
	if (pg_strcasecmp(value, "auto") != 0 && !parse_int(value, &unused, 0, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for integer option \"%s\": %s", "lists", value),
				 errdetail("Valid values are \"auto\" and numbers up to %d.", VDB_AM_MAX_LISTS)));
	if (parse_lists(value) < 0 || parse_lists(value) > VDB_AM_MAX_LISTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value %s out of bounds for option \"%s\"", value, "lists"),
				 errdetail("Valid values are between \"%d\" and \"%d\"; 0 is the same as \"auto\".",
						   0, VDB_AM_MAX_LISTS)));
}

/* Checks bits, alone and beside the quantizer. */
static void
validate_bits(const IvfReloptions *given)
{
	if (given->bits == 0)
		return;
	if (given->bits != 8 && given->bits != 4 && given->bits != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value %d out of bounds for option \"%s\"", given->bits, "bits"),
				 errdetail("Valid values are \"8\", \"4\" and \"2\".")));
	if (given->quantizer == VDB_AM_QUANTIZER_NONE || given->quantizer == VDB_AM_QUANTIZER_SQ8)
		vdb_am_no_bits((VdbAmQuantizer) given->quantizer);
}

bytea *
vdb_am_ivf_reloptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt fields[] = {
		{"quantizer", RELOPT_TYPE_ENUM, offsetof(IvfReloptions, quantizer)},
		{"lists", RELOPT_TYPE_STRING, offsetof(IvfReloptions, lists)},
		{"bits", RELOPT_TYPE_INT, offsetof(IvfReloptions, bits)},
	};
	IvfReloptions *given = build_reloptions(reloptions, validate, ivf_kind,
											sizeof(IvfReloptions), fields, lengthof(fields));

	if (validate && given != NULL)
		validate_bits(given);
	return (bytea *) given;
}

VdbAmIvfOptions
vdb_am_ivf_options(Relation index)
{
	IvfReloptions *given = (IvfReloptions *) index->rd_options;
	VdbAmIvfOptions options = {VDB_AM_QUANTIZER_AUTO, 0, 0};

	if (given != NULL)
	{
		const char *lists = GET_STRING_RELOPTION(given, lists);

		options.quantizer = (VdbAmQuantizer) given->quantizer;
		options.bits = given->bits;

		/* what is in the catalog was checked when it got there */
		if (lists != NULL)
			options.lists = Max(parse_lists(lists), 0);
	}
	return options;
}

static void
init_reloptions(void)
{
	ivf_kind = add_reloption_kind();
	add_enum_reloption(ivf_kind, "quantizer", "How the index holds its vectors",
					   quantizers, VDB_AM_QUANTIZER_AUTO,
					   "Valid values are \"auto\", \"none\", \"sq8\", \"pq\" and \"rabitq\".",
					   AccessExclusiveLock);
	add_string_reloption(ivf_kind, "lists",
						 "Number of lists, or auto to choose it by the number of rows",
						 "auto", validate_lists, AccessExclusiveLock);
	add_int_reloption(ivf_kind, "bits",
					  "Bits per dimension that order what codes have found: 8, 4 or 2",
					  0, 2, 8, AccessExclusiveLock);
}

/* ---- settings ---- */

int			vdb_am_ivf_probes = 0;
double		vdb_am_ivf_recall = 0.95;

typedef enum IterativeScan
{
	ITERATIVE_OFF,
	ITERATIVE_RELAXED
} IterativeScan;

static const struct config_enum_entry iterative_scans[] = {
	{"off", ITERATIVE_OFF, false},
	{"relaxed_order", ITERATIVE_RELAXED, false},
	{NULL, 0, false}
};

static int	flat_probes = 1;
static int	flat_max_probes = 32768;
static int	flat_iterative = ITERATIVE_RELAXED;

/*
 * pgvector's library may have been loaded into this backend before: where it
 * was preloaded, or dropped in this session.  PostgreSQL lets nobody define a
 * setting twice, so then its variables are the settings.
 */
static bool foreign = false;

/* Has a library defined this setting?  (A SET before that is a placeholder.) */
static bool
is_defined(const char *name)
{
	return GetConfigOption(name, true, false) != NULL &&
		(GetConfigOptionFlags(name, true) & GUC_CUSTOM_PLACEHOLDER) == 0;
}

int
vdb_am_ivfflat_probes(void)
{
	return foreign ? atoi(GetConfigOption("ivfflat.probes", false, false)) : flat_probes;
}

int
vdb_am_ivfflat_max_probes(void)
{
	const char *theirs = foreign ? GetConfigOption("ivfflat.max_probes", true, false) : NULL;

	return theirs != NULL ? atoi(theirs) : flat_max_probes;
}

bool
vdb_am_ivfflat_iterative(void)
{
	const char *theirs = foreign ? GetConfigOption("ivfflat.iterative_scan", true, false) : NULL;

	return theirs != NULL ? strcmp(theirs, "off") != 0 : flat_iterative != ITERATIVE_OFF;
}

static void
init_ivf_settings(void)
{
	DefineCustomIntVariable("ivf.probes",
							"Number of lists that a scan of an ivf index reads first.",
							"0 chooses it by ivf.recall.  A scan that needs more rows reads on.",
							&vdb_am_ivf_probes,
							0, 0, VDB_AM_MAX_LISTS,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("ivf.recall",
							 "Share of the nearest rows that a scan of an ivf index aims to find.",
							 "Counts only while ivf.probes is 0.",
							 &vdb_am_ivf_recall,
							 0.95, 0.5, 1.0,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ivf");
}

static void
init_ivfflat_settings(void)
{
	foreign = is_defined("ivfflat.probes");
	if (foreign)
		return;
	DefineCustomIntVariable("ivfflat.probes",
							"Number of lists that a scan of an ivfflat index reads first.",
							NULL,
							&flat_probes,
							1, 1, 32768,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("ivfflat.iterative_scan",
							 "Whether a scan of an ivfflat index that needs more rows reads more lists.",
							 "off returns the rows of the first ivfflat.probes lists only.",
							 &flat_iterative,
							 ITERATIVE_RELAXED, iterative_scans,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ivfflat.max_probes",
							"Number of lists after which an iterative scan of an ivfflat index ends.",
							"Where it is less than ivfflat.probes, that many are read.",
							&flat_max_probes,
							32768, 1, 32768,
							PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ivfflat");
}

void
vdb_am_init(void)
{
	init_reloptions();
	init_ivf_settings();
	init_ivfflat_settings();
}
