// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading.  Whatever fails, the module is loaded afterwards, with
 * the cap it had.
 */
#include "module.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define KO	"/run/tamvm/job/tamalloc.ko"	/* where tamvm leaves it */
#define CAP	"/sys/module/tamalloc/parameters/shared_cap_mib"

static int unload(void)
{
	return syscall(SYS_delete_module, "tamalloc", O_NONBLOCK);
}

static int load(const char *parameters)
{
	int fd = open(KO, O_RDONLY | O_CLOEXEC), ret;

	CHECK(fd >= 0);
	ret = syscall(SYS_finit_module, fd, parameters, 0);
	close(fd);
	return ret;
}

static bool loaded(void)
{
	return !access("/sys/module/tamalloc/parameters", F_OK);
}

static void may_unload(void)
{
	if (access(KO, R_OK))
		SKIP("no %s", KO);
}

/* EWOULDBLOCK, as for any module in use; and it works on. */
static void check_busy(void)
{
	char *p;

	CHECK_ERRNO(unload(), EWOULDBLOCK);
	CHECK(loaded());
	p = map_private(open_byte(7), 4 * PAGE);
	CHECK_BYTES(p, 4 * PAGE, 7);
}

TEST(a_descriptor_keeps_the_module)
{
	int fd;

	may_unload();
	fd = open_byte(9);
	check_busy();
	CHECK_BYTES(map_private(fd, PAGE), PAGE, 9);
}

static void mapping_keeps(int flags, bool touched)
{
	int fd;
	char *p;

	may_unload();
	fd = open_byte(9);
	p = map(fd, 4 * PAGE, RW, flags, 0);
	if (touched)
		p[0] = 1;
	close(fd);
	check_busy();
	CHECK_BYTES(p + touched, 4 * PAGE - touched, 9);
}

TEST(a_private_mapping_keeps_the_module)
{
	mapping_keeps(MAP_PRIVATE, true);
}

TEST(a_shared_mapping_keeps_the_module)
{
	mapping_keeps(MAP_SHARED, true);
}

TEST(an_untouched_mapping_keeps_the_module)
{
	mapping_keeps(MAP_PRIVATE, false);
}

static void a_hundred_rounds(void *parameters)
{
	/* The checks have fewer, by hand it is all. */
	const char *env = getenv("TAM_LOAD_ROUNDS");

	for (int round = env ? atoi(env) : 100; round > 0; round--) {
		struct tam_system_stats stats;
		struct stat st;
		int fd;
		char *p, *s;

		CHECK(!unload());
		CHECK(!loaded());
		CHECK(access("/dev/tamalloc", F_OK));
		CHECK(!load(parameters));
		CHECK(!stat("/dev/tamalloc", &st));
		CHECK(S_ISCHR(st.st_mode));
		CHECK_EQ(st.st_mode & 0777, 0666);

		fd = open_byte(round + 1);
		p = map_private(fd, 4 * PAGE);
		s = map_shared(fd, 4 * PAGE);
		CHECK_BYTES(p, 2 * PAGE, round + 1);
		memset(p, 0, PAGE);
		memset(s, 0, PAGE);
		CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &stats));
		CHECK_EQ(stats.tam_objects, 1);
		CHECK_EQ(stats.tam_held, PAGE);
		CHECK(!munmap(p, 4 * PAGE));
		CHECK(!munmap(s, 4 * PAGE));
		close(fd);
	}
}

static void reload(void (*fn)(void *arg))
{
	char cap[32], parameters[64];
	int status;

	may_unload();
	get(CAP, cap, sizeof(cap));
	snprintf(parameters, sizeof(parameters), "shared_cap_mib=%s", cap);
	status = in_child(fn, parameters);
	if (!loaded())
		CHECK(!load(parameters));
	if (status)
		FAIL("wait status %#x", status);
}

TEST(a_hundred_rounds_of_unloading_and_loading)
{
	reload(a_hundred_rounds);
}

static uint64_t slab_and_free(void)
{
	char line[128];
	unsigned long long kib, sum = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %llu", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %llu", &kib) == 1 ||
		    sscanf(line, "Percpu: %llu", &kib) == 1)
			sum += kib << 10;
	fclose(file);
	return sum;
}

static void leak_rounds(void *parameters)
{
	const int rounds = patience() > 1 ? 25 : 60;
	uint64_t before = 0;

	for (int round = 0; round < rounds; round++) {
		if (round == rounds / 3)
			before = slab_and_free();
		CHECK(!unload());
		CHECK(!load(parameters));
		for (int i = 0; i < 20; i++) {
			int fd = open_pattern(65536);
			char *p = map_shared(fd, 16 * PAGE);

			memset(p, 1, 16 * PAGE);
			CHECK(!munmap(p, 16 * PAGE));
			close(fd);
		}
	}
	/* 20 patterns of 64 KiB in each round would be 20 MiB at least. */
	CHECK_BETWEEN(slab_and_free() - before, -64 * (int64_t)MIB, 8 * MIB);
}

TEST(rounds_of_loading_and_use_leak_nothing)
{
	reload(leak_rounds);
}

static void as_nobody(void *unused)
{
	char *p, *s;

	(void)unused;
	CHECK(!setgroups(0, NULL));
	CHECK(!setresgid(65534, 65534, 65534));
	CHECK(!setresuid(65534, 65534, 65534));
	p = map_private(open_byte(7), 2 * PAGE);
	s = map_shared(open_byte(8), 2 * PAGE);
	p[0] = 1;
	s[0] = 1;
	CHECK_BYTES(p + 1, 2 * PAGE - 1, 7);
	CHECK_BYTES(s + 1, 2 * PAGE - 1, 8);
	CHECK_ERRNO(unload(), EPERM);
	CHECK_ERRNO(put(CAP, "1"), EACCES);
}

TEST(an_unprivileged_user_may_use_it)
{
	child_passes(as_nobody, NULL);
}

TEST(the_node_is_open_to_everybody)
{
	struct stat st;

	CHECK(!stat("/dev/tamalloc", &st));
	CHECK_EQ(st.st_mode & 0777, 0666);
}

TEST(the_nodes_times_tell_nothing_of_its_users)
{
	struct stat before, after;

	CHECK(!stat("/dev/tamalloc", &before));
	sleep(1);
	map_shared(open_object(), PAGE)[0] = 1;
	CHECK(!stat("/dev/tamalloc", &after));
	CHECK_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}
