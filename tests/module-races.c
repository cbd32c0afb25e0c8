// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that touch what others touch, drop, unmap, protect and punch.  The
 * kernel's log stays silent meanwhile, which tests/run looks after.
 */
#include "books.h"
#include "widen.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define THREADS		16
#define PAGES		64

/* Starts all threads at once and waits for them. */
static void together(int n, void *(*fn)(void *), void *arg)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < n; i++)
		CHECK(!pthread_create(&threads[i], NULL, fn, arg));
	for (int i = 0; i < n; i++)
		CHECK(!pthread_join(threads[i], NULL));
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
	for (int n = 0; n < PAGES; n++) {
		int i = n ^ (me / 2 % 2);	/* or the neighbour first */
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
	for (int round = 0; round < 2 + race_seconds() * 4; round++) {
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
	widen("tam_pattern_fill:both,finish_fault", 300);
	touch_together(RW, MAP_PRIVATE, true);
	touch_together(RW, MAP_PRIVATE, false);
	widen_end();
}

TEST(sixteen_threads_commit_one_shared_page)
{
	widen("tam_store_add,tam_pattern_fill,finish_fault", 300);
	touch_together(RW, MAP_SHARED, true);
	touch_together(RW, MAP_SHARED, false);
	widen_end();
}

TEST(sixteen_threads_commit_one_readonly_page)
{
	widen("tam_store_add,tam_pattern_fill,finish_fault", 300);
	touch_together(PROT_READ, MAP_PRIVATE, false);
	widen_end();
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
	pthread_barrier_t all;		/* a thread's stack must not land in a hole */
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
		FAIL("byte %zu of %p is %#x, not %#x or %#x", at, (void *)f->p,
		     value, first, 255 - first);
}

static void *access_for_a_while(void *arg)
{
	struct fight *f = arg;

	pthread_barrier_wait(&f->all);
	do {
		for (int i = 0; i < 200; i++) {
			size_t at = random_number() % (PAGES * PAGE);
			volatile uint8_t *byte = (uint8_t *)f->p + at;

			if (random_number() % 2)
				*byte = ~pattern_byte(at % 5000);
			else
				check_byte(f, at, *byte);
		}
	} while (race_on(f->end));
	return NULL;
}

/* Reaches memory that comes and goes: the kernel's access gets an error. */
static void *access_by_pipe(void *arg)
{
	struct fight *f = arg;
	int fds[2];

	CHECK(!pipe(fds));
	pthread_barrier_wait(&f->all);
	do {
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
	} while (race_on(f->end));
	return NULL;
}

static void *disturb_for_a_while(void *arg)
{
	struct fight *f = arg;

	pthread_barrier_wait(&f->all);
	/* Some times, however slow the machine. */
	for (int i = 0; i < 4 || race_on(f->end); i++)
		f->disturb(f, i);
	return NULL;
}

static void fight(int flags, bool goes_away, void (*disturb)(struct fight *, int))
{
	struct fight f = {
		.fd = open_pattern(5000),
		.flags = flags,
		.end = now() + race_seconds(),
		.disturb = disturb,
	};
	pthread_t threads[6];

	f.p = map(f.fd, PAGES * PAGE, RW, flags, 0);
	CHECK(!pthread_barrier_init(&f.all, NULL, 6));
	for (int i = 0; i < 6; i++)
		CHECK(!pthread_create(&threads[i], NULL,
				      i < 2 ? disturb_for_a_while :
				      goes_away ? access_by_pipe :
				      access_for_a_while, &f));
	for (int i = 0; i < 6; i++)
		CHECK(!pthread_join(threads[i], NULL));
	for (size_t at = 0; at < PAGES * PAGE; at++)
		check_byte(&f, at, f.p[at]);
	/* What is mapped the object holds: it is not mapped only. */
	if (flags == MAP_SHARED)
		CHECK_EQ(committed_pages(f.p, PAGES * PAGE) * PAGE, held(f.fd));
	CHECK(!munmap(f.p, PAGES * PAGE));
	CHECK_BETWEEN(held(f.fd), 0, PAGES * PAGE);
	CHECK(!punch(f.fd, 0, PAGES * PAGE));
	CHECK_EQ(held(f.fd), 0);
}

/* An address range that nobody else will use. */
static char *reserve_range(size_t len)
{
	char *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
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
	widen("finish_fault:after,tam_fault:after", 300);
	fight(MAP_PRIVATE, false, by_dontneed);
	fight(MAP_SHARED, false, by_dontneed);
	widen_end();
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
	widen("tam_fault:after,tam_store_add,tam_store_punch,finish_fault", 300);
	fight(MAP_SHARED, false, by_punch);
	widen_end();
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
	widen("tam_fault:after,tam_store_punch,finish_fault", 300);
	fight(MAP_PRIVATE, false, by_image);
	widen_end();
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
	widen("tam_fault:both,tam_pattern_fill,finish_fault", 300);
	fight(MAP_PRIVATE, true, by_remap);
	fight(MAP_SHARED, true, by_remap);
	widen_end();
}

/* To another place and back, in parts: one thread at a time. */
static void by_mremap(struct fight *f, int i)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char *elsewhere;
	size_t len;
	char *p, *q;

	(void)i;
	pthread_mutex_lock(&lock);
	if (!elsewhere)
		elsewhere = reserve_range(PAGES * PAGE);
	p = some_page(f, &len);
	q = elsewhere + (p - f->p);
	if (mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, q) != q) {
		/* Parts that came back do not always merge. */
		CHECK_EQ(errno, EFAULT);
		len = PAGE;
		CHECK(mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, q) ==
		      q);
	}
	for (size_t at = 0; at < len; at += PAGE)
		check_byte(f, p - f->p + at, q[at]);
	CHECK(mremap(q, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
	pthread_mutex_unlock(&lock);
}

TEST(faults_against_mremap)
{
	widen("tam_fault:both,tam_pattern_fill,finish_fault", 300);
	fight(MAP_PRIVATE, true, by_mremap);
	widen_end();
	widen("tam_fault:both,tam_store_look_up,tam_pattern_fill,finish_fault",
	      300);
	fight(MAP_SHARED, true, by_mremap);
	widen_end();
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
	widen("tam_fault:both,finish_fault", 300);
	fight(MAP_PRIVATE, true, by_mprotect);
	fight(MAP_SHARED, true, by_mprotect);
	widen_end();
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
	widen("tam_fault:after,finish_fault,copy_page_range", 300);
	fight(MAP_PRIVATE, false, by_fork);
	fight(MAP_SHARED, false, by_fork);
	widen_end();
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
	widen("tam_walk_mapping,finish_fault:after", 300);
	fight(MAP_PRIVATE, false, by_books);
	widen_end();
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
	widen("tam_range_commit,tam_fault:both,finish_fault", 300);
	fight(MAP_PRIVATE, true, by_commit);
	fight(MAP_SHARED, true, by_commit);
	widen_end();
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

	do {
		size_t len = 1 + random_number() % 65536;
		int fd = open_pattern(len);
		char *p = map_private(fd, 4 * PAGE), *s = map_shared(fd, 4 * PAGE);

		close(fd);
		CHECK_PATTERN(p + PAGE, PAGE, PAGE, len);
		s[0] = 1;
		CHECK_PATTERN(s + 2 * PAGE, PAGE, 2 * PAGE, len);
		CHECK(!munmap(p, 4 * PAGE));
		CHECK(!munmap(s, 4 * PAGE));
	} while (race_on(end));
	return NULL;
}

TEST(objects_come_and_go_on_all_threads)
{
	double end;

	widen("tam_object_destroy,tam_fault:after,tam_pattern_fill", 300);
	end = now() + race_seconds();
	together(8, open_and_close, &end);
	widen_end();
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
	int refused = 0, rounds = 0;
	double end;

	widen("tam_pattern_copy:after,tam_object_freeze,tam_pattern_fill", 1000);
	end = now() + race_seconds();
	do {
		struct freezing f = { .fd = open_byte(1) };

		pthread_barrier_init(&f.start, NULL, 2);
		together(2, map_or_set, &f);
		CHECK_BYTES(f.p, PAGE, f.refused ? 1 : 2);
		munmap(f.p, PAGE);
		close(f.fd);
		refused += f.refused;
	} while (++rounds < 20 || race_on(end));
	printf("# %d of %d were refused\n", refused, rounds);
	widen_end();
}

/* Several processes */

#define MAPPERS		4

static void barrier_for(pthread_barrier_t *barrier, int n)
{
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	CHECK(!pthread_barrier_init(barrier, &attr, n));
}

/* fn(arg, 0) here and fn(arg, 1...n-1) in children. */
static void as_processes(int n, void (*fn)(void *arg, int me), void *arg)
{
	int status;

	fflush(stdout);
	for (int me = 1; me < n; me++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (!child) {
			fn(arg, me);
			fflush(stdout);
			_exit(0);
		}
	}
	fn(arg, 0);
	while (wait(&status) > 0)
		CHECK_EQ(status, 0);
}

struct mappers {
	pthread_barrier_t start, stop, look;
	int fd, rounds;
};

/* Each process has a mapping of its own, the last one punches. */
static void map_while_punched(void *arg, int me)
{
	struct mappers *m = arg;
	char *p = map_shared(m->fd, PAGES * PAGE);
	char *ro = map_readonly(m->fd, PAGES * PAGE);

	for (int round = 1; round <= m->rounds; round++) {
		pthread_barrier_wait(&m->start);
		for (int i = 0; i < PAGES; i++) {
			size_t at = (random_number() % PAGES) * PAGE;

			if (me == MAPPERS)
				CHECK(!punch(m->fd, at, (i % 8 + 1) * PAGE));
			else if (random_number() % 2)
				p[at + me] = round;
			else
				touch_read((me % 2 ? ro : p) + at);
		}
		pthread_barrier_wait(&m->stop);
		/* Each marks every MAPPERS-th page; all see all marks. */
		for (int i = me; i < PAGES; i += MAPPERS + 1)
			p[i * PAGE + 100] = round;
		pthread_barrier_wait(&m->look);
		for (int i = 0; i < PAGES; i++) {
			CHECK_EQ(p[i * PAGE + 100], (char)round);
			CHECK_EQ(ro[i * PAGE + 100], (char)round);
			CHECK_PATTERN(p + i * PAGE + 101, 64, i * PAGE + 101,
				      5000);
		}
		pthread_barrier_wait(&m->look);
		if (!me)
			CHECK_EQ(held(m->fd), PAGES * PAGE);
	}
}

TEST(all_processes_see_the_same_page_after_a_punch)
{
	struct mappers *m = common(sizeof(*m));

	m->fd = open_pattern(5000);
	m->rounds = 1 + race_seconds() * 12;
	barrier_for(&m->start, MAPPERS + 1);
	barrier_for(&m->stop, MAPPERS + 1);
	barrier_for(&m->look, MAPPERS + 1);
	widen("tam_fault:after,tam_store_add,tam_store_punch,finish_fault,"
	      "truncate_inode_pages_range", 500);
	as_processes(MAPPERS + 1, map_while_punched, m);
	widen_end();
}

/* A fork in the midst of first touches; the child makes them as well. */

struct forking {
	pthread_barrier_t start;
	char *p;
	int number;
};

static void *touch_and_stamp(void *arg)
{
	struct forking *f = arg;
	int me = __atomic_fetch_add(&f->number, 1, __ATOMIC_RELAXED);

	pthread_barrier_wait(&f->start);
	for (int i = 0; i < PAGES; i++)
		f->p[i * PAGE + me] = me + 1;
	return NULL;
}

static void fork_and_touch(struct forking *f)
{
	pid_t child;
	int status;

	pthread_barrier_wait(&f->start);
	usleep(random_number() % 5000);
	child = fork();
	if (!child) {
		for (int i = 0; i < PAGES; i++)
			f->p[i * PAGE + THREADS] = THREADS + 1;
		for (int i = 0; i < PAGES; i++)
			CHECK_PATTERN(f->p + i * PAGE + THREADS + 1, 64,
				      i * PAGE + THREADS + 1, 5000);
		_exit(0);
	}
	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void fork_among_touches(int flags)
{
	double end = now() + race_seconds();

	do {
		struct forking f = {};
		int fd = open_pattern(5000);
		pthread_t threads[8];

		f.p = map(fd, PAGES * PAGE, RW, flags, 0);
		pthread_barrier_init(&f.start, NULL, 9);
		for (int i = 0; i < 8; i++)
			CHECK(!pthread_create(&threads[i], NULL,
					      touch_and_stamp, &f));
		fork_and_touch(&f);
		for (int i = 0; i < 8; i++)
			CHECK(!pthread_join(threads[i], NULL));
		for (int i = 0; i < PAGES; i++) {
			char *page = f.p + i * PAGE;

			for (int n = 0; n < 8; n++)
				CHECK_EQ(page[n], n + 1);
			/* Its own where it is shared, nothing where private. */
			if (flags == MAP_SHARED)
				CHECK_EQ(page[THREADS], THREADS + 1);
			else
				CHECK_PATTERN(page + THREADS, 1,
					      i * PAGE + THREADS, 5000);
			CHECK_PATTERN(page + THREADS + 1, 64,
				      i * PAGE + THREADS + 1, 5000);
		}
		CHECK_EQ(held(fd), flags == MAP_SHARED ? PAGES * PAGE : 0);
		munmap(f.p, PAGES * PAGE);
		close(fd);
	} while (race_on(end));
}

TEST(a_fork_among_first_touches)
{
	widen("tam_fault:after,tam_pattern_fill:both,finish_fault", 300);
	fork_among_touches(MAP_PRIVATE);
	widen_end();
	widen("tam_store_add,tam_pattern_fill,finish_fault", 300);
	fork_among_touches(MAP_SHARED);
	widen_end();
}

/* Faults against exit */

#define DYING_PAGES	8

struct dying {
	char *shared, *private;
	volatile pid_t pid;
	volatile double end;
};

static char *somewhere(struct dying *d, size_t *at)
{
	uint32_t random = random_number();

	*at = random / 2 % (DYING_PAGES * PAGE);
	return (random % 2 ? d->shared : d->private) + *at;
}

/* All in the same order, and so at the same pages. */
static void *touch_until_killed(void *arg)
{
	struct dying *d = arg;

	for (int i = 0;; i = (i + 1) % DYING_PAGES) {
		touch_read(d->shared + i * PAGE);
		touch_read(d->private + i * PAGE);
	}
	return NULL;
}

/* From outside, where memory is that nobody else has any more. */
static void *reach_into(void *arg)
{
	struct dying *d = arg;

	while (race_on(d->end)) {
		uint8_t byte;
		size_t at;
		char *p = somewhere(d, &at);
		struct iovec local = { &byte, 1 }, remote = { p, 1 };

		if (process_vm_readv(d->pid, &local, 1, &remote, 1, 0) == 1)
			CHECK_EQ(byte, pattern_byte(at % 5000));
	}
	return NULL;
}

static pid_t start_dying(struct dying *d, int fd)
{
	pid_t child = fork();
	pthread_t thread;

	CHECK(child >= 0);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 6; i++)
		CHECK(!pthread_create(&thread, NULL, touch_until_killed, d));
	for (;;)
		CHECK(!commit(fd, d->shared, DYING_PAGES * PAGE));
}

TEST(faults_against_exit)
{
	struct tam_system_stats before = sys_stats(), after;
	struct dying d;
	size_t len = DYING_PAGES * PAGE;
	pthread_t threads[2];
	int kills = 0;

	widen("tam_fault:after,tam_store_add,tam_pattern_fill,finish_fault",
	      300);
	d.end = now() + race_seconds();
	d.pid = 0;
	d.shared = reserve_range(2 * len);
	d.private = d.shared + len;
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, reach_into, &d));
	for (; kills < 5 || race_on(d.end); kills++) {
		int fd = open_pattern(5000);

		CHECK(mmap(d.shared, len, RW, MAP_SHARED | MAP_FIXED, fd, 0) ==
		      d.shared);
		CHECK(mmap(d.private, len, RW, MAP_PRIVATE | MAP_FIXED, fd, 0) ==
		      d.private);
		d.pid = start_dying(&d, fd);
		usleep(random_number() % 20000);
		end(d.pid);
		CHECK_PATTERN(d.shared, len, 0, 5000);
		CHECK_PATTERN(d.private, len, 0, 5000);
		CHECK_EQ(held(fd), len);
		close(fd);
	}
	d.end = 0;
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(threads[i], NULL));
	munmap(d.shared, 2 * len);
	after = sys_stats();
	CHECK_EQ(after.tam_held, before.tam_held);
	CHECK_EQ(after.tam_objects, before.tam_objects);
	printf("# %d killed\n", kills);
	widen_end();
}

