// SPDX-License-Identifier: GPL-2.0-only
/* Options, and a verdict in TAP. */
#include "model.h"

#include <getopt.h>
#include <sys/random.h>
#include <time.h>

static const char usage[] =
"usage: tests/build/model [--seed N] [--ops N] [--processes N] [--threads N]\n"
"                         [--episode N] [--shrink SECONDS] [--verbose]\n"
"                         [--replay OPERATIONS]\n"
"Random operations on tamalloc memory, checked against a model of it.\n"
"  --seed N      choose the same operations again; default: random, or\n"
"                TAM_MODEL_SEED of the environment\n"
"  --ops N       how many, default 100000, or TAM_MODEL_OPS\n"
"  --processes N at most that many at once, default 4\n"
"  --threads N   of each, default 3\n"
"  --episode N   after so many begin afresh with the next seed, default 10000\n"
"  --shrink SECONDS  to spend on finding the shortest sequence that fails,\n"
"                default 120\n"
"  --verbose     count the outcomes of each operation\n"
"  --replay OPERATIONS  these, as they are printed after a failure\n";

static struct session s = { .processes = 4, .threads = 3, .silence = 60 };
static uint64_t ops, episode = 10000;
static unsigned int seconds = 120;
static struct op *given;	/* with --replay */
static bool verbose;

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*end || end == text) {
		fprintf(stderr, "%s is not a number\n", text);
		exit(2);
	}
	return n;
}

static const char *outcome_name(int outcome)
{
	if (outcome == SKIPPED)
		return "not possible";
	if (outcome == SIGNALLED)
		return "SIGSEGV";
	return outcome ? strerrorname_np(outcome) : "done";
}

static void report(uint64_t done, double took)
{
	unsigned int distinct = 0;

	for (unsigned int k = 0; k < kinds_count; k++) {
		if (verbose)
			printf("# %s:", kinds[k].name);
		for (int o = 0; o < OUTCOMES; o++) {
			if (!m->outcomes[k][o])
				continue;
			distinct++;
			if (verbose)
				printf(" %s %u", outcome_name(o),
				       m->outcomes[k][o]);
		}
		if (verbose)
			printf("\n");
	}
	printf("# %lu operations of %u kinds, %u distinct outcomes, %.1f s, %.0f/s\n",
	       done, kinds_count, distinct, took, done / took);
}

/* OPERATIONS of --replay, one after the other. */
static unsigned int parse(char *text, struct op **log)
{
	unsigned int n = 0;
	char *save, *one;

	*log = calloc(strlen(text) / 4 + 1, sizeof(**log));
	CHECK(*log);
	for (one = strtok_r(text, ";\n", &save); one;
	     one = strtok_r(NULL, ";\n", &save)) {
		if (!op_parse(one, &(*log)[n++])) {
			fprintf(stderr, "not an operation: %s\n", one);
			exit(2);
		}
	}
	return n;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static bool read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' }, { "ops", 1, NULL, 'o' },
		{ "processes", 1, NULL, 'p' }, { "threads", 1, NULL, 't' },
		{ "episode", 1, NULL, 'e' }, { "shrink", 1, NULL, 'S' },
		{ "verbose", 0, NULL, 'v' }, { "replay", 1, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const char *env = getenv("TAM_MODEL_SEED");
	uint32_t seed;
	int c;

	CHECK(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
	s.seed = env ? number(env) : seed;
	env = getenv("TAM_MODEL_OPS");
	ops = env ? number(env) : 100000;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			s.seed = number(optarg);
			break;
		case 'o':
			ops = number(optarg);
			break;
		case 'p':
			s.processes = number(optarg);
			break;
		case 't':
			s.threads = number(optarg);
			break;
		case 'e':
			episode = number(optarg);
			break;
		case 'S':
			seconds = number(optarg);
			break;
		case 'v':
			verbose = true;
			break;
		case 'r':
			ops = parse(optarg, &given);
			episode = ops;
			break;
		default:
			return false;
		}
	}
	return s.processes >= 1 && s.processes <= PROCESSES &&
	       s.threads >= 1 && s.threads <= THREADS && episode && ops &&
	       optind == argc;
}

/* What went wrong, how to see it again, and in fewer operations. */
static void explain(void)
{
	unsigned int n = m->position < s.ops ? m->position + 1 : s.ops;

	printf("# %s\n", m->why);
	if (given)
		return;
	printf("# operation %u of seed %lu; again: tests/build/model --processes %d --threads %d --seed %lu --ops %u --episode %u\n",
	       m->position, s.seed, s.processes, s.threads, s.seed, s.ops,
	       s.ops);
	fflush(stdout);
	if (seconds)
		shrink(&s, m->log, n, seconds);
}

int main(int argc, char **argv)
{
	uint64_t done = 0;
	double start, said;
	bool well = true;

	if (!read_options(argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	session_init(episode);
	printf("1..1\n# seed %lu\n", s.seed);
	fflush(stdout);
	start = said = now();
	while (well && done < ops) {
		s.ops = ops - done < episode ? ops - done : episode;
		well = session_run(&s, given);
		done += m->position;
		if (well)
			s.seed++;
		if (now() - said > 30) {	/* it is slow, not stuck */
			said = now();
			printf("# %lu done\n", done);
			fflush(stdout);
		}
	}
	report(done, now() - start);
	if (!well)
		explain();
	printf("%s 1 - random operations agree with the model\n",
	       well ? "ok" : "not ok");
	return !well;
}
