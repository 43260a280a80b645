/*
 * open.c
 *	  Whose index it is, and whether it is one of ours.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "admin/admin.h"
#include "am/hnsw/hnsw.h"
#include "am/ivf/ivf.h"
#include "compat/compat.h"

pg_noreturn static void
not_ours(const char *name)
{
	ereport(ERROR,
			errcode(ERRCODE_WRONG_OBJECT_TYPE),
			errmsg("\"%s\" is not an index of vecdb", name),
			errhint("Its access method has to be hnsw, ivf or ivfflat."));
}

/* May the user select from the index's table? */
static bool
may_select(Oid index)
{
	Oid			table = IndexGetRelation(index, true);

	return OidIsValid(table) &&
		pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/* What can be told before anything is locked. */
static void
check_access(Oid oid, bool reader)
{
	char	   *name = get_rel_name(oid);
	char		kind = get_rel_relkind(oid);

	if (name == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", oid));
	if (!VDB_COMPAT_OWNS_RELATION(oid, GetUserId()) && !(reader && may_select(oid)))
		aclcheck_error(reader ? ACLCHECK_NO_PRIV : ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(kind), name);
	if (kind == RELKIND_PARTITIONED_INDEX)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is a partitioned index, which has no pages", name),
				errhint("Name the index of one of its partitions."));
	if (kind != RELKIND_INDEX)
		not_ours(name);
	pfree(name);
}

static void
open_index(VdbAdminIndex *admin, Oid index, LOCKMODE heap_lock, bool reader)
{
	Oid			table;

	check_access(index, reader);
	/* The table first, as everybody does. */
	table = IndexGetRelation(index, true);
	admin->heap = OidIsValid(table) ? table_open(table, heap_lock) : NULL;
	admin->index = index_open(index, AccessShareLock);
	admin->heap_lock = heap_lock;
	/* It may have been dropped, and something else made, while we waited. */
	if (admin->heap == NULL || IndexGetRelation(index, false) != table)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("index with OID %u does not exist any more", index));
	if (!vdb_ivf_is_index(admin->index) && !vdb_hnsw_is_index(admin->index))
		not_ours(RelationGetRelationName(admin->index));
	if (RELATION_IS_OTHER_TEMP(admin->index))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot access temporary indexes of other sessions"));
}

void
vdb_admin_open(VdbAdminIndex *admin, Oid index, LOCKMODE heap_lock)
{
	open_index(admin, index, heap_lock, false);
}

void
vdb_admin_open_reader(VdbAdminIndex *admin, Oid index)
{
	open_index(admin, index, AccessShareLock, true);
}

void
vdb_admin_close(VdbAdminIndex *admin)
{
	index_close(admin->index, AccessShareLock);
	table_close(admin->heap, admin->heap_lock);
}

void
vdb_admin_need_valid(VdbAdminIndex *admin)
{
	if (!admin->index->rd_index->indisvalid)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("index \"%s\" is not valid", RelationGetRelationName(admin->index)),
				errhint("Its concurrent build has failed, or is not done. REINDEX INDEX makes it anew."));
}

void
vdb_admin_become_owner(VdbAdminIndex *admin)
{
	GetUserIdAndSecContext(&admin->user, &admin->context);
	SetUserIdAndSecContext(admin->heap->rd_rel->relowner,
						   admin->context | SECURITY_RESTRICTED_OPERATION);
	admin->nest_level = NewGUCNestLevel();
	VDB_COMPAT_RESTRICT_SEARCH_PATH();
}

void
vdb_admin_become_self(VdbAdminIndex *admin)
{
	AtEOXact_GUC(false, admin->nest_level);
	SetUserIdAndSecContext(admin->user, admin->context);
}
