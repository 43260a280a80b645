/*
 * reach.c
 *	  What of a graph can be reached.
 *
 * There is no queue.  Nodes that were come upon have a bit until their list is
 * read, and the pages are gone over, in the order of the file, for as long as
 * there are such bits: no page is read more often than it has nodes, and mostly
 * far less.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "am/hnsw/reach.h"

void
vdb_hnsw_reach_from(VdbHnswReach *reach, BlockNumber from, uint32 node)
{
	if (!reach->may(reach->arg, from, node) || !vdb_hnsw_bit_set(&reach->reached, node))
		return;
	vdb_hnsw_bit_set(&reach->pending, node);
	reach->npending++;
}

/* Reads the lists of the nodes of a page, which may lead to others of it. */
static void
read_lists(VdbHnswReach *reach, BlockNumber block)
{
	const VdbHnsw *hnsw = reach->hnsw;
	Page		page = reach->read(reach->arg, block);
	bool		again;

	do
	{
		again = false;
		for (uint32 slot = 0; slot < hnsw->per_page; slot++)
		{
			const VdbHnswSlot *s;

			if (!vdb_hnsw_bit_clear(&reach->pending, vdb_hnsw_number(hnsw, block, slot)))
				continue;
			reach->npending--;
			if (page == NULL)
				continue;
			/* It may be free, or a bucket: an edge that nobody took away. */
			s = vdb_hnsw_slot(hnsw, page, slot);
			if (s->state != VDB_HNSW_NODE && !(reach->dead && s->state == VDB_HNSW_DEAD))
				continue;
			again = true;
			for (uint32 i = 0; i < Min(s->count, hnsw->neighbours); i++)
				vdb_hnsw_reach_from(reach, block, vdb_hnsw_list(hnsw, s)[i]);
		}
	} while (again);
	if (page != NULL)
		reach->done(reach->arg);
}

void
vdb_hnsw_reach_search(VdbHnswReach *reach)
{
	while (reach->npending > 0)
	{
		uint32		node = vdb_hnsw_bits_next(&reach->pending, 0);

		while (node != VDB_HNSW_NO_BIT)
		{
			BlockNumber block = vdb_hnsw_block(reach->hnsw, node);

			CHECK_FOR_INTERRUPTS();
			read_lists(reach, block);
			node = vdb_hnsw_bits_next(&reach->pending,
									  vdb_hnsw_number(reach->hnsw, block + 1, 0));
		}
	}
}

void
vdb_hnsw_reach_free(VdbHnswReach *reach)
{
	vdb_hnsw_bits_free(&reach->reached);
	vdb_hnsw_bits_free(&reach->pending);
}
