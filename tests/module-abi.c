// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of tamalloc_abi.h: sizes older and newer than the module's, bad
 * input, and defined output.  Built for 32 bits too, for the same answers.
 */
#include "module.h"

struct command {
	const char *name;
	unsigned int cmd;
	size_t last;			/* where the last field that matters begins */
};

static const struct command commands[] = {
	{ "QUERY", TAM_IOC_QUERY, 24 },
	{ "SET_ATTR", TAM_IOC_SET_ATTR, 24 },
	{ "GET_OBJECT", TAM_IOC_GET_OBJECT, 24 },
	{ "PUNCH", TAM_IOC_PUNCH, 16 },
	{ "COMMIT", TAM_IOC_COMMIT, 16 },
	{ "DISCARD", TAM_IOC_DISCARD, 16 },
	{ "PROCESS", TAM_IOC_PROCESS, 104 },
	{ "SYSTEM", TAM_IOC_SYSTEM, 80 },
	{ "PROCESSES", TAM_IOC_PROCESSES, 32 },
	{ "MAPPINGS", TAM_IOC_MAPPINGS, 32 },
	{ "OBJECTS", TAM_IOC_OBJECTS, 32 },
	{ "PAGES", TAM_IOC_PAGES, 32 },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static bool is_in(const struct command *c)
{
	return _IOC_DIR(c->cmd) & _IOC_WRITE;
}

static bool is_out(const struct command *c)
{
	return _IOC_DIR(c->cmd) & _IOC_READ;
}

/* The command as somebody built it whose structure has that size. */
static unsigned long sized(const struct command *c, size_t size)
{
	return _IOC(_IOC_DIR(c->cmd), TAM_IOC_MAGIC, _IOC_NR(c->cmd), size);
}

static bool is_list(const struct command *c)
{
	return _IOC_NR(c->cmd) >= _IOC_NR(TAM_IOC_PROCESSES);
}

/* Memory for two pages, and for records, of which there are some. */
struct setup {
	int fd;
	char *memory;
	char records[PAGE];
};

static struct setup setup(void)
{
	struct setup s = { .fd = open_object() };

	s.memory = map(open_object(), 2 * PAGE, RW, MAP_SHARED, 0);
	return s;
}

/* An argument that the command accepts. */
static void fill(const struct command *c, struct setup *s, void *arg)
{
	struct tam_attr_set attr = { .flags = TAM_ATTR_NAME, .name = "abc" };
	struct tam_range range = { (uintptr_t)s->memory, 2 * PAGE };
	struct tam_list list = {
		.records = (uintptr_t)s->records,
		.size = sizeof(s->records),
	};

	if (c->cmd == TAM_IOC_PUNCH)
		range.start = 0;
	if (c->cmd == TAM_IOC_SET_ATTR)
		memcpy(arg, &attr, sizeof(attr));
	else if (is_list(c))
		memcpy(arg, &list, sizeof(list));
	else if (is_in(c) && !is_out(c))
		memcpy(arg, &range, sizeof(range));
	else
		memset(arg, 0, _IOC_SIZE(c->cmd));
}

#define FOR_EACH_COMMAND(c)						\
	for (const struct command *c = commands; c < commands + COMMANDS; c++)

#define CHECK_COMMAND(c, call)						\
	do {								\
		errno = 0;						\
		if ((call) != 0)					\
			FAIL("%s: %s", (c)->name, strerror(errno));	\
	} while (0)

#define CHECK_REFUSED(c, call, err)					\
	do {								\
		errno = 0;						\
		if ((call) != -1 || errno != (err))			\
			FAIL("%s: %s, not %s", (c)->name,		\
			     strerror(errno), strerror(err));		\
	} while (0)

/* Asking */

TEST(query_answers)
{
	struct tam_query one, two;
	int fd = open_object(), other = open_object();

	CHECK(!ioctl(fd, TAM_IOC_QUERY, &one));
	CHECK_EQ(one.abi, TAM_ABI_VERSION);
	CHECK_EQ(one.page_size, getpagesize());
	CHECK_EQ(one.features, TAM_FEATURE_OBJECTS | TAM_FEATURE_RANGES |
		 TAM_FEATURE_STATS | TAM_FEATURE_LISTS);
	CHECK(one.version[0] >= '0' && one.version[0] <= '9');
	CHECK(memchr(one.version, 0, sizeof(one.version)));
	CHECK(!ioctl(other, TAM_IOC_QUERY, &two));
	CHECK(one.object && two.object && one.object != two.object);
}

TEST(get_object_tells_what_was_set)
{
	uint8_t bytes[100] = { 1, 2, 3 };
	struct tam_attr_set attr = {
		.flags = TAM_ATTR_PATTERN | TAM_ATTR_NAME,
		.pattern = (uintptr_t)bytes,
		.pattern_len = sizeof(bytes),
		.name = "thirty-one characters and a NUL",
	};
	struct tam_object_stats stats;
	struct tam_query query;
	int fd = open_object();

	CHECK(!ioctl(fd, TAM_IOC_QUERY, &query));
	CHECK(!ioctl(fd, TAM_IOC_GET_OBJECT, &stats));
	CHECK_EQ(stats.size, sizeof(stats));
	CHECK_EQ(stats.uid, getuid());
	CHECK_EQ(stats.pid, getpid());
	CHECK_EQ(stats.reserved0, 0);
	CHECK_EQ(stats.id, query.object);
	CHECK_EQ(stats.held, 0);
	CHECK_EQ(stats.pattern_len, 1);
	CHECK_EQ(stats.mapped, 0);
	CHECK(!stats.name[0]);

	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &attr));
	map_shared(fd, 2 * PAGE)[0] = 1;
	CHECK(!ioctl(fd, TAM_IOC_GET_OBJECT, &stats));
	CHECK_EQ(stats.held, PAGE);
	CHECK_EQ(stats.pattern_len, 100);
	CHECK_EQ(stats.mapped, 1);
	CHECK(!strcmp(stats.name, attr.name));
}

