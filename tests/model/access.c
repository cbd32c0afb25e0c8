// SPDX-License-Identifier: GPL-2.0-only
/* Reads and writes, and what commits pages without one. */
#include "model.h"

#include <sys/uio.h>

struct access {
	void *to;
	const void *from;
	size_t len;
	int differ;
};

static void do_compare(void *arg)
{
	struct access *a = arg;

	a->differ = memcmp(a->to, a->from, a->len);
}

static void do_copy(void *arg)
{
	struct access *a = arg;

	memcpy(a->to, a->from, a->len);
}

static void explain(int process, int at, const uint8_t *got,
		    const uint8_t *want)
{
	const struct view *v = view(process, at);
	int i, n = 0;

	for (i = 0; i < (int)PAGE; i++)
		n += got[i] != want[i];
	for (i = 0; i < (int)PAGE && got[i] == want[i]; i++)
		;
	if (!n)
		fail("process %d: page %d was wrong, and no longer is",
		     process, at);
	fail("process %d: page %d (%s, page %u of object %u%s): byte %d is %#x, not %#x; %d differ",
	     process, at, v->kind == SHARED ? "shared" : "private", v->page,
	     v->object, v->own ? ", own" : "", i, got[i], want[i], n);
}

static void expect_signal(int at, const char *what, int got, bool want)
{
	if (got != (want ? SIGSEGV : 0))
		fail("process %d: %s page %d: %s, not %s", me, what, at,
		     got ? strsignal(got) : "no signal",
		     want ? strsignal(SIGSEGV) : "none");
}

/* Every byte of a page, which this commits. */
int check_page(int at)
{
	struct view *v = mine(at);
	struct access a = { address(at), m->buffer[0], PAGE, 0 };
	int sig;

	if (v->prot) {
		model_touch(v, false);
		a.from = view_bytes(v);
	}
	sig = guarded(do_compare, &a);
	expect_signal(at, "read of", sig, !v->prot);
	if (a.differ)
		explain(me, at, a.to, a.from);
	return sig ? SIGNALLED : 0;
}

/* What is present already, or everything that can be read. */
void check_arena(bool all)
{
	const struct view *v;

	for (int at = 0; at < ARENA_PAGES; at++) {
		v = mine(at);
		if (v->prot && (all || v->own || v->present == PRESENT))
			check_page(at);
	}
}

bool choose_check(struct op *op)
{
	(void)op;
	return true;
}

int run_check(const struct op *op)
{
	(void)op;
	check_arena(false);
	return 0;
}

bool choose_read(struct op *op)
{
	return choose_mapped(op, op->process, 6, PROT_READ);
}

int run_read(const struct op *op)
{
	int outcome = 0;

	for (int i = 0; i < op->n && !outcome; i++)
		outcome = check_page(op->at + i);
	return outcome;
}

/* What the argument of a write says: where in each page, and what. */
static size_t to_write(uint32_t arg, uint8_t *bytes, size_t *len)
{
	size_t off = arg % PAGE;

	*len = arg >> 12 & 1 ? 1 + (arg >> 13) % 64 : 1 + (arg >> 13) % PAGE;
	if (*len > PAGE - off)
		*len = PAGE - off;
	for (size_t i = 0; i < *len; i += 4) {
		uint32_t word = mix(arg + i);

		memcpy(bytes + i, &word, 4);
	}
	return off;
}

void note_write(FILE *file, const struct op *op)
{
	uint8_t bytes[PAGE + 4];
	size_t len, off = to_write(op->arg, bytes, &len);

	fprintf(file, "bytes %zu to %zu of each page", off, off + len - 1);
}

bool choose_write(struct op *op)
{
	op->arg = rnd(UINT32_MAX);
	return choose_mapped(op, op->process, 6, PROT_WRITE);
}

int run_write(const struct op *op)
{
	uint8_t bytes[PAGE + 4];
	struct access a = { .from = bytes };
	size_t off = to_write(op->arg, bytes, &a.len);
	struct view *v;
	int sig = 0;

	for (int i = 0; i < op->n && !sig; i++) {
		v = mine(op->at + i);
		a.to = address(op->at + i) + off;
		sig = guarded(do_copy, &a);
		expect_signal(op->at + i, "write to", sig,
			      !(v->prot & PROT_WRITE));
		if (!sig)
			model_write(v, off, bytes, a.len);
	}
	return sig ? SIGNALLED : 0;
}

/* All of a range can be accessed so. */
static bool allowed(const struct op *op, int prot)
{
	for (int i = 0; i < op->n; i++)
		if (!(mine(op->at + i)->prot & prot))
			return false;
	return op->n;
}

bool choose_populate(struct op *op)
{
	op->arg = rnd(2);
	return choose_mapped(op, op->process, 16, PROT_READ);
}

