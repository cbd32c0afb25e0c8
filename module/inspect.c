// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may look at what.  A caller sees the processes of its PID namespace, and
 * of each what /proc/PID/status shows to everybody; what is mapped where is for
 * those that ptrace_may_access(PTRACE_MODE_READ_FSCREDS) would let through,
 * which is not exported.  What security modules add to it is not asked for.
 */
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>

#include "tam.h"
#include "compat.h"

static bool tam_hidepid;
module_param_named(hidepid, tam_hidepid, bool, 0644);
MODULE_PARM_DESC(hidepid, "Show to a process only those it may ptrace (as proc's hidepid)");

static bool tam_same_user(const struct cred *cred, const struct cred *owner)
{
	return uid_eq(cred->fsuid, owner->euid) &&
	       uid_eq(cred->fsuid, owner->suid) &&
	       uid_eq(cred->fsuid, owner->uid) &&
	       gid_eq(cred->fsgid, owner->egid) &&
	       gid_eq(cred->fsgid, owner->sgid) &&
	       gid_eq(cred->fsgid, owner->gid);
}

/* More capabilities than one's own hide it from its own user, too. */
bool tam_may_inspect_of(const struct cred *owner)
{
	const struct cred *cred = current_cred();

	return (tam_same_user(cred, owner) && cred->user_ns == owner->user_ns &&
		cap_issubset(owner->cap_permitted, cred->cap_effective)) ||
	       ns_capable_noaudit(owner->user_ns, CAP_SYS_PTRACE);
}

/* So does not being dumpable. */
bool tam_may_inspect(struct task_struct *thread, struct mm_struct *mm)
{
	bool may;

	if (same_thread_group(thread, current))
		return true;
	rcu_read_lock();
	may = tam_may_inspect_of(__task_cred(thread));
	rcu_read_unlock();
	smp_rmb();	/* commit_creds() clears dumpable first */
	return may && tam_dumpable(thread, mm);
}

bool tam_may_see(struct task_struct *process)
{
	return !READ_ONCE(tam_hidepid) || tam_may_inspect(process, NULL);
}

/*
 * Whether the caller may look into @mm, which it got from @thread: 0, -EACCES,
 * or -EAGAIN while that is in exec, with its new memory but old credentials.
 */
int tam_may_walk(struct task_struct *thread, struct mm_struct *mm,
		 struct tam_patience *patience)
{
	struct rw_semaphore *exec = &thread->signal->exec_update_lock;
	int err = 0;

	if (!tam_may_inspect(thread, mm))
		return -EACCES;
	tam_patience_renew(patience);
	while (!down_read_trylock(exec))
		if (!tam_patience_wait(patience))
			return -EAGAIN;
	if (READ_ONCE(thread->mm) != mm)
		err = -EAGAIN;
	else if (!tam_may_inspect(thread, mm))
		err = -EACCES;
	up_read(exec);
	return err;
}
