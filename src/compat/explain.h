/*
 * explain.h
 *	  What EXPLAIN tells with, which since 18 is in headers of its own.
 */
#ifndef VDB_COMPAT_EXPLAIN_H
#define VDB_COMPAT_EXPLAIN_H

#include "commands/explain.h"

#include "compat/compat.h"

#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

#endif							/* VDB_COMPAT_EXPLAIN_H */
