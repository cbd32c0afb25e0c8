// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded, makes the anonymous memory that a program maps tamalloc's: what
 * tries anonymous memory, as stress-ng's stressors do, then tries the module.
 * What a file cannot be (stacks that grow, huge pages) stays as it was.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* It would make mmap() another name of mmap64(), and both are defined here. */
#undef _FILE_OFFSET_BITS
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOT_OURS	(MAP_GROWSDOWN | MAP_STACK | MAP_HUGETLB)

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	int own = -1;
	long ret;

	if (flags & MAP_ANONYMOUS && !(flags & NOT_OURS))
		own = open("/dev/tamalloc", O_RDWR | O_CLOEXEC);
	if (own >= 0) {
		flags &= ~MAP_ANONYMOUS;
		fd = own;
		offset = 0;
	}
	ret = syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
	if (own >= 0)
		syscall(SYS_close, own);
	return (void *)ret;
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));
