// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library where /dev/tamalloc cannot be had.  Runs everywhere: where there
 * is a device, each test hides it from itself with a /dev of its own.
 */
#define _GNU_SOURCE
#include "lib.h"
#include "lib-model.h"

#include <grp.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static const struct tam_attr pattern_attr = { .pattern = "abc", .pattern_len = 3 };
static const struct tam_attr shared_attr = { .flags = TAM_SHARED };
static const struct tam_attr shared_pattern_attr = {
	.pattern = "abc", .pattern_len = 3, .flags = TAM_SHARED
};

/* If not 0, what is asked for its version says this one. */
static unsigned int pretended_abi;

/* Instead of the C library's, which would not let us. */
int ioctl(int fd, unsigned long request, ...)
{
	struct tam_query *q;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!pretended_abi || _IOC_TYPE(request) != TAM_IOC_MAGIC ||
	    _IOC_NR(request) != _IOC_NR(TAM_IOC_QUERY))
		return syscall(SYS_ioctl, fd, request, arg);
	q = arg;
	memset(q, 0, _IOC_SIZE(request));
	q->abi = pretended_abi;
	return 0;
}

static void hide_device(void)
{
	if (!access("/dev/tamalloc", F_OK))
		empty_dev();
}

#define FALLBACK_TEST(id)						\
	static void id##_body(void);					\
	TEST(id)							\
	{								\
		hide_device();						\
		CHECK_EQ(tam_backend(), TAM_BACKEND_FALLBACK);		\
		id##_body();						\
	}								\
	static void id##_body(void)

/* For users who may not count exceptions. */
static long minor_faults(void)
{
	struct rusage usage;

	CHECK(!getrusage(RUSAGE_SELF, &usage));
	return usage.ru_minflt;
}

/* Allocation */

FALLBACK_TEST(the_backend_is_the_fallback_and_errno_says_why)
{
	errno = 0;
	CHECK_EQ(tam_backend(), TAM_BACKEND_FALLBACK);
	CHECK_EQ(errno, ENODEV);
}

FALLBACK_TEST(zeros_are_lazy_and_in_small_pages)
{
	struct tam_attr attr = { .alignment = 2 * MIB };
	char line[512], start[32], *p = tam_alloc(64 * MIB, &attr);
	bool inside = false, small = false;
	FILE *smaps;

	CHECK(p);
	CHECK_EQ(pages_present(p, 64 * MIB), 0);
	p[5 * MIB] = 1;
	CHECK_EQ(pages_present(p, 64 * MIB), 1);
	CHECK_EQ(p[20 * MIB], 0);

	/* Also where huge pages are given to everybody: "nh". */
	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	smaps = fopen("/proc/self/smaps", "r");
	CHECK(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (!strncmp(line, start, strlen(start)))
			inside = true;
		if (inside && !strncmp(line, "VmFlags:", 8)) {
			small = strstr(line, " nh");
			break;
		}
	}
	fclose(smaps);
	CHECK(inside);
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		SKIP("a kernel without huge pages");
	CHECK(small);
}

FALLBACK_TEST(an_allocation_reads_as_zeros_and_keeps_what_is_written)
{
	char *p = tamalloc(3 * PAGE + 5), *q = tam_calloc(100, 100);

	CHECK(p && q);
	CHECK_EQ(tam_usable_size(p), 4 * PAGE);
	check_bytes(p, 4 * PAGE, 0);
	check_bytes(q, 10000, 0);
	write_marks(p, 4 * PAGE, 1);
	check_marks(p, 4 * PAGE, 1);
	tam_free(p);
	tam_free(q);
}

FALLBACK_TEST(sixteen_tib_in_one_call_leave_rss_alone)
{
	uint64_t rss = status_bytes("VmRSS");
	volatile char *p;

	if (read_setting("/proc/sys/vm/overcommit_memory") == 2)
		SKIP("vm.overcommit_memory is 2");
	p = tamalloc(VAST);
	CHECK(p);
	p[VAST - 1] = 1;
	CHECK_BETWEEN(status_bytes("VmRSS"), 0, rss + 512 * KIB);
	tam_free((char *)p);
}

