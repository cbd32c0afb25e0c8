/* SPDX-License-Identifier: GPL-2.0-only */
/* Groups of processes with limits of their own: cgroup v2. */
#ifndef GROUPS_H
#define GROUPS_H

#include "module.h"

#include <sys/stat.h>

#define CGROUPS		"/sys/fs/cgroup"
#define GROUP		CGROUPS "/tamalloc-test"
#define NEIGHBOUR	CGROUPS "/tamalloc-neighbour"

/* Writes to a file of the group; 0 or -1. */
HELPER int group_put(const char *group, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return put(path, text);
}

/* A group without swap. */
HELPER void make_group(const char *group, const char *max)
{
	if (access(CGROUPS "/cgroup.subtree_control", W_OK))
		SKIP("no unified control groups");
	put(CGROUPS "/cgroup.subtree_control", "+memory");
	rmdir(group);			/* what a failed test has left */
	mkdir(group, 0755);
	if (group_put(group, "memory.max", max))
		SKIP("no memory controller");
	/* Before 5.19 or so a group without swap has no such file. */
	group_put(group, "memory.swap.max", "0");
}

HELPER void enter(const char *group)
{
	CHECK(!group_put(group, "cgroup.procs", "0"));
}

/* A line "FIELD N" of a file of the group. */
HELPER uint64_t group_field(const char *group, const char *name,
			    const char *field)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return file_field(path, field);
}

HELPER uint64_t group_current(const char *group)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	get(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

#endif /* GROUPS_H */
