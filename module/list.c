// SPDX-License-Identifier: GPL-2.0-only
/* Lists: many records in one call, into the caller's buffer. */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>

#include "tam.h"

static bool tam_list_full(const struct tam_list *list, size_t size)
{
	return list->size / size <= list->count;
}

static int tam_list_put(struct tam_list *list, const void *record, size_t size)
{
	u64 at = list->records + (u64)list->count * size;

	if (copy_to_user(u64_to_user_ptr(at), record, size))
		return -EFAULT;
	list->count++;
	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	return 0;
}

static int tam_list_begin(struct tam_list *list, size_t size, u32 flags)
{
	if (list->flags & ~flags)
		return -EINVAL;
	if (list->size < size)
		return -ENOSPC;
	list->count = 0;
	list->more = 0;
	return 0;
}

int tam_list_processes(struct tam_list *list)
{
	struct tam_mappers mappers, *wanted = NULL;
	struct tam_process_stats one;
	struct task_struct *process;
	struct tam_patience patience;
	bool alive;
	int err, nr;

	if (list->pid || list->end || list->cursor > INT_MAX)
		return -EINVAL;
	tam_patience_init(&patience, TAM_WAITS_MANY);
	err = tam_list_begin(list, sizeof(one), TAM_LIST_NO_TAM);
	if (!err && !(list->flags & TAM_LIST_NO_TAM)) {
		tam_mappers_read(&mappers);
		wanted = &mappers;
	}
	for (nr = list->cursor; !err && !list->more; nr++) {
		process = tam_process_next(&nr);
		if (!process)
			break;
		alive = tam_process_fill(process, wanted, &patience, &one);
		put_task_struct(process);
		if (alive)
			err = tam_list_put(list, &one, sizeof(one));
		list->more = tam_list_full(list, sizeof(one));
	}
	list->cursor = nr;
	return err;
}

int tam_list_objects(struct tam_list *list)
{
	struct tam_object_stats one;
	int err;

	if (list->pid || list->end)
		return -EINVAL;
	err = tam_list_begin(list, sizeof(one), 0);
	while (!err && !list->more && tam_object_next(&list->cursor, &one)) {
		err = tam_list_put(list, &one, sizeof(one));
		list->more = tam_list_full(list, sizeof(one));
	}
	return err;
}

/* A walk over the part of a process' memory that @list asks for. */
static int tam_list_walk(struct tam_list *list, struct tam_walk *walk)
{
	/* Whole pages: those that the range touches. */
	walk->addr = round_down(list->cursor, PAGE_SIZE);
	walk->end = list->end ? PAGE_ALIGN(list->end) ?: ULONG_MAX : ULONG_MAX;
	tam_patience_init(walk->patience, TAM_WAITS_ONE);
	walk->mm = tam_process_get_mm(list->pid, walk->patience);
	return PTR_ERR_OR_ZERO(walk->mm);
}

/* As far as the walk came before others held the memory map is a list, too. */
static int tam_list_end(struct tam_list *list, struct tam_walk *walk,
			u64 begin, int err)
{
	mmput(walk->mm);
	if (err == -EAGAIN && list->cursor > begin) {
		list->more = 1;
		return 0;
	}
	return err;
}

int tam_list_mappings(struct tam_list *list)
{
	struct tam_patience patience;
	struct tam_walk walk = { .patience = &patience };
	struct tam_mapping_stats one;
	u64 begin = list->cursor;
	int err;

	err = tam_list_begin(list, sizeof(one), 0) ?: tam_list_walk(list, &walk);
	if (err || !walk.mm)
		return err;
	while (!list->more && (err = tam_walk_mapping(&walk, &one)) > 0) {
		tam_walk_pause(&walk);	/* the buffer may fault, in this very memory */
		err = tam_list_put(list, &one, sizeof(one));
		if (err)
			break;
		list->cursor = walk.addr;
		list->more = tam_list_full(list, sizeof(one));
	}
	tam_walk_pause(&walk);
	return tam_list_end(list, &walk, begin, err);
}

/* Adds the page at @addr to the run, or ends that and begins another. */
static int tam_list_page(struct tam_list *list, struct tam_extent *run,
			 unsigned long addr, u32 state)
{
	int err = 0;

	if (state == run->state && addr == run->start + run->len) {
		run->len += PAGE_SIZE;
		return 0;
	}
	if (run->state) {
		err = tam_list_put(list, run, sizeof(*run));
		list->more = tam_list_full(list, sizeof(*run));
	}
	run->state = state;
	run->start = addr;
	run->len = PAGE_SIZE;
	return err;
}

static int tam_list_table(struct tam_list *list, struct tam_extent *run,
			  const struct tam_table *table)
{
	unsigned int i;
	int err = 0;
	u32 state;

	for (i = 0; i < table->pages && !err && !list->more; i++) {
		if (test_bit(i, table->committed))
			state = TAM_PAGE_COMMITTED;
		else if (test_bit(i, table->swapped))
			state = TAM_PAGE_SWAPPED;
		else
			continue;
		err = tam_list_page(list, run, table->start + i * PAGE_SIZE,
				    state);
	}
	return err;
}

int tam_list_pages(struct tam_list *list)
{
	struct tam_extent run = { .size = sizeof(run) };
	struct tam_patience patience;
	struct tam_walk walk = { .patience = &patience };
	struct tam_table table;
	u64 begin = list->cursor;
	int err;

	err = tam_list_begin(list, sizeof(run), 0) ?: tam_list_walk(list, &walk);
	if (err || !walk.mm)
		return err;
	while (!list->more && (err = tam_walk_table(&walk, &table)) > 0) {
		tam_walk_pause(&walk);
		err = tam_list_table(list, &run, &table);
		if (err)
			break;
	}
	tam_walk_pause(&walk);
	list->cursor = walk.addr;
	if (list->more)		/* the run in hand did not fit */
		list->cursor = run.start;
	else if (run.state && (!err || err == -EAGAIN))
		err = tam_list_put(list, &run, sizeof(run)) ?: err;
	return tam_list_end(list, &walk, begin, err);
}
