// SPDX-License-Identifier: LGPL-2.1-or-later
/* summary.c - one screen: memory, what processes have of it, and who most */
#include <stdlib.h>
#include <unistd.h>

#include "ps.h"

#define LARGEST		10	/* processes; all fits on 24 lines */

enum {
	MEM_WHAT, MEM_TOTAL, MEM_USED, MEM_PERCENT, MEM_LEFT, MEM_NOTE, MEM_MODE,
	MEM_COLUMNS
};

static const struct column memory_columns[] = {
	[MEM_WHAT] = { "MEMORY", "what", TYPE_TEXT, NULL },
	[MEM_TOTAL] = { "TOTAL", "total", TYPE_BYTES, NULL },
	[MEM_USED] = { "USED", "used", TYPE_BYTES, NULL },
	[MEM_PERCENT] = { "%USED", "used_percent", TYPE_PERCENT, NULL },
	[MEM_LEFT] = { "AVAILABLE", "available", TYPE_BYTES, NULL },
	[MEM_NOTE] = { "NOTE", "note", TYPE_NAME, NULL },
	[MEM_MODE] = { "MODE", "overcommit", TYPE_NUMBER, NULL },
};

/* For people a note says what for programs is a number. */
static const size_t memory_text[] = {
	MEM_WHAT, MEM_TOTAL, MEM_USED, MEM_PERCENT, MEM_LEFT, MEM_NOTE,
};

static const size_t memory_data[] = {
	MEM_WHAT, MEM_TOTAL, MEM_USED, MEM_PERCENT, MEM_LEFT, MEM_MODE,
};

enum {
	SUM_WHAT, SUM_PROCESSES, SUM_MAPPINGS, SUM_RESERVED, SUM_RESERVED_RAM,
	SUM_COMMITTED, SUM_COMMITTED_RAM, SUM_SWAPPED, SUM_OBJECTS, SUM_COLUMNS
};

static const struct column sum_columns[] = {
	[SUM_WHAT] = { "SUM", "what", TYPE_TEXT, NULL },
	[SUM_PROCESSES] = { "PROCESSES", "processes", TYPE_NUMBER, NULL },
	[SUM_MAPPINGS] = { "MAPPINGS", "mappings", TYPE_NUMBER, NULL },
	[SUM_RESERVED] = { "RESERVED", "reserved", TYPE_BYTES, NULL },
	[SUM_RESERVED_RAM] = { "%RAM", "reserved_percent", TYPE_PERCENT, NULL },
	[SUM_COMMITTED] = { "COMMITTED", "committed", TYPE_BYTES, NULL },
	[SUM_COMMITTED_RAM] = { "%RAM", "committed_percent", TYPE_PERCENT, NULL },
	[SUM_SWAPPED] = { "SWAPPED", "swapped", TYPE_BYTES, NULL },
	[SUM_OBJECTS] = { "OBJECTS", "objects", TYPE_NUMBER, NULL },
};

static void memory_row(struct table *table, const char *what, bool known,
		       uint64_t total, uint64_t used, const char *note)
{
	table_row(table);
	table_text(table, MEM_WHAT, what);
	table_text(table, MEM_NOTE, note);
	table_key(table, MEM_MODE, false);
	if (!known)
		return;
	table_number(table, MEM_TOTAL, total);
	table_number(table, MEM_USED, used);
	table_percent(table, MEM_PERCENT, used, total);
	table_number(table, MEM_LEFT, used < total ? total - used : 0);
}

static const char *overcommit(unsigned int mode)
{
	static const char *const notes[] = {
		"overcommit mode 0 (heuristic)",
		"overcommit mode 1 (always)",
		"overcommit mode 2 (never beyond TOTAL)",
	};

	return mode < 3 ? notes[mode] : "";
}

static struct table *memory_table(const struct books *books)
{
	const struct tam_system_stats *s = &books->system;
	struct table *table = table_new("memory", memory_columns, MEM_COLUMNS);
	bool meminfo = s->valid & TAM_VALID_MEMINFO;
	char cap[FORMAT_MAX], held[64];

	table_by_name(table);
	if (options.format == FORMAT_TEXT)
		table_show(table, memory_text,
			   ARRAY_SIZE(memory_text));
	else
		table_show(table, memory_data,
			   ARRAY_SIZE(memory_data));
	memory_row(table, "ram", true, s->ram_total, s->ram_used, "");
	memory_row(table, "swap", meminfo, s->swap_total,
		   s->swap_total - s->swap_free, "");
	memory_row(table, "commit", meminfo, s->commit_limit, s->commit_charge,
		   meminfo ? overcommit(s->overcommit) : "");
	table_key(table, MEM_MODE, true);
	if (meminfo)
		table_number(table, MEM_MODE, s->overcommit);
	snprintf(held, sizeof(held), "pages stored in objects; cap %s",
		 format_bytes(cap, s->tam_cap));
	memory_row(table, "held", books->module, s->tam_cap, s->tam_held,
		   books->module ? held : "");
	return table;
}

static void set_sum(struct table *table, uint64_t processes, uint64_t reserved,
		    uint64_t committed, uint64_t swapped, uint64_t ram)
{
	table_number(table, SUM_PROCESSES, processes);
	table_number(table, SUM_RESERVED, reserved);
	table_percent(table, SUM_RESERVED_RAM, reserved, ram);
	table_number(table, SUM_COMMITTED, committed);
	table_percent(table, SUM_COMMITTED_RAM, committed, ram);
	table_number(table, SUM_SWAPPED, swapped);
}

static struct table *sum_table(const struct books *books)
{
	const struct tam_system_stats *s = &books->system;
	struct table *table = table_new("sum", sum_columns, SUM_COLUMNS);

	table_by_name(table);
	table_row(table);
	table_text(table, SUM_WHAT, "all");
	set_sum(table, s->processes, s->reserved, s->committed, s->swapped,
		s->ram_total);
	table_row(table);
	table_text(table, SUM_WHAT, "tamalloc");
	if (books->module) {
		set_sum(table, s->tam_processes, s->tam_reserved,
			s->tam_committed, s->tam_swapped, s->ram_total);
		table_number(table, SUM_MAPPINGS, s->tam_mappings);
		table_number(table, SUM_OBJECTS, s->tam_objects);
	}
	return table;
}

static struct table *largest_table(const struct books *books)
{
	const struct process **list;
	struct table *table;
	size_t i, count = 0;

	list = xrealloc(NULL, (books->count + 1) * sizeof(*list));
	for (i = 0; i < books->count; i++)
		if (books->processes[i].stats.valid & TAM_VALID_MM)
			list[count++] = &books->processes[i];
	table = ps_table(books, list, count);
	free(list);
	table_sort(table, PS_COMMITTED, true);
	table_limit(table, LARGEST);
	return table;
}

int cmd_summary(int argc, char **argv)
{
	struct books books = { 0 };
	struct table *tables[3];

	while (next_option(argc, argv, "", NULL) != -1)
		;
	if (optind < argc)
		return usage_error("the summary takes no \"%s\"", argv[optind]);
	if (books_read(&books))
		return books_failure();
	if (!books.module)
		books_warn(books.reason);
	books_warn_incomplete(books.system.incomplete);
	tables[0] = memory_table(&books);
	tables[1] = sum_table(&books);
	tables[2] = largest_table(&books);
	books_free(&books);
	return table_print(tables, 3);
}
