/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "frontend/library/endpoint.h"
#include "frontend/registry/url.h"

/* Where a token may go to. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct endpoint_services services;
	struct err err = ERR_INIT;

	if (endpoint_parse_services((const char *)data, size, false, &services, &err) < 0)
		return 0;
	for (size_t i = 0; i < services.count; i++)
		assert(url_is_https(services.items[i].uri) && !url_has_user(services.items[i].uri) &&
		       !strpbrk(services.items[i].uri, " \r\n?#"));
	endpoint_services_fini(&services);
	return 0;
}
