// SPDX-License-Identifier: LGPL-2.1-or-later
/* stats.c - the books: /proc's text, and libtamalloc's calls */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tamalloc.h>

#include "bench.h"

static void start_processes(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	sleep(1);
}

static void stop_processes(void)
{
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
}

static void read_file(const char *pid, const char *name)
{
	char path[300], text[8192];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

/*
 * The same contents: all but the score is in status.  It is read and not made
 * sense of, which would cost as much again.
 */
static int list_proc(bool score)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	check(dir, "/proc");
	while ((entry = readdir(dir))) {
		if (*entry->d_name < '0' || *entry->d_name > '9')
			continue;
		read_file(entry->d_name, "status");
		if (score)
			read_file(entry->d_name, "oom_score");
		n++;
	}
	closedir(dir);
	return n;
}

static int list_books(void)
{
	struct tam_process_stats p;
	struct tam_iter *it;
	struct sysinfo info;
	int n = 0;

	sysinfo(&info);
	it = tam_iter_processes(0);
	check_module(it);
	for (; tam_iter_next(it, &p, sizeof(p)) > 0; n++)
		tam_oom_score_of(&p, (info.totalram + info.totalswap) *
				     (uint64_t)info.mem_unit);
	tam_iter_free(it);
	return n;
}

static struct result list(const struct bench *b, const struct peer *p)
{
	struct result r = { .bytes = -1 };
	uint64_t start;
	int i, n;

	setpgid(0, 0);
	start_processes(b->count);
	for (i = 0; i < 2; i++) {	/* the first warms up */
		start = now();
		if (!strcmp(p->name, "tam-books"))
			n = list_books();
		else
			n = list_proc(strcmp(p->name, "proc-status"));
		r.cost = since(start) / n;
	}
	stop_processes();
	return r;
}

static struct result one(const struct bench *b, const struct peer *p)
{
	struct result r = { .bytes = -1 };
	struct tam_process_stats s;
	uint64_t start;
	int i;

	for (i = 0; i < 10; i++) {
		start = now();
		if (strcmp(p->name, "tam-books")) {
			read_file("self", "status");
			if (!strcmp(p->name, "proc"))
				read_file("self", "oom_score");
		} else {
			check_module(!tam_process_stats(0, &s, sizeof(s)));
			tam_oom_score(&s);
		}
		r.cost = since(start);
	}
	(void)b;
	return r;
}

static struct result whole(const struct bench *b, const struct peer *p)
{
	struct result r = { .bytes = -1 };
	struct tam_system_stats s;
	uint64_t start;
	int i;

	setpgid(0, 0);
	start_processes(b->count);
	for (i = 0; i < 2; i++) {
		start = now();
		if (strcmp(p->name, "tam-books")) {
			list_proc(false);
			read_file("", "meminfo");
		} else {
			check_module(!tam_system_stats(&s, sizeof(s)));
		}
		r.cost = since(start);
	}
	stop_processes();
	return r;
}

const struct bench stats_cases[] = {
	{ .name = "books-one", .unit = "process", .peers = "proc proc-status tam-books",
	  .what = "this process", .run = one },
	{ .name = "books-2000", .unit = "process",
	  .peers = "proc proc-status tam-books",
	  .what = "a list of 2000 processes", .run = list, .count = 2000 },
	{ .name = "books-system", .unit = "system", .peers = "proc-status tam-books",
	  .what = "sums over 200 processes, and the system's memory",
	  .run = whole, .count = 200 },
	{ 0 }
};