/* The last close */

static void *discard_at_once(void *arg)
{
	struct freezing *f = arg;

	pthread_barrier_wait(&f->start);
	if (discard(f->fd, f->p, 8 * PAGE))
		CHECK_EQ(errno, EINVAL);
	return NULL;
}

/* What is new in the object's place is not discarded. */
TEST(a_discard_against_the_last_munmap)
{
	int ours = open_object(), rounds = 0;
	double end;

	widen("tam_store_punch,tam_object_create", 3000);
	end = now() + race_seconds();
	do {
		struct freezing f = { .fd = ours };
		int fd = open_byte(1);
		pthread_t thread;
		char *p;

		pthread_barrier_init(&f.start, NULL, 2);
		f.p = map_shared(fd, 8 * PAGE);
		memset(f.p, 2, 8 * PAGE);
		close(fd);
		CHECK(!pthread_create(&thread, NULL, discard_at_once, &f));
		pthread_barrier_wait(&f.start);
		usleep(random_number() % 3000);
		/* Not only unmapped: the address is not to be used again. */
		CHECK(mmap(f.p, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_FIXED |
			   MAP_ANONYMOUS, -1, 0) == f.p);
		fd = open_byte(3);
		p = map_shared(fd, 8 * PAGE);
		memset(p, 4, 8 * PAGE);
		CHECK(!pthread_join(thread, NULL));
		CHECK_BYTES(p, 8 * PAGE, 4);
		munmap(p, 8 * PAGE);
		munmap(f.p, 8 * PAGE);
		close(fd);
	} while (++rounds < 20 || race_on(end));
	printf("# %d rounds\n", rounds);
	widen_end();
}

