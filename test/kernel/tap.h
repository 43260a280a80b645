/*
 * tap.h
 *	  What the checks of pure code share: TAP, numbers, and memory with an end.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int	ntests = 0;
static int	nfailed = 0;

static void
result(bool ok, const char *isa, const char *what)
{
	ntests++;
	nfailed += !ok;
	printf("%s %d - %s %s\n", ok ? "ok" : "not ok", ntests, isa, what);
	fflush(stdout);
}

/* xorshift64*: the same numbers everywhere */
static uint64_t state = 88172645463325252ULL;

static uint64_t
random_bits(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 2685821657736338717ULL;
}

static double
random_unit(void)
{
	return (double) (random_bits() >> 11) / 9007199254740992.0 * 2 - 1;
}

/* Bytes that end where the readable memory ends. */
static uint8_t *
guarded(size_t bytes)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);
	size_t		size = (bytes + page - 1) / page * page;
	uint8_t    *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + size, page, PROT_NONE) != 0)
	{
		perror("mmap");
		exit(2);
	}
	return p + size;
}

#endif							/* TAP_H */
