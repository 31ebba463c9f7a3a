/* SPDX-License-Identifier: BSD-3-Clause */
/* What decodes can be encoded, and then decodes to the same bytes again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/action/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct action_spec first, second;
	struct err err = ERR_INIT;
	char *once = NULL, *twice = NULL;
	size_t once_len = 0, twice_len = 0;

	if (spec_decode((const char *)data, size, &first, &err) == 0) {
		if (spec_encode(&first, &once, &once_len, &err) < 0 || spec_decode(once, once_len, &second, &err) < 0 ||
		    spec_encode(&second, &twice, &twice_len, &err) < 0 || once_len != twice_len ||
		    memcmp(once, twice, once_len) != 0)
			abort();
		spec_fini(&second);
	}
	spec_fini(&first);
	free(once);
	free(twice);
	return 0;
}
