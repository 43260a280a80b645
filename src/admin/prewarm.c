/*
 * prewarm.c
 *	  vecdb_prewarm(index): an index into PostgreSQL's buffers.
 */
#include "postgres.h"

#include "admin/admin.h"
#include "compat/compat.h"
#include "page/page.h"

/* vecdb_prewarm(regclass): reads all pages; returns how many there are. */
VDB_FUNCTION_INFO_V1(vdb_admin_prewarm);
Datum
vdb_admin_prewarm(PG_FUNCTION_ARGS)
{
	VdbAdminIndex admin;
	BlockNumber blocks;

	vdb_admin_open_reader(&admin, PG_GETARG_OID(0));
	blocks = vdb_page_warm(admin.index);
	vdb_admin_close(&admin);
	PG_RETURN_INT64(blocks);
}