TEST(attributes_can_be_set_one_by_one)
{
	struct tam_attr_set name = { .flags = TAM_ATTR_NAME, .name = "abc" };
	struct tam_object_stats stats;
	int fd = open_byte(7);

	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &name));
	name.name[0] = 0;
	name.flags = 0;
	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &name));
	CHECK(!ioctl(fd, TAM_IOC_GET_OBJECT, &stats));
	CHECK(!strcmp(stats.name, "abc"));
	CHECK_BYTES(map_private(fd, PAGE), PAGE, 7);
}

TEST(a_shorter_name_leaves_nothing_of_the_longer)
{
	struct tam_attr_set name = { .flags = TAM_ATTR_NAME, .name = "longer" };
	struct tam_object_stats stats;
	int fd = open_object();

	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &name));
	/* Whatever follows the NUL is not the name. */
	memcpy(name.name, "ab\0XYZ", 6);
	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &name));
	CHECK(!ioctl(fd, TAM_IOC_GET_OBJECT, &stats));
	CHECK_BYTES(stats.name + 2, TAM_NAME_MAX - 2, 0);
}

/* Unknown commands */

TEST(unknown_commands_are_enotty)
{
	char arg[256] = {};
	int fd = open_object();

	CHECK_ERRNO(ioctl(fd, _IOWR(TAM_IOC_MAGIC, 0x06, arg), arg), ENOTTY);
	CHECK_ERRNO(ioctl(fd, _IOWR(TAM_IOC_MAGIC, 0x0f, arg), arg), ENOTTY);
	CHECK_ERRNO(ioctl(fd, _IOWR(TAM_IOC_MAGIC, 0x16, arg), arg), ENOTTY);
	CHECK_ERRNO(ioctl(fd, _IOWR(TAM_IOC_MAGIC, 0xff, arg), arg), ENOTTY);
	CHECK_ERRNO(ioctl(fd, 0, arg), ENOTTY);
	/* TCGETS, which isatty(3) asks everybody for. */
	CHECK_ERRNO(ioctl(fd, 0x5401, arg), ENOTTY);
	CHECK(!isatty(fd));
}

TEST(another_magic_is_enotty)
{
	struct setup s = setup();
	char arg[256];

	FOR_EACH_COMMAND(c) {
		fill(c, &s, arg);
		CHECK_REFUSED(c, ioctl(s.fd, c->cmd ^ 0x100, arg), ENOTTY);
	}
}

TEST(other_files_do_not_know_the_commands)
{
	struct setup s = setup();
	int zero = open("/dev/zero", O_RDWR), memfd = memfd_create("x", 0);
	char arg[256];

	FOR_EACH_COMMAND(c) {
		fill(c, &s, arg);
		CHECK_REFUSED(c, ioctl(zero, c->cmd, arg), ENOTTY);
		CHECK_REFUSED(c, ioctl(memfd, c->cmd, arg), ENOTTY);
	}
}

