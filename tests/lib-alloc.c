// SPDX-License-Identifier: GPL-2.0-only
/* Allocating, resizing and freeing through libtamalloc. */
#define _GNU_SOURCE
#include "lib.h"

#include <pthread.h>

#define MAX_MAP_COUNT	"/proc/sys/vm/max_map_count"

/* Allocating */

MODULE_TEST(an_allocation_reads_as_zeros_and_keeps_what_is_written)
{
	unsigned char *p = tamalloc(3 * PAGE + 5);

	CHECK(p);
	check_bytes(p, 4 * PAGE, 0);
	write_marks(p, 4 * PAGE, 1);
	check_marks(p, 4 * PAGE, 1);
	tam_free(p);
}

MODULE_TEST(an_allocation_starts_on_a_page_and_has_whole_pages)
{
	size_t sizes[] = { 1, 100, PAGE - 1, PAGE, PAGE + 1, 10 * PAGE };
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = tamalloc(sizes[i]);

		CHECK(p);
		CHECK_EQ((uintptr_t)p % PAGE, 0);
		CHECK_EQ(tam_usable_size(p), (sizes[i] + PAGE - 1) / PAGE * PAGE);
	}
}

MODULE_TEST(the_usable_size_of_NULL_is_0)
{
	CHECK_EQ(tam_usable_size(NULL), 0);
}

MODULE_TEST(each_first_access_commits_one_page)
{
	volatile char *p = tamalloc(64 * MIB);
	size_t i;

	CHECK(p);
	CHECK_EQ(pages_present((char *)p, 64 * MIB), 0);
	for (i = 0; i < 10; i++) {
		if (i % 2)
			p[i * 5 * MIB] = 1;
		else
			CHECK_EQ(p[i * 5 * MIB], 0);
		CHECK_EQ(pages_present((char *)p, 64 * MIB), i + 1);
	}
}

MODULE_TEST(sixteen_tib_in_one_call_leave_rss_alone)
{
	uint64_t rss = status_bytes("VmRSS"), size = status_bytes("VmSize");
	volatile char *p;

	p = tamalloc(VAST);
	CHECK(p);
	CHECK_BETWEEN(status_bytes("VmSize") - size, VAST, VAST + MIB);
	CHECK_BETWEEN(status_bytes("VmRSS"), 0, rss + 512 * KIB);
	p[0] = 1;
	p[VAST / 2] = 2;
	p[VAST - 1] = 3;
	CHECK_EQ(p[0] + p[VAST / 2] + p[VAST - 1] + p[VAST / 4], 6);
	CHECK_BETWEEN(status_bytes("VmRSS"), 0, rss + 512 * KIB);
	tam_free((char *)p);
	CHECK_BETWEEN(status_bytes("VmSize"), 0, size + MIB);
}

MODULE_TEST(calloc_allocates_n_elements_of_zeros)
{
	char *p = tam_calloc(1000, 24);

	CHECK(p);
	CHECK_EQ(tam_usable_size(p), 6 * PAGE);
	check_bytes(p, 24000, 0);
}

MODULE_TEST(size_0_is_EINVAL)
{
	CHECK_NULL(tamalloc(0), EINVAL);
	CHECK_NULL(tam_calloc(0, 8), EINVAL);
	CHECK_NULL(tam_calloc(8, 0), EINVAL);
	CHECK_NULL(tam_alloc(0, NULL), EINVAL);
	CHECK_NULL(tam_realloc(NULL, 0), EINVAL);
}

MODULE_TEST(a_size_that_overflows_is_ENOMEM)
{
	/* The compiler is not to see that these can never succeed. */
	volatile size_t max = SIZE_MAX;

	CHECK_NULL(tamalloc(max), ENOMEM);
	CHECK_NULL(tamalloc(max - PAGE), ENOMEM);
	CHECK_NULL(tamalloc(max / 2), ENOMEM);
	CHECK_NULL(tamalloc(max / 2 + 1), ENOMEM);
	CHECK_NULL(tam_calloc(max / 2, 3), ENOMEM);
	CHECK_NULL(tam_calloc(max / 4 + 1, 4), ENOMEM);	/* 0 in size_t */
}

MODULE_TEST(a_size_beyond_the_address_space_is_ENOMEM)
{
	struct tam_attr aligned = { .alignment = GIB };

	if (sizeof(long) == 4)		/* else 2 GiB might just fit */
		limit(RLIMIT_AS, GIB);
	CHECK_NULL(tamalloc(NO_ROOM), ENOMEM);
	CHECK_NULL(tam_alloc(NO_ROOM, &aligned), ENOMEM);
}

MODULE_TEST(a_size_beyond_RLIMIT_AS_is_ENOMEM)
{
	struct tam_attr aligned = { .alignment = 64 * MIB };

	limit_memory(32 * MIB);
	CHECK_NULL(tamalloc(64 * MIB), ENOMEM);
	CHECK_NULL(tam_alloc(MIB, &aligned), ENOMEM);
	CHECK(tamalloc(16 * MIB));
}

