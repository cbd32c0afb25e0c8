// SPDX-License-Identifier: LGPL-2.1-or-later
/* books.c - where the figures come from: the module, or /proc without it */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tamstat.h"

/* Without the module; what else fails is an error. */
static bool is_reason(int err)
{
	return err == ENODEV || err == EACCES || err == EPROTONOSUPPORT;
}

void books_warn(int reason)
{
	static bool said;

	if (!said)
		note("only /proc's figures: %s", error_text(reason));
	said = true;
}

void books_warn_incomplete(uint64_t processes)
{
	if (processes)
		note("tamalloc mappings of %" PRIu64 " process%s %s", processes,
		     processes == 1 ? "" : "es", geteuid() ?
		     "are not yours to see: run as root for all" :
		     "could not be read: try again");
}

static int append(struct books *books, size_t *room, const struct process *p)
{
	struct process *grown;

	if (books->count == *room) {
		*room = *room ? 2 * *room : 256;
		grown = realloc(books->processes, *room * sizeof(*grown));
		if (!grown)
			return -1;
		books->processes = grown;
	}
	books->processes[books->count++] = *p;
	return 0;
}

static int module_processes(struct books *books)
{
	uint64_t memory = books->system.ram_total + books->system.swap_total;
	struct tam_iter *it = tam_iter_processes(0);
	struct process p;
	size_t room = 0;
	int got = -1;

	while (it && (got = tam_iter_next(it, &p.stats, sizeof(p.stats))) > 0) {
		p.score = tam_oom_score_of(&p.stats, memory);
		if (append(books, &room, &p)) {
			got = -1;
			break;
		}
	}
	tam_iter_free(it);
	return got;
}

/*
 * /proc
 */

/* "Name:   123 kB" of /proc/meminfo and /proc/PID/status, to bytes */
struct field {
	const char *name;
	size_t offset;
};

static void take_field(char *line, const struct field *fields, size_t count,
		       void *record)
{
	char *value = strchr(line, ':');
	size_t i;

	if (!value)
		return;
	*value++ = '\0';
	for (i = 0; i < count; i++)
		if (!strcmp(line, fields[i].name))
			*(__u64 *)((char *)record + fields[i].offset) =
				strtoull(value, NULL, 10) * 1024;
}

bool read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		return false;
	errno = 0;
	len = fread(text, 1, size - 1, file);
	if (len && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	fclose(file);
	return !errno;
}

static bool read_number(const char *path, long *number)
{
	char line[32];

	if (!read_text(path, line, sizeof(line)))
		return false;
	*number = strtol(line, NULL, 10);
	return true;
}

#define SYSTEM(name, member) { name, offsetof(struct tam_system_stats, member) }

static int proc_system(struct tam_system_stats *s)
{
	static const struct field fields[] = {
		SYSTEM("MemTotal", ram_total),
		SYSTEM("MemFree", ram_free),
		SYSTEM("MemAvailable", ram_available),
		SYSTEM("Active", ram_active),
		SYSTEM("Buffers", ram_buffers),
		SYSTEM("Cached", ram_cached),
		SYSTEM("SwapTotal", swap_total),
		SYSTEM("SwapFree", swap_free),
		SYSTEM("Committed_AS", commit_charge),
		SYSTEM("CommitLimit", commit_limit),
	};
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long mode;

	if (!file)
		return -1;
	memset(s, 0, sizeof(*s));
	while (fgets(line, sizeof(line), file))
		take_field(line, fields, ARRAY_SIZE(fields), s);
	fclose(file);
	s->ram_used = s->ram_total - s->ram_available;
	if (read_number("/proc/sys/vm/overcommit_memory", &mode))
		s->overcommit = (__u32)mode;
	s->valid = TAM_VALID_MEMINFO;
	return 0;
}

#define PROCESS(name, member) { name, offsetof(struct tam_process_stats, member) }

/* As far as one can tell from outside. */
static void guess_oom_state(struct tam_process_stats *s)
{
	if (s->pid == 1)
		s->oom_state = TAM_OOM_INIT;
	else if (!(s->valid & TAM_VALID_MM))
		s->oom_state = s->pid == 2 || s->ppid == 2 ? TAM_OOM_KTHREAD :
							     TAM_OOM_NO_MM;
	else if (s->oom_score_adj == -1000)
		s->oom_state = TAM_OOM_DISABLED;
	s->oom_usage = s->committed + s->swapped + s->page_tables;
}

