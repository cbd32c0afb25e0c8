// SPDX-License-Identifier: GPL-2.0-only
/* The books in bulk: processes, mappings, pages and objects as lists. */
#include "books.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/uio.h>

static const unsigned long lists[] = {
	TAM_IOC_PROCESSES, TAM_IOC_MAPPINGS, TAM_IOC_PAGES, TAM_IOC_OBJECTS,
};

#define FOR_EACH_LIST(cmd)						\
	for (unsigned long nth_ = 0, cmd; nth_ < 4 && (cmd = lists[nth_]); nth_++)

/*
 * A list is the same whatever it is fetched into: one record at a time, with
 * some bytes left over, all but one, exactly all, one more.
 */
static void same_in_any_buffer(unsigned long cmd, struct tam_list list,
			       bool (*same)(const void *a, const void *b))
{
	size_t n, m, size = record_size(cmd);
	char *all = fetch(cmd, list, BUFFER, &n), *again;

	CHECK(n > 3);
	for (int i = 0; i < 8; i++) {
		const size_t buffers[] = { size, size + 1, 2 * size - 1,
					   3 * size, 7 * size + 5,
					   (n - 1) * size, n * size,
					   (n + 1) * size };
		size_t buffer = buffers[i];

		again = fetch(cmd, list, buffer, &m);
		if (m != n)
			FAIL("%zu records in a buffer of %zu, not %zu", m,
			     buffer, n);
		for (size_t k = 0; k < n * size; k += size)
			if (same ? !same(again + k, all + k) :
				   memcmp(again + k, all + k, size))
				FAIL("record %zu of %zu in a buffer of %zu",
				     k / size, n, buffer);
		free(again);
	}
	free(all);
}

/*
 * Pages on their way: a block of memory is taken away, and given back.  The
 * first test, for others leave pages everywhere that cannot be moved.
 */

static void look_while_pages_move(void *unused)
{
	size_t len = 128 / patience() * MIB, kept = 0, looks = 0, n;
	char *p = map_private(open_byte(7), len);
	double until;

	(void)unused;
	memset(p, 1, len);
	for (size_t at = 0; at < len; at += 2 * PAGE, kept++)
		CHECK(!madvise(p + at + PAGE, PAGE, MADV_DONTNEED));
	for (until = now() + race_seconds() * 2; now() < until; looks++) {
		struct tam_mapping_stats *all = mappings(0, PAGE, &n);

		CHECK_EQ(n, 1);
		CHECK_EQ(all->committed, kept * PAGE);
		CHECK_EQ(all->swapped, 0);
		free(all);
		/* Each is a run of its own. */
		free(pages(0, (uintptr_t)p, (uintptr_t)p + 16 * MIB, MIB, &n));
		CHECK_EQ(n, 16 * MIB / PAGE / 2);
	}
	printf("# %zu looks\n", looks);
}

#define BLOCKS	"/sys/devices/system/memory"

/* The block of memory that one of its pages is in; 0: none. */
static long block_of_a_page(pid_t pid)
{
	static int turn;
	struct tam_list list = { .pid = pid };
	struct tam_mapping_stats one;
	int fd = open_object();
	uint64_t entry = 0;
	char path[64], size[32];

	one.len = 0;
	ask(fd, TAM_IOC_MAPPINGS, &list, &one, sizeof(one));
	close(fd);
	if (!one.len || access(BLOCKS, F_OK))
		return 0;
	get(BLOCKS "/block_size_bytes", size, sizeof(size));
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &entry, 8, (one.start + turn++ % 16 * one.len /
					    16) / PAGE * 8) != 8)
		entry = 0;
	close(fd);
	if (!(entry >> 63))
		return 0;
	return (entry & ((1ULL << 55) - 1)) * PAGE / strtoull(size, NULL, 16);
}

/* It may take for ever: who does it is killed when it has been enough. */
static void move_pages_of(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	char path[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		long block = block_of_a_page(pid);

		usleep(10000);
		snprintf(path, sizeof(path), BLOCKS "/memory%ld/state", block);
		if (patience() == 1 && block > 0 && !put(path, "offline"))
			CHECK(!put(path, "online"));
		else	/* it takes too long, or somebody holds a page there */
			put("/proc/sys/vm/compact_memory", "1");
	}
}

TEST(pages_that_migrate_are_counted_all_the_time)
{
	uint64_t moved = vmstat("pgmigrate_success");
	pid_t looker, mover;
	int status;

	fflush(stdout);
	looker = fork();
	if (!looker) {
		look_while_pages_move(NULL);
		fflush(stdout);
		_exit(0);
	}
	mover = fork();
	if (!mover)
		move_pages_of(&looker);
	CHECK_EQ(waitpid(looker, &status, 0), looker);
	kill(mover, SIGKILL);
	CHECK_EQ(waitpid(mover, NULL, 0), mover);
	/* It may have been between the two. */
	CHECK(!system("for block in " BLOCKS "/memory*/state; do\n"
		      "	[ ! -e $block ] || grep -q online $block || echo online >$block\n"
		      "done"));
	CHECK_EQ(status, 0);
	moved = vmstat("pgmigrate_success") - moved;
	printf("# %lu pages moved\n", moved);
	if (!moved)
		SKIP("no memory that can be taken away");
}

/* Processes */

/* A process of every kind, at rest. */
enum { PLAIN, LAYOUT, NOBODYS, HEADLESS, ZOMBIE, SHARER, KINDS };

static pid_t make_kind(int kind)
{
	pid_t child;

	switch (kind) {
	case LAYOUT:
		child = start(make_layout, NULL);
		break;
	case NOBODYS:
		child = start(become_nobody, NULL);
		break;
	case HEADLESS:
		return start_headless(make_layout, NULL);
	case ZOMBIE:
		return zombie();
	case SHARER:		/* of this process' memory */
		child = clone_with(CLONE_VM | SIGCHLD, report_and_wait);
		CHECK(child > 0);
		break;
	default:
		child = start(NULL, NULL);
	}
	stop(child);
	return child;
}

static void list_a_namespace(void *unused)
{
	struct tam_process_stats *all;
	pid_t kinds[KINDS];
	size_t n;

	(void)unused;
	for (int i = 0; i < KINDS; i++)
		kinds[i] = make_kind(i);
	all = processes(0, BUFFER, &n);
	/* They and this one. */
	CHECK_EQ(n, KINDS + 1);
	CHECK_EQ(all[0].pid, 1);
	CHECK_EQ(all[0].ppid, 0);
	for (int i = 0; i < KINDS; i++) {
		CHECK_EQ(all[i + 1].pid, kinds[i]);
		CHECK_EQ(all[i + 1].ppid, 1);
		CHECK_EQ(!!(all[i + 1].valid & TAM_VALID_MM), i != ZOMBIE);
		CHECK_EQ(!!(all[i + 1].valid & TAM_VALID_TAM), i != ZOMBIE);
		CHECK_EQ(!!(all[i + 1].valid & TAM_VALID_OWNER), i < ZOMBIE);
	}
	CHECK_EQ(all[1 + NOBODYS].uid, NOBODY);
	CHECK_EQ(all[1 + LAYOUT].tam_committed, LAYOUT_COMMITTED);
	CHECK_EQ(all[1 + HEADLESS].tam_committed, LAYOUT_COMMITTED);
	CHECK_EQ(all[1 + SHARER].mm_id, all[0].mm_id);
	free(all);

	for (int i = 0; i < KINDS; i++)
		end(kinds[i]);
	all = processes(0, BUFFER, &n);
	CHECK_EQ(n, 1);
	free(all);
}

TEST(a_list_has_each_process_of_the_namespace_and_no_other)
{
	in_namespace(list_a_namespace, NULL);
}

static void check_in_list(pid_t pid)
{
	struct tam_process_stats alone = process(pid), *all;
	const struct tam_process_stats *one;
	size_t n;

	all = processes(0, BUFFER, &n);
	one = find_process(all, n, pid);
	CHECK(one);
	if (memcmp(one, &alone, sizeof(alone)))
		FAIL("process %d (%s) differs in the list", pid, alone.comm);
	free(all);
}

TEST(a_process_in_a_list_is_as_it_is_alone)
{
	for (int i = 0; i < SHARER; i++) {
		pid_t child = make_kind(i);

		check_in_list(child);
		end(child);
	}
	check_in_list(2);		/* kthreadd */
}

/* This one's own amounts change from call to call. */
static bool same_process(const void *one, const void *two)
{
	const struct tam_process_stats *a = one, *b = two;

	return a->pid == b->pid && a->ppid == b->ppid && a->uid == b->uid &&
	       a->valid == b->valid && a->mm_id == b->mm_id &&
	       a->oom_state == b->oom_state &&
	       a->tam_reserved == b->tam_reserved &&
	       a->tam_committed == b->tam_committed &&
	       !memcmp(a->comm, b->comm, sizeof(a->comm));
}

static void processes_in_any_buffer(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2 * KINDS; i++)
		make_kind(i % KINDS);
	same_in_any_buffer(TAM_IOC_PROCESSES, (struct tam_list){},
			   same_process);
}

TEST(a_list_of_processes_is_the_same_in_any_buffer)
{
	in_namespace(processes_in_any_buffer, NULL);
}

TEST(processes_come_by_rising_pid_kernel_threads_too)
{
	struct tam_process_stats *all;
	size_t n, threads = 0;

	all = processes(0, 7 * sizeof(*all), &n);
	CHECK_EQ(all[0].pid, 1);
	CHECK_EQ(all[1].pid, 2);
	for (size_t i = 1; i < n; i++) {
		CHECK(all[i].pid > all[i - 1].pid);
		threads += all[i].oom_state == TAM_OOM_KTHREAD;
	}
	CHECK(threads > 10);
	CHECK(find_process(all, n, getpid()));
	CHECK(find_process(all, n, getppid()));
	free(all);
}

