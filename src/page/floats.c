/*
 * floats.c
 *	  Floats over as many pages as it takes.
 */
#include "postgres.h"

#include "page/page.h"

#define PER_PAGE (VDB_PAGE_SPACE / sizeof(float))

void
vdb_page_read_floats(Relation index, BlockNumber first, uint16 kind, uint32 count, float *floats)
{
	while (count > 0)
	{
		Buffer		buffer = vdb_page_read(index, first, kind);
		uint32		n = Min(count, PER_PAGE);

		memcpy(floats, vdb_page_contents(BufferGetPage(buffer)), n * sizeof(float));
		first = vdb_page_opaque(BufferGetPage(buffer))->next;
		vdb_page_release(buffer);
		floats += n;
		count -= n;
	}
}

/* The last page comes first, so that each can lead to the next. */
BlockNumber
vdb_page_write_floats(Relation index, bool building, uint16 kind, const float *floats,
					  uint32 count)
{
	BlockNumber next = InvalidBlockNumber;

	for (uint32 at = (count - 1) / PER_PAGE * PER_PAGE;; at -= PER_PAGE)
	{
		VdbEdit		edit;
		BlockNumber block;
		Page		page;

		vdb_edit_begin(&edit, index, building);
		page = vdb_edit_new(&edit, kind, VDB_PAGE_SPACE, &block);
		memcpy(vdb_page_contents(page), floats + at, Min(PER_PAGE, count - at) * sizeof(float));
		vdb_page_opaque(page)->next = next;
		vdb_edit_finish(&edit);
		next = block;
		if (at == 0)
			return next;
	}
}
