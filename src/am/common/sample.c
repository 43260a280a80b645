/*
 * sample.c
 *	  A random sample of a table's vectors.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "storage/bufmgr.h"
#include "utils/sampling.h"

#include "am/common/sample.h"

/* A sample and what is needed while it is made. */
typedef struct Sampling
{
	VdbAmSample *sample;
	double		share;
	float	   *floats;
} Sampling;

/*
 * Keeps a random sample of all rows offered so far (Vitter, "Random Sampling
 * with a Reservoir", ACM TOMS 1985, algorithm R).  Of many rows only a share is
 * offered, since each that goes in is detoasted, be it replaced later or not.
 */
static void
sample_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Sampling   *sampling = arg;
	VdbAmSample *sample = sampling->sample;
	const VdbAmSpace *space = sample->space;
	int64		place = sample->offered;
	VdbAmVector vector;

	if (isnull[0])
		return;
	if (++sample->seen % 1024 == 0)
		sample->progress(sample->arg, sample->seen);
	if (sampling->share < 1 && pg_prng_double(sample->random) >= sampling->share)
		return;
	if (place >= sample->max)
	{
		place = pg_prng_uint64_range(sample->random, 0, place);
		if (place >= sample->max)
		{
			sample->offered++;
			return;
		}
	}
	vdb_am_vector(space->kind, values[0], &vector);
	vdb_am_check_dim(space->kind, space->dim, vector.dim);
	if (vdb_am_floats(space, vector.elements, sampling->floats))
	{
		memcpy(sample->floats + place * space->dim, sampling->floats,
			   space->dim * sizeof(float));
		sample->n = Max(sample->n, place + 1);
		sample->offered++;
	}
	vdb_am_vector_free(&vector);
}

double
vdb_am_table_rows(Relation heap)
{
	BlockNumber pages;
	double		rows,
				all_visible;

	estimate_rel_size(heap, NULL, &pages, &rows, &all_visible);
	return rows;
}

double
vdb_am_sample_rows(const VdbAmSample *sample)
{
	return vdb_am_table_rows(sample->heap) *
		Min(1, (double) sample->max / Max(RelationGetNumberOfBlocks(sample->heap), 1));
}

double
vdb_am_sample(VdbAmSample *sample)
{
	Sampling	sampling = {.sample = sample,.share = sample->share};
	BlockNumber all = RelationGetNumberOfBlocks(sample->heap);
	BlockNumber done = 0;
	BlockSamplerData blocks;
	double		rows;

	sample->n = 0;
	sample->offered = sample->seen = 0;
	sampling.floats = palloc(sample->space->dim * sizeof(float));
	if (sampling.share == 0)
		sampling.share = 1.5 * sample->max / Max(vdb_am_sample_rows(sample), 1);
	if (all <= sample->max)
	{
		table_index_build_scan(sample->heap, sample->index, sample->info, false, false,
							   sample_row, &sampling, NULL);
		rows = sample->seen;
	}
	else
	{
		BlockSampler_Init(&blocks, all, sample->max, (uint32) pg_prng_uint32(sample->random));
		while (BlockSampler_HasMore(&blocks))
		{
			table_index_build_range_scan(sample->heap, sample->index, sample->info, false, false,
										 false, BlockSampler_Next(&blocks), 1, sample_row,
										 &sampling, NULL);
			done++;
			CHECK_FOR_INTERRUPTS();
		}
		rows = (double) sample->seen / done * all;
	}
	pfree(sampling.floats);
	return rows;
}