/* Mappings come and go in slots, each the last reference to its object. */
#define SLOTS	8

struct slots {
	char *p;
	double end;
	int number;
};

static void *map_and_unmap(void *arg)
{
	struct slots *s = arg;
	int slot = __atomic_fetch_add(&s->number, 1, __ATOMIC_RELAXED) % SLOTS;
	char *p = s->p + slot * 2 * PAGE;

	for (int i = 0; i < 10 || race_on(s->end); i++) {
		int fd = open_byte(slot + 1 + (random_number() % 8) * SLOTS);

		CHECK(mmap(p, 2 * PAGE, RW, MAP_FIXED |
			   (random_number() % 2 ? MAP_SHARED : MAP_PRIVATE), fd,
			   0) == p);
		close(fd);
		usleep(random_number() % 4000);
		CHECK(mmap(p, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_FIXED |
			   MAP_ANONYMOUS, -1, 0) == p);
	}
	return NULL;
}

static void *touch_slots(void *arg)
{
	struct slots *s = arg;
	int fds[2];

	CHECK(!pipe(fds));
	for (int i = 0; i < 100 || race_on(s->end); i++) {
		size_t at = random_number() % (SLOTS * 2 * PAGE);
		uint8_t byte;

		if (write(fds[1], s->p + at, 1) != 1) {
			CHECK_EQ(errno, EFAULT);
			usleep(100);
			continue;
		}
		CHECK_EQ(read(fds[0], &byte, 1), 1);
		CHECK_EQ((byte - 1) % SLOTS, at / (2 * PAGE));
	}
	return NULL;
}

