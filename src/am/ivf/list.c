/*
 * list.c
 *	  Lists: chains of lead pages with their row pages; and chains of row ids.
 *
 * Locks: a row page is read and changed only under the lock of its lead page.
 * Of one list, a later page is locked before the first one; of two pages that
 * follow each other, the earlier one is given up before the later is locked.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"

#include "am/ivf/ivf.h"
#include "point/point.h"

/*
 * Loose lanes of a page that are worth putting into blocks.  More would make a
 * little less WAL, and searches slower, which read their rows.
 */
#define SEAL 16

/* ---- pages ---- */

/* A new lead page, without blocks. */
static Page
new_lead(const VdbIvfShape *shape, VdbEdit *edit, uint32 number, BlockNumber *block)
{
	Page		page = vdb_edit_new(edit, VDB_IVF_LEAD, vdb_ivf_lead_size(shape, 0), block);
	VdbIvfLead *lead = vdb_ivf_lead(page);

	lead->target = InvalidBlockNumber;
	lead->list = number;
	for (uint32 i = 0; i < shape->nrow_pages; i++)
		lead->rows[i] = InvalidBlockNumber;
	return page;
}

BlockNumber
vdb_ivf_list_create(const VdbIvfShape *shape, Relation index, bool building, uint32 number)
{
	VdbEdit		edit;
	BlockNumber block;
	Page		page;

	vdb_edit_begin(&edit, index, building);
	page = new_lead(shape, &edit, number, &block);
	vdb_ivf_lead(page)->pages = 1;
	vdb_ivf_lead(page)->target = block;
	vdb_edit_finish(&edit);
	return block;
}

static Buffer
check_list(Relation index, Buffer buffer, uint32 number)
{
	if (vdb_ivf_lead(BufferGetPage(buffer))->list != number)
		vdb_page_lost(index, BufferGetBlockNumber(buffer), "it belongs to another list");
	return buffer;
}

Buffer
vdb_ivf_read_lead(Relation index, BlockNumber block, uint32 number)
{
	return check_list(index, vdb_page_read(index, block, VDB_IVF_LEAD), number);
}

uint32
vdb_ivf_nblocks(const VdbIvfShape *shape, Relation index, Buffer buffer)
{
	uint32		nblocks = vdb_ivf_page_blocks(shape, BufferGetPage(buffer));

	if (nblocks > shape->nblocks)
		vdb_page_corrupted(index, BufferGetBlockNumber(buffer), "its size is wrong");
	return nblocks;
}

static Buffer
read_lead_exclusive(Relation index, BlockNumber block, uint32 number)
{
	return check_list(index, vdb_page_read_exclusive(index, block, VDB_IVF_LEAD), number);
}

/* ---- entries ---- */

/* An empty lane of a lead page, or -1. */
static int
empty_lane(const VdbIvfShape *shape, VdbIvfLead *lead)
{
	if (lead->live >= shape->lanes)
		return -1;
	/* Lanes are filled from the first on, so this is mostly the right one. */
	if (!ItemPointerIsValid(vdb_ivf_tid(shape, lead, lead->live)))
		return lead->live;
	for (uint32 lane = 0; lane < shape->lanes; lane++)
		if (!ItemPointerIsValid(vdb_ivf_tid(shape, lead, lane)))
			return lane;
	return -1;
}

/* Which of the lead page's row pages a lane's row is on, or begins on. */
static inline uint32
row_page(const VdbIvfShape *shape, uint32 lane)
{
	return shape->rows_per_page == 0 ? lane * shape->pages_per_row : lane / shape->rows_per_page;
}

static inline uint32
row_offset(const VdbIvfShape *shape, uint32 lane)
{
	return shape->rows_per_page == 0 ? 0 : lane % shape->rows_per_page * shape->row_size;
}

/* Is this page of rows one of the list's? */
static void
check_rows(Relation index, Buffer buffer, uint32 number)
{
	if (vdb_page_opaque(BufferGetPage(buffer))->next != number)
		vdb_page_lost(index, BufferGetBlockNumber(buffer), "it belongs to another list");
}

