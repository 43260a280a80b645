/*
 * point.c
 *	  Seeded faults and pauses; empty in a library as it is installed.
 */
#include "postgres.h"

#include "point/point.h"

#ifdef VDB_POINTS

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

/* The first half of the advisory lock that a pause waits for: "vecc" in ASCII. */
#define PAUSE_LOCK 1986356067

static char *fault = NULL;
static char *pause_at = NULL;

/* How often the session has to come by the pause until it waits; 0: no more. */
static int	left = 0;

/* The part of a name after "fault:" or "pause:". */
static const char *
plain(const char *name)
{
	return strchr(name, ':') + 1;
}

bool
vdb_point_fault(const char *name)
{
	return strcmp(plain(name), fault) == 0;
}

static bool
is_pause(const char *name)
{
	Size		length = strcspn(pause_at, ":");

	return strlen(plain(name)) == length && strncmp(plain(name), pause_at, length) == 0;
}

void
vdb_point_pause(const char *name)
{
	/* Whoever has a buffer locked holds interrupts off. */
	if (InterruptHoldoffCount > 0 || CritSectionCount > 0)
		elog(ERROR, "%s: a lock is held", name);
	if (left == 0 || !is_pause(name) || --left > 0)
		return;
	DirectFunctionCall2(pg_advisory_lock_int4, Int32GetDatum(PAUSE_LOCK), Int32GetDatum(0));
	DirectFunctionCall2(pg_advisory_unlock_int4, Int32GetDatum(PAUSE_LOCK), Int32GetDatum(0));
}

static void
assign_pause(const char *newval, void *extra)
{
	const char *times = strchr(newval, ':');

	left = newval[0] == '\0' ? 0 : times == NULL ? 1 : atoi(times + 1);
}

void
vdb_point_init(void)
{
	DefineCustomStringVariable("vecdb.fault", "A fault to be made, for tests.", NULL,
							   &fault, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("vecdb.pause", "A point to wait at, for tests.", NULL,
							   &pause_at, "", PGC_USERSET, 0, NULL, assign_pause, NULL);
}

#endif
