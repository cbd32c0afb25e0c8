// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in memory: the pattern, images stored over it, and never anything
 * that was somebody else's.  Also run with init_on_alloc=0, which lets a page
 * that the module forgot to fill show what was in it before.
 */
#include "module.h"

#define MARKER	0x6d616b7273746174ULL

static const size_t lengths[] = {
	1, 2, 3, 7, 8, 24, 4095, 4096, 4097, 5000, 65535, 65536,
};

#define LENGTHS	(sizeof(lengths) / sizeof(lengths[0]))

/* The last page of an object is before LLONG_MAX. */
static const uint64_t offsets[] = {
	0, PAGE, 1000003 * PAGE, 1ULL << 40, (1ULL << 62) + 5 * PAGE,
	((uint64_t)INT64_MAX & ~(PAGE - 1)) - 4 * PAGE,
};

static void every_pattern(int prot, int flags, bool write)
{
	for (size_t l = 0; l < LENGTHS; l++) {
		int fd = open_pattern(lengths[l]);

		for (size_t o = 0; o < sizeof(offsets) / sizeof(*offsets); o++) {
			char *p = map(fd, 4 * PAGE, prot, flags, offsets[o]);

			/* Not in order: no page relies on its neighbour. */
			for (int i = 0; i < 4; i++) {
				char *page = p + (i * 3 % 4) * PAGE;

				uint64_t at = offsets[o] + (page - p);

				if (write)
					page[17] = pattern_byte((at + 17) % lengths[l]);
				CHECK_PATTERN(page, PAGE, at, lengths[l]);
			}
			munmap(p, 4 * PAGE);
		}
		close(fd);
	}
}

TEST(private_reads_show_the_pattern_of_any_length)
{
	every_pattern(RW, MAP_PRIVATE, false);
}

TEST(private_writes_land_in_the_pattern_of_any_length)
{
	every_pattern(RW, MAP_PRIVATE, true);
}

TEST(shared_reads_show_the_pattern_of_any_length)
{
	every_pattern(RW, MAP_SHARED, false);
}

TEST(shared_writes_land_in_the_pattern_of_any_length)
{
	every_pattern(RW, MAP_SHARED, true);
}

TEST(readonly_reads_show_the_pattern_of_any_length)
{
	every_pattern(PROT_READ, MAP_PRIVATE, false);
}

TEST(a_pattern_longer_than_a_page_goes_on_from_page_to_page)
{
	int fd = open_pattern(65536);

	CHECK_PATTERN(map_private(fd, 40 * PAGE), 40 * PAGE, 0, 65536);
	CHECK_PATTERN(map_shared(fd, 40 * PAGE), 40 * PAGE, 0, 65536);
	CHECK_PATTERN(map_private(open_pattern(65535), 40 * PAGE), 40 * PAGE,
		      0, 65535);
}

TEST(the_default_is_zero)
{
	int fd = open_object();
	char *p = map_private(fd, 8 * PAGE);

	p[PAGE] = 1;
	CHECK_BYTES(p, PAGE, 0);
	CHECK_BYTES(p + PAGE + 1, 7 * PAGE - 1, 0);
	CHECK_BYTES(map_readonly(fd, 8 * PAGE), 8 * PAGE, 0);
	CHECK_BYTES(map_shared(fd, 8 * PAGE), 8 * PAGE, 0);
}

TEST(a_pattern_of_zeros_is_zero)
{
	static const char zeros[5000];
	int fd = open_object();

	CHECK(!set_pattern(fd, zeros, sizeof(zeros)));
	CHECK_BYTES(map_private(fd, 4 * PAGE), 4 * PAGE, 0);
	CHECK_BYTES(map_shared(fd, 4 * PAGE), 4 * PAGE, 0);
}

TEST(the_last_pattern_set_counts)
{
	int fd = open_byte(1);
	uint8_t byte = 2;

	CHECK(!set_pattern(fd, &byte, 1));
	CHECK_BYTES(map_private(fd, PAGE), PAGE, 2);
}