FALLBACK_TEST(patterns_are_written_at_once)
{
	static unsigned char pattern[TAM_PATTERN_MAX];
	size_t lengths[] = { 1, 2, 3, PAGE - 1, PAGE, PAGE + 1, TAM_PATTERN_MAX };
	unsigned int i;

	make_pattern(pattern, sizeof(pattern));
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct tam_attr attr = {
			.pattern = pattern, .pattern_len = lengths[i]
		};
		size_t size = 40 * PAGE;
		char *p = tam_alloc(size, &attr);

		CHECK(p);
		CHECK_EQ(pages_present(p, size), 40);
		check_pattern(p, size, pattern, lengths[i], 0);
		tam_free(p);
	}
}

/* Rather than be killed half-way. */
FALLBACK_TEST(a_pattern_larger_than_memory_is_refused)
{
	char may[4] = "", *p;
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);

	if (read(fd, may, sizeof(may) - 1) < 1 || may[0] == '1')
		SKIP("here all memory may be promised");
	CHECK_NULL(tam_alloc(16384 * GIB, &pattern_attr), ENOMEM);
	CHECK_NULL(tam_alloc(16384 * GIB, &shared_pattern_attr), ENOMEM);
	p = tam_alloc(PAGE, &pattern_attr);
	CHECK(p);
	CHECK_NULL(tam_realloc(p, 16384 * GIB), ENOMEM);
	CHECK(!memcmp(p, "abcabc", 6));
	tam_free(p);
}

FALLBACK_TEST(alignment_and_name_are_accepted)
{
	struct tam_attr attr = { .alignment = 64 * MIB, .name = "name" };
	char *p = tam_alloc(3 * PAGE, &attr);

	CHECK(p);
	CHECK_EQ((uintptr_t)p % (64 * MIB), 0);
	check_bytes(p, 3 * PAGE, 0);
}

FALLBACK_TEST(private_memory_is_private_and_shared_memory_shared)
{
	char *p = tam_alloc(3 * PAGE, &pattern_attr);
	char *s = tam_alloc(3 * PAGE, &shared_pattern_attr);
	pid_t pid;
	int status;

	CHECK(p && s);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		check_pattern(s, 3 * PAGE, "abc", 3, 0);
		memset(p, 'p', 3 * PAGE);
		memset(s, 's', PAGE);
		tam_free(p);
		tam_free(s);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	check_pattern(p, 3 * PAGE, "abc", 3, 0);
	check_bytes(s, PAGE, 's');
	check_pattern(s + PAGE, 2 * PAGE, "abc", 3, PAGE);
}

FALLBACK_TEST(bad_input_gets_the_same_answers)
{
	static char pattern[TAM_PATTERN_MAX + 1];
	struct tam_attr attr = { .pattern = pattern };
	volatile size_t max = SIZE_MAX;

	CHECK_NULL(tamalloc(0), EINVAL);
	CHECK_NULL(tamalloc(max), ENOMEM);
	CHECK_NULL(tamalloc(max / 2 - 2 * PAGE), ENOMEM);
	CHECK_NULL(tam_calloc(max / 2, 3), ENOMEM);
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr.pattern_len = sizeof(pattern);
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr = (struct tam_attr){ .alignment = 3 };
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	attr = (struct tam_attr){ .flags = 1UL << 2 };
	CHECK_NULL(tam_alloc(PAGE, &attr), EINVAL);
	limit_memory(32 * MIB);
	CHECK_NULL(tamalloc(64 * MIB), ENOMEM);
}

static void do_free(void *p)
{
	tam_free(p);
}

static void free_twice(void *p)
{
	tam_free(p);
	tam_free(p);
}

FALLBACK_TEST(free_of_what_is_no_start_of_an_allocation_aborts)
{
	char *p = tamalloc(4 * PAGE);

	CHECK(p);
	tam_free(NULL);
	aborts_naming(do_free, &p);
	aborts_naming(do_free, p + PAGE);
	aborts_naming(free_twice, p);
	tam_free(p);
	CHECK(segv(p, false));
}

