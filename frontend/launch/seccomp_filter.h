/* SPDX-License-Identifier: BSD-3-Clause */
/* --security seccomp: */
#ifndef FRONTEND_LAUNCH_SECCOMP_FILTER_H
#define FRONTEND_LAUNCH_SECCOMP_FILTER_H

#include "frontend/launch/plan_build.h"

/* seccomp_filter_add() - compile the profile at @path in the imager; the filter becomes a descriptor of the plan.
 * Returns 0 or a negative errno with @err. */
int seccomp_filter_add(struct builder *builder, const char *path, struct err *err);

#endif
