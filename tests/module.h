/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the module share: objects, views of them, contents. */
#ifndef MODULE_H
#define MODULE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tamalloc_abi.h"

#define PAGE	4096UL
#define MIB	(1024UL * 1024)
#define GIB	(1024 * MIB)

#define RW	(PROT_READ | PROT_WRITE)

/* Some functions are used by some of the tests only. */
#define HELPER	__attribute__((unused)) static

/* Before 6.2 the kernel's counters lag by up to 64 pages per thread. */
#define RSS_LAG	(128 * PAGE)

/* Zeros that this process shares with the children it will have. */
HELPER void *common(size_t len)
{
	void *p = mmap(NULL, len, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A new object with zeros for its pattern. */
HELPER int open_object(void)
{
	int fd = open("/dev/tamalloc", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		FAIL("/dev/tamalloc: %s", strerror(errno));
	return fd;
}

HELPER int set_pattern(int fd, const void *bytes, size_t len)
{
	struct tam_attr_set attr = {
		.flags = TAM_ATTR_PATTERN,
		.pattern = (uintptr_t)bytes,
		.pattern_len = len,
	};

	return ioctl(fd, TAM_IOC_SET_ATTR, &attr);
}

/* Byte i of the tests' pattern: neighbours and pages apart differ. */
HELPER uint8_t pattern_byte(size_t i)
{
	return (uint32_t)(i + 1) * 2654435761U >> 24;
}

/* A new object with a pattern of that length. */
HELPER int open_pattern(size_t len)
{
	int fd = open_object();
	uint8_t *bytes = malloc(len);

	CHECK(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern_byte(i);
	CHECK(!set_pattern(fd, bytes, len));
	free(bytes);
	return fd;
}

/* A new object that repeats a byte. */
HELPER int open_byte(uint8_t byte)
{
	int fd = open_object();

	CHECK(!set_pattern(fd, &byte, 1));
	return fd;
}

HELPER void *map(int fd, size_t len, int prot, int flags, off_t offset)
{
	void *p = mmap(NULL, len, prot, flags | MAP_NORESERVE, fd, offset);

	if (p == MAP_FAILED)
		FAIL("mmap of %zu bytes: %s", len, strerror(errno));
	return p;
}

HELPER char *map_private(int fd, size_t len)
{
	return map(fd, len, RW, MAP_PRIVATE, 0);
}

HELPER char *map_shared(int fd, size_t len)
{
	return map(fd, len, RW, MAP_SHARED, 0);
}

HELPER char *map_readonly(int fd, size_t len)
{
	return map(fd, len, PROT_READ, MAP_PRIVATE, 0);
}

HELPER uint64_t held(int fd)
{
	struct tam_object_stats stats;

	CHECK(!ioctl(fd, TAM_IOC_GET_OBJECT, &stats));
	return stats.held;
}

HELPER int range_ioctl(int fd, unsigned long cmd, uint64_t start, uint64_t len)
{
	struct tam_range range = { .start = start, .len = len };

	return ioctl(fd, cmd, &range);
}

HELPER int punch(int fd, uint64_t offset, uint64_t len)
{
	return range_ioctl(fd, TAM_IOC_PUNCH, offset, len);
}

HELPER int commit(int fd, const void *addr, uint64_t len)
{
	return range_ioctl(fd, TAM_IOC_COMMIT, (uintptr_t)addr, len);
}

HELPER int discard(int fd, const void *addr, uint64_t len)
{
	return range_ioctl(fd, TAM_IOC_DISCARD, (uintptr_t)addr, len);
}

HELPER void touch_read(const void *addr)
{
	(void)*(const volatile char *)addr;
}

/*
 * The rest repeats the first @period bytes.  Long ranges are compared with
 * themselves, as a loop over bytes takes long in emulation.
 */
HELPER bool repeats(const uint8_t *p, size_t len, size_t period)
{
	return !memcmp(p + period, p, len - period);
}

/* All bytes from addr are byte, or the first that is not is reported. */
#define CHECK_BYTES(addr, len, byte)					\
	do {								\
		const uint8_t *p_ = (const uint8_t *)(addr);		\
		size_t i_, len_ = (len);				\
									\
		for (i_ = 0; i_ < len_; i_++) {				\
			if (i_ == 1 && repeats(p_, len_, 1))		\
				break;					\
			if (p_[i_] != (uint8_t)(byte))			\
				FAIL("%s + %zu is %#x, not %#x", #addr,	\
				     i_, p_[i_], (uint8_t)(byte));	\
		}							\
		if (i_ == len_ && len_ > 1)				\
			FAIL("%s was different a moment ago", #addr);	\
	} while (0)

/* addr shows what is at offset of an object with a pattern of that length. */
#define CHECK_PATTERN(addr, len, offset, pattern_len)			\
	do {								\
		const uint8_t *p_ = (const uint8_t *)(addr);		\
		size_t n_ = (pattern_len), i_, len_ = (len);		\
		size_t phase_ = (uint64_t)(offset) % n_;		\
									\
		for (i_ = 0; i_ < len_; i_++) {				\
			if (i_ == n_ && repeats(p_, len_, n_))		\
				break;					\
			if (p_[i_] != pattern_byte(phase_))		\
				FAIL("%s + %zu is %#x, not byte %zu of the pattern of %zu (%#x)", \
				     #addr, i_, p_[i_], phase_, n_,	\
				     pattern_byte(phase_));		\
			if (++phase_ == n_)				\
				phase_ = 0;				\
		}							\
		if (i_ == len_ && len_ > n_)				\
			FAIL("%s was different a moment ago", #addr);	\
	} while (0)

HELPER uint64_t committed_pages(const void *addr, size_t len)
{
	uint64_t entries[512], pages = len / PAGE, count = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	for (uint64_t done = 0; done < pages;) {
		size_t n = pages - done < 512 ? pages - done : 512;
		off_t at = ((uintptr_t)addr / PAGE + done) * 8;

		CHECK_EQ(pread(fd, entries, n * 8, at), n * 8);
		for (size_t i = 0; i < n; i++)
			count += entries[i] >> 63;
		done += n;
	}
	close(fd);
	return count;
}

/* A line "FIELD N" of a file. */
HELPER uint64_t file_field(const char *path, const char *field)
{
	FILE *file = fopen(path, "re");
	unsigned long long number;
	char found[64];

	if (!file)
		FAIL("%s: %s", path, strerror(errno));
	while (fscanf(file, "%63s %llu", found, &number) == 2)
		if (!strcmp(found, field)) {
			fclose(file);
			return number;
		}
	FAIL("%s has no %s", path, field);
}

HELPER uint64_t vmstat(const char *field)
{
	return file_field("/proc/vmstat", field);
}

/* Writes a string to a file of /proc or /sys; 0 or -1. */
HELPER int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : 0;
}

/* Reads one; without the final newline. */
HELPER void get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		FAIL("%s: %s", path, strerror(errno));
	n = read(fd, text, size - 1);
	CHECK(n >= 0);
	close(fd);
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
}

/* The child dies of this signal, and of nothing else. */
#define CHECK_KILLED(fn, arg, sig)					\
	do {								\
		int status_ = in_child(fn, arg);			\
		if (!WIFSIGNALED(status_) || WTERMSIG(status_) != (sig)) \
			FAIL("%s: wait status %#x, not %s", #fn,	\
			     status_, strsignal(sig));			\
	} while (0)

#endif /* MODULE_H */
