/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipc/cleanup.h"

#define COPY_BYTES ((size_t)256 * 1024)

/* File systems without O_TMPFILE: a name that is there for a moment. */
static int open_and_unlink(const char *dir)
{
	cleanup_ptr char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/singularity-XXXXXX", dir) < 0) {
		path = NULL;
		errno = ENOMEM;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

int spool_open(const char *tmpdir, int *fd, struct err *err)
{
	const char *environment = getenv("TMPDIR");
	const char *dir = tmpdir && *tmpdir ? tmpdir : environment && *environment ? environment : "/tmp";
	int made = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (made < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		made = open_and_unlink(dir);
	if (made < 0)
		return err_sys(err, errno, "cannot make a temporary file in %s", dir);
	*fd = made;
	return 0;
}

int spool_write(int fd, const void *bytes, size_t size, struct err *err)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t put = write(fd, at, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return err_sys(err, put < 0 ? errno : EIO, "cannot write a temporary file");
		at += put;
		size -= (size_t)put;
	}
	return 0;
}

int spool_read(int fd, uint64_t offset, size_t size, char **out, struct err *err)
{
	cleanup_ptr char *bytes = malloc(size + 1);
	size_t done = 0;

	if (!bytes)
		return err_sys(err, ENOMEM, "cannot read %zu bytes", size);
	while (done < size) {
		ssize_t got = pread(fd, bytes + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? err_sys(err, errno, "cannot read a file of the image")
				       : err_set(err, ERR_IMAGE, ENODATA, "cannot read a file of the image: it is cut short");
		done += (size_t)got;
	}
	bytes[size] = '\0';
	*out = ptr_take(bytes);
	return 0;
}

int spool_copy(int fd, uint64_t offset, uint64_t size, oci_sink sink, void *context, struct err *err)
{
	cleanup_ptr char *buffer = malloc(COPY_BYTES);
	int rc = buffer ? 0 : err_sys(err, ENOMEM, "cannot read a file of the image");

	while (rc == 0 && size > 0) {
		ssize_t got = pread(fd, buffer, size < COPY_BYTES ? (size_t)size : COPY_BYTES, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_sys(err, got < 0 ? errno : ENODATA, "cannot read a file of the image");
		rc = sink(context, buffer, (size_t)got, err);
		offset += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return rc;
}
