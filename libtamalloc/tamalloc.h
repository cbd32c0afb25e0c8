/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tamalloc.h - lazily initialised memory
 *
 * Memory is reserved at once; each page of it is committed, and initialised
 * with its first contents, by the first access to it, read or write.  First
 * contents are zeros or a pattern.  The work is done by /dev/tamalloc; without
 * it there is a fallback (see tam_backend).
 *
 * Sizes and amounts of memory are in bytes.  Functions that return a pointer
 * return NULL and set errno on failure; those that return an int return -1 and
 * set errno.  tam_strerror() explains errno.  All functions may be called by
 * several threads at once and after fork(2), not from signal handlers.  As
 * with malloc(3), one thread must not free or resize an allocation that
 * another is working on.
 *
 * Where a function takes the start of an allocation and is given another
 * pointer, it writes a message to standard error and calls abort(3).
 */
#ifndef TAMALLOC_H
#define TAMALLOC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tamalloc_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Allocation
 */

/* Bits of tam_attr.flags */
#define TAM_SHARED	(1UL << 0)	/* pages are shared with fork(2)ed children */
#define TAM_NO_FALLBACK	(1UL << 1)	/* fail when there is no /dev/tamalloc */

/*
 * What an allocation is to be.  All zero: what tamalloc() makes.  The size of
 * this structure is fixed; fields to come take the place of reserved ones, and
 * a library that does not know them refuses them.
 */
struct tam_attr {
	const void *pattern;	/* first contents, repeated; NULL: zeros */
	size_t pattern_len;	/* 1 to TAM_PATTERN_MAX; 0 without a pattern */
	size_t alignment;	/* of the start: 0 or a power of two */
	const char *name;	/* shown in statistics; less than TAM_NAME_MAX bytes */
	unsigned long flags;	/* TAM_SHARED, TAM_NO_FALLBACK */
	unsigned long reserved[3];	/* must be 0 */
};

/*
 * tamalloc - allocate @size bytes, zero at first access
 * tam_calloc - the same for @n elements of @size bytes
 * tam_alloc - the same with attributes; @attr may be NULL and need not outlive
 *	       the call, nor need what it points to
 *
 * Every allocation starts on a page boundary and occupies whole pages.
 *
 * EINVAL: size 0; an attribute out of range, an unknown flag.
 * ENOMEM: too large, or the address space, a limit on it, or the number of
 *	   mappings (vm.max_map_count) is used up; a pattern for more than all
 *	   memory and swap in the fallback, which writes it at once.
 * ENODEV, EACCES, EPROTONOSUPPORT: no /dev/tamalloc, no permission for it,
 *	   module and library do not fit; only where the fallback is refused.
 * EMFILE, ENFILE: no descriptor is left for the device.
 */
void *tamalloc(size_t size);
void *tam_calloc(size_t n, size_t size);
void *tam_alloc(size_t size, const struct tam_attr *attr);

/*
 * tam_realloc - change the size of an allocation, possibly moving it
 * @p: start of an allocation, or NULL: tamalloc(@size)
 * @size: the new size
 *
 * Page tables are moved, not bytes.  What is beyond the old usable size has
 * first contents; in shared memory, what others or an earlier, larger size left
 * there.  Attributes are kept, the alignment among them.
 *
 * On failure the allocation stays as it was.  EINVAL: size 0.  ENOMEM: as
 * tamalloc(); a shared allocation of the fallback cannot grow.  EFAULT: the
 * caller unmapped part of it, or it is shared and a part has another
 * protection than the rest.
 */
void *tam_realloc(void *p, size_t size);

/* tam_free - give an allocation back; NULL is ignored, errno is kept */
void tam_free(void *p);

/* tam_usable_size - size of the allocation in whole pages; 0 for NULL */
size_t tam_usable_size(const void *p);

/*
 * Contents
 */

/*
 * tam_reset - give an allocation its first contents again
 * @p: start of an allocation
 *
 * Takes time for the pages that were touched, and releases them.
 *
 * EINVAL: locked in memory (mlock(2)).
 */
int tam_reset(void *p);

/*
 * tam_memset - set @n bytes at @p to @byte, lazily where that pays
 * @p: anywhere in an allocation
 *
 * Whole pages of a large range of private memory are released and will be
 * @byte at their next access; they become readable and writable if they were
 * not.  Shared memory is treated so only where @byte is its first contents,
 * else written.  Falls back on memset(3) and so fails only for a bad range.
 *
 * EINVAL: the range is not inside one allocation.
 */
int tam_memset(void *p, int byte, size_t n);

/*
 * tam_commit - commit pages now: an error rather than a signal later
 * @p: start of an allocation
 * @off, @len: range in it; every page that it touches is committed
 *
 * EINVAL: the range is not inside the usable size.  ENOMEM: no memory, or
 * part of it is unmapped.  ENOSPC: the system's cap on shared pages is
 * reached.  EACCES: neither readable nor writable.  What was committed before
 * an error stays.
 */
int tam_commit(void *p, size_t off, size_t len);

