// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is committed is what the page tables hold, so ask them.  The walkers of
 * the core are not exported; this one goes down by hand and steps by the level
 * that is empty, so that it costs what page tables exist, not what is reserved.
 */
#include <linux/jiffies.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "tam.h"
#include "compat.h"

/* Page tables, or mappings of others, before the memory map is let go. */
#define TAM_WALK_STEPS		64
/* What somebody holds is tried again so often. */
#define TAM_WAIT_MS		4
#define TAM_WAITS		25

void tam_patience_init(struct tam_patience *patience, int waits)
{
	patience->left = waits;
	tam_patience_renew(patience);
}

/* For another lock, or the same after it was had: busy is not stuck. */
void tam_patience_renew(struct tam_patience *patience)
{
	patience->now = min(patience->left, TAM_WAITS);
}

/* Whether to try again: who is stuck must not hang who asks. */
bool tam_patience_wait(struct tam_patience *patience)
{
	if (!patience->now || fatal_signal_pending(current))
		return false;
	patience->now--;
	patience->left--;
	schedule_timeout_killable(msecs_to_jiffies(TAM_WAIT_MS));
	return true;
}

static void tam_read_pte(pte_t pte, unsigned int i, struct tam_table *table)
{
	softleaf_t entry;

	if (pte_none(pte))
		return;
	if (pte_present(pte)) {
		/* KSM may map the zero page: nothing is committed there. */
		if (!is_zero_pfn(pte_pfn(pte)))
			__set_bit(i, table->committed);
		return;
	}
	entry = softleaf_from_pte(pte);
	if (softleaf_is_swap(entry))
		__set_bit(i, table->swapped);
	else if (softleaf_has_pfn(entry))	/* it migrates, for instance */
		__set_bit(i, table->committed);
}

/*
 * With the memory map locked for reading only, a page table may be freed at any
 * time, but not before the end of the RCU section, and not while it is locked
 * and in its place.  Whoever changes an entry holds the lock, too, and clears it
 * in between: without it a page that migrates or is copied could be missed.
 */
static void tam_read_ptes(struct mm_struct *mm, pmd_t *pmdp, unsigned long addr,
			  unsigned long end, struct tam_table *table)
{
	unsigned int i;
	spinlock_t *lock;	/* the table's */
	pte_t *pte;
	pmd_t pmd;

	rcu_read_lock();
again:
	pmd = READ_ONCE(*pmdp);
	if (pmd_none(pmd) || !pmd_present(pmd) || pmd_leaf(pmd) || pmd_bad(pmd))
		goto out;
	lock = pte_lockptr(mm, &pmd);
	spin_lock(lock);
	if (pmd_val(pmd) != pmd_val(READ_ONCE(*pmdp))) {
		spin_unlock(lock);
		goto again;		/* freed, or only marked as accessed */
	}
	bitmap_zero(table->committed, TAM_TABLE_PAGES);
	bitmap_zero(table->swapped, TAM_TABLE_PAGES);
	table->start = addr;
	table->pages = (end - addr) >> PAGE_SHIFT;
	pte = pte_offset_kernel(&pmd, addr);
	for (i = 0; i < table->pages; i++)
		tam_read_pte(ptep_get(pte + i), i, table);
	spin_unlock(lock);
out:
	rcu_read_unlock();
}

/*
 * Reads from @addr up to the end of a page table, or over a hole of any size.
 * Returns where that ends.  A level that the kernel has folded has no end of
 * its own: the one above it counts.
 */
static unsigned long tam_read_table(struct mm_struct *mm, unsigned long addr,
				    unsigned long end, struct tam_table *table)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	table->pages = 0;
	end = pgd_addr_end(addr, end);
	if (pgd_none(*pgd) || unlikely(pgd_bad(*pgd)))
		return end;
	p4d = p4d_offset(pgd, addr);
	end = p4d_addr_end(addr, end);
	if (p4d_none(*p4d) || unlikely(p4d_bad(*p4d)))
		return end;
	pud = pud_offset(p4d, addr);
	end = pud_addr_end(addr, end);
	if (pud_none(*pud) || unlikely(pud_bad(*pud)))
		return end;

	end = pmd_addr_end(addr, end);
	end = min(end, addr + TAM_TABLE_PAGES * PAGE_SIZE);
	tam_read_ptes(mm, pmd_offset(pud, addr), addr, end, table);
	return end;
}

void tam_walk_pause(struct tam_walk *walk)
{
	if (walk->locked)
		mmap_read_unlock(walk->mm);
	walk->locked = false;
	cond_resched();
}

/* After a step: the process under the walk must get at its memory map, too. */
static void tam_walk_relax(struct tam_walk *walk)
{
	if (!--walk->steps)
		tam_walk_pause(walk);
}

static int tam_walk_lock(struct tam_walk *walk)
{
	if (walk->locked)
		return 0;
	if (fatal_signal_pending(current))
		return -EINTR;
	tam_patience_renew(walk->patience);
	while (!mmap_read_trylock(walk->mm))
		if (!tam_patience_wait(walk->patience))
			return -EAGAIN;
	walk->locked = true;
	walk->steps = TAM_WALK_STEPS;
	return 0;
}

