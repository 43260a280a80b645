/*
 * bitmap.h
 *	  Walking over a bitmap of rows, whose interface 18 changed.
 */
#ifndef VDB_COMPAT_BITMAP_H
#define VDB_COMPAT_BITMAP_H

#include "nodes/tidbitmap.h"

#include "compat/compat.h"

typedef struct VdbCompatBitmap
{
#if PG_VERSION_NUM >= 180000
	TBMPrivateIterator *iterator;
#else
	TBMIterator *iterator;
#endif
} VdbCompatBitmap;

static inline void
vdb_compat_bitmap_begin(VdbCompatBitmap *walk, TIDBitmap *bitmap)
{
#if PG_VERSION_NUM >= 180000
	walk->iterator = tbm_begin_private_iterate(bitmap);
#else
	walk->iterator = tbm_begin_iterate(bitmap);
#endif
}

/*
 * The next block that has rows, ascending; false if there is none.  offsets has
 * room for as many as a page has; *n is -1 for a block of which all may be in it.
 */
static inline bool
vdb_compat_bitmap_next(VdbCompatBitmap *walk, BlockNumber *block, OffsetNumber *offsets,
					   int room, int *n)
{
#if PG_VERSION_NUM >= 180000
	TBMIterateResult result;

	if (!tbm_private_iterate(walk->iterator, &result))
		return false;
	*block = result.blockno;
	*n = result.lossy ? -1 : tbm_extract_page_tuple(&result, offsets, room);
	if (*n > room)
		*n = -1;
#else
	TBMIterateResult *result = tbm_iterate(walk->iterator);

	if (result == NULL)
		return false;
	*block = result->blockno;
	*n = result->ntuples > room ? -1 : result->ntuples;
	if (*n > 0)
		memcpy(offsets, result->offsets, *n * sizeof(OffsetNumber));
#endif
	return true;
}

static inline void
vdb_compat_bitmap_end(VdbCompatBitmap *walk)
{
#if PG_VERSION_NUM >= 180000
	tbm_end_private_iterate(walk->iterator);
#else
	tbm_end_iterate(walk->iterator);
#endif
}

#endif							/* VDB_COMPAT_BITMAP_H */
