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

/* The smallest and the largest: sixteen side by side, which compilers make vectors of. */
static void
range_of(const float *x, uint32 n, float *least, float *most)
{
	float		low[16],
				high[16];
	uint32		i = 0;

	for (int k = 0; k < 16; k++)
		low[k] = high[k] = x[0];
	for (; i + 16 <= n; i += 16)
		for (int k = 0; k < 16; k++)
		{
			low[k] = x[i + k] < low[k] ? x[i + k] : low[k];
			high[k] = x[i + k] > high[k] ? x[i + k] : high[k];
		}
	for (; i < n; i++)
	{
		low[0] = Min(low[0], x[i]);
		high[0] = Max(high[0], x[i]);
	}
	*least = low[0];
	*most = high[0];
	for (int k = 1; k < 16; k++)
	{
		*least = Min(*least, low[k]);
		*most = Max(*most, high[k]);
	}
}

/*
 * Numbers are counted by the step that they fall on, of equal ones between the
 * smallest and the largest.  There is nothing in it that a processor could
 * guess wrong, which is what takes the time of vdb_scan_nth().
 */
bool
vdb_scan_cut(const float *x, uint32 n, uint32 m, float *cut)
{
	enum
	{
		nsteps = 256
	};
	uint32		counts[nsteps] = {0};
	float		least,
				most,
				scale;
	uint32		sum = 0,
				below = 0;
	uint32		step = 0;

	if (m >= n)
		return false;
	range_of(x, n, &least, &most);
	scale = (nsteps - 1) / (most - least);
	/* infinities, and numbers that are all equal or nearly so */
	if (!(scale > 0 && scale < FLT_MAX))
		return false;
	for (uint32 i = 0; i < n; i++)
		counts[(int32) ((x[i] - least) * scale)]++;
	while (sum < m)
		sum += counts[step++];
	*cut = least + step / scale;
	/* That was rounded. */
	for (uint32 i = 0; i < n; i++)
		below += x[i] < *cut;
	return below >= m && below <= m + m / 2;
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
	if (m >= finite)
		limit = *bound = INFINITY;
	else if (vdb_scan_cut(scratch, finite, m, &limit))
		*bound = limit;
	else
	{
		*bound = vdb_scan_nth(scratch, finite, m - 1);
		limit = nextafterf(*bound, INFINITY);
	}
	for (uint32 i = 0; i < n; i++)
	{
		which[taken] = i;
		if (numbers[i] < limit)
		{
			scratch[taken] = numbers[i];
			numbers[i] = INFINITY;
			taken++;
		}
	}
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
