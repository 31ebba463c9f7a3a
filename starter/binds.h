/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_BINDS_H
#define STARTER_BINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"

struct stage;

/* binds_judge() - what it means that a step of mount @index ended with @result and @err: a failure, or a line of the log, as the plan
 * says. Returns 0 or @result. */
int binds_judge(const struct stage *stage, uint32_t index, int result, struct err *err);

/* binds_is_missing() - does mount @index need a mount point that the root image lacks and no earlier mount brings? */
bool binds_is_missing(const struct stage *stage, uint32_t index);

/* binds_wants_file() - is the mount point of mount @index a file? Images must be mounted. */
bool binds_wants_file(const struct stage *stage, uint32_t index);

/* binds_any_missing() - the same for the whole plan. */
bool binds_any_missing(const struct stage *stage);

/* binds_mount_devpts() - a new devpts instance at @target_fd, its terminals for group 5 if @tty. */
int binds_mount_devpts(uint32_t attrs, bool tty, int target_fd, struct err *err);

/* binds_apply() - every mount of the plan, in its order, below the staging root. */
int binds_apply(struct stage *stage, struct err *err);

#endif
