// SPDX-License-Identifier: GPL-2.0-only
/* The OOM score, computed from the books, against /proc/PID/oom_score. */
#include "books.h"

#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>

#include "tamalloc.h"

/* The formula as the header has it; the library has another copy. */
static long score_of(const struct tam_process_stats *s)
{
	struct sysinfo info;
	long total, points;

	if (s->oom_state != TAM_OOM_ELIGIBLE)
		return 0;
	CHECK(!sysinfo(&info));
	total = (info.totalram + info.totalswap) * info.mem_unit / PAGE;
	points = s->oom_usage / PAGE + s->oom_score_adj * (total / 1000);
	return (1000 + points * 1000 / total) * 2 / 3;
}

static long proc_score(pid_t pid)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/%d/oom_score", pid);
	get(path, text, sizeof(text));
	return atol(text);
}

static int set_adj(pid_t pid, int adj)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	snprintf(text, sizeof(text), "%d", adj);
	return put(path, text);
}

/* Of a process at rest: both copies of the formula give what the kernel says. */
static void check_score(pid_t pid, unsigned int state)
{
	struct tam_process_stats s;
	long before, after;

	/* The system's memory may be resized under our hands, in theory. */
	for (int i = 0; i < 5; i++) {
		before = proc_score(pid);
		s = process(pid);
		after = proc_score(pid);
		if (before == after)
			break;
	}
	CHECK_EQ(before, after);
	CHECK_EQ(s.valid & TAM_VALID_OOM, TAM_VALID_OOM);
	CHECK_EQ(s.oom_state, state);
	CHECK_EQ(score_of(&s), before);
	CHECK_EQ(tam_oom_score(&s), before);
	CHECK(state == TAM_OOM_ELIGIBLE || !before);
}

/* So much that the score shows it: of memory, page tables, and swap. */
#define MUCH	(48 * MIB)
#define TABLES	(2500 / patience())

static void use_much(void *unused)
{
	char *tables = map_private(open_object(), 40UL << 40);

	(void)unused;
	memset(map_private(open_byte(1), MUCH), 2, MUCH);
	/* Three pages for each of them. */
	for (unsigned int i = 0; i < TABLES; i++)
		touch_read(tables + i * 4UL * GIB);
}

static void check_all_adjs(pid_t pid)
{
	static const int adjs[] = { 0, -999, -500, -1, 1, 500, 999, 1000 };
	long score = 0;

	for (int i = 0; i < 8; i++) {
		CHECK(!set_adj(pid, adjs[i]));
		CHECK_EQ(process(pid).oom_score_adj, adjs[i]);
		check_score(pid, TAM_OOM_ELIGIBLE);
		if (!adjs[i])
			score = proc_score(pid);
	}
	CHECK(!set_adj(pid, -1000));
	CHECK_EQ(process(pid).oom_score_adj, -1000);
	check_score(pid, TAM_OOM_DISABLED);
	CHECK(!set_adj(pid, 0));
	CHECK_EQ(proc_score(pid), score);
}

TEST(the_score_of_a_stopped_process_is_that_of_proc)
{
	pid_t child = start(use_much, NULL), small = start(NULL, NULL);

	stop(child);
	check_all_adjs(child);
	printf("# scores %ld and %ld\n", proc_score(child), proc_score(small));
	/* Some 4 MiB are a point, in a machine of 2 GiB. */
	CHECK(proc_score(child) > proc_score(small) + 10);
	CHECK_BETWEEN(process(child).oom_usage, MUCH + 2 * TABLES * PAGE,
		      2 * MUCH);
	end(child);
	end(small);
}

static void use_swap(void *unused)
{
	char *p = map_private(open_byte(1), MUCH);

	(void)unused;
	memset(p, 2, MUCH);
	for (int i = 0; i < 50 && smaps(getpid(), "Swap") < MUCH * 2 / 3; i++)
		CHECK(!madvise(p, MUCH, MADV_PAGEOUT));
}

TEST(what_is_swapped_counts_in_the_score)
{
	struct tam_process_stats s;
	pid_t child;

	require_swap();
	child = start(use_swap, NULL);
	stop(child);
	CHECK(smaps(child, "Swap") >= MUCH * 2 / 3);
	check_all_adjs(child);
	s = process(child);
	CHECK_BETWEEN(s.oom_usage, MUCH, MUCH * 4 / 3);
	CHECK(s.committed < MUCH / 2);
	end(child);
}

