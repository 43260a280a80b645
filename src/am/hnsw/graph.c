/*
 * graph.c
 *	  A graph in plain memory: searches, and putting nodes in.
 *
 * Malkov and Yashunin, "Efficient and Robust Approximate Nearest Neighbor
 * Search Using Hierarchical Navigable Small World Graphs" (IEEE TPAMI 2020),
 * without the upper levels: searches begin at the nearest of a sample of nodes,
 * the entries, which are found by their codes.
 *
 * Lists change under a lock of the node's, and are read without: a reader may
 * see some of the old list and some of the new one, all of it nodes.
 */
#include "postgres.h"

#include <math.h>
#include <sched.h>
#include <sys/mman.h>

#include "common/pg_prng.h"

#include "am/hnsw/graph.h"

/* Nodes that a thread puts in before it looks for interrupts. */
#define BATCH 8

/* Entries that a search begins at, and blocks whose codes are scanned at once. */
#define STARTS 8
#define SCAN_BLOCKS 16

/* Pages of the processor's, and what they are asked for from on. */
#define HUGE_PAGE (2 * 1024 * 1024)
#define LEAST_HUGE (8 * HUGE_PAGE)

/* Of a row, bytes fetched at once. */
#define CACHE_LINE 64
#define MOST_PREFETCHED 512

/* ---- memory ---- */

static Size
block_size(const VdbHnsw *hnsw)
{
	return TYPEALIGN(CACHE_LINE, hnsw->block_size);
}

Size
vdb_hnsw_graph_node_memory(const VdbHnsw *hnsw, int threads)
{
	return (hnsw->neighbours + 2) * sizeof(uint32) + sizeof(uint8) * (1 + threads);
}

Size
vdb_hnsw_graph_memory(const VdbHnsw *hnsw, int threads)
{
	Size		floats = hnsw->space.dim * sizeof(float);

	return threads * (sizeof(VdbHnswWorker) + 2 * (4 * floats + vdb_quant_weights_size(hnsw->space.dim)) +
					  vdb_quant_tables_size(hnsw->code_dim) +
					  (hnsw->meta.ef_construction + 2 * hnsw->neighbours + 8) *
					  (sizeof(VdbHnswHit) + sizeof(VdbHnswNear)));
}

/*
 * Nodes are met at random, and with small pages every one of them costs a walk
 * through the tables of pages as well.
 */
void *
vdb_hnsw_graph_allocate(Size size)
{
	char	   *memory = palloc_extended(size, MCXT_ALLOC_HUGE);

#if defined(MADV_HUGEPAGE)
	if (size >= LEAST_HUGE)
	{
		char	   *begin = (char *) TYPEALIGN(HUGE_PAGE, memory);

		/* where the system has none, there is nothing to be done */
		(void) madvise(begin, TYPEALIGN_DOWN(HUGE_PAGE, memory + size) - (uintptr_t) begin,
					   MADV_HUGEPAGE);
	}
#endif
	return memory;
}

static void *
allocate(Size size)
{
	return memset(vdb_hnsw_graph_allocate(size), 0, size);
}

static void
init_worker(VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 max_ef)
{
	const VdbHnsw *hnsw = graph->hnsw;

	vdb_am_query_create(&worker->query, &hnsw->space);
	vdb_am_query_create(&worker->other, &hnsw->space);
	worker->visited = allocate(Max(graph->n, 1));
	worker->max_hits = max_ef;
	worker->hits = allocate(max_ef * sizeof(VdbHnswHit));
	worker->near = allocate((max_ef + 2 * graph->most + 2) * sizeof(VdbHnswNear));
	if (graph->blocks != NULL)
		worker->tables_memory = allocate(vdb_quant_tables_size(hnsw->code_dim));
}

bool
vdb_hnsw_graph_place(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 node)
{
	const VdbAmSpace *space = &graph->hnsw->space;
	VdbAmQuery *query = &worker->query;
	const void *row = vdb_hnsw_graph_row(graph, node);
	float		error;

	if (!vdb_am_is_plain(space))
		return vdb_am_row_decode(space, row, NULL, query->rotated, &error);
	vdb_am_query_elements(query, row);
	return vdb_am_query_place(query) && !vdb_am_is_far(query->rotated);
}

