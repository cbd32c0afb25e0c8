// SPDX-License-Identifier: LGPL-2.1-or-later
/* top.c - the live view */
#define _GNU_SOURCE
#include <curses.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "tamstat.h"

#define SECONDS_DEFAULT	2.0
#define SECONDS_LEAST	0.125	/* where the key for shorter stops */

#define HEAD_LINES	4	/* above the headings */
#define BAR_WIDTH	10	/* of a process */
#define LABEL_WIDTH	10	/* of the bars above, and what is behind them */
#define TEXT_WIDTH	34

enum { PAIR_BAR = 1, PAIR_NOTICE };

enum {
	PID, USER, RESERVED, COMMITTED, SHARE, SWAPPED, SCORE, TAM, COMMAND,
	COLUMNS,
};

static const struct {
	const char *heading;
	const char *name;	/* ps has both */
	int width;
	int bytes_width;	/* with --bytes */
	char key;		/* sorts by it */
	bool rising;		/* from the first on, not from the largest */
} columns[COLUMNS] = {
	[PID]	    = { "PID",	      "pid",	    7,  7, 'P', true },
	[USER]	    = { "USER",	      "user",	    8,  8, 'U', true },
	[RESERVED]  = { "RESERVED",   "reserved",   8, 15, 'R', false },
	[COMMITTED] = { "COMMITTED",  "committed",  9, 15, 'C', false },
	[SHARE]	    = { "%COMMITTED", "committed_percent",
			BAR_WIDTH, BAR_WIDTH, '%', false },
	[SWAPPED]   = { "SWAPPED",    "swapped",    7, 15, 'S', false },
	[SCORE]	    = { "SCORE",      "oom_score",  5,  5, 'O', false },
	[TAM]	    = { "TAM",	      "tam_committed", 6, 15, 'T', false },
	[COMMAND]   = { "COMMAND",    "command",
			TAM_COMM_MAX * 4, TAM_COMM_MAX * 4, 'N', true },
};

struct top {
	double interval;
	int sort;		/* a column */
	bool reverse;
	bool only_tam;		/* processes with tamalloc mappings */
	bool only_user;
	uint32_t uid;
	bool help;
	bool quit;

	struct books books;
	struct process **rows;	/* those that are shown, in order */
	size_t count;
	long first;		/* of them, at the top of the screen */
};

static const char *const help[] = {
	"Keys",
	"  P U R C % S O T N   sort by PID, USER, RESERVED, COMMITTED, %COMMITTED,",
	"                      SWAPPED, SCORE, TAM, command name",
	"  < >                 sort by the column to the left, to the right",
	"  r                   the other way round",
	"  t                   only processes with tamalloc mappings, or all",
	"  Up Down PgUp PgDn Home End",
	"                      scroll",
	"  + -                 refresh half as often, twice as often",
	"  Space               refresh now",
	"  h ?                 this",
	"  q                   close this; quit",
	"",
	"RESERVED is the size of all mappings, COMMITTED what is resident of them, TAM",
	"what is resident in tamalloc mappings.  The highest OOM SCORE is ended first.",
};

/*
 * Which processes, in which order
 */

/* Not kernel threads and zombies, as in ps. */
static bool is_shown(const struct top *top, const struct tam_process_stats *s)
{
	return (s->valid & TAM_VALID_MM) &&
	       (!top->only_tam || s->tam_mappings) &&
	       (!top->only_user || s->uid == top->uid);
}

static uint64_t amount(const struct process *p, int column)
{
	const struct tam_process_stats *s = &p->stats;

	switch (column) {
	case RESERVED:
		return s->reserved;
	case COMMITTED:
		return s->committed;
	case SHARE:
		return s->reserved ? s->committed * 10000 / s->reserved : 0;
	case SWAPPED:
		return s->swapped;
	case SCORE:
		return p->score > 0 ? (uint64_t)p->score : 0;
	case TAM:
		return s->tam_committed;
	default:
		return 0;
	}
}

static int compare_rising(const struct process *p, const struct process *q,
			  int column)
{
	uint64_t x, y;

	switch (column) {
	case PID:
		return p->stats.pid - q->stats.pid;
	case USER:
		return strcmp(user_name(p->stats.uid), user_name(q->stats.uid));
	case COMMAND:
		return strcmp(p->stats.comm, q->stats.comm);
	default:
		x = amount(p, column);
		y = amount(q, column);
		return (x > y) - (x < y);
	}
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct process *p = *(struct process *const *)a;
	const struct process *q = *(struct process *const *)b;
	const struct top *top = arg;
	int order = compare_rising(p, q, top->sort);

	if (!order)
		return compare_rising(p, q, PID);
	return columns[top->sort].rising == top->reverse ? -order : order;
}

