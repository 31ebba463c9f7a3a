/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_LOOP_H
#define STARTER_LOOP_H

#include <stdint.h>

#include "ipc/err.h"

struct plan_fs;

#define LOOP_PATH_MAX 32

/* loop_attach() - bind the extent of @fs in @image_fd (borrowed) to a free loop device below number @max; read-only unless
 * fs->writable, freed by the kernel with its last user (LO_FLAGS_AUTOCLEAR). *@out_fd (owned) keeps it until it is mounted;
 * @path gets its node. Needs root in the initial user namespace. See loop(4). */
int loop_attach(const struct plan_fs *fs, int image_fd, uint32_t max, int *out_fd, char path[LOOP_PATH_MAX],
		struct err *err);

#endif
