/* SPDX-License-Identifier: BSD-3-Clause */
/* A local image: opened once, identified by its bytes, its partitions bounds-checked. */
#ifndef FRONTEND_IMAGE_IMAGE_H
#define FRONTEND_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

enum image_kind { IMAGE_SANDBOX = 1, IMAGE_SIF, IMAGE_OCI_SIF, IMAGE_SQUASHFS, IMAGE_EXT3 };
enum image_fs { IMAGE_FS_UNKNOWN, IMAGE_FS_SQUASHFS, IMAGE_FS_EXT3, IMAGE_FS_ENCRYPTED };
enum image_role { IMAGE_ROLE_SYSTEM = 1, IMAGE_ROLE_ROOT, IMAGE_ROLE_DATA, IMAGE_ROLE_OVERLAY };

/* One mountable extent. A bare squashfs or ext3 file has exactly one, with role ROOT. */
struct image_partition {
	uint32_t id;    /* SIF object id; 0 for bare files */
	uint32_t group; /* SIF group without the 0xF0000000 mark; 0: none */
	enum image_fs fs;
	enum image_role role;
	uint64_t offset_bytes, size_bytes;
	char arch[16];  /* Go name, or "unknown" */
	char name[129];
};

struct image {
	enum image_kind kind;
	int fd;     /* owned. Sandbox: O_PATH|O_DIRECTORY; files: O_RDONLY, or O_RDWR when opened writable */
	char *path; /* owned; absolute, links resolved */
	bool writable;
	size_t partition_count;
	struct image_partition *partitions; /* owned */
};

#define IMAGE_INIT {.fd = -1}

/* image_open() - open and identify @path (detection order of the format reference: directory, SIF, OCI-SIF, squashfs, ext3).
 * With @writable a file that cannot be written falls back to read-only (image.writable tells). Returns 0, or a negative
 * errno with @err: -ENOENT, -EACCES, ERR_IMAGE/-EINVAL for "image format not recognized" or a damaged image. */
int image_open(const char *path, bool writable, struct image *out, struct err *err);
void image_close(struct image *image);

/* image_lock() - for the time that @fd (borrowed; @path for messages) and its duplicates are open: alone with the file when @writable,
 * else with others that read it. Waits two seconds. -EBUSY with ERR_IMAGE. On a file system without locks there is none, and 0 is
 * returned. See flock(2). */
int image_lock(int fd, const char *path, bool writable, struct err *err);

/* image_get_root() - the partition to run from, NULL if there is none. */
const struct image_partition *image_get_root(const struct image *image);

/* image_check_arch() - can the architecture recorded for the root run on this host (native, compatible, or by a persistent
 * binfmt_misc handler)? Returns 0, or -ENOEXEC with "image targets 'A', cannot run on 'B'". */
int image_check_arch(const struct image *image, struct err *err);

#endif