TEST(size_zero_is_einval)
{
	struct setup s = setup();
	char arg[256] = {};

	FOR_EACH_COMMAND(c)
		CHECK_REFUSED(c, ioctl(s.fd, sized(c, 0), arg), EINVAL);
}

/* Bad pointers */

TEST(a_bad_pointer_is_efault_for_every_command)
{
	struct setup s = setup();
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	FOR_EACH_COMMAND(c) {
		CHECK_REFUSED(c, ioctl(s.fd, c->cmd, NULL), EFAULT);
		CHECK_REFUSED(c, ioctl(s.fd, c->cmd, none), EFAULT);
		CHECK_REFUSED(c, ioctl(s.fd, c->cmd, (char *)-PAGE), EFAULT);
	}
}

TEST(a_structure_that_runs_off_its_page_is_efault)
{
	struct setup s = setup();
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(!munmap(p + PAGE, PAGE));
	FOR_EACH_COMMAND(c) {
		char *end = p + PAGE - _IOC_SIZE(c->cmd);
		char arg[256];

		fill(c, &s, arg);
		memcpy(end + 8, arg, _IOC_SIZE(c->cmd) - 8);
		CHECK_REFUSED(c, ioctl(s.fd, c->cmd, end + 8), EFAULT);
		memcpy(end, arg, _IOC_SIZE(c->cmd));
		CHECK_COMMAND(c, ioctl(s.fd, c->cmd, end));
	}
}

TEST(output_into_readonly_memory_is_efault)
{
	struct setup s = setup();
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	FOR_EACH_COMMAND(c) {
		if (!is_out(c))
			continue;
		CHECK(!mprotect(p, PAGE, RW));
		fill(c, &s, p);
		CHECK(!mprotect(p, PAGE, PROT_READ));
		CHECK_REFUSED(c, ioctl(s.fd, c->cmd, p), EFAULT);
	}
}

TEST(a_structure_in_untouched_tamalloc_memory_works)
{
	struct setup s = setup();
	char *p = map_private(open_object(), COMMANDS * PAGE), arg[256];

	FOR_EACH_COMMAND(c) {
		char *at = p + (c - commands) * PAGE;

		if (is_out(c) && !is_list(c)) {
			CHECK_COMMAND(c, ioctl(s.fd, c->cmd, at));
		} else {
			fill(c, &s, arg);
			memcpy(at, arg, _IOC_SIZE(c->cmd));
			CHECK_COMMAND(c, ioctl(s.fd, c->cmd, at));
		}
	}
}

/* Older and newer callers */

TEST(a_newer_callers_clean_tail_is_accepted_and_comes_back_zero)
{
	struct setup s = setup();

	FOR_EACH_COMMAND(c) {
		size_t size = _IOC_SIZE(c->cmd);
		uint8_t arg[512];

		memset(arg, 0xaa, sizeof(arg));
		fill(c, &s, arg);
		/* What only comes out need not be initialised. */
		if (is_in(c))
			memset(arg + size, 0, 64);
		CHECK_COMMAND(c, ioctl(s.fd, sized(c, size + 64), arg));
		CHECK_BYTES(arg + size, 64, 0);
		CHECK_BYTES(arg + size + 64, 512 - size - 64, 0xaa);
	}
}

TEST(a_newer_callers_dirty_tail_is_e2big)
{
	struct setup s = setup();

	FOR_EACH_COMMAND(c) {
		size_t size = _IOC_SIZE(c->cmd);
		uint8_t arg[512] = {};

		if (!is_in(c))
			continue;
		fill(c, &s, arg);
		arg[size + 63] = 1;
		CHECK_REFUSED(c, ioctl(s.fd, sized(c, size + 64), arg), E2BIG);
		arg[size + 63] = 0;
		arg[size] = 1;
		CHECK_REFUSED(c, ioctl(s.fd, sized(c, size + 64), arg), E2BIG);
	}
}

TEST(an_older_caller_is_answered_within_its_size)
{
	struct setup s = setup();

	FOR_EACH_COMMAND(c) {
		uint8_t arg[512], full[512];

		if (!is_out(c))
			continue;
		fill(c, &s, full);
		memset(arg, 0xaa, sizeof(arg));
		memcpy(arg, full, c->last);
		CHECK_COMMAND(c, ioctl(s.fd, c->cmd, full));
		CHECK_COMMAND(c, ioctl(s.fd, sized(c, c->last), arg));
		CHECK_BYTES(arg + c->last, 512 - c->last, 0xaa);
		/* The beginning says the same: the first two fields. */
		CHECK(!memcmp(arg, full, 8));
	}
}

