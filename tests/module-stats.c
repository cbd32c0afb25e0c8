// SPDX-License-Identifier: GPL-2.0-only
/* The books against /proc's: of a process, of the system. */
#include "module.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#define NOBODY	65534

/* Per thread, the kernels before 6.2 count up to 64 pages late. */
#define LAG	(64 * PAGE)

static struct tam_process_stats process(pid_t pid)
{
	struct tam_process_stats stats = { .pid = pid };
	int fd = open_object();

	if (ioctl(fd, TAM_IOC_PROCESS, &stats))
		FAIL("process %d: %s", pid, strerror(errno));
	close(fd);
	return stats;
}

static struct tam_system_stats sys_stats(void)
{
	struct tam_system_stats stats;
	int fd = open_object();

	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &stats));
	close(fd);
	return stats;
}

/* A number of /proc/PID/FILE in a line "FIELD: N", or the sum of such lines. */
static uint64_t proc_number(pid_t pid, const char *name, const char *field)
{
	unsigned long long number, sum = 0;
	char path[64], line[256];
	size_t len = strlen(field);
	FILE *file;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/%s", name);
	file = fopen(path, "r");
	if (!file)
		FAIL("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, field, len) && line[len] == ':' &&
		    sscanf(line + len + 1, "%llu", &number) == 1)
			sum += number;
	fclose(file);
	return sum;
}

static uint64_t kib(pid_t pid, const char *name, const char *field)
{
	return proc_number(pid, name, field) << 10;
}

/* The same over the mappings of /dev/tamalloc in /proc/PID/smaps. */
static uint64_t smaps(pid_t pid, const char *field)
{
	unsigned long long number, sum = 0;
	size_t len = strlen(field);
	char path[64], line[512];
	bool ours = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	file = fopen(path, "r");
	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (strchr("0123456789abcdef", line[0]))
			ours = strstr(line, "/dev/tamalloc");
		else if (ours && !strncmp(line, field, len) &&
			 line[len] == ':' &&
			 sscanf(line + len + 1, "%llu", &number) == 1)
			sum += number << 10;
	}
	fclose(file);
	return sum;
}

/* Children that wait to be looked at. */

static pid_t start(void (*fn)(void *arg), void *arg)
{
	int ready[2];
	pid_t child;
	char c;

	CHECK(!pipe(ready));
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		if (fn)
			fn(arg);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &c, 1), 0);
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

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

static void make_layout(void *unused)
{
	int fd = open_byte(1), other = open_object();
	char *p = map(fd, 64 * MIB, RW, MAP_PRIVATE, 0);
	char *s = map(fd, 32 * MIB, RW, MAP_SHARED, GIB);
	char *r = map(other, GIB, PROT_READ, MAP_PRIVATE, 0);
	char *far = map(other, 1UL << 40, RW, MAP_PRIVATE, 1L << 42);

	(void)unused;
	for (int i = 0; i < 3000; i++)
		p[i * PAGE] = 1;
	for (int i = 0; i < 2000; i++)
		touch_read(s + i * PAGE);
	for (int i = 0; i < 100; i++)
		touch_read(r + i * 2 * MIB);
	for (int i = 0; i < 50; i++)
		touch_read(far + i * GIB * 20);
}

#define LAYOUT_MAPPINGS		4
#define LAYOUT_RESERVED		(64 * MIB + 32 * MIB + GIB + (1UL << 40))
#define LAYOUT_COMMITTED	(5150 * PAGE)

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

