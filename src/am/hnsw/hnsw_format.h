/*
 * hnsw_format.h
 *	  What a graph index has on its pages.  README.md tells how the parts belong
 *	  together.
 */
#ifndef VDB_HNSW_FORMAT_H
#define VDB_HNSW_FORMAT_H

#include "storage/itemptr.h"

#include "page/page_format.h"
#include "quant/quant_format.h"

#define VDB_HNSW_MAGIC 0x534e4856	/* "VHNS" */
#define VDB_HNSW_VERSION 2

/* Kinds of pages. */
#define VDB_HNSW_META 1			/* block 0 */
#define VDB_HNSW_STATE 2		/* block 1: what changes */
#define VDB_HNSW_NODES 3		/* slots of nodes and buckets */
#define VDB_HNSW_ENTRIES 4		/* where searches begin */
#define VDB_HNSW_FLOATS 5		/* the origin */

#define VDB_HNSW_METAPAGE 0
#define VDB_HNSW_STATEPAGE 1

/* The metapage: what is true of the index for as long as it lives. */
typedef struct VdbHnswMeta
{
	uint32		magic;			/* VDB_HNSW_MAGIC */
	uint32		version;		/* VDB_HNSW_VERSION */
	uint32		dim;
	uint8		elem;			/* VdbElem of the column */
	uint8		metric;			/* VdbMetric of the operator class */
	uint8		rows;			/* VdbAmRows */
	uint8		bits;			/* VdbQuantBits of rabitq rows */
	uint8		rotation;		/* VDB_QUANT_ROTATION_VERSION */
	uint8		block;			/* VDB_QUANT_BLOCK_VERSION */
	uint8		row;			/* VDB_QUANT_ROW_VERSION, or VDB_QUANT_SQ8_VERSION */
	uint8		m;				/* a node has 2 m neighbours at most */
	uint32		ef_construction;	/* nodes an insert chooses neighbours from */
	uint64		seed;			/* of the rotation */
	BlockNumber origin;			/* first page of its floats; Invalid: zeroes */
	float		scale;			/* a power of two, see vdb_am_place(); 0 until the
								 * first vector comes */
	uint32		codes_size;		/* bytes of a row's codes of filter columns */
	uint32		columns_mark;	/* VdbAmColumns.mark of these */
} VdbHnswMeta;

StaticAssertDecl(offsetof(VdbHnswMeta, seed) == 24, "meta: seed");
StaticAssertDecl(sizeof(VdbHnswMeta) == 48, "meta: size");

/* Recalls for which the width of a search is measured. */
#define VDB_HNSW_NRECALLS 8

/* The state page. */
typedef struct VdbHnswState
{
	BlockNumber entries;		/* first page of entries */
	uint32		nentries;		/* entries that there are, about */
	BlockNumber room;			/* first page with free slots, or where there were some */
	uint32		nulls;			/* first bucket of rows without a vector */
	uint32		zeros;			/* of zero vectors, under cosine */
	uint32		version;		/* of both chains: see VdbHnswSlot */
	uint32		measured_k;		/* rows asked for when efs were measured; 0: never */
	uint32		efs[VDB_HNSW_NRECALLS]; /* widths of the search to find them */
	BlockNumber verified;		/* blocks when all was last seen to be reached; 0: never */
} VdbHnswState;

StaticAssertDecl(sizeof(VdbHnswState) == 64, "state: size");

/*
 * A node's number is its page's, times the slots of a page, plus its slot: 32
 * bits, of which this one is nobody's.
 */
#define VDB_HNSW_NONE PG_UINT32_MAX

/* What a slot is; the values go to disk. */
#define VDB_HNSW_FREE 0
#define VDB_HNSW_NODE 1			/* a vector, its rows, and its neighbours */
#define VDB_HNSW_DEAD 2			/* a node whose rows are gone, until nobody leads to it */
#define VDB_HNSW_BUCKET 3		/* further rows of a node, or rows without order */

/*
 * A slot.  A node's is followed by the codes of the row in tid (see
 * am/common/filter.h), from the next multiple of 4 bytes on by room for 2 m
 * numbers of neighbours (a few less where codes would cost a page a slot), of
 * which the first count are used, and by its row (see am/common/space.h).  Nodes have different rows: table rows whose vectors
 * have rows that are equal byte for byte share one, the first with its id in
 * tid, the others in buckets.  What filter columns have may differ: codes go
 * with the row id, and mean nothing where that is invalid.
 *
 * A bucket's is followed by count row ids, as many as there is room for with
 * their codes, up to 255, and, after that room, by their codes.  tid and
 * version are not used.
 *
 * Whoever collects the rows of a chain holds no lock from bucket to bucket.
 * What takes a bucket off the chain, or moves a row id from one slot to
 * another, adds 1 to the version of the chain's owner in the same WAL record:
 * then the reader begins again.  (Row ids that are added, or taken away because
 * they are dead, do not concern who reads meanwhile.)
 */
typedef struct VdbHnswSlot
{
	uint8		state;
	uint8		count;
	ItemPointerData tid;		/* of a node; invalid: all its rows are in buckets */
	uint32		more;			/* first bucket, or next one, or VDB_HNSW_NONE */
	uint32		version;		/* of a node: of its chain of buckets */
} VdbHnswSlot;

StaticAssertDecl(offsetof(VdbHnswSlot, tid) == 2, "slot: tid");
StaticAssertDecl(sizeof(VdbHnswSlot) == 16, "slot: size");

/*
 * A page of slots begins with this.  Pages that are known to have free slots
 * are a chain, over the opaque's next, that begins at the state's room.
 */
typedef struct VdbHnswNodes
{
	uint16		nfree;			/* slots that are free */
	uint16		chained;		/* is in the chain of pages with room */
} VdbHnswNodes;

StaticAssertDecl(sizeof(VdbHnswNodes) == 4, "nodes: size");

/*
 * A page of entries: blocks of 32 lanes.  Each has, where the metric is one
 * that codes estimate (VdbHnswShape.coded), a VdbQuantBlock of the nodes'
 * places; and 32 numbers of nodes, VDB_HNSW_NONE for an empty lane.
 * pd_lower covers all blocks from the beginning.
 */

#endif							/* VDB_HNSW_FORMAT_H */
