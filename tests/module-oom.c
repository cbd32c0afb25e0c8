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
