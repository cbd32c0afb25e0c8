// SPDX-License-Identifier: GPL-2.0-only
/*
 * The books: read off the kernel's own when asked, never kept on the side.
 * A caller sees the processes of its PID namespace, and of each what
 * /proc/PID/status shows to everybody.
 */
#include <linux/cred.h>
#include <linux/mman.h>
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

/*
 * Processes may share an address space (vfork, CLONE_VM): it has one owner, and
 * sums count it there.
 */
static bool tam_owns_mm(struct task_struct *process, struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner;
	bool owns;

	rcu_read_lock();
	owner = rcu_dereference(mm->owner);
	owns = owner && same_thread_group(owner, process);
	rcu_read_unlock();
	return owns;
#else
	return !in_vfork(process);	/* the best there is without owners */
#endif
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

/*
 * Its mappings are for itself, for its user, and for CAP_SYS_PTRACE.  Unlike in
 * /proc also where it made itself undumpable: that cannot be asked portably.
 */
static bool tam_may_inspect(struct task_struct *process)
{
	const struct cred *cred = current_cred();
	const struct cred *tcred;
	bool may;

	if (same_thread_group(process, current))
		return true;
	rcu_read_lock();
	tcred = __task_cred(process);
	may = (uid_eq(cred->fsuid, tcred->euid) &&
	       uid_eq(cred->fsuid, tcred->suid) &&
	       uid_eq(cred->fsuid, tcred->uid) &&
	       gid_eq(cred->fsgid, tcred->egid) &&
	       gid_eq(cred->fsgid, tcred->sgid) &&
	       gid_eq(cred->fsgid, tcred->gid)) ||
	      ns_capable_noaudit(tcred->user_ns, CAP_SYS_PTRACE);
	rcu_read_unlock();
	return may;
}

static void tam_fill_tam(struct tam_process_stats *stats, struct mm_struct *mm)
{
	struct tam_usage usage = {};

	if (!tam_walk_mm(mm, &usage))
		return;
	stats->tam_mappings = usage.mappings;
	stats->tam_reserved = usage.reserved;
	stats->tam_committed = usage.committed;
	stats->tam_swapped = usage.swapped;
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

/* Returns whether the process owns memory, to be counted in sums. */
static bool tam_fill_process(struct tam_process_stats *stats,
			     struct task_struct *process)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	char comm[TASK_COMM_LEN];
	struct task_struct *thread;
	struct mm_struct *mm;
	bool owns;

	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	stats->pid = task_tgid_nr_ns(process, ns);
	rcu_read_lock();
	stats->ppid = task_tgid_nr_ns(rcu_dereference(process->real_parent),
				      ns);
	rcu_read_unlock();
	stats->uid = from_kuid_munged(current_user_ns(), task_uid(process));
	get_task_comm(comm, process);
	strscpy_pad(stats->comm, comm, sizeof(stats->comm));

	mm = tam_process_mm(process, &thread);
	stats->oom_score_adj = READ_ONCE(process->signal->oom_score_adj);
	stats->oom_state = tam_oom_state(thread, mm, stats->oom_score_adj);
	stats->valid |= TAM_VALID_OOM;
	put_task_struct(thread);

	if (!mm)
		return false;
	tam_fill_mm(stats, mm);
	if (tam_may_inspect(process))
		tam_fill_tam(stats, mm);
	owns = tam_owns_mm(process, mm);
	mmput(mm);
	return owns;
}

int tam_books_process(struct tam_process_stats *stats)
{
	struct task_struct *process;
	struct pid *pid;

	if (stats->pid < 0)
		return -EINVAL;
	if (stats->pid) {
		pid = find_get_pid(stats->pid);
		process = get_pid_task(pid, PIDTYPE_TGID);
		put_pid(pid);
	} else {
		process = get_task_struct(current->group_leader);
	}
	if (!process)
		return -ESRCH;

	tam_fill_process(stats, process);
	put_task_struct(process);
	return 0;
}

/* The process with the lowest PID that is *@nr or more, or NULL; sets *@nr. */
static struct task_struct *tam_next_process(struct pid_namespace *ns, int *nr)
{
	struct task_struct *process = NULL;
	struct pid *pid;

	rcu_read_lock();
	for (; (pid = idr_get_next(&ns->idr, nr)); (*nr)++) {
		process = pid_task(pid, PIDTYPE_TGID);
		if (process) {
			get_task_struct(process);
			break;
		}
	}
	rcu_read_unlock();
	return process;
}

static void tam_add_process(struct tam_system_stats *sum,
			    const struct tam_process_stats *stats)
{
	sum->processes++;
	sum->reserved += stats->reserved;
	sum->committed += stats->committed;
	sum->swapped += stats->swapped;
	sum->page_tables += stats->page_tables;
	sum->tam_mappings += stats->tam_mappings;
	sum->tam_reserved += stats->tam_reserved;
	sum->tam_committed += stats->tam_committed;
	sum->tam_swapped += stats->tam_swapped;
	if (!(stats->valid & TAM_VALID_TAM))
		sum->incomplete++;
}

int tam_books_system(struct tam_system_stats *stats)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct tam_process_stats one;
	struct task_struct *process;
	struct sysinfo info;
	int nr;

	for (nr = 1; (process = tam_next_process(ns, &nr)); nr++) {
		if (tam_fill_process(&one, process))
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
	stats->commit_charge = (u64)vm_memory_committed() << PAGE_SHIFT;
	stats->tam_objects = tam_object_count();
	stats->tam_held = tam_store_held();
	stats->tam_cap = tam_store_cap();
	return 0;
}

void __init tam_books_init(void)
{
	get_random_bytes(&tam_mm_key, sizeof(tam_mm_key));
}
