// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine, or a group of processes, that has less memory than is asked for.
 * For the machine, memory is taken away, most of it as huge pages that nobody
 * uses, so that what remains is soon full: in a machine of one's own only.
 */
#include "books.h"
#include "groups.h"

#include <sys/swap.h>

#define BYTE	0xa5
#define PERIOD	100			/* of the pattern: pages differ */

/* The machine */

#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"
#define LISTS	"/proc/sys/vm/percpu_pagelist_high_fraction"
#define COMPACT		"/proc/sys/vm/compact_memory"
#define ZRAM		"/dev/zram0"
#define CAP		"/sys/module/tamalloc/parameters/shared_cap_mib"
#define KSM		"/sys/kernel/mm/ksm/"

static uint64_t available(void)
{
	return kib(0, "meminfo", "MemAvailable");
}

/* What those before had comes back in its own time. */
static void settle(void)
{
	size_t before;

	do {
		before = available();
		usleep(100000);
	} while (available() > before + MIB);
}

/* Neither swapped nor killed, and gone with who started it. */
static void take_away(size_t len)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		CHECK(!put("/proc/self/oom_score_adj", "-1000"));
		CHECK(mmap(NULL, len, RW, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_LOCKED, -1, 0) != MAP_FAILED);
		raise(SIGSTOP);
		_exit(1);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
}

/* In the huge pages that can still be found; the rest, page by page. */
static void leave(size_t left)
{
	unsigned long pages, got;
	char text[32];

	put("/proc/sys/vm/drop_caches", "3");
	put(COMPACT, "1");
	settle();
	for (int i = 0; i < 8 && available() > left + 4 * MIB; i++) {
		get(HUGE_PAGES, text, sizeof(text));
		got = strtoul(text, NULL, 10);
		pages = got + (available() - left) / (2 * MIB);
		snprintf(text, sizeof(text), "%lu", pages);
		CHECK(!put(HUGE_PAGES, text));
	}
	if (available() > left + 4 * MIB)
		take_away(available() - left);
	printf("# %lu MiB available of %lu\n", available() / MIB,
	       kib(0, "meminfo", "MemTotal") / MIB);
	if (available() > left + left / 2)
		SKIP("memory cannot be taken away");
}

struct swaps {
	char name[8][64];
	int n;
};