static void become_nobody(void *unused)
{
	(void)unused;
	CHECK(!setgroups(0, NULL));
	CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
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

static void make_swapped(void *unused)
{
	char *p = map(open_byte(1), 16 * MIB, RW, MAP_PRIVATE, 0);

	(void)unused;
	memset(p, 2, 16 * MIB);
	for (int i = 0; i < 50 && smaps(getpid(), "Swap") < 12 * MIB; i++) {
		CHECK(!madvise(p, 16 * MIB, MADV_PAGEOUT));
		usleep(100000);
	}
}

TEST(swapped_pages_are_told_from_committed_ones)
{
	struct tam_process_stats s;
	struct sysinfo info;
	pid_t child;

	CHECK(!sysinfo(&info));
	if (!info.freeswap)
		SKIP("no swap");
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

#define CHECK_NO_PROCESS(nr, err)					\
	do {								\
		struct tam_process_stats s_ = { .pid = (nr) };		\
		CHECK_ERRNO(ioctl(fd, TAM_IOC_PROCESS, &s_), err);	\
	} while (0)

TEST(no_such_process_is_esrch)
{
	int fd = open_object();
	pid_t child = start(NULL, NULL);

	end(child);
	CHECK_NO_PROCESS(child, ESRCH);
	CHECK_NO_PROCESS(INT32_MAX, ESRCH);
}

TEST(a_negative_pid_is_einval)
{
	int fd = open_object();

	CHECK_NO_PROCESS(-1, EINVAL);
	CHECK_NO_PROCESS(INT32_MIN, EINVAL);
}

static volatile int thread_id;

static int report_and_wait(void *unused)
{
	(void)unused;
	thread_id = gettid();
	while (thread_id)
		pause();
	return 0;
}

static pid_t clone_with(int flags, int (*fn)(void *))
{
	size_t size = 64 * 1024;
	char *stack = malloc(size);

	return clone(fn, stack + size, flags, NULL);
}

TEST(a_thread_is_not_a_process)
{
	int fd = open_object();

	CHECK(clone_with(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS |
			 CLONE_FILES, report_and_wait) > 0);
	while (!thread_id)
		usleep(1000);
	CHECK_NO_PROCESS(thread_id, ESRCH);
	CHECK_EQ(process(getpid()).pid, getpid());
}

static void lose_main_thread(void *unused)
{
	char *p = map_private(open_object(), MIB);

	(void)unused;
	memset(p, 1, MIB);
	CHECK(clone_with(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS |
			 CLONE_FILES, report_and_wait) > 0);
}

TEST(a_process_whose_main_thread_is_gone_still_has_memory)
{
	struct tam_process_stats s;
	pid_t child = fork();
	char state = 0;

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		lose_main_thread(NULL);
		/* This thread only, not the process. */
		syscall(SYS_exit, 0);
	}
	while (state != 'Z') {
		char path[64], text[256];

		snprintf(path, sizeof(path), "/proc/%d/stat", child);
		get(path, text, sizeof(text));
		state = strrchr(text, ')')[2];
		usleep(1000);
	}
	s = process(child);
	CHECK_EQ(s.valid & TAM_VALID_MM, TAM_VALID_MM);
	CHECK_EQ(s.oom_state, TAM_OOM_ELIGIBLE);
	CHECK_EQ(s.tam_committed, MIB);
	end(child);
}

/* The OOM score */

static long score_of(const struct tam_process_stats *s)
{
	struct sysinfo info;
	long total, points;

	if (s->oom_state != TAM_OOM_ELIGIBLE)
		return 0;
	CHECK(!sysinfo(&info));
	total = (info.totalram + info.totalswap) * info.mem_unit / PAGE;
	points = s->oom_usage / PAGE + s->oom_score_adj * (total / 1000);
	points = 1000 + points * 1000 / total;
	return points < 0 ? 0 : points * 2 / 3;
}

static void check_score(int adj)
{
	char path[64], text[32];
	struct tam_process_stats s;
	pid_t child = start(make_layout, NULL);

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", child);
	snprintf(text, sizeof(text), "%d", adj);
	CHECK(!put(path, text));
	s = process(child);
	CHECK_EQ(s.valid & TAM_VALID_OOM, TAM_VALID_OOM);
	CHECK_EQ(s.oom_score_adj, adj);
	CHECK_EQ(s.oom_state, adj == -1000 ? TAM_OOM_DISABLED :
					     TAM_OOM_ELIGIBLE);
	snprintf(path, sizeof(path), "/proc/%d/oom_score", child);
	get(path, text, sizeof(text));
	printf("# adj %d: score %s\n", adj, text);
	CHECK_EQ(score_of(&s), atol(text));
	end(child);
}

TEST(the_oom_score_is_that_of_proc)
{
	check_score(0);
	check_score(-999);
	check_score(-500);
	check_score(500);
	check_score(1000);
}

TEST(oom_score_adj_minus_1000_is_never_chosen)
{
	check_score(-1000);
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
	CHECK(s.tam_held >= 2000 * PAGE);
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
	int fd = open_object();
	struct tam_process_stats s = process(0);
	struct tam_system_stats sum;
	pid_t child;

	CHECK_EQ(getpid(), 1);
	CHECK_EQ(s.pid, 1);
	CHECK_EQ(s.ppid, 0);
	CHECK_EQ(process(1).mm_id, s.mm_id);
	CHECK_NO_PROCESS(*(pid_t *)arg, ESRCH);
	child = start(NULL, NULL);
	CHECK_EQ(process(child).pid, child);
	CHECK_EQ(process(child).ppid, 1);
	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &sum));
	CHECK_EQ(sum.processes, 2);
	end(child);
}

