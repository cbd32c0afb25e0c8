/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the books share: asking them, /proc, processes to ask for. */
#ifndef BOOKS_H
#define BOOKS_H

#include "module.h"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#define NOBODY	65534

/* Per thread, the kernels before 6.2 count up to 64 pages late. */
#define LAG	(64 * PAGE)

#define HIDEPID	"/sys/module/tamalloc/parameters/hidepid"

HELPER struct tam_process_stats process(pid_t pid)
{
	struct tam_process_stats stats = { .pid = pid };
	int fd = open_object();

	if (ioctl(fd, TAM_IOC_PROCESS, &stats))
		FAIL("process %d: %s", pid, strerror(errno));
	close(fd);
	return stats;
}

HELPER struct tam_system_stats sys_stats(void)
{
	struct tam_system_stats stats;
	int fd = open_object();

	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &stats));
	close(fd);
	return stats;
}

#define CHECK_NO_PROCESS(nr, err)					\
	do {								\
		struct tam_process_stats s_ = { .pid = (nr) };		\
		int fd_ = open_object();				\
		CHECK_ERRNO(ioctl(fd_, TAM_IOC_PROCESS, &s_), err);	\
		close(fd_);						\
	} while (0)

HELPER double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* How long what races does so; "make check" has less than a machine of one's own. */
HELPER double race_seconds(void)
{
	const char *env = getenv("TAM_RACE_SECONDS");

	return env ? atof(env) : 2;
}

/* Files of /proc */

HELPER FILE *proc_open(pid_t pid, const char *name)
{
	char path[64];
	FILE *file;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/%s", name);
	file = fopen(path, "re");
	if (!file)
		FAIL("%s: %s", path, strerror(errno));
	return file;
}

/* A number of /proc/PID/FILE in a line "FIELD: N". */
HELPER uint64_t proc_number(pid_t pid, const char *name, const char *field)
{
	unsigned long long number, sum = 0;
	FILE *file = proc_open(pid, name);
	size_t len = strlen(field);
	char line[256];

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, field, len) && line[len] == ':' &&
		    sscanf(line + len + 1, "%llu", &number) == 1)
			sum += number;
	fclose(file);
	return sum;
}

HELPER uint64_t kib(pid_t pid, const char *name, const char *field)
{
	return proc_number(pid, name, field) << 10;
}

/* The letter of /proc/PID/stat: R, S, Z, ... */
HELPER char state_of(pid_t pid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	get(path, text, sizeof(text));
	return strrchr(text, ')')[2];
}

/* The tamalloc mappings of /proc/PID/smaps. */
struct smap {
	uint64_t start, end, offset, rss, swap;
	char perms[5];
	bool locked;
};

HELPER struct smap *read_smaps(pid_t pid, size_t *n)
{
	FILE *file = proc_open(pid, "smaps");
	struct smap *all = NULL, *one = NULL;
	unsigned long long number;
	char line[512];

	*n = 0;
	while (fgets(line, sizeof(line), file)) {
		if (strchr("0123456789abcdef", line[0])) {
			one = NULL;
			if (!strstr(line, "/dev/tamalloc"))
				continue;
			all = realloc(all, (*n + 1) * sizeof(*all));
			CHECK(all);
			one = &all[(*n)++];
			memset(one, 0, sizeof(*one));
			CHECK_EQ(sscanf(line, "%lx-%lx %4s %lx", &one->start,
					&one->end, one->perms, &one->offset), 4);
		} else if (!one) {
			continue;
		} else if (sscanf(line, "Rss: %llu", &number) == 1) {
			one->rss = number << 10;
		} else if (sscanf(line, "Swap: %llu", &number) == 1) {
			one->swap = number << 10;
		} else if (!strncmp(line, "VmFlags:", 8)) {
			one->locked = strstr(line, " lo ");
		}
	}
	fclose(file);
	return all;
}

/* Sums over them: "Size", "Rss", "Swap". */
HELPER uint64_t smaps(pid_t pid, const char *field)
{
	uint64_t size = 0, rss = 0, swap = 0;
	struct smap *all;
	size_t n;

	all = read_smaps(pid, &n);
	for (size_t i = 0; i < n; i++) {
		size += all[i].end - all[i].start;
		rss += all[i].rss;
		swap += all[i].swap;
	}
	free(all);
	return !strcmp(field, "Size") ? size :
	       !strcmp(field, "Rss") ? rss : swap;
}

/* Children that wait to be looked at. */

