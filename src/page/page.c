/*
 * page.c
 *	  Pages of an index: reading, making, and changing them.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/storage.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/spccache.h"

#include "compat/compat.h"
#include "page/page.h"
#include "point/point.h"

void
vdb_page_corrupted(Relation index, BlockNumber block, const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_INDEX_CORRUPTED),
			errmsg("index \"%s\" is damaged at block %u: %s",
				   RelationGetRelationName(index), block, what),
			errhint("REINDEX INDEX makes it anew from the table."));
}

void
vdb_page_lost(Relation index, BlockNumber block, const char *what)
{
	/* The standby may have been promoted since the statement began. */
	if (!RecoveryInProgress() &&
		!(ActiveSnapshotSet() && GetActiveSnapshot()->takenDuringRecovery))
		vdb_page_corrupted(index, block, what);
	ereport(ERROR,
			errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("canceling statement due to conflict with recovery"),
			errdetail("Lists of index \"%s\" that the statement was reading were made anew.",
					  RelationGetRelationName(index)));
}

/*
 * Is this a page of ours, with its special space where it belongs, and nothing
 * before that?  (What generic WAL takes for a hole, it makes zeroes.)
 */
static bool
is_ours(Page page)
{
	const PageHeader header = (PageHeader) page;

	return !PageIsNew(page) &&
		header->pd_special == BLCKSZ - MAXALIGN(sizeof(VdbPageOpaque)) &&
		header->pd_upper == header->pd_special &&
		header->pd_lower >= MAXALIGN(SizeOfPageHeaderData) &&
		header->pd_lower <= header->pd_upper &&
		vdb_page_opaque(page)->magic == VDB_PAGE_MAGIC;
}

bool
vdb_page_is_ours(Page page)
{
	return is_ours(page);
}

Size
vdb_page_size(Page page)
{
	return (char *) page + ((PageHeader) page)->pd_lower - (char *) vdb_page_contents(page);
}

static void
check(Relation index, Buffer buffer, uint16 kind)
{
	Page		page = BufferGetPage(buffer);

	if (!is_ours(page))
		vdb_page_corrupted(index, BufferGetBlockNumber(buffer), "it is no page of this index");
	if (vdb_page_opaque(page)->kind != kind)
		vdb_page_lost(index, BufferGetBlockNumber(buffer),
					  psprintf("its kind is %u where %u belongs",
							   vdb_page_opaque(page)->kind, kind));
}

/*
 * Where blocks were last seen in the buffer pool, so that finding one again
 * does not take the buffer mapping's hash table and locks.  A backend's own;
 * a wrong answer costs a look at a buffer that is not the right one.
 */
#define NHINTS (1 << 20)

static Buffer hints[NHINTS];

static inline Buffer *
hint(Relation index, BlockNumber block)
{
	uint32		hash = VDB_COMPAT_RELNUMBER(index) * 0x9e3779b1u + block;

	return &hints[hash & (NHINTS - 1)];
}

/*
 * ReadRecentBuffer() does not tell PostgreSQL's clock that a shared page is in
 * use (measured with 15: pages that every query read aged like those that none
 * did), and nor does a look.  So of some reads and looks we do.
 */
#define TELL_EVERY 8
#define TELL_EVERY_LOOK 128

/*
 * As PinBuffer() does: by an exchange, which fails while the header is locked.
 * If it does, others use the page.
 */
static void
tell_clock(BufferDesc *descriptor)
{
	uint32		state = pg_atomic_read_u32(&descriptor->state);

	if ((state & BM_VALID) != 0 && (state & BM_LOCKED) == 0 &&
		BUF_STATE_GET_USAGECOUNT(state) < BM_MAX_USAGE_COUNT)
		pg_atomic_compare_exchange_u32(&descriptor->state, &state, state + BUF_USAGECOUNT_ONE);
}

