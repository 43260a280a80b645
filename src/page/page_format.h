/*
 * page_format.h
 *	  What every page of an index has at its end.
 *
 * Pages have PostgreSQL's header; what they hold lies between that and
 * pd_lower, and between pd_lower and the end there is nothing: generic WAL
 * leaves that space out of its records, and its consistency check masks it.
 */
#ifndef VDB_PAGE_FORMAT_H
#define VDB_PAGE_FORMAT_H

#include "storage/block.h"
#include "storage/bufpage.h"

/* In every page's last bytes: which program wrote it, as pg_filedump looks. */
#define VDB_PAGE_MAGIC 0x5644	/* "VD" */

typedef struct VdbPageOpaque
{
	BlockNumber next;			/* of the same chain, or InvalidBlockNumber */
	uint16		kind;			/* what the page holds; the method's numbers */
	uint16		magic;			/* VDB_PAGE_MAGIC */
} VdbPageOpaque;

StaticAssertDecl(sizeof(VdbPageOpaque) == 8, "page: opaque");

/* Bytes for what a page holds. */
#define VDB_PAGE_SPACE \
	(BLCKSZ - MAXALIGN(SizeOfPageHeaderData) - MAXALIGN(sizeof(VdbPageOpaque)))

/* A page that nothing refers to, waiting to be used again. */
#define VDB_PAGE_FREE 0

#endif							/* VDB_PAGE_FORMAT_H */
