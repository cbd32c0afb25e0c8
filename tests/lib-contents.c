// SPDX-License-Identifier: GPL-2.0-only
/* tam_reset, tam_memset, tam_commit and tam_decommit. */
#define _GNU_SOURCE
#include "lib.h"
#include "lib-model.h"

#define SHARED_CAP	"/sys/module/tamalloc/parameters/shared_cap_mib"

static const struct tam_attr pattern_attr = { .pattern = "abc", .pattern_len = 3 };
static const struct tam_attr shared_attr = { .flags = TAM_SHARED };
static const struct tam_attr shared_pattern_attr = {
	.pattern = "abc", .pattern_len = 3, .flags = TAM_SHARED
};

/* tam_reset */

MODULE_TEST(reset_gives_zeros_again_and_releases_the_pages)
{
	char *p = tamalloc(20 * PAGE);

	CHECK(p);
	write_marks(p, 20 * PAGE, 1);
	CHECK(!tam_reset(p));
	CHECK_EQ(pages_present(p, 20 * PAGE), 0);
	check_bytes(p, 20 * PAGE, 0);
	write_marks(p, 20 * PAGE, 1);
	check_marks(p, 20 * PAGE, 1);
	tam_free(p);
}

MODULE_TEST(reset_gives_the_pattern_again)
{
	char *p = tam_alloc(20 * PAGE, &pattern_attr);

	CHECK(p);
	write_marks(p, 20 * PAGE, 1);
	CHECK(!tam_reset(p));
	CHECK_EQ(pages_present(p, 20 * PAGE), 0);
	check_pattern(p, 20 * PAGE, "abc", 3, 0);
}

MODULE_TEST(reset_after_tam_memset_gives_first_contents_and_one_mapping)
{
	const struct tam_attr *attr[] = { NULL, &pattern_attr };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		char *p = tam_alloc(300 * PAGE, attr[i]);

		CHECK(p);
		CHECK(!tam_memset(p + 3 * PAGE, 'm', 100 * PAGE));
		CHECK(!tam_memset(p + 150 * PAGE, 'n', 150 * PAGE));
		touch(p, 300 * PAGE);
		CHECK(!tam_reset(p));
		CHECK_EQ(pages_present(p, 300 * PAGE), 0);
		if (i)
			check_pattern(p, 300 * PAGE, "abc", 3, 0);
		else
			check_bytes(p, 300 * PAGE, 0);
		/* mremap refuses more than one mapping. */
		CHECK(mremap(p, 300 * PAGE, 299 * PAGE, 0) == p);
		CHECK(mremap(p, 299 * PAGE, 400 * PAGE, MREMAP_MAYMOVE) !=
		      MAP_FAILED);
	}
}

MODULE_TEST(a_second_reset_after_tam_memset_needs_no_new_object)
{
	char *p = tam_alloc(100 * PAGE, &pattern_attr);

	CHECK(p);
	CHECK(!tam_memset(p, 'm', 100 * PAGE));
	CHECK(!tam_reset(p));
	write_marks(p, 100 * PAGE, 1);
	limit(RLIMIT_NOFILE, 3);
	CHECK(!tam_reset(p));
	check_pattern(p, 100 * PAGE, "abc", 3, 0);
}

MODULE_TEST(reset_of_shared_memory_is_seen_by_everybody)
{
	char *p = tam_alloc(20 * PAGE, &shared_pattern_attr);
	pid_t pid;
	int status;

	CHECK(p);
	write_marks(p, 20 * PAGE, 1);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		check_marks(p, 20 * PAGE, 1);
		CHECK(!tam_reset(p));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(pages_present(p, 20 * PAGE), 0);
	check_pattern(p, 20 * PAGE, "abc", 3, 0);
}

MODULE_TEST(reset_of_shared_zeros_leaves_other_allocations_alone)
{
	char *p = tam_alloc(4 * PAGE, &shared_attr);
	char *q = tam_alloc(4 * PAGE, &shared_attr), *r = tamalloc(4 * PAGE);

	CHECK(p && q && r);
	write_marks(p, 4 * PAGE, 1);
	write_marks(q, 4 * PAGE, 2);
	write_marks(r, 4 * PAGE, 3);
	CHECK(!tam_reset(p));
	check_bytes(p, 4 * PAGE, 0);
	check_marks(q, 4 * PAGE, 2);
	check_marks(r, 4 * PAGE, 3);
}

