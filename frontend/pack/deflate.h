/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gzip format of squashfs (zlib streams) over libdeflate, as a compressor object for libsquashfs: several times faster
 * than zlib at the same ratio, and the result is what every reader of squashfs knows.
 */
#ifndef FRONTEND_PACK_DEFLATE_H
#define FRONTEND_PACK_DEFLATE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqfs/compressor.h>

#define DEFLATE_LEVEL_DEFAULT 6
#define DEFLATE_LEVEL_MAX 12
#define DEFLATE_LEVEL_STORE 0 /* leaves every block as it is */

/* deflate_create() - a compressor (@uncompress: the opposite) for blocks up to @block_size; released with sqfs_destroy().
 * NULL without memory or for a level over DEFLATE_LEVEL_MAX. */
sqfs_compressor_t *deflate_create(unsigned int level, uint32_t block_size, bool uncompress);

#endif
