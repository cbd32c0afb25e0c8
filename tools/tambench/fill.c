// SPDX-License-Identifier: LGPL-2.1-or-later
/* fill.c - first contents that are a pattern */
#include "bench.h"

#define PEERS "malloc-4k tam-private tam-shared memfd-private uffd sigsegv " \
	      "malloc calloc jemalloc mimalloc tcmalloc"

#define WHOLE(n) \
	{ .name = "pattern-whole-" #n, .unit = "page", .peers = PEERS, \
	  .what = "a table of a repeated pattern of " #n \
		  " bytes, all of it written to", \
	  .run = first_touch, .size = 16 * MIB, .len = n }
#define PART(n) \
	{ .name = "pattern-1%-" #n, .unit = "64 MiB", .peers = PEERS, \
	  .what = "the same, every hundredth page of it written to, in no order", \
	  .run = first_touch, .size = 64 * MIB, .len = n, .order = RANDOM, \
	  .part = 0.01 }

const struct bench fill_cases[] = {
	WHOLE(1), WHOLE(8), WHOLE(24), WHOLE(4096), WHOLE(4095),
	PART(1), PART(8), PART(24), PART(4096), PART(4095),
	{ 0 }
};
