/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "frontend/image/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct probe_result result;
	size_t offset = probe_skip_launch(data, size);

	if (offset > size)
		return 0;
	if (probe_filesystem(data + offset, size - offset, size - offset, &result, &err) == 0 &&
	    result.fs == PROBE_SQUASHFS && result.used_bytes > size - offset)
		abort();
	return 0;
}
