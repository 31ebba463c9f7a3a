/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/registry/reference.h"
#include "frontend/registry/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reference reference = REFERENCE_INIT;
	struct err err = ERR_INIT;
	char *text = strndup((const char *)data, size), *out = NULL;

	if (!text)
		return 0;
	if (reference_parse(text, &reference, &err) == 0) {
		/* What becomes part of an address or of a file's name. */
		assert(!strstr(reference.repository, "..") && !strpbrk(reference.repository, " ?#%:\\@"));
		assert(!strpbrk(reference.registry, "/ ?#%\\@"));
		assert(!reference.tag || !strpbrk(reference.tag, "/ ?#%:\\@"));
		assert(!*reference.digest || digest_is_valid(reference.digest));
		(void)reference_is_local(reference.registry);
		reference_fini(&reference);
	}
	if (reference_parse_registry(text, &out, &err) == 0)
		free(out);
	if (url_resolve("https://host/a", text, &out, &err) == 0) {
		assert(url_is_https(out) && !url_has_user(out));
		free(out);
	}
	free(text);
	return 0;
}
