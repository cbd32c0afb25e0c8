// SPDX-License-Identifier: LGPL-2.1-or-later
/* iter.c - lists of the module, record by record */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Some 450 processes: the call of the kernel is lost among them. */
#define BUFFER_SIZE	65536

struct tam_iter {
	unsigned int nr;	/* of the command */
	struct tam_list list;
	unsigned int left;	/* records in the buffer */
	const char *next;	/* of them */
	char buffer[BUFFER_SIZE];
};

static int fetch(struct tam_iter *it)
{
	it->list.records = (uintptr_t)it->buffer;
	it->list.size = sizeof(it->buffer);
	it->next = it->buffer;
	it->left = 0;
	if (tam_device_ioctl(_IOC_READ | _IOC_WRITE, it->nr, &it->list,
			     sizeof(it->list))) {
		it->list.more = 0;
		return -1;
	}
	it->left = it->list.count;
	return 0;
}

static struct tam_iter *begin(unsigned int nr, const struct tam_list *list)
{
	struct tam_iter *it = malloc(sizeof(*it));
	int err;

	if (!it)
		return NULL;
	it->nr = nr;
	it->list = *list;
	if (!fetch(it))
		return it;
	err = errno;
	free(it);
	errno = err;
	return NULL;
}

struct tam_iter *tam_iter_processes(unsigned int flags)
{
	return begin(_IOC_NR(TAM_IOC_PROCESSES),
		     &(struct tam_list){ .flags = flags });
}

struct tam_iter *tam_iter_mappings(pid_t pid)
{
	return begin(_IOC_NR(TAM_IOC_MAPPINGS), &(struct tam_list){ .pid = pid });
}

struct tam_iter *tam_iter_objects(void)
{
	return begin(_IOC_NR(TAM_IOC_OBJECTS), &(struct tam_list){ 0 });
}

struct tam_iter *tam_iter_pages(pid_t pid, uint64_t start, uint64_t end)
{
	return begin(_IOC_NR(TAM_IOC_PAGES), &(struct tam_list){
		.pid = pid, .cursor = start, .end = end });
}

int tam_iter_next(struct tam_iter *it, void *record, size_t size)
{
	__u32 step;

	while (!it->left) {
		if (!it->list.more)
			return 0;
		if (fetch(it))
			return -1;
	}
	/* The module's record may be shorter than the caller's, or longer. */
	memcpy(&step, it->next, sizeof(step));
	memset(record, 0, size);
	memcpy(record, it->next, step < size ? step : size);
	it->next += step;
	it->left--;
	return 1;
}

void tam_iter_free(struct tam_iter *it)
{
	int err = errno;

	free(it);
	errno = err;
}
