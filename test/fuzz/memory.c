/*
 * memory.c
 *	  Memory contexts as PostgreSQL has them, for fuzzing.
 *
 * Each piece of memory comes from malloc() by itself, and is not a byte longer
 * than asked for, so that AddressSanitizer sees every access outside, and after
 * its context is gone.  Before it stands a header, as GetMemoryChunkContext()
 * wants it; all of it but the context is poisoned.
 */
#include "backend.h"

#include <sanitizer/asan_interface.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#undef vsnprintf

/* What is before a piece; the context has to be last. */
typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
	Size		size;
	MemoryContext context;
} Chunk;

typedef struct Context
{
	MemoryContextData data;
	Chunk	   *chunks;
} Context;

static Context top = {.data = {.type = T_AllocSetContext,.name = "top"}};
static Context input = {.data = {.type = T_AllocSetContext,.name = "input"}};

MemoryContext TopMemoryContext = &top.data;
MemoryContext CurrentMemoryContext = &input.data;

Size		fuzz_most_memory = SIZE_MAX;

/* What scans and inserts of both access methods keep for the next one. */
#define MOST_KEPT 4

/* Headers are poisoned, and misaligned where a fault says so. */
#define TRUSTED __attribute__((no_sanitize("address", "undefined")))

TRUSTED static void *
add_chunk(MemoryContext context, Size size, int odd)
{
	Context    *owner = (Context *) context;
	Chunk	   *chunk;

	CHECK(MemoryContextIsValid(context));
	CHECK(CritSectionCount == 0);
	if (size > fuzz_most_memory)
		fuzz_fail("too much memory was asked for", __FILE__, __LINE__);
	chunk = (Chunk *) ((char *) malloc(odd + sizeof(Chunk) + size) + odd);
	chunk->next = owner->chunks;
	chunk->previous = NULL;
	if (owner->chunks != NULL)
		owner->chunks->previous = chunk;
	owner->chunks = chunk;
	chunk->size = size;
	chunk->context = context;
	context->mem_allocated += size;
	ASAN_POISON_MEMORY_REGION(chunk, offsetof(Chunk, context));
	return chunk + 1;
}

TRUSTED static void
remove_chunk(Chunk *chunk)
{
	Context    *owner = (Context *) chunk->context;

	CHECK(MemoryContextIsValid(chunk->context));
	if (chunk->previous != NULL)
		chunk->previous->next = chunk->next;
	else
	{
		CHECK(owner->chunks == chunk);
		owner->chunks = chunk->next;
	}
	if (chunk->next != NULL)
		chunk->next->previous = chunk->previous;
	owner->data.mem_allocated -= chunk->size;
	free((char *) chunk - (uintptr_t) chunk % MAXIMUM_ALIGNOF);
}

TRUSTED static Chunk *
chunk_of(void *pointer)
{
	CHECK(pointer != NULL);
	return (Chunk *) pointer - 1;
}

TRUSTED static Size
size_of(void *pointer)
{
	return chunk_of(pointer)->size;
}

/* All of a context's memory. */
static void
remove_all(MemoryContext context)
{
	Context    *owner = (Context *) context;

	while (owner->chunks != NULL)
		remove_chunk(owner->chunks);
}

/* ---- contexts ---- */

static void
set_parent(MemoryContext context, MemoryContext parent)
{
	if (context->parent != NULL)
	{
		if (context->prevchild != NULL)
			context->prevchild->nextchild = context->nextchild;
		else
			context->parent->firstchild = context->nextchild;
		if (context->nextchild != NULL)
			context->nextchild->prevchild = context->prevchild;
	}
	context->parent = parent;
	context->prevchild = context->nextchild = NULL;
	if (parent == NULL)
		return;
	context->nextchild = parent->firstchild;
	if (parent->firstchild != NULL)
		parent->firstchild->prevchild = context;
	parent->firstchild = context;
}

