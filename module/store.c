// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages an object holds: its page cache, never written back and, as in
 * ramfs, not evictable.  A page is filled before anybody else can see it, and
 * is dirty before it is unlocked, so that nothing drops it but a punch or the
 * end of the object.
 *
 * Such pages cannot be swapped, so the system has a cap on them.  Their number
 * cannot drift: it is raised where a page is filled and lowered by the page
 * cache itself, whichever way the page leaves it.
 */
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/percpu_counter.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "tam.h"
#include "compat.h"

/* Pages that a punch unmaps at a time. */
#define TAM_PUNCH_CHUNK		256UL

static struct percpu_counter tam_held;

static unsigned long tam_shared_cap_mib;
module_param_named(shared_cap_mib, tam_shared_cap_mib, ulong, 0644);
MODULE_PARM_DESC(shared_cap_mib,
		 "the most memory all objects together may hold, in MiB, at most RAM; 0 (default): a quarter of RAM");

static void tam_free_folio(struct folio *folio)
{
	percpu_counter_dec(&tam_held);
}

/* A page that is filled and in the page cache is one of ours, and not clean. */
static void tam_own(struct page *page)
{
	percpu_counter_inc(&tam_held);
	SetPageDirty(page);
}

/*
 * Who asks the page cache itself makes an access, too: for a swap file's header
 * or, from 6.11 to 6.18, for the build ID of what anybody maps.  The page is in
 * the cache already: the cap cannot refuse it.
 */
static int tam_read_folio(struct file *file, struct folio *folio)
{
	struct tam_object *obj = folio->mapping->host->i_private;
	struct page *head = folio_page(folio, 0);

	tam_object_freeze(obj);
	tam_pattern_fill(&obj->pattern, head, folio->index);
	SetPageUptodate(head);
	tam_own(head);
	unlock_page(head);
	return 0;
}

static const struct address_space_operations tam_aops = {
	.read_folio	= tam_read_folio,
	.dirty_folio	= noop_dirty_folio,
	.migrate_folio	= filemap_migrate_folio,
	.free_folio	= tam_free_folio,
};

u64 tam_store_held(void)
{
	return (u64)percpu_counter_sum_positive(&tam_held) << PAGE_SHIFT;
}

static u64 tam_cap_pages(void)
{
	u64 mib = READ_ONCE(tam_shared_cap_mib), ram = totalram_pages();

	if (!mib)
		return ram / 4;
	return min(mib, ram >> (20 - PAGE_SHIFT)) << (20 - PAGE_SHIFT);
}

u64 tam_store_cap(void)
{
	return tam_cap_pages() << PAGE_SHIFT;
}

bool tam_store_full(void)
{
	return percpu_counter_compare(&tam_held, tam_cap_pages()) >= 0;
}

void tam_store_attach(struct tam_object *obj)
{
	struct address_space *mapping = obj->inode->i_mapping;

	mapping->a_ops = &tam_aops;
	mapping_set_unevictable(mapping);
	mapping->host->i_private = obj;
}

/* The stored page, locked and referenced, or NULL. */
struct page *tam_store_look_up(struct tam_object *obj, pgoff_t index)
{
	struct folio *folio = filemap_lock_folio(obj->inode->i_mapping, index);

	return IS_ERR_OR_NULL(folio) ? NULL : folio_page(folio, 0);
}

/*
 * Charged, as shmem does it, to the cgroup of the memory in which the page is
 * touched first.  That may be another than who touches it: a debugger, a
 * supervisor, who would pay for what it was told to look at.
 */
static int tam_store_insert(struct address_space *mapping, struct page *page,
			    pgoff_t index, gfp_t gfp, struct mm_struct *mm)
{
	struct mem_cgroup *memcg, *active;
	int err;

	/* The usual case, which the core gets right by itself. */
	if (mm == current->mm)
		return filemap_add_folio(mapping, page_folio(page), index, gfp);

	memcg = get_mem_cgroup_from_mm(mm);
	active = set_active_memcg(memcg);
	err = filemap_add_folio(mapping, page_folio(page), index, gfp);
	set_active_memcg(active);
	mem_cgroup_put(memcg);
	return err;
}

/*
 * Make, fill and store the page that was not found, on account of @mm; locked
 * and referenced.  -EEXIST: somebody else just has.  -ENOSPC: the cap is
 * reached.  -ENOMEM.
 */
struct page *tam_store_add(struct tam_object *obj, pgoff_t index,
			   struct mm_struct *mm)
{
	struct address_space *mapping = obj->inode->i_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping);
	struct page *page;
	int err;

	if (tam_store_full()) {
		page = tam_store_find(obj, index);
		return page ?: ERR_PTR(-ENOSPC);
	}
	page = alloc_page(obj->pattern.bytes ? gfp : gfp | __GFP_ZERO);
	if (!page)
		return ERR_PTR(-ENOMEM);
	if (obj->pattern.bytes)
		tam_pattern_fill(&obj->pattern, page, index);
	SetPageUptodate(page);

	err = tam_store_insert(mapping, page, index, gfp, mm);
	if (err) {
		put_page(page);
		return ERR_PTR(err);
	}
	tam_own(page);
	return page;
}

/*
 * Give back @pages pages from @index on, at least one.  -EINTR: a fatal signal.
 *
 * One page at a time: over a range the core starts again until it has found all
 * of it empty, which is never as long as somebody goes on touching it.
 */
int tam_store_punch(struct tam_object *obj, pgoff_t index, unsigned long pages)
{
	struct address_space *mapping = obj->inode->i_mapping;
	unsigned long last = index + pages - 1, unmapped = 0;
	loff_t pos;

	while (xa_find(&mapping->i_pages, &index, last, XA_PRESENT)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		pos = (loff_t)index << PAGE_SHIFT;
		/*
		 * Unmapped some at a time, for speed.  What a fault maps
		 * meanwhile the truncation unmaps, under the page's lock.
		 */
		if (index >= unmapped) {
			unmapped = min(index + TAM_PUNCH_CHUNK, last + 1);
			unmap_mapping_range(mapping, pos,
					    (loff_t)(unmapped - index) << PAGE_SHIFT,
					    0);
		}
		truncate_inode_pages_range(mapping, pos, pos + PAGE_SIZE - 1);
		if (index++ == last)
			break;
		cond_resched();
	}
	return 0;
}

int __init tam_store_init(void)
{
	return percpu_counter_init(&tam_held, 0, GFP_KERNEL);
}

void tam_store_exit(void)
{
	percpu_counter_destroy(&tam_held);
}
