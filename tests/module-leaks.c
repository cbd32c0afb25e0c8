// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing of the kernel's or of others comes out.  The kernel's stack, its slabs
 * and free pages are filled with a marker, by calls that leave there what they
 * were given; then neither the marker nor anything that could be a kernel's
 * address is in any answer, nor in any page, nor in any text.
 *
 * Of pages and slabs it finds most on a kernel with init_on_alloc=0.
 */
#include "module.h"

#include <dirent.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define MARK		0xdb		/* negative as a descriptor or a length */
#define FRESH		0x11		/* what was in a buffer before */
#define KO		"/run/tamvm/job/tamalloc.ko"	/* where tamvm leaves it */

static char marks[16 * PAGE];

/* Leaving marks */

static int unix_fd = -1, inet_fd;

/*
 * Below the first frames it takes a program in the kernel: one of BPF that fills
 * its own 512 bytes, at every system call, before that itself begins.  Where
 * there is no BPF, the ways below must do.
 */
static void mark_every_call(void)
{
	static struct bpf_insn code[2 + 64 + 2] = {
		[0] = { .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1 },
		[66] = { .code = BPF_ALU64 | BPF_MOV | BPF_K },
		[67] = { .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)code,
		.insn_cnt = sizeof(code) / sizeof(code[0]),
		.license = (uintptr_t)"GPL",
	};
	union bpf_attr attach = {
		.raw_tracepoint.name = (uintptr_t)"sys_enter",
	};
	int prog;

	memset(&code[0].imm, MARK, sizeof(code[0].imm));
	code[1].imm = code[0].imm;
	for (int i = 0; i < 64; i++)
		code[2 + i] = (struct bpf_insn){
			.code = BPF_STX | BPF_MEM | BPF_DW,
			.dst_reg = 10, .src_reg = 1, .off = -8 * (i + 1),
		};
	prog = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if (prog < 0)
		return;
	attach.raw_tracepoint.prog_fd = prog;
	syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attach, sizeof(attach));
	close(prog);
}

static void prepare(void)
{
	mark_every_call();
	memset(marks, MARK, sizeof(marks));
	unix_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	inet_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(unix_fd >= 0);		/* the debug kernel has no IPv4 */
	/* Room for sets of so many descriptors. */
	CHECK_EQ(dup2(unix_fd, 400), 400);
}

#define WAYS	18

/*
 * Calls that copy to the stack, in frames of their own sizes and depths.  Most
 * fail, all of them after they have copied.
 */
static void mark_one_way(int way)
{
	static char name[256], fds[64 * 8];
	static struct perf_event_attr attr;
	struct iovec iov = { marks, 8 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = marks, .msg_controllen = 36,
	};
	struct timeval none = {};

	switch (way) {
	case 0:
		memset(&attr, MARK, sizeof(attr));
		attr.size = PERF_ATTR_SIZE_VER5;
		syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
		break;
	case 1:
		memset(name, MARK, sizeof(name) - 1);
		setxattr("/dev/null", name, marks, 8, 0);
		break;
	case 2:
		memset(fds, MARK, sizeof(fds));
		select(320, (void *)fds, (void *)(fds + 64),
		       (void *)(fds + 128), &none);
		break;
	case 3:
		memset(fds, MARK, sizeof(fds));
		poll((void *)fds, 30, 0);
		break;
	case 4:
		syscall(SYS_semtimedop, 1, marks, 64, NULL);
		break;
	case 5:
		setsockopt(inet_fd, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, marks,
			   264);
		break;
	case 6:
		syscall(SYS_bpf, 0, marks, 120);
		break;
	case 7:
		syscall(SYS_set_mempolicy, 2, marks, 1024);
		break;
	case 8:
		syscall(SYS_clone3, marks, 88);
		break;
	case 9:
		msgctl(1, IPC_SET, (void *)marks);
		break;
	case 10:
		syscall(SYS_process_vm_readv, getpid(), marks, 8, marks, 8, 0);
		break;
	case 11:
		sendmsg(unix_fd, &msg, MSG_DONTWAIT);
		break;
	case 12:
		msg.msg_iov = (void *)marks;
		msg.msg_iovlen = 8;
		sendmsg(unix_fd, &msg, MSG_DONTWAIT);
		break;
	case 13:
		sendto(unix_fd, marks, 8, MSG_DONTWAIT, (void *)marks, 128);
		break;
	case 14:
		connect(unix_fd, (void *)marks, 128);
		break;
	case 15:
		writev(unix_fd, (void *)marks, 8);
		break;
	case 16:
		syscall(SYS_rt_sigqueueinfo, 1 << 30, SIGUSR1, marks);
		break;
	case 17:
		syscall(SYS_io_uring_setup, 8, marks);
		break;
	}
}

