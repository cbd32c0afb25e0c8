// SPDX-License-Identifier: LGPL-2.1-or-later
/* threads.c - several at once */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define RW	(PROT_READ | PROT_WRITE)

struct worker {
	char *p;		/* the first page */
	size_t step, n;
	pthread_barrier_t *ready;
};

static void *work(void *argument)
{
	struct worker *w = argument;
	size_t i;

	pthread_barrier_wait(w->ready);
	for (i = 0; i < w->n; i++)
		*(volatile char *)(w->p + i * w->step) = 1;
	pthread_barrier_wait(w->ready);
	return NULL;
}

/* The time for all of fresh memory, shared among threads or processes. */
static double together(const struct bench *b, const struct peer *p,
		       unsigned int n, bool processes)
{
	struct memory m = { .size = b->size };
	pthread_barrierattr_t shared;
	pthread_barrier_t *ready;
	struct worker w[16];
	pthread_t threads[16];
	size_t pages = m.size / PAGE / n;
	uint64_t start;
	unsigned int i;
	double time;

	ready = map(PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(ready, &shared, n + 1);
	p->get(&m);
	for (i = 0; i < n; i++) {
		w[i] = (struct worker){ m.p + i * pages * PAGE, PAGE, pages, ready };
		if (b->order == RANDOM) {	/* each is between the others' */
			w[i].p = m.p + i * PAGE;
			w[i].step = n * PAGE;
		}
		if (!processes) {
			check(!pthread_create(&threads[i], NULL, work, &w[i]),
			      "pthread_create");
		} else if (!fork()) {
			work(&w[i]);
			_exit(0);
		}
	}
	pthread_barrier_wait(ready);
	start = now();
	pthread_barrier_wait(ready);
	time = since(start);
	for (i = 0; i < n; i++) {
		if (processes)
			wait(NULL);
		else
			pthread_join(threads[i], NULL);
	}
	p->put(&m);
	return time;
}

/* One, then many: both in each round, as a busy machine changes its pace. */
static struct result speed(const struct bench *b, const struct peer *p)
{
	bool processes = b->access == READ;
	double one, many;

	warm_up(p, b->size, (struct pattern){ 0 }, WRITE);
	together(b, p, b->count, processes);
	one = together(b, p, 1, processes);
	many = together(b, p, b->count, processes);
	one += together(b, p, 1, processes);
	many += together(b, p, b->count, processes);
	return (struct result){ many / one, -1 };
}

/* Reserving and giving back, by so many processes at once */
static struct result mappers(const struct bench *b, const struct peer *p)
{
	struct memory m = { .size = b->size };
	pthread_barrierattr_t shared;
	pthread_barrier_t *ready;
	const int rounds = 2000;
	uint64_t start;
	unsigned int i;
	double time;
	int j;

	ready = map(PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(ready, &shared, b->count + 1);
	for (i = 0; i < b->count; i++) {
		if (fork())
			continue;
		for (j = -100; j < rounds; j++) {
			if (!j)
				pthread_barrier_wait(ready);
			p->get(&m);
			p->put(&m);
		}
		pthread_barrier_wait(ready);
		_exit(0);
	}
	pthread_barrier_wait(ready);
	start = now();
	pthread_barrier_wait(ready);
	time = since(start);
	return (struct result){ time / rounds / b->count, -1 };
}

/* How often this thread, in the kernel, takes the lock of its address space */
static struct result locks(const struct bench *b, const struct peer *p)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr) };
	struct memory m = { .size = b->size };
	FILE *id = fopen("/sys/kernel/tracing/events/mmap_lock/mmap_lock_acquire_returned/id", "r");
	unsigned long long config;
	uint64_t count[3];
	size_t n;
	int fd;

	if (!id || fscanf(id, "%llu", &config) != 1)
		missing("no trace event mmap_lock_acquire_returned, or not root");
	attr.config = config;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd < 0)
		missing("perf_event_open");
	warm_up(p, MIB, (struct pattern){ 0 }, b->access);
	p->get(&m);
	*m.p = 1;		/* the VMA's own preparations */
	check(read(fd, &count[0], 8) == 8, "perf event");
	n = touch(&m, FORWARDS, b->access, 1);
	check(read(fd, &count[1], 8) == 8, "perf event");
	/* Unmapping takes it on every kernel: none would prove nothing. */
	p->put(&m);
	check(read(fd, &count[2], 8) == 8, "perf event");
	if (count[2] == count[1])
		missing("the trace event does not count");
	return (struct result){ (double)(count[1] - count[0]) / n, -1 };
}

#define PEERS "anon-4k tam-private tam-shared shmem"
#define THREADS(name_, n, what_, ...) \
	{ .name = name_, .unit = "time of one", .peers = PEERS, .counts = true, \
	  .parallel = true, .what = what_, .run = speed, .size = 32 * MIB, \
	  .count = n, __VA_ARGS__ }
#define MAPPERS(n) \
	{ .name = "mmap-" #n, .unit = "call pair", \
	  .peers = PEERS " memfd devzero", .parallel = true, \
	  .what = #n " processes that reserve 64 KiB and give it back", \
	  .run = mappers, .size = 64 * KIB, .count = n }

const struct bench thread_cases[] = {
	THREADS("threads-2", 2, "2 threads, each a half of the pages"),
	THREADS("threads-4", 4, "4 threads, each a quarter of the pages"),
	THREADS("neighbours-2", 2, "2 threads, every other page", .order = RANDOM),
	THREADS("neighbours-4", 4, "4 threads, every fourth page", .order = RANDOM),
	THREADS("processes-2", 2, "2 processes, each a half of the pages",
		.access = READ),
	THREADS("processes-4", 4, "4 processes, each a quarter of the pages",
		.access = READ),
	MAPPERS(1), MAPPERS(2), MAPPERS(4),
	{ .name = "locks-write", .unit = "page", .peers = PEERS, .counts = true,
	  .what = "how often mmap_lock is taken for a first write",
	  .run = locks, .size = 16 * MIB },
	{ .name = "locks-read", .unit = "page", .peers = PEERS, .counts = true,
	  .what = "how often mmap_lock is taken for a first read",
	  .run = locks, .size = 16 * MIB, .access = READ },
	{ 0 }
};