TEST(the_module_has_its_own_copy_of_the_pattern)
{
	uint8_t bytes[24];
	int fd = open_object();

	memset(bytes, 1, sizeof(bytes));
	CHECK(!set_pattern(fd, bytes, sizeof(bytes)));
	memset(bytes, 2, sizeof(bytes));
	CHECK_BYTES(map_private(fd, PAGE), PAGE, 1);
}

/* Images */

TEST(an_image_is_seen_by_every_private_mapping)
{
	int fd = open_byte(9);
	char *image = map_shared(fd, 16 * PAGE);

	for (int i = 0; i < 16; i += 2)
		memset(image + i * PAGE, i + 1, PAGE);
	for (int n = 0; n < 20; n++) {
		char *p = map_private(fd, 16 * PAGE);

		for (int i = 0; i < 16; i++)
			CHECK_BYTES(p + i * PAGE, PAGE, i % 2 ? 9 : i + 1);
	}
	CHECK_EQ(held(fd), 8 * PAGE);
}

TEST(instances_of_an_image_are_isolated_from_each_other)
{
	int fd = open_byte(9);
	char *image = map_shared(fd, 2 * PAGE), *p[8];

	memset(image, 1, PAGE);
	for (int n = 0; n < 8; n++) {
		p[n] = map_private(fd, 2 * PAGE);
		memset(p[n], 100 + n, PAGE);
		memset(p[n] + PAGE, 200 + n, PAGE);
	}
	for (int n = 0; n < 8; n++) {
		CHECK_BYTES(p[n], PAGE, 100 + n);
		CHECK_BYTES(p[n] + PAGE, PAGE, 200 + n);
	}
	CHECK_BYTES(image, PAGE, 1);
	CHECK_BYTES(image + PAGE, PAGE, 9);
}

TEST(dontneed_resets_an_instance_to_the_image)
{
	int fd = open_byte(9);
	char *image = map_shared(fd, 3 * PAGE), *p = map_private(fd, 3 * PAGE);

	memset(image, 1, PAGE);
	for (int round = 0; round < 3; round++) {
		memset(p, 7, 3 * PAGE);
		CHECK(!madvise(p, 3 * PAGE, MADV_DONTNEED));
		CHECK_EQ(committed_pages(p, 3 * PAGE), 0);
		CHECK_BYTES(p, PAGE, 1);
		CHECK_BYTES(p + PAGE, 2 * PAGE, 9);
	}
}

TEST(an_image_at_an_offset_keeps_its_place)
{
	int fd = open_pattern(24);
	char *image = map(fd, 4 * PAGE, RW, MAP_SHARED, 1L << 40);
	char *p = map(fd, 2 * PAGE, RW, MAP_PRIVATE, (1L << 40) + PAGE);

	memset(image + 2 * PAGE, 1, PAGE);
	CHECK_PATTERN(p, PAGE, (1L << 40) + PAGE, 24);
	CHECK_BYTES(p + PAGE, PAGE, 1);
}

/* Back to first contents */

TEST(punch_gives_every_mapper_first_contents_again)
{
	int fd = open_pattern(5000);
	char *a = map_shared(fd, 8 * PAGE), *b = map_shared(fd, 8 * PAGE);
	char *c = map_readonly(fd, 8 * PAGE), *d = map_private(fd, 8 * PAGE);

	memset(a, 1, 8 * PAGE);
	CHECK_BYTES(b, 8 * PAGE, 1);
	CHECK_BYTES(c, 8 * PAGE, 1);
	CHECK_BYTES(d, 8 * PAGE, 1);	/* read: no copies yet */
	CHECK_EQ(held(fd), 8 * PAGE);

	CHECK(!punch(fd, 2 * PAGE, 3 * PAGE));
	CHECK_EQ(held(fd), 5 * PAGE);
	CHECK_PATTERN(d + 2 * PAGE, 3 * PAGE, 2 * PAGE, 5000);
	CHECK_PATTERN(b + 2 * PAGE, 3 * PAGE, 2 * PAGE, 5000);
	CHECK_PATTERN(c + 2 * PAGE, 3 * PAGE, 2 * PAGE, 5000);
	CHECK_PATTERN(a + 2 * PAGE, 3 * PAGE, 2 * PAGE, 5000);
	CHECK_BYTES(a, 2 * PAGE, 1);
	CHECK_BYTES(b + 5 * PAGE, 3 * PAGE, 1);
	CHECK_BYTES(c, 2 * PAGE, 1);
	CHECK_BYTES(d + 5 * PAGE, 3 * PAGE, 1);
}

