/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/into_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define SIF_HEAD_BYTES 2048
#define SIF_MAGIC "SIF_MAGIC"

int into_file_write(int fd, const void *bytes, size_t size, struct err *err)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "cannot write");
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int into_file_begin(struct into_file *into, int fd, uint64_t size, struct err *err)
{
	*into = (struct into_file){.fd = fd, .size = size};
	into->progress = progress_new();
	into->bar = progress_add(into->progress, "Downloading", size);
	return digest_new(&into->sum, err);
}

int into_file_take(void *context, const void *bytes, size_t size, struct err *err)
{
	struct into_file *into = context;
	int rc;

	if (into->size && size > into->size - into->done)
		return err_set(err, ERR_IMAGE, EFBIG, "it is longer than the %" PRIu64 " bytes that were announced", into->size);
	rc = digest_update(into->sum, bytes, size, err);
	if (rc == 0)
		rc = into_file_write(into->fd, bytes, size, err);
	into->done += size;
	progress_update(into->progress, into->bar, into->done);
	return rc;
}

int into_file_end(struct into_file *into, int result, const char *digest, struct err *err)
{
	char text[DIGEST_TEXT_MAX];

	progress_free(into->progress);
	if (result == 0 && into->size && into->done != into->size)
		result = err_set(err, ERR_IMAGE, ENODATA, "%" PRIu64 " bytes came instead of %" PRIu64, into->done, into->size);
	if (result == 0 && digest) {
		result = digest_finish(into->sum, text, err);
		if (result == 0 && strcmp(text, digest) != 0)
			result = err_set(err, ERR_IMAGE, EBADMSG, "what came has the digest %s instead of %s", text, digest);
	}
	digest_free(into->sum);
	return result;
}

int into_file_check_sif(int fd, struct err *err)
{
	char head[SIF_HEAD_BYTES];
	ssize_t size = pread(fd, head, sizeof(head), 0);

	if (size > 0 && memmem(head, (size_t)size, SIF_MAGIC, strlen(SIF_MAGIC)))
		return 0;
	return err_set(err, ERR_IMAGE, EINVAL, "it is not a SIF file");
}
