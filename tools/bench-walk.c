// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a process loses while others read its books: it touches pages, and
 * another processor asks for its statistics without a pause, or only computes.
 *
 *	tools/tamvm -c 2 -m 2G -- tools/bench-walk [ROUNDS]
 *
 * Wall time: the machine must have two processors to spare.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tamalloc.h>

#define SIZE	((size_t)256 << 20)
#define PAGE	4096
#define MAX	101

enum mode { COMPUTE, WALK, STOP };

static volatile struct {
	enum mode mode;
	unsigned long walks;
} *other;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("a processor for each of two processes");
		exit(1);
	}
}

static void look(pid_t pid)
{
	struct tam_process_stats s;

	run_on(1);
	while (other->mode != STOP) {
		if (other->mode == COMPUTE)
			continue;
		if (tam_process_stats(pid, &s, sizeof(s)))
			exit(1);
		other->walks++;
	}
	exit(0);
}

static double touch(char *p, enum mode mode)
{
	double start;

	madvise(p, SIZE, MADV_DONTNEED);
	other->mode = mode;
	usleep(20000);
	start = now();
	for (size_t i = 0; i < SIZE; i += PAGE)
		p[i] = 1;
	return now() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 15;
	double ratio[MAX];
	char *p;

	if (rounds < 1 || rounds > MAX) {
		fprintf(stderr, "usage: %s [1 to %d ROUNDS]\n", argv[0], MAX);
		return 2;
	}
	other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p = tam_alloc(SIZE, &(struct tam_attr){ .flags = TAM_NO_FALLBACK });
	if (other == MAP_FAILED || !p) {
		perror("memory");
		return 1;
	}
	if (!fork())
		look(getppid());
	run_on(0);
	touch(p, COMPUTE);
	for (int i = 0; i < rounds; i++) {
		double alone = touch(p, COMPUTE);

		ratio[i] = touch(p, WALK) / alone;
	}
	other->mode = STOP;
	wait(NULL);
	qsort(ratio, rounds, sizeof(*ratio), compare);
	printf("time of %zu first accesses while being walked / without: median %.3f, from %.3f to %.3f (%d rounds, %.0f walks each)\n",
	       SIZE / PAGE, ratio[rounds / 2], ratio[0], ratio[rounds - 1],
	       rounds, (double)other->walks / rounds);
	return 0;
}
