// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first access to a page.
 *
 * Step 3 of the course's three: "zero on first access".  The processor found
 * no page table entry; the core found the mapping and asks here for the page.
 * Exactly one page is committed per access, under the page's own lock or none.
 */
#include <linux/gfp.h>
#include <linux/sched.h>

#include "tam.h"
#include "compat.h"

/*
 * A private write: the core has allocated the page, charged it to the cgroup,
 * and will copy the returned page into it.  Return that very page with its
 * contents made: a copy onto itself, no template that all CPUs would lock.
 * The core wants it locked, and would be ready to wait, but it is new.
 */
static vm_fault_t tam_fault_private_write(struct vm_fault *vmf,
					  const struct tam_pattern *pattern)
{
	if (pattern->bytes || !want_init_on_alloc(GFP_HIGHUSER_MOVABLE))
		tam_pattern_fill(pattern, vmf->cow_page, vmf->pgoff);

	get_page(vmf->cow_page);
	vmf->page = vmf->cow_page;
	return trylock_page(vmf->page) ? VM_FAULT_LOCKED : 0;
}

/*
 * A read of private writable memory: commit it as a write would be, so that
 * the later write neither faults nor copies.  The nested fault is not the
 * user's own (USER would account it twice), nor subject to a protection key
 * that allows reading only (REMOTE).
 */
static vm_fault_t tam_fault_private_read(struct vm_fault *vmf)
{
	unsigned int flags = vmf->flags & ~(FAULT_FLAG_USER |
					    FAULT_FLAG_INSTRUCTION |
					    FAULT_FLAG_UNSHARE);
	vm_fault_t ret;

	ret = handle_mm_fault(vmf->vma, vmf->address,
			      flags | FAULT_FLAG_WRITE | FAULT_FLAG_REMOTE,
			      NULL);
	if (ret & (VM_FAULT_ERROR | VM_FAULT_RETRY))
		return ret;
	return VM_FAULT_NOPAGE;
}

static vm_fault_t tam_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct tam_object *obj = tam_object(vma->vm_file);
	struct page *page;

	if (vmf->pgoff >= TAM_OBJECT_PAGES)
		return VM_FAULT_SIGBUS;

	do {
		page = tam_store_find(obj, vmf->pgoff);
		if (page)
			break;

		if (vmf->cow_page)
			return tam_fault_private_write(vmf, &obj->pattern);
		/* A core dump writes holes for what was never touched. */
		if (current->flags & PF_DUMPCORE)
			return VM_FAULT_SIGBUS;
		if ((vma->vm_flags & (VM_SHARED | VM_WRITE)) == VM_WRITE)
			return tam_fault_private_read(vmf);

		/*
		 * The object's own page: somebody besides the page table must
		 * own a page that is mapped, or MADV_DONTNEED frees it while it
		 * is locked.
		 */
		page = tam_store_add(obj, vmf->pgoff, vma->vm_mm);
	} while (page == ERR_PTR(-EEXIST));

	if (page == ERR_PTR(-ENOSPC))
		return VM_FAULT_SIGBUS;
	if (IS_ERR(page))
		return VM_FAULT_OOM;
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

/*
 * Kernels with per-VMA locks call .fault under one only where .map_pages is
 * set, which may map the neighbours of a page that is read.  No page is mapped
 * here before its own first access.
 */
#ifdef CONFIG_PER_VMA_LOCK
static vm_fault_t tam_map_pages(struct vm_fault *vmf, pgoff_t start,
				pgoff_t end)
{
	return 0;
}
#endif

const struct vm_operations_struct tam_vm_ops = {
	.fault		= tam_fault,
#ifdef CONFIG_PER_VMA_LOCK
	.map_pages	= tam_map_pages,
#endif
};
