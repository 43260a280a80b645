/*
 * toast.c
 *	  Values stored out of line, read where they most likely are.
 *
 * A vector of more than about 500 floats lives in its table's TOAST table,
 * cut into chunks.  PostgreSQL finds each value's chunks through the TOAST
 * table's index, and opens and closes everything for it: several
 * microseconds a row, most of the time of an exact search.
 *
 * But rows that were inserted one after the other have their chunks one after
 * the other, and their value ids too.  So a scan of the table, once the index
 * has led it to one value, finds the next in the next line pointer, or on the
 * next page.  Every chunk says which value it belongs to and which part of it
 * it is: a wrong guess is seen, and then the index is asked.  The same value
 * again (an expression may need it twice) is where it was.
 *
 * What is read is read under the same rules as PostgreSQL's own reader
 * (heap_fetch_toast_slice): the TOAST table's lock, here kept to the end of
 * the transaction, a pin and a share lock on the page, and the visibility
 * rules of SnapshotToast.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/table.h"
#include "access/toast_internals.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat/compat.h"
#include "heap/heap.h"

/* How far apart the ids of neighbouring values may be: other columns have some. */
#define MAX_ID_STEP 32

/*
 * Where the last value of a TOAST table is.  A few tables are remembered, each
 * in the place that its OID falls on.
 */
typedef struct Hint
{
	Oid			toastrelid;		/* InvalidOid: no hint */
	Oid			valueid;		/* of the last value, or InvalidOid */
	ItemPointerData first;		/* its first chunk: it may be asked for again */
	BlockNumber block;			/* its last chunk: the next value comes after */
	OffsetNumber offset;
	BlockNumber nblocks;		/* blocks that are there while the lock is
								 * held, 0 for not known */
	double		pages_per_id;	/* from value to value, 0 for not known */
	int			luck;			/* of read_by_mark(); if negative, rest */
} Hint;

#define NHINTS 8

/*
 * Where one of the values with about such an id is: the last one read, of each
 * so many ids.
 */
#define MARK_IDS 256

typedef struct Mark
{
	Oid			toastrelid;		/* InvalidOid: none */
	Oid			valueid;
	BlockNumber block;			/* of its first chunk */
} Mark;

#define NMARKS 8192

/* Pages looked at for one value before the index is asked. */
#define MAX_GUESSES 3

#define MAX_LUCK 16

/* Bytes of a chunk besides the value's: line pointer, header, id, number. */
#define CHUNK_OVERHEAD 40

/* How much of the next chunk to fetch; the hardware sees the rest coming. */
#define PREFETCH_BYTES 1024

/* Which buffers held the blocks, to find them again without a hash table. */
#define NBUFFERS (1 << 15)

static Hint hints[NHINTS];
static Buffer buffers[NBUFFERS];
static Mark marks[NMARKS];

/* A value on its way. */
typedef struct Reader
{
	Relation	rel;
	Snapshot	snapshot;
	Oid			valueid;
	char	   *data;
	int32		size;			/* bytes in all */
	int32		nchunks;
	int32		next;			/* chunk to come */
	bool		in_order;		/* the value after this one may come next */
} Reader;

/* The transaction's locks are gone, or some of them: tables may shrink. */
static void
forget_sizes(void)
{
	for (int i = 0; i < NHINTS; i++)
		hints[i].nblocks = 0;
}

static void
transaction_event(XactEvent event, void *arg)
{
	forget_sizes();
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_sizes();
}

static Hint *
hint_of(Oid toastrelid)
{
	static bool registered = false;
	Hint	   *hint = &hints[toastrelid % NHINTS];

	if (!registered)
	{
		RegisterXactCallback(transaction_event, NULL);
		RegisterSubXactCallback(subtransaction_event, NULL);
		registered = true;
	}
	if (hint->toastrelid != toastrelid)
	{
		memset(hint, 0, sizeof(*hint));
		hint->toastrelid = toastrelid;
	}
	return hint;
}

