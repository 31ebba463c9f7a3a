/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>

#include "policy/capability.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const groups[] = {"g"};
	const struct capability_subject subject = {"u", groups, 1};
	struct err err = ERR_INIT;
	uint64_t mask;

	(void)capability_parse_grants((const char *)data, size, &subject, &mask, &err);
	return 0;
}
