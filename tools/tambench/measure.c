// SPDX-License-Identifier: LGPL-2.1-or-later
/* measure.c - the clock, memory, and what is told to the parent */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../tamprof.d/mark.h"
#include "bench.h"

int report_fd = -1;

static void __attribute__((noreturn)) tell(const struct message *m)
{
	_exit(write(report_fd, m, sizeof(*m)) != sizeof(*m));
}

void missing(const char *why)
{
	struct message m = { .state = MISSING };

	snprintf(m.why, sizeof(m.why), "%s", why);
	tell(&m);
}

void failed(const char *what)
{
	struct message m = { .state = FAILED };

	snprintf(m.why, sizeof(m.why), "%s: %s", what, strerror(errno));
	tell(&m);
}

void report(const struct result *r)
{
	tell(&(struct message){ .state = MEASURED, .result = *r });
}

static uint64_t look(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* What is timed is what tools/tamprof counts, all of it if it is repeated. */
static double timed;

uint64_t now(void)
{
	uint64_t t = look();

	tamprof_begin();
	return t;
}

/* Looking at the clock costs, too. */
double since(uint64_t start)
{
	uint64_t elapsed, cost = UINT64_MAX, t;
	int i;

	tamprof_stop();
	elapsed = look() - start;
	for (i = 0; i < 50; i++) {
		t = look();
		t = look() - t;
		if (t < cost)
			cost = t;
	}
	elapsed = elapsed > cost ? elapsed - cost : 0;
	timed += elapsed;
	return elapsed;
}

/* As many operations as the time of one goes into all of it. */
void name_part(const char *of, const char *peer, double cost)
{
	char name[128];

	snprintf(name, sizeof(name), "%s %s", of, peer);
	if (cost > 0)
		tamprof_name(name, (uint64_t)(timed / cost + 0.5));
}

/* A field of one of /proc's files of "Name:  1234 kB", in bytes. */
size_t field(const char *path, const char *name)
{
	static char text[65536];
	ssize_t len;
	char *at;
	int fd = open(path, O_RDONLY);

	check(fd >= 0, path);
	len = read(fd, text, sizeof(text) - 1);
	check(len > 0, path);
	close(fd);
	text[len] = 0;
	at = strstr(text, name);
	errno = ENODATA;
	check(at, name);
	return strtoul(at + strlen(name), NULL, 10) * KIB;
}

/* Of this process; counted page by page, where statm may lag. */
size_t committed(void)
{
	return field("/proc/self/smaps_rollup", "\nRss:");
}

/* What the kernel needs for keeping memory, beside that memory */
size_t kernel_memory(void)
{
	return field("/proc/meminfo", "\nPageTables:") +
	       field("/proc/meminfo", "\nSlab:") +
	       field("/proc/meminfo", "\nPercpu:");
}
