/*
 * entry.h
 *	  What a page of entries looks like, and the nearest of them.
 */
#ifndef VDB_HNSW_ENTRY_H
#define VDB_HNSW_ENTRY_H

#include "am/hnsw/hnsw.h"

/* The codes of a block of a page of entries; only where hnsw->coded. */
static inline VdbQuantBlock *
vdb_hnsw_entry_block(const VdbHnsw *hnsw, Page page, uint32 block)
{
	return (VdbQuantBlock *) (vdb_page_contents(page) + block * hnsw->stride);
}

/* Its nodes. */
static inline uint32 *
vdb_hnsw_entry_nodes(const VdbHnsw *hnsw, Page page, uint32 block)
{
	return (uint32 *) (vdb_page_contents(page) + block * hnsw->stride + hnsw->block_size);
}

/* A search begins at so many entries, where they have codes. */
#define VDB_HNSW_STARTS 4

typedef struct VdbHnswEntries
{
	uint32		count;
	float		estimates[VDB_HNSW_STARTS]; /* ascending */
	uint32		nodes[VDB_HNSW_STARTS];
} VdbHnswEntries;

/*
 * The nearest entries by their codes, of a chain that begins with first; the
 * tables are aimed, with an epsilon of 0.  Returns how many lanes there were.
 */
extern uint64 vdb_hnsw_entries_nearest(const VdbHnsw *hnsw, Relation index, BlockNumber first,
									   VdbQuantTables *tables, VdbHnswEntries *entries);

/* All entries, in the order of pages. */
typedef struct VdbHnswEntryList
{
	uint32		count;
	uint32		room;
	uint32	   *nodes;
	float	   *estimates;		/* by their codes, if they have some */
} VdbHnswEntryList;

/*
 * Fills a list, which begins as zeroes, in the current context, and may be used
 * again.  Returns how many lanes there were.
 */
extern uint64 vdb_hnsw_entries_all(const VdbHnsw *hnsw, Relation index, BlockNumber first,
								   VdbQuantTables *tables, VdbHnswEntryList *list);

#endif							/* VDB_HNSW_ENTRY_H */
