/*
 * buffers.c
 *	  The pages of one index as PostgreSQL hands them out, for fuzzing.
 *
 * Each block has a buffer of its own, with poisoned memory on both sides.  What
 * hangs or crashes a server ends the program here: to wait for a lock that one
 * holds, a lock or a pin left behind, a change of a page that is not locked or
 * not in WAL, a loop without an end, or one that nobody can cancel.
 */
#include "buffers.h"

#include <sanitizer/asan_interface.h>

#include "access/generic_xlog.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/storage.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* Every other buffer is poisoned. */
#define BUFFER_OF(block) ((Buffer) (2 * (block) + 1))
#define BLOCK_OF(buffer) ((BlockNumber) ((buffer) / 2))

typedef struct Held
{
	int			pins[FUZZ_MAX_BLOCKS];
	int			shared[FUZZ_MAX_BLOCKS];
	bool		exclusive[FUZZ_MAX_BLOCKS];
	int			buffer_locks;
	int			guards[FUZZ_MAX_BLOCKS];
	int			extension;
} Held;

Relation	fuzz_index;
BlockNumber fuzz_heap_blocks;
BlockNumber fuzz_nblocks;
bool		fuzz_free[FUZZ_MAX_BLOCKS];
bool		fuzz_logged;
bool		fuzz_unseen;
bool		fuzz_standby;
int64		fuzz_cancel_after;
uint64		fuzz_reads;
bool		fuzz_damaged[FUZZ_MAX_BLOCKS];
uint64		fuzz_damaged_reads;

/* What a step of a sound program never needs. */
static const uint64 most_reads = 300000;
static const uint64 most_steps = 2000000;
static const uint64 most_unchecked = 30000;

static Held held;
static uint64 reads,
			steps,
			unchecked;

/* What a standby has, which gets nothing but WAL. */
static char *replica;

char	   *BufferBlocks;
BufferDescPadded *BufferDescriptors;
Block	   *LocalBufferBlockPointers;
int			NBuffers = 2 * FUZZ_MAX_BLOCKS;
int			NLocBuffer = 0;
int			wal_level = WAL_LEVEL_REPLICA;
int			maintenance_io_concurrency = 10;
volatile sig_atomic_t InterruptPending = true;
volatile sig_atomic_t QueryCancelPending = false;
volatile sig_atomic_t ProcDiePending = false;
volatile uint32 InterruptHoldoffCount = 0;
volatile uint32 QueryCancelHoldoffCount = 0;
ResourceOwner CurrentResourceOwner;

char *
fuzz_page(BlockNumber block)
{
	CHECK(block < FUZZ_MAX_BLOCKS);
	return BufferBlocks + (Size) (BUFFER_OF(block) - 1) * BLCKSZ;
}

static char *
replica_page(BlockNumber block)
{
	return replica + (Size) block * BLCKSZ;
}

/* Without pins nobody has to see a page. */
static void
hide(BlockNumber block)
{
	if (fuzz_unseen)
		ASAN_POISON_MEMORY_REGION(fuzz_page(block), BLCKSZ);
}

static void
show(BlockNumber block)
{
	ASAN_UNPOISON_MEMORY_REGION(fuzz_page(block), BLCKSZ);
}

void
fuzz_look(const void *from, size_t size)
{
	Size		at = (const char *) from - BufferBlocks;

	/* Every other buffer is one of a block. */
	CHECK(at % (2 * BLCKSZ) + size <= BLCKSZ && at / (2 * BLCKSZ) < FUZZ_MAX_BLOCKS);
	ASAN_UNPOISON_MEMORY_REGION(from, size);
}

void
fuzz_put_page(BlockNumber block, const char *page)
{
	memcpy(fuzz_own_page(block), page, BLCKSZ);
}

char *
fuzz_own_page(BlockNumber block)
{
	show(block);
	return fuzz_page(block);
}

