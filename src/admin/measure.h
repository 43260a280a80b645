/*
 * measure.h
 *	  What part of the true neighbours of some rows searches find.
 */
#ifndef VDB_ADMIN_MEASURE_H
#define VDB_ADMIN_MEASURE_H

#include "admin/admin.h"

#define VDB_ADMIN_MAX_SAMPLE 10000
#define VDB_ADMIN_MAX_K 1000

/* Rows of a table that are searched for, and how far their nearest k are. */
typedef struct VdbAdminMeasure VdbAdminMeasure;

/*
 * Draws so many rows, and compares all of the table with them.  From then on,
 * until vdb_admin_measure_end(), the user is the table's owner, and settings
 * that are changed are changed until then.
 */
extern VdbAdminMeasure *vdb_admin_measure_begin(VdbAdminIndex *admin, uint32 sample, uint32 k);
extern void vdb_admin_measure_end(VdbAdminMeasure *measure);

/* Do the table's rows have k neighbours? */
extern bool vdb_admin_measure_is_full(const VdbAdminMeasure *measure);

/*
 * Searches for all of them at the settings as they are: what part of the
 * neighbours is found, NaN if there are none.  With leave_out, which is for
 * hnsw only, each as if it were not in the graph itself.
 */
extern double vdb_admin_measure_search(VdbAdminMeasure *measure, bool leave_out);

/* An argument of that name: an error unless it is from 1 to most. */
extern int	vdb_admin_number(int value, const char *name, int most);

#endif							/* VDB_ADMIN_MEASURE_H */
