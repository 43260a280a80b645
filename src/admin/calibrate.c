/*
 * calibrate.c
 *	  vecdb_calibrate(index, k): how wide searches have to be for a recall.
 *
 * Rows of the table are searched for at a rising row of widths, and the least
 * width for each recall that the access method has a place for is stored in
 * the index, where scans look it up.
 *
 * A row is not like a query from outside.  In a graph it leads to its own
 * neighbours, once it is found, so that it is found too easily; as if it were
 * not there, what others lead to through it is lost, and its neighbours are too
 * hard to find.  Searches are measured both ways, and a query is taken to be
 * between them, where README.md tells that it was.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"

#include "admin/measure.h"
#include "am/common/options.h"
#include "am/hnsw/hnsw.h"
#include "am/ivf/ivf.h"
#include "compat/compat.h"

/* Rows that are searched for. */
#define SAMPLE 2000

/* Each width is so many times the one before. */
#define STEP 1.41421356

/* Steps up to 1,000,000 lists. */
#define MAX_STEPS 48

/* As good as all neighbours. */
#define ALL 0.9995

/* Recall rises no more when steps in a row gain less than that. */
#define GAIN 0.0005
#define IDLE_STEPS 2

/* How far a query is from a row that is in the graph to one that is left out. */
#define OUTSIDE 0.55

#define NRECALLS 8

StaticAssertDecl(VDB_HNSW_NRECALLS == NRECALLS, "recalls of hnsw");
StaticAssertDecl(VDB_IVF_NRECALLS == NRECALLS, "recalls of ivf");

/* What searches found. */
typedef struct Curve
{
	int			n;
	uint32		widths[MAX_STEPS];
	double		recalls[MAX_STEPS];
} Curve;

/* Measures recall at rising widths from least to most, which a setting takes. */
static void
measure_curve(VdbAdminMeasure *measure, const char *setting, uint32 least, uint32 most,
			  bool graph, Curve *curve)
{
	double		before = 0;
	int			idle = 0;
	uint32		width = Min(least, most);

	for (curve->n = 0; curve->n < MAX_STEPS;)
	{
		char		value[12];
		double		recall;

		snprintf(value, sizeof(value), "%u", width);
		(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
		recall = vdb_admin_measure_search(measure, false);
		if (graph)
			recall += OUTSIDE * (vdb_admin_measure_search(measure, true) - recall);
		curve->widths[curve->n] = width;
		curve->recalls[curve->n++] = recall;
		idle = recall < before + GAIN ? idle + 1 : 0;
		before = recall;
		if (recall >= ALL || idle == IDLE_STEPS || width == most)
			break;
		width = Min(Max(width + 1, rint(width * STEP)), most);
	}
	/* A width is as good as the worst from there on: the rest is luck. */
	for (int i = curve->n - 1; i > 0; i--)
		curve->recalls[i - 1] = Min(curve->recalls[i - 1], curve->recalls[i]);
}

/* The least width for a recall; the widest if none is enough. */
static uint32
width_for(const Curve *curve, double recall)
{
	int			i = 0;
	double		low;

	recall = Min(recall, ALL);
	while (i < curve->n - 1 && curve->recalls[i] < recall)
		i++;
	if (i == 0 || curve->recalls[i] < recall)
		return curve->widths[i];
	low = curve->widths[i - 1];
	return ceil(low * pow(curve->widths[i] / low, (recall - curve->recalls[i - 1]) /
						  (curve->recalls[i] - curve->recalls[i - 1])));
}

/* Measures, and writes what comes of it into the index and the result. */
static void
calibrate(VdbAdminIndex *admin, VdbAdminMeasure *measure, uint32 k, ReturnSetInfo *result)
{
	bool		graph = vdb_hnsw_is_index(admin->index);
	const double *recalls = graph ? vdb_hnsw_recalls : vdb_ivf_recalls;
	VdbIvf	   *ivf = NULL;
	Curve		curve;
	uint32		widths[NRECALLS];

	if (graph)
		/* A narrower search than rows are wanted has to look on. */
		measure_curve(measure, "hnsw.ef_search", k, VDB_AM_MAX_EF, true, &curve);
	else
	{
		VdbIvfState state;

		ivf = vdb_ivf_open(admin->index);
		vdb_ivf_read_state(admin->index, ivf, &state);
		measure_curve(measure, "ivf.probes", 1, Max(state.nlists, 1), false, &curve);
	}
	for (int i = 0; i < NRECALLS; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		widths[i] = width_for(&curve, recalls[i]);
		values[0] = Float8GetDatum(recalls[i]);
		values[1] = Int32GetDatum(widths[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	if (graph)
		vdb_hnsw_set_efs(admin->index, k, widths);
	else
		vdb_ivf_set_probes(admin->index, ivf, widths);
}

/* ivfflat is searched as pgvector's is: by ivfflat.probes alone. */
static void
check_method(Relation index)
{
	if (vdb_ivf_is_index(index) && vdb_ivf_open(index)->meta.flat)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("index \"%s\" is not searched by recall", RelationGetRelationName(index)),
				errdetail("How many lists of an ivfflat index are looked at is ivfflat.probes."),
				errhint("Use ivf, or find ivfflat.probes by vecdb_recall()."));
}

/*
 * vecdb_calibrate(regclass, k integer): what is stored, a row for each recall;
 * none, and nothing is stored, where rows have less than k neighbours.
 */
VDB_FUNCTION_INFO_V1(vdb_admin_calibrate);
Datum
vdb_admin_calibrate(PG_FUNCTION_ARGS)
{
	int			k = vdb_admin_number(PG_GETARG_INT32(1), "k", VDB_ADMIN_MAX_K);
	VdbAdminIndex admin;
	VdbAdminMeasure *measure;

	PreventCommandDuringRecovery("vecdb_calibrate()");
	InitMaterializedSRF(fcinfo, 0);
	vdb_admin_open(&admin, PG_GETARG_OID(0), AccessShareLock);
	vdb_admin_need_valid(&admin);
	check_method(admin.index);
	measure = vdb_admin_measure_begin(&admin, SAMPLE, k);
	if (vdb_admin_measure_is_full(measure))
		calibrate(&admin, measure, k, (ReturnSetInfo *) fcinfo->resultinfo);
	vdb_admin_measure_end(measure);
	vdb_admin_close(&admin);
	return (Datum) 0;
}
