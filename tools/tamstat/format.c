// SPDX-License-Identifier: LGPL-2.1-or-later
/* format.c - amounts and names for people */
#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tamstat.h"

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		exit(failure("no memory"));
	return p;
}

/* As ls -h and free -h: a decimal below 10, at most four digits. */
const char *format_bytes(char buf[FORMAT_MAX], uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	const char *unit = units;
	double amount = bytes / 1024.0;

	if (options.bytes || bytes < 1024) {
		snprintf(buf, FORMAT_MAX, "%" PRIu64, bytes);
		return buf;
	}
	while (amount >= 1023.5) {	/* would be rounded to 1024 */
		amount /= 1024;
		unit++;
	}
	snprintf(buf, FORMAT_MAX, "%.*f%c", amount < 9.95, amount, *unit);
	return buf;
}

const char *format_percent(char buf[FORMAT_MAX], uint64_t part, uint64_t whole)
{
	if (whole)
		snprintf(buf, FORMAT_MAX, "%.1f", 100.0 * part / whole);
	else
		strcpy(buf, "-");
	return buf;
}

const char *format_permissions(char buf[FORMAT_MAX], unsigned int flags)
{
	snprintf(buf, FORMAT_MAX, "%c%c%c%c",
		 flags & TAM_MAPPING_READ ? 'r' : '-',
		 flags & TAM_MAPPING_WRITE ? 'w' : '-',
		 flags & TAM_MAPPING_EXEC ? 'x' : '-',
		 flags & TAM_MAPPING_SHARED ? 's' : 'p');
	return buf;
}

/* The bytes of a well-formed character at @s, decoded into @c; 0: it is not. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 :
		     *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
	size_t i;

	*c = len == 1 ? *s : *s & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (!len || *c < least[len] || *c > 0x10ffff ||
	    (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return len;
}

/* Controls; and what is not seen, or changes the order of what is seen. */
static bool harmless(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && c != 0xad &&
	       !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && c != 0x61c &&
	       !(c >= 0xfff9 && c <= 0xfffb) && !(c >= 0xe0000 && c <= 0xe0fff);
}

char *format_name(const char *name)
{
	const unsigned char *s = (const unsigned char *)name;
	bool ascii = options.format == FORMAT_TEXT && !format_utf8();
	char *result = xrealloc(NULL, strlen(name) * 4 + 1);
	char *out = result;
	size_t len;
	uint32_t c;

	while (*s) {
		len = decode(s, &c);
		if (len && harmless(c) && !(ascii && len > 1)) {
			memcpy(out, s, len);
			out += len;
		} else {
			/* All bytes of a character that is not shown */
			len += !len;
			for (c = 0; c < len; c++)
				out += sprintf(out, "\\x%02x", s[c]);
		}
		s += len;
	}
	*out = '\0';
	return result;
}

bool format_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

unsigned int format_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long n;

	if (columns && parse_number(columns, 10000, &n) && n)
		return (unsigned int)n;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return isatty(STDOUT_FILENO) ? 80 : 0;
}

bool format_colours(FILE *file)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(file)) && !(no && *no) && term &&
	       strcmp(term, "dumb");
}
