// SPDX-License-Identifier: GPL-2.0-only
/* What happens to a mapping: whatever is done to memory works on it. */
#include "module.h"

#include <linux/userfaultfd.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif
#ifndef MADV_COLD
#define MADV_COLD		20
#define MADV_PAGEOUT		21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

#define BYTE	0xa5

static void write_one(void *addr)
{
	*(volatile char *)addr = 1;
}

static void read_one(void *addr)
{
	touch_read(addr);
}

/* fork */

static void expect_first_contents(void *p)
{
	CHECK_BYTES(p, 4 * PAGE, BYTE);
	memset(p, 3, 4 * PAGE);
}

TEST(fork_before_anything_is_written_isolates_private)
{
	char *p = map_private(open_byte(BYTE), 4 * PAGE);

	child_passes(expect_first_contents, p);
	CHECK_BYTES(p, 4 * PAGE, BYTE);
}

TEST(fork_after_a_read_has_committed_isolates_private)
{
	char *p = map_private(open_byte(BYTE), 4 * PAGE);

	for (int i = 0; i < 4; i++)
		touch_read(p + i * PAGE);
	child_passes(expect_first_contents, p);
	CHECK_BYTES(p, 4 * PAGE, BYTE);
}

static void expect_what_parent_wrote(void *arg)
{
	char *p = arg;

	CHECK_BYTES(p, PAGE, 1);
	CHECK_BYTES(p + PAGE, 3 * PAGE, BYTE);
	memset(p, 3, 4 * PAGE);
}

TEST(fork_after_a_write_copies_private)
{
	char *p = map_private(open_byte(BYTE), 4 * PAGE);

	memset(p, 1, PAGE);
	child_passes(expect_what_parent_wrote, p);
	CHECK_BYTES(p, PAGE, 1);
	CHECK_BYTES(p + PAGE, 3 * PAGE, BYTE);
}

TEST(fork_shares_shared_both_ways)
{
	int fd = open_byte(BYTE);
	char *p = map_shared(fd, 4 * PAGE);

	memset(p, 1, PAGE);
	child_passes(expect_what_parent_wrote, p);
	CHECK_BYTES(p, 4 * PAGE, 3);
	CHECK_EQ(held(fd), 4 * PAGE);
}

static void read_shared(void *p)
{
	CHECK_BYTES(p, 4 * PAGE, BYTE);
}

TEST(a_page_a_child_commits_in_shared_memory_is_the_parents_too)
{
	int fd = open_byte(BYTE);
	char *p = map_shared(fd, 4 * PAGE);

	child_passes(read_shared, p);
	CHECK_EQ(held(fd), 4 * PAGE);
	CHECK_BYTES(p, 4 * PAGE, BYTE);
	CHECK_EQ(held(fd), 4 * PAGE);
}

struct orphan {
	char *private, *shared;
	int done[2];
};

static void leave_an_orphan(void *arg)
{
	struct orphan *o = arg;
	pid_t parent = getpid();
	char ok = 1;

	if (fork())
		return;			/* die before the child looks */
	while (getppid() == parent)
		usleep(1000);
	CHECK_BYTES(o->private, PAGE, 1);
	CHECK_BYTES(o->private + PAGE, PAGE, BYTE);
	CHECK_BYTES(o->shared, PAGE, 2);
	CHECK_BYTES(o->shared + PAGE, PAGE, BYTE);
	o->shared[PAGE] = 4;
	CHECK_EQ(write(o->done[1], &ok, 1), 1);
	_exit(0);
}

TEST(a_child_outlives_its_parent)
{
	int fd = open_byte(BYTE);
	struct orphan o = {
		.private = map_private(fd, 2 * PAGE),
		.shared = map(fd, 2 * PAGE, RW, MAP_SHARED, MIB),
	};
	char ok;

	CHECK(!pipe(o.done));
	memset(o.private, 1, PAGE);
	memset(o.shared, 2, PAGE);
	child_passes(leave_an_orphan, &o);
	close(o.done[1]);
	CHECK_EQ(read(o.done[0], &ok, 1), 1);
	CHECK_EQ(o.shared[PAGE], 4);
}

static void use_both(void *arg)
{
	struct orphan *o = arg;

	CHECK_BYTES(o->shared, PAGE, 2);
	CHECK_BYTES(o->private, PAGE, BYTE);
}

TEST(dontfork_keeps_a_mapping_from_the_child)
{
	int fd = open_byte(BYTE);
	struct orphan o = { .private = map_private(fd, PAGE),
			    .shared = map(fd, PAGE, RW, MAP_SHARED, MIB) };
	char *gone = map_private(fd, PAGE);

	memset(o.shared, 2, PAGE);
	CHECK(!madvise(gone, PAGE, MADV_DONTFORK));
	child_passes(use_both, &o);
	CHECK_KILLED(read_one, gone, SIGSEGV);
	CHECK_BYTES(gone, PAGE, BYTE);
}

/* munmap, mprotect */

