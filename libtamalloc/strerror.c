// SPDX-License-Identifier: LGPL-2.1-or-later
/* strerror.c - errors in terms of what to do about them */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

static _Thread_local char text[256];

static const char *no_permission(void)
{
	struct stat st;

	if (stat(TAM_DEVICE, &st))
		return "no permission for " TAM_DEVICE;
	snprintf(text, sizeof(text),
		 "no permission for " TAM_DEVICE " (mode %04o, uid %u, gid %u): "
		 "join its group or have the mode widened by a udev rule; "
		 "in a container, start it with --device " TAM_DEVICE,
		 (unsigned int)st.st_mode & 07777, st.st_uid, st.st_gid);
	return text;
}

static const char *wrong_abi(unsigned int abi)
{
	snprintf(text, sizeof(text),
		 "the loaded module speaks ABI %u, libtamalloc " TAM_VERSION
		 " ABI %u: install both from the same release, then "
		 "sudo modprobe -r tamalloc && sudo modprobe tamalloc",
		 abi, TAM_ABI_VERSION);
	return text;
}

const char *tam_strerror(int err)
{
	unsigned int abi;
	int reason = tam_fallback_reason(&abi);

	if (err == ENODEV)
		return "no " TAM_DEVICE ": the module is not loaded: "
		       "sudo modprobe tamalloc "
		       "(or sudo insmod module/tamalloc.ko)";
	if (err == EACCES && reason == EACCES)	/* else of some memory */
		return no_permission();
	if (err == EPROTONOSUPPORT && reason == EPROTONOSUPPORT)
		return wrong_abi(abi);
	if (err == ENOSPC)
		return "the system's cap on shared tamalloc pages is reached: "
		       "/sys/module/tamalloc/parameters/shared_cap_mib "
		       "(0: a quarter of RAM)";
	if (err == ENOMEM)
		return "no memory, or no free range of addresses of that size: "
		       "see the limit on the address space (ulimit -v), "
		       "vm.overcommit_memory, and the number of mappings "
		       "(vm.max_map_count)";
	if (err == EAGAIN)
		return "try again: a process keeps its memory map locked, "
		       "or too much memory is locked (ulimit -l)";
	if (err == ENOTTY)
		return "not a tamalloc descriptor, or the loaded module is too "
		       "old for this: install it from the release of "
		       "libtamalloc " TAM_VERSION;
	if (err == EINVAL)
		return "invalid argument: a size of 0, a pattern_len that is not "
		       "1 to 65536 or without a pattern, a name too long, "
		       "an unknown flag, or a range outside the allocation";
	return strerror(err);
}