/* There are more entries than was thought: some nodes could not be reached. */
static void
grow_entries(VdbHnswGraph *graph)
{
	graph->max_entries *= 2;
	graph->entries = repalloc_huge(graph->entries, graph->max_entries * sizeof(uint32));
	if (graph->blocks != NULL)
		graph->blocks = repalloc_huge(graph->blocks, (graph->max_entries / VDB_BLOCK + 1) *
									  block_size(graph->hnsw));
}

void
vdb_hnsw_graph_add_entry(VdbHnswGraph *graph, uint32 node)
{
	const VdbHnsw *hnsw = graph->hnsw;
	VdbHnswWorker *worker = &graph->workers[0];
	uint32		lane = graph->nentries;

	if (lane == graph->max_entries)
		grow_entries(graph);
	if (graph->blocks != NULL)
	{
		VdbQuantBlock *block = (VdbQuantBlock *)
			(graph->blocks + lane / VDB_BLOCK * block_size(hnsw));

		if (lane % VDB_BLOCK == 0)
			vdb_quant_block_init(hnsw->code_dim, block);
		/* the distances of those that are far are no numbers, nor are these */
		if (vdb_hnsw_graph_place(graph, worker, node))
		{
			float	   *zero = memset(worker->query.floats, 0, hnsw->space.dim * sizeof(float));

			vdb_quant_block_encode(hnsw->code_dim, hnsw->space.coded_metric,
								   worker->query.rotated, zero, NULL, block, lane % VDB_BLOCK);
		}
	}
	graph->entries[lane] = node;
	graph->nentries++;
}

/* Entries are nodes at random, each as likely as any other (Floyd's algorithm). */
static void
choose_entries(VdbHnswGraph *graph, uint32 count, uint64 seed)
{
	uint8	   *taken = graph->workers[0].visited;
	pg_prng_state random;

	pg_prng_seed(&random, seed);
	for (uint32 last = graph->n - count; last < graph->n; last++)
	{
		uint32		node = pg_prng_uint64_range(&random, 0, last);

		if (taken[node])
			node = last;
		taken[node] = 1;
		vdb_hnsw_graph_add_entry(graph, node);
	}
	memset(taken, 0, graph->n);
}

void
vdb_hnsw_graph_create(VdbHnswGraph *graph, const VdbHnsw *hnsw, char *rows, Size stride,
					  uint32 n, uint32 nentries, uint32 max_ef, int threads, uint64 seed)
{
	memset(graph, 0, sizeof(*graph));
	graph->hnsw = hnsw;
	graph->m = hnsw->meta.m;
	graph->most = hnsw->neighbours;
	graph->ef = hnsw->meta.ef_construction;
	graph->n = n;
	graph->rows = rows;
	graph->stride = stride;
	nentries = Min(nentries, n);
	/* some to spare, for what cannot be reached */
	graph->max_entries = Min(n, 2 * nentries + VDB_BLOCK);
	graph->entries = allocate(Max(graph->max_entries, 1) * sizeof(uint32));
	graph->lists = allocate(Max(n, 1) * (graph->most + 1) * sizeof(uint32));
	graph->locks = allocate(Max(n, 1));
	graph->home = allocate(Max(n, 1) * sizeof(uint32));
	if (hnsw->coded)
		graph->blocks = allocate((graph->max_entries / VDB_BLOCK + 1) * block_size(hnsw));
	graph->threads = Max(threads, 1);
	graph->workers = allocate(graph->threads * sizeof(VdbHnswWorker));
	for (int i = 0; i < graph->threads; i++)
		init_worker(graph, &graph->workers[i], Max(max_ef, STARTS));
	choose_entries(graph, nentries, seed);
}

static void
free_worker(VdbHnswWorker *worker)
{
	pfree(worker->visited);
	pfree(worker->hits);
	pfree(worker->near);
	if (worker->tables_memory != NULL)
		pfree(worker->tables_memory);
}

void
vdb_hnsw_graph_free(VdbHnswGraph *graph)
{
	/* what is little goes with its context */
	for (int i = 0; i < graph->threads; i++)
		free_worker(&graph->workers[i]);
	pfree(graph->workers);
	pfree(graph->lists);
	pfree(graph->locks);
	pfree(graph->home);
	pfree(graph->entries);
	if (graph->blocks != NULL)
		pfree(graph->blocks);
}

/* ---- searches ---- */

