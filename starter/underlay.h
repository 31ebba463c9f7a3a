/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_UNDERLAY_H
#define STARTER_UNDERLAY_H

#include "ipc/err.h"

struct stage;

/* underlay_build() - without overlayfs: a tree of directories on the session tmpfs at @target_fd (borrowed), with a bind of the
 * image's own entry wherever no mount point is missing below it. Fills stage->root_fd. */
int underlay_build(struct stage *stage, int target_fd, struct err *err);

#endif
