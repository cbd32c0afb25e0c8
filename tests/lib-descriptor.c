// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's own descriptor, which programs close and replace without
 * knowing of it, and the descriptors it hands out.
 */
#define _GNU_SOURCE
#include "lib.h"

#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static bool is_device(int fd)
{
	char path[64], target[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = 0;
	return !strcmp(target, "/dev/tamalloc");
}

/* How many descriptors of the device are open; *fd is the last of them. */
static int devices(int *fd)
{
	int i, n = 0;

	for (i = 0; i < 200; i++) {
		if (!is_device(i))
			continue;
		n++;
		if (fd)
			*fd = i;
	}
	return n;
}

/* After one allocation there is exactly one. */
static int library_descriptor(void)
{
	int fd = -1;

	CHECK(tamalloc(PAGE));
	CHECK_EQ(devices(&fd), 1);
	return fd;
}

static bool mapped(const char *name)
{
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		found |= !!strstr(line, name);
	fclose(maps);
	return found;
}

static void close_all(void)
{
	int fd;

	for (fd = 3; fd < 200; fd++)
		close(fd);
}

static void check_works(void)
{
	struct tam_attr shared = { .flags = TAM_SHARED };
	struct tam_process_stats stats;
	char *p = tamalloc(3 * PAGE), *q = tam_alloc(3 * PAGE, &shared);

	CHECK(p && q);
	check_bytes(p, 3 * PAGE, 0);
	check_bytes(q, 3 * PAGE, 0);
	write_marks(p, 3 * PAGE, 1);
	check_marks(p, 3 * PAGE, 1);
	CHECK(!tam_process_stats(0, &stats, sizeof(stats)));
	tam_free(p);
	tam_free(q);
}

MODULE_TEST(after_closefrom_new_allocations_work)
{
	library_descriptor();
	close_all();
	check_works();
	CHECK_EQ(devices(NULL), 1);
}

MODULE_TEST(after_closefrom_every_function_works)
{
	struct tam_attr attr = { .pattern = "abc", .pattern_len = 3 };
	struct tam_attr shared = {
		.pattern = "abc", .pattern_len = 3, .flags = TAM_SHARED
	};
	char *p = tamalloc(100 * PAGE), *q = tam_alloc(100 * PAGE, &attr);
	char *s = tam_alloc(100 * PAGE, &shared);
	struct tam_query query;

	CHECK(p && q && s);
	write_marks(p, 100 * PAGE, 1);
	write_marks(q, 100 * PAGE, 2);
	write_marks(s, 100 * PAGE, 3);
	close_all();
	check_marks(p, 100 * PAGE, 1);
	check_marks(q, 100 * PAGE, 2);
	check_marks(s, 100 * PAGE, 3);
	close_all();
	CHECK(!tam_reset(s));
	check_pattern(s, 100 * PAGE, "abc", 3, 0);
	close_all();
	CHECK(!tam_commit(q, 0, 100 * PAGE));
	close_all();
	CHECK(!tam_memset(q, 7, 100 * PAGE));
	check_bytes(q, 100 * PAGE, 7);
	close_all();
	q = tam_realloc(q, 200 * PAGE);
	CHECK(q);
	check_bytes(q, 100 * PAGE, 7);
	check_pattern(q + 100 * PAGE, 100 * PAGE, "abc", 3, 100 * PAGE);
	close_all();
	p = tam_realloc(p, 200 * PAGE);
	CHECK(p);
	check_marks(p, 100 * PAGE, 1);
	close_all();
	CHECK(!tam_query(&query, sizeof(query)));
	close_all();
	CHECK(tam_open(&attr) >= 0);
	close_all();
	tam_free(p);
	tam_free(q);
	tam_free(s);
}

MODULE_TEST(a_file_that_got_the_number_is_never_mapped_nor_closed)
{
	int fd = library_descriptor(), file = open("/etc/passwd", O_RDONLY);
	struct stat before, after;

	CHECK(file >= 0 && dup2(file, fd) == fd);
	CHECK(!fstat(fd, &before));
	check_works();
	CHECK(!mapped("/etc/passwd"));
	CHECK(!fstat(fd, &after));
	CHECK_EQ(before.st_ino, after.st_ino);
	CHECK(fcntl(fd, F_GETFD) == 0);
}

MODULE_TEST(a_memfd_that_got_the_number_is_never_mapped_nor_written)
{
	int fd = library_descriptor(), file = memfd_create("stranger", 0);
	unsigned char c;

	CHECK(file >= 0 && !ftruncate(file, 16 * PAGE));
	CHECK_EQ(pwrite(file, "\xee", 1, 5), 1);
	CHECK_EQ(dup2(file, fd), fd);
	check_works();
	CHECK(!mapped("stranger"));
	CHECK_EQ(pread(fd, &c, 1, 5), 1);
	CHECK_EQ(c, 0xee);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 0);
}

