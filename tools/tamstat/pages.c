// SPDX-License-Identifier: LGPL-2.1-or-later
/* pages.c - which pages of a mapping are committed */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tamstat.h"

#define MAX_LINES	16
#define LABEL		13	/* an address and a space */

enum { START, LENGTH, STATE, COLUMNS };

static const struct column columns[COLUMNS] = {
	[START] = { "START", "start", TYPE_ADDRESS, NULL },
	[LENGTH] = { "LENGTH", "length", TYPE_BYTES, NULL },
	[STATE] = { "STATE", "state", TYPE_TEXT, NULL },
};

/* Of a mapping: cells of equal size, a power of two, from left to right */
struct picture {
	uint64_t start;
	uint64_t len;
	uint64_t cell;		/* bytes */
	size_t width;		/* cells in a line */
	size_t count;		/* cells in all */
	struct { uint64_t committed, swapped; } *cells;
};

static void picture_init(struct picture *p, const struct tam_mapping_stats *m,
			 uint64_t page)
{
	unsigned int width = format_width() ?: 80;
	size_t size;

	*p = (struct picture){ .start = m->start, .len = m->len, .cell = page };
	/* A power of two as well, so that lines begin at round addresses. */
	for (p->width = 8; p->width * 2 + LABEL <= width; p->width *= 2)
		;
	while ((m->len - 1) / p->cell >= p->width * MAX_LINES)
		p->cell *= 2;
	p->count = (size_t)((m->len - 1) / p->cell + 1);
	size = p->count * sizeof(*p->cells);
	p->cells = memset(xrealloc(NULL, size), 0, size);
}

static void paint(struct picture *p, const struct tam_extent *e)
{
	uint64_t at = e->start - p->start, end = at + e->len, next;
	size_t i;

	for (; at < end; at = next) {
		i = (size_t)(at / p->cell);
		next = (i + 1) * p->cell;
		if (next > end)
			next = end;
		if (e->state == TAM_PAGE_SWAPPED)
			p->cells[i].swapped += next - at;
		else
			p->cells[i].committed += next - at;
	}
}

/* none, up to a third, up to two thirds, less than all, all, in swap */
static const char *const utf8[] = { "·", "░", "▒", "▓", "█", "s" };
static const char *const ascii[] = { ".", "-", "+", "*", "#", "s" };

static unsigned int shade(const struct picture *p, size_t i)
{
	uint64_t committed = p->cells[i].committed, size = p->cell;

	if (i == p->count - 1)	/* perhaps not a whole one */
		size = p->len - i * p->cell;
	if (p->cells[i].swapped > committed)
		return 5;
	if (!committed || committed == size)
		return committed ? 4 : 0;
	return 1 + (unsigned int)(3.0 * (committed - 1) / size);
}

static void print_legend(const struct picture *p, bool shades,
			 const char *const *marks)
{
	char buf[FORMAT_MAX];

	if (!options.headings)
		return;
	if (shades)
		printf("%s none  %s up to 1/3  %s up to 2/3  %s more  %s all  %s swap; each is %s\n",
		       marks[0], marks[1], marks[2], marks[3], marks[4],
		       marks[5], format_bytes(buf, p->cell));
	else
		printf("%s not committed  %s committed  %s in swap; each is a page\n",
		       marks[0], marks[4], marks[5]);
}

/* Cells, from the first of a line on, that are in lines without pages */
static size_t empty_lines(const struct picture *p, size_t i)
{
	size_t end = i;

	while (end < p->count && !shade(p, end))
		end++;
	return end == p->count ? end - i : (end - i) / p->width * p->width;
}

/* More than two lines without pages are one "*", as od(1) has it. */
static void print_picture(const struct picture *p, uint64_t page)
{
	const char *const *marks = format_utf8() ? utf8 : ascii;
	size_t i = 0, end;

	while (i < p->count) {
		end = i + empty_lines(p, i);
		if (end > i + 2 * p->width) {
			puts("*");
			i = end;
			continue;
		}
		printf("%012" PRIx64 " ", p->start + i * p->cell);
		end = i + p->width;
		for (; i < p->count && i < end; i++)
			fputs(marks[shade(p, i)], stdout);
		putchar('\n');
	}
	print_legend(p, p->cell > page, marks);
}

