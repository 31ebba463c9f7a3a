/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives of `docker save`: manifest.json names a configuration and layers, each a member of the archive. */
#ifndef FRONTEND_OCI_ARCHIVE_H
#define FRONTEND_OCI_ARCHIVE_H

#include "frontend/oci/source.h"

/* archive_open() - open "file.tar[:name[:tag]]"; the name is needed when there are several images in it. */
int archive_open(const char *rest, const struct source_options *options, struct oci_source **out, struct err *err);

/* archive_open_consume() - the same for the open file @fd (consumed); @path is for messages, @wanted NULL or the name. */
int archive_open_consume(int fd, const char *path, const char *wanted, const struct source_options *options,
			 struct oci_source **out, struct err *err);

#endif
