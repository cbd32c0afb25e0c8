// SPDX-License-Identifier: GPL-2.0-only
#include "harness.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static struct test *first, **last = &first;

void test_add(struct test *test)
{
	*last = test;
	last = &test->next;
}

int in_child(void (*fn)(void *arg), void *arg)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

void child_passes(void (*fn)(void *arg), void *arg)
{
	int status = in_child(fn, arg);

	if (WIFSIGNALED(status))
		FAIL("the child was killed: %s", strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));	/* it has said why */
}

uint64_t page_faults(void)
{
	static int fd = -1;
	static pid_t owner;
	uint64_t count;

	if (owner != getpid()) {
		struct perf_event_attr attr = {
			.type = PERF_TYPE_SOFTWARE,
			.size = sizeof(attr),
			.config = PERF_COUNT_SW_PAGE_FAULTS,
		};

		owner = getpid();
		fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			     PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			FAIL("perf_event_open: %s", strerror(errno));
	}
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	return count;
}

uint64_t status_bytes(const char *field)
{
	char line[256];
	unsigned long long kib;
	size_t len = strlen(field);
	FILE *file = fopen("/proc/self/status", "r");

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, len) || line[len] != ':')
			continue;
		CHECK_EQ(sscanf(line + len + 1, "%llu", &kib), 1);
		fclose(file);
		return kib << 10;
	}
	FAIL("/proc/self/status has no %s", field);
}

bool page_present(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &entry, sizeof(entry),
		       (off_t)((uintptr_t)addr / getpagesize() * sizeof(entry))),
		 sizeof(entry));
	close(fd);
	return entry >> 63;
}

bool kernel_at_least(int major, int minor)
{
	struct utsname name;
	int a, b;

	CHECK(!uname(&name));
	CHECK_EQ(sscanf(name.release, "%d.%d", &a, &b), 2);
	return a > major || (a == major && b >= minor);
}

unsigned int patience(void)
{
	const char *env = getenv("TAM_PATIENCE");

	return env ? strtoul(env, NULL, 10) : 1;
}

static sigjmp_buf caught;

static void on_sigbus(int sig)
{
	siglongjmp(caught, sig);
}

static bool sigbus(volatile char *addr, bool write)
{
	struct sigaction old, new = { .sa_handler = on_sigbus };
	volatile bool raised = true;

	CHECK(!sigaction(SIGBUS, &new, &old));
	if (!sigsetjmp(caught, 1)) {
		if (write)
			*addr = 1;
		else
			(void)*addr;
		raised = false;
	}
	CHECK(!sigaction(SIGBUS, &old, NULL));
	return raised;
}

bool read_sigbus(const volatile char *addr)
{
	return sigbus((volatile char *)addr, false);
}

bool write_sigbus(volatile char *addr)
{
	return sigbus(addr, true);
}

static bool chosen(const struct test *test, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, test->name))
			return true;
	return false;
}

/* Returns whether the test passed, or was skipped. */
static bool run(const struct test *test, int number)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		alarm(TEST_SECONDS * patience());
		test->fn();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(1);
	}
	kill(-pid, SIGKILL);		/* what it left behind */
	while (waitpid(-pid, NULL, 0) > 0)
		;			/* its memory, too */

	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		printf("ok %d - %s # SKIP\n", number, test->name);
		return true;
	}
	if (WIFSIGNALED(status))
		printf("# %s\n", WTERMSIG(status) == SIGALRM ?
		       "still running after its time" :
		       strsignal(WTERMSIG(status)));
	printf("%s %d - %s\n", status ? "not ok" : "ok", number, test->name);
	return !status;
}

int main(int argc, char **argv)
{
	int number = 0, failed = 0;
	struct test *test;

	for (test = first; test; test = test->next)
		number += chosen(test, argv + 1);
	if (argc > 1 && !number) {
		fprintf(stderr, "%s: no such test\n", argv[0]);
		return 2;
	}
	printf("1..%d\n", number);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	number = 0;
	for (test = first; test; test = test->next)
		if (chosen(test, argv + 1))
			failed += !run(test, ++number);
	return failed > 0;
}
