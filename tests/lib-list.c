// SPDX-License-Identifier: GPL-2.0-only
/* Iterators: processes, mappings, pages and objects as the library lists them. */
#define _GNU_SOURCE
#include "lib.h"

#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21		/* Linux 5.4 */
#endif

#define GROUPS	(TAM_VALID_MM | TAM_VALID_OOM | TAM_VALID_TAM)

/* How often this thread has asked for a list. */
static _Thread_local unsigned int calls;

/* If set, a list of another module than the loaded one. */
static int (*pretended)(struct tam_list *list);

/* Instead of the C library's, which would not let us. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (_IOC_TYPE(request) != TAM_IOC_MAGIC ||
	    _IOC_NR(request) < _IOC_NR(TAM_IOC_PROCESSES))
		return syscall(SYS_ioctl, fd, request, arg);
	calls++;
	return pretended ? pretended(arg) :
			   syscall(SYS_ioctl, fd, request, arg);
}

/* What is left of a list, as an array of @n records of @size; ends the list. */
static void *collect(struct tam_iter *it, size_t size, size_t *n)
{
	size_t room = 1024;
	char *all = malloc(room * size);
	int got;

	CHECK(it && all);
	for (*n = 0; (got = tam_iter_next(it, all + *n * size, size)) > 0;) {
		if (++*n < room)
			continue;
		room *= 2;
		all = realloc(all, room * size);
		CHECK(all);
	}
	CHECK_EQ(got, 0);
	tam_iter_free(it);
	return all;
}

static struct tam_mapping_stats *my_mappings(size_t *n)
{
	return collect(tam_iter_mappings(0), sizeof(struct tam_mapping_stats), n);
}

static struct tam_object_stats *all_objects(size_t *n)
{
	return collect(tam_iter_objects(), sizeof(struct tam_object_stats), n);
}

static struct tam_extent *my_pages(const void *start, const void *end, size_t *n)
{
	return collect(tam_iter_pages(0, (uintptr_t)start, (uintptr_t)end),
		       sizeof(struct tam_extent), n);
}

/* A child that has called fn and is stopped. */
static pid_t stopped(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		fn();
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	return pid;
}

static void become_nobody(void)
{
	CHECK(!setgroups(0, NULL) && !setgid(65534) && !setuid(65534));
}

static void need_root(void)
{
	if (geteuid())
		SKIP("only root can be two users");
}

/* Each is a mapping of its own: more than two buffers hold. */
#define MANY	1500

static void map_many(void)
{
	for (int i = 0; i < MANY; i++)
		CHECK(tamalloc(PAGE));
}

/* Processes: more than two buffers hold */

#define CROWD	900

static pid_t crowd[CROWD];
static int seen[CROWD];

static int stand_there(void *unused_arg)
{
	(void)unused_arg;
	while (pause())
		;
	return 0;
}

/* With this process' memory: forks of it would take the test's time. */
static void make_crowd(void)
{
	const size_t stack = 8 * KIB;
	static char *stacks;

	stacks = malloc(CROWD * stack);
	CHECK(stacks);
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = clone(stand_there, stacks + (i + 1) * stack,
				 CLONE_VM | SIGCHLD, NULL);
		CHECK(crowd[i] > 0);
	}
}

/* Its number in the crowd, or -1. */
static int member(pid_t pid)
{
	for (int i = 0; i < CROWD; i++)
		if (crowd[i] == pid)
			return i;
	return -1;
}

/* The next of the crowd; -1 after the last. */
static int next_member(struct tam_iter *it)
{
	struct tam_process_stats p;
	int got, i;

	while ((got = tam_iter_next(it, &p, sizeof(p))) > 0) {
		i = member(p.pid);
		if (i >= 0)
			return i;
	}
	CHECK_EQ(got, 0);
	return -1;
}

static void check_rest(struct tam_iter *it)
{
	int i;

	while ((i = next_member(it)) >= 0)
		seen[i]++;
	for (i = 0; i < CROWD; i++)
		CHECK_EQ(seen[i], 1);
}

/* An iterator that has already told some of the crowd, which are marked. */
static struct tam_iter *begun(int some)
{
	struct tam_iter *it = tam_iter_processes(0);
	int i;

	CHECK(it);
	while (some--) {
		i = next_member(it);
		CHECK(i >= 0);
		seen[i]++;
	}
	return it;
}

MODULE_TEST(a_list_of_many_processes_has_each_once_by_rising_pid)
{
	struct tam_process_stats *all;
	bool self = false;
	size_t n;

	make_crowd();
	calls = 0;
	all = collect(tam_iter_processes(0), sizeof(*all), &n);
	CHECK_BETWEEN(calls, 3, 10);
	CHECK(n > CROWD);
	CHECK_EQ(all[0].pid, 1);
	for (size_t i = 0; i < n; i++) {
		int k = member(all[i].pid);

		CHECK_EQ(all[i].size, sizeof(*all));
		CHECK(!i || all[i].pid > all[i - 1].pid);
		self |= all[i].pid == getpid();
		if (k < 0)
			continue;
		seen[k]++;
		CHECK_EQ(all[i].ppid, getpid());
		CHECK_EQ(all[i].valid & GROUPS, GROUPS);
	}
	CHECK(self);
	for (int k = 0; k < CROWD; k++)
		CHECK_EQ(seen[k], 1);
	free(all);
}

