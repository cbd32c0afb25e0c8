// SPDX-License-Identifier: LGPL-2.1-or-later
/* alloc.c - reserving memory and giving it back */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

static struct tam_node *node_new(const struct tam_attr *attr)
{
	size_t name_len = attr->name ? strlen(attr->name) + 1 : 0;
	struct tam_node *n;

	n = malloc(sizeof(*n) + attr->pattern_len + name_len);
	if (!n)
		return NULL;
	n->remapped = false;
	n->attr = *attr;
	if (attr->pattern)
		n->attr.pattern = memcpy(n->data, attr->pattern,
					 attr->pattern_len);
	if (attr->name)
		n->attr.name = memcpy(n->data + attr->pattern_len, attr->name,
				      name_len);
	return n;
}

static void *map_aligned(const struct tam_node *n)
{
	void *at = NULL;

	if (n->attr.alignment > tam_page_size()) {
		at = tam_reserve(n->len, n->attr.alignment);
		if (at == MAP_FAILED)
			return at;
	}
	return tam_map(n, at, 0, n->len);
}

void *tam_alloc(size_t size, const struct tam_attr *attr)
{
	static const struct tam_attr none;
	struct tam_node *n;
	int backend, err;

	if (!attr)
		attr = &none;
	if (!size || !tam_attr_valid(attr)) {
		errno = EINVAL;
		return NULL;
	}
	if (size > PTRDIFF_MAX - tam_page_size()) {
		errno = ENOMEM;
		return NULL;
	}
	n = node_new(attr);
	if (!n)
		return NULL;
	n->len = tam_round_up(size);
	n->start = MAP_FAILED;

	tam_lock();
	backend = tam_choose_backend(attr->flags);
	if (backend >= 0) {
		n->module = backend == TAM_BACKEND_MODULE;
		n->start = map_aligned(n);
	}
	if (n->start == MAP_FAILED) {
		err = errno;
		tam_unlock();
		free(n);
		errno = err;
		return NULL;
	}
	tam_insert(n);
	tam_unlock();

	if (attr->pattern && !n->module)
		tam_fill(n, 0, n->len);
	return n->start;
}

void *tamalloc(size_t size)
{
	return tam_alloc(size, NULL);
}

void *tam_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return tam_alloc(bytes, NULL);
}

static int resize(struct tam_node *n, size_t len)
{
	char *p = n->start;

	if (len < n->len && munmap(p + len, n->len - len))
		return -1;
	if (len > n->len) {
		p = tam_move(n, len);
		if (p == MAP_FAILED)
			return -1;
	}
	tam_remove(n);
	n->start = p;
	n->len = len;
	tam_insert(n);
	return 0;
}

void *tam_realloc(void *p, size_t size)
{
	struct tam_node *n;
	size_t old_len;

	if (!p)
		return tamalloc(size);
	if (!size || size > PTRDIFF_MAX - tam_page_size()) {
		errno = size ? ENOMEM : EINVAL;
		return NULL;
	}
	tam_lock();
	n = tam_find_start("tam_realloc", p);
	old_len = n->len;
	p = resize(n, tam_round_up(size)) ? NULL : n->start;
	tam_unlock();

	if (p && n->attr.pattern && !n->module && n->len > old_len)
		tam_fill(n, old_len, n->len - old_len);
	return p;
}

void tam_free(void *p)
{
	struct tam_node *n;
	int err = errno;

	if (!p)
		return;
	tam_lock();
	n = tam_find_start("tam_free", p);
	tam_remove(n);	/* first: the addresses may be in use again at once */
	tam_unlock();
	munmap(p, n->len);
	free(n);
	errno = err;
}

size_t tam_usable_size(const void *p)
{
	size_t len;

	if (!p)
		return 0;
	tam_lock();
	len = tam_find_start("tam_usable_size", p)->len;
	tam_unlock();
	return len;
}
