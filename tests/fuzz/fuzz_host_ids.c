/* SPDX-License-Identifier: BSD-3-Clause */
/* /etc/subuid and /proc/self/uid_map: what comes out is a range that an id map can hold. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/launch/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct plan_extent *extent)
{
	if (extent->count == 0 || extent->outside + extent->count < extent->outside)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char user[] = "user";
	static struct host host = {.uid = 1000, .name = user};
	static struct plan_extent extents[PLAN_MAX_EXTENTS];
	struct plan_extent range = {0, 0, 0};
	struct err err = ERR_INIT;
	char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	if (host_parse_subids(&host, text, "subuid", &range, &err) == 0)
		check(&range);
	if (host_parse_map(text, extents) > PLAN_MAX_EXTENTS)
		abort();
	free(text);
	return 0;
}