/* The next tamalloc mapping, unless the lock is let go before it is found. */
static struct vm_area_struct *tam_walk_skip(struct tam_walk *walk)
{
	VMA_ITERATOR(vmi, walk->mm, walk->addr);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		if (tam_is_mapping(vma) || vma->vm_start >= walk->end)
			break;
		walk->addr = vma->vm_end;
		tam_walk_relax(walk);
		if (!walk->locked)
			break;
	}
	return vma;
}

/*
 * The next tamalloc mapping, with the memory map locked and walk->addr in it;
 * NULL: none is left; -EAGAIN, -EINTR.
 */
static struct vm_area_struct *tam_walk_find(struct tam_walk *walk)
{
	struct vm_area_struct *vma;
	int err;

	do {
		err = tam_walk_lock(walk);
		if (err)
			return ERR_PTR(err);
		vma = tam_walk_skip(walk);
	} while (!walk->locked);

	if (!vma)
		return NULL;
	walk->addr = max(walk->addr, vma->vm_start);
	return walk->addr < walk->end ? vma : NULL;
}

/* Reads on in @vma, not beyond @end. */
static void tam_walk_read(struct tam_walk *walk,
			  const struct vm_area_struct *vma, unsigned long end,
			  struct tam_table *table)
{
	walk->addr = tam_read_table(walk->mm, walk->addr,
				    min(end, vma->vm_end), table);
	tam_walk_relax(walk);
}

static u64 tam_weight(const unsigned long *pages)
{
	return (u64)bitmap_weight(pages, TAM_TABLE_PAGES) << PAGE_SHIFT;
}

/* The part of @vma from walk->addr to @end. */
static void tam_describe(const struct tam_walk *walk,
			 const struct vm_area_struct *vma, unsigned long end,
			 struct tam_mapping_stats *out)
{
	const struct tam_object *obj = tam_object(vma->vm_file);

	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	out->flags = (vma->vm_flags & VM_READ ? TAM_MAPPING_READ : 0) |
		     (vma->vm_flags & VM_WRITE ? TAM_MAPPING_WRITE : 0) |
		     (vma->vm_flags & VM_EXEC ? TAM_MAPPING_EXEC : 0) |
		     (vma->vm_flags & VM_MAYSHARE ? TAM_MAPPING_SHARED : 0) |
		     (vma->vm_flags & VM_LOCKED ? TAM_MAPPING_LOCKED : 0);
	out->start = walk->addr;
	out->len = end - walk->addr;
	out->offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) +
		      walk->addr - vma->vm_start;
	out->object = obj->id;
	memcpy(out->name, obj->name, sizeof(out->name));
}

/*
 * Describes the next mapping, or what of it is between walk->addr and walk->end,
 * and adds up its pages.  The memory map may be let go meanwhile: what the
 * process changes then is seen or not, but no address twice.  Returns 1; 0: none
 * is left; -EAGAIN, -EINTR.
 */
int tam_walk_mapping(struct tam_walk *walk, struct tam_mapping_stats *out)
{
	struct vm_area_struct *vma = tam_walk_find(walk);
	struct tam_table table;
	unsigned long end;

	if (IS_ERR_OR_NULL(vma))
		return PTR_ERR(vma);
	end = min(vma->vm_end, walk->end);
	walk->inside = walk->addr > vma->vm_start;
	tam_describe(walk, vma, end, out);

	while (vma && walk->addr < end) {
		tam_walk_read(walk, vma, end, &table);
		if (table.pages) {
			out->committed += tam_weight(table.committed);
			out->swapped += tam_weight(table.swapped);
		}
		if (walk->addr < end &&
		    (!walk->locked || walk->addr >= vma->vm_end))
			vma = tam_walk_find(walk);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
	}
	walk->addr = max(walk->addr, end);	/* also if the rest has gone */
	return 1;
}

/* Reads the next page table that exists under a mapping.  Returns as above. */
int tam_walk_table(struct tam_walk *walk, struct tam_table *table)
{
	struct vm_area_struct *vma;

	do {
		vma = tam_walk_find(walk);
		if (IS_ERR_OR_NULL(vma))
			return PTR_ERR(vma);
		tam_walk_read(walk, vma, walk->end, table);
	} while (!table->pages);
	return 1;
}

/* Adds up the tamalloc mappings of @mm.  0, -EAGAIN, -EINTR. */
int tam_walk_mm(struct mm_struct *mm, struct tam_process_stats *sum,
		struct tam_patience *patience)
{
	struct tam_walk walk = { .mm = mm, .end = ULONG_MAX, .patience = patience };
	struct tam_mapping_stats one;
	int err;

	while ((err = tam_walk_mapping(&walk, &one)) > 0) {
		sum->tam_mappings += !walk.inside;
		sum->tam_reserved += one.len;
		sum->tam_committed += one.committed;
		sum->tam_swapped += one.swapped;
	}
	tam_walk_pause(&walk);
	return err;
}
