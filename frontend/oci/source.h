/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an OCI image comes from: a registry, a layout directory, an archive, a container engine. One interface for all; who uses
 * it need not know which. Manifests and configurations are verified against their digests here. Blobs from get_blob() and
 * open_blob() are verified by who reads them: see struct convert_layer, which has a digest for that.
 */
#ifndef FRONTEND_OCI_SOURCE_H
#define FRONTEND_OCI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/oci/manifest.h"
#include "ipc/err.h"

struct progress;

struct source_options {
	struct oci_platform platform; /* members borrowed; NULL: this host's (os "linux") */
	const char *authfile;         /* NULL: docker-config.json of the user */
	const char *username, *password;
	bool no_https;
	const char *docker_host; /* NULL: DOCKER_HOST, else the usual socket */
	const char *tmpdir;      /* for what must be spooled; NULL: TMPDIR, else /tmp */
	struct progress *progress; /* may be NULL */
};

typedef int (*oci_sink)(void *context, const void *bytes, size_t size, struct err *err);

struct oci_source;
struct oci_source_ops {
	/* The manifest or index at the source's own reference (@digest NULL), or the one with @digest: *@bytes and *@media_type
	 * owned, *@media_type may be NULL. The bytes have the digest @out_digest. */
	int (*get_manifest)(struct oci_source *source, const char *digest, char **bytes, size_t *size, char **media_type,
			    char out_digest[DIGEST_TEXT_MAX], struct err *err);
	/* Hand the bytes of @blob from @offset on to @sink, which stops it by a negative errno. */
	int (*get_blob)(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset, oci_sink sink,
			void *context, struct err *err);
	/* A file that holds the whole blob from *@offset on; *@fd owned. -EOPNOTSUPP when there is none: use get_blob(). */
	int (*open_blob)(struct oci_source *source, const struct oci_descriptor *blob, int *fd, uint64_t *offset,
			 struct err *err);
	void (*close)(struct oci_source *source);
	bool parallel; /* get_blob() may be called from several threads */
};

/* First member of each implementation's own structure. */
struct oci_source {
	const struct oci_source_ops *ops;
	char *name; /* owned; the reference as the user wrote it, for messages and the definition */
};

/* oci_source_is_reference() - does @reference begin with the scheme of a source: docker:, oci:, oci-archive:, docker-archive:,
 * docker-daemon: (in the forms of the manual page)? */
bool oci_source_is_reference(const char *reference);

/* oci_source_open() - open @reference. *@out owned: oci_source_close(). */
int oci_source_open(const char *reference, const struct source_options *options, struct oci_source **out, struct err *err);
void oci_source_close(struct oci_source *source);

/* An image of a source, for one platform. */
struct oci_image {
	char digest[DIGEST_TEXT_MAX];       /* of the manifest */
	char index_digest[DIGEST_TEXT_MAX]; /* of what the reference named: the index, or the manifest itself */
	struct oci_document manifest;
	char *config_json; /* owned, NUL-terminated */
};

#define OCI_IMAGE_INIT {.config_json = NULL}

/* oci_source_resolve() - follow the reference, through indexes, to the manifest for the platform that @options want, and get its
 * configuration, which must say the same platform. Refuses images without layers, and what is no image (an artifact). */
int oci_source_resolve(struct oci_source *source, const struct source_options *options, struct oci_image *out,
		       struct err *err);
void oci_image_fini(struct oci_image *image);

/* oci_source_get_small() - the whole of @blob, at most OCI_DOCUMENT_BYTES_MAX, verified; *@bytes owned and NUL-terminated. */
int oci_source_get_small(struct oci_source *source, const struct oci_descriptor *blob, char **bytes, struct err *err);

/* oci_source_spool() - the whole of @blob, verified, in an unlinked file in the directory @tmpdir; *@fd owned. */
int oci_source_spool(struct oci_source *source, const struct oci_descriptor *blob, const char *tmpdir, int *fd,
		     struct err *err);

#endif
