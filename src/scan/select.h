/*
 * select.h
 *	  The smallest of many numbers, and a queue of candidates.
 */
#ifndef VDB_SCAN_SELECT_H
#define VDB_SCAN_SELECT_H

#include "storage/itemptr.h"

/*
 * Takes the m smallest of n numbers (all that are finite, if m is more): puts
 * their places into which, in ascending order of place, and makes them
 * infinite.  Returns how many; there may be a few more than m: which has room
 * for n.  *bound is what all others are above or
 * equal to.  scratch has room for n floats, and gets the numbers taken.
 */
extern uint32 vdb_scan_take_smallest(float *numbers, uint32 n, uint32 m, float *scratch,
									 uint32 *which, float *bound);

/*
 * The number that would have place m (from 0) if the n numbers were sorted.
 * They are left in another order.
 */
extern float vdb_scan_nth(float *numbers, uint32 n, uint32 m);

/*
 * Much faster where it need not be so exact: a number that at least m of the n
 * numbers are below, and at most m + m / 2.  False if it does not come upon
 * one, as when many are equal or a few far away from the others.
 */
extern bool vdb_scan_cut(const float *numbers, uint32 n, uint32 m, float *cut);

/* A row that was found. */
typedef struct VdbScanFound
{
	double		key;
	ItemPointerData tid;
} VdbScanFound;

/* A binary heap of rows, smallest key first. */
typedef struct VdbScanQueue
{
	VdbScanFound *items;
	uint32		count;
	uint32		room;
} VdbScanQueue;

extern void vdb_scan_queue_init(VdbScanQueue *queue);
extern void vdb_scan_queue_push(VdbScanQueue *queue, double key, ItemPointer tid);
extern VdbScanFound vdb_scan_queue_pop(VdbScanQueue *queue);

#endif							/* VDB_SCAN_SELECT_H */