static inline void
prefetch_row(const VdbHnswGraph *graph, uint32 node)
{
	const char *row = vdb_hnsw_graph_row(graph, node);
	Size		size = Min(graph->stride, MOST_PREFETCHED);

	for (Size at = 0; at < size; at += CACHE_LINE)
		__builtin_prefetch(row + at);
	__builtin_prefetch(row + size - 1);
}

static inline void
prefetch_list(const VdbHnswGraph *graph, uint32 node)
{
	const uint32 *list = vdb_hnsw_graph_list(graph, node);

	for (uint32 at = 0; at <= graph->most; at += CACHE_LINE / sizeof(uint32))
		__builtin_prefetch(list + at);
}

/* A copy of a node's list, which may change in the meantime. */
static inline uint32
read_list(const VdbHnswGraph *graph, uint32 node, uint32 *copy)
{
	const uint32 *list = vdb_hnsw_graph_list(graph, node);
	uint32		n = __atomic_load_n(&list[0], __ATOMIC_ACQUIRE);

	for (uint32 i = 0; i < n; i++)
		copy[i] = __atomic_load_n(&list[i + 1], __ATOMIC_RELAXED);
	return n;
}

/* Distances from a query that is ready; infinite for what is no number. */
static inline void
distances(const VdbHnswGraph *graph, VdbAmQuery *query, float base, const uint32 *nodes,
		  const void **rows, uint32 n, float *distance)
{
	for (uint32 i = 0; i < n; i++)
		rows[i] = vdb_hnsw_graph_row(graph, nodes[i]);
	vdb_am_query_many(query, base, rows, n, distance);
	for (uint32 i = 0; i < n; i++)
		distance[i] = distance[i] > -INFINITY ? distance[i] : INFINITY;
}

/* Puts a hit where it belongs, and returns where; ef if there are nearer ones. */
static inline uint32
add_hit(VdbHnswWorker *worker, uint32 ef, float distance, uint32 node)
{
	VdbHnswHit *hits = worker->hits;
	uint32		low = 0,
				high = worker->nhits;

	if (high == ef && !(distance < hits[high - 1].distance))
		return ef;
	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (hits[middle].distance < distance)
			low = middle + 1;
		else
			high = middle;
	}
	if (worker->nhits < ef)
		worker->nhits++;
	memmove(hits + low + 1, hits + low, (worker->nhits - 1 - low) * sizeof(VdbHnswHit));
	hits[low] = (VdbHnswHit) {distance, node};
	return low;
}

/* Adds those of some nodes that were not found before; returns the first's place. */
static uint32
add_nodes(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 ef, const uint32 *nodes,
		  uint32 n)
{
	uint32		fresh[VDB_HNSW_MAX_NEIGHBOURS];
	const void *rows[VDB_HNSW_MAX_NEIGHBOURS];
	float		distance[VDB_HNSW_MAX_NEIGHBOURS];
	uint32		nfresh = 0;
	uint32		first = ef;

	for (uint32 i = 0; i < n; i++)
		if (worker->visited[nodes[i]] != worker->round)
		{
			worker->visited[nodes[i]] = worker->round;
			prefetch_row(graph, nodes[i]);
			fresh[nfresh++] = nodes[i];
		}
	if (nfresh == 0)
		return ef;
	distances(graph, &worker->query, worker->base, fresh, rows, nfresh, distance);
	for (uint32 i = 0; i < nfresh; i++)
	{
		uint32		place = add_hit(worker, ef, distance[i], fresh[i]);

		first = Min(first, place);
	}
	return first;
}

