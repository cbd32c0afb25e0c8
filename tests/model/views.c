// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on address space.  The model knows pages, not mappings: where the
 * kernel's answer depends on what it has merged, both are right.
 */
#include "model.h"

static const int prots[] = { RW, RW, PROT_READ, PROT_NONE };
static const char *const prot_names[] = {
	"read-write", "read-write", "read-only", "no access",
};

static int result(bool failed)
{
	return failed ? errno : 0;
}

static void expect(const struct op *op, int got, int want)
{
	if (got != want)
		fail("%s: %s, not %s", kinds[op->kind].name, error(got),
		     error(want));
}

/* One mapping, or such as could be one. */
static bool uniform(int at, int n)
{
	const struct view *v = mine(at), *next;

	if (!n || !v->kind)
		return false;
	for (int i = 1; i < n; i++) {
		next = mine(at + i);
		if (next->kind != v->kind || next->object != v->object ||
		    next->page != v->page + i || next->prot != v->prot ||
		    next->locked != v->locked || next->dontfork != v->dontfork)
			return false;
	}
	return true;
}

static bool vacant(int at, int n)
{
	if (at + n > ARENA_PAGES)
		return false;
	for (int i = 0; i < n; i++)
		if (mine(at + i)->kind)
			return false;
	return true;
}

bool choose_map(struct op *op)
{
	if (!choose_object(op, op->process))
		return false;
	op->page = rnd(rnd(8) ? 32 : OBJECT_PAGES);
	op->at = choose_at();
	op->n = 1 + rnd(rnd(2) ? 4 : rnd(16) ? 32 : OBJECT_PAGES);
	if (op->at + op->n > ARENA_PAGES)
		op->n = ARENA_PAGES - op->at;
	if (op->page + op->n > OBJECT_PAGES)
		op->n = OBJECT_PAGES - op->page;
	op->arg = rnd(64);
	if (!rnd(64)) {			/* all of a page table, at least */
		op->at = ARENA_EDGE - rnd(4);
		op->page = rnd(32);
		op->n = ARENA_TABLE + 4 + rnd(8);
		op->arg = rnd(24);
	}
	return true;
}

void note_map(FILE *file, const struct op *op)
{
	fprintf(file, "%s, %s%s", op->arg & 1 ? "shared" : "private",
		prot_names[op->arg >> 1 & 3],
		op->arg >> 3 ? "" : ", populated");
}

static void map_here(const struct op *op, int kind, int prot, int flags)
{
	off_t offset = (m->object[op->object].base + op->page) * PAGE;
	char *p = address(op->at);

	flags |= kind == SHARED ? MAP_SHARED : MAP_PRIVATE;
	if (mmap(p, op->n * PAGE, prot, flags | MAP_FIXED | MAP_NORESERVE,
		 descriptor(op->object), offset) != p)
		fail("mmap: %s", strerror(errno));
	for (int i = 0; i < op->n; i++) {
		model_map(mine(op->at + i), kind, prot, op->object,
			  op->page + i);
		if (flags & MAP_POPULATE && prot)
			model_populate(mine(op->at + i));
	}
}

int run_map(const struct op *op)
{
	if (!m->process[me].fd[op->object] || !op->n ||
	    op->page + op->n > OBJECT_PAGES)
		return SKIPPED;
	map_here(op, op->arg & 1 ? SHARED : PRIVATE, prots[op->arg >> 1 & 3],
		 op->arg >> 3 ? 0 : MAP_POPULATE);
	return 0;
}

/* As the library's tam_memset(): a new object in place of what there was. */
bool choose_memset(struct op *op)
{
	op->object = rnd(OBJECTS);
	for (int i = 0; m->object[op->object].live; i++) {
		if (i == OBJECTS)
			return false;
		op->object = (op->object + 1) % OBJECTS;
	}
	op->arg = rnd(256);
	if (!choose_mapped(op, op->process, 32, 0))
		return false;
	return op->n <= OBJECT_PAGES;
}

int run_memset(const struct op *op)
{
	struct object *o = &m->object[op->object];
	uint8_t byte = op->arg;

	if (o->live || !op->n || op->n > OBJECT_PAGES)
		return SKIPPED;
	open_at(op->object, 0);
	memset(o->pattern, byte, 1 + PAGE);
	if (set_pattern(descriptor(op->object), &byte, 1))
		fail("a pattern of a byte: %s", strerror(errno));
	map_here(op, PRIVATE, RW, 0);
	run_close(op);
	return 0;
}

