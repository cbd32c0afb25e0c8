// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * record.c - a command's memory over time
 *
 * The command keeps standard input, output and error; the figures go to a file
 * of their own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tamstat.h"

#define FILE_DEFAULT	"tamstat-record.csv"
#define SECONDS_DEFAULT	0.1

#define EXIT_NOT_RUN	126	/* as a shell's */
#define EXIT_NOT_FOUND	127
#define EXIT_SIGNAL	128

struct recorder {
	double interval;
	const char *csv_path;
	FILE *csv;
	const char *plot_path;	/* NULL: no plot */
	int plot;		/* a descriptor, opened before the command starts */
	bool module;
	pid_t command;
	int status;		/* of wait(2), once the command has ended */
	struct timespec start;
	unsigned long samples;
};

/* A process and what it needs to be found among its relatives */
struct relative {
	pid_t pid, ppid;
	bool ours;
};

struct family {
	struct relative *list;	/* by rising PID */
	size_t count, room;
};

struct sample {
	struct tam_process_stats sum;
	unsigned long long minor_faults, major_faults;
	size_t processes;
	bool tam;		/* sum.tam_* are of all of them */
};

/*
 * The command's processes
 */

static void family_add(struct family *f, pid_t pid, pid_t ppid)
{
	if (f->count == f->room) {
		f->room = f->room * 2 + 64;
		f->list = xrealloc(f->list, f->room * sizeof(*f->list));
	}
	f->list[f->count++] = (struct relative){ .pid = pid, .ppid = ppid };
}

/* All processes: from the module, without tam_*, that is cheap. */
static int family_list(struct family *f, bool module)
{
	struct tam_process_stats stats;
	struct books books = { 0 };
	struct tam_iter *it;
	size_t i;
	int ret = -1;

	if (module) {
		it = tam_iter_processes(TAM_LIST_NO_TAM);
		while (it && (ret = tam_iter_next(it, &stats, sizeof(stats))) > 0)
			family_add(f, stats.pid, stats.ppid);
		tam_iter_free(it);
		return ret;
	}
	ret = books_read(&books);
	for (i = 0; i < books.count; i++)
		family_add(f, books.processes[i].stats.pid,
			   books.processes[i].stats.ppid);
	books_free(&books);
	return ret;
}

static int by_pid(const void *a, const void *b)
{
	const struct relative *p = a, *q = b;

	return (p->pid > q->pid) - (p->pid < q->pid);
}

static bool is_ours(const struct family *f, pid_t pid)
{
	struct relative key = { .pid = pid };
	const struct relative *found;

	found = bsearch(&key, f->list, f->count, sizeof(key), by_pid);
	return found && found->ours;
}

/*
 * Whoever descends from the recorder, which orphans are given to.  Where PIDs
 * have wrapped around children come before their parents, hence the rounds.
 */
static void family_find(struct family *f)
{
	pid_t self = getpid();
	struct relative *r;
	bool found;

	do {
		found = false;
		for (r = f->list; r < f->list + f->count; r++)
			if (!r->ours && (r->ppid == self || is_ours(f, r->ppid)))
				found = r->ours = true;
	} while (found);
}

/*
 * A sample
 */

/* Faults of a process and of its children that it has waited for. */
static void add_faults(struct sample *s, pid_t pid)
{
	unsigned long min, cmin, maj, cmaj;
	char path[32], buf[1024], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return;
	buf[n] = 0;
	p = strrchr(buf, ')');		/* names may hold anything */
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %lu %lu %lu %lu",
			 &min, &cmin, &maj, &cmaj) != 4)
		return;
	s->minor_faults += min + cmin;
	s->major_faults += maj + cmaj;
}

