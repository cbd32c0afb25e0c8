// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cap on what all objects together hold, a module parameter.  Nobody else
 * may be using the module meanwhile.
 */
#include "module.h"

#define CAP	"/sys/module/tamalloc/parameters/shared_cap_mib"
#define BYTE	0xa5

/* The number is kept per CPU: so far may it be off while it is changing. */
#define SLACK	(256 * PAGE)

static uint64_t system_held(int fd)
{
	struct tam_system_stats stats;

	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &stats));
	return stats.tam_held;
}

static uint64_t system_cap(int fd)
{
	struct tam_system_stats stats;

	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &stats));
	return stats.tam_cap;
}

/* Runs fn with that cap, and whatever happens to fn without it afterwards. */
static void with_cap(const char *mib, void (*fn)(void *arg))
{
	char saved[32];
	int status;

	get(CAP, saved, sizeof(saved));
	CHECK(!put(CAP, mib));
	status = in_child(fn, NULL);
	CHECK(!put(CAP, saved));
	if (WIFSIGNALED(status))
		FAIL("killed: %s", strsignal(WTERMSIG(status)));
	if (status)
		_exit(WEXITSTATUS(status));
}

TEST(the_default_cap_is_a_quarter_of_ram)
{
	struct tam_system_stats stats;
	char text[32];

	get(CAP, text, sizeof(text));
	if (strcmp(text, "0"))
		SKIP("a cap is set: %s MiB", text);
	CHECK(!ioctl(open_object(), TAM_IOC_SYSTEM, &stats));
	CHECK_BETWEEN(stats.tam_cap, stats.ram_total / 4 - PAGE,
		      stats.ram_total / 4);
}

static void reported(void *unused)
{
	(void)unused;
	CHECK_EQ(system_cap(open_object()), 16 * MIB);
}

TEST(the_cap_can_be_changed_and_is_reported)
{
	with_cap("16", reported);
}

/* Touches pages until one is refused; how many were not. */
static size_t fill(char *p, size_t pages, bool write)
{
	for (size_t i = 0; i < pages; i++)
		if (write ? write_sigbus(p + i * PAGE) :
			    read_sigbus(p + i * PAGE))
			return i;
	FAIL("no cap: %zu pages", pages);
}

static void over_the_cap(int prot, int flags, bool write)
{
	int fd = open_byte(BYTE);
	char *p = map(fd, 32 * MIB, prot, flags, 0);
	size_t n = fill(p, 32 * MIB / PAGE, write);

	CHECK_BETWEEN(n * PAGE, 16 * MIB - SLACK, 16 * MIB + SLACK);
	CHECK_EQ(held(fd), n * PAGE);
	/* Nothing lost, nothing half done, the process lives. */
	CHECK(!page_present(p + n * PAGE));
	for (size_t i = 0; i < n; i++)
		CHECK_BYTES(p + i * PAGE + write, PAGE - write, BYTE);
	if (write)
		p[0] = 7;
	/* Still full: refused again and again. */
	CHECK(read_sigbus(p + n * PAGE + SLACK));
	CHECK(read_sigbus(p + 32 * MIB - PAGE));

	/* Punching makes room, for it and for others. */
	CHECK(!punch(fd, 0, n * PAGE));
	CHECK_EQ(held(fd), 0);
	CHECK(!read_sigbus(p + n * PAGE));
	CHECK_BYTES(p + n * PAGE, PAGE, BYTE);
	CHECK_BYTES(p, PAGE, BYTE);
}

static void shared_writes(void *unused)
{
	(void)unused;
	over_the_cap(RW, MAP_SHARED, true);
}

static void shared_reads(void *unused)
{
	(void)unused;
	over_the_cap(RW, MAP_SHARED, false);
}

static void readonly_reads(void *unused)
{
	(void)unused;
	over_the_cap(PROT_READ, MAP_PRIVATE, false);
}

TEST(a_shared_write_over_the_cap_is_sigbus_and_nothing_is_lost)
{
	with_cap("16", shared_writes);
}

TEST(a_shared_read_over_the_cap_is_sigbus_and_nothing_is_lost)
{
	with_cap("16", shared_reads);
}

TEST(a_readonly_read_over_the_cap_is_sigbus_and_nothing_is_lost)
{
	with_cap("16", readonly_reads);
}

static void commits(void *unused)
{
	int fd = open_byte(BYTE);
	char *p = map_shared(fd, 32 * MIB);
	uint64_t stored;

	(void)unused;
	p[0] = 1;
	CHECK_ERRNO(commit(fd, p, 32 * MIB), ENOSPC);
	stored = held(fd);
	CHECK_BETWEEN(stored, 16 * MIB - SLACK, 16 * MIB + SLACK);
	CHECK_ERRNO(commit(fd, map(fd, 32 * MIB, PROT_READ, MAP_PRIVATE, 0),
			   32 * MIB), ENOSPC);
	CHECK_EQ(p[0], 1);
	CHECK_BYTES(p + PAGE, 4 * MIB, BYTE);
	CHECK(!punch(fd, 8 * MIB, 24 * MIB));
	CHECK(!commit(fd, p, 8 * MIB));
	CHECK(!commit(fd, p + 16 * MIB, 4 * MIB));
}

