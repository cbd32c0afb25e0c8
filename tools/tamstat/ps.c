// SPDX-License-Identifier: LGPL-2.1-or-later
/* ps.c - processes */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ps.h"

const struct column ps_columns[PS_COLUMNS] = {
	[PS_PID] = { "PID", "pid", TYPE_ID, "process" },
	[PS_PPID] = { "PPID", "ppid", TYPE_ID, "its parent; 0: in another PID namespace" },
	[PS_UID] = { "UID", "uid", TYPE_ID, "real user, as a number" },
	[PS_USER] = { "USER", "user", TYPE_NAME, "real user" },
	[PS_RESERVED] = { "RESERVED", "reserved", TYPE_BYTES,
			  "size of all mappings, VmSize of /proc/PID/status" },
	[PS_COMMITTED] = { "COMMITTED", "committed", TYPE_BYTES, "pages present in them, VmRSS" },
	[PS_PERCENT] = { "%COMMITTED", "committed_percent", TYPE_PERCENT, "committed of reserved" },
	[PS_RAM] = { "%RAM", "ram_percent", TYPE_PERCENT, "committed of RAM" },
	[PS_SWAPPED] = { "SWAPPED", "swapped", TYPE_BYTES, "pages in swap, VmSwap" },
	[PS_TABLES] = { "TABLES", "page_tables", TYPE_BYTES, "page tables, VmPTE" },
	[PS_SCORE] = { "SCORE", "oom_score", TYPE_NUMBER,
		       "OOM score: the higher, the sooner it is killed" },
	[PS_ADJ] = { "ADJ", "oom_score_adj", TYPE_NUMBER,
		     "what it was adjusted by, -1000 to 1000" },
	[PS_OOM] = { "OOM", "oom_state", TYPE_TEXT, "eligible, or why the OOM killer leaves it" },
	[PS_USAGE] = { "USAGE", "oom_usage", TYPE_BYTES, "memory as the OOM killer counts it" },
	[PS_TAM_MAPPINGS] = { "TAMMAPS", "tam_mappings", TYPE_NUMBER, "tamalloc mappings" },
	[PS_TAM_RESERVED] = { "TAMRESERVED", "tam_reserved", TYPE_BYTES, "size of them" },
	[PS_TAM_COMMITTED] = { "TAM", "tam_committed", TYPE_BYTES, "pages present in them" },
	[PS_TAM_SWAPPED] = { "TAMSWAPPED", "tam_swapped", TYPE_BYTES, "pages of them in swap" },
	[PS_MM] = { "MM", "mm_id", TYPE_ADDRESS, "equal: the same address space" },
	[PS_COMMAND] = { "COMMAND", "command", TYPE_NAME, "name of the process" },
};

static const size_t defaults[] = {
	PS_PID, PS_USER, PS_RESERVED, PS_COMMITTED, PS_PERCENT, PS_SWAPPED,
	PS_SCORE, PS_TAM_COMMITTED, PS_COMMAND,
};

/* What was asked for */
struct selection {
	size_t columns[64];
	size_t column_count;
	bool sorted, descending;
	size_t sort;
	pid_t *pids;		/* NULL: those with memory */
	size_t pid_count;
	bool all;		/* a PID of 0 */
	bool by_user;
	uint32_t uid;
	bool tamalloc;
	bool help;		/* -o help */
};

