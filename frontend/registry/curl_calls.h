/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of libcurl that we make. A program with libraries loads it when the first request is made: it brings thirty others
 * along, which take longer than a launch does. One file per alternative.
 */
#ifndef FRONTEND_REGISTRY_CURL_CALLS_H
#define FRONTEND_REGISTRY_CURL_CALLS_H

#include <curl/curl.h>

#include "ipc/err.h"

struct curl_calls {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *handle);
	CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
	void (*easy_reset)(CURL *handle);
	void (*easy_cleanup)(CURL *handle);
	const char *(*easy_strerror)(CURLcode code);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free_all)(struct curl_slist *list);
};

/* curl_calls_load() - make @out usable. -ENOENT where libcurl is not installed. */
int curl_calls_load(struct curl_calls *out, struct err *err);

#endif