TEST(a_list_goes_on_when_the_process_at_its_cursor_is_gone)
{
	struct tam_list list = {};
	struct tam_process_stats one;
	pid_t gone, next;
	int fd = open_object();

	gone = start(NULL, NULL);
	next = start(NULL, NULL);
	/* It is the next: then it is no more. */
	list.cursor = gone;
	CHECK(!ask(fd, TAM_IOC_PROCESSES, &list, &one, sizeof(one)));
	CHECK_EQ(one.pid, gone);
	list.cursor = gone;
	end(gone);
	CHECK(!ask(fd, TAM_IOC_PROCESSES, &list, &one, sizeof(one)));
	CHECK_EQ(one.pid, next);
	/* It was the last that was listed. */
	end(next);
	if (list.more)
		CHECK(!ask(fd, TAM_IOC_PROCESSES, &list, &one, sizeof(one)));
	if (list.count)
		CHECK(one.pid > next);
}

TEST(a_cursor_beyond_all_finds_none)
{
	static const uint64_t beyond[] = {
		INT32_MAX, 1ULL << 31, UINT32_MAX, 1ULL << 32, (1ULL << 32) + 1,
		1ULL << 63, INT64_MAX, UINT64_MAX,
	};
	char *records = malloc(BUFFER);
	int fd = open_object();

	FOR_EACH_LIST(cmd)
		for (int i = 0; i < 8; i++) {
			struct tam_list list = { .cursor = beyond[i] };

			/* Mappings may well lie there, up to 2^47. */
			if (cmd == TAM_IOC_MAPPINGS || cmd == TAM_IOC_PAGES)
				list.cursor |= 1ULL << 47;
			errno = 0;
			if (ask(fd, cmd, &list, records, BUFFER)) {
				CHECK_EQ(errno, EINVAL);
				continue;
			}
			CHECK_EQ(list.count, 0);
			CHECK_EQ(list.more, 0);
		}
	free(records);
}

TEST(without_tam_the_share_is_not_read_and_the_rest_is)
{
	pid_t child = start(make_layout, NULL);
	struct tam_process_stats with = process(child), *all;
	const struct tam_process_stats *one;
	size_t n;

	stop(child);
	all = processes(TAM_LIST_NO_TAM, BUFFER, &n);
	for (size_t i = 0; i < n; i++) {
		CHECK_EQ(all[i].valid & TAM_VALID_TAM, 0);
		CHECK_EQ(all[i].tam_mappings | all[i].tam_reserved |
			 all[i].tam_committed | all[i].tam_swapped, 0);
	}
	one = find_process(all, n, child);
	CHECK(one);
	CHECK_EQ(one->valid, TAM_VALID_MM | TAM_VALID_OOM | TAM_VALID_OWNER);
	CHECK_EQ(one->mm_id, with.mm_id);
	CHECK_EQ(one->reserved, with.reserved);
	CHECK_EQ(one->committed, with.committed);
	CHECK_EQ(one->oom_usage, with.oom_usage);
	end(child);
	free(all);
}

/* What is asked wrongly */

TEST(a_buffer_smaller_than_a_record_is_enospc)
{
	char *p = map_private(open_object(), PAGE), records[256];
	int fd = open_object();

	/* Also where there is nothing to list. */
	for (int round = 0; round < 2; round++) {
		FOR_EACH_LIST(cmd) {
			size_t size = record_size(cmd);
			size_t sizes[] = { 0, 1, 8, size / 2, size - 1 };

			for (int i = 0; i < 5; i++) {
				struct tam_list list = {};

				memset(records, 0xaa, sizeof(records));
				CHECK_ERRNO(ask(fd, cmd, &list, records,
						sizes[i]), ENOSPC);
				CHECK_BYTES(records, sizeof(records), 0xaa);
			}
		}
		munmap(p, PAGE);
	}
}

#define CHECK_ASK(cmd, err, ...)					\
	do {								\
		struct tam_list list_ = { __VA_ARGS__ };		\
		CHECK_ERRNO(ask(fd, cmd, &list_, records, BUFFER), err); \
	} while (0)

TEST(what_a_list_does_not_know_is_einval)
{
	char *records = malloc(BUFFER);
	int fd = open_object();

	FOR_EACH_LIST(cmd) {
		for (int bit = 1; bit < 32; bit++)
			CHECK_ASK(cmd, EINVAL, .flags = 1U << bit);
		CHECK_ASK(cmd, EINVAL, .flags = TAM_LIST_NO_TAM | 1U << 31);
		CHECK_ASK(cmd, EINVAL, .pid = -1);
		CHECK_ASK(cmd, EINVAL, .pid = INT32_MIN);
		if (cmd != TAM_IOC_PROCESSES)
			CHECK_ASK(cmd, EINVAL, .flags = TAM_LIST_NO_TAM);
		if (cmd == TAM_IOC_MAPPINGS || cmd == TAM_IOC_PAGES)
			continue;
		CHECK_ASK(cmd, EINVAL, .pid = 1);
		CHECK_ASK(cmd, EINVAL, .pid = getpid());
		CHECK_ASK(cmd, EINVAL, .end = 1);
		CHECK_ASK(cmd, EINVAL, .end = UINT64_MAX);
	}
	free(records);
}

TEST(no_such_process_has_no_list)
{
	char *records = malloc(BUFFER);
	pid_t gone = start(NULL, NULL);
	int fd = open_object();

	end(gone);
	CHECK(clone_with(THREAD, report_and_wait) > 0);
	while (!thread_id)
		usleep(1000);
	for (int i = 1; i < 3; i++) {
		CHECK_ASK(lists[i], ESRCH, .pid = gone);
		CHECK_ASK(lists[i], ESRCH, .pid = INT32_MAX);
		CHECK_ASK(lists[i], ESRCH, .pid = thread_id);
	}
	free(records);
}

TEST(a_bad_buffer_is_efault)
{
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	char *ro = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	int fd = open_object();
	const uint64_t bad[] = {
		0, 8, (uintptr_t)none, (uintptr_t)ro, 1ULL << 47, 1ULL << 63,
		UINT64_MAX - 8, UINT64_MAX - PAGE + 1, 0xffffffff81000000,
	};

	map_private(open_object(), PAGE)[0] = 1;
	FOR_EACH_LIST(cmd)
		for (int i = 0; i < 9; i++) {
			struct tam_list list = {};

			CHECK_ERRNO(ask(fd, cmd, &list, (void *)bad[i], PAGE),
				    EFAULT);
			CHECK_ERRNO(ask(fd, cmd, &list, (void *)bad[i],
					UINT64_MAX), EFAULT);
		}
}

/* Objects and mappings and pages in them, five at least of each. */
static void make_entries(void)
{
	for (int i = 0; i < 5; i++) {
		char *p = map_private(open_byte(i), 8 * PAGE);

		p[2 * PAGE] = p[4 * PAGE] = p[6 * PAGE] = 1;
	}
}

TEST(a_buffer_across_the_end_of_a_mapping_has_the_first_records)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_object();

	CHECK(!munmap(p + PAGE, PAGE));
	make_entries();
	FOR_EACH_LIST(cmd) {
		size_t size = record_size(cmd);
		char *at = p + PAGE - 3 * size - 8;
		struct tam_list list = {};

		memset(p, 0xaa, PAGE);
		CHECK_ERRNO(ask(fd, cmd, &list, at, 100 * size), EFAULT);
		CHECK_BYTES(p, at - p, 0xaa);
		for (int i = 0; i < 3; i++)
			CHECK_EQ(*(uint32_t *)(at + i * size), size);
		/* Three fit, and that is all that was promised. */
		CHECK(!ask(fd, cmd, &list, at, 3 * size + 8));
		CHECK_EQ(list.count, 3);
		CHECK_EQ(list.more, 1);
	}
}

TEST(a_buffer_of_any_promised_size_takes_a_short_list)
{
	char *records = malloc(BUFFER);
	int fd = open_object();

	make_entries();
	FOR_EACH_LIST(cmd) {
		struct tam_list list = {};

		/* Nothing is added to it, nothing is allocated for it. */
		CHECK(!ask(fd, cmd, &list, records, UINT64_MAX));
		CHECK(list.count >= 5);
		CHECK_EQ(list.more, 0);
	}
	free(records);
}

TEST(records_go_into_untouched_memory_that_is_being_listed)
{
	size_t len = 64 * PAGE;
	int fd = open_object();

	make_entries();
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++)
		FOR_EACH_LIST(cmd) {
			/* The first access to each page is the module's own. */
			char *p = map(fd, len, RW, flags, 0);
			struct tam_list list = {};

			CHECK(!ask(fd, cmd, &list, p + 8, len - 8));
			CHECK(list.count >= 5);
			CHECK_EQ(*(uint32_t *)(p + 8), record_size(cmd));
			CHECK(!munmap(p, len));
			CHECK(!punch(fd, 0, len));
		}
}