MODULE_TEST(reset_of_locked_memory_is_EINVAL_and_keeps_it)
{
	char *p = tamalloc(4 * PAGE);

	CHECK(p);
	write_marks(p, 4 * PAGE, 1);
	CHECK(!mlock(p, 4 * PAGE));
	CHECK_ERRNO(tam_reset(p), EINVAL);
	CHECK_ERRNO(tam_decommit(p, 0, PAGE), EINVAL);
	check_marks(p, 4 * PAGE, 1);
}

MODULE_TEST(reset_of_a_child_leaves_the_parent_alone)
{
	char *p = tamalloc(100 * PAGE);
	pid_t pid;
	int status;

	CHECK(p);
	CHECK(!tam_memset(p, 5, 90 * PAGE));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!tam_reset(p));
		check_bytes(p, 100 * PAGE, 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	check_bytes(p, 90 * PAGE, 5);
	check_bytes(p + 90 * PAGE, 10 * PAGE, 0);
}

/* tam_memset */

/* Sets [from, from + len) and looks at every byte around and in it. */
static void set_and_check(const struct tam_attr *attr, size_t from, size_t len,
			  int byte)
{
	size_t size = 150 * PAGE;
	char *p = tam_alloc(size, attr);

	CHECK(p);
	write_marks(p + 20 * PAGE, PAGE, 1);
	write_marks(p + 149 * PAGE, PAGE, 2);
	CHECK(!tam_memset(p + from, byte, len));
	if (from >= 21 * PAGE)
		check_marks(p + 20 * PAGE, PAGE, 1);
	if (from + len <= 149 * PAGE)
		check_marks(p + 149 * PAGE, PAGE, 2);
	check_bytes(p + from, len, (unsigned char)byte);
	if (attr && attr->pattern) {
		check_pattern(p, from < 20 * PAGE ? from : 20 * PAGE, "abc", 3, 0);
		if (from + len < 149 * PAGE)
			check_pattern(p + from + len, 149 * PAGE - from - len,
				      "abc", 3, from + len);
	} else {
		check_bytes(p, from < 20 * PAGE ? from : 20 * PAGE, 0);
		if (from + len < 149 * PAGE)
			check_bytes(p + from + len, 149 * PAGE - from - len, 0);
	}
	tam_free(p);
}