/* false: errno; ESRCH also for a thread that is not its process' first */
static bool proc_status(pid_t pid, struct tam_process_stats *s)
{
	static const struct field fields[] = {
		PROCESS("VmSize", reserved),
		PROCESS("VmRSS", committed),
		PROCESS("VmSwap", swapped),
		PROCESS("VmPTE", page_tables),
	};
	char path[64], line[256];
	bool first = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Tgid:", 5))
			first = atol(line + 5) == pid;
		else if (!strncmp(line, "PPid:", 5))
			s->ppid = atoi(line + 5);
		else if (!strncmp(line, "Uid:", 4))
			s->uid = (__u32)strtoul(line + 4, NULL, 10);
		else if (!strncmp(line, "VmSize:", 7))
			s->valid |= TAM_VALID_MM;
		take_field(line, fields, ARRAY_SIZE(fields), s);
	}
	fclose(file);
	errno = ESRCH;	/* also for one that ends while it is read */
	return first;
}

static int proc_process(pid_t pid, struct process *p)
{
	char path[64];
	long number;

	memset(p, 0, sizeof(*p));
	p->stats.pid = pid;
	p->score = -1;
	if (!proc_status(pid, &p->stats)) {
		if (errno == ENOENT)
			errno = ESRCH;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	read_text(path, p->stats.comm, sizeof(p->stats.comm));
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	if (read_number(path, &number)) {
		p->stats.oom_score_adj = (__s32)number;
		p->stats.valid |= TAM_VALID_OOM;
		guess_oom_state(&p->stats);
	}
	snprintf(path, sizeof(path), "/proc/%d/oom_score", pid);
	if (read_number(path, &number))
		p->score = (int)number;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return (p->stats.pid > q->stats.pid) - (p->stats.pid < q->stats.pid);
}

static int proc_processes(struct books *books)
{
	struct dirent *entry;
	struct process p;
	size_t room = 0;
	int ret = 0;
	DIR *dir;

	dir = opendir("/proc");
	if (!dir)
		return -1;
	while (!ret && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (!proc_process(atoi(entry->d_name), &p))
			ret = append(books, &room, &p);
	}
	closedir(dir);
	if (books->count)
		qsort(books->processes, books->count, sizeof(p), by_pid);
	return ret;
}

static int by_mm(const void *a, const void *b)
{
	const struct process *p = *(const struct process **)a;
	const struct process *q = *(const struct process **)b;

	if (p->stats.mm_id != q->stats.mm_id)
		return p->stats.mm_id < q->stats.mm_id ? -1 : 1;
	return by_pid(p, q);
}

void books_sum(const struct process **processes, size_t count,
	       struct tam_process_stats *sum)
{
	const struct tam_process_stats *s;
	__u64 seen = 0;		/* /proc does not tell them apart */
	size_t i;

	memset(sum, 0, sizeof(*sum));
	if (count)
		qsort(processes, count, sizeof(*processes), by_mm);
	for (i = 0; i < count; i++) {
		s = &processes[i]->stats;
		if (!(s->valid & TAM_VALID_MM) || (s->mm_id && s->mm_id == seen))
			continue;
		seen = s->mm_id;
		sum->valid |= s->valid;
		sum->reserved += s->reserved;
		sum->committed += s->committed;
		sum->swapped += s->swapped;
		sum->page_tables += s->page_tables;
		sum->tam_mappings += s->tam_mappings;
		sum->tam_reserved += s->tam_reserved;
		sum->tam_committed += s->tam_committed;
		sum->tam_swapped += s->tam_swapped;
	}
}

static void sum_system(struct books *books)
{
	struct tam_system_stats *system = &books->system;
	const struct tam_process_stats *s;
	size_t i;

	for (i = 0; i < books->count; i++) {
		s = &books->processes[i].stats;
		system->processes += !!(s->valid & TAM_VALID_MM);
		system->reserved += s->reserved;
		system->committed += s->committed;
		system->swapped += s->swapped;
		system->page_tables += s->page_tables;
	}
}

/*
 * Both
 */

int books_read_system(struct books *books)
{
	books_free(books);
	memset(books, 0, sizeof(*books));
	if (!tam_system_stats(&books->system, sizeof(books->system))) {
		books->module = true;
		if (books->system.tam_objects)
			books->system.tam_objects--;
		return 0;
	}
	if (!is_reason(errno))
		return -1;
	books->reason = errno;
	if (proc_system(&books->system) || proc_processes(books))
		return -1;
	sum_system(books);
	return 0;
}

int books_read(struct books *books)
{
	if (books_read_system(books))
		return -1;
	return books->module ? module_processes(books) : 0;
}

int books_read_process(pid_t pid, struct process *process)
{
	if (!tam_process_stats(pid, &process->stats, sizeof(process->stats))) {
		process->score = tam_oom_score(&process->stats);
		return 0;
	}
	return is_reason(errno) ? proc_process(pid ? pid : getpid(), process) : -1;
}

int books_failure(void)
{
	int err = errno;

	if (access("/proc/meminfo", R_OK))
		return failure("/proc/meminfo: %s: is /proc mounted?",
			       strerror(errno));
	return failure("%s", error_text(err));
}

void books_free(struct books *books)
{
	free(books->processes);
	books->processes = NULL;
	books->count = 0;
}
