/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * tamalloc_abi.h - what /dev/tamalloc understands
 *
 * Every open("/dev/tamalloc") makes a new object: an endless file whose
 * contents are its pattern (zeros unless TAM_IOC_SET_ATTR says otherwise)
 * wherever nothing was stored.  mmap(2) it; each page is committed and
 * initialised by its first access.
 *
 * A command is its number.  The size encoded in it is the size of the caller's
 * structure and may differ from the module's: fields the caller does not know
 * are not copied out, fields the module does not know must be zero (E2BIG) and
 * come back as zero.  All sizes and amounts of memory are in bytes.  Fields
 * named "reserved" followed by a digit and unknown flags must be zero (EINVAL).
 *
 * Errors of every command: EFAULT (bad pointer), ENOTTY (unknown command, or
 * the descriptor is not a tamalloc device), EINVAL, E2BIG as above.
 */
#ifndef TAMALLOC_ABI_H
#define TAMALLOC_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#else
#include <assert.h>
#endif

/* Raised only if an existing command changes its meaning; growth does not. */
#define TAM_ABI_VERSION		1

#define TAM_IOC_MAGIC		0xDA

#define TAM_PATTERN_MAX		65536	/* bytes */
#define TAM_NAME_MAX		32	/* bytes, with the final NUL */
#define TAM_VERSION_MAX		32	/* bytes, with the final NUL */
#define TAM_COMM_MAX		32	/* bytes, with the final NUL */

/* Bits of tam_query.features */
#define TAM_FEATURE_OBJECTS	0x1ULL	/* SET_ATTR, GET_OBJECT, PUNCH */
#define TAM_FEATURE_RANGES	0x2ULL	/* COMMIT, DISCARD */
#define TAM_FEATURE_STATS	0x4ULL	/* PROCESS, SYSTEM */

struct tam_query {
	__u32 abi;			/* TAM_ABI_VERSION of the module */
	__u32 page_size;		/* what one first access commits */
	__u64 features;			/* TAM_FEATURE_* */
	__u64 object;			/* id of this descriptor's object */
	char version[TAM_VERSION_MAX];	/* of the module, "1.2.3" */
};

/* Bits of tam_attr_set.flags: which of the attributes to set */
#define TAM_ATTR_PATTERN	0x1ULL
#define TAM_ATTR_NAME		0x2ULL

/*
 * The pattern repeats from offset 0 of the object, also where its length does
 * not divide a page.  EBUSY once the object has been mapped.
 */
struct tam_attr_set {
	__u64 flags;			/* TAM_ATTR_* */
	__u64 pattern;			/* address of the pattern's bytes */
	__u32 pattern_len;		/* 1 to TAM_PATTERN_MAX */
	__u32 reserved0;
	char name[TAM_NAME_MAX];	/* for people, NUL-terminated */
};

struct tam_object_stats {
	__u64 id;			/* unique while the module is loaded */
	__u64 held;			/* pages stored in the object */
	__u32 pattern_len;		/* 1 and a zero byte unless set */
	__u32 mapped;			/* 1: was mapped, attributes are fixed */
	char name[TAM_NAME_MAX];
};

/*
 * A range of whole pages.  PUNCH: offsets in this descriptor's object.
 * COMMIT and DISCARD: addresses in the caller's memory, of tamalloc mappings
 * only.
 *
 * PUNCH and DISCARD (of shared mappings; use MADV_DONTNEED for private ones)
 * give the object's pages in the range back: every mapper sees first contents
 * again.  Private copies stay: pages that were written, or not stored in the
 * object when they were first read.
 * COMMIT does now what first accesses would do, by writing where the mapping
 * is writable, and reports as an error what would have been a signal.
 *
 * EINVAL: not page-aligned, empty, overflows, or not a tamalloc mapping.
 * ENOMEM: a hole in the address range, or no memory.
 * ENOSPC: COMMIT only, the system's cap on shared pages is reached.
 * EACCES: neither readable nor writable (COMMIT), not a writable shared mapping
 *         (DISCARD).
 * EFAULT: COMMIT only, an access would be refused for another reason.
 * EINTR: the caller is being killed; what was done so far stays.
 */
struct tam_range {
	__u64 start;
	__u64 len;
};

/* Why the OOM killer would not choose a process; tam_process_stats.oom_state */
#define TAM_OOM_ELIGIBLE	0
#define TAM_OOM_INIT		1	/* the system's first process */
#define TAM_OOM_KTHREAD		2	/* kernel thread */
#define TAM_OOM_NO_MM		3	/* exiting, a zombie */
#define TAM_OOM_DISABLED	4	/* oom_score_adj is -1000 */
#define TAM_OOM_SKIP		5	/* already killed and reaped */
#define TAM_OOM_VFORK		6	/* borrows its parent's memory */

/* Bits of tam_process_stats.valid: which groups of fields were filled */
#define TAM_VALID_MM		0x1ULL	/* mm_id to page_tables, oom_usage */
#define TAM_VALID_OOM		0x2ULL	/* oom_score_adj, oom_state */
#define TAM_VALID_TAM		0x4ULL	/* tam_*: own or CAP_SYS_PTRACE */

