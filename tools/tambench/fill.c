// SPDX-License-Identifier: LGPL-2.1-or-later
/* fill.c - first contents that are a pattern */
#include "bench.h"

#define PEERS "malloc-4k tam-private tam-shared memfd-private uffd sigsegv " \
	      "malloc calloc jemalloc mimalloc tcmalloc"

#define MAIN "malloc-4k tam-private uffd"
#define WHOLE(n, peers_) \
	{ .name = "pattern-whole-" #n, .unit = "page", .peers = peers_, \
	  .what = "a table of a repeated pattern of " #n \
		  " bytes, all of it written to", \
	  .run = first_touch, .size = 16 * MIB, .len = n }
#define PART(n, peers_) \
	{ .name = "pattern-1%-" #n, .unit = "64 MiB", .peers = peers_, \
	  .what = "a table of a repeated pattern of " #n \
		  " bytes, one page in a hundred of it written to", \
	  .run = first_touch, .size = 64 * MIB, .len = n, .order = RANDOM, \
	  .part = 0.01 }

const struct bench fill_cases[] = {
	WHOLE(1, MAIN), WHOLE(8, MAIN), WHOLE(24, PEERS), WHOLE(4096, MAIN),
	WHOLE(4095, MAIN),
	PART(1, MAIN), PART(8, MAIN), PART(24, PEERS), PART(4096, MAIN),
	PART(4095, MAIN),
	{ 0 }
};
