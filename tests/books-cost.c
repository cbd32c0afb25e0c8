// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the books cost, in executed instructions:
 *   TAM_ICOUNT=1 tools/tamvm --icount -m 2G -k 6.1 -- tests/build/books-cost
 * Without --icount the clock counts time, which proves nothing here.
 */
#define _GNU_SOURCE
#include "lib.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>

#define PROCESSES	2000

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void need_icount(void)
{
	const char *icount = getenv("TAM_ICOUNT");

	if (!icount || !*icount)
		SKIP("TAM_ICOUNT is not set: not under tools/tamvm --icount");
}

static pid_t pids[PROCESSES];

static void start_processes(int from, int to)
{
	for (int i = from; i < to; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	sleep(2);
}

static void stop_processes(int n)
{
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	sleep(2);			/* what their end left to do */
}

/* As ps and top read it; finding the processes is not counted. */
static long cost_of_proc(int n)
{
	static const char *const files[] = { "statm", "status", "oom_score" };
	char path[64], text[8192];
	long start = now();

	for (int i = 0; i < n; i++) {
		for (int j = 0; j < 3; j++) {
			int fd;

			snprintf(path, sizeof(path), "/proc/%d/%s", pids[i], files[j]);
			fd = open(path, O_RDONLY);
			CHECK(fd >= 0 && read(fd, text, sizeof(text)) > 0);
			close(fd);
		}
	}
	return now() - start;
}

/* All there are, with their scores. */
static long cost_of_list(unsigned int flags, int *count)
{
	struct tam_process_stats p;
	struct tam_iter *it;
	struct sysinfo info;
	uint64_t memory;
	long start = now();

	*count = 0;
	sysinfo(&info);
	memory = (info.totalram + info.totalswap) * info.mem_unit;
	it = tam_iter_processes(flags);
	while (it && tam_iter_next(it, &p, sizeof(p)) > 0) {
		CHECK(tam_oom_score_of(&p, memory) >= 0);
		++*count;
	}
	tam_iter_free(it);
	return now() - start;
}

MODULE_TEST(listing_2000_processes_costs_a_twentieth_of_reading_proc)
{
	long half, proc, brief, full;
	int count;

	need_icount();
	start_processes(0, PROCESSES / 2);
	cost_of_list(0, &count);
	half = cost_of_list(0, &count);
	printf("# %d processes: %ld instructions each\n", count, half / count);

	start_processes(PROCESSES / 2, PROCESSES);
	cost_of_proc(PROCESSES);
	proc = cost_of_proc(PROCESSES) / PROCESSES;
	brief = cost_of_list(TAM_LIST_NO_TAM, &count) / count;
	full = cost_of_list(0, &count) / count;
	stop_processes(PROCESSES);

	printf("# %d processes: /proc %ld instructions each; list %ld: 1/%.1f; without tamalloc's share %ld: 1/%.1f\n",
	       count, proc, full, (double)proc / full, brief,
	       (double)proc / brief);
	CHECK(full > 100);
	CHECK_BETWEEN(full * 1000 / proc, 1, 50);
	/* Twice the processes, twice the cost: the same for each. */
	CHECK_BETWEEN(full * 100 / (half / (count / 2)), 80, 130);
}

MODULE_TEST(a_walk_costs_what_is_touched_not_what_is_reserved)
{
	struct tam_process_stats s;
	long start, empty, cost;
	char *p;

	need_icount();
	CHECK(!tam_process_stats(0, &s, sizeof(s)));
	start = now();
	CHECK(!tam_process_stats(0, &s, sizeof(s)));
	empty = now() - start;

	p = tamalloc(VAST);
	CHECK(p);
	for (int i = 0; i < 1000; i++)
		p[VAST / 2 + i * 4096UL] = 1;
	start = now();
	CHECK(!tam_process_stats(0, &s, sizeof(s)));
	cost = now() - start;
	CHECK_EQ(s.tam_committed, 1000 * 4096);
	CHECK_EQ(s.tam_reserved, VAST);
	printf("# no mapping %ld, 16 TiB with 1000 pages touched %ld instructions\n",
	       empty, cost);
	CHECK_BETWEEN(cost, 1, 1000000);
	tam_free(p);
}
