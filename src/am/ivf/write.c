/*
 * write.c
 *	  Whole lists, written at once.
 *
 * A list that nobody sees yet needs no search for room: entries are gathered
 * until they fill a lead page, and every page is written once.  A row page is
 * written before the lead page that names it, and whoever calls in names the
 * list when it is done; a crash before that only loses the use of its pages.
 */
#include "postgres.h"

#include "am/ivf/ivf.h"

struct VdbIvfWriter
{
	const VdbIvf *ivf;
	const VdbIvfShape *shape;
	Relation	index;
	bool		building;
	uint32		number;			/* of the list */
	BlockNumber head;			/* lead pages so far */
	BlockNumber last;
	uint32		pages;

	/* the lead page to be */
	uint32		live;
	BlockNumber *rows;			/* its row pages so far */
	uint32		nrows;
	ItemPointerData *tids;
	char	   *columns;		/* codes of filter columns */
	char	   *codes;			/* what is before the row in an encoded entry */
	Size		code_size;

	/* the row page to be, if rows are shorter than a page */
	char	   *page;
	uint32		on_page;
};

static Size
code_size(const VdbIvf *ivf, const VdbIvfShape *shape)
{
	char		any = 0;

	return (const char *) vdb_ivf_encoded_row(ivf, shape, &any) - &any;
}

Size
vdb_ivf_writer_memory(const VdbIvf *ivf, const VdbIvfShape *shape)
{
	return sizeof(VdbIvfWriter) + shape->nrow_pages * sizeof(BlockNumber) +
		shape->lanes * (sizeof(ItemPointerData) + shape->codes_size + code_size(ivf, shape)) +
		VDB_PAGE_SPACE;
}

VdbIvfWriter *
vdb_ivf_writer_begin(const VdbIvf *ivf, const VdbIvfShape *shape, Relation index, bool building,
					 uint32 number)
{
	VdbIvfWriter *writer = palloc0(sizeof(VdbIvfWriter));

	writer->ivf = ivf;
	writer->shape = shape;
	writer->index = index;
	writer->building = building;
	writer->number = number;
	writer->head = writer->last = InvalidBlockNumber;
	writer->rows = palloc(shape->nrow_pages * sizeof(BlockNumber));
	writer->tids = palloc(shape->lanes * sizeof(ItemPointerData));
	writer->columns = palloc(shape->lanes * shape->codes_size + 1);
	writer->code_size = code_size(ivf, shape);
	writer->codes = palloc(shape->lanes * writer->code_size + 1);
	writer->page = palloc(VDB_PAGE_SPACE);
	return writer;
}

/* Writes a page of rows, or a part of a row that takes several pages. */
static void
write_rows(VdbIvfWriter *writer, const char *from, Size size)
{
	VdbEdit		edit;
	Page		page;

	vdb_edit_begin(&edit, writer->index, writer->building);
	page = vdb_edit_new(&edit, VDB_IVF_ROWS, size, &writer->rows[writer->nrows++]);
	vdb_page_opaque(page)->next = writer->number;
	memcpy(vdb_page_contents(page), from, size);
	vdb_edit_finish(&edit);
}

static void
write_row_page(VdbIvfWriter *writer)
{
	const VdbIvfShape *shape = writer->shape;

	if (writer->on_page > 0)
		write_rows(writer, writer->page, writer->on_page * shape->row_size);
	writer->on_page = 0;
}

/* Fills so many blocks: 32 entries at once, and one by one what is left. */
static void
fill_blocks(VdbIvfWriter *writer, VdbIvfLead *lead, uint32 nblocks)
{
	const VdbIvfShape *shape = writer->shape;

	for (uint32 n = 0; shape->coded && n < nblocks; n++)
	{
		VdbQuantBlock *block = (VdbQuantBlock *) vdb_ivf_block(shape, lead, n);
		uint32		first = n * VDB_BLOCK;
		const void *codes[VDB_BLOCK];

		for (uint32 lane = 0; lane < VDB_BLOCK; lane++)
			codes[lane] = writer->codes + (first + lane) * writer->code_size;
		if (first + VDB_BLOCK <= writer->live)
		{
			vdb_ivf_encoded_block(writer->ivf, shape, codes, block);
			continue;
		}
		vdb_quant_block_init(shape->code_dim, block);
		for (uint32 lane = 0; first + lane < writer->live; lane++)
			vdb_ivf_encoded_lane(writer->ivf, shape, codes[lane], block, lane);
	}
}