MODULE_TEST(processes_that_end_meanwhile_leave_the_others_once)
{
	struct tam_iter *it;
	int i;

	make_crowd();
	it = begun(1);
	for (i = 0; i < CROWD; i += 2)
		end(crowd[i]);
	while ((i = next_member(it)) >= 0)
		seen[i]++;
	for (i = 0; i < CROWD; i++)
		CHECK_BETWEEN(seen[i], i % 2, 1);
	/* They were not all in the buffer that there was. */
	CHECK_EQ(seen[CROWD - 2], 0);
}

static void touch_some(void)
{
	char *p = tamalloc(MIB);

	CHECK(p);
	touch(p, 7 * PAGE);
}

MODULE_TEST(a_listed_process_is_as_it_is_alone)
{
	struct tam_process_stats alone, *all;
	pid_t pid = stopped(touch_some);
	unsigned int flags, found = 0;
	size_t n;

	CHECK(!tam_process_stats(pid, &alone, sizeof(alone)));
	CHECK_EQ(alone.tam_committed, 7 * PAGE);
	for (flags = 0; flags <= TAM_LIST_NO_TAM; flags++) {
		all = collect(tam_iter_processes(flags), sizeof(*all), &n);
		for (size_t i = 0; i < n; i++) {
			if (all[i].pid != pid)
				continue;
			found++;
			CHECK(!memcmp(&all[i], &alone, sizeof(alone)));
		}
		free(all);
		/* The second round. */
		alone.valid &= ~TAM_VALID_TAM;
		alone.tam_mappings = alone.tam_reserved = 0;
		alone.tam_committed = alone.tam_swapped = 0;
	}
	CHECK_EQ(found, 2);
	end(pid);
}

static void list_as_nobody(void *arg)
{
	pid_t root = *(pid_t *)arg;
	struct tam_process_stats *all;
	unsigned int found = 0;
	size_t n;

	become_nobody();
	touch_some();
	all = collect(tam_iter_processes(0), sizeof(*all), &n);
	for (size_t i = 0; i < n; i++) {
		bool self = all[i].pid == getpid();

		if (!self && all[i].pid != root)
			continue;
		found++;
		CHECK_EQ(all[i].valid & GROUPS,
			 self ? GROUPS : GROUPS & ~TAM_VALID_TAM);
		CHECK_EQ(all[i].tam_committed, self ? 7 * PAGE : 0);
	}
	CHECK_EQ(found, 2);
	free(all);
}

MODULE_TEST(users_see_all_processes_and_the_shares_of_their_own)
{
	pid_t pid;

	need_root();
	pid = stopped(touch_some);
	child_passes(list_as_nobody, &pid);
	end(pid);
}

/* Records of any size */

/* Objects of the test before may still be on their way out. */
static void settle(void)
{
	for (int i = 0; i < 200; i++) {
		struct tam_object_stats *all;
		size_t n, mine = 0;

		all = all_objects(&n);
		for (size_t k = 0; k < n; k++)
			mine += all[k].pid == getpid();
		free(all);
		if (n == mine)
			return;
		usleep(10000);
	}
}

static struct tam_iter *list_number(int i)
{
	return i == 0 ? tam_iter_mappings(0) :
	       i == 1 ? tam_iter_objects() : tam_iter_pages(0, 0, 0);
}

/* The same list into records of another size. */
static void check_size(int list, const char *full, size_t full_size, size_t n,
		       size_t size)
{
	size_t same = size < full_size ? size : full_size;
	struct tam_iter *it = list_number(list);
	unsigned char buf[1000];

	CHECK(it);
	for (size_t i = 0; i < n; i++) {
		memset(buf, 0xa5, sizeof(buf));
		CHECK_EQ(tam_iter_next(it, buf, size), 1);
		CHECK(!memcmp(buf, full + i * full_size, same));
		check_bytes(buf + same, size - same, 0);
		check_bytes(buf + size, sizeof(buf) - size, 0xa5);
	}
	CHECK_EQ(tam_iter_next(it, buf, size), 0);
	tam_iter_free(it);
}

MODULE_TEST(a_record_is_filled_as_far_as_caller_and_module_know_it)
{
	static const size_t full_size[] = {
		sizeof(struct tam_mapping_stats),
		sizeof(struct tam_object_stats), sizeof(struct tam_extent),
	};
	struct tam_attr attr = { .name = "a name" };
	size_t size, n;

	for (int i = 0; i < 5; i++)
		touch(tam_alloc((i + 5) * PAGE, &attr), i * PAGE);
	settle();
	for (int list = 0; list < 3; list++) {
		char *full = collect(list_number(list), full_size[list], &n);

		CHECK(n >= 4);
		for (size = 0; size < full_size[list] + 20; size++)
			check_size(list, full, full_size[list], n, size);
		check_size(list, full, full_size[list], n, 900);
		free(full);
	}
}

