// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * metrics.c - OpenMetrics 1.0, for a monitoring system
 *
 * Also what Prometheus' older text format allows, as node_exporter's textfile
 * collector reads that: gauges only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tamstat.h"

#define COUNT_DEFAULT	10
#define COUNT_MAX	1000

/* A field of the system's or of a process' figures */
struct family {
	const char *name;
	const char *help;
	const char *unit;	/* the end of the name, or NULL */
	bool once;		/* counts each address space once, but in /proc */
	size_t offset;
	uint64_t valid;		/* of a process': TAM_VALID_* that it belongs to */
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define SYSTEM_ONCE(field, name, unit, help, once) \
	{ "tamstat_" name, help, unit, once, \
	  offsetof(struct tam_system_stats, field), 0 }
#define SYSTEM(field, name, unit, help) \
	SYSTEM_ONCE(field, name, unit, help, false)
#define SYSTEM_NUMBER(field, help)	SYSTEM(field, #field, NULL, help)
#define SYSTEM_BYTES(field, help)	SYSTEM(field, #field "_bytes", "bytes", help)
#define SUM_BYTES(field, help) \
	SYSTEM_ONCE(field, #field "_bytes", "bytes", help, true)

static const struct family system_families[] = {
	SUM_BYTES(reserved, "Size of all mappings"),
	SUM_BYTES(committed, "Resident memory"),
	SUM_BYTES(swapped, "Swap in use"),
	SUM_BYTES(page_tables, "Page tables"),
	SYSTEM_NUMBER(processes, "Processes with memory of their own"),
	SYSTEM(ram_total, "ram_bytes", "bytes", "RAM of the system"),
	SYSTEM_BYTES(ram_free, "RAM in no use"),
	SYSTEM_BYTES(ram_available, "RAM to be had without swapping"),
	SYSTEM_BYTES(ram_used, "RAM that is not available"),
	SYSTEM_BYTES(commit_charge, "Memory that the kernel has promised"),
};

/* What is read from /proc/meminfo, with the module too */
static const struct family meminfo_families[] = {
	SYSTEM_BYTES(commit_limit,
		     "The most that vm.overcommit_memory=2 lets be promised"),
	SYSTEM(swap_total, "swap_bytes", "bytes", "Swap of the system"),
	SYSTEM_BYTES(swap_free, "Swap in no use"),
};

/* What only the module knows */
static const struct family tam_families[] = {
	SYSTEM_NUMBER(tam_objects, "Open tamalloc objects but that of tamstat"),
	SYSTEM_BYTES(tam_held, "Pages stored in tamalloc objects"),
	SYSTEM_BYTES(tam_cap, "The most that tamalloc objects may hold"),
	SYSTEM_NUMBER(tam_processes, "Processes with tamalloc mappings"),
	SYSTEM_NUMBER(tam_mappings, "Mappings of tamalloc objects"),
	SYSTEM_BYTES(tam_reserved, "Size of all tamalloc mappings"),
	SYSTEM_BYTES(tam_committed, "Resident memory in tamalloc mappings"),
	SYSTEM_BYTES(tam_swapped, "Swap in use by tamalloc mappings"),
	SYSTEM(incomplete, "incomplete_processes", NULL,
	       "Processes whose tamalloc mappings could not be read"),
};

#define PROCESS_BYTES(field, valid, help) \
	{ "tamstat_process_" #field "_bytes", help, "bytes", false, \
	  offsetof(struct tam_process_stats, field), valid }
#define OOM_SCORE	(~0ULL)	/* instead of valid: not among the fields */

static const struct family process_families[] = {
	PROCESS_BYTES(reserved, TAM_VALID_MM, "Size of all mappings"),
	PROCESS_BYTES(committed, TAM_VALID_MM, "Resident memory"),
	PROCESS_BYTES(swapped, TAM_VALID_MM, "Swap in use"),
	PROCESS_BYTES(tam_reserved, TAM_VALID_TAM, "Size of tamalloc mappings"),
	PROCESS_BYTES(tam_committed, TAM_VALID_TAM,
		      "Resident memory in tamalloc mappings"),
	PROCESS_BYTES(tam_swapped, TAM_VALID_TAM,
		      "Swap in use by tamalloc mappings"),
	{ "tamstat_process_oom_score", "The OOM killer ends the highest first",
	  NULL, false, 0, OOM_SCORE },
};

static uint64_t field(const void *record, const struct family *family)
{
	uint64_t value;

	memcpy(&value, (const char *)record + family->offset, sizeof(value));
	return value;
}

static void print_heading(FILE *out, const struct family *f, bool once)
{
	fprintf(out, "# TYPE %s gauge\n", f->name);
	if (f->unit)
		fprintf(out, "# UNIT %s %s\n", f->name, f->unit);
	fprintf(out, "# HELP %s %s%s.\n", f->name, f->help,
		once ? ", each address space once" : "");
}

static void print_system(FILE *out, const struct books *books,
			 const struct family *families, size_t count)
{
	const struct family *f;

	for (f = families; f < families + count; f++) {
		print_heading(out, f, f->once && books->module);
		fprintf(out, "%s %" PRIu64 "\n", f->name,
			field(&books->system, f));
	}
}

/* Escaped as the specification asks; newlines format_name() has left none. */
static void print_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			putc('\\', out);
		putc(*value, out);
	}
	putc('"', out);
}