/* A page pinned.  (What lies beyond the end of the file is PostgreSQL's error.) */
static Buffer
pin(Relation index, BlockNumber block)
{
	static uint32 pins;
	Buffer	   *h = hint(index, block);

	/* For ReadBuffer() this would mean to make the file longer. */
	if (unlikely(block == InvalidBlockNumber))
		vdb_page_corrupted(index, block, "a reference leads nowhere");
	if (*h == InvalidBuffer ||
		!ReadRecentBuffer(VDB_COMPAT_LOCATOR(index), MAIN_FORKNUM, block, *h))
		*h = ReadBuffer(index, block);
	else if (!BufferIsLocal(*h) && ++pins % TELL_EVERY == 0)
		tell_clock(GetBufferDescriptor(*h - 1));
	return *h;
}

BlockNumber
vdb_page_warm(Relation index)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(index);
	BlockNumber asked = 0;

	for (BlockNumber block = 0; block < blocks; block++)
	{
		CHECK_FOR_INTERRUPTS();
		/* The system reads ahead of us. */
		while (asked < blocks && asked - block < (BlockNumber) maintenance_io_concurrency)
			PrefetchBuffer(index, MAIN_FORKNUM, asked++);
		asked = Max(asked, block + 1);
		vdb_page_unpin(pin(index, block));
	}
	return blocks;
}

void
vdb_page_prefetch(Relation index, BlockNumber block, uint32 offset, uint32 bytes)
{
	Buffer		buffer = *hint(index, block);
	const char *page;

	if (block == InvalidBlockNumber || !BufferIsValid(buffer) || BufferIsLocal(buffer))
		return;
	__builtin_prefetch(GetBufferDescriptor(buffer - 1), 1);
	page = BufferGetPage(buffer);
	/* The header and the special space are looked at first. */
	__builtin_prefetch(page);
	__builtin_prefetch(page + BLCKSZ - 1);
	vdb_page_fetch(vdb_page_contents((Page) page) + offset, bytes);
}

void
vdb_page_prefetch_look(Relation index, BlockNumber block, uint32 offset, uint32 bytes)
{
	Buffer		buffer = *hint(index, block);

	if (!BufferIsValid(buffer) || BufferIsLocal(buffer))
		return;
	__builtin_prefetch(GetBufferDescriptor(buffer - 1));
	vdb_page_fetch(vdb_page_contents(BufferGetPage(buffer)) + offset, bytes);
}

void
vdb_page_see(Relation index, uint32 n, const BlockNumber *blocks, const char **contents)
{
	for (uint32 i = 0; i < n; i++)
	{
		Buffer		buffer = *hint(index, blocks[i]);

		contents[i] = NULL;
		if (!BufferIsValid(buffer) || BufferIsLocal(buffer))
			continue;
		__builtin_prefetch(GetBufferDescriptor(buffer - 1));
		contents[i] = vdb_page_contents(BufferGetPage(buffer));
	}
}

void
vdb_page_check_seen(Relation index, uint32 n, const BlockNumber *blocks, const char **contents)
{
	static uint32 looks;
	BufferTag	tag;

	VDB_COMPAT_INIT_TAG(&tag, index, InvalidBlockNumber);
	/* What the caller has read, or is going to read, stays before, or after, this. */
	pg_read_barrier();
	for (uint32 i = 0; i < n; i++)
	{
		BufferDesc *descriptor;

		if (contents[i] == NULL)
			continue;
		descriptor = GetBufferDescriptor((contents[i] - BufferBlocks) / BLCKSZ);
		tag.blockNum = blocks[i];
		if ((pg_atomic_read_u32(&descriptor->state) & BM_VALID) == 0 ||
			!VDB_COMPAT_TAGS_EQUAL(&tag, &descriptor->tag))
			contents[i] = NULL;
		else if (unlikely(++looks % TELL_EVERY_LOOK == 0))
			tell_clock(descriptor);
	}
	pg_read_barrier();
}

void
vdb_page_ask(Relation index, BlockNumber block)
{
	/* A number that leads nowhere is the error of who reads. */
	if (BlockNumberIsValid(block) &&
		get_tablespace_io_concurrency(index->rd_rel->reltablespace) > 0)
		PrefetchBuffer(index, MAIN_FORKNUM, block);
}

