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

/* Steps before the memory map is let go, of one page table at most each. */
#define TAM_WALK_STEPS		(131072 / PTRS_PER_PTE)
/* A lock that somebody holds is tried so often, so far apart: for 100 ms. */
#define TAM_LOCK_TRIES		25
#define TAM_LOCK_WAIT_MS	4

static void tam_count_pte(pte_t pte, struct tam_usage *usage)
{
	softleaf_t entry;

	if (pte_none(pte))
		return;
	if (pte_present(pte)) {
		/* KSM may map the zero page: nothing is committed there. */
		if (!is_zero_pfn(pte_pfn(pte)))
			usage->committed += PAGE_SIZE;
		return;
	}
	entry = softleaf_from_pte(pte);
	if (softleaf_is_swap(entry))
		usage->swapped += PAGE_SIZE;
	else if (softleaf_is_migration(entry))
		usage->committed += PAGE_SIZE;
}

/*
 * One page table, or the part of it within [addr, end).  With the memory map
 * locked for reading only it may be freed at any time, but not before the end
 * of the RCU section; a copy of its entry is used, for it may be replaced too.
 */
static void tam_count_table(pmd_t *pmdp, unsigned long addr, unsigned long end,
			    struct tam_usage *usage)
{
	pte_t *pte;
	pmd_t pmd;

	rcu_read_lock();
	pmd = READ_ONCE(*pmdp);
	if (!pmd_none(pmd) && pmd_present(pmd) && !pmd_leaf(pmd) &&
	    !pmd_bad(pmd)) {
		pte = pte_offset_kernel(&pmd, addr);
		for (; addr < end; addr += PAGE_SIZE, pte++)
			tam_count_pte(ptep_get(pte), usage);
	}
	rcu_read_unlock();
}

/* Counts up to the end of one page table or of one hole; returns where. */
static unsigned long tam_walk_step(struct mm_struct *mm, unsigned long addr,
				   unsigned long end, struct tam_usage *usage)
{
	unsigned long next;
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd) || unlikely(pgd_bad(*pgd)))
		return pgd_addr_end(addr, end);
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d) || unlikely(p4d_bad(*p4d)))
		return p4d_addr_end(addr, end);
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || unlikely(pud_bad(*pud)))
		return pud_addr_end(addr, end);

	next = pmd_addr_end(addr, end);
	tam_count_table(pmd_offset(pud, addr), addr, next, usage);
	return next;
}

/* A process that is stuck with the lock held must not hang whoever asks. */
static bool tam_lock_mm(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < TAM_LOCK_TRIES; i++) {
		if (fatal_signal_pending(current))
			break;
		if (mmap_read_trylock(mm))
			return true;
		schedule_timeout_killable(msecs_to_jiffies(TAM_LOCK_WAIT_MS));
	}
	return false;
}

/*
 * Adds up the tamalloc mappings of @mm.  The lock is dropped now and then, so
 * that the process goes on; what it changes meanwhile is seen or not.  False:
 * incomplete, the memory map could not be locked.
 */
bool tam_walk_mm(struct mm_struct *mm, struct tam_usage *usage)
{
	struct vm_area_struct *vma;
	unsigned long addr = 0;
	int steps;

	do {
		if (!tam_lock_mm(mm))
			return false;
		steps = TAM_WALK_STEPS;
		while (steps && (vma = find_vma(mm, addr))) {
			if (addr <= vma->vm_start && tam_is_mapping(vma)) {
				usage->mappings++;
				usage->reserved += vma->vm_end - vma->vm_start;
			}
			addr = max(addr, vma->vm_start);
			if (!tam_is_mapping(vma)) {
				addr = vma->vm_end;
				steps--;
			}
			while (steps && addr < vma->vm_end) {
				addr = tam_walk_step(mm, addr, vma->vm_end,
						     usage);
				steps--;
			}
		}
		mmap_read_unlock(mm);
		cond_resched();
	} while (!steps);
	return true;
}