/* Off, whatever is on, as an emulated disk is slow to fill. */
static void no_swap(struct swaps *were)
{
	FILE *file = proc_open(0, "swaps");
	char line[256];

	were->n = 0;
	CHECK(fgets(line, sizeof(line), file));
	while (were->n < 8 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s", were->name[were->n]) == 1)
			were->n++;
	fclose(file);
	for (int i = 0; i < were->n; i++)
		CHECK(!swapoff(were->name[i]));
}

static void swap_again(const struct swaps *were)
{
	for (int i = 0; i < were->n; i++)
		CHECK(!swapon(were->name[i], 0));
}

/* Swap in compressed memory: as fast as the processor, without a disk. */
static void zram_on(const char *size)
{
	if (system("modprobe zram 2>/dev/null") || access(ZRAM, W_OK))
		SKIP("no zram");
	put("/sys/block/zram0/reset", "1");
	CHECK(!put("/sys/block/zram0/disksize", size));
	CHECK(!system("mkswap " ZRAM " >/dev/null"));
	CHECK(!swapon(ZRAM, SWAP_FLAG_PREFER | 100));
}

static void zram_off(void)
{
	CHECK(!swapoff(ZRAM));
	CHECK(!put("/sys/block/zram0/reset", "1"));
}

struct tight {
	size_t left;
	const char *zram;		/* NULL: no swap at all */
	void (*fn)(void *arg);
	const char *cap;		/* in MiB; NULL: as it is */
};

static void make_tight(void *arg)
{
	struct tight *t = arg;

	leave(t->left);
	t->fn(NULL);
}

/* Runs fn with that much memory; there is more afterwards in any case. */
static void with_memory(struct tight *t)
{
	char pages[32], cap[32];
	struct swaps were;
	int status;

	if (access("/run/tamvm", F_OK))
		SKIP("only in tamvm: it takes all of the machine's memory");
	if (access(HUGE_PAGES, W_OK))
		SKIP("no huge pages to take memory away as");
	/* The program itself stays, so that nothing waits for its file. */
	CHECK(!mlockall(MCL_CURRENT));
	get(HUGE_PAGES, pages, sizeof(pages));
	/* Processors keep what is freed, newer kernels a lot of it, for long. */
	put(LISTS, "1000");
	no_swap(&were);
	if (t->zram)
		zram_on(t->zram);
	get(CAP, cap, sizeof(cap));
	if (t->cap)
		CHECK(!put(CAP, t->cap));
	status = in_child(make_tight, t);
	CHECK(!put(HUGE_PAGES, pages));
	CHECK(!put(CAP, cap));
	put(LISTS, "0");
	if (t->zram)
		zram_off();
	swap_again(&were);
	if (WIFSIGNALED(status))
		FAIL("killed: %s", strsignal(WTERMSIG(status)));
	if (status)
		_exit(WEXITSTATUS(status));
}

/* Contents: a page that was written says which it is, and in which round */

static uint8_t byte_page[PAGE], pattern_page[PAGE + PERIOD];

static int open_period(void)
{
	for (size_t i = 0; i < sizeof(pattern_page); i++)
		pattern_page[i] = pattern_byte(i % PERIOD);
	return open_pattern(PERIOD);
}

static int open_bytes(void)
{
	memset(byte_page, BYTE, PAGE);
	return open_byte(BYTE);
}

struct area {
	char *p;
	size_t pages;
	bool pattern;
};

static const uint8_t *first_contents(const struct area *a, size_t i)
{
	return a->pattern ? pattern_page + i * PAGE % PERIOD : byte_page;
}

/* Of four pages one is read, two are written in part, one is written over. */
static void use_page(const struct area *a, size_t i, uint64_t round)
{
	char *page = a->p + i * PAGE;
	uint64_t *word = (uint64_t *)page + i % 512;

	if (!(i % 4))
		touch_read(page);
	else if (i % 4 < 3)
		*word = i << 8 | round;
	else
		memset(page, (char)(i + round), PAGE);
}

static void check_page(const struct area *a, size_t i, uint64_t round)
{
	uint8_t want[PAGE];

	memcpy(want, first_contents(a, i), PAGE);
	if (i % 4 == 3)
		memset(want, (char)(i + round), PAGE);
	else if (i % 4)
		((uint64_t *)want)[i % 512] = i << 8 | round;
	if (memcmp(a->p + i * PAGE, want, PAGE))
		FAIL("page %zu of %zu is not what it was in round %lu", i,
		     a->pages, round);
}

static void use(const struct area *a, uint64_t round)
{
	for (size_t i = 0; i < a->pages; i++)
		use_page(a, i, round);
}

static void check(const struct area *a, uint64_t round)
{
	for (size_t i = 0; i < a->pages; i++)
		check_page(a, i, round);
}

/* A process that is stopped with what it holds, to be looked at meanwhile */

#define HELD_PRIVATE	(12 * MIB)
#define HELD_SHARED	(4 * MIB)

static pid_t start_holder(int object)
{
	struct area private = { NULL, HELD_PRIVATE / PAGE, true };
	struct area shared = { NULL, HELD_SHARED / PAGE, false };
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		private.p = map_private(open_period(), 2 * HELD_PRIVATE);
		shared.p = map_shared(object, 2 * HELD_SHARED);
		use(&private, 0);
		use(&shared, 0);
		raise(SIGSTOP);
		check(&private, 0);
		check(&shared, 0);
		_exit(0);
	}
	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	return pid;
}

static void holder_lives(pid_t pid)
{
	int status;

	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (status)
		FAIL("it has lost what it held: wait status %#x", status);
}

/*
 * Whatever reclaim, KSM and migration do to a page of a stopped process, it is
 * committed or swapped, for /proc as for the books.
 */
struct watch {
	pid_t holder;
	int object;
	bool over;
	unsigned long looks;
	uint64_t swapped;		/* the most of its memory that was */
};