static void set_ranges(const struct tam_attr *attr)
{
	static const struct {
		size_t pages, bytes, len_pages, len_bytes;
	} r[] = {
		{ 22, 0, 100, 0 }, { 22, 1, 100, 0 }, { 22, 100, 100, 5 },
		{ 0, 0, 150, 0 }, { 0, 3, 149, 4000 }, { 40, 5, 2, 0 },
		{ 40, 5, 0, 10 }, { 40, 4000, 0, 200 }, { 40, 0, 1, 0 },
		{ 30, 0, 64, 0 }, { 30, 4095, 64, 1 }, { 30, 0, 63, 4095 },
		{ 40, 0, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(r) / sizeof(*r); i++) {
		size_t from = r[i].pages * PAGE + r[i].bytes;
		size_t len = r[i].len_pages * PAGE + r[i].len_bytes;

		set_and_check(attr, from, len, 0);
		set_and_check(attr, from, len, 'z');
	}
	set_and_check(attr, 22 * PAGE + 9, 100 * PAGE, -1);
	set_and_check(attr, 22 * PAGE + 9, 100 * PAGE, 0x17f);
}

MODULE_TEST(memset_of_zeros_sets_exactly_its_range)
{
	set_ranges(NULL);
}

MODULE_TEST(memset_of_a_pattern_sets_exactly_its_range)
{
	set_ranges(&pattern_attr);
}

MODULE_TEST(memset_of_shared_memory_sets_exactly_its_range)
{
	set_ranges(&shared_attr);
}

MODULE_TEST(memset_of_a_shared_pattern_sets_exactly_its_range)
{
	set_ranges(&shared_pattern_attr);
}

MODULE_TEST(memset_of_1_gib_leaves_rss_alone)
{
	int bytes[] = { 0, 0xff, 'a', 0 };
	size_t size = sizeof(long) == 8 ? GIB : 256 * MIB, off;
	char *p = tamalloc(size);
	unsigned int i;

	CHECK(p);
	for (i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		CHECK(!tam_memset(p + 1, bytes[i], size - 2));
		CHECK_BETWEEN(pages_present(p, size), 0, 2);
		for (off = 1; off < size; off += size / 16)
			CHECK_EQ((unsigned char)p[off], bytes[i]);
		CHECK_EQ(p[0], 0);
		CHECK_EQ(p[size - 1], 0);
	}
}

MODULE_TEST(memset_releases_what_was_touched)
{
	char *p = tamalloc(1000 * PAGE);

	CHECK(p);
	touch(p, 1000 * PAGE);
	CHECK(!tam_memset(p, 9, 1000 * PAGE));
	CHECK_EQ(pages_present(p, 1000 * PAGE), 0);
	check_bytes(p, 1000 * PAGE, 9);
}

MODULE_TEST(memset_to_the_byte_of_the_pattern_is_lazy_and_needs_no_object)
{
	struct tam_attr attr = { .pattern = "777", .pattern_len = 3 };
	char *p = tam_alloc(100 * PAGE, &attr);

	CHECK(p);
	touch(p, 100 * PAGE);
	limit(RLIMIT_NOFILE, 3);
	CHECK(!tam_memset(p, '7', 100 * PAGE));
	limit(RLIMIT_NOFILE, 64);
	CHECK_EQ(pages_present(p, 100 * PAGE), 0);
	check_bytes(p, 100 * PAGE, '7');
}

MODULE_TEST(memset_to_the_first_byte_of_a_pattern_sets_the_others_too)
{
	struct tam_attr attr = { .pattern = "aab", .pattern_len = 3 };
	char *p = tam_alloc(100 * PAGE, &attr);

	CHECK(p);
	CHECK(!tam_memset(p, 'a', 100 * PAGE));
	check_bytes(p, 100 * PAGE, 'a');
}

MODULE_TEST(memset_of_a_range_set_before_sets_it_again)
{
	char *p = tam_alloc(300 * PAGE, &pattern_attr);

	CHECK(p);
	CHECK(!tam_memset(p, 1, 300 * PAGE));
	CHECK(!tam_memset(p + 50 * PAGE, 2, 200 * PAGE));
	CHECK(!tam_memset(p + 100 * PAGE, 3, 100 * PAGE));
	CHECK(!tam_memset(p + 110 * PAGE, 1, 10));
	check_bytes(p, 50 * PAGE, 1);
	check_bytes(p + 50 * PAGE, 50 * PAGE, 2);
	check_bytes(p + 100 * PAGE, 10 * PAGE, 3);
	check_bytes(p + 110 * PAGE, 10, 1);
	check_bytes(p + 110 * PAGE + 10, 90 * PAGE - 10, 3);
	check_bytes(p + 200 * PAGE, 50 * PAGE, 2);
	check_bytes(p + 250 * PAGE, 50 * PAGE, 1);
	tam_free(p);
	CHECK(segv(p, false) && segv(p + 150 * PAGE, false));
}

MODULE_TEST(memset_then_writes_then_reset_then_realloc_then_free)
{
	char *p = tam_alloc(200 * PAGE, &pattern_attr);

	CHECK(p);
	CHECK(!tam_memset(p + 7, 'q', 199 * PAGE));
	write_marks(p + 5 * PAGE, 10 * PAGE, 1);
	check_bytes(p + 7, 5 * PAGE - 7, 'q');
	check_marks(p + 5 * PAGE, 10 * PAGE, 1);
	CHECK(!tam_reset(p));
	check_pattern(p, 200 * PAGE, "abc", 3, 0);
	CHECK(!tam_memset(p + 7, 'q', 199 * PAGE));
	p = tam_realloc(p, 300 * PAGE);
	CHECK(p);
	check_bytes(p + 7, 199 * PAGE, 'q');
	check_pattern(p + 199 * PAGE + 7, 101 * PAGE - 7, "abc", 3,
		      199 * PAGE + 7);
	p = tam_realloc(p, 100 * PAGE);
	CHECK(p);
	check_bytes(p + 7, 100 * PAGE - 7, 'q');
	p = tam_realloc(p, 200 * PAGE);
	CHECK(p);
	check_bytes(p + 7, 100 * PAGE - 7, 'q');
	check_pattern(p + 100 * PAGE, 100 * PAGE, "abc", 3, 100 * PAGE);
	tam_free(p);
}

MODULE_TEST(memset_beyond_the_allocation_is_EINVAL_and_writes_nothing)
{
	char *p = tamalloc(200 * PAGE);
	int local = 0;

	CHECK(p);
	CHECK_ERRNO(tam_memset(p, 1, 200 * PAGE + 1), EINVAL);
	CHECK_ERRNO(tam_memset(p + 199 * PAGE, 1, PAGE + 1), EINVAL);
	CHECK_ERRNO(tam_memset(p + 5, 1, SIZE_MAX), EINVAL);
	CHECK_ERRNO(tam_memset(p + 5, 1, SIZE_MAX - 5), EINVAL);
	CHECK_ERRNO(tam_memset(p + 200 * PAGE, 1, 1), EINVAL);
	CHECK_ERRNO(tam_memset(&local, 1, sizeof(local)), EINVAL);
	CHECK_ERRNO(tam_memset(NULL, 1, 1), EINVAL);
	CHECK_EQ(local, 0);
	check_bytes(p, 200 * PAGE, 0);
}

MODULE_TEST(memset_of_locked_memory_and_without_descriptors_still_sets)
{
	char *p = tamalloc(100 * PAGE), *q = tamalloc(100 * PAGE);

	CHECK(p && q);
	CHECK(!mlock(p, 100 * PAGE));
	CHECK(!tam_memset(p, 0, 100 * PAGE));
	write_marks(p, 100 * PAGE, 1);
	CHECK(!tam_memset(p, 0, 100 * PAGE));
	check_bytes(p, 100 * PAGE, 0);
	limit(RLIMIT_NOFILE, 3);
	errno = EXDEV;
	CHECK(!tam_memset(q, 5, 100 * PAGE));
	CHECK_EQ(errno, EXDEV);
	check_bytes(q, 100 * PAGE, 5);
}

MODULE_TEST(memset_without_address_space_for_it_still_sets)
{
	char *p = tamalloc(64 * MIB);

	CHECK(p);
	limit_memory(MIB);
	CHECK(!tam_memset(p, 5, 32 * MIB));
	check_bytes(p, 32 * MIB, 5);
	check_bytes(p + 32 * MIB, PAGE, 0);
}

/* tam_commit */

MODULE_TEST(commit_commits_at_once_and_later_accesses_do_not_fault)
{
	const struct tam_attr *attr[] = { NULL, &pattern_attr, &shared_attr,
					  &shared_pattern_attr };
	size_t size = 16 * MIB;
	uint64_t rss, faults;
	unsigned int i;

	page_faults();
	for (i = 0; i < 4; i++) {
		char *p = tam_alloc(size, attr[i]);

		CHECK(p);
		rss = status_bytes("VmRSS");
		CHECK(!tam_commit(p, 0, size));
		CHECK_EQ(pages_present(p, size), size / PAGE);
		/* Up to 6.1 the counters may be off by 64 pages each. */
		CHECK_BETWEEN(status_bytes("VmRSS") - rss, size - MIB,
			      size + 3 * MIB);
		if (i % 2)
			check_pattern(p, size, "abc", 3, 0);
		else
			check_bytes(p, size, 0);
		faults = page_faults();
		touch(p, size);
		CHECK_EQ(page_faults() - faults, 0);
		tam_free(p);
	}
}

MODULE_TEST(commit_commits_every_page_its_range_touches_and_no_other)
{
	char *p = tamalloc(20 * PAGE);

	CHECK(p);
	CHECK(!tam_commit(p, 3 * PAGE - 1, 2));
	CHECK_EQ(pages_present(p, 20 * PAGE), 2);
	CHECK_EQ(pages_present(p + 2 * PAGE, 2 * PAGE), 2);
	CHECK(!tam_commit(p, 5 * PAGE, PAGE));
	CHECK_EQ(pages_present(p, 20 * PAGE), 3);
	CHECK(!tam_commit(p, 10 * PAGE + 1, PAGE));
	CHECK_EQ(pages_present(p + 10 * PAGE, 2 * PAGE), 2);
	CHECK_EQ(pages_present(p, 20 * PAGE), 5);
	CHECK(!tam_commit(p, 7, 0));
	CHECK(!tam_commit(p, 20 * PAGE, 0));
	CHECK_EQ(pages_present(p, 20 * PAGE), 5);
}

MODULE_TEST(commit_keeps_what_was_written)
{
	char *p = tamalloc(20 * PAGE);

	CHECK(p);
	write_marks(p + PAGE, 3 * PAGE, 1);
	CHECK(!tam_commit(p, 0, 20 * PAGE));
	check_bytes(p, PAGE, 0);
	check_marks(p + PAGE, 3 * PAGE, 1);
	check_bytes(p + 4 * PAGE, 16 * PAGE, 0);
}

MODULE_TEST(commit_after_memset_commits_the_new_contents)
{
	char *p = tamalloc(200 * PAGE);

	CHECK(p);
	CHECK(!tam_memset(p + 50 * PAGE, 3, 100 * PAGE));
	CHECK(!tam_commit(p, 0, 200 * PAGE));
	CHECK_EQ(pages_present(p, 200 * PAGE), 200);
	check_bytes(p, 50 * PAGE, 0);
	check_bytes(p + 50 * PAGE, 100 * PAGE, 3);
	check_bytes(p + 150 * PAGE, 50 * PAGE, 0);
}

MODULE_TEST(commit_and_decommit_beyond_the_usable_size_are_EINVAL)
{
	int (*fn[])(void *, size_t, size_t) = { tam_commit, tam_decommit };
	char *p = tamalloc(3 * PAGE + 1);
	unsigned int i;

	CHECK(p);
	for (i = 0; i < 2; i++) {
		CHECK_ERRNO(fn[i](p, 0, 4 * PAGE + 1), EINVAL);
		CHECK_ERRNO(fn[i](p, 4 * PAGE, 1), EINVAL);
		CHECK_ERRNO(fn[i](p, 4 * PAGE + 1, 0), EINVAL);
		CHECK_ERRNO(fn[i](p, PAGE, SIZE_MAX), EINVAL);
		CHECK_ERRNO(fn[i](p, SIZE_MAX, 2), EINVAL);
		CHECK(!fn[i](p, 3 * PAGE, PAGE));
	}
}

MODULE_TEST(commit_of_what_is_protected_is_EACCES_and_of_a_hole_ENOMEM)
{
	char *p = tamalloc(4 * PAGE);

	CHECK(p);
	CHECK(!mprotect(p + PAGE, PAGE, PROT_NONE));
	CHECK_ERRNO(tam_commit(p, 0, 4 * PAGE), EACCES);
	CHECK(!munmap(p + PAGE, PAGE));
	CHECK_ERRNO(tam_commit(p, 0, 4 * PAGE), ENOMEM);
}

MODULE_TEST(commit_after_the_descriptors_were_closed_works)
{
	char *p = tamalloc(4 * PAGE);
	int fd;

	CHECK(p);
	for (fd = 3; fd < 100; fd++)
		close(fd);
	CHECK(!tam_commit(p, 0, 4 * PAGE));
	CHECK_EQ(pages_present(p, 4 * PAGE), 4);
}

static void commit_beyond_the_cap(void *arg)
{
	char *p = arg;
	size_t off;

	CHECK_ERRNO(tam_commit(p, 0, 8 * MIB), ENOSPC);
	check_marks(p, 3 * PAGE, 1);
	CHECK(!tam_commit(p, 0, 3 * PAGE));	/* is there already */
	/* Private memory is not meant. */
	CHECK(!tam_commit(tamalloc(8 * MIB), 0, 8 * MIB));
	/* Give back some, and there is room again. */
	CHECK(!tam_decommit(p, 3 * PAGE, MIB));
	CHECK(!tam_commit(p, 3 * PAGE, MIB / 2));
	for (off = 3 * PAGE; off < MIB / 2; off += PAGE)
		CHECK_EQ(p[off], 0);
}

MODULE_TEST(commit_beyond_the_cap_of_shared_pages_is_ENOSPC_and_loses_nothing)
{
	char *p = tam_alloc(8 * MIB, &shared_attr);

	CHECK(p);
	write_marks(p, 3 * PAGE, 1);
	with_setting(SHARED_CAP, 4, commit_beyond_the_cap, p);
	check_marks(p, 3 * PAGE, 1);
	CHECK(!tam_commit(p, 0, 8 * MIB));
	CHECK_EQ(pages_present(p, 8 * MIB), 8 * MIB / PAGE);
	check_marks(p, 3 * PAGE, 1);
}

/* tam_decommit */

MODULE_TEST(decommit_releases_only_pages_wholly_inside)
{
	const struct tam_attr *attr[] = { NULL, &pattern_attr, &shared_attr,
					  &shared_pattern_attr };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		char *p = tam_alloc(20 * PAGE, attr[i]);

		CHECK(p);
		write_marks(p, 20 * PAGE, 1);
		CHECK(!tam_decommit(p, PAGE + 1, 4 * PAGE));
		CHECK_EQ(pages_present(p, 20 * PAGE), 17);
		CHECK_EQ(pages_present(p + 2 * PAGE, 3 * PAGE), 0);
		check_marks(p, 2 * PAGE, 1);
		if (i % 2)
			check_pattern(p + 2 * PAGE, 3 * PAGE, "abc", 3, 2 * PAGE);
		else
			check_bytes(p + 2 * PAGE, 3 * PAGE, 0);
		check_marks(p + 5 * PAGE, 15 * PAGE, 1 + 5 * PAGE);
		CHECK(!tam_decommit(p, PAGE + 1, 2 * PAGE - 2));
		CHECK(!tam_decommit(p, 6 * PAGE, 0));
		CHECK(!tam_decommit(p, 6 * PAGE, PAGE - 1));
		check_marks(p, 2 * PAGE, 1);
		check_marks(p + 5 * PAGE, 15 * PAGE, 1 + 5 * PAGE);
	}
}

