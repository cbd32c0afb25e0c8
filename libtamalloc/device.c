// SPDX-License-Identifier: LGPL-2.1-or-later
/* device.c - the connection to /dev/tamalloc */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

/*
 * The descriptor that all allocations without attributes map.  Programs close
 * descriptors they do not know (closefrom(3)) and get the number again for
 * something else, hence the object's id.
 */
static struct {
	bool decided;
	int fd;			/* -1: none */
	__u64 object;
	int reason;		/* not 0: fall back, with this errno for why */
	bool refuse;		/* the environment forbids that */
	unsigned int abi;	/* of the module, where that is the reason */
} device = { .fd = -1 };

int tam_ioctl(int fd, unsigned int dir, unsigned int nr, void *arg, size_t size)
{
	if (size > _IOC_SIZEMASK) {
		errno = EINVAL;
		return -1;
	}
	return ioctl(fd, _IOC(dir, TAM_IOC_MAGIC, nr, size), arg);
}

/* Only up to the object's id, which is all that is needed here. */
static int query(int fd, struct tam_query *q)
{
	return tam_ioctl(fd, _IOC_READ, _IOC_NR(TAM_IOC_QUERY), q,
			 offsetof(struct tam_query, version));
}

/*
 * A new descriptor.  ENODEV, EACCES and EPROTONOSUPPORT are the reasons to
 * fall back; other errors may pass.
 */
static int device_open(struct tam_query *q)
{
	int fd, err;

	fd = open(TAM_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ENXIO)
			errno = ENODEV;
		else if (errno == EPERM)	/* a container's device policy */
			errno = EACCES;
		return -1;
	}
	if (query(fd, q))
		err = ENODEV;		/* something else of that name */
	else if (q->abi != TAM_ABI_VERSION)
		err = EPROTONOSUPPORT;
	else
		return fd;
	close(fd);
	errno = err;
	return -1;
}

/* Returns a descriptor that is not to be closed. */
int tam_device(void)
{
	struct tam_query q;
	int fd;

	if (device.fd >= 0 && !query(device.fd, &q) && q.object == device.object)
		return device.fd;

	/* Not ours any more: leave the number to whoever has it now. */
	fd = device_open(&q);
	if (fd >= 0)
		device.object = q.object;
	device.fd = fd;
	return fd;
}

/* Returns TAM_BACKEND_*, or -1 where that may not or cannot be said. */
int tam_choose_backend(unsigned long flags)
{
	const char *env;
	struct tam_query q;

	if (!device.decided) {
		device.fd = device_open(&q);
		if (device.fd >= 0)
			device.object = q.object;
		else if (errno == EPROTONOSUPPORT || errno == ENODEV ||
			 errno == EACCES)
			device.reason = errno;
		else
			return -1;
		device.abi = device.reason == EPROTONOSUPPORT ? q.abi : 0;
		env = getenv("TAMALLOC_NO_FALLBACK");
		device.refuse = env && *env;
		device.decided = true;
	}
	if (!device.reason)
		return TAM_BACKEND_MODULE;
	errno = device.reason;
	return device.refuse || (flags & TAM_NO_FALLBACK) ?
		-1 : TAM_BACKEND_FALLBACK;
}

int tam_fallback_reason(unsigned int *abi)
{
	int reason;

	tam_lock();
	reason = device.reason;
	*abi = device.abi;
	tam_unlock();
	return reason;
}

int tam_open_object(const struct tam_attr *attr)
{
	struct tam_attr_set set = { 0 };
	struct tam_query q;
	int fd, err;

	fd = device_open(&q);
	if (fd < 0)
		return -1;
	if (attr->pattern) {
		set.flags |= TAM_ATTR_PATTERN;
		set.pattern = (uintptr_t)attr->pattern;
		set.pattern_len = attr->pattern_len;
	}
	if (attr->name) {
		set.flags |= TAM_ATTR_NAME;
		strncpy(set.name, attr->name, sizeof(set.name) - 1);
	}
	if (set.flags && ioctl(fd, TAM_IOC_SET_ATTR, &set)) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* What does not care which object it is asked of.  Takes the lock. */
int tam_device_ioctl(unsigned int dir, unsigned int nr, void *arg, size_t size)
{
	int fd;

	/* The ioctl itself may take long and needs no lock. */
	tam_lock();
	fd = tam_choose_backend(TAM_NO_FALLBACK) < 0 ? -1 : tam_device();
	tam_unlock();
	return fd < 0 ? -1 : tam_ioctl(fd, dir, nr, arg, size);
}

int tam_open(const struct tam_attr *attr)
{
	static const struct tam_attr none;
	int fd;

	if (!attr)
		attr = &none;
	if (!tam_attr_valid(attr) || attr->alignment ||
	    (attr->flags & TAM_SHARED)) {
		errno = EINVAL;
		return -1;
	}
	tam_lock();
	fd = tam_choose_backend(TAM_NO_FALLBACK);
	tam_unlock();
	return fd < 0 ? -1 : tam_open_object(attr);
}

int tam_punch(int fd, uint64_t off, uint64_t len)
{
	struct tam_range range = { .start = off, .len = len };

	return ioctl(fd, TAM_IOC_PUNCH, &range);
}

int tam_backend(void)
{
	int backend;

	tam_lock();
	backend = tam_choose_backend(0);
	tam_unlock();
	return backend;
}

const char *tam_version(void)
{
	return TAM_VERSION;
}

int tam_query(struct tam_query *out, size_t size)
{
	return tam_device_ioctl(_IOC_READ, _IOC_NR(TAM_IOC_QUERY), out, size);
}
