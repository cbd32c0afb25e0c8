// SPDX-License-Identifier: LGPL-2.1-or-later
/* demo-stats.c - the books: one line per process, and the system's totals */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <getopt.h>
#include <stdbool.h>

#include <tamalloc.h>

#include "demo.h"

static void print_heading(void)
{
	printf("%7s %-15s %12s %9s %10s %7s %5s %5s\n",
	       "", "", "reserved", "", "committed", "", "", "OOM");
	printf("%7s %-15s %12s %9s %10s %7s %5s %5s\n",
	       "PID", "NAME", "KB", "MB", "KB", "MB", "%", "score");
}

static void print_process(const struct tam_process_stats *s)
{
	printf("%7d %-15.15s %12llu %9llu %10llu %7llu %5.1f %5d\n",
	       s->pid, s->comm,
	       (unsigned long long)s->reserved >> 10,
	       (unsigned long long)s->reserved >> 20,
	       (unsigned long long)s->committed >> 10,
	       (unsigned long long)s->committed >> 20,
	       s->reserved ? 100.0 * s->committed / s->reserved : 0.0,
	       tam_oom_score(s));
}

static void print_total(const char *what, unsigned long long bytes)
{
	printf("  %-34s %14llu KB %11llu MB\n", what, bytes >> 10, bytes >> 20);
}

static void print_system(const struct tam_system_stats *s)
{
	printf("\nThe system, %llu processes with memory of their own:\n",
	       (unsigned long long)s->processes);
	print_total("reserved by processes", s->reserved);
	print_total("committed by processes", s->committed);
	print_total("in swap", s->swapped);
	print_total("page tables", s->page_tables);
	print_total("RAM", s->ram_total);
	print_total("RAM free", s->ram_free);
	print_total("RAM available", s->ram_available);
	print_total("promised by the kernel", s->commit_charge);
	printf("tamalloc, %llu mappings, %llu objects:\n",
	       (unsigned long long)s->tam_mappings,
	       (unsigned long long)s->tam_objects);
	print_total("reserved", s->tam_reserved);
	print_total("committed", s->tam_committed);
	print_total("in swap", s->tam_swapped);
	print_total("held by objects", s->tam_held);
	print_total("the most they may hold", s->tam_cap);
}

static int fail(const char *what)
{
	fprintf(stderr, "demo-stats: %s: %s\n", what, tam_strerror(errno));
	return 1;
}

static int all_processes(void)
{
	struct tam_process_stats s;
	unsigned int without = 0;
	struct dirent *entry;
	DIR *dir;

	dir = opendir("/proc");
	if (!dir)
		return fail("/proc");
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (tam_process_stats(atoi(entry->d_name), &s, sizeof(s))) {
			if (errno == ESRCH)	/* has just ended */
				continue;
			closedir(dir);
			return fail("process statistics");
		}
		if (s.valid & TAM_VALID_MM)
			print_process(&s);
		else
			without++;
	}
	closedir(dir);
	printf("%u kernel threads and zombies have no memory of their own\n",
	       without);
	return 0;
}

static const char usage[] =
"usage: demo-stats [PID]\n"
"Reserved and committed memory and OOM score of PID or of all processes, and the\n"
"system's totals.  KB and MB are 1024 and 1048576 bytes.\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct tam_system_stats system;
	struct tam_process_stats s;
	char *end;
	long pid;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		fputs(usage, c == 'h' ? stdout : stderr);
		return c == 'h' ? 0 : 2;
	}
	if (argc - optind > 1) {
		fputs(usage, stderr);
		return 2;
	}
	if (tam_system_stats(&system, sizeof(system)))
		return fail("system statistics");

	if (optind < argc) {
		pid = strtol(argv[optind], &end, 10);
		if (*end || pid <= 0 || pid > 1 << 22) {
			fprintf(stderr, "demo-stats: \"%s\" is not a PID\n",
				argv[optind]);
			return 2;
		}
		if (tam_process_stats((pid_t)pid, &s, sizeof(s)))
			return fail(argv[optind]);
		print_heading();
		print_process(&s);
	} else {
		print_heading();
		if (all_processes())
			return 1;
	}
	print_system(&system);
	return 0;
}