const void *
vdb_ivf_row(const VdbIvfShape *shape, Relation index, VdbIvfLead *lead, uint32 lane,
			Buffer *buffer, void *copy)
{
	uint32		first = row_page(shape, lane);
	uint32		left = shape->row_size;

	if (shape->rows_per_page > 0)
	{
		if (!BufferIsValid(*buffer) || BufferGetBlockNumber(*buffer) != lead->rows[first])
		{
			if (BufferIsValid(*buffer))
				vdb_page_unpin(*buffer);
			*buffer = InvalidBuffer;
			*buffer = vdb_page_pin(index, lead->rows[first], VDB_IVF_ROWS);
			check_rows(index, *buffer, lead->list);
		}
		return vdb_page_contents(BufferGetPage(*buffer)) + row_offset(shape, lane);
	}
	for (uint32 i = 0; i < shape->pages_per_row; i++)
	{
		Buffer		part = vdb_page_pin(index, lead->rows[first + i], VDB_IVF_ROWS);
		uint32		n = Min(left, VDB_PAGE_SPACE);

		check_rows(index, part, lead->list);
		memcpy((char *) copy + shape->row_size - left,
			   vdb_page_contents(BufferGetPage(part)), n);
		vdb_page_unpin(part);
		left -= n;
	}
	return copy;
}

/* Appends an empty lead page after the tail, which is locked and stays so. */
static void
append_lead(const VdbIvfShape *shape, Relation index, bool building, BlockNumber head,
			Buffer tail, uint32 *pages)
{
	VdbEdit		edit;
	BlockNumber block;
	Buffer		first = InvalidBuffer;
	VdbIvfLead *lead;

	if (BufferGetBlockNumber(tail) != head)
		first = vdb_page_read_exclusive(index, head, VDB_IVF_LEAD);
	vdb_edit_begin(&edit, index, building);
	new_lead(shape, &edit, vdb_ivf_lead(BufferGetPage(tail))->list, &block);
	vdb_page_opaque(vdb_edit_page(&edit, tail))->next = block;
	lead = vdb_ivf_lead(vdb_edit_page(&edit, BufferIsValid(first) ? first : tail));
	lead->target = block;
	lead->pages++;
	if (lead->pages >= 2 * lead->whole)
		*pages = lead->pages;
	vdb_edit_finish(&edit);
	if (BufferIsValid(first))
		vdb_page_release(first);
}

/* Has inserts begin to look at a block; first is the list's first page, locked. */
static void
aim(Relation index, bool building, Buffer first, BlockNumber block)
{
	VdbEdit		edit;

	if (vdb_ivf_lead(BufferGetPage(first))->target == block)
		return;
	vdb_edit_begin(&edit, index, building);
	vdb_ivf_lead(vdb_edit_page(&edit, first))->target = block;
	vdb_edit_finish(&edit);
}

/* Makes a lead page, which is locked, that where inserts begin to look. */
static void
set_target(Relation index, bool building, BlockNumber head, Buffer buffer)
{
	BlockNumber block = BufferGetBlockNumber(buffer);
	Buffer		first = block == head ? buffer :
		vdb_page_read_exclusive(index, head, VDB_IVF_LEAD);

	aim(index, building, first, block);
	if (first != buffer)
		vdb_page_release(first);
}

bool
vdb_ivf_list_is_closed(Relation index, BlockNumber head, uint32 number)
{
	Buffer		first = vdb_ivf_read_lead(index, head, number);
	bool		closed = vdb_ivf_lead(BufferGetPage(first))->closed != 0;

	vdb_page_release(first);
	return closed;
}

/* The same; buffer is a page of it that is locked. */
static bool
is_closed(Relation index, BlockNumber head, uint32 number, Buffer buffer)
{
	if (BufferGetBlockNumber(buffer) == head)
		return vdb_ivf_lead(BufferGetPage(buffer))->closed != 0;
	return vdb_ivf_list_is_closed(index, head, number);
}

/*
 * A lead page of the list with an empty lane, locked: the target, a page after
 * it, or a new one; or no page, if the list is closed.  As that is looked up
 * under the lock, who closes the list and then reads this page finds the entry.
 */
