// SPDX-License-Identifier: GPL-2.0-only
/* The first access to a page: the rows of the table in the design. */
#include "module.h"

#define BYTE	0xa5		/* the pattern */
#define STORED	0x5a		/* what somebody stored in the object */
#define MANY	1024

struct kind {
	int prot, flags;
};

static const struct kind private = { RW, MAP_PRIVATE };
static const struct kind readonly = { PROT_READ, MAP_PRIVATE };
static const struct kind shared = { RW, MAP_SHARED };

struct row {
	const struct kind *kind;
	bool write, stored;
	/* What it leads to */
	int write_faults;		/* exceptions of a later write */
	const char *counter;		/* which part of RSS grows */
	bool holds;			/* a new page in the object */
};

static int object(const struct row *row, size_t pages)
{
	int fd = open_byte(BYTE);

	if (row->stored)
		memset(map_shared(fd, pages * PAGE), STORED, pages * PAGE);
	return fd;
}

static void access_page(const struct row *row, volatile char *addr)
{
	if (row->write)
		*addr = 1;
	else
		(void)*addr;
}

static void one_page(const struct row *row)
{
	int fd = object(row, 3);
	char *p = map(fd, 3 * PAGE, row->kind->prot, row->kind->flags, 0);
	char *page = p + PAGE;
	uint64_t before = held(fd), faults;

	faults = page_faults();
	access_page(row, page);
	CHECK_EQ(page_faults() - faults, 1);
	CHECK(page_present(page));
	CHECK(!page_present(p));
	CHECK(!page_present(p + 2 * PAGE));
	CHECK_EQ(held(fd) - before, row->holds ? PAGE : 0);

	faults = page_faults();
	touch_read(page + 100);
	CHECK_EQ(page_faults() - faults, 0);
	CHECK_BYTES(page + 1, PAGE - 1, row->stored ? STORED : BYTE);

	if (row->kind->prot & PROT_WRITE) {
		faults = page_faults();
		page[1] = 2;
		CHECK_EQ(page_faults() - faults, row->write_faults);
		CHECK_EQ(page[1], 2);
		CHECK_BYTES(page + 2, PAGE - 2, row->stored ? STORED : BYTE);
	}
	CHECK_EQ(held(fd) - before, row->holds ? PAGE : 0);
}

static void many_pages(const struct row *row)
{
	const char *other = strcmp(row->counter, "RssAnon") ? "RssAnon" :
							      "RssFile";
	uint64_t grown, same, before, faults;
	char *p;
	int fd;

	/* The program's own pages are there before anything is counted. */
	CHECK(!mlockall(MCL_CURRENT));
	fd = object(row, MANY);
	p = map(fd, MANY * PAGE, row->kind->prot, row->kind->flags, 0);
	grown = status_bytes(row->counter);
	same = status_bytes(other);
	before = held(fd);
	faults = page_faults();

	for (int i = 0; i < MANY; i++)
		access_page(row, p + i * PAGE);
	CHECK_EQ(page_faults() - faults, MANY);
	CHECK_EQ(committed_pages(p, MANY * PAGE), MANY);
	CHECK_BETWEEN(status_bytes(row->counter) - grown,
		      MANY * PAGE - RSS_LAG, MANY * PAGE + RSS_LAG);
	CHECK_BETWEEN(status_bytes(other) - same, -RSS_LAG, RSS_LAG);
	CHECK_EQ(held(fd) - before, row->holds ? MANY * PAGE : 0);
}

#define ROW(id, ...)							\
	TEST(id)							\
	{								\
		static const struct row row = { __VA_ARGS__ };		\
									\
		one_page(&row);						\
		many_pages(&row);					\
	}

ROW(private_write_commits_a_private_page, &private, true, false, 0, "RssAnon", false)
ROW(private_read_commits_as_a_write_would, &private, false, false, 0, "RssAnon", false)
ROW(private_write_copies_the_stored_page, &private, true, true, 0, "RssAnon", false)
ROW(private_read_maps_the_stored_page, &private, false, true, 1, "RssFile", false)
ROW(readonly_read_commits_a_page_of_the_object, &readonly, false, false, 0, "RssFile", true)
ROW(readonly_read_maps_the_stored_page, &readonly, false, true, 0, "RssFile", false)
ROW(shared_write_commits_a_page_of_the_object, &shared, true, false, 0, "RssFile", true)
ROW(shared_read_commits_a_page_of_the_object, &shared, false, false, 0, "RssFile", true)
ROW(shared_write_maps_the_stored_page, &shared, true, true, 0, "RssFile", false)
ROW(shared_read_maps_the_stored_page, &shared, false, true, 0, "RssFile", false)

static void write_one(void *addr)
{
	*(volatile char *)addr = 1;
}

static void write_to_readonly(bool stored)
{
	struct row row = { .stored = stored };
	int fd = object(&row, 3);
	uint64_t before = held(fd);
	char *p = map_readonly(fd, 3 * PAGE);

	CHECK_KILLED(write_one, p + PAGE, SIGSEGV);
	CHECK_EQ(held(fd), before);
}

TEST(readonly_write_is_a_segfault_and_commits_nothing)
{
	write_to_readonly(false);
}

TEST(readonly_write_to_a_stored_page_is_a_segfault)
{
	write_to_readonly(true);
}

