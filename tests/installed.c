// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user's program is: compiled with no more than
 *   cc installed.c $(pkg-config --cflags --libs libtamalloc)
 * against an installed tree, see tests/Makefile and tests/install.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <tamalloc.h>

static int number, failed;

static void ok(int good, const char *name)
{
	failed |= !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
}

int main(void)
{
	struct tam_attr attr = { .pattern = "lazy", .pattern_len = 4 };
	size_t size = 64UL << 20, last = size - 1;
	char *zeros = tamalloc(size), *letters = tam_alloc(1 << 20, &attr);

	printf("1..5\n# libtamalloc %s, backend %s\n", tam_version(),
	       tam_backend() == TAM_BACKEND_MODULE ? "module" : "fallback");
	ok(zeros && letters, "an_installed_library_allocates");
	ok(zeros[0] == 0 && zeros[last] == 0, "zeros_are_zeros");
	ok(!memcmp(letters + (1 << 20) - 8, "lazylazy", 8),
	   "patterns_are_patterns");
	zeros[last] = 42;
	ok(zeros[last] == 42 && zeros[last - 1] == 0, "what_is_written_stays");
	tam_free(zeros);
	tam_free(letters);
	ok((tam_backend() == TAM_BACKEND_MODULE) == !access("/dev/tamalloc", F_OK),
	   "the_module_is_used_where_there_is_one");
	return failed;
}
