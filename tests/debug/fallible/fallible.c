// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refuses calls that tamalloc makes and that no lack of memory makes fail.  The
 * kernel's own fail_function would do, but that asks for a random number where
 * it must not, in the handler of a probe, and lockdep says so.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static int nth;
module_param(nth, int, 0600);
MODULE_PARM_DESC(nth, "which call to refuse; -1: all; -2: all but the first");

static int failed;
module_param(failed, int, 0600);
MODULE_PARM_DESC(failed, "how many were refused");

static const struct {
	const char *name;
	long value;
} functions[] = {
	{ "__percpu_counter_init_many", -ENOMEM },
	{ "down_read_killable", -EINTR },
	{ "down_read_trylock", 0 },
};

static struct kprobe probes[ARRAY_SIZE(functions)];

static int refuse(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long caller = *(unsigned long *)regs->sp;
	char name[KSYM_SYMBOL_LEN];

	if (!nth)
		return 0;
	sprint_symbol(name, caller);
	if (!strstr(name, "[tamalloc]") || (nth > 0 && --nth))
		return 0;
	if (nth < -1) {
		nth++;
		return 0;
	}
	failed++;
	regs->ax = functions[probe - probes].value;
	regs->sp += sizeof(caller);
	regs->ip = caller;
	return 1;
}

/* Its presence keeps the probe from being optimised, which cannot return. */
static void after(struct kprobe *probe, struct pt_regs *regs,
		  unsigned long flags)
{
}

static int __init fallible_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		probes[i].symbol_name = functions[i].name;
		probes[i].pre_handler = refuse;
		probes[i].post_handler = after;
		err = register_kprobe(&probes[i]);
		if (err)
			goto err_probes;
	}
	return 0;

err_probes:
	while (i--)
		unregister_kprobe(&probes[i]);
	return err;
}

static void __exit fallible_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		unregister_kprobe(&probes[i]);
}

module_init(fallible_init);
module_exit(fallible_exit);
MODULE_DESCRIPTION("Makes calls of tamalloc fail");
MODULE_LICENSE("GPL");
