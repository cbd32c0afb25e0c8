// SPDX-License-Identifier: GPL-2.0-only
/*
 * Those who look into, watch over and interfere with a process that has
 * mappings: debuggers, sandboxes, profilers.
 */
#include "books.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <sys/ptrace.h>
#include <sys/swap.h>
#include <sys/uio.h>

#define BYTE	0xa5
#define WORD	0xa5a5a5a5a5a5a5a5

static void write_one(void *addr)
{
	*(volatile char *)addr = 1;
}

/* ptrace */

static void step_through(bool write, int flags)
{
	char *p = map(open_byte(BYTE), 4 * PAGE, RW, flags, 0);
	int status, steps = 0;
	pid_t child = fork();

	if (!child) {
		CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		for (int i = 0; i < 4; i++)
			if (write)
				write_one(p + i * PAGE);
			else
				touch_read(p + i * PAGE);
		raise(SIGSTOP);
		CHECK_EQ(committed_pages(p, 4 * PAGE), 4);
		CHECK_BYTES(p + PAGE + write, PAGE - write, BYTE);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	do {
		CHECK(!ptrace(PTRACE_SINGLESTEP, child, NULL, NULL));
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSTOPPED(status));
		steps++;
	} while (WSTOPSIG(status) == SIGTRAP);
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	CHECK(steps > 8);
	CHECK(!ptrace(PTRACE_DETACH, child, NULL, NULL));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(first_accesses_can_be_stepped_through)
{
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		step_through(false, flags);
		step_through(true, flags);
	}
}

/* A breakpoint in read-only code, as a debugger writes it. */
TEST(a_debugger_writes_to_readonly_memory_and_to_no_object)
{
	int fd = open_byte(BYTE), status;
	char *p = map(fd, 4 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	char *s = map(fd, 4 * PAGE, PROT_READ, MAP_SHARED, 0);
	pid_t child = fork();

	if (!child) {
		CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		CHECK_EQ(*(long *)p, 0x1234);
		CHECK_EQ(*(long *)(p + PAGE), 0x1234);
		CHECK_BYTES(p + 8, PAGE - 8, BYTE);
		CHECK_BYTES(s, 4 * PAGE, BYTE);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	touch_read(p);			/* stored, the other is not */
	CHECK(!ptrace(PTRACE_POKEDATA, child, p, 0x1234L));
	CHECK(!ptrace(PTRACE_POKEDATA, child, p + PAGE, 0x1234L));
	CHECK_ERRNO(ptrace(PTRACE_POKEDATA, child, s, 0x1234L), EIO);
	CHECK(!ptrace(PTRACE_DETACH, child, NULL, NULL));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_BYTES(p, 4 * PAGE, BYTE);
}

/* userfaultfd */

TEST(userfaultfd_takes_over_no_first_access)
{
	static const uint64_t modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_MINOR,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	CHECK(!ioctl(fd, UFFDIO_API, &api));
	for (int i = 0; i < 4; i++) {
		char *p = map(open_byte(BYTE), 4 * PAGE, RW,
			      i % 2 ? MAP_SHARED : MAP_PRIVATE, 0);
		struct uffdio_register reg = {
			.range = { (uintptr_t)p, 4 * PAGE },
			.mode = modes[i / 2],
		};
		struct uffdio_zeropage zero = { .range = reg.range };

		CHECK_ERRNO(ioctl(fd, UFFDIO_REGISTER, &reg), EINVAL);
		CHECK(ioctl(fd, UFFDIO_ZEROPAGE, &zero));
		CHECK_EQ(committed_pages(p, 4 * PAGE), 0);
		CHECK_BYTES(p, 4 * PAGE, BYTE);
	}
}

/* seccomp */

static void be_strict(void *p)
{
	char *q = p;
	long bad = 0;

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		SKIP("no seccomp");
	for (size_t i = 0; i < 64 * PAGE; i += 100)
		bad += q[i] != (char)BYTE;
	for (size_t i = 0; i < 64 * PAGE; i += PAGE)
		q[i] = 1;
	syscall(SYS_exit, bad != 0);
}

TEST(a_strict_sandbox_has_its_first_accesses)
{
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_byte(BYTE), 64 * PAGE, RW, flags, 0);

		child_passes(be_strict, p);
		CHECK_EQ(p[PAGE], flags == MAP_SHARED ? 1 : (char)BYTE);
	}
}