/* Every time another has the last word. */
static void mark_stack(void)
{
	static int last;

	if (unix_fd < 0)
		prepare();
	last = (last + 1) % WAYS;
	for (int i = 1; i <= WAYS; i++)
		mark_one_way((last + i) % WAYS);
}

/* Charged to the cgroup, and not. */
static void mark_slabs(void)
{
	static const int sizes[] = {
		32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096
	};
	struct iovec iov = { marks, 8 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = marks,
	};
	int queue = msgget(IPC_PRIVATE, 0600);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[8192];

	CHECK(queue >= 0 && fd >= 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int n = 0;

		memset(text, MARK, sizeof(text));
		*(long *)text = 1;
		/* The message's own head takes 48. */
		while (n < 24 && sizes[i] > 48 &&
		       !msgsnd(queue, text, sizes[i] - 48, IPC_NOWAIT))
			n++;
		while (n--)
			msgrcv(queue, text, sizeof(text) - 8, 0, IPC_NOWAIT);
		msg.msg_controllen = sizes[i];
		sendmsg(fd, &msg, MSG_DONTWAIT);
	}
	CHECK(!msgctl(queue, IPC_RMID, NULL));
	close(fd);
}

static void mark_pages(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, RW,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK(!madvise(p, pages * PAGE, MADV_NOHUGEPAGE));
	memset(p, MARK, pages * PAGE);
	CHECK(!munmap(p, pages * PAGE));
}

/* Looking for them */

static bool is_kernel_address(uint64_t value)
{
	return value >= 0xffff800000000000 && value < -PAGE;
}

/* @but: an offset where a random number may be; 0: none. */
static void check_clean(const char *what, const void *answer, size_t size,
			size_t but)
{
	const uint8_t *bytes = answer;
	uint64_t value;
	size_t run = 0;

	for (size_t i = 0; i < size; i++) {
		run = bytes[i] == MARK ? run + 1 : 0;
		if (run == 4)
			FAIL("%s: byte %zu of %zu is the kernel's", what, i, size);
		if (i % 8 || i + 8 > size || (but && i == but))
			continue;
		memcpy(&value, bytes + i, sizeof(value));
		if (is_kernel_address(value))
			FAIL("%s: byte %zu of %zu begins %#jx", what, i, size,
			     (uintmax_t)value);
	}
}

static void check_untouched(const char *what, const void *buffer, size_t size)
{
	const uint8_t *bytes = buffer;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != FRESH)
			FAIL("%s: byte %zu behind the answer is %#x", what, i,
			     bytes[i]);
}

/* A kernel's address in hexadecimal, as %px or %lx print it. */
static void check_text(const char *what, const char *text)
{
	const char *p = text;

	while ((p = strstr(p, "ffff"))) {
		size_t digits = strspn(p, "0123456789abcdef");

		if (digits == 16 &&
		    is_kernel_address(strtoull(p, NULL, 16)) &&
		    strncmp(p, "ffffffffff600000", 16) &&	/* vsyscall */
		    strncmp(p, "ffffffffff601000", 16))
			FAIL("%s: %.*s", what, (int)strcspn(text, "\n"), text);
		p += digits;
	}
}

/* Answers */

/* Memory of all kinds: some is committed, some in lists of several records. */
static int populate(void)
{
	struct tam_attr_set attr = { .flags = TAM_ATTR_NAME, .name = "a" };
	int fd = -1;

	for (int i = 0; i < 4; i++) {
		char *p;

		mark_slabs();
		fd = open_object();
		if (i % 2)
			CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &attr));
		p = map(fd, 16 * PAGE, RW, i & 2 ? MAP_SHARED : MAP_PRIVATE, 0);
		for (int page = 0; page < 16; page += 3)
			p[page * PAGE] = 1;
	}
	return fd;
}

