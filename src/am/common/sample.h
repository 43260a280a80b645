/*
 * sample.h
 *	  A random sample of a table's vectors, for a build to learn from.
 */
#ifndef VDB_AM_SAMPLE_H
#define VDB_AM_SAMPLE_H

#include "common/pg_prng.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "am/common/space.h"

typedef struct VdbAmSample
{
	/* given: */
	const VdbAmSpace *space;
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	pg_prng_state *random;
	void		(*progress) (void *arg, int64 seen);	/* rows, now and then */
	void	   *arg;
	uint32		max;			/* vectors that floats has room for */
	float	   *floats;			/* as vdb_am_floats() makes them */
	double		share;			/* of the rows that are offered to the sample; 0:
								 * so that it becomes full */

	/* what comes of it: */
	uint32		n;				/* vectors */
	int64		offered;
	int64		seen;			/* rows with a vector, of those looked at */
} VdbAmSample;

/* Rows that the table has, by PostgreSQL's statistics. */
extern double vdb_am_table_rows(Relation heap);

/* Rows that will be looked at, of so many. */
extern double vdb_am_sample_rows(const VdbAmSample *sample);

/*
 * Reads the table, or as many of its blocks as the sample is to have rows, as
 * ANALYZE does: rows of the same block may be alike.  Returns the number of
 * rows with a vector in the whole table, about.
 */
extern double vdb_am_sample(VdbAmSample *sample);

#endif							/* VDB_AM_SAMPLE_H */