/*
 * tam_decommit - release pages and give them their first contents again
 * @p: start of an allocation
 * @off, @len: range in it; only pages that are wholly inside are released
 *
 * EINVAL: the range is not inside the usable size, or locked in memory.
 */
int tam_decommit(void *p, size_t off, size_t len);

/*
 * Objects: descriptors to mmap(2), pass on, and keep
 */

/*
 * tam_open - make an object with the pattern and name of @attr
 * @attr: may be NULL; alignment and TAM_SHARED are for mappings: EINVAL
 *
 * Returns a descriptor, close-on-exec.  There is no fallback: ENODEV, EACCES,
 * EPROTONOSUPPORT as tamalloc().
 */
int tam_open(const struct tam_attr *attr);

/*
 * tam_punch - release pages of an object and give them first contents again
 * @fd: a descriptor from tam_open()
 * @off, @len: range in the object, whole pages
 *
 * Private copies of the pages stay.  EINVAL: not whole pages, or none.
 * ENOTTY: not a tamalloc descriptor.
 */
int tam_punch(int fd, uint64_t off, uint64_t len);

/*
 * Statistics.  They need the module: ENODEV, EACCES, EPROTONOSUPPORT without.
 * @size is the sizeof of the caller's structure; fields that the module does
 * not know come back as zero.
 */

/* tam_process_stats - one process, 0: the caller.  ESRCH: no such process. */
int tam_process_stats(pid_t pid, struct tam_process_stats *out, size_t size);

/*
 * tam_system_stats - the system as far as the caller may see it
 *
 * Adds from /proc what the module cannot know (TAM_VALID_MEMINFO of valid).
 */
int tam_system_stats(struct tam_system_stats *out, size_t size);

/* tam_object_stats - the object behind a descriptor.  ENOTTY: not tamalloc */
int tam_object_stats(int fd, struct tam_object_stats *out, size_t size);

/*
 * tam_oom_score - /proc/PID/oom_score of a process, 0 to 2000
 * tam_oom_score_of - the same without asking for the size of memory each time
 * @stats: a record of that process
 * @memory: RAM and swap of the system, ram_total + swap_total
 *
 * The formula stands at struct tam_process_stats.
 *
 * EINVAL: the record lacks what is needed (TAM_VALID_OOM).
 */
int tam_oom_score(const struct tam_process_stats *stats);
int tam_oom_score_of(const struct tam_process_stats *stats, uint64_t memory);

/*
 * Lists.  One call of the kernel fetches hundreds of records.
 *
 *	struct tam_process_stats p;
 *	struct tam_iter *it = tam_iter_processes(0);
 *
 *	while (it && tam_iter_next(it, &p, sizeof(p)) > 0)
 *		printf("%d %s\n", p.pid, p.comm);
 *	tam_iter_free(it);
 *
 * An iterator is for one thread at a time.
 */
struct tam_iter;

/*
 * tam_iter_processes - processes by rising PID: struct tam_process_stats
 * tam_iter_mappings - tamalloc mappings of a process: struct tam_mapping_stats
 * tam_iter_objects - objects by rising id: struct tam_object_stats
 * tam_iter_pages - runs of committed or swapped pages in the tamalloc mappings
 *		    of a process: struct tam_extent
 * @flags: TAM_LIST_*
 * @pid: 0: the caller
 * @start, @end: addresses; an end of 0 is that of the address space
 *
 * Who sees what, and what is missed while things change, is said at struct
 * tam_list.  ENOMEM, and the errors of that command.
 */
struct tam_iter *tam_iter_processes(unsigned int flags);
struct tam_iter *tam_iter_mappings(pid_t pid);
struct tam_iter *tam_iter_objects(void);
struct tam_iter *tam_iter_pages(pid_t pid, uint64_t start, uint64_t end);

/*
 * tam_iter_next - the next record
 * @record: where to put it
 * @size: sizeof of the caller's structure
 *
 * 1; 0 after the last; -1 with errno, after which there are no more.
 */
int tam_iter_next(struct tam_iter *it, void *record, size_t size);

/* tam_iter_free - NULL is ignored, errno is kept */
void tam_iter_free(struct tam_iter *it);

/*
 * The library itself
 */

enum {
	TAM_BACKEND_FALLBACK,	/* anonymous memory; patterns written at once */
	TAM_BACKEND_MODULE,	/* /dev/tamalloc */
};

/*
 * tam_backend - what allocations of this process come from
 *
 * Decided by the first call that needs the device and then kept.  For the
 * fallback errno tells why: ENODEV, EACCES, EPROTONOSUPPORT.  -1 with the same
 * errno where the environment variable TAMALLOC_NO_FALLBACK is set and not
 * empty (at the time of the decision), and with EMFILE or ENFILE.
 */
int tam_backend(void);

/* tam_version - of this library, "1.2.3" */
const char *tam_version(void);

/* tam_query - the module's version, ABI and features; errors as statistics */
int tam_query(struct tam_query *out, size_t size);

/*
 * tam_strerror - what an errno of this library means and what to do about it
 *
 * The text may change with this thread's next call.
 */
const char *tam_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif /* TAMALLOC_H */
