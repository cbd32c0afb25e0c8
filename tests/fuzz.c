// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls that know the interface: every command with sizes, pointers and
 * contents that are nearly right, and every other call that takes a descriptor
 * or a mapping.  Each must succeed or fail with an error that is documented;
 * what failed has changed nothing of its argument, what succeeded has written
 * nothing beyond it; and when all is over nothing is left.
 *
 * Threads share descriptors and an arena of memory, which they close, replace,
 * protect and unmap under one another's calls.  Their processes are killed at
 * any time and begun again.
 *
 * fuzz [--calls N] [--seconds N] [--seed N], or TAM_FUZZ_CALLS, ..._SECONDS and
 * ..._SEED.  Threads race: a seed repeats the calls, not their interleaving.
 */
#include "module.h"

#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#define CALLS		150000		/* about 20 s emulated */
#define WORKERS		4
#define THREADS		3
#define LIFE		4000		/* calls of a worker */
#define SLOTS		8		/* descriptors that threads share */
#define SLOT_FD		100		/* the first of them */
#define ARENA		64		/* pages that threads share */
#define AROUND		16		/* pages of nobody's behind it */
#define SIZE_MAX_IOC	(1 << _IOC_SIZEBITS)
#define OWN		(5 * PAGE)	/* a thread's own: any size, and before */
#define ERRNOS		140
#define CAP		"/sys/module/tamalloc/parameters/shared_cap_mib"
#define HIDEPID		"/sys/module/tamalloc/parameters/hidepid"
#define KO		"/run/tamvm/job/tamalloc.ko"	/* where tamvm leaves it */

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ONE_OF(...)							\
	({								\
		const uint64_t set_[] = { __VA_ARGS__ };		\
		set_[below(COUNT(set_))];				\
	})

/* What the processes share. */
static struct shared {
	uint64_t calls, target, deadline;
	uint64_t outcomes[64][ERRNOS];	/* of each kind of call, by errno */
	int wrong;
} *shared;

static uint64_t seed;
static char *arena;
static int rights[2];			/* descriptors under way */

/* Of each thread. */
static __thread uint64_t state;		/* of its random numbers */
static __thread char *own[2];		/* OWN bytes, then none: plain, tamalloc */
static __thread int own_fd;
static __thread sigjmp_buf caught;
static __thread volatile bool catching;

/* Fails the whole run from any process in it. */
#define WRONG(...)							\
	do {								\
		shared->wrong = 1;					\
		FAIL(__VA_ARGS__);					\
	} while (0)

/* Numbers */

