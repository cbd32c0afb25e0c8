/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Around what tools/tamprof counts:
 *
 *	tamprof_begin();
 *	... what is measured ...
 *	tamprof_end("anonymous, first write", pages);
 *
 * Long no-ops, which only the plugin (count.c) understands; they do nothing
 * anywhere else.  Nothing nests; parts with the same name are added up, and so
 * are those that tamprof_stop() ends, until tamprof_name() names them.
 */
#ifndef TAMPROF_MARK_H
#define TAMPROF_MARK_H

#include <stdint.h>

#ifdef __x86_64__
/* nopl 0x6d6174NN(%rax): 0 and 1 are digits, 2 begins, 3 ends. */
#define TAMPROF_MARK(number) \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80, " #number \
			 ", 0x74, 0x61, 0x6d" : : : "memory")
#else
#define TAMPROF_MARK(number)	((void)(number))
#endif

/* A plugin of this QEMU cannot read registers; it sees what is executed. */
static inline void tamprof_send(uint64_t value, int bits)
{
	for (; bits; bits--, value >>= 1) {
		if (value & 1)
			TAMPROF_MARK(1);
		else
			TAMPROF_MARK(0);
	}
}

static inline void tamprof_begin(void)
{
	TAMPROF_MARK(2);
}

static inline void tamprof_stop(void)
{
	TAMPROF_MARK(3);
}

/* After the measured part, so that saying what it was costs it nothing. */
static inline void tamprof_name(const char *name, uint64_t operations)
{
	tamprof_send(operations, 64);
	do {
		tamprof_send((unsigned char)*name, 8);
	} while (*name++);
}

static inline void tamprof_end(const char *name, uint64_t operations)
{
	tamprof_stop();
	tamprof_name(name, operations);
}

#endif /* TAMPROF_MARK_H */
