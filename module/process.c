// SPDX-License-Identifier: GPL-2.0-only
/* The record of one process, and the way from one process to the next. */
#include <linux/cred.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/siphash.h>
#include <linux/user_namespace.h>

#include "tam.h"
#include "compat.h"

/* An mm's address names an address space but must not leave the kernel. */
static siphash_key_t tam_mm_key;

/* A thread of the process that has memory, with a reference to that. */
static struct mm_struct *tam_process_mm(struct task_struct *process,
					struct task_struct **thread)
{
	struct mm_struct *mm = NULL;
	struct task_struct *t;

	rcu_read_lock();
	for_each_thread(process, t) {
		mm = get_task_mm(t);
		if (mm)
			break;
	}
	*thread = get_task_struct(mm ? t : process);
	rcu_read_unlock();
	return mm;
}

static bool tam_in_sight(struct task_struct *task)
{
	return task_tgid_nr_ns(task, task_active_pid_ns(current)) &&
	       tam_may_see(task);
}

/*
 * Processes may share an address space (vfork, CLONE_VM).  Sums count it at its
 * owner, or if that is out of sight, where the parent does not have it, too.
 */
static bool tam_owns_mm(struct task_struct *process, struct mm_struct *mm)
{
	struct task_struct *owner = NULL;
	bool owns;

	rcu_read_lock();
#ifdef CONFIG_MEMCG
	owner = rcu_dereference(mm->owner);
#endif
	if (owner && tam_in_sight(owner)) {
		owns = same_thread_group(owner, process);
	} else if (pid_alive(process)) {
		owner = rcu_dereference(process->real_parent);
		owns = READ_ONCE(owner->mm) != mm || !tam_in_sight(owner);
	} else {
		owns = false;
	}
	rcu_read_unlock();
	return owns;
}

/* In the order of oom_badness(): the first reason to spare it. */
static u32 tam_oom_state(struct task_struct *thread, struct mm_struct *mm,
			 s16 adj)
{
	if (is_global_init(thread))
		return TAM_OOM_INIT;
	if (thread->flags & PF_KTHREAD)
		return TAM_OOM_KTHREAD;
	if (!mm)
		return TAM_OOM_NO_MM;
	if (adj == OOM_SCORE_ADJ_MIN)
		return TAM_OOM_DISABLED;
	if (mm_flags_test(MMF_OOM_SKIP, mm))
		return TAM_OOM_SKIP;
	if (in_vfork(thread))
		return TAM_OOM_VFORK;
	return TAM_OOM_ELIGIBLE;
}

static void tam_fill_tam(struct tam_process_stats *stats,
			 struct task_struct *thread, struct mm_struct *mm,
			 const struct tam_mappers *mappers,
			 struct tam_patience *patience)
{
	struct tam_process_stats sum = {};

	if (!tam_may_inspect(thread, mm))
		return;
	if (tam_mappers_have(mappers, mm) &&
	    (tam_may_walk(thread, mm, patience) ||
	     tam_walk_mm(mm, &sum, patience)))
		return;
	stats->tam_mappings = sum.tam_mappings;
	stats->tam_reserved = sum.tam_reserved;
	stats->tam_committed = sum.tam_committed;
	stats->tam_swapped = sum.tam_swapped;
	stats->valid |= TAM_VALID_TAM;
}

static void tam_fill_mm(struct tam_process_stats *stats, struct mm_struct *mm)
{
	stats->mm_id = siphash_1u64((unsigned long)mm, &tam_mm_key);
	stats->reserved = (u64)mm->total_vm << PAGE_SHIFT;
	stats->committed = (u64)(get_mm_counter_sum(mm, MM_ANONPAGES) +
				 get_mm_counter_sum(mm, MM_FILEPAGES) +
				 get_mm_counter_sum(mm, MM_SHMEMPAGES)) <<
			   PAGE_SHIFT;
	stats->swapped = (u64)get_mm_counter_sum(mm, MM_SWAPENTS) << PAGE_SHIFT;
	stats->page_tables = mm_pgtables_bytes(mm);
	stats->oom_usage = (u64)(tam_oom_pages(mm) +
				 mm_pgtables_bytes(mm) / PAGE_SIZE) <<
			   PAGE_SHIFT;
	stats->valid |= TAM_VALID_MM;
}

