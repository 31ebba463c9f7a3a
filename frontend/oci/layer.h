/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One layer as a stream of tar entries. A thread of its own decompresses (gzip, zstd, xz, bzip2, none: told from the contents) while
 * the caller works on what is there already.
 */
#ifndef FRONTEND_OCI_LAYER_H
#define FRONTEND_OCI_LAYER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/err.h"

struct layer;
struct archive;
struct archive_entry;

struct layer_request {
	int fd; /* borrowed until layer_close() */
	uint64_t offset, size;
	const char *digest;  /* of the bytes as they lie there; NULL: not to be verified */
	const char *diff_id; /* of the tar archive; NULL: not to be verified */
	uint64_t bytes_max;  /* a larger archive is refused */
};

/* layer_open() - start reading. *@out owned. */
int layer_open(const struct layer_request *request, struct layer **out, struct err *err);

/* layer_next() - the next entry, which stays valid until the next call. Returns 1, 0 at the end, or a negative errno with @err.
 * At the end the digests have been verified. */
int layer_next(struct layer *layer, struct archive_entry **entry, struct err *err);

/* layer_read() - the next piece of the entry's contents: *@size bytes at *@bytes belong at *@offset of the file. Returns 1, 0 at the
 * end of the entry, or a negative errno with @err. */
int layer_read(struct layer *layer, const void **bytes, size_t *size, uint64_t *offset, struct err *err);

/* layer_done() - bytes of the compressed layer that have been read so far. */
uint64_t layer_done(struct layer *layer);

void layer_close(struct layer *layer);

#endif
