// SPDX-License-Identifier: LGPL-2.1-or-later
/* maps.c - tamalloc mappings of a process */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include "tamstat.h"

enum {
	RANGE, START, END, PERMISSIONS, OFFSET, OBJECT, RESERVED, COMMITTED,
	PERCENT, SWAPPED, LOCKED, NAME, COLUMNS
};

static const struct column columns[COLUMNS] = {
	[RANGE] = { "ADDRESSES", "addresses", TYPE_TEXT, NULL },
	[START] = { "START", "start", TYPE_ADDRESS, NULL },
	[END] = { "END", "end", TYPE_ADDRESS, NULL },
	[PERMISSIONS] = { "PERM", "permissions", TYPE_TEXT, NULL },
	[OFFSET] = { "OFFSET", "offset", TYPE_ADDRESS, NULL },
	[OBJECT] = { "OBJ", "object", TYPE_ID, NULL },
	[RESERVED] = { "RESERVED", "reserved", TYPE_BYTES, NULL },
	[COMMITTED] = { "COMMITTED", "committed", TYPE_BYTES, NULL },
	[PERCENT] = { "%", "committed_percent", TYPE_PERCENT, NULL },
	[SWAPPED] = { "SWAP", "swapped", TYPE_BYTES, NULL },
	[LOCKED] = { "LOCKED", "locked", TYPE_BOOLEAN, NULL },
	[NAME] = { "NAME", "name", TYPE_NAME, NULL },
};

/* A range is one word for people, two numbers for programs. */
static const size_t text_columns[] = {
	RANGE, PERMISSIONS, OFFSET, OBJECT, RESERVED, COMMITTED, PERCENT,
	SWAPPED, NAME,
};

static const size_t data_columns[] = {
	START, END, PERMISSIONS, OFFSET, OBJECT, RESERVED, COMMITTED, PERCENT,
	SWAPPED, LOCKED, NAME,
};

static void set_amounts(struct table *table, const struct tam_mapping_stats *m)
{
	table_number(table, RESERVED, m->len);
	table_number(table, COMMITTED, m->committed);
	table_percent(table, PERCENT, m->committed, m->len);
	table_number(table, SWAPPED, m->swapped);
}

static void add_mapping(struct table *table, const struct tam_mapping_stats *m)
{
	char text[64];

	table_row(table);
	snprintf(text, sizeof(text), "%" PRIx64 "-%" PRIx64, (uint64_t)m->start,
		 (uint64_t)(m->start + m->len));
	table_text(table, RANGE, text);
	table_number(table, START, m->start);
	table_number(table, END, m->start + m->len);
	table_text(table, PERMISSIONS, format_permissions(text, m->flags));
	table_number(table, OFFSET, m->offset);
	table_number(table, OBJECT, m->object);
	table_number(table, LOCKED, !!(m->flags & TAM_MAPPING_LOCKED));
	table_text(table, NAME, m->name);
	set_amounts(table, m);
}

static int print(pid_t pid)
{
	struct table *table = table_new("mappings", columns, COLUMNS);
	struct tam_iter *it = tam_iter_mappings(pid);
	struct tam_mapping_stats m, sum = { 0 };
	int got = -1, err;

	if (options.format == FORMAT_TEXT)
		table_show(table, text_columns,
			   ARRAY_SIZE(text_columns));
	else
		table_show(table, data_columns,
			   ARRAY_SIZE(data_columns));
	while (it && (got = tam_iter_next(it, &m, sizeof(m))) > 0) {
		add_mapping(table, &m);
		sum.len += m.len;
		sum.committed += m.committed;
		sum.swapped += m.swapped;
	}
	err = errno;
	tam_iter_free(it);
	if (got) {
		table_free(table);
		return process_failure(pid, err);
	}
	table_total(table);
	set_amounts(table, &sum);
	return table_print(&table, 1);
}

int cmd_maps(int argc, char **argv)
{
	unsigned long pid;

	while (next_option(argc, argv, "", NULL) != -1)
		;
	if (argc - optind != 1)
		return usage_error("maps takes one PID");
	if (!parse_number(argv[optind], INT_MAX, &pid) || !pid)
		return usage_error("\"%s\" is not a PID", argv[optind]);
	return print((pid_t)pid);
}
