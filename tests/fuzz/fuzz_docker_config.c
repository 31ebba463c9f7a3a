/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/registry/credential_helper.h"
#include "frontend/registry/docker_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct credentials found = CREDENTIALS_INIT;
	struct err err = ERR_INIT;
	char *text = strndup((const char *)data, size), *helper = NULL;

	if (docker_config_parse((const char *)data, size, "h.x", "a/b", &found, &helper, &err) == 0) {
		assert(!found.username || !strpbrk(found.username, "\r\n"));
		assert(!found.password || !strpbrk(found.password, "\r\n"));
		assert(!helper || (credential_helper_is_valid(helper) && !strchr(helper, '/')));
		credentials_fini(&found);
		free(helper);
	}
	if (text && credential_helper_parse(text, &found, &err) == 0)
		credentials_fini(&found);
	free(text);
	return 0;
}