static void check_answer(int fd, const char *what, unsigned int cmd,
			 size_t size, int pid)
{
	size_t known = _IOC_SIZE(cmd);
	size_t but = cmd == TAM_IOC_PROCESS ?
		     offsetof(struct tam_process_stats, mm_id) : 0;
	static uint8_t answer[(1 << _IOC_SIZEBITS) + 64];

	mark_stack();
	memset(answer, FRESH, size + 64);
	if (_IOC_DIR(cmd) & _IOC_WRITE) {
		memset(answer, 0, size);
		memcpy(answer + 4, &pid, sizeof(pid));
	}
	if (ioctl(fd, _IOC(_IOC_DIR(cmd), TAM_IOC_MAGIC, _IOC_NR(cmd), size),
		  answer))
		FAIL("%s of %zu bytes: %s", what, size, strerror(errno));
	check_clean(what, answer, size, but);
	for (size_t i = known; i < size; i++)
		CHECK_EQ(answer[i], 0);
	check_untouched(what, answer + size, 64);
}

/* A kernel thread, for one, has no memory, and none of those fields. */
static pid_t zombie(void)
{
	pid_t pid = fork();
	siginfo_t info;

	CHECK(pid >= 0);
	if (!pid)
		_exit(0);
	CHECK(!waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	return pid;
}

#define ANSWER(id)	{ #id, TAM_IOC_##id, 0 }

TEST(answers_of_any_size)
{
	struct {
		const char *what;
		unsigned int cmd;
		int pid;
	} answers[] = {
		ANSWER(QUERY), ANSWER(GET_OBJECT), ANSWER(SYSTEM),
		ANSWER(PROCESS), ANSWER(PROCESS), ANSWER(PROCESS),
	};
	int fd = populate();

	answers[4].pid = 2;		/* kthreadd */
	answers[5].pid = zombie();
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		unsigned int cmd = answers[i].cmd;
		size_t first = (_IOC_DIR(cmd) & _IOC_WRITE) ? 8 : 1;
		size_t last = _IOC_SIZE(cmd) + 40;

		for (size_t size = first; size <= last; size++)
			check_answer(fd, answers[i].what, cmd, size,
				     answers[i].pid);
		check_answer(fd, answers[i].what, cmd,
			     (1 << _IOC_SIZEBITS) - 1, answers[i].pid);
		/* After each way to mark it, twice. */
		for (int n = 0; n < 2 * WAYS; n++)
			check_answer(fd, answers[i].what, cmd, _IOC_SIZE(cmd),
				     answers[i].pid);
	}
}

static void check_records(const char *what, unsigned int cmd, size_t record,
			  size_t size, int fd)
{
	static uint8_t records[64 * PAGE];
	struct tam_list list = {};
	size_t but = cmd == TAM_IOC_PROCESSES ?
		     offsetof(struct tam_process_stats, mm_id) : 0;

	CHECK(size + 64 <= sizeof(records));
	do {
		list.records = (uintptr_t)records;
		list.size = size;
		mark_stack();
		memset(records, FRESH, size + 64);
		CHECK(!ioctl(fd, cmd, &list));
		check_clean(what, &list, sizeof(list), 0);
		for (uint32_t i = 0; i < list.count; i++) {
			CHECK_EQ(*(uint32_t *)(records + i * record), record);
			check_clean(what, records + i * record, record, but);
		}
		check_untouched(what, records + list.count * record,
				size + 64 - list.count * record);
	} while (list.more);
}

#define LIST(id, record)	{ #id, TAM_IOC_##id, sizeof(struct record) }

TEST(lists_in_buffers_of_any_size)
{
	static const struct {
		const char *what;
		unsigned int cmd;
		size_t record;
	} lists[] = {
		LIST(PROCESSES, tam_process_stats),
		LIST(MAPPINGS, tam_mapping_stats),
		LIST(OBJECTS, tam_object_stats),
		LIST(PAGES, tam_extent),
	};
	int fd = populate();

	zombie();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t sizes[5];
		size_t record = lists[i].record;

		sizes[0] = record;
		sizes[1] = record + 1;
		sizes[2] = 2 * record - 1;
		sizes[3] = 3 * record + 8;
		sizes[4] = 63 * PAGE;
		for (int n = 0; n < 5 + 2 * WAYS; n++)
			check_records(lists[i].what, lists[i].cmd, record,
				      sizes[n < 5 ? n : 4], fd);
	}
}

/* Some of them are where something else was: more than it keeps free. */
TEST(new_objects_show_nothing_of_others)
{
	int fd = -1;

	for (int i = 0; i < 64; i++) {
		if (i % 16 == 0)
			mark_slabs();
		fd = open_object();
	}
	check_records("OBJECTS", TAM_IOC_OBJECTS,
		      sizeof(struct tam_object_stats), 63 * PAGE, fd);
}

