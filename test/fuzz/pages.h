/*
 * pages.h
 *	  The targets of the program that has a whole index.
 */
#ifndef VDB_FUZZ_PAGES_H
#define VDB_FUZZ_PAGES_H

#include "input.h"

extern void fuzz_pages_prepare(void);
extern void fuzz_pages(Input in);
extern void fuzz_one_page(Input in);

extern void fuzz_options_prepare(void);
extern void fuzz_options(Input in);

#endif							/* VDB_FUZZ_PAGES_H */