TEST(a_commit_over_the_cap_is_enospc)
{
	with_cap("16", commits);
}

static void private_memory(void *unused)
{
	int fd = open_byte(BYTE);
	char *s = map_shared(fd, 32 * MIB), *p = map(fd, 32 * MIB, RW,
						     MAP_PRIVATE, 1L << 40);

	(void)unused;
	fill(s, 32 * MIB / PAGE, true);
	for (size_t at = 0; at < 32 * MIB; at += 2 * PAGE) {
		p[at] = 1;
		touch_read(p + at + PAGE);
	}
	CHECK_EQ(committed_pages(p, 32 * MIB), 32 * MIB / PAGE);
	CHECK(!madvise(p, 32 * MIB, MADV_DONTNEED));
	CHECK(!commit(fd, p, 32 * MIB));
	CHECK_BYTES(p, MIB, BYTE);
}

TEST(private_memory_is_not_capped)
{
	with_cap("16", private_memory);
}

static void stored_pages(void *unused)
{
	int fd = open_byte(BYTE);
	char *p = map_shared(fd, 32 * MIB), *q;
	size_t n = fill(p, 32 * MIB / PAGE, true);

	(void)unused;
	/* New views of what is stored need no more of it. */
	q = map(fd, n * PAGE, PROT_READ, MAP_SHARED, 0);
	for (size_t i = 0; i < n; i++)
		CHECK(!read_sigbus(q + i * PAGE));
	q = map_private(fd, n * PAGE);
	for (size_t i = 0; i < n; i++)
		CHECK(!write_sigbus(q + i * PAGE));
	CHECK_EQ(held(fd), n * PAGE);
}

TEST(stored_pages_stay_accessible_at_the_cap)
{
	with_cap("16", stored_pages);
}

static void lowered(void *unused)
{
	int fd = open_byte(BYTE);
	char *p = map_shared(fd, 16 * MIB);

	(void)unused;
	memset(p, 1, 12 * MIB);
	CHECK(!put(CAP, "4"));
	CHECK(read_sigbus(p + 12 * MIB));
	CHECK_BYTES(p, 12 * MIB, 1);
	CHECK_EQ(held(fd), 12 * MIB);
	CHECK(!put(CAP, "32"));
	CHECK(!read_sigbus(p + 12 * MIB));
}

TEST(a_cap_lowered_below_what_is_held_takes_nothing_away)
{
	with_cap("16", lowered);
}

static void copy_in(void *unused)
{
	char *p = map_shared(open_byte(BYTE), 32 * MIB), *buf = malloc(PAGE);
	size_t n = fill(p, 32 * MIB / PAGE, true);
	int fds[2];

	(void)unused;
	CHECK(buf && !pipe(fds));
	memset(buf, 1, PAGE);
	CHECK_EQ(write(fds[1], buf, 100), 100);
	/* The kernel's accesses get an error instead of a signal. */
	CHECK_ERRNO(read(fds[0], p + n * PAGE + SLACK, 100), EFAULT);
	CHECK_ERRNO(write(fds[1], p + n * PAGE + SLACK, 100), EFAULT);
}

TEST(a_system_call_over_the_cap_is_efault)
{
	with_cap("16", copy_in);
}

TEST(the_count_goes_back_when_objects_die)
{
	int mine = open_object();
	uint64_t before = system_held(mine);

	for (int round = 0; round < 3; round++) {
		int fd = open_object(), ro = open_object();
		char *p = map_shared(fd, 8 * MIB), *q = map_readonly(ro, MIB);

		memset(p, 1, 8 * MIB);
		for (size_t at = 0; at < MIB; at += PAGE)
			touch_read(q + at);
		CHECK_EQ(system_held(mine) - before, 9 * MIB);
		CHECK(!punch(fd, 0, 2 * MIB));
		CHECK_EQ(system_held(mine) - before, 7 * MIB);
		close(fd);
		CHECK_EQ(system_held(mine) - before, 7 * MIB);
		CHECK(!munmap(p, 8 * MIB));
		CHECK_EQ(system_held(mine) - before, MIB);
		CHECK(!munmap(q, MIB));
		close(ro);
		CHECK_EQ(system_held(mine), before);
	}
}

static void hold_and_die(void *unused)
{
	char *p = map_shared(open_object(), 8 * MIB);

	(void)unused;
	memset(p, 1, 8 * MIB);
	kill(getpid(), SIGKILL);
	pause();
}

TEST(the_count_goes_back_when_a_process_is_killed)
{
	int mine = open_object();
	uint64_t before = system_held(mine);

	CHECK_KILLED(hold_and_die, NULL, SIGKILL);
	CHECK_EQ(system_held(mine), before);
}
