// SPDX-License-Identifier: GPL-2.0-only
/* Objects: their attributes, who has a descriptor, what is punched out. */
#include "model.h"

#include <sys/socket.h>

/* Where an object's pages are: also where offsets need more than 32 bits. */
static const uint64_t bases[] = {
	0, 0, 1, (1UL << 20) - OBJECT_PAGES / 2, (1UL << 32) - 5,
	(INT64_MAX >> 12) - OBJECT_PAGES,
};

void open_at(int object, uint64_t base)
{
	struct object *o = &m->object[object];
	struct tam_query query;
	int fd = open("/dev/tamalloc", O_RDWR | O_CLOEXEC);

	if (fd < 0 || dup3(fd, descriptor(object), O_CLOEXEC) < 0)
		fail("open: %s", strerror(errno));
	close(fd);
	if (ioctl(descriptor(object), TAM_IOC_QUERY, &query))
		fail("QUERY: %s", strerror(errno));
	memset(o, 0, offsetof(struct object, pattern));
	o->live = true;
	o->base = base;
	o->id = query.object;
	m->process[me].fd[object] = true;
	model_get(object);
	model_pattern(object, 0);
}

/* A name in one of three, a pattern in most. */
static int set(int object, uint32_t arg)
{
	struct object *o = &m->object[object];
	struct tam_attr_set attr = {
		.flags = TAM_ATTR_PATTERN | (arg % 3 ? 0 : TAM_ATTR_NAME),
	};
	int err;

	if (!o->mapped)
		model_pattern(object, arg);
	attr.pattern = (uintptr_t)o->pattern;
	attr.pattern_len = o->len;
	snprintf(attr.name, sizeof(attr.name), "name %u", arg);
	err = ioctl(descriptor(object), TAM_IOC_SET_ATTR, &attr) ? errno : 0;
	if (err != (o->mapped ? EBUSY : 0))
		fail("attributes: %s", error(err));
	if (!err && attr.flags & TAM_ATTR_NAME)
		memcpy(o->name, attr.name, sizeof(o->name));
	return err;
}

bool choose_open(struct op *op)
{
	op->object = rnd(OBJECTS);
	op->arg = rnd(1 << 20);
	return !m->object[op->object].live;
}

int run_open(const struct op *op)
{
	if (m->object[op->object].live)
		return SKIPPED;
	open_at(op->object, bases[op->arg % 6]);
	return op->arg % 5 ? set(op->object, op->arg / 6) : 0;
}

void note_open(FILE *file, const struct op *op)
{
	uint32_t arg = op->arg % 5 ? op->arg / 6 : 0;

	fprintf(file, "from page %#lx, ", bases[op->arg % 6]);
	if (!arg || !(arg % 7))
		fprintf(file, "zeros");
	else
		fprintf(file, "a pattern of %u", pattern_len(arg));
}

bool choose_attributes(struct op *op)
{
	op->arg = rnd(1 << 20);
	return choose_object(op, op->process);
}

int run_attributes(const struct op *op)
{
	if (!m->process[me].fd[op->object])
		return SKIPPED;
	return set(op->object, op->arg);
}

bool choose_close(struct op *op)
{
	return choose_object(op, op->process);
}

int run_close(const struct op *op)
{
	if (!m->process[me].fd[op->object])
		return SKIPPED;
	if (close(descriptor(op->object)))
		fail("close: %s", strerror(errno));
	m->process[me].fd[op->object] = false;
	model_put(op->object);
	return 0;
}

bool choose_pass(struct op *op)
{
	op->to = choose_process(true);
	return op->to != op->process && choose_object(op, op->process);
}

/* It is received when it is the other's turn. */
int run_pass(const struct op *op)
{
	struct process *other = &m->process[op->to];
	int fd = descriptor(op->object);
	char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (!m->process[me].fd[op->object] || op->to >= m->processes ||
	    !other->live || other->fd[op->object] ||
	    other->letters == OBJECTS)
		return SKIPPED;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(inbox[op->to][0], &msg, MSG_DONTWAIT) != 1)
		fail("sendmsg: %s", strerror(errno));
	other->inbox[other->letters++] = op->object;
	other->fd[op->object] = true;
	model_get(op->object);
	return 0;
}

bool choose_punch(struct op *op)
{
	op->page = rnd(OBJECT_PAGES);
	op->n = 1 + rnd(rnd(2) ? 8 : OBJECT_PAGES);
	if (op->page + op->n > OBJECT_PAGES)
		op->n = OBJECT_PAGES - op->page;
	return choose_object(op, op->process);
}

int run_punch(const struct op *op)
{
	if (!m->process[me].fd[op->object] || !op->n ||
	    op->page + op->n > OBJECT_PAGES)
		return SKIPPED;
	if (punch(descriptor(op->object),
		  (m->object[op->object].base + op->page) * PAGE, op->n * PAGE))
		fail("punch: %s", strerror(errno));
	model_punch(op->object, op->page, op->n);
	return 0;
}
