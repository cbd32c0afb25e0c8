// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * demo-compare.c - five ways to get memory side by side
 *
 * Each way runs in a child of its own, so that none sees what another left
 * behind, and reports through shared memory.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <tamalloc.h>

#include "demo.h"

enum { BEFORE, ALLOCATED, FIRST_TOUCH, STAGES = 8 };

static const struct {
	const char *name;
	int percent;
	bool write;
} stages[STAGES] = {
	{ "before", 0, false },
	{ "allocated", 0, false },
	{ "1 % read", 1, false },
	{ "50 % read", 50, false },
	{ "100 % read", 100, false },
	{ "1 % written", 1, true },
	{ "50 % written", 50, true },
	{ "100 % written", 100, true },
};

struct result {
	int err;
	bool nonzero;		/* a byte that was read was not zero */
	bool minflt;		/* no perf events: the kernel's own count */
	size_t size[STAGES], rss[STAGES];
	uint64_t faults[STAGES];
};

/* The compiler would make a calloc of malloc and memset. */
static void *(*volatile set_bytes)(void *, int, size_t) = memset;

static void *by_malloc(size_t size)
{
	return malloc(size);
}

static void *by_malloc_memset(size_t size)
{
	void *p = malloc(size);

	return p ? set_bytes(p, 0, size) : NULL;
}

static void *by_calloc(size_t size)
{
	return calloc(1, size);
}

static void *by_mmap(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static const struct {
	const char *name;
	void *(*alloc)(size_t size);
} ways[] = {
	{ "malloc", by_malloc },
	{ "+memset", by_malloc_memset },
	{ "calloc", by_calloc },
	{ "mmap", by_mmap },
	{ "tamalloc", tamalloc },
};

#define WAYS	(sizeof(ways) / sizeof(ways[0]))

static int open_fault_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			    PERF_FLAG_FD_CLOEXEC);
}

static uint64_t read_faults(int fd)
{
	struct rusage own;
	uint64_t count;

	if (fd >= 0 && read(fd, &count, sizeof(count)) == sizeof(count))
		return count;
	getrusage(RUSAGE_SELF, &own);
	return (uint64_t)own.ru_minflt;
}

/* One byte of @percent of the pages, spread over the whole area. */
static bool touch(volatile char *p, size_t size, int percent, bool write)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	bool nonzero = false;

	for (i = 0; i < size / page; i++) {
		if (i % 100 >= (size_t)percent)
			continue;
		if (write)
			p[i * page] = 1;
		else
			nonzero |= p[i * page];
	}
	return nonzero;
}

static void run(size_t way, size_t size, struct result *r)
{
	int fd = open_fault_counter();
	uint64_t before;
	char *p = NULL;
	int i;

	r->minflt = fd < 0;
	tam_backend();		/* opening the device is not what is measured */
	for (i = 0; i < STAGES; i++) {
		before = read_faults(fd);
		if (i == ALLOCATED) {
			p = ways[way].alloc(size);
			if (!p) {
				r->err = errno;
				return;
			}
		} else if (p) {
			r->nonzero |= touch(p, size, stages[i].percent,
					    stages[i].write);
		}
		r->faults[i] = read_faults(fd) - before;
		r->size[i] = status_bytes("VmSize:");
		r->rss[i] = status_bytes("VmRSS:");
	}
}

static void print_heading(const char *what)
{
	size_t w;

	printf("\n%-16s", what);
	for (w = 0; w < WAYS; w++)
		printf("%12s", ways[w].name);
	putchar('\n');
}

static void print_mib(const char *what, const struct result *r, size_t offset)
{
	const size_t *value;
	size_t w;
	int i;

	print_heading(what);
	for (i = 0; i < STAGES; i++) {
		printf("  %-14s", stages[i].name);
		for (w = 0; w < WAYS; w++) {
			value = (const size_t *)((const char *)&r[w] + offset);
			if (r[w].err)
				printf("%12s", "-");
			else
				printf("%12.1f", value[i] / MIB);
		}
		putchar('\n');
	}
}

