// SPDX-License-Identifier: GPL-2.0-only
/*
 * All threads of all processes at once, such that there is only one right
 * outcome.  Either each reads what the others do not write and has a word of
 * its own in each page, while one disturbs them in ways that change no content;
 * or an object is punched while everybody reads, who may see the old and the
 * new.
 */
#include "model.h"

/* At the start of a page: words that belong to threads. */
#define WORDS		(PROCESSES * THREADS * sizeof(uint64_t))

#define ERASE_ROUNDS	3

enum {
	CALM, FORGET, PAGE_OUT, FORK, LIST, HUGE, PROTECT, DISTURBANCES,
	ERASE = DISTURBANCES,
};

static int manner(const struct op *op)
{
	return op->arg % (ERASE + 3) < ERASE ? (int)(op->arg % (ERASE + 3)) :
					       ERASE;
}

void note_storm(FILE *file, const struct op *op)
{
	static const char *const names[] = {
		"touch", "touch and DONTNEED", "touch and PAGEOUT",
		"touch and fork", "touch and list", "touch and HUGEPAGE",
		"touch and mprotect", "read and punch",
	};

	fprintf(file, "%s", names[manner(op)]);
}

static bool holder(void)
{
	return m->storm.op->process == me;
}

/* The holder's first thread does something else. */
static bool disturbs(int process, int thread)
{
	return process == m->storm.op->process && !thread &&
	       manner(m->storm.op) != CALM;
}

static uint64_t word(int process, int thread)
{
	return mix(m->storm.op->arg + m->position) * 0x100000001UL +
	       (process * THREADS + thread);
}

static size_t word_offset(int process, int thread)
{
	return (process * THREADS + thread) * sizeof(uint64_t);
}

static void touch(int at, int thread)
{
	const struct view *v = mine(at);
	const uint8_t *want = view_bytes(v);
	char *p = address(at);
	volatile uint64_t *w = (void *)(p + word_offset(me, thread));

	if (memcmp(p + WORDS, want + WORDS, PAGE - WORDS))
		fail("process %d thread %d: page %d (page %u of object %u) is wrong in a storm",
		     me, thread, at, v->page, v->object);
	if (!(m->storm.part[me][at] & PROT_WRITE))
		return;
	*w = word(me, thread);
	if (*w != word(me, thread))
		fail("process %d thread %d: page %d lost its word", me, thread,
		     at);
}

static void look(int at, int thread)
{
	const struct view *v = mine(at);
	const volatile uint64_t *got = (void *)address(at);
	const uint8_t *first = first_bytes(v->object, v->page);
	const uint8_t *old = view_bytes(v);
	uint64_t word;

	for (size_t i = 0; i < PAGE; i += sizeof(word)) {
		word = got[i / sizeof(word)];
		if (memcmp(old + i, &word, sizeof(word)) &&
		    memcmp(first + i, &word, sizeof(word)))
			fail("process %d thread %d: page %d, byte %zu is neither old nor new",
			     me, thread, at, i);
	}
}

static void protect(const struct op *op)
{
	char *p;

	for (int i = op->at; i < op->at + op->n; i++) {
		p = address(i);
		if (!(m->storm.part[me][i] & PROT_WRITE))
			continue;
		/* /dev may be mounted noexec */
		if (!mprotect(p, PAGE, RW | PROT_EXEC) && mprotect(p, PAGE, RW))
			fail("mprotect: %s", strerror(errno));
	}
}

static void forget(const struct op *op)
{
	for (int i = op->at; i < op->at + op->n; i++)
		if (m->storm.part[me][i] && mine(i)->kind == SHARED)
			madvise(address(i), PAGE, MADV_DONTNEED);
}

static void fork_and_wait(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void list_self(void)
{
	struct tam_extent extents[64];
	struct tam_list list = {
		.records = (uintptr_t)extents,
		.size = sizeof(extents),
	};

	do {
		if (ioctl(CONTROL, TAM_IOC_PAGES, &list))
			fail("PAGES: %s", strerror(errno));
	} while (list.more);
}

static void punch_all(const struct op *op)
{
	const struct object *o = &m->object[op->object];

	for (int i = 0; i < op->n; i++)
		if (punch(descriptor(op->object),
			  (o->base + op->page + i) * PAGE, PAGE))
			fail("punch: %s", strerror(errno));
}

static void disturb(const struct op *op)
{
	char *p = address(op->at);

	switch (manner(op)) {
	case FORGET:
		forget(op);
		break;
	case PAGE_OUT:
		madvise(p, op->n * PAGE, MADV_PAGEOUT);
		break;
	case FORK:
		fork_and_wait();
		break;
	case LIST:
		list_self();
		break;
	case HUGE:
		madvise(p, op->n * PAGE, MADV_HUGEPAGE);
		madvise(p, op->n * PAGE, MADV_NOHUGEPAGE);
		break;
	case PROTECT:
		protect(op);
		break;
	case ERASE:
		punch_all(op);
		break;
	}
}

/* The last of all wakes who waits for them. */
static void arrive(int *count, int all)
{
	if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) == all)
		futex_wake(count);
}

static void await(int *count, int all)
{
	int now;

	while ((now = __atomic_load_n(count, __ATOMIC_SEQ_CST)) < all)
		futex_wait(count, now);
}