static void unmap_part(int first, int pages)
{
	int fd = open_pattern(5000);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 12 * PAGE, RW, flags, 0);

		for (int i = 0; i < 12; i += 2)
			p[i * PAGE] = 0x77;
		CHECK(!munmap(p + first * PAGE, pages * PAGE));
		CHECK_KILLED(read_one, p + first * PAGE, SIGSEGV);
		CHECK_KILLED(read_one, p + (first + pages) * PAGE - 1, SIGSEGV);
		for (int i = 0; i < 12; i++) {
			if (i >= first && i < first + pages)
				continue;
			CHECK_EQ((uint8_t)p[i * PAGE],
				 i % 2 ? pattern_byte(i * PAGE % 5000) : 0x77);
			CHECK_PATTERN(p + i * PAGE + 1, PAGE - 1, i * PAGE + 1,
				      5000);
		}
		CHECK(!munmap(p, 12 * PAGE));
		CHECK(!punch(fd, 0, 12 * PAGE));
	}
}

TEST(munmap_in_the_middle_leaves_both_ends)
{
	unmap_part(4, 4);
}

TEST(munmap_at_the_start_leaves_the_rest)
{
	unmap_part(0, 5);
}

TEST(munmap_at_the_end_leaves_the_rest)
{
	unmap_part(7, 5);
}

TEST(munmap_frees_what_was_committed)
{
	char *p = map_private(open_object(), 16 * MIB);
	uint64_t rss;

	CHECK(!mlockall(MCL_CURRENT));
	CHECK_EQ(committed_pages(p, 16 * MIB), 4096);
	rss = status_bytes("VmRSS");
	CHECK(!munmap(p, 16 * MIB));
	CHECK_BETWEEN(rss - status_bytes("VmRSS"), 16 * MIB - RSS_LAG,
		      16 * MIB + RSS_LAG);
}

TEST(mprotect_away_and_back_keeps_contents)
{
	int fd = open_byte(BYTE);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 4 * PAGE, RW, flags, 0);

		memset(p, 1, PAGE);
		touch_read(p + PAGE);
		CHECK(!mprotect(p, 4 * PAGE, PROT_READ));
		CHECK_KILLED(write_one, p, SIGSEGV);
		CHECK_KILLED(write_one, p + 2 * PAGE, SIGSEGV);
		CHECK_BYTES(p, PAGE, 1);
		CHECK_BYTES(p + PAGE, 2 * PAGE, BYTE);
		CHECK(!mprotect(p, 4 * PAGE, PROT_NONE));
		CHECK_KILLED(read_one, p, SIGSEGV);
		CHECK_KILLED(read_one, p + 3 * PAGE, SIGSEGV);
		CHECK(!mprotect(p, 4 * PAGE, RW));
		CHECK_BYTES(p, PAGE, 1);
		CHECK_BYTES(p + PAGE, 3 * PAGE, BYTE);
		memset(p, 2, 4 * PAGE);
		CHECK_BYTES(p, 4 * PAGE, 2);
		munmap(p, 4 * PAGE);
		CHECK(!punch(fd, 0, 4 * PAGE));
	}
}

TEST(a_readonly_page_made_writable_is_copied_by_a_write)
{
	int fd = open_byte(BYTE);
	char *p = map_readonly(fd, 2 * PAGE), *other = map_readonly(fd, PAGE);

	touch_read(p);
	CHECK_EQ(held(fd), PAGE);
	CHECK(!mprotect(p, 2 * PAGE, RW));
	memset(p, 1, 2 * PAGE);
	CHECK_BYTES(other, PAGE, BYTE);
	CHECK_EQ(held(fd), PAGE);
}

TEST(a_reservation_made_with_prot_none_is_used_by_mprotect)
{
	int fd = open_byte(BYTE);
	char *p = map(fd, 64 * PAGE, PROT_NONE, MAP_PRIVATE, 0);

	CHECK_KILLED(read_one, p, SIGSEGV);
	CHECK_EQ(committed_pages(p, 64 * PAGE), 0);
	CHECK(!mprotect(p + 8 * PAGE, 8 * PAGE, RW));
	p[8 * PAGE] = 1;
	CHECK_BYTES(p + 8 * PAGE + 1, 8 * PAGE - 1, BYTE);
	CHECK_EQ(committed_pages(p, 64 * PAGE), 8);
}

/* mremap */

TEST(mremap_grows_and_the_pattern_goes_on)
{
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_pattern(5000), 4 * PAGE, RW, flags, 0);

		memset(p, 1, PAGE);
		p = mremap(p, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
		CHECK(p != MAP_FAILED);
		CHECK_BYTES(p, PAGE, 1);
		CHECK_PATTERN(p + PAGE, 63 * PAGE, PAGE, 5000);
	}
}

TEST(mremap_shrinks)
{
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_pattern(5000), 64 * PAGE, RW, flags, 0);

		memset(p, 1, PAGE);
		CHECK(mremap(p, 64 * PAGE, 4 * PAGE, 0) == p);
		CHECK_BYTES(p, PAGE, 1);
		CHECK_PATTERN(p + PAGE, 3 * PAGE, PAGE, 5000);
		CHECK_KILLED(read_one, p + 4 * PAGE, SIGSEGV);
	}
}