static void check_mapping(const struct tam_mapping_stats *m,
			  const struct smap *smap)
{
	uint64_t held = m->flags & TAM_MAPPING_SHARED ? HELD_SHARED :
							HELD_PRIVATE;

	CHECK_EQ(m->start, smap->start);
	CHECK_EQ(m->committed + m->swapped, held);
	CHECK_EQ(smap->rss + smap->swap, held);
	CHECK(!(m->flags & TAM_MAPPING_SHARED) || !m->swapped);
}

static void look(struct watch *w)
{
	struct tam_process_stats one = process(w->holder);
	struct tam_system_stats all = sys_stats();
	struct tam_mapping_stats *m;
	struct tam_extent *runs;
	uint64_t sum = 0;
	struct smap *smap;
	size_t n, k;

	CHECK(one.valid & TAM_VALID_TAM);
	CHECK_EQ(one.tam_committed + one.tam_swapped,
		 HELD_PRIVATE + HELD_SHARED);
	CHECK(one.committed + one.swapped + LAG >= HELD_PRIVATE + HELD_SHARED);
	CHECK(one.tam_swapped <= HELD_PRIVATE);
	if (w->swapped < one.tam_swapped)
		w->swapped = one.tam_swapped;

	CHECK_EQ(held(w->object), HELD_SHARED);
	CHECK_EQ(all.tam_held, HELD_SHARED);
	CHECK_EQ(all.ram_total, kib(0, "meminfo", "MemTotal"));
	CHECK_EQ(all.incomplete, 0);
	CHECK(all.tam_committed + all.tam_swapped >=
	      HELD_PRIVATE + HELD_SHARED);

	m = mappings(w->holder, BUFFER, &n);
	smap = read_smaps(w->holder, &k);
	CHECK_EQ(n, 2);
	CHECK_EQ(k, 2);
	for (size_t i = 0; i < n; i++)
		check_mapping(&m[i], &smap[i]);
	free(m);
	free(smap);

	runs = pages(w->holder, 0, 0, 64 * PAGE, &n);
	for (size_t i = 0; i < n; i++)
		sum += runs[i].len;
	CHECK_EQ(sum, HELD_PRIVATE + HELD_SHARED);
	free(runs);
}

static void watch(struct watch *w)
{
	do {
		look(w);
		w->looks++;
		usleep(10000);
	} while (!__atomic_load_n(&w->over, __ATOMIC_RELAXED));
}

static struct watch *start_watch(int object, pid_t *pid)
{
	struct watch *w = common(PAGE);

	w->object = object;
	w->holder = start_holder(object);
	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		watch(w);
		_exit(0);
	}
	CHECK(*pid > 0);
	return w;
}

static void end_watch(struct watch *w, pid_t pid)
{
	int status;

	__atomic_store_n(&w->over, true, __ATOMIC_RELAXED);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	printf("# %lu looks, up to %lu MiB swapped\n", w->looks,
	       w->swapped / MIB);
	holder_lives(w->holder);
}

/* Swap */

#define LEFT	(48 * MIB)

static void use_more_than_there_is(struct area *areas, int n, int rounds)
{
	uint64_t out = vmstat("pswpout"), in = vmstat("pswpin");

	for (int i = 0; i < n; i++)
		use(&areas[i], 0);
	for (int round = 1; round < rounds; round++)
		for (int i = 0; i < n; i++)
			for (size_t k = 0; k < areas[i].pages; k++) {
				check_page(&areas[i], k, round - 1);
				use_page(&areas[i], k, round);
			}
	for (int i = 0; i < n; i++)
		check(&areas[i], rounds - 1);
	printf("# %lu pages swapped out, %lu in\n", vmstat("pswpout") - out,
	       vmstat("pswpin") - in);
	CHECK((vmstat("pswpin") - in) * PAGE > LEFT / 4);
}

static void more_than_ram(void *unused)
{
	size_t len = available();
	pid_t pid;
	struct watch *w = start_watch(open_bytes(), &pid);
	struct area areas[] = {
		{ map_private(open_bytes(), len), len / 2 / PAGE, false },
		{ map_private(open_period(), len), len / PAGE, true },
	};

	(void)unused;
	use_more_than_there_is(areas, 2, 2);
	/* It was idle: what it held has gone first. */
	CHECK(w->swapped >= HELD_PRIVATE / 2);
	end_watch(w, pid);
}

