// SPDX-License-Identifier: LGPL-2.1-or-later
/* main.c - options, and which command */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tamstat.h"

#define LETTERS		"bJnqhV"
#define MAX_OPTIONS	32

enum { OPTION_CSV = 0x1000, OPTION_OPENMETRICS };

struct options options = { .headings = true };

static const struct option common[] = {
	{ "bytes", no_argument, NULL, 'b' },
	{ "json", no_argument, NULL, 'J' },
	{ "csv", no_argument, NULL, OPTION_CSV },
	{ "noheadings", no_argument, NULL, 'n' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "openmetrics", no_argument, NULL, OPTION_OPENMETRICS },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 }
};

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "summary", cmd_summary },
	{ "ps", cmd_ps },
	{ "maps", cmd_maps },
	{ "objects", cmd_objects },
	{ "pages", cmd_pages },
	{ "system", cmd_system },
	{ "top", cmd_top },
	{ "record", cmd_record },
};

static const char help[] =
"usage: tamstat [OPTION]... [COMMAND]\n"
"Reserved and committed memory, by process and for the system.\n"
"\n"
"Commands, without one: a summary\n"
"  ps [-t] [-p PID,...] [-u USER] [-s COLUMN] [-o COLUMN,...]\n"
"                      processes that have memory; -p 0: all processes;\n"
"                      -t: with tamalloc mappings; -s: sorted by COLUMN;\n"
"                      -o: these columns, -o help tells which there are\n"
"  maps PID            tamalloc mappings of a process\n"
"  pages PID ADDRESS   which pages of the mapping at ADDRESS are committed\n"
"  objects             tamalloc objects\n"
"  system [-a] [-w SECONDS]\n"
"                      memory, processors over SECONDS (1), file systems\n"
"                      (-a: also those of networks and in memory)\n"
"  top [-w SECONDS] [-s COLUMN] [-u USER]\n"
"                      processes, live\n"
"  record [-w SECONDS] [-o FILE] [--plot FILE] [--] COMMAND...\n"
"                      COMMAND's memory over time, as CSV and a .png or .svg\n"
"\n"
"Options, before or after the command\n"
"  -b, --bytes         bytes rather than K, M, G (1024 each)\n"
"  -J, --json          JSON, amounts in bytes\n"
"      --csv           comma-separated values, amounts in bytes\n"
"  -n, --noheadings    no headings\n"
"  -q, --quiet         nothing on stderr but errors: not what is missing\n"
"      --openmetrics [-N COUNT] [-o FILE]\n"
"                      for Prometheus and others, in place of a command\n"
"  -h, --help          this\n"
"  -V, --version       of tamstat, libtamalloc and the module\n"
"\n"
"tamstat(1) has the columns, the JSON and the exit codes.\n";

static void message(const char *format, va_list args)
{
	fflush(stdout);
	fputs("tamstat: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int failure(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
	return EXIT_FAILED;
}

void note(const char *format, ...)
{
	va_list args;

	if (options.quiet)
		return;
	va_start(args, format);
	message(format, args);
	va_end(args);
}

int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
	fputs("Try 'tamstat --help'.\n", stderr);
	return EXIT_USAGE;
}

int process_failure(pid_t pid, int err)
{
	if (err == ESRCH) {
		failure("no process %d", pid);
		return EXIT_NO_PROCESS;
	}
	if (tam_backend() != TAM_BACKEND_MODULE)
		return failure("%s", error_text(err));
	switch (err) {
	case EACCES:
		failure("process %d: its mappings are for its user and root (CAP_SYS_PTRACE)",
			pid);
		return EXIT_DENIED;
	case EAGAIN:
		return failure("process %d keeps its memory map locked: try again",
			       pid);
	default:
		return failure("process %d: %s", pid, tam_strerror(err));
	}
}

/* What could not be written is an error however good the figures were. */
static int finish(int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	return failure("standard output: %s",
		       errno ? strerror(errno) : "cannot be written");
}

static void take_format(enum format format)
{
	if (options.format != FORMAT_TEXT && options.format != format)
		exit(usage_error("--json or --csv, not both"));
	options.format = format;
}

/* Returns what is not an option of all commands. */
static int take_common(int c)
{
	switch (c) {
	case 'b':
		options.bytes = true;
		break;
	case 'J':
		take_format(FORMAT_JSON);
		break;
	case OPTION_CSV:
		take_format(FORMAT_CSV);
		break;
	case 'n':
		options.headings = false;
		break;
	case 'q':
		options.quiet = true;
		break;
	case 'h':
		fputs(help, stdout);
		exit(finish(EXIT_OK));
	case 'V':
		exit(finish(cmd_version()));
	case '?':	/* getopt has said what is wrong */
		fputs("Try 'tamstat --help'.\n", stderr);
		exit(EXIT_USAGE);
	default:
		return c;
	}
	return 0;
}

int next_option(int argc, char **argv, const char *letters,
		const struct option *longs)
{
	struct option merged[MAX_OPTIONS + ARRAY_SIZE(common)];
	char *name = argv[0], who[64], all[64];
	size_t n = 0;
	int c;

	while (longs && longs[n].name && n < MAX_OPTIONS) {
		merged[n] = longs[n];
		n++;
	}
	memcpy(merged + n, common, sizeof(common));
	snprintf(all, sizeof(all), "%s" LETTERS, letters);
	/* getopt's messages begin with it */
	snprintf(who, sizeof(who), "tamstat: %s", name);
	argv[0] = who;
	do {
		c = take_common(getopt_long(argc, argv, all, merged, NULL));
	} while (!c);
	argv[0] = name;
	if (c == OPTION_OPENMETRICS)
		exit(usage_error("--openmetrics is in place of a command, "
				 "before other options of it"));
	return c;
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Options up to the command are all commands'; each goes on from there. */
static int run(int argc, char **argv)
{
	const struct command *command = &commands[0];
	int first, c;

	while ((c = getopt_long(argc, argv, "+" LETTERS, common, NULL)) != -1) {
		if (take_common(c) != OPTION_OPENMETRICS)
			continue;
		first = optind - 1;
		optind = 0;
		return cmd_metrics(argc - first, argv + first);
	}
	first = optind;
	optind = 0;	/* getopt begins anew */
	if (first == argc)
		return cmd_summary(1, argv);
	command = find_command(argv[first]);
	if (!command)
		return usage_error("no command \"%s\"", argv[first]);
	return command->run(argc - first, argv + first);
}

int main(int argc, char **argv)
{
	static char name[] = "tamstat";

	argv[0] = name;
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)	/* a file would take its place */
		return failure("standard output is closed");
	/* One form of numbers, in and out. */
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	signal(SIGPIPE, SIG_DFL);	/* quiet, whoever started it */
	return finish(run(argc, argv));
}