/* A sandbox whose system call getppid(2) somebody else answers. */
static int have_getppid_answered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static void *ask_with_memory(void *p)
{
	return (void *)syscall(SYS_getppid, p);
}

static void answer(int listener, pid_t pid)
{
	struct seccomp_notif notif = {};
	struct seccomp_notif_resp resp = {};
	uint64_t word, sum;
	struct iovec local = { &word, 8 }, remote = { NULL, 8 };

	CHECK(!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif));
	/* What it points to, where it has never been. */
	remote.iov_base = (void *)(uintptr_t)notif.data.args[0];
	CHECK_EQ(process_vm_readv(pid, &local, 1, &remote, 1, 0), 8);
	sum = word + 1;
	local.iov_base = &sum;
	CHECK_EQ(process_vm_writev(pid, &local, 1, &remote, 1, 0), 8);
	resp.id = notif.id;
	resp.val = 77;
	CHECK(!ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp));
}

TEST(the_supervisor_of_a_sandbox_reaches_untouched_memory)
{
	char *p = map_private(open_byte(BYTE), 4 * PAGE);
	int *listener = common(PAGE);
	int status, fd, pidfd;
	pid_t child = fork();

	if (!child) {
		*listener = have_getppid_answered();
		if (*listener < 0)
			SKIP("no seccomp with an answer");
		CHECK_EQ(ask_with_memory(p + PAGE), 77);
		CHECK_EQ(*(uint64_t *)(p + PAGE), WORD + 1);
		CHECK_EQ(committed_pages(p, 4 * PAGE), 1);
		_exit(0);
	}
	while (!*(volatile int *)listener && !waitpid(child, &status, WNOHANG))
		usleep(1000);
	if (*listener > 0) {
		pidfd = syscall(SYS_pidfd_open, child, 0);
		fd = syscall(SYS_pidfd_getfd, pidfd, *listener, 0);
		CHECK(fd >= 0);
		answer(fd, child);
		CHECK_EQ(waitpid(child, &status, 0), child);
	}
	if (status)
		_exit(WEXITSTATUS(status));
}

/* Protection keys */

static sigjmp_buf caught;
static volatile int caught_code;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	caught_code = info->si_code;
	siglongjmp(caught, 1);
}

/* The si_code of what an access raises, or 0. */
static int access_code(char *p, bool write)
{
	struct sigaction old, new = {
		.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO,
	};

	caught_code = 0;
	CHECK(!sigaction(SIGSEGV, &new, &old));
	if (!sigsetjmp(caught, 1)) {
		if (write)
			write_one(p);
		else
			touch_read(p);
	}
	CHECK(!sigaction(SIGSEGV, &old, NULL));
	return caught_code;
}

