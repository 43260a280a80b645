/*
 * power.c
 *	  A journal of what is lost when the power fails: preloaded into a server
 *	  whose files are below VDB_POWER_DATA, it notes in VDB_POWER/journal what
 *	  each write to them overwrites, and what is synced.
 *
 * Nothing is really synced.  What has no record of a sync behind it can be
 * undone, in part or in whole, once all processes are gone: power.py does so.
 *
 * A record is written before what it is about is done, and a lock is held
 * meanwhile.  A sync is noted when it begins: it is for what was written before.
 * A file that loses its last name gets another one in VDB_POWER, so that it can
 * come back, and so that no other file gets its number.
 *
 * What is written by way of stdio is taken for safe.  PostgreSQL writes nothing
 * so that it counts on later.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SECTOR 512

/* Records, as power.py reads them. */
enum
{
	WRITE = 1,					/* bytes: what was there, in whole sectors */
	SYNC,						/* of a file, or of a folder's names */
	CREATE,						/* names: the file */
	UNLINK,						/* names: the file, and where it is kept */
	RENAME,						/* names: old, new, and where what it replaces is */
	LINK						/* names: the new one */
};

typedef struct Record
{
	uint32_t	kind;
	uint32_t	names;			/* bytes of names behind the record, each ends with 0 */
	uint64_t	inode;
	uint64_t	folder;			/* that the name is in */
	int64_t		offset;
	int64_t		length;			/* in whole sectors */
	int64_t		before;			/* the file's size, and what becomes of it */
	int64_t		after;
	uint64_t	bytes;			/* that there were, behind the names */
} Record;

/* Far from what a server opens by itself. */
#define JOURNAL_FD 700

static dev_t device;
static bool active;
static char kept[PATH_MAX - 100];

/* Libraries may call what is below before begin() was. */
#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static void
fail(const char *what)
{
	dprintf(STDERR_FILENO, "PANIC:  power.c: %s: %s\n", what, strerror(errno));
	abort();
}

__attribute__((constructor))
static void
begin(void)
{
	const char *folder = getenv("VDB_POWER");
	const char *data = getenv("VDB_POWER_DATA");
	char		path[PATH_MAX];
	struct stat st;
	int			fd;

	if (folder == NULL || data == NULL || stat(data, &st) != 0)
		return;
	device = st.st_dev;
	snprintf(kept, sizeof(kept), "%s/kept", folder);
	snprintf(path, sizeof(path), "%s/journal", folder);
	fd = REAL(open)(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, JOURNAL_FD) < 0)
		fail(path);
	close(fd);
	active = true;
}

/* ---- the journal ---- */

static void
lock(int type)
{
	struct flock range = {.l_type = type,.l_whence = SEEK_SET};

	while (fcntl(JOURNAL_FD, F_SETLKW, &range) != 0)
		if (errno != EINTR)
			fail("lock");
}

static void
put(const void *bytes, size_t n)
{
	while (n > 0)
	{
		ssize_t		done = REAL(write)(JOURNAL_FD, bytes, n);

		if (done < 0 && errno != EINTR)
			fail("journal");
		if (done > 0)
		{
			bytes = (const char *) bytes + done;
			n -= done;
		}
	}
}

/* Is it one of the server's files, or folders, and not its log? */
static bool
is_ours(int fd, struct stat *st)
{
	return active && fd > STDERR_FILENO && fstat(fd, st) == 0 && st->st_dev == device &&
		(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
}

/* Appends a part of a file, which may be open to be written only. */
static void
put_part(int fd, off_t from, size_t n)
{
	char		path[64];
	char		part[16 * SECTOR];
	int			reader;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = REAL(open)(path, O_RDONLY);
	if (reader < 0)
		fail("open");
	while (n > 0)
	{
		ssize_t		done = pread(reader, part, n < sizeof(part) ? n : sizeof(part), from);

		if (done <= 0)
			fail("read");
		put(part, done);
		from += done;
		n -= done;
	}
	close(reader);
}

/* Notes that a file is about to change from there to there, and get that size. */
static void
note_write(int fd, const struct stat *st, off_t from, off_t end, off_t after)
{
	off_t		first = from / SECTOR * SECTOR;
	off_t		last = (end + SECTOR - 1) / SECTOR * SECTOR;
	off_t		there = last < st->st_size ? last : st->st_size;
	Record		record = {
		.kind = WRITE,.inode = st->st_ino,.offset = first,.length = last - first,
		.before = st->st_size,.after = after,.bytes = there > first ? there - first : 0,
	};

	put(&record, sizeof(record));
	if (record.bytes > 0)
		put_part(fd, first, record.bytes);
}

static void
note_sync(uint64_t inode)
{
	Record		record = {.kind = SYNC,.inode = inode};

	put(&record, sizeof(record));
}

/* The folder that a name is in. */
static uint64_t
folder_of(const char *path)
{
	char		folder[PATH_MAX];
	char	   *slash;
	struct stat st;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
	return stat(slash != NULL ? folder : ".", &st) == 0 ? st.st_ino : 0;
}

static void
note_names(int kind, uint64_t inode, const char *a, const char *b, const char *c)
{
	const char *names[3] = {a, b, c};
	Record		record = {.kind = kind,.inode = inode,.folder = folder_of(a)};

	for (int i = 0; i < 3; i++)
		record.names += names[i] != NULL ? strlen(names[i]) + 1 : 0;
	put(&record, sizeof(record));
	for (int i = 0; i < 3; i++)
		if (names[i] != NULL)
			put(names[i], strlen(names[i]) + 1);
}

/* Gives a file another name, where that is to be found again. */
static void
keep(const char *path, uint64_t inode, char *as)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(as, PATH_MAX, "%s/%llu.%lld.%ld", kept, (unsigned long long) inode,
			 (long long) now.tv_sec, now.tv_nsec);
	if (REAL(link)(path, as) != 0)
		fail(as);
}

