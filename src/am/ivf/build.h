/*
 * build.h
 *	  Phases of a build, as pg_stat_progress_create_index shows them.
 */
#ifndef VDB_IVF_BUILD_H
#define VDB_IVF_BUILD_H

/* 1 is PostgreSQL's "initializing". */
#define VDB_IVF_PHASE_SAMPLE 2
#define VDB_IVF_PHASE_TRAIN 3
#define VDB_IVF_PHASE_ASSIGN 4
#define VDB_IVF_PHASE_WRITE 5

extern char *vdb_ivf_phase_name(int64 phase);

#endif							/* VDB_IVF_BUILD_H */
