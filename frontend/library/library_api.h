/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to a container library: answers are JSON with "data" or "error" in them. */
#ifndef FRONTEND_LIBRARY_LIBRARY_API_H
#define FRONTEND_LIBRARY_LIBRARY_API_H

#include <stdbool.h>
#include <stddef.h>

#include "frontend/library/endpoint.h"
#include "frontend/library/library_ref.h"
#include "frontend/registry/http.h"
#include "ipc/err.h"

#define LIBRARY_API_ANSWER_MAX ((size_t)8 * 1024 * 1024)

struct json_t;

struct library_api {
	struct endpoint endpoint;
	char *base;          /* URL without slash at the end; owned */
	char *token;         /* owned; NULL: none. Belongs to the origin of @base */
	char *authorization; /* owned; the header's value; NULL without token */
	int version;         /* enum library_api_version, 0 before it was asked for */
};

#define LIBRARY_API_INIT {.endpoint = ENDPOINT_INIT}

enum library_api_version {
	LIBRARY_API_UNKNOWN,
	LIBRARY_API_V1,
	LIBRARY_API_V2_UPLOAD,    /* uploads in two steps and in parts */
	LIBRARY_API_V2_ARCH_TAGS, /* a tag for each architecture */
};

/* library_api_open() - for the library at @uri (as of --library; NULL: that of the remote in use), or for the host that @ref
 * (may be NULL) names; -EINVAL when both are there. @no_https: http for the host of @ref. */
int library_api_open(const char *uri, const struct library_ref *ref, bool no_https, struct library_api *api, struct err *err);
void library_api_close(struct library_api *api);

/* library_api_call() - one request for @path (below the library's URL, query included) with @body (JSON text, NULL: none).
 * *@data (owned by the caller; may be NULL) is what the answer has as "data", or all of it where it has none. -ENOENT for 404,
 * -EACCES for 401 and 403 with what to do about it, else what the server says. */
int library_api_call(struct library_api *api, const char *method, const char *path, const char *body, struct json_t **data,
		     struct err *err);

/* library_api_get_version() - what this library can do, asked once. One that does not say is of the first version. */
int library_api_get_version(struct library_api *api, enum library_api_version *out, struct err *err);

/* library_api_parse_version() - out of the text "2.0.0-alpha.2". Pure. */
enum library_api_version library_api_parse_version(const char *text);

/* What a library knows about an image. */
struct library_image {
	char *id, *hash; /* owned; hash: sha256.<64 hex digits>, checked, or empty */
	uint64_t size;
	bool is_uploaded;
};

#define LIBRARY_IMAGE_INIT {.id = NULL}

/* library_api_get_image() - of @path:@tag for @arch. -ENOENT when there is none. *@out: library_image_fini(). */
int library_api_get_image(struct library_api *api, const char *path, const char *tag, const char *arch,
			  struct library_image *out, struct err *err);
int library_api_read_image(const struct json_t *data, struct library_image *out, struct err *err);
void library_image_fini(struct library_image *image);

/* library_api_is_id() - may @text, an identifier the server made, be a part of a path? */
bool library_api_is_id(const char *text);

#endif
