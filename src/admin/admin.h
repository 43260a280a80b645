/*
 * admin.h
 *	  Looking after indexes: what its functions share.
 */
#ifndef VDB_ADMIN_H
#define VDB_ADMIN_H

#include "storage/lockdefs.h"
#include "utils/rel.h"

/* An index with its table, open. */
typedef struct VdbAdminIndex
{
	Relation	heap;
	Relation	index;
	LOCKMODE	heap_lock;

	/* what was before vdb_admin_become_owner() */
	Oid			user;
	int			context;
	int			nest_level;
} VdbAdminIndex;

/*
 * Opens an index of vecdb's, the table with that lock.  An error for whoever
 * does not own it, and for what is no such index, or of another session.
 */
extern void vdb_admin_open(VdbAdminIndex *admin, Oid index, LOCKMODE heap_lock);
extern void vdb_admin_close(VdbAdminIndex *admin);

/* The same for whoever may select from the table, too: for what scans do as well. */
extern void vdb_admin_open_reader(VdbAdminIndex *admin, Oid index);

/* An error unless queries can use the index. */
extern void vdb_admin_need_valid(VdbAdminIndex *admin);

/*
 * What the index's expressions do from now on they do as the table's owner, who
 * may have defined them, as in REINDEX: not as a superuser who looks after
 * other people's indexes.
 */
extern void vdb_admin_become_owner(VdbAdminIndex *admin);
extern void vdb_admin_become_self(VdbAdminIndex *admin);

/* Has EXPLAIN (ANALYZE) tell of our scans; once, when the library is loaded. */
extern void vdb_admin_init(void);

#endif							/* VDB_ADMIN_H */
