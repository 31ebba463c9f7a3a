/* SPDX-License-Identifier: BSD-3-Clause */
/* OCI images of registries, archives, layouts and engines, converted to native images. */
#ifndef FRONTEND_PULL_FROM_OCI_H
#define FRONTEND_PULL_FROM_OCI_H

#include "frontend/oci/convert.h"
#include "frontend/oci/source.h"
#include "frontend/pull/transport.h"
#include "frontend/ui/progress.h"

/* An image with its layers, ready to be converted. */
struct from_oci {
	struct transport transport;
	struct oci_source *source;
	struct oci_image image;
	struct convert_layer *layers; /* image.manifest.count of them; NULL before from_oci_get_layers() */
};

/* from_oci_open() - *@out (owned: its ops->close()) for @reference; arguments borrowed as long as it lives. */
int from_oci_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		  struct err *err);

/* from_oci_resolve() - open and resolve @reference into @out; from_oci_fini(). */
int from_oci_resolve(const char *reference, const struct pull_options *options, struct cache *cache, struct from_oci *out,
		     struct err *err);

/* from_oci_get_layers() - have all layers at hand. */
int from_oci_get_layers(struct from_oci *oci, struct progress *progress, struct err *err);
void from_oci_fini(struct from_oci *oci);

#endif
