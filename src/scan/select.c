/*
 * select.c
 *	  The smallest of many numbers, and a queue of candidates.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "scan/select.h"

#define SWAP(a, b) do { float t_ = (a); (a) = (b); (b) = t_; } while (0)

/* Hoare's selection, with the median of three. */
float
vdb_scan_nth(float *x, uint32 n, uint32 m)
{
	uint32		low = 0,
				high = n - 1;

	while (low < high)
	{
		uint32		i = low,
					j = high;
		float		pivot;
		uint32		middle = low + (high - low) / 2;

		if (x[middle] < x[low])
			SWAP(x[middle], x[low]);
		if (x[high] < x[low])
			SWAP(x[high], x[low]);
		if (x[high] < x[middle])
			SWAP(x[high], x[middle]);
		pivot = x[middle];
		for (;;)
		{
			while (x[i] < pivot)
				i++;
			while (pivot < x[j])
				j--;
			if (i >= j)
				break;
			SWAP(x[i], x[j]);
			i++;
			j--;
		}
		/* x[low .. j] <= pivot <= x[j + 1 .. high] */
		if (m <= j)
			high = j;
		else
			low = j + 1;
	}
	return x[m];
}

uint32
vdb_scan_take_smallest(float *numbers, uint32 n, uint32 m, float *scratch,
					   uint32 *which, float *bound)
{
	uint32		finite = 0;
	uint32		taken = 0;
	float		limit;

	for (uint32 i = 0; i < n; i++)
	{
		scratch[finite] = numbers[i];
		finite += numbers[i] < INFINITY;
	}
	if (finite == 0)
	{
		*bound = INFINITY;
		return 0;
	}
	limit = m < finite ? vdb_scan_nth(scratch, finite, m - 1) : FLT_MAX;
	for (uint32 i = 0; i < n; i++)
	{
		which[taken] = i;
		if (numbers[i] <= limit)
		{
			scratch[taken] = numbers[i];
			numbers[i] = INFINITY;
			taken++;
		}
	}
	*bound = m < finite ? limit : INFINITY;
	return taken;
}

void
vdb_scan_queue_init(VdbScanQueue *queue)
{
	queue->count = 0;
	queue->room = 256;
	queue->items = palloc(queue->room * sizeof(VdbScanFound));
}

void
vdb_scan_queue_push(VdbScanQueue *queue, double key, ItemPointer tid)
{
	uint32		i = queue->count++;

	if (i == queue->room)
	{
		queue->room *= 2;
		queue->items = repalloc_huge(queue->items, (Size) queue->room * sizeof(VdbScanFound));
	}
	for (; i > 0 && queue->items[(i - 1) / 2].key > key; i = (i - 1) / 2)
		queue->items[i] = queue->items[(i - 1) / 2];
	queue->items[i].key = key;
	queue->items[i].tid = *tid;
}

VdbScanFound
vdb_scan_queue_pop(VdbScanQueue *queue)
{
	VdbScanFound first = queue->items[0];
	VdbScanFound last = queue->items[--queue->count];
	uint32		i = 0;

	for (;;)
	{
		uint32		child = 2 * i + 1;

		if (child + 1 < queue->count && queue->items[child + 1].key < queue->items[child].key)
			child++;
		if (child >= queue->count || queue->items[child].key >= last.key)
			break;
		queue->items[i] = queue->items[child];
		i = child;
	}
	queue->items[i] = last;
	return first;
}
