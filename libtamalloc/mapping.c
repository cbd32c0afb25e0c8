// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mapping.c - making and moving the mappings behind allocations
 *
 * Two threads.  Between a failed MAP_FIXED or MREMAP_FIXED and the next call
 * another thread may map the addresses that the failed one had unmapped
 * already.  So nothing here unmaps or overwrites a range after such a failure;
 * at worst a reservation of addresses is lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

size_t tam_page_size(void)
{
	static size_t size;	/* every thread would store the same */

	if (!__atomic_load_n(&size, __ATOMIC_RELAXED))
		__atomic_store_n(&size, sysconf(_SC_PAGESIZE), __ATOMIC_RELAXED);
	return __atomic_load_n(&size, __ATOMIC_RELAXED);
}

bool tam_attr_valid(const struct tam_attr *attr)
{
	if (!attr->pattern != !attr->pattern_len)
		return false;
	return attr->pattern_len <= TAM_PATTERN_MAX &&
	       !(attr->alignment & (attr->alignment - 1)) &&
	       (!attr->name || strnlen(attr->name, TAM_NAME_MAX) < TAM_NAME_MAX) &&
	       !(attr->flags & ~(TAM_SHARED | TAM_NO_FALLBACK)) &&
	       !(attr->reserved[0] | attr->reserved[1] | attr->reserved[2]);
}

static void *map_fallback(const struct tam_node *n, int flags, void *at,
			  size_t len)
{
	void *p;

	/* A pattern is written at once: it should not be tried in vain. */
	if (n->attr.pattern)
		flags &= ~MAP_NORESERVE;
	p = mmap(at, len, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED && !n->attr.pattern) {
		int err = errno;

		/* One page per access; a kernel without huge pages says EINVAL. */
		madvise(p, len, MADV_NOHUGEPAGE);
		errno = err;
	}
	return p;
}

/*
 * Maps the first contents of @n from offset @off: at @at if not NULL, which
 * must have been reserved.  A pattern of the fallback is left to tam_fill().
 */
void *tam_map(const struct tam_node *n, void *at, size_t off, size_t len)
{
	int flags = MAP_NORESERVE | (at ? MAP_FIXED : 0) |
		    (tam_shared(n) ? MAP_SHARED : MAP_PRIVATE);
	bool own = n->attr.pattern || n->attr.name || tam_shared(n);
	void *p;
	int fd, err;

	if (!n->module)
		return map_fallback(n, flags, at, len);

	fd = own ? tam_open_object(&n->attr) : tam_device();
	if (fd < 0) {
		err = errno;
		if (at)		/* nothing was tried, so it is ours still */
			munmap(at, len);
		errno = err;
		return MAP_FAILED;
	}
	p = mmap(at, len, PROT_READ | PROT_WRITE, flags, fd, off);
	if (own) {
		err = errno;
		close(fd);	/* the mapping keeps the object */
		errno = err;
	}
	return p;
}

/* Addresses only, for something to be mapped at. */
void *tam_reserve(size_t len, size_t alignment)
{
	size_t all = len + alignment - tam_page_size(), head;
	char *p;

	if (all > PTRDIFF_MAX || all < len) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	p = mmap(NULL, all, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return p;
	head = -(uintptr_t)p & (alignment - 1);
	if (head)
		munmap(p, head);
	if (all - head - len)
		munmap(p + head + len, all - head - len);
	return p + head;
}

/*
 * Puts a fresh mapping of @n's first contents over part of an allocation.  Made
 * elsewhere and then moved, which fails before it has unmapped anything: mmap
 * with MAP_FIXED may leave a hole.
 */
int tam_replace(const struct tam_node *n, char *at, size_t off, size_t len)
{
	void *p = tam_map(n, NULL, off, len);
	int err;

	if (p == MAP_FAILED)
		return -1;
	if (mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, at) != MAP_FAILED)
		return 0;
	err = errno;
	munmap(p, len);
	errno = err;
	return -1;
}

