/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps that have several ways here, by the rungs that the plan allows. Plain flavour only: flavour.h says what each does. */
#ifndef STARTER_LADDERS_H
#define STARTER_LADDERS_H

#include <stdint.h>

#include "ipc/err.h"

struct stage;

int ladders_mount_kernel_fs(const struct stage *stage, uint32_t index, int target_fd, struct err *err);
int ladders_mount_devpts(const struct stage *stage, uint32_t index, int target_fd, struct err *err);
int ladders_make_layer(struct stage *stage, uint32_t layers, int target_fd, struct err *err);
int ladders_set_root(const struct stage *stage, struct err *err);

#endif