HELPER pid_t start(void (*fn)(void *arg), void *arg)
{
	int ready[2];
	pid_t child;
	char c;

	CHECK(!pipe(ready));
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		if (fn)
			fn(arg);
		CHECK_EQ(write(ready[1], "!", 1), 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	/* Nothing to read: it has failed, and has said why. */
	CHECK_EQ(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return child;
}

HELPER void end(pid_t child)
{
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/* Stopped, and so at rest: what is read twice is the same. */
HELPER void stop(pid_t child)
{
	int status;

	kill(child, SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
}

HELPER pid_t zombie(void)
{
	pid_t child = fork();
	siginfo_t info;

	if (!child)
		_exit(0);
	CHECK(!waitid(P_PID, child, &info, WEXITED | WNOWAIT));
	return child;
}

static volatile int thread_id;

HELPER int report_and_wait(void *unused)
{
	(void)unused;
	thread_id = gettid();
	while (thread_id)
		pause();
	return 0;
}

#define THREAD	(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES)

HELPER pid_t clone_with(int flags, int (*fn)(void *))
{
	size_t size = 64 * 1024;
	char *stack = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return clone(fn, stack + size, flags, NULL);
}

/* Ends the main thread when another lives; does not return. */
HELPER void lose_main_thread(void *unused)
{
	(void)unused;
	CHECK(clone_with(THREAD, report_and_wait) > 0);
	while (!thread_id)
		usleep(1000);
	syscall(SYS_exit, 0);		/* this thread only, not the process */
}

/* A process whose main thread has ended.  @fn comes before that. */
HELPER pid_t start_headless(void (*fn)(void *arg), void *arg)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fn)
			fn(arg);
		lose_main_thread(NULL);
	}
	while (state_of(child) != 'Z')
		usleep(1000);
	return child;
}

HELPER void become_nobody(void *unused)
{
	(void)unused;
	CHECK(!setgroups(0, NULL));
	CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	/* Forgotten with the change; those who wait must not outlive. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* As what this user starts is. */
	prctl(PR_SET_DUMPABLE, 1);
}

/* Runs fn(arg) as process 1 of a PID namespace with a /proc of its own. */
struct namespaced {
	void (*fn)(void *arg);
	void *arg;
};

HELPER void first_process(void *arg)
{
	struct namespaced *n = arg;

	CHECK_EQ(getpid(), 1);
	CHECK(!mount("proc", "/proc", "proc", 0, NULL));
	n->fn(n->arg);
}

HELPER void make_namespace(void *arg)
{
	CHECK(!unshare(CLONE_NEWPID | CLONE_NEWNS));
	CHECK(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	child_passes(first_process, arg);
}

HELPER void in_namespace(void (*fn)(void *arg), void *arg)
{
	struct namespaced n = { fn, arg };

	child_passes(make_namespace, &n);
}

/*
 * Four mappings of three kinds with pages here and there: in more than one page
 * table, and more of them than counters of processors keep to themselves.
 */
#define LAYOUT_WRITTEN	1100
#define LAYOUT_STORED	700
#define LAYOUT_FAR_READ	30		/* each in a page table of its own */
#define LAYOUT_FAR	20

HELPER void make_layout(void *unused)
{
	int fd = open_byte(1), other = open_object();
	char *p = map(fd, 64 * MIB, RW, MAP_PRIVATE, 0);
	char *s = map(fd, 32 * MIB, RW, MAP_SHARED, GIB);
	char *r = map(other, GIB, PROT_READ, MAP_PRIVATE, 0);
	char *far = map(other, 1UL << 40, RW, MAP_PRIVATE, 1L << 42);

	(void)unused;
	for (int i = 0; i < LAYOUT_WRITTEN; i++)
		p[i * PAGE] = 1;
	for (int i = 0; i < LAYOUT_STORED; i++)
		touch_read(s + i * PAGE);
	for (int i = 0; i < LAYOUT_FAR_READ; i++)
		touch_read(r + i * 2 * MIB);
	for (int i = 0; i < LAYOUT_FAR; i++)
		touch_read(far + i * GIB * 50);
}

#define LAYOUT_MAPPINGS		4
#define LAYOUT_RESERVED		(64 * MIB + 32 * MIB + GIB + (1UL << 40))
#define LAYOUT_COMMITTED	((LAYOUT_WRITTEN + LAYOUT_STORED + LAYOUT_FAR_READ + \
				  LAYOUT_FAR) * PAGE)