static int take_sample(const struct recorder *r, struct sample *s)
{
	const struct process **memory;	/* those that have some */
	struct process *processes;
	struct family family = { 0 };
	struct rusage usage;
	size_t i;

	if (family_list(&family, r->module)) {
		free(family.list);
		return -1;
	}
	family_find(&family);
	s->tam = r->module;
	processes = xrealloc(NULL, (family.count + 1) * sizeof(*processes));
	memory = xrealloc(NULL, (family.count + 1) * sizeof(*memory));
	for (i = 0; i < family.count; i++) {
		if (!family.list[i].ours)
			continue;
		add_faults(s, family.list[i].pid);
		if (books_read_process(family.list[i].pid, &processes[i]) ||
		    !(processes[i].stats.valid & TAM_VALID_MM))
			continue;
		memory[s->processes++] = &processes[i];
		s->tam &= !!(processes[i].stats.valid & TAM_VALID_TAM);
	}
	books_sum(memory, s->processes, &s->sum);
	getrusage(RUSAGE_CHILDREN, &usage);
	s->minor_faults += (unsigned long long)usage.ru_minflt;
	s->major_faults += (unsigned long long)usage.ru_majflt;
	free(memory);
	free(processes);
	free(family.list);
	return 0;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void write_sample(struct recorder *r)
{
	struct sample s = { 0 };
	double at = seconds_since(&r->start);

	if (take_sample(r, &s)) {
		failure("a sample is missing: %s", tam_strerror(errno));
		return;
	}
	fprintf(r->csv, "%.3f,%llu,%llu,%llu,", at, s.sum.reserved,
		s.sum.committed, s.sum.swapped);
	if (s.tam)
		fprintf(r->csv, "%llu,%llu,", s.sum.tam_reserved,
			s.sum.tam_committed);
	else
		fputs(",,", r->csv);
	fprintf(r->csv, "%llu,%llu,%zu\n", s.minor_faults,
		s.major_faults, s.processes);
	r->samples++;
}

/*
 * Time and signals
 */

static void block_signals(sigset_t *signals, sigset_t *before)
{
	static const int handled[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	size_t i;

	sigemptyset(signals);
	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaddset(signals, handled[i]);
	sigprocmask(SIG_BLOCK, signals, before);
}

/* Waits for whatever has ended.  Returns true once that is the command. */
static bool reap(struct recorder *r)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->command) {
			r->status = status;
			ended = true;
		}
	}
	return ended;
}

/* Until @deadline, in seconds from the start.  Returns true at the end. */
static bool wait_until(struct recorder *r, const sigset_t *signals,
		       double deadline)
{
	struct timespec left;
	siginfo_t info;
	double seconds;
	int signo;

	for (;;) {
		seconds = deadline - seconds_since(&r->start);
		if (seconds < 0)
			seconds = 0;
		left.tv_sec = (time_t)seconds;
		left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
		signo = sigtimedwait(signals, &info, &left);
		if (signo == SIGCHLD) {
			if (reap(r))
				return true;
		} else if (signo > 0) {
			/*
			 * What the terminal sends the command has got as well;
			 * what a process sent to the recorder alone it has not.
			 */
			if (info.si_code <= 0)
				kill(r->command, signo);
		} else if (errno == EAGAIN) {
			return false;
		}
	}
}

/* Samples at start, start + interval, ..., and at the end. */
static void record(struct recorder *r, const sigset_t *signals)
{
	double deadline = 0, now;

	do {
		write_sample(r);
		now = seconds_since(&r->start);
		do		/* what there was no time for is left out */
			deadline += r->interval;
		while (deadline < now);
	} while (!wait_until(r, signals, deadline));
	write_sample(r);
}

/* The command has started, or not been found, when this returns 0 or an errno. */
static int run_command(struct recorder *r, char **argv, const sigset_t *mask)
{
	posix_spawnattr_t attr;
	int err;

	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawnp(&r->command, argv[0], NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return err;
}

/*
 * The files
 */

static const char heading[] =
"seconds,reserved,committed,swapped,tam_reserved,tam_committed,minor_faults,"
"major_faults,processes\n";

/* Full disks and forbidden files are better known before the command starts. */
static int open_files(struct recorder *r)
{
	const char *path = r->csv_path;

	r->csv = fopen(path, "we");
	if (!r->csv)
		goto fail;
	setvbuf(r->csv, NULL, _IOLBF, 0);
	if (fputs(heading, r->csv) == EOF || fflush(r->csv))
		goto fail;
	if (r->plot_path) {
		path = r->plot_path;
		r->plot = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			       0666);
		if (r->plot < 0)
			goto fail;
	}
	return 0;

fail:
	failure("%s: %s", path, strerror(errno));
	return -1;
}

/*
 * The figures are standard input, which may be read again from its start.  The
 * columns of tamalloc are left out where all of them are empty.
 */
static const char plot_script[] =
"figures = '/dev/stdin';"
"set datafile separator comma; set datafile columnheaders;"
"power(max) = max < 1024 ? 0 : int(log(max) / log(1024));"
"unit(power) = word('B KiB MiB GiB TiB PiB EiB', power + 1);"
"stats figures using 2 nooutput; r = power(STATS_max);"
"stats figures using 3 nooutput; c = power(STATS_max);"
"set key noenhanced outside right top; set lmargin 12; set rmargin 20;"
"set grid; set xrange [0:*]; set yrange [0:*];"
"set multiplot layout 3,1;"
"set ylabel unit(r);"
"plot for [i in reserved] figures using 1:(column(int(i)) / 1024.0**r)"
" with steps lw 2 title columnhead(int(i));"
"set ylabel unit(c);"
"plot for [i in committed] figures using 1:(column(int(i)) / 1024.0**c)"
" with steps lw 2 title columnhead(int(i));"
"set ylabel 'faults'; set xlabel 'seconds';"
"plot for [i in '7 8'] figures using 1:(column(int(i)))"
" with steps lw 2 title columnhead(int(i));"
"unset multiplot";