MODULE_TEST(dev_zero_that_got_the_number_is_not_mapped)
{
	int fd = library_descriptor(), file = open("/dev/zero", O_RDWR);

	CHECK(file >= 0 && dup2(file, fd) == fd);
	check_works();
	CHECK(tamalloc(PAGE));
	CHECK(!mapped("/dev/zero"));
}

MODULE_TEST(another_object_that_got_the_number_does_not_lend_its_pattern)
{
	struct tam_attr attr = { .pattern = "x", .pattern_len = 1 };
	int fd = library_descriptor(), other = tam_open(&attr);
	struct tam_object_stats stats;

	CHECK(other >= 0 && dup2(other, fd) == fd);
	check_works();
	CHECK(!tam_object_stats(fd, &stats, sizeof(stats)));
	CHECK_EQ(stats.mapped, 0);
}

MODULE_TEST(another_object_that_got_the_number_does_not_lend_what_was_stored)
{
	int fd = library_descriptor(), other = tam_open(NULL);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 0xee, PAGE);
	CHECK_EQ(dup2(other, fd), fd);
	check_works();
}

MODULE_TEST(a_copy_of_the_descriptor_under_its_number_is_the_same)
{
	int fd = library_descriptor(), copy = dup(fd);

	CHECK(copy >= 0);
	close(fd);
	CHECK_EQ(dup2(copy, fd), fd);
	close(copy);
	check_works();
	CHECK_EQ(devices(NULL), 1);
}

MODULE_TEST(allocations_leave_no_descriptors_behind)
{
	struct tam_attr attr = { .pattern = "abc", .pattern_len = 3 };
	char *p = tam_alloc(100 * PAGE, &attr);
	int i;

	CHECK(p && tamalloc(PAGE));
	for (i = 0; i < 20; i++) {
		CHECK(!tam_memset(p, i, 100 * PAGE));
		CHECK(!tam_decommit(p, PAGE, PAGE));
		CHECK(tam_alloc(PAGE, &attr));
		p = tam_realloc(p, (110 + i) * PAGE);
		CHECK(p);
		CHECK(!tam_reset(p));
	}
	CHECK_EQ(devices(NULL), 1);
}

MODULE_TEST(a_child_that_closes_everything_does_not_disturb_its_parent)
{
	pid_t pid;
	int status;

	library_descriptor();
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		close_all();
		check_works();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	check_works();
	CHECK_EQ(devices(NULL), 1);
}

MODULE_TEST(a_program_after_exec_does_not_inherit_the_descriptors)
{
	char line[512];
	bool listed = false;
	FILE *ls;

	library_descriptor();
	CHECK(tam_open(NULL) >= 0);
	CHECK_EQ(devices(NULL), 2);
	ls = popen("ls -l /proc/self/fd", "r");
	CHECK(ls);
	while (fgets(line, sizeof(line), ls)) {
		CHECK(!strstr(line, "tamalloc"));
		listed |= !!strstr(line, "->");
	}
	CHECK_EQ(pclose(ls), 0);
	CHECK(listed);
}

MODULE_TEST(after_exec_the_library_starts_afresh)
{
	int null;

	if (getenv("TAM_TEST_EXEC")) {
		CHECK_EQ(devices(NULL), 1);	/* of MODULE_TEST itself */
		check_works();
		return;
	}
	library_descriptor();
	null = open("/dev/null", O_WRONLY);
	CHECK(!setenv("TAM_TEST_EXEC", "1", 1));
	CHECK_EQ(dup2(null, STDOUT_FILENO), STDOUT_FILENO);
	execl("/proc/self/exe", "lib-descriptor",
	      "after_exec_the_library_starts_afresh", NULL);
	FAIL("exec: %s", strerror(errno));
}

/* Those that tam_open hands out. */

MODULE_TEST(an_object_can_be_mapped_shared_and_private_any_number_of_times)
{
	struct tam_attr attr = { .pattern = "image", .pattern_len = 5 };
	int fd = tam_open(&attr), i;
	char *image, *p[5];

	CHECK(fd >= 0);
	image = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(image != MAP_FAILED);
	check_pattern(image, 10 * PAGE, "image", 5, 0);
	write_marks(image + PAGE, PAGE, 1);
	for (i = 0; i < 5; i++) {
		p[i] = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE, fd, 0);
		CHECK(p[i] != MAP_FAILED);
		check_marks(p[i] + PAGE, PAGE, 1);
		write_marks(p[i], 10 * PAGE, 10 + i);
	}
	close(fd);
	for (i = 0; i < 5; i++)
		check_marks(p[i], 10 * PAGE, 10 + i);
	check_pattern(image, PAGE, "image", 5, 0);
	check_marks(image + PAGE, PAGE, 1);
	check_pattern(image + 2 * PAGE, 8 * PAGE, "image", 5, 2 * PAGE);
}