/* Of a module of another time: each its own size, all bytes told by its number. */

#define FOREIGN	3000

static size_t foreign_size;

static size_t make_foreign(char *record, unsigned int i)
{
	uint32_t size = foreign_size + i % 3 * 8;

	memset(record, i % 255 + 1, size);
	memcpy(record, &size, sizeof(size));
	return size;
}

static int foreign_list(struct tam_list *list)
{
	char *at = (char *)(uintptr_t)list->records, *last = at + list->size;

	list->count = 0;
	while (list->cursor < FOREIGN && (size_t)(last - at) >= foreign_size + 16) {
		at += make_foreign(at, list->cursor++);
		list->count++;
	}
	list->more = list->cursor < FOREIGN;
	return 0;
}

MODULE_TEST(records_of_another_module_are_stepped_by_their_own_size)
{
	static const size_t sizes[] = { 8, 40, 136, 144, 152, 1000, 5000 };
	struct tam_process_stats p;
	char want[6000];

	pretended = foreign_list;
	for (int k = 0; k < 7; k++) {
		struct tam_iter *it;

		foreign_size = sizes[k];
		it = tam_iter_processes(0);
		CHECK(it);
		for (int i = 0; i < FOREIGN; i++) {
			size_t size = make_foreign(want, i);

			memset(want + size, 0, sizeof(p));
			memset(&p, 0xa5, sizeof(p));
			CHECK_EQ(tam_iter_next(it, &p, sizeof(p)), 1);
			CHECK(!memcmp(&p, want, sizeof(p)));
		}
		CHECK_EQ(tam_iter_next(it, &p, sizeof(p)), 0);
		tam_iter_free(it);
	}
}

/* Nothing, one record, nothing, and that was all. */
static int sparse_list(struct tam_list *list)
{
	list->count = list->cursor == 1;
	if (list->count)
		make_foreign((char *)(uintptr_t)list->records, 0);
	list->more = list->cursor++ < 3;
	return 0;
}

MODULE_TEST(a_buffer_without_records_is_not_the_end)
{
	struct tam_process_stats p;
	struct tam_iter *it;

	pretended = sparse_list;
	foreign_size = sizeof(p);
	it = tam_iter_processes(0);
	CHECK(it);
	CHECK_EQ(tam_iter_next(it, &p, sizeof(p)), 1);
	CHECK_EQ(calls, 2);
	CHECK_EQ(tam_iter_next(it, &p, sizeof(p)), 0);
	CHECK_EQ(calls, 4);
}

/* The end, and errors */

MODULE_TEST(after_the_end_comes_nothing_more)
{
	struct tam_mapping_stats m;
	struct tam_iter *it;

	for (int round = 0; round < 2; round++) {
		it = tam_iter_mappings(0);
		CHECK(it);
		for (int i = 0; i < round * MANY; i++)
			CHECK_EQ(tam_iter_next(it, &m, sizeof(m)), 1);
		CHECK_EQ(tam_iter_next(it, &m, sizeof(m)), 0);
		map_many();
		calls = 0;
		for (int i = 0; i < 10; i++)
			CHECK_EQ(tam_iter_next(it, &m, sizeof(m)), 0);
		CHECK_EQ(calls, 0);
		tam_iter_free(it);
	}
}

/* Somebody keeps the memory map locked from here on. */
static uint64_t locked_from;

static int locked_list(struct tam_list *list)
{
	if (list->cursor < locked_from)
		return foreign_list(list);
	errno = EAGAIN;
	return -1;
}

/* What was told before an error is told; then it, once; then nothing. */
static void check_error(struct tam_iter *it, int err)
{
	struct tam_mapping_stats m;
	int got;

	do {
		errno = 0;
		got = tam_iter_next(it, &m, sizeof(m));
	} while (got > 0);
	CHECK_EQ(got, -1);
	CHECK_EQ(errno, err);
	calls = 0;
	for (int i = 0; i < 10; i++)
		CHECK_EQ(tam_iter_next(it, &m, sizeof(m)), 0);
	CHECK_EQ(calls, 0);
	tam_iter_free(it);
}

MODULE_TEST(an_error_on_the_way_is_told_once)
{
	struct tam_iter *it;

	foreign_size = 144;
	pretended = locked_list;
	CHECK_NULL(tam_iter_mappings(0), EAGAIN);
	locked_from = 1;
	it = tam_iter_mappings(0);
	CHECK(it);
	check_error(it, EAGAIN);
}

MODULE_TEST(the_end_of_a_process_amid_its_list_is_ESRCH)
{
	pid_t pid = stopped(map_many);
	struct tam_iter *it = tam_iter_mappings(pid);
	struct tam_mapping_stats m;

	CHECK(it);
	CHECK_EQ(tam_iter_next(it, &m, sizeof(m)), 1);
	end(pid);
	check_error(it, ESRCH);
	CHECK_NULL(tam_iter_mappings(pid), ESRCH);
}

