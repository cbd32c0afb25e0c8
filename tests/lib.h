/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of libtamalloc share. */
#ifndef LIB_H
#define LIB_H

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "harness.h"
#include "tamalloc.h"

#define PAGE	((size_t)getpagesize())
#define KIB	((size_t)1 << 10)
#define MIB	((size_t)1 << 20)
#define GIB	((size_t)1 << 30)

#if __SIZEOF_POINTER__ == 8
#define VAST	((size_t)16 << 40)
#define NO_ROOM	((size_t)1 << 47)	/* the whole address space */
#else
#define VAST	GIB
#define NO_ROOM	((size_t)0x7ff00000)
#endif

#define unused	__attribute__((unused))

/* A test of what only the module does: skipped where there is none. */
#define MODULE_TEST(id)							\
	static void id##_body(void);					\
	TEST(id)							\
	{								\
		if (access("/dev/tamalloc", F_OK))			\
			SKIP("no /dev/tamalloc");			\
		CHECK_EQ(tam_backend(), TAM_BACKEND_MODULE);		\
		id##_body();						\
	}								\
	static void id##_body(void)

/* The call returns NULL with exactly this errno. */
#define CHECK_NULL(call, err)						\
	do {								\
		errno = 0;						\
		if ((call) != NULL)					\
			FAIL("%s succeeded, not %s", #call,		\
			     strerror(err));				\
		if (errno != (err))					\
			FAIL("%s: %s, not %s", #call, strerror(errno),	\
			     strerror(err));				\
	} while (0)

/* A child that was stopped. */
static unused void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* An empty /dev for this process, where the device may be another. */
static unused void empty_dev(void)
{
	int flags = CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0);

	if (unshare(flags))
		SKIP("no mount namespace: %s", strerror(errno));
	CHECK(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK(!mount("none", "/dev", "tmpfs", 0, NULL));
}

static unused void check_bytes(const void *p, size_t len, int byte)
{
	const unsigned char *c = p;

	if (!len || (c[0] == byte && !memcmp(c, c + 1, len - 1)))
		return;
	while (*c == byte)
		c++;
	FAIL("byte %zu of %zu is %d, not %d",
	     (size_t)(c - (const unsigned char *)p), len, *c, byte);
}

/* The bytes at @p are those of an endless repetition of @pattern from @off. */
static unused void check_pattern(const void *p, size_t len, const void *pattern,
				 size_t period, size_t off)
{
	const unsigned char *c = p, *want = pattern;
	size_t i;

	for (i = 0; i < len; i++)
		if (c[i] != want[(off + i) % period])
			FAIL("byte %zu of %zu is %d, not %d (period %zu)", i,
			     len, c[i], want[(off + i) % period], period);
}

/* Bytes with a long period of their own. */
static unused void write_marks(void *p, size_t len, unsigned int seed)
{
	unsigned char *c = p;
	size_t i;

	for (i = 0; i < len; i++)
		c[i] = (seed + i) % 251 + 1;
}

static unused void check_marks(const void *p, size_t len, unsigned int seed)
{
	const unsigned char *c = p;
	size_t i;

	for (i = 0; i < len; i++)
		if (c[i] != (seed + i) % 251 + 1)
			FAIL("byte %zu of %zu is %d, not %d", i, len, c[i],
			     (int)((seed + i) % 251 + 1));
}

/* A pattern that looks different at every offset. */
static unused void make_pattern(unsigned char *pattern, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		pattern[i] = (i ^ (i >> 8) * 7) + 3;
}

/* Writes one byte into each page. */
static unused void touch(void *p, size_t len)
{
	size_t off;

	for (off = 0; off < len; off += PAGE)
		((volatile char *)p)[off] = 1;
}

/* How many pages of the range are in the page table; no access is made. */
static unused size_t pages_present(const void *p, size_t len)
{
	size_t first = (uintptr_t)p / PAGE, left = len / PAGE, present = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[512];

	CHECK(fd >= 0);
	while (left) {
		size_t n = left < 512 ? left : 512, i;

		CHECK_EQ(pread(fd, entries, n * 8, (off_t)(first * 8)), n * 8);
		for (i = 0; i < n; i++)
			present += entries[i] >> 63;
		first += n;
		left -= n;
	}
	close(fd);
	return present;
}

static sigjmp_buf segv_caught;

static unused void on_segv(int sig)
{
	siglongjmp(segv_caught, sig);
}

/* Does an access to this byte raise SIGSEGV? */
static unused bool segv(volatile char *p, bool write)
{
	struct sigaction old, new = { .sa_handler = on_segv };
	volatile bool raised = true;

	CHECK(!sigaction(SIGSEGV, &new, &old));
	if (!sigsetjmp(segv_caught, 1)) {
		if (write)
			*p = *p + 0;
		else
			(void)*p;
		raised = false;
	}
	CHECK(!sigaction(SIGSEGV, &old, NULL));
	return raised;
}

/* Something is in the way right behind the allocation: it can only move. */
static unused void block(void *p)
{
	char *end = (char *)p + tam_usable_size(p);
	void *q = mmap(end, PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	CHECK(q == end || errno == EEXIST);
}

static unused void limit(int resource, rlim_t value)
{
	struct rlimit r;

	CHECK(!getrlimit(resource, &r));
	r.rlim_cur = value;
	CHECK(!setrlimit(resource, &r));
}

/* No more than @more bytes of address space from now on. */
static unused void limit_memory(size_t more)
{
	limit(RLIMIT_AS, status_bytes("VmSize") + more);
}

static unused unsigned long read_setting(const char *path)
{
	unsigned long value;
	FILE *file = fopen(path, "r");

	CHECK(file);
	CHECK_EQ(fscanf(file, "%lu", &value), 1);
	fclose(file);
	return value;
}

static unused void write_setting(const char *path, unsigned long value)
{
	FILE *file = fopen(path, "w");

	CHECK(file);
	CHECK(fprintf(file, "%lu\n", value) > 0);
	CHECK(!fclose(file));
}

/*
 * fn(arg) in a child while the kernel's setting is another; it is restored
 * whatever fn finds.
 */
static unused void with_setting(const char *path, unsigned long value,
				void (*fn)(void *arg), void *arg)
{
	unsigned long old = read_setting(path);
	int status;

	if (access(path, W_OK))
		SKIP("only root may write %s", path);
	write_setting(path, value);
	status = in_child(fn, arg);
	write_setting(path, old);
	if (WIFSIGNALED(status))
		FAIL("the child was killed: %s", strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
}

/* fn(arg) aborts with a message on standard error that contains @text. */
static unused void aborts_saying(void (*fn)(void *arg), void *arg,
				 const char *text)
{
	char said[4096];
	ssize_t len;
	int fd[2], status;
	pid_t pid;

	CHECK(!pipe(fd));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		limit(RLIMIT_CORE, 0);
		dup2(fd[1], STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	close(fd[1]);
	len = read(fd[0], said, sizeof(said) - 1);
	CHECK(len >= 0);
	said[len] = 0;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		FAIL("status 0x%x, not an abort; said: %s", status, said);
	if (!strstr(said, text))
		FAIL("the message lacks %s: %s", text, said);
}

static unused void aborts_naming(void (*fn)(void *arg), void *arg)
{
	char text[32];

	snprintf(text, sizeof(text), "%p", arg);
	aborts_saying(fn, arg, text);
}

#endif /* LIB_H */
