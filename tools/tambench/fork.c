// SPDX-License-Identifier: LGPL-2.1-or-later
/* fork.c - what memory costs a process that forks, and one that ends */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* The child ends at once. */
static struct result fork_exit(const struct bench *b, const struct peer *p)
{
	struct memory m = { .size = b->size };
	struct result r = { .bytes = -1 };
	uint64_t start;
	pid_t pid;
	int i;

	p->get(&m);
	touch(&m, FORWARDS, WRITE, 1);
	for (i = 0; i < 2; i++) {	/* the first warms up */
		start = now();
		pid = fork();
		if (!pid)
			_exit(0);
		check(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
		r.cost = since(start);
	}
	return r;
}

/* From a child's last look at the clock until it is gone */
static struct result leave(const struct bench *b, const struct peer *p)
{
	struct memory m = { .size = b->size };
	struct result r = { .bytes = -1 };
	volatile uint64_t *start;
	pid_t pid;
	int i;

	start = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	for (i = 0; i < 2; i++) {
		pid = fork();
		if (!pid) {
			p->get(&m);
			touch(&m, FORWARDS, WRITE, 1);
			*start = now();
			_exit(0);
		}
		check(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
		r.cost = since(*start) / (b->size / PAGE);
	}
	return r;
}

#define PEERS "anon-4k tam-private tam-shared shmem memfd devzero anon-thp malloc"

const struct bench fork_cases[] = {
	{ .name = "fork", .unit = "fork", .peers = PEERS,
	  .what = "fork, exit and wait with 1 GiB committed",
	  .run = fork_exit, .size = GIB },
	{ .name = "exit", .unit = "page", .peers = PEERS,
	  .what = "exit of a process that has committed 64 MiB",
	  .run = leave, .size = 64 * MIB },
	{ 0 }
};
