/*
 * check.c
 *	  vecdb_index_check(index, deep): is an index sound?
 */
#include "postgres.h"

#include "access/xlog.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "admin/admin.h"
#include "am/hnsw/hnsw.h"
#include "am/ivf/ivf.h"
#include "compat/compat.h"

/* A problem becomes a row. */
static void
add_problem(void *arg, BlockNumber block, const char *what)
{
	ReturnSetInfo *result = arg;
	Datum		values[2] = {Int64GetDatum(block), CStringGetTextDatum(what)};
	bool		nulls[2] = {block == InvalidBlockNumber, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[1]));
}

/*
 * vecdb_index_check(regclass, boolean): a row for each problem, with its block
 * if it is at one.
 */
VDB_FUNCTION_INFO_V1(vdb_admin_index_check);
Datum
vdb_admin_index_check(PG_FUNCTION_ARGS)
{
	bool		deep = PG_GETARG_BOOL(1);
	VdbAdminIndex admin;

	InitMaterializedSRF(fcinfo, 0);
	/* Rows must not come while they are compared; on a standby they may. */
	vdb_admin_open(&admin, PG_GETARG_OID(0),
				   deep && !RecoveryInProgress() ? ShareLock : AccessShareLock);
	if (deep)
		vdb_admin_need_valid(&admin);
	vdb_admin_become_owner(&admin);
	if (vdb_hnsw_is_index(admin.index))
		vdb_hnsw_check(admin.index, deep ? admin.heap : NULL, add_problem, fcinfo->resultinfo);
	else
		vdb_ivf_check(admin.index, deep ? admin.heap : NULL, add_problem, fcinfo->resultinfo);
	vdb_admin_become_self(&admin);
	vdb_admin_close(&admin);
	return (Datum) 0;
}
