// SPDX-License-Identifier: LGPL-2.1-or-later
/* instances.c - many private instances of one image, a little of each written */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tamalloc.h>

#include "bench.h"

#define RW	(PROT_READ | PROT_WRITE)

static int open_image(const struct peer *p, size_t size)
{
	int fd;

	if (!strcmp(p->name, "tam-image")) {
		fd = tam_open(NULL);
		check_module(fd >= 0);
	} else {
		fd = memfd_create("image", MFD_CLOEXEC);
		check(fd >= 0 && !ftruncate(fd, size), "memfd_create");
	}
	return fd;
}

static char *copy_of(const char *image, size_t size)
{
	char *p = malloc(size);

	check(p, "malloc");
	return memcpy(p, image, size);
}

/* The image is in memory, however it is given out. */
static struct result instances(const struct bench *b, const struct peer *p)
{
	struct pattern pattern = pattern_of(4095);
	bool copy = !strncmp(p->name, "copy", 4);
	struct memory m = { .size = b->size };
	unsigned int i, n = copy ? 4 : b->count;
	int fd = open_image(p, b->size);
	struct result r = { 0 };
	uint64_t start;
	char *image;

	image = map(b->size, RW, MAP_SHARED, fd);
	fill(image, 0, b->size, &pattern);

	/* The first warms up.  Copies have no room beside each other. */
	for (i = 0; i <= n; i++) {
		if (i == 1) {
			r.bytes = committed();
			r.cost = 0;
		}
		start = now();
		m.p = copy ? copy_of(image, m.size) :
			     map(m.size, RW, MAP_PRIVATE, fd);
		touch(&m, RANDOM, WRITE, b->part);
		r.cost += since(start);
		if (copy && i < n)
			free(m.p);
	}
	r.cost /= n;
	r.bytes = (committed() - r.bytes) / (copy ? 1 : n);
	return r;
}

const struct bench instance_cases[] = {
	{ .name = "instances", .unit = "instance",
	  .what = "100 private instances of an image of 64 MiB, 1% of each written; memory: of an instance",
	  .peers = "copy tam-image memfd-private copy-4k",
	  .run = instances, .size = 64 * MIB, .part = 0.01, .count = 100 },
	{ 0 }
};