/* The lanes with the least estimates, in ascending order; returns how many. */
static uint32
scan_entries(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 *lanes)
{
	Size		stride = block_size(graph->hnsw);
	uint32		nblocks = (graph->nentries + VDB_BLOCK - 1) / VDB_BLOCK;
	float		best[STARTS];
	uint32		n = 0;

	vdb_quant_tables_init(&worker->tables, graph->hnsw->code_dim, worker->query.rotated,
						  worker->tables_memory);
	vdb_quant_tables_aim(&worker->tables, 0, 0, 0);
	for (uint32 at = 0; at < nblocks; at += SCAN_BLOCKS)
	{
		uint32		count = Min(SCAN_BLOCKS, nblocks - at);
		float		estimate[SCAN_BLOCKS * VDB_BLOCK];
		float		lower[SCAN_BLOCKS * VDB_BLOCK];
		uint32		below[SCAN_BLOCKS];

		vdb_quant_block_scan(&worker->tables, (VdbQuantBlock *) (graph->blocks + at * stride),
							 stride, count, n == STARTS ? best[STARTS - 1] : INFINITY,
							 estimate, lower, below);
		for (uint32 block = 0; block < count; block++)
			for (uint32 bits = below[block]; bits != 0; bits &= bits - 1)
			{
				uint32		lane = block * VDB_BLOCK + __builtin_ctz(bits);
				float		d = estimate[lane];
				uint32		i;

				if (n == STARTS && !(d < best[STARTS - 1]))
					continue;
				if (n < STARTS)
					n++;
				for (i = n - 1; i > 0 && best[i - 1] > d; i--)
				{
					best[i] = best[i - 1];
					lanes[i] = lanes[i - 1];
				}
				best[i] = d;
				lanes[i] = at * VDB_BLOCK + lane;
			}
	}
	return n;
}

/* Begins a search at the entries nearest to the query. */
static void
begin_search(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 ef)
{
	uint32		lanes[STARTS];
	uint32		nodes[VDB_HNSW_MAX_NEIGHBOURS];
	uint32		n;

	if (graph->blocks != NULL && graph->nentries > STARTS)
	{
		n = scan_entries(graph, worker, lanes);
		for (uint32 i = 0; i < n; i++)
			nodes[i] = graph->entries[lanes[i]];
		worker->entry = n > 0 ? lanes[0] : 0;
		add_nodes(graph, worker, ef, nodes, n);
		return;
	}
	for (uint32 at = 0; at < graph->nentries; at += n)
	{
		n = Min(graph->nentries - at, VDB_HNSW_MAX_NEIGHBOURS);
		if (add_nodes(graph, worker, ef, graph->entries + at, n) == 0)
			for (uint32 i = 0; i < n; i++)
				if (graph->entries[at + i] == worker->hits[0].node)
					worker->entry = at + i;
	}
}

bool
vdb_hnsw_graph_search(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 node, uint32 ef)
{
	uint32		copy[VDB_HNSW_MAX_NEIGHBOURS];

	worker->nhits = 0;
	worker->entry = 0;
	if (++worker->round == 0)
	{
		memset(worker->visited, 0, graph->n);
		worker->round = 1;
	}
	worker->visited[node] = worker->round;
	if (graph->blocks != NULL && !vdb_hnsw_graph_place(graph, worker, node))
		return false;
	if (!vdb_am_query_row(&worker->query, vdb_hnsw_graph_row(graph, node)))
		return false;
	worker->base = vdb_am_query_base(&worker->query);
	begin_search(graph, worker, ef);
	for (uint32 next = 0; next < worker->nhits;)
	{
		VdbHnswHit *hit = &worker->hits[next];
		uint32		at = hit->node;
		uint32		first;

		if (at & VDB_HNSW_EXPANDED)
		{
			next++;
			continue;
		}
		hit->node |= VDB_HNSW_EXPANDED;
		/* likely the next one */
		if (next + 1 < worker->nhits)
			prefetch_list(graph, hit[1].node & ~VDB_HNSW_EXPANDED);
		first = add_nodes(graph, worker, ef, copy, read_list(graph, at, copy));
		next = Min(next + 1, first);
	}
	for (uint32 i = 0; i < worker->nhits; i++)
		worker->hits[i].node &= ~VDB_HNSW_EXPANDED;
	return true;
}

/* ---- putting nodes in ---- */

static void
lock_node(const VdbHnswGraph *graph, uint32 node)
{
	for (uint32 spins = 0; __atomic_exchange_n(&graph->locks[node], 1, __ATOMIC_ACQUIRE);)
		/* the holder may have lost its processor */
		if (++spins % 64 == 0)
			sched_yield();
}

static void
unlock_node(const VdbHnswGraph *graph, uint32 node)
{
	__atomic_store_n(&graph->locks[node], 0, __ATOMIC_RELEASE);
}

static inline void
write_list(uint32 *list, uint32 at, uint32 node)
{
	__atomic_store_n(&list[at + 1], node, __ATOMIC_RELAXED);
}

static inline void
write_count(uint32 *list, uint32 count)
{
	__atomic_store_n(&list[0], count, __ATOMIC_RELEASE);
}

