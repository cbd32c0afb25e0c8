// SPDX-License-Identifier: LGPL-2.1-or-later
/* reset.c - first contents again, and other contents for all of a table */
#include <string.h>

#include <tamalloc.h>

#include "bench.h"

/* Memory that is held for the contents themselves, before anything is touched. */
static size_t held(void)
{
	struct tam_system_stats s = { 0 };

	/* Without the module no contents are kept for it. */
	tam_system_stats(&s, sizeof(s));
	return s.tam_held + field("/proc/meminfo", "Shmem:");
}

static struct result reset(const struct bench *b, const struct peer *p)
{
	struct memory m = { .size = b->size, .pattern = pattern_of(b->len) };
	struct result r;
	uint64_t start;
	int i;

	warm_up(p, 16 * MIB, m.pattern, WRITE);
	r.bytes = held();
	p->get(&m);
	r.bytes = held() - r.bytes;
	if (!strncmp(p->name, "tam-", 4))
		r.bytes += m.pattern.len;

	/* Twice: once to be warm. */
	for (i = 0; i < 2; i++) {
		touch(&m, RANDOM, WRITE, b->part);
		start = now();
		p->reset(&m);
		r.cost = since(start);
	}
	return r;
}

/* All of it set to a byte, and what that leaves committed. */
static struct result set_all(const struct bench *b, const struct peer *p)
{
	struct memory m = { .size = b->size };
	struct result r;
	uint64_t start;

	warm_up(p, 16 * MIB, m.pattern, WRITE);
	r.bytes = committed();
	p->get(&m);
	if (b->part)
		touch(&m, RANDOM, WRITE, b->part);
	start = now();
	if (p->set)
		p->set(&m, 0xa5);
	else
		memset(m.p, 0xa5, m.size);
	r.cost = since(start);
	r.bytes = committed() - r.bytes;
	return r;
}

#define RESET(percent, fraction, bytes, text) \
	{ .name = "reset-" percent, .unit = text, .len = 24, \
	  .what = "first contents, a pattern of 24 bytes, again after " percent \
		  " was written to; memory: that holds the first contents", \
	  .peers = "memfd-private tam-private", \
	  .run = reset, .size = bytes, .part = fraction }

const struct bench reset_cases[] = {
	RESET("1%", 0.01, GIB, "1 GiB"), RESET("10%", 0.1, GIB, "1 GiB"),
	RESET("100%", 1, GIB, "1 GiB"),
	{ .name = "reset-small", .unit = "64 MiB", .len = 24,
	  .what = "first contents, a pattern of 24 bytes, again after 1% of 64 MiB was written to",
	  .peers = "memfd-private tam-private tam-shared uffd malloc-4k",
	  .run = reset, .size = 64 * MIB, .part = 0.01 },
	{ .name = "memset", .unit = "1 GiB", .peers = "anon-4k tam-private anon-thp",
	  .what = "all of a fresh table set to a byte; memory: then committed",
	  .run = set_all, .size = GIB },
	{ .name = "memset-1%", .unit = "1 GiB", .peers = "anon-4k tam-private",
	  .what = "all of a table set to a byte after 1% was written to; memory: then committed",
	  .run = set_all, .size = GIB, .part = 0.01 },
	{ 0 }
};
