/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The JSON documents of an OCI or Docker image: index and manifest. The bytes come from outside; every digest in what is
 * returned has the form sha256:<64 hex digits>, so it may be used in a path.
 */
#ifndef FRONTEND_OCI_MANIFEST_H
#define FRONTEND_OCI_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/registry/digest.h"
#include "ipc/err.h"

#define OCI_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_TYPE_LAYER "application/vnd.oci.image.layer.v1.tar"
#define OCI_TYPE_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define OCI_TYPE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

#define OCI_DOCUMENT_BYTES_MAX ((size_t)8 * 1024 * 1024) /* of an index, manifest or config */
#define OCI_LAYERS_MAX 1024
#define OCI_REFERENCE_ANNOTATION "org.opencontainers.image.ref.name"

struct oci_platform {
	char *os, *architecture, *variant; /* owned; NULL when not said */
};

struct oci_descriptor {
	char *media_type; /* owned; NULL when not said */
	char digest[DIGEST_TEXT_MAX];
	uint64_t size;
	struct oci_platform platform; /* entries of an index */
	char *reference;              /* owned; the tag, of entries of a layout's index; or NULL */
};

enum oci_document_kind { OCI_INDEX, OCI_MANIFEST };

struct oci_document {
	enum oci_document_kind kind;
	char *media_type;              /* owned; never NULL */
	struct oci_descriptor config;  /* of a manifest */
	struct oci_descriptor *items;  /* owned; layers of a manifest, lowest first; manifests of an index */
	size_t count;
};

#define OCI_DOCUMENT_INIT {.items = NULL}

/* oci_document_parse() - read the @size bytes at @bytes. @media_type is what the source says (NULL: nothing); the document's own
 * must not contradict it. A document with the members of both kinds is refused. *@out is filled on success only. */
int oci_document_parse(const char *bytes, size_t size, const char *media_type, struct oci_document *out, struct err *err);
void oci_document_fini(struct oci_document *document);

/* oci_document_choose() - the entry of the index @document for @os and @architecture, and @variant unless NULL: an exact match
 * first, then an entry without variant, then one without platform when it is the only one. NULL with @err, which lists what
 * there is. The entry belongs to @document. */
const struct oci_descriptor *oci_document_choose(const struct oci_document *document, const struct oci_platform *want,
						 struct err *err);

/* oci_type_is_index(), oci_type_is_manifest(), oci_type_is_layer() - is @media_type (NULL: no) one of that kind? Layers: tar in
 * any compression, OCI or Docker, distributable or not. */
int oci_type_is_index(const char *media_type);
int oci_type_is_manifest(const char *media_type);
int oci_type_is_layer(const char *media_type);

#endif
