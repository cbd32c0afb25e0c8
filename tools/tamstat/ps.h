/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ps.h - the columns of processes, for ps and the summary */
#ifndef PS_H
#define PS_H

#include "tamstat.h"

enum {
	PS_PID, PS_PPID, PS_UID, PS_USER, PS_RESERVED, PS_COMMITTED, PS_PERCENT,
	PS_RAM, PS_SWAPPED, PS_TABLES, PS_SCORE, PS_ADJ, PS_OOM, PS_USAGE,
	PS_TAM_MAPPINGS, PS_TAM_RESERVED, PS_TAM_COMMITTED, PS_TAM_SWAPPED,
	PS_MM, PS_COMMAND, PS_COLUMNS
};

/* With the columns of ps unless others are chosen. */
struct table *ps_table(const struct books *books,
		       const struct process **processes, size_t count);

#endif /* PS_H */