static void print_heading(const struct tam_mapping_stats *m)
{
	char buf[FORMAT_MAX], *name = format_name(m->name);

	if (options.headings) {
		printf("%" PRIx64 "-%" PRIx64 " %s object %" PRIu64 "%s%s\n",
		       (uint64_t)m->start, (uint64_t)(m->start + m->len),
		       format_permissions(buf, m->flags), (uint64_t)m->object,
		       *name ? " " : "", name);
		printf("%s reserved, ", format_bytes(buf, m->len));
		printf("%s committed ", format_bytes(buf, m->committed));
		printf("(%s %%), ", format_percent(buf, m->committed, m->len));
		printf("%s swapped\n", format_bytes(buf, m->swapped));
	}
	free(name);
}

/* To the mapping, whatever the kernel may have done in between. */
static bool clip(struct tam_extent *e, const struct tam_mapping_stats *m)
{
	uint64_t end = e->start + e->len;

	if (end > m->start + m->len)
		end = m->start + m->len;
	if (e->start < m->start)
		e->start = m->start;
	e->len = end - e->start;
	return e->start < end;
}

static void add_extent(struct table *table, const struct tam_extent *e)
{
	table_row(table);
	table_number(table, START, e->start);
	table_number(table, LENGTH, e->len);
	table_text(table, STATE,
		   e->state == TAM_PAGE_SWAPPED ? "swapped" : "committed");
}

static int show(pid_t pid, struct tam_mapping_stats *m, uint64_t page)
{
	struct tam_iter *it = tam_iter_pages(pid, m->start, m->start + m->len);
	struct table *table = table_new("extents", columns, COLUMNS);
	bool text = options.format == FORMAT_TEXT;
	int got = -1, err, ret = EXIT_OK;
	struct picture picture;
	struct tam_extent e;

	picture_init(&picture, m, page);
	m->committed = m->swapped = 0;	/* those of the picture */
	while (it && (got = tam_iter_next(it, &e, sizeof(e))) > 0) {
		if (!clip(&e, m))
			continue;
		if (e.state == TAM_PAGE_SWAPPED)
			m->swapped += e.len;
		else
			m->committed += e.len;
		if (text)
			paint(&picture, &e);
		else
			add_extent(table, &e);
	}
	err = errno;
	tam_iter_free(it);
	if (got) {
		ret = process_failure(pid, err);
	} else if (text) {
		print_heading(m);
		print_picture(&picture, page);
	} else {
		ret = table_print(&table, 1);
		table = NULL;
	}
	table_free(table);
	free(picture.cells);
	return ret;
}

/* The mapping with @address; 0: there is none */
static int find_mapping(pid_t pid, uint64_t address, struct tam_mapping_stats *m)
{
	struct tam_iter *it = tam_iter_mappings(pid);
	int got = -1, err;

	while (it && (got = tam_iter_next(it, m, sizeof(*m))) > 0)
		if (address >= m->start && address - m->start < m->len)
			break;
	err = errno;
	tam_iter_free(it);
	errno = err;
	return got;
}

/* Hexadecimal; also the start of a range, as maps prints it */
static bool parse_address(const char *text, uint64_t *address)
{
	uint64_t last;
	char *end;

	errno = 0;
	*address = strtoull(text, &end, 16);
	if (!isxdigit((unsigned char)*text) || errno)
		return false;
	return !*end || (*end == '-' && !strchr(end + 1, '-') &&
			 parse_address(end + 1, &last));
}

int cmd_pages(int argc, char **argv)
{
	struct tam_mapping_stats m;
	struct tam_query query;
	unsigned long pid;
	uint64_t address;

	while (next_option(argc, argv, "", NULL) != -1)
		;
	if (argc - optind != 2)
		return usage_error("pages takes a PID and an address");
	if (!parse_number(argv[optind], INT_MAX, &pid) || !pid)
		return usage_error("\"%s\" is not a PID", argv[optind]);
	if (!parse_address(argv[optind + 1], &address))
		return usage_error("\"%s\" is not a hexadecimal address",
				   argv[optind + 1]);
	if (tam_query(&query, sizeof(query)))
		return failure("%s", error_text(errno));
	switch (find_mapping((pid_t)pid, address, &m)) {
	case 0:
		return failure("%" PRIx64 " is in no tamalloc mapping of process %lu: 'tamstat maps %lu' lists them",
			       address, pid, pid);
	case 1:
		return show((pid_t)pid, &m, query.page_size);
	default:
		return process_failure((pid_t)pid, errno);
	}
}
