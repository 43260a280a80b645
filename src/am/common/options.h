/*
 * options.h
 *	  What users choose: WITH (...) of an index, and settings.
 */
#ifndef VDB_AM_OPTIONS_H
#define VDB_AM_OPTIONS_H

#include "utils/rel.h"

#include "compat/compat.h"

/* How an index holds its vectors.  Values may be stored: do not renumber. */
typedef enum VdbAmQuantizer
{
	VDB_AM_QUANTIZER_AUTO = 0,	/* for the access method to resolve */
	VDB_AM_QUANTIZER_NONE = 1,
	VDB_AM_QUANTIZER_SQ8 = 2,
	VDB_AM_QUANTIZER_PQ = 3,
	VDB_AM_QUANTIZER_RABITQ = 4
} VdbAmQuantizer;

#define VDB_AM_MAX_LISTS 1000000

/* Of an ivf or ivfflat index. */
typedef struct VdbAmIvfOptions
{
	VdbAmQuantizer quantizer;
	int			lists;			/* 0: auto */
	int			bits;			/* 8, 4, 2 or 1; 0: auto */
} VdbAmIvfOptions;

/* Limits of the options of an hnsw index. */
#define VDB_AM_MIN_M 2
#define VDB_AM_MAX_M 100
#define VDB_AM_MAX_EF 1000		/* of ef_construction, and of hnsw.ef_search */

/* Of an hnsw index. */
typedef struct VdbAmHnswOptions
{
	VdbAmQuantizer quantizer;	/* auto, none, sq8 or rabitq */
	int			m;
	int			ef_construction;	/* 2 m at least */
} VdbAmHnswOptions;

/* amoptions of ivf and ivfflat, and of hnsw. */
extern bytea *vdb_am_ivf_reloptions(Datum reloptions, bool validate);
extern bytea *vdb_am_hnsw_reloptions(Datum reloptions, bool validate);

/* The options of an index, with defaults for those not given. */
extern VdbAmIvfOptions vdb_am_ivf_options(Relation index);
extern VdbAmHnswOptions vdb_am_hnsw_options(Relation index);

/* Settings of ivf. */
extern int	vdb_am_ivf_probes;	/* 0: as many as vdb_am_ivf_recall takes */
extern double vdb_am_ivf_recall;	/* 0: vdb_am_target_recall */

/*
 * Settings of ivfflat, which have the names of pgvector's: functions, because
 * they may be its variables.
 */
extern int	vdb_am_ivfflat_probes(void);
extern int	vdb_am_ivfflat_max_probes(void);
extern bool vdb_am_ivfflat_iterative(void);

/* What a scan does that has returned what it looked for at first. */
typedef enum VdbAmIterative
{
	VDB_AM_ITERATIVE_OFF,		/* it ends */
	VDB_AM_ITERATIVE_RELAXED,	/* looks for more, which may be nearer */
	VDB_AM_ITERATIVE_STRICT		/* leaves out what is nearer */
} VdbAmIterative;

/*
 * Settings of hnsw, which have the names of pgvector's, too.  The width of a
 * search is 0 where it is to be chosen by vdb_am_target_recall; memory is in
 * bytes.
 */
extern int	vdb_am_hnsw_ef_search(void);
extern VdbAmIterative vdb_am_hnsw_iterative(void);
extern int	vdb_am_hnsw_max_scan_tuples(void);
extern Size vdb_am_hnsw_scan_memory(void);

/* The share of the nearest rows that scans aim to find, where they choose. */
extern double vdb_am_target_recall;

/*
 * How wide a search has to be for a recall, of widths measured for n of them,
 * ascending: for one in between, in between.
 */
extern uint32 vdb_am_width(const double *recalls, const uint32 *widths, int n, double recall);

/* The name of a quantizer, as in the option. */
extern const char *vdb_am_quantizer_name(VdbAmQuantizer quantizer);

/* Raises the error of an index whose quantizer, none or sq8, has no bits. */
pg_noreturn extern void vdb_am_no_bits(VdbAmQuantizer quantizer);

/* Makes options and settings known; once, when the library is loaded. */
extern void vdb_am_init(void);

/* Loads pgvector where there are indexes that need it: before settings are defined. */
extern void vdb_am_load_pgvector(void);

#endif							/* VDB_AM_OPTIONS_H */
