// SPDX-License-Identifier: GPL-2.0-only
/* First contents: a pattern that repeats from offset 0 of the object. */
#include <linux/gcd.h>
#include <linux/highmem.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "tam.h"

/*
 * The pattern goes on for a page from the last place in it where one can begin,
 * but for a pattern of one byte.
 */
int tam_pattern_copy(struct tam_pattern *pattern, u64 user_bytes, u32 len)
{
	size_t size, done;
	u8 *bytes;

	if (!len || len > TAM_PATTERN_MAX)
		return -EINVAL;

	size = len == 1 ? 1 : len - gcd(len, PAGE_SIZE) + PAGE_SIZE;
	bytes = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bytes)
		return -ENOMEM;
	if (copy_from_user(bytes, u64_to_user_ptr(user_bytes), len)) {
		kvfree(bytes);
		return -EFAULT;
	}

	pattern->len = len;
	if (!memchr_inv(bytes, 0, len)) {
		kvfree(bytes);		/* zeros need no template */
		return 0;
	}
	/* Whole periods continue whole periods: each time twice as many. */
	for (done = len; done < size; done *= 2)
		memcpy(bytes + done, bytes, min(done, size - done));
	pattern->bytes = bytes;
	return 0;
}

void tam_pattern_free(struct tam_pattern *pattern)
{
	kvfree(pattern->bytes);
}

/* Write the first contents of the object's page @index; always all of it. */
void tam_pattern_fill(const struct tam_pattern *pattern, struct page *page,
		      pgoff_t index)
{
	u8 *dst = page_address(page);
	u32 phase;

	if (!pattern->bytes) {
		clear_page(dst);
	} else if (pattern->len == 1) {
		memset(dst, pattern->bytes[0], PAGE_SIZE);
	} else {
		div_u64_rem((u64)index << PAGE_SHIFT, pattern->len, &phase);
		memcpy(dst, pattern->bytes + phase, PAGE_SIZE);
	}
	flush_dcache_page(page);
}
