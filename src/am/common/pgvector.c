/*
 * pgvector.c
 *	  Beside pgvector, in a database that has been taken over from it and still
 *	  has indexes of its access methods.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "am/common/options.h"

/* What sql/pgvector/take_over.sql.in calls them. */
static const char *const methods[] = {"pgvector_hnsw", "pgvector_ivfflat"};

/* The library that a function is in, palloc'd; NULL if it is not to be found. */
static char *
library_of(Oid function)
{
	static const char dir[] = "$libdir/";
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *path;
	Datum		probin;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	probin = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
	path = isnull ? NULL : TextDatumGetCString(probin);
	ReleaseSysCache(tuple);
	if (path == NULL || strncmp(path, dir, strlen(dir)) != 0)
		return path;
	path = psprintf("%s/%s%s", pkglib_path, path + strlen(dir), DLSUFFIX);
	return access(path, R_OK) == 0 ? path : NULL;
}

/*
 * pgvector fails to load where its settings are defined already, while vecdb
 * makes do with them.  So where pgvector is going to be needed it comes first.
 * Without a transaction, as in a library that is preloaded, nobody can tell.
 */
void
vdb_am_load_pgvector(void)
{
	if (!IsTransactionState())
		return;
	for (int i = 0; i < lengthof(methods); i++)
	{
		Oid			method = get_am_oid(methods[i], true);
		char	   *library;
		HeapTuple	tuple;

		if (!OidIsValid(method))
			continue;
		tuple = SearchSysCache1(AMOID, ObjectIdGetDatum(method));
		if (!HeapTupleIsValid(tuple))
			continue;
		library = library_of(((Form_pg_am) GETSTRUCT(tuple))->amhandler);
		ReleaseSysCache(tuple);
		if (library != NULL)
		{
			load_file(library, false);
			return;
		}
	}
}