/* Resizing */

static void grow_and_shrink(const struct tam_attr *attr, const char *pattern,
			    size_t period)
{
	char *p = tam_alloc(5 * PAGE, attr), *q;

	CHECK(p);
	write_marks(p, 2 * PAGE, 1);
	block(p);
	q = tam_realloc(p, 20 * PAGE);
	CHECK(q && q != p);
	CHECK_EQ(tam_usable_size(q), 20 * PAGE);
	check_marks(q, 2 * PAGE, 1);
	check_pattern(q + 2 * PAGE, 18 * PAGE, pattern, period, 2 * PAGE);
	memset(q, 0xee, 20 * PAGE);
	CHECK(tam_realloc(q, PAGE) == q);
	CHECK(segv(q + PAGE, false));
	p = tam_realloc(q, 10 * PAGE);
	CHECK(p);
	check_bytes(p, PAGE, 0xee);
	check_pattern(p + PAGE, 9 * PAGE, pattern, period, PAGE);
	CHECK_NULL(tam_realloc(p, 0), EINVAL);
	CHECK_NULL(tam_realloc(p, SIZE_MAX / 2 - 2 * PAGE), ENOMEM);
	check_bytes(p, PAGE, 0xee);
	tam_free(p);
}

FALLBACK_TEST(realloc_keeps_the_old_part_and_adds_first_contents)
{
	struct tam_attr aligned = {
		.pattern = "abcde", .pattern_len = 5, .alignment = 2 * MIB
	};

	grow_and_shrink(NULL, "", 1);
	grow_and_shrink(&pattern_attr, "abc", 3);
	grow_and_shrink(&aligned, "abcde", 5);
}

FALLBACK_TEST(growing_after_mprotect_keeps_contents_and_protection)
{
	char *p = tam_alloc(8 * PAGE, &pattern_attr);

	CHECK(p);
	write_marks(p, 4 * PAGE, 1);
	CHECK(!mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	block(p);
	p = tam_realloc(p, 20 * PAGE);
	CHECK(p);
	check_marks(p, 4 * PAGE, 1);
	check_pattern(p + 4 * PAGE, 16 * PAGE, "abc", 3, 4 * PAGE);
	CHECK(segv(p + 2 * PAGE, true));
	CHECK(!segv(p + 3 * PAGE, true));
}

FALLBACK_TEST(shared_memory_shrinks_but_does_not_grow)
{
	char *p = tam_alloc(4 * PAGE, &shared_attr);

	CHECK(p);
	write_marks(p, 4 * PAGE, 1);
	CHECK_NULL(tam_realloc(p, 5 * PAGE), ENOMEM);
	CHECK_EQ(tam_usable_size(p), 4 * PAGE);
	CHECK(tam_realloc(p, 2 * PAGE) == p);
	CHECK_NULL(tam_realloc(p, 4 * PAGE), ENOMEM);
	check_marks(p, 2 * PAGE, 1);
}

/* Contents */

FALLBACK_TEST(reset_gives_first_contents_again)
{
	const struct tam_attr *attr[] = { NULL, &pattern_attr, &shared_attr,
					  &shared_pattern_attr };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		char *p = tam_alloc(100 * PAGE, attr[i]);

		CHECK(p);
		write_marks(p, 100 * PAGE, 1);
		CHECK(!tam_memset(p + 1, 'z', 98 * PAGE));
		CHECK(!tam_reset(p));
		if (i % 2) {
			check_pattern(p, 100 * PAGE, "abc", 3, 0);
			continue;
		}
		CHECK_EQ(pages_present(p, 100 * PAGE), 0);
		check_bytes(p, 100 * PAGE, 0);
	}
}