static void choose(struct top *top)
{
	size_t i;

	top->rows = xrealloc(top->rows,
			     (top->books.count + 1) * sizeof(*top->rows));
	top->count = 0;
	for (i = 0; i < top->books.count; i++)
		if (is_shown(top, &top->books.processes[i].stats))
			top->rows[top->count++] = &top->books.processes[i];
	qsort_r(top->rows, top->count, sizeof(*top->rows), compare, top);
}

/*
 * The screen, of any size
 */

/* Cut at @width columns and at the screen's edge, where curses would wrap. */
static void put(int y, int x, int width, const char *text)
{
	wchar_t wide[256];
	size_t len, i;
	int used = 0, w;

	if (y >= LINES || x >= COLS)
		return;
	if (width > COLS - x)
		width = COLS - x;
	len = mbstowcs(wide, text, sizeof(wide) / sizeof(*wide));
	if (len == (size_t)-1)
		return;
	for (i = 0; i < len; i++) {
		w = wcwidth(wide[i]);
		if (w < 0) {		/* this C library does not know it */
			wide[i] = L'?';
			w = 1;
		}
		if (used + w > width)
			break;
		used += w;
	}
	mvaddnwstr(y, x, wide, (int)i);
}

static void put_right(int y, int x, int width, const char *text)
{
	int len = (int)strlen(text);

	put(y, len < width ? x + width - len : x, width, text);
}

static void put_bar(int y, int x, int width, uint64_t part, uint64_t whole)
{
	int n = 0;

	if (part && whole)
		n = part < whole ? (int)(part * (unsigned int)width / whole) : width;
	if (!n && part && width > 0)
		n = 1;			/* a little is not nothing */
	if (n <= 0 || x >= COLS)
		return;
	attron(COLOR_PAIR(PAIR_BAR));
	mvhline(y, x, '|', n);		/* ends at the edge by itself */
	attroff(COLOR_PAIR(PAIR_BAR));
}

static void draw_bar(int y, const char *label, uint64_t part,
		     const char *between, uint64_t whole, const char *after)
{
	char a[FORMAT_MAX], b[FORMAT_MAX], c[FORMAT_MAX], text[128];
	int width = COLS - LABEL_WIDTH - TEXT_WIDTH - 3;
	int x = LABEL_WIDTH;

	put(y, 0, LABEL_WIDTH, label);
	if (width > 0) {
		put(y, x, 1, "[");
		put_bar(y, x + 1, width, part, whole);
		put(y, x + 1 + width, 1, "]");
		x += width + 3;
	}
	snprintf(text, sizeof(text), "%s %s %s%s, %s %%",
		 format_bytes(a, part), between, format_bytes(b, whole), after,
		 format_percent(c, part, whole));
	put(y, x, COLS, text);
}

static void draw_head(const struct top *top)
{
	const struct tam_system_stats *s = &top->books.system;
	time_t now = time(NULL);
	char text[256], clock[16];

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	snprintf(text, sizeof(text),
		 "tamstat %s  every %g s  %zu of %zu processes%s  by %s%s", clock,
		 top->interval, top->count, top->books.count,
		 top->only_tam ? " (tamalloc's)" : "",
		 columns[top->sort].heading, top->reverse ? ", reversed" : "");
	put(0, 0, COLS, text);
	draw_bar(1, "RAM", s->ram_used, "of", s->ram_total, " used");
	draw_bar(2, "Processes", s->committed, "of", s->reserved, " committed");
	if (top->books.module) {
		draw_bar(3, "tamalloc", s->tam_held, "held, at most", s->tam_cap,
			 "");
		return;
	}
	put(3, 0, LABEL_WIDTH, "tamalloc");
	attron(COLOR_PAIR(PAIR_NOTICE) | A_BOLD);
	put(3, LABEL_WIDTH, COLS, error_text(top->books.reason));
	attroff(COLOR_PAIR(PAIR_NOTICE) | A_BOLD);
}

static int column_width(int column)
{
	return options.bytes ? columns[column].bytes_width :
			       columns[column].width;
}

static bool is_left(int column)
{
	return column == USER || column == SHARE || column == COMMAND;
}