TEST(mremap_moves_pages_not_bytes)
{
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_pattern(5000), 1024 * PAGE, RW, flags, 0);
		char *to = map_private(open_object(), 1024 * PAGE);
		uint64_t faults;

		memset(p, 1, 512 * PAGE);
		faults = page_faults();
		CHECK(mremap(p, 1024 * PAGE, 1024 * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		CHECK_EQ(committed_pages(to, 1024 * PAGE), 512);
		CHECK_BYTES(to, 512 * PAGE, 1);
		CHECK_BETWEEN(page_faults() - faults, 0, 8);
		CHECK_PATTERN(to + 512 * PAGE, 512 * PAGE, 512 * PAGE, 5000);
		CHECK_KILLED(read_one, p, SIGSEGV);
	}
}

TEST(mremap_of_a_part_takes_its_offset_along)
{
	char *p = map_private(open_pattern(5000), 12 * PAGE);
	char *part;

	p[5 * PAGE] = 0x77;
	part = mremap(p + 4 * PAGE, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(part != MAP_FAILED);
	CHECK_EQ(part[PAGE], 0x77);
	CHECK_PATTERN(part + PAGE + 1, 7 * PAGE - 1, 5 * PAGE + 1, 5000);
	CHECK_PATTERN(p, 4 * PAGE, 0, 5000);
	CHECK_PATTERN(p + 8 * PAGE, 4 * PAGE, 8 * PAGE, 5000);
}

TEST(mremap_dontunmap_leaves_first_contents_behind)
{
	char *p = map_private(open_pattern(5000), 4 * PAGE), *to;

	memset(p, 1, 2 * PAGE);
	to = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		    NULL);
	if (!kernel_at_least(5, 13)) {
		/* Of anonymous memory only. */
		CHECK(to == MAP_FAILED && errno == EINVAL);
		CHECK_BYTES(p, 2 * PAGE, 1);
		return;
	}
	CHECK(to != MAP_FAILED);
	CHECK_BYTES(to, 2 * PAGE, 1);
	CHECK_PATTERN(to + 2 * PAGE, 2 * PAGE, 2 * PAGE, 5000);
	CHECK_EQ(committed_pages(p, 4 * PAGE), 0);
	CHECK_PATTERN(p, 4 * PAGE, 0, 5000);
}

TEST(mremap_of_size_zero_makes_a_second_view_of_shared)
{
	char *p = map_shared(open_byte(BYTE), 4 * PAGE), *q;

	p[0] = 1;
	q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	CHECK_EQ(q[0], 1);
	q[PAGE] = 2;
	CHECK_EQ(p[PAGE], 2);
}

/* madvise */

TEST(dontneed_gives_private_pages_back_and_first_contents_again)
{
	char *p = map_private(open_pattern(5000), 1024 * PAGE);

	for (int round = 0; round < 3; round++) {
		memset(p, 1, 1024 * PAGE);
		CHECK(!madvise(p + PAGE, 1022 * PAGE, MADV_DONTNEED));
		CHECK_EQ(committed_pages(p, 1024 * PAGE), 2);
		CHECK_PATTERN(p + PAGE, 1022 * PAGE, PAGE, 5000);
		CHECK_BYTES(p, PAGE, 1);
		CHECK_BYTES(p + 1023 * PAGE, PAGE, 1);
	}
}

static void populate(int advice)
{
	int fd = open_pattern(5000);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 64 * PAGE, RW, flags, 0);
		uint64_t faults;

		if (madvise(p + 16 * PAGE, 32 * PAGE, advice)) {
			/* Not known before 5.14. */
			CHECK_EQ(errno, EINVAL);
			CHECK(!kernel_at_least(5, 14));
			CHECK_EQ(committed_pages(p, 64 * PAGE), 0);
			return;
		}
		CHECK_EQ(committed_pages(p, 64 * PAGE), 32);
		faults = page_faults();
		for (int i = 16; i < 48; i++)
			p[i * PAGE] = pattern_byte(i * PAGE % 5000);
		CHECK_EQ(page_faults() - faults, 0);
		CHECK_PATTERN(p, 64 * PAGE, 0, 5000);
		munmap(p, 64 * PAGE);
		CHECK(!punch(fd, 0, 64 * PAGE));
	}
}

TEST(populate_read_commits_the_range_for_writes_too)
{
	populate(MADV_POPULATE_READ);
}

TEST(populate_write_commits_the_range)
{
	populate(MADV_POPULATE_WRITE);
}

TEST(map_populate_commits_all)
{
	int fd = open_pattern(5000);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = mmap(NULL, 64 * PAGE, RW, flags | MAP_POPULATE, fd, 0);

		CHECK(p != MAP_FAILED);
		CHECK_EQ(committed_pages(p, 64 * PAGE), 64);
		CHECK_PATTERN(p, 64 * PAGE, 0, 5000);
	}
}

