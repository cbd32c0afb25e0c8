/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A test is a function that CHECKs what a user relies on.  Each runs in a
 * process of its own, which the harness ends after TEST_SECONDS, times what
 * TAM_PATIENCE in the environment says, by which what is many is divided, and
 * reports in TAP.  "PROGRAM NAME..." runs those tests only.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef TEST_SECONDS
#define TEST_SECONDS	120
#endif

struct test {
	const char *name;
	void (*fn)(void);
	struct test *next;
};

void test_add(struct test *test);

/* TEST(name) { ... }: defines and registers a test, run in order of the file. */
#define TEST(id)							\
	static void id(void);						\
	static struct test test_##id = { .name = #id, .fn = id };	\
	__attribute__((constructor)) static void add_##id(void)	\
	{								\
		test_add(&test_##id);					\
	}								\
	static void id(void)

/* Fails the test, from whatever child process it is in. */
#define FAIL(...)							\
	do {								\
		printf("# %s:%d: ", __FILE__, __LINE__);		\
		printf(__VA_ARGS__);					\
		printf("\n");						\
		fflush(stdout);						\
		_exit(1);						\
	} while (0)

/* The kernel or the machine lacks what this test is about. */
#define SKIP(...)							\
	do {								\
		printf("# SKIP ");					\
		printf(__VA_ARGS__);					\
		printf("\n");						\
		fflush(stdout);						\
		_exit(77);						\
	} while (0)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			FAIL("%s is false (errno: %s)", #cond,		\
			     strerror(errno));				\
	} while (0)

#define CHECK_EQ(a, b)							\
	do {								\
		long long a_ = (long long)(a), b_ = (long long)(b);	\
		if (a_ != b_)						\
			FAIL("%s is %lld, not %s (%lld)", #a, a_, #b,	\
			     b_);					\
	} while (0)

#define CHECK_BETWEEN(a, low, high)					\
	do {								\
		long long a_ = (long long)(a);				\
		if (a_ < (long long)(low) || a_ > (long long)(high))	\
			FAIL("%s is %lld, not %lld to %lld", #a, a_,	\
			     (long long)(low), (long long)(high));	\
	} while (0)

/* The call fails with exactly this errno. */
#define CHECK_ERRNO(call, err)						\
	do {								\
		errno = 0;						\
		if ((long)(call) != -1)					\
			FAIL("%s succeeded, not %s", #call,		\
			     strerror(err));				\
		if (errno != (err))					\
			FAIL("%s: %s, not %s", #call, strerror(errno),	\
			     strerror(err));				\
	} while (0)

/* Runs fn(arg) in a child; returns the wait status. */
int in_child(void (*fn)(void *arg), void *arg);
/* The same, and the child must exit with 0. */
void child_passes(void (*fn)(void *arg), void *arg);

/* Page fault exceptions taken by this thread so far, not minflt. */
uint64_t page_faults(void);

/* A field of /proc/self/status, in bytes: "VmSize", "RssAnon", "RssFile", ... */
uint64_t status_bytes(const char *field);

/* Present in the page table, by /proc/self/pagemap; no access is made. */
bool page_present(const void *addr);

/* TAM_PATIENCE: on kernels that check everything all takes so many times longer. */
unsigned int patience(void);

/* Kernel at least major.minor? */
bool kernel_at_least(int major, int minor);

/* Does reading/writing this byte raise SIGBUS? */
bool read_sigbus(const volatile char *addr);
bool write_sigbus(volatile char *addr);

#endif /* HARNESS_H */