TEST(every_byte_of_a_record_is_defined)
{
	pid_t child = start(make_layout, NULL);
	int fd = open_object();

	stop(child);
	make_entries();
	FOR_EACH_LIST(cmd) {
		struct tam_list list = {
			.cursor = cmd == TAM_IOC_PROCESSES ? child : 0 };
		uint8_t one[256], two[256];
		size_t size = record_size(cmd);

		memset(one, 0xaa, sizeof(one));
		memset(two, 0x55, sizeof(two));
		CHECK(!ask(fd, cmd, &list, one, size));
		list.cursor = cmd == TAM_IOC_PROCESSES ? child : 0;
		CHECK(!ask(fd, cmd, &list, two, size));
		if (memcmp(one, two, size))
			FAIL("a record of %zu bytes has undefined ones", size);
		CHECK_BYTES(one + size, 256 - size, 0xaa);
	}
	end(child);
}

/* Processes that come and go */

/* This program executes itself for ever, from another thread than the main. */
static void *execute_again(void *unused)
{
	(void)unused;
	execl("/proc/thread-self/exe", "module-list", (char *)NULL);
	return NULL;
}

__attribute__((constructor)) static void execute_for_ever(void)
{
	const char *round = getenv("TAM_EXECUTE_FOR_EVER");
	pthread_t thread;

	if (!round)
		return;
	setenv("TAM_EXECUTE_FOR_EVER", *round == '0' ? "1" : "0", 1);
	pthread_create(&thread, NULL, execute_again, NULL);
	if (*round == '0')
		syscall(SYS_exit, 0);	/* the main thread is gone before */
	for (;;)
		pause();
}

static pid_t start_executing(void)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("TAM_EXECUTE_FOR_EVER", "1", 1);
		execute_again(NULL);
	}
	return child;
}

/* Short lives, of which some end as orphans. */
static void fork_for_ever(void)
{
	for (;;) {
		pid_t child = fork();

		if (!child) {
			fork();
			_exit(0);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
}

#define RESIDENTS	24

TEST(in_a_storm_none_is_missing_and_none_comes_twice)
{
	size_t sizes[] = { 1, 3, 50, 4000 }, n, calls = 0;
	struct tam_process_stats *all;
	const int count = patience() > 1 ? RESIDENTS / 3 : RESIDENTS;
	pid_t residents[RESIDENTS];
	double until;

	/* Before, between and after those who fork, by their PIDs. */
	for (int i = 0; i < count; i++) {
		if (i % 6 == 2 && !fork())
			fork_for_ever();
		residents[i] = i % 8 == 4 ? make_kind(HEADLESS) :
			       i % 8 == 5 ? make_kind(SHARER) :
			       i % 8 == 6 ? start_executing() :
					    make_kind(PLAIN);
	}
	until = now() + race_seconds() * 4;
	do {
		all = processes(0, sizes[calls++ % 4] * sizeof(*all), &n);
		for (size_t i = 1; i < n; i++)
			if (all[i].pid <= all[i - 1].pid)
				FAIL("process %d after %d", all[i].pid,
				     all[i - 1].pid);
		for (int i = 0; i < count; i++) {
			const struct tam_process_stats *one =
				find_process(all, n, residents[i]);

			if (!one)
				FAIL("process %d of kind %d is missing",
				     residents[i], i % 8);
			if (!(one->valid & TAM_VALID_MM))
				FAIL("process %d of kind %d, %c, has no memory",
				     residents[i], i % 8, state_of(residents[i]));
		}
		free(all);
	} while (now() < until);
	printf("# %zu lists\n", calls);
}

static int wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

#define PID_MAX_LIMIT	(4 << 20)		/* of the kernel */

#define THREADS_MAX	"/proc/sys/kernel/threads-max"

static void see_none_of_thousands(void *unused)
{
	size_t n;

	become_nobody(unused);
	free(processes(0, BUFFER, &n));
	CHECK_EQ(n, 1);
}

TEST(ten_thousand_processes_fit_a_buffer_for_one)
{
	const size_t count = 10000 / patience();
	pid_t *children = calloc(count, sizeof(*children));
	char *stacks = mmap(NULL, count * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
			    MAP_NORESERVE, -1, 0);
	bool *listed = calloc(PID_MAX_LIMIT, sizeof(*listed));
	struct tam_process_stats *all;
	size_t n;
	char were[32];
	double began;

	/* By default less than this where tasks are large, as on debug. */
	get(THREADS_MAX, were, sizeof(were));
	if (strtoul(were, NULL, 10) < 2 * count)
		CHECK(!put(THREADS_MAX, "20000"));
	/* One memory for all of them, or there would be none left. */
	for (size_t i = 0; i < count; i++) {
		children[i] = clone(wait_for_ever, stacks + (i + 1) * PAGE,
				    CLONE_VM | CLONE_FS | CLONE_FILES |
				    CLONE_SIGHAND | SIGCHLD, NULL);
		if (children[i] < 0)
			FAIL("process %zu: %s", i, strerror(errno));
	}
	began = now();
	all = processes(0, sizeof(*all), &n);
	printf("# %.1f s one by one\n", now() - began);
	CHECK(now() - began < 20 * patience());
	for (size_t i = 0; i < n; i++) {
		CHECK(!listed[all[i].pid]);
		listed[all[i].pid] = true;
	}
	for (size_t i = 0; i < count; i++)
		CHECK(listed[children[i]]);
	free(all);
	began = now();
	all = processes(0, BUFFER, &n);
	printf("# %.1f s in bulk\n", now() - began);
	free(all);
	with_hidepid(see_none_of_thousands, NULL);
	for (size_t i = 0; i < count; i++)
		kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	CHECK(!put(THREADS_MAX, were));
}

/* Mappings */

/* The list against /proc/PID/smaps, of a process at rest. */
static void check_mappings(pid_t pid)
{
	struct tam_mapping_stats *all;
	struct smap *proc;
	size_t n, m;

	proc = read_smaps(pid, &m);
	all = mappings(pid, BUFFER, &n);
	CHECK_EQ(n, m);
	for (size_t i = 0; i < n; i++) {
		const struct tam_mapping_stats *one = &all[i];
		const char *perms = proc[i].perms;

		CHECK_EQ(one->start, proc[i].start);
		CHECK_EQ(one->start + one->len, proc[i].end);
		CHECK_EQ(one->offset, proc[i].offset);
		if (one->committed != proc[i].rss || one->swapped != proc[i].swap)
			FAIL("%llx: %llu committed, %llu swapped, not %lu, %lu",
			     one->start, one->committed, one->swapped,
			     proc[i].rss, proc[i].swap);
		CHECK_EQ(one->flags,
			 (perms[0] == 'r' ? TAM_MAPPING_READ : 0) |
			 (perms[1] == 'w' ? TAM_MAPPING_WRITE : 0) |
			 (perms[2] == 'x' ? TAM_MAPPING_EXEC : 0) |
			 (perms[3] == 's' ? TAM_MAPPING_SHARED : 0) |
			 (proc[i].locked ? TAM_MAPPING_LOCKED : 0));
	}
	free(all);
	free(proc);
}

static int open_named(const char *name)
{
	struct tam_attr_set attr = { .flags = TAM_ATTR_NAME };
	int fd = open_object();

	strcpy(attr.name, name);
	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &attr));
	return fd;
}

static uint64_t id_of(int fd)
{
	struct tam_query query;

	CHECK(!ioctl(fd, TAM_IOC_QUERY, &query));
	return query.object;
}

/* An address range that nobody else will use. */
static char *reserve(size_t len)
{
	char *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static char *map_at(char *at, int fd, size_t npages, int prot, int flags,
		    off_t offset)
{
	char *p = mmap(at, npages * PAGE, prot, flags | MAP_NORESERVE |
		       MAP_FIXED, fd, offset);

	CHECK(p == at);
	return p;
}

TEST(each_mapping_is_told_as_it_is)
{
	int a = open_named("thirty-one characters and a NUL"), b = open_object();
	char *base = reserve(64 * PAGE), *p = base;
	const int r = TAM_MAPPING_READ, w = TAM_MAPPING_WRITE;
	struct tam_mapping_stats *all;
	const struct {
		int at, pages, flags;
		int fd;
		uint64_t offset;
		int committed;
	} want[] = {
		{ 0, 16, r | w, a, 0, 4 },
		{ 20, 8, r | w | TAM_MAPPING_SHARED, b, GIB, 7 },
		{ 28, 8, r, b, GIB, 5 },
		{ 36, 2, r | TAM_MAPPING_EXEC, a, 16 * PAGE, 1 },
		{ 38, 2, 0, a, 1UL << 50, 0 },
		{ 40, 4, r | w | TAM_MAPPING_LOCKED, a, 32 * PAGE, 4 },
		{ 45, 2, r | w, a, 64 * PAGE, 2 },
		{ 47, 2, r, a, 66 * PAGE, 2 },
		{ 49, 2, r | w, a, 68 * PAGE, 2 },
		{ 52, 8, r | w, a, 128 * PAGE, 2 },
	};
	const size_t count = sizeof(want) / sizeof(*want);
	size_t n;

	map_at(p, a, 16, RW, MAP_PRIVATE, 0);
	p[0] = p[2 * PAGE] = p[15 * PAGE] = 1;
	touch_read(p + 3 * PAGE);

	p = map_at(base + 20 * PAGE, b, 8, RW, MAP_SHARED, GIB);
	memset(p, 1, 5 * PAGE);
	touch_read(p + 6 * PAGE);
	touch_read(p + 7 * PAGE);
	p = map_at(base + 28 * PAGE, b, 8, PROT_READ, MAP_PRIVATE, GIB);
	/* Two that are stored, three that become so by this. */
	for (int i = 3; i < 8; i++)
		touch_read(p + i * PAGE);

	p = map_at(base + 36 * PAGE, a, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE,
		   16 * PAGE);
	touch_read(p);
	map_at(base + 38 * PAGE, a, 2, PROT_NONE, MAP_PRIVATE, 1L << 50);
	p = map_at(base + 40 * PAGE, a, 4, RW, MAP_PRIVATE, 32 * PAGE);
	CHECK(!mlock(p, 4 * PAGE));

	/* One mapping that becomes three. */
	p = map_at(base + 45 * PAGE, a, 6, RW, MAP_PRIVATE, 64 * PAGE);
	memset(p, 1, 6 * PAGE);
	CHECK(!mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ));
	/* Two mappings that become one. */
	p = map_at(base + 52 * PAGE, a, 4, RW, MAP_PRIVATE, 128 * PAGE);
	map_at(base + 56 * PAGE, a, 4, RW, MAP_PRIVATE, 132 * PAGE);
	p[3 * PAGE] = p[4 * PAGE] = 1;

	all = mappings(0, BUFFER, &n);
	CHECK_EQ(n, count);
	for (size_t i = 0; i < count; i++) {
		CHECK_EQ(all[i].start, (uintptr_t)base + want[i].at * PAGE);
		CHECK_EQ(all[i].len, want[i].pages * PAGE);
		CHECK_EQ(all[i].flags, want[i].flags);
		CHECK_EQ(all[i].offset, want[i].offset);
		CHECK_EQ(all[i].object, id_of(want[i].fd));
		CHECK(!strcmp(all[i].name, want[i].fd == a ?
			      "thirty-one characters and a NUL" : ""));
		CHECK_EQ(all[i].committed, want[i].committed * PAGE);
		CHECK_EQ(all[i].swapped, 0);
	}
	free(all);
	check_mappings(getpid());
	same_in_any_buffer(TAM_IOC_MAPPINGS, (struct tam_list){}, NULL);
	same_in_any_buffer(TAM_IOC_MAPPINGS,
			   (struct tam_list){ .pid = getpid() }, NULL);
}