bool choose_munmap(struct op *op)
{
	return choose_mapped(op, op->process, rnd(16) ? 32 : ARENA_PAGES, 0);
}

int run_munmap(const struct op *op)
{
	if (!op->n)
		return SKIPPED;
	expect(op, result(munmap(address(op->at), op->n * PAGE)), 0);
	for (int i = 0; i < op->n; i++)
		model_unmap(mine(op->at + i));
	return 0;
}

bool choose_mprotect(struct op *op)
{
	op->arg = rnd(4);
	return choose_mapped(op, op->process, 32, 0);
}

void note_mprotect(FILE *file, const struct op *op)
{
	fprintf(file, "%s", prot_names[op->arg & 3]);
}

/* Ends at a hole.  Private memory that is locked is committed for writing. */
int run_mprotect(const struct op *op)
{
	int prot = prots[op->arg & 3], want = 0, was, err;
	struct view *v;

	if (!op->n)
		return SKIPPED;
	err = result(mprotect(address(op->at), op->n * PAGE, prot));
	for (int i = 0; i < op->n && !want; i++) {
		v = mine(op->at + i);
		was = v->prot;
		if (!v->kind)
			want = ENOMEM;
		else
			v->prot = prot;
		if (v->kind == PRIVATE && v->locked && prot & ~was & PROT_WRITE)
			model_touch(v, true);
	}
	expect(op, err, want);
	return err;
}

static void extend(const struct view *like, int at, int n, int first)
{
	struct view *v;

	for (int i = first; i < n; i++) {
		v = mine(at + i);
		model_map(v, like->kind, like->prot, like->object,
			  like->page + i);
		v->locked = like->locked;
		v->dontfork = like->dontfork;
		if (v->locked && v->prot)
			model_populate(v);
	}
}

bool choose_resize(struct op *op)
{
	choose_mapped(op, op->process, 32, 0);
	while (op->n > 1 && view(op->process, op->at + op->n - 1)->kind == 0)
		op->n--;
	op->to = 1 + rnd(rnd(16) ? 32 : OBJECT_PAGES);
	return true;
}

int run_resize(const struct op *op)
{
	struct view like;
	char *p = address(op->at);
	int want = 0, err;

	if (!uniform(op->at, op->n) || !op->to ||
	    op->at + op->to > ARENA_PAGES)
		return SKIPPED;
	like = *mine(op->at);
	if (like.page + op->to > OBJECT_PAGES)
		return SKIPPED;
	if (op->to > op->n && !vacant(op->at + op->n, op->to - op->n))
		want = ENOMEM;
	err = result(mremap(p, op->n * PAGE, op->to * PAGE, 0) != p);
	if (err == EFAULT && op->n > 1)
		return err;		/* several mappings */
	expect(op, err, want);
	if (err)
		return err;
	for (int i = op->to; i < op->n; i++)
		model_unmap(mine(op->at + i));
	extend(&like, op->at, op->to, op->n);
	return 0;
}

bool choose_move(struct op *op)
{
	choose_mapped(op, op->process, 32, 0);
	op->arg = rnd(2) ? 0 : rnd(16);
	op->to = choose_at();
	for (int i = 0; i < 64 && view(op->process, op->to)->kind; i++)
		op->to = (op->to + 1) % ARENA_PAGES;
	return true;
}

/* By arg pages longer. */
int run_move(const struct op *op)
{
	int n = op->n + (op->arg & 15), err;
	struct view like, *from, *to;
	char *p = address(op->to);

	if (!uniform(op->at, op->n) || !vacant(op->to, n) ||
	    mine(op->at)->page + n > OBJECT_PAGES)
		return SKIPPED;
	like = *mine(op->at);
	err = result(mremap(address(op->at), op->n * PAGE, n * PAGE,
			    MREMAP_MAYMOVE | MREMAP_FIXED, p) != p);
	if (err == EFAULT && op->n > 1)
		return err;
	expect(op, err, 0);
	for (int i = 0; i < op->n; i++) {
		from = mine(op->at + i);
		to = mine(op->to + i);
		*to = *from;
		memset(from, 0, sizeof(*from));
	}
	extend(&like, op->to, n, op->n);
	return 0;
}

