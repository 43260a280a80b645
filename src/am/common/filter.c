/*
 * filter.c
 *	  Which rows a scan is for.
 */
#include "postgres.h"

#include "access/genam.h"
#include "utils/memutils.h"

#include "am/common/filter.h"

void
vdb_am_columns_open(Relation index, VdbAmColumns *columns)
{
	memset(columns, 0, sizeof(*columns));
}

void
vdb_am_columns_encode(const VdbAmColumns *columns, const Datum *values, const bool *isnull,
					  char *codes)
{
}

void
vdb_am_filter_set(VdbAmFilter *filter, const VdbAmColumns *columns, const ScanKeyData *keys,
				  int nkeys, const VdbScanTids *within)
{
	MemoryContextReset(filter->context);
	filter->active = within != NULL;
	filter->nothing = filter->lossy = false;
	filter->ntests = 0;
	filter->tests = NULL;
	filter->within = within;
}

bool
vdb_am_filter_codes(const VdbAmFilter *filter, const char *codes)
{
	return true;
}
