/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>

#include "policy/conf_frontend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf_frontend conf;
	struct err err = ERR_INIT;

	if (conf_frontend_parse((const char *)data, size, &conf, &err) == 0)
		(void)conf_frontend_check(&conf, &err);
	return 0;
}
