/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/library_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "frontend/registry/url.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define ID_MAX 256

/* ---- opening ---- */

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot talk to the library");
}

/* The address that the command line names; NULL: none. */
static int name_library(const char *uri, const struct library_ref *ref, bool no_https, char **out, struct err *err)
{
	const char *host = ref ? ref->host : NULL;

	if (uri && host)
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "Conflicting arguments; do not use --library with a library URI containing host name");
	if (!uri && !host)
		return 0;
	if (uri)
		*out = strdup(uri);
	else if (asprintf(out, "%s://%s", no_https ? "http" : "https", host) < 0)
		*out = NULL;
	return *out ? 0 : out_of_memory(err);
}

int library_api_open(const char *uri, const struct library_ref *ref, bool no_https, struct library_api *api, struct err *err)
{
	cleanup_ptr char *named = NULL;
	int rc;

	*api = (struct library_api)LIBRARY_API_INIT;
	rc = name_library(uri && *uri ? uri : NULL, ref, no_https, &named, err);
	if (rc == 0)
		rc = endpoint_open(NULL, NULL, &api->endpoint, err);
	if (rc == 0)
		rc = endpoint_choose_library(&api->endpoint, named, &api->base, &api->token, err);
	if (rc == 0 && api->token && asprintf(&api->authorization, "Bearer %s", api->token) < 0) {
		api->authorization = NULL;
		rc = out_of_memory(err);
	}
	if (rc < 0)
		library_api_close(api);
	else
		log_debug("library at %s, %s token", api->base, api->token ? "with" : "without");
	return rc;
}

void library_api_close(struct library_api *api)
{
	endpoint_close(&api->endpoint);
	free(api->base);
	free(api->token);
	free(api->authorization);
	*api = (struct library_api)LIBRARY_API_INIT;
}

/* ---- requests ---- */

/* A refusal says what to do: a token that was good once may have expired. */
static int refuse(const struct library_api *api, const struct http_response *response, struct err *err)
{
	const char *advice = api->token ? "the token may have expired: log in again with \"singularity remote login\"" :
					  "log in with \"singularity remote login\"";

	if (response->status != 401 && !(response->status == 403 && !api->token))
		return http_fail(response, err, api->base);
	(void)http_fail(response, err, api->base);
	return err_set(err, ERR_SYSTEM, EACCES, "%s: %ld %s: %s", api->base, response->status,
		       response->status == 401 ? "Unauthorized" : "Forbidden", advice);
}

/* Some servers answer 200 with an error inside. */
static int take_data(const struct http_response *response, json_t **data, struct err *err)
{
	json_error_t why;
	json_t *root, *error, *inner;

	if (response->body_size == 0) {
		*data = json_object();
		return *data ? 0 : out_of_memory(err);
	}
	root = json_loadb(response->body, response->body_size, 0, &why);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(err, ERR_SYSTEM, EPROTO, "the library does not answer with a JSON object");
	}
	error = json_object_get(root, "error");
	if (json_is_object(error)) {
		const char *text = json_string_value(json_object_get(error, "message"));
		int rc = err_set(err, ERR_SYSTEM, json_integer_value(json_object_get(error, "code")) == 404 ? ENOENT : EIO,
				 "the library says: %s", text ? text : "an error without a message");

		json_decref(root);
		return rc;
	}
	inner = json_object_get(root, "data");
	/* A few answers are not wrapped. */
	if (!inner) {
		*data = root;
		return 0;
	}
	*data = json_is_null(inner) ? json_object() : json_incref(inner);
	json_decref(root);
	return *data ? 0 : out_of_memory(err);
}

