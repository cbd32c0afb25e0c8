// SPDX-License-Identifier: LGPL-2.1-or-later
/* stats.c - the books */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>

#include "internal.h"

int tam_process_stats(pid_t pid, struct tam_process_stats *out, size_t size)
{
	if (size < offsetof(struct tam_process_stats, ppid) ||
	    size > _IOC_SIZEMASK) {
		errno = EINVAL;
		return -1;
	}
	memset(out, 0, size);	/* what the module does not know must be zero */
	out->pid = pid;
	return tam_device_ioctl(_IOC_READ | _IOC_WRITE, _IOC_NR(TAM_IOC_PROCESS),
				out, size);
}

#define WANTED		4

/* One "Name:   123 kB" of /proc/meminfo; returns whether it is wanted. */
static bool read_meminfo(struct tam_system_stats *s, const char *name,
			 unsigned long long kib)
{
	static const struct {
		const char *name;
		size_t field;
	} wanted[WANTED] = {
		{ "Cached:",	  offsetof(struct tam_system_stats, ram_cached) },
		{ "SwapTotal:",	  offsetof(struct tam_system_stats, swap_total) },
		{ "SwapFree:",	  offsetof(struct tam_system_stats, swap_free) },
		{ "CommitLimit:", offsetof(struct tam_system_stats, commit_limit) },
	};

	for (size_t i = 0; i < WANTED; i++)
		if (!strcmp(name, wanted[i].name)) {
			*(__u64 *)((char *)s + wanted[i].field) = kib * 1024;
			return true;
		}
	return false;
}

/*
 * What the module cannot know.  All of it or, without a whole /proc, none: the
 * record says that it lacks.
 */
static void add_meminfo(struct tam_system_stats *out)
{
	struct tam_system_stats s = *out;
	unsigned long long kib;
	int found = 0;
	char name[64];
	FILE *f;

	f = fopen("/proc/sys/vm/overcommit_memory", "re");
	if (!f)
		return;
	if (fscanf(f, "%u", &s.overcommit) == 1)
		found++;
	fclose(f);

	f = fopen("/proc/meminfo", "re");
	if (!f)
		return;
	while (fscanf(f, "%63s %llu%*[^\n]", name, &kib) == 2)
		found += read_meminfo(&s, name, kib);
	fclose(f);
	if (found != 1 + WANTED)
		return;
	s.valid |= TAM_VALID_MEMINFO;
	*out = s;
}

int tam_system_stats(struct tam_system_stats *out, size_t size)
{
	struct tam_system_stats s;
	size_t known = size < sizeof(s) ? size : sizeof(s);

	if (tam_device_ioctl(_IOC_READ, _IOC_NR(TAM_IOC_SYSTEM), out, size))
		return -1;
	memset(&s, 0, sizeof(s));
	memcpy(&s, out, known);
	add_meminfo(&s);
	memcpy(out, &s, known);
	return 0;
}

int tam_object_stats(int fd, struct tam_object_stats *out, size_t size)
{
	return tam_ioctl(fd, _IOC_READ, _IOC_NR(TAM_IOC_GET_OBJECT), out, size);
}

/* fs/proc/base.c: proc_oom_score() and mm/oom_kill.c: oom_badness() */
int tam_oom_score_of(const struct tam_process_stats *stats, uint64_t memory)
{
	long long total, points, page = tam_page_size();

	if (!(stats->valid & TAM_VALID_OOM)) {
		errno = EINVAL;
		return -1;
	}
	total = memory / page;
	if (stats->oom_state != TAM_OOM_ELIGIBLE || !total)
		return 0;
	points = stats->oom_usage / page +
		 stats->oom_score_adj * (total / 1000);
	return (1000 + points * 1000 / total) * 2 / 3;
}

int tam_oom_score(const struct tam_process_stats *stats)
{
	struct sysinfo info;

	if (sysinfo(&info))
		return -1;
	return tam_oom_score_of(stats, ((uint64_t)info.totalram + info.totalswap) *
				       info.mem_unit);
}
