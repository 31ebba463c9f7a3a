/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "frontend/image/bytes.h"
#include "frontend/image/probe.h"
#include "frontend/image/sif.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define LOCK_TRIES 200 /* of 10 ms */

static int unrecognized(struct err *err)
{
	return err_set(err, ERR_IMAGE, EINVAL, "image format not recognized");
}

static int probe_extent(int fd, uint64_t offset, uint64_t size, struct probe_result *out, struct err *err)
{
	uint8_t bytes[PROBE_BYTES];
	ssize_t got = bytes_read_at(fd, bytes, size < sizeof(bytes) ? (size_t)size : sizeof(bytes), offset);

	if (got < 0)
		return err_sys(err, (int)-got, "cannot read image");
	return probe_filesystem(bytes, (size_t)got, size, out, err);
}

static enum image_role convert_role(uint32_t part)
{
	switch (part) {
	case SIF_PART_PRIMARY:
		return IMAGE_ROLE_ROOT;
	case SIF_PART_DATA:
		return IMAGE_ROLE_DATA;
	case SIF_PART_OVERLAY:
		return IMAGE_ROLE_OVERLAY;
	default:
		/* A role nobody gave out is the one that nothing is done with. */
		return IMAGE_ROLE_SYSTEM;
	}
}

/* The descriptor claims a file system; the bytes must agree. */
static int check_partition(int fd, const struct sif_entry *entry, struct image_partition *out, struct err *err)
{
	struct probe_result probe;
	int rc;

	switch (sif_get_fs(entry)) {
	case SIF_FS_ENCRYPTED:
		out->fs = IMAGE_FS_ENCRYPTED;
		return 0;
	case SIF_FS_SQUASHFS:
		out->fs = IMAGE_FS_SQUASHFS;
		break;
	case SIF_FS_EXT3:
		out->fs = IMAGE_FS_EXT3;
		break;
	default:
		out->fs = IMAGE_FS_UNKNOWN;
		return 0;
	}
	rc = probe_extent(fd, entry->offset, entry->size, &probe, err);
	if (rc < 0)
		return err_wrap(err, "partition %u", entry->id);
	if (probe.fs != (out->fs == IMAGE_FS_SQUASHFS ? PROBE_SQUASHFS : PROBE_EXT3))
		return err_set(err, ERR_IMAGE, EINVAL, "partition %u: cannot find the %s file system it should hold",
			       entry->id, out->fs == IMAGE_FS_SQUASHFS ? "squashfs" : "ext3");
	return 0;
}

static int add_partition(struct image *image, const struct sif_entry *entry, struct err *err)
{
	struct image_partition *out = &image->partitions[image->partition_count];
	int rc = check_partition(image->fd, entry, out, err);

	if (rc < 0)
		return rc;
	out->id = entry->id;
	out->group = entry->group;
	out->role = convert_role(sif_get_part(entry));
	out->offset_bytes = entry->offset;
	out->size_bytes = entry->size;
	strcpy(out->arch, sif_get_arch(entry));
	strcpy(out->name, entry->name);
	image->partition_count++;
	return 0;
}

static int open_sif(struct image *image, uint64_t file_size, struct err *err)
{
	struct sif sif = {.count = 0};
	int rc = sif_load(image->fd, file_size, &sif, err);

	if (rc < 0)
		return rc;
	image->kind = IMAGE_SIF;
	image->partitions = calloc(sif.count + 1, sizeof(*image->partitions));
	if (!image->partitions)
		rc = err_sys(err, ENOMEM, "cannot read image");
	for (size_t i = 0; i < sif.count && rc == 0; i++) {
		if (sif.entries[i].type == SIF_DATA_OCI_INDEX)
			image->kind = IMAGE_OCI_SIF;
		if (sif.entries[i].type == SIF_DATA_PARTITION)
			rc = add_partition(image, &sif.entries[i], err);
	}
	sif_fini(&sif);
	return rc;
}