static uint64_t any(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;	/* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t below(uint64_t n)
{
	return any() % n;
}

/* Once in n. */
static bool rarely(uint64_t n)
{
	return !below(n);
}

/* Where arithmetic goes wrong, if it does. */
static uint64_t edge(void)
{
	switch (below(6)) {
	case 0:
		return 0;
	case 1:
		return any();
	case 2:
		return any() & -PAGE;
	case 3:
		return ((1ULL << 63) - PAGE) + PAGE * below(3) - PAGE;
	case 4:
		return -PAGE * below(4) - below(2);
	default:
		return (1ULL << below(64)) + ONE_OF(0, 1, -1, PAGE, -PAGE);
	}
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Places */

/* Addresses that are nobody's. */
static void *nowhere(void)
{
	return (void *)ONE_OF(0, 1, PAGE, -1, -PAGE, -8, 1ULL << 63,
			      1ULL << 47, (1ULL << 47) - 8, (1ULL << 47) - PAGE,
			      0xffff888000000000, 0xffffffff81000000,
			      0xffffffffff600000, 0xdead000000000100, edge());
}

static char *arena_page(void)
{
	return arena + below(ARENA) * PAGE;
}

/* A length from that page on, mostly short. */
static size_t arena_len(const char *p)
{
	size_t pages = (arena + ARENA * PAGE - p) / PAGE;

	if (pages > 4 && !rarely(4))
		pages = 4;
	return (1 + below(pages)) * PAGE;
}

static int slot(void)
{
	return SLOT_FD + below(SLOTS);
}

/* A descriptor that others close and replace, or this thread's own. */
static int some_fd(void)
{
	return rarely(3) ? own_fd : rarely(50) ? -1 : slot();
}

/* What a signal would be in a program is an error here. */
static void on_fault(int sig)
{
	if (catching)
		siglongjmp(caught, sig);
	signal(sig, SIG_DFL);
	raise(sig);
}

static long touch(volatile char *p, bool write)
{
	int sig = sigsetjmp(caught, 1);

	if (!sig) {
		catching = true;
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	catching = false;
	errno = sig == SIGBUS ? ENOSPC : EFAULT;
	return sig ? -1 : 0;
}

/* Writes to what may not be there. */
static void poke(void *to, const void *from, size_t size)
{
	struct iovec local = { (void *)from, size }, remote = { to, size };

	syscall(SYS_process_vm_writev, getpid(), &local, 1, &remote, 1, 0);
}

/* The commands */

struct command {
	unsigned int cmd;
	size_t record;			/* of a list */
};

enum {
	QUERY, SET_ATTR, GET_OBJECT, PUNCH, COMMIT, DISCARD, PROCESS, SYSTEM,
	PROCESSES, MAPPINGS, OBJECTS, PAGES, COMMANDS
};

static const struct command commands[] = {
	[QUERY]      = { TAM_IOC_QUERY },
	[SET_ATTR]   = { TAM_IOC_SET_ATTR },
	[GET_OBJECT] = { TAM_IOC_GET_OBJECT },
	[PUNCH]	     = { TAM_IOC_PUNCH },
	[COMMIT]     = { TAM_IOC_COMMIT },
	[DISCARD]    = { TAM_IOC_DISCARD },
	[PROCESS]    = { TAM_IOC_PROCESS },
	[SYSTEM]     = { TAM_IOC_SYSTEM },
	[PROCESSES]  = { TAM_IOC_PROCESSES, sizeof(struct tam_process_stats) },
	[MAPPINGS]   = { TAM_IOC_MAPPINGS, sizeof(struct tam_mapping_stats) },
	[OBJECTS]    = { TAM_IOC_OBJECTS, sizeof(struct tam_object_stats) },
	[PAGES]	     = { TAM_IOC_PAGES, sizeof(struct tam_extent) },
};

static int32_t some_pid(void)
{
	return ONE_OF(0, 0, getpid(), getppid(), below(500), below(500), 1, 2,
		      -1, INT32_MIN, INT32_MAX, edge());
}

static void fill_attr(struct tam_attr_set *attr)
{
	static const char pattern[TAM_PATTERN_MAX] = "tamalloc";

	attr->flags = below(4);
	attr->pattern = (uintptr_t)pattern;
	attr->pattern_len = ONE_OF(1, 2, 7, 4095, 4096, 4097, 65535, 65536,
				   65537, 0, edge(), 1 + below(100));
	if (rarely(4))
		attr->pattern = (uintptr_t)nowhere();
	else if (rarely(4))
		attr->pattern = (uintptr_t)arena_page() + below(PAGE);
	memcpy(attr->name, "fuzz", 5);
	if (rarely(8))
		memset(attr->name, 'x', sizeof(attr->name));
}

static void fill_range(int c, struct tam_range *range)
{
	char *p = arena_page();

	range->start = c == PUNCH ? below(ARENA) * PAGE : (uintptr_t)p;
	range->len = arena_len(p);
	if (rarely(4))
		range->start = edge();
	if (rarely(4))
		range->len = edge();
	/* All of memory would do what it says, of what is not the arena. */
	if (c == COMMIT && rarely(8))
		range->start += below(PAGE);
}

/* Room for records at the end of the thread's own memory; true: as it says. */
static bool fill_list(int c, struct tam_list *list)
{
	bool honest = false;

	list->size = rarely(4) ? below(100) : below(PAGE / 2);
	if (rarely(2)) {
		list->records = (uintptr_t)own[below(2)] + OWN - list->size;
		honest = true;
	} else if (rarely(3)) {
		list->records = (uintptr_t)nowhere();
	} else {
		list->records = (uintptr_t)arena_page() + below(PAGE);
	}
	if (rarely(8)) {
		list->size = edge();
		honest = false;
	}
	list->cursor = rarely(8) ? edge() : rarely(2) ? below(1000) : 0;
	if (c == MAPPINGS || c == PAGES) {
		list->pid = some_pid();
		if (rarely(4))
			list->cursor = (uintptr_t)arena_page();
		list->end = rarely(4) ? (uintptr_t)arena_page() : 0;
	}
	if (c == PROCESSES)
		list->flags = below(2) * TAM_LIST_NO_TAM;
	if (rarely(16))
		list->end = edge();
	if (rarely(16))
		list->flags = edge();
	list->count = any();
	list->more = any();
	return honest;
}

static void check_list(int c, const struct tam_list *list)
{
	const char *record = (char *)(uintptr_t)list->records;
	uint32_t size;

	if (list->more > 1 || list->count > list->size / commands[c].record)
		WRONG("list %d: %u records in %llu bytes, more is %u", c,
		      list->count, list->size, list->more);
	for (uint32_t i = 0; i < list->count; i++, record += size) {
		memcpy(&size, record, sizeof(size));
		if (size != commands[c].record)
			WRONG("list %d: record %u has %u bytes", c, i, size);
	}
}

static long call_command(int c)
{
	bool writes = _IOC_DIR(commands[c].cmd) & _IOC_WRITE;
	bool reads = _IOC_DIR(commands[c].cmd) & _IOC_READ;
	static __thread uint8_t arg[SIZE_MAX_IOC], was[SIZE_MAX_IOC + 128];
	size_t known = _IOC_SIZE(commands[c].cmd), size = known;
	int fd = rarely(2) ? own_fd : some_fd(), err;
	bool checked = false, honest = false;
	struct tam_list list = {};
	char *at, *all;
	long ret;

	/* Contents, then the size that the caller believes in. */
	memset(arg, 0, known + 64);
	if (c == SET_ATTR)
		fill_attr((struct tam_attr_set *)arg);
	else if (c >= PUNCH && c <= DISCARD)
		fill_range(c, (struct tam_range *)arg);
	else if (c == PROCESS)
		((struct tam_process_stats *)arg)->pid = some_pid();
	else if (commands[c].record)
		honest = fill_list(c, &list);
	else
		memset(arg, 0xaa, known + 64);
	if (commands[c].record)
		memcpy(arg, &list, sizeof(list));
	if (rarely(4)) {
		size = ONE_OF(0, 1, known - 1, known + 1, known + 8, known + 64,
			      below(known + 1), PAGE, SIZE_MAX_IOC - 1);
		if (size > known + 64)
			memset(arg + known, 0, size - known);
	}
	/* Its tail, perhaps; not where records go, which is somebody's. */
	if (rarely(8) && size > sizeof(list.records)) {
		arg[sizeof(list.records) + below(size - sizeof(list.records))] ^=
			1 << below(8);
		honest = false;
	}
	honest = honest && size == known;

	/* Somewhere. */
	switch (below(8)) {
	case 0:
		at = nowhere();
		break;
	case 1:
		at = own[below(2)] + OWN - below(size + 1);
		break;
	case 2:
	case 3:
		at = arena_page() + below(PAGE);
		break;
	default:
		all = own[below(2)];
		if (rarely(4))
			madvise(all, OWN, MADV_DONTNEED);
		/* Before the page where the records go. */
		at = all + 64 + below(OWN - PAGE - size);
		if (!commands[c].record || honest)
			checked = at + size + 64 <= all + OWN - PAGE;
	}
	poke(at, arg, size);
	if (checked)
		memcpy(was, at - 64, size + 128);

	ret = ioctl(fd, _IOC(rarely(16) ? below(4) : _IOC_DIR(commands[c].cmd),
			     TAM_IOC_MAGIC, _IOC_NR(commands[c].cmd), size), at);
	err = errno;
	if (ret > 0)
		WRONG("command %d: returned %ld", c, ret);
	if (ret && fd == own_fd && (err == ENOTTY || err == EBADF))
		WRONG("command %d: %s", c, strerror(err));
	if (ret && err == E2BIG && (!writes || size <= known))
		WRONG("command %d of %zu bytes: %s", c, size, strerror(err));
	if (!ret && !size)
		WRONG("command %d: does without an argument", c);
	if (!checked)
		goto out;

	if (!writes && ret && size && fd == own_fd)
		WRONG("command %d of %zu bytes: %s", c, size, strerror(err));
	if (memcmp(was, at - 64, 64) || memcmp(was + 64 + size, at + size, 64))
		WRONG("command %d of %zu bytes: wrote beyond", c, size);
	if ((ret || !reads) && memcmp(was + 64, at, size))
		WRONG("command %d of %zu bytes: %s, but wrote", c, size,
		      ret ? strerror(err) : "no answer");
	for (size_t i = known; !ret && reads && i < size; i++)
		if (at[i])
			WRONG("command %d of %zu bytes: byte %zu is %#x", c,
			      size, i, (uint8_t)at[i]);
	if (!ret && honest)
		check_list(c, (struct tam_list *)at);
out:
	errno = err;
	return ret;
}

/* Numbers of nobody's; not what freezes or marks the file system of /dev. */
static long call_unknown(void)
{
	unsigned int type = rarely(4) ? ONE_OF('T', 0, 255, 0x89, 0x12) :
					TAM_IOC_MAGIC;
	unsigned int nr = type == TAM_IOC_MAGIC ?
		ONE_OF(0x06, 0x0f, 0x16, 0xff, 0x06 + below(10),
		       0x16 + below(0xea)) : 0xc0 + below(0x40);
	int fd = some_fd();
	long ret = ioctl(fd, _IOC(below(4), type, nr, below(SIZE_MAX_IOC)),
			 rarely(2) ? own[0] : nowhere());

	if (!ret || (fd == own_fd && errno != ENOTTY))
		WRONG("unknown command %#x of %#x: %s", nr, type,
		      ret ? strerror(errno) : "is known");
	return ret;
}

/* Descriptors */

static int open_some(void)
{
	int flags = ONE_OF(O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY,
			   O_RDWR | O_DIRECT, O_RDWR | O_TRUNC, O_PATH,
			   O_RDWR | O_APPEND, O_RDWR | O_DIRECTORY, O_ACCMODE,
			   O_RDWR | O_NONBLOCK | O_ASYNC | O_SYNC,
			   O_RDWR | O_CREAT | O_EXCL, O_RDWR | O_NOATIME);

	return open("/dev/tamalloc", flags | O_CLOEXEC);
}

static long call_open(void)
{
	int fd = open_some();

	if (fd < 0)
		return -1;
	dup3(fd, slot(), O_CLOEXEC);
	return close(fd);
}

static long call_close(void)
{
	return close(slot());
}

static long call_dup(void)
{
	int to = slot(), null, ret;

	if (!rarely(4))
		return dup3(slot(), to, O_CLOEXEC) < 0 ? -1 : 0;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -1;
	ret = dup3(null, to, O_CLOEXEC);
	close(null);
	return ret < 0 ? -1 : 0;
}

/* Through a socket, to whichever process takes it. */
static long call_rights(void)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec byte = { own[0], 1 };
	struct msghdr msg = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd = slot();
	ssize_t ret;

	if (rarely(2)) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		return sendmsg(rights[0], &msg, MSG_DONTWAIT) < 0 ? -1 : 0;
	}
	ret = recvmsg(rights[1], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (ret < 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c)
		return 0;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	dup3(fd, slot(), O_CLOEXEC);
	return close(fd);
}

static long call_read(void)
{
	void *p = rarely(2) ? arena_page() : nowhere();

	return rarely(2) ? syscall(SYS_pread64, own_fd, p, edge(), edge()) :
			   syscall(SYS_read, own_fd, p, edge());
}

static long call_write(void)
{
	void *p = rarely(2) ? arena_page() : nowhere();

	return rarely(2) ? syscall(SYS_pwrite64, own_fd, p, edge(), edge()) :
			   syscall(SYS_write, own_fd, p, edge());
}

static long call_truncate(void)
{
	return syscall(SYS_ftruncate, some_fd(), edge());
}

static long call_fallocate(void)
{
	return syscall(SYS_fallocate, some_fd(), rarely(2) ? below(128) : 3,
		       edge(), edge());
}

static long call_fcntl(void)
{
	int fd = some_fd();
	struct flock lock = {
		.l_type = below(3), .l_start = edge(), .l_len = edge(),
	};

	switch (below(7)) {
	case 0:
		return fcntl(fd, F_SETFL, ONE_OF(O_APPEND, O_DIRECT, O_ASYNC,
						 O_NONBLOCK, O_NOATIME, edge()));
	case 1:
		return fcntl(fd, F_ADD_SEALS, (int)edge());
	case 2:
		return fcntl(fd, F_SETLEASE, (int)below(3));
	case 3:
		return fcntl(fd, F_SETLK, &lock);
	case 4:
		return flock(fd, ONE_OF(LOCK_SH, LOCK_EX, LOCK_UN) | LOCK_NB);
	case 5:
		return fcntl(fd, F_SETPIPE_SZ, (int)edge());
	default:
		return fcntl(fd, ONE_OF(F_GETFL, F_GET_SEALS, F_GETLEASE, F_GETOWN));
	}
}

/* The rest of what takes a descriptor. */
static long call_file(void)
{
	int fd = some_fd();
	struct pollfd poll_fd = { .fd = fd, .events = any() };
	struct stat st;
	loff_t pos = edge();

	switch (below(9)) {
	case 0:
		return lseek(fd, edge(), below(6)) < 0 ? -1 : 0;
	case 1:
		return poll(&poll_fd, 1, 0) < 0 ? -1 : 0;
	case 2:
		return rarely(2) ? fsync(fd) : fdatasync(fd);
	case 3:
		errno = posix_fadvise(fd, edge(), edge(), below(8));
		return errno ? -1 : 0;
	case 4:
		return readahead(fd, edge(), edge());
	case 5:
		return sync_file_range(fd, edge(), edge(), below(8));
	case 6:
		return fstat(fd, &st);
	case 7:
		return sendfile(rights[0], fd, &pos, below(PAGE));
	default:
		return copy_file_range(fd, &pos, slot(), NULL, below(PAGE), 0);
	}
}

static long call_splice(void)
{
	struct iovec from = { arena_page(), below(2 * PAGE) };
	int ends[2];
	long ret, err;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -1;
	switch (below(3)) {
	case 0:
		ret = splice(some_fd(), NULL, ends[1], NULL, PAGE,
			     SPLICE_F_NONBLOCK);
		break;
	case 1:
		ret = vmsplice(ends[1], &from, 1,
			       SPLICE_F_NONBLOCK | below(2) * SPLICE_F_GIFT);
		break;
	default:
		write(ends[1], "x", 1);
		ret = splice(ends[0], NULL, some_fd(), NULL, PAGE,
			     SPLICE_F_NONBLOCK);
	}
	err = errno;
	close(ends[0]);
	close(ends[1]);
	errno = err;
	return ret < 0 ? -1 : 0;
}

/* Memory */

static long call_mmap(void)
{
	int prot = rarely(3) ? below(8) : (int)RW;
	int flags = rarely(2) ? MAP_SHARED : MAP_PRIVATE;
	bool fixed = !rarely(4);
	char *at = arena_page(), *p;
	size_t len = arena_len(at);
	uint64_t offset = below(ARENA) * PAGE;

	if (rarely(4)) {
		offset = edge();
		len = rarely(2) ? edge() : len;
	}
	if (!fixed)	/* in whole pages, or the core takes it for an errno */
		at = (char *)((uintptr_t)nowhere() & -PAGE);
	else if (at + len <= arena + ARENA * PAGE && len < ARENA * PAGE)
		flags |= MAP_FIXED;
	flags |= ONE_OF(0, 0, MAP_NORESERVE, MAP_STACK, MAP_GROWSDOWN,
			MAP_32BIT, MAP_NONBLOCK, MAP_HUGETLB,
			MAP_SHARED_VALIDATE, MAP_SHARED_VALIDATE | MAP_SYNC,
			MAP_FIXED_NOREPLACE, MAP_DENYWRITE);
	/* As much as the arena may be committed, no more. */
	if (len <= ARENA * PAGE)
		flags |= ONE_OF(0, 0, MAP_POPULATE, MAP_LOCKED);
	prot |= rarely(32) ? ONE_OF(PROT_GROWSDOWN, PROT_GROWSUP, 8, edge()) : 0;

	p = (char *)syscall(SYS_mmap, at, len, prot, flags, some_fd(), offset);
	if (p == MAP_FAILED)
		return -1;
	if (flags & MAP_FIXED)
		return 0;
	if (len <= ARENA * PAGE)
		touch(p + below(len), rarely(2));
	return munmap(p, len);
}

/* What else may be where an argument is. */
static long call_other(void)
{
	char *p = arena_page();

	return mmap(p, arena_len(p), rarely(4) ? PROT_NONE : RW,
		    MAP_ANONYMOUS | MAP_FIXED |
		    ONE_OF(MAP_SHARED, MAP_PRIVATE), -1, 0) == MAP_FAILED ? -1 : 0;
}

static long call_munmap(void)
{
	char *p = arena_page();

	return munmap(p, arena_len(p));
}

static long call_mprotect(void)
{
	char *p = arena_page();

	return mprotect(p, arena_len(p), rarely(2) ? below(8) : RW);
}

/* All but MADV_HWPOISON and MADV_SOFT_OFFLINE, which cost the machine pages. */
static long call_madvise(void)
{
	char *p = arena_page();
	int advice = ONE_OF(below(5), 8 + below(18), MADV_DONTNEED,
			    MADV_REMOVE, 102, 103, 1000 + below(1000));

	return madvise(p + rarely(8), rarely(16) ? -below(2) * PAGE :
		       arena_len(p), advice);
}

static long call_mremap(void)
{
	char *from = arena_page(), *to = arena_page(), *p;
	size_t old = rarely(4) ? 0 : arena_len(from), new = arena_len(to);
	int flags = ONE_OF(0, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   MREMAP_MAYMOVE | 4 /* DONTUNMAP */,
			   MREMAP_MAYMOVE | MREMAP_FIXED | 4);

	/* Not what could be had, and filled where it is locked. */
	if (rarely(4))
		new = ONE_OF(0, -1, -PAGE, 1ULL << 63, 1ULL << 47);
	p = (char *)syscall(SYS_mremap, from, old, new, flags, to);
	if (p == MAP_FAILED)
		return -1;
	/* What lies elsewhere nobody else can unmap. */
	if (p < arena || p >= arena + ARENA * PAGE)
		return munmap(p, new);
	return 0;
}

static long call_lock(void)
{
	char *p = arena_page();
	size_t len = arena_len(p);

	switch (below(4)) {
	case 0:
		return mlock(p, len);
	case 1:
		return mlock2(p, len, MLOCK_ONFAULT);
	case 2:
		return msync(p, len, below(8));
	default:
		return munlock(p, len);
	}
}

static long call_touch(void)
{
	return touch(arena_page() + below(PAGE), rarely(2));
}

/* Others' access to it: ptrace's, and that of another process. */
static long call_mem(void)
{
	static __thread int mem, owner;
	char *p = arena_page() + below(PAGE);
	struct iovec local = { own[0], below(2 * PAGE) };
	struct iovec remote = { p, local.iov_len };
	long ret;

	if (rarely(2))
		return syscall(rarely(2) ? SYS_process_vm_writev :
			       SYS_process_vm_readv, getpid(), &local, 1,
			       &remote, 1, 0) < 0 ? -1 : 0;
	if (owner != getpid()) {
		mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
		owner = getpid();
	}
	ret = rarely(2) ? pread(mem, own[0], local.iov_len, (uintptr_t)p) :
			  pwrite(mem, own[0], local.iov_len, (uintptr_t)p);
	return ret < 0 ? -1 : 0;
}

static long call_proc(void)
{
	static const char *const files[] = {
		"maps", "smaps", "smaps_rollup", "numa_maps", "pagemap",
		"status", "oom_score", NULL,	/* fdinfo */
	};
	const char *file = files[below(COUNT(files))];
	char path[64], buf[PAGE];
	long ret;
	int fd;

	if (file)
		snprintf(path, sizeof(path), "/proc/self/%s", file);
	else
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", slot());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	do
		ret = read(fd, buf, sizeof(buf));
	while (ret > 0 && !rarely(8));
	close(fd);
	return ret < 0 ? -1 : 0;
}

/* Processes */

static void one_call(void);

/* A child that goes on with the descriptors and the memory, until killed. */
static long call_fork(void)
{
	int calls = below(100), status;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		state = ~state;
		while (calls--)
			one_call();
		_exit(0);
	}
	if (pid < 0)
		return -1;
	if (rarely(2)) {
		usleep(below(3000));
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid || !status)
		return 0;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		WRONG("a child ended with status %#x", status);
	return 0;
}

/* All together */

#define ERR(...)	((const uint8_t[]){ __VA_ARGS__, 0 })
#define COMMAND(id, ...)						\
	{ "ioctl " #id, 6, NULL, id,					\
	  ERR(EFAULT, ENOTTY, EINVAL, EBADF, ##__VA_ARGS__) }
#define MEMORY_ERRORS	EINVAL, ENOMEM, EACCES, EAGAIN, EPERM, EFAULT

static const struct call {
	const char *name;
	unsigned int weight;
	long (*fn)(void);
	int command;
	const uint8_t *errnos;		/* that it may have, of others' too */
} all_calls[] = {
	COMMAND(QUERY),
	COMMAND(SET_ATTR, E2BIG, EBUSY, ENOMEM),
	COMMAND(GET_OBJECT),
	COMMAND(PUNCH, E2BIG, EINTR),
	COMMAND(COMMIT, E2BIG, ENOMEM, ENOSPC, EACCES, EINTR),
	COMMAND(DISCARD, E2BIG, ENOMEM, EACCES, EINTR),
	COMMAND(PROCESS, E2BIG, ESRCH),
	COMMAND(SYSTEM, EINTR),
	COMMAND(PROCESSES, E2BIG, ENOSPC, EINTR),
	COMMAND(MAPPINGS, E2BIG, ENOSPC, ESRCH, EACCES, EAGAIN, EINTR),
	COMMAND(OBJECTS, E2BIG, ENOSPC, EINTR),
	COMMAND(PAGES, E2BIG, ENOSPC, ESRCH, EACCES, EAGAIN, EINTR),
	{ "ioctl, unknown", 6, call_unknown, 0, ERR(ENOTTY, EBADF) },
	{ "open", 8, call_open, 0, ERR(EINVAL, EEXIST, ENOTDIR, EPERM, EBADF) },
	{ "close", 2, call_close, 0, ERR(EBADF) },
	{ "dup3", 3, call_dup, 0, ERR(EBADF, EINVAL, EBUSY) },
	{ "SCM_RIGHTS", 2, call_rights, 0, ERR(EBADF, EAGAIN, ETOOMANYREFS) },
	{ "read", 2, call_read, 0, ERR(EINVAL) },
	{ "write", 2, call_write, 0, ERR(EINVAL) },
	{ "ftruncate", 2, call_truncate, 0, ERR(EINVAL, EBADF) },
	{ "fallocate", 2, call_fallocate, 0,
	  ERR(EINVAL, EBADF, ENODEV, EOPNOTSUPP, EFBIG) },
	{ "fcntl", 3, call_fcntl, 0,
	  ERR(EINVAL, EBADF, EPERM, EAGAIN, EOVERFLOW, EACCES) },
	{ "lseek to sendfile", 3, call_file, 0,
	  ERR(EINVAL, EBADF, ESPIPE, EOVERFLOW, EXDEV, EAGAIN) },
	{ "splice", 2, call_splice, 0,
	  ERR(EINVAL, EBADF, EFAULT, EAGAIN, ENOMEM) },
	{ "mmap", 20, call_mmap, 0,
	  ERR(MEMORY_ERRORS, EBADF, EOVERFLOW, ENODEV, EOPNOTSUPP, EEXIST) },
	{ "mmap of others", 2, call_other, 0, ERR(MEMORY_ERRORS) },
	{ "munmap", 2, call_munmap, 0, ERR(MEMORY_ERRORS) },
	{ "mprotect", 6, call_mprotect, 0, ERR(MEMORY_ERRORS) },
	{ "madvise", 8, call_madvise, 0,
	  ERR(MEMORY_ERRORS, EBADF, EBUSY, EOPNOTSUPP, ENODEV, EIO) },
	{ "mremap", 4, call_mremap, 0, ERR(MEMORY_ERRORS) },
	{ "mlock to msync", 4, call_lock, 0, ERR(MEMORY_ERRORS, EBUSY) },
	{ "access", 10, call_touch, 0, ERR(EFAULT, ENOSPC) },
	{ "access by others", 6, call_mem, 0, ERR(EFAULT, EIO) },
	{ "proc", 1, call_proc, 0, ERR(ENOENT, ESRCH) },
	{ "fork", 1, call_fork, 0, ERR(EAGAIN, ENOMEM) },
};

#define KINDS		COUNT(all_calls)

static void one_call(void)
{
	static unsigned int weights;
	const struct call *call = all_calls;
	unsigned int n, sum = 0;
	int err = 0;

	if (!weights) {
		for (size_t i = 0; i < KINDS; i++)
			sum += all_calls[i].weight;
		weights = sum;
	}
	for (n = below(weights); n >= call->weight; call++)
		n -= call->weight;
	if ((call->fn ? call->fn() : call_command(call->command)) < 0)
		err = errno;
	if (err && !strchr((const char *)call->errnos, err))
		WRONG("%s: %s", call->name, strerror(err));
	__atomic_add_fetch(&shared->outcomes[call - all_calls][err], 1,
			   __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->calls, 1, __ATOMIC_RELAXED);
}

static bool over(void)
{
	return shared->wrong || now() >= shared->deadline ||
	       __atomic_load_n(&shared->calls, __ATOMIC_RELAXED) >= shared->target;
}

/* Memory of a thread's own, before a page that is nobody's. */
static char *guarded(int fd)
{
	char *p = mmap(NULL, OWN + PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	if (fd < 0)
		CHECK(!mprotect(p, OWN, RW));
	else
		CHECK(mmap(p, OWN, RW, MAP_PRIVATE | MAP_FIXED, fd, 0) == p);
	return p;
}

struct team {
	pthread_barrier_t start;
	uint64_t seed;
};

static void *thread(void *arg)
{
	struct team *team = arg;

	state = __atomic_add_fetch(&team->seed, 1, __ATOMIC_RELAXED) << 32;
	own_fd = open_object();
	own[0] = guarded(-1);
	own[1] = guarded(open_object());
	pthread_barrier_wait(&team->start);
	for (int i = 0; i < LIFE / THREADS && !over(); i++)
		one_call();
	return NULL;
}

static void worker(uint64_t number)
{
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct rlimit files = { 512, 512 }, core = { 0, 0 };
	struct team team = { .seed = seed + number * THREADS };
	pthread_t threads[THREADS];

	setpgid(0, 0);
	CHECK(!setrlimit(RLIMIT_NOFILE, &files));
	CHECK(!setrlimit(RLIMIT_CORE, &core));
	CHECK(!sigaction(SIGSEGV, &fault, NULL));
	CHECK(!sigaction(SIGBUS, &fault, NULL));
	/* Every other one is an ordinary user. */
	if (number % 2 && !geteuid()) {
		CHECK(!setgroups(0, NULL));
		CHECK(!setresgid(65534, 65534, 65534));
		CHECK(!setresuid(65534, 65534, 65534));
		prctl(PR_SET_DUMPABLE, 1);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	arena = mmap(NULL, (ARENA + AROUND) * PAGE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(arena != MAP_FAILED);
	CHECK(!mprotect(arena, ARENA * PAGE, RW));
	pthread_barrier_init(&team.start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, thread, &team));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static pid_t begin(void)
{
	static uint64_t number;
	pid_t pid;

	number++;
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		worker(number);
	setpgid(pid, pid);
	return pid;
}

/* All that ended; workers begin again while there is time. */
static void reap(pid_t *workers, int flags)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, flags)) > 0)
		for (int i = 0; i < WORKERS; i++) {
			if (pid != workers[i])
				continue;
			if (status && !(WIFSIGNALED(status) &&
					WTERMSIG(status) == SIGKILL))
				WRONG("a worker ended with status %#x", status);
			kill(-pid, SIGKILL);	/* what it left behind */
			workers[i] = over() ? 0 : begin();
		}
}

static void fuzz(uint64_t calls, double seconds)
{
	pid_t workers[WORKERS];

	shared->target = shared->calls + calls;
	shared->deadline = now() + seconds * 1000;
	for (int i = 0; i < WORKERS; i++)
		workers[i] = begin();
	while (!over()) {
		pid_t unlucky = workers[below(WORKERS)];

		usleep(20000);
		if (unlucky && rarely(4))
			kill(-unlucky, SIGKILL);
		if (rarely(4))
			put(CAP, rarely(3) ? "1" : "64");
		if (rarely(4))
			put(HIDEPID, rarely(2) ? "Y" : "N");
		reap(workers, WNOHANG);
	}
	for (int i = 0; i < WORKERS; i++)
		if (workers[i])
			kill(-workers[i], SIGKILL);
	reap(workers, 0);
	CHECK_EQ(errno, ECHILD);	/* none that cannot be killed */
}

/* In bytes. */
static int64_t meminfo(const char *field)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char name[64];
	long long kib;

	CHECK(file);
	while (fscanf(file, " %63[^:]: %lld%*[^\n]", name, &kib) == 2)
		if (!strcmp(name, field)) {
			fclose(file);
			return kib << 10;
		}
	FAIL("/proc/meminfo has no %s", field);
}

struct books {
	struct tam_system_stats tam;
	int64_t available, slab;
};

static struct books read_books(void)
{
	struct books books;
	int fd = open_object();

	put("/proc/sys/vm/drop_caches", "3");
	books.available = meminfo("MemAvailable");
	books.slab = meminfo("Slab");
	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &books.tam));
	close(fd);
	return books;
}

