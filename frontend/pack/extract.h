/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacks a squashfs into a directory. The image is not trusted: nothing is made outside the directory. */
#ifndef FRONTEND_PACK_EXTRACT_H
#define FRONTEND_PACK_EXTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"

/* extract_squashfs() - unpack the squashfs in the @size bytes at @offset of @fd (borrowed) into the empty directory @dest.
 * Root keeps owners, devices, set-id bits and every extended attribute unless @squash_ids; everybody else gets files that
 * belong to the caller, without those. After a failure @dest holds what was unpacked until then. */
int extract_squashfs(int fd, uint64_t offset, uint64_t size, const char *dest, bool squash_ids, struct err *err);

/* extract_open_beneath() - openat2(2) of @path below @dir_fd, following no link. -1 with errno. */
int extract_open_beneath(int dir_fd, const char *path, int flags);

#endif
