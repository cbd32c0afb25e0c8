/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* internal.h - what the files of libtamalloc share; nothing here is exported */
#ifndef TAMALLOC_INTERNAL_H
#define TAMALLOC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "tamalloc.h"

#define TAM_DEVICE	"/dev/tamalloc"

/* One allocation.  All fields but @remapped are constant between resizes. */
struct tam_node {
	struct tam_node *left, *right;	/* registry.c */
	unsigned int priority;
	bool module;		/* which backend it came from */
	bool remapped;		/* parts map another object than the first */
	char *start;
	size_t len;		/* whole pages */
	struct tam_attr attr;	/* points into data */
	char data[];		/* pattern, then name */
};

static inline bool tam_shared(const struct tam_node *n)
{
	return n->attr.flags & TAM_SHARED;
}

/*
 * registry.c: one lock for the registry and for the state of the device.
 * It is held across mmap(2) and mremap(2), which exclude each other in the
 * kernel anyway.
 */
void tam_lock(void);
void tam_unlock(void);
void tam_insert(struct tam_node *n);
void tam_remove(struct tam_node *n);
struct tam_node *tam_find(const void *p);
struct tam_node *tam_find_start(const char *func, const void *p);
_Noreturn void tam_die(const char *func, const void *p, const char *what,
		       const void *where);

/* device.c; both with the lock held */
int tam_device(void);
int tam_choose_backend(unsigned long flags);
int tam_open_object(const struct tam_attr *attr);
int tam_ioctl(int fd, unsigned int dir, unsigned int nr, void *arg,
	      size_t size);
int tam_device_ioctl(unsigned int dir, unsigned int nr, void *arg, size_t size);
int tam_fallback_reason(unsigned int *abi);

/* mapping.c; with the lock held */
void *tam_map(const struct tam_node *n, void *at, size_t off, size_t len);
void *tam_reserve(size_t len, size_t alignment);
int tam_replace(const struct tam_node *n, char *at, size_t off, size_t len);
char *tam_move(struct tam_node *n, size_t len);

/* mapping.c; without it */
bool tam_attr_valid(const struct tam_attr *attr);
void tam_fill(const struct tam_node *n, size_t off, size_t len);
size_t tam_page_size(void);

static inline size_t tam_round_down(size_t x)
{
	return x & ~(tam_page_size() - 1);
}

static inline size_t tam_round_up(size_t x)
{
	return tam_round_down(x + tam_page_size() - 1);
}

#endif /* TAMALLOC_INTERNAL_H */