/* What fails tells nothing. */
TEST(refused_commands_write_nothing)
{
	static const unsigned int cmds[] = {
		TAM_IOC_PROCESS, TAM_IOC_PROCESSES, TAM_IOC_MAPPINGS,
		TAM_IOC_OBJECTS, TAM_IOC_PAGES,
	};
	int fd = populate();

	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		size_t known = _IOC_SIZE(cmds[i]);

		/* From there on: no such process, no such flags. */
		size_t size = cmds[i] == TAM_IOC_PROCESS ? 8 : 44;

		for (; size <= known + 64; size += 4) {
			uint8_t arg[512], was[512];

			memset(arg, FRESH, sizeof(arg));
			memcpy(was, arg, sizeof(arg));
			mark_stack();
			CHECK(ioctl(fd, _IOC(_IOC_DIR(cmds[i]), TAM_IOC_MAGIC,
					     _IOC_NR(cmds[i]), size), arg) == -1);
			CHECK(!memcmp(arg, was, sizeof(arg)));
		}
	}
}

/*
 * An address space's id is no address, nor one in a mask: the addresses of such
 * structures have their high bits in common, and their low ones.
 */
TEST(ids_are_no_addresses)
{
	struct tam_process_stats one = {}, stats;
	uint64_t differ = 0;
	int fd = open_object();
	struct tam_query query;

	CHECK(!ioctl(fd, TAM_IOC_PROCESS, &one));
	for (int i = 0; i < 16; i++) {
		int ends[2];
		pid_t pid;

		CHECK(!pipe(ends));
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			pause();
		memset(&stats, 0, sizeof(stats));
		stats.pid = pid;
		CHECK(!ioctl(fd, TAM_IOC_PROCESS, &stats));
		CHECK(stats.mm_id != one.mm_id);
		differ |= stats.mm_id ^ one.mm_id;
	}
	CHECK(differ >> 48);
	CHECK(differ & 63);
	CHECK(!ioctl(fd, TAM_IOC_QUERY, &query));
	CHECK_BETWEEN(query.object, 1, 1U << 31);
}

/* Pages */

static const size_t lengths[] = {
	0, 1, 2, 3, 7, 100, 4095, 4096, 4097, 5000, 65535, 65536
};

#define PAGES	8

static void check_pages(const char *p, size_t length)
{
	if (length)
		CHECK_PATTERN(p, PAGES * PAGE, 0, length);
	else
		CHECK_BYTES(p, PAGES * PAGE, 0);
}

static int open_length(size_t length)
{
	mark_slabs();
	return length ? open_pattern(length) : open_object();
}

static void first_contents(int prot, int flags, bool write)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int fd = open_length(lengths[i]);
		char *p = map(fd, PAGES * PAGE, prot, flags, 0);

		mark_pages(4 * PAGES);
		for (int page = 0; page < PAGES; page++) {
			volatile char *last = p + page * PAGE + PAGE - 1;
			char byte = *last;

			if (write)
				*last = byte;
		}
		check_pages(p, lengths[i]);
		/* Again, with marks in them. */
		if (write)
			memset(p, MARK, PAGES * PAGE);
		if (write && flags & MAP_SHARED)
			CHECK(!punch(fd, 0, PAGES * PAGE));
		else
			CHECK(!madvise(p, PAGES * PAGE, MADV_DONTNEED));
		mark_pages(4 * PAGES);
		CHECK(!commit(fd, p, PAGES * PAGE));
		check_pages(p, lengths[i]);
		CHECK(!munmap(p, PAGES * PAGE));
		close(fd);
	}
}

TEST(private_pages_show_nothing_of_others)
{
	first_contents(RW, MAP_PRIVATE, true);
	first_contents(RW, MAP_PRIVATE, false);
}

TEST(shared_pages_show_nothing_of_others)
{
	first_contents(RW, MAP_SHARED, true);
	first_contents(RW, MAP_SHARED, false);
}

TEST(readonly_pages_show_nothing_of_others)
{
	first_contents(PROT_READ, MAP_PRIVATE, false);
	first_contents(PROT_READ, MAP_SHARED, false);
}

/* By the kernel, for somebody else, into a page that is new in between. */
TEST(pages_others_read_show_nothing_of_others)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int fd = open_length(lengths[i]);
		char *p = map_private(fd, PAGES * PAGE);
		char *copy = malloc(PAGES * PAGE);
		struct iovec to = { copy, PAGES * PAGE };
		struct iovec from = { p, PAGES * PAGE };

		mark_pages(4 * PAGES);
		CHECK_EQ(process_vm_readv(getpid(), &to, 1, &from, 1, 0),
			 PAGES * PAGE);
		check_pages(copy, lengths[i]);
		free(copy);
		CHECK(!munmap(p, PAGES * PAGE));
		close(fd);
	}
}