static void send_descriptor(int sock, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1);
}

static int receive_descriptor(int sock)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space)
	};
	int fd;

	CHECK_EQ(recvmsg(sock, &msg, 0), 1);
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

MODULE_TEST(an_object_passed_over_a_socket_is_the_same_object)
{
	struct tam_attr attr = { .pattern = "abc", .pattern_len = 3 };
	int sock[2], fd, status;
	pid_t pid;
	char *p;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = fork();			/* before there is an object */
	CHECK(pid >= 0);
	if (!pid) {
		fd = receive_descriptor(sock[1]);
		p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);
		CHECK(p != MAP_FAILED);
		check_marks(p, PAGE, 1);
		check_pattern(p + PAGE, 3 * PAGE, "abc", 3, PAGE);
		write_marks(p + 2 * PAGE, PAGE, 2);
		_exit(0);
	}
	fd = tam_open(&attr);
	CHECK(fd >= 0);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	write_marks(p, PAGE, 1);
	send_descriptor(sock[0], fd);
	close(fd);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	check_marks(p + 2 * PAGE, PAGE, 2);
}

MODULE_TEST(punch_gives_pages_back_and_keeps_private_copies)
{
	struct tam_attr attr = { .pattern = "abc", .pattern_len = 3 };
	int fd = tam_open(&attr);
	struct tam_object_stats stats;
	char *s, *p;

	CHECK(fd >= 0);
	s = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(s != MAP_FAILED && p != MAP_FAILED);
	write_marks(s, 8 * PAGE, 1);
	p[2 * PAGE] = 'P';
	CHECK(!tam_object_stats(fd, &stats, sizeof(stats)));
	CHECK_EQ(stats.held, 8 * PAGE);
	CHECK(!tam_punch(fd, PAGE, 3 * PAGE));
	CHECK(!tam_object_stats(fd, &stats, sizeof(stats)));
	CHECK_EQ(stats.held, 5 * PAGE);
	check_marks(s, PAGE, 1);
	check_pattern(s + PAGE, 3 * PAGE, "abc", 3, PAGE);
	check_marks(s + 4 * PAGE, 4 * PAGE, 1 + 4 * PAGE);
	CHECK_EQ(p[2 * PAGE], 'P');
	check_marks(p + 2 * PAGE + 1, PAGE - 1, 1 + 2 * PAGE + 1);
}

MODULE_TEST(punch_wants_whole_pages_of_a_tamalloc_descriptor)
{
	int fd = tam_open(NULL), null = open("/dev/null", O_RDWR);

	CHECK(fd >= 0 && null >= 0);
	CHECK_ERRNO(tam_punch(fd, 1, PAGE), EINVAL);
	CHECK_ERRNO(tam_punch(fd, 0, PAGE + 1), EINVAL);
	CHECK_ERRNO(tam_punch(fd, 0, 0), EINVAL);
	CHECK_ERRNO(tam_punch(null, 0, PAGE), ENOTTY);
	CHECK_ERRNO(tam_punch(-1, 0, PAGE), EBADF);
}

MODULE_TEST(open_refuses_what_is_for_mappings_and_bad_attributes)
{
	static char pattern[TAM_PATTERN_MAX + 1];
	struct tam_attr attr = { .alignment = PAGE };

	CHECK_ERRNO(tam_open(&attr), EINVAL);
	attr = (struct tam_attr){ .flags = TAM_SHARED };
	CHECK_ERRNO(tam_open(&attr), EINVAL);
	attr = (struct tam_attr){ .flags = 1UL << 5 };
	CHECK_ERRNO(tam_open(&attr), EINVAL);
	attr = (struct tam_attr){ .pattern = pattern };
	CHECK_ERRNO(tam_open(&attr), EINVAL);
	attr.pattern_len = sizeof(pattern);
	CHECK_ERRNO(tam_open(&attr), EINVAL);
	attr = (struct tam_attr){ .reserved = { 0, 1, 0 } };
	CHECK_ERRNO(tam_open(&attr), EINVAL);
	attr = (struct tam_attr){ .flags = TAM_NO_FALLBACK };
	CHECK(tam_open(&attr) >= 0);
	CHECK_EQ(devices(NULL), 2);	/* and the library's own */
}
