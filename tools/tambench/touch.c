// SPDX-License-Identifier: LGPL-2.1-or-later
/* touch.c - first accesses */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "bench.h"

/* An odd factor makes each number below a power of two another such number. */
#define SCATTER	2654435761UL

static size_t place(size_t i, size_t n, int order)
{
	switch (order) {
	case BACKWARDS:
		return n - 1 - i;
	case RANDOM:
		return i * SCATTER & (n - 1);
	default:
		return i;
	}
}

/* Returns how many places were touched: pages, or 2 MiB where it is SPARSE. */
size_t touch(const struct memory *m, int order, enum access access, double part)
{
	size_t step = order == SPARSE ? HUGE : PAGE;
	size_t n = m->size / step, end = n * part, i;

	for (i = 0; i < end; i++) {
		volatile char *p = m->p + place(i, n, order) * step;

		if (access != WRITE)
			*p;
		if (access != READ)
			*p = 1;
	}
	return end;
}

/*
 * A program that has run for a while: the kernel's page allocator has as many
 * pages as will be wanted, just freed, whoever ran before; and the peer's code,
 * slabs and structures have been used for some other memory, which is kept, so
 * that what counts is fresh.
 */
void warm_up(const struct peer *p, size_t size, struct pattern pattern,
	     enum access access)
{
	struct memory m = { .size = size };

	m.p = map(size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(m.p, size, MADV_NOHUGEPAGE);
	touch(&m, FORWARDS, WRITE, 1);
	unmap(&m);

	m.size = 4 * MIB;
	m.pattern = pattern;
	p->get(&m);
	touch(&m, FORWARDS, access, 1);
	since(now());
	committed();
}

/* Contents that show any mistake of order: no byte twice in a row, none zero. */
struct pattern pattern_of(size_t len)
{
	static unsigned char bytes[65536];
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = 1 + i % 251;
	return (struct pattern){ len ? bytes : NULL, len };
}

/*
 * From getting the memory to the last access, as some peers do their work when
 * they are asked for it.  Whole tables cost per page, others altogether.
 */
struct result first_touch(const struct bench *b, const struct peer *p)
{
	struct memory m = { .size = b->size, .pattern = pattern_of(b->len) };
	double part = b->part ? b->part : 1;
	struct result r;
	uint64_t start;
	size_t n;

	warm_up(p, 16 * MIB, m.pattern, b->access);
	r.bytes = committed();
	start = now();
	p->get(&m);
	n = touch(&m, b->order, b->access, part);
	r.cost = since(start);
	r.bytes = committed() - r.bytes;
	if (part == 1)
		r.cost /= n;
	return r;
}

#define MAIN "anon-4k tam-private tam-shared shmem"
#define PEERS "anon-4k tam-private tam-shared shmem memfd memfd-private " \
	      "devzero anon-thp populate populate-write malloc-4k malloc " \
	      "calloc jemalloc mimalloc tcmalloc uffd sigsegv"

const struct bench touch_cases[] = {
	{ .name = "touch-write", .unit = "page", .peers = PEERS,
	  .what = "first access to each page, in order, a write",
	  .run = first_touch, .size = 16 * MIB },
	{ .name = "touch-read", .unit = "page", .peers = PEERS,
	  .what = "first access to each page, in order, a read",
	  .run = first_touch, .size = 16 * MIB, .access = READ },
	{ .name = "touch-read-write", .unit = "page", .peers = PEERS,
	  .what = "first access to each page, in order, a read and then a write",
	  .run = first_touch, .size = 16 * MIB, .access = READ_WRITE },
	{ .name = "touch-reverse", .unit = "page", .peers = MAIN,
	  .what = "first access to each page, the last page first, a write",
	  .run = first_touch, .size = 16 * MIB, .order = BACKWARDS },
	{ .name = "touch-random", .unit = "page", .peers = MAIN,
	  .what = "first access to each page, in no order, a write",
	  .run = first_touch, .size = 16 * MIB, .order = RANDOM },
	{ .name = "touch-sparse", .unit = "2 MiB",
	  .peers = "anon-thp tam-private tam-shared anon-4k malloc calloc "
		   "jemalloc mimalloc tcmalloc shmem",
	  .what = "one byte written per 2 MiB of 1 GiB",
	  .run = first_touch, .size = GIB, .order = SPARSE },
	{ 0 }
};
