/*
 * poison.h
 *	  What PostgreSQL tells valgrind about its memory, for AddressSanitizer.
 *
 * A sanitized PostgreSQL is built with USE_VALGRIND and with this in the place
 * of valgrind's headers.  So what palloc has not given out, what is freed, and
 * the pages of buffers that a process has not pinned are closed to it, and not
 * only what malloc knows of.
 */
#ifndef VDB_POISON_H
#define VDB_POISON_H

#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_NOACCESS(addr, size) \
	__asan_poison_memory_region((addr), (size))
#define VALGRIND_MAKE_MEM_UNDEFINED(addr, size) \
	__asan_unpoison_memory_region((addr), (size))
#define VALGRIND_MAKE_MEM_DEFINED(addr, size) \
	__asan_unpoison_memory_region((addr), (size))
#define VALGRIND_MEMPOOL_ALLOC(context, addr, size) \
	__asan_unpoison_memory_region((addr), (size))

/*
 * The contexts close what they free themselves, as CLOBBER_FREED_MEMORY makes
 * them, and what is initialised is not known here.
 */
#define VALGRIND_MEMPOOL_FREE(context, addr) ((void) 0)
#define VALGRIND_MEMPOOL_CHANGE(context, from, to, size) ((void) 0)
#define VALGRIND_CREATE_MEMPOOL(context, redzones, zeroed) ((void) 0)
#define VALGRIND_DESTROY_MEMPOOL(context) ((void) 0)
#define VALGRIND_CHECK_MEM_IS_DEFINED(addr, size) ((void) 0)
#define VALGRIND_COUNT_ERRORS 0
#define VALGRIND_PRINTF(...) ((void) 0)

#endif