TEST(the_last_close_against_faults)
{
	struct tam_system_stats before = sys_stats(), after;
	pthread_t threads[SLOTS + 4];
	struct slots s = {};

	widen("tam_fault:both,tam_store_look_up,tam_store_add,tam_pattern_fill,"
	      "finish_fault,tam_release", 100);
	s.end = now() + race_seconds();
	s.p = reserve_range(SLOTS * 2 * PAGE);
	for (int i = 0; i < SLOTS + 4; i++)
		CHECK(!pthread_create(&threads[i], NULL, i < SLOTS ?
				      map_and_unmap : touch_slots, &s));
	for (int i = 0; i < SLOTS + 4; i++)
		CHECK(!pthread_join(threads[i], NULL));
	after = sys_stats();
	CHECK_EQ(after.tam_held, before.tam_held);
	CHECK_EQ(after.tam_objects, before.tam_objects);
	widen_end();
}

/*
 * The first read of all in a mapping, under the mapping's own lock where there
 * is one: it commits a page, for which the core wants the memory map, which
 * others hold, and then asks for the fault once more.
 */
static void *be_first(void *arg)
{
	struct slots *s = arg;
	bool protects = __atomic_fetch_add(&s->number, 1, __ATOMIC_RELAXED) < 2;
	int fd = open_pattern(5000);

	for (int i = 0; i < 20 || race_on(s->end); i++) {
		char *p = protects ? s->p : map_private(fd, 3 * PAGE);

		if (protects) {
			CHECK(!mprotect(p, PAGE, i % 2 ? RW : PROT_NONE));
			continue;
		}
		CHECK_PATTERN(p + PAGE, 64, PAGE, 5000);
		CHECK_EQ(committed_pages(p, 3 * PAGE), 1);
		CHECK(!munmap(p, 3 * PAGE));
	}
	close(fd);
	return NULL;
}