TEST(private_memory_larger_than_ram_is_swapped_and_stays_as_it_is)
{
	with_memory(&(struct tight){ LEFT, "512M", more_than_ram, NULL });
}

/* Not so often that nobody else gets a processor. */
static void compact_for_ever(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		put(COMPACT, "1");
		usleep(20000 * patience() * patience());
	}
}

/* Until KSM has come by a few times: it looks at a page twice. */
static void wait_for_ksm(void)
{
	char text[32] = "";

	for (unsigned int i = 0; i < 500 * patience(); i++) {
		get(KSM "pages_sharing", text, sizeof(text));
		if (strtoul(text, NULL, 10) > 1000)
			return;
		usleep(20000);
	}
	FAIL("KSM has merged %s pages only", text);
}

static void merged_and_moved(void *unused)
{
	size_t len = available();
	uint64_t moved = vmstat("pgmigrate_success");
	pid_t pid, compactor;
	struct watch *w = start_watch(open_bytes(), &pid);
	struct area areas[] = {
		{ map_private(open_bytes(), len), len / PAGE, false },
		{ map_private(open_period(), len), len / PAGE, true },
	};

	(void)unused;
	compactor = fork();
	if (!compactor)
		compact_for_ever();
	for (int i = 0; i < 2; i++)
		CHECK(!madvise(areas[i].p, len, MADV_MERGEABLE));
	use(&areas[0], 0);
	wait_for_ksm();
	use_more_than_there_is(areas, 2, 2);
	end(compactor);
	moved = vmstat("pgmigrate_success") - moved;
	printf("# %lu pages moved\n", moved);
	CHECK(moved > 0);
	CHECK(w->swapped > 0);
	end_watch(w, pid);
}

static void merge_and_move(void *unused)
{
	(void)unused;
	with_memory(&(struct tight){ LEFT, "512M", merged_and_moved, NULL });
}

TEST(the_same_while_pages_are_merged_and_moved)
{
	char pages[32], ms[32], run[32];
	int status;

	if (access(KSM "run", W_OK))
		SKIP("no KSM");
	if (access(COMPACT, W_OK))
		SKIP("no compaction");
	get(KSM "run", run, sizeof(run));
	get(KSM "pages_to_scan", pages, sizeof(pages));
	get(KSM "sleep_millisecs", ms, sizeof(ms));
	CHECK(!put(KSM "pages_to_scan", patience() > 1 ? "400" : "2000"));
	CHECK(!put(KSM "sleep_millisecs", "10"));
	CHECK(!put(KSM "run", "1"));
	status = in_child(merge_and_move, NULL);
	put(KSM "run", "2");
	put(KSM "run", run);
	put(KSM "pages_to_scan", pages);
	put(KSM "sleep_millisecs", ms);
	if (status)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* The cap */

#define FILLERS	4

static void fill_up(struct area *a)
{
	size_t i = 0;

	while (i < a->pages && !read_sigbus(a->p + i * PAGE))
		use_page(a, i++, 0);
	CHECK(i < a->pages);
	a->pages = i;
	raise(SIGSTOP);
	check(a, 0);
	_exit(0);
}

static void cap_under_pressure(void *unused)
{
	size_t len = available();
	struct area private = { map_private(open_period(), len), len / PAGE,
				true };
	struct area shared[FILLERS];
	pid_t pids[FILLERS];
	uint64_t held;
	int status;

	(void)unused;
	for (int i = 0; i < FILLERS; i++) {
		int fd = i % 2 ? open_period() : open_bytes();

		shared[i] = (struct area){ map_shared(fd, len), len / PAGE,
					   i % 2 };
		close(fd);
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			fill_up(&shared[i]);
		}
	}
	use(&private, 0);
	for (int i = 0; i < FILLERS; i++) {
		CHECK_EQ(waitpid(pids[i], &status, WUNTRACED), pids[i]);
		CHECK(WIFSTOPPED(status));
	}
	held = sys_stats().tam_held;
	CHECK_EQ(sys_stats().tam_cap, 32 * MIB);
	/* Counted per processor, so far may it be off; see module-cap. */
	CHECK_BETWEEN(held, 31 * MIB, 33 * MIB);
	check(&private, 0);
	CHECK_EQ(sys_stats().tam_held, held);
	for (int i = 0; i < FILLERS; i++)
		holder_lives(pids[i]);
}

