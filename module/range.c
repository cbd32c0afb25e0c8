// SPDX-License-Identifier: GPL-2.0-only
/* Whole ranges at once: punch by offset, commit and discard by address. */
#include <linux/file.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "tam.h"

/* How far a commit goes before it lets others at the memory map. */
#define TAM_COMMIT_CHUNK	((u64)512 << PAGE_SHIFT)

static bool tam_range_valid(const struct tam_range *range, u64 limit)
{
	return range->len && range->len <= limit &&
	       range->start <= limit - range->len &&
	       PAGE_ALIGNED(range->start) && PAGE_ALIGNED(range->len);
}

int tam_range_punch(struct tam_object *obj, const struct tam_range *range)
{
	if (!tam_range_valid(range, (u64)TAM_OBJECT_PAGES << PAGE_SHIFT))
		return -EINVAL;
	return tam_store_punch(obj, range->start >> PAGE_SHIFT,
			       range->len >> PAGE_SHIFT);
}

/*
 * The tamalloc mapping at @addr of the current process, the memory map locked
 * for reading; or an error, nothing locked.
 */
static struct vm_area_struct *tam_lock_vma(u64 addr)
{
	struct vm_area_struct *vma;

	cond_resched();
	if (fatal_signal_pending(current) ||
	    mmap_read_lock_killable(current->mm))
		return ERR_PTR(-EINTR);
	vma = find_vma(current->mm, addr);
	if (!vma || vma->vm_start > addr)
		vma = ERR_PTR(-ENOMEM);
	else if (!tam_is_mapping(vma))
		vma = ERR_PTR(-EINVAL);
	if (IS_ERR(vma))
		mmap_read_unlock(current->mm);
	return vma;
}

static int tam_may_commit(const struct vm_area_struct *vma)
{
	return vma->vm_flags & (VM_READ | VM_WRITE) ? 0 : -EACCES;
}

static int tam_may_discard(const struct vm_area_struct *vma)
{
	return (~vma->vm_flags & (VM_SHARED | VM_WRITE)) ? -EACCES : 0;
}

/* Before anything is changed: would all of the range be accepted? */
static int tam_range_check(const struct tam_range *range,
			   int (*may)(const struct vm_area_struct *vma))
{
	struct vm_area_struct *vma;
	u64 addr = range->start;
	int err = 0;

	if (!tam_range_valid(range, TASK_SIZE))
		return -EINVAL;
	while (!err && addr < range->start + range->len) {
		vma = tam_lock_vma(addr);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
		err = may(vma);
		addr = vma->vm_end;
		mmap_read_unlock(current->mm);
	}
	return err;
}

/* Commits from @addr to @end or less; returns how far it came, or an error. */
static s64 tam_commit_some(u64 addr, u64 end)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma = tam_lock_vma(addr);
	bool unlocked = false;
	unsigned int flags;
	bool own_pages;
	int err;

	if (IS_ERR(vma))
		return PTR_ERR(vma);

	end = min3(end, (u64)vma->vm_end, addr + TAM_COMMIT_CHUNK);
	flags = vma->vm_flags & VM_WRITE ? FAULT_FLAG_WRITE : 0;
	/* Such accesses store pages in the object: the cap is their SIGBUS. */
	own_pages = (vma->vm_flags & (VM_SHARED | VM_WRITE)) != VM_WRITE;
	do {
		err = fixup_user_fault(mm, addr, flags, &unlocked);
		addr += PAGE_SIZE;
	} while (!err && !unlocked && addr < end);
	mmap_read_unlock(mm);

	if (err == -EFAULT && own_pages && tam_store_full())
		return -ENOSPC;
	return err ?: (s64)addr;
}

int tam_range_commit(const struct tam_range *range)
{
	u64 end = range->start + range->len;
	int err = tam_range_check(range, tam_may_commit);
	s64 addr = range->start;

	if (err)
		return err;
	while (addr >= 0 && addr < end)
		addr = tam_commit_some(addr, end);
	return addr < 0 ? addr : 0;
}

int tam_range_discard(const struct tam_range *range)
{
	u64 end = range->start + range->len;
	int err = tam_range_check(range, tam_may_discard);
	struct vm_area_struct *vma;
	struct file *file;
	pgoff_t index;
	u64 addr, next;

	for (addr = range->start; !err && addr < end; addr = next) {
		vma = tam_lock_vma(addr);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
		err = tam_may_discard(vma);
		next = min_t(u64, end, vma->vm_end);
		index = linear_page_index(vma, addr);
		file = get_file(vma->vm_file);
		mmap_read_unlock(current->mm);

		if (!err)
			err = tam_store_punch(tam_object(file), index,
					      (next - addr) >> PAGE_SHIFT);
		fput(file);
	}
	return err;
}
