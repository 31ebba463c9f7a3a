/* SPDX-License-Identifier: BSD-3-Clause */
/* Recognises the file systems an image can hold from their first bytes. Works on buffers only. */
#ifndef FRONTEND_IMAGE_PROBE_H
#define FRONTEND_IMAGE_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

#define PROBE_BYTES 2048 /* what detection looks at */

enum probe_fs { PROBE_NONE, PROBE_SQUASHFS, PROBE_EXT3 };

struct probe_result {
	enum probe_fs fs;
	uint16_t compression;    /* squashfs: 1 gzip, 2 lzma, 3 lzo, 4 xz, 5 lz4, 6 zstd */
	uint32_t block_bytes;    /* squashfs */
	uint64_t used_bytes;     /* squashfs: length the superblock claims, checked against the extent */
};

/* probe_skip_launch() - offset of the file system in a bare image: 0, or behind the line "#!… run-singularity" that old
 * images begin with. May lie past @size. */
size_t probe_skip_launch(const uint8_t *bytes, size_t size);

/* probe_filesystem() - look at the first @size bytes of an extent of @extent_bytes. Not recognised: 0 and PROBE_NONE.
 * Recognised but damaged or of a kind that cannot be mounted: -EINVAL with ERR_IMAGE. */
int probe_filesystem(const uint8_t *bytes, size_t size, uint64_t extent_bytes, struct probe_result *out,
		     struct err *err);

#endif
