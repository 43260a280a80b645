/*
 * run.c
 *	  Memory, threads and callbacks for k-means.
 *
 * The threads touch plain memory and call nothing of the caller's.  Signals
 * are the business of the thread that called in: the others block all, since
 * a handler that runs on one of them would take it for that thread.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* sched_getaffinity() */
#endif

#include "cluster/run.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

/*
 * Threads at most, and bytes of a thread's stack, of which some 20 kB are used:
 * the kernel's tiles are there.
 */
#define MOST_THREADS 64
#define STACK_SIZE (512 * 1024)

/* Seconds between calls of the callbacks. */
#define POLL_EVERY 0.003
#define TELL_EVERY 0.1

#define CACHE_LINE 64

void *
vdb_km_take(VdbKmArena *arena, size_t n, size_t size)
{
	char	   *p = arena->base == NULL ? NULL : arena->base + arena->used;

	arena->used += (n * size + 7) / 8 * 8;
	if (arena->used > arena->peak)
		arena->peak = arena->used;
	return p;
}

float *
vdb_km_take_floats(VdbKmArena *arena, size_t n)
{
	char	   *p = vdb_km_take(arena, n * sizeof(float) + CACHE_LINE - 8, 1);

	if (p != NULL)
		p += (CACHE_LINE - (uintptr_t) p % CACHE_LINE) % CACHE_LINE;
	return (float *) p;
}

static inline bool
item_less(const VdbKmItem *a, const VdbKmItem *b)
{
	return a->key < b->key || (a->key == b->key && a->id < b->id);
}

/* Heapsort (Williams, "Algorithm 232", CACM 1964): in place, and never slow. */
void
vdb_km_sort(VdbKmItem *items, size_t n)
{
	for (size_t left = n / 2, end = n; end > 1;)
	{
		VdbKmItem	item;
		size_t		i,
					child;

		/* first make the heap, then take the largest from it */
		if (left > 0)
			item = items[--left];
		else
		{
			item = items[--end];
			items[end] = items[0];
		}
		for (i = left; (child = 2 * i + 1) < end; i = child)
		{
			if (child + 1 < end && item_less(&items[child], &items[child + 1]))
				child++;
			if (!item_less(&item, &items[child]))
				break;
			items[i] = items[child];
		}
		items[i] = item;
	}
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

void
vdb_km_start(VdbKmRun *run, const VdbKmControl *control, uint64_t total)
{
	static const VdbKmControl none = {0};

	run->control = control != NULL ? control : &none;
	run->threads = vdb_km_threads(control);
	run->stop = false;
	run->done = run->shown = 0;
	run->total = total;
	run->polled = run->told = 0;
}

void
vdb_km_advance(VdbKmRun *run, uint64_t work)
{
	__atomic_fetch_add(&run->done, work, __ATOMIC_RELAXED);
}

bool
vdb_km_stopped(VdbKmRun *run, int thread)
{
	const VdbKmControl *control = run->control;
	double		t;

	if (thread != 0 || __atomic_load_n(&run->stop, __ATOMIC_RELAXED))
		return __atomic_load_n(&run->stop, __ATOMIC_RELAXED);
	t = now();
	if (t - run->polled < POLL_EVERY)
		return false;
	run->polled = t;
	if (control->progress != NULL && t - run->told >= TELL_EVERY)
	{
		uint64_t	done = __atomic_load_n(&run->done, __ATOMIC_RELAXED);

		run->told = t;
		/* It is set back where a part took more than its share. */
		if (done > run->shown)
			run->shown = done < run->total ? done : run->total;
		control->progress(control->arg, run->shown, run->total);
	}
	if (control->interrupt != NULL && control->interrupt(control->arg))
		__atomic_store_n(&run->stop, true, __ATOMIC_RELAXED);
	return __atomic_load_n(&run->stop, __ATOMIC_RELAXED);
}

/* One thread's part: items are dealt out one by one. */
static void
work(VdbKmRun *run, size_t n, size_t *next, VdbKmTask task, void *arg, int thread)
{
	while (!vdb_km_stopped(run, thread))
	{
		size_t		item = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);

		if (item >= n)
			break;
		task(run, arg, item, thread);
	}
}

/* Threads at work on the same items, and one of them. */
typedef struct Crew Crew;

typedef struct Member
{
	Crew	   *crew;
	int			thread;
	pthread_t	id;
} Member;

struct Crew
{
	VdbKmRun   *run;
	size_t		n;
	size_t		next;
	VdbKmTask	task;
	void	   *arg;
	int			working;		/* threads but the caller's */
	pthread_mutex_t lock;
	pthread_cond_t finished;
	int			started;
	Member		members[MOST_THREADS - 1];
};

