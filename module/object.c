// SPDX-License-Identifier: GPL-2.0-only
/*
 * An object: an anonymous inode, for its page cache and its list of mappings,
 * and attributes that are fixed once it has been mapped.
 *
 * One inode per object, not one for the device: otherwise every mmap, munmap
 * and fork in the system would take the same i_mmap lock for writing.
 */
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include "tam.h"

#define TAM_FS_MAGIC	0x74616d21	/* "tam!" */

static struct vfsmount *tam_mnt;
static atomic64_t tam_last_id;
static atomic64_t tam_objects;

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

struct tam_object *tam_object_create(void)
{
	struct tam_object *obj;
	struct inode *inode;

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
	spin_lock_init(&obj->lock);
	tam_store_attach(obj);
	atomic64_inc(&tam_objects);
	return obj;
}

/* The last descriptor and the last mapping are gone; its pages go with it. */
void tam_object_destroy(struct tam_object *obj)
{
	iput(obj->inode);
	tam_pattern_free(&obj->pattern);
	kfree(obj);
	atomic64_dec(&tam_objects);
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
	stats->id = obj->id;
	stats->held = (u64)READ_ONCE(obj->inode->i_mapping->nrpages) <<
		      PAGE_SHIFT;
	spin_lock(&obj->lock);
	stats->pattern_len = obj->pattern.len ?: 1;
	stats->mapped = obj->mapped;
	memcpy(stats->name, obj->name, TAM_NAME_MAX);
	spin_unlock(&obj->lock);
}

u64 tam_object_count(void)
{
	return atomic64_read(&tam_objects);
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
