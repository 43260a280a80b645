/*
 * settings.h
 *	  Options of indexes, and settings, as PostgreSQL takes them, for fuzzing.
 */
#ifndef VDB_FUZZ_SETTINGS_H
#define VDB_FUZZ_SETTINGS_H

#include "backend.h"

/* Makes those of the library known; once. */
extern void fuzz_settings_create(void);

/* SET name = value; false where there is none of that name, or value. */
extern bool fuzz_set(const char *name, const char *value);

/* RESET ALL. */
extern void fuzz_reset_all(void);

#endif							/* VDB_FUZZ_SETTINGS_H */