MODULE_TEST(without_descriptors_a_list_ends_with_EMFILE)
{
	struct tam_iter *it;

	map_many();
	it = tam_iter_mappings(0);
	CHECK(it);
	for (int fd = 3; fd < 200; fd++)
		close(fd);
	limit(RLIMIT_NOFILE, 3);
	check_error(it, EMFILE);
	CHECK_NULL(tam_iter_mappings(0), EMFILE);
}

MODULE_TEST(errors_come_when_a_list_is_begun)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_NULL(tam_iter_mappings(pid), ESRCH);
	CHECK_NULL(tam_iter_pages(pid, 0, 0), ESRCH);
	CHECK_NULL(tam_iter_mappings(0x3fffffff), ESRCH);
	CHECK_NULL(tam_iter_mappings(-1), EINVAL);
	CHECK_NULL(tam_iter_pages(-1, 0, 0), EINVAL);
	for (int bit = 0; bit < 32; bit++)
		if (1U << bit != TAM_LIST_NO_TAM)
			CHECK_NULL(tam_iter_processes(1U << bit), EINVAL);
}

static void look_as_nobody(void *arg)
{
	pid_t root = *(pid_t *)arg;
	size_t n;

	become_nobody();
	CHECK_NULL(tam_iter_mappings(root), EACCES);
	CHECK_NULL(tam_iter_pages(root, 0, 0), EACCES);
	CHECK(!strcmp(tam_strerror(EACCES), strerror(EACCES)));
	touch_some();
	free(my_mappings(&n));
	CHECK_EQ(n, 1);
	free(collect(tam_iter_mappings(getpid()),
		     sizeof(struct tam_mapping_stats), &n));
	CHECK_EQ(n, 1);
	free(my_pages(NULL, NULL, &n));
	CHECK_EQ(n, 1);
}

MODULE_TEST(another_users_memory_is_EACCES)
{
	pid_t pid;

	need_root();
	pid = stopped(touch_some);
	child_passes(look_as_nobody, &pid);
	end(pid);
}

MODULE_TEST(another_process_is_listed_as_it_lists_itself)
{
	pid_t pid = stopped(touch_some);
	struct tam_mapping_stats *m;
	struct tam_extent *run;
	size_t n;

	m = collect(tam_iter_mappings(pid), sizeof(*m), &n);
	CHECK_EQ(n, 1);
	CHECK_EQ(m->len, MIB);
	CHECK_EQ(m->committed, 7 * PAGE);
	run = collect(tam_iter_pages(pid, 0, 0), sizeof(*run), &n);
	CHECK_EQ(n, 1);
	CHECK_EQ(run->size, sizeof(*run));
	CHECK_EQ(run->start, m->start);
	CHECK_EQ(run->len, 7 * PAGE);
	/* This process has nothing of it. */
	free(my_mappings(&n));
	CHECK_EQ(n, 0);
	free(my_pages(NULL, NULL, &n));
	CHECK_EQ(n, 0);
	end(pid);
}

static void check_no_lists(int err)
{
	CHECK_NULL(tam_iter_processes(0), err);
	CHECK_NULL(tam_iter_mappings(0), err);
	CHECK_NULL(tam_iter_objects(), err);
	CHECK_NULL(tam_iter_pages(0, 0, 0), err);
}

TEST(without_the_device_lists_are_ENODEV)
{
	if (!access("/dev/tamalloc", F_OK))
		empty_dev();
	check_no_lists(ENODEV);
	CHECK(tamalloc(PAGE));
	check_no_lists(ENODEV);
	CHECK(strstr(tam_strerror(errno), "modprobe"));
}

TEST(without_permission_for_the_device_lists_are_EACCES)
{
	struct stat st;

	if (stat("/dev/tamalloc", &st))
		SKIP("no /dev/tamalloc");
	need_root();
	empty_dev();
	CHECK(!mknod("/dev/tamalloc", S_IFCHR | 0600, st.st_rdev));
	become_nobody();
	check_no_lists(EACCES);
	CHECK(strstr(tam_strerror(errno), "udev"));
}

MODULE_TEST(without_memory_lists_are_ENOMEM)
{
	struct tam_iter *it = tam_iter_processes(0);
	struct tam_process_stats p;
	void *volatile filler;

	CHECK(it);
	limit_memory(MIB);
	do
		filler = malloc(50 * KIB);
	while (filler);
	check_no_lists(ENOMEM);
	/* One that was begun needs none. */
	CHECK_EQ(tam_iter_next(it, &p, sizeof(p)), 1);
	CHECK_EQ(p.pid, 1);
	tam_iter_free(it);
	CHECK(tam_iter_objects());
}

MODULE_TEST(iterators_leave_nothing_behind)
{
	struct tam_object_stats o;
	uint64_t size;
	int fd;

	touch_some();
	tam_iter_free(tam_iter_objects());
	size = status_bytes("VmSize");
	fd = dup(0);
	for (int i = 0; i < 500; i++) {
		struct tam_iter *it = tam_iter_objects();

		CHECK(it);
		CHECK_EQ(tam_iter_next(it, &o, sizeof(o)), 1);
		tam_iter_free(it);
		CHECK_NULL(tam_iter_processes(1U << 31), EINVAL);
		CHECK_NULL(tam_iter_mappings(-1), EINVAL);
	}
	CHECK_BETWEEN(status_bytes("VmSize"), 0, size + MIB);
	CHECK_EQ(dup(0), fd + 1);
}

