// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands.  A command is its number; the size in it is the caller's idea
 * of the structure, older or newer than ours.  Handlers see a whole structure
 * of ours, zero where the caller's ended, and never touch user memory through
 * it.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "tam.h"

union tam_arg {
	struct tam_query query;
	struct tam_attr_set attr;
	struct tam_object_stats object;
	struct tam_range range;
	struct tam_process_stats process;
	struct tam_system_stats system;
	struct tam_list list;
};

static int tam_do_query(struct tam_object *obj, union tam_arg *arg)
{
	arg->query.abi = TAM_ABI_VERSION;
	arg->query.page_size = PAGE_SIZE;
	arg->query.features = TAM_FEATURE_OBJECTS | TAM_FEATURE_RANGES |
			      TAM_FEATURE_STATS | TAM_FEATURE_LISTS;
	arg->query.object = obj->id;
	strscpy(arg->query.version, TAM_VERSION, sizeof(arg->query.version));
	return 0;
}

static int tam_do_set_attr(struct tam_object *obj, union tam_arg *arg)
{
	return tam_object_set(obj, &arg->attr);
}

static int tam_do_get_object(struct tam_object *obj, union tam_arg *arg)
{
	tam_object_stats(obj, &arg->object);
	return 0;
}

static int tam_do_punch(struct tam_object *obj, union tam_arg *arg)
{
	return tam_range_punch(obj, &arg->range);
}

static int tam_do_commit(struct tam_object *obj, union tam_arg *arg)
{
	return tam_range_commit(&arg->range);
}

static int tam_do_discard(struct tam_object *obj, union tam_arg *arg)
{
	return tam_range_discard(&arg->range);
}

static int tam_do_process(struct tam_object *obj, union tam_arg *arg)
{
	return tam_books_process(&arg->process);
}

static int tam_do_system(struct tam_object *obj, union tam_arg *arg)
{
	return tam_books_system(&arg->system);
}

static int tam_do_processes(struct tam_object *obj, union tam_arg *arg)
{
	return tam_list_processes(&arg->list);
}

static int tam_do_mappings(struct tam_object *obj, union tam_arg *arg)
{
	return tam_list_mappings(&arg->list);
}

static int tam_do_objects(struct tam_object *obj, union tam_arg *arg)
{
	return tam_list_objects(&arg->list);
}

static int tam_do_pages(struct tam_object *obj, union tam_arg *arg)
{
	return tam_list_pages(&arg->list);
}

/* The direction is the module's to know, as the size is the caller's. */
static const struct tam_command {
	unsigned int cmd;
	int (*fn)(struct tam_object *obj, union tam_arg *arg);
} tam_commands[] = {
	[_IOC_NR(TAM_IOC_QUERY)]      = { TAM_IOC_QUERY, tam_do_query },
	[_IOC_NR(TAM_IOC_SET_ATTR)]   = { TAM_IOC_SET_ATTR, tam_do_set_attr },
	[_IOC_NR(TAM_IOC_GET_OBJECT)] = { TAM_IOC_GET_OBJECT, tam_do_get_object },
	[_IOC_NR(TAM_IOC_PUNCH)]      = { TAM_IOC_PUNCH, tam_do_punch },
	[_IOC_NR(TAM_IOC_COMMIT)]     = { TAM_IOC_COMMIT, tam_do_commit },
	[_IOC_NR(TAM_IOC_DISCARD)]    = { TAM_IOC_DISCARD, tam_do_discard },
	[_IOC_NR(TAM_IOC_PROCESS)]    = { TAM_IOC_PROCESS, tam_do_process },
	[_IOC_NR(TAM_IOC_SYSTEM)]     = { TAM_IOC_SYSTEM, tam_do_system },
	[_IOC_NR(TAM_IOC_PROCESSES)]  = { TAM_IOC_PROCESSES, tam_do_processes },
	[_IOC_NR(TAM_IOC_MAPPINGS)]   = { TAM_IOC_MAPPINGS, tam_do_mappings },
	[_IOC_NR(TAM_IOC_OBJECTS)]    = { TAM_IOC_OBJECTS, tam_do_objects },
	[_IOC_NR(TAM_IOC_PAGES)]      = { TAM_IOC_PAGES, tam_do_pages },
};

static int tam_copy_out(void __user *user, size_t user_size,
			const union tam_arg *arg, size_t size)
{
	if (copy_to_user(user, arg, min(size, user_size)))
		return -EFAULT;
	if (user_size > size && clear_user(user + size, user_size - size))
		return -EFAULT;
	return 0;
}

long tam_ioctl(struct file *file, unsigned int cmd, unsigned long uarg)
{
	void __user *user = (void __user *)uarg;
	size_t size, user_size = _IOC_SIZE(cmd);
	const struct tam_command *command;
	unsigned int nr = _IOC_NR(cmd);
	union tam_arg arg;
	int err = 0;

	if (_IOC_TYPE(cmd) != TAM_IOC_MAGIC || nr >= ARRAY_SIZE(tam_commands))
		return -ENOTTY;
	command = &tam_commands[array_index_nospec(nr, ARRAY_SIZE(tam_commands))];
	if (!command->fn)
		return -ENOTTY;
	if (!user_size)
		return -EINVAL;

	memset(&arg, 0, sizeof(arg));
	size = _IOC_SIZE(command->cmd);
	if (_IOC_DIR(command->cmd) & _IOC_WRITE)
		err = copy_struct_from_user(&arg, size, user, user_size);
	if (!err)
		err = command->fn(tam_object(file), &arg);
	if (!err && _IOC_DIR(command->cmd) & _IOC_READ)
		err = tam_copy_out(user, user_size, &arg, size);
	return err;
}
