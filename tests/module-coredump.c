// SPDX-License-Identifier: GPL-2.0-only
/* A core dump shows what was touched and commits nothing. */
#include "module.h"

#include <elf.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PATTERN		"/proc/sys/kernel/core_pattern"
#define CORE		"/tmp/tamalloc-core"

struct dump {
	char *private, *readonly, *shared;	/* of one object */
	size_t len;
};

/* Offsets of the views in the object, apart from each other. */
#define READONLY_AT	(1L << 40)
#define SHARED_AT	(2L << 40)

static void touch_and_abort(void *arg)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct dump *d = arg;

	/* Shared mappings of files too. */
	CHECK(!put("/proc/self/coredump_filter", "0x3f"));
	CHECK(!setrlimit(RLIMIT_CORE, &unlimited));
	d->private[100 * PAGE] = 1;
	touch_read(d->private + 101 * PAGE);
	d->private[d->len - 1] = 2;
	touch_read(d->readonly + 7 * PAGE);
	d->shared[9 * PAGE] = 3;
	abort();
}

static uint8_t *core;

/* What the core file has for an address: the page's bytes. */
static const uint8_t *core_page(const char *addr)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)core;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(core + head->e_phoff);
	uintptr_t at = (uintptr_t)addr;

	for (int i = 0; i < head->e_phnum; i++, p++)
		if (p->p_type == PT_LOAD && at >= p->p_vaddr &&
		    at + PAGE <= p->p_vaddr + p->p_filesz)
			return core + p->p_offset + (at - p->p_vaddr);
	FAIL("%p is not in the core file", addr);
}

/* Dumps a child that has touched little of len bytes; what was committed? */
static void dump(size_t len, size_t pattern_len)
{
	int fd = pattern_len ? open_pattern(pattern_len) : open_object();
	char saved[256];
	struct dump d = {
		.len = len,
		.private = map(fd, len, RW, MAP_PRIVATE, 0),
		.readonly = map(fd, len, PROT_READ, MAP_PRIVATE, READONLY_AT),
		.shared = map(fd, len, RW, MAP_SHARED, SHARED_AT),
	};
	struct stat st;
	int status, file;

	unlink(CORE);
	get(PATTERN, saved, sizeof(saved));
	CHECK(!put(PATTERN, CORE));
	status = in_child(touch_and_abort, &d);
	CHECK(!put(PATTERN, saved[0] ? saved : "core"));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(WCOREDUMP(status));

	/* The child's accesses, nothing of the dump's. */
	CHECK_EQ(held(fd), 2 * PAGE);

	file = open(CORE, O_RDONLY);
	CHECK(file >= 0);
	CHECK(!fstat(file, &st));
	CHECK_BETWEEN(st.st_size, 3 * len, INT64_MAX);
	CHECK_BETWEEN(st.st_blocks * 512, 5 * PAGE, 4 * MIB);

	core = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	CHECK(core != MAP_FAILED);
	if (pattern_len) {
		const uint8_t *page = core_page(d.private + 100 * PAGE);

		CHECK_EQ(page[0], 1);
		CHECK_PATTERN(page + 1, PAGE - 1, 100 * PAGE + 1, pattern_len);
		CHECK_PATTERN(core_page(d.private + 101 * PAGE), PAGE,
			      101 * PAGE, pattern_len);
		page = core_page(d.private + len - PAGE);
		CHECK_PATTERN(page, PAGE - 1, len - PAGE, pattern_len);
		CHECK_EQ(page[PAGE - 1], 2);
		CHECK_PATTERN(core_page(d.readonly + 7 * PAGE), PAGE,
			      READONLY_AT + 7 * PAGE, pattern_len);
		page = core_page(d.shared + 9 * PAGE);
		CHECK_EQ(page[0], 3);
		CHECK_PATTERN(page + 1, PAGE - 1, SHARED_AT + 9 * PAGE + 1,
			      pattern_len);
	} else {
		CHECK_EQ(core_page(d.private + 100 * PAGE)[0], 1);
		CHECK_EQ(core_page(d.private + len - PAGE)[PAGE - 1], 2);
		CHECK_EQ(core_page(d.shared + 9 * PAGE)[0], 3);
	}
	/* Holes read as zeros. */
	CHECK_BYTES(core_page(d.private + 200 * PAGE), PAGE, 0);
	CHECK_BYTES(core_page(d.shared + 8 * PAGE), PAGE, 0);
	unlink(CORE);
}

TEST(a_dump_of_a_pattern_holds_what_was_touched_and_commits_nothing)
{
	dump(patience() > 1 ? 16 * MIB : GIB, 5000);
}

TEST(a_dump_of_zeros_holds_what_was_touched_and_commits_nothing)
{
	dump(64 / patience() * MIB, 0);
}

static void forget_and_abort(void *arg)
{
	struct dump *d = arg;

	/* DONTDUMP: how to dump beside mappings of many TiB. */
	CHECK(!madvise(d->private, d->len, MADV_DONTDUMP));
	touch_and_abort(arg);
}

TEST(dontdump_keeps_many_tib_out_of_the_dump)
{
	size_t len = 16UL << 40;
	int fd = open_pattern(5000);
	struct dump d = {
		.len = len,
		.private = map(fd, len, RW, MAP_PRIVATE, 0),
		.readonly = map(fd, MIB, PROT_READ, MAP_PRIVATE, READONLY_AT),
		.shared = map(fd, MIB, RW, MAP_SHARED, SHARED_AT),
	};
	char saved[256];
	struct stat st;
	int status;

	unlink(CORE);
	get(PATTERN, saved, sizeof(saved));
	CHECK(!put(PATTERN, CORE));
	status = in_child(forget_and_abort, &d);
	CHECK(!put(PATTERN, saved[0] ? saved : "core"));
	CHECK(WIFSIGNALED(status) && WCOREDUMP(status));
	CHECK(!stat(CORE, &st));
	CHECK_BETWEEN(st.st_size, 2 * MIB, 64 * MIB);
	unlink(CORE);
}
