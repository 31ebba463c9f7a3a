/* SPDX-License-Identifier: BSD-3-Clause */
/* OCI image layouts, as directories and in tar archives. See image-layout.md of the OCI image specification. */
#ifndef FRONTEND_OCI_LAYOUT_H
#define FRONTEND_OCI_LAYOUT_H

#include "frontend/oci/source.h"

/* layout_open_directory() - open "dir[:tag][@digest]". */
int layout_open_directory(const char *rest, const struct source_options *options, struct oci_source **out, struct err *err);

/* layout_open_archive() - open "file.tar[:tag][@digest]". */
int layout_open_archive(const char *rest, const struct source_options *options, struct oci_source **out, struct err *err);

/* layout_split() - "path[:tag][@digest]" → *@path, *@tag (both owned; the tag NULL when there is none) and @digest ("" when there is
 * none). A path with colons is taken whole when it is there. */
int layout_split(const char *text, char **path, char **tag, char digest[DIGEST_TEXT_MAX], struct err *err);

#endif