static void draw_headings(const struct top *top, int y)
{
	int column, x = 0, width;

	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	for (column = 0; column < COLUMNS; column++) {
		width = column_width(column);
		if (column == top->sort)
			attron(A_BOLD | A_UNDERLINE);
		(is_left(column) ? put : put_right)(y, x, width,
						    columns[column].heading);
		attroff(A_BOLD | A_UNDERLINE);
		x += width + 1;
	}
	attroff(A_REVERSE);
}

static void draw_cell(int y, int x, int column, const struct process *p)
{
	const struct tam_process_stats *s = &p->stats;
	char text[FORMAT_MAX] = "-";
	int width = column_width(column);
	char *name;

	switch (column) {
	case PID:
		snprintf(text, sizeof(text), "%d", s->pid);
		break;
	case USER:
		put(y, x, width, user_name(s->uid));
		return;
	case SHARE:
		put_bar(y, x, width, s->committed, s->reserved);
		return;
	case SCORE:
		if (p->score >= 0)
			snprintf(text, sizeof(text), "%d", p->score);
		break;
	case COMMAND:
		name = format_name(s->comm);
		put(y, x, width, name);
		free(name);
		return;
	default:
		if (s->valid & (column == TAM ? TAM_VALID_TAM : TAM_VALID_MM))
			format_bytes(text, amount(p, column));
	}
	put_right(y, x, width, text);
}

static int head_lines(void)
{
	return LINES > 2 * HEAD_LINES ? HEAD_LINES : 0;
}

/* Lines for processes; one at least, so that paging gets on. */
static int page(void)
{
	int lines = LINES - head_lines() - 1;

	return lines > 0 ? lines : 1;
}

static void draw_rows(struct top *top, int y)
{
	long last = (long)top->count - page();
	int column, x, i;

	if (top->first > last)
		top->first = last;
	if (top->first < 0)
		top->first = 0;
	for (i = 0; i < page() && top->first + i < (long)top->count; i++) {
		for (column = x = 0; column < COLUMNS; column++) {
			draw_cell(y + i, x, column, top->rows[top->first + i]);
			x += column_width(column) + 1;
		}
	}
}

static void draw(struct top *top)
{
	int i;

	erase();
	if (top->help) {
		for (i = 0; i < (int)(sizeof(help) / sizeof(*help)); i++)
			put(i, 0, COLS, help[i]);
	} else {
		if (head_lines())
			draw_head(top);
		draw_headings(top, head_lines());
		draw_rows(top, head_lines() + 1);
	}
	refresh();
}

/*
 * Keys
 */

static int column_of_key(int key)
{
	int column;

	for (column = 0; column < COLUMNS; column++)
		if (columns[column].key == key)
			return column;
	return -1;
}

static void change_order(struct top *top, int column)
{
	top->sort = (column + COLUMNS) % COLUMNS;
	top->first = 0;
	choose(top);
}

/* Returns true if figures are wanted before their time. */
static bool take_key(struct top *top, int key)
{
	bool was_help = top->help;

	top->help = false;
	switch (key) {
	case 'q':
		top->quit = !was_help;
		break;
	case 'h':
	case '?':
		top->help = !was_help;
		break;
	case KEY_RESIZE:
		top->help = was_help;
		break;
	case '\f':
		clearok(curscr, TRUE);
		break;
	case ' ':
		return true;
	case KEY_UP:
		top->first--;
		break;
	case KEY_DOWN:
		top->first++;
		break;
	case KEY_PPAGE:
		top->first -= page();
		break;
	case KEY_NPAGE:
		top->first += page();
		break;
	case KEY_HOME:
		top->first = 0;
		break;
	case KEY_END:
		top->first = (long)top->count;
		break;
	case '+':
		if (top->interval * 2 <= SECONDS_MAX)
			top->interval *= 2;
		break;
	case '-':
		if (top->interval / 2 >= SECONDS_LEAST)
			top->interval /= 2;
		break;
	case '<':
		change_order(top, top->sort - 1);
		break;
	case '>':
		change_order(top, top->sort + 1);
		break;
	case 'r':
		top->reverse = !top->reverse;
		change_order(top, top->sort);
		break;
	case 't':
		top->only_tam = !top->only_tam;
		change_order(top, top->sort);
		break;
	default:
		if (column_of_key(key) >= 0)
			change_order(top, column_of_key(key));
	}
	return false;
}

