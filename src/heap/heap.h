/*
 * heap.h
 *	  Reading tables faster than through the general interfaces.
 */
#ifndef VDB_HEAP_H
#define VDB_HEAP_H

/*
 * The plain value of one that is stored out of line, compressed, or both, as
 * pg_detoast_datum_packed() gives it: allocated in the current context, with
 * a header of either length.
 */
extern struct varlena *vdb_heap_detoast(struct varlena *value);

#endif							/* VDB_HEAP_H */
