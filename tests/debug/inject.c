// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation, every access to user memory and every call that may fail,
 * in every entry point of the module, fails once: the first in one round, the
 * second in the next, until a call gets through; then all of a kind at once.
 * After each the state is as before, or what was asked for is complete.
 *
 * tests/inject runs it: it needs the kernel's fault injection.
 */
#include "module.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define DEBUG	"/sys/kernel/debug/"
#define FALLIBLE "/sys/module/fallible/parameters/"
#define KO	"/run/tamvm/job/tamalloc.ko"	/* where tamvm leaves it */

#define LEN	(4 * PAGE)
#define PERIOD	5000			/* of the pattern: it crosses pages */

/* All that the module calls, where otherwise a function of the kernel is. */
#define MODULE	"[tamalloc]"

/* Not the n-th, but of calls all after the first. */
#define LATER	UINT_MAX

/* More failures than this in one call are a loop. */
#define MOST	2000

/* The kernel counts failures down from here, and should not reach 0. */
#define TIMES	1000000000

/* What is made to fail. */
enum {
	SLAB = 1,			/* the kernel's small objects */
	PAGES = 2,
	USER = 4,			/* copies from and to user memory */
	CALLS = 8,			/* functions of tests/debug/fallible */
	MEMORY = SLAB | PAGES,
	ALL = MEMORY | USER,
};

static const struct kind {
	int bit;
	const char *dir;
	const char *name;
} kinds[] = {
	{ SLAB, "failslab", "slab" },
	{ PAGES, "fail_page_alloc", "pages" },
	{ USER, "fail_usercopy", "user memory" },
	{ CALLS, NULL, "calls" },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KINDS		ARRAY_SIZE(kinds)

/* What an entry point finds. */
struct scene {
	int fd;				/* an object */
	char *p;			/* its mapping, LEN bytes */
	char *q;			/* memory of another kind */
	int pipe[2];
	pid_t pid;
	uint64_t held;
	long ret;			/* of the call */
	int err;			/* its errno */
	const struct kind *kind;	/* what fails */
	unsigned int n;			/* which one fails, 0: all */
	bool busy;			/* all locks were taken, always */
};

struct point {
	int kinds;
	void (*before)(struct scene *s);
	long (*call)(struct scene *s);	/* -1 and errno: it has failed */
	void (*done)(struct scene *s);
	void (*failed)(struct scene *s);
	void (*after)(struct scene *s);
	int err;			/* of lacking memory, if not ENOMEM */
	int err_call;			/* of CALLS */
	bool splits;			/* mappings, before it may fail */
	bool access;			/* by user space: it cannot fail */
	const char *within;		/* only what this function calls */
};

/* What the caller's objects and memory are in all. */
struct books {
	uint64_t objects, held, mappings, reserved, committed;
};

static int nth = -1, fail = -1, keeper = -1;

static void set(const char *dir, const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUG "%s/%s", dir, file);
	if (put(path, value))
		FAIL("%s: %s", path, strerror(errno));
}

static void set_number(const char *dir, const char *file, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", value);
	set(dir, file, text);
}

/* A range of addresses in which a call must have come from. */
struct text {
	const char *name;
	unsigned long start, end;
};

static struct text texts[] = {
	{ .name = "__alloc_object" },
	{ .name = "xa_store" },
	{ .name = "do_one_initcall" },
};

/* Of the kernel: once for all tests, it is a long list. */
__attribute__((constructor)) static void find_texts(void)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], symbol[256], type;
	unsigned long addr;
	size_t i;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %c %255s", &addr, &type, symbol) != 3 ||
		    strchr(line, '['))
			break;
		for (i = 0; i < ARRAY_SIZE(texts); i++) {
			struct text *text = &texts[i];

			if (!text->start && !strcmp(symbol, text->name))
				text->start = addr;
			else if (text->start && !text->end &&
				 addr > text->start)
				text->end = addr;
		}
	}
	if (file)
		fclose(file);
}

/* Of the module: anew, it may have been loaded anew. */
static struct text find_module(void)
{
	struct text text = { .name = MODULE };
	char value[32];

	get("/sys/module/tamalloc/sections/.text", value, sizeof(value));
	text.start = strtoul(value, NULL, 0) & -PAGE;
	get("/sys/module/tamalloc/coresize", value, sizeof(value));
	text.end = text.start + strtoul(value, NULL, 0);
	return text;
}

static struct text find_text(const char *name)
{
	if (!strcmp(name, MODULE))
		return find_module();
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(texts[i].name, name) && texts[i].end)
			return texts[i];
	FAIL("the kernel has no %s", name);
}

static void deny(const char *dir)
{
	set(dir, "require-start", "1");
	set(dir, "require-end", "18446744073709551615");
	set(dir, "stacktrace-depth", "0");
}

/* From now on nothing but this kind fails, in what @within calls. */
static void choose(const struct kind *kind, const char *within)
{
	struct text text = { .end = ULONG_MAX };

	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].dir)
			deny(kinds[i].dir);
	if (!kind || !kind->dir)
		return;
	if (within)
		text = find_text(within);
	set_number(kind->dir, "stacktrace-depth", 32);
	set_number(kind->dir, "require-end", text.end);
	set_number(kind->dir, "require-start", text.start);
}

