/*
 * handler.h
 *	  What all access methods of vecdb tell PostgreSQL of themselves.
 */
#ifndef VDB_AM_HANDLER_H
#define VDB_AM_HANDLER_H

#include "access/amapi.h"

/*
 * An IndexAmRoutine for the method's handler to complete, allocated in the
 * current context: what vecdb's methods can do and what they share is filled
 * in, every other field is 0 or NULL.  The method has to fill in
 *
 *	ambuild, ambuildempty, aminsert, ambulkdelete, amvacuumcleanup,
 *	amcostestimate, amoptions, ambeginscan, amrescan, amgettuple, amendscan
 *
 * and may fill in ambuildphasename and what came with later versions.
 */
extern IndexAmRoutine *vdb_am_routine(void);

/* Is this operator class one that vecdb's methods can use?  INFO says why not. */
extern bool vdb_am_validate(Oid opclass);

#endif							/* VDB_AM_HANDLER_H */