static void print_sample(FILE *out, const struct family *f,
			 const struct process *p)
{
	char *comm = format_name(p->stats.comm);

	fprintf(out, "%s{pid=\"%d\",", f->name, p->stats.pid);
	print_label(out, "comm", comm);
	putc(',', out);
	print_label(out, "user", user_name(p->stats.uid));
	fprintf(out, "} %" PRIu64 "\n", f->valid == OOM_SCORE ?
		(uint64_t)p->score : field(&p->stats, f));
	free(comm);
}

static bool has(const struct process *p, const struct family *f)
{
	return f->valid == OOM_SCORE ? p->score >= 0 :
				       (p->stats.valid & f->valid) != 0;
}

/* A family without samples must not be announced. */
static void print_processes(FILE *out, struct process **list, size_t count)
{
	const struct family *f = process_families;
	bool announced;
	size_t i;

	for (; f < process_families + ARRAY_SIZE(process_families); f++) {
		announced = false;
		for (i = 0; i < count; i++) {
			if (!has(list[i], f))
				continue;
			if (!announced)
				print_heading(out, f, false);
			announced = true;
			print_sample(out, f, list[i]);
		}
	}
}

static int by_committed(const void *a, const void *b)
{
	const struct process *p = *(struct process *const *)a;
	const struct process *q = *(struct process *const *)b;

	if (p->stats.committed != q->stats.committed)
		return p->stats.committed < q->stats.committed ? 1 : -1;
	return p->stats.pid < q->stats.pid ? -1 : 1;
}

/* Returns how many: at most @count, and none without memory of its own. */
static size_t choose(struct process **list, const struct books *books,
		     size_t count)
{
	size_t found = 0, i;

	for (i = 0; i < books->count; i++)
		if (books->processes[i].stats.valid & TAM_VALID_MM)
			list[found++] = &books->processes[i];
	qsort(list, found, sizeof(*list), by_committed);
	return found < count ? found : count;
}

static void print_metrics(FILE *out, const struct books *books, size_t count)
{
	static const struct family loaded = {
		.name = "tamstat_module_loaded",
		.help = "1 if the figures are the module's, 0 if those of /proc",
	};
	struct process **list;

	list = xrealloc(NULL, (books->count + 1) * sizeof(*list));
	print_heading(out, &loaded, false);
	fprintf(out, "%s %d\n", loaded.name, books->module);
	print_system(out, books, system_families, ARRAY_SIZE(system_families));
	if (books->system.valid & TAM_VALID_MEMINFO)
		print_system(out, books, meminfo_families,
			     ARRAY_SIZE(meminfo_families));
	if (books->module)
		print_system(out, books, tam_families,
			     ARRAY_SIZE(tam_families));
	print_processes(out, list, choose(list, books, count));
	fputs("# EOF\n", out);
	free(list);
}

/* All of it in memory, so that a failure leaves no half of it anywhere. */
static char *metrics(size_t count, size_t *len)
{
	struct books books = { 0 };
	char *text = NULL;
	FILE *out;

	if (books_read(&books))
		return NULL;
	if (!books.module)
		books_warn(books.reason);
	out = open_memstream(&text, len);
	if (!out)
		return NULL;
	print_metrics(out, &books, count);
	books_free(&books);
	return fclose(out) ? NULL : text;
}

/*
 * A reader sees the old file or the new one, never half of it.  The temporary
 * name does not end as what the textfile collector looks for (*.prom).
 */
static int replace_file(const char *path, const char *text, size_t len)
{
	FILE *file = NULL;
	char *temporary;
	struct stat st;
	int fd, ret = EXIT_OK;

	/* rename(2) would replace a device, for root even /dev/null. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return failure("%s: not a regular file", path);
	temporary = xrealloc(NULL, strlen(path) + sizeof(".XXXXXX"));
	sprintf(temporary, "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd >= 0)
		file = fdopen(fd, "w");
	if (!file || fwrite(text, 1, len, file) != len || fflush(file) ||
	    fchmod(fd, 0644) || rename(temporary, path)) {
		ret = failure("%s: %s", path, strerror(errno));
		if (fd >= 0)
			unlink(temporary);
	}
	if (file)
		fclose(file);
	free(temporary);
	return ret;
}

int cmd_metrics(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "top", required_argument, NULL, 'N' },
		{ "output", required_argument, NULL, 'o' },
		{ 0 }
	};
	unsigned long count = COUNT_DEFAULT;
	const char *path = NULL;
	char *text;
	size_t len;
	int c, code = EXIT_OK;

	while ((c = next_option(argc, argv, "N:o:", longs)) != -1) {
		if (c == 'o')
			path = optarg;
		else if (!parse_number(optarg, COUNT_MAX, &count))
			return usage_error("-N %s: not a number from 0 to %d",
					   optarg, COUNT_MAX);
	}
	if (optind < argc)
		return usage_error("--openmetrics: %s: unexpected",
				   argv[optind]);

	options.format = FORMAT_JSON;	/* names are UTF-8 in any locale */
	text = metrics(count, &len);
	if (!text)
		return failure("%s", error_text(errno));
	if (path)
		code = replace_file(path, text, len);
	else
		fwrite(text, 1, len, stdout);	/* main() sees to errors */
	free(text);
	return code;
}
