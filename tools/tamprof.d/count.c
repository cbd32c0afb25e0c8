// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A QEMU plugin: how often each instruction of the kernel is executed between
 * two marks (mark.h) of the program that runs in the machine, and how many
 * others are.  When a measured part gets its name, one line "ADDRESS COUNT" for
 * each instruction that was executed, address 0 for all outside the kernel,
 * and then "end OPERATIONS NAME" go to the file that the argument out= names.
 *
 * The counters are incremented by translated code, per instruction: a block may
 * be left early, by a page fault for instance.  What faults is counted when it
 * is tried and when it is executed.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu-plugin.h"

int qemu_plugin_version = 1;

struct counter {
	uint64_t address;		/* 0: all outside the kernel */
	uint64_t count;			/* since the machine began */
	uint64_t before;		/* the measured part did */
	uint64_t measured;		/* in those without a name yet */
};

/* The counters must stay where they are; a hash table has their numbers. */
#define SLOTS		(1UL << 21)
static struct counter counters[SLOTS / 2];
static uint32_t slots[SLOTS];
static uint32_t used = 1;
static FILE *out;

static struct counter *find(uint64_t address)
{
	size_t i = (address * 0x9e3779b97f4a7c15) >> 43;

	if (address < 1ULL << 63)
		return &counters[0];
	while (slots[i] && counters[slots[i]].address != address)
		i = (i + 1) % SLOTS;
	if (!slots[i]) {
		if (used == SLOTS / 2) {
			fprintf(stderr, "tamprof: more than %lu instructions\n",
				SLOTS / 2);
			abort();
		}
		counters[used].address = address;
		slots[i] = used++;
	}
	return &counters[slots[i]];
}

static void begin(void)
{
	struct counter *c;

	for (c = counters; c < counters + used; c++)
		c->before = c->count;
}

static void end(void)
{
	struct counter *c;

	for (c = counters; c < counters + used; c++)
		c->measured += c->count - c->before;
}

static void print(void)
{
	struct counter *c;

	for (c = counters; c < counters + used; c++) {
		if (c->measured)
			fprintf(out, "%" PRIx64 " %" PRIu64 "\n", c->address,
				c->measured);
		c->measured = 0;
	}
	fputs("end ", out);
}

/* Digits, lowest first: 64 bits of a number, then characters of 8 up to a 0. */
static void digit(bool one)
{
	static uint64_t value;
	static int bits;
	static bool in_name;

	value |= (uint64_t)one << bits++;
	if (bits < (in_name ? 8 : 64))
		return;
	if (!in_name) {
		print();
		fprintf(out, "%" PRIu64 " ", value);
	} else {
		fputc(value ? (int)value : '\n', out);
	}
	in_name = !in_name || value;
	fflush(out);			/* the machine's end may be sudden */
	value = 0;
	bits = 0;
}

static void mark(unsigned int cpu, void *data)
{
	uintptr_t number = (uintptr_t)data;

	(void)cpu;
	if (number == 2)
		begin();
	else if (number == 3)
		end();
	else
		digit(number);
}

static void translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		struct counter *c = find(qemu_plugin_insn_vaddr(insn));
		void *number;

		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_ADD,
							   &c->count, 1);
		if (qemu_plugin_insn_size(insn) != 7 ||
		    memcmp(code, "\x0f\x1f\x80", 3) || code[3] > 3 ||
		    memcmp(code + 4, "tam", 3))
			continue;
		number = (void *)(uintptr_t)code[3];
		qemu_plugin_register_vcpu_insn_exec_cb(insn, mark,
						       QEMU_PLUGIN_NO_REGS,
						       number);
	}
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
