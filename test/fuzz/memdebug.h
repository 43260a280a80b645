/*
 * memdebug.h
 *	  In place of PostgreSQL's utils/memdebug.h, before which it is included:
 *	  what is looked at without a pin has to be within one page, and is shown.
 */
#ifndef MEMDEBUG_H
#define MEMDEBUG_H

#include <stddef.h>

extern void fuzz_look(const void *from, size_t size);

#define VALGRIND_MAKE_MEM_DEFINED(from, size) fuzz_look((from), (size))

#endif							/* MEMDEBUG_H */
