// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an ordinary user can cause: to hold what limits allow and its group pays
 * for, and nothing that could not be killed or frozen.
 */
#include "books.h"
#include "groups.h"

#include <sys/resource.h>
#include <sys/uio.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

#define BYTE	0xa5

static void set_limit(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };

	CHECK(!setrlimit(resource, &limit));
}

/* Resource limits */

static void limited_user(void *unused)
{
	int fd, fds = 0;
	char *p;

	set_limit(RLIMIT_MEMLOCK, MIB);	/* more than 5.10's default */
	become_nobody(unused);
	fd = open_object();
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		p = map(fd, 4 * MIB, RW, flags, 0);
		CHECK(!mlock(p, MIB));
		CHECK_EQ(status_bytes("VmLck"), MIB);
		CHECK_ERRNO(mlock(p + MIB, PAGE), ENOMEM);
		CHECK_ERRNO((long)mmap(NULL, PAGE, RW, flags | MAP_LOCKED, fd,
				       0), EAGAIN);
		CHECK(!munmap(p, 4 * MIB));
	}
	set_limit(RLIMIT_DATA, 64 * MIB);
	CHECK_ERRNO((long)mmap(NULL, 64 * MIB, RW, MAP_PRIVATE | MAP_NORESERVE,
			       fd, 0), ENOMEM);
	set_limit(RLIMIT_AS, GIB);
	CHECK_ERRNO((long)mmap(NULL, GIB, RW, MAP_SHARED, fd, 0), ENOMEM);
	CHECK_ERRNO((long)mmap(NULL, GIB, PROT_READ, MAP_PRIVATE, fd, 0),
		    ENOMEM);

	set_limit(RLIMIT_NOFILE, 64);
	while (open("/dev/tamalloc", O_RDWR) >= 0)
		fds++;
	CHECK_EQ(errno, EMFILE);
	CHECK_BETWEEN(fds, 1, 61);
}

TEST(resource_limits_hold)
{
	child_passes(limited_user, NULL);
}

/* What the group pays for */

#define LIMIT_MIB	(patience() > 1 ? 8 : 32)

static void one_more_object(size_t i)
{
	int fd = open_object();

	(void)i;
	/* From here on no limit on descriptors applies. */
	map_shared(fd, PAGE);
	close(fd);
}

static void one_more_pattern(size_t i)
{
	static char pattern[TAM_PATTERN_MAX];
	int fd = open_object();

	memset(pattern, 1 + i % 255, sizeof(pattern));
	if (set_pattern(fd, pattern, sizeof(pattern))) {
		CHECK_EQ(errno, ENOMEM);
		raise(SIGKILL);
	}
	map_shared(fd, PAGE);
	close(fd);
}

/* One page, and tables of the process and of the object to find it in. */
static void one_more_far_page(int flags, size_t i)
{
	static char *p;

	if (!p)
		p = map(open_byte(BYTE), 16UL << 40, RW, flags, 0);
	touch_read(p + (i % 16384) * GIB);
}

static void one_more_shared_page(size_t i)
{
	one_more_far_page(MAP_SHARED, i);
}

static void one_more_private_page(size_t i)
{
	one_more_far_page(MAP_PRIVATE, i);
}

struct way {
	void (*one_more)(size_t i);
	size_t least;			/* that one takes */
	size_t *done;
};

static void take(void *arg)
{
	struct way *way = arg;

	enter(GROUP);
	become_nobody(NULL);
	while (*way->done * way->least <= LIMIT_MIB * MIB)
		way->one_more((*way->done)++);
}

/* The OOM killer of the group comes before more was had than it may have. */
static void group_pays(void (*one_more)(size_t i), size_t least)
{
	struct way way = { one_more, least, common(PAGE) };
	char limit[16];

	snprintf(limit, sizeof(limit), "%dM", LIMIT_MIB);
	make_group(GROUP, limit);
	CHECK_KILLED(take, &way, SIGKILL);
	printf("# %zu of at least %zu bytes\n", *way.done, least);
	CHECK(!rmdir(GROUP));
}

