/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* demo.h - what the demos share */
#ifndef DEMO_H
#define DEMO_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB	(1024.0 * 1024.0)

/* A number and K, M, G or T, as in 256M or 1GiB; 0 for anything else. */
static inline size_t parse_size(const char *s)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	char *end;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno || end == s || *s == '-')
		return 0;
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		if (n > SIZE_MAX >> shift)
			return 0;
		n <<= shift;
		end++;
		if (!strcmp(end, "iB"))
			end += 2;
	}
	return *end ? 0 : n;
}

/* A field of /proc/self/status in bytes; without touching the heap. */
static inline size_t status_bytes(const char *field)
{
	char buf[4096], *p;
	ssize_t n;
	int fd;

	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	p = strstr(buf, field);
	return p ? strtoull(p + strlen(field), NULL, 10) * 1024 : 0;
}

#endif /* DEMO_H */
