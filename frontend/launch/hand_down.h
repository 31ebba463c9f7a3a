/* SPDX-License-Identifier: BSD-3-Clause */
/* What this launch leaves for launches inside the container: see frontend/launch/outer.h, and --nest. */
#ifndef FRONTEND_LAUNCH_HAND_DOWN_H
#define FRONTEND_LAUNCH_HAND_DOWN_H

#include "frontend/launch/plan_build.h"

#define HAND_DOWN_NEST_DIR "/.singularity.d/nest"

/* hand_down_add() - the mounts below /.singularity.d/outer, for images that have mount points for them; with --nest for every
 * image, together with a read-only tree of our own programs at HAND_DOWN_NEST_DIR. Returns 0 or a negative errno with @err. */
int hand_down_add(struct builder *builder, struct err *err);

#endif
