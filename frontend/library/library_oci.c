/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/library_oci.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/oci/manifest.h"
#include "frontend/registry/registry.h"
#include "frontend/registry/url.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define TYPE_SIF_CONFIG "application/vnd.sylabs.sif.config.v1+json"
#define TYPE_SIF_LAYER "application/vnd.sylabs.sif.layer.v1.sif"
#define CONFIG_BYTES_MAX ((size_t)1024 * 1024)

/* Where the library says that its registry is. */
struct place {
	char *host;  /* host[:port] */
	char *token; /* NULL: none */
	struct library_ref name;
	bool is_https;
};

static void fini_place(struct place *place)
{
	free(place->host);
	free(place->token);
	library_ref_fini(&place->name);
}

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot pull from the library's registry");
}

/* Everything in the answer is a claim: it becomes part of requests that carry a token. */
static int read_place(const struct library_api *api, const json_t *data, const char *path, struct place *out, struct err *err)
{
	const char *url = json_string_value(json_object_get(data, "url"));
	const char *token = json_string_value(json_object_get(data, "token"));
	const char *name = json_string_value(json_object_get(data, "name"));
	const char *host;
	int rc;

	if (!url || !url_is_valid(url) || url_has_user(url))
		return err_set(err, ERR_SYSTEM, EPROTO, "the library names a registry that is not an URL: \"%s\"", url ? url : "");
	out->is_https = url_is_https(url);
	if (!out->is_https && url_is_https(api->base))
		return err_set(err, ERR_SYSTEM, EPROTO, "the library names the registry %s, which is not https", url);
	if (token && *token && remote_check_token(token, err) < 0)
		return err_wrap(err, "the library's registry");
	rc = library_ref_parse(name && *name ? name : path, &out->name, err);
	if (rc < 0)
		return rc;
	if (out->name.host)
		return err_set(err, ERR_SYSTEM, EPROTO, "the library names the image in its registry with a host: %s", name);
	host = strstr(url, "://") + 3;
	out->host = strndup(host, strcspn(host, "/?#"));
	out->token = token && *token ? strdup(token) : NULL;
	return out->host && (!token || !*token || out->token) ? 0 : out_of_memory(err);
}

static int find_place(const struct library_api *api, const char *path, struct place *out, struct err *err)
{
	struct library_api copy = *api; /* the call changes nothing of it */
	cleanup_ptr char *escaped = url_escape(path), *where = NULL;
	struct err own = ERR_INIT;
	json_t *data;
	int rc;

	if (!escaped || asprintf(&where, "v1/oci-redirect?namespace=%s&mapped=1&accessTypes=pull", escaped) < 0) {
		where = NULL;
		return out_of_memory(err);
	}
	rc = library_api_call(&copy, "GET", where, NULL, &data, &own);
	/* Whatever it answers but success: the library itself has the last word on the image then. */
	if (rc == -EINTR)
		return err_set(err, own.kind, own.errnum, "%s", own.message);
	if (rc < 0) {
		log_debug("%s", own.message);
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP, "the library names no registry");
	}
	rc = read_place(api, data, path, out, err);
	json_decref(data);
	return rc;
}

/* The manifest for @arch behind @tag. */
static int get_manifest(struct registry *registry, const char *tag, const char *arch, struct oci_document *out, struct err *err)
{
	char linux_[] = "linux";
	cleanup_ptr char *bytes = NULL, *media_type = NULL, *wanted = strdup(arch);
	const struct oci_platform want = {.os = linux_, .architecture = wanted};
	const struct oci_descriptor *entry;
	char digest[DIGEST_TEXT_MAX], chosen[DIGEST_TEXT_MAX];
	size_t size;
	int rc;

	if (!wanted)
		return out_of_memory(err);
	rc = registry_get_manifest(registry, tag, &bytes, &size, &media_type, digest, err);
	if (rc == 0)
		rc = oci_document_parse(bytes, size, media_type, out, err);
	if (rc < 0 || out->kind == OCI_MANIFEST)
		return rc;
	entry = oci_document_choose(out, &want, err);
	if (!entry)
		return -ENOENT;
	memcpy(chosen, entry->digest, sizeof(chosen));
	oci_document_fini(out);
	free(bytes);
	free(media_type);
	bytes = media_type = NULL;
	rc = registry_get_manifest(registry, chosen, &bytes, &size, &media_type, digest, err);
	if (rc == 0)
		rc = oci_document_parse(bytes, size, media_type, out, err);
	if (rc == 0 && out->kind != OCI_MANIFEST)
		rc = err_set(err, ERR_IMAGE, EPROTO, "an index of the library's registry leads to another index");
	return rc;
}