TEST(an_older_callers_missing_fields_are_zero)
{
	struct tam_attr_set attr = {
		.flags = TAM_ATTR_PATTERN,
		.pattern = (uintptr_t)"x",
		.pattern_len = 1,
	};
	struct setup s = setup();

	memset(attr.name, 0xaa, sizeof(attr.name));
	CHECK(!ioctl(s.fd, sized(&commands[1], 24), &attr));
	CHECK_BYTES(map_private(s.fd, PAGE), PAGE, 'x');
	/* A range without its length is empty. */
	CHECK_ERRNO(ioctl(s.fd, sized(&commands[3], 8), &attr), EINVAL);
}

TEST(the_largest_size_a_number_can_hold_works)
{
	size_t max = (1 << _IOC_SIZEBITS) - 1;
	struct setup s = setup();

	FOR_EACH_COMMAND(c) {
		uint8_t *arg = calloc(1, max + 1);

		CHECK(arg);
		arg[max] = 0xaa;
		fill(c, &s, arg);
		CHECK_COMMAND(c, ioctl(s.fd, sized(c, max), arg));
		CHECK_EQ(arg[max], 0xaa);
		free(arg);
	}
}

TEST(direction_bits_do_not_matter)
{
	struct setup s = setup();
	char arg[256];

	FOR_EACH_COMMAND(c)
		for (unsigned int dir = 0; dir < 4; dir++) {
			fill(c, &s, arg);
			CHECK_COMMAND(c, ioctl(s.fd, _IOC(dir, TAM_IOC_MAGIC,
							  _IOC_NR(c->cmd),
							  _IOC_SIZE(c->cmd)),
					       arg));
		}
}

TEST(every_byte_of_an_answer_is_defined)
{
	struct setup s = setup();

	FOR_EACH_COMMAND(c) {
		size_t size = _IOC_SIZE(c->cmd);
		uint8_t one[256], two[256];

		if (!is_out(c))
			continue;
		/* What differs is what nobody wrote. */
		memset(one, 0xaa, size);
		memset(two, 0x55, size);
		if (is_list(c)) {
			/* All but count and more, to which it is no matter. */
			fill(c, &s, one);
			memcpy(two, one, size);
			memset(one + 40, 0xaa, 8);
			memset(two + 40, 0x55, 8);
		} else if (is_in(c)) {
			memset(one + 4, 0, 4);
			memset(two + 4, 0, 4);
		}
		CHECK_COMMAND(c, ioctl(s.fd, c->cmd, one));
		CHECK_COMMAND(c, ioctl(s.fd, c->cmd, two));
		for (size_t i = 0; i < size; i++)
			if (one[i] == 0xaa && two[i] == 0x55)
				FAIL("%s: byte %zu is not written", c->name, i);
	}
}

/* What comes out of a list, by a caller that knows a part of it. */
TEST(a_list_is_the_same_for_older_and_newer_callers)
{
	struct setup s = setup();

	s.memory[0] = 1;
	FOR_EACH_COMMAND(c) {
		size_t sizes[] = { 32, 40, 48, 56, 512 };
		char records[PAGE];

		if (!is_list(c))
			continue;
		for (int i = 0; i < 5; i++) {
			struct tam_list list[16] = {};

			fill(c, &s, list);
			memset(s.records, 0xaa, PAGE);
			CHECK_COMMAND(c, ioctl(s.fd, sized(c, sizes[i]), list));
			CHECK(*(uint32_t *)s.records >= 24);
			CHECK_EQ(list->records, (uintptr_t)s.records);
			CHECK_EQ(list->size, PAGE);
			if (sizes[i] >= 48)
				CHECK(list->count);
			/* Own amounts change; those of process 1 come first. */
			if (!i)
				memcpy(records, s.records, PAGE);
			CHECK(!memcmp(records, s.records, 24));
		}
		/* Without its buffer, there is none. */
		struct tam_list list = { .records = (uintptr_t)s.records };

		CHECK_REFUSED(c, ioctl(s.fd, sized(c, 8), &list), ENOSPC);
	}
}

