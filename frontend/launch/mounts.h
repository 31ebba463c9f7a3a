/* SPDX-License-Identifier: BSD-3-Clause */
/* The mounts of a launch, in the order that they are made. */
#ifndef FRONTEND_LAUNCH_MOUNTS_H
#define FRONTEND_LAUNCH_MOUNTS_H

#include "frontend/launch/plan_build.h"

/* mounts_add_all() - /dev, configured binds, /proc, /sys, home, /tmp, scratch, generated files, user binds, working directory.
 * Returns 0 or a negative errno with @err. */
int mounts_add_all(struct builder *builder, struct err *err);

#endif
