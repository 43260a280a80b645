/*
 * recall.c
 *	  vecdb_recall(index, sample, k): what part of the true neighbours a search
 *	  through the index finds.
 */
#include "postgres.h"

#include <math.h>

#include "admin/measure.h"
#include "compat/compat.h"

/*
 * vecdb_recall(regclass, sample integer, k integer): from 0 to 1, or NULL for
 * an index with less than two rows that have a distance.
 */
VDB_FUNCTION_INFO_V1(vdb_admin_recall);
Datum
vdb_admin_recall(PG_FUNCTION_ARGS)
{
	int			sample = vdb_admin_number(PG_GETARG_INT32(1), "sample", VDB_ADMIN_MAX_SAMPLE);
	int			k = vdb_admin_number(PG_GETARG_INT32(2), "k", VDB_ADMIN_MAX_K);
	VdbAdminIndex admin;
	VdbAdminMeasure *measure;
	double		recall;

	vdb_admin_open(&admin, PG_GETARG_OID(0), AccessShareLock);
	vdb_admin_need_valid(&admin);
	measure = vdb_admin_measure_begin(&admin, sample, k);
	recall = vdb_admin_measure_search(measure, false);
	vdb_admin_measure_end(measure);
	vdb_admin_close(&admin);
	if (isnan(recall))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(recall);
}
