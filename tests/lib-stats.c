// SPDX-License-Identifier: GPL-2.0-only
/* Statistics, the OOM score, versions and the texts of errors. */
#define _GNU_SOURCE
#include "lib.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>

#define GROUPS	(TAM_VALID_MM | TAM_VALID_OOM | TAM_VALID_TAM)
#define OVERCOMMIT	"/proc/sys/vm/overcommit_memory"

/* A number from /proc/[PID/]FILE: the one after "FIELD:", or the first. */
static long long proc_number(pid_t pid, const char *name, const char *field)
{
	char path[64], line[256];
	long long value = 0;
	bool found = false;
	FILE *file;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/%s", name);
	file = fopen(path, "r");
	CHECK(file);
	while (!found && fgets(line, sizeof(line), file)) {
		size_t len = field ? strlen(field) : 0;

		if (field && (strncmp(line, field, len) || line[len] != ':'))
			continue;
		CHECK_EQ(sscanf(line + (field ? len + 1 : 0), "%lld", &value), 1);
		found = true;
	}
	fclose(file);
	CHECK(found);
	return value;
}

static long long kib(pid_t pid, const char *field)
{
	return proc_number(pid, "status", field) << 10;
}

static struct tam_process_stats stats_of(pid_t pid)
{
	struct tam_process_stats stats;

	memset(&stats, 0xff, sizeof(stats));
	CHECK(!tam_process_stats(pid, &stats, sizeof(stats)));
	return stats;
}

/* A child that has touched @mib MiB of tamalloc memory and is stopped. */
static pid_t stopped_child(size_t mib, int adj)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		char *p = tamalloc(2 * mib * MIB + PAGE);
		FILE *file = fopen("/proc/self/oom_score_adj", "w");

		CHECK(p && file);
		CHECK(fprintf(file, "%d", adj) > 0);
		CHECK(!fclose(file));
		touch(p, mib * MIB);
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	return pid;
}

MODULE_TEST(the_stats_of_the_caller_are_those_of_proc)
{
	struct tam_process_stats before = stats_of(0), s;
	char *p = tamalloc(10 * MIB), comm[TAM_COMM_MAX] = "";
	FILE *file = fopen("/proc/self/comm", "r");

	CHECK(p && file);
	CHECK_EQ(fscanf(file, "%31[^\n]", comm), 1);
	fclose(file);
	touch(p, 5 * PAGE);
	s = stats_of(0);
	CHECK_EQ(s.size, sizeof(s));
	CHECK_EQ(s.pid, getpid());
	CHECK_EQ(s.ppid, getppid());
	CHECK_EQ(s.uid, getuid());
	CHECK(!strcmp(s.comm, comm));
	CHECK_EQ(s.valid & GROUPS, GROUPS);
	CHECK_EQ(s.reserved, kib(getpid(), "VmSize"));
	CHECK_BETWEEN(s.committed, kib(getpid(), "VmRSS") - MIB,
		      kib(getpid(), "VmRSS") + MIB);
	CHECK_EQ(s.swapped, kib(getpid(), "VmSwap"));
	CHECK(s.page_tables >= (uint64_t)kib(getpid(), "VmPTE"));
	CHECK_EQ(s.oom_score_adj, proc_number(getpid(), "oom_score_adj", NULL));
	CHECK_EQ(s.tam_mappings - before.tam_mappings, 1);
	CHECK_EQ(s.tam_reserved - before.tam_reserved, 10 * MIB);
	CHECK_EQ(s.tam_committed - before.tam_committed, 5 * PAGE);
	CHECK_EQ(s.tam_swapped, 0);
	tam_free(p);
	CHECK_EQ(stats_of(0).tam_reserved, before.tam_reserved);
	CHECK_EQ(stats_of(getpid()).pid, getpid());
}