static int check_config(struct registry *registry, const struct oci_document *manifest, const char *arch, struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	const char *found;
	size_t size;
	json_t *root;
	int rc;

	if (!manifest->config.media_type || strcmp(manifest->config.media_type, TYPE_SIF_CONFIG) != 0)
		return err_set(err, ERR_IMAGE, EOPNOTSUPP,
			       "the library's registry has an image of the type %s, which is pulled in OCI mode only: OCI mode is "
			       "missing so far",
			       manifest->config.media_type ? manifest->config.media_type : "unknown");
	if (manifest->count != 1 || !manifest->items[0].media_type || strcmp(manifest->items[0].media_type, TYPE_SIF_LAYER) != 0)
		return err_set(err, ERR_IMAGE, EPROTO, "the image in the library's registry is not one SIF file");
	rc = registry_read_blob(registry, manifest->config.digest, CONFIG_BYTES_MAX, &bytes, &size, err);
	if (rc < 0)
		return rc;
	root = json_loadb(bytes, size, 0, NULL);
	found = json_string_value(json_object_get(root, "architecture"));
	if (found && *found && strcmp(found, arch) != 0)
		rc = err_set(err, ERR_IMAGE, EINVAL, "the image in the library is for %s, wanted: %s", found, arch);
	json_decref(root);
	return rc;
}

struct sink {
	struct digest *digest;
	uint64_t at;
	int fd;
	struct progress *progress;
	int bar;
};

static int write_sink(void *context, const void *bytes, size_t size, struct err *err)
{
	struct sink *sink = context;
	const char *from = bytes;
	size_t left = size;

	while (left > 0) {
		ssize_t put = pwrite(sink->fd, from, left, (off_t)sink->at);

		if (put < 0 && errno != EINTR)
			return err_sys(err, errno, "cannot write the image");
		if (put > 0) {
			from += put;
			left -= (size_t)put;
			sink->at += (uint64_t)put;
		}
	}
	progress_update(sink->progress, sink->bar, sink->at);
	return digest_update(sink->digest, bytes, size, err);
}

static int get_layer(struct registry *registry, const struct oci_descriptor *layer, struct sink *sink, struct err *err)
{
	char sum[DIGEST_TEXT_MAX];
	int rc = digest_new(&sink->digest, err);

	if (rc == 0)
		rc = registry_get_blob(registry, layer->digest, layer->size, 0, write_sink, sink, err);
	if (rc == 0)
		rc = digest_finish(sink->digest, sum, err);
	digest_free(sink->digest);
	if (rc == 0 && (sink->at != layer->size || strcmp(sum, layer->digest) != 0))
		rc = err_set(err, ERR_IMAGE, EBADMSG,
			     "what the library's registry sent has %" PRIu64 " bytes and %s, but the image has %" PRIu64 " and %s",
			     sink->at, sum, layer->size, layer->digest);
	return rc;
}

int library_oci_fetch(const struct library_api *api, const char *path, const char *tag, const char *arch, int fd,
		      struct progress *progress, int bar, struct err *err)
{
	struct place place = {.name = LIBRARY_REF_INIT};
	struct oci_document manifest = OCI_DOCUMENT_INIT;
	struct registry *registry = NULL;
	struct sink sink = {.fd = fd, .progress = progress, .bar = bar};
	int rc = find_place(api, path, &place, err);

	if (rc == 0) {
		struct reference reference = {.registry = place.host, .repository = place.name.path};
		struct registry_options options = {.token = place.token, .no_https = !place.is_https};

		rc = registry_open(&reference, &options, &registry, err);
	}
	if (rc == 0)
		rc = get_manifest(registry, tag, arch, &manifest, err);
	if (rc == 0)
		rc = check_config(registry, &manifest, arch, err);
	if (rc == 0)
		rc = get_layer(registry, &manifest.items[0], &sink, err);
	/* -EOPNOTSUPP has a meaning of its own here. */
	if (rc == -EOPNOTSUPP && registry)
		rc = -EPROTO;
	oci_document_fini(&manifest);
	registry_close(registry);
	fini_place(&place);
	return rc;
}