/* A block, pinned. */
static Buffer
pin(Relation rel, BlockNumber block)
{
	Buffer	   *buffer = &buffers[(RelationGetRelid(rel) * 0x9e3779b1u + block) % NBUFFERS];

	if (BufferIsInvalid(*buffer) ||
		!ReadRecentBuffer(VDB_COMPAT_LOCATOR(rel), MAIN_FORKNUM, block, *buffer))
		*buffer = ReadBuffer(rel, block);
	return *buffer;
}

/* The value id and the number of a chunk in a tuple; false if it has none. */
static bool
chunk_of(HeapTupleHeader header, uint32 size, Oid *valueid, int32 *sequence)
{
	const char *columns = (const char *) header + header->t_hoff;

	/* chunk_id oid, chunk_seq integer, chunk_data bytea */
	if (size < header->t_hoff + 2 * sizeof(int32) + VARHDRSZ ||
		(header->t_infomask & HEAP_HASNULL) != 0 ||
		HeapTupleHeaderGetNatts(header) != 3)
		return false;
	memcpy(valueid, columns, sizeof(*valueid));
	memcpy(sequence, columns + sizeof(*valueid), sizeof(*sequence));
	return true;
}

/*
 * Copies the chunk in the tuple, if it is the one to come; false if it is
 * anything else, damaged included.
 */
static bool
take_chunk(Reader *reader, HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;
	int32		start = reader->next * TOAST_MAX_CHUNK_SIZE;
	int32		length = Min(reader->size - start, TOAST_MAX_CHUNK_SIZE);
	const struct varlena *chunk;
	Oid			valueid;
	int32		sequence;

	if (!chunk_of(header, tuple->t_len, &valueid, &sequence) ||
		valueid != reader->valueid || sequence != reader->next)
		return false;
	chunk = (const struct varlena *) ((const char *) header + header->t_hoff + 2 * sizeof(int32));
	if (VARATT_IS_EXTERNAL(chunk) || VARATT_IS_COMPRESSED(chunk) ||
		VARSIZE_ANY_EXHDR(chunk) != length ||
		header->t_hoff + 2 * sizeof(int32) + VARSIZE_ANY(chunk) > tuple->t_len)
		return false;
	memcpy(reader->data + start, VARDATA_ANY(chunk), length);
	reader->next++;
	return true;
}

/*
 * Takes chunks from the page in the buffer, from *offset on, as long as they
 * follow, and fetches the one after them into the cache for the next value.
 */
static void
take_chunks(Reader *reader, Buffer buffer, OffsetNumber *offset)
{
	Page		page = BufferGetPage(buffer);
	OffsetNumber max = PageGetMaxOffsetNumber(page);

	for (; *offset <= max; (*offset)++)
	{
		ItemId		item = PageGetItemId(page, *offset);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			return;
		if (reader->next == reader->nchunks)
		{
			for (int i = 0; i < PREFETCH_BYTES && reader->in_order; i += 64)
				__builtin_prefetch((char *) PageGetItem(page, item) + i);
			return;
		}
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(reader->rel);
		ItemPointerSet(&tuple.t_self, BufferGetBlockNumber(buffer), *offset);
		if (!HeapTupleSatisfiesVisibility(&tuple, reader->snapshot, buffer) ||
			!take_chunk(reader, &tuple))
			return;
	}
}

/*
 * Where on the page the value begins; InvalidOffsetNumber if it does not, and
 * then *seen is the id of some other value there, if there is one.
 */
static OffsetNumber
find_first(const Reader *reader, Page page, Oid *seen)
{
	OffsetNumber max = PageGetMaxOffsetNumber(page);

	for (OffsetNumber offset = FirstOffsetNumber; offset <= max; offset++)
	{
		ItemId		item = PageGetItemId(page, offset);
		Oid			valueid;
		int32		sequence;

		if (!ItemIdIsNormal(item) ||
			!chunk_of((HeapTupleHeader) PageGetItem(page, item), ItemIdGetLength(item),
					  &valueid, &sequence))
			continue;
		if (valueid == reader->valueid && sequence == 0)
			return offset;
		*seen = valueid;
	}
	return InvalidOffsetNumber;
}