static int insert(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret, err;

	CHECK(fd >= 0);
	ret = syscall(SYS_finit_module, fd, "", 0);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

static void init(void)
{
	const char *fallible = getenv("TAM_FALLIBLE");
	struct text pool;

	if (!fallible)
		FAIL("this is for tests/inject to run");
	if (insert(fallible))
		CHECK_EQ(errno, EEXIST);

	for (size_t i = 0; i < KINDS; i++) {
		if (!kinds[i].dir)
			continue;
		deny(kinds[i].dir);
		set(kinds[i].dir, "probability", "0");
		set(kinds[i].dir, "verbose", "0");
		set(kinds[i].dir, "task-filter", "Y");
		set(kinds[i].dir, "interval", "1");
		set(kinds[i].dir, "space", "0");
		set_number(kinds[i].dir, "times", TIMES);
	}
	set("failslab", "ignore-gfp-wait", "N");
	set("fail_page_alloc", "ignore-gfp-wait", "N");
	set("fail_page_alloc", "ignore-gfp-highmem", "N");
	set("fail_page_alloc", "min-order", "0");
	/* kmemleak's own records: it has others in reserve. */
	pool = find_text("__alloc_object");
	set_number("failslab", "reject-start", pool.start);
	set_number("failslab", "reject-end", pool.end);
	keeper = open("/dev/tamalloc", O_RDWR | O_CLOEXEC);
	CHECK(keeper >= 0);
}

/* In each process anew. */
static void open_switches(void)
{
	nth = open("/proc/thread-self/fail-nth", O_RDWR);
	fail = open("/proc/thread-self/make-it-fail", O_RDWR);
	CHECK(nth >= 0 && fail >= 0);
}

/* How many failures there have been. */
static unsigned long failures(const struct kind *kind)
{
	char path[128], text[32];

	if (!kind->dir) {
		get(FALLIBLE "failed", text, sizeof(text));
		return strtoul(text, NULL, 10);
	}
	snprintf(path, sizeof(path), DEBUG "%s/times", kind->dir);
	get(path, text, sizeof(text));
	return TIMES - strtoul(text, NULL, 10);
}

/*
 * The @n-th thing of a kind is to fail for this task, or with 0 each of them.
 * The calls of the module are nobody else's.
 */
static void arm(const struct kind *kind, unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	if (!kind->dir) {
		CHECK(!put(FALLIBLE "nth", !n ? "-1" : n == LATER ? "-2" : text));
	} else if (n) {
		CHECK(write(nth, text, strlen(text)) > 0);
	} else {
		set(kind->dir, "probability", "100");
		CHECK_EQ(write(fail, "1", 1), 1);
	}
}

/* Returns how many failures were its own. */
static unsigned long disarm(const struct kind *kind, unsigned int n)
{
	unsigned long own = 0;

	if (!kind->dir) {
		CHECK(!put(FALLIBLE "nth", "0"));
	} else if (!n) {
		CHECK_EQ(write(fail, "0", 1), 1);
		set(kind->dir, "probability", "0");
	} else {
		while (write(nth, "0", 1) != 1)
			CHECK(++own < 3);
	}
	return own;
}

static struct books read_books(void)
{
	struct tam_process_stats process = {};
	struct tam_system_stats system;

	if (keeper < 0)			/* the module is not loaded */
		return (struct books) {};
	CHECK(!ioctl(keeper, TAM_IOC_SYSTEM, &system));
	CHECK(!ioctl(keeper, TAM_IOC_PROCESS, &process));
	CHECK(process.valid & TAM_VALID_TAM);
	return (struct books) {
		.objects = system.tam_objects,
		.held = system.tam_held,
		.mappings = process.tam_mappings,
		.reserved = process.tam_reserved,
		.committed = process.tam_committed,
	};
}

#define ANY	UINT64_MAX

static void check_books(struct books want)
{
	struct books now = read_books();

	CHECK_EQ(now.objects, want.objects);
	if (want.mappings != ANY)
		CHECK_EQ(now.mappings, want.mappings);
	CHECK_EQ(now.reserved, want.reserved);
	if (want.held != ANY)
		CHECK_EQ(now.held, want.held);
	if (want.committed != ANY)
		CHECK_EQ(now.committed, want.committed);
}

/*
 * One round of a point: the @n-th thing of a kind fails, or with 0 each of
 * them.  Returns how many have failed.
 */
static unsigned long round_of(const struct point *point,
			      const struct kind *kind, unsigned int n)
{
	struct scene s = {
		.fd = -1,
		.kind = kind,
		.n = n,
		.busy = kind->bit == CALLS && (!n || n == LATER),
	};
	struct books empty, before;
	unsigned long count, own;
	int expected;

	empty = read_books();
	if (point->before)
		point->before(&s);
	before = read_books();
	count = failures(kind);
	errno = 0;
	arm(kind, n);
	s.ret = point->call(&s);
	s.err = errno;
	own = disarm(kind, n);
	count = failures(kind) - count - own;

	if (s.ret != -1) {
		if (point->done)
			point->done(&s);
	} else {
		expected = kind->bit == USER ? EFAULT :
			   kind->bit == CALLS ? point->err_call :
			   point->err ? point->err : ENOMEM;
		if (!count || point->access)
			FAIL("failed by itself: %s", strerror(s.err));
		if (s.err != expected)
			FAIL("%s, not %s", strerror(s.err), strerror(expected));
		/* What was done so far may stay. */
		if (point->failed)
			before.committed = before.held = ANY;
		if (point->splits)
			before.mappings = ANY;
		check_books(before);
		if (point->failed)
			point->failed(&s);
	}
	if (point->after)
		point->after(&s);
	if (s.p)
		CHECK(!munmap(s.p, LEN));
	if (s.fd >= 0)
		CHECK(!close(s.fd));
	check_books(empty);
	return count;
}

/*
 * The kernel says so each time an access has to be tried again, to let whoever
 * reads its log know.  Nothing else may be in it.
 */
static const char *const allowed[] = {
	"Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF",
	"pagefault_out_of_memory: ",	/* how often it has not said so */
	"kobject_add_internal failed for tamalloc (error: -12",
	"SLUB: Unable to allocate memory", ";  cache: ", ";  node ",
	"debugging increased min order",
	"warn_alloc: ",			/* how often it has not, either */
	"kmemleak: Cannot allocate a scan area",
	"hrtimer: interrupt took",	/* the machine is busy */
	"injection of failures",
};

/* No stack for a new task: the state of all memory, from here to here. */
static const char no_stack[] = "vmalloc error: size 32768";
static const char no_stack_end[] = "pages hwpoisoned";

static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(lseek(fd, 0, SEEK_END) >= 0);
	/* tests/run and tamvm know what follows for no reason to worry. */
	CHECK(write(fd, "injection of failures: begin", 28) > 0);
	return fd;
}

