// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * grow - one way to get memory, used slowly, to be watched from outside
 *
 *	tamstat record -w 0.02 -o FILE -- grow PEER [PATTERN-BYTES]
 *
 * Of 64 MiB a quarter of the pages is written to, in no order, another quarter
 * read, the rest written to; then it gets its first contents again, and is given
 * back.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tambench/bench.h"

#define SIZE	(64 * MIB)
#define PAGES	(SIZE / PAGE)
#define SCATTER	2654435761UL	/* odd: each page once */

/* When, in seconds: tools/report draws it, too. */
static const double
	GET = 0.4, WRITE_FROM = 0.8, WRITE_TO = 1.4, READ_FROM = 1.8, READ_TO = 2.4,
	REST_FROM = 2.8, REST_TO = 3.6, RESET = 4.0, PUT = 4.4, END = 4.8;

static uint64_t started;

static void wait_for(double seconds)
{
	uint64_t at = started + (uint64_t)(seconds * 1e9);
	struct timespec t = { at / 1000000000, at % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Pages from @first to @end, evenly over the time. */
static void use(volatile char *p, size_t first, size_t end, bool write,
		double from, double to)
{
	size_t i;

	for (i = first; i < end; i++) {
		volatile char *at = p + (i * SCATTER & (PAGES - 1)) * PAGE;

		if (!((i - first) % 64))
			wait_for(from + (to - from) * (i - first) / (end - first));
		if (write)
			*at = 1;
		else
			*at;
	}
}

static void only_malloc(struct memory *m)
{
	m->p = malloc(m->size);
}

static void only_free(struct memory *m)
{
	free(m->p);
}

/* As tambench's peers, but for malloc() with nothing written to it. */
static const struct peer plain = {
	"malloc-only", .get = only_malloc, .put = only_free
};

int main(int argc, char **argv)
{
	struct memory m = { .size = SIZE };
	const struct peer *p;

	if (argc < 2 || argc > 3) {
		fputs("usage: grow PEER [PATTERN-BYTES]\n", stderr);
		return 2;
	}
	p = strcmp(argv[1], plain.name) ? find_peer(argv[1], strlen(argv[1])) : &plain;
	if (!p || !p->get) {
		fprintf(stderr, "grow: no peer %s: tambench --list\n", argv[1]);
		return 2;
	}
	if (argc == 3)
		m.pattern = pattern_of(strtoul(argv[2], NULL, 10));
	report_fd = 2;		/* where what fails says so */
	choose_peer(p);
	started = now();

	wait_for(GET);
	p->get(&m);
	use(m.p, 0, PAGES / 4, true, WRITE_FROM, WRITE_TO);
	use(m.p, PAGES / 4, PAGES / 2, false, READ_FROM, READ_TO);
	use(m.p, PAGES / 2, PAGES, true, REST_FROM, REST_TO);
	wait_for(RESET);
	if (p->reset)
		p->reset(&m);
	wait_for(PUT);
	p->put(&m);
	wait_for(END);
	return 0;
}
