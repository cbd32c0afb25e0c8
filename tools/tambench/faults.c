// SPDX-License-Identifier: LGPL-2.1-or-later
/* faults.c - what fills pages on their first access, in user space */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

/* userfaultfd: the thread sleeps in read(2), and copies a page when woken. */
struct filler {
	char *start;		/* the memory's, which may move */
	struct pattern pattern;
	int fd;
	pthread_t thread;
};

static void *filler(void *argument)
{
	static __thread char page[4096] __attribute__((aligned(4096)));
	struct filler *f = argument;
	struct uffd_msg msg;
	bool same = f->pattern.len <= 1;

	fill(page, 0, PAGE, &f->pattern);
	while (read(f->fd, &msg, sizeof(msg)) == sizeof(msg)) {
		unsigned long at = msg.arg.pagefault.address & -PAGE;
		struct uffdio_copy copy = {
			.dst = at, .src = (unsigned long)page, .len = PAGE };

		if (!same)
			fill(page, at - (unsigned long)f->start, PAGE, &f->pattern);
		if (ioctl(f->fd, UFFDIO_COPY, &copy) && errno != EEXIST)
			check(false, "UFFDIO_COPY");
	}
	return NULL;
}

void uffd_get(struct memory *m)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct filler *f = calloc(1, sizeof(*f));

	check(f, "calloc");
	f->pattern = m->pattern;
	f->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (f->fd < 0)
		missing("userfaultfd");
	m->p = f->start = map(m->size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1);
	range.range.start = (unsigned long)m->p;
	range.range.len = m->size;
	check(!ioctl(f->fd, UFFDIO_API, &api), "UFFDIO_API");
	check(!ioctl(f->fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	check(!pthread_create(&f->thread, NULL, filler, f), "pthread_create");
	m->own = f;
}

/* Without userfaultfd nobody reads, and cancelling ends the thread. */
void uffd_put(struct memory *m)
{
	struct filler *f = m->own;

	unmap(m);
	pthread_cancel(f->thread);
	pthread_join(f->thread, NULL);
	close(f->fd);
	free(f);
}

/* mprotect and SIGSEGV: the last of these memories that holds the address */
static struct memory guarded[16];

static void handler(int signal, siginfo_t *info, void *context)
{
	char *at = (char *)((uintptr_t)info->si_addr & -PAGE);
	struct memory *m;

	(void)signal;
	(void)context;
	for (m = guarded; m < guarded + 16 && m->p; m++) {
		if (at < m->p || at >= m->p + m->size)
			continue;
		if (mprotect(at, PAGE, PROT_READ | PROT_WRITE))
			_exit(1);
		fill(at, at - m->p, PAGE, &m->pattern);
		return;
	}
	_exit(1);
}

void sigsegv_get(struct memory *m)
{
	struct sigaction action = {
		.sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	struct memory *g = guarded;

	check(!sigaction(SIGSEGV, &action, NULL), "sigaction");
	m->p = map(m->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	while (g->p)
		g++;
	*g = *m;
}

void sigsegv_reset(struct memory *m)
{
	drop(m);
	check(!mprotect(m->p, m->size, PROT_NONE), "mprotect");
}
