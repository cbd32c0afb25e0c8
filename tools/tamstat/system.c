// SPDX-License-Identifier: LGPL-2.1-or-later
/* system.c - memory, processors, file systems */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "tamstat.h"

/*
 * Memory
 */

enum { WHAT, AMOUNT, PERCENT, OF, MEMORY_COLUMNS };

static const struct column memory_columns[] = {
	[WHAT] = { "MEMORY", "what", TYPE_TEXT, NULL },
	[AMOUNT] = { "AMOUNT", "amount", TYPE_BYTES, NULL },
	[PERCENT] = { "%", "percent", TYPE_PERCENT, NULL },
	[OF] = { "OF", "of", TYPE_TEXT, NULL },
};

static void memory_row(struct table *table, const char *what, bool known,
		       uint64_t amount, uint64_t whole, const char *of)
{
	table_row(table);
	table_text(table, WHAT, what);
	table_text(table, OF, of);
	if (!known)
		return;
	table_number(table, AMOUNT, amount);
	table_percent(table, PERCENT, amount, whole);
}

static void swap_and_commit(struct table *table,
			    const struct tam_system_stats *s)
{
	uint64_t used = s->swap_total - s->swap_free;
	bool known = s->valid & TAM_VALID_MEMINFO;

	memory_row(table, "cached", known, s->ram_cached, s->ram_total, "ram");
	memory_row(table, "swap_total", known, s->swap_total, s->ram_total,
		   "ram");
	memory_row(table, "swap_used", known, used, s->swap_total,
		   "swap_total");
	memory_row(table, "swap_free", known, s->swap_free, s->swap_total,
		   "swap_total");
	memory_row(table, "commit_limit", known, s->commit_limit, s->ram_total,
		   "ram");
	memory_row(table, "commit_charge", true, s->commit_charge,
		   s->commit_limit, "commit_limit");
}

static struct table *memory_table(const struct books *books)
{
	const struct tam_system_stats *s = &books->system;
	bool module = books->module;
	uint64_t ram = s->ram_total;
	struct table *table;

	table = table_new("memory", memory_columns, MEMORY_COLUMNS);
	table_by_name(table);
	memory_row(table, "ram", true, ram, ram, "ram");
	memory_row(table, "available", true, s->ram_available, ram, "ram");
	memory_row(table, "used", true, s->ram_used, ram, "ram");
	memory_row(table, "free", true, s->ram_free, ram, "ram");
	memory_row(table, "active", true, s->ram_active, ram, "ram");
	memory_row(table, "buffers", true, s->ram_buffers, ram, "ram");
	swap_and_commit(table, s);
	memory_row(table, "reserved", true, s->reserved, ram, "ram");
	memory_row(table, "committed", true, s->committed, ram, "ram");
	memory_row(table, "tam_reserved", module, s->tam_reserved, ram, "ram");
	memory_row(table, "tam_committed", module, s->tam_committed, ram,
		   "ram");
	memory_row(table, "tam_cap", module, s->tam_cap, ram, "ram");
	memory_row(table, "tam_held", module, s->tam_held, s->tam_cap,
		   "tam_cap");
	return table;
}

/*
 * Processors
 */

