/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* results.h - what was measured, as it is kept and shown */
#ifndef RESULTS_H
#define RESULTS_H

#include <stdbool.h>
#include <stdio.h>

/* Of one case with one peer on one kernel */
struct record {
	const char *of, *peer;	/* the case */
	const char *what, *unit;	/* of the case */
	const char *method;		/* "instructions", "nanoseconds", "ratio" */
	const char *kernel;
	const char *missing;		/* why there are no figures, or NULL */
	double median, min, max;
	double bytes;		/* -1: none */
	int repeats, cpus;
};

struct records {
	struct record *r;
	size_t n;
};

void add_record(struct records *all, const struct record *r);
const struct record *find_record(const struct records *all, const char *of,
				 const char *peer);
bool read_json(struct records *all, const char *path);
void write_json(const struct record *r, FILE *to);

void write_tsv(const struct records *all, FILE *to);

/* table.c */
void print_tables(const struct records *all);
bool print_limits(const struct records *all, const char *path);

#endif