void
fuzz_buffers_create(void)
{
	BufferBlocks = aligned_alloc(BLCKSZ, (Size) (NBuffers + 1) * BLCKSZ);
	BufferDescriptors = calloc(NBuffers + 1, sizeof(BufferDescPadded));
	replica = malloc((Size) FUZZ_MAX_BLOCKS * BLCKSZ);
	/* twice what the settings allow */
	fuzz_most_memory = 128 * 1024 * 1024;
	ASAN_POISON_MEMORY_REGION(BufferBlocks, (Size) (NBuffers + 1) * BLCKSZ);
}

/* What is in buffers, as vdb_page_check_seen() asks. */
static void
describe(BlockNumber block)
{
	BufferDesc *descriptor = GetBufferDescriptor(BUFFER_OF(block) - 1);

	VDB_COMPAT_INIT_TAG(&descriptor->tag, fuzz_index, block);
	pg_atomic_write_u32(&descriptor->state,
						block < fuzz_nblocks && !fuzz_unseen ? BM_VALID : 0);
}

void
fuzz_buffers_begin(void)
{
	for (BlockNumber block = 0; block < FUZZ_MAX_BLOCKS; block++)
	{
		describe(block);
		if (block >= fuzz_nblocks)
		{
			ASAN_POISON_MEMORY_REGION(fuzz_page(block), BLCKSZ);
			continue;
		}
		if (fuzz_logged)
			memcpy(replica_page(block), fuzz_own_page(block), BLCKSZ);
		hide(block);
	}
	fuzz_step_begin();
}

void
fuzz_truncate(BlockNumber nblocks)
{
	BlockNumber before = fuzz_nblocks;

	fuzz_nblocks = nblocks;
	for (BlockNumber block = nblocks; block < before; block++)
	{
		describe(block);
		ASAN_POISON_MEMORY_REGION(fuzz_page(block), BLCKSZ);
		fuzz_free[block] = fuzz_damaged[block] = false;
	}
}

void
fuzz_step_begin(void)
{
	for (BlockNumber block = 0; block < fuzz_nblocks; block++)
		hide(block);
	memset(&held, 0, sizeof(held));
	InterruptHoldoffCount = 0;
	CritSectionCount = 0;
	reads = steps = unchecked = 0;
}

/* As the end of a transaction, which may not have an error. */
void
fuzz_step_end(bool raised)
{
	for (BlockNumber block = 0; block < FUZZ_MAX_BLOCKS; block++)
	{
		if (raised)
			break;
		CHECK(held.pins[block] == 0);
		CHECK(held.shared[block] == 0 && !held.exclusive[block]);
		CHECK(held.guards[block] == 0);
	}
	CHECK(raised || (held.extension == 0 && CritSectionCount == 0));
	fuzz_step_begin();
}

/* ---- interrupts ---- */

void
ProcessInterrupts(void)
{
	if (++steps > most_steps)
		fuzz_fail("a loop without an end", __FILE__, __LINE__);
	if (held.buffer_locks > 0)
		return;
	unchecked = 0;
	if (fuzz_cancel_after > 0 && --fuzz_cancel_after == 0)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("canceling statement due to user request")));
}

#if PG_VERSION_NUM >= 180000
void
vacuum_delay_point(bool is_analyze)
{
	ProcessInterrupts();
}
#else
void
vacuum_delay_point(void)
{
	ProcessInterrupts();
}
#endif

bool
RecoveryInProgress(void)
{
	return fuzz_standby;
}

/* ---- pins ---- */

static Buffer
pin(BlockNumber block)
{
	fuzz_reads++;
	fuzz_damaged_reads += fuzz_damaged[block];
	fuzz_damaged[block] = false;
	if (++reads > most_reads)
		fuzz_fail("too many pages were read", __FILE__, __LINE__);
	if (++unchecked > most_unchecked)
		fuzz_fail("nobody can cancel this", __FILE__, __LINE__);
	held.pins[block]++;
	if (!fuzz_fault("hidden"))
		show(block);
	return BUFFER_OF(block);
}

