/*
 * backend.h
 *	  As much of a PostgreSQL backend as the types need, for fuzzing.
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

/* What the last error said. */
extern const char *fuzz_message(void);

/*
 * Ends an input: what CurrentMemoryContext was at its beginning becomes that
 * again, without any memory.
 */
extern void fuzz_reset(void);

/* More than this, in one piece, nobody has a reason to ask for. */
extern Size fuzz_most_memory;

/* Memory that goes with fuzz_reset(). */
extern void *fuzz_alloc(size_t size);

/* What AggCheckCallContext() answers. */
extern bool fuzz_in_aggregate;

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