TEST(punch_leaves_private_copies)
{
	int fd = open_byte(9);
	char *image = map_shared(fd, 2 * PAGE), *p = map_private(fd, 2 * PAGE);

	memset(image, 1, 2 * PAGE);
	p[0] = 2;
	p[PAGE] = 2;
	CHECK(!punch(fd, 0, 2 * PAGE));
	CHECK_EQ(p[0], 2);
	CHECK_BYTES(p + 1, PAGE - 1, 1);
	CHECK_BYTES(p + PAGE + 1, PAGE - 1, 1);
	CHECK_BYTES(image, 2 * PAGE, 9);
}

TEST(what_is_written_after_a_punch_is_shared)
{
	int fd = open_byte(9);
	char *a = map_shared(fd, PAGE), *b = map_shared(fd, PAGE);

	memset(a, 1, PAGE);
	touch_read(b);
	CHECK(!punch(fd, 0, PAGE));
	a[0] = 3;
	CHECK_EQ(b[0], 3);
	CHECK_BYTES(b + 1, PAGE - 1, 9);
	CHECK_EQ(held(fd), PAGE);
}

TEST(punch_of_everything_empties_the_object)
{
	int fd = open_byte(9);
	char *a = map_shared(fd, 64 * PAGE);
	char *far = map(fd, PAGE, RW, MAP_SHARED, 1L << 50);

	memset(a, 1, 64 * PAGE);
	far[0] = 1;
	CHECK_EQ(held(fd), 65 * PAGE);
	CHECK(!punch(fd, 0, (uint64_t)INT64_MAX & ~(PAGE - 1)));
	CHECK_EQ(held(fd), 0);
	CHECK_EQ(committed_pages(a, 64 * PAGE), 0);
	CHECK_BYTES(a, 64 * PAGE, 9);
	CHECK_BYTES(far, PAGE, 9);
}

TEST(punch_of_nothing_stored_succeeds)
{
	int fd = open_object();

	CHECK(!punch(fd, 1UL << 40, GIB));
	CHECK_EQ(held(fd), 0);
}

TEST(discard_by_address_is_a_punch_at_its_offset)
{
	int fd = open_pattern(4097), other = open_object();
	char *a = map(fd, 8 * PAGE, RW, MAP_SHARED, 4 * PAGE);
	char *b = map_shared(fd, 12 * PAGE), *p = map_private(fd, 12 * PAGE);

	memset(b, 1, 12 * PAGE);
	p[5 * PAGE] = 2;
	/* On any descriptor: the address says which object. */
	CHECK(!discard(other, a + PAGE, 2 * PAGE));
	CHECK_EQ(held(fd), 10 * PAGE);
	CHECK_PATTERN(b + 5 * PAGE, 2 * PAGE, 5 * PAGE, 4097);
	CHECK_BYTES(b, 5 * PAGE, 1);
	CHECK_BYTES(b + 7 * PAGE, 5 * PAGE, 1);
	CHECK_EQ(p[5 * PAGE], 2);
	CHECK_BYTES(p + 5 * PAGE + 1, PAGE - 1, 1);
}

TEST(discard_goes_across_mappings_of_different_objects)
{
	int one = open_byte(1), two = open_byte(2);
	char *p = map(one, 4 * PAGE, RW, MAP_SHARED, 0);

	CHECK(mmap(p + 2 * PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, two,
		   7 * PAGE) == p + 2 * PAGE);
	memset(p, 9, 4 * PAGE);
	CHECK(!discard(one, p + PAGE, 2 * PAGE));
	CHECK_BYTES(p, PAGE, 9);
	CHECK_BYTES(p + PAGE, PAGE, 1);
	CHECK_BYTES(p + 2 * PAGE, PAGE, 2);
	CHECK_BYTES(p + 3 * PAGE, PAGE, 9);
	CHECK_EQ(held(one), 2 * PAGE);	/* the second was read again */
	CHECK_EQ(held(two), 2 * PAGE);
}

