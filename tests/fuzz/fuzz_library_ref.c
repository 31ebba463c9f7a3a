/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/library/library_ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct library_ref ref = LIBRARY_REF_INIT;
	struct err err = ERR_INIT;
	char *text = strndup((const char *)data, size);

	if (text && library_ref_parse(text, &ref, &err) == 0) {
		/* What goes into a URL or a file's name. */
		assert(!strstr(ref.path, "..") && !strpbrk(ref.path, " ?#%:\\"));
		for (size_t i = 0; i < ref.tags.count; i++)
			assert(!strpbrk(ref.tags.items[i], "/ ?#%:\\"));
		library_ref_fini(&ref);
	}
	free(text);
	return 0;
}