TEST(cold_keeps_contents)
{
	int fd = open_byte(BYTE);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 64 * PAGE, RW, flags, 0);

		memset(p, 1, 32 * PAGE);
		CHECK(!madvise(p, 64 * PAGE, MADV_COLD));
		CHECK_BYTES(p, 32 * PAGE, 1);
		CHECK_BYTES(p + 32 * PAGE, 32 * PAGE, BYTE);
	}
}

static uint64_t tam_swapped(int fd)
{
	struct tam_process_stats stats = {};

	CHECK(!ioctl(fd, TAM_IOC_PROCESS, &stats));
	CHECK(stats.valid & TAM_VALID_TAM);
	return stats.tam_swapped;
}

static bool have_swap(void)
{
	char text[4096] = "";
	int fd = open("/proc/swaps", O_RDONLY);

	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strchr(strchr(text, '\n') + 1, '\n');
}

TEST(private_pages_are_swapped_out_and_in)
{
	int fd = open_pattern(5000);
	size_t len = 2048 * PAGE;
	char *p = map_private(fd, len);

	if (!have_swap())
		SKIP("no swap");
	memset(p, 1, len / 2);			/* written */
	for (size_t i = len / 2; i < len; i += PAGE)
		touch_read(p + i);		/* committed by reads */
	/* The pages are on their way to the LRU list for a moment. */
	for (int i = 0; i < 50 && tam_swapped(fd) < len * 3 / 4; i++) {
		CHECK(!madvise(p, len, MADV_PAGEOUT));
		usleep(100000);
	}
	CHECK_BETWEEN(tam_swapped(fd), len * 3 / 4, len);
	CHECK_EQ(committed_pages(p, len) * PAGE + tam_swapped(fd), len);
	CHECK_BYTES(p, len / 2, 1);
	CHECK_PATTERN(p + len / 2, len / 2, len / 2, 5000);
	CHECK_EQ(tam_swapped(fd), 0);
}

TEST(pageout_of_untouched_memory_commits_nothing)
{
	int fd = open_byte(BYTE);
	char *p = map_private(fd, 64 * PAGE);

	CHECK(!madvise(p, 64 * PAGE, MADV_PAGEOUT));
	CHECK_EQ(committed_pages(p, 64 * PAGE), 0);
	CHECK_EQ(tam_swapped(fd), 0);
}

TEST(pageout_loses_nothing_that_is_shared)
{
	int fd = open_byte(BYTE);
	char *p = map_shared(fd, 64 * PAGE);

	memset(p, 1, 64 * PAGE);
	CHECK(!madvise(p, 64 * PAGE, MADV_PAGEOUT));
	CHECK_EQ(held(fd), 64 * PAGE);
	CHECK_BYTES(p, 64 * PAGE, 1);
}

TEST(dropping_caches_loses_nothing_that_is_stored)
{
	int fd = open_byte(BYTE);
	char *p = map_shared(fd, 64 * PAGE);

	memset(p, 1, 32 * PAGE);
	for (int i = 32; i < 64; i++)
		touch_read(p + i * PAGE);
	CHECK(!munmap(p, 64 * PAGE));
	CHECK(!put("/proc/sys/vm/drop_caches", "3"));
	CHECK(!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	CHECK_EQ(held(fd), 64 * PAGE);
	p = map_private(fd, 64 * PAGE);
	CHECK_BYTES(p, 32 * PAGE, 1);
	CHECK_BYTES(p + 32 * PAGE, 32 * PAGE, BYTE);
}

TEST(compaction_moves_pages_and_loses_nothing)
{
	int fd = open_byte(BYTE);
	char *p = map_private(fd, 256 * PAGE), *s = map_shared(fd, 256 * PAGE);

	if (access("/proc/sys/vm/compact_memory", W_OK))
		SKIP("no compaction");
	for (int i = 0; i < 256; i++) {
		memset(p + i * PAGE, i, PAGE);
		memset(s + i * PAGE, ~i, PAGE);
	}
	CHECK(!put("/proc/sys/vm/compact_memory", "1"));
	CHECK_EQ(held(fd), 256 * PAGE);
	for (int i = 0; i < 256; i++) {
		CHECK_BYTES(p + i * PAGE, PAGE, i);
		CHECK_BYTES(s + i * PAGE, PAGE, ~i);
	}
}

TEST(mlock_commits_and_munlock_keeps)
{
	int fd = open_pattern(5000);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 64 * PAGE, RW, flags, 0);

		CHECK(!mlock(p + 16 * PAGE, 32 * PAGE));
		CHECK_EQ(committed_pages(p, 64 * PAGE), 32);
		CHECK_EQ(status_bytes("VmLck"), 32 * PAGE);
		CHECK(!munlock(p, 64 * PAGE));
		CHECK_EQ(status_bytes("VmLck"), 0);
		CHECK_EQ(committed_pages(p, 64 * PAGE), 32);
		CHECK_PATTERN(p, 64 * PAGE, 0, 5000);
		CHECK(!munmap(p, 64 * PAGE));
	}
}