TEST(first_reads_against_who_locks_the_map)
{
	struct slots s = { .p = reserve_range(3 * PAGE) };

	widen("vma_set_page_prot:1000,tam_fault", 100);
	s.end = now() + race_seconds();
	together(8, be_first, &s);
	widen_end();
}

/* The list of objects against close: names and patterns tell who is who. */
static void *open_and_close_named(void *arg)
{
	double end = *(double *)arg;

	for (int i = 0; i < 50 || race_on(end); i++) {
		uint8_t bytes[64] = { 1 };
		struct tam_attr_set attr = {
			.flags = TAM_ATTR_PATTERN | TAM_ATTR_NAME,
			.pattern = (uintptr_t)bytes,
			.pattern_len = 2 + random_number() % 60,
		};
		int fd = open_object();

		snprintf(attr.name, sizeof(attr.name), "of %d",
			 attr.pattern_len);
		CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &attr));
		close(fd);
	}
	return NULL;
}

static void check_objects(void)
{
	struct tam_object_stats *all;
	char name[TAM_NAME_MAX];
	size_t n;

	all = objects(BUFFER, &n);
	for (size_t i = 0; i < n; i++) {
		if (i && all[i].id <= all[i - 1].id)
			FAIL("object %llu after %llu", all[i].id,
			     all[i - 1].id);
		snprintf(name, sizeof(name), "of %u", all[i].pattern_len);
		if (all[i].name[0] && strcmp(all[i].name, name))
			FAIL("object %llu, %s, is %s", all[i].id, name,
			     all[i].name);
	}
	free(all);
}

