// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod faulty.ko fault=NAME makes that mistake, once.  A test run in which
 * nobody notices is worth nothing.
 */
#include <linux/delay.h>
#include <linux/kdebug.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *fault = "";
module_param(fault, charp, 0);

/* What the compiler must not see through. */
static char *allocate(size_t size)
{
	char *p = kzalloc(size, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	return p;
}

static void warning(void)
{
	WARN_ON(1);
}

static void use_after_free(void)
{
	char *p = allocate(64);

	kfree(p);
	pr_info("faulty: read %d\n", READ_ONCE(p[8]));
}

static void out_of_bounds(void)
{
	char *p = allocate(24);

	pr_info("faulty: read %d\n", READ_ONCE(p[24]));
	kfree(p);
}

static void double_free(void)
{
	char *p = allocate(64);

	kfree(p);
	kfree(p);
}

static void leak(void)
{
	WRITE_ONCE(*allocate(200), 1);
}

static void sleep_under_spinlock(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	msleep(20);
	spin_unlock(&lock);
}

static void lock_inversion(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

static void lock_kept(void)
{
	static DEFINE_MUTEX(kept);

	mutex_lock(&kept);
}

static void shift_too_far(void)
{
	int by = 40;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("faulty: shifted %d\n", 1 << by);
}

static void page_put_twice(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	put_page(page);
	put_page(page);
}

static void do_nothing(struct timer_list *timer)
{
}

static void free_armed_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	timer_setup(timer, do_nothing, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static int number;

static int count(void *unused)
{
	while (!kthread_should_stop()) {
		number++;
		cond_resched();
	}
	return 0;
}

static void unlocked_count(void)
{
	struct task_struct *a = kthread_run(count, NULL, "faulty/a");
	struct task_struct *b = kthread_run(count, NULL, "faulty/b");

	msleep(3000);
	kthread_stop(a);
	kthread_stop(b);
}

static void breakpoint(void)
{
	asm volatile("int3");
}

static int skip_nop(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;

	if (event == DIE_INT3)
		args->regs->ip++;
	return NOTIFY_DONE;
}

static struct notifier_block nop_skipper = { .notifier_call = skip_nop };

/* As it looks when QEMU executes a breakpoint that memory has no longer. */
static void stale_breakpoint(void)
{
	register_die_notifier(&nop_skipper);
	asm volatile("int3; nop");
}

#define FAULT(name) { #name, name }
static const struct {
	const char *name;
	void (*make)(void);
} faults[] = {
	FAULT(warning),
	FAULT(use_after_free),
	FAULT(out_of_bounds),
	FAULT(double_free),
	FAULT(leak),
	FAULT(sleep_under_spinlock),
	FAULT(lock_inversion),
	FAULT(lock_kept),
	FAULT(shift_too_far),
	FAULT(page_put_twice),
	FAULT(free_armed_timer),
	FAULT(unlocked_count),
	FAULT(breakpoint),
	FAULT(stale_breakpoint),
};

static int __init faulty_init(void)
{
	for (int i = 0; i < ARRAY_SIZE(faults); i++) {
		if (strcmp(fault, faults[i].name))
			continue;
		faults[i].make();
		return 0;
	}
	return -EINVAL;
}

static void __exit faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_DESCRIPTION("Deliberate mistakes, to see them found");
MODULE_LICENSE("GPL");
