// SPDX-License-Identifier: LGPL-2.1-or-later
/* table.c - rows and columns, printed as text, CSV or JSON */
#define _GNU_SOURCE
#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "tamstat.h"

/* Which member holds the value is told by the column's type. */
struct cell {
	bool set;
	bool key;	/* of JSON, also if it is not set */
	union {
		char *text;
		int64_t number;
		double percent;
	};
};

struct table {
	const char *name;
	const struct column *columns;
	size_t count;
	const size_t *shown;	/* indices of columns; NULL: all */
	size_t shown_count;
	struct cell **rows;
	size_t row_count;
	size_t room;
	struct cell *row;	/* the one that is being filled */
	struct cell *total;
	bool by_name;
};

struct table *table_new(const char *name, const struct column *columns,
			size_t count)
{
	struct table *table = xrealloc(NULL, sizeof(*table));

	*table = (struct table){
		.name = name, .columns = columns, .count = count,
		.shown_count = count,
	};
	return table;
}

static bool is_text(enum type type)
{
	return type == TYPE_TEXT || type == TYPE_NAME;
}

static void free_row(const struct table *table, struct cell *row)
{
	size_t i;

	for (i = 0; row && i < table->count; i++)
		if (row[i].set && is_text(table->columns[i].type))
			free(row[i].text);
	free(row);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	table_limit(table, 0);
	free_row(table, table->total);
	free(table->rows);
	free(table);
}

static struct cell *new_row(struct table *table, bool key)
{
	size_t size = table->count * sizeof(*table->row), i;

	table->row = memset(xrealloc(NULL, size), 0, size);
	for (i = 0; i < table->count; i++)
		table->row[i].key = key;
	return table->row;
}

void table_row(struct table *table)
{
	if (table->row_count == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->rows = xrealloc(table->rows,
				       table->room * sizeof(*table->rows));
	}
	table->rows[table->row_count++] = new_row(table, true);
}

void table_total(struct table *table)
{
	table->total = new_row(table, false);
}

void table_key(struct table *table, size_t column, bool present)
{
	table->row[column].key = present;
}

void table_text(struct table *table, size_t column, const char *text)
{
	table->row[column].text = format_name(text);
	table->row[column].set = true;
}

void table_number(struct table *table, size_t column, int64_t value)
{
	table->row[column].number = value;
	table->row[column].set = true;
}

void table_percent(struct table *table, size_t column, uint64_t part,
		   uint64_t whole)
{
	table->row[column].key = true;
	if (!whole)
		return;
	table->row[column].percent = 100.0 * part / whole;
	table->row[column].set = true;
}

void table_by_name(struct table *table)
{
	table->by_name = true;
}

void table_show(struct table *table, const size_t *columns, size_t count)
{
	table->shown = columns;
	table->shown_count = count;
}

void table_limit(struct table *table, size_t count)
{
	while (table->row_count > count)
		free_row(table, table->rows[--table->row_count]);
}

/* The column shown as number @i */
static size_t shown(const struct table *table, size_t i)
{
	return table->shown ? table->shown[i] : i;
}

/*
 * Sorting
 */

struct order {
	const struct column *columns;
	size_t column;
	bool descending;
};

static int compare_values(const struct cell *a, const struct cell *b,
			  enum type type)
{
	switch (type) {
	case TYPE_TEXT:
	case TYPE_NAME:
		return strcoll(a->text, b->text);
	case TYPE_PERCENT:
		return (a->percent > b->percent) - (a->percent < b->percent);
	default:
		return (a->number > b->number) - (a->number < b->number);
	}
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct cell *x = *(struct cell *const *)a;
	const struct cell *y = *(struct cell *const *)b;
	const struct order *order = data;
	size_t c = order->column;
	int sign;

	if (!x[c].set || !y[c].set)
		sign = y[c].set - x[c].set;
	else if (order->descending)
		sign = compare_values(&y[c], &x[c], order->columns[c].type);
	else
		sign = compare_values(&x[c], &y[c], order->columns[c].type);
	return sign ? sign : compare_values(x, y, order->columns[0].type);
}

void table_sort(struct table *table, size_t column, bool descending)
{
	struct order order = {
		.columns = table->columns,
		.column = column,
		.descending = descending,
	};

	if (table->row_count)
		qsort_r(table->rows, table->row_count, sizeof(*table->rows),
			compare_rows, &order);
}

/*
 * JSON
 */

static json_t *json_cell(const struct cell *cell, enum type type)
{
	char hex[FORMAT_MAX];

	switch (type) {
	case TYPE_TEXT:
	case TYPE_NAME:
		return json_string(cell->text);
	case TYPE_PERCENT:
		return json_real(cell->percent);
	case TYPE_ADDRESS:	/* more than the numbers of JavaScript hold */
		snprintf(hex, sizeof(hex), "0x%" PRIx64, (uint64_t)cell->number);
		return json_string(hex);
	case TYPE_BOOLEAN:
		return json_boolean(cell->number);
	default:
		return json_integer(cell->number);
	}
}

static json_t *json_row(const struct table *table, const struct cell *row)
{
	json_t *object = json_object();
	const struct column *column;
	size_t i, c;

	for (i = 0; i < table->shown_count; i++) {
		c = shown(table, i);
		column = &table->columns[c];
		if (row[c].set)
			json_object_set_new(object, column->key,
					    json_cell(&row[c], column->type));
		else if (row[c].key)
			json_object_set_new(object, column->key, json_null());
	}
	return object;
}

static json_t *json_rows(const struct table *table)
{
	json_t *rows = table->by_name ? json_object() : json_array();
	json_t *row;
	size_t i;

	for (i = 0; i < table->row_count; i++) {
		row = json_row(table, table->rows[i]);
		if (table->by_name) {
			json_object_del(row, table->columns[0].key);
			json_object_set_new(rows, table->rows[i][0].text, row);
		} else {
			json_array_append_new(rows, row);
		}
	}
	return rows;
}