/* As in /proc/stat.  Guests' time is in user and nice already. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, MODES };

static const struct column cpu_columns[] = {
	{ "CPU", "cpu", TYPE_TEXT, NULL },
	[1 + USER] = { "%USER", "user_percent", TYPE_PERCENT, NULL },
	[1 + NICE] = { "%NICE", "nice_percent", TYPE_PERCENT, NULL },
	[1 + SYSTEM] = { "%SYSTEM", "system_percent", TYPE_PERCENT, NULL },
	[1 + IDLE] = { "%IDLE", "idle_percent", TYPE_PERCENT, NULL },
	[1 + IOWAIT] = { "%IOWAIT", "iowait_percent", TYPE_PERCENT, NULL },
	[1 + IRQ] = { "%IRQ", "irq_percent", TYPE_PERCENT, NULL },
	[1 + SOFTIRQ] = { "%SOFTIRQ", "softirq_percent", TYPE_PERCENT, NULL },
	[1 + STEAL] = { "%STEAL", "steal_percent", TYPE_PERCENT, NULL },
};

struct cpu {
	uint64_t ticks[MODES];
};

static bool cpu_read(struct cpu *cpu)
{
	char text[256];
	uint64_t *t = &cpu->ticks[0];

	if (!read_text("/proc/stat", text, sizeof(text)))
		return false;
	errno = EPROTO;
	return sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		      " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		      &t[USER], &t[NICE], &t[SYSTEM], &t[IDLE], &t[IOWAIT],
		      &t[IRQ], &t[SOFTIRQ], &t[STEAL]) == MODES;
}

static struct table *cpu_table(const struct cpu *before, const struct cpu *after)
{
	struct table *table = table_new("cpu", cpu_columns, 1 + MODES);
	struct cpu spent;
	uint64_t all = 0;
	size_t i;

	/* Idle and iowait may step back a little: proc(5) says so of iowait. */
	for (i = 0; i < MODES; i++) {
		spent.ticks[i] = after->ticks[i] > before->ticks[i] ?
			after->ticks[i] - before->ticks[i] : 0;
		all += spent.ticks[i];
	}
	table_by_name(table);
	table_row(table);
	table_text(table, 0, "all");
	for (i = 0; i < MODES; i++)
		table_percent(table, 1 + i, spent.ticks[i], all);
	return table;
}

/* Returns NULL with errno. */
static struct table *watch_cpu(double seconds)
{
	struct timespec time = { .tv_sec = (time_t)seconds };
	struct cpu before, after;

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	if (!cpu_read(&before))
		return NULL;
	while (nanosleep(&time, &time) && errno == EINTR)
		;
	return cpu_read(&after) ? cpu_table(&before, &after) : NULL;
}

/*
 * File systems
 */

enum { SOURCE, TYPE, SIZE, DISK_USED, FREE, DISK_PERCENT, MOUNT, DISK_COLUMNS };

static const struct column disk_columns[] = {
	[SOURCE] = { "FILESYSTEM", "source", TYPE_NAME, NULL },
	[TYPE] = { "TYPE", "type", TYPE_TEXT, NULL },
	[SIZE] = { "SIZE", "size", TYPE_BYTES, NULL },
	[DISK_USED] = { "USED", "used", TYPE_BYTES, NULL },
	[FREE] = { "AVAILABLE", "available", TYPE_BYTES, NULL },
	[DISK_PERCENT] = { "%USED", "used_percent", TYPE_PERCENT, NULL },
	[MOUNT] = { "MOUNTED ON", "mount", TYPE_NAME, NULL },
};

struct mount {
	char *source, *dir, *type;
};

struct mounts {
	struct mount *list;
	size_t count;
};

/* Types that the kernel says need no device; but for ZFS, which has its own. */
static bool on_a_disk(const char *type)
{
	FILE *file = fopen("/proc/filesystems", "re");
	size_t len = strcspn(type, ".");	/* "fuse.sshfs" */
	bool nodev = !file;
	char line[128];

	while (!nodev && fgets(line, sizeof(line), file))
		nodev = !strncmp(line, "nodev\t", 6) &&
			!strncmp(line + 6, type, len) && line[6 + len] == '\n';
	if (file)
		fclose(file);
	return !nodev || !strcmp(type, "zfs");
}

/*
 * A mount over another hides it; of a device that is mounted in several places
 * the shortest is shown.
 */
static struct mount *same_place(const struct mounts *mounts,
				const struct mntent *entry)
{
	struct mount *m;
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		m = &mounts->list[i];
		if (!strcmp(m->dir, entry->mnt_dir) ||
		    (*m->source == '/' && !strcmp(m->source, entry->mnt_fsname)))
			return m;
	}
	return NULL;
}

