/*
 * list.c
 *	  Lists: chains of lead pages with their row pages; and chains of row ids.
 *
 * Locks: a row page is read and changed only under the lock of its lead page.
 * Of one list, a later page is locked before the first one; of two pages that
 * follow each other, the earlier one is given up before the later is locked.
 */
#include "postgres.h"

#include "am/ivf/ivf.h"

/* ---- entries ---- */

/* A lead page without entries, on a page that is all zeroes. */
static void
init_lead(const VdbIvfShape *shape, Page page, uint32 number)
{
	VdbIvfLead *lead = vdb_ivf_lead(page);

	lead->tail = lead->target = InvalidBlockNumber;
	lead->list = number;
	for (uint32 i = 0; i < shape->nrow_pages; i++)
		lead->rows[i] = InvalidBlockNumber;
	if (shape->coded)
		for (uint32 i = 0; i < shape->nblocks; i++)
			vdb_quant_block_init(shape->code_dim,
								 (VdbQuantBlock *) vdb_ivf_block(shape, lead, i));
}

BlockNumber
vdb_ivf_list_create(const VdbIvf *ivf, const VdbIvfShape *shape, Relation index,
					bool building, uint32 number)
{
	VdbEdit		edit;
	BlockNumber block;
	Page		page;

	vdb_edit_begin(&edit, index, building);
	page = vdb_edit_new(&edit, VDB_IVF_LEAD, shape->lead_size, &block);
	init_lead(shape, page, number);
	vdb_ivf_lead(page)->tail = vdb_ivf_lead(page)->target = block;
	vdb_edit_finish(&edit);
	return block;
}

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

static inline Size
row_page_size(const VdbIvfShape *shape)
{
	return shape->rows_per_page == 0 ? VDB_PAGE_SPACE : shape->rows_per_page * shape->row_size;
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
		}
		return vdb_page_contents(BufferGetPage(*buffer)) + row_offset(shape, lane);
	}
	for (uint32 i = 0; i < shape->pages_per_row; i++)
	{
		Buffer		part = vdb_page_pin(index, lead->rows[first + i], VDB_IVF_ROWS);
		uint32		n = Min(left, VDB_PAGE_SPACE);

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
			Buffer tail)
{
	VdbEdit		edit;
	BlockNumber block;
	Page		page;
	Buffer		first = InvalidBuffer;
	VdbIvfLead *lead;

	if (BufferGetBlockNumber(tail) != head)
		first = vdb_page_read_exclusive(index, head, VDB_IVF_LEAD);
	vdb_edit_begin(&edit, index, building);
	page = vdb_edit_new(&edit, VDB_IVF_LEAD, shape->lead_size, &block);
	init_lead(shape, page, vdb_ivf_lead(BufferGetPage(tail))->list);
	vdb_page_opaque(vdb_edit_page(&edit, tail))->next = block;
	lead = vdb_ivf_lead(vdb_edit_page(&edit, BufferIsValid(first) ? first : tail));
	lead->tail = lead->target = block;
	vdb_edit_finish(&edit);
	if (BufferIsValid(first))
		vdb_page_release(first);
}

/* Makes a lead page, which is locked, that where inserts begin to look. */
static void
set_target(Relation index, bool building, BlockNumber head, Buffer buffer)
{
	BlockNumber block = BufferGetBlockNumber(buffer);
	Buffer		first = block == head ? buffer :
		vdb_page_read_exclusive(index, head, VDB_IVF_LEAD);
	VdbEdit		edit;

	if (vdb_ivf_lead(BufferGetPage(first))->target != block)
	{
		vdb_edit_begin(&edit, index, building);
		vdb_ivf_lead(vdb_edit_page(&edit, first))->target = block;
		vdb_edit_finish(&edit);
	}
	if (first != buffer)
		vdb_page_release(first);
}

/*
 * A lead page of the list with an empty lane, locked: the target, a page after
 * it, or a new one.
 */
