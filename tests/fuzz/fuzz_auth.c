/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontend/registry/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth_challenge *challenges = NULL;
	struct err err = ERR_INIT;
	char *text = strndup((const char *)data, size);
	size_t count = 0;

	if (text && auth_parse_challenges(text, &challenges, &count) == 0) {
		for (size_t i = 0; i < count; i++) {
			assert(challenges[i].scheme && *challenges[i].scheme);
			/* Tokens are not asked for at what is no https address. */
			if (challenges[i].realm && auth_check_realm(challenges[i].realm, "https://registry.example.org", &err) == 0)
				assert(strncasecmp(challenges[i].realm, "https://", 8) == 0);
		}
		auth_free_challenges(challenges, count);
	}
	free(text);
	return 0;
}
