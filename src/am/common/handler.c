/*
 * handler.c
 *	  What all access methods of vecdb tell PostgreSQL of themselves.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "commands/vacuum.h"

#include "am/common/handler.h"
#include "am/common/kind.h"

/*
 * The vector has a distance to order by, and nothing to search for; PostgreSQL
 * does not look for the former, and would answer that it does not know.  The
 * columns after it have no distance.
 */
static bool
property(Oid index, int attno, IndexAMProperty prop, const char *name, bool *res, bool *isnull)
{
	if (attno > 0 && prop == AMPROP_DISTANCE_ORDERABLE)
		*res = attno == 1;
	else if (attno == 1 && prop == AMPROP_SEARCH_ARRAY)
		*res = false;
	else
		return false;
	return true;
}

IndexAmRoutine *
vdb_am_routine(void)
{
	IndexAmRoutine *routine = makeNode(IndexAmRoutine);

	/*
	 * No fixed strategies, as in GiST: a distance is found by the operator
	 * class, not by its number.
	 */
	routine->amstrategies = 0;
	routine->amsupport = VDB_AM_KIND_PROC;
	routine->amcanorderbyop = true;

	/* The columns after the vector are to filter by. */
	routine->amcanmulticol = true;
	routine->amsearcharray = true;
	routine->amsearchnulls = true;

	/*
	 * A scan needs no condition on the column; that it needs a distance to
	 * order by is what the cost estimate says.
	 */
	routine->amoptionalkey = true;

	/* Deleting may go to a worker; so may cleaning up if there was nothing to delete. */
	routine->amparallelvacuumoptions =
		VACUUM_OPTION_PARALLEL_BULKDEL | VACUUM_OPTION_PARALLEL_COND_CLEANUP;
	routine->amkeytype = InvalidOid;

	routine->amproperty = property;
	routine->amvalidate = vdb_am_validate;
	return routine;
}
