// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * registry.c - which allocations there are
 *
 * A treap of address ranges.  tsearch(3) would do, but it allocates memory to
 * insert, so that an allocation which mremap(2) has moved might not be found
 * again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tam_node *root;

void tam_lock(void)
{
	pthread_mutex_lock(&lock);
}

void tam_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void registry_init(void)
{
	pthread_atfork(tam_lock, tam_unlock, tam_unlock);
}

/* The link to a node that overlaps [p, p + len), or to where it would hang. */
static struct tam_node **link_to(const char *p, size_t len)
{
	struct tam_node **link = &root;

	while (*link) {
		if (p + len <= (*link)->start)
			link = &(*link)->left;
		else if (p >= (*link)->start + (*link)->len)
			link = &(*link)->right;
		else
			break;
	}
	return link;
}

static void split(struct tam_node *n, const char *at,
		  struct tam_node **below, struct tam_node **above)
{
	while (n) {
		if (n->start < at) {
			*below = n;
			below = &n->right;
			n = *below;
		} else {
			*above = n;
			above = &n->left;
			n = *above;
		}
	}
	*below = *above = NULL;
}

static void unlink_node(struct tam_node **link)
{
	struct tam_node *below = (*link)->left, *above = (*link)->right;

	while (below && above) {
		if (below->priority > above->priority) {
			*link = below;
			link = &below->right;
			below = *link;
		} else {
			*link = above;
			link = &above->left;
			above = *link;
		}
	}
	*link = below ? below : above;
}

void tam_insert(struct tam_node *n)
{
	static unsigned int seed = 1;
	struct tam_node **link, *stale;

	/*
	 * The kernel has just given this range to us: whatever is registered
	 * there was unmapped by the program without telling us.
	 */
	while ((stale = *(link = link_to(n->start, n->len)))) {
		unlink_node(link);
		free(stale);
	}

	seed = seed * 1664525 + 1013904223;
	n->priority = seed >> 8;	/* the low bits have short periods */
	link = &root;
	while (*link && (*link)->priority >= n->priority)
		link = n->start < (*link)->start ? &(*link)->left
						 : &(*link)->right;
	split(*link, n->start, &n->left, &n->right);
	*link = n;
}

void tam_remove(struct tam_node *n)
{
	unlink_node(link_to(n->start, n->len));
}

/* The allocation that @p points into. */
struct tam_node *tam_find(const void *p)
{
	return *link_to(p, 1);
}

struct tam_node *tam_find_start(const char *func, const void *p)
{
	struct tam_node *n = tam_find(p);

	if (!n)
		tam_die(func, p, "is not an allocation, or was freed", NULL);
	if (n->start != p)
		tam_die(func, p, "is inside the allocation at", n->start);
	return n;
}

/* Unlocks: a handler of SIGABRT may want to use the library. */
_Noreturn void tam_die(const char *func, const void *p, const char *what,
		       const void *where)
{
	tam_unlock();
	if (where)
		dprintf(STDERR_FILENO, "%s: %p %s %p\n", func, p, what, where);
	else
		dprintf(STDERR_FILENO, "%s: %p %s\n", func, p, what);
	abort();
}