TEST(strings_end_and_are_padded_with_zeros)
{
	struct tam_process_stats stats = {};
	struct tam_query query;
	int fd = open_object();
	size_t n;

	CHECK(!ioctl(fd, TAM_IOC_PROCESS, &stats));
	n = strnlen(stats.comm, sizeof(stats.comm));
	CHECK_BETWEEN(n, 1, sizeof(stats.comm) - 1);
	CHECK_BYTES(stats.comm + n, sizeof(stats.comm) - n, 0);
	CHECK(!ioctl(fd, TAM_IOC_QUERY, &query));
	n = strnlen(query.version, sizeof(query.version));
	CHECK_BETWEEN(n, 1, sizeof(query.version) - 1);
	CHECK_BYTES(query.version + n, sizeof(query.version) - n, 0);
}

/* SET_ATTR */

#define CHECK_ATTR(err, ...)						\
	do {								\
		struct tam_attr_set attr_ = { __VA_ARGS__ };		\
		CHECK_ERRNO(ioctl(fd, TAM_IOC_SET_ATTR, &attr_), err);	\
	} while (0)

TEST(bad_attributes_are_refused_and_change_nothing)
{
	static uint8_t bytes[TAM_PATTERN_MAX + 1];
	uint64_t pattern = (uintptr_t)bytes;
	struct tam_object_stats stats;
	int fd = open_byte(7);
	struct tam_attr_set name = { .flags = TAM_ATTR_NAME, .name = "kept" };

	memset(bytes, 1, sizeof(bytes));
	CHECK(!ioctl(fd, TAM_IOC_SET_ATTR, &name));

	CHECK_ATTR(EINVAL, .flags = TAM_ATTR_PATTERN, .pattern = pattern);
	CHECK_ATTR(EINVAL, .flags = TAM_ATTR_PATTERN, .pattern = pattern,
		   .pattern_len = TAM_PATTERN_MAX + 1);
	CHECK_ATTR(EINVAL, .flags = TAM_ATTR_PATTERN, .pattern = pattern,
		   .pattern_len = UINT32_MAX);
	CHECK_ATTR(EINVAL, .flags = TAM_ATTR_PATTERN | 0x4, .pattern = pattern,
		   .pattern_len = 1);
	CHECK_ATTR(EINVAL, .flags = 1ULL << 63);
	CHECK_ATTR(EINVAL, .flags = 1ULL << 32);
	CHECK_ATTR(EINVAL, .flags = TAM_ATTR_PATTERN, .pattern = pattern,
		   .pattern_len = 1, .reserved0 = 1);
	CHECK_ATTR(EINVAL, .reserved0 = 1U << 31);
	CHECK_ATTR(EFAULT, .flags = TAM_ATTR_PATTERN, .pattern = 0,
		   .pattern_len = 1);
	CHECK_ATTR(EFAULT, .flags = TAM_ATTR_PATTERN, .pattern = -8,
		   .pattern_len = 8);
	CHECK_ATTR(EFAULT, .flags = TAM_ATTR_PATTERN, .pattern = 1ULL << 63,
		   .pattern_len = 65536);
	/* A good pattern with a bad name, and the other way round. */
	memset(name.name, 'x', sizeof(name.name));
	name.flags = TAM_ATTR_NAME | TAM_ATTR_PATTERN;
	name.pattern = pattern;
	name.pattern_len = 1;
	CHECK_ERRNO(ioctl(fd, TAM_IOC_SET_ATTR, &name), EINVAL);
	CHECK_ATTR(EFAULT, .flags = TAM_ATTR_NAME | TAM_ATTR_PATTERN,
		   .pattern = 0, .pattern_len = 1, .name = "lost");

	CHECK(!ioctl(fd, TAM_IOC_GET_OBJECT, &stats));
	CHECK(!strcmp(stats.name, "kept"));
	CHECK_EQ(stats.pattern_len, 1);
	CHECK_EQ(stats.mapped, 0);
	CHECK_BYTES(map_private(fd, PAGE), PAGE, 7);
}

TEST(a_pattern_that_runs_off_its_page_is_efault)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_object();

	memset(p, 1, PAGE);
	CHECK(!munmap(p + PAGE, PAGE));
	CHECK_ERRNO(set_pattern(fd, p, 4097), EFAULT);
	CHECK_ERRNO(set_pattern(fd, p + PAGE - 1, 2), EFAULT);
	CHECK(!set_pattern(fd, p + PAGE - 1, 1));
}

