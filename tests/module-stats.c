// SPDX-License-Identifier: GPL-2.0-only
/* The books against /proc's: of a process, of the system. */
#include "books.h"

/* @lag: of the counters where the process is not at rest. */
static void check_amounts(const struct tam_process_stats *s, pid_t pid,
			  uint64_t lag)
{
	CHECK_EQ(s->valid & TAM_VALID_MM, TAM_VALID_MM);
	CHECK_EQ(s->reserved, kib(pid, "status", "VmSize"));
	CHECK_BETWEEN(s->committed, kib(pid, "status", "VmRSS") - lag,
		      kib(pid, "status", "VmRSS") + lag);
	CHECK_BETWEEN(s->swapped, kib(pid, "status", "VmSwap") - lag,
		      kib(pid, "status", "VmSwap") + lag);
	/* VmPTE is the lowest level only; three pages or four are above it. */
	CHECK_BETWEEN(s->page_tables, kib(pid, "status", "VmPTE"),
		      kib(pid, "status", "VmPTE") + 64 * PAGE);
}

TEST(a_process_has_the_amounts_of_its_status)
{
	pid_t child = start(make_layout, NULL);
	struct tam_process_stats s = process(child);

	check_amounts(&s, child, 0);
	CHECK_BETWEEN(s.committed, LAYOUT_COMMITTED - LAG, LAYOUT_COMMITTED + 16 * MIB);
	end(child);
}

TEST(the_caller_has_the_amounts_of_its_status)
{
	struct tam_process_stats by_zero, by_pid;

	CHECK(!mlockall(MCL_CURRENT));
	make_layout(NULL);
	by_zero = process(0);
	by_pid = process(getpid());
	check_amounts(&by_zero, getpid(), LAG);
	CHECK_EQ(by_zero.pid, getpid());
	CHECK_EQ(by_zero.mm_id, by_pid.mm_id);
	CHECK_EQ(by_zero.tam_committed, LAYOUT_COMMITTED);
	CHECK_EQ(by_pid.tam_committed, LAYOUT_COMMITTED);
}

TEST(a_process_says_who_it_is)
{
	pid_t child = start(NULL, NULL);
	struct tam_process_stats s;

	CHECK(!prctl(PR_SET_NAME, "a name of fifteen"));
	s = process(0);
	CHECK_EQ(s.size, sizeof(s));
	CHECK_EQ(s.pid, getpid());
	CHECK_EQ(s.ppid, getppid());
	CHECK_EQ(s.uid, getuid());
	CHECK(!strcmp(s.comm, "a name of fifte"));
	s = process(child);
	CHECK_EQ(s.pid, child);
	CHECK_EQ(s.ppid, getpid());
	CHECK(s.mm_id != process(0).mm_id);
	end(child);
}

TEST(uid_is_the_processs_own)
{
	pid_t child = start(become_nobody, NULL);

	CHECK_EQ(process(child).uid, NOBODY);
	end(child);
}

/* tamalloc's share */

TEST(the_share_of_a_known_layout_is_exact)
{
	pid_t child = start(make_layout, NULL);
	struct tam_process_stats s = process(child);

	CHECK_EQ(s.valid & TAM_VALID_TAM, TAM_VALID_TAM);
	CHECK_EQ(s.tam_mappings, LAYOUT_MAPPINGS);
	CHECK_EQ(s.tam_reserved, LAYOUT_RESERVED);
	CHECK_EQ(s.tam_committed, LAYOUT_COMMITTED);
	CHECK_EQ(s.tam_swapped, 0);
	CHECK_EQ(s.tam_reserved, smaps(child, "Size"));
	CHECK_EQ(s.tam_committed, smaps(child, "Rss"));
	end(child);
}

TEST(a_process_without_tamalloc_has_no_share)
{
	pid_t child = start(NULL, NULL);
	struct tam_process_stats s = process(child);

	CHECK_EQ(s.valid & TAM_VALID_TAM, TAM_VALID_TAM);
	CHECK_EQ(s.tam_mappings | s.tam_reserved | s.tam_committed |
		 s.tam_swapped, 0);
	end(child);
}

