// SPDX-License-Identifier: LGPL-2.1-or-later
/* peers.c - the ways to get memory with first contents that are compared */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <tamalloc.h>

#include "bench.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif

/* What is at @offset of an endless repetition of the pattern. */
void fill(char *to, size_t offset, size_t len, const struct pattern *pattern)
{
	size_t phase, head, done;

	if (pattern->len <= 1) {
		memset(to, pattern->len ? *pattern->bytes : 0, len);
		return;
	}
	/* One period, then all that is there again and again. */
	phase = offset % pattern->len;
	head = pattern->len - phase;
	if (head > len)
		head = len;
	done = pattern->len < len ? pattern->len : len;
	memcpy(to, pattern->bytes + phase, head);
	memcpy(to + head, pattern->bytes, done - head);
	for (; done < len; done += head) {
		head = done < len - done ? done : len - done;
		memcpy(to + done, to, head);
	}
}

static void fill_all(struct memory *m)
{
	fill(m->p, 0, m->size, &m->pattern);
}

void *map(size_t size, int protection, int flags, int fd)
{
	void *p = mmap(NULL, size, protection, flags | MAP_NORESERVE, fd, 0);

	check(p != MAP_FAILED, "mmap");
	return p;
}

void unmap(struct memory *m)
{
	check(!munmap(m->p, m->size), "munmap");
}

void drop(struct memory *m)
{
	check(!madvise(m->p, m->size, MADV_DONTNEED), "MADV_DONTNEED");
}

/* tamalloc */

void check_module(bool good)
{
	if (!good && errno == ENODEV)
		missing("no /dev/tamalloc");
	check(good, "libtamalloc");
}

static void tam_get_as(struct memory *m, unsigned long flags)
{
	m->p = tam_alloc(m->size, &(struct tam_attr){
		.pattern = m->pattern.bytes, .pattern_len = m->pattern.len,
		.flags = flags | TAM_NO_FALLBACK });
	check_module(m->p);
}

static void tam_get(struct memory *m)
{
	tam_get_as(m, 0);
}

static void tam_shared_get(struct memory *m)
{
	tam_get_as(m, TAM_SHARED);
}

static void tam_reset_all(struct memory *m)
{
	check(!tam_reset(m->p), "tam_reset");
}

static void tam_set(struct memory *m, int byte)
{
	check(!tam_memset(m->p, byte, m->size), "tam_memset");
}

static void tam_put(struct memory *m)
{
	tam_free(m->p);
}

/* The C library's, and those in its place */

static void malloc_get(struct memory *m)
{
	m->p = malloc(m->size);
	check(m->p, "malloc");
	fill_all(m);
}

static void calloc_get(struct memory *m)
{
	m->p = calloc(1, m->size);
	check(m->p, "calloc");
	if (m->pattern.len)
		fill_all(m);
}

static void free_put(struct memory *m)
{
	free(m->p);
}

/* Anonymous memory */

#define RW	(PROT_READ | PROT_WRITE)

