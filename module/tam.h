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
 *   list.c     statistics in bulk: processes, mappings, objects, pages
 *   process.c  the record of one process
 *   inspect.c  who may look at what
 *   mappers.c  which processes need a walk at all
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
	const struct cred *cred;	/* who opened it */
	struct pid *opener;
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
bool tam_object_next(u64 *id, struct tam_object_stats *stats);
void tam_object_for_each(bool (*fn)(struct tam_object *obj, void *data),
			 void *data);
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
struct page *tam_store_look_up(struct tam_object *obj, pgoff_t index);
struct page *tam_store_add(struct tam_object *obj, pgoff_t index,
			   struct mm_struct *mm);
int tam_store_punch(struct tam_object *obj, pgoff_t index, unsigned long pages);
bool tam_store_full(void);
u64 tam_store_held(void);
u64 tam_store_cap(void);

static inline unsigned long tam_store_pages(struct tam_object *obj)
{
	/* Plainly written under a lock; what it was a moment ago is as good. */
	return data_race(READ_ONCE(obj->inode->i_mapping->nrpages));
}

/* Most objects store nothing: no call for that. */
static inline struct page *tam_store_find(struct tam_object *obj, pgoff_t index)
{
	return tam_store_pages(obj) ? tam_store_look_up(obj, index) : NULL;
}

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
int tam_books_process(struct tam_process_stats *stats);
int tam_books_system(struct tam_system_stats *stats);

/* list.c */
int tam_list_processes(struct tam_list *list);
int tam_list_mappings(struct tam_list *list);
int tam_list_objects(struct tam_list *list);
int tam_list_pages(struct tam_list *list);

/*
 * walk.c: how often to wait for locks of others, 4 ms each, before "incomplete".
 * A process that is asked for is only given up if it is stuck; one of many also
 * if it is busy, and others have been.
 */
#define TAM_WAITS_ONE		INT_MAX
#define TAM_WAITS_MANY		100

struct tam_patience {
	int now;			/* times, for this lock */
	int left;			/* for all of this command */
};

void tam_patience_init(struct tam_patience *patience, int waits);
void tam_patience_renew(struct tam_patience *patience);
bool tam_patience_wait(struct tam_patience *patience);

/* Through the tamalloc mappings of @mm, from @addr to @end. */
struct tam_walk {
	struct mm_struct *mm;
	unsigned long addr;
	unsigned long end;
	struct tam_patience *patience;
	bool locked;			/* the memory map */
	int steps;			/* until it is let go */
	bool inside;			/* the mapping had begun before @addr */
};

/* At most the reach of a page table of 4 KiB. */
#define TAM_TABLE_PAGES		512UL

/* What is in a stretch of a mapping that one page table covers. */
struct tam_table {
	unsigned long start;
	unsigned int pages;		/* 0: a hole */
	DECLARE_BITMAP(committed, TAM_TABLE_PAGES);
	DECLARE_BITMAP(swapped, TAM_TABLE_PAGES);
};

int tam_walk_mapping(struct tam_walk *walk, struct tam_mapping_stats *out);
int tam_walk_table(struct tam_walk *walk, struct tam_table *table);
void tam_walk_pause(struct tam_walk *walk);
int tam_walk_mm(struct mm_struct *mm, struct tam_process_stats *sum,
		struct tam_patience *patience);

/* mappers.c */
struct tam_mappers {
	bool anybody;			/* may be one: there are too many */
	unsigned int steps;
	unsigned int count;
	const struct mm_struct *mm[64];	/* to compare, nothing else */
};

extern const struct tam_mappers tam_anybody;

void tam_mappers_read(struct tam_mappers *mappers);
bool tam_mappers_have(const struct tam_mappers *mappers,
		      const struct mm_struct *mm);

/* inspect.c */
bool tam_may_see(struct task_struct *process);
bool tam_may_inspect(struct task_struct *thread, struct mm_struct *mm);
bool tam_may_inspect_of(const struct cred *owner);
int tam_may_walk(struct task_struct *thread, struct mm_struct *mm,
		 struct tam_patience *patience);

/* process.c */
void tam_process_init(void);
struct task_struct *tam_process_find(s32 nr);
struct task_struct *tam_process_next(int *nr);
struct mm_struct *tam_process_get_mm(s32 nr, struct tam_patience *patience);
bool tam_process_fill(struct task_struct *process,
		      const struct tam_mappers *mappers,
		      struct tam_patience *patience,
		      struct tam_process_stats *stats);

#endif /* TAM_H */
