/*
 * page.h
 *	  Pages of an index: reading, making, and changing them.
 *
 * Nothing outside this folder locks a buffer or writes WAL.
 */
#ifndef VDB_PAGE_H
#define VDB_PAGE_H

#include "access/generic_xlog.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "compat/compat.h"
#include "page/page_format.h"

static inline VdbPageOpaque *
vdb_page_opaque(Page page)
{
	return (VdbPageOpaque *) PageGetSpecialPointer(page);
}

/* What the page holds. */
static inline char *
vdb_page_contents(Page page)
{
	return PageGetContents(page);
}

/* ---- reading ---- */

/* The bytes of a line of the CPU's caches. */
#define VDB_PAGE_LINE 64

/*
 * A page pinned and locked, share or exclusive: an error with
 * ERRCODE_INDEX_CORRUPTED unless it is a page of ours of that kind.
 */
extern Buffer vdb_page_read(Relation index, BlockNumber block, uint16 kind);
extern Buffer vdb_page_read_exclusive(Relation index, BlockNumber block, uint16 kind);

/*
 * The same for loops over all pages, share: false, and nothing held, for one of
 * another kind, or none of ours yet.
 */
extern bool vdb_page_read_if(Relation index, BlockNumber block, uint16 kind, Buffer *buffer);

/*
 * Pinned only, for pages that change only under the lock of another one that
 * the caller holds.
 */
extern Buffer vdb_page_pin(Relation index, BlockNumber block, uint16 kind);

/*
 * Begins to fetch a page into the CPU's caches, and so many bytes of its
 * contents from offset on, if it is where it was seen last.
 */
extern void vdb_page_prefetch(Relation index, BlockNumber block, uint32 offset, uint32 bytes);

/*
 * Looks at pages without pins, which cost a tenth of one: the contents of the
 * buffers that pages were seen in last, or NULL.  vdb_page_check_seen() makes
 * those NULL whose buffers do not hold these blocks: the others most likely did so
 * all the time.  It takes any address in the contents.  But a page may be of any
 * kind, and may have changed meanwhile.  So this is only for what may be wrong
 * without harm, and what is read must be within the page.
 */
extern void vdb_page_see(Relation index, uint32 n, const BlockNumber *blocks,
						 const char **contents);
extern void vdb_page_check_seen(Relation index, uint32 n, const BlockNumber *blocks,
								const char **contents);

/* Of what was seen: the opaque area of a page of ours, with these contents. */
static inline const VdbPageOpaque *
vdb_page_seen_opaque(const char *contents)
{
	return (const VdbPageOpaque *) (contents - MAXALIGN(SizeOfPageHeaderData) + BLCKSZ -
									MAXALIGN(sizeof(VdbPageOpaque)));
}

/*
 * Has the system begin to read a page that is not in a buffer, unless
 * effective_io_concurrency is 0.
 */
extern void vdb_page_ask(Relation index, BlockNumber block);

/* Fetches so many bytes of a page that is going to be looked at, and what that takes. */
extern void vdb_page_prefetch_look(Relation index, BlockNumber block, uint32 offset,
								   uint32 bytes);

/* Fetches bytes of any address into the CPU's caches. */
static inline void
vdb_page_fetch(const char *from, uint32 bytes)
{
	const char *end = from + bytes;

	for (from -= (uintptr_t) from % VDB_PAGE_LINE; from < end; from += VDB_PAGE_LINE)
		__builtin_prefetch(from);
}

/* Gives back a page that was read, or pinned. */
extern void vdb_page_release(Buffer buffer);
extern void vdb_page_unpin(Buffer buffer);

/*
 * For loops over all pages, up to vdb_page_count(): locked exclusively; or
 * false, and nothing held, for one that is not used, which is made known to
 * vdb_edit_new().
 */
extern bool vdb_page_try(Relation index, BlockNumber block, BufferAccessStrategy strategy,
						 Buffer *buffer);

/*
 * A chain that is being followed: vdb_page_follow(), called with each page
 * before it is read, raises an error when it has been there before, not at
 * once, but before it has gone round three times.  Begins as zeroes.
 */
typedef struct VdbPageChain
{
	BlockNumber mark;
	uint32		steps;
} VdbPageChain;

extern void vdb_page_follow(VdbPageChain *chain, Relation index, BlockNumber block);

/*
 * For those who look for damage: copies a page, whatever it is.  Returns NULL,
 * or why it cannot be read.
 */
extern char *vdb_page_copy(Relation index, BlockNumber block, BufferAccessStrategy strategy,
						   Page copy);

/* Is this a page of ours? */
extern bool vdb_page_is_ours(Page page);

/* Bytes of what it holds. */
extern Size vdb_page_size(Page page);

/*
 * A lock that only those who ask for it see, for work over several pages; it
 * goes with the transaction if that fails.
 */