TEST(swapped_pages_are_told_from_committed_ones)
{
	struct tam_process_stats s;
	pid_t child;

	require_swap();
	child = start(make_swapped, NULL);
	CHECK(smaps(child, "Swap") >= 12 * MIB);
	s = process(child);
	CHECK_EQ(s.tam_swapped, smaps(child, "Swap"));
	CHECK_EQ(s.tam_committed, smaps(child, "Rss"));
	CHECK_EQ(s.tam_swapped + s.tam_committed, 16 * MIB);
	check_amounts(&s, child, 0);
	CHECK_BETWEEN(s.swapped, 12 * MIB - LAG, INT64_MAX);
	end(child);
}

TEST(a_copy_on_write_page_counts_in_both_processes)
{
	char *p = map_private(open_byte(1), MIB);
	pid_t child;

	memset(p, 1, MIB);
	child = start(NULL, NULL);
	CHECK_EQ(process(0).tam_committed, MIB);
	CHECK_EQ(process(child).tam_committed, MIB);
	end(child);
}

TEST(shared_pages_count_where_they_are_mapped)
{
	int fd = open_byte(1);
	char *p = map_shared(fd, MIB);
	pid_t child = start(NULL, NULL);

	memset(p, 1, MIB);
	CHECK_EQ(held(fd), MIB);
	CHECK_EQ(process(0).tam_committed, MIB);
	CHECK_EQ(process(child).tam_committed, 0);
	CHECK_EQ(process(child).tam_reserved, MIB);
	end(child);
}

/* Processes without memory, and none */

TEST(a_kernel_thread_has_no_memory)
{
	struct tam_process_stats s = process(2);

	CHECK_EQ(s.valid & (TAM_VALID_MM | TAM_VALID_TAM), 0);
	CHECK_EQ(s.valid & TAM_VALID_OOM, TAM_VALID_OOM);
	CHECK_EQ(s.oom_state, TAM_OOM_KTHREAD);
	CHECK_EQ(s.reserved | s.committed | s.swapped | s.page_tables, 0);
	CHECK_EQ(s.tam_mappings | s.tam_reserved | s.mm_id, 0);
	CHECK(!strcmp(s.comm, "kthreadd"));
}