static void log_check(int fd)
{
	bool reports = false;
	char line[8192];
	ssize_t n;
	size_t i;

	CHECK(write(fd, "injection of failures: end", 26) > 0);
	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		line[strcspn(line, "\n")] = 0;
		if (reports || strstr(line, no_stack)) {
			reports = !strstr(line, no_stack_end);
			continue;
		}
		for (i = 0; i < ARRAY_SIZE(allowed); i++)
			if (strstr(line, allowed[i]))
				break;
		if (i == ARRAY_SIZE(allowed))
			FAIL("the kernel says: %s", line);
	}
	CHECK_EQ(errno, EAGAIN);
	close(fd);
}

static void inject_as(const char *name, const struct point *point)
{
	unsigned long total = 0;
	int log;

	init();
	open_switches();
	log = log_open();
	printf("# %s:", name);
	for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
		unsigned long fired, sum = 0;
		unsigned int n = 0;

		if (!(point->kinds & kind->bit))
			continue;
		choose(kind, point->within);
		do {
			if (++n > MOST)
				FAIL("no end of failures");
			fired = round_of(point, kind, n);
			sum += fired;
		} while (fired);
		/* An access would be tried for ever; a switch is no number. */
		if (!point->access && kind->bit != USER) {
			choose(kind, point->within ? point->within : MODULE);
			sum += round_of(point, kind, 0);
		}
		if (kind->bit == CALLS)
			sum += round_of(point, kind, LATER);
		printf(" %s %lu,", kind->name, sum);
		total += sum;
	}
	printf(" %lu failures injected\n", total);
	choose(NULL, NULL);
	log_check(log);
}