/* A full list, and one more, whose distance is known: chooses anew. */
static void
choose_again(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 node, uint32 fresh,
			 float fresh_distance)
{
	uint32	   *list = vdb_hnsw_graph_list(graph, node);
	VdbHnswNear near[VDB_HNSW_MAX_NEIGHBOURS + 1];
	const void *rows[VDB_HNSW_MAX_NEIGHBOURS];
	float		distance[VDB_HNSW_MAX_NEIGHBOURS];
	uint32		n = list[0];

	for (uint32 i = 0; i < n; i++)
		prefetch_row(graph, list[i + 1]);
	if (!vdb_am_query_row(&worker->other, vdb_hnsw_graph_row(graph, node)))
		return;
	distances(graph, &worker->other, vdb_am_query_base(&worker->other), list + 1, rows, n,
			  distance);
	for (uint32 i = 0; i <= n; i++)
	{
		VdbHnswNear this = {fresh_distance, fresh, vdb_hnsw_graph_row(graph, fresh)};
		uint32		at = i;

		if (i < n)
			this = (VdbHnswNear) {distance[i], list[i + 1], rows[i]};
		for (; at > 0 && near[at - 1].distance > this.distance; at--)
			near[at] = near[at - 1];
		near[at] = this;
	}
	n = vdb_hnsw_choose(&worker->other, near, n + 1, graph->most, 0);
	for (uint32 i = 0; i < n; i++)
		write_list(list, i, near[i].node);
	write_count(list, n);
}

/* One node leads to another, if that is good, which is at some distance. */
static void
add_edge(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 from, uint32 to,
		 float distance)
{
	uint32	   *list = vdb_hnsw_graph_list(graph, from);
	uint32		i = 0;

	lock_node(graph, from);
	while (i < list[0] && list[i + 1] != to)
		i++;
	if (i == graph->most)
		choose_again(graph, worker, from, to, distance);
	else if (i == list[0])
	{
		write_list(list, i, to);
		write_count(list, i + 1);
	}
	unlock_node(graph, from);
}

static void
put_node(const VdbHnswGraph *graph, VdbHnswWorker *worker, uint32 node)
{
	VdbHnswNear *near = worker->near;
	uint32		n = 0;
	uint32		chosen;

	if (!vdb_hnsw_graph_search(graph, worker, node, graph->ef))
		return;
	graph->home[node] = worker->entry;
	for (uint32 i = 0; i < worker->nhits; i++)
	{
		const VdbHnswHit *hit = &worker->hits[i];

		if (!(hit->distance < INFINITY))
			break;
		near[n++] = (VdbHnswNear) {hit->distance, hit->node, vdb_hnsw_graph_row(graph, hit->node)};
	}
	chosen = vdb_hnsw_choose(&worker->other, near, n, graph->m, 0);
	for (uint32 i = 0; i < chosen; i++)
		prefetch_list(graph, near[i].node);
	/* An entry may have been found by others, and have a list. */
	for (uint32 i = 0; i < chosen; i++)
		add_edge(graph, worker, node, near[i].node, near[i].distance);
	for (uint32 i = 0; i < chosen; i++)
		add_edge(graph, worker, near[i].node, node, near[i].distance);
}

static void
put_entries(void *arg, size_t item, int thread)
{
	const VdbHnswGraph *graph = arg;

	put_node(graph, &graph->workers[thread], graph->entries[item]);
}

static void
put_nodes(void *arg, size_t item, int thread)
{
	const VdbHnswGraph *graph = arg;
	uint32		end = Min((item + 1) * BATCH, graph->n);

	for (uint32 node = item * BATCH; node < end; node++)
	{
		/* an entry has its list already, which may change meanwhile */
		if (__atomic_load_n(vdb_hnsw_graph_list(graph, node), __ATOMIC_RELAXED) == 0)
			put_node(graph, &graph->workers[thread], node);
	}
}

/* Entries first: the others begin at them. */
VdbKmStatus
vdb_hnsw_graph_fill(VdbHnswGraph *graph, const VdbKmControl *control)
{
	VdbKmControl quiet = *control;
	VdbKmStatus status;

	quiet.progress = NULL;
	status = vdb_km_each(graph->nentries, put_entries, graph, &quiet);
	if (status != VDB_KM_OK)
		return status;
	return vdb_km_each((graph->n + BATCH - 1) / BATCH, put_nodes, graph, control);
}
