// SPDX-License-Identifier: LGPL-2.1-or-later
/* scale.c - reserving memory, and a great many pieces of it */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of many. */
static struct result reserve(const struct bench *b, const struct peer *p)
{
	enum { ROUNDS = 1001, WARM_UP = 100 };
	static double costs[ROUNDS];
	struct memory m = { .size = b->size };
	uint64_t start;
	int i;

	for (i = -WARM_UP; i < ROUNDS; i++) {
		start = now();
		p->get(&m);
		p->put(&m);
		if (i >= 0)
			costs[i] = since(start);
	}
	qsort(costs, ROUNDS, sizeof(*costs), compare);
	return (struct result){ costs[ROUNDS / 2], -1 };
}

static void get_piece(struct memory *m, const struct peer *p)
{
	p->get(m);
	*m->p = 1;
	/* Zeros beside zeros would be one mapping. */
	if (!m->pattern.len)
		check(!munmap(m->p + PAGE, PAGE), "munmap");
}

static struct result pieces(const struct bench *b, const struct peer *p)
{
	struct memory *m = calloc(b->count, sizeof(*m)), warm = { .size = 2 * PAGE };
	struct result r;
	uint64_t start;
	unsigned int i;

	check(m, "calloc");
	for (i = 0; i < b->count; i++) {
		m[i].size = b->size;
		m[i].pattern = pattern_of(b->len);
	}
	for (i = 0; i < 10; i++) {
		warm.pattern = pattern_of(b->len);
		get_piece(&warm, p);
	}
	r.bytes = kernel_memory();
	start = now();
	for (i = 0; i < b->count; i++)
		get_piece(&m[i], p);
	r.cost = since(start) / b->count;
	r.bytes = (kernel_memory() - r.bytes) / b->count;
	if (b->count < 10000)
		r.bytes = -1;	/* lost in the kernel's own coming and going */
	free(m);
	return r;
}

/* What a committed page needs beside itself: page tables, and what finds it */
static struct result overhead(const struct bench *b, const struct peer *p)
{
	struct memory m = { .size = b->size };
	double before;
	size_t n;

	warm_up(p, 16 * MIB, m.pattern, WRITE);
	p->get(&m);
	before = kernel_memory();
	n = touch(&m, FORWARDS, WRITE, 1);
	return (struct result){ (kernel_memory() - before) / n, -1 };
}

#define RESERVE(text, bytes) \
	{ .name = "reserve-" text, .unit = "call pair", \
	  .peers = "anon-4k tam-private tam-shared shmem memfd devzero", \
	  .what = "reserving " text "iB and giving it back", \
	  .run = reserve, .size = bytes }
#define OTHERS " tam-shared shmem devzero"
#define PIECES(n, with) \
	{ .name = "objects-" #n, .unit = "object", .len = 8, \
	  .peers = "memfd-private tam-private" with, \
	  .what = #n " objects with a pattern, a page of each written; " \
		  "memory: page tables and slabs", \
	  .run = pieces, .size = 2 * PAGE, .count = n }
#define MAPPINGS(n, with) \
	{ .name = "mappings-" #n, .unit = "mapping", \
	  .peers = "anon-4k tam-private" with, \
	  .what = #n " pieces of zeros, a page of each written; " \
		  "memory: page tables and slabs", \
	  .run = pieces, .size = 2 * PAGE, .count = n }

const struct bench scale_cases[] = {
	RESERVE("4K", 4 * KIB), RESERVE("1M", MIB), RESERVE("1G", GIB),
	RESERVE("16T", 16 * TIB),
	MAPPINGS(100, OTHERS), MAPPINGS(1000, OTHERS), MAPPINGS(65000, ""),
	PIECES(100, " tam-shared"), PIECES(1000, " tam-shared"), PIECES(65000, ""),
	{ .name = "overhead", .unit = "page", .counts = true,
	  .peers = "anon-4k tam-private tam-shared shmem anon-thp",
	  .what = "bytes of page tables and slabs for each page committed",
	  .run = overhead, .size = 256 * MIB },
	{ 0 }
};
