/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/from_shub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "frontend/pull/into_file.h"
#include "frontend/registry/http.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define COMMIT_BYTES_MAX 128

struct from_shub {
	struct transport transport;
	struct http *http;
	char *query; /* owned; address of the image's description */
	char *image; /* owned; address of the file */
};

/* "[registry/]user/name[:tag][@hash]": two parts belong to the hub of old. */
static int name_query(const char *reference, bool no_https, char **out, struct err *err)
{
	size_t length, slashes = 0;
	const char *rest = transport_find_rest(reference, &length), *path;

	for (const char *c = rest; *c; c++)
		slashes += *c == '/';
	if (slashes < 2)
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
			       "cannot fetch %s: Singularity Hub was closed in 2021; shub://REGISTRY/USER/NAME names a registry of "
			       "the same kind",
			       reference);
	path = strrchr(rest, '/') - 1;
	while (path > rest && *path != '/')
		path--;
	if (asprintf(out, "%s://%.*s/api/container%s", no_https ? "http" : "https", (int)(path - rest), rest, path) < 0) {
		*out = NULL;
		return err_sys(err, ENOMEM, "cannot fetch %s", reference);
	}
	return 0;
}

/* The commit becomes the name of a file. */
static bool is_commit(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	return length > 0 && length < COMMIT_BYTES_MAX &&
	       strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

static int read_description(struct from_shub *shub, const char *json, char **key, struct err *err)
{
	json_t *root = json_loads(json, 0, NULL);
	const char *image = json_string_value(json_object_get(root, "image"));
	const char *commit = json_string_value(json_object_get(root, "commit"));
	int rc = 0;

	if (!image || !is_commit(commit)) {
		rc = err_set(err, ERR_IMAGE, EINVAL, "cannot fetch %s: %s does not describe an image", shub->transport.reference,
			     shub->query);
	} else {
		shub->image = strdup(image);
		*key = strdup(commit);
		if (!shub->image || !*key)
			rc = err_sys(err, ENOMEM, "cannot fetch %s", shub->transport.reference);
	}
	json_decref(root);
	return rc;
}

static int identify(struct transport *transport, enum cache_type *type, char **key, struct err *err)
{
	struct from_shub *shub = (struct from_shub *)transport;
	struct http_request request = {.url = shub->query};
	struct http_response response = HTTP_RESPONSE_INIT;
	int rc = http_perform(shub->http, &request, &response, err);

	if (rc == 0 && response.status != 200)
		rc = http_fail(&response, err, transport->reference);
	if (rc == 0)
		rc = read_description(shub, response.body, key, err);
	*type = CACHE_SHUB;
	http_response_fini(&response);
	return rc;
}

static int fill(struct transport *transport, int fd, struct err *err)
{
	struct from_shub *shub = (struct from_shub *)transport;
	struct into_file into;
	struct http_request request = {.url = shub->image, .sink = into_file_take, .context = &into};
	struct http_response response = HTTP_RESPONSE_INIT;
	int rc;

	log_info("Downloading shub image");
	rc = into_file_begin(&into, fd, 0, err);
	if (rc == 0)
		rc = http_perform(shub->http, &request, &response, err);
	if (rc == 0 && response.status != 200)
		rc = http_fail(&response, err, "the server answered");
	rc = into_file_end(&into, rc, NULL, err);
	http_response_fini(&response);
	return rc < 0 ? err_wrap(err, "cannot fetch %s", transport->reference) : 0;
}

static void close_transport(struct transport *transport)
{
	struct from_shub *shub = (struct from_shub *)transport;

	http_free(shub->http);
	free(shub->query);
	free(shub->image);
	free(shub);
}

int from_shub_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		   struct err *err)
{
	static const struct transport_ops ops = {identify, fill, close_transport};
	struct from_shub *shub = calloc(1, sizeof(*shub));
	int rc;

	if (!shub)
		return err_sys(err, ENOMEM, "cannot fetch %s", reference);
	shub->transport = (struct transport){&ops, reference, options, cache};
	rc = name_query(reference, options->no_https, &shub->query, err);
	if (rc == 0)
		rc = http_new(&shub->http, err);
	if (rc < 0)
		close_transport(&shub->transport);
	else
		*out = &shub->transport;
	return rc;
}