FALLBACK_TEST(decommit_gives_whole_pages_their_first_contents)
{
	const struct tam_attr *attr[] = { NULL, &pattern_attr, &shared_attr,
					  &shared_pattern_attr };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		char *p = tam_alloc(10 * PAGE, attr[i]);

		CHECK(p);
		write_marks(p, 10 * PAGE, 1);
		CHECK(!tam_decommit(p, PAGE + 1, 4 * PAGE));
		check_marks(p, 2 * PAGE, 1);
		if (i % 2)
			check_pattern(p + 2 * PAGE, 3 * PAGE, "abc", 3, 2 * PAGE);
		else
			check_bytes(p + 2 * PAGE, 3 * PAGE, 0);
		check_marks(p + 5 * PAGE, 5 * PAGE, 1 + 5 * PAGE);
		CHECK_ERRNO(tam_decommit(p, 0, 10 * PAGE + 1), EINVAL);
	}
}

FALLBACK_TEST(memset_sets_exactly_its_range)
{
	const struct tam_attr *attr[] = { NULL, &pattern_attr, &shared_attr,
					  &shared_pattern_attr };
	static const int bytes[] = { 0, 'z', -1 };
	unsigned int i;

	for (i = 0; i < 12; i++) {
		char *p = tam_alloc(100 * PAGE, attr[i / 3]);
		size_t from = PAGE + 7, len = 90 * PAGE + 100;
		int byte = bytes[i % 3];

		CHECK(p);
		write_marks(p, 100 * PAGE, 1);
		CHECK(!tam_memset(p + from, byte, len));
		check_marks(p, from, 1);
		check_bytes(p + from, len, (unsigned char)byte);
		check_marks(p + from + len, 100 * PAGE - from - len,
			    1 + from + len);
		CHECK_ERRNO(tam_memset(p + 1, 1, 100 * PAGE), EINVAL);
	}
}

FALLBACK_TEST(memset_of_zeros_releases_zeros)
{
	char *p = tamalloc(100 * PAGE);

	CHECK(p);
	touch(p, 100 * PAGE);
	CHECK(!tam_memset(p, 0, 100 * PAGE));
	CHECK_EQ(pages_present(p, 100 * PAGE), 0);
}

FALLBACK_TEST(commit_commits_and_keeps_contents)
{
	const struct tam_attr *attr[] = { NULL, &shared_attr };
	unsigned int i;
	long faults;

	for (i = 0; i < 2; i++) {
		char *p = tam_alloc(1000 * PAGE, attr[i]);

		CHECK(p);
		write_marks(p + 10 * PAGE, PAGE, 1);
		CHECK(!tam_commit(p, 1, 999 * PAGE));
		CHECK_EQ(pages_present(p, 1000 * PAGE), 1000);
		check_bytes(p, 10 * PAGE, 0);
		check_marks(p + 10 * PAGE, PAGE, 1);
		check_bytes(p + 11 * PAGE, 989 * PAGE, 0);
		faults = minor_faults();
		touch(p, 1000 * PAGE);
		CHECK_BETWEEN(minor_faults() - faults, 0, 5);
		CHECK_ERRNO(tam_commit(p, 0, 1000 * PAGE + 1), EINVAL);
	}
}

FALLBACK_TEST(commit_of_what_is_protected_is_an_error_not_a_signal)
{
	char *p = tamalloc(4 * PAGE);

	CHECK(p);
	CHECK(!mprotect(p + PAGE, PAGE, PROT_NONE));
	if (madvise(p, 0, 23 /* MADV_POPULATE_WRITE */))
		SKIP("before Linux 5.14 there is no way to tell");
	CHECK_ERRNO(tam_commit(p, 0, 4 * PAGE), EACCES);
}

FALLBACK_TEST(any_order_of_calls_gives_the_contents_of_a_model)
{
	struct tam_attr aligned = {
		.pattern = "12345", .pattern_len = 5, .alignment = MIB
	};

	run_model(NULL, 1);
	run_model(&pattern_attr, 2);
	run_model(&aligned, 3);
}

/* Refused */

FALLBACK_TEST(the_flag_TAM_NO_FALLBACK_refuses_it_with_ENODEV)
{
	struct tam_attr attr = { .flags = TAM_NO_FALLBACK };

	CHECK_NULL(tam_alloc(PAGE, &attr), ENODEV);
	attr.flags |= TAM_SHARED;
	CHECK_NULL(tam_alloc(PAGE, &attr), ENODEV);
	CHECK(tamalloc(PAGE));
}

