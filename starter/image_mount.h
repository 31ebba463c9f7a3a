/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_IMAGE_MOUNT_H
#define STARTER_IMAGE_MOUNT_H

#include "ipc/err.h"

struct stage;

/* image_mount_all() - mount every image of the plan below the session directory, each by its method, nosuid and nodev,
 * read-only unless the plan says writable. Fills stage->fs_fd. */
int image_mount_all(struct stage *stage, struct err *err);

#endif
