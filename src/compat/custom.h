/*
 * custom.h
 *	  Custom scans of a table.
 */
#ifndef VDB_COMPAT_CUSTOM_H
#define VDB_COMPAT_CUSTOM_H

#include "executor/executor.h"
#include "nodes/execnodes.h"

#include "compat/compat.h"

/*
 * A custom scan that returns a table's rows, with their system columns, says so
 * when it is created; until 15 it cannot, and what was made for rows of
 * values only has to be made again when it begins.
 */
#if PG_VERSION_NUM >= 160000
#define VDB_COMPAT_CUSTOM_CREATED(css) ((css)->slotOps = &TTSOpsBufferHeapTuple)
#define VDB_COMPAT_CUSTOM_BEGINS(css, estate) ((void) 0)
#else
#define VDB_COMPAT_CUSTOM_CREATED(css) ((void) 0)
static inline void
VDB_COMPAT_CUSTOM_BEGINS(CustomScanState *css, EState *estate)
{
	Scan	   *plan = (Scan *) css->ss.ps.plan;

	ExecInitScanTupleSlot(estate, &css->ss, RelationGetDescr(css->ss.ss_currentRelation),
						  &TTSOpsBufferHeapTuple);
	css->ss.ps.subPlan = NIL;
	ExecAssignScanProjectionInfoWithVarno(&css->ss, plan->scanrelid);
	css->ss.ps.qual = ExecInitQual(plan->plan.qual, (PlanState *) css);
}
#endif

#endif							/* VDB_COMPAT_CUSTOM_H */
