/*
 * backend.h
 *	  As much of a PostgreSQL backend as the types need, for fuzzing.
 *
 * Memory comes from malloc(), each piece by itself and no byte larger than
 * asked for, so that AddressSanitizer sees every read and write outside.
 */
#ifndef VDB_FUZZ_BACKEND_H
#define VDB_FUZZ_BACKEND_H

#include "postgres.h"

#include "fmgr.h"

#include "compat/compat.h"

/* The most arguments of a function here. */
#define FUZZ_MAX_ARGS 3

/*
 * Calls an SQL-callable function.  False after an error, whose SQLSTATE is
 * then in fuzz_sqlstate; *isnull tells whether the result is NULL.
 */
extern bool fuzz_call(PGFunction function, const Datum *args, int nargs,
					  Datum *result, bool *isnull);
extern int	fuzz_sqlstate;

/* Are errors saved, where the function can do that, instead of raised? */
extern bool fuzz_soft_errors;

/* Frees whatever has been allocated since the last time. */
extern void fuzz_reset(void);

/* Memory that goes with fuzz_reset(). */
extern void *fuzz_alloc(size_t size);

/* What AggCheckCallContext() and ArrayGetIntegerTypmods() answer. */
extern bool fuzz_in_aggregate;
extern int32 fuzz_typmods[2];
extern int	fuzz_ntypmods;

/* Ends the program, as a finding. */
pg_noreturn extern void fuzz_fail(const char *what, const char *file, int line);

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			fuzz_fail(#condition, __FILE__, __LINE__); \
	} while (0)

/*
 * Is it compiled with this fault (see README.md) and told to have it?  Proves
 * that the checks can fail.
 */
#ifdef VDB_FUZZ_SELFTEST
extern bool fuzz_fault(const char *name);
#else
#define fuzz_fault(name) false
#endif

#endif							/* VDB_FUZZ_BACKEND_H */
