/*
 * columns.c
 *	  Filter columns of an index, and the codes of its rows.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "am/common/code.h"
#include "am/common/kind.h"

/*
 * How the values of an operator class's type become codes.  The class's type
 * counts, not the column's: the class may be for what the column's type is
 * taken as.
 */
static VdbAmCoding
coding_of(Oid type, uint16 *width)
{
	switch (type)
	{
		case BOOLOID:
			*width = 1;
			return VDB_AM_CODE_BOOL;
		case CHAROID:
			*width = 1;
			return VDB_AM_CODE_INT;
		case INT2OID:
			*width = 2;
			return VDB_AM_CODE_INT;
		case INT4OID:
		case OIDOID:
		case DATEOID:
			*width = 4;
			return VDB_AM_CODE_INT;
		case INT8OID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			*width = 8;
			return VDB_AM_CODE_INT;
		case FLOAT4OID:
			*width = 4;
			return VDB_AM_CODE_FLOAT;
		case FLOAT8OID:
			*width = 8;
			return VDB_AM_CODE_FLOAT;
		case NUMERICOID:
			*width = 8;
			return VDB_AM_CODE_NUMERIC;
		case UUIDOID:
			*width = 16;
			return VDB_AM_CODE_BYTES;
		case ANYARRAYOID:
			*width = 8;
			return VDB_AM_CODE_SET;
		case ANYENUMOID:
			*width = 4;
			return VDB_AM_CODE_OID;
	}
	if (type_is_enum(type))
		return coding_of(ANYENUMOID, width);
	if (type_is_array(type))
		return coding_of(ANYARRAYOID, width);
	*width = 4;
	return VDB_AM_CODE_HASH;
}

pg_noreturn static void
no_code(Relation index, int attno, Oid type, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" of type %s cannot be a filter column of %s index",
					NameStr(TupleDescAttr(RelationGetDescr(index), attno - 1)->attname),
					format_type_be(type), get_am_name(index->rd_rel->relam)),
			 errdetail_internal("%s", why),
			 errhint("Make a b-tree or GIN index on the column: it is combined with this one.")));
}

/* The hash function of a type's values, the family that it is of, and that one's type. */
static const TypeCacheEntry *
open_hash(Relation index, int attno, Oid type, VdbAmColumn *column)
{
	const TypeCacheEntry *entry =
		lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC);

	if (!OidIsValid(entry->hash_proc))
		no_code(index, attno, type, psprintf(_("Type %s has no default hash operator class."),
											 format_type_be(type)));
	fmgr_info(entry->hash_proc, &column->hash);
	return entry;
}

/* Values that the operator class takes as equal must have the same hash. */
static void
open_hashed(Relation index, int attno, Oid type, VdbAmColumn *column)
{
	const TypeCacheEntry *entry = open_hash(index, attno, type, column);
	Oid			equal = get_opfamily_member(index->rd_opfamily[attno - 1], column->type,
											column->type, VDB_AM_EQUAL);

	column->hash_family = entry->hash_opf;
	if (!OidIsValid(equal) || !op_in_opfamily(equal, entry->hash_opf))
		no_code(index, attno, type,
				_("The equality operator of its operator class is not that of its default hash operator class."));
}

static void
open_set(Relation index, int attno, Oid type, VdbAmColumn *column)
{
	Oid			element = get_base_element_type(type);

	(void) open_hash(index, attno, element, column);
	get_typlenbyvalalign(element, &column->elem_len, &column->elem_byval, &column->elem_align);
}

static void
open_column(Relation index, int attno, VdbAmColumn *column)
{
	Oid			type = getBaseType(TupleDescAttr(RelationGetDescr(index), attno - 1)->atttypid);

	if (OidIsValid(index_getprocid(index, attno, VDB_AM_KIND_PROC)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("only the first column of %s index can be a vector",
						get_am_name(index->rd_rel->relam)),
				 errhint("Make another index on the other vector.")));
	column->type = index->rd_opcintype[attno - 1];
	column->collation = index->rd_indcollation[attno - 1];
	column->coding = coding_of(column->type, &column->width);
	if (column->coding == VDB_AM_CODE_HASH)
		open_hashed(index, attno, type, column);
	else if (column->coding == VDB_AM_CODE_SET)
		open_set(index, attno, type, column);
}

void
vdb_am_columns_open(Relation index, VdbAmColumns *columns)
{
	memset(columns, 0, sizeof(*columns));
	columns->n = IndexRelationGetNumberOfKeyAttributes(index) - 1;
	if (columns->n == 0)
		return;
	(void) vdb_am_kind(index);	/* the error of a first one that is no vector comes first */
	columns->column = palloc0(columns->n * sizeof(VdbAmColumn));
	for (uint32 i = 0; i < columns->n; i++)
	{
		VdbAmColumn *column = &columns->column[i];

		open_column(index, i + 2, column);
		column->at = columns->size;
		columns->size += column->width;
		columns->mark = hash_combine(columns->mark,
									 murmurhash32((uint32) column->coding << 16 | column->width));
	}
}

static void
write_code(VdbAmCode code, int width, char *out)
{
	uint8		one = code.lo;
	uint16		two = code.lo;
	uint32		four = code.lo;

	switch (width)
	{
		case 1:
			memcpy(out, &one, sizeof(one));
			break;
		case 2:
			memcpy(out, &two, sizeof(two));
			break;
		case 4:
			memcpy(out, &four, sizeof(four));
			break;
		case 8:
			memcpy(out, &code.lo, sizeof(code.lo));
			break;
		default:
			memcpy(out, &code, sizeof(code));
	}
}

bool
vdb_am_columns_are(Relation index, uint32 size, uint32 mark)
{
	VdbAmColumns columns;

	vdb_am_columns_open(index, &columns);
	return columns.size == size && columns.mark == mark;
}

void
vdb_am_columns_check(Relation index, uint32 size, uint32 mark)
{
	if (!vdb_am_columns_are(index, size, mark))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("index \"%s\" must be rebuilt", RelationGetRelationName(index)),
				errdetail("It has other codes of its filter columns than this version of vecdb."),
				errhint("REINDEX INDEX makes it anew."));
}

void
vdb_am_columns_encode(const VdbAmColumns *columns, const Datum *values, const bool *isnull,
					  char *codes)
{
	for (uint32 i = 0; i < columns->n; i++)
	{
		const VdbAmColumn *column = &columns->column[i];
		VdbAmCode	code = {0, 0};

		/* values and isnull begin with the vector's */
		if (!isnull[i + 1])
			code = vdb_am_code_kept(vdb_am_code(column, values[i + 1]));
		write_code(code, column->width, codes + column->at);
	}
}
