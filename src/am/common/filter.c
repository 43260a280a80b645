/*
 * filter.c
 *	  Which rows a scan is for.
 *
 * The conditions on a column become one range of its codes, as far as they can
 * be, and tests beside it: lists to be in, bits to have.  All is worked out in
 * raw codes, of which the index keeps two as one (see code.h).
 */
#include "postgres.h"

#include "access/genam.h"
#include "lib/qunique.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "am/common/code.h"

typedef enum TestKind
{
	NEVER,
	RANGE_1,					/* a code of 1 byte is in a range */
	RANGE_2,
	RANGE_4,
	RANGE_8,
	RANGE_16,
	ALL_BITS,					/* a set has all bits of a mask */
	ANY_BIT,					/* a set has any of them */
	LISTED						/* a code is in a list */
} TestKind;

struct VdbAmTest
{
	TestKind	kind;
	uint16		at;				/* of the code in a row's */
	uint16		width;
	VdbAmCode	low;			/* ranges: the least; sets: the mask */
	VdbAmCode	high;			/* the greatest */
	uint64		span;			/* high - low, of codes that are no longer */
	uint32		n;				/* of the list, in order */
	VdbAmCode  *list;
};

/* What is known of a column's value as the conditions are gone through. */
typedef struct Condition
{
	bool		null;			/* it is NULL */
	bool		some;			/* it is not */
	bool		bits;			/* there are tests of its bits */
	VdbAmCode	low;			/* its raw code's least */
	VdbAmCode	high;			/* and greatest */
} Condition;

/* What the conditions are gone through with. */
typedef struct Compile
{
	VdbAmFilter *filter;
	const VdbAmColumn *column;	/* of the key at hand */
	Condition  *condition;		/* on it */
} Compile;

/* A part of raw codes, or none of them: then low is after high. */
typedef struct Range
{
	VdbAmCode	low;
	VdbAmCode	high;
} Range;

static const Range no_codes = {.low = {0, 1}, .high = {0, 0}};

static inline VdbAmCode
read_code(const char *at, int width)
{
	VdbAmCode	code = {0, 0};
	uint32		four;
	uint16		two;

	switch (width)
	{
		case 1:
			code.lo = *(const uint8 *) at;
			break;
		case 2:
			memcpy(&two, at, sizeof(two));
			code.lo = two;
			break;
		case 4:
			memcpy(&four, at, sizeof(four));
			code.lo = four;
			break;
		case 8:
			memcpy(&code.lo, at, sizeof(code.lo));
			break;
		default:
			memcpy(&code, at, sizeof(code));
	}
	return code;
}

static bool
is_listed(const VdbAmTest *test, VdbAmCode code)
{
	uint32		low = 0;
	uint32		n = test->n;

	while (n > 1)
	{
		uint32		half = n / 2;

		if (vdb_am_code_compare(test->list[low + half], code) <= 0)
			low += half;
		n -= half;
	}
	return vdb_am_code_compare(test->list[low], code) == 0;
}

static inline bool
passes(const VdbAmTest *test, const char *at)
{
	VdbAmCode	code;

	/* A code before the least wraps around, and is more than the span away. */
	switch (test->kind)
	{
		case NEVER:
			return false;
		case RANGE_1:
			return read_code(at, 1).lo - test->low.lo <= test->span;
		case RANGE_2:
			return read_code(at, 2).lo - test->low.lo <= test->span;
		case RANGE_4:
			return read_code(at, 4).lo - test->low.lo <= test->span;
		case RANGE_8:
			return read_code(at, 8).lo - test->low.lo <= test->span;
		case RANGE_16:
			code = read_code(at, 16);
			return vdb_am_code_compare(code, test->low) >= 0 &&
				vdb_am_code_compare(code, test->high) <= 0;
		case ALL_BITS:
			return (read_code(at, 8).lo & test->low.lo) == test->low.lo;
		case ANY_BIT:
			return (read_code(at, 8).lo & test->low.lo) != 0;
		case LISTED:
			return is_listed(test, read_code(at, test->width));
	}
	pg_unreachable();
}

/*
 * Which rows pass is hard to foresee, so that a branch costs more than what it
 * would save, unless that is the search of a list; these come last.
 */
bool
vdb_am_filter_codes(const VdbAmFilter *filter, const char *codes)
{
	bool		pass = true;

	for (uint32 i = 0; i < filter->ntests; i++)
	{
		const VdbAmTest *test = &filter->tests[i];

		if (test->kind == LISTED && !pass)
			return false;
		pass &= passes(test, codes + test->at);
	}
	return pass;
}

static VdbAmTest *
add_test(VdbAmFilter *filter, const VdbAmColumn *column, TestKind kind)
{
	VdbAmTest  *test = &filter->tests[filter->ntests++];

	memset(test, 0, sizeof(*test));
	test->kind = kind;
	test->at = column->at;
	test->width = column->width;
	return test;
}