static Buffer
read_locked(Relation index, BlockNumber block, uint16 kind, int mode)
{
	Buffer		buffer = pin(index, block);

	LockBuffer(buffer, mode);
	check(index, buffer, kind);
	return buffer;
}

Buffer
vdb_page_read(Relation index, BlockNumber block, uint16 kind)
{
	return read_locked(index, block, kind, BUFFER_LOCK_SHARE);
}

bool
vdb_page_read_if(Relation index, BlockNumber block, uint16 kind, Buffer *buffer)
{
	Page		page;

	*buffer = pin(index, block);
	LockBuffer(*buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(*buffer);
	if (!PageIsNew(page) && !is_ours(page))
		vdb_page_corrupted(index, block, "it is no page of this index");
	if (!PageIsNew(page) && vdb_page_opaque(page)->kind == kind)
		return true;
	UnlockReleaseBuffer(*buffer);
	return false;
}

Buffer
vdb_page_read_exclusive(Relation index, BlockNumber block, uint16 kind)
{
	/*
	 * Looked at before it is locked, too: a damaged reference may lead to a
	 * page that we, or whoever waits for us, have locked.
	 */
	vdb_page_unpin(vdb_page_pin(index, block, kind));
	return read_locked(index, block, kind, BUFFER_LOCK_EXCLUSIVE);
}

Buffer
vdb_page_pin(Relation index, BlockNumber block, uint16 kind)
{
	Buffer		buffer = pin(index, block);

	check(index, buffer, kind);
	return buffer;
}

void
vdb_page_release(Buffer buffer)
{
	UnlockReleaseBuffer(buffer);
}

void
vdb_page_unpin(Buffer buffer)
{
	ReleaseBuffer(buffer);
}

/* Copies a page; an error if it cannot be read. */
static void
copy_page(Relation index, BlockNumber block, BufferAccessStrategy strategy, Page copy)
{
	Buffer		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(copy, BufferGetPage(buffer), BLCKSZ);
	UnlockReleaseBuffer(buffer);
}

/*
 * In a subtransaction, because an error while a page is read leaves things to
 * be cleaned up.
 */
char *
vdb_page_copy(Relation index, BlockNumber block, BufferAccessStrategy strategy, Page copy)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile problem = NULL;

	if (block == InvalidBlockNumber)
		return pstrdup("a reference leads nowhere");
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		copy_page(index, block, strategy, copy);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;
		int			category;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
		/* A cancel, say, is not for the page to answer for. */
		if (category != ERRCODE_INTERNAL_ERROR && category != ERRCODE_SYSTEM_ERROR)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		problem = pstrdup(error->message);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return problem;
}

void
vdb_page_follow(VdbPageChain *chain, Relation index, BlockNumber block)
{
	if (unlikely(chain->steps > 0 && block == chain->mark))
		vdb_page_lost(index, block, "its chain leads back to it");
	/* Whatever the circle's length, the mark is in it some day. */
	if ((chain->steps & (chain->steps + 1)) == 0)
		chain->mark = block;
	chain->steps++;
}

/* The lock on making the file longer: not of a relation that is only ours. */
static void
lock_extension(Relation index)
{
	if (!RELATION_IS_LOCAL(index))
		LockRelationForExtension(index, ExclusiveLock);
}

static void
unlock_extension(Relation index)
{
	if (!RELATION_IS_LOCAL(index))
		UnlockRelationForExtension(index, ExclusiveLock);
}

BlockNumber
vdb_page_count(Relation index)
{
	BlockNumber blocks;

	/* A page is locked before the lock on its making is given up. */
	lock_extension(index);
	blocks = RelationGetNumberOfBlocks(index);
	unlock_extension(index);
	return blocks;
}