TEST(private_write_leaves_the_stored_page_alone)
{
	int fd = open_byte(BYTE);
	char *image = map_shared(fd, PAGE);
	char *p = map_private(fd, PAGE);

	memset(image, STORED, PAGE);
	memset(p, 1, PAGE);
	CHECK_BYTES(image, PAGE, STORED);
}

TEST(reads_in_order_do_not_map_neighbours)
{
	struct { int prot, flags; } kinds[] = {
		{ RW, MAP_PRIVATE }, { PROT_READ, MAP_PRIVATE },
		{ RW, MAP_SHARED }, { PROT_READ, MAP_SHARED },
	};

	for (int k = 0; k < 4; k++) {
		/* Once from nothing, once with all of it stored. */
		int fd = open_byte(BYTE);

		for (int round = 0; round < 2; round++) {
			char *p = map(fd, 64 * PAGE, kinds[k].prot,
				      kinds[k].flags, 0);

			for (int i = 0; i < 64; i++) {
				CHECK_EQ(committed_pages(p, 64 * PAGE), i);
				touch_read(p + i * PAGE);
			}
			munmap(p, 64 * PAGE);
			memset(map_shared(fd, 64 * PAGE), STORED, 64 * PAGE);
		}
	}
}

TEST(allocation_commits_nothing)
{
	int fd = open_object();
	uint64_t rss, size = status_bytes("VmSize"), faults;
	struct tam_process_stats stats = {};
	char *p, *s;

	CHECK(!mlockall(MCL_CURRENT));
	rss = status_bytes("VmRSS");
	faults = page_faults();
	p = mmap(NULL, GIB, RW, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	s = mmap(NULL, GIB, RW, MAP_SHARED | MAP_NORESERVE, fd, 0);
	CHECK_EQ(page_faults() - faults, 0);
	CHECK(p != MAP_FAILED && s != MAP_FAILED);
	CHECK_BETWEEN(status_bytes("VmRSS") - rss, -RSS_LAG, RSS_LAG);
	CHECK_BETWEEN(status_bytes("VmSize") - size, 2 * GIB, 2 * GIB + MIB);
	CHECK_EQ(held(fd), 0);
	CHECK_EQ(committed_pages(p, 64 * MIB), 0);
	CHECK_EQ(committed_pages(s, 64 * MIB), 0);
	CHECK(!ioctl(fd, TAM_IOC_PROCESS, &stats));
	CHECK_EQ(stats.tam_reserved, 2 * GIB);
	CHECK_EQ(stats.tam_committed, 0);
}

#define THP	"/sys/kernel/mm/transparent_hugepage/enabled"

static void with_huge_pages(void *unused)
{
	int fd = open_byte(BYTE);

	(void)unused;
	for (int share = 0; share < 2; share++) {
		char *p = map(fd, 8 * MIB, RW,
			      share ? MAP_SHARED : MAP_PRIVATE, 0);

		p = (char *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));
		madvise(p, 4 * MIB, MADV_HUGEPAGE);
		p[2 * MIB] = 1;
		CHECK_EQ(committed_pages(p, 4 * MIB), 1);
		touch_read(p + 5 * PAGE);
		CHECK_EQ(committed_pages(p, 4 * MIB), 2);
	}
}

TEST(one_access_is_4_kib_also_with_huge_pages_always)
{
	char text[64], *old, *end;
	int status;

	if (access(THP, W_OK))
		SKIP("no transparent huge pages");
	get(THP, text, sizeof(text));
	old = strchr(text, '[');
	end = strchr(text, ']');
	CHECK(old && end);
	*end = 0;
	CHECK(!put(THP, "always"));
	status = in_child(with_huge_pages, NULL);
	CHECK(!put(THP, old + 1));
	if (status)
		_exit(1);
}

TEST(a_read_under_a_write_disabled_protection_key_works)
{
	int key = pkey_alloc(0, PKEY_DISABLE_WRITE);
	int fd = open_byte(BYTE);
	char *p = map_private(fd, 3 * PAGE);
	uint64_t faults;

	if (key < 0)
		SKIP("this processor has no protection keys");
	CHECK(!pkey_mprotect(p, 3 * PAGE, RW, key));
	faults = page_faults();
	touch_read(p + PAGE);
	CHECK_EQ(page_faults() - faults, 1);
	CHECK_BYTES(p + PAGE, PAGE, BYTE);
	CHECK_EQ(committed_pages(p, 3 * PAGE), 1);
	CHECK_KILLED(write_one, p + PAGE, SIGSEGV);
	CHECK_KILLED(write_one, p, SIGSEGV);
	CHECK(!pkey_set(key, 0));
	p[PAGE] = 1;
	CHECK_BYTES(p + PAGE + 1, PAGE - 1, BYTE);
}

TEST(an_access_across_two_pages_commits_two)
{
	int fd = open_byte(BYTE);
	char *p = map_private(fd, 4 * PAGE);
	uint64_t faults = page_faults(), value;

	asm volatile("movq (%1), %0" : "=r" (value) : "r" (p + 2 * PAGE - 4)
		     : "memory");
	CHECK_EQ(page_faults() - faults, 2);
	CHECK(value == 0xa5a5a5a5a5a5a5a5);
	CHECK_EQ(committed_pages(p, 4 * PAGE), 2);
}