MODULE_TEST(free_takes_NULL_and_keeps_errno)
{
	struct tam_iter *it = tam_iter_objects();

	CHECK(it);
	errno = 12345;
	tam_iter_free(it);
	tam_iter_free(NULL);
	CHECK_EQ(errno, 12345);
}

/* The caller's own memory */

static uint64_t object_named(const char *name)
{
	struct tam_object_stats *all;
	uint64_t id = 0;
	size_t n;

	all = all_objects(&n);
	for (size_t i = 0; i < n; i++) {
		if (all[i].pid != getpid() || strcmp(all[i].name, name))
			continue;
		CHECK(!id);
		id = all[i].id;
	}
	free(all);
	CHECK(id);
	return id;
}

static uint64_t device_object(void)
{
	struct tam_query query;

	CHECK(!tam_query(&query, sizeof(query)));
	return query.object;
}

#define RW	(TAM_MAPPING_READ | TAM_MAPPING_WRITE)

struct want {
	const char *start;
	size_t pages, offset, committed;
	unsigned int flags;
	uint64_t object;
	const char *name;
};

/* These are the caller's mappings, and there are no others. */
static void check_mappings(const struct want *want, size_t count)
{
	uint64_t last = 0, committed = 0;
	struct tam_mapping_stats *all;
	struct tam_process_stats p;
	size_t n;

	all = my_mappings(&n);
	CHECK_EQ(n, count);
	for (size_t i = 0; i < n; i++) {
		const struct want *w = want;

		CHECK(all[i].start >= last);
		last = all[i].start + all[i].len;
		while (w < want + count && (uintptr_t)w->start != all[i].start)
			w++;
		CHECK(w < want + count);
		CHECK_EQ(all[i].size, sizeof(*all));
		CHECK_EQ(all[i].len, w->pages * PAGE);
		CHECK_EQ(all[i].flags, w->flags);
		CHECK_EQ(all[i].offset, w->offset * PAGE);
		CHECK_EQ(all[i].object, w->object);
		CHECK_EQ(all[i].committed, w->committed * PAGE);
		CHECK_EQ(all[i].swapped, 0);
		CHECK(!strcmp(all[i].name, w->name));
		committed += all[i].committed;
	}
	free(all);
	CHECK(!tam_process_stats(0, &p, sizeof(p)));
	CHECK_EQ(p.tam_mappings, count);
	CHECK_EQ(p.tam_committed, committed);
}

#define CHECK_MAPPINGS(...)						\
	do {								\
		const struct want want_[] = { __VA_ARGS__ };		\
		check_mappings(want_, sizeof(want_) / sizeof(*want_));	\
	} while (0)

MODULE_TEST(attributes_of_an_allocation_are_those_of_its_mapping)
{
	struct tam_attr named = {
		.pattern = "abc", .pattern_len = 3, .alignment = MIB,
		.name = "0123456789012345678901234567890"
	};
	struct tam_attr shared = { .name = "shared", .flags = TAM_SHARED };
	char *p, *s, *plain;
	uint64_t ip, is;

	check_mappings(NULL, 0);
	p = tam_alloc(16 * PAGE, &named);
	s = tam_alloc(8 * PAGE, &shared);
	plain = tamalloc(3 * PAGE - 1);
	CHECK(p && s && plain);
	ip = object_named(named.name);
	is = object_named("shared");
	touch(p, 3 * PAGE);
	touch(s, 5 * PAGE);
	CHECK_MAPPINGS({ p, 16, 0, 3, RW, ip, named.name },
		       { s, 8, 0, 5, RW | TAM_MAPPING_SHARED, is, "shared" },
		       { plain, 3, 0, 0, RW, device_object(), "" });

	CHECK(!mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ));
	CHECK(!mlock(s, 8 * PAGE));
	CHECK_MAPPINGS({ p, 4, 0, 3, RW, ip, named.name },
		       { p + 4 * PAGE, 4, 4, 0, TAM_MAPPING_READ, ip, named.name },
		       { p + 8 * PAGE, 8, 8, 0, RW, ip, named.name },
		       { s, 8, 0, 8, RW | TAM_MAPPING_SHARED |
			 TAM_MAPPING_LOCKED, is, "shared" },
		       { plain, 3, 0, 0, RW, device_object(), "" });

	tam_free(p);
	tam_free(plain);
	CHECK_MAPPINGS({ s, 8, 0, 8, RW | TAM_MAPPING_SHARED |
			 TAM_MAPPING_LOCKED, is, "shared" });
	tam_free(s);
	check_mappings(NULL, 0);
}

/* The object of the mapping there. */
static uint64_t object_at(const char *p)
{
	struct tam_mapping_stats *all;
	uint64_t id = 0;
	size_t n;

	all = my_mappings(&n);
	for (size_t i = 0; i < n; i++)
		if (all[i].start == (uintptr_t)p)
			id = all[i].object;
	free(all);
	return id;
}