static bool
is_file(const char *path, struct stat *st)
{
	return lstat(path, st) == 0 && S_ISREG(st->st_mode) && st->st_dev == device;
}

/* ---- what a server calls ---- */

int
open(const char *path, int flags,...)
{
	mode_t		mode = 0;
	struct stat st;
	int			fd;

	if (flags & O_CREAT)
	{
		va_list		args;

		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (!active || !(flags & (O_CREAT | O_TRUNC)))
		return REAL(open)(path, flags, mode);
	lock(F_WRLCK);
	if (lstat(path, &st) != 0)
	{
		fd = REAL(open)(path, flags, mode);
		if (fd >= 0 && is_ours(fd, &st))
			note_names(CREATE, st.st_ino, path, NULL, NULL);
	}
	else
	{
		fd = REAL(open)(path, flags & ~O_TRUNC, mode);
		if (fd >= 0 && (flags & O_TRUNC) && is_ours(fd, &st))
		{
			note_write(fd, &st, 0, st.st_size, 0);
			if (REAL(ftruncate)(fd, 0) != 0)
				fail(path);
		}
	}
	flags = errno;
	lock(F_UNLCK);
	errno = flags;
	return fd;
}

/* Notes a write, and does it by way of a macro's argument. */
#define NOTED(type, fd, from, end, after, call) \
	do { \
		struct stat st; \
		type		result; \
		int			error; \
		if (!is_ours(fd, &st)) \
			return call; \
		lock(F_WRLCK); \
		/* its size may have changed */ \
		if (fstat(fd, &st) != 0) \
			fail("stat"); \
		note_write(fd, &st, from, end, after); \
		result = call; \
		error = errno; \
		if (fcntl(fd, F_GETFL) & O_DSYNC) \
			note_sync(st.st_ino); \
		lock(F_UNLCK); \
		errno = error; \
		return result; \
	} while (0)

#define LARGER(a, b) ((off_t) (a) > (off_t) (b) ? (off_t) (a) : (off_t) (b))
#define SMALLER(a, b) ((off_t) (a) < (off_t) (b) ? (off_t) (a) : (off_t) (b))

static off_t
position(int fd, const struct stat *st)
{
	return fcntl(fd, F_GETFL) & O_APPEND ? st->st_size : lseek(fd, 0, SEEK_CUR);
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	NOTED(ssize_t, fd, position(fd, &st), position(fd, &st) + n,
		  LARGER(st.st_size, position(fd, &st) + n), REAL(write)(fd, bytes, n));
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	NOTED(ssize_t, fd, at, at + n, LARGER(st.st_size, at + n), REAL(pwrite)(fd, bytes, n, at));
}

ssize_t
pwritev(int fd, const struct iovec *parts, int nparts, off_t at)
{
	size_t		n = 0;

	for (int i = 0; i < nparts; i++)
		n += parts[i].iov_len;
	NOTED(ssize_t, fd, at, at + n, LARGER(st.st_size, at + n),
		  REAL(pwritev)(fd, parts, nparts, at));
}

int
ftruncate(int fd, off_t size)
{
	NOTED(int, fd, SMALLER(size, st.st_size), st.st_size, size, REAL(ftruncate)(fd, size));
}

int
truncate(const char *path, off_t size)
{
	int			fd;
	int			result;

	if (!active)
		return REAL(truncate)(path, size);
	fd = REAL(open)(path, O_RDWR);
	if (fd < 0)
		return -1;
	result = ftruncate(fd, size);
	close(fd);
	return result;
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
	NOTED(int, fd, st.st_size, st.st_size, LARGER(st.st_size, at + n),
		  REAL(posix_fallocate)(fd, at, n));
}

static int
sync_fd(int fd, int (*otherwise) (int fd))
{
	struct stat st;

	if (!is_ours(fd, &st))
		return otherwise(fd);
	lock(F_WRLCK);
	note_sync(st.st_ino);
	lock(F_UNLCK);
	return 0;
}

int
fsync(int fd)
{
	return sync_fd(fd, REAL(fsync));
}

int
fdatasync(int fd)
{
	return sync_fd(fd, REAL(fdatasync));
}

/* It only asks for writes to begin. */
int
sync_file_range(int fd, off_t at, off_t n, unsigned flags)
{
	(void) fd, (void) at, (void) n, (void) flags;
	return 0;
}

int
rename(const char *old, const char *new)
{
	struct stat st;
	struct stat replaced;
	char		as[PATH_MAX] = "";
	int			result;

	if (!active || !is_file(old, &st))
		return REAL(rename)(old, new);
	lock(F_WRLCK);
	if (is_file(new, &replaced) && replaced.st_ino != st.st_ino)
		keep(new, replaced.st_ino, as);
	note_names(RENAME, st.st_ino, old, new, as);
	result = REAL(rename)(old, new);
	lock(F_UNLCK);
	return result;
}

int
link(const char *old, const char *new)
{
	struct stat st;
	int			result;

	if (!active || !is_file(old, &st))
		return REAL(link)(old, new);
	lock(F_WRLCK);
	result = REAL(link)(old, new);
	if (result == 0)
		note_names(LINK, st.st_ino, new, NULL, NULL);
	lock(F_UNLCK);
	return result;
}

int
unlink(const char *path)
{
	struct stat st;
	char		as[PATH_MAX];
	int			result;

	if (!active || !is_file(path, &st))
		return REAL(unlink)(path);
	lock(F_WRLCK);
	keep(path, st.st_ino, as);
	note_names(UNLINK, st.st_ino, path, as, NULL);
	result = REAL(unlink)(path);
	lock(F_UNLCK);
	return result;
}
