/*
 * explain.h
 *	  What EXPLAIN (ANALYZE) tells of a scan of an index of vecdb.
 */
#ifndef VDB_AM_EXPLAIN_H
#define VDB_AM_EXPLAIN_H

#include "access/genam.h"

#include "compat/explain.h"

/* Adds what the scan has done so far; nothing if it has not begun. */
extern void vdb_am_explain(ExplainState *es, IndexScanDesc scan);

#endif							/* VDB_AM_EXPLAIN_H */