/* A test of one entry point. */
#define INJECT(id)							\
	static const struct point id##_point;				\
	TEST(id)							\
	{								\
		inject_as(#id, &id##_point);				\
	}								\
	static const struct point id##_point

/* Scenes */

static void an_object(struct scene *s)
{
	s->fd = open_pattern(PERIOD);
}

static void a_private_mapping(struct scene *s)
{
	s->fd = open_pattern(PERIOD);
	s->p = map_private(s->fd, LEN);
}

static void a_readonly_mapping(struct scene *s)
{
	s->fd = open_pattern(PERIOD);
	s->p = map_readonly(s->fd, LEN);
}

static void a_shared_mapping(struct scene *s)
{
	s->fd = open_pattern(PERIOD);
	s->p = map_shared(s->fd, LEN);
}

static void a_mapping_of_zeros(struct scene *s)
{
	s->fd = open_object();
	s->p = map_private(s->fd, LEN);
}

static void shared_zeros(struct scene *s)
{
	s->fd = open_object();
	s->p = map_shared(s->fd, LEN);
}

/* Page 1 of an object is stored, and only there something is not as at first. */
static void a_stored_page(struct scene *s)
{
	char *p;

	s->fd = open_pattern(PERIOD);
	p = map_shared(s->fd, LEN);
	p[PAGE + 9] = 1;
	CHECK(!munmap(p, LEN));
	s->held = PAGE;
}

static void an_image(struct scene *s)
{
	a_stored_page(s);
	s->p = map_private(s->fd, LEN);
}

static void a_readonly_image(struct scene *s)
{
	a_stored_page(s);
	s->p = map_readonly(s->fd, LEN);
}

static void a_shared_image(struct scene *s)
{
	a_stored_page(s);
	s->p = map_shared(s->fd, LEN);
}

/* The page was read first, and is mapped read-only. */
static void an_image_read(struct scene *s)
{
	an_image(s);
	CHECK_EQ(s->p[PAGE + 9], 1);
}

static void a_pipe(struct scene *s)
{
	CHECK(!pipe(s->pipe));
	CHECK_EQ(write(s->pipe[1], "x", 1), 1);
}

static void close_pipe(struct scene *s)
{
	close(s->pipe[0]);
	close(s->pipe[1]);
}

/* The page at PAGE, whatever is or will be at offset 9 of it. */
static void check_page(struct scene *s)
{
	CHECK_PATTERN(s->p + PAGE, 9, PAGE, PERIOD);
	CHECK_PATTERN(s->p + PAGE + 10, PAGE - 10, PAGE + 10, PERIOD);
}

static void check_untouched(struct scene *s)
{
	CHECK(!page_present(s->p));
	CHECK(!page_present(s->p + 2 * PAGE));
}

/* Opening */

static long call_open(struct scene *s)
{
	s->fd = open("/dev/tamalloc", O_RDWR | O_CLOEXEC);
	return s->fd;
}

static void opened(struct scene *s)
{
	char *p = map_private(s->fd, PAGE);

	CHECK_BYTES(p, PAGE, 0);
	CHECK(!munmap(p, PAGE));
}

INJECT(open_) = {
	.kinds = ALL, .call = call_open, .done = opened,
};

/* The next object's number is the first for which the list of all must grow. */
static void a_full_list(struct scene *s)
{
	struct tam_query query;
	int fd;

	(void)s;
	do {
		fd = open_object();
		CHECK(!ioctl(fd, TAM_IOC_QUERY, &query));
		close(fd);
	} while (query.object % 64 != 63);
}

INJECT(open_store) = {
	.kinds = SLAB, .before = a_full_list, .call = call_open, .done = opened,
	.within = "xa_store",
};

/* Attributes */

static uint8_t bytes[TAM_PATTERN_MAX];

static void named(struct scene *s)
{
	struct tam_attr_set attr = {
		.flags = TAM_ATTR_NAME, .name = "before",
	};

	an_object(s);
	CHECK(!ioctl(s->fd, TAM_IOC_SET_ATTR, &attr));
	memset(bytes, 0x55, sizeof(bytes));
}

static long set_both(struct scene *s, uint32_t len)
{
	struct tam_attr_set attr = {
		.flags = TAM_ATTR_NAME | TAM_ATTR_PATTERN, .name = "after",
		.pattern = (uintptr_t)bytes, .pattern_len = len,
	};

	return ioctl(s->fd, TAM_IOC_SET_ATTR, &attr);
}

static long set_short(struct scene *s)
{
	return set_both(s, 100);
}

static long set_long(struct scene *s)
{
	return set_both(s, sizeof(bytes));
}

static void attr_set(struct scene *s)
{
	struct tam_object_stats stats;
	char *p;

	CHECK(!ioctl(s->fd, TAM_IOC_GET_OBJECT, &stats));
	CHECK(!strcmp(stats.name, "after"));
	p = map_private(s->fd, LEN);
	CHECK_BYTES(p, LEN, 0x55);
	CHECK(!munmap(p, LEN));
}

static void attr_kept(struct scene *s)
{
	struct tam_object_stats stats;
	char *p;

	CHECK(!ioctl(s->fd, TAM_IOC_GET_OBJECT, &stats));
	CHECK(!strcmp(stats.name, "before"));
	CHECK_EQ(stats.pattern_len, PERIOD);
	CHECK_EQ(stats.mapped, 0);
	p = map_private(s->fd, LEN);
	CHECK_PATTERN(p, LEN, 0, PERIOD);
	CHECK(!munmap(p, LEN));
}

INJECT(set_attr) = {
	.kinds = ALL, .before = named, .call = set_short, .done = attr_set,
	.failed = attr_kept,
};

INJECT(set_attr_long) = {
	.kinds = ALL, .before = named, .call = set_long, .done = attr_set,
	.failed = attr_kept,
};

/* Mapping */

static long call_map(struct scene *s, int prot, int flags)
{
	char *p = mmap(NULL, LEN, prot, flags, s->fd, 0);

	if (p == MAP_FAILED)
		return -1;
	s->p = p;
	return 0;
}

static long map_it(struct scene *s)
{
	return call_map(s, RW, MAP_PRIVATE);
}

static long map_it_shared(struct scene *s)
{
	return call_map(s, RW, MAP_SHARED);
}

static long map_populated(struct scene *s)
{
	return call_map(s, RW, MAP_PRIVATE | MAP_POPULATE);
}

static long map_shared_populated(struct scene *s)
{
	return call_map(s, RW, MAP_SHARED | MAP_POPULATE);
}

static long map_readonly_populated(struct scene *s)
{
	return call_map(s, PROT_READ, MAP_PRIVATE | MAP_POPULATE);
}

static void mapped(struct scene *s)
{
	CHECK_PATTERN(s->p, LEN, 0, PERIOD);
	CHECK_EQ(committed_pages(s->p, LEN), LEN / PAGE);
}

INJECT(mmap_private) = {
	.kinds = ALL, .before = an_object, .call = map_it, .done = mapped,
};

INJECT(mmap_shared) = {
	.kinds = ALL, .before = an_object, .call = map_it_shared,
	.done = mapped,
};

INJECT(mmap_populate) = {
	.kinds = ALL, .before = an_object, .call = map_populated,
	.done = mapped,
};

INJECT(mmap_populate_shared) = {
	.kinds = ALL, .before = an_object, .call = map_shared_populated,
	.done = mapped,
};

INJECT(mmap_populate_readonly) = {
	.kinds = ALL, .before = an_object, .call = map_readonly_populated,
	.done = mapped,
};

/* First accesses by the program: they are made again until they succeed. */

static long read_page(struct scene *s)
{
	touch_read(s->p + PAGE);
	return 0;
}

static long write_page(struct scene *s)
{
	s->p[PAGE + 9] = 2;
	return 0;
}

static void check_read(struct scene *s)
{
	check_untouched(s);
	CHECK_PATTERN(s->p + PAGE, PAGE, PAGE, PERIOD);
	CHECK_EQ(committed_pages(s->p, LEN), 1);
}

static void read_privately(struct scene *s)
{
	CHECK_EQ(held(s->fd), 0);
	check_read(s);
}

static void read_stored(struct scene *s)
{
	CHECK_EQ(held(s->fd), PAGE);
	check_read(s);
}

static void check_written(struct scene *s)
{
	check_untouched(s);
	check_page(s);
	CHECK_EQ(s->p[PAGE + 9], 2);
	CHECK_EQ(committed_pages(s->p, LEN), 1);
}

static void written_privately(struct scene *s)
{
	CHECK_EQ(held(s->fd), 0);
	check_written(s);
}

static void written_shared(struct scene *s)
{
	CHECK_EQ(held(s->fd), PAGE);
	check_written(s);
}

static void written_zeros(struct scene *s)
{
	check_untouched(s);
	CHECK_BYTES(s->p + PAGE, 9, 0);
	CHECK_EQ(s->p[PAGE + 9], 2);
	CHECK_BYTES(s->p + PAGE + 10, PAGE - 10, 0);
}

static void image_shown(struct scene *s)
{
	CHECK_EQ(held(s->fd), PAGE);
	check_untouched(s);
	check_page(s);
	CHECK_EQ(s->p[PAGE + 9], 1);
	CHECK_EQ(committed_pages(s->p, LEN), 1);
}

/* Its copy differs, the object's page does not. */
static void image_copied(struct scene *s)
{
	char *p = map(s->fd, LEN, PROT_READ, MAP_SHARED, 0);

	CHECK_EQ(held(s->fd), PAGE);
	check_written(s);
	CHECK_EQ(p[PAGE + 9], 1);
	CHECK(!munmap(p, LEN));
}

INJECT(private_write) = {
	.kinds = ALL, .before = a_private_mapping, .call = write_page,
	.done = written_privately, .access = true,
};

INJECT(private_read) = {
	.kinds = ALL, .before = a_private_mapping, .call = read_page,
	.done = read_privately, .access = true,
};

INJECT(private_write_of_zeros) = {
	.kinds = ALL, .before = a_mapping_of_zeros, .call = write_page,
	.done = written_zeros, .access = true,
};

INJECT(readonly_read) = {
	.kinds = ALL, .before = a_readonly_mapping, .call = read_page,
	.done = read_stored, .access = true,
};

INJECT(shared_write) = {
	.kinds = ALL, .before = a_shared_mapping, .call = write_page,
	.done = written_shared, .access = true,
};

INJECT(shared_read) = {
	.kinds = ALL, .before = a_shared_mapping, .call = read_page,
	.done = read_stored, .access = true,
};

INJECT(shared_write_of_zeros) = {
	.kinds = ALL, .before = shared_zeros, .call = write_page,
	.done = written_zeros, .access = true,
};

INJECT(image_read) = {
	.kinds = ALL, .before = an_image, .call = read_page,
	.done = image_shown, .access = true,
};

INJECT(image_read_only) = {
	.kinds = ALL, .before = a_readonly_image, .call = read_page,
	.done = image_shown, .access = true,
};

INJECT(image_write) = {
	.kinds = ALL, .before = an_image, .call = write_page,
	.done = image_copied, .access = true,
};

INJECT(image_read_then_write) = {
	.kinds = ALL, .before = an_image_read, .call = write_page,
	.done = image_copied, .access = true,
};

INJECT(image_write_shared) = {
	.kinds = ALL, .before = a_shared_image, .call = write_page,
	.done = written_shared, .access = true,
};

/* A child has the page, too, and sees what was there when it began. */
static void a_page_in_common(struct scene *s)
{
	char c;

	a_private_mapping(s);
	s->p[PAGE + 9] = 1;
	CHECK(!pipe(s->pipe));
	s->pid = fork();
	CHECK(s->pid >= 0);
	if (s->pid)
		return;
	close(s->pipe[1]);
	_exit(read(s->pipe[0], &c, 1) || s->p[PAGE + 9] != 1);
}

static void end_child(struct scene *s)
{
	int status;

	close_pipe(s);
	CHECK_EQ(waitpid(s->pid, &status, 0), s->pid);
	CHECK_EQ(status, 0);
}

INJECT(write_after_fork) = {
	.kinds = ALL, .before = a_page_in_common, .call = write_page,
	.done = written_privately, .after = end_child, .access = true,
};

/* Accesses by the kernel get an error, and leave what can be accessed later. */

static void a_private_mapping_and_a_pipe(struct scene *s)
{
	a_private_mapping(s);
	a_pipe(s);
}

static void a_shared_mapping_and_a_pipe(struct scene *s)
{
	a_shared_mapping(s);
	a_pipe(s);
}

static long read_into(struct scene *s)
{
	return read(s->pipe[0], s->p + PAGE + 9, 1);
}

static void was_read_into(struct scene *s)
{
	CHECK_EQ(s->ret, 1);
	CHECK_EQ(s->p[PAGE + 9], 'x');
	check_page(s);
	check_untouched(s);
}

static void was_not_read_into(struct scene *s)
{
	/* What else the call has to do may fail after it. */
	CHECK(committed_pages(s->p, LEN) <= 1);
	CHECK_PATTERN(s->p, LEN, 0, PERIOD);
	s->p[PAGE + 9] = 'y';
}

INJECT(kernel_writes_private) = {
	.kinds = ALL, .before = a_private_mapping_and_a_pipe, .call = read_into,
	.done = was_read_into, .failed = was_not_read_into, .err = EFAULT,
	.after = close_pipe,
};

INJECT(kernel_writes_shared) = {
	.kinds = ALL, .before = a_shared_mapping_and_a_pipe, .call = read_into,
	.done = was_read_into, .failed = was_not_read_into, .err = EFAULT,
	.after = close_pipe,
};

static char peeked[PAGE];

static long read_remotely(struct scene *s)
{
	struct iovec to = { peeked, PAGE }, from = { s->p + PAGE, PAGE };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0);
}