/* Attributes */

MODULE_TEST(NULL_and_empty_attributes_are_tamalloc)
{
	struct tam_attr none = { 0 };
	char *p = tam_alloc(PAGE, NULL), *q = tam_alloc(PAGE, &none);

	CHECK(p && q && p != q);
	check_bytes(p, PAGE, 0);
	check_bytes(q, PAGE, 0);
}

MODULE_TEST(a_pattern_of_any_length_repeats_from_the_start)
{
	static unsigned char pattern[TAM_PATTERN_MAX];
	size_t lengths[] = { 1, 3, 8, PAGE - 1, PAGE, PAGE + 1, 12345,
			     TAM_PATTERN_MAX };
	unsigned int i;

	make_pattern(pattern, sizeof(pattern));
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct tam_attr attr = {
			.pattern = pattern, .pattern_len = lengths[i]
		};
		size_t size = lengths[i] + 4 * PAGE;
		char *p = tam_alloc(size, &attr);

		CHECK(p);
		CHECK_EQ(pages_present(p, size / PAGE * PAGE), 0);
		check_pattern(p, size, pattern, lengths[i], 0);
		tam_free(p);
	}
}

MODULE_TEST(attributes_need_not_outlive_the_call)
{
	char pattern[] = "abcde", name[] = "short-lived";
	struct tam_attr attr = {
		.pattern = pattern, .pattern_len = 5, .name = name
	};
	char *p = tam_alloc(3 * PAGE, &attr);

	CHECK(p);
	memset(pattern, 'x', 5);
	memset(name, 'x', 5);
	memset(&attr, 0xff, sizeof(attr));
	block(p);
	p = tam_realloc(p, 100 * PAGE);
	CHECK(p);
	CHECK(!tam_memset(p, 'y', 90 * PAGE));
	CHECK(!tam_reset(p));
	check_pattern(p, 100 * PAGE, "abcde", 5, 0);
}

MODULE_TEST(a_pattern_of_0_or_65537_bytes_is_EINVAL)
{
	static char pattern[TAM_PATTERN_MAX + 1];
	struct tam_attr attr = { .pattern = pattern };

	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.pattern_len = sizeof(pattern);
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.pattern_len = SIZE_MAX;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.pattern = NULL;
	attr.pattern_len = 5;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
}

MODULE_TEST(the_start_is_aligned_as_asked_for)
{
	size_t alignments[] = { 1, 16, PAGE, 2 * PAGE, 64 * KIB, 2 * MIB,
				sizeof(long) == 8 ? GIB : 64 * MIB };
	unsigned int i, round;

	for (i = 0; i < sizeof(alignments) / sizeof(*alignments); i++) {
		for (round = 0; round < 4; round++) {
			uint64_t size = status_bytes("VmSize");
			struct tam_attr attr = { .alignment = alignments[i] };
			char *p = tam_alloc(3 * PAGE, &attr);

			CHECK(p);
			CHECK_EQ((uintptr_t)p % alignments[i], 0);
			CHECK_BETWEEN(status_bytes("VmSize") - size, 3 * PAGE,
				      512 * KIB);
			check_bytes(p, 3 * PAGE, 0);
			touch(p, 3 * PAGE);
		}
	}
}

MODULE_TEST(an_aligned_pattern_starts_with_its_first_byte)
{
	struct tam_attr attr = {
		.pattern = "0123456", .pattern_len = 7, .alignment = 2 * MIB
	};
	char *p = tam_alloc(5 * PAGE, &attr);

	CHECK(p);
	CHECK_EQ((uintptr_t)p % (2 * MIB), 0);
	check_pattern(p, 5 * PAGE, "0123456", 7, 0);
}

MODULE_TEST(an_alignment_that_is_no_power_of_two_is_EINVAL)
{
	struct tam_attr attr = { .alignment = 3 };

	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.alignment = PAGE + 1;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.alignment = 3 * PAGE;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.alignment = SIZE_MAX;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
}

MODULE_TEST(an_alignment_beyond_the_address_space_is_ENOMEM)
{
	struct tam_attr attr = { .alignment = SIZE_MAX / 2 + 1 };

	CHECK_NULL(tam_alloc(PAGE, &attr), ENOMEM);
	CHECK_NULL(tam_alloc(SIZE_MAX / 2 - 2 * PAGE, &attr), ENOMEM);
}

MODULE_TEST(unknown_flags_and_reserved_fields_are_EINVAL)
{
	struct tam_attr attr = { .flags = 1UL << 2 };

	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.flags = ~0UL;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.flags = 0;
	attr.reserved[0] = 1;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.reserved[0] = 0;
	attr.reserved[2] = 1;
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
}

MODULE_TEST(a_name_has_at_most_31_bytes)
{
	struct tam_attr attr = { .name = "0123456789012345678901234567890" };

	CHECK(tam_alloc(PAGE, &attr));
	attr.name = "01234567890123456789012345678901";
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.name = "";
	CHECK(tam_alloc(PAGE, &attr));
}

