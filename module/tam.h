/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module's parts share.  One file, one idea:
 *
 *   device.c   /dev/tamalloc: open, mmap, release
 *   object.c   what an open file is: an inode and its attributes
 *   fault.c    the first access to a page
 *   store.c    the pages an object holds, and their cap
 *   pattern.c  first contents
 *   range.c    commit and discard by address
 *   books.c    statistics of a process and of the system
 *   walk.c     the page tables' answer to "how much is committed?"
 *   ioctl.c    the commands of uapi/tamalloc_abi.h
 */
#ifndef TAM_H
#define TAM_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "tamalloc_abi.h"

/* An object ends where loff_t does: what cannot be punched cannot be stored. */
#define TAM_OBJECT_PAGES	((pgoff_t)(LLONG_MAX >> PAGE_SHIFT))

struct tam_pattern {
	u8 *bytes;			/* NULL: zeros */
	u32 len;
};

struct tam_object {
	struct inode *inode;		/* owns the page cache */
	u64 id;
	spinlock_t lock;		/* of what follows, until mapped */
	bool mapped;			/* from then on nothing changes */
	struct tam_pattern pattern;
	char name[TAM_NAME_MAX];
};

static inline struct tam_object *tam_object(const struct file *file)
{
	return file->private_data;
}

/* device.c */
int tam_device_init(void);
void tam_device_exit(void);

/* ioctl.c */
long tam_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* object.c */
int tam_object_init(void);
void tam_object_exit(void);
struct tam_object *tam_object_create(void);
void tam_object_destroy(struct tam_object *obj);
void tam_object_freeze(struct tam_object *obj);
int tam_object_set(struct tam_object *obj, const struct tam_attr_set *attr);
void tam_object_stats(struct tam_object *obj, struct tam_object_stats *stats);
u64 tam_object_count(void);

/* pattern.c */
int tam_pattern_copy(struct tam_pattern *pattern, u64 user_bytes, u32 len);
void tam_pattern_free(struct tam_pattern *pattern);
void tam_pattern_fill(const struct tam_pattern *pattern, struct page *page,
		      pgoff_t index);

/* store.c */
int tam_store_init(void);
void tam_store_exit(void);
void tam_store_attach(struct tam_object *obj);
struct page *tam_store_find(struct tam_object *obj, pgoff_t index);
struct page *tam_store_get(struct tam_object *obj, pgoff_t index);
int tam_store_punch(struct tam_object *obj, u64 start, u64 len);
bool tam_store_full(void);
u64 tam_store_held(void);
u64 tam_store_cap(void);

/* fault.c */
extern const struct vm_operations_struct tam_vm_ops;

static inline bool tam_is_mapping(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &tam_vm_ops;
}

/* range.c */
int tam_range_punch(struct tam_object *obj, const struct tam_range *range);
int tam_range_commit(const struct tam_range *range);
int tam_range_discard(const struct tam_range *range);

/* books.c */
void tam_books_init(void);
int tam_books_process(struct tam_process_stats *stats);
int tam_books_system(struct tam_system_stats *stats);

/* walk.c */
struct tam_usage {
	u64 mappings;
	u64 reserved;
	u64 committed;
	u64 swapped;
};

bool tam_walk_mm(struct mm_struct *mm, struct tam_usage *usage);

#endif /* TAM_H */