TEST(a_zombie_has_no_memory)
{
	pid_t child = fork();
	struct tam_process_stats s;
	siginfo_t info;

	if (!child)
		_exit(0);
	CHECK(!waitid(P_PID, child, &info, WEXITED | WNOWAIT));
	s = process(child);
	CHECK_EQ(s.pid, child);
	CHECK_EQ(s.ppid, getpid());
	CHECK_EQ(s.valid & (TAM_VALID_MM | TAM_VALID_TAM), 0);
	CHECK_EQ(s.oom_state, TAM_OOM_NO_MM);
	CHECK_EQ(s.reserved | s.committed | s.swapped | s.page_tables, 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(the_first_process_is_spared)
{
	struct tam_process_stats s = process(1);

	CHECK_EQ(s.oom_state, TAM_OOM_INIT);
	CHECK_EQ(s.ppid, 0);
	CHECK_EQ(s.valid & TAM_VALID_MM, TAM_VALID_MM);
}

TEST(no_such_process_is_esrch)
{
	pid_t child = start(NULL, NULL);

	end(child);
	CHECK_NO_PROCESS(child, ESRCH);
	CHECK_NO_PROCESS(INT32_MAX, ESRCH);
}

TEST(a_negative_pid_is_einval)
{
	CHECK_NO_PROCESS(-1, EINVAL);
	CHECK_NO_PROCESS(INT32_MIN, EINVAL);
}

TEST(a_thread_is_not_a_process)
{
	CHECK(clone_with(THREAD, report_and_wait) > 0);
	while (!thread_id)
		usleep(1000);
	CHECK_NO_PROCESS(thread_id, ESRCH);
	CHECK_EQ(process(getpid()).pid, getpid());
}

static void commit_a_mib(void *unused)
{
	(void)unused;
	memset(map_private(open_object(), MIB), 1, MIB);
}

TEST(a_process_whose_main_thread_is_gone_still_has_memory)
{
	pid_t child = start_headless(commit_a_mib, NULL);
	struct tam_process_stats s = process(child);

	CHECK_EQ(s.valid & TAM_VALID_MM, TAM_VALID_MM);
	CHECK_EQ(s.oom_state, TAM_OOM_ELIGIBLE);
	CHECK_EQ(s.tam_committed, MIB);
	end(child);
}

/* Who may see what */

static void look_at(void *arg)
{
	struct tam_process_stats s = process(*(pid_t *)arg);

	CHECK_EQ(s.valid & TAM_VALID_MM, TAM_VALID_MM);
	CHECK(s.reserved && s.committed);
	CHECK_EQ(s.valid & TAM_VALID_TAM, 0);
	CHECK_EQ(s.tam_mappings | s.tam_reserved | s.tam_committed |
		 s.tam_swapped, 0);
}

static void look_as_nobody(void *arg)
{
	become_nobody(NULL);
	look_at(arg);
	/* Its own it sees. */
	map_private(open_object(), 2 * PAGE)[0] = 1;
	CHECK_EQ(process(0).valid & TAM_VALID_TAM, TAM_VALID_TAM);
	CHECK_EQ(process(0).tam_committed, PAGE);
}

TEST(the_share_of_another_users_process_is_not_shown)
{
	pid_t child = start(make_layout, NULL);

	child_passes(look_as_nobody, &child);
	end(child);
}

static void nobodys_layout(void *unused)
{
	make_layout(unused);
	become_nobody(unused);
}

TEST(the_share_of_any_process_is_shown_to_root)
{
	pid_t child = start(nobodys_layout, NULL);

	CHECK_EQ(process(child).tam_committed, LAYOUT_COMMITTED);
	end(child);
}

static void look_as_the_same_user(void *arg)
{
	become_nobody(NULL);
	CHECK_EQ(process(*(pid_t *)arg).tam_committed, LAYOUT_COMMITTED);
}

TEST(the_share_of_the_same_users_process_is_shown)
{
	pid_t child = start(nobodys_layout, NULL);

	child_passes(look_as_the_same_user, &child);
	end(child);
}

static void system_as_nobody(void *arg)
{
	struct tam_system_stats s, *root = arg;

	become_nobody(NULL);
	s = sys_stats();
	/* What every tool shows is shown, the shares of others are not. */
	CHECK_BETWEEN(s.processes, root->processes - 2, root->processes + 2);
	CHECK_BETWEEN(s.incomplete, root->processes - 3, s.processes);
	CHECK_EQ(s.tam_mappings, 0);
	CHECK_EQ(s.tam_committed, 0);
	CHECK(s.tam_held >= LAYOUT_STORED * PAGE);
}

TEST(system_totals_of_an_ordinary_user_have_its_own_shares)
{
	pid_t child = start(make_layout, NULL);
	struct tam_system_stats s = sys_stats();

	child_passes(system_as_nobody, &s);
	end(child);
}

/* Namespaces */

static void first_in_namespace(void *arg)
{
	struct tam_process_stats s = process(0);
	pid_t child;

	CHECK_EQ(s.pid, 1);
	CHECK_EQ(s.ppid, 0);
	CHECK_EQ(process(1).mm_id, s.mm_id);
	CHECK_NO_PROCESS(*(pid_t *)arg, ESRCH);
	child = start(NULL, NULL);
	CHECK_EQ(process(child).pid, child);
	CHECK_EQ(process(child).ppid, 1);
	CHECK_EQ(sys_stats().processes, 2);
	end(child);
}

TEST(a_pid_namespace_sees_its_own_processes_only)
{
	pid_t outside = getpid();

	CHECK(outside > 2);
	in_namespace(first_in_namespace, &outside);
}

/* One address space, two processes */

TEST(an_address_space_of_two_processes_counts_once)
{
	struct tam_system_stats before, after;
	pid_t child;

	make_layout(NULL);
	before = sys_stats();
	child = clone_with(CLONE_VM | SIGCHLD, report_and_wait);
	CHECK(child > 0);
	after = sys_stats();
	CHECK_EQ(process(child).mm_id, process(0).mm_id);
	CHECK_EQ(process(child).tam_committed, LAYOUT_COMMITTED);
	CHECK_EQ(after.processes, before.processes);
	CHECK_EQ(after.tam_mappings, before.tam_mappings);
	CHECK_EQ(after.tam_reserved, before.tam_reserved);
	CHECK_EQ(after.tam_committed, before.tam_committed);
	CHECK_BETWEEN(after.reserved, before.reserved - MIB,
		      before.reserved + 16 * MIB);
	end(child);
}

static void look_from_vfork(pid_t parent)
{
	struct tam_process_stats s = process(0);

	CHECK_EQ(s.mm_id, process(parent).mm_id);
	CHECK_EQ(s.oom_state, TAM_OOM_VFORK);
	CHECK_EQ(process(parent).oom_state, TAM_OOM_ELIGIBLE);
}

TEST(a_vfork_child_borrows_its_parents_memory)
{
	pid_t parent = getpid(), child = vfork();
	int status;

	if (!child) {
		look_from_vfork(parent);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void main_thread_and_heir(pid_t *thread)
{
	make_layout(NULL);
	/* Another process with the same memory: it inherits the ownership. */
	CHECK(clone_with(CLONE_VM | SIGCHLD, report_and_wait) > 0);
	*thread = clone_with(THREAD, report_and_wait);
	CHECK(*thread > 0);
	syscall(SYS_exit, 0);	/* this thread only */
}

static void lose_the_main_thread(void *unused)
{
	struct tam_system_stats before = sys_stats(), after;
	pid_t *thread = common(PAGE);
	pid_t child = fork();

	(void)unused;
	if (!child)
		main_thread_and_heir(thread);
	while (!*(volatile pid_t *)thread)
		usleep(10000);
	usleep(200000);
	after = sys_stats();
	CHECK_EQ(after.processes, before.processes + 1);
	CHECK_EQ(after.tam_mappings, before.tam_mappings + LAYOUT_MAPPINGS);
	CHECK_EQ(after.tam_committed, before.tam_committed + LAYOUT_COMMITTED);
}

/* What it leaves behind ends with the namespace. */
TEST(memory_whose_main_thread_is_gone_counts_once)
{
	in_namespace(lose_the_main_thread, NULL);
}

static void lose_the_owner(void *unused)
{
	struct tam_system_stats before = sys_stats(), after;
	pid_t *heir = common(PAGE);
	pid_t child = fork();

	(void)unused;
	if (!child) {
		make_layout(NULL);
		*heir = clone_with(CLONE_VM | CLONE_PARENT | SIGCHLD,
				   report_and_wait);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK(*heir > 0);
	after = sys_stats();
	CHECK_EQ(after.tam_committed - before.tam_committed, LAYOUT_COMMITTED);
	CHECK_EQ(after.processes - before.processes, 1);
}

TEST(a_process_whose_first_owner_is_gone_is_counted)
{
	in_namespace(lose_the_owner, NULL);
}

/* The system */

TEST(system_totals_are_sums_over_processes)
{
	struct tam_system_stats before = sys_stats(), after;
	pid_t one, two;

	one = start(make_layout, NULL);
	two = start(make_layout, NULL);
	after = sys_stats();
	CHECK_EQ(after.processes - before.processes, 2);
	CHECK_EQ(after.tam_mappings - before.tam_mappings, 2 * LAYOUT_MAPPINGS);
	CHECK_EQ(after.tam_reserved - before.tam_reserved, 2 * LAYOUT_RESERVED);
	CHECK_EQ(after.tam_committed - before.tam_committed,
		 2 * LAYOUT_COMMITTED);
	CHECK_EQ(after.incomplete, 0);
	CHECK(after.reserved >= process(one).reserved +
	      process(two).reserved + process(0).reserved);
	CHECK(after.committed >= process(one).committed +
	      process(two).committed);
	CHECK(after.page_tables >= process(one).page_tables +
	      process(two).page_tables);
	/* Shared and read-only pages. */
	CHECK_EQ(after.tam_held - before.tam_held,
		 2 * (LAYOUT_STORED + LAYOUT_FAR_READ) * PAGE);
	CHECK_EQ(after.tam_objects - before.tam_objects, 4);
	end(one);
	end(two);
	after = sys_stats();
	CHECK_EQ(after.tam_reserved, before.tam_reserved);
	CHECK_EQ(after.tam_held, before.tam_held);
	CHECK_EQ(after.tam_objects, before.tam_objects);
}

#define CHECK_NEAR(a, b)	CHECK_BETWEEN(a, (int64_t)(b) - 32 * (int64_t)MIB, \
					      (int64_t)(b) + 32 * (int64_t)MIB)

TEST(system_memory_is_that_of_meminfo)
{
	struct tam_system_stats s;

	/* What the tests before had is on its way back: until that is at rest. */
	for (int i = 0; i < 50; i++) {
		uint64_t left = kib(0, "meminfo", "MemAvailable");

		usleep(100000);
		if (kib(0, "meminfo", "MemAvailable") - left + MIB < 2 * MIB)
			break;
	}
	s = sys_stats();
	CHECK_EQ(s.ram_total, kib(0, "meminfo", "MemTotal"));
	CHECK_NEAR(s.ram_free, kib(0, "meminfo", "MemFree"));
	CHECK_NEAR(s.ram_available, kib(0, "meminfo", "MemAvailable"));
	CHECK_NEAR(s.commit_charge, kib(0, "meminfo", "Committed_AS"));
	CHECK_EQ(s.ram_used, s.ram_total - s.ram_available);
}

/* They are small by themselves: made to stand out. */
TEST(active_memory_and_buffers_are_those_of_meminfo)
{
	size_t len = 128 * MIB;
	char path[256] = "/dev/root", *p;
	struct tam_system_stats s;
	uint64_t active;
	int fd = -1;
	FILE *file;

	/* Buffers: what is read of a block device. */
	file = proc_open(0, "swaps");
	if (fgets(path, sizeof(path), file) && fscanf(file, "%255s", path) == 1) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		p = malloc(MIB);
		/* Read again it is active. */
		for (int i = 0; i < 3 * 96; i++)
			CHECK_EQ(pread(fd, p, MIB, i % 96 * MIB), MIB);
		s = sys_stats();
		CHECK(kib(0, "meminfo", "Buffers") >= 90 * MIB);
		CHECK_NEAR(s.ram_buffers, kib(0, "meminfo", "Buffers"));
		CHECK_NEAR(s.ram_active, kib(0, "meminfo", "Active"));
		free(p);
		close(fd);
	}
	fclose(file);

	p = mmap(NULL, len, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 3; i++)
		memset(p, i, len);
	s = sys_stats();
	active = kib(0, "meminfo", "Active");
	printf("# Active %lu, Buffers %llu MiB\n", active / MIB,
	       s.ram_buffers / MIB);
	CHECK_NEAR(s.ram_active, active);
	/* That of files before generations of pages, that of programs since. */
	CHECK(fd < 0 || active >= 64 * MIB);
	CHECK_NEAR(s.ram_buffers, kib(0, "meminfo", "Buffers"));
	/* At once: KASAN gives back what was freed when it likes. */
	s = sys_stats();
	CHECK_NEAR(s.ram_used, kib(0, "meminfo", "MemTotal") -
		   kib(0, "meminfo", "MemAvailable"));
}

TEST(what_modules_cannot_know_is_zero_and_not_said_to_be_valid)
{
	struct tam_system_stats s = sys_stats();

	CHECK_EQ(s.size, sizeof(s));
	CHECK_EQ(s.valid, TAM_VALID_BOOKS);
	CHECK_EQ(s.overcommit | s.ram_cached | s.swap_total | s.swap_free |
		 s.commit_limit, 0);
}

/* The sums, from a list: each address space once. */
static struct tam_system_stats sum_list(void)
{
	struct tam_process_stats *all;
	struct tam_system_stats sum = {};
	size_t n;

	all = processes(0, BUFFER, &n);
	for (size_t i = 0; i < n; i++) {
		const struct tam_process_stats *one = &all[i];
		size_t k;

		for (k = 0; k < i && all[k].mm_id != one->mm_id; k++)
			;
		if (!(one->valid & TAM_VALID_MM) || k < i)
			continue;
		sum.processes++;
		sum.reserved += one->reserved;
		sum.committed += one->committed;
		sum.swapped += one->swapped;
		sum.page_tables += one->page_tables;
		sum.incomplete += !(one->valid & TAM_VALID_TAM);
		sum.tam_processes += one->tam_mappings > 0;
		sum.tam_mappings += one->tam_mappings;
		sum.tam_reserved += one->tam_reserved;
		sum.tam_committed += one->tam_committed;
		sum.tam_swapped += one->tam_swapped;
	}
	free(all);
	return sum;
}

static bool same_sums(const struct tam_system_stats *a,
		      const struct tam_system_stats *b)
{
	return a->processes == b->processes && a->incomplete == b->incomplete &&
	       a->reserved == b->reserved && a->committed == b->committed &&
	       a->swapped == b->swapped && a->page_tables == b->page_tables &&
	       a->tam_processes == b->tam_processes &&
	       a->tam_mappings == b->tam_mappings &&
	       a->tam_reserved == b->tam_reserved &&
	       a->tam_committed == b->tam_committed &&
	       a->tam_swapped == b->tam_swapped;
}

/* When nothing moves for as long as it takes to look three times. */
static void check_sums(uint64_t count, uint64_t with_tam)
{
	struct tam_system_stats before, sum, after;

	for (int i = 0; i < 50; i++) {
		before = sys_stats();
		sum = sum_list();
		after = sys_stats();
		if (same_sums(&before, &sum) && same_sums(&sum, &after))
			break;
		usleep(20000);
	}
#define CHECK_SUM(field)	CHECK_EQ(after.field, sum.field)
	CHECK_SUM(processes);
	CHECK_SUM(incomplete);
	CHECK_SUM(reserved);
	CHECK_SUM(committed);
	CHECK_SUM(swapped);
	CHECK_SUM(page_tables);
	CHECK_SUM(tam_processes);
	CHECK_SUM(tam_mappings);
	CHECK_SUM(tam_reserved);
	CHECK_SUM(tam_committed);
	CHECK_SUM(tam_swapped);
	if (!count)
		return;
	CHECK_EQ(after.processes, count);
	CHECK_EQ(after.tam_processes, with_tam);
}

static void sum_a_namespace(void *unused)
{
	pid_t swapped, sharer;

	(void)unused;
	CHECK(!mlockall(MCL_CURRENT));
	check_sums(1, 0);
	stop(start(make_layout, NULL));
	stop(start(NULL, NULL));
	stop(start(become_nobody, NULL));
	check_sums(4, 1);
	start_headless(make_layout, NULL);
	zombie();
	check_sums(5, 2);
	make_layout(NULL);
	check_sums(5, 3);
	sharer = clone_with(CLONE_VM | SIGCHLD, report_and_wait);
	stop(sharer);
	check_sums(5, 3);
	if (kib(0, "meminfo", "SwapFree")) {
		swapped = start(make_swapped, NULL);
		stop(swapped);
		check_sums(6, 4);
		CHECK(sys_stats().tam_swapped >= 12 * MIB);
		end(swapped);
	}
	end(sharer);
	check_sums(5, 3);
}

TEST(system_sums_are_those_of_the_list)
{
	in_namespace(sum_a_namespace, NULL);
	check_sums(0, 0);
}

static void sum_as_nobody(void *unused)
{
	struct tam_system_stats s;

	become_nobody(unused);
	make_layout(unused);
	check_sums(0, 0);
	s = sys_stats();
	CHECK_EQ(s.tam_processes, 1);
	CHECK_EQ(s.tam_mappings, LAYOUT_MAPPINGS);
	CHECK_EQ(s.incomplete, s.processes - 1);
}

TEST(system_sums_of_an_ordinary_user_are_those_of_its_list)
{
	pid_t child = start(make_layout, NULL);

	stop(child);
	child_passes(sum_as_nobody, NULL);
	end(child);
}

static int sum_from_inside(void *unused)
{
	struct tam_system_stats s;

	(void)unused;
	if (getpid() != 1)
		_exit(2);
	s = sys_stats();
	_exit(s.processes == 1 && s.tam_mappings == LAYOUT_MAPPINGS &&
	      s.tam_committed == LAYOUT_COMMITTED ? 0 : 1);
}

TEST(memory_shared_with_the_outside_counts_in_the_namespace)
{
	pid_t child;
	int status;

	make_layout(NULL);
	child = clone_with(CLONE_VM | CLONE_NEWPID | SIGCHLD, sum_from_inside);
	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

#define INHERITORS	100

TEST(however_many_map_an_object_each_has_its_share)
{
	struct tam_system_stats before = sys_stats(), after;
	struct tam_process_stats *all;
	pid_t children[INHERITORS];
	size_t n, found = 0;
	char *p = map_shared(open_byte(1), MIB);

	memset(p, 1, MIB);
	for (int i = 0; i < INHERITORS; i++) {
		children[i] = fork();
		if (!children[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* Where fork() copies no page tables. */
			touch_read(p + i * PAGE);
			for (;;)
				pause();
		}
	}
	for (int i = 0; i < INHERITORS; i++)
		while (!(process(children[i]).tam_committed))
			usleep(1000);
	all = processes(0, BUFFER, &n);
	for (size_t i = 0; i < n; i++)
		if (all[i].ppid == getpid()) {
			CHECK_EQ(all[i].tam_mappings, 1);
			CHECK_EQ(all[i].tam_committed, PAGE);
			found++;
		}
	CHECK_EQ(found, INHERITORS);
	after = sys_stats();
	CHECK_EQ(after.tam_processes - before.tam_processes, INHERITORS + 1);
	CHECK_EQ(after.tam_committed - before.tam_committed,
		 INHERITORS * PAGE + MIB);
	free(all);
	for (int i = 0; i < INHERITORS; i++)
		end(children[i]);
}

static void map_the_last(void *fd)
{
	memset(map_shared(*(int *)fd, MIB), 1, MIB);
}

TEST(however_many_objects_there_are_each_process_has_its_share)
{
	int fds[900], last;
	char *p = map(open_object(), 2048 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	const struct tam_process_stats *his, *mine;
	struct tam_process_stats *all;
	pid_t child;
	size_t n;

	for (int i = 0; i < 900; i++)
		map_private(fds[i] = open_object(), PAGE)[0] = 1;
	last = open_object();
	child = start(map_the_last, &last);
	for (int round = 0; round < 2; round++) {
		all = processes(0, BUFFER, &n);
		his = find_process(all, n, child);
		mine = find_process(all, n, getpid());
		CHECK(his && mine);
		CHECK_EQ(his->tam_committed,
			 901 * PAGE + MIB - PAGE);
		CHECK_EQ(mine->tam_committed,
			 900 * PAGE);
		free(all);
		/* And now with thousands of mappings of one object. */
		for (int i = 0; i < 2048; i += 2)
			CHECK(!mprotect(p + i * PAGE, PAGE, RW));
	}
	end(child);
}

TEST(each_open_is_an_object_and_each_close_ends_one)
{
	uint64_t before = sys_stats().tam_objects;
	int fd[10], copy;

	for (int i = 0; i < 10; i++)
		fd[i] = open_object();
	CHECK_EQ(sys_stats().tam_objects - before, 10);
	copy = dup(fd[0]);
	CHECK_EQ(sys_stats().tam_objects - before, 10);
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	CHECK_EQ(sys_stats().tam_objects - before, 1);
	close(copy);
	CHECK_EQ(sys_stats().tam_objects, before);
}

static volatile int stop_asking;

static int ask_all_the_time(void *arg)
{
	(void)arg;
	while (!stop_asking)
		sys_stats();
	return 0;
}

TEST(asking_does_not_disturb_processes_that_come_and_go)
{
	pid_t asker = clone_with(CLONE_VM | SIGCHLD, ask_all_the_time);
	int status;

	for (int i = 0; i < 100; i++) {
		pid_t child = fork();

		if (!child) {
			char *p = map_private(open_byte(3), 64 * PAGE);

			CHECK_BYTES(p, 64 * PAGE, 3);
			CHECK(!munmap(p, 64 * PAGE));
			_exit(0);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	stop_asking = 1;
	CHECK_EQ(waitpid(asker, &status, 0), asker);
	CHECK_EQ(status, 0);
}

TEST(a_process_of_many_page_tables_is_counted_right)
{
	char *p = map(open_object(), 8UL << 40, RW, MAP_PRIVATE, 0);
	size_t n = 2000;

	/* Each in a page table of its own: more than the walk's one step. */
	for (size_t i = 0; i < n; i++)
		p[i * 4UL * GIB + i * PAGE] = 1;
	CHECK_EQ(process(0).tam_committed, n * PAGE);
	CHECK_EQ(process(0).tam_mappings, 1);
	CHECK_EQ(process(0).tam_reserved, 8UL << 40);
}
