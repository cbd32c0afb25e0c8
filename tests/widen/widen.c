// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the windows of races wide: tasks of the loader's process group wait
 * before, or after, the functions that are named at load time.
 *
 *   insmod widen.ko at=tam_store_add,finish_fault:after us=500
 *
 * A word is NAME[|NAME...][:after|:both][:module][:spin][:US]: the first of the
 * names that exists, also as the compiler may have renamed it; if none does the
 * module does not load.  The wait is of random length, up to US or else @us.  It
 * sleeps, which functions that are called under a spinlock or RCU may not:
 * "spin".  "module": only calls from modules, of what the core calls everywhere.
 *
 * A probe's own handler must not sleep.  This one sends the task to a function
 * of ours in place of the probed one, which waits and then calls that, with the
 * same arguments; a call from here the handler lets pass.  All arguments are
 * thought to be in registers.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *at = "";
module_param(at, charp, 0444);
MODULE_PARM_DESC(at, "where to wait: NAME[|NAME...][:after|:both][:module][:spin][:US],...");

static unsigned int us = 500;
module_param(us, uint, 0444);
MODULE_PARM_DESC(us, "for how long at most, in microseconds, where no other is said");

typedef unsigned long (*widen_fn)(unsigned long a, unsigned long b,
				  unsigned long c, unsigned long d,
				  unsigned long e, unsigned long f);

#define WIDEN_PROBES	8

static struct widen_probe {
	struct kprobe kp;
	widen_fn detour;
	bool before, after, spin, module;
	unsigned int us;
	atomic_t inside;
	atomic_t passed;	/* times in all */
	atomic_t met_same;	/* of these: another was inside this one, */
	atomic_t met_other;	/* or another one */
} widen_probes[WIDEN_PROBES];

static unsigned int widen_count;
static atomic_t widen_inside;
static bool widen_ends;
static struct pid *widen_group;
static char *widen_words;

static void widen_wait(const struct widen_probe *probe)
{
	unsigned int left;

	if (READ_ONCE(widen_ends))
		return;
	left = hash_64(ktime_get_ns(), 32) % probe->us + 1;
	if (!probe->spin)
		usleep_range(left, left + probe->us / 8 + 1);
	else
		for (; left; left--)
			udelay(1);
}

/* Where a call of the function itself begins. */
static widen_fn widen_target(const struct widen_probe *probe)
{
	unsigned long addr = (unsigned long)probe->kp.addr;

	/* A probe is behind the ENDBR64 that an indirect call must come to. */
	return (widen_fn)(addr % 16 == 4 ? addr - 4 : addr);
}

static noinline unsigned long widen_call(struct widen_probe *probe,
					 unsigned long a, unsigned long b,
					 unsigned long c, unsigned long d,
					 unsigned long e, unsigned long f)
{
	unsigned long ret;
	int all, same;

	if (!in_task())
		return widen_target(probe)(a, b, c, d, e, f);
	all = atomic_inc_return(&widen_inside);
	same = atomic_inc_return(&probe->inside);
	atomic_inc(&probe->passed);
	if (same > 1)
		atomic_inc(&probe->met_same);
	if (all > same)
		atomic_inc(&probe->met_other);
	if (probe->before)
		widen_wait(probe);
	ret = widen_target(probe)(a, b, c, d, e, f);
	if (probe->after)
		widen_wait(probe);
	atomic_dec(&probe->inside);
	atomic_dec(&widen_inside);
	return ret;
}

#define WIDEN_DETOUR(i)							\
	static unsigned long widen_detour_##i(unsigned long a,		\
					      unsigned long b,		\
					      unsigned long c,		\
					      unsigned long d,		\
					      unsigned long e,		\
					      unsigned long f)		\
	{								\
		return widen_call(&widen_probes[i], a, b, c, d, e, f);	\
	}
WIDEN_DETOUR(0)
WIDEN_DETOUR(1)
WIDEN_DETOUR(2)
WIDEN_DETOUR(3)
WIDEN_DETOUR(4)
WIDEN_DETOUR(5)
WIDEN_DETOUR(6)
WIDEN_DETOUR(7)

static const widen_fn widen_detours[WIDEN_PROBES] = {
	widen_detour_0, widen_detour_1, widen_detour_2, widen_detour_3,
	widen_detour_4, widen_detour_5, widen_detour_6, widen_detour_7,
};