bool
vdb_page_try(Relation index, BlockNumber block, BufferAccessStrategy strategy, Buffer *buffer)
{
	Page		page;

	*buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	LockBuffer(*buffer, BUFFER_LOCK_EXCLUSIVE);
	page = BufferGetPage(*buffer);
	if (!PageIsNew(page) && !is_ours(page))
		vdb_page_corrupted(index, block, "it is no page of this index");
	if (!PageIsNew(page) && vdb_page_opaque(page)->kind != VDB_PAGE_FREE)
		return true;
	/* A crash after the file has grown leaves a page of zeroes. */
	UnlockReleaseBuffer(*buffer);
	RecordFreeIndexPage(index, block);
	return false;
}

/*
 * The lock is PostgreSQL's for a row, of which an index has none.  That for a
 * page will not do: until 16 who has one may wait for no other lock (it is left
 * out when deadlocks are looked for), and one guard is taken under another.
 */
static ItemPointerData
guard_tag(BlockNumber block)
{
	ItemPointerData tid;

	ItemPointerSet(&tid, block, FirstOffsetNumber);
	return tid;
}

void
vdb_page_guard(Relation index, BlockNumber block)
{
	ItemPointerData tid = guard_tag(block);

	LockTuple(index, &tid, ExclusiveLock);
}

bool
vdb_page_guard_try(Relation index, BlockNumber block)
{
	ItemPointerData tid = guard_tag(block);

	return VDB_COMPAT_TRY_LOCK_TUPLE(index, &tid, ExclusiveLock);
}

void
vdb_page_unguard(Relation index, BlockNumber block)
{
	ItemPointerData tid = guard_tag(block);

	UnlockTuple(index, &tid, ExclusiveLock);
}

/* The file of an index that is being built, or Invalid. */
static RelFileNumber built = InvalidOid;

static void
end_build(void *arg)
{
	built = InvalidOid;
}

void
vdb_page_build_until(Relation index, MemoryContext context)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(context,
															 sizeof(MemoryContextCallback));

	built = VDB_COMPAT_RELNUMBER(index);
	callback->func = end_build;
	MemoryContextRegisterResetCallback(context, callback);
}

static inline bool
is_built(Relation index)
{
	return unlikely(built == VDB_COMPAT_RELNUMBER(index));
}

void
vdb_edit_begin(VdbEdit *edit, Relation index, bool building)
{
	edit->index = index;
	edit->building = building || is_built(index);
	edit->npages = 0;
	edit->state = edit->building ? NULL : GenericXLogStart(index);
}

static Page
add_page(VdbEdit *edit, Buffer buffer, bool fresh)
{
	Assert(edit->npages < VDB_EDIT_PAGES);
	edit->buffers[edit->npages] = buffer;
	edit->fresh[edit->npages++] = fresh;
	if (edit->building)
		return BufferGetPage(buffer);
	return GenericXLogRegisterBuffer(edit->state, buffer, fresh ? GENERIC_XLOG_FULL_IMAGE : 0);
}

Page
vdb_edit_page(VdbEdit *edit, Buffer buffer)
{
	/* A page may be asked for twice, as when it is the head and the end. */
	for (int i = 0; i < edit->npages; i++)
		if (edit->buffers[i] == buffer)
			return edit->building ? BufferGetPage(buffer) :
				GenericXLogRegisterBuffer(edit->state, buffer, 0);
	return add_page(edit, buffer, false);
}

/*
 * Pages of a file being built that are there and not used yet.  Most of what it
 * costs to make a page is that the file grows: by that page, and then zeroes are
 * written to it.
 */
static struct
{
	Oid			index;
	RelFileNumber file;
	BlockNumber next;
	BlockNumber end;
}			spare;

/* The file of a build grows by so many pages, at most. */
#define GROW 64

void
vdb_page_build_ahead(Relation index)
{
	spare.index = RelationGetRelid(index);
	spare.file = VDB_COMPAT_RELNUMBER(index);
	spare.next = spare.end = 0;
}

static inline bool
has_spare(Relation index)
{
	return spare.index == RelationGetRelid(index) && spare.file == VDB_COMPAT_RELNUMBER(index);
}

void
vdb_page_build_done(Relation index)
{
	if (has_spare(index) && spare.next < spare.end)
		RelationTruncate(index, spare.next);
	spare.index = InvalidOid;
}