static Buffer
find_room(const VdbIvfShape *shape, Relation index, bool building, BlockNumber head, int *lane)
{
	Buffer		buffer = vdb_page_read(index, head, VDB_IVF_LEAD);
	BlockNumber target = vdb_ivf_lead(BufferGetPage(buffer))->target;
	BlockNumber block = target;

	vdb_page_release(buffer);
	for (;;)
	{
		BlockNumber next;

		buffer = vdb_page_read_exclusive(index, block, VDB_IVF_LEAD);
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
			append_lead(shape, index, building, head, buffer);
			next = vdb_page_opaque(BufferGetPage(buffer))->next;
		}
		vdb_page_release(buffer);
		block = next;
	}
}

/*
 * Rows on several pages are written first, each page by itself: until the
 * lead page names them nobody sees them, and a crash in between only loses
 * the use of these pages.
 */
static void
write_long_row(const VdbIvfShape *shape, Relation index, bool building, const void *row,
			   BlockNumber *blocks)
{
	for (uint32 i = 0; i < shape->pages_per_row; i++)
	{
		uint32		at = i * VDB_PAGE_SPACE;
		VdbEdit		edit;
		Buffer		old = InvalidBuffer;
		Page		page;

		vdb_edit_begin(&edit, index, building);
		if (blocks[i] == InvalidBlockNumber)
			page = vdb_edit_new(&edit, VDB_IVF_ROWS, row_page_size(shape), &blocks[i]);
		else
		{
			old = vdb_page_read_exclusive(index, blocks[i], VDB_IVF_ROWS);
			page = vdb_edit_page(&edit, old);
		}
		memcpy(vdb_page_contents(page), (const char *) row + at,
			   Min(shape->row_size - at, VDB_PAGE_SPACE));
		vdb_edit_finish(&edit);
		if (BufferIsValid(old))
			vdb_page_release(old);
	}
}

/* Puts a short row on its page, which may be new. */
static Buffer
write_row(const VdbIvfShape *shape, VdbEdit *edit, const void *row, uint32 lane,
		  BlockNumber *block)
{
	Buffer		old = InvalidBuffer;
	Page		page;

	if (*block == InvalidBlockNumber)
		page = vdb_edit_new(edit, VDB_IVF_ROWS, row_page_size(shape), block);
	else
	{
		old = vdb_page_read_exclusive(edit->index, *block, VDB_IVF_ROWS);
		page = vdb_edit_page(edit, old);
	}
	memcpy(vdb_page_contents(page) + row_offset(shape, lane), row, shape->row_size);
	return old;
}

/*
 * A block over the first dimensions only: what the rest adds to the distance
 * is exact but for an inner product, which is 0 on average, and the bound
 * widens by its standard deviation.
 */
static void
add_rest(const VdbIvf *ivf, const VdbIvfShape *shape, VdbQuantBlock *block, uint32 lane,
		 const float *residual, const float *centre)
{
	uint32		n = ivf->dim - shape->code_dim;
	const float *rest = residual + shape->code_dim;
	double		square = vdb_dist_square(VDB_F32, rest, n);
	double		spread = square / n;
	float		error = block->error[lane];

	if (ivf->coded_metric == VDB_L2SQ)
	{
		block->add[lane] += square;
		spread *= 4;
	}
	else
		block->add[lane] += vdb_dist(VDB_F32, VDB_IP, rest, centre + shape->code_dim, n);
	block->error[lane] = sqrt(error * error + spread);
}

/* The factors of a vector that codes cannot hold: it may be anywhere. */
static void
no_bound(float *add, float *rescale, float *error)
{
	*add = 10 * VDB_IVF_NO_BOUND;
	*rescale = *error = 0;
}

/* Encodes an entry into a lane of its lead page. */
static void
write_lane(const VdbIvf *ivf, const VdbIvfShape *shape, VdbIvfLead *lead, uint32 lane,
		   const VdbIvfEntry *entry, const float *residual)
{
	if (shape->coded)
	{
		VdbQuantBlock *block = (VdbQuantBlock *) vdb_ivf_block(shape, lead, lane / VDB_BLOCK);

		vdb_quant_block_encode(shape->code_dim, ivf->coded_metric, residual, entry->centre,
							   NULL, block, lane % VDB_BLOCK);
		if (vdb_ivf_is_far(entry->rotated))
			no_bound(&block->add[lane % VDB_BLOCK], &block->rescale[lane % VDB_BLOCK],
					 &block->error[lane % VDB_BLOCK]);
		else if (shape->code_dim < ivf->dim)
			add_rest(ivf, shape, block, lane % VDB_BLOCK, residual, entry->centre);
	}
	*vdb_ivf_tid(shape, lead, lane) = entry->tid;
	lead->live++;
}