/* What a pattern leaves of the memory it is kept in, it may leave nowhere. */
TEST(a_pattern_shows_its_own_length_only)
{
	uint8_t bytes[64];

	for (size_t length = 1; length <= sizeof(bytes); length++) {
		int fd = open_object();

		for (size_t i = 0; i < length; i++)
			bytes[i] = pattern_byte(i);
		mark_slabs();
		CHECK(!set_pattern(fd, bytes, length));
		CHECK_PATTERN(map_private(fd, PAGE), PAGE, 0, length);
		close(fd);
	}
}

/* Texts */

static void check_file(const char *path)
{
	char *text = calloc(1, 256 * PAGE), *line;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t done = 0;
	ssize_t n;

	if (fd >= 0) {
		while (done < 255 * PAGE &&
		       (n = read(fd, text + done, PAGE)) > 0)
			done += n;
		close(fd);
	}
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		check_text(path, line);
	free(text);
}

static void check_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[512];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_REG)
			check_file(name);
	}
	if (dir)
		closedir(dir);
}

static void read_texts(void *arg)
{
	char path[64];
	int fd;

	(void)arg;
	CHECK(!setgroups(0, NULL));
	CHECK(!setresgid(65534, 65534, 65534));
	CHECK(!setresuid(65534, 65534, 65534));
	fd = populate();
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", getppid(), fd);
	check_file(path);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	check_file(path);
	check_file("/proc/self/maps");
	check_file("/proc/self/smaps");
	check_file("/proc/self/numa_maps");
	check_file("/proc/self/mountinfo");
	check_file("/proc/misc");
	check_file("/proc/modules");
	check_dir("/sys/module/tamalloc");
	check_dir("/sys/module/tamalloc/parameters");
	check_dir("/sys/module/tamalloc/sections");
	check_dir("/sys/class/misc/tamalloc");
}

TEST(texts_have_no_addresses)
{
	child_passes(read_texts, NULL);
}

/* One record each; EAGAIN at the end. */
static void check_log(int log)
{
	char record[8192];
	ssize_t n;

	while ((n = read(log, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		check_text("the log", record);
	}
	CHECK_EQ(errno, EAGAIN);
}

static int open_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (log < 0)
		SKIP("/dev/kmsg: %s", strerror(errno));
	CHECK(lseek(log, 0, SEEK_END) >= 0);
	return log;
}

/* Whatever is in it at the moment, all that it does adds no address. */
TEST(the_log_has_no_addresses)
{
	int log = open_log(), fd = populate();
	char *p = map_private(fd, PAGE);

	CHECK(punch(fd, 1, 1) == -1);
	CHECK(commit(fd, NULL, PAGE) == -1);
	CHECK(discard(fd, p, PAGE) == -1);
	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &(struct tam_system_stats){}));
	CHECK(!punch(fd, 0, GIB));
	munmap(p, PAGE);
	check_log(log);
}

static void reload(void *arg)
{
	int fd = open(KO, O_RDONLY | O_CLOEXEC);

	CHECK(!syscall(SYS_delete_module, "tamalloc", O_NONBLOCK));
	CHECK(!syscall(SYS_finit_module, fd, arg, 0));
	close(open_byte(7));
}

TEST(loading_logs_no_addresses)
{
	char cap[32], parameters[64];
	int log = open_log();

	if (access(KO, R_OK))
		SKIP("no %s", KO);
	get("/sys/module/tamalloc/parameters/shared_cap_mib", cap, sizeof(cap));
	snprintf(parameters, sizeof(parameters), "shared_cap_mib=%s", cap);
	child_passes(reload, parameters);
	check_log(log);
}

/* Those of the module, if it has any, in what root reads of them. */
TEST(tracepoints_have_no_addresses)
{
	const char *root = "/sys/kernel/tracing";
	char path[512];
	struct dirent *entry;
	DIR *events;

	snprintf(path, sizeof(path), "%s/events", root);
	events = opendir(path);
	if (!events)
		SKIP("%s: %s", path, strerror(errno));
	while ((entry = readdir(events))) {
		if (strncmp(entry->d_name, "tam", 3))
			continue;
		snprintf(path, sizeof(path), "%s/events/%s/enable", root,
			 entry->d_name);
		CHECK(!put(path, "1"));
		populate();
		CHECK(!put(path, "0"));
		snprintf(path, sizeof(path), "%s/trace", root);
		check_file(path);
	}
	closedir(events);
}
