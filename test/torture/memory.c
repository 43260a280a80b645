/*
 * memory.c
 *	  Preloaded into a server: one process of it runs out of memory.
 *
 * The file that VDB_MEMORY names, of the size of Orders, says whose turn it is:
 * from the at-th on, `many` allocations of that process fail.  With 0 they are only
 * counted.  A new thread counts as one, too.  What PostgreSQL does itself at the end
 * of a transaction is left alone: it panics where it gets no memory after a commit.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct Orders
{
	int32_t		pid;			/* whose; 0 nobody's */
	int32_t		at;				/* the first that fails; 0 none */
	int32_t		many;			/* how many fail */
	int32_t		count;			/* how many there were since */
} Orders;

static volatile Orders *orders = NULL;

/* PostgreSQL's: a transaction is in progress, and not about to end. */
extern _Bool IsTransactionState(void) __attribute__((weak));

/* glibc's own, which need no look-up: that would allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

__attribute__((constructor)) static void
map_orders(void)
{
	const char *path = getenv("VDB_MEMORY");
	int			fd = path == NULL ? -1 : open(path, O_RDWR);
	void	   *map;

	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(Orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		orders = map;
}

static int
fails(void)
{
	int32_t		count;

	if (orders == NULL || orders->pid == 0 || orders->pid != getpid())
		return 0;
	count = __atomic_add_fetch(&orders->count, 1, __ATOMIC_RELAXED);
	if (orders->at == 0 || count < orders->at || count >= orders->at + orders->many)
		return 0;
	if (IsTransactionState != NULL && !IsTransactionState())
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

int
posix_memalign(void **to, size_t alignment, size_t size)
{
	*to = fails() ? NULL : __libc_memalign(alignment, size);
	return *to == NULL ? ENOMEM : 0;
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *),
			   void *argument)
{
	static int	(*real) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *) = NULL;

	if (fails())
		return EAGAIN;
	if (real == NULL)
		real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attributes, start, argument);
}
