/* SPDX-License-Identifier: BSD-3-Clause */
/* The layers of an OCI image as files: where they are already, from the cache, or fetched, several at a time. */
#ifndef FRONTEND_PULL_LAYERS_H
#define FRONTEND_PULL_LAYERS_H

#include "frontend/oci/convert.h"
#include "frontend/oci/source.h"
#include "frontend/settings/cache.h"
#include "frontend/ui/progress.h"
#include "ipc/err.h"

/* layers_get() - all layers of @image, lowest first: *@out (owned; convert_close_layers()) has image->manifest.count of them and
 * borrows from @image. What is fetched goes to @cache, or without one (NULL) to files without name in @tmpdir. */
int layers_get(struct oci_source *source, const struct oci_image *image, struct cache *cache, const char *tmpdir,
	       struct progress *progress, struct convert_layer **out, struct err *err);

#endif
