// SPDX-License-Identifier: LGPL-2.1-or-later
/* version.c - tool, library, module on disk, module loaded */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tamstat.h"

/* Administration's directories are not in everybody's PATH. */
static bool module_on_disk(char *version, size_t size)
{
	FILE *pipe = popen("PATH=$PATH:/usr/sbin:/sbin modinfo -F version tamalloc 2>/dev/null", "re");
	bool got;

	if (!pipe)
		return false;
	got = fgets(version, (int)size, pipe);
	if (got)
		version[strcspn(version, "\n")] = '\0';
	pclose(pipe);
	return got && *version;
}

const char *error_text(int err)
{
	static const char *text;	/* looked for once */
	char version[64];

	if (err != ENODEV)
		return tam_strerror(err);
	if (!text)
		text = module_on_disk(version, sizeof(version)) ?
		       "module not loaded: sudo modprobe tamalloc" :
		       "no module: make dkms-install (or insmod module/tamalloc.ko)";
	return text;
}

int cmd_version(void)
{
	char disk[64], loaded[64];

	printf("tamstat         %s\n", TAM_VERSION);
	printf("libtamalloc     %s\n", tam_version());
	printf("module on disk  %s\n",
	       module_on_disk(disk, sizeof(disk)) ? disk : "not installed");
	printf("module loaded   %s\n",
	       read_text("/sys/module/tamalloc/version", loaded, sizeof(loaded)) ?
	       loaded : "not loaded");
	return EXIT_OK;
}
