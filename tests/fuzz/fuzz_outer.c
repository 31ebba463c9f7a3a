/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "frontend/launch/outer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[OUTER_FACTS_MAX], again[OUTER_FACTS_MAX];
	struct outer_facts facts, back;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (outer_parse(text, &facts) == 0 &&
	    (outer_format(&facts, again, sizeof(again)) != 0 || outer_parse(again, &back) != 0 ||
	     back.id_count != facts.id_count || back.has_image != facts.has_image))
		__builtin_trap();
	return 0;
}