TEST(dontneed_of_shared_memory_keeps_the_contents)
{
	int fd = open_byte(9);
	char *a = map_shared(fd, PAGE);

	memset(a, 1, PAGE);
	CHECK(!madvise(a, PAGE, MADV_DONTNEED));
	CHECK(!page_present(a));
	CHECK_EQ(held(fd), PAGE);
	CHECK_BYTES(a, PAGE, 1);
}

TEST(an_unmapped_image_is_kept_by_its_descriptor)
{
	int fd = open_byte(9);
	char *a = map_shared(fd, 2 * PAGE);

	memset(a, 1, PAGE);
	CHECK(!munmap(a, 2 * PAGE));
	CHECK_EQ(held(fd), PAGE);
	a = map_private(fd, 2 * PAGE);
	CHECK_BYTES(a, PAGE, 1);
	CHECK_BYTES(a + PAGE, PAGE, 9);
}

/* Side by side */

static char *hole(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void map_at(char *p, size_t pages, int flags, int fd, off_t offset)
{
	CHECK(mmap(p, pages * PAGE, RW, flags | MAP_FIXED, fd, offset) == p);
}

static void two_objects(int flags)
{
	int one = open_pattern(3), two = open_pattern(5000);
	char *p = hole(12);

	/* Contiguous offsets of two objects: only the file differs. */
	map_at(p, 4, flags, one, 0);
	map_at(p + 4 * PAGE, 4, flags, two, 4 * PAGE);
	map_at(p + 8 * PAGE, 4, flags, one, 8 * PAGE);
	for (int i = 11; i >= 0; i--)
		CHECK_PATTERN(p + i * PAGE, PAGE, i * PAGE,
			      i / 4 == 1 ? 5000 : 3);
}

TEST(two_objects_side_by_side_do_not_mix)
{
	two_objects(MAP_PRIVATE);
	two_objects(MAP_SHARED);
}

static void in_a_hole(int flags)
{
	int one = open_pattern(3), two = open_pattern(5000);
	char *p = map(one, 12 * PAGE, RW, flags, 0);

	for (int i = 0; i < 12; i++)
		p[i * PAGE] = 0x77;
	CHECK(!munmap(p + 4 * PAGE, 4 * PAGE));
	map_at(p + 4 * PAGE, 4, flags, two, 4 * PAGE);
	CHECK_PATTERN(p + 4 * PAGE, 4 * PAGE, 4 * PAGE, 5000);
	for (int i = 0; i < 12; i++) {
		if (i / 4 == 1)
			continue;
		CHECK_EQ(p[i * PAGE], 0x77);
		CHECK_PATTERN(p + i * PAGE + 1, PAGE - 1, i * PAGE + 1, 3);
	}
}

TEST(another_object_in_a_hole_of_the_first_does_not_mix)
{
	in_a_hole(MAP_PRIVATE);
	in_a_hole(MAP_SHARED);
}

TEST(the_same_object_in_its_own_hole_has_first_contents)
{
	int fd = open_pattern(5000);
	char *p = map_private(fd, 12 * PAGE);

	memset(p, 1, 12 * PAGE);
	CHECK(!munmap(p + 4 * PAGE, 4 * PAGE));
	map_at(p + 4 * PAGE, 4, MAP_PRIVATE, fd, 4 * PAGE);
	CHECK_PATTERN(p + 4 * PAGE, 4 * PAGE, 4 * PAGE, 5000);
	CHECK_BYTES(p, 4 * PAGE, 1);
	CHECK_BYTES(p + 8 * PAGE, 4 * PAGE, 1);
}

/* How many mappings /proc/self/maps shows in a range. */
static int mappings_in(char *p, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512];
	int n = 0;

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start >= (uintptr_t)p && end <= (uintptr_t)p + len)
			n++;
	fclose(maps);
	return n;
}