int run_populate(const struct op *op)
{
	if (!allowed(op, op->arg & 1 ? PROT_WRITE : PROT_READ))
		return SKIPPED;
	if (!advice_known(MADV_POPULATE_READ))
		return SKIPPED;
	if (madvise(address(op->at), op->n * PAGE,
		    op->arg & 1 ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
		fail("populate: %s", strerror(errno));
	for (int i = 0; i < op->n; i++)
		model_touch(mine(op->at + i), op->arg & 1);
	return 0;
}

static int range(const struct op *op, unsigned long cmd)
{
	return range_ioctl(CONTROL, cmd, (uintptr_t)address(op->at),
			   op->n * PAGE) ? errno : 0;
}

/* Nothing is done unless all of the range will do. */
static int range_verdict(const struct op *op, bool (*may)(const struct view *v))
{
	int err = op->n ? 0 : EINVAL;

	for (int i = 0; i < op->n && !err; i++) {
		if (!mine(op->at + i)->kind)
			err = ENOMEM;
		else if (!may(mine(op->at + i)))
			err = EACCES;
	}
	return err;
}

static bool may_commit(const struct view *v)
{
	return v->prot;
}

static bool may_discard(const struct view *v)
{
	return v->kind == SHARED && v->prot & PROT_WRITE;
}

bool choose_commit(struct op *op)
{
	return choose_mapped(op, op->process, 32, PROT_READ);
}

int run_commit(const struct op *op)
{
	int err = range(op, TAM_IOC_COMMIT), want = range_verdict(op, may_commit);

	if (err != want)
		fail("commit: %s, not %s", error(err), error(want));
	for (int i = 0; i < op->n && !err; i++)
		model_touch(mine(op->at + i),
			    mine(op->at + i)->prot & PROT_WRITE);
	return err;
}

bool choose_discard(struct op *op)
{
	return choose_mapped(op, op->process, 16, PROT_READ);
}

int run_discard(const struct op *op)
{
	int err = range(op, TAM_IOC_DISCARD);
	int want = range_verdict(op, may_discard);

	if (err != want)
		fail("discard: %s, not %s", error(err), error(want));
	for (int i = 0; i < op->n && !err; i++)
		model_punch(mine(op->at + i)->object, mine(op->at + i)->page,
			    1);
	return err;
}

/* Another process' memory, as far as it can be accessed so. */
static int reach(const struct op *op, int prot)
{
	int n = 0;

	while (n < op->n && view(op->to, op->at + n)->prot & prot)
		n++;
	return n;
}

static bool possible(const struct op *op)
{
	return op->n && op->to < m->processes && m->process[op->to].live &&
	       op->n <= 8;
}

bool choose_peek(struct op *op)
{
	op->to = choose_process(true);
	return choose_mapped(op, op->to, 6, PROT_READ);
}

int run_peek(const struct op *op)
{
	uint8_t bytes[8 * PAGE];
	struct iovec to = { bytes, op->n * PAGE };
	struct iovec from = { address(op->at), op->n * PAGE };
	const uint8_t *want;
	struct view *v;
	ssize_t got;
	int n;

	if (!possible(op))
		return SKIPPED;
	n = reach(op, PROT_READ);
	got = process_vm_readv(m->process[op->to].pid, &to, 1, &from, 1, 0);
	if (got != (n ? n * (ssize_t)PAGE : -1) || (!n && errno != EFAULT))
		fail("process_vm_readv: %zd, not of %d pages: %s", got, n,
		     strerror(errno));
	for (int i = 0; i < n; i++) {
		v = view(op->to, op->at + i);
		model_touch(v, false);
		want = view_bytes(v);
		if (memcmp(bytes + i * PAGE, want, PAGE))
			explain(op->to, op->at + i, bytes + i * PAGE,
				want);
	}
	return n ? 0 : EFAULT;
}

bool choose_poke(struct op *op)
{
	op->to = choose_process(true);
	op->arg = rnd(UINT32_MAX);
	return choose_mapped(op, op->to, 2, PROT_WRITE);
}

/* Writes to one page, or over an edge from one to the next. */
int run_poke(const struct op *op)
{
	uint8_t bytes[PAGE + 4];
	size_t len, off = to_write(op->arg, bytes, &len);
	struct iovec from = { bytes, len }, to = { address(op->at) + off, len };
	bool may;
	ssize_t put;

	if (!possible(op))
		return SKIPPED;
	may = reach(op, PROT_WRITE);
	put = process_vm_writev(m->process[op->to].pid, &from, 1, &to, 1, 0);
	if (put != (may ? (ssize_t)len : -1) || (!may && errno != EFAULT))
		fail("process_vm_writev: %zd of %zu: %s", put, len,
		     strerror(errno));
	if (may)
		model_write(view(op->to, op->at), off, bytes, len);
	return may ? 0 : EFAULT;
}
