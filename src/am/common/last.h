/*
 * last.h
 *	  What the last index scan of this backend did, for vecdb_last_scan().
 */
#ifndef VDB_AM_LAST_H
#define VDB_AM_LAST_H

/* A method counts what it has; the rest is 0. */
typedef struct VdbAmLastScan
{
	Oid			index;			/* InvalidOid: there was none yet */
	bool		graph;			/* of hnsw, else of ivf */
	uint32		width;			/* ef, or lists to look at first */
	uint64		nodes;			/* whose neighbours were looked at, or lists */
	uint64		entries;		/* codes of a bit per dimension, or entries of lists */
	uint64		distances;		/* estimated from rows */
	uint64		bounds;			/* computed from rows for PostgreSQL */
	uint64		rows;			/* returned */
	uint64		sweeps;			/* passes over all nodes */
	uint64		tested;			/* rows, or nodes, against a filter */
	uint64		passed;			/* of these */
	uint64		bridged;		/* nodes that did not pass, whose neighbours were looked at */
} VdbAmLastScan;

/* Written when a scan ends, or begins anew. */
extern VdbAmLastScan vdb_am_last_scan;

/* Adds what a scan did to what it had done before it began anew. */
extern void vdb_am_add_scan(VdbAmLastScan *total, const VdbAmLastScan *scan);

#endif							/* VDB_AM_LAST_H */