/* A range of codes as the index keeps them. */
static void
add_range(VdbAmFilter *filter, const VdbAmColumn *column, VdbAmCode low, VdbAmCode high)
{
	TestKind	kind = column->width == 1 ? RANGE_1 : column->width == 2 ? RANGE_2 :
		column->width == 4 ? RANGE_4 : column->width == 8 ? RANGE_8 : RANGE_16;
	VdbAmTest  *test = add_test(filter, column, kind);

	test->low = low;
	test->high = high;
	test->span = high.lo - low.lo;
}

static void
add_mask(Compile *compile, TestKind kind, uint64 mask)
{
	add_test(compile->filter, compile->column, kind)->low.lo = mask;
	compile->condition->bits = true;
}

/*
 * The raw codes that a comparison with a constant lets through.  Where values
 * share codes, one that is the constant's may be on either side of it.
 */
static Range
range_of(const VdbAmColumn *column, StrategyNumber strategy, const VdbAmPlace *place)
{
	bool		shared = vdb_am_code_shared(column);
	bool		with_it = place->exact && (shared || strategy == VDB_AM_LESS_EQUAL ||
										   strategy == VDB_AM_EQUAL ||
										   strategy == VDB_AM_GREATER_EQUAL);
	Range		range = {.high = vdb_am_code_greatest(column->width)};
	VdbAmCode	none = {0, 0};

	switch (strategy)
	{
		case VDB_AM_LESS:
		case VDB_AM_LESS_EQUAL:
			if (place->beyond)
				return range;
			range.high = place->at;
			if (with_it)
				return range;
			if (vdb_am_code_compare(place->at, none) == 0)
				return no_codes;
			range.high = vdb_am_code_previous(place->at);
			return range;
		case VDB_AM_EQUAL:
			return place->exact ? (Range) {place->at, place->at} : no_codes;
		default:				/* VDB_AM_GREATER, VDB_AM_GREATER_EQUAL */
			if (place->beyond)
				return no_codes;
			range.low = place->at;
			if (with_it || !place->exact)
				return range;
			if (vdb_am_code_compare(place->at, range.high) == 0)
				return no_codes;
			range.low = vdb_am_code_next(place->at);
			return range;
	}
}

/* Do a column's codes tell of a condition? */
static bool
is_told(const VdbAmColumn *column, const ScanKeyData *key)
{
	if (key->sk_strategy == VDB_AM_OVERLAPS || key->sk_strategy == VDB_AM_CONTAINS)
		return column->coding == VDB_AM_CODE_SET && (key->sk_flags & SK_SEARCHARRAY) == 0;
	return key->sk_strategy == VDB_AM_EQUAL || vdb_am_code_ordered(column);
}

static void
narrow(Compile *compile, Range range)
{
	Condition  *condition = compile->condition;

	if (vdb_am_code_compare(range.low, condition->low) > 0)
		condition->low = range.low;
	if (vdb_am_code_compare(range.high, condition->high) < 0)
		condition->high = range.high;
}

static int
compare_codes(const void *a, const void *b)
{
	return vdb_am_code_compare(*(const VdbAmCode *) a, *(const VdbAmCode *) b);
}

/* One of some codes, of which there is at least one. */
static void
add_list(Compile *compile, VdbAmCode *list, size_t n)
{
	VdbAmCode	first,
				last;
	VdbAmTest  *test;

	qsort(list, n, sizeof(*list), compare_codes);
	n = qunique(list, n, sizeof(*list), compare_codes);
	first = list[0];
	last = list[n - 1];
	narrow(compile, (Range) {first, last});
	if (last.hi == first.hi && last.lo - first.lo == n - 1)
		return;					/* all that there are from first to last */
	list[0] = vdb_am_code_kept(first);
	test = add_test(compile->filter, compile->column, LISTED);
	test->list = list;
	test->n = qunique(list, n, sizeof(*list), compare_codes);
}

/* Sets are asked for elements, of which those that are NULL are in none. */
static void
apply_set(Compile *compile, StrategyNumber strategy, Datum argument)
{
	uint64		bits = vdb_am_code(compile->column, argument).lo;
	uint64		elements = bits & ~VDB_AM_SET_BIT;

	if (strategy == VDB_AM_CONTAINS)
		add_mask(compile, ALL_BITS, bits);
	else if (elements != 0)
		add_mask(compile, ANY_BIT, elements);
	else
		narrow(compile, no_codes);
}

/* column OPERATOR constant */
static void
apply_one(Compile *compile, const ScanKeyData *key)
{
	VdbAmPlace	place;

	if (key->sk_strategy == VDB_AM_OVERLAPS || key->sk_strategy == VDB_AM_CONTAINS)
		apply_set(compile, key->sk_strategy, key->sk_argument);
	else if (vdb_am_code_place(compile->column, key->sk_subtype, key->sk_func.fn_oid,
							   key->sk_argument, &place))
		narrow(compile, range_of(compile->column, key->sk_strategy, &place));
}

/*
 * column OPERATOR ANY (values): a list for equality; an inequality is that
 * with the value that lets most through.
 */
