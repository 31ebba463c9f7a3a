/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/from_http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontend/pull/into_file.h"
#include "frontend/registry/digest.h"
#include "frontend/registry/http.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

struct from_http {
	struct transport transport;
	struct http *http;
	uint64_t size; /* 0: not said */
};

static bool is_success(const struct http_response *response)
{
	return response->status >= 200 && response->status < 300;
}

/* Servers that refuse HEAD may still give the file: then nothing is known of it, and the time makes a name. */
static int name_file(const char *url, const struct http_response *response, char **key, struct err *err)
{
	const char *modified = is_success(response) ? http_get_header(response, "last-modified") : NULL;
	cleanup_ptr char *text = NULL;
	char digest[DIGEST_TEXT_MAX], now[32];
	int rc;

	(void)snprintf(now, sizeof(now), "%" PRId64, (int64_t)time(NULL));
	if (asprintf(&text, "%s%s", url, modified ? modified : now) < 0) {
		text = NULL;
		return err_sys(err, ENOMEM, "cannot fetch %s", url);
	}
	rc = digest_of_bytes(text, strlen(text), digest, err);
	if (rc < 0)
		return rc;
	*key = strdup(digest + strlen("sha256:"));
	return *key ? 0 : err_sys(err, ENOMEM, "cannot fetch %s", url);
}

static int identify(struct transport *transport, enum cache_type *type, char **key, struct err *err)
{
	struct from_http *file = (struct from_http *)transport;
	struct http_request request = {.method = "HEAD", .url = transport->reference};
	struct http_response response = HTTP_RESPONSE_INIT;
	int rc = http_perform(file->http, &request, &response, err);

	if (rc == 0 && (response.status == 404 || response.status == 410 || response.status == 401))
		rc = http_fail(&response, err, transport->reference);
	if (rc == 0)
		rc = name_file(transport->reference, &response, key, err);
	if (rc == 0 && is_success(&response)) {
		const char *length = http_get_header(&response, "content-length");

		file->size = length ? strtoull(length, NULL, 10) : 0;
	}
	*type = CACHE_NET;
	http_response_fini(&response);
	return rc;
}

static int fill(struct transport *transport, int fd, struct err *err)
{
	struct from_http *file = (struct from_http *)transport;
	struct into_file into;
	struct http_request request = {
		.url = transport->reference, .size = file->size, .sink = into_file_take, .context = &into};
	struct http_response response = HTTP_RESPONSE_INIT;
	int rc;

	log_info("Downloading network image");
	rc = into_file_begin(&into, fd, file->size, err);
	if (rc == 0)
		rc = http_perform(file->http, &request, &response, err);
	if (rc == 0 && response.status != 200 && response.status != 206)
		rc = http_fail(&response, err, "the server answered");
	rc = into_file_end(&into, rc, NULL, err);
	http_response_fini(&response);
	return rc < 0 ? err_wrap(err, "cannot fetch %s", transport->reference) : 0;
}

static void close_transport(struct transport *transport)
{
	struct from_http *file = (struct from_http *)transport;

	http_free(file->http);
	free(file);
}

int from_http_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		   struct err *err)
{
	static const struct transport_ops ops = {identify, fill, close_transport};
	struct from_http *file = calloc(1, sizeof(*file));
	int rc;

	if (!file)
		return err_sys(err, ENOMEM, "cannot fetch %s", reference);
	file->transport = (struct transport){&ops, reference, options, cache};
	rc = http_new(&file->http, err);
	if (rc < 0)
		close_transport(&file->transport);
	else
		*out = &file->transport;
	return rc;
}
