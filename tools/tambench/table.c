// SPDX-License-Identifier: LGPL-2.1-or-later
/* table.c - tables for people, and what is to be reached */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"

/* Counts of instructions repeat to that. */
#define PRECISION	0.001

static const char *amount(double bytes)
{
	static const char units[] = "BKMGT";
	static char text[32];
	int i = 0;

	if (bytes < 0)
		return "";
	for (; bytes >= 1024 && units[i + 1]; i++)
		bytes /= 1024;
	snprintf(text, sizeof(text), i ? "%.1f %ciB" : "%.0f %c", bytes, units[i]);
	return text;
}

static const char *number(double x)
{
	static char text[32];

	snprintf(text, sizeof(text), x < 100 ? "%.3f" : "%.0f", x);
	return text;
}

static void print_record(const struct record *r, const struct record *reference)
{
	double spread;

	if (r->missing) {
		printf("  %-16s missing: %s\n", r->peer, r->missing);
		return;
	}
	spread = r->median ? (r->max - r->min) / r->median * 100 : 0;
	printf("  %-16s %12s %7.1f %% ", r->peer, number(r->median), spread);
	if (!reference->missing && reference->median)
		printf("%9.4f", r->median / reference->median);
	else
		printf("%9s", "");
	printf(" %11s\n", amount(r->bytes));
}

void print_tables(const struct records *all)
{
	const struct record *first = NULL, *r;

	for (r = all->r; r < all->r + all->n; r++) {
		if (!first || strcmp(first->of, r->of) ||
		    strcmp(first->kernel, r->kernel)) {
			first = r;
			printf("\n%s: %s\n  %-16s %12s %9s %9s %11s  (%s per %s; Linux %s)\n",
			       r->of, r->what, "", "median", "spread", "ratio",
			       "memory", r->method, r->unit, r->kernel);
		}
		print_record(r, first);
	}
}

/* A line of the file: CASE PEER REFERENCE [CASE/]PEER cost|bytes LIMIT AIM */
static int print_limit(const struct records *all, char *line)
{
	char of[64], peer[64], against[128], measure[16], aim[32], *slash;
	const struct record *a, *b;
	double limit, x, y;
	bool good;

	if (sscanf(line, "%63s %63s %127s %15s %lf %31s", of, peer, against,
		   measure, &limit, aim) != 6)
		return -1;
	slash = strchr(against, '/');
	if (slash)
		*slash = 0;
	a = find_record(all, of, peer);
	b = find_record(all, slash ? against : of, slash ? slash + 1 : against);
	if (slash)
		*slash = '/';
	printf("%-18s %-12s %-26s %-6s %8g %8s ", of, peer, against, measure,
	       limit, aim);
	if (!a || !b || a->missing || b->missing) {
		puts("       -  not measured");
		return 0;
	}
	x = strcmp(measure, "bytes") ? a->median : a->bytes;
	y = strcmp(measure, "bytes") ? b->median : b->bytes;
	good = x / y <= limit * (1 + PRECISION);
	printf("%8.4g  %s\n", x / y, good ? "met" : "NOT MET");
	return good;
}

/* Whether all that was measured is within its limit. */
bool print_limits(const struct records *all, const char *path)
{
	FILE *from = fopen(path, "r");
	bool good = true;
	char line[256];

	if (!from) {
		perror(path);
		return false;
	}
	printf("\n%-18s %-12s %-26s %-6s %8s %8s %8s\n", "case", "peer",
	       "against", "of", "at most", "aim", "is");
	while (fgets(line, sizeof(line), from)) {
		if (*line == '#' || *line == '\n')
			continue;
		switch (print_limit(all, line)) {
		case 0:
			good = false;
			break;
		case -1:
			fprintf(stderr, "tambench: %s: not a limit: %s", path, line);
			exit(2);
		}
	}
	fclose(from);
	return good;
}
