// SPDX-License-Identifier: GPL-2.0-only
/*
 * The books: read off the kernel's own when asked, never kept on the side.
 */
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "tam.h"

int tam_books_process(struct tam_process_stats *stats)
{
	struct task_struct *process = tam_process_find(stats->pid);
	struct tam_patience patience;
	bool alive;

	if (IS_ERR(process))
		return PTR_ERR(process);
	tam_patience_init(&patience, TAM_WAITS_ONE);
	alive = tam_process_fill(process, &tam_anybody, &patience, stats);
	put_task_struct(process);
	return alive ? 0 : -ESRCH;
}

static void tam_add_process(struct tam_system_stats *sum,
			    const struct tam_process_stats *stats)
{
	sum->processes++;
	sum->reserved += stats->reserved;
	sum->committed += stats->committed;
	sum->swapped += stats->swapped;
	sum->page_tables += stats->page_tables;
	sum->tam_processes += !!stats->tam_mappings;
	sum->tam_mappings += stats->tam_mappings;
	sum->tam_reserved += stats->tam_reserved;
	sum->tam_committed += stats->tam_committed;
	sum->tam_swapped += stats->tam_swapped;
	if (!(stats->valid & TAM_VALID_TAM))
		sum->incomplete++;
}

int tam_books_system(struct tam_system_stats *stats)
{
	struct tam_process_stats one;
	struct tam_mappers mappers;
	struct task_struct *process;
	struct tam_patience patience;
	struct sysinfo info;
	int nr;

	memset(stats, 0, sizeof(*stats));
	tam_patience_init(&patience, TAM_WAITS_MANY);
	tam_mappers_read(&mappers);
	for (nr = 1; (process = tam_process_next(&nr)); nr++) {
		if (tam_process_fill(process, &mappers, &patience, &one) &&
		    one.valid & TAM_VALID_OWNER)
			tam_add_process(stats, &one);
		put_task_struct(process);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	si_meminfo(&info);
	stats->ram_total = (u64)info.totalram << PAGE_SHIFT;
	stats->ram_free = (u64)info.freeram << PAGE_SHIFT;
	stats->ram_available = (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;
	stats->ram_used = stats->ram_total - stats->ram_available;
	stats->ram_active = (u64)(global_node_page_state(NR_ACTIVE_ANON) +
				  global_node_page_state(NR_ACTIVE_FILE)) <<
			    PAGE_SHIFT;
	stats->ram_buffers = (u64)info.bufferram << PAGE_SHIFT;
	stats->commit_charge = (u64)vm_memory_committed() << PAGE_SHIFT;
	stats->tam_objects = tam_object_count();
	stats->tam_held = tam_store_held();
	stats->tam_cap = tam_store_cap();
	stats->size = sizeof(*stats);
	stats->valid = TAM_VALID_BOOKS;
	return 0;
}
