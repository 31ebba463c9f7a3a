/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/image/arch.h"
#include "frontend/oci/archive.h"
#include "frontend/oci/config.h"
#include "frontend/oci/daemon.h"
#include "frontend/oci/layout.h"
#include "frontend/oci/spool.h"
#include "frontend/registry/registry.h"
#include "ipc/cleanup.h"

#define INDEX_DEPTH_MAX 4

struct scheme {
	const char *name;
	int (*open)(const char *rest, const struct source_options *options, struct oci_source **out, struct err *err);
};

static const struct scheme schemes[] = {
	{"oci:", layout_open_directory},
	{"oci-archive:", layout_open_archive},
	{"docker-archive:", archive_open},
	{"docker-daemon:", daemon_open},
	{"docker:", registry_source_open},
};

static const struct scheme *find_scheme(const char *reference)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncmp(reference, schemes[i].name, strlen(schemes[i].name)) == 0)
			return &schemes[i];
	}
	return NULL;
}

bool oci_source_is_reference(const char *reference)
{
	return find_scheme(reference) != NULL;
}

int oci_source_open(const char *reference, const struct source_options *options, struct oci_source **out, struct err *err)
{
	const struct scheme *scheme = find_scheme(reference);
	const char *rest;
	int rc;

	if (!scheme)
		return err_set(err, ERR_USAGE, EINVAL, "cannot open %s: it names no OCI image", reference);
	rest = reference + strlen(scheme->name);
	/* docker-daemon://name and the like mean the same as without. */
	if (strncmp(rest, "//", 2) == 0)
		rest += 2;
	if (*rest == '\0')
		return err_set(err, ERR_USAGE, EINVAL, "cannot open %s: it names no image", reference);
	rc = scheme->open(rest, options, out, err);
	if (rc < 0)
		return rc;
	(*out)->name = strdup(reference);
	if ((*out)->name)
		return 0;
	oci_source_close(*out);
	return err_sys(err, ENOMEM, "cannot open %s", reference);
}

void oci_source_close(struct oci_source *source)
{
	if (!source)
		return;
	free(source->name);
	source->ops->close(source);
}

/* ---- whole blobs ---- */

struct receiver {
	struct digest *sum;
	uint64_t left;
	int fd;     /* or */
	char *at;
};

static int receive(void *context, const void *bytes, size_t size, struct err *err)
{
	struct receiver *receiver = context;
	int rc;

	if (size > receiver->left)
		return err_set(err, ERR_IMAGE, EFBIG, "it is longer than its manifest says");
	receiver->left -= size;
	rc = digest_update(receiver->sum, bytes, size, err);
	if (rc < 0)
		return rc;
	if (receiver->fd >= 0)
		return spool_write(receiver->fd, bytes, size, err);
	memcpy(receiver->at, bytes, size);
	receiver->at += size;
	return 0;
}

static int receive_blob(struct oci_source *source, const struct oci_descriptor *blob, struct receiver *receiver, struct err *err)
{
	char text[DIGEST_TEXT_MAX];
	int rc = digest_new(&receiver->sum, err);

	receiver->left = blob->size;
	if (rc == 0)
		rc = source->ops->get_blob(source, blob, 0, receive, receiver, err);
	if (rc == 0 && receiver->left > 0)
		rc = err_set(err, ERR_IMAGE, ENODATA, "it is shorter than its manifest says");
	if (rc == 0)
		rc = digest_finish(receiver->sum, text, err);
	if (rc == 0 && strcmp(text, blob->digest) != 0)
		rc = err_set(err, ERR_IMAGE, EBADMSG, "its digest is %s", text);
	digest_free(receiver->sum);
	return rc < 0 ? err_wrap(err, "cannot get %s", blob->digest) : 0;
}

int oci_source_get_small(struct oci_source *source, const struct oci_descriptor *blob, char **bytes, struct err *err)
{
	cleanup_ptr char *buffer = NULL;
	struct receiver receiver = {.fd = -1};
	int rc;

	if (blob->size > OCI_DOCUMENT_BYTES_MAX)
		return err_set(err, ERR_IMAGE, EFBIG, "cannot get %s: a document of %llu bytes is too large", blob->digest,
			       (unsigned long long)blob->size);
	buffer = calloc(1, (size_t)blob->size + 1);
	if (!buffer)
		return err_sys(err, ENOMEM, "cannot get %s", blob->digest);
	receiver.at = buffer;
	rc = receive_blob(source, blob, &receiver, err);
	if (rc == 0)
		*bytes = ptr_take(buffer);
	return rc;
}

int oci_source_spool(struct oci_source *source, const struct oci_descriptor *blob, const char *tmpdir, int *fd,
		     struct err *err)
{
	cleanup_fd int spool_fd = -1;
	struct receiver receiver = {.fd = -1};
	int rc = spool_open(tmpdir, &spool_fd, err);

