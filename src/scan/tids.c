/*
 * tids.c
 *	  A set of rows of a table.
 *
 * A bit for every row that there could be, as many for each block as the
 * bitmap's last row of any block needs.  For a table with four rows on a page
 * that is a byte for each, which is in the CPU's cache where the pages are not.
 */
#include "postgres.h"

#include "access/htup_details.h"

#include "compat/bitmap.h"
#include "scan/tids.h"

/* Bits of a block that has a row at this place. */
static uint32
stride_for(uint32 offset)
{
	uint32		stride = 8;

	while (stride <= offset)
		stride *= 2;
	return stride;
}

/* As many bits for each block as a row at this place needs. */
static void
widen(VdbScanTids *tids, uint32 offset)
{
	uint32		old_bytes = tids->stride / 8;
	uint32		new_bytes;
	uint8	   *bits;

	tids->stride = stride_for(offset);
	new_bytes = tids->stride / 8;
	bits = palloc_extended((Size) tids->nblocks * new_bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (BlockNumber block = 0; block < tids->nblocks; block++)
		memcpy(bits + (Size) block * new_bytes, tids->bits + (Size) block * old_bytes, old_bytes);
	pfree(tids->bits);
	tids->bits = bits;
}

static void
add_whole(VdbScanTids *tids, BlockNumber block)
{
	if (tids->whole == NULL)
		tids->whole = palloc_extended((Size) tids->nblocks / 8 + 1,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	tids->whole[block / 8] |= 1 << block % 8;
	tids->lossy++;
}

static void
add_rows(VdbScanTids *tids, BlockNumber block, const OffsetNumber *offsets, int n)
{
	for (int i = 0; i < n; i++)
	{
		uint64		bit;

		if (offsets[i] >= tids->stride)
			widen(tids, offsets[i]);
		bit = (uint64) block * tids->stride + offsets[i];
		tids->bits[bit / 8] |= 1 << bit % 8;
	}
	tids->count += n;
}

VdbScanTids *
vdb_scan_tids_create(TIDBitmap *bitmap, BlockNumber nblocks)
{
	VdbScanTids *tids = palloc0(sizeof(VdbScanTids));
	OffsetNumber offsets[MaxHeapTuplesPerPage];
	BlockNumber block;
	VdbCompatBitmap walk;
	int			n;

	tids->nblocks = nblocks;
	tids->stride = 8;
	tids->bits = palloc_extended(Max((Size) nblocks, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	vdb_compat_bitmap_begin(&walk, bitmap);
	while (vdb_compat_bitmap_next(&walk, &block, offsets, lengthof(offsets), &n))
	{
		/* What came into the table after it was measured, the snapshot does not see. */
		if (block >= nblocks)
			continue;
		if (n < 0)
			add_whole(tids, block);
		else
			add_rows(tids, block, offsets, n);
	}
	vdb_compat_bitmap_end(&walk);
	return tids;
}

void
vdb_scan_tids_first(ItemPointer tid)
{
	ItemPointerSet(tid, 0, InvalidOffsetNumber);
}

/* The first byte from this one on that is not 0. */
static Size
next_byte(const uint8 *bytes, Size at, Size end)
{
	uint64		word;

	for (; at < end && at % sizeof(word) != 0; at++)
		if (bytes[at] != 0)
			return at;
	for (; at + sizeof(word) <= end; at += sizeof(word))
	{
		memcpy(&word, bytes + at, sizeof(word));
		if (word != 0)
			break;
	}
	while (at < end && bytes[at] == 0)
		at++;
	return at;
}

/* The first block from this one on that has rows. */
static BlockNumber
next_block(const VdbScanTids *tids, BlockNumber block)
{
	Size		bytes = tids->stride / 8;
	BlockNumber next = next_byte(tids->bits, block * bytes, tids->nblocks * bytes) / bytes;

	if (tids->whole != NULL)
		for (; block < next; block++)
			if ((tids->whole[block / 8] & (1 << block % 8)) != 0)
				return block;
	return next;
}

/* Rows beyond this are not in the set. */
static OffsetNumber
last_of(const VdbScanTids *tids, BlockNumber block)
{
	if (tids->whole != NULL && (tids->whole[block / 8] & (1 << block % 8)) != 0)
		return MaxHeapTuplesPerPage;
	return tids->stride - 1;
}

bool
vdb_scan_tids_next(const VdbScanTids *tids, ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);

	for (; block < tids->nblocks; block++, offset = InvalidOffsetNumber)
	{
		OffsetNumber last;

		if (offset == InvalidOffsetNumber)
			block = next_block(tids, block);
		if (block >= tids->nblocks)
			break;
		last = last_of(tids, block);
		while (++offset <= last)
		{
			ItemPointerSet(tid, block, offset);
			if (vdb_scan_tids_has(tids, tid))
				return true;
		}
	}
	return false;
}
