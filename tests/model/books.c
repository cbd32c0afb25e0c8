// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics of objects and of processes that stand still, against the model.
 * Where it cannot know whether a page is in a page table there are bounds.
 */
#include "model.h"

struct bounds {
	uint64_t low, high;
};

static bool surely(const struct view *v)
{
	return v->own || v->present == PRESENT;
}

static bool perhaps(const struct view *v)
{
	return v->own || v->present;
}

static void add(struct bounds *b, const struct view *v)
{
	b->low += surely(v) * PAGE;
	b->high += perhaps(v) * PAGE;
}

static void expect_between(const char *what, uint64_t got,
			   const struct bounds *b)
{
	if (got < b->low || got > b->high)
		fail("%s is %lu, not %lu to %lu", what, got, b->low, b->high);
}

static void expect_equal(const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		fail("%s is %#lx, not %#lx", what, got, want);
}

static void ask(unsigned long cmd, void *arg)
{
	if (ioctl(CONTROL, cmd, arg))
		fail("statistics %#lx: %s", cmd, strerror(errno));
}

bool choose_object_stats(struct op *op)
{
	return choose_object(op, op->process);
}

int run_object_stats(const struct op *op)
{
	const struct object *o = &m->object[op->object];
	struct tam_object_stats stats;

	if (!m->process[me].fd[op->object])
		return SKIPPED;
	if (ioctl(descriptor(op->object), TAM_IOC_GET_OBJECT, &stats))
		fail("GET_OBJECT: %s", strerror(errno));
	expect_equal("id", stats.id, o->id);
	expect_equal("held", stats.held, model_held(op->object) * PAGE);
	expect_equal("pattern_len", stats.pattern_len,
		     stats.pattern_len == 1 ? 1 : o->len);
	expect_equal("mapped", stats.mapped, o->mapped);
	if (memcmp(stats.name, o->name, sizeof(o->name)))
		fail("name is %.32s, not %s", stats.name, o->name);
	return 0;
}

bool choose_process_stats(struct op *op)
{
	op->to = choose_process(true);
	return true;
}

int run_process_stats(const struct op *op)
{
	struct tam_process_stats stats = { 0 };
	struct bounds pages = { 0, 0 };
	unsigned int mapped = 0;

	if (op->to >= m->processes || !m->process[op->to].live)
		return SKIPPED;
	stats.pid = m->process[op->to].pid;
	ask(TAM_IOC_PROCESS, &stats);
	for (int at = 0; at < ARENA_PAGES; at++) {
		mapped += !!view(op->to, at)->kind;
		add(&pages, view(op->to, at));
	}
	if (!(stats.valid & TAM_VALID_TAM))
		fail("no statistics of process %d", op->to);
	expect_equal("tam_reserved", stats.tam_reserved, mapped * PAGE);
	expect_between("tam_committed + tam_swapped",
		       stats.tam_committed + stats.tam_swapped, &pages);
	expect_between("tam_mappings", stats.tam_mappings,
		       &(struct bounds){ !!mapped, mapped });
	return 0;
}

static bool choose_list(struct op *op)
{
	op->to = choose_process(true);
	op->at = choose_at();
	op->n = 1 + rnd(ARENA_PAGES - op->at);
	op->arg = rnd(4) ? 63 : rnd(4);
	return true;
}

/* The records of a part of the arena, at most arg + 1 at a time. */
static void list(const struct op *op, unsigned long cmd, size_t size,
		 void (*each)(const struct op *op, const void *record))
{
	uint8_t records[64 * sizeof(struct tam_mapping_stats)], *r;
	struct tam_list list = {
		.records = (uintptr_t)records,
		.size = (op->arg % 64 + 1) * size,
		.cursor = (uintptr_t)address(op->at),
		.end = (uintptr_t)address(op->at + op->n),
		.pid = m->process[op->to].pid,
	};

	do {
		ask(cmd, &list);
		r = records;
		for (unsigned int i = 0; i < list.count; i++) {
			each(op, r);
			r += *(uint32_t *)r;
		}
	} while (list.more);
}

static bool list_possible(const struct op *op)
{
	return op->n && op->to < m->processes && m->process[op->to].live;
}