static void storm_thread(int thread)
{
	struct storm *s = &m->storm;
	bool erase = manner(s->op) == ERASE;
	/* The same page at the same time, or each a page of its own. */
	int first = s->op->arg & 0x100 ? 0 : thread * 5 + me * 11;

	arrive(&s->ready, s->members);
	await(&s->ready, s->members);
	if (disturbs(me, thread))
		disturb(s->op);
	for (int i = 0; i < ARENA_PAGES * (erase ? ERASE_ROUNDS : 1); i++) {
		int at = (first + i) % ARENA_PAGES;

		if (!s->part[me][at] || disturbs(me, thread))
			continue;
		if (erase)
			look(at, thread);
		else
			touch(at, thread);
	}
	arrive(&s->done, s->members);
}

/* So that there are first accesses. */
static void freshen(const struct op *op)
{
	const struct view *v;

	for (int i = op->at; i < op->at + op->n; i++) {
		v = mine(i);
		if (v->kind != SHARED || !(v->prot & PROT_WRITE))
			continue;
		if (discard(CONTROL, address(i), PAGE))
			fail("discard: %s", strerror(errno));
		model_punch(v->object, v->page, 1);
	}
}

static bool own_page_of_object(const struct view *v)
{
	return v->prot && !v->own &&
	       (v->kind == SHARED || !(v->prot & PROT_WRITE));
}

/*
 * A private page that is neither own nor read-only becomes a copy of what the
 * object has at that moment: it keeps out where others store that page.
 */
static void plan_touch(const struct op *op)
{
	bool stores[OBJECTS][OBJECT_PAGES] = { 0 };
	struct view *v;

	for (int p = 0; p < m->processes; p++)
		for (int i = op->at; i < op->at + op->n; i++) {
			v = view(p, i);
			if (!own_page_of_object(v))
				continue;
			stores[v->object][v->page] = true;
			m->storm.part[p][i] = v->prot;
		}
	for (int p = 0; p < m->processes; p++)
		for (int i = op->at; i < op->at + op->n; i++) {
			v = view(p, i);
			if (v->prot && v->kind == PRIVATE &&
			    (v->own || !stores[v->object][v->page]))
				m->storm.part[p][i] = v->prot;
		}
}

static void plan_erase(const struct op *op)
{
	struct view *v;

	for (int p = 0; p < m->processes; p++)
		for (int i = 0; i < ARENA_PAGES; i++) {
			v = view(p, i);
			if (own_page_of_object(v) && v->object == op->object &&
			    v->page >= op->page && v->page < op->page + op->n)
				m->storm.part[p][i] = PROT_READ;
		}
}

static void apply_touch(const struct op *op)
{
	uint64_t value;
	struct view *v;

	for (int p = 0; p < m->processes; p++)
		for (int i = op->at; i < op->at + op->n; i++)
			for (int t = 0; t < m->threads; t++) {
				v = view(p, i);
				if (!m->storm.part[p][i] || disturbs(p, t))
					continue;
				value = word(p, t);
				model_touch(v, false);
				if (v->prot & PROT_WRITE)
					model_write(v, word_offset(p, t),
						    &value, sizeof(value));
			}
	if (manner(op) != FORGET && manner(op) != PAGE_OUT)
		return;
	for (int i = op->at; i < op->at + op->n; i++) {
		v = mine(i);
		if (!v->own && v->present)
			v->present = PERHAPS;
	}
}

/* Whether anything was stored again after the last punch nobody knows. */
static void apply_erase(const struct op *op)
{
	punch_all(op);
	model_punch(op->object, op->page, op->n);
}

static void check(void)
{
	if (manner(m->storm.op) != ERASE)
		for (int i = 0; i < ARENA_PAGES; i++)
			if (m->storm.part[me][i] && mine(i)->present != ABSENT)
				check_page(i);
	arrive(&m->storm.checked, m->storm.processes);
}

void storm_join(void)
{
	struct storm *s = &m->storm;

	in_threads(storm_thread);
	if (holder())
		return;
	await(&s->over, 1);
	check();
}

bool choose_storm(struct op *op)
{
	op->arg = rnd(1 << 20);
	choose_mapped(op, op->process, 32, PROT_READ);
	if (manner(op) != ERASE)
		return true;
	op->at = 0;
	op->page = rnd(OBJECT_PAGES);
	if (op->page + op->n > OBJECT_PAGES)
		op->n = OBJECT_PAGES - op->page;
	return choose_object(op, op->process);
}

int run_storm(const struct op *op)
{
	struct storm *s = &m->storm;

	if (manner(op) == ERASE && (!m->process[me].fd[op->object] || !op->n ||
				    op->page + op->n > OBJECT_PAGES))
		return SKIPPED;
	memset(s, 0, sizeof(*s));
	s->op = op;
	if (manner(op) != ERASE && op->arg & 0x200)
		freshen(op);
	if (manner(op) == ERASE)
		plan_erase(op);
	else
		plan_touch(op);
	for (int p = 0; p < m->processes; p++)
		s->processes += m->process[p].live;
	s->members = s->processes * m->threads;
	for (int p = 0; p < m->processes; p++)
		if (p != me && m->process[p].live) {
			__atomic_store_n(&m->process[p].turn, 2,
					 __ATOMIC_SEQ_CST);
			futex_wake(&m->process[p].turn);
		}
	storm_join();
	await(&s->done, s->members);
	if (manner(op) == ERASE)
		apply_erase(op);
	else
		apply_touch(op);
	arrive(&s->over, 1);
	check();
	await(&s->checked, s->processes);
	return 0;
}
