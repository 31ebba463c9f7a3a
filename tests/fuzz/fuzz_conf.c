/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf;
	struct err err = ERR_INIT;

	if (conf_parse((const char *)data, size, &conf, &err) == 0)
		(void)conf_check_supported(&conf, &err);
	return 0;
}
