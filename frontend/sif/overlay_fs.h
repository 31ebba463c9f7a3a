/* SPDX-License-Identifier: BSD-3-Clause */
/* An ext3 file system that can be a writable overlay: upper and work in its root. Made by mke2fs(8), an external program, which is
 * looked for along the search path of singularity.conf. */
#ifndef FRONTEND_SIF_OVERLAY_FS_H
#define FRONTEND_SIF_OVERLAY_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/cli.h"
#include "ipc/err.h"

struct overlay_fs_options {
	uint64_t size_bytes;
	bool sparse; /* else every block is given by the file system around it */
	struct strlist dirs; /* made below upper */
};

/* overlay_fs_check() - is all that overlay_fs_make() needs there? -ENOENT names the program that is missing. */
int overlay_fs_check(struct err *err);

/* overlay_fs_make() - fill the empty file @fd (borrowed; read and write). Upper and work belong to the caller. */
int overlay_fs_make(int fd, const struct overlay_fs_options *options, struct err *err);

#endif