static int print_json(struct table **tables, size_t count)
{
	json_t *root = json_object();
	size_t i;
	int err;

	for (i = 0; i < count; i++) {
		json_object_set_new(root, tables[i]->name, json_rows(tables[i]));
		if (tables[i]->total)
			json_object_set_new(root, "total",
					    json_row(tables[i], tables[i]->total));
	}
	err = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(root);
	putchar('\n');
	/* main() sees to what could not be written. */
	return err && !ferror(stdout) ? failure("no memory") : EXIT_OK;
}

/*
 * CSV, quoted as RFC 4180 says; lines end as Unix lines do
 */

static void print_quoted(const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void print_csv_cell(const struct cell *cell, enum type type)
{
	if (!cell->set)
		return;
	switch (type) {
	case TYPE_TEXT:
	case TYPE_NAME:
		print_quoted(cell->text);
		break;
	case TYPE_PERCENT:
		printf("%.6g", cell->percent);
		break;
	case TYPE_ADDRESS:
		printf("0x%" PRIx64, (uint64_t)cell->number);
		break;
	default:
		printf("%" PRId64, cell->number);
	}
}

static void print_csv(const struct table *table)
{
	size_t row, i, c;

	for (i = 0; options.headings && i < table->shown_count; i++)
		printf("%s%s", i ? "," : "", table->columns[shown(table, i)].key);
	if (options.headings)
		putchar('\n');
	for (row = 0; row < table->row_count; row++) {
		for (i = 0; i < table->shown_count; i++) {
			c = shown(table, i);
			if (i)
				putchar(',');
			print_csv_cell(&table->rows[row][c], table->columns[c].type);
		}
		putchar('\n');
	}
}

/*
 * Text
 */

static const char *text_cell(const struct cell *cell, enum type type,
			     char buf[FORMAT_MAX])
{
	if (!cell->set)
		return cell->key ? "-" : "";
	switch (type) {
	case TYPE_TEXT:
	case TYPE_NAME:
		return cell->text;
	case TYPE_BYTES:
		return format_bytes(buf, (uint64_t)cell->number);
	case TYPE_PERCENT:
		snprintf(buf, FORMAT_MAX, "%.1f", cell->percent);
		break;
	case TYPE_ADDRESS:
		snprintf(buf, FORMAT_MAX, "%" PRIx64, (uint64_t)cell->number);
		break;
	case TYPE_BOOLEAN:
		return cell->number ? "yes" : "no";
	default:
		snprintf(buf, FORMAT_MAX, "%" PRId64, cell->number);
	}
	return buf;
}

static struct libscols_table *text_table(const struct table *table)
{
	struct libscols_table *text = scols_new_table();
	unsigned int width = format_width();
	bool colours = format_colours(stdout);
	const struct column *column;
	struct libscols_column *c;
	size_t i;

	if (!text)
		exit(failure("no memory"));
	scols_table_enable_noheadings(text, !options.headings);
	scols_table_enable_noencoding(text, true);	/* format_name() */
	scols_table_set_termforce(text, width ? SCOLS_TERMFORCE_ALWAYS :
						SCOLS_TERMFORCE_NEVER);
	scols_table_set_termwidth(text, width);
	scols_table_enable_minout(text, true);
	scols_table_enable_colors(text, colours);
	for (i = 0; i < table->shown_count; i++) {
		column = &table->columns[shown(table, i)];
		c = scols_table_new_column(text, column->heading, 0,
					   column->type == TYPE_NAME ? SCOLS_FL_TRUNC :
					   column->type == TYPE_TEXT ? 0 : SCOLS_FL_RIGHT);
		if (!c)
			exit(failure("no memory"));
		if (colours)
			scols_cell_set_color(scols_column_get_header(c), "bold");
	}
	return text;
}

static struct libscols_line *text_row(const struct table *table,
				      const struct cell *row,
				      struct libscols_table *text)
{
	struct libscols_line *line = scols_table_new_line(text, NULL);
	char buf[FORMAT_MAX];
	const char *value;
	size_t i, c;

	for (i = 0; i < table->shown_count; i++) {
		c = shown(table, i);
		value = text_cell(&row[c], table->columns[c].type, buf);
		if (!line || scols_line_set_data(line, i, value))
			exit(failure("no memory"));
	}
	return line;
}

/* Where the sum has nothing to say there is room for the word. */
static void text_total(const struct table *table, struct libscols_table *text)
{
	struct libscols_line *line = text_row(table, table->total, text);
	size_t i;

	for (i = 0; i < table->shown_count; i++) {
		if (!table->total[shown(table, i)].set) {
			scols_line_set_data(line, i, "total");
			break;
		}
	}
	if (format_colours(stdout))
		scols_line_set_color(line, "bold");
}

static void print_text(const struct table *table)
{
	struct libscols_table *text = text_table(table);
	size_t i;

	for (i = 0; i < table->row_count; i++)
		text_row(table, table->rows[i], text);
	if (table->total)
		text_total(table, text);
	scols_print_table(text);
	scols_unref_table(text);
}

int table_print(struct table **tables, size_t count)
{
	int ret = EXIT_OK;
	size_t i;

	if (options.format == FORMAT_JSON)
		ret = print_json(tables, count);
	for (i = 0; i < count; i++) {
		if (options.format != FORMAT_JSON && i)
			putchar('\n');
		if (options.format == FORMAT_TEXT)
			print_text(tables[i]);
		else if (options.format == FORMAT_CSV)
			print_csv(tables[i]);
		table_free(tables[i]);
	}
	return ret;
}