static void
apply_any(Compile *compile, const ScanKeyData *key, const Datum *values, int n)
{
	VdbAmCode  *list = palloc(Max(n, 1) * sizeof(VdbAmCode));
	Range		widest = no_codes;
	int			nlist = 0;

	for (int i = 0; i < n; i++)
	{
		VdbAmPlace	place;
		Range		range;

		if (!vdb_am_code_place(compile->column, key->sk_subtype, key->sk_func.fn_oid,
							   values[i], &place))
			return;
		range = range_of(compile->column, key->sk_strategy, &place);
		if (vdb_am_code_compare(range.low, range.high) > 0)
			continue;
		if (nlist == 0 || vdb_am_code_compare(range.low, widest.low) < 0)
			widest.low = range.low;
		if (nlist == 0 || vdb_am_code_compare(range.high, widest.high) > 0)
			widest.high = range.high;
		list[nlist++] = range.low;
	}
	if (key->sk_strategy == VDB_AM_EQUAL && nlist > 0)
		add_list(compile, list, nlist);
	else
		narrow(compile, widest);
}

/* The values of an array that are not NULL, to which none is equal. */
static int
array_values(Datum array_datum, Datum **values)
{
	ArrayType  *array = DatumGetArrayTypeP(array_datum);
	int16		len;
	bool		byval;
	char		align;
	bool	   *nulls;
	int			n,
				some = 0;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &len, &byval, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), len, byval, align, values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			(*values)[some++] = (*values)[i];
	}
	return some;
}

/* A condition on a filter column.  Operators let no NULL through. */
static void
apply(Compile *compile, const ScanKeyData *key)
{
	Datum	   *values;
	int			n;

	if ((key->sk_flags & SK_SEARCHNULL) != 0)
	{
		compile->condition->null = true;
		return;
	}
	compile->condition->some = true;
	if ((key->sk_flags & SK_SEARCHNOTNULL) != 0)
		return;
	if ((key->sk_flags & SK_ISNULL) != 0)
		narrow(compile, no_codes);
	else if (is_told(compile->column, key))
	{
		if ((key->sk_flags & SK_SEARCHARRAY) == 0)
			apply_one(compile, key);
		else
		{
			n = array_values(key->sk_argument, &values);
			apply_any(compile, key, values, n);
		}
	}
}

/* The range of a column's codes, after all conditions on it. */
static void
finish(VdbAmFilter *filter, const VdbAmColumn *column, const Condition *condition)
{
	VdbAmCode	zero = {0, 0};
	bool		all = vdb_am_code_compare(condition->low, zero) == 0 &&
		vdb_am_code_compare(condition->high, vdb_am_code_greatest(column->width)) == 0;

	if (!condition->null && !condition->some)
		return;
	if ((condition->null && condition->some) ||
		vdb_am_code_compare(condition->low, condition->high) > 0)
		filter->nothing = true;
	else if (condition->null)
		add_range(filter, column, zero, zero);
	else if (!all || !condition->bits)	/* no bits are NULL's */
		add_range(filter, column, vdb_am_code_kept(condition->low),
				  vdb_am_code_kept(condition->high));
}

static int
compare_kinds(const void *a, const void *b)
{
	return (int) ((const VdbAmTest *) a)->kind - (int) ((const VdbAmTest *) b)->kind;
}

static void
set_tests(VdbAmFilter *filter, const VdbAmColumns *columns, const ScanKeyData *keys, int nkeys)
{
	Condition  *conditions = palloc0(columns->n * sizeof(Condition));

	/* of each key a test, and of each column a range */
	filter->tests = palloc((nkeys + columns->n) * sizeof(VdbAmTest));
	for (uint32 i = 0; i < columns->n; i++)
		conditions[i].high = vdb_am_code_greatest(columns->column[i].width);
	for (int i = 0; i < nkeys; i++)
	{
		int			column = keys[i].sk_attno - 2;
		Compile		compile = {.filter = filter};

		/* Is there a vector?  Codes do not tell. */
		if (column < 0)
			continue;
		compile.column = &columns->column[column];
		compile.condition = &conditions[column];
		apply(&compile, &keys[i]);
	}
	for (uint32 i = 0; i < columns->n; i++)
		finish(filter, &columns->column[i], &conditions[i]);
	if (filter->nothing)
	{
		filter->ntests = 0;
		add_test(filter, &columns->column[0], NEVER);
	}
	qsort(filter->tests, filter->ntests, sizeof(VdbAmTest), compare_kinds);
}

void
vdb_am_filter_set(VdbAmFilter *filter, const VdbAmColumns *columns, const ScanKeyData *keys,
				  int nkeys, const VdbScanTids *within)
{
	MemoryContext caller = MemoryContextSwitchTo(filter->context);

	MemoryContextReset(filter->context);
	filter->nothing = false;
	filter->ntests = 0;
	filter->tests = NULL;
	filter->within = within;
	if (nkeys > 0)
		set_tests(filter, columns, keys, nkeys);
	filter->active = within != NULL || filter->ntests > 0;
	MemoryContextSwitchTo(caller);
}