static bool ends_in(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n > m && !strcasecmp(path + n - m, suffix);
}

/* What gnuplot calls the format of a file of that name, or NULL. */
static const char *plot_terminal(const char *path)
{
	if (ends_in(path, ".png"))
		return "set terminal png size 1000,900;";
	if (ends_in(path, ".svg"))
		return "set terminal svg size 1000,900 dynamic background 'white';";
	return NULL;
}

/* Returns 0 or an errno. */
static int run_gnuplot(const struct recorder *r)
{
	const char *argv[] = { "gnuplot", "-e", plot_terminal(r->plot_path),
			       "-e", r->module ?
				"reserved = '2 5'; committed = '3 6 4'" :
				"reserved = '2'; committed = '3 4'",
			       "-e", plot_script, NULL };
	posix_spawn_file_actions_t files;
	int err, status;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fileno(r->csv), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, r->plot, STDOUT_FILENO);
	err = posix_spawnp(&pid, argv[0], &files, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (err)
		return err;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? EIO : 0;
}

static int plot(const struct recorder *r)
{
	if (!run_gnuplot(r))
		return 0;
	unlink(r->plot_path);
	failure("%s: gnuplot failed; the figures are in %s", r->plot_path,
		r->csv_path);
	return -1;
}

/* The command's status, or if that is 0 whether the files are as they should. */
static int finish(struct recorder *r)
{
	bool bad = true;

	if (ferror(r->csv) || fflush(r->csv))
		failure("%s: not all of it could be written", r->csv_path);
	else
		bad = r->plot_path && plot(r);
	fclose(r->csv);
	if (!strcmp(r->csv_path, FILE_DEFAULT))
		note("%lu samples in %s", r->samples, r->csv_path);
	if (WIFSIGNALED(r->status))
		return EXIT_SIGNAL + WTERMSIG(r->status);
	return WEXITSTATUS(r->status) ? WEXITSTATUS(r->status) :
	       bad ? EXIT_FAILED : EXIT_OK;
}

static int run(struct recorder *r, char **argv)
{
	sigset_t signals, before;
	struct tam_query query;
	int err;

	/* An ignored SIGCHLD would have been inherited, and children be lost. */
	signal(SIGCHLD, SIG_DFL);
	if (r->plot_path && system("command -v gnuplot >/dev/null 2>&1"))
		return failure("%s: gnuplot is missing: apt-get install gnuplot-nox",
			       r->plot_path);
	r->module = !tam_query(&query, sizeof(query));
	if (!r->module)
		books_warn(errno);
	if (open_files(r))
		return EXIT_FAILED;
	/* Descendants whose parent has ended become children of this process. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	block_signals(&signals, &before);
	clock_gettime(CLOCK_MONOTONIC, &r->start);
	err = run_command(r, argv, &before);
	if (err) {
		if (r->plot_path)
			unlink(r->plot_path);
		failure("%s: %s", argv[0], strerror(err));
		return err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
	}
	record(r, &signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return finish(r);
}

int cmd_record(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "wait", required_argument, NULL, 'w' },
		{ "output", required_argument, NULL, 'o' },
		{ "plot", required_argument, NULL, 'p' },
		{ 0 }
	};
	struct recorder r = {
		.interval = SECONDS_DEFAULT,
		.csv_path = FILE_DEFAULT,
	};
	int c;

	while ((c = next_option(argc, argv, "+w:o:", longs)) != -1) {
		switch (c) {
		case 'w':
			if (!parse_seconds(optarg, &r.interval))
				return usage_error("record: -w %s: not a number of seconds from %g to %g",
						   optarg, SECONDS_MIN,
						   SECONDS_MAX);
			break;
		case 'o':
			r.csv_path = optarg;
			break;
		case 'p':
			r.plot_path = optarg;
			break;
		}
	}
	if (r.plot_path && !plot_terminal(r.plot_path))
		return usage_error("record: --plot %s: neither .png nor .svg",
				   r.plot_path);
	if (options.format == FORMAT_JSON)
		return usage_error("record: CSV only");
	if (optind == argc)
		return usage_error("record: a command is missing");
	return run(&r, argv + optind);
}
