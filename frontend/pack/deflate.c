/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/deflate.h"

#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <sqfs/error.h>

struct deflate {
	sqfs_compressor_t base; /* first: libsquashfs sees only this */
	uint32_t block_size;
	unsigned int level;
	bool uncompress;
	struct libdeflate_compressor *packer;     /* NULL when uncompressing or storing */
	struct libdeflate_decompressor *unpacker; /* NULL when compressing */
};

static struct deflate *as_deflate(sqfs_compressor_t *base)
{
	return (struct deflate *)(void *)base;
}

static void deflate_destroy(sqfs_object_t *object)
{
	struct deflate *self = (struct deflate *)(void *)object;

	if (self->packer)
		libdeflate_free_compressor(self->packer);
	if (self->unpacker)
		libdeflate_free_decompressor(self->unpacker);
	free(self);
}

static sqfs_object_t *deflate_copy(const sqfs_object_t *object)
{
	const struct deflate *self = (const struct deflate *)(const void *)object;
	sqfs_compressor_t *copy = deflate_create(self->level, self->block_size, self->uncompress);

	return copy ? &copy->base : NULL;
}

static void deflate_get_configuration(const sqfs_compressor_t *base, sqfs_compressor_config_t *config)
{
	const struct deflate *self = (const struct deflate *)(const void *)base;

	memset(config, 0, sizeof(*config));
	config->id = SQFS_COMP_GZIP;
	config->flags = self->uncompress ? SQFS_COMP_FLAG_UNCOMPRESS : 0;
	config->block_size = self->block_size;
	config->level = self->level;
	config->opt.gzip.window_size = SQFS_GZIP_DEFAULT_WINDOW;
}

/* The level says nothing that a reader needs, so the image looks as if made with the default options. */
static int deflate_write_options(sqfs_compressor_t *base, sqfs_file_t *file)
{
	(void)base;
	(void)file;
	return 0;
}

static int deflate_read_options(sqfs_compressor_t *base, sqfs_file_t *file)
{
	(void)base;
	(void)file;
	return 0;
}

static sqfs_s32 deflate_pack(sqfs_compressor_t *base, const sqfs_u8 *in, sqfs_u32 size, sqfs_u8 *out,
			     sqfs_u32 out_size)
{
	struct deflate *self = as_deflate(base);
	size_t packed;

	if (!self->packer)
		return 0;
	/* One byte saved at least; otherwise the block is stored. */
	if (size == 0 || out_size == 0)
		return 0;
	packed = libdeflate_zlib_compress(self->packer, in, size, out, out_size < size ? out_size : size - 1);
	return (sqfs_s32)packed;
}

static sqfs_s32 deflate_unpack(sqfs_compressor_t *base, const sqfs_u8 *in, sqfs_u32 size, sqfs_u8 *out,
			       sqfs_u32 out_size)
{
	struct deflate *self = as_deflate(base);
	size_t unpacked = 0;

	switch (libdeflate_zlib_decompress(self->unpacker, in, size, out, out_size, &unpacked)) {
	case LIBDEFLATE_SUCCESS:
		return (sqfs_s32)unpacked;
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return 0;
	case LIBDEFLATE_BAD_DATA:
	case LIBDEFLATE_SHORT_OUTPUT:
	default:
		return SQFS_ERROR_COMPRESSOR;
	}
}

sqfs_compressor_t *deflate_create(unsigned int level, uint32_t block_size, bool uncompress)
{
	struct deflate *self;

	if (level > DEFLATE_LEVEL_MAX)
		return NULL;
	self = calloc(1, sizeof(*self));
	if (!self)
		return NULL;
	self->level = level;
	self->block_size = block_size;
	self->uncompress = uncompress;
	if (uncompress)
		self->unpacker = libdeflate_alloc_decompressor();
	else if (level != DEFLATE_LEVEL_STORE)
		self->packer = libdeflate_alloc_compressor((int)level);
	if (!self->packer && !self->unpacker && (uncompress || level != DEFLATE_LEVEL_STORE)) {
		free(self);
		return NULL;
	}
	self->base.base.destroy = deflate_destroy;
	self->base.base.copy = deflate_copy;
	self->base.get_configuration = deflate_get_configuration;
	self->base.write_options = deflate_write_options;
	self->base.read_options = deflate_read_options;
	self->base.do_block = uncompress ? deflate_unpack : deflate_pack;
	return &self->base;
}