static void check_swapless(void *arg)
{
	check_all_adjs(*(pid_t *)arg);
}

TEST(without_swap_there_is_less_to_share_the_score_of)
{
	char path[256];
	FILE *file;
	long with;
	int status;
	pid_t child;

	require_swap();
	file = proc_open(0, "swaps");
	CHECK(fgets(path, sizeof(path), file));
	CHECK_EQ(fscanf(file, "%255s", path), 1);
	fclose(file);
	child = start(use_much, NULL);
	stop(child);
	with = proc_score(child);
	CHECK(!swapoff(path));
	status = kib(0, "meminfo", "SwapTotal") ? -1 :
		 in_child(check_swapless, &child);
	if (!status && proc_score(child) <= with)
		status = -2;
	CHECK(!swapon(path, 0));
	CHECK_EQ(status, 0);
	check_score(child, TAM_OOM_ELIGIBLE);
	end(child);
}

TEST(who_is_spared_has_no_score)
{
	pid_t dead = zombie(), headless = start_headless(make_layout, NULL);

	check_score(1, TAM_OOM_INIT);
	check_score(2, TAM_OOM_KTHREAD);
	check_score(dead, TAM_OOM_NO_MM);
	check_score(headless, TAM_OOM_ELIGIBLE);
	CHECK(!set_adj(headless, -1000));
	check_score(headless, TAM_OOM_DISABLED);
	end(dead);
	end(headless);
}

TEST(every_kernel_thread_is_spared)
{
	struct tam_process_stats *all;
	size_t n, threads = 0;

	all = processes(TAM_LIST_NO_TAM, BUFFER, &n);
	for (size_t i = 0; i < n; i++) {
		if (all[i].ppid != 2)
			continue;
		CHECK_EQ(all[i].oom_state, TAM_OOM_KTHREAD);
		CHECK_EQ(tam_oom_score(&all[i]), 0);
		CHECK_EQ(all[i].valid & TAM_VALID_MM, 0);
		threads++;
	}
	CHECK(threads > 10);
	free(all);
}

static void wait_in_vfork(void *pids)
{
	pid_t child;

	make_layout(NULL);
	((pid_t *)pids)[0] = getpid();
	child = vfork();
	if (!child) {
		((volatile pid_t *)pids)[1] = getpid();
		for (;;)
			syscall(SYS_pause);
	}
}

TEST(a_vfork_parent_has_a_score_and_its_child_has_none)
{
	volatile pid_t *pids = common(PAGE);

	if (!fork()) {
		wait_in_vfork((void *)pids);
		_exit(0);
	}
	while (!pids[1])
		usleep(1000);
	while (state_of(pids[1]) != 'S')
		usleep(1000);
	check_score(pids[0], TAM_OOM_ELIGIBLE);
	check_score(pids[1], TAM_OOM_VFORK);
	CHECK_EQ(process(pids[0]).mm_id, process(pids[1]).mm_id);
	CHECK_EQ(process(pids[0]).oom_usage, process(pids[1]).oom_usage);
	kill(pids[1], SIGKILL);
	kill(pids[0], SIGKILL);
}

/* Killed for its memory, which is taken at once, and held back from its end. */

#define GROUP	"/sys/fs/cgroup/tamalloc-score"

static void take_too_much(void)
{
	size_t len = 128 * MIB;
	char *p = map_private(open_byte(1), len);

	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	CHECK(!put(GROUP "/cgroup.procs", "0"));
	memset(p, 2, len);
	_exit(0);
}

TEST(a_process_killed_for_its_memory_has_no_score_any_more)
{
	pid_t child;
	int status;

	put("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0755);
	if (put(GROUP "/memory.max", "32M"))
		SKIP("no memory controller");
	put(GROUP "/memory.swap.max", "0");
	child = fork();
	if (!child)
		take_too_much();
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(!ptrace(PTRACE_SETOPTIONS, child, NULL,
		      PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL));
	CHECK(!ptrace(PTRACE_CONT, child, NULL, 0));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
	/* The reaper waits for two seconds before it comes. */
	for (int i = 0; i < 100 && process(child).oom_state != TAM_OOM_SKIP; i++)
		usleep(100000);
	check_score(child, TAM_OOM_SKIP);
	CHECK(process(child).valid & TAM_VALID_MM);
	CHECK(process(child).tam_committed < 32 * MIB);
	CHECK(!ptrace(PTRACE_CONT, child, NULL, 0));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	rmdir(GROUP);
}