static void
extend(void)
{
	CHECK(held.extension > 0);
	if (fuzz_nblocks == FUZZ_MAX_BLOCKS)
		ereport(ERROR, (errcode(ERRCODE_DISK_FULL), errmsg("could not extend file")));
	fuzz_nblocks++;
	show(fuzz_nblocks - 1);
	memset(fuzz_page(fuzz_nblocks - 1), 0, BLCKSZ);
	memset(replica_page(fuzz_nblocks - 1), 0, BLCKSZ);
	describe(fuzz_nblocks - 1);
}

#if PG_VERSION_NUM >= 160000
BlockNumber
ExtendBufferedRelBy(BufferManagerRelation bmr, ForkNumber fork, BufferAccessStrategy strategy,
					uint32 flags, uint32 extend_by, Buffer *buffers, uint32 *extended_by)
{
	for (*extended_by = 0; *extended_by < extend_by; (*extended_by)++)
	{
		extend();
		buffers[*extended_by] = pin(fuzz_nblocks - 1);
	}
	return fuzz_nblocks - extend_by;
}
#endif

void
RelationTruncate(Relation rel, BlockNumber nblocks)
{
	CHECK(rel == fuzz_index);
	fuzz_truncate(nblocks);
}

Buffer
ReadBuffer(Relation reln, BlockNumber blockNum)
{
	CHECK(reln == fuzz_index);
	if (blockNum == P_NEW)
	{
		extend();
		return pin(fuzz_nblocks - 1);
	}
	if (blockNum >= fuzz_nblocks)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("could not read block %u in file", blockNum)));
	return pin(blockNum);
}

Buffer
ReadBufferExtended(Relation reln, ForkNumber forkNum, BlockNumber blockNum, ReadBufferMode mode,
				   BufferAccessStrategy strategy)
{
	CHECK(forkNum == MAIN_FORKNUM && mode == RBM_NORMAL);
	return ReadBuffer(reln, blockNum);
}

bool
#if PG_VERSION_NUM >= 160000
ReadRecentBuffer(RelFileLocator rlocator, ForkNumber forkNum, BlockNumber blockNum,
				 Buffer recent_buffer)
#else
ReadRecentBuffer(RelFileNode rnode, ForkNumber forkNum, BlockNumber blockNum,
				 Buffer recent_buffer)
#endif
{
	if (blockNum >= fuzz_nblocks || recent_buffer != BUFFER_OF(blockNum))
		return false;
	pin(blockNum);
	return true;
}

int
get_tablespace_io_concurrency(Oid spcid)
{
	return 1;
}

PrefetchBufferResult
PrefetchBuffer(Relation reln, ForkNumber forkNum, BlockNumber blockNum)
{
	return (PrefetchBufferResult) {InvalidBuffer, false};
}

BlockNumber
BufferGetBlockNumber(Buffer buffer)
{
	CHECK(held.pins[BLOCK_OF(buffer)] > 0);
	return BLOCK_OF(buffer);
}

void
ReleaseBuffer(Buffer buffer)
{
	BlockNumber block = BLOCK_OF(buffer);

	CHECK(buffer > 0 && held.pins[block] > 0);
	if (fuzz_fault("pins") && block == 1)
		return;
	if (--held.pins[block] == 0)
	{
		CHECK(held.shared[block] == 0 && !held.exclusive[block]);
		hide(block);
	}
}

BlockNumber
RelationGetNumberOfBlocksInFork(Relation relation, ForkNumber forkNum)
{
	CHECK(forkNum == MAIN_FORKNUM);
	return relation == fuzz_index ? fuzz_nblocks : fuzz_heap_blocks;
}

void
PageInit(Page page, Size pageSize, Size specialSize)
{
	PageHeader	header = (PageHeader) page;

	CHECK(pageSize == BLCKSZ);
	memset(page, 0, BLCKSZ);
	header->pd_lower = SizeOfPageHeaderData;
	header->pd_special = header->pd_upper = BLCKSZ - MAXALIGN(specialSize);
	PageSetPageSizeAndVersion(page, BLCKSZ, PG_PAGE_LAYOUT_VERSION);
}

/* ---- locks ---- */