TEST(attributes_are_fixed_by_the_first_mapping)
{
	struct tam_attr_set name = { .flags = TAM_ATTR_NAME, .name = "late" };
	uint8_t byte = 8;

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		int fd = open_byte(7);
		char *p = map(fd, PAGE, PROT_READ, flags, 0);

		CHECK_ERRNO(set_pattern(fd, &byte, 1), EBUSY);
		CHECK_ERRNO(ioctl(fd, TAM_IOC_SET_ATTR, &name), EBUSY);
		CHECK(!munmap(p, PAGE));
		CHECK_ERRNO(set_pattern(fd, &byte, 1), EBUSY);
		CHECK_BYTES(map_private(fd, PAGE), PAGE, 7);
	}
}

/* Ranges */

#define LIMIT	((1ULL << 63) - 4096)

TEST(bad_punch_ranges_are_einval)
{
	int fd = open_object();

	map_shared(fd, 4 * PAGE)[0] = 1;
	CHECK_ERRNO(punch(fd, 0, 0), EINVAL);
	CHECK_ERRNO(punch(fd, 1, PAGE), EINVAL);
	CHECK_ERRNO(punch(fd, 0, PAGE + 1), EINVAL);
	CHECK_ERRNO(punch(fd, 0, 1), EINVAL);
	CHECK_ERRNO(punch(fd, -(uint64_t)PAGE, PAGE), EINVAL);
	CHECK_ERRNO(punch(fd, PAGE, -(uint64_t)PAGE), EINVAL);
	CHECK_ERRNO(punch(fd, 0, -(uint64_t)PAGE), EINVAL);
	CHECK_ERRNO(punch(fd, -(uint64_t)PAGE, 2 * PAGE), EINVAL);
	CHECK_ERRNO(punch(fd, LIMIT, PAGE), EINVAL);
	CHECK_ERRNO(punch(fd, PAGE, LIMIT), EINVAL);
	CHECK_EQ(held(fd), PAGE);
	CHECK(!punch(fd, LIMIT - PAGE, PAGE));
	CHECK(!punch(fd, 0, LIMIT));
	CHECK_EQ(held(fd), 0);
}

static void bad_address_ranges(unsigned long cmd)
{
	struct setup s = setup();
	uint64_t p = (uintptr_t)s.memory;
	char *gap = map(open_object(), 4 * PAGE, RW, MAP_SHARED, 0);
	char *other = map(open_object(), 2 * PAGE, RW, MAP_SHARED, 0);

	CHECK_ERRNO(range_ioctl(s.fd, cmd, p, 0), EINVAL);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, p + 1, PAGE), EINVAL);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, p, PAGE - 1), EINVAL);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, p, -(uint64_t)PAGE), EINVAL);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, -(uint64_t)PAGE, PAGE), EINVAL);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, 1ULL << 63, PAGE), EINVAL);

	/* A hole in the middle, at the end, nothing at all. */
	CHECK(!munmap(gap + PAGE, PAGE));
	CHECK_ERRNO(range_ioctl(s.fd, cmd, (uintptr_t)gap, 4 * PAGE), ENOMEM);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, (uintptr_t)gap + PAGE, PAGE), ENOMEM);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, PAGE, PAGE), ENOMEM);
	/* Above the stack, and so above all there is. */
	CHECK_ERRNO(range_ioctl(s.fd, cmd, sizeof(long) == 8 ?
				(1UL << 31 << 16) - 2 * PAGE :
				0xffffe000UL - PAGE, PAGE), ENOMEM);

	/* Somebody else's mapping, alone and behind one of ours. */
	CHECK(mmap(other + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
		   MAP_FIXED, -1, 0) == other + PAGE);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, (uintptr_t)other, 2 * PAGE), EINVAL);
	CHECK_ERRNO(range_ioctl(s.fd, cmd, (uintptr_t)other + PAGE, PAGE),
		    EINVAL);
	/* A bad range is refused as a whole. */
	CHECK(!page_present(other));
	CHECK(!page_present(gap));
}

TEST(bad_commit_ranges_are_refused_whole)
{
	bad_address_ranges(TAM_IOC_COMMIT);
}

TEST(bad_discard_ranges_are_refused_whole)
{
	bad_address_ranges(TAM_IOC_DISCARD);
}