TEST(a_name_given_before_the_mapping_is_the_objects)
{
	struct tam_mapping_stats *all;
	size_t n;
	int fd = open_named("x");

	map_private(fd, PAGE);
	close(fd);
	all = mappings(0, BUFFER, &n);
	CHECK_EQ(n, 1);
	CHECK(!strcmp(all->name, "x"));
	CHECK_BYTES(all->name + 1, sizeof(all->name) - 1, 0);
	free(all);
}

TEST(a_part_of_the_mappings_is_cut_where_it_begins_and_ends)
{
	char *base = reserve(32 * PAGE);
	uint64_t at = (uintptr_t)base;
	int fd = open_object();
	/* In pages: what is asked for, and first and last that come. */
	const struct { int from, to, first, last, count; } parts[] = {
		{ 0, 32, 0, 28, 4 }, { 0, 4, 0, 4, 1 }, { 0, 8, 0, 4, 1 },
		{ 0, 9, 0, 9, 2 }, { 3, 4, 3, 4, 1 }, { 1, 3, 1, 3, 1 },
		{ 4, 32, 8, 28, 3 }, { 10, 32, 10, 28, 3 },
		{ 12, 24, 16, 20, 1 }, { 2, 26, 2, 26, 4 }, { 4, 8, 0, 0, 0 },
		{ 28, 32, 0, 0, 0 }, { 9, 1, 0, 0, 0 }, { 9, 9, 0, 0, 0 },
	};

	/* Four pages each, four apart; the second page of each is touched. */
	for (int i = 0; i < 4; i++)
		map_at(base + i * 8 * PAGE, fd, 4, RW, MAP_PRIVATE,
		       i * GIB)[PAGE] = 1;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct tam_mapping_stats *all;
		size_t n;

		all = fetch(TAM_IOC_MAPPINGS, (struct tam_list){
			.cursor = at + parts[i].from * PAGE,
			.end = at + parts[i].to * PAGE }, sizeof(*all), &n);
		if (n != (size_t)parts[i].count)
			FAIL("part %zu: %zu mappings", i, n);
		if (!n)
			continue;
		CHECK_EQ(all[0].start, at + parts[i].first * PAGE);
		CHECK_EQ(all[n - 1].start + all[n - 1].len,
			 at + parts[i].last * PAGE);
		for (size_t k = 0; k < n; k++) {
			uint64_t first = (all[k].start - at) / PAGE;

			CHECK_EQ(all[k].offset, first / 8 * GIB +
				 first % 8 * PAGE);
			CHECK_EQ(all[k].committed, first % 8 <= 1 &&
				 first % 8 + all[k].len / PAGE > 1 ? PAGE : 0);
		}
		free(all);
	}
}

static void check_no_mappings(pid_t pid)
{
	size_t n;

	free(mappings(pid, BUFFER, &n));
	CHECK_EQ(n, 0);
	free(pages(pid, 0, 0, BUFFER, &n));
	CHECK_EQ(n, 0);
}

TEST(who_has_no_memory_has_no_mappings)
{
	pid_t dead = zombie(), child = start(NULL, NULL);

	check_no_mappings(2);		/* kthreadd */
	check_no_mappings(dead);
	check_no_mappings(child);
	check_no_mappings(0);
	end(dead);
	end(child);
}

TEST(mappings_of_a_process_without_its_main_thread_are_told)
{
	pid_t child = start_headless(make_layout, NULL);
	struct tam_mapping_stats *all;
	size_t n;

	all = mappings(child, BUFFER, &n);
	CHECK_EQ(n, LAYOUT_MAPPINGS);
	free(all);
	end(child);
}

/* Committed and swapped are Rss and Swap, whatever is in the page tables. */

static void some_of_everything(void *unused)
{
	int fd = open_byte(1), other = open_object();
	char *p = map_private(fd, 8 * MIB), *s = map_shared(other, MIB);
	char *q = map(other, MIB, RW, MAP_PRIVATE, 0);

	(void)unused;
	make_layout(NULL);
	memset(s, 2, MIB / 2);
	/* Stored pages, private copies of some, pages beside them. */
	for (int i = 0; i < 128; i += 3)
		touch_read(q + i * PAGE);
	for (int i = 0; i < 256; i += 5)
		q[i * PAGE] = 1;
	swap_out(p, 8 * MIB);
	/* Some come back, some are shared with a child, some are dropped. */
	for (size_t i = 0; i < 8 * MIB; i += 7 * PAGE)
		touch_read(p + i);
	CHECK(!madvise(p + MIB, MIB / 2, MADV_DONTNEED));
	start(NULL, NULL);
	for (size_t i = 0; i < 8 * MIB; i += 11 * PAGE)
		p[i] = 3;
	CHECK(!mprotect(p + 3 * MIB, MIB, PROT_READ));
	CHECK(!mprotect(p + 5 * MIB, MIB, PROT_NONE));
}

TEST(each_mapping_has_the_rss_and_swap_of_its_smaps)
{
	pid_t child;

	require_swap();
	child = start(some_of_everything, NULL);
	stop(child);
	CHECK(smaps(child, "Swap") >= 3 * MIB);
	check_mappings(child);
	end(child);
}

#define KSM	"/sys/kernel/mm/ksm/"

static const char *const ksm_knobs[] = {
	"pages_to_scan", "sleep_millisecs", "use_zero_pages", "smart_scan",
	"merge_across_nodes",
};

static char ksm_were[5][32];

static uint64_t ksm_scans(void)
{
	char text[32];

	get(KSM "full_scans", text, sizeof(text));
	return strtoull(text, NULL, 10);
}

static void ksm_wait(uint64_t scans)
{
	uint64_t before = ksm_scans();

	for (int i = 0; i < 1000 && ksm_scans() < before + scans; i++)
		usleep(20000);
	CHECK(ksm_scans() >= before + scans);
}

#define KSM_PAGES	600		/* more than one page table */

static void check_under_ksm(void *unused)
{
	char *p = map_private(open_byte(7), KSM_PAGES * PAGE);
	struct tam_mapping_stats *all;
	size_t n;

	(void)unused;
	/* A third the same, a third zeros, a third all different. */
	for (int i = 0; i < KSM_PAGES; i++) {
		memset(p + i * PAGE, i % 3, PAGE);
		if (i % 3 == 2)
			*(int *)(p + i * PAGE) = i;
	}
	CHECK(!madvise(p, KSM_PAGES * PAGE, MADV_MERGEABLE));
	ksm_wait(4);
	all = mappings(0, BUFFER, &n);
	CHECK_EQ(n, 1);
	printf("# %llu of %d pages committed\n", all->committed / PAGE,
	       KSM_PAGES);
	/* The zero page is no page of anybody's. */
	CHECK(all->committed < (KSM_PAGES * 3 / 4) * PAGE);
	CHECK(all->committed >= (KSM_PAGES * 2 / 3) * PAGE);
	free(all);
	check_mappings(getpid());
	CHECK_EQ(process(0).tam_committed, smaps(getpid(), "Rss"));
	/* And back: what is written is a page again. */
	for (int i = 0; i < KSM_PAGES; i += 2)
		p[i * PAGE + 8] = 9;
	check_mappings(getpid());
}

TEST(pages_merged_by_ksm_count_as_in_smaps)
{
	char path[64], was[32];
	int status;

	if (access(KSM "run", W_OK))
		SKIP("no KSM");
	get(KSM "run", was, sizeof(was));
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), KSM "%s", ksm_knobs[i]);
		if (!access(path, W_OK))
			get(path, ksm_were[i], sizeof(ksm_were[i]));
	}
	put(KSM "pages_to_scan", "10000");
	put(KSM "sleep_millisecs", "10");
	put(KSM "smart_scan", "0");
	CHECK(!put(KSM "use_zero_pages", "1"));
	CHECK(!put(KSM "run", "1"));
	status = in_child(check_under_ksm, NULL);
	put(KSM "run", "2");
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), KSM "%s", ksm_knobs[i]);
		if (ksm_were[i][0])
			put(path, ksm_were[i]);
	}
	put(KSM "run", was);
	CHECK_EQ(status, 0);
}

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#endif

