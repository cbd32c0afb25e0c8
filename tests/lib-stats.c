// SPDX-License-Identifier: GPL-2.0-only
/* Statistics, the OOM score, versions and the texts of errors. */
#define _GNU_SOURCE
#include "lib.h"

#include <sys/ioctl.h>
#include <sys/sysinfo.h>

/* A number from /proc/PID/FILE: the one after "FIELD:", or the first. */
static long long proc_number(pid_t pid, const char *name, const char *field)
{
	char path[64], line[256];
	long long value = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
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

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
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
	CHECK_EQ(s.valid, TAM_VALID_MM | TAM_VALID_OOM | TAM_VALID_TAM);
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

MODULE_TEST(the_oom_score_is_that_of_proc)
{
	static const int adj[] = { -1000, -999, -500, -1, 0, 1, 300, 1000 };
	unsigned int i;

	for (i = 0; i < sizeof(adj) / sizeof(*adj); i++) {
		pid_t pid = stopped_child(24, adj[i]);
		struct tam_process_stats s = stats_of(pid);

		CHECK_EQ(s.oom_score_adj, adj[i]);
		CHECK_EQ(tam_oom_score(&s), proc_number(pid, "oom_score", NULL));
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

	s.valid &= ~TAM_VALID_OOM;
	CHECK_ERRNO(tam_oom_score(&s), EINVAL);
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
	struct tam_system_stats *s = (void *)buf;
	struct tam_query *q = (void *)buf;

	memset(buf, 0xa5, sizeof(buf));
	CHECK(!tam_system_stats(s, 8));
	CHECK(s->processes > 0 && s->processes < 100000);
	check_bytes(buf + 8, sizeof(buf) - 8, 0xa5);
	CHECK(!tam_system_stats(s, sizeof(*s) + 40));
	check_bytes(buf + sizeof(*s), 40, 0);
	check_bytes(buf + sizeof(*s) + 40, 100, 0xa5);
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
	CHECK_EQ(s.ram_total, (uint64_t)info.totalram * info.mem_unit);
	CHECK_BETWEEN(s.ram_free, 1, s.ram_total);
	CHECK_BETWEEN(s.ram_available, 1, s.ram_total);
	CHECK(s.processes > 1);
	CHECK(s.reserved > s.committed && s.committed > 0);
	CHECK_EQ(s.tam_objects - before.tam_objects, 1);
	CHECK_EQ(s.tam_held - before.tam_held, 3 * PAGE);
	CHECK_EQ(s.tam_mappings - before.tam_mappings, 2);
	CHECK_EQ(s.tam_reserved - before.tam_reserved, 72 * MIB);
	CHECK_EQ(s.tam_committed - before.tam_committed, 10 * PAGE);
	CHECK_BETWEEN(s.tam_cap, s.ram_total / 5, s.ram_total / 3);
}

MODULE_TEST(object_stats_tell_name_pattern_and_what_is_held)
{
	struct tam_attr attr = {
		.pattern = "12345", .pattern_len = 5,
		.name = "0123456789012345678901234567890"
	};
	int fd = tam_open(&attr), plain = tam_open(NULL);
	struct tam_object_stats s, other;
	char *p;

	CHECK(fd >= 0 && plain >= 0);
	CHECK(!tam_object_stats(fd, &s, sizeof(s)));
	CHECK(!tam_object_stats(plain, &other, sizeof(other)));
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
	CHECK_ERRNO(tam_object_stats(0x3fffffff, &s, sizeof(s)), EBADF);
	CHECK_ERRNO(tam_object_stats(open("/dev/null", O_RDWR), &s, sizeof(s)),
		    ENOTTY);
}

static void see_no_tamalloc_of_root(void *arg)
{
	struct tam_process_stats s;

	CHECK(!setgid(65534) && !setuid(65534));
	s = stats_of(*(pid_t *)arg);
	CHECK_EQ(s.valid, TAM_VALID_MM | TAM_VALID_OOM);
	CHECK_EQ(s.tam_mappings + s.tam_reserved + s.tam_committed, 0);
	CHECK(s.reserved > 16 * MIB);
	CHECK_EQ(stats_of(0).valid,
		 TAM_VALID_MM | TAM_VALID_OOM | TAM_VALID_TAM);
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
			     TAM_FEATURE_STATS);
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

TEST(other_errors_have_their_usual_text)
{
	static const int err[] = { 0, EINVAL, ESRCH, EMFILE, EACCES,
				   EPROTONOSUPPORT, 12345 };
	unsigned int i;

	for (i = 0; i < sizeof(err) / sizeof(*err); i++)
		CHECK(!strcmp(tam_strerror(err[i]), strerror(err[i])));
}

TEST(texts_are_one_line)
{
	int err;

	for (err = 0; err < 140; err++) {
		CHECK(*tam_strerror(err));
		CHECK(!strchr(tam_strerror(err), '\n'));
	}
}