static void anon_get(struct memory *m)
{
	m->p = map(m->size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (m->pattern.len)
		fill_all(m);
}

static void anon_reset(struct memory *m)
{
	drop(m);
	if (m->pattern.len)
		fill_all(m);
}

/* Whole huge pages: what lies around them stays reserved. */
static void thp_get(struct memory *m)
{
	char *p = map(m->size + HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	m->p = p + (-(uintptr_t)p & (HUGE - 1));
	if (madvise(m->p, m->size, MADV_HUGEPAGE))
		missing("no transparent huge pages");
	if (m->pattern.len)
		fill_all(m);
}

static void populate_get(struct memory *m)
{
	m->p = map(m->size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
	if (m->pattern.len)
		fill_all(m);
}

static void populate_write_get(struct memory *m)
{
	anon_get(m);
	if (madvise(m->p, m->size, MADV_POPULATE_WRITE)) {
		if (errno == EINVAL)
			missing("no MADV_POPULATE_WRITE before Linux 5.14");
		check(false, "MADV_POPULATE_WRITE");
	}
}

/* Files of a kind */

static void devzero_get(struct memory *m)
{
	int fd = open("/dev/zero", O_RDWR);

	check(fd >= 0, "/dev/zero");
	m->p = map(m->size, RW, MAP_PRIVATE, fd);
	close(fd);
}

static void shmem_get(struct memory *m)
{
	m->p = map(m->size, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (m->pattern.len)
		fill_all(m);
}

static void shmem_reset(struct memory *m)
{
	check(!madvise(m->p, m->size, MADV_REMOVE), "MADV_REMOVE");
	if (m->pattern.len)
		fill_all(m);
}

static void memfd_get_as(struct memory *m, int flags)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	check(fd >= 0 && !ftruncate(fd, m->size), "memfd_create");
	if (m->pattern.len) {
		m->p = map(m->size, RW, MAP_SHARED, fd);
		fill_all(m);
		unmap(m);
	}
	m->p = map(m->size, RW, flags, fd);
	close(fd);
}

static void memfd_get(struct memory *m)
{
	memfd_get_as(m, MAP_SHARED);
}

static void memfd_private_get(struct memory *m)
{
	memfd_get_as(m, MAP_PRIVATE);
}

const struct peer peers[] = {
	{ "tam-private", .what = "tamalloc",
	  .get = tam_get, .reset = tam_reset_all, .put = tam_put, .set = tam_set },
	{ "tam-shared", .what = "tam_alloc with TAM_SHARED",
	  .get = tam_shared_get, .reset = tam_reset_all, .put = tam_put,
	  .set = tam_set },
	{ "anon-4k", .what = "anonymous mmap, transparent huge pages never",
	  .get = anon_get, .reset = anon_reset, .put = unmap, .small_pages = true },
	{ "anon-thp", .what = "anonymous mmap with MADV_HUGEPAGE",
	  .get = thp_get, .reset = anon_reset, .put = unmap },
	{ "populate", .what = "anonymous mmap with MAP_POPULATE, 4 KiB pages",
	  .get = populate_get, .reset = anon_reset, .put = unmap,
	  .small_pages = true },
	{ "populate-write", .what = "MADV_POPULATE_WRITE, 4 KiB pages",
	  .get = populate_write_get, .reset = anon_reset, .put = unmap,
	  .small_pages = true },
	{ "devzero", .what = "private mapping of /dev/zero, 4 KiB pages",
	  .get = devzero_get, .reset = drop, .put = unmap, .small_pages = true },
	{ "shmem", .what = "anonymous shared mmap",
	  .get = shmem_get, .reset = shmem_reset, .put = unmap },
	{ "memfd", .what = "shared mapping of a memfd",
	  .get = memfd_get, .reset = shmem_reset, .put = unmap },
	{ "memfd-private",
	  .what = "private mapping of a memfd that was filled; MADV_DONTNEED",
	  .get = memfd_private_get, .reset = drop, .put = unmap },
	{ "malloc-4k", .what = "glibc malloc and memset, THP never",
	  .get = malloc_get, .reset = fill_all, .put = free_put,
	  .small_pages = true },
	{ "malloc", .what = "glibc malloc and memset, THP as the system says",
	  .get = malloc_get, .reset = fill_all, .put = free_put },
	{ "calloc", .what = "glibc calloc, THP as the system says",
	  .get = calloc_get, .reset = fill_all, .put = free_put },
	{ "jemalloc", .what = "calloc of jemalloc, THP as the system says",
	  .preload = "libjemalloc.so.2", .symbol = "mallctl",
	  .get = calloc_get, .reset = fill_all, .put = free_put },
	{ "mimalloc", .what = "calloc of mimalloc, THP as the system says",
	  .preload = "libmimalloc.so.2", .symbol = "mi_malloc",
	  .get = calloc_get, .reset = fill_all, .put = free_put },
	{ "tcmalloc", .what = "calloc of tcmalloc, THP as the system says",
	  .preload = "libtcmalloc_minimal.so.4", .symbol = "tc_malloc",
	  .get = calloc_get, .reset = fill_all, .put = free_put },
	/* With huge pages the kernel would clear one, only to ask for a small. */
	{ "uffd", .what = "userfaultfd, a thread that fills pages; THP never",
	  .get = uffd_get, .reset = drop, .put = uffd_put, .small_pages = true },
	{ "sigsegv", .what = "mprotect, pages filled by a handler of SIGSEGV",
	  .get = sigsegv_get, .reset = sigsegv_reset, .put = unmap },
	/* No memory, or a case's own */
	{ "proc", .what = "the text of /proc: status and oom_score" },
	{ "proc-status", .what = "the text of /proc/PID/status alone" },
	{ "tam-books", .what = "libtamalloc's statistics" },
	{ "copy", .what = "malloc and memcpy, THP as the system says" },
	{ "copy-4k", .what = "malloc and memcpy, THP never", .small_pages = true },
	{ "tam-image", .what = "private mappings of an object of tam_open" },
	{ 0 }
};

const struct peer *find_peer(const char *name, size_t len)
{
	const struct peer *p;

	for (p = peers; p->name; p++)
		if (!strncmp(p->name, name, len) && !p->name[len])
			return p;
	return NULL;
}

/* Make this process what the peer needs. */
void choose_peer(const struct peer *p)
{
	/* Memory is to be the kernel's, not what was freed before. */
	mallopt(M_MMAP_THRESHOLD, 128 * KIB);
	if (p->small_pages)
		check(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "PR_SET_THP_DISABLE");
	if (p->symbol && !dlsym(RTLD_DEFAULT, p->symbol))
		missing(p->preload);
}