static void was_read_remotely(struct scene *s)
{
	CHECK_EQ(s->ret, PAGE);
	CHECK_PATTERN(peeked, PAGE, PAGE, PERIOD);
	check_read(s);
}

static void maybe_committed(struct scene *s)
{
	CHECK(committed_pages(s->p, LEN) <= 1);
	CHECK_PATTERN(s->p, LEN, 0, PERIOD);
}

INJECT(process_vm_readv_private) = {
	.kinds = ALL, .before = a_private_mapping, .call = read_remotely,
	.done = was_read_remotely, .failed = maybe_committed, .err = EFAULT,
};

INJECT(process_vm_readv_shared) = {
	.kinds = ALL, .before = a_shared_mapping, .call = read_remotely,
	.done = was_read_remotely, .failed = maybe_committed, .err = EFAULT,
};

/* Commitment on request */

static void committed(struct scene *s)
{
	CHECK_EQ(committed_pages(s->p, LEN), LEN / PAGE);
	CHECK_PATTERN(s->p, LEN, 0, PERIOD);
}

/* Part of it may be there: what was done so far stays. */
static void partly_committed(struct scene *s)
{
	CHECK_PATTERN(s->p, LEN, 0, PERIOD);
	CHECK_EQ(committed_pages(s->p, LEN), LEN / PAGE);
}

