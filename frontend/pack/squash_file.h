/* SPDX-License-Identifier: BSD-3-Clause */
/* A window of an open file as libsquashfs' file object, and libsquashfs' errors as ours. */
#ifndef FRONTEND_PACK_SQUASH_FILE_H
#define FRONTEND_PACK_SQUASH_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqfs/io.h>

#include "ipc/err.h"

/* squash_file_new() - the bytes of @fd (borrowed) from @offset on, @size of them at the beginning. With @writable it grows by
 * writing. Released with sqfs_destroy(). NULL without memory. */
sqfs_file_t *squash_file_new(int fd, uint64_t offset, uint64_t size, bool writable);

/* squash_file_fail() - fill @err for the error @code of libsquashfs met while doing @what ("cannot …" without the reason), with the
 * errno of @file (may be NULL) when reading or writing it failed. Returns a negative errno. */
int squash_file_fail(struct err *err, int code, const sqfs_file_t *file, const char *what);

#endif