TEST(guard_pages_are_neither_committed_nor_swapped)
{
	char *p = map_private(open_byte(7), 16 * PAGE);
	struct tam_mapping_stats *all;
	struct tam_extent *runs;
	size_t n;

	memset(p, 1, 8 * PAGE);
	if (madvise(p + 4 * PAGE, 8 * PAGE, MADV_GUARD_INSTALL))
		SKIP("no guard pages here: %s", strerror(errno));
	all = mappings(0, BUFFER, &n);
	CHECK_EQ(n, 1);
	CHECK_EQ(all->committed, 4 * PAGE);
	CHECK_EQ(all->swapped, 0);
	free(all);
	check_mappings(getpid());
	runs = pages(0, 0, 0, BUFFER, &n);
	CHECK_EQ(n, 1);
	CHECK_EQ(runs->start, (uintptr_t)p);
	CHECK_EQ(runs->len, 4 * PAGE);
	free(runs);
}

TEST(sixty_five_thousand_mappings_come_in_chunks)
{
	const size_t count = 65000 / patience();
	int fd = open_object();
	char *p = map(fd, count * PAGE, PROT_READ, MAP_PRIVATE, 0);
	struct tam_mapping_stats *all;
	size_t n, wrong = 0;
	double began;

	/* Every other page is of another kind, and so each is a mapping. */
	for (size_t i = 1; i < count; i += 2)
		CHECK(!mprotect(p + i * PAGE, PAGE, RW));
	for (size_t i = 0; i < count; i += 1000)
		touch_read(p + i * PAGE);
	began = now();
	all = mappings(0, 500 * sizeof(*all) + 17, &n);
	printf("# %.1f s\n", now() - began);
	CHECK_EQ(n, count);
	for (size_t i = 0; i < count; i++)
		wrong += all[i].start != (uintptr_t)p + i * PAGE ||
			 all[i].offset != i * PAGE || all[i].len != PAGE ||
			 all[i].committed != (i % 1000 ? 0 : PAGE);
	CHECK_EQ(wrong, 0);
	free(all);
	CHECK_EQ(process(0).tam_mappings, count);
	CHECK_EQ(process(0).tam_reserved, count * PAGE);
	CHECK_EQ(process(0).tam_committed, count / 1000 * PAGE);
	/* Few are asked for, and few are looked at. */
	began = now();
	for (int i = 0; i < 100; i++)
		free(fetch(TAM_IOC_MAPPINGS, (struct tam_list){
			.cursor = (uintptr_t)p + count / 2 * PAGE,
			.end = (uintptr_t)p + (count / 2 + 2) * PAGE }, PAGE, &n));
	CHECK_EQ(n, 2);
	CHECK(now() - began < 2 * patience());
}

/* Pages */

/* The runs of [from, to) by /proc/self/pagemap; of mappings, not of holes. */
static struct tam_extent *runs_of(const char *from, size_t len, size_t *n)
{
	size_t count = len / PAGE;
	uint64_t *entries = malloc(len / PAGE * 8);
	struct tam_extent *runs = malloc((count + 1) * sizeof(*runs));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	CHECK_EQ(pread(fd, entries, count * 8, (uintptr_t)from / PAGE * 8),
		 count * 8);
	close(fd);
	*n = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t state = entries[i] >> 63 ? TAM_PAGE_COMMITTED :
				 entries[i] >> 62 ? TAM_PAGE_SWAPPED : 0;
		uint64_t at = (uintptr_t)from + i * PAGE;
		struct tam_extent *last = *n ? &runs[*n - 1] : NULL;

		if (!state)
			continue;
		if (last && last->state == state && last->start + last->len == at)
			last->len += PAGE;
		else
			runs[(*n)++] = (struct tam_extent){
				sizeof(*runs), state, at, PAGE };
	}
	free(entries);
	return runs;
}

/* What pages the list has from @from on, in a buffer of that size. */
static void check_pages(const char *from, size_t len, size_t buffer)
{
	uint64_t at = (uintptr_t)from;
	struct tam_extent *want, *all;
	size_t n, m;

	want = runs_of(from, len, &m);
	all = pages(0, at, at + len, buffer, &n);
	for (size_t i = 0; i < n && i < m; i++)
		if (memcmp(&all[i], &want[i], sizeof(*all)))
			FAIL("run %zu is %llx + %llx of %u, not %llx + %llx of %u",
			     i, all[i].start, all[i].len, all[i].state,
			     want[i].start, want[i].len, want[i].state);
	CHECK_EQ(n, m);
	free(all);
	free(want);
}

static uint32_t dice(void)
{
	static uint32_t x = 12345;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

TEST(pages_are_those_of_pagemap)
{
	size_t len = 8192 * PAGE;
	char *base = reserve(len);
	int fd = open_byte(7), other = open_object();

	/* A private, a shared, a private one behind a hole, a read-only one. */
	map_at(base, fd, 2000, RW, MAP_PRIVATE, 0);
	map_at(base + 2000 * PAGE, fd, 2000, RW, MAP_SHARED, 0);
	map_at(base + 4096 * PAGE, other, 3000, RW, MAP_PRIVATE, GIB);
	map_at(base + 7096 * PAGE, other, 1096, PROT_READ, MAP_PRIVATE, 0);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 500; i++) {
			size_t page = dice() % 8192, run = dice() % 16;

			for (; run && page < 8192; page++, run--)
				if (page < 4000 || page >= 4096)
					touch_read(base + page * PAGE);
		}
		if (round > 2)
			CHECK(!madvise(base + (4096 + dice() % 2000) * PAGE,
				       (1 + dice() % 900) * PAGE,
				       round & 1 ? MADV_DONTNEED :
						   MADV_PAGEOUT));
		check_pages(base, len, BUFFER);
		check_pages(base, len, 5 * sizeof(struct tam_extent) + 3);
	}
	check_pages(base, len, sizeof(struct tam_extent));
	/* Any part of it, and runs are cut where that begins and ends. */
	for (int i = 0; i < 200; i++) {
		size_t from = dice() % 8192, to = from + dice() % 700;

		if (to > 8192)
			to = 8192;
		check_pages(base + from * PAGE, (to - from) * PAGE ?: PAGE,
			    i & 1 ? BUFFER : 2 * sizeof(struct tam_extent));
	}
}

TEST(swapped_pages_are_runs_of_their_own)
{
	char *p;

	require_swap();
	p = map_private(open_byte(7), 2048 * PAGE);
	swap_out(p, 2048 * PAGE);
	for (int i = 0; i < 300; i++)
		touch_read(p + dice() % 2048 * PAGE);
	CHECK(!madvise(p + 100 * PAGE, 30 * PAGE, MADV_DONTNEED));
	check_pages(p, 2048 * PAGE, BUFFER);
	check_pages(p, 2048 * PAGE, sizeof(struct tam_extent));
	CHECK_EQ(smaps(getpid(), "Swap"), process(0).tam_swapped);
}

TEST(a_run_goes_across_page_tables_and_mappings)
{
	char *base = reserve(3000 * PAGE);
	int fd = open_object();
	struct tam_extent *all;
	size_t n;

	map_at(base, fd, 1500, RW, MAP_PRIVATE, 0);
	map_at(base + 1500 * PAGE, fd, 1500, RW, MAP_SHARED, 0);
	memset(base + 5 * PAGE, 1, 2990 * PAGE);
	all = pages(0, 0, 0, sizeof(*all), &n);
	CHECK_EQ(n, 1);
	CHECK_EQ(all->start, (uintptr_t)base + 5 * PAGE);
	CHECK_EQ(all->len, 2990 * PAGE);
	CHECK_EQ(all->state, TAM_PAGE_COMMITTED);
	free(all);
}

TEST(a_range_of_pages_ends_where_it_is_said_to)
{
	char *p = map_private(open_object(), 64 * PAGE);
	uint64_t at = (uintptr_t)p;
	const struct { uint64_t from, to; int first, count; } parts[] = {
		{ 0, 0, 8, 16 },
		{ at + 10 * PAGE, 0, 10, 14 },
		{ 0, at + 10 * PAGE, 8, 2 },
		{ at + 10 * PAGE, at + 12 * PAGE, 10, 2 },
		{ at + 10 * PAGE, at + 40 * PAGE, 10, 14 },
		{ at + 10 * PAGE, at + 10 * PAGE, 0, 0 },
		{ at + 12 * PAGE, at + 10 * PAGE, 0, 0 },
		{ at, at + 8 * PAGE, 0, 0 },
		{ at + 24 * PAGE, at + 64 * PAGE, 0, 0 },
		{ at + 64 * PAGE, 0, 0, 0 },
		/* Not of whole pages: those that it touches. */
		{ at + 10 * PAGE + 1, at + 12 * PAGE, 10, 2 },
		{ at + 11 * PAGE - 1, at + 12 * PAGE - 1, 10, 2 },
		{ at + 10 * PAGE, at + 11 * PAGE + 1, 10, 2 },
		{ at + 10 * PAGE + 1, at + 10 * PAGE + 2, 10, 1 },
		{ 0, UINT64_MAX, 8, 16 },
		{ 1, UINT64_MAX - PAGE + 1, 8, 16 },
	};

	memset(p + 8 * PAGE, 1, 16 * PAGE);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct tam_extent *all;
		size_t n;

		all = pages(0, parts[i].from, parts[i].to, PAGE, &n);
		if (n != !!parts[i].count ||
		    (n && (all->start != at + parts[i].first * PAGE ||
			   all->len != parts[i].count * PAGE)))
			FAIL("part %zu: %zu runs, page %lld and %lld more", i, n,
			     n ? (long long)(all->start - at) / 4096 : 0,
			     n ? all->len / 4096 : 0);
		free(all);
	}
}