TEST(mlockall_future_commits_at_mmap)
{
	int fd = open_pattern(5000);
	char *p;

	CHECK(!mlockall(MCL_FUTURE));
	p = map(fd, 64 * PAGE, RW, MAP_PRIVATE, 0);
	CHECK_EQ(committed_pages(p, 64 * PAGE), 64);
	CHECK_PATTERN(p, 64 * PAGE, 0, 5000);
}

TEST(ksm_is_accepted_for_private)
{
	char *p = map_private(open_byte(BYTE), 64 * PAGE);

	memset(p, 1, 32 * PAGE);
	CHECK(!madvise(p, 64 * PAGE, MADV_MERGEABLE));
	CHECK_BYTES(p, 32 * PAGE, 1);
	CHECK_BYTES(p + 32 * PAGE, 32 * PAGE, BYTE);
	CHECK(!madvise(p, 64 * PAGE, MADV_UNMERGEABLE));
	CHECK_BYTES(p, 32 * PAGE, 1);
}

TEST(msync_and_fsync_have_nothing_to_do)
{
	int fd = open_object();
	char *p = map_shared(fd, MIB);

	memset(p, 1, MIB);
	CHECK(!msync(p, MIB, MS_SYNC));
	CHECK(!fsync(fd));
	CHECK_BYTES(p, MIB, 1);
}

TEST(madv_free_and_wipeonfork_are_refused)
{
	char *p = map_private(open_byte(BYTE), PAGE);

	p[0] = 1;
	CHECK_ERRNO(madvise(p, PAGE, MADV_FREE), EINVAL);
	CHECK_ERRNO(madvise(p, PAGE, MADV_WIPEONFORK), EINVAL);
	CHECK_EQ(p[0], 1);
}

/* The kernel and other processes reach into it */

static void vm_readv_writev(int flags)
{
	int fd = open_pattern(5000);
	char *p = map(fd, 8 * PAGE, RW, flags, 0), *buf = malloc(8 * PAGE);
	struct iovec local = { buf, 3 * PAGE }, remote = { p + PAGE, 3 * PAGE };
	int go[2], status;
	pid_t child;
	char c;

	CHECK(!pipe(go));
	child = fork();
	if (!child) {
		close(go[1]);
		CHECK_EQ(read(go[0], &c, 1), 0);
		CHECK_EQ(committed_pages(p, 8 * PAGE), 5);
		CHECK_PATTERN(p, 5 * PAGE, 0, 5000);
		CHECK_BYTES(p + 5 * PAGE, PAGE + 100, 0x77);
		CHECK_PATTERN(p + 6 * PAGE + 100, PAGE, 6 * PAGE + 100, 5000);
		_exit(0);
	}
	CHECK_EQ(process_vm_readv(child, &local, 1, &remote, 1, 0), 3 * PAGE);
	CHECK_PATTERN(buf, 3 * PAGE, PAGE, 5000);
	memset(buf, 0x77, 8 * PAGE);
	local.iov_len = remote.iov_len = PAGE + 100;
	remote.iov_base = p + 5 * PAGE;
	CHECK_EQ(process_vm_writev(child, &local, 1, &remote, 1, 0), PAGE + 100);
	if (flags == MAP_PRIVATE)
		CHECK_EQ(committed_pages(p, 8 * PAGE), 0);
	close(go[1]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(process_vm_readv_and_writev_commit_private)
{
	vm_readv_writev(MAP_PRIVATE);
}

TEST(process_vm_readv_and_writev_commit_shared)
{
	int fd = open_pattern(5000);
	char *p = map_shared(fd, 8 * PAGE), *buf = malloc(PAGE);
	struct iovec local = { buf, PAGE }, remote = { p + PAGE, PAGE };
	int status;
	pid_t child = fork();

	if (!child) {
		pause();
		_exit(0);
	}
	CHECK_EQ(process_vm_readv(child, &local, 1, &remote, 1, 0), PAGE);
	CHECK_PATTERN(buf, PAGE, PAGE, 5000);
	memset(buf, 1, PAGE);
	remote.iov_base = p + 3 * PAGE;
	CHECK_EQ(process_vm_writev(child, &local, 1, &remote, 1, 0), PAGE);
	CHECK_EQ(held(fd), 2 * PAGE);
	CHECK_BYTES(p + 3 * PAGE, PAGE, 1);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, &status, 0), child);
}