TEST(adjacent_mappings_of_an_object_are_right_merged_or_not)
{
	int fd = open_pattern(5000);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = hole(8);

		/* Upwards, downwards, into the gap. */
		map_at(p + 2 * PAGE, 2, flags, fd, 2 * PAGE);
		p[3 * PAGE] = pattern_byte(3 * PAGE % 5000);
		map_at(p + 4 * PAGE, 1, flags, fd, 4 * PAGE);
		map_at(p + 6 * PAGE, 2, flags, fd, 6 * PAGE);
		map_at(p, 2, flags, fd, 0);
		map_at(p + 5 * PAGE, 1, flags, fd, 5 * PAGE);
		printf("# five mmaps became %d mappings\n",
		       mappings_in(p, 8 * PAGE));
		CHECK_PATTERN(p, 8 * PAGE, 0, 5000);
	}
}

TEST(adjacent_mappings_with_a_jump_in_offset_are_right)
{
	int fd = open_pattern(5000);
	char *p = hole(6);

	map_at(p, 2, MAP_PRIVATE, fd, 0);
	map_at(p + 2 * PAGE, 2, MAP_PRIVATE, fd, 7 * PAGE);
	map_at(p + 4 * PAGE, 2, MAP_PRIVATE, fd, 0);
	CHECK_PATTERN(p + 4 * PAGE, 2 * PAGE, 0, 5000);
	CHECK_PATTERN(p + 2 * PAGE, 2 * PAGE, 7 * PAGE, 5000);
	CHECK_PATTERN(p, 2 * PAGE, 0, 5000);
}

TEST(mappings_split_and_merged_by_mprotect_are_right)
{
	int fd = open_pattern(5000);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 9 * PAGE, RW, flags, 0);

		p[4 * PAGE] = pattern_byte(4 * PAGE % 5000);
		CHECK(!mprotect(p + 3 * PAGE, 3 * PAGE, PROT_READ));
		CHECK_PATTERN(p + 3 * PAGE, 2 * PAGE, 3 * PAGE, 5000);
		CHECK(!mprotect(p + 3 * PAGE, 3 * PAGE, RW));
		printf("# now %d mappings\n", mappings_in(p, 9 * PAGE));
		CHECK_PATTERN(p, 9 * PAGE, 0, 5000);
	}
}

/* Nothing recycled */

static void make_dirty(void *unused)
{
	size_t len = 640 / patience() * MIB;
	uint64_t *p = mmap(NULL, len, RW, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_NORESERVE, -1, 0);

	(void)unused;
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < len / 8; i++)
		p[i] = MARKER;
}

static bool has_marker(const char *p, size_t len)
{
	const uint64_t *word = (const uint64_t *)p;

	for (size_t i = 0; i < len / 8; i++)
		if (word[i] == MARKER)
			return true;
	return false;
}

static void show_nothing_recycled(size_t pattern_len, int prot, int flags,
				  bool write)
{
	size_t len = 192 / patience() * MIB;
	int fd = pattern_len ? open_pattern(pattern_len) : open_object();
	char *p;

	child_passes(make_dirty, NULL);
	p = map(fd, len, prot, flags, 0);
	for (size_t i = 0; write && i < len; i += PAGE)
		p[i] = 1;
	CHECK(!has_marker(p, len));
}

TEST(private_reads_show_nothing_recycled)
{
	show_nothing_recycled(0, RW, MAP_PRIVATE, false);
}

TEST(private_writes_show_nothing_recycled)
{
	show_nothing_recycled(0, RW, MAP_PRIVATE, true);
}

TEST(private_patterns_show_nothing_recycled)
{
	show_nothing_recycled(5000, RW, MAP_PRIVATE, true);
}

TEST(readonly_mappings_show_nothing_recycled)
{
	show_nothing_recycled(0, PROT_READ, MAP_PRIVATE, false);
}

TEST(shared_mappings_show_nothing_recycled)
{
	show_nothing_recycled(0, RW, MAP_SHARED, true);
}

TEST(shared_patterns_show_nothing_recycled)
{
	show_nothing_recycled(3, RW, MAP_SHARED, false);
}