static const char *oom_state(unsigned int state)
{
	static const char *const names[] = {
		[TAM_OOM_ELIGIBLE] = "eligible",
		[TAM_OOM_INIT] = "init",
		[TAM_OOM_KTHREAD] = "kthread",
		[TAM_OOM_NO_MM] = "no-mm",
		[TAM_OOM_DISABLED] = "disabled",
		[TAM_OOM_SKIP] = "reaped",
		[TAM_OOM_VFORK] = "vfork",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "other";
}

static void set_amounts(struct table *table, const struct tam_process_stats *s,
			const struct books *books)
{
	size_t column;

	if (s->valid & TAM_VALID_MM) {
		table_number(table, PS_RESERVED, s->reserved);
		table_number(table, PS_COMMITTED, s->committed);
		table_percent(table, PS_PERCENT, s->committed, s->reserved);
		table_percent(table, PS_RAM, s->committed,
			      books->system.ram_total);
		table_number(table, PS_SWAPPED, s->swapped);
		table_number(table, PS_TABLES, s->page_tables);
	}
	if (s->valid & TAM_VALID_TAM) {
		table_number(table, PS_TAM_MAPPINGS, s->tam_mappings);
		table_number(table, PS_TAM_RESERVED, s->tam_reserved);
		table_number(table, PS_TAM_COMMITTED, s->tam_committed);
		table_number(table, PS_TAM_SWAPPED, s->tam_swapped);
		return;
	}
	for (column = PS_TAM_MAPPINGS; column <= PS_TAM_SWAPPED; column++)
		table_key(table, column, true);
}

static void set_process(struct table *table, const struct process *p,
			const struct books *books)
{
	const struct tam_process_stats *s = &p->stats;

	table_number(table, PS_PID, s->pid);
	table_number(table, PS_PPID, s->ppid);
	table_number(table, PS_UID, s->uid);
	table_text(table, PS_USER, user_name(s->uid));
	table_text(table, PS_COMMAND, s->comm);
	set_amounts(table, s, books);
	if (p->score >= 0)
		table_number(table, PS_SCORE, p->score);
	if (s->valid & TAM_VALID_OOM)
		table_number(table, PS_ADJ, s->oom_score_adj);
	/* Without the module these and the address space are not known. */
	if (!books->module || !(s->valid & TAM_VALID_OOM))
		return;
	table_text(table, PS_OOM, oom_state(s->oom_state));
	if (!(s->valid & TAM_VALID_MM))
		return;
	table_number(table, PS_USAGE, s->oom_usage);
	table_number(table, PS_MM, (int64_t)s->mm_id);
}

struct table *ps_table(const struct books *books,
		       const struct process **processes, size_t count)
{
	struct table *table = table_new("processes", ps_columns, PS_COLUMNS);
	size_t i;

	if (options.format == FORMAT_TEXT)
		table_show(table, defaults, ARRAY_SIZE(defaults));
	for (i = 0; i < count; i++) {
		table_row(table);
		set_process(table, processes[i], books);
	}
	return table;
}

/*
 * Arguments
 */

static bool find_column(const char *name, size_t *column)
{
	for (*column = 0; *column < PS_COLUMNS; ++*column)
		if (!strcasecmp(name, ps_columns[*column].heading) ||
		    !strcasecmp(name, ps_columns[*column].key))
			return true;
	return false;
}

static int no_column(const char *name)
{
	return usage_error("no column \"%s\": 'tamstat ps -o help' lists them",
			   name);
}

static int list_columns(void)
{
	size_t i;

	for (i = 0; i < PS_COLUMNS; i++)
		printf("%-12s %-18s %s\n", ps_columns[i].heading,
		       ps_columns[i].key, ps_columns[i].help);
	return EXIT_OK;
}

/* The next of words with commas between, and perhaps blanks; NULL: no more */
static char *next_word(char **list)
{
	char *word = strsep(list, ","), *end;

	if (!word)
		return NULL;
	word += strspn(word, " ");
	for (end = word + strlen(word); end > word && end[-1] == ' '; end--)
		end[-1] = '\0';
	return word;
}

static int take_columns(struct selection *wanted, char *list)
{
	size_t max = ARRAY_SIZE(wanted->columns);
	char *name;

	if (!strcmp(list, "help"))
		wanted->help = true;
	while (!wanted->help && (name = next_word(&list))) {
		if (wanted->column_count == max)
			return usage_error("more than %zu columns", max);
		if (!find_column(name, &wanted->columns[wanted->column_count++]))
			return no_column(name);
	}
	return EXIT_OK;
}

static int take_sort(struct selection *wanted, const char *name)
{
	const char *bare = name + (*name == '+' || *name == '-');
	enum type type;

	if (!find_column(bare, &wanted->sort))
		return no_column(bare);
	type = ps_columns[wanted->sort].type;
	wanted->sorted = true;
	wanted->descending = *name == '-' ||
		(*name != '+' && type != TYPE_TEXT && type != TYPE_NAME &&
		 type != TYPE_ID);
	return EXIT_OK;
}

static int take_pids(struct selection *wanted, char *list)
{
	unsigned long pid;
	char *text;

	while ((text = next_word(&list))) {
		if (!parse_number(text, INT_MAX, &pid))
			return usage_error("\"%s\" is not a PID: -p takes numbers with commas between",
					   text);
		wanted->all |= !pid;
		wanted->pids = xrealloc(wanted->pids, (wanted->pid_count + 1) *
					sizeof(*wanted->pids));
		wanted->pids[wanted->pid_count++] = (pid_t)pid;
	}
	return EXIT_OK;
}

static int take_option(struct selection *wanted, int c)
{
	switch (c) {
	case 'p':
		return take_pids(wanted, optarg);
	case 's':
		return take_sort(wanted, optarg);
	case 'o':
		return take_columns(wanted, optarg);
	case 't':
		wanted->tamalloc = true;
		return EXIT_OK;
	default:
		wanted->by_user = true;
		if (parse_user(optarg, &wanted->uid))
			return EXIT_OK;
		return usage_error("no user \"%s\": -u takes a name or a number",
				   optarg);
	}
}

static int take_options(struct selection *wanted, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "sort", required_argument, NULL, 's' },
		{ "output", required_argument, NULL, 'o' },
		{ "user", required_argument, NULL, 'u' },
		{ "tamalloc", no_argument, NULL, 't' },
		{ 0 }
	};
	int c, ret = EXIT_OK;

	while (!ret && (c = next_option(argc, argv, "p:s:o:u:t", longs)) != -1)
		ret = take_option(wanted, c);
	if (!ret && optind < argc)
		ret = usage_error("ps takes no \"%s\": -p PID is for a process",
				  argv[optind]);
	return ret;
}

