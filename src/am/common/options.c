/*
 * options.c
 *	  What users choose: WITH (...) of an index, and settings.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "access/reloptions.h"
#include "miscadmin.h"
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

typedef struct HnswReloptions
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	int			quantizer;
	int			m;
	int			ef_construction;
} HnswReloptions;

/* As in pgvector. */
#define DEFAULT_M 16
#define DEFAULT_EF_CONSTRUCTION 64
#define MIN_EF_CONSTRUCTION 4

static relopt_kind ivf_kind;
static relopt_kind hnsw_kind;

static relopt_enum_elt_def quantizers[] = {
	{"auto", VDB_AM_QUANTIZER_AUTO},
	{"none", VDB_AM_QUANTIZER_NONE},
	{"sq8", VDB_AM_QUANTIZER_SQ8},
	{"pq", VDB_AM_QUANTIZER_PQ},
	{"rabitq", VDB_AM_QUANTIZER_RABITQ},
	{NULL}
};

/* Without pq: 16 centroids a piece tell too little of a single row. */
static relopt_enum_elt_def hnsw_quantizers[] = {
	{"auto", VDB_AM_QUANTIZER_AUTO},
	{"none", VDB_AM_QUANTIZER_NONE},
	{"sq8", VDB_AM_QUANTIZER_SQ8},
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
	if (given->bits != 8 && given->bits != 4 && given->bits != 2 &&
		given->bits != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value %d out of bounds for option \"%s\"", given->bits, "bits"),
				 errdetail("Valid values are \"8\", \"4\", \"2\" and \"1\".")));
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

bytea *
vdb_am_hnsw_reloptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt fields[] = {
		{"quantizer", RELOPT_TYPE_ENUM, offsetof(HnswReloptions, quantizer)},
		{"m", RELOPT_TYPE_INT, offsetof(HnswReloptions, m)},
		{"ef_construction", RELOPT_TYPE_INT, offsetof(HnswReloptions, ef_construction)},
	};
	HnswReloptions *given = build_reloptions(reloptions, validate, hnsw_kind,
											 sizeof(HnswReloptions), fields, lengthof(fields));

	if (validate && given != NULL && given->ef_construction < 2 * given->m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction must be greater than or equal to 2 * m")));
	return (bytea *) given;
}

VdbAmHnswOptions
vdb_am_hnsw_options(Relation index)
{
	HnswReloptions *given = (HnswReloptions *) index->rd_options;
	VdbAmHnswOptions options = {VDB_AM_QUANTIZER_AUTO, DEFAULT_M, DEFAULT_EF_CONSTRUCTION};

	if (given != NULL)
	{
		options.quantizer = (VdbAmQuantizer) given->quantizer;
		options.m = given->m;
		options.ef_construction = given->ef_construction;
	}
	return options;
}

static void
init_hnsw_reloptions(void)
{
	hnsw_kind = add_reloption_kind();
	add_enum_reloption(hnsw_kind, "quantizer", "How the index holds its vectors",
					   hnsw_quantizers, VDB_AM_QUANTIZER_AUTO,
					   "Valid values are \"auto\", \"none\", \"sq8\" and \"rabitq\".",
					   AccessExclusiveLock);
	add_int_reloption(hnsw_kind, "m", "Half the number of neighbours that a vector has at most",
					  DEFAULT_M, VDB_AM_MIN_M, VDB_AM_MAX_M, AccessExclusiveLock);
	add_int_reloption(hnsw_kind, "ef_construction",
					  "Number of near vectors that neighbours are chosen from",
					  DEFAULT_EF_CONSTRUCTION, MIN_EF_CONSTRUCTION, VDB_AM_MAX_EF,
					  AccessExclusiveLock);
}

static void
init_ivf_reloptions(void)
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
					  "Bits per dimension that order what codes have found: 8, 4, 2 or 1",
					  0, 1, 8, AccessExclusiveLock);
}

/* ---- settings ---- */

int			vdb_am_ivf_probes = 0;
double		vdb_am_ivf_recall = 0;

double		vdb_am_target_recall = 0.95;

/* What recalls are chosen from, up to 1. */
#define LEAST_RECALL 0.5

static const struct config_enum_entry iterative_scans[] = {
	{"off", VDB_AM_ITERATIVE_OFF, false},
	{"relaxed_order", VDB_AM_ITERATIVE_RELAXED, false},
	{NULL, 0, false}
};

static const struct config_enum_entry hnsw_iterative_scans[] = {
	{"off", VDB_AM_ITERATIVE_OFF, false},
	{"relaxed_order", VDB_AM_ITERATIVE_RELAXED, false},
	{"strict_order", VDB_AM_ITERATIVE_STRICT, false},
	{NULL, 0, false}
};

static int	flat_probes = 1;
static int	flat_max_probes = 32768;
static int	flat_iterative = VDB_AM_ITERATIVE_RELAXED;

static char *ef_search_text;
static int	ef_search = 0;
static int	hnsw_iterative = VDB_AM_ITERATIVE_RELAXED;
static int	max_scan_tuples = INT_MAX;
static double scan_mem_multiplier = 1;

/*
 * pgvector's library may have been loaded into this backend before: where it
 * was preloaded, or dropped in this session.  PostgreSQL lets nobody define a
 * setting twice, so then its variables are the settings.
 */
static bool foreign = false;		/* ivfflat.* */
static bool foreign_hnsw = false;

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

	return theirs != NULL ? strcmp(theirs, "off") != 0 : flat_iterative != VDB_AM_ITERATIVE_OFF;
}

/* What pgvector's setting is, NULL where the settings are ours or it has none. */
static const char *
foreign_hnsw_setting(const char *name)
{
	return foreign_hnsw ? GetConfigOption(name, true, false) : NULL;
}