void
MemoryContextSetParent(MemoryContext context, MemoryContext new_parent)
{
	CHECK(context != new_parent);
	set_parent(context, new_parent);
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size minContextSize,
							  Size initBlockSize, Size maxBlockSize)
{
	Context    *context = calloc(1, sizeof(Context));

	CHECK(CritSectionCount == 0);
	context->data.type = T_AllocSetContext;
	context->data.name = name;
	set_parent(&context->data, parent);
	return &context->data;
}

static void
call_back(MemoryContext context)
{
	while (context->reset_cbs != NULL)
	{
		MemoryContextCallback *callback = context->reset_cbs;

		context->reset_cbs = callback->next;
		callback->func(callback->arg);
	}
}

void
MemoryContextDelete(MemoryContext context)
{
	CHECK(MemoryContextIsValid(context) && context != CurrentMemoryContext);
	while (context->firstchild != NULL)
		MemoryContextDelete(context->firstchild);
	call_back(context);
	set_parent(context, NULL);
	remove_all(context);
	context->type = T_Invalid;
	free(context);
}

void
MemoryContextReset(MemoryContext context)
{
	CHECK(MemoryContextIsValid(context));
	while (context->firstchild != NULL)
		MemoryContextDelete(context->firstchild);
	call_back(context);
	remove_all(context);
}

void
MemoryContextRegisterResetCallback(MemoryContext context, MemoryContextCallback *cb)
{
	cb->next = context->reset_cbs;
	context->reset_cbs = cb;
}

Size
MemoryContextMemAllocated(MemoryContext context, bool recurse)
{
	Size		total = context->mem_allocated;

	if (recurse)
		for (MemoryContext child = context->firstchild; child != NULL; child = child->nextchild)
			total += MemoryContextMemAllocated(child, true);
	return total;
}

#if PG_VERSION_NUM >= 160000
MemoryContext
GetMemoryChunkContext(void *pointer)
{
	return chunk_of(pointer)->context;
}
#endif

/* ---- allocation ---- */

void *
MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	void	   *pointer;

	if ((flags & MCXT_ALLOC_HUGE) != 0 ? !AllocHugeSizeIsValid(size) : !AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	if (fuzz_fault("palloc") && size > 32)
		size--;
	pointer = add_chunk(context, size, fuzz_fault("align") ? 1 : 0);
	if ((flags & MCXT_ALLOC_ZERO) != 0)
		memset(pointer, 0, size);
	return pointer;
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, 0);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_ZERO);
}

void *
MemoryContextAllocZeroAligned(MemoryContext context, Size size)
{
	return MemoryContextAllocZero(context, size);
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_HUGE);
}

void *
palloc(Size size)
{
	return MemoryContextAlloc(CurrentMemoryContext, size);
}

void *
palloc0(Size size)
{
	return MemoryContextAllocZero(CurrentMemoryContext, size);
}

void *
palloc_extended(Size size, int flags)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, flags);
}

void
pfree(void *pointer)
{
	remove_chunk(chunk_of(pointer));
}

void *
repalloc_huge(void *pointer, Size size)
{
	void	   *new = MemoryContextAllocHuge(GetMemoryChunkContext(pointer), size);

	memcpy(new, pointer, Min(size, size_of(pointer)));
	pfree(pointer);
	return new;
}

void *
repalloc(void *pointer, Size size)
{
	if (!AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	return repalloc_huge(pointer, size);
}

char *
pnstrdup(const char *in, Size len)
{
	char	   *out;

	len = strnlen(in, len);
	out = palloc(len + 1);
	memcpy(out, in, len);
	out[len] = '\0';
	return out;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

char *
psprintf(const char *fmt,...)
{
	char		text[1024];
	va_list		args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return pstrdup(text);
}

/* ---- of an input ---- */

void *
fuzz_alloc(size_t size)
{
	return add_chunk(&input.data, size, 0);
}

void
fuzz_reset(void)
{
	int			kept = 0;

	CurrentMemoryContext = &input.data;
	MemoryContextReset(&input.data);
	for (MemoryContext child = top.data.firstchild; child != NULL; child = child->nextchild)
		if (++kept > MOST_KEPT)
			fuzz_fail("memory is kept that nobody finds again", __FILE__, __LINE__);
}