TEST(ptrace_peeks_and_pokes_untouched_memory)
{
	char *p = map_private(open_byte(BYTE), 4 * PAGE);
	long word;
	int status;
	pid_t child = fork();

	if (!child) {
		CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		CHECK_EQ(committed_pages(p, 4 * PAGE), 2);
		CHECK_BYTES(p + PAGE, PAGE, BYTE);
		CHECK_EQ(*(long *)(p + 2 * PAGE), 0x1234);
		CHECK_BYTES(p + 2 * PAGE + 8, PAGE, BYTE);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status));
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, child, p + PAGE, NULL);
	CHECK(!errno && (unsigned long)word == 0xa5a5a5a5a5a5a5a5);
	CHECK(!ptrace(PTRACE_POKEDATA, child, p + 2 * PAGE, 0x1234L));
	CHECK(!ptrace(PTRACE_DETACH, child, NULL, NULL));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(read_fills_untouched_memory)
{
	int fds[2];

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_byte(BYTE), 4 * PAGE, RW, flags, 0);
		char buf[1000];

		CHECK(!pipe(fds));
		memset(buf, 1, sizeof(buf));
		CHECK_EQ(write(fds[1], buf, sizeof(buf)), sizeof(buf));
		/* Across the boundary of two pages. */
		CHECK_EQ(read(fds[0], p + 2 * PAGE - 500, 4000), sizeof(buf));
		CHECK_EQ(committed_pages(p, 4 * PAGE), 2);
		CHECK_BYTES(p + 2 * PAGE - 500, 1000, 1);
		CHECK_BYTES(p, 2 * PAGE - 500, BYTE);
		CHECK_BYTES(p + 2 * PAGE + 500, 2 * PAGE - 500, BYTE);
	}
}

TEST(write_sends_untouched_memory)
{
	char buf[4 * PAGE];
	int fds[2];

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_pattern(5000), 8 * PAGE, RW, flags, 0);

		CHECK(!pipe(fds));
		CHECK_EQ(write(fds[1], p + PAGE, 3 * PAGE), 3 * PAGE);
		CHECK_EQ(committed_pages(p, 8 * PAGE), 3);
		CHECK_EQ(read(fds[0], buf, 3 * PAGE), 3 * PAGE);
		CHECK_PATTERN(buf, 3 * PAGE, PAGE, 5000);
	}
}

TEST(files_are_read_into_and_written_from_untouched_memory)
{
	char *p = map_private(open_pattern(5000), 64 * PAGE);
	int fd = memfd_create("file", 0);

	CHECK_EQ(write(fd, p, 32 * PAGE), 32 * PAGE);
	CHECK_EQ(pread(fd, p + 40 * PAGE, 16 * PAGE, 8 * PAGE), 16 * PAGE);
	CHECK_PATTERN(p + 40 * PAGE, 16 * PAGE, 8 * PAGE, 5000);
	CHECK_PATTERN(p, 32 * PAGE, 0, 5000);
	CHECK_EQ(committed_pages(p, 64 * PAGE), 48);
}

/*
 * The swap device, taken out of use meanwhile: the one disk of the machine
 * that O_DIRECT works on, whatever the kernel.
 */
#define DISK	"/dev/vda"

static void direct_io(void *unused)
{
	int fd = open(DISK, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	char *p = map_private(open_pattern(5000), 64 * PAGE);
	char *s = map_shared(open_byte(BYTE), 64 * PAGE);

	(void)unused;
	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, p + 8 * PAGE, 16 * PAGE, MIB), 16 * PAGE);
	CHECK_EQ(committed_pages(p, 64 * PAGE), 16);
	CHECK_EQ(pread(fd, p + 32 * PAGE, 16 * PAGE, MIB), 16 * PAGE);
	CHECK_EQ(committed_pages(p, 64 * PAGE), 32);
	CHECK_PATTERN(p + 32 * PAGE, 16 * PAGE, 8 * PAGE, 5000);
	CHECK_PATTERN(p, 32 * PAGE, 0, 5000);
	CHECK_EQ(pread(fd, s + 32 * PAGE, 16 * PAGE, MIB), 16 * PAGE);
	CHECK_EQ(committed_pages(s, 64 * PAGE), 16);
	CHECK_PATTERN(s + 32 * PAGE, 16 * PAGE, 8 * PAGE, 5000);
	CHECK_EQ(pwrite(fd, s, 16 * PAGE, 2 * MIB), 16 * PAGE);
	CHECK_EQ(pread(fd, p + 48 * PAGE, 16 * PAGE, 2 * MIB), 16 * PAGE);
	CHECK_BYTES(p + 48 * PAGE, 16 * PAGE, BYTE);
}

TEST(direct_io_reads_into_and_writes_from_untouched_memory)
{
	int status;

	if (access(DISK, W_OK) || syscall(SYS_swapoff, DISK))
		SKIP("no disk that may be overwritten (tamvm -s)");
	status = in_child(direct_io, NULL);
	if (system("mkswap " DISK " >/dev/null 2>&1 && swapon " DISK))
		printf("# the swap device is not in use any more\n");
	if (status)
		_exit(1);
}

/* userfaultfd */

#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_UNPOPULATED	(1 << 13)
#define UFFD_FEATURE_WP_ASYNC		(1 << 15)
#endif

static int write_protect_async(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	CHECK(fd >= 0);
	if (ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int protect(int uffd, char *p, size_t len)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)p, len },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)p, len },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (ioctl(uffd, UFFDIO_REGISTER, &reg))
		return -1;
	return ioctl(uffd, UFFDIO_WRITEPROTECT, &wp);
}

/* Bit 57 of a page's entry: protected by userfaultfd, so not written since. */
static bool still_protected(const char *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	CHECK_EQ(pread(fd, &entry, 8, (uintptr_t)addr / PAGE * 8), 8);
	close(fd);
	return entry >> 57 & 1;
}