/* Writes the lead page of what has been gathered, and links it to the last. */
static void
write_lead(VdbIvfWriter *writer)
{
	const VdbIvfShape *shape = writer->shape;
	Buffer		last = InvalidBuffer;
	VdbEdit		edit;
	BlockNumber block;
	Page		page;
	VdbIvfLead *lead;
	uint32		nblocks = (writer->live + VDB_BLOCK - 1) / VDB_BLOCK;

	write_row_page(writer);
	if (writer->last != InvalidBlockNumber)
		last = vdb_page_read_exclusive(writer->index, writer->last, VDB_IVF_LEAD);
	vdb_edit_begin(&edit, writer->index, writer->building);
	page = vdb_edit_new(&edit, VDB_IVF_LEAD, vdb_ivf_lead_size(shape, nblocks), &block);
	lead = vdb_ivf_lead(page);
	lead->live = writer->live;
	lead->list = writer->number;
	/* right for a list of one page; vdb_ivf_writer_end() knows the others */
	lead->pages = 1;
	lead->target = block;
	for (uint32 i = 0; i < shape->nrow_pages; i++)
		lead->rows[i] = i < writer->nrows ? writer->rows[i] : InvalidBlockNumber;
	fill_blocks(writer, lead, nblocks);
	for (uint32 lane = 0; lane < writer->live; lane++)
	{
		*vdb_ivf_tid(shape, lead, lane) = writer->tids[lane];
		memcpy(vdb_ivf_codes(shape, lead, lane), writer->columns + lane * shape->codes_size,
			   shape->codes_size);
	}
	if (BufferIsValid(last))
		vdb_page_opaque(vdb_edit_page(&edit, last))->next = block;
	vdb_edit_finish(&edit);
	if (BufferIsValid(last))
		vdb_page_release(last);
	if (writer->head == InvalidBlockNumber)
		writer->head = block;
	writer->last = block;
	writer->pages++;
	writer->live = writer->nrows = 0;
}

void
vdb_ivf_writer_add(VdbIvfWriter *writer, ItemPointer tid, const char *codes, const void *encoded)
{
	const VdbIvfShape *shape = writer->shape;
	const char *row = vdb_ivf_encoded_row(writer->ivf, shape, encoded);

	writer->tids[writer->live] = *tid;
	if (shape->codes_size > 0)
		memcpy(writer->columns + writer->live * shape->codes_size, codes, shape->codes_size);
	memcpy(writer->codes + writer->live * writer->code_size, encoded, writer->code_size);
	if (shape->rows_per_page == 0)
		for (uint32 at = 0; at < shape->row_size; at += VDB_PAGE_SPACE)
			write_rows(writer, row + at, Min(shape->row_size - at, VDB_PAGE_SPACE));
	else
	{
		memcpy(writer->page + writer->on_page * shape->row_size, row, shape->row_size);
		if (++writer->on_page == shape->rows_per_page)
			write_row_page(writer);
	}
	if (++writer->live == shape->lanes)
		write_lead(writer);
}

BlockNumber
vdb_ivf_writer_end(VdbIvfWriter *writer)
{
	BlockNumber head;

	if (writer->live > 0 || writer->head == InvalidBlockNumber)
		write_lead(writer);
	head = writer->head;
	if (writer->last != head)
	{
		Buffer		buffer = vdb_page_read_exclusive(writer->index, head, VDB_IVF_LEAD);
		VdbEdit		edit;
		VdbIvfLead *lead;

		vdb_edit_begin(&edit, writer->index, writer->building);
		lead = vdb_ivf_lead(vdb_edit_page(&edit, buffer));
		lead->pages = writer->pages;
		lead->target = writer->last;
		vdb_edit_finish(&edit);
		vdb_page_release(buffer);
	}
	pfree(writer->rows);
	pfree(writer->tids);
	pfree(writer->columns);
	pfree(writer->codes);
	pfree(writer->page);
	pfree(writer);
	return head;
}