static void in_namespace(void *arg)
{
	CHECK(!unshare(CLONE_NEWPID));
	child_passes(first_in_namespace, arg);
}

TEST(a_pid_namespace_sees_its_own_processes_only)
{
	pid_t outside = getpid();

	CHECK(outside > 2);
	child_passes(in_namespace, &outside);
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
	CHECK_EQ(score_of(&s), 0);
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
	*thread = clone_with(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD |
			     CLONE_FS | CLONE_FILES, report_and_wait);
	CHECK(*thread > 0);
	syscall(SYS_exit, 0);	/* this thread only */
}

TEST(memory_whose_main_thread_is_gone_counts_once)
{
	struct tam_system_stats before = sys_stats(), after;
	pid_t *thread = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (!child)
		main_thread_and_heir(thread);
	while (!*(volatile pid_t *)thread)
		usleep(10000);
	usleep(200000);
	after = sys_stats();
	CHECK_EQ(after.processes, before.processes + 1);
	CHECK_EQ(after.tam_mappings, before.tam_mappings + LAYOUT_MAPPINGS);
	CHECK_EQ(after.tam_committed, before.tam_committed + LAYOUT_COMMITTED);
	kill(child, SIGKILL);
}

TEST(a_process_whose_first_owner_is_gone_is_counted)
{
	struct tam_system_stats before = sys_stats(), after;
	pid_t *heir = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

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
	end(*heir);
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
	/* Shared and read-only pages: 2100 in objects of each. */
	CHECK_EQ(after.tam_held - before.tam_held, 2 * 2100 * PAGE);
	CHECK_EQ(after.tam_objects - before.tam_objects, 4);
	end(one);
	end(two);
	after = sys_stats();
	CHECK_EQ(after.tam_reserved, before.tam_reserved);
	CHECK_EQ(after.tam_held, before.tam_held);
	CHECK_EQ(after.tam_objects, before.tam_objects);
}

TEST(system_memory_is_that_of_meminfo)
{
	struct tam_system_stats s = sys_stats();

	CHECK_EQ(s.ram_total, kib(0, "meminfo", "MemTotal"));
	CHECK_BETWEEN(s.ram_free, kib(0, "meminfo", "MemFree") - 32 * MIB,
		      kib(0, "meminfo", "MemFree") + 32 * MIB);
	CHECK_BETWEEN(s.ram_available,
		      kib(0, "meminfo", "MemAvailable") - 32 * MIB,
		      kib(0, "meminfo", "MemAvailable") + 32 * MIB);
	CHECK_BETWEEN(s.commit_charge,
		      kib(0, "meminfo", "Committed_AS") - 32 * MIB,
		      kib(0, "meminfo", "Committed_AS") + 32 * MIB);
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
