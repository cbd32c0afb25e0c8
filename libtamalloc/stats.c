// SPDX-License-Identifier: LGPL-2.1-or-later
/* stats.c - the books */
#include <errno.h>
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

int tam_system_stats(struct tam_system_stats *out, size_t size)
{
	return tam_device_ioctl(_IOC_READ, _IOC_NR(TAM_IOC_SYSTEM), out, size);
}

int tam_object_stats(int fd, struct tam_object_stats *out, size_t size)
{
	return tam_ioctl(fd, _IOC_READ, _IOC_NR(TAM_IOC_GET_OBJECT), out, size);
}

/* fs/proc/base.c: proc_oom_score() and mm/oom_kill.c: oom_badness() */
int tam_oom_score(const struct tam_process_stats *stats)
{
	long long total, points, page = tam_page_size();
	struct sysinfo info;

	if (!(stats->valid & TAM_VALID_OOM)) {
		errno = EINVAL;
		return -1;
	}
	if (stats->oom_state != TAM_OOM_ELIGIBLE)
		return 0;
	if (sysinfo(&info))
		return -1;
	total = (long long)info.totalram * info.mem_unit / page +
		(long long)info.totalswap * info.mem_unit / page;
	points = stats->oom_usage / page +
		 stats->oom_score_adj * (total / 1000);
	return (1000 + points * 1000 / total) * 2 / 3;
}
