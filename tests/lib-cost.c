// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reserving and giving back costs, in executed instructions:
 *   TAM_ICOUNT=1 tools/tamvm --icount -k 6.1 -- tests/build/lib-cost
 * Without --icount the clock counts time, which proves nothing here.
 */
#define _GNU_SOURCE
#include "lib.h"

#include <time.h>

#define ROUNDS	2001
#define WARM_UP	200

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void *with_mmap(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void with_munmap(void *p, size_t size)
{
	munmap(p, size);
}

static void with_tam_free(void *p, size_t size)
{
	(void)size;
	tam_free(p);
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

static long median(long *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

struct cost {
	long reserve, free;
};

static struct cost measure(void *(*reserve)(size_t),
			   void (*give_back)(void *, size_t), size_t size)
{
	static long reserving[ROUNDS], freeing[ROUNDS], clock[ROUNDS];
	int i;

	for (i = -WARM_UP; i < ROUNDS; i++) {
		long t0, t1, t2, t3;
		void *p;

		t0 = now();
		p = reserve(size);
		t1 = now();
		CHECK(p);
		t2 = now();
		give_back(p, size);
		t3 = now();
		if (i < 0)
			continue;
		reserving[i] = t1 - t0;
		freeing[i] = t3 - t2;
		clock[i] = t2 - t1;	/* looking at it costs, too */
	}
	return (struct cost){ median(reserving) - median(clock),
			      median(freeing) - median(clock) };
}

static void need_icount(void)
{
	const char *icount = getenv("TAM_ICOUNT");

	if (!icount || !*icount)
		SKIP("TAM_ICOUNT is not set: not under tools/tamvm --icount");
}

MODULE_TEST(reserve_and_free_cost_at_most_twice_mmap_and_munmap)
{
	size_t sizes[] = { 4 * KIB, MIB, VAST };
	unsigned int i;

	need_icount();
	sleep(10);			/* what the start left to do */
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct cost ours = measure(tamalloc, with_tam_free, sizes[i]);
		struct cost theirs = measure(with_mmap, with_munmap, sizes[i]);
		long a = ours.reserve + ours.free;
		long b = theirs.reserve + theirs.free;

		printf("# %zu KiB: tamalloc %ld + tam_free %ld, mmap %ld + munmap %ld instructions: ratio %.2f\n",
		       sizes[i] >> 10, ours.reserve, ours.free, theirs.reserve,
		       theirs.free, (double)a / b);
		CHECK(theirs.reserve > 100 && theirs.free > 100);
		CHECK(ours.reserve > 100 && ours.free > 100);
		CHECK_BETWEEN(a * 100 / b, 1, 200);
	}
}

/*
 * Only reserving: munmap(2) itself walks whichever tables the range shares with
 * its neighbours, one of each level if it is large, whoever made the mapping.
 */
MODULE_TEST(reserving_16_tib_costs_what_reserving_4_kib_costs)
{
	struct cost small, vast;

	need_icount();
	small = measure(tamalloc, with_tam_free, 4 * KIB);
	vast = measure(tamalloc, with_tam_free, VAST);
	printf("# 4 KiB: %ld, 16 TiB: %ld instructions\n", small.reserve,
	       vast.reserve);
	CHECK_BETWEEN(vast.reserve * 100 / small.reserve, 50, 110);
}