static int open_bare(struct image *image, const uint8_t *bytes, size_t size, uint64_t file_size, struct err *err)
{
	uint64_t offset = probe_skip_launch(bytes, size);
	struct image_partition *partition;
	struct probe_result probe;
	int rc;

	if (offset >= file_size)
		return unrecognized(err);
	rc = probe_extent(image->fd, offset, file_size - offset, &probe, err);
	if (rc < 0)
		return rc;
	if (probe.fs == PROBE_NONE)
		return unrecognized(err);
	partition = calloc(1, sizeof(*partition));
	if (!partition)
		return err_sys(err, ENOMEM, "cannot read image");
	image->kind = probe.fs == PROBE_SQUASHFS ? IMAGE_SQUASHFS : IMAGE_EXT3;
	partition->fs = probe.fs == PROBE_SQUASHFS ? IMAGE_FS_SQUASHFS : IMAGE_FS_EXT3;
	partition->role = IMAGE_ROLE_ROOT;
	partition->offset_bytes = offset;
	partition->size_bytes = file_size - offset;
	strcpy(partition->arch, "unknown");
	image->partitions = partition;
	image->partition_count = 1;
	return 0;
}

/* Exchange the descriptor for one that can write, if the file lets us; what was probed must be what is written. */
static void make_writable(struct image *image, const struct stat *before)
{
	cleanup_fd int fd = open(image->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat now;

	if (fd < 0 || fstat(fd, &now) < 0 || now.st_dev != before->st_dev || now.st_ino != before->st_ino)
		return;
	(void)close(image->fd);
	image->fd = fd_take(&fd);
	image->writable = true;
}

static int open_file(struct image *image, const struct stat *st, bool writable, struct err *err)
{
	uint8_t bytes[PROBE_BYTES];
	uint64_t file_size = (uint64_t)st->st_size;
	ssize_t got = bytes_read_at(image->fd, bytes, sizeof(bytes), 0);
	int rc;

	if (got < 0)
		return err_sys(err, (int)-got, "cannot read image");
	if (sif_is_image(bytes, (size_t)got))
		rc = open_sif(image, file_size, err);
	else
		rc = open_bare(image, bytes, (size_t)got, file_size, err);
	if (rc == 0 && writable && (image->kind == IMAGE_SIF || image->kind == IMAGE_EXT3))
		make_writable(image, st);
	return rc;
}

static int open_sandbox(struct image *image, bool writable, struct err *err)
{
	int fd = openat(image->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "cannot enter directory");
	(void)close(image->fd);
	image->fd = fd;
	image->kind = IMAGE_SANDBOX;
	image->writable = writable && faccessat(fd, ".", W_OK, AT_EACCESS) == 0;
	return 0;
}

static int open_any(struct image *image, bool writable, struct err *err)
{
	struct stat st;

	/* O_NONBLOCK: a named pipe must not hold us up before we know that it is one. */
	image->fd = open(image->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (image->fd < 0)
		return err_sys(err, errno, "cannot open");
	if (fstat(image->fd, &st) < 0)
		return err_sys(err, errno, "cannot examine");
	if (S_ISDIR(st.st_mode))
		return open_sandbox(image, writable, err);
	if (!S_ISREG(st.st_mode))
		return unrecognized(err);
	return open_file(image, &st, writable, err);
}

int image_open(const char *path, bool writable, struct image *out, struct err *err)
{
	struct image image = IMAGE_INIT;
	int rc;

	image.path = realpath(path, NULL);
	if (!image.path)
		return err_sys(err, errno, "could not open image %s: failed to retrieve path for %s", path, path);
	rc = open_any(&image, writable, err);
	if (rc < 0) {
		image_close(&image);
		(void)err_wrap(err, "could not open image %s", path);
		return rc;
	}
	*out = image;
	return 0;
}

void image_close(struct image *image)
{
	if (image->fd >= 0)
		(void)close(image->fd);
	free(image->path);
	free(image->partitions);
	*image = (struct image)IMAGE_INIT;
}

/*
 * Two that write one ext3 file system destroy it, and one that reads meanwhile sees nonsense. The lock is on the open file, which
 * the loop device or fuse2fs keeps until the last change is written: a launch that follows at once waits for that.
 */
int image_lock(int fd, const char *path, bool writable, struct err *err)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
			return 0;
		/* Network file systems have their own rules: no lock is better than no launch. */
		if (errno != EWOULDBLOCK) {
			log_debug("cannot lock %s: %s", path, strerror(errno));
			return 0;
		}
		(void)nanosleep(&pause, NULL);
	}
	return err_set(err, ERR_IMAGE, EBUSY, "%s is in use: %s", path,
		       writable ? "one container alone can write to it" : "another container writes to it");
}

const struct image_partition *image_get_root(const struct image *image)
{
	for (size_t i = 0; i < image->partition_count; i++) {
		if (image->partitions[i].role == IMAGE_ROLE_ROOT)
			return &image->partitions[i];
	}
	return NULL;
}
