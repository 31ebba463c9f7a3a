/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacking of blocks: libdeflate for gzip and a kept context for zstd, which the library behind us starts anew for
 * each block; the library's own function for the rest. One object per thread. */
#ifndef STARTER_FUSE_DECOMPRESS_H
#define STARTER_FUSE_DECOMPRESS_H

#include <stddef.h>

#include <squashfuse/decompress.h>

struct decompressor;

/* decompressor_new() - for the superblock's compression id; @fallback (borrowed) serves what we do not. NULL: no memory. */
struct decompressor *decompressor_new(int compression, sqfs_decompressor fallback);
void decompressor_free(struct decompressor *decompressor);

/* decompressor_run() - all of @in to at most @room bytes at @out. Returns the size, or -EIO. */
long decompressor_run(struct decompressor *decompressor, void *in, size_t size, void *out, size_t room);

/* The library's functions unpack metadata through a pointer without a context: decompressor_use() names the calling
 * thread's object, decompressor_library_hook() is what the pointer is set to. */
void decompressor_use(struct decompressor *decompressor);
sqfs_err decompressor_library_hook(void *in, size_t size, void *out, size_t *out_size);

#endif
