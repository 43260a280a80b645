/*
 * unreached.c
 *	  Functions that the library calls elsewhere, in planning, for bitmaps and
 *	  for builds of more rows than memory has room for: not from what is fuzzed.
 *
 * No header of PostgreSQL is included, because these have other types.
 */
extern void fuzz_fail(const char *what, const char *file, int line);

#define UNREACHED(name) \
	extern void name(void); \
	void \
	name(void) \
	{ \
		fuzz_fail("a call of " #name, __FILE__, __LINE__); \
	} \
	extern int	no_such_variable

UNREACHED(vdb_am_cost);
UNREACHED(vdb_am_fraction);
UNREACHED(vdb_am_is_filtered);
UNREACHED(vdb_am_share);
UNREACHED(vdb_am_uncached);
UNREACHED(vdb_am_validate);
UNREACHED(BufFileClose);
UNREACHED(BufFileCreateTemp);
UNREACHED(BufFileRead);
UNREACHED(BufFileSeek);
UNREACHED(BufFileWrite);
UNREACHED(errcode_for_file_access);
UNREACHED(GetActiveSnapshot);
UNREACHED(GetIndexAmRoutineByAmId);
UNREACHED(index_close);
UNREACHED(index_open);
UNREACHED(index_pages_fetched);
UNREACHED(log_newpage_buffer);
UNREACHED(pgstat_assoc_relation);
UNREACHED(slot_getsomeattrs_int);
UNREACHED(smgrimmedsync);
UNREACHED(smgropen);
UNREACHED(smgrpin);
UNREACHED(smgrsetowner);
UNREACHED(tbm_begin_iterate);
UNREACHED(tbm_end_iterate);
UNREACHED(tbm_iterate);
UNREACHED(tuplesort_begin_datum);
UNREACHED(tuplesort_getdatum);
UNREACHED(tuplesort_putdatum);