	receiver.fd = spool_fd;
	if (rc == 0)
		rc = receive_blob(source, blob, &receiver, err);
	if (rc == 0)
		*fd = fd_take(&spool_fd);
	return rc;
}

/* ---- the image of a reference ---- */

static struct oci_platform get_wanted(const struct source_options *options)
{
	struct oci_platform want = options->platform;

	if (!want.os)
		want.os = (char *)(uintptr_t)"linux";
	if (!want.architecture)
		want.architecture = (char *)(uintptr_t)arch_get_host();
	return want;
}

/* The document @digest (NULL: what the reference names), which has @size bytes if that is not 0. */
static int get_document(struct oci_source *source, const struct oci_descriptor *at, struct oci_document *out,
			char digest[DIGEST_TEXT_MAX], struct err *err)
{
	cleanup_ptr char *bytes = NULL, *media_type = NULL;
	size_t size;
	int rc = source->ops->get_manifest(source, at ? at->digest : NULL, &bytes, &size, &media_type, digest, err);

	if (rc < 0)
		return rc;
	if (at && size != at->size)
		return err_set(err, ERR_IMAGE, EBADMSG, "cannot use %s: it has %zu bytes, its index says %llu", at->digest, size,
			       (unsigned long long)at->size);
	return oci_document_parse(bytes, size, at && at->media_type ? at->media_type : media_type, out, err);
}

static int find_manifest(struct oci_source *source, const struct oci_platform *want, struct oci_image *image, struct err *err)
{
	int rc = get_document(source, NULL, &image->manifest, image->index_digest, err);

	memcpy(image->digest, image->index_digest, sizeof(image->digest));
	for (int depth = 0; rc == 0 && image->manifest.kind == OCI_INDEX; depth++) {
		struct oci_document index = image->manifest;
		const struct oci_descriptor *chosen;

		image->manifest = (struct oci_document)OCI_DOCUMENT_INIT;
		chosen = depth < INDEX_DEPTH_MAX ? oci_document_choose(&index, want, err) : NULL;
		if (chosen)
			rc = get_document(source, chosen, &image->manifest, image->digest, err);
		else if (depth < INDEX_DEPTH_MAX)
			rc = -ENOENT;
		else
			rc = err_set(err, ERR_IMAGE, ELOOP, "its indexes are nested too deeply");
		oci_document_fini(&index);
	}
	return rc;
}

static int check_manifest(const struct oci_document *manifest, struct err *err)
{
	const char *type = manifest->config.media_type;

	if (type && strcmp(type, OCI_TYPE_CONFIG) != 0 && strcmp(type, OCI_TYPE_DOCKER_CONFIG) != 0)
		return err_set(err, ERR_IMAGE, EINVAL, "it is an artifact of type %.100s and no container image", type);
	if (manifest->count == 0)
		return err_set(err, ERR_IMAGE, EINVAL, "it has no layers");
	for (size_t i = 0; i < manifest->count; i++) {
		type = manifest->items[i].media_type;
		if (type && (!oci_type_is_layer(type) || strstr(type, "encrypted")))
			return err_set(err, ERR_IMAGE, EINVAL, "its layer %zu is of the type %.100s, which is no tar archive", i + 1, type);
	}
	return 0;
}

static bool differs(const char *have, const char *want)
{
	return have && *have && want && strcmp(have, want) != 0;
}

static int check_platform(const char *config_json, const struct oci_platform *want, struct err *err)
{
	struct oci_config config = OCI_CONFIG_INIT;
	int rc = oci_config_parse(config_json, &config, err);

	if (rc == 0 && (differs(config.platform.os, want->os) || differs(config.platform.architecture, want->architecture)))
		rc = err_set(err, ERR_IMAGE, EINVAL, "image (%s/%s) does not satisfy required platform (%s/%s)",
			     config.platform.os ? config.platform.os : want->os,
			     config.platform.architecture ? config.platform.architecture : want->architecture, want->os,
			     want->architecture);
	oci_config_fini(&config);
	return rc;
}

int oci_source_resolve(struct oci_source *source, const struct source_options *options, struct oci_image *out, struct err *err)
{
	struct oci_platform want = get_wanted(options);
	struct oci_image image = OCI_IMAGE_INIT;
	int rc = find_manifest(source, &want, &image, err);

	if (rc == 0)
		rc = check_manifest(&image.manifest, err);
	if (rc == 0)
		rc = oci_source_get_small(source, &image.manifest.config, &image.config_json, err);
	if (rc == 0)
		rc = check_platform(image.config_json, &want, err);
	if (rc < 0) {
		oci_image_fini(&image);
		return err_wrap(err, "cannot use %s", source->name);
	}
	*out = image;
	return 0;
}

void oci_image_fini(struct oci_image *image)
{
	oci_document_fini(&image->manifest);
	free(image->config_json);
	*image = (struct oci_image)OCI_IMAGE_INIT;
}