/*
 * Reads the value from that place on, or if offset is InvalidOffsetNumber,
 * from where it begins on that page; false if it is not all there, and then
 * *seen is what find_first() says.
 */
static bool
read_from(Reader *reader, Hint *hint, BlockNumber block, OffsetNumber offset, Oid *seen)
{
	bool		moved = false;

	for (;;)
	{
		int32		before = reader->next;
		Buffer		buffer;

		if (block >= hint->nblocks)
			hint->nblocks = RelationGetNumberOfBlocks(reader->rel);
		if (block >= hint->nblocks)
			return false;
		buffer = pin(reader->rel, block);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		if (offset == InvalidOffsetNumber)
			offset = find_first(reader, BufferGetPage(buffer), seen);
		if (offset != InvalidOffsetNumber)
			take_chunks(reader, buffer, &offset);
		UnlockReleaseBuffer(buffer);

		if (reader->next > before)
		{
			if (before == 0)
				ItemPointerSet(&hint->first, block, offset - reader->next);
			hint->block = block;
			hint->offset = offset - 1;
		}
		if (reader->next == reader->nchunks)
			return true;
		/* on to the next page, unless this one was it and has nothing */
		if (offset == InvalidOffsetNumber || (moved && reader->next == before))
			return false;
		moved = true;
		block++;
		offset = FirstOffsetNumber;
	}
}

/* Reads the value after the last one, or that again; false if it is not all there. */
static bool
read_next(Reader *reader, Hint *hint)
{
	Oid			seen;

	if (hint->valueid == InvalidOid || reader->valueid - hint->valueid >= MAX_ID_STEP)
		return false;
	reader->in_order = true;
	if (reader->valueid == hint->valueid)
		return read_from(reader, hint, ItemPointerGetBlockNumber(&hint->first),
						 ItemPointerGetOffsetNumber(&hint->first), &seen);
	return read_from(reader, hint, hint->block, hint->offset + 1, &seen);
}

static Mark *
mark_of(Oid toastrelid, Oid valueid)
{
	return &marks[(valueid / MARK_IDS + toastrelid * 0x9e3779b1u) % NMARKS];
}

static bool
has_mark(const Mark *mark, const Reader *reader)
{
	return mark->toastrelid == RelationGetRelid(reader->rel) &&
		mark->valueid / MARK_IDS == reader->valueid / MARK_IDS;
}

/*
 * Reads the value by its distance from another one, not far away, that was
 * read before; false if that does not lead to it.
 */
static bool
read_by_mark(Reader *reader, Hint *hint)
{
	const Mark *mark = mark_of(RelationGetRelid(reader->rel), reader->valueid);
	Oid			at = mark->valueid;
	double		block = mark->block;

	if (!has_mark(mark, reader))
		return false;
	/* Where it often was of no use it is seldom tried. */
	if (hint->luck < 0)
	{
		hint->luck++;
		return false;
	}
	if (hint->pages_per_id == 0)
	{
		uint32		bytes = reader->size + reader->nchunks * CHUNK_OVERHEAD;

		hint->pages_per_id = bytes > BLCKSZ ? (double) bytes / BLCKSZ : 1.0 / (BLCKSZ / bytes);
	}
	for (int i = 0; i < MAX_GUESSES; i++)
	{
		double		steps = rint(((double) reader->valueid - at) * hint->pages_per_id);
		Oid			seen = InvalidOid;

		/* From a page that it is not on, to the next at least. */
		if (i > 0 && steps == 0)
			steps = reader->valueid > at ? 1 : -1;
		block += steps;
		if (block < 0 || block >= MaxBlockNumber)
			break;
		reader->next = 0;
		reader->in_order = false;
		if (read_from(reader, hint, (BlockNumber) block, InvalidOffsetNumber, &seen))
		{
			hint->luck = Min(hint->luck + 1, MAX_LUCK);
			return true;
		}
		if (seen == InvalidOid || seen == reader->valueid)
			break;
		at = seen;
	}
	hint->luck = hint->luck > 0 ? hint->luck - 2 : -MAX_LUCK;
	return false;
}

