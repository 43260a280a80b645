/*
 * world.h
 *	  Tables and indexes to begin with.
 */
#ifndef VDB_FUZZ_WORLD_H
#define VDB_FUZZ_WORLD_H

#include "table.h"

/* What an index is over: all that there are. */
typedef struct FuzzKind
{
	const char *type;
	PGFunction	kind;
	PGFunction	distance;
} FuzzKind;

#define FUZZ_NKINDS 18

extern const FuzzKind fuzz_kinds[FUZZ_NKINDS];

/* A vector of that type, by its text (of bits: 1 for a number above 0). */
extern Datum fuzz_vector(const char *type, const float *x, int dim);

/* A value of a filter column, of some hundred different ones. */
extern Datum fuzz_value(Oid type, uint32 number);

/* An index as it was built, and changed since. */
typedef struct FuzzWorld
{
	FuzzTable	table;
	BlockNumber nblocks;
	char	   *pages;
	bool		free[FUZZ_MAX_BLOCKS];
	int			nrows;
	bool		live[FUZZ_MAX_ROWS];
} FuzzWorld;

extern FuzzWorld fuzz_worlds[];
extern int	fuzz_nworlds;

/* Makes all of them; once. */
extern void fuzz_worlds_create(void);

/* Opens one, as it was when it was made. */
extern void fuzz_world_open(const FuzzWorld *world);

#endif							/* VDB_FUZZ_WORLD_H */
