/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/squash_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqfs/error.h>

struct squash_file {
	sqfs_file_t base; /* first: libsquashfs sees only this */
	int fd;           /* borrowed */
	bool writable;
	uint64_t offset, size;
	int errnum; /* of the last failed call */
};

static struct squash_file *as_squash_file(sqfs_file_t *base)
{
	return (struct squash_file *)(void *)base;
}

static void file_destroy(sqfs_object_t *object)
{
	free(object);
}

static sqfs_object_t *file_copy(const sqfs_object_t *object)
{
	const struct squash_file *self = (const struct squash_file *)(const void *)object;
	sqfs_file_t *copy;

	if (self->writable)
		return NULL;
	copy = squash_file_new(self->fd, self->offset, self->size, false);
	return copy ? &copy->base : NULL;
}

static int file_read_at(sqfs_file_t *base, sqfs_u64 offset, void *buffer, size_t size)
{
	struct squash_file *self = as_squash_file(base);

	if (offset > self->size || size > self->size - offset)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	while (size > 0) {
		ssize_t got = pread(self->fd, buffer, size, (off_t)(self->offset + offset));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			self->errnum = got < 0 ? errno : ENODATA;
			return SQFS_ERROR_IO;
		}
		buffer = (char *)buffer + got;
		offset += (sqfs_u64)got;
		size -= (size_t)got;
	}
	return 0;
}

static int file_write_at(sqfs_file_t *base, sqfs_u64 offset, const void *buffer, size_t size)
{
	struct squash_file *self = as_squash_file(base);

	if (!self->writable)
		return SQFS_ERROR_UNSUPPORTED;
	while (size > 0) {
		ssize_t put = pwrite(self->fd, buffer, size, (off_t)(self->offset + offset));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			self->errnum = put < 0 ? errno : EIO;
			return SQFS_ERROR_IO;
		}
		buffer = (const char *)buffer + put;
		offset += (sqfs_u64)put;
		size -= (size_t)put;
	}
	if (offset > self->size)
		self->size = offset;
	return 0;
}

static sqfs_u64 file_get_size(const sqfs_file_t *base)
{
	return ((const struct squash_file *)(const void *)base)->size;
}

/* Shrinking follows each duplicate found; what stays behind the end is overwritten by the next block, and the length of the
 * whole image is set when it is finished. */
static int file_truncate(sqfs_file_t *base, sqfs_u64 size)
{
	as_squash_file(base)->size = size;
	return 0;
}

sqfs_file_t *squash_file_new(int fd, uint64_t offset, uint64_t size, bool writable)
{
	struct squash_file *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	self->fd = fd;
	self->offset = offset;
	self->size = size;
	self->writable = writable;
	self->base.base.destroy = file_destroy;
	self->base.base.copy = file_copy;
	self->base.read_at = file_read_at;
	self->base.write_at = file_write_at;
	self->base.get_size = file_get_size;
	self->base.truncate = file_truncate;
	return &self->base;
}

int squash_file_fail(struct err *err, int code, const sqfs_file_t *file, const char *what)
{
	const struct squash_file *self = (const struct squash_file *)(const void *)file;

	switch (code) {
	case SQFS_ERROR_ALLOC:
		return err_sys(err, ENOMEM, "%s", what);
	case SQFS_ERROR_IO:
		return err_sys(err, self && self->errnum ? self->errnum : EIO, "%s", what);
	case SQFS_ERROR_COMPRESSOR:
		return err_set(err, ERR_IMAGE, EINVAL, "%s: a block cannot be compressed or is damaged", what);
	case SQFS_ERROR_UNSUPPORTED:
		return err_set(err, ERR_IMAGE, EOPNOTSUPP, "%s: squashfs feature not known here", what);
	case SQFS_ERROR_INTERNAL:
	case SQFS_ERROR_ARG_INVALID:
	case SQFS_ERROR_SEQUENCE:
		return err_set(err, ERR_BUG, EINVAL, "%s: libsquashfs error %d", what, code);
	default:
		return err_set(err, ERR_IMAGE, EINVAL, "%s: squashfs is damaged (libsquashfs error %d)", what, code);
	}
}