static int widen_hit(struct kprobe *kp, struct pt_regs *regs)
{
	struct widen_probe *probe = container_of(kp, struct widen_probe, kp);
	unsigned long caller = *(unsigned long *)regs->sp;

	if (task_pgrp(current) != widen_group ||
	    within_module(caller, THIS_MODULE) ||
	    (probe->module && (caller < MODULES_VADDR || caller >= MODULES_END)))
		return 0;
	regs->ip = (unsigned long)probe->detour;
	return 1;
}

NOKPROBE_SYMBOL(widen_hit);

/* With one the kernel knows that the handler may change where to go on. */
static void widen_passed(struct kprobe *kp, struct pt_regs *regs,
			 unsigned long flags)
{
}

NOKPROBE_SYMBOL(widen_passed);

static int widen_place(struct widen_probe *probe, const char *name)
{
	static const char * const suffixes[] = {
		"", ".isra.0", ".constprop.0", ".constprop.0.isra.0",
		".isra.0.constprop.0",
	};
	char symbol[KSYM_NAME_LEN];
	int i, err = -ENOENT;

	for (i = 0; i < ARRAY_SIZE(suffixes) && err == -ENOENT; i++) {
		snprintf(symbol, sizeof(symbol), "%s%s", name, suffixes[i]);
		memset(&probe->kp, 0, sizeof(probe->kp));
		probe->kp.symbol_name = symbol;
		probe->kp.pre_handler = widen_hit;
		probe->kp.post_handler = widen_passed;
		err = register_kprobe(&probe->kp);
	}
	probe->kp.symbol_name = name;	/* the word's, which stays */
	return err;
}

static int widen_add(char *word)
{
	char *names = strsep(&word, ":"), *name, *option;
	struct widen_probe *probe;
	int err = -ENOENT;

	if (widen_count == WIDEN_PROBES)
		return -ENOSPC;
	probe = &widen_probes[widen_count];
	probe->detour = widen_detours[widen_count];
	probe->before = true;
	probe->us = us;
	while ((option = strsep(&word, ":"))) {
		bool both = !strcmp(option, "both");

		if (both || !strcmp(option, "after")) {
			probe->before = both;
			probe->after = true;
		} else if (!strcmp(option, "spin")) {
			probe->spin = true;
		} else if (!strcmp(option, "module")) {
			probe->module = true;
		} else if (kstrtouint(option, 0, &probe->us)) {
			return -EINVAL;
		}
	}
	if (!probe->us)
		return -EINVAL;
	while (err == -ENOENT && (name = strsep(&names, "|")))
		err = widen_place(probe, name);
	if (err)
		pr_err("widen: no probe at %s: %d\n", probe->kp.symbol_name,
		       err);
	else
		widen_count++;
	return err;
}

/* "NAME PASSED SAME OTHER" in a line for each. */
static int widen_seen(char *text, const struct kernel_param *param)
{
	const struct widen_probe *probe;
	int len = 0;

	for (probe = widen_probes; probe < widen_probes + widen_count; probe++)
		len += scnprintf(text + len, PAGE_SIZE - len, "%s %d %d %d\n",
				 probe->kp.symbol_name,
				 atomic_read(&probe->passed),
				 atomic_read(&probe->met_same),
				 atomic_read(&probe->met_other));
	return len;
}

static const struct kernel_param_ops widen_seen_ops = { .get = widen_seen };
module_param_cb(seen, &widen_seen_ops, NULL, 0444);
MODULE_PARM_DESC(seen, "each probe's name, times passed, and while another was inside the same and another one");

static void widen_exit(void)
{
	while (widen_count)
		unregister_kprobe(&widen_probes[--widen_count].kp);
	WRITE_ONCE(widen_ends, true);
	synchronize_rcu_tasks();	/* who was sent here has arrived, */
	while (atomic_read(&widen_inside))
		usleep_range(500, 1000);
	synchronize_rcu_tasks();	/* and is gone */
	put_pid(widen_group);
	kfree(widen_words);
}

static int __init widen_init(void)
{
	char *rest, *word;
	int err = 0;

	widen_words = kstrdup(at, GFP_KERNEL);
	if (!widen_words)
		return -ENOMEM;
	widen_group = get_pid(task_pgrp(current));
	for (rest = widen_words; !err && (word = strsep(&rest, ",")); )
		err = widen_add(word);
	if (err)
		widen_exit();
	return err;
}

module_init(widen_init);
module_exit(widen_exit);

MODULE_DESCRIPTION("Waits in the windows of races");
MODULE_LICENSE("GPL");