/*
 * The terminal, given back as it was whatever the end
 */

static volatile sig_atomic_t stopped;	/* by this signal */

static void stop(int signo)
{
	stopped = signo;
}

static void leave(void)
{
	if (!isendwin())
		endwin();
}

/* Signals arrive while waiting and at no other time. */
static void catch_signals(sigset_t *waiting)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = stop };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGTSTP);
	for (i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
		sigaction(stops[i], &action, NULL);
		sigaddset(&blocked, stops[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, waiting);
}

/* Says why and returns false for what is not a screen. */
static bool open_screen(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		failure("top needs a terminal; \"tamstat ps\" does not");
		return false;
	}
	/* They would outlive a change of size; the terminal itself knows. */
	unsetenv("LINES");
	unsetenv("COLUMNS");
	if (!newterm(NULL, stdout, stdin)) {
		failure("top: unknown terminal, TERM is \"%s\"", term ? term : "");
		return false;
	}
	if (!tigetstr("cup")) {
		endwin();
		failure("top: the terminal \"%s\" cannot move its cursor", term);
		return false;
	}
	atexit(leave);
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	if (format_colours(stdout) && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(PAIR_BAR, COLOR_GREEN, -1);
		init_pair(PAIR_NOTICE, COLOR_RED, -1);
	}
	return true;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* For a key, a signal, or @seconds.  Returns false if the terminal is gone. */
static bool wait_for(double seconds, const sigset_t *waiting)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec left = { 0 };

	if (seconds > 0) {
		left.tv_sec = (time_t)seconds;
		left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	}
	return ppoll(&input, 1, &left, waiting) <= 0 ||
	       !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static int watch(struct top *top, const sigset_t *waiting)
{
	double next = 0;
	int key;

	while (!top->quit && !stopped) {
		if (now() >= next) {
			if (books_read(&top->books))
				return -1;
			choose(top);
			next = now() + top->interval;
		}
		draw(top);
		if (!wait_for(next - now(), waiting))
			break;
		while ((key = getch()) != ERR)
			if (take_key(top, key))
				next = 0;
	}
	return 0;
}

/* As of ps: a heading or a key, after + or - for up or down. */
static bool take_sort(struct top *top, const char *name)
{
	char sign = *name == '+' || *name == '-' ? *name++ : '\0';
	int i;

	for (i = 0; i < COLUMNS; i++) {
		if (strcasecmp(columns[i].heading, name) &&
		    strcasecmp(columns[i].name, name))
			continue;
		top->sort = i;
		top->reverse = sign == (columns[i].rising ? '-' : '+');
		return true;
	}
	return false;
}

static int take_options(struct top *top, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "wait", required_argument, NULL, 'w' },
		{ "user", required_argument, NULL, 'u' },
		{ "sort", required_argument, NULL, 's' },
		{ 0 }
	};
	int c;

	while ((c = next_option(argc, argv, "w:u:s:", longs)) != -1) {
		switch (c) {
		case 'w':
			if (!parse_seconds(optarg, &top->interval))
				return usage_error("top: -w %s: not a number of seconds from %g to %g",
						   optarg, SECONDS_MIN,
						   SECONDS_MAX);
			break;
		case 'u':
			if (!parse_user(optarg, &top->uid))
				return usage_error("top: -u %s: no such user",
						   optarg);
			top->only_user = true;
			break;
		case 's':
			if (!take_sort(top, optarg))
				return usage_error("top: -s %s: no such column here",
						   optarg);
			break;
		}
	}
	if (optind < argc)
		return usage_error("top: %s: unexpected", argv[optind]);
	if (options.format != FORMAT_TEXT)
		return usage_error("top: neither JSON nor CSV");
	return EXIT_OK;
}

int cmd_top(int argc, char **argv)
{
	struct top top = { .interval = SECONDS_DEFAULT, .sort = COMMITTED };
	sigset_t waiting;
	int code, err;

	code = take_options(&top, argc, argv);
	if (code)
		return code;
	if (!open_screen())
		return EXIT_USAGE;
	catch_signals(&waiting);
	if (watch(&top, &waiting)) {
		err = errno;
		leave();
		code = failure("%s", error_text(err));
	}
	leave();
	books_free(&top.books);
	free(top.rows);
	if (stopped) {			/* as if it had not been caught */
		signal(stopped, SIG_DFL);
		sigprocmask(SIG_SETMASK, &waiting, NULL);
		raise(stopped);
	}
	return code;
}