Size
vdb_ivf_list_work(const VdbIvf *ivf)
{
	return ivf->dim * sizeof(float) * 2 + MAXALIGN(ivf->list.row_size);
}

void
vdb_ivf_list_add(const VdbIvf *ivf, const VdbIvfShape *shape, Relation index, bool building,
				 BlockNumber head, const VdbIvfEntry *entry, void *work)
{
	float	   *residual = work;
	float	   *zeros = residual + ivf->dim;
	void	   *codes = zeros + ivf->dim;
	VdbIvfEntry full = *entry;
	Buffer		buffer;
	Buffer		old = InvalidBuffer;
	VdbEdit		edit;
	VdbIvfLead *lead;
	int			lane;
	uint32		n;

	if (shape->coded)
	{
		if (full.centre == NULL)
			full.centre = memset(zeros, 0, ivf->dim * sizeof(float));
		for (uint32 i = 0; i < ivf->dim; i++)
			residual[i] = full.rotated[i] - full.centre[i];
		if (full.row == NULL)
		{
			vdb_quant_row_encode(ivf->dim, VDB_QUANT_8BITS, ivf->coded_metric, residual,
								 full.centre, NULL, codes);
			if (vdb_ivf_is_far(full.rotated))
			{
				VdbQuantRowFactors *factors = (VdbQuantRowFactors *)
					vdb_quant_row_factors(ivf->dim, VDB_QUANT_8BITS, codes);

				no_bound(&factors->add, &factors->rescale, &factors->error);
			}
			full.row = codes;
		}
	}

	buffer = find_room(shape, index, building, head, &lane);
	n = row_page(shape, lane);
	if (shape->rows_per_page == 0)
	{
		BlockNumber *blocks = palloc(shape->pages_per_row * sizeof(BlockNumber));

		lead = vdb_ivf_lead(BufferGetPage(buffer));
		memcpy(blocks, &lead->rows[n], shape->pages_per_row * sizeof(BlockNumber));
		write_long_row(shape, index, building, full.row, blocks);
		vdb_edit_begin(&edit, index, building);
		lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
		memcpy(&lead->rows[n], blocks, shape->pages_per_row * sizeof(BlockNumber));
		pfree(blocks);
	}
	else
	{
		vdb_edit_begin(&edit, index, building);
		lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
		old = write_row(shape, &edit, full.row, lane, &lead->rows[n]);
	}
	write_lane(ivf, shape, lead, lane, &full, residual);
	vdb_edit_finish(&edit);
	if (BufferIsValid(old))
		vdb_page_release(old);
	vdb_page_release(buffer);
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
vdb_ivf_tids_add(Relation index, BlockNumber head, bool building, ItemPointer tid)
{
	Buffer		first = vdb_page_read_exclusive(index, head, VDB_IVF_TIDS);
	VdbIvfTids *tids = (VdbIvfTids *) vdb_page_contents(BufferGetPage(first));
	Buffer		last = first;
	VdbEdit		edit;

	/* The first page's lock is held: such rows are few. */
	if (tids->tail != head)
		last = vdb_page_read_exclusive(index, tids->tail, VDB_IVF_TIDS);
	tids = (VdbIvfTids *) vdb_page_contents(BufferGetPage(last));
	vdb_edit_begin(&edit, index, building);
	if (tids->count < VDB_IVF_TIDS_PER_PAGE)
		tids = (VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, last));
	else
	{
		BlockNumber block;
		Page		page = vdb_edit_new(&edit, VDB_IVF_TIDS, VDB_PAGE_SPACE, &block);

		vdb_page_opaque(vdb_edit_page(&edit, last))->next = block;
		((VdbIvfTids *) vdb_page_contents(vdb_edit_page(&edit, first)))->tail = block;
		tids = (VdbIvfTids *) vdb_page_contents(page);
	}
	tids->tids[tids->count++] = *tid;
	vdb_edit_finish(&edit);
	if (last != first)
		vdb_page_release(last);
	vdb_page_release(first);
}