MODULE_TEST(the_stats_of_another_process_are_those_of_proc)
{
	pid_t pid = stopped_child(16, 0);
	struct tam_process_stats s = stats_of(pid);

	CHECK_EQ(s.pid, pid);
	CHECK_EQ(s.ppid, getpid());
	CHECK_EQ(s.reserved, kib(pid, "VmSize"));
	CHECK_EQ(s.committed, kib(pid, "VmRSS"));
	CHECK_EQ(s.swapped, kib(pid, "VmSwap"));
	CHECK_EQ(s.tam_mappings, 1);
	CHECK_EQ(s.tam_reserved, 32 * MIB + PAGE);
	CHECK_EQ(s.tam_committed, 16 * MIB);
	CHECK(s.mm_id != stats_of(0).mm_id);
	end(pid);
}

MODULE_TEST(a_process_that_does_not_exist_is_ESRCH)
{
	struct tam_process_stats s;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_ERRNO(tam_process_stats(pid, &s, sizeof(s)), ESRCH);
	CHECK_ERRNO(tam_process_stats(0x3fffffff, &s, sizeof(s)), ESRCH);
	CHECK_ERRNO(tam_process_stats(-1, &s, sizeof(s)), EINVAL);
}

MODULE_TEST(a_zombie_has_no_memory_and_score_0)
{
	struct tam_process_stats s;
	siginfo_t info;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	CHECK(!waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	s = stats_of(pid);
	CHECK(!(s.valid & TAM_VALID_MM));
	CHECK_EQ(s.reserved + s.committed + s.swapped + s.page_tables, 0);
	CHECK_EQ(s.oom_state, TAM_OOM_NO_MM);
	CHECK_EQ(tam_oom_score(&s), 0);
	CHECK_EQ(proc_number(pid, "oom_score", NULL), 0);
}

MODULE_TEST(a_kernel_thread_has_no_memory_and_score_0)
{
	struct tam_process_stats s = stats_of(2);

	CHECK_EQ(s.oom_state, TAM_OOM_KTHREAD);
	CHECK(!(s.valid & TAM_VALID_MM));
	CHECK_EQ(tam_oom_score(&s), 0);
}

/* RAM and swap, as tam_oom_score_of() wants it. */
static uint64_t memory(void)
{
	struct tam_system_stats s;

	CHECK(!tam_system_stats(&s, sizeof(s)));
	return s.ram_total + s.swap_total;
}

MODULE_TEST(the_oom_score_is_that_of_proc)
{
	static const int adj[] = { -1000, -999, -500, -1, 0, 1, 300, 1000 };
	unsigned int i;

	for (i = 0; i < sizeof(adj) / sizeof(*adj); i++) {
		pid_t pid = stopped_child(24, adj[i]);
		struct tam_process_stats s = stats_of(pid);

		CHECK_EQ(s.oom_score_adj, adj[i]);
		CHECK_EQ(tam_oom_score(&s), proc_number(pid, "oom_score", NULL));
		CHECK_EQ(tam_oom_score_of(&s, memory()), tam_oom_score(&s));
		CHECK_EQ(s.oom_state, adj[i] == -1000 ? TAM_OOM_DISABLED :
							TAM_OOM_ELIGIBLE);
		end(pid);
	}
}

MODULE_TEST(the_oom_score_grows_with_memory)
{
	pid_t small = stopped_child(1, 0), large = stopped_child(200, 0);
	struct tam_process_stats s = stats_of(small), l = stats_of(large);

	CHECK(tam_oom_score(&s) < tam_oom_score(&l));
	CHECK_EQ(tam_oom_score(&l), proc_number(large, "oom_score", NULL));
	end(small);
	end(large);
}

MODULE_TEST(the_oom_score_of_a_record_without_its_inputs_is_EINVAL)
{
	struct tam_process_stats s = stats_of(0);

	CHECK_EQ(tam_oom_score_of(&s, 0), 0);
	s.valid &= ~TAM_VALID_OOM;
	CHECK_ERRNO(tam_oom_score(&s), EINVAL);
	CHECK_ERRNO(tam_oom_score_of(&s, GIB), EINVAL);
}

/* The formula by hand: in pages, the divisions as C does them. */
TEST(the_oom_score_of_a_record_is_the_documented_formula)
{
	static const struct {
		unsigned int state, usage, total;
		int adj, score;
	} cases[] = {
		{ TAM_OOM_ELIGIBLE, 0, 1000, 0, 666 },
		{ TAM_OOM_ELIGIBLE, 500, 1000, 0, 1000 },
		{ TAM_OOM_ELIGIBLE, 1000, 1000, 1000, 2000 },
		{ TAM_OOM_ELIGIBLE, 0, 1000, -999, 0 },
		{ TAM_OOM_ELIGIBLE, 3, 1999, 500, 834 },
		{ TAM_OOM_ELIGIBLE, 7, 999, 1000, 671 },
		{ TAM_OOM_INIT, 500, 1000, 0, 0 },
		{ TAM_OOM_DISABLED, 500, 1000, -1000, 0 },
		{ TAM_OOM_VFORK, 500, 1000, 0, 0 },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tam_process_stats s = {
			.valid = TAM_VALID_OOM, .oom_state = cases[i].state,
			.oom_usage = cases[i].usage * PAGE,
			.oom_score_adj = cases[i].adj,
		};

		CHECK_EQ(tam_oom_score_of(&s, cases[i].total * PAGE),
			 cases[i].score);
	}
}

MODULE_TEST(a_shorter_record_gets_the_fields_it_has)
{
	unsigned char buf[sizeof(struct tam_process_stats)];
	struct tam_process_stats *s = (void *)buf;
	size_t size = offsetof(struct tam_process_stats, committed);

	memset(buf, 0xa5, sizeof(buf));
	CHECK(!tam_process_stats(0, s, size));
	CHECK_EQ(s->pid, getpid());
	CHECK_EQ(s->reserved, kib(getpid(), "VmSize"));
	check_bytes(buf + size, sizeof(buf) - size, 0xa5);
	CHECK(!tam_process_stats(0, s, 8));
	CHECK_ERRNO(tam_process_stats(0, s, 7), EINVAL);
	CHECK_ERRNO(tam_process_stats(0, s, 0), EINVAL);
}

MODULE_TEST(a_longer_record_comes_back_with_zeros_at_the_end)
{
	static unsigned char buf[20000];
	struct tam_process_stats *s = (void *)buf;
	size_t known = sizeof(*s), size = known + 64;

	memset(buf, 0xa5, sizeof(buf));
	CHECK(!tam_process_stats(0, s, size));
	CHECK_EQ(s->pid, getpid());
	check_bytes(buf + known, 64, 0);
	check_bytes(buf + size, 100, 0xa5);
	CHECK_ERRNO(tam_process_stats(0, s, 16384), EINVAL);
}

MODULE_TEST(system_stats_and_query_take_other_sizes_too)
{
	unsigned char buf[1000];
	struct tam_system_stats *s = (void *)buf, full;
	struct tam_query *q = (void *)buf;
	size_t size;

	/* A caller of another time, even of before a field that /proc tells. */
	CHECK(!tam_system_stats(&full, sizeof(full)));
	for (size = 4; size <= sizeof(full); size += 4) {
		memset(buf, 0xa5, sizeof(buf));
		CHECK(!tam_system_stats(s, size));
		check_bytes(buf + size, sizeof(buf) - size, 0xa5);
		CHECK_EQ(s->size, sizeof(*s));
		if (size >= 16)
			CHECK_EQ(s->valid, full.valid);
		if (size >= offsetof(struct tam_system_stats, ram_free))
			CHECK_EQ(s->ram_total, full.ram_total);
		if (size >= offsetof(struct tam_system_stats, swap_free))
			CHECK_EQ(s->swap_total, full.swap_total);
	}
	CHECK(!tam_system_stats(s, sizeof(*s) + 40));
	CHECK_EQ(s->valid, full.valid);
	check_bytes(buf + sizeof(*s), 40, 0);
	check_bytes(buf + sizeof(*s) + 40, 100, 0xa5);
	CHECK_ERRNO(tam_system_stats(s, 0), EINVAL);
	CHECK_ERRNO(tam_system_stats(s, 16384), EINVAL);
	memset(buf, 0xa5, sizeof(buf));
	CHECK(!tam_query(q, 4));
	CHECK_EQ(q->abi, TAM_ABI_VERSION);
	check_bytes(buf + 4, sizeof(buf) - 4, 0xa5);
	CHECK(!tam_query(q, sizeof(*q) + 40));
	check_bytes(buf + sizeof(*q), 40, 0);
}

MODULE_TEST(the_system_stats_are_those_of_proc_and_sysinfo)
{
	struct tam_attr shared = { .flags = TAM_SHARED };
	struct tam_system_stats before, s;
	struct sysinfo info;
	char *p, *q;

	memset(&before, 0xff, sizeof(before));
	CHECK(!tam_system_stats(&before, sizeof(before)));
	p = tamalloc(64 * MIB);
	q = tam_alloc(8 * MIB, &shared);
	CHECK(p && q);
	touch(p, 7 * PAGE);
	touch(q, 3 * PAGE);
	CHECK(!tam_system_stats(&s, sizeof(s)));
	CHECK(!sysinfo(&info));
	CHECK_EQ(s.size, sizeof(s));
	CHECK_EQ(s.valid, TAM_VALID_BOOKS | TAM_VALID_MEMINFO);
	CHECK_EQ(s.ram_total, (uint64_t)info.totalram * info.mem_unit);
	CHECK_EQ(s.swap_total, (uint64_t)info.totalswap * info.mem_unit);
	CHECK_EQ(s.ram_used, s.ram_total - s.ram_available);
	CHECK(s.processes > 1);
	CHECK(s.reserved > s.committed && s.committed > 0);
	CHECK_EQ(s.tam_objects - before.tam_objects, 1);
	CHECK_EQ(s.tam_held - before.tam_held, 3 * PAGE);
	CHECK_EQ(s.tam_mappings - before.tam_mappings, 2);
	CHECK_EQ(s.tam_reserved - before.tam_reserved, 72 * MIB);
	CHECK_EQ(s.tam_committed - before.tam_committed, 10 * PAGE);
	CHECK_BETWEEN(s.tam_cap, s.ram_total / 5, s.ram_total / 3);
}

/* Those of this moment: /proc is read before and after. */
MODULE_TEST(the_system_stats_are_those_of_meminfo)
{
	static const struct {
		const char *name;
		size_t field, slack;
	} fields[] = {
#define FIELD(name, field, slack) \
		{ name, offsetof(struct tam_system_stats, field), slack }
		FIELD("MemTotal", ram_total, 0),
		FIELD("MemFree", ram_free, 16 * MIB),
		FIELD("MemAvailable", ram_available, 16 * MIB),
		FIELD("Active", ram_active, 16 * MIB),
		FIELD("Buffers", ram_buffers, MIB),
		FIELD("Cached", ram_cached, 16 * MIB),
		FIELD("SwapTotal", swap_total, 0),
		FIELD("SwapFree", swap_free, MIB),
		FIELD("Committed_AS", commit_charge, 16 * MIB),
		FIELD("CommitLimit", commit_limit, 0),
#undef FIELD
	};
	int fd = memfd_create("cached", 0);
	struct tam_system_stats s;

	/* So that no other line is as large by chance. */
	CHECK(!fallocate(fd, 0, 0, 96 * MIB));
	for (unsigned int i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		long long proc, got;

		proc = proc_number(0, "meminfo", fields[i].name) << 10;
		CHECK(!tam_system_stats(&s, sizeof(s)));
		got = *(uint64_t *)((char *)&s + fields[i].field);
		if (got < proc - (long long)fields[i].slack ||
		    got > proc + (long long)fields[i].slack)
			FAIL("%s is %lld, not %lld", fields[i].name, got, proc);
	}
	CHECK_EQ(s.overcommit, read_setting(OVERCOMMIT));
}

static void check_overcommit(void *value)
{
	struct tam_system_stats s;

	CHECK(!tam_system_stats(&s, sizeof(s)));
	CHECK_EQ(s.overcommit, *(unsigned int *)value);
	CHECK_EQ(s.commit_limit, proc_number(0, "meminfo", "CommitLimit") << 10);
}

MODULE_TEST(the_overcommit_mode_is_the_one_that_is_set)
{
	unsigned int value;

	for (value = 0; value < 2; value++)
		with_setting(OVERCOMMIT, value, check_overcommit, &value);
}

/* Hides a file or directory of /proc from this process. */
static void hide(const char *what, const char *type)
{
	if (unshare(CLONE_NEWNS))
		SKIP("no mount namespace: %s", strerror(errno));
	CHECK(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (type)
		CHECK(!mount("none", what, type, 0, NULL));
	else
		CHECK(!mount("/dev/null", what, NULL, MS_BIND, NULL));
}

static void check_no_meminfo(void)
{
	struct tam_system_stats s;

	memset(&s, 0xff, sizeof(s));
	CHECK(!tam_system_stats(&s, sizeof(s)));
	CHECK_EQ(s.valid, TAM_VALID_BOOKS);
	CHECK_EQ(s.ram_cached | s.swap_total | s.swap_free | s.commit_limit, 0);
	CHECK_EQ(s.overcommit, 0);
	CHECK(s.processes > 1 && s.ram_total && s.commit_charge);
}

static void check_with_overcommit(void *unused_arg)
{
	(void)unused_arg;
	hide("/proc/meminfo", NULL);
	check_no_meminfo();
}

MODULE_TEST(without_proc_the_system_stats_say_what_they_lack)
{
	hide("/proc", "tmpfs");
	check_no_meminfo();
}

MODULE_TEST(without_meminfo_nothing_of_it_is_told)
{
	with_setting(OVERCOMMIT, 1, check_with_overcommit, NULL);
}

MODULE_TEST(without_the_overcommit_mode_nothing_of_meminfo_is_told)
{
	hide("/proc/sys/vm/overcommit_memory", NULL);
	check_no_meminfo();
}

MODULE_TEST(object_stats_tell_name_pattern_and_what_is_held)
{
	struct tam_attr attr = {
		.pattern = "12345", .pattern_len = 5,
		.name = "0123456789012345678901234567890"
	};
	int fd = tam_open(&attr), plain = tam_open(NULL);
	unsigned char buf[sizeof(struct tam_object_stats) + 100];
	struct tam_object_stats s, other;
	char *p;

	CHECK(fd >= 0 && plain >= 0);
	CHECK(!tam_object_stats(fd, &s, sizeof(s)));
	CHECK(!tam_object_stats(plain, &other, sizeof(other)));
	CHECK_EQ(s.size, sizeof(s));
	CHECK_EQ(s.uid, getuid());
	CHECK_EQ(s.pid, getpid());
	CHECK_EQ(s.reserved0, 0);
	CHECK(s.id != other.id);
	CHECK(!strcmp(s.name, attr.name));
	CHECK(!strcmp(other.name, ""));
	CHECK_EQ(s.pattern_len, 5);
	CHECK_EQ(other.pattern_len, 1);
	CHECK_EQ(s.held, 0);
	CHECK_EQ(s.mapped, 0);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	touch(p, 2 * PAGE);
	CHECK(!tam_object_stats(fd, &s, sizeof(s)));
	CHECK_EQ(s.held, 2 * PAGE);
	CHECK_EQ(s.mapped, 1);
	/* A caller that knows less, and one that knows more. */
	memset(buf, 0xa5, sizeof(buf));
	CHECK(!tam_object_stats(fd, (void *)buf, 24));
	CHECK(!memcmp(buf, &s, 24));
	check_bytes(buf + 24, sizeof(buf) - 24, 0xa5);
	CHECK(!tam_object_stats(fd, (void *)buf, sizeof(s) + 20));
	CHECK(!memcmp(buf, &s, sizeof(s)));
	check_bytes(buf + sizeof(s), 20, 0);
	check_bytes(buf + sizeof(s) + 20, sizeof(buf) - sizeof(s) - 20, 0xa5);
	CHECK_ERRNO(tam_object_stats(0x3fffffff, &s, sizeof(s)), EBADF);
	CHECK_ERRNO(tam_object_stats(open("/dev/null", O_RDWR), &s, sizeof(s)),
		    ENOTTY);
}

static void see_no_tamalloc_of_root(void *arg)
{
	struct tam_process_stats s;

	CHECK(!setgid(65534) && !setuid(65534));
	s = stats_of(*(pid_t *)arg);
	CHECK_EQ(s.valid & GROUPS, GROUPS & ~TAM_VALID_TAM);
	CHECK_EQ(s.tam_mappings + s.tam_reserved + s.tam_committed, 0);
	CHECK(s.reserved > 16 * MIB);
	CHECK_EQ(stats_of(0).valid & GROUPS, GROUPS);
}

MODULE_TEST(the_tamalloc_share_of_others_is_not_shown_to_users)
{
	pid_t pid;

	if (getuid())
		SKIP("only root can be two users");
	pid = stopped_child(16, 0);
	child_passes(see_no_tamalloc_of_root, &pid);
	end(pid);
}

/* The library */

MODULE_TEST(library_and_module_have_the_same_version)
{
	struct tam_query q;

	CHECK(!tam_query(&q, sizeof(q)));
	CHECK(!strcmp(q.version, tam_version()));
	CHECK_EQ(q.abi, TAM_ABI_VERSION);
	CHECK_EQ(q.page_size, PAGE);
	CHECK_EQ(q.features, TAM_FEATURE_OBJECTS | TAM_FEATURE_RANGES |
			     TAM_FEATURE_STATS | TAM_FEATURE_LISTS);
}

MODULE_TEST(the_backend_is_the_module_whatever_the_environment_says)
{
	CHECK(!setenv("TAMALLOC_NO_FALLBACK", "1", 1));
	CHECK_EQ(tam_backend(), TAM_BACKEND_MODULE);
}

TEST(the_text_for_ENODEV_says_how_to_load_the_module)
{
	CHECK(strstr(tam_strerror(ENODEV), "/dev/tamalloc"));
	CHECK(strstr(tam_strerror(ENODEV), "modprobe tamalloc"));
	CHECK(strstr(tam_strerror(ENODEV), "insmod"));
}

TEST(the_text_for_ENOSPC_names_the_cap)
{
	CHECK(strstr(tam_strerror(ENOSPC), "shared_cap_mib"));
}

TEST(the_text_for_ENOMEM_names_the_limits)
{
	CHECK(strstr(tam_strerror(ENOMEM), "vm.overcommit_memory"));
	CHECK(strstr(tam_strerror(ENOMEM), "vm.max_map_count"));
}

TEST(the_text_for_ENOTTY_says_that_the_module_may_be_old)
{
	CHECK(strstr(tam_strerror(ENOTTY), "descriptor"));
	CHECK(strstr(tam_strerror(ENOTTY), tam_version()));
}

TEST(the_text_for_EAGAIN_says_to_try_again)
{
	CHECK(strstr(tam_strerror(EAGAIN), "try again"));
	CHECK(strstr(tam_strerror(EAGAIN), "memory map"));
	CHECK(strstr(tam_strerror(EAGAIN), "ulimit -l"));
}

TEST(other_errors_have_their_usual_text)
{
	static const int err[] = { 0, ESRCH, EMFILE, EACCES, EPROTONOSUPPORT,
				   12345 };
	unsigned int i;

	for (i = 0; i < sizeof(err) / sizeof(*err); i++)
		CHECK(!strcmp(tam_strerror(err[i]), strerror(err[i])));
}

TEST(what_makes_an_argument_invalid_is_said)
{
	CHECK(strstr(tam_strerror(EINVAL), "pattern_len"));
	CHECK(strstr(tam_strerror(EINVAL), "size of 0"));
}

TEST(texts_are_one_line)
{
	int err;

	for (err = 0; err < 140; err++) {
		CHECK(*tam_strerror(err));
		CHECK(!strchr(tam_strerror(err), '\n'));
	}
}
