/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "frontend/settings/remote.h"

/* What was read can be written, and reads as the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct remote_config config = REMOTE_CONFIG_INIT, again = REMOTE_CONFIG_INIT;
	struct err err = ERR_INIT;
	char *text = NULL;
	size_t length;

	if (remote_parse((const char *)data, size, &config, &err) < 0)
		return 0;
	assert(remote_format(&config, &text, &length, &err) == 0);
	assert(remote_parse(text, length, &again, &err) == 0);
	assert(again.count == config.count && again.credential_count == config.credential_count);
	remote_config_fini(&again);
	remote_config_fini(&config);
	free(text);
	return 0;
}