int
vdb_am_hnsw_ef_search(void)
{
	const char *theirs = foreign_hnsw_setting("hnsw.ef_search");

	return theirs != NULL ? atoi(theirs) : ef_search;
}

VdbAmIterative
vdb_am_hnsw_iterative(void)
{
	const char *theirs = foreign_hnsw_setting("hnsw.iterative_scan");

	if (theirs != NULL)
		for (const struct config_enum_entry *e = hnsw_iterative_scans; e->name != NULL; e++)
			if (strcmp(theirs, e->name) == 0)
				return (VdbAmIterative) e->val;
	return (VdbAmIterative) hnsw_iterative;
}

int
vdb_am_hnsw_max_scan_tuples(void)
{
	const char *theirs = foreign_hnsw_setting("hnsw.max_scan_tuples");

	return theirs != NULL ? atoi(theirs) : max_scan_tuples;
}

Size
vdb_am_hnsw_scan_memory(void)
{
	const char *theirs = foreign_hnsw_setting("hnsw.scan_mem_multiplier");

	return (Size) (work_mem * 1024.0 * (theirs != NULL ? atof(theirs) : scan_mem_multiplier));
}

/* The value of hnsw.ef_search, 0 for auto; false where it is neither. */
static bool
parse_ef_search(const char *value, int *ef)
{
	*ef = 0;
	if (pg_strcasecmp(value, "auto") == 0)
		return true;
	return parse_int(value, ef, 0, NULL);
}

/*
 * It is a string to PostgreSQL, so that it can be auto as well as a number;
 * numbers get the message that an integer setting gives.
 */
static bool
check_ef_search(char **newval, void **extra, GucSource source)
{
	int			ef;

	if (!parse_ef_search(*newval, &ef))
	{
		GUC_check_errdetail("Valid values are \"auto\" and numbers from 1 to %d.",
							VDB_AM_MAX_EF);
		return false;
	}
	if (pg_strcasecmp(*newval, "auto") != 0 && (ef < 1 || ef > VDB_AM_MAX_EF))
	{
		GUC_check_errmsg("%d is outside the valid range for parameter \"%s\" (%d .. %d)",
						 ef, "hnsw.ef_search", 1, VDB_AM_MAX_EF);
		return false;
	}
	return true;
}

static void
assign_ef_search(const char *newval, void *extra)
{
	(void) parse_ef_search(newval, &ef_search);
}

uint32
vdb_am_width(const double *recalls, const uint32 *widths, int n, double recall)
{
	int			i = 0;
	double		low,
				high;

	while (i < n - 1 && recalls[i] < recall)
		i++;
	if (i == 0 || recalls[i] <= recall)
		return widths[i];
	/* From one to the next they grow by factors. */
	low = Max(widths[i - 1], 1);
	high = Max(widths[i], low);
	return ceil(low * pow(high / low, (recall - recalls[i - 1]) / (recalls[i] - recalls[i - 1])));
}

/* 0 is left out of the range: it stands for another setting. */
static bool
check_ivf_recall(double *newval, void **extra, GucSource source)
{
	if (*newval == 0 || *newval >= LEAST_RECALL)
		return true;
	GUC_check_errmsg("%g is outside the valid range for parameter \"%s\" (%g .. %g)",
					 *newval, "ivf.recall", LEAST_RECALL, 1.0);
	GUC_check_errdetail("0 takes vecdb.target_recall.");
	return false;
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
							 "0 takes vecdb.target_recall.  Counts only while ivf.probes is 0.",
							 &vdb_am_ivf_recall,
							 0, 0, 1.0,
							 PGC_USERSET, 0, check_ivf_recall, NULL, NULL);
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
							 VDB_AM_ITERATIVE_RELAXED, iterative_scans,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ivfflat.max_probes",
							"Number of lists after which an iterative scan of an ivfflat index ends.",
							"Where it is less than ivfflat.probes, that many are read.",
							&flat_max_probes,
							32768, 1, 32768,
							PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ivfflat");
}

static void
init_hnsw_settings(void)
{
	DefineCustomRealVariable("vecdb.target_recall",
							 "Share of the nearest rows that a scan of an index aims to find.",
							 "Counts while hnsw.ef_search is auto, and ivf.probes and ivf.recall are 0.",
							 &vdb_am_target_recall,
							 0.95, LEAST_RECALL, 1.0,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	foreign_hnsw = is_defined("hnsw.ef_search");
	if (foreign_hnsw)
		return;
	DefineCustomStringVariable("hnsw.ef_search",
							   "Number of rows that a scan of an hnsw index looks for at once.",
							   "auto chooses it by vecdb.target_recall.",
							   &ef_search_text,
							   "auto",
							   PGC_USERSET, 0,
							   check_ef_search, assign_ef_search, NULL);
	DefineCustomEnumVariable("hnsw.iterative_scan",
							 "Whether a scan of an hnsw index that needs more rows looks for more.",
							 "strict_order leaves out rows that come too late for their distance.",
							 &hnsw_iterative,
							 VDB_AM_ITERATIVE_RELAXED, hnsw_iterative_scans,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("hnsw.max_scan_tuples",
							"Number of rows after which an iterative scan of an hnsw index ends.",
							"The default is no limit.",
							&max_scan_tuples,
							INT_MAX, 1, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("hnsw.scan_mem_multiplier",
							 "Multiple of work_mem that a scan of an hnsw index may use.",
							 NULL,
							 &scan_mem_multiplier,
							 1, 1, 1000,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("hnsw");
}

void
vdb_am_init(void)
{
	init_ivf_reloptions();
	init_hnsw_reloptions();
	init_ivf_settings();
	init_ivfflat_settings();
	init_hnsw_settings();
}
