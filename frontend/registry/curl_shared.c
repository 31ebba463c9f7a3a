/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/curl_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const libraries[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

int curl_calls_load(struct curl_calls *out, struct err *err)
{
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		{"curl_global_init", offsetof(struct curl_calls, global_init)},
		{"curl_easy_init", offsetof(struct curl_calls, easy_init)},
		{"curl_easy_setopt", offsetof(struct curl_calls, easy_setopt)},
		{"curl_easy_perform", offsetof(struct curl_calls, easy_perform)},
		{"curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo)},
		{"curl_easy_reset", offsetof(struct curl_calls, easy_reset)},
		{"curl_easy_cleanup", offsetof(struct curl_calls, easy_cleanup)},
		{"curl_easy_strerror", offsetof(struct curl_calls, easy_strerror)},
		{"curl_slist_append", offsetof(struct curl_calls, slist_append)},
		{"curl_slist_free_all", offsetof(struct curl_calls, slist_free_all)},
	};
	void *library = NULL;

	for (size_t i = 0; !library && i < sizeof(libraries) / sizeof(libraries[0]); i++)
		library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return err_set(err, ERR_SYSTEM, ENOENT, "cannot use the network: %s (install libcurl4)", dlerror());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *symbol = dlsym(library, rows[i].name);

		if (!symbol)
			return err_set(err, ERR_SYSTEM, ENOENT, "cannot use the network: %s", dlerror());
		/* ISO C has no cast from an object to a function: see dlsym(3). */
		memcpy((char *)out + rows[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}
