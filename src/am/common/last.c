/*
 * last.c
 *	  What the last index scan of this backend did, for vecdb_last_scan().
 */
#include "postgres.h"

#include "am/common/last.h"

VdbAmLastScan vdb_am_last_scan;