TEST(a_protection_key_keeps_from_memory_and_commits_nothing)
{
	int key = pkey_alloc(0, 0), fds[2];

	if (key < 0)
		SKIP("this processor has no protection keys");
	CHECK(!pipe(fds));
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_byte(BYTE), 4 * PAGE, RW, flags, 0);

		CHECK(!pkey_mprotect(p, 4 * PAGE, RW, key));
		CHECK(!pkey_set(key, PKEY_DISABLE_ACCESS));
		CHECK_ERRNO(write(fds[1], p, 100), EFAULT);
		CHECK_EQ(access_code(p, false), SEGV_PKUERR);
		CHECK(!pkey_set(key, PKEY_DISABLE_ACCESS));
		CHECK_EQ(access_code(p + PAGE, true), SEGV_PKUERR);
		/* A handler's rights outlive a long jump out of it. */
		CHECK(!pkey_set(key, PKEY_DISABLE_WRITE));
		CHECK_EQ(access_code(p + PAGE, true), SEGV_PKUERR);
		CHECK(!pkey_set(key, PKEY_DISABLE_WRITE));
		CHECK_EQ(committed_pages(p, 4 * PAGE), 0);
		CHECK_EQ(access_code(p, false), 0);
		CHECK_EQ(write(fds[1], p + 2 * PAGE, 100), 100);
		CHECK_EQ(committed_pages(p, 4 * PAGE), 2);
		CHECK(!pkey_set(key, 0));
		CHECK_EQ(access_code(p + PAGE, true), 0);
		CHECK_BYTES(p, PAGE, BYTE);
		CHECK_BYTES(p + PAGE + 1, 3 * PAGE - 1, BYTE);
	}
}

TEST(code_that_may_only_be_executed_is)
{
	static const uint8_t ret = 0xc3;
	int fd = open_object(), key = pkey_alloc(0, 0);

	if (key < 0)
		SKIP("this processor has no protection keys");
	CHECK(!set_pattern(fd, &ret, 1));
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 2 * PAGE, PROT_EXEC, flags, 0);

		((void (*)(void))(p + PAGE))();
		CHECK_EQ(access_code(p, false), SEGV_PKUERR);
		CHECK_EQ(access_code(p + PAGE, false), SEGV_PKUERR);
	}
}

/* perf */

#define BUFFER_PAGES	64

static int perf(struct perf_event_attr *attr)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = syscall(SYS_perf_event_open, attr, 0, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == EOPNOTSUPP))
		SKIP("no such event");
	if (fd < 0)
		FAIL("perf_event_open: %s", strerror(errno));
	return fd;
}

static struct perf_event_mmap_page *perf_buffer(int fd)
{
	void *p = mmap(NULL, (BUFFER_PAGES + 1) * PAGE, RW, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Samples of an address; how many were in the range. */
static size_t samples_in(struct perf_event_mmap_page *head, char *p, size_t len)
{
	char *data = (char *)head + PAGE;
	uint64_t at = head->data_tail;
	size_t n = 0;

	while (at < head->data_head) {
		struct perf_event_header *record =
			(void *)(data + at % (BUFFER_PAGES * PAGE));
		uint64_t addr = *(uint64_t *)(record + 1) - (uintptr_t)p;

		if (record->type == PERF_RECORD_SAMPLE && addr < len)
			n++;
		at += record->size;
	}
	return n;
}

TEST(a_profiler_sees_each_first_access_where_it_was)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_ADDR,
	};

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		int fd = perf(&attr);
		struct perf_event_mmap_page *head = perf_buffer(fd);
		char *p = map(open_byte(BYTE), 64 * PAGE, RW, flags, 0);

		for (size_t i = 0; i < 64; i += 2)
			touch_read(p + i * PAGE + 8);
		for (size_t i = 1; i < 64; i += 2)
			write_one(p + i * PAGE + 8);
		CHECK(!ioctl(fd, PERF_EVENT_IOC_DISABLE, 0));
		CHECK_EQ(samples_in(head, p, 64 * PAGE), 64);
		for (size_t i = 0; i < 64; i++)
			CHECK_EQ(samples_in(head, p + i * PAGE + 8, 1), 1);
		close(fd);
	}
}

static int spin(void *unused)
{
	double end = now() + 0.5;

	(void)unused;
	while (now() < end)
		;
	return 0;
}

