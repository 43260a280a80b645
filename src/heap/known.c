/*
 * known.c
 *	  What was computed of values stored out of line, remembered.
 *
 * A search through an index has each distance computed twice: once to put the
 * rows in order, once for the result.  Both times the vector is read from the
 * TOAST table, which takes longer than the distance.  So while an index is
 * being searched, the last few numbers computed of such values are remembered.
 *
 * A value is known by its TOAST table and its id in that.  Ids are used again,
 * when all four billion have been used, for values that are not there any
 * more.  That cannot happen to what is remembered, because all is forgotten
 *
 *	- when a search ends, however it does: until then its snapshot keeps what
 *	  others delete from being vacuumed away (and what they undo, nobody read);
 *	- when this transaction has changed anything, a TRUNCATE of its own say:
 *	  its command counter moves on; or has ended;
 *	- when a subtransaction is rolled back: then what it inserted is dead at
 *	  once, and its locks are gone.
 *
 * What the value was taken together with, the query, is compared whole.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/memutils.h"

#include "compat/compat.h"
#include "heap/heap.h"

int			vdb_heap_searches = 0;

/* Queries at a time: joins may have several. */
#define NQUERIES 4

typedef struct Query
{
	uint64		stamp;			/* no other query ever has it; 0 for none */
	Size		size;
	Size		room;
	char	   *bytes;			/* the whole value */
} Query;

static Query queries[NQUERIES];
static int	last_query = 0;
static uint64 last_stamp = 0;
static CommandId command;		/* when anything was remembered */

/* Numbers, each in the place that its value's id falls on. */
static VdbHeapKnown numbers[1 << 8];

/* Numbers of queries that are gone are never found. */
static void
forget(void)
{
	for (int i = 0; i < NQUERIES; i++)
		queries[i].stamp = 0;
}

static void
search_ends(void *arg)
{
	forget();
	if (--vdb_heap_searches > 0)
		return;
	for (int i = 0; i < NQUERIES; i++)
	{
		if (queries[i].bytes != NULL)
			pfree(queries[i].bytes);
		memset(&queries[i], 0, sizeof(Query));
	}
}

static void
transaction_event(XactEvent event, void *arg)
{
	forget();
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget();
}

void
vdb_heap_search_begins(void)
{
	static bool registered = false;
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	if (!registered)
	{
		RegisterXactCallback(transaction_event, NULL);
		RegisterSubXactCallback(subtransaction_event, NULL);
		registered = true;
	}
	forget();
	callback->func = search_ends;
	vdb_heap_searches++;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

/* The stamp of a query, which may be a new one. */
static uint64
stamp_of(const struct varlena *value)
{
	Size		size = VARSIZE_ANY(value);
	Query	   *query;

	for (int i = 0; i < NQUERIES; i++)
	{
		query = &queries[(last_query + i) % NQUERIES];
		if (query->stamp != 0 && query->size == size && memcmp(query->bytes, value, size) == 0)
		{
			last_query = query - queries;
			return query->stamp;
		}
	}
	last_query = (last_query + NQUERIES - 1) % NQUERIES;
	query = &queries[last_query];
	query->stamp = 0;
	if (query->room < size)
	{
		if (query->bytes != NULL)
			pfree(query->bytes);
		query->room = 0;
		query->bytes = NULL;
		query->bytes = MemoryContextAlloc(TopMemoryContext, size);
		query->room = size;
	}
	memcpy(query->bytes, value, size);
	query->size = size;
	query->stamp = ++last_stamp;
	return query->stamp;
}

static VdbHeapKnown *
place_of(const VdbHeapKnown *known)
{
	return &numbers[(uint32) (known->valueid * 0x9e3779b1u) >> 24];
}

bool
vdb_heap_recall(Datum a, Datum b, uint32 what, VdbHeapKnown *known)
{
	const struct varlena *value = (const struct varlena *) DatumGetPointer(a);
	const struct varlena *query = (const struct varlena *) DatumGetPointer(b);
	const VdbHeapKnown *old;
	struct varatt_external pointer;

	known->stamp = 0;
	if (VARATT_IS_EXTERNAL(query))
	{
		const struct varlena *swap = value;

		value = query;
		query = swap;
	}
	if (!VARATT_IS_EXTERNAL_ONDISK(value) || VARATT_IS_EXTERNAL(query) ||
		VARATT_IS_COMPRESSED(query))
		return false;
	if (GetCurrentCommandId(false) != command)
	{
		forget();
		command = GetCurrentCommandId(false);
	}
	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	known->stamp = stamp_of(query);
	known->toastrelid = pointer.va_toastrelid;
	known->valueid = pointer.va_valueid;
	known->what = what;
	known->swapped = value == (const struct varlena *) DatumGetPointer(b);
	old = place_of(known);
	if (old->stamp != known->stamp || old->valueid != known->valueid ||
		old->toastrelid != known->toastrelid || old->what != known->what ||
		old->swapped != known->swapped)
		return false;
	known->number = old->number;
	return true;
}

void
vdb_heap_remember(VdbHeapKnown *known, double number)
{
	if (known->stamp == 0)
		return;
	known->number = number;
	*place_of(known) = *known;
}
