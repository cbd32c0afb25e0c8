// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model.  A page of an object is stored or has its first contents; a page
 * of a private mapping is the process' own or that of the object.  What an
 * access makes of it is the contract's table of first accesses.
 */
#include "model.h"

static uint16_t buffer_new(const uint8_t *bytes)
{
	uint16_t b;

	if (!m->idles)
		fail("the model has no buffer left");
	b = m->idle[--m->idles];
	m->refs[b] = 1;
	memcpy(m->buffer[b], bytes, PAGE);
	return b;
}

static void buffer_put(uint16_t *b)
{
	if (*b && !--m->refs[*b])
		m->idle[m->idles++] = *b;
	*b = 0;
}

void model_reset(void)
{
	for (unsigned int b = BUFFERS - 1; b; b--)
		m->idle[m->idles++] = b;
}

const uint8_t *first_bytes(int object, int page)
{
	const struct object *o = &m->object[object];

	return o->pattern + (o->base + page) % o->len * PAGE % o->len;
}

const uint8_t *object_bytes(int object, int page)
{
	uint16_t b = m->object[object].stored[page];

	return b ? m->buffer[b] : first_bytes(object, page);
}

const uint8_t *view_bytes(const struct view *v)
{
	return v->own ? m->buffer[v->own] : object_bytes(v->object, v->page);
}

/* Lengths that divide a page and others, up to the longest. */
uint32_t pattern_len(uint32_t arg)
{
	static const uint32_t lens[] = {
		1, 1, 2, 3, 4, 7, 8, 24, 100, 255, 256, 1000, 4095, 4096, 4097,
		5000, 8192, 12289, 65535, 65536,
	};

	return arg ? lens[arg % 20] : 1;
}

/* The pattern is a number; sometimes it is zeros. */
void model_pattern(int object, uint32_t arg)
{
	struct object *o = &m->object[object];
	uint32_t i, word;

	o->len = pattern_len(arg);
	for (i = 0; i < o->len; i += sizeof(word)) {
		word = arg % 7 ? mix(i ^ arg) : 0;
		memcpy(o->pattern + i, &word, sizeof(word));
	}
	for (i = o->len; i < o->len + PAGE; i++)
		o->pattern[i] = o->pattern[i - o->len];
}

void model_get(int object)
{
	m->object[object].refs++;
}

/* The last reference takes what is stored with it. */
void model_put(int object)
{
	struct object *o = &m->object[object];

	if (--o->refs)
		return;
	for (int i = 0; i < OBJECT_PAGES; i++)
		buffer_put(&o->stored[i]);
	o->live = false;
}

unsigned int model_held(int object)
{
	unsigned int held = 0;

	for (int i = 0; i < OBJECT_PAGES; i++)
		held += !!m->object[object].stored[i];
	return held;
}

void model_unmap(struct view *v)
{
	if (!v->kind)
		return;
	buffer_put(&v->own);
	model_put(v->object);
	memset(v, 0, sizeof(*v));
}

void model_map(struct view *v, int kind, int prot, int object, int page)
{
	model_get(object);
	model_unmap(v);
	v->kind = kind;
	v->prot = prot;
	v->object = object;
	v->page = page;
	m->object[object].mapped = true;
}

/* MADV_DONTNEED */
void model_forget(struct view *v)
{
	buffer_put(&v->own);
	v->present = ABSENT;
}

static void store(struct view *v)
{
	struct object *o = &m->object[v->object];

	if (!o->stored[v->page])
		o->stored[v->page] = buffer_new(first_bytes(v->object, v->page));
}

/* The table of first accesses. */
void model_touch(struct view *v, bool write)
{
	bool stored = m->object[v->object].stored[v->page];

	if (v->own)
		return;
	if (v->kind == SHARED)
		store(v);
	else if (write || (!stored && v->prot & PROT_WRITE))
		v->own = buffer_new(view_bytes(v));
	else
		store(v);
	v->present = PRESENT;
}

/* What mlock and MAP_POPULATE do: write where that stays private. */
void model_populate(struct view *v)
{
	model_touch(v, v->kind == PRIVATE && v->prot & PROT_WRITE);
}

void model_write(struct view *v, size_t off, const void *bytes, size_t len)
{
	uint16_t *b, old;

	model_touch(v, true);
	b = v->own ? &v->own : &m->object[v->object].stored[v->page];
	if (m->refs[*b] > 1) {
		old = *b;
		*b = buffer_new(m->buffer[old]);
		buffer_put(&old);
	}
	memcpy(m->buffer[*b] + off, bytes, len);
}

/* Every mapper sees first contents again; private copies stay. */
void model_punch(int object, int page, int n)
{
	struct view *v;

	for (int i = page; i < page + n; i++)
		buffer_put(&m->object[object].stored[i]);
	for (int p = 0; p < m->processes; p++)
		for (int at = 0; at < ARENA_PAGES; at++) {
			v = view(p, at);
			if (v->kind && v->object == object &&
			    v->page >= page && v->page < page + n)
				v->present = ABSENT;
		}
}

void model_fork(int parent, int child)
{
	struct process *from = &m->process[parent], *to = &m->process[child];
	struct view *v;

	for (int o = 0; o < OBJECTS; o++) {
		to->fd[o] = from->fd[o];
		if (to->fd[o])
			model_get(o);
	}
	for (int at = 0; at < ARENA_PAGES; at++) {
		v = &to->arena[at];
		if (!from->arena[at].kind || from->arena[at].dontfork)
			continue;
		*v = from->arena[at];
		model_get(v->object);
		v->locked = false;
		if (v->own)
			m->refs[v->own]++;
		else if (v->present)
			v->present = PERHAPS;	/* or faulted in again */
	}
}

void model_exit(int process)
{
	struct process *p = &m->process[process];

	for (int at = 0; at < ARENA_PAGES; at++)
		model_unmap(&p->arena[at]);
	for (int o = 0; o < OBJECTS; o++) {
		if (p->fd[o])
			model_put(o);
		p->fd[o] = false;
	}
	p->live = false;
}