/* What is above the stack pointer is read in an interrupt: no fault there. */
TEST(a_profiler_copies_a_stack_and_commits_nothing)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN |
			       PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = 0xff,
		.sample_stack_user = 16384,
	};
	char *p = map_private(open_byte(BYTE), 64 * PAGE);
	struct perf_event_mmap_page *head;
	size_t before;
	pid_t child;
	int fd, status;

	/* The upper half of the mapping is never the stack's own. */
	child = clone(spin, p + 32 * PAGE, CLONE_VM | SIGCHLD, NULL);
	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	before = committed_pages(p, 64 * PAGE);

	attr.size = sizeof(attr);
	child = clone(spin, p + 32 * PAGE, CLONE_VM | SIGCHLD, NULL);
	CHECK(child > 0);
	fd = syscall(SYS_perf_event_open, &attr, child, -1, -1, 0);
	CHECK(fd >= 0);
	head = perf_buffer(fd);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(head->data_head > 16384);
	CHECK_EQ(committed_pages(p, 64 * PAGE), before);
	CHECK_BYTES(p + 32 * PAGE, 32 * PAGE, BYTE);
}

TEST(a_watchpoint_on_untouched_memory_sees_one_access)
{
	char *p = map_private(open_byte(BYTE), 4 * PAGE);
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)(p + PAGE),
		.bp_len = HW_BREAKPOINT_LEN_8,
		.exclude_kernel = 1,
	};
	int fd = perf(&attr);
	uint64_t count;

	*(volatile uint64_t *)(p + PAGE) = 1;
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK_EQ(count, 1);
	CHECK_EQ(committed_pages(p, 4 * PAGE), 1);
}

TEST(a_probe_cannot_be_set_in_the_device)
{
	static const char path[] = "/dev/tamalloc";
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config1 = (uintptr_t)path,
		.config2 = 64,
	};
	char type[16];

	if (access("/sys/bus/event_source/devices/uprobe/type", R_OK))
		SKIP("no probes in user space");
	get("/sys/bus/event_source/devices/uprobe/type", type, sizeof(type));
	attr.type = atoi(type);
	CHECK_ERRNO(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0), EINVAL);
}

/* It reads a header before it refuses. */
TEST(the_device_is_no_swap_file_and_keeps_nothing_of_the_attempt)
{
	uint64_t held, objects;

	/* Some are held, so that one too few would be seen. */
	CHECK(!commit(open_object(), map_shared(open_object(), 4 * PAGE), 4 * PAGE));
	held = sys_stats().tam_held;
	objects = sys_stats().tam_objects;
	CHECK_EQ(held, 4 * PAGE);
	CHECK(swapon("/dev/tamalloc", 0));
	CHECK_EQ(sys_stats().tam_held, held);
	CHECK_EQ(sys_stats().tam_objects, objects);
}

/* Words of the struct procmap_query of linux/fs.h, from 6.11 on. */
enum { QUERY_SIZE, QUERY_ADDR = 2, QUERY_SIZES = 10, QUERY_BUILD_ID = 12, QUERY_WORDS };

#define PROCMAP_QUERY	_IOWR('f', 17, uint64_t[QUERY_WORDS])

TEST(memory_that_looks_like_a_program_has_no_build_id)
{
	static const char elf[PAGE] = "\177ELF\2\1\1";
	int fd = open_object(), maps;
	char *p, id[20];
	uint64_t query[QUERY_WORDS] = {
		[QUERY_SIZE] = sizeof(query),
		[QUERY_SIZES] = (uint64_t)sizeof(id) << 32,
		[QUERY_BUILD_ID] = (uintptr_t)id,
	};

	CHECK(!set_pattern(fd, elf, PAGE));
	p = map_private(fd, PAGE);
	query[QUERY_ADDR] = (uintptr_t)p;
	maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	CHECK(maps >= 0);
	if (ioctl(maps, PROCMAP_QUERY, query) && errno == ENOTTY)
		SKIP("nobody asks for build ids");
	CHECK_EQ(query[QUERY_SIZES] >> 32, 0);
	CHECK(!memcmp(p, elf, PAGE));
}