static Buffer
find_room(const VdbIvfShape *shape, Relation index, bool building, BlockNumber head,
		  uint32 number, int *lane, uint32 *pages)
{
	Buffer		buffer = vdb_ivf_read_lead(index, head, number);
	BlockNumber target = vdb_ivf_lead(BufferGetPage(buffer))->target;
	BlockNumber block = target;
	VdbPageChain chain = {0};

	vdb_page_release(buffer);
	VDB_PAUSE("ivf-insert-aimed");
	for (;;)
	{
		BlockNumber next;

		vdb_page_follow(&chain, index, block);
		buffer = read_lead_exclusive(index, block, number);
		vdb_ivf_nblocks(shape, index, buffer);
		if (is_closed(index, head, number, buffer))
		{
			vdb_page_release(buffer);
			return InvalidBuffer;
		}
		*lane = empty_lane(shape, vdb_ivf_lead(BufferGetPage(buffer)));
		if (*lane >= 0)
		{
			/* Not all the way again next time. */
			if (block != target)
				set_target(index, building, head, buffer);
			return buffer;
		}
		next = vdb_page_opaque(BufferGetPage(buffer))->next;
		if (next == InvalidBlockNumber)
		{
			append_lead(shape, index, building, head, buffer, pages);
			next = vdb_page_opaque(BufferGetPage(buffer))->next;
		}
		vdb_page_release(buffer);
		block = next;
	}
}

/*
 * Locks a row page of a list.  (vdb_page_read_exclusive() looks at a page before
 * it locks it: a damaged number may lead to one that we have locked.)
 */
static Buffer
lock_row_page(Relation index, uint32 number, BlockNumber block)
{
	Buffer		buffer = vdb_page_read_exclusive(index, block, VDB_IVF_ROWS);

	check_rows(index, buffer, number);
	return buffer;
}

/* A row page, made or locked; old is its buffer in the latter case. */
static Page
edit_row_page(VdbEdit *edit, uint32 number, BlockNumber *block, Buffer *old)
{
	Page		page;

	*old = InvalidBuffer;
	if (*block == InvalidBlockNumber)
	{
		page = vdb_edit_new(edit, VDB_IVF_ROWS, 0, block);
		vdb_page_opaque(page)->next = number;
		return page;
	}
	*old = lock_row_page(edit->index, number, *block);
	return vdb_edit_page(edit, *old);
}

/*
 * Rows on several pages are written first, each page by itself: until the
 * lead page names them nobody sees them, and a crash in between only loses
 * the use of these pages.
 */
static void
write_long_row(const VdbIvfShape *shape, Relation index, bool building, uint32 number,
			   const void *row, BlockNumber *blocks)
{
	for (uint32 i = 0; i < shape->pages_per_row; i++)
	{
		uint32		at = i * VDB_PAGE_SPACE;
		uint32		size = Min(shape->row_size - at, VDB_PAGE_SPACE);
		VdbEdit		edit;
		Buffer		old;
		Page		page;

		vdb_edit_begin(&edit, index, building);
		page = edit_row_page(&edit, number, &blocks[i], &old);
		vdb_page_reach(page, size);
		memcpy(vdb_page_contents(page), (const char *) row + at, size);
		vdb_edit_finish(&edit);
		if (BufferIsValid(old))
			vdb_page_release(old);
	}
}

/* Puts a short row on its page, which may be new. */
static Buffer
write_row(const VdbIvfShape *shape, VdbEdit *edit, uint32 number, const void *row, uint32 lane,
		  BlockNumber *block)
{
	uint32		at = row_offset(shape, lane);
	Buffer		old;
	Page		page = edit_row_page(edit, number, block, &old);

	vdb_page_reach(page, at + shape->row_size);
	memcpy(vdb_page_contents(page) + at, row, shape->row_size);
	return old;
}

/* Work memory, of vdb_ivf_list_work() bytes. */
typedef struct Work
{
	float	   *rotated;
	float	   *scratch;		/* two vectors */
	char	   *encoded;
	char	   *copy;			/* of a row that is in the index */
	char	   *row;			/* of one that is to be */
} Work;

Size
vdb_ivf_list_work(const VdbIvf *ivf)
{
	return 3 * ivf->space.dim * sizeof(float) +
		Max(vdb_ivf_encoded_size(ivf, &ivf->list), vdb_ivf_encoded_size(ivf, &ivf->directory)) +
		2 * TYPEALIGN(4, Max(ivf->list.row_size, ivf->directory.row_size));
}