TEST(objects_are_paid_for)
{
	group_pays(one_more_object, 1024);
}

TEST(patterns_are_paid_for)
{
	group_pays(one_more_pattern, TAM_PATTERN_MAX);
}

TEST(shared_pages_and_the_tables_for_them_are_paid_for)
{
	group_pays(one_more_shared_page, 3 * PAGE);
}

TEST(private_pages_and_the_tables_for_them_are_paid_for)
{
	group_pays(one_more_private_page, 3 * PAGE - 1024);
}

struct sight {
	int prot, flags;
	char *where;
};

static void be_looked_at(void *arg)
{
	struct sight *sight = arg;

	enter(GROUP);
	sight->where = map(open_byte(BYTE), 4UL * LIMIT_MIB * MIB, sight->prot,
			   sight->flags, 0);
}

/* From outside of the group; returns how much could be read. */
static size_t look_at(pid_t pid, char *from, size_t len)
{
	static char to[MIB];
	size_t done;

	for (done = 0; done < len; done += MIB) {
		struct iovec local = { to, MIB }, remote = { from + done, MIB };

		if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != MIB)
			break;
		CHECK_BYTES(to, MIB, BYTE);
	}
	return done;
}

static void group_pays_for_looks(int prot, int flags)
{
	struct sight *sight = common(PAGE);
	size_t half = LIMIT_MIB / 2 * MIB;
	char limit[16];
	uint64_t before;
	int status;
	pid_t pid;

	snprintf(limit, sizeof(limit), "%dM", LIMIT_MIB);
	make_group(GROUP, limit);
	*sight = (struct sight){ prot, flags, NULL };
	pid = start(be_looked_at, sight);
	before = group_current(GROUP);
	CHECK_EQ(look_at(pid, sight->where, half), half);
	/* What a processor has been charged ahead is 64 pages at most. */
	CHECK_BETWEEN(group_current(GROUP) - before, half - 256 * PAGE,
		      half + half / 2);
	/*
	 * Over the limit the process that is looked at is killed, not the one
	 * that looks, whose last call goes on: what is dead has no group.
	 */
	CHECK(look_at(pid, sight->where, 4 * LIMIT_MIB * MIB) <= 2 * half);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(!rmdir(GROUP));
}

TEST(what_others_are_told_to_look_at_is_paid_for)
{
	if (!kernel_at_least(5, 15))
		SKIP("who looks pays before 5.15");
	group_pays_for_looks(RW, MAP_SHARED);
	group_pays_for_looks(PROT_READ, MAP_PRIVATE);
	group_pays_for_looks(RW, MAP_PRIVATE);
}

/* Objects in the kernel's caches whose memory nobody is charged for. */
static uint64_t uncharged_objects(void)
{
	FILE *file = proc_open(0, "slabinfo");
	unsigned long active, sum = 0;
	char line[512], name[64];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lu", name, &active) == 2 &&
		    !strncmp(name, "kmalloc-", 8) &&
		    strncmp(name, "kmalloc-cg-", 11))
			sum += active;
	fclose(file);
	return sum;
}

TEST(nothing_of_an_object_is_on_the_house)
{
	struct rlimit limit = { 20000, 20000 };
	const int n = 10000 / patience();
	uint64_t before, after;

	/* Before, caches were the same for what is charged and what is not. */
	if (!kernel_at_least(5, 14))
		SKIP("caches do not tell who pays");
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < 100; i++)
		open_object();
	before = uncharged_objects();
	for (int i = 0; i < n; i++)
		open_object();
	after = uncharged_objects();
	CHECK(after < before + n / 2);
}

/* All that comes and goes leaves nothing behind. */

