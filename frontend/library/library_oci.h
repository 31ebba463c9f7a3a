/* SPDX-License-Identifier: BSD-3-Clause */
/* Libraries that keep their images in an OCI registry say where it is, and then it serves the images itself. */
#ifndef FRONTEND_LIBRARY_LIBRARY_OCI_H
#define FRONTEND_LIBRARY_LIBRARY_OCI_H

#include <stdint.h>

#include "frontend/library/library_api.h"
#include "frontend/ui/progress.h"
#include "ipc/err.h"

/* library_oci_fetch() - the SIF file of @path:@tag for @arch to @fd (borrowed), its digest verified. -EOPNOTSUPP when the library
 * names no registry: then it has the image itself. */
int library_oci_fetch(const struct library_api *api, const char *path, const char *tag, const char *arch, int fd,
		      struct progress *progress, int bar, struct err *err);

#endif
