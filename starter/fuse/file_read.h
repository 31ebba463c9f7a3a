/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents of files. Whole blocks are unpacked straight into the reply; fragments and parts of blocks go through a small
 * cache shared by all workers, in which a block that two of them want is unpacked once. */
#ifndef STARTER_FUSE_FILE_READ_H
#define STARTER_FUSE_FILE_READ_H

#include "starter/fuse/squash_image.h"

/* file_cache_init() - @block_bytes as in the superblock; no memory is touched before the first read. 0 or -ENOMEM. */
int file_cache_init(size_t block_bytes);

/* file_read() - up to @size bytes at @offset of @inode. @scratch holds one packed block. Returns bytes or negative errno. */
long file_read(struct squash_view *view, sqfs_inode *inode, uint64_t offset, char *buffer, size_t size, void *scratch);

#endif