TEST(a_list_of_pages_is_the_same_in_any_buffer)
{
	char *p = map_private(open_object(), 64 * MIB);

	/* Runs that fill page tables, and single pages. */
	memset(p + MIB, 1, 6 * MIB);
	memset(p + 9 * MIB, 1, 2 * MIB);
	for (int i = 0; i < 40; i++)
		p[16 * MIB + i * MIB] = 1;
	same_in_any_buffer(TAM_IOC_PAGES, (struct tam_list){}, NULL);
	same_in_any_buffer(TAM_IOC_PAGES, (struct tam_list){
		.pid = getpid(), .cursor = (uintptr_t)p + 2 * MIB,
		.end = (uintptr_t)p + 40 * MIB + PAGE }, NULL);
}

TEST(sixteen_tebibytes_with_few_pages_are_quickly_read)
{
	uint64_t len = 16UL << 40;
	char *p = map(open_object(), len, RW, MAP_PRIVATE, 0);
	struct tam_mapping_stats *all;
	struct tam_extent *runs;
	size_t n;
	double began;

	memset(p + GIB, 1, 1000 * PAGE);
	for (uint64_t i = 1; i <= 100; i++)
		p[i * 100 * GIB] = 1;
	p[len - 1] = 1;
	began = now();
	runs = pages(0, 0, 0, BUFFER, &n);
	CHECK_EQ(n, 102);
	CHECK_EQ(runs[0].start, (uintptr_t)p + GIB);
	CHECK_EQ(runs[0].len, 1000 * PAGE);
	for (uint64_t i = 1; i <= 100; i++) {
		CHECK_EQ(runs[i].start, (uintptr_t)p + i * 100 * GIB);
		CHECK_EQ(runs[i].len, PAGE);
	}
	CHECK_EQ(runs[101].start, (uintptr_t)p + len - PAGE);
	free(runs);
	runs = pages(0, 0, 0, sizeof(*runs), &n);
	CHECK_EQ(n, 102);
	free(runs);
	all = mappings(0, BUFFER, &n);
	CHECK_EQ(n, 1);
	CHECK_EQ(all->len, len);
	CHECK_EQ(all->committed, 1101 * PAGE);
	free(all);
	CHECK_EQ(process(0).tam_committed, 1101 * PAGE);
	printf("# %.3f s\n", now() - began);
	CHECK(now() - began < 2 * patience());
}

/* Objects */

static const struct tam_object_stats *
find_object(const struct tam_object_stats *all, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].id == id)
			return &all[i];
	return NULL;
}

static bool object_listed(uint64_t id)
{
	struct tam_object_stats *all;
	bool found;
	size_t n;

	all = objects(BUFFER, &n);
	found = find_object(all, n, id);
	free(all);
	return found;
}

TEST(an_object_in_a_list_is_as_its_descriptor_says)
{
	int fds[] = { open_object(), open_pattern(5000),
		      open_named("thirty-one characters and a NUL") };
	struct tam_object_stats *all, alone;
	size_t n;

	map_shared(fds[1], 16 * PAGE)[3 * PAGE] = 1;
	map_private(fds[2], 16 * PAGE)[0] = 1;
	map_readonly(fds[2], 16 * PAGE);
	all = objects(BUFFER, &n);
	for (int i = 0; i < 3; i++) {
		const struct tam_object_stats *one =
			find_object(all, n, id_of(fds[i]));

		CHECK(one);
		CHECK(!ioctl(fds[i], TAM_IOC_GET_OBJECT, &alone));
		CHECK(!memcmp(one, &alone, sizeof(alone)));
		CHECK_EQ(one->uid, 0);
		CHECK_EQ(one->pid, getpid());
		CHECK_EQ(one->mapped, i > 0);
		CHECK_EQ(one->held, i == 1 ? PAGE : 0);
		CHECK_EQ(one->pattern_len, i == 1 ? 5000 : 1);
		CHECK_EQ(one->reserved0, 0);
		CHECK(!strcmp(one->name, i == 2 ?
			      "thirty-one characters and a NUL" : ""));
	}
	for (size_t i = 1; i < n; i++)
		CHECK(all[i].id > all[i - 1].id);
	free(all);
}

TEST(an_object_is_listed_as_long_as_it_is_open_or_mapped)
{
	int fd = open_object(), copy = dup(fd);
	uint64_t id = id_of(fd);
	char *p = map_shared(fd, PAGE);

	close(fd);
	CHECK(object_listed(id));
	close(copy);
	CHECK(object_listed(id));
	*p = 1;
	CHECK(!munmap(p, PAGE));
	CHECK(!object_listed(id));
}

static void open_two(void *ids)
{
	for (int i = 0; i < 2; i++)
		((uint64_t *)ids)[i] = id_of(open_object());
}

TEST(an_object_is_its_openers)
{
	uint64_t *ids = common(PAGE);
	struct tam_object_stats *all;
	int fd = open_object();
	size_t n;
	pid_t child = start(open_two, ids);

	all = objects(BUFFER, &n);
	/* The child has that of its parent, too, but did not open it. */
	CHECK_EQ(find_object(all, n, id_of(fd))->pid, getpid());
	for (int i = 0; i < 2; i++) {
		CHECK(find_object(all, n, ids[i]));
		CHECK_EQ(find_object(all, n, ids[i])->pid, child);
	}
	free(all);
	end(child);
	for (int i = 0; i < 2; i++)
		CHECK(!object_listed(ids[i]));
	CHECK(object_listed(id_of(fd)));
}

