// SPDX-License-Identifier: GPL-2.0-only
/* First contents: a pattern that repeats from offset 0 of the object. */
#include <linux/highmem.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "tam.h"

int tam_pattern_copy(struct tam_pattern *pattern, u64 user_bytes, u32 len)
{
	u8 *bytes;

	if (!len || len > TAM_PATTERN_MAX)
		return -EINVAL;

	bytes = kvmalloc(len, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bytes)
		return -ENOMEM;
	if (copy_from_user(bytes, u64_to_user_ptr(user_bytes), len)) {
		kvfree(bytes);
		return -EFAULT;
	}

	pattern->len = len;
	if (memchr_inv(bytes, 0, len))
		pattern->bytes = bytes;
	else
		kvfree(bytes);		/* zeros need no template */
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
	u32 phase, head, done;

	if (!pattern->bytes) {
		clear_page(dst);
	} else if (pattern->len == 1) {
		memset(dst, pattern->bytes[0], PAGE_SIZE);
	} else {
		/* One period, begun where this page begins in it ... */
		div_u64_rem((u64)index << PAGE_SHIFT, pattern->len, &phase);
		head = min_t(u32, pattern->len - phase, PAGE_SIZE);
		done = min_t(u32, pattern->len, PAGE_SIZE);
		memcpy(dst, pattern->bytes + phase, head);
		memcpy(dst + head, pattern->bytes, done - head);
		/* ... then doubled: whole periods continue whole periods. */
		for (; done < PAGE_SIZE; done *= 2)
			memcpy(dst + done, dst,
			       min_t(u32, done, PAGE_SIZE - done));
	}
	flush_dcache_page(page);
}
