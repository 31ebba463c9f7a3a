/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/from_oras.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/oci/manifest.h"
#include "frontend/pull/into_file.h"
#include "frontend/pull/oras.h"
#include "frontend/registry/registry.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

struct from_oras {
	struct transport transport;
	struct registry *registry;
	struct reference parsed;
	struct oci_document manifest;
};

static bool is_sif(const struct oci_descriptor *layer)
{
	return layer->media_type &&
	       (strcmp(layer->media_type, ORAS_TYPE_LAYER) == 0 || strcmp(layer->media_type, ORAS_TYPE_LAYER_OLD) == 0);
}

static int check_manifest(const struct from_oras *oras, struct err *err)
{
	const struct oci_document *manifest = &oras->manifest;

	if (manifest->kind == OCI_MANIFEST && manifest->count == 1 && is_sif(&manifest->items[0]))
		return 0;
	return err_set(err, ERR_IMAGE, EINVAL, "cannot fetch %s: it is not a SIF file%s", oras->transport.reference,
		       manifest->kind == OCI_MANIFEST && manifest->count && oci_type_is_layer(manifest->items[0].media_type)
			       ? " but an OCI image: use docker://"
			       : "");
}

static int identify(struct transport *transport, enum cache_type *type, char **key, struct err *err)
{
	struct from_oras *oras = (struct from_oras *)transport;
	cleanup_ptr char *bytes = NULL, *media_type = NULL;
	char digest[DIGEST_TEXT_MAX];
	size_t size;
	int rc = registry_get_manifest(oras->registry, reference_get_wanted(&oras->parsed), &bytes, &size, &media_type, digest,
				       err);

	if (rc == 0)
		rc = oci_document_parse(bytes, size, media_type, &oras->manifest, err);
	if (rc == 0)
		rc = check_manifest(oras, err);
	if (rc < 0)
		return rc;
	*type = CACHE_ORAS;
	*key = strdup(oras->manifest.items[0].digest);
	return *key ? 0 : err_sys(err, ENOMEM, "cannot name the image");
}

static int fill(struct transport *transport, int fd, struct err *err)
{
	struct from_oras *oras = (struct from_oras *)transport;
	const struct oci_descriptor *layer = &oras->manifest.items[0];
	struct into_file into;
	int rc;

	log_info("Downloading oras image");
	rc = into_file_begin(&into, fd, layer->size, err);
	if (rc == 0)
		rc = registry_get_blob(oras->registry, layer->digest, layer->size, 0, into_file_take, &into, err);
	rc = into_file_end(&into, rc, layer->digest, err);
	if (rc == 0)
		rc = into_file_check_sif(fd, err);
	return rc < 0 ? err_wrap(err, "cannot fetch %s", transport->reference) : 0;
}

static void close_transport(struct transport *transport)
{
	struct from_oras *oras = (struct from_oras *)transport;

	registry_close(oras->registry);
	reference_fini(&oras->parsed);
	oci_document_fini(&oras->manifest);
	free(oras);
}

int from_oras_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		   struct err *err)
{
	static const struct transport_ops ops = {identify, fill, close_transport};
	struct registry_options how = {.username = options->username,
				       .password = options->password,
				       .authfile = options->authfile,
				       .no_https = options->no_https};
	struct from_oras *oras = calloc(1, sizeof(*oras));
	int rc;

	if (!oras)
		return err_sys(err, ENOMEM, "cannot fetch %s", reference);
	oras->transport = (struct transport){&ops, reference, options, cache};
	rc = reference_parse(reference, &oras->parsed, err);
	if (rc == 0)
		rc = registry_open(&oras->parsed, &how, &oras->registry, err);
	if (rc < 0)
		close_transport(&oras->transport);
	else
		*out = &oras->transport;
	return rc;
}
