/*
 * buffers.h
 *	  The pages of one index as PostgreSQL hands them out, for fuzzing.
 */
#ifndef VDB_FUZZ_BUFFERS_H
#define VDB_FUZZ_BUFFERS_H

#include "backend.h"

#include "storage/bufmgr.h"
#include "utils/rel.h"

/* The most blocks that a file has; after that the disk is full. */
#define FUZZ_MAX_BLOCKS 64

/* The only index that there is, how long its file is, and its table's. */
extern Relation fuzz_index;
extern BlockNumber fuzz_nblocks;
extern BlockNumber fuzz_heap_blocks;

/* The free space map. */
extern bool fuzz_free[FUZZ_MAX_BLOCKS];

/* Has every change to be in WAL?  Not while an index is built. */
extern bool fuzz_logged;

/*
 * Nothing is found without a pin: pages without one are poisoned, but for what is
 * looked at, and vdb_page_check_seen() says that they are not what they were.
 */
extern bool fuzz_unseen;

/* Is it one that replays WAL? */
extern bool fuzz_standby;

/* The number of the next chance to cancel that is taken; 0: none. */
extern int64 fuzz_cancel_after;

/* Pages that were read, of all inputs. */
extern uint64 fuzz_reads;

extern void fuzz_buffers_create(void);

/* Damaged pages that nobody has read yet, and how many of all inputs were read. */
extern bool fuzz_damaged[FUZZ_MAX_BLOCKS];
extern uint64 fuzz_damaged_reads;

/* The page of a block; of one that may be poisoned, to be looked at or changed. */
extern char *fuzz_page(BlockNumber block);
extern char *fuzz_own_page(BlockNumber block);
extern void fuzz_put_page(BlockNumber block, const char *page);

/* The file becomes shorter. */
extern void fuzz_truncate(BlockNumber nblocks);

/* After pages were put there: begins with these. */
extern void fuzz_buffers_begin(void);

/* A statement's begin, and its end, by an error or not. */
extern void fuzz_step_begin(void);
extern void fuzz_step_end(bool raised);

#endif							/* VDB_FUZZ_BUFFERS_H */
