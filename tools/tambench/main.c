// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tambench - lazily initialised memory against what people use instead
 *
 * Every measurement is made in a process of its own, which starts as this
 * program again, with a peer's library preloaded where it is one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "results.h"

#define REPEATS_MAX	101

static const struct bench *const lists[] = {
	touch_cases, fill_cases, reset_cases, instance_cases, fork_cases,
	thread_cases, scale_cases, stats_cases,
};

static bool counting;	/* instructions */

static const char usage[] =
"usage: tambench [-c CASE]... [-p PEER]... [-n N] [--json|--tsv]\n"
"       tambench --from FILE [--from FILE]... [--limits FILE] [--tsv]\n"
"       tambench --list\n"
"Measures ways to get memory with known first contents, in processes of their\n"
"own, and prints each as a ratio to the first of a case.\n"
"  -c, --case CASE    these cases only: shell patterns, as touch-*\n"
"  -p, --peer PEER    these peers only, shell patterns, too\n"
"  -n, --repeat N     measure N times, at most 101; default 7.  Instructions: at\n"
"                     most N times, default 5, and twice if that agrees to 1 %\n"
"      --json         an object a line instead of tables\n"
"      --tsv          instead of tables: case, peer, what it is, unit, method,\n"
"                     kernel, median, lowest, highest between tabs\n"
"      --from FILE    show what --json wrote, measure nothing; -: standard input\n"
"      --limits FILE  show what is to be reached, too; status 1 if it is not\n"
"      --list         the cases and the peers\n"
"With TAM_ICOUNT set, under tools/tamvm --icount, the clock counts executed\n"
"instructions; else nanoseconds pass.  The median is shown, with the distance\n"
"from the lowest to the highest.\n";

struct choice {
	const char **patterns;
	int n;
};

static void choose(struct choice *c, const char *pattern)
{
	c->patterns = realloc(c->patterns, (c->n + 1) * sizeof(*c->patterns));
	if (!c->patterns)
		abort();
	c->patterns[c->n++] = pattern;
}

static bool chosen(const struct choice *c, const char *name)
{
	int i;

	for (i = 0; i < c->n; i++)
		if (!fnmatch(c->patterns[i], name, 0))
			return true;
	return !c->n;
}

static const struct bench *next_case(const struct bench *b)
{
	static size_t list;

	if (!b)
		list = 0;
	b = b ? b + 1 : lists[0];
	while (!b->name) {
		if (++list == sizeof(lists) / sizeof(*lists))
			return NULL;
		b = lists[list];
	}
	return b;
}

/* The next name of a case's peers; *at is moved on. */
static const struct peer *next_peer(const char **at)
{
	const struct peer *p;
	size_t len;

	*at += strspn(*at, " ");
	if (!**at)
		return NULL;
	len = strcspn(*at, " ");
	p = find_peer(*at, len);
	if (!p) {
		fprintf(stderr, "tambench: no peer %s\n", *at);
		abort();
	}
	*at += len;
	return p;
}

static void list(void)
{
	const struct bench *b = NULL;
	const struct peer *p;

	puts("Cases:");
	while ((b = next_case(b)))
		printf("  %-18s %s (per %s)\n", b->name, b->what, b->unit);
	puts("Peers:");
	for (p = peers; p->name; p++)
		printf("  %-18s %s\n", p->name, p->what);
}

/* The process that measures */
static int measure(const char *name, const char *peer, const char *fd)
{
	const struct peer *p = find_peer(peer, strlen(peer));
	const struct bench *b = NULL;
	struct result r;

	report_fd = atoi(fd);
	while ((b = next_case(b)) && strcmp(b->name, name))
		;
	if (!b || !p)
		return 2;
	choose_peer(p);
	r = b->run(b, p);
	name_part(name, peer, r.cost);
	report(&r);
	return 0;
}