static Work
lay_out(const VdbIvf *ivf, const VdbIvfShape *shape, void *memory)
{
	Work		work;

	work.rotated = memory;
	work.scratch = work.rotated + ivf->space.dim;
	work.encoded = (char *) (work.scratch + 2 * ivf->space.dim);
	work.copy = work.encoded + vdb_ivf_encoded_size(ivf, shape);
	work.row = work.copy + TYPEALIGN(4, shape->row_size);
	return work;
}

/* Has a lead page, which is to be changed, the block of a lane, and those before it. */
static void
reach_lane(const VdbIvfShape *shape, Page page, uint32 lane)
{
	for (uint32 n = vdb_ivf_page_blocks(shape, page); n <= lane / VDB_BLOCK; n++)
	{
		vdb_page_reach(page, vdb_ivf_lead_size(shape, n + 1));
		if (shape->coded)
			vdb_quant_block_init(shape->code_dim,
								 (VdbQuantBlock *) vdb_ivf_block(shape, vdb_ivf_lead(page), n));
	}
}

/* Encodes a vector into a lane of a lead page that is to be changed. */
static void
write_code(const VdbIvf *ivf, const VdbIvfShape *shape, VdbIvfLead *lead, uint32 lane,
		   const float *rotated, const float *centre, float error, const void *row,
		   const Work *work)
{
	vdb_ivf_encode(ivf, shape, rotated, centre, error, row, work->scratch, work->encoded);
	vdb_ivf_encoded_lane(ivf, shape, work->encoded,
						 (VdbQuantBlock *) vdb_ivf_block(shape, lead, lane / VDB_BLOCK),
						 lane % VDB_BLOCK);
}

/*
 * Puts the loose lanes of a page into its blocks.  lead is to be changed; the
 * row of one lane is given, as it is not in its page yet.
 */
static void
seal(const VdbIvf *ivf, const VdbIvfShape *shape, Relation index, VdbIvfLead *lead, uint32 given,
	 const void *given_row, const float *centre, const Work *work)
{
	Buffer		buffer = InvalidBuffer;

	for (uint32 lane = 0; lane < shape->lanes; lane++)
	{
		const void *row = given_row;
		float		error;

		if (!vdb_ivf_is_loose(lead, lane))
			continue;
		if (lane != given)
			row = vdb_ivf_row(shape, index, lead, lane, &buffer, work->copy);
		vdb_am_row_decode(&ivf->space, row, centre, work->rotated, &error);
		write_code(ivf, shape, lead, lane, work->rotated, centre, error, row, work);
	}
	memset(lead->loose, 0, sizeof(lead->loose));
	if (BufferIsValid(buffer))
		vdb_page_unpin(buffer);
}

static uint32
count_loose(const VdbIvfLead *lead)
{
	return pg_popcount((const char *) lead->loose, sizeof(lead->loose));
}

/*
 * Adds an entry whose row page is there, and whose lane is not put into its block
 * yet: some bytes of two pages, which are known.
 */
