// SPDX-License-Identifier: GPL-2.0-only
/* No memory for a first access: the kernel's normal course, never an oops. */
#include "module.h"

#include <sys/stat.h>

#define ROOT	"/sys/fs/cgroup"
#define GROUP	ROOT "/tamalloc-test"
#define LIMIT	(32 * MIB)

struct greedy {
	int fd, prot, flags;
	bool write;
};

static void limited_group(void)
{
	if (access(ROOT "/cgroup.subtree_control", W_OK))
		SKIP("no unified control groups");
	put(ROOT "/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0755);
	if (access(GROUP "/memory.max", W_OK))
		SKIP("no memory controller");
	CHECK(!put(GROUP "/memory.max", "32M"));
	/* Before 5.19 or so a group without swap has no such file. */
	put(GROUP "/memory.swap.max", "0");
}

static void take_all(void *arg)
{
	struct greedy *g = arg;
	char *p = map(g->fd, 4 * LIMIT, g->prot, g->flags, 0);

	CHECK(!put(GROUP "/cgroup.procs", "0"));
	for (size_t at = 0; at < 4 * LIMIT; at += PAGE)
		if (g->write)
			p[at] = 1;
		else
			touch_read(p + at);
}

/* A line "FIELD N" of the group's memory.stat. */
static uint64_t group_stat(const char *field)
{
	unsigned long long number;
	FILE *file = fopen(GROUP "/memory.stat", "r");
	char name[64];

	CHECK(file);
	while (fscanf(file, "%63s %llu", name, &number) == 2)
		if (!strcmp(name, field)) {
			fclose(file);
			return number;
		}
	FAIL("memory.stat has no %s", field);
}

static void be_reclaimed(void *unused)
{
	size_t len = 8 * MIB;
	int fd = open_byte(7);
	char *p = map_shared(fd, len);

	(void)unused;
	CHECK(!put(GROUP "/cgroup.procs", "0"));
	memset(p, 1, len / 2);
	for (size_t at = len / 2; at < len; at += PAGE)
		touch_read(p + at);
	CHECK(!munmap(p, len));
	/* Reclaims all that can be, at once. */
	CHECK(!put(GROUP "/memory.high", "1M"));
	CHECK_BETWEEN(group_stat("unevictable"), len - 2 * RSS_LAG, 2 * len);
	CHECK(!put(GROUP "/memory.high", "max"));
	CHECK_EQ(held(fd), len);
	p = map_private(fd, len);
	CHECK_BYTES(p, len / 2, 1);
	CHECK_BYTES(p + len / 2, len / 2, 7);
}

TEST(reclaim_takes_nothing_that_is_stored)
{
	limited_group();
	child_passes(be_reclaimed, NULL);
	rmdir(GROUP);
}

static void limited(int prot, int flags, bool write)
{
	struct greedy g = { open_byte(7), prot, flags, write };
	char *p;

	limited_group();
	CHECK_KILLED(take_all, &g, SIGKILL);
	/* What it stored is there, charged, and can be given back. */
	CHECK_BETWEEN(held(g.fd), 0, LIMIT);
	CHECK(!punch(g.fd, 0, 4 * LIMIT));
	CHECK_EQ(held(g.fd), 0);
	p = map_shared(g.fd, PAGE);
	CHECK_BYTES(p, PAGE, 7);
	rmdir(GROUP);
}

TEST(private_writes_over_a_groups_limit_end_in_the_oom_killer)
{
	limited(RW, MAP_PRIVATE, true);
}

TEST(private_reads_over_a_groups_limit_end_in_the_oom_killer)
{
	limited(RW, MAP_PRIVATE, false);
}

TEST(shared_writes_over_a_groups_limit_end_in_the_oom_killer)
{
	limited(RW, MAP_SHARED, true);
}

TEST(readonly_reads_over_a_groups_limit_end_in_the_oom_killer)
{
	limited(PROT_READ, MAP_PRIVATE, false);
}

static void commit_all(void *arg)
{
	struct greedy *g = arg;
	char *p = map(g->fd, 4 * LIMIT, RW, g->flags, 0);

	CHECK(!put(GROUP "/cgroup.procs", "0"));
	if (commit(g->fd, p, 4 * LIMIT))
		FAIL("commit: %s", strerror(errno));
}

TEST(commit_over_a_groups_limit_ends_in_the_oom_killer)
{
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		struct greedy g = { .fd = open_byte(7), .flags = flags };

		limited_group();
		CHECK_KILLED(commit_all, &g, SIGKILL);
		close(g.fd);
		rmdir(GROUP);
	}
}
