// SPDX-License-Identifier: GPL-2.0-only
/* /dev/tamalloc: every open file is an object, every mmap of it a view. */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "tam.h"

static int tam_open(struct inode *inode, struct file *file)
{
	struct tam_object *obj = tam_object_create();

	if (IS_ERR(obj))
		return PTR_ERR(obj);

	file->private_data = obj;
	/* The object's own pages and its own list of mappings, as in DRM. */
	file->f_mapping = obj->inode->i_mapping;
	/*
	 * The first write to a shared page would update the node's mtime: a
	 * lock shared by all objects, and a clock for whoever watches the node.
	 */
	if (!IS_NOCMTIME(inode))
		inode_set_flags(inode, S_NOCMTIME, S_NOCMTIME);
	return 0;
}

static int tam_release(struct inode *inode, struct file *file)
{
	tam_object_destroy(tam_object(file));
	return 0;
}

/*
 * Step 1 of the course's three, "reserve enough": the core has found the
 * address range and checked it against RLIMIT_AS and the overcommit policy
 * before it calls here.  Step 2, "no page fault at allocation": nothing is
 * mapped now; all that happens is that the range learns who to ask on the
 * first access.  Step 3, "zero on first access", is tam_fault().
 *
 * Nothing is kept per mapping, and so there is no .open and no .close: the
 * kernel splits, merges, moves and copies ranges as it likes, and vm_file and
 * vm_pgoff always say which page of which object belongs at an address.
 */
static int tam_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff + vma_pages(vma) > TAM_OBJECT_PAGES)
		return -EOVERFLOW;

	tam_object_freeze(tam_object(file));
	vma->vm_ops = &tam_vm_ops;
	return 0;
}

static const struct file_operations tam_fops = {
	.owner		= THIS_MODULE,
	.open		= tam_open,
	.release	= tam_release,
	.mmap		= tam_mmap,
	.unlocked_ioctl	= tam_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.fsync		= noop_fsync,	/* msync(2): there is nothing behind */
	.llseek		= noop_llseek,
};

static struct miscdevice tam_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "tamalloc",
	.fops	= &tam_fops,
	.mode	= 0666,			/* memory, like /dev/zero */
};

int __init tam_device_init(void)
{
	return misc_register(&tam_device);
}

void tam_device_exit(void)
{
	misc_deregister(&tam_device);
}