/*
 * One process.  In: pid, 0 for the caller.  Out: all.  A kernel thread and a
 * zombie have no memory: their amounts are zero and TAM_VALID_MM is unset.
 *
 * reserved    VmSize of /proc/PID/status: the sizes of all mappings
 * committed   VmRSS of /proc/PID/status: the pages present in them
 * swapped     VmSwap of /proc/PID/status
 * page_tables VmPTE and the levels above it
 * oom_usage   the sum of the three above as the OOM killer of this kernel counts
 *             it: where VmRSS is exact (6.12 as Debian has it) the killer's own
 *             figure may lag by some pages per thread and processor
 * tam_*       the same over tamalloc mappings alone, read off the page tables.
 *             TAM_VALID_TAM stays unset when the process' memory map could not
 *             be locked for 100 ms ("incomplete").
 *
 * ESRCH: no such process in the caller's PID namespace.
 */
struct tam_process_stats {
	__u32 size;			/* of the module's record */
	__s32 pid;			/* in the caller's PID namespace */
	__s32 ppid;			/* 0: outside of it */
	__u32 uid;			/* real, in the caller's user namespace */
	__u64 valid;			/* TAM_VALID_* */
	__u64 mm_id;			/* equal: the same address space */
	__u64 reserved;
	__u64 committed;
	__u64 swapped;
	__u64 page_tables;
	__s32 oom_score_adj;		/* -1000 to 1000 */
	__u32 oom_state;		/* TAM_OOM_* */
	__u64 oom_usage;
	__u64 tam_mappings;		/* a number */
	__u64 tam_reserved;
	__u64 tam_committed;
	__u64 tam_swapped;
	char comm[TAM_COMM_MAX];
};

/*
 * The system as the caller may see it: sums over the processes of its PID
 * namespace, each address space counted once; tam_mappings to tam_swapped over
 * those whose tamalloc mappings it may see.  Swap totals: sysinfo(2).
 */
struct tam_system_stats {
	__u64 processes;		/* with memory of their own */
	__u64 incomplete;		/* of them, tam_* could not be read */
	__u64 reserved;
	__u64 committed;
	__u64 swapped;
	__u64 page_tables;
	__u64 ram_total;		/* MemTotal of /proc/meminfo */
	__u64 ram_free;			/* MemFree */
	__u64 ram_available;		/* MemAvailable */
	__u64 commit_charge;		/* Committed_AS */
	__u64 tam_objects;		/* open objects, of everybody */
	__u64 tam_held;			/* pages stored in objects */
	__u64 tam_cap;			/* the most tam_held may be */
	__u64 tam_mappings;
	__u64 tam_reserved;
	__u64 tam_committed;
	__u64 tam_swapped;
};

/* Numbers from 0x10 on are statistics. */
#define TAM_IOC_QUERY		_IOR(TAM_IOC_MAGIC, 0x00, struct tam_query)
#define TAM_IOC_SET_ATTR	_IOW(TAM_IOC_MAGIC, 0x01, struct tam_attr_set)
#define TAM_IOC_GET_OBJECT	_IOR(TAM_IOC_MAGIC, 0x02, struct tam_object_stats)
#define TAM_IOC_PUNCH		_IOW(TAM_IOC_MAGIC, 0x03, struct tam_range)
#define TAM_IOC_COMMIT		_IOW(TAM_IOC_MAGIC, 0x04, struct tam_range)
#define TAM_IOC_DISCARD		_IOW(TAM_IOC_MAGIC, 0x05, struct tam_range)
#define TAM_IOC_PROCESS		_IOWR(TAM_IOC_MAGIC, 0x10, struct tam_process_stats)
#define TAM_IOC_SYSTEM		_IOR(TAM_IOC_MAGIC, 0x11, struct tam_system_stats)

/* The layout of version 1, for every architecture; structures only grow. */
static_assert(sizeof(struct tam_query) == 56, "tam_query");
static_assert(sizeof(struct tam_attr_set) == 56, "tam_attr_set");
static_assert(sizeof(struct tam_object_stats) == 56, "tam_object_stats");
static_assert(sizeof(struct tam_range) == 16, "tam_range");
static_assert(sizeof(struct tam_process_stats) == 144, "tam_process_stats");
static_assert(sizeof(struct tam_system_stats) == 136, "tam_system_stats");
static_assert(__builtin_offsetof(struct tam_query, version) == 24, "version");
static_assert(__builtin_offsetof(struct tam_attr_set, name) == 24, "name");
static_assert(__builtin_offsetof(struct tam_object_stats, name) == 24, "name");
static_assert(__builtin_offsetof(struct tam_process_stats, valid) == 16, "valid");
static_assert(__builtin_offsetof(struct tam_process_stats, oom_score_adj) == 64, "oom");
static_assert(__builtin_offsetof(struct tam_process_stats, comm) == 112, "comm");
static_assert(__builtin_offsetof(struct tam_system_stats, tam_objects) == 80, "objects");

#endif /* TAMALLOC_ABI_H */
