/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <libdeflate.h>
#include <zstd.h>

#include "starter/fuse/decompress.h"

#include <squashfuse/squashfs_fs.h>

struct decompressor {
	struct libdeflate_decompressor *deflate; /* owned, or NULL */
	ZSTD_DCtx *zstd;                         /* owned, or NULL */
	sqfs_decompressor fallback;
};

static __thread struct decompressor *current;

struct decompressor *decompressor_new(int compression, sqfs_decompressor fallback)
{
	struct decompressor *decompressor = calloc(1, sizeof(*decompressor));

	if (!decompressor)
		return NULL;
	decompressor->fallback = fallback;
	if (compression == ZLIB_COMPRESSION)
		decompressor->deflate = libdeflate_alloc_decompressor();
	else if (compression == ZSTD_COMPRESSION)
		decompressor->zstd = ZSTD_createDCtx();
	return decompressor;
}

void decompressor_free(struct decompressor *decompressor)
{
	if (!decompressor)
		return;
	libdeflate_free_decompressor(decompressor->deflate);
	(void)ZSTD_freeDCtx(decompressor->zstd);
	free(decompressor);
}

long decompressor_run(struct decompressor *decompressor, void *in, size_t size, void *out, size_t room)
{
	size_t made = room;

	if (decompressor->deflate)
		return libdeflate_zlib_decompress(decompressor->deflate, in, size, out, room, &made) ==
				       LIBDEFLATE_SUCCESS
			       ? (long)made
			       : -EIO;
	if (decompressor->zstd) {
		made = ZSTD_decompressDCtx(decompressor->zstd, out, room, in, size);
		return ZSTD_isError(made) ? -EIO : (long)made;
	}
	return decompressor->fallback(in, size, out, &made) == SQFS_OK && made <= room ? (long)made : -EIO;
}

void decompressor_use(struct decompressor *decompressor)
{
	current = decompressor;
}

sqfs_err decompressor_library_hook(void *in, size_t size, void *out, size_t *out_size)
{
	long made = decompressor_run(current, in, size, out, *out_size);

	if (made < 0)
		return SQFS_ERR;
	*out_size = (size_t)made;
	return SQFS_OK;
}
