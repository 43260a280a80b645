/*
 * full.c
 *	  Preloaded into a server: the disk with its tables is full.
 *
 * The file that VDB_FULL names, of the size of Space, says how many bytes files of
 * tables, indexes and queries may still grow by; what does not fit fails as on a full
 * disk.  Removed files give nothing back.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct Space
{
	int64_t		left;			/* negative: no limit */
	int64_t		refused;		/* how many writes did not fit */
} Space;

static volatile Space *space = NULL;

__attribute__((constructor)) static void
map_space(void)
{
	const char *path = getenv("VDB_FULL");
	int			fd = path == NULL ? -1 : open(path, O_RDWR);
	void	   *map;

	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(Space), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		space = map;
}

/* Not WAL and the like: when that cannot be written, the server ends, as it should. */
static int
is_data(int fd)
{
	char		link[64];
	char		path[4096];
	ssize_t		length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return 0;
	path[length] = '\0';
	return strstr(path, "/data/base/") != NULL;
}

/* Is there no room for a file to be this long?  If there is, it is taken. */
static int
is_full(int fd, int64_t end)
{
	struct stat now;
	int64_t		more;

	if (space == NULL || space->left < 0 || !is_data(fd) || fstat(fd, &now) != 0)
		return 0;
	more = end - now.st_size;
	if (more <= 0)
		return 0;
	if (__atomic_sub_fetch(&space->left, more, __ATOMIC_SEQ_CST) >= 0)
		return 0;
	__atomic_store_n(&space->left, 0, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&space->refused, 1, __ATOMIC_SEQ_CST);
	errno = ENOSPC;
	return 1;
}

static int64_t
total(const struct iovec *parts, int n)
{
	int64_t		bytes = 0;

	for (int i = 0; i < n; i++)
		bytes += parts[i].iov_len;
	return bytes;
}

#define REAL(function, name) \
	static __typeof__(&function) real = NULL; \
	if (real == NULL) \
		real = (__typeof__(&function)) dlsym(RTLD_NEXT, name)

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	REAL(pwrite, "pwrite");
	return is_full(fd, at + n) ? -1 : real(fd, bytes, n, at);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
	REAL(pwritev, "pwritev");
	return is_full(fd, at + total(parts, n)) ? -1 : real(fd, parts, n, at);
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
	REAL(posix_fallocate, "posix_fallocate");
	return is_full(fd, at + n) ? ENOSPC : real(fd, at, n);
}

/* The same by other names, where programs are made for large files. */
ssize_t		pwrite64(int fd, const void *bytes, size_t n, off64_t at) __attribute__((alias("pwrite")));
ssize_t		pwritev64(int fd, const struct iovec *parts, int n, off64_t at) __attribute__((alias("pwritev")));
int			posix_fallocate64(int fd, off64_t at, off64_t n) __attribute__((alias("posix_fallocate")));
