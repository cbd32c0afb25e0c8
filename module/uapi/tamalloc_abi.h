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
#define TAM_FEATURE_LISTS	0x8ULL	/* PROCESSES, MAPPINGS, OBJECTS, PAGES */

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
 * not divide a page.  One of more than a byte takes its length and up to a page of
 * the kernel's memory, as kmalloc() rounds it; the caller's cgroup pays.  EBUSY
 * once the object has been mapped; ENOMEM: no memory for the pattern.
 */
struct tam_attr_set {
	__u64 flags;			/* TAM_ATTR_* */
	__u64 pattern;			/* address of the pattern's bytes */
	__u32 pattern_len;		/* 1 to TAM_PATTERN_MAX */
	__u32 reserved0;
	char name[TAM_NAME_MAX];	/* for people, NUL-terminated */
};

/* One object.  Seen are those whose opener one may ptrace(2), by ids. */
struct tam_object_stats {
	__u32 size;			/* of the module's record */
	__u32 uid;			/* who opened it, in the caller's user namespace */
	__u64 id;			/* unique while the module is loaded */
	__u64 held;			/* pages stored in the object, mapped or not */
	__u32 pattern_len;		/* 1 and a zero byte unless set */
	__u32 mapped;			/* 1: was mapped, attributes are fixed */
	__s32 pid;			/* who opened it: may be gone by now */
	__u32 reserved0;
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
#define TAM_VALID_TAM		0x4ULL	/* tam_*: who may ptrace(2) it */
#define TAM_VALID_OWNER		0x8ULL	/* of processes with the same mm_id, the
					 * one at which sums count the memory
					 */

/*
 * One process.  In: pid, 0 for the caller.  Out: all.  A kernel thread and a
 * zombie have no memory: their amounts are zero and TAM_VALID_MM is unset.  Of a
 * process whose main thread has ended the figures are those of the others, where
 * /proc/PID/status has none.
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
 *             be locked ("incomplete"): a command tries 25 times, 4 ms apart,
 *             and for many processes 100 times altogether.
 * comm        the name its main thread has given itself; /proc adds to those of
 *             kernel threads what they work on
 * mm_id       valid for one moment: the next process may have it later
 *
 * The score of /proc/PID/oom_score, 0 unless oom_state is TAM_OOM_ELIGIBLE, in
 * pages, the divisions as C does them:
 *	total  = RAM + swap
 *	points = oom_usage + oom_score_adj * (total / 1000)
 *	score  = (1000 + points * 1000 / total) * 2 / 3
 *
 * ESRCH: no such process in the caller's PID namespace, or hidden from it by
 * the module's parameter hidepid.
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

/* Bits of tam_system_stats.valid */
#define TAM_VALID_BOOKS		0x1ULL	/* all but the following */
#define TAM_VALID_MEMINFO	0x2ULL	/* ram_cached, swap_*, commit_limit, overcommit */

/*
 * The system as the caller may see it: sums over the processes of its PID
 * namespace, each address space counted once; tam_mappings to tam_swapped over
 * those whose tamalloc mappings it may see.  Shared pages count in every process
 * that maps them, as in VmRSS.
 *
 * What no kernel exports to modules (TAM_VALID_MEMINFO) the command leaves
 * zero; tam_system_stats() of the library reads it from /proc.
 */
struct tam_system_stats {
	__u32 size;			/* of the module's record */
	__u32 overcommit;		/* vm.overcommit_memory: 0, 1, 2 */
	__u64 valid;			/* TAM_VALID_BOOKS, TAM_VALID_MEMINFO */
	__u64 processes;		/* with memory of their own */
	__u64 incomplete;		/* of them, tam_* could not be read */
	__u64 reserved;
	__u64 committed;
	__u64 swapped;
	__u64 page_tables;
	__u64 ram_total;		/* MemTotal of /proc/meminfo */
	__u64 ram_free;			/* MemFree */
	__u64 ram_available;		/* MemAvailable */
	__u64 ram_used;			/* MemTotal - MemAvailable, as free(1) since 4.0 */
	__u64 ram_active;		/* Active */
	__u64 ram_buffers;		/* Buffers */
	__u64 ram_cached;		/* Cached */
	__u64 swap_total;		/* SwapTotal */
	__u64 swap_free;		/* SwapFree */
	__u64 commit_charge;		/* Committed_AS */
	__u64 commit_limit;		/* CommitLimit; binds if overcommit is 2 */
	__u64 tam_objects;		/* open objects, of everybody */
	__u64 tam_held;			/* pages stored in objects */
	__u64 tam_cap;			/* the most tam_held may be */
	__u64 tam_processes;		/* that have tamalloc mappings */
	__u64 tam_mappings;
	__u64 tam_reserved;
	__u64 tam_committed;
	__u64 tam_swapped;
};

/* Bits of tam_list.flags */
/*
 * PROCESSES: without tam_*.  Cheaper where many processes use tamalloc, as their
 * page tables are not read.
 */
#define TAM_LIST_NO_TAM		0x1U

/*
 * A list of records, as many as the buffer holds.  Begin with cursor 0; while
 * more comes back as 1, call again with the cursor that came back (that may
 * find none).  Records are one after the other, each of the size in its first
 * field, which may differ from the caller's idea of it: step by it.
 *
 * PROCESSES: struct tam_process_stats, by rising PID, those PROCESS would show.
 *	None comes twice, and none that lives throughout is missing.
 * MAPPINGS: struct tam_mapping_stats, the tamalloc mappings of process pid (0:
 *	the caller), by rising address.
 * OBJECTS: struct tam_object_stats, by rising id.
 * PAGES: struct tam_extent, runs of committed or swapped pages in the tamalloc
 *	mappings of process pid, by rising address.
 *
 * cursor and end of MAPPINGS and PAGES are addresses: with others than 0 the list
 * is of what lies between, of a mapping the part in between.  A mapping or a run
 * that changes while it is listed may come in two parts.
 *
 * ENOSPC: the buffer is smaller than a record.
 * ESRCH: as PROCESS.
 * EACCES: MAPPINGS and PAGES, the caller may not ptrace(2) the process: it has
 *	other user or group ids or more capabilities, or is not dumpable.
 * EAGAIN: MAPPINGS and PAGES, the process' memory map could not be locked, or
 *	it is in execve(2).  What was found before comes without this error.
 * EINTR: the caller is being killed.
 */
struct tam_list {
	__u64 records;			/* address of the buffer */
	__u64 size;			/* of it */
	__u64 cursor;			/* in and out */
	__u64 end;			/* MAPPINGS, PAGES: where to stop; 0: nowhere */
	__s32 pid;			/* MAPPINGS, PAGES; else 0 */
	__u32 flags;			/* TAM_LIST_* */
	__u32 count;			/* out: records in the buffer */
	__u32 more;			/* out: 1: go on with cursor */
};

/* Bits of tam_mapping_stats.flags */
#define TAM_MAPPING_READ	0x1U
#define TAM_MAPPING_WRITE	0x2U
#define TAM_MAPPING_EXEC	0x4U
#define TAM_MAPPING_SHARED	0x8U
#define TAM_MAPPING_LOCKED	0x10U	/* mlock(2) */

/*
 * One line of /proc/PID/maps.  committed and swapped are Rss and Swap of
 * /proc/PID/smaps.
 */
struct tam_mapping_stats {
	__u32 size;			/* of the module's record */
	__u32 flags;			/* TAM_MAPPING_* */
	__u64 start;
	__u64 len;
	__u64 offset;			/* in the object, modulo 2^64 */
	__u64 object;			/* id */
	__u64 committed;
	__u64 swapped;
	char name[TAM_NAME_MAX];	/* of the object */
};

/* tam_extent.state */
#define TAM_PAGE_COMMITTED	1
#define TAM_PAGE_SWAPPED	2

struct tam_extent {
	__u32 size;			/* of the module's record */
	__u32 state;			/* TAM_PAGE_* */
	__u64 start;			/* address */
	__u64 len;
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
#define TAM_IOC_PROCESSES	_IOWR(TAM_IOC_MAGIC, 0x12, struct tam_list)
#define TAM_IOC_MAPPINGS	_IOWR(TAM_IOC_MAGIC, 0x13, struct tam_list)
#define TAM_IOC_OBJECTS		_IOWR(TAM_IOC_MAGIC, 0x14, struct tam_list)
#define TAM_IOC_PAGES		_IOWR(TAM_IOC_MAGIC, 0x15, struct tam_list)

/* The layout of version 1, for every architecture; structures only grow. */
static_assert(sizeof(struct tam_query) == 56, "tam_query");
static_assert(sizeof(struct tam_attr_set) == 56, "tam_attr_set");
static_assert(sizeof(struct tam_object_stats) == 72, "tam_object_stats");
static_assert(sizeof(struct tam_range) == 16, "tam_range");
static_assert(sizeof(struct tam_process_stats) == 144, "tam_process_stats");
static_assert(sizeof(struct tam_system_stats) == 216, "tam_system_stats");
static_assert(sizeof(struct tam_list) == 48, "tam_list");
static_assert(sizeof(struct tam_mapping_stats) == 88, "tam_mapping_stats");
static_assert(sizeof(struct tam_extent) == 24, "tam_extent");
static_assert(__builtin_offsetof(struct tam_query, version) == 24, "version");
static_assert(__builtin_offsetof(struct tam_attr_set, name) == 24, "name");
static_assert(__builtin_offsetof(struct tam_object_stats, name) == 40, "name");
static_assert(__builtin_offsetof(struct tam_process_stats, valid) == 16, "valid");
static_assert(__builtin_offsetof(struct tam_process_stats, oom_score_adj) == 64, "oom");
static_assert(__builtin_offsetof(struct tam_process_stats, comm) == 112, "comm");
static_assert(__builtin_offsetof(struct tam_system_stats, tam_objects) == 152, "objects");
static_assert(__builtin_offsetof(struct tam_list, pid) == 32, "pid");
static_assert(__builtin_offsetof(struct tam_mapping_stats, name) == 56, "name");

#endif /* TAMALLOC_ABI_H */
