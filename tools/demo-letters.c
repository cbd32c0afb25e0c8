// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * demo-letters.c - the course's test: tamalloc, every byte zero, random letters
 *
 * Watch committed memory grow beside what is reserved.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdbool.h>
#include <time.h>

#include <tamalloc.h>

#include "demo.h"

#define BAR	30

static bool step;

static void pause_here(const char *what)
{
	int c;

	printf("%s: VmSize %.1f MiB, VmRSS %.1f MiB\n", what,
	       status_bytes("VmSize:") / MIB, status_bytes("VmRSS:") / MIB);
	if (!step)
		return;
	printf("  [Enter] ");
	fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

/* A line redrawn at each percent on a terminal, else one for every tenth. */
static void progress(const char *what, size_t done, size_t size)
{
	static int last = -1;
	bool tty = isatty(STDOUT_FILENO);
	int percent = (int)(done / (size / 100.0));
	int i;

	if (!done)
		last = -1;
	if (percent == last || (!tty && percent % 10))
		return;
	last = percent;
	printf("%s%-8s [", tty ? "\r" : "", what);
	for (i = 0; i < BAR; i++)
		putchar(i < percent * BAR / 100 ? '#' : '.');
	printf("] %3d %%  VmSize %.0f MiB  VmRSS %.0f MiB  %s", percent,
	       status_bytes("VmSize:") / MIB, status_bytes("VmRSS:") / MIB,
	       tty && done < size ? "" : "\n");
	fflush(stdout);
}

/* Returns the offset of the first byte of a page that is not zero, or @n. */
static size_t nonzero(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && !p[i]; i++)
		;
	return i;
}

static void write_letters(char *p, size_t n)
{
	static uint64_t x;
	size_t i;

	if (!x)
		x = (uint64_t)time(NULL) << 20 | (uint64_t)getpid();
	for (i = 0; i < n; i++) {
		if (!(i % 8)) {		/* xorshift: eight letters a number */
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		p[i] = (char)('a' + (x >> (i % 8 * 8) & 0xff) * 26 / 256);
	}
}

static const char usage[] =
"usage: demo-letters SIZE [--step]\n"
"Allocates SIZE bytes (K, M, G, T are powers of 1024) with tamalloc, checks that\n"
"every byte is zero, then writes random letters, showing memory in use.\n"
"  --step   wait for Enter between the phases\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "step", no_argument, NULL, 's' },
		{ 0 }
	};
	size_t size, chunk = (size_t)sysconf(_SC_PAGESIZE), off, n, bad;
	char *p;
	int c;

	while ((c = getopt_long(argc, argv, "hs", options, NULL)) != -1) {
		if (c == 's') {
			step = true;
			continue;
		}
		fputs(usage, c == 'h' ? stdout : stderr);
		return c == 'h' ? 0 : 2;
	}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return 2;
	}
	size = parse_size(argv[optind]);
	if (!size) {
		fprintf(stderr, "demo-letters: \"%s\" is not a size\n",
			argv[optind]);
		return 2;
	}

	printf("PID %d\n", (int)getpid());
	if (tam_backend() != TAM_BACKEND_MODULE)
		printf("fallback to anonymous memory: %s\n", tam_strerror(errno));
	pause_here("before");

	p = tamalloc(size);
	if (!p) {
		fprintf(stderr, "demo-letters: tamalloc of %zu bytes: %s\n",
			size, tam_strerror(errno));
		return 1;
	}
	pause_here("reserved");

	for (off = 0; off < size; off += n) {
		progress("reading", off, size);
		n = size - off < chunk ? size - off : chunk;
		bad = nonzero(p + off, n);
		if (bad < n) {
			fprintf(stderr, "demo-letters: byte %zu is %d, not 0\n",
				off + bad, p[off + bad]);
			return 1;
		}
	}
	progress("reading", size, size);
	pause_here(tam_backend() == TAM_BACKEND_MODULE ?
		   "all zero; the first read of a page commits it" :
		   "all zero; the fallback commits when written");

	for (off = 0; off < size; off += n) {
		progress("writing", off, size);
		n = size - off < chunk ? size - off : chunk;
		write_letters(p + off, n);
	}
	progress("writing", size, size);
	n = size < 60 ? size : 60;
	printf("it begins: %.*s\n", (int)n, p);
	pause_here("written");

	tam_free(p);
	pause_here("freed");
	return 0;
}
