// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that touch what others touch, drop, unmap, protect and punch.  The
 * kernel's log stays silent meanwhile, which tests/run looks after.
 */
#include "module.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#define THREADS		16
#define PAGES		64
/* Long enough on a machine of one's own; "make check" has less. */
static double seconds(void)
{
	const char *env = getenv("TAM_RACE_SECONDS");

	return env ? atof(env) : 2;
}

/* Starts all threads at once and waits for them. */
static void together(int n, void *(*fn)(void *), void *arg)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < n; i++)
		CHECK(!pthread_create(&threads[i], NULL, fn, arg));
	for (int i = 0; i < n; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* First touches of the same pages */

struct touching {
	pthread_barrier_t start;
	char *p;
	bool write;
	int number;
};

static void *touch_all(void *arg)
{
	struct touching *t = arg;
	int me = __atomic_fetch_add(&t->number, 1, __ATOMIC_RELAXED);

	pthread_barrier_wait(&t->start);
	for (int i = 0; i < PAGES; i++) {
		char *page = t->p + i * PAGE;

		/* Each writes a byte of its own; none may be lost. */
		if (t->write && me % 2)
			page[me] = me;
		CHECK_PATTERN(page + THREADS, 64, i * PAGE + THREADS, 5000);
		if (t->write)
			page[me] = me;
	}
	return NULL;
}

static void touch_together(int prot, int flags, bool write)
{
	for (int round = 0; round < 10; round++) {
		struct touching t = { .write = write };
		int fd = open_pattern(5000);
		uint64_t len = PAGES * PAGE;

		pthread_barrier_init(&t.start, NULL, THREADS);
		t.p = map(fd, len + 2 * PAGE, prot, flags, 0);
		together(THREADS, touch_all, &t);
		CHECK_EQ(committed_pages(t.p, len + 2 * PAGE), PAGES);
		/* One page each, in the object where it is the object's. */
		CHECK_EQ(held(fd), prot == RW && flags == MAP_PRIVATE ? 0 : len);
		for (int i = 0; i < PAGES; i++) {
			for (int n = 0; write && n < THREADS; n++)
				CHECK_EQ(t.p[i * PAGE + n], n);
			CHECK_PATTERN(t.p + i * PAGE + THREADS, PAGE - THREADS,
				      i * PAGE + THREADS, 5000);
		}
		CHECK(!munmap(t.p, len + 2 * PAGE));
		close(fd);
	}
}

TEST(sixteen_threads_commit_one_private_page)
{
	touch_together(RW, MAP_PRIVATE, true);
	touch_together(RW, MAP_PRIVATE, false);
}

TEST(sixteen_threads_commit_one_shared_page)
{
	touch_together(RW, MAP_SHARED, true);
	touch_together(RW, MAP_SHARED, false);
}

TEST(sixteen_threads_commit_one_readonly_page)
{
	touch_together(PROT_READ, MAP_PRIVATE, false);
}

TEST(threads_that_commit_private_pages_are_counted_in_rss)
{
	struct touching t = { .write = true };
	uint64_t anon, len = PAGES * PAGE;

	CHECK(!mlockall(MCL_CURRENT));
	anon = status_bytes("RssAnon");
	for (int round = 0; round < 64; round++) {
		t.number = 0;
		pthread_barrier_init(&t.start, NULL, 4);
		t.p = map_private(open_pattern(5000), len);
		together(4, touch_all, &t);
	}
	/* 64 * 64 pages; the threads' own stacks and arenas beside them. */
	CHECK_BETWEEN(status_bytes("RssAnon") - anon,
		      64 * len - 5 * 64 * PAGE, 64 * len + 8 * MIB);
}

static void *commit_all(void *arg)
{
	struct touching *t = arg;

	pthread_barrier_wait(&t->start);
	CHECK(!commit(t->number, t->p, PAGES * PAGE));
	return NULL;
}

TEST(commits_of_the_same_range_at_once_commit_it_once)
{
	for (int round = 0; round < 20; round++) {
		struct touching t = { .number = open_pattern(5000) };

		pthread_barrier_init(&t.start, NULL, THREADS);
		t.p = map_shared(t.number, PAGES * PAGE);
		together(THREADS, commit_all, &t);
		CHECK_EQ(held(t.number), PAGES * PAGE);
		CHECK_PATTERN(t.p, PAGES * PAGE, 0, 5000);
		munmap(t.p, PAGES * PAGE);
		close(t.number);
	}
}

/* Faults against everything that takes pages away */

struct fight {
	int fd, flags;
	char *p;
	double end;
	void (*disturb)(struct fight *f, int i);
};

static uint32_t random_number(void)
{
	static __thread uint32_t state;

	if (!state)
		state = gettid() * 2654435761U | 1;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Fails on what is neither the pattern nor the value that is written here. */
static void check_byte(const struct fight *f, size_t at, uint8_t value)
{
	uint8_t first = pattern_byte(at % 5000);

	if (value != first && value != 255 - first)
		FAIL("byte %zu of %p is %#x", at, (void *)f->p, value);
}

static void *access_for_a_while(void *arg)
{
	struct fight *f = arg;

	while (now() < f->end)
		for (int i = 0; i < 200; i++) {
			size_t at = random_number() % (PAGES * PAGE);
			volatile uint8_t *byte = (uint8_t *)f->p + at;

			if (random_number() % 2)
				*byte = ~pattern_byte(at % 5000);
			else
				check_byte(f, at, *byte);
		}
	return NULL;
}

/* Reaches memory that comes and goes: the kernel's access gets an error. */
static void *access_by_pipe(void *arg)
{
	struct fight *f = arg;
	int fds[2];

	CHECK(!pipe(fds));
	while (now() < f->end)
		for (int i = 0; i < 100; i++) {
			size_t at = random_number() % (PAGES * PAGE);
			uint8_t byte;

			if (write(fds[1], f->p + at, 1) == 1) {
				CHECK_EQ(read(fds[0], &byte, 1), 1);
				check_byte(f, at, byte);
			} else {
				CHECK_EQ(errno, EFAULT);
			}
			byte = ~pattern_byte(at % 5000);
			CHECK_EQ(write(fds[1], &byte, 1), 1);
			if (read(fds[0], f->p + at, 1) != 1) {
				CHECK_EQ(errno, EFAULT);
				CHECK_EQ(read(fds[0], &byte, 1), 1);
			}
		}
	return NULL;
}

static void *disturb_for_a_while(void *arg)
{
	struct fight *f = arg;

	for (int i = 0; now() < f->end; i++)
		f->disturb(f, i);
	return NULL;
}

static void fight(int flags, bool goes_away, void (*disturb)(struct fight *, int))
{
	struct fight f = {
		.fd = open_pattern(5000),
		.flags = flags,
		.end = now() + seconds(),
		.disturb = disturb,
	};
	pthread_t threads[6];

	f.p = map(f.fd, PAGES * PAGE, RW, flags, 0);
	for (int i = 0; i < 6; i++)
		CHECK(!pthread_create(&threads[i], NULL,
				      i < 2 ? disturb_for_a_while :
				      goes_away ? access_by_pipe :
				      access_for_a_while, &f));
	for (int i = 0; i < 6; i++)
		CHECK(!pthread_join(threads[i], NULL));
	for (size_t at = 0; at < PAGES * PAGE; at++)
		check_byte(&f, at, f.p[at]);
	CHECK(!munmap(f.p, PAGES * PAGE));
	CHECK_BETWEEN(held(f.fd), 0, PAGES * PAGE);
	CHECK(!punch(f.fd, 0, PAGES * PAGE));
	CHECK_EQ(held(f.fd), 0);
}

static char *some_page(const struct fight *f, size_t *len)
{
	size_t first = random_number() % PAGES;

	*len = (1 + random_number() % (PAGES - first)) * PAGE;
	return f->p + first * PAGE;
}

static void by_dontneed(struct fight *f, int i)
{
	size_t len;
	char *p = some_page(f, &len);

	(void)i;
	CHECK(!madvise(p, len, MADV_DONTNEED));
}

TEST(faults_against_dontneed)
{
	fight(MAP_PRIVATE, false, by_dontneed);
	fight(MAP_SHARED, false, by_dontneed);
}

static void by_punch(struct fight *f, int i)
{
	size_t len;
	char *p = some_page(f, &len);

	if (i % 2 && f->flags == MAP_SHARED)
		CHECK(!discard(f->fd, p, len));
	else
		CHECK(!punch(f->fd, p - f->p, len));
}

TEST(faults_against_punch)
{
	fight(MAP_SHARED, false, by_punch);
}

/* A private view of pages that another thread stores and punches. */
static void by_image(struct fight *f, int i)
{
	size_t len;
	char *p = some_page(f, &len);
	uint8_t *image = map(f->fd, len, RW, MAP_SHARED, p - f->p);

	for (size_t at = 0; at < len; at += 512)
		image[at] = ~pattern_byte((at + (p - f->p)) % 5000);
	munmap(image, len);
	by_punch(f, i);
	by_dontneed(f, i);
}

TEST(private_faults_against_an_image_that_changes)
{
	fight(MAP_PRIVATE, false, by_image);
}

static void by_remap(struct fight *f, int i)
{
	size_t len;
	char *p = some_page(f, &len);

	if (i % 2)
		CHECK(!munmap(p, len));
	CHECK(mmap(p, len, RW, f->flags | MAP_FIXED | MAP_NORESERVE, f->fd,
		   p - f->p) == p);
}

TEST(faults_against_munmap_and_mmap)
{
	fight(MAP_PRIVATE, true, by_remap);
	fight(MAP_SHARED, true, by_remap);
}

static void by_mprotect(struct fight *f, int i)
{
	static const int prots[] = { RW, PROT_READ, PROT_NONE };
	size_t len;
	char *p = some_page(f, &len);

	CHECK(!mprotect(p, len, prots[i % 3]));
	CHECK(!mprotect(f->p, PAGES * PAGE, RW));
}

TEST(faults_against_mprotect)
{
	fight(MAP_PRIVATE, true, by_mprotect);
	fight(MAP_SHARED, true, by_mprotect);
}

static void by_fork(struct fight *f, int i)
{
	pid_t child = fork();
	int status;

	(void)i;
	if (!child) {
		for (size_t at = 0; at < PAGES * PAGE; at += 1000)
			check_byte(f, at, f->p[at]);
		_exit(0);
	}
	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(!madvise(f->p, PAGES * PAGE, MADV_DONTNEED));
}

TEST(faults_against_fork)
{
	fight(MAP_PRIVATE, false, by_fork);
	fight(MAP_SHARED, false, by_fork);
}

static void by_books(struct fight *f, int i)
{
	struct tam_process_stats stats = {};

	CHECK(!ioctl(f->fd, TAM_IOC_PROCESS, &stats));
	CHECK_BETWEEN(stats.tam_committed, 0, PAGES * PAGE);
	by_dontneed(f, i);
}

TEST(the_books_against_faults_and_dontneed)
{
	fight(MAP_PRIVATE, false, by_books);
}

static void by_commit(struct fight *f, int i)
{
	size_t len;
	char *p = some_page(f, &len);

	if (i % 2)
		by_dontneed(f, i);
	if (commit(f->fd, p, len))
		CHECK(errno == ENOMEM || errno == EACCES);
	if (i % 16 == 0)
		by_remap(f, i);
}

TEST(commit_against_munmap_and_dontneed)
{
	fight(MAP_PRIVATE, true, by_commit);
	fight(MAP_SHARED, true, by_commit);
}

static void by_pageout(struct fight *f, int i)
{
	size_t len;
	char *p = some_page(f, &len);

	CHECK(!madvise(p, len, i % 4 ? MADV_PAGEOUT : MADV_COLD));
}

TEST(faults_against_pageout)
{
	fight(MAP_PRIVATE, false, by_pageout);
}

static void by_compaction(struct fight *f, int i)
{
	if (put("/proc/sys/vm/compact_memory", "1"))
		usleep(10000);
	by_dontneed(f, i);
}

TEST(faults_against_migration)
{
	fight(MAP_PRIVATE, false, by_compaction);
	fight(MAP_SHARED, false, by_compaction);
}

/* Descriptors and mappings of many objects come and go. */
static void *open_and_close(void *arg)
{
	double end = *(double *)arg;

	while (now() < end) {
		size_t len = 1 + random_number() % 65536;
		int fd = open_pattern(len);
		char *p = map_private(fd, 4 * PAGE), *s = map_shared(fd, 4 * PAGE);

		close(fd);
		CHECK_PATTERN(p + PAGE, PAGE, PAGE, len);
		s[0] = 1;
		CHECK_PATTERN(s + 2 * PAGE, PAGE, 2 * PAGE, len);
		CHECK(!munmap(p, 4 * PAGE));
		CHECK(!munmap(s, 4 * PAGE));
	}
	return NULL;
}

TEST(objects_come_and_go_on_all_threads)
{
	double end = now() + seconds();

	together(8, open_and_close, &end);
}

/* The first mapping against the last attribute: one of them is first. */
struct freezing {
	pthread_barrier_t start;
	int fd, number;
	bool refused;
	char *p;
};

static void *map_or_set(void *arg)
{
	struct freezing *f = arg;
	uint8_t byte = 2;

	if (__atomic_fetch_add(&f->number, 1, __ATOMIC_RELAXED)) {
		pthread_barrier_wait(&f->start);
		f->p = map_private(f->fd, PAGE);
		touch_read(f->p);
	} else {
		pthread_barrier_wait(&f->start);
		f->refused = set_pattern(f->fd, &byte, 1);
	}
	return NULL;
}

TEST(an_attribute_is_set_before_the_first_mapping_or_refused)
{
	for (int round = 0; round < 300; round++) {
		struct freezing f = { .fd = open_byte(1) };

		pthread_barrier_init(&f.start, NULL, 2);
		together(2, map_or_set, &f);
		CHECK_BYTES(f.p, PAGE, f.refused ? 1 : 2);
		munmap(f.p, PAGE);
		close(f.fd);
	}
}

static void touch_for_ever(char *p, size_t len)
{
	for (;;)
		for (size_t i = 0; i < len; i += PAGE)
			*(volatile char *)(p + i) = 1;
}

static pid_t start_toucher(char *p, size_t len)
{
	pid_t pid = fork();

	if (!pid)
		touch_for_ever(p, len);
	CHECK(pid > 0);
	return pid;
}

/* The core's own truncation of a range starts again until all is gone. */
TEST(a_punch_ends_although_others_touch_the_range)
{
	int fd = open_object();
	char *p = map_shared(fd, 16 * MIB);
	pid_t toucher;

	memset(p, 1, 16 * MIB);
	toucher = start_toucher(p, 16 * MIB);
	for (int round = 0; round < 3; round++)
		CHECK(!punch(fd, 0, 16 * MIB));
	kill(toucher, SIGKILL);
	waitpid(toucher, NULL, 0);
	CHECK(!punch(fd, 0, 16 * MIB));
	CHECK_EQ(held(fd), 0);
}

TEST(a_process_that_punches_can_be_killed)
{
	int fd = open_object(), status;
	char *p = map_shared(fd, 64 * MIB);
	pid_t toucher, puncher;

	memset(p, 1, 64 * MIB);
	toucher = start_toucher(p, 64 * MIB);
	usleep(300000);
	puncher = fork();
	if (!puncher)
		for (;;)
			punch(fd, 0, 64 * MIB);
	usleep(500000);
	CHECK(!kill(puncher, SIGKILL));
	alarm(20);		/* it dies at once, or this test does */
	CHECK_EQ(waitpid(puncher, &status, 0), puncher);
	CHECK(WIFSIGNALED(status));
	kill(toucher, SIGKILL);
	waitpid(toucher, NULL, 0);
}