static void report(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		uint64_t sum = 0;

		for (int err = 0; err < ERRNOS; err++)
			sum += shared->outcomes[i][err];
		printf("# %-18s %8ju:", all_calls[i].name, (uintmax_t)sum);
		for (int err = 0; err < ERRNOS; err++)
			if (shared->outcomes[i][err])
				printf(" %s %ju", err ? strerrorname_np(err) : "ok",
				       (uintmax_t)shared->outcomes[i][err]);
		printf("\n");
	}
	printf("# %ju calls\n", (uintmax_t)shared->calls);
}

static double option(const char *name, double otherwise)
{
	const char *env = getenv(name);

	return env ? strtod(env, NULL) : otherwise;
}

static void all(void *arg)
{
	/* As many as there are, or as long as it takes. */
	double seconds = option("TAM_FUZZ_SECONDS",
				getenv("TAM_FUZZ_CALLS") ? 1e9 : 60);
	double calls = option("TAM_FUZZ_CALLS",
			      getenv("TAM_FUZZ_SECONDS") ? 1e18 : CALLS);
	struct books first, before, after;

	(void)arg;
	alarm(seconds > 1e6 ? 0 : seconds * 2 + TEST_SECONDS);
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, rights));
	first = read_books();
	/* The kernel's caches fill at first, and stay. */
	fuzz(calls / 5, seconds / 5);
	before = read_books();
	fuzz(calls * 4 / 5, seconds * 4 / 5);
	close(rights[0]);
	close(rights[1]);
	after = read_books();
	report();
	printf("# MemAvailable %+jd KiB, Slab %+jd KiB\n",
	       (intmax_t)(after.available - before.available) >> 10,
	       (intmax_t)(after.slab - before.slab) >> 10);
	CHECK(!shared->wrong);
	CHECK_EQ(after.tam.tam_objects, first.tam.tam_objects);
	CHECK_EQ(after.tam.tam_held, first.tam.tam_held);
	CHECK_EQ(after.tam.tam_mappings, first.tam.tam_mappings);
	CHECK_EQ(after.tam.tam_reserved, first.tam.tam_reserved);
	CHECK_EQ(after.tam.tam_processes, first.tam.tam_processes);
	/* With KASAN what is free is kept for a while. */
	CHECK(after.slab - before.slab < (int64_t)(16 * patience() * MIB));
	CHECK(before.available - after.available < (int64_t)(64 * MIB));
}

