/*
 * point.h
 *	  Seeded faults and pauses, for the fault programme: see README.md.
 */
#ifndef VDB_POINT_H
#define VDB_POINT_H

#ifdef VDB_POINTS

/* Is this fault switched on? */
#define VDB_FAULT(name) vdb_point_fault("fault:" name)

/* Waits here if told to.  No lock of a buffer may be held. */
#define VDB_PAUSE(name) vdb_point_pause("pause:" name)

extern bool vdb_point_fault(const char *name);
extern void vdb_point_pause(const char *name);

/* Defines the settings. */
extern void vdb_point_init(void);

#else

#define VDB_FAULT(name) false
#define VDB_PAUSE(name) ((void) 0)
#define vdb_point_init() ((void) 0)

#endif

#endif							/* VDB_POINT_H */