static void print_faults(const struct result *r)
{
	size_t w;
	int i;

	print_heading("Page faults");
	for (i = ALLOCATED; i < STAGES; i++) {
		printf("  %-14s", stages[i].name);
		for (w = 0; w < WAYS; w++)
			if (r[w].err)
				printf("%12s", "-");
			else
				printf("%12llu",
				       (unsigned long long)r[w].faults[i]);
		putchar('\n');
	}
}

static void print_zero(const struct result *r)
{
	size_t w;

	print_heading("First contents");
	printf("  %-14s", "zero?");
	for (w = 0; w < WAYS; w++)
		printf("%12s", r[w].err ? "failed" : r[w].nonzero ? "NO" : "yes");
	putchar('\n');
}

static const char usage[] =
"usage: demo-compare [SIZE]\n"
"Allocates SIZE bytes (default 256M; K, M, G, T are powers of 1024) in five\n"
"ways, touches pages of it, and shows what that did to the process.\n";

static const char legend[] =
"\nmalloc     whatever was there; zeros only because a large block is fresh\n"
"+memset    malloc, then memset to zero: everything is committed at once\n"
"calloc     zeros by contract, laziness by the C library's choice\n"
"mmap       anonymous memory, MAP_NORESERVE: huge pages where they are enabled\n"
"tamalloc   %s\n"
"Rows       stages, one after the other; a percentage is of all pages, spread\n"
"           evenly, one byte of each\n"
"zero?      every byte that the rows \"read\" looked at (they disturb nothing\n"
"           else: no further page is touched)\n"
"VmSize     reserved: the sizes of all mappings of the process\n"
"VmRSS      committed: the pages present in them\n"
"Faults     %s during the stage\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	size_t size = 256 << 20, w;
	struct result *r;
	int c, status, err = 0;
	pid_t pid;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		fputs(usage, c == 'h' ? stdout : stderr);
		return c == 'h' ? 0 : 2;
	}
	if (argc - optind > 1) {
		fputs(usage, stderr);
		return 2;
	}
	if (optind < argc)
		size = parse_size(argv[optind]);
	if (!size) {
		fprintf(stderr, "demo-compare: \"%s\" is not a size\n",
			argv[optind]);
		return 2;
	}

	r = mmap(NULL, sizeof(*r) * WAYS, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED) {
		perror("demo-compare: mmap");
		return 1;
	}
	for (w = 0; w < WAYS; w++) {
		r[w].err = EINTR;	/* until the child has said otherwise */
		pid = fork();
		if (pid < 0) {
			perror("demo-compare: fork");
			return 1;
		}
		if (!pid) {
			r[w].err = 0;
			run(w, size, &r[w]);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (!WIFEXITED(status)) {
			fprintf(stderr, "demo-compare: %s: killed by signal %d\n",
				ways[w].name, WTERMSIG(status));
			r[w].err = EINTR;
		} else if (r[w].err) {
			fprintf(stderr, "demo-compare: %s of %zu bytes: %s\n",
				ways[w].name, size, tam_strerror(r[w].err));
		}
		err |= r[w].err;
	}

	printf("%.1f MiB in five ways; VmSize and VmRSS in MiB\n", size / MIB);
	print_zero(r);
	print_mib("VmSize", r, offsetof(struct result, size));
	print_mib("VmRSS", r, offsetof(struct result, rss));
	print_faults(r);
	printf(legend, tam_backend() == TAM_BACKEND_MODULE ?
	       "/dev/tamalloc: one page per first access, read or write" :
	       "WITHOUT the module, its fallback: anonymous memory",
	       r[0].minflt ? "minor faults (no perf events here)" :
	       "exceptions taken (perf's page-faults)");
	return err ? 1 : 0;
}