TEST(the_list_of_objects_against_close)
{
	pthread_t threads[4];
	size_t lists = 0;
	double end;

	widen("tam_object_stats:both:spin,tam_release", 200);
	end = now() + race_seconds();
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&threads[i], NULL, open_and_close_named,
				      &end));
	for (; lists < 5 || race_on(end); lists++)
		check_objects();
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(threads[i], NULL));
	printf("# %zu lists\n", lists);
	widen_end();
}

/* Statistics against exit, exec and fork */

/* A known share of a process: three mappings, half of the pages. */
#define SHARE_PAGES	(3 * PAGES / 2)

/* Returns the private one. */
static char *map_share(void)
{
	char *all[3];

	for (int i = 0; i < 3; i++) {
		all[i] = map(open_pattern(5000), PAGES * PAGE,
			     i == 2 ? PROT_READ : RW,
			     i == 1 ? MAP_SHARED : MAP_PRIVATE, 0);
		for (int page = 0; page < PAGES; page += 2)
			touch_read(all[i] + page * PAGE);
	}
	return all[0];
}

static bool has_share(const struct tam_process_stats *stats, bool may_be_new)
{
	if (~stats->valid & (TAM_VALID_MM | TAM_VALID_TAM) ||
	    (may_be_new && !stats->tam_mappings))
		return false;
	CHECK_EQ(stats->tam_mappings, 3);
	CHECK_EQ(stats->tam_reserved, 3 * PAGES * PAGE);
	CHECK_EQ(stats->tam_committed, SHARE_PAGES * PAGE);
	return true;
}

/* Who is gone, is going, or is another by now may not be looked into. */
static bool may_fail(int err)
{
	return err == ESRCH || err == EAGAIN || err == EACCES;
}

