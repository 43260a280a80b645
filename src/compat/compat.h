/*
 * compat.h
 *	  The differences between PostgreSQL 15, 16, 17 and 18.
 *
 * The only place that asks for the version.  What is missing in an older one
 * is defined under the newer one's name, so that a file here ends when its
 * version does.
 */
#ifndef VDB_COMPAT_H
#define VDB_COMPAT_H

#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "vecdb needs PostgreSQL 15 or later"
#endif

/* Macros for toasted values left postgres.h with 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * Soft errors came with 16.  Before, input functions are never asked for one,
 * so the error is raised.
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
#define ereturn(escontext, dummy_value, ...) \
	do { \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#define SOFT_ERROR_OCCURRED(escontext) (false)
#endif

/*
 * PG_FUNCTION_INFO_V1 that exports the function, too: until 16 it leaves that
 * to the linker's default, which here is not to.
 */
#define VDB_FUNCTION_INFO_V1(function) \
	extern PGDLLEXPORT Datum function(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(function)

/* Since 18 a module says what it is: pg_get_loaded_modules(). */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_MODULE_MAGIC(name_, version_) \
	PG_MODULE_MAGIC_EXT(.name = name_, .version = version_)
#else
#define VDB_COMPAT_MODULE_MAGIC(name_, version_) PG_MODULE_MAGIC
#endif

/* pg_noreturn came with 18, which took away pg_attribute_noreturn(). */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* Where a relation's files are. */
#if PG_VERSION_NUM >= 160000
#define VDB_COMPAT_LOCATOR(rel) ((rel)->rd_locator)
#define VDB_COMPAT_RELNUMBER(rel) ((rel)->rd_locator.relNumber)
#else
#define VDB_COMPAT_LOCATOR(rel) ((rel)->rd_node)
#define VDB_COMPAT_RELNUMBER(rel) ((rel)->rd_node.relNode)
typedef Oid RelFileNumber;
#endif

/*
 * The snapshot for reading TOAST tables, made in *space where it has to be.
 * Until 16 snapshots could be too old: what reads pages by itself must leave
 * the work to PostgreSQL where that is switched on.
 */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_TOAST_SNAPSHOT(space) ((void) (space), get_toast_snapshot())
#else
#define VDB_COMPAT_TOAST_SNAPSHOT(space) (init_toast_snapshot(space), (space))
#endif
#if PG_VERSION_NUM >= 170000
#define VDB_COMPAT_SNAPSHOTS_EXPIRE() (false)
#else
#define VDB_COMPAT_SNAPSHOTS_EXPIRE() (old_snapshot_threshold >= 0)
#endif

/*
 * Marks a path that must not be taken while there is any other.  Since 18
 * cost decides only between paths with as many disabled nodes: two are more
 * than those of a scan that the user has disabled.
 */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_DISABLE_PATH(path) ((path)->disabled_nodes = 2)
#else
#define VDB_COMPAT_DISABLE_PATH(path) ((void) (path))
#endif

/* Since 18 vacuum_delay_point() asks whether this is ANALYZE. */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_VACUUM_DELAY() vacuum_delay_point(false)
#else
#define VDB_COMPAT_VACUUM_DELAY() vacuum_delay_point()
#endif

/*
 * Has a relation's file grow by so many pages of zeroes, *extended of which it
 * gets, pinned, and returns the first.  Before 16 there was only one at a time.
 * The caller has the lock for it.
 */
#if PG_VERSION_NUM >= 160000
#define VDB_COMPAT_EXTEND(rel, pages, buffers, extended) \
	ExtendBufferedRelBy(BMR_REL(rel), MAIN_FORKNUM, NULL, EB_SKIP_EXTENSION_LOCK, (pages), \
						(buffers), (extended))
#else
#define VDB_COMPAT_EXTEND(rel, pages, buffers, extended) \
	((buffers)[0] = ReadBuffer((rel), P_NEW), *(extended) = 1, BufferGetBlockNumber((buffers)[0]))
#endif

/* Since 18 it asks whether to log that the lock is taken. */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_TRY_LOCK_TUPLE(rel, tid, mode) ConditionalLockTuple(rel, tid, mode, false)
#else
#define VDB_COMPAT_TRY_LOCK_TUPLE(rel, tid, mode) ConditionalLockTuple(rel, tid, mode)
#endif

/* Until 16 each kind of object had a function of its own. */
#if PG_VERSION_NUM >= 160000
#define VDB_COMPAT_OWNS_RELATION(oid, role) \
	object_ownercheck(RelationRelationId, (oid), (role))
#else
#define VDB_COMPAT_OWNS_RELATION(oid, role) pg_class_ownercheck((oid), (role))
#endif

/*
 * Since 17 maintenance commands evaluate what users have defined with a search
 * path of the system's only.
 */
#if PG_VERSION_NUM >= 170000
#define VDB_COMPAT_RESTRICT_SEARCH_PATH() RestrictSearchPath()
#else
#define VDB_COMPAT_RESTRICT_SEARCH_PATH() ((void) 0)
#endif

/* Since 18 a scan may be given where to count what it does. */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_BEGIN_INDEX_SCAN(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan((heap), (index), (snapshot), NULL, (nkeys), (norderbys))
#else
#define VDB_COMPAT_BEGIN_INDEX_SCAN(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan((heap), (index), (snapshot), (nkeys), (norderbys))
#endif

/* Since 18 EXPLAIN tells how many searches a scan was. */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_COUNT_SEARCH(scan) \
	do { \
		if ((scan)->instrument != NULL) \
			(scan)->instrument->nsearches++; \
	} while (0)
#else
#define VDB_COMPAT_COUNT_SEARCH(scan) ((void) 0)
#endif

/* Since 18 EXPLAIN asks who wants to add to what it tells of a node. */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_EXPLAINS_NODES 1
#else
#define VDB_COMPAT_EXPLAINS_NODES 0
#endif

/* What says which block is in a buffer. */
#if PG_VERSION_NUM >= 160000
#define VDB_COMPAT_INIT_TAG(tag, rel, block) \
	InitBufferTag((tag), &(rel)->rd_locator, MAIN_FORKNUM, (block))
#define VDB_COMPAT_TAGS_EQUAL(a, b) BufferTagsEqual((a), (b))
#else
#define VDB_COMPAT_INIT_TAG(tag, rel, block) \
	INIT_BUFFERTAG(*(tag), (rel)->rd_node, MAIN_FORKNUM, (block))
#define VDB_COMPAT_TAGS_EQUAL(a, b) BUFFERTAGS_EQUAL(*(a), *(b))
#endif

/* Since 16 it may be asked for a datum that stays. */
#if PG_VERSION_NUM >= 160000
#define VDB_COMPAT_SORT_DATUM(sort, value, isnull) \
	tuplesort_getdatum((sort), true, false, (value), (isnull), NULL)
#else
#define VDB_COMPAT_SORT_DATUM(sort, value, isnull) \
	tuplesort_getdatum((sort), true, (value), (isnull), NULL)
#endif

#endif							/* VDB_COMPAT_H */
