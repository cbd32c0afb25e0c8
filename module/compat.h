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
#include <linux/swap.h>
#include <linux/swapops.h>
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
#define folio			page
#endif

#ifndef TAM_HAVE_MIGRATE_FOLIO		/* before 6.0 */
#define migrate_folio		migratepage
#ifdef CONFIG_MIGRATION
#define filemap_migrate_folio	migrate_page
#else
#define filemap_migrate_folio	NULL
#endif
#endif

#ifndef TAM_HAVE_UNSHARE		/* before 5.19 */
#define FAULT_FLAG_UNSHARE	0
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
#define softleaf_is_migration	is_migration_entry
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

#endif /* TAM_COMPAT_H */