static void come_and_go(void)
{
	static char bytes[TAM_PATTERN_MAX], records[64 * 1024];
	struct tam_list list = {}, none = {};
	int fd = open_object();
	char *p;

	memset(bytes, BYTE, sizeof(bytes));
	CHECK(!set_pattern(fd, bytes, sizeof(bytes)));
	CHECK(!set_pattern(fd, bytes, 5000));
	CHECK_ERRNO(set_pattern(fd, NULL, sizeof(bytes)), EFAULT);
	CHECK_ERRNO(set_pattern(fd, records, 0), EINVAL);
	p = map_shared(fd, 16 * PAGE);
	CHECK_ERRNO(set_pattern(fd, bytes, sizeof(bytes)), EBUSY);
	CHECK(!commit(fd, p, 8 * PAGE));
	CHECK(!punch(fd, 0, 4 * PAGE));
	CHECK_EQ(held(fd), 4 * PAGE);
	CHECK(!ask(fd, TAM_IOC_OBJECTS, &list, records, sizeof(records)));
	list.cursor = 0;
	CHECK(!ask(fd, TAM_IOC_MAPPINGS, &list, records, sizeof(records)));
	CHECK_ERRNO(ask(fd, TAM_IOC_OBJECTS, &none, NULL, MIB), EFAULT);
	close(fd);
	CHECK(!munmap(p, 16 * PAGE));
}

static void come_and_go_for_long(void *unused)
{
	double end = now() + race_seconds();
	uint64_t before;
	size_t n = 0;

	(void)unused;
	enter(GROUP);
	for (int i = 0; i < 100; i++)
		come_and_go();
	before = group_current(GROUP);
	while (now() < end || n < 5000 / patience() / patience()) {
		come_and_go();
		n++;
	}
	printf("# %zu rounds, %lu KiB charged, %lu before\n", n,
	       group_current(GROUP) / 1024, before / 1024);
	/* Charged in batches per processor, and freed after a grace period. */
	CHECK(group_current(GROUP) < before + 4 * MIB);
}

TEST(what_comes_and_goes_leaves_nothing_charged)
{
	make_group(GROUP, "32M");
	child_passes(come_and_go_for_long, NULL);
	CHECK(!rmdir(GROUP));
}

/* Long commands: how to begin, how far it came, and how to begin again */

#define LONG	(32 / patience() * MIB)
#define MANY	(8000 / patience())	/* records */

struct work {
	int fd;
	char *p;			/* what the command is about */
	char *records;			/* in common memory */
};

struct command {
	void (*prepare)(struct work *w);
	void (*run)(struct work *w);
	void (*undo)(struct work *w);
	size_t (*done)(struct work *w);
	bool lists;
};

static void make_empty(struct work *w)
{
	w->fd = open_byte(BYTE);
	w->p = map_shared(w->fd, LONG);
}

static void fill(struct work *w)
{
	memset(w->p, 1, LONG);
}

static void make_full(struct work *w)
{
	make_empty(w);
	fill(w);
}

static void empty(struct work *w)
{
	CHECK(!punch(w->fd, 0, LONG));
}

static size_t filled(struct work *w)
{
	return held(w->fd);
}

static size_t emptied(struct work *w)
{
	return LONG - held(w->fd);
}

static void run_punch(struct work *w)
{
	punch(w->fd, 0, 1UL << 62);
}

static void run_discard(struct work *w)
{
	discard(w->fd, w->p, LONG);
}

static void run_commit(struct work *w)
{
	commit(w->fd, w->p, LONG);
}

static void run_populate(struct work *w)
{
	madvise(w->p, LONG, MADV_POPULATE_WRITE);
}

static void make_records(struct work *w)
{
	w->fd = open_object();
	w->records = common(MANY * sizeof(struct tam_mapping_stats));
}

static void make_mappings(struct work *w)
{
	make_records(w);
	w->p = map(w->fd, 2 * MANY * PAGE, PROT_READ, MAP_PRIVATE, 0);
	for (size_t i = 0; i < MANY; i++)
		CHECK(!mprotect(w->p + (2 * i + 1) * PAGE, PAGE, PROT_NONE));
}

