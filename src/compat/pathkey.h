/*
 * pathkey.h
 *	  What the planner knows of orders.
 */
#ifndef VDB_COMPAT_PATHKEY_H
#define VDB_COMPAT_PATHKEY_H

#include "access/stratnum.h"
#include "nodes/pathnodes.h"
#include "optimizer/paths.h"

#include "compat/compat.h"

/* Is it the largest that comes first? */
#if PG_VERSION_NUM >= 180000
#define VDB_COMPAT_IS_DESCENDING(pathkey) ((pathkey)->pk_cmptype == COMPARE_GT)
#define VDB_COMPAT_SET_ASCENDING(pathkey) ((pathkey)->pk_cmptype = COMPARE_LT)
#else
#define VDB_COMPAT_IS_DESCENDING(pathkey) ((pathkey)->pk_strategy == BTGreaterStrategyNumber)
#define VDB_COMPAT_SET_ASCENDING(pathkey) ((pathkey)->pk_strategy = BTLessStrategyNumber)
#endif

/*
 * The next of the expressions that are equal, or NULL.  Since 18 those of a
 * partition are not where the others are.
 */
typedef struct VdbCompatMembers
{
#if PG_VERSION_NUM >= 180000
	EquivalenceMemberIterator iterator;
#else
	List	   *members;
	int			next;
#endif
} VdbCompatMembers;

static inline void
vdb_compat_members_begin(VdbCompatMembers *walk, EquivalenceClass *ec, Relids relids)
{
#if PG_VERSION_NUM >= 180000
	setup_eclass_member_iterator(&walk->iterator, ec, relids);
#else
	walk->members = ec->ec_members;
	walk->next = 0;
#endif
}

static inline EquivalenceMember *
vdb_compat_members_next(VdbCompatMembers *walk)
{
#if PG_VERSION_NUM >= 180000
	return eclass_member_iterator_next(&walk->iterator);
#else
	return walk->next < list_length(walk->members) ?
		(EquivalenceMember *) list_nth(walk->members, walk->next++) : NULL;
#endif
}

#endif							/* VDB_COMPAT_PATHKEY_H */
