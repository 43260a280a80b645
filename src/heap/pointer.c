/*
 * pointer.c
 *	  What a row id leads to.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/rel.h"

#include "heap/heap.h"

/* The same of a page that is locked. */
static bool
may_be_row(Page page, OffsetNumber offset)
{
	ItemId		id;

	if (PageIsNew(page) || offset < FirstOffsetNumber || offset > PageGetMaxOffsetNumber(page))
		return false;
	id = PageGetItemId(page, offset);
	if (ItemIdIsNormal(id))
		return !HeapTupleHeaderIsHeapOnly((HeapTupleHeader) PageGetItem(page, id));
	return ItemIdIsUsed(id);
}

bool
vdb_heap_may_be_row(Relation heap, ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);
	Buffer		buffer;
	bool		may_be;

	if (block >= RelationGetNumberOfBlocks(heap))
		return false;
	buffer = ReadBuffer(heap, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	may_be = may_be_row(BufferGetPage(buffer), ItemPointerGetOffsetNumberNoCheck(tid));
	UnlockReleaseBuffer(buffer);
	return may_be;
}