HELPER void require_swap(void)
{
	if (!kib(0, "meminfo", "SwapFree"))
		SKIP("no swap");
}

/* Writes to all of it, and most goes to swap. */
HELPER void swap_out(char *p, size_t len)
{
	memset(p, 2, len);
	for (int i = 0; i < 50 && smaps(getpid(), "Swap") < len / 4 * 3; i++) {
		CHECK(!madvise(p, len, MADV_PAGEOUT));
		usleep(20000);
	}
}

HELPER void make_swapped(void *unused)
{
	(void)unused;
	swap_out(map(open_byte(1), 16 * MIB, RW, MAP_PRIVATE, 0), 16 * MIB);
}

/* Runs a test with hidepid on, which is off again whatever becomes of it. */
HELPER void with_hidepid(void (*fn)(void *arg), void *arg)
{
	char was[8];
	int status;

	get(HIDEPID, was, sizeof(was));
	CHECK(!put(HIDEPID, "1"));
	status = in_child(fn, arg);
	CHECK(!put(HIDEPID, was));
	if (status)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Lists */

HELPER int ask(int fd, unsigned long cmd, struct tam_list *list, void *records,
	       uint64_t size)
{
	list->records = (uintptr_t)records;
	list->size = size;
	return ioctl(fd, cmd, list);
}

HELPER size_t record_size(unsigned long cmd)
{
	return cmd == TAM_IOC_PROCESSES ? sizeof(struct tam_process_stats) :
	       cmd == TAM_IOC_MAPPINGS ? sizeof(struct tam_mapping_stats) :
	       cmd == TAM_IOC_OBJECTS ? sizeof(struct tam_object_stats) :
					sizeof(struct tam_extent);
}

/*
 * All records of a list, fetched in buffers of @buffer bytes, as an array.
 * @list says what to ask for.  What is said about buffers is checked here.
 */
HELPER void *fetch(unsigned long cmd, struct tam_list list, size_t buffer,
		   size_t *n)
{
	size_t size = record_size(cmd);
	char *all = NULL, *records = malloc(buffer + 64);
	int fd = open_object();

	CHECK(records);
	*n = 0;
	do {
		uint64_t cursor = list.cursor;

		/* What comes out need not be initialised. */
		list.count = list.more = 0xaaaaaaaa;
		memset(records, 0xaa, buffer + 64);
		if (ask(fd, cmd, &list, records, buffer))
			FAIL("list %#lx from %#llx: %s", cmd, list.cursor,
			     strerror(errno));
		CHECK_BETWEEN(list.count, 0, buffer / size);
		CHECK_BETWEEN(list.more, 0, 1);
		CHECK(!list.more || list.cursor > cursor);
		CHECK_BYTES(records + list.count * size,
			    buffer + 64 - list.count * size, 0xaa);
		if (list.more && list.count != buffer / size)
			FAIL("%u records and more in a buffer for %zu",
			     list.count, buffer / size);
		for (size_t i = 0; i < list.count; i++)
			CHECK_EQ(*(uint32_t *)(records + i * size), size);
		all = realloc(all, (*n + list.count + 1) * size);
		CHECK(all);
		memcpy(all + *n * size, records, list.count * size);
		*n += list.count;
	} while (list.more);
	free(records);
	close(fd);
	return all;
}

HELPER struct tam_process_stats *processes(uint32_t flags, size_t buffer,
					   size_t *n)
{
	return fetch(TAM_IOC_PROCESSES, (struct tam_list){ .flags = flags },
		     buffer, n);
}

HELPER struct tam_mapping_stats *mappings(pid_t pid, size_t buffer, size_t *n)
{
	return fetch(TAM_IOC_MAPPINGS, (struct tam_list){ .pid = pid }, buffer,
		     n);
}

HELPER struct tam_extent *pages(pid_t pid, uint64_t from, uint64_t to,
				size_t buffer, size_t *n)
{
	return fetch(TAM_IOC_PAGES, (struct tam_list){
		.pid = pid, .cursor = from, .end = to }, buffer, n);
}

HELPER struct tam_object_stats *objects(size_t buffer, size_t *n)
{
	return fetch(TAM_IOC_OBJECTS, (struct tam_list){}, buffer, n);
}

/* Large enough for all that a test makes, in one call. */
#define BUFFER	MIB

HELPER const struct tam_process_stats *
find_process(const struct tam_process_stats *all, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].pid == pid)
			return &all[i];
	return NULL;
}

#endif /* BOOKS_H */