static void make_runs(struct work *w)
{
	make_records(w);
	w->p = map(w->fd, 2 * MANY * PAGE, RW, MAP_PRIVATE, 0);
	for (size_t i = 0; i < MANY; i++)
		w->p[2 * i * PAGE] = 1;
}

static void make_objects(struct work *w)
{
	make_records(w);
	for (size_t i = 0; i < MANY; i++) {
		int fd = open_object();

		map_shared(fd, PAGE);
		close(fd);
	}
}

static void run_list(struct work *w, unsigned long cmd)
{
	struct tam_list list = {};

	ask(w->fd, cmd, &list, w->records, MANY * record_size(cmd));
}

static void run_mappings(struct work *w)
{
	run_list(w, TAM_IOC_MAPPINGS);
}

static void run_pages(struct work *w)
{
	run_list(w, TAM_IOC_PAGES);
}

static void run_objects(struct work *w)
{
	run_list(w, TAM_IOC_OBJECTS);
}

static void run_processes(struct work *w)
{
	run_list(w, TAM_IOC_PROCESSES);
}

static void run_system(struct work *w)
{
	(void)w;
	sys_stats();
}

/* Each record has its size in front. */
static size_t listed(struct work *w)
{
	size_t size = *(uint32_t *)w->records, n = 0;

	while (size && n < MANY && *(uint32_t *)(w->records + n * size))
		n++;
	return n;
}

static const struct command punching = {
	make_full, run_punch, fill, emptied, false
}, discarding = {
	make_full, run_discard, fill, emptied, false
}, committing = {
	make_empty, run_commit, empty, filled, false
}, populating = {
	make_empty, run_populate, empty, filled, false
}, listing_mappings = {
	make_mappings, run_mappings, NULL, listed, true
}, listing_pages = {
	make_runs, run_pages, NULL, listed, true
}, listing_objects = {
	make_objects, run_objects, NULL, listed, true
}, listing_processes = {
	make_mappings, run_processes, NULL, NULL, true
}, adding_up = {
	make_mappings, run_system, NULL, NULL, true
};

/* Killed */

static void be_killed_in(double seconds)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGKILL,
	};
	struct itimerspec when = {
		.it_value.tv_sec = seconds,
		.it_value.tv_nsec = (seconds - (long)seconds) * 1e9 + 1,
	};
	timer_t timer;

	CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	CHECK(!timer_settime(timer, 0, &when, NULL));
}

struct attempt {
	const struct command *command;
	double delay;
	size_t done;
};

