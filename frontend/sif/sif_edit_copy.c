/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/sif/sif_edit_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/image/bytes.h"
#include "frontend/registry/digest.h"
#include "frontend/sif/sif_edit.h"
#include "ipc/cleanup.h"

#define CHUNK_BYTES ((size_t)1024 * 1024)

struct copy {
	const struct sif_edit *edit;
	int from;
	uint64_t offset; /* of the first byte in the image */
	uint64_t done;
	struct digest *digest; /* owned; NULL: none wanted */
	char *chunk;           /* owned */
};

static int cannot_write(const struct copy *copy, int errnum, struct err *err)
{
	return err_sys(err, errnum, "cannot write to %s", copy->edit->path);
}

/* Read up to @max bytes on to the image; *@got 0 at the end. */
static int copy_chunk(struct copy *copy, size_t max, size_t *got, struct err *err)
{
	ssize_t count;
	int rc;

	do {
		count = read(copy->from, copy->chunk, max < CHUNK_BYTES ? max : CHUNK_BYTES);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return err_sys(err, errno, "cannot read what is to be added");
	*got = (size_t)count;
	if (copy->done + *got > (uint64_t)INT64_MAX - copy->offset)
		return cannot_write(copy, EFBIG, err);
	if (copy->digest) {
		rc = digest_update(copy->digest, copy->chunk, *got, err);
		if (rc < 0)
			return rc;
	}
	rc = bytes_write_at(copy->edit->fd, copy->chunk, *got, copy->offset + copy->done);
	if (rc < 0)
		return cannot_write(copy, -rc, err);
	copy->done += *got;
	return 0;
}

static int copy_stream(struct copy *copy, struct err *err)
{
	size_t got = 1;
	int rc = 0;

	while (rc == 0 && got > 0)
		rc = copy_chunk(copy, CHUNK_BYTES, &got, err);
	return rc;
}

/* The @size bytes at @at of the source, which begins to count at @start; they are all there. */
static int copy_range(struct copy *copy, uint64_t start, uint64_t at, uint64_t size, struct err *err)
{
	if (size > 0 && lseek(copy->from, (off_t)at, SEEK_SET) < 0)
		return err_sys(err, errno, "cannot read what is to be added");
	copy->done = at - start;
	while (size > 0) {
		size_t got = 0;
		int rc = copy_chunk(copy, size < CHUNK_BYTES ? (size_t)size : CHUNK_BYTES, &got, err);

		if (rc < 0)
			return rc;
		if (got == 0)
			return err_set(err, ERR_SYSTEM, EIO, "cannot read what is to be added: it became shorter");
		size -= got;
	}
	return 0;
}

/* lseek(2) with SEEK_DATA or SEEK_HOLE; @end when there is no more of it. */
static int find_next(const struct copy *copy, uint64_t at, int whence, uint64_t end, uint64_t *next, struct err *err)
{
	off_t found = lseek(copy->from, (off_t)at, whence);

	if (found < 0 && errno != ENXIO)
		return err_sys(err, errno, "cannot read what is to be added");
	*next = found < 0 || (uint64_t)found > end ? end : (uint64_t)found;
	return 0;
}

/* Data of the source as data, holes as holes: but in front of the old end of the image, where an object that was deleted left its
 * bytes, as zeros. */
static int copy_sparse(struct copy *copy, uint64_t start, uint64_t end, struct err *err)
{
	uint64_t at = start;

	while (at < end) {
		uint64_t stale_end = copy->edit->file_size, to = copy->offset + (at - start), data, hole;
		int rc = find_next(copy, at, SEEK_DATA, end, &data, err);

		if (rc == 0 && data > at && stale_end > to)
			rc = copy_range(copy, start, at, stale_end - to < data - at ? stale_end - to : data - at, err);
		if (rc == 0)
			rc = find_next(copy, data, SEEK_HOLE, end, &hole, err);
		if (rc == 0 && data < end)
			rc = copy_range(copy, start, data, hole - data, err);
		if (rc < 0)
			return rc;
		at = data < end ? hole : end;
	}
	copy->done = end - start;
	return 0;
}

static int copy_file(struct copy *copy, const struct stat *st, bool reserve, struct err *err)
{
	off_t start = lseek(copy->from, 0, SEEK_CUR);
	int rc;

	if (start < 0)
		return err_sys(err, errno, "cannot read what is to be added");
	if (st->st_size <= start)
		return 0;
	if (reserve) {
		rc = posix_fallocate(copy->edit->fd, (off_t)copy->offset, st->st_size - start);
		if (rc != 0)
			return cannot_write(copy, rc, err);
	}
	/* The digest needs every byte. */
	return copy->digest ? copy_stream(copy, err) : copy_sparse(copy, (uint64_t)start, (uint64_t)st->st_size, err);
}

static int copy_any(struct copy *copy, const struct sif_source *source, struct err *err)
{
	struct stat st, image;
	uint64_t end;
	int rc;

	if (fstat(copy->from, &st) < 0 || fstat(copy->edit->fd, &image) < 0)
		return err_sys(err, errno, "cannot read what is to be added");
	if (S_ISDIR(st.st_mode))
		return err_sys(err, EISDIR, "cannot read what is to be added");
	if (st.st_dev == image.st_dev && st.st_ino == image.st_ino)
		return err_set(err, ERR_USAGE, EINVAL, "cannot add %s to itself", copy->edit->path);
	rc = S_ISREG(st.st_mode) ? copy_file(copy, &st, source->reserve, err) : copy_stream(copy, err);
	if (rc < 0)
		return rc;
	end = copy->offset + copy->done;
	if (end > copy->edit->file_size && ftruncate(copy->edit->fd, (off_t)end) < 0)
		return cannot_write(copy, errno, err);
	return fdatasync(copy->edit->fd) < 0 ? cannot_write(copy, errno, err) : 0;
}

int sif_edit_copy(const struct sif_edit *edit, const struct sif_source *source, uint64_t offset, uint64_t *size, char *digest,
		  struct err *err)
{
	cleanup_ptr char *chunk = malloc(CHUNK_BYTES);
	struct copy copy = {.edit = edit, .from = source->fd, .offset = offset, .chunk = chunk};
	int rc = chunk ? 0 : err_sys(err, ENOMEM, "cannot copy what is to be added");

	if (rc == 0 && digest)
		rc = digest_new(&copy.digest, err);
	if (rc == 0)
		rc = copy_any(&copy, source, err);
	if (rc == 0 && digest)
		rc = digest_finish(copy.digest, digest, err);
	digest_free(copy.digest);
	if (rc == 0)
		*size = copy.done;
	return rc;
}