/* What the records said of each page. */
static uint8_t said[ARENA_PAGES];

/* Pages of a record, which must be in the list's range and new. */
static void say(const struct op *op, uint64_t start, uint64_t len, int what,
		int *at, int *n)
{
	int64_t first = (int64_t)(start - ARENA) / (int64_t)PAGE;

	if (start % PAGE || len % PAGE || !len || first < op->at ||
	    first + len / PAGE > (uint64_t)op->at + op->n)
		fail("a record of %#lx + %#lx, page %ld", start, len, first);
	*at = first;
	*n = len / PAGE;
	for (int i = *at; i < *at + *n; i++) {
		if (said[i])
			fail("page %d is listed twice", i);
		said[i] = what;
	}
}

static void check_mapping(const struct op *op, const void *record)
{
	const struct tam_mapping_stats *r = record;
	struct bounds pages = { 0, 0 };
	const struct view *v;
	unsigned int flags;
	int at, n;

	say(op, r->start, r->len, 1, &at, &n);
	for (int i = 0; i < n; i++) {
		v = view(op->to, at + i);
		if (!v->kind)
			fail("page %d is listed and not mapped", at + i);
		add(&pages, v);
		flags = ((v->prot & PROT_READ) ? TAM_MAPPING_READ : 0) |
			((v->prot & PROT_WRITE) ? TAM_MAPPING_WRITE : 0) |
			(v->kind == SHARED ? TAM_MAPPING_SHARED : 0) |
			(v->locked ? TAM_MAPPING_LOCKED : 0);
		expect_equal("flags", r->flags, flags);
		expect_equal("object", r->object, m->object[v->object].id);
		expect_equal("offset", r->offset + i * PAGE,
			     (m->object[v->object].base + v->page) * PAGE);
		if (memcmp(r->name, m->object[v->object].name, TAM_NAME_MAX))
			fail("name is %.32s", r->name);
	}
	expect_between("committed + swapped", r->committed + r->swapped,
		       &pages);
}

bool choose_mappings(struct op *op)
{
	return choose_list(op);
}

int run_mappings(const struct op *op)
{
	if (!list_possible(op))
		return SKIPPED;
	memset(said, 0, sizeof(said));
	list(op, TAM_IOC_MAPPINGS, sizeof(struct tam_mapping_stats),
	     check_mapping);
	for (int i = op->at; i < op->at + op->n; i++)
		if (view(op->to, i)->kind && !said[i])
			fail("page %d is not in the list of mappings", i);
	return 0;
}

static void check_extent(const struct op *op, const void *record)
{
	const struct tam_extent *r = record;
	int at, n;

	say(op, r->start, r->len, r->state, &at, &n);
}

bool choose_pages(struct op *op)
{
	return choose_list(op);
}

int run_pages(const struct op *op)
{
	const struct view *v;

	if (!list_possible(op))
		return SKIPPED;
	memset(said, 0, sizeof(said));
	list(op, TAM_IOC_PAGES, sizeof(struct tam_extent), check_extent);
	for (int i = op->at; i < op->at + op->n; i++) {
		v = view(op->to, i);
		if (said[i] ? !perhaps(v) : surely(v))
			fail("page %d of process %d is %slisted as committed",
			     i, op->to, said[i] ? "" : "not ");
		if (said[i] == TAM_PAGE_SWAPPED && !v->own)
			fail("page %d is the object's and swapped", i);
	}
	return 0;
}

bool choose_system_stats(struct op *op)
{
	(void)op;
	return true;
}

/* Others may use tamalloc, too. */
int run_system_stats(const struct op *op)
{
	struct tam_system_stats stats;
	uint64_t objects = 0, held = 0;

	(void)op;
	ask(TAM_IOC_SYSTEM, &stats);
	for (int o = 0; o < OBJECTS; o++) {
		objects += m->object[o].live;
		held += m->object[o].live ? model_held(o) * PAGE : 0;
	}
	expect_between("tam_objects", stats.tam_objects,
		       &(struct bounds){ objects, UINT64_MAX });
	expect_between("tam_held", stats.tam_held,
		       &(struct bounds){ held, UINT64_MAX });
	return 0;
}