static long call_commit(struct scene *s)
{
	return commit(keeper, s->p, LEN);
}

static long populate_read(struct scene *s)
{
	return madvise(s->p, LEN, MADV_POPULATE_READ);
}

static long populate_write(struct scene *s)
{
	return madvise(s->p, LEN, MADV_POPULATE_WRITE);
}

INJECT(commit_private) = {
	.kinds = ALL | CALLS, .before = a_private_mapping, .call = call_commit,
	.done = committed, .failed = partly_committed, .err_call = EINTR,
};

INJECT(commit_readonly) = {
	.kinds = ALL | CALLS, .before = a_readonly_mapping, .call = call_commit,
	.done = committed, .failed = partly_committed, .err_call = EINTR,
};

INJECT(commit_shared) = {
	.kinds = ALL | CALLS, .before = a_shared_mapping, .call = call_commit,
	.done = committed, .failed = partly_committed, .err_call = EINTR,
};

INJECT(populate_read_private) = {
	.kinds = ALL, .before = a_private_mapping, .call = populate_read,
	.done = committed, .failed = partly_committed,
};

INJECT(populate_read_shared) = {
	.kinds = ALL, .before = a_shared_mapping, .call = populate_read,
	.done = committed, .failed = partly_committed,
};

INJECT(populate_write_private) = {
	.kinds = ALL, .before = a_private_mapping, .call = populate_write,
	.done = committed, .failed = partly_committed,
};

INJECT(populate_write_shared) = {
	.kinds = ALL, .before = a_shared_mapping, .call = populate_write,
	.done = committed, .failed = partly_committed,
};

/* Giving back */

static void two_stored_pages(struct scene *s)
{
	a_shared_mapping(s);
	s->p[9] = 1;
	s->p[PAGE + 9] = 1;
}

static long call_discard(struct scene *s)
{
	return discard(keeper, s->p + PAGE, 2 * PAGE);
}

static long call_punch(struct scene *s)
{
	return punch(s->fd, PAGE, 2 * PAGE);
}

static void one_left(struct scene *s)
{
	CHECK_EQ(held(s->fd), PAGE);
	CHECK_EQ(committed_pages(s->p, LEN), 1);
	CHECK_EQ(s->p[9], 1);
	CHECK_PATTERN(s->p + PAGE, 2 * PAGE, PAGE, PERIOD);
}

static void both_left(struct scene *s)
{
	CHECK_EQ(held(s->fd), 2 * PAGE);
	CHECK_EQ(committed_pages(s->p, LEN), 2);
	CHECK_EQ(s->p[9], 1);
	CHECK_EQ(s->p[PAGE + 9], 1);
}

INJECT(discard_shared) = {
	.kinds = ALL | CALLS, .before = two_stored_pages, .call = call_discard,
	.done = one_left, .failed = both_left, .err_call = EINTR,
};

INJECT(punch_object) = {
	.kinds = ALL, .before = two_stored_pages, .call = call_punch,
	.done = one_left, .failed = both_left,
};

/* What the kernel does to any memory */

/* Two pages are written, by nobody else. */
static void two_written_pages(struct scene *s)
{
	a_private_mapping(s);
	s->p[9] = 1;
	s->p[PAGE + 9] = 1;
}

static void as_before(struct scene *s)
{
	CHECK_EQ(committed_pages(s->p, LEN), 2);
	CHECK_EQ(s->p[9], 1);
	CHECK_EQ(s->p[PAGE + 9], 1);
	CHECK_PATTERN(s->p + 2 * PAGE, 2 * PAGE, 2 * PAGE, PERIOD);
}

static long unmap_middle(struct scene *s)
{
	return munmap(s->p + PAGE, PAGE);
}

static void middle_unmapped(struct scene *s)
{
	CHECK_EQ(committed_pages(s->p, LEN), 1);
	CHECK_EQ(s->p[9], 1);
	CHECK_PATTERN(s->p + 2 * PAGE, 2 * PAGE, 2 * PAGE, PERIOD);
}

static long protect_middle(struct scene *s)
{
	return mprotect(s->p + PAGE, PAGE, PROT_READ);
}

static long lock_middle(struct scene *s)
{
	return mlock(s->p + PAGE, 2 * PAGE);
}

static void middle_locked(struct scene *s)
{
	CHECK_EQ(committed_pages(s->p, LEN), 3);
	CHECK(!munlock(s->p, LEN));
}

static void middle_maybe_locked(struct scene *s)
{
	CHECK(!munlock(s->p, LEN));
	CHECK_EQ(s->p[9], 1);
	CHECK_EQ(s->p[PAGE + 9], 1);
	CHECK_PATTERN(s->p + 2 * PAGE, 2 * PAGE, 2 * PAGE, PERIOD);
}

static long move(struct scene *s)
{
	char *p = mremap(s->p, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, s->q);

	if (p == MAP_FAILED)
		return -1;
	s->p = p;
	return 0;
}