/* The next spare page, pinned. */
static Buffer
take_spare(Relation index)
{
	if (spare.next == spare.end)
	{
		Buffer		buffers[GROW];
		uint32		n = Max(1, Min(GROW, spare.end / 4));

		lock_extension(index);
		spare.next = VDB_COMPAT_EXTEND(index, n, buffers, &n);
		unlock_extension(index);
		spare.end = spare.next + n;
		for (uint32 i = 0; i < n; i++)
			ReleaseBuffer(buffers[i]);
	}
	return ReadBuffer(index, spare.next++);
}

/*
 * An empty page, locked exclusively, from the free space map or the file's end.
 * A build has freed none, and each look for a map that is not there would try to
 * open its file.
 */
static Buffer
get_free_page(Relation index, bool building)
{
	Buffer		buffer;

	while (!building)
	{
		BlockNumber block = GetFreeIndexPage(index);

		if (block == InvalidBlockNumber)
			break;
		buffer = ReadBuffer(index, block);

		/* Somebody may use it already: the map is only a hint. */
		if (ConditionalLockBuffer(buffer))
		{
			Page		page = BufferGetPage(buffer);

			if (PageIsNew(page) ||
				(is_ours(page) && vdb_page_opaque(page)->kind == VDB_PAGE_FREE))
				return buffer;
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		}
		ReleaseBuffer(buffer);
	}

	if (building && has_spare(index))
	{
		buffer = take_spare(index);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		return buffer;
	}
	lock_extension(index);
	buffer = ReadBuffer(index, P_NEW);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	unlock_extension(index);
	return buffer;
}

static void
init_page(Page page, uint16 kind, Size size)
{
	Assert(size <= VDB_PAGE_SPACE);
	PageInit(page, BLCKSZ, sizeof(VdbPageOpaque));
	vdb_page_opaque(page)->next = InvalidBlockNumber;
	vdb_page_opaque(page)->kind = kind;
	vdb_page_opaque(page)->magic = VDB_PAGE_MAGIC;
	((PageHeader) page)->pd_lower = (char *) vdb_page_contents(page) + size - (char *) page;
}

void
vdb_page_reach(Page page, Size size)
{
	LocationIndex lower = (char *) vdb_page_contents(page) + size - (char *) page;

	Assert(size <= VDB_PAGE_SPACE);
	if (lower > ((PageHeader) page)->pd_lower && !VDB_FAULT("page-lower"))
		((PageHeader) page)->pd_lower = lower;
}

Page
vdb_edit_new(VdbEdit *edit, uint16 kind, Size size, BlockNumber *block)
{
	Buffer		buffer = get_free_page(edit->index, edit->building);
	Page		page = add_page(edit, buffer, true);

	init_page(page, kind, size);
	*block = BufferGetBlockNumber(buffer);
	return page;
}

void
vdb_edit_finish(VdbEdit *edit)
{
	if (edit->building)
		for (int i = 0; i < edit->npages; i++)
			MarkBufferDirty(edit->buffers[i]);
	else
		GenericXLogFinish(edit->state);
	for (int i = 0; i < edit->npages; i++)
		if (edit->fresh[i])
			UnlockReleaseBuffer(edit->buffers[i]);
}

void
vdb_edit_cancel(VdbEdit *edit)
{
	if (!edit->building)
		GenericXLogAbort(edit->state);
	for (int i = 0; i < edit->npages; i++)
		if (edit->fresh[i])
		{
			if (edit->building)
			{
				init_page(BufferGetPage(edit->buffers[i]), VDB_PAGE_FREE, 0);
				MarkBufferDirty(edit->buffers[i]);
			}
			RecordFreeIndexPage(edit->index, BufferGetBlockNumber(edit->buffers[i]));
			UnlockReleaseBuffer(edit->buffers[i]);
		}
}

void
vdb_patch_begin(VdbPatch *patch, Relation index)
{
	patch->index = index;
	patch->npages = patch->nparts = 0;
}