static void
patch_entry(const VdbIvfShape *shape, Relation index, Buffer buffer, uint32 lane,
			const VdbIvfEntry *entry, const void *row)
{
	Page		lead_page = BufferGetPage(buffer);
	VdbIvfLead *lead = vdb_ivf_lead(lead_page);
	VdbQuantBlock *block = (VdbQuantBlock *) vdb_ivf_block(shape, lead, lane / VDB_BLOCK);
	Buffer		rows = lock_row_page(index, lead->list, lead->rows[row_page(shape, lane)]);
	Page		page = BufferGetPage(rows);
	uint32		at = row_offset(shape, lane);
	LocationIndex lower = vdb_page_contents(page) + at + shape->row_size - (char *) page;
	LocationIndex lead_lower = vdb_page_contents(lead_page) +
		vdb_ivf_lead_size(shape, lane / VDB_BLOCK + 1) - (char *) lead_page;
	float		empty[VDB_BLOCK];
	uint16		live = lead->live + 1;
	uint32		loose = lead->loose[lane / VDB_BLOCK] | (uint32) 1 << lane % VDB_BLOCK;
	VdbPatch	patch;

	vdb_patch_begin(&patch, index);
	if (lead_lower > ((PageHeader) lead_page)->pd_lower)
	{
		/* What is beyond a page's end is zero, as most of an empty block is. */
		for (int i = 0; i < VDB_BLOCK; i++)
			empty[i] = INFINITY;
		vdb_patch_put(&patch, buffer, &((PageHeader) lead_page)->pd_lower, &lead_lower,
					  sizeof(lead_lower));
		if (shape->coded)
			vdb_patch_put(&patch, buffer, block->add, empty, sizeof(empty));
	}
	vdb_patch_put(&patch, buffer, &lead->live, &live, sizeof(live));
	if (shape->coded)
		vdb_patch_put(&patch, buffer, &lead->loose[lane / VDB_BLOCK], &loose, sizeof(loose));
	vdb_patch_put(&patch, buffer, vdb_ivf_tid(shape, lead, lane), &entry->tid,
				  sizeof(ItemPointerData));
	if (shape->codes_size > 0 && !VDB_FAULT("ivf-no-codes"))
		vdb_patch_put(&patch, buffer, vdb_ivf_codes(shape, lead, lane), entry->codes,
					  shape->codes_size);
	if (lower > ((PageHeader) page)->pd_lower && !VDB_FAULT("ivf-lower"))
		vdb_patch_put(&patch, rows, &((PageHeader) page)->pd_lower, &lower, sizeof(lower));
	vdb_patch_put(&patch, rows, vdb_page_contents(page) + at, row, shape->row_size);
	vdb_patch_finish(&patch);
	vdb_page_release(rows);
}

/* Adds an entry of any kind; blocks are filled when there is enough for them. */
static void
edit_entry(const VdbIvf *ivf, const VdbIvfShape *shape, Relation index, bool building,
		   Buffer buffer, uint32 lane, const VdbIvfEntry *entry, const void *row, bool full,
		   const Work *work)
{
	VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));
	uint32		number = lead->list;
	uint32		n = row_page(shape, lane);
	Buffer		old = InvalidBuffer;
	VdbEdit		edit;

	if (shape->rows_per_page == 0)
	{
		BlockNumber *blocks = palloc(shape->pages_per_row * sizeof(BlockNumber));

		memcpy(blocks, &lead->rows[n], shape->pages_per_row * sizeof(BlockNumber));
		write_long_row(shape, index, building, number, row, blocks);
		vdb_edit_begin(&edit, index, building);
		lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
		memcpy(&lead->rows[n], blocks, shape->pages_per_row * sizeof(BlockNumber));
		pfree(blocks);
	}
	else
	{
		vdb_edit_begin(&edit, index, building);
		lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
		old = write_row(shape, &edit, number, row, lane, &lead->rows[n]);
	}
	reach_lane(shape, vdb_edit_page(&edit, buffer), lane);
	*vdb_ivf_tid(shape, lead, lane) = entry->tid;
	if (shape->codes_size > 0)
		memcpy(vdb_ivf_codes(shape, lead, lane), entry->codes, shape->codes_size);
	lead->live++;
	if (shape->directory)
	{
		*vdb_ivf_info(shape, lead, lane) = *entry->info;
		write_code(ivf, shape, lead, lane, entry->rotated, NULL, 0, row, work);
	}
	else if (shape->coded)
	{
		lead->loose[lane / VDB_BLOCK] |= (uint32) 1 << lane % VDB_BLOCK;
		if (full)
			seal(ivf, shape, index, lead, lane, row, entry->centre, work);
	}
	vdb_edit_finish(&edit);
	if (BufferIsValid(old))
		vdb_page_release(old);
}

bool
vdb_ivf_list_add(const VdbIvf *ivf, const VdbIvfShape *shape, Relation index, bool building,
				 BlockNumber head, uint32 number, const VdbIvfEntry *entry, void *memory,
				 uint32 *pages)
{
	Work		work = lay_out(ivf, shape, memory);
	const void *row = entry->row;
	uint32		grown = 0;
	Buffer		buffer;
	VdbIvfLead *lead;
	int			lane = 0;
	bool		full;

	if (row == NULL)
	{
		vdb_am_row_encode(&ivf->space, entry->rotated, entry->centre, entry->error,
						  work.scratch, work.row);
		row = work.row;
	}
	buffer = find_room(shape, index, building, head, number, &lane, &grown);
	if (!BufferIsValid(buffer))
		return false;
	lead = vdb_ivf_lead(BufferGetPage(buffer));
	full = lead->live + 1 == shape->lanes || count_loose(lead) + 1 >= SEAL;
	if (building || shape->directory || (shape->coded && full) || shape->rows_per_page == 0 ||
		lead->rows[row_page(shape, lane)] == InvalidBlockNumber)
		edit_entry(ivf, shape, index, building, buffer, lane, entry, row, full, &work);
	else
		patch_entry(shape, index, buffer, lane, entry, row);
	vdb_page_release(buffer);
	if (pages != NULL)
		*pages = grown;
	return true;
}