TEST(an_object_outlives_its_opener_in_the_list)
{
	uint64_t *id = common(PAGE);
	struct tam_object_stats *all;
	int ends[2], status;
	size_t n;
	pid_t opener, keeper;
	char c;

	CHECK(!pipe(ends));
	opener = fork();
	if (!opener) {
		*id = id_of(open_object());
		/* Another keeps the descriptor. */
		keeper = fork();
		if (!keeper) {
			CHECK_EQ(write(ends[1], "!", 1), 1);
			for (;;)
				pause();
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(opener, &status, 0), opener);
	CHECK_EQ(read(ends[0], &c, 1), 1);
	all = objects(BUFFER, &n);
	CHECK(find_object(all, n, *id));
	CHECK(find_object(all, n, *id)->pid == opener ||
	      find_object(all, n, *id)->pid == 0);
	free(all);
}

/* All but its id: the one that asks is another each time. */
static bool same_object(const void *one, const void *two)
{
	const struct tam_object_stats *a = one, *b = two;

	return a->held == b->held && a->pattern_len == b->pattern_len &&
	       a->mapped == b->mapped && a->pid == b->pid;
}

static void objects_in_any_buffer(void *unused)
{
	(void)unused;
	for (int i = 0; i < 30; i++)
		map_shared(open_pattern(i + 1), PAGE)[0] = 1;
	same_in_any_buffer(TAM_IOC_OBJECTS, (struct tam_list){}, same_object);
}

TEST(a_list_of_objects_is_the_same_in_any_buffer)
{
	in_namespace(objects_in_any_buffer, NULL);
}

TEST(ten_thousand_objects_come_in_chunks)
{
	const size_t count = 10000 / patience();
	struct rlimit limit = { count + 100, count + 100 };
	uint64_t *ids = malloc(count * sizeof(*ids));
	struct tam_object_stats *all;
	size_t n, found = 0;
	double began;

	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	for (size_t i = 0; i < count; i++)
		ids[i] = id_of(open_object());
	began = now();
	all = objects(64 * sizeof(*all), &n);
	printf("# %.2f s\n", now() - began);
	CHECK(now() - began < 10 * patience());
	for (size_t i = 0; i < n && found < count; i++)
		found += all[i].id == ids[found];
	CHECK_EQ(found, count);
	free(all);
	/* One that closes in the middle of a list is no end of it. */
	for (size_t i = 3; i < count + 3; i += 2)
		close(i);
	all = objects(64 * sizeof(*all), &n);
	CHECK(n < count / 2 + 100);
	free(all);
}

static void *open_and_close(void *stop)
{
	while (!*(volatile bool *)stop) {
		int fds[16];

		for (int i = 0; i < 16; i++) {
			fds[i] = open_pattern(i + 1);
			if (i & 1)
				munmap(map_shared(fds[i], PAGE), PAGE);
		}
		for (int i = 0; i < 16; i++)
			close(fds[i]);
	}
	return NULL;
}

TEST(objects_that_come_and_go_hide_no_other)
{
	pthread_t threads[3];
	uint64_t ids[20];
	bool stop = false;
	size_t looks = 0, n;
	double until;

	for (int i = 0; i < 20; i++) {
		if (i % 7 == 3)
			CHECK(!pthread_create(&threads[i / 7], NULL,
					      open_and_close, &stop));
		ids[i] = id_of(open_object());
		usleep(1000);
	}
	for (until = now() + race_seconds(); now() < until; looks++) {
		struct tam_object_stats *all =
			objects((1 + looks % 30) * sizeof(*all), &n);

		for (size_t i = 1; i < n; i++)
			CHECK(all[i].id > all[i - 1].id);
		for (int i = 0; i < 20; i++)
			CHECK(find_object(all, n, ids[i]));
		for (size_t i = 0; i < n; i++)
			CHECK(all[i].size == sizeof(*all) &&
			      all[i].pattern_len <= 16);
		free(all);
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		CHECK(!pthread_join(threads[i], NULL));
	printf("# %zu lists\n", looks);
}

/* Who sees what */

static bool process_listed(pid_t pid)
{
	struct tam_process_stats *all;
	bool found;
	size_t n;

	all = processes(0, BUFFER, &n);
	found = find_process(all, n, pid);
	free(all);
	return found;
}

static void layout_of_nobody(void *unused)
{
	become_nobody(unused);
	make_layout(unused);
}

/* Nobody by all identities but one: not for nobody to look into. */
static void nobody_but_for(void *arg)
{
	gid_t ids[6] = { NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY };

	ids[*(int *)arg] = 1000;
	make_layout(NULL);
	CHECK(!setgroups(0, NULL));
	CHECK(!setresgid(ids[0], ids[1], ids[2]));
	CHECK(!setresuid(ids[3], ids[4], ids[5]));
	CHECK(!prctl(PR_SET_DUMPABLE, 1));
}

static void check_closed(pid_t pid)
{
	char *records = malloc(BUFFER);
	int fd = open_object();

	CHECK_ASK(TAM_IOC_MAPPINGS, EACCES, .pid = pid);
	CHECK_ASK(TAM_IOC_PAGES, EACCES, .pid = pid);
	CHECK_EQ(process(pid).valid & TAM_VALID_TAM, 0);
	CHECK(process_listed(pid));
	free(records);
	close(fd);
}

static void check_open(pid_t pid)
{
	size_t n;

	free(mappings(pid, BUFFER, &n));
	CHECK_EQ(n, LAYOUT_MAPPINGS);
	free(pages(pid, 0, 0, BUFFER, &n));
	CHECK_EQ(n, 1 + 1 + LAYOUT_FAR_READ + LAYOUT_FAR);
	CHECK_EQ(process(pid).valid & TAM_VALID_TAM, TAM_VALID_TAM);
	CHECK(process_listed(pid ?: getpid()));
}

#define OTHERS	9			/* and one of nobody's own */
#define ABLE	8			/* which of them is nobody, too, but able */

static void look_into_others(void *arg)
{
	struct tam_object_stats *all;
	pid_t *pids = arg;
	size_t n;

	become_nobody(NULL);
	all = objects(BUFFER, &n);
	for (size_t i = 0; i < n; i++)
		CHECK(all[i].pid != pids[ABLE]);
	free(all);
	for (int i = 0; i < OTHERS; i++)
		check_closed(pids[i]);
	check_closed(1);
	check_open(pids[OTHERS]);
	make_layout(NULL);
	check_open(0);
	check_open(getpid());
}

static void undumpable(void *unused)
{
	layout_of_nobody(unused);
	CHECK(!prctl(PR_SET_DUMPABLE, 0));
}

/* Permitted to do what who looks may not. */
static void able(void *unused)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = {
		{ .permitted = 1 << CAP_SYS_NICE },
	};

	CHECK(!prctl(PR_SET_KEEPCAPS, 1));
	become_nobody(unused);
	CHECK(!syscall(SYS_capset, &head, caps));
	CHECK(!prctl(PR_SET_DUMPABLE, 1));
	make_layout(unused);
}

TEST(mappings_are_for_the_same_user_and_for_root)
{
	pid_t pids[OTHERS + 1];

	for (int i = 0; i < 6; i++)
		pids[i] = start(nobody_but_for, &i);
	pids[6] = start(make_layout, NULL);
	pids[7] = start(undumpable, NULL);
	pids[ABLE] = start(able, NULL);
	pids[OTHERS] = start(layout_of_nobody, NULL);
	for (int i = 0; i <= OTHERS; i++)
		check_open(pids[i]);
	child_passes(look_into_others, pids);
	for (int i = 0; i <= OTHERS; i++)
		end(pids[i]);
}

static void find_own_objects(void *arg)
{
	uint64_t others = *(uint64_t *)arg, own;
	struct tam_object_stats *all;
	size_t n;

	become_nobody(NULL);
	own = id_of(open_object());
	CHECK(!object_listed(others));
	all = objects(BUFFER, &n);
	CHECK(find_object(all, n, own));
	CHECK_EQ(find_object(all, n, own)->uid, NOBODY);
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(all[i].uid, NOBODY);
	free(all);
}

static void open_as_nobody(void *ids)
{
	become_nobody(NULL);
	open_two(ids);
}

TEST(objects_are_for_the_same_user_and_for_root)
{
	uint64_t *ids = common(PAGE);
	uint64_t own = id_of(open_object());
	struct tam_object_stats *all;
	pid_t child;
	size_t n;

	child_passes(find_own_objects, &own);
	child = start(open_as_nobody, ids);
	all = objects(BUFFER, &n);
	CHECK(find_object(all, n, own));
	CHECK(find_object(all, n, ids[0]));
	CHECK_EQ(find_object(all, n, ids[0])->uid, NOBODY);
	CHECK_EQ(find_object(all, n, ids[0])->pid, child);
	free(all);
	end(child);
}

/* Capabilities of a user namespace are for what belongs to that. */

struct outside {
	pid_t root, nobody;
	uint64_t object, nobodys;
};

static uint64_t object_of(pid_t pid)
{
	struct tam_object_stats *all;
	uint64_t id = 0;
	size_t n;

	all = objects(BUFFER, &n);
	while (n--)
		if (all[n].pid == pid)
			id = all[n].id;
	free(all);
	CHECK(id);
	return id;
}

static void look_from_user_namespace(void *arg)
{
	struct outside *out = arg;
	uint64_t own;
	char map[32];

	become_nobody(NULL);
	own = id_of(open_object());
	CHECK(object_listed(out->nobodys));
	CHECK(!prctl(PR_SET_DUMPABLE, 1));
	if (unshare(CLONE_NEWUSER))
		SKIP("no user namespaces: %s", strerror(errno));
	snprintf(map, sizeof(map), "0 %d 1", NOBODY);
	CHECK(!put("/proc/self/uid_map", map));
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(process(0).uid, 0);
	/* Root of the outside has no number in here. */
	CHECK_EQ(process(out->root).uid, NOBODY);
	check_closed(out->root);
	check_closed(out->nobody);
	check_closed(1);
	CHECK(!object_listed(out->object));
	CHECK(!object_listed(out->nobodys));
	CHECK(object_listed(own));
	CHECK(object_listed(id_of(open_object())));
	CHECK_EQ(sys_stats().tam_processes, sys_stats().tam_mappings ? 1 : 0);
}

TEST(a_user_namespace_of_ones_own_opens_nothing)
{
	struct outside out = {
		.root = start(make_layout, NULL),
		.nobody = start(layout_of_nobody, NULL),
		.object = id_of(open_object()),
	};

	out.nobodys = object_of(out.nobody);
	child_passes(look_from_user_namespace, &out);
	end(out.root);
	end(out.nobody);
}

/* PID namespaces */

static void look_from_pid_namespace(void *arg)
{
	struct outside *out = arg;
	uint64_t own = id_of(open_object());
	char *records = malloc(BUFFER);
	struct tam_object_stats *all;
	int fd = open_object();
	size_t n;

	/* Root, and yet. */
	CHECK_ASK(TAM_IOC_MAPPINGS, ESRCH, .pid = out->root);
	CHECK_ASK(TAM_IOC_PAGES, ESRCH, .pid = out->root);
	CHECK(!object_listed(out->object));
	all = objects(BUFFER, &n);
	CHECK_EQ(n, 3);
	CHECK(find_object(all, n, own));
	CHECK_EQ(find_object(all, n, own)->pid, 1);
	free(all);
	make_layout(NULL);
	check_open(0);
	check_open(1);
	/* For those outside to look at. */
	*(volatile uint64_t *)&out->object = own;
	for (int i = 0; i < 10000 && *(volatile uint64_t *)&out->object; i++)
		usleep(1000 * patience());
	free(records);
}

TEST(a_pid_namespace_shows_nothing_of_the_outside)
{
	struct outside *out = common(PAGE);
	struct tam_object_stats *all;
	const struct tam_object_stats *one;
	uint64_t object = id_of(open_object());
	pid_t child;
	int status;
	size_t n;

	out->root = start(make_layout, NULL);
	out->object = object;
	CHECK(out->root > 2);
	fflush(stdout);
	child = fork();
	if (!child) {
		in_namespace(look_from_pid_namespace, out);
		fflush(stdout);
		_exit(0);
	}
	while (*(volatile uint64_t *)&out->object == object &&
	       !waitpid(child, &status, WNOHANG))
		usleep(1000);
	if (out->object != object) {
		/* The outside sees into it, by its own numbers. */
		all = objects(BUFFER, &n);
		one = find_object(all, n, out->object);
		CHECK(one);
		CHECK(one->pid > child);
		check_open(one->pid);
		free(all);
		*(volatile uint64_t *)&out->object = 0;
		CHECK_EQ(waitpid(child, &status, 0), child);
	}
	if (status)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	end(out->root);
}

/* hidepid */

static void look_with_hidepid(void *arg)
{
	struct outside *out = arg;
	char *records = malloc(BUFFER);
	struct tam_process_stats *all;
	struct tam_system_stats sum;
	int fd;
	size_t n;

	/* Root sees all, as ever. */
	check_open(out->root);
	check_open(out->nobody);
	CHECK(sys_stats().processes > 2);

	become_nobody(NULL);
	fd = open_object();
	CHECK_NO_PROCESS(out->root, ESRCH);
	CHECK_NO_PROCESS(1, ESRCH);
	CHECK_NO_PROCESS(2, ESRCH);
	CHECK_ASK(TAM_IOC_MAPPINGS, ESRCH, .pid = out->root);
	CHECK_ASK(TAM_IOC_PAGES, ESRCH, .pid = out->root);
	check_open(out->nobody);
	for (int i = 0; i < 2; i++) {
		/* Also where each must be looked for behind many. */
		all = processes(0, i ? sizeof(*all) : BUFFER, &n);
		CHECK_EQ(n, 2);
		CHECK(find_process(all, n, out->nobody));
		CHECK(find_process(all, n, getpid()));
		free(all);
	}
	sum = sys_stats();
	CHECK_EQ(sum.processes, 2);
	CHECK_EQ(sum.incomplete, 0);
	CHECK_EQ(sum.tam_processes, 1);
	CHECK_EQ(sum.tam_mappings, LAYOUT_MAPPINGS);
	CHECK_EQ(sum.tam_committed, LAYOUT_COMMITTED);
	free(records);
}

TEST(hidepid_leaves_those_one_may_look_into)
{
	struct outside out = {
		.root = start(make_layout, NULL),
		.nobody = start(layout_of_nobody, NULL),
	};

	with_hidepid(look_with_hidepid, &out);
	end(out.root);
	end(out.nobody);
}

static void not_see(void *arg)
{
	become_nobody(NULL);
	CHECK_NO_PROCESS(*(pid_t *)arg, ESRCH);
}

TEST(hidepid_hides_whose_main_thread_has_ended)
{
	pid_t pid;

	if (!kernel_at_least(6, 1))
		SKIP("this kernel forgets whether it was dumpable, as its /proc does");
	pid = start_headless(undumpable, NULL);
	with_hidepid(not_see, &pid);
	end(pid);
}

static void see_root(void *arg)
{
	become_nobody(NULL);
	CHECK(process_listed(*(pid_t *)arg));
	CHECK_EQ(process(*(pid_t *)arg).pid, *(pid_t *)arg);
	CHECK_ERRNO(put(HIDEPID, "0"), EACCES);
}

TEST(without_hidepid_processes_are_for_all_to_see)
{
	pid_t child = start(NULL, NULL);

	child_passes(see_root, &child);
	end(child);
}

/* A process that is stuck */

#define STUCK_THREADS	4
#define STUCK_LEN	(128 / patience() * MIB)

static int *go;				/* shared: none gets stuck before all can */

/* The lock is held for writing, or waited for, nearly all the time. */
static void *protect_for_ever(void *p)
{
	while (!__atomic_load_n(go, __ATOMIC_RELAXED))
		usleep(1000);
	for (;;) {
		mprotect(p, STUCK_LEN, PROT_READ);
		mprotect(p, STUCK_LEN, RW);
	}
	return NULL;
}

static void get_stuck(void *unused)
{
	pthread_t thread;
	char *p;

	make_layout(unused);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	/* The zero page everywhere: page tables, but no memory. */
	p = mmap(NULL, STUCK_LEN, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_NORESERVE | MAP_POPULATE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < STUCK_THREADS; i++)
		CHECK(!pthread_create(&thread, NULL, protect_for_ever, p));
}

/* One look at stuck processes by every command; returns what was incomplete. */
static int look_at_stuck(const pid_t *pids, int count, double *longest)
{
	struct tam_process_stats *all, one;
	struct tam_system_stats sum;
	char *records = malloc(BUFFER);
	int fd = open_object(), incomplete = 0;
	double began;
	size_t n;

	for (int i = 0; i < 5; i++) {
		began = now();
		switch (i) {
		case 0:
			one = process(pids[0]);
			CHECK(one.reserved && one.committed);
			if (!(one.valid & TAM_VALID_TAM)) {
				incomplete |= 1;
				CHECK_EQ(one.tam_mappings | one.tam_reserved |
					 one.tam_committed, 0);
			} else {
				CHECK_EQ(one.tam_committed, LAYOUT_COMMITTED);
			}
			break;
		case 1:
			all = processes(0, BUFFER, &n);
			for (int k = 0; k < count; k++) {
				const struct tam_process_stats *its =
					find_process(all, n, pids[k]);

				CHECK(its);
				CHECK(its->reserved && its->committed);
				if (!(its->valid & TAM_VALID_TAM))
					incomplete |= 2;
				else
					CHECK_EQ(its->tam_committed,
						 LAYOUT_COMMITTED);
			}
			free(all);
			break;
		case 2:
			sum = sys_stats();
			CHECK(sum.processes > (uint64_t)count);
			CHECK_BETWEEN(sum.incomplete, 0, count);
			if (sum.incomplete)
				incomplete |= 4;
			CHECK_EQ(sum.tam_committed, (count - sum.incomplete) *
				 LAYOUT_COMMITTED);
			break;
		default: {
			struct tam_list list = { .pid = pids[0] };

			errno = 0;
			if (ask(fd, i == 3 ? TAM_IOC_MAPPINGS : TAM_IOC_PAGES,
				&list, records, BUFFER)) {
				CHECK_EQ(errno, EAGAIN);
				incomplete |= 1 << i;
			} else if (list.more) {
				/* What was found before. */
				CHECK(list.count);
				incomplete |= 1 << i;
			} else if (i == 3) {
				CHECK_EQ(list.count, LAYOUT_MAPPINGS);
			}
		}
		}
		if (now() - began > *longest)
			*longest = now() - began;
	}
	close(fd);
	free(records);
	return incomplete;
}

static void check_stuck(void *arg)
{
	int count = *(int *)arg, incomplete = 0;
	double longest = 0, until;
	pid_t pids[8];

	go = common(PAGE);
	for (int i = 0; i < count; i++)
		pids[i] = start(get_stuck, NULL);
	__atomic_store_n(go, 1, __ATOMIC_RELAXED);
	until = now() + 15;
	do
		incomplete |= look_at_stuck(pids, count, &longest);
	while (incomplete != 31 && now() < until);
	printf("# %d stuck: incomplete %#x, %.2f s at most\n", count,
	       incomplete, longest);
	CHECK(incomplete);
	CHECK(longest < 5 * patience());
	for (int i = 0; i < count; i++)
		end(pids[i]);
}

TEST(a_stuck_process_does_not_hang_who_asks)
{
	int count = 1;

	in_namespace(check_stuck, &count);
}

TEST(stuck_processes_do_not_add_up)
{
	int count = 5;

	in_namespace(check_stuck, &count);
}

/* Processes that change under the hands of who asks */

static void *churn(void *unused)
{
	int fd = open_byte(3);

	(void)unused;
	for (;;) {
		char *p = map_private(fd, 300 * PAGE), *grown;

		for (int i = 0; i < 300; i += 3)
			p[i * PAGE] = 1;
		mprotect(p + 10 * PAGE, 100 * PAGE, PROT_READ);
		if (!vfork())
			_exit(0);
		wait(NULL);
		grown = mremap(p, 10 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
		munmap(grown, 600 * PAGE);
		munmap(p + 10 * PAGE, 290 * PAGE);
	}
	return NULL;
}

static void change_for_ever(void)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_create(&thread, NULL, churn, NULL);
	for (;;) {
		pid_t child = fork();

		if (!child) {
			make_entries();
			if (getpid() % 4 == 1)
				execl("/bin/true", "true", (char *)NULL);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
}

/* A list that may end at any time, for these reasons only. */
static void fetch_racing(unsigned long cmd, pid_t pid)
{
	struct tam_list list = { .pid = pid };
	char records[1024];
	uint64_t last = 0;
	int fd = open_object();

	do {
		size_t size = record_size(cmd);

		if (ask(fd, cmd, &list, records, sizeof(records))) {
			CHECK(errno == ESRCH || errno == EAGAIN);
			break;
		}
		for (size_t i = 0; i < list.count; i++) {
			struct tam_mapping_stats *m = (void *)(records + i * size);
			struct tam_extent *e = (void *)m;
			uint64_t start = cmd == TAM_IOC_PAGES ? e->start : m->start;
			uint64_t len = cmd == TAM_IOC_PAGES ? e->len : m->len;

			CHECK_EQ(m->size, size);
			CHECK(len && len % PAGE == 0 && start % PAGE == 0);
			CHECK(start >= last);
			CHECK(start + len <= 1UL << 47);
			if (cmd == TAM_IOC_MAPPINGS)
				CHECK(m->committed + m->swapped <= m->len);
			else
				CHECK_BETWEEN(e->state, 1, 2);
			last = start + len;
		}
	} while (list.more);
	close(fd);
}

TEST(processes_that_change_meanwhile_do_no_harm)
{
	struct tam_process_stats *all;
	size_t rounds = 0, n;
	double until;

	for (int i = 0; i < 3; i++)
		if (!fork())
			change_for_ever();
	for (until = now() + race_seconds() * 3; now() < until; rounds++) {
		all = processes(0, (1 + rounds % 40) * sizeof(*all), &n);
		for (size_t i = 0; i < n; i++) {
			CHECK(all[i].tam_reserved < 1UL << 47);
			CHECK(all[i].tam_committed < GIB);
			CHECK(all[i].oom_state <= TAM_OOM_VFORK);
			if (all[i].ppid < getpid() && all[i].pid != getpid())
				continue;
			fetch_racing(TAM_IOC_MAPPINGS, all[i].pid);
			fetch_racing(TAM_IOC_PAGES, all[i].pid);
		}
		CHECK(sys_stats().tam_committed < GIB);
		free(all);
	}
	printf("# %zu rounds\n", rounds);
}