/* Notes where a value was. */
static void
set_mark(const Reader *reader, Hint *hint)
{
	Mark	   *mark = mark_of(RelationGetRelid(reader->rel), reader->valueid);
	BlockNumber block = ItemPointerGetBlockNumber(&hint->first);

	if (has_mark(mark, reader))
	{
		double		ids = (double) reader->valueid - mark->valueid;
		double		pages_per_id = ((double) block - mark->block) / ids;

		if (fabs(ids) >= MARK_IDS / 4 && pages_per_id > 0 && pages_per_id < 64)
			hint->pages_per_id = pages_per_id;
	}
	mark->toastrelid = RelationGetRelid(reader->rel);
	mark->valueid = reader->valueid;
	mark->block = block;
}

/* Reads the value through the index, and notes where it ends. */
static bool
read_by_index(Reader *reader, Hint *hint)
{
	Relation   *indexes;
	int			nindexes;
	int			valid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	reader->next = 0;
	valid = toast_open_indexes(reader->rel, AccessShareLock, &indexes, &nindexes);
	ScanKeyInit(&key, (AttrNumber) 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(reader->valueid));
	scan = systable_beginscan_ordered(reader->rel, indexes[valid], reader->snapshot, 1, &key);
	while (reader->next < reader->nchunks &&
		   (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		if (!take_chunk(reader, tuple))
			break;
		if (reader->next == 1)
			hint->first = tuple->t_self;
		hint->block = ItemPointerGetBlockNumber(&tuple->t_self);
		hint->offset = ItemPointerGetOffsetNumber(&tuple->t_self);
	}
	systable_endscan_ordered(scan);
	toast_close_indexes(indexes, nindexes, AccessShareLock);
	return reader->next == reader->nchunks;
}

struct varlena *
vdb_heap_detoast(struct varlena *value)
{
	struct varatt_external pointer;
	SnapshotData space;
	Reader		reader;
	Hint	   *hint;
	struct varlena *result;
	bool		complete = false;

	if (!VARATT_IS_EXTERNAL_ONDISK(value))
		return pg_detoast_datum_packed(value);
	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	if (VARATT_EXTERNAL_IS_COMPRESSED(pointer) || VDB_COMPAT_SNAPSHOTS_EXPIRE())
		return pg_detoast_datum_packed(value);

	hint = hint_of(pointer.va_toastrelid);
	/* If its size is known, the lock is there. */
	reader.rel = table_open(pointer.va_toastrelid, hint->nblocks > 0 ? NoLock : AccessShareLock);
	if (reader.rel->rd_rel->relam == HEAP_TABLE_AM_OID)
	{
		reader.snapshot = VDB_COMPAT_TOAST_SNAPSHOT(&space);
		reader.valueid = pointer.va_valueid;
		reader.size = VARATT_EXTERNAL_GET_EXTSIZE(pointer);
		reader.nchunks = (reader.size + TOAST_MAX_CHUNK_SIZE - 1) / TOAST_MAX_CHUNK_SIZE;
		reader.next = 0;
		reader.in_order = false;
		result = palloc(reader.size + VARHDRSZ);
		SET_VARSIZE(result, reader.size + VARHDRSZ);
		reader.data = VARDATA(result);
		complete = read_next(&reader, hint) || read_by_mark(&reader, hint) ||
			read_by_index(&reader, hint);
		hint->valueid = complete ? reader.valueid : InvalidOid;
		if (complete)
			set_mark(&reader, hint);
	}
	/* the lock stays, so that the table does not shrink below the hint */
	table_close(reader.rel, NoLock);

	/* What is wrong with it, PostgreSQL says in its own words. */
	return complete ? result : pg_detoast_datum_packed(value);
}