static void try_once(void *arg)
{
	struct attempt *a = arg;
	struct work w;
	int status;
	pid_t pid;

	become_nobody(NULL);
	a->command->prepare(&w);
	pid = fork();
	if (!pid) {
		be_killed_in(a->delay);
		a->command->run(&w);
		for (;;)
			pause();
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	a->done = a->command->done(&w);
}

/* A signal that comes in the middle of the command finds it half done. */
static void can_be_killed(const struct command *command)
{
	struct attempt *a = common(sizeof(*a));
	size_t all = command->lists ? MANY : LONG;

	a->command = command;
	a->delay = 0.01;
	for (int i = 0; i < 30; i++) {
		child_passes(try_once, a);
		if (a->done > 0 && a->done < all) {
			printf("# killed after %.2f ms: %zu of %zu\n",
			       a->delay * 1000, a->done, all);
			return;
		}
		a->delay *= a->done ? 0.6 : 1.4;
	}
	FAIL("it is done or not begun, never in between: %zu of %zu", a->done,
	     all);
}

TEST(a_punch_can_be_killed)
{
	can_be_killed(&punching);
}

TEST(a_discard_can_be_killed)
{
	can_be_killed(&discarding);
}

TEST(a_commit_can_be_killed)
{
	can_be_killed(&committing);
}

TEST(populating_can_be_killed)
{
	if (!kernel_at_least(5, 14))
		SKIP("no MADV_POPULATE_WRITE");
	can_be_killed(&populating);
}

TEST(a_list_of_mappings_can_be_killed)
{
	can_be_killed(&listing_mappings);
}

TEST(a_list_of_pages_can_be_killed)
{
	can_be_killed(&listing_pages);
}

TEST(a_list_of_objects_can_be_killed)
{
	can_be_killed(&listing_objects);
}

static void commit_16_tib(void *unused)
{
	int fd = open_object();
	char *p = map(fd, 16UL << 40, RW, MAP_PRIVATE, 0);

	enter(GROUP);
	become_nobody(unused);
	be_killed_in(0.02);
	commit(fd, p, 16UL << 40);
}

TEST(a_commit_of_16_tib_is_killed_before_memory_is_short)
{
	make_group(GROUP, "256M");
	CHECK_KILLED(commit_16_tib, NULL, SIGKILL);
	CHECK_EQ(group_field(GROUP, "memory.events", "max"), 0);
	CHECK(!rmdir(GROUP));
}

/* Frozen, thawed, and killed while frozen */

static void wait_until_frozen(uint64_t frozen)
{
	for (int i = 0; i < 3000; i++) {
		if (group_field(GROUP, "cgroup.events", "frozen") == frozen)
			return;
		usleep(10000);
	}
	FAIL("it does not freeze");
}

static volatile bool *begun;		/* in common memory */

static void can_be_frozen_in(void (*fn)(void *arg), void *arg)
{
	pid_t pid;
	int status;

	if (access(GROUP "/cgroup.freeze", W_OK))
		SKIP("no freezer");
	begun = common(PAGE);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(GROUP);
		become_nobody(NULL);
		fn(arg);
		_exit(1);
	}
	while (!*begun)
		usleep(1000);
	for (int i = 1; i <= 5; i++) {
		usleep(50000 + i * 7000);
		CHECK(!group_put(GROUP, "cgroup.freeze", "1"));
		wait_until_frozen(1);
		if (i == 5)
			break;
		CHECK(!group_put(GROUP, "cgroup.freeze", "0"));
		wait_until_frozen(0);
	}
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(!group_put(GROUP, "cgroup.freeze", "0"));
	CHECK(!rmdir(GROUP));
}

static void run_for_ever(void *arg)
{
	const struct command *command = arg;
	struct work w;

	command->prepare(&w);
	*begun = true;
	for (;;) {
		command->run(&w);
		if (command->undo)
			command->undo(&w);
	}
}

static void can_be_frozen(const struct command *command)
{
	make_group(GROUP, "256M");
	can_be_frozen_in(run_for_ever, (void *)command);
}

TEST(who_punches_discards_or_commits_can_be_frozen)
{
	can_be_frozen(&punching);
	can_be_frozen(&discarding);
	can_be_frozen(&committing);
	if (kernel_at_least(5, 14))
		can_be_frozen(&populating);
}

TEST(who_lists_can_be_frozen)
{
	can_be_frozen(&listing_mappings);
	can_be_frozen(&listing_pages);
	can_be_frozen(&listing_objects);
	can_be_frozen(&listing_processes);
	can_be_frozen(&adding_up);
}

/* Slowed down by its group at each access, and asking for more. */
static void want_more(void *arg)
{
	char *p = map(open_byte(BYTE), 4UL << 40, RW, *(int *)arg, 0);

	*begun = true;
	for (size_t i = 0;; i++)
		touch_read(p + i * PAGE);
}

static void can_be_frozen_when_short(int flags)
{
	make_group(GROUP, "64M");
	CHECK(!group_put(GROUP, "memory.high", "4M"));
	can_be_frozen_in(want_more, &flags);
}

TEST(who_has_too_little_memory_can_be_frozen_and_killed)
{
	can_be_frozen_when_short(MAP_PRIVATE);
	can_be_frozen_when_short(MAP_SHARED);
}
