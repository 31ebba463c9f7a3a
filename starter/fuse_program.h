/* SPDX-License-Identifier: BSD-3-Clause */
/* FUSE servers that are programs of others: fuse2fs, fuse-overlayfs. Plain flavour only. */
#ifndef STARTER_FUSE_PROGRAM_H
#define STARTER_FUSE_PROGRAM_H

#include "ipc/err.h"

struct layer_dirs;
struct stage;

/* fuse_program_start_all() - see flavour_prepare(). */
int fuse_program_start_all(struct stage *stage, struct err *err);

/* fuse_program_mount_overlay() - see layer_merge(). */
int fuse_program_mount_overlay(struct stage *stage, const struct layer_dirs *dirs, int target_fd, struct err *err);

#endif