MODULE_TEST(decommit_after_memset_gives_first_contents)
{
	char *p = tam_alloc(200 * PAGE, &pattern_attr);

	CHECK(p);
	CHECK(!tam_memset(p, 'z', 200 * PAGE));
	write_marks(p + 20 * PAGE, 10 * PAGE, 1);
	CHECK(!tam_decommit(p, 10 * PAGE, 15 * PAGE));
	CHECK_EQ(pages_present(p + 10 * PAGE, 15 * PAGE), 0);
	check_bytes(p, 10 * PAGE, 'z');
	check_pattern(p + 10 * PAGE, 15 * PAGE, "abc", 3, 10 * PAGE);
	check_marks(p + 25 * PAGE, 5 * PAGE, 1 + 5 * PAGE);
	check_bytes(p + 30 * PAGE, 170 * PAGE, 'z');
}

/* All of them */

MODULE_TEST(any_order_of_calls_gives_the_contents_of_a_model_zeros)
{
	run_model(NULL, 1);
	run_model(NULL, 2);
}

MODULE_TEST(any_order_of_calls_gives_the_contents_of_a_model_pattern)
{
	run_model(&pattern_attr, 3);
	run_model(&pattern_attr, 4);
}

MODULE_TEST(any_order_of_calls_gives_the_contents_of_a_model_aligned)
{
	struct tam_attr attr = {
		.pattern = "12345", .pattern_len = 5, .alignment = MIB
	};

	run_model(&attr, 5);
}

MODULE_TEST(any_order_of_calls_gives_the_contents_of_a_model_shared)
{
	run_model(&shared_pattern_attr, 6);
}