TEST(every_call_ends_as_documented_and_leaves_nothing)
{
	char cap[32] = "0", hidepid[32] = "N";
	int status;

	seed = option("TAM_FUZZ_SEED", time(NULL) ^ getpid() << 8);
	printf("# seed %ju\n", (uintmax_t)seed);
	state = seed;
	shared = common(sizeof(*shared));
	alarm(0);			/* in the child */
	get(CAP, cap, sizeof(cap));
	get(HIDEPID, hidepid, sizeof(hidepid));
	put(CAP, "64");
	status = in_child(all, NULL);
	put(CAP, cap);
	put(HIDEPID, hidepid);
	CHECK_EQ(status, 0);
}

TEST(the_module_unloads_and_loads_afterwards)
{
	char cap[32], parameters[64];
	int fd = open(KO, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		SKIP("no %s", KO);
	get(CAP, cap, sizeof(cap));
	snprintf(parameters, sizeof(parameters), "shared_cap_mib=%s", cap);
	CHECK(!syscall(SYS_delete_module, "tamalloc", O_NONBLOCK));
	CHECK(!syscall(SYS_finit_module, fd, parameters, 0));
	CHECK_BYTES(map_private(open_byte(7), PAGE), PAGE, 7);
}

/* The harness knows tests' names only: options become the environment. */
__attribute__((constructor)) static void options(int argc, char **argv)
{
	static const char *const names[] = { "calls", "seconds", "seed" };
	char name[32] = "TAM_FUZZ_";

	if (argc < 3 || strncmp(argv[1], "--", 2))
		return;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(argv[1] + 2, names[i]))
			continue;
		for (size_t n = 0; n <= strlen(names[i]); n++)
			name[9 + n] = names[i][n] & ~0x20;
		setenv(name, argv[2], 1);
		argv[2] = argv[0];
		execv("/proc/self/exe", argv + 2);
	}
}