MODULE_TEST(no_descriptor_left_is_EMFILE_and_leaks_nothing)
{
	struct tam_attr attr = {
		.pattern = "x", .pattern_len = 1, .alignment = 64 * MIB
	};
	uint64_t size;
	int i;

	CHECK(tamalloc(PAGE));
	limit(RLIMIT_NOFILE, 64);
	size = status_bytes("VmSize");
	while (dup(1) >= 0)
		;
	CHECK(tamalloc(PAGE));		/* needs no new one */
	for (i = 0; i < 10; i++)
		CHECK_NULL(tam_alloc(MIB, &attr), EMFILE);
	close(40);
	CHECK_BETWEEN(status_bytes("VmSize"), 0, size + MIB);
	CHECK(tam_alloc(MIB, &attr));
	CHECK_EQ(fcntl(40, F_GETFD), -1);	/* nor keeps one */
}

TEST(a_first_call_without_a_descriptor_is_EMFILE_and_decides_nothing)
{
	if (access("/dev/tamalloc", F_OK))
		SKIP("no /dev/tamalloc");
	limit(RLIMIT_NOFILE, 64);
	while (dup(1) >= 0)
		;
	CHECK_NULL(tamalloc(PAGE), EMFILE);
	CHECK_ERRNO(tam_backend(), EMFILE);
	close(40);
	CHECK(tamalloc(PAGE));
	CHECK_EQ(tam_backend(), TAM_BACKEND_MODULE);
}

/* Resizing */

MODULE_TEST(realloc_of_NULL_allocates)
{
	char *p = tam_realloc(NULL, 2 * PAGE);

	CHECK(p);
	check_bytes(p, 2 * PAGE, 0);
	CHECK_EQ(tam_usable_size(p), 2 * PAGE);
}

MODULE_TEST(realloc_to_0_is_EINVAL_and_keeps_the_allocation)
{
	char *p = tamalloc(2 * PAGE);

	CHECK(p);
	write_marks(p, 2 * PAGE, 1);
	CHECK_NULL(tam_realloc(p, 0), EINVAL);
	check_marks(p, 2 * PAGE, 1);
	CHECK_EQ(tam_usable_size(p), 2 * PAGE);
	tam_free(p);
}

MODULE_TEST(realloc_within_the_last_page_changes_nothing)
{
	char *p = tamalloc(2 * PAGE);

	CHECK(p);
	write_marks(p, 2 * PAGE, 1);
	CHECK(tam_realloc(p, PAGE + 1) == p);
	CHECK(tam_realloc(p, 2 * PAGE) == p);
	check_marks(p, 2 * PAGE, 1);
}

MODULE_TEST(growing_in_place_keeps_the_old_part_and_adds_zeros)
{
	char *p = tamalloc(GIB / 4), *q;

	CHECK(p);
	write_marks(p, 4 * PAGE, 1);
	p = tam_realloc(p, 4 * PAGE);	/* so there is room behind */
	CHECK(p);
	q = tam_realloc(p, 20 * PAGE);
	CHECK(q == p);
	CHECK_EQ(tam_usable_size(p), 20 * PAGE);
	CHECK_EQ(pages_present(p, 20 * PAGE), 4);
	check_marks(p, 4 * PAGE, 1);
	check_bytes(p + 4 * PAGE, 16 * PAGE, 0);
	touch(p, 20 * PAGE);
	tam_free(p);
}

MODULE_TEST(growing_by_a_move_keeps_the_old_part_and_adds_zeros)
{
	char *p = tamalloc(64 * PAGE), *q;
	uint64_t faults;

	CHECK(p);
	write_marks(p, 32 * PAGE, 1);
	block(p);
	faults = page_faults();
	q = tam_realloc(p, 256 * PAGE);
	faults = page_faults() - faults;
	CHECK(q && q != p);
	CHECK_EQ(pages_present(q, 256 * PAGE), 32);
	CHECK_BETWEEN(faults, 0, 16);		/* page tables, not bytes */
	check_marks(q, 32 * PAGE, 1);
	check_bytes(q + 32 * PAGE, 224 * PAGE, 0);
	CHECK(segv(p, false));
	tam_free(q);
}

MODULE_TEST(a_pattern_goes_on_in_phase_when_it_grows)
{
	struct tam_attr attr = { .pattern = "lazy memory", .pattern_len = 11 };
	char *p = tam_alloc(3 * PAGE, &attr);

	CHECK(p);
	block(p);
	p = tam_realloc(p, 10 * PAGE);
	CHECK(p);
	check_pattern(p, 10 * PAGE, attr.pattern, 11, 0);
	p = tam_realloc(p, 2 * PAGE);
	CHECK(p);
	p = tam_realloc(p, 20 * PAGE);
	CHECK(p);
	check_pattern(p, 20 * PAGE, attr.pattern, 11, 0);
}