/*
 * All that can be asked about a process with that share.  It has it all, or
 * none of it is said.  Returns how often it was.
 */
static int look_at_share(int fd, pid_t pid, bool execs)
{
	struct tam_process_stats one = { .pid = pid };
	struct tam_list list = { .cursor = pid };
	struct tam_system_stats sum;
	char records[4096];
	uint64_t pages = 0;
	int seen = 0;

	if (!ioctl(fd, TAM_IOC_PROCESS, &one))
		seen += has_share(&one, false);
	else
		CHECK(may_fail(errno));

	CHECK(!ask(fd, TAM_IOC_PROCESSES, &list, &one, sizeof(one)));
	/* In exec it may have none yet, for those who may look at the old one. */
	if (list.count && one.pid == pid)
		seen += has_share(&one, execs);

	list = (struct tam_list){ .pid = pid };
	if (!ask(fd, TAM_IOC_MAPPINGS, &list, records, sizeof(records))) {
		struct tam_mapping_stats *all = (void *)records;

		for (uint32_t i = 0; i < list.count; i++) {
			CHECK_EQ(all[i].len, PAGES * PAGE);
			CHECK_EQ(all[i].committed, PAGES / 2 * PAGE);
			CHECK_EQ(all[i].name[0], 0);
		}
		if (list.count && !list.more)
			CHECK_EQ(list.count, 3);
		seen += list.count;
	} else {
		CHECK(may_fail(errno));
	}

	list = (struct tam_list){ .pid = pid };
	if (!ask(fd, TAM_IOC_PAGES, &list, records, sizeof(records))) {
		struct tam_extent *all = (void *)records;

		for (uint32_t i = 0; i < list.count; i++)
			pages += all[i].len / PAGE;
		if (list.count && !list.more)
			CHECK_EQ(pages, SHARE_PAGES);
		seen += !!pages;
	} else {
		CHECK(may_fail(errno));
	}

	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &sum));
	list = (struct tam_list){};
	CHECK(!ask(fd, TAM_IOC_OBJECTS, &list, records, sizeof(records)));
	return seen;
}

struct looking {
	bool execs;
	volatile pid_t pid;
	volatile bool done;
	volatile int seen;
};

static void *look_for_a_while(void *arg)
{
	struct looking *l = arg;
	int fd = open_object();

	while (!l->done)
		if (l->pid)
			__atomic_fetch_add(&l->seen, look_at_share(fd, l->pid, l->execs),
					   __ATOMIC_RELAXED);
	close(fd);
	return NULL;
}

#define LOOKERS		5

static void look_while(void (*live)(struct looking *l), bool execs)
{
	struct looking l = { .execs = execs };
	pthread_t threads[LOOKERS];
	double end = now() + race_seconds();

	for (int i = 0; i < LOOKERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, look_for_a_while, &l));
	for (int i = 0; i < 6 || !l.seen || race_on(end); i++)
		live(&l);
	l.done = true;
	for (int i = 0; i < LOOKERS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	printf("# %d times seen\n", l.seen);
}

static void share(void *unused)
{
	(void)unused;
	map_share();
}

static void live_and_exit(struct looking *l)
{
	pid_t child = start(share, NULL);

	l->pid = child;
	usleep(random_number() % 10000);
	end(child);
	usleep(random_number() % 2000);
}

TEST(statistics_against_exit)
{
	widen("tam_may_walk,tam_walk_mm,tam_walk_mapping", 500);
	look_while(live_and_exit, false);
	widen_end();
}

/* Other memory comes and goes: the walk goes through it. */
static void *change_the_map(void *unused)
{
	for (;;) {
		char *p = mmap(NULL, 64 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		for (int i = 1; i < 64; i += 2)
			CHECK(!mprotect(p + i * PAGE, PAGE, PROT_READ));
		CHECK(!munmap(p, 64 * PAGE));
	}
	return unused;
}

/* Copies, page by page, what a child has just been given. */
static void fork_and_copy(volatile int *ready)
{
	char *p = map_share();
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, change_the_map, NULL));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (*ready = 1;; ) {
		pid_t child = fork();

		if (!child)
			_exit(usleep(random_number() % 5000));
		CHECK(child > 0);
		for (int page = 0; page < PAGES; page += 2)
			p[page * PAGE]++;
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
}