void
vdb_patch_put(VdbPatch *patch, Buffer buffer, const void *at, const void *data, Size size)
{
	int			page = 0;
	int			part = patch->nparts++;

	Assert(part < VDB_PATCH_PARTS);
	while (page < patch->npages && patch->buffers[page] != buffer)
		page++;
	if (page == patch->npages)
	{
		Assert(page < VDB_EDIT_PAGES);
		patch->buffers[patch->npages++] = buffer;
	}
	patch->parts[part].page = page;
	patch->parts[part].place[0] = (const char *) at - (const char *) BufferGetPage(buffer);
	patch->parts[part].place[1] = size;
	patch->parts[part].data = data;
}

/*
 * The record is one of generic WAL, whose redo puts parts of pages in place:
 * for each its offset, its length, and its bytes (access/transam/generic_xlog.c,
 * unchanged since it came with 9.6).  It empties the space between pd_lower
 * and pd_upper, too, which here is empty anyway.
 */
void
vdb_patch_finish(VdbPatch *patch)
{
	XLogRecPtr	lsn = InvalidXLogRecPtr;

	START_CRIT_SECTION();
	for (int i = 0; i < patch->nparts; i++)
		memcpy((char *) BufferGetPage(patch->buffers[patch->parts[i].page]) +
			   patch->parts[i].place[0], patch->parts[i].data, patch->parts[i].place[1]);
	for (int i = 0; i < patch->npages; i++)
		MarkBufferDirty(patch->buffers[i]);
	if (RelationNeedsWAL(patch->index) && !is_built(patch->index) && !VDB_FAULT("page-no-wal"))
	{
		XLogBeginInsert();
		for (int i = 0; i < patch->npages; i++)
			XLogRegisterBuffer(i, patch->buffers[i], REGBUF_STANDARD);
		for (int i = 0; i < patch->nparts; i++)
		{
			XLogRegisterBufData(patch->parts[i].page, (char *) patch->parts[i].place,
								sizeof(patch->parts[i].place));
			XLogRegisterBufData(patch->parts[i].page, (char *) patch->parts[i].data,
								patch->parts[i].place[1]);
		}
		lsn = XLogInsert(RM_GENERIC_ID, 0);
		for (int i = 0; i < patch->npages; i++)
			PageSetLSN(BufferGetPage(patch->buffers[i]), lsn);
	}
	END_CRIT_SECTION();
}

void
vdb_page_free(Relation index, BlockNumber block, uint16 kind)
{
	Buffer		buffer = vdb_page_read_exclusive(index, block, kind);
	VdbEdit		edit;

	vdb_edit_begin(&edit, index, false);
	init_page(add_page(&edit, buffer, true), VDB_PAGE_FREE, 0);
	vdb_edit_finish(&edit);
	RecordFreeIndexPage(index, block);
}

/* The map's upper pages, where a search begins, learn of the lower ones'. */
void
vdb_page_offer(Relation index)
{
	IndexFreeSpaceMapVacuum(index);
}

void
vdb_page_log_all(Relation index, ForkNumber fork)
{
	if (RelationNeedsWAL(index) && !VDB_FAULT("page-build-no-wal"))
		log_newpage_range(index, fork, 0, RelationGetNumberOfBlocksInFork(index, fork), true);
}

void
vdb_page_write_init(Relation index, uint16 kind, const void *contents, Size size)
{
	Buffer		buffer = ReadBufferExtended(index, INIT_FORKNUM, P_NEW, RBM_NORMAL, NULL);

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	START_CRIT_SECTION();
	init_page(BufferGetPage(buffer), kind, size);
	memcpy(vdb_page_contents(BufferGetPage(buffer)), contents, size);
	MarkBufferDirty(buffer);
	if (!VDB_FAULT("page-init-no-wal"))
		log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);

	/*
	 * What is in the file comes back from the WAL, but it has to be there when
	 * recovery begins: a main fork without an init fork is not removed then, and
	 * is in the way of the new one at the end.
	 */
	smgrimmedsync(RelationGetSmgr(index), INIT_FORKNUM);
}
