/* SPDX-License-Identifier: BSD-3-Clause */
/* The mounts of a launch, in the order that they are made. */
#ifndef FRONTEND_LAUNCH_MOUNTS_H
#define FRONTEND_LAUNCH_MOUNTS_H

#include "frontend/launch/plan_build.h"

/* mounts_add_images() - root image and overlays as plan.fs, each with its method. */
int mounts_add_images(struct builder *builder, struct err *err);

/* mounts_add_all() - /dev, configured binds, /proc, /sys, home, /tmp, scratch, generated files, user binds, working directory. */
int mounts_add_all(struct builder *builder, struct err *err);

/* mounts_add_seccomp() - compile the profile at @path in the imager; the filter becomes a descriptor of the plan. */
int mounts_add_seccomp(struct builder *builder, const char *path, struct err *err);

#endif