TEST(userfaultfd_write_protection_tracks_writes)
{
	int uffd = write_protect_async();

	if (uffd < 0) {
		/* Before 6.7 of anonymous, shmem and huge memory only. */
		struct uffdio_api api = { .api = UFFD_API };
		char *p = map_private(open_byte(BYTE), PAGE);

		CHECK(!kernel_at_least(6, 7));
		uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
		CHECK(!ioctl(uffd, UFFDIO_API, &api));
		CHECK_ERRNO(protect(uffd, p, PAGE), EINVAL);
		return;
	}
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_byte(BYTE), 8 * PAGE, RW, flags, 0);

		memset(p, 1, 4 * PAGE);
		CHECK(!protect(uffd, p, 8 * PAGE));
		CHECK_BYTES(p, 4 * PAGE, 1);
		CHECK(still_protected(p + PAGE));
		p[PAGE] = 2;			/* was committed */
		p[5 * PAGE] = 2;		/* was not */
		CHECK(!still_protected(p + PAGE));
		CHECK(!still_protected(p + 5 * PAGE));
		CHECK(still_protected(p + 2 * PAGE));
		CHECK_BYTES(p + 5 * PAGE + 1, 3 * PAGE - 1, BYTE);
		CHECK_EQ(p[5 * PAGE], 2);
		CHECK_BYTES(p + PAGE + 1, PAGE - 1, 1);
	}
}

