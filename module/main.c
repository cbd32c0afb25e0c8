// SPDX-License-Identifier: GPL-2.0-only
/* Starts and stops the parts: the device last and first, it lets users in. */
#include <linux/module.h>

#include "tam.h"

static int __init tam_init(void)
{
	int err;

	tam_process_init();
	err = tam_store_init();
	if (err)
		return err;
	err = tam_object_init();
	if (err)
		goto err_store;
	err = tam_device_init();
	if (err)
		goto err_object;
	return 0;

err_object:
	tam_object_exit();
err_store:
	tam_store_exit();
	return err;
}

static void __exit tam_exit(void)
{
	tam_device_exit();
	tam_object_exit();
	tam_store_exit();
}

module_init(tam_init);
module_exit(tam_exit);

MODULE_DESCRIPTION("Lazily initialised memory: /dev/tamalloc");
MODULE_AUTHOR("the tamalloc founders");
MODULE_VERSION(TAM_VERSION);
MODULE_LICENSE("GPL");
