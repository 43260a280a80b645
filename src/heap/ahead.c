/*
 * ahead.c
 *	  Rows of a table that are about to be read, into the CPU's caches.
 *
 * A search knows which rows it reads next, long before it does: some ten, each on
 * a page of its own, of which PostgreSQL touches one line after another.  Where a
 * page is in the buffers is remembered from when it was read last.  Nothing is
 * pinned: what is wrong fetches bytes that nobody reads.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "utils/memdebug.h"
#include "utils/rel.h"

#include "compat/compat.h"
#include "heap/heap.h"

/* A backend's own. */
#define NSEEN (1 << 18)

static Buffer seen[NSEEN];

/* The bytes of a line of the CPU's caches. */
#define LINE 64

/* More of a row than that the CPU fetches by itself, as it is read in order. */
#define MOST_BYTES 1024

static inline Buffer *
seen_in(Relation heap, BlockNumber block)
{
	return &seen[(VDB_COMPAT_RELNUMBER(heap) * 0x9e3779b1u + block) & (NSEEN - 1)];
}

void
vdb_heap_note(Relation heap, const TupleTableSlot *slot)
{
	if (TTS_IS_BUFFERTUPLE(slot))
	{
		Buffer		buffer = ((const BufferHeapTupleTableSlot *) slot)->buffer;

		if (BufferIsValid(buffer) && !BufferIsLocal(buffer))
			*seen_in(heap, ItemPointerGetBlockNumber(&slot->tts_tid)) = buffer;
	}
}

/* The line pointer of a row, if its page was seen; it may be another one's by now. */
static ItemId
line_pointer(Relation heap, const ItemPointerData *tid, Buffer *buffer)
{
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);

	*buffer = *seen_in(heap, ItemPointerGetBlockNumberNoCheck(tid));
	if (!BufferIsValid(*buffer) || offset < FirstOffsetNumber || offset > MaxHeapTuplesPerPage)
		return NULL;
	return PageGetItemId(BufferGetPage(*buffer), offset);
}

void
vdb_heap_prefetch_pointer(Relation heap, const ItemPointerData *tid)
{
	Buffer		buffer;
	ItemId		id = line_pointer(heap, tid, &buffer);

	if (id == NULL)
		return;
	__builtin_prefetch(GetBufferDescriptor(buffer - 1), 1);
	__builtin_prefetch(BufferGetPage(buffer));
	__builtin_prefetch(id);
}

void
vdb_heap_prefetch_row(Relation heap, const ItemPointerData *tid)
{
	Buffer		buffer;
	ItemId		id = line_pointer(heap, tid, &buffer);
	ItemIdData	pointer;
	const char *row;

	if (id == NULL)
		return;
	/* Checkers of memory are told that no pin is needed. */
	VALGRIND_MAKE_MEM_DEFINED(id, sizeof(*id));
	pointer = *id;
	if (!ItemIdIsNormal(&pointer) || ItemIdGetOffset(&pointer) >= BLCKSZ)
		return;
	row = (const char *) BufferGetPage(buffer) + ItemIdGetOffset(&pointer);
	for (uint32 at = 0; at < Min(ItemIdGetLength(&pointer), MOST_BYTES); at += LINE)
		__builtin_prefetch(row + at);
}