TEST(the_cap_holds_while_memory_is_short)
{
	struct tight tight = { LEFT, "512M", cap_under_pressure, .cap = "32" };

	with_memory(&tight);
}

/* Nothing left: the OOM killer */

struct shortage {
	int greatest, asking;		/* MAP_PRIVATE, MAP_SHARED */
};

static struct area some_area(int flags, size_t len)
{
	bool pattern = flags == MAP_PRIVATE;
	int fd = pattern ? open_period() : open_bytes();
	struct area a = { map(fd, len, RW, flags, 0), len / PAGE, pattern };

	close(fd);
	return a;
}

/* Which the books say would be killed. */
static pid_t greatest_process(void)
{
	struct tam_process_stats *all;
	uint64_t most = 0;
	pid_t pid = 0;
	size_t n;

	all = processes(0, BUFFER, &n);
	for (size_t i = 0; i < n; i++)
		if (all[i].oom_state == TAM_OOM_ELIGIBLE &&
		    all[i].oom_usage > most) {
			most = all[i].oom_usage;
			pid = all[i].pid;
		}
	free(all);
	return pid;
}

#define THERE	(96 * MIB)

static void fall_short(struct shortage *s)
{
	int object = open_bytes(), status;
	pid_t holder, greatest, asking;
	uint64_t kills = vmstat("oom_kill");
	size_t there;

	settle();
	there = available();
	holder = start_holder(object);
	greatest = fork();
	if (!greatest) {
		struct area a = some_area(s->greatest, there / 100 * 75);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		use(&a, 0);
		raise(SIGSTOP);
		_exit(1);
	}
	CHECK_EQ(waitpid(greatest, &status, WUNTRACED), greatest);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(greatest_process(), greatest);

	/* It wants more than is left, but gets it when the other has gone. */
	asking = fork();
	if (!asking) {
		struct area a = some_area(s->asking, there / 100 * 70);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		use(&a, 0);
		check(&a, 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(greatest, &status, 0), greatest);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/*
	 * An object's pages go after the memory map of its last mapper, for
	 * which alone the OOM killer waits: until they have gone it may come
	 * for the next greatest, as it does with a memfd.
	 */
	CHECK_EQ(waitpid(asking, &status, 0), asking);
	if (s->greatest == MAP_PRIVATE)
		CHECK_EQ(status, 0);
	else
		CHECK(!status || WTERMSIG(status) == SIGKILL);
	kills = vmstat("oom_kill") - kills;
	CHECK_EQ(kills, status ? 2 : 1);
	/* All that they had stored is free, and nothing of others'. */
	CHECK_EQ(sys_stats().tam_held, HELD_SHARED);
	CHECK_EQ(held(object), HELD_SHARED);
	holder_lives(holder);
	close(object);
}

static void private_is_greatest(void *unused)
{
	(void)unused;
	fall_short(&(struct shortage){ MAP_PRIVATE, MAP_PRIVATE });
	fall_short(&(struct shortage){ MAP_PRIVATE, MAP_SHARED });
}

static void shared_is_greatest(void *unused)
{
	(void)unused;
	fall_short(&(struct shortage){ MAP_SHARED, MAP_PRIVATE });
	fall_short(&(struct shortage){ MAP_SHARED, MAP_SHARED });
}

/* More than there is: not the cap is met first. */
#define NO_CAP	"100000000"

TEST(with_no_memory_left_the_one_with_most_private_memory_is_killed)
{
	struct tight tight = {
		THERE, NULL, private_is_greatest, .cap = NO_CAP,
	};

	with_memory(&tight);
}

TEST(with_no_memory_left_the_one_with_most_shared_memory_is_killed)
{
	struct tight tight = {
		THERE, NULL, shared_is_greatest, .cap = NO_CAP,
	};

	with_memory(&tight);
}

/* Groups */

#define LIMIT	(32 * MIB)

struct greedy {
	int fd, flags;
};

/* Behind what others hold in the same object. */
static void take_all(void *arg)
{
	struct greedy *g = arg;
	char *p = map(g->fd, 4 * LIMIT, RW, g->flags, GIB);

	enter(GROUP);
	memset(p, 1, 4 * LIMIT);
}

static void over_the_limit(int flags)
{
	struct greedy g = { open_bytes(), flags };
	pid_t outside = start_holder(g.fd), neighbour;
	int object = open_bytes(), status;
	uint64_t before = sys_stats().tam_held;

	make_group(GROUP, "32M");
	make_group(NEIGHBOUR, "32M");
	/* Nearly all that its group allows, of which nothing may be taken. */
	neighbour = fork();
	if (!neighbour) {
		struct area a = { map_shared(object, LIMIT / 2),
				  LIMIT / 2 / PAGE, false };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(NEIGHBOUR);
		use(&a, 0);
		raise(SIGSTOP);
		check(&a, 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(neighbour, &status, WUNTRACED), neighbour);
	CHECK(WIFSTOPPED(status));

	for (int i = 1; i <= 3; i++) {
		CHECK_KILLED(take_all, &g, SIGKILL);
		CHECK_EQ(group_field(GROUP, "memory.events", "oom_kill"), i);
	}
	CHECK_EQ(group_field(NEIGHBOUR, "memory.events", "oom_kill"), 0);
	CHECK_EQ(sys_stats().tam_held,
		 before + LIMIT / 2 + held(g.fd) - HELD_SHARED);
	CHECK_BETWEEN(held(g.fd) - HELD_SHARED, flags == MAP_SHARED ?
		      LIMIT / 2 : 0, flags == MAP_SHARED ? LIMIT : 0);
	CHECK(!rmdir(GROUP));
	CHECK(!punch(g.fd, GIB, 4 * LIMIT));
	CHECK_EQ(held(g.fd), HELD_SHARED);
	holder_lives(outside);
	holder_lives(neighbour);
	CHECK(!rmdir(NEIGHBOUR));
}

TEST(a_group_over_its_limit_with_private_memory_harms_nobody_outside)
{
	over_the_limit(MAP_PRIVATE);
}

TEST(a_group_over_its_limit_with_shared_memory_harms_nobody_outside)
{
	over_the_limit(MAP_SHARED);
}

static uint64_t dying_groups(void)
{
	return group_field(CGROUPS, "cgroup.stat", "nr_dying_descendants");
}

static void store_in_group(void *arg)
{
	struct area a = { map_shared(*(int *)arg, 8 * MIB), 8 * MIB / PAGE,
			  false };

	enter(GROUP);
	use(&a, 0);
}

/* A group lives on, out of sight, as long as anything is charged to it. */
TEST(a_removed_group_leaves_nothing_behind_but_what_is_stored)
{
	uint64_t before;
	struct area a;
	int fd;

	/* Its code must not be charged to the group, as it outlives that. */
	CHECK(!mlockall(MCL_CURRENT));
	make_group(GROUP, "32M");
	CHECK(!rmdir(GROUP));
	before = dying_groups();
	for (int i = 0; i < 5; i++) {
		make_group(GROUP, "32M");
		fd = open_bytes();
		child_passes(store_in_group, &fd);
		CHECK(!rmdir(GROUP));
		CHECK_EQ(held(fd), 8 * MIB);
		a = (struct area){ map_shared(fd, 8 * MIB), 8 * MIB / PAGE,
				   false };
		check(&a, 0);
		if (i % 2)
			CHECK(!punch(fd, 0, 8 * MIB));
		CHECK(!munmap(a.p, 8 * MIB));
		if (!(i % 2))
			close(fd);
	}
	printf("# %lu dying groups, %lu before\n", dying_groups(), before);
	for (int i = 0; i < 300 && dying_groups() > before; i++) {
		put("/proc/sys/vm/drop_caches", "3");
		usleep(100000);
	}
	CHECK(dying_groups() <= before);
}
