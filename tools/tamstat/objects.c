// SPDX-License-Identifier: LGPL-2.1-or-later
/* objects.c - tamalloc objects */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "tamstat.h"

enum { ID, PID, UID, USER, PATTERN, HELD, MAPPED, NAME, COLUMNS };

static const struct column columns[COLUMNS] = {
	[ID] = { "OBJECT", "object", TYPE_ID, NULL },
	[PID] = { "PID", "pid", TYPE_ID, NULL },
	[UID] = { "UID", "uid", TYPE_ID, NULL },
	[USER] = { "USER", "user", TYPE_NAME, NULL },
	[PATTERN] = { "PATTERN", "pattern_len", TYPE_BYTES, NULL },
	[HELD] = { "HELD", "held", TYPE_BYTES, NULL },
	[MAPPED] = { "MAPPED", "mapped", TYPE_BOOLEAN, NULL },
	[NAME] = { "NAME", "name", TYPE_NAME, NULL },
};

static void add_object(struct table *table, const struct tam_object_stats *o)
{
	table_row(table);
	table_number(table, ID, o->id);
	table_number(table, PID, o->pid);
	table_number(table, UID, o->uid);
	table_text(table, USER, user_name(o->uid));
	table_number(table, PATTERN, o->pattern_len);
	table_number(table, HELD, o->held);
	table_number(table, MAPPED, o->mapped);
	table_text(table, NAME, o->name);
}

/* To those who see their own only */
static void warn_hidden(uint64_t count)
{
	struct books books = { 0 };
	uint64_t all = 0;

	if (geteuid() && !books_read_system(&books))
		all = books.system.tam_objects;
	if (all > count)
		note("%" PRIu64 " object%s of others %s not yours to see: run as root for all",
		     all - count, all - count == 1 ? "" : "s",
		     all - count == 1 ? "is" : "are");
	books_free(&books);
}

/* @own: tamstat's object, which is left out */
static int print(uint64_t own)
{
	struct table *table = table_new("objects", columns, COLUMNS);
	struct tam_iter *it = tam_iter_objects();
	uint64_t held = 0, count = 0;
	struct tam_object_stats o;
	int got = -1, err;

	while (it && (got = tam_iter_next(it, &o, sizeof(o))) > 0) {
		if (o.id == own)
			continue;
		count++;
		add_object(table, &o);
		held += o.held;
	}
	err = errno;
	tam_iter_free(it);
	if (got) {
		table_free(table);
		return failure("%s", error_text(err));
	}
	warn_hidden(count);
	table_total(table);
	table_number(table, HELD, held);
	return table_print(&table, 1);
}

int cmd_objects(int argc, char **argv)
{
	struct tam_query query;

	while (next_option(argc, argv, "", NULL) != -1)
		;
	if (optind < argc)
		return usage_error("objects takes no \"%s\"", argv[optind]);
	if (tam_query(&query, sizeof(query)))
		return failure("%s", error_text(errno));
	return print(query.object);
}