MODULE_TEST(mappings_follow_memset_reset_and_realloc)
{
	uint64_t d = device_object(), x;
	char *p = tamalloc(200 * PAGE);

	CHECK(p);
	touch(p, 200 * PAGE);
	CHECK_MAPPINGS({ p, 200, 0, 200, RW, d, "" });

	/* Its own contents: pages go, the mapping stays. */
	CHECK(!tam_memset(p + 20 * PAGE, 0, 100 * PAGE));
	CHECK_MAPPINGS({ p, 200, 0, 100, RW, d, "" });

	/* Others: an object of them, part by part. */
	CHECK(!tam_memset(p + 10 * PAGE, 'x', 100 * PAGE));
	x = object_at(p + 10 * PAGE);
	CHECK(x && x != d);
	p[50 * PAGE] = 1;
	CHECK_MAPPINGS({ p, 10, 0, 10, RW, d, "" },
		       { p + 10 * PAGE, 100, 10, 1, RW, x, "" },
		       { p + 110 * PAGE, 90, 110, 80, RW, d, "" });

	CHECK(!tam_decommit(p, 150 * PAGE, 50 * PAGE));
	CHECK(!tam_commit(p, 0, 12 * PAGE));
	CHECK_MAPPINGS({ p, 10, 0, 10, RW, d, "" },
		       { p + 10 * PAGE, 100, 10, 3, RW, x, "" },
		       { p + 110 * PAGE, 90, 110, 30, RW, d, "" });

	CHECK(!tam_reset(p));
	CHECK_MAPPINGS({ p, 200, 0, 0, RW, d, "" });

	p[0] = 1;
	p = tam_realloc(p, 300 * PAGE);
	CHECK(p);
	CHECK_MAPPINGS({ p, 300, 0, 1, RW, d, "" });
	p = tam_realloc(p, 2 * PAGE);
	CHECK_MAPPINGS({ p, 2, 0, 1, RW, d, "" });
	tam_free(p);
	check_mappings(NULL, 0);
}

static int by_address(const void *a, const void *b)
{
	const char *const *p = a, *const *q = b;

	return *p < *q ? -1 : *p > *q;
}

MODULE_TEST(many_mappings_come_by_rising_address)
{
	struct tam_mapping_stats *all;
	char *p[MANY];
	size_t n;

	for (int i = 0; i < MANY; i++) {
		p[i] = tamalloc((i % 7 + 1) * PAGE);
		CHECK(p[i]);
		touch(p[i], i % 7 * PAGE);
	}
	qsort(p, MANY, sizeof(*p), by_address);
	calls = 0;
	all = my_mappings(&n);
	CHECK_BETWEEN(calls, 3, 10);
	CHECK_EQ(n, MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(all[i].start, (uintptr_t)p[i]);
		CHECK_EQ(all[i].len, tam_usable_size(p[i]));
		CHECK_EQ(all[i].committed, all[i].len - PAGE);
	}
	free(all);
}

/* Pages */

/* The runs of /proc/self/pagemap; returns how many. */
static size_t pagemap_runs(const char *p, size_t count, struct tam_extent *runs)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t *entries = malloc(count * 8);
	unsigned int last = 0, state;
	size_t n = 0;

	CHECK(fd >= 0 && entries);
	CHECK_EQ(pread(fd, entries, count * 8,
		       (off_t)((uintptr_t)p / PAGE) * 8), count * 8);
	for (size_t i = 0; i < count; i++, last = state) {
		state = entries[i] >> 63 ? TAM_PAGE_COMMITTED :
			entries[i] >> 62 & 1 ? TAM_PAGE_SWAPPED : 0;
		if (n && state && state == last) {
			runs[n - 1].len += PAGE;
		} else if (state) {
			runs[n++] = (struct tam_extent){
				.size = sizeof(*runs), .state = state,
				.start = (uintptr_t)p + i * PAGE, .len = PAGE };
		}
	}
	free(entries);
	close(fd);
	return n;
}

/* The list is what pagemap says. */
static void check_pages(const char *p, size_t count, size_t *swapped)
{
	struct tam_extent *want = malloc(count * sizeof(*want)), *got;
	size_t n, m;

	CHECK(want);
	m = pagemap_runs(p, count, want);
	got = my_pages(p, p + count * PAGE, &n);
	CHECK_EQ(n, m);
	CHECK(!memcmp(got, want, n * sizeof(*want)));
	for (*swapped = 0; n--;)
		*swapped += got[n].state == TAM_PAGE_SWAPPED;
	free(got);
	free(want);
}

MODULE_TEST(pages_are_those_of_the_page_tables)
{
	struct tam_attr shared = { .flags = TAM_SHARED };
	size_t count = 12000, swapped;
	char *p[] = { tamalloc(count * PAGE),
		      tam_alloc(count * PAGE, &shared) };

	for (int k = 0; k < 2; k++) {
		CHECK(p[k]);
		check_pages(p[k], count, &swapped);
		/* More runs than a buffer holds, some long. */
		for (size_t i = 0; i < count; i++)
			if (i % 3 == 1 || i / 600 % 5 == 2)
				p[k][i * PAGE] = 1;
		calls = 0;
		check_pages(p[k], count, &swapped);
		CHECK(calls > 1);
		CHECK_EQ(swapped, 0);
	}
}