/* Is all that a page has in WAL?  Its hole and its LSN do not count. */
static bool
is_logged(BlockNumber block)
{
	const char *page = fuzz_page(block);
	const char *copy = replica_page(block);

	return !fuzz_logged || memcmp(page + sizeof(PageXLogRecPtr), copy + sizeof(PageXLogRecPtr),
								  BLCKSZ - sizeof(PageXLogRecPtr)) == 0;
}

void
LockBuffer(Buffer buffer, int mode)
{
	BlockNumber block = BLOCK_OF(buffer);

	CHECK(buffer > 0 && held.pins[block] > 0);
	if (mode == BUFFER_LOCK_UNLOCK)
	{
		CHECK(held.exclusive[block] || held.shared[block] > 0);
		if (held.exclusive[block])
		{
			CHECK(is_logged(block));
			held.exclusive[block] = false;
		}
		else
			held.shared[block]--;
		held.buffer_locks--;
		InterruptHoldoffCount--;
		return;
	}
	if (held.exclusive[block] || held.shared[block] > 0)
		fuzz_fail("it waits for a lock that it has", __FILE__, __LINE__);
	if (mode == BUFFER_LOCK_EXCLUSIVE)
		held.exclusive[block] = true;
	else
		held.shared[block]++;
	held.buffer_locks++;
	InterruptHoldoffCount++;
}

bool
ConditionalLockBuffer(Buffer buffer)
{
	BlockNumber block = BLOCK_OF(buffer);

	if (held.exclusive[block] || held.shared[block] > 0)
		return false;
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	return true;
}

void
UnlockReleaseBuffer(Buffer buffer)
{
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(buffer);
}

void
MarkBufferDirty(Buffer buffer)
{
	CHECK(held.pins[BLOCK_OF(buffer)] > 0 && held.exclusive[BLOCK_OF(buffer)]);
}

void
LockRelationForExtension(Relation relation, LOCKMODE lockmode)
{
	CHECK(relation == fuzz_index);
	held.extension++;
}

void
UnlockRelationForExtension(Relation relation, LOCKMODE lockmode)
{
	CHECK(held.extension-- > 0);
}

/* PostgreSQL would wait, and nobody could cancel, with a buffer locked. */
void
LockTuple(Relation relation, ItemPointer tid, LOCKMODE lockmode)
{
	CHECK(relation == fuzz_index && held.buffer_locks == 0);
	held.guards[ItemPointerGetBlockNumberNoCheck(tid) % FUZZ_MAX_BLOCKS]++;
}

#if PG_VERSION_NUM >= 180000
bool
ConditionalLockTuple(Relation relation, ItemPointer tid, LOCKMODE lockmode,
					 bool logLockFailure)
#else
bool
ConditionalLockTuple(Relation relation, ItemPointer tid, LOCKMODE lockmode)
#endif
{
	held.guards[ItemPointerGetBlockNumberNoCheck(tid) % FUZZ_MAX_BLOCKS]++;
	return true;
}

void
UnlockTuple(Relation relation, ItemPointer tid, LOCKMODE lockmode)
{
	CHECK(held.guards[ItemPointerGetBlockNumberNoCheck(tid) % FUZZ_MAX_BLOCKS]-- > 0);
}

/* ---- subtransactions ---- */

static Held before;

void
BeginInternalSubTransaction(const char *name)
{
	/* to end one with an error gives all locks of buffers back */
	CHECK(held.buffer_locks == 0);
	before = held;
}

void
ReleaseCurrentSubTransaction(void)
{
	CHECK(memcmp(before.pins, held.pins, sizeof(held.pins)) == 0);
}

void
RollbackAndReleaseCurrentSubTransaction(void)
{
	held = before;
	InterruptHoldoffCount = 0;
}

bool
ActiveSnapshotSet(void)
{
	return false;
}

/* ---- free pages ---- */

BlockNumber
GetFreeIndexPage(Relation rel)
{
	for (BlockNumber block = 0; block < FUZZ_MAX_BLOCKS; block++)
		if (fuzz_free[block])
		{
			fuzz_free[block] = false;
			return block;
		}
	return InvalidBlockNumber;
}

void
RecordFreeIndexPage(Relation rel, BlockNumber freeBlock)
{
	CHECK(freeBlock < fuzz_nblocks);
	fuzz_free[freeBlock] = true;
}