/* ---- whole lists ---- */

BlockNumber
vdb_ivf_list_walk_page(const VdbIvfShape *shape, Relation index, BlockNumber block,
					   uint32 number, VdbIvfVisit visit, void *arg, void *work)
{
	Buffer		row = InvalidBuffer;
	Buffer		buffer = vdb_ivf_read_lead(index, block, number);
	VdbIvfLead *lead = vdb_ivf_lead(BufferGetPage(buffer));
	BlockNumber next = vdb_page_opaque(BufferGetPage(buffer))->next;

	for (uint32 lane = 0; lane < shape->lanes; lane++)
	{
		ItemPointer tid = vdb_ivf_tid(shape, lead, lane);

		if (ItemPointerIsValid(tid))
			visit(arg, tid, vdb_ivf_codes(shape, lead, lane),
				  vdb_ivf_row(shape, index, lead, lane, &row, work));
	}
	if (BufferIsValid(row))
		vdb_page_unpin(row);
	vdb_page_release(buffer);
	CHECK_FOR_INTERRUPTS();
	return next;
}

void
vdb_ivf_list_walk(const VdbIvfShape *shape, Relation index, BlockNumber head, uint32 number,
				  VdbIvfVisit visit, void *arg, void *work)
{
	VdbPageChain chain = {0};

	for (BlockNumber block = head; block != InvalidBlockNumber;)
	{
		vdb_page_follow(&chain, index, block);
		block = vdb_ivf_list_walk_page(shape, index, block, number, visit, arg, work);
	}
}

uint32
vdb_ivf_list_pages(Relation index, BlockNumber head)
{
	Buffer		buffer = vdb_page_read(index, head, VDB_IVF_LEAD);
	uint32		pages = vdb_ivf_lead(BufferGetPage(buffer))->pages;

	vdb_page_release(buffer);
	return pages;
}

