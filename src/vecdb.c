/*
 * vecdb.c
 *	  Where the extension begins: settings, and what happens when the library
 *	  is loaded.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "admin/admin.h"
#include "am/common/options.h"
#include "compat/compat.h"
#include "kernel/kernel.h"
#include "plan/plan.h"
#include "point/point.h"

VDB_COMPAT_MODULE_MAGIC("vecdb", "0.1.0");

extern PGDLLEXPORT void _PG_init(void);

static char *simd = NULL;

static const struct config_enum_entry strategies[] = {
	{"auto", VDB_PLAN_AUTO, false},
	{"exact", VDB_PLAN_EXACT, false},
	{"search", VDB_PLAN_SEARCH, false},
	{NULL, 0, false}
};

/* The instruction set of that name, -1 if there is none. */
static int
simd_by_name(const char *name)
{
	if (pg_strcasecmp(name, "auto") == 0)
		return vdb_kernel_best();
	for (int isa = 0; vdb_kernel_name(isa) != NULL; isa++)
		if (pg_strcasecmp(name, vdb_kernel_name(isa)) == 0)
			return isa;
	return -1;
}

static bool
check_simd(char **newval, void **extra, GucSource source)
{
	int			isa = simd_by_name(*newval);

	if (isa < 0)
	{
		GUC_check_errdetail("There is no instruction set of that name on this architecture.");
		return false;
	}
	if (!vdb_kernel_supported(isa))
	{
		GUC_check_errdetail("This CPU does not have %s; the best it has is %s.",
							*newval, vdb_kernel_name(vdb_kernel_best()));
		return false;
	}
	return true;
}

static void
assign_simd(const char *newval, void *extra)
{
	vdb_kernel_select(simd_by_name(newval));
}

/* "auto" alone does not say what was found. */
static const char *
show_simd(void)
{
	return vdb_kernel.name;
}

void
_PG_init(void)
{
	DefineCustomStringVariable("vecdb.simd",
							   "Instruction set that distances are computed with.",
							   "auto takes the best that the CPU has; shown is what is used.",
							   &simd,
							   "auto",
							   PGC_SUSET,
							   0,
							   check_simd,
							   assign_simd,
							   show_simd);
	DefineCustomBoolVariable("vecdb.enable_filtered_scan",
							 "Enables the planner's use of filtered scans.",
							 NULL,
							 &vdb_plan_enable_filtered_scan,
							 true,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
	DefineCustomEnumVariable("vecdb.filtered_scan_strategy",
							 "How filtered scans find the nearest of the rows that a condition is true of.",
							 "auto takes what costs less: exact, all of their distances; or search, the index.",
							 &vdb_plan_strategy,
							 VDB_PLAN_AUTO,
							 strategies,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
	vdb_am_load_pgvector();
	vdb_am_init();
	vdb_plan_init();
	vdb_admin_init();
	vdb_point_init();
	/* What nobody has defined by now is nobody's. */
	MarkGUCPrefixReserved("vecdb");
}
