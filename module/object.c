// SPDX-License-Identifier: GPL-2.0-only
/*
 * An object: an anonymous inode, for its page cache and its list of mappings,
 * and attributes that are fixed once it has been mapped.
 *
 * One inode per object, not one for the device: otherwise every mmap, munmap
 * and fork in the system would take the same i_mmap lock for writing.
 */
#include <linux/cred.h>
#include <linux/mount.h>
#include <linux/pid.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "tam.h"

#define TAM_FS_MAGIC	0x74616d21	/* "tam!" */

static struct vfsmount *tam_mnt;
static atomic64_t tam_last_id;
static atomic64_t tam_count;

/* All of them by id, for those who list them; its lock is taken by open, close. */
static DEFINE_XARRAY_FLAGS(tam_objects, XA_FLAGS_ACCOUNT);

static int tam_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, TAM_FS_MAGIC) ? 0 : -ENOMEM;
}

/* No .owner: the mount lives as long as the module and must not pin it. */
static struct file_system_type tam_fs_type = {
	.name			= "tamalloc",
	.init_fs_context	= tam_init_fs_context,
	.kill_sb		= kill_anon_super,
};

static void tam_object_free(struct tam_object *obj)
{
	iput(obj->inode);
	tam_pattern_free(&obj->pattern);
	put_pid(obj->opener);
	put_cred(obj->cred);
	kfree(obj);
}

struct tam_object *tam_object_create(void)
{
	struct tam_object *obj;
	struct inode *inode;
	int err;

	obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);
	if (!obj)
		return ERR_PTR(-ENOMEM);

	inode = alloc_anon_inode(tam_mnt->mnt_sb);
	if (IS_ERR(inode)) {
		kfree(obj);
		return ERR_CAST(inode);
	}

	obj->inode = inode;
	obj->id = atomic64_inc_return(&tam_last_id);
	obj->cred = get_current_cred();
	obj->opener = get_pid(task_tgid(current));
	spin_lock_init(&obj->lock);
	tam_store_attach(obj);

	err = xa_err(xa_store(&tam_objects, obj->id, obj, GFP_KERNEL));
	if (err) {
		tam_object_free(obj);
		return ERR_PTR(err);
	}
	atomic64_inc(&tam_count);
	return obj;
}

/* The last descriptor and the last mapping are gone; its pages go with it. */
void tam_object_destroy(struct tam_object *obj)
{
	xa_erase(&tam_objects, obj->id);
	tam_object_free(obj);
	atomic64_dec(&tam_count);
}

/* Pages may be filled from now on, without a lock: the pattern must stay. */
void tam_object_freeze(struct tam_object *obj)
{
	spin_lock(&obj->lock);
	obj->mapped = true;
	spin_unlock(&obj->lock);
}

int tam_object_set(struct tam_object *obj, const struct tam_attr_set *attr)
{
	struct tam_pattern pattern = {};
	int err = 0;

	if (attr->flags & ~(TAM_ATTR_PATTERN | TAM_ATTR_NAME) ||
	    attr->reserved0)
		return -EINVAL;
	if (attr->flags & TAM_ATTR_NAME &&
	    strnlen(attr->name, TAM_NAME_MAX) == TAM_NAME_MAX)
		return -EINVAL;
	if (attr->flags & TAM_ATTR_PATTERN) {
		err = tam_pattern_copy(&pattern, attr->pattern,
				       attr->pattern_len);
		if (err)
			return err;
	}

	spin_lock(&obj->lock);
	if (obj->mapped) {
		err = -EBUSY;
	} else {
		if (attr->flags & TAM_ATTR_PATTERN)
			swap(obj->pattern, pattern);
		if (attr->flags & TAM_ATTR_NAME)
			strscpy_pad(obj->name, attr->name, TAM_NAME_MAX);
	}
	spin_unlock(&obj->lock);

	tam_pattern_free(&pattern);
	return err;
}

void tam_object_stats(struct tam_object *obj, struct tam_object_stats *stats)
{
	stats->size = sizeof(*stats);
	stats->id = obj->id;
	stats->uid = from_kuid_munged(current_user_ns(), obj->cred->euid);
	stats->pid = pid_vnr(obj->opener);
	stats->held = (u64)tam_store_pages(obj) << PAGE_SHIFT;
	spin_lock(&obj->lock);
	stats->pattern_len = obj->pattern.len ?: 1;
	stats->mapped = obj->mapped;
	memcpy(stats->name, obj->name, TAM_NAME_MAX);
	spin_unlock(&obj->lock);
}

/*
 * The object with the lowest id that is *@id or more, of those the caller may
 * see; moves *@id behind it.
 */
bool tam_object_next(u64 *id, struct tam_object_stats *stats)
{
	unsigned long last = atomic64_read(&tam_last_id);	/* new ones: no end */
	unsigned long index = *id;
	struct tam_object *obj;
	bool seen = false;

	do {
		xa_lock(&tam_objects);		/* none is freed meanwhile */
		obj = xa_find(&tam_objects, &index, last, XA_PRESENT);
		if (obj && pid_vnr(obj->opener) &&
		    (obj->opener == task_tgid(current) ||
		     tam_may_inspect_of(obj->cred))) {
			memset(stats, 0, sizeof(*stats));
			tam_object_stats(obj, stats);
			seen = true;
		}
		xa_unlock(&tam_objects);
		index++;
		cond_resched();
	} while (obj && !seen && !fatal_signal_pending(current));

	*id = index;
	return seen;
}

/* Until @fn says no; it must not sleep. */
void tam_object_for_each(bool (*fn)(struct tam_object *obj, void *data),
			 void *data)
{
	struct tam_object *obj;
	unsigned long index;

	xa_lock(&tam_objects);
	xa_for_each(&tam_objects, index, obj)
		if (!fn(obj, data))
			break;
	xa_unlock(&tam_objects);
}

u64 tam_object_count(void)
{
	return atomic64_read(&tam_count);
}

int __init tam_object_init(void)
{
	tam_mnt = kern_mount(&tam_fs_type);
	return PTR_ERR_OR_ZERO(tam_mnt);
}

void tam_object_exit(void)
{
	kern_unmount(tam_mnt);
}