int library_api_call(struct library_api *api, const char *method, const char *path, const char *body, json_t **data,
		     struct err *err)
{
	static const char *const json_type[] = {"Content-Type: application/json", "Accept: application/json", NULL};
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = method,
				       .authorization = api->authorization,
				       .headers = body ? json_type : json_type + 1,
				       .body = body,
				       .body_size = body ? strlen(body) : 0,
				       .body_fd = -1,
				       .body_max = LIBRARY_API_ANSWER_MAX};
	cleanup_ptr char *url = NULL;
	json_t *answer = NULL;
	int rc;

	if (asprintf(&url, "%s/%s", api->base, path) < 0) {
		url = NULL;
		return out_of_memory(err);
	}
	request.url = url;
	rc = http_perform(api->endpoint.http, &request, &response, err);
	if (rc == 0 && (response.status < 200 || response.status > 299))
		rc = refuse(api, &response, err);
	if (rc == 0)
		rc = take_data(&response, &answer, err);
	http_response_fini(&response);
	if (rc == 0 && data)
		*data = answer;
	else
		json_decref(answer);
	return rc;
}

/* ---- version ---- */

enum library_api_version library_api_parse_version(const char *text)
{
	int major = 0, minor = 0, patch = 0, alpha = 0, end = 0;

	if (sscanf(text, "%5d.%5d.%5d%n", &major, &minor, &patch, &end) < 3 || end == 0)
		return LIBRARY_API_V1;
	if (major != 2 || minor > 0 || patch > 0 || text[end] != '-')
		return major >= 2 ? LIBRARY_API_V2_ARCH_TAGS : LIBRARY_API_V1;
	/* Before 2.0.0 itself. */
	if (sscanf(text + end, "-alpha.%5d", &alpha) == 1)
		return alpha >= 2 ? LIBRARY_API_V2_ARCH_TAGS : alpha == 1 ? LIBRARY_API_V2_UPLOAD : LIBRARY_API_V1;
	return strncmp(text + end, "-alpha", 6) == 0 ? LIBRARY_API_V1 : LIBRARY_API_V2_ARCH_TAGS;
}

int library_api_get_version(struct library_api *api, enum library_api_version *out, struct err *err)
{
	const char *text;
	json_t *data;
	int rc;

	if (api->version == LIBRARY_API_UNKNOWN) {
		rc = library_api_call(api, "GET", "version", NULL, &data, err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		text = rc == 0 ? json_string_value(json_object_get(data, "apiVersion")) : NULL;
		api->version = text ? (int)library_api_parse_version(text) : LIBRARY_API_V1;
		if (rc == 0)
			json_decref(data);
	}
	*out = (enum library_api_version)api->version;
	return 0;
}

/* ---- images ---- */

bool library_api_is_id(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len > 0 && len <= ID_MAX && text[0] != '.' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

void library_image_fini(struct library_image *image)
{
	free(image->id);
	free(image->hash);
	*image = (struct library_image)LIBRARY_IMAGE_INIT;
}

int library_api_read_image(const json_t *data, struct library_image *out, struct err *err)
{
	const char *id = json_string_value(json_object_get(data, "id"));
	const char *hash = json_string_value(json_object_get(data, "hash"));
	json_int_t size = json_integer_value(json_object_get(data, "size"));

	if (!library_api_is_id(id))
		return err_set(err, ERR_SYSTEM, EPROTO, "the library describes an image without a proper id");
	/* It becomes the name of a file. */
	if (hash && *hash && !library_ref_is_hash(hash))
		return err_set(err, ERR_SYSTEM, EPROTO, "the library names a sum that is not sha256 for the image: \"%s\"", hash);
	if (size < 0)
		return err_set(err, ERR_SYSTEM, EPROTO, "the library says that the image has a negative size");
	out->id = strdup(id);
	out->hash = strdup(hash ? hash : "");
	out->size = (uint64_t)size;
	out->is_uploaded = json_is_true(json_object_get(data, "uploaded"));
	if (out->id && out->hash)
		return 0;
	library_image_fini(out);
	return out_of_memory(err);
}

int library_api_get_image(struct library_api *api, const char *path, const char *tag, const char *arch,
			  struct library_image *out, struct err *err)
{
	cleanup_ptr char *where = NULL, *escaped = url_escape(arch);
	json_t *data;
	int rc;

	if (!escaped || asprintf(&where, "v1/images/%s:%s?arch=%s", path, tag, escaped) < 0) {
		where = NULL;
		return out_of_memory(err);
	}
	rc = library_api_call(api, "GET", where, NULL, &data, err);
	if (rc < 0)
		return rc;
	rc = library_api_read_image(data, out, err);
	json_decref(data);
	return rc;
}
