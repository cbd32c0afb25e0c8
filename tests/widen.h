/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wider windows for this test and its children, by the module in tests/widen,
 * which TAM_WIDEN names: tools/kernel build, and ko, KERNEL tests/widen
 */
#ifndef WIDEN_H
#define WIDEN_H

#include "books.h"

#include <sys/syscall.h>

#define WIDEN_SEEN	"/sys/module/widen/parameters/seen"

HELPER void widen_off(void)
{
	if (syscall(SYS_delete_module, "widen", O_NONBLOCK) && errno != ENOENT)
		FAIL("widen does not go: %s", strerror(errno));
}

/* What waits where, and for how many microseconds at most; see the module. */
HELPER void widen(const char *at, int us)
{
	const char *path = getenv("TAM_WIDEN");
	char args[1024];
	int fd;

	if (!path || !*path)
		SKIP("no TAM_WIDEN, which names the module");
	widen_off();		/* one that failed has left it */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		FAIL("%s: %s", path, strerror(errno));
	snprintf(args, sizeof(args), "at=%s us=%d", at, us);
	if (syscall(SYS_finit_module, fd, args, 0))
		FAIL("%s %s: %s", path, args, strerror(errno));
	close(fd);
}

/*
 * How often somebody met somebody, if somebody came to each window; or 0.  With
 * no windows there is nobody to wait for.  Threads ask among holes in the address
 * space: unless it is to say what it reads, this maps no memory.
 */
HELPER int widen_met(bool say)
{
	int fd = open(WIDEN_SEEN, O_RDONLY | O_CLOEXEC);
	int passed, same, other, met = 0;
	char text[4096], name[64];
	const char *line = text;
	bool all = true;
	ssize_t len;

	if (fd < 0 && !say)
		return 1;
	CHECK(fd >= 0);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	CHECK(len > 0);
	text[len] = 0;
	for (; *line; line = strchr(line, '\n') + 1) {
		CHECK_EQ(sscanf(line, "%63s %d %d %d", name, &passed, &same,
				&other), 4);
		if (say)
			printf("# %s: %d times, %d while another was there, %d elsewhere\n",
			       name, passed, same, other);
		all &= passed > 0;
		met += same + other;
	}
	return all ? met : 0;
}

/*
 * A race goes on until its end, and as long as it has proved nothing; but not
 * for ever.
 */
HELPER bool race_on(double end)
{
	return now() < end || (now() < end + 30 * patience() && !widen_met(false));
}

/* Says how often the windows were hit; where nobody met nothing was proved. */
HELPER void widen_end(void)
{
	if (!widen_met(true))
		FAIL("nobody came to one of the windows, or nobody met anybody");
	widen_off();
}

#endif /* WIDEN_H */