static void ask(const struct bench *b, const struct peer *p, struct message *m)
{
	int fds[2], status;
	bool heard;
	char fd[16];
	pid_t pid;

	if (pipe(fds)) {
		perror("pipe");
		exit(1);
	}
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(fds[0]);
		/* Where things lie decides how many page tables they need. */
		personality(ADDR_NO_RANDOMIZE);
		if (p->preload)
			setenv("LD_PRELOAD", p->preload, 1);
		snprintf(fd, sizeof(fd), "%d", fds[1]);
		execl("/proc/self/exe", "tambench", "--measure", b->name,
		      p->name, fd, NULL);
		perror("exec");
		_exit(1);
	}
	close(fds[1]);
	heard = pid > 0 && read(fds[0], m, sizeof(*m)) == sizeof(*m);
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (!heard) {
		m->state = FAILED;
		snprintf(m->why, sizeof(m->why), "the measuring process ended: %s",
			 pid > 0 && WIFSIGNALED(status) ?
			 strsignal(WTERMSIG(status)) : "no result");
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct series {
	const struct peer *peer;
	double cost[REPEATS_MAX], bytes[REPEATS_MAX];
	int n;
	struct message last;
};

/* Counts of instructions that agree need no more of them. */
static bool enough(struct series *s, int n)
{
	if (s->last.state != MEASURED || s->n == n)
		return true;
	return counting && s->n == 2 &&
	       fabs(s->cost[0] - s->cost[1]) <= 0.01 * s->cost[0];
}

static void summarise(struct series *s, struct record *r)
{
	int n = s->n;

	r->peer = s->peer->name;
	if (s->last.state == MISSING) {
		r->missing = strdup(s->last.why);
		return;
	}
	qsort(s->cost, n, sizeof(*s->cost), compare);
	qsort(s->bytes, n, sizeof(*s->bytes), compare);
	r->median = s->cost[n / 2];
	r->min = s->cost[0];
	r->max = s->cost[n - 1];
	r->bytes = s->bytes[n / 2];
	r->repeats = n;
}

/* Peers take turns, so that what changes meanwhile changes for all. */
static bool run(const struct bench *b, const struct choice *only, int n,
		const struct record *common, struct records *all, bool json)
{
	static struct series series[64];
	int count = 0, i, j;
	const struct peer *p;
	const char *at = b->peers;
	bool good = true;

	while ((p = next_peer(&at)))
		if (chosen(only, p->name))
			series[count++] = (struct series){ .peer = p };
	for (i = 0; i < n; i++) {
		for (j = 0; j < count; j++) {
			struct series *s = &series[j];

			if (enough(s, n))
				continue;
			ask(b, s->peer, &s->last);
			s->cost[s->n] = s->last.result.cost;
			s->bytes[s->n++] = s->last.result.bytes;
			if (s->last.state == FAILED)
				fprintf(stderr, "tambench: %s, %s: %s\n",
					b->name, s->peer->name, s->last.why);
		}
	}
	for (j = 0; j < count; j++) {
		struct record r = *common;

		if (series[j].last.state == FAILED) {
			good = false;
			continue;
		}
		r.of = b->name;
		r.what = b->what;
		r.unit = b->unit;
		if (b->counts)
			r.method = "ratio";
		summarise(&series[j], &r);
		add_record(all, &r);
		if (json)
			write_json(&r, stdout);
	}
	return good;
}

enum { JSON = 256, TSV, FROM, LIMITS, LIST };

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "case", required_argument, NULL, 'c' },
		{ "peer", required_argument, NULL, 'p' },
		{ "repeat", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, JSON },
		{ "tsv", no_argument, NULL, TSV },
		{ "from", required_argument, NULL, FROM },
		{ "limits", required_argument, NULL, LIMITS },
		{ "list", no_argument, NULL, LIST },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct choice only_cases = { 0 }, only_peers = { 0 };
	const char *icount = getenv("TAM_ICOUNT"), *limits = NULL;
	bool json = false, tsv = false, from = false, good = true;
	struct records all = { 0 };
	struct record common = { 0 };
	const struct bench *b = NULL;
	struct utsname name;
	int n, option;

	if (argc == 5 && !strcmp(argv[1], "--measure"))
		return measure(argv[2], argv[3], argv[4]);

	counting = icount && *icount;
	n = counting ? 5 : 7;
	while ((option = getopt_long(argc, argv, "c:p:n:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			choose(&only_cases, optarg);
			break;
		case 'p':
			choose(&only_peers, optarg);
			break;
		case 'n':
			n = atoi(optarg);
			break;
		case JSON:
			json = true;
			break;
		case TSV:
			tsv = true;
			break;
		case LIMITS:
			limits = optarg;
			break;
		case LIST:
			list();
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case FROM:
			if (!read_json(&all, optarg))
				return 1;
			from = true;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc || n < 1 || n > REPEATS_MAX) {
		fputs(usage, stderr);
		return 2;
	}

	uname(&name);
	common.kernel = name.release;
	common.cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	common.method = counting ? "instructions" : "nanoseconds";
	while (!from && (b = next_case(b)))
		if (chosen(&only_cases, b->name) &&
		    !(b->parallel && common.cpus == 1))
			good &= run(b, &only_peers, n, &common, &all, json);
	if (tsv)
		write_tsv(&all, stdout);
	else if (!json)
		print_tables(&all);
	if (limits)
		good &= print_limits(&all, limits);
	return !good;
}