TEST(the_environment_refuses_it_with_ENODEV)
{
	hide_device();
	CHECK(!setenv("TAMALLOC_NO_FALLBACK", "1", 1));
	CHECK_ERRNO(tam_backend(), ENODEV);
	CHECK_NULL(tamalloc(PAGE), ENODEV);
	CHECK_NULL(tam_calloc(1, PAGE), ENODEV);
	CHECK_NULL(tam_alloc(PAGE, &pattern_attr), ENODEV);
	CHECK_NULL(tam_realloc(NULL, PAGE), ENODEV);
	CHECK(strstr(tam_strerror(errno), "modprobe tamalloc"));
}

TEST(an_empty_environment_variable_does_not)
{
	hide_device();
	CHECK(!setenv("TAMALLOC_NO_FALLBACK", "", 1));
	CHECK_EQ(tam_backend(), TAM_BACKEND_FALLBACK);
	CHECK(tamalloc(PAGE));
}

FALLBACK_TEST(statistics_and_objects_never_pretend_ENODEV)
{
	struct tam_process_stats process;
	struct tam_system_stats system;
	struct tam_query query;

	CHECK(tamalloc(PAGE));
	CHECK_ERRNO(tam_process_stats(0, &process, sizeof(process)), ENODEV);
	CHECK_ERRNO(tam_system_stats(&system, sizeof(system)), ENODEV);
	CHECK_ERRNO(tam_query(&query, sizeof(query)), ENODEV);
	CHECK_ERRNO(tam_open(NULL), ENODEV);
	CHECK_ERRNO(tam_open(&pattern_attr), ENODEV);
	CHECK(strstr(tam_strerror(ENODEV), "modprobe"));
	CHECK(strstr(tam_strerror(ENODEV), "insmod"));
}

/* Other reasons */

/* A device node of our choice under the name; skips where that is impossible. */
static void make_node(unsigned int mode, unsigned int major, unsigned int minor)
{
	if (geteuid())
		SKIP("only root can make device nodes");
	empty_dev();
	if (mknod("/dev/tamalloc", S_IFCHR | mode, makedev(major, minor)))
		SKIP("no device nodes here: %s", strerror(errno));
	CHECK(!chmod("/dev/tamalloc", mode));
}

static void become_nobody(void)
{
	CHECK(!setgroups(0, NULL) && !setgid(65534) && !setuid(65534));
}

/* The device itself where there is one, as its owner might have set it. */
static void forbid_device(void)
{
	struct stat st;

	if (stat("/dev/tamalloc", &st))
		st.st_rdev = makedev(1, 5);
	make_node(0600, major(st.st_rdev), minor(st.st_rdev));
	become_nobody();
	CHECK_ERRNO(open("/dev/tamalloc", O_RDWR), EACCES);
}

TEST(without_permission_it_falls_back_and_says_EACCES)
{
	struct tam_process_stats stats;
	char *p;

	forbid_device();
	errno = 0;
	CHECK_EQ(tam_backend(), TAM_BACKEND_FALLBACK);
	CHECK_EQ(errno, EACCES);
	p = tam_alloc(3 * PAGE, &pattern_attr);
	CHECK(p);
	check_pattern(p, 3 * PAGE, "abc", 3, 0);
	CHECK_ERRNO(tam_process_stats(0, &stats, sizeof(stats)), EACCES);
	CHECK_ERRNO(tam_open(NULL), EACCES);
}

TEST(without_permission_a_refused_fallback_is_EACCES_and_the_text_helps)
{
	struct tam_attr attr = { .flags = TAM_NO_FALLBACK };

	forbid_device();
	CHECK_NULL(tam_alloc(PAGE, &attr), EACCES);
	CHECK(strstr(tam_strerror(EACCES), "no permission"));
	CHECK(strstr(tam_strerror(EACCES), "/dev/tamalloc"));
	CHECK(strstr(tam_strerror(EACCES), "0600"));
	CHECK(strstr(tam_strerror(EACCES), "udev"));
}