MODULE_TEST(shrinking_gives_the_end_back)
{
	char *p = tamalloc(10 * PAGE);
	uint64_t size = status_bytes("VmSize");

	CHECK(p);
	write_marks(p, 10 * PAGE, 1);
	CHECK(tam_realloc(p, 3 * PAGE) == p);
	CHECK_EQ(tam_usable_size(p), 3 * PAGE);
	CHECK_EQ(size - status_bytes("VmSize"), 7 * PAGE);
	check_marks(p, 3 * PAGE, 1);
	CHECK(!segv(p + 3 * PAGE - 1, false));
	CHECK(segv(p + 3 * PAGE, false));
}

MODULE_TEST(what_was_shrunk_away_comes_back_as_first_contents)
{
	struct tam_attr attr = { .pattern = "abc", .pattern_len = 3 };
	char *p = tamalloc(10 * PAGE), *q = tam_alloc(10 * PAGE, &attr);

	CHECK(p && q);
	write_marks(p, 10 * PAGE, 1);
	write_marks(q, 10 * PAGE, 1);
	p = tam_realloc(p, 3 * PAGE);
	q = tam_realloc(q, 3 * PAGE);
	CHECK(p && q);
	p = tam_realloc(p, 10 * PAGE);
	q = tam_realloc(q, 10 * PAGE);
	CHECK(p && q);
	check_marks(p, 3 * PAGE, 1);
	check_bytes(p + 3 * PAGE, 7 * PAGE, 0);
	check_marks(q, 3 * PAGE, 1);
	check_pattern(q + 3 * PAGE, 7 * PAGE, "abc", 3, 3 * PAGE);
}

MODULE_TEST(shared_memory_shrunk_away_stays_unless_decommitted)
{
	struct tam_attr attr = { .flags = TAM_SHARED };
	char *p = tam_alloc(10 * PAGE, &attr);

	CHECK(p);
	write_marks(p, 10 * PAGE, 1);
	p = tam_realloc(p, 3 * PAGE);
	CHECK(p);
	p = tam_realloc(p, 10 * PAGE);
	CHECK(p);
	check_marks(p, 10 * PAGE, 1);
	CHECK(!tam_decommit(p, 3 * PAGE, 7 * PAGE));
	p = tam_realloc(p, 3 * PAGE);
	CHECK(p);
	p = tam_realloc(p, 10 * PAGE);
	CHECK(p);
	check_marks(p, 3 * PAGE, 1);
	check_bytes(p + 3 * PAGE, 7 * PAGE, 0);
}

MODULE_TEST(shared_memory_grows_for_whoever_grows_it)
{
	struct tam_attr attr = {
		.pattern = "xyz", .pattern_len = 3, .flags = TAM_SHARED
	};
	char *p = tam_alloc(2 * PAGE, &attr);
	pid_t pid;
	int status;

	CHECK(p);
	write_marks(p, PAGE, 1);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		block(p);
		p = tam_realloc(p, 8 * PAGE);
		CHECK(p);
		check_marks(p, PAGE, 1);
		check_pattern(p + PAGE, 7 * PAGE, "xyz", 3, PAGE);
		write_marks(p, PAGE, 2);	/* the parent sees that */
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(tam_usable_size(p), 2 * PAGE);
	check_marks(p, PAGE, 2);
	check_pattern(p + PAGE, PAGE, "xyz", 3, PAGE);
}

MODULE_TEST(growing_after_tam_memset_keeps_it_and_adds_first_contents)
{
	static const struct {
		size_t from, pages;
	} ranges[] = { { 0, 100 }, { 10, 80 }, { 30, 70 }, { 0, 70 } };
	struct tam_attr attr = { .pattern = "lazy", .pattern_len = 4 };
	unsigned int i, blocked;

	for (i = 0; i < 8; i++) {
		size_t from = ranges[i / 2].from * PAGE;
		size_t len = ranges[i / 2].pages * PAGE;
		char *p = tam_alloc(100 * PAGE, &attr);

		blocked = i % 2;
		CHECK(p);
		CHECK(!tam_memset(p + from, 7, len));
		p[from + 3 * PAGE] = 8;
		if (blocked)
			block(p);
		p = tam_realloc(p, 150 * PAGE);
		CHECK(p);
		CHECK_EQ(p[from + 3 * PAGE], 8);
		p[from + 3 * PAGE] = 7;
		check_pattern(p, from, "lazy", 4, 0);
		check_bytes(p + from, len, 7);
		check_pattern(p + from + len, 150 * PAGE - from - len, "lazy",
			      4, from + len);
		CHECK_EQ(tam_usable_size(p), 150 * PAGE);
		tam_free(p);
	}
}

