// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who maps an object?  The kernel keeps a list of every object's mappings.  For
 * a command about all processes it is read once, and the memory maps of all
 * others, which may be long, need not be searched.
 */
#include <linux/pagemap.h>
#include <linux/rbtree.h>

#include "tam.h"

/* Objects and mappings looked at; with more, searching everybody is cheaper. */
#define TAM_MAPPERS_STEPS	256

const struct tam_mappers tam_anybody = { .anybody = true };

bool tam_mappers_have(const struct tam_mappers *mappers,
		      const struct mm_struct *mm)
{
	unsigned int i;

	for (i = mappers->count; i--; )
		if (mappers->mm[i] == mm)
			return true;
	return mappers->anybody;
}

/* Counts a step; false: there are too many. */
static bool tam_mappers_step(struct tam_mappers *mappers)
{
	if (++mappers->steps > TAM_MAPPERS_STEPS ||
	    mappers->count == ARRAY_SIZE(mappers->mm))
		mappers->anybody = true;
	return !mappers->anybody;
}

/*
 * Under a spinlock, and therefore short and without waiting.  Only with the
 * tree locked an empty one says that nobody maps the object: to grow, a mapping
 * is taken out and put back.
 */
static bool tam_mappers_add(struct tam_object *obj, void *data)
{
	struct address_space *mapping = obj->inode->i_mapping;
	struct tam_mappers *mappers = data;
	struct vm_area_struct *vma;
	struct rb_node *node;

	if (!tam_mappers_step(mappers))
		return false;
	if (!down_read_trylock(&mapping->i_mmap_rwsem)) {
		mappers->anybody = true;
		return false;
	}
	for (node = rb_first_cached(&mapping->i_mmap);
	     node && tam_mappers_step(mappers); node = rb_next(node)) {
		vma = rb_entry(node, struct vm_area_struct, shared.rb);
		if (!tam_mappers_have(mappers, vma->vm_mm))
			mappers->mm[mappers->count++] = vma->vm_mm;
	}
	up_read(&mapping->i_mmap_rwsem);
	return !mappers->anybody;
}

/* What is mapped or unmapped meanwhile is in it or not. */
void tam_mappers_read(struct tam_mappers *mappers)
{
	mappers->anybody = false;
	mappers->steps = 0;
	mappers->count = 0;
	tam_object_for_each(tam_mappers_add, mappers);
}