void tam_fill(const struct tam_node *n, size_t off, size_t len)
{
	size_t period = n->attr.pattern_len, phase, done, part;
	const char *pattern = n->attr.pattern, *from;
	char *p = n->start + off;

	for (done = 0; done < len; done += part) {
		if (done < period) {
			phase = (off + done) % period;
			from = pattern + phase;
			part = period - phase;
		} else {		/* double what there is */
			from = p + done % period;
			part = done - done % period;
		}
		if (part > len - done)
			part = len - done;
		memcpy(p + done, from, part);
	}
}

/*
 * Is [p, p + len) one mapping?  mremap says EFAULT if it is not, ENOMEM if what
 * follows is in the way of a larger one.  Nothing is changed either way, unlike
 * by trying to move a range, which unmaps the target first.
 */
static bool one_mapping(char *p, size_t len)
{
	if (mremap(p, len, len + tam_page_size(), 0) == MAP_FAILED)
		return errno != EFAULT;
	munmap(p + len, tam_page_size());
	return true;
}

/* How much of [p, p + len) its first mapping covers. */
static size_t extent(char *p, size_t len)
{
	size_t page = tam_page_size(), low = page, high = len, mid;

	if (one_mapping(p, len))
		return len;
	while (high - low > page) {
		mid = low + tam_round_down((high - low) / 2);
		if (one_mapping(p, mid))
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Moves @len bytes of page tables, one mapping after the other. */
static size_t move_pieces(char *from, char *to, size_t len)
{
	size_t done, part;

	for (done = 0; done < len; done += part) {
		part = extent(from + done, len - done);
		if (mremap(from + done, part, part,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to + done) == MAP_FAILED)
			break;
	}
	return done;
}

/*
 * An allocation of several mappings (tam_memset, mprotect) is moved piece by
 * piece over a fresh one, of which the end remains as the new part.
 */
static char *gather(struct tam_node *n, size_t len)
{
	size_t align = n->attr.alignment, done, part;
	char *to;
	int err;

	to = align > tam_page_size() ? tam_reserve(len, align) : NULL;
	if (to == MAP_FAILED)
		return to;
	to = tam_map(n, to, 0, len);
	if (to == MAP_FAILED)
		return to;

	done = move_pieces(n->start, to, n->len);
	if (done == n->len)
		return to;

	err = errno;
	if (done && (mmap(n->start, done, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			  MAP_FIXED_NOREPLACE, -1, 0) != n->start ||
		     move_pieces(to, n->start, done) != done))
		tam_die("tam_realloc", n->start, "cannot be moved or moved back",
			to);
	part = extent(n->start + done, n->len - done);
	munmap(to + done + part, len - done - part);
	errno = err;
	return MAP_FAILED;
}

/* Finds room for @len bytes, more than @n has; returns the new start. */
char *tam_move(struct tam_node *n, size_t len)
{
	size_t align = n->attr.alignment;
	char *p, *to;

	if (tam_shared(n) && !n->module) {
		errno = ENOMEM;		/* would end in SIGBUS */
		return MAP_FAILED;
	}
	if (n->remapped)		/* the end may not have first contents */
		return gather(n, len);

	if (align <= tam_page_size()) {
		p = mremap(n->start, n->len, len, MREMAP_MAYMOVE);
	} else {
		p = mremap(n->start, n->len, len, 0);
		if (p == MAP_FAILED && errno == ENOMEM) {
			to = tam_reserve(len, align);
			if (to == MAP_FAILED)
				return to;
			p = mremap(n->start, n->len, len,
				   MREMAP_MAYMOVE | MREMAP_FIXED, to);
		}
	}
	if (p != MAP_FAILED)
		return p;
	if (errno == EINVAL)		/* mremap's word for too large */
		errno = ENOMEM;
	return errno == EFAULT && !tam_shared(n) ? gather(n, len) : p;
}
