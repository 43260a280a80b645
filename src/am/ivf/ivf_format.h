/*
 * ivf_format.h
 *	  What an inverted-file index has on its pages.  README.md tells how the
 *	  parts belong together.
 */
#ifndef VDB_IVF_FORMAT_H
#define VDB_IVF_FORMAT_H

#include "storage/itemptr.h"

#include "page/page_format.h"
#include "quant/quant_format.h"

#define VDB_IVF_MAGIC 0x46564956	/* "VIVF" */
#define VDB_IVF_VERSION 1

/* Kinds of pages. */
#define VDB_IVF_META 1			/* block 0 */
#define VDB_IVF_LEAD 2			/* entries of a list: codes and row ids */
#define VDB_IVF_ROWS 3			/* vectors of a lead page's entries */
#define VDB_IVF_TIDS 4			/* row ids of rows without a place in a list */
#define VDB_IVF_FLOATS 5		/* the origin */

#define VDB_IVF_METAPAGE 0

/* What the entries of a list hold; the values go to disk. */
typedef enum VdbIvfCoding
{
	VDB_IVF_PLAIN = 1,			/* the vector as the table has it */
	VDB_IVF_RABITQ = 2			/* a bit per dimension, and 8 bits beside it */
} VdbIvfCoding;

/* Recalls for which the number of lists to look at was measured at the build. */
#define VDB_IVF_NRECALLS 8

typedef struct VdbIvfMeta
{
	uint32		magic;			/* VDB_IVF_MAGIC */
	uint32		version;		/* VDB_IVF_VERSION */
	uint32		dim;
	uint8		elem;			/* VdbElem of the column */
	uint8		metric;			/* VdbMetric of the operator class */
	uint8		coding;			/* VdbIvfCoding */
	uint8		rotation;		/* VDB_QUANT_ROTATION_VERSION */
	uint8		block;			/* VDB_QUANT_BLOCK_VERSION */
	uint8		row;			/* VDB_QUANT_ROW_VERSION */
	uint16		flat;			/* of ivfflat, which has settings of its own */
	uint64		seed;			/* of the rotation */
	uint32		nlists;
	BlockNumber directory;		/* first lead page of the list of lists */
	BlockNumber origin;			/* first page of the origin's floats */
	BlockNumber zeros;			/* row ids of zero vectors, under cosine */
	BlockNumber nulls;			/* row ids of rows without a vector */
	uint32		probes[VDB_IVF_NRECALLS];	/* lists to look at */
	float		scale;			/* a power of two: see vdb_ivf_place() */
	uint32		unused;
} VdbIvfMeta;

StaticAssertDecl(offsetof(VdbIvfMeta, seed) == 24, "meta: seed");
StaticAssertDecl(sizeof(VdbIvfMeta) == 96, "meta: size");

/*
 * A lead page: entries of one list, in lanes.  Lane n is lane n % 32 of block
 * n / 32.  After this header, at places that follow from the dimensions
 * (VdbIvfShape), come the numbers of its row pages, and the blocks: of each
 * the VdbQuantBlock (none when the list is plain) and 32 row ids.
 *
 * A lane is empty when its row id is not valid.
 */
typedef struct VdbIvfLead
{
	uint16		live;			/* lanes that are not empty */
	uint16		unused;

	/* Of the first page of a list only: */
	BlockNumber tail;			/* its last page, or one before it */
	BlockNumber target;			/* where there may be an empty lane */
	/* Of every page: */
	uint32		list;			/* its place in the directory */

	BlockNumber rows[FLEXIBLE_ARRAY_MEMBER];	/* InvalidBlockNumber until used */
} VdbIvfLead;

StaticAssertDecl(sizeof(VdbIvfLead) == 16, "lead: size");

/* The place of the directory itself, which is a list of lists. */
#define VDB_IVF_DIRECTORY PG_UINT32_MAX

/* A page of row ids; the first page of a chain knows its last. */
typedef struct VdbIvfTids
{
	uint32		count;
	BlockNumber tail;			/* of the first page only */
	ItemPointerData tids[FLEXIBLE_ARRAY_MEMBER];
} VdbIvfTids;

#define VDB_IVF_TIDS_PER_PAGE \
	((VDB_PAGE_SPACE - offsetof(VdbIvfTids, tids)) / sizeof(ItemPointerData))

StaticAssertDecl(sizeof(ItemPointerData) == 6, "row id: size");

#endif							/* VDB_IVF_FORMAT_H */