#define CHECK_PAGES(from, to, ...)					\
	do {								\
		const size_t want_[] = { __VA_ARGS__ };			\
		check_runs(p, from, to, want_,				\
			   sizeof(want_) / sizeof(*want_));		\
	} while (0)

/* Pairs of the first page of a run and its length. */
static void check_runs(const char *p, const char *from, const char *to,
		       const size_t *want, size_t count)
{
	struct tam_extent *got;
	size_t n;

	got = my_pages(from, to, &n);
	CHECK_EQ(n, count / 2);
	for (size_t i = 0; i < n; i++) {
		CHECK_EQ(got[i].start, (uintptr_t)p + want[2 * i] * PAGE);
		CHECK_EQ(got[i].len, want[2 * i + 1] * PAGE);
		CHECK_EQ(got[i].state, TAM_PAGE_COMMITTED);
	}
	free(got);
}

MODULE_TEST(pages_follow_what_the_caller_does)
{
	char *p = tamalloc(100 * PAGE);

	CHECK(p);
	CHECK_PAGES(NULL, NULL);
	touch(p, 3 * PAGE);
	CHECK_EQ(p[5 * PAGE], 0);		/* a read commits, too */
	touch(p + 50 * PAGE, 10 * PAGE);
	p[99 * PAGE] = 1;
	CHECK_PAGES(NULL, NULL, 0, 3, 5, 1, 50, 10, 99, 1);
	CHECK(!tam_decommit(p, 52 * PAGE, 3 * PAGE));
	CHECK_PAGES(NULL, NULL, 0, 3, 5, 1, 50, 2, 55, 5, 99, 1);
	CHECK(!tam_commit(p, 3 * PAGE, 3 * PAGE));
	CHECK_PAGES(NULL, NULL, 0, 6, 50, 2, 55, 5, 99, 1);
	CHECK(!tam_memset(p + PAGE, 'x', 98 * PAGE));
	CHECK_PAGES(NULL, NULL, 0, 1, 99, 1);
	CHECK(!tam_reset(p));
	CHECK_PAGES(NULL, NULL);
	tam_free(p);
	CHECK_PAGES(NULL, NULL);
}

MODULE_TEST(pages_of_a_range_are_those_inside)
{
	char *p = tamalloc(100 * PAGE), *other = tamalloc(PAGE);

	CHECK(p && other);
	touch(p + 10 * PAGE, 10 * PAGE);
	touch(p + 50 * PAGE, 10 * PAGE);
	CHECK_PAGES(p, p + 100 * PAGE, 10, 10, 50, 10);
	CHECK_PAGES(p + 15 * PAGE, p + 53 * PAGE, 15, 5, 50, 3);
	CHECK_PAGES(p + 20 * PAGE, p + 50 * PAGE);
	CHECK_PAGES(p + 19 * PAGE, p + 51 * PAGE, 19, 1, 50, 1);
	CHECK_PAGES(p + 55 * PAGE, NULL, 55, 5);
	CHECK_PAGES(p + 100 * PAGE, p);
}

MODULE_TEST(swapped_pages_are_runs_of_their_own)
{
	size_t count = 2000, swapped = 0;
	struct tam_system_stats system;
	char *p = tamalloc(count * PAGE);

	CHECK(p);
	CHECK(!tam_system_stats(&system, sizeof(system)));
	if (system.swap_free < 64 * MIB)
		SKIP("no swap");
	memset(p, 1, count * PAGE);
	for (int i = 0; i < 50 && !swapped; i++) {
		CHECK(!madvise(p + 100 * PAGE, 1000 * PAGE, MADV_PAGEOUT));
		usleep(20000);
		check_pages(p, count, &swapped);
	}
	CHECK(swapped);
	for (size_t i = 100; i < 1100; i += 10)
		p[i * PAGE] = 2;
	check_pages(p, count, &swapped);
}

/* Objects */

static struct tam_object_stats stats_of(int fd)
{
	struct tam_object_stats s;

	CHECK(!tam_object_stats(fd, &s, sizeof(s)));
	return s;
}

/* How many times the list has the object as it is; other records fail. */
static int listed(struct tam_object_stats s)
{
	struct tam_object_stats *all;
	int found = 0;
	size_t n;

	all = all_objects(&n);
	for (size_t i = 0; i < n; i++) {
		CHECK(!i || all[i].id > all[i - 1].id);
		if (all[i].id != s.id)
			continue;
		found++;
		CHECK(!memcmp(&all[i], &s, sizeof(s)));
	}
	free(all);
	return found;
}