static void *
member(void *arg)
{
	Member	   *self = arg;
	Crew	   *crew = self->crew;

	work(crew->run, crew->n, &crew->next, crew->task, crew->arg, self->thread);
	pthread_mutex_lock(&crew->lock);
	if (--crew->working == 0)
		pthread_cond_signal(&crew->finished);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* Starts threads, fewer than wanted if the system refuses. */
static void
start_members(Crew *crew, int wanted)
{
	pthread_attr_t attributes;
	sigset_t	all,
				before;

	if (wanted == 0 || pthread_attr_init(&attributes) != 0)
		return;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	/* threads begin with the mask of the one that makes them */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (crew->started < wanted)
	{
		Member	   *next = &crew->members[crew->started];

		*next = (Member) {crew, crew->started + 1, 0};
		/* before it may finish */
		pthread_mutex_lock(&crew->lock);
		crew->working++;
		pthread_mutex_unlock(&crew->lock);
		if (pthread_create(&next->id, &attributes, member, next) != 0)
		{
			pthread_mutex_lock(&crew->lock);
			crew->working--;
			pthread_mutex_unlock(&crew->lock);
			break;
		}
		crew->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
}

/* Waits for the others; the caller's thread hears of interrupts meanwhile. */
static void
await_members(Crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	while (crew->working > 0)
	{
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += (long) (POLL_EVERY * 1e9);
		if (until.tv_nsec >= 1000000000)
		{
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&crew->finished, &crew->lock, &until);
		pthread_mutex_unlock(&crew->lock);
		vdb_km_stopped(crew->run, 0);
		pthread_mutex_lock(&crew->lock);
	}
	pthread_mutex_unlock(&crew->lock);
}

/*
 * Threads are made each time, which takes some 20 microseconds, so that
 * none is left between calls, waiting or, as OpenMP's do, spinning.
 */
static void
begin(Crew *crew, VdbKmRun *run, size_t n, VdbKmTask task, void *arg)
{
	int			threads = n < (size_t) run->threads ? (int) n : run->threads;

	threads = threads < MOST_THREADS ? threads : MOST_THREADS;
	crew->run = run;
	crew->n = n;
	crew->next = 0;
	crew->task = task;
	crew->arg = arg;
	crew->working = crew->started = 0;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->finished, NULL);
	start_members(crew, threads > 1 ? threads - 1 : 0);
}

/* Takes part, and waits for the others; false if told to stop. */
static bool
finish(Crew *crew)
{
	work(crew->run, crew->n, &crew->next, crew->task, crew->arg, 0);
	await_members(crew);
	for (int i = 0; i < crew->started; i++)
		pthread_join(crew->members[i].id, NULL);
	pthread_cond_destroy(&crew->finished);
	pthread_mutex_destroy(&crew->lock);
	return !crew->run->stop;
}

bool
vdb_km_parallel(VdbKmRun *run, size_t n, VdbKmTask task, void *arg)
{
	Crew		crew;

	begin(&crew, run, n, task, arg);
	return finish(&crew);
}

typedef struct Each
{
	VdbKmEach	each;
	void	   *arg;
} Each;

static void
do_each(VdbKmRun *run, void *arg, size_t item, int thread)
{
	const Each *each = arg;

	each->each(each->arg, item, thread);
	vdb_km_advance(run, 1);
}

VdbKmStatus
vdb_km_each(size_t n, VdbKmEach each, void *arg, const VdbKmControl *control)
{
	VdbKmRun	run;
	Each		job = {each, arg};

	vdb_km_start(&run, control, n);
	return vdb_km_parallel(&run, n, do_each, &job) ? VDB_KM_OK : VDB_KM_STOPPED;
}

struct VdbKmTeam
{
	bool		busy;
	VdbKmRun	run;
	VdbKmControl control;
	Each		job;
	Crew		crew;
};

size_t
vdb_km_team_size(void)
{
	return sizeof(VdbKmTeam);
}

VdbKmTeam *
vdb_km_team(void *memory)
{
	VdbKmTeam  *team = memory;

	team->busy = false;
	return team;
}

void
vdb_km_begin(VdbKmTeam *team, size_t n, VdbKmEach each, void *arg, const VdbKmControl *control)
{
	team->control = *control;
	team->job = (Each) {each, arg};
	vdb_km_start(&team->run, &team->control, n);
	begin(&team->crew, &team->run, n, do_each, &team->job);
	team->busy = true;
}

VdbKmStatus
vdb_km_finish(VdbKmTeam *team)
{
	bool		done = !team->busy || finish(&team->crew);

	team->busy = false;
	return done ? VDB_KM_OK : VDB_KM_STOPPED;
}

void
vdb_km_abandon(VdbKmTeam *team)
{
	__atomic_store_n(&team->run.stop, true, __ATOMIC_RELAXED);
	vdb_km_finish(team);
}

int
vdb_km_processors(void)
{
	cpu_set_t	set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}