/*
 * @mappers: who has tamalloc mappings; NULL: they are not asked for.  False: it
 * is no process any more.
 */
bool tam_process_fill(struct task_struct *process,
		      const struct tam_mappers *mappers,
		      struct tam_patience *patience,
		      struct tam_process_stats *stats)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	char comm[TASK_COMM_LEN];
	struct task_struct *thread;
	struct mm_struct *mm;

	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	stats->pid = task_tgid_nr_ns(process, ns);
	stats->ppid = task_ppid_nr_ns(process, ns);
	stats->uid = from_kuid_munged(current_user_ns(), task_uid(process));
	get_task_comm(comm, process);
	strscpy_pad(stats->comm, comm, sizeof(stats->comm));

	mm = tam_process_mm(process, &thread);
	stats->oom_score_adj = READ_ONCE(process->signal->oom_score_adj);
	stats->oom_state = tam_oom_state(thread, mm, stats->oom_score_adj);
	stats->valid |= TAM_VALID_OOM;
	if (mm) {
		tam_fill_mm(stats, mm);
		if (tam_owns_mm(process, mm))
			stats->valid |= TAM_VALID_OWNER;
		if (mappers)
			tam_fill_tam(stats, thread, mm, mappers, patience);
		mmput(mm);
	}
	put_task_struct(thread);
	return stats->pid;
}

/* The process of that PID, 0 for the caller, with a reference. */
struct task_struct *tam_process_find(s32 nr)
{
	struct task_struct *process;
	struct pid *pid;

	if (nr < 0)
		return ERR_PTR(-EINVAL);
	if (!nr)
		return get_task_struct(current->group_leader);
	pid = find_get_pid(nr);
	process = get_pid_task(pid, PIDTYPE_TGID);
	put_pid(pid);
	if (process && !tam_may_see(process)) {
		put_task_struct(process);
		process = NULL;
	}
	return process ?: ERR_PTR(-ESRCH);
}

/* The memory of a process for who may look into it; NULL where it has none. */
struct mm_struct *tam_process_get_mm(s32 nr, struct tam_patience *patience)
{
	struct task_struct *process = tam_process_find(nr);
	struct task_struct *thread;
	struct mm_struct *mm;
	int err;

	if (IS_ERR(process))
		return ERR_CAST(process);
	mm = tam_process_mm(process, &thread);
	if (mm)
		err = tam_may_walk(thread, mm, patience);
	else
		err = tam_may_inspect(thread, NULL) ? 0 : -EACCES;
	put_task_struct(thread);
	put_task_struct(process);
	if (err && mm)
		mmput(mm);
	return err ? ERR_PTR(err) : mm;
}

/*
 * The process with the lowest PID that is *@nr or more, or NULL; sets *@nr.  A
 * PID that only goes up shows none twice and misses none that stays.
 */
struct task_struct *tam_process_next(int *nr)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task_struct *process = NULL;
	unsigned int skipped = 0;
	struct pid *pid;

	rcu_read_lock();
	for (; (pid = idr_get_next(&ns->idr, nr)); (*nr)++) {
		process = pid_task(pid, PIDTYPE_TGID);
		if (process && tam_may_see(process)) {
			get_task_struct(process);
			break;
		}
		process = NULL;
		if (!(++skipped % 1024)) {	/* there may be millions, hidden */
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return process;
}

void __init tam_process_init(void)
{
	get_random_bytes(&tam_mm_key, sizeof(tam_mm_key));
}
