/* SPDX-License-Identifier: BSD-3-Clause */
/* One file of known size, fetched in parts, several at a time. */
#ifndef FRONTEND_LIBRARY_LIBRARY_PARTS_H
#define FRONTEND_LIBRARY_LIBRARY_PARTS_H

#include <stdint.h>

#include "frontend/registry/http.h"
#include "frontend/ui/progress.h"
#include "ipc/err.h"

/* Members borrowed. */
struct library_parts {
	struct http *http;
	const char *url, *authorization; /* the latter for the origin of url alone; NULL: none */
	int fd;                          /* where the bytes go, each to its place */
	uint64_t size;                   /* of the whole file, more than 0 */
	struct progress *progress;
	int bar;
};

/* library_parts_fetch() - as many at once, and each as large, as SINGULARITY_DOWNLOAD_CONCURRENCY and
 * SINGULARITY_DOWNLOAD_PART_SIZE say, else singularity.conf. The bytes are not verified. -ERANGE when the server does not send
 * parts: then it has to be asked for the whole. After failure what is in the file is of no use. */
int library_parts_fetch(const struct library_parts *parts, struct err *err);

#endif
