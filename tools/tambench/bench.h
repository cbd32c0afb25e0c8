/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench.h - what the parts of tambench share */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB	((size_t)1 << 10)
#define MIB	((size_t)1 << 20)
#define GIB	((size_t)1 << 30)
#define TIB	((size_t)1 << 40)
#define PAGE	((size_t)4096)
#define HUGE	(2 * MIB)

/* What is repeated as first contents; bytes of 0 length: zeros. */
struct pattern {
	const unsigned char *bytes;
	size_t len;
};

/* A piece of memory of some peer's. */
struct memory {
	char *p;
	size_t size;
	struct pattern pattern;
	void *own;		/* what the peer needs to know */
};

/* One way to get memory that has first contents. */
struct peer {
	const char *name;
	const char *what;
	const char *preload;	/* the library that is to be malloc(3) */
	const char *symbol;	/* that shows that it is */
	bool small_pages;	/* transparent huge pages never */
	void (*get)(struct memory *m);
	void (*reset)(struct memory *m);	/* first contents again */
	void (*put)(struct memory *m);
	void (*set)(struct memory *m, int byte);	/* NULL: memset(3) */
};

struct result {
	double cost;		/* per unit */
	double bytes;		/* of memory, what "what" says; none: -1 */
};

/* A case: something to measure.  The first of its peers is the reference. */
struct bench {
	const char *name;
	const char *what;
	const char *unit;
	const char *peers;	/* names, between spaces */
	struct result (*run)(const struct bench *b, const struct peer *p);
	bool counts;		/* a count or a ratio: neither instructions nor time */
	bool parallel;		/* means nothing on one processor */
	size_t size;
	double part;		/* of the pages is touched */
	int order, access;	/* enums of touch.c */
	size_t len;		/* of the pattern */
	unsigned int count;
};

/* Lists, each ended by a case without a name */
extern const struct bench touch_cases[], fill_cases[], reset_cases[],
	instance_cases[], fork_cases[], thread_cases[], scale_cases[],
	stats_cases[];

/* peers.c, faults.c */
extern const struct peer peers[];
const struct peer *find_peer(const char *name, size_t len);
void choose_peer(const struct peer *p);
void fill(char *to, size_t offset, size_t len, const struct pattern *pattern);
void *map(size_t size, int protection, int flags, int fd);
void uffd_get(struct memory *m);
void uffd_put(struct memory *m);
void sigsegv_get(struct memory *m);
void sigsegv_reset(struct memory *m);
void drop(struct memory *m);
void check_module(bool good);
void unmap(struct memory *m);

/* touch.c */
enum order { FORWARDS, BACKWARDS, RANDOM, SPARSE };
enum access { WRITE, READ, READ_WRITE };
size_t touch(const struct memory *m, int order, enum access access, double part);
void warm_up(const struct peer *p, size_t size, struct pattern pattern,
	     enum access access);
struct pattern pattern_of(size_t len);
struct result first_touch(const struct bench *b, const struct peer *p);

/* measure.c: for the process that measures */
uint64_t now(void);
double since(uint64_t start);
void name_part(const char *of, const char *peer, double cost);
size_t committed(void);
size_t field(const char *path, const char *name);
size_t kernel_memory(void);
void failed(const char *what) __attribute__((noreturn));
#define check(good, what)	((good) ? (void)0 : failed(what))
void missing(const char *why) __attribute__((noreturn));
void report(const struct result *r);
extern int report_fd;

/* The pipe from the process that measures */
struct message {
	enum { MEASURED, MISSING, FAILED } state;
	struct result result;
	char why[128];
};

#endif