static void room_for_it(struct scene *s)
{
	two_written_pages(s);
	s->q = mmap(NULL, LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(s->q != MAP_FAILED);
}

static void leave_room(struct scene *s)
{
	if (s->q != s->p)
		CHECK(!munmap(s->q, LEN));
}

static long forget(struct scene *s)
{
	return madvise(s->p, LEN, MADV_DONTNEED);
}

static void forgotten(struct scene *s)
{
	CHECK_EQ(committed_pages(s->p, LEN), 0);
	CHECK_PATTERN(s->p, LEN, 0, PERIOD);
}

INJECT(munmap_middle) = {
	.kinds = ALL, .splits = true, .before = two_written_pages, .call = unmap_middle,
	.done = middle_unmapped, .failed = as_before,
};

INJECT(mprotect_middle) = {
	.kinds = ALL, .splits = true, .before = two_written_pages, .call = protect_middle,
	.done = as_before, .failed = as_before,
};

INJECT(mlock_middle) = {
	.kinds = ALL, .splits = true, .before = two_written_pages, .call = lock_middle,
	.done = middle_locked, .failed = middle_maybe_locked,
};

INJECT(mremap_) = {
	.kinds = ALL, .before = room_for_it, .call = move, .done = as_before,
	.failed = as_before, .after = leave_room,
};

INJECT(madvise_dontneed) = {
	.kinds = ALL, .before = two_written_pages, .call = forget,
	.done = forgotten, .failed = as_before,
};

static long unmap(struct scene *s)
{
	if (munmap(s->p, LEN))
		return -1;
	s->p = NULL;
	return 0;
}

static long close_it(struct scene *s)
{
	if (close(s->fd))
		return -1;
	s->fd = -1;
	return 0;
}

/* The mapping is the last that holds the object. */
static void a_closed_object(struct scene *s)
{
	two_stored_pages(s);
	CHECK(!close(s->fd));
	s->fd = -1;
}

static void a_full_object(struct scene *s)
{
	a_stored_page(s);
}

INJECT(munmap_) = {
	.kinds = ALL, .before = two_written_pages, .call = unmap,
	.failed = as_before,
};

INJECT(munmap_last) = {
	.kinds = ALL, .before = a_closed_object, .call = unmap,
};

INJECT(close_) = {
	.kinds = ALL, .before = a_full_object, .call = close_it,
};

/* Processes */

static void check_child(struct scene *s)
{
	as_before(s);
	_exit(0);
}

static long call_fork(struct scene *s)
{
	s->pid = fork();
	if (!s->pid)
		check_child(s);
	return s->pid;
}

static void forked(struct scene *s)
{
	int status;

	CHECK_EQ(waitpid(s->pid, &status, 0), s->pid);
	CHECK_EQ(status, 0);
	as_before(s);
}

INJECT(fork_) = {
	.kinds = ALL, .before = two_written_pages, .call = call_fork,
	.done = forked, .failed = as_before,
};

/* A child with mappings of all kinds that is told to go. */
static void a_child(struct scene *s)
{
	unsigned int n;

	CHECK(!pipe(s->pipe));
	s->pid = fork();
	CHECK(s->pid >= 0);
	if (s->pid)
		return;
	two_written_pages(s);
	an_image(s);
	two_stored_pages(s);
	close(s->pipe[1]);
	open_switches();
	CHECK_EQ(read(s->pipe[0], &n, sizeof(n)), sizeof(n));
	arm(s->kind, n);
	syscall(SYS_exit_group, 0);
}

static long let_exit(struct scene *s)
{
	disarm(s->kind, s->n);
	CHECK_EQ(write(s->pipe[1], &s->n, sizeof(s->n)), sizeof(s->n));
	end_child(s);
	return 0;
}

INJECT(exit_) = {
	.kinds = MEMORY, .before = a_child, .call = let_exit,
};

/* Statistics */

static union {
	struct tam_query query;
	struct tam_object_stats object;
	struct tam_process_stats process;
	struct tam_system_stats system;
	struct tam_list list;
} out;

static char records[64 * 1024];

static long call_query(struct scene *s)
{
	memset(&out, 0, sizeof(out));
	return ioctl(s->fd, TAM_IOC_QUERY, &out.query);
}

/* A success has filled in all of it. */
static void query_told(struct scene *s)
{
	(void)s;
	CHECK_EQ(out.query.abi, TAM_ABI_VERSION);
	CHECK_EQ(out.query.page_size, PAGE);
}

static long call_get_object(struct scene *s)
{
	memset(&out, 0, sizeof(out));
	return ioctl(s->fd, TAM_IOC_GET_OBJECT, &out.object);
}

static void object_told(struct scene *s)
{
	(void)s;
	CHECK_EQ(out.object.size, sizeof(out.object));
	CHECK_EQ(out.object.pattern_len, PERIOD);
}

INJECT(query) = {
	.kinds = ALL | CALLS, .before = an_object, .call = call_query,
	.done = query_told,
};

INJECT(get_object) = {
	.kinds = ALL | CALLS, .before = an_object, .call = call_get_object,
	.done = object_told,
};

static long call_process(struct scene *s)
{
	(void)s;
	memset(&out, 0, sizeof(out));
	return ioctl(keeper, TAM_IOC_PROCESS, &out.process);
}

/* Incomplete if all locks were busy, and says so. */
static void process_told(struct scene *s)
{
	CHECK_EQ(!(out.process.valid & TAM_VALID_TAM), s->busy);
	CHECK_EQ(out.process.tam_mappings, s->busy ? 0 : 1);
	CHECK_EQ(out.process.tam_committed, s->busy ? 0 : 2 * PAGE);
	CHECK_EQ(out.process.pid, getpid());
}

static long call_system(struct scene *s)
{
	(void)s;
	memset(&out, 0, sizeof(out));
	return ioctl(keeper, TAM_IOC_SYSTEM, &out.system);
}

static void system_told(struct scene *s)
{
	CHECK_EQ(out.system.tam_mappings, s->busy ? 0 : 1);
	CHECK_EQ(out.system.tam_committed, s->busy ? 0 : 2 * PAGE);
	if (s->busy)
		CHECK(out.system.incomplete > 0);
	else
		CHECK_EQ(out.system.incomplete, 0);
}

static long call_list(unsigned long cmd)
{
	memset(&out, 0, sizeof(out));
	memset(records, 0, sizeof(records));
	out.list.records = (uintptr_t)records;
	out.list.size = sizeof(records);
	return ioctl(keeper, cmd, &out.list);
}

static long call_processes(struct scene *s)
{
	(void)s;
	return call_list(TAM_IOC_PROCESSES);
}

static void processes_told(struct scene *s)
{
	const struct tam_process_stats *one = (void *)records;

	for (; one->pid != getpid(); one++)
		CHECK((char *)(one + 1) < records + out.list.count * one->size);
	CHECK_EQ(!(one->valid & TAM_VALID_TAM), s->busy);
	CHECK_EQ(one->tam_committed, s->busy ? 0 : 2 * PAGE);
}

static long call_mappings(struct scene *s)
{
	(void)s;
	return call_list(TAM_IOC_MAPPINGS);
}

static void mappings_told(struct scene *s)
{
	const struct tam_mapping_stats *one = (void *)records;

	CHECK_EQ(out.list.count, 1);
	CHECK_EQ(one->start, (uintptr_t)s->p);
	CHECK_EQ(one->committed, 2 * PAGE);
}

static long call_pages(struct scene *s)
{
	(void)s;
	return call_list(TAM_IOC_PAGES);
}

static void pages_told(struct scene *s)
{
	const struct tam_extent *one = (void *)records;

	CHECK_EQ(out.list.count, 1);
	CHECK_EQ(one->start, (uintptr_t)s->p);
	CHECK_EQ(one->len, 2 * PAGE);
}

static long call_objects(struct scene *s)
{
	(void)s;
	return call_list(TAM_IOC_OBJECTS);
}

static void objects_told(struct scene *s)
{
	const struct tam_object_stats *one = (void *)records;

	(void)s;
	CHECK_EQ(out.list.count, 2);
	CHECK_EQ(one[0].size, sizeof(*one));
	CHECK_EQ(one[1].size, sizeof(*one));
}

INJECT(process) = {
	.kinds = ALL | CALLS, .before = two_written_pages, .call = call_process,
	.done = process_told,
};

INJECT(system_) = {
	.kinds = ALL | CALLS, .before = two_written_pages, .call = call_system,
	.done = system_told,
};

INJECT(processes) = {
	.kinds = ALL | CALLS, .before = two_written_pages,
	.call = call_processes, .done = processes_told,
};

INJECT(mappings) = {
	.kinds = ALL | CALLS, .before = two_written_pages,
	.call = call_mappings, .done = mappings_told, .err_call = EAGAIN,
};

INJECT(pages) = {
	.kinds = ALL | CALLS, .before = two_written_pages, .call = call_pages,
	.done = pages_told, .err_call = EAGAIN,
};

INJECT(objects) = {
	.kinds = ALL | CALLS, .before = two_written_pages, .call = call_objects,
	.done = objects_told,
};

/* Records that were copied before the failure stay. */
static void partly_listed(struct scene *s)
{
	CHECK_PATTERN(s->p, PAGE, 0, PERIOD);
	CHECK_PATTERN(s->p + 2 * PAGE, 2 * PAGE, 2 * PAGE, PERIOD);
}

/* The answer goes where it commits memory. */
static long list_into_it(struct scene *s)
{
	memset(&out, 0, sizeof(out));
	out.list.records = (uintptr_t)s->p + PAGE;
	out.list.size = PAGE;
	return ioctl(keeper, TAM_IOC_OBJECTS, &out.list);
}

static void listed_into_it(struct scene *s)
{
	const struct tam_object_stats *one = (void *)(s->p + PAGE);

	CHECK_EQ(out.list.count, 2);
	CHECK_EQ(one->size, sizeof(*one));
	CHECK_EQ(committed_pages(s->p, LEN), 1);
}

INJECT(objects_into_private) = {
	.kinds = ALL, .before = a_private_mapping, .call = list_into_it,
	.done = listed_into_it, .failed = partly_listed, .err = EFAULT,
};

INJECT(objects_into_shared) = {
	.kinds = ALL, .before = a_shared_mapping, .call = list_into_it,
	.done = listed_into_it, .failed = partly_listed, .err = EFAULT,
};

/* Loading: the functions are those of the kernel's that call the module. */

static int unload(void)
{
	return syscall(SYS_delete_module, "tamalloc", O_NONBLOCK);
}

static void let_go(struct scene *s)
{
	(void)s;
	close(keeper);
	keeper = -1;
}

static void reopen(struct scene *s)
{
	(void)s;
	keeper = open_object();
}

static void unloaded(struct scene *s)
{
	let_go(s);
	CHECK(!unload());
}

static long call_load(struct scene *s)
{
	(void)s;
	return insert(KO);
}

static void loaded(struct scene *s)
{
	char *p;

	reopen(s);
	p = map_shared(keeper, LEN);
	CHECK_BYTES(p, LEN, 0);
	CHECK(!munmap(p, LEN));
	CHECK(!punch(keeper, 0, LEN));
}

static void not_loaded(struct scene *s)
{
	CHECK(access("/dev/tamalloc", F_OK));
	CHECK(access("/sys/module/tamalloc", F_OK));
	CHECK(access("/sys/class/misc/tamalloc", F_OK));
	CHECK(!insert(KO));
	loaded(s);
}

static long call_unload(struct scene *s)
{
	(void)s;
	return unload();
}

static void gone(struct scene *s)
{
	not_loaded(s);
}

static void still_loaded(struct scene *s)
{
	if (s->err == EFAULT)
		loaded(s);
	else
		FAIL("%s", strerror(s->err));
}

INJECT(load_) = {
	.kinds = ALL | CALLS, .before = unloaded, .call = call_load,
	.done = loaded, .failed = not_loaded, .err_call = ENOMEM,
	.within = "do_one_initcall",
};

INJECT(unload_) = {
	.kinds = ALL, .before = let_go, .call = call_unload, .done = gone,
	.failed = still_loaded,
};