MODULE_TEST(growing_after_mprotect_keeps_contents_and_protection)
{
	char *p = tamalloc(8 * PAGE), *q;

	CHECK(p);
	write_marks(p, 8 * PAGE, 1);
	CHECK(!mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	block(p);
	q = tam_realloc(p, 16 * PAGE);
	CHECK(q && q != p);
	check_marks(q, 8 * PAGE, 1);
	check_bytes(q + 8 * PAGE, 8 * PAGE, 0);
	CHECK(segv(q + 3 * PAGE, true));
	CHECK(!segv(q + 2 * PAGE, true));
	CHECK(!segv(q + 4 * PAGE, true));
	CHECK(!segv(q + 15 * PAGE, true));
	tam_free(q);
	CHECK(segv(q, false) && segv(q + 3 * PAGE, false));
}

MODULE_TEST(growing_keeps_the_alignment)
{
	struct tam_attr attr = {
		.alignment = 2 * MIB, .pattern = "abcdefg", .pattern_len = 7
	};
	char *p = tam_alloc(PAGE, &attr);
	size_t size;

	for (size = 2 * PAGE; size < 8 * MIB; size *= 4) {
		CHECK(p);
		block(p);
		p = tam_realloc(p, size);
		CHECK(p);
		CHECK_EQ((uintptr_t)p % (2 * MIB), 0);
		check_pattern(p, size, "abcdefg", 7, 0);
		CHECK(!tam_memset(p, 7, size));
		check_bytes(p, size, 7);
		CHECK(!tam_reset(p));
	}
}

MODULE_TEST(growing_after_tam_memset_keeps_the_alignment)
{
	struct tam_attr attr = { .alignment = 4 * MIB };
	char *p = tam_alloc(100 * PAGE, &attr);
	size_t size;

	for (size = 200 * PAGE; size <= 3200 * PAGE; size *= 2) {
		CHECK(p);
		CHECK(!tam_memset(p + PAGE, 7, 80 * PAGE));
		block(p);
		p = tam_realloc(p, size);
		CHECK(p);
		CHECK_EQ((uintptr_t)p % (4 * MIB), 0);
		check_bytes(p + PAGE, 80 * PAGE, 7);
		CHECK_EQ(p[size - 1], 0);
	}
}

MODULE_TEST(realloc_too_large_is_ENOMEM_and_changes_nothing)
{
	struct tam_attr aligned = { .alignment = MIB };
	char *p[3] = { tamalloc(100 * PAGE), tamalloc(100 * PAGE),
		       tam_alloc(100 * PAGE, &aligned) };
	volatile size_t max = SIZE_MAX;
	unsigned int i;
	uint64_t size;

	CHECK(p[0] && p[1] && p[2]);
	CHECK(!tam_memset(p[1], 7, 100 * PAGE));
	for (i = 0; i < 3; i++)
		write_marks(p[i], 3 * PAGE, 1);
	if (sizeof(long) == 4)
		limit(RLIMIT_AS, GIB);
	size = status_bytes("VmSize");
	for (i = 0; i < 3; i++) {
		CHECK_NULL(tam_realloc(p[i], max), ENOMEM);
		CHECK_NULL(tam_realloc(p[i], max / 2), ENOMEM);
		CHECK_NULL(tam_realloc(p[i], max / 2 - 3 * PAGE), ENOMEM);
		CHECK_NULL(tam_realloc(p[i], NO_ROOM), ENOMEM);
		CHECK_EQ(tam_usable_size(p[i]), 100 * PAGE);
		check_marks(p[i], 3 * PAGE, 1);
		check_bytes(p[i] + 3 * PAGE, 97 * PAGE, i == 1 ? 7 : 0);
	}
	CHECK_EQ(status_bytes("VmSize"), size);
	tam_free(p[0]);
	tam_free(p[1]);
	tam_free(p[2]);
}

MODULE_TEST(realloc_beyond_RLIMIT_AS_is_ENOMEM_and_changes_nothing)
{
	struct tam_attr aligned = { .alignment = MIB };
	char *p[4] = { tamalloc(100 * PAGE), tamalloc(100 * PAGE),
		       tam_alloc(100 * PAGE, &aligned), tamalloc(100 * PAGE) };
	unsigned int i;
	uint64_t size;

	for (i = 0; i < 4; i++) {
		CHECK(p[i]);
		if (i == 1)
			CHECK(!tam_memset(p[i], 7, 100 * PAGE));
		write_marks(p[i], 100 * PAGE, i);
	}
	CHECK(!mprotect(p[3] + 50 * PAGE, PAGE, PROT_READ));
	size = status_bytes("VmSize");
	limit_memory(MIB);
	for (i = 0; i < 4; i++) {
		CHECK_NULL(tam_realloc(p[i], 64 * MIB), ENOMEM);
		CHECK_EQ(tam_usable_size(p[i]), 100 * PAGE);
		check_marks(p[i], 100 * PAGE, i);
	}
	CHECK_EQ(status_bytes("VmSize"), size);
	CHECK(tam_realloc(p[0], 120 * PAGE));
}

static void grow_at_the_map_limit(void *arg)
{
	char **p = arg;
	int i, failed = 0;

	/* One mapping after the other until there are no more. */
	for (i = 0; i < 10000; i++)
		if (mmap(NULL, PAGE, i % 2 ? PROT_NONE : PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			break;
	CHECK_BETWEEN(i, 1, 9999);
	for (i = 0; i < 3; i++) {
		char *q = tam_realloc(p[i], 150 * PAGE);

		if (q) {
			p[i] = q;
		} else {
			CHECK_EQ(errno, ENOMEM);
			failed++;
		}
		CHECK_EQ(tam_usable_size(p[i]), (q ? 150 : 100) * PAGE);
		if (i == 1) {
			check_marks(p[i], 10 * PAGE, i);
			check_bytes(p[i] + 10 * PAGE, 80 * PAGE, 7);
			check_marks(p[i] + 90 * PAGE, 10 * PAGE, i);
		} else {
			check_marks(p[i], 100 * PAGE, i);
		}
	}
	CHECK(failed);
	tam_free(p[0]);
	tam_free(p[1]);
	tam_free(p[2]);
}

MODULE_TEST(realloc_at_vm_max_map_count_is_ENOMEM_and_changes_nothing)
{
	char *p[3];
	int i;

	for (i = 0; i < 3; i++) {
		p[i] = tamalloc(100 * PAGE);
		CHECK(p[i]);
		write_marks(p[i], 100 * PAGE, i);
		block(p[i]);
	}
	CHECK(!tam_memset(p[1] + 10 * PAGE, 7, 80 * PAGE));
	write_marks(p[1] + 90 * PAGE, 10 * PAGE, 1);
	CHECK(!mprotect(p[2] + 50 * PAGE, PAGE, PROT_READ));
	with_setting(MAX_MAP_COUNT, 1000, grow_at_the_map_limit, p);
}

static void allocate_at_the_map_limit(void *arg)
{
	char *p = NULL;
	int i;

	(void)arg;
	for (i = 0; i < 2000; i++) {
		char *q = tamalloc(PAGE);

		if (!q) {
			CHECK_EQ(errno, ENOMEM);
			break;
		}
		p = q;
		*p = i;
	}
	CHECK_BETWEEN(i, 800, 1000);
	tam_free(p);
	CHECK(tamalloc(PAGE));
}

MODULE_TEST(allocations_are_limited_by_vm_max_map_count)
{
	with_setting(MAX_MAP_COUNT, 1000, allocate_at_the_map_limit, NULL);
}

MODULE_TEST(a_hole_made_by_the_caller_makes_growing_EFAULT)
{
	char *p = tamalloc(8 * PAGE);

	CHECK(p);
	write_marks(p, 8 * PAGE, 1);
	CHECK(!munmap(p + 3 * PAGE, PAGE));
	CHECK_NULL(tam_realloc(p, 16 * PAGE), EFAULT);
	check_marks(p, 3 * PAGE, 1);
	check_marks(p + 4 * PAGE, 4 * PAGE, 1 + 4 * PAGE);
	CHECK(segv(p + 3 * PAGE, false));
	tam_free(p);
	CHECK(segv(p, false) && segv(p + 7 * PAGE, false));
}

/* Freeing */

MODULE_TEST(free_gives_addresses_and_pages_back_and_keeps_errno)
{
	uint64_t size = status_bytes("VmSize");
	char *p = tamalloc(100 * PAGE);

	CHECK(p);
	CHECK(!tam_memset(p, 7, 80 * PAGE));
	touch(p, 100 * PAGE);
	errno = EXDEV;
	tam_free(p);
	CHECK_EQ(errno, EXDEV);
	CHECK(segv(p, false) && segv(p + 99 * PAGE, false));
	CHECK_BETWEEN(status_bytes("VmSize"), 0, size + 200 * KIB);
}

MODULE_TEST(free_of_NULL_does_nothing)
{
	errno = EXDEV;
	tam_free(NULL);
	CHECK_EQ(errno, EXDEV);
}

MODULE_TEST(what_was_freed_never_shows_again)
{
	int i;

	for (i = 0; i < 20; i++) {
		char *p = tamalloc(50 * PAGE);

		CHECK(p);
		check_bytes(p, 50 * PAGE, 0);
		memset(p, 0xa5, 50 * PAGE);
		tam_free(p);
	}
}

static void do_free(void *p)
{
	tam_free(p);
}

static void free_twice(void *p)
{
	tam_free(p);
	tam_free(p);
}

static void do_realloc(void *p)
{
	tam_realloc(p, 5 * PAGE);
}

static void do_usable_size(void *p)
{
	tam_usable_size(p);
}

static void do_reset(void *p)
{
	tam_reset(p);
}

static void do_commit(void *p)
{
	tam_commit(p, 0, 1);
}

static void do_decommit(void *p)
{
	tam_decommit(p, 0, 1);
}

MODULE_TEST(free_of_what_is_no_allocation_aborts_and_names_it)
{
	int local;
	void *p = malloc(100), *q = mmap(NULL, PAGE, PROT_READ,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(tamalloc(PAGE));
	aborts_naming(do_free, &local);
	aborts_naming(do_free, p);
	aborts_naming(do_free, q);
	aborts_naming(do_free, (void *)(uintptr_t)16);
	aborts_naming(do_free, (void *)-(uintptr_t)1);
}

MODULE_TEST(free_before_any_allocation_aborts)
{
	aborts_naming(do_free, &errno);
}

MODULE_TEST(free_twice_aborts_and_names_it)
{
	void *p = tamalloc(PAGE);

	CHECK(p && tamalloc(PAGE));
	aborts_naming(free_twice, p);
	tam_free(p);
}

MODULE_TEST(free_inside_an_allocation_aborts_and_names_both)
{
	char *p = tamalloc(4 * PAGE), start[32];

	CHECK(p);
	aborts_naming(do_free, p + 1);
	aborts_naming(do_free, p + PAGE);
	aborts_naming(do_free, p + 4 * PAGE - 1);
	snprintf(start, sizeof(start), "%p", (void *)p);
	aborts_saying(do_free, p + PAGE, start);
	tam_free(p);
}

MODULE_TEST(free_of_the_old_place_after_a_move_aborts)
{
	char *p = tamalloc(PAGE), *q;

	CHECK(p);
	block(p);
	q = tam_realloc(p, 2 * PAGE);
	CHECK(q && q != p);
	aborts_naming(do_free, p);
	tam_free(q);
}

MODULE_TEST(free_of_the_end_after_shrinking_aborts)
{
	char *p = tamalloc(4 * PAGE);

	CHECK(p && tam_realloc(p, PAGE) == p);
	aborts_naming(do_free, p + PAGE);
}

MODULE_TEST(every_function_that_takes_a_start_aborts_for_another_pointer)
{
	void (*const fn[])(void *) = { do_realloc, do_usable_size, do_reset,
				       do_commit, do_decommit };
	static const char *const name[] = { "tam_realloc", "tam_usable_size",
					    "tam_reset", "tam_commit",
					    "tam_decommit" };
	char *p = tamalloc(4 * PAGE);
	unsigned int i;

	CHECK(p);
	for (i = 0; i < sizeof(fn) / sizeof(*fn); i++) {
		aborts_naming(fn[i], &i);
		aborts_naming(fn[i], p + PAGE);
		aborts_saying(fn[i], p + PAGE, name[i]);
	}
}

static void abort_handler(int sig)
{
	void *p = tamalloc(PAGE);

	(void)sig;
	_exit(p ? 42 : 1);
}

static void free_with_handler(void *p)
{
	close(STDERR_FILENO);
	signal(SIGABRT, abort_handler);
	tam_free(p);
}

MODULE_TEST(a_handler_of_the_abort_may_use_the_library)
{
	int local, status = in_child(free_with_handler, &local);

	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 42);
}

/* What the program unmapped itself may be allocated again and is found. */
MODULE_TEST(allocations_unmapped_by_munmap_are_forgotten_when_reused)
{
	char *p, *q[64];
	unsigned int i, round;

	for (round = 0; round < 10; round++) {
		p = tamalloc(64 * PAGE);
		CHECK(p);
		CHECK(!munmap(p, 64 * PAGE));
		for (i = 0; i < 64; i++) {
			q[i] = tamalloc(PAGE);
			CHECK(q[i]);
			q[i][0] = i;
		}
		for (i = 0; i < 64; i++) {
			CHECK_EQ(q[i][0], i);
			CHECK_EQ(tam_usable_size(q[i]), PAGE);
			tam_free(q[i]);
		}
	}
}

/* Processes and threads */

MODULE_TEST(a_child_has_copies_of_its_own)
{
	struct tam_attr attr = { .pattern = "abc", .pattern_len = 3 };
	char *freed = tamalloc(3 * PAGE), *moved = tamalloc(3 * PAGE);
	char *set = tam_alloc(100 * PAGE, &attr), *reset = tamalloc(3 * PAGE);
	pid_t pid;
	int status;

	CHECK(freed && moved && set && reset);
	write_marks(freed, 3 * PAGE, 1);
	write_marks(moved, 3 * PAGE, 2);
	write_marks(reset, 2 * PAGE, 3);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		check_marks(freed, 3 * PAGE, 1);
		tam_free(freed);
		block(moved);
		moved = tam_realloc(moved, 10 * PAGE);
		CHECK(moved);
		check_marks(moved, 3 * PAGE, 2);
		check_bytes(moved + 3 * PAGE, 7 * PAGE, 0);
		memset(moved, 9, 10 * PAGE);
		CHECK(!tam_memset(set, 9, 100 * PAGE));
		touch(set, 100 * PAGE);
		CHECK(!tam_reset(reset));
		check_bytes(reset, 3 * PAGE, 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	check_marks(freed, 3 * PAGE, 1);
	check_marks(moved, 3 * PAGE, 2);
	check_pattern(set, 100 * PAGE, "abc", 3, 0);
	check_marks(reset, 2 * PAGE, 3);
	check_bytes(reset + 2 * PAGE, PAGE, 0);
	CHECK_EQ(tam_usable_size(moved), 3 * PAGE);
	tam_free(freed);
	tam_free(moved);
	tam_free(set);
	tam_free(reset);
}

MODULE_TEST(a_child_does_not_see_what_its_parent_writes_later)
{
	char *p = tamalloc(2 * PAGE);
	pid_t pid;
	int fd[2], status;
	char c;

	CHECK(p && !pipe(fd));
	p[0] = 1;
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK_EQ(read(fd[0], &c, 1), 1);
		CHECK_EQ(p[0], 1);
		CHECK_EQ(p[PAGE], 0);
		_exit(0);
	}
	p[0] = 2;
	p[PAGE] = 3;
	CHECK_EQ(write(fd[1], "", 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

MODULE_TEST(a_shared_allocation_is_shared_with_children)
{
	struct tam_attr attr = {
		.pattern = "abc", .pattern_len = 3, .flags = TAM_SHARED
	};
	char *p = tam_alloc(3 * PAGE, &attr);
	pid_t pid;
	int status;

	CHECK(p);
	p[0] = 'X';
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK_EQ(p[0], 'X');
		CHECK_EQ(p[1], 'b');
		p[PAGE] = 'Y';
		tam_free(p);		/* of this process only */
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(p[0], 'X');
	CHECK_EQ(p[PAGE], 'Y');
	check_pattern(p + PAGE + 1, 2 * PAGE - 1, "abc", 3, PAGE + 1);
	tam_free(p);
}

MODULE_TEST(two_shared_allocations_are_two_objects)
{
	struct tam_attr attr = { .flags = TAM_SHARED };
	char *p = tam_alloc(PAGE, &attr), *q = tam_alloc(PAGE, &attr);
	char *r = tamalloc(PAGE);

	CHECK(p && q && r);
	memset(p, 1, PAGE);
	check_bytes(q, PAGE, 0);
	check_bytes(r, PAGE, 0);
}

static void *allocate_and_free(void *arg)
{
	unsigned int seed = (uintptr_t)arg, i, j;
	char *p[8] = { NULL };

	for (i = 0; i < 200; i++) {
		size_t size = (1 + rand_r(&seed) % 20) * PAGE, old;

		j = rand_r(&seed) % 8;
		old = tam_usable_size(p[j]);
		switch (rand_r(&seed) % 4) {
		case 0:
			p[j] = tam_realloc(p[j], size);
			CHECK(p[j]);
			if (size > old)
				check_bytes(p[j] + old, size - old, 0);
			memset(p[j], (uintptr_t)arg, size);
			break;
		case 1:
			if (!p[j])
				break;
			CHECK(!tam_reset(p[j]));
			check_bytes(p[j], old, 0);
			memset(p[j], (uintptr_t)arg, old);
			break;
		default:
			if (p[j])
				check_bytes(p[j], old, (uintptr_t)arg);
			tam_free(p[j]);
			p[j] = tamalloc(size);
			CHECK(p[j]);
			CHECK_EQ(p[j][size - 1], 0);
			memset(p[j], (uintptr_t)arg, size);
		}
	}
	for (j = 0; j < 8; j++) {
		if (p[j])
			check_bytes(p[j], tam_usable_size(p[j]), (uintptr_t)arg);
		tam_free(p[j]);
	}
	return NULL;
}

MODULE_TEST(eight_threads_do_not_disturb_each_other)
{
	pthread_t thread[8];
	uintptr_t i;

	for (i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, allocate_and_free,
					(void *)(i + 1)), 0);
	for (i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

static bool stop;

static void *allocate_until_told(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		char *p = tamalloc(PAGE);

		CHECK(p);
		tam_free(p);
	}
	return NULL;
}

static void use_all(void *arg)
{
	char *p = tamalloc(PAGE);

	(void)arg;
	CHECK(p);
	*p = 1;
	p = tam_realloc(p, 2 * PAGE);
	CHECK(p);
	tam_free(p);
}

MODULE_TEST(a_child_forked_beside_busy_threads_can_allocate)
{
	pthread_t thread[3];
	int i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, allocate_until_told,
					NULL), 0);
	for (i = 0; i < 20; i++)
		child_passes(use_all, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

MODULE_TEST(sixty_five_thousand_allocations_live_at_once)
{
	enum { N = sizeof(long) == 8 ? 65000 : 6500 };
	static char *p[N];
	/* Each takes the longer the more there are. */
	int n = N / patience() / patience(), i;

	if (read_setting(MAX_MAP_COUNT) < 65530)
		SKIP("vm.max_map_count is small");
	for (i = 0; i < n; i++) {
		p[i] = tamalloc(PAGE);
		CHECK(p[i]);
		if (i % 64 == 0)
			*p[i] = i / 64;
	}
	for (i = 0; i < n; i++) {
		if (i % 64 == 0)
			CHECK_EQ(*p[i], (char)(i / 64));
		CHECK_EQ(tam_usable_size(p[i]), PAGE);
	}
	/* Every second one first, to find neighbours in the registry. */
	for (i = 0; i < n; i += 2)
		tam_free(p[i]);
	for (i = 1; i < n; i += 2)
		tam_free(p[i]);
}
