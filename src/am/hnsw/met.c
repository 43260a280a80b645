/*
 * met.c
 *	  The nodes that a search has met: a hash table of their numbers.
 */
#include "postgres.h"

#include "am/hnsw/met.h"
#include "utils/memutils.h"

/* Places of a table, at first. */
#define FIRST_ROOM 4096

static void
allocate(VdbHnswMet *met, uint32 room)
{
	met->room = met->allocated = room;
	met->nodes = palloc_extended((Size) room * sizeof(uint32), MCXT_ALLOC_HUGE);
	met->marks = palloc_extended(room, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	memset(met->nodes, 0xff, (Size) room * sizeof(uint32));
}

void
vdb_hnsw_met_create(VdbHnswMet *met)
{
	met->count = 0;
	allocate(met, FIRST_ROOM);
}

void
vdb_hnsw_met_reset(VdbHnswMet *met)
{
	/* Emptying what a wide search has used takes as long as a narrow one. */
	while (met->room > FIRST_ROOM && met->count < met->room / 16)
		met->room /= 2;
	memset(met->nodes, 0xff, (Size) met->room * sizeof(uint32));
	memset(met->marks, 0, met->room);
	met->count = 0;
}

void
vdb_hnsw_met_grow(VdbHnswMet *met)
{
	VdbHnswMet	old = *met;

	allocate(met, old.room * 4);
	for (uint32 i = 0; i < old.room; i++)
		if (old.nodes[i] != VDB_HNSW_NONE)
		{
			uint32		at = vdb_hnsw_met_place(met, old.nodes[i]);

			met->nodes[at] = old.nodes[i];
			met->marks[at] = old.marks[i];
		}
	pfree(old.nodes);
	pfree(old.marks);
}

Size
vdb_hnsw_met_memory(const VdbHnswMet *met)
{
	return (Size) met->allocated * (sizeof(uint32) + sizeof(uint8));
}