/* BPF: a program at each page fault that reads an address of ours */

struct seen {
	int64_t err;
	uint64_t word, times;
};

#define INSN(c, d, s, o, i)						\
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s),	\
			    .off = (o), .imm = (i) })
#define MOV(d, s)	INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOVI(d, i)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADDI(d, i)	INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LOAD(d, s, o)	INSN(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define STORE(d, s, o)	INSN(BPF_STX | BPF_MEM | BPF_DW, d, s, o, 0)
#define CALL(f)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define WIDE(d, s, v)	INSN(BPF_LD | BPF_IMM | BPF_DW, d, s, 0, (uint32_t)(v)), \
			INSN(0, 0, 0, 0, (uint64_t)(v) >> 32)

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4, .value_size = sizeof(struct seen),
		.max_entries = 1,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

static struct seen what_was_seen(int map)
{
	uint32_t key = 0;
	struct seen seen;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&seen,
	};

	CHECK(!bpf(BPF_MAP_LOOKUP_ELEM, &attr));
	return seen;
}

static int load_reader(int map, const char *p)
{
	struct bpf_insn code[] = {
		/* r6 = bpf_probe_read_user(r10 - 8, 8, p) */
		MOV(1, 10), ADDI(1, -8), MOVI(2, 8), WIDE(3, 0, (uintptr_t)p),
		CALL(BPF_FUNC_probe_read_user), MOV(6, 0),
		/* r0 = &map[0] */
		MOVI(1, 0), STORE(10, 1, -16), MOV(2, 10), ADDI(2, -16),
		WIDE(1, BPF_PSEUDO_MAP_FD, map), CALL(BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 6, 0),
		STORE(0, 6, 0), LOAD(1, 10, -8), STORE(0, 1, 8),
		LOAD(1, 0, 16), ADDI(1, 1), STORE(0, 1, 16),
		MOVI(0, 0), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	char log[4096] = "";
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACEPOINT,
		.insns = (uintptr_t)code,
		.insn_cnt = sizeof(code) / sizeof(code[0]),
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		FAIL("the program does not load: %s: %s", strerror(errno), log);
	return fd;
}

static void read_by_program(int flags)
{
	char *p = map(open_byte(BYTE), 4 * PAGE, RW, flags, 0), id[16];
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .sample_period = 1,
	};
	int map_fd = make_map(), fd;
	struct seen seen;

	if (map_fd < 0)
		SKIP("no BPF: %s", strerror(errno));
	get("/sys/kernel/tracing/events/exceptions/page_fault_user/id", id,
	    sizeof(id));
	attr.config = atoi(id);
	fd = perf(&attr);
	CHECK(!ioctl(fd, PERF_EVENT_IOC_SET_BPF, load_reader(map_fd, p)));

	/* The fault of a neighbour. */
	touch_read(p + 2 * PAGE);
	seen = what_was_seen(map_fd);
	CHECK(seen.times > 0);
	CHECK_EQ(seen.err, -EFAULT);
	CHECK_EQ(seen.word, 0);
	CHECK_EQ(committed_pages(p, 4 * PAGE), 1);
	/* Its own: before it is there. */
	touch_read(p);
	CHECK_EQ(what_was_seen(map_fd).err, -EFAULT);
	write_one(p + 3 * PAGE);
	seen = what_was_seen(map_fd);
	CHECK_EQ(seen.err, 0);
	CHECK_EQ(seen.word, WORD);
	CHECK_EQ(committed_pages(p, 4 * PAGE), 3);
	close(fd);
}

TEST(a_program_at_page_faults_reads_what_is_there_and_commits_nothing)
{
	if (access("/sys/kernel/tracing/events/exceptions/page_fault_user/id",
		   R_OK))
		SKIP("no tracepoint at page faults");
	read_by_program(MAP_PRIVATE);
	read_by_program(MAP_SHARED);
}
