/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tamstat - reserved and committed memory, by process and for the system
 *
 *   main.c      options, and which command
 *   args.c      numbers and users, as arguments
 *   books.c     where the figures come from: the module, or /proc without it
 *   table.c     rows and columns, printed as text, CSV or JSON
 *   format.c    amounts and names for people
 *   summary.c system.c ps.c maps.c objects.c pages.c   a command each
 *   top.c       the live view
 *   record.c    a command's memory over time
 *   metrics.c   OpenMetrics
 *   version.c   tool, library, module on disk, module loaded
 */
#ifndef TAMSTAT_H
#define TAMSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tamalloc.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit codes, documented in tamstat(1) */
enum {
	EXIT_OK,
	EXIT_FAILED,		/* the figures could not be had */
	EXIT_USAGE,		/* bad arguments */
	EXIT_NO_PROCESS,	/* no such process, or none that was asked for */
	EXIT_DENIED,		/* no permission for this process' figures */
};

enum format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON };

/* What holds for every command */
struct options {
	enum format format;
	bool bytes;		/* plain numbers rather than IEC units */
	bool headings;		/* not -n */
	bool quiet;		/* no notes */
};

extern struct options options;

/*
 * main.c
 */

struct option;

/*
 * getopt_long(3) for a command; @letters and @longs (may be NULL) are its own
 * options.  Those of all commands are taken anywhere and not returned.  An
 * unknown one ends the program.
 */
int next_option(int argc, char **argv, const char *letters,
		const struct option *longs);

/* Messages on stderr after "tamstat: "; they return EXIT_USAGE, EXIT_FAILED. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for what is no error; not with -q. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * process_failure - says why there are no figures of a process
 *
 * Returns the exit code for it.
 */
int process_failure(pid_t pid, int err);

/*
 * books.c
 */

/* A process as the commands see it; stats.valid says which groups are known. */
struct process {
	struct tam_process_stats stats;
	int score;		/* of /proc/PID/oom_score; -1: unknown */
};

struct books {
	bool module;		/* the figures are the module's, else /proc's */
	int reason;		/* errno, why they are not */
	/* Without the module no tam_*; tamstat's own object does not count. */
	struct tam_system_stats system;
	struct process *processes;	/* by rising PID */
	size_t count;
};

/*
 * books_read - the whole system's
 * books_read_system - .system alone; .processes only where /proc needs them
 * books_read_process - one process; 0: done, -1: errno is ESRCH or another
 *
 * Without the module what /proc has is used, and books->module is false.
 * Both may be called again for the same books; books_free ends it.
 */
int books_read(struct books *books);
int books_read_system(struct books *books);
int books_read_process(pid_t pid, struct process *process);
void books_free(struct books *books);

/*
 * books_sum - amounts of some processes, each address space counted once
 * @processes: become sorted by address space
 */
void books_sum(const struct process **processes, size_t count,
	       struct tam_process_stats *sum);

/* Says why books_read failed, by errno; returns EXIT_FAILED. */
int books_failure(void);

/* A small file of /proc or /sys without the final newline; false: errno */
bool read_text(const char *path, char *text, size_t size);

/* Says on stderr, once, what is missing without the module and how to load it. */
void books_warn(int reason);
/* The same of processes whose tamalloc mappings could not be read, if any */
void books_warn_incomplete(uint64_t processes);

/*
 * format.c
 */

#define FORMAT_MAX	32

/* "1.5G"; the bytes themselves with options.bytes. */
const char *format_bytes(char buf[FORMAT_MAX], uint64_t bytes);

/* "12.3" of 100; "-" of nothing. */
const char *format_percent(char buf[FORMAT_MAX], uint64_t part, uint64_t whole);

/* "rw-p" of TAM_MAPPING_* as in /proc/PID/maps */
const char *format_permissions(char buf[FORMAT_MAX], unsigned int flags);

/*
 * A name that may hold anything as valid UTF-8 that does nothing to a terminal:
 * control characters and broken bytes become \xNN.  Malloced.
 */
char *format_name(const char *name);

/* Can the terminal show more than ASCII? */
bool format_utf8(void);

/* COLUMNS of the environment; columns of the terminal; 0: there is no end. */
unsigned int format_width(void);

/* realloc(3) that ends the program rather than fail */
void *xrealloc(void *p, size_t size);

/* Colours: a terminal, and NO_COLOR is not set (no-color.org). */
bool format_colours(FILE *file);

/*
 * args.c
 */

#define SECONDS_MIN	0.001
#define SECONDS_MAX	86400.0

/* Decimal digits and nothing else, up to @max; false: it is not that. */
bool parse_number(const char *text, unsigned long max, unsigned long *number);

/* Seconds with or without a fraction, SECONDS_MIN to SECONDS_MAX. */
bool parse_seconds(const char *text, double *seconds);

/* A user's name or number. */
bool parse_user(const char *text, uint32_t *uid);

/* For display: the number where nobody has it.  Not to be freed. */
const char *user_name(uint32_t uid);

/*
 * table.c
 */

enum type {
	TYPE_TEXT,
	TYPE_NAME,	/* a text that may be cut where the terminal is narrow */
	TYPE_ID,	/* a number that names something: a PID */
	TYPE_NUMBER,
	TYPE_BYTES,
	TYPE_PERCENT,
	TYPE_ADDRESS,	/* hexadecimal; a string in JSON */
	TYPE_BOOLEAN,
};

struct column {
	const char *heading;	/* "COMMITTED"; -o is matched against it */
	const char *key;	/* of JSON and CSV: "committed" */
	enum type type;
	const char *help;
};

struct table;

/* @name: of the array in JSON.  Columns must outlive the table. */
struct table *table_new(const char *name, const struct column *columns,
			size_t count);
/* A cell that is not set is "-" in text, empty in CSV, null in JSON. */
void table_row(struct table *table);
void table_text(struct table *table, size_t column, const char *text);
void table_number(struct table *table, size_t column, int64_t value);
void table_percent(struct table *table, size_t column, uint64_t part,
		   uint64_t whole);
/*
 * Whether JSON has a key, and text a "-", for a cell that is not set: in rows
 * unless told otherwise, not in the total
 */
void table_key(struct table *table, size_t column, bool present);
/* The row for the sum of all: last in text, an object in JSON, not in CSV. */
void table_total(struct table *table);
/* JSON has an object of rows, by their first column, rather than an array. */
void table_by_name(struct table *table);
/* Only these columns, in this order; without it all. */
void table_show(struct table *table, const size_t *columns, size_t count);
/*
 * Rows by a column, what is not set last, equal ones by the first column, which
 * must be set
 */
void table_sort(struct table *table, size_t column, bool descending);
/* The first rows only, as many as @count. */
void table_limit(struct table *table, size_t count);
void table_free(struct table *table);	/* NULL is ignored */
/* Prints all tables as one document in the chosen format, and frees them. */
int table_print(struct table **tables, size_t count);

/*
 * version.c
 */

/* As tam_strerror(); knows whether the module is but to be loaded. */
const char *error_text(int err);

/*
 * The commands: argv[0] is the command's name.  They return an exit code.
 */
int cmd_summary(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_maps(int argc, char **argv);
int cmd_objects(int argc, char **argv);
int cmd_pages(int argc, char **argv);
int cmd_system(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_metrics(int argc, char **argv);	/* --openmetrics */
int cmd_version(void);

#endif /* TAMSTAT_H */
