/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What count.c uses of QEMU's plugin interface, version 1; not packaged. */
#ifndef TAMPROF_QEMU_PLUGIN_H
#define TAMPROF_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*qemu_plugin_translated)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_executed)(unsigned int cpu, void *data);

#define QEMU_PLUGIN_NO_REGS	0	/* that the function looks at */
#define QEMU_PLUGIN_ADD		0	/* *counter += value */

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   qemu_plugin_translated fn);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_executed fn, int flags,
					    void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						int op, void *counter,
						uint64_t value);

/* What QEMU asks a plugin for. */
extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

#pragma GCC visibility pop

#endif /* TAMPROF_QEMU_PLUGIN_H */