TEST(userfaultfd_missing_is_refused)
{
	struct uffdio_api api = { .api = UFFD_API };
	char *p = map_private(open_byte(BYTE), PAGE);
	struct uffdio_register reg = {
		.range = { (uintptr_t)p, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	CHECK(!ioctl(fd, UFFDIO_API, &api));
	CHECK_ERRNO(ioctl(fd, UFFDIO_REGISTER, &reg), EINVAL);
}

/* Descriptors */

static void send_fd(int sock, int fd)
{
	char c = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1);
}

static int receive_fd(int sock)
{
	char c, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	CHECK_EQ(recvmsg(sock, &msg, 0), 1);
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST(a_descriptor_passed_over_a_socket_shares_the_object)
{
	int sock[2], status, fd;
	pid_t child;
	char *p, c;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	child = fork();
	if (!child) {
		close(sock[0]);
		fd = receive_fd(sock[1]);
		p = map_shared(fd, 4 * PAGE);
		CHECK_BYTES(p, PAGE, 1);
		CHECK_BYTES(p + PAGE, PAGE, BYTE);
		memset(p + 2 * PAGE, 2, PAGE);
		CHECK_EQ(write(sock[1], "x", 1), 1);
		CHECK_EQ(read(sock[1], &c, 1), 1);
		CHECK_BYTES(p + 3 * PAGE, PAGE, 3);
		_exit(0);
	}
	close(sock[1]);
	fd = open_byte(BYTE);
	p = map_shared(fd, 4 * PAGE);
	memset(p, 1, PAGE);
	send_fd(sock[0], fd);
	close(fd);
	CHECK_EQ(read(sock[0], &c, 1), 1);
	CHECK_BYTES(p + 2 * PAGE, PAGE, 2);
	memset(p + 3 * PAGE, 3, PAGE);
	CHECK_EQ(write(sock[0], "x", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(a_mapping_outlives_its_descriptor)
{
	int fd = open_pattern(5000);
	char *p = map_private(fd, 8 * PAGE), *s = map_shared(fd, 8 * PAGE);

	s[0] = 1;
	close(fd);
	CHECK_EQ(p[0], 1);
	CHECK_PATTERN(p + PAGE, 7 * PAGE, PAGE, 5000);
	CHECK_PATTERN(s + PAGE, 7 * PAGE, PAGE, 5000);
}

TEST(a_duplicate_is_the_same_object)
{
	int fd = open_byte(BYTE), copy = dup(fd);
	char *a = map_shared(fd, PAGE), *b;

	a[0] = 1;
	close(fd);
	b = map_shared(copy, PAGE);
	CHECK_EQ(b[0], 1);
	CHECK_BYTES(b + 1, PAGE - 1, BYTE);
	CHECK_EQ(held(copy), PAGE);
}

TEST(two_opens_are_two_objects)
{
	int one = open_object(), two = open_object();
	char *a = map_shared(one, PAGE), *b = map_shared(two, PAGE);

	a[0] = 1;
	CHECK_EQ(b[0], 0);
}

TEST(a_readonly_descriptor_gives_no_writable_sharing)
{
	int fd = open("/dev/tamalloc", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	map_private(fd, PAGE)[0] = 1;
	touch_read(map(fd, PAGE, PROT_READ, MAP_SHARED, 0));
}

/* Bad sizes and offsets */

#define CHECK_REFUSED(len, offset, err)					\
	do {								\
		errno = 0;						\
		CHECK(mmap(NULL, len, RW, MAP_PRIVATE | MAP_NORESERVE,	\
			   fd, offset) == MAP_FAILED);			\
		CHECK_EQ(errno, err);					\
	} while (0)

TEST(size_zero_and_a_misaligned_offset_are_einval)
{
	int fd = open_object();

	CHECK_REFUSED(0, 0, EINVAL);
	CHECK_REFUSED(PAGE, 1, EINVAL);
	CHECK_REFUSED(PAGE, 2048, EINVAL);
}

TEST(beyond_the_address_space_is_enomem)
{
	int fd = open_object();

	CHECK_REFUSED(1UL << 47, 0, ENOMEM);
	CHECK_REFUSED(1UL << 60, 0, ENOMEM);
	CHECK_REFUSED(-PAGE, 0, ENOMEM);
	CHECK_REFUSED(-1UL, 0, ENOMEM);
}

TEST(beyond_rlimit_as_is_enomem)
{
	struct rlimit limit = { 4 * GIB, 4 * GIB };
	int fd = open_object();
	char *p;

	CHECK(!setrlimit(RLIMIT_AS, &limit));
	CHECK_REFUSED(8 * GIB, 0, ENOMEM);
	p = map_private(fd, GIB);
	CHECK(mremap(p, GIB, 8 * GIB, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_BYTES(p, PAGE, 0);
}

TEST(beyond_the_end_of_an_object_is_eoverflow)
{
	uint64_t end = (uint64_t)INT64_MAX & ~(PAGE - 1);
	int fd = open_object();

	CHECK_REFUSED(2 * PAGE, end - PAGE, EOVERFLOW);
	CHECK_REFUSED(PAGE, end, EOVERFLOW);
	CHECK_BYTES(map(fd, PAGE, RW, MAP_PRIVATE, end - PAGE), PAGE, 0);
}

TEST(growing_beyond_the_end_of_an_object_is_sigbus_there)
{
	uint64_t end = (uint64_t)INT64_MAX & ~(PAGE - 1);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(open_byte(BYTE), PAGE, RW, flags, end - PAGE);

		p = mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
		if (p == MAP_FAILED)	/* refused is as good */
			continue;
		CHECK(read_sigbus(p + PAGE));
		CHECK(write_sigbus(p + 2 * PAGE));
		CHECK_BYTES(p, PAGE, BYTE);
	}
}

/* Much of it */

TEST(sixteen_tib_cost_nothing_until_touched)
{
	int fd = open_pattern(5000);
	uint64_t rss, size = 16ULL << 40;
	char *p;

	CHECK(!mlockall(MCL_CURRENT));
	rss = status_bytes("VmRSS");
	p = map_private(fd, size);
	CHECK_BETWEEN(status_bytes("VmRSS") - rss, -RSS_LAG, RSS_LAG);
	for (uint64_t at = 0; at < size; at += size / 8)
		CHECK_PATTERN(p + at, PAGE, at, 5000);
	CHECK_PATTERN(p + size - PAGE, PAGE, size - PAGE, 5000);
	CHECK_BETWEEN(status_bytes("VmRSS") - rss, -RSS_LAG,
		      9 * PAGE + RSS_LAG);
	CHECK(!munmap(p, size));
}

TEST(sixty_five_thousand_mappings_live_at_once)
{
	int fd = open_pattern(5000), n = 65000 / patience() / patience();
	char *p = mmap(NULL, n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_NORESERVE, -1, 0);
	struct tam_process_stats stats = {};

	CHECK(p != MAP_FAILED);
	/* Offsets that jump, so that no two are merged. */
	for (int i = 0; i < n; i++)
		if (mmap(p + i * PAGE, PAGE, RW, MAP_FIXED | MAP_NORESERVE |
			 (i % 2 ? MAP_SHARED : MAP_PRIVATE), fd,
			 3 * i * PAGE) == MAP_FAILED)
			FAIL("mapping %d: %s", i, strerror(errno));
	CHECK(!ioctl(fd, TAM_IOC_PROCESS, &stats));
	CHECK_EQ(stats.tam_mappings, n);
	CHECK_EQ(stats.tam_reserved, n * PAGE);
	for (int i = 0; i < n; i += 97)
		CHECK_PATTERN(p + i * PAGE, 64, 3 * i * PAGE, 5000);
	CHECK(!munmap(p, n * PAGE));
}

TEST(ten_thousand_objects_live_at_once)
{
	struct rlimit limit = { 20000, 20000 };
	int n = 10000 / patience() / patience();
	char **p = calloc(n, sizeof(*p));

	CHECK(p && !setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < n; i++) {
		p[i] = map_private(open_object(), PAGE);
		*p[i] = i;
	}
	for (int i = 0; i < n; i++)
		CHECK_EQ(*p[i], (char)i);
	free(p);
}

TEST(pattern_code_runs)
{
	static const uint8_t ret = 0xc3;
	int fd = open_object();

	CHECK(!set_pattern(fd, &ret, 1));
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, 2 * PAGE, PROT_READ | PROT_EXEC, flags, 0);

		((void (*)(void))(p + PAGE))();
		CHECK_EQ(committed_pages(p, 2 * PAGE), 1);
		CHECK(!mprotect(p, 2 * PAGE, RW | PROT_EXEC));
		((void (*)(void))p)();
	}
}
