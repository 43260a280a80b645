/*
 * validate.c
 *	  Is an operator class one that the access methods can use?
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "am/common/filter.h"
#include "am/common/handler.h"
#include "am/common/kind.h"

/* What a complaint is about. */
typedef struct Family
{
	char	   *name;
	char	   *method;
	bool		filters;		/* of columns to filter by, not of vectors */
} Family;

/* Says what is wrong, which makes valid false. */
#define COMPLAIN(valid, ...) \
	do { \
		ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg(__VA_ARGS__))); \
		(valid) = false; \
	} while (0)

static char *
family_name(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(oid));
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator family %u", oid);
	name = pstrdup(NameStr(((Form_pg_opfamily) GETSTRUCT(tuple))->opfname));
	ReleaseSysCache(tuple);
	return name;
}

static bool
valid_function(const Family *family, Form_pg_amproc proc)
{
	bool		valid = true;

	if (proc->amproclefttype != proc->amprocrighttype)
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains support function %s with different left and right input types",
				 family->name, family->method,
				 format_procedure(proc->amproc));
	if (proc->amprocnum != VDB_AM_KIND_PROC)
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains function %s with invalid support number %d",
				 family->name, family->method,
				 format_procedure(proc->amproc), proc->amprocnum);
	else if (!check_amproc_signature(proc->amproc, INTERNALOID, true, 1, 1, INTERNALOID))
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains function %s with wrong signature for support number %d",
				 family->name, family->method,
				 format_procedure(proc->amproc), proc->amprocnum);
	return valid;
}

/* Of filter columns: a comparison; values that are equal are found by their hash. */
static bool
valid_comparison(const Family *family, Form_pg_amop op)
{
	bool		valid = true;
	RegProcedure left,
				right;

	if (op->amopstrategy < VDB_AM_LESS || op->amopstrategy > VDB_AM_CONTAINS)
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains operator %s with invalid strategy number %d",
				 family->name, family->method,
				 format_operator(op->amopopr), op->amopstrategy);
	if (op->amopstrategy == VDB_AM_EQUAL && op->amoplefttype == op->amoprighttype &&
		!get_op_hash_functions(op->amopopr, &left, &right))
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains operator %s, which is not the equality of a hash operator class",
				 family->name, family->method,
				 format_operator(op->amopopr));
	if (!check_amop_signature(op->amopopr, BOOLOID, op->amoplefttype, op->amoprighttype))
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains operator %s with wrong signature",
				 family->name, family->method,
				 format_operator(op->amopopr));
	return valid;
}

/* Of vectors: a distance. */
static bool
valid_distance(const Family *family, Form_pg_amop op)
{
	bool		valid = true;

	if (op->amopstrategy != VDB_AM_DISTANCE_STRATEGY)
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains operator %s with invalid strategy number %d",
				 family->name, family->method,
				 format_operator(op->amopopr), op->amopstrategy);

	/* Vectors are found by their distance, in order of it, and by nothing else. */
	if (op->amoppurpose != AMOP_ORDER)
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains invalid search specification for operator %s",
				 family->name, family->method,
				 format_operator(op->amopopr));
	else if (!opfamily_can_sort_type(op->amopsortfamily, FLOAT8OID))
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains invalid ORDER BY specification for operator %s",
				 family->name, family->method,
				 format_operator(op->amopopr));

	if (!check_amop_signature(op->amopopr, FLOAT8OID, op->amoplefttype, op->amoprighttype))
		COMPLAIN(valid, "operator family \"%s\" of access method %s contains operator %s with wrong signature",
				 family->name, family->method,
				 format_operator(op->amopopr));
	return valid;
}

/*
 * The class itself: of vectors, exactly one operator and one function for its
 * type; of filter columns, at least equality.
 */
static bool
complete(const Family *family, Form_pg_opclass opclass, CatCList *operators, CatCList *functions)
{
	const char *method = family->method;
	bool		valid = true;
	bool		equality = false;
	int			noperators = 0;
	int			nfunctions = 0;

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amoplefttype == opclass->opcintype && op->amoprighttype == opclass->opcintype)
		{
			noperators++;
			equality |= op->amopstrategy == VDB_AM_EQUAL;
		}
	}
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc) GETSTRUCT(&functions->members[i]->tuple);

		if (proc->amproclefttype == opclass->opcintype &&
			proc->amprocrighttype == opclass->opcintype &&
			proc->amprocnum == VDB_AM_KIND_PROC)
			nfunctions++;
	}
	if (family->filters && !equality)
		COMPLAIN(valid, "operator class \"%s\" of access method %s is missing operator %d",
				 NameStr(opclass->opcname), method, VDB_AM_EQUAL);
	if (!family->filters && noperators != 1)
		COMPLAIN(valid, "operator class \"%s\" of access method %s must have exactly one operator for its type",
				 NameStr(opclass->opcname), method);
	if (!family->filters && nfunctions != 1)
		COMPLAIN(valid, "operator class \"%s\" of access method %s is missing support function %d",
				 NameStr(opclass->opcname), method, VDB_AM_KIND_PROC);
	if (OidIsValid(opclass->opckeytype))
		COMPLAIN(valid, "operator class \"%s\" of access method %s must not store another type",
				 NameStr(opclass->opcname), method);
	return valid;
}

/* Nothing in the family is what only vectors have: a function, a distance. */
static bool
is_of_filters(CatCList *operators, CatCList *functions)
{
	for (int i = 0; i < operators->n_members; i++)
	{
		if (((Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple))->amoppurpose == AMOP_ORDER)
			return false;
	}
	return functions->n_members == 0;
}

bool
vdb_am_validate(Oid opclassoid)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclassoid));
	Form_pg_opclass opclass;
	Family		family;
	CatCList   *operators;
	CatCList   *functions;
	bool		valid = true;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclassoid);
	opclass = (Form_pg_opclass) GETSTRUCT(tuple);
	family.name = family_name(opclass->opcfamily);
	family.method = get_am_name(opclass->opcmethod);
	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(opclass->opcfamily));
	functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(opclass->opcfamily));
	family.filters = is_of_filters(operators, functions);

	for (int i = 0; i < functions->n_members; i++)
		valid &= valid_function(&family,
								(Form_pg_amproc) GETSTRUCT(&functions->members[i]->tuple));
	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		valid &= family.filters ? valid_comparison(&family, op) : valid_distance(&family, op);
	}
	valid &= complete(&family, opclass, operators, functions);

	ReleaseCatCacheList(functions);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(tuple);
	return valid;
}