static const struct advice {
	const char *name;
	int number;
	bool evicts;		/* refused where locked */
	bool refused;		/* by every file mapping */
	bool optional;		/* a kernel may be built without */
} advices[] = {
#define ADVICE(id)	.name = #id, .number = MADV_##id
	{ ADVICE(DONTNEED), .evicts = true },
	{ ADVICE(DONTNEED), .evicts = true },
	{ ADVICE(DONTNEED), .evicts = true },
	{ ADVICE(COLD), .evicts = true },
	{ ADVICE(PAGEOUT), .evicts = true },
	{ ADVICE(PAGEOUT), .evicts = true },
	{ ADVICE(FREE), .refused = true },
	{ ADVICE(WIPEONFORK), .refused = true },
	{ ADVICE(DONTFORK) },
	{ ADVICE(DOFORK) },
	{ ADVICE(HUGEPAGE), .optional = true },
	{ ADVICE(NOHUGEPAGE), .optional = true },
	{ ADVICE(MERGEABLE), .optional = true },
	{ ADVICE(UNMERGEABLE), .optional = true },
	{ ADVICE(WILLNEED) },
	{ ADVICE(RANDOM) },
};

#define ADVICES	(sizeof(advices) / sizeof(advices[0]))

void note_advise(FILE *file, const struct op *op)
{
	fprintf(file, "%s", advices[op->arg % ADVICES].name);
}

/* Does any memory take it on this kernel? */
bool advice_known(int advice)
{
	static char answers[64];
	void *p;

	if (!answers[advice]) {
		p = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		answers[advice] = madvise(p, PAGE, advice) ? 'n' : 'y';
		munmap(p, PAGE);
	}
	return answers[advice] == 'y';
}

bool choose_advise(struct op *op)
{
	op->arg = rnd(ADVICES);
	return choose_mapped(op, op->process, 32, 0);
}

static void advise(struct view *v, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
		model_forget(v);
		break;
	case MADV_DONTFORK:
	case MADV_DOFORK:
		v->dontfork = advice == MADV_DONTFORK;
		break;
	case MADV_PAGEOUT:
		if (!v->own && v->present)
			v->present = PERHAPS;
		break;
	}
}

/* Goes on after a hole. */
int run_advise(const struct op *op)
{
	const struct advice *a = &advices[op->arg % ADVICES];
	bool refused = a->refused;
	struct view *v;
	int want = 0, err;

	if (!op->n)
		return SKIPPED;
	if (a->optional)
		refused = !advice_known(a->number);
	err = result(madvise(address(op->at), op->n * PAGE, a->number));
	for (int i = 0; i < op->n && want != EINVAL; i++) {
		v = mine(op->at + i);
		if (!v->kind)
			want = ENOMEM;
		else if (refused || (a->evicts && v->locked))
			want = EINVAL;
		else
			advise(v, a->number);
	}
	if (err == EINVAL && a->optional && refused)
		return err;		/* even before a hole is seen */
	expect(op, err, want);
	return err;
}

bool choose_mlock(struct op *op)
{
	return choose_mapped(op, op->process, 16, 0);
}

static int set_locked(const struct op *op, bool locked)
{
	int err = 0;

	for (int i = 0; i < op->n && !err; i++) {
		if (mine(op->at + i)->kind)
			mine(op->at + i)->locked = locked;
		else
			err = ENOMEM;
	}
	return err;
}

/* Up to a hole, or one that cannot be accessed. */
int run_mlock(const struct op *op)
{
	int want, err;

	if (!op->n)
		return SKIPPED;
	err = result(mlock(address(op->at), op->n * PAGE));
	want = set_locked(op, true);
	for (int i = 0; i < op->n && !want; i++) {
		if (mine(op->at + i)->prot)
			model_populate(mine(op->at + i));
		else
			want = ENOMEM;
	}
	expect(op, err, want);
	return err;
}

bool choose_munlock(struct op *op)
{
	return choose_mapped(op, op->process, 32, 0);
}

int run_munlock(const struct op *op)
{
	int err;

	if (!op->n)
		return SKIPPED;
	err = result(munlock(address(op->at), op->n * PAGE));
	expect(op, err, set_locked(op, false));
	return err;
}