/*
 * Which processes
 */

static bool has_pid(const struct selection *wanted, pid_t pid)
{
	size_t i;

	for (i = 0; i < wanted->pid_count; i++)
		if (wanted->pids[i] == pid)
			return true;
	return false;
}

/* But for whether it has tamalloc mappings */
static bool is_wanted(const struct selection *wanted,
		      const struct tam_process_stats *s)
{
	if (wanted->by_user && s->uid != wanted->uid)
		return false;
	if (wanted->all)
		return true;
	if (wanted->pids)
		return has_pid(wanted, s->pid);
	return s->valid & TAM_VALID_MM;
}

static int by_pid(const void *key, const void *element)
{
	pid_t pid = *(const pid_t *)key;
	const struct process *p = element;

	return (pid > p->stats.pid) - (pid < p->stats.pid);
}

/* Says which of the PIDs are none. */
static int check_pids(const struct selection *wanted, const struct books *books)
{
	int ret = EXIT_OK;
	size_t i;

	for (i = 0; i < wanted->pid_count; i++)
		if (wanted->pids[i] &&
		    !bsearch(&wanted->pids[i], books->processes, books->count,
			     sizeof(*books->processes), by_pid))
			ret = process_failure(wanted->pids[i], ESRCH);
	return ret;
}

static bool shows_tam(const struct selection *wanted)
{
	size_t i;

	for (i = 0; i < wanted->column_count; i++)
		if (wanted->columns[i] >= PS_TAM_MAPPINGS &&
		    wanted->columns[i] <= PS_TAM_SWAPPED)
			return true;
	return wanted->tamalloc || !wanted->column_count;
}

/* Not to root, from whom nothing is hidden */
static void warn_hidden(const struct selection *wanted,
			const struct books *books)
{
	const struct tam_process_stats *s;
	uint64_t hidden = 0;
	size_t i;

	if (!books->module || !geteuid() || !shows_tam(wanted))
		return;
	for (i = 0; i < books->count; i++) {
		s = &books->processes[i].stats;
		hidden += is_wanted(wanted, s) && s->valid & TAM_VALID_MM &&
			  !(s->valid & TAM_VALID_TAM);
	}
	books_warn_incomplete(hidden);
}

static int none(const struct selection *wanted)
{
	if (!wanted->tamalloc)
		failure("no such process");
	else
		failure("no process with tamalloc mappings%s",
			geteuid() ? " that you may see" : "");
	return EXIT_NO_PROCESS;
}

static int print(const struct selection *wanted, const struct books *books)
{
	const struct tam_process_stats *s;
	const struct process **list;
	struct tam_process_stats sum;
	struct table *table;
	size_t i, count = 0;
	int ret;

	if (!books->module)
		books_warn(books->reason);
	list = xrealloc(NULL, (books->count + 1) * sizeof(*list));
	for (i = 0; i < books->count; i++) {
		s = &books->processes[i].stats;
		if (is_wanted(wanted, s) &&
		    (!wanted->tamalloc || s->tam_mappings))
			list[count++] = &books->processes[i];
	}

	table = ps_table(books, list, count);
	if (wanted->column_count)
		table_show(table, wanted->columns, wanted->column_count);
	if (wanted->sorted)
		table_sort(table, wanted->sort, wanted->descending);
	books_sum(list, count, &sum);
	free(list);
	table_total(table);
	sum.valid |= TAM_VALID_MM;	/* of none it is zero */
	set_amounts(table, &sum, books);

	ret = check_pids(wanted, books);
	if (count)
		warn_hidden(wanted, books);
	else if (!ret)
		ret = none(wanted);
	if (!count && options.format == FORMAT_TEXT) {
		table_free(table);
		return ret;
	}
	return table_print(&table, 1) ?: ret;
}

int cmd_ps(int argc, char **argv)
{
	struct selection wanted = { 0 };
	struct books books = { 0 };
	int ret = take_options(&wanted, argc, argv);

	if (!ret && wanted.help) {
		ret = list_columns();
	} else if (!ret) {
		ret = books_read(&books) ? books_failure() :
					   print(&wanted, &books);
		books_free(&books);
	}
	free(wanted.pids);
	return ret;
}
