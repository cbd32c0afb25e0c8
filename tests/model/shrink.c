// SPDX-License-Identifier: GPL-2.0-only
/*
 * A failure in as few operations as possible: leave some out and see whether
 * what remains still fails, in fresh processes each time.
 */
#include "model.h"

#include <time.h>

/* Where it depends on timing. */
#define TRIES	10

/* More are of no help to anybody. */
#define PRINTED	200

static struct op *best, *trial;
static unsigned int best_n;
static char best_why[sizeof(((struct model *)0)->why)];
static struct session session;
static time_t until;
static int tries = 1;

static bool fails_again(void)
{
	for (int i = 0; i < tries; i++)
		if (!session_run(&session, trial))
			return true;
	return false;
}

/* Does it fail?  Then it is the best so far, up to where it fails. */
static bool fails(unsigned int n)
{
	struct op *swap = best;

	if (time(NULL) > until)
		return false;
	session.ops = n;
	if (!fails_again())
		return false;
	best = trial;
	best_n = m->position < n ? m->position + 1 : n;
	trial = swap;
	strcpy(best_why, m->why);
	return true;
}

/* The last operations are often enough. */
static void forget_beginning(void)
{
	unsigned int n, all = best_n;

	for (n = 64; n < all; n *= 4) {
		memcpy(trial, best + all - n, n * sizeof(*best));
		if (fails(n))
			return;
	}
}

/* Most kinds, and some processes, have nothing to do with it. */
static void leave_out_kinds(void)
{
	unsigned int i, n;

	for (unsigned int kind = 0; kind < kinds_count + PROCESSES; kind++) {
		for (i = n = 0; i < best_n; i++)
			if (best[i].kind != kind &&
			    best[i].process + kinds_count != kind)
				trial[n++] = best[i];
		if (n && n < best_n)
			fails(n);
	}
}

static bool leave_out(unsigned int from, unsigned int count)
{
	if (count > best_n - from)
		count = best_n - from;
	memcpy(trial, best, from * sizeof(*best));
	memcpy(trial + from, best + from + count,
	       (best_n - from - count) * sizeof(*best));
	return fails(best_n - count);
}

static void leave_out_parts(void)
{
	unsigned int part = best_n / 2, from;
	bool less = true;

	while (part && (less || part > 1)) {
		less = false;
		for (from = 0; from < best_n;) {
			if (leave_out(from, part))
				less = true;
			else
				from += part;
		}
		if (part > 1)
			part /= 2;
	}
}

/* With fewer pages, and without threads. */
static void simplify(void)
{
	for (unsigned int i = 0; i < best_n; i++) {
		for (int n = 1; n < best[i].n; n *= 2) {
			memcpy(trial, best, best_n * sizeof(*best));
			trial[i].n = n;
			if (fails(best_n))
				break;
		}
		if (i < best_n && best[i].thread) {
			memcpy(trial, best, best_n * sizeof(*best));
			trial[i].thread = 0;
			fails(best_n);
		}
	}
}

static void print(void)
{
	if (best_n > PRINTED) {
		printf("# not found in less than %u operations; --shrink for longer\n",
		       best_n);
		return;
	}
	printf("# %s, after these operations (%u):\n", best_why, best_n);
	for (unsigned int i = 0; i < best_n; i++) {
		printf("#   ");
		op_print(stdout, &best[i], true);
		printf("\n");
	}
	printf("# again: tests/build/model --processes %d --threads %d --replay '",
	       session.processes, session.threads);
	for (unsigned int i = 0; i < best_n; i++) {
		if (i)
			printf("; ");
		op_print(stdout, &best[i], false);
	}
	printf("'\n");
}

void shrink(const struct session *s, struct op *log, unsigned int n,
	    unsigned int seconds)
{
	session = *s;
	until = time(NULL) + seconds;
	best = malloc(n * sizeof(*best));
	trial = malloc(n * sizeof(*best));
	CHECK(best && trial);
	memcpy(best, log, n * sizeof(*best));
	memcpy(trial, log, n * sizeof(*best));
	best_n = n;
	if (!fails(n)) {
		tries = TRIES;
		if (!fails(n)) {
			printf("# the same %u operations passed %d times: it depends on timing\n",
			       n, TRIES + 1);
			return;
		}
	}
	forget_beginning();
	leave_out_kinds();
	leave_out_parts();
	simplify();
	leave_out_parts();
	print();
}
