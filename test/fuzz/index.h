/*
 * index.h
 *	  What statements do with an index, for fuzzing.
 *
 * Each is one of its own: it begins without locks, and ends without, by an
 * error that a user may see or without one, or else the program ends.
 */
#ifndef VDB_FUZZ_INDEX_H
#define VDB_FUZZ_INDEX_H

#include "table.h"

#include "access/skey.h"

#include "scan/tids.h"

/* Is nothing wrong with the index?  Then there are no errors, and no problems. */
extern bool fuzz_sound;

/* May the index be one that cannot be made? */
extern bool fuzz_refusable;

/* Statements that were run, of all inputs. */
extern uint64 fuzz_statements;

typedef struct FuzzSearch
{
	Datum		query;
	bool		null;			/* it is NULL */
	int			nkeys;
	ScanKeyData keys[FUZZ_MAX_COLUMNS];
	const VdbScanTids *within;
	int			part;			/* VdbAmPart */
	int			rows;			/* so many, and then the scan ends */
	int			times;			/* so often, by amrescan() */
} FuzzSearch;

/* Each returns false after an error. */
extern bool fuzz_run(void (*statement) (void *arg), void *arg);
extern bool fuzz_build(void);
extern bool fuzz_search(const FuzzSearch *search);

/* The table's next rows, so many. */
extern bool fuzz_insert(int rows, bool unchanged);

/* What is not live leaves the index; without deleted rows there is a cleanup only. */
extern bool fuzz_vacuum(bool deleted);
extern bool fuzz_check(bool deep);
extern bool fuzz_census(void);

#endif							/* VDB_FUZZ_INDEX_H */
