/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random calls on one allocation, in any order, compared with a model of its
 * contents in ordinary memory.
 */
#ifndef LIB_MODEL_H
#define LIB_MODEL_H

#include "lib.h"

#define MODEL_PAGES	200

struct model {
	const struct tam_attr *attr;
	char *p;		/* the allocation */
	size_t len;
	unsigned char *want;	/* MODEL_PAGES pages */
};

static void first_contents(const struct model *m, size_t off, size_t len)
{
	const unsigned char *pattern = m->attr ? m->attr->pattern : NULL;
	size_t i;

	for (i = off; i < off + len; i++)
		m->want[i] = pattern ? pattern[i % m->attr->pattern_len] : 0;
}

static void model_step(struct model *m, unsigned int *seed)
{
	size_t from = rand_r(seed) % m->len, n = rand_r(seed) % (m->len - from);
	size_t first = (from + PAGE - 1) / PAGE * PAGE;
	size_t end = (from + n) / PAGE * PAGE, size;
	int byte = rand_r(seed) % 3 ? rand_r(seed) % 256 : 0;
	char *p;

	switch (rand_r(seed) % 8) {
	case 0:
		n %= 3 * PAGE;
		memset(m->p + from, byte, n);
		memset(m->want + from, byte, n);
		break;
	case 1:
	case 2:
		CHECK(!tam_memset(m->p + from, byte, n));
		memset(m->want + from, byte, n);
		break;
	case 3:
		CHECK(!tam_decommit(m->p, from, n));
		if (first < end)
			first_contents(m, first, end - first);
		break;
	case 4:
		if (rand_r(seed) % 3)
			break;
		CHECK(!tam_reset(m->p));
		first_contents(m, 0, m->len);
		break;
	case 5:
		CHECK(!tam_commit(m->p, from, n));
		break;
	default:
		size = (1 + rand_r(seed) % MODEL_PAGES) * PAGE;
		/* Shared memory keeps its pages when it shrinks. */
		if (m->attr && (m->attr->flags & TAM_SHARED) && size < m->len)
			break;
		if (rand_r(seed) % 2)
			block(m->p);
		p = tam_realloc(m->p, size);
		CHECK(p);
		m->p = p;
		if (size > m->len)
			first_contents(m, m->len, size - m->len);
		m->len = size;
	}
	CHECK_EQ(tam_usable_size(m->p), m->len);
}

static void compare(const struct model *m)
{
	size_t i;

	if (!memcmp(m->p, m->want, m->len))
		return;
	for (i = 0; i < m->len; i++)
		if ((unsigned char)m->p[i] != m->want[i])
			FAIL("byte %zu of %zu is %d, not %d", i, m->len,
			     (unsigned char)m->p[i], m->want[i]);
}

static void run_model(const struct tam_attr *attr, unsigned int seed)
{
	struct model m = { .attr = attr, .len = 150 * PAGE };
	uint64_t size = status_bytes("VmSize");
	int step;

	m.want = mmap(NULL, MODEL_PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m.p = tam_alloc(m.len, attr);
	CHECK(m.p && m.want != MAP_FAILED);
	first_contents(&m, 0, m.len);
	for (step = 0; step < 120; step++) {
		model_step(&m, &seed);
		if (step % 4 == 0)
			compare(&m);
	}
	compare(&m);
	tam_free(m.p);
	munmap(m.want, MODEL_PAGES * PAGE);
	/* Blocking pages remain, and nothing else. */
	CHECK_BETWEEN(status_bytes("VmSize"), 0, size + 120 * PAGE + MIB);
}

#endif /* LIB_MODEL_H */