void
IndexFreeSpaceMapVacuum(Relation rel)
{
}

/* ---- WAL ---- */

struct GenericXLogState
{
	int			n;
	Buffer		buffers[MAX_GENERIC_XLOG_PAGES];
	char	   *images[MAX_GENERIC_XLOG_PAGES];
};

GenericXLogState *
GenericXLogStart(Relation relation)
{
	CHECK(relation == fuzz_index);
	return palloc0(sizeof(GenericXLogState));
}

Page
GenericXLogRegisterBuffer(GenericXLogState *state, Buffer buffer, int flags)
{
	for (int i = 0; i < state->n; i++)
		if (state->buffers[i] == buffer)
			return state->images[i];
	if (state->n == MAX_GENERIC_XLOG_PAGES)
		elog(ERROR, "maximum number %d of generic xlog buffers is exceeded",
			 MAX_GENERIC_XLOG_PAGES);
	CHECK(held.exclusive[BLOCK_OF(buffer)]);
	state->buffers[state->n] = buffer;
	state->images[state->n] = palloc(BLCKSZ);
	memcpy(state->images[state->n], BufferGetPage(buffer), BLCKSZ);
	return state->images[state->n++];
}

/* What lies between pd_lower and pd_upper becomes zeroes, as PostgreSQL does it. */
XLogRecPtr
GenericXLogFinish(GenericXLogState *state)
{
	for (int i = 0; i < state->n; i++)
	{
		BlockNumber block = BLOCK_OF(state->buffers[i]);
		PageHeader	header = (PageHeader) state->images[i];

		CHECK(held.exclusive[block]);
		CHECK(header->pd_lower <= header->pd_upper && header->pd_upper <= BLCKSZ);
		memset(state->images[i] + header->pd_lower, 0, header->pd_upper - header->pd_lower);
		if (fuzz_fault("edit") && i > 0)
			continue;
		memcpy(fuzz_page(block), state->images[i], BLCKSZ);
		memcpy(replica_page(block), state->images[i], BLCKSZ);
	}
	GenericXLogAbort(state);
	return 1;
}

void
GenericXLogAbort(GenericXLogState *state)
{
	for (int i = 0; i < state->n; i++)
		pfree(state->images[i]);
	pfree(state);
}

static Buffer registered[MAX_GENERIC_XLOG_PAGES];

void
XLogBeginInsert(void)
{
	CHECK(CritSectionCount > 0);
}

void
XLogRegisterBuffer(uint8 block_id, Buffer buffer, uint8 flags)
{
	CHECK(block_id < MAX_GENERIC_XLOG_PAGES && held.exclusive[BLOCK_OF(buffer)]);
	registered[block_id] = buffer;
}

/* A part's place, and then its bytes. */
#if PG_VERSION_NUM >= 180000
void
XLogRegisterBufData(uint8 block_id, const void *data, uint32 len)
#elif PG_VERSION_NUM >= 160000
void
XLogRegisterBufData(uint8 block_id, char *data, uint32 len)
#else
void
XLogRegisterBufData(uint8 block_id, char *data, int len)
#endif
{
	static OffsetNumber place[2];
	static bool is_place = true;

	if (is_place)
	{
		CHECK(len == sizeof(place));
		memcpy(place, data, sizeof(place));
		CHECK(place[0] + place[1] <= BLCKSZ);
	}
	else
	{
		CHECK(len == place[1]);
		if (!fuzz_fault("patch"))
			memcpy(replica_page(BLOCK_OF(registered[block_id])) + place[0], data, len);
	}
	is_place = !is_place;
}

XLogRecPtr
XLogInsert(RmgrId rmid, uint8 info)
{
	CHECK(rmid == RM_GENERIC_ID);
	return 1;
}

/* A build ends with this. */
void
log_newpage_range(Relation rel, ForkNumber forknum, BlockNumber startblk, BlockNumber endblk,
				  bool page_std)
{
	CHECK(forknum == MAIN_FORKNUM && startblk == 0 && endblk == fuzz_nblocks);
}