TEST(without_permission_the_environment_refuses_with_EACCES)
{
	forbid_device();
	CHECK(!setenv("TAMALLOC_NO_FALLBACK", "yes", 1));
	CHECK_NULL(tamalloc(PAGE), EACCES);
	CHECK_ERRNO(tam_backend(), EACCES);
}

TEST(with_permission_again_nothing_is_wrong_with_the_test)
{
	struct stat st;

	if (stat("/dev/tamalloc", &st))
		SKIP("no /dev/tamalloc");
	make_node(0666, major(st.st_rdev), minor(st.st_rdev));
	become_nobody();
	CHECK_EQ(tam_backend(), TAM_BACKEND_MODULE);
	CHECK(tamalloc(PAGE));
}

static void check_no_such_device(void)
{
	errno = 0;
	CHECK_EQ(tam_backend(), TAM_BACKEND_FALLBACK);
	CHECK_EQ(errno, ENODEV);
	check_bytes(tamalloc(PAGE), PAGE, 0);
}

TEST(a_node_left_behind_by_a_module_is_ENODEV)
{
	make_node(0666, 10, 254);
	CHECK_ERRNO(open("/dev/tamalloc", O_RDWR), ENODEV);
	check_no_such_device();
}

TEST(a_node_without_any_driver_is_ENODEV)
{
	make_node(0666, 240, 0);
	CHECK_ERRNO(open("/dev/tamalloc", O_RDWR), ENXIO);
	check_no_such_device();
}

TEST(another_device_of_that_name_is_ENODEV)
{
	make_node(0666, 1, 5);		/* /dev/zero */
	check_no_such_device();
}

TEST(a_file_of_that_name_is_not_mapped)
{
	char *p;
	int fd;

	if (geteuid())
		SKIP("only root can write into its own /dev");
	empty_dev();
	fd = open("/dev/tamalloc", O_RDWR | O_CREAT, 0666);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "contents", 8), 8);
	p = tamalloc(PAGE);
	CHECK(p);
	check_bytes(p, PAGE, 0);
	check_no_such_device();
}

TEST(a_module_of_another_ABI_is_EPROTONOSUPPORT_and_the_text_helps)
{
	struct tam_attr attr = { .flags = TAM_NO_FALLBACK };
	struct tam_process_stats stats;

	make_node(0666, 1, 5);
	pretended_abi = 77;
	errno = 0;
	CHECK_EQ(tam_backend(), TAM_BACKEND_FALLBACK);
	CHECK_EQ(errno, EPROTONOSUPPORT);
	check_bytes(tamalloc(PAGE), PAGE, 0);
	CHECK_NULL(tam_alloc(PAGE, &attr), EPROTONOSUPPORT);
	CHECK_ERRNO(tam_process_stats(0, &stats, sizeof(stats)),
		    EPROTONOSUPPORT);
	CHECK_ERRNO(tam_open(NULL), EPROTONOSUPPORT);
	CHECK(strstr(tam_strerror(EPROTONOSUPPORT), "ABI 77"));
	CHECK(strstr(tam_strerror(EPROTONOSUPPORT), tam_version()));
	CHECK(strstr(tam_strerror(EPROTONOSUPPORT), "same release"));
}

TEST(what_was_decided_is_kept)
{
	struct stat st;
	char *p, *q;

	if (stat("/dev/tamalloc", &st))
		SKIP("no /dev/tamalloc");
	if (geteuid())
		SKIP("only root can make device nodes");
	empty_dev();
	p = tam_alloc(100 * PAGE, &pattern_attr);
	CHECK(p);
	CHECK(!mknod("/dev/tamalloc", S_IFCHR | 0666, st.st_rdev));
	CHECK_EQ(tam_backend(), TAM_BACKEND_FALLBACK);
	q = tamalloc(PAGE);
	p = tam_realloc(p, 200 * PAGE);
	CHECK(p && q);
	CHECK(!tam_memset(p, 5, 150 * PAGE));
	check_bytes(p, 150 * PAGE, 5);
	check_pattern(p + 150 * PAGE, 50 * PAGE, "abc", 3, 150 * PAGE);
	tam_free(p);
	tam_free(q);
}