static char *copy(const char *text)
{
	return strcpy(xrealloc(NULL, strlen(text) + 1), text);
}

static void mount_free(struct mount *m)
{
	free(m->source);
	free(m->dir);
	free(m->type);
}

static void add_mount(struct mounts *mounts, const struct mntent *entry)
{
	struct mount *m = same_place(mounts, entry);

	if (m && strlen(entry->mnt_dir) > strlen(m->dir))
		return;
	if (m) {
		mount_free(m);
	} else {
		mounts->list = xrealloc(mounts->list, (mounts->count + 1) *
					sizeof(*mounts->list));
		m = &mounts->list[mounts->count++];
	}
	m->source = copy(entry->mnt_fsname);
	m->dir = copy(entry->mnt_dir);
	m->type = copy(entry->mnt_type);
}

static bool mounts_read(struct mounts *mounts)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;

	if (!file)
		return false;
	while ((entry = getmntent(file)))
		add_mount(mounts, entry);
	endmntent(file);
	return true;
}

static void disk_row(struct table *table, const struct mount *m)
{
	struct statvfs s;
	uint64_t used;

	/* One that may not be looked at is as if it were not there. */
	if (statvfs(m->dir, &s) || !s.f_blocks)
		return;
	used = s.f_blocks - s.f_bfree;
	table_row(table);
	table_text(table, SOURCE, m->source);
	table_text(table, TYPE, m->type);
	table_number(table, SIZE, (uint64_t)s.f_blocks * s.f_frsize);
	table_number(table, DISK_USED, used * s.f_frsize);
	table_number(table, FREE, (uint64_t)s.f_bavail * s.f_frsize);
	/* As df(1): of what users may have. */
	table_percent(table, DISK_PERCENT, used, used + s.f_bavail);
	table_text(table, MOUNT, m->dir);
}

/*
 * Unless @all, only file systems on disks and the root: a server that does not
 * answer would make us hang.
 */
static struct table *disk_table(bool all)
{
	struct mounts mounts = { 0 };
	struct table *table;
	size_t i;

	if (!mounts_read(&mounts))
		return NULL;
	table = table_new("filesystems", disk_columns, DISK_COLUMNS);
	for (i = 0; i < mounts.count; i++) {
		if (all || on_a_disk(mounts.list[i].type) ||
		    !strcmp(mounts.list[i].dir, "/"))
			disk_row(table, &mounts.list[i]);
		mount_free(&mounts.list[i]);
	}
	free(mounts.list);
	return table;
}

static int print(double seconds, bool all)
{
	struct books books = { 0 };
	struct table *tables[3];

	if (books_read_system(&books))
		return books_failure();
	if (!books.module)
		books_warn(books.reason);
	books_warn_incomplete(books.system.incomplete);
	books_free(&books);
	tables[0] = memory_table(&books);
	tables[1] = watch_cpu(seconds);
	if (!tables[1])
		return failure("/proc/stat: %s", strerror(errno));
	tables[2] = disk_table(all);
	if (!tables[2])
		return failure("/proc/self/mounts: %s", strerror(errno));
	return table_print(tables, 3);
}

int cmd_system(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "wait", required_argument, NULL, 'w' },
		{ 0 }
	};
	double seconds = 1;
	bool all = false;
	int c;

	while ((c = next_option(argc, argv, "aw:", longs)) != -1) {
		if (c == 'a')
			all = true;
		else if (!parse_seconds(optarg, &seconds))
			return usage_error("\"%s\" is not a number of seconds: -w takes %g to %g",
					   optarg, SECONDS_MIN, SECONDS_MAX);
	}
	if (optind < argc)
		return usage_error("system takes no \"%s\"", argv[optind]);
	return print(seconds, all);
}