TEST(discard_wants_writable_shared_memory)
{
	int fd = open_object(), rd = open("/dev/tamalloc", O_RDONLY);
	char *p = map(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	p[0] = 1;
	CHECK_ERRNO(discard(fd, map_private(fd, PAGE), PAGE), EACCES);
	CHECK_ERRNO(discard(fd, map_readonly(fd, PAGE), PAGE), EACCES);
	CHECK_ERRNO(discard(fd, map(fd, PAGE, PROT_READ, MAP_SHARED, 0), PAGE),
		    EACCES);
	CHECK_ERRNO(discard(fd, map(rd, PAGE, PROT_READ, MAP_SHARED, 0), PAGE),
		    EACCES);
	/* Half of it is: nothing is discarded. */
	CHECK(!mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ));
	CHECK_ERRNO(discard(fd, p, 4 * PAGE), EACCES);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(held(fd), PAGE);
}

TEST(commit_of_inaccessible_memory_is_eacces)
{
	int fd = open_object();
	char *p = map(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	CHECK_ERRNO(commit(fd, map(fd, PAGE, PROT_NONE, MAP_PRIVATE, 0), PAGE),
		    EACCES);
	CHECK(!mprotect(p + 3 * PAGE, PAGE, PROT_NONE));
	CHECK_ERRNO(commit(fd, p, 4 * PAGE), EACCES);
	CHECK_EQ(held(fd), 0);
	CHECK(!commit(fd, p, 3 * PAGE));
	CHECK_EQ(held(fd), 3 * PAGE);
}

TEST(commit_does_what_first_accesses_would)
{
	static const struct { int prot, flags, holds; } kinds[] = {
		{ RW, MAP_PRIVATE, 0 },
		{ PROT_READ, MAP_PRIVATE, 1 },
		{ RW, MAP_SHARED, 1 },
		{ PROT_READ, MAP_SHARED, 1 },
	};

	for (int k = 0; k < 4; k++) {
		int fd = open_pattern(5000), other = open_object();
		/* More than one of the module's steps. */
		size_t pages = 1500;
		char *p = map(fd, (pages + 2) * PAGE, kinds[k].prot,
			      kinds[k].flags, 0);
		uint64_t faults;

		CHECK(!commit(other, p + PAGE, pages * PAGE));
		CHECK(!page_present(p));
		CHECK(!page_present(p + (pages + 1) * PAGE));
		CHECK_EQ(committed_pages(p, (pages + 2) * PAGE), pages);
		CHECK_EQ(held(fd), kinds[k].holds * pages * PAGE);
		faults = page_faults();
		for (size_t i = 1; i <= pages; i++)
			if (kinds[k].prot & PROT_WRITE)
				p[i * PAGE] = pattern_byte(i * PAGE % 5000);
			else
				touch_read(p + i * PAGE);
		CHECK_EQ(page_faults() - faults, 0);
		CHECK_PATTERN(p, (pages + 2) * PAGE, 0, 5000);
		munmap(p, (pages + 2) * PAGE);
	}
}

TEST(commit_goes_across_mappings)
{
	int one = open_byte(1), two = open_byte(2);
	char *p = map(one, 4 * PAGE, RW, MAP_SHARED, 0);

	CHECK(mmap(p + 2 * PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, two,
		   0) == p + 2 * PAGE);
	CHECK(!commit(one, p + PAGE, 3 * PAGE));
	CHECK_EQ(committed_pages(p, 4 * PAGE), 3);
	CHECK_EQ(held(one), PAGE);
	CHECK_EQ(held(two), 0);
}

TEST(commit_keeps_what_was_written)
{
	char *p = map_private(open_byte(9), 4 * PAGE);
	int fd = open_object();

	memset(p + PAGE, 1, PAGE);
	CHECK(!commit(fd, p, 4 * PAGE));
	CHECK(!commit(fd, p, 4 * PAGE));
	CHECK_BYTES(p, PAGE, 9);
	CHECK_BYTES(p + PAGE, PAGE, 1);
	CHECK_BYTES(p + 2 * PAGE, 2 * PAGE, 9);
}

/* The file itself */

TEST(read_write_and_seek_are_not_for_this_file)
{
	int fd = open_object();
	char c = 1;

	CHECK_ERRNO(read(fd, &c, 1), EINVAL);
	CHECK_ERRNO(write(fd, &c, 1), EINVAL);
	CHECK(ftruncate(fd, 4096) == -1);
	CHECK_EQ(held(fd), 0);
}
