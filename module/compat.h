/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module is written for the newest kernel; here older ones learn its
 * words.  TAM_HAVE_* are probed in Kbuild.  Include this last.
 */
#ifndef TAM_COMPAT_H
#define TAM_COMPAT_H

#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/coredump.h>
#include <linux/sched/task.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/user_namespace.h>
#ifdef TAM_HAVE_EXEC_STATE
#include <linux/sched/exec_state.h>
#endif
#ifdef TAM_HAVE_SOFTLEAF
#include <linux/leafops.h>
#endif

#ifndef CONFIG_64BIT
#error "tamalloc needs a 64-bit kernel"
#endif

#ifndef TAM_HAVE_DIRTY_FOLIO		/* before 5.18 */
#define dirty_folio		set_page_dirty
#define noop_dirty_folio	tam_set_page_dirty

/* Only ever asked for pages that are dirty already. */
static inline int tam_set_page_dirty(struct page *page)
{
	return 0;
}
#endif

#ifndef TAM_HAVE_FREE_FOLIO		/* before 5.19 */
#define free_folio		freepage
#define read_folio		readpage
/* A folio is a page, also where the core has some folios already. */
#define folio			page
#undef page_folio
#undef folio_page
#define page_folio(page)	(page)
#define folio_page(folio, n)	((folio) + (n))
#define filemap_lock_folio	find_lock_page
#define filemap_add_folio(mapping, page, index, gfp) \
	add_to_page_cache_lru(page, mapping, index, gfp)
#endif

#ifndef TAM_HAVE_MIGRATE_FOLIO		/* before 6.0 */
#define migrate_folio		migratepage
#ifdef CONFIG_MIGRATION
#define filemap_migrate_folio	migrate_page
#else
#define filemap_migrate_folio	NULL
#endif
#endif

#ifndef TAM_HAVE_VMA_ITERATOR		/* before 6.1 */
static inline struct vm_area_struct *tam_next_vma(struct vm_area_struct **next)
{
	struct vm_area_struct *vma = *next;

	if (vma)
		*next = vma->vm_next;
	return vma;
}

#define VMA_ITERATOR(vmi, mm, addr) \
	struct vm_area_struct *(vmi) = find_vma(mm, addr)
#define for_each_vma(vmi, vma)	for (; ((vma) = tam_next_vma(&(vmi))); )
#endif

#ifndef TAM_HAVE_UNSHARE		/* before 5.19 */
#define FAULT_FLAG_UNSHARE	0
#endif

#ifdef TAM_HAVE_OLD_ACTIVE_MEMCG	/* before 5.15: nothing for the page cache */
#define set_active_memcg	tam_set_active_memcg

static inline struct mem_cgroup *
tam_set_active_memcg(struct mem_cgroup *memcg)
{
	return NULL;
}
#endif

#ifndef TAM_HAVE_MM_FLAGS_TEST		/* before 6.18 */
#define mm_flags_test(flag, mm)	test_bit(flag, &(mm)->flags)
#endif

#ifndef TAM_HAVE_SOFTLEAF		/* before 6.19 */
#define softleaf_t		swp_entry_t
#ifndef softleaf_from_pte		/* 6.12 has borrowed this one */
#define softleaf_from_pte	pte_to_swp_entry
#endif
#define softleaf_is_swap(entry)	(!non_swap_entry(entry))
#ifdef TAM_HAVE_PFN_SWAP_ENTRY		/* from 5.14 */
#define softleaf_has_pfn	is_pfn_swap_entry
#else
static inline bool softleaf_has_pfn(swp_entry_t entry)
{
	return is_migration_entry(entry) || is_device_private_entry(entry);
}
#endif
#endif

/*
 * Exact sums over all processors.  /proc/PID/status shows them where they
 * exist; the OOM killer uses them only where there is one for the whole RSS.
 */
#ifndef TAM_HAVE_COUNTER_SUM		/* before 6.16, and 6.12 without the fix */
#define get_mm_counter_sum	get_mm_counter
#endif

static inline unsigned long tam_oom_pages(struct mm_struct *mm)
{
#ifdef TAM_HAVE_RSS_SUM			/* from 7.0 or so */
	return get_mm_rss_sum(mm) + get_mm_counter_sum(mm, MM_SWAPENTS);
#else
	return get_mm_rss(mm) + get_mm_counter(mm, MM_SWAPENTS);
#endif
}

#ifndef TAM_HAVE_EXEC_STATE
/* Of a task whose memory has gone: what it was, where the kernel remembers. */
static inline bool tam_was_dumpable(struct task_struct *task)
{
#ifdef TAM_HAVE_USER_DUMPABLE		/* from 7.1 or so, and stable kernels */
	return task->user_dumpable ||
	       ns_capable_noaudit(&init_user_ns, CAP_SYS_PTRACE);
#else
	return true;
#endif
}
#endif

/*
 * Whether a process lets itself be looked into; see __ptrace_may_access().  @mm:
 * its memory where the caller has it, as the process may end meanwhile.
 */
static inline bool tam_dumpable(struct task_struct *task, struct mm_struct *mm)
{
#ifdef TAM_HAVE_EXEC_STATE		/* from 7.1 or so */
	struct task_exec_state *state;
	bool dumpable;

	rcu_read_lock();
	state = rcu_dereference(task->exec_state);
	dumpable = READ_ONCE(state->dumpable) == TASK_DUMPABLE_OWNER ||
		   ns_capable_noaudit(state->user_ns, CAP_SYS_PTRACE);
	rcu_read_unlock();
#else
	bool dumpable;

	task_lock(task);
	mm = mm ?: task->mm;
	if (mm)
		dumpable = get_dumpable(mm) == SUID_DUMP_USER ||
			   ns_capable_noaudit(mm->user_ns, CAP_SYS_PTRACE);
	else
		dumpable = tam_was_dumpable(task);
	task_unlock(task);
#endif
	return dumpable;
}

#endif /* TAM_COMPAT_H */