uint64
vdb_ivf_list_count(const VdbIvfShape *shape, Relation index, BlockNumber head, uint32 number)
{
	uint64		count = 0;
	VdbPageChain chain = {0};

	for (BlockNumber block = head; block != InvalidBlockNumber;)
	{
		Buffer		buffer;
		uint32		live;

		vdb_page_follow(&chain, index, block);
		buffer = vdb_ivf_read_lead(index, block, number);
		live = vdb_ivf_lead(BufferGetPage(buffer))->live;
		/* What is done with as many entries takes memory. */
		if (live > shape->lanes)
			vdb_page_corrupted(index, block, "its number of entries is wrong");
		count += live;
		block = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	return count;
}

void
vdb_ivf_list_close(Relation index, BlockNumber head, bool closed, uint32 whole)
{
	Buffer		buffer = vdb_page_read_exclusive(index, head, VDB_IVF_LEAD);
	VdbEdit		edit;
	VdbIvfLead *lead;

	vdb_edit_begin(&edit, index, false);
	lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
	lead->closed = closed;
	lead->whole = whole;
	vdb_edit_finish(&edit);
	vdb_page_release(buffer);
}

void
vdb_ivf_list_aim(Relation index, BlockNumber head, BlockNumber block)
{
	Buffer		buffer = vdb_page_read_exclusive(index, head, VDB_IVF_LEAD);

	aim(index, false, buffer, block);
	vdb_page_release(buffer);
}

void
vdb_ivf_list_free(const VdbIvfShape *shape, Relation index, BlockNumber head, uint32 number)
{
	BlockNumber *rows = palloc(shape->nrow_pages * sizeof(BlockNumber));

	for (BlockNumber block = head; block != InvalidBlockNumber;)
	{
		Buffer		buffer = vdb_ivf_read_lead(index, block, number);
		BlockNumber next = vdb_page_opaque(BufferGetPage(buffer))->next;

		memcpy(rows, vdb_ivf_lead(BufferGetPage(buffer))->rows,
			   shape->nrow_pages * sizeof(BlockNumber));
		vdb_page_release(buffer);
		/* A crash in between leaves pages that vacuum finds. */
		vdb_page_free(index, block, VDB_IVF_LEAD);
		VDB_PAUSE("ivf-split-frees");
		for (uint32 i = 0; i < shape->nrow_pages; i++)
			if (rows[i] != InvalidBlockNumber)
				vdb_page_free(index, rows[i], VDB_IVF_ROWS);
		block = next;
	}
	pfree(rows);
}

/* ---- chains of row ids ---- */

BlockNumber
vdb_ivf_tids_create(Relation index, bool building)
{
	VdbEdit		edit;
	BlockNumber block;
	Page		page;

	vdb_edit_begin(&edit, index, building);
	page = vdb_edit_new(&edit, VDB_IVF_TIDS, VDB_PAGE_SPACE, &block);
	((VdbIvfTids *) vdb_page_contents(page))->tail = block;
	vdb_edit_finish(&edit);
	return block;
}

void
vdb_ivf_tids_add(const VdbIvf *ivf, Relation index, BlockNumber head, bool building,
				 ItemPointer tid, const char *codes)
{
	Buffer		first = vdb_page_read_exclusive(index, head, VDB_IVF_TIDS);
	VdbIvfTids *tids = (VdbIvfTids *) vdb_page_contents(BufferGetPage(first));
	BlockNumber tail = tids->tail;
	BlockNumber block = tail;
	Buffer		last = first;
	VdbEdit		edit;

	/* The first page's lock is held: such rows are few. */
	for (;;)
	{
		if (block != head)
			last = vdb_page_read_exclusive(index, block, VDB_IVF_TIDS);
		tids = (VdbIvfTids *) vdb_page_contents(BufferGetPage(last));
		block = vdb_page_opaque(BufferGetPage(last))->next;
		if (tids->count < ivf->tids_per_page || block == InvalidBlockNumber)
			break;
		if (last != first)
			vdb_page_release(last);
	}
	vdb_edit_begin(&edit, index, building);
	if (BufferGetBlockNumber(last) != tail)
		((VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, first)))->tail =
			BufferGetBlockNumber(last);
	if (tids->count < ivf->tids_per_page)
		tids = (VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, last));
	else
	{
		Page		page = vdb_edit_new(&edit, VDB_IVF_TIDS, VDB_PAGE_SPACE, &block);

		vdb_page_opaque(vdb_edit_page(&edit, last))->next = block;
		((VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, first)))->tail = block;
		tids = (VdbIvfTids *) vdb_page_contents(page);
	}
	if (ivf->meta.codes_size > 0)
		memcpy(vdb_ivf_tids_codes(ivf, tids, tids->count), codes, ivf->meta.codes_size);
	tids->tids[tids->count++] = *tid;
	vdb_edit_finish(&edit);
	if (last != first)
		vdb_page_release(last);
	vdb_page_release(first);
}

void
vdb_ivf_tids_aim(const VdbIvf *ivf, Relation index, BlockNumber head)
{
	BlockNumber block = head;
	Buffer		buffer;
	VdbEdit		edit;

	for (;;)
	{
		BlockNumber next;
		uint32		count;

		buffer = vdb_page_read(index, block, VDB_IVF_TIDS);
		next = vdb_page_opaque(BufferGetPage(buffer))->next;
		count = ((VdbIvfTids *) vdb_page_contents(BufferGetPage(buffer)))->count;
		vdb_page_release(buffer);
		if (count < ivf->tids_per_page || next == InvalidBlockNumber)
			break;
		block = next;
		CHECK_FOR_INTERRUPTS();
	}
	buffer = vdb_page_read_exclusive(index, head, VDB_IVF_TIDS);
	if (((VdbIvfTids *) vdb_page_contents(BufferGetPage(buffer)))->tail != block)
	{
		vdb_edit_begin(&edit, index, false);
		((VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, buffer)))->tail = block;
		vdb_edit_finish(&edit);
	}
	vdb_page_release(buffer);
}
