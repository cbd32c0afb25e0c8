// SPDX-License-Identifier: LGPL-2.1-or-later
/* contents.c - first contents again, other contents, and committing them */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "internal.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif

/*
 * From here on tam_memset() is lazy.  A new object and its mapping cost as many
 * instructions as the first touch of 7 pages or the writing of 96 that are
 * committed already (measured on 6.1); and a process has only 65,530 mappings.
 */
#define LAZY_PAGES	64

static struct tam_node *find_start(const char *func, const void *p)
{
	struct tam_node *n;

	tam_lock();
	n = tam_find_start(func, p);
	tam_unlock();
	return n;
}

static bool in_range(const struct tam_node *n, size_t off, size_t len)
{
	if (off <= n->len && len <= n->len - off)
		return true;
	errno = EINVAL;
	return false;
}

static int range_ioctl(unsigned int nr, char *p, size_t len)
{
	struct tam_range range = { .start = (uintptr_t)p, .len = len };

	return tam_device_ioctl(_IOC_WRITE, nr, &range, sizeof(range));
}

/* Whole pages. */
static int restore(struct tam_node *n, size_t off, size_t len)
{
	char *p = n->start + off;
	int ret;

	if (!n->module && n->attr.pattern) {
		tam_fill(n, off, len);
		return 0;
	}
	if (!n->module)
		return madvise(p, len, tam_shared(n) ? MADV_REMOVE
						     : MADV_DONTNEED);
	if (tam_shared(n))
		return range_ioctl(_IOC_NR(TAM_IOC_DISCARD), p, len);

	tam_lock();
	if (!n->remapped)
		ret = madvise(p, len, MADV_DONTNEED);
	else
		ret = tam_replace(n, p, off, len);
	if (!ret && len == n->len)
		n->remapped = false;
	tam_unlock();
	return ret;
}

int tam_reset(void *p)
{
	struct tam_node *n = find_start("tam_reset", p);

	return restore(n, 0, n->len);
}

int tam_decommit(void *p, size_t off, size_t len)
{
	struct tam_node *n = find_start("tam_decommit", p);
	size_t first, end;

	if (!in_range(n, off, len))
		return -1;
	first = tam_round_up(off);
	end = tam_round_down(off + len);
	return first < end ? restore(n, first, end - first) : 0;
}

static int commit_fallback(char *p, size_t len)
{
	size_t off;

	if (!madvise(p, len, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -1;
	if (!madvise(p, 0, MADV_POPULATE_WRITE)) {
		errno = EACCES;		/* not an old kernel: a protection */
		return -1;
	}
	/* Writes without changing anything, whatever other threads write. */
	for (off = 0; off < len; off += tam_page_size())
		__atomic_fetch_or(p + off, 0, __ATOMIC_RELAXED);
	return 0;
}

int tam_commit(void *p, size_t off, size_t len)
{
	struct tam_node *n = find_start("tam_commit", p);
	size_t first;

	if (!in_range(n, off, len))
		return -1;
	if (!len)
		return 0;
	first = tam_round_down(off);
	len = tam_round_up(off + len) - first;
	return n->module ?
		range_ioctl(_IOC_NR(TAM_IOC_COMMIT), n->start + first, len) :
		commit_fallback(n->start + first, len);
}

static bool first_contents_are(const struct tam_node *n, unsigned char byte)
{
	const unsigned char *pattern = n->attr.pattern;

	if (!pattern)
		return !byte;
	return pattern[0] == byte &&
	       !memcmp(pattern, pattern + 1, n->attr.pattern_len - 1);
}

/* Whole pages of private memory: map an object that is all @byte. */
static int remap(struct tam_node *n, size_t off, unsigned char byte, size_t len)
{
	struct tam_node other = {
		.module = true,
		.attr = { .pattern = &byte, .pattern_len = 1 },
	};
	int ret;

	/* The shared object of zeros needs none of its own, and may merge. */
	if (!byte)
		other.attr = (struct tam_attr){ 0 };

	tam_lock();
	n->remapped = true;
	ret = tam_replace(&other, n->start + off, off, len);
	tam_unlock();
	return ret;
}

int tam_memset(void *p, int byte, size_t n)
{
	struct tam_node *node;
	size_t off, first, end;
	int ret, err = errno;

	tam_lock();
	node = tam_find(p);
	tam_unlock();
	if (!node || !in_range(node, (char *)p - node->start, n)) {
		errno = EINVAL;
		return -1;
	}
	off = (char *)p - node->start;
	first = tam_round_up(off);
	end = tam_round_down(off + n);

	ret = -1;
	if (first < end && end - first >= LAZY_PAGES * tam_page_size()) {
		if (first_contents_are(node, byte))
			ret = restore(node, first, end - first);
		else if (node->module && !tam_shared(node))
			ret = remap(node, first, byte, end - first);
	}
	if (ret) {
		errno = err;
		memset(p, byte, n);
		return 0;
	}
	memset(p, byte, first - off);
	memset(node->start + end, byte, off + n - end);
	return 0;
}