static void live_and_fork(struct looking *l)
{
	volatile int *ready = common(PAGE);
	pid_t child = fork();

	CHECK(child >= 0);
	if (!child)
		fork_and_copy(ready);
	while (!*ready)
		usleep(1000);
	l->pid = child;
	usleep(100000 * patience());
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	end(child);
	munmap((void *)ready, PAGE);
}

TEST(statistics_against_fork)
{
	widen("ptep_clear_flush:after:spin,tam_walk_mapping,tam_walk_table,"
	      "copy_page_range", 100);
	look_while(live_and_fork, false);
	widen_end();
}

/* What a program that runs as another user maps is that user's. */
#define SETUID_COPY	"/tmp/tamalloc-races-setuid"

__attribute__((constructor)) static void be_another_user(void)
{
	struct tam_attr_set attr = { .flags = TAM_ATTR_NAME, .name = "secret" };
	int fd;

	if (!getenv("TAM_RACE_SECRET"))
		return;
	fd = open_object();
	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &attr));
	touch_read(map_private(fd, PAGE));
	usleep(300000);
	_exit(geteuid() != 0);
}

static void live_and_exec(struct looking *l)
{
	int status, ready[2];
	pid_t child;
	char c;

	CHECK(!pipe(ready));
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		map_share();
		CHECK_EQ(write(ready[1], "!", 1), 1);
		usleep(random_number() % 5000);
		setenv("TAM_RACE_SECRET", "1", 1);
		execl(SETUID_COPY, "secret", (char *)NULL);
		FAIL("exec: %s", strerror(errno));
	}
	CHECK_EQ(read(ready[0], &c, 1), 1);
	l->pid = child;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	close(ready[0]);
	close(ready[1]);
}

static void look_as_nobody(void *unused)
{
	become_nobody(unused);
	look_while(live_and_exec, true);
}

TEST(statistics_against_exec)
{
	CHECK(!system("cp /proc/$PPID/exe " SETUID_COPY));
	CHECK(!chmod(SETUID_COPY, 04755));
	/* Its memory is another's already, its credentials are not. */
	widen("flush_thread:100000,tam_walk_mm,tam_process_get_mm:after",
	      300000);
	child_passes(look_as_nobody, NULL);
	widen_end();
	unlink(SETUID_COPY);
}

/* Who else maps an object does not change what one has of it. */
#define STAYING		8

struct churning {
	int fd, number;
	double end;
};

static void *map_the_same(void *arg)
{
	struct churning *c = arg;
	char *at[4];

	do {
		for (int i = 0; i < 4; i++)
			at[i] = map(c->fd, PAGE, RW, MAP_PRIVATE,
				    random_number() % PAGES * PAGE);
		for (int i = 0; i < 4; i++)
			munmap(at[i], PAGE);
	} while (race_on(c->end));
	return NULL;
}

static void map_one(void *arg)
{
	struct churning *c = arg;

	touch_read(map(c->fd, PAGE, RW, MAP_PRIVATE,
		       c->number * (PAGES / STAYING) * PAGE));
}

TEST(statistics_against_mmap_and_munmap_of_others)
{
	struct churning c = { .fd = open_object() };
	int looks = 0, fd = open_object();
	pid_t staying[STAYING];
	pthread_t threads[2];

	for (; c.number < STAYING; c.number++)
		staying[c.number] = start(map_one, &c);
	widen("rb_next:module:spin,tam_mmap", 400);
	c.end = now() + race_seconds();
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, map_the_same, &c));
	for (; looks < 10 || race_on(c.end); looks++) {
		struct tam_list list = { .cursor = staying[0] };
		struct tam_process_stats all[STAYING];

		CHECK(!ask(fd, TAM_IOC_PROCESSES, &list, all, sizeof(all)));
		for (uint32_t i = 0; i < list.count; i++) {
			if (all[i].pid != staying[i])
				continue;
			CHECK(all[i].valid & TAM_VALID_TAM);
			CHECK_EQ(all[i].tam_mappings, 1);
			CHECK_EQ(all[i].tam_committed, PAGE);
		}
	}
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(threads[i], NULL));
	for (int i = 0; i < STAYING; i++)
		end(staying[i]);
	printf("# %d looks\n", looks);
	widen_end();
}

/* A punch of what others go on touching */

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