MODULE_TEST(an_object_is_listed_as_its_descriptor_tells)
{
	struct tam_attr attr = { .pattern = "12345", .pattern_len = 5,
				 .name = "an object" };
	int fd = tam_open(&attr), plain = tam_open(NULL);
	struct tam_object_stats s;
	char *p;

	CHECK(fd >= 0 && plain >= 0);
	s = stats_of(fd);
	CHECK_EQ(s.held, 0);
	CHECK_EQ(listed(s), 1);
	CHECK_EQ(listed(stats_of(plain)), 1);
	p = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	touch(p, 9 * PAGE);
	s = stats_of(fd);
	CHECK_EQ(s.held, 9 * PAGE);
	CHECK_EQ(s.mapped, 1);
	CHECK_EQ(s.pattern_len, 5);
	CHECK_EQ(s.uid, getuid());
	CHECK_EQ(s.pid, getpid());
	CHECK(!strcmp(s.name, "an object"));
	CHECK_EQ(listed(s), 1);
	CHECK(!tam_punch(fd, 0, 4 * PAGE));
	s.held = 5 * PAGE;
	CHECK_EQ(listed(s), 1);
	/* It lives while it is mapped. */
	close(fd);
	CHECK_EQ(listed(s), 1);
	CHECK(!munmap(p, 100 * PAGE));
	CHECK_EQ(listed(s), 0);
	CHECK_EQ(listed(stats_of(plain)), 1);
}

MODULE_TEST(many_objects_come_once_each)
{
	struct tam_object_stats *all;
	bool found[MANY] = { false };
	size_t n, mine = 0;

	for (int i = 0; i < MANY; i++) {
		char name[16];
		struct tam_attr attr = { .name = name };

		snprintf(name, sizeof(name), "number %d", i);
		CHECK(tam_alloc(PAGE, &attr));
	}
	calls = 0;
	all = all_objects(&n);
	CHECK(calls > 1);
	for (size_t i = 0; i < n; i++) {
		int number;

		CHECK(!i || all[i].id > all[i - 1].id);
		if (all[i].pid != getpid() ||
		    sscanf(all[i].name, "number %d", &number) != 1)
			continue;
		CHECK(!found[number]);
		found[number] = true;
		mine++;
	}
	CHECK_EQ(mine, MANY);
	free(all);
}

static void list_own_objects(void *arg)
{
	struct tam_object_stats root = *(struct tam_object_stats *)arg, own;

	become_nobody();
	own = stats_of(tam_open(NULL));
	CHECK_EQ(own.uid, 65534);
	CHECK_EQ(listed(own), 1);
	CHECK_EQ(listed(root), 0);
}

MODULE_TEST(users_see_their_own_objects)
{
	struct tam_object_stats s;

	need_root();
	s = stats_of(tam_open(NULL));
	child_passes(list_own_objects, &s);
	CHECK_EQ(listed(s), 1);
}

/* Iterators on their way */

MODULE_TEST(after_closefrom_a_list_goes_on)
{
	struct tam_iter *it;

	make_crowd();
	it = begun(1);
	for (int fd = 3; fd < 200; fd++)
		close(fd);
	check_rest(it);

	/* Also where the number is another file's now. */
	memset(seen, 0, sizeof(seen));
	it = begun(1);
	for (int fd = 3; fd < 20; fd++)
		dup2(0, fd);
	check_rest(it);
}

static void check_rest_in_child(void *it)
{
	check_rest(it);
}

MODULE_TEST(after_fork_both_go_on)
{
	struct tam_iter *it;

	make_crowd();
	it = begun(100);
	child_passes(check_rest_in_child, it);
	child_passes(check_rest_in_child, it);
	check_rest(it);
	tam_iter_free(it);
}

static pthread_barrier_t barrier;

static void *list_at_once(void *arg)
{
	struct tam_process_stats p;
	struct tam_mapping_stats m;
	struct tam_iter *it;
	int n, got;

	(void)arg;
	for (int round = 0; round < 10; round++) {
		pthread_barrier_wait(&barrier);
		it = tam_iter_processes(TAM_LIST_NO_TAM);
		CHECK(it);
		for (n = 0; (got = tam_iter_next(it, &p, sizeof(p))) > 0;)
			n += member(p.pid) >= 0;
		CHECK_EQ(got, 0);
		CHECK_EQ(n, CROWD);
		tam_iter_free(it);

		it = tam_iter_mappings(0);
		CHECK(it);
		for (n = 0; (got = tam_iter_next(it, &m, sizeof(m))) > 0;)
			n += m.len == PAGE;
		CHECK_EQ(got, 0);
		CHECK_EQ(n, MANY);
		tam_iter_free(it);
	}
	return NULL;
}

MODULE_TEST(two_threads_have_an_iterator_each)
{
	pthread_t threads[2];

	make_crowd();
	map_many();
	CHECK(!pthread_barrier_init(&barrier, NULL, 2));
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, list_at_once, NULL));
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

static void *continue_list(void *it)
{
	check_rest(it);
	return NULL;
}

MODULE_TEST(another_thread_may_go_on_with_a_list)
{
	pthread_t thread;
	struct tam_iter *it;

	make_crowd();
	it = begun(100);
	CHECK(!pthread_create(&thread, NULL, continue_list, it));
	CHECK(!pthread_join(thread, NULL));
	tam_iter_free(it);
}
