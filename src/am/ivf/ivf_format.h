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
#define VDB_IVF_VERSION 5

/* Of versions before 5 no rows have 1 bit; others still have this one. */
#define VDB_IVF_VERSION_BEFORE_1BIT 4

/* Of version 3 lead pages have all their blocks from the beginning on. */
#define VDB_IVF_OLDEST_VERSION 3

/* Blocks of a lead page, at most. */
#define VDB_IVF_MAX_BLOCKS 8

/* Bytes that filter columns take of a row, at most: a block has to fit on a page. */
#define VDB_IVF_MAX_CODES 128

/* Kinds of pages. */
#define VDB_IVF_META 1			/* block 0 */
#define VDB_IVF_LEAD 2			/* entries of a list: codes and row ids */
#define VDB_IVF_ROWS 3			/* vectors of a lead page's entries */
#define VDB_IVF_TIDS 4			/* row ids of rows without a place in a list */
#define VDB_IVF_FLOATS 5		/* the origin, the codebook */
#define VDB_IVF_STATE 6			/* what changes: VdbIvfState */

#define VDB_IVF_METAPAGE 0

/* What the entries of a list hold; the values go to disk. */
typedef enum VdbIvfCoding
{
	VDB_IVF_PLAIN = 1,			/* the vector as the table has it */
	VDB_IVF_RABITQ = 2,			/* a bit per dimension, and 8, 4, 2 or 1 beside it */
	VDB_IVF_SQ8 = 3,			/* 8 bits per dimension, without rotation */
	VDB_IVF_PQ = 4				/* product codes, and 8, 4, 2 or 1 bits beside them */
} VdbIvfCoding;

/* The metapage: what is true of the index for as long as it lives. */
typedef struct VdbIvfMeta
{
	uint32		magic;			/* VDB_IVF_MAGIC */
	uint32		version;		/* VDB_IVF_VERSION, or the oldest that will do */
	uint32		dim;
	uint8		elem;			/* VdbElem of the column */
	uint8		metric;			/* VdbMetric of the operator class */
	uint8		coding;			/* VdbIvfCoding */
	uint8		rotation;		/* VDB_QUANT_ROTATION_VERSION */
	uint8		block;			/* VDB_QUANT_BLOCK_VERSION */
	uint8		row;			/* VDB_QUANT_ROW_VERSION, or VDB_QUANT_SQ8_VERSION */
	uint8		flat;			/* of ivfflat, which has settings of its own */
	uint8		bits;			/* VdbQuantBits of the rows beside codes */
	uint64		seed;			/* of the rotation */
	BlockNumber state;			/* the page of VdbIvfState */
	BlockNumber directory;		/* first lead page of the list of lists */
	BlockNumber origin;			/* first page of the origin's floats */
	BlockNumber zeros;			/* row ids of zero vectors, under cosine */
	BlockNumber nulls;			/* row ids of rows without a vector */
	float		scale;			/* a power of two: see vdb_am_place() */
	BlockNumber codebook;		/* of pq: first page of its floats */
	uint32		product;		/* of pq: VDB_QUANT_PQ_VERSION */
	uint32		codes_size;		/* bytes of a row's filter columns, see filter.h */
	uint32		columns_mark;	/* VdbAmColumns.mark */
} VdbIvfMeta;

StaticAssertDecl(offsetof(VdbIvfMeta, seed) == 24, "meta: seed");
StaticAssertDecl(sizeof(VdbIvfMeta) == 72, "meta: size");

/* Recalls for which the number of lists to look at is measured. */
#define VDB_IVF_NRECALLS 8

/* The state page: what is true until lists are made anew. */
typedef struct VdbIvfState
{
	uint32		version;		/* which of the directory's lists there are */
	uint32		busy;			/* a change to the next version has begun */
	uint32		nlists;
	uint32		next_number;	/* of the next list to be made */
	uint32		measured;		/* lists there were when probes were measured */
	uint32		probes[VDB_IVF_NRECALLS];	/* lists to look at */
	BlockNumber blocks;			/* of the file when rows were counted */
	uint32		leaks;			/* a change was undone: pages may be nobody's */
	uint64		rows;			/* with a place in a list */
} VdbIvfState;

StaticAssertDecl(offsetof(VdbIvfState, rows) == 64, "state: rows");
StaticAssertDecl(sizeof(VdbIvfState) == 72, "state: size");

/*
 * A lead page: entries of one list, in lanes.  Lane n is lane n % 32 of block
 * n / 32; a page ends after the last block that has had an entry.  After this
 * header, at places that follow from the dimensions (VdbIvfShape), come the
 * numbers of its row pages, and the blocks: of each the VdbQuantBlock (none
 * where lists have rows alone, as with none and sq8), 32 row ids, and in the
 * directory 32 VdbIvfListInfo, in lists the filter columns' codes of 32 rows.
 *
 * A lane is empty when its row id is not valid.  One that is loose has a row,
 * but nothing in its block: an insert adds a row, and every 32nd puts those
 * that are loose into blocks.
 *
 * A row page has its list's number where other pages have the next page's.
 */
typedef struct VdbIvfLead
{
	uint16		live;			/* lanes that are not empty */

	/* Of the first page of a list only: */
	uint16		closed;			/* takes no entries: it is made anew */
	uint32		pages;			/* lead pages */
	uint32		whole;			/* so many when it could not be split */
	BlockNumber target;			/* where there may be an empty lane */
	/* Of every page: */
	uint32		list;			/* the list's number, never used again */
	uint32		loose[VDB_IVF_MAX_BLOCKS];	/* a bit for each lane */

	BlockNumber rows[FLEXIBLE_ARRAY_MEMBER];	/* InvalidBlockNumber until used */
} VdbIvfLead;

StaticAssertDecl(offsetof(VdbIvfLead, loose) == 20, "lead: loose");
StaticAssertDecl(offsetof(VdbIvfLead, rows) == 52, "lead: size");

/* The number of the directory itself, which is a list of lists. */
#define VDB_IVF_DIRECTORY PG_UINT32_MAX

/*
 * A list, in the directory.  It is there for whoever began to look at a
 * version from born on, up to but not including died.  Its pages are used
 * again when everybody who may have begun before it died is gone: when
 * transaction retired is older than all snapshots.
 */
typedef struct VdbIvfListInfo
{
	uint32		number;
	uint32		born;
	uint32		died;			/* VDB_IVF_LIVES until then */
	uint32		retired_low;	/* a FullTransactionId */
	uint32		retired_high;
	float		square;			/* of its centre's length */
} VdbIvfListInfo;

StaticAssertDecl(sizeof(VdbIvfListInfo) == 24, "list info: size");

#define VDB_IVF_LIVES PG_UINT32_MAX

/*
 * A page of row ids; the first page of a chain knows where there may be room.
 * After as many row ids as fit come the filter columns' codes of each.
 */
typedef struct VdbIvfTids
{
	uint32		count;
	BlockNumber tail;			/* of the first page only: none before that */
	ItemPointerData tids[FLEXIBLE_ARRAY_MEMBER];
} VdbIvfTids;

#define VDB_IVF_TIDS_PER_PAGE(codes_size) \
	((VDB_PAGE_SPACE - offsetof(VdbIvfTids, tids)) / (sizeof(ItemPointerData) + (codes_size)))

StaticAssertDecl(sizeof(ItemPointerData) == 6, "row id: size");

#endif							/* VDB_IVF_FORMAT_H */