extern void vdb_page_guard(Relation index, BlockNumber block);
extern bool vdb_page_guard_try(Relation index, BlockNumber block);
extern void vdb_page_unguard(Relation index, BlockNumber block);

pg_noreturn extern void vdb_page_corrupted(Relation index, BlockNumber block, const char *what);

/*
 * For a page that is not what led there says.  On the primary it is damage.  A
 * standby may have replayed that the page was put to another use, which the
 * primary does when none of its own scans can hold it: a conflict with recovery.
 */
pg_noreturn extern void vdb_page_lost(Relation index, BlockNumber block, const char *what);

/* How many blocks there are, every one of which somebody has had a lock on. */
extern BlockNumber vdb_page_count(Relation index);

/* Reads all pages, so that they are in buffers as far as these have room. */
extern BlockNumber vdb_page_warm(Relation index);

/* ---- changing ---- */

/*
 * For a build that uses what inserts and vacuum do: until that context goes,
 * changes of this index's pages have no WAL, whatever they say themselves.
 */
extern void vdb_page_build_until(Relation index, MemoryContext context);

/*
 * For a build that makes many pages: from here on the file grows by many at a
 * time, to more than are used; when it is done, these are taken off again.
 */
extern void vdb_page_build_ahead(Relation index);
extern void vdb_page_build_done(Relation index);

/*
 * An edit: up to VDB_EDIT_PAGES pages, changed together or not at all, also
 * over a crash.  While an index is built there is no WAL: what is built is
 * logged whole at its end by vdb_page_log_all().
 */
#define VDB_EDIT_PAGES MAX_GENERIC_XLOG_PAGES

typedef struct VdbEdit
{
	Relation	index;
	bool		building;
	GenericXLogState *state;
	int			npages;
	Buffer		buffers[VDB_EDIT_PAGES];
	bool		fresh[VDB_EDIT_PAGES];	/* got here by vdb_edit_new() */
} VdbEdit;

extern void vdb_edit_begin(VdbEdit *edit, Relation index, bool building);

/* The page of a buffer locked exclusively: to be changed through the result. */
extern Page vdb_edit_page(VdbEdit *edit, Buffer buffer);

/*
 * A page nobody uses, made empty, with room for size bytes of contents, all
 * zero: an old one if there is, else the file grows.  The edit holds it.
 */
extern Page vdb_edit_new(VdbEdit *edit, uint16 kind, Size size, BlockNumber *block);

/* What a page holds reaches up to so many bytes of its contents, at least. */
extern void vdb_page_reach(Page page, Size size);

/* Makes it so, and gives back the pages that vdb_edit_new() gave. */
extern void vdb_edit_finish(VdbEdit *edit);

/*
 * Instead: nothing changes, and the new pages are for somebody else.  While an
 * index is built, only for an edit that has not changed other pages.
 */
extern void vdb_edit_cancel(VdbEdit *edit);

/* Gives a page of that kind up, which nothing leads to, for vdb_edit_new(). */
extern void vdb_page_free(Relation index, BlockNumber block, uint16 kind);

/* After that: has vdb_edit_new() find them, before vacuum does. */
extern void vdb_page_offer(Relation index);

/*
 * A patch: a few bytes of one or more pages, which change together or not at
 * all.  What an edit finds out by comparing pages, the caller says here: it
 * costs a tenth of that.
 */
#define VDB_PATCH_PARTS 8

typedef struct VdbPatch
{
	Relation	index;
	int			npages;
	int			nparts;
	Buffer		buffers[VDB_EDIT_PAGES];
	struct
	{
		uint8		page;
		OffsetNumber place[2];	/* offset and length, as generic WAL has them */
		const void *data;
	}			parts[VDB_PATCH_PARTS];
} VdbPatch;

extern void vdb_patch_begin(VdbPatch *patch, Relation index);

/* The page of a buffer locked exclusively gets these bytes at that place of
 * its own, all at the end: data has to stay until then. */
extern void vdb_patch_put(VdbPatch *patch, Buffer buffer, const void *at, const void *data,
						  Size size);
extern void vdb_patch_finish(VdbPatch *patch);

/* ---- floats, over as many pages as it takes ---- */

/* Writes them to a new chain of pages of that kind; returns the first. */
extern BlockNumber vdb_page_write_floats(Relation index, bool building, uint16 kind,
										 const float *floats, uint32 count);
extern void vdb_page_read_floats(Relation index, BlockNumber first, uint16 kind, uint32 count,
								 float *floats);

/* ---- whole forks ---- */

/* Logs a whole fork, after a build. */
extern void vdb_page_log_all(Relation index, ForkNumber fork);

/* Writes the first page of the init fork, logged: for unlogged indexes. */
extern void vdb_page_write_init(Relation index, uint16 kind, const void *contents, Size size);

#endif							/* VDB_PAGE_H */
