/*
 * faults.c
 *	  Faults that a PostgreSQL that checks itself has to find, one a call.
 *
 * volatile keeps the compiler from seeing what it could warn of, or leave out.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(fault);

/* Reads a byte of what palloc gave, of so many bytes. */
static int
read_byte(volatile char *memory, Size at)
{
	return memory[at];
}

static int
read_freed(void)
{
	char	   *volatile memory = palloc0(64);

	pfree(memory);
	return read_byte(memory, 8);
}

static int
read_reset(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "fault",
												  ALLOCSET_DEFAULT_SIZES);
	char	   *memory = MemoryContextAllocZero(context, 64);

	MemoryContextReset(context);
	return read_byte(memory, 8);
}

static int
read_unpinned(void)
{
	Relation	relation = relation_open(RelationRelationId, AccessShareLock);
	Buffer		buffer = ReadBuffer(relation, 0);
	char	   *page = (char *) BufferGetPage(buffer);

	ReleaseBuffer(buffer);
	relation_close(relation, AccessShareLock);
	return read_byte(page, 100);
}

static int
read_misaligned(void)
{
	volatile int32 *volatile number = (volatile int32 *) ((char *) palloc0(64) + 1);

	return *number;
}

static int
shift(void)
{
	volatile int bits = 40;

	return 1 << bits;
}

/* fault(name text) returns integer */
Datum
fault(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	Assert(strcmp(name, "assertion") != 0);
	if (strcmp(name, "behind") == 0)
		PG_RETURN_INT32(read_byte(palloc0(13), 13));
	if (strcmp(name, "freed") == 0)
		PG_RETURN_INT32(read_freed());
	if (strcmp(name, "reset") == 0)
		PG_RETURN_INT32(read_reset());
	if (strcmp(name, "unpinned") == 0)
		PG_RETURN_INT32(read_unpinned());
	if (strcmp(name, "misaligned") == 0)
		PG_RETURN_INT32(read_misaligned());
	if (strcmp(name, "shift") == 0)
		PG_RETURN_INT32(shift());
	PG_RETURN_INT32(0);
}
